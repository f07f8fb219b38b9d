//! Rooms (房间): the smallest managed space, on a floor of a building.

mod change;
mod content;
mod floor;
mod import;
mod list;
mod moved;
mod purpose;
mod read;
#[cfg(test)]
mod tests;

pub use content::{RoomContent, held_versions, held_versions_of, known_versions_in, verify_versions};
pub use import::import_rooms;
pub use list::ListQuery;
pub(crate) use list::narrow;
pub use moved::RoomsMoved;
pub use purpose::{HOME, ROOM_TYPES};
pub(crate) use read::parse_id;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// How a room is used (使用状态).
pub const OCCUPANCIES: [&str; 10] = [
    "in_use",
    "idle",
    "let",
    "lent",
    "rented_in",
    "borrowed_in",
    "under_repair",
    "vacating",
    "dangerous",
    "demolished",
];

/// The routes of rooms.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_rooms, change::create_room))
        .routes(routes!(read::get_room, change::change_room))
        .routes(routes!(read::list_room_versions))
        .routes(routes!(change::close_room))
}
