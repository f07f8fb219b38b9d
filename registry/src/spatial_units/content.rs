//! What a version of a spatial unit says.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::Date;
use uuid::Uuid;

use super::Kind;
use crate::ids::UnitId;
use crate::period::day;
use crate::request::Place;

/// A geometry that was mended when it came in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Repair {
    /// What was wrong with it.
    pub reason: String,
    /// Its plane area as it came, m².
    pub area_before_m2: f64,
    /// Its plane area as mended, m².
    pub area_after_m2: f64,
}

/// Everything a version says; the periods and ids stand beside it. The order of the fields and what is left out when
/// absent are part of the version's digest in the ledger: new fields go to the end and are skipped when empty.
#[derive(Debug, Clone, Serialize)]
pub struct Content {
    /// Parcel, building or site.
    pub kind: Kind,
    /// The business code: parcel code (宗地代码), building code, site code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 坐落
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The region it lies in (行政区划代码).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_code: Option<String>,
    /// The unit that uses it (使用单位).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<UnitId>,
    /// 权属登记情况
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title_status: Option<String>,
    /// 用途
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<String>,
    /// 使用状态
    #[serde(skip_serializing_if = "Option::is_none")]
    pub occupancy: Option<String>,
    /// Idle since this day (闲置起始).
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub idle_since: Option<Date>,
    /// Plane area in its own 3-degree Gauss–Kruger zone, m².
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_m2: Option<f64>,
    /// Area by certificate or source, m², four decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registered_area_m2: Option<Decimal>,
    /// 不动产单元号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_code: Option<String>,
    /// The edition of the land-use classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub land_use_scheme: Option<String>,
    /// The land-use class (地类编码).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub land_use_code: Option<String>,
    /// Storeys above ground.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floors_above: Option<i16>,
    /// Storeys below ground.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floors_below: Option<i16>,
    /// 房屋结构
    #[serde(skip_serializing_if = "Option::is_none")]
    pub structure: Option<String>,
    /// Year of completion (竣工年份).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed_year: Option<i16>,
    /// EWKB, longitude and latitude, EPSG:4490. In the digest as bytes, in the ledger as its SHA-256.
    #[serde(skip)]
    pub geometry: Option<Vec<u8>>,
    /// The tile engine's form of the geometry.
    #[serde(skip)]
    pub tile_shape: Option<Vec<u8>>,
    /// What the file said, word for word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_attributes: Option<Box<RawValue>>,
    /// The row of the file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_row: Option<i64>,
    /// The import that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_id: Option<Uuid>,
    /// What was mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repair: Option<Repair>,
    /// The geometry before it was mended, EWKB.
    #[serde(skip)]
    pub original_geometry: Option<Vec<u8>>,
    /// Whose it is (本级): `national`, `province`, `city`, `county`, `township`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin_level: Option<String>,
    /// 密级: `public`, `internal`, `classified`. What is classified has no shape here (GEO-15).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrecy: Option<String>,
}

impl Content {
    /// An empty content of a kind.
    #[must_use]
    pub fn empty(kind: Kind) -> Self {
        Self {
            kind,
            code: None,
            name: None,
            address: None,
            region_code: None,
            unit_id: None,
            title_status: None,
            usage: None,
            occupancy: None,
            idle_since: None,
            area_m2: None,
            registered_area_m2: None,
            unit_code: None,
            land_use_scheme: None,
            land_use_code: None,
            floors_above: None,
            floors_below: None,
            structure: None,
            completed_year: None,
            geometry: None,
            tile_shape: None,
            source_attributes: None,
            source_row: None,
            import_id: None,
            repair: None,
            original_geometry: None,
            admin_level: None,
            secrecy: None,
        }
    }

    /// Whose part of the registry it is.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            region_code: self.region_code.clone(),
            admin_level: self.admin_level.clone(),
            unit_id: self.unit_id,
        }
    }

    /// Is it classified (涉密) and has a shape all the same? Then it is not to be stored (GEO-15).
    #[must_use]
    pub fn is_classified_with_shape(&self) -> bool {
        self.secrecy.as_deref() == Some("classified")
            && (self.geometry.is_some() || self.tile_shape.is_some() || self.original_geometry.is_some())
    }

    /// Does a newly read content say the same about the world as a held one? Which import brought it and in which row
    /// it stood does not matter; a field that the file does not speak of keeps what was there.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.code == other.code
            && self.name == other.name
            && self.address == other.address
            && self.region_code == other.region_code
            && self.unit_id == other.unit_id
            && self.title_status == other.title_status
            && self.usage == other.usage
            && self.occupancy == other.occupancy
            && self.idle_since == other.idle_since
            && self.registered_area_m2 == other.registered_area_m2
            && self.unit_code == other.unit_code
            && self.land_use_scheme == other.land_use_scheme
            && self.land_use_code == other.land_use_code
            && self.floors_above == other.floors_above
            && self.floors_below == other.floors_below
            && self.structure == other.structure
            && self.completed_year == other.completed_year
            && self.geometry == other.geometry
            && self.original_geometry == other.original_geometry
            && self.admin_level == other.admin_level
            && self.secrecy == other.secrecy
            && self.source_attributes.as_ref().map(|text| text.get())
                == other.source_attributes.as_ref().map(|text| text.get())
    }

    /// The names of the fields in which two contents differ.
    #[must_use]
    pub fn changed_fields(&self, before: &Self) -> Vec<&'static str> {
        let mut changed = Vec::new();
        let mut note = |name, differs: bool| {
            if differs {
                changed.push(name);
            }
        };
        note("code", self.code != before.code);
        note("name", self.name != before.name);
        note("address", self.address != before.address);
        note("region", self.region_code != before.region_code);
        note("unit", self.unit_id != before.unit_id);
        note("title_status", self.title_status != before.title_status);
        note("usage", self.usage != before.usage);
        note("occupancy", self.occupancy != before.occupancy);
        note("idle_since", self.idle_since != before.idle_since);
        note(
            "registered_area_m2",
            self.registered_area_m2 != before.registered_area_m2,
        );
        note("unit_code", self.unit_code != before.unit_code);
        note(
            "land_use",
            self.land_use_scheme != before.land_use_scheme || self.land_use_code != before.land_use_code,
        );
        note("floors_above", self.floors_above != before.floors_above);
        note("floors_below", self.floors_below != before.floors_below);
        note("structure", self.structure != before.structure);
        note("completed_year", self.completed_year != before.completed_year);
        note("admin_level", self.admin_level != before.admin_level);
        note("secrecy", self.secrecy != before.secrecy);
        note("geometry", self.geometry != before.geometry);
        note(
            "source_attributes",
            self.source_attributes.as_ref().map(|text| text.get())
                != before.source_attributes.as_ref().map(|text| text.get()),
        );
        changed
    }
}
