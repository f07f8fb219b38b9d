//! The statement that reads a layer: its columns and its shape, narrowed as the layer's list is.

use gis_data::Layer;
use serde::de::DeserializeOwned;
use sqlx::{Postgres, QueryBuilder};

use super::fields::Field;
use crate::request::{Problem, Times};
use crate::{regions, rights, rooms, spatial_units, units};

/// Which rows of a layer; the same parameters as the layer's list.
#[derive(Debug, Clone)]
pub enum Filter {
    /// Of parcels, buildings or sites.
    SpatialUnits(spatial_units::ListQuery),
    /// Of regions.
    Regions(regions::ListQuery),
    /// Of units.
    Units(units::ListQuery),
    /// Of rooms.
    Rooms(rooms::ListQuery),
    /// Of rights.
    Titles(rights::ListQuery),
}

impl Filter {
    /// Reads the parameters of the layer's list from pairs of name and value.
    ///
    /// # Errors
    /// A problem naming the parameter that the layer doesn't have or that can't be read.
    pub fn of_pairs(layer: Layer, pairs: &[(&str, String)]) -> Result<Self, Problem> {
        let known = match layer {
            Layer::Parcels | Layer::Buildings | Layer::Sites => &[
                "q",
                "region",
                "unit",
                "title_status",
                "usage",
                "occupancy",
                "admin_level",
                "secrecy",
                "bbox",
                "dataset",
                "sort",
            ][..],
            Layer::Regions => &["q", "parent", "level", "scheme", "dataset"],
            Layer::Units => &["q", "region", "level", "kind", "parent", "dataset"],
            Layer::Rooms => &["q", "building", "floor", "unit", "occupancy", "room_type", "dataset"],
            Layer::Titles => &["asset", "dataset"],
        };
        if let Some((name, _)) = pairs.iter().find(|(name, _)| !known.contains(name)) {
            return Err(
                Problem::bad(name, format!("{} can't be narrowed by {name}", layer.as_str()))
                    .remedy(format!("narrow by one of {}", known.join(", "))),
            );
        }
        let address = axum::http::Uri::builder()
            .path_and_query(format!("/?{}", query_string(pairs)))
            .build()
            .map_err(|error| Problem::bad("query", error.to_string()))?;
        Ok(match layer {
            Layer::Parcels | Layer::Buildings | Layer::Sites => Self::SpatialUnits(parse(&address)?),
            Layer::Regions => Self::Regions(parse(&address)?),
            Layer::Units => Self::Units(parse(&address)?),
            Layer::Rooms => Self::Rooms(parse(&address)?),
            Layer::Titles => Self::Titles(parse(&address)?),
        })
    }
}

fn parse<T: DeserializeOwned>(address: &axum::http::Uri) -> Result<T, Problem> {
    axum::extract::Query::<T>::try_from_uri(address)
        .map(|query| query.0)
        .map_err(|error| Problem::bad("query", error.body_text()))
}

