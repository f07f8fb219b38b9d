//! What an inspection found (问题): the rule and the object, whose it is to put right, by when, what was done, and who looked
//! at it again. What the checks had found already is linked and not copied.

mod content;
mod follow_calendar;
mod list;
mod note;
mod step;

pub(super) use content::{FindingContent, FindingDetails, FindingStep, verify_versions};
pub(super) use follow_calendar::follow_calendar;
pub(super) use list::{FindingLine, lines_of};
pub(super) use step::{due_by, issue};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of findings.
pub(super) fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(note::note_inspection_finding))
        .routes(routes!(list::list_inspection_findings))
        .routes(routes!(list::get_inspection_finding))
        .routes(routes!(step::step_inspection_finding))
}
