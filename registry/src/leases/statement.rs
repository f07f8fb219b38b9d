//! What is said of a lease: read, checked, and made into its content.

use std::collections::HashMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::content::{EndUser, LeaseContent, LeaseDetails};
use super::rented::too_long_from;
use super::schedule::Rhythm;
use super::{DIRECTIONS, LESSEE_KINDS, LESSOR_KINDS, LONGEST_YEARS, PRICE_BASES, RENT_BASES, SECTORS, SIZES};
use crate::ids::SpatialUnitId;
use crate::money::Money;
use crate::period::{ValidPeriod, day};
use crate::request::Problem;
use crate::request::fields::{plain_text, require_word, sane_day};

/// The first area that is too large, m².
const TOO_LARGE_M2: f64 = 1e10;

/// A room that is let, and how much of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LeasedRoom {
    /// The room.
    pub room_id: Uuid,
    /// How much of it, m²; all of it unless told.
    #[serde(default)]
    pub area_m2: Option<f64>,
}

/// What is said of a lease. In a change what is absent stays, and null empties.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LeaseStatement {
    /// The parcel or building. What is rented in by a unit of the directory needs none: it may stand in no register.
    pub asset_id: Option<Uuid>,
    /// 坐落, as the contract says it; needed where no asset is named.
    pub address: Option<String>,
    /// `out` 出租 or `in` 租入.
    pub direction: Option<String>,
    /// Some of its rooms.
    pub rooms: Vec<LeasedRoom>,
    /// How much of the asset, m²; the rooms together unless told.
    pub area_m2: Option<f64>,
    /// `bureau`, `using_unit`, `state_company` or `private`.
    pub lessor_kind: Option<String>,
    /// Who lets.
    pub lessor_name: Option<String>,
    /// The unit that lets, of the directory.
    pub lessor_unit_id: Option<Uuid>,
    /// `enterprise`, `self_employed`, `unit` or `person`.
    pub lessee_kind: Option<String>,
    /// `large`, `medium`, `small` or `micro`; of an enterprise.
    pub lessee_size: Option<String>,
    /// `agriculture`, `industry`, `construction` or `services`.
    pub lessee_sector: Option<String>,
    /// Who rents.
    pub lessee_name: Option<String>,
    /// 统一社会信用代码
    pub lessee_code: Option<String>,
    /// The unit that rents, of the directory.
    pub lessee_unit_id: Option<Uuid>,
    /// Does the lessee let on (转租)?
    pub is_sublet: bool,
    /// Who sits there at last; needed where the lessee lets on.
    pub end_users: Vec<EndUser>,
    /// What it is used for.
    pub purpose: Option<String>,
    /// The first day.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub starts_on: Option<Date>,
    /// The last day.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub ends_on: Option<Date>,
    /// `month` (unless told) or `m2_month`.
    pub rent_basis: Option<String>,
    /// Yuan, by that basis, as a text.
    #[schema(value_type = Option<String>)]
    pub rent: Option<Money>,
    /// `monthly` (unless told), `quarterly`, `half_yearly`, `yearly` or `once`.
    pub rhythm: Option<String>,
    /// So many days after the beginning of a stretch it is due, 0 unless told.
    pub due_days: Option<i32>,
    /// 押金, yuan as a text.
    #[schema(value_type = Option<String>)]
    pub deposit: Option<Money>,
    /// `public_letting` 公开招租, `appraisal` 租金评估 or `negotiated` 协议.
    pub price_basis: Option<String>,
    /// 交易机构
    pub exchange: Option<String>,
    /// The number under which it was let there.
    pub exchange_record: Option<String>,
    /// 租金评估报告
    pub appraisal_report: Option<String>,
    /// The last day on which it holds.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub appraisal_valid_to: Option<Date>,
    /// 批准文号
    pub approval_number: Option<String>,
    /// 合同编号
    pub contract_number: Option<String>,
    /// Of what is rented in: how much was approved, m².
    pub approved_area_m2: Option<f64>,
    /// 土地收益, yuan a year as a text.
    #[schema(value_type = Option<String>)]
    pub land_income: Option<Money>,
    /// By which document it goes to the state.
    pub land_income_document: Option<String>,
    /// The lease that it goes on from (续租); that one is handed back when this one begins.
    pub renews_id: Option<Uuid>,
    /// Anything else.
    pub note: Option<String>,
    /// Why it is registered or changed.
    pub reason: Option<String>,
}

