//! Parameters from an old datum or a local plane system to CGCS2000, as surveying authorities give
//! them out. They may be classified: what is kept of them is where they come from and how well they
//! fit, never their values.

use geo_types::Coord;
use proj4rs::Proj;
use proj4rs::transform::transform;
use serde::Serialize;

use super::control_points::{ControlPoints, Residual, fit};
use super::convert::Points;
use super::guess::{is_chinese_northing, is_degrees, is_on_earth, is_plain_easting, zone_prefix};
use super::system::DatumPath;
use super::zones::{Family, Zone};
use super::{Conversion, Crs, CrsRefused, Offset, zone_of};
use crate::report::{Warning, WarningCode, Words};

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

/// Seven parameters (七参数, Bursa–Wolf) from geocentric coordinates of the source to CGCS2000, with
/// rotations of the position vector (EPSG method 9606; the coordinate-frame convention, 9607, has
/// them with the opposite sign).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SevenParameters {
    /// Shift, metres: X, Y, Z.
    pub shift_m: [f64; 3],
    /// Rotation of the position vector, arc-seconds: around X, Y, Z.
    pub rotation_s: [f64; 3],
    /// Change of scale, parts per million.
    pub scale_ppm: f64,
}

/// How a datum is left.
#[derive(Debug, Clone, PartialEq)]
pub enum ShiftMethod {
    /// From plane to plane.
    Four(FourParameters),
    /// From geocentric to geocentric coordinates.
    Seven(SevenParameters),
    /// By plane parameters that are found from points known in both systems.
    ControlPoints(ControlPoints),
}

/// A way to CGCS2000 and who vouches for it.
#[derive(Debug, Clone, PartialEq)]
pub struct DatumShift {
    method: ShiftMethod,
    reference: String,
    target: Option<Zone>,
}

/// Why parameters can't be used. Nothing is imported then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParametersRefused {
    /// Not written as expected.
    #[error("the parameters can't be read: {detail}")]
    Unreadable {
        /// What was found.
        detail: String,
    },
    /// Nobody is named who gave them.
    #[error("it is not said where the parameters come from")]
    ReferenceMissing,
    /// The system needs none.
    #[error("{name} needs no parameters")]
    NotNeeded {
        /// The system.
        name: String,
    },
    /// It isn't clear which CGCS2000 zone the parameters lead to.
    #[error("it is not said which CGCS2000 zone the parameters lead to")]
    TargetMissing,
    /// They lead to something that is no zone of CGCS2000.
    #[error("{name} is no Gauss–Krüger zone of CGCS2000")]
    TargetUnsuitable {
        /// What was given.
        name: String,
    },
    /// Seven parameters for a system without an ellipsoid.
    #[error("seven parameters need a datum; a local plane system takes four parameters or control points")]
    PlaneOnly,
    /// The control points are too few.
    #[error("{count} control points are too few: two fix the parameters, and only a third shows whether they hold")]
    TooFewPoints {
        /// How many there are.
        count: usize,
    },
    /// The control points lie in one place.
    #[error("the control points lie too close together")]
    PointsTooClose,
    /// The control points contradict one another.
    #[error("the control points contradict one another: {rms_m:.2} m on average, {worst} is off by {worst_m:.2} m")]
    PointsDisagree {
        /// Root mean square of the distances, metres.
        rms_m: f64,
        /// The point that fits least.
        worst: String,
        /// Its distance, metres.
        worst_m: f64,
    },
    /// The system itself can't be used.
    #[error(transparent)]
    Crs(CrsRefused),
}

