//! Notices of a year's days off (国务院办公厅关于部分节假日安排的通知), recorded as they are published: from then on deadlines
//! know the year, and those of open cases that reach into it get their day. What is closed stays as it was.

mod content;
mod keep;
mod list;
#[cfg(test)]
pub(crate) mod tests;
mod waiting;

pub use content::{NoticeContent, verify_versions};
pub use waiting::waiting_calendar;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of calendar notices.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_calendar_notices, keep::record_calendar_notice))
        .routes(routes!(list::get_calendar_notice, keep::correct_calendar_notice))
        .routes(routes!(keep::withdraw_calendar_notice))
}
