//! Which tiles a change touches: the position of the last change for every tile.

use std::collections::{HashMap, HashSet};

use crate::{
    feature::Word,
    grid::{TileId, WorldBox, cell},
};

/// Tiles below this zoom share the version of their ancestor here. A finer record would cost more
/// than encoding a few neighbours again.
const FINEST: u8 = 14;

/// A box over more tiles of one zoom than this is recorded at a coarser zoom for all that is below.
const MANY: u64 = 256;

/// Lowest zoom at which totals no longer depend on regions.
pub(crate) const REGION_ZOOMS: u8 = 9;

/// Positions of the last changes. Only touched tiles are kept; all others have the position at
/// which the layer was loaded.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    loaded: u64,
    /// Tiles of zooms 0 to 14.
    touched: HashMap<u64, u64>,
    /// Tiles with everything below them.
    below: HashMap<u64, u64>,
    /// All tiles that may carry totals by region.
    regions: u64,
}

/// What one batch of changes touches.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    tiles: Keys,
    below: Keys,
    regions: HashSet<Word>,
    all_regions: bool,
}

/// A set of tiles. Neighbouring changes touch the same few tiles over and over, so most additions
/// repeat one of the last; the rest is sorted out now and then.
#[derive(Debug, Default)]
struct Keys {
    keys: Vec<u64>,
    settle_at: usize,
}

impl Keys {
    fn insert(&mut self, tile: TileId) {
        if self.keys.len() >= self.settle_at {
            self.settle();
            self.settle_at = (self.keys.len() * 2).max(1 << 14);
        }
        self.keys.push(tile.key());
    }

    fn settle(&mut self) {
        self.keys.sort_unstable();
        self.keys.dedup();
    }
}

impl Touched {
    /// Every tile in which something within the box may show.
    pub fn add(&mut self, bounds: &WorldBox) {
        self.add_zooms(bounds, FINEST);
    }

    /// Every tile in which the total of the region may stand.
    pub fn add_region(&mut self, region: Word) {
        if region != Word::NONE {
            self.regions.insert(region);
        }
    }

    /// Turns regions into tiles and forgets repetitions; `extent` is the box around all places
    /// that the total of a region may have had or may have now.
    pub fn settle(&mut self, extent: impl Fn(Word) -> WorldBox) {
        for region in std::mem::take(&mut self.regions) {
            let bounds = extent(region);
            if bounds.is_empty() {
                continue;
            }
            if count(bounds.tiles(REGION_ZOOMS - 1)) > MANY {
                self.all_regions = true;
            } else {
                self.add_zooms(&bounds, REGION_ZOOMS - 1);
            }
        }
        self.tiles.settle();
        self.below.settle();
    }

    fn add_zooms(&mut self, bounds: &WorldBox, finest: u8) {
        if bounds.is_empty() {
            return;
        }
        for z in 0..=finest {
            let tiles = bounds.tiles(z);
            if count(tiles) > MANY {
                let coarser = z.saturating_sub(1);
                for tile in every(coarser, bounds.tiles(coarser)) {
                    self.below.insert(tile);
                }
                return;
            }
            for tile in every(z, tiles) {
                self.tiles.insert(tile);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.tiles.keys.is_empty() && self.below.keys.is_empty() && !self.all_regions
    }
}

fn count([west, north, east, south]: [u32; 4]) -> u64 {
    u64::from(east - west + 1) * u64::from(south - north + 1)
}

fn every(z: u8, [west, north, east, south]: [u32; 4]) -> impl Iterator<Item = TileId> {
    (north..=south).flat_map(move |y| (west..=east).filter_map(move |x| TileId::new(z, x, y).ok()))
}

impl Versions {
    pub fn new(loaded: u64) -> Self {
        Self {
            loaded,
            ..Self::default()
        }
    }

    /// Position of the last change that may have altered the tile.
    pub fn of(&self, tile: TileId) -> u64 {
        let at = |map: &HashMap<u64, u64>, tile: TileId| map.get(&tile.key()).copied().unwrap_or(self.loaded);
        let mut version = self.loaded.max(at(&self.touched, tile.ancestor(FINEST)));
        if tile.z() < REGION_ZOOMS {
            version = version.max(self.regions);
        }
        if !self.below.is_empty() {
            for z in 0..=tile.z().min(FINEST) {
                version = version.max(at(&self.below, tile.ancestor(z)));
            }
        }
        version
    }

    /// Raises every touched tile to `position`; a version never falls.
    pub fn raise(&mut self, touched: &Touched, position: u64) {
        for (map, keys) in [(&mut self.touched, &touched.tiles), (&mut self.below, &touched.below)] {
            for &key in &keys.keys {
                let version = map.entry(key).or_default();
                *version = position.max(*version);
            }
        }
        if touched.all_regions {
            self.regions = position.max(self.regions);
        }
    }

    pub fn memory_bytes(&self) -> usize {
        (self.touched.capacity() + self.below.capacity()) * 17
    }
}

/// Whether a place lies in a tile.
pub(crate) fn holds(tile: TileId, x: u32, y: u32) -> bool {
    cell(x, tile.z()) == tile.x() && cell(y, tile.z()) == tile.y()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small_box() -> WorldBox {
        WorldBox {
            min_x: 3_000_000_000,
            min_y: 1_700_000_000,
            max_x: 3_000_001_000,
            max_y: 1_700_001_000,
        }
    }

    #[test]
    fn only_tiles_under_the_box_are_raised() {
        let mut versions = Versions::new(5);
        let mut touched = Touched::default();
        touched.add(&small_box());
        versions.raise(&touched, 9);
        for z in 0..=20 {
            let [west, north, east, south] = small_box().tiles(z);
            let inside = TileId::new(z, west, north).unwrap();
            assert_eq!(versions.of(inside), 9, "zoom {z}");
            let coarse = z.min(FINEST);
            let step = 1 << (z - coarse);
            if z > 2 {
                let beside = TileId::new(z, east + 2 * step, south).unwrap();
                assert_eq!(versions.of(beside), 5, "zoom {z}");
            }
        }
    }

    #[test]
    fn a_box_over_the_world_raises_every_tile_and_stays_small() {
        let mut versions = Versions::new(5);
        let mut touched = Touched::default();
        touched.add(&WorldBox {
            min_x: 0,
            min_y: 0,
            max_x: u32::MAX,
            max_y: u32::MAX,
        });
        versions.raise(&touched, 9);
        assert!(versions.memory_bytes() < 20_000);
        for (z, x, y) in [(0, 0, 0), (4, 3, 9), (14, 9, 9), (20, 1_000_000, 77)] {
            assert_eq!(versions.of(TileId::new(z, x, y).unwrap()), 9);
        }
    }

    #[test]
    fn a_version_never_falls() {
        let mut versions = Versions::new(5);
        let mut touched = Touched::default();
        touched.add(&small_box());
        versions.raise(&touched, 9);
        versions.raise(&touched, 7);
        let [west, north, ..] = small_box().tiles(14);
        assert_eq!(versions.of(TileId::new(14, west, north).unwrap()), 9);
    }
}
