//! What each layer's file has for columns: names as in the interface, and the SQL each comes from.

use gis_data::write::{Column, ColumnKind, Shapes};
use gis_data::{Layer, Words};

use super::labels::{ADMIN_LEVEL, ClosedList, OCCUPANCY, SECRECY, TITLE_STATUS, USAGE};

/// A column of an export.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub name: &'static str,
    pub kind: Kind,
    /// An expression over the aliases of the layer's statement, of the SQL type that `kind` is read as.
    pub sql: &'static str,
    zh: &'static str,
    en: &'static str,
}

/// What a column is read as.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    /// `text`
    Text,
    /// `text` with a code of a closed list, which may be shown in words.
    Code(ClosedList),
    /// `int8`
    Integer,
    /// `float8` with so many decimals where a format wants to know.
    Real(u8),
    /// `date`
    Date,
}

impl Field {
    pub(super) fn column(&self) -> Column {
        Column {
            name: self.name,
            kind: match self.kind {
                Kind::Text | Kind::Code(_) => ColumnKind::Text,
                Kind::Integer => ColumnKind::Integer,
                Kind::Real(decimals) => ColumnKind::Real { decimals },
                Kind::Date => ColumnKind::Date,
            },
            label: Words::new(self.zh, self.en),
        }
    }
}

const fn field(name: &'static str, kind: Kind, sql: &'static str, zh: &'static str, en: &'static str) -> Field {
    Field {
        name,
        kind,
        sql,
        zh,
        en,
    }
}

const ID: Field = field("id", Kind::Text, "v.object_id::text", "系统编号", "Id");
const NAME: Field = field("name", Kind::Text, "v.name", "名称", "Name");
const CODE: Field = field("code", Kind::Text, "v.code", "代码", "Code");
const REGION_CODE: Field = field(
    "region_code",
    Kind::Text,
    "v.region_code",
    "行政区划代码",
    "Region code",
);
const REGION_NAME: Field = field("region_name", Kind::Text, "r.name", "行政区划名称", "Region name");
const UNIT_CODE: Field = field("unit_code", Kind::Text, "w.code", "使用单位代码", "Unit code");
const UNIT_NAME: Field = field("unit_name", Kind::Text, "w.name", "使用单位名称", "Unit name");
const OCCUPANCY_FIELD: Field = field(
    "occupancy",
    Kind::Code(OCCUPANCY),
    "v.occupancy",
    "使用状况",
    "Occupancy",
);
const PARENT_CODE: Field = field("parent_code", Kind::Text, "p.code", "上级代码", "Parent code");
const PARENT_NAME: Field = field("parent_name", Kind::Text, "p.name", "上级名称", "Parent name");
const LEVEL: Field = field("level", Kind::Text, "v.level", "层级", "Level");
const VALID_FROM: Field = field("valid_from", Kind::Date, "lower(v.valid)", "生效日期", "Valid from");
const VALID_TO: Field = field("valid_to", Kind::Date, "upper(v.valid)", "失效日期", "Valid until");
const DATASET: Field = field("dataset", Kind::Text, "v.dataset", "数据集", "Data set");
const SOURCE_KEY: Field = field("source_key", Kind::Text, "v.source_key", "原始编号", "Source key");

/// What parcels, buildings and sites have in common.
const SPATIAL_UNIT: [Field; 16] = [
    ID,
    CODE,
    NAME,
    field("address", Kind::Text, "v.address", "坐落", "Address"),
    REGION_CODE,
    REGION_NAME,
    UNIT_CODE,
    UNIT_NAME,
    field(
        "title_status",
        Kind::Code(TITLE_STATUS),
        "v.title_status",
        "权属登记情况",
        "Title registration",
    ),
    field("usage", Kind::Code(USAGE), "v.usage", "用途", "Usage"),
    OCCUPANCY_FIELD,
    field("idle_since", Kind::Date, "v.idle_since", "闲置起始日", "Idle since"),
    field("area_m2", Kind::Real(4), "v.area_m2", "图形面积", "Computed area, m²"),
    field(
        "registered_area_m2",
        Kind::Real(4),
        "v.registered_area_m2::float8",
        "登记面积",
        "Registered area, m²",
    ),
    field(
        "admin_level",
        Kind::Code(ADMIN_LEVEL),
        "v.admin_level",
        "本级",
        "Whose level",
    ),
    field("secrecy", Kind::Code(SECRECY), "v.secrecy", "密级", "Secrecy"),
];

const PARCEL: [Field; 3] = [
    field(
        "real_estate_unit_code",
        Kind::Text,
        "v.unit_code",
        "不动产单元号",
        "Real-estate unit code",
    ),
    field(
        "land_use_scheme",
        Kind::Text,
        "v.land_use_scheme",
        "地类标准",
        "Land-use scheme",
    ),
    field(
        "land_use_code",
        Kind::Text,
        "v.land_use_code",
        "地类编码",
        "Land-use code",
    ),
];

