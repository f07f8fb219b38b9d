//! Who sits in the offices: staffing that goes with the rooms a unit has, occupants of some of them, and what is wrong
//! with a few on purpose.

use std::collections::{BTreeMap, HashSet};

use super::estate::Estate;
use super::faults::{Faults, building_key};
use super::rooms::DemoRoom;
use super::sequence::Sequence;
use super::units::DemoUnit;
use super::{DemoAsset, Hundredths};

/// Somebody who sits in a room of the demo city.
#[derive(Debug, Clone, PartialEq)]
pub struct DemoOccupant {
    /// The room's key.
    pub room: String,
    /// An invented name.
    pub person: String,
    /// 工号, one a person.
    pub staff_number: String,
    /// 职级
    pub rank: &'static str,
    /// `main` or `part_time`.
    pub post: &'static str,
    /// When a part-time post ends, ISO.
    pub post_ends: Option<&'static str>,
    /// Left or retired on this day, ISO.
    pub left_on: Option<&'static str>,
    /// 核定面积
    pub approved_area: Option<Hundredths>,
}

/// Offices of a unit whose occupants are known.
const KNOWN_OFFICES: usize = 5;

const SURNAMES: [&str; 24] = [
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗", "梁", "宋", "郑", "谢",
];
const GIVEN: [&str; 24] = [
    "伟", "芳", "敏", "静", "强", "磊", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "霞", "平", "刚", "桂英",
    "建国", "志远", "文博", "雨桐", "思源", "晓东",
];

/// The ranks of a level in the demo city and their limits, m²: chief, deputy, the rest.
fn ranks(level: &str) -> [(&'static str, f64); 3] {
    if level == "city" {
        [("正局(处)级", 24.0), ("副局(处)级", 18.0), ("局(处)级以下", 9.0)]
    } else {
        [("正科级", 18.0), ("副科级", 12.0), ("科级以下", 9.0)]
    }
}

/// Has this rank an office above the staff's?
pub(super) fn is_leader(rank: &str) -> bool {
    ["city", "county"]
        .into_iter()
        .flat_map(|level| ranks(level).into_iter().take(2))
        .any(|(leader, _)| leader == rank)
}

/// What a unit has of basic office space, m².
#[derive(Debug, Clone, Copy, Default)]
struct Held {
    service: f64,
    equipment: f64,
    all: f64,
    building: f64,
}

/// What is due to so many persons, m².
#[derive(Debug, Clone, Copy)]
struct Due {
    service: f64,
    equipment: f64,
    all: f64,
}

/// How so many persons divide among the ranks.
fn divided(persons: u32) -> [u32; 3] {
    if persons < 8 {
        return [0, 0, persons];
    }
    let deputies = (persons / 20).clamp(1, 6);
    [1, deputies, persons - 1 - deputies]
}

fn due(level: &str, persons: u32) -> Due {
    let offices: f64 = divided(persons)
        .iter()
        .zip(ranks(level))
        .map(|(count, (_, limit))| f64::from(*count) * limit)
        .sum();
    let count = f64::from(persons);
    let (few, many) = if level == "city" {
        (200.0, 400.0)
    } else {
        (100.0, 200.0)
    };
    let service = count * (8.0 - (count.clamp(few, many) - few) / (many - few) * 2.0);
    let equipment = (offices + service) * 0.09;
    Due {
        service,
        equipment,
        all: offices + service + equipment,
    }
}

impl Held {
    fn add(&mut self, room: &DemoRoom) {
        let area = room.use_area.square_metres();
        match room.room_type {
            Some("service") => self.service += area,
            Some("equipment") => self.equipment += area,
            _ => {}
        }
        self.all += area;
        self.building += room.building_area.square_metres();
    }

    /// Within what is due to so many, with some room to spare.
    fn fits(&self, level: &str, persons: u32, spare: f64) -> bool {
        let due = due(level, persons);
        self.all <= due.all * spare
            && self.building <= due.all / 0.65 * spare
            && self.service <= due.service * spare
            && self.equipment <= due.equipment * spare
    }

    /// The fewest persons it fits.
    fn persons(&self, level: &str) -> u32 {
        let mut most = 4;
        while !self.fits(level, most, 0.94) {
            most *= 2;
        }
        let mut least = most / 2;
        while least + 1 < most {
            let middle = u32::midpoint(least, most);
            if self.fits(level, middle, 0.94) {
                most = middle;
            } else {
                least = middle;
            }
        }
        most
    }
}

fn is_basic(room: &DemoRoom) -> bool {
    matches!(room.room_type, Some("office" | "service" | "equipment"))
}

fn held(rooms: &[DemoRoom], unit: usize) -> Held {
    let mut held = Held::default();
    for room in rooms.iter().filter(|room| room.unit == Some(unit) && is_basic(room)) {
        held.add(room);
    }
    held
}

fn staff(unit: &mut DemoUnit, persons: u32) {
    unit.headcount = divided(persons)
        .iter()
        .zip(ranks(unit.level))
        .filter(|(count, _)| **count > 0)
        .map(|(count, (rank, _))| (rank.to_owned(), *count))
        .collect();
}

/// Gives every unit in offices as many as they are made for. Companies sit in what is nobody's office.
pub(super) fn staff_units(units: &mut [DemoUnit], rooms: &mut [DemoRoom]) {
    for room in rooms.iter_mut() {
        if is_basic(room) && room.unit.is_some_and(|unit| units[unit].kind == "platform_company") {
            (room.room_type, room.purpose) = (None, None);
        }
    }
    let mut sums: BTreeMap<usize, Held> = BTreeMap::new();
    for room in rooms.iter().filter(|room| is_basic(room)) {
        if let Some(unit) = room.unit {
            sums.entry(unit).or_default().add(room);
        }
    }
    for (unit, held) in sums {
        let persons = held.persons(units[unit].level);
        staff(&mut units[unit], persons);
    }
}

/// The people, as they are made up.
struct Seating<'a> {
    occupants: Vec<DemoOccupant>,
    sequence: &'a mut Sequence,
}

