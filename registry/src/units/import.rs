//! Units from a list: a tree whose rows may come in any order, so they are gathered before anything is written.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use gis_data::Target;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{UnitContent, held_versions_of};
use super::headcount::HeadcountColumns;
use super::words::{kind_of_word, level_of_word};
use super::{KINDS, LEVELS};
use crate::clock::Clock;
use crate::database::{Database, refusal_of};
use crate::ids::{ImportId, UnitId};
use crate::imports::{
    Account, CompareAttributes, ImportFailed, ImportOrder, ImportProgress, ListRow, Outcome, ReadyRow, Refusal, Report,
    finish, lock_import, start_reading, warning,
};
use crate::ledger::Action;
use crate::period::{ValidPeriod, reach, revise};
use crate::request::Problem;
use crate::request::fields::plain_text;
use crate::tree::Tree;
use crate::versioned::{Occasion, VersionWriter, changed_fields};

/// So many units are compared and written together.
const CHUNK: usize = 500;

/// What the mapping calls the staffing of a rank: `headcount:正处级=column`.
const HEADCOUNT: &str = "headcount:";

/// Imports a list of units.
///
/// # Errors
/// [`ImportFailed`]; then nothing was written.
pub async fn import_units(
    database: &Database,
    clock: &Clock,
    id: ImportId,
    order: &ImportOrder,
    progress: &ImportProgress,
    valid_from: Date,
) -> Result<Report, ImportFailed> {
    let begun = Instant::now();
    let mut order = order.clone();
    let (ranks, map) = std::mem::take(&mut order.map)
        .into_iter()
        .partition(|(target, _)| target.starts_with(HEADCOUNT));
    order.map = map;
    let ranks: Vec<(String, String)> = ranks;
    let ranks = ranks
        .into_iter()
        .map(|(target, column)| (target[HEADCOUNT.len()..].trim().to_owned(), column));
    let headcount = HeadcountColumns::new(ranks);
    let (source, pipeline, mut batches) = start_reading(database, &order, progress).await?;
    let mut transaction = database.begin().await?;
    let since = clock.now();
    lock_import(&mut transaction, id, &order.dataset, clock).await?;
    Tree::Units.lock(&mut transaction).await?;
    // A delivery may swap the codes of two units: they are checked when all of it is written.
    sqlx::query!("set constraints unit_version_one_per_code deferred")
        .execute(&mut *transaction)
        .await?;
    let account = Account::new(id, &pipeline);
    let mut import = UnitImport::prepare(&mut transaction, clock, id, &order, valid_from, account, headcount).await?;
    while let Some(batch) = batches.recv().await {
        if progress.is_cancelled() {
            return Err(ImportFailed::Cancelled);
        }
        import.read(batch?)?;
        progress.set_rows(import.account.tally.counts.read);
    }
    progress.set_writing();
    if let Some(column) = import.headcount.never_met() {
        return Err(Problem::invalid("map", format!("no row has a field {column:?}"))
            .remedy("write headcount:rank=column with a column of the file")
            .into());
    }
    import.settle();
    import.write_rows(&mut transaction, progress).await?;
    import.look_for_missing(&mut transaction).await?;
    Tree::Units.require_whole(&mut transaction, since).await?;
    if progress.is_cancelled() {
        return Err(ImportFailed::Cancelled);
    }
    sqlx::query!("set constraints unit_version_one_per_code immediate")
        .execute(&mut *transaction)
        .await
        .map_err(|error| refusal_of(&error).map_or_else(|| error.into(), ImportFailed::from))?;
    let columns: Vec<(String, String)> = import.headcount.found().collect();
    let mut report = import.account.report(source, &pipeline, &order, valid_from, begun);
    report.mapping.extend(columns);
    finish(transaction, clock, id, &order, report).await
}

/// A row that is, or becomes, a unit.
struct Row {
    said: ListRow,
    id: Uuid,
    /// Is it registered already?
    is_held: bool,
    code: String,
    name: String,
    level: Option<&'static str>,
    kind: Option<&'static str>,
    region_code: Option<String>,
    parent_code: Option<String>,
    /// Its parent, where the file speaks of one.
    parent: Option<Option<Uuid>>,
    headcount: Option<BTreeMap<String, u32>>,
    /// What is left of the file's words.
    attributes: Option<Box<RawValue>>,
}

