//! Use agreements and certificates: what a unit uses of the offices, in one agreement for each unit, but where a fault asks
//! for one of its own.

use std::collections::BTreeMap;

use super::faults::{Faults, building_key};
use super::{DemoAsset, DemoRoom, DemoUnit};

/// A use agreement of the demo city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoAgreement {
    /// Who uses the rooms: an index into the units.
    pub unit: usize,
    /// The rooms, by their keys.
    pub rooms: Vec<String>,
    /// The first day of use, ISO.
    pub starts_on: &'static str,
    /// The first day on which it is over, ISO.
    pub ends_on: Option<&'static str>,
    /// The number of the agreement.
    pub agreement_no: String,
    /// The number of the certificate; none where none was issued.
    pub certificate_no: Option<String>,
}

/// A building that one unit alone uses, with rooms enough to be worth a fault.
const WORTH: std::ops::RangeInclusive<usize> = 20..=120;

pub(super) fn agreements(
    units: &[DemoUnit],
    buildings: &[DemoAsset],
    rooms: &[DemoRoom],
    faults: &mut Faults,
) -> Vec<DemoAgreement> {
    let mut used: BTreeMap<usize, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
    for (index, room) in rooms.iter().enumerate() {
        let Some(unit) = room.unit.filter(|_| room.occupancy == "in_use") else {
            continue;
        };
        let is_organ = !matches!(units[unit].kind, "platform_company" | "other");
        if is_organ && buildings[room.building].usage == "administrative_office" {
            used.entry(room.building)
                .or_default()
                .entry(unit)
                .or_default()
                .push(index);
        }
    }
    // Spread over the city: every thirteenth of those that one unit uses.
    let mut alone = used
        .iter()
        .filter_map(|(building, by_unit)| match by_unit.iter().next() {
            Some((unit, held)) if by_unit.len() == 1 && WORTH.contains(&held.len()) => Some((*building, *unit)),
            _ => None,
        })
        .collect::<Vec<_>>()
        .into_iter()
        .step_by(13);
    let keys = |held: Vec<usize>| held.into_iter().map(|room| rooms[room].key.clone()).collect();
    let (mut agreements, mut of_unit): (Vec<DemoAgreement>, BTreeMap<usize, Vec<usize>>) =
        (Vec::new(), BTreeMap::new());
    for (building, unit) in alone.by_ref().take(2) {
        used.remove(&building);
        faults.plant(
            "USE-01",
            "buildings",
            building_key(building),
            String::new(),
            format!("{}没有签订使用协议", units[unit].name),
            "no use agreement was signed",
        );
    }
    for (number, (building, unit)) in alone.take(2).enumerate() {
        let Some(held) = used.remove(&building).and_then(|mut by_unit| by_unit.remove(&unit)) else {
            continue;
        };
        let has_ended = number == 1;
        agreements.push(DemoAgreement {
            unit,
            rooms: keys(held),
            starts_on: "2021-01-01",
            ends_on: has_ended.then_some("2026-01-01"),
            agreement_no: String::new(),
            certificate_no: has_ended.then(String::new),
        });
        let (zh, en) = if has_ended {
            ("使用权证已过期", "the use certificate has ended")
        } else {
            ("已签协议而没有发证", "signed, but no certificate was issued")
        };
        faults.plant("USE-02", "buildings", building_key(building), String::new(), zh, en);
    }
    for (unit, held) in used.into_values().flatten() {
        of_unit.entry(unit).or_default().extend(held);
    }
    lend(rooms, &mut of_unit, faults);
    agreements.extend(of_unit.into_iter().map(|(unit, held)| DemoAgreement {
        unit,
        rooms: keys(held),
        starts_on: "2021-01-01",
        ends_on: None,
        agreement_no: String::new(),
        certificate_no: Some(String::new()),
    }));
    for (index, agreement) in agreements.iter_mut().enumerate() {
        agreement.agreement_no = format!("使协〔2021〕{:03}号", index + 1);
        if let Some(number) = &mut agreement.certificate_no {
            *number = format!("用证第{:04}号", index + 1);
        }
    }
    agreements
}

/// Rooms that are certified to another unit than uses them, and rooms that two agreements name.
fn lend(rooms: &[DemoRoom], of_unit: &mut BTreeMap<usize, Vec<usize>>, faults: &mut Faults) {
    let large: Vec<usize> = of_unit
        .iter()
        .filter(|(_, held)| held.len() > 100)
        .map(|(unit, _)| *unit)
        .collect();
    for (number, pair) in large.chunks_exact(2).take(4).enumerate() {
        let [from, to] = [pair[0], pair[1]];
        let is_moved = number < 2;
        let Some(held) = of_unit.get_mut(&from) else { continue };
        let room = if is_moved { held.remove(41) } else { held[41] };
        if let Some(other) = of_unit.get_mut(&to) {
            other.push(room);
        }
        let (rule, zh, en) = if is_moved {
            ("USE-04", "核发给另一单位", "certified to another unit")
        } else {
            ("USE-14", "在两份使用协议内", "stands in two use agreements")
        };
        faults.plant(rule, "rooms", rooms[room].key.clone(), String::new(), zh, en);
    }
}
