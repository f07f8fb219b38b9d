//! `GET /ogc` and `GET /ogc/conformance`.

use axum::response::Response;
use serde_json::json;

use super::asked::{Asked, link};
use crate::request::Problem;

/// What is claimed, and nothing that is not here.
pub(super) const CONFORMANCE: &[&str] = &[
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/landing-page",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/json",
    "http://www.opengis.net/spec/ogcapi-common-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/collections",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
    "http://www.opengis.net/spec/ogcapi-features-2/1.0/conf/crs",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/queryables-query-parameters",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/features-filter",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
    "http://www.opengis.net/spec/cql2/1.0/conf/advanced-comparison-operators",
    "http://www.opengis.net/spec/cql2/1.0/conf/case-insensitive-comparison",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-spatial-functions-plus",
    "http://www.opengis.net/spec/cql2/1.0/conf/spatial-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/temporal-functions",
    "http://www.opengis.net/spec/cql2/1.0/conf/property-property",
    "http://www.opengis.net/spec/cql2/1.0/conf/arithmetic",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tileset",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/tilesets-list",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt",
    "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset",
    "http://www.opengis.net/spec/tms/2.0/conf/tilesetmetadata",
    "http://www.opengis.net/spec/tms/2.0/conf/json-tilematrixset",
];

/// `GET /ogc`
pub(super) async fn get_landing(asked: Asked) -> Result<Response, Problem> {
    asked.refuse_all_but(&["f"])?;
    let at = |path: &str| asked.address(path);
    asked.document(&json!({
        "title": "一策 Yice",
        "description": "Parcels, buildings and sites of a government's land and buildings, as they hold on a day.",
        "links": [
            link(&at("/ogc"), "self", "application/json", "This document"),
            link(&at("/ogc?f=html"), "alternate", "text/html", "This document as a page"),
            link(&at("/ogc/api"), "service-desc", OPENAPI, "Definition of the interface (OpenAPI 3.0)"),
            link(&at("/ogc/api?f=html"), "service-doc", "text/html", "Documentation of the interface"),
            link(&at("/ogc/conformance"), "conformance", "application/json", "What it conforms to"),
            link(&at("/ogc/collections"), "data", "application/json", "Collections"),
            link(&at("/ogc/tileMatrixSets"), "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes", "application/json",
                 "Tile matrix sets"),
            link(&at("/styles/title_status.json"), "http://www.opengis.net/def/rel/ogc/1.0/styles",
                 "application/vnd.mapbox.style+json", "A ready style for MapLibre and QGIS"),
        ],
    }))
}

/// The media type of the definition.
pub(super) const OPENAPI: &str = "application/vnd.oai.openapi+json;version=3.0";

/// `GET /ogc/conformance`
pub(super) async fn get_conformance(asked: Asked) -> Result<Response, Problem> {
    asked.refuse_all_but(&["f"])?;
    asked.document(&json!({
        "title": "What it conforms to",
        "conformsTo": CONFORMANCE,
        "links": [link(&asked.address("/ogc/conformance"), "self", "application/json", "This document")],
    }))
}
