//! The rent of a lease month by month, from its terms alone.
//!
//! A rent month begins on the day of the month on which the lease began (on the month's last day where it has no such
//! day) and is paid whole; so a lease of so many months costs exactly so many rents. What is left at the end is paid by
//! the day: the rent times its days, by the days that its rent month would have had, rounded to the cent, halves up.

use time::{Date, Duration, Month};

use crate::money::Money;
use crate::period::ValidPeriod;

/// How often rent is paid: at the beginning of each such stretch of rent months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rhythm {
    /// 按月
    Monthly,
    /// 按季
    Quarterly,
    /// 按半年
    HalfYearly,
    /// 按年
    Yearly,
    /// 一次付清
    Once,
}

impl Rhythm {
    /// The words of the API.
    pub const WORDS: [&str; 5] = ["monthly", "quarterly", "half_yearly", "yearly", "once"];

    /// None for another word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "monthly" => Self::Monthly,
            "quarterly" => Self::Quarterly,
            "half_yearly" => Self::HalfYearly,
            "yearly" => Self::Yearly,
            "once" => Self::Once,
            _ => return None,
        })
    }

    /// The rent month with which the stretch of a rent month begins.
    fn first_of_stretch(self, month: i32) -> i32 {
        let months = match self {
            Self::Monthly => 1,
            Self::Quarterly => 3,
            Self::HalfYearly => 6,
            Self::Yearly => 12,
            Self::Once => return 0,
        };
        month / months * months
    }
}

/// What the rent follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// The first day.
    pub starts_on: Date,
    /// The last day.
    pub ends_on: Date,
    /// The rent of a rent month.
    pub monthly_rent: Money,
    /// How often it is paid.
    pub rhythm: Rhythm,
    /// So many days after the beginning of a stretch it is due.
    pub due_days: i32,
}

/// The rent of a rent month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Instalment {
    /// From 1 on.
    pub number: i32,
    /// Its days.
    pub period: ValidPeriod,
    /// The last day on which it is paid in time.
    pub due_on: Date,
    /// How much it is.
    pub amount: Money,
}

/// The day on which the rent month after so many others begins.
fn month_begins(starts_on: Date, months: i32) -> Option<Date> {
    let index = starts_on.year() * 12 + i32::from(u8::from(starts_on.month())) - 1 + months;
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12));
    let month = Month::try_from(u8::try_from(month + 1).ok()?).ok()?;
    Date::from_calendar_date(year, month, starts_on.day().min(month.length(year))).ok()
}

/// The rows of a lease's rent, the first month first; none where it ends before it begins.
#[must_use]
pub fn schedule(terms: &Terms) -> Vec<Instalment> {
    let Some(end) = terms.ends_on.next_day() else {
        return Vec::new();
    };
    let mut rows = Vec::new();
    for month in 0.. {
        let (Some(from), Some(next), Some(stretch)) = (
            month_begins(terms.starts_on, month),
            month_begins(terms.starts_on, month + 1),
            month_begins(terms.starts_on, terms.rhythm.first_of_stretch(month)),
        ) else {
            break;
        };
        if from >= end {
            break;
        }
        let to = next.min(end);
        let (days, of) = ((to - from).whole_days(), (next - from).whole_days());
        let amount = if days == of {
            terms.monthly_rent
        } else {
            part(terms.monthly_rent, days, of)
        };
        rows.push(Instalment {
            number: month + 1,
            period: ValidPeriod { from, to: Some(to) },
            due_on: stretch.saturating_add(Duration::days(terms.due_days.into())),
            amount,
        });
    }
    rows
}

