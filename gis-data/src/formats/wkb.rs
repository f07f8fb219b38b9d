//! Well-known binary, in the forms of ISO 13249, of OGC's older 2.5D and of PostGIS (EWKB).
//!
//! Counts inside are claims: room is made for what the bytes hold, and not for what they say.

use geo_types::{Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point};

use super::shape::{MAX_COLLECTION_DEPTH, Notes, bad, kind, polygon, position};
use crate::source::Unreadable;

const HAS_Z: u32 = 0x8000_0000;
const HAS_M: u32 = 0x4000_0000;
const HAS_SRID: u32 = 0x2000_0000;

/// A shape read from WKB, and the number of its coordinate system where EWKB names one.
pub(super) struct Read {
    pub geometry: Geometry<f64>,
    pub srid: Option<u32>,
}

/// Reads one shape; bytes behind it are refused.
pub(super) fn read(bytes: &[u8], notes: &mut Notes) -> Result<Read, Unreadable> {
    let mut cursor = Cursor {
        rest: bytes,
        notes,
        srid: None,
    };
    let geometry = cursor.geometry(0)?;
    if !cursor.rest.is_empty() {
        return Err(bad("there is something behind the shape"));
    }
    Ok(Read {
        geometry,
        srid: cursor.srid,
    })
}

/// The coordinate system that EWKB names, by its first bytes alone.
pub(super) fn srid(bytes: &[u8]) -> Option<u32> {
    let mut notes = Notes::new(0);
    let mut cursor = Cursor {
        rest: bytes,
        notes: &mut notes,
        srid: None,
    };
    cursor.head().ok()?;
    cursor.srid
}

/// Reads hexadecimal digits.
pub(super) fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    let digits = digits.strip_prefix(b"\\x").unwrap_or(digits);
    if !digits.len().is_multiple_of(2) || digits.len() < 10 {
        return None;
    }
    let value = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok())
    };
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => Some(value(*high)? << 4 | value(*low)?),
            _ => None,
        })
        .collect()
}

/// What stands before the coordinates of each shape.
#[derive(Clone, Copy)]
struct Head {
    is_little: bool,
    kind: u32,
    /// Bytes of one position.
    stride: usize,
}

struct Cursor<'a, 'b> {
    rest: &'a [u8],
    notes: &'b mut Notes,
    srid: Option<u32>,
}

impl<'a> Cursor<'a, '_> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or_else(|| bad("the shape's bytes end too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, is_little: bool) -> Result<u32, Unreadable> {
        let bytes = self.take(4)?.try_into().unwrap_or_default();
        Ok(if is_little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        })
    }

    fn head(&mut self) -> Result<Head, Unreadable> {
        let is_little = match self.take(1)? {
            [0] => false,
            [1] => true,
            _ => return Err(bad("no byte order at the start of the shape")),
        };
        let code = self.number(is_little)?;
        if code & HAS_SRID != 0 {
            let srid = self.number(is_little)?;
            self.srid = self.srid.or(Some(srid).filter(|srid| *srid != 0));
        }
        let plain = code & 0x0FFF_FFFF;
        let (kind, dimensions) = (plain % 1000, plain / 1000);
        let has_z = code & HAS_Z != 0 || matches!(dimensions, 1 | 3);
        let has_m = code & HAS_M != 0 || matches!(dimensions, 2 | 3);
        if dimensions > 3 {
            return Err(bad(format!("there is no shape type {plain}")));
        }
        self.notes.dropped_z |= has_z;
        self.notes.dropped_m |= has_m;
        Ok(Head {
            is_little,
            kind,
            stride: 16 + 8 * usize::from(has_z) + 8 * usize::from(has_m),
        })
    }

    /// A count that the bytes left can hold, each item having so many at least.
    fn items(&mut self, is_little: bool, at_least: usize) -> Result<usize, Unreadable> {
        let count = self.number(is_little)? as usize;
        if count.saturating_mul(at_least) > self.rest.len() {
            return Err(bad("the shape holds less than it says"));
        }
        Ok(count)
    }

    fn geometry(&mut self, depth: u32) -> Result<Geometry<f64>, Unreadable> {
        if depth > MAX_COLLECTION_DEPTH {
            return Err(bad("collections nested too deep"));
        }
        let head = self.head()?;
        Ok(match head.kind {
            1 => match self.point(head)? {
                Some(coord) => Geometry::Point(Point(coord)),
                None => Geometry::MultiPoint(MultiPoint(Vec::new())),
            },
            2 => Geometry::LineString(LineString(self.line(head)?)),
            3 => Geometry::Polygon(polygon(self.rings(head)?)),
            4 => {
                let mut points = Vec::new();
                self.members(head, 1, |cursor, head| {
                    points.extend(cursor.point(head)?.map(Point));
                    Ok(())
                })?;
                Geometry::MultiPoint(MultiPoint(points))
            }
            5 => {
                let mut lines = Vec::new();
                self.members(head, 2, |cursor, head| {
                    lines.push(LineString(cursor.line(head)?));
                    Ok(())
                })?;
                Geometry::MultiLineString(MultiLineString(lines))
            }
            6 => {
                let mut polygons = Vec::new();
                self.members(head, 3, |cursor, head| {
                    polygons.push(polygon(cursor.rings(head)?));
                    Ok(())
                })?;
                Geometry::MultiPolygon(MultiPolygon(polygons))
            }
            7 => {
                let count = self.items(head.is_little, 9)?;
                let mut members = Vec::new();
                for _ in 0..count {
                    self.notes.part()?;
                    members.push(self.geometry(depth + 1)?);
                }
                Geometry::GeometryCollection(GeometryCollection(members))
            }
            other => match name(other) {
                Some(name) => return Err(kind(name)),
                None => return Err(bad(format!("there is no shape type {other}"))),
            },
        })
    }

    /// The members of a multi-shape, each with a head of its own.
    fn members(
        &mut self,
        head: Head,
        wanted: u32,
        mut member: impl FnMut(&mut Self, Head) -> Result<(), Unreadable>,
    ) -> Result<(), Unreadable> {
        for _ in 0..self.items(head.is_little, 9)? {
            self.notes.part()?;
            let head = self.head()?;
            if head.kind != wanted {
                return Err(match name(head.kind) {
                    Some(name) => kind(name),
                    None => bad("a part of the wrong kind"),
                });
            }
            member(self, head)?;
        }
        Ok(())
    }

    /// A position; nothing where both numbers are NaN, which is how an empty point is written.
    fn point(&mut self, head: Head) -> Result<Option<Coord<f64>>, Unreadable> {
        self.notes.count(1)?;
        let bytes = self.take(head.stride)?;
        let (x, y) = pair(bytes, head.is_little);
        if x.is_nan() && y.is_nan() {
            return Ok(None);
        }
        position(x, y).map(Some)
    }

    fn line(&mut self, head: Head) -> Result<Vec<Coord<f64>>, Unreadable> {
        let count = self.items(head.is_little, head.stride)?;
        self.notes.count(count as u64)?;
        let bytes = self.take(count * head.stride)?;
        let mut line = Vec::with_capacity(count);
        for bytes in bytes.chunks_exact(head.stride) {
            let (x, y) = pair(bytes, head.is_little);
            line.push(position(x, y)?);
        }
        Ok(line)
    }

    fn rings(&mut self, head: Head) -> Result<Vec<LineString<f64>>, Unreadable> {
        let mut rings = Vec::new();
        for _ in 0..self.items(head.is_little, 4)? {
            self.notes.part()?;
            let ring = self.line(head)?;
            rings.push(self.notes.ring(ring));
        }
        Ok(rings)
    }
}

