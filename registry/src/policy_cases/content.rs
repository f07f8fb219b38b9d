//! What a version of a case says, and its rows.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::allocation::{Allotment, HandOver, LeaderRoom, LeaseIn, Need};
use super::facts::{Appraisal, Award, Contract, Fact, Record, Round, Side, Verification};
use super::procedure::Procedure;
use crate::approval_thresholds::Office;
use crate::database::CopyRows;
use crate::ids::{DocumentId, PolicyCaseId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::money::Money;
use crate::period::{Held, day};
use crate::request::{Fault, Problem, ProblemKind};
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

macro_rules! idle_reasons {
    ($($variant:ident = $code:literal $zh:literal $en:literal,)+) => {
        /// Why it stands idle (党政机关办公用房管理办法 art. 27 and local rules).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        pub enum IdleReason {
            $(
                #[doc = $zh]
                #[serde(rename = $code)]
                $variant,
            )+
        }
    };
}

idle_reasons! {
    Surplus = "surplus" "总量有余" "more than is needed",
    Unsuitable = "unsuitable" "位置、环境、结构不适合" "unsuitable",
    Planning = "planning" "规划拆迁" "to be demolished by planning",
    Dangerous = "dangerous" "危房无加固价值" "dangerous and past mending",
    Vacated = "vacated" "重新配置后腾空" "vacated",
    Reorganised = "reorganised" "机构撤并" "its unit was dissolved",
    UnclearTitle = "unclear_title" "权属不清" "title unclear",
    Other = "other" "其他" "other",
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// 集体研究
    Collective,
    /// An approval of the chain.
    Approval,
    /// A price below the floor.
    Price,
    /// 不予批准
    Refusal,
}

/// A decision with the number of its document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PolicyDecision)]
pub struct Decision {
    /// What was decided.
    pub what: Decided,
    /// By which office; none for the collective decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<Office>,
    /// 文号
    pub number: String,
    /// The day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// Who entered it.
    pub by: String,
    /// The price that was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub price: Option<Money>,
    /// It no longer counts: the case began anew.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub void: bool,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = PolicyStepTaken)]
pub struct Taken {
    /// Which.
    pub transition: String,
    /// On which route the case was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Who took it.
    pub by: String,
    /// The day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
}

/// What is said of a case beside its columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = PolicyCaseDetails)]
pub struct CaseDetails {
    /// Why it stands idle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_reason: Option<IdleReason>,
    /// The rooms that it is about, where it isn't about the whole building.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub room_ids: Vec<Uuid>,
    /// Everything that was recorded, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// The decisions, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Decision>,
    /// The steps, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Taken>,
    /// The clock of the state it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub clock: Option<workflow::Clock>,
    /// What its occupancy was before the works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupancy_before: Option<String>,
    /// Since when it was idle before the works.
    #[serde(with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub idle_since_before: Option<Date>,
    /// What the unit asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub need: Option<Need>,
    /// The occupant that the case seated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupant_id: Option<Uuid>,
    /// The level that gave the asset to another, once it was handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handed_from: Option<String>,
}

impl CaseDetails {
    /// The facts that count, with their records.
    pub fn facts(&self) -> impl DoubleEndedIterator<Item = (&Record, &Fact)> {
        let void: BTreeSet<u32> = self
            .records
            .iter()
            .filter_map(|record| match &record.fact {
                Fact::Void(void) => Some(void.no),
                _ => None,
            })
            .collect();
        self.records
            .iter()
            .filter(move |record| !void.contains(&record.no))
            .map(|record| (record, &record.fact))
    }

    /// The last fact of one kind.
    pub fn last<'a, T>(&'a self, pick: impl Fn(&'a Fact) -> Option<&'a T>) -> Option<&'a T> {
        self.facts().rev().find_map(|(_, fact)| pick(fact))
    }

    /// The kinds of document that are there.
    #[must_use]
    pub fn documents(&self) -> BTreeSet<String> {
        self.facts()
            .filter_map(|(_, fact)| match fact {
                Fact::Document(document) => Some(document.kind.clone()),
                _ => None,
            })
            .collect()
    }

    /// The papers that came as files, in the order in which they were recorded; those of records declared void stay.
    #[must_use]
    pub fn files(&self) -> Vec<DocumentId> {
        self.records
            .iter()
            .filter_map(|record| match &record.fact {
                Fact::Document(document) => document.file,
                _ => None,
            })
            .collect()
    }

    /// Who consented, or was told.
    pub fn words<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a str> {
        self.facts().filter_map(move |(_, fact)| match fact {
            Fact::Consent(word) | Fact::Told(word) | Fact::CoOwnerConsent(word) if fact.kind() == kind => {
                Some(word.holder.as_str())
            }
            _ => None,
        })
    }

    /// What was found on the site.
    #[must_use]
    pub fn verification(&self) -> Option<&Verification> {
        self.last(|fact| match fact {
            Fact::Verification(found) => Some(found),
            _ => None,
        })
    }

