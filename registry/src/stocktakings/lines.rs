//! `GET /api/v1/stocktakings/{id}/lines`: the list with what was found of each line, page by page; and one line.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sqlx::types::Json as SqlJson;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use super::line::{Decision, Difference, Found, LineContent, LineDetails, select_lines};
use super::read::{WHAT, parse_id};
use crate::documents::{Document, documents_of};
use crate::ids::{DocumentId, StocktakingId, StocktakingLineId, VersionId};
use crate::period::day;
use crate::request::fields::{plain_text, require_word};
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn};
use crate::versioned::{HistoryFacts, answer_read, history};

pub(super) const LINE: &str = "this line";

pub(super) fn parse_line(text: &str) -> Result<StocktakingLineId, Problem> {
    Uuid::parse_str(text)
        .map(StocktakingLineId)
        .map_err(|_| Problem::not_found(LINE))
}

/// What the list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LineQuery {
    /// One or several of `parcel`, `building` and `room`, comma-separated.
    kind: Option<String>,
    /// The id of a building: the line of it and those of its rooms.
    building: Option<Uuid>,
    /// The id of a parcel, building or room.
    asset: Option<Uuid>,
    /// The id of a unit, as the ledger said.
    unit: Option<Uuid>,
    /// One or several of `in_place`, `moved`, `altered`, `missing` and `extra`, comma-separated.
    found: Option<String>,
    /// One or several of `surplus`, `shortfall` and `facts_differ`, comma-separated.
    difference: Option<String>,
    /// One or several of `correct_book`, `correct_own` and `book_stands`, comma-separated.
    decision: Option<String>,
    /// What is left to do: `unanswered`, `answered`, `differences`, `unchecked`, `unexplained`, `undecided`, `unsettled`
    /// or `settled`.
    left: Option<String>,
    /// Part of a name, code, address or certificate's number.
    q: Option<String>,
    /// `no` (the list's own order) or `name`; a minus in front turns it round.
    sort: Option<String>,
    /// Rows a page, 1 to 1000.
    limit: Option<u32>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Count all rows too.
    #[serde(default)]
    count: bool,
}

/// A line: what the ledger said, and what was found.
#[derive(Debug, Serialize, FromRow, utoipa::ToSchema)]
pub struct StocktakingLine {
    /// Its id.
    pub id: Uuid,
    /// Its ETag.
    pub tag: Uuid,
    /// Its place in the list.
    pub no: i32,
    /// Is it something that the ledger didn't know?
    pub is_extra: bool,
    /// `parcel`, `building` or `room`.
    pub kind: String,
    /// The parcel, building or room.
    pub asset_id: Option<Uuid>,
    /// The building of a room.
    pub building_id: Option<Uuid>,
    /// Next to what something extra was found.
    pub near_id: Option<Uuid>,
    /// The region it lies in.
    pub region_code: Option<String>,
    /// The unit that uses it, as the ledger said.
    pub book_unit_id: Option<Uuid>,
    /// Its name.
    pub book_unit_name: Option<String>,
    /// Its code; of a room its number.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// 坐落; of a room its building.
    pub address: Option<String>,
    /// The floor of a room.
    pub floor: Option<i16>,
    /// The ledger's area, m².
    pub area_m2: Option<f64>,
    /// The ledger's use; of a room its type.
    pub usage: Option<String>,
    /// The certificate's number.
    pub title_number: Option<String>,
    /// The certificate's area, where it covers this alone, m².
    pub title_area_m2: Option<f64>,
    /// Where it lies.
    pub lon: Option<f64>,
    /// Where it lies.
    pub lat: Option<f64>,
    /// What was found; null where nobody has answered.
    pub found: Option<String>,
    /// What kind of difference that is.
    pub difference: Option<String>,
    /// In what it differs.
    pub differs: Vec<String>,
    /// The area that was found, m².
    pub found_area_m2: Option<f64>,
    /// The use that was found.
    pub found_usage: Option<String>,
    /// The unit that was found there.
    pub found_unit_id: Option<Uuid>,
    /// Its name.
    pub found_unit_name: Option<String>,
    /// The area in the unit's own ledger, m².
    pub own_area_m2: Option<f64>,
    /// The certificate's number in the unit's own ledger.
    pub own_title_number: Option<String>,
    /// Who answered.
    pub answered_by: Option<String>,
    /// Who looked on the site.
    pub checked_by: Option<String>,
    /// Who explained the difference.
    pub explained_by: Option<String>,
    /// What becomes of it.
    pub decision: Option<String>,
    /// Who decided that.
    pub decided_by: Option<String>,
    /// The object that was changed.
    pub settled_object_id: Option<Uuid>,
    /// The version that the change wrote.
    pub settled_version_id: Option<Uuid>,
    /// The day on which the correction was named.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub settled_on: Option<Date>,
    /// All the rest.
    #[schema(value_type = LineDetails)]
    pub details: SqlJson<LineDetails>,
    /// The papers of the field check; told with one line alone.
    #[sqlx(skip)]
    pub papers: Vec<Document>,
}

