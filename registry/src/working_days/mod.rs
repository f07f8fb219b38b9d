//! Working days in China: Monday to Friday, but for the days off and the worked weekends (调休) that the State Council
//! publishes for each year. The published years are data: `registry/calendars/cn-20xx.toml`, each with its source, and the
//! notices that an administrator recorded since (`calendar_notices/`). A year without a notice is not guessed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Date, Duration, Weekday};

use crate::period::day;
use crate::request::{Fault, day as parse_day};

/// The years there are notices for. A new year is a new file and a line here.
const FILES: [&str; 3] = [
    include_str!("../../calendars/cn-2024.toml"),
    include_str!("../../calendars/cn-2025.toml"),
    include_str!("../../calendars/cn-2026.toml"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct YearFile {
    year: i32,
    source: String,
    off: Vec<(String, String)>,
    worked: Vec<String>,
}

/// The notice of a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Year {
    source: String,
    off: BTreeSet<Date>,
    worked: BTreeSet<Date>,
}

impl Year {
    /// What a notice says of a year: the days off, weekends among them or not, and the weekend days that are worked.
    ///
    /// # Errors
    /// The field that contradicts itself, and the day.
    pub fn new(
        year: i32,
        source: String,
        off: impl IntoIterator<Item = Date>,
        worked: impl IntoIterator<Item = Date>,
    ) -> Result<Self, (&'static str, String)> {
        let off: BTreeSet<Date> = off.into_iter().collect();
        let worked: BTreeSet<Date> = worked.into_iter().collect();
        let strange = |day: &&Date| day.year() != year;
        if let Some(day) = off.iter().find(strange) {
            return Err(("off", format!("{day} is no day of that year")));
        }
        if let Some(day) = worked.iter().find(strange) {
            return Err(("worked", format!("{day} is no day of that year")));
        }
        match worked.iter().find(|day| !is_weekend(**day) || off.contains(day)) {
            Some(day) => Err(("worked", format!("{day} is no weekend day that could be worked"))),
            None => Ok(Self { source, off, worked }),
        }
    }

    /// Where it is said.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The days off.
    #[must_use]
    pub fn off(&self) -> &BTreeSet<Date> {
        &self.off
    }

    /// The weekend days that are worked.
    #[must_use]
    pub fn worked(&self) -> &BTreeSet<Date> {
        &self.worked
    }

    /// So many days from Monday to Friday are off, less the weekend days that are worked: 13 in an ordinary year since 2025,
    /// 11 before (全国年节及纪念日放假办法, art. 2).
    #[must_use]
    pub fn net_days_off(&self) -> i64 {
        let off = self.off.iter().filter(|day| !is_weekend(**day)).count();
        i64::try_from(off).unwrap_or(i64::MAX) - i64::try_from(self.worked.len()).unwrap_or(i64::MAX)
    }

    fn works(&self, day: Date) -> bool {
        self.worked.contains(&day) || !(is_weekend(day) || self.off.contains(&day))
    }
}

/// Why a calendar can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CalendarRefused {
    /// It is no TOML of a year.
    #[error("a calendar can't be read: {reason}")]
    Unreadable {
        /// What the reader said.
        reason: String,
    },
    /// It contradicts itself.
    #[error("the calendar of {year} is wrong: {reason}")]
    Wrong {
        /// Which one.
        year: i32,
        /// What is wrong.
        reason: String,
    },
}

/// The published working calendar.
#[derive(Debug, Clone)]
pub struct WorkingCalendar {
    years: BTreeMap<i32, Year>,
}

/// The day on which a number of working days is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "known", rename_all = "snake_case")]
pub enum Deadline {
    /// All of its days are in published years.
    On {
        /// The last day.
        #[serde(with = "day")]
        #[schema(value_type = String, format = Date)]
        due_on: Date,
    },
    /// It reaches into a year for which no notice is published: not before this day.
    NotPublished {
        /// The first year without a notice.
        year: i32,
        /// The earliest it can be, if that year had no day off but weekends.
        #[serde(with = "day")]
        #[schema(value_type = String, format = Date)]
        not_before: Date,
    },
}

