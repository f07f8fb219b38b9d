//! `GET /api/v1/regions`: a page of regions at a date.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::request::fields::plain_text;
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times};

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Part of the name, English name or code.
    q: Option<String>,
    /// The id or code of the region above; `none` for those at the top.
    parent: Option<String>,
    /// One or several levels, comma-separated.
    level: Option<String>,
    /// Code scheme.
    scheme: Option<String>,
    /// Data set.
    dataset: Option<String>,
    /// `code` or `name`; a minus in front turns it round.
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
pub struct RegionRow {
    /// Its id.
    pub id: Uuid,
    /// Whose codes.
    pub scheme: String,
    /// 行政区划代码
    pub code: String,
    /// Name.
    pub name: String,
    /// English name.
    pub name_en: Option<String>,
    /// `nation`, `province`, `city`, `county`, `township` or `village`.
    pub level: String,
    /// The region above it.
    pub parent_id: Option<Uuid>,
    /// Its code.
    pub parent_code: Option<String>,
    /// Its name.
    pub parent_name: Option<String>,
    /// How many regions stand directly below it.
    pub children: i64,
    /// West, south, east, north.
    pub bbox: Option<Vec<f64>>,
}

const SORT: [SortColumn; 2] = [
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
];

/// Regions at a date.
#[utoipa::path(get, path = "/api/v1/regions", operation_id = "list_regions", tag = "regions",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<RegionRow>), (status = 400, body = Problem)))]
pub(super) async fn list_regions(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<RegionRow>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    // Only the rows of the page are worth a look at what stands above and below them, and one look at all is enough.
    let mut select = QueryBuilder::new(
        "with page as materialized (select v.object_id as id, v.scheme, v.code, v.name, v.name_en, v.level, v.parent_id,
                case when v.geometry is not null then array[st_xmin(v.geometry), st_ymin(v.geometry),
                st_xmax(v.geometry), st_ymax(v.geometry)] end as bbox,",
    );
    listing.push_columns(&mut select);
    select.push(" from region_version v");
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    select.push(
        "), placed as (select *, row_number() over () as place from page),
            children as (select parent_id, count(*) as children from region_version
                          where parent_id in (select id from page) and valid @> ",
    );
    select.push_bind(times.as_of).push(" and recorded @> ");
    select.push_bind(times.known_at).push(
        " group by parent_id)
         select v.*, p.code as parent_code, p.name as parent_name, coalesce(c.children, 0) as children from placed v
           left join children c on c.parent_id = v.id
           left join lateral (select code, name from region_version where object_id = v.parent_id and valid @> ",
    );
    select.push_bind(times.as_of).push(" and recorded @> ");
    select
        .push_bind(times.known_at)
        .push(" limit 1) p on true order by v.place");
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<RegionRow>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*) from region_version v");
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
        select.push(" or v.name ilike ").push_bind(pattern.clone());
        select.push(" or v.name_en ilike ").push_bind(pattern).push(")");
    }
    match given("parent", &query.parent)?.as_deref() {
        None => {}
        Some("none") => {
            select.push(" and v.parent_id is null");
        }
        Some(parent) => match Uuid::parse_str(parent) {
            Ok(parent) => {
                select.push(" and v.parent_id = ").push_bind(parent);
            }
            Err(_) => {
                select.push(" and v.parent_id in (select object_id from region_version where code = ");
                select
                    .push_bind(parent.to_owned())
                    .push(" and valid @> ")
                    .push_bind(times.as_of);
                select.push(" and recorded @> ").push_bind(times.known_at).push(")");
            }
        },
    }
    if let Some(levels) = given("level", &query.level)? {
        let levels: Vec<String> = levels.split(',').map(|level| level.trim().to_owned()).collect();
        select.push(" and v.level = any(").push_bind(levels).push(")");
    }
    for (field, column, wanted) in [
        ("scheme", "v.scheme", &query.scheme),
        ("dataset", "v.dataset", &query.dataset),
    ] {
        if let Some(wanted) = given(field, wanted)? {
            select.push(" and ").push(column).push(" = ").push_bind(wanted);
        }
    }
    Ok(())
}
