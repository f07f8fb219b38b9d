//! What is recorded in a case: a closed list of facts, each kept with who brought it and when. Nothing is taken out again;
//! what was wrong is declared void by another record.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Date, OffsetDateTime};

use super::allocation::{Allotment, Construction, FinalAccounts, HandOver, LeaderRoom, LeaseIn, Movables, Rejected};
use super::housing::{Homes, HousingChoice, HousingPlan, NoRefit};
use super::procedure::Definition;
use super::receiving::{Acceptance, TransferProposal};
use crate::ids::DocumentId;
use crate::money::Money;
use crate::period::day;
use crate::request::Problem;
use crate::request::fields::{money, plain_text, sane_day};

macro_rules! facts {
    ($($(#[$doc:meta])* $variant:ident($content:ident) => $word:literal,)+) => {
        /// A fact.
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(tag = "record", rename_all = "snake_case")]
        #[schema(as = PolicyFact)]
        pub enum Fact {
            $($(#[$doc])* $variant($content),)+
        }

        impl Fact {
            /// The kinds there are.
            pub const KINDS: &[&str] = &[$($word,)+];

            /// Which of them it is.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $word,)+
                }
            }
        }
    };
}

facts! {
    /// A document.
    Document(Document) => "document",
    /// An earlier record that was wrong.
    Void(Void) => "void",
    /// What was found on the site.
    Verification(Verification) => "verification",
    /// How a route does in the comparison.
    Score(Score) => "score",
    /// A search of the stock for something that would do.
    StockSearch(StockSearch) => "stock_search",
    /// Somebody whose encumbrance lies on it consents.
    Consent(Word) => "consent",
    /// They were told.
    Told(Word) => "told",
    /// A co-owner consents.
    CoOwnerConsent(Word) => "co_owner_consent",
    /// An appraisal.
    Appraisal(Appraisal) => "appraisal",
    /// A round of the sale or letting.
    Round(Round) => "round",
    /// A bid.
    Bid(Bid) => "bid",
    /// Who gets it.
    Award(Award) => "award",
    /// The contract.
    Contract(Contract) => "contract",
    /// Money that came in.
    Payment(Transfer) => "payment",
    /// Money that went to the treasury.
    Remittance(Transfer) => "remittance",
    /// What is to be repaired.
    RepairApplication(RepairApplication) => "repair_application",
    /// A visit to the site.
    SiteVisit(SiteVisit) => "site_visit",
    /// The assessment of the works.
    Assessment(Assessment) => "assessment",
    /// The review of the cost.
    CostReview(CostReview) => "cost_review",
    /// The notice before the approval.
    Publication(Publication) => "publication",
    /// The entry in the yearly plan.
    PlanEntry(PlanEntry) => "plan_entry",
    /// The beginning of the works.
    Works(Works) => "works",
    /// Their end.
    Completion(Completion) => "completion",
    /// A danger that can't wait.
    Emergency(Emergency) => "emergency",
    /// The space that a unit is to be given.
    Allotment(Allotment) => "allotment",
    /// The lease of what is rented.
    LeaseIn(LeaseIn) => "lease_in",
    /// What is to be built, and by which money.
    Construction(Construction) => "construction",
    /// The final accounts of what was built.
    FinalAccounts(FinalAccounts) => "final_accounts",
    /// What is movable, handed to the shared store.
    Movables(Movables) => "movables",
    /// Who is to sit in which room.
    LeaderRoom(LeaderRoom) => "leader_room",
    /// What was handed over to another level's bureau.
    HandOver(HandOver) => "hand_over",
    /// Why this house is to be homes.
    HousingChoice(HousingChoice) => "housing_choice",
    /// How many homes it is to be, and at which cost.
    HousingPlan(HousingPlan) => "housing_plan",
    /// Why no refit is needed.
    NoRefit(NoRefit) => "no_refit",
    /// The rooms that are homes.
    Homes(Homes) => "homes",
    /// To which bureau the asset is to go.
    TransferProposal(TransferProposal) => "transfer_proposal",
    /// The word of the bureau that is to receive it.
    Acceptance(Acceptance) => "acceptance",
}

/// A document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyDocument)]
pub struct Document {
    /// Which of the workflow's kinds.
    pub kind: String,
    /// Its title or number.
    pub name: String,
    /// Its date; never in the future.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub date: Option<Date>,
    /// The paper as a file that was brought before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<DocumentId>,
}

/// An earlier record that was wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Void {
    /// Its number.
    pub no: u32,
    /// Why.
    pub reason: String,
}

