//! From headcounts to areas, step by step.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::grade::{Grade, RankRefused};
use crate::level::Level;
use crate::parameters::Parameters;
use crate::step::{Measure, Source, Step, plain, words};

/// How high a building is, which settles its least use coefficient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeightClass {
    /// 多层
    MultiStorey,
    /// 高层
    HighRise,
}

impl HeightClass {
    /// Both.
    pub const ALL: [Self; 2] = [Self::MultiStorey, Self::HighRise];

    /// The word for programs.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::MultiStorey => "multi_storey",
            Self::HighRise => "high_rise",
        }
    }

    /// Reads the code or a Chinese word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim() {
            "multi_storey" | "多层" | "低层" => Some(Self::MultiStorey),
            "high_rise" | "高层" | "超高层" => Some(Self::HighRise),
            _ => None,
        }
    }

    /// What the number of floors above ground lets assume where nobody said.
    #[must_use]
    pub fn of_floors(floors_above: u32, parameters: &Parameters) -> Self {
        if floors_above >= parameters.high_rise_floors {
            Self::HighRise
        } else {
            Self::MultiStorey
        }
    }

    /// The least use coefficient K.
    #[must_use]
    pub fn coefficient(self, parameters: &Parameters) -> Decimal {
        match self {
            Self::MultiStorey => parameters.coefficient_multi_storey,
            Self::HighRise => parameters.coefficient_high_rise,
        }
    }
}

/// What ancillary rooms are asked for; building areas.
#[derive(Debug, Clone, PartialEq)]
pub struct Ancillary {
    /// A canteen for everybody.
    pub canteen: bool,
    /// Car places; how many there may be is a matter of local planning rules.
    pub cars: u32,
    /// Bicycle places.
    pub bicycles: u32,
    /// Places for electric bicycles and motorcycles.
    pub electric_bicycles: u32,
    /// Guards.
    pub guards: u32,
    /// Air-raid shelter by the rules of civil defence, m²; it may serve as garage.
    pub civil_defence_m2: Decimal,
}

impl Default for Ancillary {
    fn default() -> Self {
        Self {
            canteen: true,
            cars: 0,
            bicycles: 0,
            electric_bicycles: 0,
            guards: 0,
            civil_defence_m2: Decimal::ZERO,
        }
    }
}

/// What is to be worked out.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// The organ's level.
    pub level: Level,
    /// Approved staffing by rank; ranks of the level.
    pub headcount: Vec<(&'static Grade, u32)>,
    /// Persons whose rank is not told: counted at the level's lowest limit, and said so.
    pub unranked: u32,
    /// In which height class, and for which share of the use area; the shares add up to 1.
    pub buildings: Vec<(HeightClass, Decimal)>,
    /// Ancillary rooms.
    pub ancillary: Ancillary,
}

/// Why nothing can be worked out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalculationRefused {
    /// There is nobody.
    #[error("nobody is counted")]
    NoPersons,
    /// More than an organ can have.
    #[error("{persons} persons are more than an organ can have")]
    TooManyPersons {
        /// So many.
        persons: u64,
    },
    /// A rank of another level.
    #[error(transparent)]
    Rank(#[from] RankRefused),
    /// The buildings' shares are no whole.
    #[error("the buildings' shares add up to {sum}, not to 1")]
    SharesNoWhole {
        /// Their sum.
        sum: Decimal,
    },
}

/// The most persons an organ can have.
const MOST_PERSONS: u64 = 1_000_000;

/// Everything that was worked out; exact, m².
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Calculation {
    /// The level.
    pub level: Level,
    /// x: everybody.
    pub persons: u32,
    /// Of them without rank, counted at the lowest limit.
    pub unranked: u32,
    /// A: offices, use area.
    pub office_m2: Decimal,
    /// Service rooms a head.
    pub service_per_head_m2: Decimal,
    /// B: service rooms, use area.
    pub service_m2: Decimal,
    /// Equipment rooms, use area.
    pub equipment_m2: Decimal,
    /// A + B + equipment: basic use area.
    pub use_area_m2: Decimal,
    /// Basic building area: each part by its K.
    pub basic_building_m2: Decimal,
    /// C: ancillary rooms, building area.
    pub ancillary_m2: Decimal,
    /// Of C, the canteen.
    pub canteen_m2: Decimal,
    /// S: all building area.
    pub total_m2: Decimal,
    /// The arithmetic.
    pub steps: Vec<Step>,
}

