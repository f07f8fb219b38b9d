//! What a unit asks for, and what is recorded on the way to it: the space that it is given, leases, construction, leaders'
//! rooms.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::movables::Piece;
use crate::money::Money;
use crate::period::day;
use crate::request::Problem;
use crate::request::fields::plain_text;

/// The most rooms that a unit is given by one case.
const MOST_ROOMS: usize = 500;

/// What a unit needs (需求): people by rank, or an area.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SpaceNeed)]
pub struct Need {
    /// How many people of which rank, in the words of the unit's level.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub people: BTreeMap<String, u32>,
    /// 使用面积, m², as a text; without it the sum of the people's limits (2674).
    #[serde(
        default,
        with = "rust_decimal::serde::str_option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(value_type = Option<String>)]
    pub use_area_m2: Option<Decimal>,
    /// What for.
    pub purpose: String,
    /// Does the unit give back what it has now (原有用房腾退)?
    #[serde(default)]
    pub vacates: bool,
}

/// An area that something can have.
fn require_area(field: &str, area: Decimal) -> Result<(), Problem> {
    if area > Decimal::ZERO && area < Decimal::from(10_000_000) {
        return Ok(());
    }
    Err(Problem::invalid(field, "不是面积 / it is no area")
        .code("area_form")
        .remedy("send m² as a text: \"241.60\""))
}

impl Need {
    /// Checks what can be checked of a need alone.
    ///
    /// # Errors
    /// A problem naming the field.
    pub(super) fn check(&self) -> Result<(), Problem> {
        let refuse = |field: &str, words: &str| {
            Err(Problem::invalid(field, words)
                .code("need_missing")
                .rule("SPC-04", "党政机关办公用房建设标准 (2674) art. 3")
                .remedy("send need.people by rank, or need.use_area_m2, and need.purpose"))
        };
        if plain_text("need.purpose", &self.purpose, 400)?.is_empty() {
            return refuse("need.purpose", "请说明用途 / say what for");
        }
        if self.people.values().map(|count| u64::from(*count)).sum::<u64>() > 100_000 {
            return refuse("need.people", "人数过多 / these are too many people");
        }
        match self.use_area_m2 {
            Some(area) => require_area("need.use_area_m2", area),
            None if self.people.values().all(|count| *count == 0) => {
                refuse("need", "请填写人数或面积 / say how many people by rank, or which area")
            }
            None => Ok(()),
        }
    }
}

/// A suitable space that won't do all the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SpaceRejected)]
pub struct Rejected {
    /// The building.
    pub asset_id: Uuid,
    /// Why.
    pub reason: String,
}

impl Rejected {
    pub(super) fn check(&self) -> Result<(), Problem> {
        match plain_text("rejected", &self.reason, 2_000)?.is_empty() {
            true => Err(Problem::invalid("rejected", "请逐处说明理由 / say why each won't do")
                .code("reason_missing")
                .remedy("send a reason")),
            false => Ok(()),
        }
    }
}

/// The space that a unit is to be given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SpaceAllotment)]
pub struct Allotment {
    /// The building.
    pub asset_id: Uuid,
    /// The rooms; all of the building where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub room_ids: Vec<Uuid>,
    /// Why this one.
    pub why: String,
}

impl Allotment {
    pub(super) fn check(&self) -> Result<(), Problem> {
        let mut rooms = self.room_ids.clone();
        rooms.sort_unstable();
        rooms.dedup();
        match rooms.len() == self.room_ids.len() && rooms.len() <= MOST_ROOMS {
            true => Ok(()),
            false => Err(Problem::invalid(
                "room_ids",
                "房间重复或过多 / a room is there twice, or there are too many",
            )
            .remedy("send each room once")),
        }
    }
}

