//! Rules that are kept at the door: what breaks one is refused, with the rule's id, its source and the values it compared.
//! Their files stand with the other rules (`registry/rules`, `blocks = true`); a test holds both against each other.

use serde::Serialize;
use serde_json::Value;

/// A rule that blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DoorRule {
    /// 单元号格式
    UnitCodeForm,
    /// 单元号重复
    UnitCodeOnce,
    /// 图形无效
    SoundShape,
    /// 坐标不在辖区
    InsideItsRegion,
    /// 疑似坐标轴颠倒或带号错误
    AxesAndZone,
    /// 坐标系未声明，或旧坐标系无转换参数
    KnownSystem,
    /// 使用面积大于建筑面积
    UseAreaWithinBuildingArea,
    /// 登簿与发证日期颠倒
    DatesInOrder,
    /// 自己审批自己
    FourEyes,
    /// 分割合并面积不守恒
    AreaConserved,
    /// 涉密图形入库
    ClassifiedUndrawn,
    /// 越级越区操作
    WithinScope,
}

impl DoorRule {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::UnitCodeForm,
        Self::UnitCodeOnce,
        Self::SoundShape,
        Self::InsideItsRegion,
        Self::AxesAndZone,
        Self::KnownSystem,
        Self::UseAreaWithinBuildingArea,
        Self::DatesInOrder,
        Self::FourEyes,
        Self::AreaConserved,
        Self::ClassifiedUndrawn,
        Self::WithinScope,
    ];

    /// Its id, and the regulation, standard or practice it stands on.
    #[must_use]
    pub fn facts(self) -> (&'static str, &'static str) {
        match self {
            Self::UnitCodeForm => ("COD-01", "GB/T 37346-2019"),
            Self::UnitCodeOnce => ("COD-02", "《不动产登记暂行条例》（国务院令第656号）第八条"),
            Self::SoundShape => ("GEO-01", "测绘成果质量要求：图形须闭合、不自交、有面积"),
            Self::InsideItsRegion => ("GEO-08", "领域规则：坐标落在辖区之外多为带号或坐标轴错误"),
            Self::AxesAndZone => ("GEO-09", "领域规则：坐标轴次序与带号的识别"),
            Self::KnownSystem => ("GEO-10", "国土资发〔2017〕30号"),
            Self::UseAreaWithinBuildingArea => ("SPC-12", "算术关系"),
            Self::DatesInOrder => ("TTL-20", "《不动产登记暂行条例》（国务院令第656号）"),
            Self::FourEyes => ("GOV-01", "内部控制：四眼原则"),
            Self::AreaConserved => ("GEO-14", "权籍调查要求：分割合并前后界址相符、面积守恒"),
            Self::ClassifiedUndrawn => ("GEO-15", "DB53/T 1358.9"),
            Self::WithinScope => ("GOV-02", "《机关事务管理条例》第四条：分级授权，主管本级、指导下级"),
        }
    }
}

/// The rule that a refused request breaks.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct BrokenRule {
    /// Its id, as `/api/v1/rules` lists it; empty where the law speaks of it and the list does not.
    pub id: String,
    /// The regulation and article, standard or practice it stands on.
    pub source: String,
    /// The values it compared, by name.
    #[schema(value_type = Object)]
    pub evidence: Value,
}

impl BrokenRule {
    pub(super) fn of(rule: DoorRule, evidence: Value) -> Self {
        let (id, source) = rule.facts();
        Self {
            id: id.to_owned(),
            source: source.to_owned(),
            evidence,
        }
    }
}
