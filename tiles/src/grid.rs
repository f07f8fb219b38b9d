//! Tile and world arithmetic.
//!
//! The world is the Web Mercator square (EPSG:3857) cut into 2³² × 2³² units, x to the east and y
//! to the south, so that a tile of zoom `z` is 2^(32−z) units wide and, with an extent of 4096, one
//! tile coordinate is 2^(20−z) units: every tile of every zoom is a shift away.

use std::f64::consts::PI;

/// Highest zoom served; there one tile coordinate is exactly one world unit.
pub const MAX_ZOOM: u8 = 20;

/// Tile coordinates across one tile.
pub(crate) const EXTENT: i32 = 4096;

/// Tile coordinates of geometry kept beyond each tile edge, so that outlines and joins meet.
pub(crate) const BUFFER: i32 = 64;

/// Latitude (degrees) where the Web Mercator square ends.
const LATITUDE_LIMIT: f64 = 85.051_128_779_806_59;

const WORLD: f64 = 4_294_967_296.0;

/// Length of the equator on the WGS 84 sphere of Web Mercator, in metres.
const EQUATOR_M: f64 = 40_075_016.685_578_49;

/// Address of a tile in the XYZ scheme: zoom 0–20, x to the east, y to the south.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    z: u8,
    x: u32,
    y: u32,
}

/// Why three numbers are not the address of a tile.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TileAddress {
    /// The zoom is above [`MAX_ZOOM`].
    #[error("zoom {z} is outside 0 to {MAX_ZOOM}")]
    ZoomOutOfRange {
        /// The zoom asked for.
        z: u8,
    },
    /// The column or row does not exist at this zoom.
    #[error("tile {z}/{x}/{y} is outside the grid of its zoom")]
    OutsideGrid {
        /// The zoom asked for.
        z: u8,
        /// The column asked for.
        x: u32,
        /// The row asked for.
        y: u32,
    },
    /// The longitude or latitude is not a number or is off the globe.
    #[error("longitude {longitude}, latitude {latitude} is not a place on the globe")]
    NotAPlace {
        /// Degrees east.
        longitude: f64,
        /// Degrees north.
        latitude: f64,
    },
}

impl TileId {
    /// The tile at zoom `z`, column `x`, row `y`.
    ///
    /// # Errors
    /// [`TileAddress::ZoomOutOfRange`] above zoom 20, [`TileAddress::OutsideGrid`] when the column or
    /// row does not exist at that zoom.
    pub fn new(z: u8, x: u32, y: u32) -> Result<Self, TileAddress> {
        if z > MAX_ZOOM {
            return Err(TileAddress::ZoomOutOfRange { z });
        }
        if x >> z != 0 || y >> z != 0 {
            return Err(TileAddress::OutsideGrid { z, x, y });
        }
        Ok(Self { z, x, y })
    }

    /// The tile of zoom `z` that holds a place given in lon/lat degrees (EPSG:4490 or 4326).
    ///
    /// # Errors
    /// [`TileAddress::ZoomOutOfRange`], or [`TileAddress::NotAPlace`] for non-finite or impossible degrees.
    pub fn containing(z: u8, longitude: f64, latitude: f64) -> Result<Self, TileAddress> {
        if z > MAX_ZOOM {
            return Err(TileAddress::ZoomOutOfRange { z });
        }
        let place =
            WorldPoint::from_degrees(longitude, latitude).ok_or(TileAddress::NotAPlace { longitude, latitude })?;
        Ok(Self::of(z, place))
    }

    /// Zoom, 0–20.
    pub fn z(self) -> u8 {
        self.z
    }

    /// Column, counted eastward from 180° W.
    pub fn x(self) -> u32 {
        self.x
    }

    /// Row, counted southward from 85.05° N.
    pub fn y(self) -> u32 {
        self.y
    }

    /// West, south, east and north edges in degrees.
    pub fn bounds(self) -> [f64; 4] {
        let tiles = f64::from(1_u32 << self.z);
        let longitude = |column: f64| column / tiles * 360.0 - 180.0;
        let latitude = |row: f64| latitude_of(row / tiles);
        let (x, y) = (f64::from(self.x), f64::from(self.y));
        [longitude(x), latitude(y + 1.0), longitude(x + 1.0), latitude(y)]
    }

