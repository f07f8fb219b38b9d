//! Why parameters can't be used, and what could be done about it.

use super::CrsRefused;
use crate::report::Words;

/// Why parameters can't be used. Nothing is imported then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParametersRefused {
    /// Not written as expected.
    #[error("the parameters can't be read: {detail}")]
    Unreadable {
        /// What was found.
        detail: String,
    },
    /// Nobody is named who gave them.
    #[error("it is not said where the parameters come from")]
    ReferenceMissing,
    /// The system needs none.
    #[error("{name} needs no parameters")]
    NotNeeded {
        /// The system.
        name: String,
    },
    /// It isn't clear which CGCS2000 zone the parameters lead to.
    #[error("it is not said which CGCS2000 zone the parameters lead to")]
    TargetMissing,
    /// They lead to something that is no zone of CGCS2000.
    #[error("{name} is no Gauss–Krüger zone of CGCS2000")]
    TargetUnsuitable {
        /// What was given.
        name: String,
    },
    /// Seven parameters for a system without an ellipsoid.
    #[error("seven parameters need a datum; a local plane system takes four parameters or control points")]
    PlaneOnly,
    /// The control points are too few.
    #[error("{count} control points are too few: two fix the parameters, and only a third shows whether they hold")]
    TooFewPoints {
        /// How many there are.
        count: usize,
    },
    /// The control points lie in one place.
    #[error("the control points lie too close together")]
    PointsTooClose,
    /// The control points contradict one another.
    #[error("the control points contradict one another: {rms_m:.2} m on average, {worst} is off by {worst_m:.2} m")]
    PointsDisagree {
        /// Root mean square of the distances, metres.
        rms_m: f64,
        /// The point that fits least.
        worst: String,
        /// Its distance, metres.
        worst_m: f64,
    },
    /// The system itself can't be used.
    #[error(transparent)]
    Crs(CrsRefused),
}

impl ParametersRefused {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            ParametersRefused::Unreadable { .. } => "parameters_unreadable",
            ParametersRefused::ReferenceMissing => "parameters_without_source",
            ParametersRefused::NotNeeded { .. } => "parameters_not_needed",
            ParametersRefused::TargetMissing => "parameters_target_missing",
            ParametersRefused::TargetUnsuitable { .. } => "parameters_target_unsuitable",
            ParametersRefused::PlaneOnly => "parameters_plane_only",
            ParametersRefused::TooFewPoints { .. } => "control_points_too_few",
            ParametersRefused::PointsTooClose => "control_points_too_close",
            ParametersRefused::PointsDisagree { .. } => "control_points_disagree",
            ParametersRefused::Crs(refused) => refused.code(),
        }
    }

    /// The option at fault.
    pub fn field(&self) -> &'static str {
        match self {
            ParametersRefused::ReferenceMissing => "parameters_from",
            ParametersRefused::TooFewPoints { .. }
            | ParametersRefused::PointsTooClose
            | ParametersRefused::PointsDisagree { .. } => "control_points",
            ParametersRefused::Crs(_) => "crs",
            _ => "datum_parameters",
        }
    }

    /// What is wrong, in words.
    pub fn words(&self) -> Words {
        let zh = match self {
            ParametersRefused::Unreadable { detail } => format!("转换参数无法读取：{detail}"),
            ParametersRefused::ReferenceMissing => "没有写明转换参数的来源".to_owned(),
            ParametersRefused::NotNeeded { name } => format!("{name} 不需要转换参数"),
            ParametersRefused::TargetMissing => "没有写明转换到 CGCS2000 的哪个分带".to_owned(),
            ParametersRefused::TargetUnsuitable { name } => format!("{name} 不是 CGCS2000 的高斯-克吕格分带"),
            ParametersRefused::PlaneOnly => "七参数需要基准面；地方坐标系只能用四参数或控制点".to_owned(),
            ParametersRefused::TooFewPoints { count } => {
                format!("控制点只有 {count} 个，太少：两个点刚好定出参数，第三个点起才能检核")
            }
            ParametersRefused::PointsTooClose => "控制点相距太近".to_owned(),
            ParametersRefused::PointsDisagree { rms_m, worst, worst_m } => {
                format!("控制点互相矛盾：中误差 {rms_m:.2} m，{worst} 相差 {worst_m:.2} m")
            }
            ParametersRefused::Crs(refused) => return refused.words(),
        };
        Words {
            zh,
            en: self.to_string(),
        }
    }

    /// What to do about it, in words.
    pub fn remedy(&self) -> Words {
        match self {
            ParametersRefused::Unreadable { .. } => Words::new(
                "四参数写作 four:north=…,east=…,rotation=…,scale=…（米、米、角秒、ppm；north 为北向平移，rotation 由北向东为正；东坐标不含带号），七参数写作 seven:dx=…,dy=…,dz=…,rx=…,ry=…,rz=…,scale=…,convention=position_vector（或 coordinate_frame）；控制点文件的表头为 name,source_east,source_north,target_east,target_north。",
                "Write four:north=…,east=…,rotation=…,scale=… (metres, metres, arc-seconds from north towards east, ppm; eastings without zone number), or seven:dx=…,dy=…,dz=…,rx=…,ry=…,rz=…,scale=…,convention=position_vector (or coordinate_frame); a file of control points has the columns name,source_east,source_north,target_east,target_north.",
            ),
            ParametersRefused::ReferenceMissing => Words::new(
                "请用 --parameters-from 写明由谁、凭哪份文件提供，例如“常州市测绘院 2019 年第 12 号”。",
                "Say with --parameters-from who gave them and by which document.",
            ),
            ParametersRefused::NotNeeded { .. } => Words::new(
                "请去掉转换参数，或改正坐标系。",
                "Leave the parameters out, or correct the coordinate system.",
            ),
            ParametersRefused::TargetMissing | ParametersRefused::TargetUnsuitable { .. } => Words::new(
                "请在参数后写明目标分带，例如 to=EPSG:4549。",
                "Name the zone they lead to, for example to=EPSG:4549.",
            ),
            ParametersRefused::PlaneOnly => Words::new(
                "请改用四参数（four:…）或控制点。",
                "Give four parameters (four:…) or control points.",
            ),
            ParametersRefused::TooFewPoints { .. } | ParametersRefused::PointsTooClose => Words::new(
                "请提供至少三个、分布在数据范围四周的控制点。",
                "Give at least three control points, spread around the data.",
            ),
            ParametersRefused::PointsDisagree { .. } => Words::new(
                "请核对该点的坐标、东坐标与北坐标的顺序，以及两套坐标是否对应。",
                "Check that point's coordinates, the order of easting and northing, and whether the pairs belong together.",
            ),
            ParametersRefused::Crs(refused) => refused.remedy(),
        }
    }
}
