//! Which version rows there must be according to the ledger, and whether they are there.
//!
//! An entry that writes version rows names them with their digest, one that ends their recorded period names them again
//! (see [`NewEntry`](super::NewEntry)). In memory this takes 56 bytes for each version and 32 more for each closed one.

use futures_util::{Stream, TryStreamExt};
use serde::Deserialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::entry::{StoredEntry, microseconds};
use super::merkle::Hash;
use super::verify::{FirstBad, Wrong};
use crate::ids::VersionId;

/// A version row as it was found in its table.
#[derive(Debug, Clone, Copy)]
pub struct FoundVersion {
    /// Its id.
    pub version_id: VersionId,
    /// What it is a version of.
    pub object_id: Uuid,
    /// The digest of its content now.
    pub sha256: [u8; 32],
    /// The end of its recorded period; none while it is what is known.
    pub recorded_to: Option<OffsetDateTime>,
}

/// Of an entry not sealed yet.
const PENDING: u64 = u64::MAX;

#[derive(Debug, Clone, Copy)]
struct Written {
    id: Uuid,
    sha256: [u8; 32],
    seq: u64,
}

#[derive(Debug, Clone, Copy)]
struct Closed {
    id: Uuid,
    seq: u64,
    /// Microseconds since 1970-01-01T00:00Z.
    at: i64,
}

/// The version rows there must be.
#[derive(Debug, Default)]
pub struct ExpectedVersions {
    /// By id, once settled.
    written: Vec<Written>,
    /// By id, once settled.
    closed: Vec<Closed>,
    /// One bit for each of `written`.
    seen: Vec<u64>,
    /// The fault of the lowest number so far.
    first: Option<(u64, Wrong)>,
}

#[derive(Deserialize)]
struct WrittenVersions {
    #[serde(default)]
    versions: Vec<WrittenVersion>,
}

#[derive(Deserialize)]
struct WrittenVersion {
    id: Uuid,
    sha256: Hash,
}

#[derive(Deserialize)]
struct ClosedVersions {
    #[serde(default)]
    versions: Vec<ClosedVersion>,
}

#[derive(Deserialize)]
struct ClosedVersion {
    id: Uuid,
}

/// Most entries that name no versions are told by this, without parsing them.
fn names_versions(json: &str) -> bool {
    json.contains("\"versions\"") && json.trim_start().starts_with('{')
}

impl ExpectedVersions {
    /// Takes in an entry; entries come in order, those not sealed yet at the end.
    pub(super) fn learn(&mut self, seq: Option<u64>, entry: &StoredEntry) -> Result<(), Box<FirstBad>> {
        let number = seq.unwrap_or(PENDING);
        let unreadable = |error: serde_json::Error| {
            let why = format!("the versions it names are unreadable: {error}");
            Box::new(FirstBad::of(seq, entry, Wrong::Contradictory { why }))
        };
        if let Some(after) = entry.after.as_deref().filter(|json| names_versions(json)) {
            let after: WrittenVersions = serde_json::from_str(after).map_err(unreadable)?;
            let versions = after.versions.into_iter();
            self.written.extend(versions.map(|version| Written {
                id: version.id,
                sha256: version.sha256.0,
                seq: number,
            }));
        }
        if let Some(before) = entry.before.as_deref().filter(|json| names_versions(json)) {
            let before: ClosedVersions = serde_json::from_str(before).map_err(unreadable)?;
            let at = microseconds(entry.recorded_at);
            self.closed.extend(before.versions.into_iter().map(|version| Closed {
                id: version.id,
                seq: number,
                at,
            }));
        }
        Ok(())
    }

