//! Which of the source's fields means what: explicit, or guessed from Chinese and English headers.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::report::Words;

/// The target of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Administrative regions 行政区划.
    Regions,
    /// Organisational units 单位.
    Units,
    /// Compounds 院落.
    Sites,
    /// Parcels of land 宗地.
    Parcels,
    /// Buildings 楼栋.
    Buildings,
    /// Rooms 房间.
    Rooms,
    /// Rights as lists and registers tell them 权利, many to one parcel or building.
    Titles,
}

impl Layer {
    /// All layers.
    pub const ALL: [Layer; 7] = [
        Layer::Regions,
        Layer::Units,
        Layer::Sites,
        Layer::Parcels,
        Layer::Buildings,
        Layer::Rooms,
        Layer::Titles,
    ];

    /// The name used in SQL, JSON and addresses.
    pub fn as_str(self) -> &'static str {
        match self {
            Layer::Regions => "regions",
            Layer::Units => "units",
            Layer::Sites => "sites",
            Layer::Parcels => "parcels",
            Layer::Buildings => "buildings",
            Layer::Rooms => "rooms",
            Layer::Titles => "titles",
        }
    }

    /// Is it a list, whose rows have no shapes of their own?
    pub fn is_list(self) -> bool {
        matches!(self, Layer::Units | Layer::Rooms | Layer::Titles)
    }

    /// The layer of that name.
    pub fn parse(text: &str) -> Option<Layer> {
        Layer::ALL.into_iter().find(|layer| layer.as_str() == text)
    }
}

/// A field of the source, with a few of its values to show beside a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldName {
    /// The name as in the file, decoded.
    pub name: String,
    /// Up to three different values from the first rows, as text.
    pub examples: Vec<String>,
}

/// One of our fields that a source field can be mapped to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// What tells the rows of the source apart, from one delivery to the next.
    Key,
    /// Business code: 宗地代码, 不动产单元号, region code, unit code, room number.
    Code,
    /// Name 名称.
    Name,
    /// Address 坐落.
    Address,
    /// Registered (legal) area in m²: 宗地面积, 建筑面积.
    RegisteredAreaM2,
    /// 权属登记情况, closed list.
    TitleStatus,
    /// 使用性质, closed list.
    Usage,
    /// 使用状态, closed list.
    Occupancy,
    /// Idle since, ISO date.
    IdleSince,
    /// Code or name of the unit that uses or manages the asset.
    UnitCode,
    /// Code of the region the object lies in.
    RegionCode,
    /// Code of the parent: of a region, a unit; the building of a room; the parcel of a building.
    ParentCode,
    /// Level of a region or unit.
    Level,
    /// Kind of a unit or room.
    Kind,
    /// Year of completion.
    YearBuilt,
    /// Storeys above ground.
    FloorsAbove,
    /// Storeys below ground.
    FloorsBelow,
    /// Floor a room is on.
    Floor,
    /// The first day on which the row holds: each row is one version of its object.
    ValidFrom,
    /// The first day on which the row no longer holds; goes with [`Target::ValidFrom`].
    ValidTo,
    /// Usable area of a room in m² 使用面积.
    UseAreaM2,
    /// What a right is in: the code, source key or unit code of a parcel or building.
    AssetCode,
    /// Who holds a right 权利人.
    Holder,
    /// The part of the asset a right is in 部位、房号.
    Part,
    /// Number of the certificate 不动产权证号.
    Certificate,
    /// The use as the list tells it, in its own words.
    StatedUse,
    /// Whose an asset is 本级, closed list.
    AdminLevel,
    /// 密级, closed list.
    Secrecy,
}

/// A suggestion: this source field probably is that field of ours.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MappingGuess {
    /// Our field.
    pub target: Target,
    /// The source's field.
    pub source: String,
    /// From 0 (a guess) to 1 (certain).
    pub confidence: f64,
}

impl Target {
    /// All targets.
    pub const ALL: [Target; 28] = [
        Target::Key,
        Target::Code,
        Target::Name,
        Target::Address,
        Target::RegisteredAreaM2,
        Target::TitleStatus,
        Target::Usage,
        Target::Occupancy,
        Target::IdleSince,
        Target::UnitCode,
        Target::RegionCode,
        Target::ParentCode,
        Target::Level,
        Target::Kind,
        Target::YearBuilt,
        Target::FloorsAbove,
        Target::FloorsBelow,
        Target::Floor,
        Target::ValidFrom,
        Target::ValidTo,
        Target::UseAreaM2,
        Target::AssetCode,
        Target::Holder,
        Target::Part,
        Target::Certificate,
        Target::StatedUse,
        Target::AdminLevel,
        Target::Secrecy,
    ];

