//! A building with idle space, and what of it answers a question.

use std::collections::BTreeMap;

use time::Date;
use uuid::Uuid;

/// An idle room, and where it stands on its floor.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct IdleRoom {
    /// Its number on the floor.
    pub number: String,
    /// Its place among all rooms of the floor in the order of their numbers: two rooms are neighbours where their places
    /// follow each other, whatever is used in between breaks the run.
    pub place: usize,
    /// 使用面积, m²
    pub use_area_m2: Option<f64>,
    /// 建筑面积, m²
    pub building_area_m2: Option<f64>,
    /// The first day of its idleness.
    pub since: Date,
}

/// A building in which something is idle.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Space {
    pub id: Uuid,
    pub code: Option<String>,
    pub name: Option<String>,
    pub address: Option<String>,
    pub region_code: Option<String>,
    pub usage: Option<String>,
    pub title_status: Option<String>,
    pub occupancy: Option<String>,
    /// Idle since, of the building as a whole.
    pub idle_since: Option<Date>,
    /// 建筑面积 by certificate or source, m².
    pub registered_area_m2: Option<f64>,
    /// A point on it: longitude and latitude.
    pub point: Option<(f64, f64)>,
    /// How many rooms it has, idle or not.
    pub rooms: usize,
    /// The idle rooms by floor, each in the order of their places.
    pub floors: BTreeMap<i16, Vec<IdleRoom>>,
    /// 闲置原因 by the open records, each once.
    pub causes: Vec<String>,
}

/// Rooms side by side on one floor that are all idle.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Run {
    pub floor: i16,
    pub rooms: Vec<String>,
    pub use_area_m2: f64,
    pub building_area_m2: f64,
    /// The day since when all of it is idle.
    pub since: Date,
}

impl Space {
    /// The runs of idle rooms on its floors, of those that `counts`.
    pub(super) fn runs(&self, counts: impl Fn(i16, &IdleRoom) -> bool) -> Vec<Run> {
        let mut runs: Vec<Run> = Vec::new();
        for (floor, rooms) in &self.floors {
            let mut last: Option<usize> = None;
            for room in rooms.iter().filter(|room| counts(*floor, room)) {
                let is_next = last.is_some_and(|last| last + 1 == room.place);
                last = Some(room.place);
                let (use_area, building_area) = (
                    room.use_area_m2.unwrap_or_default(),
                    room.building_area_m2.unwrap_or_default(),
                );
                match runs.last_mut().filter(|_| is_next) {
                    Some(run) => {
                        run.rooms.push(room.number.clone());
                        run.use_area_m2 += use_area;
                        run.building_area_m2 += building_area;
                        run.since = run.since.max(room.since);
                    }
                    None => runs.push(Run {
                        floor: *floor,
                        rooms: vec![room.number.clone()],
                        use_area_m2: use_area,
                        building_area_m2: building_area,
                        since: room.since,
                    }),
                }
            }
        }
        runs
    }
}

/// Room numbers as people count them: 9 before 10, 2-9 before 2-10.
pub(super) fn by_number(one: &str, other: &str) -> std::cmp::Ordering {
    parts(one).cmp(&parts(other)).then_with(|| one.cmp(other))
}

fn parts(number: &str) -> Vec<(String, u64)> {
    let mut found: Vec<(String, u64)> = vec![(String::new(), 0)];
    let mut is_in_digits = false;
    for character in number.chars() {
        let last = found.len() - 1;
        match character.to_digit(10) {
            Some(digit) => {
                found[last].1 = found[last].1.saturating_mul(10).saturating_add(u64::from(digit));
                is_in_digits = true;
            }
            None => {
                if is_in_digits {
                    found.push((character.to_string(), 0));
                    is_in_digits = false;
                } else {
                    found[last].0.push(character);
                }
            }
        }
    }
    found
}
