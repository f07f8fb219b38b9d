//! The arithmetic as it is answered.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use space_standard::{Calculation, Excess, Measure, RoomCheck, Step, Verdict, Words};

/// Two decimals, the half away from nought, as areas are written on paper.
pub(super) fn shown(figure: Decimal) -> f64 {
    figure
        .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
        .to_f64()
        .unwrap_or_default()
}

/// A text in both languages.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct BothLanguages {
    /// 中文
    pub zh: String,
    /// English
    pub en: String,
}

impl BothLanguages {
    /// What is said in both.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }
}

impl From<Words> for BothLanguages {
    fn from(words: Words) -> Self {
        Self::new(words.zh, words.en)
    }
}

/// One step of the arithmetic.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ShownStep {
    /// A name for programs.
    key: &'static str,
    /// What it is.
    name: BothLanguages,
    /// How it is worked out, in letters.
    formula: BothLanguages,
    /// The same with figures.
    values: String,
    /// What comes out, rounded to two decimals.
    result: f64,
    /// `persons`, `use_area_per_person`, `use_area` or `building_area`.
    #[schema(value_type = String)]
    measure: Measure,
    /// Document and article.
    source: BothLanguages,
    /// False where no printed source was found: a setting to be confirmed.
    is_confirmed: bool,
}

impl From<Step> for ShownStep {
    fn from(step: Step) -> Self {
        Self {
            key: step.key,
            name: step.name.into(),
            formula: step.formula.into(),
            values: step.values,
            result: shown(step.result),
            measure: step.measure,
            source: step.source.text.into(),
            is_confirmed: step.source.is_confirmed,
        }
    }
}

/// What was worked out, m², two decimals.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ShownCalculation {
    /// The organ's level.
    #[schema(value_type = String)]
    level: space_standard::Level,
    /// Everybody.
    persons: u32,
    /// Of them without rank, counted at the level's lowest limit.
    unranked: u32,
    /// A, use area.
    office_m2: f64,
    /// m² a head.
    service_per_head_m2: f64,
    /// B, use area.
    service_m2: f64,
    /// 9 % of A + B, use area.
    equipment_m2: f64,
    /// Basic office space (基本办公用房), use area.
    use_area_m2: f64,
    /// Basic office space, building area.
    basic_building_m2: f64,
    /// C, building area.
    ancillary_m2: f64,
    /// S, building area.
    total_m2: f64,
    /// Basic building area a head: derived, no limit of its own.
    basic_building_per_head_m2: f64,
    /// The arithmetic, step by step.
    steps: Vec<ShownStep>,
}

impl From<Calculation> for ShownCalculation {
    fn from(found: Calculation) -> Self {
        let persons = Decimal::from(found.persons.max(1));
        Self {
            level: found.level,
            persons: found.persons,
            unranked: found.unranked,
            office_m2: shown(found.office_m2),
            service_per_head_m2: shown(found.service_per_head_m2),
            service_m2: shown(found.service_m2),
            equipment_m2: shown(found.equipment_m2),
            use_area_m2: shown(found.use_area_m2),
            basic_building_m2: shown(found.basic_building_m2),
            ancillary_m2: shown(found.ancillary_m2),
            total_m2: shown(found.total_m2),
            basic_building_per_head_m2: shown(found.basic_building_m2 / persons),
            steps: found.steps.into_iter().map(Into::into).collect(),
        }
    }
}

/// What is there against what is due.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ShownExcess {
    /// `office`, `service`, `equipment`, `use_area`, `basic_building_area` or `canteen`.
    key: &'static str,
    /// What is due, m².
    entitled_m2: f64,
    /// What is there, m².
    actual_m2: f64,
    /// What is to be vacated, m².
    excess_m2: f64,
}

impl ShownExcess {
    pub(super) fn new(key: &'static str, excess: Excess) -> Self {
        Self {
            key,
            entitled_m2: shown(excess.entitled_m2),
            actual_m2: shown(excess.actual_m2),
            excess_m2: shown(excess.excess_m2),
        }
    }
}

/// A room against its occupants' limits.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ShownRoomCheck {
    /// The sum of the occupants' limits, m².
    pub(super) limit_m2: f64,
    /// Use area with rest room and washroom, m².
    pub(super) use_area_m2: f64,
    /// Above the limit by, m².
    pub(super) over_m2: f64,
    /// `within`, `slightly_over` (within the warn band) or `over`.
    #[schema(value_type = String)]
    pub(super) verdict: Verdict,
    /// Its private washroom is larger than allowed by, m².
    pub(super) washroom_over_m2: f64,
    /// It has one though nobody in it may.
    pub(super) washroom_not_allowed: bool,
    /// The arithmetic.
    pub(super) steps: Vec<ShownStep>,
}

impl From<RoomCheck> for ShownRoomCheck {
    fn from(check: RoomCheck) -> Self {
        Self {
            limit_m2: shown(check.limit_m2),
            use_area_m2: shown(check.use_area_m2),
            over_m2: shown(check.over_m2),
            verdict: check.verdict,
            washroom_over_m2: shown(check.washroom_over_m2),
            washroom_not_allowed: check.washroom_not_allowed,
            steps: check.steps.into_iter().map(Into::into).collect(),
        }
    }
}
