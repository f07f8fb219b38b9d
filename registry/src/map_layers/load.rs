//! Loading the layers at start: one pass over the versions that hold today.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures_util::TryStreamExt;
use sqlx::PgConnection;
use tiles::{Attributes, Dictionary, Feature, FeatureId, Layer, LayerBuilder, LayerName, Shape, TileSet};
use time::Date;
use uuid::Uuid;

use super::{MapLayers, Scopes, kind_of};
use crate::case_stages::{CaseStages, stages_now};
use crate::clock::Clock;
use crate::database::Database;
use crate::request::Fault;

/// What a feature shows, as the database has it.
pub(super) struct FeatureRow {
    pub feature_id: i64,
    pub object_id: Uuid,
    pub code: Option<String>,
    pub name: Option<String>,
    pub region_code: Option<String>,
    pub unit_id: Option<Uuid>,
    pub title_status: Option<String>,
    pub usage: Option<String>,
    pub occupancy: Option<String>,
    pub area_m2: Option<f64>,
    pub tile_shape: Option<Vec<u8>>,
}

/// The codes of units by their ids: a tile names the unit that uses an asset.
pub(super) async fn unit_codes(connection: &mut PgConnection, on: Date) -> Result<HashMap<Uuid, String>, Fault> {
    let rows = sqlx::query!(
        "select object_id, code from unit_version where valid @> $1::date and upper_inf(recorded)",
        on
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.object_id, row.code)).collect())
}

/// What a feature says beside its row: the codes of units, and where cases stand.
#[derive(Debug, Default)]
pub(super) struct Beside {
    pub units: HashMap<Uuid, String>,
    pub stages: CaseStages,
}

/// A feature for the engine. `shape` is what the row holds, read back.
pub(super) fn feature(
    row: FeatureRow,
    shape: Shape,
    dictionary: &Dictionary,
    scopes: &Scopes,
    beside: &Beside,
) -> Feature {
    let word = |text: &Option<String>| text.as_deref().map(|text| dictionary.intern(text)).unwrap_or_default();
    let region = word(&row.region_code);
    let case = beside.stages.get(&row.object_id);
    Feature {
        id: FeatureId(row.feature_id.unsigned_abs()),
        uuid: row.object_id.into_bytes(),
        shape,
        area_m2: row.area_m2.unwrap_or_default(),
        scope: scopes.of(row.region_code.as_deref(), region, row.unit_id),
        attributes: Attributes {
            idle: row.occupancy.as_deref().map(|occupancy| occupancy == "idle"),
            code: row.code.map(String::into_boxed_str),
            name: row.name.map(String::into_boxed_str),
            title_status: word(&row.title_status),
            usage: word(&row.usage),
            occupancy: word(&row.occupancy),
            unit: row
                .unit_id
                .and_then(|id| beside.units.get(&id))
                .map(|code| dictionary.intern(code))
                .unwrap_or_default(),
            region,
            case_stage: case.map(|case| dictionary.intern(&case.stage)).unwrap_or_default(),
            case_phase: case.map(|case| dictionary.intern(&case.phase)).unwrap_or_default(),
        },
    }
}

/// The shape a row holds. One that an older program wrote, or that is damaged, is made anew from the geometry.
pub(super) async fn shape_of(
    connection: &mut PgConnection,
    object_id: Uuid,
    tile_shape: Option<&[u8]>,
    on: Date,
) -> Result<Option<Shape>, Fault> {
    let Some(bytes) = tile_shape else { return Ok(None) };
    if let Ok(shape) = Shape::from_bytes(bytes) {
        return Ok(Some(shape));
    }
    let geometry = sqlx::query_scalar!(
        "select st_asewkb(geometry) from spatial_unit_version
          where object_id = $1 and valid @> $2::date and upper_inf(recorded)",
        object_id,
        on,
    )
    .fetch_optional(connection)
    .await?
    .flatten();
    let Some(geometry) = geometry else { return Ok(None) };
    Ok(Shape::prepare(&crate::geometry::from_ewkb(&geometry)?).ok())
}

/// Loads every layer and makes the engine. Returns the place in the ledger from which it must be followed.
///
/// # Errors
/// The database's.
pub async fn load(database: &Database, clock: &Clock, layers: &MapLayers, cache_bytes: u64) -> Result<u64, Fault> {
    let today = clock.today();
    let mut transaction = database.begin_snapshot().await?;
    // What is sealed up to here is in the snapshot; what is sealed later is applied again, which does no harm.
    let position = crate::ledger::position(&mut transaction).await?;
    let expected = sqlx::query_scalar!(
        r#"select greatest(reltuples, 0)::bigint as "rows!" from pg_class where oid = 'spatial_unit_version'::regclass"#
    )
    .fetch_one(&mut *transaction)
    .await?;
    layers.inner.expected.store(expected.unsigned_abs(), Ordering::Relaxed);
    let beside = Beside {
        units: unit_codes(&mut transaction, today).await?,
        stages: stages_now(&mut transaction, None).await?,
    };
    let dictionary = layers.inner.dictionary.clone();
    let scopes = &layers.inner.scopes;
    let mut loaded: Vec<Arc<Layer>> = Vec::new();
    for name in LayerName::ALL {
        let mut builder = LayerBuilder::new(name, dictionary.clone());
        let mut unreadable = Vec::new();
        {
            let mut rows = sqlx::query_as!(
                FeatureRow,
                r#"select u.feature_id, v.object_id, v.code, v.name, v.region_code, v.unit_id, v.title_status, v.usage,
                          v.occupancy, v.area_m2, v.tile_shape
                     from spatial_unit_version v
                     join spatial_unit u on u.id = v.object_id
                    where v.kind = $1 and v.valid @> $2::date and upper_inf(v.recorded)"#,
                kind_of(name).word(),
                today,
            )
            .fetch(&mut *transaction);
            while let Some(row) = rows.try_next().await? {
                layers.inner.loaded.fetch_add(1, Ordering::Relaxed);
                match row.tile_shape.as_deref().map(Shape::from_bytes) {
                    None => {}
                    Some(Ok(shape)) => builder.push(&feature(row, shape, &dictionary, scopes, &beside)),
                    Some(Err(_)) => unreadable.push(row),
                }
            }
        }
        for row in unreadable {
            if let Some(shape) = shape_of(&mut transaction, row.object_id, row.tile_shape.as_deref(), today).await? {
                builder.push(&feature(row, shape, &dictionary, scopes, &beside));
            }
        }
        loaded.push(Arc::new(builder.finish(position)));
    }
    transaction.commit().await?;
    let total = layers.inner.loaded.load(Ordering::Relaxed);
    layers.inner.expected.store(total, Ordering::Relaxed);
    let _ = layers.inner.tiles.set(Arc::new(TileSet::new(loaded, cache_bytes)));
    layers.inner.position.store(position, Ordering::SeqCst);
    Ok(position)
}
