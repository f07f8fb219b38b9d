//! `GET /api/v1/{layer}/{id}/utilisation` and the same for units, regions and all of it: in use, in low use (低效利用), idle
//! in part, idle, or not to be told, on a day, with the arithmetic (ADR 30).

mod judge;
mod load;
#[cfg(test)]
mod tests;

pub use judge::{State, Utilisation};
#[cfg(test)]
pub(crate) use load::PARAMETER;

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{FromRef, Path};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::PgConnection;
use time::Date;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::clock::Clock;
use crate::database::Database;
use crate::occupancies::{Building, Region, Scope, region_called, region_of, regions_under};
use crate::period::day;
use crate::request::{Context, Fault, Problem, Times};
use crate::spatial_units::Kind;
use judge::shown;
use load::Book;

/// Buildings of one state.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct StateTotal {
    /// The state.
    pub state: State,
    /// How many buildings.
    pub buildings: u64,
    /// Their 建筑面积, m².
    pub building_area_m2: f64,
    /// Their idle 使用面积, m².
    pub idle_m2: f64,
    /// What in them is in use and not filled, m² of use area, as far as it is known.
    pub spare_m2: f64,
}

/// A building of a site or unit.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct BuildingUtilisation {
    /// The building.
    pub id: Uuid,
    /// Its code.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// How far it is used: all of it, whoever sits there.
    #[serde(flatten)]
    pub utilisation: Utilisation,
}

/// How far something is used on a day.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct UtilisationOnDay {
    /// On this day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// All of it.
    pub total: Utilisation,
    /// The buildings of a site or unit; none of a building itself.
    pub buildings: Vec<BuildingUtilisation>,
    /// The buildings by state.
    pub by_state: Vec<StateTotal>,
}

/// A region below.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct RegionStates {
    /// The region.
    pub id: Uuid,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its buildings by state.
    pub by_state: Vec<StateTotal>,
}

/// How far the buildings of a place are used on a day.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct UtilisationOfRegion {
    /// On this day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub as_of: Date,
    /// The buildings by state.
    pub by_state: Vec<StateTotal>,
    /// The same by the regions directly below; what lies in none of them stands under the region itself.
    pub groups: Vec<RegionStates>,
}

#[derive(Debug, Clone, Copy, Default)]
struct StateSum {
    buildings: u64,
    building_area: Decimal,
    idle: f64,
    spare: f64,
}

#[derive(Debug, Default)]
struct StateSums(BTreeMap<State, StateSum>);

impl StateSums {
    fn add(&mut self, building: &Building, found: &Utilisation) {
        let sum = self.0.entry(found.state).or_default();
        sum.buildings += 1;
        sum.building_area += building.area_m2.unwrap_or_default();
        sum.idle += found.idle_m2;
        sum.spare += found.weighing.as_ref().map_or(0.0, |weighing| weighing.spare_m2);
    }

    fn told(&self) -> Vec<StateTotal> {
        // Each has two decimals; adding doubles must not leave a hair.
        let kept = |area_m2: f64| (area_m2 * 100.0).round() / 100.0;
        State::ALL
            .into_iter()
            .filter_map(|state| {
                self.0.get(&state).map(|sum| StateTotal {
                    state,
                    buildings: sum.buildings,
                    building_area_m2: shown(sum.building_area),
                    idle_m2: kept(sum.idle),
                    spare_m2: kept(sum.spare),
                })
            })
            .collect()
    }
}

/// The buildings in low use, each with its arithmetic.
///
/// # Errors
/// The database's.
pub async fn low_use_buildings(
    connection: &mut PgConnection,
    region: Option<&str>,
    times: Times,
) -> Result<Vec<(Uuid, Utilisation)>, Fault> {
    let scope = Scope::Region(region.unwrap_or_default().to_owned());
    let book = Book::read(connection, &scope, None, times).await?;
    Ok(book
        .buildings
        .iter()
        .map(|building| (building.id, book.of_building(building)))
        .filter(|(_, found)| found.state == State::LowUse)
        .collect())
}

fn answer(book: &Book, place: Option<&str>, unit: Option<Uuid>, is_building: bool, times: Times) -> UtilisationOnDay {
    let mut sums = StateSums::default();
    let mut buildings = Vec::with_capacity(book.buildings.len());
    for building in &book.buildings {
        let found = book.of_building(building);
        sums.add(building, &found);
        if !is_building {
            buildings.push(BuildingUtilisation {
                id: building.id,
                code: building.code.clone(),
                name: building.name.clone(),
                utilisation: found,
            });
        }
    }
    UtilisationOnDay {
        as_of: times.as_of,
        total: book.of_all(place, unit),
        buildings,
        by_state: sums.told(),
    }
}

/// How far a building or site is used: in use, in low use, idle in part, idle, or not to be told and why.
#[utoipa::path(get, path = "/api/v1/{layer}/{id}/utilisation", operation_id = "get_utilisation", tag = "occupancy",
    params(("layer" = String, Path, description = "buildings or sites"), ("id" = Uuid, Path),
           ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = UtilisationOnDay), (status = 404, body = Problem)))]