const OFFICE: Source = Source::confirmed(
    "发改投资〔2014〕2674号，各级工作人员办公室使用面积",
    "2674, use area of offices by rank",
);
const OFFICE_TOWNSHIP: Source = Source::confirmed(
    "发改投资〔2014〕2674号；乡级限额由省级规定（如黑发改投资〔2015〕43号）",
    "2674; the limits of townships are the province's (as 黑发改投资〔2015〕43号)",
);
const OFFICE_TOWNSHIP_SETTING: Source = Source::setting(
    "乡级限额由省级规定；本区域尚未确认，暂按黑发改投资〔2015〕43号的数值",
    "the limits of townships are the province's; not confirmed for this region, so the figures of Heilongjiang stand in",
);
const SERVICE: Source = Source::confirmed(
    "发改投资〔2014〕2674号，服务用房人均使用面积",
    "2674, service rooms a head",
);
const SERVICE_SETTING: Source = Source::setting(
    "发改投资〔2014〕2674号，服务用房人均使用面积；插值公式待核对原文，可在参数中修改",
    "2674, service rooms a head; the formula between the ends is a setting to be confirmed",
);
const EQUIPMENT: Source = Source::confirmed(
    "发改投资〔2014〕2674号，设备用房按办公室与服务用房之和的 9%",
    "2674, equipment rooms: 9 % of offices and service rooms",
);
const COMPOSITION: Source = Source::confirmed(
    "发改投资〔2014〕2674号第十条，基本办公用房 = 办公室 + 服务用房 + 设备用房",
    "2674 art. 10: basic office space is offices, service rooms and equipment rooms",
);
const COEFFICIENT: Source = Source::confirmed(
    "发改投资〔2014〕2674号，总使用面积系数：多层不低于 65%，高层不低于 60%",
    "2674, use coefficient: at least 65 % with several storeys, 60 % in high buildings",
);
const ANCILLARY: Source = Source::confirmed(
    "发改投资〔2014〕2674号，附属用房建筑面积；车位数按当地规划规定",
    "2674, ancillary rooms by building area; the number of places is a matter of local planning rules",
);
const GUARDS: Source = Source::setting(
    "警卫用房人均 25 m² 待核对原文，可在参数中修改",
    "25 m² a guard is a setting to be confirmed",
);
const DEFENCE: Source = Source::confirmed(
    "人防设施按人民防空规定配建",
    "air-raid shelter by the rules of civil defence",
);
const TOTAL: Source = Source::confirmed(
    "发改投资〔2014〕2674号，S = [A + B + (A + B) × 9%] / K + C",
    "2674: S = [A + B + (A + B) × 9 %] / K + C",
);

/// B: the service rooms of so many persons, m² of use area.
#[must_use]
pub fn service_area_m2(level: Level, persons: u32, parameters: &Parameters) -> Decimal {
    Decimal::from(persons) * parameters.service(level).per_head_m2(persons)
}

impl Calculation {
    /// Works an order out.
    ///
    /// # Errors
    /// [`CalculationRefused`].
    pub fn work_out(order: &Order, parameters: &Parameters) -> Result<Self, CalculationRefused> {
        let level = order.level;
        if let Some((grade, _)) = order.headcount.iter().find(|(grade, _)| grade.level != level) {
            return Err(CalculationRefused::Rank(RankRefused::OfAnotherLevel {
                rank: grade.name.zh.to_owned(),
                level,
                of: vec![grade.level],
            }));
        }
        let all: u64 = order
            .headcount
            .iter()
            .map(|(_, persons)| u64::from(*persons))
            .sum::<u64>()
            + u64::from(order.unranked);
        if all == 0 {
            return Err(CalculationRefused::NoPersons);
        }
        if all > MOST_PERSONS {
            return Err(CalculationRefused::TooManyPersons { persons: all });
        }
        let shares: Decimal = order.buildings.iter().map(|(_, share)| *share).sum();
        let is_share = |share: &Decimal| *share >= Decimal::ZERO;
        if (shares - Decimal::ONE).abs() > Decimal::new(1, 6)
            || !order.buildings.iter().all(|(_, share)| is_share(share))
        {
            return Err(CalculationRefused::SharesNoWhole { sum: shares });
        }
        let mut work = Work {
            steps: Vec::new(),
            parameters,
        };
        let persons = u32::try_from(all).unwrap_or(u32::MAX);
        let (office_m2, service_per_head_m2, service_m2) = work.offices_and_service(order, persons);
        let equipment_m2 = work.equipment(office_m2, service_m2);
        let use_area_m2 = work.use_area(office_m2, service_m2, equipment_m2);
        let basic_building_m2 = work.building_area(use_area_m2, &order.buildings);
        let (ancillary_m2, canteen_m2) = work.ancillary(&order.ancillary, persons);
        let total_m2 = basic_building_m2 + ancillary_m2;
        work.say(
            "total",
            words("总建筑面积 S", "Total building area S"),
            words("基本办公用房建筑面积 + C", "basic building area + C"),
            format!("{} + {}", rounded(basic_building_m2), rounded(ancillary_m2)),
            (total_m2, Measure::BuildingArea),
            TOTAL,
        );
        Ok(Self {
            level,
            persons,
            unranked: order.unranked,
            office_m2,
            service_per_head_m2,
            service_m2,
            equipment_m2,
            use_area_m2,
            basic_building_m2,
            ancillary_m2,
            canteen_m2,
            total_m2,
            steps: work.steps,
        })
    }
}

