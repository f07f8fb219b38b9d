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
mod times;

pub use answer::{Body, etag, require_match};
pub use caller::{Caller, Means, Permission, Reach, Scope};
pub use context::{Actor, Context};
pub use door_rule::{BrokenRule, DoorRule};
pub use idempotency::{Idempotency, Repeated};
pub use listing::{Listed, Listing, SortColumn};
pub use paging::{Cursor, MAX_LIMIT, Page, PageQuery};
pub use pattern::{contains_pattern, escape_pattern};
pub use problem::{Fault, Problem, ProblemKind};
pub use times::{Times, day};
