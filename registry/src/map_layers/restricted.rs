//! That somebody was shown shapes of what is internal (内部): kept for each of them once for a session or token and an hour,
//! not for each of the hundreds of tiles that a look at the map is.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use tiles::{LayerName, TileId};
use uuid::Uuid;

use super::history::with_buffer;
use super::{MapLayers, kind_of};
use crate::request::{Context, Fault, Means, Problem, note_restricted_read};

/// So long one entry stands for what is looked at.
const PERIOD: Duration = Duration::from_secs(60 * 60);

/// Where a shape of what is internal is or was: west, south, east and north in degrees.
#[derive(Debug)]
struct Internal {
    id: Uuid,
    kind: String,
    extent: [f64; 4],
}

/// What is internal, and what of it was noted lately.
#[derive(Debug)]
pub(super) struct Restricted {
    /// By the last entry of the ledger that they hold.
    shapes: Cache<u64, Arc<Vec<Internal>>>,
    /// A session or token, and what it was shown.
    noted: Cache<(Uuid, Uuid), ()>,
}

impl Default for Restricted {
    fn default() -> Self {
        Self {
            shapes: Cache::builder().max_capacity(2).build(),
            noted: Cache::builder().max_capacity(200_000).time_to_live(PERIOD).build(),
        }
    }
}

impl MapLayers {
    /// Notes that somebody is shown a tile under which shapes of what is internal are in their sight. Totals of low zooms
    /// show none. Where it can't be kept, there is no tile.
    ///
    /// # Errors
    /// The database's.
    pub(super) async fn note_restricted_shapes(
        &self,
        context: &Context,
        layers: &[LayerName],
        tile: TileId,
    ) -> Result<(), Problem> {
        let kinds: Vec<&str> = layers
            .iter()
            .filter(|layer| tile.z() >= layer.first_feature_zoom())
            .map(|layer| kind_of(*layer).word())
            .collect();
        if kinds.is_empty() {
            return Ok(());
        }
        let Restricted { shapes, noted } = &self.inner.restricted;
        let internal = shapes
            .try_get_with(self.position(), load(context))
            .await
            .map_err(|fault| Fault::Impossible {
                what: fault.to_string(),
            })?;
        let shown_to = match context.caller.means {
            Means::Session { id, .. } => id.0,
            Means::Token { id } => id.0,
        };
        let [west, south, east, north] = with_buffer(tile.bounds());
        let under: Vec<Uuid> = internal
            .iter()
            .filter(|shape| {
                let [w, s, e, n] = shape.extent;
                kinds.contains(&shape.kind.as_str()) && w <= east && e >= west && s <= north && n >= south
            })
            .map(|shape| shape.id)
            .filter(|id| !noted.contains_key(&(shown_to, *id)))
            .collect();
        if under.is_empty() {
            return Ok(());
        }
        let mut snapshot = context.database.begin_snapshot().await?;
        let in_sight = sqlx::query_scalar!(
            "select distinct object_id from spatial_unit_version where secrecy = 'internal' and object_id = any($1)",
            &under,
        )
        .fetch_all(&mut *snapshot)
        .await?;
        drop(snapshot);
        note_restricted_read(context, &context.asked, &in_sight).await?;
        for id in in_sight {
            noted.insert((shown_to, id), ()).await;
        }
        Ok(())
    }
}

async fn load(context: &Context) -> Result<Arc<Vec<Internal>>, Fault> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = sqlx::query!(
        r#"select object_id as "id!", kind as "kind!", west as "west!", south as "south!", east as "east!",
                  north as "north!"
             from internal_shapes()"#,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    Ok(Arc::new(
        rows.into_iter()
            .map(|row| Internal {
                id: row.id,
                kind: row.kind,
                extent: [row.west, row.south, row.east, row.north],
            })
            .collect(),
    ))
}
