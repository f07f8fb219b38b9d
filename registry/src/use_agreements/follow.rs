//! Agreements about rooms whose building was split or merged: the rooms stay theirs, and the buildings follow.

use sqlx::PgConnection;
use uuid::Uuid;

use super::content::{AgreementContent, Status, held_versions};
use crate::ids::UseAgreementId;
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise_each};
use crate::request::Fault;
use crate::rooms::RoomsMoved;
use crate::versioned::{Occasion, write_revision};

/// From the day on agreements name the buildings that their rooms have moved into, in place of the old ones.
///
/// # Errors
/// The database's.
pub async fn follow_rooms(connection: &mut PgConnection, moved: &RoomsMoved, occasion: &Occasion) -> Result<(), Fault> {
    let agreements = sqlx::query_scalar!(
        "select distinct object_id
           from use_agreement_version
          where building_ids && $1 and upper_inf(recorded) and (upper_inf(valid) or upper(valid) > $2)
          order by object_id",
        &moved.from,
        moved.on,
    )
    .fetch_all(&mut *connection)
    .await?;
    for id in agreements {
        let versions = held_versions(connection, UseAgreementId(id)).await?;
        let follow = |content: &AgreementContent| {
            // What is over stays as it was.
            if content.status == Status::Cancelled {
                return None;
            }
            let building_ids = following(content, moved);
            (building_ids != content.building_ids).then(|| AgreementContent {
                building_ids,
                ..content.clone()
            })
        };
        let revision = revise_each(&versions, ValidPeriod::since(moved.on), follow, moved.now);
        let before = versions.last().map(|version| &version.content);
        if !revision.write.is_empty() {
            write_revision(connection, id, Action::Change, &revision, before, occasion).await?;
        }
    }
    Ok(())
}

/// The buildings of its rooms after the move; one whose rooms are all gone by then went where all went, or stays.
fn following(content: &AgreementContent, moved: &RoomsMoved) -> Vec<Uuid> {
    let new: Vec<Uuid> = content
        .room_ids
        .iter()
        .filter_map(|room| moved.to.get(room).copied())
        .chain(moved.heir)
        .collect();
    if new.is_empty() {
        return content.building_ids.clone();
    }
    let stay = content
        .building_ids
        .iter()
        .filter(|building| !moved.from.contains(building));
    let mut building_ids: Vec<Uuid> = stay.copied().chain(new).collect();
    building_ids.sort_unstable();
    building_ids.dedup();
    building_ids
}
