//! To the tile: clipping by whole polygons, and whether snapping broke them.
//!
//! A polygon is cut by one straight line after another. Each cut pairs the places where *all* its
//! rings cross the line, in their order along the line: between the first and the second the line
//! runs inside, between the second and the third outside, and so on. Joining the pairs therefore
//! gives whole polygons again: a bay that leaves the tile splits the polygon in two instead of
//! leaving a line along the edge, and a hole that leaves the tile becomes part of the outline.
//!
//! Rings need not be simple where the tile cannot see them: long rings arrive with shortcuts that
//! may cross one another out there, also on a line's far ends. So the pairs are not simply every
//! two neighbours: an entry is paired with an exit, as brackets are, which keeps how often each
//! place left over is gone around, and in which sense. In the tile that is once, whatever happened
//! outside.
//!
//! Corners are whole tile coordinates and the cutting lines lie half-way between two of them, so
//! no corner is ever on a line and no case is special. To stay with integers, coordinates are
//! doubled while cutting: corners are even, lines are odd.

use std::ops::{ControlFlow, RangeInclusive};

use crate::{
    grid::{BUFFER, EXTENT},
    simplify::{area, close, push_corner},
};

/// A place in tile coordinates, x to the east and y to the south.
pub(crate) type Point = [i64; 2];

/// An open ring.
pub(crate) type Ring = Vec<Point>;

/// First and last tile coordinate inside the cutting lines. What crosses a line is drawn out to
/// the buffer's edge, one coordinate further.
pub(crate) const INSIDE: (i64, i64) = (1 - BUFFER as i64, (EXTENT + BUFFER) as i64 - 1);

/// Twice the signed area of a triangle.
pub(crate) fn cross(a: Point, b: Point, c: Point) -> i128 {
    i128::from(b[0] - a[0]) * i128::from(c[1] - a[1]) - i128::from(b[1] - a[1]) * i128::from(c[0] - a[0])
}

/// Where corners lie against the cutting lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Inside,
    Outside,
    Across,
}

/// Places the box of some corners.
pub(crate) fn place<'a>(corners: impl IntoIterator<Item = &'a Point>) -> Place {
    let (mut low, mut high) = ([i64::MAX; 2], [i64::MIN; 2]);
    for corner in corners {
        for axis in 0..2 {
            low[axis] = low[axis].min(corner[axis]);
            high[axis] = high[axis].max(corner[axis]);
        }
    }
    if (0..2).any(|axis| high[axis] < INSIDE.0 || low[axis] > INSIDE.1) {
        Place::Outside
    } else if (0..2).all(|axis| low[axis] >= INSIDE.0 && high[axis] <= INSIDE.1) {
        Place::Inside
    } else {
        Place::Across
    }
}

/// Cuts one polygon (an outer ring, then its holes) to the buffered tile. The result may be several
/// polygons: outer rings have positive area, holes negative, in no particular order.
pub(crate) fn clip(polygon: &[Ring]) -> Vec<Ring> {
    let mut rings: Vec<Ring> = polygon
        .iter()
        .map(|ring| ring.iter().map(|&[x, y]| [2 * x, 2 * y]).collect())
        .collect();
    let (low, high) = (2 * INSIDE.0 - 1, 2 * INSIDE.1 + 1);
    for axis in 0..2 {
        cut(&mut rings, axis, low, 1);
        cut(&mut rings, axis, high, -1);
    }
    // Only corners made by a cut are odd; they go outward, where no other corner can be.
    let halve = |doubled: i64| match doubled {
        _ if doubled == low => INSIDE.0 - 1,
        _ if doubled == high => INSIDE.1 + 1,
        _ => doubled / 2,
    };
    rings
        .into_iter()
        .filter_map(|ring| {
            let mut corners = Ring::with_capacity(ring.len());
            for [x, y] in ring {
                push_corner(&mut corners, [halve(x), halve(y)]);
            }
            close(&mut corners);
            (area(&corners) != 0).then_some(corners)
        })
        .collect()
}

