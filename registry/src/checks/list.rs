//! Findings, read one by one or page by page.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Path, Query};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::rule::{Bilingual, Severity, catalogue};
use crate::period::day;
use crate::request::{Context, Fault, Listed, Listing, Page, Problem, SortColumn, escape_pattern};

/// How findings are listed.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FindingsQuery {
    /// A rule, or several with commas between.
    rule: Option<String>,
    /// `error`, `warning`, `information`, or several with commas between.
    severity: Option<String>,
    /// `new`, `in_progress`, `excepted`, `resolved`, several with commas between, or `open` (the first two, and what is
    /// listed unless told).
    state: Option<String>,
    /// A parcel, building, site, room or unit: findings about it, or shown at it.
    object: Option<Uuid>,
    /// What lies in this region, by its code.
    region: Option<String>,
    /// Who sees to it.
    owner: Option<String>,
    /// Only what should have been put right by now.
    #[serde(default)]
    overdue: bool,
    /// `rule`, `first_seen` or `deadline`; a minus in front turns it round.
    sort: Option<String>,
    /// Rows a page, 1 to 1000.
    limit: Option<u32>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Count all rows too.
    #[serde(default)]
    count: bool,
}

/// What a rule found at fault.
#[derive(Debug, Clone, Serialize, FromRow, utoipa::ToSchema)]
pub struct Finding {
    /// Its id.
    pub id: Uuid,
    /// The rule.
    pub rule: String,
    /// How grave it is.
    #[sqlx(skip)]
    pub severity: Option<Severity>,
    /// What the rule is called.
    #[sqlx(skip)]
    pub title: Option<Bilingual>,
    /// What was found, in words.
    #[sqlx(skip)]
    pub says: Option<Bilingual>,
    /// `parcel`, `building`, `site`, `room` or `unit`.
    pub object_kind: String,
    /// What is at fault.
    #[sqlx(rename = "subject_id")]
    pub object_id: Uuid,
    /// Its code or number.
    pub object_code: Option<String>,
    /// Its name.
    pub object_name: Option<String>,
    /// The other one, where two are at odds.
    pub other_id: Option<Uuid>,
    /// The other one's code.
    pub other_code: Option<String>,
    /// The parcel, building or site where it is shown.
    pub at_id: Option<Uuid>,
    /// What that is.
    pub at_kind: Option<String>,
    /// A point there, longitude.
    pub lon: Option<f64>,
    /// A point there, latitude.
    pub lat: Option<f64>,
    /// The values that the rule compared.
    #[schema(value_type = Object)]
    pub evidence: serde_json::Value,
    /// `new` 新发现, `in_progress` 整改中, `resolved` 已整改 or `excepted` 认可例外.
    pub state: String,
    /// When it was found.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub first_seen: OffsetDateTime,
    /// When it was no longer found.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub resolved_at: Option<OffsetDateTime>,
    /// Who sees to it.
    pub owner: Option<String>,
    /// Until when.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub deadline: Option<Date>,
    /// Why it is an exception.
    pub exception_reason: Option<String>,
    /// Who declared it one.
    pub exception_by: Option<String>,
    /// The last day on which it is one.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub exception_until: Option<Date>,
    /// Rises with every change.
    pub revision: i64,
}

impl Finding {
    /// The strong `ETag`.
    #[must_use]
    pub fn etag(&self) -> String {
        format!("\"{}\"", self.revision)
    }

    /// The assets that it may tell of.
    fn tells_of(&self) -> impl Iterator<Item = Uuid> + use<> {
        [Some(self.object_id), self.other_id, self.at_id].into_iter().flatten()
    }

    fn worded(mut self) -> Result<Self, Fault> {
        if let Some(rule) = catalogue()?.rules.get(&self.rule) {
            self.severity = Some(rule.severity);
            self.title = Some(rule.title.clone());
            self.says = Some(rule.says(&self.evidence));
        }
        Ok(self)
    }
}

const COLUMNS: &str = "v.object_id as id, v.rule, v.object_kind, v.subject_id,
    coalesce(subject.code, room.number, unit.code) as object_code, coalesce(subject.name, room.name, unit.name) as object_name,
    v.other_id, other.code as other_code, v.at_id, place.kind as at_kind,
    st_x(place.point) as lon, st_y(place.point) as lat, v.evidence, v.state, v.first_seen, v.resolved_at, v.owner,
    v.deadline, v.exception_reason, v.exception_by, v.exception_until, v.revision,";

/// The findings as a list reads them, and what stands beside them: how the object is called now, or was last.
const FROM: &str = " from (select f.id as object_id, f.rule, f.object_kind, f.object_id as subject_id, f.other_id, f.at_id,
            f.evidence, f.state, f.first_seen, f.resolved_at, f.owner, f.deadline, f.exception_reason, f.exception_by,
            f.exception_until, f.revision from finding f) v
    left join lateral (select s.code, s.name from spatial_unit_version s
            where s.object_id = v.subject_id and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) subject on true
    left join lateral (select s.code from spatial_unit_version s
            where s.object_id = v.other_id and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) other on true
    left join lateral (select s.number, s.name from room_version s
            where v.object_kind = 'room' and s.object_id = v.subject_id and upper_inf(s.recorded)
            order by lower(s.valid) desc limit 1) room on true
    left join lateral (select s.code, s.name from unit_version s
            where v.object_kind = 'unit' and s.object_id = v.subject_id and upper_inf(s.recorded)
            order by lower(s.valid) desc limit 1) unit on true
    left join lateral (select s.kind, s.region_code, st_pointonsurface(s.geometry) as point from spatial_unit_version s
            where s.object_id = v.at_id and upper_inf(s.recorded) order by lower(s.valid) desc limit 1) place on true
    where true";

