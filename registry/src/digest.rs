//! The digest by which the ledger vouches for a version row.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::period::ValidPeriod;

/// What identifies a version row beside its content.
#[derive(Debug, Clone, Copy)]
pub struct VersionHead {
    /// The row.
    pub version_id: Uuid,
    /// The object it is a version of.
    pub object_id: Uuid,
    /// When it holds.
    pub valid: ValidPeriod,
    /// Since when it is known. (Until when is vouched for by the entry that closes it.)
    pub recorded_from: OffsetDateTime,
}

/// SHA-256 over the row: each part with its length in front, so that no two rows share their bytes.
///
/// `content` is the content's JSON as serialised here; `blobs` what is too large to be said in JSON (geometry, EWKB).
#[must_use]
pub fn version_digest(table: &str, head: &VersionHead, content: &[u8], blobs: &[Option<&[u8]>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(b"yice version 1");
    part(table.as_bytes());
    part(head.version_id.as_bytes());
    part(head.object_id.as_bytes());
    part(head.valid.from.to_julian_day().to_be_bytes().as_slice());
    part(
        head.valid
            .to
            .map_or_else(Vec::new, |to| to.to_julian_day().to_be_bytes().to_vec())
            .as_slice(),
    );
    part(&head.recorded_from.unix_timestamp_nanos().to_be_bytes());
    part(content);
    for blob in blobs {
        part(&[u8::from(blob.is_some())]);
        part(blob.unwrap_or_default());
    }
    hash.finalize().into()
}
