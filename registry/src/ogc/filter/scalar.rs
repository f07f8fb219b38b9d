//! Values in conditions, with their types: a word is compared with a word, a day with a day.

use time::{Date, OffsetDateTime};

use super::super::held_at::{parse_day, parse_instant};
use super::super::properties::{Beside, Property, ValueKind};
use crate::request::Problem;

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    pub fn parse(operator: &str) -> Option<Self> {
        Some(match operator {
            "=" => Self::Equal,
            "<>" => Self::NotEqual,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            _ => return None,
        })
    }
}

/// What is done with two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// The quotient without its fraction.
    DivideWhole,
    Remainder,
    Power,
}

impl Arithmetic {
    pub fn parse(operator: &str) -> Option<Self> {
        Some(match operator {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "div" => Self::DivideWhole,
            "%" => Self::Remainder,
            "^" => Self::Power,
            _ => return None,
        })
    }
}

/// A value in a condition.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) enum Scalar {
    /// What the version says.
    Property(&'static Property),
    /// The end of a period that may be open.
    OpenEnd(&'static Property),
    Text(String),
    Number(f64),
    Flag(bool),
    Day(Date),
    Instant(OffsetDateTime),
    /// Before (false) or after (true) every day.
    EndOfDays(bool),
    /// Without regard to upper and lower case.
    AnyCase(Box<Scalar>),
    /// The day in China Standard Time of an instant.
    DayOf(Box<Scalar>),
    Worked(Arithmetic, Box<Scalar>, Box<Scalar>),
}

/// The types of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Class {
    Text,
    Number,
    Flag,
    Day,
    Instant,
}

impl Class {
    fn word(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::Day => "a day",
            Self::Instant => "an instant",
        }
    }
}

impl Scalar {
    pub fn class(&self) -> Class {
        match self {
            Self::Property(property) | Self::OpenEnd(property) => match property.value {
                ValueKind::Id | ValueKind::Text => Class::Text,
                ValueKind::Number | ValueKind::Whole => Class::Number,
                ValueKind::Flag => Class::Flag,
                ValueKind::Day => Class::Day,
                ValueKind::Instant => Class::Instant,
            },
            Self::Text(_) | Self::AnyCase(_) => Class::Text,
            Self::Number(_) | Self::Worked(..) => Class::Number,
            Self::Flag(_) => Class::Flag,
            Self::Day(_) | Self::DayOf(_) | Self::EndOfDays(_) => Class::Day,
            Self::Instant(_) => Class::Instant,
        }
    }

    pub fn uses(&self, beside: Beside) -> bool {
        match self {
            Self::Property(property) | Self::OpenEnd(property) => property.beside == beside,
            Self::AnyCase(inner) | Self::DayOf(inner) => inner.uses(beside),
            Self::Worked(_, left, right) => left.uses(beside) || right.uses(beside),
            _ => false,
        }
    }

    /// The value as a day, where it is one or has one.
    pub fn into_day(self) -> Option<Self> {
        match self {
            Self::Text(text) => parse_day(&text).map(Self::Day),
            Self::Instant(instant) => Some(Self::Day(crate::clock::legal_date(instant))),
            other => match other.class() {
                Class::Day => Some(other),
                Class::Instant => Some(Self::DayOf(Box::new(other))),
                _ => None,
            },
        }
    }

    /// The value as the other's type where that is a matter of writing: a text that is a day, an instant's day.
    fn towards(self, other: Class) -> Self {
        let moved = match (&self, other) {
            (Self::Text(text), Class::Instant) => parse_instant(text).map(Self::Instant),
            (Self::Text(_), Class::Day) => self.clone().into_day(),
            (_, Class::Day) if self.class() == Class::Instant => self.clone().into_day(),
            _ => None,
        };
        moved.unwrap_or(self)
    }
}

/// Makes the types of values that are compared the same.
///
/// # Errors
/// A problem where they can't be.
pub(super) fn alike(values: Vec<Scalar>) -> Result<Vec<Scalar>, Problem> {
    // Towards a day where one is among them, else towards what is not merely written as a text.
    let classes: Vec<Class> = values.iter().map(Scalar::class).collect();
    let aim = if classes.contains(&Class::Day) {
        Class::Day
    } else {
        classes
            .iter()
            .zip(&values)
            .find(|(_, value)| !matches!(value, Scalar::Text(_)))
            .map_or(Class::Text, |(class, _)| *class)
    };
    let values: Vec<Scalar> = values.into_iter().map(|value| value.towards(aim)).collect();
    match values.iter().map(Scalar::class).find(|class| *class != aim) {
        None => Ok(values),
        Some(class) => Err(
            Problem::bad("filter", format!("{} is compared with {}", aim.word(), class.word())).remedy(
                "the queryables of the collection say what type each property has; write a day as DATE('2024-06-30')",
            ),
        ),
    }
}
