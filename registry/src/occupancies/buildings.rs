//! The buildings that a building, a site, a unit or a region has on a day, and the regions that they are added up by.

use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::regions::subtree;
use crate::request::{Fault, Problem, Times};

/// Whose buildings.
#[derive(Debug, Clone)]
pub enum Scope {
    /// One building.
    Building(Uuid),
    /// Those of a site.
    Site(Uuid),
    /// Those that a unit has, and those in which it uses rooms.
    Unit(Uuid),
    /// Those of the region with this code and of all below it; all there are where it is empty.
    Region(String),
}

/// A building as far as its use goes.
#[derive(Debug, Clone)]
pub struct Building {
    /// The building.
    pub id: Uuid,
    /// Its code.
    pub code: Option<String>,
    /// Its name, or else its address.
    pub name: Option<String>,
    /// Where it stands.
    pub region_code: Option<String>,
    /// Who has it.
    pub unit_id: Option<Uuid>,
    /// 使用状态
    pub occupancy: Option<String>,
    /// 建筑面积, m²: the registered one, or else the shape's.
    pub area_m2: Option<Decimal>,
}

/// The buildings of a scope, by name.
///
/// # Errors
/// The database's.
pub async fn buildings_of(connection: &mut PgConnection, scope: &Scope, times: Times) -> Result<Vec<Building>, Fault> {
    let (building, site, unit, region) = match scope {
        Scope::Building(id) => (Some(*id), None, None, None),
        Scope::Site(id) => (None, Some(*id), None, None),
        Scope::Unit(id) => (None, None, Some(*id), None),
        Scope::Region(code) => (None, None, None, Some(subtree(code))),
    };
    Ok(sqlx::query_as!(
        Building,
        r#"select v.object_id as id, v.code, coalesce(v.name, v.address) as name, v.region_code, v.unit_id, v.occupancy,
                  coalesce(v.registered_area_m2, v.area_m2::numeric) as area_m2
             from spatial_unit_version v
            where v.kind = 'building' and v.valid @> $1::date and v.recorded @> $2::timestamptz
              and ($3::uuid is null or v.object_id = $3)
              and ($4::uuid is null
                   or v.object_id in (select r.lower_id from spatial_unit_relation r
                                       where r.upper_id = $4 and r.kind = 'site_building'
                                         and r.valid @> $1::date and r.recorded @> $2::timestamptz))
              and ($5::uuid is null or v.unit_id = $5
                   or v.object_id in (select m.building_id from room_version m
                                       where m.unit_id = $5 and m.valid @> $1::date and m.recorded @> $2::timestamptz))
              and ($6::text is null or $6 = '' or starts_with(v.region_code, $6))
            order by coalesce(v.name, v.address, v.code), v.object_id"#,
        times.as_of,
        times.known_at,
        building,
        site,
        unit,
        region,
    )
    .fetch_all(connection)
    .await?)
}

/// A region as things are added up by it.
#[derive(Debug, Clone)]
pub struct Region {
    /// The region.
    pub id: Uuid,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
}

/// The region with this id or code.
///
/// # Errors
/// A problem where there is none; the database's.
pub async fn region_called(connection: &mut PgConnection, id_or_code: &str, times: Times) -> Result<Region, Problem> {
    sqlx::query_as!(
        Region,
        "select object_id as id, code, name from region_version
          where (object_id = $1 or code = $2) and valid @> $3::date and recorded @> $4::timestamptz limit 1",
        Uuid::parse_str(id_or_code).ok(),
        id_or_code,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| Problem::not_found("this region"))
}

/// A region and those directly below it, or every region where none is named, by code.
///
/// # Errors
/// The database's.
pub async fn regions_under(
    connection: &mut PgConnection,
    region: Option<Uuid>,
    times: Times,
) -> Result<Vec<Region>, Fault> {
    Ok(sqlx::query_as!(
        Region,
        "select object_id as id, code, name from region_version
          where ($1::uuid is null or parent_id = $1 or object_id = $1)
            and valid @> $2::date and recorded @> $3::timestamptz
          order by code, object_id",
        region,
        times.as_of,
        times.known_at,
    )
    .fetch_all(connection)
    .await?)
}

/// In which of these something lies whose region has this code: the longest that fits counts, so that what lies in none of
/// the regions below stands under the region itself.
#[must_use]
pub fn region_of<'a>(regions: &'a [Region], code: &str) -> Option<&'a Region> {
    regions
        .iter()
        .filter(|region| code.starts_with(subtree(&region.code)))
        .max_by_key(|region| subtree(&region.code).len())
}
