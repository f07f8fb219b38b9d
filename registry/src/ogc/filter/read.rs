//! From the crate's expression to a typed condition. Whatever is not supported is refused by its name.

use cql2::Expr;
use pest::error::LineColLocation;

use super::super::crs::Crs;
use super::super::held_at::{parse_day, parse_instant};
use super::super::properties::{GEOMETRY, Property, ValueKind, find, properties_of};
use super::scalar::{Arithmetic, Class, Comparison, Scalar, alike};
use super::spatial::relation;
use super::temporal::{Span, relate};
use super::{Condition, Language};
use crate::request::Problem;
use crate::spatial_units::Kind;

/// How deep an expression may be, and how many parts it may have.
const DEEPEST: usize = 64;
const MOST_PARTS: usize = 2_000;

/// Reads a filter. Called on a thread with room: the crate's reading is as deep as the text.
pub(super) fn filter(text: &str, language: Language, kind: Kind, crs: Crs) -> Result<Condition, Problem> {
    let expression = match language {
        Language::Text => cql2::parse_text(text).map_err(|error| not_understood(&place_of(&error, text)))?,
        Language::Json => cql2::parse_json(text).map_err(|error| not_understood(&error.to_string()))?,
    };
    let mut reader = Reader { kind, crs, parts: 0 };
    reader.condition(&expression, 0)
}

fn not_understood(words: &str) -> Problem {
    Problem::bad("filter", format!("the filter is not understood: {words}")).remedy(
        "write CQL2 as text, for example usage = 'commercial' AND area_m2 > 500, or as JSON with filter-lang=cql2-json",
    )
}

/// Where the grammar stopped, in words for whoever wrote the text.
fn place_of(error: &cql2::Error, text: &str) -> String {
    let cql2::Error::Pest(error) = error else {
        return error.to_string();
    };
    if error.variant.message().contains("call limit") {
        return "it is too tangled; write it with fewer brackets".to_owned();
    }
    let (line, column) = match error.line_col {
        LineColLocation::Pos(place) | LineColLocation::Span(place, _) => place,
    };
    let rest: String = text
        .lines()
        .nth(line.saturating_sub(1))
        .unwrap_or_default()
        .chars()
        .skip(column.saturating_sub(1))
        .take(30)
        .collect();
    if rest.trim().is_empty() {
        format!("it ends too early, in line {line} at character {column}")
    } else {
        format!("line {line}, character {column}, before {rest:?}")
    }
}

/// The refusal of what CQL2 has and we don't.
pub(super) fn unsupported(what: &str) -> Problem {
    Problem::bad("filter", format!("{what} is not supported"))
        .remedy("see /ogc/conformance for the parts of CQL2 that are")
        .code("unsupported")
}

/// A property named in the address with the value it must have.
///
/// # Errors
/// A problem on the property where the value is not of its type.
pub(in super::super) fn equals(property: &'static Property, text: &str) -> Result<Condition, Problem> {
    let refuse = |what: &str| Problem::bad(property.name, format!("{text:?} is no {what}"));
    let value = match property.value {
        ValueKind::Id | ValueKind::Text => Scalar::Text(text.to_owned()),
        ValueKind::Number | ValueKind::Whole => Scalar::Number(
            text.parse()
                .ok()
                .filter(|number: &f64| number.is_finite())
                .ok_or_else(|| refuse("number"))?,
        ),
        ValueKind::Flag => Scalar::Flag(text.parse().map_err(|_| refuse("true or false"))?),
        ValueKind::Day => Scalar::Day(parse_day(text).ok_or_else(|| refuse("day"))?),
        ValueKind::Instant => Scalar::Instant(parse_instant(text).ok_or_else(|| refuse("instant"))?),
    };
    Ok(Condition::Compare(Comparison::Equal, Scalar::Property(property), value))
}

/// Reads an expression about a collection, its geometries in a coordinate system.
pub(super) struct Reader {
    pub kind: Kind,
    pub crs: Crs,
    parts: usize,
}

