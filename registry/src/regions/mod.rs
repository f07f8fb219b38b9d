//! Places (行政区划): a tree that changes with the years. What ended names what took its place.

mod change;
mod content;
mod import;
mod level;
mod list;
mod read;
#[cfg(test)]
mod tests;

pub use content::{RegionContent, held_versions, require_registered, verify_versions};
pub use import::import_regions;
pub use level::{GB2260, LEVELS, code_has_form, subtree};
pub use list::ListQuery;
pub(crate) use list::narrow;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of regions.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_regions, change::create_region))
        .routes(routes!(read::get_region, change::change_region))
        .routes(routes!(read::list_region_versions))
        .routes(routes!(change::close_region))
}
