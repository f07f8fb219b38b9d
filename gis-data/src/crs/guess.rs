//! What coordinates look like.

use geo_types::Coord;

use super::Suggestion;
use crate::report::Words;

pub(super) fn is_on_earth(coord: Coord<f64>) -> bool {
    coord.x.abs() <= 180.0 && coord.y.abs() <= 90.0
}

/// Both values could be longitude and latitude, and hardly metres.
pub(super) fn is_degrees(coord: Coord<f64>) -> bool {
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

pub(super) fn looks_exchanged(coord: Coord<f64>, false_easting: f64) -> bool {
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