fn missing(field: &str) -> Problem {
    Problem::invalid(field, "it is missing").remedy(format!("send {field} with a value that is not empty"))
}

fn text(field: &str, said: &Option<String>, longest: usize) -> Result<Option<String>, Problem> {
    Ok(said
        .as_deref()
        .map(|text| plain_text(field, text, longest))
        .transpose()?
        .filter(|text| !text.is_empty()))
}

fn required_text(field: &str, said: &Option<String>, longest: usize) -> Result<String, Problem> {
    text(field, said, longest)?.ok_or_else(|| missing(field))
}

fn word(field: &str, said: &Option<String>, list: &[&str]) -> Result<Option<String>, Problem> {
    let said = text(field, said, 40)?;
    said.map(|word| require_word(field, &word, list).map(|()| word))
        .transpose()
}

fn area(field: &str, area: f64) -> Result<Decimal, Problem> {
    Decimal::try_from(area)
        .ok()
        .map(|kept| kept.round_dp(4).normalize())
        .filter(|kept| *kept > Decimal::ZERO && area < TOO_LARGE_M2)
        .ok_or_else(|| {
            Problem::invalid(field, format!("{area} is no area that can be let"))
                .remedy("send a number of square metres, more than 0")
        })
}

impl LeaseStatement {
    /// The first day.
    pub(super) fn starts_on(&self) -> Result<Date, Problem> {
        sane_day("starts_on", self.starts_on.ok_or_else(|| missing("starts_on"))?)
    }

    /// The content that this says. `rooms` tells how large the building's rooms are; of a room that is not there it says
    /// nothing.
    pub(super) fn content(&self, rooms: &HashMap<Uuid, Option<Decimal>>) -> Result<LeaseContent, Problem> {
        let direction = word("direction", &self.direction, &DIRECTIONS)?.ok_or_else(|| missing("direction"))?;
        let address = text("address", &self.address, 400)?;
        if self.asset_id.is_none() {
            if direction != "in" {
                return Err(missing("asset_id"));
            }
            if address.is_none() {
                return Err(Problem::invalid("address", "neither an asset nor an address is named")
                    .remedy("send asset_id, or where what is rented lies, as its contract says it"));
            }
            if self.lessee_unit_id.is_none() {
                return Err(missing("lessee_unit_id"));
            }
        }
        let starts_on = self.starts_on()?;
        let ends_on = sane_day("ends_on", self.ends_on.ok_or_else(|| missing("ends_on"))?)?;
        if ends_on < starts_on {
            return Err(
                Problem::invalid("ends_on", format!("the term would end before {starts_on}"))
                    .remedy("write the last day of the term"),
            );
        }
        if ends_on >= too_long_from(starts_on) {
            return Err(Problem::invalid(
                "ends_on",
                format!(
                    "租赁期限不得超过二十年（民法典第七百零五条） / a lease holds no longer than {LONGEST_YEARS} years"
                ),
            )
            .remedy("write the term of the contract; what goes beyond twenty years does not hold"));
        }
        let (room_ids, room_areas_m2) = self.rooms_of(rooms)?;
        let area_m2 = match self.area_m2 {
            Some(said) => area("area_m2", said)?,
            None if !room_areas_m2.is_empty() => room_areas_m2.iter().sum::<Decimal>().normalize(),
            None => return Err(missing("area_m2")),
        };
        let lessee_kind =
            word("lessee_kind", &self.lessee_kind, &LESSEE_KINDS)?.ok_or_else(|| missing("lessee_kind"))?;
        let lessee_size = word("lessee_size", &self.lessee_size, &SIZES)?;
        if lessee_size.is_some() && lessee_kind != "enterprise" {
            return Err(
                Problem::invalid("lessee_size", "only an enterprise has a size").remedy("leave lessee_size out")
            );
        }
        let (details, monthly_rent) = self.details(area_m2)?;
        if self.is_sublet && details.end_users.is_empty() {
            return Err(Problem::invalid("end_users", "nobody is named")
                .remedy("say who sits there at last, or that the lessee does not let on"));
        }
        Ok(LeaseContent {
            asset_id: self.asset_id.map(SpatialUnitId),
            direction,
            room_ids,
            room_areas_m2,
            area_m2,
            lessor_kind: word("lessor_kind", &self.lessor_kind, &LESSOR_KINDS)?
                .ok_or_else(|| missing("lessor_kind"))?,
            lessor_name: required_text("lessor_name", &self.lessor_name, 200)?,
            lessee_kind,
            lessee_size,
            lessee_sector: word("lessee_sector", &self.lessee_sector, &SECTORS)?,
            lessee_name: required_text("lessee_name", &self.lessee_name, 200)?,
            is_sublet: self.is_sublet,
            ends_on,
            monthly_rent,
            contract_number: text("contract_number", &self.contract_number, 100)?,
            approval_number: text("approval_number", &self.approval_number, 100)?,
            renews_id: self.renews_id,
            end_reason: None,
            unit_id: details.lessee_unit_id.filter(|_| self.asset_id.is_none()),
            details,
            address,
            case_id: None,
        })
    }

