//! Checks (合规检查): rules kept as data find what is at fault, and each finding (问题) is followed until it is put right.
//!
//! Findings are worked out from what is registered, as tiles are: they follow the ledger and need no entry of their own.
//! What people decide about them (who sees to it, until when, an exception) and every check of everything has one.

#[cfg(test)]
mod afterwards_tests;
#[cfg(test)]
mod agreement_tests;
#[cfg(test)]
mod case_tests;
mod change;
#[cfg(test)]
mod filing_tests;
#[cfg(test)]
mod finding_tests;
mod follow;
#[cfg(test)]
mod housing_tests;
#[cfg(test)]
mod lease_tests;
mod list;
mod owed_filings;
mod parameters;
mod routes;
mod rule;
mod run;
#[cfg(test)]
mod space_tests;
#[cfg(test)]
mod stocktaking_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod title_tests;
mod waiting;
mod waiting_filings;
mod whole;

pub use follow::keep_checked;
pub use parameters::verify_versions;
pub use rule::{Catalogue, Rule, Severity, catalogue, default_of};
pub use run::RuleOutcome;
pub use waiting::waiting_findings;
pub use waiting_filings::waiting_filings;
pub use whole::{BegunCheck, CheckRefused, begin_check};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of rules, findings and checks.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(routes::list_rules))
        .routes(routes!(list::list_findings))
        .routes(routes!(list::get_finding, change::change_finding))
        .routes(routes!(routes::get_latest_check, routes::start_check))
        .routes(routes!(routes::get_check))
        .routes(routes!(owed_filings::list_owed_filings))
        .merge(parameters::router())
}
