//! `GET /api/v1/use-filings`: what a unit filed and published, year by year; one of them, and its history.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::content::{FilingContent, FilingKind, FilingRow, select_filings};
use crate::ids::{UseFilingId, VersionId};
use crate::period::{day, valid_period};
use crate::request::{Context, Fault, Page, Problem, Times};
use crate::versioned::{HistoryFacts, VersionFacts, answer_read, history};

pub(super) const WHAT: &str = "this filing";

pub(super) fn parse_id(text: &str) -> Result<UseFilingId, Problem> {
    Uuid::parse_str(text)
        .map(UseFilingId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// What a filing says.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = UseFilingSaid)]
pub(super) struct Said {
    /// Whose it is.
    unit_id: Uuid,
    /// What was done.
    kind: FilingKind,
    /// Of which year.
    year: i32,
    /// Its number, or the paper.
    document: String,
    /// Anything else.
    note: Option<String>,
}

impl From<FilingContent> for Said {
    fn from(content: FilingContent) -> Self {
        Self {
            unit_id: content.unit_id.0,
            kind: content.kind,
            year: content.year,
            document: content.document,
            note: content.note,
        }
    }
}

/// What a unit filed or published.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct UseFiling {
    /// Its id.
    id: Uuid,
    /// The day on which it was filed or published.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    filed_on: Date,
    #[serde(flatten)]
    said: Said,
    /// The version that holds.
    #[serde(flatten)]
    version: VersionFacts,
}

fn told(row: FilingRow) -> Result<UseFiling, Fault> {
    Ok(UseFiling {
        id: row.object_id,
        filed_on: valid_period(&row.valid).from,
        version: VersionFacts::new(row.version_id, &row.valid, &row.recorded),
        said: row.content()?.into(),
    })
}

pub(super) async fn load(context: &Context, id: UseFilingId, times: Times) -> Result<UseFiling, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = select_filings!(
        "where v.object_id = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz",
        id.0,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    Ok(told(row)?)
}

/// Of which unit.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FilingsQuery {
    /// The unit.
    unit: Uuid,
}

/// What a unit filed and published by a day, the latest year first.
#[utoipa::path(get, path = "/api/v1/use-filings", operation_id = "list_use_filings", tag = "use filings",
    params(FilingsQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Page<UseFiling>), (status = 400, body = Problem)))]
pub(super) async fn list_use_filings(
    context: Context,
    times: Times,
    query: Result<Query<FilingsQuery>, QueryRejection>,
) -> Result<Json<Page<UseFiling>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_filings!(
        "where v.unit_id = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz
         order by v.year desc, v.kind desc",
        query.unit,
        times.as_of,
        times.known_at,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let items = rows.into_iter().map(told).collect::<Result<Vec<_>, Fault>>()?;
    Ok(Json(Page {
        items,
        next: None,
        total: None,
    }))
}

/// One filing.
#[utoipa::path(get, path = "/api/v1/use-filings/{id}", operation_id = "get_use_filing", tag = "use filings",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = UseFiling, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_use_filing(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let filing = load(&context, parse_id(&id)?, times).await?;
    Ok(answer_read(&headers, VersionId(filing.version.version_id), filing))
}

/// One version of a filing.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct UseFilingVersion {
    /// When, by whom and why.
    #[serde(flatten)]
    history: HistoryFacts,
    #[serde(flatten)]
    said: Said,
}

/// Every version of a filing, the latest known first.
#[utoipa::path(get, path = "/api/v1/use-filings/{id}/versions", operation_id = "list_use_filing_versions", tag = "use filings",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<UseFilingVersion>), (status = 404, body = Problem)))]
pub(super) async fn list_use_filing_versions(
    context: Context,
    Path(id): Path<String>,
) -> Result<Json<Page<UseFilingVersion>>, Problem> {
    let id = parse_id(&id)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_filings!(
        "where v.object_id = $1 order by lower(v.recorded), lower(v.valid), v.version_id",
        id.0
    )
    .fetch_all(&mut *snapshot)
    .await?;
    if rows.is_empty() {
        return Err(Problem::not_found(WHAT));
    }
    let told = history(&mut snapshot, id.0, rows.into_iter().map(FilingRow::stored)).await?;
    Ok(Json(Page {
        items: told
            .into_iter()
            .map(|(history, content)| UseFilingVersion {
                history,
                said: content.into(),
            })
            .collect(),
        next: None,
        total: None,
    }))
}
