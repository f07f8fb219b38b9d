//! The temporal operators, each as comparisons of the ends of two periods. All of them work in days: an instant is its
//! day in China Standard Time, unless both sides are instants.

use super::Condition;
use super::scalar::{Class, Comparison, Scalar};
use crate::request::Problem;

/// A day, an instant, or a period of days, both ends included.
#[derive(Debug, Clone)]
pub(super) struct Span {
    pub start: Scalar,
    pub end: Scalar,
    /// Has it two ends that were written apart?
    pub is_interval: bool,
}

/// The condition that an operator (`t_after` …) is.
///
/// # Errors
/// A problem where it is none of them, or not for these operands.
pub(super) fn relate(operator: &str, left: Span, right: Span) -> Result<Condition, Problem> {
    use Comparison::{Equal, Greater, GreaterOrEqual, Less, LessOrEqual};
    let for_instants = ["t_after", "t_before", "t_disjoint", "t_equals", "t_intersects"].contains(&operator);
    let are_intervals = left.is_interval && right.is_interval;
    if !(for_instants || are_intervals) {
        return Err(Problem::bad("filter", format!("{operator} is for two intervals"))
            .remedy("write INTERVAL(valid_from, valid_to), or t_intersects, t_before, t_after for single days"));
    }
    let (left, right) = same_type(left, right)?;
    let (a1, a2, b1, b2) = (&left.start, &left.end, &right.start, &right.end);
    let is = |operator, one: &Scalar, other: &Scalar| Condition::Compare(operator, one.clone(), other.clone());
    let all = Condition::All;
    Ok(match operator {
        "t_after" => is(Greater, a1, b2),
        "t_before" => is(Less, a2, b1),
        "t_disjoint" => Condition::Any(vec![is(Greater, a1, b2), is(Less, a2, b1)]),
        "t_equals" => all(vec![is(Equal, a1, b1), is(Equal, a2, b2)]),
        "t_intersects" => all(vec![is(LessOrEqual, a1, b2), is(GreaterOrEqual, a2, b1)]),
        "t_contains" => all(vec![is(Less, a1, b1), is(Greater, a2, b2)]),
        "t_during" => all(vec![is(Greater, a1, b1), is(Less, a2, b2)]),
        "t_finishedBy" => all(vec![is(Less, a1, b1), is(Equal, a2, b2)]),
        "t_finishes" => all(vec![is(Greater, a1, b1), is(Equal, a2, b2)]),
        "t_meets" => is(Equal, a2, b1),
        "t_metBy" => is(Equal, a1, b2),
        "t_overlappedBy" => all(vec![is(Greater, a1, b1), is(Less, a1, b2), is(Greater, a2, b2)]),
        "t_overlaps" => all(vec![is(Less, a1, b1), is(Greater, a2, b1), is(Less, a2, b2)]),
        "t_startedBy" => all(vec![is(Equal, a1, b1), is(Greater, a2, b2)]),
        "t_starts" => all(vec![is(Equal, a1, b1), is(Less, a2, b2)]),
        other => {
            return Err(Problem::bad(
                "filter",
                format!("the operator {other:?} is not supported"),
            ));
        }
    })
}

fn same_type(left: Span, right: Span) -> Result<(Span, Span), Problem> {
    let ends = [&left.start, &left.end, &right.start, &right.end];
    if ends.iter().all(|end| end.class() == Class::Instant) {
        return Ok((left, right));
    }
    let days = |span: Span| {
        let day = |scalar: Scalar| {
            scalar
                .into_day()
                .ok_or_else(|| Problem::bad("filter", "a temporal operator needs days, instants or intervals"))
        };
        Ok::<Span, Problem>(Span {
            start: day(span.start)?,
            end: day(span.end)?,
            is_interval: span.is_interval,
        })
    };
    Ok((days(left)?, days(right)?))
}
