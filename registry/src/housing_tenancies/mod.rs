//! Tenancies of homes for staff (周转住房租住): who lives in which home, by which right, until when, and that they leave in
//! order (有序退出). What the home is let for (term, rent, payments, remittances) is kept by a lease beside it: ADR 28.
//!
//! Who may see the house sees who lives there. Names stand here and in the ledger alone: in no export, no search, no tile.

mod begin;
mod change;
mod content;
mod exit;
mod follow;
mod homes;
mod list;
mod read;
mod waiting;

pub use content::{TenancyContent, verify_versions};
pub use follow::follow_rooms;
pub use waiting::waiting_tenancies;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;
use crate::request::Problem;

/// Where a tenancy stands on a day: before its first, in its term, past it and not handed back, handed back.
pub const STATUSES: [&str; 4] = ["planned", "running", "overdue", "ended"];
/// How a home stands on a day: not put to use yet, free, let, let and past its term.
pub const HOME_STATUSES: [&str; 4] = ["not_ready", "free", "let", "overdue"];

/// By whichever document a refusal stands on.
fn by_the_plan(problem: Problem) -> Problem {
    problem.rule("W4", "方案 2.3 存量公房转化利用")
}

/// The routes of tenancies.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(homes::list_homes))
        .routes(routes!(list::list_housing_tenancies, begin::begin_housing_tenancy))
        .routes(routes!(read::get_housing_tenancy, change::change_housing_tenancy))
        .routes(routes!(read::list_housing_tenancy_versions))
        .routes(routes!(exit::end_housing_tenancy))
}
