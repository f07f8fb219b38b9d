//! `GET /api/v1/inspection-findings`: what inspections found, as far as the caller is concerned.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use super::content::FindingDetails;
use crate::checks::catalogue;
use crate::documents::{Document, documents_of};
use crate::ids::{DocumentId, InspectionFindingId, VersionId};
use crate::period::day;
use crate::request::fields::require_word;
use crate::request::{Context, Fault, Page, Problem};
use crate::versioned::answer_read;

pub(super) const WHAT: &str = "this finding";
/// The most that a list holds.
const MOST: i64 = 1_000;

pub(super) fn parse_id(text: &str) -> Result<InspectionFindingId, Problem> {
    Uuid::parse_str(text)
        .map(InspectionFindingId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// What the list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FindingsQuery {
    /// The id of an inspection.
    inspection: Option<Uuid>,
    /// `open`, `rectified`, `confirmed` or `void`.
    state: Option<String>,
}

/// What an inspection found.
#[derive(Debug, Serialize, FromRow, utoipa::ToSchema)]
#[schema(as = InspectionFinding)]
pub(in crate::inspections) struct FindingLine {
    /// Its id.
    pub id: Uuid,
    /// The version that is known: its ETag.
    pub version_id: Uuid,
    /// Of which inspection.
    pub inspection_id: Uuid,
    /// What that is called; null for whoever doesn't see it.
    pub inspection_title: Option<String>,
    /// The rule that is broken.
    pub rule: String,
    /// What the rule is called, in Chinese.
    #[sqlx(skip)]
    pub rule_zh: String,
    /// In English.
    #[sqlx(skip)]
    pub rule_en: String,
    /// Where the rule comes from.
    #[sqlx(skip)]
    pub rule_source: String,
    /// `parcel`, `building`, `site`, `room` or `unit`.
    pub object_kind: String,
    /// What breaks it.
    #[sqlx(rename = "thing_id")]
    pub object_id: Uuid,
    /// Its name, else its code or number.
    pub object_name: Option<String>,
    /// The parcel, building or site where it is shown.
    pub at_id: Option<Uuid>,
    /// What that is.
    pub at_kind: Option<String>,
    /// A point there, longitude.
    pub lon: Option<f64>,
    /// A point there, latitude.
    pub lat: Option<f64>,
    /// Whose it is to put right.
    pub unit_id: Option<Uuid>,
    /// Its name.
    pub unit_name: Option<String>,
    /// What the checks had found.
    pub finding_id: Option<Uuid>,
    /// How far that is by the checks: `new`, `in_progress`, `resolved` or `excepted`.
    pub finding_state: Option<String>,
    /// What was found, in words.
    pub says: String,
    /// `open` 待整改, `rectified` 待复查, `confirmed` 已销号 or `void` 已作废.
    pub state: String,
    /// So many working days from the notice.
    pub days: i32,
    /// The day of the notice.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub issued_on: Option<Date>,
    /// The last day, where it is known.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub due_on: Option<Date>,
    /// Is that day over, and the finding open?
    pub overdue: bool,
    /// Who found it.
    pub found_by: String,
    /// Who put it right last.
    pub rectified_by: Option<String>,
    /// Who looked at it again last.
    pub rechecked_by: Option<String>,
    /// Until when it may stay as it is.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub deferred_until: Option<Date>,
    /// What was done, and the papers.
    #[sqlx(json)]
    pub details: FindingDetails,
    /// What is known of the papers.
    #[sqlx(skip)]
    pub papers: Vec<Document>,
}

fn select(today: Date) -> QueryBuilder<Postgres> {
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.version_id, v.inspection_id, i.title as inspection_title, v.rule, v.object_kind, v.thing_id,
                coalesce(a.name, a.code, r.number, w.name) as object_name, v.at_id, place.kind as at_kind,
                st_x(place.point) as lon, st_y(place.point) as lat, v.unit_id, u.name as unit_name, v.finding_id,
                f.state as finding_state, v.says, v.state, v.days, v.issued_on, v.due_on,
                v.state = 'open' and coalesce(coalesce(v.deferred_until, v.due_on) < ",
    );
    select.push_bind(today).push(
        ", false) as overdue, v.found_by, v.rectified_by, v.rechecked_by, v.deferred_until, v.details
           from inspection_finding_version v
           left join inspection_version i on i.object_id = v.inspection_id and upper_inf(i.recorded)
           left join finding f on f.id = v.finding_id
           left join lateral (select s.name, s.code from spatial_unit_version s
                where s.object_id = v.thing_id and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) a on true
           left join lateral (select s.number from room_version s
                where s.object_id = v.thing_id and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) r on true
           left join lateral (select s.name from unit_version s
                where s.object_id = v.thing_id and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) w on true
           left join lateral (select s.name from unit_version s
                where s.object_id = v.unit_id and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) u on true
           left join lateral (select s.kind, st_pointonsurface(s.geometry) as point from spatial_unit_version s
                where s.object_id = v.at_id and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) place on true
          where upper_inf(v.recorded)",
    );
    select
}

async fn worded(connection: &mut PgConnection, mut lines: Vec<FindingLine>) -> Result<Vec<FindingLine>, Fault> {
    let rules = &catalogue()?.rules;
    for line in &mut lines {
        if let Some(rule) = rules.get(&line.rule) {
            line.rule_zh.clone_from(&rule.title.zh);
            line.rule_en.clone_from(&rule.title.en);
            line.rule_source.clone_from(&rule.source);
        }
        let steps = line.details.steps.iter().flat_map(|step| step.papers.iter());
        let papers: Vec<DocumentId> = line.details.evidence.iter().chain(steps).copied().collect();
        line.papers = documents_of(&mut *connection, &papers).await?;
    }
    Ok(lines)
}

/// What one inspection found, the first first.
pub(in crate::inspections) async fn lines_of(
    connection: &mut PgConnection,
    inspection: Uuid,
    today: Date,
) -> Result<Vec<FindingLine>, Fault> {
    let mut select = select(today);
    select.push(" and v.inspection_id = ").push_bind(inspection);
    select.push(" order by v.object_id");
    let lines = select.build_query_as().fetch_all(&mut *connection).await?;
    worded(connection, lines).await
}

pub(super) async fn load(context: &Context, id: InspectionFindingId) -> Result<FindingLine, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let mut select = select(context.clock.today());
    select.push(" and v.object_id = ").push_bind(id.0);
    let line: FindingLine = select
        .build_query_as()
        .fetch_optional(&mut *snapshot)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    let line = worded(&mut snapshot, vec![line]).await?.pop();
    drop(snapshot);
    context.note_read_behind("inspection_finding", vec![id.0]).await?;
    line.ok_or_else(|| Problem::not_found(WHAT))
}

