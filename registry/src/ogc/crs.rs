//! The coordinate systems that features can be asked in (OGC API – Features, Part 2), with the order of their axes.
//!
//! CGCS2000 and WGS 84 agree within centimetres, less than any of this was measured to; between the two the numbers
//! stay as they are.

use crate::geometry::STORAGE_SRID;
use crate::request::Problem;

/// A coordinate system of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Crs {
    /// Longitude, latitude: what GeoJSON has.
    Crs84,
    /// EPSG:4490 (the storage) or EPSG:4326: latitude, longitude.
    Geographic(u16),
    /// EPSG:4513 to 4554, CGCS2000 3-degree Gauss–Kruger zones: northing, easting, metres.
    Zone(u16),
}

/// The first and the last of the zones: 4513 to 4533 carry the zone's number in front of the easting, 4534 to 4554
/// don't.
const ZONES: std::ops::RangeInclusive<u16> = 4513..=4554;

const CRS84: &str = "http://www.opengis.net/def/crs/OGC/1.3/CRS84";
const EPSG: &str = "http://www.opengis.net/def/crs/EPSG/0/";

impl Crs {
    /// The storage's, as collections name it.
    pub const STORAGE: Self = Self::Geographic(4490);

    /// All that are offered, the default first.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Crs84, Self::STORAGE, Self::Geographic(4326)]
            .into_iter()
            .chain(ZONES.map(Self::Zone))
    }

    /// Reads a coordinate system's address; also `EPSG:4490` and the URN, which some clients write.
    ///
    /// # Errors
    /// A problem on the parameter `field` for any that is not offered.
    pub fn parse(field: &str, text: &str) -> Result<Self, Problem> {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        if bare == CRS84 || bare == "urn:ogc:def:crs:OGC:1.3:CRS84" || bare == "OGC:CRS84" || bare == "CRS84" {
            return Ok(Self::Crs84);
        }
        let code = [
            EPSG,
            "https://www.opengis.net/def/crs/EPSG/0/",
            "urn:ogc:def:crs:EPSG::",
            "EPSG:",
        ]
        .iter()
        .find_map(|prefix| bare.strip_prefix(prefix))
        .filter(|code| code.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|code| code.parse::<u16>().ok());
        match code {
            Some(code @ (4490 | 4326)) => Ok(Self::Geographic(code)),
            Some(code) if ZONES.contains(&code) => Ok(Self::Zone(code)),
            _ => Err(
                Problem::bad(field, format!("the coordinate system {text:?} is not offered")).remedy(format!(
                    "use {CRS84}, {EPSG}4490, {EPSG}4326 or one of the 3-degree zones {EPSG}4513 to {EPSG}4554"
                )),
            ),
        }
    }

    /// Its address.
    pub fn uri(self) -> String {
        match self {
            Self::Crs84 => CRS84.to_owned(),
            Self::Geographic(code) | Self::Zone(code) => format!("{EPSG}{code}"),
        }
    }

    /// Does the first axis point north?
    pub fn is_northing_first(self) -> bool {
        self != Self::Crs84
    }

    /// The database's number for it. The geographic ones are one: their numbers are the same.
    pub fn srid(self) -> i32 {
        match self {
            Self::Crs84 | Self::Geographic(_) => STORAGE_SRID,
            Self::Zone(code) => i32::from(code),
        }
    }

    /// Is it plane, in metres?
    pub fn is_plane(self) -> bool {
        matches!(self, Self::Zone(_))
    }

    /// The SQL that gives a version's geometry as GeoJSON in it: to a tenth of a millimetre.
    pub fn geojson_sql(self) -> String {
        match self {
            Self::Crs84 => "st_asgeojson(v.geometry, 9, 0)".to_owned(),
            Self::Geographic(_) => "st_asgeojson(st_flipcoordinates(v.geometry), 9, 0)".to_owned(),
            Self::Zone(code) => {
                format!("st_asgeojson(st_flipcoordinates(st_transform(v.geometry, {code})), 4, 0)")
            }
        }
    }
}

/// A box in a coordinate system, its first axis east.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Box2 {
    /// West, south, east, north. In degrees west may be greater than east: then it goes over the antimeridian.
    pub sides: [f64; 4],
    /// Of the sides.
    pub crs: Crs,
}

