//! The cases that are open about the city's assets: what becomes of what is idle, repairs under way, what is rented in; and
//! the assets that somebody forgot to open one for.

use std::collections::BTreeMap;

use super::estate::Estate;
use super::faults::{Faults, building_key, parcel_key};
use super::leases::DemoLease;
use super::rooms::DemoRoom;
use super::titles::DemoTitle;
use super::{DemoAsset, Layer};

/// A case (案件) of the demo city.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoCase {
    /// The parcel or building.
    pub asset: (Layer, usize),
    /// `idle_disposal`, `repair` or `rent_in`.
    pub procedure: &'static str,
    /// A state of it.
    pub state: &'static str,
    /// The unit that asks: an index into the units.
    pub unit: Option<usize>,
    /// Where it is.
    pub region: &'static str,
    /// So many days ago it came to that state.
    pub days_ago: i64,
    /// What stood idle and was looked at before it came to renting, and would not do: indices into the buildings.
    pub rejected: Vec<usize>,
}

/// Idle since before this day counts as far too long by the end of 2026, and since before the next as too long.
const LONG: &str = "2025-09-01";
/// Idle since after this day and before the next is too long by the end of 2026, and not far too long.
const RECENT: (&str, &str) = ("2026-01-01", "2026-05-01");

/// The cases, and what has none.
pub(super) fn cases(
    estate: &Estate,
    parcels: &[DemoAsset],
    buildings: &[DemoAsset],
    faults: &mut Faults,
) -> Vec<DemoCase> {
    let mut cases = Vec::new();
    let mut forgotten: [usize; 3] = [0; 3];
    let bears_one = |faults: &Faults, key: &str| faults.planted.iter().any(|fault| fault.key == key);
    let houses = buildings
        .iter()
        .enumerate()
        .map(|(index, asset)| (Layer::Buildings, index, asset));
    let land = parcels
        .iter()
        .enumerate()
        .filter(|(index, _)| estate.parcels[*index].buildings.is_empty())
        .map(|(index, asset)| (Layer::Parcels, index, asset));
    for (layer, index, asset) in houses.chain(land) {
        let since = asset.idle_since.as_deref().unwrap_or_default();
        let (layer_word, key) = match layer {
            Layer::Parcels => ("parcels", parcel_key(index)),
            _ => ("buildings", building_key(index)),
        };
        let is_house = layer == Layer::Buildings;
        let missing = match asset.occupancy {
            "idle" if is_house && since < LONG => Some((
                0,
                3,
                "DSP-01E",
                "闲置一年以上没有案件",
                "idle for more than a year without a case",
            )),
            "idle" if is_house && since > RECENT.0 && since < RECENT.1 => Some((
                1,
                2,
                "DSP-01",
                "闲置半年以上没有案件",
                "idle for more than half a year without a case",
            )),
            "under_repair" if is_house => Some((2, 1, "MNT-03", "没有批准即修缮", "under repair without an approval")),
            _ => None,
        };
        if let Some((at, most, rule, zh, en)) = missing
            && forgotten[at] < most
            && !bears_one(faults, &key)
        {
            forgotten[at] += 1;
            faults.plant(rule, layer_word, key, String::new(), zh, en);
            continue;
        }
        // What is rented without an approval has no case either: its lease bears the fault.
        if faults
            .planted
            .iter()
            .any(|fault| fault.rule == "ALC-02" && fault.other_key == key)
        {
            continue;
        }
        let turn = cases.len();
        let (procedure, state, unit) = match asset.occupancy {
            "idle" if turn % 3 == 0 => ("idle_disposal", "verified", None),
            "idle" => ("idle_disposal", "identified", None),
            "under_repair" => ("repair", "working", None),
            "rented_in" => ("rent_in", "renting", asset.unit),
            _ => continue,
        };
        cases.push(DemoCase {
            asset: (layer, index),
            procedure,
            state,
            unit,
            region: asset.region,
            days_ago: (turn as i64 * 7) % 53,
            rejected: Vec::new(),
        });
    }
    cases
}

/// ALC-04: before anything is rented the stock is searched, with a reason against each idle building that is large enough;
/// but for one.
pub(super) fn search_stock(
    cases: &mut [DemoCase],
    leases: &[DemoLease],
    buildings: &[DemoAsset],
    rooms: &[DemoRoom],
    faults: &mut Faults,
) {
    let mut idle: BTreeMap<usize, i64> = BTreeMap::new();
    for room in rooms.iter().filter(|room| room.occupancy == "idle") {
        let building = &buildings[room.building];
        let is_office = building.usage == "administrative_office" && building.occupancy != "dangerous";
        if is_office && matches!(room.room_type, None | Some("office" | "service")) {
            *idle.entry(room.building).or_default() += room.use_area.0;
        }
    }
    let mut is_planted = false;
    for lease in leases.iter().filter(|lease| lease.is_in) {
        let mut found: Vec<(i64, usize)> = idle
            .iter()
            .filter(|(index, area)| **index != lease.index && **area >= lease.area.0)
            .map(|(index, area)| (*area, *index))
            .collect();
        found.sort_unstable();
        let is_of_lease =
            |case: &&mut DemoCase| case.procedure == "rent_in" && case.asset == (Layer::Buildings, lease.index);
        let case = cases.iter_mut().find(is_of_lease);
        let Some((_, smallest)) = found.first().copied() else {
            continue;
        };
        match case {
            Some(case) if is_planted => case.rejected = found.into_iter().map(|(_, index)| index).collect(),
            _ => {
                is_planted |= case.is_some();
                faults.plant(
                    "ALC-04",
                    "buildings",
                    lease.building.clone(),
                    building_key(smallest),
                    "同城有适合的闲置办公用房仍租用",
                    "it is rented in while suitable space of the city stands idle",
                );
            }
        }
    }
}

/// DSP-02: land that was granted, with nothing built on it more than a year after its term began.
pub(super) fn leave_unbuilt(estate: &Estate, titles: &mut [DemoTitle], faults: &mut Faults) {
    let found = titles.iter_mut().find(|title| {
        let [parcel] = title.parcels[..] else { return false };
        title.buildings.is_empty()
            && title.right_nature == "101"
            && estate.parcels[parcel].buildings.is_empty()
            && !faults.planted.iter().any(|fault| fault.key == parcel_key(parcel))
    });
    if let Some(title) = found {
        title.right_nature = "102";
        title.term = Some(("2024-06-01", "2064-05-31"));
        faults.plant(
            "DSP-02",
            "parcels",
            parcel_key(title.parcels[0]),
            String::new(),
            "出让期限起算已满一年仍未建设",
            "its term began more than a year ago, and nothing is built",
        );
    }
}
