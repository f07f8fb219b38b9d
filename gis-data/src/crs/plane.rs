//! From the plane of one system to that of another.

use geo_types::Coord;
use proj4rs::Proj;
use proj4rs::transform::transform;

use super::control_points::{ControlPoints, fit};
use super::convert::Points;
use super::guess::{is_chinese_northing, is_degrees, is_on_earth, is_plain_easting, zone_prefix};
use super::zones::{Family, Zone};
use super::{Conversion, Crs, CrsRefused, DatumShift, ParametersRefused, ShiftMethod, ShiftRecord, zone_of};

/// Plane parameters (平面四参数) from the plane of one system to that of another, both with full
/// eastings: north′ = north_m + k (n cos α − e sin α), east′ = east_m + k (n sin α + e cos α), with
/// k = 1 + scale_ppm / 10⁶.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FourParameters {
    /// Shift to the north (x of surveyors), metres.
    pub north_m: f64,
    /// Shift to the east (y of surveyors), metres.
    pub east_m: f64,
    /// Rotation α from north towards east, arc-seconds.
    pub rotation_s: f64,
    /// Change of scale, parts per million.
    pub scale_ppm: f64,
}

impl FourParameters {
    fn factors(&self) -> (f64, f64) {
        let scale = 1.0 + self.scale_ppm / 1e6;
        let (sin, cos) = (self.rotation_s / 3600.0).to_radians().sin_cos();
        (scale * cos, scale * sin)
    }

    /// Takes a coordinate (x = east, y = north) of the source's plane to the target's.
    pub fn apply(&self, coord: Coord<f64>) -> Coord<f64> {
        let (a, b) = self.factors();
        Coord {
            x: self.east_m + b * coord.y + a * coord.x,
            y: self.north_m + a * coord.y - b * coord.x,
        }
    }

    /// Takes a coordinate of the target's plane back to the source's. Nothing for a scale of zero.
    pub fn remove(&self, coord: Coord<f64>) -> Option<Coord<f64>> {
        let (a, b) = self.factors();
        let (north, east) = (coord.y - self.north_m, coord.x - self.east_m);
        let square = a * a + b * b;
        (square > 0.0).then(|| Coord {
            x: (a * east - b * north) / square,
            y: (a * north + b * east) / square,
        })
    }
}

/// From a plane by four parameters to a zone of CGCS2000, and from there to longitude and latitude.
#[derive(Debug)]
pub(super) struct PlaneShift {
    /// Into the source's own plane, where it is geographic.
    to_plane: Option<(Box<Proj>, Box<Proj>)>,
    /// The zone whose number is taken off the eastings.
    number_off: Option<u32>,
    parameters: FourParameters,
    target: Conversion,
}

/// An easting without the number of that zone; as it is where it carries none.
fn without_number(coord: Coord<f64>, number: Option<u32>) -> Coord<f64> {
    let plain = number.map(|number| coord.x - f64::from(number) * 1e6);
    match plain {
        Some(plain) if is_plain_easting(plain) => Coord { x: plain, y: coord.y },
        _ => coord,
    }
}

