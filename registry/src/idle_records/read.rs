//! `GET /api/v1/idle-records/{id}`: one record, and everything that was ever said of it.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Serialize;
use time::Date;
use uuid::Uuid;

use super::content::{IdleRecordContent, select_versions};
use crate::ids::{IdleRecordId, VersionId};
use crate::period::day;
use crate::request::{Context, Page, Problem, Times};
use crate::versioned::{HistoryFacts, VersionFacts, answer_read, history};

pub(super) const WHAT: &str = "this idle record";

pub(super) fn parse_id(text: &str) -> Result<IdleRecordId, Problem> {
    Uuid::parse_str(text)
        .map(IdleRecordId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// What a record says.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = IdleRecordSaid)]
pub(super) struct Said {
    /// The parcel or building.
    pub asset_id: Uuid,
    /// Is all of it idle?
    pub whole: bool,
    /// The floor, where it is one.
    pub floor: Option<i16>,
    /// The rooms that are idle by this record.
    pub room_ids: Vec<Uuid>,
    /// 闲置原因
    pub cause: String,
    /// The cause in words.
    pub cause_note: Option<String>,
    /// What shows it.
    pub evidence: String,
    /// The names of the documents that show it.
    pub documents: Vec<String>,
    /// Who confirmed it.
    pub confirmed_by: String,
    /// On which day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub confirmed_on: Date,
    /// How it ended.
    pub end_reason: Option<String>,
    /// What the use is from then on.
    pub occupancy_after: Option<String>,
}

impl From<IdleRecordContent> for Said {
    fn from(content: IdleRecordContent) -> Self {
        Self {
            asset_id: content.asset_id.0,
            whole: content.whole,
            floor: content.floor,
            room_ids: content.room_ids,
            cause: content.cause,
            cause_note: content.cause_note,
            evidence: content.evidence,
            documents: content.documents,
            confirmed_by: content.confirmed_by,
            confirmed_on: content.confirmed_on,
            end_reason: content.end_reason,
            occupancy_after: content.occupancy_after,
        }
    }
}

/// An idle record. Its valid period is the days of idleness.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct IdleRecord {
    /// Its id.
    id: Uuid,
    #[serde(flatten)]
    said: Said,
    /// The version that holds.
    #[serde(flatten)]
    version: VersionFacts,
}

/// One idle record, ended or not, as the registry knew it at `known_at`.
#[utoipa::path(get, path = "/api/v1/idle-records/{id}", operation_id = "get_idle_record", tag = "idle records",
    params(("id" = Uuid, Path), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = IdleRecord, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_idle_record(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin_snapshot().await?;
    // One spell of idleness is one version that is known.
    let row = select_versions!(
        "where v.object_id = $1 and v.recorded @> $2::timestamptz order by lower(v.valid) desc limit 1",
        id.0,
        times.known_at,
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    transaction.commit().await?;
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let record = IdleRecord {
        id: id.0,
        said: row.stored().content?.into(),
        version,
    };
    context.note_read_behind("idle_record", vec![id.0]).await?;
    Ok(answer_read(&headers, VersionId(record.version.version_id), record))
}

/// One version of an idle record.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct IdleRecordVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    history: HistoryFacts,
    #[serde(flatten)]
    said: Said,
}

/// Every version of an idle record, the latest known first.
#[utoipa::path(get, path = "/api/v1/idle-records/{id}/versions", operation_id = "list_idle_record_versions", tag = "idle records",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<IdleRecordVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_idle_record_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<IdleRecordVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_versions!(
        "where v.object_id = $1 order by lower(v.recorded), lower(v.valid), v.version_id",
        id.0
    )
    .fetch_all(&mut *snapshot)
    .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history(&mut snapshot, id.0, rows.into_iter().map(|row| row.stored())).await?;
    drop(snapshot);
    context.note_read_behind("idle_record", vec![id.0]).await?;
    Ok(Json(Page {
        items: told
            .into_iter()
            .map(|(history, content)| IdleRecordVersion {
                history,
                said: content.into(),
            })
            .collect(),
        next: None,
        total: None,
    }))
}
