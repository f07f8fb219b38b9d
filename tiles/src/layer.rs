//! The face: one layer that many read while one writes.

use std::{
    collections::BinaryHeap,
    sync::atomic::{AtomicU64, Ordering},
};

use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::{
    draw::draw,
    feature::{Change, Dictionary, Feature, FeatureId, LayerName, ScopeFilter},
    grid::{TileId, WorldBox, WorldPoint},
    shape::{Kind, ShapeView},
    simplify::squared_distance_to_segment,
    store::{Segment, Store},
    versions::{Touched, Versions},
};

/// Changes applied before readers get their turn.
const CHANGES_AT_ONCE: usize = 512;

/// The features of one layer, ready for tiles and for questions about places.
///
/// Every method may be called from any thread. Reading takes a shared lock for as long as one tile
/// takes to encode; [`Layer::apply`] takes the exclusive lock for a few hundred changes at a time.
#[derive(Debug)]
pub struct Layer {
    name: LayerName,
    dictionary: Dictionary,
    /// This lock lets no new reader pass a waiting writer. The standard library's does when its
    /// readers come one after the other, and changes would take seconds on a busy server.
    store: RwLock<Store>,
    versions: RwLock<Versions>,
    /// Held by the one who applies changes, so that packing may read without stopping readers.
    writing: Mutex<()>,
    position: AtomicU64,
    late_batches: AtomicU64,
}

/// Collects features for a layer one by one, so that a million of them need not stand in a list
/// first.
#[derive(Debug)]
pub struct LayerBuilder {
    name: LayerName,
    dictionary: Dictionary,
    arrived: Segment,
}

impl LayerBuilder {
    /// A builder whose features' words come from `dictionary`.
    pub fn new(name: LayerName, dictionary: Dictionary) -> Self {
        Self {
            name,
            dictionary,
            arrived: Segment::default(),
        }
    }

    /// Makes room for so many features.
    pub fn reserve(&mut self, features: usize) {
        self.arrived.reserve(features);
    }

    /// The dictionary the features' words come from.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// Adds a feature; a later one with the same id replaces it.
    pub fn push(&mut self, feature: &Feature) {
        self.arrived.push(feature);
    }

    /// Number of features pushed.
    pub fn len(&self) -> usize {
        self.arrived.len()
    }

    /// Whether nothing was pushed.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sorts, indexes and sums up; about 0.5 µs a feature, on two threads. `position` is the
    /// ledger position the features stand for and becomes the version of every tile.
    pub fn finish(self, position: u64) -> Layer {
        Layer {
            name: self.name,
            dictionary: self.dictionary,
            store: RwLock::new(Store::pack(self.arrived)),
            versions: RwLock::new(Versions::new(position)),
            writing: Mutex::new(()),
            position: AtomicU64::new(position),
            late_batches: AtomicU64::new(0),
        }
    }
}

impl Layer {
    /// A layer of these features, whose words come from `dictionary`, as of ledger position
    /// `position`. [`LayerBuilder`] does the same without a list.
    pub fn load(
        name: LayerName,
        dictionary: Dictionary,
        features: impl IntoIterator<Item = Feature>,
        position: u64,
    ) -> Self {
        let mut builder = LayerBuilder::new(name, dictionary);
        for feature in features {
            builder.push(&feature);
        }
        builder.finish(position)
    }

    /// Which layer this is.
    pub fn name(&self) -> LayerName {
        self.name
    }

    /// The dictionary that the words of its features come from.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// Number of features.
    pub fn len(&self) -> usize {
        self.read().len()
    }

    /// Whether there is no feature.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether the feature is in the layer.
    pub fn contains(&self, id: FeatureId) -> bool {
        self.read().find(id).is_some()
    }

