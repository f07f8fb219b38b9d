//! What the record of a split or merge says, and its rows.

use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// Everything a record says. Its valid period begins on the day of the change.
#[derive(Debug, Clone, Serialize)]
pub struct SuccessionContent {
    /// `split` (分割) or `merge` (合并).
    pub kind: String,
    /// `parcel` or `building`.
    pub object_kind: String,
    /// The old ones.
    pub from_ids: Vec<Uuid>,
    /// The new ones.
    pub to_ids: Vec<Uuid>,
    /// The survey it rests on (权籍调查成果).
    pub survey: String,
    /// The consent of the natural-resources department (自然资源主管部门意见).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
    /// The title case that brought it about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_id: Option<Uuid>,
    /// Plane area of the old ones together, m².
    pub area_before_m2: f64,
    /// Plane area of the new ones together, m².
    pub area_after_m2: f64,
    /// So much of the old ones' ground is in none of the new ones, m².
    pub missing_m2: f64,
    /// So much of the new ones' ground was in none of the old ones, m².
    pub outside_m2: f64,
    /// So much of it is in more than one of the new ones, m².
    pub overlap_m2: f64,
}

impl VersionContent for SuccessionContent {
    const OBJECT: ObjectKind = ObjectKind::Succession;
    const STATEMENTS: VersionStatements = version_statements!(
        "succession",
        "kind, object_kind, from_ids, to_ids, survey, consent, case_id, area_before_m2, area_after_m2, missing_m2, outside_m2, overlap_m2"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.text(Some(&self.kind))
            .text(Some(&self.object_kind))
            .value(Some(self.from_ids.clone()))
            .value(Some(self.to_ids.clone()))
            .text(Some(&self.survey))
            .text(self.consent.as_deref())
            .value(self.case_id)
            .value(Some(self.area_before_m2))
            .value(Some(self.area_after_m2))
            .value(Some(self.missing_m2))
            .value(Some(self.outside_m2))
            .value(Some(self.overlap_m2));
    }
}

struct SuccessionRow {
    version_id: Uuid,
    object_id: Uuid,
    valid: PgRange<Date>,
    recorded: PgRange<OffsetDateTime>,
    kind: String,
    object_kind: String,
    from_ids: Vec<Uuid>,
    to_ids: Vec<Uuid>,
    survey: String,
    consent: Option<String>,
    case_id: Option<Uuid>,
    area_before_m2: f64,
    area_after_m2: f64,
    missing_m2: f64,
    outside_m2: f64,
    overlap_m2: f64,
}

/// Holds every row against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = sqlx::query_as!(
        SuccessionRow,
        "select version_id, object_id, valid, recorded, kind, object_kind, from_ids, to_ids, survey, consent, case_id,
                area_before_m2, area_after_m2, missing_m2, outside_m2, overlap_m2
           from succession_version"
    )
    .fetch(connection);
    while let Some(row) = rows.try_next().await? {
        let (version_id, object_id) = (row.version_id, row.object_id);
        let (valid, recorded) = (row.valid, row.recorded);
        let content = SuccessionContent {
            kind: row.kind,
            object_kind: row.object_kind,
            from_ids: row.from_ids,
            to_ids: row.to_ids,
            survey: row.survey,
            consent: row.consent,
            case_id: row.case_id,
            area_before_m2: row.area_before_m2,
            area_after_m2: row.area_after_m2,
            missing_m2: row.missing_m2,
            outside_m2: row.outside_m2,
            overlap_m2: row.overlap_m2,
        };
        let stored = StoredVersion::new(version_id, object_id, &valid, &recorded, Ok(content));
        expected.check(&stored.found());
    }
    Ok(())
}
