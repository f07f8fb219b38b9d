//! What all readers of shapes share: counting vertices against the limit, and noting what was
//! dropped or closed on the way.

use geo_types::{Coord, LineString, Polygon};

use crate::source::{SourceRow, Unreadable};

/// Deeper collections of collections are refused.
pub(super) const MAX_COLLECTION_DEPTH: u32 = 16;
/// Parts and rings of one shape; real ones have thousands.
pub(super) const MAX_PARTS: usize = 200_000;

/// What the reading of one shape noted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Notes {
    limit: u64,
    vertices: u64,
    parts: usize,
    closed_rings: u32,
    pub dropped_z: bool,
    pub dropped_m: bool,
}

impl Notes {
    /// For a shape of so many vertices at most.
    pub fn new(limit: u64) -> Notes {
        Notes {
            limit,
            vertices: 0,
            parts: 0,
            closed_rings: 0,
            dropped_z: false,
            dropped_m: false,
        }
    }

    /// Counts vertices before room is made for them.
    pub fn count(&mut self, vertices: u64) -> Result<(), Unreadable> {
        self.vertices = self.vertices.saturating_add(vertices);
        if self.vertices > self.limit {
            return Err(Unreadable::TooManyVertices {
                count: self.vertices,
                limit: self.limit,
            });
        }
        Ok(())
    }

    /// Counts a part or ring.
    pub fn part(&mut self) -> Result<(), Unreadable> {
        self.parts += 1;
        if self.parts > MAX_PARTS {
            return Err(bad("the shape has too many parts"));
        }
        Ok(())
    }

    /// A ring, closed where it isn't.
    pub fn ring(&mut self, mut ring: Vec<Coord<f64>>) -> LineString<f64> {
        if ring.len() > 1 && ring.first() != ring.last() {
            ring.extend(ring.first().copied());
            self.closed_rings += 1;
        }
        LineString(ring)
    }

    /// Writes into the row what was noted.
    pub fn note(self, row: &mut SourceRow) {
        row.dropped_z = self.dropped_z;
        row.dropped_m = self.dropped_m;
        row.closed_rings = self.closed_rings;
    }
}

/// The geometry has the wrong form.
pub(super) fn bad(detail: impl Into<String>) -> Unreadable {
    Unreadable::Geometry { detail: detail.into() }
}

/// A kind of geometry that has no place here.
pub(super) fn kind(kind: impl Into<String>) -> Unreadable {
    Unreadable::Kind { kind: kind.into() }
}

/// A position of two finite numbers.
pub(super) fn position(x: f64, y: f64) -> Result<Coord<f64>, Unreadable> {
    if x.is_finite() && y.is_finite() {
        Ok(Coord { x, y })
    } else {
        Err(Unreadable::NotFinite)
    }
}

/// Rings to a polygon: the first is the shell. Holes without a point are left out.
pub(super) fn polygon(rings: Vec<LineString<f64>>) -> Polygon<f64> {
    let mut rings = rings.into_iter();
    let shell = rings.next().unwrap_or_else(|| LineString(Vec::new()));
    Polygon::new(shell, rings.filter(|ring| !ring.0.is_empty()).collect())
}
