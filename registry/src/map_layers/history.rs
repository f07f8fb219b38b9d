//! Tiles of the past: the same engine, over what PostGIS says held on a day and was known at an instant.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::response::Response;
use flate2::Compression;
use flate2::write::GzEncoder;
use geo_types::{Geometry, Point};
use moka::future::Cache;
use sqlx::PgConnection;
use tiles::{Dictionary, Layer, LayerBuilder, LayerName, Shape, TileId};
use time::{Date, OffsetDateTime};

use super::load::{Beside, FeatureRow, feature};
use super::tile::{matches_tag, tile_response, unchanged};
use super::{MapLayers, Scopes, Visible, kind_of};
use crate::case_stages::stages_on;
use crate::request::{Context, Fault, Problem, Times};

/// KiB of layers of the past that are kept.
const KEPT_KIB: u64 = 1 << 20;

/// Layers of single days of the past, kept for a while: totals of low zooms need all of a layer that a caller may see.
#[derive(Debug, Clone)]
pub struct HistoricalLayers {
    totals: Cache<Moment, Arc<Past>>,
}

/// A layer of the past, with the scopes of its features: today's grants over the rows of then, each by its own region and
/// unit.
#[derive(Debug)]
struct Past {
    layer: Layer,
    scopes: Scopes,
}

/// A layer at a moment, as read for a caller: what others may see is not in it, or is and isn't shown. Where `known_at` was not asked for it means "as known now", which stays the same until the
/// ledger grows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Moment {
    layer: LayerName,
    as_of: Date,
    known_at: Option<OffsetDateTime>,
    position: u64,
    visible: Visible,
}

impl Default for HistoricalLayers {
    fn default() -> Self {
        Self {
            totals: Cache::builder()
                .max_capacity(KEPT_KIB)
                .weigher(|_, past: &Arc<Past>| u32::try_from(past.layer.memory_bytes() >> 10).unwrap_or(u32::MAX))
                .time_to_live(std::time::Duration::from_secs(600))
                .build(),
        }
    }
}

impl HistoricalLayers {
    pub(super) async fn answer(
        &self,
        context: &Context,
        map: &MapLayers,
        layers: &[LayerName],
        tile: TileId,
        times: Times,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        let position = map.position();
        let visible = Visible::to(&context.caller);
        let names: Vec<&str> = layers.iter().map(|layer| layer.as_str()).collect();
        let known = if times.known_at_asked {
            times.known_at.unix_timestamp_nanos().to_string()
        } else {
            format!("l{position}")
        };
        let tag = format!(
            "\"{}-{}-{}-{known}{}\"",
            env!("CARGO_PKG_VERSION"),
            names.join("."),
            times.as_of,
            visible.tag()
        );
        if matches_tag(headers, &tag) {
            return Ok(unchanged(&tag));
        }
        let mut bytes = Vec::new();
        for &layer in layers {
            let past = if tile.z() >= layer.first_feature_zoom() {
                Arc::new(features(context, layer, tile, times).await?)
            } else {
                let moment = Moment {
                    layer,
                    as_of: times.as_of,
                    known_at: times.known_at_asked.then_some(times.known_at),
                    position: if times.known_at_asked { 0 } else { position },
                    visible: visible.clone(),
                };
                self.totals
                    .try_get_with(moment, async { points(context, layer, times).await.map(Arc::new) })
                    .await
                    .map_err(|fault| Fault::Impossible {
                        what: fault.to_string(),
                    })?
            };
            bytes.extend(past.layer.encode(tile, &past.scopes.filter(&visible)));
        }
        let empty = bytes.is_empty();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let body = encoder
            .write_all(&bytes)
            .and_then(|()| encoder.finish())
            .map_err(|error| Fault::Impossible {
                what: error.to_string(),
            })?;
        Ok(tile_response(Body::from(Bytes::from(body)), empty, &tag))
    }
}