struct Crossing {
    /// Position along the line, in 1/65536 of a doubled coordinate.
    along: i128,
    /// Number of the chain that begins or ends here.
    chain: usize,
    enters: bool,
}

/// Keeps the side of `line` where `sign × coordinate` is greater.
fn cut(rings: &mut Vec<Ring>, axis: usize, line: i64, sign: i64) {
    let inside = |corner: &Point| (corner[axis] - line) * sign > 0;
    if rings.iter().flatten().all(inside) {
        return;
    }
    let mut whole = Vec::with_capacity(rings.len());
    // Runs of corners inside the line, each from the crossing where it enters to the one where it
    // leaves.
    let mut chains: Vec<Ring> = Vec::new();
    let mut crossings: Vec<Crossing> = Vec::new();
    for ring in rings.drain(..) {
        let Some(outside) = ring.iter().position(|corner| !inside(corner)) else {
            whole.push(ring);
            continue;
        };
        let mut previous = ring[outside];
        let mut run: Option<Ring> = None;
        for step in 1..=ring.len() {
            let corner = ring[(outside + step) % ring.len()];
            let enters = inside(&corner);
            if enters != run.is_some() {
                let (along, at) = crossing(previous, corner, axis, line);
                crossings.push(Crossing {
                    along,
                    chain: chains.len(),
                    enters,
                });
                match run.take() {
                    Some(mut corners) => {
                        corners.push(at);
                        chains.push(corners);
                    }
                    None => run = Some(vec![at, corner]),
                }
            } else if let Some(corners) = &mut run {
                corners.push(corner);
            }
            previous = corner;
        }
    }
    crossings.sort_unstable_by_key(|crossing| (crossing.along, crossing.chain));
    let mut next = vec![0; chains.len()];
    let mut open: Vec<&Crossing> = Vec::new();
    for crossing in &crossings {
        // All that are open are of one kind, and there are as many of either kind in all.
        match open.pop_if(|last| last.enters != crossing.enters) {
            Some(last) if crossing.enters => next[last.chain] = crossing.chain,
            Some(last) => next[crossing.chain] = last.chain,
            None => open.push(crossing),
        }
    }
    for first in 0..chains.len() {
        let mut ring = std::mem::take(&mut chains[first]);
        let mut chain = next[first];
        while !chains[chain].is_empty() {
            ring.append(&mut chains[chain]);
            chain = next[chain];
        }
        if !ring.is_empty() {
            whole.push(ring);
        }
    }
    *rings = whole;
}

/// Where the edge from `a` to `b` crosses the line: its exact place along it, and the corner there.
fn crossing(a: Point, b: Point, axis: usize, line: i64) -> (i128, Point) {
    let other = 1 - axis;
    let rise = i128::from(b[other] - a[other]);
    let run = i128::from(b[axis] - a[axis]);
    let reach = i128::from(line - a[axis]);
    let along = (i128::from(a[other]) << 16) + ((rise * reach) << 16).div_euclid(run);
    let mut corner = [line; 2];
    corner[other] = if rise == 0 {
        // Also keeps a corner that an earlier cut put on its line exactly there.
        a[other]
    } else {
        // To the nearest even number: a whole tile coordinate.
        let nearest = ((along >> 16) + 1).div_euclid(2) * 2;
        i64::try_from(nearest).unwrap_or(a[other])
    };
    (along, corner)
}

/// Puts rings in the order of MVT 2.1: every outer ring followed by its holes. A hole that lies in
/// no outer ring is dropped.
pub(crate) fn grouped(rings: Vec<Ring>) -> Vec<Ring> {
    let (mut outer, holes): (Vec<Ring>, Vec<Ring>) = rings.into_iter().partition(|ring| area(ring) > 0);
    if holes.is_empty() {
        return outer;
    }
    if outer.len() == 1 {
        outer.extend(holes);
        return outer;
    }
    let mut polygons: Vec<Vec<Ring>> = outer.into_iter().map(|ring| vec![ring]).collect();
    for hole in holes {
        house(vec![hole], &mut polygons);
    }
    polygons.into_iter().flatten().collect()
}

