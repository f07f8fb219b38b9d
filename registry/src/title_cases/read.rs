//! `GET /api/v1/title-cases/{id}`: one case with its check-list, what is changed by it, and the steps from here.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::{Map, Value, json};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::content::{CaseContent, CaseDetails, RETURN_CHECKS, select_cases};
use super::guards::{
    Facts, OF_THE_CERTIFICATE, Said, Unmet, Wanted, act_of, is_without_paper, terms, unmet, wanted_documents,
};
use super::procedure::{Definition, Guard};
use crate::documents::{Document, documents_of};
use crate::ids::{TitleCaseId, VersionId};
use crate::period::day;
use crate::procedures::Workflow;
use crate::request::{Context, Page, Problem, Times};
use crate::titles::dictionaries::PolicyAction;
use crate::titles::encumbrances::{Encumbrance, Obstacle, obstacles};
use crate::titles::{TitleContent, TitleStatement};
use crate::versioned::{HistoryFacts, Named, VersionFacts, answer, history};
use crate::working_days::WorkingCalendar;

pub(super) const WHAT: &str = "this case";

pub(super) fn parse_id(text: &str) -> Result<TitleCaseId, Problem> {
    Uuid::parse_str(text)
        .map(TitleCaseId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// A step that can be taken from here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
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
    /// Does it take another person than the one who put the case forward?
    pub four_eyes: bool,
    /// What has to be said with it.
    pub asks: Vec<Guard>,
    /// What still stands in its way.
    pub unmet: Vec<Unmet>,
}

/// One of the checks of a return, and whether it is done.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct WantedCheck {
    /// Which.
    pub check: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Is it done, its paper named where it rests on one?
    pub done: bool,
    /// The paper it rests on, in Chinese; null where none is asked for.
    pub paper_zh: Option<String>,
    /// The same in English.
    pub paper_en: Option<String>,
}

/// A field of the title that the case changes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Difference {
    /// The field.
    pub field: String,
    /// What the book says.
    pub before: Option<Value>,
    /// What it is to say.
    pub after: Option<Value>,
}

/// A case.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TitleCase {
    /// Its id, for ever.
    pub id: Uuid,
    /// Its number; what is received first has the lower one.
    pub number: i64,
    /// The parcel or building.
    pub asset: Named,
    /// Which of the two.
    pub asset_kind: String,
    /// 不动产单元号
    pub unit_code: Option<String>,
    /// The title it deals with or made.
    pub title_id: Option<Uuid>,
    /// Its state.
    pub state: String,
    /// The state in Chinese.
    pub state_zh: String,
    /// The state in English.
    pub state_en: String,
    /// Who opened it.
    pub opened_by: String,
    /// Who put it forward.
    pub submitted_by: Option<String>,
    /// Who looked at it.
    pub reviewed_by: Option<String>,
    /// Until when the registry has to finish.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub due_on: Option<Date>,
    /// Working days left until then; negative once it is over, null where no calendar is published.
    pub working_days_left: Option<i64>,
    /// When a filing comes back.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub review_on: Option<Date>,
    /// May it not be disposed of?
    pub disposal_frozen: bool,
    /// All that was said.
    pub details: CaseDetails,
    /// What is known of the papers that were brought as files.
    pub files: Vec<Document>,
    /// The check-list of documents.
    pub documents_wanted: Vec<Wanted>,
    /// What the title is to say: what the book says of it, and the draft laid over it.
    #[schema(value_type = Object)]
    pub terms: Map<String, Value>,
    /// What the case changes in the book.
    pub differences: Vec<Difference>,
    /// What was changed in the papers since they were put forward before; null where they never were.
    pub since_submission: Option<Vec<Difference>>,
    /// What lies on its title, by order of receipt.
    pub encumbrances: Vec<Encumbrance>,
    /// What stands in the way of what the case is to bring about, the strongest first.
    pub obstacles: Vec<Obstacle>,
    /// The checks of a return; none for other cases.
    pub checks_wanted: Vec<WantedCheck>,
    /// The steps from here.
    pub steps: Vec<OpenStep>,
    /// The version that is known.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// One case, with the steps from here.
#[utoipa::path(get, path = "/api/v1/title-cases/{id}", operation_id = "get_title_case", tag = "title cases",
    params(("id" = Uuid, Path), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = TitleCase, headers(("ETag" = String))), (status = 404, body = Problem)))]
pub(super) async fn get_title_case(
    context: Context,
    times: Times,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let case = load(&context, id, times).await?;
    context.note_read_behind("title_case", vec![id.0]).await?;
    // Never "not modified": its title, what lies on it and the day change without a new version of the case.
    let version = VersionId(case.version.version_id);
    Ok(answer(StatusCode::OK, None, Some(version), Json(case)))
}

/// What is said by the step itself is no obstacle beforehand.
const ASKED: [Guard; 5] = [
    Guard::ReasonGiven,
    Guard::DateGiven,
    Guard::RefusalGroundGiven,
    Guard::CertificateGiven,
    Guard::PolicyActionGiven,
];

