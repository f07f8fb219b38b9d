//! What a version of a lease says, and its rows.

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::schedule::{Rhythm, Terms};
use crate::database::CopyRows;
use crate::ids::{LeaseId, SpatialUnitId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::money::Money;
use crate::period::{Held, ValidPeriod, day};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// Who sits there at last, where a lessee lets on (转租).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndUser {
    /// Name.
    pub name: String,
    /// `enterprise`, `self_employed`, `unit` or `person`.
    pub kind: String,
    /// Of an enterprise: `large`, `medium`, `small` or `micro`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// `agriculture`, `industry`, `construction` or `services`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector: Option<String>,
}

/// What nobody sorts or filters by. New fields go to the end and are skipped when empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LeaseDetails {
    /// The unit that lets, where it is one of the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lessor_unit_id: Option<Uuid>,
    /// 统一社会信用代码
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lessee_code: Option<String>,
    /// The unit that rents, where it is one of the directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lessee_unit_id: Option<Uuid>,
    /// Who sits there at last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub end_users: Vec<EndUser>,
    /// What it is used for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// `month` or `m2_month`.
    pub rent_basis: String,
    /// Yuan, by that basis.
    pub rent: Money,
    /// How often it is paid.
    pub rhythm: String,
    /// So many days after the beginning of a stretch it is due.
    pub due_days: i32,
    /// 押金
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<Money>,
    /// `public_letting`, `appraisal` or `negotiated`.
    pub price_basis: String,
    /// 交易机构
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
    /// The number under which it was let there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_record: Option<String>,
    /// 租金评估报告
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appraisal_report: Option<String>,
    /// The last day on which it holds.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "day::option")]
    pub appraisal_valid_to: Option<Date>,
    /// Of what is rented in: how much was approved, m².
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_area_m2: Option<Decimal>,
    /// 土地收益: of rent from houses on allocated land, yuan a year, and by which document it goes to the state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub land_income: Option<Money>,
    /// That document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub land_income_document: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Of a home for staff (周转住房): a tenancy says who lives there, and ends it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_housing: bool,
}

/// Everything a version says. Its valid period is from the first day until it is handed back.
#[derive(Debug, Clone, Serialize)]
pub struct LeaseContent {
    /// The parcel or building; none where what is rented in stands in no register.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<SpatialUnitId>,
    /// `out` or `in`.
    pub direction: String,
    /// Some of its rooms.
    pub room_ids: Vec<Uuid>,
    /// How much of each, m².
    pub room_areas_m2: Vec<Decimal>,
    /// How much of the asset, m².
    pub area_m2: Decimal,
    /// Who lets: one of [`LESSOR_KINDS`](super::LESSOR_KINDS).
    pub lessor_kind: String,
    /// Name.
    pub lessor_name: String,
    /// Who rents: one of [`LESSEE_KINDS`](super::LESSEE_KINDS).
    pub lessee_kind: String,
    /// How large an enterprise it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lessee_size: Option<String>,
    /// In which trade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lessee_sector: Option<String>,
    /// Name.
    pub lessee_name: String,
    /// Does the lessee let on?
    pub is_sublet: bool,
    /// The last day of the term.
    #[serde(with = "day")]
    pub ends_on: Date,
    /// Yuan a month.
    pub monthly_rent: Money,
    /// 合同编号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contract_number: Option<String>,
    /// 批准文号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval_number: Option<String>,
    /// The lease that it goes on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renews_id: Option<Uuid>,
    /// Why it was handed back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_reason: Option<String>,
    /// All the rest.
    pub details: LeaseDetails,
    /// 坐落, as the contract says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The unit that rents, where what it rents stands in no register: the lease is seen and written where the unit is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<Uuid>,
    /// The case that made it (租用).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case_id: Option<Uuid>,
}

/// Does the rent go to the treasury (收支两条线)? What a unit or the bureau lets is the state's income; a company's is its own.
pub(super) fn is_remitted(direction: &str, lessor_kind: &str) -> bool {
    direction == "out" && matches!(lessor_kind, "bureau" | "using_unit")
}

impl LeaseContent {
    /// What its rent follows from.
    #[must_use]
    pub fn terms(&self, starts_on: Date) -> Terms {
        Terms {
            starts_on,
            ends_on: self.ends_on,
            monthly_rent: self.monthly_rent,
            rhythm: Rhythm::parse(&self.details.rhythm).unwrap_or(Rhythm::Monthly),
            due_days: self.details.due_days,
        }
    }
}

