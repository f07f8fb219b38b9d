//! Coordinate systems: what a file declares, what it means, and the way to EPSG:4490.
//!
//! The only user of the projection crate. Datum shifts are never guessed: a system is accepted
//! when its datum equals CGCS2000 within about two metres (WGS 84, ETRS89, NAD83 and other
//! geocentric datums on the GRS 80 or WGS 84 ellipsoid), or when its definition carries published
//! parameters to WGS 84. Xi'an 1980 and Beijing 1954 are refused: their parameters belong to the
//! surveying authority. GCJ-02 and BD-09 are refused: they are offsets, not coordinate systems.

use std::collections::BTreeMap;

use geo_types::{Coord, Geometry};
use proj4rs::Proj;
use proj4rs::transform::{Transform, TransformClosure, transform};

pub use crate::area::{GkZone, plane_area_m2, zone_of};
use crate::report::Words;

/// What a source says about its coordinate system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeclaredCrs {
    /// Nothing.
    Missing,
    /// GeoJSON without a `crs` member: WGS 84 longitude, latitude (RFC 7946).
    GeoJsonDefault,
    /// The older `crs` member of GeoJSON 2008, as written.
    Member {
        /// Its name.
        name: String,
    },
    /// The WKT of a shapefile's `.prj`.
    Prj {
        /// As written.
        wkt: String,
    },
}

impl DeclaredCrs {
    /// The coordinate system meant.
    ///
    /// # Errors
    /// [`CrsRefused::Missing`] where nothing is declared, else why it can't be used.
    pub fn resolve(&self) -> Result<Crs, CrsRefused> {
        match self {
            DeclaredCrs::Missing => Err(CrsRefused::Missing { suggestion: None }),
            DeclaredCrs::GeoJsonDefault => Crs::parse("EPSG:4326"),
            DeclaredCrs::Member { name } => Crs::parse(name),
            DeclaredCrs::Prj { wkt } => Crs::parse(wkt),
        }
    }

    /// The declaration for a report: a name, or nothing.
    pub fn label(&self) -> Option<String> {
        match self {
            DeclaredCrs::Missing => None,
            DeclaredCrs::GeoJsonDefault => Some("EPSG:4326 (RFC 7946)".to_owned()),
            DeclaredCrs::Member { name } => Some(name.clone()),
            DeclaredCrs::Prj { wkt } => Some(wkt::name(wkt).unwrap_or_else(|| wkt.chars().take(80).collect())),
        }
    }
}

/// Why a coordinate system can't be used. Nothing is imported then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CrsRefused {
    /// The source declares none and none was given.
    #[error("the source declares no coordinate system")]
    Missing {
        /// What the coordinates look like.
        suggestion: Option<Suggestion>,
    },
    /// Not a name, code or definition we know.
    #[error("the coordinate system {text} is not known")]
    Unknown {
        /// As given, shortened.
        text: String,
    },
    /// Xi'an 1980 or Beijing 1954.
    #[error("{name} can't be converted to CGCS2000 without parameters")]
    OldChineseDatum {
        /// The system or its datum.
        name: String,
    },
    /// GCJ-02 or BD-09.
    #[error("{name} is an offset for display, not a coordinate system of survey data")]
    Offset {
        /// Which.
        name: String,
    },
    /// No null and no published way from its datum to WGS 84.
    #[error("there is no published way from the datum of {name} to WGS 84")]
    NoDatumPath {
        /// The system.
        name: String,
    },
    /// The projection isn't supported, or not exactly enough.
    #[error("the projection of {name} is not supported: {projection}")]
    UnsupportedProjection {
        /// The system.
        name: String,
        /// The projection's name.
        projection: String,
    },
    /// The coordinates clearly don't fit the coordinate system.
    #[error("the coordinates (for example {x}, {y}) don't fit {name}")]
    DoesNotFit {
        /// The system.
        name: String,
        /// An x from the source.
        x: f64,
        /// A y from the source.
        y: f64,
        /// What they look like.
        suggestion: Option<Suggestion>,
    },
    /// x and y are exchanged.
    #[error("the axes are exchanged: x {x} is a northing, y {y} an easting in {name}")]
    AxesExchanged {
        /// The system.
        name: String,
        /// An x from the source.
        x: f64,
        /// A y from the source.
        y: f64,
    },
}

