//! `GET /api/v1/units`: a page of units at a date.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{CodeCheck, check_code};
use crate::request::fields::plain_text;
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times};

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Part of the name or code.
    q: Option<String>,
    /// Region code; units of places below it are included.
    region: Option<String>,
    /// One or several levels, comma-separated.
    level: Option<String>,
    /// One or several kinds, comma-separated.
    kind: Option<String>,
    /// The id of the unit above; `none` for those at the top.
    parent: Option<String>,
    /// Data set.
    dataset: Option<String>,
    /// `code`, `name` or `headcount`; a minus in front turns it round.
    sort: Option<String>,
    /// Rows a page, 1 to 1000.
    limit: Option<u32>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Count all rows too.
    #[serde(default)]
    count: bool,
}

/// A row of the list.
#[derive(Debug, Serialize, FromRow, utoipa::ToSchema)]
pub struct UnitRow {
    /// Its id.
    pub id: Uuid,
    /// 统一社会信用代码 or the bureau's own code.
    pub code: String,
    /// What the code's check digit says.
    #[sqlx(skip)]
    pub code_check: Option<CodeCheck>,
    /// Name.
    pub name: String,
    /// Whose it is.
    pub level: String,
    /// What it is.
    pub kind: String,
    /// 行政区划代码
    pub region_code: Option<String>,
    /// The unit above it.
    pub parent_id: Option<Uuid>,
    /// Its name.
    pub parent_name: Option<String>,
    /// Approved staffing (编制) of all ranks together, persons.
    pub headcount_total: i64,
}

const HEADCOUNT: &str =
    "(select coalesce(sum(ranked.value::bigint), 0)::bigint from jsonb_each_text(v.headcount) as ranked)";

const SORT: [SortColumn; 3] = [
    SortColumn {
        name: "code",
        expression: "v.code",
        is_number: false,
    },
    SortColumn {
        name: "name",
        expression: "v.name",
        is_number: false,
    },
    SortColumn {
        name: "headcount",
        expression: "(select coalesce(sum(ranked.value::bigint), 0)::float8 from jsonb_each_text(v.headcount) as ranked)",
        is_number: true,
    },
];

/// Units at a date.
#[utoipa::path(get, path = "/api/v1/units", operation_id = "list_units", tag = "units",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<UnitRow>), (status = 400, body = Problem)))]
pub(super) async fn list_units(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<UnitRow>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.code, v.name, v.level, v.kind, v.region_code, v.parent_id, p.name as parent_name, ",
    );
    select.push(HEADCOUNT).push(" as headcount_total,");
    listing.push_columns(&mut select);
    select.push(" from unit_version v left join lateral (select name from unit_version where object_id = v.parent_id");
    select
        .push(" and valid @> ")
        .push_bind(times.as_of)
        .push(" and recorded @> ")
        .push_bind(times.known_at);
    select.push(" limit 1) p on true");
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let mut rows: Vec<Listed<UnitRow>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    for row in &mut rows {
        let unit = row.row_mut();
        unit.code_check = Some(check_code(&unit.code));
    }
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*) from unit_version v");
        narrow(&mut count, times, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    Ok(Json(listing.page(rows, total)))
}

/// Appends the conditions of a list at a date. `v` is the version.
pub(crate) fn narrow(select: &mut QueryBuilder<Postgres>, times: Times, query: &ListQuery) -> Result<(), Problem> {
    let given = |field: &str, value: &Option<String>| match value.as_deref() {
        None | Some("") => Ok(None),
        Some(value) => plain_text(field, value, 400).map(Some),
    };
    select.push(" where v.valid @> ").push_bind(times.as_of);
    select.push(" and v.recorded @> ").push_bind(times.known_at);
    if let Some(q) = given("q", &query.q)?.filter(|q| !q.is_empty()) {
        let pattern = crate::request::contains_pattern(&q);
        select.push(" and (v.code ilike ").push_bind(pattern.clone());
        select.push(" or v.name ilike ").push_bind(pattern).push(")");
    }
    if let Some(region) = given("region", &query.region)? {
        // The region and everything below it: codes grow to the right.
        select
            .push(" and starts_with(v.region_code, ")
            .push_bind(crate::regions::subtree(&region).to_owned())
            .push(")");
    }
    for (field, column, wanted) in [("level", "v.level", &query.level), ("kind", "v.kind", &query.kind)] {
        if let Some(wanted) = given(field, wanted)? {
            let words: Vec<String> = wanted.split(',').map(|word| word.trim().to_owned()).collect();
            select
                .push(" and ")
                .push(column)
                .push(" = any(")
                .push_bind(words)
                .push(")");
        }
    }
    match given("parent", &query.parent)?.as_deref() {
        None => {}
        Some("none") => {
            select.push(" and v.parent_id is null");
        }
        Some(parent) => {
            let parent = Uuid::parse_str(parent).map_err(|_| {
                Problem::bad("parent", format!("{parent:?} is no id"))
                    .remedy("send the id of a unit, or none for those at the top")
            })?;
            select.push(" and v.parent_id = ").push_bind(parent);
        }
    }
    if let Some(dataset) = given("dataset", &query.dataset)? {
        select.push(" and v.dataset = ").push_bind(dataset);
    }
    Ok(())
}