    /// The last appraisal of a side.
    #[must_use]
    pub fn appraisal(&self, of: Side) -> Option<&Appraisal> {
        self.last(|fact| match fact {
            Fact::Appraisal(appraisal) if appraisal.of == of => Some(appraisal),
            _ => None,
        })
    }

    /// The last round of the sale, and the number of its record.
    #[must_use]
    pub fn round(&self) -> Option<(u32, &Round)> {
        self.facts().rev().find_map(|(record, fact)| match fact {
            Fact::Round(round) => Some((record.no, round)),
            _ => None,
        })
    }

    /// What was recorded since the last round began.
    pub fn since_round(&self) -> impl Iterator<Item = &Fact> {
        let from = self.round().map(|(no, _)| no);
        self.facts()
            .filter(move |(record, _)| from.is_some_and(|from| record.no > from))
            .map(|(_, fact)| fact)
    }

    /// Who gets it, in this round.
    #[must_use]
    pub fn award(&self) -> Option<&Award> {
        self.since_round()
            .filter_map(|fact| match fact {
                Fact::Award(award) => Some(award),
                _ => None,
            })
            .last()
    }

    /// The contract, in this round.
    #[must_use]
    pub fn contract(&self) -> Option<&Contract> {
        self.since_round()
            .filter_map(|fact| match fact {
                Fact::Contract(contract) => Some(contract),
                _ => None,
            })
            .last()
    }

    /// The space that is to be given.
    #[must_use]
    pub fn allotment(&self) -> Option<&Allotment> {
        self.last(|fact| match fact {
            Fact::Allotment(allotment) => Some(allotment),
            _ => None,
        })
    }

    /// The lease of what is rented.
    #[must_use]
    pub fn lease_in(&self) -> Option<&LeaseIn> {
        self.last(|fact| match fact {
            Fact::LeaseIn(lease) => Some(lease),
            _ => None,
        })
    }

    /// Who is to sit where.
    #[must_use]
    pub fn leader_room(&self) -> Option<&LeaderRoom> {
        self.last(|fact| match fact {
            Fact::LeaderRoom(room) => Some(room),
            _ => None,
        })
    }

    /// What was handed over, and to whom.
    #[must_use]
    pub fn hand_over(&self) -> Option<&HandOver> {
        self.last(|fact| match fact {
            Fact::HandOver(list) => Some(list),
            _ => None,
        })
    }

    /// The rooms that are to be homes.
    #[must_use]
    pub fn homes(&self) -> &[Uuid] {
        self.last(|fact| match fact {
            Fact::Homes(homes) => Some(homes),
            _ => None,
        })
        .map_or(&[], |homes| homes.room_ids.as_slice())
    }

    /// What was paid.
    #[must_use]
    pub fn paid(&self) -> Money {
        Money::sum(self.facts().filter_map(|(_, fact)| match fact {
            Fact::Payment(transfer) => Some(transfer.amount),
            _ => None,
        }))
    }

    /// What was remitted.
    #[must_use]
    pub fn remitted(&self) -> Money {
        Money::sum(self.facts().filter_map(|(_, fact)| match fact {
            Fact::Remittance(transfer) => Some(transfer.amount),
            _ => None,
        }))
    }

    /// What the money columns say: book value, appraised value, price of the deal, paid, remitted.
    fn money(&self) -> (Option<Decimal>, Option<Decimal>, Option<Decimal>, Decimal, Decimal) {
        (
            self.verification().map(|found| found.book_value.yuan()),
            self.appraisal(Side::Own).map(|appraisal| appraisal.value.yuan()),
            self.contract().map(|contract| contract.price.yuan()),
            self.paid().yuan(),
            self.remitted().yuan(),
        )
    }

    /// The decisions of a kind that count.
    pub fn decisions(&self, what: Decided) -> impl Iterator<Item = &Decision> {
        self.decisions
            .iter()
            .filter(move |decision| decision.what == what && !decision.void)
    }
}

/// Everything a version says; the periods and ids stand beside it. New fields go to the end.
#[derive(Debug, Clone, Serialize)]
pub struct CaseContent {
    /// The parcel or building; of a unit's case once it is known which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<Uuid>,
    /// By which procedure.
    pub procedure: Procedure,
    /// The digest of the definition that it began with.
    pub definition: String,
    /// A state of it.
    pub state: String,
    /// Has it not ended?
    pub is_open: bool,
    /// The route that is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The region in which the asset lay when the case began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_code: Option<String>,
    /// Who opened it.
    pub opened_by: String,
    /// Who put it forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_forward_by: Option<String>,
    /// Who judged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// The last day of the state's deadline.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub due_on: Option<Date>,
    /// All the rest.
    pub details: CaseDetails,
    /// Who asks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<Uuid>,
}