/// What coordinates look like; for the user to confirm, never applied by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// To be given as the coordinate system, e.g. `EPSG:4528`.
    pub crs: String,
    /// Why it looks like that.
    pub why: Words,
}

impl CrsRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CrsRefused::Missing { .. } => "crs_missing",
            CrsRefused::Unknown { .. } => "crs_unknown",
            CrsRefused::OldChineseDatum { .. } => "crs_old_datum",
            CrsRefused::Offset { .. } => "crs_offset",
            CrsRefused::NoDatumPath { .. } => "crs_no_datum_path",
            CrsRefused::UnsupportedProjection { .. } => "crs_unsupported_projection",
            CrsRefused::DoesNotFit { .. } => "crs_does_not_fit",
            CrsRefused::AxesExchanged { .. } => "crs_axes_exchanged",
        }
    }

    /// The coordinate system the coordinates look like, where there is one.
    pub fn suggestion(&self) -> Option<&Suggestion> {
        match self {
            CrsRefused::Missing { suggestion } | CrsRefused::DoesNotFit { suggestion, .. } => suggestion.as_ref(),
            _ => None,
        }
    }

    /// What is wrong, in words.
    pub fn words(&self) -> Words {
        let en = self.to_string();
        let zh = match self {
            CrsRefused::Missing { .. } => "数据没有声明坐标系".to_owned(),
            CrsRefused::Unknown { text } => format!("无法识别坐标系 {text}"),
            CrsRefused::OldChineseDatum { name } => {
                format!("{name} 缺少转换参数，不能转换到 2000 国家大地坐标系（CGCS2000）")
            }
            CrsRefused::Offset { name } => {
                format!("{name} 是显示用的加偏坐标，不是测绘成果的坐标系")
            }
            CrsRefused::NoDatumPath { name } => {
                format!("{name} 的基准面到 WGS 84 没有公开的转换方法")
            }
            CrsRefused::UnsupportedProjection { name, projection } => {
                format!("不支持 {name} 的投影：{projection}")
            }
            CrsRefused::DoesNotFit { name, x, y, .. } => {
                format!("坐标（例如 {x}, {y}）与 {name} 不符")
            }
            CrsRefused::AxesExchanged { name, x, y } => {
                format!("坐标轴颠倒：在 {name} 中，x 值 {x} 是北坐标，y 值 {y} 是东坐标")
            }
        };
        Words { zh, en }
    }

    /// What to do about it, in words.
    pub fn remedy(&self) -> Words {
        match self {
            CrsRefused::Missing { suggestion } | CrsRefused::DoesNotFit { suggestion, .. } => match suggestion {
                Some(suggestion) => Words::new(
                    format!("{}；如果正确，请用 --crs {} 指定。", suggestion.why.zh, suggestion.crs),
                    format!(
                        "{}; if that is right, give --crs {}.",
                        suggestion.why.en, suggestion.crs
                    ),
                ),
                None => Words::new(
                    "请用 --crs 指定坐标系，例如 --crs EPSG:4490。",
                    "Give the coordinate system with --crs, for example --crs EPSG:4490.",
                ),
            },
            CrsRefused::Unknown { .. } => Words::new(
                "请用 EPSG 代码指定，例如 --crs EPSG:4549。",
                "Give an EPSG code, for example --crs EPSG:4549.",
            ),
            CrsRefused::OldChineseDatum { .. } => Words::new(
                "请向测绘主管部门申请转换参数（四参数、七参数或控制点），或请其转换为 CGCS2000 后再导入。直接套用会有几十米到一百多米的偏差。",
                "Obtain the transformation parameters (four or seven parameters, or control points) from the surveying authority, or have the data converted to CGCS2000 first. Taken as it is, it would be off by tens of metres to over 100 m.",
            ),
            CrsRefused::Offset { .. } => Words::new(
                "请提供未加偏的 CGCS2000 或 WGS 84 数据。",
                "Provide data in CGCS2000 or WGS 84 without the offset.",
            ),
            CrsRefused::NoDatumPath { .. } | CrsRefused::UnsupportedProjection { .. } => Words::new(
                "请先用专业软件转换为 CGCS2000（EPSG:4490）或 WGS 84 再导入；如果 .prj 写得不全，也可用 --crs 给出 EPSG 代码。",
                "Convert it to CGCS2000 (EPSG:4490) or WGS 84 with suitable software first; if only the .prj is incomplete, give the EPSG code with --crs.",
            ),
            CrsRefused::AxesExchanged { .. } => Words::new(
                "请交换 x 与 y（东坐标在前）后重新导出。",
                "Exchange x and y (easting first) and export again.",
            ),
        }
    }
}

