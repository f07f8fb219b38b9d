//! What a version of a room says, and its rows.

use std::collections::HashMap;

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::{RoomId, SpatialUnitId, UnitId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::Held;
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, stored_attributes, version_statements};

/// Everything a version says; the periods and ids stand beside it.
#[derive(Debug, Clone, Serialize)]
pub struct RoomContent {
    /// The building it is in.
    pub building_id: SpatialUnitId,
    /// The floor; below ground negative.
    pub floor: i16,
    /// Its number on the floor (房间号).
    pub number: String,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 使用面积, m², four decimals; never added to the building area.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_area_m2: Option<Decimal>,
    /// 建筑面积, m², four decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub building_area_m2: Option<Decimal>,
    /// The unit that uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<UnitId>,
    /// 使用状态, one of [`OCCUPANCIES`](super::OCCUPANCIES).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupancy: Option<String>,
    /// The data set it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Its key there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_key: Option<String>,
    /// What its list said beside all this, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_attributes: Option<Box<RawValue>>,
    /// 房间类型, one of [`ROOM_TYPES`](super::ROOM_TYPES).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub room_type: Option<String>,
    /// What it serves for within its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// The office whose rest room or washroom it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_of_id: Option<RoomId>,
    /// 技术业务用房依据: the approval or the standard that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub type_basis: Option<String>,
}

impl RoomContent {
    /// A room of which nothing is known but its floor.
    pub(crate) fn empty(building_id: SpatialUnitId, floor: i16) -> Self {
        Self {
            building_id,
            floor,
            number: String::new(),
            name: None,
            use_area_m2: None,
            building_area_m2: None,
            unit_id: None,
            occupancy: None,
            dataset: None,
            source_key: None,
            source_attributes: None,
            room_type: None,
            purpose: None,
            part_of_id: None,
            type_basis: None,
        }
    }
}

impl VersionContent for RoomContent {
    const OBJECT: ObjectKind = ObjectKind::Room;
    const STATEMENTS: VersionStatements = version_statements!(
        "room",
        "building_id, floor, number, name, use_area_m2, building_area_m2, unit_id, occupancy, dataset, source_key, source_attributes, room_type, purpose, part_of_id, type_basis"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.building_id))
            .value(Some(self.floor))
            .text(Some(&self.number))
            .text(self.name.as_deref())
            .value(self.use_area_m2)
            .value(self.building_area_m2)
            .value(self.unit_id)
            .text(self.occupancy.as_deref())
            .text(self.dataset.as_deref())
            .text(self.source_key.as_deref())
            .text(self.source_attributes.as_ref().map(|text| text.get()))
            .text(self.room_type.as_deref())
            .text(self.purpose.as_deref())
            .value(self.part_of_id)
            .text(self.type_basis.as_deref());
    }
}

/// A version row as the table holds it.
pub(super) struct RoomVersionRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub building_id: Uuid,
    pub floor: i16,
    pub number: String,
    pub name: Option<String>,
    pub use_area_m2: Option<Decimal>,
    pub building_area_m2: Option<Decimal>,
    pub unit_id: Option<Uuid>,
    pub occupancy: Option<String>,
    pub dataset: Option<String>,
    pub source_key: Option<String>,
    pub source_attributes: Option<String>,
    pub room_type: Option<String>,
    pub purpose: Option<String>,
    pub part_of_id: Option<Uuid>,
    pub type_basis: Option<String>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::rooms::content::RoomVersionRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.building_id, v.floor, v.number, v.name,
                      v.use_area_m2, v.building_area_m2, v.unit_id, v.occupancy, v.dataset, v.source_key,
                      v.source_attributes::text as source_attributes, v.room_type, v.purpose, v.part_of_id, v.type_basis
                 from room_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_versions;

impl RoomVersionRow {
    pub(super) fn stored(self) -> StoredVersion<RoomContent> {
        let content = stored_attributes(self.source_attributes).map(|source_attributes| RoomContent {
            building_id: SpatialUnitId(self.building_id),
            floor: self.floor,
            number: self.number,
            name: self.name,
            use_area_m2: self.use_area_m2.map(|area| area.normalize()),
            building_area_m2: self.building_area_m2.map(|area| area.normalize()),
            unit_id: self.unit_id.map(UnitId),
            occupancy: self.occupancy,
            dataset: self.dataset,
            source_key: self.source_key,
            source_attributes,
            room_type: self.room_type,
            purpose: self.purpose,
            part_of_id: self.part_of_id.map(RoomId),
            type_basis: self.type_basis,
        });
        StoredVersion::new(self.version_id, self.object_id, &self.valid, &self.recorded, content)
    }
}

/// Locks a room and reads the versions known now, by the days they hold; none where there is no such room.
///
/// # Errors
/// The database's.
pub async fn held_versions(connection: &mut PgConnection, id: RoomId) -> Result<Vec<Held<RoomContent>>, Fault> {
    sqlx::query!("select id from room where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_versions!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid)",
        id.0
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

/// Locks rooms in the order of their ids and reads the versions known now.
///
/// # Errors
/// The database's.
pub async fn held_versions_of(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Held<RoomContent>>>, Fault> {
    sqlx::query!("select id from room where id = any($1) order by id for update", ids)
        .fetch_all(&mut *connection)
        .await?;
    let mut held: HashMap<Uuid, Vec<Held<RoomContent>>> = HashMap::new();
    for row in select_versions!(
        "where v.object_id = any($1) and upper_inf(v.recorded) order by v.object_id, lower(v.valid)",
        ids
    )
    .fetch_all(connection)
    .await?
    {
        held.entry(row.object_id).or_default().push(row.stored().held()?);
    }
    Ok(held)
}

/// The versions known now of the rooms that are or were in a building, by room and by the days they hold.
///
/// # Errors
/// The database's.
pub async fn known_versions_in(
    connection: &mut PgConnection,
    building: Uuid,
) -> Result<Vec<(Uuid, Held<RoomContent>)>, Fault> {
    select_versions!(
        "where v.building_id = $1 and upper_inf(v.recorded) order by v.object_id, lower(v.valid)",
        building
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| Ok((row.object_id, row.stored().held()?)))
    .collect()
}

/// Holds every version row of rooms against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_versions!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