const SORT: [SortColumn; 3] = [
    SortColumn {
        name: "rule",
        expression: "v.rule",
        is_number: false,
    },
    SortColumn {
        name: "first_seen",
        expression: "extract(epoch from v.first_seen)::float8",
        is_number: true,
    },
    SortColumn {
        name: "deadline",
        expression: "coalesce(v.deadline::text, '9999-12-31')",
        is_number: false,
    },
];

const STATES: [&str; 4] = ["new", "in_progress", "excepted", "resolved"];

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty())
}

fn narrow(select: &mut QueryBuilder<Postgres>, query: &FindingsQuery, today: Date) -> Result<(), Problem> {
    let rules = &catalogue().map_err(Fault::from)?.rules;
    if let Some(asked) = query.rule.as_deref().filter(|text| !text.is_empty()) {
        let asked: Vec<String> = words(asked).map(ToOwned::to_owned).collect();
        if let Some(unknown) = asked.iter().find(|id| !rules.contains_key(*id)) {
            return Err(Problem::bad("rule", format!("no rule is called {unknown:?}")).remedy("see /api/v1/rules"));
        }
        select.push(" and v.rule = any(").push_bind(asked).push(")");
    }
    if let Some(asked) = query.severity.as_deref().filter(|text| !text.is_empty()) {
        let asked: Vec<&str> = words(asked).collect();
        if let Some(unknown) = asked
            .iter()
            .find(|word| !Severity::ALL.iter().any(|severity| severity.word() == **word))
        {
            return Err(Problem::bad("severity", format!("{unknown:?} is no severity"))
                .remedy("choose error, warning or information"));
        }
        let of_severity: Vec<String> = rules
            .values()
            .filter(|rule| asked.contains(&rule.severity.word()))
            .map(|rule| rule.id.clone())
            .collect();
        select.push(" and v.rule = any(").push_bind(of_severity).push(")");
    }
    let mut states = Vec::new();
    for word in words(query.state.as_deref().filter(|text| !text.is_empty()).unwrap_or("open")) {
        match word {
            "open" => states.extend(["new", "in_progress"]),
            word if STATES.contains(&word) => states.push(word),
            _ => {
                return Err(Problem::bad("state", format!("{word:?} is no state of a finding"))
                    .remedy("choose open, new, in_progress, excepted or resolved"));
            }
        }
    }
    let states: Vec<String> = states.into_iter().map(ToOwned::to_owned).collect();
    select.push(" and v.state = any(").push_bind(states).push(")");
    if let Some(object) = query.object {
        select.push(" and (v.subject_id = ").push_bind(object);
        select.push(" or v.other_id = ").push_bind(object);
        select.push(" or v.at_id = ").push_bind(object).push(")");
    }
    if let Some(region) = query.region.as_deref().filter(|text| !text.is_empty()) {
        select.push(" and place.region_code like ").push_bind(format!(
            "{}%",
            escape_pattern(crate::regions::subtree(&region.replace('\0', "")))
        ));
    }
    if let Some(owner) = query.owner.as_deref().filter(|text| !text.is_empty()) {
        select.push(" and v.owner = ").push_bind(owner.replace('\0', ""));
    }
    if query.overdue {
        select.push(" and v.deadline < ").push_bind(today);
    }
    Ok(())
}

/// What the rules found at fault: open findings unless told.
#[utoipa::path(get, path = "/api/v1/findings", operation_id = "list_findings", tag = "checks", params(FindingsQuery),
    responses((status = 200, body = Page<Finding>), (status = 400, body = Problem)))]
pub(super) async fn list_findings(
    context: Context,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<FindingsQuery>, QueryRejection>,
) -> Result<Json<Page<Finding>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let today = context.clock.today();
    let mut select = QueryBuilder::new("select ");
    select.push(COLUMNS);
    listing.push_columns(&mut select);
    select.push(FROM);
    narrow(&mut select, &query, today)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<Finding>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*)");
        count.push(FROM);
        narrow(&mut count, &query, today)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    drop(snapshot);
    let page = listing.page(rows, total);
    let told: Vec<Uuid> = page.items.iter().flat_map(Finding::tells_of).collect();
    context.note_read_of(&told).await?;
    let items = page
        .items
        .into_iter()
        .map(Finding::worded)
        .collect::<Result<Vec<Finding>, Fault>>()?;
    Ok(Json(Page {
        items,
        next: page.next,
        total: page.total,
    }))
}

/// Reads one finding.
pub(super) async fn load(connection: &mut PgConnection, id: Uuid) -> Result<Finding, Problem> {
    let mut select = QueryBuilder::new("select ");
    select.push(COLUMNS).push(" 0 as nothing").push(FROM);
    select.push(" and v.object_id = ").push_bind(id);
    let finding: Option<Finding> = select.build_query_as().fetch_optional(connection).await?;
    let finding = finding.ok_or_else(|| Problem::not_found("this finding"))?;
    Ok(finding.worded()?)
}

pub(super) fn answer(finding: Finding) -> Response {
    (StatusCode::OK, [(header::ETAG, finding.etag())], Json(finding)).into_response()
}

pub(super) fn parse_id(id: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(id).map_err(|_| Problem::not_found("this finding"))
}

/// One finding.
#[utoipa::path(get, path = "/api/v1/findings/{id}", operation_id = "get_finding", tag = "checks",
    params(("id" = Uuid, Path)), responses((status = 200, body = Finding), (status = 404, body = Problem)))]
pub(super) async fn get_finding(context: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    let mut connection = context.database.begin_snapshot().await?;
    let finding = load(&mut connection, parse_id(&id)?).await?;
    drop(connection);
    let told: Vec<Uuid> = finding.tells_of().collect();
    context.note_read_of(&told).await?;
    Ok(answer(finding))
}