/// What was found on the site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verification {
    /// The day of the visit.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// 建筑面积 as measured, m².
    #[schema(value_type = String)]
    pub measured_m2: Decimal,
    /// 账面价值: by it the approver is found.
    #[schema(value_type = String)]
    pub book_value: Money,
    /// Is it safe?
    pub safe: bool,
    /// What was found of the title.
    pub title_note: String,
}

/// How a route does in the comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Score {
    /// One of the closed list.
    pub route: String,
    /// 0 to 100.
    pub points: u8,
    /// Why.
    pub why: String,
}

/// A search of the stock for something that would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StockSearch {
    /// When.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// What was found.
    pub finding: String,
    /// The suitable spaces that were found, each with the reason why it won't do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<Rejected>,
}

/// Somebody's word, and the document it stands in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyWord)]
pub struct Word {
    /// Whose.
    pub holder: String,
    /// The document.
    pub document: String,
}

/// Which side of a swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What is given.
    Own,
    /// What is got for it.
    Other,
}

/// An appraisal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Appraisal {
    /// Which side of a swap; the asset itself unless told.
    #[serde(default = "own")]
    pub of: Side,
    /// 评估机构
    pub appraiser: String,
    /// The report's number.
    pub report_no: String,
    /// 评估基准日
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub base_date: Date,
    /// The last day on which it holds; a year from the base date unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_until: Option<Date>,
    /// The value; of a letting the yearly rent.
    #[schema(value_type = String)]
    pub value: Money,
}

fn own() -> Side {
    Side::Own
}

impl Appraisal {
    /// The last day on which it holds: within a year of the base date, never longer.
    #[must_use]
    pub fn last_day(&self) -> Date {
        let year = self.base_date.replace_year(self.base_date.year() + 1);
        // From 29 February to the 28th.
        let year = year.unwrap_or_else(|_| self.base_date + time::Duration::days(365));
        let last = year.previous_day().unwrap_or(year);
        self.valid_until.map_or(last, |until| until.min(last))
    }
}

/// A round of the sale or letting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// 公共资源交易中心 or wherever.
    pub venue: String,
    /// Is that the public exchange?
    pub is_exchange: bool,
    /// 公告 from this day,
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub notice_from: Date,
    /// to this one, its last.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub notice_to: Date,
    /// 底价
    #[schema(value_type = String)]
    pub reserve: Money,
}

/// A bid.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bid {
    /// Who.
    pub bidder: String,
    /// How much.
    #[schema(value_type = String)]
    pub price: Money,
    /// When.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
}

/// Who gets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Award {
    /// One of the bidders.
    pub bidder: String,
    /// At this price.
    #[schema(value_type = String)]
    pub price: Money,
    /// The day of the deal.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// 成交公示 to this day, its last.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub notice_to: Date,
}

/// The contract.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = PolicyContract)]
pub struct Contract {
    /// 合同编号
    pub number: String,
    /// With whom.
    pub counterparty: String,
    /// When it was signed.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// The price; of a letting the yearly rent.
    #[schema(value_type = String)]
    pub price: Money,
}

/// Money that came in, or went on to the treasury.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MoneyTransfer)]
pub struct Transfer {
    /// When.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// How much.
    #[schema(value_type = String)]
    pub amount: Money,
    /// The voucher's number.
    pub voucher: String,
}

/// Why something is repaired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Necessity {
    /// Worn out.
    Wear,
    /// Unsafe.
    Safety,
    /// Installations fail.
    Installations,
    /// Somebody else sits there now.
    ChangeOfUser,
}

/// What is to be repaired.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepairApplication {
    /// The year of whose plan it is to be part.
    pub for_year: i32,
    /// Condition, problems.
    pub condition: String,
    /// Why.
    pub necessity: Necessity,
    /// 概算
    #[schema(value_type = String)]
    pub estimate: Money,
}

/// A visit to the site.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteVisit {
    /// When.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// What was found.
    pub defects: String,
}

