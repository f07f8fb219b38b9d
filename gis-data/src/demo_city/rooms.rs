//! Rooms: on every floor of every building, 160 000 together.

use super::estate::Estate;
use super::faults::{Faults, building_key};
use super::sequence::Sequence;
use super::units::DemoUnit;
use super::{DemoAsset, Hundredths};

/// How many there are.
pub(super) const ROOMS: usize = 160_000;

/// A room of the demo city.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoRoom {
    /// The building: an index into the buildings.
    pub building: usize,
    /// Its key in the data set.
    pub key: String,
    /// The floor; below ground negative.
    pub floor: i16,
    /// Its number.
    pub number: String,
    /// What it is for, where it is no plain room.
    pub name: Option<&'static str>,
    /// 使用面积
    pub use_area: Hundredths,
    /// 建筑面积, with its share of stairs and corridors.
    pub building_area: Hundredths,
    /// Who uses it: an index into the units.
    pub unit: Option<usize>,
    /// 使用状态
    pub occupancy: &'static str,
    /// Since this day (ISO); before, it was in use.
    pub idle_since: Option<String>,
    /// 房间类型, where it is known.
    pub room_type: Option<&'static str>,
    /// What it serves for within its type.
    pub purpose: Option<&'static str>,
    /// What makes a technical room one.
    pub type_basis: Option<&'static str>,
}

/// Square metres of a floor that go to one room, by usage.
fn room_m2(usage: &str) -> f64 {
    match usage {
        "administrative_office" => 25.0,
        "technical" => 32.0,
        "public_service" => 34.0,
        "housing_security" => 36.0,
        "commercial" => 42.0,
        _ => 90.0,
    }
}

/// Divides every floor into rooms.
pub(super) fn rooms(
    estate: &Estate,
    buildings: &[DemoAsset],
    units: &[DemoUnit],
    sequence: &mut Sequence,
) -> Vec<DemoRoom> {
    let floors_of = |index: usize| {
        let building = &buildings[index];
        (building.storeys_above.unwrap_or(1), building.storeys_below.unwrap_or(0))
    };
    let wish = |index: usize| {
        let (above, below) = floors_of(index);
        let area = buildings[index].registered_area.unwrap_or_default().square_metres();
        // Below ground lie garages and plant: few rooms.
        let usage = if estate.buildings[index].is_gatehouse {
            "technical"
        } else {
            buildings[index].usage
        };
        area / f64::from(above + below) / room_m2(usage)
    };
    let wished: f64 = (0..buildings.len())
        .map(|index| {
            let (above, below) = floors_of(index);
            wish(index) * (f64::from(above) + f64::from(below) * 0.15)
        })
        .sum();
    let scale = ROOMS as f64 / wished;
    let mut rooms = Vec::with_capacity(ROOMS);
    let mut owed = 0.0;
    for (index, building) in buildings.iter().enumerate() {
        let (above, below) = floors_of(index);
        let area = building.registered_area.unwrap_or_default();
        let per_floor = Hundredths(area.0 / i64::from(above + below));
        let tenants = tenants(estate, index, units, sequence);
        for floor in (-below..=above).filter(|floor| *floor != 0) {
            owed += wish(index) * scale * if floor < 0 { 0.15 } else { 1.0 };
            let count = owed.round().max(0.0);
            owed -= count;
            let tenant =
                tenants[usize::try_from(floor).unwrap_or(0) * tenants.len() / (usize::from(above.unsigned_abs()) + 1)];
            floor_of_rooms(
                index,
                building,
                floor,
                count as usize,
                per_floor,
                tenant,
                sequence,
                &mut rooms,
            );
        }
    }
    // What rounding left over: the last floors were small.
    while rooms.len() > ROOMS {
        rooms.pop();
    }
    rooms
}

/// Who sits in a building: one unit, or several on floors of their own.
fn tenants(estate: &Estate, index: usize, units: &[DemoUnit], sequence: &mut Sequence) -> Vec<usize> {
    let site = &estate.sites[estate.buildings[index].site];
    let mut tenants = vec![site.unit];
    if site.usage == "administrative_office" && !estate.buildings[index].is_gatehouse && sequence.chance(0.3) {
        let own = &units[site.unit];
        let others: Vec<usize> = (0..units.len())
            .filter(|unit| {
                units[*unit].region == own.region && units[*unit].kind != "platform_company" && *unit != site.unit
            })
            .collect();
        for _ in 0..1 + sequence.below(2) {
            if !others.is_empty() {
                tenants.push(*sequence.pick(&others));
            }
        }
    }
    tenants
}

