//! What versions of policies and reliefs say, and their rows.

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::ReliefPolicyId;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::money::Money;
use crate::period::{Held, day};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// Everything a version of a policy says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PolicyContent {
    /// Name.
    pub name: String,
    /// 文号
    pub document: String,
    /// Where the assets lie; everywhere where nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_code: Option<String>,
    /// Rent months that begin on this day or later may be waived.
    #[serde(with = "day")]
    pub months_from: Date,
    /// And on this day at the latest.
    #[serde(with = "day")]
    pub months_to: Date,
    /// So many of them.
    pub months: i16,
    /// Enterprises of these sizes are eligible.
    pub sizes: Vec<String>,
    /// Are self-employed people (个体工商户)?
    pub self_employed: bool,
    /// Of these trades only, where any is named.
    pub sectors: Vec<String>,
}

impl VersionContent for PolicyContent {
    const OBJECT: ObjectKind = ObjectKind::ReliefPolicy;
    const STATEMENTS: VersionStatements = version_statements!(
        "relief_policy",
        "name, document, region_code, months_from, months_to, months, sizes, self_employed, sectors"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.text(Some(&self.name))
            .text(Some(&self.document))
            .text(self.region_code.as_deref())
            .value(Some(self.months_from))
            .value(Some(self.months_to))
            .value(Some(self.months))
            .value(Some(self.sizes.clone()))
            .value(Some(self.self_employed))
            .value(Some(self.sectors.clone()));
    }
}

pub(super) struct PolicyRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub name: String,
    pub document: String,
    pub region_code: Option<String>,
    pub months_from: Date,
    pub months_to: Date,
    pub months: i16,
    pub sizes: Vec<String>,
    pub self_employed: bool,
    pub sectors: Vec<String>,
}

macro_rules! select_policies {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::rent_relief::content::PolicyRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.name, v.document, v.region_code, v.months_from,
                      v.months_to, v.months, v.sizes, v.self_employed, v.sectors
                 from relief_policy_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_policies;

impl PolicyRow {
    pub(super) fn stored(self) -> StoredVersion<PolicyContent> {
        let content = PolicyContent {
            name: self.name,
            document: self.document,
            region_code: self.region_code,
            months_from: self.months_from,
            months_to: self.months_to,
            months: self.months,
            sizes: self.sizes,
            self_employed: self.self_employed,
            sectors: self.sectors,
        };
        StoredVersion::new(
            self.version_id,
            self.object_id,
            &self.valid,
            &self.recorded,
            Ok(content),
        )
    }
}

/// The policy that is known now; none where there is no such policy.
pub(super) async fn held_policy(
    connection: &mut PgConnection,
    id: ReliefPolicyId,
) -> Result<Option<PolicyContent>, Fault> {
    select_policies!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid) desc limit 1",
        id.0
    )
    .fetch_optional(connection)
    .await?
    .map(|row| row.stored().content)
    .transpose()
}

/// Everything a version of a relief says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReliefContent {
    /// By which policy; none for what was granted before there was a register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_id: Option<Uuid>,
    /// Of which lease.
    pub lease_id: Uuid,
    /// `applied`, `approved` or `refused`.
    pub state: String,
    /// The rent months, by their number in the schedule.
    pub instalments: Vec<i32>,
    /// Their rent together.
    pub amount: Money,
    /// 访: what a visit or call found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
    /// What proves that whoever sits there at last has the benefit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_user_proof: Option<String>,
    /// Who applied.
    pub applied_by: String,
    /// Who decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// 批复文号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_document: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_reason: Option<String>,
}

impl VersionContent for ReliefContent {
    const OBJECT: ObjectKind = ObjectKind::RentRelief;
    const STATEMENTS: VersionStatements = version_statements!(
        "rent_relief",
        "policy_id, lease_id, state, instalments, amount, evidence, end_user_proof, applied_by, decided_by, decision_document, decision_reason"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(self.policy_id)
            .value(Some(self.lease_id))
            .text(Some(&self.state))
            .value(Some(self.instalments.clone()))
            .value(Some(self.amount.yuan()))
            .text(self.evidence.as_deref())
            .text(self.end_user_proof.as_deref())
            .text(Some(&self.applied_by))
            .text(self.decided_by.as_deref())
            .text(self.decision_document.as_deref())
            .text(self.decision_reason.as_deref());
    }
}

pub(super) struct ReliefRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub policy_id: Option<Uuid>,
    pub lease_id: Uuid,
    pub state: String,
    pub instalments: Vec<i32>,
    pub amount: Decimal,
    pub evidence: Option<String>,
    pub end_user_proof: Option<String>,
    pub applied_by: String,
    pub decided_by: Option<String>,
    pub decision_document: Option<String>,
    pub decision_reason: Option<String>,
}

macro_rules! select_reliefs {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::rent_relief::content::ReliefRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.policy_id, v.lease_id, v.state, v.instalments,
                      v.amount, v.evidence, v.end_user_proof, v.applied_by, v.decided_by, v.decision_document,
                      v.decision_reason
                 from rent_relief_version v "# + $rest
            $(, $argument)*
        )
    };
}

impl ReliefRow {
    pub(super) fn stored(self) -> StoredVersion<ReliefContent> {
        let version_id = self.version_id;
        let content = Money::kept(self.amount)
            .map(|amount| ReliefContent {
                policy_id: self.policy_id,
                lease_id: self.lease_id,
                state: self.state,
                instalments: self.instalments,
                amount,
                evidence: self.evidence,
                end_user_proof: self.end_user_proof,
                applied_by: self.applied_by,
                decided_by: self.decided_by,
                decision_document: self.decision_document,
                decision_reason: self.decision_reason,
            })
            .map_err(|error| Fault::Impossible {
                what: format!("relief version {version_id}: {error}"),
            });
        StoredVersion::new(version_id, self.object_id, &self.valid, &self.recorded, content)
    }
}

/// Locks reliefs and reads what is known of them now, by id.
pub(super) async fn held_reliefs(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<Vec<(Uuid, Held<ReliefContent>)>, Fault> {
    sqlx::query!(
        "select id from rent_relief where id = any($1) order by id for update",
        ids
    )
    .fetch_all(&mut *connection)
    .await?;
    select_reliefs!(
        "where v.object_id = any($1) and upper_inf(v.recorded) and upper_inf(v.valid) order by v.object_id",
        ids
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| Ok((row.object_id, row.stored().held()?)))
    .collect()
}

/// Holds every version row of policies and reliefs against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    {
        let mut rows = select_policies!("").fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            expected.check(&row.stored().found());
        }
    }
    let mut rows = select_reliefs!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
