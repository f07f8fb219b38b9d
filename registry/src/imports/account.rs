//! The account of an import's rows: what became of each, in outcomes, numbers and words.

use std::collections::BTreeMap;
use std::time::Instant;

use gis_data::{Pipeline, Quarantine, Target};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::run::{Accepted, RowWarning, SourceFacts, signed};
use super::{Counts, CrsOf, ImportFailed, ImportOrder, Outcome, OutcomeWriter, Report, RowOutcome};
use crate::ids::ImportId;
use crate::request::Fault;

/// What became of the rows, in numbers.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub counts: Counts,
    pub repaired: u64,
    pub missing: u64,
    pub closed: u64,
    pub reasons: BTreeMap<String, u64>,
    pub warnings: BTreeMap<String, u64>,
    pub words: BTreeMap<String, (String, String)>,
    pub bbox: Option<[f64; 4]>,
}

impl Tally {
    pub(crate) fn note_reason(&mut self, code: &str, zh: &str, en: &str) {
        self.counts.quarantined += 1;
        *self.reasons.entry(code.to_owned()).or_default() += 1;
        self.words
            .entry(code.to_owned())
            .or_insert_with(|| (zh.to_owned(), en.to_owned()));
    }

    pub(crate) fn note_warning(&mut self, warning: &RowWarning) {
        self.note_warnings(&warning.code, 1, &warning.zh, &warning.en);
    }

    pub(crate) fn note_warnings(&mut self, code: &str, times: u64, zh: &str, en: &str) {
        if times > 0 {
            *self.warnings.entry(code.to_owned()).or_default() += times;
            self.words
                .entry(code.to_owned())
                .or_insert_with(|| (zh.to_owned(), en.to_owned()));
        }
    }

    pub(crate) fn widen(&mut self, bbox: Option<[f64; 4]>) {
        let Some([west, south, east, north]) = bbox else { return };
        self.bbox = Some(match self.bbox {
            None => [west, south, east, north],
            Some(seen) => [
                seen[0].min(west),
                seen[1].min(south),
                seen[2].max(east),
                seen[3].max(north),
            ],
        });
    }
}

/// Why a row that was read well can't be taken over.
pub(crate) struct Refusal {
    pub code: &'static str,
    pub field: &'static str,
    pub zh: String,
    pub en: String,
}

impl Refusal {
    /// A field the layer can't do without is empty.
    pub(crate) fn missing_field(field: &'static str) -> Self {
        Self {
            code: "missing_field",
            field,
            zh: format!("缺少必填字段：{field}"),
            en: format!("a required field is missing: {field}"),
        }
    }
}

/// A row of a list: rows without shapes.
pub(crate) struct ListRow {
    /// Its number in the file.
    pub row: i64,
    /// Its key in the data set.
    pub key: String,
    /// Values of our fields, by their names.
    pub fields: Map<String, Value>,
    /// What the file says beside them.
    pub attributes: Option<Box<RawValue>>,
    /// What is worth knowing of it.
    pub warnings: Vec<RowWarning>,
}

impl From<Accepted> for ListRow {
    fn from(accepted: Accepted) -> Self {
        Self {
            row: signed(accepted.row),
            key: accepted.source_key,
            fields: accepted.fields,
            attributes: accepted.attributes,
            warnings: accepted.warnings,
        }
    }
}

