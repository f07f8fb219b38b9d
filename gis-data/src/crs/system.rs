//! One coordinate system: its names and codes, its definition, and its datum's way to CGCS2000.

use std::collections::BTreeMap;

use super::{CrsRefused, Offset, wkt};

/// How coordinates of a datum become CGCS2000.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DatumPath {
    /// Taken as equal.
    Equal,
    /// By the seven (or three) parameters of the definition.
    Published,
    /// Only by parameters that the surveying authority gives out.
    ByParameters(OldDatum),
    /// By taking a shift for public maps back.
    Shifted(Offset),
}

/// A datum whose way to CGCS2000 is not published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OldDatum {
    Xian1980,
    Beijing1954,
    NewBeijing,
    /// A city's own plane system.
    Local,
}

impl OldDatum {
    /// EPSG codes of the old Chinese datums: geographic, 3-D and projected in 3° and 6° zones.
    fn of_code(code: u32) -> Option<OldDatum> {
        match code {
            4610 | 2327..=2390 => Some(OldDatum::Xian1980),
            4214 | 2401..=2442 | 21413..=21423 | 21453..=21463 | 21473..=21483 => Some(OldDatum::Beijing1954),
            4555 | 4568..=4589 | 4652..=4656 | 4766..=4800 | 4812 | 4822 => Some(OldDatum::NewBeijing),
            _ => None,
        }
    }

    /// By a part of the datum's name without punctuation.
    pub(super) fn of_name(plain: &str) -> Option<OldDatum> {
        if plain.contains("xian1980") || plain.contains("xian80") {
            Some(OldDatum::Xian1980)
        } else if plain.contains("newbeijing") {
            Some(OldDatum::NewBeijing)
        } else if plain.contains("beijing") {
            Some(OldDatum::Beijing1954)
        } else {
            None
        }
    }

    fn name(self) -> &'static str {
        match self {
            OldDatum::Xian1980 => "Xian 1980",
            OldDatum::Beijing1954 => "Beijing 1954",
            OldDatum::NewBeijing => "New Beijing",
            OldDatum::Local => "local plane system",
        }
    }
}

/// A coordinate system that can be converted. x is always the easting or longitude.
#[derive(Debug, Clone, PartialEq)]
pub struct Crs {
    pub(super) epsg: Option<u32>,
    pub(super) name: String,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) path: DatumPath,
}

impl Crs {
    /// A coordinate system from `EPSG:4528`, `4528`, an OGC URN or address, `OGC:CRS84`, WKT (as
    /// in a `.prj`) or a PROJ definition (`+proj=…`), whose coordinates can be taken over and
    /// written out as they are.
    ///
    /// # Errors
    /// [`CrsRefused`] where it isn't known or its datum has no known way to CGCS2000.
    pub fn parse(text: &str) -> Result<Crs, CrsRefused> {
        let crs = Crs::of_source(text)?;
        match crs.path {
            DatumPath::Equal | DatumPath::Published => Ok(crs),
            DatumPath::ByParameters(OldDatum::Local) => Err(CrsRefused::LocalSystem),
            DatumPath::ByParameters(_) => Err(CrsRefused::OldChineseDatum { name: crs.name }),
            DatumPath::Shifted(offset) => Err(CrsRefused::Offset {
                name: offset.name().to_owned(),
            }),
        }
    }

    /// What a file may be declared to be in: all that [`Crs::parse`] takes, and systems that are
    /// never stored: the old Chinese datums and `local` (a city's own plane system), which want
    /// parameters, and `gcj02` and `bd09`, whose shift is taken back with an accuracy of metres.
    ///
    /// # Errors
    /// [`CrsRefused`] where it isn't known or nothing could take it to CGCS2000.
    pub fn of_source(text: &str) -> Result<Crs, CrsRefused> {
        let text = text.trim().trim_start_matches('\u{feff}').trim();
        if let Some(offset) = Offset::of_name(text) {
            return Ok(Crs::shifted(offset));
        }
        if matches!(text.to_lowercase().as_str(), "local" | "地方坐标系" | "地方独立坐标系") {
            return Ok(Crs {
                epsg: None,
                name: OldDatum::Local.name().to_owned(),
                parameters: [("proj".to_owned(), "local".to_owned())].into(),
                path: DatumPath::ByParameters(OldDatum::Local),
            });
        }
        if text.starts_with("+proj") || text.starts_with("+init") {
            return Crs::from_definition(None, shorten(text), text, Datum::AsDefined);
        }
        if let Some(code) = epsg_code(text) {
            return Crs::of_code(code);
        }
        if is_crs84(text) {
            return Crs::from_epsg(4326);
        }
        if text.contains('[') {
            return wkt::crs(text);
        }
        Err(CrsRefused::Unknown {
            text: shorten(text),
            offers: Vec::new(),
        })
    }

    /// A coordinate system by its EPSG code.
    ///
    /// # Errors
    /// As [`Crs::parse`].
    pub fn from_epsg(code: u32) -> Result<Crs, CrsRefused> {
        Crs::parse(&code.to_string())
    }