/// How coordinates of a datum become CGCS2000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DatumPath {
    /// Taken as equal.
    Equal,
    /// By the seven (or three) parameters of the definition.
    Published,
}

/// A coordinate system that can be converted. x is always the easting or longitude.
#[derive(Debug, Clone, PartialEq)]
pub struct Crs {
    epsg: Option<u32>,
    name: String,
    parameters: BTreeMap<String, String>,
    path: DatumPath,
}

/// EPSG codes of the old Chinese datums: geographic, 3-D and projected in 3° and 6° zones.
fn is_old_chinese(code: u32) -> Option<&'static str> {
    match code {
        4610 | 2327..=2390 => Some("西安 1980 / Xian 1980"),
        4214 | 2401..=2442 | 21413..=21423 | 21453..=21463 | 21473..=21483 => Some("北京 1954 / Beijing 1954"),
        4555 | 4568..=4589 | 4652..=4656 | 4766..=4800 | 4812 | 4822 => Some("新北京 1954 / New Beijing"),
        _ => None,
    }
}

impl Crs {
    /// A coordinate system from `EPSG:4528`, `4528`, an OGC URN or address, `OGC:CRS84`, WKT (as
    /// in a `.prj`) or a PROJ definition (`+proj=…`).
    ///
    /// # Errors
    /// [`CrsRefused`] where it isn't known or its datum has no known way to CGCS2000.
    pub fn parse(text: &str) -> Result<Crs, CrsRefused> {
        let text = text.trim().trim_start_matches('\u{feff}').trim();
        if let Some(name) = offset_name(text) {
            return Err(CrsRefused::Offset { name });
        }
        if text.starts_with("+proj") || text.starts_with("+init") {
            return Crs::from_definition(None, shorten(text), text, true);
        }
        if let Some(code) = epsg_code(text) {
            return Crs::from_epsg(code);
        }
        if is_crs84(text) {
            return Crs::from_epsg(4326);
        }
        if text.contains('[') {
            return wkt::crs(text);
        }
        Err(CrsRefused::Unknown { text: shorten(text) })
    }

    /// A coordinate system by its EPSG code.
    ///
    /// # Errors
    /// As [`Crs::parse`].
    pub fn from_epsg(code: u32) -> Result<Crs, CrsRefused> {
        // Codes of Web Mercator that never were EPSG's.
        let code = match code {
            900_913 | 3785 | 102_100 | 102_113 => 3857,
            other => other,
        };
        let name = format!("EPSG:{code}");
        if let Some(datum) = is_old_chinese(code) {
            return Err(CrsRefused::OldChineseDatum {
                name: format!("{name}（{datum}）"),
            });
        }
        let definition = u16::try_from(code)
            .ok()
            .and_then(crs_definitions::from_code)
            .ok_or_else(|| CrsRefused::Unknown { text: name.clone() })?;
        Crs::from_definition(Some(code), name, definition.proj4, true)
    }

    /// `trusted_datum` false: the definition's ellipsoid says nothing about the datum (WKT with an
    /// unknown datum name).
    fn from_definition(
        epsg: Option<u32>,
        name: String,
        definition: &str,
        trusted_datum: bool,
    ) -> Result<Crs, CrsRefused> {
        let mut parameters = BTreeMap::new();
        for part in definition.split_whitespace() {
            let part = part.trim_start_matches('+');
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            // The projection crate knows the scale factor by its older name only, and would take
            // it for 1 under this one.
            let key = if key == "k_0" { "k" } else { key };
            parameters.insert(key.to_owned(), value.to_owned());
        }
        let projection = parameters.get("proj").cloned().unwrap_or_default();
        if !SUPPORTED_PROJECTIONS.contains(&projection.as_str()) {
            return Err(CrsRefused::UnsupportedProjection { name, projection });
        }
        let path =
            datum_path(&parameters, trusted_datum).ok_or_else(|| CrsRefused::NoDatumPath { name: name.clone() })?;
        if path == DatumPath::Equal {
            // No shift is to be made, so the datum is left out and only its ellipsoid kept.
            if let Some(datum) = parameters.remove("datum") {
                let ellipsoid = if datum == "NAD83" { "GRS80" } else { "WGS84" };
                parameters.insert("ellps".to_owned(), ellipsoid.to_owned());
            }
            parameters.remove("towgs84");
            parameters.remove("nadgrids");
            parameters.remove("wktext");
        }
        Ok(Crs {
            epsg,
            name,
            parameters,
            path,
        })
    }

