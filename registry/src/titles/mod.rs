//! Titles (不动产权利): the register's own book: certificates with all their fields, who holds them, what lies on them.
//!
//! What a list or another system says of rights stands in [`rights`](crate::rights), in that list's words; what stands
//! here is a title as the bureau's register vouches for it. An asset's registration status (权属登记情况, the national
//! list) has one source, the asset itself (`spatial_unit_version.title_status`): recording a title sets it there, and
//! nothing here keeps a copy.

pub mod certificate_number;
mod content;
pub mod dictionaries;
pub mod encumbrances;
mod holder;
mod list;
pub mod permission;
mod read;
mod refusal;
mod register;
mod shares;
mod statement;
#[cfg(test)]
pub(crate) mod tests;

pub use content::{TitleContent, current, held_versions, verify_versions};
pub use holder::{Holder, Unification};
pub use refusal::refused;
pub use register::{write_change, write_new};
pub use statement::TitleStatement;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of titles.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(dictionaries::get_dictionaries))
        .routes(routes!(read::check_unit_code))
        .routes(routes!(list::list_titles, register::register_title))
        .routes(routes!(read::get_title, register::correct_title))
        .routes(routes!(read::list_title_versions))
        .routes(routes!(register::close_title))
        .routes(routes!(encumbrances::encumber_title))
        .routes(routes!(encumbrances::release_encumbrance))
}
