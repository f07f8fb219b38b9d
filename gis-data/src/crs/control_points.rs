//! Points known in two systems, and the plane parameters that fit them best.

use geo_types::Coord;
use serde::Serialize;

use super::guess::is_on_earth;
use super::{FourParameters, ParametersRefused};

/// A point known in the source's system and in CGCS2000. x is the easting or longitude.
#[derive(Debug, Clone, PartialEq)]
pub struct ControlPoint {
    /// What it is called.
    pub name: String,
    /// In the source's system, in its own unit.
    pub source: Coord<f64>,
    /// In a zone of CGCS2000 (metres), or in longitude and latitude (degrees, EPSG:4490).
    pub target: Coord<f64>,
}

/// Points known in two systems.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ControlPoints {
    /// The points, in the order of the file.
    pub points: Vec<ControlPoint>,
}

/// What is left at a control point after fitting: fitted less given, metres.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Residual {
    /// The point.
    pub name: String,
    /// To the north.
    pub north_m: f64,
    /// To the east.
    pub east_m: f64,
}

impl Residual {
    /// How far the fitted place lies from the given one, metres.
    pub fn distance_m(&self) -> f64 {
        self.north_m.hypot(self.east_m)
    }
}

/// The columns of a table of control points, with what else they may be called.
const COLUMNS: [&[&str]; 5] = [
    &["name", "点名", "点号", "名称"],
    &["source_east", "source_lon", "源东坐标", "原东坐标", "源经度"],
    &["source_north", "source_lat", "源北坐标", "原北坐标", "源纬度"],
    &["target_east", "target_lon", "目标东坐标", "新东坐标", "目标经度"],
    &["target_north", "target_lat", "目标北坐标", "新北坐标", "目标纬度"],
];

/// More points than any authority hands out.
const MAX_POINTS: usize = 10_000;
/// Points that fit worse than this on average don't belong together, metres.
const MAX_RMS_M: f64 = 10.0;

impl ControlPoints {
    /// Control points from a table with commas and the columns `name,source_east,source_north,
    /// target_east,target_north` (or the same in Chinese: 点名, 源东坐标, 源北坐标, 目标东坐标,
    /// 目标北坐标), or from a GeoJSON collection of lines from the source's place to the target's.
    ///
    /// # Errors
    /// [`ParametersRefused::Unreadable`] with the line at fault.
    pub fn parse(text: &str) -> Result<ControlPoints, ParametersRefused> {
        let text = text.trim_start_matches('\u{feff}');
        let points = if text.trim_start().starts_with('{') {
            of_geojson(text)?
        } else {
            of_table(text)?
        };
        Ok(ControlPoints { points })
    }
}

fn unreadable(detail: impl Into<String>) -> ParametersRefused {
    ParametersRefused::Unreadable { detail: detail.into() }
}

fn of_table(text: &str) -> Result<Vec<ControlPoint>, ParametersRefused> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| unreadable(error.to_string()))?.clone();
    let column = |names: &[&str]| {
        headers
            .iter()
            .position(|header| names.iter().any(|name| header.eq_ignore_ascii_case(name)))
    };
    let [name, source_x, source_y, target_x, target_y] = COLUMNS.map(column);
    let needed = |found: Option<usize>, which: usize| {
        let names = COLUMNS
            .get(which)
            .and_then(|names| names.first())
            .copied()
            .unwrap_or_default();
        found.ok_or_else(|| unreadable(format!("the column {names} is missing")))
    };
    let columns = [
        needed(source_x, 1)?,
        needed(source_y, 2)?,
        needed(target_x, 3)?,
        needed(target_y, 4)?,
    ];
    let mut points = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| unreadable(error.to_string()))?;
        let mut numbers = [0.0; 4];
        for (number, column) in numbers.iter_mut().zip(columns) {
            let text = record.get(column).unwrap_or_default();
            *number = text
                .parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .ok_or_else(|| unreadable(format!("line {}: {text:?} is no number", row + 2)))?;
        }
        let [source_x, source_y, target_x, target_y] = numbers;
        points.push(ControlPoint {
            name: name
                .and_then(|column| record.get(column))
                .filter(|name| !name.is_empty())
                .map_or_else(|| format!("{}", row + 1), ToOwned::to_owned),
            source: Coord {
                x: source_x,
                y: source_y,
            },
            target: Coord {
                x: target_x,
                y: target_y,
            },
        });
        if points.len() > MAX_POINTS {
            return Err(unreadable(format!("more than {MAX_POINTS} points")));
        }
    }
    Ok(points)
}

