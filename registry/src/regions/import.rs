//! Regions from a file: a tree whose rows may come in any order, and the regions above them that only columns name.
//!
//! Regions are few (some hundred thousand where every village is one), so the rows are gathered before anything is
//! written: which region stands above a row, and whether its code is free, is known only when all are read.

mod above;
mod row;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Instant;

use gis_data::{Quarantine, Target};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use self::above::{Above, AncestorColumn};
use self::row::Row;
use super::content::{RegionContent, held_versions};
use super::level::{GB2260, level_of_code};
use crate::clock::Clock;
use crate::database::{Database, refusal_of};
use crate::ids::{ImportId, RegionId};
use crate::imports::{
    CrsOf, ImportFailed, ImportOrder, ImportProgress, Outcome, OutcomeWriter, ReadyRow, Refusal, Report, RowOutcome,
    Tally, finish, lock_import, overlap, show_to_postgis, start_reading, warning,
};
use crate::ledger::Action;
use crate::period::{ValidPeriod, reach, revise};
use crate::request::{Fault, Problem};
use crate::tree::Tree;
use crate::versioned::{Occasion, VersionWriter, changed_fields};

/// So many regions are compared and written together.
const CHUNK: usize = 500;

/// Imports a file of regions.
///
/// # Errors
/// [`ImportFailed`]; then nothing was written.
pub async fn import_regions(
    database: &Database,
    clock: &Clock,
    id: ImportId,
    order: &ImportOrder,
    progress: &ImportProgress,
    valid_from: Date,
) -> Result<Report, ImportFailed> {
    let begun = Instant::now();
    let columns = AncestorColumn::read(&order.ancestors)?;
    let (source, pipeline, mut batches) = start_reading(database, order, progress).await?;
    let mapping = pipeline.mapping().entries();
    let mut transaction = database.begin().await?;
    let since = clock.now();
    lock_import(&mut transaction, id, &order.dataset, clock).await?;
    Tree::Regions.lock(&mut transaction).await?;
    // A delivery may swap the codes of two regions: they are checked when all of it is written.
    sqlx::query!("set constraints region_version_one_per_code deferred")
        .execute(&mut *transaction)
        .await?;
    let mut import = RegionImport::prepare(&mut transaction, clock, id, order, valid_from, columns, mapping).await?;
    while let Some(batch) = batches.recv().await {
        if progress.is_cancelled() {
            return Err(ImportFailed::Cancelled);
        }
        let mut batch = batch?;
        show_to_postgis(&mut transaction, &mut batch).await?;
        import.read(batch)?;
        import.outcomes.flush(&mut transaction, id).await?;
        progress.set_rows(import.tally.counts.read);
    }
    progress.set_writing();
    import.settle()?;
    import.write_rows(&mut transaction, progress).await?;
    import.look_for_missing(&mut transaction).await?;
    import.write_above(&mut transaction).await?;
    Tree::Regions.require_whole(&mut transaction, since).await?;
    if progress.is_cancelled() {
        return Err(ImportFailed::Cancelled);
    }
    sqlx::query!("set constraints region_version_one_per_code immediate")
        .execute(&mut *transaction)
        .await
        .map_err(|error| refusal_of(&error).map_or_else(|| error.into(), ImportFailed::from))?;
    let tally = import.tally;
    let report = Report {
        format: source.format,
        encoding: source.encoding,
        crs: CrsOf {
            declared: source.declared,
            used: Some(pipeline.crs().name().to_owned()),
        },
        dataset: order.dataset.clone(),
        valid_from,
        dry_run: order.dry_run,
        counts: tally.counts,
        repaired: tally.repaired,
        mend_tolerance: (pipeline.tolerance().relative, pipeline.tolerance().absolute_m2),
        missing: tally.missing,
        closed: tally.closed,
        reasons: tally.reasons,
        warnings: tally.warnings,
        words: tally.words,
        mapping: import
            .mapping
            .into_iter()
            .map(|(target, field)| (target.as_str().to_owned(), field))
            .collect(),
        bbox: tally.bbox,
        seconds: begun.elapsed().as_secs_f64(),
    };
    finish(transaction, clock, id, order, report).await
}

/// A region that is registered on the day, by what is known now.
#[derive(Debug)]
struct Registered {
    parent: Option<Uuid>,
    /// Its key, where it came with the same data set.
    key: Option<String>,
}

