//! Money: yuan with two decimals at most, exact. A binary fraction can't say most of them, so JSON numbers aren't taken:
//! an amount is a text.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The first amount that is too large, yuan.
const TOO_LARGE: Decimal = Decimal::from_parts(1_316_134_912, 2328, 0, false, 0);

/// An amount of yuan (元), not negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Money(Decimal);

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyRefused {
    /// It is no number, or has a sign, an exponent or blanks.
    #[error("it is no amount: write yuan with two decimals, as \"1234.50\"")]
    Form,
    /// Smaller than a cent (分).
    #[error("it has more than two decimals, and nothing is smaller than a cent (中国人民银行法 art. 17)")]
    TooFine,
    /// Larger than anything that is sold.
    #[error("it is too large: below 10 000 000 000 000 yuan")]
    TooLarge,
}

impl Money {
    /// Nothing.
    pub const NOTHING: Self = Self(Decimal::ZERO);

    /// Reads `1234`, `1234.5` or `1234.50`.
    ///
    /// # Errors
    /// Why it is no amount.
    pub fn parse(text: &str) -> Result<Self, MoneyRefused> {
        let (whole, cents) = text.split_once('.').unwrap_or((text, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digits(whole) || !digits(cents) || (text.contains('.') && cents.is_empty()) {
            return Err(MoneyRefused::Form);
        }
        if cents.len() > 2 {
            return Err(MoneyRefused::TooFine);
        }
        if whole.trim_start_matches('0').len() > 13 {
            return Err(MoneyRefused::TooLarge);
        }
        let amount = Decimal::from_str(text).map_err(|_| MoneyRefused::Form)?;
        if amount >= TOO_LARGE {
            return Err(MoneyRefused::TooLarge);
        }
        let mut amount = amount;
        amount.rescale(2);
        Ok(Self(amount))
    }

    /// So many cents (分); what is negative is nothing.
    #[must_use]
    pub fn of_cents(cents: i64) -> Self {
        Self(Decimal::new(cents.max(0), 2))
    }

    /// So many cents.
    #[must_use]
    pub fn cents(self) -> i64 {
        // Below 10¹³ yuan they fit.
        i64::try_from((self.0 * Decimal::ONE_HUNDRED).trunc().mantissa()).unwrap_or(i64::MAX)
    }

    /// What is left after taking away an amount; nothing where that is more.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self::of_cents(self.cents() - other.cents())
    }

    /// An amount as the database keeps it.
    ///
    /// # Errors
    /// Why it is no amount.
    pub fn kept(yuan: Decimal) -> Result<Self, MoneyRefused> {
        Self::parse(&yuan.normalize().to_string())
    }

    /// The exact number of yuan.
    #[must_use]
    pub fn yuan(self) -> Decimal {
        self.0
    }

    /// Is it at least so many per cent of another amount? Exact.
    #[must_use]
    pub fn reaches(self, per_cent: Decimal, of: Self) -> bool {
        self.0 * Decimal::ONE_HUNDRED >= of.0 * per_cent
    }

    /// The sum of several.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Self {
        let mut sum: Decimal = amounts.into_iter().map(|amount| amount.0).sum();
        sum.rescale(2);
        Self(sum)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.2}", self.0)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn money_has_two_decimals_and_is_no_float() {
        for (text, shown) in [
            ("0", "0.00"),
            ("1234.5", "1234.50"),
            ("007.05", "7.05"),
            ("9999999999999.99", "9999999999999.99"),
        ] {
            assert_eq!(Money::parse(text).unwrap().to_string(), shown);
        }
        for (text, refused) in [
            ("1.234", MoneyRefused::TooFine),
            ("1.000", MoneyRefused::TooFine),
            ("", MoneyRefused::Form),
            ("-1", MoneyRefused::Form),
            ("1e3", MoneyRefused::Form),
            (".5", MoneyRefused::Form),
            ("1.", MoneyRefused::Form),
            ("１", MoneyRefused::Form),
            ("1 000", MoneyRefused::Form),
            ("10000000000000", MoneyRefused::TooLarge),
            ("99999999999999999999999999999999", MoneyRefused::TooLarge),
        ] {
            assert_eq!(Money::parse(text), Err(refused), "{text}");
        }
        assert!(
            serde_json::from_str::<Money>("1234.5").is_err(),
            "a JSON number is a float"
        );
        assert_eq!(
            serde_json::from_str::<Money>("\"1234.5\"").unwrap().to_string(),
            "1234.50"
        );
        let ninety = Decimal::from(90);
        let appraised = Money::parse("1000.00").unwrap();
        assert!(Money::parse("900.00").unwrap().reaches(ninety, appraised));
        assert!(!Money::parse("899.99").unwrap().reaches(ninety, appraised));
    }

    proptest! {
        #[test]
        fn sums_are_exact_and_what_is_written_is_read(cents in prop::collection::vec(0_u64..1_000_000_000, 0..20)) {
            let amounts: Vec<Money> = cents.iter().map(|cents| Money::parse(&format!("{}.{:02}", cents / 100, cents % 100)).unwrap()).collect();
            let all: u64 = cents.iter().sum();
            let sum = Money::sum(amounts);
            prop_assert_eq!(sum.to_string(), format!("{}.{:02}", all / 100, all % 100));
            prop_assert_eq!(Money::parse(&sum.to_string()).unwrap(), sum);
            prop_assert_eq!(sum.cents() as u64, all);
            prop_assert_eq!(Money::kept(sum.yuan()).unwrap(), sum);
            prop_assert_eq!(sum.less(sum), Money::NOTHING);
            prop_assert_eq!(Money::NOTHING.less(sum), Money::NOTHING);
        }
    }
}
