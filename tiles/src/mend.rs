//! Mending: rings that touch or cross become valid polygons of the same places, by the even-odd rule.
//!
//! All of it is exact. Edges are snap-rounded (Hobby's method): every corner and every crossing makes
//! the unit square around its nearest whole place hot, and an edge that passes through a hot square is
//! led through its middle. Afterwards edges meet in common corners only, without another round. What an
//! even number of rings runs along separates nothing and is dropped; what is left is walked around with
//! the inside always on the same hand.
//!
//! Coordinates are those of one buffered tile, so no product here comes near the end of an `i64`.

use std::cmp::Ordering;

use crate::{
    clip::{Point, Ring},
    simplify::{area, close, push_corner},
};

/// How many edges an edge is compared with, on average, before the question is given up.
const COMPARISONS_PER_EDGE: usize = 1_000;

const EDGES_PER_STRIP: usize = 24;
const MOST_STRIPS: usize = 512;

/// Side of the cells by which hot squares are found, in powers of two.
const CELL: u32 = 5;

/// Twice the signed area of a triangle.
fn turn(a: Point, b: Point, c: Point) -> i64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

#[derive(Clone, Copy)]
struct Edge {
    a: Point,
    b: Point,
    ring: usize,
    index: usize,
    length: usize,
}

impl Edge {
    fn low(&self, axis: usize) -> i64 {
        self.a[axis].min(self.b[axis])
    }

    fn high(&self, axis: usize) -> i64 {
        self.a[axis].max(self.b[axis])
    }

    /// Whether two edges meet anywhere except at the corner that neighbours share.
    fn meets(&self, other: &Self) -> bool {
        if self.ring == other.ring {
            let gap = self.index.abs_diff(other.index);
            if gap == 1 || gap == self.length - 1 {
                // Corners on a straight line were removed, so neighbours cannot overlap.
                return false;
            }
        }
        let (first, second) = self.sides(other);
        // Boxes overlap, so edges on one straight line (both products 0) do meet.
        first <= 0 && second <= 0 && self.low(0) <= other.high(0) && other.low(0) <= self.high(0)
    }
}