impl Reader {
    /// Counts a part, and how deep it stands.
    pub fn step(&mut self, depth: usize) -> Result<(), Problem> {
        self.parts += 1;
        if depth > DEEPEST {
            return Err(Problem::bad(
                "filter",
                format!("the filter is nested deeper than {DEEPEST} times"),
            ));
        }
        if self.parts > MOST_PARTS {
            return Err(Problem::bad(
                "filter",
                format!("the filter has more than {MOST_PARTS} parts"),
            ));
        }
        Ok(())
    }

    fn condition(&mut self, expression: &Expr, depth: usize) -> Result<Condition, Problem> {
        self.step(depth)?;
        match expression {
            Expr::Bool(holds) => Ok(Condition::Always(*holds)),
            Expr::Property { property } => {
                let property = self.property(property)?;
                if property.value == ValueKind::Flag {
                    Ok(Condition::Flag(property))
                } else {
                    Err(Problem::bad(
                        "filter",
                        format!("{} alone is no condition: compare it with something", property.name),
                    ))
                }
            }
            Expr::Operation { op, args } => self.operation(op, args, depth),
            Expr::Float(_) | Expr::Literal(_) | Expr::Array(_) | Expr::Null => {
                Err(Problem::bad("filter", "a value alone is no condition"))
            }
            Expr::Interval { .. } | Expr::Timestamp { .. } | Expr::Date { .. } => {
                Err(Problem::bad("filter", "a time alone is no condition"))
            }
            Expr::BBox { .. } | Expr::Geometry(_) => Err(Problem::bad("filter", "a geometry alone is no condition")),
        }
    }

    fn operation(&mut self, operator: &str, arguments: &[Box<Expr>], depth: usize) -> Result<Condition, Problem> {
        let wrong_number = |wanted: &str| {
            Problem::bad(
                "filter",
                format!("{operator} takes {wanted}, and {} are given", arguments.len()),
            )
        };
        if let Some(comparison) = Comparison::parse(operator) {
            let [left, right] = arguments else {
                return Err(wrong_number("two values"));
            };
            let values = vec![self.scalar(left, depth + 1)?, self.scalar(right, depth + 1)?];
            let values: [Scalar; 2] = alike(values)?.try_into().map_err(|_| wrong_number("two values"))?;
            let [left, right] = values;
            if left.class() == Class::Flag && !matches!(comparison, Comparison::Equal | Comparison::NotEqual) {
                return Err(Problem::bad("filter", "true and false have no order"));
            }
            // The property first: it is how the index of ids is found.
            let turns = matches!(comparison, Comparison::Equal | Comparison::NotEqual)
                && matches!(right, Scalar::Property(_))
                && !matches!(left, Scalar::Property(_));
            let (left, right) = if turns { (right, left) } else { (left, right) };
            return Ok(Condition::Compare(comparison, left, right));
        }
        if let Some(relation) = relation(operator) {
            let [left, right] = arguments else {
                return Err(wrong_number("two geometries"));
            };
            return self.spatial(operator, relation, left, right);
        }
        match operator {
            "and" | "or" => {
                if arguments.len() < 2 {
                    return Err(wrong_number("two conditions or more"));
                }
                let parts = arguments
                    .iter()
                    .map(|argument| self.condition(argument, depth + 1))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(if operator == "and" {
                    Condition::All(parts)
                } else {
                    Condition::Any(parts)
                })
            }
            "not" => {
                let [inner] = arguments else {
                    return Err(wrong_number("one condition"));
                };
                Ok(Condition::Not(Box::new(self.condition(inner, depth + 1)?)))
            }
            "between" => {
                let [value, low, high] = arguments else {
                    return Err(wrong_number("a value and two bounds"));
                };
                let values = vec![
                    self.scalar(value, depth + 1)?,
                    self.scalar(low, depth + 1)?,
                    self.scalar(high, depth + 1)?,
                ];
                let values: [Scalar; 3] = alike(values)?.try_into().map_err(|_| wrong_number("three values"))?;
                let [value, low, high] = values;
                if value.class() == Class::Flag {
                    return Err(Problem::bad("filter", "true and false have no order"));
                }
                Ok(Condition::Between(value, low, high))
            }
            "like" => {
                let [value, pattern] = arguments else {
                    return Err(wrong_number("a text and a pattern"));
                };
                let (value, pattern) = (self.scalar(value, depth + 1)?, self.scalar(pattern, depth + 1)?);
                if value.class() != Class::Text || pattern.class() != Class::Text {
                    return Err(Problem::bad("filter", "like compares a text with a pattern"));
                }
                refuse_half_escape(&pattern)?;
                Ok(Condition::Like(value, pattern))
            }
            "in" => {
                let [value, list] = arguments else {
                    return Err(wrong_number("a value and a list"));
                };
                let Expr::Array(list) = list.as_ref() else {
                    return Err(Problem::bad("filter", "in needs a list in brackets"));
                };
                let mut values = vec![self.scalar(value, depth + 1)?];
                for one in list {
                    values.push(self.scalar(one, depth + 1)?);
                }
                let mut values = alike(values)?.into_iter();
                match values.next() {
                    Some(value) if values.len() > 0 => Ok(Condition::OneOf(value, values.collect())),
                    _ => Err(Problem::bad("filter", "in needs a list with something in it")),
                }
            }
            "isNull" => {
                let [value] = arguments else {
                    return Err(wrong_number("one value"));
                };
                match value.as_ref() {
                    Expr::Property { property } if property == GEOMETRY => Ok(Condition::MissingGeometry),
                    value => Ok(Condition::Missing(self.scalar(value, depth + 1)?)),
                }
            }
            temporal if temporal.starts_with("t_") => {
                let [left, right] = arguments else {
                    return Err(wrong_number("two times"));
                };
                relate(temporal, self.span(left, depth + 1)?, self.span(right, depth + 1)?)
            }
            array if array.starts_with("a_") => Err(unsupported(&format!("the array function {array}"))),
            other => match Arithmetic::parse(other) {
                Some(_) => Err(Problem::bad("filter", "a number alone is no condition")),
                None => Err(unsupported(&format!("the function {other:?}"))),
            },
        }
    }

