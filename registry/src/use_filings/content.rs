//! What a filing says, and its rows.

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::{UnitId, UseFilingId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::Held;
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// What is done every year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = UseFilingKind)]
#[serde(rename_all = "snake_case")]
pub enum FilingKind {
    /// 领导干部办公用房年度备案
    LeaderOffices,
    /// 内部公示
    InternalPublication,
}

impl FilingKind {
    /// The word as it stands in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LeaderOffices => "leader_offices",
            Self::InternalPublication => "internal_publication",
        }
    }

    /// None for a word that is not of the list.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        [Self::LeaderOffices, Self::InternalPublication]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// What a filing says. It holds from the day on which it was filed or published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FilingContent {
    /// Whose it is.
    pub unit_id: UnitId,
    /// What was done.
    pub kind: FilingKind,
    /// Of which year.
    pub year: i32,
    /// Its number, or the paper.
    pub document: String,
    /// Anything else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl VersionContent for FilingContent {
    const OBJECT: ObjectKind = ObjectKind::UseFiling;
    const STATEMENTS: VersionStatements = version_statements!("use_filing", "unit_id, kind, year, document, note");

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.value(Some(self.unit_id))
            .text(Some(self.kind.as_str()))
            .value(Some(self.year))
            .text(Some(&self.document))
            .text(self.note.as_deref());
    }
}

/// A row as the table holds it.
pub(super) struct FilingRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub unit_id: Uuid,
    pub kind: String,
    pub year: i32,
    pub document: String,
    pub note: Option<String>,
}

macro_rules! select_filings {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::use_filings::content::FilingRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.unit_id, v.kind, v.year, v.document, v.note
                 from use_filing_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_filings;

impl FilingRow {
    pub(super) fn content(self) -> Result<FilingContent, Fault> {
        let kind = FilingKind::of(&self.kind).ok_or_else(|| Fault::Impossible {
            what: format!("use filing version {}: its kind is not of the list", self.version_id),
        })?;
        Ok(FilingContent {
            unit_id: UnitId(self.unit_id),
            kind,
            year: self.year,
            document: self.document,
            note: self.note,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<FilingContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks a filing and reads the version that is known now; none of one that was withdrawn, or is not theirs to see.
pub(super) async fn held_versions(
    connection: &mut PgConnection,
    id: UseFilingId,
) -> Result<Vec<Held<FilingContent>>, Fault> {
    sqlx::query!("select id from use_filing where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_filings!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid)",
        id.0
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

/// Holds every version row of filings against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_filings!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
