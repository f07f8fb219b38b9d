//! `GET /api/v1/{layer}/export`: the file itself. It is whole before its first byte is sent: what goes wrong is a problem
//! and never half a file.

use axum::body::Body;
use axum::extract::{Path, Query, RawQuery};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use gis_data::Layer;
use gis_data::write::{TargetCrs, WriteFormat};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio_util::io::ReaderStream;

use super::list_file::attachment;
use super::{ExportOrder, ExportProgress, Filter, Labels, run_export};
use crate::request::{Context, Fault, Problem, Times, note_restricted_read};
use crate::spatial_units::Kind;

/// Exports at one time; more wait. Each takes a connection, a thread and room on the disk.
static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Rows in the file.
static ROWS: HeaderName = HeaderName::from_static("yice-rows");
/// Counted warnings: `field_name_cut=3, text_cut=1`.
static WARNINGS: HeaderName = HeaderName::from_static("yice-warnings");

/// How a layer is exported.
#[derive(Debug, Clone, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportQuery {
    /// `geojson`, `gpkg`, `shp` (a zip), `fgb`, `csv` or `xlsx`; units and rooms as `gpkg`, `csv` or `xlsx`.
    #[param(required = true)]
    format: Option<String>,
    /// `EPSG:4490` (also where it is left out), `EPSG:4326`, or a 3-degree zone of CGCS2000, `EPSG:4513` to `EPSG:4554`.
    crs: Option<String>,
    /// In CSV and XLSX: `codes` (also where it is left out), or the words of the page in `zh` or `en`.
    labels: Option<String>,
}

impl ExportQuery {
    /// The names that are not the list's.
    const NAMES: [&str; 5] = ["format", "crs", "labels", "as_of", "known_at"];
}

/// Export parcels, buildings or sites
///
/// Narrowed by the same parameters as the list; all rows that fit, in one file. The header `Yice-Warnings` counts what
/// the format could not hold as it is.
#[utoipa::path(get, path = "/api/v1/{layer}/export", operation_id = "export_spatial_units", tag = "exports",
    params(("layer" = String, Path, description = "parcels, buildings or sites"), ExportQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query),
           ("q" = Option<String>, Query, description = "Part of the name, address or code"),
           ("region" = Option<String>, Query, description = "Region code; places below it are included"),
           ("unit" = Option<uuid::Uuid>, Query, description = "Unit id"),
           ("title_status" = Option<String>, Query, description = "One or several, comma-separated; none for those without"),
           ("usage" = Option<String>, Query, description = "One or several, comma-separated; none for those without"),
           ("occupancy" = Option<String>, Query, description = "One or several, comma-separated; none for those without"),
           ("admin_level" = Option<String>, Query, description = "Whose: one or several levels, comma-separated; none for those without"),
           ("secrecy" = Option<String>, Query, description = "One or several, comma-separated; none for those without"),
           ("bbox" = Option<String>, Query, description = "west,south,east,north in degrees"),
           ("dataset" = Option<String>, Query, description = "Data set"),
           ("sort" = Option<String>, Query, description = "The order of the rows, as in the list")),
    responses((status = 200, description = "The file", content_type = "application/octet-stream",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64), ("Yice-Warnings" = String))),
              (status = 400, body = Problem), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn export_spatial_units(
    context: Context,
    times: Times,
    Path(layer): Path<String>,
    query: Result<Query<ExportQuery>, axum::extract::rejection::QueryRejection>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let kind = Kind::of_path(&layer)?;
    let layer = match kind {
        Kind::Parcel => Layer::Parcels,
        Kind::Building => Layer::Buildings,
        Kind::Site => Layer::Sites,
    };
    answer(&context, times, layer, query, raw.as_deref()).await
}

