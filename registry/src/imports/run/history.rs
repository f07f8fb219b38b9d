//! A file of versions: each row says what held of its object from one day until another.
//!
//! The rows of one key, wherever they stand in the file, are the life of one object. It is compared with what is held
//! as a whole: versions that say the same on the same days stay, all other days are as the file says. Only where a row
//! of the key was set aside, the days that no row speaks of stay as they are.

use std::collections::{BTreeMap, HashMap, HashSet};

use gis_data::{Quarantine, Reason, Target};
use serde_json::Value;
use sqlx::PgConnection;
use time::format_description::well_known::Iso8601;
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    Accepted, BATCH_ROWS, Batches, Comparison, Fault, Found, ImportFailed, ImportProgress, Outcome, ReadyRow,
    RowOutcome, SpatialUnitId, Writer, show_to_postgis, signed, warning,
};
use crate::ids::VersionId;
use crate::period::{Held, Revision, ValidPeriod};

/// The rows of one key.
#[derive(Default)]
struct Life {
    /// By their first day.
    versions: BTreeMap<Date, (Option<Date>, Box<Accepted>)>,
    /// A row of it was set aside.
    has_gaps: bool,
}

/// What became of a row, until all are told in the order of the file.
enum Fate {
    TakenOver {
        outcome: Outcome,
        source_key: String,
        object: Option<Uuid>,
        repaired: bool,
        warnings: Option<String>,
    },
    SetAside(Quarantine),
}

impl Writer {
    /// Takes over a file of versions. It is held in memory as a whole, because the rows of one key may stand anywhere.
    pub(super) async fn take_history(
        &mut self,
        connection: &mut PgConnection,
        batches: &mut Batches,
        progress: &ImportProgress,
    ) -> Result<(), ImportFailed> {
        let mut lives: HashMap<String, Life> = HashMap::new();
        let mut fates = BTreeMap::new();
        let has_ends = self.mapped.contains(&Target::ValidTo);
        while let Some(batch) = batches.recv().await {
            if progress.is_cancelled() {
                return Err(ImportFailed::Cancelled);
            }
            let mut batch = batch?;
            show_to_postgis(connection, &mut batch).await?;
            for row in batch {
                self.counts.read += 1;
                let set_aside = match row {
                    ReadyRow::Quarantined(quarantine) => quarantine,
                    ReadyRow::Accepted(accepted) => {
                        let life = lives.entry(accepted.source_key.clone()).or_default();
                        match life.place(accepted, has_ends)? {
                            None => continue,
                            Some(quarantine) => quarantine,
                        }
                    }
                };
                if let Some(key) = &set_aside.source_key {
                    lives.entry(key.clone()).or_default().has_gaps = true;
                }
                fates.insert(set_aside.row, Fate::SetAside(set_aside));
            }
            progress.set_rows(self.counts.read);
        }
        let mut keys: Vec<String> = lives.keys().cloned().collect();
        keys.sort_unstable();
        let mut known = HashMap::new();
        for chunk in keys.chunks(BATCH_ROWS) {
            if progress.is_cancelled() {
                return Err(ImportFailed::Cancelled);
            }
            let found = self.find(connection, chunk).await?;
            for key in chunk {
                if let Some(life) = lives.remove(key) {
                    self.take_life(key, life, &found, &mut fates)?;
                }
            }
            known.extend(found.ids);
            self.versions.flush(connection).await?;
        }
        self.tell(connection, fates, &known).await
    }

