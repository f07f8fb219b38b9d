//! `GET /api/v1/stocktakings/{id}`: one stocktaking with its stepper, how far it is, and the steps from here.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use super::content::{StocktakingContent, StocktakingDetails, select_stocktakings};
use super::procedure::{Definition, Guard, stocktaking};
use super::progress::{Progress, Unmet, progress, unmet};
use crate::documents::{Document, documents_of};
use crate::ids::{DocumentId, StocktakingId, VersionId};
use crate::period::day;
use crate::procedures::Workflow;
use crate::request::{Context, Fault, Page, Problem};
use crate::versioned::{HistoryFacts, Named, VersionFacts, answer_read, history};

pub(super) const WHAT: &str = "this stocktaking";

pub(super) fn parse_id(text: &str) -> Result<StocktakingId, Problem> {
    Uuid::parse_str(text)
        .map(StocktakingId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// A document that a step needs.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = StocktakingPaperWanted)]
pub struct Wanted {
    /// Its kind.
    pub kind: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Is it there?
    pub here: bool,
}

/// A step that can be taken from here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StocktakingOpenStep)]
pub struct OpenStep {
    /// The transition.
    pub transition: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// The state it leads to.
    pub to: String,
    /// Whose step it is: any of these roles.
    pub roles: Vec<String>,
    /// Does it take another person than the one who put the differences forward?
    pub four_eyes: bool,
    /// Does it want the number of a document (文号)?
    pub decision: bool,
    /// Does it want a reason?
    pub asks_reason: bool,
    /// The documents that it needs.
    pub documents: Vec<Wanted>,
    /// What still stands in its way.
    pub unmet: Vec<Unmet>,
    /// Where the law says so.
    pub source: Option<String>,
}

/// A state of the straight way.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = StocktakingTrackState)]
pub struct TrackState {
    /// The state.
    pub id: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Is it behind the stocktaking?
    pub done: bool,
    /// Is the stocktaking there?
    pub here: bool,
}

/// A stocktaking.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Stocktaking {
    /// Its id, for ever.
    pub id: Uuid,
    /// What it is called.
    pub name: String,
    /// The region.
    pub region_code: String,
    /// Its name.
    pub region_name: Option<String>,
    /// Whose assets (本级); all levels where none is named.
    pub admin_level: Option<String>,
    /// The one unit.
    pub unit: Option<Named>,
    /// The day whose ledger is compared.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// Room by room too?
    pub with_rooms: bool,
    /// The digest of the definition that it began with.
    pub definition: String,
    /// Its state.
    pub state: String,
    /// The state in Chinese.
    pub state_zh: String,
    /// The state in English.
    pub state_en: String,
    /// Has it not ended?
    pub is_open: bool,
    /// Did it come to its end?
    pub is_finished: bool,
    /// The straight way.
    pub track: Vec<TrackState>,
    /// Who opened it.
    pub opened_by: String,
    /// Who put the differences forward.
    pub put_forward_by: Option<String>,
    /// Who judged them.
    pub decided_by: Option<String>,
    /// How many lines were frozen.
    pub lines: Option<i32>,
    /// Their digest, which stands in the ledger.
    pub lines_sha256: Option<String>,
    /// How far it is, as far as the caller sees its lines.
    pub progress: Progress,
    /// What may be recorded here.
    pub records_taken: Vec<String>,
    /// The steps from here.
    pub steps: Vec<OpenStep>,
    /// All that was said.
    pub details: StocktakingDetails,
    /// Its papers as files.
    pub papers: Vec<Document>,
    /// The version that is known.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// The procedure: its states, transitions and documents, as the page and the documentation show them.
#[utoipa::path(get, path = "/api/v1/workflows/stocktaking", operation_id = "get_stocktaking_workflow", tag = "stocktakings",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_stocktaking_workflow() -> Result<Json<Workflow>, Problem> {
    let definition = stocktaking().map_err(|refused| Fault::Impossible {
        what: refused.to_string(),
    })?;
    Ok(Json(Workflow::of(definition)))
}

/// One stocktaking, with the steps from here.
#[utoipa::path(get, path = "/api/v1/stocktakings/{id}", operation_id = "get_stocktaking", tag = "stocktakings",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Stocktaking, headers(("ETag" = String))), (status = 404, body = Problem)))]
pub(super) async fn get_stocktaking(context: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    let stocktaking = load(&context, parse_id(&id)?).await?;
    // How far it is changes without a step: whoever asks gets it whole.
    Ok(answer_read(
        &HeaderMap::new(),
        VersionId(stocktaking.version.version_id),
        stocktaking,
    ))
}

pub(super) async fn load(context: &Context, id: StocktakingId) -> Result<Stocktaking, Problem> {
    let mut connection = context.database.begin_snapshot().await?;
    let row = select_stocktakings!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let content = row.content()?;
    let names = sqlx::query!(
        r#"select (select name from region_version
                    where code = $1 and upper_inf(recorded) order by lower(valid) desc limit 1) as region_name,
                  (select code from unit_version
                    where object_id = $2 and upper_inf(recorded) order by lower(valid) desc limit 1) as unit_code,
                  (select name from unit_version
                    where object_id = $2 and upper_inf(recorded) order by lower(valid) desc limit 1) as unit_name"#,
        content.region_code,
        content.unit_id.map(|unit| unit.0),
    )
    .fetch_one(&mut *connection)
    .await?;
    let definition = super::definition_of(&mut connection, &content).await?;
    let progress = progress(&mut connection, id).await?;
    let papers: Vec<DocumentId> = content
        .details
        .papers
        .iter()
        .filter_map(|paper| paper.document_id)
        .collect();
    let papers = documents_of(&mut connection, &papers).await?;
    let state = definition.state(&content.state);
    Ok(Stocktaking {
        id: id.0,
        state_zh: state.map(|state| state.zh.clone()).unwrap_or_default(),
        state_en: state.map(|state| state.en.clone()).unwrap_or_default(),
        records_taken: state.map(|state| state.records.clone()).unwrap_or_default(),
        track: track(&definition, &content),
        steps: open_steps(&definition, &content, &progress),
        unit: content.unit_id.map(|unit| Named {
            id: unit.0,
            code: names.unit_code,
            name: names.unit_name,
        }),
        region_name: names.region_name,
        name: content.name,
        region_code: content.region_code,
        admin_level: content.admin_level,
        as_of: content.as_of,
        with_rooms: content.with_rooms,
        definition: content.definition,
        state: content.state,
        is_open: content.is_open,
        is_finished: content.is_finished,
        opened_by: content.opened_by,
        put_forward_by: content.put_forward_by,
        decided_by: content.decided_by,
        lines: content.lines,
        lines_sha256: content.lines_sha256,
        progress,
        details: content.details,
        papers,
        version,
    })
}

