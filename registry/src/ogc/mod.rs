//! The OGC API at `/ogc`, for QGIS, GDAL and other clients of the standards: Features (Parts 1, 2 and 3, with CQL2 as
//! text and JSON) and Tiles, read-only over parcels, buildings and sites; and ready styles at `/styles`.
//!
//! What is claimed in `/ogc/conformance` is what is here: no more.

mod asked;
mod collections;
mod crs;
mod definition;
mod feature;
mod filter;
mod held_at;
mod html;
mod item;
mod items;
mod landing;
mod properties;
mod styles;
mod tiles;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::FromRef;
use axum::routing::get;

use crate::clock::Clock;
use crate::database::Database;
use crate::map_layers::{HistoricalLayers, MapLayers};
use crate::request::Problem;

/// Reads a filter as a request for parcels would be read, and gives its condition as SQL: a door for fuzzing.
///
/// # Errors
/// A problem on `filter` that says what is not understood or not supported.
pub fn understand_filter(text: &str) -> Result<String, Problem> {
    filter::understand(text)
}

/// The routes of the OGC API and of the styles.
pub fn router<S>() -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
    MapLayers: FromRef<S>,
    HistoricalLayers: FromRef<S>,
{
    Router::new()
        .route("/ogc", get(landing::get_landing))
        .route("/ogc/", get(landing::get_landing))
        .route("/ogc/conformance", get(landing::get_conformance))
        .route("/ogc/api", get(definition::get_definition))
        .route("/ogc/collections", get(collections::get_collections))
        .route("/ogc/collections/{collection}", get(collections::get_collection))
        .route(
            "/ogc/collections/{collection}/queryables",
            get(properties::get_queryables),
        )
        .route("/ogc/collections/{collection}/schema", get(properties::get_schema))
        .route("/ogc/collections/{collection}/items", get(items::get_items))
        .route("/ogc/collections/{collection}/items/{feature}", get(item::get_item))
        .route("/ogc/tileMatrixSets", get(tiles::get_tile_matrix_sets))
        .route("/ogc/tileMatrixSets/{set}", get(tiles::get_tile_matrix_set))
        .route("/ogc/collections/{collection}/tiles", get(tiles::get_tilesets))
        .route("/ogc/collections/{collection}/tiles/{set}", get(tiles::get_tileset))
        .route(
            "/ogc/collections/{collection}/tiles/{set}/{matrix}/{row}/{column}",
            get(tiles::get_tile),
        )
        .route("/styles/{name}", get(styles::get_style))
}
