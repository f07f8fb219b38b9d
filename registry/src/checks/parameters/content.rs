//! What a region's own value of a parameter says, and its rows.

use futures_util::TryStreamExt;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::RuleParameterId;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::Held;
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// A region's own value of a parameter.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParameterContent {
    /// The parameter, as `registry/rules/parameters.toml` names it.
    pub name: String,
    /// It holds in this region and below, where nothing nearer is said; everywhere where it is empty.
    pub region_code: String,
    /// The value, in the parameter's unit.
    pub value: f64,
    /// Where it is said: regulation and article, or the paper.
    pub source: String,
}

impl VersionContent for ParameterContent {
    const OBJECT: ObjectKind = ObjectKind::RuleParameter;
    const STATEMENTS: VersionStatements = version_statements!("rule_parameter", "name, region_code, value, source");

    fn push_columns(&self, rows: &mut CopyRows) {
        rows.text(Some(&self.name))
            .text(Some(&self.region_code))
            .value(Some(self.value))
            .text(Some(&self.source));
    }
}

pub(super) struct ParameterRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub name: String,
    pub region_code: String,
    pub value: f64,
    pub source: String,
}

macro_rules! select_parameters {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::checks::parameters::content::ParameterRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.name, v.region_code, v.value, v.source
                 from rule_parameter_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_parameters;

impl ParameterRow {
    pub(super) fn stored(self) -> StoredVersion<ParameterContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        let content = ParameterContent {
            name: self.name,
            region_code: self.region_code,
            value: self.value,
            source: self.source,
        };
        StoredVersion::new(version_id, object_id, &valid, &recorded, Ok(content))
    }
}

/// Locks a region's own value and reads the versions known now, by the days they hold.
pub(super) async fn held_versions(
    connection: &mut PgConnection,
    id: RuleParameterId,
) -> Result<Vec<Held<ParameterContent>>, Fault> {
    sqlx::query!("select id from rule_parameter where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_parameters!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid)",
        id.0
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

/// Which parameters these values are of.
pub(in crate::checks) async fn names_of(connection: &mut PgConnection, objects: &[Uuid]) -> Result<Vec<String>, Fault> {
    let names = sqlx::query_scalar!(
        "select distinct name from rule_parameter_version where object_id = any($1)",
        objects
    )
    .fetch_all(connection)
    .await?;
    Ok(names)
}

/// Holds every version row of regions' own values against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_parameters!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