    /// The name used in a mapping and as the key of a mapped value.
    pub fn as_str(self) -> &'static str {
        match self {
            Target::Key => "key",
            Target::Code => "code",
            Target::Name => "name",
            Target::Address => "address",
            Target::RegisteredAreaM2 => "registered_area_m2",
            Target::TitleStatus => "title_status",
            Target::Usage => "usage",
            Target::Occupancy => "occupancy",
            Target::IdleSince => "idle_since",
            Target::UnitCode => "unit_code",
            Target::RegionCode => "region_code",
            Target::ParentCode => "parent_code",
            Target::Level => "level",
            Target::Kind => "kind",
            Target::YearBuilt => "year_built",
            Target::FloorsAbove => "floors_above",
            Target::FloorsBelow => "floors_below",
            Target::Floor => "floor",
            Target::ValidFrom => "valid_from",
            Target::ValidTo => "valid_to",
            Target::UseAreaM2 => "use_area_m2",
            Target::AssetCode => "asset_code",
            Target::Holder => "holder",
            Target::Part => "part",
            Target::Certificate => "certificate",
            Target::StatedUse => "stated_use",
            Target::AdminLevel => "admin_level",
            Target::Secrecy => "secrecy",
        }
    }

    /// The target of that name.
    pub fn parse(text: &str) -> Option<Target> {
        Target::ALL.into_iter().find(|target| target.as_str() == text)
    }

    /// The targets a layer has.
    pub fn of_layer(layer: Layer) -> &'static [Target] {
        use Target::{
            Address, AdminLevel, AssetCode, Certificate, Code, Floor, FloorsAbove, FloorsBelow, Holder, IdleSince, Key,
            Kind, Level, Name, Occupancy, ParentCode, Part, RegionCode, RegisteredAreaM2, Secrecy, StatedUse,
            TitleStatus, UnitCode, Usage, UseAreaM2, ValidFrom, ValidTo, YearBuilt,
        };
        match layer {
            Layer::Regions => &[Key, Code, Name, ParentCode, Level],
            Layer::Units => &[Key, Code, Name, Address, RegionCode, ParentCode, Level, Kind],
            Layer::Sites => &[
                Key,
                Code,
                Name,
                Address,
                RegisteredAreaM2,
                TitleStatus,
                Usage,
                Occupancy,
                UnitCode,
                RegionCode,
                AdminLevel,
                Secrecy,
                ValidFrom,
                ValidTo,
            ],
            Layer::Parcels => &[
                Key,
                Code,
                Name,
                Address,
                RegisteredAreaM2,
                TitleStatus,
                Usage,
                Occupancy,
                IdleSince,
                UnitCode,
                RegionCode,
                AdminLevel,
                Secrecy,
                ValidFrom,
                ValidTo,
            ],
            Layer::Buildings => &[
                Key,
                Code,
                Name,
                Address,
                RegisteredAreaM2,
                TitleStatus,
                Usage,
                Occupancy,
                IdleSince,
                UnitCode,
                RegionCode,
                AdminLevel,
                Secrecy,
                ParentCode,
                YearBuilt,
                FloorsAbove,
                FloorsBelow,
                ValidFrom,
                ValidTo,
            ],
            Layer::Rooms => &[
                Key,
                Code,
                Name,
                RegisteredAreaM2,
                UseAreaM2,
                Occupancy,
                UnitCode,
                ParentCode,
                Floor,
            ],
            Layer::Titles => &[
                Key,
                AssetCode,
                Holder,
                Part,
                Address,
                Certificate,
                StatedUse,
                Usage,
                RegisteredAreaM2,
            ],
        }
    }

    /// Headers that mean this target, best first, in the plain form of [`plain`]; the number is
    /// the confidence when the header is exactly that.
    fn headers(self) -> &'static [(&'static str, f64)] {
        match self {
            Target::Key => &[],
            Target::Code => &[
                ("code", 1.0),
                ("不动产单元号", 1.0),
                ("不动产单元代码", 1.0),
                ("宗地代码", 1.0),
                ("宗地编码", 1.0),
                ("zddm", 1.0),
                ("bdcdyh", 1.0),
                ("地块编号", 0.95),
                ("宗地编号", 0.95),
                ("宗地号", 0.95),
                ("行政区划代码", 0.95),
                ("区划代码", 0.95),
                ("单位代码", 0.9),
                ("统一社会信用代码", 0.95),
                ("社会信用代码", 0.9),
                ("自然幢号", 0.9),
                ("幢号", 0.9),
                ("楼栋编号", 0.9),
                ("院落编号", 0.9),
                ("房间号", 0.9),
                ("房号", 0.9),
                ("室号", 0.8),
                ("房间编号", 0.9),
                ("roomnumber", 1.0),
                ("roomno", 1.0),
                ("number", 0.9),
                ("编号", 0.8),
                ("编码", 0.8),
                ("代码", 0.8),
                ("parcelid", 0.9),
                ("parcelnumber", 0.9),
                ("ml", 0.8),
                ("maplot", 0.9),
                ("apn", 0.9),
                ("comistatcode", 0.9),
                ("istatcode", 0.8),
                ("identificatie", 0.8),
                ("id", 0.5),
            ],
            Target::Name => &[
                ("name", 1.0),
                ("名称", 1.0),
                ("地块名称", 1.0),
                ("宗地名称", 1.0),
                ("院落名称", 1.0),
                ("楼栋名称", 1.0),
                ("建筑名称", 1.0),
                ("单位名称", 1.0),
                ("行政区名称", 1.0),
                ("项目名称", 0.8),
                ("房间名称", 1.0),
                ("nom", 0.7),
                ("bezeichnung", 0.6),
            ],
            Target::Address => &[
                ("address", 1.0),
                ("坐落", 1.0),
                ("地址", 1.0),
                ("详细地址", 1.0),
                ("地址坐落", 1.0),
                ("土地坐落", 1.0),
                ("房屋坐落", 1.0),
                ("位置", 0.7),
                ("location", 0.8),
                ("siteaddress", 0.9),
                ("zl", 0.6),
            ],
            Target::RegisteredAreaM2 => &[
                ("registeredarea", 1.0),
                ("registeredaream2", 1.0),
                ("宗地面积", 1.0),
                ("登记面积", 1.0),
                ("证载面积", 1.0),
                ("土地使用权面积", 0.95),
                ("用地面积", 0.9),
                ("土地面积", 0.9),
                ("建筑面积", 0.9),
                ("房屋建筑面积", 0.9),
                ("buildingarea", 0.9),
                ("使用面积", 0.7),
                ("面积", 0.8),
                ("zdmj", 0.9),
                ("contenance", 0.9),
                ("legalarea", 0.9),
                ("area", 0.6),
                ("aream2", 0.8),
            ],
            Target::TitleStatus => &[
                ("titlestatus", 1.0),
                ("registrationstatus", 1.0),
                ("权属登记情况", 1.0),
                ("权属情况", 0.9),
                ("登记情况", 0.8),
                ("产权登记情况", 0.9),
            ],
            Target::Usage => &[
                ("usage", 1.0),
                ("使用性质", 0.9),
                ("用途", 0.8),
                ("资产用途", 0.8),
                ("使用类别", 0.8),
            ],
            Target::Occupancy => &[
                ("occupancystatus", 1.0),
                ("occupancy", 0.9),
                ("使用状态", 1.0),
                ("使用情况", 0.8),
                ("使用现状", 0.8),
                ("使用状况", 0.9),
            ],
            Target::IdleSince => &[
                ("idlesince", 1.0),
                ("闲置起始日期", 1.0),
                ("闲置起始日", 1.0),
                ("闲置日期", 0.9),
                ("闲置时间", 0.8),
            ],
            Target::UnitCode => &[
                ("unitcode", 1.0),
                ("使用单位代码", 1.0),
                ("使用单位", 0.9),
                ("管理单位", 0.7),
                ("统一社会信用代码", 0.8),
            ],
            Target::RegionCode => &[
                ("regioncode", 1.0),
                ("所属行政区代码", 1.0),
                ("行政区代码", 1.0),
                ("行政区划", 0.8),
                ("区划", 0.7),
                ("行政区划代码", 0.95),
                ("区划代码", 0.9),
                ("xzqdm", 1.0),
            ],
            Target::ParentCode => &[
                ("parentcode", 1.0),
                ("上级代码", 1.0),
                ("上级编码", 1.0),
                ("父级代码", 1.0),
                ("上级区划代码", 1.0),
                ("上级单位代码", 1.0),
                ("上级单位", 0.9),
                ("上级单位名称", 0.8),
                ("主管部门", 0.7),
                ("parent", 0.8),
                ("所属楼栋", 0.8),
                ("所属宗地", 0.8),
                ("所在楼栋", 0.8),
                ("楼栋代码", 0.9),
                ("楼栋编号", 0.9),
                ("楼栋编码", 0.9),
                ("自然幢号", 0.8),
                ("幢号", 0.8),
                ("楼栋", 0.7),
                ("buildingcode", 1.0),
                ("buildingid", 0.9),
                ("building", 0.7),
                ("provistatcode", 0.9),
            ],
            Target::Level => &[
                ("level", 1.0),
                ("级别", 1.0),
                ("层级", 0.9),
                ("单位级别", 1.0),
                ("单位层级", 1.0),
                ("所属层级", 0.9),
            ],
            Target::Kind => &[
                ("kind", 1.0),
                ("类型", 0.8),
                ("单位类型", 1.0),
                ("单位性质", 0.9),
                ("机构类型", 0.9),
                ("机构性质", 0.8),
                ("房间类型", 1.0),
                ("房间性质", 0.9),
            ],
            Target::YearBuilt => &[
                ("yearbuilt", 1.0),
                ("completedyear", 1.0),
                ("建成年份", 1.0),
                ("竣工年份", 1.0),
                ("建成年代", 0.9),
                ("竣工时间", 0.8),
                ("bouwjaar", 0.9),
                ("oorspronkelijkbouwjaar", 0.9),
                ("aybyrbuilt", 0.8),
            ],
            Target::FloorsAbove => &[
                ("floorsabove", 1.0),
                ("地上层数", 1.0),
                ("总层数", 0.7),
                ("层数", 0.7),
                ("bldgstories", 0.7),
            ],
            Target::FloorsBelow => &[("floorsbelow", 1.0), ("地下层数", 1.0)],
            Target::Floor => &[
                ("floor", 1.0),
                ("楼层", 1.0),
                ("所在层", 1.0),
                ("所在楼层", 1.0),
                ("层号", 0.8),
                ("层次", 0.7),
                ("storey", 0.9),
                ("floorid", 0.6),
            ],
            Target::UseAreaM2 => &[
                ("usearea", 1.0),
                ("使用面积", 1.0),
                ("usablearea", 1.0),
                ("套内面积", 0.7),
                ("房间面积", 0.7),
                ("面积", 0.6),
                ("area", 0.5),
            ],
            Target::AssetCode => &[
                ("assetcode", 1.0),
                ("资产代码", 0.9),
                ("资产编号", 0.9),
                ("不动产单元号", 1.0),
                ("不动产单元代码", 1.0),
                ("bdcdyh", 1.0),
                ("宗地代码", 1.0),
                ("宗地编码", 1.0),
                ("宗地编号", 0.95),
                ("宗地号", 0.9),
                ("zddm", 1.0),
                ("地块编号", 0.9),
                ("楼栋代码", 0.8),
                ("楼栋编号", 0.8),
                ("自然幢号", 0.8),
                ("幢号", 0.7),
                ("parcelid", 0.9),
                ("parcelnumber", 0.9),
                ("maplot", 0.9),
                ("ml", 0.8),
                ("apn", 0.9),
                ("buildingid", 0.8),
                ("buildingcode", 0.8),
            ],
            Target::Holder => &[
                ("holder", 1.0),
                ("权利人", 1.0),
                ("权利人名称", 1.0),
                ("产权人", 0.9),
                ("产权单位", 0.9),
                ("所有权人", 0.9),
                ("权属单位", 0.8),
                ("qlr", 0.9),
                ("qlrmc", 0.9),
                ("owner", 0.8),
                ("ownername", 0.9),
            ],
            Target::Part => &[
                ("part", 1.0),
                ("部位", 1.0),
                ("房号", 0.9),
                ("室号", 0.9),
                ("房间号", 0.9),
                ("单元号", 0.7),
                ("户号", 0.8),
                ("unit", 0.7),
                ("unitnumber", 0.9),
            ],
            Target::Certificate => &[
                ("certificate", 1.0),
                ("certificatenumber", 1.0),
                ("不动产权证号", 1.0),
                ("不动产权证书号", 1.0),
                ("权证号", 0.9),
                ("产权证号", 0.9),
                ("房产证号", 0.9),
                ("房屋所有权证号", 0.9),
                ("土地证号", 0.9),
                ("国有土地使用证号", 0.9),
                ("证号", 0.7),
                ("bdcqzh", 1.0),
            ],
            Target::StatedUse => &[
                ("stateduse", 1.0),
                ("用途", 0.9),
                ("登记用途", 1.0),
                ("规划用途", 0.9),
                ("房屋用途", 0.9),
                ("土地用途", 0.9),
                ("使用性质", 0.7),
                ("use", 0.8),
                ("usedescription", 0.9),
                ("landuse", 0.8),
            ],
            Target::AdminLevel => &[
                ("adminlevel", 1.0),
                ("本级", 1.0),
                ("所属层级", 0.9),
                ("管理层级", 0.9),
                ("资产层级", 0.9),
                ("权属层级", 0.8),
            ],
            Target::Secrecy => &[
                ("secrecy", 1.0),
                ("密级", 1.0),
                ("涉密等级", 0.9),
                ("涉密情况", 0.8),
                ("是否涉密", 0.7),
            ],
            // Whether a file is a history is for somebody to say: our own exports have such columns, too.
            Target::ValidFrom | Target::ValidTo => &[],
        }
    }
}

