//! Where two neighbours nearly share a border: a strip between them that is nobody's and narrower than a survey could mean.

use geo::{BoundingRect, Contains};
use geo_types::{Coord, Geometry, LineString, Point};

use crate::overlap::{degree_m, each_pair, polygons};

/// Two shapes with a strip between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gap {
    /// The place of the first in the list.
    pub one: usize,
    /// The place of the other, which is the greater.
    pub other: usize,
    /// How long the two borders run beside each other so, metres.
    pub length_m: f64,
    /// How far apart they are there on average, metres.
    pub width_m: f64,
}

/// Borders that are no farther apart than this are the same border: what is left of rounding, metres.
const SAME_BORDER_M: f64 = 0.01;
/// Edges face each other where they run against each other within about 25 degrees.
const FACING: f64 = -0.9;

/// The pairs whose borders run beside each other for more than `least_m`, apart but by less than `narrower_m`, with nothing
/// in between. A wedge between two lines that part is none as long as it is short. Shapes are in degrees of longitude and
/// latitude; what is no polygon has no neighbours. `may_meet` says which pairs are worth a look. Works on as many threads
/// as there are.
pub fn gaps(
    shapes: &[Geometry<f64>],
    narrower_m: f64,
    least_m: f64,
    may_meet: impl Fn(usize, usize) -> bool + Sync,
) -> Vec<Gap> {
    // A degree of longitude is shortest in the north: 60° is beyond every land registry of the country.
    let reach_degrees = narrower_m / 55_000.0;
    let mut found = each_pair(shapes, reach_degrees, |one, other, near| {
        if !may_meet(one, other) {
            return None;
        }
        let strip = strip_between(shapes.get(one)?, shapes.get(other)?, narrower_m)?;
        // What stands in the strip fills it: then it is two borders, not a gap.
        let is_filled = strip.length_m > least_m
            && near(strip.middle).iter().any(|third| {
                *third != one && *third != other && shapes.get(*third).is_some_and(|shape| covers(shape, strip.middle))
            });
        (strip.length_m > least_m && !is_filled).then_some(Gap {
            one,
            other,
            length_m: strip.length_m,
            width_m: strip.width_m,
        })
    });
    found.sort_unstable_by_key(|gap| (gap.one, gap.other));
    found
}

fn covers(shape: &Geometry<f64>, at: Coord<f64>) -> bool {
    polygons(shape).iter().any(|polygon| polygon.contains(&Point(at)))
}

struct Strip {
    length_m: f64,
    width_m: f64,
    /// The middle of its longest piece, degrees.
    middle: Coord<f64>,
}

/// An edge with the inside of its shape to the left, metres.
struct Edge {
    from: Coord<f64>,
    to: Coord<f64>,
}