    /// The EPSG code, where known.
    pub fn epsg(&self) -> Option<u32> {
        self.epsg
    }

    /// The name for a report, `EPSG:4528` where there is a code.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether coordinates are degrees.
    pub fn is_geographic(&self) -> bool {
        matches!(self.projection(), "longlat" | "latlong")
    }

    /// Accuracy of taking its coordinates to CGCS2000, metres. Equal datums differ by centimetres
    /// to about two metres by realisation and plate motion; published parameters by several.
    pub fn accuracy_m(&self) -> f64 {
        match (self.path, self.epsg) {
            (_, Some(4490..=4554)) => 0.0,
            (DatumPath::Equal, _) => 2.0,
            (DatumPath::Published, _) => 10.0,
        }
    }

    fn projection(&self) -> &str {
        self.parameters.get("proj").map_or("", String::as_str)
    }

    fn number(&self, key: &str) -> Option<f64> {
        self.parameters.get(key)?.parse().ok()
    }

    /// The definition handed to the projection crate.
    fn definition(&self) -> String {
        let mut text = format!("+proj={}", self.projection());
        for (key, value) in &self.parameters {
            if key == "proj" {
                continue;
            }
            text.push_str(" +");
            text.push_str(key);
            if !value.is_empty() {
                text.push('=');
                text.push_str(value);
            }
        }
        text
    }

    /// Central meridian and false easting, where it is a Gauss–Krüger zone like those of CGCS2000.
    fn gauss_kruger_zone(&self) -> Option<(f64, f64)> {
        let is_gk = self.projection() == "tmerc"
            && self.path == DatumPath::Equal
            && self.parameters.get("units").is_none_or(|unit| unit == "m")
            && !self.parameters.contains_key("to_meter")
            && self.number("k").unwrap_or(1.0) == 1.0
            && self.number("lat_0").unwrap_or(0.0) == 0.0;
        is_gk.then_some((self.number("lon_0")?, self.number("x_0")?))
    }
}

/// Projections of the crate that were compared with PROJ and agree within a millimetre.
const SUPPORTED_PROJECTIONS: &[&str] = &[
    "longlat", "latlong", "tmerc", "utm", "lcc", "merc", "webmerc", "aea", "laea", "stere", "sterea", "somerc", "eqc",
];

fn datum_path(parameters: &BTreeMap<String, String>, trusted_datum: bool) -> Option<DatumPath> {
    let is_zero = |text: &str| text.split(',').all(|part| part.trim().parse::<f64>() == Ok(0.0));
    let grids = parameters.get("nadgrids").map(String::as_str);
    let projection = parameters.get("proj").map(String::as_str);
    if grids == Some("@null") && matches!(projection, Some("merc" | "webmerc")) {
        // Web Mercator: WGS 84 coordinates on a sphere of the same axis.
        return Some(DatumPath::Equal);
    }
    if grids.is_some() {
        return None;
    }
    match parameters.get("towgs84") {
        Some(shift) if is_zero(shift) => {}
        Some(_) => return Some(DatumPath::Published),
        None => {}
    }
    match parameters.get("datum").map(String::as_str) {
        Some("WGS84" | "NAD83") => return Some(DatumPath::Equal),
        // The parameters of these are part of the definition by name (all of them several metres).
        Some("potsdam" | "OSGB36" | "hermannskogel" | "ire65" | "carthage" | "GGRS87") => {
            return Some(DatumPath::Published);
        }
        Some(_) => return None,
        None => {}
    }
    if projection == Some("webmerc") {
        return Some(DatumPath::Equal);
    }
    let is_modern_ellipsoid = match parameters.get("ellps").map(String::as_str) {
        Some("GRS80" | "WGS84") => true,
        Some(_) => false,
        None => {
            let axis = parameters.get("a").and_then(|text| text.parse().ok());
            let flattening = parameters.get("rf").and_then(|text| text.parse().ok());
            matches!((axis, flattening), (Some(axis), Some(flattening)) if is_modern(axis, flattening))
        }
    };
    (is_modern_ellipsoid && (trusted_datum || parameters.contains_key("towgs84"))).then_some(DatumPath::Equal)
}

