//! To the zoom: which vertices matter, and the snapped rings of one zoom.

use crate::{
    clip::{Point, Ring, cross},
    grid::{MAX_ZOOM, WorldBox},
    shape::{FIRST_MENDED_ZOOM, Kind, RingView, ShapeView},
};

/// Marks a vertex that no zoom needs: it lies on the line between its neighbours.
const NEVER: u8 = MAX_ZOOM + 1;

/// How deep Douglas–Peucker may recurse before it halves instead: bounds the work on hostile rings.
const DEEPEST: u32 = 64;

/// For every vertex of an open ring the lowest zoom at which it is kept.
///
/// Douglas–Peucker with a tolerance of one tile coordinate, run once for all zooms: a vertex stands
/// out by its distance from the line between its anchors, and never by more than the vertex it
/// hangs on, so the vertices of each zoom are exactly those a run for that zoom would keep. Two
/// opposite corners and the farthest vertex on either side stay at every zoom, so a ring keeps four
/// corners as long as it has them.
pub(crate) fn lowest_zooms(ring: &[[u32; 2]]) -> Vec<u8> {
    let mut zooms = vec![NEVER; ring.len()];
    if ring.len() <= 4 {
        zooms.fill(0);
        return zooms;
    }
    let start = ring[0];
    let far = (1..ring.len())
        .max_by(|&a, &b| squared_distance(start, ring[a]).total_cmp(&squared_distance(start, ring[b])))
        .unwrap_or(1);
    zooms[0] = 0;
    zooms[far] = 0;
    // The ring's closing edge ends at index `len`, which stands for vertex 0 again.
    let mut pending = vec![(0, far, 0, 0), (far, ring.len(), 0, 0)];
    while let Some((from, to, parent, depth)) = pending.pop() {
        if to - from < 2 {
            continue;
        }
        let (a, b) = (ring[from], ring[to % ring.len()]);
        let (split, zoom) = if depth < DEEPEST {
            let mut split = from + 1;
            let mut greatest = -1.0;
            for (index, &vertex) in ring.iter().enumerate().take(to).skip(from + 1) {
                let distance = squared_distance_to_segment(vertex, a, b);
                if distance > greatest {
                    (split, greatest) = (index, distance);
                }
            }
            (split, zoom_for(greatest))
        } else {
            (from.midpoint(to), parent)
        };
        let zoom = if depth == 0 { 0 } else { zoom.max(parent) };
        zooms[split] = zoom;
        pending.push((from, split, zoom, depth + 1));
        pending.push((split, to, zoom, depth + 1));
    }
    zooms
}

/// Lowest zoom whose tile coordinate is no wider than the square root of this squared distance.
fn zoom_for(squared: f64) -> u8 {
    if squared < 1.0 {
        return NEVER;
    }
    let octaves = (squared.log2() / 2.0).floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 33 by the range of world coordinates"
    )]
    let octaves = octaves.clamp(0.0, f64::from(MAX_ZOOM)) as u8;
    MAX_ZOOM - octaves
}

fn squared_distance(a: [u32; 2], b: [u32; 2]) -> f64 {
    let (dx, dy) = (f64::from(b[0]) - f64::from(a[0]), f64::from(b[1]) - f64::from(a[1]));
    dx * dx + dy * dy
}

pub(crate) fn squared_distance_to_segment(p: [u32; 2], a: [u32; 2], b: [u32; 2]) -> f64 {
    let (bx, by) = (f64::from(b[0]) - f64::from(a[0]), f64::from(b[1]) - f64::from(a[1]));
    let (px, py) = (f64::from(p[0]) - f64::from(a[0]), f64::from(p[1]) - f64::from(a[1]));
    let length = bx * bx + by * by;
    let along = if length > 0.0 {
        ((px * bx + py * by) / length).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let (dx, dy) = (px - along * bx, py - along * by);
    dx * dx + dy * dy
}

/// Where the tile coordinates of a zoom begin, in world units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapping {
    pub z: u8,
    pub origin: (i64, i64),
}

impl Snapping {
    /// Nearest tile coordinate. The same place gives the same corner in every tile of the zoom,
    /// because tiles begin at whole coordinates.
    pub fn snap(self, [x, y]: [u32; 2]) -> Point {
        let shift = u32::from(MAX_ZOOM - self.z);
        let half = (1_i64 << shift) >> 1;
        [
            (i64::from(x) - self.origin.0 + half) >> shift,
            (i64::from(y) - self.origin.1 + half) >> shift,
        ]
    }

