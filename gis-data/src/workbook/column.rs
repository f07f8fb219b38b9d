//! The columns that a layer's sheet has: their words, their group, and what their cells may hold.

use rust_xlsxwriter::{
    ColNum, DataValidation, DataValidationRule, ExcelDateTime, Format, Formula, RowNum, Workbook, Worksheet,
};

use super::{LAST_CHECKED_ROW, WORDS_SHEET, failed};
use crate::mapping::{Layer, Target, ValueRule};
use crate::pipeline::{needed_fields, needs_geometry};
use crate::report::Words;
use crate::write::WriteFailed;

/// Columns under one heading, in the order of a sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Group {
    Identity,
    Title,
    Use,
    Place,
    Building,
    Other,
    Shape,
}

impl Group {
    pub(super) fn words(self) -> &'static str {
        match self {
            Group::Identity => "基本信息",
            Group::Title => "权属与面积",
            Group::Use => "使用情况",
            Group::Place => "隶属关系",
            Group::Building => "建筑信息",
            Group::Other => "其他信息",
            Group::Shape => "图形",
        }
    }

    fn of(target: Target) -> Group {
        match target {
            Target::Code | Target::Name | Target::Address | Target::AssetCode => Group::Identity,
            Target::RegisteredAreaM2
            | Target::UseAreaM2
            | Target::TitleStatus
            | Target::UnitCode
            | Target::Holder
            | Target::Part
            | Target::Certificate
            | Target::StatedUse => Group::Title,
            Target::Usage | Target::Occupancy | Target::IdleSince => Group::Use,
            Target::RegionCode
            | Target::ParentCode
            | Target::Level
            | Target::Kind
            | Target::AdminLevel
            | Target::Secrecy => Group::Place,
            Target::YearBuilt | Target::FloorsAbove | Target::FloorsBelow | Target::Floor => Group::Building,
            _ => Group::Other,
        }
    }
}

/// What the cells of a column hold.
#[derive(Debug, Clone)]
pub(super) enum Cells {
    Text,
    Number,
    Integer,
    Date,
    /// One of these words.
    Words(Vec<&'static str>),
    /// A shape as WKT.
    Shape,
    /// A longitude or latitude in degrees.
    Degrees,
}

impl Cells {
    pub(super) fn of(target: Target) -> Cells {
        match target.rule() {
            ValueRule::Number(_) => Cells::Number,
            ValueRule::Integer => Cells::Integer,
            ValueRule::Date => Cells::Date,
            ValueRule::Closed(list) => {
                // The first word is the one that is shown.
                Cells::Words(list.iter().filter_map(|(_, words)| words.first().copied()).collect())
            }
            ValueRule::Text => Cells::Text,
        }
    }

    pub(super) fn words(&self) -> Words {
        match self {
            Cells::Text => Words::new("文字", "text"),
            Cells::Number => Words::new("数字", "a number"),
            Cells::Integer => Words::new("整数", "a whole number"),
            Cells::Date => Words::new("日期，如 2024-06-30", "a day, as 2024-06-30"),
            Cells::Words(_) => Words::new("从下拉列表中选一项", "one of the list"),
            Cells::Shape => Words::new(
                "WKT，经度在前、纬度在后，单位度",
                "WKT, longitude before latitude, in degrees",
            ),
            Cells::Degrees => Words::new("数字，单位度", "a number of degrees"),
        }
    }
}

/// A column of a layer's sheet.
#[derive(Debug, Clone)]
pub(super) struct SheetColumn {
    /// The name below the Chinese, which says what the column is.
    pub name: String,
    pub label: String,
    pub group: Group,
    pub cells: Cells,
    pub is_needed: bool,
    pub about: Words,
    pub example: String,
}

impl SheetColumn {
    /// The columns of a layer and its shape: all its fields, but for the key, for which the code stands, and for days of
    /// validity, which make a file a history where somebody says so.
    pub(super) fn of_layer(layer: Layer) -> Vec<SheetColumn> {
        let needed = needed_fields(layer);
        let left_out = [Target::Key, Target::ValidFrom, Target::ValidTo];
        let mut columns: Vec<SheetColumn> = Target::of_layer(layer)
            .iter()
            .filter(|target| !left_out.contains(target))
            .map(|target| SheetColumn {
                name: target.as_str().to_owned(),
                label: label(layer, *target),
                group: Group::of(*target),
                cells: Cells::of(*target),
                // Without a code the rows of the next delivery would not be known again.
                is_needed: *target == Target::Code || needed.contains(target) || is_needed_by_registry(layer, *target),
                about: about(layer, *target),
                example: example(layer, *target),
            })
            .collect();
        columns.extend(shape_columns(layer));
        columns.sort_by_key(|column| column.group);
        columns
    }

