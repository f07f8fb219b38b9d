//! Occupants (使用人): who sits in a room, with rank and post, for as long as it lasts. The limit of an office is that of
//! the people in it. They are persons of the units' staff; people with accounts are another matter (`people/`).

mod change;
mod content;
mod list;
mod read;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use change::rank_problem;
pub use content::{OccupantContent, held_versions, verify_versions};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// A main post, or one held beside it (兼职).
pub const POSTS: [&str; 2] = ["main", "part_time"];

/// The routes of occupants.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_occupants, change::create_occupant))
        .routes(routes!(read::get_occupant, change::change_occupant))
        .routes(routes!(read::list_occupant_versions))
        .routes(routes!(change::close_occupant))
}
