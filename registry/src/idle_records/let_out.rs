//! What was idle is let: its record ends on the day on which the lease begins; of one whose rooms are let in part the rest
//! stays idle by a record that goes on from it.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::content::{IdleRecordContent, held_versions};
use crate::ids::{IdleRecordId, SpatialUnitId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise, valid_period};
use crate::request::Fault;
use crate::versioned::{Occasion, write_revision};

/// Takes what is let from a day on out of the records that hold it idle then. A record that begins later says otherwise than
/// the lease, and stays.
///
/// # Errors
/// The database's.
pub async fn end_where_let(
    connection: &mut PgConnection,
    asset: SpatialUnitId,
    (let_rooms, from): (&BTreeSet<Uuid>, Date),
    reason: &str,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Fault> {
    let ids = sqlx::query_scalar!(
        "select object_id from idle_record_version
          where asset_id = $1 and upper_inf(recorded) and valid @> $2::date and lower(valid) < $2
          order by object_id",
        asset.0,
        from,
    )
    .fetch_all(&mut *connection)
    .await?;
    for id in ids {
        let versions = held_versions(connection, IdleRecordId(id)).await?;
        let Some(before) = versions.iter().find(|version| version.valid.contains(from)) else {
            continue;
        };
        let rest: Vec<Uuid> = before
            .content
            .room_ids
            .iter()
            .copied()
            .filter(|room| !let_rooms.contains(room))
            .collect();
        // Some of it is let, so it is not idle as a whole; a record of rooms that are not let stays as it is.
        if !before.content.whole && rest.len() == before.content.room_ids.len() {
            continue;
        }
        let ended = IdleRecordContent {
            end_reason: Some(reason.to_owned()),
            occupancy_after: Some("let".to_owned()),
            ..before.content.clone()
        };
        let mut revision = revise(&versions, before.valid, Some(ended), now);
        for (valid, _) in &mut revision.write {
            valid.to = Some(from);
        }
        write_revision(
            connection,
            id,
            Action::Close,
            &revision,
            Some(&before.content),
            occasion,
        )
        .await?;
        if rest.is_empty() {
            continue;
        }
        let goes_on = IdleRecordContent {
            whole: false,
            floor: None,
            room_ids: rest,
            evidence: format!("自{}起闲置；其余部分{}", before.valid.from, reason),
            end_reason: before.content.end_reason.clone(),
            occupancy_after: before.content.occupancy_after.clone(),
            ..before.content.clone()
        };
        let spell = ValidPeriod {
            from,
            to: before.valid.to,
        };
        let revision = revise(&[], spell, Some(goes_on), now);
        write_revision(
            connection,
            IdleRecordId::fresh().0,
            Action::Create,
            &revision,
            None,
            occasion,
        )
        .await?;
    }
    Ok(())
}

/// When the asset and its rooms are idle by a record.
///
/// # Errors
/// The database's.
pub async fn idle_by_record(
    connection: &mut PgConnection,
    asset: SpatialUnitId,
    rooms: &[Uuid],
) -> Result<BTreeMap<Uuid, Vec<ValidPeriod>>, Fault> {
    let rows = sqlx::query!(
        "select thing_id, valid from idle_record_thing where thing_id = $1 or thing_id = any($2)",
        asset.0,
        rooms,
    )
    .fetch_all(connection)
    .await?;
    let mut idle: BTreeMap<Uuid, Vec<ValidPeriod>> = BTreeMap::new();
    for row in rows {
        idle.entry(row.thing_id).or_default().push(valid_period(&row.valid));
    }
    Ok(idle)
}
