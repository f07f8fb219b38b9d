//! The worklist (待办事项): what waits for whoever reads, and what has gone to them because its day is over.
//!
//! Nothing of it is stored. Each noun says what waits where it stands, by the same definitions and the same rights as its own
//! steps; here it is put together, sorted and counted ([ADR 29](docs/adr/0029-the-worklist.md)).

mod gather;
mod list;
#[cfg(test)]
mod tests;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of the worklist.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_tasks))
        .routes(routes!(list::get_task_summary))
}
