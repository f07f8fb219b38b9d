//! Rings without order to polygons.

use geo::algorithm::coordinate_position::{CoordPos, coord_pos_relative_to_ring};
use geo_types::{Coord, Geometry, LineString, MultiPolygon, Polygon};

use crate::source::SourceRow;

/// Rings of one shape; real ones have hundreds, and telling shells from holes compares each with
/// each.
pub(super) const MAX_RINGS: usize = 20_000;

/// The vertices of each part.
pub(super) type Parts = Vec<Vec<Coord<f64>>>;

/// Twice the signed area, relative to the first vertex.
fn doubled_area(ring: &[Coord<f64>]) -> f64 {
    let Some(origin) = ring.first() else {
        return 0.0;
    };
    let mut sum = 0.0;
    for pair in ring.windows(2) {
        if let [a, b] = pair {
            sum += (a.x - origin.x) * (b.y - origin.y) - (b.x - origin.x) * (a.y - origin.y);
        }
    }
    sum
}

struct Ring {
    line: LineString<f64>,
    area: f64,
    min: Coord<f64>,
    max: Coord<f64>,
}

impl Ring {
    fn new(line: Vec<Coord<f64>>) -> Ring {
        let area = doubled_area(&line).abs();
        let mut min = Coord {
            x: f64::INFINITY,
            y: f64::INFINITY,
        };
        let mut max = Coord {
            x: f64::NEG_INFINITY,
            y: f64::NEG_INFINITY,
        };
        for coord in &line {
            min.x = min.x.min(coord.x);
            min.y = min.y.min(coord.y);
            max.x = max.x.max(coord.x);
            max.y = max.y.max(coord.y);
        }
        Ring {
            line: LineString(line),
            area,
            min,
            max,
        }
    }

    /// Whether the other ring lies inside, judged by its first vertex that isn't on the boundary.
    fn contains(&self, other: &Ring) -> bool {
        if other.min.x < self.min.x
            || other.min.y < self.min.y
            || other.max.x > self.max.x
            || other.max.y > self.max.y
            || other.area > self.area
        {
            return false;
        }
        for coord in &other.line.0 {
            match coord_pos_relative_to_ring(*coord, &self.line) {
                CoordPos::Inside => return true,
                CoordPos::Outside => return false,
                CoordPos::OnBoundary => {}
            }
        }
        // All on the boundary: the same ring, or one drawn through its vertices.
        true
    }
}

/// Rings to polygons. Clockwise rings are shells and others holes, as the format has it, unless
/// their positions say otherwise: a hole in no shell becomes a shell, a shell inside a shell (and
/// not inside one of its holes) becomes a hole.
pub(super) fn by_direction(parts: Parts, row: &mut SourceRow) -> Geometry<f64> {
    let mut shells: Vec<Ring> = Vec::new();
    let mut holes: Vec<Ring> = Vec::new();
    for part in parts {
        let part = closed(part, row);
        if doubled_area(&part) <= 0.0 {
            shells.push(Ring::new(part));
        } else {
            holes.push(Ring::new(part));
        }
    }
    if shells.is_empty() && !holes.is_empty() {
        // All the wrong way round. Of one ring that is too common to mention.
        row.reassigned_rings = holes.len() > 1;
        std::mem::swap(&mut shells, &mut holes);
    }
    // Largest first, so that a shell's container is found before it.
    shells.sort_by(|a, b| b.area.total_cmp(&a.area));
    let mut polygons: Vec<(Ring, Vec<Ring>)> = Vec::with_capacity(shells.len());
    let mut nested: Vec<Ring> = Vec::new();
    for shell in shells {
        let is_inside = polygons.iter().any(|(outer, _)| outer.contains(&shell));
        let is_island = is_inside && holes.iter().any(|hole| hole.contains(&shell));
        if is_inside && !is_island {
            nested.push(shell);
        } else {
            polygons.push((shell, Vec::new()));
        }
    }
    if !nested.is_empty() {
        row.reassigned_rings = true;
        holes.append(&mut nested);
    }
    for hole in holes {
        let owner = smallest_around(&mut polygons, &hole);
        match owner {
            Some((_, inside)) => inside.push(hole),
            None => {
                row.reassigned_rings = true;
                polygons.push((hole, Vec::new()));
            }
        }
    }
    shape_of(polygons)
}

/// Rings to polygons by their positions alone: what lies in an odd number of others is a hole of
/// the smallest of them.
pub(super) fn by_position(parts: Parts, row: &mut SourceRow) -> Geometry<f64> {
    let mut rings: Vec<Ring> = parts.into_iter().map(|part| closed(part, row)).map(Ring::new).collect();
    rings.sort_by(|a, b| b.area.total_cmp(&a.area));
    let mut polygons: Vec<(Ring, Vec<Ring>)> = Vec::new();
    let mut holes: Vec<Ring> = Vec::new();
    for ring in rings {
        let shells = polygons.iter().filter(|(shell, _)| shell.contains(&ring)).count();
        let inside = shells + holes.iter().filter(|hole| hole.contains(&ring)).count();
        if inside.is_multiple_of(2) {
            polygons.push((ring, Vec::new()));
        } else {
            holes.push(ring);
        }
    }
    for hole in holes {
        if let Some((_, inside)) = smallest_around(&mut polygons, &hole) {
            inside.push(hole);
        }
    }
    shape_of(polygons)
}

/// The smallest shell around a hole.
fn smallest_around<'a>(polygons: &'a mut [(Ring, Vec<Ring>)], hole: &Ring) -> Option<&'a mut (Ring, Vec<Ring>)> {
    polygons
        .iter_mut()
        .filter(|(shell, _)| shell.contains(hole))
        .min_by(|a, b| a.0.area.total_cmp(&b.0.area))
}

fn closed(mut part: Vec<Coord<f64>>, row: &mut SourceRow) -> Vec<Coord<f64>> {
    if part.first() != part.last() {
        part.extend(part.first().copied());
        row.closed_rings += 1;
    }
    part
}

fn shape_of(polygons: Vec<(Ring, Vec<Ring>)>) -> Geometry<f64> {
    let mut polygons: Vec<Polygon<f64>> = polygons
        .into_iter()
        .map(|(shell, holes)| Polygon::new(shell.line, holes.into_iter().map(|hole| hole.line).collect()))
        .collect();
    match polygons.len() {
        1 => Geometry::Polygon(polygons.swap_remove(0)),
        _ => Geometry::MultiPolygon(MultiPolygon(polygons)),
    }
}
