//! Procedures that are data files: how they are told to clients, and kept.
//!
//! A case finishes under the version of its procedure that it began with. So every version under which a case ever began is
//! kept by its digest, which stands in the case and by it in the ledger.

mod keep;
#[cfg(test)]
pub(crate) mod tests;
mod view;
mod waiting;

pub use keep::{Kept, began_with, keep};
pub use view::{Workflow, WorkflowLabel};
pub use waiting::{Awaited, StateTerm, Waiting, WaitingKind, WaitingObject, WaitingStep, state_term, waiting_of};
