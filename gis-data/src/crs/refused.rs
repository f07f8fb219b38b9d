//! Why a coordinate system can't be used, and what could be done about it.

use serde::{Serialize, Serializer, ser::SerializeMap};

use super::system::in_chinese;
use crate::report::Words;

/// Why a coordinate system can't be used. Nothing is imported then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CrsRefused {
    /// The source declares none and none was given.
    #[error("the source declares no coordinate system")]
    Missing {
        /// What would fit the coordinates.
        offers: Vec<Offer>,
    },
    /// Not a name, code or definition we know.
    #[error("the coordinate system {text} is not known")]
    Unknown {
        /// As given, shortened.
        text: String,
        /// What would fit the coordinates.
        offers: Vec<Offer>,
    },
    /// Xi'an 1980 or Beijing 1954.
    #[error("{name} can't be converted to CGCS2000 without parameters")]
    OldChineseDatum {
        /// The system or its datum.
        name: String,
    },
    /// A city's own plane system.
    #[error("a local plane system can't be converted to CGCS2000 without parameters")]
    LocalSystem,
    /// GCJ-02 or BD-09.
    #[error("{name} is an offset for display, not a coordinate system of survey data")]
    Offset {
        /// Which.
        name: String,
    },
    /// No null and no published way from its datum to WGS 84.
    #[error("there is no published way from the datum of {name} to WGS 84")]
    NoDatumPath {
        /// The system.
        name: String,
    },
    /// The projection isn't supported, or not exactly enough.
    #[error("the projection of {name} is not supported: {projection}")]
    UnsupportedProjection {
        /// The system.
        name: String,
        /// The projection's name.
        projection: String,
    },
    /// The coordinates clearly don't fit the coordinate system.
    #[error("the coordinates (for example {x}, {y}) don't fit {name}")]
    DoesNotFit {
        /// The system.
        name: String,
        /// An x from the source.
        x: f64,
        /// A y from the source.
        y: f64,
        /// What would fit them.
        offers: Vec<Offer>,
    },
    /// Eastings with a zone number under a system without, or the other way round.
    #[error("{}", zone_number_words(name, *x, *is_expected).en)]
    ZoneNumber {
        /// The system.
        name: String,
        /// An easting from the source.
        x: f64,
        /// Whether the system's eastings begin with the zone's number.
        is_expected: bool,
        /// What would fit them.
        offers: Vec<Offer>,
    },
    /// x and y are exchanged.
    #[error("the axes are exchanged: in {name} x is the easting or longitude, but the file has x {x} and y {y}")]
    AxesExchanged {
        /// The system.
        name: String,
        /// An x from the source.
        x: f64,
        /// A y from the source.
        y: f64,
        /// What would fit them.
        offers: Vec<Offer>,
    },
    /// Parameters that move everything farther than any datum lies from CGCS2000.
    #[error("{}", implausible_words(name, *metres).en)]
    ShiftImplausible {
        /// The system.
        name: String,
        /// How far they move a sampled coordinate; infinite where they move it off the earth.
        metres: f64,
    },
    /// Nearly everything lies outside the region it is said to lie in.
    #[error("{outside} of {of} sampled coordinates lie outside the expected region (for example {lon:.5}, {lat:.5})")]
    OutsideRegion {
        /// Sampled coordinates outside.
        outside: usize,
        /// Sampled coordinates.
        of: usize,
        /// One of them, longitude in degrees.
        lon: f64,
        /// Its latitude in degrees.
        lat: f64,
        /// What would bring them inside.
        offers: Vec<Offer>,
    },
}

fn implausible_words(name: &str, metres: f64) -> Words {
    let name_zh = in_chinese(name);
    let (far_zh, far_en) = if metres.is_finite() {
        (format!("移动 {metres:.0} m"), format!("by {metres:.0} m"))
    } else {
        ("移出有效范围".to_owned(), "out of all range".to_owned())
    };
    Words::new(
        format!("按此参数，{name_zh} 的坐标会{far_zh}，而基准面之间的差异不超过几百米"),
        format!("the parameters move {name} {far_en}, but no datum lies farther off than a few hundred metres"),
    )
}

fn zone_number_words(name: &str, x: f64, is_expected: bool) -> Words {
    let name_zh = in_chinese(name);
    if is_expected {
        Words::new(
            format!("{name_zh} 的东坐标应带有两位带号（共 8 位），而数据中的东坐标没有带号（例如 {x}）"),
            format!(
                "eastings in {name} begin with the zone's number (8 digits); those of the file don't (for example {x})"
            ),
        )
    } else {
        Words::new(
            format!("{name_zh} 的东坐标不带带号（共 6 位），而数据中的东坐标带有带号（例如 {x}）"),
            format!("eastings in {name} carry no zone number (6 digits); those of the file do (for example {x})"),
        )
    }
}

