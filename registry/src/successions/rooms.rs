//! Rooms of buildings that are split or merged: each keeps its identity and its history, and is in the new building from the
//! day on. The plan says of each into which of the new ones; where several become one there is nothing to say (ADR 34).

use std::collections::{BTreeMap, HashMap};

use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::follow::require_undivided;
use super::plan::Plan;
use crate::ids::SpatialUnitId;
use crate::ledger::Action;
use crate::period::{Held, Revision, ValidPeriod, revise_each};
use crate::request::{Fault, Problem, ProblemKind};
use crate::rooms::{RoomContent, RoomsMoved, known_versions_in};
use crate::versioned::{Occasion, VersionWriter};

/// How many rooms a refusal names.
const NAMED: usize = 8;

type Versions = Vec<Held<RoomContent>>;

/// A number on a floor of one of the new ones.
type Place<'a> = (usize, i16, &'a str);

/// A room that moves along.
#[derive(Debug)]
pub(super) struct Moving {
    pub id: Uuid,
    /// What is known of it in the old buildings that reaches past the day.
    versions: Versions,
    /// Into which of the new ones.
    pub piece: usize,
}

/// A room that goes into one of the new ones.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = SuccessionRoomToMove)]
pub struct RoomToMove {
    /// Its id.
    pub id: Uuid,
    /// The building that it is in until then.
    pub building_id: Uuid,
    /// The floor; below ground negative.
    pub floor: i16,
    /// Its number on the floor.
    pub number: String,
    /// Its name.
    pub name: Option<String>,
    /// 使用面积, m²
    pub use_area_m2: Option<f64>,
    /// 建筑面积, m²
    pub building_area_m2: Option<f64>,
    /// The office whose rest room or washroom it is; they go together.
    pub part_of_id: Option<Uuid>,
}

fn in_the_way(code: &str, words: String, remedy: &str) -> Problem {
    Problem::new(ProblemKind::Conflict, words)
        .field("rooms")
        .code(code)
        .remedy(remedy)
}