/// A part of an amount, rounded to the cent, halves up.
fn part(amount: Money, days: i64, of: i64) -> Money {
    let (cents, days, of) = (i128::from(amount.cents()), i128::from(days), i128::from(of));
    Money::of_cents(i64::try_from((cents * days * 2 + of) / (of * 2)).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::date;

    use super::*;

    fn terms(starts_on: Date, ends_on: Date, rent: &str) -> Terms {
        Terms {
            starts_on,
            ends_on,
            monthly_rent: Money::parse(rent).unwrap(),
            rhythm: Rhythm::Monthly,
            due_days: 0,
        }
    }

    fn told(rows: &[Instalment]) -> Vec<(String, String, String)> {
        rows.iter()
            .map(|row| {
                (
                    row.period.from.to_string(),
                    row.due_on.to_string(),
                    row.amount.to_string(),
                )
            })
            .collect()
    }

    #[test]
    fn months_end_where_they_end_and_what_is_left_is_paid_by_the_day() {
        // Begun on the last day of January: each month begins on its last day, or on the 31st again.
        let rows = schedule(&terms(date!(2024 - 01 - 31), date!(2024 - 05 - 14), "3100.00"));
        let from: Vec<String> = rows.iter().map(|row| row.period.from.to_string()).collect();
        assert_eq!(from, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]);
        // 15 of the 31 days from 30 April to 30 May.
        assert_eq!(rows[3].amount.to_string(), "1500.00");
        assert_eq!(rows[3].period.to, Some(date!(2024 - 05 - 15)));
        // A year to the day is twelve rents and no cent more, whatever months it has.
        let year = schedule(&terms(date!(2023 - 02 - 15), date!(2024 - 02 - 14), "9386.67"));
        assert_eq!(year.len(), 12);
        assert_eq!(Money::sum(year.iter().map(|row| row.amount)).to_string(), "112640.04");
        // Halves of a cent go up: 0.01 for 15 of 30 days.
        let half = schedule(&terms(date!(2024 - 04 - 01), date!(2024 - 04 - 15), "0.01"));
        assert_eq!(half[0].amount.to_string(), "0.01");
        let less = schedule(&terms(date!(2024 - 04 - 01), date!(2024 - 04 - 14), "0.01"));
        assert_eq!(less[0].amount.to_string(), "0.00");
    }

    #[test]
    fn rent_is_due_at_the_beginning_of_each_stretch() {
        let quarterly = Terms {
            rhythm: Rhythm::Quarterly,
            due_days: 10,
            ..terms(date!(2024 - 01 - 01), date!(2024 - 05 - 31), "100.00")
        };
        assert_eq!(
            told(&schedule(&quarterly)),
            [
                ("2024-01-01", "2024-01-11", "100.00"),
                ("2024-02-01", "2024-01-11", "100.00"),
                ("2024-03-01", "2024-01-11", "100.00"),
                ("2024-04-01", "2024-04-11", "100.00"),
                ("2024-05-01", "2024-04-11", "100.00"),
            ]
            .map(|(from, due, amount)| (from.to_owned(), due.to_owned(), amount.to_owned()))
        );
        let once = Terms {
            rhythm: Rhythm::Once,
            due_days: 0,
            ..quarterly
        };
        assert!(schedule(&once).iter().all(|row| row.due_on == once.starts_on));
        for word in Rhythm::WORDS {
            assert!(Rhythm::parse(word).is_some(), "{word}");
        }
        let never = terms(date!(2024 - 01 - 02), date!(2024 - 01 - 01), "1.00");
        assert_eq!(schedule(&never), []);
    }

    proptest! {
        /// The rows cover the term without a gap, whole months cost the rent, and the sum is exact to the cent.
        #[test]
        fn the_rows_cover_the_term_and_cost_what_was_agreed(
            first in 0_i64..9_000, days in 1_i64..4_000, cents in 0_i64..10_000_000, rhythm in 0_usize..5, due_days in 0_i32..60,
        ) {
            let starts_on = date!(2010 - 01 - 01) + Duration::days(first);
            let terms = Terms {
                starts_on,
                ends_on: starts_on + Duration::days(days - 1),
                monthly_rent: Money::of_cents(cents),
                rhythm: Rhythm::parse(Rhythm::WORDS[rhythm]).unwrap(),
                due_days,
            };
            let rows = schedule(&terms);
            prop_assert_eq!(rows[0].period.from, starts_on);
            prop_assert_eq!(rows.last().unwrap().period.to, terms.ends_on.next_day());
            for pair in rows.windows(2) {
                prop_assert_eq!(pair[0].period.to, Some(pair[1].period.from));
                prop_assert_eq!(pair[0].number + 1, pair[1].number);
                prop_assert!(pair[0].due_on <= pair[1].due_on);
            }
            let (last, whole) = rows.split_last().unwrap();
            prop_assert!(whole.iter().all(|row| row.amount == terms.monthly_rent));
            prop_assert!(last.amount <= terms.monthly_rent);
            let sum = Money::sum(rows.iter().map(|row| row.amount));
            prop_assert_eq!(sum.cents(), cents * whole.len() as i64 + last.amount.cents());
            // Within half a cent of what the days are worth.
            let of = (month_begins(starts_on, last.number).unwrap() - last.period.from).whole_days();
            let worth = i128::from(cents) * i128::from((last.period.to.unwrap() - last.period.from).whole_days());
            prop_assert!((i128::from(last.amount.cents()) * i128::from(of) - worth).abs() * 2 <= i128::from(of));
            for row in &rows {
                prop_assert!(row.due_on <= row.period.from + Duration::days(due_days.into()));
            }
        }
    }
}
