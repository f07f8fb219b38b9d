//! Files coming in: read → map fields → coordinate system → check and mend → compare by source key → write.
//!
//! One import is one transaction: an interrupted one leaves nothing but its own record. Every row of the file is
//! accounted for in `import_outcome`, and the counts of the report add up to the rows that were read.

mod account;
mod compare;
mod coordinates;
mod jobs;
mod mappings;
mod marked;
mod order;
mod outcome;
mod report;
mod routes;
mod run;
mod templates;

#[cfg(test)]
#[path = "real_sets/tests.rs"]
mod real_sets;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod workbook_tests;

pub(crate) use account::{Account, ListRow, Refusal, Tally};
pub(crate) use compare::overlap;
pub use coordinates::{CoordinateOrder, expect_place};
pub use jobs::{ImportJobs, mark_interrupted};
pub use mappings::saved_mapping;
pub use marked::{mark_file, would_be_marked};
pub use order::{AssetBy, CompareAttributes, ImportOrder, OnBehalf, dataset_of, joined, table_options};
pub use outcome::Outcome;
pub(crate) use outcome::{OutcomeWriter, RowOutcome};
pub use report::{Counts, CrsOf, Report};
pub(crate) use routes::harmless;
pub use routes::{ancestor, mapping_pair, router, value_of, write_report};
pub(crate) use run::{
    Accepted, ReadyRow, RowWarning, finish, lock_import, show_to_postgis, signed, start_reading, warning,
};
pub use run::{ImportFailed, ImportProgress, run_import};
