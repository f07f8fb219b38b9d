//! Is what the file says what is held already?

use geo::{Area, BooleanOps};
use geo_types::{Geometry, MultiPolygon};

use super::CompareAttributes;
use crate::spatial_units::Content;

/// How alike two versions must be to be the same.
#[derive(Debug, Clone, Copy)]
pub(super) struct Likeness {
    pub same_shape: f64,
    pub attributes: CompareAttributes,
}

/// How a row compares with what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    /// It says the same.
    Same,
    /// The shapes differ in digits, but by less than what counts.
    SameWithinTolerance,
    /// It says something new.
    Different,
}

impl Likeness {
    pub(super) fn compare(self, held: &Content, read: &Content) -> Comparison {
        let mut read = read.clone();
        if self.attributes == CompareAttributes::Mapped {
            read.source_attributes.clone_from(&held.source_attributes);
        }
        // What was mended is what it was when it came as it came: where a mended ring begins is of no meaning.
        if read.original_geometry.is_some() && read.original_geometry == held.original_geometry {
            read.geometry.clone_from(&held.geometry);
        }
        if read.says_the_same(held) {
            return Comparison::Same;
        }
        if self.same_shape >= 1.0 || read.geometry == held.geometry {
            return Comparison::Different;
        }
        let alike = match (&held.geometry, &read.geometry) {
            (Some(held), Some(read)) => overlap(held, read).is_some_and(|overlap| overlap >= self.same_shape),
            _ => false,
        };
        if !alike {
            return Comparison::Different;
        }
        read.geometry.clone_from(&held.geometry);
        read.original_geometry.clone_from(&held.original_geometry);
        if read.says_the_same(held) {
            Comparison::SameWithinTolerance
        } else {
            Comparison::Different
        }
    }
}

/// The area two shapes share over the area of both together: 1 for equal shapes. A ratio, so degrees will do.
pub(crate) fn overlap(one: &[u8], other: &[u8]) -> Option<f64> {
    let polygons = |ewkb: &[u8]| match crate::geometry::from_ewkb(ewkb).ok()? {
        Geometry::Polygon(polygon) => Some(MultiPolygon(vec![polygon])),
        Geometry::MultiPolygon(polygons) => Some(polygons),
        _ => None,
    };
    let (one, other) = (polygons(one)?, polygons(other)?);
    let shared = one.intersection(&other).unsigned_area();
    let both = one.unsigned_area() + other.unsigned_area() - shared;
    (both > 0.0).then(|| shared / both)
}
