//! The tenancies of homes that wait for somebody: the last day of their term is near, or over, and the home is not handed
//! back. Whoever lives there is not named here.

use sqlx::PgConnection;
use time::{Date, Duration};
use uuid::Uuid;

use crate::procedures::{Awaited, Waiting, WaitingKind, WaitingObject, WorkflowLabel};
use crate::request::{Caller, Fault, Permission};

/// What stands until a day waits from so many days before it.
const AHEAD: Duration = Duration::days(30);

/// The tenancies that wait for a reader: those in houses that are theirs to edit.
///
/// # Errors
/// The database's.
pub async fn waiting_tenancies(
    connection: &mut PgConnection,
    caller: &Caller,
    today: Date,
) -> Result<Vec<Waiting>, Fault> {
    if !caller.scope.holds(Permission::EditAssets) {
        return Ok(Vec::new());
    }
    let ending = sqlx::query!(
        r#"select v.object_id, v.ends_on, v.building_id, r.number as "number?"
             from housing_tenancy_version v
             left join lateral (
                  select number from room_version r
                   where r.object_id = v.room_id and upper_inf(r.recorded) order by lower(r.valid) desc limit 1) r on true
            where upper_inf(v.recorded) and v.valid @> $1::date and v.ends_on <= $2::date
            order by v.ends_on, v.object_id"#,
        today,
        today + AHEAD,
    )
    .fetch_all(&mut *connection)
    .await?;
    let houses: Vec<Uuid> = ending.iter().map(|one| one.building_id).collect();
    let known = crate::spatial_units::known_now(connection, &houses).await?;
    Ok(ending
        .into_iter()
        .filter_map(|one| {
            let house = known
                .get(&one.building_id)
                .filter(|house| caller.scope.holds_at(Permission::EditAssets, &house.place))?;
            Some(Waiting {
                about: one.number.map(|number| WorkflowLabel {
                    zh: format!("{number} 室"),
                    en: format!("room {number}"),
                }),
                object: Some(WaitingObject::of_asset(
                    one.building_id,
                    &house.kind,
                    house.code.as_deref(),
                    house.name.as_deref(),
                )),
                ..Waiting::new(WaitingKind::HousingTenancy, Some(one.object_id), Awaited::ExitOrRenew)
                    .due(Some(one.ends_on), today)
            })
        })
        .collect())
}
