//! The lease of what a unit rents by a case (租用): the case writes it into the register when its contract is filed, and gives
//! it back. What it says can be changed as every lease's can (a supplementary agreement); its end is the case's step.

use rust_decimal::{Decimal, RoundingStrategy};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use super::closure::hand_back;
use super::content::{LeaseContent, LeaseDetails, held_versions};
use super::instalments::follow_terms;
use super::schedule::{Rhythm, schedule};
use super::{LONGEST_YEARS, PRICE_BASES, RENT_BASES};
use crate::ids::{LeaseId, PolicyCaseId, SpatialUnitId, UnitId};
use crate::ledger::Action;
use crate::money::Money;
use crate::period::{ValidPeriod, revise};
use crate::request::{Fault, Problem, ProblemKind};
use crate::versioned::{Occasion, write_revision};

/// What the lease of a case follows from.
#[derive(Debug)]
pub struct RentedIn {
    /// The case.
    pub case_id: PolicyCaseId,
    /// The building, where it is registered.
    pub asset_id: Option<SpatialUnitId>,
    /// 坐落
    pub address: String,
    /// Who rents.
    pub unit_id: UnitId,
    /// Its name.
    pub unit_name: String,
    /// From whom.
    pub landlord: String,
    /// One of [`LESSOR_KINDS`](super::LESSOR_KINDS).
    pub landlord_kind: String,
    /// How much, m².
    pub area_m2: Decimal,
    /// How much was approved, m².
    pub approved_area_m2: Option<Decimal>,
    /// What for.
    pub purpose: Option<String>,
    /// The first day.
    pub starts_on: Date,
    /// The last day.
    pub ends_on: Date,
    /// 年租金
    pub rent_year: Money,
    /// 合同编号
    pub contract_number: String,
    /// 核准通知的文号
    pub approval_number: Option<String>,
}

/// The first day on which a lease that begins on this one would have held too long (民法典第七百零五条).
#[must_use]
pub fn too_long_from(starts_on: Date) -> Date {
    starts_on
        .replace_year(starts_on.year() + LONGEST_YEARS)
        .unwrap_or(starts_on + time::Duration::days(i64::from(LONGEST_YEARS) * 366))
}

/// A twelfth of a year's rent, to the cent, halves up.
fn of_a_month(rent_year: Money) -> Result<Money, Fault> {
    let month =
        (rent_year.yuan() / Decimal::from(12)).round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    Money::kept(month).map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })
}

/// Writes the lease of a case into the register, with its schedule.
///
/// # Errors
/// The database's; that the case has made its lease already is told by a constraint.
pub async fn rent_in(
    connection: &mut PgConnection,
    rented: RentedIn,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<LeaseId, Fault> {
    let monthly_rent = of_a_month(rented.rent_year)?;
    let content = LeaseContent {
        asset_id: rented.asset_id,
        direction: "in".to_owned(),
        room_ids: Vec::new(),
        room_areas_m2: Vec::new(),
        // As it is read back: the digest in the ledger covers the digits.
        area_m2: rented.area_m2.round_dp(4).normalize(),
        lessor_kind: rented.landlord_kind,
        lessor_name: rented.landlord,
        lessee_kind: "unit".to_owned(),
        lessee_size: None,
        lessee_sector: None,
        lessee_name: rented.unit_name,
        is_sublet: false,
        ends_on: rented.ends_on,
        monthly_rent,
        contract_number: Some(rented.contract_number),
        approval_number: rented.approval_number,
        renews_id: None,
        end_reason: None,
        details: LeaseDetails {
            lessee_unit_id: Some(rented.unit_id.0),
            purpose: rented.purpose,
            rent_basis: RENT_BASES[0].to_owned(),
            rent: monthly_rent,
            rhythm: Rhythm::WORDS[0].to_owned(),
            // The market's rent was compared (rent_comparison); nothing was put out to tender.
            price_basis: PRICE_BASES[2].to_owned(),
            approved_area_m2: rented.approved_area_m2.map(|area| area.round_dp(4).normalize()),
            note: Some(format!("合同年租金 {} 元，按十二个月平均", rented.rent_year)),
            ..LeaseDetails::default()
        },
        address: Some(rented.address),
        unit_id: rented.asset_id.is_none().then_some(rented.unit_id.0),
        case_id: Some(rented.case_id.0),
    };
    let id = LeaseId::fresh();
    let revision = revise(&[], ValidPeriod::since(rented.starts_on), Some(content.clone()), now);
    write_revision(connection, id.0, Action::Create, &revision, None, occasion).await?;
    let rows = schedule(&content.terms(rented.starts_on));
    follow_terms(connection, id, &rows, now, occasion).await?;
    Ok(id)
}

/// The lease that a case made, as it is known now.
///
/// # Errors
/// The database's.
pub async fn lease_of_case(connection: &mut PgConnection, case: PolicyCaseId) -> Result<Option<LeaseId>, Fault> {
    let id = sqlx::query_scalar!(
        "select object_id from lease_version where case_id = $1 and upper_inf(recorded)",
        case.0,
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(LeaseId))
}

/// Gives back what a case rented: rent of days from then on is owed no more. A lease that was renewed has ended by then.
///
/// # Errors
/// That it had not begun, or the database's.
pub async fn give_back(
    connection: &mut PgConnection,
    case: PolicyCaseId,
    (on, reason): (Date, &str),
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Problem> {
    let Some(id) = lease_of_case(connection, case).await? else {
        return Ok(());
    };
    let versions = held_versions(connection, id).await?;
    let Some(last) = versions.last().filter(|last| last.valid.to.is_none()) else {
        return Ok(());
    };
    if on <= last.valid.from {
        return Err(Problem::invalid(
            "on",
            format!(
                "租期自{}起，退租日须在其后 / the lease begins on {}, and is given back after that",
                last.valid.from, last.valid.from
            ),
        )
        .code("lease_not_begun")
        .remedy("give the first day on which it is handed back; where the term itself is wrong, change the lease"));
    }
    hand_back(connection, id, &versions, on, reason, now, occasion).await?;
    Ok(())
}

/// What a case rented is given back by the case, which says what becomes of the rooms.
pub(super) async fn require_no_case(connection: &mut PgConnection, content: &LeaseContent) -> Result<(), Problem> {
    let Some(case) = content.case_id else {
        return Ok(());
    };
    let is_open = sqlx::query_scalar!(
        r#"select is_open as "is_open!" from policy_case_version where object_id = $1 and upper_inf(recorded)"#,
        case,
    )
    .fetch_optional(connection)
    .await?;
    if is_open == Some(false) {
        return Ok(());
    }
    Err(Problem::new(
        ProblemKind::Conflict,
        "这是租用案件的租约，请在案件中办理退租 / this is the lease of a case, which gives it back",
    )
    .code("lease_of_case")
    .rule("W2", "党政机关办公用房管理办法 art. 13")
    .remedy(format!(
        "take the step give_back: POST /api/v1/policy-cases/{case}/transitions"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_costs_a_twelfth_of_the_year_to_the_cent() {
        let month = |yuan: &str| of_a_month(Money::parse(yuan).unwrap()).unwrap().to_string();
        assert_eq!(month("60000.00"), "5000.00");
        assert_eq!(month("100000.00"), "8333.33");
        assert_eq!(month("100.02"), "8.34", "8.335 goes up");
        assert_eq!(month("0.00"), "0.00");
    }
}
