//! What a planner asks, and how a space answers.

use geo::{Distance, Geodesic, Intersects};
use geo_types::{Geometry, Point};
use serde::{Deserialize, Serialize};
use time::{Date, Month};
use utoipa::ToSchema;
use uuid::Uuid;

use super::space::{IdleRoom, Run, Space};
use crate::exports::{ClosedList, TITLE_STATUS, USAGE};
use crate::idle_records::CAUSES;
use crate::period::day;
use crate::request::Problem;
use crate::request::fields::require_word;

/// 使用面积 m² a person, where the planner says nothing: what 发改投资〔2014〕2674号 grants below the lowest rank that it
/// names, at every level of government.
pub(super) const PER_HEAD_M2: f64 = 9.0;

/// The parameters of the question.
#[derive(Debug, Clone, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Room for so many people in the building.
    people: Option<u32>,
    /// 使用面积 a person, m²; 9 unless told (发改投资〔2014〕2674号).
    per_head_m2: Option<f64>,
    /// So many m² of 使用面积 in one piece: rooms side by side on one floor.
    contiguous_m2: Option<f64>,
    /// So many m² of idle 使用面积 in the building.
    area_m2: Option<f64>,
    /// Idle for so many months at least.
    months: Option<u32>,
    /// One or several causes (闲置原因), comma-separated, by the idle records.
    cause: Option<String>,
    /// The lowest floor that counts.
    floor_from: Option<i16>,
    /// The highest floor that counts.
    floor_to: Option<i16>,
    /// One or several usages, comma-separated; `none` for those without.
    usage: Option<String>,
    /// One or several registration statuses, comma-separated; `none` for those without.
    title_status: Option<String>,
    /// Only buildings that are idle as a whole (`true`), or only those idle in part (`false`).
    whole: Option<bool>,
    /// Region code; places below it are included.
    region: Option<String>,
    /// The middle of a circle: longitude, latitude.
    near: Option<String>,
    /// Its radius, m; 3 000 unless told.
    within_m: Option<f64>,
    /// A shape: GeoJSON Polygon or MultiPolygon, longitude and latitude.
    inside: Option<String>,
    /// `capacity` (the most first), `contiguous`, `distance` (the nearest first) or `since` (the longest idle first).
    sort: Option<String>,
    /// Tell of buildings in low use (低效利用), too, with what they have to spare; apart from the idle ones.
    also_low_use: Option<bool>,
    /// How many are listed, 1 to 1000; 200 unless told. The totals are of all.
    limit: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Capacity,
    Contiguous,
    Distance,
    Since,
}

/// The question, understood.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub people: u32,
    pub per_head_m2: f64,
    pub contiguous_m2: f64,
    pub area_m2: f64,
    /// Idle since this day at the latest.
    pub until: Option<Date>,
    pub causes: Option<Vec<String>>,
    pub floors: (i16, i16),
    pub usages: Option<Vec<String>>,
    pub title_statuses: Option<Vec<String>>,
    pub whole: Option<bool>,
    pub region: Option<String>,
    pub circle: Option<(Point<f64>, f64)>,
    pub inside: Option<Geometry<f64>>,
    pub order: Order,
    pub also_low_use: bool,
    pub limit: usize,
}

fn words(field: &str, value: &Option<String>, list: &[&str]) -> Result<Option<Vec<String>>, Problem> {
    let Some(value) = value.as_deref().filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let words: Vec<String> = value.split(',').map(|word| word.trim().to_owned()).collect();
    for word in words.iter().filter(|word| *word != "none") {
        require_word(field, word, list)?;
    }
    Ok(Some(words))
}

fn codes(list: ClosedList) -> Vec<&'static str> {
    list.iter().map(|(code, _, _)| *code).collect()
}

fn number(field: &str, value: Option<f64>, least: f64, most: f64) -> Result<Option<f64>, Problem> {
    match value {
        Some(value) if !(least..=most).contains(&value) => {
            Err(Problem::bad(field, format!("{value} is out of bounds"))
                .remedy(format!("send a number from {least} to {most}")))
        }
        value => Ok(value),
    }
}

/// A day so many months before another; the last of the month where that has no such day.
fn months_before(day: Date, months: u32) -> Option<Date> {
    let count = i64::from(day.year()) * 12 + i64::from(u8::from(day.month())) - 1 - i64::from(months);
    let year = i32::try_from(count.div_euclid(12)).ok()?;
    let month = Month::try_from(u8::try_from(count.rem_euclid(12) + 1).ok()?).ok()?;
    let last = month.length(year);
    Date::from_calendar_date(year, month, day.day().min(last)).ok()
}

