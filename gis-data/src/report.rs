//! The words of a report: why a row was quarantined, mended or warned about.
//!
//! Every list here is closed. Codes are stable: they are stored, filtered by and translated.

use serde::{Serialize, Serializer, ser::SerializeMap};

/// A message in the two languages of the interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Words {
    /// Words from their Chinese and English text.
    pub fn new(zh: impl Into<String>, en: impl Into<String>) -> Words {
        Words {
            zh: zh.into(),
            en: en.into(),
        }
    }
}

/// What is wrong with the shape of a polygon, by the OGC Simple Features rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Defect {
    /// A ring crosses itself.
    SelfIntersection,
    /// A ring touches itself at a point (pinched ring).
    RingSelfTouch,
    /// A ring runs along itself: a spike, or the same line there and back.
    Spike,
    /// A ring has fewer than three distinct points or no area.
    TooFewPoints,
    /// Two rings of one polygon cross or share a line.
    RingsCross,
    /// A hole lies outside the shell.
    HoleOutsideShell,
    /// A hole lies inside another hole.
    NestedHoles,
    /// Rings touch in such a way that the interior falls apart.
    DisconnectedInterior,
    /// Two parts of a multi-polygon overlap or share a line.
    PartsOverlap,
}

impl Defect {
    /// The stable code.
    pub fn code(self) -> &'static str {
        match self {
            Defect::SelfIntersection => "self_intersection",
            Defect::RingSelfTouch => "ring_self_touch",
            Defect::Spike => "spike",
            Defect::TooFewPoints => "too_few_points",
            Defect::RingsCross => "rings_cross",
            Defect::HoleOutsideShell => "hole_outside_shell",
            Defect::NestedHoles => "nested_holes",
            Defect::DisconnectedInterior => "disconnected_interior",
            Defect::PartsOverlap => "parts_overlap",
        }
    }

    /// What it is called.
    pub fn words(self) -> Words {
        match self {
            Defect::SelfIntersection => Words::new("边界自相交", "the boundary crosses itself"),
            Defect::RingSelfTouch => Words::new("边界自接触", "the boundary touches itself"),
            Defect::Spike => Words::new("边界往返重叠（尖刺）", "the boundary runs back along itself (spike)"),
            Defect::TooFewPoints => Words::new(
                "环的不同点少于三个或面积为零",
                "a ring has fewer than three distinct points or no area",
            ),
            Defect::RingsCross => Words::new("内外环相交", "rings of the polygon cross"),
            Defect::HoleOutsideShell => Words::new("洞在外环之外", "a hole lies outside the shell"),
            Defect::NestedHoles => Words::new("洞中有洞", "a hole lies inside another hole"),
            Defect::DisconnectedInterior => Words::new("内部不连通", "the interior is not connected"),
            Defect::PartsOverlap => Words::new("各部分互相重叠", "parts of the shape overlap"),
        }
    }
}

impl Serialize for Defect {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words = self.words();
        let mut map = serializer.serialize_map(Some(3))?;
        map.serialize_entry("code", self.code())?;
        map.serialize_entry("zh", &words.zh)?;
        map.serialize_entry("en", &words.en)?;
        map.end()
    }
}

