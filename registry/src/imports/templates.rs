//! Workbooks to be filled in, one a layer.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::request::{Fault, Problem};

/// The media type of a workbook.
pub(super) const WORKBOOK: &str = gis_data::write::WriteFormat::Xlsx.media_type();

/// A workbook for a layer to be filled in; it is imported without any mapping.
#[utoipa::path(get, path = "/api/v1/imports/templates/{file}", operation_id = "get_import_template", tag = "imports",
    params(("file" = String, Path, description = "The layer, as in parcels.xlsx")),
    responses((status = 200, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
              (status = 404, body = Problem)))]
pub(super) async fn get_import_template(Path(file): Path<String>) -> Result<Response, Problem> {
    let layer = file
        .strip_suffix(".xlsx")
        .and_then(gis_data::Layer::parse)
        .ok_or_else(|| {
            let layers = gis_data::Layer::ALL.map(gis_data::Layer::as_str).join(", ");
            Problem::not_found("this template").remedy(format!("ask for one of {layers}, with .xlsx behind it"))
        })?;
    let bytes = tokio::task::spawn_blocking(move || gis_data::workbook::template(layer))
        .await
        .map_err(|error| Fault::Impossible {
            what: error.to_string(),
        })?
        .map_err(|error| Fault::Impossible {
            what: error.to_string(),
        })?;
    Ok((workbook_headers(&file, &file), bytes).into_response())
}

/// The headers of a workbook that is kept as a file: its name in ASCII for old clients, and in full by RFC 6266.
pub(super) fn workbook_headers(ascii: &str, full: &str) -> HeaderMap {
    let escaped: String = full
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(WORKBOOK));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    let disposition = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{escaped}");
    if let Ok(disposition) = HeaderValue::from_str(&disposition) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers
}
