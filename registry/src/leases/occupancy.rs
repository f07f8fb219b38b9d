//! A lease out says how something is used (使用状态 出租): the asset's and the rooms' occupancy follow it in its own
//! transaction, with its own days, from its first day until it is handed back. Why it is written and not worked out: ADR 33.
//!
//! What is let in whole is let: a room of which nothing is left, a building that is let as one or all of whose rooms are. What
//! is let in part is not idle as a whole, and no more than that. Where somebody says of these days that it is used otherwise,
//! that stays, and ACC-05 tells. What is let no more is what it was before.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::content::LeaseContent;
use crate::idle_records::{end_where_let, idle_by_record, rooms_of};
use crate::ids::SpatialUnitId;
use crate::ledger::Action;
use crate::period::{Held, ValidPeriod, revise_pieces, valid_period};
use crate::request::Fault;
use crate::rooms::RoomContent;
use crate::spatial_units::{Content, HeldUnit, Kind};
use crate::versioned::{Occasion, VersionWriter};

const LET: &str = "let";
const IDLE: &str = "idle";

/// A lease of the asset, as far as it takes space.
#[derive(Debug, Clone, PartialEq)]
struct Taking {
    valid: ValidPeriod,
    area_m2: Decimal,
    rooms: BTreeMap<Uuid, Decimal>,
}

/// How much of something is let on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Let {
    Nothing,
    Part,
    Whole,
}

/// What is let of an asset by the leases that are known: read before a lease is written, and again after it.
#[derive(Debug, Clone)]
pub(super) struct Letting {
    asset: Option<SpatialUnitId>,
    leases: Vec<Taking>,
}

impl Letting {
    /// Reads what is let of the asset of a lease. What is rented in lets nothing.
    pub(super) async fn of(connection: &mut PgConnection, lease: &LeaseContent) -> Result<Self, Fault> {
        match lease.asset_id.filter(|_| lease.direction == "out") {
            Some(asset) => Self::read(connection, asset).await,
            None => Ok(Self {
                asset: None,
                leases: Vec::new(),
            }),
        }
    }

    /// Reads the leases out of an asset. Homes for staff are no part of it: what they are is their tenancies'.
    async fn read(connection: &mut PgConnection, asset: SpatialUnitId) -> Result<Self, Fault> {
        let rows = sqlx::query!(
            r#"select valid, area_m2, room_ids, room_areas_m2 as "room_areas_m2!: Vec<Decimal>"
                 from lease_version
                where asset_id = $1 and direction = 'out' and upper_inf(recorded) and details -> 'is_housing' is null
                order by lower(valid), object_id"#,
            asset.0,
        )
        .fetch_all(connection)
        .await?;
        Ok(Self {
            asset: Some(asset),
            leases: rows
                .into_iter()
                .map(|row| Taking {
                    valid: valid_period(&row.valid),
                    area_m2: row.area_m2,
                    rooms: row.room_ids.into_iter().zip(row.room_areas_m2).collect(),
                })
                .collect(),
        })
    }

    fn on(&self, day: Date) -> impl Iterator<Item = &Taking> {
        self.leases.iter().filter(move |lease| lease.valid.contains(day))
    }

    /// How much of the asset is taken by leases that name no rooms; of nothing known to be larger it is all.
    fn of_asset(&self, day: Date, there_m2: Option<Decimal>) -> Let {
        let mut leases = self.on(day).peekable();
        if leases.peek().is_none() {
            return Let::Nothing;
        }
        let taken: Decimal = leases
            .filter(|lease| lease.rooms.is_empty())
            .map(|lease| lease.area_m2)
            .sum();
        match there_m2 {
            Some(there) if there > Decimal::ZERO && taken >= there => Let::Whole,
            _ => Let::Part,
        }
    }

    /// Is nothing left of the room? One whose area nobody knows is let with its first lease.
    fn takes_room(&self, day: Date, room: Uuid, there_m2: Option<Decimal>) -> bool {
        let mut taken = None;
        for lease in self.on(day) {
            if let Some(area) = lease.rooms.get(&room) {
                taken = Some(taken.unwrap_or(Decimal::ZERO) + area);
            }
        }
        taken.is_some_and(|taken| there_m2.is_none_or(|there| taken >= there))
    }