/// Why a row was not taken over. The closed list; [`Reason::code`] is stable.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// The record itself can't be read (not a feature, broken JSON, corrupt shapefile record).
    MalformedRecord {
        /// What the reader found.
        detail: String,
    },
    /// The record's geometry can't be read (wrong nesting, not numbers).
    MalformedGeometry {
        /// What the reader found.
        detail: String,
    },
    /// The layer needs a shape and the row has none.
    NoGeometry,
    /// The row has a shape without coordinates.
    EmptyGeometry,
    /// A coordinate is not a number or infinite.
    NotFinite,
    /// The layer doesn't take this kind of shape (a point among parcels, a collection, a multipatch).
    UnsupportedGeometry {
        /// The kind found, as GeoJSON names it.
        kind: String,
    },
    /// More vertices than allowed.
    TooManyVertices {
        /// Vertices counted (or the limit plus one where counting stopped).
        count: u64,
        /// The limit.
        limit: u64,
    },
    /// The coordinates lie outside what the coordinate system can hold.
    CoordinatesOutOfRange {
        /// The offending x as in the file.
        x: f64,
        /// The offending y as in the file.
        y: f64,
    },
    /// The shape lies outside the region it is said to lie in.
    OutsideRegion {
        /// Longitude of one of its places, degrees.
        lon: f64,
        /// Its latitude, degrees.
        lat: f64,
    },
    /// The shape is invalid and can't be mended within the tolerance.
    InvalidGeometry {
        /// What is wrong.
        defect: Defect,
        /// Where, longitude in degrees.
        lon: f64,
        /// Where, latitude in degrees.
        lat: f64,
        /// How much mending would change the area, in m²; nothing when it can't be mended at all.
        area_change_m2: Option<f64>,
    },
    /// The shape has so many crossing boxes that checking it would take too long.
    TooComplex,
    /// An earlier row of the same file has the same key.
    DuplicateKey {
        /// The row that was accepted with this key.
        first_row: u64,
    },
    /// The days of a version can't be read, or there are none: it ends where it begins, or before.
    InvalidPeriod {
        /// The beginning as in the file.
        from: Option<String>,
        /// The end as in the file.
        to: Option<String>,
    },
    /// Another version of the same object in the same file holds on some of its days.
    OverlappingPeriod {
        /// The row that was accepted with those days.
        first_row: u64,
    },
    /// A field the layer can't do without is missing or empty.
    MissingField {
        /// Our name of the field.
        field: String,
    },
    /// What is classified (涉密) came with a shape, which is not to be stored.
    ClassifiedWithShape,
    /// The row is about something outside of what whoever brings the file may edit.
    OutOfScope,
}