    /// Writes the versions of one object.
    fn take_life(
        &mut self,
        key: &str,
        life: Life,
        found: &Found,
        fates: &mut BTreeMap<u64, Fate>,
    ) -> Result<(), ImportFailed> {
        let object = found.ids.get(key).copied();
        let held = object
            .and_then(|object| found.held.get(&object))
            .map_or(&[][..], |unit| &unit.versions);
        let id = object.map_or_else(SpatialUnitId::fresh, SpatialUnitId);
        let (mut kept, mut spoken_of, mut said) = (HashSet::new(), Vec::new(), Vec::new());
        let mut told: Vec<(u64, Outcome, bool, Vec<_>)> = Vec::new();
        for (from, (to, mut accepted)) in life.versions {
            let period = ValidPeriod { from, to };
            spoken_of.push(period);
            let before = held.iter().find(|version| version.valid.contains(from));
            let content = self.content(&mut accepted, before.map(|version| &version.content));
            let same_days = before.filter(|version| version.valid == period);
            let outcome = match same_days.map(|same| (same, self.likeness.compare(&same.content, &content))) {
                Some((same, Comparison::Same)) => {
                    kept.insert(same.version_id);
                    Outcome::Unchanged
                }
                Some((same, Comparison::SameWithinTolerance)) => {
                    kept.insert(same.version_id);
                    accepted.warnings.push(warning(
                        "shape_within_tolerance",
                        "图形与在册版本的差异在容差之内",
                        "the shape differs from the registered one by less than the tolerance",
                    ));
                    Outcome::Unchanged
                }
                _ => {
                    said.push((period, content));
                    if object.is_none() && told.is_empty() {
                        Outcome::Inserted
                    } else {
                        Outcome::NewVersion
                    }
                }
            };
            self.widen(accepted.bbox);
            told.push((accepted.row, outcome, accepted.repair.is_some(), accepted.warnings));
        }
        let revision = revise_life(held, &kept, &spoken_of, said, !life.has_gaps, self.clock.now());
        if revision.write.is_empty()
            && !revision.close.is_empty()
            && let Some((_, outcome, _, warnings)) = told.last_mut()
        {
            *outcome = Outcome::NewVersion;
            warnings.push(warning(
                "days_taken_back",
                "在册的其他有效期不在该文件的历史之中，已撤回",
                "what was held on other days is no part of the file's history and was taken back",
            ));
        }
        let is_nothing = revision.write.is_empty() && revision.close.is_empty();
        if !self.dry_run && !is_nothing {
            if object.is_none() {
                let now = self.clock.now();
                self.versions.register(id, self.kind, Some((&self.dataset, key)), now);
            }
            self.versions
                .take_over(id, self.kind, revision, self.id, &self.occasion)?;
        }
        for (row, outcome, repaired, warnings) in told {
            match outcome {
                Outcome::Inserted => self.counts.inserted += 1,
                Outcome::NewVersion => self.counts.new_version += 1,
                _ => self.counts.unchanged += 1,
            }
            self.repaired += u64::from(repaired);
            for warning in &warnings {
                self.count_warning(warning);
            }
            let fate = Fate::TakenOver {
                outcome,
                source_key: key.to_owned(),
                object: (object.is_some() || !self.dry_run).then_some(id.0),
                repaired,
                warnings: if warnings.is_empty() {
                    None
                } else {
                    serde_json::to_string(&warnings).ok()
                },
            };
            fates.insert(row, fate);
        }
        Ok(())
    }

    /// Writes what became of the rows, in the order of the file.
    async fn tell(
        &mut self,
        connection: &mut PgConnection,
        fates: BTreeMap<u64, Fate>,
        known: &HashMap<String, Uuid>,
    ) -> Result<(), ImportFailed> {
        for (number, (row, fate)) in fates.into_iter().enumerate() {
            match fate {
                Fate::SetAside(quarantine) => {
                    let object = quarantine.source_key.as_ref().and_then(|key| known.get(key)).copied();
                    self.quarantine(&quarantine, object)?;
                }
                Fate::TakenOver {
                    outcome,
                    source_key,
                    object,
                    repaired,
                    warnings,
                } => self.outcomes.push(
                    self.id,
                    &RowOutcome {
                        row: signed(row),
                        outcome,
                        source_key: Some(&source_key),
                        object_id: object,
                        repaired,
                        reason: None,
                        warnings: warnings.as_deref(),
                        raw: None,
                        geometry_text: None,
                    },
                ),
            }
            if number % BATCH_ROWS == BATCH_ROWS - 1 {
                self.outcomes.flush(connection, self.id).await?;
            }
        }
        Ok(self.outcomes.flush(connection, self.id).await?)
    }
}

