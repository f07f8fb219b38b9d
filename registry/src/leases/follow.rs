//! Leases of rooms whose building was split or merged: the lease goes on, in the building that its rooms are in now.

use sqlx::PgConnection;

use super::content::{LeaseContent, held_versions};
use crate::ids::{LeaseId, SpatialUnitId};
use crate::request::Fault;
use crate::rooms::RoomsMoved;
use crate::versioned::{Occasion, revise_what_differs};

/// Leases that go on past the day name the building that their rooms have moved into. One version of a lease is known at a time,
/// so it names that for its whole term; what was known before stays known of that time.
///
/// # Errors
/// The database's.
pub async fn follow_rooms(connection: &mut PgConnection, moved: &RoomsMoved, occasion: &Occasion) -> Result<(), Fault> {
    let ids = sqlx::query_scalar!(
        "select object_id
           from lease_version
          where asset_id = any($1) and upper_inf(recorded) and (upper_inf(valid) or upper(valid) > $2)
          order by object_id",
        &moved.from,
        moved.on,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut going_on = Vec::with_capacity(ids.len());
    for id in ids {
        going_on.extend(
            held_versions(connection, LeaseId(id))
                .await?
                .pop()
                .map(|held| (id, held)),
        );
    }
    revise_what_differs(connection, going_on, moved.now, occasion, |lease| {
        let building = moved.building_of(&lease.room_ids)?;
        Some(LeaseContent {
            asset_id: Some(SpatialUnitId(building)),
            ..lease.clone()
        })
    })
    .await?;
    Ok(())
}
