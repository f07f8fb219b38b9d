//! OGC API – Tiles: the tile matrix set, the tilesets of collections, and their tiles: those of `/tiles`, with the row
//! before the column.

use ::tiles::{LayerName, MAX_ZOOM};
use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::asked::{Asked, collection, link};
use super::collections::{bounds, title};
use super::crs::Crs;
use super::held_at::{Days, HeldAt};
use super::properties::find;
use crate::map_layers::{HistoricalLayers, MapLayers, TileAsked, answer_tile};
use crate::request::{Context, Problem, ProblemKind, Times};
use crate::spatial_units::Kind;

const SET: &str = "WebMercatorQuad";
const SET_URI: &str = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad";
const WEB_MERCATOR: &str = "http://www.opengis.net/def/crs/EPSG/0/3857";
const MVT: &str = "application/vnd.mapbox-vector-tile";
/// Half of the way round the equator of Web Mercator, m.
const HALF_WORLD: f64 = 20_037_508.342_789_244;
/// The scale of zoom 0 by OGC's pixel of 0.28 mm.
const SCALE_OF_WORLD: f64 = 559_082_264.028_717_8;

fn known_set(name: &str) -> Result<(), Problem> {
    if name == SET {
        Ok(())
    } else {
        Err(
            Problem::new(ProblemKind::NotFound, format!("there is no tile matrix set {name:?}"))
                .remedy(format!("use {SET}")),
        )
    }
}

/// `GET /ogc/tileMatrixSets`
pub(super) async fn get_tile_matrix_sets(asked: Asked) -> Result<Response, Problem> {
    asked.refuse_all_but(&["f"])?;
    let own = asked.address(&format!("/ogc/tileMatrixSets/{SET}"));
    asked.document(&json!({
        "title": "Tile matrix sets",
        "links": [link(&asked.address("/ogc/tileMatrixSets"), "self", "application/json", "This document")],
        "tileMatrixSets": [{
            "id": SET, "title": SET, "uri": SET_URI, "crs": WEB_MERCATOR,
            "links": [link(&own, "self", "application/json", SET)],
        }],
    }))
}

/// `GET /ogc/tileMatrixSets/{set}`
pub(super) async fn get_tile_matrix_set(Path(set): Path<String>, asked: Asked) -> Result<Response, Problem> {
    known_set(&set)?;
    asked.refuse_all_but(&["f"])?;
    asked.form(&[("json", "application/json")])?;
    let matrices: Vec<Value> = (0..=MAX_ZOOM)
        .map(|zoom| {
            let tiles = 1_u64 << zoom;
            let cells = f64::from(1_u32 << zoom);
            json!({
                "id": zoom.to_string(),
                "scaleDenominator": SCALE_OF_WORLD / cells,
                "cellSize": HALF_WORLD * 2.0 / 256.0 / cells,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": [-HALF_WORLD, HALF_WORLD],
                "tileWidth": 256, "tileHeight": 256, "matrixWidth": tiles, "matrixHeight": tiles,
            })
        })
        .collect();
    Ok(asked.json(
        "application/json",
        &json!({
            "id": SET, "title": "Google Maps Compatible for the World", "uri": SET_URI, "crs": WEB_MERCATOR,
            "orderedAxes": ["X", "Y"],
            "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
            "tileMatrices": matrices,
        }),
    ))
}

fn layer_name(kind: Kind) -> LayerName {
    match kind {
        Kind::Parcel => LayerName::Parcels,
        Kind::Building => LayerName::Buildings,
        Kind::Site => LayerName::Sites,
    }
}

