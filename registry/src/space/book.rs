//! What the book says of a unit's space: its rooms, their buildings, who sits in them.

use std::collections::HashMap;

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::request::{Fault, Times};

/// A unit as far as its space goes.
pub(super) struct UnitInBook {
    pub id: Uuid,
    pub code: String,
    pub name: String,
    pub level: String,
    pub region_code: Option<String>,
    pub headcount: serde_json::Value,
}

/// Reads a unit at a date.
pub(super) async fn unit(connection: &mut PgConnection, id: Uuid, times: Times) -> Result<Option<UnitInBook>, Fault> {
    Ok(sqlx::query_as!(
        UnitInBook,
        "select object_id as id, code, name, level, region_code, headcount from unit_version
          where object_id = $1 and valid @> $2::date and recorded @> $3::timestamptz",
        id,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(connection)
    .await?)
}

/// Reads units at a date.
pub(super) async fn units(connection: &mut PgConnection, ids: &[Uuid], times: Times) -> Result<Vec<UnitInBook>, Fault> {
    Ok(sqlx::query_as!(
        UnitInBook,
        "select object_id as id, code, name, level, region_code, headcount from unit_version
          where object_id = any($1) and valid @> $2::date and recorded @> $3::timestamptz",
        ids,
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?)
}

/// A room as far as its space goes.
pub(super) struct RoomInBook {
    pub id: Uuid,
    pub building_id: Uuid,
    pub floor: i16,
    pub number: String,
    pub name: Option<String>,
    pub use_area_m2: Option<Decimal>,
    pub building_area_m2: Option<Decimal>,
    pub unit_id: Option<Uuid>,
    pub room_type: Option<String>,
    pub purpose: Option<String>,
    pub part_of_id: Option<Uuid>,
}

/// The rooms that a unit uses, or one room with its parts.
pub(super) async fn rooms(
    connection: &mut PgConnection,
    (unit, room): (Option<Uuid>, Option<Uuid>),
    times: Times,
) -> Result<Vec<RoomInBook>, Fault> {
    Ok(sqlx::query_as!(
        RoomInBook,
        "select object_id as id, building_id, floor, number, name, use_area_m2, building_area_m2, unit_id, room_type, purpose,
                part_of_id
           from room_version
          where (unit_id = $1 or object_id = $2 or part_of_id = $2)
            and valid @> $3::date and recorded @> $4::timestamptz
          order by building_id, floor, number",
        unit,
        room,
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?)
}

/// A building as far as its height class goes.
pub(super) struct BuildingInBook {
    pub id: Uuid,
    pub code: Option<String>,
    pub name: Option<String>,
    pub floors_above: Option<i16>,
}

/// Buildings by id.
pub(super) async fn buildings(
    connection: &mut PgConnection,
    ids: &[Uuid],
    times: Times,
) -> Result<HashMap<Uuid, BuildingInBook>, Fault> {
    Ok(sqlx::query_as!(
        BuildingInBook,
        "select object_id as id, code, name, floors_above from spatial_unit_version
          where object_id = any($1) and valid @> $2::date and recorded @> $3::timestamptz",
        ids,
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|building| (building.id, building))
    .collect())
}

/// Somebody who sits in a room.
pub(super) struct OccupantInBook {
    pub id: Uuid,
    pub room_id: Uuid,
    pub person: String,
    pub rank: String,
    /// Of their unit, or the room's.
    pub level: Option<String>,
}

/// Who sits in rooms.
pub(super) async fn occupants(
    connection: &mut PgConnection,
    rooms: &[Uuid],
    times: Times,
) -> Result<Vec<OccupantInBook>, Fault> {
    Ok(sqlx::query_as!(
        OccupantInBook,
        r#"select v.object_id as id, v.room_id, v.person, v.rank, u.level as "level?"
             from occupant_version v
             left join room_version r
               on r.object_id = v.room_id and r.valid @> $2::date and r.recorded @> $3::timestamptz
             left join unit_version u
               on u.object_id = coalesce(v.unit_id, r.unit_id) and u.valid @> $2::date and u.recorded @> $3::timestamptz
            where v.room_id = any($1) and v.valid @> $2::date and v.recorded @> $3::timestamptz
            order by v.person"#,
        rooms,
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?)
}
