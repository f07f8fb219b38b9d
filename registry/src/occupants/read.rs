//! `GET /api/v1/occupants/{id}`: one occupant as it was, and their history.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use super::content::{OccupantContent, select_versions};
use crate::ids::{OccupantId, VersionId};
use crate::period::day;
use crate::request::{Context, Page, Problem, Times};
use crate::versioned::{HistoryFacts, VersionFacts, answer_read, history};

/// What is said of an occupant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OccupantFacts {
    /// The room they sit in.
    pub room_id: Uuid,
    /// Name.
    pub person: String,
    /// 工号
    pub staff_number: Option<String>,
    /// Whose staff they are; the room's unit where nothing is said.
    pub unit_id: Option<Uuid>,
    /// 职级
    pub rank: String,
    /// `main` or `part_time` (兼职).
    pub post: String,
    /// When a post held beside the main one ends.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub post_ends: Option<Date>,
    /// 调离、退休
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub left_on: Option<Date>,
    /// 核定面积, m² of use area.
    pub approved_area_m2: Option<f64>,
    /// Who allowed an office beside another one.
    pub second_office_approval: Option<String>,
}

impl From<OccupantContent> for OccupantFacts {
    fn from(content: OccupantContent) -> Self {
        Self {
            room_id: content.room_id.0,
            person: content.person,
            staff_number: content.staff_number,
            unit_id: content.unit_id.map(|unit| unit.0),
            rank: content.rank,
            post: content.post,
            post_ends: content.post_ends,
            left_on: content.left_on,
            approved_area_m2: content.approved_area_m2.and_then(|area| area.to_f64()),
            second_office_approval: content.second_office_approval,
        }
    }
}

/// An occupant at a date.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Occupant {
    /// Its id, for ever.
    pub id: Uuid,
    /// What is said.
    #[serde(flatten)]
    pub facts: OccupantFacts,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

pub(super) const WHAT: &str = "this occupant";

pub(super) fn parse_id(text: &str) -> Result<OccupantId, Problem> {
    Uuid::parse_str(text)
        .map(OccupantId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// One occupant, as it was on `as_of`, as the registry knew it at `known_at`.
#[utoipa::path(get, path = "/api/v1/occupants/{id}", operation_id = "get_occupant", tag = "rooms",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Occupant, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_occupant(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let occupant = load(&context, id, times).await?;
    context.note_read_behind("occupant", vec![id.0]).await?;
    Ok(answer_read(&headers, VersionId(occupant.version.version_id), occupant))
}

/// Reads one occupant at a date.
pub(super) async fn load(context: &Context, id: OccupantId, times: Times) -> Result<Occupant, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = select_versions!(
        "where v.object_id = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz",
        id.0,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let facts = row.stored().content?.into();
    Ok(Occupant {
        id: id.0,
        facts,
        version,
    })
}

/// One version of an occupant.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct OccupantVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    pub history: HistoryFacts,
    /// What was said.
    #[serde(flatten)]
    pub facts: OccupantFacts,
}

/// Every version of an occupant, the latest known and valid first.
#[utoipa::path(get, path = "/api/v1/occupants/{id}/versions", operation_id = "list_occupant_versions", tag = "rooms",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<OccupantVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_occupant_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<OccupantVersion>>, Problem> {
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
    let told = history(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    let items = told
        .into_iter()
        .map(|(history, content)| OccupantVersion {
            history,
            facts: content.into(),
        })
        .collect();
    drop(snapshot);
    context.note_read_behind("occupant", vec![id.0]).await?;
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}
