//! Idle records of rooms whose building was split or merged: they go on, in the building that the rooms are in now.

use sqlx::PgConnection;

use super::content::{IdleRecordContent, held_versions};
use crate::ids::{IdleRecordId, SpatialUnitId};
use crate::ledger::Action;
use crate::period::revise;
use crate::request::Fault;
use crate::rooms::RoomsMoved;
use crate::versioned::{Occasion, write_revision};

/// Records that go on past the day name the building that their rooms have moved into, for all the days of idleness.
///
/// # Errors
/// The database's.
pub async fn follow_rooms(connection: &mut PgConnection, moved: &RoomsMoved, occasion: &Occasion) -> Result<(), Fault> {
    let ids = sqlx::query_scalar!(
        "select object_id
           from idle_record_version
          where asset_id = any($1) and upper_inf(recorded) and (upper_inf(valid) or upper(valid) > $2)
          order by object_id",
        &moved.from,
        moved.on,
    )
    .fetch_all(&mut *connection)
    .await?;
    for id in ids {
        let Some(held) = held_versions(connection, IdleRecordId(id)).await?.pop() else {
            continue;
        };
        let Some(building) = moved.building_of(&held.content.room_ids) else {
            continue;
        };
        let content = IdleRecordContent {
            asset_id: SpatialUnitId(building),
            ..held.content.clone()
        };
        let revision = revise(std::slice::from_ref(&held), held.valid, Some(content), moved.now);
        write_revision(connection, id, Action::Change, &revision, Some(&held.content), occasion).await?;
    }
    Ok(())
}