impl Asked {
    /// So many m² of idle use area in a building, and nothing else.
    pub(super) fn of_area(area_m2: f64) -> Self {
        Self {
            area_m2: Some(area_m2),
            ..Self::default()
        }
    }

    /// # Errors
    /// A problem that names the parameter.
    pub(super) fn question(&self, as_of: Date) -> Result<Question, Problem> {
        let near = self.near.as_deref().filter(|near| !near.is_empty());
        let circle = match near {
            None => None,
            Some(near) => {
                let numbers: Vec<f64> = near
                    .split(',')
                    .filter_map(|number| number.trim().parse().ok())
                    .collect();
                let [longitude, latitude] = numbers[..] else {
                    return Err(Problem::bad("near", format!("{near:?} is no point"))
                        .remedy("write longitude and latitude as 119.97,31.81"));
                };
                if !(-180.0..=180.0).contains(&longitude) || !(-90.0..=90.0).contains(&latitude) {
                    return Err(Problem::bad("near", format!("{near:?} is nowhere on earth"))
                        .remedy("write longitude and latitude as 119.97,31.81"));
                }
                let radius = number("within_m", self.within_m, 1.0, 1e6)?.unwrap_or(3_000.0);
                Some((Point::new(longitude, latitude), radius))
            }
        };
        let inside = match self.inside.as_deref().filter(|inside| !inside.is_empty()) {
            None => None,
            Some(text) => {
                let value = serde_json::from_str(text).map_err(|error| {
                    Problem::bad("inside", format!("it is no GeoJSON: {error}"))
                        .remedy("send a GeoJSON Polygon or MultiPolygon in longitude and latitude")
                })?;
                Some(crate::geometry::from_geojson(&value).map_err(|problem| problem.field("inside"))?)
            }
        };
        let order = match self.sort.as_deref() {
            None | Some("") if circle.is_some() => Order::Distance,
            None | Some("" | "capacity") => Order::Capacity,
            Some("contiguous") => Order::Contiguous,
            Some("distance") => Order::Distance,
            Some("since") => Order::Since,
            Some(other) => {
                return Err(Problem::bad("sort", format!("{other:?} is no order"))
                    .remedy("sort by capacity, contiguous, distance or since"));
            }
        };
        let until = match self.months {
            None | Some(0) => None,
            Some(months) => Some(months_before(as_of, months.min(12_000)).unwrap_or(Date::MIN)),
        };
        Ok(Question {
            people: self.people.unwrap_or_default(),
            per_head_m2: number("per_head_m2", self.per_head_m2, 1.0, 1_000.0)?.unwrap_or(PER_HEAD_M2),
            contiguous_m2: number("contiguous_m2", self.contiguous_m2, 0.0, 1e9)?.unwrap_or_default(),
            area_m2: number("area_m2", self.area_m2, 0.0, 1e9)?.unwrap_or_default(),
            until,
            causes: words("cause", &self.cause, &CAUSES)?,
            floors: (self.floor_from.unwrap_or(i16::MIN), self.floor_to.unwrap_or(i16::MAX)),
            usages: words("usage", &self.usage, &codes(USAGE))?,
            title_statuses: words("title_status", &self.title_status, &codes(TITLE_STATUS))?,
            whole: self.whole,
            region: self
                .region
                .as_deref()
                .filter(|region| !region.is_empty())
                .map(|region| crate::regions::subtree(region).to_owned()),
            circle,
            inside,
            order,
            also_low_use: self.also_low_use.unwrap_or_default(),
            limit: match self.limit.unwrap_or(200) {
                limit @ 1..=1_000 => limit,
                other => return Err(Problem::bad("limit", format!("{other} is outside 1 to 1000"))),
            },
        })
    }
}

/// The largest run of idle rooms on one floor.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct LargestRun {
    /// The floor; below ground negative.
    pub floor: i16,
    /// The numbers of its rooms, in order.
    pub rooms: Vec<String>,
    /// 使用面积, m²
    pub use_area_m2: f64,
    /// 建筑面积, m²
    pub building_area_m2: f64,
    /// How many people it has room for.
    pub capacity: u32,
    /// All of it is idle since.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub idle_since: Date,
}

