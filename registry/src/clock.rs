//! The one source of time. The database never supplies "now": a request's clock does, so that the row, its ledger
//! entry and the answer agree to the microsecond, and tests can stand still.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use time::{Date, OffsetDateTime, UtcOffset};

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
    pub fn advance(&self, by: time::Duration) {
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
    let china = UtcOffset::from_hms(8, 0, 0).unwrap_or(UtcOffset::UTC);
    instant.to_offset(china).date()
}

fn micros(instant: OffsetDateTime) -> i64 {
    i64::try_from(instant.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

fn from_micros(micros: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
