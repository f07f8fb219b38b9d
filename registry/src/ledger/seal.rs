//! The sealer gives committed entries their order and signs what it has ordered.
//!
//! # What it misses nothing by
//! Commit order is not the order of ids or clocks: a long import may commit after thousands of later, shorter
//! changes. So each head keeps the database snapshot up to which everything is sealed. What is new are the entries of
//! those transactions that have ended since: the ones the old snapshot saw running, and the ones begun after it, without
//! those still running now. That is a handful of ranges of transaction numbers, each an index range; neither what is
//! sealed nor what a running import has written is ever read through again.
//!
//! # One at a time
//! An advisory lock, held for the short transaction of one batch, keeps sealers of several processes apart. Who finds it
//! taken leaves: the one at work was told of the same commits, and everyone looks again within [`LOOK_AGAIN`].
//!
//! # Several batches
//! What one snapshot shows is a round, ordered by (transaction number, entry id) and sealed in batches, each of its own
//! transaction. Until a round is done its heads keep the snapshots of its beginning and its end.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::PgListener;
use sqlx::{PgConnection, PgPool};
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::entry::StoredEntry;
use super::head::{SigningKey, TreeHead};
use super::merkle::{Frontier, Hash};
use crate::clock::Clock;

/// The channel on which the database tells of appended entries.
pub(super) const APPENDED: &str = "yice_ledger";
/// The channel on which the database tells of sealed entries.
pub(super) const SEALED: &str = "yice_ledger_sealed";
/// Notices may be lost (a broken connection, a sealer that died at work): so long at most until one looks unasked.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// At most so many entries are sealed in one transaction.
const BATCH: usize = 20_000;
/// A head is signed at least every so many leaves: the fewer, the closer a forgery is pinned down.
const LEAVES_PER_HEAD: u64 = 1_024;
/// Heights of subtrees that are stored are multiples of this.
pub(super) const STORED_HEIGHTS: u8 = 8;
/// The advisory lock: "yiceseal" in ASCII.
const LOCK: i64 = 0x7969_6365_7365_616c;

/// Why sealing failed.
#[derive(Debug, thiserror::Error)]
pub enum SealFailed {
    /// The database failed.
    #[error("the ledger could not be sealed: {source}")]
    Database {
        /// What it said.
        #[from]
        source: sqlx::Error,
    },
    /// What was sealed last does not fit together; nothing is built upon it.
    #[error("the ledger's head of size {tree_size} is damaged ({what}); run: yice ledger verify")]
    HeadDamaged {
        /// Its size.
        tree_size: i64,
        /// What does not fit.
        what: &'static str,
    },
}

/// What one batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// There was nothing to seal.
    Nothing,
    /// Another sealer is at work.
    Busy,
    /// Entries were sealed.
    Entries {
        /// How many.
        count: u64,
        /// The size of the tree now, which is the number of the last entry.
        tree_size: u64,
        /// There is more.
        more: bool,
    },
}

/// Seals what has been committed. Any number of them may run, in any number of processes.
#[derive(Debug, Clone)]
pub struct Sealer {
    pool: PgPool,
    key: Arc<SigningKey>,
    clock: Clock,
    batch: usize,
}

impl Sealer {
    /// A sealer that signs with this key. While it [runs](Self::run) it holds one connection of the pool.
    #[must_use]
    pub fn new(pool: PgPool, key: SigningKey, clock: Clock) -> Self {
        Self {
            pool,
            key: Arc::new(key),
            clock,
            batch: BATCH,
        }
    }

    /// Seals at most so many entries in one transaction (at least one; 20 000 unless told).
    #[must_use]
    pub fn in_batches_of(mut self, entries: usize) -> Self {
        self.batch = entries.max(1);
        self
    }

