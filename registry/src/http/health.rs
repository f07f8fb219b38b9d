//! Is it alive, is it ready, what does it do.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::AppState;
use crate::database::Database;
use crate::map_layers::{LoadStage, MapLayers};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(healthz))
        .routes(routes!(readyz))
        .routes(routes!(metrics))
}

/// Alive.
#[utoipa::path(get, path = "/healthz", operation_id = "get_healthz", tag = "operations", responses((status = 200, body = String)))]
async fn healthz() -> &'static str {
    "ok\n"
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Ready {
    ready: bool,
    /// The database answers.
    database: bool,
    /// The tiles follow the ledger.
    following: bool,
    stages: Vec<LoadStage>,
}

/// Ready: the database answers and the map is loaded.
#[utoipa::path(get, path = "/readyz", operation_id = "get_readyz", tag = "operations",
    responses((status = 200, body = Ready), (status = 503, body = Ready)))]
async fn readyz(State(database): State<Database>, State(map): State<MapLayers>) -> Response {
    let ask = sqlx::query_scalar::<_, i32>("select 1").fetch_one(database.pool());
    let alive = tokio::time::timeout(Duration::from_secs(2), ask)
        .await
        .is_ok_and(|answer| answer.is_ok());
    let ready = alive && map.tiles().is_some();
    let body = Ready {
        ready,
        database: alive,
        following: map.is_following(),
        stages: vec![map.stage()],
    };
    (
        if ready {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        },
        Json(body),
    )
        .into_response()
}

static REQUESTS: AtomicU64 = AtomicU64::new(0);
static FAULTS: AtomicU64 = AtomicU64::new(0);
static TILES: AtomicU64 = AtomicU64::new(0);
static MICROSECONDS: AtomicU64 = AtomicU64::new(0);
static TILE_MICROSECONDS: AtomicU64 = AtomicU64::new(0);

pub(super) async fn measure(request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let is_tile = request
        .extensions()
        .get::<MatchedPath>()
        .is_some_and(|path| path.as_str().starts_with("/tiles/{layers}/"))
        || request.uri().path().starts_with("/tiles/");
    let response = next.run(request).await;
    let spent = u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX);
    REQUESTS.fetch_add(1, Ordering::Relaxed);
    MICROSECONDS.fetch_add(spent, Ordering::Relaxed);
    if is_tile {
        TILES.fetch_add(1, Ordering::Relaxed);
        TILE_MICROSECONDS.fetch_add(spent, Ordering::Relaxed);
    }
    if response.status().is_server_error() {
        FAULTS.fetch_add(1, Ordering::Relaxed);
    }
    response
}

/// Counters for Prometheus.
#[utoipa::path(get, path = "/metrics", operation_id = "get_metrics", tag = "operations", responses((status = 200, body = String)))]
async fn metrics(State(database): State<Database>, State(map): State<MapLayers>) -> Response {
    use std::fmt::Write as _;
    let mut text = String::new();
    let mut say = |name: &str, kind: &str, help: &str, value: f64| {
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    };
    let seconds = |micros: &AtomicU64| micros.load(Ordering::Relaxed) as f64 / 1e6;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    say("yice_requests_total", "counter", "Requests answered.", count(&REQUESTS));
    say(
        "yice_request_seconds_total",
        "counter",
        "Time spent on requests.",
        seconds(&MICROSECONDS),
    );
    say(
        "yice_request_faults_total",
        "counter",
        "Requests answered with a 5xx status.",
        count(&FAULTS),
    );
    say("yice_tiles_total", "counter", "Tile requests answered.", count(&TILES));
    say(
        "yice_tile_seconds_total",
        "counter",
        "Time spent on tile requests.",
        seconds(&TILE_MICROSECONDS),
    );
    say(
        "yice_map_ledger_position",
        "gauge",
        "Last ledger entry the tiles show.",
        map.position() as f64,
    );
    say(
        "yice_map_following",
        "gauge",
        "1 while the tiles follow the ledger.",
        f64::from(u8::from(map.is_following())),
    );
    say(
        "yice_database_connections",
        "gauge",
        "Open database connections.",
        f64::from(database.pool().size()),
    );
    if let Some(tile_set) = map.tiles() {
        let (entries, bytes) = tile_set.cached();
        say(
            "yice_tile_cache_entries",
            "gauge",
            "Finished tiles kept.",
            entries as f64,
        );
        say(
            "yice_tile_cache_bytes",
            "gauge",
            "Memory of finished tiles.",
            bytes as f64,
        );
        let _ = writeln!(
            text,
            "# HELP yice_features Features in memory.\n# TYPE yice_features gauge"
        );
        for layer in tiles::LayerName::ALL {
            if let Some(held) = tile_set.layer(layer) {
                let _ = writeln!(text, "yice_features{{layer=\"{}\"}} {}", layer.as_str(), held.len());
            }
        }
    }
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
        text,
    )
        .into_response()
}
