//! From a source's coordinates to longitude and latitude.

use geo_types::{Coord, Geometry};
use proj4rs::Proj;
use proj4rs::transform::{Transform, TransformClosure, transform};

use super::guess::{is_degrees, is_on_earth, looks_exchanged};
use super::system::DatumPath;
use super::{Crs, CrsRefused, suggest};

/// Coordinates handed to the projection crate, in place.
struct Points<'a>(&'a mut [Coord<f64>]);

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
    steps: Steps,
}

#[derive(Debug)]
enum Steps {
    /// Degrees already.
    Keep,
    /// By the projection crate.
    Project { from: Box<Proj>, to: Box<Proj> },
}

/// A transverse Mercator easting farther than this from its meridian is taken as nonsense: no
/// real data set reaches so far, and exchanged axes do.
const MAX_EASTING_FROM_MERIDIAN_M: f64 = 1_500_000.0;
/// Half the equator and a metre: plane coordinates farther than this from their false origin are
/// nonsense in any projection. The inverse projections would wrap them around the earth in silence.
const MAX_FROM_ORIGIN_M: f64 = 20_037_509.0;

impl Conversion {
    /// The conversion from a system to storage (EPSG:4490).
    ///
    /// # Errors
    /// [`CrsRefused::UnsupportedProjection`] when the projection crate can't take it.
    pub fn to_storage(crs: &Crs) -> Result<Conversion, CrsRefused> {
        let refused = |error: proj4rs::errors::Error| CrsRefused::UnsupportedProjection {
            name: crs.name.clone(),
            projection: format!("{} ({error})", crs.projection()),
        };
        let has_meridian = crs.parameters.get("pm").is_some_and(|pm| pm != "greenwich");
        let steps = if crs.is_geographic() && crs.path == DatumPath::Equal && !has_meridian {
            Steps::Keep
        } else {
            let from = Proj::from_proj_string(&crs.definition()).map_err(refused)?;
            let target = match crs.path {
                DatumPath::Published => "+proj=longlat +datum=WGS84".to_owned(),
                // The same ellipsoid on both sides and no datum: no shift is made.
                DatumPath::Equal => match (crs.parameters.get("a"), crs.parameters.get("ellps")) {
                    (None, Some(ellipsoid)) => format!("+proj=longlat +ellps={ellipsoid}"),
                    _ => "+proj=longlat +ellps=GRS80".to_owned(),
                },
            };
            let to = Proj::from_proj_string(&target).map_err(refused)?;
            Steps::Project {
                from: Box::new(from),
                to: Box::new(to),
            }
        };
        Ok(Conversion {
            crs: crs.clone(),
            steps,
        })
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
        match &self.steps {
            Steps::Keep => {}
            Steps::Project { from, to } => {
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
                return Ok(());
            }
        }
        match coordinates.iter().find(|coord| !is_on_earth(**coord)) {
            Some(coord) => Err(OutOfRange { x: coord.x, y: coord.y }),
            None => Ok(()),
        }
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
    /// the sample must misfit.
    ///
    /// # Errors
    /// [`CrsRefused`] with a suggestion where the coordinates look like another system.
    pub fn examine(&self, sample: &[Coord<f64>]) -> Result<(), CrsRefused> {
        let mut misfit = 0_usize;
        let mut first = None;
        for coord in sample {
            let fits = match self.crs.gauss_kruger_zone() {
                // A zone is 1.5° wide to each side, 167 km at the equator; data of a province may
                // reach into the neighbouring zones.
                Some((_, false_easting)) => {
                    (coord.x - false_easting).abs() < MAX_EASTING_FROM_MERIDIAN_M
                        && coord.y.abs() <= 10_002_000.0
                        && !is_degrees(*coord)
                        && !looks_exchanged(*coord, false_easting)
                }
                None => {
                    let mut copy = [*coord];
                    self.coordinates(&mut copy).is_ok() && (self.crs.is_geographic() || !is_degrees(*coord))
                }
            };
            if !fits {
                misfit += 1;
                first.get_or_insert(*coord);
            }
        }
        let Some(coord) = first.filter(|_| misfit * 2 > sample.len()) else {
            return Ok(());
        };
        let name = self.crs.name.clone();
        let (x, y) = (coord.x, coord.y);
        let is_exchanged = match self.crs.gauss_kruger_zone() {
            Some((_, false_easting)) => looks_exchanged(coord, false_easting),
            None => self.crs.is_geographic() && y.abs() > 90.0 && y.abs() <= 180.0 && x.abs() <= 90.0,
        };
        if is_exchanged {
            return Err(CrsRefused::AxesExchanged { name, x, y });
        }
        Err(CrsRefused::DoesNotFit {
            name,
            x,
            y,
            suggestion: suggest(sample, self.crs.gauss_kruger_zone()),
        })
    }
}

/// Calls `visit` with every run of coordinates of a shape.
fn visit_coordinates<E>(
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
