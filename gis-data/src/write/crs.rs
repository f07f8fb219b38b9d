//! The systems that layers are exported in, and their definitions as other programs know them.

use geo_types::Geometry;

use super::WriteFailed;
use crate::area::gauss_kruger;
use crate::crs::visit_coordinates;

/// A coordinate system to export in: CGCS2000 or WGS 84 in degrees, or a 3° Gauss–Krüger zone of CGCS2000.
///
/// CGCS2000 and WGS 84 are taken as equal: they differ by centimetres to about a metre by realisation and epoch,
/// as on the way in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetCrs {
    epsg: u32,
    zone: Option<Zone>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Zone {
    number: u32,
    central_meridian: f64,
    false_easting_m: f64,
    /// Does the easting begin with the zone's number?
    is_prefixed: bool,
}

/// Farther from its meridian no reader takes an easting for one, ours included.
const MAX_FROM_MERIDIAN_M: f64 = 1_500_000.0;
/// Half a zone and its customary overlap with the next one, degrees.
const ZONE_REACH: f64 = 2.0;

impl TargetCrs {
    /// CGCS2000 in longitude and latitude: what is stored.
    pub const CGCS2000: TargetCrs = TargetCrs { epsg: 4490, zone: None };

    /// Reads `EPSG:4549`, `4549` or an OGC name of it.
    ///
    /// # Errors
    /// [`WriteFailed::UnknownCrs`].
    pub fn parse(text: &str) -> Result<TargetCrs, WriteFailed> {
        let upper = text.trim().to_ascii_uppercase();
        let code = match upper.rsplit([':', '/']).next() {
            Some("CRS84") => Some(4326),
            Some(digits) if digits == upper || upper.contains("EPSG") => digits.parse().ok(),
            _ => None,
        };
        code.and_then(TargetCrs::from_epsg)
            .ok_or_else(|| WriteFailed::UnknownCrs {
                text: text.chars().take(80).collect(),
            })
    }

    /// The system of an EPSG code, where layers are exported in it.
    pub fn from_epsg(epsg: u32) -> Option<TargetCrs> {
        let zone = match epsg {
            4490 | 4326 => None,
            // Zones 25 to 45, central meridians 75° to 135°.
            4513..=4533 => {
                let number = epsg - 4488;
                Some(Zone {
                    number,
                    central_meridian: f64::from(number * 3),
                    false_easting_m: f64::from(number) * 1e6 + 5e5,
                    is_prefixed: true,
                })
            }
            4534..=4554 => {
                let number = epsg - 4509;
                Some(Zone {
                    number,
                    central_meridian: f64::from(number * 3),
                    false_easting_m: 5e5,
                    is_prefixed: false,
                })
            }
            _ => return None,
        };
        Some(TargetCrs { epsg, zone })
    }

    /// The EPSG code.
    pub fn epsg(self) -> u32 {
        self.epsg
    }

    /// `EPSG:4549`.
    pub fn name(self) -> String {
        format!("EPSG:{}", self.epsg)
    }

    /// Whether coordinates are degrees.
    pub fn is_geographic(self) -> bool {
        self.zone.is_none()
    }

    /// The name in EPSG's words.
    pub fn title(self) -> String {
        match self.zone {
            None if self.epsg == 4326 => "WGS 84".to_owned(),
            None => "China Geodetic Coordinate System 2000".to_owned(),
            Some(zone) if zone.is_prefixed => format!("CGCS2000 / 3-degree Gauss-Kruger zone {}", zone.number),
            Some(zone) => format!("CGCS2000 / 3-degree Gauss-Kruger CM {}E", zone.central_meridian),
        }
    }

    /// The definition as well-known text, version 1 (OGC 01-009), with EPSG's codes and axes.
    pub fn wkt(self) -> String {
        let degrees = |name: &str, datum: &str, ellipsoid: &str, axes: &str, code: u32| {
            format!(
                r#"GEOGCS["{name}",DATUM[{datum}],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]]{axes},AUTHORITY["EPSG","{code}"]]"#,
                datum = datum.replace('*', ellipsoid),
            )
        };
        let axes = r#",AXIS["Latitude",NORTH],AXIS["Longitude",EAST]"#;
        let china = |axes: &str| {
            degrees(
                "China Geodetic Coordinate System 2000",
                r#""China_2000",*,AUTHORITY["EPSG","1043"]"#,
                r#"SPHEROID["CGCS2000",6378137,298.257222101,AUTHORITY["EPSG","1024"]]"#,
                axes,
                4490,
            )
        };
        match self.zone {
            None if self.epsg == 4326 => degrees(
                "WGS 84",
                r#""WGS_1984",*,AUTHORITY["EPSG","6326"]"#,
                r#"SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]]"#,
                axes,
                4326,
            ),
            None => china(axes),
            Some(zone) => format!(
                r#"PROJCS["{}",{},PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",{}],PARAMETER["scale_factor",1],PARAMETER["false_easting",{}],PARAMETER["false_northing",0],UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Northing",NORTH],AXIS["Easting",EAST],AUTHORITY["EPSG","{}"]]"#,
                self.title(),
                china(""),
                zone.central_meridian,
                zone.false_easting_m,
                self.epsg,
            ),
        }
    }

    /// The definition in Esri's dialect, as a `.prj` holds it.
    pub fn esri_wkt(self) -> String {
        let china = r#"GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;
        match self.zone {
            None if self.epsg == 4326 => r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#.to_owned(),
            None => china.to_owned(),
            Some(zone) => {
                let name = if zone.is_prefixed {
                    format!("Zone_{}", zone.number)
                } else {
                    format!("CM_{}E", zone.central_meridian)
                };
                format!(
                    r#"PROJCS["CGCS2000_3_Degree_GK_{name}",{china},PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",{:.1}],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",{:.1}],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#,
                    zone.false_easting_m, zone.central_meridian,
                )
            }
        }
    }

    /// Takes a shape from longitude and latitude to this system, x = easting. Answers whether it lies outside the
    /// zone.
    pub(super) fn project(self, shape: &mut Geometry<f64>) -> Result<bool, WriteFailed> {
        let Some(zone) = self.zone else {
            return Ok(false);
        };
        let mut is_outside = false;
        visit_coordinates(shape, &mut |coordinates| {
            for coord in coordinates {
                let (longitude, latitude) = (coord.x, coord.y);
                let from_meridian = (longitude - zone.central_meridian).abs();
                let (easting, northing) = gauss_kruger(longitude, latitude, zone.central_meridian);
                // A quarter of the globe away the series answers with a place on the other side.
                if from_meridian > 45.0 || !northing.is_finite() || easting.abs() > MAX_FROM_MERIDIAN_M {
                    return Err(WriteFailed::FarFromZone {
                        longitude,
                        latitude,
                        crs: self.name(),
                    });
                }
                is_outside |= from_meridian > ZONE_REACH;
                (coord.x, coord.y) = (easting + zone.false_easting_m, northing);
            }
            Ok(())
        })?;
        Ok(is_outside)
    }
}