/// The assessment of the works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assessment {
    /// When.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// Within the standard, without luxury?
    pub within_standard: bool,
    /// By so much the works enlarge the floor area, per cent.
    #[schema(value_type = String)]
    pub enlarges_percent: Decimal,
    /// What the experts say.
    pub opinion: String,
}

/// The review of the cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CostReview {
    /// When.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// By whom.
    pub reviewer: String,
    /// The cost as reviewed.
    #[schema(value_type = String)]
    pub cost: Money,
    /// What the fiscal standard allows.
    #[schema(value_type = String)]
    pub standard: Money,
}

/// The notice before the approval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Publication {
    /// From this day,
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// to this one, its last.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// How many objected.
    pub objections: u32,
    /// Are they answered?
    pub answered: bool,
}

/// The entry in the yearly plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanEntry {
    /// The plan's year.
    pub year: i32,
    /// The entry's number.
    pub number: String,
    /// The budget.
    #[schema(value_type = String)]
    pub budget: Money,
}

/// The beginning of the works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Works {
    /// The first day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub started_on: Date,
    /// Who does them.
    pub contractor: String,
}

/// The end of the works.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Completion {
    /// The last day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub completed_on: Date,
    /// 结算
    #[schema(value_type = String)]
    pub settled: Money,
}

/// A danger that can't wait.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// Since when.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// What it is.
    pub danger: String,
}

/// A fact in a case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PolicyRecord)]
pub struct Record {
    /// Its number in the case, from 1.
    pub no: u32,
    /// Who brought it.
    pub by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// In which state the case was.
    pub state: String,
    /// What it says.
    pub fact: Fact,
}

/// The fields that are money, wherever they stand.
const MONEY: [&str; 13] = [
    "book_value",
    "value",
    "reserve",
    "price",
    "amount",
    "estimate",
    "cost",
    "standard",
    "budget",
    "settled",
    "rent_year",
    "market_rent_year",
    "investment",
];

impl Fact {
    /// Reads what a client sent, and checks what can be checked of a fact alone.
    ///
    /// # Errors
    /// A problem naming the field.
    pub fn read(sent: &Value, definition: &Definition, today: Date) -> Result<Self, Problem> {
        let kind = sent.get("record").and_then(Value::as_str).unwrap_or_default();
        if !Self::KINDS.contains(&kind) {
            return Err(Problem::invalid("record", format!("{kind:?} is no kind of record"))
                .code("record_unknown")
                .remedy(format!("choose one of {}", Self::KINDS.join(", "))));
        }
        for field in MONEY {
            if let Some(value) = sent.get(field) {
                money(field, value)?;
            }
        }
        // A number would pass through a binary fraction.
        for field in ["measured_m2", "enlarges_percent", "use_area_m2"] {
            if sent.get(field).is_some_and(|value| !value.is_string()) {
                return Err(Problem::invalid(field, "请写成文本 / send it as a text").remedy("send it as \"2412.60\""));
            }
        }
        let fact: Self = serde_json::from_value(sent.clone()).map_err(|error| {
            Problem::new(crate::request::ProblemKind::InvalidField, format!("{kind}: {error}"))
                .code("record_form")
                .remedy("see PolicyFact in /openapi.json")
        })?;
        fact.check(sent, definition, today)?;
        Ok(fact)
    }