    pub(crate) fn of(z: u8, place: WorldPoint) -> Self {
        Self {
            z,
            x: cell(place.x, z),
            y: cell(place.y, z),
        }
    }

    /// World coordinates of the north-west corner.
    pub(crate) fn origin(self) -> (i64, i64) {
        let width = 32 - u32::from(self.z);
        (i64::from(self.x) << width, i64::from(self.y) << width)
    }

    /// The ancestor at zoom `z`, or the tile itself when it is not below that zoom.
    pub(crate) fn ancestor(self, z: u8) -> Self {
        let up = self.z.saturating_sub(z);
        Self {
            z: self.z - up,
            x: self.x >> up,
            y: self.y >> up,
        }
    }

    /// One number per tile, unique over zooms.
    pub(crate) fn key(self) -> u64 {
        u64::from(self.z) << 58 | u64::from(self.x) << 29 | u64::from(self.y)
    }

    /// The world box of everything that may show in the tile, the buffer and half a tile coordinate
    /// of snapping included.
    pub(crate) fn reach(self) -> WorldBox {
        let (x, y) = self.origin();
        let width = 1_i64 << (32 - u32::from(self.z));
        let margin = margin(self.z);
        WorldBox {
            min_x: clamp_world(x - margin),
            min_y: clamp_world(y - margin),
            max_x: clamp_world(x + width + margin),
            max_y: clamp_world(y + width + margin),
        }
    }
}

/// World units by which a feature outside a tile may still show in it.
pub(crate) fn margin(z: u8) -> i64 {
    i64::from(BUFFER + 1) << (MAX_ZOOM - z.min(MAX_ZOOM))
}

/// Column or row at zoom `z` (0 to 32) of a world coordinate.
pub(crate) fn cell(coordinate: u32, z: u8) -> u32 {
    coordinate.checked_shr(32 - u32::from(z)).unwrap_or(0)
}

/// Nearest world coordinate.
pub(crate) fn clamp_world(coordinate: i64) -> u32 {
    u32::try_from(coordinate.max(0)).unwrap_or(u32::MAX)
}

/// A place on the world grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorldPoint {
    pub x: u32,
    pub y: u32,
}

impl WorldPoint {
    /// Projects degrees; latitudes beyond the Web Mercator square land on its edge. `None` for
    /// degrees that are not finite or not on the globe.
    pub fn from_degrees(longitude: f64, latitude: f64) -> Option<Self> {
        // Negated so that NaN is refused too.
        if !(longitude.abs() <= 180.0 && latitude.abs() <= 90.0) {
            return None;
        }
        let sine = latitude.clamp(-LATITUDE_LIMIT, LATITUDE_LIMIT).to_radians().sin();
        let x = longitude / 360.0 + 0.5;
        let y = 0.5 - ((1.0 + sine) / (1.0 - sine)).ln() / (4.0 * PI);
        Some(Self {
            x: quantised(x),
            y: quantised(y),
        })
    }

    /// Longitude and latitude in degrees.
    pub fn to_degrees(self) -> (f64, f64) {
        (
            f64::from(self.x) / WORLD * 360.0 - 180.0,
            latitude_of(f64::from(self.y) / WORLD),
        )
    }

    /// Ground metres per world unit at this place.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "documents the grid's scale and is checked in tests")
    )]
    pub fn metres_per_unit(self) -> f64 {
        EQUATOR_M / WORLD * self.to_degrees().1.to_radians().cos()
    }
}

fn quantised(fraction: f64) -> u32 {
    // A float-to-integer cast saturates, which is the clamping wanted at the eastern edge.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "saturating by definition"
    )]
    {
        (fraction * WORLD).round() as u32
    }
}

fn latitude_of(fraction_from_north: f64) -> f64 {
    (PI * (1.0 - 2.0 * fraction_from_north)).sinh().atan().to_degrees()
}

/// A box of world coordinates, edges included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WorldBox {
    pub min_x: u32,
    pub min_y: u32,
    pub max_x: u32,
    pub max_y: u32,
}