impl Deadline {
    /// The day, where it is known.
    #[must_use]
    pub fn due_on(self) -> Option<Date> {
        match self {
            Self::On { due_on } => Some(due_on),
            Self::NotPublished { .. } => None,
        }
    }
}

impl WorkingCalendar {
    /// The calendars that the program carries.
    ///
    /// # Errors
    /// Where one of the files is wrong; the program then doesn't start.
    pub fn published() -> Result<&'static Self, &'static CalendarRefused> {
        static PUBLISHED: LazyLock<Result<WorkingCalendar, CalendarRefused>> =
            LazyLock::new(|| WorkingCalendar::read(&FILES));
        PUBLISHED.as_ref()
    }

    fn read(files: &[&str]) -> Result<Self, CalendarRefused> {
        let mut years = BTreeMap::new();
        for file in files {
            let file: YearFile = toml::from_str(file).map_err(|error| CalendarRefused::Unreadable {
                reason: error.to_string(),
            })?;
            let wrong = |reason: String| CalendarRefused::Wrong {
                year: file.year,
                reason,
            };
            let read = |text: &str| {
                parse_day(text)
                    .filter(|day| day.year() == file.year)
                    .ok_or_else(|| wrong(format!("{text:?} is no day of that year")))
            };
            let mut off = Vec::new();
            for (from, to) in &file.off {
                let (from, to) = (read(from)?, read(to)?);
                if from > to {
                    return Err(wrong(format!("{from} to {to} runs backwards")));
                }
                off.extend(days(from, to));
            }
            let worked = file
                .worked
                .iter()
                .map(|text| read(text))
                .collect::<Result<Vec<_>, _>>()?;
            let year = Year::new(file.year, file.source.clone(), off, worked).map_err(|(_, reason)| wrong(reason))?;
            if years.insert(file.year, year).is_some() {
                return Err(wrong("it is there twice".to_owned()));
            }
        }
        Ok(Self { years })
    }

    /// The calendars that hold now: those that the program carries, and the notices that were recorded, which go before.
    ///
    /// # Errors
    /// The database's.
    pub async fn in_force(connection: &mut PgConnection) -> Result<Self, Fault> {
        let mut calendar = Self::published()
            .map_err(|refused| Fault::Impossible {
                what: refused.to_string(),
            })?
            .clone();
        let notices = sqlx::query!(
            "select year, source, days_off, worked from calendar_notice_version where upper_inf(recorded)"
        )
        .fetch_all(connection)
        .await?;
        for notice in notices {
            let year =
                Year::new(notice.year, notice.source, notice.days_off, notice.worked).map_err(|(_, reason)| {
                    Fault::Impossible {
                        what: format!("the notice of {}: {reason}", notice.year),
                    }
                })?;
            calendar.years.insert(notice.year, year);
        }
        Ok(calendar)
    }

    /// The notice of a year; none where none is published.
    #[must_use]
    pub fn year(&self, year: i32) -> Option<&Year> {
        self.years.get(&year)
    }

    /// The published years.
    pub fn years(&self) -> impl Iterator<Item = i32> {
        self.years.keys().copied()
    }

    /// Is it a working day? None where the year is not published.
    #[must_use]
    pub fn is_working_day(&self, day: Date) -> Option<bool> {
        Some(self.years.get(&day.year())?.works(day))
    }

    /// The last of so many working days; the day itself is day 0, the next working day is the first (期间开始的日,
    /// 不计算在期间内: Civil Code art. 201).
    #[must_use]
    pub fn deadline(&self, start: Date, working_days: u32) -> Deadline {
        let mut day = start;
        let mut left = working_days;
        let mut unpublished = None;
        while left > 0 {
            let Some(next) = day.next_day() else { break };
            day = next;
            let works = self.is_working_day(day).unwrap_or_else(|| {
                unpublished.get_or_insert(day.year());
                !is_weekend(day)
            });
            left -= u32::from(works);
        }
        match unpublished {
            None => Deadline::On { due_on: day },
            Some(year) => Deadline::NotPublished { year, not_before: day },
        }
    }

    /// How many working days lie after one day up to another; none where a year between is not published.
    #[must_use]
    pub fn working_days_between(&self, from: Date, to: Date) -> Option<i64> {
        let (mut day, last, sign) = if from <= to { (from, to, 1) } else { (to, from, -1) };
        let mut count = 0;
        while day < last {
            day = day.checked_add(Duration::DAY)?;
            count += i64::from(self.is_working_day(day)?);
        }
        Some(sign * count)
    }
}

