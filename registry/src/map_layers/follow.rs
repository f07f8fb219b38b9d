//! Keeping the layers current: each batch of the ledger is applied in its order, and at midnight what begins and ends.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::time::Duration;

use tiles::{Change, FeatureId};
use time::Date;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::load::{Beside, FeatureRow, feature, shape_of, unit_codes};
use super::{MapLayers, layer_of};
use crate::case_stages::{assets_of, stages_now};
use crate::clock::Clock;
use crate::database::Database;
use crate::ledger::{Follower, ObjectKind};
use crate::request::Fault;
use crate::spatial_units::Kind;

/// Objects whose state is read in one statement.
const OBJECTS_AT_ONCE: usize = 5_000;

/// Follows the ledger from `position` until told to stop. A failing database is waited for.
pub async fn keep_current(database: Database, clock: Clock, layers: MapLayers, position: u64, stop: CancellationToken) {
    let mut position = position;
    let mut day = clock.today();
    while !stop.is_cancelled() {
        let follower = Follower::start(database.pool().clone(), position).await;
        let mut follower = match follower {
            Ok(follower) => follower,
            Err(error) => {
                layers.inner.following.store(false, Ordering::Relaxed);
                tracing::warn!(error = %error, "the ledger can't be followed; trying again in a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        layers.inner.following.store(true, Ordering::Relaxed);
        loop {
            let batch = tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(Duration::from_secs(30)) => Ok(Vec::new()),
                batch = follower.next_batch() => batch,
            };
            let outcome = match batch {
                Ok(batch) => {
                    let of = |kinds: &[ObjectKind]| -> HashSet<Uuid> {
                        let is_one = |kind: &Option<ObjectKind>| kind.is_some_and(|kind| kinds.contains(&kind));
                        let found = batch.iter().filter(|entry| is_one(&entry.object_kind));
                        found.map(|entry| entry.object_id).collect()
                    };
                    let assets = of(&[ObjectKind::Parcel, ObjectKind::Building, ObjectKind::Site]);
                    let cases = of(&[ObjectKind::PolicyCase, ObjectKind::TitleCase]);
                    let last = batch.last().map_or(position, |entry| entry.seq);
                    bring(&database, &clock, &layers, (assets, cases), last)
                        .await
                        .map(|()| position = last)
                }
                Err(error) => Err(error.into()),
            };
            if let Err(error) = outcome {
                layers.inner.following.store(false, Ordering::Relaxed);
                tracing::warn!(error = ?error, "a change could not be brought to the tiles; trying again in a second");
                tokio::time::sleep(Duration::from_secs(1)).await;
                break;
            }
            let today = clock.today();
            if today != day {
                match turn(&database, &clock, &layers, day, today, position).await {
                    Ok(()) => day = today,
                    Err(error) => {
                        tracing::warn!(error = ?error, "what begins today could not be brought to the tiles yet")
                    }
                }
            }
        }
    }
}

/// Brings assets to the tiles that changed, and those whose cases went on.
async fn bring(
    database: &Database,
    clock: &Clock,
    layers: &MapLayers,
    (mut assets, cases): (HashSet<Uuid>, HashSet<Uuid>),
    position: u64,
) -> Result<(), Fault> {
    if !cases.is_empty() {
        let cases: Vec<Uuid> = cases.into_iter().collect();
        let mut connection = database.pool().acquire().await?;
        assets.extend(assets_of(&mut connection, &cases).await?);
    }
    apply(database, clock, layers, assets.into_iter().collect(), position).await
}

/// Brings objects that begin or end between two days to the tiles.
async fn turn(
    database: &Database,
    clock: &Clock,
    layers: &MapLayers,
    from: Date,
    to: Date,
    position: u64,
) -> Result<(), Fault> {
    let turning = sqlx::query_scalar!(
        "select distinct object_id from spatial_unit_version
          where upper_inf(recorded)
            and ((lower(valid) > $1 and lower(valid) <= $2) or (upper(valid) > $1 and upper(valid) <= $2))",
        from,
        to,
    )
    .fetch_all(database.pool())
    .await?;
    apply(database, clock, layers, turning, position).await
}

/// Reads what objects are now and hands it to the engine.
async fn apply(
    database: &Database,
    clock: &Clock,
    layers: &MapLayers,
    objects: Vec<Uuid>,
    position: u64,
) -> Result<(), Fault> {
    let Some(tile_set) = layers.tiles() else { return Ok(()) };
    let dictionary = &layers.inner.dictionary;
    for chunk in objects.chunks(OBJECTS_AT_ONCE) {
        let mut connection = database.pool().acquire().await?;
        let today = clock.today();
        let mut changes: HashMap<Kind, Vec<Change>> = HashMap::new();
        let rows = sqlx::query!(
            r#"select u.feature_id, u.id, u.kind, v.version_id as "version_id?", v.code, v.name, v.region_code, v.unit_id,
                      v.title_status, v.usage, v.occupancy, v.area_m2, v.tile_shape
                 from spatial_unit u
                 left join spatial_unit_version v
                   on v.object_id = u.id and v.valid @> $2::date and upper_inf(v.recorded)
                where u.id = any($1)"#,
            chunk,
            today,
        )
        .fetch_all(&mut *connection)
        .await?;
        let beside = Beside {
            units: if rows.iter().any(|row| row.unit_id.is_some()) {
                unit_codes(&mut connection, today).await?
            } else {
                HashMap::new()
            },
            stages: stages_now(&mut connection, Some(chunk)).await?,
        };
        for row in rows {
            let Some(kind) = Kind::from_word(&row.kind) else {
                continue;
            };
            let id = FeatureId(row.feature_id.unsigned_abs());
            let shape = match row.version_id {
                None => None,
                Some(_) => shape_of(&mut connection, row.id, row.tile_shape.as_deref(), today).await?,
            };
            let change = match shape {
                None => Change::Remove(id),
                Some(shape) => {
                    let row = FeatureRow {
                        feature_id: row.feature_id,
                        object_id: row.id,
                        code: row.code,
                        name: row.name,
                        region_code: row.region_code,
                        unit_id: row.unit_id,
                        title_status: row.title_status,
                        usage: row.usage,
                        occupancy: row.occupancy,
                        area_m2: row.area_m2,
                        tile_shape: None,
                    };
                    Change::Put(feature(row, shape, dictionary, &layers.inner.scopes, &beside))
                }
            };
            changes.entry(kind).or_default().push(change);
        }
        for (kind, changes) in changes {
            if let Some(layer) = tile_set.layer(layer_of(kind)) {
                layer.apply(changes, position);
            }
        }
    }
    layers.inner.position.store(position, Ordering::SeqCst);
    Ok(())
}
