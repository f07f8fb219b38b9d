//! What a version of a use agreement says, and its rows.

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::{UnitId, UseAgreementId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// How far an agreement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// 拟定
    Draft,
    /// 协议已签
    Signed,
    /// 已发证
    Certified,
    /// 已注销
    Cancelled,
}

impl Status {
    /// The word in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Signed => "signed",
            Self::Certified => "certified",
            Self::Cancelled => "cancelled",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::Draft, Self::Signed, Self::Certified, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == word)
    }
}

/// The registrations of the use register (使用权登记类型).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// 首次登记: the certificate is issued.
    First,
    /// 变更登记: rooms, area, purpose or term are others.
    Change,
    /// 转移登记: another unit uses them, by a transfer slip (调拨单).
    Transfer,
    /// 注销登记
    Cancellation,
    /// 更正登记: what was written was wrong.
    Correction,
    /// 补证: the certificate was lost.
    Replacement,
    /// 换证: the certificate is worn, or its term is over.
    Renewal,
}

impl Registration {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::First,
        Self::Change,
        Self::Transfer,
        Self::Cancellation,
        Self::Correction,
        Self::Replacement,
        Self::Renewal,
    ];

    /// The word in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Change => "change",
            Self::Transfer => "transfer",
            Self::Cancellation => "cancellation",
            Self::Correction => "correction",
            Self::Replacement => "replacement",
            Self::Renewal => "renewal",
        }
    }

    fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == word)
    }
}

/// Everything a version says. Its valid period is how long it stood so in the register.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AgreementContent {
    /// 使用单位
    pub unit_id: UnitId,
    /// 房间清单
    pub room_ids: Vec<Uuid>,
    /// The buildings they are in.
    pub building_ids: Vec<Uuid>,
    /// 用途
    pub purpose: String,
    /// 核定面积, m² of use area, four decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_area_m2: Option<Decimal>,
    /// The first day of use.
    #[serde(with = "day")]
    pub starts_on: Date,
    /// The first day on which it is over; without a term where none is given.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub ends_on: Option<Date>,
    /// How far it is.
    pub status: Status,
    /// The number of the signed agreement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreement_no: Option<String>,
    /// When it was signed.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub signed_on: Option<Date>,
    /// 证号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_no: Option<String>,
    /// When the certificate was issued.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub certified_on: Option<Date>,
    /// The latest registration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration: Option<Registration>,
    /// 调拨单号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer_slip_no: Option<String>,
    /// The papers it rests on, by name (协议、调拨单、平面图).
    pub documents: Vec<String>,
}

impl VersionContent for AgreementContent {
    const OBJECT: ObjectKind = ObjectKind::UseAgreement;
    const STATEMENTS: VersionStatements = version_statements!(
        "use_agreement",
        "unit_id, room_ids, building_ids, purpose, approved_area_m2, starts_on, ends_on, status, agreement_no, signed_on, certificate_no, certified_on, registration, transfer_slip_no, documents"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.unit_id))
            .value(Some(self.room_ids.clone()))
            .value(Some(self.building_ids.clone()))
            .text(Some(&self.purpose))
            .value(self.approved_area_m2)
            .value(Some(self.starts_on))
            .value(self.ends_on)
            .text(Some(self.status.as_str()))
            .text(self.agreement_no.as_deref())
            .value(self.signed_on)
            .text(self.certificate_no.as_deref())
            .value(self.certified_on)
            .text(self.registration.map(Registration::as_str))
            .text(self.transfer_slip_no.as_deref())
            .value(Some(self.documents.clone()));
    }
}

/// A version row as the table holds it.
pub(super) struct AgreementRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub unit_id: Uuid,
    pub room_ids: Vec<Uuid>,
    pub building_ids: Vec<Uuid>,
    pub purpose: String,
    pub approved_area_m2: Option<Decimal>,
    pub starts_on: Date,
    pub ends_on: Option<Date>,
    pub status: String,
    pub agreement_no: Option<String>,
    pub signed_on: Option<Date>,
    pub certificate_no: Option<String>,
    pub certified_on: Option<Date>,
    pub registration: Option<String>,
    pub transfer_slip_no: Option<String>,
    pub documents: Vec<String>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::use_agreements::content::AgreementRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.unit_id, v.room_ids, v.building_ids, v.purpose,
                      v.approved_area_m2, v.starts_on, v.ends_on, v.status, v.agreement_no, v.signed_on,
                      v.certificate_no, v.certified_on, v.registration, v.transfer_slip_no, v.documents
                 from use_agreement_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_versions;

impl AgreementRow {
    pub(super) fn content(self) -> Result<AgreementContent, Fault> {
        let unknown = |what: &str| Fault::Impossible {
            what: format!("use agreement version {}: {what} is not of the list", self.version_id),
        };
        Ok(AgreementContent {
            status: Status::of(&self.status).ok_or_else(|| unknown("status"))?,
            registration: self
                .registration
                .as_deref()
                .map(|word| Registration::of(word).ok_or_else(|| unknown("registration")))
                .transpose()?,
            unit_id: UnitId(self.unit_id),
            room_ids: self.room_ids,
            building_ids: self.building_ids,
            purpose: self.purpose,
            approved_area_m2: self.approved_area_m2.map(|area| area.normalize()),
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            agreement_no: self.agreement_no,
            signed_on: self.signed_on,
            certificate_no: self.certificate_no,
            certified_on: self.certified_on,
            transfer_slip_no: self.transfer_slip_no,
            documents: self.documents,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<AgreementContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks an agreement and reads the versions known now; none where there is no such agreement.
pub(super) async fn held_versions(
    connection: &mut PgConnection,
    id: UseAgreementId,
) -> Result<Vec<Held<AgreementContent>>, Fault> {
    sqlx::query!("select id from use_agreement where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_versions!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid)",
        id.0
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

/// Holds every version row of use agreements against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_versions!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