impl ParametersRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ParametersRefused::Unreadable { .. } => "parameters_unreadable",
            ParametersRefused::ReferenceMissing => "parameters_without_source",
            ParametersRefused::NotNeeded { .. } => "parameters_not_needed",
            ParametersRefused::TargetMissing => "parameters_target_missing",
            ParametersRefused::TargetUnsuitable { .. } => "parameters_target_unsuitable",
            ParametersRefused::PlaneOnly => "parameters_plane_only",
            ParametersRefused::TooFewPoints { .. } => "control_points_too_few",
            ParametersRefused::PointsTooClose => "control_points_too_close",
            ParametersRefused::PointsDisagree { .. } => "control_points_disagree",
            ParametersRefused::Crs(refused) => refused.code(),
        }
    }

    /// The option at fault.
    pub fn field(&self) -> &'static str {
        match self {
            ParametersRefused::ReferenceMissing => "parameters_from",
            ParametersRefused::TooFewPoints { .. }
            | ParametersRefused::PointsTooClose
            | ParametersRefused::PointsDisagree { .. } => "control_points",
            ParametersRefused::Crs(_) => "crs",
            _ => "datum_parameters",
        }
    }

    /// What is wrong, in words.
    pub fn words(&self) -> Words {
        let zh = match self {
            ParametersRefused::Unreadable { detail } => format!("转换参数无法读取：{detail}"),
            ParametersRefused::ReferenceMissing => "没有写明转换参数的来源".to_owned(),
            ParametersRefused::NotNeeded { name } => format!("{name} 不需要转换参数"),
            ParametersRefused::TargetMissing => "没有写明转换到 CGCS2000 的哪个分带".to_owned(),
            ParametersRefused::TargetUnsuitable { name } => format!("{name} 不是 CGCS2000 的高斯-克吕格分带"),
            ParametersRefused::PlaneOnly => "七参数需要基准面；地方坐标系只能用四参数或控制点".to_owned(),
            ParametersRefused::TooFewPoints { count } => {
                format!("控制点只有 {count} 个，太少：两个点刚好定出参数，第三个点起才能检核")
            }
            ParametersRefused::PointsTooClose => "控制点相距太近".to_owned(),
            ParametersRefused::PointsDisagree { rms_m, worst, worst_m } => {
                format!("控制点互相矛盾：中误差 {rms_m:.2} m，{worst} 相差 {worst_m:.2} m")
            }
            ParametersRefused::Crs(refused) => return refused.words(),
        };
        Words {
            zh,
            en: self.to_string(),
        }
    }

    /// What to do about it, in words.
    pub fn remedy(&self) -> Words {
        match self {
            ParametersRefused::Unreadable { .. } => Words::new(
                "四参数写作 four:north=…,east=…,rotation=…,scale=…（米、米、角秒、ppm；north 为北向平移，rotation 由北向东为正），七参数写作 seven:dx=…,dy=…,dz=…,rx=…,ry=…,rz=…,scale=…,convention=position_vector（或 coordinate_frame）；控制点文件的表头为 name,source_east,source_north,target_east,target_north。",
                "Write four:north=…,east=…,rotation=…,scale=… (metres, metres, arc-seconds from north towards east, ppm), or seven:dx=…,dy=…,dz=…,rx=…,ry=…,rz=…,scale=…,convention=position_vector (or coordinate_frame); a file of control points has the columns name,source_east,source_north,target_east,target_north.",
            ),
            ParametersRefused::ReferenceMissing => Words::new(
                "请用 --parameters-from 写明由谁、凭哪份文件提供，例如“常州市测绘院 2019 年第 12 号”。",
                "Say with --parameters-from who gave them and by which document.",
            ),
            ParametersRefused::NotNeeded { .. } => Words::new(
                "请去掉转换参数，或改正坐标系。",
                "Leave the parameters out, or correct the coordinate system.",
            ),
            ParametersRefused::TargetMissing | ParametersRefused::TargetUnsuitable { .. } => Words::new(
                "请在参数后写明目标分带，例如 to=EPSG:4549。",
                "Name the zone they lead to, for example to=EPSG:4549.",
            ),
            ParametersRefused::PlaneOnly => Words::new(
                "请改用四参数（four:…）或控制点。",
                "Give four parameters (four:…) or control points.",
            ),
            ParametersRefused::TooFewPoints { .. } | ParametersRefused::PointsTooClose => Words::new(
                "请提供至少三个、分布在数据范围四周的控制点。",
                "Give at least three control points, spread around the data.",
            ),
            ParametersRefused::PointsDisagree { .. } => Words::new(
                "请核对该点的坐标、东坐标与北坐标的顺序，以及两套坐标是否对应。",
                "Check that point's coordinates, the order of easting and northing, and whether the pairs belong together.",
            ),
            ParametersRefused::Crs(refused) => refused.remedy(),
        }
    }
}

