//! The lease of a home for staff (周转住房): its term, its rent and its money are kept as every lease's are. Who lives there
//! is said by the tenancy (`housing_tenancies/`) alone, which begins and ends the lease with itself.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::closure::hand_back;
use super::content::{LeaseContent, LeaseDetails, held_versions};
use super::instalments::follow_terms;
use super::schedule::{Rhythm, schedule};
use super::{HOUSING_PRICE, RENT_BASES};
use crate::ids::{LeaseId, SpatialUnitId};
use crate::ledger::Action;
use crate::money::Money;
use crate::period::{ValidPeriod, revise};
use crate::request::{Fault, Problem, ProblemKind};
use crate::versioned::{Occasion, write_revision};

/// Who lets homes: the bureau that manages them all (集中统一管理).
const LESSOR: &str = "机关事务管理部门";
/// Leases are listed, exported and told of in findings, so they name no person.
const LESSEE: &str = "周转住房租住人";
const PURPOSE: &str = "周转住房";

/// What a home's lease follows from.
#[derive(Debug)]
pub struct HomeLease {
    /// The house.
    pub building_id: SpatialUnitId,
    /// The home.
    pub room_id: Uuid,
    /// How large it is, m².
    pub area_m2: Decimal,
    /// The first day.
    pub starts_on: Date,
    /// The last day.
    pub ends_on: Date,
    /// Yuan a month.
    pub monthly_rent: Money,
    /// 协议编号
    pub contract_number: Option<String>,
}

/// Begins the lease of a home, with its schedule.
///
/// # Errors
/// The database's; that the home is let already is told by its constraint.
pub async fn let_home(
    connection: &mut PgConnection,
    id: LeaseId,
    home: HomeLease,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Fault> {
    let content = LeaseContent {
        asset_id: Some(home.building_id),
        direction: "out".to_owned(),
        room_ids: vec![home.room_id],
        room_areas_m2: vec![home.area_m2.normalize()],
        area_m2: home.area_m2.normalize(),
        lessor_kind: "bureau".to_owned(),
        lessor_name: LESSOR.to_owned(),
        lessee_kind: "person".to_owned(),
        lessee_size: None,
        lessee_sector: None,
        lessee_name: LESSEE.to_owned(),
        is_sublet: false,
        ends_on: home.ends_on,
        monthly_rent: home.monthly_rent,
        contract_number: home.contract_number,
        approval_number: None,
        renews_id: None,
        end_reason: None,
        details: LeaseDetails {
            purpose: Some(PURPOSE.to_owned()),
            rent_basis: RENT_BASES[0].to_owned(),
            rent: home.monthly_rent,
            rhythm: Rhythm::WORDS[0].to_owned(),
            price_basis: HOUSING_PRICE.to_owned(),
            is_housing: true,
            ..LeaseDetails::default()
        },
        address: None,
        unit_id: None,
        case_id: None,
    };
    let revision = revise(&[], ValidPeriod::since(home.starts_on), Some(content.clone()), now);
    write_revision(connection, id.0, Action::Create, &revision, None, occasion).await?;
    follow_terms(connection, id, &schedule(&content.terms(home.starts_on)), now, occasion).await
}

/// Ends the lease of a home: rent of days from then on is owed no more.
///
/// # Errors
/// That it ended before, or the database's.
pub async fn take_home_back(
    connection: &mut PgConnection,
    id: LeaseId,
    (valid_to, reason): (Date, &str),
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Problem> {
    let versions = held_versions(connection, id).await?;
    hand_back(connection, id, &versions, valid_to, reason, now, occasion).await?;
    Ok(())
}

/// A home's lease is changed by its tenancy alone.
pub(super) fn require_no_home(content: &LeaseContent) -> Result<(), Problem> {
    if !content.details.is_housing {
        return Ok(());
    }
    Err(Problem::new(
        ProblemKind::Conflict,
        "这是周转住房的租约，请在租住登记中办理 / this is the lease of a home, which follows its tenancy",
    )
    .code("lease_of_home")
    .rule("W4", "方案 2.3 存量公房转化利用")
    .remedy("let the tenant exit by POST /api/v1/housing-tenancies/{id}/exits"))
}
