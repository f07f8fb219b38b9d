//! What the meters say: next to no consumption for a quarter speaks for idleness, the usual amount against it. ADR 22 says
//! why these figures.

use rust_decimal::prelude::ToPrimitive;
use sqlx::PgConnection;
use time::{Date, Duration};
use uuid::Uuid;

use super::evidence::{Reason, ReasonKind};
use crate::period::{ValidPeriod, valid_period};
use crate::request::Fault;

/// At or below this share of what was usual a building stands still: something always runs.
const STILL: f64 = 0.1;
/// From this share on it is used as ever.
const USUAL: f64 = 0.5;
/// So many days of standing still are a sign; a holiday is none.
const STILL_DAYS: i64 = 90;
/// So many days must be known before, to say what was usual, and no more are looked at.
const KNOWN_DAYS: i64 = 180;
const YEAR_DAYS: i64 = 365;
/// A reading that ended longer ago says nothing of today.
const FRESH_DAYS: i64 = 120;

/// A reading: its days and what was consumed in them.
#[derive(Debug, Clone, Copy)]
struct Reading {
    from: Date,
    to: Date,
    quantity: f64,
}

impl Reading {
    fn new(valid: ValidPeriod, quantity: f64) -> Self {
        Self {
            from: valid.from,
            to: valid.to.unwrap_or(valid.from),
            quantity,
        }
    }

    fn days(&self) -> i64 {
        (self.to - self.from).whole_days().max(1)
    }

    fn a_day(&self) -> f64 {
        self.quantity / self.days() as f64
    }
}

/// What was consumed a day, in the year before what follows; none where too little is known or nothing was consumed.
fn usual(earlier: &[Reading]) -> Option<f64> {
    let last = earlier.last()?.to;
    let (mut days, mut quantity) = (0, 0.0);
    for reading in earlier
        .iter()
        .rev()
        .take_while(|reading| last - reading.to < Duration::days(YEAR_DAYS))
    {
        days += reading.days();
        quantity += reading.quantity;
    }
    (days >= KNOWN_DAYS && quantity > 0.0).then(|| quantity / days as f64)
}

/// What readings of one meter, in the order of their days, say of a day.
fn told(readings: &[Reading], today: Date) -> Option<Reason> {
    let last = readings.last()?;
    if today - last.to > Duration::days(FRESH_DAYS) {
        return None;
    }
    // The longest run at the end that stands still against what was usual before it.
    for first in 1..readings.len() {
        let (earlier, run) = readings.split_at(first);
        let Some(usual) = usual(earlier) else { continue };
        if run.iter().all(|reading| reading.a_day() <= usual * STILL) {
            if run.iter().map(Reading::days).sum::<i64>() < STILL_DAYS {
                return None;
            }
            let mut reason = Reason::new(ReasonKind::ConsumptionFell, run.first()?.from);
            let consumed: f64 = run.iter().map(|reading| reading.quantity).sum();
            let share = consumed / run.iter().map(Reading::days).sum::<i64>() as f64 / usual;
            reason.share = Some((share * 1e4).round() / 1e4);
            return Some(reason);
        }
    }
    let (last, earlier) = readings.split_last()?;
    let usual = usual(earlier)?;
    (last.a_day() >= usual * USUAL).then(|| {
        let mut reason = Reason::new(ReasonKind::ConsumptionUsual, last.from);
        reason.share = Some((last.a_day() / usual * 1e4).round() / 1e4);
        reason
    })
}

/// What the building's meters say: of electricity where it is read, else of water. Gas and heat stand still every summer.
pub(super) async fn of_meters(
    connection: &mut PgConnection,
    building: Uuid,
    today: Date,
) -> Result<Option<Reason>, Fault> {
    let rows = sqlx::query!(
        "select utility, valid, quantity from meter_version
          where building_id = $1 and utility in ('electricity', 'water') and upper_inf(recorded) and upper(valid) <= $2::date + 1
          order by lower(valid)",
        building,
        today,
    )
    .fetch_all(connection)
    .await?;
    let of = |utility: &str| -> Vec<Reading> {
        rows.iter()
            .filter(|row| row.utility == utility)
            .map(|row| Reading::new(valid_period(&row.valid), row.quantity.to_f64().unwrap_or_default()))
            .collect()
    };
    Ok(told(&of("electricity"), today).or_else(|| told(&of("water"), today)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;

    use super::*;

    /// Readings of thirty days each, the last of which ends on a day.
    fn readings(ends: Date, amounts: &[f64]) -> Vec<Reading> {
        let months = amounts.len() as i64;
        amounts
            .iter()
            .zip(0..)
            .map(|(quantity, month)| {
                let to = ends - Duration::days(30 * (months - 1 - month));
                Reading::new(
                    ValidPeriod {
                        from: to - Duration::days(30),
                        to: Some(to),
                    },
                    *quantity,
                )
            })
            .collect()
    }

    const TODAY: Date = date!(2026 - 11 - 21);

    #[test]
    fn a_quarter_of_next_to_nothing_is_a_sign_and_less_is_none() {
        let six = [900.0, 1100.0, 1000.0, 1000.0, 950.0, 1050.0];
        let with = |more: &[f64]| told(&readings(date!(2026 - 11 - 01), &[&six, more].concat()), TODAY);
        let sign = with(&[100.0, 20.0, 0.0]).unwrap();
        assert_eq!(
            (sign.kind, sign.since),
            (ReasonKind::ConsumptionFell, date!(2026 - 08 - 03))
        );
        assert_eq!(sign.share, Some(0.04));
        // Two months; above a tenth; half of what is usual; less than half says nothing.
        assert_eq!(with(&[20.0, 20.0]), None);
        assert_eq!(with(&[101.0, 20.0, 20.0]), None);
        assert_eq!(
            with(&[500.0]).map(|reason| reason.kind),
            Some(ReasonKind::ConsumptionUsual)
        );
        assert_eq!(with(&[499.0]), None);
        // Used again: what is usual is that of the year, with the months that stood still.
        let again = with(&[20.0, 20.0, 20.0, 400.0]).map(|reason| reason.kind);
        assert_eq!(again, Some(ReasonKind::ConsumptionUsual));
        // Too little is known of before, or it is long ago.
        assert_eq!(
            told(
                &readings(date!(2026 - 11 - 01), &[1000.0, 1000.0, 1.0, 1.0, 1.0]),
                TODAY
            ),
            None
        );
        let old = readings(date!(2026 - 07 - 01), &[&six[..], &[1.0, 1.0, 1.0]].concat());
        assert_eq!(told(&old, TODAY), None);
        assert_eq!(told(&[], TODAY), None);
    }

    proptest! {
        /// The meter's unit is nothing to it, and a building that consumed nothing ever says nothing.
        #[test]
        fn the_scale_is_nothing_to_it(amounts in prop::collection::vec(0.0f64..1e4, 0..24), factor in 1e-3f64..1e3) {
            let ends = date!(2026 - 11 - 01);
            let one = told(&readings(ends, &amounts), TODAY);
            let scaled: Vec<f64> = amounts.iter().map(|amount| amount * factor).collect();
            let other = told(&readings(ends, &scaled), TODAY);
            prop_assert_eq!(one.map(|reason| (reason.kind, reason.since)), other.map(|reason| (reason.kind, reason.since)));
            let nothing = vec![0.0; amounts.len()];
            prop_assert_eq!(told(&readings(ends, &nothing), TODAY), None);
        }
    }
}