impl PlaneShift {
    pub(super) fn new(crs: &Crs, shift: &DatumShift) -> Result<(PlaneShift, ShiftRecord), ParametersRefused> {
        let own = Zone::of(crs);
        let zone = match (shift.target, &shift.method) {
            (Some(zone), _) => Some(zone),
            (None, ShiftMethod::ControlPoints(points)) => zone_of_points(points, own),
            (None, _) => own,
        };
        // Parameters are worked out for eastings without the zone's number: a turn by a second of arc moves
        // 40 500 000 m to the east by 200 m more than 500 000 m. So the number is taken off, unless
        // the parameters are said to lead to numbered eastings.
        let is_numbered = matches!(shift.method, ShiftMethod::Four(_)) && shift.target.is_some_and(|to| to.is_numbered);
        let zone = zone.ok_or(ParametersRefused::TargetMissing)?.numbered(is_numbered);
        let number_off = own.filter(|own| own.is_numbered && !is_numbered).map(|own| own.number);
        let code = zone.code_in(Family::Cgcs2000).ok_or(ParametersRefused::TargetMissing)?;
        let target = Crs::of_code(code).map_err(ParametersRefused::Crs)?;
        let to_plane = if crs.is_geographic() {
            let geographic = crs.definition();
            let plane = format!(
                "{} +lat_0=0 +lon_0={} +k=1 +x_0={} +y_0=0 +units=m",
                geographic
                    .replace("+proj=longlat", "+proj=tmerc")
                    .replace("+proj=latlong", "+proj=tmerc"),
                zone.meridian(),
                target.number("x_0").unwrap_or(500_000.0),
            );
            Some((projection(crs, &geographic)?, projection(crs, &plane)?))
        } else {
            None
        };
        let (parameters, method, residuals) = match &shift.method {
            ShiftMethod::Four(parameters) => (*parameters, "four_parameters", Vec::new()),
            ShiftMethod::ControlPoints(points) => {
                let mut pairs = Vec::with_capacity(points.points.len());
                for point in &points.points {
                    let outside = || ParametersRefused::Unreadable {
                        detail: format!("{}: {} {}", point.name, point.source.x, point.source.y),
                    };
                    let source = match &to_plane {
                        Some((from, to)) => into_plane(from, to, point.source).ok_or_else(outside)?,
                        None => without_number(point.source, number_off),
                    };
                    let arrived = if is_on_earth(point.target) {
                        let from = projection(&target, "+proj=longlat +ellps=GRS80")?;
                        let to = projection(&target, &target.definition())?;
                        into_plane(&from, &to, point.target).ok_or_else(outside)?
                    } else {
                        without_number(point.target, Some(zone.number))
                    };
                    pairs.push((point.name.clone(), source, arrived));
                }
                let (parameters, residuals) = fit(&pairs)?;
                (parameters, "control_points", residuals)
            }
            ShiftMethod::Seven(_) => return Err(ParametersRefused::TargetMissing),
        };
        let record = shift.record(crs, method, Some(&target), residuals);
        let target = Conversion::to_storage(&target).map_err(ParametersRefused::Crs)?;
        let plane = PlaneShift {
            to_plane,
            number_off,
            parameters,
            target,
        };
        Ok((plane, record))
    }

    /// Longitude and latitude; nothing where a coordinate is out of range.
    pub(super) fn convert(&self, coord: Coord<f64>) -> Option<Coord<f64>> {
        let plane = match &self.to_plane {
            Some((from, to)) => into_plane(from, to, coord)?,
            None => without_number(coord, self.number_off),
        };
        let mut place = [self.parameters.apply(plane)];
        self.target.coordinates(&mut place).ok()?;
        let [place] = place;
        Some(place)
    }
}

/// The zone that the points' target coordinates are in: by the number in the easting, by the
/// longitude, or that of the source.
fn zone_of_points(points: &ControlPoints, own: Option<Zone>) -> Option<Zone> {
    let first = points.points.first()?.target;
    if is_degrees(first) {
        return own.or_else(|| Zone::narrow(zone_of(first.x).number.map(u32::from)?, false));
    }
    if !is_chinese_northing(first.y) {
        return None;
    }
    if let Some(number) = zone_prefix(first.x) {
        return Zone::narrow(number, true);
    }
    own.filter(|_| is_plain_easting(first.x))
        .map(|zone| zone.numbered(false))
}

fn projection(crs: &Crs, definition: &str) -> Result<Box<Proj>, ParametersRefused> {
    Proj::from_proj_string(definition).map(Box::new).map_err(|error| {
        ParametersRefused::Crs(CrsRefused::UnsupportedProjection {
            name: crs.name().to_owned(),
            projection: error.to_string(),
        })
    })
}

fn into_plane(from: &Proj, to: &Proj, coord: Coord<f64>) -> Option<Coord<f64>> {
    if !is_on_earth(coord) {
        return None;
    }
    let mut place = [Coord {
        x: coord.x.to_radians(),
        y: coord.y.to_radians(),
    }];
    transform(from, to, &mut Points(&mut place)).ok()?;
    let [place] = place;
    (place.x.is_finite() && place.y.is_finite()).then_some(place)
}
