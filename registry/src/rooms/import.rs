//! Rooms from a list. The rows are gathered before anything is written: whether a number is free on its floor is known
//! only when all are read.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use gis_data::Target;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{RoomContent, held_versions_of};
use super::floor::floor_of;
use crate::clock::Clock;
use crate::database::Database;
use crate::ids::{ImportId, RoomId, SpatialUnitId, UnitId};
use crate::imports::{
    Account, CompareAttributes, ImportFailed, ImportOrder, ImportProgress, ListRow, Outcome, ReadyRow, Refusal, Report,
    finish, lock_import, start_reading, warning,
};
use crate::ledger::Action;
use crate::period::{ValidPeriod, reach, revise};
use crate::request::fields::plain_text;
use crate::versioned::{Occasion, VersionWriter, changed_fields};

/// So many rooms are compared and written together.
const CHUNK: usize = 2_000;

/// The first area that is too large for a room, m².
const TOO_LARGE_M2: f64 = 1e8;

/// A place on a floor: building, floor, number.
type Place = (Uuid, i16, String);

/// Imports a list of rooms.
///
/// # Errors
/// [`ImportFailed`]; then nothing was written.
pub async fn import_rooms(
    database: &Database,
    clock: &Clock,
    id: ImportId,
    order: &ImportOrder,
    progress: &ImportProgress,
    valid_from: Date,
) -> Result<Report, ImportFailed> {
    let begun = Instant::now();
    let (source, pipeline, mut batches) = start_reading(database, order, progress).await?;
    let mut transaction = order.begin(database).await?;
    lock_import(&mut transaction, id, &order.dataset, clock).await?;
    let account = Account::new(id, &pipeline);
    let mut import = RoomImport::prepare(&mut transaction, clock, id, order, valid_from, account).await?;
    while let Some(batch) = batches.recv().await {
        if progress.is_cancelled() {
            return Err(ImportFailed::Cancelled);
        }
        import.read(&mut transaction, batch?).await?;
        progress.set_rows(import.account.tally.counts.read);
    }
    progress.set_writing();
    import.put_aside_taken_numbers(&mut transaction).await?;
    // What ends makes room for others.
    import.look_for_missing(&mut transaction).await?;
    import.write_rows(&mut transaction, progress).await?;
    if progress.is_cancelled() {
        return Err(ImportFailed::Cancelled);
    }
    let report = import.account.report(source, &pipeline, order, valid_from, begun);
    finish(transaction, clock, id, order, report).await
}

/// A row that is, or becomes, a room.
struct Row {
    said: ListRow,
    id: Uuid,
    /// Is it registered already?
    is_held: bool,
    place: Place,
}

struct RoomImport<'a> {
    clock: &'a Clock,
    order: &'a ImportOrder,
    valid_from: Date,
    /// Every key the data set ever had.
    by_key: HashMap<String, Uuid>,
    /// Buildings by code or source key, as far as the file has asked for them; none for a word that two have or nobody.
    buildings: HashMap<String, Found>,
    units: HashMap<String, Uuid>,
    rows: Vec<Row>,
    /// So many of them, the first, change places among themselves.
    moving: usize,
    /// Objects of which the file speaks.
    seen: HashSet<Uuid>,
    occasion: Occasion,
    writer: VersionWriter<RoomContent>,
    account: Account,
}

/// What a word for a building means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    One(Uuid),
    Several,
    None,
}

