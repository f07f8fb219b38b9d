//! Following the ledger: whatever is built from it (tile indexes, caches, notices) reads it here, in its order.

use sqlx::PgPool;
use uuid::Uuid;

use super::entry::{Action, EntryId, ObjectKind};
use super::seal::{Notices, SEALED, as_i64, plan_simply};

/// At most so many entries are given at once.
const BATCH: i64 = 20_000;

/// What a follower is told of a sealed entry.
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
    batch: i64,
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

    /// The next entries, at least one and at most 20 000; waits for them as long as it takes. May be dropped while it
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
        let rows = sqlx::query!(
            "select leaf.seq, leaf.entry_id, entry.object_kind, entry.object_id, entry.action
             from ledger_leaf leaf
             join ledger_entry entry on entry.id = leaf.entry_id
             where leaf.seq > $1
             order by leaf.seq
             limit $2",
            as_i64(self.position),
            self.batch,
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(rows
            .into_iter()
            .map(|row| FollowedEntry {
                seq: row.seq.unsigned_abs(),
                entry_id: EntryId(row.entry_id),
                object_kind: ObjectKind::parse(&row.object_kind),
                object_id: row.object_id,
                action: Action::parse(&row.action),
            })
            .collect())
    }
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
