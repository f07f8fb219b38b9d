//! Title cases (权属登记案件): the work on a title, step by step as the workflow `title_case` has it.
//!
//! Every step is a version of the case with its ledger entry, in one transaction with whatever it brings about. A pending
//! case holds its asset and its unit code against other cases, so what is received first takes effect first.

mod batch;
#[cfg(test)]
mod batch_tests;
mod content;
mod disposal;
mod effects;
mod entries;
mod follow_calendar;
mod guards;
mod list;
mod open;
mod procedure;
mod read;
mod split;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod tests;
mod transition;
mod waiting;

pub use content::{CaseContent, CaseDetails, verify_versions};
pub use disposal::{DisposalObstacle, disposal_obstacles};
pub use follow_calendar::{follow_calendar, years_awaited};
pub use procedure::title_case;
pub use waiting::waiting_cases;

use std::borrow::Cow;

use axum::extract::FromRef;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;
use crate::request::Fault;
use procedure::{Definition, VOCABULARY};

fn definition() -> Result<&'static Definition, Fault> {
    title_case().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })
}

/// Keeps the definition under which cases begin now, and gives its digest.
///
/// # Errors
/// The database's.
pub async fn keep_definition(connection: &mut PgConnection, now: time::OffsetDateTime) -> Result<String, Fault> {
    let definition = definition()?;
    crate::procedures::keep(connection, definition, now).await?;
    Ok(definition.digest())
}

/// The definition that a case began with.
async fn definition_of(connection: &mut PgConnection, case: &CaseContent) -> Result<Cow<'static, Definition>, Fault> {
    crate::procedures::began_with(connection, definition()?, case.definition.as_deref(), VOCABULARY).await
}

/// The routes of title cases.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(read::get_title_workflow))
        .routes(routes!(list::list_title_cases, open::open_title_case))
        .routes(routes!(batch::preview_title_cases))
        .routes(routes!(batch::open_title_cases))
        .routes(routes!(read::get_title_case, open::work_on_title_case))
        .routes(routes!(transition::step_title_case))
        .routes(routes!(read::list_title_case_versions))
        .routes(routes!(disposal::get_disposal_obstacles))
}
