//! The map's layers: loaded from the database at start, kept current by the ledger, answered as vector tiles.
//!
//! Nothing here is told of changes by whoever makes them: it follows the ledger in its order, so it misses none, on
//! this node and on every other.

mod follow;
mod history;
mod load;
mod restricted;
mod tile;
mod tilejson;
mod visible;

#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use axum::extract::FromRef;
use serde::Serialize;
use tiles::{Dictionary, LayerName, TileSet};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;
use crate::request::{Caller, Fault};
use crate::spatial_units::Kind;

pub use follow::keep_current;
pub use history::HistoricalLayers;
pub use load::load;
pub use tile::{TileAsked, answer as answer_tile};
use visible::{Scopes, Visible};

/// The layers in memory, once they are loaded.
#[derive(Debug, Clone, Default)]
pub struct MapLayers {
    inner: Arc<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    tiles: OnceLock<Arc<TileSet>>,
    dictionary: Dictionary,
    scopes: Scopes,
    loaded: AtomicU64,
    expected: AtomicU64,
    following: AtomicBool,
    restricted: restricted::Restricted,
    /// The last entry of the ledger that the layers hold.
    position: AtomicU64,
}

/// How far the loading is.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LoadStage {
    /// What is loaded.
    pub name: &'static str,
    /// How far it is, per cent. How much there is to load is nothing for those who are not signed in.
    pub percent: u8,
}

impl MapLayers {
    /// The tile engine; none until the layers are loaded.
    #[must_use]
    pub fn tiles(&self) -> Option<&Arc<TileSet>> {
        self.inner.tiles.get()
    }

    /// West, south, east and north of what a caller may see of layers; none where that is nothing, or while they load.
    ///
    /// # Errors
    /// Where the server is stopping.
    pub async fn bounds(&self, caller: &Caller, layers: &[LayerName]) -> Result<Option<[f64; 4]>, Fault> {
        let Some(tile_set) = self.tiles().cloned() else {
            return Ok(None);
        };
        let (map, layers, visible) = (self.clone(), layers.to_vec(), Visible::to(caller));
        tokio::task::spawn_blocking(move || tile_set.bounds(&layers, || map.inner.scopes.filter(&visible)))
            .await
            .map_err(|error| Fault::Impossible {
                what: format!("the bounds of a layer could not be found: {error}"),
            })
    }

    /// How many features were loaded.
    #[must_use]
    pub fn loaded(&self) -> u64 {
        self.inner.loaded.load(Ordering::Relaxed)
    }

    /// How far the loading is.
    #[must_use]
    pub fn stage(&self) -> LoadStage {
        let loaded = self.loaded();
        let expected = self.inner.expected.load(Ordering::Relaxed);
        let percent = if self.tiles().is_some() {
            100
        } else {
            // The last per cent is the index over what was read.
            loaded.saturating_mul(100).checked_div(expected).unwrap_or(0).min(99)
        };
        LoadStage {
            name: "map_layers",
            percent: u8::try_from(percent).unwrap_or(99),
        }
    }

    /// The last entry of the ledger that the tiles show.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.inner.position.load(Ordering::SeqCst)
    }

    /// Do the layers follow the ledger at this moment?
    #[must_use]
    pub fn is_following(&self) -> bool {
        self.inner.following.load(Ordering::Relaxed)
    }
}

fn layer_of(kind: Kind) -> LayerName {
    match kind {
        Kind::Parcel => LayerName::Parcels,
        Kind::Building => LayerName::Buildings,
        Kind::Site => LayerName::Sites,
    }
}

fn kind_of(layer: LayerName) -> Kind {
    match layer {
        LayerName::Parcels => Kind::Parcel,
        LayerName::Buildings => Kind::Building,
        LayerName::Sites => Kind::Site,
    }
}

/// The routes of tiles.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
    MapLayers: FromRef<S>,
    HistoricalLayers: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(tile::get_tile))
        .routes(routes!(tilejson::get_tilejson))
}