impl Box2 {
    /// Reads four numbers, or six where heights stand between (there are none here, so they are left out).
    ///
    /// # Errors
    /// A problem on `bbox`.
    pub fn parse(text: &str, crs: Crs) -> Result<Self, Problem> {
        let refuse = |detail: String| {
            Problem::bad("bbox", detail).remedy(
                "write west,south,east,north as 119.9,31.7,120.1,31.9; with bbox-crs in the order of that system's axes",
            )
        };
        let numbers: Option<Vec<f64>> = text
            .split(',')
            .map(|part| part.trim().parse::<f64>().ok().filter(|number| number.is_finite()))
            .collect();
        let [first, second, third, fourth] = match numbers.as_deref() {
            Some(&[first, second, third, fourth]) | Some(&[first, second, _, third, fourth, _]) => {
                [first, second, third, fourth]
            }
            _ => return Err(refuse(format!("{text:?} is no box of four numbers"))),
        };
        let [west, south, east, north] = if crs.is_northing_first() {
            [second, first, fourth, third]
        } else {
            [first, second, third, fourth]
        };
        if south > north {
            return Err(refuse(format!("in {text:?} the north lies south of the south")));
        }
        if crs.is_plane() {
            // The earth is not larger; what PROJ makes of more is of no use to anybody.
            if west > east || [west, south, east, north].iter().any(|side| side.abs() > 1e8) {
                return Err(refuse(format!("{text:?} is no box of metres")));
            }
            return Ok(Self {
                sides: [west, south, east, north],
                crs,
            });
        }
        // A map that shows more than the world asks for it.
        if east - west >= 360.0 {
            return Ok(Self {
                sides: [-180.0, south.max(-90.0), 180.0, north.min(90.0)],
                crs,
            });
        }
        Ok(Self {
            sides: [
                west.clamp(-180.0, 180.0),
                south.clamp(-90.0, 90.0),
                east.clamp(-180.0, 180.0),
                north.clamp(-90.0, 90.0),
            ],
            crs,
        })
    }

    /// The box, or its two parts where it goes over the antimeridian.
    pub fn parts(self) -> Vec<[f64; 4]> {
        let [west, south, east, north] = self.sides;
        if west > east {
            vec![[west, south, 180.0, north], [-180.0, south, east, north]]
        } else {
            vec![self.sides]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_offered_system_is_read_back_from_its_address() {
        assert_eq!(Crs::all().count(), 45);
        for crs in Crs::all() {
            assert_eq!(Crs::parse("crs", &crs.uri()).unwrap(), crs);
        }
        for foreign in [
            "",
            "4326",
            "EPSG:3857",
            "EPSG:+4326",
            "http://www.opengis.net/def/crs/EPSG/0/4555",
            "[EPSG]",
        ] {
            assert_eq!(Crs::parse("crs", foreign).unwrap_err().status, 400, "{foreign}");
        }
    }

    #[test]
    fn a_box_is_read_in_the_order_of_its_axes() {
        let sides = |text, crs| Box2::parse(text, crs).map(|read| read.sides).ok();
        assert_eq!(sides("1,2,3,4", Crs::Crs84), Some([1.0, 2.0, 3.0, 4.0]));
        assert_eq!(sides("2,1,4,3", Crs::STORAGE), Some([1.0, 2.0, 3.0, 4.0]));
        assert_eq!(sides("1,2,-9,3,4,9", Crs::Crs84), Some([1.0, 2.0, 3.0, 4.0]));
        assert_eq!(
            sides("-200,-100,200,100", Crs::Crs84),
            Some([-180.0, -90.0, 180.0, 90.0])
        );
        for nonsense in [
            "",
            "1,2,3",
            "1,2,3,4,5",
            "a,b,c,d",
            "NaN,0,1,1",
            "inf,0,1,1",
            "0,2,1,1",
            "1,2,3,4,",
        ] {
            assert_eq!(sides(nonsense, Crs::Crs84), None, "{nonsense}");
        }
        assert_eq!(sides("0,0,1e300,1", Crs::Zone(4549)), None);
        let across = Box2::parse("170,-10,-170,10", Crs::Crs84).unwrap();
        assert_eq!(
            across.parts(),
            [[170.0, -10.0, 180.0, 10.0], [-180.0, -10.0, -170.0, 10.0]]
        );
    }
}
