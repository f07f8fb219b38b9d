//! Proving the whole ledger, or naming the first entry that is not as it was sealed.
//!
//! One pass in order, in bounded memory: every entry is hashed anew and compared with its leaf, the tree is built anew
//! and compared with every signed head. What the heads' signatures do not cover (frontiers, stored subtrees) is compared
//! as well, so that nothing that is built or proved upon it later can be wrong.
//!
//! What a pass can show depends on what one holds against it. With the public keys known from elsewhere
//! ([`TrustedKeys::new`]), nothing covered by a head can be altered, removed, exchanged or slipped in. Cutting off the
//! newest heads together with everything after an older one leaves a shorter, sound ledger: only a head that was noted
//! down elsewhere ([`Witness`]) shows it.

use std::collections::VecDeque;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use serde::Serialize;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

use super::entry::StoredEntry;
use super::head::{SignedHead, TrustedKeys, signed_head};
use super::merkle::{Frontier, Hash, Subtree};
use super::seal::{STORED_HEIGHTS, as_i64, plan_simply};
use super::versions::ExpectedVersions;

/// So many leaves are read at once.
const BATCH: i64 = 4_000;

/// Against what the ledger is held.
#[derive(Debug, Clone, Default)]
pub struct Witness {
    /// Whose signature counts.
    pub keys: TrustedKeys,
    /// Heads noted down elsewhere (see [`SignedHead::to_note`]).
    pub heads: Vec<SignedHead>,
}

impl From<TrustedKeys> for Witness {
    fn from(keys: TrustedKeys) -> Self {
        Self {
            keys,
            heads: Vec::new(),
        }
    }
}

/// The ledger is whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogProof {
    /// How many entries are sealed; all of them were checked.
    pub sealed: u64,
    /// How many are committed and not sealed yet: nothing protects these so far.
    pub pending: u64,
    /// How many signed heads were checked.
    pub heads: u64,
    /// The newest head.
    pub head: Option<SignedHead>,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Wrong {
    /// The entry is not what was hashed.
    #[error("the entry was altered: its content does not give the hash of its leaf")]
    Altered,
    /// The entry is gone.
    #[error("the entry was removed")]
    EntryRemoved,
    /// The leaf is gone.
    #[error("the leaf was removed")]
    LeafRemoved,
    /// Entries were exchanged.
    #[error("the order was changed: it stands before an entry that must precede it")]
    OrderChanged,
    /// The leaves are not those that were signed.
    #[error("the entries up to the signed head of size {tree_size} are not those that were signed")]
    NotAsSigned {
        /// The head.
        tree_size: u64,
    },
    /// Not covered by any head.
    #[error("the entry was slipped in: no signed head covers its leaf")]
    NotCovered,
    /// An entry without a leaf that the sealer would have had to seal.
    #[error("the entry was slipped in, or its leaf removed: it has no leaf although everything of its time is sealed")]
    NoLeaf,
    /// A head is forged.
    #[error("the signed head of size {tree_size} is forged: {why}")]
    HeadForged {
        /// Its size.
        tree_size: u64,
        /// What does not fit.
        why: String,
    },
    /// A stored subtree is not the one over its leaves.
    #[error("the stored hash of {leaves} leaves is not theirs")]
    SubtreeAltered {
        /// How many leaves it covers.
        leaves: u64,
    },
    /// A head that was noted down elsewhere is not that of this ledger.
    #[error("the head of size {tree_size} noted down elsewhere is not of this ledger")]
    Contradicted {
        /// Its size.
        tree_size: u64,
    },
    /// The entry names versions unreadably or against what went before.
    #[error("the entry contradicts itself or earlier ones: {why}")]
    Contradictory {
        /// In what.
        why: String,
    },
    /// The version row is not what the entry says.
    #[error(
        "the row of version {version_id} of {object_id} was altered: its content does not give the digest in the ledger"
    )]
    VersionAltered {
        /// The row.
        version_id: Uuid,
        /// What it is a version of.
        object_id: Uuid,
    },
    /// The version row is gone.
    #[error("the row of version {version_id} was removed")]
    VersionRemoved {
        /// The row.
        version_id: Uuid,
    },
    /// The end of the recorded period is not what the closing entry says.
    #[error(
        "the end of the recorded period of version {version_id} of {object_id} was altered: {found}, not {expected}"
    )]
    VersionEndAltered {
        /// The row.
        version_id: Uuid,
        /// What it is a version of.
        object_id: Uuid,
        /// What stands in the row.
        found: String,
        /// What must.
        expected: String,
    },
    /// There is a version row that no entry wrote.
    #[error("the row of version {version_id} of {object_id} was slipped in: no entry wrote it")]
    VersionSlippedIn {
        /// The row.
        version_id: Uuid,
        /// What it says it is a version of.
        object_id: Uuid,
    },
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FirstBad {
    /// The number of the entry. `None` when it has none.
    pub seq: Option<u64>,
    /// The fault lies between `seq` and this number, both included, and cannot be pinned down further.
    pub until: Option<u64>,
    /// The entry, if it is still known.
    pub entry_id: Option<Uuid>,
    /// The kind of thing it is about, if that is still known.
    pub object_kind: Option<String>,
    /// The thing.
    pub object_id: Option<Uuid>,
    /// What is wrong.
    pub wrong: Wrong,
}