impl VersionContent for LeaseContent {
    const OBJECT: ObjectKind = ObjectKind::Lease;
    const STATEMENTS: VersionStatements = version_statements!(
        "lease",
        "asset_id, direction, room_ids, room_areas_m2, area_m2, lessor_kind, lessor_name, lessee_kind, lessee_size, lessee_sector, lessee_name, is_sublet, ends_on, monthly_rent, contract_number, approval_number, renews_id, end_reason, details, address, unit_id, case_id"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        // Details are plain data, they always have JSON.
        let details = serde_json::to_string(&self.details).unwrap_or_default();
        rows.value(Some(self.asset_id))
            .text(Some(&self.direction))
            .value(Some(self.room_ids.clone()))
            .value(Some(self.room_areas_m2.clone()))
            .value(Some(self.area_m2))
            .text(Some(&self.lessor_kind))
            .text(Some(&self.lessor_name))
            .text(Some(&self.lessee_kind))
            .text(self.lessee_size.as_deref())
            .text(self.lessee_sector.as_deref())
            .text(Some(&self.lessee_name))
            .value(Some(self.is_sublet))
            .value(Some(self.ends_on))
            .value(Some(self.monthly_rent.yuan()))
            .text(self.contract_number.as_deref())
            .text(self.approval_number.as_deref())
            .value(self.renews_id)
            .text(self.end_reason.as_deref())
            .text(Some(&details))
            .text(self.address.as_deref())
            .value(self.unit_id)
            .value(self.case_id);
    }
}

/// A version row as the table holds it.
pub(super) struct LeaseRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub asset_id: Option<Uuid>,
    pub direction: String,
    pub room_ids: Vec<Uuid>,
    pub room_areas_m2: Vec<Decimal>,
    pub area_m2: Decimal,
    pub lessor_kind: String,
    pub lessor_name: String,
    pub lessee_kind: String,
    pub lessee_size: Option<String>,
    pub lessee_sector: Option<String>,
    pub lessee_name: String,
    pub is_sublet: bool,
    pub ends_on: Date,
    pub monthly_rent: Decimal,
    pub contract_number: Option<String>,
    pub approval_number: Option<String>,
    pub renews_id: Option<Uuid>,
    pub end_reason: Option<String>,
    pub details: String,
    pub address: Option<String>,
    pub unit_id: Option<Uuid>,
    pub case_id: Option<Uuid>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::leases::content::LeaseRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.asset_id, v.direction, v.room_ids,
                      v.room_areas_m2 as "room_areas_m2!: Vec<rust_decimal::Decimal>", v.area_m2, v.lessor_kind, v.lessor_name, v.lessee_kind, v.lessee_size,
                      v.lessee_sector, v.lessee_name, v.is_sublet, v.ends_on, v.monthly_rent, v.contract_number,
                      v.approval_number, v.renews_id, v.end_reason, v.details::text as "details!",
                      v.address, v.unit_id, v.case_id
                 from lease_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_versions;

impl LeaseRow {
    pub(super) fn content(self) -> Result<LeaseContent, Fault> {
        let impossible = |what: String| Fault::Impossible {
            what: format!("lease version {}: {what}", self.version_id),
        };
        Ok(LeaseContent {
            details: serde_json::from_str(&self.details).map_err(|error| impossible(error.to_string()))?,
            monthly_rent: Money::kept(self.monthly_rent).map_err(|error| impossible(error.to_string()))?,
            asset_id: self.asset_id.map(SpatialUnitId),
            direction: self.direction,
            room_ids: self.room_ids,
            room_areas_m2: self.room_areas_m2.iter().map(Decimal::normalize).collect(),
            area_m2: self.area_m2.normalize(),
            lessor_kind: self.lessor_kind,
            lessor_name: self.lessor_name,
            lessee_kind: self.lessee_kind,
            lessee_size: self.lessee_size,
            lessee_sector: self.lessee_sector,
            lessee_name: self.lessee_name,
            is_sublet: self.is_sublet,
            ends_on: self.ends_on,
            contract_number: self.contract_number,
            approval_number: self.approval_number,
            renews_id: self.renews_id,
            end_reason: self.end_reason,
            address: self.address,
            unit_id: self.unit_id,
            case_id: self.case_id,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<LeaseContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks a lease and reads the versions known now; none where there is no such lease.
///
/// # Errors
/// The database's.
pub async fn held_versions(connection: &mut PgConnection, id: LeaseId) -> Result<Vec<Held<LeaseContent>>, Fault> {
    sqlx::query!("select id from lease where id = $1 for update", id.0)
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

/// The leases out, of these or of all, that have days in a period, in a region and below it, by what is known now.
///
/// # Errors
/// The database's.
pub async fn leases_out(
    connection: &mut PgConnection,
    ids: Option<&[Uuid]>,
    days: ValidPeriod,
    region: Option<&str>,
) -> Result<Vec<(LeaseId, Held<LeaseContent>)>, Fault> {
    select_versions!(
        r#"where v.direction = 'out' and upper_inf(v.recorded) and v.valid && $1 and v.ends_on >= lower($1)
              and ($2::uuid[] is null or v.object_id = any($2))
              and ($3::text is null or exists (
                  select from spatial_unit_version a
                   where a.object_id = v.asset_id and upper_inf(a.recorded) and starts_with(a.region_code, $3)))
            order by v.object_id"#,
        PgRange::<Date>::from(days),
        ids as Option<&[Uuid]>,
        region.map(crate::regions::subtree),
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| Ok((LeaseId(row.object_id), row.stored().held()?)))
    .collect()
}

/// Holds every version row of leases, their schedules and accounts against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    {
        let mut rows = select_versions!("").fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            expected.check(&row.stored().found());
        }
    }
    super::instalments::verify_rows(connection, expected).await?;
    super::movements::verify_rows(connection, expected).await
}
