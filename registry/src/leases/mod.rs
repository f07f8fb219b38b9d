//! Leases (租约): what is let (出租) and what is rented in (租入), their rent month by month, what was paid of it and
//! remitted to the treasury (收支两条线). Why it is kept as it is: ADR 23.
//!
//! A lease is valid from its first day until it is handed back; the last day of its term is `ends_on`. One version of it is
//! known at a time. What a unit rents by a case (租用) is written here by the case, and may stand in no register of assets:
//! such a lease names the premises, and is seen and written where its unit is (ADR 33).

mod account;
mod closure;
mod content;
mod export;
mod follow;
mod home;
mod instalments;
mod list;
mod movements;
mod occupancy;
mod read;
mod register;
mod rented;
mod schedule;
mod statement;
#[cfg(test)]
pub(crate) mod tests;
mod waiting;

pub use content::{EndUser, LeaseContent, LeaseDetails, held_versions, leases_out, verify_versions};
pub use follow::follow_rooms;
pub use home::{HomeLease, let_home, take_home_back};
pub use instalments::{InstalmentContent, held_rows_of, write_rows};
pub use movements::MovementContent;
pub use rented::{RentedIn, give_back, lease_of_case, rent_in, too_long_from};
pub use schedule::{Instalment, Rhythm, Terms, schedule};
pub use waiting::waiting_leases;

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// 出租、租入
pub const DIRECTIONS: [&str; 2] = ["out", "in"];
/// Who lets: the bureau (机关事务管理部门), a unit that uses the space (使用单位), a state-owned company, somebody else.
pub const LESSOR_KINDS: [&str; 4] = ["bureau", "using_unit", "state_company", "private"];
/// Who rents: an enterprise, self-employed people (个体工商户), a unit, a person.
pub const LESSEE_KINDS: [&str; 4] = ["enterprise", "self_employed", "unit", "person"];
/// How large an enterprise is (大、中、小、微).
pub const SIZES: [&str; 4] = ["large", "medium", "small", "micro"];
/// In which trade somebody is: 农业、工业、建筑业、服务业
pub const SECTORS: [&str; 4] = ["agriculture", "industry", "construction", "services"];
/// The rent is agreed a month, or a square metre and month.
pub const RENT_BASES: [&str; 2] = ["month", "m2_month"];
/// How the price came about: public letting (公开招租), an appraisal of the rent, or neither.
pub const PRICE_BASES: [&str; 3] = ["public_letting", "appraisal", "negotiated"];
/// How the rent of a home for staff came about: by the rent rules of public housing, which its tenancy names.
pub const HOUSING_PRICE: &str = "housing_rent";
/// Where a lease stands on a day: before its first, in its term, past it and not handed back, handed back.
pub const STATUSES: [&str; 4] = ["planned", "running", "expired", "ended"];
/// A lease holds no longer than twenty years (民法典第七百零五条).
pub const LONGEST_YEARS: i32 = 20;

/// The routes of leases.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_leases, register::register_lease))
        .routes(routes!(export::export_leases))
        .routes(routes!(list::lease_totals))
        .routes(routes!(read::get_lease, register::change_lease))
        .routes(routes!(read::list_lease_versions))
        .routes(routes!(closure::hand_back_lease))
        .routes(routes!(account::get_lease_account))
        .routes(routes!(movements::record_movement))
        .routes(routes!(movements::reverse_movement))
}
