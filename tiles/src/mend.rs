//! Mending: rings that touch or cross become valid polygons of the same places, by the even-odd rule.
//!
//! All of it is exact. Edges are snap-rounded (Hobby's method): every corner and every crossing makes
//! the unit square around its nearest whole place hot, and an edge that passes through a hot square is
//! led through its middle. Edges then meet in common corners only, without another round. Where an even
//! number of them lie on one another they separate nothing and are dropped; what is left is walked
//! around with the inside always on the same hand.
//!
//! Coordinates are those of one buffered tile, so no product here comes near the end of an `i64`.

use std::{collections::HashMap, ops::ControlFlow};

use crate::{
    clip::{Point, Ring, Strips, house, near_pairs, rings_are_simple, segments_of},
    simplify::{area, close, push_corner},
};

/// Side of the cells by which hot squares are found, as a power of two.
const CELL: u32 = 5;

/// Rebuilds rings that touch or cross into valid polygons covering the same places (even-odd),
/// grouped for MVT.
pub(crate) fn mended(mut rings: Vec<Ring>) -> Vec<Ring> {
    if let [ring] = rings.as_mut_slice()
        && rings_are_simple(std::slice::from_ref(ring))
    {
        // Snapping may turn a sliver inside out.
        if area(ring) < 0 {
            ring.reverse();
        }
        return rings;
    }
    overlaid(&rings).into_iter().flatten().collect()
}

/// Polygons of an outer ring, with positive area, and its holes.
fn overlaid(rings: &[Ring]) -> Vec<Vec<Ring>> {
    let halves = Halves::of(noded(rings));
    let upward = || halves.0.iter().filter(|half| half[0][1] < half[1][1]);
    let strips = Strips::new(upward().map(|half| (half[0][1], half[1][1])));
    let mut dealt = vec![Vec::new(); strips.count()];
    for half in upward() {
        for strip in &mut dealt[strips.range(half[0][1], half[1][1])] {
            strip.push(*half);
        }
    }
    let mut visited = vec![false; halves.0.len()];
    let mut polygons = Vec::new();
    let mut inner = Vec::new();
    for start in 0..halves.0.len() {
        let [from, to] = halves.0[start];
        // Every way around has an edge that leads upward, by which its sides can be told.
        if visited[start] || from[1] >= to[1] {
            continue;
        }
        let middle = [from[0] + to[0], from[1] + to[1]];
        let odd = dealt[strips.at(from[1].midpoint(to[1]))]
            .iter()
            .filter(|half| passes_left_of(half.map(|[x, y]| [2 * x, 2 * y]), middle))
            .count()
            % 2
            == 1;
        let first = if odd { start } else { halves.twin(start).0 };
        let mut loops = halves.walk(first, &mut visited);
        match loops.iter().position(|ring| area(ring) > 0) {
            Some(outer) => {
                loops.swap(0, outer);
                polygons.push(loops);
            }
            None => inner.push(loops),
        }
    }
    for holes in inner {
        house(holes, &mut polygons);
    }
    polygons
}

/// Whether a line to smaller x, from a hair above a place, meets an edge that leads to greater y.
fn passes_left_of([a, b]: [Point; 2], place: Point) -> bool {
    a[1] <= place[1] && place[1] < b[1] && turn(a, b, place) < 0
}

