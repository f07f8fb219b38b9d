//! Procedures that are data files: states, transitions, routes, guards, effects, clocks.
//!
//! A procedure is a TOML file that people of the field can read and review. What may stand in it is closed: each family of
//! procedures brings its own list of guards and effects as enums, and the roles and kinds of record that it knows. A
//! definition that doesn't fit together is refused when it is read, and searched through exhaustively
//! ([`model`]) before it is used. What a step needs of the definition is decided in [`step`], by the same code that the
//! search goes through; what a guard asks of the world, whoever uses the crate decides.
//!
//! No database, no HTTP, no clock of its own.

mod clock;
mod definition;
mod guide;
pub mod model;
mod page;
mod read;
pub mod step;
#[cfg(test)]
mod tests;

pub use clock::{Clock, ClockRefused, Due, Pause, days_after};
pub use definition::{
    Count, Deadline, Definition, DefinitionRefused, DocumentList, Escalation, Forbidden, Guide, Label, Route, State,
    Subject, Transition, Vocabulary, Word, word,
};
pub use guide::{GuideStep, Material};