    /// Width in characters.
    pub(super) fn width(&self) -> f64 {
        match (&self.cells, self.group) {
            (Cells::Shape, _) => 44.0,
            (Cells::Words(words), _) => {
                let longest = words.iter().map(|word| word.chars().count()).max().unwrap_or(0);
                (longest as f64 * 2.0 + 4.0).clamp(14.0, 44.0)
            }
            (Cells::Text, Group::Identity) => 34.0,
            (Cells::Text, _) => 20.0,
            _ => 16.0,
        }
    }
}

fn shape_columns(layer: Layer) -> Vec<SheetColumn> {
    let degrees = |name: &str, label: &str, zh: &str, en: &str, example: &str| SheetColumn {
        name: name.to_owned(),
        label: format!("{label}（EPSG:4490）"),
        group: Group::Shape,
        cells: Cells::Degrees,
        is_needed: false,
        about: Words::new(zh, en),
        example: example.to_owned(),
    };
    match layer {
        Layer::Sites => vec![
            degrees(
                "longitude",
                "经度",
                "院落中心点的经度（CGCS2000），与纬度一并填写；可不填",
                "longitude of the middle of the site (CGCS2000), together with the latitude; may be left out",
                "119.95",
            ),
            degrees(
                "latitude",
                "纬度",
                "院落中心点的纬度（CGCS2000）",
                "latitude of the middle of the site (CGCS2000)",
                "31.78",
            ),
        ],
        Layer::Parcels | Layer::Buildings | Layer::Regions => vec![SheetColumn {
            name: "wkt".to_owned(),
            label: "图形（EPSG:4490）".to_owned(),
            group: Group::Shape,
            cells: Cells::Shape,
            is_needed: needs_geometry(layer),
            about: Words::new(
                "边界的 WKT（CGCS2000 经纬度），可由 GIS 软件导出；一个单元格最多 32 767 个字符，更复杂的图形请用 Shapefile 或 GeoPackage",
                "the outline as WKT in longitude and latitude of CGCS2000, as a GIS exports it; a cell holds 32 767 characters, larger shapes need a shapefile or GeoPackage",
            ),
            example: "POLYGON ((119.95 31.78, 119.951 31.78, 119.951 31.781, 119.95 31.781, 119.95 31.78))".to_owned(),
        }],
        _ => Vec::new(),
    }
}

/// What the registry quarantines a row without.
fn is_needed_by_registry(layer: Layer, target: Target) -> bool {
    matches!(
        (layer, target),
        (Layer::Units, Target::Level | Target::Kind)
            | (Layer::Rooms, Target::ParentCode | Target::Floor)
            | (Layer::Titles, Target::AssetCode)
    )
}

/// What a field is called for people.
fn label(layer: Layer, target: Target) -> String {
    let words = match (target, layer) {
        (Target::Code, Layer::Parcels) => "宗地代码",
        (Target::Code, Layer::Buildings) => "楼栋编号",
        (Target::Code, Layer::Sites) => "院落编号",
        (Target::Code, Layer::Regions) => "行政区划代码",
        (Target::Code, Layer::Units) => "单位代码",
        (Target::Code, Layer::Rooms) => "房间号",
        (Target::Name, Layer::Parcels) => "宗地名称",
        (Target::Name, Layer::Buildings) => "楼栋名称",
        (Target::Name, Layer::Sites) => "院落名称",
        (Target::Name, Layer::Regions) => "行政区名称",
        (Target::Name, Layer::Units) => "单位名称",
        (Target::Name, Layer::Rooms) => "房间名称",
        (Target::RegisteredAreaM2, Layer::Parcels) => "宗地面积（㎡）",
        (Target::RegisteredAreaM2, Layer::Buildings) => "建筑面积（㎡）",
        (Target::RegisteredAreaM2, Layer::Rooms) => "建筑面积（㎡）",
        (Target::UseAreaM2, _) => "使用面积（㎡）",
        (Target::AssetCode, _) => "资产代码",
        (Target::StatedUse, _) => "登记用途",
        (Target::RegisteredAreaM2, _) => "登记面积（㎡）",
        (Target::UnitCode, _) => "使用单位",
        (Target::RegionCode, _) => "所属行政区代码",
        (Target::ParentCode, Layer::Buildings) => "所属宗地",
        (Target::ParentCode, Layer::Rooms) => "所属楼栋",
        (Target::ParentCode, Layer::Regions) => "上级区划代码",
        (Target::ParentCode, Layer::Units) => "上级单位代码",
        (Target::Level, Layer::Units) => "单位级别",
        (Target::Level, _) => "级别",
        (Target::Kind, Layer::Units) => "单位类型",
        (Target::Kind, Layer::Rooms) => "房间类型",
        (Target::Usage, _) => "使用性质",
        _ => target.chinese_header().unwrap_or(target.as_str()),
    };
    words.to_owned()
}

/// What to write into a column.
fn about(layer: Layer, target: Target) -> Words {
    let (zh, en) = match (target, layer) {
        (Target::Code, _) => (
            "区分各行的代码，不得重复；以后再次导入时据此比对。前面的 0 会保留",
            "tells the rows apart and must not repeat; the next delivery is compared by it. Leading zeros are kept",
        ),
        (Target::Name, _) => ("名称", "the name"),
        (Target::Address, _) => ("坐落（地址）", "where it lies"),
        (Target::RegisteredAreaM2, _) => (
            "证书或登记簿上的面积，单位平方米，只填数字",
            "the area as registered, in square metres; digits only",
        ),
        (Target::TitleStatus, _) => (
            "权属登记情况，按国家规定的六类",
            "how the title is registered, one of six",
        ),
        (Target::UnitCode, _) => (
            "使用单位的代码或全称，须已登记",
            "code or full name of the unit that uses it; it must be registered",
        ),
        (Target::Usage, _) => ("使用性质", "what it is used for"),
        (Target::Occupancy, _) => ("目前的使用状态", "how it is used at present"),
        (Target::IdleSince, _) => (
            "从哪一天起闲置；仅在使用状态为“闲置”时填写",
            "the day since which it is idle; only where it is idle",
        ),
        (Target::RegionCode, _) => (
            "所在行政区划的代码，须已登记；整个文件同属一个区划时可在导入时统一指定",
            "code of the region it lies in, which must be registered; may be given once for the whole file",
        ),
        (Target::ParentCode, Layer::Buildings) => ("所在宗地的代码", "code of the parcel it stands on"),
        (Target::ParentCode, Layer::Rooms) => ("所在楼栋的编号", "code of the building it is in"),
        (Target::ParentCode, _) => ("上一级的代码", "code of the one above"),
        (Target::Level, _) => ("级别", "the level"),
        (Target::AdminLevel, _) => (
            "属于哪一级（本级）：国家、省级、市级、县级、乡镇级",
            "whose it is: the nation's, a province's, a city's, a county's or a township's",
        ),
        (Target::Secrecy, _) => (
            "公开、内部或涉密；涉密资产不得带图形",
            "public, internal or classified; what is classified must have no shape",
        ),
        (Target::Kind, Layer::Rooms) => (
            "办公室、服务用房、设备用房、附属用房、技术业务用房、门面、公共部位，或会议室、食堂等具体用途",
            "office, service room, equipment room and so on, or what it serves for, as a meeting room or canteen",
        ),
        (Target::Kind, _) => ("类型", "the kind"),
        (Target::YearBuilt, _) => ("竣工的年份，四位数字", "the year of completion, four digits"),
        (Target::FloorsAbove, _) => ("地上层数，0 至 300", "storeys above ground, 0 to 300"),
        (Target::FloorsBelow, _) => ("地下层数，0 至 30", "storeys below ground, 0 to 30"),
        (Target::Floor, _) => ("所在楼层，地下为负数", "the floor; below ground negative"),
        (Target::UseAreaM2, _) => (
            "使用面积，单位平方米，只填数字",
            "the usable area, in square metres; digits only",
        ),
        (Target::AssetCode, _) => (
            "所在宗地或楼栋的代码，须已登记；一宗可有多行",
            "code of the parcel or building the right is in, which must be registered; many rows may name one",
        ),
        (Target::Holder, _) => ("权利人的全称", "full name of the holder"),
        (Target::Part, _) => ("权利所在的部位、房号", "the part or room the right is in"),
        (Target::Certificate, _) => ("不动产权证书号或旧证号", "number of the certificate, old ones too"),
        (Target::StatedUse, _) => (
            "证书或清单上写明的用途，原样填写",
            "the use as the certificate or list tells it, in its own words",
        ),
        _ => ("", ""),
    };
    Words::new(zh, en)
}

fn example(layer: Layer, target: Target) -> String {
    let text = match (target, layer) {
        (Target::Code, Layer::Parcels) => "320404001001GB00001",
        (Target::Code, Layer::Regions) => "320404",
        (Target::Code, Layer::Units) => "DW0001",
        (Target::Code, Layer::Rooms) => "0301",
        (Target::Code, _) => "0001",
        (Target::Name, Layer::Regions) => "钟楼区",
        (Target::Name, Layer::Units) => "某某局",
        (Target::Name, _) => "某某局办公楼",
        (Target::Address, _) => "某某路 1 号",
        (Target::RegisteredAreaM2, _) => "1250.50",
        (Target::UseAreaM2, _) => "18.60",
        (Target::AssetCode, _) => "320404001001GB00001",
        (Target::Holder, _) => "某某局",
        (Target::Part, _) => "301 室",
        (Target::Certificate, _) => "苏（2024）常州市不动产权第 0000001 号",
        (Target::StatedUse, _) => "办公",
        (Target::Level, Layer::Units) => "市级",
        (Target::Kind, Layer::Units) => "政府机关",
        (Target::Kind, Layer::Rooms) => "办公室",
        (Target::UnitCode, _) => "某某局",
        (Target::IdleSince, _) => "2024-06-30",
        (Target::RegionCode, _) => "320404",
        (Target::ParentCode, Layer::Regions) => "320400",
        (Target::ParentCode, _) => "0001",
        (Target::YearBuilt, _) => "1998",
        (Target::FloorsAbove, _) => "6",
        (Target::FloorsBelow, _) => "1",
        (Target::Floor, _) => "3",
        _ => match target.rule() {
            ValueRule::Closed(list) => list
                .first()
                .and_then(|(_, words)| words.first())
                .copied()
                .unwrap_or_default(),
            _ => "",
        },
    };
    text.to_owned()
}

/// Lays the checks of columns over their cells, so that a spreadsheet refuses at once what an import would; the words of
/// closed lists go to a hidden sheet, for a list inside a check is short.
#[derive(Debug, Default)]
pub(super) struct Checks {
    lists: Vec<Vec<&'static str>>,
}

impl Checks {
    pub(super) fn lay(
        &mut self,
        sheet: &mut Worksheet,
        column: ColNum,
        first_row: RowNum,
        cells: &Cells,
    ) -> Result<(), WriteFailed> {
        let check = DataValidation::new()
            .set_error_title("填写有误")
            .and_then(|check| check.set_error_message(format!("应填：{}", cells.words().zh)))
            .map_err(failed)?;
        let check = match cells {
            Cells::Text | Cells::Shape => return Ok(()),
            Cells::Number => check.allow_decimal_number(DataValidationRule::GreaterThanOrEqualTo(0.0)),
            Cells::Degrees => check.allow_decimal_number(DataValidationRule::Between(-180.0, 180.0)),
            Cells::Integer => check.allow_whole_number(DataValidationRule::Between(-1_000, 9_999)),
            Cells::Date => {
                let day = |year| ExcelDateTime::from_ymd(year, 1, 1).map_err(failed);
                check.allow_date(DataValidationRule::Between(day(1900)?, day(2200)?))
            }
            Cells::Words(words) => {
                let letter = rust_xlsxwriter::utility::column_number_to_name(
                    ColNum::try_from(self.lists.len()).unwrap_or_default(),
                );
                let range = format!("='{WORDS_SHEET}'!${letter}$1:${letter}${}", words.len());
                self.lists.push(words.clone());
                check.allow_list_formula(Formula::new(range))
            }
        };
        sheet
            .add_data_validation(first_row, column, LAST_CHECKED_ROW.max(first_row), column, &check)
            .map_err(failed)?;
        Ok(())
    }

    /// Writes the words of all lists.
    pub(super) fn write_words(self, workbook: &mut Workbook) -> Result<(), WriteFailed> {
        if self.lists.is_empty() {
            return Ok(());
        }
        let sheet = workbook.add_worksheet();
        sheet.set_name(WORDS_SHEET).map_err(failed)?;
        sheet.set_hidden(true);
        for (column, words) in (0..).zip(self.lists) {
            for (row, word) in (0..).zip(words) {
                sheet.write_string(row, column, word).map_err(failed)?;
            }
        }
        Ok(())
    }
}

/// How the cells of a column are shown.
pub(super) fn format_of(cells: &Cells) -> Format {
    match cells {
        // As text, so that a spreadsheet leaves zeros and long codes alone.
        Cells::Text | Cells::Words(_) | Cells::Shape => Format::new().set_num_format("@"),
        Cells::Number => Format::new().set_num_format("0.00##"),
        Cells::Integer => Format::new().set_num_format("0"),
        Cells::Date => Format::new().set_num_format("yyyy-mm-dd"),
        Cells::Degrees => Format::new().set_num_format("0.0000000"),
    }
}