impl Serialize for Target {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Values of a closed list: our code and the Chinese words accepted for it, the first as shown.
type ClosedList = &'static [(&'static str, &'static [&'static str])];

/// 权属登记情况, the national list.
const TITLE_STATUS: ClosedList = &[
    (
        "unified",
        &["已统一登记到机关事务管理部门名下", "已统一登记", "统一登记"],
    ),
    ("other_handed", &["登记在各部门或其他单位名下、已移交权属资料"]),
    ("other_not_handed", &["登记在各部门或其他单位名下、未移交权属资料"]),
    ("none_handed", &["未登记、已移交权属资料"]),
    ("none_not_handed", &["未登记、未移交权属资料"]),
    ("other", &["其他情况", "其他", "其它"]),
];

/// 使用性质.
const USAGE: ClosedList = &[
    ("administrative_office", &["行政办公", "办公", "办公用房"]),
    ("housing_security", &["住房保障", "保障性住房"]),
    ("technical", &["技术业务", "业务技术", "技术业务用房"]),
    ("public_service", &["公共服务"]),
    ("commercial", &["经营性", "经营", "经营性用房"]),
    ("idle_land", &["闲置土地"]),
    ("other", &["其他", "其它"]),
];

/// 使用状态.
const OCCUPANCY: ClosedList = &[
    ("in_use", &["在用", "自用", "在用(自用)", "使用中"]),
    ("idle", &["闲置", "空置"]),
    ("let", &["出租"]),
    ("lent", &["出借"]),
    ("rented_in", &["租入", "承租"]),
    ("borrowed_in", &["借入", "借用"]),
    ("under_repair", &["维修中", "维修"]),
    ("vacating", &["腾退中", "腾退"]),
    ("dangerous", &["危房封存", "危房"]),
    ("demolished", &["已拆除", "拆除"]),
];