/// A building that answers the question.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(super) struct FoundSpace {
    /// The building.
    pub id: Uuid,
    /// Its code.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// 坐落
    pub address: Option<String>,
    /// Where it lies.
    pub region_code: Option<String>,
    /// 用途
    pub usage: Option<String>,
    /// 权属登记情况
    pub title_status: Option<String>,
    /// 使用状态 of the building.
    pub occupancy: Option<String>,
    /// Is it idle as a whole?
    pub whole: bool,
    /// 闲置原因 by the idle records.
    pub causes: Vec<String>,
    /// Idle since: the building, or its first idle room.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub idle_since: Date,
    /// Idle rooms that count.
    pub rooms: usize,
    /// Of so many in the building.
    pub all_rooms: usize,
    /// Their 使用面积, m²; null where none is known.
    pub use_area_m2: Option<f64>,
    /// Their 建筑面积, m²; of a building idle as a whole without rooms its own.
    pub building_area_m2: Option<f64>,
    /// How many people they have room for; null where the 使用面积 isn't known.
    pub capacity: Option<u32>,
    /// The floors on which they are.
    pub floors: Vec<i16>,
    /// The largest run on one floor; null where no rooms are registered.
    pub largest_run: Option<LargestRun>,
    /// m from the middle of the circle, on the ellipsoid.
    pub distance_m: Option<f64>,
    /// A point on it.
    pub lon: Option<f64>,
    /// A point on it.
    pub lat: Option<f64>,
}

/// To a ten-thousandth of a m², as areas are kept: adding doubles leaves a hair.
fn kept(area_m2: f64) -> f64 {
    (area_m2 * 1e4).round() / 1e4
}

impl Question {
    pub(super) fn capacity(&self, use_area_m2: f64) -> u32 {
        // Areas have four decimals: a hair below the next person is that person.
        let people = (kept(use_area_m2) / self.per_head_m2 + 1e-9).floor();
        if people >= f64::from(u32::MAX) {
            u32::MAX
        } else {
            people as u32
        }
    }

