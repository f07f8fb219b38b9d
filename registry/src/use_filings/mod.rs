//! What a unit files and publishes every year of its offices (年度备案、内部公示): 党政机关办公用房管理办法 art. 19. One record for a
//! unit, a kind and a year, with its day and its paper; that one is missing is found by USE-12 and USE-13.

mod content;
mod correct;
mod enter;
mod read;
#[cfg(test)]
mod tests;

pub use content::{FilingContent, FilingKind, verify_versions};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of yearly filings.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(read::list_use_filings, enter::enter_use_filing))
        .routes(routes!(read::get_use_filing, correct::correct_use_filing))
        .routes(routes!(read::list_use_filing_versions))
        .routes(routes!(correct::withdraw_use_filing))
}