    fn bounds(&self) -> impl Iterator<Item = Date> + '_ {
        self.leases
            .iter()
            .flat_map(|lease| [Some(lease.valid.from), lease.valid.to])
            .flatten()
    }

    /// The last day before this one on which something was handed back.
    fn handed_back_by(&self, day: Date) -> Option<Date> {
        self.leases
            .iter()
            .filter_map(|lease| lease.valid.to)
            .filter(|to| *to <= day)
            .max()
    }
}

/// The asset with its rooms, as it is known, and what is let of it.
struct Space<'a> {
    asset: &'a HeldUnit,
    rooms: &'a HashMap<Uuid, Vec<Held<RoomContent>>>,
}

fn room_area(room: &RoomContent) -> Option<Decimal> {
    room.building_area_m2.into_iter().chain(room.use_area_m2).max()
}

/// How much of an asset there is to let; a building's outline is no floor area.
fn asset_area(asset: &Content) -> Option<Decimal> {
    match asset.kind {
        Kind::Building => asset.registered_area_m2,
        _ => asset
            .registered_area_m2
            .or_else(|| asset.area_m2.and_then(|area| Decimal::try_from(area).ok())),
    }
}

impl Space<'_> {
    fn whole_by_asset(&self, letting: &Letting, day: Date) -> Let {
        let there = self.asset.versions.iter().find(|version| version.valid.contains(day));
        letting.of_asset(day, there.and_then(|version| asset_area(&version.content)))
    }

    fn of_room(&self, letting: &Letting, day: Date, id: Uuid, room: &RoomContent) -> Let {
        match self.whole_by_asset(letting, day) == Let::Whole || letting.takes_room(day, id, room_area(room)) {
            true => Let::Whole,
            false => Let::Nothing,
        }
    }

    fn of_asset(&self, letting: &Letting, day: Date) -> Let {
        let by_asset = self.whole_by_asset(letting, day);
        if by_asset != Let::Part {
            return by_asset;
        }
        let mut there = self
            .rooms
            .iter()
            .filter_map(|(id, held)| {
                let version = held.iter().find(|version| version.valid.contains(day))?;
                Some(self.of_room(letting, day, *id, &version.content))
            })
            .peekable();
        match there.peek().is_some() && there.all(|room| room == Let::Whole) {
            true => Let::Whole,
            false => Let::Part,
        }
    }
}

/// What something was before it was let: the last version before a day that tells of no letting.
fn before_letting<C>(held: &[Held<C>], day: Date, occupancy: impl Fn(&C) -> Option<&str>) -> Option<&C> {
    held.iter()
        .rev()
        .filter(|version| version.valid.from < day)
        .map(|version| &version.content)
        .find(|content| occupancy(content) != Some(LET))
}

/// What the use is from one state of letting to the next: none where it stays.
fn next_use(
    (before, after): (Let, Let),
    use_now: Option<&str>,
    is_recorded_idle: bool,
    was_before: impl FnOnce() -> Option<String>,
) -> Option<Option<String>> {
    match (before, after) {
        (Let::Nothing | Let::Part, Let::Whole)
            if matches!(use_now, None | Some(IDLE | "vacating")) && !is_recorded_idle =>
        {
            Some(Some(LET.to_owned()))
        }
        (Let::Nothing, Let::Part) if use_now == Some(IDLE) && !is_recorded_idle => Some(Some(LET.to_owned())),
        (Let::Whole | Let::Part, Let::Nothing) if use_now == Some(LET) => Some(was_before()),
        _ => None,
    }
}