/// A unit that is registered on the day, by what is known now.
struct Registered {
    parent: Option<Uuid>,
    /// Its key, where it came with the same data set.
    key: Option<String>,
}

struct UnitImport<'a> {
    clock: &'a Clock,
    order: &'a ImportOrder,
    valid_from: Date,
    headcount: HeadcountColumns,
    registered: HashMap<Uuid, Registered>,
    by_code: HashMap<String, Uuid>,
    /// Registered units by name; none where two have it.
    by_name: HashMap<String, Option<Uuid>>,
    /// Every key the data set ever had.
    by_key: HashMap<String, Uuid>,
    regions: HashSet<String>,
    rows: Vec<Row>,
    /// Objects of which the file speaks.
    seen: HashSet<Uuid>,
    occasion: Occasion,
    writer: VersionWriter<UnitContent>,
    account: Account,
}

impl<'a> UnitImport<'a> {
    async fn prepare(
        connection: &mut PgConnection,
        clock: &'a Clock,
        id: ImportId,
        order: &'a ImportOrder,
        valid_from: Date,
        account: Account,
        headcount: HeadcountColumns,
    ) -> Result<Self, ImportFailed> {
        if let Some(region) = &order.region {
            crate::regions::require_registered(connection, "region", region, valid_from).await?;
        }
        let (mut registered, mut by_code, mut by_name) = (HashMap::new(), HashMap::new(), HashMap::new());
        for unit in sqlx::query!(
            "select object_id, code, name, parent_id, dataset, source_key from unit_version
              where valid @> $1::date and upper_inf(recorded)",
            valid_from,
        )
        .fetch_all(&mut *connection)
        .await?
        {
            by_code.insert(unit.code, unit.object_id);
            note_name(&mut by_name, &unit.name, unit.object_id);
            let key = unit
                .source_key
                .filter(|_| unit.dataset.as_ref() == Some(&order.dataset));
            let parent = unit.parent_id;
            registered.insert(unit.object_id, Registered { parent, key });
        }
        let by_key = sqlx::query!(
            r#"select distinct on (source_key) source_key as "source_key!", object_id from unit_version
                where dataset = $1 and source_key is not null and upper_inf(recorded)
                order by source_key, upper(valid) desc nulls first"#,
            order.dataset,
        )
        .fetch_all(&mut *connection)
        .await?
        .into_iter()
        .map(|known| (known.source_key, known.object_id))
        .collect();
        let regions = sqlx::query_scalar!(
            "select code from region_version where valid @> $1::date and upper_inf(recorded)",
            valid_from,
        )
        .fetch_all(connection)
        .await?
        .into_iter()
        .collect();
        Ok(Self {
            clock,
            order,
            valid_from,
            headcount,
            registered,
            by_code,
            by_name,
            by_key,
            regions,
            rows: Vec::new(),
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
    fn read(&mut self, batch: Vec<ReadyRow>) -> Result<(), ImportFailed> {
        for row in batch {
            self.account.tally.counts.read += 1;
            match row {
                ReadyRow::Quarantined(quarantine) => {
                    let key = quarantine.source_key.as_ref();
                    let object = key.and_then(|key| self.by_key.get(key)).copied();
                    self.seen.extend(object);
                    self.account.keep_quarantined(&quarantine, object)?;
                }
                ReadyRow::Accepted(accepted) => match self.understand((*accepted).into()) {
                    Ok(row) => self.rows.push(row),
                    Err((said, object, refusal)) => self.account.quarantine(&said, &refusal, object),
                },
            }
        }
        Ok(())
    }

    /// What a row says, or why it can't be a unit, whatever the other rows say.
    fn understand(&mut self, mut said: ListRow) -> Result<Row, (ListRow, Option<Uuid>, Refusal)> {
        let object = self.by_key.get(&said.key).copied();
        self.seen.extend(object);
        let refusal = refusal(&said, object.is_some());
        if let Some(refusal) = refusal {
            return Err((said, object, refusal));
        }
        let mut attributes = said.attributes();
        let told = self.headcount.take(&mut attributes);
        for (column, value) in told.unreadable {
            said.warnings.push(warning(
                "unreadable_value",
                format!("{column} 的值“{value}”不是人数，未采用"),
                format!("the value \"{value}\" of {column} is no number of persons; left out"),
            ));
        }
        let mut region_code = said.text(Target::RegionCode);
        if let Some(code) = region_code.take_if(|code| !self.regions.contains(code)) {
            said.warnings.push(warning(
                "unknown_region",
                format!("行政区划代码 {code} 未登记"),
                format!("no region {code} is registered"),
            ));
        }
        Ok(Row {
            id: object.unwrap_or_else(|| UnitId::fresh().0),
            is_held: object.is_some(),
            code: said.text(Target::Code).unwrap_or_default(),
            name: said.text(Target::Name).unwrap_or_default(),
            level: said.text(Target::Level).as_deref().and_then(level_of_word),
            kind: said.text(Target::Kind).as_deref().and_then(kind_of_word),
            region_code,
            parent_code: said.text(Target::ParentCode),
            parent: None,
            headcount: told.headcount,
            attributes: if attributes.is_empty() {
                None
            } else {
                serde_json::value::to_raw_value(&attributes).ok()
            },
            said,
        })
    }

    /// Puts aside what can't stand beside the rest: codes that are taken, parents that don't exist, circles.
    fn settle(&mut self) {
        self.put_aside_taken_codes();
        loop {
            let aside = self.find_parents();
            let aside = if aside.is_empty() { self.circles() } else { aside };
            if aside.is_empty() {
                return;
            }
            let (aside_rows, rows) = std::mem::take(&mut self.rows)
                .into_iter()
                .partition(|row| aside.contains_key(&row.id));
            self.rows = rows;
            let aside_rows: Vec<Row> = aside_rows;
            for row in &aside_rows {
                if let Some(refusal) = aside.get(&row.id) {
                    self.account
                        .quarantine(&row.said, refusal, row.is_held.then_some(row.id));
                }
            }
        }
    }

    fn put_aside_taken_codes(&mut self) {
        let mut first: HashMap<String, i64> = HashMap::new();
        let codes: HashMap<Uuid, String> = self.rows.iter().map(|row| (row.id, row.code.clone())).collect();
        let mut kept = Vec::with_capacity(self.rows.len());
        for row in std::mem::take(&mut self.rows) {
            let object = row.is_held.then_some(row.id);
            if let Some(first) = first.get(&row.code) {
                let refusal = Refusal {
                    code: "duplicate_code",
                    field: "code",
                    zh: format!("单位代码 {} 与第 {first} 行重复", row.code),
                    en: format!("the code {} stands in row {first} already", row.code),
                };
                self.account.quarantine(&row.said, &refusal, object);
                continue;
            }
            let holder = self.by_code.get(&row.code).filter(|holder| **holder != row.id);
            let is_taken = holder.is_some_and(|holder| {
                let gets_another = codes.get(holder).is_some_and(|code| *code != row.code);
                let is_ours = self.registered.get(holder).is_some_and(|held| held.key.is_some());
                let will_end = self.order.close_missing && is_ours && !self.seen.contains(holder);
                !gets_another && !will_end
            });
            if is_taken {
                let refusal = Refusal {
                    code: "code_taken",
                    field: "code",
                    zh: format!("单位代码 {} 已由另一个在册单位使用", row.code),
                    en: format!("the code {} belongs to another registered unit", row.code),
                };
                self.account.quarantine(&row.said, &refusal, object);
                continue;
            }
            first.insert(row.code.clone(), row.said.row);
            kept.push(row);
        }
        self.rows = kept;
    }

    /// Finds the parents of the rows by code or name. Those whose parent does not exist are given back.
    fn find_parents(&mut self) -> HashMap<Uuid, Refusal> {
        let in_file: HashMap<String, Uuid> = self.rows.iter().map(|row| (row.code.clone(), row.id)).collect();
        let mut named: HashMap<String, Option<Uuid>> = HashMap::new();
        for row in &self.rows {
            note_name(&mut named, &row.name, row.id);
        }
        let says_parent = self.account.speaks_of(Target::ParentCode);
        let mut aside = HashMap::new();
        for row in &mut self.rows {
            row.parent = match &row.parent_code {
                None => says_parent.then_some(None),
                Some(code) if *code == row.code => Some(None),
                Some(code) => {
                    let found = in_file
                        .get(code)
                        .or_else(|| self.by_code.get(code))
                        .copied()
                        .or_else(|| named.get(code).copied().flatten())
                        .or_else(|| self.by_name.get(code).copied().flatten());
                    if found.is_none() {
                        let refusal = Refusal {
                            code: "unknown_parent",
                            field: "parent_code",
                            zh: format!("上级单位 {code} 不存在：在册单位和本文件中都没有"),
                            en: format!("no unit {code}, named as the one above, is registered or stands in the file"),
                        };
                        aside.insert(row.id, refusal);
                    }
                    Some(found)
                }
            };
        }
        aside
    }

    /// The parent each unit will have.
    fn parents(&self) -> HashMap<Uuid, Option<Uuid>> {
        let mut parents: HashMap<Uuid, Option<Uuid>> =
            self.registered.iter().map(|(id, held)| (*id, held.parent)).collect();
        for row in &self.rows {
            if let Some(parent) = row.parent {
                parents.insert(row.id, parent);
            }
        }
        parents
    }

    /// Rows that would stand below themselves.
    fn circles(&self) -> HashMap<Uuid, Refusal> {
        let parents = self.parents();
        let mut settled: HashSet<Uuid> = HashSet::new();
        let mut circles: HashSet<Uuid> = HashSet::new();
        for row in &self.rows {
            let mut path = Vec::new();
            let mut on_path = HashSet::new();
            let mut next = Some(row.id);
            while let Some(id) = next.filter(|id| !settled.contains(id)) {
                if !on_path.insert(id) {
                    let begin = path.iter().position(|passed| *passed == id).unwrap_or(0);
                    circles.extend(path.iter().skip(begin).copied());
                    break;
                }
                path.push(id);
                next = parents.get(&id).copied().flatten();
            }
            settled.extend(path);
        }
        self.rows
            .iter()
            .filter(|row| circles.contains(&row.id))
            .map(|row| {
                let refusal = Refusal {
                    code: "circle",
                    field: "parent_code",
                    zh: format!("单位 {} 的上级最终指回它自己", row.code),
                    en: format!("the units above {} lead back to itself", row.code),
                };
                (row.id, refusal)
            })
            .collect()
    }

    async fn write_rows(
        &mut self,
        connection: &mut PgConnection,
        progress: &ImportProgress,
    ) -> Result<(), ImportFailed> {
        let now = self.clock.now();
        if !self.order.dry_run {
            // A parent may come later in the file: everybody is registered before anything is said of anybody.
            for row in self.rows.iter().filter(|row| !row.is_held) {
                self.writer.register(row.id, now);
            }
            self.writer.flush(connection).await?;
        }
        let rows = std::mem::take(&mut self.rows);
        for chunk in rows.chunks(CHUNK) {
            if progress.is_cancelled() {
                return Err(ImportFailed::Cancelled);
            }
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
                    let revision = revise(versions, reach(versions, self.valid_from), Some(content), now);
                    let before = before.map(|before| &before.content);
                    self.writer.revise(row.id, action, &revision, before, &self.occasion)?;
                }
                let is_registered = row.is_held || !self.order.dry_run;
                self.account.settle(&row.said, outcome, is_registered.then_some(row.id));
            }
            self.writer.flush(connection).await?;
        }
        self.rows = rows;
        self.account.flush(connection).await
    }

    /// What the row says, over what is held: a field that the file does not speak of stays as it is.
    fn content(&self, row: &Row, held: Option<&UnitContent>) -> UnitContent {
        let mut content = held.cloned().unwrap_or_default();
        content.code.clone_from(&row.code);
        content.name.clone_from(&row.name);
        if let Some(level) = row.level {
            level.clone_into(&mut content.level);
        }
        if let Some(kind) = row.kind {
            kind.clone_into(&mut content.kind);
        }
        if self.account.speaks_of(Target::RegionCode) {
            content.region_code.clone_from(&row.region_code);
        }
        if content.region_code.is_none() {
            content.region_code.clone_from(&self.order.region);
        }
        if let Some(parent) = row.parent {
            content.parent_id = parent.map(UnitId);
        }
        if let Some(headcount) = &row.headcount {
            content.headcount.clone_from(headcount);
        }
        content.dataset = Some(self.order.dataset.clone());
        content.source_key = Some(row.said.key.clone());
        if self.order.compare_attributes == CompareAttributes::All || held.is_none() {
            content.source_attributes.clone_from(&row.attributes);
        }
        content
    }

    /// What the data set holds on that day and the file does not have: reported, and ended only where that was asked.
    /// A unit below which others still stand is never ended by a file.
    async fn look_for_missing(&mut self, connection: &mut PgConnection) -> Result<(), ImportFailed> {
        let mut missing: Vec<(String, Uuid)> = self
            .registered
            .iter()
            .filter(|(id, _)| !self.seen.contains(id))
            .filter_map(|(id, held)| Some((held.key.clone()?, *id)))
            .collect();
        missing.sort();
        let mut ending: HashSet<Uuid> = HashSet::new();
        if self.order.close_missing {
            ending.extend(missing.iter().map(|(_, id)| *id));
            let parents = self.parents();
            let gone: HashSet<Uuid> = ending.clone();
            for id in parents.keys().filter(|id| !gone.contains(id)) {
                let mut next = parents.get(id).copied().flatten();
                while let Some(above) = next.filter(|above| ending.remove(above)) {
                    next = parents.get(&above).copied().flatten();
                }
            }
        }
        let now = self.clock.now();
        for chunk in missing.chunks(CHUNK) {
            let ids: Vec<Uuid> = chunk
                .iter()
                .map(|(_, id)| *id)
                .filter(|id| ending.contains(id))
                .collect();
            if !self.order.dry_run {
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
                self.account.note_absent(key, *id, ending.contains(id));
            }
            self.account.flush(connection).await?;
        }
        if self.order.close_missing {
            self.account.tally.note_warnings(
                "has_units_below",
                missing.len() as u64 - ending.len() as u64,
                "文件中没有、但其下仍有单位的单位未关闭",
                "units that the file does not have were left open because others still stand below them",
            );
        }
        Ok(())
    }
}

/// Notes who has a name; a name that two have means nobody.
fn note_name(names: &mut HashMap<String, Option<Uuid>>, name: &str, id: Uuid) {
    names
        .entry(name.to_owned())
        .and_modify(|known| *known = known.filter(|known| *known == id))
        .or_insert(Some(id));
}

/// Why a row can't be a unit, whatever the other rows say.
fn refusal(said: &ListRow, is_held: bool) -> Option<Refusal> {
    let unknown = |code, field, word: &str, zh: &str, list: &[&str]| Refusal {
        code,
        field,
        zh: format!("不认识的{zh}：{word}"),
        en: format!("{word:?} is no {field} of units; they are {}", list.join(", ")),
    };
    for (target, field, longest) in [(Target::Code, "code", 64), (Target::Name, "name", 200)] {
        let Some(text) = said.text(target) else {
            return Some(Refusal::missing_field(field));
        };
        if plain_text(field, &text, longest).is_err() {
            return Some(Refusal {
                code: "too_long",
                field,
                zh: format!("{field} 超过 {longest} 个字符，或含有不可用的字符"),
                en: format!("{field} has more than {longest} characters, or one that can't be kept"),
            });
        }
    }
    match said.text(Target::Level) {
        None if !is_held => return Some(Refusal::missing_field("level")),
        Some(word) if level_of_word(&word).is_none() => {
            return Some(unknown("unknown_level", "level", &word, "单位级别", &LEVELS));
        }
        _ => {}
    }
    match said.text(Target::Kind) {
        None if !is_held => Some(Refusal::missing_field("kind")),
        Some(word) if kind_of_word(&word).is_none() => Some(unknown("unknown_kind", "kind", &word, "单位类型", &KINDS)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
