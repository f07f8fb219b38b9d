//! What a unit's case brings about: rooms change hands, what is rented is registered, leaders are seated.

use sqlx::PgConnection;
use uuid::Uuid;

use super::content::{CaseContent, Decided};
use super::effects::{Made, change_asset, occasion_of, rooms_of};
use super::guards::Surroundings;
use super::procedure::Procedure;
use crate::ids::{OccupantId, RoomId, SpatialUnitId, UnitId};
use crate::leases::{RentedIn, give_back, rent_in};
use crate::ledger::Action;
use crate::occupants::OccupantContent;
use crate::period::{ValidPeriod, reach, revise};
use crate::request::{Problem, ProblemKind};
use crate::rooms::RoomContent;
use crate::versioned::write_revision;

/// Changes what is said of a room from the day of the step on.
async fn change_room(
    connection: &mut PgConnection,
    room: RoomId,
    made: Made<'_>,
    change: impl FnOnce(&mut RoomContent),
) -> Result<(), Problem> {
    let held = crate::rooms::held_versions(connection, room).await?;
    let Some(version) = held.iter().find(|version| version.valid.contains(made.on)) else {
        return Ok(());
    };
    let mut content = version.content.clone();
    change(&mut content);
    if content.occupancy == version.content.occupancy && content.unit_id == version.content.unit_id {
        return Ok(());
    }
    let revision = revise(&held, reach(&held, made.on), Some(content), made.now);
    write_revision(
        connection,
        room.0,
        Action::Change,
        &revision,
        Some(&version.content),
        &occasion_of(made),
    )
    .await?;
    Ok(())
}

/// The unit uses what it was given; what it rented is rented in.
///
/// # Errors
/// The database's, or that nothing is registered for the day.
pub(super) async fn take_into_use(
    connection: &mut PgConnection,
    case: &CaseContent,
    made: Made<'_>,
) -> Result<(), Problem> {
    let unit = case.unit_id.map(UnitId);
    // What is rented may stand in no register of ours.
    if case.asset_id.is_none() {
        return Ok(());
    }
    if case.procedure == Procedure::RentIn {
        change_asset(connection, case, made, |asset| {
            asset.occupancy = Some("rented_in".to_owned());
            asset.unit_id = unit;
        })
        .await?;
        return Ok(());
    }
    let is_whole = case.details.room_ids.is_empty();
    change_asset(connection, case, made, |asset| {
        // A building in which somebody works is not idle as a whole.
        if is_whole || asset.occupancy.as_deref() == Some("idle") {
            asset.occupancy = Some("in_use".to_owned());
        }
        if is_whole {
            asset.unit_id = unit;
        }
    })
    .await?;
    for room in rooms_of(connection, case).await? {
        change_room(connection, room, made, |content| {
            content.occupancy = Some("in_use".to_owned());
            content.unit_id = unit;
        })
        .await?;
    }
    Ok(())
}

/// The rooms that the unit has elsewhere are being vacated, where it said that it gives them back.
///
/// # Errors
/// The database's.
pub(super) async fn vacate_old(
    connection: &mut PgConnection,
    case: &CaseContent,
    made: Made<'_>,
) -> Result<(), Problem> {
    if !case.details.need.as_ref().is_some_and(|need| need.vacates) {
        return Ok(());
    }
    let given: Vec<Uuid> = match case.asset_id {
        None => Vec::new(),
        Some(_) => rooms_of(connection, case)
            .await?
            .into_iter()
            .map(|room| room.0)
            .collect(),
    };
    let left = sqlx::query_scalar!(
        "select object_id from room_version
          where unit_id = $1 and not object_id = any($2) and coalesce(occupancy, 'in_use') = 'in_use' and valid @> $3::date
            and upper_inf(recorded)
          order by object_id",
        case.unit_id,
        &given,
        made.on,
    )
    .fetch_all(&mut *connection)
    .await?;
    for room in left {
        change_room(connection, RoomId(room), made, |content| {
            content.occupancy = Some("vacating".to_owned());
        })
        .await?;
    }
    Ok(())
}

/// What the case is about is being vacated: what was rented, or what is given in exchange.
///
/// # Errors
/// The database's, or that nothing is registered for the day.
pub(super) async fn leave(connection: &mut PgConnection, case: &CaseContent, made: Made<'_>) -> Result<(), Problem> {
    if case.asset_id.is_none() {
        return Ok(());
    }
    change_asset(connection, case, made, |asset| {
        asset.occupancy = Some("vacating".to_owned())
    })
    .await?;
    for room in rooms_of(connection, case).await? {
        change_room(connection, room, made, |content| {
            content.occupancy = Some("vacating".to_owned());
        })
        .await?;
    }
    Ok(())
}

