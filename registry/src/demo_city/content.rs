//! What the generator says, as the nouns say it.

use gis_data::demo_city::{DemoAsset, DemoRoom, DemoUnit, Hundredths};
use rust_decimal::Decimal;
use time::Date;
use time::format_description::well_known::Iso8601;

use super::{DATASET, impossible};
use crate::ids::{SpatialUnitId, UnitId};
use crate::request::Fault;
use crate::rooms::RoomContent;
use crate::spatial_units::{Content, Kind};
use crate::units::UnitContent;

/// The edition of the land-use classes that the city's parcels declare.
const LAND_USE_SCHEME: &str = "GB21010-2017";

fn decimal(area: Hundredths) -> Decimal {
    Decimal::new(area.0, 2).normalize()
}

pub(super) fn unit(unit: &DemoUnit, ids: &[UnitId]) -> UnitContent {
    UnitContent {
        code: unit.code.clone(),
        name: unit.name.clone(),
        level: unit.level.to_owned(),
        kind: unit.kind.to_owned(),
        region_code: Some(unit.region.to_owned()),
        parent_id: unit.parent.and_then(|parent| ids.get(parent)).copied(),
        headcount: unit.headcount.clone(),
        dataset: Some(DATASET.to_owned()),
        source_key: Some(unit.code.clone()),
        source_attributes: None,
    }
}

pub(super) fn asset(asset: &DemoAsset, kind: Kind, units: &[UnitId]) -> Result<Content, Fault> {
    let geometry = asset.geometry.as_ref();
    let tile_shape = geometry
        .map(|shape| crate::geometry::tile_shape(shape).map_err(|problem| impossible(problem.detail)))
        .transpose()?;
    let said = |text: &str| Some(text.to_owned());
    Ok(Content {
        code: asset.code.clone(),
        name: asset.name.clone(),
        address: said(&asset.address),
        region_code: said(asset.region),
        unit_id: asset.unit.and_then(|unit| units.get(unit)).copied(),
        title_status: asset.title_status.and_then(said),
        usage: said(asset.usage),
        occupancy: said(asset.occupancy),
        idle_since: asset
            .idle_since
            .as_deref()
            .map(|day| Date::parse(day, &Iso8601::DATE).map_err(impossible))
            .transpose()?,
        area_m2: geometry.and_then(crate::geometry::area_m2),
        registered_area_m2: asset.registered_area.map(decimal),
        unit_code: asset.unit_code.clone(),
        land_use_scheme: asset.land_use.and(said(LAND_USE_SCHEME)),
        land_use_code: asset.land_use.and_then(said),
        floors_above: asset.storeys_above,
        floors_below: asset.storeys_below,
        structure: asset.structure.and_then(said),
        completed_year: asset.completed,
        geometry: geometry.map(crate::geometry::ewkb).transpose()?,
        tile_shape,
        // The city's own (市本级): what the province or a county has there is not in the example.
        admin_level: said("city"),
        secrecy: said("public"),
        source_attributes: if asset.attributes.is_empty() {
            None
        } else {
            Some(serde_json::value::to_raw_value(&asset.attributes).map_err(impossible)?)
        },
        ..Content::empty(kind)
    })
}

pub(super) fn room(room: &DemoRoom, building_id: SpatialUnitId, units: &[UnitId]) -> RoomContent {
    RoomContent {
        building_id,
        floor: room.floor,
        number: room.number.clone(),
        name: room.name.map(ToOwned::to_owned),
        use_area_m2: Some(decimal(room.use_area)),
        building_area_m2: Some(decimal(room.building_area)),
        unit_id: room.unit.and_then(|unit| units.get(unit)).copied(),
        occupancy: Some(room.occupancy.to_owned()),
        dataset: Some(DATASET.to_owned()),
        source_key: Some(room.key.clone()),
        source_attributes: None,
    }
}
