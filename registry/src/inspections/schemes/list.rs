//! `GET /api/v1/inspection-schemes`: the schemes of regions, and which of them holds in one.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::content::{Grade, SchemeContent, SchemeRow, Weighed, in_force, select_schemes};
use crate::ids::{InspectionSchemeId, VersionId};
use crate::request::{Context, Fault, Page, Problem, Times};
use crate::versioned::{VersionFacts, answer_read};

pub(super) const WHAT: &str = "this scheme";

pub(super) fn parse_id(text: &str) -> Result<InspectionSchemeId, Problem> {
    Uuid::parse_str(text)
        .map(InspectionSchemeId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// How a region's inspections are judged.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = InspectionScheme)]
pub(super) struct Scheme {
    /// Its id.
    id: Uuid,
    /// It holds in this region and below; everywhere where it is empty.
    region_code: String,
    /// The weights, 100 together.
    weights: Vec<Weighed>,
    /// The grades, the best first.
    grades: Vec<Grade>,
    /// Where it is said.
    source: String,
    /// The version that holds.
    #[serde(flatten)]
    pub version: VersionFacts,
}

fn told(row: SchemeRow) -> Result<Scheme, Fault> {
    let version = VersionFacts::new(row.version_id, &row.valid, &row.recorded);
    let id = row.object_id;
    let SchemeContent {
        region_code,
        weights,
        grades,
        source,
    } = row.content()?;
    Ok(Scheme {
        id,
        region_code,
        weights,
        grades,
        source,
        version,
    })
}

pub(super) async fn load(context: &Context, id: InspectionSchemeId, times: Times) -> Result<Scheme, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let row = select_schemes!(
        "where v.object_id = $1 and upper_inf(v.recorded) and v.valid @> $2::date",
        id.0,
        times.as_of,
    )
    .fetch_optional(&mut *snapshot)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    Ok(told(row)?)
}

/// The schemes that regions have on a day.
#[utoipa::path(get, path = "/api/v1/inspection-schemes", operation_id = "list_inspection_schemes", tag = "inspections",
    params(("as_of" = Option<String>, Query)),
    responses((status = 200, body = Page<Scheme>), (status = 400, body = Problem)))]
pub(super) async fn list_inspection_schemes(context: Context, times: Times) -> Result<Json<Page<Scheme>>, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = select_schemes!(
        "where upper_inf(v.recorded) and v.valid @> $1::date order by v.region_code",
        times.as_of
    )
    .fetch_all(&mut *snapshot)
    .await?;
    Ok(Json(Page {
        items: rows.into_iter().map(told).collect::<Result<_, Fault>>()?,
        next: None,
        total: None,
    }))
}

/// One scheme.
#[utoipa::path(get, path = "/api/v1/inspection-schemes/{id}", operation_id = "get_inspection_scheme", tag = "inspections",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query)),
    responses((status = 200, body = Scheme, headers(("ETag" = String))), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_inspection_scheme(
    context: Context,
    times: Times,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let scheme = load(&context, parse_id(&id)?, times).await?;
    Ok(answer_read(&headers, VersionId(scheme.version.version_id), scheme))
}

/// For which region.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct InForceQuery {
    /// Its code; everywhere unless told.
    region: Option<String>,
}

/// What holds in a region.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct InspectionSchemeInForce {
    /// Are they this product's defaults, which no law gives?
    is_default: bool,
    /// The region that has set them; empty for everywhere.
    region_code: String,
    /// The weights, 100 together.
    weights: Vec<Weighed>,
    /// The grades, the best first.
    grades: Vec<Grade>,
    /// Where it is said.
    source: String,
}

/// The scheme by which inspections of a region are judged on a day: its own, that of the nearest region above, or the defaults.
#[utoipa::path(get, path = "/api/v1/inspection-schemes/in-force", operation_id = "get_inspection_scheme_in_force", tag = "inspections",
    params(InForceQuery, ("as_of" = Option<String>, Query)),
    responses((status = 200, body = InspectionSchemeInForce), (status = 400, body = Problem)))]
pub(super) async fn get_inspection_scheme_in_force(
    context: Context,
    times: Times,
    query: Result<Query<InForceQuery>, QueryRejection>,
) -> Result<Json<InspectionSchemeInForce>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let (version, scheme) = in_force(&mut snapshot, query.region.as_deref().unwrap_or_default(), times.as_of).await?;
    Ok(Json(InspectionSchemeInForce {
        is_default: version.is_none(),
        region_code: scheme.region_code,
        weights: scheme.weights,
        grades: scheme.grades,
        source: scheme.source,
    }))
}