impl CaseContent {
    /// The asset that a step does something to.
    ///
    /// # Errors
    /// Where it isn't known yet which.
    pub fn asset(&self) -> Result<Uuid, Problem> {
        self.asset_id.ok_or_else(|| {
            Problem::new(ProblemKind::Conflict, "案件尚未确定资产 / the case has no asset yet")
                .code("asset_unknown")
                .remedy("record which asset it is about")
        })
    }
}

impl VersionContent for CaseContent {
    const OBJECT: ObjectKind = ObjectKind::PolicyCase;
    const STATEMENTS: VersionStatements = version_statements!(
        "policy_case",
        "asset_id, procedure, definition, state, is_open, route, region_code, opened_by, put_forward_by, decided_by, due_on, book_value, appraised_value, deal_price, paid, remitted, details, unit_id, offered_to, offered_by, accepted_by, handed_from"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        // Details are plain data, they always have JSON.
        let details = serde_json::to_string(&self.details).unwrap_or_default();
        let (book_value, appraised_value, deal_price, paid, remitted) = self.details.money();
        let (offered_to, offered_by, accepted_by) = self.details.offered();
        rows.value(self.asset_id)
            .text(Some(self.procedure.as_str()))
            .text(Some(&self.definition))
            .text(Some(&self.state))
            .value(Some(self.is_open))
            .text(self.route.as_deref())
            .text(self.region_code.as_deref())
            .text(Some(&self.opened_by))
            .text(self.put_forward_by.as_deref())
            .text(self.decided_by.as_deref())
            .value(self.due_on)
            // Money as numeric beside the words it stands in, for sums and rules.
            .value(book_value)
            .value(appraised_value)
            .value(deal_price)
            .value(Some(paid))
            .value(Some(remitted))
            .text(Some(&details))
            .value(self.unit_id)
            // What the database judges a transfer by, beside the records it stands in.
            .value(offered_to)
            .text(offered_by.as_deref())
            .text(accepted_by.as_deref())
            .text(self.details.handed_from.as_deref());
    }
}

pub(super) struct CaseRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub asset_id: Option<Uuid>,
    pub procedure: String,
    pub definition: String,
    pub state: String,
    pub is_open: bool,
    pub route: Option<String>,
    pub region_code: Option<String>,
    pub opened_by: String,
    pub put_forward_by: Option<String>,
    pub decided_by: Option<String>,
    pub due_on: Option<Date>,
    pub book_value: Option<Decimal>,
    pub appraised_value: Option<Decimal>,
    pub deal_price: Option<Decimal>,
    pub paid: Decimal,
    pub remitted: Decimal,
    pub details: String,
    pub unit_id: Option<Uuid>,
    pub offered_to: Option<Uuid>,
    pub offered_by: Option<String>,
    pub accepted_by: Option<String>,
    pub handed_from: Option<String>,
}

macro_rules! select_cases {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::policy_cases::content::CaseRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.asset_id, v.procedure, v.definition, v.state,
                      v.is_open, v.route, v.region_code, v.opened_by, v.put_forward_by, v.decided_by, v.due_on,
                      v.book_value, v.appraised_value, v.deal_price, v.paid, v.remitted, v.details::text as "details!", v.unit_id,
                      v.offered_to, v.offered_by, v.accepted_by, v.handed_from
                 from policy_case_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_cases;

impl CaseRow {
    pub(super) fn content(self) -> Result<CaseContent, Fault> {
        let impossible = |what: String| Fault::Impossible {
            what: format!("policy case version {}: {what}", self.version_id),
        };
        let details: CaseDetails =
            serde_json::from_str(&self.details).map_err(|error| impossible(error.to_string()))?;
        let found = details.money();
        // The columns stand beside the digest, so they are held against what it covers.
        if found
            != (
                self.book_value,
                self.appraised_value,
                self.deal_price,
                self.paid,
                self.remitted,
            )
        {
            return Err(impossible("its sums are not those of its records".to_owned()));
        }
        if details.offered() != (self.offered_to, self.offered_by.clone(), self.accepted_by.clone())
            || details.handed_from != self.handed_from
        {
            return Err(impossible("what is offered is not what its records say".to_owned()));
        }
        Ok(CaseContent {
            procedure: Procedure::parse(&self.procedure)
                .ok_or_else(|| impossible("the procedure is not of the list".to_owned()))?,
            details,
            asset_id: self.asset_id,
            definition: self.definition,
            state: self.state,
            is_open: self.is_open,
            route: self.route,
            region_code: self.region_code,
            opened_by: self.opened_by,
            put_forward_by: self.put_forward_by,
            decided_by: self.decided_by,
            due_on: self.due_on,
            unit_id: self.unit_id,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<CaseContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks a case and reads the version known now; none where there is no such case.
pub(super) async fn held_case(
    connection: &mut PgConnection,
    id: PolicyCaseId,
) -> Result<Option<Held<CaseContent>>, Fault> {
    sqlx::query!("select id from policy_case where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_cases!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
        .fetch_optional(connection)
        .await?
        .map(|row| row.stored().held())
        .transpose()
}

/// Holds every version row of cases against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_cases!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
