//! `GET /tiles/{layers}`: TileJSON 3.

use axum::Json;
use axum::extract::{OriginalUri, Path, State};
use axum::http::{HeaderMap, header};
use serde_json::{Value, json};
use tiles::{LayerName, MAX_ZOOM};

use super::MapLayers;
use super::tile::parse_layers;
use crate::request::{Context, Problem};

/// What a map needs to know to ask for tiles (TileJSON 3.0.0).
#[utoipa::path(get, path = "/tiles/{layers}", operation_id = "get_tilejson", tag = "tiles",
    params(("layers" = String, Path, description = "parcels, buildings, sites; comma-separated")),
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
pub(super) async fn get_tilejson(
    context: Context,
    State(map): State<MapLayers>,
    Path(layers): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let layers = parse_layers(layers.strip_suffix(".json").unwrap_or(&layers))?;
    let names: Vec<&str> = layers.iter().map(|layer| layer.as_str()).collect();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or("127.0.0.1:8080");
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let bounds = map.bounds(&context.caller, &layers).await?;
    let mut vector_layers = Vec::new();
    for layer in &layers {
        vector_layers.push(json!({
            "id": layer.as_str(), "minzoom": layer.first_feature_zoom(), "maxzoom": MAX_ZOOM, "description": described(*layer),
            "fields": {"id": "String", "code": "String", "name": "String", "title_status": "String", "usage": "String",
                       "occupancy": "String", "idle": "Boolean", "unit": "String", "region": "String",
                       "area_m2": "Number", "case_stage": "String", "case_phase": "String"},
        }));
        vector_layers.push(json!({
            "id": layer.totals_name(), "minzoom": 0, "maxzoom": layer.feature_zoom() - 1,
            "description": "true totals by region or grid cell",
            "fields": {"kind": "String", "region": "String", "count": "Number", "area_m2": "Number"},
        }));
    }
    let mut answer = json!({
        "tilejson": "3.0.0",
        "name": names.join(","),
        "scheme": "xyz",
        "tiles": [format!("http://{host}/tiles/{}/{{z}}/{{x}}/{{y}}{query}", names.join(","))],
        "minzoom": 0,
        "maxzoom": MAX_ZOOM,
        "vector_layers": vector_layers,
    });
    if let Some(bounds) = bounds {
        answer["bounds"] = json!(bounds);
        answer["center"] = json!([(bounds[0] + bounds[2]) / 2.0, (bounds[1] + bounds[3]) / 2.0, 14]);
    }
    Ok(Json(answer))
}

fn described(layer: LayerName) -> &'static str {
    match layer {
        LayerName::Parcels => "宗地 parcels",
        LayerName::Buildings => "楼栋 buildings",
        LayerName::Sites => "院落 sites",
    }
}
