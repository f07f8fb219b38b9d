//! Finished tiles of several layers, each compressed once.

use std::{cell::RefCell, sync::Arc};

use libdeflater::{CompressionLvl, Compressor};
use moka::sync::Cache;

use crate::{
    feature::{LayerName, ScopeFilter},
    grid::TileId,
    layer::Layer,
};

/// What each thread may keep of its buffers; a rare huge tile gives the rest back.
const SCRATCH_BYTES: usize = 1 << 20;

/// Everything that decides the bytes of a tile. A change raises versions, so an outdated entry is
/// never asked for again and leaves by itself; nothing has to be purged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    /// One bit per layer.
    layers: u8,
    tile: TileId,
    scope: ScopeFilter,
    versions: [u64; LayerName::ALL.len()],
    late_batches: u64,
}

impl Key {
    /// What an entry costs beside its body: the key, the body's header, the cache's own records.
    fn memory_bytes() -> usize {
        // The set of scopes is shared by all the tiles made for it.
        size_of::<Self>() + 200
    }
}

/// Layers that are shown together, and their finished tiles.
#[derive(Debug)]
pub struct TileSet {
    layers: [Option<Arc<Layer>>; LayerName::ALL.len()],
    cache: Cache<Key, Arc<[u8]>>,
    /// Of what a scope sees of a layer at a position of it.
    bounds: Cache<BoundsKey, Option<[f64; 4]>>,
}

/// Layer, what may be seen of it, and its content as its position and late batches tell it.
type BoundsKey = (LayerName, ScopeFilter, u64, u64);

/// Boxes around what scopes see that are kept: a few for each of the callers with different rights
/// who look at the same time.
const BOUNDS_KEPT: u64 = 1_000;

/// A finished tile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TileAnswer {
    /// Gzip bytes of the MVT tile; empty when there is nothing to show.
    pub body: Arc<[u8]>,
    /// Changes whenever the body may have changed; for one set of layers it only grows. The body
    /// also depends on the caller's scope, which an ETag has to carry beside this.
    pub etag_version: u64,
}

impl TileSet {
    /// A set of layers, of each name one, with a cache that holds `cache_bytes`.
    pub fn new(layers: impl IntoIterator<Item = Arc<Layer>>, cache_bytes: u64) -> Self {
        let mut slots = [const { None }; LayerName::ALL.len()];
        for layer in layers {
            let index = layer.name().index();
            slots[index] = Some(layer);
        }
        let cache = Cache::builder()
            .max_capacity(cache_bytes)
            .weigher(|_: &Key, body: &Arc<[u8]>| u32::try_from(Key::memory_bytes() + body.len()).unwrap_or(u32::MAX))
            .build();
        Self {
            layers: slots,
            cache,
            bounds: Cache::new(BOUNDS_KEPT),
        }
    }

    /// The layer of that name, if the set has it.
    pub fn layer(&self, name: LayerName) -> Option<&Arc<Layer>> {
        self.layers[name.index()].as_ref()
    }

    /// The version a tile would be answered with, without encoding it: for `If-None-Match`.
    pub fn version(&self, layers: &[LayerName], tile: TileId) -> u64 {
        sum(self.versions(mask(layers), tile))
    }

    /// The tile of these layers as the scope may see it. Layers that the set lacks are left out;
    /// their order and repetitions do not matter.
    ///
    /// Blocks while encoding (about a millisecond); callers that ask for the same missing tile at
    /// once share one encoding.
    pub fn tile(&self, layers: &[LayerName], tile: TileId, scope: &ScopeFilter) -> TileAnswer {
        self.tile_as(layers, tile, || scope.clone())
    }

    /// As [`TileSet::tile`], for a scope that is worked out from what is known of scopes by now.
    ///
    /// It is asked for after the versions are read. A change that brings a scope of its own makes
    /// the scope known first and raises the version last, so a tile that bears the version was made
    /// by a filter that knew the scope.
    pub fn tile_as(&self, layers: &[LayerName], tile: TileId, scope: impl FnOnce() -> ScopeFilter) -> TileAnswer {
        let layers = mask(layers);
        // Versions are read before the features: the body is then at least as new as its version
        // says, and a change that comes in between raises the version afterwards.
        let late_batches = self.chosen(layers).map(|layer| layer.late_batches()).sum();
        let versions = self.versions(layers, tile);
        let scope = scope();
        let key = Key {
            layers,
            tile,
            scope: scope.clone(),
            versions,
            late_batches,
        };
        let body = self.cache.get_with(key, || self.encoded(layers, tile, &scope));
        TileAnswer {
            body,
            etag_version: sum(versions),
        }
    }