impl Reason {
    /// The stable code, snake case.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::MalformedRecord { .. } => "malformed_record",
            Reason::MalformedGeometry { .. } => "malformed_geometry",
            Reason::NoGeometry => "no_geometry",
            Reason::EmptyGeometry => "empty_geometry",
            Reason::NotFinite => "not_finite",
            Reason::UnsupportedGeometry { .. } => "unsupported_geometry",
            Reason::TooManyVertices { .. } => "too_many_vertices",
            Reason::CoordinatesOutOfRange { .. } => "coordinates_out_of_range",
            Reason::OutsideRegion { .. } => "outside_region",
            Reason::InvalidGeometry { .. } => "invalid_geometry",
            Reason::TooComplex => "too_complex",
            Reason::DuplicateKey { .. } => "duplicate_key",
            Reason::InvalidPeriod { .. } => "invalid_period",
            Reason::OverlappingPeriod { .. } => "overlapping_period",
            Reason::MissingField { .. } => "missing_field",
            Reason::ClassifiedWithShape => "classified_with_shape",
            Reason::OutOfScope => "out_of_scope",
        }
    }

    /// Our field the reason is about, where there is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Reason::MissingField { field } => Some(field),
            Reason::DuplicateKey { .. } => Some("key"),
            Reason::InvalidPeriod { .. } | Reason::OverlappingPeriod { .. } => Some("valid_from"),
            Reason::MalformedRecord { .. } | Reason::OutOfScope => None,
            _ => Some("geometry"),
        }
    }

    /// The reason in words.
    pub fn words(&self) -> Words {
        match self {
            Reason::MalformedRecord { detail } => Words::new(
                format!("该行无法读取：{detail}"),
                format!("the row can't be read: {detail}"),
            ),
            Reason::MalformedGeometry { detail } => Words::new(
                format!("图形无法读取：{detail}"),
                format!("the geometry can't be read: {detail}"),
            ),
            Reason::NoGeometry => Words::new("没有图形", "no geometry"),
            Reason::EmptyGeometry => Words::new("图形为空", "the geometry is empty"),
            Reason::NotFinite => Words::new(
                "坐标不是有限的数（NaN 或无穷大）",
                "a coordinate is not a finite number (NaN or infinity)",
            ),
            Reason::UnsupportedGeometry { kind } => Words::new(
                format!("该图层不接受这种图形：{kind}"),
                format!("the layer doesn't take this kind of geometry: {kind}"),
            ),
            Reason::TooManyVertices { count, limit } => Words::new(
                format!("顶点过多：{count} 个，上限 {limit} 个"),
                format!("too many vertices: {count}, the limit is {limit}"),
            ),
            Reason::CoordinatesOutOfRange { x, y } => Words::new(
                format!("坐标超出坐标系的范围：({x}, {y})"),
                format!("a coordinate is outside the range of the coordinate system: ({x}, {y})"),
            ),
            Reason::OutsideRegion { lon, lat } => Words::new(
                format!("图形不在所属区划范围内：({lon:.5}, {lat:.5})"),
                format!("the geometry lies outside the expected region: ({lon:.5}, {lat:.5})"),
            ),
            Reason::InvalidGeometry {
                defect,
                lon,
                lat,
                area_change_m2,
            } => {
                let defect = defect.words();
                let place = format!("({lon:.7}, {lat:.7})");
                match area_change_m2 {
                    Some(change) => Words::new(
                        format!(
                            "图形无效：{}，位置 {place}；修复会使面积变化 {change:.2} m²，超过允许值",
                            defect.zh
                        ),
                        format!(
                            "invalid geometry: {} at {place}; mending would change the area by {change:.2} m², more than allowed",
                            defect.en
                        ),
                    ),
                    None => Words::new(
                        format!("图形无效且无法修复：{}，位置 {place}", defect.zh),
                        format!("invalid geometry that can't be mended: {} at {place}", defect.en),
                    ),
                }
            }
            Reason::TooComplex => Words::new(
                "图形过于复杂，无法在合理时间内检查",
                "the geometry is too complex to be checked in reasonable time",
            ),
            Reason::DuplicateKey { first_row } => Words::new(
                format!("主键重复：与第 {first_row} 行相同"),
                format!("duplicate key: the same as row {first_row}"),
            ),
            Reason::InvalidPeriod { from, to } => {
                let shown = |day: &Option<String>| day.clone().unwrap_or_else(|| "—".to_owned());
                let (from, to) = (shown(from), shown(to));
                Words::new(
                    format!("有效期不成立：自 {from} 至 {to}；须有起始日期，截止日期（不含当日）须晚于起始日期"),
                    format!(
                        "holds on no day: from {from} to {to}; a version needs its first day, and an end (the first day on \
                         which it no longer holds) that lies behind it"
                    ),
                )
            }
            Reason::ClassifiedWithShape => Words::new(
                "涉密资产不得带图形入库（GEO-15），图形未保留",
                "what is classified must have no shape here (GEO-15); the shape was not kept",
            ),
            Reason::OutOfScope => Words::new(
                "不在您的授权范围内：属于其他区域、其他层级或其他单位（GOV-02）",
                "it is outside of what you may edit: another region's, another level's or another unit's (GOV-02)",
            ),
            Reason::OverlappingPeriod { first_row } => Words::new(
                format!("有效期与同一对象的第 {first_row} 行重叠"),
                format!("holds on days on which row {first_row} of the same object holds, too"),
            ),
            Reason::MissingField { field } => Words::new(
                format!("缺少必填字段：{field}"),
                format!("a required field is missing: {field}"),
            ),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words = self.words();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.code())?;
        map.serialize_entry("zh", &words.zh)?;
        map.serialize_entry("en", &words.en)?;
        if let Some(field) = self.field() {
            map.serialize_entry("field", field)?;
        }
        map.end()
    }
}

