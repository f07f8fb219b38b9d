//! How inspections are judged (考核标准): weights and grades are local and no law gives figures, so they are rows that an
//! administrator keeps, by region and from a day on. Where no region has any, this product's defaults hold and are said to.

mod change;
mod content;
mod list;

pub use content::{SchemeContent, Weighed};
pub(super) use content::{default_scheme, in_force, verify_versions};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of schemes.
pub(super) fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_inspection_schemes, change::create_inspection_scheme))
        .routes(routes!(list::get_inspection_scheme_in_force))
        .routes(routes!(list::get_inspection_scheme, change::change_inspection_scheme))
        .routes(routes!(change::close_inspection_scheme))
}
