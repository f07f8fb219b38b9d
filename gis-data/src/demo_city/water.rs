//! The canal, the rivers, the lakes, and the streets along and over them.

use std::f64::consts::TAU;

use geo_types::{Coord, LineString, Polygon, coord};

use super::plan::{Quarter, Street};
use super::sequence::Sequence;

/// Half the width of the canal with its banks, and of the rivers, metres.
pub(super) const CANAL: (f64, f64) = (21.0, 36.0);
pub(super) const RIVER: (f64, f64) = (12.0, 24.0);
/// Where the rivers meet the canal, along the old quarter's axis.
pub(super) const NORTH_RIVER: f64 = 380.0;
pub(super) const SOUTH_RIVER: f64 = -900.0;

/// Where bridges lead over the canal, along the old quarter's axis.
const BRIDGES: [f64; 7] = [-2350.0, -1650.0, -1050.0, -350.0, 620.0, 1400.0, 2150.0];

/// Streets along the water, and over it.
pub(super) fn quays_and_bridges(quarter: &Quarter, streets: &mut Vec<Street>) {
    let mut add = |name: &str, class: u8, width_m: f64, points: &mut dyn Iterator<Item = (f64, f64)>| {
        streets.push(Street {
            name: name.to_owned(),
            line: points.map(|(u, v)| quarter.at(u, v)).collect(),
            class,
            width_m,
        });
    };
    let length = quarter.half_length;
    let steps = |from: f64, to: f64| (0..=80).map(move |step| from + (to - from) * f64::from(step) / 80.0);
    let quay = (CANAL.0 + CANAL.1) / 2.0;
    add("运河北路", 3, 12.0, &mut steps(-length, length).map(|u| (u, quay)));
    add("运河南路", 3, 12.0, &mut steps(-length, length).map(|u| (u, -quay)));
    let beside = (RIVER.0 + RIVER.1) / 2.0;
    for (river, name, to) in [
        (NORTH_RIVER, "关山河", quarter.half_depth),
        (SOUTH_RIVER, "白荡河", -quarter.half_depth),
    ] {
        let from = quay.copysign(to);
        add(
            &format!("{name}西路"),
            3,
            8.0,
            &mut steps(from, to).map(|v| (river - beside, v)),
        );
        add(
            &format!("{name}东路"),
            3,
            8.0,
            &mut steps(from, to).map(|v| (river + beside, v)),
        );
    }
    for bridge in BRIDGES {
        add("", 2, 18.0, &mut [(bridge, -quay), (bridge, quay)].into_iter());
    }
}

/// The canal through the middle, a river from the north and one to the south, and two lakes.
pub(super) fn waters(old: &Quarter, sequence: &mut Sequence) -> Vec<(String, String, Polygon<f64>)> {
    let mut along = |half: f64, from: f64, to: f64, at: &dyn Fn(f64, f64) -> Coord<f64>| {
        let steps = ((to - from).abs() / 50.0).ceil() as usize;
        let points: Vec<(f64, f64)> = (0..=steps)
            .map(|step| {
                (
                    from + (to - from) * step as f64 / steps as f64,
                    half + sequence.between(-1.0, 1.0),
                )
            })
            .collect();
        let mut ring: Vec<_> = points.iter().map(|(along, half)| at(*along, *half)).collect();
        ring.extend(points.iter().rev().map(|(along, half)| at(*along, -half)));
        ring.extend(ring.first().copied());
        Polygon::new(LineString(ring), Vec::new())
    };
    let canal = along(CANAL.0, -6600.0, 6600.0, &|u, off| old.at(u, off));
    let north = along(RIVER.0, 0.0, 5200.0, &|v, off| {
        old.at(NORTH_RIVER + off + 60.0 * (((v - 1400.0).max(0.0)) / 700.0).sin(), v)
    });
    let south = along(RIVER.0, 0.0, -5200.0, &|v, off| {
        old.at(SOUTH_RIVER + off + 80.0 * (((-v - 1400.0).max(0.0)) / 800.0).sin(), v)
    });
    let named = |zh: &str, en: &str, polygon| (zh.to_owned(), en.to_owned(), polygon);
    vec![
        named("运河", "Canal", canal),
        named("关山河", "Guanshan River", north),
        named("白荡河", "Baidang River", south),
        named(
            "月湖",
            "Moon Lake",
            blob(coord! { x: -2780.0, y: -2380.0 }, 640.0, 430.0, 0.7),
        ),
        named(
            "北塘",
            "Beitang",
            blob(coord! { x: 2920.0, y: 2560.0 }, 480.0, 610.0, 2.1),
        ),
    ]
}

/// A rounded shape.
pub(super) fn blob(centre: Coord<f64>, half_width: f64, half_height: f64, turn: f64) -> Polygon<f64> {
    let ring = (0..=72)
        .map(|step| {
            let angle = TAU * f64::from(step % 72) / 72.0;
            let wave = 1.0 + 0.09 * (3.0 * angle + turn).sin() + 0.05 * (7.0 * angle + 2.0 * turn).sin();
            coord! { x: centre.x + half_width * wave * angle.cos(), y: centre.y + half_height * wave * angle.sin() }
        })
        .collect();
    Polygon::new(LineString(ring), Vec::new())
}