/// Two decimals, as they are written on paper.
fn rounded(figure: Decimal) -> String {
    plain(figure.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero))
}

struct Work<'a> {
    steps: Vec<Step>,
    parameters: &'a Parameters,
}

impl Work<'_> {
    fn say(
        &mut self,
        key: &'static str,
        name: crate::step::Words,
        formula: crate::step::Words,
        values: String,
        (result, measure): (Decimal, Measure),
        source: Source,
    ) {
        self.steps.push(Step {
            key,
            name,
            formula,
            values,
            result,
            measure,
            source,
        });
    }

    fn offices_and_service(&mut self, order: &Order, persons: u32) -> (Decimal, Decimal, Decimal) {
        let level = order.level;
        let mut counted: Vec<(u32, Decimal)> = order
            .headcount
            .iter()
            .filter(|(_, persons)| *persons > 0)
            .map(|(grade, persons)| (*persons, grade.limit_m2(self.parameters)))
            .collect();
        let lowest = crate::grade::grades(level)
            .map(|grade| grade.limit_m2(self.parameters))
            .min()
            .unwrap_or_default();
        if order.unranked > 0 {
            counted.push((order.unranked, lowest));
        }
        self.say(
            "persons",
            words("编制定员 x", "Approved staffing x"),
            words("Σ 各职级人数", "Σ persons of every rank"),
            join(counted.iter().map(|(persons, _)| persons.to_string())),
            (Decimal::from(persons), Measure::Persons),
            OFFICE,
        );
        let office_m2: Decimal = counted
            .iter()
            .map(|(persons, limit)| Decimal::from(*persons) * limit)
            .sum();
        let source = match level {
            Level::Township if self.parameters.township.is_confirmed => OFFICE_TOWNSHIP,
            Level::Township => OFFICE_TOWNSHIP_SETTING,
            _ => OFFICE,
        };
        self.say(
            "office",
            words("办公室使用面积 A", "Offices A, use area"),
            words("Σ 人数 × 职级限额", "Σ persons × limit of their rank"),
            join(
                counted
                    .iter()
                    .map(|(persons, limit)| format!("{persons} × {}", plain(*limit))),
            ),
            (office_m2, Measure::UseArea),
            source,
        );
        let service = self.parameters.service(level);
        let per_head = service.per_head_m2(persons);
        let is_between = persons > service.few && persons < service.many;
        let source = if service.is_confirmed || !is_between {
            SERVICE
        } else {
            SERVICE_SETTING
        };
        self.say(
            "service_per_head",
            words("服务用房人均使用面积", "Service rooms a head"),
            words(
                "人数少取上限，人数多取下限，其间按直线内插",
                "the upper figure for few, the lower for many, a straight line between",
            ),
            if is_between {
                format!(
                    "{} − ({persons} − {}) ÷ ({} − {}) × ({} − {})",
                    plain(service.upper_m2),
                    service.few,
                    service.many,
                    service.few,
                    plain(service.upper_m2),
                    plain(service.lower_m2)
                )
            } else if persons <= service.few {
                format!("{persons} ≤ {}", service.few)
            } else {
                format!("{persons} ≥ {}", service.many)
            },
            (per_head, Measure::UseAreaPerPerson),
            source,
        );
        let service_m2 = service_area_m2(level, persons, self.parameters);
        self.say(
            "service",
            words("服务用房使用面积 B", "Service rooms B, use area"),
            words("x × 人均使用面积", "x × area a head"),
            format!("{persons} × {}", plain(per_head)),
            (service_m2, Measure::UseArea),
            source,
        );
        (office_m2, per_head, service_m2)
    }

    fn equipment(&mut self, office_m2: Decimal, service_m2: Decimal) -> Decimal {
        let share = self.parameters.equipment_share;
        let equipment_m2 = (office_m2 + service_m2) * share;
        self.say(
            "equipment",
            words("设备用房使用面积", "Equipment rooms, use area"),
            words("(A + B) × 9%", "(A + B) × 9 %"),
            format!("({} + {}) × {}", rounded(office_m2), rounded(service_m2), plain(share)),
            (equipment_m2, Measure::UseArea),
            EQUIPMENT,
        );
        equipment_m2
    }

    fn use_area(&mut self, office_m2: Decimal, service_m2: Decimal, equipment_m2: Decimal) -> Decimal {
        let use_area_m2 = office_m2 + service_m2 + equipment_m2;
        self.say(
            "use_area",
            words("基本办公用房使用面积", "Basic office space, use area"),
            words("A + B + 设备用房", "A + B + equipment rooms"),
            format!(
                "{} + {} + {}",
                rounded(office_m2),
                rounded(service_m2),
                rounded(equipment_m2)
            ),
            (use_area_m2, Measure::UseArea),
            COMPOSITION,
        );
        use_area_m2
    }

    fn building_area(&mut self, use_area_m2: Decimal, buildings: &[(HeightClass, Decimal)]) -> Decimal {
        let mut area_m2 = Decimal::ZERO;
        let mut values = Vec::new();
        for (height_class, share) in buildings {
            let coefficient = height_class.coefficient(self.parameters);
            area_m2 += use_area_m2 * share / coefficient;
            let part = rounded(use_area_m2 * share);
            values.push(format!("{part} ÷ {}", plain(coefficient)));
        }
        self.say(
            "basic_building_area",
            words("基本办公用房建筑面积", "Basic office space, building area"),
            words(
                "使用面积 ÷ K（多栋楼分别计算后相加）",
                "use area ÷ K; several buildings are added up",
            ),
            values.join(" + "),
            (area_m2, Measure::BuildingArea),
            COEFFICIENT,
        );
        area_m2
    }

    fn ancillary(&mut self, asked: &Ancillary, persons: u32) -> (Decimal, Decimal) {
        let mut parts = Vec::new();
        let canteen_m2 = if asked.canteen {
            let area = self.stepped(
                "canteen",
                words("食堂", "Canteen"),
                words(
                    "100 人以内 3.7 m²/人，超出部分 2.6 m²/人",
                    "3.7 m² each up to 100 persons, 2.6 for each beyond",
                ),
                persons,
                (100, Decimal::new(37, 1), Decimal::new(26, 1)),
            );
            parts.push(area);
            area
        } else {
            Decimal::ZERO
        };
        if asked.cars > 0 {
            parts.push(self.stepped(
                "cars",
                words("汽车库", "Cars"),
                words(
                    "200 辆以内 40 m²/辆，超出部分 38 m²/辆",
                    "40 m² each up to 200 places, 38 for each beyond",
                ),
                asked.cars,
                (200, Decimal::from(40), Decimal::from(38)),
            ));
        }
        let guard_m2 = self.parameters.guard_m2;
        for (key, name, formula, count, each, source) in [
            (
                "bicycles",
                words("自行车库", "Bicycles"),
                words("1.8 m²/辆", "1.8 m² a place"),
                asked.bicycles,
                Decimal::new(18, 1),
                ANCILLARY,
            ),
            (
                "electric_bicycles",
                words("电动车、摩托车库", "Electric bicycles and motorcycles"),
                words("2.5 m²/辆", "2.5 m² a place"),
                asked.electric_bicycles,
                Decimal::new(25, 1),
                ANCILLARY,
            ),
            (
                "guards",
                words("警卫用房", "Guard rooms"),
                words("警卫人数 × 人均面积", "guards × area a head"),
                asked.guards,
                guard_m2,
                GUARDS,
            ),
        ] {
            if count > 0 {
                let area = Decimal::from(count) * each;
                let values = format!("{count} × {}", plain(each));
                self.say(key, name, formula, values, (area, Measure::BuildingArea), source);
                parts.push(area);
            }
        }
        if asked.civil_defence_m2 > Decimal::ZERO {
            let area = asked.civil_defence_m2;
            self.say(
                "civil_defence",
                words("人防设施", "Air-raid shelter"),
                words("按规定配建", "as the rules of civil defence ask"),
                plain(area),
                (area, Measure::BuildingArea),
                DEFENCE,
            );
            parts.push(area);
        }
        let sum: Decimal = parts.iter().sum();
        self.say(
            "ancillary",
            words("附属用房建筑面积 C", "Ancillary rooms C, building area"),
            words(
                "食堂 + 车库 + 警卫用房 + 人防设施",
                "canteen + garages + guard rooms + shelter",
            ),
            if parts.is_empty() {
                "0".to_owned()
            } else {
                join(parts.iter().map(|part| rounded(*part)))
            },
            (sum, Measure::BuildingArea),
            ANCILLARY,
        );
        (sum, canteen_m2)
    }

    /// So much each up to a number, and another figure for each beyond.
    fn stepped(
        &mut self,
        key: &'static str,
        name: crate::step::Words,
        formula: crate::step::Words,
        count: u32,
        (up_to, first, beyond): (u32, Decimal, Decimal),
    ) -> Decimal {
        let (within, rest) = (count.min(up_to), count.saturating_sub(up_to));
        let area = Decimal::from(within) * first + Decimal::from(rest) * beyond;
        let values = if rest > 0 {
            format!("{within} × {} + {rest} × {}", plain(first), plain(beyond))
        } else {
            format!("{within} × {}", plain(first))
        };
        self.say(key, name, formula, values, (area, Measure::BuildingArea), ANCILLARY);
        area
    }
}