/// Puts holes that hang together, and touch no outer ring but from outside, into their polygon.
pub(crate) fn house(holes: Vec<Ring>, polygons: &mut [Vec<Ring>]) {
    // Just west of their westernmost corner is the inside they are cut out of.
    let Some(&corner) = holes.iter().flatten().min() else {
        return;
    };
    let home = polygons
        .iter_mut()
        .filter(|polygon| lies_in_from_west(corner, &polygon[0]))
        // The smallest ring around a hole is its own: outer rings inside one another occur when an
        // island lies in a lake.
        .min_by_key(|polygon| area(&polygon[0]));
    if let Some(polygon) = home {
        polygon.extend(holes);
    }
}

/// Whether a place a hair to the west of a corner, and less to the south, lies in a ring.
fn lies_in_from_west(corner: Point, ring: &Ring) -> bool {
    let edges = ring.iter().zip(ring.iter().cycle().skip(1));
    edges.fold(false, |inside, (&a, &b)| {
        let (top, bottom) = if a[1] < b[1] { (a, b) } else { (b, a) };
        let passes = top[1] <= corner[1] && corner[1] < bottom[1] && cross(top, bottom, corner) < 0;
        inside != passes
    })
}

/// An edge of some rings.
#[derive(Clone, Copy)]
pub(crate) struct Segment {
    pub a: Point,
    pub b: Point,
    ring: usize,
    index: usize,
    length: usize,
}

impl Segment {
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
        let sides = |p: Point, q: Point, r: Point, s: Point| cross(p, q, r).signum() * cross(p, q, s).signum();
        // Boxes overlap, so edges on one straight line (both products 0) do meet.
        sides(self.a, self.b, other.a, other.b) <= 0 && sides(other.a, other.b, self.a, self.b) <= 0
    }
}

pub(crate) fn segments_of(rings: &[Ring]) -> Vec<Segment> {
    let mut segments = Vec::with_capacity(rings.iter().map(Vec::len).sum());
    for (ring, corners) in rings.iter().enumerate() {
        for (index, &a) in corners.iter().enumerate() {
            segments.push(Segment {
                a,
                b: corners[(index + 1) % corners.len()],
                ring,
                index,
                length: corners.len(),
            });
        }
    }
    segments
}

/// How many edges an edge is compared with, on average, before the question is given up.
const COMPARISONS_PER_SEGMENT: usize = 1_000;

const SEGMENTS_PER_STRIP: usize = 24;
const MOST_STRIPS: usize = 512;

/// Flat strips to which edges are dealt out by their y.
pub(crate) struct Strips {
    top: i64,
    bottom: i64,
    height: i64,
}

impl Strips {
    /// Strips for edges of which least and greatest y are given.
    pub(crate) fn new(spans: impl Iterator<Item = (i64, i64)> + Clone) -> Self {
        let (mut top, mut bottom, mut count) = (i64::MAX, i64::MIN, 0);
        for (low, high) in spans.clone() {
            (top, bottom, count) = (top.min(low), bottom.max(high), count + 1);
        }
        if count == 0 {
            (top, bottom) = (0, 0);
        }
        let height_of = |strips: usize| (bottom - top) / i64::try_from(strips).unwrap_or(1) + 1;
        let mut strips = (count / SEGMENTS_PER_STRIP).clamp(1, MOST_STRIPS);
        // Tall edges lie in many strips; fewer strips then, so that the deal stays proportionate.
        while strips > 1 {
            let height = height_of(strips);
            let shares: i64 = spans.clone().map(|(low, high)| (high - low) / height + 2).sum();
            if usize::try_from(shares).unwrap_or(usize::MAX) <= 8 * count {
                break;
            }
            strips /= 2;
        }
        let height = height_of(strips);
        Self { top, bottom, height }
    }

