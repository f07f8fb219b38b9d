//! Prepared geometry: everything that can be computed once, when a feature is imported.

use geo_types::{Coord, Geometry, LineString, Polygon};

use crate::{
    grid::{WorldBox, WorldPoint},
    simplify,
};

/// Geometry ready for tiles: Web Mercator (EPSG:3857), quantised to 2³² units around the world,
/// rings wound for MVT 2.1, and for every vertex the lowest zoom at which it matters.
///
/// Keep [`Shape::to_bytes`] beside the row and a restart needs neither projection nor
/// simplification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    pub(crate) kind: Kind,
    /// Rings one after the other, not closed; or the points of a multipoint.
    pub(crate) vertices: Box<[[u32; 2]]>,
    /// For every vertex the lowest zoom at which it is kept.
    pub(crate) keep: Box<[u8]>,
    /// Length of each ring, with [`EXTERIOR`] set on outer rings; empty for points and, as the
    /// common case deserves, for a polygon of one ring.
    pub(crate) rings: Box<[u32]>,
    /// One bit per zoom from [`FIRST_MENDED_ZOOM`] at which snapping makes rings touch or cross, or turns
    /// one inside out.
    pub(crate) mend: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Points,
    Polygons,
}

/// Marks an outer ring in [`Shape::rings`].
pub(crate) const EXTERIOR: u32 = 1 << 31;

/// No layer shows polygons below this zoom.
pub(crate) const FIRST_MENDED_ZOOM: u8 = 10;

const FORMAT: u8 = 1;

/// Why a geometry cannot be prepared for tiles.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeRefused {
    /// Only points and polygons have tiles.
    #[error("a {kind} cannot be drawn in these layers, only points and polygons")]
    Unsupported {
        /// Name of the geometry type.
        kind: &'static str,
    },
    /// There is no coordinate at all.
    #[error("the geometry is empty")]
    Empty,
    /// A coordinate is NaN, infinite or not on the globe.
    #[error("longitude {longitude}, latitude {latitude} is not a place on the globe")]
    NotAPlace {
        /// Degrees east.
        longitude: f64,
        /// Degrees north.
        latitude: f64,
    },
    /// No outer ring has three distinct corners.
    #[error("the outer ring has {corners} distinct corners, at least 3 are needed")]
    TooFewCorners {
        /// Distinct corners found, of the best outer ring.
        corners: usize,
    },
    /// More vertices than one feature may have.
    #[error("{vertices} vertices are more than one feature may have")]
    TooManyVertices {
        /// Vertices found.
        vertices: usize,
    },
}

/// Why bytes are not a shape written by [`Shape::to_bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ShapeCorrupt {
    /// Written by a version this program does not know.
    #[error("shape format {format} is unknown")]
    UnknownFormat {
        /// First byte found.
        format: u8,
    },
    /// The bytes end too early.
    #[error("the shape is cut off")]
    Truncated,
    /// Something follows the end of the shape.
    #[error("{bytes} bytes follow the end of the shape")]
    Trailing {
        /// How many bytes are left over.
        bytes: usize,
    },
    /// A value is outside what the format allows.
    #[error("the shape's {part} is out of range")]
    OutOfRange {
        /// Which part.
        part: &'static str,
    },
}

/// Half of what a ring length can count; far beyond what any feature should have.
const MAX_VERTICES: usize = 1 << 28;

impl Shape {
    /// Prepares a geometry given in lon/lat degrees (EPSG:4490 or 4326; x is the longitude).
    ///
    /// Latitudes beyond ±85.0511° (the end of Web Mercator) are drawn at that edge. Parts smaller
    /// than the world grid stay as a point-sized island; holes without area are dropped, and so are
    /// parts of fewer than three corners when others remain. A box or triangle is taken as a
    /// polygon.
    ///
    /// # Errors
    /// See [`ShapeRefused`]; nothing panics, whatever the coordinates.
    pub fn prepare(geometry: &Geometry<f64>) -> Result<Self, ShapeRefused> {
        let unsupported = |kind| Err(ShapeRefused::Unsupported { kind });
        match geometry {
            Geometry::Point(point) => Self::of_points(&[point.0]),
            Geometry::MultiPoint(points) => Self::of_points(&points.iter().map(|point| point.0).collect::<Vec<_>>()),
            Geometry::Polygon(polygon) => Self::of_polygons(std::slice::from_ref(polygon)),
            Geometry::MultiPolygon(polygons) => Self::of_polygons(&polygons.0),
            Geometry::Rect(rect) => {
                // `Rect` allows no NaN check of its own: its corners are checked like any others.
                Self::of_polygons(&[rect.to_polygon()])
            }
            Geometry::Triangle(triangle) => Self::of_polygons(&[triangle.to_polygon()]),
            Geometry::Line(_) | Geometry::LineString(_) => unsupported("line"),
            Geometry::MultiLineString(_) => unsupported("multi-line"),
            Geometry::GeometryCollection(_) => unsupported("geometry collection"),
        }
    }