/// The features under one tile.
async fn features(context: &Context, layer: LayerName, tile: TileId, times: Times) -> Result<Past, Fault> {
    let mut transaction = context.database.begin_snapshot().await?;
    // A tile of zoom 12 may hold totals instead, whose cells must see every feature: the whole column of one tile.
    let [west, south, east, north] = with_buffer(tile.bounds());
    let rows = sqlx::query_as!(
        FeatureRow,
        r#"select u.feature_id, v.object_id, v.code, v.name, v.region_code, v.unit_id, v.title_status, v.usage,
                  v.occupancy, v.area_m2, v.tile_shape
             from spatial_unit_version v
             join spatial_unit u on u.id = v.object_id
            where v.kind = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz
              and box(v.geometry) && box(st_makeenvelope($4, $5, $6, $7, 4490))"#,
        kind_of(layer).word(),
        times.as_of,
        times.known_at,
        west,
        south,
        east,
        north,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let (dictionary, scopes) = (Dictionary::new(), Scopes::default());
    let assets: Vec<uuid::Uuid> = rows.iter().map(|row| row.object_id).collect();
    let beside = Beside {
        units: unit_codes_at(&mut transaction, times).await?,
        stages: stages_on(&mut transaction, Some(&assets), times).await?,
    };
    transaction.commit().await?;
    let mut builder = LayerBuilder::new(layer, dictionary.clone());
    for row in rows {
        if let Some(Ok(shape)) = row.tile_shape.as_deref().map(Shape::from_bytes) {
            builder.push(&feature(row, shape, &dictionary, &scopes, &beside));
        }
    }
    let layer = builder.finish(0);
    Ok(Past { layer, scopes })
}

/// A whole layer as points: all that totals need.
async fn points(context: &Context, layer: LayerName, times: Times) -> Result<Past, Fault> {
    let mut transaction = context.database.begin_snapshot().await?;
    let rows = sqlx::query!(
        r#"select u.feature_id, v.object_id, v.region_code, v.unit_id, v.title_status, v.usage, v.occupancy, v.area_m2,
                  (st_xmin(v.geometry) + st_xmax(v.geometry)) / 2 as "x!",
                  (st_ymin(v.geometry) + st_ymax(v.geometry)) / 2 as "y!"
             from spatial_unit_version v
             join spatial_unit u on u.id = v.object_id
            where v.kind = $1 and v.valid @> $2::date and v.recorded @> $3::timestamptz and v.geometry is not null"#,
        kind_of(layer).word(),
        times.as_of,
        times.known_at,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let beside = Beside {
        units: HashMap::new(),
        stages: stages_on(&mut transaction, None, times).await?,
    };
    transaction.commit().await?;
    let (dictionary, scopes) = (Dictionary::new(), Scopes::default());
    let mut builder = LayerBuilder::new(layer, dictionary.clone());
    for row in rows {
        let Ok(shape) = Shape::prepare(&Geometry::Point(Point::new(row.x, row.y))) else {
            continue;
        };
        let row = FeatureRow {
            feature_id: row.feature_id,
            object_id: row.object_id,
            code: None,
            name: None,
            region_code: row.region_code,
            unit_id: row.unit_id,
            title_status: row.title_status,
            usage: row.usage,
            occupancy: row.occupancy,
            area_m2: row.area_m2,
            tile_shape: None,
        };
        builder.push(&feature(row, shape, &dictionary, &scopes, &beside));
    }
    let layer = builder.finish(0);
    Ok(Past { layer, scopes })
}

async fn unit_codes_at(connection: &mut PgConnection, times: Times) -> Result<HashMap<uuid::Uuid, String>, Fault> {
    let rows = sqlx::query!(
        "select object_id, code from unit_version where valid @> $1::date and recorded @> $2::timestamptz",
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.object_id, row.code)).collect())
}

/// A tile's box with what the engine draws beyond its edge (64 of 4096 units), and a little for rounding.
pub(super) fn with_buffer([west, south, east, north]: [f64; 4]) -> [f64; 4] {
    let (x, y) = ((east - west) / 50.0, (north - south) / 50.0);
    [west - x, (south - y).max(-90.0), east + x, (north + y).min(90.0)]
}