impl std::fmt::Display for FirstBad {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.seq, self.until) {
            (Some(seq), Some(until)) if until != seq => write!(formatter, "ledger entries {seq} to {until}")?,
            (Some(seq), _) => write!(formatter, "ledger entry {seq}")?,
            (None, _) => write!(formatter, "ledger entry without number")?,
        }
        if let Some(id) = self.entry_id {
            write!(formatter, " ({id})")?;
        }
        if let Some((kind, id)) = self.object_kind.as_ref().zip(self.object_id) {
            write!(formatter, " about {kind} {id}")?;
        }
        write!(formatter, ": {}", self.wrong)
    }
}

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum Unproven {
    /// The database failed.
    #[error("the ledger could not be read: {source}")]
    Database {
        /// What it said.
        #[from]
        source: sqlx::Error,
    },
    /// Something is wrong.
    #[error("{0}")]
    Bad(Box<FirstBad>),
}

/// A transaction in which the ledger and the version rows are seen at one and the same moment, while work goes on.
///
/// # Errors
/// When the database is gone.
pub async fn snapshot(pool: &PgPool) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    pool.begin_with("begin isolation level repeatable read read only").await
}

/// Proves the whole ledger.
///
/// # Errors
/// [`Unproven::Bad`] with the first thing that is wrong, or the database's failure.
pub async fn verify_log(pool: &PgPool, witness: &Witness) -> Result<LogProof, Unproven> {
    let mut transaction = snapshot(pool).await?;
    verify_log_in(&mut transaction, witness, |_, _| Ok(())).await
}

/// Proves the whole ledger and says which version rows there must be: hold the rows against them in the same
/// transaction, which must see one moment throughout (see [`snapshot`]).
///
/// # Errors
/// As [`verify_log`].
pub async fn verify_log_and_versions(
    connection: &mut PgConnection,
    witness: &Witness,
) -> Result<(LogProof, ExpectedVersions), Unproven> {
    let mut expected = ExpectedVersions::default();
    let proof = verify_log_in(connection, witness, |seq, entry| expected.learn(seq, entry)).await?;
    if let Err(first) = expected.settle() {
        return bad(first.named(connection).await?);
    }
    Ok((proof, expected))
}

impl FirstBad {
    pub(super) fn at(seq: u64, wrong: Wrong) -> Self {
        Self {
            seq: Some(seq),
            until: None,
            entry_id: None,
            object_kind: None,
            object_id: None,
            wrong,
        }
    }