    /// Is it asked for by what it is and where it lies? Then how far it is from the middle of the circle, where there is one.
    pub(super) fn is_of(&self, space: &Space) -> Option<Option<f64>> {
        let is_among = |wanted: &Option<Vec<String>>, word: &Option<String>| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.iter().any(|one| one == word.as_deref().unwrap_or("none")))
        };
        let is_sought = is_among(&self.usages, &space.usage)
            && is_among(&self.title_statuses, &space.title_status)
            // Sealed, or pulled down: nobody is put in there.
            && !matches!(space.occupancy.as_deref(), Some("dangerous" | "demolished"))
            && self.region.as_ref().is_none_or(|region| {
                space.region_code.as_ref().is_some_and(|code| code.starts_with(region.as_str()))
            });
        if !is_sought {
            return None;
        }
        let point = space.point.map(|(longitude, latitude)| Point::new(longitude, latitude));
        let distance_m = match (self.circle, point) {
            (None, _) => None,
            (Some(_), None) => return None,
            (Some((middle, radius)), Some(point)) => {
                let distance = Geodesic.distance(middle, point);
                if distance > radius {
                    return None;
                }
                Some((distance * 10.0).round() / 10.0)
            }
        };
        if let Some(shape) = &self.inside
            && !point.is_some_and(|point| shape.intersects(&point))
        {
            return None;
        }
        Some(distance_m)
    }

    /// What of a space answers, where it does.
    pub(super) fn answer(&self, space: &Space) -> Option<FoundSpace> {
        let whole = space.occupancy.as_deref() == Some("idle");
        let is_sought = self.whole.is_none_or(|wanted| wanted == whole)
            && self.causes.as_ref().is_none_or(|causes| match space.causes.is_empty() {
                true => causes.iter().any(|cause| cause == "none"),
                false => space.causes.iter().any(|cause| causes.contains(cause)),
            });
        if !is_sought {
            return None;
        }
        let distance_m = self.is_of(space)?;
        let found = if space.rooms == 0 {
            self.bare(space)?
        } else {
            self.rooms(space)?
        };
        Some(FoundSpace { distance_m, ..found })
    }

    fn described(&self, space: &Space, idle_since: Date) -> FoundSpace {
        FoundSpace {
            id: space.id,
            code: space.code.clone(),
            name: space.name.clone(),
            address: space.address.clone(),
            region_code: space.region_code.clone(),
            usage: space.usage.clone(),
            title_status: space.title_status.clone(),
            occupancy: space.occupancy.clone(),
            whole: space.occupancy.as_deref() == Some("idle"),
            causes: space.causes.clone(),
            idle_since,
            rooms: 0,
            all_rooms: space.rooms,
            use_area_m2: None,
            building_area_m2: None,
            capacity: None,
            floors: Vec::new(),
            largest_run: None,
            distance_m: None,
            lon: space.point.map(|(longitude, _)| longitude),
            lat: space.point.map(|(_, latitude)| latitude),
        }
    }

    /// An idle building of which no rooms are registered: its 使用面积 isn't known, so nothing that asks for it is met.
    fn bare(&self, space: &Space) -> Option<FoundSpace> {
        let since = space.idle_since?;
        let asks_for_rooms =
            self.people > 0 || self.contiguous_m2 > 0.0 || self.area_m2 > 0.0 || self.floors != (i16::MIN, i16::MAX);
        if asks_for_rooms || self.until.is_some_and(|until| since > until) {
            return None;
        }
        Some(FoundSpace {
            building_area_m2: space.registered_area_m2,
            ..self.described(space, since)
        })
    }

    fn rooms(&self, space: &Space) -> Option<FoundSpace> {
        let counts = |floor: i16, room: &IdleRoom| {
            (self.floors.0..=self.floors.1).contains(&floor) && self.until.is_none_or(|until| room.since <= until)
        };
        let rooms: Vec<(i16, &IdleRoom)> = space
            .floors
            .iter()
            .flat_map(|(floor, rooms)| rooms.iter().map(|room| (*floor, room)))
            .filter(|(floor, room)| counts(*floor, room))
            .collect();
        let first = rooms.iter().map(|(_, room)| room.since).min()?;
        let sum = |area: fn(&IdleRoom) -> Option<f64>| {
            let known: Vec<f64> = rooms.iter().filter_map(|(_, room)| area(room)).collect();
            (!known.is_empty()).then(|| kept(known.iter().sum()))
        };
        let use_area_m2 = sum(|room| room.use_area_m2);
        let capacity = use_area_m2.map(|area| self.capacity(area));
        // The largest; of equal ones the lowest floor and the first rooms.
        let largest = space.runs(counts).into_iter().reduce(|best, run| {
            if kept(run.use_area_m2) > kept(best.use_area_m2) {
                run
            } else {
                best
            }
        });
        let is_large_enough = capacity.unwrap_or_default() >= self.people
            && use_area_m2.unwrap_or_default() >= self.area_m2
            && largest.as_ref().map_or(0.0, |run| kept(run.use_area_m2)) >= self.contiguous_m2;
        if !is_large_enough {
            return None;
        }
        let mut floors: Vec<i16> = rooms.iter().map(|(floor, _)| *floor).collect();
        floors.dedup();
        Some(FoundSpace {
            rooms: rooms.len(),
            use_area_m2,
            building_area_m2: sum(|room| room.building_area_m2),
            capacity,
            floors,
            largest_run: largest.map(|run: Run| LargestRun {
                floor: run.floor,
                capacity: self.capacity(run.use_area_m2),
                use_area_m2: kept(run.use_area_m2),
                building_area_m2: kept(run.building_area_m2),
                rooms: run.rooms,
                idle_since: run.since,
            }),
            ..self.described(space, first)
        })
    }

    /// Everything that answers, in the order asked for.
    pub(super) fn answer_all<'a>(&self, spaces: impl IntoIterator<Item = &'a Space>) -> Vec<FoundSpace> {
        let mut found: Vec<FoundSpace> = spaces.into_iter().filter_map(|space| self.answer(space)).collect();
        let contiguous = |space: &FoundSpace| space.largest_run.as_ref().map_or(-1.0, |run| run.use_area_m2);
        found.sort_by(|one, other| {
            let order = match self.order {
                Order::Capacity => other.capacity.cmp(&one.capacity),
                Order::Contiguous => contiguous(other).total_cmp(&contiguous(one)),
                Order::Since => one.idle_since.cmp(&other.idle_since),
                Order::Distance => one
                    .distance_m
                    .unwrap_or(f64::MAX)
                    .total_cmp(&other.distance_m.unwrap_or(f64::MAX)),
            };
            order.then_with(|| one.id.cmp(&other.id))
        });
        found
    }
}

#[cfg(test)]
mod tests {
    use super::months_before;
    use time::macros::date;

    #[test]
    fn months_are_counted_by_the_calendar() {
        for (day, months, before) in [
            (date!(2026 - 11 - 30), 12, date!(2025 - 11 - 30)),
            (date!(2026 - 03 - 31), 1, date!(2026 - 02 - 28)),
            (date!(2024 - 02 - 29), 12, date!(2023 - 02 - 28)),
            (date!(2026 - 01 - 15), 13, date!(2024 - 12 - 15)),
        ] {
            assert_eq!(months_before(day, months), Some(before), "{day} {months}");
        }
    }
}