#[expect(clippy::too_many_arguments, reason = "what a floor is, each said once")]
fn floor_of_rooms(
    index: usize,
    building: &DemoAsset,
    floor: i16,
    count: usize,
    floor_area: Hundredths,
    unit: usize,
    sequence: &mut Sequence,
    rooms: &mut Vec<DemoRoom>,
) {
    if count == 0 {
        return;
    }
    let weights: Vec<f64> = (0..count)
        .map(|room| {
            // One in fourteen is a meeting room or the like, two to three times as large.
            if room % 14 == 7 {
                sequence.between(1.8, 3.0)
            } else {
                sequence.between(0.75, 1.25)
            }
        })
        .collect();
    let sum: f64 = weights.iter().sum();
    let use_share = sequence.between(0.685, 0.735);
    let wide = count > 99;
    for (place, weight) in weights.iter().enumerate() {
        let building_area = Hundredths((floor_area.0 as f64 * 0.985 * weight / sum).floor() as i64);
        let use_area = Hundredths((building_area.0 as f64 * use_share).floor() as i64);
        let order = place + 1;
        let number = match (floor < 0, wide) {
            (true, false) => format!("B{}{order:02}", -floor),
            (true, true) => format!("B{}{order:03}", -floor),
            (false, false) => format!("{floor}{order:02}"),
            (false, true) => format!("{floor}{order:03}"),
        };
        let is_idle_alone =
            building.occupancy == "in_use" && building.usage == "administrative_office" && sequence.chance(0.018);
        let name = name(building.usage, floor, (place, count), sequence);
        let (room_type, purpose) = use_of(building.usage, floor, place, name);
        rooms.push(DemoRoom {
            building: index,
            key: format!("{}/{number}", building_key(index)),
            floor,
            number,
            name,
            room_type,
            purpose,
            type_basis: (room_type == Some("technical")).then_some(TECHNICAL_BASIS),
            use_area,
            building_area,
            unit: (!matches!(building.occupancy, "idle" | "dangerous") && !is_idle_alone).then_some(unit),
            occupancy: if is_idle_alone { "idle" } else { building.occupancy },
            idle_since: building.idle_since.clone(),
        });
    }
}

fn name(usage: &str, floor: i16, (place, count): (usize, usize), sequence: &mut Sequence) -> Option<&'static str> {
    let names: &[&'static str] = match usage {
        // One room of plant where there are several: below ground they are large.
        _ if floor < 0 && place == 0 && count > 3 => &["变配电室", "水泵房"],
        _ if floor < 0 => &["停车库", "停车库", "停车库", "人防设施", "储藏室"],
        _ if place % 14 != 7 => return None,
        "administrative_office" => &["会议室", "档案室", "接待室", "机关信息网络用房"],
        "public_service" => &["会议室", "活动室", "阅览室"],
        "technical" => &["实验室", "样品室", "机房"],
        _ => &["储藏室"],
    };
    Some(*sequence.pick(names))
}

/// What makes the city's technical rooms such.
const TECHNICAL_BASIS: &str = "常发改投资〔2011〕86号批复（虚构）";

/// Type and purpose by the room's place in a building: what the standard speaks of is known of offices, laboratories and
/// shops, nothing of schools, hospitals and flats.
fn use_of(
    usage: &str,
    floor: i16,
    place: usize,
    name: Option<&'static str>,
) -> (Option<&'static str>, Option<&'static str>) {
    let (room_type, purpose) = match (usage, name) {
        ("commercial", _) => ("shop", None),
        ("technical", None | Some("实验室" | "样品室" | "机房")) => ("technical", None),
        ("administrative_office" | "technical", Some(name)) => match name {
            "停车库" => ("ancillary", Some("car_garage")),
            "人防设施" => ("ancillary", Some("civil_defence")),
            "变配电室" => ("equipment", Some("power")),
            "水泵房" => ("equipment", Some("pump")),
            "储藏室" => ("service", Some("storage")),
            "档案室" => ("service", Some("archive")),
            "接待室" => ("service", Some("reception")),
            "机关信息网络用房" => ("service", Some("network")),
            _ => ("service", Some("meeting")),
        },
        ("administrative_office", None) if floor > 0 => match place % 14 {
            0 => ("service", Some("toilet")),
            3 => ("service", Some("water")),
            10 => ("service", Some("printing")),
            12 => ("service", Some("duty")),
            _ => ("office", Some("staff_office")),
        },
        _ => return (None, None),
    };
    (Some(room_type), purpose)
}

/// SPC-11 and SPC-12: areas that can't be.
pub(super) fn spoil(rooms: &mut [DemoRoom], estate: &Estate, faults: &mut Faults) {
    for _ in 0..4 {
        let Some(site) = faults.next_site(estate, |site| site.buildings.len() < 4) else {
            return;
        };
        let building = estate.sites[site].buildings[0];
        for room in rooms.iter_mut().filter(|room| room.building == building) {
            room.building_area = room.building_area.times(1.04);
        }
        faults.plant(
            "SPC-11",
            "buildings",
            building_key(building),
            String::new(),
            "房间建筑面积之和超过楼栋建筑面积",
            "the rooms' building areas add up to more than the building's",
        );
    }
    for _ in 0..4 {
        let Some(site) = faults.next_site(estate, |_| true) else {
            return;
        };
        let building = estate.sites[site].buildings[0];
        let Some(room) = rooms.iter_mut().find(|room| room.building == building) else {
            continue;
        };
        room.use_area = room.building_area.times(1.1);
        faults.plant(
            "SPC-12",
            "rooms",
            room.key.clone(),
            String::new(),
            "使用面积大于建筑面积",
            "the use area is larger than the building area",
        );
    }
}
