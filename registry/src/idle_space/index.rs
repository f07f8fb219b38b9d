//! The spaces in memory, which follow the ledger.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use time::Date;
use tokio::sync::RwLock;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::load::load;
use super::space::Space;
use crate::clock::Clock;
use crate::database::Database;
use crate::ledger::{FollowedEntry, Follower, ObjectKind};
use crate::request::{Fault, Times};

/// Every building with idle space, as of a day and an entry of the ledger; none while it isn't followed.
#[derive(Debug, Clone, Default)]
pub struct IdleIndex {
    held: Arc<RwLock<Option<Held>>>,
}

#[derive(Debug)]
pub(super) struct Held {
    pub spaces: BTreeMap<Uuid, Space>,
    pub day: Date,
    pub position: u64,
}

impl IdleIndex {
    /// What is held for a day, where it is.
    pub(super) async fn on<T>(&self, day: Date, answer: impl FnOnce(&Held) -> T) -> Option<T> {
        self.held
            .read()
            .await
            .as_ref()
            .filter(|held| held.day == day)
            .map(answer)
    }

    /// Reads everything. Gives the place in the ledger from which it must be followed.
    pub(super) async fn read_all(&self, database: &Database, clock: &Clock) -> Result<u64, Fault> {
        let times = Times::now(clock);
        let mut transaction = database.begin_snapshot().await?;
        let position = crate::ledger::position(&mut transaction).await?;
        let spaces = load(&mut transaction, None, times).await?;
        transaction.commit().await?;
        *self.held.write().await = Some(Held {
            spaces: spaces.into_iter().map(|space| (space.id, space)).collect(),
            day: times.as_of,
            position,
        });
        Ok(position)
    }

    /// Reads anew what a batch of the ledger touched.
    pub(super) async fn apply(&self, database: &Database, clock: &Clock, batch: &[FollowedEntry]) -> Result<(), Fault> {
        let Some(last) = batch.last() else { return Ok(()) };
        let of = |kind: ObjectKind| -> Vec<Uuid> {
            batch
                .iter()
                .filter(|entry| entry.object_kind == Some(kind))
                .map(|entry| entry.object_id)
                .collect()
        };
        let mut transaction = database.begin_snapshot().await?;
        // A room's building, and the one it was in before.
        let touched = sqlx::query_scalar!(
            r#"select building_id as "id!" from room_version where object_id = any($1)
               union
               select asset_id from idle_record_version where object_id = any($2)"#,
            &of(ObjectKind::Room),
            &of(ObjectKind::IdleRecord),
        )
        .fetch_all(&mut *transaction)
        .await?;
        let ids: HashSet<Uuid> = of(ObjectKind::Building).into_iter().chain(touched).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let read = if ids.is_empty() {
            Vec::new()
        } else {
            load(&mut transaction, Some(&ids), Times::now(clock)).await?
        };
        transaction.commit().await?;
        if let Some(held) = self.held.write().await.as_mut() {
            for id in &ids {
                held.spaces.remove(id);
            }
            held.spaces.extend(read.into_iter().map(|space| (space.id, space)));
            held.position = last.seq;
        }
        Ok(())
    }

    async fn forget(&self) {
        *self.held.write().await = None;
    }
}

/// Follows the ledger until told to stop. While the database is away nothing is held, and questions go to it.
pub async fn keep_current(database: Database, clock: Clock, index: IdleIndex, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = follow(&database, &clock, &index, &stop).await {
            tracing::warn!(error = ?error, "the idle space can't be followed; trying again in a second");
        }
        index.forget().await;
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

async fn follow(database: &Database, clock: &Clock, index: &IdleIndex, stop: &CancellationToken) -> Result<(), Fault> {
    let position = index.read_all(database, clock).await?;
    let mut follower = Follower::start(database.pool().clone(), position).await?;
    let mut day = clock.today();
    loop {
        let batch = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(Duration::from_secs(30)) => Vec::new(),
            batch = follower.next_batch() => batch?,
        };
        if clock.today() == day {
            index.apply(database, clock, &batch).await?;
        } else {
            // What begins and ends by the calendar; what is sealed meanwhile is applied again, which does no harm.
            day = clock.today();
            index.read_all(database, clock).await?;
        }
    }
}
