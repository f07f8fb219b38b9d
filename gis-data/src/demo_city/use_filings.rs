//! What units file and publish every year of their offices, but for a few who forgot.

use std::collections::BTreeSet;

use super::faults::Faults;
use super::seats::is_leader;
use super::{DemoOccupant, DemoRoom, DemoUnit};

/// What a unit of the demo city does every year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoUseFiling {
    /// Whose it is: an index into the units.
    pub unit: usize,
    /// `leader_offices` or `internal_publication`.
    pub kind: &'static str,
}

pub(super) fn use_filings(
    units: &[DemoUnit],
    rooms: &[DemoRoom],
    occupants: &[DemoOccupant],
    faults: &mut Faults,
) -> Vec<DemoUseFiling> {
    let is_organ = |unit: &usize| !matches!(units[*unit].kind, "platform_company" | "other");
    let using: BTreeSet<usize> = rooms.iter().filter_map(|room| room.unit).filter(is_organ).collect();
    let used_still: BTreeSet<usize> = rooms
        .iter()
        .filter(|room| room.occupancy == "in_use" && room.room_type == Some("office"))
        .filter_map(|room| room.unit)
        .collect();
    let leaders: BTreeSet<&str> = occupants
        .iter()
        .filter(|occupant| is_leader(occupant.rank) && occupant.left_on.is_none() && occupant.post == "main")
        .map(|occupant| occupant.room.as_str())
        .collect();
    let led: BTreeSet<usize> = rooms
        .iter()
        .filter(|room| leaders.contains(room.key.as_str()))
        .filter_map(|room| room.unit)
        .collect();
    // Nothing bears two faults; and those who forgot are spread over the city.
    let whole: Vec<usize> = using
        .iter()
        .copied()
        .filter(|unit| led.contains(unit) && used_still.contains(unit))
        .filter(|unit| faults.planted.iter().all(|fault| fault.key != units[*unit].code))
        .collect();
    let mut forgot = BTreeSet::new();
    for (rule, kind, place, count, zh, en) in [
        (
            "USE-12",
            "leader_offices",
            3,
            3,
            "领导干部办公用房没有年度备案",
            "leaders' offices were not filed for the year",
        ),
        (
            "USE-13",
            "internal_publication",
            8,
            2,
            "没有年度内部公示",
            "the use of offices was not published for the year",
        ),
    ] {
        for unit in whole.iter().skip(place).step_by(11).take(count) {
            forgot.insert((*unit, kind));
            faults.plant(rule, "units", units[*unit].code.clone(), String::new(), zh, en);
        }
    }
    using
        .into_iter()
        .flat_map(|unit| ["leader_offices", "internal_publication"].map(|kind| (unit, kind)))
        .filter(|filing| !forgot.contains(filing))
        .map(|(unit, kind)| DemoUseFiling { unit, kind })
        .collect()
}
