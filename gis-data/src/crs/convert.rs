//! From a source's coordinates to longitude and latitude.

use geo_types::{Coord, Geometry};
use proj4rs::Proj;
use proj4rs::transform::{Transform, TransformClosure, transform};

use super::guess::{
    Present, is_degrees, is_latitude_first, is_northing_first, is_on_earth, is_plain_easting, offers_beside, swapped,
    zone_prefix,
};
use super::plane::PlaneShift;
use super::system::DatumPath;
use super::{Bounds, Crs, CrsRefused, DatumShift, Offset, ParametersRefused, ShiftRecord};

/// Coordinates handed to the projection crate, in place.
pub(super) struct Points<'a>(pub(super) &'a mut [Coord<f64>]);

impl Transform for Points<'_> {
    fn transform_coordinates<F: TransformClosure>(&mut self, f: &mut F) -> Result<(), proj4rs::errors::Error> {
        for coord in self.0.iter_mut() {
            (coord.x, coord.y, _) = f(coord.x, coord.y, 0.0)?;
        }
        Ok(())
    }
}

/// A coordinate of the source that can't be converted.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("the coordinate ({x}, {y}) is outside the range of the coordinate system")]
pub struct OutOfRange {
    /// As in the source.
    pub x: f64,
    /// As in the source.
    pub y: f64,
}

/// Takes coordinates of one system to longitude and latitude degrees, EPSG:4490.
#[derive(Debug)]
pub struct Conversion {
    crs: Crs,
    swap_axes: bool,
    steps: Steps,
    record: Option<ShiftRecord>,
}

#[derive(Debug)]
enum Steps {
    /// Degrees already.
    Keep,
    /// Degrees whose shift for public maps is taken back.
    TakeBack(Offset),
    /// By the projection crate.
    Project { from: Box<Proj>, to: Box<Proj> },
    /// From plane to plane by parameters, then by the projection crate.
    Plane(Box<PlaneShift>),
}

/// A transverse Mercator easting farther than this from its meridian is taken as nonsense: no
/// real data set reaches so far, and exchanged axes do.
const MAX_EASTING_FROM_MERIDIAN_M: f64 = 1_500_000.0;
/// Half the equator and a metre: plane coordinates farther than this from their false origin are
/// nonsense in any projection. The inverse projections would wrap them around the earth in silence.
const MAX_FROM_ORIGIN_M: f64 = 20_037_509.0;

/// Xi'an 1980 and Beijing 1954 lie tens of metres to over a hundred from CGCS2000; farther than this
/// the parameters are those of something else.
const MAX_DATUM_SHIFT_M: f64 = 1_000.0;
const METRES_A_DEGREE: f64 = 111_194.93;

impl Conversion {
    /// The conversion from a system to storage (EPSG:4490).
    ///
    /// # Errors
    /// [`CrsRefused::OldChineseDatum`] and [`CrsRefused::LocalSystem`] where only parameters could
    /// do it, [`CrsRefused::UnsupportedProjection`] when the projection crate can't take it.
    pub fn to_storage(crs: &Crs) -> Result<Conversion, CrsRefused> {
        match crs.path {
            DatumPath::ByParameters(_) if crs.projection() == "local" => Err(CrsRefused::LocalSystem),
            DatumPath::ByParameters(_) => Err(CrsRefused::OldChineseDatum { name: crs.name.clone() }),
            DatumPath::Shifted(offset) => Ok(Conversion::with(
                crs,
                Steps::TakeBack(offset),
                Some(ShiftRecord::of_offset(offset)),
            )),
            DatumPath::Equal | DatumPath::Published => Ok(Conversion::with(crs, project(crs)?, None)),
        }
    }

    /// The conversion from an old datum or a local plane system by parameters.
    ///
    /// # Errors
    /// [`ParametersRefused`] where the parameters don't go with the system, or control points don't
    /// give any.
    pub fn by_parameters(crs: &Crs, shift: &DatumShift) -> Result<Conversion, ParametersRefused> {
        let DatumPath::ByParameters(_) = crs.path else {
            return Err(ParametersRefused::NotNeeded { name: crs.name.clone() });
        };
        let (steps, record) = match shift.as_seven(crs)? {
            Some((shifted, record)) => (project(&shifted).map_err(ParametersRefused::Crs)?, record),
            None => {
                let (plane, record) = PlaneShift::new(crs, shift)?;
                (Steps::Plane(Box::new(plane)), record)
            }
        };
        Ok(Conversion::with(crs, steps, Some(record)))
    }