impl WorldBox {
    /// The box of nothing; growing it by a point gives that point.
    pub const EMPTY: Self = Self {
        min_x: u32::MAX,
        min_y: u32::MAX,
        max_x: 0,
        max_y: 0,
    };

    pub fn is_empty(&self) -> bool {
        self.min_x > self.max_x || self.min_y > self.max_y
    }

    pub fn grow(&mut self, x: u32, y: u32) {
        self.min_x = self.min_x.min(x);
        self.min_y = self.min_y.min(y);
        self.max_x = self.max_x.max(x);
        self.max_y = self.max_y.max(y);
    }

    /// Middle of the box, rounded down: the one place where a feature is counted.
    pub fn centre(&self) -> WorldPoint {
        WorldPoint {
            x: self.min_x + (self.max_x.saturating_sub(self.min_x)) / 2,
            y: self.min_y + (self.max_y.saturating_sub(self.min_y)) / 2,
        }
    }

    /// First and last column and row of the tiles of zoom `z` in which the box may show.
    pub fn tiles(&self, z: u8) -> [u32; 4] {
        let margin = margin(z);
        [
            cell(clamp_world(i64::from(self.min_x) - margin), z),
            cell(clamp_world(i64::from(self.min_y) - margin), z),
            cell(clamp_world(i64::from(self.max_x) + margin), z),
            cell(clamp_world(i64::from(self.max_y) + margin), z),
        ]
    }
}

/// Interleaves column and row so that neighbours in the plane are neighbours in the order, and the
/// descendants of a tile are one contiguous range.
pub(crate) fn morton(x: u32, y: u32) -> u64 {
    spread(x) | spread(y) << 1
}

fn spread(value: u32) -> u64 {
    let mut bits = u64::from(value);
    bits = (bits | bits << 16) & 0x0000_FFFF_0000_FFFF;
    bits = (bits | bits << 8) & 0x00FF_00FF_00FF_00FF;
    bits = (bits | bits << 4) & 0x0F0F_0F0F_0F0F_0F0F;
    bits = (bits | bits << 2) & 0x3333_3333_3333_3333;
    (bits | bits << 1) & 0x5555_5555_5555_5555
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_outside_the_grid_are_refused() {
        assert!(TileId::new(0, 0, 0).is_ok());
        assert_eq!(TileId::new(0, 1, 0), Err(TileAddress::OutsideGrid { z: 0, x: 1, y: 0 }));
        assert_eq!(TileId::new(21, 0, 0), Err(TileAddress::ZoomOutOfRange { z: 21 }));
        assert!(TileId::new(20, (1 << 20) - 1, (1 << 20) - 1).is_ok());
        assert!(TileId::new(20, 1 << 20, 0).is_err());
        assert!(TileId::containing(3, f64::NAN, 0.0).is_err());
        assert!(TileId::containing(3, 0.0, 91.0).is_err());
    }

    #[test]
    fn a_known_place_falls_into_its_known_tile() {
        // Harvard Square, by the usual slippy-map formula.
        let tile = TileId::containing(14, -71.1189, 42.3734).unwrap();
        assert_eq!((tile.x(), tile.y()), (4955, 6059));
        let [west, south, east, north] = tile.bounds();
        assert!(west < -71.1189 && -71.1189 < east && south < 42.3734 && 42.3734 < north);
    }

    #[test]
    fn degrees_survive_the_grid_within_a_centimetre() {
        for (longitude, latitude) in [(119.95, 31.78), (-71.1, 42.37), (0.0, 0.0), (180.0, 85.05)] {
            let place = WorldPoint::from_degrees(longitude, latitude).unwrap();
            let (back_longitude, back_latitude) = place.to_degrees();
            assert!((back_longitude - longitude).abs() < 1e-7);
            assert!((back_latitude - latitude).abs() < 1e-7);
            assert!(place.metres_per_unit() < 0.01);
        }
    }

    #[test]
    fn morton_keeps_descendants_together() {
        assert_eq!(morton(0b11, 0b00), 0b0101);
        assert_eq!(morton(0b01, 0b10), 0b1001);
        for (x, y) in [(0, 0), (1, 2), (u32::MAX, 0), (123_456_789, 987_654_321)] {
            assert_eq!(morton(x, y) >> 10, morton(x >> 5, y >> 5));
        }
    }
}