/// Whether the ellipsoid is that of GRS 80, WGS 84 or CGCS2000 (which differ by 0.1 mm).
fn is_modern(semi_major_m: f64, inverse_flattening: f64) -> bool {
    (semi_major_m - 6_378_137.0).abs() < 1e-3 && (inverse_flattening - 298.257_223).abs() < 1e-4
}

fn shorten(text: &str) -> String {
    text.chars().take(120).collect()
}

fn offset_name(text: &str) -> Option<String> {
    let plain: String = text
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect::<String>()
        .to_lowercase();
    if text.contains('[') {
        return None;
    }
    if plain.contains("gcj02") || plain.contains("火星") {
        Some("GCJ-02（火星坐标）".to_owned())
    } else if plain.contains("bd09") || plain.contains("百度") {
        Some("BD-09（百度坐标）".to_owned())
    } else {
        None
    }
}

/// `EPSG:4528`, `4528`, `urn:ogc:def:crs:EPSG::4528`, `http://www.opengis.net/def/crs/EPSG/0/4528`.
fn epsg_code(text: &str) -> Option<u32> {
    if let Ok(code) = text.parse() {
        return Some(code);
    }
    let lower = text.to_ascii_lowercase();
    let after = lower
        .split_once("epsg")
        .map(|(_, rest)| rest)
        .or_else(|| lower.strip_prefix("esri:"))?;
    let digits = after.rsplit([':', '/', '#']).next()?;
    digits.parse().ok()
}

fn is_crs84(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    upper.ends_with("CRS84") || upper.ends_with("CRS:84") || upper == "WGS84" || upper == "WGS 84"
}

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

fn is_on_earth(coord: Coord<f64>) -> bool {
    coord.x.abs() <= 180.0 && coord.y.abs() <= 90.0
}

/// Both values could be longitude and latitude, and hardly metres.
fn is_degrees(coord: Coord<f64>) -> bool {
    is_on_earth(coord) && (coord.x != 0.0 || coord.y != 0.0)
}

/// Northings of China are 1.9 to 5.95 million metres (7 digits).
fn is_chinese_northing(value: f64) -> bool {
    (1_900_000.0..=5_950_000.0).contains(&value)
}

/// Eastings without zone number have six digits.
fn is_plain_easting(value: f64) -> bool {
    (100_000.0..1_000_000.0).contains(&value)
}

/// The zone number in front of an eight-digit easting, 25 to 45.
fn zone_prefix(value: f64) -> Option<u32> {
    let zone = (value / 1_000_000.0).floor();
    ((25.0..=45.0).contains(&zone) && is_plain_easting(value - zone * 1_000_000.0)).then_some(zone as u32)
}

fn looks_exchanged(coord: Coord<f64>, false_easting: f64) -> bool {
    is_chinese_northing(coord.x)
        && if false_easting >= 1_000_000.0 {
            zone_prefix(coord.y).is_some()
        } else {
            is_plain_easting(coord.y)
        }
}

/// What coordinates look like, without knowing more. `zone` is the Gauss–Krüger zone declared.
pub fn suggest(sample: &[Coord<f64>], zone: Option<(f64, f64)>) -> Option<Suggestion> {
    let most =
        |test: &dyn Fn(&Coord<f64>) -> bool| sample.iter().filter(|coord| test(coord)).count() * 2 > sample.len();
    let first = *sample.first()?;
    if most(&|coord| is_degrees(*coord)) {
        return Some(Suggestion {
            crs: "EPSG:4490".to_owned(),
            why: Words::new("坐标像是经纬度", "the coordinates look like longitude and latitude"),
        });
    }
    let prefixed = sample
        .iter()
        .find_map(|coord| is_chinese_northing(coord.y).then(|| zone_prefix(coord.x))?);
    if let Some(number) = prefixed
        && most(&|coord| zone_prefix(coord.x) == Some(number) && is_chinese_northing(coord.y))
    {
        return Some(Suggestion {
            crs: format!("EPSG:{}", 4488 + number),
            why: Words::new(
                format!(
                    "东坐标带有带号 {number}，像是 CGCS2000 三度带第 {number} 带（也可能是同一带的西安 80 或北京 54，请核实）"
                ),
                format!(
                    "the eastings carry the zone number {number}, which looks like CGCS2000 3° zone {number} (or Xi'an 80 or Beijing 54 of the same zone: make sure)"
                ),
            ),
        });
    }
    if most(&|coord| is_plain_easting(coord.x) && is_chinese_northing(coord.y)) {
        let (meridian, _) = zone?;
        let number = (meridian / 3.0).round();
        if (25.0..=45.0).contains(&number) {
            return Some(Suggestion {
                crs: format!("EPSG:{}", 4509 + number as u32),
                why: Words::new("东坐标没有带号", "the eastings carry no zone number"),
            });
        }
    }
    let is_web_mercator = first.x.abs() <= 20_037_509.0
        && most(&|coord| {
            (8_100_000.0..15_100_000.0).contains(&coord.x) && (1_900_000.0..7_100_000.0).contains(&coord.y)
        });
    is_web_mercator.then(|| Suggestion {
        crs: "EPSG:3857".to_owned(),
        why: Words::new("坐标像是 Web 墨卡托", "the coordinates look like Web Mercator"),
    })
}