    fn scalar(&mut self, expression: &Expr, depth: usize) -> Result<Scalar, Problem> {
        self.step(depth)?;
        match expression {
            Expr::Property { property } => self.property(property).map(Scalar::Property),
            Expr::Float(number) if number.is_finite() => Ok(Scalar::Number(*number)),
            Expr::Float(_) => Err(Problem::bad("filter", "a number is too large")),
            Expr::Literal(text) => text_of(text),
            Expr::Bool(flag) => Ok(Scalar::Flag(*flag)),
            Expr::Date { date } => match date.as_ref() {
                Expr::Literal(text) => plain_day(text),
                _ => Err(Problem::bad("filter", "DATE needs a day as a text")),
            },
            Expr::Timestamp { timestamp } => match timestamp.as_ref() {
                Expr::Literal(text) => instant(text),
                _ => Err(Problem::bad("filter", "TIMESTAMP needs an instant as a text")),
            },
            Expr::Operation { op, args } if op == "casei" => {
                let [inner] = args.as_slice() else {
                    return Err(Problem::bad("filter", "casei takes one text"));
                };
                let inner = self.scalar(inner, depth + 1)?;
                if inner.class() != Class::Text {
                    return Err(Problem::bad("filter", "casei is for texts"));
                }
                Ok(Scalar::AnyCase(Box::new(inner)))
            }
            Expr::Operation { op, .. } if op == "accenti" => Err(unsupported("accenti")),
            Expr::Operation { op, args } => {
                let Some(arithmetic) = Arithmetic::parse(op) else {
                    return Err(unsupported(&format!("{op:?} as a value")));
                };
                let mut numbers = args.iter().map(|argument| {
                    let number = self.scalar(argument, depth + 1)?;
                    if number.class() == Class::Number {
                        Ok(number)
                    } else {
                        Err(Problem::bad("filter", format!("{op} is for numbers")))
                    }
                });
                let first = numbers.next().transpose()?;
                let rest = numbers.collect::<Result<Vec<_>, _>>()?;
                match first {
                    Some(first) if !rest.is_empty() && rest.len() < DEEPEST => {
                        Ok(rest.into_iter().fold(first, |left, right| {
                            Scalar::Worked(arithmetic, Box::new(left), Box::new(right))
                        }))
                    }
                    _ => Err(Problem::bad("filter", format!("{op} takes two numbers"))),
                }
            }
            Expr::Null => Err(Problem::bad("filter", "nothing equals NULL").remedy("write … IS NULL")),
            Expr::Array(_) => Err(Problem::bad("filter", "a list stands where a value is needed")),
            Expr::Interval { .. } => Err(Problem::bad("filter", "an interval stands where a value is needed")
                .remedy("compare intervals with t_intersects and the like")),
            Expr::BBox { .. } | Expr::Geometry(_) => {
                Err(Problem::bad("filter", "a geometry stands where a value is needed"))
            }
        }
    }