/// The lease of what is rented.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RentedIn)]
pub struct LeaseIn {
    /// 合同编号
    pub number: String,
    /// From whom.
    pub landlord: String,
    /// `bureau`, `using_unit`, `state_company` or `private` (anybody else, as unless told).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub landlord_kind: Option<String>,
    /// 坐落
    pub address: String,
    /// The building, where it is registered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<Uuid>,
    /// 使用面积, m².
    #[schema(value_type = String)]
    pub use_area_m2: Decimal,
    /// The first day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// The last day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// 年租金
    #[schema(value_type = String)]
    pub rent_year: Money,
    /// What the market asks for the like, a year.
    #[schema(value_type = String)]
    pub market_rent_year: Money,
}

impl LeaseIn {
    pub(super) fn check(&self) -> Result<(), Problem> {
        if let Some(kind) = &self.landlord_kind {
            crate::request::fields::require_word("landlord_kind", kind, &crate::leases::LESSOR_KINDS)?;
        }
        if self.to >= crate::leases::too_long_from(self.from) {
            return Err(Problem::invalid(
                "to",
                "租赁期限不得超过二十年（民法典第七百零五条） / a lease holds no longer than twenty years",
            )
            .remedy("write the term of the contract; what goes beyond twenty years does not hold"));
        }
        require_area("use_area_m2", self.use_area_m2)
    }
}

/// How space comes to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BuildingWay {
    /// 新建
    New,
    /// 扩建
    Extension,
    /// 改建
    Rebuilding,
    /// 购置
    Purchase,
}

/// Where the money comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BuildingFund {
    /// 预算安排
    Budget,
    /// 自筹
    OwnIncome,
    /// 借款
    Loan,
    /// 捐赠、赞助
    Donation,
}

/// What is to be built, and by which money.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SpaceConstruction)]
pub struct Construction {
    /// How.
    pub way: BuildingWay,
    /// Where.
    pub site: String,
    /// 使用面积, m².
    #[schema(value_type = String)]
    pub use_area_m2: Decimal,
    /// 总投资
    #[schema(value_type = String)]
    pub investment: Money,
    /// 资金来源
    pub fund: BuildingFund,
}

impl Construction {
    pub(super) fn check(&self) -> Result<(), Problem> {
        require_area("use_area_m2", self.use_area_m2)
    }
}

/// The final accounts of what was built.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FinalAccounts {
    /// When.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// 决算金额
    #[schema(value_type = String)]
    pub amount: Money,
}

/// What is movable in rooms that are left, handed to the shared store (公物仓).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MovablesHandedOver)]
pub struct Movables {
    /// When.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// How many pieces; none is an answer, too.
    pub items: u32,
    /// The number of the list.
    pub list: String,
    /// Who took them for the store.
    pub received_by: String,
    /// Who handed them over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_by: Option<String>,
    /// Line by line; they add up to the pieces.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pieces: Vec<Piece>,
}

/// What was handed over to another level's bureau (移交清单).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = HandOverList)]
pub struct HandOver {
    /// When.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// The bureau that receives it, a unit of the registry: the asset is of its level from then on.
    pub receiver_id: Uuid,
    /// The number of the list.
    pub list: String,
    /// How many papers.
    pub papers: u32,
    /// How many keys.
    pub keys: u32,
    /// How many leases.
    pub leases: u32,
}

/// Who is to sit in which room.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaderRoom {
    /// Name.
    pub person: String,
    /// The number that tells two of one name apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff_number: Option<String>,
    /// 职级, in the words of the unit's level.
    pub rank: String,
    /// `main`, or `part_time` (兼职).
    pub post: String,
    /// When a post held beside the main one ends.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub post_ends: Option<Date>,
    /// The room.
    pub room_id: Uuid,
    /// 文号 of whoever allowed a second office.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_office_approval: Option<String>,
}

impl LeaderRoom {
    pub(super) fn check(&self) -> Result<(), Problem> {
        crate::request::fields::require_word("post", &self.post, &crate::occupants::POSTS)?;
        match self.post == "main" && self.post_ends.is_some() {
            true => Err(
                Problem::invalid("post_ends", "主要任职不填兼职期限 / only a part-time post has an end")
                    .remedy("leave it out, or send post part_time"),
            ),
            false => Ok(()),
        }
    }
}
