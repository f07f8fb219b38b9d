//! `GET /api/v1/{layer}/{id}/occupancy` and the same for units and regions: how rooms are used (使用状态), added up by area
//! to floors, buildings, sites, units and regions, on a day. What is idle in part is shown as such.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRef, Path};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::Serialize;
use sqlx::PgConnection;
use time::Date;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::clock::Clock;
use crate::database::Database;
use crate::period::day;
use crate::request::{Context, Fault, Problem, Times};
use crate::spatial_units::Kind;

mod buildings;
#[cfg(test)]
mod tests;

pub(crate) use buildings::{Building, Region, Scope, buildings_of, region_called, region_of, regions_under};

/// What shares are taken of. Areas of the two kinds are never added to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// 建筑面积, where every room has one.
    BuildingArea,
    /// 使用面积, where every room has that at least.
    UseArea,
    /// The number of rooms, where neither is known of all.
    Rooms,
}

/// Rooms of one use.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Used {
    /// 使用状态; `none` where it isn't known.
    pub occupancy: String,
    /// How many.
    pub rooms: i64,
    /// 使用面积, m²
    pub use_area_m2: f64,
    /// 建筑面积, m²
    pub building_area_m2: f64,
    /// Of everything in the part, 0 to 1, by `measure`.
    pub share: f64,
}

/// The rooms of a part: a floor, a building, a place, or all of it.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Part {
    /// How many.
    pub rooms: i64,
    /// 使用面积, m²
    pub use_area_m2: f64,
    /// 建筑面积, m²
    pub building_area_m2: f64,
    /// Rooms that lack one of the areas: the sums are without theirs.
    pub rooms_lacking_area: i64,
    /// What the shares are of.
    pub measure: Measure,
    /// By use, the largest first.
    pub by_occupancy: Vec<Used>,
    /// Some of it is idle and some is not.
    pub partly_idle: bool,
}

/// One floor, building or place.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Group {
    /// The floor; below ground negative.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<i16>,
    /// The building or region.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// Its code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The building's own use (使用状态), beside that of its rooms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupancy: Option<String>,
    /// Its rooms.
    #[serde(flatten)]
    pub part: Part,
}

/// Buildings of which no rooms are registered: they count by their own use and area, apart from the rooms.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct WithoutRooms {
    /// 使用状态; `none` where it isn't known.
    pub occupancy: String,
    /// How many.
    pub buildings: i64,
    /// 建筑面积, m²
    pub building_area_m2: f64,
}

/// How the rooms of something are used on a day.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Occupancy {
    /// On this day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// All rooms.
    pub total: Part,
    /// A building by its floors; a site or unit by its buildings; a region by the regions below it.
    pub groups: Vec<Group>,
    /// Buildings without rooms, by their use.
    pub without_rooms: Vec<WithoutRooms>,
}

impl Occupancy {
    /// What it tells of: what was asked about, and each building it is divided by.
    fn tells_of(&self, asked: Option<Uuid>) -> Vec<Uuid> {
        asked
            .into_iter()
            .chain(self.groups.iter().filter_map(|group| group.id))
            .collect()
    }
}

/// How the rooms of a site or building are used; the land has none.
#[utoipa::path(get, path = "/api/v1/{layer}/{id}/occupancy", operation_id = "get_occupancy", tag = "occupancy",
    params(("layer" = String, Path, description = "buildings or sites"), ("id" = Uuid, Path),
           ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Occupancy), (status = 404, body = Problem)))]
async fn get_occupancy(
    context: Context,
    times: Times,
    Path((layer, id)): Path<(String, String)>,
) -> Result<Json<Occupancy>, Problem> {
    let missing = || Problem::not_found("this asset");
    let id = Uuid::parse_str(&id).map_err(|_| missing())?;
    let scope = match Kind::of_path(&layer)? {
        Kind::Building => Scope::Building(id),
        Kind::Site => Scope::Site(id),
        Kind::Parcel => return Err(missing().remedy("ask of the site or of the buildings on it: land has no rooms")),
    };
    let mut transaction = context.database.begin_snapshot().await?;
    let is_there = sqlx::query_scalar!(
        r#"select exists (select from spatial_unit_version
                           where object_id = $1 and kind = $2 and valid @> $3::date and recorded @> $4::timestamptz)
                  as "there!""#,
        id,
        Kind::of_path(&layer)?.word(),
        times.as_of,
        times.known_at,
    )
    .fetch_one(&mut *transaction)
    .await?;
    if !is_there {
        return Err(missing());
    }
    let occupancy = add_up(&mut transaction, &scope, &[], times).await?;
    transaction.commit().await?;
    context.note_read_of(&occupancy.tells_of(Some(id))).await?;
    Ok(Json(occupancy))
}