/// A way out of a refusal: options that would make the file fit. For the user to confirm, never
/// applied by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The coordinate system to give, e.g. `EPSG:4528`; nothing where the present one stays.
    pub crs: Option<String>,
    /// Whether to exchange the axes; nothing where that stays as it is.
    pub swap_axes: Option<bool>,
    /// Why that would fit.
    pub why: Words,
}

impl Offer {
    /// The options as they are named in a form, with their values.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let crs = self.crs.clone().map(|crs| ("crs", crs));
        let swap_axes = self.swap_axes.map(|swap| ("swap_axes", swap.to_string()));
        crs.into_iter().chain(swap_axes).collect()
    }

    /// The options as they are typed on the command line.
    pub fn arguments(&self) -> String {
        let mut parts = Vec::new();
        if let Some(crs) = &self.crs {
            parts.push(format!("--crs {crs}"));
        }
        if self.swap_axes == Some(true) {
            parts.push("--swap-axes".to_owned());
        }
        parts.join(" ")
    }

    fn remedy(&self) -> Words {
        let (arguments, why) = (self.arguments(), &self.why);
        let is_unswapped = self.swap_axes == Some(false);
        match (arguments.is_empty(), is_unswapped) {
            (true, _) => Words::new(
                format!("{}；如果正确，请去掉 --swap-axes", why.zh),
                format!("{}; if that is right, leave out --swap-axes", why.en),
            ),
            (false, true) => Words::new(
                format!("{}；如果正确，请去掉 --swap-axes 并用 {arguments} 指定", why.zh),
                format!(
                    "{}; if that is right, leave out --swap-axes and give {arguments}",
                    why.en
                ),
            ),
            (false, false) => Words::new(
                format!("{}；如果正确，请用 {arguments} 指定", why.zh),
                format!("{}; if that is right, give {arguments}", why.en),
            ),
        }
    }
}

impl Serialize for Offer {
    /// `{"set": {"crs": …, "swap_axes": …}, "arguments": …, "zh": …, "en": …}`
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let set: std::collections::BTreeMap<&str, String> = self.settings().into_iter().collect();
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("set", &set)?;
        map.serialize_entry("arguments", &self.arguments())?;
        map.serialize_entry("zh", &self.why.zh)?;
        map.serialize_entry("en", &self.why.en)?;
        map.end()
    }
}