impl<'a> RoomImport<'a> {
    async fn prepare(
        connection: &mut PgConnection,
        clock: &'a Clock,
        id: ImportId,
        order: &'a ImportOrder,
        valid_from: Date,
        account: Account,
    ) -> Result<Self, ImportFailed> {
        let by_key = sqlx::query!(
            r#"select distinct on (source_key) source_key as "source_key!", object_id from room_version
                where dataset = $1 and source_key is not null and upper_inf(recorded)
                order by source_key, upper(valid) desc nulls first"#,
            order.dataset,
        )
        .fetch_all(&mut *connection)
        .await?
        .into_iter()
        .map(|known| (known.source_key, known.object_id))
        .collect();
        let mut units = HashMap::new();
        for unit in sqlx::query!(
            "select object_id, code, name from unit_version where valid @> $1::date and upper_inf(recorded)",
            valid_from,
        )
        .fetch_all(connection)
        .await?
        {
            units.entry(unit.name).or_insert(unit.object_id);
            units.insert(unit.code, unit.object_id);
        }
        Ok(Self {
            clock,
            order,
            valid_from,
            by_key,
            buildings: HashMap::new(),
            units,
            rows: Vec::new(),
            moving: 0,
            seen: HashSet::new(),
            occasion: Occasion {
                actor: order.actor.clone(),
                reason: None,
                import_id: Some(id),
            },
            writer: VersionWriter::default(),
            account,
        })
    }

    /// Takes in a batch of rows; nothing is compared yet.
    async fn read(&mut self, connection: &mut PgConnection, batch: Vec<ReadyRow>) -> Result<(), ImportFailed> {
        let mut said = Vec::with_capacity(batch.len());
        for row in batch {
            self.account.tally.counts.read += 1;
            match row {
                ReadyRow::Quarantined(quarantine) => {
                    let key = quarantine.source_key.as_ref();
                    let object = key.and_then(|key| self.by_key.get(key)).copied();
                    self.seen.extend(object);
                    self.account.keep_quarantined(&quarantine, object)?;
                }
                ReadyRow::Accepted(accepted) => said.push(ListRow::from(*accepted)),
            }
        }
        self.find_buildings(connection, &said).await?;
        for row in said {
            let object = self.by_key.get(&row.key).copied();
            self.seen.extend(object);
            match self.place(&row) {
                Ok(place) => self.rows.push(Row {
                    said: row,
                    id: object.unwrap_or_else(|| RoomId::fresh().0),
                    is_held: object.is_some(),
                    place,
                }),
                Err(refusal) => self.account.quarantine(&row, &refusal, object),
            }
        }
        Ok(())
    }

    /// Looks up the buildings that a batch names and none before it did.
    async fn find_buildings(&mut self, connection: &mut PgConnection, rows: &[ListRow]) -> Result<(), ImportFailed> {
        let words: HashSet<String> = rows
            .iter()
            .filter_map(|row| row.text(Target::ParentCode))
            .filter(|word| !self.buildings.contains_key(word))
            .collect();
        if words.is_empty() {
            return Ok(());
        }
        let asked: Vec<String> = words.iter().cloned().collect();
        // A code says more than the key of some delivery; only where nobody has the code is the key asked.
        let found = sqlx::query!(
            r#"select v.code as "word!", v.object_id as "object_id!", true as "is_code!" from spatial_unit_version v
                where v.kind = 'building' and v.code = any($1) and v.valid @> $2::date and upper_inf(v.recorded)
                union all
               select u.source_key as "word!", u.id, false from spatial_unit u
                where u.kind = 'building' and u.source_key = any($1)
                  and exists (select from spatial_unit_version v
                               where v.object_id = u.id and v.valid @> $2::date and upper_inf(v.recorded))"#,
            &asked,
            self.valid_from,
        )
        .fetch_all(connection)
        .await?;
        for word in words {
            let mut meant: Vec<Uuid> = [true, false]
                .into_iter()
                .map(|is_code| {
                    found
                        .iter()
                        .filter(|found| found.word == word && found.is_code == is_code)
                        .map(|found| found.object_id)
                        .collect::<Vec<_>>()
                })
                .find(|meant| !meant.is_empty())
                .unwrap_or_default();
            meant.sort_unstable();
            meant.dedup();
            let meant = match meant.as_slice() {
                [one] => Found::One(*one),
                [] => Found::None,
                _ => Found::Several,
            };
            self.buildings.insert(word, meant);
        }
        Ok(())
    }