const SORT: [SortColumn; 2] = [
    SortColumn {
        name: "no",
        expression: "v.no::float8",
        is_number: true,
    },
    SortColumn {
        name: "name",
        expression: "coalesce(v.name, v.code, '')",
        is_number: false,
    },
];

const COLUMNS: &str =
    "v.object_id as id, coalesce(a.version_id, v.object_id) as tag, v.no, v.is_extra, v.kind, v.asset_id,
       v.building_id, v.near_id, v.region_code, v.book_unit_id, bu.name as book_unit_name, v.code, v.name, v.address,
       v.floor, v.area_m2::float8 as area_m2, v.usage, v.title_number, v.title_area_m2::float8 as title_area_m2, v.lon,
       v.lat, a.found, a.difference, coalesce(a.differs, '{}') as differs, a.found_area_m2::float8 as found_area_m2,
       a.found_usage, a.found_unit_id, fu.name as found_unit_name, a.own_area_m2::float8 as own_area_m2,
       a.own_title_number, a.answered_by, a.checked_by, a.explained_by, a.decision, a.decided_by, a.settled_object_id,
       a.settled_version_id, a.settled_on, coalesce(a.details, '{}') as details";

/// What is counted: the lines, and what is known of them now.
fn push_from(select: &mut QueryBuilder<Postgres>, id: StocktakingId, with_units: bool) {
    select.push(
        " from (select id as object_id, no, is_extra, kind, asset_id, building_id, near_id, region_code, book_unit_id,
                       code, name, address, floor, area_m2, usage, title_number, title_area_m2, lon, lat
                  from stocktaking_line where stocktaking_id = ",
    );
    select
        .push_bind(id.0)
        .push(") v left join stocktaking_line_version a on a.object_id = v.object_id and upper_inf(a.recorded)");
    if with_units {
        for (alias, unit) in [("bu", "v.book_unit_id"), ("fu", "a.found_unit_id")] {
            select.push(format!(
                " left join lateral (select name from unit_version
                         where object_id = {unit} and upper_inf(recorded) order by lower(valid) desc limit 1) {alias} on true"
            ));
        }
    }
}

fn several(field: &str, words: Option<&String>, list: &[&str]) -> Result<Option<Vec<String>>, Problem> {
    let Some(words) = words.filter(|words| !words.is_empty()) else {
        return Ok(None);
    };
    let words: Vec<String> = words.split(',').map(|word| word.trim().to_owned()).collect();
    for word in &words {
        require_word(field, word, list).map_err(|problem| Problem::bad(field, problem.detail))?;
    }
    Ok(Some(words))
}

