//! What a version of an occupant says, and its rows.

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::{OccupantId, RoomId, UnitId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// Everything a version says; the periods and ids stand beside it.
#[derive(Debug, Clone, Serialize)]
pub struct OccupantContent {
    /// The room they sit in.
    pub room_id: RoomId,
    /// Name.
    pub person: String,
    /// What tells two of one name apart (工号).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub staff_number: Option<String>,
    /// Whose staff they are; the room's unit where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<UnitId>,
    /// 职级, in the words of the unit's level.
    pub rank: String,
    /// One of [`POSTS`](super::POSTS).
    pub post: String,
    /// When a post held beside the main one ends.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub post_ends: Option<Date>,
    /// 调离、退休
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub left_on: Option<Date>,
    /// 核定面积: what the bureau granted, m² of use area, four decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_area_m2: Option<Decimal>,
    /// Who allowed an office beside another one, and when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second_office_approval: Option<String>,
}

impl VersionContent for OccupantContent {
    const OBJECT: ObjectKind = ObjectKind::Occupant;
    const STATEMENTS: VersionStatements = version_statements!(
        "occupant",
        "room_id, person, staff_number, unit_id, rank, post, post_ends, left_on, approved_area_m2, second_office_approval"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.room_id))
            .text(Some(&self.person))
            .text(self.staff_number.as_deref())
            .value(self.unit_id)
            .text(Some(&self.rank))
            .text(Some(&self.post))
            .value(self.post_ends)
            .value(self.left_on)
            .value(self.approved_area_m2)
            .text(self.second_office_approval.as_deref());
    }
}

/// A version row as the table holds it.
pub(super) struct OccupantVersionRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub room_id: Uuid,
    pub person: String,
    pub staff_number: Option<String>,
    pub unit_id: Option<Uuid>,
    pub rank: String,
    pub post: String,
    pub post_ends: Option<Date>,
    pub left_on: Option<Date>,
    pub approved_area_m2: Option<Decimal>,
    pub second_office_approval: Option<String>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::occupants::content::OccupantVersionRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.room_id, v.person, v.staff_number, v.unit_id,
                      v.rank, v.post, v.post_ends, v.left_on, v.approved_area_m2, v.second_office_approval
                 from occupant_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_versions;

impl OccupantVersionRow {
    pub(super) fn stored(self) -> StoredVersion<OccupantContent> {
        let content = OccupantContent {
            room_id: RoomId(self.room_id),
            person: self.person,
            staff_number: self.staff_number,
            unit_id: self.unit_id.map(UnitId),
            rank: self.rank,
            post: self.post,
            post_ends: self.post_ends,
            left_on: self.left_on,
            approved_area_m2: self.approved_area_m2.map(|area| area.normalize()),
            second_office_approval: self.second_office_approval,
        };
        StoredVersion::new(
            self.version_id,
            self.object_id,
            &self.valid,
            &self.recorded,
            Ok(content),
        )
    }
}

/// Locks an occupant and reads the versions known now, by the days they hold; none where there is no such occupant.
///
/// # Errors
/// The database's.
pub async fn held_versions(connection: &mut PgConnection, id: OccupantId) -> Result<Vec<Held<OccupantContent>>, Fault> {
    sqlx::query!("select id from occupant where id = $1 for update", id.0)
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

/// Holds every version row of occupants against what the ledger says of it.
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
