//! A row of a file of regions.

use gis_data::Target;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::above::AncestorColumn;
use crate::geometry;
use crate::ids::RegionId;
use crate::imports::{Accepted, Refusal, RowWarning, signed};
use crate::regions::change::as_multipolygon;
use crate::regions::level::{code_has_form, level_of_word};

/// A row that is, or becomes, a region.
pub(super) struct Row {
    pub row: i64,
    pub key: String,
    pub id: Uuid,
    /// Is it registered already?
    pub is_held: bool,
    pub code: String,
    pub name: String,
    pub level: Option<&'static str>,
    level_word: Option<String>,
    pub parent_code: Option<String>,
    /// The regions above that its columns name: column, code and name, the nearest first.
    pub above: Vec<(usize, String, String)>,
    /// Its parent, where the file speaks of one.
    pub parent: Option<Option<Uuid>>,
    pub has_unknown_parent: bool,
    pub geometry: Option<Vec<u8>>,
    has_other_shape: bool,
    pub original_geometry: Option<Vec<u8>>,
    pub repair: Option<Box<RawValue>>,
    pub bbox: Option<[f64; 4]>,
    pub warnings: Vec<RowWarning>,
    /// The row as it came, for quarantine.
    pub raw: Option<Box<RawValue>>,
}

impl Row {
    pub(super) fn read(
        accepted: Accepted,
        object: Option<Uuid>,
        columns: &[AncestorColumn],
        mapping: &[(Target, String)],
    ) -> Self {
        let field = |target: Target| accepted.fields.get(target.as_str()).and_then(text);
        let mut source: Map<String, Value> = accepted
            .attributes
            .as_ref()
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        for (target, name) in mapping {
            if let Some(value) = accepted.fields.get(target.as_str()) {
                source.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        let column = |name: &str| source.get(name).and_then(text);
        let above = columns
            .iter()
            .enumerate()
            .filter_map(|(index, ancestor)| {
                let code = column(&ancestor.code_field)?;
                let name = column(&ancestor.name_field).unwrap_or_else(|| code.clone());
                Some((index, code, name))
            })
            .collect();
        let level_word = field(Target::Level);
        let shape = accepted
            .geometry
            .as_deref()
            .and_then(|ewkb| geometry::from_ewkb(ewkb).ok())
            .and_then(as_multipolygon);
        let geometry = shape.as_ref().and_then(|shape| geometry::ewkb(shape).ok());
        Self {
            row: signed(accepted.row),
            id: object.unwrap_or_else(|| RegionId::fresh().0),
            is_held: object.is_some(),
            code: field(Target::Code).unwrap_or_default(),
            name: field(Target::Name).unwrap_or_default(),
            level: level_word.as_deref().and_then(level_of_word),
            level_word,
            parent_code: field(Target::ParentCode),
            above,
            parent: None,
            has_unknown_parent: false,
            has_other_shape: geometry.is_none() && accepted.geometry.is_some(),
            geometry,
            repair: accepted
                .repair
                .as_ref()
                .and_then(|repair| serde_json::value::to_raw_value(repair).ok()),
            raw: serde_json::value::to_raw_value(&source).ok(),
            key: accepted.source_key,
            original_geometry: accepted.original_geometry,
            bbox: accepted.bbox,
            warnings: accepted.warnings,
        }
    }

    /// The regions above it, itself left out (a file of several levels may name each region in its own row).
    pub(super) fn above_it(&self) -> impl Iterator<Item = &(usize, String, String)> {
        self.above.iter().filter(|(_, code, _)| *code != self.code)
    }

    /// What stands against it, whatever the other rows say.
    pub(super) fn refusal(&self, scheme: &str) -> Option<Refusal> {
        if self.code.is_empty() {
            return Some(Refusal::missing_field("code"));
        }
        if self.name.is_empty() {
            return Some(Refusal::missing_field("name"));
        }
        let codes = std::iter::once(&self.code).chain(self.above.iter().map(|(_, code, _)| code));
        if let Some(code) = codes.into_iter().find(|code| !code_has_form(scheme, code)) {
            return Some(Refusal {
                code: "code_form",
                field: "code",
                zh: format!("{code} 不是 {scheme} 的代码"),
                en: format!("{code} is no code of {scheme}"),
            });
        }
        if let (Some(word), None) = (&self.level_word, self.level) {
            return Some(Refusal {
                code: "unknown_level",
                field: "level",
                zh: format!("不认识的区划级别：{word}"),
                en: format!("no level of regions is called {word}"),
            });
        }
        self.has_other_shape.then(|| Refusal {
            code: "unsupported_geometry",
            field: "geometry",
            zh: "区划的图形应为面".to_owned(),
            en: "the shape of a region is an area".to_owned(),
        })
    }

    /// The shape as GeoJSON, to be kept with the row.
    pub(super) fn geometry_text(&self) -> Option<String> {
        let shape = geometry::from_ewkb(self.geometry.as_deref()?).ok()?;
        Some(geojson::Geometry::from(&shape).to_string())
    }

    pub(super) fn forget_shape(&mut self) {
        self.geometry = None;
        self.original_geometry = None;
    }
}

/// An earlier row of the file has the same code under another key.
pub(super) fn same_code(code: &str, first: i64) -> Refusal {
    Refusal {
        code: "duplicate_code",
        field: "code",
        zh: format!("区划代码 {code} 与第 {first} 行重复"),
        en: format!("the code {code} stands in row {first} already"),
    }
}

/// Another region has the code.
pub(super) fn code_taken(code: &str) -> Refusal {
    Refusal {
        code: "code_taken",
        field: "code",
        zh: format!("区划代码 {code} 已由另一个在册区划使用"),
        en: format!("the code {code} belongs to another registered region"),
    }
}

/// Its parents lead back to it.
pub(super) fn in_a_circle(code: &str) -> Refusal {
    Refusal {
        code: "circle",
        field: "parent_code",
        zh: format!("区划 {code} 的上级最终指回它自己"),
        en: format!("the regions above {code} lead back to itself"),
    }
}

/// A text that is not empty; numbers as they are written.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