impl ListRow {
    /// What the row says of a field, as text; an empty one says nothing.
    pub(crate) fn text(&self, target: Target) -> Option<String> {
        match self.fields.get(target.as_str())? {
            Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// What the row says of a field, as a number.
    pub(crate) fn number(&self, target: Target) -> Option<f64> {
        self.fields.get(target.as_str()).and_then(Value::as_f64)
    }

    /// What the file says beside our fields, in its own words.
    pub(crate) fn attributes(&self) -> Map<String, Value> {
        self.attributes
            .as_ref()
            .and_then(|text| serde_json::from_str(text.get()).ok())
            .unwrap_or_default()
    }

    /// The row as it came.
    fn raw(&self, mapping: &[(Target, String)]) -> Option<Box<RawValue>> {
        let mut source = self.attributes();
        for (target, name) in mapping {
            if let Some(value) = self.fields.get(target.as_str()) {
                source.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        serde_json::value::to_raw_value(&source).ok()
    }
}

/// What an import of a list says of its rows.
pub(crate) struct Account {
    id: ImportId,
    mapping: Vec<(Target, String)>,
    outcomes: OutcomeWriter,
    /// In numbers.
    pub tally: Tally,
    /// What the data set has and the file has not is numbered downwards.
    absent: i64,
}

impl Account {
    pub(crate) fn new(id: ImportId, pipeline: &Pipeline) -> Self {
        Self {
            id,
            mapping: pipeline.mapping().entries(),
            outcomes: OutcomeWriter::default(),
            tally: Tally::default(),
            absent: 0,
        }
    }

    /// Does the file speak of a field of ours?
    pub(crate) fn speaks_of(&self, target: Target) -> bool {
        self.mapping.iter().any(|(mapped, _)| *mapped == target)
    }

    /// A row that could not be read well; `object` is what its key stands for.
    pub(crate) fn keep_quarantined(
        &mut self,
        quarantine: &Quarantine,
        object: Option<Uuid>,
    ) -> Result<(), ImportFailed> {
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
                row: signed(quarantine.row),
                outcome: Outcome::Quarantined,
                source_key: quarantine.source_key.as_deref(),
                object_id: object,
                repaired: false,
                reason: Some(&reason),
                warnings: None,
                raw: Some(&raw),
                geometry_text: None,
            },
        );
        Ok(())
    }

    /// A row that was read well but can't be taken over.
    pub(crate) fn quarantine(&mut self, row: &ListRow, refusal: &Refusal, object: Option<Uuid>) {
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
                object_id: object,
                repaired: false,
                reason: Some(&reason),
                warnings: None,
                raw: row.raw(&self.mapping).as_deref(),
                geometry_text: None,
            },
        );
    }

    /// A row that was taken over, or said what is held.
    pub(crate) fn settle(&mut self, row: &ListRow, outcome: Outcome, object: Option<Uuid>) {
        match outcome {
            Outcome::Inserted => self.tally.counts.inserted += 1,
            Outcome::NewVersion => self.tally.counts.new_version += 1,
            _ => self.tally.counts.unchanged += 1,
        }
        for warning in &row.warnings {
            self.tally.note_warning(warning);
        }
        let warnings = if row.warnings.is_empty() {
            None
        } else {
            serde_json::to_string(&row.warnings).ok()
        };
        self.outcomes.push(
            self.id,
            &RowOutcome {
                row: row.row,
                outcome,
                source_key: Some(&row.key),
                object_id: object,
                repaired: false,
                reason: None,
                warnings: warnings.as_deref(),
                raw: None,
                geometry_text: None,
            },
        );
    }

    /// What the data set holds and the file has not.
    pub(crate) fn note_absent(&mut self, key: &str, object: Uuid, is_closed: bool) {
        self.tally.missing += 1;
        self.tally.closed += u64::from(is_closed);
        self.absent -= 1;
        self.outcomes.push(
            self.id,
            &RowOutcome {
                row: self.absent,
                outcome: if is_closed { Outcome::Closed } else { Outcome::Missing },
                source_key: Some(key),
                object_id: Some(object),
                repaired: false,
                reason: None,
                warnings: None,
                raw: None,
                geometry_text: None,
            },
        );
    }

    /// Writes the outcomes so far. Rows that follow stand behind all of these, or before all of them.
    pub(crate) async fn flush(&mut self, connection: &mut PgConnection) -> Result<(), ImportFailed> {
        Ok(self.outcomes.flush(connection, self.id).await?)
    }

    /// The report of it all.
    pub(crate) fn report(
        self,
        source: SourceFacts,
        pipeline: &Pipeline,
        order: &ImportOrder,
        valid_from: Date,
        begun: Instant,
    ) -> Report {
        let tally = self.tally;
        Report {
            format: source.format,
            encoding: source.encoding,
            crs: CrsOf {
                declared: source.declared,
                used: None,
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
            mapping: self
                .mapping
                .into_iter()
                .map(|(target, field)| (target.as_str().to_owned(), field))
                .collect(),
            bbox: tally.bbox,
            seconds: begun.elapsed().as_secs_f64(),
        }
    }
}