fn tileset(asked: &Asked, bounds: Option<[f64; 4]>, kind: Kind) -> Value {
    let own = asked.address(&format!("/ogc/collections/{}/tiles/{SET}", kind.layer()));
    let layer = layer_name(kind);
    let mut fields = Map::new();
    for name in [
        "id",
        "code",
        "name",
        "title_status",
        "usage",
        "occupancy",
        "idle",
        "unit",
        "region",
        "area_m2",
    ] {
        if let Some(property) = find(kind, name) {
            fields.insert(name.to_owned(), property.parameter_schema());
        }
    }
    // What a tile tells beside what the asset is itself.
    fields.insert(
        "case_stage".to_owned(),
        json!({"type": "string", "title": "在办案件及环节 open case and its stage"}),
    );
    fields.insert(
        "case_phase".to_owned(),
        json!({"type": "string", "title": "处置进度 case phase",
               "enum": ["preparing", "deciding", "carrying_out", "finishing", "titling"]}),
    );
    let mut tile = link(
        &format!("{own}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?f=mvt"),
        "item",
        MVT,
        "Tiles",
    );
    tile["templated"] = json!(true);
    let mut answer = json!({
        "title": title(kind),
        "dataType": "vector",
        "crs": WEB_MERCATOR,
        "tileMatrixSetId": SET,
        "tileMatrixSetURI": SET_URI,
        "links": [
            link(&own, "self", "application/json", title(kind)),
            link(&asked.address(&format!("/ogc/tileMatrixSets/{SET}")),
                 "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", "application/json", SET),
            link(&asked.address(&format!("/ogc/collections/{}", kind.layer())),
                 "http://www.opengis.net/def/rel/ogc/1.0/geodata", "application/json", title(kind)),
            link(&asked.address(&format!("/tiles/{}", kind.layer())), "describedby", "application/json", "TileJSON"),
            tile,
        ],
        "layers": [{
            "id": layer.as_str(), "title": title(kind), "dataType": "vector",
            "minTileMatrix": layer.first_feature_zoom().to_string(), "maxTileMatrix": MAX_ZOOM.to_string(),
            "propertiesSchema": {"type": "object", "properties": fields},
        }, {
            "id": layer.totals_name(), "title": "Totals by region and grid cell", "dataType": "vector",
            "minTileMatrix": "0", "maxTileMatrix": (layer.feature_zoom() - 1).to_string(),
            "propertiesSchema": {"type": "object", "properties": {
                "kind": {"type": "string"}, "region": {"type": "string"}, "count": {"type": "integer"},
                "area_m2": {"type": "number"},
            }},
        }],
    });
    if let Some([west, south, east, north]) = bounds {
        answer["boundingBox"] = json!({
            "lowerLeft": [west, south], "upperRight": [east, north],
            "crs": Crs::Crs84.uri(), "orderedAxes": ["Lon", "Lat"],
        });
        answer["centerPoint"] = json!({
            "coordinates": [(west + east) / 2.0, (south + north) / 2.0], "crs": Crs::Crs84.uri(), "tileMatrix": "14",
        });
    }
    answer
}

/// `GET /ogc/collections/{collection}/tiles`
pub(super) async fn get_tilesets(
    context: Context,
    State(map): State<MapLayers>,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let kind = collection(&name)?;
    asked.refuse_all_but(&["f"])?;
    let own = asked.address(&format!("/ogc/collections/{}/tiles", kind.layer()));
    asked.document(&json!({
        "title": format!("Tiles of {}", title(kind)),
        "links": [link(&own, "self", "application/json", "This document")],
        "tilesets": [tileset(&asked, bounds(&context, &map, kind).await?, kind)],
    }))
}

/// `GET /ogc/collections/{collection}/tiles/{set}`
pub(super) async fn get_tileset(
    context: Context,
    State(map): State<MapLayers>,
    Path((name, set)): Path<(String, String)>,
    asked: Asked,
) -> Result<Response, Problem> {
    let kind = collection(&name)?;
    known_set(&set)?;
    asked.refuse_all_but(&["f"])?;
    asked.document(&tileset(&asked, bounds(&context, &map, kind).await?, kind))
}

/// `GET /ogc/collections/{collection}/tiles/{set}/{matrix}/{row}/{column}`
pub(super) async fn get_tile(
    context: Context,
    State(map): State<MapLayers>,
    State(history): State<HistoricalLayers>,
    Path((name, set, matrix, row, column)): Path<(String, String, String, String, String)>,
    asked: Asked,
) -> Result<Response, Problem> {
    let kind = collection(&name)?;
    known_set(&set)?;
    asked.refuse_all_but(&["f", "datetime", "as_of", "known_at"])?;
    asked.form(&[("mvt", MVT), ("pbf", "application/x-protobuf")])?;
    let as_of = match asked.get("datetime") {
        None => asked.get("as_of").map(str::to_owned),
        Some(_) => match HeldAt::parse(&asked, &context.clock)?.days {
            Days::On(day) => Some(day.to_string()),
            Days::Within(..) => {
                return Err(Problem::bad("datetime", "a tile shows one day, not an interval").remedy("ask for a day"));
            }
        },
    };
    let times = Times::parse(as_of.as_deref(), asked.get("known_at"), &context.clock)?;
    let tile = TileAsked {
        layers: kind.layer(),
        zoom: &matrix,
        column: &column,
        row: &row,
    };
    answer_tile(&context, times, &map, &history, tile, &asked.headers).await
}