/// 本级: whose an asset is.
const ADMIN_LEVEL: ClosedList = &[
    ("national", &["国家", "国家级", "中央", "中央本级"]),
    ("province", &["省级", "省", "省本级", "自治区本级"]),
    ("city", &["市级", "市", "市本级", "地市级", "州级"]),
    ("county", &["县级", "县", "区级", "区", "县区级", "县本级", "区本级", "县(市、区)级"]),
    ("township", &["乡镇级", "乡镇", "乡级", "镇级", "街道"]),
];

/// 密级. What is classified is reported on paper; a table may still say so of a row without a shape.
const SECRECY: ClosedList = &[
    ("public", &["公开", "非涉密", "不涉密", "否"]),
    ("internal", &["内部", "内部使用", "内部资料"]),
    ("classified", &["涉密", "秘密", "机密", "绝密", "是", "涉密不入库"]),
];

/// How a source value becomes ours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum ValueRule {
    /// As text.
    Text,
    /// A number times this factor.
    Number(f64),
    /// A whole number.
    Integer,
    /// One of a closed list.
    Closed(ClosedList),
    /// A date.
    Date,
}

impl Target {
    /// The Chinese header it is best known by.
    pub(crate) fn chinese_header(self) -> Option<&'static str> {
        let (header, _) = self.headers().iter().find(|(header, _)| !header.is_ascii())?;
        Some(header)
    }

    pub(crate) fn rule(self) -> ValueRule {
        match self {
            Target::RegisteredAreaM2 | Target::UseAreaM2 => ValueRule::Number(1.0),
            Target::TitleStatus => ValueRule::Closed(TITLE_STATUS),
            Target::Usage => ValueRule::Closed(USAGE),
            Target::Occupancy => ValueRule::Closed(OCCUPANCY),
            Target::AdminLevel => ValueRule::Closed(ADMIN_LEVEL),
            Target::Secrecy => ValueRule::Closed(SECRECY),
            Target::IdleSince | Target::ValidFrom | Target::ValidTo => ValueRule::Date,
            Target::YearBuilt | Target::FloorsAbove | Target::FloorsBelow => ValueRule::Integer,
            _ => ValueRule::Text,
        }
    }
}