/// Well-known text of coordinate systems, version 1 as in `.prj` files (and the code in version 2).
mod wkt {
    use super::{Crs, CrsRefused, is_modern, shorten};

    /// A node: `KEYWORD["text", number, CHILD[…], …]`.
    #[derive(Debug, Default)]
    struct Node {
        keyword: String,
        texts: Vec<String>,
        numbers: Vec<f64>,
        children: Vec<Node>,
    }

    impl Node {
        fn child(&self, keywords: &[&str]) -> Option<&Node> {
            self.children
                .iter()
                .find(|child| keywords.contains(&child.keyword.as_str()))
        }

        /// The code of `AUTHORITY["EPSG","4528"]` or `ID["EPSG",4528]`.
        fn epsg(&self) -> Option<u32> {
            let authority = self.child(&["AUTHORITY", "ID"])?;
            if !authority.texts.first()?.eq_ignore_ascii_case("epsg") {
                return None;
            }
            authority
                .texts
                .get(1)
                .and_then(|text| text.parse().ok())
                .or_else(|| authority.numbers.first().map(|number| *number as u32))
        }

        fn name(&self) -> &str {
            self.texts.first().map_or("", String::as_str)
        }

        fn parameter(&self, names: &[&str]) -> Option<f64> {
            self.children
                .iter()
                .filter(|child| child.keyword == "PARAMETER")
                .find(|child| names.contains(&child.name().to_ascii_lowercase().as_str()))
                .and_then(|child| child.numbers.first().copied())
        }
    }

    /// Nesting deeper than any real definition.
    const MAX_DEPTH: usize = 32;

