//! Following the ledger: whatever is built from it (tile indexes, caches, notices) reads it here, in its order.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use serde::Deserialize;
use sqlx::PgPool;
use uuid::Uuid;

use super::entry::{Action, EntryId, ObjectKind};
use super::seal::{Notices, SEALED, as_i64, plan_simply};

/// About so many objects are given at once.
const BATCH: usize = 20_000;

/// What a follower is told of a sealed entry. An entry that speaks of many objects, as an import's do, is told of once
/// for each of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FollowedEntry {
    /// Its place in the order: from 1, without gaps.
    pub seq: u64,
    /// Its id.
    pub entry_id: EntryId,
    /// What kind of thing it is about. `None`: a kind that only a newer version of the program knows.
    pub object_kind: Option<ObjectKind>,
    /// The thing.
    pub object_id: Uuid,
    /// What was done. `None`: something that only a newer version of the program knows.
    pub action: Option<Action>,
}

/// Gives the sealed entries after a position, in order, as they come. Holds one connection of the pool.
pub struct Follower {
    pool: PgPool,
    notices: Notices,
    position: u64,
    batch: usize,
}

impl std::fmt::Debug for Follower {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Follower")
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl Follower {
    /// Follows what comes after entry number `after` (0: from the beginning).
    ///
    /// # Errors
    /// When the database is gone.
    pub async fn start(pool: PgPool, after: u64) -> Result<Self, sqlx::Error> {
        let mut notices = Notices::new(pool.clone(), SEALED);
        notices.listen().await?;
        Ok(Self {
            pool,
            notices,
            position: after,
            batch: BATCH,
        })
    }

    /// The number of the last entry given.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next entries, at least one and whole ones: some 20 000 objects, or those of a single entry; waits for them as long as it takes. May be dropped while it
    /// waits and called again: nothing is lost.
    ///
    /// # Errors
    /// When the database is gone; the follower can be asked again and goes on where it was.
    pub async fn next_batch(&mut self) -> Result<Vec<FollowedEntry>, sqlx::Error> {
        loop {
            let entries = self.read().await?;
            if let Some(last) = entries.last() {
                self.position = last.seq;
                return Ok(entries);
            }
            self.notices.wait().await;
        }
    }

    async fn read(&self) -> Result<Vec<FollowedEntry>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        plan_simply(&mut transaction).await?;
        let mut rows = sqlx::query!(
            r#"select leaf.seq, leaf.entry_id, entry.object_kind, entry.object_id, entry.action,
                      case when entry.object_kind = 'import' then entry.before::text end as before,
                      case when entry.object_kind = 'import' then entry.after::text end as after
             from ledger_leaf leaf
             join ledger_entry entry on entry.id = leaf.entry_id
             where leaf.seq > $1
             order by leaf.seq
             limit $2"#,
            as_i64(self.position),
            i64::try_from(self.batch).unwrap_or(i64::MAX),
        )
        .fetch(&mut *transaction);
        let mut followed = Vec::new();
        while let Some(row) = rows.try_next().await? {
            let entry = FollowedEntry {
                seq: row.seq.unsigned_abs(),
                entry_id: EntryId(row.entry_id),
                object_kind: ObjectKind::parse(&row.object_kind),
                object_id: row.object_id,
                action: Action::parse(&row.action),
            };
            let many = [row.before, row.after].into_iter().flatten();
            let many: Vec<ManyObjects> = many.filter_map(|text| serde_json::from_str(&text).ok()).collect();
            if many.is_empty() {
                followed.push(entry);
            }
            // A changed object stands among the ended versions and among the new ones.
            let objects: BTreeSet<(&str, Uuid)> = many
                .iter()
                .flat_map(|many| {
                    many.versions
                        .iter()
                        .map(|version| (many.kind.as_str(), version.object_id))
                })
                .collect();
            followed.extend(objects.into_iter().map(|(kind, object_id)| FollowedEntry {
                object_kind: ObjectKind::parse(kind),
                object_id,
                ..entry
            }));
            if followed.len() >= self.batch {
                break;
            }
        }
        drop(rows);
        transaction.commit().await?;
        Ok(followed)
    }
}

/// What an entry of an import says of the objects it wrote.
#[derive(Deserialize)]
struct ManyObjects {
    kind: String,
    versions: Vec<OneObject>,
}

#[derive(Deserialize)]
struct OneObject {
    object_id: Uuid,
}

/// The number of the last sealed entry (0: none). Whoever builds an index from the tables reads this first, in the same
/// transaction at isolation level *repeatable read*, and follows from here.
///
/// # Errors
/// When the database is gone.
pub async fn position(connection: &mut sqlx::PgConnection) -> Result<u64, sqlx::Error> {
    let last = sqlx::query_scalar!("select seq from ledger_leaf order by seq desc limit 1")
        .fetch_optional(connection)
        .await?;
    Ok(last.map_or(0, i64::unsigned_abs))
}
