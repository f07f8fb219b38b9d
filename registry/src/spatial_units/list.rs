//! `GET /api/v1/{layer}`: a page of parcels, buildings or sites at a date, filtered and sorted.

use axum::Json;
use axum::extract::{OriginalUri, Path, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use uuid::Uuid;

use super::Kind;
use super::read::RESTRICTED;
use crate::case_stages::{push_phases, stages_on};
use crate::request::{Context, Cursor, Page, PageQuery, Problem, Times, note_restricted_read};

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Part of the name, address or code.
    q: Option<String>,
    /// Region code; places below it are included.
    region: Option<String>,
    /// Unit id.
    unit: Option<Uuid>,
    /// One or several statuses, comma-separated; `none` for those without.
    title_status: Option<String>,
    /// One or several usages; `none` for those without.
    usage: Option<String>,
    /// One or several occupancies; `none` for those without.
    occupancy: Option<String>,
    /// Where the open case about it stands: one or several of `preparing`, `deciding`, `carrying_out`, `finishing` and
    /// `titling`; `none` for those without.
    case_phase: Option<String>,
    /// One or several levels (whose); `none` for those without.
    admin_level: Option<String>,
    /// One or several of `public`, `internal`, `classified`; `none` for those without.
    secrecy: Option<String>,
    /// west,south,east,north in degrees.
    bbox: Option<String>,
    /// Data set.
    dataset: Option<String>,
    /// `code`, `name`, `address`, `area_m2`, `registered_area_m2`; a minus in front turns it round.
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
pub struct SpatialUnitRow {
    /// Its id.
    pub id: Uuid,
    /// The number tiles carry.
    pub feature_id: i64,
    /// Code.
    pub code: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// 坐落
    pub address: Option<String>,
    /// 行政区划代码
    pub region_code: Option<String>,
    /// The unit that uses it.
    pub unit_id: Option<Uuid>,
    /// Its name.
    pub unit_name: Option<String>,
    /// 权属登记情况
    pub title_status: Option<String>,
    /// 用途
    pub usage: Option<String>,
    /// 使用状态
    pub occupancy: Option<String>,
    /// The open case about it and its state, as `idle_disposal.approved`.
    #[sqlx(skip)]
    pub case_stage: Option<String>,
    /// 处置进度: at which phase that is; `titling` where it is a title case.
    #[sqlx(skip)]
    pub case_phase: Option<String>,
    /// Whose it is (本级).
    pub admin_level: Option<String>,
    /// 密级
    pub secrecy: Option<String>,
    /// m²
    pub area_m2: Option<f64>,
    /// m²
    pub registered_area_m2: Option<f64>,
    /// West, south, east, north.
    pub bbox: Option<Vec<f64>>,
    #[serde(skip)]
    sort_text: String,
    #[serde(skip)]
    sort_number: f64,
}

#[derive(Clone, Copy)]
struct Order {
    column: &'static str,
    numeric: bool,
    descending: bool,
}

fn order(sort: Option<&str>) -> Result<Order, Problem> {
    let sort = sort.unwrap_or("code");
    let (descending, name) = sort.strip_prefix('-').map_or((false, sort), |name| (true, name));
    let (column, numeric) = match name {
        "code" => ("coalesce(v.code, '')", false),
        "name" => ("coalesce(v.name, '')", false),
        "address" => ("coalesce(v.address, '')", false),
        "area_m2" => ("coalesce(v.area_m2, -1)", true),
        "registered_area_m2" => ("coalesce(v.registered_area_m2::float8, -1)", true),
        other => {
            return Err(Problem::bad("sort", format!("{other:?} is no column to sort by"))
                .remedy("sort by code, name, address, area_m2 or registered_area_m2, with a minus in front to turn it round"));
        }
    };
    Ok(Order {
        column,
        numeric,
        descending,
    })
}

/// Parcels, buildings or sites at a date.
#[utoipa::path(get, path = "/api/v1/{layer}", operation_id = "list_spatial_units", tag = "assets",
    params(("layer" = String, Path, description = "parcels, buildings or sites"), ListQuery,
           ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<SpatialUnitRow>), (status = 400, body = Problem)))]