impl CrsRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CrsRefused::Missing { .. } => "crs_missing",
            CrsRefused::Unknown { .. } => "crs_unknown",
            CrsRefused::OldChineseDatum { .. } => "crs_old_datum",
            CrsRefused::LocalSystem => "crs_local_system",
            CrsRefused::Offset { .. } => "crs_offset",
            CrsRefused::NoDatumPath { .. } => "crs_no_datum_path",
            CrsRefused::UnsupportedProjection { .. } => "crs_unsupported_projection",
            CrsRefused::DoesNotFit { .. } => "crs_does_not_fit",
            CrsRefused::ZoneNumber { .. } => "crs_zone_number",
            CrsRefused::AxesExchanged { .. } => "crs_axes_exchanged",
            CrsRefused::ShiftImplausible { .. } => "parameters_implausible",
            CrsRefused::OutsideRegion { .. } => "crs_outside_region",
        }
    }

    /// What would make the file fit, the likeliest first. Empty where nothing is known.
    pub fn offers(&self) -> &[Offer] {
        match self {
            CrsRefused::Missing { offers }
            | CrsRefused::Unknown { offers, .. }
            | CrsRefused::DoesNotFit { offers, .. }
            | CrsRefused::ZoneNumber { offers, .. }
            | CrsRefused::AxesExchanged { offers, .. }
            | CrsRefused::OutsideRegion { offers, .. } => offers,
            CrsRefused::OldChineseDatum { .. }
            | CrsRefused::LocalSystem
            | CrsRefused::Offset { .. }
            | CrsRefused::ShiftImplausible { .. }
            | CrsRefused::NoDatumPath { .. }
            | CrsRefused::UnsupportedProjection { .. } => &[],
        }
    }

    /// What is wrong, in words.
    pub fn words(&self) -> Words {
        let en = self.to_string();
        let zh = match self {
            CrsRefused::Missing { .. } => "数据没有声明坐标系".to_owned(),
            CrsRefused::Unknown { text, .. } => format!("无法识别坐标系 {text}"),
            CrsRefused::OldChineseDatum { name } => {
                let name = in_chinese(name);
                format!("{name} 缺少转换参数，不能转换到 2000 国家大地坐标系（CGCS2000）")
            }
            CrsRefused::LocalSystem => {
                "地方独立坐标系缺少转换参数，不能转换到 2000 国家大地坐标系（CGCS2000）".to_owned()
            }
            CrsRefused::Offset { name } => {
                let name = in_chinese(name);
                format!("{name} 是显示用的加偏坐标，不是测绘成果的坐标系")
            }
            CrsRefused::NoDatumPath { name } => {
                let name = in_chinese(name);
                format!("{name} 的基准面到 WGS 84 没有公开的转换方法")
            }
            CrsRefused::UnsupportedProjection { name, projection } => {
                let name = in_chinese(name);
                format!("不支持 {name} 的投影：{projection}")
            }
            CrsRefused::DoesNotFit { name, x, y, .. } => {
                let name = in_chinese(name);
                format!("坐标（例如 {x}, {y}）与 {name} 不符")
            }
            CrsRefused::ZoneNumber {
                name, x, is_expected, ..
            } => return zone_number_words(name, *x, *is_expected),
            CrsRefused::AxesExchanged { name, x, y, .. } => {
                let name = in_chinese(name);
                format!("坐标轴颠倒：{name} 的 x 应为东坐标（经度），而数据中 x 为 {x}、y 为 {y}")
            }
            CrsRefused::ShiftImplausible { name, metres } => return implausible_words(name, *metres),
            CrsRefused::OutsideRegion {
                outside, of, lon, lat, ..
            } => format!("抽查的 {of} 个坐标中有 {outside} 个不在所属区划范围内（例如 {lon:.5}, {lat:.5}）"),
        };
        Words { zh, en }
    }

    /// What to do about it, in words.
    pub fn remedy(&self) -> Words {
        let offers = self.offers();
        if !offers.is_empty() {
            let remedies: Vec<Words> = offers.iter().map(Offer::remedy).collect();
            let zh: Vec<&str> = remedies.iter().map(|words| words.zh.as_str()).collect();
            let en: Vec<&str> = remedies.iter().map(|words| words.en.as_str()).collect();
            return Words::new(format!("{}。", zh.join("。或者：")), format!("{}.", en.join(". Or: ")));
        }
        match self {
            CrsRefused::Missing { .. } | CrsRefused::DoesNotFit { .. } => Words::new(
                "请用 --crs 指定坐标系，例如 --crs EPSG:4490。",
                "Give the coordinate system with --crs, for example --crs EPSG:4490.",
            ),
            CrsRefused::ZoneNumber { .. } | CrsRefused::Unknown { .. } => Words::new(
                "请用 EPSG 代码指定，例如 --crs EPSG:4549。",
                "Give an EPSG code, for example --crs EPSG:4549.",
            ),
            CrsRefused::OldChineseDatum { .. } | CrsRefused::LocalSystem => Words::new(
                "请向测绘主管部门取得转换参数（四参数、七参数）或控制点，连同其来源一并给出（命令行用 --datum-parameters 或 --control-points，以及 --parameters-from）；或请其转换为 CGCS2000 后再导入。直接套用会有几十米到一百多米的偏差。",
                "Obtain the transformation parameters (four or seven) or control points from the surveying authority and give them together with where they come from (on the command line --datum-parameters or --control-points, and --parameters-from); or have the data converted to CGCS2000 first. Taken as it is, it would be off by tens of metres to over 100 m.",
            ),
            CrsRefused::Offset { .. } => Words::new(
                "请提供未加偏的 CGCS2000 或 WGS 84 数据。",
                "Provide data in CGCS2000 or WGS 84 without the offset.",
            ),
            CrsRefused::NoDatumPath { .. } | CrsRefused::UnsupportedProjection { .. } => Words::new(
                "请先用专业软件转换为 CGCS2000（EPSG:4490）或 WGS 84 再导入；如果 .prj 写得不全，也可用 --crs 给出 EPSG 代码。",
                "Convert it to CGCS2000 (EPSG:4490) or WGS 84 with suitable software first; if only the .prj is incomplete, give the EPSG code with --crs.",
            ),
            CrsRefused::AxesExchanged { .. } => Words::new(
                "请用 --swap-axes 交换 x 与 y，或交换后（东坐标在前）重新导出。",
                "Exchange x and y with --swap-axes, or export again with the easting first.",
            ),
            CrsRefused::ShiftImplausible { .. } => Words::new(
                "请核对参数的单位、符号、北向与东向的顺序、东坐标是否带带号，以及目标分带。",
                "Check the parameters' units and signs, the order of north and east, whether eastings carry the zone number, and the zone they lead to.",
            ),
            CrsRefused::OutsideRegion { .. } => Words::new(
                "请核对坐标系和所属区划：二者必有一个不对。",
                "Check the coordinate system and the region: one of them is wrong.",
            ),
        }
    }
}
