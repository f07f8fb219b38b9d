//! What coordinates look like, and which systems would fit them.

use geo_types::Coord;

use super::bounds::{Bounds, CHINA};
use super::zones::{Family, Zone};
use super::{Conversion, Crs, Offer};
use crate::report::Words;

pub(super) fn is_on_earth(coord: Coord<f64>) -> bool {
    coord.x.abs() <= 180.0 && coord.y.abs() <= 90.0
}

/// Both values could be longitude and latitude, and hardly metres.
pub(super) fn is_degrees(coord: Coord<f64>) -> bool {
    coord.x.abs() <= 180.0 && coord.y.abs() <= 180.0
}

/// Northings of China are 1.9 to 5.95 million metres (7 digits).
pub(super) fn is_chinese_northing(value: f64) -> bool {
    (1_900_000.0..=5_950_000.0).contains(&value)
}

/// Eastings without zone number have six digits.
pub(super) fn is_plain_easting(value: f64) -> bool {
    (100_000.0..1_000_000.0).contains(&value)
}

/// The zone number in front of an eight-digit easting, 25 to 45.
pub(super) fn zone_prefix(value: f64) -> Option<u32> {
    let zone = (value / 1_000_000.0).floor();
    ((25.0..=45.0).contains(&zone) && is_plain_easting(value - zone * 1_000_000.0)).then_some(zone as u32)
}

/// x is a northing of China and y an easting.
pub(super) fn is_northing_first(coord: Coord<f64>) -> bool {
    is_chinese_northing(coord.x) && (is_plain_easting(coord.y) || zone_prefix(coord.y).is_some())
}

/// x is a latitude and y a longitude: no place on earth as they stand, or one in the Arctic that
/// lies in China the other way round.
pub(super) fn is_latitude_first(coord: Coord<f64>) -> bool {
    if !is_degrees(coord) || coord.x.abs() > 90.0 {
        return false;
    }
    coord.y.abs() > 90.0 || (coord.y > 73.0 && CHINA.contains(swapped(coord)))
}

pub(super) fn swapped(coord: Coord<f64>) -> Coord<f64> {
    Coord { x: coord.y, y: coord.x }
}

/// More offers than this would leave the choice to chance.
const MAX_OFFERS: usize = 4;

/// What a source was read with so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Present<'a> {
    /// The system declared or given.
    pub crs: Option<&'a Crs>,
    /// Whether the axes are exchanged by order.
    pub swap_axes: bool,
    /// Where the objects are expected.
    pub bounds: Option<Bounds>,
}

/// Systems (and exchanged axes) under which the sampled coordinates, as in the source, would make
/// sense, the likeliest first; for the user to confirm.
///
/// Without `bounds` coordinates without a zone number fit any zone, so none is offered.
pub fn offers(sample: &[Coord<f64>], bounds: Option<Bounds>) -> Vec<Offer> {
    offers_beside(
        sample,
        Present {
            bounds,
            ..Present::default()
        },
    )
}

pub(super) fn offers_beside(sample: &[Coord<f64>], present: Present) -> Vec<Offer> {
    if sample.is_empty() {
        return Vec::new();
    }
    let exchanged: Vec<Coord<f64>> = sample.iter().map(|coord| swapped(*coord)).collect();
    let mut offers = Vec::new();
    // The nearest way out first: the same system with its axes the other way round.
    for (is_swapped, coordinates) in [(false, sample), (true, exchanged.as_slice())] {
        if is_swapped == present.swap_axes {
            continue;
        }
        if present.crs.is_some_and(|crs| fits(crs, coordinates, present.bounds)) {
            offers.push(Offer {
                crs: None,
                swap_axes: Some(is_swapped),
                why: axes_words(is_swapped),
            });
        }
    }
    let order = if present.swap_axes {
        [true, false]
    } else {
        [false, true]
    };
    for is_swapped in order {
        let coordinates = if is_swapped { exchanged.as_slice() } else { sample };
        for (crs, why) in systems(coordinates, present) {
            let is_present = present.crs.is_some_and(|present| present.epsg() == crs.epsg());
            if is_present || !fits(&crs, coordinates, present.bounds) {
                continue;
            }
            let turned = (is_swapped != present.swap_axes).then_some(is_swapped);
            let why = match turned {
                None => why,
                Some(turned) => {
                    let axes = axes_words(turned);
                    Words::new(
                        format!("{}，{}", axes.zh, why.zh),
                        format!("{}, and {}", axes.en, why.en),
                    )
                }
            };
            offers.push(Offer {
                crs: crs.epsg().map(|code| format!("EPSG:{code}")),
                swap_axes: turned,
                why,
            });
        }
        // Exchanged axes are thought of only where nothing fits as it stands.
        if !offers.is_empty() {
            break;
        }
    }
    offers.truncate(MAX_OFFERS);
    offers
}