    /// A conversion that takes any datum for CGCS2000; good enough to judge where coordinates lie.
    pub(super) fn roughly(crs: &Crs) -> Option<Conversion> {
        let mut taken = crs.clone();
        match crs.path {
            DatumPath::ByParameters(_) if crs.projection() == "local" => return None,
            DatumPath::ByParameters(_) => taken.path = DatumPath::Equal,
            DatumPath::Shifted(offset) => return Some(Conversion::with(crs, Steps::TakeBack(offset), None)),
            DatumPath::Equal | DatumPath::Published => {}
        }
        project(&taken).ok().map(|steps| Conversion::with(&taken, steps, None))
    }

    fn with(crs: &Crs, steps: Steps, record: Option<ShiftRecord>) -> Conversion {
        Conversion {
            crs: crs.clone(),
            swap_axes: false,
            steps,
            record,
        }
    }

    /// The same conversion for a source whose x is the northing or latitude.
    #[must_use]
    pub fn swapping_axes(mut self, swap_axes: bool) -> Conversion {
        self.swap_axes = swap_axes;
        self
    }

    /// How the datum or offset was left, where that took more than a projection.
    pub fn record(&self) -> Option<&ShiftRecord> {
        self.record.as_ref()
    }

    /// Whether x and y are exchanged first.
    pub fn swaps_axes(&self) -> bool {
        self.swap_axes
    }

    /// The system converted from.
    pub fn crs(&self) -> &Crs {
        &self.crs
    }

    /// Converts coordinates in place.
    ///
    /// # Errors
    /// [`OutOfRange`] with the first coordinate that can't be converted or doesn't end within
    /// ±180°, ±90°; the slice is then partly converted.
    pub fn coordinates(&self, coordinates: &mut [Coord<f64>]) -> Result<(), OutOfRange> {
        if !self.swap_axes {
            return self.in_order(coordinates);
        }
        for coord in coordinates.iter_mut() {
            *coord = swapped(*coord);
        }
        self.in_order(coordinates)
            .map_err(|OutOfRange { x, y }| OutOfRange { x: y, y: x })
    }

    /// Converts coordinates whose x is the easting or longitude.
    fn in_order(&self, coordinates: &mut [Coord<f64>]) -> Result<(), OutOfRange> {
        let refused = |coord: Coord<f64>| OutOfRange { x: coord.x, y: coord.y };
        match &self.steps {
            Steps::Keep => {}
            Steps::TakeBack(offset) => {
                for coord in coordinates.iter_mut() {
                    let source = *coord;
                    if !is_on_earth(source) {
                        return Err(refused(source));
                    }
                    *coord = offset.remove(source).ok_or_else(|| refused(source))?;
                }
            }
            Steps::Plane(plane) => {
                for coord in coordinates.iter_mut() {
                    let source = *coord;
                    *coord = plane.convert(source).ok_or_else(|| refused(source))?;
                }
            }
            Steps::Project { from, to } => return self.project(from, to, coordinates),
        }
        match coordinates.iter().find(|coord| !is_on_earth(**coord)) {
            Some(coord) => Err(refused(*coord)),
            None => Ok(()),
        }
    }

    fn project(&self, from: &Proj, to: &Proj, coordinates: &mut [Coord<f64>]) -> Result<(), OutOfRange> {
        let is_geographic = self.crs.is_geographic();
        let (false_easting, max_from_easting) = match self.crs.projection() {
            "tmerc" => (self.crs.number("x_0").unwrap_or(0.0), MAX_EASTING_FROM_MERIDIAN_M),
            "utm" => (500_000.0, MAX_EASTING_FROM_MERIDIAN_M),
            _ => (self.crs.number("x_0").unwrap_or(0.0), MAX_FROM_ORIGIN_M),
        };
        let false_northing = self.crs.number("y_0").unwrap_or(0.0);
        // Coordinates may be in feet; the definition's false easting is in metres.
        let unit_m = from.to_meter();
        for coord in coordinates.iter_mut() {
            let source = *coord;
            let out_of_range = OutOfRange {
                x: source.x,
                y: source.y,
            };
            if !is_geographic {
                let from_easting = (source.x * unit_m - false_easting).abs();
                let from_northing = (source.y * unit_m - false_northing).abs();
                if from_easting > max_from_easting || from_northing > MAX_FROM_ORIGIN_M {
                    return Err(out_of_range);
                }
            } else if !is_on_earth(source) {
                return Err(out_of_range);
            } else {
                coord.x = coord.x.to_radians();
                coord.y = coord.y.to_radians();
            }
            transform(from, to, &mut Points(std::slice::from_mut(coord))).map_err(|_| out_of_range)?;
            coord.x = coord.x.to_degrees();
            coord.y = coord.y.to_degrees();
            if !is_on_earth(*coord) {
                return Err(out_of_range);
            }
        }
        Ok(())
    }

