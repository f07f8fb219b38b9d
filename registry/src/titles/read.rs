//! `GET /api/v1/titles/{id}`: one title as it was, what lies on it, and its history; and the check of a unit code.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use uuid::Uuid;

use super::content::{TitleContent, select_versions};
use super::encumbrances::{Act, Encumbrance, Obstacle, encumbrances_of, obstacles};
use super::holder::Unification;
use super::statement::TitleStatement;
use crate::ids::{TitleId, VersionId};
use crate::request::{Context, Page, Problem, Times};
use crate::unit_code::{CodeRefused, UnitCode};
use crate::versioned::{HistoryFacts, VersionFacts, answer, history};

/// A title at a date.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Title {
    /// Its id, for ever.
    pub id: Uuid,
    /// What the certificate says.
    #[serde(flatten)]
    pub said: TitleStatement,
    /// The unit code as certificates print it.
    pub unit_code_grouped: Option<String>,
    /// Is the unit code a provisional one?
    pub provisional: bool,
    /// How the unification of titles counts it.
    pub unification: Unification,
    /// The case that made it.
    pub case_id: Option<Uuid>,
    /// What lies on it, by order of receipt.
    pub encumbrances: Vec<Encumbrance>,
    /// What they stand in the way of, the strongest first.
    pub obstacles: Vec<Obstacle>,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

pub(super) const WHAT: &str = "this title";

pub(super) fn parse_id(text: &str) -> Result<TitleId, Problem> {
    Uuid::parse_str(text).map(TitleId).map_err(|_| Problem::not_found(WHAT))
}

/// One title, as it was on `as_of`, as the registry knew it at `known_at`.
#[utoipa::path(get, path = "/api/v1/titles/{id}", operation_id = "get_title", tag = "titles",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Title, headers(("ETag" = String))), (status = 404, body = Problem)))]
pub(super) async fn get_title(context: Context, times: Times, Path(id): Path<String>) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let title = load(&context, id, times).await?;
    context.note_read_behind("title", vec![id.0]).await?;
    // Never "not modified": what lies on it changes without a new version of the title.
    let version = VersionId(title.version.version_id);
    Ok(answer(StatusCode::OK, None, Some(version), Json(title)))
}

/// Reads one title at a date.
pub(super) async fn load(context: &Context, id: TitleId, times: Times) -> Result<Title, Problem> {
    let mut connection = context.database.begin_snapshot().await?;
    let row = select_versions!(
        "where v.object_id = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz",
        id.0,
        times.as_of,
        times.known_at
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let content = row.content()?;
    let encumbrances = encumbrances_of(&mut connection, id, times).await?;
    let obstacles = Act::ALL
        .into_iter()
        .flat_map(|act| obstacles(&encumbrances, act))
        .collect();
    let code = content.unit_code.as_deref().and_then(|code| UnitCode::parse(code).ok());
    Ok(Title {
        id: id.0,
        unit_code_grouped: code.as_ref().map(UnitCode::grouped),
        provisional: code.is_some_and(|code| code.is_provisional()),
        unification: Unification::of(&content.holders),
        case_id: content.case_id,
        said: TitleStatement::of(&content),
        encumbrances,
        obstacles,
        version,
    })
}

/// One version of a title.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TitleVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    pub history: HistoryFacts,
    /// What it said.
    #[serde(flatten)]
    pub said: TitleStatement,
}

/// Every version of a title, the latest known and valid first.
#[utoipa::path(get, path = "/api/v1/titles/{id}/versions", operation_id = "list_title_versions", tag = "titles",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<TitleVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_title_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<TitleVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_versions!(
        "where v.object_id = $1 order by lower(v.valid), lower(v.recorded), v.version_id",
        id.0
    )
    .fetch_all(&mut *snapshot)
    .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history::<TitleContent>(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    let items = told
        .into_iter()
        .map(|(history, content)| TitleVersion {
            history,
            said: TitleStatement::of(&content),
        })
        .collect();
    drop(snapshot);
    context.note_read_behind("title", vec![id.0]).await?;
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}

/// Words in both languages.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Label {
    zh: &'static str,
    en: &'static str,
}

/// What a unit code says, level by level, or what is wrong with it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UnitCodeCheck {
    /// Is it right in form?
    valid: bool,
    /// What is wrong with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<CodeRefused>,
    /// Its parts.
    #[serde(skip_serializing_if = "Option::is_none")]
    parts: Option<UnitCodeParts>,
    /// The current title with this code, where there is one and the code is no provisional one.
    registered_title: Option<Uuid>,
    /// What is allowed but unusual.
    warnings: Vec<Label>,
}

/// The levels of a unit code.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UnitCodeParts {
    /// As certificates print it.
    grouped: String,
    region: String,
    /// The name of that region today, where it is registered.
    region_name: Option<String>,
    cadastral_district: String,
    cadastral_subdistrict: String,
    ownership: Label,
    kind: Label,
    serial: String,
    fixture: Label,
    building: Option<String>,
    unit: Option<String>,
    parcel_code: String,
    building_code: Option<String>,
    provisional: bool,
}

/// Checks a unit code while it is typed: its parts, or its first defect and what was probably meant.
#[utoipa::path(get, path = "/api/v1/unit-codes/{code}", operation_id = "check_unit_code", tag = "titles",
    params(("code" = String, Path)), responses((status = 200, body = UnitCodeCheck), (status = 404, body = Problem)))]
pub(super) async fn check_unit_code(
    context: Context,
    Path(code): Path<String>,
) -> Result<Json<UnitCodeCheck>, Problem> {
    let code = match UnitCode::parse(&code) {
        Ok(code) => code,
        Err(refused) => {
            return Ok(Json(UnitCodeCheck {
                valid: false,
                refused: Some(refused),
                parts: None,
                registered_title: None,
                warnings: Vec::new(),
            }));
        }
    };
    let today = context.clock.today();
    let mut snapshot = context.database.begin_snapshot().await?;
    let known = sqlx::query!(
        r#"select (select object_id from title_version
                    where firm_code = $1 and book_state = '1' and valid @> $2::date and upper_inf(recorded)) as title,
                  (select name from region_version
                    where code = $3 and valid @> $2::date and upper_inf(recorded) limit 1) as region"#,
        code.as_str(),
        today,
        code.region(),
    )
    .fetch_one(&mut *snapshot)
    .await?;
    let parts = UnitCodeParts {
        grouped: code.grouped(),
        region: code.region().to_owned(),
        region_name: known.region,
        cadastral_district: code.cadastral_district().to_owned(),
        cadastral_subdistrict: code.cadastral_subdistrict().to_owned(),
        ownership: Label {
            zh: code.ownership().zh(),
            en: code.ownership().en(),
        },
        kind: Label {
            zh: code.parcel_kind().zh(),
            en: code.parcel_kind().en(),
        },
        serial: code.serial().to_owned(),
        fixture: Label {
            zh: code.fixture().zh(),
            en: code.fixture().en(),
        },
        building: code.building().map(ToOwned::to_owned),
        unit: code.unit().map(ToOwned::to_owned),
        parcel_code: code.parcel_code().to_owned(),
        building_code: code.building_code().map(ToOwned::to_owned),
        provisional: code.is_provisional(),
    };
    drop(snapshot);
    context
        .note_read_behind("title", known.title.into_iter().collect())
        .await?;
    Ok(Json(UnitCodeCheck {
        valid: true,
        refused: None,
        parts: Some(parts),
        registered_title: known.title,
        warnings: code.warnings().into_iter().map(|(zh, en)| Label { zh, en }).collect(),
    }))
}
