//! A version as a GeoJSON feature.

use serde::ser::{Serialize, SerializeMap, Serializer};
use sqlx::{FromRow, Postgres, QueryBuilder};
use time::format_description::well_known::Rfc3339;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::crs::Crs;
use super::held_at::HeldAt;
use crate::clock::Clock;
use crate::request::Fault;
use crate::spatial_units::Kind;

/// What a feature is made of.
#[derive(Debug, FromRow)]
pub(super) struct FeatureRow {
    pub object_id: Uuid,
    kind: String,
    feature_id: i64,
    code: Option<String>,
    name: Option<String>,
    address: Option<String>,
    region_code: Option<String>,
    unit: Option<String>,
    unit_name: Option<String>,
    title_status: Option<String>,
    usage: Option<String>,
    occupancy: Option<String>,
    admin_level: Option<String>,
    secrecy: Option<String>,
    idle_since: Option<Date>,
    area_m2: Option<f64>,
    registered_area_m2: Option<f64>,
    unit_code: Option<String>,
    land_use_scheme: Option<String>,
    land_use_code: Option<String>,
    floors_above: Option<i16>,
    floors_below: Option<i16>,
    structure: Option<String>,
    completed_year: Option<i16>,
    valid_from: Option<Date>,
    valid_to: Option<Date>,
    recorded_from: Option<OffsetDateTime>,
    dataset: Option<String>,
    source_key: Option<String>,
    geojson: Option<String>,
}

/// The tables of a question beside the version `v`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Joined {
    pub identity: bool,
    pub unit: bool,
}

/// What comes behind `select …`: the tables, and `where` with the kind and the time.
pub(super) fn push_source(
    select: &mut QueryBuilder<Postgres>,
    kind: Kind,
    held_at: HeldAt,
    joined: Joined,
    clock: &Clock,
) {
    select.push(" from spatial_unit_version v");
    if joined.identity {
        select.push(" join spatial_unit u on u.id = v.object_id");
    }
    if joined.unit {
        select
            .push(" left join unit_version w on w.object_id = v.unit_id and w.valid @> ")
            .push_bind(held_at.last_day(clock))
            .push(" and w.recorded @> ")
            .push_bind(held_at.known_at);
    }
    select.push(" where v.kind = ").push_bind(kind.word()).push(" and ");
    held_at.push(select);
}

/// Begins the question for features.
pub(super) fn select_features(kind: Kind, held_at: HeldAt, crs: Crs, clock: &Clock) -> QueryBuilder<Postgres> {
    let mut select = QueryBuilder::new(
        "select v.object_id, v.kind, u.feature_id, v.code, v.name, v.address, v.region_code, w.code as unit, \
         w.name as unit_name, v.title_status, v.usage, v.occupancy, v.admin_level, v.secrecy, v.idle_since, v.area_m2, \
         v.registered_area_m2::float8 as registered_area_m2, v.unit_code, v.land_use_scheme, v.land_use_code, \
         v.floors_above, v.floors_below, v.structure, v.completed_year, lower(v.valid) as valid_from, \
         upper(v.valid) as valid_to, lower(v.recorded) as recorded_from, u.dataset, u.source_key, ",
    );
    select.push(crs.geojson_sql()).push(" as geojson");
    let joined = Joined {
        identity: true,
        unit: true,
    };
    push_source(&mut select, kind, held_at, joined, clock);
    select
}

impl FeatureRow {
    /// Is account kept of who reads it?
    pub fn is_restricted(&self) -> bool {
        self.secrecy.as_deref() == Some(crate::spatial_units::RESTRICTED)
    }

    /// Writes the feature; `links` is more JSON to stand in it, beginning with a comma.
    ///
    /// # Errors
    /// None that can be: the memory is there.
    pub fn write(&self, out: &mut Vec<u8>, links: &str) -> Result<(), Fault> {
        out.extend_from_slice(b"{\"type\":\"Feature\",\"id\":\"");
        out.extend_from_slice(self.object_id.to_string().as_bytes());
        out.extend_from_slice(b"\",\"geometry\":");
        // Written by the database, as JSON.
        out.extend_from_slice(self.geojson.as_deref().unwrap_or("null").as_bytes());
        out.extend_from_slice(b",\"properties\":");
        serde_json::to_writer(&mut *out, &Properties(self)).map_err(|error| Fault::Impossible {
            what: format!("a feature can't be written: {error}"),
        })?;
        out.extend_from_slice(links.as_bytes());
        out.push(b'}');
        Ok(())
    }
}

struct Properties<'a>(&'a FeatureRow);

impl Serialize for Properties<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let row = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("feature_id", &row.feature_id)?;
        map.serialize_entry("code", &row.code)?;
        map.serialize_entry("name", &row.name)?;
        map.serialize_entry("address", &row.address)?;
        map.serialize_entry("region", &row.region_code)?;
        map.serialize_entry("unit", &row.unit)?;
        map.serialize_entry("unit_name", &row.unit_name)?;
        map.serialize_entry("title_status", &row.title_status)?;
        map.serialize_entry("usage", &row.usage)?;
        map.serialize_entry("occupancy", &row.occupancy)?;
        map.serialize_entry("admin_level", &row.admin_level)?;
        map.serialize_entry("secrecy", &row.secrecy)?;
        map.serialize_entry("idle", &row.occupancy.as_deref().map(|occupancy| occupancy == "idle"))?;
        map.serialize_entry("idle_since", &row.idle_since.map(|day| day.to_string()))?;
        map.serialize_entry("area_m2", &row.area_m2)?;
        map.serialize_entry("registered_area_m2", &row.registered_area_m2)?;
        match Kind::from_word(&row.kind) {
            Some(Kind::Parcel) => {
                map.serialize_entry("unit_code", &row.unit_code)?;
                map.serialize_entry("land_use_scheme", &row.land_use_scheme)?;
                map.serialize_entry("land_use_code", &row.land_use_code)?;
            }
            Some(Kind::Building) => {
                map.serialize_entry("floors_above", &row.floors_above)?;
                map.serialize_entry("floors_below", &row.floors_below)?;
                map.serialize_entry("structure", &row.structure)?;
                map.serialize_entry("completed_year", &row.completed_year)?;
            }
            _ => {}
        }
        map.serialize_entry("valid_from", &row.valid_from.map(|day| day.to_string()))?;
        map.serialize_entry("valid_to", &row.valid_to.map(|day| day.to_string()))?;
        let recorded_from = row.recorded_from.and_then(|instant| instant.format(&Rfc3339).ok());
        map.serialize_entry("recorded_from", &recorded_from)?;
        map.serialize_entry("dataset", &row.dataset)?;
        map.serialize_entry("source_key", &row.source_key)?;
        map.end()
    }
}