pub(super) async fn list_spatial_units(
    context: Context,
    times: Times,
    Path(layer): Path<String>,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<SpatialUnitRow>>, Problem> {
    let kind = Kind::of_path(&layer)?;
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let limit = PageQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    let order = order(query.sort.as_deref())?;
    let address = without_cursor(&uri);

    let mut select = QueryBuilder::new(
        "select u.id, u.feature_id, v.code, v.name, v.address, v.region_code, v.unit_id, w.name as unit_name, v.title_status, v.usage, v.occupancy, v.admin_level, v.secrecy, v.area_m2, v.registered_area_m2::float8 as registered_area_m2, case when v.geometry is not null then array[st_xmin(v.geometry), st_ymin(v.geometry), st_xmax(v.geometry), st_ymax(v.geometry)] end as bbox, ",
    );
    if order.numeric {
        select
            .push("'' as sort_text, ")
            .push(order.column)
            .push(" as sort_number");
    } else {
        select
            .push(order.column)
            .push(" as sort_text, 0::float8 as sort_number");
    }
    select.push(" from spatial_unit u join spatial_unit_version v on v.object_id = u.id");
    select.push(" left join lateral (select name from unit_version where object_id = v.unit_id and valid @> ");
    select
        .push_bind(times.as_of)
        .push(" and recorded @> ")
        .push_bind(times.known_at)
        .push(" limit 1) w on true");
    narrow(&mut select, kind, times, &query)?;
    if let Some(cursor) = &query.cursor {
        let compare = if order.descending { " < " } else { " > " };
        select
            .push(" and (")
            .push(order.column)
            .push(", v.object_id)")
            .push(compare)
            .push("(");
        if order.numeric {
            let (number, id): (f64, Uuid) = Cursor::decode(cursor, &address)?;
            select.push_bind(number).push(", ").push_bind(id);
        } else {
            let (text, id): (String, Uuid) = Cursor::decode(cursor, &address)?;
            select.push_bind(text).push(", ").push_bind(id);
        }
        select.push(")");
    }
    let direction = if order.descending { " desc" } else { "" };
    select
        .push(" order by ")
        .push(order.column)
        .push(direction)
        .push(", v.object_id")
        .push(direction);
    // One row more than the page tells whether there is a next one.
    select.push(" limit ").push_bind(i64::from(limit) + 1);
    let mut snapshot = context.database.begin_snapshot().await?;
    let mut items: Vec<SpatialUnitRow> = select.build_query_as().fetch_all(&mut *snapshot).await?;

    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let ids: Vec<Uuid> = items.iter().map(|item| item.id).collect();
    let mut stages = stages_on(&mut snapshot, Some(&ids), times).await?;
    for item in &mut items {
        if let Some(case) = stages.remove(&item.id) {
            (item.case_stage, item.case_phase) = (Some(case.stage), Some(case.phase));
        }
    }
    let restricted: Vec<Uuid> = items
        .iter()
        .filter(|item| item.secrecy.as_deref() == Some(RESTRICTED))
        .map(|item| item.id)
        .collect();
    let next = items.last().filter(|_| more).map(|last| {
        let cursor = if order.numeric {
            Cursor::new(&address, (last.sort_number, last.id)).encode()
        } else {
            Cursor::new(&address, (last.sort_text.clone(), last.id)).encode()
        };
        let joint = if address.contains('?') { '&' } else { '?' };
        format!("{address}{joint}cursor={cursor}")
    });
    let total = if query.count {
        let mut count =
            QueryBuilder::new("select count(*) from spatial_unit u join spatial_unit_version v on v.object_id = u.id");
        narrow(&mut count, kind, times, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    drop(snapshot);
    note_restricted_read(&context, &uri.to_string(), &restricted).await?;
    Ok(Json(Page { items, next, total }))
}

fn without_cursor(uri: &axum::http::Uri) -> String {
    let kept: Vec<&str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="))
        .collect();
    if kept.is_empty() {
        uri.path().to_owned()
    } else {
        format!("{}?{}", uri.path(), kept.join("&"))
    }
}

/// Appends the order that the query asks for; the database's own where it asks for none.
pub(crate) fn push_order(select: &mut QueryBuilder<Postgres>, query: &ListQuery) -> Result<(), Problem> {
    if query.sort.is_some() {
        let order = order(query.sort.as_deref())?;
        let direction = if order.descending { " desc" } else { "" };
        select.push(" order by ").push(order.column).push(direction);
        select.push(", v.object_id").push(direction);
    }
    Ok(())
}

/// Appends the conditions of a list at a date. `v` is the version, `u` the identity.
pub(crate) fn narrow(
    select: &mut QueryBuilder<Postgres>,
    kind: Kind,
    times: Times,
    query: &ListQuery,
) -> Result<(), Problem> {
    select.push(" where v.kind = ").push_bind(kind.word());
    select.push(" and v.valid @> ").push_bind(times.as_of);
    select.push(" and v.recorded @> ").push_bind(times.known_at);
    if let Some(q) = query.q.as_deref().map(str::trim).filter(|q| !q.is_empty()) {
        let pattern = crate::request::contains_pattern(q);
        select.push(" and (v.code ilike ").push_bind(pattern.clone());
        select.push(" or v.name ilike ").push_bind(pattern.clone());
        select.push(" or v.address ilike ").push_bind(pattern).push(")");
    }
    if let Some(region) = query.region.as_deref().filter(|region| !region.is_empty()) {
        // The region and everything below it: codes grow to the right.
        select
            .push(" and starts_with(v.region_code, ")
            .push_bind(crate::regions::subtree(region).to_owned())
            .push(")");
    }
    if let Some(unit) = query.unit {
        select.push(" and v.unit_id = ").push_bind(unit);
    }
    if let Some(dataset) = query.dataset.as_deref().filter(|dataset| !dataset.is_empty()) {
        select.push(" and u.dataset = ").push_bind(dataset.to_owned());
    }
    for (column, wanted) in [
        ("v.title_status", &query.title_status),
        ("v.usage", &query.usage),
        ("v.occupancy", &query.occupancy),
        ("v.admin_level", &query.admin_level),
        ("v.secrecy", &query.secrecy),
    ] {
        if let Some(wanted) = wanted.as_deref().filter(|wanted| !wanted.is_empty()) {
            let words: Vec<String> = wanted.split(',').map(str::to_owned).collect();
            select
                .push(" and coalesce(")
                .push(column)
                .push(", 'none') = any(")
                .push_bind(words)
                .push(")");
        }
    }
    if let Some(phases) = query.case_phase.as_deref().filter(|phases| !phases.is_empty()) {
        let phases: Vec<String> = phases.split(',').map(str::to_owned).collect();
        push_phases(select, "v.object_id", &phases, times);
    }
    if let Some(bbox) = query.bbox.as_deref().filter(|bbox| !bbox.is_empty()) {
        let [west, south, east, north] = parse_bbox(bbox)?;
        select
            .push(" and box(v.geometry) && box(st_makeenvelope(")
            .push_bind(west)
            .push(", ")
            .push_bind(south);
        select
            .push(", ")
            .push_bind(east)
            .push(", ")
            .push_bind(north)
            .push(", 4490))");
    }
    Ok(())
}

/// Reads `west,south,east,north`.
pub(crate) fn parse_bbox(text: &str) -> Result<[f64; 4], Problem> {
    let numbers: Vec<f64> = text.split(',').filter_map(|part| part.trim().parse().ok()).collect();
    match numbers[..] {
        [west, south, east, north]
            if text.split(',').count() == 4
                && west <= east
                && south <= north
                && west >= -180.0
                && east <= 180.0
                && south >= -90.0
                && north <= 90.0 =>
        {
            Ok([west, south, east, north])
        }
        _ => Err(Problem::bad("bbox", format!("{text:?} is no box"))
            .remedy("write west,south,east,north in degrees, as 119.9,31.7,120.1,31.9")),
    }
}