impl Seating<'_> {
    fn seat(&mut self, room: &DemoRoom, rank: &'static str) -> usize {
        let person = format!("{}{}", self.sequence.pick(&SURNAMES), self.sequence.pick(&GIVEN));
        self.occupants.push(DemoOccupant {
            room: room.key.clone(),
            person,
            staff_number: format!("MADEUP-{:05}", self.occupants.len() + 1),
            rank,
            post: "main",
            post_ends: None,
            left_on: None,
            approved_area: None,
        });
        self.occupants.len() - 1
    }

    /// Seats as many as the office is large enough for.
    fn fill(&mut self, room: &DemoRoom, place: usize, level: &str) {
        let area = room.use_area.square_metres();
        let [chief, deputy, rest] = ranks(level);
        let alone = [(0, chief), (1, deputy)]
            .into_iter()
            .find(|(at, (_, limit))| *at == place && area <= *limit);
        if let Some((_, (rank, _))) = alone {
            self.seat(room, rank);
            return;
        }
        for _ in 0..(area / rest.1).ceil() as usize {
            self.seat(room, rest.0);
        }
    }
}

/// Seats people in some offices of every unit, and plants what is wrong.
pub(super) fn occupants(
    estate: &Estate,
    buildings: &[DemoAsset],
    units: &mut [DemoUnit],
    rooms: &mut [DemoRoom],
    faults: &mut Faults,
    sequence: &mut Sequence,
) -> Vec<DemoOccupant> {
    let mut offices: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let broken: HashSet<String> = faults.planted.iter().map(|fault| fault.key.clone()).collect();
    for (index, room) in rooms.iter().enumerate() {
        let is_good = room.room_type == Some("office")
            && room.occupancy == "in_use"
            && room.use_area.square_metres() <= 45.0
            && !broken.contains(&room.key)
            && !broken.contains(&building_key(room.building));
        if let (true, Some(unit)) = (is_good, room.unit) {
            offices.entry(unit).or_default().push(index);
        }
    }
    let mut seating = Seating {
        occupants: Vec::new(),
        sequence,
    };
    for (unit, offices) in &offices {
        for (place, office) in offices.iter().take(KNOWN_OFFICES).enumerate() {
            seating.fill(&rooms[*office], place, units[*unit].level);
        }
    }
    let mut planting = Planting {
        estate,
        buildings,
        offices,
        turn: 0,
    };
    planting.wrong_people(units, rooms, &mut seating, faults);
    planting.wrong_rooms(units, rooms, faults);
    planting.wrong_totals(units, rooms, faults);
    seating.occupants
}

struct Planting<'a> {
    estate: &'a Estate,
    buildings: &'a [DemoAsset],
    /// Offices of every unit; the first of them have occupants.
    offices: BTreeMap<usize, Vec<usize>>,
    turn: usize,
}

