//! The leases that wait for somebody: those that end, and those in arrears. Counted, for the register lists them.

use sqlx::{FromRow, PgConnection, QueryBuilder};
use time::Date;
use uuid::Uuid;

use super::list::push_from;
use crate::checks::default_of;
use crate::ids::UnitId;
use crate::procedures::{Awaited, Waiting, WaitingKind};
use crate::request::{Caller, Fault, Permission, Place, Times};

/// The leases of one place.
#[derive(Debug, FromRow)]
struct There {
    region_code: Option<String>,
    admin_level: Option<String>,
    unit_id: Option<Uuid>,
    ending: i64,
    first_end: Option<Date>,
    in_arrears: i64,
}

/// The leases that wait for a reader, as far as they see them: what the register lists as ending within the days of which the
/// rules warn, or ended and not handed back, and what it lists as in arrears.
///
/// # Errors
/// The database's.
pub async fn waiting_leases(
    connection: &mut PgConnection,
    caller: &Caller,
    times: Times,
) -> Result<Vec<Waiting>, Fault> {
    let works = |permission, place: &Place| caller.scope.holds_at(permission, place);
    if !(caller.scope.holds(Permission::EditAssets) || caller.scope.holds(Permission::ConfirmMoney)) {
        return Ok(Vec::new());
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a number of days that the program carries"
    )]
    let days = default_of("lease_warn_days")? as i32;
    let mut select = QueryBuilder::new(
        "select region_code, admin_level, unit_id, count(*) filter (where is_ending) as ending,
                min(ends_on) filter (where is_ending) as first_end, count(*) filter (where is_in_arrears) as in_arrears
           from (select a.region_code, a.admin_level, a.unit_id, v.ends_on, m.arrears > 0 as is_in_arrears, v.valid @> ",
    );
    select.push_bind(times.as_of);
    select.push(" and v.ends_on < ").push_bind(times.as_of);
    select.push("::date + ").push_bind(days).push(" as is_ending");
    push_from(&mut select, times)?;
    select.push(" where v.recorded @> ").push_bind(times.known_at);
    select.push(") leases where is_ending or is_in_arrears group by region_code, admin_level, unit_id");
    let groups: Vec<There> = select.build_query_as().fetch_all(connection).await?;
    let (mut ending, mut first_end, mut in_arrears) = (0, None, 0);
    for group in groups {
        let place = Place {
            region_code: group.region_code,
            admin_level: group.admin_level,
            unit_id: group.unit_id.map(UnitId),
        };
        if works(Permission::EditAssets, &place) {
            ending += group.ending;
            first_end = first_end.into_iter().chain(group.first_end).min();
        }
        if works(Permission::EditAssets, &place) || works(Permission::ConfirmMoney, &place) {
            in_arrears += group.in_arrears;
        }
    }
    let mut waiting = Vec::new();
    if ending > 0 {
        waiting.push(Waiting {
            count: ending,
            link: Some(format!("/api/v1/leases?expires_within={days}")),
            ..Waiting::new(WaitingKind::Lease, None, Awaited::EndOrRenew).due(first_end, times.as_of)
        });
    }
    if in_arrears > 0 {
        waiting.push(Waiting {
            count: in_arrears,
            link: Some("/api/v1/leases?arrears=true".to_owned()),
            // Rent is in arrears from the day after it fell due.
            overdue: true,
            ..Waiting::new(WaitingKind::Rent, None, Awaited::Collect)
        });
    }
    Ok(waiting)
}
