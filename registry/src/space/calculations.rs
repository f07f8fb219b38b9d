//! `POST /api/v1/space-calculations`: the standard over numbers that were given. Nothing is stored.

use std::collections::BTreeMap;

use axum::Json;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use space_standard::{
    Ancillary, Calculation, CalculationRefused, Estimate, Grade, HeightClass, Level, Order, Parameters, RankRefused,
    excess, old_limit, old_per_head,
};

use super::settings;
use super::shown::{BothLanguages, ShownCalculation, ShownExcess, shown};
use crate::request::{Body, Context, Fault, Problem};

/// What ancillary rooms (附属用房) are asked for.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct AskedAncillary {
    /// A canteen; yes unless told.
    canteen: bool,
    /// Car places.
    cars: u32,
    /// Bicycle places.
    bicycles: u32,
    /// Places for electric bicycles and motorcycles.
    electric_bicycles: u32,
    /// Guards.
    guards: u32,
    /// Air-raid shelter, m² of building area.
    civil_defence_m2: f64,
}

impl Default for AskedAncillary {
    fn default() -> Self {
        Self {
            canteen: true,
            cars: 0,
            bicycles: 0,
            electric_bicycles: 0,
            guards: 0,
            civil_defence_m2: 0.0,
        }
    }
}

/// A building, and the share of the use area that is in it.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AskedBuilding {
    /// `multi_storey` (多层) or `high_rise` (高层).
    height_class: String,
    /// 0 to 1.
    share: f64,
}

/// What is to be worked out.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SpaceOrder {
    /// `central`, `province`, `city`, `county` or `township`.
    level: String,
    /// Approved staffing (编制) by rank, persons.
    headcount: BTreeMap<String, u32>,
    /// `multi_storey` (unless told) or `high_rise`, where it is one building.
    #[serde(default)]
    height_class: Option<String>,
    /// Several buildings; their shares add up to 1.
    #[serde(default)]
    buildings: Vec<AskedBuilding>,
    /// Ancillary rooms.
    #[serde(default)]
    ancillary: AskedAncillary,
    /// 行政区划代码: whose limits for townships hold.
    #[serde(default)]
    region_code: Option<String>,
    /// What is there now, m² of building area of basic office space: the answer then tells the excess.
    #[serde(default)]
    actual_building_m2: Option<f64>,
    /// Limits that somebody was told, by rank, m²: figures of 1999 are named for what they are.
    #[serde(default)]
    told_limits: BTreeMap<String, f64>,
    /// Building area a head that somebody was told, m².
    #[serde(default)]
    told_per_head_m2: Option<f64>,
}

/// Something to know of what was given.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Notice {
    /// The rule it comes from.
    rule: &'static str,
    /// What it is.
    #[serde(flatten)]
    says: BothLanguages,
}

/// What was worked out.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SpaceAnswer {
    /// The calculation.
    #[serde(flatten)]
    calculation: ShownCalculation,
    /// What is there against what is due, where that was given.
    excess: Option<ShownExcess>,
    /// The use area that the given building area stands for: estimated with the least K, never measured.
    estimated_use_area_m2: Option<f64>,
    /// What to know of the figures that were given.
    notices: Vec<Notice>,
}

/// Works out the area that is due to given numbers.
#[utoipa::path(post, path = "/api/v1/space-calculations", operation_id = "calculate_space", tag = "space",
    request_body = SpaceOrder, responses((status = 200, body = SpaceAnswer), (status = 422, body = Problem)))]
pub(super) async fn calculate_space(
    _context: Context,
    Body(asked): Body<SpaceOrder>,
) -> Result<Json<SpaceAnswer>, Problem> {
    let parameters = settings().map_err(Fault::from)?.of_region(asked.region_code.as_deref());
    let level = Level::parse(&asked.level).ok_or_else(|| {
        let levels = Level::ALL.map(Level::code).join(", ");
        Problem::invalid("level", format!("{:?} is no level", asked.level)).remedy(format!("choose one of {levels}"))
    })?;
    let mut order = order(&asked, level)?;
    // As the standard's own table lists them.
    order
        .headcount
        .sort_by_key(|(grade, _)| std::cmp::Reverse(grade.limit_m2(&parameters)));
    let calculation = Calculation::work_out(&order, &parameters).map_err(problem)?;
    let notices = notices(&asked, level, &parameters)?;
    let actual = asked
        .actual_building_m2
        .map(|given| area("actual_building_m2", given))
        .transpose()?;
    let coefficient_of = order.buildings.first().map(|(height_class, _)| *height_class);
    Ok(Json(SpaceAnswer {
        excess: actual
            .map(|actual| ShownExcess::new("basic_building_area", excess(calculation.basic_building_m2, actual))),
        estimated_use_area_m2: actual
            .zip(coefficient_of)
            .map(|(actual, height_class)| shown(Estimate::of(actual, height_class, &parameters).use_area_m2)),
        calculation: calculation.into(),
        notices,
    }))
}