/// The strip between the borders of two shapes, where there is one.
fn strip_between(one: &Geometry<f64>, other: &Geometry<f64>, narrower_m: f64) -> Option<Strip> {
    let (a, b) = (one.bounding_rect()?, other.bounding_rect()?);
    let origin = Coord {
        x: a.min().x.max(b.min().x),
        y: a.min().y.max(b.min().y),
    };
    let (east_m, north_m) = degree_m(origin.y);
    let metres = |at: Coord<f64>| Coord {
        x: (at.x - origin.x) * east_m,
        y: (at.y - origin.y) * north_m,
    };
    // Only edges in the common box, grown by the gap, can be part of it.
    let corner = metres(Coord {
        x: a.max().x.min(b.max().x),
        y: a.max().y.min(b.max().y),
    });
    let (low, high) = (
        Coord {
            x: corner.x.min(0.0) - narrower_m,
            y: corner.y.min(0.0) - narrower_m,
        },
        Coord {
            x: corner.x.max(0.0) + narrower_m,
            y: corner.y.max(0.0) + narrower_m,
        },
    );
    let edges = |shape: &Geometry<f64>| -> Vec<Edge> {
        let mut edges = Vec::new();
        for polygon in polygons(shape) {
            let rings =
                std::iter::once((polygon.exterior(), true)).chain(polygon.interiors().iter().map(|ring| (ring, false)));
            for (ring, is_outer) in rings {
                let forward = (signed_area(ring) > 0.0) == is_outer;
                for line in ring.lines() {
                    let (from, to) = (metres(line.start), metres(line.end));
                    let is_near = from.x.max(to.x) >= low.x
                        && from.x.min(to.x) <= high.x
                        && from.y.max(to.y) >= low.y
                        && from.y.min(to.y) <= high.y;
                    if is_near && from != to {
                        edges.push(if forward {
                            Edge { from, to }
                        } else {
                            Edge { from: to, to: from }
                        });
                    }
                }
            }
        }
        edges
    };
    let (ours, theirs) = (edges(one), edges(other));
    let (mut length_m, mut area_m2) = (0.0, 0.0);
    let mut longest: Option<(f64, Coord<f64>)> = None;
    for edge in &ours {
        let mut pieces: Vec<(f64, f64, f64)> = theirs
            .iter()
            .filter_map(|facing| piece_between(edge, facing, narrower_m))
            .collect();
        pieces.sort_unstable_by(|one, other| one.0.total_cmp(&other.0));
        let along = unit(edge)?;
        let mut seen = f64::NEG_INFINITY;
        for (from, to, width) in pieces {
            // Where two of their edges lie behind each other, the stretch counts once.
            let from = from.max(seen);
            if to <= from {
                continue;
            }
            seen = to;
            length_m += to - from;
            area_m2 += (to - from) * width;
            if longest.is_none_or(|(length, _)| to - from > length) {
                let (t, out) = (f64::midpoint(from, to), width / 2.0);
                let at = Coord {
                    x: edge.from.x + along.x * t + along.y * out,
                    y: edge.from.y + along.y * t - along.x * out,
                };
                longest = Some((
                    to - from,
                    Coord {
                        x: origin.x + at.x / east_m,
                        y: origin.y + at.y / north_m,
                    },
                ));
            }
        }
    }
    let (_, middle) = longest?;
    Some(Strip {
        length_m,
        width_m: area_m2 / length_m,
        middle,
    })
}

/// From where to where along an edge, and how far off on average, another edge faces it within the width.
fn piece_between(edge: &Edge, facing: &Edge, narrower_m: f64) -> Option<(f64, f64, f64)> {
    let (along, against) = (unit(edge)?, unit(facing)?);
    if along.x * against.x + along.y * against.y > FACING {
        return None;
    }
    let length = (edge.to.x - edge.from.x).hypot(edge.to.y - edge.from.y);
    // Along the edge, and outwards from it: the inside lies to the left.
    let seen = |at: Coord<f64>| {
        let (x, y) = (at.x - edge.from.x, at.y - edge.from.y);
        (x * along.x + y * along.y, x * along.y - y * along.x)
    };
    // It runs the other way, so that its end comes first.
    let ((t0, d0), (t1, d1)) = (seen(facing.to), seen(facing.from));
    let (mut from, mut to) = (t0.max(0.0), t1.min(length));
    let slope = (d1 - d0) / (t1 - t0);
    let off = |t: f64| d0 + (t - t0) * slope;
    // Where the distance lies between the two limits is one stretch, because it changes evenly.
    for (limit, is_least) in [(SAME_BORDER_M, true), (narrower_m, false)] {
        let fits = |d: f64| if is_least { d > limit } else { d < limit };
        if from >= to {
            return None;
        }
        match (fits(off(from)), fits(off(to))) {
            (true, true) => {}
            (false, false) => return None,
            (true, false) => to = t0 + (limit - d0) / slope,
            (false, true) => from = t0 + (limit - d0) / slope,
        }
    }
    (to > from).then(|| (from, to, off(f64::midpoint(from, to))))
}

fn unit(edge: &Edge) -> Option<Coord<f64>> {
    let (x, y) = (edge.to.x - edge.from.x, edge.to.y - edge.from.y);
    let length = x.hypot(y);
    (length > 0.0).then(|| Coord {
        x: x / length,
        y: y / length,
    })
}

