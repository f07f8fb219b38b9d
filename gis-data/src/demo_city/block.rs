//! Blocks between streets, and plots within them.

use geo_types::{Coord, LineString, Polygon};

use super::plan::QuarterKind;

/// A rectangle within a block, metres from its south-western corner.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Plot {
    pub s0: f64,
    pub t0: f64,
    pub s1: f64,
    pub t1: f64,
}

impl Plot {
    pub fn width(&self) -> f64 {
        self.s1 - self.s0
    }

    pub fn depth(&self) -> f64 {
        self.t1 - self.t0
    }

    pub fn area(&self) -> f64 {
        self.width() * self.depth()
    }

    /// Smaller (or, below zero, larger) by so many metres on every side.
    pub fn inset(&self, metres: f64) -> Self {
        Self {
            s0: self.s0 + metres,
            t0: self.t0 + metres,
            s1: self.s1 - metres,
            t1: self.t1 - metres,
        }
    }

    /// The plot that both are together, where they share a whole side.
    pub fn joined(&self, other: &Self) -> Option<Self> {
        let beside = self.t0 == other.t0 && self.t1 == other.t1 && (self.s1 == other.s0 || other.s1 == self.s0);
        let above = self.s0 == other.s0 && self.s1 == other.s1 && (self.t1 == other.t0 || other.t1 == self.t0);
        (beside || above).then(|| Self {
            s0: self.s0.min(other.s0),
            t0: self.t0.min(other.t0),
            s1: self.s1.max(other.s1),
            t1: self.t1.max(other.t1),
        })
    }

    /// Do they share a piece of a side?
    pub fn touches(&self, other: &Self) -> bool {
        self.s0 <= other.s1 && other.s0 <= self.s1 && self.t0 <= other.t1 && other.t0 <= self.t1
    }
}

/// A block between streets.
#[derive(Debug, Clone)]
pub(super) struct Block {
    pub quarter: QuarterKind,
    /// South-west, south-east, north-east, north-west.
    pub corners: [Coord<f64>; 4],
    pub width: f64,
    pub depth: f64,
    /// The street its addresses are counted along.
    pub street: String,
    /// Where it lies along the axis and across it, from −1 to 1.
    pub place: (f64, f64),
    pub is_park: bool,
    pub lots: Vec<Plot>,
}

impl Block {
    /// A point of the block. Lines along and across the block stay straight, so what shares a side does so exactly.
    pub fn at(&self, s: f64, t: f64) -> Coord<f64> {
        let (s, t) = (s / self.width, t / self.depth);
        let [sw, se, ne, nw] = self.corners;
        sw * ((1.0 - s) * (1.0 - t)) + se * (s * (1.0 - t)) + ne * (s * t) + nw * ((1.0 - s) * t)
    }

    pub fn whole(&self) -> Plot {
        Plot {
            s0: 0.0,
            t0: 0.0,
            s1: self.width,
            t1: self.depth,
        }
    }

    pub fn polygon(&self, plot: &Plot) -> Polygon<f64> {
        self.ring(&[
            (plot.s0, plot.t0),
            (plot.s1, plot.t0),
            (plot.s1, plot.t1),
            (plot.s0, plot.t1),
        ])
    }

    pub fn ring(&self, corners: &[(f64, f64)]) -> Polygon<f64> {
        let mut ring: Vec<_> = corners.iter().map(|(s, t)| self.at(*s, *t)).collect();
        ring.extend(ring.first().copied());
        Polygon::new(LineString(ring), Vec::new())
    }
}
