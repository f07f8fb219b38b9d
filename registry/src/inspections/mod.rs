//! Inspection and assessment (巡检考核): a bureau looks at its own level or at the bureau below, by a plan and a sample, notes what
//! breaks which rule, sees it put right, and judges the whole by indicators that are computed from the book
//! (党政机关办公用房管理办法 art. 32; ADR 27).
//!
//! Every step is a version of the inspection with its ledger entry; what is found is an object of its own, so that several
//! people can put things right at once.

mod content;
mod draw;
mod findings;
mod follow_calendar;
mod guards;
#[cfg(test)]
mod indicator_tests;
mod indicators;
mod list;
mod permission;
mod plan;
mod procedure;
mod read;
mod record;
mod report;
mod sample;
mod schemes;
mod score;
#[cfg(test)]
mod tests;
mod told;
mod transition;
mod void;
mod waiting;

pub use content::{InspectionContent, verify_versions};
pub use follow_calendar::follow_calendar;
pub use procedure::definition;
pub use schemes::SchemeContent;
pub use told::{FindingTold, Plan as InspectionPlan, Telling as InspectionTelling};
pub use waiting::waiting_inspections;

use std::borrow::Cow;

use axum::Json;
use axum::extract::FromRef;
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;
use crate::procedures::Workflow;
use crate::request::{Fault, Problem};
use procedure::{Definition, VOCABULARY};

/// Does everything that is data fit together: the procedure and the default scheme?
///
/// # Errors
/// What doesn't; the program then doesn't start.
pub fn check_data() -> Result<(), Fault> {
    definition().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    schemes::default_scheme()?;
    Ok(())
}

/// The definition that an inspection began with.
async fn definition_of(
    connection: &mut PgConnection,
    inspection: &InspectionContent,
) -> Result<Cow<'static, Definition>, Fault> {
    let carried = definition().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    crate::procedures::began_with(connection, carried, Some(&inspection.definition), VOCABULARY).await
}

/// The procedure of inspections: its states, transitions and documents, as the page and the documentation show them.
#[utoipa::path(get, path = "/api/v1/workflows/inspection", operation_id = "get_inspection_workflow", tag = "inspections",
    responses((status = 200, body = Workflow)))]
async fn get_inspection_workflow() -> Result<Json<Workflow>, Problem> {
    let definition = definition().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    Ok(Json(Workflow::of(definition)))
}

/// The routes of inspections.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(get_inspection_workflow))
        .routes(routes!(list::list_inspections, plan::plan_inspection))
        .routes(routes!(read::get_inspection))
        .routes(routes!(read::list_inspection_versions))
        .routes(routes!(read::get_inspection_indicators))
        .routes(routes!(draw::draw_inspection_sample))
        .routes(routes!(record::record_in_inspection))
        .routes(routes!(transition::step_inspection))
        .routes(routes!(report::export_inspection))
        .merge(findings::router())
        .merge(schemes::router())
}