/// Export regions
#[utoipa::path(get, path = "/api/v1/regions/export", operation_id = "export_regions", tag = "exports",
    params(ExportQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query),
           ("q" = Option<String>, Query, description = "Part of the name, English name or code"),
           ("parent" = Option<String>, Query, description = "The id or code of the region above; none for those at the top"),
           ("level" = Option<String>, Query, description = "One or several levels, comma-separated"),
           ("scheme" = Option<String>, Query, description = "Code scheme"),
           ("dataset" = Option<String>, Query, description = "Data set")),
    responses((status = 200, description = "The file", content_type = "application/octet-stream",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64), ("Yice-Warnings" = String))),
              (status = 400, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn export_regions(
    context: Context,
    times: Times,
    query: Result<Query<ExportQuery>, axum::extract::rejection::QueryRejection>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    answer(&context, times, Layer::Regions, query, raw.as_deref()).await
}

/// Export units
#[utoipa::path(get, path = "/api/v1/units/export", operation_id = "export_units", tag = "exports",
    params(ExportQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query),
           ("q" = Option<String>, Query, description = "Part of the name or code"),
           ("region" = Option<String>, Query, description = "Region code; units of places below it are included"),
           ("level" = Option<String>, Query, description = "One or several levels, comma-separated"),
           ("kind" = Option<String>, Query, description = "One or several kinds, comma-separated"),
           ("parent" = Option<String>, Query, description = "The id of the unit above; none for those at the top"),
           ("dataset" = Option<String>, Query, description = "Data set")),
    responses((status = 200, description = "The file", content_type = "application/octet-stream",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64), ("Yice-Warnings" = String))),
              (status = 400, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn export_units(
    context: Context,
    times: Times,
    query: Result<Query<ExportQuery>, axum::extract::rejection::QueryRejection>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    answer(&context, times, Layer::Units, query, raw.as_deref()).await
}

/// Export rooms
#[utoipa::path(get, path = "/api/v1/rooms/export", operation_id = "export_rooms", tag = "exports",
    params(ExportQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query),
           ("q" = Option<String>, Query, description = "Part of the number or name"),
           ("building" = Option<uuid::Uuid>, Query, description = "The id of the building"),
           ("floor" = Option<i16>, Query, description = "The floor; below ground negative"),
           ("unit" = Option<uuid::Uuid>, Query, description = "The id of the unit that uses it"),
           ("occupancy" = Option<String>, Query, description = "One or several, comma-separated; none for those without"),
           ("dataset" = Option<String>, Query, description = "Data set")),
    responses((status = 200, description = "The file", content_type = "application/octet-stream",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64), ("Yice-Warnings" = String))),
              (status = 400, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn export_rooms(
    context: Context,
    times: Times,
    query: Result<Query<ExportQuery>, axum::extract::rejection::QueryRejection>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    answer(&context, times, Layer::Rooms, query, raw.as_deref()).await
}

/// What lists tell of rights, as a file.
#[utoipa::path(get, path = "/api/v1/rights/export", operation_id = "export_rights", tag = "exports",
    params(ExportQuery, ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query),
           ("asset" = Option<uuid::Uuid>, Query, description = "The id of the parcel or building they are in"),
           ("dataset" = Option<String>, Query, description = "Data set")),
    responses((status = 200, description = "The file", content_type = "application/octet-stream",
               headers(("Content-Disposition" = String), ("Yice-Rows" = u64), ("Yice-Warnings" = String))),
              (status = 400, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn export_rights(
    context: Context,
    times: Times,
    query: Result<Query<ExportQuery>, axum::extract::rejection::QueryRejection>,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    answer(&context, times, Layer::Titles, query, raw.as_deref()).await
}

async fn answer(
    context: &Context,
    times: Times,
    layer: Layer,
    query: Result<Query<ExportQuery>, axum::extract::rejection::QueryRejection>,
    raw: Option<&str>,
) -> Result<Response, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let order = order(layer, times, &query, raw.unwrap_or_default())?;
    let _place = AT_ONCE.acquire().await.map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })?;
    let fault = |error: std::io::Error| Fault::Impossible {
        what: format!("there is no room for an export: {error}"),
    };
    let folder = tempfile::Builder::new()
        .prefix("yice-export-")
        .tempdir()
        .map_err(fault)?;
    let path = folder.path().join(format!("export.{}", order.format.extension()));
    note_restricted_read(
        context,
        &format!("{}?{}", layer_address(layer), raw.unwrap_or_default()),
        &restricted(context, &order).await?,
    )
    .await?;
    let exported = run_export(
        &context.database,
        &context.clock,
        &order,
        &path,
        &ExportProgress::default(),
    )
    .await?;
    let file = tokio::fs::File::open(&path).await.map_err(fault)?;
    let length = file.metadata().await.map_err(fault)?.len();
    // The open file outlives its name.
    drop(folder);

    let mut headers = HeaderMap::new();
    let mut put = |name: HeaderName, value: String| {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    };
    put(header::CONTENT_TYPE, order.format.media_type().to_owned());
    put(header::CONTENT_LENGTH, length.to_string());
    put(header::CACHE_CONTROL, "no-store".to_owned());
    let name = order.file_name(order.labels == Labels::English);
    put(header::CONTENT_DISPOSITION, attachment(&order.file_name(true), &name));
    put(ROWS.clone(), exported.written.rows.to_string());
    let warnings: Vec<String> = exported
        .written
        .warnings
        .iter()
        .map(|warning| format!("{}={}", warning.kind.as_str(), warning.count))
        .collect();
    if !warnings.is_empty() {
        put(WARNINGS.clone(), warnings.join(", "));
    }
    let body = Body::from_stream(ReaderStream::with_capacity(file, 1 << 16));
    Ok((headers, body).into_response())
}

