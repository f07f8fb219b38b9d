//! Sites (院落), parcels (宗地) and buildings (楼栋): what the map shows. ISO 19152's spatial units.
//!
//! One module for the three, because geometry, both times, import, tiles and history are the same for each; what only
//! one of them has is a field that the database checks against the kind.

mod change;
mod content;
mod kind;
mod list;
mod now;
mod place;
mod queries;
mod read;
mod relations;
#[cfg(test)]
pub(crate) mod tests;
mod verify;

pub use content::{Content, Repair};
pub use kind::Kind;
pub use list::ListQuery;
pub(crate) use list::{narrow, push_order};
pub use now::{KnownAsset, Whereabouts, known_now, whereabouts_now};
pub use place::require_edit;
pub use queries::{HeldUnit, Occasion, VersionWriter, held_versions, known_versions, write_revision};
pub(crate) use read::RESTRICTED;
pub use relations::{EndedRelation, begin_relation, end_relations};
pub use verify::verify_versions;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of the three kinds.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_spatial_units, change::create_spatial_unit))
        .routes(routes!(read::get_spatial_unit, change::change_spatial_unit))
        .routes(routes!(read::list_spatial_unit_versions))
        .routes(routes!(change::close_spatial_unit))
        .routes(routes!(relations::relate_spatial_units))
        .routes(routes!(relations::unrelate_spatial_units))
}
