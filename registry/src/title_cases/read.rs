//! `GET /api/v1/title-cases/{id}`: one case with its check-list, what is changed by it, and the steps from here.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use serde_json::Value;
use time::Date;
use uuid::Uuid;

use super::content::{CaseContent, CaseDetails, select_cases};
use super::guards::{Facts, Said, Unmet, Wanted, unmet, wanted_documents};
use super::procedure::{Definition, Guard};
use crate::ids::{TitleCaseId, TitleId, VersionId};
use crate::period::day;
use crate::procedures::Workflow;
use crate::request::{Context, Page, Problem, Times};
use crate::titles::TitleStatement;
use crate::titles::dictionaries::PolicyAction;
use crate::versioned::{HistoryFacts, Named, VersionFacts, answer_read, history};
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
    /// The check-list of documents.
    pub documents_wanted: Vec<Wanted>,
    /// What the case changes in the book.
    pub differences: Vec<Difference>,
    /// The steps from here.
    pub steps: Vec<OpenStep>,
    /// The version that is known.
    #[serde(flatten)]
    pub version: VersionFacts,
}

/// One case, with the steps from here.
#[utoipa::path(get, path = "/api/v1/title-cases/{id}", operation_id = "get_title_case", tag = "title cases",
    params(("id" = Uuid, Path), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = TitleCase, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_title_case(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let case = load(&context, parse_id(&id)?, times).await?;
    Ok(answer_read(&headers, VersionId(case.version.version_id), case))
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
    let differences = differences(&mut connection, &case).await?;
    let definition = super::definition_of(&mut connection, &case).await?;
    let state = definition.state(&case.state);
    let calendar = WorkingCalendar::published().ok();
    let of = case
        .details
        .registration_type
        .filter(|_| !case.state.starts_with("fil"))
        .map_or("file", |registration| registration.code());
    Ok(TitleCase {
        id: id.0,
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
        working_days_left: case
            .due_on
            .and_then(|due_on| calendar?.working_days_between(times.as_of, due_on)),
        differences,
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

/// What the book says now against what it is to say, for the second person to look at.
async fn differences(connection: &mut sqlx::PgConnection, case: &CaseContent) -> Result<Vec<Difference>, Problem> {
    let before = match case.title_id {
        None => None,
        Some(title) => crate::titles::current(connection, TitleId(title)).await?,
    };
    let fields = |statement: TitleStatement| match serde_json::to_value(statement) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let before = before.as_ref().map(TitleStatement::of).map(fields).unwrap_or_default();
    let mut after = case.details.draft.clone();
    if let Some(code) = &case.unit_code {
        after.insert("unit_code".to_owned(), Value::String(code.clone()));
    }
    Ok(after
        .into_iter()
        .filter(|(field, value)| before.get(field) != Some(value))
        .map(|(field, value)| Difference {
            before: before.get(&field).cloned(),
            field,
            after: Some(value),
        })
        .collect())
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
    let told = history::<CaseContent>(&mut *snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    let items = told
        .into_iter()
        .map(|(history, content)| CaseVersion {
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

/// The workflow of titles: its states, transitions and documents, as the page and the documentation show them.
#[utoipa::path(get, path = "/api/v1/workflows/title_case", operation_id = "get_title_workflow", tag = "title cases",
    responses((status = 200, body = Workflow)))]
pub(super) async fn get_title_workflow() -> Result<Json<Workflow>, Problem> {
    Ok(Json(Workflow::of(super::definition()?)))
}