/// Brings the occupancy of the asset and its rooms up to the leases as they are known now, on the days on which they were
/// others than `before`.
///
/// # Errors
/// The database's.
pub(super) async fn follow_letting(
    connection: &mut PgConnection,
    before: &Letting,
    now_let: Option<(Date, &LeaseContent)>,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(), Fault> {
    let Some(asset_id) = before.asset else {
        return Ok(());
    };
    let after = Letting::read(connection, asset_id).await?;
    let Some(asset) = crate::spatial_units::held_versions(connection, &[asset_id.0])
        .await?
        .remove(&asset_id.0)
    else {
        return Ok(());
    };
    let rooms = rooms_of(connection, asset_id).await?;
    let space = Space {
        asset: &asset,
        rooms: &rooms,
    };
    if let Some((from, lease)) = now_let.filter(|(_, lease)| lease.direction == "out") {
        let let_rooms: BTreeSet<Uuid> = rooms
            .iter()
            .filter_map(|(id, held)| {
                let version = held.iter().find(|version| version.valid.contains(from))?;
                (space.of_room(&after, from, *id, &version.content) == Let::Whole).then_some(*id)
            })
            .collect();
        let reason = format!(
            "出租给{}（{}）",
            lease.lessee_name,
            lease.contract_number.as_deref().unwrap_or("租约")
        );
        end_where_let(connection, asset_id, (&let_rooms, from), &reason, now, occasion).await?;
    }
    let ids: Vec<Uuid> = rooms.keys().copied().collect();
    let idle = idle_by_record(connection, asset_id, &ids).await?;
    let is_idle = |thing: Uuid, day: Date| {
        idle.get(&thing)
            .is_some_and(|spells| spells.iter().any(|spell| spell.contains(day)))
    };
    let bounds = |valid: ValidPeriod| [Some(valid.from), valid.to].into_iter().flatten();
    let cuts: BTreeSet<Date> = before
        .bounds()
        .chain(after.bounds())
        .chain(idle.values().flatten().copied().flat_map(bounds))
        .chain(asset.versions.iter().flat_map(|version| bounds(version.valid)))
        .chain(rooms.values().flatten().flat_map(|version| bounds(version.valid)))
        .collect();
    let change = |day: Date, content: &Content| {
        let states = (space.of_asset(before, day), space.of_asset(&after, day));
        let was = before_letting(&asset.versions, day, |content| content.occupancy.as_deref());
        let occupancy = next_use(states, content.occupancy.as_deref(), is_idle(asset_id.0, day), || {
            was.and_then(|was| was.occupancy.clone())
        })?;
        // What comes back stands idle since then; what was never let, since it ever was.
        let since = || {
            let was = || was.and_then(|was| was.idle_since);
            after.handed_back_by(day).or_else(was).unwrap_or(day)
        };
        let idle_since = (occupancy.as_deref() == Some(IDLE)).then(since);
        Some((occupancy, idle_since))
    };
    let put = |content: &Content, (occupancy, idle_since): (Option<String>, Option<Date>)| Content {
        occupancy,
        idle_since,
        source_row: None,
        import_id: None,
        ..content.clone()
    };
    let revision = revise_pieces(&asset.versions, &cuts, change, put, now);
    if let Some(last) = asset.versions.last().filter(|_| !revision.close.is_empty()) {
        let occasion = crate::spatial_units::Occasion {
            actor: occasion.actor.clone(),
            reason: occasion.reason.clone(),
            import_id: None,
        };
        crate::spatial_units::write_revision(
            connection,
            asset.id,
            last.content.kind,
            Action::Change,
            revision,
            Some(&last.content),
            &occasion,
        )
        .await?;
    }
    let mut writer = VersionWriter::<RoomContent>::default();
    for id in others_than(before, &after, &rooms) {
        let Some(held) = rooms.get(&id) else { continue };
        let change = |day: Date, content: &RoomContent| {
            let states = (
                space.of_room(before, day, id, content),
                space.of_room(&after, day, id, content),
            );
            next_use(states, content.occupancy.as_deref(), is_idle(id, day), || {
                let was = before_letting(held, day, |content| content.occupancy.as_deref());
                was.and_then(|was| was.occupancy.clone())
            })
        };
        let put = |content: &RoomContent, occupancy: Option<String>| RoomContent {
            occupancy,
            ..content.clone()
        };
        let revision = revise_pieces(held, &cuts, change, put, now);
        if let Some(last) = held.last().filter(|_| !revision.close.is_empty()) {
            writer.revise(id, Action::Change, &revision, Some(&last.content), occasion)?;
        }
    }
    writer.flush(connection).await
}

/// The rooms that leases take that are others before and after: all of them, where one of these is of the asset as such.
fn others_than(before: &Letting, after: &Letting, rooms: &HashMap<Uuid, Vec<Held<RoomContent>>>) -> BTreeSet<Uuid> {
    let gone = before.leases.iter().filter(|lease| !after.leases.contains(lease));
    let new = after.leases.iter().filter(|lease| !before.leases.contains(lease));
    let mut others = BTreeSet::new();
    for lease in gone.chain(new) {
        if lease.rooms.is_empty() {
            return rooms.keys().copied().collect();
        }
        others.extend(lease.rooms.keys().copied());
    }
    others
}