/// Writes the lease of what is rented into the register of leases, by the contract that is on record.
///
/// # Errors
/// The database's; that the case has made its lease already is told by a constraint.
pub(super) async fn register_lease(
    connection: &mut PgConnection,
    case: &CaseContent,
    around: &Surroundings,
    made: Made<'_>,
) -> Result<(), Problem> {
    let (Some(contract), Some(unit)) = (case.details.lease_in(), case.unit_id) else {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "没有租赁合同记录 / the lease is missing (lease_in)",
        )
        .code("lease_missing")
        .remedy("record the contract (lease_in), then take the step again"));
    };
    let name = crate::units::known_now(connection, &[unit])
        .await?
        .remove(&unit)
        .map(|unit| unit.name)
        .ok_or_else(|| Problem::not_found("the unit of this case"))?;
    let approved = case.details.decisions(Decided::Approval).last();
    let asks = around.allocation.as_ref().and_then(|facts| facts.asks_m2.as_ref().ok());
    let need = case.details.need.as_ref();
    let rented = RentedIn {
        case_id: made.case,
        asset_id: contract.asset_id.map(SpatialUnitId),
        address: contract.address.clone(),
        unit_id: UnitId(unit),
        unit_name: name,
        landlord: contract.landlord.clone(),
        landlord_kind: contract.landlord_kind.clone().unwrap_or_else(|| "private".to_owned()),
        area_m2: contract.use_area_m2,
        approved_area_m2: asks.copied(),
        purpose: need.map(|need| need.purpose.clone()),
        starts_on: contract.from,
        ends_on: contract.to,
        rent_year: contract.rent_year,
        contract_number: contract.number.clone(),
        approval_number: approved.map(|decision| decision.number.clone()),
    };
    rent_in(connection, rented, made.now, &occasion_of(made)).await?;
    Ok(())
}

/// The lease that the case made ends on the day of the step.
///
/// # Errors
/// That it had not begun, or the database's.
pub(super) async fn end_lease(connection: &mut PgConnection, made: Made<'_>) -> Result<(), Problem> {
    let occasion = occasion_of(made);
    give_back(connection, made.case, (made.on, made.step), made.now, &occasion).await
}

/// Seats the leader in their room, and gives the occupant's id.
///
/// # Errors
/// The database's.
pub(super) async fn seat_leader(
    connection: &mut PgConnection,
    case: &CaseContent,
    (made, approved_m2): (Made<'_>, Option<rust_decimal::Decimal>),
) -> Result<Option<Uuid>, Problem> {
    let Some(leader) = case.details.leader_room() else {
        return Ok(None);
    };
    let content = OccupantContent {
        room_id: RoomId(leader.room_id),
        person: leader.person.clone(),
        staff_number: leader.staff_number.clone(),
        unit_id: case.unit_id.map(UnitId),
        rank: leader.rank.clone(),
        post: leader.post.clone(),
        post_ends: leader.post_ends,
        left_on: None,
        // As it is read back: the digest in the ledger covers the digits.
        approved_area_m2: approved_m2.map(|area| area.round_dp(4).normalize()),
        second_office_approval: leader.second_office_approval.clone(),
    };
    let id = OccupantId::fresh();
    let revision = revise(&[], ValidPeriod::since(made.on), Some(content), made.now);
    write_revision(connection, id.0, Action::Create, &revision, None, &occasion_of(made)).await?;
    Ok(Some(id.0))
}

/// The leader no longer sits in the room.
///
/// # Errors
/// The database's, or that they have left by then.
pub(super) async fn unseat_leader(
    connection: &mut PgConnection,
    case: &CaseContent,
    made: Made<'_>,
) -> Result<(), Problem> {
    let Some(id) = case.details.occupant_id.map(OccupantId) else {
        return Ok(());
    };
    let held = crate::occupants::held_versions(connection, id).await?;
    let Some(last) = held.last() else {
        return Ok(());
    };
    let revision = revise(&held, ValidPeriod::since(made.on), None, made.now);
    if revision.close.is_empty() {
        return Err(Problem::invalid(
            "on",
            format!("此人在{}前已离开 / they have left by {}", made.on, made.on),
        )
        .remedy("choose an earlier day"));
    }
    write_revision(
        connection,
        id.0,
        Action::Close,
        &revision,
        Some(&last.content),
        &occasion_of(made),
    )
    .await?;
    Ok(())
}

/// The level that gives the asset to another bureau, where that bureau accepted it.
///
/// # Errors
/// The database's.
pub(super) async fn giving_level(connection: &mut PgConnection, case: &CaseContent) -> Result<Option<String>, Problem> {
    let (_, _, accepted_by) = case.details.offered();
    if accepted_by.is_none() {
        return Ok(None);
    }
    let assets = crate::spatial_units::known_now(connection, case.asset_id.as_slice()).await?;
    Ok(case
        .asset_id
        .and_then(|asset| assets.get(&asset)?.place.admin_level.clone()))
}

/// The asset is of the level of the bureau that receives it; what it was before stays in its history.
///
/// # Errors
/// The database's, or that it is of that level already.
pub(super) async fn hand_down(
    connection: &mut PgConnection,
    case: &CaseContent,
    made: Made<'_>,
) -> Result<(), Problem> {
    let Some(list) = case.details.hand_over() else {
        return Ok(());
    };
    let level = super::open::level_of(connection, list.receiver_id).await?;
    let before = change_asset(connection, case, made, |asset| asset.admin_level.clone_from(&level)).await?;
    if before.admin_level == level {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "接收方与资产同属一级 / the bureau that receives it is of the asset's own level",
        )
        .code("same_level")
        .rule("DSP-20", "行政事业性国有资产管理条例 art. 22")
        .remedy("record the bureau of the other level (hand_over)"));
    }
    Ok(())
}