async fn get_utilisation(
    context: Context,
    times: Times,
    Path((layer, id)): Path<(String, String)>,
) -> Result<Json<UtilisationOnDay>, Problem> {
    let missing = || Problem::not_found("this asset");
    let id = Uuid::parse_str(&id).map_err(|_| missing())?;
    let kind = Kind::of_path(&layer)?;
    let scope = match kind {
        Kind::Building => Scope::Building(id),
        Kind::Site => Scope::Site(id),
        Kind::Parcel => return Err(missing().remedy("ask of the site or of the buildings on it: land has no rooms")),
    };
    let mut transaction = context.database.begin_snapshot().await?;
    let held = sqlx::query!(
        "select region_code from spatial_unit_version
          where object_id = $1 and kind = $2 and valid @> $3::date and recorded @> $4::timestamptz",
        id,
        kind.word(),
        times.as_of,
        times.known_at,
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(missing)?;
    let place = held.region_code.as_deref();
    let book = Book::read(&mut transaction, &scope, place, times).await?;
    transaction.commit().await?;
    let said = answer(&book, place, None, kind == Kind::Building, times);
    let told: Vec<Uuid> = [id]
        .into_iter()
        .chain(said.buildings.iter().map(|building| building.id))
        .collect();
    context.note_read_of(&told).await?;
    Ok(Json(said))
}

/// How far a unit uses what it has; beside it the buildings that it sits in, each as a whole.
#[utoipa::path(get, path = "/api/v1/units/{id}/utilisation", operation_id = "get_unit_utilisation", tag = "occupancy",
    params(("id" = Uuid, Path), ("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = UtilisationOnDay), (status = 404, body = Problem)))]
async fn get_unit_utilisation(
    context: Context,
    times: Times,
    Path(id): Path<String>,
) -> Result<Json<UtilisationOnDay>, Problem> {
    let missing = || Problem::not_found("this unit");
    let id = Uuid::parse_str(&id).map_err(|_| missing())?;
    let mut transaction = context.database.begin_snapshot().await?;
    let held = sqlx::query!(
        "select region_code from unit_version
          where object_id = $1 and valid @> $2::date and recorded @> $3::timestamptz",
        id,
        times.as_of,
        times.known_at,
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(missing)?;
    let place = held.region_code.as_deref();
    let book = Book::read(&mut transaction, &Scope::Unit(id), place, times).await?;
    transaction.commit().await?;
    let said = answer(&book, place, Some(id), false, times);
    let told: Vec<Uuid> = said.buildings.iter().map(|building| building.id).collect();
    context.note_read_of(&told).await?;
    Ok(Json(said))
}

/// How far the buildings of a region and of everything below it are used.
#[utoipa::path(get, path = "/api/v1/regions/{id}/utilisation", operation_id = "get_region_utilisation", tag = "occupancy",
    params(("id" = String, Path, description = "The region's id or code"), ("as_of" = Option<String>, Query),
           ("known_at" = Option<String>, Query)),
    responses((status = 200, body = UtilisationOfRegion), (status = 404, body = Problem)))]
async fn get_region_utilisation(
    context: Context,
    times: Times,
    Path(id): Path<String>,
) -> Result<Json<UtilisationOfRegion>, Problem> {
    let mut transaction = context.database.begin_snapshot().await?;
    let region = region_called(&mut transaction, &id, times).await?;
    let said = of_region(&mut transaction, Some(&region), times).await?;
    transaction.commit().await?;
    Ok(Json(said))
}

/// How far all buildings are used, by the regions that have buildings.
#[utoipa::path(get, path = "/api/v1/utilisation", operation_id = "get_utilisation_of_all", tag = "occupancy",
    params(("as_of" = Option<String>, Query), ("known_at" = Option<String>, Query)),
    responses((status = 200, body = UtilisationOfRegion)))]
async fn get_utilisation_of_all(context: Context, times: Times) -> Result<Json<UtilisationOfRegion>, Problem> {
    let mut transaction = context.database.begin_snapshot().await?;
    let said = of_region(&mut transaction, None, times).await?;
    transaction.commit().await?;
    Ok(Json(said))
}

/// By the regions directly below one, or by every region where none is named; the longest code that fits counts.
async fn of_region(
    connection: &mut PgConnection,
    region: Option<&Region>,
    times: Times,
) -> Result<UtilisationOfRegion, Fault> {
    let code = region.map_or("", |region| region.code.as_str());
    let place = (!code.is_empty()).then_some(code);
    let book = Book::read(connection, &Scope::Region(code.to_owned()), place, times).await?;
    let regions = regions_under(connection, region.map(|region| region.id), times).await?;
    let mut all = StateSums::default();
    let mut below: BTreeMap<Uuid, StateSums> = BTreeMap::new();
    for building in &book.buildings {
        let found = book.of_building(building);
        all.add(building, &found);
        let lies_in = building.region_code.as_deref().unwrap_or(code);
        if let Some(region) = region_of(&regions, lies_in) {
            below.entry(region.id).or_default().add(building, &found);
        }
    }
    Ok(UtilisationOfRegion {
        as_of: times.as_of,
        by_state: all.told(),
        groups: regions
            .into_iter()
            .filter_map(|region| {
                Some(RegionStates {
                    by_state: below.get(&region.id)?.told(),
                    id: region.id,
                    code: region.code,
                    name: region.name,
                })
            })
            .collect(),
    })
}

/// The routes of utilisation.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(get_utilisation_of_all))
        .routes(routes!(get_unit_utilisation))
        .routes(routes!(get_region_utilisation))
        .routes(routes!(get_utilisation))
}
