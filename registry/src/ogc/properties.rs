//! What features say, and what they may be asked by: `/ogc/collections/{collection}/queryables`.

use axum::extract::Path;
use axum::response::Response;
use serde_json::{Map, Value, json};

use super::asked::{Asked, collection};
use crate::request::Problem;
use crate::spatial_units::Kind;

/// What kind of value a property has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueKind {
    /// The object's id.
    Id,
    /// Words.
    Text,
    /// A number.
    Number,
    /// A whole number.
    Whole,
    /// Yes or no.
    Flag,
    /// A day.
    Day,
    /// An instant.
    Instant,
}

/// Another table that a property stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// None: it is in the version `v`.
    Nothing,
    /// The identity `u`.
    Identity,
    /// The using unit `w`.
    Unit,
}

/// A property of features.
#[derive(Debug, PartialEq)]
pub(super) struct Property {
    /// Its name, as in the tiles where those have it.
    pub name: &'static str,
    /// The SQL that gives it.
    pub expression: &'static str,
    /// What kind of value it is.
    pub value: ValueKind,
    /// What it stands in.
    pub beside: Beside,
    /// In words.
    pub title: &'static str,
    /// m² and the like.
    pub unit: Option<&'static str>,
    /// The words it may be, where they are a closed list.
    pub words: &'static [&'static str],
    /// The one kind of unit that has it; none where all do.
    only: Option<Kind>,
}

const fn property(name: &'static str, expression: &'static str, value: ValueKind, title: &'static str) -> Property {
    Property {
        name,
        expression,
        value,
        beside: Beside::Nothing,
        title,
        unit: None,
        words: &[],
        only: None,
    }
}

/// Every property, in the order of the features.
static PROPERTIES: [Property; 29] = [
    property("id", "v.object_id::text", ValueKind::Id, "Id of the object"),
    Property {
        beside: Beside::Identity,
        ..property(
            "feature_id",
            "u.feature_id",
            ValueKind::Whole,
            "Number of the feature in the tiles",
        )
    },
    property("code", "v.code", ValueKind::Text, "代码 code"),
    property("name", "v.name", ValueKind::Text, "名称 name"),
    property("address", "v.address", ValueKind::Text, "坐落 address"),
    property("region", "v.region_code", ValueKind::Text, "行政区划代码 region code"),
    Property {
        beside: Beside::Unit,
        ..property("unit", "w.code", ValueKind::Text, "使用单位代码 code of the using unit")
    },
    Property {
        beside: Beside::Unit,
        ..property(
            "unit_name",
            "w.name",
            ValueKind::Text,
            "使用单位 name of the using unit",
        )
    },
    Property {
        words: &[
            "unified",
            "other_handed",
            "other_not_handed",
            "none_handed",
            "none_not_handed",
            "other",
        ],
        ..property(
            "title_status",
            "v.title_status",
            ValueKind::Text,
            "权属登记情况 title status",
        )
    },
    Property {
        words: &[
            "administrative_office",
            "housing_security",
            "technical",
            "public_service",
            "commercial",
            "idle_land",
            "other",
        ],
        ..property("usage", "v.usage", ValueKind::Text, "用途 usage")
    },
    Property {
        words: &[
            "in_use",
            "idle",
            "let",
            "lent",
            "rented_in",
            "borrowed_in",
            "under_repair",
            "vacating",
            "dangerous",
            "demolished",
        ],
        ..property("occupancy", "v.occupancy", ValueKind::Text, "使用状态 occupancy")
    },
    Property {
        words: &["national", "province", "city", "county", "township"],
        ..property("admin_level", "v.admin_level", ValueKind::Text, "本级 whose it is")
    },
    Property {
        words: &["public", "internal", "classified"],
        ..property("secrecy", "v.secrecy", ValueKind::Text, "密级 secrecy")
    },
    property("idle", "(v.occupancy = 'idle')", ValueKind::Flag, "闲置 idle"),
    property("idle_since", "v.idle_since", ValueKind::Day, "闲置起始 idle since"),
    Property {
        unit: Some("m2"),
        ..property(
            "area_m2",
            "v.area_m2",
            ValueKind::Number,
            "图形面积 plane area in its own 3-degree zone",
        )
    },
    Property {
        unit: Some("m2"),
        ..property(
            "registered_area_m2",
            "v.registered_area_m2::float8",
            ValueKind::Number,
            "登记面积 area by certificate or source",
        )
    },
    Property {
        only: Some(Kind::Parcel),
        ..property(
            "unit_code",
            "v.unit_code",
            ValueKind::Text,
            "不动产单元号 real-estate unit code",
        )
    },
    Property {
        only: Some(Kind::Parcel),
        ..property(
            "land_use_scheme",
            "v.land_use_scheme",
            ValueKind::Text,
            "Edition of the land-use classes",
        )
    },
    Property {
        only: Some(Kind::Parcel),
        ..property(
            "land_use_code",
            "v.land_use_code",
            ValueKind::Text,
            "地类编码 land-use class",
        )
    },
    Property {
        only: Some(Kind::Building),
        ..property(
            "floors_above",
            "v.floors_above",
            ValueKind::Whole,
            "地上层数 storeys above ground",
        )
    },
    Property {
        only: Some(Kind::Building),
        ..property(
            "floors_below",
            "v.floors_below",
            ValueKind::Whole,
            "地下层数 storeys below ground",
        )
    },
    Property {
        only: Some(Kind::Building),
        ..property("structure", "v.structure", ValueKind::Text, "房屋结构 structure")
    },
    Property {
        only: Some(Kind::Building),
        ..property(
            "completed_year",
            "v.completed_year",
            ValueKind::Whole,
            "竣工年份 year of completion",
        )
    },
    property(
        "valid_from",
        "lower(v.valid)",
        ValueKind::Day,
        "True in law from this day",
    ),
    property(
        "valid_to",
        "upper(v.valid)",
        ValueKind::Day,
        "Until before this day; null while it goes on",
    ),
    property(
        "recorded_from",
        "lower(v.recorded)",
        ValueKind::Instant,
        "Known to the registry from this instant",
    ),
    Property {
        beside: Beside::Identity,
        ..property("dataset", "u.dataset", ValueKind::Text, "Data set it came with")
    },
    Property {
        beside: Beside::Identity,
        ..property(
            "source_key",
            "u.source_key",
            ValueKind::Text,
            "Its key in that data set",
        )
    },
];