pub(super) async fn load(context: &Context, id: TitleCaseId, times: Times) -> Result<TitleCase, Problem> {
    let mut connection = context.database.begin_snapshot().await?;
    // What the handler wrote is known a moment after its clock where two changes fall into one microsecond.
    let row = if times.known_at_asked {
        select_cases!(
            "where v.object_id = $1 and v.recorded @> $2::timestamptz",
            id.0,
            times.known_at
        )
        .fetch_optional(&mut *connection)
        .await?
    } else {
        select_cases!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
            .fetch_optional(&mut *connection)
            .await?
    };
    let row = row.ok_or_else(|| Problem::not_found(WHAT))?;
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let case = row.content()?;
    let asset = sqlx::query!(
        r#"select u.kind, v.code as "code?", v.name as "name?"
             from spatial_unit u
             left join lateral (
                  select code, name from spatial_unit_version
                   where object_id = u.id and valid @> $2::date and recorded @> $3::timestamptz limit 1) v on true
            where u.id = $1"#,
        case.asset_id,
        times.as_of,
        times.known_at,
    )
    .fetch_one(&mut *connection)
    .await?;
    let facts = Facts::read(&mut connection, &case, times).await?;
    let number = sqlx::query_scalar!("select number from title_case where id = $1", id.0)
        .fetch_one(&mut *connection)
        .await?;
    let differences = differences(&case, &facts);
    let since_submission = since_submission(
        &mut connection,
        id,
        (&case, facts.title.as_ref()),
        version.recorded_from,
    )
    .await?;
    let files = documents_of(&mut connection, &case.details.files()).await?;
    let definition = super::definition_of(&mut connection, &case).await?;
    let state = definition.state(&case.state);
    let calendar = WorkingCalendar::in_force(&mut connection).await?;
    let of = case
        .details
        .registration_type
        .filter(|_| !case.state.starts_with("fil"))
        .map_or("file", |registration| registration.code());
    Ok(TitleCase {
        id: id.0,
        number,
        asset: Named {
            id: case.asset_id,
            code: asset.code,
            name: asset.name,
        },
        asset_kind: asset.kind,
        state_zh: state.map(|state| state.zh.clone()).unwrap_or_default(),
        state_en: state.map(|state| state.en.clone()).unwrap_or_default(),
        documents_wanted: wanted_documents(&definition, &case, &facts, of),
        steps: open_steps(&definition, &case, &facts),
        files,
        working_days_left: case
            .due_on
            .and_then(|due_on| calendar.working_days_between(times.as_of, due_on)),
        terms: terms(&case, facts.title.as_ref()),
        differences,
        since_submission,
        obstacles: obstacles(&facts.encumbrances, act_of(&case)),
        encumbrances: facts.encumbrances,
        checks_wanted: wanted_checks(&case),
        unit_code: case.unit_code,
        title_id: case.title_id,
        state: case.state,
        opened_by: case.opened_by,
        submitted_by: case.submitted_by,
        reviewed_by: case.reviewed_by,
        due_on: case.due_on,
        review_on: case.review_on,
        disposal_frozen: case.disposal_frozen,
        details: case.details,
        version,
    })
}

fn open_steps(definition: &Definition, case: &CaseContent, facts: &Facts) -> Vec<OpenStep> {
    let policy = case.details.policy_action.map(PolicyAction::code);
    definition
        .leaving(&case.state, policy)
        .map(|transition| {
            let (asks, holds): (Vec<Guard>, Vec<Guard>) = transition
                .guards
                .iter()
                .copied()
                .partition(|guard| ASKED.contains(guard));
            OpenStep {
                transition: transition.id.clone(),
                zh: transition.zh.clone(),
                en: transition.en.clone(),
                to: transition.to.clone(),
                roles: transition.roles.clone(),
                four_eyes: transition.four_eyes,
                asks,
                unmet: unmet(&holds, definition, case, facts, Said::default()),
            }
        })
        .collect()
}

/// What the book says now against what it is to say, for the second person to look at. That a new certificate takes the
/// old one's place goes without saying.
fn differences(case: &CaseContent, facts: &Facts) -> Vec<Difference> {
    let mut before = facts
        .title
        .as_ref()
        .map(|title| TitleStatement::of(title).fields())
        .unwrap_or_default();
    let mut after = terms(case, facts.title.as_ref());
    if let Some(code) = &case.unit_code {
        after.insert("unit_code".to_owned(), json!(code));
    }
    for field in OF_THE_CERTIFICATE {
        before.remove(field);
    }
    between(&before, &after)
}