    pub(super) fn of(seq: Option<u64>, entry: &StoredEntry, wrong: Wrong) -> Self {
        Self {
            seq,
            until: None,
            entry_id: Some(entry.id),
            object_kind: Some(entry.object_kind.clone()),
            object_id: Some(entry.object_id),
            wrong,
        }
    }

    /// Adds what the database still knows of the entry of this number.
    pub(super) async fn named(mut self, connection: &mut PgConnection) -> Result<Self, sqlx::Error> {
        let Some(seq) = self.seq else {
            return Ok(self);
        };
        let row = sqlx::query!(
            r#"select leaf.entry_id, entry.object_kind as "object_kind?", entry.object_id as "object_id?"
               from ledger_leaf leaf
               left join ledger_entry entry on entry.id = leaf.entry_id
               where leaf.seq = $1"#,
            as_i64(seq),
        )
        .fetch_optional(connection)
        .await?;
        if let Some(row) = row {
            self.entry_id = Some(row.entry_id);
            self.object_kind = row.object_kind;
            self.object_id = row.object_id;
        }
        Ok(self)
    }
}

/// A head as it lies there.
struct StoredHead {
    tree_size: u64,
    signed: Option<SignedHead>,
    frontier: Option<Frontier>,
}

/// A pass over the ledger.
struct Pass<'w> {
    witness: &'w Witness,
    origin: String,
    frontier: Frontier,
    /// Heads still to be met, smallest first; more are fetched when they run out.
    heads: VecDeque<StoredHead>,
    heads_exhausted: bool,
    heads_checked: u64,
    last_head: Option<SignedHead>,
    /// Size of the tree at the last head that was right.
    sound_until: u64,
    /// (xid, id) of the entries since the last head: within one head's entries they ascend.
    places: Vec<(u64, Uuid)>,
    /// Subtrees completed since they were last compared with the stored ones.
    completed: Vec<(Subtree, Hash)>,
    /// The first stored subtree that is not what the leaves give, since the last head.
    suspect: Option<Subtree>,
}

async fn verify_log_in(
    connection: &mut PgConnection,
    witness: &Witness,
    mut visit: impl FnMut(Option<u64>, &StoredEntry) -> Result<(), Box<FirstBad>>,
) -> Result<LogProof, Unproven> {
    plan_simply(&mut *connection).await?;
    let origin = sqlx::query_scalar!("select origin from ledger_log")
        .fetch_optional(&mut *connection)
        .await?;
    let mut pass = Pass {
        witness,
        origin: origin.unwrap_or_default(),
        frontier: Frontier::empty(),
        heads: VecDeque::new(),
        heads_exhausted: false,
        heads_checked: 0,
        last_head: None,
        sound_until: 0,
        places: Vec::new(),
        completed: Vec::new(),
        suspect: None,
    };
    match pass.run(connection, &mut visit).await {
        Err(Unproven::Bad(bad)) if bad.entry_id.is_none() => Err(Unproven::Bad(Box::new(bad.named(connection).await?))),
        done => done,
    }
}

fn bad<T>(bad: FirstBad) -> Result<T, Unproven> {
    Err(Unproven::Bad(Box::new(bad)))
}

