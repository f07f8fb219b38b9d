//! Conditions as SQL. What is pushed as text is ours; what the client wrote is bound.

use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::super::properties::ValueKind;
use super::scalar::{Arithmetic, Comparison, Scalar};
use super::{Condition, Place, Relation};
use crate::geometry::STORAGE_SRID;

impl Condition {
    /// Writes the condition, in brackets where it needs them.
    pub fn push(&self, select: &mut QueryBuilder<Postgres>) {
        match self {
            Self::Always(holds) => {
                select.push(if *holds { "true" } else { "false" });
            }
            Self::All(parts) => joined(select, parts, " and "),
            Self::Any(parts) => joined(select, parts, " or "),
            Self::Not(part) => {
                select.push("(not ");
                part.push(select);
                select.push(")");
            }
            Self::Flag(property) => {
                select.push(property.expression);
            }
            Self::Compare(Comparison::Equal, Scalar::Property(property), Scalar::Text(text))
                if property.value == ValueKind::Id =>
            {
                push_ids(select, &[text]);
            }
            Self::Compare(comparison, left, right) => {
                select.push("(");
                left.push(select);
                select.push(match comparison {
                    Comparison::Equal => " = ",
                    Comparison::NotEqual => " <> ",
                    Comparison::Less => " < ",
                    Comparison::LessOrEqual => " <= ",
                    Comparison::Greater => " > ",
                    Comparison::GreaterOrEqual => " >= ",
                });
                right.push(select);
                select.push(")");
            }
            Self::Between(value, low, high) => {
                select.push("(");
                value.push(select);
                select.push(" between ");
                low.push(select);
                select.push(" and ");
                high.push(select);
                select.push(")");
            }
            Self::Like(value, pattern) => {
                select.push("(");
                value.push(select);
                select.push(" like ");
                pattern.push(select);
                select.push(")");
            }
            Self::OneOf(value, list) => {
                if let Scalar::Property(property) = value
                    && property.value == ValueKind::Id
                {
                    let texts: Option<Vec<&String>> = list
                        .iter()
                        .map(|one| match one {
                            Scalar::Text(text) => Some(text),
                            _ => None,
                        })
                        .collect();
                    if let Some(texts) = texts {
                        push_ids(select, &texts);
                        return;
                    }
                }
                select.push("(");
                value.push(select);
                select.push(" in (");
                for (index, one) in list.iter().enumerate() {
                    if index > 0 {
                        select.push(", ");
                    }
                    one.push(select);
                }
                select.push("))");
            }
            Self::Missing(value) => {
                select.push("(");
                value.push(select);
                select.push(" is null)");
            }
            Self::MissingGeometry => {
                select.push("(v.geometry is null)");
            }
            Self::Spatial(relation, left, right) => {
                // What has a point in common has boxes that overlap, and those the index knows.
                let is_nearby = !matches!(relation, Relation::Disjoint);
                if is_nearby {
                    select.push("(box(");
                    left.push(select);
                    select.push(") && box(");
                    right.push(select);
                    select.push(") and ");
                }
                select.push(match relation {
                    Relation::Intersects => "st_intersects(",
                    Relation::Disjoint => "st_disjoint(",
                    Relation::Within => "st_within(",
                    Relation::Contains => "st_contains(",
                    Relation::Equals => "st_equals(",
                    Relation::Touches => "st_touches(",
                    Relation::Overlaps => "st_overlaps(",
                    Relation::Crosses => "st_crosses(",
                });
                left.push(select);
                select.push(", ");
                right.push(select);
                select.push(if is_nearby { "))" } else { ")" });
            }
        }
    }
}

fn joined(select: &mut QueryBuilder<Postgres>, parts: &[Condition], word: &str) {
    select.push("(");
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            select.push(word);
        }
        part.push(select);
    }
    select.push(")");
}

/// By the index of ids. A text that is no id is nobody's.
fn push_ids(select: &mut QueryBuilder<Postgres>, texts: &[&String]) {
    let ids: Vec<Uuid> = texts.iter().filter_map(|text| Uuid::parse_str(text).ok()).collect();
    select.push("(v.object_id = any(").push_bind(ids).push("))");
}

impl Scalar {
    fn push(&self, select: &mut QueryBuilder<Postgres>) {
        match self {
            Self::Property(property) => {
                select.push(property.expression);
            }
            Self::OpenEnd(property) => {
                select
                    .push("coalesce(")
                    .push(property.expression)
                    .push(", 'infinity'::date)");
            }
            Self::Text(text) => {
                select.push_bind(text.clone());
            }
            Self::Number(number) => {
                select.push_bind(*number).push("::float8");
            }
            Self::Flag(flag) => {
                select.push_bind(*flag);
            }
            Self::Day(day) => {
                select.push_bind(*day);
            }
            Self::Instant(instant) => {
                select.push_bind(*instant);
            }
            Self::EndOfDays(is_last) => {
                select.push(if *is_last {
                    "'infinity'::date"
                } else {
                    "'-infinity'::date"
                });
            }
            Self::AnyCase(inner) => {
                select.push("lower(");
                inner.push(select);
                select.push(")");
            }
            Self::DayOf(inner) => {
                select.push("((");
                inner.push(select);
                select.push(") at time zone interval '8 hours')::date");
            }
            Self::Worked(arithmetic, left, right) => {
                let (before, between, after) = match arithmetic {
                    Arithmetic::Add => ("(", " + ", ")"),
                    Arithmetic::Subtract => ("(", " - ", ")"),
                    Arithmetic::Multiply => ("(", " * ", ")"),
                    // By nothing it is nothing: such a row is not found, and the others are.
                    Arithmetic::Divide => ("(", "::float8 / nullif(", "::float8, 0))"),
                    Arithmetic::DivideWhole => ("trunc(", "::float8 / nullif(", "::float8, 0))"),
                    Arithmetic::Remainder => ("mod(", "::numeric, nullif(", "::numeric, 0))::float8"),
                    Arithmetic::Power => ("power(", "::float8, ", "::float8)"),
                };
                select.push(before);
                left.push(select);
                select.push(between);
                right.push(select);
                select.push(after);
            }
        }
    }
}

impl Place {
    fn push(&self, select: &mut QueryBuilder<Postgres>) {
        match self {
            Self::Geometry => {
                select.push("v.geometry");
            }
            Self::Drawn { ewkb, is_plane: false } => {
                select.push("st_geomfromewkb(").push_bind(ewkb.clone()).push(")");
            }
            Self::Drawn { ewkb, is_plane: true } => {
                select
                    .push("st_transform(st_geomfromewkb(")
                    .push_bind(ewkb.clone())
                    .push("), ")
                    .push(STORAGE_SRID)
                    .push(")");
            }
        }
    }
}