fn track(definition: &Definition, content: &StocktakingContent) -> Vec<TrackState> {
    let states: Vec<_> = definition.track(None).collect();
    // One that stands aside came from the last state that it left on the straight way.
    let here = states
        .iter()
        .position(|state| state.id == content.state)
        .or_else(|| {
            content.details.taken.iter().rev().find_map(|taken| {
                let to = &definition.transition(&taken.transition)?.to;
                states.iter().position(|state| state.id == *to)
            })
        })
        .unwrap_or(0);
    states
        .iter()
        .enumerate()
        .map(|(at, state)| TrackState {
            id: state.id.clone(),
            zh: state.zh.clone(),
            en: state.en.clone(),
            done: at < here || (at == here && state.end),
            here: state.id == content.state,
        })
        .collect()
}

fn open_steps(definition: &Definition, content: &StocktakingContent, progress: &Progress) -> Vec<OpenStep> {
    let here = content.details.documents();
    definition
        .leaving(&content.state, None)
        .map(|transition| OpenStep {
            transition: transition.id.clone(),
            zh: transition.zh.clone(),
            en: transition.en.clone(),
            to: transition.to.clone(),
            roles: transition.roles.clone(),
            four_eyes: transition.four_eyes,
            decision: transition.decision,
            asks_reason: transition.guards.contains(&Guard::ReasonGiven),
            documents: transition
                .documents
                .iter()
                .map(|kind| {
                    let label = definition.document_kinds.get(kind);
                    Wanted {
                        kind: kind.clone(),
                        zh: label.map_or_else(|| kind.clone(), |label| label.zh.clone()),
                        en: label.map_or_else(|| kind.clone(), |label| label.en.clone()),
                        here: here.contains(kind),
                    }
                })
                .collect(),
            // The reason is said with the step itself.
            unmet: unmet(&transition.guards, progress, true),
            source: transition.source.clone(),
        })
        .collect()
}

/// A version of a stocktaking in its history.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct StocktakingVersion {
    #[serde(flatten)]
    history: HistoryFacts,
    /// The state it came to.
    state: String,
}

/// Every step, the latest first.
#[utoipa::path(get, path = "/api/v1/stocktakings/{id}/versions", operation_id = "list_stocktaking_versions", tag = "stocktakings",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Page<StocktakingVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_stocktaking_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<StocktakingVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_stocktakings!("where v.object_id = $1 order by lower(v.recorded), v.version_id", id.0)
        .fetch_all(&mut *snapshot)
        .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history::<StocktakingContent>(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    let items = told
        .into_iter()
        .map(|(history, content)| StocktakingVersion {
            history,
            state: content.state,
        })
        .collect();
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}