struct RegionImport<'a> {
    clock: &'a Clock,
    id: ImportId,
    order: &'a ImportOrder,
    valid_from: Date,
    scheme: &'a str,
    columns: Vec<AncestorColumn>,
    mapping: Vec<(Target, String)>,
    registered: HashMap<Uuid, Registered>,
    /// Of the scheme, on the day.
    by_code: HashMap<String, Uuid>,
    /// Every key the data set ever had.
    by_key: HashMap<String, Uuid>,
    rows: Vec<Row>,
    /// The regions above that columns name, by column and code.
    above: Vec<BTreeMap<String, Above>>,
    /// How many of them the rows speak of differently.
    differing: u64,
    /// Objects of which the file speaks.
    seen: HashSet<Uuid>,
    /// Regions below which something changed.
    touched: HashSet<Uuid>,
    ended: HashSet<Uuid>,
    occasion: Occasion,
    writer: VersionWriter<RegionContent>,
    outcomes: OutcomeWriter,
    tally: Tally,
}

impl<'a> RegionImport<'a> {
    async fn prepare(
        connection: &mut PgConnection,
        clock: &'a Clock,
        id: ImportId,
        order: &'a ImportOrder,
        valid_from: Date,
        columns: Vec<AncestorColumn>,
        mapping: Vec<(Target, String)>,
    ) -> Result<Self, ImportFailed> {
        let scheme = order.scheme.as_deref().unwrap_or(GB2260);
        let mut registered = HashMap::new();
        let mut by_code = HashMap::new();
        for region in sqlx::query!(
            "select object_id, scheme, code, parent_id, dataset, source_key from region_version
              where valid @> $1::date and upper_inf(recorded)",
            valid_from,
        )
        .fetch_all(&mut *connection)
        .await?
        {
            if region.scheme == scheme {
                by_code.insert(region.code, region.object_id);
            }
            let key = region
                .source_key
                .filter(|_| region.dataset.as_ref() == Some(&order.dataset));
            registered.insert(
                region.object_id,
                Registered {
                    parent: region.parent_id,
                    key,
                },
            );
        }
        let by_key = sqlx::query!(
            r#"select distinct on (source_key) source_key as "source_key!", object_id from region_version
                where dataset = $1 and source_key is not null and upper_inf(recorded)
                order by source_key, upper(valid) desc nulls first"#,
            order.dataset,
        )
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|known| (known.source_key, known.object_id))
        .collect();
        Ok(Self {
            clock,
            id,
            order,
            valid_from,
            scheme,
            above: columns.iter().map(|_| BTreeMap::new()).collect(),
            columns,
            mapping,
            registered,
            by_code,
            by_key,
            rows: Vec::new(),
            differing: 0,
            seen: HashSet::new(),
            touched: HashSet::new(),
            ended: HashSet::new(),
            occasion: Occasion {
                actor: order.actor.clone(),
                reason: None,
                import_id: Some(id),
            },
            writer: VersionWriter::default(),
            outcomes: OutcomeWriter::default(),
            tally: Tally::default(),
        })
    }

    /// Takes in a batch of rows; nothing is compared yet.
    fn read(&mut self, batch: Vec<ReadyRow>) -> Result<(), ImportFailed> {
        for row in batch {
            self.tally.counts.read += 1;
            match row {
                ReadyRow::Quarantined(quarantine) => self.keep_quarantined(&quarantine)?,
                ReadyRow::Accepted(accepted) => {
                    let object = self.by_key.get(&accepted.source_key).copied();
                    let row = Row::read(*accepted, object, &self.columns, &self.mapping);
                    self.tally.widen(row.bbox);
                    self.seen.extend(object);
                    match row.refusal(self.scheme) {
                        None => self.rows.push(row),
                        Some(refusal) => self.quarantine(&row, &refusal),
                    }
                }
            }
        }
        Ok(())
    }

    fn keep_quarantined(&mut self, quarantine: &Quarantine) -> Result<(), ImportFailed> {
        let object = quarantine
            .source_key
            .as_ref()
            .and_then(|key| self.by_key.get(key))
            .copied();
        self.seen.extend(object);
        let (code, words) = (quarantine.reason.code(), quarantine.reason.words());
        self.tally.note_reason(code, &words.zh, &words.en);
        let reason = serde_json::json!({
            "code": code, "zh": words.zh, "en": words.en, "field": quarantine.reason.field(),
        })
        .to_string();
        let raw = serde_json::value::to_raw_value(&quarantine.raw).map_err(|error| Fault::Impossible {
            what: error.to_string(),
        })?;
        self.outcomes.push(
            self.id,
            &RowOutcome {
                row: crate::imports::signed(quarantine.row),
                outcome: Outcome::Quarantined,
                source_key: quarantine.source_key.as_deref(),
                object_id: object,
                repaired: false,
                reason: Some(&reason),
                warnings: None,
                raw: Some(&raw),
                geometry_text: quarantine.geometry.as_deref().filter(|_| quarantine.geometry_is_lonlat),
            },
        );
        Ok(())
    }

    /// Keeps a row that was read well but can't be a region.
    fn quarantine(&mut self, row: &Row, refusal: &Refusal) {
        self.tally.note_reason(refusal.code, &refusal.zh, &refusal.en);
        let reason = serde_json::json!({
            "code": refusal.code, "zh": refusal.zh, "en": refusal.en, "field": refusal.field,
        })
        .to_string();
        self.outcomes.push(
            self.id,
            &RowOutcome {
                row: row.row,
                outcome: Outcome::Quarantined,
                source_key: Some(&row.key),
                object_id: row.is_held.then_some(row.id),
                repaired: false,
                reason: Some(&reason),
                warnings: None,
                raw: row.raw.as_deref(),
                geometry_text: row.geometry_text().as_deref(),
            },
        );
    }

    /// Decides what each row becomes a part of: codes that are taken and circles are put aside, parents found.
    fn settle(&mut self) -> Result<(), ImportFailed> {
        for (index, column) in self.columns.iter().enumerate() {
            let is_found = self
                .rows
                .iter()
                .any(|row| row.above.iter().any(|(found, _, _)| *found == index));
            if !is_found && !self.rows.is_empty() {
                let detail = format!("no row has a value in the field {:?}", column.code_field);
                return Err(Problem::invalid("ancestor", detail)
                    .remedy("write level:code_field:name_field with fields of the file, the nearest level first")
                    .into());
            }
        }
        self.put_aside_taken_codes();
        loop {
            self.gather_above();
            self.find_parents();
            let circles = self.circles();
            if circles.is_empty() {
                return Ok(());
            }
            let (aside, rows) = std::mem::take(&mut self.rows)
                .into_iter()
                .partition(|row| circles.contains(&row.id));
            self.rows = rows;
            let aside: Vec<Row> = aside;
            for row in &aside {
                self.quarantine(row, &row::in_a_circle(&row.code));
            }
        }
    }

    fn put_aside_taken_codes(&mut self) {
        let mut first: HashMap<String, i64> = HashMap::new();
        let codes: HashMap<Uuid, String> = self.rows.iter().map(|row| (row.id, row.code.clone())).collect();
        let mut kept = Vec::with_capacity(self.rows.len());
        for row in std::mem::take(&mut self.rows) {
            if let Some(first) = first.get(&row.code) {
                let refusal = row::same_code(&row.code, *first);
                self.quarantine(&row, &refusal);
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
                let refusal = row::code_taken(&row.code);
                self.quarantine(&row, &refusal);
                continue;
            }
            first.insert(row.code.clone(), row.row);
            kept.push(row);
        }
        self.rows = kept;
    }

    fn find_parents(&mut self) {
        let in_file: HashMap<String, Uuid> = self.rows.iter().map(|row| (row.code.clone(), row.id)).collect();
        let says_parent = self.mapping.iter().any(|(target, _)| *target == Target::ParentCode);
        for row in &mut self.rows {
            row.has_unknown_parent = false;
            let nearest = row
                .above_it()
                .next()
                .and_then(|(column, code, _)| self.above[*column].get(code));
            row.parent = match (nearest, &row.parent_code) {
                (Some(above), _) => Some(Some(above.id)),
                (None, Some(code)) if *code == row.code => Some(None),
                (None, Some(code)) => {
                    let parent = in_file.get(code).or_else(|| self.by_code.get(code)).copied();
                    row.has_unknown_parent = parent.is_none();
                    Some(parent)
                }
                (None, None) => says_parent.then_some(None),
            };
        }
    }

    /// The parent each region will have.
    fn parents(&self) -> HashMap<Uuid, Option<Uuid>> {
        let mut parents: HashMap<Uuid, Option<Uuid>> =
            self.registered.iter().map(|(id, held)| (*id, held.parent)).collect();
        for above in self
            .above
            .iter()
            .flat_map(BTreeMap::values)
            .filter(|above| above.is_ours)
        {
            parents.insert(above.id, above.parent);
        }
        for row in &self.rows {
            if let Some(parent) = row.parent {
                parents.insert(row.id, parent);
            }
        }
        parents
    }

    /// Rows that would stand below themselves.
    fn circles(&self) -> HashSet<Uuid> {
        let parents = self.parents();
        let mut settled: HashSet<Uuid> = HashSet::new();
        let mut circles = HashSet::new();
        for row in &self.rows {
            let mut path = Vec::new();
            let mut on_path = HashSet::new();
            let mut next = Some(row.id);
            while let Some(id) = next.filter(|id| !settled.contains(id)) {
                if !on_path.insert(id) {
                    let begin = path.iter().position(|passed| *passed == id).unwrap_or(0);
                    circles.extend(path[begin..].iter().copied());
                    break;
                }
                path.push(id);
                next = parents.get(&id).copied().flatten();
            }
            settled.extend(path);
        }
        let rows: HashSet<Uuid> = self.rows.iter().map(|row| row.id).collect();
        circles.retain(|id| rows.contains(id));
        circles
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
            for above in self
                .above
                .iter()
                .flat_map(BTreeMap::values)
                .filter(|above| above.is_ours && !above.is_held)
            {
                self.writer.register(above.id, now);
            }
            self.writer.flush(connection).await?;
        }
        let mut rows = std::mem::take(&mut self.rows);
        for chunk in rows.chunks_mut(CHUNK) {
            if progress.is_cancelled() {
                return Err(ImportFailed::Cancelled);
            }
            let ids: Vec<Uuid> = chunk.iter().filter(|row| row.is_held).map(|row| row.id).collect();
            let held = held_versions(connection, &ids).await?;
            for row in chunk {
                let versions = held.get(&row.id).map_or(&[][..], Vec::as_slice);
                let before = versions.iter().find(|version| version.valid.contains(self.valid_from));
                let content = self.content(row, before.map(|before| &before.content));
                let outcome = match before {
                    None if row.is_held => Outcome::NewVersion,
                    None => Outcome::Inserted,
                    Some(before) => self.compare(row, &before.content, &content),
                };
                match outcome {
                    Outcome::Inserted => self.tally.counts.inserted += 1,
                    Outcome::NewVersion => self.tally.counts.new_version += 1,
                    _ => self.tally.counts.unchanged += 1,
                }
                self.tally.repaired += u64::from(row.repair.is_some());
                if outcome != Outcome::Unchanged {
                    self.touched.extend(content.parent_id.map(|parent| parent.0));
                    self.touched.extend(
                        before
                            .and_then(|before| before.content.parent_id)
                            .map(|parent| parent.0),
                    );
                    if !self.order.dry_run {
                        let action = if row.is_held { Action::Change } else { Action::Create };
                        let revision = revise(versions, reach(versions, self.valid_from), Some(content), now);
                        let before = before.map(|before| &before.content);
                        self.writer.revise(row.id, action, &revision, before, &self.occasion)?;
                    }
                }
                self.report_row(row, outcome);
            }
            self.writer.flush(connection).await?;
        }
        // Parents come before their children, whatever the order of the file: only all rows together are in order.
        self.outcomes.flush(connection, self.id).await?;
        rows.iter_mut().for_each(Row::forget_shape);
        self.rows = rows;
        Ok(())
    }

    /// What the row says, over what is held: a field that the file does not speak of stays as it is.
    fn content(&self, row: &mut Row, held: Option<&RegionContent>) -> RegionContent {
        let mut content = held.cloned().unwrap_or_default();
        self.scheme.clone_into(&mut content.scheme);
        content.code.clone_from(&row.code);
        content.name.clone_from(&row.name);
        match row.level {
            Some(level) => level.clone_into(&mut content.level),
            None if held.is_none() => level_of_code(self.scheme, &row.code).clone_into(&mut content.level),
            None => {}
        }
        if let Some(parent) = row.parent {
            content.parent_id = parent.map(RegionId);
        }
        content.dataset = Some(self.order.dataset.clone());
        content.source_key = Some(row.key.clone());
        if let Some(geometry) = row.geometry.take() {
            content.geometry = Some(geometry);
            content.repair = row.repair.clone();
            content.original_geometry = row.original_geometry.take();
        }
        content
    }

    fn compare(&self, row: &mut Row, held: &RegionContent, read: &RegionContent) -> Outcome {
        let changed = changed_fields(held, read);
        if changed.is_empty() {
            return Outcome::Unchanged;
        }
        let only_shape = changed.iter().all(|field| field == "geometry" || field == "repair");
        // Mending the same shape twice may begin its rings elsewhere; the file said what it said before.
        if only_shape && held.original_geometry.is_some() && held.original_geometry == read.original_geometry {
            return Outcome::Unchanged;
        }
        let shapes = held.geometry.as_deref().zip(read.geometry.as_deref());
        if only_shape
            && self.order.same_shape < 1.0
            && shapes
                .and_then(|(held, read)| overlap(held, read))
                .is_some_and(|overlap| overlap >= self.order.same_shape)
        {
            row.warnings.push(warning(
                "shape_within_tolerance",
                "图形与在册版本的差异在容差之内",
                "the shape differs from the registered one by less than the tolerance",
            ));
            return Outcome::Unchanged;
        }
        Outcome::NewVersion
    }

    fn report_row(&mut self, row: &mut Row, outcome: Outcome) {
        if row.has_unknown_parent {
            let code = row.parent_code.as_deref().unwrap_or_default();
            row.warnings.push(warning(
                "unknown_parent",
                format!("上级区划 {code} 未登记"),
                format!("no region {code}, named as the one above, is registered"),
            ));
        }
        for warning in &row.warnings {
            self.tally.note_warning(warning);
        }
        let warnings = if row.warnings.is_empty() {
            None
        } else {
            serde_json::to_string(&row.warnings).ok()
        };
        let is_registered = row.is_held || !self.order.dry_run;
        self.outcomes.push(
            self.id,
            &RowOutcome {
                row: row.row,
                outcome,
                source_key: Some(&row.key),
                object_id: is_registered.then_some(row.id),
                repaired: row.repair.is_some(),
                reason: None,
                warnings: warnings.as_deref(),
                raw: None,
                geometry_text: None,
            },
        );
    }

    /// What the data set holds on that day and the file does not have: reported, and ended only where that was asked.
    /// A region below which others still stand is never ended by a file.
    async fn look_for_missing(&mut self, connection: &mut PgConnection) -> Result<(), ImportFailed> {
        let used: HashSet<Uuid> = self
            .above
            .iter()
            .flat_map(BTreeMap::values)
            .map(|above| above.id)
            .collect();
        let mut missing: Vec<(String, Uuid)> = self
            .registered
            .iter()
            .filter(|(id, _)| !self.seen.contains(id) && !used.contains(id))
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
        self.tally.missing = missing.len() as u64;
        self.tally.closed = ending.len() as u64;
        let now = self.clock.now();
        let mut row = 0_i64;
        for chunk in missing.chunks(CHUNK) {
            let ids: Vec<Uuid> = chunk
                .iter()
                .map(|(_, id)| *id)
                .filter(|id| ending.contains(id))
                .collect();
            if !self.order.dry_run {
                let held = held_versions(connection, &ids).await?;
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
            for id in ids {
                self.touched
                    .extend(self.registered.get(&id).and_then(|held| held.parent));
            }
            for (key, id) in chunk {
                row -= 1;
                let outcome = if ending.contains(id) {
                    Outcome::Closed
                } else {
                    Outcome::Missing
                };
                self.outcomes.push(
                    self.id,
                    &RowOutcome {
                        row,
                        outcome,
                        source_key: Some(key),
                        object_id: Some(*id),
                        repaired: false,
                        reason: None,
                        warnings: None,
                        raw: None,
                        geometry_text: None,
                    },
                );
            }
            self.outcomes.flush(connection, self.id).await?;
        }
        if self.order.close_missing {
            self.tally.note_warnings(
                "has_regions_below",
                missing.len() as u64 - ending.len() as u64,
                "文件中没有、但其下仍有区划的区划未关闭",
                "regions that the file does not have were left open because others still stand below them",
            );
        }
        self.ended = ending;
        Ok(())
    }
}
