//! `GET /api/v1/map`: what the page needs to draw its first map.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use tiles::LayerName;
use time::Date;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::map_layers::MapLayers;
use crate::period::day;
use crate::request::{Context, Problem};
use crate::settings::BaseMap;

/// What the page's map is set to.
#[derive(Debug, Clone, Default)]
pub struct MapSettings {
    /// The base map; the bundled one where none is set.
    pub base_map: Option<BaseMap>,
    /// Other sites whose pages may read the tiles, styles and the OGC API; `*` is every site.
    pub cors_origins: Vec<String>,
}

impl MapSettings {
    /// The content policy, with the base map's servers let in where one is set.
    pub(super) fn policy(&self, own: &str) -> String {
        let Some(base_map) = &self.base_map else {
            return own.to_owned();
        };
        let hosts: std::collections::BTreeSet<String> = base_map
            .tiles
            .iter()
            .filter_map(|address| {
                let (scheme, rest) = address.split_once("://")?;
                let host: String = rest.split('/').next()?.replace("{s}", "*");
                host.chars()
                    .all(|c| c.is_ascii_alphanumeric() || ".-:*".contains(c))
                    .then(|| format!("{scheme}://{host}"))
            })
            .collect();
        let hosts: Vec<String> = hosts.into_iter().collect();
        own.replace("img-src 'self'", &format!("img-src 'self' {}", hosts.join(" ")))
            .replace("connect-src 'self'", &format!("connect-src 'self' {}", hosts.join(" ")))
    }
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct MapStart {
    /// Longitude, latitude.
    center: [f64; 2],
    zoom: f64,
    /// West, south, east, north of everything held that the caller may see.
    bounds: Option<[f64; 4]>,
    /// Whom to name on the map.
    credits: Vec<Credit>,
    base_map: BaseMapOf,
    datasets: Vec<DataSet>,
    /// Today in China Standard Time.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    today: Date,
    /// The tiles are loaded.
    ready: bool,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Credit {
    text: String,
    href: Option<String>,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum BaseMapOf {
    /// The one inside the program.
    Bundled,
    /// Raster tiles of a configured server.
    Raster { tiles: Vec<String>, attribution: String },
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct DataSet {
    name: String,
    title: Option<String>,
    licence: Option<String>,
    credit: Option<String>,
    /// Made-up data, to be labelled so wherever it is shown.
    made_up: bool,
}

/// What the page needs to draw its first map.
#[utoipa::path(get, path = "/api/v1/map", operation_id = "get_map", tag = "map", responses((status = 200, body = MapStart), (status = 503, body = Problem)))]
async fn get_map(
    context: Context,
    State(map): State<MapLayers>,
    State(settings): State<MapSettings>,
) -> Result<Json<MapStart>, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let datasets: Vec<DataSet> = sqlx::query_as!(
        DataSet,
        "select name, title, licence, credit, made_up from dataset order by created_at, name"
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let bounds = map.bounds(&context.caller, &LayerName::ALL).await?;
    let mut credits: Vec<Credit> = datasets
        .iter()
        .filter_map(|dataset| dataset.credit.clone())
        .map(|text| Credit { text, href: None })
        .collect();
    credits.dedup_by(|one, other| one.text == other.text);
    let base_map = match &settings.base_map {
        None => {
            credits.push(Credit {
                text: "Natural Earth".to_owned(),
                href: Some("https://www.naturalearthdata.com".to_owned()),
            });
            BaseMapOf::Bundled
        }
        Some(BaseMap { tiles, attribution }) => BaseMapOf::Raster {
            tiles: tiles.clone(),
            attribution: attribution.clone(),
        },
    };
    // Where nothing is held yet: Jiangsu, which the bundled base map shows.
    let center = bounds.map_or([119.95, 31.78], |[west, south, east, north]| {
        [(west + east) / 2.0, (south + north) / 2.0]
    });
    let zoom = bounds.map_or(8.0, |[west, _, east, _]| {
        ((360.0 / (east - west).max(0.000_5)).log2() + 1.0).clamp(2.0, 17.0)
    });
    Ok(Json(MapStart {
        center,
        zoom,
        bounds,
        credits,
        base_map,
        datasets,
        today: context.clock.today(),
        ready: map.tiles().is_some(),
    }))
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_map))
}
