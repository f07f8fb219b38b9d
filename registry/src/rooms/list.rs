//! `GET /api/v1/rooms`: a page of rooms at a date.

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
    /// Part of the number or name.
    q: Option<String>,
    /// The id of the building.
    building: Option<Uuid>,
    /// The floor; below ground negative.
    floor: Option<i16>,
    /// The id of the unit that uses it.
    unit: Option<Uuid>,
    /// One or several occupancies, comma-separated; `none` for those without.
    occupancy: Option<String>,
    /// One or several types, comma-separated; `none` for those without.
    room_type: Option<String>,
    /// Data set.
    dataset: Option<String>,
    /// `place` (floor, then number), `number`, `name`, `use_area_m2` or `building_area_m2`; a minus in front turns it
    /// round.
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
pub struct RoomRow {
    /// Its id.
    pub id: Uuid,
    /// The building it is in.
    pub building_id: Uuid,
    /// The building's name.
    pub building_name: Option<String>,
    /// Floor.
    pub floor: i16,
    /// 房间号
    pub number: String,
    /// Name.
    pub name: Option<String>,
    /// 使用面积, m²
    pub use_area_m2: Option<f64>,
    /// 建筑面积, m²
    pub building_area_m2: Option<f64>,
    /// The unit that uses it.
    pub unit_id: Option<Uuid>,
    /// Its name.
    pub unit_name: Option<String>,
    /// 使用状态
    pub occupancy: Option<String>,
    /// 房间类型
    pub room_type: Option<String>,
    /// What it serves for within its type.
    pub purpose: Option<String>,
}

const SORT: [SortColumn; 5] = [
    // Floors are -30 to 300, so three digits put them in order.
    SortColumn {
        name: "place",
        expression: "lpad((v.floor + 100)::text, 3, '0') || ' ' || v.number",
        is_number: false,
    },
    SortColumn {
        name: "number",
        expression: "v.number",
        is_number: false,
    },
    SortColumn {
        name: "name",
        expression: "coalesce(v.name, '')",
        is_number: false,
    },
    SortColumn {
        name: "use_area_m2",
        expression: "coalesce(v.use_area_m2::float8, -1)",
        is_number: true,
    },
    SortColumn {
        name: "building_area_m2",
        expression: "coalesce(v.building_area_m2::float8, -1)",
        is_number: true,
    },
];

/// Rooms at a date.
#[utoipa::path(get, path = "/api/v1/rooms", operation_id = "list_rooms", tag = "rooms",
    params(ListQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<RoomRow>), (status = 400, body = Problem)))]
pub(super) async fn list_rooms(
    context: Context,
    times: Times,
    OriginalUri(uri): OriginalUri,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<Page<RoomRow>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let listing = Listing::new(&uri, &SORT, query.sort.as_deref(), query.limit, query.cursor.as_deref())?;
    let mut select = QueryBuilder::new(
        "select v.object_id as id, v.building_id, b.name as building_name, v.floor, v.number, v.name,
                v.use_area_m2::float8 as use_area_m2, v.building_area_m2::float8 as building_area_m2, v.unit_id,
                w.name as unit_name, v.occupancy, v.room_type, v.purpose,",
    );
    listing.push_columns(&mut select);
    select.push(" from room_version v");
    for (table, key, alias) in [
        ("spatial_unit_version", "v.building_id", "b"),
        ("unit_version", "v.unit_id", "w"),
    ] {
        select
            .push(" left join lateral (select name from ")
            .push(table)
            .push(" where object_id = ")
            .push(key);
        select
            .push(" and valid @> ")
            .push_bind(times.as_of)
            .push(" and recorded @> ")
            .push_bind(times.known_at);
        select.push(" limit 1) ").push(alias).push(" on true");
    }
    narrow(&mut select, times, &query)?;
    listing.push_page(&mut select);
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows: Vec<Listed<RoomRow>> = select.build_query_as().fetch_all(&mut *snapshot).await?;
    let total = if query.count {
        let mut count = QueryBuilder::new("select count(*) from room_version v");
        narrow(&mut count, times, &query)?;
        Some(count.build_query_scalar().fetch_one(&mut *snapshot).await?)
    } else {
        None
    };
    drop(snapshot);
    let page = listing.page(rows, total);
    context
        .note_read_behind("room", page.items.iter().map(|row| row.id).collect())
        .await?;
    Ok(Json(page))
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
        select.push(" and (v.number ilike ").push_bind(pattern.clone());
        select.push(" or v.name ilike ").push_bind(pattern).push(")");
    }
    if let Some(building) = query.building {
        select.push(" and v.building_id = ").push_bind(building);
    }
    if let Some(floor) = query.floor {
        select.push(" and v.floor = ").push_bind(floor);
    }
    if let Some(unit) = query.unit {
        select.push(" and v.unit_id = ").push_bind(unit);
    }
    for (field, column, wanted) in [
        ("occupancy", "v.occupancy", &query.occupancy),
        ("room_type", "v.room_type", &query.room_type),
    ] {
        let Some(wanted) = given(field, wanted)? else { continue };
        let words: Vec<String> = wanted.split(',').map(|word| word.trim().to_owned()).collect();
        select
            .push(" and coalesce(")
            .push(column)
            .push(", 'none') = any(")
            .push_bind(words)
            .push(")");
    }
    if let Some(dataset) = given("dataset", &query.dataset)? {
        select.push(" and v.dataset = ").push_bind(dataset);
    }
    Ok(())
}
