//! Who approves what (审批权限): thresholds are local, so they are rows that an administrator keeps and never code: by region
//! and mode, class of asset and value, the chain of offices that approve, and what a disposal needs besides. The row of
//! the nearest region above an asset holds.

mod change;
mod content;
mod examples;
mod list;
#[cfg(test)]
mod tests;

pub use content::{AssetClass, Mode, Office, ThresholdContent, find, verify_versions};
pub use examples::example_thresholds;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of thresholds.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_thresholds, change::create_threshold))
        .routes(routes!(list::get_threshold, change::change_threshold))
        .routes(routes!(change::close_threshold))
        .routes(routes!(examples::list_threshold_examples))
}