impl Life {
    /// Finds a row its place among the others, or gives it back where another one holds on its days. Where the file says
    /// no ends, a version ends when the next one begins.
    fn place(&mut self, accepted: Box<Accepted>, has_ends: bool) -> Result<Option<Quarantine>, Fault> {
        let day = |target: Target| {
            let text = accepted.fields.get(target.as_str()).and_then(Value::as_str);
            text.and_then(|text| Date::parse(text, &Iso8601::DATE).ok())
        };
        let from = day(Target::ValidFrom).ok_or_else(|| Fault::Impossible {
            what: format!("row {} was accepted without its first day", accepted.row),
        })?;
        let mut to = day(Target::ValidTo);
        let earlier = self.versions.range(..=from).next_back();
        let later = self.versions.range(from..).next();
        let overlapped = if has_ends {
            earlier
                .filter(|(_, (end, _))| end.is_none_or(|end| from < end))
                .or_else(|| later.filter(|(begin, _)| to.is_none_or(|to| **begin < to)))
        } else {
            to = later.map(|(begin, _)| *begin);
            earlier.filter(|(begin, _)| **begin == from)
        };
        if let Some((_, (_, first))) = overlapped {
            let raw = accepted
                .attributes
                .as_ref()
                .and_then(|text| serde_json::from_str(text.get()).ok())
                .unwrap_or_default();
            return Ok(Some(Quarantine {
                row: accepted.row,
                source_key: Some(accepted.source_key),
                reason: Reason::OverlappingPeriod { first_row: first.row },
                raw,
                geometry: None,
                geometry_is_lonlat: false,
            }));
        }
        if !has_ends && let Some((_, (end, _))) = self.versions.range_mut(..from).next_back() {
            *end = Some(from);
        }
        self.versions.insert(from, (to, accepted));
        Ok(None)
    }
}

/// What a life makes of what is held. `kept` says the same on the same days already; `spoken_of` are the days of all
/// its rows in order, `said` those that are new. Where the life is whole, nothing else is left; where it has gaps, what
/// is held outside `spoken_of` stays.
fn revise_life<C: Clone>(
    held: &[Held<C>],
    kept: &HashSet<VersionId>,
    spoken_of: &[ValidPeriod],
    said: Vec<(ValidPeriod, C)>,
    is_whole: bool,
    now: OffsetDateTime,
) -> Revision<C> {
    let mut revision = Revision {
        close: Vec::new(),
        write: said,
        at: now,
    };
    for version in held.iter().filter(|version| !kept.contains(&version.version_id)) {
        let left = outside(version.valid, spoken_of);
        if !is_whole && left == [version.valid] {
            continue;
        }
        revision.close.push(version.version_id);
        // Two changes within one microsecond, or a clock set back, must not give a recorded period without length.
        revision.at = revision.at.max(version.recorded_from + Duration::MICROSECOND);
        if !is_whole {
            let rest = left.into_iter().map(|period| (period, version.content.clone()));
            revision.write.extend(rest);
        }
    }
    revision.write.sort_by_key(|(valid, _)| valid.from);
    revision
}

/// What is left of a period outside of others, which are in order and apart.
fn outside(period: ValidPeriod, others: &[ValidPeriod]) -> Vec<ValidPeriod> {
    let ends_after = |to: Option<Date>, day: Date| to.is_none_or(|to| day < to);
    let mut left = Vec::new();
    let mut from = Some(period.from);
    for other in others {
        let Some(begin) = from else { break };
        if !ends_after(period.to, other.from) {
            break;
        }
        if begin < other.from {
            left.push(ValidPeriod {
                from: begin,
                to: Some(other.from),
            });
        }
        from = other.to.map(|to| to.max(begin));
    }
    if let Some(from) = from
        && ends_after(period.to, from)
    {
        left.push(ValidPeriod { from, to: period.to });
    }
    left
}

#[cfg(test)]
mod tests;