    fn of_points(coordinates: &[Coord<f64>]) -> Result<Self, ShapeRefused> {
        let mut vertices = coordinates
            .iter()
            .map(|&coordinate| quantise(coordinate))
            .collect::<Result<Vec<_>, _>>()?;
        vertices.sort_unstable();
        vertices.dedup();
        if vertices.is_empty() {
            return Err(ShapeRefused::Empty);
        }
        too_many(vertices.len())?;
        Ok(Self {
            kind: Kind::Points,
            keep: vec![0; vertices.len()].into(),
            vertices: vertices.into(),
            rings: Box::default(),
            mend: 0,
        })
    }

    fn of_polygons(polygons: &[Polygon<f64>]) -> Result<Self, ShapeRefused> {
        let mut vertices = Vec::new();
        let mut keep = Vec::new();
        let mut rings = Vec::new();
        let mut most_corners = 0;
        for polygon in polygons {
            if polygon.exterior().0.is_empty() {
                continue;
            }
            let corners = distinct_corners(polygon.exterior());
            if corners < 3 {
                // A NaN makes corners unequal to themselves; say what is really wrong.
                for &coordinate in &polygon.exterior().0 {
                    quantise(coordinate)?;
                }
                // A part without area beside parts that have some hides nothing by being left out.
                most_corners = most_corners.max(corners);
                continue;
            }
            let exterior = quantise_ring(polygon.exterior())?;
            push_ring(&mut vertices, &mut keep, &mut rings, exterior, true);
            for interior in polygon.interiors() {
                let hole = quantise_ring(interior)?;
                if hole.len() >= 3 && doubled_area(&hole) != 0 {
                    push_ring(&mut vertices, &mut keep, &mut rings, hole, false);
                }
            }
            too_many(vertices.len())?;
        }
        if vertices.is_empty() {
            return Err(match most_corners {
                0 => ShapeRefused::Empty,
                corners => ShapeRefused::TooFewCorners { corners },
            });
        }
        if rings.len() == 1 {
            rings.clear();
        }
        let mut shape = Self {
            kind: Kind::Polygons,
            vertices: vertices.into(),
            keep: keep.into(),
            rings: rings.into(),
            mend: 0,
        };
        shape.mend = simplify::zooms_to_mend(shape.view());
        Ok(shape)
    }

    /// Whether the shape is made of points.
    pub fn is_point(&self) -> bool {
        self.kind == Kind::Points
    }

    /// Number of vertices, the closing ones of rings not counted.
    pub fn vertex_count(&self) -> usize {
        self.vertices.len()
    }

    /// West, south, east and north in degrees.
    pub fn bounds(&self) -> [f64; 4] {
        let bounds = self.world_box();
        let (west, north) = WorldPoint {
            x: bounds.min_x,
            y: bounds.min_y,
        }
        .to_degrees();
        let (east, south) = WorldPoint {
            x: bounds.max_x,
            y: bounds.max_y,
        }
        .to_degrees();
        [west, south, east, north]
    }

    pub(crate) fn world_box(&self) -> WorldBox {
        let mut bounds = WorldBox::EMPTY;
        for &[x, y] in &self.vertices {
            bounds.grow(x, y);
        }
        bounds
    }

