//! What a version of a unit says, and its rows.

use std::collections::{BTreeMap, HashMap};

use futures_util::TryStreamExt;
use serde::Serialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::UnitId;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::Held;
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, stored_attributes, version_statements};

/// Everything a version says; the periods and ids stand beside it.
#[derive(Debug, Clone, Default, Serialize)]
pub struct UnitContent {
    /// 统一社会信用代码 (GB 32100, 18 characters) or the bureau's own code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Whose it is, one of [`LEVELS`](super::LEVELS).
    pub level: String,
    /// What it is, one of [`KINDS`](super::KINDS).
    pub kind: String,
    /// The region it serves (行政区划代码).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_code: Option<String>,
    /// The unit above it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<UnitId>,
    /// Approved staffing (编制) by rank, persons.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headcount: BTreeMap<String, u32>,
    /// The data set it came with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Its key there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_key: Option<String>,
    /// What its list said beside all this, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_attributes: Option<Box<RawValue>>,
}

impl VersionContent for UnitContent {
    const OBJECT: ObjectKind = ObjectKind::Unit;
    const STATEMENTS: VersionStatements = version_statements!(
        "unit",
        "code, name, level, kind, region_code, parent_id, headcount, dataset, source_key, source_attributes"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.text(Some(&self.code))
            .text(Some(&self.name))
            .text(Some(&self.level))
            .text(Some(&self.kind))
            .text(self.region_code.as_deref())
            .value(self.parent_id)
            .value(Some(sqlx::types::Json(self.headcount.clone())))
            .text(self.dataset.as_deref())
            .text(self.source_key.as_deref())
            .text(self.source_attributes.as_ref().map(|text| text.get()));
    }
}

/// A version row as the table holds it.
pub(super) struct UnitVersionRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub code: String,
    pub name: String,
    pub level: String,
    pub kind: String,
    pub region_code: Option<String>,
    pub parent_id: Option<Uuid>,
    pub headcount: serde_json::Value,
    pub dataset: Option<String>,
    pub source_key: Option<String>,
    pub source_attributes: Option<String>,
}

/// Selects whole version rows; what follows the columns is the caller's.
macro_rules! select_versions {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::units::content::UnitVersionRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.code, v.name, v.level, v.kind, v.region_code,
                      v.parent_id, v.headcount, v.dataset, v.source_key, v.source_attributes::text as source_attributes
                 from unit_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_versions;

impl UnitVersionRow {
    pub(super) fn stored(self) -> StoredVersion<UnitContent> {
        let content = headcount(self.headcount).and_then(|headcount| {
            Ok(UnitContent {
                code: self.code,
                name: self.name,
                level: self.level,
                kind: self.kind,
                region_code: self.region_code,
                parent_id: self.parent_id.map(UnitId),
                headcount,
                dataset: self.dataset,
                source_key: self.source_key,
                source_attributes: stored_attributes(self.source_attributes)?,
            })
        });
        StoredVersion::new(self.version_id, self.object_id, &self.valid, &self.recorded, content)
    }
}

pub(super) fn headcount(stored: serde_json::Value) -> Result<BTreeMap<String, u32>, Fault> {
    serde_json::from_value(stored).map_err(|error| Fault::Impossible {
        what: format!("a headcount is not understood: {error}"),
    })
}

/// Locks a unit and reads the versions known now, by the days they hold; none where there is no such unit.
///
/// # Errors
/// The database's.
pub async fn held_versions(connection: &mut PgConnection, id: UnitId) -> Result<Vec<Held<UnitContent>>, Fault> {
    sqlx::query!("select id from unit where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_versions!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid)",
        id.0
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

/// Locks units in the order of their ids and reads the versions known now.
///
/// # Errors
/// The database's.
pub(super) async fn held_versions_of(
    connection: &mut PgConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Held<UnitContent>>>, Fault> {
    sqlx::query!("select id from unit where id = any($1) order by id for update", ids)
        .fetch_all(&mut *connection)
        .await?;
    let mut held: HashMap<Uuid, Vec<Held<UnitContent>>> = HashMap::new();
    for row in select_versions!(
        "where v.object_id = any($1) and upper_inf(v.recorded) order by v.object_id, lower(v.valid)",
        ids
    )
    .fetch_all(connection)
    .await?
    {
        held.entry(row.object_id).or_default().push(row.stored().held()?);
    }
    Ok(held)
}

/// Is the unit registered on that day, by what is known now?
///
/// # Errors
/// The database's.
pub async fn is_registered(connection: &mut PgConnection, id: UnitId, on: Date) -> Result<bool, Fault> {
    let registered = sqlx::query_scalar!(
        r#"select exists (select from unit_version
                           where object_id = $1 and valid @> $2::date and upper_inf(recorded)) as "registered!""#,
        id.0,
        on,
    )
    .fetch_one(connection)
    .await?;
    Ok(registered)
}

/// Holds every version row of units against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_versions!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