    /// Ledger position of the last batch applied, or the one loaded.
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// West, south, east and north in degrees of what a scope sees; `None` where that is nothing.
    ///
    /// Of everything it is known; for a filter every feature is looked at. [`crate::TileSet::bounds`]
    /// keeps the answer.
    pub fn bounds(&self, scope: &ScopeFilter) -> Option<[f64; 4]> {
        let store = self.read();
        let bounds = match scope {
            ScopeFilter::All => store.index().bounds()?,
            ScopeFilter::Only(_) => store.bounds_of(scope)?,
        };
        drop(store);
        let degrees = |x, y| WorldPoint { x, y }.to_degrees();
        let (west, north) = degrees(bounds.min_x, bounds.min_y);
        let (east, south) = degrees(bounds.max_x, bounds.max_y);
        Some([west, south, east, north])
    }

    /// Number of features and their area in square metres, as counted in the totals of tiles.
    pub fn totals(&self) -> (u64, f64) {
        let everything = self.read().summary().everything();
        (everything.count, everything.area_m2())
    }

    /// Bytes held for features, indexes, totals and versions; the dictionary, which layers may
    /// share, is counted in each.
    pub fn memory_bytes(&self) -> usize {
        let versions = self.versions.read();
        self.read().memory_bytes() + versions.memory_bytes() + self.dictionary.read().memory_bytes()
    }

    /// Applies a batch of changes and raises the version of every touched tile to `position`.
    ///
    /// Applying the same batch again changes nothing. Positions come from one ledger and should
    /// grow from batch to batch; what happens inside a batch becomes visible in steps, its versions
    /// at the end, so no answer given meanwhile is taken for the final one.
    ///
    /// When edits have gathered to a quarter of the layer it is packed again before this returns;
    /// readers go on meanwhile.
    pub fn apply(&self, changes: Vec<Change>, position: u64) {
        let _writing = self.writing.lock();
        let mut touched = Touched::default();
        for changes in changes.chunks(CHANGES_AT_ONCE) {
            let mut store = self.store.write();
            for change in changes {
                match change {
                    Change::Put(feature) => store.put(feature, &mut touched),
                    Change::Remove(id) => store.remove(*id, &mut touched),
                }
            }
            // Readers that waited go first, not the next round of this loop.
            RwLockWriteGuard::unlock_fair(store);
        }
        touched.settle(|region| self.read().summary().extent(region));
        if !touched.is_empty() {
            if self.position() >= position {
                // Tiles may keep their version although they changed: see `TileSet`.
                self.late_batches.fetch_add(1, Ordering::AcqRel);
            }
            self.versions.write().raise(&touched, position);
        }
        self.position.fetch_max(position, Ordering::AcqRel);
        let packed = {
            let store = self.read();
            store.wants_packing().then(|| store.packed())
        };
        if let Some(packed) = packed {
            let mut store = self.store.write();
            let old = std::mem::replace(&mut *store, packed);
            // Freeing a million entries takes a while; readers need not wait for it.
            drop(store);
            drop(old);
        }
    }

    /// Ledger position of the last change that may have altered the tile.
    ///
    /// Zooms above 14 share the version of their ancestor at zoom 14. Below zoom 9 a change also
    /// touches the tiles over its region, where the region's total stands.
    pub fn version(&self, tile: TileId) -> u64 {
        self.versions.read().of(tile)
    }

    /// How many batches came with a position that was not above the one before. Part of the cache
    /// key, because such a batch may leave versions as they were.
    pub(crate) fn late_batches(&self) -> u64 {
        self.late_batches.load(Ordering::Acquire)
    }