/// What inspections found; those to be put right first.
#[utoipa::path(get, path = "/api/v1/inspection-findings", operation_id = "list_inspection_findings", tag = "inspections",
    params(FindingsQuery), responses((status = 200, body = Page<FindingLine>), (status = 400, body = Problem)))]
pub(super) async fn list_inspection_findings(
    context: Context,
    query: Result<Query<FindingsQuery>, QueryRejection>,
) -> Result<Json<Page<FindingLine>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let mut select = select(context.clock.today());
    if let Some(inspection) = query.inspection {
        select.push(" and v.inspection_id = ").push_bind(inspection);
    }
    if let Some(state) = query.state.filter(|state| !state.is_empty()) {
        require_word("state", &state, &["open", "rectified", "confirmed", "void"])?;
        select.push(" and v.state = ").push_bind(state);
    }
    select.push(
        " order by array_position(array['open', 'rectified', 'confirmed', 'void'], v.state), v.due_on nulls last, v.object_id limit ",
    );
    select.push_bind(MOST);
    let mut snapshot = context.database.begin_snapshot().await?;
    let lines: Vec<FindingLine> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let items = worded(&mut snapshot, lines).await?;
    drop(snapshot);
    context
        .note_read_behind("inspection_finding", items.iter().map(|line| line.id).collect())
        .await?;
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}

/// One thing that an inspection found.
#[utoipa::path(get, path = "/api/v1/inspection-findings/{id}", operation_id = "get_inspection_finding", tag = "inspections",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = FindingLine, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_inspection_finding(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let line = load(&context, parse_id(&id)?).await?;
    Ok(answer_read(&headers, VersionId(line.version_id), line))
}