    pub(crate) fn at(&self, y: i64) -> usize {
        usize::try_from((y - self.top) / self.height).unwrap_or(0)
    }

    pub(crate) fn range(&self, low: i64, high: i64) -> RangeInclusive<usize> {
        self.at(low)..=self.at(high)
    }

    pub(crate) fn count(&self) -> usize {
        self.at(self.bottom) + 1
    }
}

/// Gives every two edges whose boxes meet, some of them several times. Breaks when told to, or when
/// edges are so tangled that it would take long.
pub(crate) fn near_pairs(
    segments: &[Segment],
    mut give: impl FnMut(&Segment, &Segment) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let strips = Strips::new(segments.iter().map(|segment| (segment.low(1), segment.high(1))));
    let mut dealt: Vec<Vec<&Segment>> = vec![Vec::new(); strips.count()];
    for segment in segments {
        for strip in &mut dealt[strips.range(segment.low(1), segment.high(1))] {
            strip.push(segment);
        }
    }
    // Each strip is swept from west to east: an edge is compared with those that begin before it ends.
    let mut patience = COMPARISONS_PER_SEGMENT * segments.len();
    for strip in &mut dealt {
        strip.sort_unstable_by_key(|segment| segment.low(0));
        for (position, segment) in strip.iter().enumerate() {
            let end = segment.high(0);
            for other in &strip[position + 1..] {
                if other.low(0) > end {
                    break;
                }
                patience = patience.saturating_sub(1);
                if patience == 0 {
                    return ControlFlow::Break(());
                }
                if segment.low(1) <= other.high(1) && other.low(1) <= segment.high(1) {
                    give(segment, other)?;
                }
            }
        }
    }
    ControlFlow::Continue(())
}

/// Whether no ring touches or crosses itself or another one. Stricter than validity, which allows
/// rings to touch in single points: good enough to say that nothing needs mending. Rings so tangled
/// that the answer would take long are said to need it.
pub(crate) fn rings_are_simple(rings: &[Ring]) -> bool {
    if let [ring] = rings
        && ring.len() <= FEW_CORNERS
    {
        return small_ring_is_simple(ring);
    }
    let told = near_pairs(&segments_of(rings), |segment, other| {
        if segment.meets(other) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    told.is_continue()
}

/// Up to so many corners, comparing every edge with every other one is quicker than sorting them first.
const FEW_CORNERS: usize = 24;

/// [`rings_are_simple`] for one ring of few corners.
fn small_ring_is_simple(ring: &[Point]) -> bool {
    let length = ring.len();
    let edge = |index: usize| Segment {
        a: ring[index],
        b: ring[if index + 1 == length { 0 } else { index + 1 }],
        ring: 0,
        index,
        length,
    };
    (0..length).all(|index| {
        let segment = edge(index);
        (index + 2..length).all(|other| {
            let other = edge(other);
            let boxes_meet =
                (0..2).all(|axis| segment.low(axis) <= other.high(axis) && other.low(axis) <= segment.high(axis));
            !(boxes_meet && segment.meets(&other))
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The two ways of asking agree, on rings that cross themselves and on rings that do not.
        #[test]
        fn small_rings_are_judged_as_large_ones_are(corners in prop::collection::vec([0_i64..12, 0_i64..12], 0..12)) {
            let mut ring = Ring::new();
            for corner in corners {
                crate::simplify::push_corner(&mut ring, corner);
            }
            crate::simplify::close(&mut ring);
            let swept = near_pairs(&segments_of(std::slice::from_ref(&ring)), |segment, other| {
                if segment.meets(other) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            prop_assert_eq!(small_ring_is_simple(&ring), swept.is_continue());
        }
    }
}
