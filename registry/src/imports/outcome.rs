//! What became of each row.

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

/// One row of `import_row`.
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

/// Outcomes that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct OutcomeWriter {
    rows: CopyRows,
}

impl OutcomeWriter {
    pub(crate) fn push(&mut self, import_id: ImportId, outcome: &RowOutcome<'_>) {
        self.rows
            .value(Some(import_id))
            .value(Some(outcome.row))
            .text(Some(outcome.outcome.word()))
            .text(outcome.source_key)
            .value(outcome.object_id)
            .value(Some(outcome.repaired))
            .text(outcome.reason)
            .text(outcome.warnings)
            .text(outcome.raw.map(RawValue::get))
            .text(outcome.geometry_text)
            .end_row();
    }

    pub(crate) async fn flush(&mut self, connection: &mut PgConnection) -> sqlx::Result<()> {
        self.rows
            .send(
                connection,
                "copy import_row (import_id, row, outcome, source_key, object_id, repaired, reason, warnings, raw, geometry_text) from stdin (format binary)",
            )
            .await
    }
}