    fn rooms_of(&self, rooms: &HashMap<Uuid, Option<Decimal>>) -> Result<(Vec<Uuid>, Vec<Decimal>), Problem> {
        let mut found: Vec<(Uuid, Decimal)> = Vec::with_capacity(self.rooms.len());
        for said in &self.rooms {
            let there = rooms.get(&said.room_id).ok_or_else(|| {
                Problem::invalid("rooms", format!("room {} is not in this building", said.room_id))
                    .remedy("choose rooms of the building")
            })?;
            let area_m2 = match (said.area_m2, there) {
                (Some(said), _) => area("rooms", said)?,
                (None, Some(there)) if *there > Decimal::ZERO => there.normalize(),
                (None, _) => {
                    return Err(
                        Problem::invalid("rooms", format!("nobody knows how large room {} is", said.room_id))
                            .remedy("say area_m2 of the room"),
                    );
                }
            };
            found.push((said.room_id, area_m2));
        }
        found.sort_unstable();
        if found.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Problem::invalid("rooms", "a room is named twice").remedy("name each room once"));
        }
        Ok(found.into_iter().unzip())
    }

    fn details(&self, area_m2: Decimal) -> Result<(LeaseDetails, Money), Problem> {
        let rent_basis = word("rent_basis", &self.rent_basis, &RENT_BASES)?.unwrap_or_else(|| RENT_BASES[0].to_owned());
        let rent = self.rent.ok_or_else(|| missing("rent"))?;
        let too_much = |_| Problem::invalid("rent", "it is too large").remedy("write the rent of a month in yuan");
        let monthly_rent = if rent_basis == "month" {
            rent
        } else {
            // To the cent, halves up.
            let yuan =
                (rent.yuan() * area_m2).round_dp_with_strategy(2, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
            Money::kept(yuan).map_err(too_much)?
        };
        // Below the largest rent no sum of a schedule or a list is too large.
        if monthly_rent >= Money::of_cents(100_000_000_000) {
            return Err(
                Problem::invalid("rent", "no rent is a thousand million yuan a month").remedy("write yuan, not cents")
            );
        }
        let due_days = self.due_days.unwrap_or_default();
        if !(0..=366).contains(&due_days) {
            return Err(
                Problem::invalid("due_days", "rent is due 0 to 366 days after the beginning of a stretch")
                    .remedy("send a number of days"),
            );
        }
        if self.end_users.len() > 500 {
            return Err(Problem::invalid("end_users", "more than 500").remedy("register a lease for each part"));
        }
        let end_users = self
            .end_users
            .iter()
            .map(|user| {
                require_word("end_users", user.kind.trim(), &LESSEE_KINDS)?;
                Ok(EndUser {
                    name: required_text("end_users", &Some(user.name.clone()), 200)?,
                    kind: user.kind.trim().to_owned(),
                    size: word("end_users", &user.size, &SIZES)?,
                    sector: word("end_users", &user.sector, &SECTORS)?,
                })
            })
            .collect::<Result<Vec<_>, Problem>>()?;
        let details = LeaseDetails {
            lessor_unit_id: self.lessor_unit_id,
            lessee_code: text("lessee_code", &self.lessee_code, 40)?,
            lessee_unit_id: self.lessee_unit_id,
            end_users: if self.is_sublet { end_users } else { Vec::new() },
            purpose: text("purpose", &self.purpose, 200)?,
            rent_basis,
            rent,
            rhythm: word("rhythm", &self.rhythm, &Rhythm::WORDS)?.unwrap_or_else(|| Rhythm::WORDS[0].to_owned()),
            due_days,
            deposit: self.deposit,
            price_basis: word("price_basis", &self.price_basis, &PRICE_BASES)?.ok_or_else(|| missing("price_basis"))?,
            exchange: text("exchange", &self.exchange, 200)?,
            exchange_record: text("exchange_record", &self.exchange_record, 100)?,
            appraisal_report: text("appraisal_report", &self.appraisal_report, 200)?,
            appraisal_valid_to: self
                .appraisal_valid_to
                .map(|day| sane_day("appraisal_valid_to", day))
                .transpose()?,
            approved_area_m2: self
                .approved_area_m2
                .map(|said| area("approved_area_m2", said))
                .transpose()?,
            land_income: self.land_income,
            land_income_document: text("land_income_document", &self.land_income_document, 200)?,
            note: text("note", &self.note, 2_000)?,
            is_housing: false,
        };
        Ok((details, monthly_rent))
    }

    /// What a lease says, to be changed in part.
    pub(super) fn of(content: &LeaseContent, valid: ValidPeriod) -> Self {
        let details = content.details.clone();
        let number = |area: Decimal| area.to_f64();
        Self {
            asset_id: content.asset_id.map(|asset| asset.0),
            address: content.address.clone(),
            direction: Some(content.direction.clone()),
            rooms: content
                .room_ids
                .iter()
                .zip(&content.room_areas_m2)
                .map(|(room_id, area_m2)| LeasedRoom {
                    room_id: *room_id,
                    area_m2: number(*area_m2),
                })
                .collect(),
            area_m2: number(content.area_m2),
            lessor_kind: Some(content.lessor_kind.clone()),
            lessor_name: Some(content.lessor_name.clone()),
            lessor_unit_id: details.lessor_unit_id,
            lessee_kind: Some(content.lessee_kind.clone()),
            lessee_size: content.lessee_size.clone(),
            lessee_sector: content.lessee_sector.clone(),
            lessee_name: Some(content.lessee_name.clone()),
            lessee_code: details.lessee_code,
            lessee_unit_id: details.lessee_unit_id,
            is_sublet: content.is_sublet,
            end_users: details.end_users,
            purpose: details.purpose,
            starts_on: Some(valid.from),
            ends_on: Some(content.ends_on),
            rent_basis: Some(details.rent_basis),
            rent: Some(details.rent),
            rhythm: Some(details.rhythm),
            due_days: Some(details.due_days),
            deposit: details.deposit,
            price_basis: Some(details.price_basis),
            exchange: details.exchange,
            exchange_record: details.exchange_record,
            appraisal_report: details.appraisal_report,
            appraisal_valid_to: details.appraisal_valid_to,
            approval_number: content.approval_number.clone(),
            contract_number: content.contract_number.clone(),
            approved_area_m2: details.approved_area_m2.and_then(number),
            land_income: details.land_income,
            land_income_document: details.land_income_document,
            renews_id: content.renews_id,
            note: details.note,
            reason: None,
        }
    }
}