fn narrow(select: &mut QueryBuilder<Postgres>, query: &LineQuery) -> Result<(), Problem> {
    select.push(" where true");
    if let Some(kinds) = several("kind", query.kind.as_ref(), &["parcel", "building", "room"])? {
        select.push(" and v.kind = any(").push_bind(kinds).push(")");
    }
    if let Some(building) = query.building {
        select.push(" and (v.asset_id = ").push_bind(building);
        select.push(" or v.building_id = ").push_bind(building).push(")");
    }
    if let Some(asset) = query.asset {
        select.push(" and v.asset_id = ").push_bind(asset);
    }
    if let Some(unit) = query.unit {
        select.push(" and v.book_unit_id = ").push_bind(unit);
    }
    if let Some(found) = several("found", query.found.as_ref(), Found::WORDS)? {
        select.push(" and a.found = any(").push_bind(found).push(")");
    }
    if let Some(difference) = several("difference", query.difference.as_ref(), Difference::WORDS)? {
        select.push(" and a.difference = any(").push_bind(difference).push(")");
    }
    if let Some(decision) = several("decision", query.decision.as_ref(), Decision::WORDS)? {
        select.push(" and a.decision = any(").push_bind(decision).push(")");
    }
    if let Some(left) = query.left.as_deref().filter(|left| !left.is_empty()) {
        select.push(match left {
            "unanswered" => " and a.version_id is null",
            "answered" => " and a.version_id is not null",
            "differences" => " and a.difference is not null",
            "unchecked" => {
                " and a.difference is not null and a.checked_by is null
                  and (a.found <> 'in_place' or a.differs && '{area,usage,unit}')"
            }
            "unexplained" => " and a.difference is not null and a.explained_by is null",
            "undecided" => " and a.difference is not null and a.decision is null",
            "unsettled" => " and a.decision in ('correct_book', 'correct_own') and a.settled_on is null",
            "settled" => " and a.settled_on is not null",
            other => {
                return Err(Problem::bad("left", format!("{other:?} is none of what can be left"))
                    .remedy("choose unanswered, answered, differences, unchecked, unexplained, undecided, unsettled or settled"));
            }
        });
    }
    if let Some(q) = query.q.as_deref().filter(|q| !q.is_empty()) {
        let pattern = crate::request::contains_pattern(&plain_text("q", q, 400)?);
        for (index, column) in ["v.name", "v.code", "v.address", "v.title_number"].iter().enumerate() {
            select.push(if index == 0 { " and (" } else { " or " });
            select.push(*column).push(" ilike ").push_bind(pattern.clone());
        }
        select.push(")");
    }
    Ok(())
}

/// Does the caller see the stocktaking?
pub(super) async fn require_seen(connection: &mut PgConnection, id: StocktakingId) -> Result<(), Problem> {
    let is_seen = sqlx::query_scalar!(
        r#"select exists (select from stocktaking_version where object_id = $1) as "is_seen!""#,
        id.0
    )
    .fetch_one(connection)
    .await?;
    if is_seen { Ok(()) } else { Err(Problem::not_found(WHAT)) }
}