impl Planting<'_> {
    /// An office of between so many m² in which nobody sits yet, each time of another unit.
    fn spare(&mut self, rooms: &[DemoRoom], (least, most): (f64, f64)) -> Option<usize> {
        let units: Vec<usize> = self.offices.keys().copied().collect();
        for step in 0..units.len() {
            let unit = units[(self.turn * 7 + step) % units.len()];
            let offices = self.offices.get_mut(&unit)?;
            let found = offices.iter().enumerate().skip(KNOWN_OFFICES).find(|(_, office)| {
                let area = rooms[**office].use_area.square_metres();
                area > least && area <= most
            });
            if let Some((place, _)) = found {
                self.turn += 1;
                return Some(offices.remove(place));
            }
        }
        None
    }

    /// Faults of who sits where.
    fn wrong_people(
        &mut self,
        units: &[DemoUnit],
        rooms: &mut [DemoRoom],
        seating: &mut Seating<'_>,
        faults: &mut Faults,
    ) {
        let rank = |room: &DemoRoom| room.unit.map_or("局(处)级以下", |unit| ranks(units[unit].level)[2].0);
        let mut plant_beside = |rule, room: &DemoRoom, other: &str, zh: &str, en: &str| {
            faults.plant(rule, "rooms", room.key.clone(), other.to_owned(), zh, en);
        };
        for _ in 0..3 {
            let Some(office) = self.spare(rooms, (12.0, 18.0)) else {
                return;
            };
            let room = &rooms[office];
            seating.seat(room, rank(room));
            plant_beside(
                "SPC-01",
                room,
                "",
                "一人使用的办公室超过其职级限额",
                "one person's office is above the limit of their rank",
            );
        }
        for _ in 0..2 {
            let Some(office) = self.spare(rooms, (9.0, 18.0)) else {
                return;
            };
            let room = &rooms[office];
            let taken = seating
                .occupants
                .iter()
                .position(|occupant| occupant.rank == rank(room) && occupant.post == "main");
            let Some(taken) = taken.map(|at| at + self.turn * 3) else {
                return;
            };
            let Some(elsewhere) = seating
                .occupants
                .iter()
                .skip(taken)
                .find(|occupant| occupant.rank == rank(room))
                .cloned()
            else {
                return;
            };
            seating.seat(room, rank(room));
            let again = seating.seat(room, rank(room));
            seating.occupants[again].person.clone_from(&elsewhere.person);
            seating.occupants[again]
                .staff_number
                .clone_from(&elsewhere.staff_number);
            let zh = format!("{}在 {} 另有办公室", elsewhere.person, elsewhere.room);
            let en = format!("one of them has another office, {}", elsewhere.room);
            plant_beside("USE-06", room, &elsewhere.room, &zh, &en);
        }
        for _ in 0..2 {
            let Some(office) = self.spare(rooms, (9.0, 18.0)) else {
                return;
            };
            let room = &rooms[office];
            seating.seat(room, rank(room));
            let over = seating.seat(room, rank(room));
            seating.occupants[over].post = "part_time";
            seating.occupants[over].post_ends = Some("2026-06-30");
            plant_beside(
                "USE-07",
                room,
                "",
                "兼职结束两个月后仍未腾退",
                "not vacated two months after a part-time post ended",
            );
        }
        for _ in 0..3 {
            let Some(office) = self.spare(rooms, (9.0, 18.0)) else {
                return;
            };
            let room = &rooms[office];
            seating.seat(room, rank(room));
            let gone = seating.seat(room, rank(room));
            seating.occupants[gone].left_on = Some("2026-08-31");
            plant_beside(
                "USE-08",
                room,
                "",
                "调离或退休一个月后仍未腾退",
                "not vacated a month after leaving",
            );
        }
        for _ in 0..2 {
            let Some(office) = self.spare(rooms, (9.0, 18.0)) else {
                return;
            };
            let room = &rooms[office];
            seating.seat(room, rank(room));
            let told = seating.seat(room, rank(room));
            seating.occupants[told].approved_area = Some(Hundredths(600));
            plant_beside(
                "SPC-16",
                room,
                "",
                "核定面积 6 m² 是 1999 年标准的数值",
                "an approved area of 6 m² is a figure of 1999",
            );
        }
        let mut technical: Vec<usize> = (0..rooms.len())
            .filter(|room| rooms[*room].room_type == Some("technical") && rooms[*room].unit.is_some())
            .step_by(997)
            .collect();
        for room in technical.split_off(technical.len().saturating_sub(3)) {
            rooms[room].type_basis = None;
            plant_beside(
                "SPC-14",
                &rooms[room],
                "",
                "技术业务用房没有批准文件或标准依据",
                "a technical room without approval or standard",
            );
        }
        for room in technical.split_off(technical.len().saturating_sub(2)) {
            let room = &rooms[room];
            if room.unit.is_some_and(|unit| units[unit].kind != "platform_company") {
                seating.seat(room, rank(room));
                plant_beside(
                    "SPC-15",
                    room,
                    "",
                    "技术业务用房内设办公",
                    "somebody's office is in a technical room",
                );
            }
        }
    }

    /// Faults of what a room is and who uses it.
    fn wrong_rooms(&mut self, units: &[DemoUnit], rooms: &mut [DemoRoom], faults: &mut Faults) {
        for _ in 0..2 {
            let Some(office) = self.spare(rooms, (9.0, 18.0)) else {
                return;
            };
            rooms[office].purpose = Some("private_washroom");
            faults.plant(
                "SPC-02",
                "rooms",
                rooms[office].key.clone(),
                String::new(),
                "独立卫生间超过 6 m²",
                "a private washroom above 6 m²",
            );
        }
        for _ in 0..2 {
            let Some(office) = self.spare(rooms, (9.0, 18.0)) else {
                return;
            };
            rooms[office].purpose = Some("rest_room");
            faults.plant(
                "SPC-03",
                "rooms",
                rooms[office].key.clone(),
                String::new(),
                "休息室没有与办公室合并计算",
                "a rest room that is not counted with its office",
            );
        }
        let companies: Vec<usize> = (0..units.len())
            .filter(|unit| units[*unit].kind == "platform_company")
            .collect();
        for company in companies.into_iter().take(2) {
            let Some(office) = self.spare(rooms, (9.0, 18.0)) else {
                return;
            };
            rooms[office].unit = Some(company);
            faults.plant(
                "USE-10",
                "rooms",
                rooms[office].key.clone(),
                String::new(),
                "企业占用机关办公用房",
                "a company sits in office space",
            );
        }
        let dangerous: Vec<usize> = (0..rooms.len())
            .filter(|room| {
                let building = rooms[*room].building;
                self.buildings[building].occupancy == "dangerous" && !is_basic(&rooms[*room])
            })
            .step_by(61)
            .take(2)
            .collect();
        for room in dangerous {
            rooms[room].occupancy = "in_use";
            rooms[room].unit = Some(self.estate.sites[self.estate.buildings[rooms[room].building].site].unit);
            faults.plant(
                "USE-15",
                "rooms",
                rooms[room].key.clone(),
                String::new(),
                "危房仍在使用",
                "in use though the building is dangerous",
            );
        }
        for _ in 0..2 {
            let buildings = self.buildings;
            let offices = &self.offices;
            let is_office = |building: usize| {
                buildings[building].occupancy == "in_use"
                    && offices
                        .values()
                        .flatten()
                        .filter(|room| rooms[**room].building == building)
                        .count()
                        > 12
            };
            let found = faults.next_site(self.estate, |site| {
                site.usage == "administrative_office"
                    && site.buildings.len() == 1
                    && !self.estate.buildings[site.buildings[0]].is_gatehouse
                    && is_office(site.buildings[0])
            });
            let Some(building) = found.map(|site| self.estate.sites[site].buildings[0]) else {
                return;
            };
            for room in rooms
                .iter_mut()
                .filter(|room| room.building == building && is_basic(room))
            {
                room.use_area = room.use_area.times(0.76);
            }
            faults.plant(
                "SPC-07",
                "buildings",
                building_key(building),
                String::new(),
                "使用面积系数过低",
                "the use coefficient is too low",
            );
        }
    }

    /// Faults of what a unit has in all.
    fn wrong_totals(&mut self, units: &mut [DemoUnit], rooms: &mut [DemoRoom], faults: &mut Faults) {
        let mut spoiled = HashSet::new();
        let candidates: Vec<usize> = self.offices.keys().copied().collect();
        let total = |unit: &DemoUnit| unit.headcount.values().sum::<u32>();
        let mut wanted = 2;
        for unit in candidates.iter().copied().skip(9).step_by(5) {
            if wanted == 0 {
                break;
            }
            let (persons, level) = (total(&units[unit]), units[unit].level);
            if persons < 30 {
                continue;
            }
            // Half of its service rooms are used as offices, and it has lost staff since.
            let turned: Vec<usize> = (0..rooms.len())
                .filter(|room| rooms[*room].unit == Some(unit) && rooms[*room].room_type == Some("service"))
                .step_by(2)
                .collect();
            for room in turned {
                rooms[room].room_type = Some("office");
                rooms[room].purpose = Some("staff_office");
            }
            let now = held(rooms, unit);
            let fewer = (50..95).rev().map(|percent| persons * percent / 100).find(|fewer| {
                let due = due(level, *fewer);
                now.all > due.all * 1.02
                    && now.building > due.all / 0.6 * 1.02
                    && now.service < due.service * 0.98
                    && now.equipment < due.equipment * 0.98
            });
            let Some(fewer) = fewer else { continue };
            staff(&mut units[unit], fewer);
            spoiled.insert(unit);
            wanted -= 1;
            faults.plant(
                "SPC-04",
                "units",
                units[unit].code.clone(),
                String::new(),
                "使用的基本办公用房超过按编制核定的面积",
                "more basic office space than its staffing allows",
            );
        }
        for (rule, room_type, purpose, zh, en) in [
            (
                "SPC-05",
                "service",
                "storage",
                "服务用房超过按编制核定的面积",
                "more service rooms than its staffing allows",
            ),
            (
                "SPC-06",
                "equipment",
                "air_conditioning",
                "设备用房超过 9%",
                "equipment rooms above 9 %",
            ),
        ] {
            let found = candidates
                .iter()
                .rev()
                .copied()
                .find(|unit| !spoiled.contains(unit) && total(&units[*unit]) > 30 && self.offices[unit].len() > 60);
            let Some(unit) = found else { return };
            spoiled.insert(unit);
            let due = due(units[unit].level, total(&units[unit]));
            for office in self.offices[&unit].iter().skip(KNOWN_OFFICES) {
                let now = held(rooms, unit);
                let is_over = if rule == "SPC-05" {
                    now.service > due.service * 1.02
                } else {
                    now.equipment > due.equipment * 1.12
                };
                if is_over {
                    break;
                }
                rooms[*office].room_type = Some(room_type);
                rooms[*office].purpose = Some(purpose);
            }
            faults.plant(rule, "units", units[unit].code.clone(), String::new(), zh, en);
        }
        let canteen = candidates
            .iter()
            .copied()
            .filter(|unit| !spoiled.contains(unit))
            .find_map(|unit| {
                let persons = f64::from(total(&units[unit]));
                let due = persons.min(100.0) * 3.7 + (persons - 100.0).max(0.0) * 2.6;
                let is_large = |room: &DemoRoom| {
                    room.unit == Some(unit)
                        && matches!(room.room_type, Some("service" | "ancillary"))
                        && room.building_area.square_metres() > due * 1.1
                };
                Some((unit, rooms.iter().position(is_large)?))
            });
        if let Some((unit, room)) = canteen {
            spoiled.insert(unit);
            rooms[room].room_type = Some("ancillary");
            rooms[room].purpose = Some("canteen");
            rooms[room].name = Some("食堂");
            faults.plant(
                "SPC-08",
                "units",
                units[unit].code.clone(),
                String::new(),
                "食堂超过按编制核定的面积",
                "a canteen larger than its staffing allows",
            );
        }
        let crowded = candidates.iter().rev().copied().find(|unit| {
            !spoiled.contains(unit) && units[*unit].kind == "government_organ" && total(&units[*unit]) > 60
        });
        if let Some(unit) = crowded {
            let many = total(&units[unit]) * 9;
            staff(&mut units[unit], many);
            faults.plant(
                "SPC-13",
                "units",
                units[unit].code.clone(),
                String::new(),
                "人均面积远低于同类单位",
                "far less space a head than its peers",
            );
        }
        let foreign = (0..units.len()).rev().find(|unit| {
            units[*unit].level == "city"
                && units[*unit].kind == "public_institution"
                && !self.offices.contains_key(unit)
                && !faults.planted.iter().any(|fault| fault.key == units[*unit].code)
        });
        if let Some(unit) = foreign {
            units[unit].headcount.insert("县级正职".to_owned(), 1);
            faults.plant(
                "SPC-10",
                "units",
                units[unit].code.clone(),
                String::new(),
                "职级“县级正职”不在市级机关的限额表内",
                "the rank 县级正职 is none of a city organ's",
            );
        }
    }
}