    /// Seals as soon as something is committed, until it is told to stop. A failure is logged and tried again.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut notices = Notices::new(self.pool.clone(), APPENDED);
        let mut last_failure = String::new();
        let work = async {
            loop {
                match self.seal_once().await {
                    Ok(Sealed::Entries { more: true, .. }) => {}
                    Ok(Sealed::Entries { .. } | Sealed::Nothing | Sealed::Busy) => {
                        last_failure.clear();
                        notices.wait().await;
                    }
                    Err(error) => {
                        // What stays broken is said once, not every second.
                        let failure = error.to_string();
                        if failure != last_failure {
                            tracing::error!(error = &error as &dyn std::error::Error, "{failure}");
                            last_failure = failure;
                        }
                        tokio::time::sleep(LOOK_AGAIN).await;
                    }
                }
            }
        };
        // Dropped in the middle of a batch, its transaction is rolled back and the next sealer begins it anew.
        let _ = shutdown.run_until_cancelled(work).await;
    }

    /// Seals until nothing is left, waiting for other sealers. Gives back how many entries it sealed itself.
    ///
    /// # Errors
    /// See [`SealFailed`].
    pub async fn seal_all(&self) -> Result<u64, SealFailed> {
        let mut total = 0;
        loop {
            match self.seal_once().await? {
                Sealed::Nothing => return Ok(total),
                Sealed::Busy => tokio::time::sleep(Duration::from_millis(5)).await,
                Sealed::Entries { count, .. } => total += count,
            }
        }
    }

    /// Seals one batch in a transaction of its own.
    ///
    /// # Errors
    /// See [`SealFailed`].
    #[tracing::instrument(level = "debug", skip_all)]
    pub async fn seal_once(&self) -> Result<Sealed, SealFailed> {
        let mut transaction = self.pool.begin().await?;
        plan_simply(&mut transaction).await?;
        let locked = sqlx::query_scalar!(r#"select pg_try_advisory_xact_lock($1) as "locked!""#, LOCK)
            .fetch_one(&mut *transaction)
            .await?;
        if !locked {
            return Ok(Sealed::Busy);
        }
        let sealed = self.seal_batch(&mut transaction).await?;
        if matches!(sealed, Sealed::Entries { .. }) {
            transaction.commit().await?;
        }
        Ok(sealed)
    }

    async fn seal_batch(&self, connection: &mut PgConnection) -> Result<Sealed, SealFailed> {
        let mut standing = Standing::read(connection).await?;
        let round = standing.round()?;
        let mut entries = round.entries(connection, self.batch + 1).await?;
        let more = entries.len() > self.batch;
        entries.truncate(self.batch);
        if entries.is_empty() {
            return Ok(Sealed::Nothing);
        }

        let frontier = &mut standing.frontier;
        let mut leaves = Columns::default();
        let mut subtrees = Columns::default();
        let mut heads = Vec::new();
        let sealed_at = self.clock.now();
        let mut buffer = Vec::new();
        let count = entries.len();
        for (index, entry) in entries.iter().enumerate() {
            let leaf = entry.leaf_hash(&mut buffer);
            frontier.push(leaf, |subtree, hash| {
                if subtree.height % STORED_HEIGHTS == 0 {
                    subtrees.push(i16::from(subtree.height), as_i64(subtree.position), hash);
                }
            });
            leaves.push(as_i64(frontier.size()), entry.id, leaf);
            if frontier.size() % LEAVES_PER_HEAD == 0 || index + 1 == count {
                heads.push(frontier.clone());
            }
        }
        sqlx::query!(
            "insert into ledger_leaf (seq, entry_id, leaf_hash)
             select * from unnest($1::bigint[], $2::uuid[], $3::bytea[])",
            &leaves.first,
            &leaves.second,
            &leaves.hashes,
        )
        .execute(&mut *connection)
        .await?;
        if !subtrees.hashes.is_empty() {
            sqlx::query!(
                "insert into ledger_subtree (height, position, hash)
                 select * from unnest($1::smallint[], $2::bigint[], $3::bytea[])",
                &subtrees.first,
                &subtrees.second,
                &subtrees.hashes,
            )
            .execute(&mut *connection)
            .await?;
        }
        self.record_key(connection, sealed_at).await?;
        let last = heads.len() - 1;
        for (index, frontier) in heads.iter().enumerate() {
            let marks = if index == last && !more {
                round.marks_when_done()
            } else {
                round.marks_meanwhile()
            };
            self.insert_head(connection, &standing.origin, frontier, sealed_at, &marks)
                .await?;
        }
        Ok(Sealed::Entries {
            count: count as u64,
            tree_size: standing.frontier.size(),
            more,
        })
    }

    async fn record_key(&self, connection: &mut PgConnection, at: OffsetDateTime) -> Result<(), sqlx::Error> {
        let key = self.key.public_key();
        sqlx::query!(
            "insert into ledger_key (key_id, public_key, recorded_at)
             select $1, $2, $3
             where not exists (select from ledger_key where key_id = $1)",
            key.id(),
            &key.to_bytes()[..],
            at,
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn insert_head(
        &self,
        connection: &mut PgConnection,
        origin: &str,
        frontier: &Frontier,
        sealed_at: OffsetDateTime,
        marks: &Marks<'_>,
    ) -> Result<(), sqlx::Error> {
        let head = TreeHead {
            origin: origin.to_owned(),
            tree_size: frontier.size(),
            root_hash: frontier.root(),
            sealed_at,
        };
        let signed = self.key.sign(head);
        let peaks: Vec<Vec<u8>> = frontier.peaks().iter().map(|peak| peak.0.to_vec()).collect();
        sqlx::query!(
            "insert into ledger_head
                 (tree_size, root_hash, frontier, sealed_at, signature, key_id, sealed_snapshot, round_snapshot, cluster)
             values ($1, $2, $3, $4, $5, $6, $7::text::pg_snapshot, $8::text::pg_snapshot, $9)",
            as_i64(signed.head.tree_size),
            &signed.head.root_hash.0[..],
            &peaks,
            signed.head.sealed_at,
            &signed.signature.0[..],
            signed.key_id,
            marks.sealed_snapshot,
            marks.round_snapshot,
            marks.cluster,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}

/// Columns of rows to insert.
struct Columns<A, B> {
    first: Vec<A>,
    second: Vec<B>,
    hashes: Vec<Vec<u8>>,
}

impl<A, B> Default for Columns<A, B> {
    fn default() -> Self {
        Self {
            first: Vec::new(),
            second: Vec::new(),
            hashes: Vec::new(),
        }
    }
}

impl<A, B> Columns<A, B> {
    fn push(&mut self, first: A, second: B, hash: Hash) {
        self.first.push(first);
        self.second.push(second);
        self.hashes.push(hash.0.to_vec());
    }
}

/// Where sealing stands, and what the database shows now.
struct Standing {
    origin: String,
    frontier: Frontier,
    /// This database cluster.
    cluster: i64,
    /// The snapshot of now, as text.
    now: String,
    last: Option<LastHead>,
}

struct LastHead {
    tree_size: i64,
    cluster: i64,
    sealed_snapshot: String,
    round_snapshot: Option<String>,
    /// Transaction and id of the last leaf's entry.
    last_entry: Option<(u64, Uuid)>,
}

impl Standing {
    async fn read(connection: &mut PgConnection) -> Result<Self, SealFailed> {
        let row = sqlx::query!(
            r#"select
                   log.origin,
                   (select system_identifier from pg_control_system()) as "cluster!",
                   pg_current_snapshot()::text as "now!",
                   head.tree_size as "tree_size?",
                   head.root_hash as "root_hash?",
                   head.frontier as "frontier?",
                   head.cluster as "head_cluster?",
                   head.sealed_snapshot::text as "sealed_snapshot?",
                   head.round_snapshot::text as "round_snapshot?",
                   entry.xid::text as "last_xid?",
                   entry.id as "last_id?"
               from ledger_log log
               left join lateral (select * from ledger_head order by tree_size desc limit 1) head on true
               left join ledger_leaf leaf on leaf.seq = head.tree_size
               left join ledger_entry entry on entry.id = leaf.entry_id"#,
        )
        .fetch_one(connection)
        .await?;
        let (Some(tree_size), Some(root_hash), Some(peaks), Some(cluster), Some(sealed_snapshot)) = (
            row.tree_size,
            row.root_hash,
            row.frontier,
            row.head_cluster,
            row.sealed_snapshot,
        ) else {
            let frontier = Frontier::empty();
            return Ok(Self {
                origin: row.origin,
                frontier,
                cluster: row.cluster,
                now: row.now,
                last: None,
            });
        };
        let damaged = |what| SealFailed::HeadDamaged { tree_size, what };
        let peaks = peaks
            .iter()
            .map(|peak| Hash::from_slice(peak))
            .collect::<Option<Vec<_>>>();
        let frontier = peaks
            .and_then(|peaks| Frontier::from_parts(u64::try_from(tree_size).ok()?, peaks))
            .ok_or(damaged("its frontier does not fit its size"))?;
        if frontier.root().0[..] != root_hash[..] {
            return Err(damaged("its frontier does not give its root"));
        }
        let last_entry = row.last_xid.and_then(|xid| xid.parse().ok()).zip(row.last_id);
        let last = LastHead {
            tree_size,
            cluster,
            sealed_snapshot,
            round_snapshot: row.round_snapshot,
            last_entry,
        };
        Ok(Self {
            origin: row.origin,
            frontier,
            cluster: row.cluster,
            now: row.now,
            last: Some(last),
        })
    }

    /// What is to be sealed next.
    fn round(&self) -> Result<Round, SealFailed> {
        let read = |text: &str, tree_size| {
            Snapshot::parse(text).ok_or(SealFailed::HeadDamaged {
                tree_size,
                what: "its snapshot is unreadable",
            })
        };
        let Some(last) = &self.last else {
            return Ok(Round {
                ranges: unsealed(&Snapshot::nothing(), &read(&self.now, 0)?),
                start_after: None,
                sealed: NOTHING_SEEN.to_owned(),
                until: self.now.clone(),
                cluster: self.cluster,
                cluster_meanwhile: self.cluster,
            });
        };
        if last.cluster != self.cluster {
            // A dump restored elsewhere: its transaction numbers are another cluster's. Everything is looked at once;
            // that every entry is asked for its leaf keeps out what is sealed.
            return Ok(Round {
                ranges: Vec::from([std::ops::Range {
                    start: 0,
                    end: u64::MAX,
                }]),
                start_after: None,
                sealed: last.sealed_snapshot.clone(),
                until: self.now.clone(),
                cluster: self.cluster,
                cluster_meanwhile: last.cluster,
            });
        }
        let sealed = read(&last.sealed_snapshot, last.tree_size)?;
        let (until, start_after) = match &last.round_snapshot {
            Some(round) => (round, last.last_entry),
            None => (&self.now, None),
        };
        Ok(Round {
            ranges: unsealed(&sealed, &read(until, last.tree_size)?),
            start_after,
            sealed: last.sealed_snapshot.clone(),
            until: until.clone(),
            cluster: self.cluster,
            cluster_meanwhile: self.cluster,
        })
    }
}

/// A snapshot before any transaction.
const NOTHING_SEEN: &str = "1:1:";

/// A PostgreSQL snapshot (`pg_snapshot`): which transactions had ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Snapshot {
    /// Every transaction from this number on had not ended.
    end: u64,
    /// These below `end` had not ended either; ascending.
    running: Vec<u64>,
}

impl Snapshot {
    fn nothing() -> Self {
        Self {
            end: 1,
            running: Vec::new(),
        }
    }

    /// From PostgreSQL's text `xmin:xmax:xip,xip,…`.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let (_, end, running) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?);
        let running = running
            .split(',')
            .filter(|xid| !xid.is_empty())
            .map(|xid| xid.parse().ok());
        let mut running = running.collect::<Option<Vec<u64>>>()?;
        running.sort_unstable();
        Some(Self { end, running })
    }
}

/// The transactions that had ended by `now` and not by `before`, as ascending ranges.
fn unsealed(before: &Snapshot, now: &Snapshot) -> Vec<std::ops::Range<u64>> {
    let mut ranges: Vec<_> = before
        .running
        .iter()
        .filter(|xid| **xid < now.end && now.running.binary_search(xid).is_err())
        .map(|&xid| xid..xid + 1)
        .collect();
    let mut start = before.end;
    for &running in now.running.iter().filter(|xid| **xid >= before.end) {
        ranges.push(start..running);
        start = running + 1;
    }
    ranges.push(start..now.end);
    ranges.retain(|range| !range.is_empty());
    ranges
}

/// What one round seals.
struct Round {
    /// Of transaction numbers, ascending.
    ranges: Vec<std::ops::Range<u64>>,
    /// The round is under way: only what comes after this transaction and id.
    start_after: Option<(u64, Uuid)>,
    /// Up to where everything was sealed before the round, as text.
    sealed: String,
    /// Up to where everything is sealed after it, as text.
    until: String,
    cluster: i64,
    /// What the heads before the last one say: of a dump restored elsewhere, still the old cluster.
    cluster_meanwhile: i64,
}

/// What a head keeps for the sealer.
struct Marks<'a> {
    sealed_snapshot: &'a str,
    round_snapshot: Option<&'a str>,
    cluster: i64,
}

impl Round {
    fn marks_when_done(&self) -> Marks<'_> {
        Marks {
            sealed_snapshot: &self.until,
            round_snapshot: None,
            cluster: self.cluster,
        }
    }

    fn marks_meanwhile(&self) -> Marks<'_> {
        let round_snapshot = (self.cluster == self.cluster_meanwhile).then_some(self.until.as_str());
        Marks {
            sealed_snapshot: &self.sealed,
            round_snapshot,
            cluster: self.cluster_meanwhile,
        }
    }

    /// The first `limit` entries to seal, in order.
    async fn entries(&self, connection: &mut PgConnection, limit: usize) -> Result<Vec<StoredEntry>, sqlx::Error> {
        let mut ranges = Vec::with_capacity(self.ranges.len());
        for range in &self.ranges {
            match self.start_after {
                Some((xid, _)) if range.end <= xid => {}
                Some((xid, id)) if range.start <= xid => ranges.push((xid, id, range.end)),
                _ => ranges.push((range.start, Uuid::nil(), range.end)),
            }
        }
        if ranges.len() > 1 {
            // Beside many open transactions there are many ranges, almost all of them empty: one question for all.
            let (first, end): (Vec<_>, Vec<_>) = ranges
                .iter()
                .map(|(xid, _, end)| (xid.to_string(), end.to_string()))
                .unzip();
            let kept = sqlx::query_scalar!(
                r#"select part.number as "number!"
                   from unnest($1::text[], $2::text[]) with ordinality part (first_xid, end_xid, number)
                   cross join lateral (
                       select from ledger_entry
                       where xid >= part.first_xid::xid8 and xid < part.end_xid::xid8
                       order by xid
                       limit 1
                   ) entry
                   order by part.number"#,
                &first,
                &end,
            )
            .fetch_all(&mut *connection)
            .await?;
            ranges = kept
                .into_iter()
                .filter_map(|number| ranges.get(usize::try_from(number - 1).ok()?).copied())
                .collect();
        }
        let mut entries = Vec::new();
        for (xid, id, end) in ranges {
            let missing = limit - entries.len();
            if missing == 0 {
                break;
            }
            // That an entry has no leaf yet is asked one by one (a subselect, never a join over all leaves). It always
            // holds, except where numbers of another cluster came with a dump.
            let rows = sqlx::query!(
                r#"select
                       id, recorded_at, actor, action, object_kind, object_id,
                       before::text, after::text, reason, case_id, import_id,
                       xid::text as "xid!"
                   from ledger_entry entry
                   where (xid, id) > ($1::text::xid8, $2)
                     and xid < $3::text::xid8
                     and (select leaf.seq from ledger_leaf leaf where leaf.entry_id = entry.id) is null
                   order by xid, id
                   limit $4"#,
                xid.to_string(),
                id,
                end.to_string(),
                as_i64(missing as u64),
            )
            .fetch_all(&mut *connection)
            .await?;
            for row in rows {
                entries.push(StoredEntry {
                    id: row.id,
                    recorded_at: row.recorded_at,
                    actor: row.actor,
                    action: row.action,
                    object_kind: row.object_kind,
                    object_id: row.object_id,
                    before: row.before,
                    after: row.after,
                    reason: row.reason,
                    case_id: row.case_id,
                    import_id: row.import_id,
                    xid: row.xid.parse().map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
                });
            }
        }
        Ok(entries)
    }
}