impl DatumShift {
    /// Parameters as they are written in an option: `four:north=…,east=…,rotation=…,scale=…` or
    /// `seven:dx=…,dy=…,dz=…,rx=…,ry=…,rz=…,scale=…,convention=position_vector`, with `to=EPSG:4549`
    /// where the zone they lead to isn't that of the source. `reference` says who gave them.
    ///
    /// # Errors
    /// [`ParametersRefused`] where they are incomplete, or nobody is named.
    pub fn parse(text: &str, reference: &str) -> Result<DatumShift, ParametersRefused> {
        let unreadable = |detail: String| ParametersRefused::Unreadable { detail };
        let (kind, list) = text
            .split_once(':')
            .ok_or_else(|| unreadable(text.chars().take(60).collect()))?;
        let mut given: Vec<(&str, &str)> = Vec::new();
        for part in list.split(',').filter(|part| !part.trim().is_empty()) {
            let (key, value) = part.split_once('=').ok_or_else(|| unreadable(part.trim().to_owned()))?;
            let key = key.trim();
            if given.iter().any(|(known, _)| *known == key) {
                return Err(unreadable(format!("{key} is given twice")));
            }
            given.push((key, value.trim()));
        }
        let mut take = |key: &str| {
            let at = given.iter().position(|(known, _)| *known == key)?;
            Some(given.swap_remove(at).1)
        };
        let target = take("to").map(target_zone).transpose()?;
        let mut number = |key: &str| {
            let text = take(key).ok_or_else(|| unreadable(format!("{key} is missing")))?;
            text.parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .ok_or_else(|| unreadable(format!("{key}={text}")))
        };
        let method = match kind.trim() {
            "four" => ShiftMethod::Four(FourParameters {
                north_m: number("north")?,
                east_m: number("east")?,
                rotation_s: number("rotation")?,
                scale_ppm: number("scale")?,
            }),
            "seven" => {
                let shift_m = [number("dx")?, number("dy")?, number("dz")?];
                let [x, y, z] = [number("rx")?, number("ry")?, number("rz")?];
                let scale_ppm = number("scale")?;
                // The two conventions differ in sign, and papers seldom say which is theirs.
                let sign = match take("convention") {
                    Some("position_vector") => 1.0,
                    Some("coordinate_frame") => -1.0,
                    Some(other) => return Err(unreadable(format!("convention={other}"))),
                    None => {
                        return Err(unreadable(
                            "convention is missing (position_vector or coordinate_frame)".to_owned(),
                        ));
                    }
                };
                ShiftMethod::Seven(SevenParameters {
                    shift_m,
                    rotation_s: [x * sign, y * sign, z * sign],
                    scale_ppm,
                })
            }
            other => return Err(unreadable(format!("{other} is neither four nor seven"))),
        };
        if let Some((key, _)) = given.first() {
            return Err(unreadable(format!("{key} is not known")));
        }
        DatumShift::new(method, reference, target)
    }

    /// Parameters to be found from control points: the text of a CSV or GeoJSON file, as
    /// [`ControlPoints::parse`] reads it. `target` is the CGCS2000 zone the target's plane
    /// coordinates are in, where they don't tell by themselves.
    ///
    /// # Errors
    /// [`ParametersRefused`] where the file can't be read or nobody is named.
    pub fn by_control_points(
        file: &str,
        reference: &str,
        target: Option<&str>,
    ) -> Result<DatumShift, ParametersRefused> {
        let points = ControlPoints::parse(file)?;
        let target = target.map(target_zone).transpose()?;
        DatumShift::new(ShiftMethod::ControlPoints(points), reference, target)
    }

    fn new(method: ShiftMethod, reference: &str, target: Option<Zone>) -> Result<DatumShift, ParametersRefused> {
        let reference = reference.trim();
        if reference.is_empty() {
            return Err(ParametersRefused::ReferenceMissing);
        }
        Ok(DatumShift {
            method,
            reference: reference.to_owned(),
            target,
        })
    }

    /// For seven parameters: the system with them in its definition.
    pub(super) fn as_seven(&self, crs: &Crs) -> Result<Option<(Crs, ShiftRecord)>, ParametersRefused> {
        let ShiftMethod::Seven(seven) = &self.method else {
            return Ok(None);
        };
        if crs.projection() == "local" {
            return Err(ParametersRefused::PlaneOnly);
        }
        let mut shifted = crs.clone();
        let values = seven
            .shift_m
            .iter()
            .chain(&seven.rotation_s)
            .chain(std::iter::once(&seven.scale_ppm))
            .map(f64::to_string)
            .collect::<Vec<_>>();
        shifted.parameters.insert("towgs84".to_owned(), values.join(","));
        shifted.path = DatumPath::Published;
        Ok(Some((shifted, self.record(crs, "seven_parameters", None, Vec::new()))))
    }

    fn record(&self, crs: &Crs, method: &'static str, target: Option<&Crs>, residuals: Vec<Residual>) -> ShiftRecord {
        ShiftRecord {
            method,
            system: crs.name().to_owned(),
            target: target.map(|target| target.name().to_owned()),
            reference: Some(self.reference.clone()),
            rms_m: rms_m(&residuals),
            residuals,
        }
    }
}

