//! Leases of rooms whose building was split or merged: the lease goes on, in the building that its rooms are in now.

use sqlx::PgConnection;

use super::content::{LeaseContent, held_versions};
use crate::ids::{LeaseId, SpatialUnitId};
use crate::ledger::Action;
use crate::period::revise;
use crate::request::Fault;
use crate::rooms::RoomsMoved;
use crate::versioned::{Occasion, write_revision};

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
    for id in ids {
        let Some(held) = held_versions(connection, LeaseId(id)).await?.pop() else {
            continue;
        };
        let Some(building) = moved.building_of(&held.content.room_ids) else {
            continue;
        };
        let content = LeaseContent {
            asset_id: Some(SpatialUnitId(building)),
            ..held.content.clone()
        };
        let revision = revise(std::slice::from_ref(&held), held.valid, Some(content), moved.now);
        write_revision(connection, id, Action::Change, &revision, Some(&held.content), occasion).await?;
    }
    Ok(())
}
