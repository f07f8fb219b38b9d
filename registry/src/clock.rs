//! The one source of time. The database never supplies "now": a request's clock does, so that the row, its ledger
//! entry and the answer agree to the microsecond, and tests can stand still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Date, Duration, OffsetDateTime, UtcOffset};

/// Where "now" comes from.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that tests set and move: microseconds since 1970-01-01T00:00Z.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `instant` until it is moved.
    #[must_use]
    pub fn fixed(instant: OffsetDateTime) -> Self {
        Self::Fixed(Arc::new(AtomicI64::new(micros(instant))))
    }

    /// Now, UTC, cut to the microseconds that PostgreSQL keeps.
    #[must_use]
    pub fn now(&self) -> OffsetDateTime {
        match self {
            Self::System => from_micros(micros(OffsetDateTime::now_utc())),
            Self::Fixed(at) => from_micros(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a fixed clock forward; the system's clock is left alone.
    pub fn advance(&self, by: Duration) {
        if let Self::Fixed(at) = self {
            let by = i64::try_from(by.whole_microseconds()).unwrap_or(i64::MAX);
            at.fetch_add(by, Ordering::SeqCst);
        }
    }

    /// Today in China Standard Time (UTC+8, without daylight saving since 1991), in which every legal date is read.
    #[must_use]
    pub fn today(&self) -> Date {
        legal_date(self.now())
    }
}

/// The calendar day of an instant in China Standard Time.
#[must_use]
pub fn legal_date(instant: OffsetDateTime) -> Date {
    instant.to_offset(china()).date()
}

/// The last instant of a calendar day in China Standard Time, to the microseconds that PostgreSQL keeps; none of the last
/// day there is.
#[must_use]
pub fn end_of(day: Date) -> Option<OffsetDateTime> {
    let next = day.next_day()?;
    Some(next.midnight().assume_offset(china()) - Duration::microseconds(1))
}

fn china() -> UtcOffset {
    UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC)
}

fn micros(instant: OffsetDateTime) -> i64 {
    i64::try_from(instant.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

fn from_micros(micros: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;

    #[test]
    fn a_legal_day_ends_a_microsecond_before_the_next_one_begins() {
        let end = end_of(date!(2026 - 12 - 01)).unwrap();
        assert_eq!(end, datetime!(2026-12-01 15:59:59.999999 UTC));
        assert_eq!(legal_date(end), date!(2026 - 12 - 01));
        assert_eq!(legal_date(end + Duration::microseconds(1)), date!(2026 - 12 - 02));
        assert_eq!(end_of(Date::MAX), None);
    }
}
