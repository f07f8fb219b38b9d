//! `GET /tiles/{layers}/{z}/{x}/{y}`: one vector tile.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};
use tiles::{LayerName, TileAddress, TileId};

use super::{HistoricalLayers, MapLayers, Visible};
use crate::request::{Context, Problem, ProblemKind, Times};

static MVT: HeaderValue = HeaderValue::from_static("application/vnd.mapbox-vector-tile");

/// The layers named in an address, each once, in the order of the tile.
pub(super) fn parse_layers(text: &str) -> Result<Vec<LayerName>, Problem> {
    let mut layers = Vec::new();
    for name in text.split(',') {
        let layer = LayerName::parse(name).ok_or_else(|| {
            Problem::not_found(&format!("the layer {name:?}"))
                .remedy("ask for parcels, buildings or sites, comma-separated")
        })?;
        if !layers.contains(&layer) {
            layers.push(layer);
        }
    }
    layers.sort_unstable();
    Ok(layers)
}

fn parse_tile(z: &str, x: &str, y: &str) -> Result<TileId, Problem> {
    let nonsense = |field: &str, text: &str| Problem::bad(field, format!("{text:?} is no tile coordinate"));
    // Whole numbers and nothing else: no sign, no blank.
    let number = |field: &str, text: &str| {
        text.parse::<u32>()
            .ok()
            .filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or_else(|| nonsense(field, text))
    };
    let (zoom, column, row) = (number("z", z)?, number("x", x)?, number("y", y)?);
    let zoom = u8::try_from(zoom).unwrap_or(u8::MAX);
    TileId::new(zoom, column, row).map_err(|error| match error {
        TileAddress::ZoomOutOfRange { .. } => Problem::new(ProblemKind::NotFound, error.to_string()).field("z"),
        _ => Problem::bad("x", error.to_string()),
    })
}

/// One vector tile (MVT 2.1, gzip), Web Mercator, XYZ.
///
/// Of what the caller may read and nothing else. 204 where nothing is; below the feature zooms true totals by region and
/// grid cell.
#[utoipa::path(get, path = "/tiles/{layers}/{z}/{x}/{y}", operation_id = "get_tile", tag = "tiles",
    params(("layers" = String, Path, description = "parcels, buildings, sites; comma-separated"),
           ("z" = u8, Path), ("x" = u32, Path), ("y" = String, Path, description = "a trailing .mvt is allowed"),
           ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, content_type = "application/vnd.mapbox-vector-tile"), (status = 204), (status = 304),
              (status = 400, body = Problem), (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn get_tile(
    context: Context,
    times: Times,
    State(map): State<MapLayers>,
    State(history): State<HistoricalLayers>,
    Path((layers, z, x, y)): Path<(String, String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = TileAsked {
        layers: &layers,
        zoom: &z,
        column: &x,
        row: y.strip_suffix(".mvt").or_else(|| y.strip_suffix(".pbf")).unwrap_or(&y),
    };
    answer(&context, times, &map, &history, asked, &headers).await
}

/// A tile as an address names it.
#[derive(Debug, Clone, Copy)]
pub struct TileAsked<'a> {
    /// Layers, comma-separated.
    pub layers: &'a str,
    /// z
    pub zoom: &'a str,
    /// x, from the west.
    pub column: &'a str,
    /// y, from the north.
    pub row: &'a str,
}

/// Answers a tile, whichever address it was asked at.
///
/// # Errors
/// A problem: nonsense, outside of the zooms, not loaded yet, or the database's.
pub async fn answer(
    context: &Context,
    times: Times,
    map: &MapLayers,
    history: &HistoricalLayers,
    asked: TileAsked<'_>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let layers = parse_layers(asked.layers)?;
    let tile = parse_tile(asked.zoom, asked.column, asked.row)?;
    if !times.is_now {
        map.note_restricted_shapes(context, &layers, tile).await?;
        return history.answer(context, map, &layers, tile, times, headers).await;
    }
    let Some(tile_set) = map.tiles() else {
        return Err(
            Problem::new(ProblemKind::Unavailable, "the map is still loading").remedy("ask /readyz how far it is")
        );
    };
    map.note_restricted_shapes(context, &layers, tile).await?;
    let names: Vec<&str> = layers.iter().map(|layer| layer.as_str()).collect();
    let visible = Visible::to(&context.caller);
    let of_version =
        |version: u64| -> String { format!("\"{}-{}-{version}\"", env!("CARGO_PKG_VERSION"), names.join(".")) };
    if visible == Visible::Everything {
        let tag = of_version(tile_set.version(&layers, tile));
        if matches_tag(headers, &tag) {
            return Ok(unchanged(&tag));
        }
    }
    // Encoding takes well under a millisecond; only the rare heavy tile would be felt by the other requests.
    let tile_set = Arc::clone(tile_set);
    let (known, seen) = (map.clone(), visible.clone());
    let answer =
        tokio::task::spawn_blocking(move || tile_set.tile_as(&layers, tile, || known.inner.scopes.filter(&seen)))
            .await
            .map_err(|error| crate::request::Fault::Impossible {
                what: format!("a tile could not be made: {error}"),
            })?;
    let tag = match visible {
        Visible::Everything => of_version(answer.etag_version),
        // A version would tell that something changed there which the caller may not see. The bytes tell only of what
        // they hold.
        Visible::Parts(_) => {
            let mut bytes = Sha256::new();
            bytes.update(visible.tag());
            bytes.update(&answer.body);
            format!(
                "\"{}-{}-s{}\"",
                env!("CARGO_PKG_VERSION"),
                names.join("."),
                hex::encode(&bytes.finalize()[..16])
            )
        }
    };
    if matches_tag(headers, &tag) {
        return Ok(unchanged(&tag));
    }
    Ok(tile_response(
        Body::from(axum::body::Bytes::from_owner(answer.body.clone())),
        answer.body.is_empty(),
        &tag,
    ))
}

pub(super) fn matches_tag(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|seen| {
            seen.split(',')
                .any(|seen| seen.trim().trim_start_matches("W/") == tag || seen.trim() == "*")
        })
}

pub(super) fn unchanged(tag: &str) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    mark(response.headers_mut(), tag);
    response
}

pub(super) fn tile_response(body: Body, empty: bool, tag: &str) -> Response {
    let mut response = if empty {
        StatusCode::NO_CONTENT.into_response()
    } else {
        (
            [
                (header::CONTENT_TYPE, MVT.clone()),
                (header::CONTENT_ENCODING, HeaderValue::from_static("gzip")),
            ],
            body,
        )
            .into_response()
    };
    mark(response.headers_mut(), tag);
    response
}

fn mark(headers: &mut HeaderMap, tag: &str) {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    // Kept, but asked for again each time: a change shows at once and an unchanged tile costs a 304.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
}
