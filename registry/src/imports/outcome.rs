//! What became of each row.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::ImportId;

/// What became of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A new asset.
    Inserted,
    /// The registry held the same already.
    Unchanged,
    /// A new version of an asset.
    NewVersion,
    /// Not taken over; kept with its reason.
    Quarantined,
    /// In the registry, not in the file.
    Missing,
    /// Likewise, and ended.
    Closed,
}

impl Outcome {
    /// The word in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Inserted => "inserted",
            Self::Unchanged => "unchanged",
            Self::NewVersion => "new_version",
            Self::Quarantined => "quarantined",
            Self::Missing => "missing",
            Self::Closed => "closed",
        }
    }
}

/// What became of one row.
#[derive(Debug)]
pub(crate) struct RowOutcome<'a> {
    pub row: i64,
    pub outcome: Outcome,
    pub source_key: Option<&'a str>,
    pub object_id: Option<Uuid>,
    pub repaired: bool,
    pub reason: Option<&'a str>,
    pub warnings: Option<&'a str>,
    pub raw: Option<&'a RawValue>,
    pub geometry_text: Option<&'a str>,
}

impl RowOutcome<'_> {
    /// Is there more to say of the row than what became of it?
    fn needs_words(&self) -> bool {
        self.repaired
            || self.reason.is_some()
            || self.warnings.is_some()
            || self.raw.is_some()
            || self.geometry_text.is_some()
    }
}

/// Rows that met the same fate, without anything more to be said of them.
#[derive(Debug, Default)]
struct Run {
    rows: Vec<i64>,
    source_keys: Vec<Option<String>>,
    object_ids: Vec<Option<Uuid>>,
}

/// Outcomes of one batch that wait to be written: rows that need words one by one (`import_row`), all others as runs
/// (`import_row_run`), which are a hundredth of the work. `import_outcome` shows both as rows.
#[derive(Debug, Default)]
pub(crate) struct OutcomeWriter {
    worded: CopyRows,
    runs: BTreeMap<&'static str, Run>,
}

impl OutcomeWriter {
    pub(crate) fn push(&mut self, import_id: ImportId, outcome: &RowOutcome<'_>) {
        let word = outcome.outcome.word();
        if !outcome.needs_words() {
            let run = self.runs.entry(word).or_default();
            run.rows.push(outcome.row);
            // What PostgreSQL can't keep in a text becomes what stands for it in a single row, too.
            run.source_keys
                .push(outcome.source_key.map(|key| key.replace('\0', "\u{FFFD}")));
            run.object_ids.push(outcome.object_id);
            return;
        }
        self.worded
            .value(Some(import_id))
            .value(Some(outcome.row))
            .text(Some(word))
            .text(outcome.source_key)
            .value(outcome.object_id)
            .value(Some(outcome.repaired))
            .text(outcome.reason)
            .text(outcome.warnings)
            .text(outcome.raw.map(RawValue::get))
            .text(outcome.geometry_text)
            .end_row();
    }

    /// Writes what waits. Batches must not lie between each other: every row that is pushed later stands behind all of
    /// these, or before all of these.
    pub(crate) async fn flush(&mut self, connection: &mut PgConnection, import_id: ImportId) -> sqlx::Result<()> {
        self.worded
            .send(
                connection,
                "copy import_row (import_id, row, outcome, source_key, object_id, repaired, reason, warnings, raw, geometry_text) from stdin (format binary)",
            )
            .await?;
        let runs = std::mem::take(&mut self.runs);
        let rows = || runs.values().flat_map(|run| run.rows.iter().copied());
        let (Some(first), Some(last)) = (rows().min(), rows().max()) else {
            return Ok(());
        };
        for (outcome, mut run) in runs {
            if !run.rows.is_sorted() {
                run.sort();
            }
            sqlx::query!(
                "insert into import_row_run (import_id, first_row, last_row, outcome, rows, source_keys, object_ids)
                 values ($1, $2, $3, $4, $5, $6, $7)",
                import_id.0,
                first,
                last,
                outcome,
                &run.rows,
                &run.source_keys as &[Option<String>],
                &run.object_ids as &[Option<Uuid>],
            )
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }
}

impl Run {
    /// Missing rows are numbered downwards.
    fn sort(&mut self) {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        order.sort_unstable_by_key(|&index| self.rows[index]);
        self.rows.sort_unstable();
        self.source_keys = order.iter().map(|&index| self.source_keys[index].take()).collect();
        self.object_ids = order.iter().map(|&index| self.object_ids[index]).collect();
    }
}
