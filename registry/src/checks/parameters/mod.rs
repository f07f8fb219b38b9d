//! What the rules compare with (规则参数): the defaults come with the rules; a region sets values of its own, from a day
//! on, with the paper that says so. The value of the nearest region above an object holds for it.

mod change;
mod content;
mod in_force;
mod list;
#[cfg(test)]
mod tests;

pub(super) use content::names_of;
pub use content::verify_versions;
pub(super) use in_force::{Profile, ValuesInForce, held_for};
pub(super) use list::{RegionValue, values_of_regions};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of the rules' parameters.
pub(super) fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_rule_parameters, change::create_rule_parameter))
        .routes(routes!(list::get_rule_parameter, change::change_rule_parameter))
        .routes(routes!(change::close_rule_parameter))
}
