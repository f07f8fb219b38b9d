//! Which of many shapes overlap, and by how much: what neighbours' rules ask of a whole city at once.

use geo::{BooleanOps, BoundingRect};
use geo_types::{Coord, Geometry, MultiPolygon, Polygon};
use rstar::primitives::{GeomWithData, Rectangle};
use rstar::{AABB, RTree};

use crate::area::plane_area_m2;

/// Two shapes that overlap.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// The place of the first in the list.
    pub one: usize,
    /// The place of the other, which is the greater.
    pub other: usize,
    /// The area that both cover, in the plane of its own 3-degree zone, m².
    pub area_m2: f64,
}

/// The pairs that overlap by more than `least_m2`, in order. Shapes are in degrees of longitude and latitude; what is no
/// polygon overlaps nothing. `may_meet` says which pairs are worth a look: it is asked once for each pair whose boxes
/// overlap. Works on as many threads as there are.
pub fn overlaps(
    shapes: &[Geometry<f64>],
    least_m2: f64,
    may_meet: impl Fn(usize, usize) -> bool + Sync,
) -> Vec<Overlap> {
    let mut found = each_pair(shapes, 0.0, |one, other, _| {
        let (a, b) = (shapes.get(one)?, shapes.get(other)?);
        if common_box_m2(a, b)? <= least_m2 || !may_meet(one, other) {
            return None;
        }
        // Nearly all neighbours share a border and nothing else: that is settled without building their overlap.
        if about_common_m2(a, b).is_some_and(|about| about <= least_m2 * (1.0 - ABOUT)) {
            return None;
        }
        let area_m2 = common_area_m2(a, b);
        (area_m2 > least_m2).then_some(Overlap { one, other, area_m2 })
    });
    found.sort_unstable_by_key(|overlap| (overlap.one, overlap.other));
    found
}

