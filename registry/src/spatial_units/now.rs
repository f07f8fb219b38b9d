//! Parcels, buildings and sites as they are now: what they are called, and whose part of the registry they are.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use uuid::Uuid;

use crate::ids::UnitId;
use crate::request::{Fault, Place};

/// A parcel, building or site as it is now, or was last.
#[derive(Debug, Clone)]
pub struct KnownAsset {
    /// `parcel`, `building` or `site`.
    pub kind: String,
    /// Its code.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// Whose part of the registry it is.
    pub place: Place,
}

/// Those of these assets that the caller sees, by their ids.
///
/// # Errors
/// The database's.
pub async fn known_now(connection: &mut PgConnection, assets: &[Uuid]) -> Result<BTreeMap<Uuid, KnownAsset>, Fault> {
    if assets.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        "select distinct on (object_id) object_id, kind, code, name, region_code, admin_level, unit_id
           from spatial_unit_version
          where object_id = any($1) and upper_inf(recorded)
          order by object_id, lower(valid) desc",
        assets,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let place = Place {
                region_code: row.region_code,
                admin_level: row.admin_level,
                unit_id: row.unit_id.map(UnitId),
            };
            (
                row.object_id,
                KnownAsset {
                    kind: row.kind,
                    code: row.code,
                    name: row.name,
                    place,
                },
            )
        })
        .collect())
}
