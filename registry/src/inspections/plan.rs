//! `POST /api/v1/inspections`: what is to be inspected.

use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{InspectionContent, InspectionDetails, Target};
use super::permission::{Inspected, require_role};
use super::procedure::{Definition, definition};
use crate::ids::{InspectionId, VersionId};
use crate::ledger::Action;
use crate::period::{Held, ValidPeriod, day, revise};
use crate::request::fields::{optional_reason, plain_text, require_word, sane_day};
use crate::request::{Body, Context, Fault, Idempotency, Problem};
use crate::versioned::{Created, Occasion, answer_created, write_revision};
use crate::working_days::WorkingCalendar;

/// The levels there are.
const LEVELS: [&str; 5] = ["national", "province", "city", "county", "township"];

/// The beginning of an inspection.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InspectionPlan {
    /// What it is called.
    title: String,
    /// Where.
    region_code: String,
    /// Of which level.
    admin_level: String,
    /// Who is inspected.
    target: Target,
    /// The one unit, where it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_id: Option<Uuid>,
    /// 考核期: its first day,
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    period_from: Date,
    /// and its last.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    period_to: Date,
    /// The day as of which the book is read; the last of the period unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    as_of: Option<Date>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// The unit must be one of the region and the level.
async fn require_unit(
    connection: &mut PgConnection,
    unit: Uuid,
    plan: &InspectionPlan,
    on: Date,
) -> Result<(), Problem> {
    let held = sqlx::query!(
        "select level, region_code from unit_version where object_id = $1 and valid @> $2::date and upper_inf(recorded)",
        unit,
        on,
    )
    .fetch_optional(connection)
    .await?;
    let is_there = held.is_some_and(|held| {
        held.level == plan.admin_level
            && held
                .region_code
                .is_some_and(|code| code.starts_with(crate::regions::subtree(&plan.region_code)))
    });
    if is_there {
        return Ok(());
    }
    Err(Problem::invalid(
        "unit_id",
        "该区划该层级没有这个单位 / no unit of this region and level is registered under this id",
    )
    .code("unit_elsewhere")
    .remedy("choose a unit of the region and level that are inspected, or leave it out"))
}

/// Begins an inspection.
#[utoipa::path(post, path = "/api/v1/inspections", operation_id = "plan_inspection", tag = "inspections",
    params(("Idempotency-Key" = String, Header)), request_body = InspectionPlan,
    responses((status = 201, body = Created), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn plan_inspection(
    context: Context,
    headers: HeaderMap,
    Body(plan): Body<InspectionPlan>,
) -> Result<Response, Problem> {
    let definition = definition().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    let idempotency = Idempotency::read(&headers, &("inspections", &plan))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let (now, today) = (context.clock.now(), context.clock.today());
    let title = plain_text("title", &plan.title, 200)?;
    if title.is_empty() {
        return Err(Problem::invalid("title", "必填 / it is missing").remedy("say what the inspection is called"));
    }
    require_word("admin_level", &plan.admin_level, &LEVELS)?;
    let inspected = Inspected {
        region_code: &plan.region_code,
        unit_id: plan.unit_id,
        is_below: plan.target == Target::LowerBureau,
    };
    require_role(&context.caller, "inspector", inspected)?;
    crate::regions::require_registered(&mut transaction, "region_code", &plan.region_code, today).await?;
    let (from, to) = (
        sane_day("period_from", plan.period_from)?,
        sane_day("period_to", plan.period_to)?,
    );
    if to < from {
        return Err(
            Problem::invalid("period_to", "考核期截止早于开始 / the period ends before it begins")
                .remedy("correct the two days"),
        );
    }
    let as_of = sane_day("as_of", plan.as_of.unwrap_or(to.min(today)))?;
    if as_of > today || as_of < from {
        return Err(Problem::invalid(
            "as_of",
            "考核时点应在考核期开始之后、不晚于今天 / the book is read as of a day within the period, and not ahead",
        )
        .remedy("choose a day from the beginning of the period to today"));
    }
    if let Some(unit) = plan.unit_id {
        require_unit(&mut transaction, unit, &plan, as_of).await?;
    }
    crate::procedures::keep(&mut transaction, definition, now).await?;
    let mut content = InspectionContent {
        title,
        region_code: plan.region_code.clone(),
        admin_level: plan.admin_level.clone(),
        target: plan.target,
        unit_id: plan.unit_id,
        period_from: from,
        period_to: to,
        as_of,
        definition: definition.digest(),
        state: definition.initial.clone(),
        is_open: true,
        opened_by: context.actor.0.clone(),
        put_forward_by: None,
        decided_by: None,
        due_on: None,
        score: None,
        grade: None,
        details: InspectionDetails::default(),
    };
    let calendar = WorkingCalendar::in_force(&mut transaction).await?;
    start_clock(&mut content, definition, today, &calendar);
    let id = InspectionId::fresh();
    let revision = revise(&[], ValidPeriod::since(today), Some(content), now);
    let occasion = Occasion::by(&context.actor, optional_reason(plan.reason.as_deref())?);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/inspections/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// The clock of the state that the inspection has come to, where it has a deadline, and its last day where it is known.
pub(super) fn start_clock(
    content: &mut InspectionContent,
    definition: &Definition,
    today: Date,
    calendar: &WorkingCalendar,
) {
    let deadline = definition
        .state(&content.state)
        .and_then(|state| state.deadline.as_ref());
    let clock = deadline.map(|deadline| workflow::Clock {
        started_on: today,
        days: deadline.days,
        count: deadline.count,
        pauses: Vec::new(),
    });
    content.due_on = clock.as_ref().and_then(|clock| due_by(clock, calendar));
    content.details.clock = clock;
}

/// The last day of a clock, where it is known.
pub(super) fn due_by(clock: &workflow::Clock, calendar: &WorkingCalendar) -> Option<Date> {
    match clock.due(&|day| calendar.is_working_day(day)) {
        workflow::Due::On(day) => Some(day),
        workflow::Due::Resting { .. } | workflow::Due::NotPublished { .. } => None,
    }
}

/// Writes the next version of an inspection.
pub(super) async fn write_step(
    connection: &mut PgConnection,
    context: &Context,
    id: InspectionId,
    held: &Held<InspectionContent>,
    content: InspectionContent,
    reason: String,
) -> Result<Option<VersionId>, Fault> {
    let revision = revise(
        std::slice::from_ref(held),
        held.valid,
        Some(content),
        context.clock.now(),
    );
    let occasion = Occasion::by(&context.actor, Some(reason));
    write_revision(
        connection,
        id.0,
        Action::Change,
        &revision,
        Some(&held.content),
        &occasion,
    )
    .await
}