    /// Where a row's room is, or why it can't be anywhere.
    fn place(&self, row: &ListRow) -> Result<Place, Refusal> {
        let word = row
            .text(Target::ParentCode)
            .ok_or_else(|| Refusal::missing_field("parent_code"))?;
        let building = match self.buildings.get(&word) {
            Some(Found::One(building)) => *building,
            Some(Found::Several) => {
                return Err(Refusal {
                    code: "ambiguous_building",
                    field: "parent_code",
                    zh: format!("有多栋在册楼栋的代码或原始编号是 {word}"),
                    en: format!("several registered buildings have the code or source key {word}"),
                });
            }
            Some(Found::None) | None => {
                return Err(Refusal {
                    code: "no_such_building",
                    field: "parent_code",
                    zh: format!("楼栋 {word} 未登记"),
                    en: format!("no building {word} is registered"),
                });
            }
        };
        let floor = row.text(Target::Floor).ok_or_else(|| Refusal::missing_field("floor"))?;
        let floor = floor_of(&floor).ok_or_else(|| Refusal {
            code: "unreadable_floor",
            field: "floor",
            zh: format!("楼层“{floor}”无法识别；可写 3、-1、B1、1层、地下一层"),
            en: format!("{floor:?} is not understood as a floor; write 3, -1, B1, 1层 or 地下一层"),
        })?;
        let number = row.text(Target::Code).ok_or_else(|| Refusal::missing_field("code"))?;
        let number = plain_text("code", &number, 40).map_err(|_| Refusal {
            code: "too_long",
            field: "code",
            zh: "房间号超过 40 个字符，或含有不可用的字符".to_owned(),
            en: "the room's number has more than 40 characters, or one that can't be kept".to_owned(),
        })?;
        Ok((building, floor, number))
    }

