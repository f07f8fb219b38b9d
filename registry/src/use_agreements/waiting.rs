//! The use agreements that wait for somebody: their last day is near, or over, and they are neither renewed nor cancelled.

use std::collections::BTreeSet;

use sqlx::PgConnection;
use time::{Date, Duration};
use uuid::Uuid;

use crate::procedures::{Awaited, Waiting, WaitingKind, WaitingObject, WorkflowLabel};
use crate::request::{Caller, Fault, Permission};

/// What stands until a day waits from so many days before it.
const AHEAD: Duration = Duration::days(30);

/// The agreements that wait for a reader: those of buildings that are all theirs to edit.
///
/// # Errors
/// The database's.
pub async fn waiting_agreements(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
) -> Result<Vec<Waiting>, Fault> {
    if !caller.scope.holds(Permission::EditAssets) {
        return Ok(Vec::new());
    }
    // `ends_on` is the first day on which it is over.
    let ending = sqlx::query!(
        r#"select v.object_id, v.ends_on - 1 as "last_day!", v.building_ids, v.agreement_no, v.certificate_no, u.name as "unit_name?"
             from use_agreement_version v
             left join lateral (
                  select name from unit_version u
                   where u.object_id = v.unit_id and upper_inf(u.recorded) order by lower(u.valid) desc limit 1) u on true
            where upper_inf(v.recorded) and v.valid @> $1::date and v.status in ('signed', 'certified')
              and v.ends_on - 1 <= $2::date
            order by v.ends_on, v.object_id"#,
        today,
        today + AHEAD,
    )
    .fetch_all(&mut *connection)
    .await?;
    let buildings: BTreeSet<Uuid> = ending.iter().flat_map(|one| one.building_ids.iter().copied()).collect();
    let buildings: Vec<Uuid> = buildings.into_iter().collect();
    let known = crate::spatial_units::known_now(connection, &buildings).await?;
    Ok(ending
        .into_iter()
        .filter_map(|one| {
            let is_theirs = one.building_ids.iter().all(|building| {
                known
                    .get(building)
                    .is_some_and(|building| caller.scope.holds_at(Permission::EditAssets, &building.place))
            });
            let id = one.building_ids.first().copied().filter(|_| is_theirs)?;
            let building = known.get(&id)?;
            let number = one.certificate_no.or(one.agreement_no);
            let whose: Vec<String> = [one.unit_name, number].into_iter().flatten().collect();
            let whose = whose.join(" · ");
            Some(Waiting {
                about: Some(WorkflowLabel {
                    zh: whose.clone(),
                    en: whose,
                }),
                object: Some(WaitingObject::of_asset(
                    id,
                    &building.kind,
                    building.code.as_deref(),
                    building.name.as_deref(),
                )),
                ..Waiting::new(WaitingKind::UseAgreement, Some(one.object_id), Awaited::RenewOrCancel)
                    .due(Some(one.last_day), today)
            })
        })
        .collect())
}
