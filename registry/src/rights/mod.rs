//! Rights (权利) as lists and registers tell them: many to one parcel or building (ISO 19152: RRR). Each is a row of a
//! list in the list's own words; certificates and the rules about them are another thing, which may refer to these.

mod content;
mod import;
mod list;
#[cfg(test)]
mod tests;

pub use content::{RightContent, verify_versions};
pub use import::import_rights;
pub use list::ListQuery;
pub(crate) use list::narrow;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of rights.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list::list_rights))
}