/// What a warning is about. The closed list; [`WarningCode::as_str`] is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WarningCode {
    /// A value isn't in the closed list of its field; it is kept in the attributes only.
    UnknownValue,
    /// A value that should be a number or a date isn't; it is kept in the attributes only.
    UnreadableValue,
    /// Bytes that don't belong to the text encoding were replaced.
    UndecodableText,
    /// The declared text encoding was wrong and another one was used (whole file).
    WrongEncodingDeclared,
    /// The row has no key of its own; it was made from the geometry.
    NoSourceKey,
    /// An earlier row has the same key; a number was added.
    DuplicateKeyNumbered,
    /// Heights were dropped.
    ZDropped,
    /// Measures were dropped.
    MDropped,
    /// A ring that didn't return to its first point was closed.
    RingClosed,
    /// Repeated points were removed.
    RepeatedPointsRemoved,
    /// Shells and holes of a shapefile polygon were told apart again by their position.
    RingsReassigned,
    /// NaN or infinity stood among the attributes, which JSON doesn't know; taken as empty.
    NotANumber,
    /// The row of a list has a shape, which is not taken.
    ShapeLeftOut,
    /// The shape reaches beyond the region it is said to lie in.
    PartlyOutsideRegion,
    /// The shape came from an old datum or a local plane system by parameters; its original is kept.
    DatumShifted,
    /// What is left at the control points after fitting (whole file).
    ControlPointResiduals,
    /// The shape's shift for public maps (GCJ-02, BD-09) was taken back; its original is kept.
    OffsetTakenBack,
    /// The whole layer lies hundreds of metres from where its objects are known to be.
    LayerShifted,
}

impl WarningCode {
    /// The stable code, snake case.
    pub fn as_str(self) -> &'static str {
        match self {
            WarningCode::UnknownValue => "unknown_value",
            WarningCode::UnreadableValue => "unreadable_value",
            WarningCode::UndecodableText => "undecodable_text",
            WarningCode::WrongEncodingDeclared => "wrong_encoding_declared",
            WarningCode::NoSourceKey => "no_source_key",
            WarningCode::DuplicateKeyNumbered => "duplicate_key_numbered",
            WarningCode::ZDropped => "z_dropped",
            WarningCode::MDropped => "m_dropped",
            WarningCode::RingClosed => "ring_closed",
            WarningCode::RepeatedPointsRemoved => "repeated_points_removed",
            WarningCode::RingsReassigned => "rings_reassigned",
            WarningCode::ShapeLeftOut => "shape_left_out",
            WarningCode::NotANumber => "not_a_number",
            WarningCode::PartlyOutsideRegion => "partly_outside_region",
            WarningCode::DatumShifted => "datum_shifted",
            WarningCode::ControlPointResiduals => "control_point_residuals",
            WarningCode::OffsetTakenBack => "offset_taken_back",
            WarningCode::LayerShifted => "layer_shifted",
        }
    }

    /// What a warning of this kind is about wherever it comes up: `key`, `geometry`, or nothing.
    fn field(self) -> Option<&'static str> {
        match self {
            WarningCode::NoSourceKey | WarningCode::DuplicateKeyNumbered => Some("key"),
            WarningCode::ZDropped
            | WarningCode::MDropped
            | WarningCode::RingClosed
            | WarningCode::RepeatedPointsRemoved
            | WarningCode::RingsReassigned
            | WarningCode::PartlyOutsideRegion
            | WarningCode::DatumShifted
            | WarningCode::OffsetTakenBack => Some("geometry"),
            _ => None,
        }
    }
}

impl Serialize for WarningCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Something worth knowing about a row (or a whole file) that was taken over all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// What it is about.
    pub code: WarningCode,
    /// Our field it is about, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<&'static str>,
    /// In Chinese.
    pub message_zh: String,
    /// In English.
    pub message_en: String,
}

impl Warning {
    /// A warning with its words.
    pub fn new(code: WarningCode, zh: impl Into<String>, en: impl Into<String>) -> Warning {
        Warning {
            code,
            field: code.field(),
            message_zh: zh.into(),
            message_en: en.into(),
        }
    }

    /// The same, about a field of ours.
    #[must_use]
    pub fn about(self, field: &'static str) -> Warning {
        Warning {
            field: Some(field),
            ..self
        }
    }
}
