//! The R-tree of one layer: boxes of features with their slot.

use rstar::{
    AABB, RTree,
    primitives::{GeomWithData, Rectangle},
};

use crate::grid::WorldBox;

type Entry = GeomWithData<Rectangle<[f64; 2]>, u32>;

/// Boxes in world units. They are kept as `f64`, which holds 32-bit integers exactly, because the
/// tree computes areas that overflow integers.
#[derive(Debug, Default)]
pub(crate) struct Index {
    tree: RTree<Entry>,
}

fn corners(bounds: &WorldBox) -> ([f64; 2], [f64; 2]) {
    (
        [f64::from(bounds.min_x), f64::from(bounds.min_y)],
        [f64::from(bounds.max_x), f64::from(bounds.max_y)],
    )
}

fn entry(bounds: &WorldBox, slot: u32) -> Entry {
    let (low, high) = corners(bounds);
    Entry::new(Rectangle::from_corners(low, high), slot)
}

impl Index {
    /// Packs all boxes at once; far quicker and tighter than inserting them.
    pub fn bulk_load(boxes: impl Iterator<Item = (WorldBox, u32)>) -> Self {
        Self {
            tree: RTree::bulk_load(boxes.map(|(bounds, slot)| entry(&bounds, slot)).collect()),
        }
    }

    pub fn insert(&mut self, bounds: &WorldBox, slot: u32) {
        self.tree.insert(entry(bounds, slot));
    }

    pub fn remove(&mut self, bounds: &WorldBox, slot: u32) {
        self.tree.remove(&entry(bounds, slot));
    }

    pub fn len(&self) -> usize {
        self.tree.size()
    }

    /// Slots whose box meets the given one, in no particular order.
    pub fn meeting(&self, bounds: &WorldBox) -> impl Iterator<Item = u32> {
        let (low, high) = corners(bounds);
        self.tree
            .locate_in_envelope_intersecting(AABB::from_corners(low, high))
            .map(|entry| entry.data)
    }

    /// Slots by growing distance of their box from a place, with the squared distance in world
    /// units.
    pub fn outward(&self, x: u32, y: u32) -> impl Iterator<Item = (u32, f64)> {
        self.tree
            .nearest_neighbor_iter_with_distance_2([f64::from(x), f64::from(y)])
            .map(|(entry, distance)| (entry.data, distance))
    }

    /// The box of everything.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "made from 32-bit integers"
    )]
    pub fn bounds(&self) -> Option<WorldBox> {
        if self.len() == 0 {
            return None;
        }
        let envelope = self.tree.root().envelope();
        let (low, high) = (envelope.lower(), envelope.upper());
        Some(WorldBox {
            min_x: low[0] as u32,
            min_y: low[1] as u32,
            max_x: high[0] as u32,
            max_y: high[1] as u32,
        })
    }

    /// An estimate: nodes of one entry or one vector with its box, six children on average.
    pub fn memory_bytes(&self) -> usize {
        self.len() * 71
    }
}
