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
    let mut bits = 0;
    let mut buffer = Ring::new();
    for z in FIRST_MENDED_ZOOM..=MAX_ZOOM {
        let snapping = Snapping { z, origin: (0, 0) };
        let mut rings = Vec::new();
        let mut turned = false;
        for ring in shape.rings() {
            let turn = snapping.ring(ring, &mut buffer);
            if turn != 0 {
                turned |= (turn > 0) != ring.exterior;
                rings.push(buffer.clone());
            }
        }
        if turned || !crate::clip::rings_are_simple(&rings) {
            bits |= 1 << (z - FIRST_MENDED_ZOOM);
        }
    }
    bits
}
