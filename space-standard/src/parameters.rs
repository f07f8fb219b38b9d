//! What a region may set, and what no printed source confirms: settings with their defaults.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::grade::grades;
use crate::level::Level;

/// The service rooms of a level: m² of use area a person, falling in a straight line between two headcounts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceRooms {
    /// Up to so many persons, the upper figure.
    pub few: u32,
    /// From so many persons, the lower figure.
    pub many: u32,
    /// m² a person up to `few`.
    pub upper_m2: Decimal,
    /// m² a person from `many`.
    pub lower_m2: Decimal,
    /// Was the formula found in a printed source?
    pub is_confirmed: bool,
}

impl ServiceRooms {
    const fn between(few: u32, many: u32, upper_m2: i64, lower_m2: i64, is_confirmed: bool) -> Self {
        Self {
            few,
            many,
            upper_m2: small(upper_m2, 0),
            lower_m2: small(lower_m2, 0),
            is_confirmed,
        }
    }

    /// m² of use area a person, of so many persons.
    #[must_use]
    pub fn per_head_m2(&self, persons: u32) -> Decimal {
        if persons <= self.few {
            self.upper_m2
        } else if persons >= self.many {
            self.lower_m2
        } else {
            let way = Decimal::from(persons - self.few) / Decimal::from(self.many - self.few);
            self.upper_m2 - way * (self.upper_m2 - self.lower_m2)
        }
    }
}

/// What the province sets for townships; the defaults are those of Heilongjiang (黑发改投资〔2015〕43号) and Panjin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TownshipLimits {
    /// 正职, m² of use area.
    pub chief_m2: Decimal,
    /// 副职
    pub deputy_m2: Decimal,
    /// 以下
    pub below_m2: Decimal,
    /// Service rooms, m² a person.
    pub service_m2: Decimal,
    /// Has this region set them itself?
    pub is_confirmed: bool,
}

/// The figures that a calculation uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Parameters {
    /// Of townships.
    pub township: TownshipLimits,
    /// Service rooms of central and provincial organs.
    pub service_high: ServiceRooms,
    /// Of city organs.
    pub service_city: ServiceRooms,
    /// Of county organs.
    pub service_county: ServiceRooms,
    /// Equipment rooms as a share of offices and service rooms.
    pub equipment_share: Decimal,
    /// The least use coefficient (总使用面积系数) of several storeys (多层).
    pub coefficient_multi_storey: Decimal,
    /// Of high buildings (高层).
    pub coefficient_high_rise: Decimal,
    /// Guard rooms, m² of building area a guard.
    pub guard_m2: Decimal,
    /// A private washroom, at most, m² of use area.
    pub washroom_m2: Decimal,
    /// So much above the limit is tolerated, m².
    pub tolerance_m2: Decimal,
    /// So much above the limit is a warning, m².
    pub warn_band_m2: Decimal,
    /// From so many floors above ground a building counts as high where nobody said.
    pub high_rise_floors: u32,
}

const fn small(units: i64, scale: u32) -> Decimal {
    let (low, is_negative) = (units.unsigned_abs(), units < 0);
    Decimal::from_parts(low as u32, 0, 0, is_negative, scale)
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            township: TownshipLimits {
                chief_m2: small(24, 0),
                deputy_m2: small(18, 0),
                below_m2: small(9, 0),
                service_m2: small(8, 0),
                is_confirmed: false,
            },
            service_high: ServiceRooms::between(200, 400, 9, 7, false),
            service_city: ServiceRooms::between(200, 400, 8, 6, true),
            service_county: ServiceRooms::between(100, 200, 8, 6, false),
            equipment_share: small(9, 2),
            coefficient_multi_storey: small(65, 2),
            coefficient_high_rise: small(60, 2),
            guard_m2: small(25, 0),
            washroom_m2: small(6, 0),
            tolerance_m2: Decimal::ZERO,
            warn_band_m2: Decimal::ONE,
            // 24 m is where a public building becomes a high one; offices have about 3.6 m a floor.
            high_rise_floors: 7,
        }
    }
}

/// Service rooms and limits as a query reads them: by level, the limit of every word for a rank.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct ForQueries<'a> {
    office: BTreeMap<&'static str, BTreeMap<&'static str, Decimal>>,
    washroom_ranks: BTreeMap<&'static str, Vec<&'static str>>,
    service: BTreeMap<&'static str, ServiceRooms>,
    parameters: &'a Parameters,
}

impl Parameters {
    /// The service rooms of a level.
    #[must_use]
    pub fn service(&self, level: Level) -> ServiceRooms {
        match level {
            Level::Central | Level::Province => self.service_high,
            Level::City => self.service_city,
            Level::County => self.service_county,
            Level::Township => ServiceRooms {
                few: 0,
                many: 1,
                upper_m2: self.township.service_m2,
                lower_m2: self.township.service_m2,
                is_confirmed: self.township.is_confirmed,
            },
        }
    }

    /// Everything that a query needs to work out the same, to be serialized.
    #[must_use]
    pub fn for_queries(&self) -> impl Serialize + '_ {
        let by_level = |level: Level| {
            grades(level)
                .flat_map(|grade| grade.words().map(|word| (word, grade.limit_m2(self))))
                .collect()
        };
        let washrooms = |level: Level| {
            grades(level)
                .filter(|grade| grade.may_have_washroom)
                .flat_map(|grade| grade.words())
                .collect()
        };
        ForQueries {
            office: Level::ALL
                .into_iter()
                .map(|level| (level.code(), by_level(level)))
                .collect(),
            washroom_ranks: Level::ALL
                .into_iter()
                .map(|level| (level.code(), washrooms(level)))
                .collect(),
            service: Level::ALL
                .into_iter()
                .map(|level| (level.code(), self.service(level)))
                .collect(),
            parameters: self,
        }
    }
}