impl Pass<'_> {
    async fn run(
        &mut self,
        connection: &mut PgConnection,
        visit: &mut impl FnMut(Option<u64>, &StoredEntry) -> Result<(), Box<FirstBad>>,
    ) -> Result<LogProof, Unproven> {
        let mut buffer = Vec::new();
        loop {
            let leaves = read_leaves(connection, self.frontier.size()).await?;
            if leaves.is_empty() {
                break;
            }
            for leaf in leaves {
                let seq = self.frontier.size() + 1;
                if leaf.seq != seq {
                    return self.missing(connection, seq).await;
                }
                let Some(entry) = leaf.entry else {
                    let gone = FirstBad::at(seq, Wrong::EntryRemoved);
                    return bad(FirstBad {
                        entry_id: Some(leaf.entry_id),
                        ..gone
                    });
                };
                let hash = entry.leaf_hash(&mut buffer);
                if hash.0[..] != leaf.leaf_hash[..] {
                    return bad(FirstBad::of(Some(seq), &entry, Wrong::Altered));
                }
                let place = (entry.xid, entry.id);
                if self.places.last().is_some_and(|previous| *previous >= place) {
                    let ahead = self.places.iter().filter(|other| **other >= place).count() as u64;
                    return bad(FirstBad::at(seq - ahead, Wrong::OrderChanged));
                }
                self.places.push(place);
                let completed = &mut self.completed;
                self.frontier.push(hash, |subtree, hash| {
                    if subtree.height % STORED_HEIGHTS == 0 {
                        completed.push((subtree, hash));
                    }
                });
                self.meet_heads(connection).await?;
                visit(Some(seq), &entry).map_err(Unproven::Bad)?;
            }
            self.compare_subtrees(connection).await?;
        }
        let size = self.frontier.size();
        self.compare_subtrees(connection).await?;
        if self.next_head(connection).await?.is_some() {
            // A head speaks of more leaves than there are.
            return self.missing(connection, size + 1).await;
        }
        if self.sound_until < size {
            return bad(FirstBad::at(self.sound_until + 1, Wrong::NotCovered));
        }
        if let Some(suspect) = self.suspect {
            return bad(subtree_altered(suspect));
        }
        if let Some(stray) = stray_subtree(connection, size).await? {
            return bad(subtree_altered(stray));
        }
        for head in &self.witness.heads {
            if head.head.tree_size > size {
                return bad(FirstBad::at(
                    size + 1,
                    Wrong::Contradicted {
                        tree_size: head.head.tree_size,
                    },
                ));
            }
        }
        let pending = self.pending(connection, visit).await?;
        Ok(LogProof {
            sealed: size,
            pending,
            heads: self.heads_checked,
            head: self.last_head.take(),
        })
    }

    /// The next head not yet met.
    async fn next_head(&mut self, connection: &mut PgConnection) -> Result<Option<u64>, sqlx::Error> {
        if self.heads.is_empty() && !self.heads_exhausted {
            self.heads = read_heads(connection, &self.origin, self.sound_until).await?;
            self.heads_exhausted = self.heads.is_empty();
        }
        Ok(self.heads.front().map(|head| head.tree_size))
    }

    /// Compares the tree with the heads of its present size: the ledger's own and those noted down elsewhere.
    async fn meet_heads(&mut self, connection: &mut PgConnection) -> Result<(), Unproven> {
        let size = self.frontier.size();
        if self.next_head(connection).await? == Some(size)
            && let Some(head) = self.heads.pop_front()
        {
            self.meet(connection, head).await?;
        }
        for head in &self.witness.heads {
            if head.head.tree_size == size
                && (head.head.root_hash != self.frontier.root() || head.head.origin != self.origin)
            {
                return bad(FirstBad::at(size, Wrong::Contradicted { tree_size: size }));
            }
        }
        Ok(())
    }

    async fn meet(&mut self, connection: &mut PgConnection, head: StoredHead) -> Result<(), Unproven> {
        let tree_size = head.tree_size;
        let forged = |why: String| bad(FirstBad::at(tree_size, Wrong::HeadForged { tree_size, why }));
        let Some(signed) = head.signed else {
            return forged("a part of it has the wrong length".to_owned());
        };
        if let Err(refused) = signed.verify(&self.witness.keys) {
            return forged(refused.to_string());
        }
        let root = self.frontier.root();
        if signed.head.root_hash != root {
            // The signature is right, so the leaves are not. A stored subtree that differs pins it down.
            self.compare_subtrees(connection).await?;
            let first = self.sound_until + 1;
            let (seq, until) = match self.suspect {
                Some(suspect) => {
                    let start = (suspect.position << suspect.height) + 1;
                    let end = (suspect.position + 1) << suspect.height;
                    (start.max(first), end.min(tree_size))
                }
                None => (first, tree_size),
            };
            let first = FirstBad::at(seq, Wrong::NotAsSigned { tree_size });
            return bad(FirstBad {
                until: Some(until),
                ..first
            });
        }
        if head.frontier.as_ref() != Some(&self.frontier) {
            return forged("its frontier is not that of the tree".to_owned());
        }
        self.heads_checked += 1;
        self.last_head = Some(signed);
        self.sound_until = tree_size;
        self.places.clear();
        Ok(())
    }

    /// Compares the subtrees completed so far with the stored ones.
    async fn compare_subtrees(&mut self, connection: &mut PgConnection) -> Result<(), Unproven> {
        if self.completed.is_empty() {
            return Ok(());
        }
        let completed = std::mem::take(&mut self.completed);
        let (heights, positions): (Vec<i16>, Vec<i64>) = completed
            .iter()
            .map(|(subtree, _)| (i16::from(subtree.height), as_i64(subtree.position)))
            .unzip();
        let stored = sqlx::query_scalar!(
            r#"select subtree.hash as "hash?"
               from unnest($1::smallint[], $2::bigint[]) with ordinality wanted (height, position, number)
               left join ledger_subtree subtree using (height, position)
               order by wanted.number"#,
            &heights,
            &positions,
        )
        .fetch_all(connection)
        .await?;
        for ((subtree, hash), stored) in completed.into_iter().zip(stored) {
            if self.suspect.is_none() && stored.as_deref() != Some(&hash.0[..]) {
                self.suspect = Some(subtree);
            }
        }
        Ok(())
    }

    /// Leaf number `seq` is missing.
    async fn missing<T>(&mut self, connection: &mut PgConnection, seq: u64) -> Result<T, Unproven> {
        // If its entry is still there, it is the first one without leaf that must have one.
        let entry = without_leaf(connection, true).try_next().await?;
        bad(match entry {
            Some((entry, _)) => FirstBad::of(Some(seq), &entry, Wrong::LeafRemoved),
            None => FirstBad::at(seq, Wrong::EntryRemoved),
        })
    }

    /// Entries without leaf: none of them may be older than the last head; how many are younger.
    async fn pending(
        &self,
        connection: &mut PgConnection,
        visit: &mut impl FnMut(Option<u64>, &StoredEntry) -> Result<(), Box<FirstBad>>,
    ) -> Result<u64, Unproven> {
        let mut count = 0;
        let mut entries = without_leaf(connection, false);
        while let Some((entry, sealed)) = entries.try_next().await? {
            if sealed {
                return bad(FirstBad::of(None, &entry, Wrong::NoLeaf));
            }
            visit(None, &entry).map_err(Unproven::Bad)?;
            count += 1;
        }
        Ok(count)
    }
}