    /// Puts aside rows whose number another room of the floor has: one of the file, or one that is registered and will
    /// still be there.
    async fn put_aside_taken_numbers(&mut self, connection: &mut PgConnection) -> Result<(), ImportFailed> {
        let buildings: HashSet<Uuid> = self.rows.iter().map(|row| row.place.0).collect();
        let buildings: Vec<Uuid> = buildings.into_iter().collect();
        let mut holders: HashMap<Place, (Uuid, bool)> = HashMap::new();
        for room in sqlx::query!(
            "select object_id, building_id, floor, number, dataset from room_version
              where building_id = any($1) and upper_inf(recorded) and valid && daterange($2, null)",
            &buildings,
            self.valid_from,
        )
        .fetch_all(connection)
        .await?
        {
            let is_ours = room.dataset.as_ref() == Some(&self.order.dataset);
            holders.insert((room.building_id, room.floor, room.number), (room.object_id, is_ours));
        }
        let mut first: HashMap<Place, i64> = HashMap::new();
        let mut rows = Vec::with_capacity(self.rows.len());
        for row in std::mem::take(&mut self.rows) {
            if let Some(first) = first.get(&row.place) {
                let number = &row.place.2;
                let refusal = Refusal {
                    code: "duplicate_number",
                    field: "code",
                    zh: format!("房间号 {number} 与第 {first} 行在同一楼层重复"),
                    en: format!("row {first} has a room {number} on the same floor already"),
                };
                self.account
                    .quarantine(&row.said, &refusal, row.is_held.then_some(row.id));
                continue;
            }
            first.insert(row.place.clone(), row.said.row);
            rows.push(row);
        }
        // Who is put aside keeps its number, which another one may have counted on: until nobody is.
        loop {
            let places: HashMap<Uuid, &Place> = rows.iter().map(|row| (row.id, &row.place)).collect();
            let is_taken = |row: &Row| {
                let Some((holder, is_ours)) = holders.get(&row.place).filter(|(holder, _)| *holder != row.id) else {
                    return false;
                };
                let moves = places.get(holder).is_some_and(|place| **place != row.place);
                let will_end = self.order.close_missing && *is_ours && !self.seen.contains(holder);
                !moves && !will_end
            };
            let taken: HashSet<Uuid> = rows.iter().filter(|row| is_taken(row)).map(|row| row.id).collect();
            if taken.is_empty() {
                break;
            }
            let (aside, kept): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| taken.contains(&row.id));
            for row in &aside {
                let number = &row.place.2;
                let refusal = Refusal {
                    code: "number_taken",
                    field: "code",
                    zh: format!("同一楼层已有在册房间 {number}"),
                    en: format!("another room {number} is registered on the same floor"),
                };
                self.account
                    .quarantine(&row.said, &refusal, row.is_held.then_some(row.id));
            }
            rows = kept;
        }
        // Rooms that change places among themselves are written in one go, the first: every number is free by then.
        let takes_over = |row: &Row| {
            holders
                .get(&row.place)
                .map(|(holder, _)| *holder)
                .filter(|holder| *holder != row.id)
        };
        let leaving: HashSet<Uuid> = rows.iter().filter_map(takes_over).collect();
        let (moving, staying): (Vec<Row>, Vec<Row>) = rows
            .into_iter()
            .partition(|row| takes_over(row).is_some() || leaving.contains(&row.id));
        self.moving = moving.len();
        self.rows = moving;
        self.rows.extend(staying);
        Ok(())
    }

    async fn write_rows(
        &mut self,
        connection: &mut PgConnection,
        progress: &ImportProgress,
    ) -> Result<(), ImportFailed> {
        let mut rows = std::mem::take(&mut self.rows);
        let staying = rows.split_off(self.moving);
        let chunks = std::iter::once(rows.as_mut_slice()).filter(|moving| !moving.is_empty());
        let mut staying = staying;
        for chunk in chunks.chain(staying.chunks_mut(CHUNK)) {
            if progress.is_cancelled() {
                return Err(ImportFailed::Cancelled);
            }
            self.write_chunk(connection, chunk).await?;
        }
        // Rooms that change places were written before the others: only all rows together are in order.
        self.account.flush(connection).await
    }

    async fn write_chunk(&mut self, connection: &mut PgConnection, chunk: &mut [Row]) -> Result<(), ImportFailed> {
        let now = self.clock.now();
        let ids: Vec<Uuid> = chunk.iter().filter(|row| row.is_held).map(|row| row.id).collect();
        let held = held_versions_of(connection, &ids).await?;
        for row in chunk {
            let versions = held.get(&row.id).map_or(&[][..], Vec::as_slice);
            let before = versions.iter().find(|version| version.valid.contains(self.valid_from));
            let base = before.or(versions.last()).map(|version| &version.content);
            let content = self.content(row, base);
            let outcome = match before {
                None if row.is_held => Outcome::NewVersion,
                None => Outcome::Inserted,
                Some(before) if changed_fields(&before.content, &content).is_empty() => Outcome::Unchanged,
                Some(_) => Outcome::NewVersion,
            };
            if outcome != Outcome::Unchanged && !self.order.dry_run {
                let action = if row.is_held { Action::Change } else { Action::Create };
                if !row.is_held {
                    self.writer.register(row.id, now);
                }
                let revision = revise(versions, reach(versions, self.valid_from), Some(content), now);
                let before = before.map(|before| &before.content);
                self.writer.revise(row.id, action, &revision, before, &self.occasion)?;
            }
            let is_registered = row.is_held || !self.order.dry_run;
            self.account.settle(&row.said, outcome, is_registered.then_some(row.id));
        }
        Ok(self.writer.flush(connection).await?)
    }

    /// What the row says, over what is held: a field that the file does not speak of stays as it is.
    fn content(&self, row: &mut Row, held: Option<&RoomContent>) -> RoomContent {
        let (building, floor, number) = row.place.clone();
        let mut content = held
            .cloned()
            .unwrap_or_else(|| RoomContent::empty(SpatialUnitId(building), floor));
        content.building_id = SpatialUnitId(building);
        content.floor = floor;
        content.number = number;
        let said = &mut row.said;
        let mut areas = Vec::new();
        for target in [Target::RegisteredAreaM2, Target::UseAreaM2] {
            let Some(area) = said.number(target) else { continue };
            let kept = Decimal::try_from(area).ok().map(|area| area.round_dp(4).normalize());
            match kept.filter(|_| (0.0..TOO_LARGE_M2).contains(&area)) {
                Some(area) => areas.push((target, area)),
                None => said.warnings.push(warning(
                    "value_out_of_bounds",
                    format!("{} 的值 {area} 超出范围，未采用", target.as_str()),
                    format!("the value {area} of {} is out of bounds; left out", target.as_str()),
                )),
            }
        }
        let area_of = |wanted: Target| {
            areas
                .iter()
                .find(|(target, _)| *target == wanted)
                .map(|(_, area)| *area)
        };
        if self.account.speaks_of(Target::RegisteredAreaM2) {
            content.building_area_m2 = area_of(Target::RegisteredAreaM2);
        }
        if self.account.speaks_of(Target::UseAreaM2) {
            content.use_area_m2 = area_of(Target::UseAreaM2);
        }
        if self.account.speaks_of(Target::Name) {
            content.name = said.text(Target::Name);
        }
        if self.account.speaks_of(Target::Occupancy) {
            content.occupancy = said.text(Target::Occupancy);
        }
        if self.account.speaks_of(Target::UnitCode) {
            let named = said.text(Target::UnitCode);
            content.unit_id = named
                .as_ref()
                .and_then(|name| self.units.get(name))
                .copied()
                .map(UnitId);
            if let (Some(name), None) = (named, content.unit_id) {
                said.warnings.push(warning(
                    "unknown_unit",
                    format!("单位 {name} 未登记"),
                    format!("no unit {name} is registered"),
                ));
            }
        }
        content.dataset = Some(self.order.dataset.clone());
        content.source_key = Some(said.key.clone());
        if self.order.compare_attributes == CompareAttributes::All || held.is_none() {
            content.source_attributes.clone_from(&said.attributes);
        }
        content
    }

    /// What the data set holds on that day and the file does not have: reported, and ended only where that was asked.
    async fn look_for_missing(&mut self, connection: &mut PgConnection) -> Result<(), ImportFailed> {
        let missing: Vec<(String, Uuid)> = sqlx::query!(
            r#"select object_id, source_key as "source_key!" from room_version
                where dataset = $1 and source_key is not null and valid @> $2::date and upper_inf(recorded)
                order by source_key"#,
            self.order.dataset,
            self.valid_from,
        )
        .fetch_all(&mut *connection)
        .await?
        .into_iter()
        .filter(|held| !self.seen.contains(&held.object_id))
        .map(|held| (held.source_key, held.object_id))
        .collect();
        let now = self.clock.now();
        for chunk in missing.chunks(CHUNK) {
            if self.order.close_missing && !self.order.dry_run {
                let ids: Vec<Uuid> = chunk.iter().map(|(_, id)| *id).collect();
                let held = held_versions_of(connection, &ids).await?;
                for id in &ids {
                    let Some(versions) = held.get(id) else { continue };
                    let before = versions.iter().find(|version| version.valid.contains(self.valid_from));
                    let before = before.map(|before| &before.content);
                    let revision = revise(versions, ValidPeriod::since(self.valid_from), None, now);
                    self.writer
                        .revise(*id, Action::Close, &revision, before, &self.occasion)?;
                }
                self.writer.flush(connection).await?;
            }
            for (key, id) in chunk {
                self.account.note_absent(key, *id, self.order.close_missing);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