    /// Puts in order what was learnt and finds entries that contradict each other.
    pub(super) fn settle(&mut self) -> Result<(), Box<FirstBad>> {
        self.written.sort_unstable_by_key(|version| (version.id, version.seq));
        self.closed.sort_unstable_by_key(|version| (version.id, version.seq));
        self.seen = vec![0; self.written.len().div_ceil(64)];
        let mut contradiction: Option<(u64, String)> = None;
        let mut found = |seq: u64, why: String| {
            if contradiction.as_ref().is_none_or(|(first, _)| seq < *first) {
                contradiction = Some((seq, why));
            }
        };
        for pair in self.written.windows(2).filter(|pair| pair[0].id == pair[1].id) {
            found(pair[1].seq, format!("version {} was written before", pair[1].id));
        }
        for pair in self.closed.windows(2).filter(|pair| pair[0].id == pair[1].id) {
            found(pair[1].seq, format!("version {} was closed before", pair[1].id));
        }
        for closed in &self.closed {
            // The first of that id, should there be several.
            let index = self.written.partition_point(|version| version.id < closed.id);
            let written = self.written.get(index).filter(|version| version.id == closed.id);
            if written.is_none_or(|version| version.seq > closed.seq) {
                found(
                    closed.seq,
                    format!("it closes version {}, which nothing before it wrote", closed.id),
                );
            }
        }
        match contradiction {
            Some((seq, why)) => Err(Box::new(fault(seq, Wrong::Contradictory { why }))),
            None => Ok(()),
        }
    }

    /// How many version rows there must be.
    #[must_use]
    pub fn len(&self) -> usize {
        self.written.len()
    }

    /// There must be none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Holds a version row against the ledger; rows come in any order, of all tables one after another.
    pub fn check(&mut self, row: &FoundVersion) {
        let (version_id, object_id) = (row.version_id.0, row.object_id);
        let Ok(index) = self.written.binary_search_by_key(&version_id, |version| version.id) else {
            return self.found(PENDING, Wrong::VersionSlippedIn { version_id, object_id });
        };
        let written = self.written[index];
        let (word, bit) = (index / 64, 1 << (index % 64));
        if self.seen[word] & bit != 0 {
            return self.found(PENDING, Wrong::VersionSlippedIn { version_id, object_id });
        }
        self.seen[word] |= bit;
        if written.sha256 != row.sha256 {
            self.found(written.seq, Wrong::VersionAltered { version_id, object_id });
        }
        let closed = self.closed.binary_search_by_key(&version_id, |version| version.id);
        let closed = closed.ok().map(|index| self.closed[index]);
        let recorded_to = row.recorded_to.map(microseconds);
        if recorded_to != closed.map(|closed| closed.at) {
            let wrong = Wrong::VersionEndAltered {
                version_id,
                object_id,
                found: instant(recorded_to),
                expected: instant(closed.map(|closed| closed.at)),
            };
            self.found(closed.map_or(written.seq, |closed| closed.seq), wrong);
        }
    }

    /// After the last row: the fault of the lowest ledger number, rows that are missing included.
    ///
    /// # Errors
    /// When the database is gone; it is asked for the name of the entry.
    pub async fn first_bad(mut self, connection: &mut PgConnection) -> Result<Option<FirstBad>, sqlx::Error> {
        let missing = self
            .written
            .iter()
            .enumerate()
            .filter(|(index, _)| {
                self.seen
                    .get(index / 64)
                    .is_none_or(|word| word & (1 << (index % 64)) == 0)
            })
            .min_by_key(|(_, version)| version.seq)
            .map(|(_, version)| *version);
        if let Some(version) = missing {
            self.found(version.seq, Wrong::VersionRemoved { version_id: version.id });
        }
        match self.first {
            Some((seq, wrong)) => fault(seq, wrong).named(connection).await.map(Some),
            None => Ok(None),
        }
    }

    fn found(&mut self, seq: u64, wrong: Wrong) {
        if self.first.as_ref().is_none_or(|(first, _)| seq < *first) {
            self.first = Some((seq, wrong));
        }
    }
}

fn fault(seq: u64, wrong: Wrong) -> FirstBad {
    let first = FirstBad::at(seq, wrong);
    FirstBad {
        seq: first.seq.filter(|seq| *seq != PENDING),
        ..first
    }
}

fn instant(microseconds: Option<i64>) -> String {
    let instant = microseconds.and_then(|at| OffsetDateTime::from_unix_timestamp_nanos(i128::from(at) * 1_000).ok());
    instant.map_or_else(|| "no end".to_owned(), |instant| instant.to_string())
}

/// Holds all rows of one table against the ledger. Call it for each table with versions, then
/// [`ExpectedVersions::first_bad`].
///
/// # Errors
/// When the rows can't be read.
pub async fn compare(
    expected: &mut ExpectedVersions,
    rows: impl Stream<Item = Result<FoundVersion, sqlx::Error>>,
) -> Result<(), sqlx::Error> {
    let mut rows = std::pin::pin!(rows);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row);
    }
    Ok(())
}
