//! `datetime` and `known_at`: which versions a question is about.
//!
//! An instant is the day it falls on in China Standard Time, and asks for what held on that day. An interval asks for
//! every object that existed within it, each once, as its last version there says it: an id never comes twice.

use sqlx::{Postgres, QueryBuilder};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::asked::Asked;
use crate::clock::{Clock, legal_date};
use crate::request::{Problem, Times};

/// The days a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Days {
    /// What held on a day.
    On(Date),
    /// What held on some day from the first to the last, both included.
    Within(Option<Date>, Option<Date>),
}

/// Which versions a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeldAt {
    /// True in law on these days.
    pub days: Days,
    /// Known to the registry at this instant.
    pub known_at: OffsetDateTime,
}

impl HeldAt {
    /// Reads `datetime` and `known_at`; without them it is today, as known now.
    ///
    /// # Errors
    /// A problem on the parameter that is no time.
    pub fn parse(asked: &Asked, clock: &Clock) -> Result<Self, Problem> {
        let times = Times::parse(None, asked.get("known_at"), clock)?;
        let days = match asked.get("datetime") {
            None => Days::On(times.as_of),
            Some(text) => parse_days(text)?,
        };
        Ok(Self {
            days,
            known_at: times.known_at,
        })
    }

    /// The day on which units' names are read.
    pub fn last_day(self, clock: &Clock) -> Date {
        match self.days {
            Days::On(day) | Days::Within(_, Some(day)) => day,
            Days::Within(_, None) => clock.today(),
        }
    }

    /// The two parameters that ask the same again later.
    pub fn as_parameters(self) -> [(&'static str, String); 2] {
        let end = |day: Option<Date>| day.map_or_else(|| "..".to_owned(), |day| day.to_string());
        let days = match self.days {
            Days::On(day) => day.to_string(),
            Days::Within(first, last) => format!("{}/{}", end(first), end(last)),
        };
        let known_at = self.known_at.format(&Rfc3339).unwrap_or_default();
        [("datetime", days), ("known_at", known_at)]
    }

    /// The condition on the version `v`.
    pub fn push(self, select: &mut QueryBuilder<Postgres>) {
        select.push("v.recorded @> ").push_bind(self.known_at);
        match self.days {
            Days::On(day) => {
                select.push(" and v.valid @> ").push_bind(day);
            }
            Days::Within(first, last) => {
                let range = |select: &mut QueryBuilder<Postgres>| {
                    select
                        .push("daterange(")
                        .push_bind(first)
                        .push(", ")
                        .push_bind(last)
                        .push(", '[]')");
                };
                select.push(" and v.valid && ");
                range(select);
                select.push(
                    " and not exists (select from spatial_unit_version later where later.object_id = v.object_id \
                     and lower(later.valid) > lower(v.valid) and later.recorded @> ",
                );
                select.push_bind(self.known_at).push(" and later.valid && ");
                range(select);
                select.push(")");
            }
        }
    }
}

fn parse_days(text: &str) -> Result<Days, Problem> {
    let refuse = |detail: String| {
        Problem::bad("datetime", detail).remedy(
            "write an instant or a day (2024-06-30T12:00:00Z, 2024-06-30) or an interval of two, \
             .. where it is open: 2024-01-01/2024-12-31, ../2024-06-30",
        )
    };
    let day = |text: &str| parse_day(text).ok_or_else(|| refuse(format!("{text:?} is no time")));
    match text.split_once('/') {
        None => day(text).map(Days::On),
        Some((first, last)) => {
            let end = |text: &str| match text {
                "" | ".." => Ok(None),
                text => day(text).map(Some),
            };
            let (first, last) = (end(first)?, end(last)?);
            if let (Some(first), Some(last)) = (first, last)
                && first > last
            {
                return Err(refuse(format!("the interval {text:?} ends before it begins")));
            }
            Ok(Days::Within(first, last))
        }
    }
}

/// A day, or the day of an instant in China Standard Time; years from 1 to 9999.
pub(super) fn parse_day(text: &str) -> Option<Date> {
    // Not the whole of ISO 8601, which would take an instant for a day and pass over its time.
    let day = match Date::parse(text, format_description!("[year]-[month]-[day]")) {
        Ok(day) => day,
        Err(_) => legal_date(parse_instant(text)?),
    };
    (1..=9999).contains(&day.year()).then_some(day)
}

/// An instant by RFC 3339. A `+` that a client left unescaped arrives as a blank.
pub(super) fn parse_instant(text: &str) -> Option<OffsetDateTime> {
    OffsetDateTime::parse(text, &Rfc3339)
        .or_else(|_| OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339))
        .ok()
        .filter(|instant| (1..=9998).contains(&instant.year()))
}

#[cfg(test)]
mod tests {
    use time::macros::date;

    use super::*;

    #[test]
    fn instants_are_days_of_china_and_intervals_have_open_ends() {
        let day = date!(2024 - 06 - 30);
        for (text, days) in [
            ("2024-06-30", Days::On(day)),
            ("2024-06-30T12:00:00Z", Days::On(day)),
            ("2024-06-29T16:00:00Z", Days::On(day)),
            ("2024-06-30T00:00:00 08:00", Days::On(day)),
            ("2024-06-30/..", Days::Within(Some(day), None)),
            ("../2024-06-30", Days::Within(None, Some(day))),
            ("/2024-06-30", Days::Within(None, Some(day))),
            ("2024-06-30/2024-06-30T15:00:00Z", Days::Within(Some(day), Some(day))),
        ] {
            assert_eq!(parse_days(text).unwrap(), days, "{text}");
        }
        for nonsense in [
            "now",
            "2024",
            "2024-13-01",
            "2024-06-30/2024-06-29",
            "a/b",
            "2024-06-30/2024-07-01/2024-08-01",
            "0000-01-01",
            "+99999-01-01",
            "-0001-01-01",
            "2024-06-30T25:00:00Z",
        ] {
            assert_eq!(parse_days(nonsense).unwrap_err().status, 400, "{nonsense}");
        }
    }
}
