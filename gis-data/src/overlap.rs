//! Which of many shapes overlap, and by how much: what neighbours' rules ask of a whole city at once.

use geo::{BooleanOps, BoundingRect};
use geo_types::{Geometry, MultiPolygon, Polygon};
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
    let look = |part: &[GeomWithData<Rectangle<[f64; 2]>, usize>]| {
        let mut found = Vec::new();
        for asking in part {
            let one = asking.data;
            let asked = AABB::from_corners(asking.geom().lower(), asking.geom().upper());
            for met in tree.locate_in_envelope_intersecting(asked) {
                let other = met.data;
                if other <= one || common_box_m2(asking.geom(), met.geom()) <= least_m2 || !may_meet(one, other) {
                    continue;
                }
                let (Some(a), Some(b)) = (shapes.get(one), shapes.get(other)) else {
                    continue;
                };
                let area_m2 = common_area_m2(a, b);
                if area_m2 > least_m2 {
                    found.push(Overlap { one, other, area_m2 });
                }
            }
        }
        found
    };
    let mut found: Vec<Overlap> = std::thread::scope(|scope| {
        let running: Vec<_> = boxes.chunks(share).map(|part| scope.spawn(|| look(part))).collect();
        running
            .into_iter()
            .flat_map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    found.sort_unstable_by_key(|overlap| (overlap.one, overlap.other));
    found
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

fn parts(shape: &Geometry<f64>) -> Option<MultiPolygon<f64>> {
    match shape {
        Geometry::Polygon(polygon) => Some(MultiPolygon(vec![Polygon::clone(polygon)])),
        Geometry::MultiPolygon(parts) => Some(parts.clone()),
        _ => None,
    }
}

/// No less than the area of what two boxes have in common, m²: a degree is nowhere longer than this.
fn common_box_m2(one: &Rectangle<[f64; 2]>, other: &Rectangle<[f64; 2]>) -> f64 {
    const LONGEST_DEGREE_M: f64 = 111_700.0;
    let ([west, south], [east, north]) = (one.lower(), one.upper());
    let ([other_west, other_south], [other_east, other_north]) = (other.lower(), other.upper());
    let wide = (east.min(other_east) - west.max(other_west)).max(0.0) * LONGEST_DEGREE_M;
    let high = (north.min(other_north) - south.max(other_south)).max(0.0) * LONGEST_DEGREE_M;
    wide * high
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