/// Twice the signed area of a triangle.
fn turn(a: Point, b: Point, c: Point) -> i64 {
    (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
}

/// The edges that separate inside from outside, snap-rounded, each once.
fn noded(rings: &[Ring]) -> Vec<[Point; 2]> {
    let segments = segments_of(rings);
    let mut hot: Vec<Point> = rings.iter().flatten().copied().collect();
    let mut most = 2 * hot.len() + 1_024;
    // Should patience end early, what is still crossing stays so; it is far below a pixel then.
    let _ = near_pairs(&segments, |s, t| {
        if let Some(place) = crossing([s.a, s.b], [t.a, t.b]) {
            hot.push(place);
            if hot.len() > most {
                // A tangle crosses itself in the same squares over and over.
                hot.sort_unstable();
                hot.dedup();
                most = 2 * hot.len() + 1_024;
            }
        }
        ControlFlow::Continue(())
    });
    let cell = |place: Point| [place[1] >> CELL, place[0] >> CELL];
    hot.sort_unstable_by_key(|&place| (cell(place), place));
    hot.dedup();

    let mut edges = Vec::with_capacity(segments.len());
    let mut through: Vec<Point> = Vec::new();
    for segment in &segments {
        let (a, b) = (segment.a, segment.b);
        through.clear();
        let low = cell([a[0].min(b[0]) - 1, a[1].min(b[1]) - 1]);
        let high = cell([a[0].max(b[0]) + 1, a[1].max(b[1]) + 1]);
        for row in low[0]..=high[0] {
            let (west, east) = reach_in_row(a, b, row);
            let first = hot.partition_point(|&place| cell(place) < [row, west.max(low[1])]);
            let row_end = [row, east.min(high[1])];
            let near = hot[first..].iter().take_while(|&&place| cell(place) <= row_end);
            through.extend(near.filter(|&&place| passes_through(a, b, place)));
        }
        let along = |place: &Point| (place[0] - a[0]) * (b[0] - a[0]) + (place[1] - a[1]) * (b[1] - a[1]);
        through.sort_unstable_by_key(along);
        edges.extend(through.windows(2).map(|pair| {
            let (p, q) = (pair[0], pair[1]);
            if p < q { [p, q] } else { [q, p] }
        }));
    }
    edges.sort_unstable();
    let odd = edges.chunk_by(|a, b| a == b).filter(|equal| equal.len() % 2 == 1);
    odd.map(|equal| equal[0]).collect()
}

/// First and last column of the cells of a row that an edge may come near.
fn reach_in_row(a: Point, b: Point, row: i64) -> (i64, i64) {
    let (top, bottom) = if a[1] < b[1] { (a, b) } else { (b, a) };
    let rise = bottom[1] - top[1];
    let x_at = |y: i64| {
        if rise == 0 {
            return None;
        }
        Some(top[0] + ((y.clamp(top[1], bottom[1]) - top[1]) * (bottom[0] - top[0])).div_euclid(rise))
    };
    // A row more on either side for the squares' own size.
    match (x_at((row << CELL) - 1), x_at(((row + 1) << CELL) + 1)) {
        (Some(p), Some(q)) => ((p.min(q) - 2) >> CELL, (p.max(q) + 2) >> CELL),
        _ => (i64::MIN, i64::MAX),
    }
}

/// The whole place nearest to where two edges cross, if they do so between their ends.
fn crossing([a, b]: [Point; 2], [c, d]: [Point; 2]) -> Option<Point> {
    let (from, to) = (turn(c, d, a), turn(c, d, b));
    if from.signum() * to.signum() >= 0 || turn(a, b, c).signum() * turn(a, b, d).signum() >= 0 {
        return None;
    }
    let (share, whole) = (from.abs(), from.abs() + to.abs());
    let at = |axis: usize| a[axis] + (2 * (b[axis] - a[axis]) * share + whole).div_euclid(2 * whole);
    Some([at(0), at(1)])
}

/// Whether an edge meets the unit square around a place; the square's low sides belong to it, its high
/// sides to its neighbours, as when rounding.
fn passes_through(a: Point, b: Point, place: Point) -> bool {
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    if 2 * turn(a, b, place).abs() > dx.abs() + dy.abs() {
        return false;
    }
    // The shares of the edge at which it comes in and goes out, and whether these belong to it.
    let mut starts = [(0, 1, true); 3];
    let mut ends = [(1, 1, true); 3];
    for (axis, run) in [dx, dy].into_iter().enumerate() {
        // Distances to the low and the high side, doubled.
        let low = 2 * (place[axis] - a[axis]) - 1;
        let high = low + 2;
        match run.signum() {
            0 if low > 0 || high <= 0 => return false,
            0 => {}
            1 => {
                starts[axis] = (low, 2 * run, true);
                ends[axis] = (high, 2 * run, false);
            }
            _ => {
                starts[axis] = (-high, -2 * run, false);
                ends[axis] = (-low, -2 * run, true);
            }
        }
    }
    starts.iter().all(|&(start, per, with_start)| {
        ends.iter().all(|&(end, of, with_end)| {
            let (start, end) = (start * of, end * per);
            start < end || (start == end && with_start && with_end)
        })
    })
}

/// Every edge in both directions, by where it begins and then by angle.
struct Halves(Vec<[Point; 2]>);

impl Halves {
    fn of(edges: Vec<[Point; 2]>) -> Self {
        let mut halves: Vec<[Point; 2]> = edges.into_iter().flat_map(|[p, q]| [[p, q], [q, p]]).collect();
        let lower = |[from, to]: &[Point; 2]| (to[1], to[0]) < (from[1], from[0]);
        halves.sort_unstable_by(|a, b| {
            let by_angle = || 0.cmp(&turn(a[0], a[1], b[1]));
            a[0].cmp(&b[0])
                .then_with(|| lower(a).cmp(&lower(b)))
                .then_with(by_angle)
        });
        Self(halves)
    }

    /// The same edge in the other direction, and the one before it around their corner.
    fn twin(&self, half: usize) -> (usize, usize) {
        let [from, to] = self.0[half];
        let start = self.0.partition_point(|other| other[0] < to);
        let fan = self.0[start..].iter().take_while(|other| other[0] == to);
        let (mut twin, mut count) = (0, 0);
        for (index, other) in fan.enumerate() {
            if other[1] == from {
                twin = index;
            }
            count = index + 1;
        }
        let before = if twin == 0 { count - 1 } else { twin - 1 };
        (start + twin, start + before)
    }

    /// Walks around an inside. Where it comes past a corner again, a ring is complete. There is one
    /// outer ring, or none when the walk began at holes that do not touch it, and any holes that do.
    fn walk(&self, first: usize, visited: &mut [bool]) -> Vec<Ring> {
        let mut path: Ring = Vec::new();
        let mut places: HashMap<Point, usize> = HashMap::new();
        let mut loops = Vec::new();
        let mut half = first;
        while !visited[half] {
            let corner = self.0[half][0];
            if let Some(&since) = places.get(&corner) {
                let complete = path.split_off(since);
                for corner in &complete {
                    places.remove(corner);
                }
                loops.push(straightened(complete));
            }
            places.insert(corner, path.len());
            path.push(corner);
            let (twin, next) = self.twin(half);
            visited[half] = true;
            visited[twin] = true;
            half = next;
        }
        loops.push(straightened(path));
        // Only what was too tangled to be led apart has rings without area.
        loops.retain(|ring| area(ring) != 0);
        loops
    }
}

/// Without corners on a straight line.
fn straightened(corners: Ring) -> Ring {
    let mut ring = Ring::with_capacity(corners.len());
    for corner in corners {
        push_corner(&mut ring, corner);
    }
    close(&mut ring);
    ring
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_square_has_its_low_sides_only() {
        let meets = |a, b| passes_through(a, b, [0, 0]);
        assert!(meets([0, 0], [9, 0]));
        // Through corners of the square: the low one belongs to it, the others do not.
        assert!(meets([0, -1], [-1, 0]));
        assert!(!meets([1, 0], [0, 1]));
        assert!(!meets([-1, 0], [0, 1]));
        assert!(!meets([0, -1], [1, 0]));
        assert!(meets([-3, -1], [3, 1]));
        assert!(!meets([-3, -1], [-1, 3]));
    }

    #[test]
    fn a_bow_tie_is_two_triangles() {
        let mut rings = mended(vec![vec![[0, 0], [10, 10], [10, 0], [0, 10]]]);
        rings.sort();
        assert_eq!(rings.len(), 2, "{rings:?}");
        assert!(rings.iter().all(|ring| area(ring) == 50 && ring.contains(&[5, 5])));
    }

    #[test]
    fn a_hole_that_touches_stays_a_hole_and_a_cut_one_opens() {
        let square = vec![[0, 0], [10, 0], [10, 10], [0, 10]];
        let touching = vec![[0, 5], [5, 7], [5, 3]];
        let rings = mended(vec![square.clone(), touching]);
        assert_eq!(rings.len(), 2, "{rings:?}");
        assert_eq!((area(&rings[0]), area(&rings[1])), (200, -20));
        let shared = vec![[0, 3], [0, 7], [5, 5]];
        let rings = mended(vec![square.clone(), shared]);
        assert_eq!((rings.len(), area(&rings[0])), (1, 180));
        assert_eq!(mended(vec![square.clone(), square]), Vec::<Ring>::new());
    }

    proptest! {
        /// In a few squares everything happens: overlaps, crossings in one place, corners on edges.
        #[test]
        fn edges_meet_in_their_corners_only(
            rings in prop::collection::vec(prop::collection::vec((0_i64..14, 0_i64..14), 3..9), 1..4),
        ) {
            let rings: Vec<Ring> = rings
                .iter()
                .map(|ring| ring.iter().map(|&(x, y)| [x, y]).collect())
                .collect();
            let edges = noded(&rings);
            for (index, &[a, b]) in edges.iter().enumerate() {
                for &[c, d] in &edges[index + 1..] {
                    prop_assert_eq!(crossing([a, b], [c, d]), None, "{:?} {:?} {:?} {:?}", a, b, c, d);
                    for (corner, [p, q]) in [(a, [c, d]), (b, [c, d]), (c, [a, b]), (d, [a, b])] {
                        let within = |axis: usize| (p[axis].min(q[axis])..=p[axis].max(q[axis])).contains(&corner[axis]);
                        let on = turn(p, q, corner) == 0 && within(0) && within(1);
                        prop_assert!(!on || corner == p || corner == q, "{corner:?} on {p:?} {q:?}");
                    }
                }
            }
            let odd = |x: i64, y: i64, rings: &[Ring]| {
                let edges = rings.iter().flat_map(|ring| ring.iter().zip(ring.iter().cycle().skip(1)));
                let passed = |&(&a, &b): &(&Point, &Point)| {
                    let edge = if a[1] < b[1] { [a, b] } else { [b, a] };
                    passes_left_of(edge.map(|[x, y]| [2 * x, 2 * y]), [x, y])
                };
                edges.filter(passed).count() % 2 == 1
            };
            let flat: Vec<Ring> = edges.iter().map(|edge| edge.to_vec()).collect();
            let polygons = overlaid(&rings);
            for polygon in &polygons {
                for (index, ring) in polygon.iter().enumerate() {
                    prop_assert!(ring.len() >= 3);
                    prop_assert_eq!(area(ring) > 0, index == 0);
                }
            }
            // Between the lattice's places, where no edge along an axis runs.
            for (x, y) in (-1..15).flat_map(|x| (-1..15).map(move |y| (2 * x + 1, 2 * y + 1))) {
                let drawn = polygons.iter().filter(|polygon| odd(x, y, polygon)).count();
                let asked = flat.iter().filter(|edge| {
                    let edge = if edge[0][1] < edge[1][1] { [edge[0], edge[1]] } else { [edge[1], edge[0]] };
                    passes_left_of(edge.map(|[x, y]| [2 * x, 2 * y]), [x, y])
                });
                prop_assert_eq!(drawn, asked.count() % 2, "at {} {}", x, y);
            }
        }
    }
}
