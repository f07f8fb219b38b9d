//! `GET /ogc/api`: the definition of the interface, OpenAPI 3.0, which clients read for the parameters and the most
//! that a page may hold.

use axum::response::Response;
use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::collections::title;
use super::html;
use super::items::{DEFAULT_LIMIT, GEOJSON, MAX_LIMIT};
use super::landing::OPENAPI;
use super::properties::properties_of;
use crate::request::Problem;
use crate::spatial_units::Kind;

/// `GET /ogc/api`
pub(super) async fn get_definition(asked: Asked) -> Result<Response, Problem> {
    asked.refuse_all_but(&["f"])?;
    let definition = definition(&asked);
    match asked.form(&[
        (
            "json",
            "application/vnd.oai.openapi+json application/openapi+json application/json",
        ),
        ("html", "text/html application/xhtml+xml"),
    ])? {
        "html" => Ok(html::page(&as_page(&definition))),
        _ => Ok(asked.json(OPENAPI, &definition)),
    }
}

/// The addresses with what they do, as a document of words.
fn as_page(definition: &Value) -> Value {
    let entries: Vec<Value> = definition
        .get("paths")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(path, methods)| {
            let get = methods.get("get").cloned().unwrap_or_default();
            let names: Vec<&str> = get
                .get("parameters")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(|parameter| {
                    let name = parameter.get("name").and_then(Value::as_str);
                    let reference = parameter.get("$ref").and_then(Value::as_str);
                    name.or(reference.and_then(|reference| reference.rsplit('/').next()))
                })
                .collect();
            let summary = get.get("summary").and_then(Value::as_str).unwrap_or_default();
            json!({"title": path, "description": format!("{summary}. Parameters: {}", names.join(", "))})
        })
        .collect();
    json!({"title": "一策 Yice: OGC API", "collections": entries,
           "description": "The whole definition, for programs, is this address with f=json."})
}

fn query(name: &str, schema: Value, description: &str) -> Value {
    json!({"name": name, "in": "query", "required": false, "schema": schema, "description": description,
           "style": "form", "explode": false})
}

fn path(name: &str, schema: Value) -> Value {
    json!({"name": name, "in": "path", "required": true, "schema": schema})
}

fn used(name: &str) -> Value {
    json!({"$ref": format!("#/components/parameters/{name}")})
}

fn get(id: &str, summary: &str, parameters: Vec<Value>, kind: &str) -> Value {
    let refusal = json!({"description": "Refused, with what is wrong and what to do",
                         "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/problem"}}}});
    json!({"get": {
        "operationId": id, "summary": summary, "parameters": parameters,
        "responses": {
            "200": {"description": "As asked", "content": {kind: {"schema": {"type": "object"}}}},
            "400": refusal, "404": refusal, "503": refusal,
        },
    }})
}

