//! Stocktakings (清查盘点): the ledger as it was on a day against what is there, against the units' own ledgers and the
//! certificates. Why it is kept as it is: ADR 26.
//!
//! The list is written once and never altered; what is answered, checked, explained, decided and settled of a line is a
//! version of that line with its ledger entry. A stocktaking corrects nothing: a difference names the change that did.

mod bulk;
mod content;
mod export;
mod extra;
mod figures;
#[cfg(test)]
mod figures_tests;
mod filled;
mod form;
mod freeze;
mod line;
mod lines;
mod list;
mod open;
mod permission;
mod procedure;
mod progress;
mod read;
mod record;
mod report;
mod settle;
#[cfg(test)]
pub(crate) mod tests;
mod told;
mod transition;
mod waiting;

pub use content::{StocktakingContent, verify_versions};
pub use told::{Hands, LineTold, Telling as StocktakingTelling};
pub use waiting::waiting_stocktakings;

use std::borrow::Cow;

use axum::extract::{DefaultBodyLimit, FromRef};
use sqlx::PgConnection;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;
use crate::request::{Fault, Problem, ProblemKind};
use procedure::{Definition, VOCABULARY};

/// The definition that a stocktaking began with.
async fn definition_of(
    connection: &mut PgConnection,
    content: &StocktakingContent,
) -> Result<Cow<'static, Definition>, Fault> {
    let carried = procedure::stocktaking().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    crate::procedures::began_with(connection, carried, Some(&content.definition), VOCABULARY).await
}

/// Is something of that kind recorded in the state that it is in?
fn require_open_for(definition: &Definition, content: &StocktakingContent, kind: &str) -> Result<(), Problem> {
    let state = definition.state(&content.state);
    let takes = state.map(|state| state.records.as_slice()).unwrap_or_default();
    if takes.iter().any(|taken| taken == kind) {
        return Ok(());
    }
    let zh = state.map_or("", |state| state.zh.as_str());
    Err(Problem::new(
        ProblemKind::Conflict,
        format!(
            "当前环节是“{zh}”，不能登记这类内容 / in the state {} nothing of the kind {kind} is recorded",
            content.state
        ),
    )
    .code("record_closed")
    .rule("ACC-02", "行政事业性国有资产管理条例 art. 39")
    .remedy(if takes.is_empty() {
        "it has ended; what it says stays".to_owned()
    } else {
        format!("in this state there are: {}", takes.join(", "))
    }))
}

/// What a multipart body takes around a file.
const AROUND_THE_FILE: usize = 1 << 20;

/// The routes of stocktakings.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(read::get_stocktaking_workflow))
        .routes(routes!(list::list_stocktakings, open::open_stocktaking))
        .routes(routes!(read::get_stocktaking))
        .routes(routes!(read::list_stocktaking_versions))
        .routes(routes!(transition::step_stocktaking))
        .routes(routes!(transition::record_paper))
        .routes(routes!(lines::list_lines, extra::add_extra_line))
        .routes(routes!(lines::get_line))
        .routes(routes!(lines::list_line_versions))
        .routes(routes!(record::record_line))
        .routes(routes!(bulk::confirm_lines))
        .routes(routes!(report::get_report))
        .routes(routes!(export::export_lines))
        .routes(routes!(form::get_form))
        .merge(
            OpenApiRouter::new()
                .routes(routes!(figures::bring_figures))
                .routes(routes!(figures::mark_figures))
                .layer(DefaultBodyLimit::max(figures::MOST_FORM_BYTES + AROUND_THE_FILE)),
        )
}