fn order(asked: &SpaceOrder, level: Level) -> Result<Order, Problem> {
    let mut headcount = Vec::new();
    let mut unranked = 0_u32;
    for (rank, persons) in &asked.headcount {
        match Grade::parse(level, rank) {
            Ok(grade) => headcount.push((grade, *persons)),
            Err(RankRefused::Unranked { .. }) => unranked = unranked.saturating_add(*persons),
            Err(refused) => return Err(crate::occupants::rank_problem("headcount", level, &refused)),
        }
    }
    let height_class = |field: &str, text: &str| {
        HeightClass::parse(text).ok_or_else(|| {
            Problem::invalid(field, format!("{text:?} is no height class")).remedy("choose multi_storey or high_rise")
        })
    };
    let buildings = if asked.buildings.is_empty() {
        let said = asked.height_class.as_deref().unwrap_or("multi_storey");
        vec![(height_class("height_class", said)?, Decimal::ONE)]
    } else {
        asked
            .buildings
            .iter()
            .map(|building| {
                Ok((
                    height_class("buildings", &building.height_class)?,
                    area("buildings", building.share)?,
                ))
            })
            .collect::<Result<_, Problem>>()?
    };
    Ok(Order {
        level,
        headcount,
        unranked,
        buildings,
        ancillary: Ancillary {
            canteen: asked.ancillary.canteen,
            cars: asked.ancillary.cars,
            bicycles: asked.ancillary.bicycles,
            electric_bicycles: asked.ancillary.electric_bicycles,
            guards: asked.ancillary.guards,
            civil_defence_m2: area("ancillary.civil_defence_m2", asked.ancillary.civil_defence_m2)?,
        },
    })
}

/// A figure that can be kept, 0 or more.
fn area(field: &str, given: f64) -> Result<Decimal, Problem> {
    Decimal::try_from(given)
        .ok()
        .filter(|_| (0.0..1e9).contains(&given))
        .ok_or_else(|| Problem::invalid(field, format!("{given} is no area")).remedy("send a number, 0 or more"))
}

fn problem(refused: CalculationRefused) -> Problem {
    let (field, remedy) = match &refused {
        CalculationRefused::NoPersons | CalculationRefused::TooManyPersons { .. } | CalculationRefused::Rank(_) => {
            ("headcount", "send the persons of each rank, as {\"副局(处)级\": 4}")
        }
        CalculationRefused::SharesNoWhole { .. } => ("buildings", "let the buildings' shares add up to 1"),
    };
    Problem::invalid(field, refused.to_string()).remedy(remedy)
}

/// SPC-16: figures of 1999 among those that somebody was told.
fn notices(asked: &SpaceOrder, level: Level, parameters: &Parameters) -> Result<Vec<Notice>, Problem> {
    let mut notices = Vec::new();
    for (rank, limit) in &asked.told_limits {
        let grade = Grade::parse(level, rank)
            .map_err(|refused| crate::occupants::rank_problem("told_limits", level, &refused))?;
        if let Some(old) = old_limit(grade, area("told_limits", *limit)?, parameters) {
            let given = old.given.normalize();
            let now = old.in_force.unwrap_or_default().normalize();
            notices.push(Notice {
                rule: "SPC-16",
                says: BothLanguages::new(
                    format!(
                        "{} {given} m² 是 1999 年标准的数值，已废止；现行限额为 {now} m²",
                        grade.name.zh
                    ),
                    format!(
                        "{given} m² for {} is a figure of 1999 and void; {now} m² holds today",
                        grade.name.en
                    ),
                ),
            });
        }
    }
    if let Some(given) = asked.told_per_head_m2
        && old_per_head(level, area("told_per_head_m2", given)?).is_some()
    {
        notices.push(Notice {
            rule: "SPC-16",
            says: BothLanguages::new(
                format!("人均建筑面积 {given} m² 是 1999 年标准的指标，已废止；2014 年标准没有人均建筑面积限额，由测算得出"),
                format!("{given} m² of building area a head is an index of 1999 and void; today's standard has none, it is derived"),
            ),
        });
    }
    Ok(notices)
}

/// A rank and its limit.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RankLimit {
    /// The word for programs.
    code: &'static str,
    /// What the standard calls it.
    name: BothLanguages,
    /// The most office space, m² of use area.
    limit_m2: f64,
}

/// A level and its ranks.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct LevelRanks {
    /// The word for programs.
    code: &'static str,
    /// What people call it.
    name: BothLanguages,
    /// The highest first.
    ranks: Vec<RankLimit>,
}

/// The standard's tables.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SpaceStandard {
    /// By level, the highest first; townships by the defaults, which a region may replace.
    levels: Vec<LevelRanks>,
}

/// Levels, ranks and limits of the standard.
#[utoipa::path(get, path = "/api/v1/space-standard", operation_id = "get_space_standard", tag = "space",
    responses((status = 200, body = SpaceStandard)))]
pub(super) async fn get_space_standard(_context: Context) -> Json<SpaceStandard> {
    let parameters = Parameters::default();
    let levels = Level::ALL
        .into_iter()
        .map(|level| LevelRanks {
            code: level.code(),
            name: level.name().into(),
            ranks: space_standard::grades(level)
                .map(|grade| RankLimit {
                    code: grade.code,
                    name: grade.name.into(),
                    limit_m2: shown(grade.limit_m2(&parameters)),
                })
                .collect(),
        })
        .collect();
    Json(SpaceStandard { levels })
}