/// For the rest of the transaction: no parallel workers and no compiled plans. Where the planner can't know that what is
/// asked for is the small end of a large table it is ready to start both, which takes longer than the answer.
pub(super) async fn plan_simply(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select set_config('max_parallel_workers_per_gather', '0', true) as parallel, set_config('jit', 'off', true) as jit"
    )
    .fetch_one(connection)
    .await?;
    Ok(())
}

/// Numbers of leaves stay far below 2^63.
pub(super) fn as_i64(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Waits for notices of the database.
pub(super) struct Notices {
    pool: PgPool,
    channel: &'static str,
    listener: Option<PgListener>,
}

impl Notices {
    pub fn new(pool: PgPool, channel: &'static str) -> Self {
        Self {
            pool,
            channel,
            listener: None,
        }
    }

    /// Listens from now on; nothing told afterwards is lost while the connection stands.
    pub async fn listen(&mut self) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(self.channel).await?;
        self.listener = Some(listener);
        Ok(())
    }

    /// Returns at the next notice, at the latest after [`LOOK_AGAIN`]. Several notices at once are one.
    pub async fn wait(&mut self) {
        let Some(listener) = &mut self.listener else {
            if let Err(error) = self.listen().await {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "can't listen for ledger notices"
                );
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            // What came before is only found by looking.
            return;
        };
        match tokio::time::timeout(LOOK_AGAIN, listener.try_recv()).await {
            Ok(Ok(_)) => while listener.next_buffered().is_some() {},
            Ok(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "the connection for ledger notices is broken"
                );
                self.listener = None;
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            Err(_elapsed) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn snapshots_are_read_as_postgresql_writes_them() {
        assert_eq!(
            Snapshot::parse("10:20:10,14,15"),
            Some(Snapshot {
                end: 20,
                running: vec![10, 14, 15]
            })
        );
        assert_eq!(Snapshot::parse(NOTHING_SEEN), Some(Snapshot::nothing()));
        assert_eq!(Snapshot::parse("10:20"), None);
        assert_eq!(Snapshot::parse("10:x:"), None);
    }

    proptest! {
        /// The ranges hold exactly the transactions that ended between the two snapshots, in ascending order.
        #[test]
        fn ranges_are_what_ended_in_between(
            before_end in 1u64..40, before_running in proptest::collection::btree_set(1u64..40, 0..8),
            further in 0u64..40, still in any::<u64>(), begun in proptest::collection::btree_set(1u64..80, 0..8),
        ) {
            let before = Snapshot { end: before_end, running: before_running.into_iter().filter(|xid| *xid < before_end).collect() };
            let end = before_end + further;
            let running = (1..end).filter(|xid| {
                if *xid < before_end { before.running.contains(xid) && still >> (xid % 64) & 1 == 1 } else { begun.contains(xid) }
            });
            let now = Snapshot { end, running: running.collect() };
            let ended = |snapshot: &Snapshot, xid: u64| xid < snapshot.end && !snapshot.running.contains(&xid);
            let expected: Vec<u64> = (1..100).filter(|xid| ended(&now, *xid) && !ended(&before, *xid)).collect();
            let found: Vec<u64> = unsealed(&before, &now).into_iter().flatten().collect();
            prop_assert_eq!(found, expected);
        }
    }
}