fn query_string(pairs: &[(&str, String)]) -> String {
    let escape = |text: &str| -> String {
        text.bytes()
            .map(|byte| match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect()
    };
    pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", escape(value)))
        .collect::<Vec<_>>()
        .join("&")
}

/// The statement: the fields in order, then the shape as EWKB where the layer has one.
pub(super) fn statement(
    layer: Layer,
    fields: &[Field],
    with_shape: bool,
    times: Times,
    filter: &Filter,
) -> Result<QueryBuilder<Postgres>, Problem> {
    let mut select = QueryBuilder::new("select ");
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            select.push(", ");
        }
        select.push(field.sql);
    }
    if with_shape {
        select.push(", v.geometry::bytea");
    }
    match (layer, filter) {
        (Layer::Parcels | Layer::Buildings | Layer::Sites, Filter::SpatialUnits(query)) => {
            select.push(" from spatial_unit u join spatial_unit_version v on v.object_id = u.id");
            join(&mut select, "unit_version", "w", "object_id", "v.unit_id", times);
            join(&mut select, "region_version", "r", "code", "v.region_code", times);
            spatial_units::narrow(&mut select, kind_of(layer)?, times, query)?;
            spatial_units::push_order(&mut select, query)?;
        }
        (Layer::Regions, Filter::Regions(query)) => {
            select.push(" from region_version v");
            join(&mut select, "region_version", "p", "object_id", "v.parent_id", times);
            regions::narrow(&mut select, times, query)?;
            select.push(" order by v.scheme, v.code, v.object_id");
        }
        (Layer::Units, Filter::Units(query)) => {
            select.push(" from unit_version v");
            join(&mut select, "unit_version", "p", "object_id", "v.parent_id", times);
            join(&mut select, "region_version", "r", "code", "v.region_code", times);
            units::narrow(&mut select, times, query)?;
            select.push(" order by v.code, v.object_id");
        }
        (Layer::Rooms, Filter::Rooms(query)) => {
            select.push(" from room_version v");
            join(
                &mut select,
                "spatial_unit_version",
                "b",
                "object_id",
                "v.building_id",
                times,
            );
            join(&mut select, "unit_version", "w", "object_id", "v.unit_id", times);
            rooms::narrow(&mut select, times, query)?;
            select.push(" order by b.code, v.building_id, v.floor, v.number, v.object_id");
        }
        (Layer::Titles, Filter::Titles(query)) => {
            select.push(
                " from listed_right_version v left join lateral (select code, name from spatial_unit_version
                   where object_id = v.asset_id and valid @> ",
            );
            select.push_bind(times.as_of).push(" and recorded @> ");
            select.push_bind(times.known_at).push(" limit 1) b on true");
            rights::narrow(&mut select, times, query);
            select.push(" order by v.dataset, v.source_row, v.object_id");
        }
        _ => return Err(Problem::bad("layer", "the filter belongs to another layer")),
    }
    Ok(select)
}

/// The ids of the restricted assets that the statement would give; none for layers without any.
pub(super) fn restricted(
    layer: Layer,
    times: Times,
    filter: &Filter,
) -> Result<Option<QueryBuilder<Postgres>>, Problem> {
    // What hangs on an asset is told of it.
    let on_it = |select: &mut QueryBuilder<Postgres>, asset: &str| {
        select
            .push(" and exists (select from spatial_unit_version s where s.object_id = ")
            .push(asset)
            .push(" and s.secrecy = ")
            .push_bind(spatial_units::RESTRICTED)
            .push(")");
    };
    let query = match filter {
        Filter::SpatialUnits(query) => query,
        Filter::Rooms(query) => {
            let mut select = QueryBuilder::new("select distinct v.building_id from room_version v");
            rooms::narrow(&mut select, times, query)?;
            on_it(&mut select, "v.building_id");
            return Ok(Some(select));
        }
        Filter::Titles(query) => {
            let mut select = QueryBuilder::new("select distinct v.asset_id from listed_right_version v");
            rights::narrow(&mut select, times, query);
            on_it(&mut select, "v.asset_id");
            return Ok(Some(select));
        }
        Filter::Regions(_) | Filter::Units(_) => return Ok(None),
    };
    let mut select =
        QueryBuilder::new("select v.object_id from spatial_unit u join spatial_unit_version v on v.object_id = u.id");
    spatial_units::narrow(&mut select, kind_of(layer)?, times, query)?;
    select.push(" and v.secrecy = ").push_bind(spatial_units::RESTRICTED);
    Ok(Some(select))
}

fn kind_of(layer: Layer) -> Result<spatial_units::Kind, Problem> {
    spatial_units::Kind::of_path(layer.as_str())
}

/// Joins code and name of what a row points to, as it was at that time. At most one row each, so that nothing is told
/// twice: a region's code may stand in two schemes.
fn join(
    select: &mut QueryBuilder<Postgres>,
    table: &'static str,
    alias: &'static str,
    key: &'static str,
    reference: &'static str,
    times: Times,
) {
    select
        .push(" left join (select distinct on (")
        .push(key)
        .push(") ")
        .push(key)
        .push(if key == "code" {
            ", name from "
        } else {
            ", code, name from "
        })
        .push(table)
        .push(" where valid @> ")
        .push_bind(times.as_of)
        .push(" and recorded @> ")
        .push_bind(times.known_at)
        .push(" order by ")
        .push(key);
    if table == "region_version" {
        select.push(", scheme, object_id");
    }
    select
        .push(") ")
        .push(alias)
        .push(" on ")
        .push(alias)
        .push(".")
        .push(key)
        .push(" = ")
        .push(reference);
}
