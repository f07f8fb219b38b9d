//! Where a file's objects are expected to lie.

use geo_types::Coord;

use super::guess::is_on_earth;

/// A box of longitude and latitude in degrees, EPSG:4490.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// Smallest longitude.
    pub west: f64,
    /// Smallest latitude.
    pub south: f64,
    /// Largest longitude.
    pub east: f64,
    /// Largest latitude.
    pub north: f64,
}

/// Boundaries of regions are drawn to some hundred metres at best, and parcels touch them: what lies
/// this far outside still counts as inside, degrees (about a kilometre).
const MARGIN: f64 = 0.01;

/// Where the land of China lies, roughly; only to judge what coordinates look like.
pub(super) const CHINA: Bounds = Bounds {
    west: 73.0,
    south: 15.0,
    east: 135.1,
    north: 54.0,
};

impl Bounds {
    /// A box from `west,south,east,north`.
    ///
    /// # Errors
    /// In words what is wrong with it.
    pub fn parse(text: &str) -> Result<Bounds, String> {
        let numbers: Vec<f64> = text
            .split(',')
            .map(|part| part.trim().parse().ok())
            .collect::<Option<_>>()
            .ok_or("four numbers with commas are expected: west,south,east,north")?;
        let [west, south, east, north] = *numbers.as_slice() else {
            return Err("four numbers with commas are expected: west,south,east,north".to_owned());
        };
        let bounds = Bounds {
            west,
            south,
            east,
            north,
        };
        let is_on_earth = is_on_earth(Coord { x: west, y: south }) && is_on_earth(Coord { x: east, y: north });
        if !is_on_earth || west >= east || south >= north {
            return Err("west must be less than east and south less than north, in degrees".to_owned());
        }
        Ok(bounds)
    }

    /// Whether a place lies in the box or within about a kilometre of it.
    pub fn contains(&self, coord: Coord<f64>) -> bool {
        (self.west - MARGIN..=self.east + MARGIN).contains(&coord.x)
            && (self.south - MARGIN..=self.north + MARGIN).contains(&coord.y)
    }

    /// Whether another box lies wholly in it, and whether it touches it at all.
    pub(crate) fn holds(&self, west: f64, south: f64, east: f64, north: f64) -> (bool, bool) {
        let is_inside = self.contains(Coord { x: west, y: south }) && self.contains(Coord { x: east, y: north });
        let touches = west <= self.east + MARGIN
            && east >= self.west - MARGIN
            && south <= self.north + MARGIN
            && north >= self.south - MARGIN;
        (is_inside, touches)
    }
}
