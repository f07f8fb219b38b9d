//! `POST /api/v1/stocktakings`: a stocktaking is planned: of what, as of which day.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::content::{StocktakingContent, StocktakingDetails};
use super::permission::require_opening;
use super::procedure::stocktaking;
use crate::ids::{StocktakingId, UnitId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, revise};
use crate::request::fields::{optional_reason, plain_text, require_word, sane_day};
use crate::request::{Body, Context, Fault, Idempotency, Problem, etag};
use crate::units::LEVELS;
use crate::versioned::{Created, Occasion, answer, write_revision};

/// A stocktaking as it is planned.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StocktakingPlan)]
pub(super) struct Plan {
    /// What it is called.
    name: String,
    /// The region; everything below it is counted.
    region_code: String,
    /// Whose assets (本级); all levels unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    admin_level: Option<String>,
    /// One unit's; everybody's unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_id: Option<Uuid>,
    /// The day whose ledger is compared; today unless told.
    #[serde(default, with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
    /// Room by room too? So unless told.
    #[serde(default = "yes")]
    with_rooms: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn yes() -> bool {
    true
}

impl Plan {
    async fn content(
        &self,
        connection: &mut sqlx::PgConnection,
        context: &Context,
    ) -> Result<StocktakingContent, Problem> {
        let definition = stocktaking().map_err(|refused| Fault::Impossible {
            what: refused.to_string(),
        })?;
        let today = context.clock.today();
        let name = plain_text("name", &self.name, 100)?;
        if name.is_empty() {
            return Err(Problem::invalid("name", "必填 / it is missing").remedy("say what the stocktaking is called"));
        }
        let as_of = sane_day("as_of", self.as_of.unwrap_or(today))?;
        if as_of > today {
            return Err(Problem::invalid("as_of", "基准日在将来 / the day lies in the future")
                .code("date_in_future")
                .remedy("choose today or a day before"));
        }
        if let Some(level) = &self.admin_level {
            require_word("admin_level", level, &LEVELS)?;
        }
        let region = plain_text("region_code", &self.region_code, 12)?;
        let is_known = sqlx::query_scalar!(
            r#"select exists (select from region_version
                where code = $1 and valid @> $2::date and upper_inf(recorded)) as "is_known!""#,
            region,
            today,
        )
        .fetch_one(&mut *connection)
        .await?;
        if !is_known {
            return Err(
                Problem::invalid("region_code", "没有这个行政区划 / no region has this code")
                    .remedy("send the code of a region"),
            );
        }
        if let Some(unit) = self.unit_id
            && !crate::units::is_registered(connection, UnitId(unit), today).await?
        {
            return Err(
                Problem::invalid("unit_id", "没有这个单位 / no unit is registered under this id")
                    .remedy("send the id of a unit, or leave it out"),
            );
        }
        Ok(StocktakingContent {
            name,
            region_code: region,
            admin_level: self.admin_level.clone(),
            unit_id: self.unit_id.map(UnitId),
            as_of,
            with_rooms: self.with_rooms,
            definition: definition.digest(),
            state: definition.initial.clone(),
            is_open: true,
            is_finished: false,
            opened_by: context.actor.0.clone(),
            put_forward_by: None,
            decided_by: None,
            lines: None,
            lines_sha256: None,
            details: StocktakingDetails::default(),
        })
    }
}

/// Plans a stocktaking. The list is frozen by a step of its own.
#[utoipa::path(post, path = "/api/v1/stocktakings", operation_id = "open_stocktaking", tag = "stocktakings",
    params(("Idempotency-Key" = String, Header)), request_body = Plan,
    responses((status = 201, body = Created), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn open_stocktaking(
    context: Context,
    headers: HeaderMap,
    Body(plan): Body<Plan>,
) -> Result<Response, Problem> {
    let definition = stocktaking().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    let idempotency = Idempotency::read(&headers, &("stocktakings", &plan))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let content = plan.content(&mut transaction, &context).await?;
    require_opening(&context.caller, &content.place())?;
    let now = context.clock.now();
    crate::procedures::keep(&mut transaction, definition, now).await?;
    let id = StocktakingId::fresh();
    let revision = revise(&[], ValidPeriod::since(context.clock.today()), Some(content), now);
    let occasion = Occasion {
        actor: context.actor.clone(),
        reason: optional_reason(plan.reason.as_deref())?,
        import_id: None,
    };
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/stocktakings/{id}");
    let body = serde_json::json!(Created {
        id: id.0,
        version_id: version.map(|version| version.0)
    });
    let tag = version.map(etag).unwrap_or_default();
    idempotency
        .keep(&mut transaction, &context.actor, now, &location, &tag, &body)
        .await?;
    transaction.commit().await?;
    Ok(answer(StatusCode::CREATED, Some(&location), version, Json(body)))
}