    /// The ring's corners at this zoom: kept vertices, snapped, without repetitions, without
    /// corners on a straight line and without spikes. Returns twice its signed area.
    pub fn ring(self, ring: RingView<'_>, out: &mut Ring) -> i128 {
        out.clear();
        for (&vertex, &keep) in ring.vertices.iter().zip(ring.keep) {
            if keep <= self.z {
                push_corner(out, self.snap(vertex));
            }
        }
        close(out);
        area(out)
    }
}

/// What a long ring looks like from one tile: a run of vertices on one outer side of the tile is as
/// good as its two ends, because the straight line between them stays on that side too.
fn far_runs_cut<'a>(ring: RingView<'a>, z: u8, near: WorldBox) -> impl Iterator<Item = [u32; 2]> + use<'a> {
    let sides = move |[x, y]: [u32; 2]| {
        u8::from(x < near.min_x)
            | u8::from(x > near.max_x) << 1
            | u8::from(y < near.min_y) << 2
            | u8::from(y > near.max_y) << 3
    };
    let mut kept = ring
        .vertices
        .iter()
        .zip(ring.keep)
        .filter(move |&(_, &keep)| keep <= z)
        .map(|(&vertex, _)| vertex);
    // Sides shared by every vertex since the last one given out, and the end of that run.
    let mut shared = 0;
    let mut run_end: Option<[u32; 2]> = None;
    let mut ready: Option<[u32; 2]> = None;
    std::iter::from_fn(move || {
        if let Some(vertex) = ready.take() {
            return Some(vertex);
        }
        for vertex in kept.by_ref() {
            let here = sides(vertex);
            if shared & here != 0 {
                shared &= here;
                run_end = Some(vertex);
                continue;
            }
            // The line from the run's end to here may cross the tile, so both are corners.
            shared = here;
            return match run_end.take() {
                Some(end) => {
                    ready = Some(vertex);
                    Some(end)
                }
                None => Some(vertex),
            };
        }
        run_end.take()
    })
}

impl Snapping {
    /// [`Snapping::ring`] of what can be seen of a long ring from near the tile. The result clips to
    /// the same polygon, but says nothing else about the ring.
    pub fn ring_nearby(self, ring: RingView<'_>, near: WorldBox, out: &mut Ring) -> i128 {
        out.clear();
        for vertex in far_runs_cut(ring, self.z, near) {
            push_corner(out, self.snap(vertex));
        }
        close(out);
        area(out)
    }
}

/// Adds a corner; one that the new corner makes pointless is taken back.
pub(crate) fn push_corner(ring: &mut Ring, corner: Point) {
    loop {
        match ring.as_slice() {
            [.., last] if *last == corner => return,
            [.., before, last] if cross(*before, *last, corner) == 0 => {
                ring.pop();
            }
            _ => break,
        }
    }
    ring.push(corner);
}

/// Does for the closing edge what [`push_corner`] does along the way.
pub(crate) fn close(ring: &mut Ring) {
    loop {
        match ring.as_slice() {
            [first, .., last] if first == last => {
                ring.pop();
            }
            [first, .., before, last] if cross(*before, *last, *first) == 0 => {
                ring.pop();
            }
            [first, second, .., last] if ring.len() > 2 && cross(*last, *first, *second) == 0 => {
                ring.remove(0);
            }
            _ => return,
        }
    }
}

/// Twice the signed area; positive is an outer ring.
pub(crate) fn area(ring: &[Point]) -> i128 {
    let Some(&base) = ring.first() else {
        return 0;
    };
    ring.windows(2).map(|pair| cross(base, pair[0], pair[1])).sum()
}

/// The smallest ring that still shows where a collapsed one was: a box of one tile coordinate, or a
/// needle along what is left of its length.
pub(crate) fn island(ring: RingView<'_>, snapping: Snapping) -> Ring {
    let corners = || ring.vertices.iter().map(|&vertex| snapping.snap(vertex));
    let span = |axis: usize| {
        let low = corners().min_by_key(|corner| corner[axis]).unwrap_or([0; 2]);
        let high = corners().max_by_key(|corner| corner[axis]).unwrap_or([0; 2]);
        (high[axis] - low[axis], low, high)
    };
    let (wide, west, east) = span(0);
    let (tall, north, south) = span(1);
    if wide == 0 && tall == 0 {
        let [x, y] = west;
        vec![[x, y], [x + 1, y], [x + 1, y + 1], [x, y + 1]]
    } else if wide >= tall {
        vec![west, east, [east[0], east[1] + 1]]
    } else {
        vec![south, north, [north[0] + 1, north[1]]]
    }
}

