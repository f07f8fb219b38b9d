//! What a version of an idle record says, and its rows.

use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::{IdleRecordId, SpatialUnitId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// Everything a version says. Its valid period is the days of idleness.
#[derive(Debug, Clone, Serialize)]
pub struct IdleRecordContent {
    /// The parcel or building.
    pub asset_id: SpatialUnitId,
    /// Is all of it idle?
    pub whole: bool,
    /// The floor, where it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<i16>,
    /// The rooms that are idle by this record.
    pub room_ids: Vec<Uuid>,
    /// 闲置原因, one of [`CAUSES`](super::CAUSES).
    pub cause: String,
    /// The cause in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause_note: Option<String>,
    /// What shows it.
    pub evidence: String,
    /// The names of the documents that show it.
    pub documents: Vec<String>,
    /// Who confirmed it.
    pub confirmed_by: String,
    /// On which day.
    #[serde(with = "day")]
    pub confirmed_on: Date,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
    /// What the use is from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupancy_after: Option<String>,
}

impl VersionContent for IdleRecordContent {
    const OBJECT: ObjectKind = ObjectKind::IdleRecord;
    const STATEMENTS: VersionStatements = version_statements!(
        "idle_record",
        "asset_id, whole, floor, room_ids, cause, cause_note, evidence, documents, confirmed_by, confirmed_on, end_reason, occupancy_after"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.asset_id))
            .value(Some(self.whole))
            .value(self.floor)
            .value(Some(self.room_ids.clone()))
            .text(Some(&self.cause))
            .text(self.cause_note.as_deref())
            .text(Some(&self.evidence))
            .value(Some(self.documents.clone()))
            .text(Some(&self.confirmed_by))
            .value(Some(self.confirmed_on))
            .text(self.end_reason.as_deref())
            .text(self.occupancy_after.as_deref());
    }
}

/// A version row as the table holds it.
pub(super) struct IdleRecordRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub asset_id: Uuid,
    pub whole: bool,
    pub floor: Option<i16>,
    pub room_ids: Vec<Uuid>,
    pub cause: String,
    pub cause_note: Option<String>,
    pub evidence: String,
    pub documents: Vec<String>,
    pub confirmed_by: String,
    pub confirmed_on: Date,
    pub end_reason: Option<String>,
    pub occupancy_after: Option<String>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::idle_records::content::IdleRecordRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.asset_id, v.whole, v.floor, v.room_ids, v.cause,
                      v.cause_note, v.evidence, v.documents, v.confirmed_by, v.confirmed_on, v.end_reason,
                      v.occupancy_after
                 from idle_record_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_versions;

impl IdleRecordRow {
    pub(super) fn stored(self) -> StoredVersion<IdleRecordContent> {
        let content = IdleRecordContent {
            asset_id: SpatialUnitId(self.asset_id),
            whole: self.whole,
            floor: self.floor,
            room_ids: self.room_ids,
            cause: self.cause,
            cause_note: self.cause_note,
            evidence: self.evidence,
            documents: self.documents,
            confirmed_by: self.confirmed_by,
            confirmed_on: self.confirmed_on,
            end_reason: self.end_reason,
            occupancy_after: self.occupancy_after,
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

/// Locks a record and reads the versions known now; none where there is no such record.
pub(super) async fn held_versions(
    connection: &mut PgConnection,
    id: IdleRecordId,
) -> Result<Vec<Held<IdleRecordContent>>, Fault> {
    sqlx::query!("select id from idle_record where id = $1 for update", id.0)
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

/// Holds every version row of idle records against what the ledger says of it.
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
