//! The ledger: at once the audit trail, the change feed and the history.
//!
//! Each committed change is one [entry](NewEntry), [appended](append()) in the transaction of the change. The
//! [`Sealer`] gives entries their order and links them in a Merkle log (RFC 6962) with signed [heads](SignedHead);
//! whatever is built from the ledger [follows](Follower) that order.
//!
//! Nothing here is ever updated or deleted: the program's database role may only insert and select, and triggers refuse
//! everybody else.

mod append;
mod entry;
mod follow;
mod head;
pub mod merkle;
mod proof;
mod seal;
#[cfg(test)]
mod tests;
mod verify;
mod versions;

pub use append::{append, append_copy};
pub use entry::{Action, EntryId, NewEntry, Object, ObjectKind};
pub use follow::{FollowedEntry, Follower, position};
pub use head::{
    HeadRefused, KeyRefused, PublicKey, Signature, SignedHead, SigningKey, TreeHead, TrustedKeys, current_head,
    head_of_size, heads,
};
pub use proof::{CanonicalBytes, ConsistencyProof, InclusionProof, NoProof, consistency_proof, inclusion_proof};
pub use seal::{SealFailed, Sealed, Sealer};
pub use verify::{FirstBad, LogProof, Unproven, Witness, Wrong, snapshot, verify_log, verify_log_and_versions};
pub use versions::{ExpectedVersions, FoundVersion, compare};