fn layer_address(layer: Layer) -> String {
    format!(
        "/api/v1/{}/export",
        if layer == Layer::Titles {
            "rights"
        } else {
            layer.as_str()
        }
    )
}

/// The restricted assets that an export will hold.
async fn restricted(context: &Context, order: &ExportOrder) -> Result<Vec<uuid::Uuid>, Problem> {
    let Some(mut select) = super::select::restricted(order.layer, order.times, &order.filter)? else {
        return Ok(Vec::new());
    };
    let mut snapshot = context.database.begin_snapshot().await?;
    Ok(select.build_query_scalar().fetch_all(&mut *snapshot).await?)
}

fn order(layer: Layer, times: Times, query: &ExportQuery, raw: &str) -> Result<ExportOrder, Problem> {
    let formats = "geojson, gpkg, shp, fgb, csv or xlsx";
    let format = match query.format.as_deref() {
        None | Some("") => {
            return Err(Problem::bad("format", "an export needs a format").remedy(format!("choose {formats}")));
        }
        Some(format) => WriteFormat::parse(format).ok_or_else(|| {
            Problem::bad("format", format!("{format:?} is no format that is written"))
                .remedy(format!("choose {formats}"))
        })?,
    };
    let crs = match query.crs.as_deref() {
        None | Some("") => TargetCrs::CGCS2000,
        Some(crs) => TargetCrs::parse(crs).map_err(super::ExportFailed::from)?,
    };
    let labels = Labels::asked(query.labels.as_deref())?;
    let address = axum::http::Uri::builder()
        .path_and_query(format!("/?{raw}"))
        .build()
        .map_err(|error| Problem::bad("query", error.to_string()))?;
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(&address)
        .map_err(|error| Problem::bad("query", error.body_text()))?;
    let pairs: Vec<(&str, String)> = pairs
        .iter()
        .filter(|(name, value)| !ExportQuery::NAMES.contains(&name.as_str()) && !value.is_empty())
        .map(|(name, value)| (name.as_str(), value.clone()))
        .collect();
    Ok(ExportOrder {
        layer,
        format,
        crs,
        labels,
        times,
        filter: Filter::of_pairs(layer, &pairs)?,
    })
}