    /// Converts a shape in place.
    ///
    /// # Errors
    /// As [`Conversion::coordinates`].
    pub fn geometry(&self, geometry: &mut Geometry<f64>) -> Result<(), OutOfRange> {
        visit_coordinates(geometry, &mut |coordinates| self.coordinates(coordinates))
    }

    /// Judges coordinates sampled from a source (one of each row) before anything is imported:
    /// exchanged axes, zone numbers in the easting where there should be none (or the other way
    /// round), degrees where metres are expected. Single bad rows don't count: more than half of
    /// the sample must misfit; with `bounds`, where the objects are expected, nine in ten outside.
    ///
    /// # Errors
    /// [`CrsRefused`] with offers where the coordinates look like something else.
    pub fn examine(&self, sample: &[Coord<f64>], bounds: Option<Bounds>) -> Result<(), CrsRefused> {
        let ordered = |coord: &Coord<f64>| if self.swap_axes { swapped(*coord) } else { *coord };
        let misfits: Vec<Coord<f64>> = sample
            .iter()
            .filter(|coord| !self.is_plausible(ordered(coord)))
            .copied()
            .collect();
        let present = Present {
            crs: Some(&self.crs),
            swap_axes: self.swap_axes,
            bounds,
        };
        if let Some(first) = misfits.first().filter(|_| misfits.len() * 2 > sample.len()) {
            return Err(self.misfit(*first, ordered(first), offers_beside(sample, present)));
        }
        self.examine_shift(sample)?;
        let Some(bounds) = bounds else {
            return Ok(());
        };
        let outside: Vec<Coord<f64>> = sample
            .iter()
            .filter_map(|coord| {
                let mut place = [*coord];
                self.coordinates(&mut place).ok()?;
                let [place] = place;
                (!bounds.contains(place)).then_some(place)
            })
            .collect();
        match outside.first() {
            Some(first) if outside.len() * 10 >= sample.len() * 9 => Err(CrsRefused::OutsideRegion {
                outside: outside.len(),
                of: sample.len(),
                lon: first.x,
                lat: first.y,
                offers: offers_beside(sample, present),
            }),
            _ => Ok(()),
        }
    }

    /// Refuses parameters that move the sampled coordinates farther than any datum is off.
    fn examine_shift(&self, sample: &[Coord<f64>]) -> Result<(), CrsRefused> {
        let DatumPath::ByParameters(_) = self.crs.path else {
            return Ok(());
        };
        let Some(untouched) = Conversion::roughly(&self.crs) else {
            return Ok(());
        };
        let untouched = untouched.swapping_axes(self.swap_axes);
        let moved = sample.iter().find_map(|coord| {
            let (mut with, mut without) = ([*coord], [*coord]);
            self.coordinates(&mut with).ok()?;
            untouched.coordinates(&mut without).ok()?;
            let ([with], [without]) = (with, without);
            let east = (with.x - without.x) * with.y.to_radians().cos();
            Some(east.hypot(with.y - without.y) * METRES_A_DEGREE)
        });
        match moved {
            Some(metres) if metres > MAX_DATUM_SHIFT_M => Err(CrsRefused::ShiftImplausible {
                name: self.crs.name.clone(),
                metres,
            }),
            // Parameters under which nothing can be converted at all.
            None if !sample.is_empty() => Err(CrsRefused::ShiftImplausible {
                name: self.crs.name.clone(),
                metres: f64::INFINITY,
            }),
            _ => Ok(()),
        }
    }

    /// Whether a coordinate, easting or longitude first, could be one of the system.
    fn is_plausible(&self, coord: Coord<f64>) -> bool {
        match self.crs.gauss_kruger_zone() {
            // A zone is 1.5° wide to each side, 167 km at the equator; data of a province may
            // reach into the neighbouring zones.
            Some((_, false_easting)) => {
                (coord.x - false_easting).abs() < MAX_EASTING_FROM_MERIDIAN_M
                    && coord.y.abs() <= 10_002_000.0
                    && !is_degrees(coord)
                    && !is_northing_first(coord)
            }
            None if self.crs.is_geographic() => !is_latitude_first(coord) && self.in_order(&mut [coord]).is_ok(),
            None => !is_degrees(coord) && self.in_order(&mut [coord]).is_ok(),
        }
    }

