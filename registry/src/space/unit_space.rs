//! What a unit has and what is due to it, for whoever judges what it asks for.

use rust_decimal::Decimal;
use space_standard::{Grade, Level};
use sqlx::PgConnection;
use uuid::Uuid;

use super::book;
use super::entitlement::{Measured, calculate, seated_buildings};
use super::settings;
use super::shown::BothLanguages;
use crate::request::{Fault, Times};
use crate::versioned::Named;

/// A unit's basic office space (基本办公用房), m² of use area.
#[derive(Debug, Clone)]
pub struct UnitSpace {
    /// Its level.
    pub level: String,
    /// Where it sits.
    pub region_code: Option<String>,
    /// What is due by its headcount, or why that can't be said.
    pub entitled_m2: Result<Decimal, BothLanguages>,
    /// What it has, building by building.
    pub has: Vec<(Uuid, Decimal)>,
}

/// Works it out at a date; none where there is no such unit.
///
/// # Errors
/// The database's.
pub async fn unit_space(connection: &mut PgConnection, id: Uuid, times: Times) -> Result<Option<UnitSpace>, Fault> {
    let Some(unit) = book::unit(connection, id, times).await? else {
        return Ok(None);
    };
    let parameters = settings().map_err(Fault::from)?.of_region(unit.region_code.as_deref());
    let rooms = book::rooms(connection, (Some(id), None), times).await?;
    let mut building_ids: Vec<Uuid> = rooms.iter().map(|room| room.building_id).collect();
    building_ids.sort_unstable();
    building_ids.dedup();
    let buildings = book::buildings(connection, &building_ids, times).await?;
    let measured: Vec<Measured<'_>> = rooms
        .iter()
        .map(|room| Measured::of(room, buildings.get(&room.building_id), &parameters))
        .collect();
    let seated = seated_buildings(&measured, &buildings, &parameters);
    let has = building_ids
        .into_iter()
        .map(|building| {
            let rooms = measured
                .iter()
                .filter(|room| room.is_basic() && room.room.building_id == building);
            (building, rooms.map(|room| room.use_area_m2).sum())
        })
        .collect();
    Ok(Some(UnitSpace {
        entitled_m2: calculate(&unit, &seated, &parameters).map(|calculation| calculation.use_area_m2),
        level: unit.level,
        region_code: unit.region_code,
        has,
    }))
}

/// What is due to each of some units by its headcount, m² of use area of basic office space, or why that can't be said.
///
/// # Errors
/// The database's.
pub async fn entitled_areas(
    connection: &mut PgConnection,
    ids: &[Uuid],
    times: Times,
) -> Result<Vec<(Named, Result<Decimal, BothLanguages>)>, Fault> {
    let settings = settings().map_err(Fault::from)?;
    Ok(book::units(connection, ids, times)
        .await?
        .into_iter()
        .map(|unit| {
            let parameters = settings.of_region(unit.region_code.as_deref());
            // Use area doesn't depend on where it sits: only building area does, by the height of the house.
            let entitled = calculate(&unit, &[], &parameters).map(|calculation| calculation.use_area_m2);
            let named = Named {
                id: unit.id,
                code: Some(unit.code),
                name: Some(unit.name),
            };
            (named, entitled)
        })
        .collect())
}

/// The office of somebody of that rank, m² of use area at most.
///
/// # Errors
/// The settings'; inside, why there is no limit.
pub fn rank_limit_m2(level: &str, region: Option<&str>, rank: &str) -> Result<Result<Decimal, BothLanguages>, Fault> {
    let parameters = settings().map_err(Fault::from)?.of_region(region);
    let Some(level) = Level::parse(level) else {
        return Ok(Err(BothLanguages::new(
            "单位的层级不在标准之内",
            "the unit's level is none of the standard",
        )));
    };
    Ok(match Grade::parse(level, rank) {
        Ok(grade) => Ok(grade.limit_m2(&parameters)),
        Err(refused) => Err(BothLanguages::new(
            format!("职级“{rank}”不在{}的限额表内（SPC-10）", level.name().zh),
            format!("{refused} (SPC-10)"),
        )),
    })
}
