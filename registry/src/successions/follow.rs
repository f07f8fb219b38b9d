//! What hangs on rooms and names their building: it goes with them, or the building isn't divided between them.

use std::collections::HashMap;

use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::plan::Plan;
use super::rooms::Moving;
use crate::request::{Fault, Problem, ProblemKind};
use crate::rooms::RoomsMoved;
use crate::versioned::Occasion;

/// A lease or an idle record is of one building: the rooms it is about go into the same one. What is let of a building
/// without saying which rooms can't be given to one of several.
///
/// # Errors
/// A problem that names the lease or the record.
pub(super) async fn require_undivided(
    connection: &mut PgConnection,
    plan: &Plan,
    on: Date,
    moving: &[Moving],
) -> Result<(), Problem> {
    if plan.pieces.len() == 1 {
        return Ok(());
    }
    let rows = sqlx::query!(
        r#"select 'lease' as "kind!", coalesce(v.contract_number, v.lessee_name) as "name!", v.room_ids as "room_ids!"
             from lease_version v
             join spatial_unit u on u.id = v.asset_id and u.kind = 'building'
            where v.asset_id = any($1) and upper_inf(v.recorded) and (upper_inf(v.valid) or upper(v.valid) > $2)
           union all
           select 'idle', v.evidence, v.room_ids
             from idle_record_version v
            where v.asset_id = any($1) and not v.whole and upper_inf(v.recorded)
              and (upper_inf(v.valid) or upper(v.valid) > $2)"#,
        &plan.from_ids,
        on,
    )
    .fetch_all(connection)
    .await?;
    let piece_of: HashMap<Uuid, usize> = moving.iter().map(|room| (room.id, room.piece)).collect();
    for row in rows {
        let mut pieces: Vec<usize> = row
            .room_ids
            .iter()
            .filter_map(|room| piece_of.get(room).copied())
            .collect();
        pieces.sort_unstable();
        pieces.dedup();
        let name = row.name;
        let (code, words, remedy) = match (row.kind.as_str(), pieces.len()) {
            (_, 1) => continue,
            ("lease", 0) => (
                "lease_undivided",
                format!(
                    "租约“{name}”没有写明房间，不知归入哪一栋 / the lease {name} says no rooms: which of the new ones it goes into isn't known"
                ),
                "write the rooms into the lease, or end it on that day",
            ),
            ("lease", _) => (
                "lease_torn",
                format!("租约“{name}”的房间须归入同一栋 / the rooms of the lease {name} must go into the same one"),
                "let its rooms go into the same one, or end it on that day and let them separately",
            ),
            _ => (
                "idle_record_torn",
                format!(
                    "闲置记录“{name}”的房间须归入同一栋 / the rooms of the idle record {name} must go into the same one"
                ),
                "let its rooms go into the same one, or end it on that day and open one for each",
            ),
        };
        return Err(Problem::new(ProblemKind::Conflict, words)
            .field("rooms")
            .code(code)
            .remedy(remedy));
    }
    Ok(())
}

/// Use agreements, leases, tenancies and idle records go with their rooms.
pub(super) async fn follow(
    connection: &mut PgConnection,
    moved: &RoomsMoved,
    occasion: &Occasion,
) -> Result<(), Fault> {
    crate::use_agreements::follow_rooms(connection, moved, occasion).await?;
    crate::idle_records::follow_rooms(connection, moved, occasion).await?;
    crate::housing_tenancies::follow_rooms(connection, moved, occasion).await?;
    crate::leases::follow_rooms(connection, moved, occasion).await
}