    /// This layer's part of a tile as raw MVT 2.1; empty when there is nothing to show.
    ///
    /// At feature zooms an MVT layer of the layer's name; below, one named by
    /// [`LayerName::totals_name`] that counts every visible feature once.
    pub fn encode(&self, tile: TileId, scope: &ScopeFilter) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode_into(tile, scope, &mut out);
        out
    }

    pub(crate) fn encode_into(&self, tile: TileId, scope: &ScopeFilter, out: &mut Vec<u8>) {
        let store = self.read();
        let words = self.dictionary.read();
        draw(self.name, &store, &words, tile, scope, out);
    }

    /// Ids, in ascending order, of the visible features whose bounding box meets a box given in
    /// degrees. A box that is not a box (NaN, west of east) meets nothing.
    pub fn query_box(&self, west: f64, south: f64, east: f64, north: f64, scope: &ScopeFilter) -> Vec<FeatureId> {
        let clamped = |longitude: f64, latitude: f64| {
            WorldPoint::from_degrees(longitude.clamp(-180.0, 180.0), latitude.clamp(-90.0, 90.0))
        };
        let (Some(low), Some(high)) = (clamped(west, north), clamped(east, south)) else {
            return Vec::new();
        };
        if west > east || south > north {
            return Vec::new();
        }
        let bounds = WorldBox {
            min_x: low.x,
            min_y: low.y,
            max_x: high.x,
            max_y: high.y,
        };
        let store = self.read();
        let mut ids: Vec<FeatureId> = store
            .index()
            .meeting(&bounds)
            .map(|number| store.slot(number))
            .filter(|slot| scope.allows(slot.scope))
            .map(|slot| slot.id)
            .collect();
        ids.sort_unstable();
        ids
    }

    /// The visible features nearest to a place in degrees, nearest first, at most `count`.
    ///
    /// The distance is that to the shape itself (0 inside it) in Web Mercator, which near one place
    /// ranks as the ground does; equal distances rank by id.
    pub fn nearest(&self, longitude: f64, latitude: f64, count: usize, scope: &ScopeFilter) -> Vec<FeatureId> {
        let Some(place) = WorldPoint::from_degrees(longitude, latitude) else {
            return Vec::new();
        };
        let store = self.read();
        let mut best: BinaryHeap<Neighbour> = BinaryHeap::new();
        for (number, box_distance) in store.index().outward(place.x, place.y) {
            // Boxes come by growing distance, and no shape is nearer than its box.
            if best.len() == count && best.peek().is_none_or(|worst| box_distance > worst.squared_distance) {
                break;
            }
            let slot = store.slot(number);
            if !scope.allows(slot.scope) {
                continue;
            }
            best.push(Neighbour {
                squared_distance: squared_distance(place, store.shape(number)),
                id: slot.id,
            });
            if best.len() > count {
                best.pop();
            }
        }
        best.into_sorted_vec()
            .into_iter()
            .map(|neighbour| neighbour.id)
            .collect()
    }

    fn read(&self) -> RwLockReadGuard<'_, Store> {
        self.store.read()
    }
}

#[derive(Clone, Copy, Debug)]
struct Neighbour {
    squared_distance: f64,
    id: FeatureId,
}

impl Ord for Neighbour {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.squared_distance
            .total_cmp(&other.squared_distance)
            .then(self.id.cmp(&other.id))
    }
}

impl PartialOrd for Neighbour {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Neighbour {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Neighbour {}

/// Squared distance in world units from a place to a shape; 0 inside it.
fn squared_distance(place: WorldPoint, shape: ShapeView<'_>) -> f64 {
    let point = [place.x, place.y];
    let mut least = f64::INFINITY;
    let mut inside = false;
    match shape.kind {
        Kind::Points => {
            for &vertex in shape.vertices {
                least = least.min(squared_distance_to_segment(point, vertex, vertex));
            }
        }
        Kind::Polygons => {
            for ring in shape.rings() {
                let mut previous = ring.vertices.last().copied().unwrap_or(point);
                for &vertex in ring.vertices {
                    least = least.min(squared_distance_to_segment(point, previous, vertex));
                    if crosses_eastward(point, previous, vertex) {
                        inside = !inside;
                    }
                    previous = vertex;
                }
            }
        }
    }
    if inside { 0.0 } else { least }
}

/// Whether a ray from the point to the east crosses the edge.
fn crosses_eastward(point: [u32; 2], a: [u32; 2], b: [u32; 2]) -> bool {
    if (a[1] > point[1]) == (b[1] > point[1]) {
        return false;
    }
    let signed = |value: u32| i128::from(value);
    let turn = (signed(b[0]) - signed(a[0])) * (signed(point[1]) - signed(a[1]))
        - (signed(b[1]) - signed(a[1])) * (signed(point[0]) - signed(a[0]));
    (turn > 0) == (b[1] > a[1])
}
