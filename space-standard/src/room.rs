//! One room against its occupants' limits.

use rust_decimal::Decimal;
use serde::Serialize;

use crate::grade::Grade;
use crate::parameters::Parameters;
use crate::step::{Measure, Source, Step, plain, words};

/// Somebody who sits there.
#[derive(Debug, Clone, Copy)]
pub struct Occupant {
    /// Their rank, of their organ's level.
    pub grade: &'static Grade,
}

/// What the comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Within the limit and what is tolerated.
    Within,
    /// Above it by no more than the warn band.
    SlightlyOver,
    /// Above it.
    Over,
}

/// A room against its limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoomCheck {
    /// The sum of its occupants' limits, m² of use area.
    pub limit_m2: Decimal,
    /// Its use area with rest room and washroom, m².
    pub use_area_m2: Decimal,
    /// By how much it is above, m²; nought where it is not.
    pub over_m2: Decimal,
    /// What that means.
    pub verdict: Verdict,
    /// Its private washroom is larger than allowed, by so much, m².
    pub washroom_over_m2: Decimal,
    /// It has one though nobody in it may have one.
    pub washroom_not_allowed: bool,
    /// The arithmetic.
    pub steps: Vec<Step>,
}

const SOURCE_ROOM: Source = Source::confirmed(
    "发改投资〔2014〕2674号，各级工作人员办公室使用面积；合用办公室按人合计",
    "2674, use area of offices by rank; a shared room has the sum of its occupants' limits",
);
const SOURCE_SUITE: Source = Source::confirmed(
    "发改投资〔2014〕2674号；休息室、卫生间计入办公室使用面积",
    "2674: rest room and washroom count within the office's limit",
);

/// Compares a room with its occupants' limits. `parts` are the rest room and washroom that belong to it, m² of use area.
#[must_use]
pub fn check_room(
    own_area_m2: Decimal,
    parts_m2: &[Decimal],
    washroom_m2: Option<Decimal>,
    occupants: &[Occupant],
    parameters: &Parameters,
) -> RoomCheck {
    let limits: Vec<Decimal> = occupants
        .iter()
        .map(|occupant| occupant.grade.limit_m2(parameters))
        .collect();
    let limit_m2: Decimal = limits.iter().sum();
    let use_area_m2 = own_area_m2 + parts_m2.iter().sum::<Decimal>() + washroom_m2.unwrap_or_default();
    let over_m2 = (use_area_m2 - limit_m2).max(Decimal::ZERO);
    let verdict = if over_m2 <= parameters.tolerance_m2 {
        Verdict::Within
    } else if over_m2 <= parameters.warn_band_m2 {
        Verdict::SlightlyOver
    } else {
        Verdict::Over
    };
    let sum = |figures: &mut dyn Iterator<Item = Decimal>| figures.map(plain).collect::<Vec<_>>().join(" + ");
    let mut areas = std::iter::once(own_area_m2)
        .chain(parts_m2.iter().copied())
        .chain(washroom_m2);
    let steps = vec![
        Step {
            key: "limit",
            name: words("限额合计", "Limit"),
            formula: words("Σ 使用人职级限额", "Σ limits of the occupants' ranks"),
            values: if limits.is_empty() {
                "0".to_owned()
            } else {
                sum(&mut limits.iter().copied())
            },
            result: limit_m2,
            measure: Measure::UseArea,
            source: SOURCE_ROOM,
        },
        Step {
            key: "use_area",
            name: words("使用面积（含休息室、卫生间）", "Use area with rest room and washroom"),
            formula: words("办公室 + 休息室 + 卫生间", "office + rest room + washroom"),
            values: sum(&mut areas),
            result: use_area_m2,
            measure: Measure::UseArea,
            source: SOURCE_SUITE,
        },
        Step {
            key: "over",
            name: words("超出", "Over"),
            formula: words("使用面积 − 限额（不足为 0）", "use area − limit, at least 0"),
            values: format!("{} − {}", plain(use_area_m2), plain(limit_m2)),
            result: over_m2,
            measure: Measure::UseArea,
            source: SOURCE_ROOM,
        },
    ];
    RoomCheck {
        limit_m2,
        use_area_m2,
        over_m2,
        verdict,
        washroom_over_m2: (washroom_m2.unwrap_or_default() - parameters.washroom_m2).max(Decimal::ZERO),
        washroom_not_allowed: washroom_m2.is_some()
            && !occupants.iter().any(|occupant| occupant.grade.may_have_washroom),
        steps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::level::Level;

    fn area(hundredths: i64) -> Decimal {
        Decimal::new(hundredths, 2)
    }

    fn occupants(level: Level, ranks: &[&str]) -> Vec<Occupant> {
        let occupant = |rank: &&str| Occupant {
            grade: Grade::parse(level, rank).unwrap(),
        };
        ranks.iter().map(occupant).collect()
    }

    #[test]
    fn a_room_is_compared_with_the_sum_of_its_occupants_limits() {
        let check = |ranks: &[&str]| {
            check_room(
                area(2460),
                &[],
                None,
                &occupants(Level::City, ranks),
                &Parameters::default(),
            )
        };
        let deputy = check(&["副局(处)级"]);
        assert_eq!((deputy.over_m2, deputy.verdict), (area(660), Verdict::Over));
        let shared = check(&["局(处)级以下", "局(处)级以下"]);
        assert_eq!((shared.limit_m2, shared.over_m2), (area(1800), area(660)));
        assert_eq!(shared.steps[0].values, "9 + 9");
        let chief = check(&["正局(处)级"]);
        assert_eq!((chief.over_m2, chief.verdict), (area(60), Verdict::SlightlyOver));
        let tolerant = Parameters {
            tolerance_m2: Decimal::ONE,
            ..Parameters::default()
        };
        let tolerated = check_room(
            area(2460),
            &[],
            None,
            &occupants(Level::City, &["正局(处)级"]),
            &tolerant,
        );
        assert_eq!((tolerated.over_m2, tolerated.verdict), (area(60), Verdict::Within));
    }

    #[test]
    fn a_rest_room_and_a_washroom_count_within_the_limit() {
        let chief = occupants(Level::City, &["市级正职"]);
        let check = |office, rest, washroom| {
            check_room(
                area(office),
                &[area(rest)],
                Some(area(washroom)),
                &chief,
                &Parameters::default(),
            )
        };
        let within = check(2600, 1000, 600);
        assert_eq!((within.verdict, within.use_area_m2), (Verdict::Within, area(4200)));
        assert_eq!(
            (within.washroom_over_m2, within.washroom_not_allowed),
            (Decimal::ZERO, false)
        );
        let large = check(2600, 900, 720);
        assert_eq!((large.over_m2, large.washroom_over_m2), (area(20), area(120)));
        let deputy = occupants(Level::City, &["副局(处)级"]);
        let washroom = check_room(area(1200), &[], Some(area(400)), &deputy, &Parameters::default());
        assert!(washroom.washroom_not_allowed);
        assert_eq!(washroom.verdict, Verdict::Within);
    }
}
