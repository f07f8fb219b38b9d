//! Relief of rent (房租减免): a policy says who is eligible and how many rent months are waived; leases that are eligible are
//! applied for together, a second person decides, and the rows of their schedules are owed no more. Why it is no policy
//! case: ADR 23.

mod content;
mod decide;
mod eligible;
mod policies;
mod reliefs;
#[cfg(test)]
mod tests;

pub use content::{PolicyContent, ReliefContent, verify_versions};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// On what relief must rest (DSP-17).
const SOURCE: &str = "2020 年阶段性减免房租政策：承租国有房屋用于经营的免租，转租的须惠及最终承租人";

/// The routes of relief.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(policies::list_policies, policies::make_policy))
        .routes(routes!(policies::get_policy))
        .routes(routes!(reliefs::list_candidates))
        .routes(routes!(reliefs::list_reliefs, reliefs::apply_for_relief))
        .routes(routes!(decide::decide_reliefs))
}