/// The name of the geometry in filters.
pub(super) const GEOMETRY: &str = "geometry";

/// The properties of a collection's features.
pub(super) fn properties_of(kind: Kind) -> impl Iterator<Item = &'static Property> {
    PROPERTIES
        .iter()
        .filter(move |property| property.only.is_none_or(|only| only == kind))
}

/// A property by its name.
pub(super) fn find(kind: Kind, name: &str) -> Option<&'static Property> {
    properties_of(kind).find(|property| property.name == name)
}

impl Property {
    /// Its JSON schema.
    fn schema(&self) -> Value {
        let (kind, format) = match self.value {
            ValueKind::Id => ("string", Some("uuid")),
            ValueKind::Text => ("string", None),
            ValueKind::Number => ("number", None),
            ValueKind::Whole => ("integer", None),
            ValueKind::Flag => ("boolean", None),
            ValueKind::Day => ("string", Some("date")),
            ValueKind::Instant => ("string", Some("date-time")),
        };
        let mut schema = json!({"title": self.title, "type": kind});
        if let Some(format) = format {
            schema["format"] = json!(format);
        }
        if !self.words.is_empty() {
            schema["enum"] = json!(self.words);
        }
        if let Some(unit) = self.unit {
            schema["x-ogc-unit"] = json!(unit);
        }
        schema
    }

    /// Its schema as a parameter of the address has it.
    pub fn parameter_schema(&self) -> Value {
        let mut schema = self.schema();
        if let Some(fields) = schema.as_object_mut() {
            fields.remove("title");
            fields.remove("x-ogc-unit");
        }
        schema
    }
}

fn geometry_format(kind: Kind) -> &'static str {
    match kind {
        Kind::Site => "geometry-any",
        Kind::Parcel | Kind::Building => "geometry-polygon-or-multipolygon",
    }
}

/// `GET /ogc/collections/{collection}/queryables`: a JSON schema.
pub(super) async fn get_queryables(Path(name): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let kind = collection(&name)?;
    asked.refuse_all_but(&["f"])?;
    asked.form(&[("json", "application/schema+json application/json")])?;
    let mut fields = Map::new();
    fields.insert(
        GEOMETRY.to_owned(),
        json!({"title": "Geometry", "x-ogc-role": "primary-geometry",
               "format": geometry_format(kind)}),
    );
    for property in properties_of(kind) {
        fields.insert(property.name.to_owned(), property.schema());
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": asked.address(&asked.path),
        "type": "object",
        "title": super::collections::title(kind),
        "properties": fields,
        "additionalProperties": false,
    });
    Ok(asked.json("application/schema+json", &schema))
}

/// `GET /ogc/collections/{collection}/schema`: a JSON schema of the features as GeoJSON.
///
/// Clients take the types of the fields from it: in a page where a property is null throughout they could only guess.
pub(super) async fn get_schema(Path(name): Path<String>, asked: Asked) -> Result<Response, Problem> {
    let kind = collection(&name)?;
    asked.refuse_all_but(&["f"])?;
    asked.form(&[("json", "application/schema+json application/json")])?;
    let mut fields = Map::new();
    for property in properties_of(kind).filter(|property| property.value != ValueKind::Id) {
        let mut schema = property.schema();
        schema["nullable"] = json!(true);
        fields.insert(property.name.to_owned(), schema);
    }
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": asked.address(&asked.path),
        "type": "object",
        "title": super::collections::title(kind),
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string", "format": "uuid"},
            "geometry": {"title": "Geometry", "x-ogc-role": "primary-geometry", "format": geometry_format(kind)},
            "properties": {"type": "object", "properties": fields},
        },
    });
    Ok(asked.json("application/schema+json", &schema))
}
