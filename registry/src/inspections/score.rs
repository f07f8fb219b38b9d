//! From indicators to a score and a grade: pure, and exact to the cent of a point.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::indicators::{Figure, Indicator};
use super::schemes::{SchemeContent, Weighed};
use crate::period::day;

/// What an indicator is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionScoreLine)]
pub struct Line {
    /// What was measured.
    #[serde(flatten)]
    pub figure: Figure,
    /// Of 100.
    #[schema(value_type = String)]
    pub weight: Decimal,
    /// Full marks at this rate, per cent; null for one that the scheme doesn't weigh.
    #[schema(value_type = Option<String>)]
    pub full: Option<Decimal>,
    /// None at this one.
    #[schema(value_type = Option<String>)]
    pub zero: Option<Decimal>,
    /// What it comes to, two decimals; null where it abstains: then neither its points nor its weight count.
    #[schema(value_type = Option<String>)]
    pub points: Option<Decimal>,
}

/// A score with everything that it came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionScoring)]
pub struct Scoring {
    /// The book was read as of this day
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// and as known at this instant.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub known_at: OffsetDateTime,
    /// The version of the region's scheme; null where this product's defaults held.
    pub scheme_version: Option<Uuid>,
    /// Where the weights are said.
    pub source: String,
    /// The indicators.
    pub lines: Vec<Line>,
    /// The weight of what could be said.
    #[schema(value_type = String)]
    pub weight: Decimal,
    /// The points together, of 100; null where nothing that weighs could be said.
    #[schema(value_type = Option<String>)]
    pub score: Option<Decimal>,
    /// 等次
    pub grade: Option<String>,
    /// The same in English.
    pub grade_en: Option<String>,
    /// Who had it worked out; null for what is only shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

fn two(figure: Decimal) -> Decimal {
    figure.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// The points of a rate: in a straight line from none to full marks.
fn points(rate: Decimal, weighed: &Weighed) -> Decimal {
    let span = weighed.full - weighed.zero;
    if span.is_zero() {
        return Decimal::ZERO;
    }
    let share = ((rate - weighed.zero) / span).clamp(Decimal::ZERO, Decimal::ONE);
    two(weighed.weight * share)
}

/// What the indicators come to under a scheme.
pub(super) fn score(
    figures: Vec<Figure>,
    scheme: &SchemeContent,
    scheme_version: Option<Uuid>,
    (as_of, known_at): (Date, OffsetDateTime),
) -> Scoring {
    let weighed = |indicator: Indicator| scheme.weights.iter().find(|weighed| weighed.indicator == indicator);
    let lines: Vec<Line> = figures
        .into_iter()
        .map(|figure| {
            let weighed = weighed(figure.indicator);
            let points = figure
                .rate
                .zip(weighed)
                .map(|(rate, weighed)| points(rate, weighed).normalize());
            Line {
                weight: weighed.map_or(Decimal::ZERO, |weighed| weighed.weight.normalize()),
                full: weighed.map(|weighed| weighed.full.normalize()),
                zero: weighed.map(|weighed| weighed.zero.normalize()),
                points,
                figure,
            }
        })
        .collect();
    let counted = lines.iter().filter(|line| line.points.is_some());
    let weight: Decimal = counted.clone().map(|line| line.weight).sum();
    let sum: Decimal = counted.filter_map(|line| line.points).sum();
    let score = (weight > Decimal::ZERO).then(|| two(sum * Decimal::ONE_HUNDRED / weight).normalize());
    let grade = score.and_then(|score| scheme.grades.iter().find(|grade| score >= grade.from));
    Scoring {
        as_of,
        known_at,
        scheme_version,
        source: scheme.source.clone(),
        lines,
        weight: weight.normalize(),
        score,
        grade: grade.map(|grade| grade.zh.clone()),
        grade_en: grade.map(|grade| grade.en.clone()),
        by: None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::{date, datetime};

    use super::super::schemes::default_scheme;
    use super::*;

    fn figure(indicator: Indicator, rate: Option<Decimal>) -> Figure {
        Figure {
            indicator,
            numerator: rate,
            denominator: rate.map(|_| Decimal::ONE_HUNDRED),
            rate,
            left_out: 0,
            why_zh: None,
            why_en: None,
        }
    }

    fn scored(rates: &[Option<Decimal>]) -> Scoring {
        let figures = Indicator::ALL
            .iter()
            .zip(rates)
            .map(|(indicator, rate)| figure(*indicator, *rate))
            .collect();
        let times = (date!(2026 - 06 - 30), datetime!(2026-07-01 00:00 UTC));
        score(figures, default_scheme().unwrap(), None, times)
    }

    proptest! {
        #[test]
        fn a_score_lies_between_none_and_full_marks_and_better_figures_never_lower_it(
            rates in prop::collection::vec(prop::option::of(0_i64..=2_000_000), Indicator::ALL.len()), which in 0..Indicator::ALL.len()
        ) {
            // Rates up to 200 %, four decimals.
            let rates: Vec<Option<Decimal>> = rates.into_iter().map(|rate| rate.map(|rate| Decimal::new(rate, 4))).collect();
            let held = scored(&rates);
            let Some(score) = held.score else {
                prop_assert_eq!(held.weight, Decimal::ZERO);
                prop_assert!(held.grade.is_none());
                return Ok(());
            };
            prop_assert!(score >= Decimal::ZERO && score <= Decimal::ONE_HUNDRED, "{}", score);
            prop_assert!(score.scale() <= 2);
            prop_assert!(held.grade.is_some());
            let mut better = rates.clone();
            let line = &held.lines[which];
            better[which] = better[which].and(line.full);
            prop_assert!(scored(&better).score.unwrap() >= score);
        }
    }

    #[test]
    fn full_marks_none_and_what_abstains() {
        let full: Vec<_> = default_scheme()
            .unwrap()
            .weights
            .iter()
            .map(|weighed| Some(weighed.full))
            .collect();
        let held = scored(&full);
        assert_eq!(
            (held.score, held.grade.as_deref()),
            (Some(Decimal::ONE_HUNDRED), Some("优秀"))
        );
        let zero: Vec<_> = default_scheme()
            .unwrap()
            .weights
            .iter()
            .map(|weighed| Some(weighed.zero))
            .collect();
        let held = scored(&zero);
        assert_eq!(
            (held.score, held.grade.as_deref()),
            (Some(Decimal::ZERO), Some("不合格"))
        );
        // 15 × 80 % + 10 × (20 − 5) / 20 = 12 + 7.5 of 25: 78.
        let mut some = vec![None; Indicator::ALL.len()];
        some[0] = Some(Decimal::from(80));
        some[5] = Some(Decimal::from(5));
        let held = scored(&some);
        assert_eq!((held.weight, held.score), (Decimal::from(25), Some(Decimal::from(78))));
        assert_eq!(held.grade.as_deref(), Some("合格"));
        assert_eq!(held.lines[1].points, None);
        assert_eq!(scored(&vec![None; Indicator::ALL.len()]).score, None);
    }
}