/// The fields in which two of them differ.
fn between(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<Difference> {
    let mut fields: Vec<&String> = before.keys().chain(after.keys()).collect();
    fields.sort_unstable();
    fields.dedup();
    fields
        .into_iter()
        .filter(|field| before.get(*field) != after.get(*field))
        .map(|field| Difference {
            field: field.clone(),
            before: before.get(field).cloned(),
            after: after.get(field).cloned(),
        })
        .collect()
}

/// The states in which somebody judges the papers, or has done so.
const JUDGED: [&str; 9] = [
    "ready",
    "submitted",
    "accepted",
    "reviewing",
    "recorded",
    "certified",
    "filing_review",
    "filed",
    "kept",
];

/// The place of the last version that was judged before the present papers, of states with the oldest first.
fn last_submission<State: AsRef<str>>(states: &[State]) -> Option<usize> {
    let is_judged = |state: &State| JUDGED.contains(&state.as_ref());
    let own = states.iter().rev().take_while(|state| is_judged(state)).count();
    states[..states.len() - own].iter().rposition(is_judged)
}

/// What the papers say, field by field: what comes with a step and not from the papers is left out.
fn papers(case: &CaseContent, book: Option<&TitleContent>) -> Map<String, Value> {
    let mut said = match serde_json::to_value(&case.details) {
        Ok(Value::Object(said)) => said,
        _ => Map::new(),
    };
    for of_a_step in [
        "draft",
        "clock",
        "supplement",
        "refusal_ground",
        "recorded_on",
        "issued_on",
        "receipt_no",
    ] {
        said.remove(of_a_step);
    }
    said.extend(terms(case, book));
    if let Some(code) = &case.unit_code {
        said.insert("unit_code".to_owned(), json!(code));
    }
    said
}

/// What was changed in the papers since they were last put forward.
async fn since_submission(
    connection: &mut sqlx::PgConnection,
    id: TitleCaseId,
    (case, book): (&CaseContent, Option<&TitleContent>),
    known_at: OffsetDateTime,
) -> Result<Option<Vec<Difference>>, Problem> {
    let rows = select_cases!(
        "where v.object_id = $1 and lower(v.recorded) <= $2 order by lower(v.recorded), v.version_id",
        id.0,
        known_at,
    )
    .fetch_all(connection)
    .await?;
    let states: Vec<&str> = rows.iter().map(|row| row.state.as_str()).collect();
    let Some(row) = last_submission(&states).and_then(|place| rows.into_iter().nth(place)) else {
        return Ok(None);
    };
    Ok(Some(between(&papers(&row.content()?, book), &papers(case, book))))
}

fn wanted_checks(case: &CaseContent) -> Vec<WantedCheck> {
    if case.details.policy_action != Some(PolicyAction::Return) {
        return Vec::new();
    }
    RETURN_CHECKS
        .into_iter()
        .map(|check| WantedCheck {
            check: check.name.to_owned(),
            zh: check.zh.to_owned(),
            en: check.en.to_owned(),
            done: case.details.return_checks.iter().any(|done| done.check == check.name)
                && (check.paper.is_none() || !is_without_paper(&case.details, check.name)),
            paper_zh: check.paper.map(|(zh, _)| zh.to_owned()),
            paper_en: check.paper.map(|(_, en)| en.to_owned()),
        })
        .collect()
}

/// One step of a case's history.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct CaseVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    pub history: HistoryFacts,
    /// The state it came to.
    pub state: String,
}

/// Every version of a case, the latest first.
#[utoipa::path(get, path = "/api/v1/title-cases/{id}/versions", operation_id = "list_title_case_versions", tag = "title cases",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<CaseVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_title_case_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<CaseVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_cases!("where v.object_id = $1 order by lower(v.recorded), v.version_id", id.0)
        .fetch_all(&mut *snapshot)
        .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history::<CaseContent>(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    let items = told
        .into_iter()
        .map(|(history, content)| CaseVersion {
            history,
            state: content.state,
        })
        .collect();
    drop(snapshot);
    context.note_read_behind("title_case", vec![id.0]).await?;
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}

/// The workflow of titles: its states, transitions and documents, as the page and the documentation show them.
#[utoipa::path(get, path = "/api/v1/workflows/title_case", operation_id = "get_title_workflow", tag = "title cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_title_workflow() -> Result<Json<Workflow>, Problem> {
    Ok(Json(Workflow::of(super::definition()?)))
}

#[cfg(test)]
mod tests {
    use super::last_submission;

    #[test]
    fn the_papers_are_held_against_what_was_judged_before() {
        for (states, place) in [
            (&["surveyed", "collecting", "ready"][..], None),
            (&["collecting", "ready", "collecting"], Some(1)),
            (&["collecting", "ready", "collecting", "collecting", "ready"], Some(1)),
            (
                &[
                    "collecting",
                    "ready",
                    "submitted",
                    "accepted",
                    "reviewing",
                    "supplement",
                ],
                Some(4),
            ),
            (
                &[
                    "ready",
                    "submitted",
                    "supplement",
                    "supplement",
                    "submitted",
                    "accepted",
                ],
                Some(1),
            ),
            (&[], None),
        ] {
            assert_eq!(last_submission(states), place, "{states:?}");
        }
    }
}