/// The first two numbers of a position.
fn pair(bytes: &[u8], is_little: bool) -> (f64, f64) {
    let number = |at: usize| {
        let bytes = bytes
            .get(at..at + 8)
            .and_then(|bytes| bytes.try_into().ok())
            .unwrap_or([0xFF; 8]);
        if is_little {
            f64::from_le_bytes(bytes)
        } else {
            f64::from_be_bytes(bytes)
        }
    };
    (number(0), number(8))
}

/// Kinds of the standard that aren't read.
fn name(code: u32) -> Option<&'static str> {
    Some(match code {
        8 => "CircularString",
        9 => "CompoundCurve",
        10 => "CurvePolygon",
        11 => "MultiCurve",
        12 => "MultiSurface",
        13 => "Curve",
        14 => "Surface",
        15 => "PolyhedralSurface",
        16 => "TIN",
        17 => "Triangle",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_hex(text: &str) -> Result<(Geometry<f64>, Option<u32>, Notes), Unreadable> {
        let mut notes = Notes::new(1_000);
        let read = read(&bytes_of_hex(text).unwrap(), &mut notes)?;
        Ok((read.geometry, read.srid, notes))
    }

    #[test]
    fn points_of_every_dialect_are_the_same_point() {
        let expected = Geometry::Point(Point(Coord { x: 1.0, y: 2.0 }));
        for (text, srid, has_z, has_m) in [
            ("0101000000000000000000F03F0000000000000040", None, false, false),
            ("00000000013FF00000000000004000000000000000", None, false, false),
            (
                "0101000020E6100000000000000000F03F0000000000000040",
                Some(4326),
                false,
                false,
            ),
            (
                "01E9030000000000000000F03F00000000000000400000000000000840",
                None,
                true,
                false,
            ),
            (
                "0101000080000000000000F03F00000000000000400000000000000840",
                None,
                true,
                false,
            ),
            (
                "01D1070000000000000000F03F00000000000000400000000000000840",
                None,
                false,
                true,
            ),
        ] {
            let (geometry, found, notes) = read_hex(text).unwrap();
            assert_eq!(geometry, expected, "{text}");
            assert_eq!(
                (found, notes.dropped_z, notes.dropped_m),
                (srid, has_z, has_m),
                "{text}"
            );
        }
    }

    #[test]
    fn claims_that_the_bytes_do_not_bear_out_are_refused() {
        for text in [
            // A line of four billion points, a polygon of as many rings, a collection of itself.
            "0102000000FFFFFFFF0000000000000000",
            "0103000000FFFFFFFF0000000000000000",
            "0107000000FFFFFFFF0107000000",
            "0163000000000000000000F03F0000000000000040",
            "0201000000000000000000F03F0000000000000040",
            "0101000000000000000000F03F000000000000004000",
        ] {
            assert!(matches!(read_hex(text), Err(Unreadable::Geometry { .. })), "{text}");
        }
        let nan = "0101000000000000000000F03F000000000000F87F";
        assert_eq!(read_hex(nan).unwrap_err(), Unreadable::NotFinite);
        let curve = "0108000000000000000000000000";
        assert!(matches!(read_hex(curve), Err(Unreadable::Kind { kind }) if kind == "CircularString"));
    }

    #[test]
    fn collections_nested_without_end_are_refused() {
        let mut bytes = Vec::new();
        for _ in 0..100_000 {
            bytes.extend([1, 7, 0, 0, 0, 1, 0, 0, 0]);
        }
        let mut notes = Notes::new(10);
        assert!(matches!(read(&bytes, &mut notes), Err(Unreadable::Geometry { .. })));
    }
}