    /// What is wrong with a coordinate, as in the source and with the easting or longitude first.
    fn misfit(&self, source: Coord<f64>, ordered: Coord<f64>, offers: Vec<super::Offer>) -> CrsRefused {
        let name = self.crs.name.clone();
        let Coord { x, y } = source;
        let false_easting = self.crs.gauss_kruger_zone().map(|(_, easting)| easting);
        if is_latitude_first(ordered) && self.crs.is_geographic()
            || is_northing_first(ordered) && false_easting.is_some()
        {
            return CrsRefused::AxesExchanged { name, x, y, offers };
        }
        let is_expected = false_easting.is_some_and(|easting| easting >= 1_000_000.0);
        let is_other_form = if is_expected {
            is_plain_easting(ordered.x)
        } else {
            false_easting.is_some() && zone_prefix(ordered.x).is_some()
        };
        if is_other_form {
            return CrsRefused::ZoneNumber {
                name,
                x: ordered.x,
                is_expected,
                offers,
            };
        }
        CrsRefused::DoesNotFit { name, x, y, offers }
    }
}

/// The steps for a system whose datum has a way to CGCS2000.
fn project(crs: &Crs) -> Result<Steps, CrsRefused> {
    let refused = |error: proj4rs::errors::Error| CrsRefused::UnsupportedProjection {
        name: crs.name.clone(),
        projection: format!("{} ({error})", crs.projection()),
    };
    let has_meridian = crs.parameters.get("pm").is_some_and(|pm| pm != "greenwich");
    if crs.is_geographic() && crs.path == DatumPath::Equal && !has_meridian {
        return Ok(Steps::Keep);
    }
    let from = Proj::from_proj_string(&crs.definition()).map_err(refused)?;
    let target = match crs.path {
        DatumPath::Published => "+proj=longlat +datum=WGS84".to_owned(),
        // The same ellipsoid on both sides and no datum: no shift is made.
        _ => match (crs.parameters.get("a"), crs.parameters.get("ellps")) {
            (None, Some(ellipsoid)) => format!("+proj=longlat +ellps={ellipsoid}"),
            _ => "+proj=longlat +ellps=GRS80".to_owned(),
        },
    };
    let to = Proj::from_proj_string(&target).map_err(refused)?;
    Ok(Steps::Project {
        from: Box::new(from),
        to: Box::new(to),
    })
}

/// Calls `visit` with every run of coordinates of a shape.
pub(crate) fn visit_coordinates<E>(
    geometry: &mut Geometry<f64>,
    visit: &mut impl FnMut(&mut [Coord<f64>]) -> Result<(), E>,
) -> Result<(), E> {
    fn polygon<E>(
        polygon: &mut geo_types::Polygon<f64>,
        visit: &mut impl FnMut(&mut [Coord<f64>]) -> Result<(), E>,
    ) -> Result<(), E> {
        polygon.try_exterior_mut(|ring| visit(&mut ring.0))?;
        polygon.try_interiors_mut(|rings| rings.iter_mut().try_for_each(|ring| visit(&mut ring.0)))
    }
    match geometry {
        Geometry::Point(point) => visit(std::slice::from_mut(&mut point.0)),
        Geometry::MultiPoint(points) => points
            .iter_mut()
            .try_for_each(|point| visit(std::slice::from_mut(&mut point.0))),
        Geometry::Line(line) => {
            visit(std::slice::from_mut(&mut line.start))?;
            visit(std::slice::from_mut(&mut line.end))
        }
        Geometry::LineString(line) => visit(&mut line.0),
        Geometry::MultiLineString(lines) => lines.iter_mut().try_for_each(|line| visit(&mut line.0)),
        Geometry::Polygon(shape) => polygon(shape, visit),
        Geometry::MultiPolygon(shapes) => shapes.iter_mut().try_for_each(|shape| polygon(shape, visit)),
        Geometry::GeometryCollection(members) => members
            .iter_mut()
            .try_for_each(|member| visit_coordinates(member, visit)),
        Geometry::Rect(rect) => {
            *geometry = Geometry::Polygon(rect.to_polygon());
            visit_coordinates(geometry, visit)
        }
        Geometry::Triangle(triangle) => {
            *geometry = Geometry::Polygon(triangle.to_polygon());
            visit_coordinates(geometry, visit)
        }
    }
}
