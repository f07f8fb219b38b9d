//! Idle records of rooms whose building was split or merged: they go on, in the building that the rooms are in now.

use sqlx::PgConnection;

use super::content::{IdleRecordContent, held_versions};
use crate::ids::{IdleRecordId, SpatialUnitId};
use crate::request::Fault;
use crate::rooms::RoomsMoved;
use crate::versioned::{Occasion, revise_what_differs};

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
    let mut going_on = Vec::with_capacity(ids.len());
    for id in ids {
        going_on.extend(
            held_versions(connection, IdleRecordId(id))
                .await?
                .pop()
                .map(|held| (id, held)),
        );
    }
    revise_what_differs(connection, going_on, moved.now, occasion, |record| {
        let building = moved.building_of(&record.room_ids)?;
        Some(IdleRecordContent {
            asset_id: SpatialUnitId(building),
            ..record.clone()
        })
    })
    .await?;
    Ok(())
}
