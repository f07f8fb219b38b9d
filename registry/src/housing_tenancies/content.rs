//! What a version of a tenancy says, and its rows.

use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::{HousingTenancyId, LeaseId, RoomId, SpatialUnitId, UnitId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// Everything a version says. Its valid period is from the first day until the home is handed back.
#[derive(Debug, Clone, Serialize)]
pub struct TenancyContent {
    /// The home.
    pub room_id: RoomId,
    /// Its building.
    pub building_id: SpatialUnitId,
    /// The lease: term, rent and money.
    pub lease_id: LeaseId,
    /// Name; nothing more is kept of the person.
    pub tenant_name: String,
    /// Whose staff.
    pub unit_id: UnitId,
    /// Is it a leader's (领导干部周转住房)?
    pub is_leader: bool,
    /// 备案号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filing_number: Option<String>,
    /// When it was filed.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub filed_on: Option<Date>,
    /// Why they are eligible.
    pub eligibility: String,
    /// By which document.
    pub eligibility_document: String,
    /// By what the rent was set: income, market.
    pub rent_ground: String,
    /// The last day of the term.
    #[serde(with = "day")]
    pub ends_on: Date,
    /// Why they left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exit_reason: Option<String>,
}

impl VersionContent for TenancyContent {
    const OBJECT: ObjectKind = ObjectKind::HousingTenancy;
    const STATEMENTS: VersionStatements = version_statements!(
        "housing_tenancy",
        "room_id, building_id, lease_id, tenant_name, unit_id, is_leader, filing_number, filed_on, eligibility, eligibility_document, rent_ground, ends_on, exit_reason"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.room_id))
            .value(Some(self.building_id))
            .value(Some(self.lease_id))
            .text(Some(&self.tenant_name))
            .value(Some(self.unit_id))
            .value(Some(self.is_leader))
            .text(self.filing_number.as_deref())
            .value(self.filed_on)
            .text(Some(&self.eligibility))
            .text(Some(&self.eligibility_document))
            .text(Some(&self.rent_ground))
            .value(Some(self.ends_on))
            .text(self.exit_reason.as_deref());
    }
}

/// A version row as the table holds it.
pub(super) struct TenancyRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub room_id: Uuid,
    pub building_id: Uuid,
    pub lease_id: Uuid,
    pub tenant_name: String,
    pub unit_id: Uuid,
    pub is_leader: bool,
    pub filing_number: Option<String>,
    pub filed_on: Option<Date>,
    pub eligibility: String,
    pub eligibility_document: String,
    pub rent_ground: String,
    pub ends_on: Date,
    pub exit_reason: Option<String>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::housing_tenancies::content::TenancyRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.room_id, v.building_id, v.lease_id, v.tenant_name,
                      v.unit_id, v.is_leader, v.filing_number, v.filed_on, v.eligibility, v.eligibility_document,
                      v.rent_ground, v.ends_on, v.exit_reason
                 from housing_tenancy_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_versions;

impl TenancyRow {
    pub(super) fn content(self) -> TenancyContent {
        TenancyContent {
            room_id: RoomId(self.room_id),
            building_id: SpatialUnitId(self.building_id),
            lease_id: LeaseId(self.lease_id),
            tenant_name: self.tenant_name,
            unit_id: UnitId(self.unit_id),
            is_leader: self.is_leader,
            filing_number: self.filing_number,
            filed_on: self.filed_on,
            eligibility: self.eligibility,
            eligibility_document: self.eligibility_document,
            rent_ground: self.rent_ground,
            ends_on: self.ends_on,
            exit_reason: self.exit_reason,
        }
    }

    pub(super) fn stored(self) -> StoredVersion<TenancyContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, Ok(self.content()))
    }
}

/// Locks a tenancy and reads the version known now; none where there is no such tenancy.
pub(super) async fn held_version(
    connection: &mut PgConnection,
    id: HousingTenancyId,
) -> Result<Option<Held<TenancyContent>>, Fault> {
    sqlx::query!("select id from housing_tenancy where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_versions!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
        .fetch_optional(connection)
        .await?
        .map(|row| row.stored().held())
        .transpose()
}

/// Holds every version row of tenancies against what the ledger says of it.
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