    pub(crate) fn view(&self) -> ShapeView<'_> {
        ShapeView {
            kind: self.kind,
            vertices: &self.vertices,
            keep: &self.keep,
            rings: &self.rings,
            mend: self.mend,
        }
    }

    /// A compact, versioned form: about five bytes a vertex.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(16 + self.vertices.len() * 6);
        bytes.push(FORMAT);
        bytes.push(match self.kind {
            Kind::Points => 0,
            Kind::Polygons => 1,
        });
        bytes.extend_from_slice(&self.mend.to_le_bytes());
        push_varint(&mut bytes, self.vertices.len() as u64);
        push_varint(&mut bytes, self.rings.len() as u64);
        for &ring in &self.rings {
            push_varint(&mut bytes, u64::from(ring & !EXTERIOR) << 1 | u64::from(ring >> 31));
        }
        let mut last = [0_i64; 2];
        for vertex in &self.vertices {
            let next = vertex.map(i64::from);
            push_varint(&mut bytes, zigzag(next[0] - last[0]));
            push_varint(&mut bytes, zigzag(next[1] - last[1]));
            last = next;
        }
        bytes.extend_from_slice(&self.keep);
        bytes
    }

    /// Undoes [`Shape::to_bytes`], checking everything the tile code relies on.
    ///
    /// # Errors
    /// See [`ShapeCorrupt`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ShapeCorrupt> {
        let mut rest = Reader { bytes };
        let format = rest.byte()?;
        if format != FORMAT {
            return Err(ShapeCorrupt::UnknownFormat { format });
        }
        let kind = match rest.byte()? {
            0 => Kind::Points,
            1 => Kind::Polygons,
            _ => return Err(ShapeCorrupt::OutOfRange { part: "kind" }),
        };
        let mend = u16::from_le_bytes([rest.byte()?, rest.byte()?]);
        let vertex_count = rest.count("vertex count")?;
        if vertex_count == 0 {
            return Err(ShapeCorrupt::OutOfRange { part: "vertex count" });
        }
        let ring_count = rest.count("ring count")?;
        if kind == Kind::Points && ring_count != 0 {
            return Err(ShapeCorrupt::OutOfRange { part: "ring count" });
        }
        let mut rings = Vec::with_capacity(ring_count);
        let mut in_rings = 0_usize;
        for index in 0..ring_count {
            let packed = rest.varint()?;
            let length = usize::try_from(packed >> 1)
                .ok()
                .filter(|length| (1..=vertex_count).contains(length))
                .ok_or(ShapeCorrupt::OutOfRange { part: "ring length" })?;
            in_rings += length;
            let exterior = packed & 1 == 1;
            if in_rings > vertex_count || (index == 0 && !exterior) {
                return Err(ShapeCorrupt::OutOfRange { part: "ring" });
            }
            let length = u32::try_from(length).map_err(|_| ShapeCorrupt::OutOfRange { part: "ring length" })?;
            rings.push(if exterior { length | EXTERIOR } else { length });
        }
        if ring_count != 0 && in_rings != vertex_count {
            return Err(ShapeCorrupt::OutOfRange { part: "ring" });
        }
        let mut vertices = Vec::with_capacity(vertex_count);
        let mut last = [0_i64; 2];
        for _ in 0..vertex_count {
            let mut vertex = [0_u32; 2];
            for axis in 0..2 {
                let next = last[axis].wrapping_add(unzigzag(rest.varint()?));
                vertex[axis] = u32::try_from(next).map_err(|_| ShapeCorrupt::OutOfRange { part: "coordinate" })?;
                last[axis] = next;
            }
            vertices.push(vertex);
        }
        let keep = rest.take(vertex_count)?;
        if !rest.bytes.is_empty() {
            return Err(ShapeCorrupt::Trailing {
                bytes: rest.bytes.len(),
            });
        }
        Ok(Self {
            kind,
            vertices: vertices.into(),
            keep: keep.into(),
            rings: rings.into(),
            mend,
        })
    }
}

/// A shape wherever its parts are stored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ShapeView<'a> {
    pub kind: Kind,
    pub vertices: &'a [[u32; 2]],
    pub keep: &'a [u8],
    pub rings: &'a [u32],
    pub mend: u16,
}

/// One ring of a [`ShapeView`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct RingView<'a> {
    pub vertices: &'a [[u32; 2]],
    pub keep: &'a [u8],
    pub exterior: bool,
}

impl<'a> ShapeView<'a> {
    pub fn rings(&self) -> impl Iterator<Item = RingView<'a>> + use<'a> {
        let (vertices, keep) = (self.vertices, self.keep);
        let single = self.rings.is_empty().then_some((vertices.len(), true));
        let mut start = 0;
        let listed = self
            .rings
            .iter()
            .map(|&ring| ((ring & !EXTERIOR) as usize, ring & EXTERIOR != 0));
        single.into_iter().chain(listed).map(move |(length, exterior)| {
            let end = (start + length).min(vertices.len());
            let ring = RingView {
                vertices: &vertices[start..end],
                keep: &keep[start..end],
                exterior,
            };
            start = end;
            ring
        })
    }

