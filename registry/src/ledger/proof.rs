//! Proofs that leave the house: that an entry is in the ledger, and that a later ledger continues an earlier one.
//!
//! Only some hundred hashes are read for a proof, however large the ledger: of each height that is stored (leaves,
//! subtrees of 256, of 65 536, …) the neighbours within one subtree of the next stored height.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use sqlx::PgConnection;

use super::entry::StoredEntry;
use super::merkle::{self, Hash, Plan, Subtree};
use super::seal::{STORED_HEIGHTS, as_i64};

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum NoProof {
    /// The database failed.
    #[error("the ledger could not be read: {source}")]
    Database {
        /// What it said.
        #[from]
        source: sqlx::Error,
    },
    /// There is no such entry in the tree, or no such tree.
    #[error("the ledger of size {tree_size} has no such part")]
    OutOfRange {
        /// The size asked for.
        tree_size: u64,
    },
    /// Hashes are missing: the ledger was tampered with.
    #[error("the ledger lacks hashes it must have; run: yice ledger verify")]
    Damaged,
}

/// The exact bytes of an entry that are hashed. In JSON: base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalBytes(pub Vec<u8>);

impl Serialize for CanonicalBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

/// That an entry is number `seq` of the ledger as it was at `tree_size`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InclusionProof {
    /// The entry's number, from 1 (its leaf has index `seq - 1`).
    pub seq: u64,
    /// The size of the tree.
    pub tree_size: u64,
    /// What the leaf hash is taken of.
    pub canonical: CanonicalBytes,
    /// SHA-256(0x00 ‖ canonical).
    pub leaf_hash: Hash,
    /// The audit path of RFC 6962 §2.1.1.
    pub hashes: Vec<Hash>,
}

impl InclusionProof {
    /// Does it hold for the tree of this size with this root?
    #[must_use]
    pub fn holds(&self, root: Hash) -> bool {
        let leaf = merkle::leaf_hash(&self.canonical.0);
        let Some(index) = self.seq.checked_sub(1) else {
            return false;
        };
        leaf == self.leaf_hash && merkle::verify_inclusion(leaf, index, self.tree_size, &self.hashes, root)
    }
}

/// That the ledger at `new_size` begins with the whole ledger as it was at `old_size`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConsistencyProof {
    /// The size of the earlier tree.
    pub old_size: u64,
    /// The size of the later tree.
    pub new_size: u64,
    /// The proof of RFC 6962 §2.1.2.
    pub hashes: Vec<Hash>,
}

impl ConsistencyProof {
    /// Does it hold between these two roots?
    #[must_use]
    pub fn holds(&self, old_root: Hash, new_root: Hash) -> bool {
        merkle::verify_consistency(self.old_size, old_root, self.new_size, new_root, &self.hashes)
    }
}

/// Proves that entry number `seq` is in the ledger of `tree_size` entries (take the size of a signed head).
///
/// # Errors
/// See [`NoProof`].
pub async fn inclusion_proof(
    connection: &mut PgConnection,
    seq: u64,
    tree_size: u64,
) -> Result<InclusionProof, NoProof> {
    let plan = seq.checked_sub(1).and_then(|index| Plan::inclusion(index, tree_size));
    let plan = plan.ok_or(NoProof::OutOfRange { tree_size })?;
    let row = sqlx::query!(
        r#"select
               leaf.leaf_hash,
               entry.id, recorded_at, actor, action, object_kind, object_id,
               before::text, after::text, reason, case_id, import_id,
               xid::text as "xid!"
           from ledger_leaf leaf
           join ledger_entry entry on entry.id = leaf.entry_id
           where leaf.seq = $1"#,
        as_i64(seq),
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or(NoProof::OutOfRange { tree_size })?;
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
        xid: row.xid.parse().map_err(|_| NoProof::Damaged)?,
    };
    let mut canonical = Vec::new();
    let leaf_hash = entry.leaf_hash(&mut canonical);
    if leaf_hash.0[..] != row.leaf_hash[..] {
        return Err(NoProof::Damaged);
    }
    let hashes = fill(connection, &plan, tree_size).await?;
    Ok(InclusionProof {
        seq,
        tree_size,
        canonical: CanonicalBytes(canonical),
        leaf_hash,
        hashes,
    })
}

