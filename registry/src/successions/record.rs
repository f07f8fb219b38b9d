//! `POST /api/v1/successions`: splits or merges what no current title lies on.

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::carry_out::{Papers, carry_out, old_ones};
use super::measure::Measure;
use super::plan::{Piece, Plan, RoomGoes};
use crate::period::{ValidPeriod, day};
use crate::request::fields::{plain_text, required_reason, sane_day};
use crate::request::{Body, Context, Idempotency, Problem, ProblemKind, etag};
use crate::spatial_units::require_edit;
use crate::versioned::{Occasion, answer};

/// One of the old ones, as it was read.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = SuccessionFrom)]
#[serde(deny_unknown_fields)]
pub(super) struct From {
    /// Its id.
    id: Uuid,
    /// The version that was read, so that nobody's change is lost.
    version_id: Uuid,
}

/// A split or merge.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SuccessionStatement {
    /// The first day of the new ones.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    on: Date,
    /// The old ones.
    from: Vec<From>,
    /// The new ones.
    pieces: Vec<Piece>,
    /// Of buildings: into which of the new ones each room goes; nothing where several become one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    rooms: Vec<RoomGoes>,
    /// The survey it rests on (权籍调查成果).
    survey: String,
    /// The consent of the natural-resources department (自然资源主管部门意见).
    #[serde(default)]
    consent: Option<String>,
    /// Why.
    reason: String,
}

/// What was written.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SuccessionSucceeded)]
pub struct Succeeded {
    /// The record.
    pub id: Uuid,
    /// The new ones, in their order.
    pub to_ids: Vec<Uuid>,
    /// What was compared.
    pub measure: Measure,
}

/// Splits one parcel or building into several, or merges several into one: the old ones end on a day, the new ones
/// begin. What a current title lies on is split by a title case instead.
#[utoipa::path(post, path = "/api/v1/successions", operation_id = "record_succession", tag = "assets",
    params(("Idempotency-Key" = String, Header)), request_body = SuccessionStatement,
    responses((status = 201, body = Succeeded), (status = 409, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn record_succession(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<SuccessionStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("successions", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let (now, today) = (context.clock.now(), context.clock.today());
    let on = sane_day("on", statement.on)?;
    if on > today {
        return Err(Problem::invalid("on", format!("{on} is in the future"))
            .code("date_in_future")
            .remedy("send the day on which it came about"));
    }
    let given = |field: &str, text: &str| {
        let text = plain_text(field, text, 400)?;
        if text.is_empty() {
            return Err(Problem::invalid(field, "it is missing").remedy(format!("name the document ({field})")));
        }
        Ok(text)
    };
    let papers = Papers {
        survey: given("survey", &statement.survey)?,
        consent: statement
            .consent
            .as_deref()
            .map(|consent| plain_text("consent", consent, 400))
            .transpose()?
            .filter(|consent| !consent.is_empty()),
        case_id: None,
    };
    let occasion = Occasion::by(&context.actor, Some(required_reason(&statement.reason)?));
    let plan = Plan {
        from_ids: statement.from.iter().map(|from| from.id).collect(),
        pieces: statement.pieces,
        rooms: statement.rooms,
    }
    .settled()?;
    // Nobody finds out about what they may not read, and nobody splits what they may not edit.
    old_ones(&mut transaction, &plan, on).await?;
    let every: Vec<Uuid> = plan
        .from_ids
        .iter()
        .copied()
        .chain(plan.pieces.iter().filter_map(|piece| piece.id))
        .collect();
    let days = Some(ValidPeriod::since(on));
    require_edit(&mut transaction, &context, &[context.writes_under()], &every, days).await?;
    for from in &statement.from {
        let known = sqlx::query_scalar!(
            "select version_id from spatial_unit_version
              where object_id = $1 and upper_inf(recorded)
              order by lower(valid) desc
              limit 1",
            from.id,
        )
        .fetch_optional(&mut *transaction)
        .await?;
        if known != Some(from.version_id) {
            return Err(Problem::new(
                ProblemKind::StaleVersion,
                format!("{} was changed after you read it", from.id),
            )
            .remedy("read it again"));
        }
    }
    let carried = carry_out(&mut transaction, &plan, (on, now), papers, &occasion).await?;
    let location = format!(
        "/api/v1/successions?asset={}",
        carried.new_ids.first().copied().unwrap_or_default()
    );
    let body = serde_json::json!(Succeeded {
        id: carried.id,
        to_ids: carried.new_ids,
        measure: carried.measure,
    });
    let tag = carried.version.map(etag).unwrap_or_default();
    idempotency
        .keep(&mut transaction, &context.actor, now, &location, &tag, &body)
        .await?;
    transaction.commit().await?;
    Ok(answer(
        StatusCode::CREATED,
        Some(&location),
        carried.version,
        Json(body),
    ))
}