fn join(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(" + ")
}

/// A use area that nobody measured.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Estimate {
    /// m² of use area; estimated, never measured.
    pub use_area_m2: Decimal,
    /// The coefficient it was estimated with.
    pub coefficient: Decimal,
}

impl Estimate {
    /// Where a title gives only building area: building area × K.
    #[must_use]
    pub fn of(building_area_m2: Decimal, height_class: HeightClass, parameters: &Parameters) -> Self {
        let coefficient = height_class.coefficient(parameters);
        Self {
            use_area_m2: building_area_m2 * coefficient,
            coefficient,
        }
    }
}

/// What is there against what may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Excess {
    /// What may be, m².
    pub entitled_m2: Decimal,
    /// What is there, m².
    pub actual_m2: Decimal,
    /// What is to be vacated, m²; nought where nothing is.
    pub excess_m2: Decimal,
}

/// Compares what is there with what may be; both in the same kind of area.
#[must_use]
pub fn excess(entitled_m2: Decimal, actual_m2: Decimal) -> Excess {
    Excess {
        entitled_m2,
        actual_m2,
        excess_m2: (actual_m2 - entitled_m2).max(Decimal::ZERO),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area(hundredths: i64) -> Decimal {
        Decimal::new(hundredths, 2)
    }

    fn order(level: Level, headcount: &[(&str, u32)], height_class: HeightClass) -> Order {
        Order {
            level,
            headcount: headcount
                .iter()
                .map(|(rank, persons)| (Grade::parse(level, rank).unwrap(), *persons))
                .collect(),
            unranked: 0,
            buildings: vec![(height_class, Decimal::ONE)],
            ancillary: Ancillary::default(),
        }
    }

    /// What the worked examples say, to a hundredth.
    #[track_caller]
    fn holds(order: &Order, [office, service, equipment, use_area, basic, ancillary, total]: [i64; 7]) {
        let found = Calculation::work_out(order, &Parameters::default()).unwrap();
        let rounded =
            |figure: Decimal| figure.round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        assert_eq!(found.office_m2, area(office), "A");
        assert_eq!(found.service_m2, area(service), "B");
        assert_eq!(rounded(found.equipment_m2), area(equipment), "9 %");
        assert_eq!(rounded(found.use_area_m2), area(use_area), "use area");
        assert_eq!(rounded(found.basic_building_m2), area(basic), "basic building area");
        assert_eq!(found.ancillary_m2, area(ancillary), "C");
        assert_eq!(rounded(found.total_m2), area(total), "S");
        assert_eq!(found.steps.last().map(|step| step.result), Some(found.total_m2));
    }

    const EIGHTY: [(&str, u32); 3] = [("正局(处)级", 1), ("副局(处)级", 4), ("局(处)级以下", 75)];

    #[test]
    fn example_1_a_city_bureau_of_eighty() {
        let order = order(Level::City, &EIGHTY, HeightClass::MultiStorey);
        holds(&order, [77_100, 64_000, 12_699, 153_799, 236_614, 29_600, 266_214]);
        let found = Calculation::work_out(&order, &Parameters::default()).unwrap();
        let values = |key: &str| found.steps.iter().find(|step| step.key == key).unwrap().values.clone();
        assert_eq!(values("office"), "1 × 24 + 4 × 18 + 75 × 9");
        assert_eq!(values("equipment"), "(771 + 640) × 0.09");
        assert_eq!(values("basic_building_area"), "1537.99 ÷ 0.65");
        assert_eq!(values("canteen"), "80 × 3.7");
    }

    #[test]
    fn example_2_the_same_in_a_high_building() {
        let order = order(Level::City, &EIGHTY, HeightClass::HighRise);
        holds(&order, [77_100, 64_000, 12_699, 153_799, 256_332, 29_600, 285_932]);
    }

    #[test]
    fn example_3_with_cars_and_bicycles() {
        let mut order = order(Level::City, &EIGHTY, HeightClass::MultiStorey);
        order.ancillary = Ancillary {
            cars: 40,
            bicycles: 50,
            electric_bicycles: 20,
            ..Ancillary::default()
        };
        holds(&order, [77_100, 64_000, 12_699, 153_799, 236_614, 203_600, 440_214]);
    }

    #[test]
    fn example_4_a_county_bureau_of_a_hundred_and_fifty() {
        let headcount = [("正科级", 1), ("副科级", 4), ("科级以下", 145)];
        let order = order(Level::County, &headcount, HeightClass::MultiStorey);
        holds(&order, [137_100, 105_000, 21_789, 263_889, 405_983, 50_000, 455_983]);
        let found = Calculation::work_out(&order, &Parameters::default()).unwrap();
        // What was not found in print says so.
        let step = found.steps.iter().find(|step| step.key == "service_per_head").unwrap();
        assert!(!step.source.is_confirmed);
        assert_eq!(step.values, "8 − (150 − 100) ÷ (200 − 100) × (8 − 6)");
    }

    #[test]
    fn example_5_a_provincial_department_of_two_hundred_and_fifty() {
        let headcount = [
            ("正厅(局)级", 1),
            ("副厅(局)级", 5),
            ("正处级", 20),
            ("副处级", 40),
            ("处级以下", 184),
        ];
        let order = order(Level::Province, &headcount, HeightClass::HighRise);
        holds(&order, [264_600, 212_500, 42_939, 520_039, 866_732, 76_000, 942_732]);
    }

    #[test]
    fn example_6_a_city_centre_that_is_shared() {
        let headcount = [
            ("市级正职", 4),
            ("市级副职", 16),
            ("正局(处)级", 40),
            ("副局(处)级", 80),
            ("局(处)级以下", 260),
        ];
        let mut order = order(Level::City, &headcount, HeightClass::HighRise);
        order.ancillary.cars = 260;
        holds(
            &order,
            [538_800, 240_000, 70_092, 848_892, 1_414_820, 1_143_000, 2_557_820],
        );
    }

    #[test]
    fn the_slip_of_panjin_and_an_estimate() {
        let found = excess(area(290_000), area(430_108));
        assert_eq!(found.excess_m2, area(140_108));
        assert_eq!(excess(area(100), area(99)).excess_m2, Decimal::ZERO);
        let estimate = Estimate::of(area(100_000), HeightClass::HighRise, &Parameters::default());
        assert_eq!(estimate.use_area_m2, area(60_000));
    }

    #[test]
    fn several_buildings_are_worked_out_each_with_its_coefficient() {
        let mut both = order(Level::City, &EIGHTY, HeightClass::MultiStorey);
        both.buildings = vec![
            (HeightClass::MultiStorey, Decimal::new(5, 1)),
            (HeightClass::HighRise, Decimal::new(5, 1)),
        ];
        let found = Calculation::work_out(&both, &Parameters::default()).unwrap();
        // Half of each of the examples 1 and 2.
        assert!((found.basic_building_m2 - area(246_473)).abs() < area(1));
        both.buildings.pop();
        assert_eq!(
            Calculation::work_out(&both, &Parameters::default()),
            Err(CalculationRefused::SharesNoWhole {
                sum: Decimal::new(5, 1)
            })
        );
    }

    #[test]
    fn what_can_not_be_worked_out_is_refused_by_name() {
        let nobody = order(Level::City, &[], HeightClass::MultiStorey);
        assert_eq!(
            Calculation::work_out(&nobody, &Parameters::default()),
            Err(CalculationRefused::NoPersons)
        );
        let mut mixed = order(Level::City, &EIGHTY, HeightClass::MultiStorey);
        mixed.level = Level::County;
        let refused = Calculation::work_out(&mixed, &Parameters::default());
        assert!(matches!(
            refused,
            Err(CalculationRefused::Rank(RankRefused::OfAnotherLevel { .. }))
        ));
    }

    #[test]
    fn a_township_has_what_its_region_sets() {
        let headcount = [("正职", 2), ("副职", 6), ("科员", 30)];
        let order = order(Level::Township, &headcount, HeightClass::MultiStorey);
        let found = Calculation::work_out(&order, &Parameters::default()).unwrap();
        assert_eq!((found.office_m2, found.service_m2), (area(42_600), area(30_400)));
        assert!(!found.steps[1].source.is_confirmed);
        let mut set = Parameters::default();
        set.township.deputy_m2 = Decimal::from(16);
        set.township.is_confirmed = true;
        let found = Calculation::work_out(&order, &set).unwrap();
        assert_eq!(found.office_m2, area(41_400));
        assert!(found.steps[1].source.is_confirmed);
    }

    #[test]
    fn the_service_rooms_of_a_city_at_the_ends_and_between() {
        for (persons, hundredths) in [
            (200, 160_000),
            (201, 160_599),
            (300, 210_000),
            (399, 239_799),
            (400, 240_000),
        ] {
            let found = service_area_m2(Level::City, persons, &Parameters::default());
            assert!((found - area(hundredths)).abs() <= area(1), "{persons}: {found}");
        }
    }

    proptest! {
        /// One person more never means less room, and no jump.
        #[test]
        fn service_rooms_grow_with_every_person(level in 0..5_usize, persons in 0..3_000_u32) {
            let level = Level::ALL[level];
            let parameters = Parameters::default();
            let (now, more) = (
                service_area_m2(level, persons, &parameters),
                service_area_m2(level, persons + 1, &parameters),
            );
            prop_assert!(more > now, "{level} {persons}: {now} then {more}");
            prop_assert!(more - now <= parameters.service(level).upper_m2, "{level} {persons}: {now} then {more}");
        }

        /// The whole is its parts, whatever the order.
        #[test]
        fn the_total_is_the_sum_of_its_parts(persons in proptest::collection::vec(0..900_u32, 5), share in 0..=100_i64, cars in 0..500_u32) {
            let level = Level::City;
            let headcount: Vec<_> = crate::grade::grades(level).zip(persons).collect();
            prop_assume!(headcount.iter().any(|(_, persons)| *persons > 0));
            let order = Order {
                level,
                headcount,
                unranked: 0,
                buildings: vec![(HeightClass::MultiStorey, Decimal::new(share, 2)), (HeightClass::HighRise, Decimal::new(100 - share, 2))],
                ancillary: Ancillary { cars, ..Ancillary::default() },
            };
            let parameters = Parameters::default();
            let found = Calculation::work_out(&order, &parameters).unwrap();
            prop_assert_eq!(found.use_area_m2, found.office_m2 + found.service_m2 + found.equipment_m2);
            prop_assert_eq!(found.total_m2, found.basic_building_m2 + found.ancillary_m2);
            // Between all low and all high.
            prop_assert!(found.basic_building_m2 >= found.use_area_m2 / parameters.coefficient_multi_storey - area(1));
            prop_assert!(found.basic_building_m2 <= found.use_area_m2 / parameters.coefficient_high_rise + area(1));
        }
    }
}