    pub(super) fn shifted(offset: Offset) -> Crs {
        Crs {
            epsg: None,
            name: offset.name().to_owned(),
            parameters: [("proj".to_owned(), "longlat".to_owned())].into(),
            path: DatumPath::Shifted(offset),
        }
    }

    pub(super) fn of_code(code: u32) -> Result<Crs, CrsRefused> {
        // Codes of Web Mercator that never were EPSG's.
        let code = match code {
            900_913 | 3785 | 102_100 | 102_113 => 3857,
            other => other,
        };
        let old = OldDatum::of_code(code);
        let name = Crs::name_of(code, old);
        let definition = u16::try_from(code).ok().and_then(crs_definitions::from_code);
        match (definition, old) {
            (Some(definition), Some(old)) => Crs::from_definition(Some(code), name, definition.proj4, Datum::Old(old)),
            (Some(definition), None) => Crs::from_definition(Some(code), name, definition.proj4, Datum::AsDefined),
            (None, Some(_)) => Err(CrsRefused::OldChineseDatum { name }),
            (None, None) => Err(CrsRefused::Unknown {
                text: name,
                offers: Vec::new(),
            }),
        }
    }

    pub(super) fn name_of(code: u32, old: Option<OldDatum>) -> String {
        match old {
            Some(old) => format!("EPSG:{code} ({})", old.name()),
            None => format!("EPSG:{code}"),
        }
    }

    pub(super) fn from_definition(
        epsg: Option<u32>,
        name: String,
        definition: &str,
        datum: Datum,
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
        // From the semi-minor axis the crate derives a flattening that is off by a three-hundredth of
        // itself, 68 m in the plane; from the inverse flattening it derives the right one.
        let axis = |key: &str| parameters.get(key).and_then(|text| text.parse::<f64>().ok());
        if let (Some(major), Some(minor)) = (axis("a"), axis("b"))
            && major > minor
        {
            parameters.remove("b");
            parameters
                .entry("rf".to_owned())
                .or_insert_with(|| (major / (major - minor)).to_string());
        }
        let projection = parameters.get("proj").cloned().unwrap_or_default();
        if !SUPPORTED_PROJECTIONS.contains(&projection.as_str()) {
            return Err(CrsRefused::UnsupportedProjection { name, projection });
        }
        let path = match datum {
            Datum::Old(old) => DatumPath::ByParameters(old),
            Datum::AsDefined => {
                datum_path(&parameters, true).ok_or_else(|| CrsRefused::NoDatumPath { name: name.clone() })?
            }
            Datum::Unnamed => {
                datum_path(&parameters, false).ok_or_else(|| CrsRefused::NoDatumPath { name: name.clone() })?
            }
        };
        if let Datum::Old(_) = datum {
            // Whatever shift the definition names is one for the whole country, off by metres.
            parameters.remove("towgs84");
            parameters.remove("nadgrids");
        }
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
            (DatumPath::Published | DatumPath::ByParameters(_) | DatumPath::Shifted(_), _) => 10.0,
        }
    }

    pub(super) fn projection(&self) -> &str {
        self.parameters.get("proj").map_or("", String::as_str)
    }

    pub(super) fn number(&self, key: &str) -> Option<f64> {
        self.parameters.get(key)?.parse().ok()
    }

    /// The definition handed to the projection crate.
    pub(super) fn definition(&self) -> String {
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
    pub(super) fn gauss_kruger_zone(&self) -> Option<(f64, f64)> {
        let is_gk = self.projection() == "tmerc"
            && matches!(self.path, DatumPath::Equal | DatumPath::ByParameters(_))
            && self.parameters.get("units").is_none_or(|unit| unit == "m")
            && !self.parameters.contains_key("to_meter")
            && self.number("k").unwrap_or(1.0) == 1.0
            && self.number("lat_0").unwrap_or(0.0) == 0.0;
        is_gk.then_some((self.number("lon_0")?, self.number("x_0")?))
    }
}

/// What a definition says about its datum.
#[derive(Debug, Clone, Copy)]
pub(super) enum Datum {
    /// Its ellipsoid or parameters tell.
    AsDefined,
    /// Nothing: the ellipsoid is that of a datum with an unknown name.
    Unnamed,
    /// It is known to be this one.
    Old(OldDatum),
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
pub(super) fn is_modern(semi_major_m: f64, inverse_flattening: f64) -> bool {
    (semi_major_m - 6_378_137.0).abs() < 1e-3 && (inverse_flattening - 298.257_223).abs() < 1e-4
}

/// A system's name for a sentence in Chinese.
pub(super) fn in_chinese(name: &str) -> String {
    let mut name = name.to_owned();
    for (english, chinese) in [
        ("Xian 1980", "西安 1980"),
        ("New Beijing", "新北京 1954"),
        ("Beijing 1954", "北京 1954"),
        ("local plane system", "地方坐标系"),
        ("GCJ-02", "GCJ-02（火星坐标）"),
        ("BD-09", "BD-09（百度坐标）"),
    ] {
        name = name.replace(english, chinese);
    }
    name
}

pub(super) fn shorten(text: &str) -> String {
    text.chars().take(120).collect()
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