/// The days from one to another, both among them.
pub fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    std::iter::successors((from <= to).then_some(from), move |day| {
        day.next_day().filter(|next| *next <= to)
    })
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;

    use super::*;

    #[test]
    fn published_years_know_the_worked_weekends() {
        let calendar = WorkingCalendar::published().unwrap();
        for (day, works) in [
            (date!(2026 - 02 - 14), true),
            (date!(2026 - 02 - 15), false),
            (date!(2026 - 02 - 23), false),
            (date!(2026 - 02 - 24), true),
            (date!(2026 - 10 - 10), true),
            (date!(2025 - 10 - 08), false),
            (date!(2024 - 04 - 07), true),
            (date!(2026 - 11 - 21), false),
        ] {
            assert_eq!(calendar.is_working_day(day), Some(works), "{day}");
        }
        assert_eq!(calendar.is_working_day(date!(2027 - 01 - 04)), None);
        // 2024 had 251 working days, 2025 had 248 and 2026 has 248.
        let in_year = |year| {
            let first = Date::from_calendar_date(year, time::Month::January, 1).unwrap();
            (0..366)
                .filter_map(|days| first.checked_add(Duration::days(days)))
                .filter(|day| day.year() == year)
                .filter(|day| calendar.is_working_day(*day) == Some(true))
                .count()
        };
        assert_eq!([in_year(2024), in_year(2025), in_year(2026)], [251, 248, 248]);
        let net = |year| calendar.year(year).unwrap().net_days_off();
        assert_eq!([net(2024), net(2025), net(2026)], [11, 13, 13]);
        assert!(
            calendar
                .years()
                .all(|year| calendar.year(year).unwrap().source().contains("国务院办公厅"))
        );
    }

    #[test]
    fn thirty_working_days_over_the_spring_festival() {
        let calendar = WorkingCalendar::published().unwrap();
        // Accepted on Tuesday 3 February 2026: nine days off, two Saturdays worked.
        assert_eq!(
            calendar.deadline(date!(2026 - 02 - 03), 30),
            Deadline::On {
                due_on: date!(2026 - 03 - 23)
            }
        );
        assert_eq!(
            calendar.working_days_between(date!(2026 - 02 - 03), date!(2026 - 03 - 23)),
            Some(30)
        );
        // Accepted in December: the notice of the next year isn't published, and the deadline says so.
        assert_eq!(
            calendar.deadline(date!(2026 - 12 - 10), 30),
            Deadline::NotPublished {
                year: 2027,
                not_before: date!(2027 - 01 - 21)
            }
        );
    }

    #[test]
    fn a_wrong_calendar_is_refused() {
        for (file, words) in [
            (
                "year = 2026\nsource = \"x\"\noff = []\nworked = [\"2026-02-13\"]",
                "no weekend day",
            ),
            (
                "year = 2026\nsource = \"x\"\noff = [[\"2025-12-31\", \"2026-01-01\"]]\nworked = []",
                "no day of that year",
            ),
            (
                "year = 2026\nsource = \"x\"\noff = [[\"2026-01-03\", \"2026-01-01\"]]\nworked = []",
                "backwards",
            ),
            ("year = 2026", "can't be read"),
        ] {
            let refused = WorkingCalendar::read(&[file]).unwrap_err().to_string();
            assert!(refused.contains(words), "{refused}");
        }
        assert!(WorkingCalendar::read(&[FILES[0], FILES[0]]).is_err());
    }

    proptest! {
        #[test]
        fn a_deadline_is_a_working_day_and_counts(offset in 0i64..1000, days in 1u32..60) {
            let calendar = WorkingCalendar::published().unwrap();
            let start = date!(2024 - 01 - 01) + Duration::days(offset);
            if let Deadline::On { due_on } = calendar.deadline(start, days) {
                prop_assert_eq!(calendar.is_working_day(due_on), Some(true));
                prop_assert_eq!(calendar.working_days_between(start, due_on), Some(i64::from(days)));
            }
        }
    }
}