fn of_geojson(text: &str) -> Result<Vec<ControlPoint>, ParametersRefused> {
    let value: serde_json::Value = serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))?;
    let features = value
        .get("features")
        .and_then(serde_json::Value::as_array)
        .ok_or_else(|| unreadable("no FeatureCollection"))?;
    if features.len() > MAX_POINTS {
        return Err(unreadable(format!("more than {MAX_POINTS} points")));
    }
    let position = |position: &serde_json::Value| {
        let x = position.get(0)?.as_f64()?;
        let y = position.get(1)?.as_f64()?;
        Some(Coord { x, y })
    };
    features
        .iter()
        .enumerate()
        .map(|(index, feature)| {
            let number = index + 1;
            let wrong = || unreadable(format!("feature {number} is no line from one place to another"));
            let geometry = feature.get("geometry").ok_or_else(wrong)?;
            let line = geometry
                .get("coordinates")
                .and_then(serde_json::Value::as_array)
                .filter(|line| line.len() == 2 && geometry.get("type").is_some_and(|kind| kind == "LineString"))
                .ok_or_else(wrong)?;
            let mut ends = line.iter().filter_map(position);
            let (source, target) = (ends.next().ok_or_else(wrong)?, ends.next().ok_or_else(wrong)?);
            let name = feature
                .pointer("/properties/name")
                .and_then(serde_json::Value::as_str)
                .map_or_else(|| number.to_string(), ToOwned::to_owned);
            Ok(ControlPoint { name, source, target })
        })
        .collect()
}

/// Plane parameters by least squares from pairs (name, source, target) in metres, and what is left.
pub(super) fn fit(
    pairs: &[(String, Coord<f64>, Coord<f64>)],
) -> Result<(FourParameters, Vec<Residual>), ParametersRefused> {
    let count = pairs.len();
    if count < 3 {
        return Err(ParametersRefused::TooFewPoints { count });
    }
    let share = 1.0 / count as f64;
    let mut source_mean = Coord { x: 0.0, y: 0.0 };
    let mut target_mean = source_mean;
    for (_, source, target) in pairs {
        source_mean = source_mean + *source * share;
        target_mean = target_mean + *target * share;
    }
    // With n and e from the middle: n′ = a n − b e, e′ = b n + a e.
    let (mut along, mut across, mut square) = (0.0, 0.0, 0.0);
    for (_, source, target) in pairs {
        let (from, to) = (*source - source_mean, *target - target_mean);
        along += from.y * to.y + from.x * to.x;
        across += from.y * to.x - from.x * to.y;
        square += from.x * from.x + from.y * from.y;
    }
    let is_spread = |square: f64| (square * share).sqrt() >= 10.0;
    if !is_spread(square) || is_on_earth(target_mean) {
        return Err(ParametersRefused::PointsTooClose);
    }
    let (a, b) = (along / square, across / square);
    let parameters = FourParameters {
        north_m: target_mean.y - (a * source_mean.y - b * source_mean.x),
        east_m: target_mean.x - (b * source_mean.y + a * source_mean.x),
        rotation_s: b.atan2(a).to_degrees() * 3600.0,
        scale_ppm: (a.hypot(b) - 1.0) * 1e6,
    };
    let residuals: Vec<Residual> = pairs
        .iter()
        .map(|(name, source, target)| {
            let off = parameters.apply(*source) - *target;
            Residual {
                name: name.clone(),
                north_m: off.y,
                east_m: off.x,
            }
        })
        .collect();
    let rms_m = (residuals.iter().map(|left| left.distance_m().powi(2)).sum::<f64>() * share).sqrt();
    let worst = residuals
        .iter()
        .max_by(|left, right| left.distance_m().total_cmp(&right.distance_m()));
    match worst {
        Some(worst) if rms_m > MAX_RMS_M || !rms_m.is_finite() => Err(ParametersRefused::PointsDisagree {
            rms_m,
            worst: worst.name.clone(),
            worst_m: worst.distance_m(),
        }),
        _ => Ok((parameters, residuals)),
    }
}