/// How the rooms are used that a unit has: those it uses, and those without a user in the buildings it uses.
#[utoipa::path(get, path = "/api/v1/units/{id}/occupancy", operation_id = "get_unit_occupancy", tag = "occupancy",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Occupancy), (status = 404, body = Problem)))]
async fn get_unit_occupancy(
    context: Context,
    times: Times,
    Path(id): Path<String>,
) -> Result<Json<Occupancy>, Problem> {
    let missing = || Problem::not_found("this unit");
    let id = Uuid::parse_str(&id).map_err(|_| missing())?;
    let mut transaction = context.database.begin_snapshot().await?;
    let is_there = sqlx::query_scalar!(
        r#"select exists (select from unit_version
                           where object_id = $1 and valid @> $2::date and recorded @> $3::timestamptz) as "there!""#,
        id,
        times.as_of,
        times.known_at,
    )
    .fetch_one(&mut *transaction)
    .await?;
    if !is_there {
        return Err(missing());
    }
    let occupancy = add_up(&mut transaction, &Scope::Unit(id), &[], times).await?;
    transaction.commit().await?;
    context.note_read_of(&occupancy.tells_of(None)).await?;
    Ok(Json(occupancy))
}

/// How the rooms of a region and everything below it are used.
#[utoipa::path(get, path = "/api/v1/regions/{id}/occupancy", operation_id = "get_region_occupancy", tag = "occupancy",
    params(("id" = String, Path, description = "The region's id or code"), ("as_of" = Option<String>, Query),
           ("known_at" = Option<String>, Query)),
    responses((status = 200, body = Occupancy), (status = 404, body = Problem)))]
async fn get_region_occupancy(
    context: Context,
    times: Times,
    Path(id): Path<String>,
) -> Result<Json<Occupancy>, Problem> {
    let mut transaction = context.database.begin_snapshot().await?;
    let region = region_called(&mut transaction, &id, times).await?;
    let regions = regions_under(&mut transaction, Some(region.id), times).await?;
    let occupancy = add_up(&mut transaction, &Scope::Region(region.code), &regions, times).await?;
    transaction.commit().await?;
    Ok(Json(occupancy))
}

/// Sums in the making; decimals, so that a whole city adds up exactly.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    rooms: i64,
    use_area: Decimal,
    building_area: Decimal,
    lacking_use: i64,
    lacking_building: i64,
    lacking_any: i64,
}

#[derive(Debug, Clone, Default)]
struct Sums(BTreeMap<String, Sum>);

impl Sums {
    fn add(&mut self, occupancy: &str, more: Sum) {
        let sum = self.0.entry(occupancy.to_owned()).or_default();
        sum.rooms += more.rooms;
        sum.use_area += more.use_area;
        sum.building_area += more.building_area;
        sum.lacking_use += more.lacking_use;
        sum.lacking_building += more.lacking_building;
        sum.lacking_any += more.lacking_any;
    }

    fn part(&self) -> Part {
        let all = |field: fn(&Sum) -> i64| self.0.values().map(field).sum::<i64>();
        let number = |area: Decimal| area.to_f64().unwrap_or_default();
        let rooms = all(|sum| sum.rooms);
        let use_area: Decimal = self.0.values().map(|sum| sum.use_area).sum();
        let building_area: Decimal = self.0.values().map(|sum| sum.building_area).sum();
        let measure = if all(|sum| sum.lacking_building) == 0 && building_area > Decimal::ZERO {
            Measure::BuildingArea
        } else if all(|sum| sum.lacking_use) == 0 && use_area > Decimal::ZERO {
            Measure::UseArea
        } else {
            Measure::Rooms
        };
        let share = |sum: &Sum| {
            let (part, whole) = match measure {
                Measure::BuildingArea => (sum.building_area, building_area),
                Measure::UseArea => (sum.use_area, use_area),
                Measure::Rooms => (Decimal::from(sum.rooms), Decimal::from(rooms)),
            };
            part.checked_div(whole).map_or(0.0, |share| number(share.round_dp(6)))
        };
        let mut by_occupancy: Vec<Used> = self
            .0
            .iter()
            .map(|(occupancy, sum)| Used {
                occupancy: occupancy.clone(),
                rooms: sum.rooms,
                use_area_m2: number(sum.use_area),
                building_area_m2: number(sum.building_area),
                share: share(sum),
            })
            .collect();
        by_occupancy.sort_by(|one, other| {
            other
                .share
                .total_cmp(&one.share)
                .then_with(|| one.occupancy.cmp(&other.occupancy))
        });
        let idle = self.0.get("idle").map_or(0, |sum| sum.rooms);
        Part {
            rooms,
            use_area_m2: number(use_area),
            building_area_m2: number(building_area),
            rooms_lacking_area: all(|sum| sum.lacking_any),
            measure,
            by_occupancy,
            partly_idle: idle > 0 && idle < rooms,
        }
    }
}