/// Proves that the ledger of `new_size` entries begins with the ledger of `old_size` entries.
///
/// # Errors
/// See [`NoProof`].
pub async fn consistency_proof(
    connection: &mut PgConnection,
    old_size: u64,
    new_size: u64,
) -> Result<ConsistencyProof, NoProof> {
    let plan = Plan::consistency(old_size, new_size).ok_or(NoProof::OutOfRange { tree_size: new_size })?;
    let hashes = fill(connection, &plan, new_size).await?;
    Ok(ConsistencyProof {
        old_size,
        new_size,
        hashes,
    })
}

async fn fill(connection: &mut PgConnection, plan: &Plan, tree_size: u64) -> Result<Vec<Hash>, NoProof> {
    if tree_size > super::position(connection).await? {
        return Err(NoProof::OutOfRange { tree_size });
    }
    let mut known = HashMap::new();
    let mut wanted: HashMap<u8, (Vec<i64>, Vec<i64>)> = HashMap::new();
    for subtree in plan.subtrees() {
        let (height, first, count) = stored_below(subtree);
        let (starts, ends) = wanted.entry(height).or_default();
        starts.push(as_i64(first));
        ends.push(as_i64(first + count));
    }
    for (height, (starts, ends)) in wanted {
        for (position, hash) in stored(connection, height, &starts, &ends).await? {
            known.insert(
                Subtree { height, position },
                Hash::from_slice(&hash).ok_or(NoProof::Damaged)?,
            );
        }
    }
    plan.fill(|subtree| {
        let (height, first, count) = stored_below(subtree);
        let mut hashes = (first..first + count)
            .map(|position| known.get(&Subtree { height, position }).copied())
            .collect::<Option<Vec<_>>>()?;
        while hashes.len() > 1 {
            hashes = hashes
                .chunks_exact(2)
                .map(|pair| merkle::node_hash(pair[0], pair[1]))
                .collect();
        }
        hashes.pop()
    })
    .ok_or(NoProof::Damaged)
}

/// The stored subtrees that a subtree consists of: their height, the first one's position, and how many.
fn stored_below(subtree: Subtree) -> (u8, u64, u64) {
    let levels = subtree.height % STORED_HEIGHTS;
    (subtree.height - levels, subtree.position << levels, 1 << levels)
}

/// The stored hashes of one height at the positions `starts[i] .. ends[i]`.
async fn stored(
    connection: &mut PgConnection,
    height: u8,
    starts: &[i64],
    ends: &[i64],
) -> Result<Vec<(u64, Vec<u8>)>, sqlx::Error> {
    // The limits cut nothing off (a range has at most 2^7 positions): they tell the planner that a range is small.
    if height == 0 {
        let rows = sqlx::query!(
            "select leaf.seq, leaf.leaf_hash
             from unnest($1::bigint[], $2::bigint[]) part (first, behind)
             cross join lateral (
                 select seq, leaf_hash
                 from ledger_leaf
                 where seq > part.first and seq <= part.behind
                 order by seq
                 limit 256
             ) leaf",
            starts,
            ends,
        )
        .fetch_all(connection)
        .await?;
        return Ok(rows
            .into_iter()
            .map(|row| (row.seq.unsigned_abs() - 1, row.leaf_hash))
            .collect());
    }
    let rows = sqlx::query!(
        "select subtree.position, subtree.hash
         from unnest($1::bigint[], $2::bigint[]) part (first, behind)
         cross join lateral (
             select position, hash
             from ledger_subtree
             where height = $3 and position >= part.first and position < part.behind
             order by position
             limit 256
         ) subtree",
        starts,
        ends,
        i16::from(height),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.position.unsigned_abs(), row.hash))
        .collect())
}
