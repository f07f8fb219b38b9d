//! What became of what (分割、合并): one parcel or building into several, or several into one, on a day.
//!
//! The old ones end and the new ones begin in one transaction, with one record that says which came from which
//! (docs/adr/0021). The record is written once and never changed.

mod carry_out;
mod content;
mod follow;
mod list;
mod measure;
mod plan;
mod preview;
mod record;
#[cfg(test)]
mod room_tests;
mod rooms;
#[cfg(test)]
mod tests;

pub use carry_out::{Carried, OldOnes, Papers, carry_out, old_ones, piece_under};
pub use content::{SuccessionContent, verify_versions};
pub use measure::{Measure, measure};
pub use plan::{Piece, Plan, RoomGoes};
pub use rooms::require_rooms_assigned;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// By so much of what was there before may what comes after differ (*split_tol*, GEO-14).
pub const SPLIT_TOLERANCE: f64 = 0.001;

/// The routes of successions.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_successions, record::record_succession))
        .routes(routes!(preview::preview_succession))
}