    fn parse(text: &str) -> Option<Node> {
        let bytes = text.as_bytes();
        let mut stack: Vec<Node> = vec![Node::default()];
        let mut word = String::new();
        let mut at = 0;
        let finish_word = |word: &mut String, node: &mut Node| {
            let trimmed = word.trim();
            if let Ok(number) = trimmed.parse() {
                node.numbers.push(number);
            }
            word.clear();
        };
        while let Some(&byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    let end = at + 1 + text.get(at + 1..)?.find('"')?;
                    stack.last_mut()?.texts.push(text.get(at + 1..end)?.to_owned());
                    at = end;
                }
                b'[' | b'(' => {
                    if stack.len() > MAX_DEPTH {
                        return None;
                    }
                    stack.push(Node {
                        keyword: word.trim().to_ascii_uppercase(),
                        ..Node::default()
                    });
                    word.clear();
                }
                b']' | b')' => {
                    let mut node = stack.pop()?;
                    finish_word(&mut word, &mut node);
                    stack.last_mut()?.children.push(node);
                }
                b',' => finish_word(&mut word, stack.last_mut()?),
                _ => word.push(char::from(byte)),
            }
            at += 1;
        }
        let root = stack.pop().filter(|_| stack.is_empty())?;
        root.children.into_iter().next()
    }

    /// The system's name.
    pub fn name(text: &str) -> Option<String> {
        let root = parse(text.trim().trim_start_matches('\u{feff}'))?;
        Some(root.name().to_owned()).filter(|name| !name.is_empty())
    }

    fn plain(name: &str) -> String {
        name.chars()
            .filter(char::is_ascii_alphanumeric)
            .collect::<String>()
            .to_ascii_lowercase()
    }

    /// Datums taken as equal to CGCS2000 (within about two metres), by parts of their names
    /// without punctuation.
    const EQUAL_DATUMS: &[&str] = &[
        "china2000",
        "cgcs2000",
        "chinageodeticcoordinatesystem2000",
        "wgs1984",
        "wgs84",
        "worldgeodeticsystem1984",
        "etrs1989",
        "etrs89",
        "europeanterrestrialreferencesystem1989",
        "rgf1993",
        "rgf93",
        "reseaugeodesiquefrancais1993",
        "northamerican1983",
        "northamericandatum1983",
        "nad83",
        "gda1994",
        "geocentricdatumofaustralia1994",
        "nzgd2000",
        "newzealandgeodeticdatum2000",
        "jgd2000",
        "japanesegeodeticdatum2000",
        "jgd2011",
        "japanesegeodeticdatum2011",
        "sirgas2000",
        "sweref99",
    ];

    pub fn crs(text: &str) -> Result<Crs, CrsRefused> {
        let unknown = || CrsRefused::Unknown { text: shorten(text) };
        let mut root = parse(text).ok_or_else(unknown)?;
        if matches!(root.keyword.as_str(), "COMPD_CS" | "COMPOUNDCRS" | "BOUNDCRS") {
            let index = root
                .children
                .iter()
                .position(|child| {
                    matches!(
                        child.keyword.as_str(),
                        "PROJCS" | "GEOGCS" | "PROJCRS" | "GEOGCRS" | "SOURCECRS"
                    )
                })
                .ok_or_else(unknown)?;
            root = root.children.swap_remove(index);
        }
        let name = root.name().to_owned();
        if super::offset_name(&name).is_some() {
            return Err(CrsRefused::Offset { name });
        }
        if let Some(code) = root.epsg() {
            return Crs::from_epsg(code);
        }
        let geographic = match root.keyword.as_str() {
            "GEOGCS" => &root,
            "PROJCS" => root.child(&["GEOGCS"]).ok_or_else(unknown)?,
            _ => return Err(unknown()),
        };
        let datum = geographic.child(&["DATUM"]).ok_or_else(unknown)?;
        let datum_name = plain(datum.name());
        if datum_name.contains("xian1980") || datum_name.contains("xian80") || datum_name.contains("beijing") {
            return Err(CrsRefused::OldChineseDatum { name });
        }
        let spheroid = datum.child(&["SPHEROID", "ELLIPSOID"]).ok_or_else(unknown)?;
        let (axis, flattening) = match spheroid.numbers.as_slice() {
            [axis, flattening, ..] => (*axis, *flattening),
            _ => return Err(unknown()),
        };
        let is_equal = EQUAL_DATUMS.iter().any(|known| datum_name.contains(known)) && is_modern(axis, flattening);
        let shift = datum
            .child(&["TOWGS84"])
            .map(|node| node.numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(","));
        let mut definition = if is_equal {
            format!(" +a={axis} +rf={flattening}")
        } else if let Some(shift) = shift {
            format!(" +a={axis} +rf={flattening} +towgs84={shift}")
        } else {
            return Err(CrsRefused::NoDatumPath { name });
        };
        let degree = geographic
            .child(&["UNIT", "ANGLEUNIT"])
            .and_then(|unit| unit.numbers.first().copied())
            .unwrap_or(0.017_453_292_519_943_295);
        if (degree - 0.017_453_292_519_943_295).abs() > 1e-9 {
            return Err(CrsRefused::UnsupportedProjection {
                name,
                projection: "angles not in degrees".to_owned(),
            });
        }
        if let Some(meridian) = geographic
            .child(&["PRIMEM"])
            .and_then(|node| node.numbers.first().copied())
            .filter(|meridian| *meridian != 0.0)
        {
            definition.push_str(&format!(" +pm={meridian}"));
        }
        let is_projected = root.keyword == "PROJCS";
        let projection = if is_projected {
            projection(&root, &name)?
        } else {
            "+proj=longlat".to_owned()
        };
        let unit = root
            .child(&["UNIT", "LENGTHUNIT"])
            .and_then(|unit| unit.numbers.first().copied())
            .filter(|_| is_projected)
            .unwrap_or(1.0);
        if unit != 1.0 {
            definition.push_str(&format!(" +to_meter={unit}"));
        }
        let crs = Crs::from_definition(None, name, &format!("{projection}{definition}"), is_equal)?;
        Ok(with_code(crs, &datum_name, is_projected))
    }

    /// Adds the EPSG code of the common systems whose `.prj` (in Esri's dialect) has none.
    fn with_code(mut crs: Crs, datum: &str, is_projected: bool) -> Crs {
        let is_chinese = datum.contains("china2000") || datum.contains("cgcs2000");
        let is_wgs84 = datum.contains("wgs1984") || datum.contains("wgs84");
        let code = if !is_projected {
            match () {
                () if is_chinese => Some(4490),
                () if is_wgs84 => Some(4326),
                () if datum.contains("northamerican") => Some(4269),
                () => None,
            }
        } else if is_chinese && let Some((meridian, false_easting)) = crs.gauss_kruger_zone() {
            let zone = (meridian / 3.0).round();
            let is_three_degree = (zone * 3.0 - meridian).abs() < 1e-9 && (25.0..=45.0).contains(&zone);
            match is_three_degree {
                true if false_easting == 500_000.0 => Some(4509 + zone as u32),
                true if false_easting == zone * 1_000_000.0 + 500_000.0 => Some(4488 + zone as u32),
                _ => None,
            }
        } else if crs.projection() == "webmerc" {
            Some(3857)
        } else {
            None
        };
        if let Some(code) = code {
            crs.epsg = Some(code);
            crs.name = format!("EPSG:{code}");
        }
        crs
    }

    fn projection(root: &Node, name: &str) -> Result<String, CrsRefused> {
        let method = root.child(&["PROJECTION"]).map(Node::name).unwrap_or_default();
        let unsupported = || CrsRefused::UnsupportedProjection {
            name: name.to_owned(),
            projection: method.to_owned(),
        };
        // False easting and northing are in the system's own unit; the projection wants metres.
        let unit = root
            .child(&["UNIT", "LENGTHUNIT"])
            .and_then(|unit| unit.numbers.first().copied())
            .unwrap_or(1.0);
        let lon_0 = root
            .parameter(&["central_meridian", "longitude_of_center", "longitude_of_origin"])
            .unwrap_or(0.0);
        let lat_0 = root
            .parameter(&["latitude_of_origin", "latitude_of_center"])
            .unwrap_or(0.0);
        let x_0 = root.parameter(&["false_easting"]).unwrap_or(0.0) * unit;
        let y_0 = root.parameter(&["false_northing"]).unwrap_or(0.0) * unit;
        let k = root.parameter(&["scale_factor"]).unwrap_or(1.0);
        let lat_1 = root.parameter(&["standard_parallel_1"]);
        let lat_2 = root.parameter(&["standard_parallel_2"]);
        let origin = format!("+lat_0={lat_0} +lon_0={lon_0} +x_0={x_0} +y_0={y_0}");
        let text = match plain(method).as_str() {
            "transversemercator" | "gausskruger" => format!("+proj=tmerc {origin} +k={k}"),
            "lambertconformalconic" | "lambertconformalconic1sp" | "lambertconformalconic2sp" => {
                let lat_1 = lat_1.unwrap_or(lat_0);
                let lat_2 = lat_2.unwrap_or(lat_1);
                format!("+proj=lcc {origin} +lat_1={lat_1} +lat_2={lat_2} +k_0={k}")
            }
            "mercatorauxiliarysphere" | "popularvisualisationpseudomercator" => {
                format!("+proj=webmerc +lon_0={lon_0} +x_0={x_0} +y_0={y_0}")
            }
            "albers" | "albersconicequalarea" => {
                let lat_1 = lat_1.ok_or_else(unsupported)?;
                let lat_2 = lat_2.unwrap_or(lat_1);
                format!("+proj=aea {origin} +lat_1={lat_1} +lat_2={lat_2}")
            }
            "lambertazimuthalequalarea" => format!("+proj=laea {origin}"),
            "doublestereographic" | "obliquestereographic" => {
                format!("+proj=sterea {origin} +k={k}")
            }
            "mercator" | "mercator1sp" => {
                format!("+proj=merc +lon_0={lon_0} +x_0={x_0} +y_0={y_0} +k={k}")
            }
            _ => return Err(unsupported()),
        };
        Ok(text)
    }
}
