//! `GET /ogc/collections` and `GET /ogc/collections/{collection}`.

use axum::extract::{Path, State};
use axum::response::Response;
use serde_json::{Value, json};
use tiles::LayerName;

use super::asked::{Asked, collection, link};
use super::crs::Crs;
use super::items::GEOJSON;
use crate::map_layers::MapLayers;
use crate::request::{Context, Problem};
use crate::spatial_units::Kind;

/// What a collection is called.
pub(super) fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Parcel => "宗地 Parcels",
        Kind::Building => "楼栋 Buildings",
        Kind::Site => "院落 Sites",
    }
}

fn description(kind: Kind) -> &'static str {
    match kind {
        Kind::Parcel => "Closed pieces of land with one right.",
        Kind::Building => "Physical buildings.",
        Kind::Site => "Managed compounds: an outline, or a point where none was surveyed.",
    }
}

/// West, south, east, north of what the caller may see of a layer; none while that is nothing or not yet loaded.
pub(super) async fn bounds(context: &Context, map: &MapLayers, kind: Kind) -> Result<Option<[f64; 4]>, Problem> {
    let layers: Vec<LayerName> = LayerName::parse(kind.layer()).into_iter().collect();
    Ok(map.bounds(&context.caller, &layers).await?)
}

fn describe(asked: &Asked, bounds: Option<[f64; 4]>, kind: Kind) -> Value {
    let at = |rest: &str| asked.address(&format!("/ogc/collections/{}{rest}", kind.layer()));
    let mut links = vec![
        link(&at(""), "self", "application/json", title(kind)),
        link(&at("?f=html"), "alternate", "text/html", "This collection as a page"),
        link(&at("/items"), "items", GEOJSON, "Features"),
        link(
            &at("/queryables"),
            "http://www.opengis.net/def/rel/ogc/1.0/queryables",
            "application/schema+json",
            "What features may be asked by",
        ),
        link(
            &at("/tiles"),
            "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector",
            "application/json",
            "Vector tiles",
        ),
    ];
    // Written as GDAL looks for it; by RFC 8288 the case of a relation is of no meaning.
    links.push(link(
        &at("/schema"),
        "describedBy",
        "application/schema+json",
        "What features are made of",
    ));
    // The older name of the link to the queryables, which clients of its drafts look for.
    links.push(link(
        &at("/queryables"),
        "queryables",
        "application/schema+json",
        "Queryables",
    ));
    let mut answer = json!({
        "id": kind.layer(),
        "title": title(kind),
        "description": description(kind),
        "itemType": "feature",
        "crs": Crs::all().map(Crs::uri).collect::<Vec<_>>(),
        "storageCrs": Crs::STORAGE.uri(),
        "links": links,
    });
    if let Some(bounds) = bounds {
        answer["extent"] = json!({"spatial": {"bbox": [bounds], "crs": Crs::Crs84.uri()}});
    }
    answer
}

/// `GET /ogc/collections`
pub(super) async fn get_collections(
    context: Context,
    State(map): State<MapLayers>,
    asked: Asked,
) -> Result<Response, Problem> {
    asked.refuse_all_but(&["f"])?;
    let mut collections: Vec<Value> = Vec::new();
    for kind in Kind::ALL {
        collections.push(describe(&asked, bounds(&context, &map, kind).await?, kind));
    }
    asked.document(&json!({
        "title": "Collections",
        "links": [
            link(&asked.address("/ogc/collections"), "self", "application/json", "This document"),
            link(&asked.address("/ogc/collections?f=html"), "alternate", "text/html", "This document as a page"),
        ],
        "crs": Crs::all().map(Crs::uri).collect::<Vec<_>>(),
        "numberMatched": collections.len(),
        "numberReturned": collections.len(),
        "collections": collections,
    }))
}

/// `GET /ogc/collections/{collection}`
pub(super) async fn get_collection(
    context: Context,
    State(map): State<MapLayers>,
    Path(name): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let kind = collection(&name)?;
    asked.refuse_all_but(&["f"])?;
    asked.document(&describe(&asked, bounds(&context, &map, kind).await?, kind))
}