fn subtree_altered(subtree: Subtree) -> FirstBad {
    let leaves = 1 << subtree.height;
    let first = FirstBad::at(subtree.position * leaves + 1, Wrong::SubtreeAltered { leaves });
    FirstBad {
        until: Some((subtree.position + 1) * leaves),
        ..first
    }
}

struct StoredLeaf {
    seq: u64,
    entry_id: Uuid,
    leaf_hash: Vec<u8>,
    entry: Option<StoredEntry>,
}

async fn read_leaves(connection: &mut PgConnection, after: u64) -> Result<Vec<StoredLeaf>, sqlx::Error> {
    sqlx::query!(
        r#"select
               leaf.seq, leaf.entry_id, leaf.leaf_hash,
               entry.recorded_at as "recorded_at?", entry.actor as "actor?", entry.action as "action?",
               entry.object_kind as "object_kind?", entry.object_id as "object_id?",
               entry.before::text, entry.after::text, entry.reason, entry.case_id, entry.import_id,
               entry.xid::text as "xid?"
           from (select * from ledger_leaf where seq > $1 order by seq limit $2) leaf
           left join ledger_entry entry on entry.id = leaf.entry_id
           order by leaf.seq"#,
        as_i64(after),
        BATCH,
    )
    .fetch(connection)
    .map_ok(|row| StoredLeaf {
        seq: row.seq.unsigned_abs(),
        entry_id: row.entry_id,
        leaf_hash: row.leaf_hash,
        entry: (|| {
            Some(StoredEntry {
                id: row.entry_id,
                recorded_at: row.recorded_at?,
                actor: row.actor?,
                action: row.action?,
                object_kind: row.object_kind?,
                object_id: row.object_id?,
                before: row.before,
                after: row.after,
                reason: row.reason,
                case_id: row.case_id,
                import_id: row.import_id,
                xid: row.xid?.parse().ok()?,
            })
        })(),
    })
    .try_collect()
    .await
}

