//! A tenant leaves in order (有序退出): `POST /api/v1/housing-tenancies/{id}/exits`.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use time::Date;

use super::content::held_version;
use super::read::{HousingTenancy, WHAT, load, parse_id};
use crate::leases::take_home_back;
use crate::ledger::Action;
use crate::period::{day, revise};
use crate::request::fields::{required_reason, sane_day};
use crate::request::{Body, Context, Problem, ProblemKind, Times, etag, require_match};
use crate::versioned::{Occasion, answer, write_revision};

/// How a tenancy ends.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HousingTenancyExit)]
pub(super) struct TenancyExit {
    /// The first day on which the home is free again.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    on: Date,
    /// Why, with the document it rests on.
    reason: String,
}

/// Ends a tenancy and its lease: rent of days from then on is owed no more.
#[utoipa::path(post, path = "/api/v1/housing-tenancies/{id}/exits", operation_id = "end_housing_tenancy", tag = "housing",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = TenancyExit,
    responses((status = 200, body = HousingTenancy), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn end_housing_tenancy(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(exit): Body<TenancyExit>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = required_reason(&exit.reason)?;
    let on = sane_day("on", exit.on)?;
    if on > context.clock.today() {
        return Err(Problem::invalid("on", "日期在将来 / that day is still to come")
            .code("date_in_future")
            .remedy("record the exit once the home is handed back"));
    }
    let mut transaction = context.database.begin().await?;
    let held = held_version(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    if held.valid.to.is_some() {
        return Err(
            Problem::new(ProblemKind::Conflict, "已办理退出 / the tenant has left already")
                .code("ended")
                .remedy("read it again"),
        );
    }
    if on <= held.valid.from {
        return Err(Problem::invalid(
            "on",
            format!("起租日是 {} / it begins on that day only", held.valid.from),
        )
        .remedy("write the first day on which the home is free again"));
    }
    let now = context.clock.now();
    let mut content = held.content.clone();
    content.exit_reason = Some(reason.clone());
    let mut revision = revise(std::slice::from_ref(&held), held.valid, Some(content), now);
    for (valid, _) in &mut revision.write {
        valid.to = Some(on);
    }
    let occasion = Occasion::by(&context.actor, Some(reason));
    let version = write_revision(
        &mut transaction,
        id.0,
        Action::Close,
        &revision,
        Some(&held.content),
        &occasion,
    )
    .await?;
    // Why somebody leaves is theirs: the lease says only that they did.
    let ended = Occasion {
        reason: Some("周转住房退出".to_owned()),
        ..occasion
    };
    take_home_back(
        &mut transaction,
        held.content.lease_id,
        (on, "周转住房退出"),
        now,
        &ended,
    )
    .await?;
    transaction.commit().await?;
    let tenancy = load(&context, id, Times::now(&context.clock)).await?;
    Ok(answer(StatusCode::OK, None, version, Json(tenancy)))
}
