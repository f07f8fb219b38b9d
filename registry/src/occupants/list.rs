//! `GET /api/v1/occupants`: a page of occupants at a date.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{OriginalUri, Query};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::Date;
use uuid::Uuid;

use crate::period::day;
use crate::request::fields::plain_text;
use crate::request::{Context, Listed, Listing, Page, Problem, SortColumn, Times, contains_pattern};

/// What a list may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListQuery {
    /// Part of the name or staff number.
    q: Option<String>,
    /// The id of the room.
    room: Option<Uuid>,
    /// The id of the building.
    building: Option<Uuid>,
    /// The id of the unit: of the occupant, or of the room where the occupant has none.
    unit: Option<Uuid>,
    /// `place` (floor, then number) or `person`; a minus in front turns it round.
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
pub(super) struct OccupantRow {
    /// Its id.
    id: Uuid,
    /// The room they sit in.
    room_id: Uuid,
    /// Its number.
    room_number: Option<String>,
    /// Its floor.
    floor: Option<i16>,
    /// Name.
    person: String,
    /// 工号
    staff_number: Option<String>,
    /// Whose staff they are; the room's unit where nothing was said.
    unit_id: Option<Uuid>,
    /// Its name.
    unit_name: Option<String>,
    /// 职级
    rank: String,
    /// `main` or `part_time`.
    post: String,
    /// When a post held beside the main one ends.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    post_ends: Option<Date>,
    /// 调离、退休
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    left_on: Option<Date>,
    /// 核定面积, m²
    approved_area_m2: Option<f64>,
    /// The version that holds: what a change sends back as `If-Match`.
    version_id: Uuid,
}

const SORT: [SortColumn; 2] = [
    SortColumn {
        name: "place",
        expression: "coalesce(lpad((r.floor + 100)::text, 3, '0') || ' ' || r.number, '')",
        is_number: false,
    },
    SortColumn {
        name: "person",
        expression: "v.person",
        is_number: false,
    },
];

/// Occupants at a date.
#[utoipa::path(get, path = "/api/v1/occupants", operation_id = "list_occupants", tag = "rooms",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<OccupantRow>), (status = 400, body = Problem)))]
pub(super) async fn list_occupants(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<OccupantRow>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.room_id, r.number as room_number, r.floor, v.person, v.staff_number,
                coalesce(v.unit_id, r.unit_id) as unit_id, w.name as unit_name, v.rank, v.post, v.post_ends, v.left_on,
                v.approved_area_m2::float8 as approved_area_m2, v.version_id,",
    );
    listing.push_columns(&mut select);
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<OccupantRow>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*)");
        narrow(&mut count, times, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    drop(snapshot);
    let page = listing.page(rows, total);
    context
        .note_read_behind("occupant", page.items.iter().map(|row| row.id).collect())
        .await?;
    Ok(Json(page))
}

/// Appends where the rows come from, and the conditions. `v` is the version, `r` its room and `w` its unit.
fn narrow(select: &mut QueryBuilder<Postgres>, times: Times, query: &ListQuery) -> Result<(), Problem> {
    select.push(
        " from occupant_version v left join lateral (select number, floor, building_id, unit_id from room_version
           where object_id = v.room_id and valid @> ",
    );
    select
        .push_bind(times.as_of)
        .push(" and recorded @> ")
        .push_bind(times.known_at);
    select.push(
        " limit 1) r on true left join lateral (select name from unit_version
           where object_id = coalesce(v.unit_id, r.unit_id) and valid @> ",
    );
    select
        .push_bind(times.as_of)
        .push(" and recorded @> ")
        .push_bind(times.known_at);
    select
        .push(" limit 1) w on true where v.valid @> ")
        .push_bind(times.as_of);
    select.push(" and v.recorded @> ").push_bind(times.known_at);
    if let Some(q) = query.q.as_deref().filter(|q| !q.trim().is_empty()) {
        let pattern = contains_pattern(&plain_text("q", q, 400)?);
        select.push(" and (v.person ilike ").push_bind(pattern.clone());
        select.push(" or v.staff_number ilike ").push_bind(pattern).push(")");
    }
    if let Some(room) = query.room {
        select.push(" and v.room_id = ").push_bind(room);
    }
    if let Some(building) = query.building {
        select.push(" and r.building_id = ").push_bind(building);
    }
    if let Some(unit) = query.unit {
        select.push(" and coalesce(v.unit_id, r.unit_id) = ").push_bind(unit);
    }
    Ok(())
}
