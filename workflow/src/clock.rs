//! How long something may take: so many days, with pauses and their reasons.

use serde::{Deserialize, Serialize};
use time::{Date, Duration};

use crate::definition::{Count, Deadline, Escalation};

time::serde::format_description!(day, Date, "[year]-[month]-[day]");

/// A time in which the days don't count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// From this day on.
    #[serde(with = "day")]
    pub from: Date,
    /// Until before this one; none while it lasts.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
    /// Why.
    pub reason: String,
}

/// A clock that runs, rests, and runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Day 0.
    #[serde(with = "day")]
    pub started_on: Date,
    /// So many.
    pub days: u32,
    /// Of this kind.
    pub count: Count,
    /// The pauses, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pauses: Vec<Pause>,
}

/// When a clock runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// On this day, its last.
    On(Date),
    /// It rests, and so many days are left.
    Resting {
        /// The days left.
        left: u32,
    },
    /// It reaches into a year whose working days aren't published: not before this day.
    NotPublished {
        /// The first such year.
        year: i32,
        /// The earliest it can be.
        not_before: Date,
    },
}

/// Why a clock can't be paused or go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ClockRefused {
    /// It rests already.
    #[error("the clock rests already")]
    Rests,
    /// It runs.
    #[error("the clock runs already")]
    Runs,
    /// Before it began, or before the pause did.
    #[error("the day lies before the last turn of the clock")]
    TooEarly,
}

/// Is it a working day? None where the year isn't published.
type IsWorking<'a> = &'a dyn Fn(Date) -> Option<bool>;

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), time::Weekday::Saturday | time::Weekday::Sunday)
}

/// The last of so many days after a day. The day itself is day 0 (民法典 art. 201); where calendar days end on a day off,
/// the next working day is the last (art. 203).
#[must_use]
pub fn days_after(start: Date, days: u32, count: Count, is_working: IsWorking<'_>) -> Due {
    Clock {
        started_on: start,
        days,
        count,
        pauses: Vec::new(),
    }
    .due(is_working)
}

impl Deadline {
    /// Those to whom an overdue case has gone by a day: so many days after its last day are over.
    pub fn reached<'a>(
        &'a self,
        due_on: Date,
        today: Date,
        is_working: IsWorking<'a>,
    ) -> impl Iterator<Item = &'a Escalation> {
        self.escalate.iter().filter(
            move |to| matches!(days_after(due_on, to.days, self.count, is_working), Due::On(day) if day < today),
        )
    }
}

impl Clock {
    /// Rests from a day on.
    ///
    /// # Errors
    /// Where it rests already, or the day is too early.
    pub fn pause(&mut self, on: Date, reason: &str) -> Result<(), ClockRefused> {
        match self.pauses.last() {
            Some(Pause { to: None, .. }) => return Err(ClockRefused::Rests),
            Some(Pause { to: Some(to), .. }) if on < *to => return Err(ClockRefused::TooEarly),
            _ if on < self.started_on => return Err(ClockRefused::TooEarly),
            _ => {}
        }
        self.pauses.push(Pause {
            from: on,
            to: None,
            reason: reason.to_owned(),
        });
        Ok(())
    }

    /// Runs again from a day on.
    ///
    /// # Errors
    /// Where it runs, or the day lies before the pause.
    pub fn resume(&mut self, on: Date) -> Result<(), ClockRefused> {
        match self.pauses.last_mut() {
            Some(pause) if pause.to.is_none() && on < pause.from => Err(ClockRefused::TooEarly),
            Some(pause) if pause.to.is_none() => {
                pause.to = Some(on);
                Ok(())
            }
            _ => Err(ClockRefused::Runs),
        }
    }

    /// Does it rest?
    #[must_use]
    pub fn rests(&self) -> bool {
        self.pauses.last().is_some_and(|pause| pause.to.is_none())
    }

    fn is_paused(&self, day: Date) -> bool {
        self.pauses
            .iter()
            .any(|pause| pause.from <= day && pause.to.is_none_or(|to| day < to))
    }

    /// When it runs out.
    #[must_use]
    pub fn due(&self, is_working: IsWorking<'_>) -> Due {
        let resting_from = self
            .pauses
            .last()
            .filter(|pause| pause.to.is_none())
            .map(|pause| pause.from);
        let mut day = self.started_on;
        let mut left = self.days;
        let mut unpublished = None;
        let mut works = |day: Date| {
            is_working(day).unwrap_or_else(|| {
                unpublished.get_or_insert(day.year());
                !is_weekend(day)
            })
        };
        while left > 0 {
            if resting_from.is_some_and(|from| from <= day + Duration::DAY) {
                return Due::Resting { left };
            }
            let Some(next) = day.next_day() else { break };
            day = next;
            let counts = !self.is_paused(day) && (self.count == Count::Calendar || works(day));
            left -= u32::from(counts);
        }
        while self.count == Count::Calendar && !works(day) {
            let Some(next) = day.next_day() else { break };
            day = next;
        }
        match unpublished {
            None => Due::On(day),
            Some(year) => Due::NotPublished { year, not_before: day },
        }
    }
}