fn signed_area(ring: &LineString<f64>) -> f64 {
    ring.lines()
        .map(|line| line.start.x * (line.end.y - line.start.y) - line.start.y * (line.end.x - line.start.x))
        .sum()
}

#[cfg(test)]
mod tests {
    use geo_types::Polygon;

    use super::*;

    /// Corners in metres from a place in Changzhou.
    fn shape(corners: &[(f64, f64)]) -> Geometry<f64> {
        let (lon, lat) = (1.0 / 94_700.0, 1.0 / 110_870.0);
        let ring = corners.iter().map(|(x, y)| Coord {
            x: 119.95 + x * lon,
            y: 31.78 + y * lat,
        });
        Geometry::Polygon(Polygon::new(ring.collect(), Vec::new()))
    }

    fn rectangle(west: f64, south: f64, east: f64, north: f64) -> Geometry<f64> {
        shape(&[(west, south), (east, south), (east, north), (west, north)])
    }

    fn found(shapes: &[Geometry<f64>]) -> Vec<(usize, usize)> {
        gaps(shapes, 0.2, 5.0, |_, _| true)
            .iter()
            .map(|gap| (gap.one, gap.other))
            .collect()
    }

    #[test]
    fn a_strip_is_found_with_its_length_and_width() {
        let shapes = [rectangle(0.0, 0.0, 30.0, 30.0), rectangle(30.12, 5.0, 60.0, 30.0)];
        let gaps = gaps(&shapes, 0.2, 5.0, |_, _| true);
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!((gaps[0].length_m - 25.0).abs() < 0.1, "{gaps:?}");
        assert!((gaps[0].width_m - 0.12).abs() < 0.002, "{gaps:?}");
        // The way a ring runs says nothing.
        let turned = shape(&[(30.12, 5.0), (30.12, 30.0), (60.0, 30.0), (60.0, 5.0)]);
        assert_eq!(found(&[rectangle(0.0, 0.0, 30.0, 30.0), turned]), [(0, 1)]);
    }

    #[test]
    fn what_is_no_gap_is_none() {
        let one = rectangle(0.0, 0.0, 30.0, 30.0);
        for (other, why) in [
            (rectangle(30.0, 0.0, 60.0, 30.0), "the same border"),
            (rectangle(30.005, 0.0, 60.0, 30.0), "rounding"),
            (rectangle(30.4, 0.0, 60.0, 30.0), "a path"),
            (rectangle(29.9, 0.0, 60.0, 30.0), "an overlap"),
            (rectangle(30.12, 27.0, 60.0, 60.0), "three metres of it"),
            (
                shape(&[(30.0, 0.0), (60.0, 0.0), (60.0, 30.0), (33.0, 30.0)]),
                "lines that part",
            ),
            (rectangle(30.1, 30.1, 60.0, 60.0), "a corner"),
        ] {
            assert_eq!(found(&[one.clone(), other]), [], "{why}");
        }
        // A wall that has an owner of its own.
        let wall = rectangle(30.0, 0.0, 30.12, 30.0);
        assert_eq!(found(&[one.clone(), rectangle(30.12, 0.0, 60.0, 30.0), wall]), []);
    }

    #[test]
    fn slanted_borders_and_several_pieces_add_up() {
        let one = shape(&[(0.0, 0.0), (30.0, 0.0), (40.0, 30.0), (0.0, 30.0)]);
        let other = shape(&[(30.1, 0.0), (60.0, 0.0), (60.0, 30.0), (40.1, 30.0), (33.434, 10.0)]);
        let gaps = gaps(&[one, other], 0.2, 5.0, |_, _| true);
        assert_eq!(gaps.len(), 1, "{gaps:?}");
        assert!((gaps[0].length_m - 31.6).abs() < 0.3, "{gaps:?}");
        assert!((gaps[0].width_m - 0.095).abs() < 0.005, "{gaps:?}");
    }
}