/// The list of a stocktaking. Before the freeze there is none.
#[utoipa::path(get, path = "/api/v1/stocktakings/{id}/lines", operation_id = "list_stocktaking_lines", tag = "stocktakings",
    params(("id" = Uuid, Path), LineQuery),
    responses((status = 200, body = Page<StocktakingLine>), (status = 400, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn list_lines(
    context: Context,
    Path(id): Path<String>,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<LineQuery>, QueryRejection>,
) -> Result<Json<Page<StocktakingLine>>, Problem> {
    let id = parse_id(&id)?;
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut snapshot = context.database.begin_snapshot().await?;
    require_seen(&mut snapshot, id).await?;
    let mut select = QueryBuilder::new("select ");
    select.push(COLUMNS).push(",");
    listing.push_columns(&mut select);
    push_from(&mut select, id, true);
    narrow(&mut select, &query)?;
    listing.push_page(&mut select);
    let rows: Vec<Listed<StocktakingLine>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*)");
        push_from(&mut count, id, false);
        narrow(&mut count, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    drop(snapshot);
    let page = listing.page(rows, total);
    let lines = page.items.iter().map(|line| line.id).collect();
    context.note_read_behind("stocktaking_line", lines).await?;
    Ok(Json(page))
}

/// Every line that is asked for, in the list's order.
pub(super) async fn all_lines(
    connection: &mut PgConnection,
    id: StocktakingId,
    query: &LineQuery,
) -> Result<Vec<StocktakingLine>, Problem> {
    let mut select = QueryBuilder::new("select ");
    select.push(COLUMNS);
    push_from(&mut select, id, true);
    narrow(&mut select, query)?;
    select.push(" order by v.no");
    Ok(select.build_query_as().fetch_all(connection).await?)
}

pub(super) async fn load_line(
    context: &Context,
    id: StocktakingId,
    line: StocktakingLineId,
) -> Result<StocktakingLine, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let mut select = QueryBuilder::new("select ");
    select.push(COLUMNS);
    push_from(&mut select, id, true);
    select.push(" where v.object_id = ").push_bind(line.0);
    let found: Option<StocktakingLine> = select.build_query_as().fetch_optional(&mut *snapshot).await?;
    let mut found = found.ok_or_else(|| Problem::not_found(LINE))?;
    let papers: Vec<DocumentId> = found
        .details
        .check
        .as_ref()
        .map(|check| check.documents.clone())
        .unwrap_or_default();
    found.papers = documents_of(&mut snapshot, &papers).await?;
    Ok(found)
}

/// One line.
#[utoipa::path(get, path = "/api/v1/stocktakings/{id}/lines/{line}", operation_id = "get_stocktaking_line", tag = "stocktakings",
    params(("id" = Uuid, Path), ("line" = Uuid, Path)),
    responses((status = 200, body = StocktakingLine, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_line(
    context: Context,
    Path((id, line)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let line = load_line(&context, parse_id(&id)?, parse_line(&line)?).await?;
    context.note_read_behind("stocktaking_line", vec![line.id]).await?;
    Ok(answer_read(&headers, VersionId(line.tag), line))
}

/// A version of a line in its history.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct StocktakingLineVersion {
    #[serde(flatten)]
    history: HistoryFacts,
    /// What was found by then.
    found: Found,
    /// What kind of difference that was.
    difference: Option<Difference>,
    /// What was to become of it.
    decision: Option<Decision>,
}

/// Everything that was ever said of a line; the latest stands first.
#[utoipa::path(get, path = "/api/v1/stocktakings/{id}/lines/{line}/versions", operation_id = "list_stocktaking_line_versions", tag = "stocktakings",
    params(("id" = Uuid, Path), ("line" = Uuid, Path)),
    responses((status = 200, body = Page<StocktakingLineVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_line_versions(
    context: Context,
    Path((id, line)): Path<(String, String)>,
) -> Result<Json<Page<StocktakingLineVersion>>, Problem> {
    let (id, line) = (parse_id(&id)?, parse_line(&line)?);
    let mut snapshot = context.database.begin_snapshot().await?;
    super::line::book_line(&mut snapshot, id, line)
        .await?
        .ok_or_else(|| Problem::not_found(LINE))?;
    let rows = select_lines!(
        "where v.object_id = $1 order by lower(v.recorded), v.version_id",
        line.0
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let told = history::<LineContent>(&mut snapshot, line.0, rows.into_iter().map(|row| row.stored())).await?;
    drop(snapshot);
    context.note_read_behind("stocktaking_line", vec![line.0]).await?;
    let items = told
        .into_iter()
        .map(|(history, content)| StocktakingLineVersion {
            history,
            found: content.found,
            difference: content.difference,
            decision: content.decision,
        })
        .collect();
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}
