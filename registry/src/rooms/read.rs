//! `GET /api/v1/rooms/{id}`: one room as it was, and its history.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::content::select_versions;
use crate::ids::{RoomId, VersionId};
use crate::request::{Context, Page, Problem, Times};
use crate::versioned::{HistoryFacts, Named, VersionFacts, answer_read, history, stored_attributes};

/// A room at a date.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Room {
    /// Its id, for ever.
    pub id: Uuid,
    /// The building it is in.
    pub building: Named,
    /// The floor; below ground negative.
    pub floor: i16,
    /// 房间号
    pub number: String,
    /// Name.
    pub name: Option<String>,
    /// 使用面积, m²; never added to the building area.
    pub use_area_m2: Option<f64>,
    /// 建筑面积, m²
    pub building_area_m2: Option<f64>,
    /// The unit that uses it.
    pub unit: Option<Named>,
    /// 使用状态
    pub occupancy: Option<String>,
    /// 房间类型
    pub room_type: Option<String>,
    /// What it serves for within its type.
    pub purpose: Option<String>,
    /// The office whose rest room or washroom it is.
    pub part_of_id: Option<Uuid>,
    /// 技术业务用房依据
    pub type_basis: Option<String>,
    /// The data set it came with.
    pub dataset: Option<String>,
    /// Its key there.
    pub source_key: Option<String>,
    /// What its list said beside all this, in its own words.
    #[schema(value_type = Option<Object>)]
    pub attributes: Option<Box<RawValue>>,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// One room, as it was on `as_of`, as the registry knew it at `known_at`.
#[utoipa::path(get, path = "/api/v1/rooms/{id}", operation_id = "get_room", tag = "rooms",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Room, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_room(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let room = load(&context, id, times).await?;
    context.note_read_behind("room", vec![id.0]).await?;
    Ok(answer_read(&headers, VersionId(room.version.version_id), room))
}

pub(super) const WHAT: &str = "this room";

pub(crate) fn parse_id(text: &str) -> Result<RoomId, Problem> {
    Uuid::parse_str(text).map(RoomId).map_err(|_| Problem::not_found(WHAT))
}

/// Reads one room at a date.
pub(super) async fn load(context: &Context, id: RoomId, times: Times) -> Result<Room, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = sqlx::query!(
        r#"select v.version_id, v.valid, v.recorded, v.building_id, v.floor, v.number, v.name,
                  v.use_area_m2::float8 as use_area_m2, v.building_area_m2::float8 as building_area_m2, v.unit_id,
                  v.occupancy, v.room_type, v.purpose, v.part_of_id, v.type_basis, v.dataset, v.source_key, v.source_attributes::text as source_attributes,
                  b.code as "building_code?", b.name as "building_name?", w.code as "unit_code?", w.name as "unit_name?"
             from room_version v
             left join lateral (
                  select code, name from spatial_unit_version
                   where object_id = v.building_id and valid @> $2::date and recorded @> $3::timestamptz limit 1) b on true
             left join lateral (
                  select code, name from unit_version
                   where object_id = v.unit_id and valid @> $2::date and recorded @> $3::timestamptz limit 1) w on true
            where v.object_id = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz"#,
        id.0,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    Ok(Room {
        id: id.0,
        building: Named {
            id: row.building_id,
            code: row.building_code,
            name: row.building_name,
        },
        floor: row.floor,
        number: row.number,
        name: row.name,
        use_area_m2: row.use_area_m2,
        building_area_m2: row.building_area_m2,
        unit: row.unit_id.map(|id| Named {
            id,
            code: row.unit_code,
            name: row.unit_name,
        }),
        occupancy: row.occupancy,
        room_type: row.room_type,
        purpose: row.purpose,
        part_of_id: row.part_of_id,
        type_basis: row.type_basis,
        dataset: row.dataset,
        source_key: row.source_key,
        attributes: stored_attributes(row.source_attributes)?,
        version: VersionFacts::new(row.version_id, &row.valid, &row.recorded),
    })
}

/// One version of a room.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RoomVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    pub history: HistoryFacts,
    /// The building it is in.
    pub building_id: Uuid,
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
    /// 使用状态
    pub occupancy: Option<String>,
    /// 房间类型
    pub room_type: Option<String>,
    /// What it serves for within its type.
    pub purpose: Option<String>,
    /// The office whose rest room or washroom it is.
    pub part_of_id: Option<Uuid>,
    /// 技术业务用房依据
    pub type_basis: Option<String>,
}

/// Every version of a room, the latest known and valid first.
#[utoipa::path(get, path = "/api/v1/rooms/{id}/versions", operation_id = "list_room_versions", tag = "rooms",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<RoomVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_room_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<RoomVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_versions!(
        "where v.object_id = $1 order by lower(v.valid), lower(v.recorded), v.version_id",
        id.0
    )
    .fetch_all(&mut *snapshot)
    .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    let number = |area: Option<Decimal>| area.and_then(|area| area.to_f64());
    let items = told
        .into_iter()
        .map(|(history, content)| RoomVersion {
            history,
            building_id: content.building_id.0,
            floor: content.floor,
            number: content.number,
            name: content.name,
            use_area_m2: number(content.use_area_m2),
            building_area_m2: number(content.building_area_m2),
            unit_id: content.unit_id.map(|unit| unit.0),
            occupancy: content.occupancy,
            room_type: content.room_type,
            purpose: content.purpose,
            part_of_id: content.part_of_id.map(|room| room.0),
            type_basis: content.type_basis,
        })
        .collect();
    drop(snapshot);
    context.note_read_behind("room", vec![id.0]).await?;
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}