fn axes_words(is_swapped: bool) -> Words {
    if is_swapped {
        Words::new(
            "x 与 y 像是颠倒的（北坐标或纬度在前）",
            "x and y look exchanged (northing or latitude first)",
        )
    } else {
        Words::new("x 与 y 的顺序本来就对", "x and y are in the right order as they stand")
    }
}

/// Whether most coordinates, easting or longitude first, make sense in a system: they can be
/// converted, lie where they are expected, and (in a zone) not beyond the zone's neighbours.
fn fits(crs: &Crs, coordinates: &[Coord<f64>], bounds: Option<Bounds>) -> bool {
    let zone = crs.gauss_kruger_zone();
    let conversion = Conversion::roughly(crs);
    most(coordinates, |coord| {
        if crs.is_geographic() && is_latitude_first(coord) || !crs.is_geographic() && is_degrees(coord) {
            return false;
        }
        if zone.is_some() && is_northing_first(coord) {
            return false;
        }
        let mut place = [coord];
        let Some(conversion) = &conversion else {
            return false;
        };
        if conversion.coordinates(&mut place).is_err() {
            return false;
        }
        let [place] = place;
        let is_near = zone.is_none_or(|(meridian, _)| (place.x - meridian).abs() < 6.0);
        is_near && bounds.is_none_or(|bounds| bounds.contains(place))
    })
}

fn most(coordinates: &[Coord<f64>], test: impl Fn(Coord<f64>) -> bool) -> bool {
    coordinates.iter().filter(|coord| test(**coord)).count() * 2 > coordinates.len()
}

/// Systems worth trying for coordinates with the easting or longitude first.
fn systems(coordinates: &[Coord<f64>], present: Present) -> Vec<(Crs, Words)> {
    if most(coordinates, is_degrees) {
        let is_chinese = most(coordinates, |coord| CHINA.contains(coord));
        return of_code(if is_chinese { 4490 } else { 4326 })
            .map(|crs| {
                let why = Words::new("坐标像是经纬度", "the coordinates look like longitude and latitude");
                (crs, why)
            })
            .into_iter()
            .collect();
    }
    let family = present.crs.and_then(Family::of).unwrap_or(Family::Cgcs2000);
    let (zh, en) = family.names();
    let in_zone = |zone: Zone, why: Words| Some((of_code(zone.code_in(family)?)?, why));
    let number = coordinates
        .iter()
        .find_map(|coord| is_chinese_northing(coord.y).then(|| zone_prefix(coord.x))?);
    if let Some(number) = number
        && most(coordinates, |coord| {
            zone_prefix(coord.x) == Some(number) && is_chinese_northing(coord.y)
        })
    {
        let mut why = Words::new(
            format!("东坐标带有带号 {number}，像是 {zh} 三度带第 {number} 带"),
            format!("the eastings carry the zone number {number}, which looks like {en} 3° zone {number}"),
        );
        if family == Family::Cgcs2000 {
            why.zh.push_str("（也可能是同一带的西安 80 或北京 54，请核实）");
            why.en
                .push_str(" (or Xi'an 80 or Beijing 54 of the same zone: make sure)");
        }
        return Zone::narrow(number, true)
            .and_then(|zone| in_zone(zone, why))
            .into_iter()
            .collect();
    }
    if most(coordinates, |coord| {
        is_plain_easting(coord.x) && is_chinese_northing(coord.y)
    }) {
        let declared = present.crs.and_then(Zone::of).map(|zone| zone.numbered(false));
        let expected = present.bounds.map(|bounds| {
            let first = ((bounds.west - 1.5) / 3.0).ceil().max(25.0) as u32;
            let last = ((bounds.east + 1.5) / 3.0).floor().min(45.0) as u32;
            (first..=last).filter_map(|number| Zone::narrow(number, false))
        });
        let mut zones: Vec<Zone> = declared.into_iter().collect();
        for zone in expected.into_iter().flatten() {
            if !zones.contains(&zone) {
                zones.push(zone);
            }
        }
        return zones
            .into_iter()
            .filter_map(|zone| {
                let meridian = zone.meridian();
                let why = Words::new(
                    format!("东坐标没有带号，像是 {zh} 中央经线 {meridian}° 的分带"),
                    format!(
                        "the eastings carry no zone number, which looks like {en} with central meridian {meridian}°"
                    ),
                );
                in_zone(zone, why)
            })
            .collect();
    }
    let is_web_mercator = most(coordinates, |coord| {
        (8_100_000.0..15_100_000.0).contains(&coord.x) && (1_900_000.0..7_100_000.0).contains(&coord.y)
    });
    of_code(3857)
        .filter(|_| is_web_mercator)
        .map(|crs| {
            let why = Words::new("坐标像是 Web 墨卡托", "the coordinates look like Web Mercator");
            (crs, why)
        })
        .into_iter()
        .collect()
}

fn of_code(code: u32) -> Option<Crs> {
    Crs::of_code(code).ok()
}