    /// West, south, east and north in degrees of what a scope sees of these layers; `None` where
    /// that is nothing.
    ///
    /// Blocks while it looks at every feature of a layer, once per scope and state of the layer.
    pub fn bounds(&self, layers: &[LayerName], scope: impl FnOnce() -> ScopeFilter) -> Option<[f64; 4]> {
        let layers: Vec<(&Arc<Layer>, u64, u64)> = self
            .chosen(mask(layers))
            .map(|layer| (layer, layer.position(), layer.late_batches()))
            .collect();
        let scope = scope();
        let mut bounds: Option<[f64; 4]> = None;
        for (layer, position, late_batches) in layers {
            let key = (layer.name(), scope.clone(), position, late_batches);
            let of_layer = self.bounds.get_with(key, || layer.bounds(&scope));
            bounds = match (bounds, of_layer) {
                (Some([west, south, east, north]), Some([w, s, e, n])) => {
                    Some([west.min(w), south.min(s), east.max(e), north.max(n)])
                }
                (one, other) => one.or(other),
            };
        }
        bounds
    }

    /// Number of tiles and their bytes in the cache, about.
    pub fn cached(&self) -> (u64, u64) {
        self.cache.run_pending_tasks();
        (self.cache.entry_count(), self.cache.weighted_size())
    }

    fn chosen(&self, layers: u8) -> impl Iterator<Item = &Arc<Layer>> {
        self.layers
            .iter()
            .flatten()
            .filter(move |layer| layers & 1 << layer.name().index() != 0)
    }

    fn versions(&self, layers: u8, tile: TileId) -> [u64; LayerName::ALL.len()] {
        let mut versions = [0; LayerName::ALL.len()];
        for layer in self.chosen(layers) {
            versions[layer.name().index()] = layer.version(tile);
        }
        versions
    }

    fn encoded(&self, layers: u8, tile: TileId, scope: &ScopeFilter) -> Arc<[u8]> {
        thread_local! {
            static RAW: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        RAW.with_borrow_mut(|raw| {
            raw.clear();
            for layer in self.chosen(layers) {
                layer.encode_into(tile, scope, raw);
            }
            let body = gzip(raw);
            raw.shrink_to(SCRATCH_BYTES);
            body
        })
    }
}

fn mask(layers: &[LayerName]) -> u8 {
    layers.iter().fold(0, |mask, layer| mask | 1 << layer.index())
}

/// A sum, unlike a maximum, grows with every change of any layer even if layers do not follow the
/// same ledger.
fn sum(versions: [u64; LayerName::ALL.len()]) -> u64 {
    versions.iter().fold(0, |sum, version| sum.wrapping_add(*version))
}

/// Level 1: level 0, which the library calls its fastest, does not compress at all, and higher ones
/// take twice the time for a twentieth of the size.
fn quick() -> CompressionLvl {
    CompressionLvl::new(1).unwrap_or_default()
}

fn gzip(raw: &[u8]) -> Arc<[u8]> {
    thread_local! {
        static COMPRESSOR: RefCell<(Compressor, Vec<u8>)> =
            RefCell::new((Compressor::new(quick()), Vec::new()));
    }
    if raw.is_empty() {
        return Arc::default();
    }
    COMPRESSOR.with_borrow_mut(|(compressor, buffer)| {
        buffer.resize(compressor.gzip_compress_bound(raw.len()), 0);
        // Only a buffer below the bound can fail; an empty answer would then say "no tile", which
        // is why the bound is asked for just above.
        let length = compressor.gzip_compress(raw, buffer).unwrap_or(0);
        let body = buffer[..length].into();
        buffer.truncate(0);
        buffer.shrink_to(SCRATCH_BYTES);
        body
    })
}