    pub fn needs_mending(&self, z: u8) -> bool {
        z.checked_sub(FIRST_MENDED_ZOOM)
            .is_some_and(|bit| self.mend & 1 << bit != 0)
    }
}

/// Twice the signed area of an open ring; positive when it is an outer ring by MVT 2.1 (clockwise
/// on the screen, as y grows downward).
pub(crate) fn doubled_area(ring: &[[u32; 2]]) -> i128 {
    let Some(&[base_x, base_y]) = ring.first() else {
        return 0;
    };
    let relative = |[x, y]: [u32; 2]| (i128::from(x) - i128::from(base_x), i128::from(y) - i128::from(base_y));
    ring.windows(2)
        .map(|pair| {
            let ((ax, ay), (bx, by)) = (relative(pair[0]), relative(pair[1]));
            ax * by - bx * ay
        })
        .sum()
}

fn push_ring(
    vertices: &mut Vec<[u32; 2]>,
    keep: &mut Vec<u8>,
    rings: &mut Vec<u32>,
    mut ring: Vec<[u32; 2]>,
    exterior: bool,
) {
    if (doubled_area(&ring) < 0) == exterior {
        ring.reverse();
    }
    // Starting from an extreme corner, whose place never depends on where the source began, gives
    // simplification an anchor that is a real corner.
    if let Some(start) = (0..ring.len()).min_by_key(|&index| ring[index]) {
        ring.rotate_left(start);
    }
    keep.extend(simplify::lowest_zooms(&ring));
    let length = u32::try_from(ring.len()).unwrap_or(EXTERIOR - 1);
    rings.push(if exterior { length | EXTERIOR } else { length });
    vertices.extend_from_slice(&ring);
}

fn too_many(vertices: usize) -> Result<(), ShapeRefused> {
    if vertices > MAX_VERTICES {
        return Err(ShapeRefused::TooManyVertices { vertices });
    }
    Ok(())
}

/// Distinct corners of a ring, counted no further than three.
fn distinct_corners(ring: &LineString<f64>) -> usize {
    let mut found: Vec<Coord<f64>> = Vec::with_capacity(3);
    for &coordinate in &ring.0 {
        if !found.contains(&coordinate) {
            found.push(coordinate);
            if found.len() == 3 {
                break;
            }
        }
    }
    found.len()
}

fn quantise(coordinate: Coord<f64>) -> Result<[u32; 2], ShapeRefused> {
    WorldPoint::from_degrees(coordinate.x, coordinate.y)
        .map(|place| [place.x, place.y])
        .ok_or(ShapeRefused::NotAPlace {
            longitude: coordinate.x,
            latitude: coordinate.y,
        })
}

/// Quantises a ring, without its closing vertex and without repeated ones.
fn quantise_ring(ring: &LineString<f64>) -> Result<Vec<[u32; 2]>, ShapeRefused> {
    let mut vertices = Vec::with_capacity(ring.0.len());
    for &coordinate in &ring.0 {
        let vertex = quantise(coordinate)?;
        if vertices.last() != Some(&vertex) {
            vertices.push(vertex);
        }
    }
    while vertices.len() > 1 && vertices.first() == vertices.last() {
        vertices.pop();
    }
    Ok(vertices)
}

pub(crate) fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[expect(clippy::cast_sign_loss, reason = "zigzag maps signed to unsigned bit by bit")]
pub(crate) fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}

fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Result<u8, ShapeCorrupt> {
        let (&first, rest) = self.bytes.split_first().ok_or(ShapeCorrupt::Truncated)?;
        self.bytes = rest;
        Ok(first)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], ShapeCorrupt> {
        let (head, rest) = self.bytes.split_at_checked(length).ok_or(ShapeCorrupt::Truncated)?;
        self.bytes = rest;
        Ok(head)
    }

    fn varint(&mut self) -> Result<u64, ShapeCorrupt> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(ShapeCorrupt::OutOfRange { part: "number" })
    }

    /// A count of things that take at least one byte each, so that a forged count cannot make us
    /// reserve memory.
    fn count(&mut self, part: &'static str) -> Result<usize, ShapeCorrupt> {
        let count = usize::try_from(self.varint()?)
            .ok()
            .filter(|&count| count <= MAX_VERTICES)
            .ok_or(ShapeCorrupt::OutOfRange { part })?;
        if count > self.bytes.len() {
            return Err(ShapeCorrupt::Truncated);
        }
        Ok(count)
    }
}
