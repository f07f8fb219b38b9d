//! What every handler speaks: who asks and when, problems, paging, versions of resources, repeated requests.

mod answer;
mod caller;
mod context;
mod door_rule;
pub mod fields;
mod idempotency;
mod listing;
mod paging;
mod pattern;
mod problem;
mod restricted;
mod times;

pub use answer::{Body, etag, require_match};
pub use caller::{Acting, Caller, Means, OpenedBy, Permission, Place, Reach, Scope, out_of_scope};
pub use context::{Actor, Context, scoped};
pub use door_rule::{BrokenRule, DoorRule};
pub use idempotency::{Idempotency, Repeated};
pub use listing::{Listed, Listing, SortColumn, without_cursor};
pub use paging::{Cursor, MAX_LIMIT, Page, PageQuery};
pub use pattern::{contains_pattern, escape_pattern};
pub use problem::{Fault, Problem, ProblemKind};
pub use restricted::note_restricted_read;
pub use times::{Times, day};