    fn property(&self, name: &str) -> Result<&'static Property, Problem> {
        if name == GEOMETRY {
            return Err(Problem::bad(
                "filter",
                "the geometry is compared by s_intersects and the like",
            ));
        }
        find(self.kind, name).ok_or_else(|| {
            let known: Vec<&str> = properties_of(self.kind).map(|property| property.name).collect();
            Problem::bad("filter", format!("{} have no property {name:?}", self.kind.layer()))
                .remedy(format!("use geometry, {}", known.join(", ")))
        })
    }

    fn span(&mut self, expression: &Expr, depth: usize) -> Result<Span, Problem> {
        let Expr::Interval { interval } = expression else {
            let at = match self.scalar(expression, depth)? {
                Scalar::Text(text) => time_of(&text)?,
                other => other,
            };
            if !matches!(at.class(), Class::Day | Class::Instant) {
                return Err(Problem::bad(
                    "filter",
                    "a temporal operator needs days, instants or intervals",
                ));
            }
            return Ok(Span {
                start: at.clone(),
                end: at,
                is_interval: false,
            });
        };
        let [start, end] = interval.as_slice() else {
            return Err(Problem::bad("filter", "an interval has two ends"));
        };
        let mut read = |end: &Expr, is_last: bool| match end {
            Expr::Literal(text) if text == ".." => Ok(Scalar::EndOfDays(is_last)),
            Expr::Literal(text) => time_of(text),
            other => {
                let value = self.scalar(other, depth + 1)?;
                match value {
                    Scalar::Property(property) if property.name == "valid_to" => Ok(Scalar::OpenEnd(property)),
                    value if matches!(value.class(), Class::Day | Class::Instant) => Ok(value),
                    _ => Err(Problem::bad("filter", "the ends of an interval are days or instants")),
                }
            }
        };
        let (start, end) = (read(start, false)?, read(end, true)?);
        Ok(Span {
            start,
            end,
            is_interval: true,
        })
    }
}

fn text_of(text: &str) -> Result<Scalar, Problem> {
    if text.contains('\0') {
        return Err(Problem::bad("filter", "a text contains the character NUL"));
    }
    Ok(Scalar::Text(text.to_owned()))
}

fn plain_day(text: &str) -> Result<Scalar, Problem> {
    parse_day(text)
        .filter(|_| !text.contains('T'))
        .map(Scalar::Day)
        .ok_or_else(|| Problem::bad("filter", format!("{text:?} is no day")).remedy("write DATE('2024-06-30')"))
}

fn instant(text: &str) -> Result<Scalar, Problem> {
    parse_instant(text).map(Scalar::Instant).ok_or_else(|| {
        Problem::bad("filter", format!("{text:?} is no instant")).remedy("write TIMESTAMP('2024-06-30T12:00:00Z')")
    })
}

/// A day, or an instant where the text has a time.
fn time_of(text: &str) -> Result<Scalar, Problem> {
    if text.contains('T') {
        instant(text)
    } else {
        plain_day(text)
    }
}

/// A pattern that ends in the middle of an escape is a mistake, which the database would call one.
fn refuse_half_escape(pattern: &Scalar) -> Result<(), Problem> {
    match pattern {
        Scalar::AnyCase(inner) => refuse_half_escape(inner),
        Scalar::Text(text) => {
            let backslashes = text.len() - text.trim_end_matches('\\').len();
            if backslashes % 2 == 1 {
                return Err(Problem::bad(
                    "filter",
                    "the pattern ends with a backslash that escapes nothing",
                ));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}