const BUILDING: [Field; 4] = [
    field(
        "floors_above",
        Kind::Integer,
        "v.floors_above::int8",
        "地上层数",
        "Storeys above ground",
    ),
    field(
        "floors_below",
        Kind::Integer,
        "v.floors_below::int8",
        "地下层数",
        "Storeys below ground",
    ),
    field("structure", Kind::Text, "v.structure", "房屋结构", "Structure"),
    field(
        "completed_year",
        Kind::Integer,
        "v.completed_year::int8",
        "竣工年份",
        "Year of completion",
    ),
];

const REGION: [Field; 8] = [
    ID,
    field("scheme", Kind::Text, "v.scheme", "代码标准", "Code scheme"),
    CODE,
    NAME,
    field("name_en", Kind::Text, "v.name_en", "英文名称", "English name"),
    LEVEL,
    PARENT_CODE,
    PARENT_NAME,
];

const UNIT: [Field; 11] = [
    ID,
    CODE,
    NAME,
    LEVEL,
    field("kind", Kind::Text, "v.kind", "类型", "Kind"),
    REGION_CODE,
    REGION_NAME,
    PARENT_CODE,
    PARENT_NAME,
    field(
        "headcount_total",
        Kind::Integer,
        "(select coalesce(sum(ranked.value::bigint), 0)::int8 from jsonb_each_text(v.headcount) as ranked)",
        "编制合计",
        "Approved staffing",
    ),
    field(
        "headcount",
        Kind::Text,
        "nullif(v.headcount, '{}')::text",
        "编制（按级别）",
        "Approved staffing by rank",
    ),
];

const ROOM: [Field; 11] = [
    ID,
    field("building_code", Kind::Text, "b.code", "楼栋代码", "Building code"),
    field("building_name", Kind::Text, "b.name", "楼栋名称", "Building name"),
    field("floor", Kind::Integer, "v.floor::int8", "楼层", "Floor"),
    field("number", Kind::Text, "v.number", "房间号", "Room number"),
    NAME,
    field(
        "use_area_m2",
        Kind::Real(4),
        "v.use_area_m2::float8",
        "使用面积",
        "Usable area, m²",
    ),
    field(
        "building_area_m2",
        Kind::Real(4),
        "v.building_area_m2::float8",
        "建筑面积",
        "Floor area, m²",
    ),
    UNIT_CODE,
    UNIT_NAME,
    OCCUPANCY_FIELD,
];

const RIGHT: [Field; 10] = [
    ID,
    field("asset_code", Kind::Text, "b.code", "资产代码", "Asset code"),
    field("asset_name", Kind::Text, "b.name", "资产名称", "Asset name"),
    field("holder", Kind::Text, "v.holder", "权利人", "Holder"),
    field("part", Kind::Text, "v.part", "部位", "Part"),
    field("address", Kind::Text, "v.address", "坐落", "Address"),
    field(
        "certificate",
        Kind::Text,
        "v.certificate",
        "不动产权证号",
        "Certificate",
    ),
    field("stated_use", Kind::Text, "v.stated_use", "登记用途", "Stated use"),
    field("usage", Kind::Code(USAGE), "v.usage", "用途", "Usage"),
    field(
        "registered_area_m2",
        Kind::Real(4),
        "v.registered_area_m2::float8",
        "登记面积",
        "Registered area, m²",
    ),
];

/// The columns of a layer, in order.
pub(super) fn of_layer(layer: Layer) -> Vec<Field> {
    let mut fields: Vec<Field> = match layer {
        Layer::Parcels => SPATIAL_UNIT.into_iter().chain(PARCEL).collect(),
        Layer::Buildings => SPATIAL_UNIT.into_iter().chain(BUILDING).collect(),
        Layer::Sites => SPATIAL_UNIT.to_vec(),
        Layer::Regions => REGION.to_vec(),
        Layer::Units => UNIT.to_vec(),
        Layer::Rooms => ROOM.to_vec(),
        Layer::Titles => RIGHT.to_vec(),
    };
    fields.extend([VALID_FROM, VALID_TO]);
    fields.extend(match layer {
        // Parcels, buildings and sites have their source with their identity.
        Layer::Parcels | Layer::Buildings | Layer::Sites => [
            Field {
                sql: "u.dataset",
                ..DATASET
            },
            Field {
                sql: "u.source_key",
                ..SOURCE_KEY
            },
        ],
        _ => [DATASET, SOURCE_KEY],
    });
    fields
}

/// Which shapes a layer has.
pub(super) fn shapes(layer: Layer) -> Shapes {
    match layer {
        Layer::Parcels | Layer::Buildings | Layer::Regions => Shapes::Polygons,
        Layer::Sites => Shapes::Mixed,
        Layer::Units | Layer::Rooms | Layer::Titles => Shapes::None,
    }
}

pub(super) fn has_shapes(layer: Layer) -> bool {
    shapes(layer) != Shapes::None
}

/// What a layer is called.
pub(super) fn title(layer: Layer) -> Words {
    match layer {
        Layer::Parcels => Words::new("宗地", "Parcels"),
        Layer::Buildings => Words::new("楼栋", "Buildings"),
        Layer::Sites => Words::new("院落", "Sites"),
        Layer::Regions => Words::new("行政区划", "Regions"),
        Layer::Units => Words::new("单位", "Units"),
        Layer::Rooms => Words::new("房间", "Rooms"),
        Layer::Titles => Words::new("权利", "Rights"),
    }
}
