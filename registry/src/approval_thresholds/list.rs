//! `GET /api/v1/approval-thresholds`: the table, as of a day.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::change::parse_id;
use super::content::{AssetClass, Mode, Office, ThresholdRow, select_thresholds};
use crate::ids::{ThresholdId, VersionId};
use crate::request::{Context, Fault, Page, Problem, Times};
use crate::versioned::{VersionFacts, answer_read};

pub(super) const WHAT: &str = "this row of thresholds";

/// A row of thresholds.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Threshold {
    /// Its id.
    pub id: Uuid,
    /// It holds in this region and below.
    pub region_code: String,
    /// For this mode,
    pub mode: Mode,
    /// this class of asset,
    pub asset_class: AssetClass,
    /// from this book value, yuan,
    #[schema(value_type = String)]
    pub value_from: Decimal,
    /// to below this one.
    #[schema(value_type = Option<String>)]
    pub value_to: Option<Decimal>,
    /// Who approves, in this order.
    pub chain: Vec<Office>,
    /// Is an appraisal needed?
    pub appraisal: bool,
    /// Must it go through the public exchange?
    pub exchange: bool,
    /// 公告: so many days.
    pub notice_days: i16,
    /// A price below this share of the appraisal is approved anew, per cent.
    #[schema(value_type = String)]
    pub floor_percent: Decimal,
    /// Where it is said.
    pub source: String,
    /// It came from the examples, and nobody has checked it for the region.
    pub is_example: bool,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

fn told(row: ThresholdRow) -> Result<Threshold, Fault> {
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let id = row.object_id;
    let content = row.content()?;
    Ok(Threshold {
        id,
        region_code: content.region_code,
        mode: content.mode,
        asset_class: content.asset_class,
        value_from: content.value_from,
        value_to: content.value_to,
        chain: content.chain,
        appraisal: content.appraisal,
        exchange: content.exchange,
        notice_days: content.notice_days,
        floor_percent: content.floor_percent,
        source: content.source,
        is_example: content.is_example,
        version,
    })
}

pub(super) async fn load(context: &Context, id: ThresholdId, times: Times) -> Result<Threshold, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = select_thresholds!(
        "where v.object_id = $1 and upper_inf(v.recorded) and v.valid @> $2::date",
        id.0,
        times.as_of,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    Ok(told(row)?)
}

/// What the table may be narrowed by.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ThresholdQuery {
    /// Only rows that can hold in this region: its own and those of the regions above.
    region: Option<String>,
}

/// The rows of thresholds that hold on a day.
#[utoipa::path(get, path = "/api/v1/approval-thresholds", operation_id = "list_thresholds", tag = "policy cases",
    params(ThresholdQuery, ("as_of" = Option<String>, Query)),
    responses((status = 200, body = Page<Threshold>), (status = 400, body = Problem)))]
pub(super) async fn list_thresholds(
    context: Context,
    times: Times,
    query: Result<Query<ThresholdQuery>, QueryRejection>,
) -> Result<Json<Page<Threshold>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_thresholds!(
        "where upper_inf(v.recorded) and v.valid @> $1::date
           and ($2::text is null or starts_with($2, v.region_code))
         order by v.region_code, v.mode, v.asset_class, v.value_from",
        times.as_of,
        query.region.filter(|region| !region.is_empty()),
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

/// One row of thresholds.
#[utoipa::path(get, path = "/api/v1/approval-thresholds/{id}", operation_id = "get_threshold", tag = "policy cases",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query)),
    responses((status = 200, body = Threshold, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_threshold(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let threshold = load(&context, parse_id(&id)?, times).await?;
    Ok(answer_read(
        &headers,
        VersionId(threshold.version.version_id),
        threshold,
    ))
}
