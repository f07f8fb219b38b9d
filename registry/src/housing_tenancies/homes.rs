//! `GET /api/v1/homes`: the homes there are, which of them are free, let, or past their term.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use super::HOME_STATUSES;
use crate::period::day;
use crate::request::fields::{plain_text, require_word};
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times};
use crate::rooms::HOME;

/// What the list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// The id of a building.
    building: Option<Uuid>,
    /// The code of a region: in it and below it.
    region: Option<String>,
    /// One or several of `not_ready`, `free`, `let`, `overdue`, comma-separated.
    status: Option<String>,
    /// `place` or `status`; a minus in front turns it round.
    sort: Option<String>,
    /// Rows a page, 1 to 1000.
    limit: Option<u32>,
    /// Where the last page ended.
    cursor: Option<String>,
    /// Count all rows too.
    #[serde(default)]
    count: bool,
}

/// A home.
#[derive(Debug, Serialize, FromRow, utoipa::ToSchema)]
pub(super) struct HomeLine {
    /// The room.
    id: Uuid,
    /// Its building.
    building_id: Uuid,
    /// The building's name.
    building_name: Option<String>,
    /// The floor.
    floor: i16,
    /// Its number.
    number: String,
    /// 使用面积, m²
    use_area_m2: Option<f64>,
    /// 建筑面积, m²
    building_area_m2: Option<f64>,
    /// `not_ready` before its house's case is in use, `free`, `let`, `overdue`.
    status: String,
    /// Who lives there: the tenancy.
    tenancy_id: Option<Uuid>,
    /// The tenancy's version; its ETag.
    tenancy_version_id: Option<Uuid>,
    /// The tenant's name.
    tenant_name: Option<String>,
    /// Whose staff they are.
    unit_name: Option<String>,
    /// Is it a leader's?
    is_leader: Option<bool>,
    /// 备案号
    filing_number: Option<String>,
    /// The first day.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    starts_on: Option<Date>,
    /// The last day of the term.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    ends_on: Option<Date>,
    /// Yuan a month, as a text.
    monthly_rent: Option<String>,
    /// The lease.
    lease_id: Option<Uuid>,
}

const SORT: [SortColumn; 2] = [
    SortColumn {
        name: "place",
        expression: "coalesce(b.name, '') || ' ' || lpad((v.floor + 100)::text, 3, '0') || ' ' || v.number",
        is_number: false,
    },
    SortColumn {
        name: "status",
        expression: "h.status",
        is_number: false,
    },
];

/// Homes at a date, each with whoever lives there then.
#[utoipa::path(get, path = "/api/v1/homes", operation_id = "list_homes", tag = "housing",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<HomeLine>), (status = 400, body = Problem)))]
pub(super) async fn list_homes(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<HomeLine>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.building_id, coalesce(b.name, b.address, b.code) as building_name, v.floor, v.number,
                v.use_area_m2::float8 as use_area_m2, v.building_area_m2::float8 as building_area_m2, h.status,
                t.object_id as tenancy_id, t.version_id as tenancy_version_id, t.tenant_name, u.name as unit_name, t.is_leader,
                t.filing_number, lower(t.valid) as starts_on, t.ends_on, l.monthly_rent::text as monthly_rent, t.lease_id,",
    );
    listing.push_columns(&mut select);
    push_from(&mut select, times);
    narrow(&mut select, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<HomeLine>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*)");
        push_from(&mut count, times);
        narrow(&mut count, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    drop(snapshot);
    let page = listing.page(rows, total);
    let buildings: Vec<Uuid> = page.items.iter().map(|home| home.building_id).collect();
    context.note_read_of(&buildings).await?;
    Ok(Json(page))
}

fn push_from(select: &mut QueryBuilder<Postgres>, times: Times) {
    let at = |select: &mut QueryBuilder<Postgres>, alias: &str| {
        select
            .push(format!("{alias}.valid @> "))
            .push_bind(times.as_of)
            .push(format!(" and {alias}.recorded @> "))
            .push_bind(times.known_at);
    };
    select.push(" from room_version v left join spatial_unit_version b on b.object_id = v.building_id and ");
    at(select, "b");
    select.push(" left join housing_tenancy_version t on t.room_id = v.object_id and ");
    at(select, "t");
    select.push(" left join unit_version u on u.object_id = t.unit_id and ");
    at(select, "u");
    select.push(" left join lease_version l on l.object_id = t.lease_id and ");
    at(select, "l");
    select
        .push(" cross join lateral (select case when t.ends_on < ")
        .push_bind(times.as_of);
    select.push(
        " then 'overdue' when t.object_id is not null then 'let'
              when exists (select from policy_case_version c, json_array_elements_text(c.details -> 'room_ids') home
                            where c.asset_id in (select m.building_id from room_version m
                                                  where m.object_id = v.object_id and upper_inf(m.recorded))
                              and c.procedure = 'turnover_housing'
                              and c.state in ('in_use', 'closed') and home::uuid = v.object_id and c.recorded @> ",
    );
    select.push_bind(times.known_at);
    select.push(") then 'free' else 'not_ready' end as status) h where ");
    at(select, "v");
    select.push(" and v.room_type = ").push_bind(HOME);
}

fn narrow(select: &mut QueryBuilder<Postgres>, query: &ListQuery) -> Result<(), Problem> {
    if let Some(building) = query.building {
        select.push(" and v.building_id = ").push_bind(building);
    }
    if let Some(region) = query.region.as_deref().filter(|region| !region.is_empty()) {
        let region = plain_text("region", region, 12)?;
        select
            .push(" and starts_with(b.region_code, ")
            .push_bind(crate::regions::subtree(&region).to_owned())
            .push(")");
    }
    if let Some(words) = query.status.as_deref().filter(|words| !words.is_empty()) {
        let words: Vec<String> = words.split(',').map(|word| word.trim().to_owned()).collect();
        for word in &words {
            require_word("status", word, &HOME_STATUSES).map_err(|problem| Problem::bad("status", problem.detail))?;
        }
        select.push(" and h.status = any(").push_bind(words).push(")");
    }
    Ok(())
}
