//! Policy cases (案件): what becomes of an idle asset, one case each (一资一策), medium and major repairs (大中修), and what
//! units ask for: space by reassignment, swap, renting or building, and leaders' offices (调剂、置换、租用、建设、领导用房);
//! and houses that become homes for staff (周转住房).
//!
//! Every step is a version of the case with its ledger entry, in one transaction with whatever it brings about: occupancy
//! and usage, the title's end, the write-off. What is recorded in a case (documents, appraisals, bids, money) is kept with
//! who brought it, and is never taken out again. An open case holds its asset against others of its kind.

mod allocation;
mod allocation_effects;
mod allocation_guards;
mod content;
mod effects;
mod facts;
mod follow_calendar;
mod guards;
mod housing;
mod list;
mod movables;
mod open;
mod permission;
mod procedure;
mod read;
mod receiving;
#[cfg(test)]
mod receiving_tests;
mod repair_guards;
mod sale_guards;
#[cfg(test)]
mod tests;
mod transition;
mod waiting;
mod workflows;

pub use content::{CaseContent, CaseDetails, verify_versions};
pub use follow_calendar::{follow_calendar, years_awaited};
#[cfg(test)]
pub(crate) use guards::guarded_rules;
pub use procedure::Procedure;
pub use waiting::waiting_cases;

use std::borrow::Cow;

use axum::extract::FromRef;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;
use crate::request::Fault;
use procedure::{Definition, VOCABULARY};

/// The definition that a case began with.
async fn definition_of(connection: &mut PgConnection, case: &CaseContent) -> Result<Cow<'static, Definition>, Fault> {
    let carried = case.procedure.definition().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    crate::procedures::began_with(connection, carried, Some(&case.definition), VOCABULARY).await
}

/// The routes of policy cases.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(workflows::get_idle_disposal_workflow))
        .routes(routes!(workflows::get_repair_workflow))
        .routes(routes!(workflows::get_reassign_workflow))
        .routes(routes!(workflows::get_swap_premises_workflow))
        .routes(routes!(workflows::get_rent_in_workflow))
        .routes(routes!(workflows::get_build_workflow))
        .routes(routes!(workflows::get_leader_office_workflow))
        .routes(routes!(workflows::get_hand_down_workflow))
        .routes(routes!(workflows::get_turnover_housing_workflow))
        .routes(routes!(list::list_policy_cases, open::open_policy_case))
        .routes(routes!(read::get_policy_case))
        .routes(routes!(read::list_policy_case_versions))
        .routes(routes!(movables::export_movables))
        .routes(routes!(open::record_in_policy_case))
        .routes(routes!(transition::step_policy_case))
}
