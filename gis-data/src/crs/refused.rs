//! Why a coordinate system can't be used, and what could be done about it.

use crate::report::Words;

/// Why a coordinate system can't be used. Nothing is imported then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum CrsRefused {
    /// The source declares none and none was given.
    #[error("the source declares no coordinate system")]
    Missing {
        /// What the coordinates look like.
        suggestion: Option<Suggestion>,
    },
    /// Not a name, code or definition we know.
    #[error("the coordinate system {text} is not known")]
    Unknown {
        /// As given, shortened.
        text: String,
    },
    /// Xi'an 1980 or Beijing 1954.
    #[error("{name} can't be converted to CGCS2000 without parameters")]
    OldChineseDatum {
        /// The system or its datum.
        name: String,
    },
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
        /// What they look like.
        suggestion: Option<Suggestion>,
    },
    /// x and y are exchanged.
    #[error("the axes are exchanged: x {x} is a northing, y {y} an easting in {name}")]
    AxesExchanged {
        /// The system.
        name: String,
        /// An x from the source.
        x: f64,
        /// A y from the source.
        y: f64,
    },
}

/// What coordinates look like; for the user to confirm, never applied by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// To be given as the coordinate system, e.g. `EPSG:4528`.
    pub crs: String,
    /// Why it looks like that.
    pub why: Words,
}

impl CrsRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            CrsRefused::Missing { .. } => "crs_missing",
            CrsRefused::Unknown { .. } => "crs_unknown",
            CrsRefused::OldChineseDatum { .. } => "crs_old_datum",
            CrsRefused::Offset { .. } => "crs_offset",
            CrsRefused::NoDatumPath { .. } => "crs_no_datum_path",
            CrsRefused::UnsupportedProjection { .. } => "crs_unsupported_projection",
            CrsRefused::DoesNotFit { .. } => "crs_does_not_fit",
            CrsRefused::AxesExchanged { .. } => "crs_axes_exchanged",
        }
    }

    /// The coordinate system the coordinates look like, where there is one.
    pub fn suggestion(&self) -> Option<&Suggestion> {
        match self {
            CrsRefused::Missing { suggestion } | CrsRefused::DoesNotFit { suggestion, .. } => suggestion.as_ref(),
            _ => None,
        }
    }

    /// What is wrong, in words.
    pub fn words(&self) -> Words {
        let en = self.to_string();
        let zh = match self {
            CrsRefused::Missing { .. } => "数据没有声明坐标系".to_owned(),
            CrsRefused::Unknown { text } => format!("无法识别坐标系 {text}"),
            CrsRefused::OldChineseDatum { name } => {
                format!("{name} 缺少转换参数，不能转换到 2000 国家大地坐标系（CGCS2000）")
            }
            CrsRefused::Offset { name } => {
                format!("{name} 是显示用的加偏坐标，不是测绘成果的坐标系")
            }
            CrsRefused::NoDatumPath { name } => {
                format!("{name} 的基准面到 WGS 84 没有公开的转换方法")
            }
            CrsRefused::UnsupportedProjection { name, projection } => {
                format!("不支持 {name} 的投影：{projection}")
            }
            CrsRefused::DoesNotFit { name, x, y, .. } => {
                format!("坐标（例如 {x}, {y}）与 {name} 不符")
            }
            CrsRefused::AxesExchanged { name, x, y } => {
                format!("坐标轴颠倒：在 {name} 中，x 值 {x} 是北坐标，y 值 {y} 是东坐标")
            }
        };
        Words { zh, en }
    }

    /// What to do about it, in words.
    pub fn remedy(&self) -> Words {
        match self {
            CrsRefused::Missing { suggestion } | CrsRefused::DoesNotFit { suggestion, .. } => match suggestion {
                Some(suggestion) => Words::new(
                    format!("{}；如果正确，请用 --crs {} 指定。", suggestion.why.zh, suggestion.crs),
                    format!(
                        "{}; if that is right, give --crs {}.",
                        suggestion.why.en, suggestion.crs
                    ),
                ),
                None => Words::new(
                    "请用 --crs 指定坐标系，例如 --crs EPSG:4490。",
                    "Give the coordinate system with --crs, for example --crs EPSG:4490.",
                ),
            },
            CrsRefused::Unknown { .. } => Words::new(
                "请用 EPSG 代码指定，例如 --crs EPSG:4549。",
                "Give an EPSG code, for example --crs EPSG:4549.",
            ),
            CrsRefused::OldChineseDatum { .. } => Words::new(
                "请向测绘主管部门申请转换参数（四参数、七参数或控制点），或请其转换为 CGCS2000 后再导入。直接套用会有几十米到一百多米的偏差。",
                "Obtain the transformation parameters (four or seven parameters, or control points) from the surveying authority, or have the data converted to CGCS2000 first. Taken as it is, it would be off by tens of metres to over 100 m.",
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
                "请交换 x 与 y（东坐标在前）后重新导出。",
                "Exchange x and y (easting first) and export again.",
            ),
        }
    }
}