/// The code of a closed list for a code or a Chinese word, ignoring spaces and the width of
/// punctuation.
pub(crate) fn closed_code(list: ClosedList, text: &str) -> Option<&'static str> {
    let is_meant = |known: &&str| letters(known).eq(letters(text));
    list.iter()
        .find(|(code, words)| is_meant(code) || words.iter().any(&is_meant))
        .map(|(code, _)| *code)
}

/// The letters of a word without spaces, with narrow punctuation.
fn letters(word: &str) -> impl Iterator<Item = char> {
    word.chars().filter(|c| !c.is_whitespace()).map(|c| match c {
        '（' => '(',
        '）' => ')',
        '，' | ',' => '、',
        other => other.to_ascii_lowercase(),
    })
}

/// What a header says, in the plain form of [`plain`]: all of it where that is known; else the last row of a header of
/// several rows, of which a name in Latin letters behind a Chinese one, as our own workbooks have them
/// (`登记面积 registered_area_m2`), or the Chinese.
fn said(header: &str) -> String {
    let whole = plain(header);
    if is_known(&whole) {
        return whole;
    }
    let last = header.rsplit('/').next().unwrap_or(header);
    let (chinese, name) = bilingual(last).unwrap_or((last, ""));
    [last, name, chinese]
        .into_iter()
        .map(plain)
        .find(|form| is_known(form))
        .unwrap_or(whole)
}

/// A Chinese header and the name behind it.
fn bilingual(header: &str) -> Option<(&str, &str)> {
    let (chinese, name) = header.trim().rsplit_once(char::is_whitespace)?;
    let is_name = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (!chinese.is_ascii() && is_name(name)).then(|| (chinese.trim_end(), name))
}

/// Headers that are a key's, in the plain form.
const CALLED_KEY: [&str; 3] = ["key", "sourcekey", "原始编号"];

/// Columns of our own exports that fill no field: their Chinese must not be taken for another's.
const NO_FIELD: [&str; 17] = [
    "realestateunitcode",
    "landusescheme",
    "landusecode",
    "structure",
    "regionname",
    "unitname",
    "parentname",
    "buildingname",
    "nameen",
    "scheme",
    "headcount",
    "headcounttotal",
    "validfrom",
    "validto",
    "dataset",
    "wkt",
    "图形面积",
];

/// Whether anything goes by that name.
fn is_known(header: &str) -> bool {
    CALLED_KEY.contains(&header)
        || NO_FIELD.contains(&header)
        || Target::ALL
            .iter()
            .any(|target| target.headers().iter().any(|(known, _)| is_header(header, known)))
}

/// A header without punctuation, spaces and unit, in lower case.
fn plain(header: &str) -> String {
    without_unit(header)
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Units a header may name, and m² for one of them. 1 亩 = 10000/15 m².
const UNITS: &[(&str, f64)] = &[
    ("平方公里", 1e6),
    ("平方千米", 1e6),
    ("平方米", 1.0),
    ("万㎡", 1e4),
    ("万m2", 1e4),
    ("公顷", 1e4),
    ("km2", 1e6),
    ("sqft", 0.092_903_04),
    ("ha", 1e4),
    ("mu", 10_000.0 / 15.0),
    ("亩", 10_000.0 / 15.0),
    ("㎡", 1.0),
    ("m²", 1.0),
    ("m2", 1.0),
];

/// Splits `面积(亩)`, `面积_亩`, `area_ha`, `用地面积亩` into the header and its unit in m².
fn unit_of_header(header: &str) -> Option<(&str, f64)> {
    let trimmed = header.trim().trim_end_matches([')', '）', ']', '】']);
    let lower = trimmed.to_lowercase();
    for (unit, factor) in UNITS {
        if let Some(rest) = lower.strip_suffix(unit)
            && trimmed.is_char_boundary(rest.len())
        {
            let rest = trimmed.get(..rest.len()).unwrap_or_default();
            let bare = rest.trim_end_matches(['(', '（', '[', '【', '_', ' ', '/', '-', '：', ':']);
            // Latin units need something between, or "alpha" would end in hectares.
            let is_apart = bare.len() < rest.len();
            if !bare.is_empty() && (is_apart || !unit.is_ascii()) {
                return Some((bare, *factor));
            }
        }
    }
    None
}

/// The unit that a header names, in m²: the last of its rows, else one above it that speaks for all below.
fn unit_said(header: &str) -> Option<f64> {
    header.rsplit('/').chain([header]).find_map(|row| {
        let chinese = bilingual(row).map_or(row, |(chinese, _)| chinese);
        unit_of_header(row)
            .or_else(|| unit_of_header(chinese))
            .map(|(_, factor)| factor)
    })
}

fn without_unit(header: &str) -> &str {
    unit_of_header(header).map_or(header, |(bare, _)| bare)
}

/// One mapped field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mapped {
    pub target: Target,
    pub source: String,
    pub rule: ValueRule,
}