/// One bit per zoom at which snapping makes the shape's rings touch or cross, or turns one inside out.
pub(crate) fn zooms_to_mend(shape: ShapeView<'_>) -> u16 {
    if shape.kind == Kind::Points {
        return 0;
    }
    // Kept from zoom to zoom: most shapes are small, and making room would cost more than the question.
    let mut rings = Vec::new();
    let bit = |z: u8| 1 << (z - FIRST_MENDED_ZOOM);
    let (mut bits, clear_from) = if needs_mending(shape, MAX_ZOOM, &mut rings) {
        (bit(MAX_ZOOM), MAX_ZOOM)
    } else {
        (0, clear_from(shape))
    };
    for z in FIRST_MENDED_ZOOM..clear_from.min(MAX_ZOOM) {
        if needs_mending(shape, z, &mut rings) {
            bits |= bit(z);
        }
    }
    bits
}

/// Whether the rings as snapped at this zoom touch or cross, or one of them turns inside out.
fn needs_mending(shape: ShapeView<'_>, z: u8, rings: &mut Vec<Ring>) -> bool {
    let snapping = Snapping { z, origin: (0, 0) };
    let mut filled = 0;
    for ring in shape.rings() {
        if filled == rings.len() {
            rings.push(Ring::new());
        }
        let turn = snapping.ring(ring, &mut rings[filled]);
        if turn != 0 {
            if (turn > 0) != ring.exterior {
                return true;
            }
            filled += 1;
        }
    }
    !crate::clip::rings_are_simple(&rings[..filled])
}

/// Up to so many vertices it is worth while to measure all of them against all edges.
const FEW_VERTICES: usize = 48;

/// A zoom from which on nothing needs mending in a shape whose edges don't cross at the last zoom, because no vertex
/// comes so near to an edge it is no end of that simplifying and snapping could bring them together. The last zoom
/// where there is none.
///
/// At a zoom the boundary moves by less than 1.71 tile coordinates: one for the vertices left out, half a diagonal for
/// snapping. Two parts of it can only meet or change sides if they are within twice that. Between edges that don't
/// cross, the shortest way ends in a vertex, so vertices against edges is all there is to measure.
fn clear_from(shape: ShapeView<'_>) -> u8 {
    if shape.rings().map(|ring| ring.vertices.len()).sum::<usize>() > FEW_VERTICES {
        return MAX_ZOOM;
    }
    let mut nearest = f64::MAX;
    for (place, ring) in shape.rings().enumerate() {
        for (number, &vertex) in ring.vertices.iter().enumerate() {
            for (other_place, other) in shape.rings().enumerate() {
                let length = other.vertices.len();
                for (start, &a) in other.vertices.iter().enumerate() {
                    let end = if start + 1 == length { 0 } else { start + 1 };
                    if place == other_place && (number == start || number == end) {
                        continue;
                    }
                    nearest = nearest.min(squared_distance_to_segment(vertex, a, other.vertices[end]));
                }
            }
        }
    }
    (FIRST_MENDED_ZOOM..=MAX_ZOOM)
        .find(|&z| {
            let unit = f64::from(1_u32 << u32::from(MAX_ZOOM - z));
            nearest >= (4.0 * unit) * (4.0 * unit)
        })
        .unwrap_or(MAX_ZOOM)
}

#[cfg(test)]
mod tests {
    use geo_types::{Coord, LineString, Polygon};
    use proptest::prelude::*;

    use super::*;
    use crate::shape::Shape;

    /// A polygon whose corners lie around a middle, in order or not, at distances from a hair to a kilometre.
    fn polygon() -> impl Strategy<Value = Polygon<f64>> {
        let corner = (0.0..1.0_f64, -1.5..3.0_f64).prop_map(|(turn, size)| (turn, 10_f64.powf(size)));
        (prop::collection::vec(corner, 3..14), any::<bool>(), 0.0..0.001_f64).prop_map(
            |(mut corners, in_order, shift)| {
                if in_order {
                    corners.sort_by(|one, next| one.0.total_cmp(&next.0));
                }
                let ring = corners.iter().map(|&(turn, metres)| {
                    let (sin, cos) = (turn * std::f64::consts::TAU).sin_cos();
                    Coord {
                        x: 119.95 + shift + metres * cos / 95_000.0,
                        y: 31.78 + shift + metres * sin / 111_000.0,
                    }
                });
                Polygon::new(LineString(ring.collect()), Vec::new())
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        /// What is left unasked because everything is far apart would have been answered with no.
        #[test]
        fn zooms_that_are_not_looked_at_need_no_mending(polygon in polygon()) {
            let Ok(shape) = Shape::prepare(&polygon.into()) else { return Ok(()) };
            let bits = zooms_to_mend(shape.view());
            let mut rings = Vec::new();
            for z in FIRST_MENDED_ZOOM..=MAX_ZOOM {
                let needed = needs_mending(shape.view(), z, &mut rings);
                prop_assert_eq!(bits & (1 << (z - FIRST_MENDED_ZOOM)) != 0, needed, "zoom {}", z);
            }
        }
    }
}
