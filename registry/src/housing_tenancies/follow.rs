//! Tenancies of homes whose building was split or merged: they go on, in the building that the home is in now.

use sqlx::PgConnection;

use super::content::{TenancyContent, held_version};
use crate::ids::{HousingTenancyId, SpatialUnitId};
use crate::request::Fault;
use crate::rooms::RoomsMoved;
use crate::versioned::{Occasion, revise_what_differs};

/// Tenancies that go on past the day name the building that their home has moved into, for their whole term, as their leases do.
///
/// # Errors
/// The database's.
pub async fn follow_rooms(connection: &mut PgConnection, moved: &RoomsMoved, occasion: &Occasion) -> Result<(), Fault> {
    let ids = sqlx::query_scalar!(
        "select object_id
           from housing_tenancy_version
          where building_id = any($1) and upper_inf(recorded) and (upper_inf(valid) or upper(valid) > $2)
          order by object_id",
        &moved.from,
        moved.on,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut going_on = Vec::with_capacity(ids.len());
    for id in ids {
        going_on.extend(
            held_version(connection, HousingTenancyId(id))
                .await?
                .map(|held| (id, held)),
        );
    }
    revise_what_differs(connection, going_on, moved.now, occasion, |tenancy| {
        let building = moved.building_of(&[tenancy.room_id.0])?;
        Some(TenancyContent {
            building_id: SpatialUnitId(building),
            ..tenancy.clone()
        })
    })
    .await?;
    Ok(())
}
