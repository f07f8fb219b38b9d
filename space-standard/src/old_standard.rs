//! The figures of 1999 (计投资〔1999〕2250号), which are void and which much of the web still prints (SPC-16).

use rust_decimal::Decimal;

use crate::grade::Grade;
use crate::level::Level;
use crate::parameters::Parameters;

/// A figure of 1999 that was taken for today's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldFigure {
    /// What was given.
    pub given: Decimal,
    /// What holds; none where today's standard has no such figure.
    pub in_force: Option<Decimal>,
}

/// Limits of 1999 by level, m² of use area.
fn limits(level: Level) -> &'static [i64] {
    match level {
        Level::Central | Level::Province => &[9, 6],
        Level::City => &[32, 18, 12, 6],
        Level::County => &[20, 12, 9, 6],
        Level::Township => &[],
    }
}

/// Building area a person, from and to, m².
fn per_head(level: Level) -> Option<(i64, i64)> {
    match level {
        Level::Central | Level::Province => Some((26, 30)),
        Level::City => Some((20, 24)),
        Level::County => Some((16, 18)),
        Level::Township => None,
    }
}

/// Is a limit that was given for a rank one of 1999? One that is today's for the rank is not.
#[must_use]
pub fn old_limit(grade: &Grade, given: Decimal, parameters: &Parameters) -> Option<OldFigure> {
    let in_force = grade.limit_m2(parameters);
    let is_old = limits(grade.level).iter().any(|limit| Decimal::from(*limit) == given);
    (given != in_force && is_old).then_some(OldFigure {
        given,
        in_force: Some(in_force),
    })
}

/// Is a building area a person one of 1999? The standard of 2014 has none: it is derived.
#[must_use]
pub fn old_per_head(level: Level, given: Decimal) -> Option<OldFigure> {
    let (from, to) = per_head(level)?;
    (Decimal::from(from)..=Decimal::from(to))
        .contains(&given)
        .then_some(OldFigure { given, in_force: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_of_1999_are_known_for_what_they_are() {
        let old = |level, rank, given: i64| {
            let grade = Grade::parse(level, rank).unwrap();
            old_limit(grade, Decimal::from(given), &Parameters::default())
                .map(|found| found.in_force.unwrap().to_string())
        };
        assert_eq!(old(Level::Central, "处级以下", 6).as_deref(), Some("9"));
        assert_eq!(old(Level::Central, "处级", 9).as_deref(), Some("12"));
        assert_eq!(old(Level::City, "市级正职", 32).as_deref(), Some("42"));
        assert_eq!(old(Level::City, "正局(处)级", 12).as_deref(), Some("24"));
        assert_eq!(old(Level::County, "县级正职", 20).as_deref(), Some("30"));
        assert_eq!(old(Level::County, "科级以下", 6).as_deref(), Some("9"));
        // What is right today is no old figure, though 1999 had it for another rank.
        assert_eq!(old(Level::City, "副局(处)级", 18), None);
        assert_eq!(old(Level::County, "副科级", 12), None);
        assert_eq!(old(Level::City, "正局(处)级", 25), None);
        assert!(old_per_head(Level::City, Decimal::from(22)).is_some());
        assert!(old_per_head(Level::City, Decimal::new(296, 1)).is_none());
    }
}