/// The explicit mapping asked for can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MappingRefused {
    /// We have no field of that name, or not in this layer.
    #[error("the layer has no field {target}; it has: {}", known.join(", "))]
    UnknownTarget {
        /// As given.
        target: String,
        /// What the layer has.
        known: Vec<String>,
    },
    /// A word was to stand for something that isn't a code of the field.
    #[error("{code:?} is no value of {target}; it has: {}", known.join(", "))]
    UnknownValue {
        /// Our field.
        target: String,
        /// As given.
        code: String,
        /// What the field has.
        known: Vec<String>,
    },
    /// Words were given for a field that no column fills, or that holds no words.
    #[error("words were given for {target}, which no field of the source fills with words")]
    IdleValues {
        /// Our field.
        target: String,
    },
    /// The source has no field of that name.
    #[error("the source has no field {field}; it has: {}", known.join(", "))]
    UnknownField {
        /// As given.
        field: String,
        /// What the source has.
        known: Vec<String>,
    },
    /// A field of ours means nothing without another one.
    #[error("{target} goes with {companion}, which is mapped to no field")]
    Alone {
        /// The field that is mapped.
        target: &'static str,
        /// The field that it needs beside it.
        companion: &'static str,
    },
}

impl MappingRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            MappingRefused::UnknownTarget { .. } => "mapping_unknown_target",
            MappingRefused::UnknownField { .. } => "mapping_unknown_field",
            MappingRefused::Alone { .. } => "mapping_alone",
            MappingRefused::UnknownValue { .. } => "mapping_unknown_value",
            MappingRefused::IdleValues { .. } => "mapping_idle_values",
        }
    }

    /// What is wrong, in words.
    pub fn words(&self) -> Words {
        let zh = match self {
            MappingRefused::UnknownTarget { target, known } => {
                format!("该图层没有字段 {target}；现有：{}", known.join("、"))
            }
            MappingRefused::UnknownField { field, known } => {
                format!("数据里没有字段 {field}；现有：{}", known.join("、"))
            }
            MappingRefused::Alone { target, companion } => {
                format!("{target} 须与 {companion} 同时指定")
            }
            MappingRefused::UnknownValue { target, code, known } => {
                format!("{target} 没有取值 {code}；可用：{}", known.join("、"))
            }
            MappingRefused::IdleValues { target } => {
                format!("为 {target} 给出了取值对应，但没有数据字段以文字填入它")
            }
        };
        Words::new(zh, self.to_string())
    }

    /// What to do about it, in words.
    pub fn remedy(&self) -> Words {
        if matches!(
            self,
            MappingRefused::UnknownValue { .. } | MappingRefused::IdleValues { .. }
        ) {
            return Words::new(
                "取值对应写作 目标字段:数据中的值=代码，例如 usage:空地=idle_land，并指定 usage=数据字段。",
                "Write a value as our field:the source's value=code, for example usage:Vacant=idle_land, and say usage=the source's field.",
            );
        }
        Words::new(
            "对应关系写作 目标字段=数据字段，例如 code=宗地代码。",
            "Write a mapping as our field = the source's field, for example code=宗地代码.",
        )
    }
}

/// Words of a source that stand for values of ours: our field, the source's word, our value.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ValueMap {
    values: HashMap<(Target, String), String>,
}

impl ValueMap {
    /// Reads what was asked for.
    ///
    /// # Errors
    /// [`MappingRefused`] for a field that the mapping doesn't fill with words, or a value that a closed list hasn't.
    pub(crate) fn resolve(
        mapping: &FieldMapping,
        asked: &[(String, String, String)],
    ) -> Result<ValueMap, MappingRefused> {
        let mut values = HashMap::new();
        for (name, word, code) in asked {
            let target = Target::parse(name.trim());
            let mapped = mapping.mapped.iter().find(|mapped| Some(mapped.target) == target);
            let code = match mapped.map(|mapped| (mapped.target, mapped.rule)) {
                Some((_, ValueRule::Closed(list))) => {
                    closed_code(list, code).ok_or_else(|| MappingRefused::UnknownValue {
                        target: name.clone(),
                        code: code.clone(),
                        known: list.iter().map(|(code, _)| (*code).to_owned()).collect(),
                    })?
                }
                Some((_, ValueRule::Text)) => code.trim(),
                _ => return Err(MappingRefused::IdleValues { target: name.clone() }),
            };
            if let Some(target) = target {
                values.insert((target, letters(word).collect()), code.to_owned());
            }
        }
        Ok(ValueMap { values })
    }

