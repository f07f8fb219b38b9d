//! Well-known text of coordinate systems, version 1 as in `.prj` files (and the code in version 2).

use super::system::{Datum, OldDatum, is_modern, shorten};
use super::zones::{Family, Zone};
use super::{Crs, CrsRefused, Offset};

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
    let unknown = || CrsRefused::Unknown {
        text: shorten(text),
        offers: Vec::new(),
    };
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
    if let Some(offset) = Offset::of_name(&name) {
        return Ok(Crs::shifted(offset));
    }
    if let Some(code) = root.epsg() {
        return Crs::of_code(code);
    }
    let geographic = match root.keyword.as_str() {
        "GEOGCS" => &root,
        "PROJCS" => root.child(&["GEOGCS"]).ok_or_else(unknown)?,
        _ => return Err(unknown()),
    };
    let datum = geographic.child(&["DATUM"]).ok_or_else(unknown)?;
    let datum_name = plain(datum.name());
    let old = OldDatum::of_name(&datum_name);
    let spheroid = datum.child(&["SPHEROID", "ELLIPSOID"]).ok_or_else(unknown)?;
    let (axis, flattening) = match spheroid.numbers.as_slice() {
        [axis, flattening, ..] => (*axis, *flattening),
        _ => return Err(unknown()),
    };
    let is_equal = EQUAL_DATUMS.iter().any(|known| datum_name.contains(known)) && is_modern(axis, flattening);
    let shift = datum
        .child(&["TOWGS84"])
        .map(|node| node.numbers.iter().map(f64::to_string).collect::<Vec<_>>().join(","));
    let mut definition = if is_equal || old.is_some() {
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
    let datum_kind = match (old, is_equal) {
        (Some(old), _) => Datum::Old(old),
        (None, true) => Datum::AsDefined,
        (None, false) => Datum::Unnamed,
    };
    let crs = Crs::from_definition(None, name, &format!("{projection}{definition}"), datum_kind)?;
    Ok(with_code(crs, &datum_name, old, is_projected))
}

/// Adds the EPSG code of the common systems whose `.prj` (in Esri's dialect) has none.
fn with_code(mut crs: Crs, datum: &str, old: Option<OldDatum>, is_projected: bool) -> Crs {
    let is_chinese = datum.contains("china2000") || datum.contains("cgcs2000");
    let is_wgs84 = datum.contains("wgs1984") || datum.contains("wgs84");
    let code = if !is_projected {
        match old {
            Some(OldDatum::Xian1980) => Some(4610),
            Some(OldDatum::Beijing1954) => Some(4214),
            Some(_) => None,
            None if is_chinese => Some(4490),
            None if is_wgs84 => Some(4326),
            None if datum.contains("northamerican") => Some(4269),
            None => None,
        }
    } else if crs.projection() == "webmerc" {
        Some(3857)
    } else if is_chinese || old.is_some() {
        Family::of(&crs).and_then(|family| Zone::of(&crs)?.code_in(family))
    } else {
        None
    };
    if let Some(code) = code {
        crs.epsg = Some(code);
        crs.name = Crs::name_of(code, old);
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