fn target_zone(text: &str) -> Result<Zone, ParametersRefused> {
    let unsuitable = || ParametersRefused::TargetUnsuitable { name: text.to_owned() };
    let crs = Crs::parse(text).map_err(|_| unsuitable())?;
    let zone = Zone::of(&crs).ok_or_else(unsuitable)?;
    // Other datums have zones of the same shape.
    let is_cgcs2000 = zone.code_in(Family::Cgcs2000) == crs.epsg();
    is_cgcs2000.then_some(zone).ok_or_else(unsuitable)
}

/// Root mean square of the distances; nothing without points.
fn rms_m(residuals: &[Residual]) -> Option<f64> {
    let squares: f64 = residuals.iter().map(|residual| residual.distance_m().powi(2)).sum();
    (!residuals.is_empty()).then(|| (squares / residuals.len() as f64).sqrt())
}

/// How a datum or an offset was left: what is kept with the import. The values of the parameters are
/// not in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShiftRecord {
    /// `four_parameters`, `seven_parameters`, `control_points`, `gcj02_formula` or `bd09_formula`.
    pub method: &'static str,
    /// The system left.
    pub system: String,
    /// The zone arrived at, where plane coordinates were shifted.
    pub target: Option<String>,
    /// Who gave the parameters, as the caller says.
    pub reference: Option<String>,
    /// Root mean square of the control points' distances after fitting, metres.
    pub rms_m: Option<f64>,
    /// What is left at each control point.
    pub residuals: Vec<Residual>,
}

impl ShiftRecord {
    pub(super) fn of_offset(offset: Offset) -> ShiftRecord {
        ShiftRecord {
            method: match offset {
                Offset::Gcj02 => "gcj02_formula",
                Offset::Bd09 => "bd09_formula",
            },
            system: offset.name().to_owned(),
            target: None,
            reference: None,
            rms_m: None,
            residuals: Vec::new(),
        }
    }

    /// The warning that goes with every shape taken over so.
    pub fn warning(&self) -> Warning {
        let system = &self.system;
        let Some(reference) = &self.reference else {
            return Warning::new(
                WarningCode::OffsetTakenBack,
                format!("由 {system} 按公开公式反算，精度为米级，不能作为测绘成果"),
                format!("taken back from {system} by the public formula: accurate to metres, not to survey quality"),
            );
        };
        let (zh, en) = match self.method {
            "seven_parameters" => ("七参数", "seven parameters"),
            "control_points" => ("控制点拟合的四参数", "four parameters fitted to control points"),
            _ => ("四参数", "four parameters"),
        };
        let fit = self.rms_m.map(|rms| {
            let points = self.residuals.len();
            (
                format!("；控制点 {points} 个，中误差 {rms:.3} m"),
                format!("; {points} control points, root mean square {rms:.3} m"),
            )
        });
        let (fit_zh, fit_en) = fit.unwrap_or_default();
        Warning::new(
            WarningCode::DatumShifted,
            format!("由 {system} 用{zh}转换，参数来源：{reference}{fit_zh}"),
            format!("converted from {system} by {en}, given by: {reference}{fit_en}"),
        )
    }
}

/// From a plane by four parameters to a zone of CGCS2000, and from there to longitude and latitude.
#[derive(Debug)]
pub(super) struct PlaneShift {
    /// Into the source's own plane, where it is geographic.
    to_plane: Option<(Box<Proj>, Box<Proj>)>,
    parameters: FourParameters,
    target: Conversion,
}

impl PlaneShift {
    pub(super) fn new(crs: &Crs, shift: &DatumShift) -> Result<(PlaneShift, ShiftRecord), ParametersRefused> {
        let own = Zone::of(crs);
        let zone = match (shift.target, &shift.method) {
            (Some(zone), _) => Some(zone),
            (None, ShiftMethod::ControlPoints(points)) => zone_of_points(points, own),
            (None, _) => own,
        };
        let zone = zone.ok_or(ParametersRefused::TargetMissing)?;
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
                        None => point.source,
                    };
                    let arrived = if is_on_earth(point.target) {
                        let from = projection(&target, "+proj=longlat +ellps=GRS80")?;
                        let to = projection(&target, &target.definition())?;
                        into_plane(&from, &to, point.target).ok_or_else(outside)?
                    } else {
                        point.target
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
            parameters,
            target,
        };
        Ok((plane, record))
    }

    /// Longitude and latitude; nothing where a coordinate is out of range.
    pub(super) fn convert(&self, coord: Coord<f64>) -> Option<Coord<f64>> {
        let plane = match &self.to_plane {
            Some((from, to)) => into_plane(from, to, coord)?,
            None => coord,
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
