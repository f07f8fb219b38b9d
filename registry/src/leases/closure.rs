//! What is let comes back: `POST /api/v1/leases/{id}/closures`.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use super::content::{LeaseContent, held_versions};
use super::home::require_no_home;
use super::instalments::follow_terms;
use super::occupancy::{Letting, follow_letting};
use super::read::{WHAT, parse_id};
use super::rented::require_no_case;
use super::schedule::schedule;
use crate::ids::{LeaseId, VersionId};
use crate::ledger::Action;
use crate::period::{Held, day, revise};
use crate::request::fields::{required_reason, sane_day};
use crate::request::{Body, Context, Problem, ProblemKind, etag, require_match};
use crate::versioned::{Occasion, answer_ended, write_revision};

/// How a lease ends.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LeaseEnd {
    /// The first day on which it is handed back.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why, with the document it rests on.
    reason: String,
}

/// Ends a lease: it is handed back. Rent of days from then on is owed no more.
#[utoipa::path(post, path = "/api/v1/leases/{id}/closures", operation_id = "hand_back_lease", tag = "leases",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = LeaseEnd,
    responses((status = 200), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn hand_back_lease(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(end): Body<LeaseEnd>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = required_reason(&end.reason)?;
    let valid_to = sane_day("valid_to", end.valid_to)?;
    if valid_to > context.clock.today() {
        return Err(Problem::invalid("valid_to", format!("{valid_to} is in the future"))
            .remedy("end it once it is handed back"));
    }
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = versions.last().ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(before.version_id))?;
    require_no_home(&before.content)?;
    require_no_case(&mut transaction, &before.content).await?;
    let letting = Letting::of(&mut transaction, &before.content).await?;
    let occasion = Occasion::by(&context.actor, Some(reason.clone()));
    let version = hand_back(
        &mut transaction,
        id,
        &versions,
        valid_to,
        &reason,
        context.clock.now(),
        &occasion,
    )
    .await?;
    follow_letting(&mut transaction, &letting, None, context.clock.now(), &occasion).await?;
    transaction.commit().await?;
    Ok(answer_ended(id.0, valid_to, version))
}

/// Ends a lease on a day, with the rent of the days from then on.
pub(super) async fn hand_back(
    connection: &mut PgConnection,
    id: LeaseId,
    versions: &[Held<LeaseContent>],
    valid_to: Date,
    reason: &str,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<Option<VersionId>, Problem> {
    let before = versions.last().ok_or_else(|| Problem::not_found(WHAT))?;
    if before.valid.to.is_some() {
        return Err(Problem::new(ProblemKind::Conflict, "it is handed back already")
            .code("ended")
            .remedy("read it again; what is let anew is a new lease"));
    }
    if valid_to <= before.valid.from {
        return Err(
            Problem::invalid("valid_to", format!("it begins on {} only", before.valid.from))
                .remedy("write the first day on which it is handed back"),
        );
    }
    let mut content = before.content.clone();
    content.end_reason = Some(reason.to_owned());
    let mut revision = revise(versions, before.valid, Some(content.clone()), now);
    for (valid, _) in &mut revision.write {
        valid.to = Some(valid_to);
    }
    let version = write_revision(
        connection,
        id.0,
        Action::Close,
        &revision,
        Some(&before.content),
        occasion,
    )
    .await?;
    let mut terms = content.terms(before.valid.from);
    if let Some(last) = valid_to.previous_day() {
        terms.ends_on = terms.ends_on.min(last);
    }
    follow_terms(connection, id, &schedule(&terms), revision.at, occasion).await?;
    Ok(version)
}