async fn read_heads(
    connection: &mut PgConnection,
    origin: &str,
    after: u64,
) -> Result<VecDeque<StoredHead>, sqlx::Error> {
    let rows = sqlx::query!(
        "select tree_size, root_hash, frontier, sealed_at, signature, key_id
         from ledger_head
         where tree_size > $1
         order by tree_size
         limit 1000",
        as_i64(after),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let tree_size = row.tree_size.unsigned_abs();
            let peaks = row
                .frontier
                .iter()
                .map(|peak| Hash::from_slice(peak))
                .collect::<Option<Vec<_>>>();
            StoredHead {
                tree_size,
                signed: signed_head(
                    origin.to_owned(),
                    row.tree_size,
                    &row.root_hash,
                    row.sealed_at,
                    &row.signature,
                    row.key_id,
                ),
                frontier: peaks.and_then(|peaks| Frontier::from_parts(tree_size, peaks)),
            }
        })
        .collect())
}

/// Entries without leaf, in the order they will be sealed in, and whether they must have one: everything that the last
/// head's snapshots cover is sealed. (Snapshots of another cluster, from a restored dump, cover nothing yet.)
fn without_leaf(
    connection: &mut PgConnection,
    only_overdue: bool,
) -> BoxStream<'_, Result<(StoredEntry, bool), sqlx::Error>> {
    let rows = sqlx::query!(
        r#"with last as (
               select head.sealed_snapshot, head.round_snapshot, entry.xid, entry.id
               from (select * from ledger_head order by tree_size desc limit 1) head
               left join ledger_leaf leaf on leaf.seq = head.tree_size
               left join ledger_entry entry on entry.id = leaf.entry_id
               where head.cluster = (select system_identifier from pg_control_system())
           ), waiting as (
               select
                   entry.*,
                   exists (
                       select from last
                       where pg_visible_in_snapshot(entry.xid, last.sealed_snapshot)
                          or (pg_visible_in_snapshot(entry.xid, last.round_snapshot)
                              and (entry.xid, entry.id) <= (last.xid, last.id))
                   ) as overdue
               from ledger_entry entry
               where not exists (select from ledger_leaf leaf where leaf.entry_id = entry.id)
           )
           select
               id, recorded_at, actor, action, object_kind, object_id,
               before::text, after::text, reason, case_id, import_id,
               xid::text as "xid!", overdue as "overdue!"
           from waiting
           where overdue or not $1
           order by waiting.xid, id"#,
        only_overdue,
    );
    rows.fetch(connection)
        .and_then(|row| async move {
            let entry = StoredEntry {
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
            };
            Ok((entry, row.overdue))
        })
        .boxed()
}

/// A stored subtree of leaves that do not exist.
async fn stray_subtree(connection: &mut PgConnection, size: u64) -> Result<Option<Subtree>, sqlx::Error> {
    let row = sqlx::query!(
        "select height, position
         from ledger_subtree
         where position >= ($1::bigint >> height::integer)
         order by height, position
         limit 1",
        as_i64(size),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.and_then(|row| {
        Some(Subtree {
            height: u8::try_from(row.height).ok()?,
            position: row.position.unsigned_abs(),
        })
    }))
}
