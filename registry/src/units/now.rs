//! Units as they are now: what they are called, and of which level.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::request::Fault;

/// A unit as it is now, or was last.
#[derive(Debug, Clone)]
pub struct KnownUnit {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its level.
    pub level: String,
    /// The region where it is.
    pub region_code: Option<String>,
}

/// These units, by their ids.
///
/// # Errors
/// The database's.
pub async fn known_now(connection: &mut PgConnection, units: &[Uuid]) -> Result<BTreeMap<Uuid, KnownUnit>, Fault> {
    if units.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        "select distinct on (object_id) object_id, code, name, level, region_code
           from unit_version
          where object_id = any($1) and upper_inf(recorded)
          order by object_id, lower(valid) desc",
        units,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                row.object_id,
                KnownUnit {
                    code: row.code,
                    name: row.name,
                    level: row.level,
                    region_code: row.region_code,
                },
            )
        })
        .collect())
}