    /// Are there words for a field of ours?
    pub(crate) fn has(&self, target: Target) -> bool {
        self.values.keys().any(|(known, _)| *known == target)
    }

    /// What the word of a source stands for in a field of ours.
    pub(crate) fn get(&self, target: Target, word: &str) -> Option<&str> {
        self.values.get(&(target, letters(word).collect())).map(String::as_str)
    }
}

/// Which source field fills which of ours.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldMapping {
    layer: Layer,
    pub(crate) mapped: Vec<Mapped>,
    pub(crate) key: KeyRule,
}

/// Where the key of a row comes from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum KeyRule {
    /// This source field, as asked for.
    Field(String),
    /// The feature's id, else the mapped code, else the first of these fields, else the geometry.
    Guess(Vec<String>),
}

/// Fields that usually are a key, in the plain form.
const KEY_FIELDS: &[&str] = &["id", "fid", "gmlid", "ml", "objectid", "globalid"];

/// Likewise, of lists of rights.
const RIGHT_KEY_FIELDS: &[&str] = &["id", "pid", "fid", "gmlid", "objectid", "globalid"];

impl FieldMapping {
    /// Guesses which source field is which of ours, the best field for each target.
    pub fn guess(layer: Layer, fields: &[FieldName]) -> Vec<MappingGuess> {
        let mut guesses = Vec::new();
        for target in Target::of_layer(layer) {
            let best = fields
                .iter()
                .enumerate()
                .filter_map(|(position, field)| {
                    let confidence = confidence(layer, *target, field)?;
                    Some((confidence, std::cmp::Reverse(position), field))
                })
                .max_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            if let Some((confidence, _, field)) = best {
                guesses.push(MappingGuess {
                    target: *target,
                    source: field.name.clone(),
                    confidence,
                });
            }
        }
        guesses
    }

    /// The explicit entries, and guesses for what they leave open. An entry `target=` with
    /// nothing after it leaves that field empty. An area may name its unit: `registered_area_m2=LandArea@sqft`
    /// (`m2`, `ha`, `mu`, `km2`, `sqft`), else the header's unit counts, else m².
    ///
    /// # Errors
    /// [`MappingRefused`] when a name on either side is unknown. `fields_are_complete` false (a
    /// format without a schema, of which only the first rows were looked at) lets unknown source
    /// fields pass.
    pub fn resolve(
        layer: Layer,
        fields: &[FieldName],
        fields_are_complete: bool,
        explicit: &[(String, String)],
    ) -> Result<FieldMapping, MappingRefused> {
        let mut mapped = Vec::new();
        let mut key = None;
        let mut settled = Vec::new();
        for (target_name, source) in explicit {
            let target = Target::parse(target_name.trim())
                .filter(|target| Target::of_layer(layer).contains(target))
                .ok_or_else(|| MappingRefused::UnknownTarget {
                    target: target_name.clone(),
                    known: Target::of_layer(layer)
                        .iter()
                        .map(|target| target.as_str().to_owned())
                        .collect(),
                })?;
            settled.push(target);
            let source = source.trim();
            if source.is_empty() {
                if target == Target::Key {
                    key = Some(KeyRule::Guess(Vec::new()));
                }
                continue;
            }
            let is_field = |name: &str| fields.iter().any(|field| field.name == name);
            let (source, unit) = match source.rsplit_once('@') {
                Some((name, unit)) if !is_field(source) => {
                    let factor = UNITS
                        .iter()
                        .find(|(known, _)| *known == unit)
                        .map(|(_, factor)| *factor);
                    match factor {
                        Some(factor) => (name, Some(factor)),
                        None => (source, None),
                    }
                }
                _ => (source, None),
            };
            if fields_are_complete && !is_field(source) {
                return Err(MappingRefused::UnknownField {
                    field: source.to_owned(),
                    known: fields.iter().map(|field| field.name.clone()).collect(),
                });
            }
            if target == Target::Key {
                key = Some(KeyRule::Field(source.to_owned()));
            } else {
                mapped.push(Mapped {
                    target,
                    source: source.to_owned(),
                    rule: rule(target, source, unit),
                });
            }
        }
        for guess in FieldMapping::guess(layer, fields) {
            if !settled.contains(&guess.target) {
                mapped.push(Mapped {
                    target: guess.target,
                    rule: rule(guess.target, &guess.source, None),
                    source: guess.source,
                });
            }
        }
        let is_mapped = |target| mapped.iter().any(|mapped: &Mapped| mapped.target == target);
        if is_mapped(Target::ValidTo) && !is_mapped(Target::ValidFrom) {
            return Err(MappingRefused::Alone {
                target: Target::ValidTo.as_str(),
                companion: Target::ValidFrom.as_str(),
            });
        }
        // A column that calls itself the key, as our own exports do, leaves nothing to guess.
        let called_key = || {
            let is_called_key = |field: &&FieldName| CALLED_KEY.contains(&said(&field.name).as_str());
            Some(KeyRule::Field(fields.iter().find(is_called_key)?.name.clone()))
        };
        // What a right is in tells the asset, not the right.
        let names_asset = |field: &FieldName| {
            layer == Layer::Titles
                && mapped
                    .iter()
                    .any(|mapped| mapped.target == Target::AssetCode && mapped.source == field.name)
        };
        let known_keys = if layer == Layer::Titles {
            RIGHT_KEY_FIELDS
        } else {
            KEY_FIELDS
        };
        let key = key.or_else(called_key).unwrap_or_else(|| {
            KeyRule::Guess(
                known_keys
                    .iter()
                    .flat_map(|known| fields.iter().filter(|field| said(&field.name) == *known))
                    .filter(|field| !names_asset(field))
                    .map(|field| field.name.clone())
                    .collect(),
            )
        });
        Ok(FieldMapping { layer, mapped, key })
    }

