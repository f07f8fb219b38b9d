//! One step of arithmetic, as it is shown.

use rust_decimal::Decimal;
use serde::Serialize;

/// A text in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Words {
    /// 中文
    pub zh: &'static str,
    /// English
    pub en: &'static str,
}

/// A text in both languages.
pub(crate) const fn words(zh: &'static str, en: &'static str) -> Words {
    Words { zh, en }
}

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Source {
    /// The document and the part of it, with the article where that is known.
    pub text: Words,
    /// Was it found in a printed source? What was not is a setting that a bureau confirms or changes.
    pub is_confirmed: bool,
}

impl Source {
    pub(crate) const fn confirmed(zh: &'static str, en: &'static str) -> Self {
        Self {
            text: words(zh, en),
            is_confirmed: true,
        }
    }

    pub(crate) const fn setting(zh: &'static str, en: &'static str) -> Self {
        Self {
            text: words(zh, en),
            is_confirmed: false,
        }
    }
}

/// What a result is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Persons.
    Persons,
    /// m² of use area a person.
    UseAreaPerPerson,
    /// m² of use area.
    UseArea,
    /// m² of building area.
    BuildingArea,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// A name for programs.
    pub key: &'static str,
    /// What it is.
    pub name: Words,
    /// How it is worked out, in letters.
    pub formula: Words,
    /// The same with figures.
    pub values: String,
    /// What comes out, exact.
    pub result: Decimal,
    /// In what.
    pub measure: Measure,
    /// Where the figure comes from.
    pub source: Source,
}

/// A figure without needless zeros, at most four decimals.
pub(crate) fn plain(figure: Decimal) -> String {
    figure.round_dp(4).normalize().to_string()
}