fn definition(asked: &Asked) -> Value {
    let mut paths = Map::new();
    let json_kind = "application/json";
    for (at, id, summary) in [
        ("/", "getLandingPage", "The entrance"),
        ("/conformance", "getConformance", "What it conforms to"),
        ("/api", "getDefinition", "This definition"),
        ("/collections", "getCollections", "The collections"),
        ("/tileMatrixSets", "getTileMatrixSets", "The tile matrix sets"),
        (
            "/tileMatrixSets/WebMercatorQuad",
            "getTileMatrixSet",
            "The tile matrix set",
        ),
    ] {
        paths.insert(at.to_owned(), get(id, summary, vec![used("f")], json_kind));
    }
    for kind in Kind::ALL {
        let (layer, words) = (kind.layer(), title(kind));
        let base = format!("/collections/{layer}");
        paths.insert(
            base.clone(),
            get(&format!("describe_{layer}"), words, vec![used("f")], json_kind),
        );
        paths.insert(
            format!("{base}/queryables"),
            get(
                &format!("queryables_{layer}"),
                "What features may be asked by",
                vec![used("f")],
                "application/schema+json",
            ),
        );
        paths.insert(
            format!("{base}/schema"),
            get(
                &format!("schema_{layer}"),
                "What features are made of",
                vec![used("f")],
                "application/schema+json",
            ),
        );
        let mut parameters: Vec<Value> = [
            "limit",
            "bbox",
            "bbox-crs",
            "datetime",
            "crs",
            "filter",
            "filter-lang",
            "filter-crs",
            "known_at",
            "cursor",
            "f",
        ]
        .into_iter()
        .map(used)
        .collect();
        for property in properties_of(kind) {
            parameters.push(query(property.name, property.parameter_schema(), property.title));
        }
        paths.insert(
            format!("{base}/items"),
            get(
                &format!("items_{layer}"),
                &format!("Features: {words}"),
                parameters,
                GEOJSON,
            ),
        );
        paths.insert(
            format!("{base}/items/{{featureId}}"),
            get(
                &format!("item_{layer}"),
                &format!("One feature: {words}"),
                vec![
                    path("featureId", json!({"type": "string", "format": "uuid"})),
                    used("crs"),
                    used("datetime"),
                    used("known_at"),
                    used("f"),
                ],
                GEOJSON,
            ),
        );
        paths.insert(
            format!("{base}/tiles"),
            get(&format!("tilesets_{layer}"), "Vector tiles", vec![used("f")], json_kind),
        );
        paths.insert(
            format!("{base}/tiles/WebMercatorQuad"),
            get(
                &format!("tileset_{layer}"),
                "Vector tiles by Web Mercator",
                vec![used("f")],
                json_kind,
            ),
        );
        paths.insert(
            format!("{base}/tiles/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"),
            get(
                &format!("tile_{layer}"),
                "One tile, the row before the column",
                vec![
                    path("tileMatrix", json!({"type": "string"})),
                    path("tileRow", json!({"type": "integer", "minimum": 0})),
                    path("tileCol", json!({"type": "integer", "minimum": 0})),
                    used("datetime"),
                    used("known_at"),
                ],
                "application/vnd.mapbox-vector-tile",
            ),
        );
    }
    let crs = json!({"type": "string", "format": "uri"});
    json!({
        "openapi": "3.0.3",
        "info": {
            "title": "一策 Yice: OGC API", "version": env!("CARGO_PKG_VERSION"),
            "description": "OGC API – Features (Parts 1, 2, 3) and Tiles, read-only.",
            "license": {"name": "Apache-2.0 OR MIT"},
        },
        "servers": [{"url": asked.address("/ogc")}],
        "paths": paths,
        "components": {
            "parameters": {
                "f": query("f", json!({"type": "string"}), "The form of the answer, before Accept: json, or html where the address has it"),
                "limit": query("limit", json!({"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}),
                    "Features of a page"),
                "bbox": query("bbox", json!({"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 6}),
                    "Features whose geometry meets this box"),
                "bbox-crs": query("bbox-crs", crs.clone(), "The coordinate system of bbox; CRS84 unless told"),
                "datetime": query("datetime", json!({"type": "string"}),
                    "A day or an instant (its day in China Standard Time): what held then, today unless told. An interval: \
                     whatever held in it, each object once, as its last version there says"),
                "known_at": query("known_at", json!({"type": "string", "format": "date-time"}),
                    "As the registry knew it at this instant; now unless told"),
                "crs": query("crs", crs.clone(), "The coordinate system of the answer, one that the collection lists; CRS84 unless told"),
                "filter": query("filter", json!({"type": "string"}), "A condition in CQL2"),
                "filter-lang": query("filter-lang", json!({"type": "string", "enum": ["cql2-text", "cql2-json"], "default": "cql2-text"}),
                    "How filter is written"),
                "filter-crs": query("filter-crs", crs, "The coordinate system of the geometries in filter; CRS84 unless told"),
                "cursor": query("cursor", json!({"type": "string"}), "Where the last page ended: from its link next"),
            },
            "schemas": {
                "problem": {"type": "object", "properties": {
                    "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
                    "detail": {"type": "string"}, "field": {"type": "string"}, "remedy": {"type": "string"},
                    "code": {"type": "string"},
                }},
            },
        },
    })
}