    /// The layer filled.
    pub fn layer(&self) -> Layer {
        self.layer
    }

    /// Whether each row is a version of its object, with days of its own: then one key has many rows.
    pub fn is_history(&self) -> bool {
        self.source_of(Target::ValidFrom).is_some()
    }

    /// Our field and the source's, for a report; `key` is among them when one was asked for.
    pub fn entries(&self) -> Vec<(Target, String)> {
        let key = match &self.key {
            KeyRule::Field(field) => Some((Target::Key, field.clone())),
            KeyRule::Guess(_) => None,
        };
        key.into_iter()
            .chain(self.mapped.iter().map(|mapped| (mapped.target, mapped.source.clone())))
            .collect()
    }

    pub(crate) fn source_of(&self, target: Target) -> Option<&str> {
        self.mapped
            .iter()
            .find(|mapped| mapped.target == target)
            .map(|mapped| mapped.source.as_str())
    }
}

fn rule(target: Target, source: &str, unit: Option<f64>) -> ValueRule {
    match target {
        Target::RegisteredAreaM2 | Target::UseAreaM2 => {
            ValueRule::Number(unit.or_else(|| unit_said(source)).unwrap_or(1.0))
        }
        other => other.rule(),
    }
}

fn confidence(layer: Layer, target: Target, field: &FieldName) -> Option<f64> {
    let header = said(&field.name);
    let (_, confidence) = target.headers().iter().find(|(known, _)| is_header(&header, known))?;
    let mut confidence = *confidence;
    // Names of other layers' things: 单位代码 is the code of a unit, but of a parcel's user.
    match (target, layer) {
        (Target::Code, Layer::Parcels | Layer::Sites | Layer::Buildings | Layer::Rooms)
            if header.contains("单位") || header.contains("区划") || header.contains("信用代码") =>
        {
            return None;
        }
        (Target::Code, Layer::Regions | Layer::Units) if header.contains("宗地") => return None,
        (Target::Code, Layer::Units) if header.contains("区划") => return None,
        (Target::Code, Layer::Regions) if header.contains("信用代码") => return None,
        (Target::RegisteredAreaM2, Layer::Parcels) if header.contains("建筑") || header.contains("building") => {
            return None;
        }
        // The number of a room means nothing elsewhere, and a room is no building.
        (Target::Code, layer) if layer != Layer::Rooms && is_room_number(&header) => return None,
        (Target::Code, Layer::Rooms) if is_building(&header) || header.contains("宗地") => return None,
        (Target::ParentCode, layer) if layer != Layer::Rooms && is_building(&header) => return None,
        (Target::RegisteredAreaM2, Layer::Rooms)
            if !["建筑", "building", "登记", "证载", "registered"]
                .iter()
                .any(|word| header.contains(word)) =>
        {
            return None;
        }
        (Target::RegisteredAreaM2, Layer::Buildings) if header.contains("地面积") => {
            return None;
        }
        _ => {}
    }
    // Chinese with our own name behind it stands in our templates and exports alone: whatever is wrong with the values
    // below it is to be told, not to be taken for another column.
    let last = field.name.rsplit('/').next().unwrap_or_default();
    if bilingual(last).is_some_and(|(_, name)| name == target.as_str()) {
        return Some(1.0);
    }
    // Example values that contradict the meaning.
    match target.rule() {
        ValueRule::Closed(list) => {
            let known = field
                .examples
                .iter()
                .filter(|text| closed_code(list, text).is_some())
                .count();
            if !field.examples.is_empty() && known == 0 {
                return None;
            }
        }
        ValueRule::Number(_) | ValueRule::Integer => {
            let is_number = |text: &String| number_in(text).is_some();
            if !field.examples.is_empty() && !field.examples.iter().any(is_number) {
                return None;
            }
        }
        ValueRule::Text | ValueRule::Date => {}
    }
    if field.examples.is_empty() {
        confidence *= 0.9;
    }
    Some(confidence)
}

fn is_room_number(header: &str) -> bool {
    header.starts_with('房') || header.starts_with('室') || matches!(header, "roomnumber" | "roomno" | "number")
}

fn is_building(header: &str) -> bool {
    header.contains('幢') || header.contains("楼栋") || header.starts_with("building")
}

/// A number as people write it, thousands separators and all.
pub(crate) fn number_in(text: &str) -> Option<f64> {
    let plain: String = text
        .chars()
        .filter(|c| !matches!(c, ',' | '\u{ff0c}' | ' ' | '\u{a0}'))
        .collect();
    plain.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The header is the known one, or its cut form: field names in shapefiles end after ten bytes.
fn is_header(header: &str, known: &str) -> bool {
    if header == known {
        return true;
    }
    let cut_by_bytes =
        header.len() >= 9 && header.len() <= 10 && known.len() > header.len() && known.starts_with(header);
    let cut_gbk = header.chars().count() == 5 && !header.is_ascii() && known.starts_with(header);
    cut_by_bytes || cut_gbk
}