    fn check(&self, sent: &Value, definition: &Definition, today: Date) -> Result<(), Problem> {
        for (field, value) in sent.as_object().into_iter().flatten() {
            if let Value::String(text) = value
                && plain_text(field, text, 2_000)?.is_empty()
            {
                return Err(Problem::invalid(field, "不能为空 / it is empty").remedy("write something"));
            }
        }
        let past = |field: &str, date: Date| match sane_day(field, date)? > today {
            true => Err(Problem::invalid(field, format!("日期在将来 / {date} is in the future"))
                .code("date_in_future")
                .remedy("record what has happened")),
            false => Ok(()),
        };
        let in_order = |field: &str, from: Date, to: Date| match from > to {
            true => {
                Err(Problem::invalid(field, "截止早于开始 / it ends before it begins").remedy("correct the two days"))
            }
            false => Ok(()),
        };
        match self {
            Self::Document(document) => {
                if !definition.document_kinds.contains_key(&document.kind) {
                    let problem = Problem::invalid("kind", format!("{:?} is no kind of document", document.kind));
                    return Err(problem
                        .code("document_unknown")
                        .remedy(format!("choose one of /api/v1/workflows/{}", definition.id)));
                }
                document.date.map_or(Ok(()), |date| past("date", date))
            }
            Self::Verification(verification) => {
                if verification.measured_m2 <= Decimal::ZERO || verification.measured_m2 >= Decimal::from(100_000_000) {
                    return Err(Problem::invalid("measured_m2", "不是面积 / it is no area").remedy("send m²"));
                }
                past("on", verification.on)
            }
            Self::Score(score) => {
                if definition.route(&score.route).is_none() {
                    let routes: Vec<&str> = definition.routes.iter().map(|route| route.id.as_str()).collect();
                    let problem = Problem::invalid("route", format!("{:?} is none of the routes", score.route));
                    return Err(problem
                        .code("route_unknown")
                        .remedy(format!("choose one of {}", routes.join(", "))));
                }
                match score.points > 100 {
                    true => Err(Problem::invalid("points", "0–100").remedy("send 0 to 100")),
                    false => Ok(()),
                }
            }
            Self::StockSearch(search) => {
                for rejected in &search.rejected {
                    rejected.check()?;
                }
                past("on", search.on)
            }
            Self::Appraisal(appraisal) => {
                if let Some(until) = appraisal.valid_until {
                    in_order("valid_until", appraisal.base_date, sane_day("valid_until", until)?)?;
                }
                past("base_date", appraisal.base_date)
            }
            Self::Round(round) => {
                sane_day("notice_to", round.notice_to)?;
                in_order(
                    "notice_to",
                    sane_day("notice_from", round.notice_from)?,
                    round.notice_to,
                )
            }
            Self::Bid(bid) => past("on", bid.on),
            Self::Award(award) => {
                past("on", award.on)?;
                in_order("notice_to", award.on, sane_day("notice_to", award.notice_to)?)
            }
            Self::Contract(contract) => past("on", contract.on),
            Self::Payment(transfer) | Self::Remittance(transfer) => {
                if transfer.amount == Money::NOTHING {
                    return Err(
                        Problem::invalid("amount", "金额为零 / nothing is no payment").remedy("send the amount")
                    );
                }
                past("on", transfer.on)
            }
            Self::RepairApplication(application) => match (2000..=2100).contains(&application.for_year) {
                true => Ok(()),
                false => Err(Problem::invalid("for_year", "不是年份 / it is no year").remedy("send a year as 2027")),
            },
            Self::SiteVisit(visit) => past("on", visit.on),
            Self::Assessment(assessment) => past("on", assessment.on),
            Self::CostReview(review) => past("on", review.on),
            Self::Publication(publication) => {
                sane_day("to", publication.to)?;
                in_order("to", sane_day("from", publication.from)?, publication.to)
            }
            Self::Works(works) => past("started_on", works.started_on),
            Self::Completion(completion) => past("completed_on", completion.completed_on),
            Self::Emergency(emergency) => past("on", emergency.on),
            Self::Allotment(allotment) => allotment.check(),
            Self::LeaseIn(lease) => {
                lease.check()?;
                in_order("to", sane_day("from", lease.from)?, sane_day("to", lease.to)?)
            }
            Self::Construction(construction) => construction.check(),
            Self::FinalAccounts(accounts) => past("on", accounts.on),
            Self::Movables(movables) => {
                super::movables::check(movables)?;
                past("on", movables.on)
            }
            Self::LeaderRoom(room) => room.check(),
            Self::HandOver(list) => past("on", list.on),
            Self::HousingChoice(_) | Self::NoRefit(_) => Ok(()),
            Self::HousingPlan(plan) => plan.check(),
            Self::Homes(homes) => homes.check(),
            Self::Acceptance(acceptance) => {
                acceptance.check()?;
                past("on", acceptance.on)
            }
            Self::Void(_)
            | Self::Consent(_)
            | Self::Told(_)
            | Self::CoOwnerConsent(_)
            | Self::PlanEntry(_)
            | Self::TransferProposal(_) => Ok(()),
        }
    }
}
