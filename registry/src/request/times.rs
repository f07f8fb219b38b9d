//! The two dates every read can be asked for: `as_of` (true in law on that day) and `known_at` (known at that instant).

use axum::extract::{FromRef, FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use super::Problem;
use crate::clock::{Clock, legal_date};

/// A day written as `2024-06-30`, and nothing else: of an instant the hour would be lost, and with it maybe the day.
#[must_use]
pub fn day(text: &str) -> Option<Date> {
    // Ten characters: the format would take a sign before the year.
    let day = (text.len() == 10).then(|| Date::parse(text, format_description!("[year]-[month]-[day]")));
    day?.ok()
}

/// The moment a read looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// True in law on this day (China Standard Time).
    pub as_of: Date,
    /// As the registry knew it at this instant.
    pub known_at: OffsetDateTime,
    /// Neither was asked for: the state of now.
    pub is_now: bool,
    /// `known_at` was asked for, and is not merely the instant of the request.
    pub known_at_asked: bool,
}

#[derive(Deserialize)]
struct Asked {
    as_of: Option<String>,
    known_at: Option<String>,
}

impl Times {
    /// Now, by a clock.
    #[must_use]
    pub fn now(clock: &Clock) -> Self {
        let now = clock.now();
        Self {
            as_of: legal_date(now),
            known_at: now,
            is_now: true,
            known_at_asked: false,
        }
    }

    /// Reads the two parameters.
    ///
    /// # Errors
    /// A problem naming the parameter that is no date or instant.
    pub fn parse(as_of: Option<&str>, known_at: Option<&str>, clock: &Clock) -> Result<Self, Problem> {
        let mut times = Self::now(clock);
        if let Some(text) = as_of.filter(|text| !text.is_empty()) {
            times.as_of = day(text).ok_or_else(|| {
                Problem::bad("as_of", format!("{text:?} is no date")).remedy("write the day as 2024-06-30")
            })?;
            times.is_now = false;
        }
        if let Some(text) = known_at.filter(|text| !text.is_empty()) {
            // A `+` that a client left unescaped arrives as a blank.
            times.known_at = OffsetDateTime::parse(&text.replace(' ', "+"), &Rfc3339).map_err(|_| {
                Problem::bad("known_at", format!("{text:?} is no instant"))
                    .remedy("write it by RFC 3339, as 2024-06-30T12:00:00Z")
            })?;
            times.is_now = false;
            times.known_at_asked = true;
        }
        Ok(times)
    }
}

impl<S> FromRequestParts<S> for Times
where
    Clock: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(asked) =
            Query::<Asked>::try_from_uri(&parts.uri).map_err(|error| Problem::bad("query", error.body_text()))?;
        Self::parse(
            asked.as_of.as_deref(),
            asked.known_at.as_deref(),
            &Clock::from_ref(state),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::day;
    use time::macros::date;

    #[test]
    fn a_day_is_a_day_and_nothing_else() {
        assert_eq!(day("2024-02-29"), Some(date!(2024 - 02 - 29)));
        for text in [
            "",
            "2024",
            "2024-02-30",
            "2024-06-29T16:00:00Z",
            "2024-06-29 ",
            "20240629",
            "2024-W26-6",
            "2024-181",
            "24-06-29",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }
}
