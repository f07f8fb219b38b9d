//! Proof that every paper is what was brought: its row is the one the ledger vouches for, its file has those bytes.

use std::collections::{BTreeMap, HashMap};

use sqlx::PgConnection;
use uuid::Uuid;

use super::DocumentStore;
use super::bring::row_digest;
use super::store::StoreFailed;

/// A paper that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("paper {id}: {what}")]
pub struct BadDocument {
    /// Which.
    pub id: Uuid,
    /// What is wrong with it.
    pub what: String,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Verified {
    /// Papers that were looked at.
    pub papers: usize,
    /// Bytes that were read; a content that several papers share is read once.
    pub bytes: u64,
    /// Those that do not hold, all of them.
    pub bad: Vec<BadDocument>,
}

/// Why it could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database failed.
    #[error("the database failed")]
    Database {
        /// What it said.
        #[from]
        source: sqlx::Error,
    },
    /// The store failed otherwise than by lacking a file.
    #[error("the papers could not be read")]
    Store {
        /// What it said.
        #[from]
        source: StoreFailed,
    },
}

/// Holds every paper against the ledger and reads every file to its end.
///
/// # Errors
/// The database's and the store's. A paper that does not hold is no error of this function.
pub async fn verify_documents(connection: &mut PgConnection, store: &DocumentStore) -> Result<Verified, Fault> {
    let mut vouched: HashMap<Uuid, Option<String>> = sqlx::query!(
        "select object_id, after ->> 'digest' as digest from ledger_entry
          where object_kind = 'document' and action = 'create'"
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .map(|row| (row.object_id, row.digest))
    .collect();
    let rows = sqlx::query!("select id, sha256, bytes, media_type, name, brought_by from document order by id")
        .fetch_all(connection)
        .await?;
    let mut verified = Verified {
        papers: rows.len(),
        ..Verified::default()
    };
    // By content: what lies beneath one file.
    let mut files: BTreeMap<Vec<u8>, Vec<(Uuid, i64)>> = BTreeMap::new();
    for row in rows {
        let found = row_digest(
            row.id,
            &row.sha256,
            row.bytes,
            &row.media_type,
            &row.name,
            &row.brought_by,
        );
        match vouched.remove(&row.id) {
            Some(Some(digest)) if digest == found => {}
            Some(_) => verified.bad.push(BadDocument {
                id: row.id,
                what: "its row is not what the ledger vouches for".to_owned(),
            }),
            None => verified.bad.push(BadDocument {
                id: row.id,
                what: "the ledger knows nothing of it".to_owned(),
            }),
        }
        files.entry(row.sha256).or_default().push((row.id, row.bytes));
    }
    for id in vouched.into_keys() {
        verified.bad.push(BadDocument {
            id,
            what: "the ledger vouches for it, and its row is missing".to_owned(),
        });
    }
    for (sha256, papers) in files {
        let name = hex::encode(&sha256);
        let Ok(sha256) = <[u8; 32]>::try_from(sha256) else {
            continue;
        };
        let found = store.digest(&sha256).await?;
        verified.bytes += found.map_or(0, |(bytes, _)| bytes);
        for (id, bytes) in papers {
            let what = match found {
                None => format!("its file sha256/{}/{name} is missing", &name[..2]),
                Some((length, _)) if i64::try_from(length) != Ok(bytes) => {
                    format!(
                        "its file sha256/{}/{name} has {length} bytes instead of {bytes}",
                        &name[..2]
                    )
                }
                Some((_, digest)) if digest != sha256 => {
                    format!("its file sha256/{}/{name} holds other bytes", &name[..2])
                }
                Some(_) => continue,
            };
            verified.bad.push(BadDocument { id, what });
        }
    }
    verified.bad.sort_by_key(|bad| bad.id);
    Ok(verified)
}