/// “3层 301、3层 302”, and how many more there are.
fn named<'a>(rooms: impl Iterator<Item = &'a RoomContent>) -> String {
    let mut names: Vec<(i16, &str)> = rooms.map(|room| (room.floor, room.number.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    let told: Vec<String> = names
        .iter()
        .take(NAMED)
        .map(|(floor, number)| format!("{floor}层 {number}"))
        .collect();
    match names.len().saturating_sub(NAMED) {
        0 => told.join("、"),
        more => format!("{} … +{more}", told.join("、")),
    }
}

/// Nobody else changes a room of these buildings until the end of the transaction.
pub(super) async fn lock_rooms(connection: &mut PgConnection, buildings: &[Uuid]) -> Result<(), Fault> {
    sqlx::query!(
        "select id from room
          where id in (select object_id from room_version where building_id = any($1) and upper_inf(recorded))
          order by id
            for update",
        buildings,
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// What is known of the rooms in these buildings that reaches past the day.
async fn versions_past(
    connection: &mut PgConnection,
    buildings: impl Iterator<Item = Uuid>,
    on: Date,
) -> Result<BTreeMap<Uuid, Versions>, Fault> {
    let mut rooms: BTreeMap<Uuid, Versions> = BTreeMap::new();
    for building in buildings {
        for (room, version) in known_versions_in(connection, building).await? {
            if version.valid.to.is_none_or(|to| on < to) {
                rooms.entry(room).or_default().push(version);
            }
        }
    }
    Ok(rooms)
}

/// The rooms of the old ones, as they stand on the day, or later where they begin later.
pub(super) async fn rooms_of(connection: &mut PgConnection, plan: &Plan, on: Date) -> Result<Vec<RoomToMove>, Problem> {
    let rooms = versions_past(connection, plan.from_ids.iter().copied(), on).await?;
    let told = rooms.into_iter().filter_map(|(id, versions)| {
        let room = versions.into_iter().min_by_key(|version| version.valid.from)?.content;
        Some(RoomToMove {
            id,
            building_id: room.building_id.0,
            floor: room.floor,
            number: room.number,
            name: room.name,
            use_area_m2: room.use_area_m2.and_then(|area| area.to_f64()),
            building_area_m2: room.building_area_m2.and_then(|area| area.to_f64()),
            part_of_id: room.part_of_id.map(|office| office.0),
        })
    });
    let mut told: Vec<RoomToMove> = told.collect();
    told.sort_by(|one, other| (one.floor, &one.number).cmp(&(other.floor, &other.number)));
    Ok(told)
}

/// The rooms that go on past the day, each with where it goes.
///
/// # Errors
/// A problem where the plan leaves one out, names one that isn't there, tears apart what belongs together, or would have
/// two of one number on a floor.
pub(super) async fn rooms_to_move(
    connection: &mut PgConnection,
    plan: &Plan,
    on: Date,
) -> Result<Vec<Moving>, Problem> {
    let rooms = versions_past(connection, plan.from_ids.iter().copied(), on).await?;
    let mut there = Vec::new();
    for (index, piece) in plan.pieces.iter().enumerate() {
        let known = versions_past(connection, piece.id.into_iter(), on).await?;
        there.extend(known.into_iter().map(|(id, versions)| (index, id, versions)));
    }
    assigned(rooms, &there, plan, on)
}

/// Does the plan say of every room where it goes, and may what hangs on the rooms go there, too?
///
/// # Errors
/// A problem where not.
pub async fn require_rooms_assigned(connection: &mut PgConnection, plan: &Plan, on: Date) -> Result<(), Problem> {
    let moving = rooms_to_move(connection, plan, on).await?;
    require_undivided(connection, plan, on, &moving).await
}

/// Gives every room to exactly one of the new ones; `there` are the rooms that these have already.
fn assigned(
    mut rooms: BTreeMap<Uuid, Versions>,
    there: &[(usize, Uuid, Versions)],
    plan: &Plan,
    on: Date,
) -> Result<Vec<Moving>, Problem> {
    if let Some(index) = plan.rooms.iter().position(|said| !rooms.contains_key(&said.room_id)) {
        return Err(Problem::invalid(
            &format!("rooms[{index}].room_id"),
            format!("{on} 楼内没有这个房间 / on {on} no room of these buildings has this id"),
        )
        .code("room_elsewhere")
        .remedy("name rooms of the old ones alone"));
    }
    let only = (plan.pieces.len() == 1).then_some(0);
    let said: HashMap<Uuid, usize> = plan.rooms.iter().map(|said| (said.room_id, said.piece)).collect();
    let forgotten: Vec<&Held<RoomContent>> = rooms
        .iter()
        .filter(|(id, _)| only.is_none() && !said.contains_key(id))
        .filter_map(|(_, versions)| versions.first())
        .collect();
    if !forgotten.is_empty() {
        let count = forgotten.len();
        let names = named(forgotten.iter().map(|version| &version.content));
        return Err(in_the_way(
            "rooms_unassigned",
            format!("还有 {count} 间房没有说明归入哪一栋：{names} / {count} rooms are left out: {names}"),
            "say of each room into which of the new ones it goes (rooms)",
        ));
    }
    let mut moving = Vec::with_capacity(rooms.len());
    while let Some((id, versions)) = rooms.pop_first() {
        if let Some(piece) = only.or_else(|| said.get(&id).copied()) {
            moving.push(Moving { id, versions, piece });
        }
    }
    require_whole(&moving)?;
    require_own_numbers(&moving, there, on)?;
    Ok(moving)
}

/// A rest room or washroom stays with its office.
fn require_whole(moving: &[Moving]) -> Result<(), Problem> {
    let piece_of: HashMap<Uuid, usize> = moving.iter().map(|room| (room.id, room.piece)).collect();
    let torn: Vec<&RoomContent> = moving
        .iter()
        .flat_map(|room| room.versions.iter().map(|version| (room.piece, &version.content)))
        .filter(|(piece, content)| {
            let office = content.part_of_id.and_then(|office| piece_of.get(&office.0));
            office.is_some_and(|goes| goes != piece)
        })
        .map(|(_, content)| content)
        .collect();
    if torn.is_empty() {
        return Ok(());
    }
    let names = named(torn.into_iter());
    Err(in_the_way(
        "rooms_torn",
        format!("附属房间须与其办公室归入同一栋：{names} / these belong to an office that goes elsewhere: {names}"),
        "let them go into the same one as their office",
    ))
}

/// No two rooms of one number on a floor, among those that come and those that are there.
fn require_own_numbers(moving: &[Moving], there: &[(usize, Uuid, Versions)], on: Date) -> Result<(), Problem> {
    let mut by_number: HashMap<Place<'_>, Vec<(Uuid, &Held<RoomContent>)>> = HashMap::new();
    let come = moving.iter().map(|room| (room.piece, room.id, &room.versions));
    let stay = there.iter().map(|(piece, id, versions)| (*piece, *id, versions));
    for (piece, id, versions) in come.chain(stay) {
        for version in versions {
            let place = (piece, version.content.floor, version.content.number.as_str());
            by_number.entry(place).or_default().push((id, version));
        }
    }
    let past = |version: &Held<RoomContent>| ValidPeriod {
        from: version.valid.from.max(on),
        to: version.valid.to,
    };
    let clash = by_number
        .values()
        .filter(|known| {
            known.iter().enumerate().any(|(place, (id, version))| {
                known
                    .iter()
                    .skip(place + 1)
                    .any(|(other, beside)| id != other && past(version).overlaps(&past(beside)))
            })
        })
        .filter_map(|known| known.first().map(|(_, version)| &version.content));
    let names = named(clash);
    if names.is_empty() {
        return Ok(());
    }
    Err(in_the_way(
        "rooms_collide",
        format!("归入同一栋后房号重复：{names} / in one building these numbers would be there twice: {names}"),
        "renumber them in the old ones first, from a day before the change on",
    ))
}

/// The room in its new building from the day on; what it says of itself stays, and so do earlier days.
fn moved(room: &Moving, from: &[Uuid], to: Uuid, (on, now): (Date, OffsetDateTime)) -> Revision<RoomContent> {
    let change = |content: &RoomContent| {
        from.contains(&content.building_id.0).then(|| RoomContent {
            building_id: SpatialUnitId(to),
            ..content.clone()
        })
    };
    revise_each(&room.versions, ValidPeriod::since(on), change, now)
}

/// Moves the rooms into the new buildings, each with its ledger entry.
pub(super) async fn move_rooms(
    connection: &mut PgConnection,
    moving: &[Moving],
    (from, new): (&[Uuid], &[Uuid]),
    (on, now): (Date, OffsetDateTime),
    occasion: &Occasion,
) -> Result<RoomsMoved, Fault> {
    let mut writer = VersionWriter::default();
    let mut to = HashMap::with_capacity(moving.len());
    for room in moving {
        let building = new.get(room.piece).copied().ok_or_else(|| Fault::Impossible {
            what: format!("room {} goes into one that isn't there", room.id),
        })?;
        let revision = moved(room, from, building, (on, now));
        let before = room.versions.last().map(|version| &version.content);
        writer.revise(room.id, Action::Change, &revision, before, occasion)?;
        to.insert(room.id, building);
    }
    writer.flush(connection).await?;
    Ok(RoomsMoved {
        from: from.to_vec(),
        to,
        heir: if let [only] = new { Some(*only) } else { None },
        on,
        now,
    })
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Piece, RoomGoes};
    use super::*;
    use crate::ids::{RoomId, VersionId};
    use proptest::prelude::*;
    use time::Duration;
    use time::macros::{date, datetime};

    const FIRST: Date = date!(2024 - 01 - 01);
    const LAST_DAY: i64 = 60;

    /// A room: building, floor, number, stretches of days, the place of its office.
    type Drawn = (usize, i16, u8, Vec<(i64, i64)>, Option<usize>);

    fn rooms(drawn: &[Drawn], buildings: &[Uuid], ids: &[Uuid]) -> BTreeMap<Uuid, Versions> {
        let mut rooms = BTreeMap::new();
        for ((building, floor, number, stretches, office), id) in drawn.iter().zip(ids) {
            let mut versions = Vec::new();
            let mut from = FIRST;
            for (gap, days) in stretches {
                from += Duration::days(*gap);
                let to = from + Duration::days(*days + 1);
                let mut content = RoomContent::empty(SpatialUnitId(buildings[building % buildings.len()]), *floor);
                content.number = format!("{number}");
                content.part_of_id = office.map(|office| RoomId(ids[office % ids.len()]));
                versions.push(Held {
                    version_id: VersionId::fresh(),
                    valid: ValidPeriod { from, to: Some(to) },
                    recorded_from: datetime!(2024-01-01 0:00 UTC),
                    content,
                });
                from = to;
            }
            if let Some(last) = versions.last_mut() {
                last.valid.to = None;
            }
            rooms.insert(*id, versions);
        }
        rooms
    }

    fn on_day(versions: &[(ValidPeriod, RoomContent)], day: Date) -> Vec<&RoomContent> {
        let there = versions.iter().filter(|(valid, _)| valid.contains(day));
        there.map(|(_, content)| content).collect()
    }

    proptest! {
        /// Whatever the rooms and the plan: it is refused, or every room is, every day, in exactly one place: before the day
        /// where it was, from then on in the new one that the plan names, with all it says; and no number is there twice.
        #[test]
        fn no_room_is_lost_or_doubled(
            drawn in prop::collection::vec(
                (0usize..3, 0i16..2, 0u8..4, prop::collection::vec((0i64..3, 0i64..20), 1..4), prop::option::weighted(0.2, 0usize..8)), 0..8),
            goes in prop::collection::vec(prop::option::weighted(0.95, 0usize..3), 8),
            old in 1usize..4, on in 0i64..40,
        ) {
            let buildings: Vec<Uuid> = (0..old).map(|_| Uuid::now_v7()).collect();
            let new: Vec<Uuid> = (0..if old == 1 { 3 } else { 1 }).map(|_| Uuid::now_v7()).collect();
            let ids: Vec<Uuid> = drawn.iter().map(|_| Uuid::now_v7()).collect();
            let on = FIRST + Duration::days(on);
            let known = rooms(&drawn, &buildings, &ids);
            // As `versions_past` reads them: what has ended by then is no matter of the plan.
            let past: BTreeMap<Uuid, Versions> = known.iter().map(|(id, versions)| {
                let past = versions.iter().filter(|version| version.valid.to.is_none_or(|to| on < to));
                (*id, past.cloned().collect())
            }).collect();
            let said: Vec<RoomGoes> = ids.iter().zip(&goes)
                .filter_map(|(id, piece)| piece.map(|piece| RoomGoes { room_id: *id, piece: piece % new.len() })).collect();
            let plan = Plan { from_ids: buildings.clone(), pieces: vec![Piece::default(); new.len()], rooms: said.clone() };
            let everything_said = new.len() == 1 || said.len() == ids.len();
            let Ok(moving) = assigned(past, &[], &plan, on) else {
                return Ok(());
            };
            prop_assert!(everything_said, "one that was left out was not noticed");
            prop_assert_eq!(moving.len(), ids.len());
            let mut after: BTreeMap<Uuid, Vec<(ValidPeriod, RoomContent)>> = BTreeMap::new();
            for (id, versions) in &known {
                let room = moving.iter().find(|room| room.id == *id).unwrap();
                let revision = moved(room, &buildings, new[room.piece], (on, datetime!(2024-06-01 0:00 UTC)));
                let mut rows: Vec<(ValidPeriod, RoomContent)> = versions.iter()
                    .filter(|version| !revision.close.contains(&version.version_id))
                    .map(|version| (version.valid, version.content.clone())).collect();
                rows.extend(revision.write);
                after.insert(*id, rows);
            }
            for day in (0..LAST_DAY).map(|days| FIRST + Duration::days(days)) {
                let mut numbers = std::collections::HashSet::new();
                for (id, versions) in &known {
                    let before = versions.iter().find(|version| version.valid.contains(day)).map(|version| &version.content);
                    let now = on_day(&after[id], day);
                    prop_assert_eq!(now.len(), usize::from(before.is_some()), "once, or not at all where it wasn't");
                    let (Some(before), Some(now)) = (before, now.first()) else { continue };
                    let piece = if new.len() == 1 { 0 } else { said.iter().find(|said| said.room_id == *id).unwrap().piece };
                    let wanted = if day < on { before.building_id.0 } else { new[piece] };
                    prop_assert_eq!(now.building_id.0, wanted);
                    prop_assert_eq!((now.floor, &now.number, now.part_of_id), (before.floor, &before.number, before.part_of_id));
                    if day >= on {
                        prop_assert!(numbers.insert((now.building_id.0, now.floor, now.number.clone())), "a number twice on a floor");
                    }
                }
            }
        }
    }

    /// What is refused is refused for a reason: every plan that names each room once, tears nothing apart and has no number
    /// twice is taken. All ways of giving four rooms to three buildings.
    #[test]
    fn every_way_to_give_four_rooms_to_three_buildings_is_taken_or_refused_by_what_it_breaks() {
        let building = [Uuid::now_v7()];
        let ids: Vec<Uuid> = (0..4).map(|_| Uuid::now_v7()).collect();
        // Two pairs of one number, at different times; the last one is a part of the third.
        let drawn: Vec<Drawn> = vec![
            (0, 1, 1, vec![(0, 9)], None),
            (0, 1, 2, vec![(0, 9)], None),
            (0, 2, 1, vec![(0, 9)], None),
            (0, 2, 2, vec![(0, 9)], Some(2)),
        ];
        let mut taken = 0;
        for way in 0..81usize {
            let pieces = [way % 3, way / 3 % 3, way / 9 % 3, way / 27];
            let said = ids
                .iter()
                .zip(pieces)
                .map(|(id, piece)| RoomGoes { room_id: *id, piece })
                .collect();
            let plan = Plan {
                from_ids: building.to_vec(),
                pieces: vec![Piece::default(); 3],
                rooms: said,
            };
            let answer = assigned(rooms(&drawn, &building, &ids), &[], &plan, FIRST);
            match answer {
                Ok(moving) => {
                    taken += 1;
                    assert_eq!(pieces[2], pieces[3], "a part went without its office");
                    let went: BTreeMap<Uuid, usize> = moving.iter().map(|room| (room.id, room.piece)).collect();
                    assert_eq!(went, ids.iter().copied().zip(pieces).collect());
                }
                Err(problem) => {
                    assert_ne!(pieces[2], pieces[3]);
                    assert_eq!(problem.code.as_deref(), Some("rooms_torn"));
                }
            }
        }
        assert_eq!(taken, 27);
    }
}
