//! The proof that the version rows are what the ledger says.

use futures_util::TryStreamExt;
use sqlx::PgConnection;
use uuid::Uuid;

use super::queries::{content_digest, content_json, select_versions};
use super::relations::relation_digest;
use crate::digest::VersionHead;
use crate::ids::VersionId;
use crate::ledger::{ExpectedVersions, FoundVersion};
use crate::period::{recorded_ends, valid_period};
use crate::request::Fault;

/// Holds every version row of sites, parcels, buildings and their relations against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_versions!("").fetch(&mut *connection);
    while let Some(row) = rows.try_next().await? {
        let (recorded_from, recorded_to) = recorded_ends(&row.recorded);
        let head = VersionHead {
            version_id: row.version_id,
            object_id: row.object_id,
            valid: valid_period(&row.valid),
            recorded_from,
        };
        let (version_id, object_id): (Uuid, Uuid) = (row.version_id, row.object_id);
        // A row that no longer reads as what it was is altered, not a failure of the proof.
        let sha256 = row
            .content()
            .and_then(|content| Ok(content_digest(&head, &content, &content_json(&content)?)))
            .unwrap_or([0; 32]);
        expected.check(&FoundVersion {
            version_id: VersionId(version_id),
            object_id,
            sha256,
            recorded_to,
        });
    }
    drop(rows);
    let mut relations =
        sqlx::query!("select version_id, kind, upper_id, lower_id, valid, recorded from spatial_unit_relation")
            .fetch(connection);
    while let Some(row) = relations.try_next().await? {
        let (recorded_from, recorded_to) = recorded_ends(&row.recorded);
        let head = VersionHead {
            version_id: row.version_id,
            object_id: row.upper_id,
            valid: valid_period(&row.valid),
            recorded_from,
        };
        let sha256 = relation_digest(&head, &row.kind, row.lower_id);
        expected.check(&FoundVersion {
            version_id: VersionId(row.version_id),
            object_id: row.upper_id,
            sha256,
            recorded_to,
        });
    }
    Ok(())
}