/// What `judge` finds of the pairs of polygons whose boxes come as near to each other as `reach_degrees`: each pair once, the
/// lesser place first, in no order. `judge` may ask which boxes there are at a point. Works on as many threads as there are.
pub(crate) fn each_pair<T: Send>(
    shapes: &[Geometry<f64>],
    reach_degrees: f64,
    judge: impl Fn(usize, usize, &dyn Fn(Coord<f64>) -> Vec<usize>) -> Option<T> + Sync,
) -> Vec<T> {
    let boxes: Vec<_> = shapes
        .iter()
        .enumerate()
        .filter_map(|(place, shape)| {
            let rect = match shape {
                Geometry::Polygon(_) | Geometry::MultiPolygon(_) => shape.bounding_rect()?,
                _ => return None,
            };
            let rectangle = Rectangle::from_corners([rect.min().x, rect.min().y], [rect.max().x, rect.max().y]);
            Some(GeomWithData::new(rectangle, place))
        })
        .collect();
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let share = boxes.len().div_ceil(threads).max(1);
    let tree = RTree::bulk_load(boxes.clone());
    let near = |at: Coord<f64>| -> Vec<usize> {
        tree.locate_in_envelope_intersecting(AABB::from_point([at.x, at.y]))
            .map(|met| met.data)
            .collect()
    };
    let look = |part: &[GeomWithData<Rectangle<[f64; 2]>, usize>]| {
        let mut found = Vec::new();
        for asking in part {
            let ([west, south], [east, north]) = (asking.geom().lower(), asking.geom().upper());
            let asked = AABB::from_corners(
                [west - reach_degrees, south - reach_degrees],
                [east + reach_degrees, north + reach_degrees],
            );
            found.extend(
                tree.locate_in_envelope_intersecting(asked)
                    .filter(|met| met.data > asking.data)
                    .filter_map(|met| judge(asking.data, met.data, &near)),
            );
        }
        found
    };
    std::thread::scope(|scope| {
        let running: Vec<_> = boxes.chunks(share).map(|part| scope.spawn(|| look(part))).collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

/// The area that two polygons or multipolygons both cover, m² in the plane of its own 3-degree zone.
pub fn common_area_m2(one: &Geometry<f64>, other: &Geometry<f64>) -> f64 {
    let common = match (one, other) {
        (Geometry::Polygon(one), Geometry::Polygon(other)) => one.intersection(other),
        (one, other) => match (parts(one), parts(other)) {
            (Some(one), Some(other)) => one.intersection(&other),
            _ => return 0.0,
        },
    };
    if common.0.is_empty() {
        return 0.0;
    }
    plane_area_m2(&Geometry::MultiPolygon(common))
}

/// How far [`about_common_m2`] may be off, as a share: a degree is taken to be as long everywhere in the common box.
const ABOUT: f64 = 0.01;
/// With more edges than this the overlap itself is built at once.
const MANY_EDGES: usize = 1_500;

/// An edge that rises: its lower end first. Metres from a corner of the common box.
type Rising = [f64; 4];

/// The area that two shapes both cover, m², within a hundredth. Between the heights at which edges end or cross, every
/// width changes evenly, so that the width in the middle times the height is the area; borders that run in each other
/// need no care. None where there are too many edges for it to be quick.
fn about_common_m2(one: &Geometry<f64>, other: &Geometry<f64>) -> Option<f64> {
    let (a, b) = (one.bounding_rect()?, other.bounding_rect()?);
    let west = a.min().x.max(b.min().x);
    let (south, north) = (a.min().y.max(b.min().y), a.max().y.min(b.max().y));
    let (east_m, north_m) = degree_m(f64::midpoint(south, north));
    let high = (north - south) * north_m;
    let rising = |shape: &Geometry<f64>| -> Vec<Rising> {
        let mut edges = Vec::new();
        for ring in polygons(shape)
            .iter()
            .flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()))
        {
            for line in ring.lines() {
                let metres = |at: Coord<f64>| ((at.x - west) * east_m, (at.y - south) * north_m);
                let ((x0, y0), (x1, y1)) = (metres(line.start), metres(line.end));
                if y0.max(y1) <= 0.0 || y0.min(y1) >= high || y0 == y1 {
                    continue;
                }
                edges.push(if y0 < y1 { [x0, y0, x1, y1] } else { [x1, y1, x0, y0] });
            }
        }
        edges
    };
    let (ours, theirs) = (rising(one), rising(other));
    if ours.len() + theirs.len() > MANY_EDGES {
        return None;
    }
    let mut heights = vec![0.0, high];
    for [_, low, _, top] in ours.iter().chain(&theirs) {
        heights.extend([low, top].into_iter().filter(|y| **y > 0.0 && **y < high));
    }
    for edge in &ours {
        heights.extend(
            theirs
                .iter()
                .filter_map(|other| crossing(edge, other))
                .filter(|y| *y > 0.0 && *y < high),
        );
    }
    heights.sort_unstable_by(f64::total_cmp);
    let (mut our_places, mut their_places) = (Vec::new(), Vec::new());
    let mut area_m2 = 0.0;
    for pair in heights.windows(2) {
        let [low, top] = pair else { continue };
        if top <= low {
            continue;
        }
        let middle = f64::midpoint(*low, *top);
        places(&ours, middle, &mut our_places);
        places(&theirs, middle, &mut their_places);
        area_m2 += common_length(&our_places, &their_places) * (top - low);
    }
    Some(area_m2)
}

pub(crate) fn polygons(shape: &Geometry<f64>) -> &[Polygon<f64>] {
    match shape {
        Geometry::Polygon(polygon) => std::slice::from_ref(polygon),
        Geometry::MultiPolygon(parts) => &parts.0,
        _ => &[],
    }
}

/// The height at which two rising edges cross, if they do.
fn crossing(one: &Rising, other: &Rising) -> Option<f64> {
    let ([ax, ay, bx, by], [cx, cy, dx, dy]) = (one, other);
    let (low, top) = (ay.max(*cy), by.min(*dy));
    if low >= top {
        return None;
    }
    let apart = |y: f64| (ax + (bx - ax) * ((y - ay) / (by - ay))) - (cx + (dx - cx) * ((y - cy) / (dy - cy)));
    let (below, above) = (apart(low), apart(top));
    (below * above < 0.0).then(|| low + (top - low) * (below / (below - above)))
}

/// Where a horizontal line meets the edges, from west to east.
fn places(edges: &[Rising], y: f64, places: &mut Vec<f64>) {
    places.clear();
    places.extend(
        edges
            .iter()
            .filter(|[_, low, _, top]| *low < y && y < *top)
            .map(|[ax, ay, bx, by]| ax + (bx - ax) * ((y - ay) / (by - ay))),
    );
    places.sort_unstable_by(f64::total_cmp);
}

/// How long two lists of stretches, each from one place to the next, run in each other.
fn common_length(one: &[f64], other: &[f64]) -> f64 {
    let mut length = 0.0;
    for ours in one.chunks_exact(2) {
        for theirs in other.chunks_exact(2) {
            if let ([from, to], [other_from, other_to]) = (ours, theirs) {
                length += (to.min(*other_to) - from.max(*other_from)).max(0.0);
            }
        }
    }
    length
}

/// The length of a degree of longitude and of latitude at a latitude, metres (CGCS2000).
pub(crate) fn degree_m(lat: f64) -> (f64, f64) {
    const A_M: f64 = 6_378_137.0;
    const E2: f64 = 0.006_694_380_022_903_416;
    let (sin, cos) = lat.to_radians().sin_cos();
    let w = (1.0 - E2 * sin * sin).sqrt();
    (
        (A_M / w * cos).to_radians(),
        (A_M * (1.0 - E2) / (w * w * w)).to_radians(),
    )
}

fn parts(shape: &Geometry<f64>) -> Option<MultiPolygon<f64>> {
    match shape {
        Geometry::Polygon(polygon) => Some(MultiPolygon(vec![Polygon::clone(polygon)])),
        Geometry::MultiPolygon(parts) => Some(parts.clone()),
        _ => None,
    }
}

/// No less than the area of what the boxes of two shapes have in common, m²: a degree is nowhere longer than this.
fn common_box_m2(one: &Geometry<f64>, other: &Geometry<f64>) -> Option<f64> {
    const LONGEST_DEGREE_M: f64 = 111_700.0;
    let (a, b) = (one.bounding_rect()?, other.bounding_rect()?);
    let wide = (a.max().x.min(b.max().x) - a.min().x.max(b.min().x)).max(0.0) * LONGEST_DEGREE_M;
    let high = (a.max().y.min(b.max().y) - a.min().y.max(b.min().y)).max(0.0) * LONGEST_DEGREE_M;
    Some(wide * high)
}

#[cfg(test)]
mod tests {
    use geo_types::{Rect, coord};

    use super::*;

    /// A square of so many metres, so many metres east and north of a place in Changzhou.
    fn square(east_m: f64, north_m: f64, side_m: f64) -> Geometry<f64> {
        let (lon, lat) = (1.0 / 94_700.0, 1.0 / 110_870.0);
        let west = 119.95 + east_m * lon;
        let south = 31.78 + north_m * lat;
        Geometry::Polygon(
            Rect::new(
                coord! { x: west, y: south },
                coord! { x: west + side_m * lon, y: south + side_m * lat },
            )
            .to_polygon(),
        )
    }

    #[test]
    fn neighbours_share_a_border_and_overlap_nothing() {
        let row: Vec<_> = (0..20).map(|step| square(f64::from(step) * 30.0, 0.0, 30.0)).collect();
        assert_eq!(overlaps(&row, 0.5, |_, _| true), []);
    }

    #[test]
    fn each_overlap_is_found_once_with_its_area() {
        // 2 m over the neighbour's line along 30 m, and one square within another.
        let shapes = [
            square(0.0, 0.0, 32.0),
            square(30.0, 0.0, 30.0),
            square(200.0, 0.0, 50.0),
            square(210.0, 10.0, 10.0),
        ];
        let found = overlaps(&shapes, 0.5, |_, _| true);
        let pairs: Vec<_> = found.iter().map(|overlap| (overlap.one, overlap.other)).collect();
        assert_eq!(pairs, [(0, 1), (2, 3)]);
        assert!((found[0].area_m2 - 60.0).abs() < 0.3, "{found:?}");
        assert!((found[1].area_m2 - 100.0).abs() < 0.3, "{found:?}");
        // A greater tolerance, and pairs that are not to be compared.
        assert_eq!(overlaps(&shapes, 80.0, |_, _| true).len(), 1);
        assert_eq!(overlaps(&shapes, 0.5, |one, _| one == 0).len(), 1);
    }

    proptest::proptest! {
        /// What is settled quickly is what the overlap itself says.
        #[test]
        fn the_quick_answer_is_the_area_of_the_overlap(
            one in star(), other in star(), east_m in -40.0..40.0f64, north_m in -40.0..40.0f64,
        ) {
            let (one, other) = (placed(&one, 0.0, 0.0), placed(&other, east_m, north_m));
            let exact = common_area_m2(&one, &other);
            let about = about_common_m2(&one, &other).unwrap();
            proptest::prop_assert!((about - exact).abs() <= exact * ABOUT * 0.2 + 1e-3, "{about} {exact}");
            // A shape and itself, and the order, make no difference.
            let whole = plane_area_m2(&one);
            proptest::prop_assert!((about_common_m2(&one, &one).unwrap() - whole).abs() <= whole * ABOUT * 0.2 + 1e-3);
            let turned = about_common_m2(&other, &one).unwrap();
            proptest::prop_assert!((turned - about).abs() <= about * 1e-6 + 1e-6);
        }
    }

    /// Distances from the middle, one for each corner of a shape that sees all its corners from there.
    fn star() -> impl proptest::strategy::Strategy<Value = Vec<f64>> {
        proptest::collection::vec(3.0..40.0f64, 3..20)
    }

    fn placed(corners: &[f64], east_m: f64, north_m: f64) -> Geometry<f64> {
        let (lon, lat) = (1.0 / 94_700.0, 1.0 / 110_870.0);
        let ring = corners.iter().enumerate().map(|(corner, far)| {
            let turn = std::f64::consts::TAU * corner as f64 / corners.len() as f64;
            coord! {
                x: 119.95 + (east_m + far * turn.cos()) * lon,
                y: 31.78 + (north_m + far * turn.sin()) * lat,
            }
        });
        Geometry::Polygon(Polygon::new(ring.collect(), Vec::new()))
    }

    #[test]
    fn parts_and_holes_count_as_they_are() {
        let Geometry::Polygon(outer) = square(0.0, 0.0, 100.0) else {
            unreachable!()
        };
        let Geometry::Polygon(court) = square(20.0, 20.0, 60.0) else {
            unreachable!()
        };
        let ring = Geometry::Polygon(Polygon::new(outer.exterior().clone(), vec![court.exterior().clone()]));
        // In the court, and across its edge.
        let shapes = [ring, square(30.0, 30.0, 10.0), square(75.0, 40.0, 10.0)];
        let found = overlaps(&shapes, 0.5, |_, _| true);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!((found[0].area_m2 - 50.0).abs() < 0.3, "{found:?}");
        let point = Geometry::Point(geo_types::Point::new(119.95, 31.78));
        assert_eq!(
            overlaps(&[point.clone(), square(-1.0, -1.0, 5.0)], 0.0, |_, _| true),
            []
        );
    }
}
