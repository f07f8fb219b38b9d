//! The planner's question (找空间): which idle buildings could take so many people, in one piece, near here, with a title,
//! safe, idle since long, and why.
//!
//! For now the answer comes from an index in memory that follows the ledger; for another day, or for a caller who sees a
//! part of the registry alone, from the database. Both are the same spaces, looked at by the same rule (ADR 22).

mod ask;
mod export;
mod index;
mod load;
mod low_use;
mod question;
mod space;
mod suitable;
#[cfg(test)]
mod tests;

pub use index::{IdleIndex, keep_current};
pub use suitable::{SuitableRoom, SuitableSpace, suitable_space};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of idle space.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
    IdleIndex: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(ask::find_idle_space))
        .routes(routes!(export::export_idle_space))
}
