//! `GET /api/v1/stocktakings`: which stocktakings there are, the latest day first.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use crate::period::day;
use crate::request::fields::plain_text;
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn};

/// What the list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Region code; places below it are included.
    region: Option<String>,
    /// The id of a unit.
    unit: Option<Uuid>,
    /// Only those that are open (`true`), or aren't (`false`).
    open: Option<bool>,
    /// Only those of which the ledger's day lies in this year.
    year: Option<i32>,
    /// Part of its name.
    q: Option<String>,
    /// `as_of` or `name`; a minus in front turns it round.
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
pub struct StocktakingRow {
    /// Its id.
    pub id: Uuid,
    /// The version that is known; its ETag.
    pub version_id: Uuid,
    /// What it is called.
    pub name: String,
    /// The region.
    pub region_code: String,
    /// Its name.
    pub region_name: Option<String>,
    /// Whose assets (本级).
    pub admin_level: Option<String>,
    /// The one unit.
    pub unit_id: Option<Uuid>,
    /// Its name.
    pub unit_name: Option<String>,
    /// The day whose ledger is compared.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// Its state.
    pub state: String,
    /// Has it not ended?
    pub is_open: bool,
    /// Who opened it.
    pub opened_by: String,
    /// How many lines were frozen.
    pub lines: Option<i32>,
    /// How many differences there are.
    pub differences: i64,
}

const SORT: [SortColumn; 2] = [
    SortColumn {
        name: "as_of",
        expression: "v.as_of::text",
        is_number: false,
    },
    SortColumn {
        name: "name",
        expression: "v.name",
        is_number: false,
    },
];

/// The stocktakings that the caller sees.
#[utoipa::path(get, path = "/api/v1/stocktakings", operation_id = "list_stocktakings", tag = "stocktakings",
    params(ListQuery), responses((status = 200, body = Page<StocktakingRow>), (status = 400, body = Problem)))]
pub(super) async fn list_stocktakings(
    context: Context,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<StocktakingRow>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let sort = query
        .sort
        .as_deref()
        .filter(|sort| !sort.is_empty())
        .unwrap_or("-as_of");
    let listing = Listing::new(&uri, &SORT, Some(sort), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.version_id, v.name, v.region_code, r.name as region_name, v.admin_level, v.unit_id,
                u.name as unit_name, v.as_of, v.state, v.is_open, v.opened_by, v.lines, d.differences,",
    );
    listing.push_columns(&mut select);
    select.push(
        " from stocktaking_version v
          left join lateral (select name from region_version
                   where code = v.region_code and upper_inf(recorded) order by lower(valid) desc limit 1) r on true
          left join lateral (select name from unit_version
                   where object_id = v.unit_id and upper_inf(recorded) order by lower(valid) desc limit 1) u on true
         cross join lateral (select count(*) as differences from stocktaking_line_version a
                   where a.stocktaking_id = v.object_id and upper_inf(a.recorded) and a.difference is not null) d",
    );
    narrow(&mut select, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<StocktakingRow>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*) from stocktaking_version v");
        narrow(&mut count, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    Ok(Json(listing.page(rows, total)))
}

fn narrow(select: &mut QueryBuilder<Postgres>, query: &ListQuery) -> Result<(), Problem> {
    select.push(" where upper_inf(v.recorded)");
    if let Some(region) = query.region.as_deref().filter(|region| !region.is_empty()) {
        let region = plain_text("region", region, 24)?;
        select
            .push(" and starts_with(v.region_code, ")
            .push_bind(crate::regions::subtree(&region).to_owned())
            .push(")");
    }
    if let Some(unit) = query.unit {
        select.push(" and v.unit_id = ").push_bind(unit);
    }
    if let Some(open) = query.open {
        select.push(" and v.is_open = ").push_bind(open);
    }
    if let Some(year) = query.year {
        select
            .push(" and extract(year from v.as_of)::integer = ")
            .push_bind(year);
    }
    if let Some(q) = query.q.as_deref().filter(|q| !q.is_empty()) {
        let pattern = crate::request::contains_pattern(&plain_text("q", q, 400)?);
        select.push(" and v.name ilike ").push_bind(pattern);
    }
    Ok(())
}