/// `regions` are those that a region's rooms are divided by.
async fn add_up(
    connection: &mut PgConnection,
    scope: &Scope,
    regions: &[Region],
    times: Times,
) -> Result<Occupancy, Fault> {
    let buildings = buildings_of(&mut *connection, scope, times).await?;
    let ids: Vec<Uuid> = buildings.iter().map(|building| building.id).collect();
    let by_floor = matches!(scope, Scope::Building(_));
    let unit = match scope {
        Scope::Unit(id) => Some(*id),
        _ => None,
    };
    let rows = sqlx::query!(
        r#"select m.building_id, case when $4 then m.floor end as floor, coalesce(m.occupancy, 'none') as "occupancy!",
                  count(*) as "rooms!", coalesce(sum(m.use_area_m2), 0) as "use_area!",
                  coalesce(sum(m.building_area_m2), 0) as "building_area!",
                  count(*) filter (where m.use_area_m2 is null) as "lacking_use!",
                  count(*) filter (where m.building_area_m2 is null) as "lacking_building!",
                  count(*) filter (where m.use_area_m2 is null or m.building_area_m2 is null) as "lacking_any!"
             from room_version m
             left join spatial_unit_version b
               on b.object_id = m.building_id and b.valid @> $2::date and b.recorded @> $3::timestamptz
            where m.building_id = any($1) and m.valid @> $2::date and m.recorded @> $3::timestamptz
              and ($5::uuid is null or m.unit_id = $5 or (m.unit_id is null and b.unit_id = $5))
            group by 1, 2, 3"#,
        &ids,
        times.as_of,
        times.known_at,
        by_floor,
        unit,
    )
    .fetch_all(connection)
    .await?;
    let mut total = Sums::default();
    let mut floors: BTreeMap<i16, Sums> = BTreeMap::new();
    let mut of_building: BTreeMap<Uuid, Sums> = BTreeMap::new();
    for row in rows {
        let sum = Sum {
            rooms: row.rooms,
            use_area: row.use_area,
            building_area: row.building_area,
            lacking_use: row.lacking_use,
            lacking_building: row.lacking_building,
            lacking_any: row.lacking_any,
        };
        total.add(&row.occupancy, sum);
        if let Some(floor) = row.floor {
            floors.entry(floor).or_default().add(&row.occupancy, sum);
        }
        of_building.entry(row.building_id).or_default().add(&row.occupancy, sum);
    }
    let groups = match scope {
        Scope::Building(_) => floors
            .iter()
            .rev()
            .map(|(floor, sums)| Group {
                floor: Some(*floor),
                id: None,
                code: None,
                name: None,
                occupancy: None,
                part: sums.part(),
            })
            .collect(),
        Scope::Site(_) | Scope::Unit(_) => buildings
            .iter()
            .filter_map(|building| {
                Some(Group {
                    floor: None,
                    id: Some(building.id),
                    code: building.code.clone(),
                    name: building.name.clone(),
                    occupancy: building.occupancy.clone(),
                    part: of_building.get(&building.id)?.part(),
                })
            })
            .collect(),
        Scope::Region(code) => by_region(code, regions, &buildings, &of_building),
    };
    let mut without: BTreeMap<String, (i64, Decimal)> = BTreeMap::new();
    // Of a unit's, only those that it uses itself can be without rooms of it.
    for building in buildings
        .iter()
        .filter(|building| !of_building.contains_key(&building.id))
    {
        let word = building.occupancy.clone().unwrap_or_else(|| "none".to_owned());
        let sum = without.entry(word).or_default();
        sum.0 += 1;
        sum.1 += building.area_m2.unwrap_or_default();
    }
    Ok(Occupancy {
        as_of: times.as_of,
        total: total.part(),
        groups,
        without_rooms: without
            .into_iter()
            .map(|(occupancy, (buildings, area))| WithoutRooms {
                occupancy,
                buildings,
                building_area_m2: area.round_dp(4).to_f64().unwrap_or_default(),
            })
            .collect(),
    })
}

/// By the regions directly below; what lies in none of them stands under the region itself.
fn by_region(code: &str, regions: &[Region], buildings: &[Building], of_building: &BTreeMap<Uuid, Sums>) -> Vec<Group> {
    let mut sums: BTreeMap<Uuid, Sums> = BTreeMap::new();
    for building in buildings {
        let lies_in = building.region_code.as_deref().unwrap_or(code);
        let (Some(rooms), Some(region)) = (of_building.get(&building.id), region_of(regions, lies_in)) else {
            continue;
        };
        let of_region = sums.entry(region.id).or_default();
        for (occupancy, sum) in &rooms.0 {
            of_region.add(occupancy, *sum);
        }
    }
    regions
        .iter()
        .filter_map(|region| {
            Some(Group {
                floor: None,
                id: Some(region.id),
                code: Some(region.code.clone()),
                name: Some(region.name.clone()),
                occupancy: None,
                part: sums.get(&region.id)?.part(),
            })
        })
        .collect()
}

/// The routes of occupancies.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(get_unit_occupancy))
        .routes(routes!(get_region_occupancy))
        .routes(routes!(get_occupancy))
}
