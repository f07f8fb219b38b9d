//! What a version of a stocktaking says, and its rows.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::{DocumentId, StocktakingId, UnitId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::{Fault, Place};
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = StocktakingStepTaken)]
pub struct Taken {
    /// Which.
    pub transition: String,
    /// Who took it.
    pub by: String,
    /// The day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// 文号, of one that decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_no: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A paper of the stocktaking.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = StocktakingPaper)]
pub struct Paper {
    /// Its kind.
    pub kind: String,
    /// What it is called, with its number.
    pub name: String,
    /// The paper as a file, where it was brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<DocumentId>,
    /// Who recorded it.
    pub by: String,
    /// The day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
}

/// What is said of a stocktaking beside its columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = StocktakingDetails)]
pub struct StocktakingDetails {
    /// The instant at which the list was frozen.
    #[serde(with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub frozen_at: Option<OffsetDateTime>,
    /// The papers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub papers: Vec<Paper>,
    /// The steps, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Taken>,
}

impl StocktakingDetails {
    /// The kinds of paper that are there.
    pub(super) fn documents(&self) -> BTreeSet<String> {
        self.papers.iter().map(|paper| paper.kind.clone()).collect()
    }
}

/// Everything a version says; the periods and ids stand beside it. New fields go to the end.
#[derive(Debug, Clone, Serialize)]
pub struct StocktakingContent {
    /// What it is called.
    pub name: String,
    /// The region.
    pub region_code: String,
    /// Whose assets (本级); all levels where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_level: Option<String>,
    /// One unit's; everybody's where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<UnitId>,
    /// The day whose ledger is compared.
    #[serde(with = "day")]
    pub as_of: Date,
    /// Room by room too?
    pub with_rooms: bool,
    /// The digest of the definition that it began with.
    pub definition: String,
    /// A state of it.
    pub state: String,
    /// Has it not ended?
    pub is_open: bool,
    /// Did it come to its end, and wasn't cancelled?
    pub is_finished: bool,
    /// Who opened it.
    pub opened_by: String,
    /// Who put the differences forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_forward_by: Option<String>,
    /// Who judged them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// How many lines were frozen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<i32>,
    /// Their digest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines_sha256: Option<String>,
    /// All the rest.
    pub details: StocktakingDetails,
}

impl StocktakingContent {
    /// Whose part of the registry it is.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            region_code: Some(self.region_code.clone()),
            admin_level: self.admin_level.clone(),
            unit_id: self.unit_id,
        }
    }

    /// What the codes of its regions begin with.
    pub(super) fn region_prefix(&self) -> &str {
        crate::regions::subtree(&self.region_code)
    }
}

impl VersionContent for StocktakingContent {
    const OBJECT: ObjectKind = ObjectKind::Stocktaking;
    const STATEMENTS: VersionStatements = version_statements!(
        "stocktaking",
        "name, region_code, admin_level, unit_id, as_of, with_rooms, definition, state, is_open, is_finished, opened_by, put_forward_by, decided_by, lines, lines_sha256, details"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        // Details are plain data, they always have JSON.
        let details = serde_json::to_string(&self.details).unwrap_or_default();
        rows.text(Some(&self.name))
            .text(Some(&self.region_code))
            .text(self.admin_level.as_deref())
            .value(self.unit_id)
            .value(Some(self.as_of))
            .value(Some(self.with_rooms))
            .text(Some(&self.definition))
            .text(Some(&self.state))
            .value(Some(self.is_open))
            .value(Some(self.is_finished))
            .text(Some(&self.opened_by))
            .text(self.put_forward_by.as_deref())
            .text(self.decided_by.as_deref())
            .value(self.lines)
            .text(self.lines_sha256.as_deref())
            .text(Some(&details));
    }
}

pub(super) struct StocktakingRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub name: String,
    pub region_code: String,
    pub admin_level: Option<String>,
    pub unit_id: Option<Uuid>,
    pub as_of: Date,
    pub with_rooms: bool,
    pub definition: String,
    pub state: String,
    pub is_open: bool,
    pub is_finished: bool,
    pub opened_by: String,
    pub put_forward_by: Option<String>,
    pub decided_by: Option<String>,
    pub lines: Option<i32>,
    pub lines_sha256: Option<String>,
    pub details: String,
}

macro_rules! select_stocktakings {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::stocktakings::content::StocktakingRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.name, v.region_code, v.admin_level, v.unit_id,
                      v.as_of, v.with_rooms, v.definition, v.state, v.is_open, v.is_finished, v.opened_by,
                      v.put_forward_by, v.decided_by, v.lines, v.lines_sha256, v.details::text as "details!"
                 from stocktaking_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_stocktakings;

impl StocktakingRow {
    pub(super) fn content(self) -> Result<StocktakingContent, Fault> {
        let details = serde_json::from_str(&self.details).map_err(|error| Fault::Impossible {
            what: format!("stocktaking version {}: {error}", self.version_id),
        })?;
        Ok(StocktakingContent {
            details,
            name: self.name,
            region_code: self.region_code,
            admin_level: self.admin_level,
            unit_id: self.unit_id.map(UnitId),
            as_of: self.as_of,
            with_rooms: self.with_rooms,
            definition: self.definition,
            state: self.state,
            is_open: self.is_open,
            is_finished: self.is_finished,
            opened_by: self.opened_by,
            put_forward_by: self.put_forward_by,
            decided_by: self.decided_by,
            lines: self.lines,
            lines_sha256: self.lines_sha256,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<StocktakingContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks a stocktaking for a step and reads the version known now; none where there is no such stocktaking.
pub(super) async fn held_stocktaking(
    connection: &mut PgConnection,
    id: StocktakingId,
) -> Result<Option<Held<StocktakingContent>>, Fault> {
    sqlx::query!("select id from stocktaking where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    read_known(connection, id).await
}

/// Keeps steps out while a line is written, and reads the version known now. Others may write other lines meanwhile.
pub(super) async fn shared_stocktaking(
    connection: &mut PgConnection,
    id: StocktakingId,
) -> Result<Option<Held<StocktakingContent>>, Fault> {
    sqlx::query!("select id from stocktaking where id = $1 for share", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    read_known(connection, id).await
}

/// Reads the version known now.
pub(super) async fn read_known(
    connection: &mut PgConnection,
    id: StocktakingId,
) -> Result<Option<Held<StocktakingContent>>, Fault> {
    select_stocktakings!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
        .fetch_optional(connection)
        .await?
        .map(|row| row.stored().held())
        .transpose()
}

/// Holds every version row of stocktakings and of their lines against what the ledger says, and every frozen list against
/// the digest that its stocktaking gives.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let altered: BTreeSet<Uuid> = sqlx::query_scalar!(
        "select distinct object_id from stocktaking_version
          where lines_sha256 <> stocktaking_lines_sha256(object_id)"
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .collect();
    {
        let mut rows = select_stocktakings!("").fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let is_altered = row.lines_sha256.is_some() && altered.contains(&row.object_id);
            let mut stored = row.stored();
            if is_altered {
                stored.content = Err(Fault::Impossible {
                    what: "the frozen list is not what it was".to_owned(),
                });
            }
            expected.check(&stored.found());
        }
    }
    super::line::verify_versions(connection, expected).await
}
