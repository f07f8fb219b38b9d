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

/// Where a parcel or building stands, so that one "1号楼" is told from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Whereabouts {
    /// What that name is told of: whoever tells it keeps a note of the read, should it be internal.
    pub site_id: Option<Uuid>,
    /// The name of its site (院落), else its code; of a building that is in none, that of its parcel.
    pub site_name: Option<String>,
    /// 坐落
    pub address: Option<String>,
}

/// Where these assets stand now, or stood last, as far as the caller sees them and their sites.
///
/// # Errors
/// The database's.
pub async fn whereabouts_now(
    connection: &mut PgConnection,
    assets: &[Uuid],
) -> Result<BTreeMap<Uuid, Whereabouts>, Fault> {
    if assets.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query!(
        r#"select a.object_id, a.address, s.object_id as "site_id?", coalesce(s.name, s.code) as "site_name?"
             from (select distinct on (object_id) object_id, address, valid
                     from spatial_unit_version
                    where object_id = any($1) and upper_inf(recorded)
                    order by object_id, lower(valid) desc) a
             left join lateral (
                  select v.object_id, v.name, v.code
                    from (select r.upper_id, 1 as way, r.valid
                            from spatial_unit_relation r
                           where r.lower_id = a.object_id and r.kind in ('site_parcel', 'site_building') and upper_inf(r.recorded)
                          union all
                          select s.upper_id, 2, s.valid * p.valid
                            from spatial_unit_relation p
                            join spatial_unit_relation s on s.lower_id = p.upper_id and s.kind = 'site_parcel' and upper_inf(s.recorded)
                           where p.lower_id = a.object_id and p.kind = 'parcel_building' and upper_inf(p.recorded)) near
                    join spatial_unit_version v on v.object_id = near.upper_id and upper_inf(v.recorded)
                   -- What an asset that is gone belonged to when it went.
                   where upper_inf(near.valid) or upper(near.valid) >= upper(a.valid)
                   order by near.way, lower(near.valid) desc, near.upper_id, lower(v.valid) desc
                   limit 1) s on true"#,
        assets,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let stands = Whereabouts {
                site_id: row.site_id,
                site_name: row.site_name,
                address: row.address,
            };
            (row.object_id, stands)
        })
        .collect())
}
