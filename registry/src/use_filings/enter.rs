//! Entering what a unit filed or published: `POST /api/v1/use-filings`.

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{FilingContent, FilingKind};
use crate::ids::{UnitId, UseFilingId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, revise};
use crate::request::fields::{optional_reason, plain_text, said, sane_day, take_text};
use crate::request::{Body, Context, Idempotency, Place, Problem};
use crate::versioned::{Created, Occasion, answer_created, write_revision};

/// What can be said of a filing. In a correction a field that is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = UseFilingStatement)]
#[serde(deny_unknown_fields)]
pub(super) struct FilingStatement {
    /// Whose it is; needed to enter, and never corrected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_id: Option<Uuid>,
    /// What was done; needed to enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kind: Option<FilingKind>,
    /// Of which year; needed to enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    year: Option<i32>,
    /// The day on which it was filed or published; today unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    filed_on: Option<Date>,
    /// Its number, or the paper; needed to enter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    /// Anything else.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    note: Option<Option<String>>,
    /// Why; needed to correct.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
}

fn missing(field: &str) -> Problem {
    Problem::invalid(field, "必填 / it is missing").remedy(format!("send {field}"))
}

impl FilingStatement {
    /// What this says over what is held, and the day.
    pub(super) fn content(
        &self,
        held: Option<(&FilingContent, Date)>,
        today: Date,
    ) -> Result<(FilingContent, Date), Problem> {
        let before = held.map(|(content, _)| content);
        let unit_id = match (self.unit_id, before) {
            (Some(unit), Some(before)) if unit != before.unit_id.0 => {
                return Err(Problem::invalid("unit_id", "单位不能更正 / it stays with its unit")
                    .remedy("withdraw this one, and enter it for the other unit"));
            }
            (given, before) => given
                .map(UnitId)
                .or(before.map(|before| before.unit_id))
                .ok_or_else(|| missing("unit_id"))?,
        };
        let filed_on = match (self.filed_on, held) {
            (Some(day), _) => sane_day("filed_on", day)?,
            (None, Some((_, day))) => day,
            (None, None) => today,
        };
        if filed_on > today {
            return Err(Problem::invalid("filed_on", "日期在将来 / that day is still to come")
                .remedy("send the day on which it was filed or published"));
        }
        let year = self
            .year
            .or(before.map(|before| before.year))
            .ok_or_else(|| missing("year"))?;
        if !(1990..=filed_on.year()).contains(&year) {
            return Err(Problem::invalid(
                "year",
                format!("1990–{0} / a year from 1990 to {0}, that of the day", filed_on.year()),
            )
            .remedy("send the year that was reported on"));
        }
        let document = match &self.document {
            Some(document) => plain_text("document", document, 200)?,
            None => before.map(|before| before.document.clone()).unwrap_or_default(),
        };
        if document.is_empty() {
            return Err(missing("document"));
        }
        let mut note = before.and_then(|before| before.note.clone());
        take_text("note", &self.note, 400, &mut note)?;
        let content = FilingContent {
            unit_id,
            kind: self
                .kind
                .or(before.map(|before| before.kind))
                .ok_or_else(|| missing("kind"))?,
            year,
            document,
            note,
        };
        Ok((content, filed_on))
    }
}

/// The unit must be registered, and within what the caller may write.
pub(super) async fn require_unit(
    connection: &mut PgConnection,
    context: &Context,
    unit: UnitId,
) -> Result<(), Problem> {
    let known = sqlx::query!(
        "select level, region_code from unit_version
          where object_id = $1 and upper_inf(recorded)
          order by lower(valid) desc
          limit 1",
        unit.0,
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| {
        Problem::invalid("unit_id", "没有登记这个单位 / no unit is registered under this id")
            .remedy("send the id of a registered unit")
    })?;
    let place = Place {
        region_code: known.region_code,
        admin_level: Some(known.level),
        unit_id: Some(unit),
    };
    context.caller.require_at(context.writes_under(), &place)
}

/// Enters what a unit filed or published. One a unit, a kind and a year.
#[utoipa::path(post, path = "/api/v1/use-filings", operation_id = "enter_use_filing", tag = "use filings",
    params(("Idempotency-Key" = String, Header)), request_body = FilingStatement,
    responses((status = 201, body = Created), (status = 403, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn enter_use_filing(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<FilingStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("use-filings", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let now = context.clock.now();
    let (content, filed_on) = statement.content(None, context.clock.today())?;
    require_unit(&mut transaction, &context, content.unit_id).await?;
    let id = UseFilingId::fresh();
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    let revision = revise(&[], ValidPeriod::since(filed_on), Some(content), now);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/use-filings/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}
