//! `GET /api/v1/inspections/{id}`: one inspection with its stepper, its sample, its score and the steps from here; and what its
//! indicators come to now.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;
use workflow::Due;

use super::content::{InspectionContent, InspectionDetails, Target, select_inspections};
use super::guards::{Around, FindingTotals, Unmet, scoring, totals, unmet};
use super::permission::{Inspected, has_role, require_reading_all};
use super::procedure::{Definition, Guard};
use super::score::Scoring;
use crate::documents::{Document, documents_of};
use crate::ids::{DocumentId, InspectionId, VersionId};
use crate::period::day;
use crate::request::{Context, Fault, Page, Problem, Times};
use crate::versioned::{HistoryFacts, Named, VersionFacts, answer_read, history};
use crate::working_days::WorkingCalendar;

pub(super) const WHAT: &str = "this inspection";

pub(super) fn parse_id(text: &str) -> Result<InspectionId, Problem> {
    Uuid::parse_str(text)
        .map(InspectionId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// A document that a step needs.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = InspectionDocumentWanted)]
pub struct Wanted {
    /// Its kind.
    pub kind: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Is it there?
    pub here: bool,
}

/// A step that can be taken from here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InspectionOpenStep)]
pub struct OpenStep {
    /// The transition.
    pub transition: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// The state it leads to.
    pub to: String,
    /// Whose step it is: any of these roles.
    pub roles: Vec<String>,
    /// Is it the caller's?
    pub mine: bool,
    /// Does it want the number of a document (文号)?
    pub decision: bool,
    /// What has to be said with it.
    pub asks: Vec<Guard>,
    /// The documents that it needs.
    pub documents: Vec<Wanted>,
    /// What still stands in its way.
    pub unmet: Vec<Unmet>,
}

/// A state of the straight way.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InspectionTrackState)]
pub struct TrackState {
    /// The state.
    pub id: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Is it behind the inspection?
    pub done: bool,
    /// Is the inspection there?
    pub here: bool,
}

/// A building of the sample.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InspectionSampledBuilding)]
pub struct Sampled {
    /// Its id.
    pub id: Uuid,
    /// Its name, else its code; null for whoever doesn't see it.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<String>,
    /// Why it was chosen by hand; null where it was drawn.
    pub chosen_because: Option<String>,
    /// Was it visited?
    pub visited: bool,
    /// A point on it, longitude.
    pub lon: Option<f64>,
    /// A point on it, latitude.
    pub lat: Option<f64>,
}

/// An inspection.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Inspection {
    /// Its id, for ever.
    pub id: Uuid,
    /// What it is called.
    pub title: String,
    /// Where.
    pub region_code: String,
    /// What the region is called.
    pub region_name: Option<String>,
    /// Of which level.
    pub admin_level: String,
    /// Who is inspected.
    pub target: Target,
    /// The one unit, where it is about one.
    pub unit: Option<Named>,
    /// 考核期: its first day,
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub period_from: Date,
    /// and its last.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub period_to: Date,
    /// The day as of which the book is read.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// The digest of the definition that it began with.
    pub definition: String,
    /// Its state.
    pub state: String,
    /// The state in Chinese.
    pub state_zh: String,
    /// The state in English.
    pub state_en: String,
    /// Has it not ended?
    pub is_open: bool,
    /// The straight way.
    pub track: Vec<TrackState>,
    /// Who opened it.
    pub opened_by: String,
    /// Who put it forward.
    pub put_forward_by: Option<String>,
    /// Who judged it.
    pub decided_by: Option<String>,
    /// The last day of the state's deadline, where it is known.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub due_on: Option<Date>,
    /// The earliest it can be, where a year's working days aren't published yet.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub due_not_before: Option<Date>,
    /// Is it over?
    pub overdue: bool,
    /// 得分
    #[schema(value_type = Option<String>)]
    pub score: Option<Decimal>,
    /// 等次
    pub grade: Option<String>,
    /// The buildings of the sample.
    pub sampled: Vec<Sampled>,
    /// How far the findings are.
    pub findings: FindingTotals,
    /// What may be recorded here.
    pub records_taken: Vec<String>,
    /// Which roles the caller has here: `inspector`, `inspected`, `approver`.
    pub my_roles: Vec<String>,
    /// All that was said; `scoring` is the score as it was kept.
    pub details: InspectionDetails,
    /// What is known of the papers.
    pub papers: Vec<Document>,
    /// The steps from here.
    pub steps: Vec<OpenStep>,
    /// The version that is known.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// One inspection, with the steps from here.
#[utoipa::path(get, path = "/api/v1/inspections/{id}", operation_id = "get_inspection", tag = "inspections",
    params(("id" = Uuid, Path), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Inspection, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_inspection(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let known_at = times.known_at_asked.then_some(times.known_at);
    let inspection = load(&context, parse_id(&id)?, known_at).await?;
    Ok(answer_read(
        &headers,
        VersionId(inspection.version.version_id),
        inspection,
    ))
}

async fn row(
    connection: &mut PgConnection,
    id: InspectionId,
    known_at: Option<OffsetDateTime>,
) -> Result<(VersionFacts, InspectionContent), Problem> {
    let row = match known_at {
        Some(known_at) => {
            select_inspections!(
                "where v.object_id = $1 and v.recorded @> $2::timestamptz",
                id.0,
                known_at
            )
            .fetch_optional(connection)
            .await?
        }
        None => {
            select_inspections!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
                .fetch_optional(connection)
                .await?
        }
    };
    let row = row.ok_or_else(|| Problem::not_found(WHAT))?;
    Ok((
        VersionFacts::new(row.version_id, &row.valid, &row.recorded),
        row.content()?,
    ))
}

async fn sampled(connection: &mut PgConnection, content: &InspectionContent) -> Result<Vec<Sampled>, Fault> {
    let ids = content.details.sampled();
    let visited = content.details.visited();
    let rows = sqlx::query!(
        r#"select asked.id as "id!", coalesce(b.name, b.code) as name, b.address as "address?",
                  st_x(st_pointonsurface(b.geometry)) as lon, st_y(st_pointonsurface(b.geometry)) as lat
             from unnest($1::uuid[]) with ordinality as asked (id, place)
             left join lateral (select v.name, v.code, v.address, v.geometry from spatial_unit_version v
                  where v.object_id = asked.id and upper_inf(v.recorded) order by lower(v.valid) desc limit 1) b on true
            order by asked.place"#,
        &ids,
    )
    .fetch_all(connection)
    .await?;
    let chosen = content
        .details
        .sample
        .as_ref()
        .map(|sample| sample.chosen.as_slice())
        .unwrap_or_default();
    Ok(rows
        .into_iter()
        .map(|row| Sampled {
            chosen_because: chosen
                .iter()
                .find(|one| one.asset_id == row.id)
                .map(|one| one.reason.clone()),
            visited: visited.contains(&row.id),
            id: row.id,
            name: row.name,
            address: row.address,
            lon: row.lon,
            lat: row.lat,
        })
        .collect())
}

pub(super) async fn load(
    context: &Context,
    id: InspectionId,
    known_at: Option<OffsetDateTime>,
) -> Result<Inspection, Problem> {
    let mut connection = context.database.begin_snapshot().await?;
    let (version, content) = row(&mut connection, id, known_at).await?;
    let definition = super::definition_of(&mut connection, &content).await?;
    let today = context.clock.today();
    let findings = totals(&mut connection, id.0).await?;
    let region_name = sqlx::query_scalar!(
        "select name from region_version where code = $1 and upper_inf(recorded) order by lower(valid) desc limit 1",
        content.region_code,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let unit = match content.unit_id {
        None => None,
        Some(unit) => sqlx::query!(
            "select code, name from unit_version where object_id = $1 and upper_inf(recorded) order by lower(valid) desc limit 1",
            unit,
        )
        .fetch_optional(&mut *connection)
        .await?
        .map(|found| Named {
            id: unit,
            code: Some(found.code),
            name: Some(found.name),
        }),
    };
    let sampled = sampled(&mut connection, &content).await?;
    let papers: Vec<DocumentId> = content
        .details
        .records
        .iter()
        .filter_map(|record| record.fact.file())
        .collect();
    let papers = documents_of(&mut connection, &papers).await?;
    let due_not_before = not_before(&content, &WorkingCalendar::in_force(&mut connection).await?);
    drop(connection);
    context.note_read_behind("inspection", vec![id.0]).await?;
    let around = Around {
        findings,
        // What the score would be is asked for beside, and again with the step.
        scoring: None,
        has_reason: false,
    };
    let inspected = Inspected::from(&content);
    let my_roles: Vec<String> = ["inspector", "inspected", "approver"]
        .into_iter()
        .filter(|role| has_role(&context.caller, role, inspected))
        .map(ToOwned::to_owned)
        .collect();
    let state = definition.state(&content.state);
    Ok(Inspection {
        id: id.0,
        region_name,
        unit,
        state_zh: state.map(|state| state.zh.clone()).unwrap_or_default(),
        state_en: state.map(|state| state.en.clone()).unwrap_or_default(),
        records_taken: state
            .map(|state| state.records.clone())
            .unwrap_or_default()
            .into_iter()
            .chain(super::void::is_open(&content).then(|| "void".to_owned()))
            .collect(),
        track: track(&definition, &content),
        due_not_before,
        overdue: content.is_open && content.due_on.is_some_and(|due| due < today),
        sampled,
        findings,
        steps: open_steps(&definition, &content, &around, &my_roles, &context.actor.0),
        my_roles,
        papers,
        title: content.title,
        region_code: content.region_code,
        admin_level: content.admin_level,
        target: content.target,
        period_from: content.period_from,
        period_to: content.period_to,
        as_of: content.as_of,
        definition: content.definition,
        state: content.state,
        is_open: content.is_open,
        opened_by: content.opened_by,
        put_forward_by: content.put_forward_by,
        decided_by: content.decided_by,
        due_on: content.due_on,
        score: content.score,
        grade: content.grade,
        details: content.details,
        version,
    })
}

fn not_before(content: &InspectionContent, calendar: &WorkingCalendar) -> Option<Date> {
    let clock = content.details.clock.as_ref().filter(|_| content.is_open)?;
    match clock.due(&|day| calendar.is_working_day(day)) {
        Due::NotPublished { not_before, .. } => Some(not_before),
        Due::On(_) | Due::Resting { .. } => None,
    }
}

fn track(definition: &Definition, content: &InspectionContent) -> Vec<TrackState> {
    let states: Vec<_> = definition.track(None).collect();
    // One that stands aside came from the last state that it left on the straight way.
    let here = states.iter().position(|state| state.id == content.state).or_else(|| {
        content.details.taken.iter().rev().find_map(|taken| {
            let to = &definition.transition(&taken.transition)?.to;
            states.iter().position(|state| state.id == *to)
        })
    });
    let here = here.unwrap_or(0);
    states
        .iter()
        .enumerate()
        .map(|(at, state)| TrackState {
            id: state.id.clone(),
            zh: state.zh.clone(),
            en: state.en.clone(),
            done: at < here || (at == here && state.end),
            here: state.id == content.state,
        })
        .collect()
}

fn open_steps(
    definition: &Definition,
    content: &InspectionContent,
    around: &Around,
    my_roles: &[String],
    actor: &str,
) -> Vec<OpenStep> {
    let here = content.details.documents();
    definition
        .leaving(&content.state, None)
        .map(|transition| {
            // What is said with the step itself is no obstacle beforehand.
            let (asks, holds): (Vec<Guard>, Vec<Guard>) = transition
                .guards
                .iter()
                .copied()
                .partition(|guard| *guard == Guard::ReasonGiven);
            let documents = workflow::step::documents_for(definition, transition, None)
                .into_iter()
                .map(|kind| {
                    let label = definition.document_kinds.get(kind);
                    Wanted {
                        kind: kind.to_owned(),
                        zh: label.map(|label| label.zh.clone()).unwrap_or_default(),
                        en: label.map(|label| label.en.clone()).unwrap_or_default(),
                        here: here.contains(kind),
                    }
                })
                .collect();
            let is_own = transition.four_eyes && content.put_forward_by.as_deref() == Some(actor);
            OpenStep {
                transition: transition.id.clone(),
                zh: transition.zh.clone(),
                en: transition.en.clone(),
                to: transition.to.clone(),
                mine: !is_own && transition.roles.iter().any(|role| my_roles.contains(role)),
                roles: transition.roles.clone(),
                decision: transition.decision,
                asks,
                documents,
                unmet: unmet(&holds, content, around),
            }
        })
        .collect()
}

/// What the indicators come to: as of the inspection's day, and as known now or at the instant that is asked for. For whoever
/// may read all that is inspected; figures of a part would be others.
#[utoipa::path(get, path = "/api/v1/inspections/{id}/indicators", operation_id = "get_inspection_indicators", tag = "inspections",
    params(("id" = Uuid, Path), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Scoring), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn get_inspection_indicators(
    context: Context,
    times: Times,
    Path(id): Path<String>,
) -> Result<Json<Scoring>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let (_, content) = row(&mut snapshot, id, None).await?;
    require_reading_all(&context.caller, Inspected::from(&content))?;
    Ok(Json(scoring(&mut snapshot, (id.0, &content), times.known_at).await?))
}

/// One step of an inspection's history.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct InspectionVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    pub history: HistoryFacts,
    /// The state it came to.
    pub state: String,
}

/// Every version of an inspection, the latest first.
#[utoipa::path(get, path = "/api/v1/inspections/{id}/versions", operation_id = "list_inspection_versions", tag = "inspections",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<InspectionVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_inspection_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<InspectionVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_inspections!("where v.object_id = $1 order by lower(v.recorded), v.version_id", id.0)
        .fetch_all(&mut *snapshot)
        .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history::<InspectionContent>(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    let items = told
        .into_iter()
        .map(|(history, content)| InspectionVersion {
            history,
            state: content.state,
        })
        .collect();
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}
