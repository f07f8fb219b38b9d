//! The indicators of an inspection (考核指标): one query each, in a file of its name beside this one. All are asked as of the
//! inspection's day and as known at an instant, so that the same question has the same answer later.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::content::InspectionContent;
use crate::request::Fault;

macro_rules! indicators {
    ($($(#[$doc:meta])* $variant:ident = $word:literal $zh:literal $en:literal, $counted:literal, $left_zh:literal $left_en:literal;)+) => {
        /// What is measured.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Indicator {
            $($(#[$doc])* $variant,)+
        }

        impl Indicator {
            /// All of them, in their order.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as it stands in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What it is called.
            #[must_use]
            pub fn names(self) -> (&'static str, &'static str) {
                match self { $(Self::$variant => ($zh, $en),)+ }
            }

            /// What its numerator and denominator count: `m2`, `assets`, `rooms`, `leases`, `cases`, `facts` or `findings`.
            #[must_use]
            pub fn counted(self) -> &'static str {
                match self { $(Self::$variant => $counted,)+ }
            }

            /// Why something that belongs to it is left out.
            fn left_out(self) -> (&'static str, &'static str) {
                match self { $(Self::$variant => ($left_zh, $left_en),)+ }
            }
        }
    };
}

indicators! {
    /// 权属统一登记率
    UnifiedRegistration = "unified_registration" "权属统一登记率" "registered to the bureau", "m2", "没有面积" "without an area";
    /// 备案率
    Filing = "filing" "备案率" "unregistered and filed", "assets", "" "";
    /// 使用协议签订率
    UseAgreement = "use_agreement" "使用协议签订率" "rooms under an agreement", "rooms", "" "";
    /// 使用权证核发率
    UseCertificate = "use_certificate" "使用权证核发率" "rooms with a certificate", "rooms", "" "";
    /// 超标面积率
    ExcessArea = "excess_area" "超标面积率" "area above the standard", "m2", "单位的编制无法核算" "units whose staffing says nothing of what is due";
    /// 闲置率
    IdleRate = "idle_rate" "闲置率" "idle", "m2", "没有面积" "without an area";
    /// 闲置处置率
    IdleDisposal = "idle_disposal" "闲置处置率" "idle space dealt with", "assets", "" "";
    /// 租用面积
    RentedArea = "rented_area" "租用面积" "rented in", "m2", "没有面积" "without an area";
    /// 出租合规率
    LawfulLetting = "lawful_letting" "出租合规率" "let by the rules", "leases", "" "";
    /// 大中修计划执行率
    RepairPlan = "repair_plan" "大中修计划执行率" "planned repairs carried out", "cases", "" "";
    /// 数据完整率
    Completeness = "completeness" "数据完整率" "facts on record", "facts", "" "";
    /// 账证相符率
    BookAndTitle = "book_and_title" "账证相符率" "book agrees with the title", "assets", "" "";
    /// 整改完成率
    Rectification = "rectification" "整改完成率" "findings put right", "findings", "" "";
}

/// What an indicator came to, with its arithmetic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionFigure)]
pub struct Figure {
    /// Which.
    pub indicator: Indicator,
    /// Above the line.
    #[schema(value_type = Option<String>)]
    pub numerator: Option<Decimal>,
    /// Below it.
    #[schema(value_type = Option<String>)]
    pub denominator: Option<Decimal>,
    /// Per cent, four decimals; null where it can't be said.
    #[schema(value_type = Option<String>)]
    pub rate: Option<Decimal>,
    /// So many that belong to it could not be counted.
    pub left_out: i64,
    /// Why it can't be said, or why something was left out; in Chinese.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_zh: Option<String>,
    /// The same in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_en: Option<String>,
}

/// What a query counted.
struct Counted {
    numerator: Option<Decimal>,
    denominator: Option<Decimal>,
    left_out: i64,
}

impl Figure {
    fn of(indicator: Indicator, counted: Counted) -> Self {
        let denominator = counted.denominator.filter(|denominator| *denominator > Decimal::ZERO);
        let numerator = denominator.and(counted.numerator);
        let rate = numerator.zip(denominator).map(|(above, below)| {
            (above * Decimal::ONE_HUNDRED / below)
                .round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero)
                .normalize()
        });
        let (left_zh, left_en) = indicator.left_out();
        let (why_zh, why_en) = match (rate, counted.left_out) {
            (Some(_), 0) => (None, None),
            (Some(_), some) => (
                Some(format!("{some} 项未计入：{left_zh}")),
                Some(format!("{some} left out: {left_en}")),
            ),
            (None, 0) => (
                Some("没有可计算的对象".to_owned()),
                Some("there is nothing that it could be counted from".to_owned()),
            ),
            (None, some) => (
                Some(format!("无法计算：{some} 项{left_zh}")),
                Some(format!("it can't be said: {some} {left_en}")),
            ),
        };
        Self {
            indicator,
            numerator: numerator.map(|figure| figure.normalize()),
            denominator: denominator.map(|figure| figure.normalize()),
            rate,
            left_out: counted.left_out,
            why_zh,
            why_en,
        }
    }
}

/// Computes one indicator for what is inspected, as known at an instant.
async fn figure(
    connection: &mut PgConnection,
    indicator: Indicator,
    (id, inspection): (Uuid, &InspectionContent),
    known_at: OffsetDateTime,
) -> Result<Figure, Fault> {
    let region = crate::regions::subtree(&inspection.region_code);
    let (as_of, level, unit) = (inspection.as_of, inspection.admin_level.as_str(), inspection.unit_id);
    macro_rules! counted {
        ($file:literal $(, $more:expr)*) => {
            sqlx::query_file_as!(Counted, $file, as_of, known_at, region, level, unit $(, $more)*)
                .fetch_one(&mut *connection)
                .await?
        };
    }
    let counted = match indicator {
        Indicator::UnifiedRegistration => counted!("src/inspections/indicators/unified_registration.sql"),
        Indicator::Filing => counted!("src/inspections/indicators/filing.sql"),
        Indicator::UseAgreement => counted!("src/inspections/indicators/use_agreement.sql"),
        Indicator::UseCertificate => counted!("src/inspections/indicators/use_certificate.sql"),
        Indicator::ExcessArea => {
            let standard = crate::space::settings()?.of_region(Some(region));
            let standard = serde_json::to_value(standard.for_queries()).map_err(|error| Fault::Impossible {
                what: format!("the space standard can't be told to a query: {error}"),
            })?;
            counted!("src/inspections/indicators/excess_area.sql", standard)
        }
        Indicator::IdleRate => counted!("src/inspections/indicators/idle_rate.sql"),
        Indicator::IdleDisposal => counted!("src/inspections/indicators/idle_disposal.sql", inspection.period_from),
        Indicator::RentedArea => counted!("src/inspections/indicators/rented_area.sql"),
        Indicator::LawfulLetting => counted!("src/inspections/indicators/lawful_letting.sql"),
        Indicator::RepairPlan => counted!("src/inspections/indicators/repair_plan.sql", inspection.period_to),
        Indicator::Completeness => counted!("src/inspections/indicators/completeness.sql"),
        Indicator::BookAndTitle => counted!("src/inspections/indicators/book_and_title.sql"),
        Indicator::Rectification => {
            sqlx::query_file_as!(Counted, "src/inspections/indicators/rectification.sql", known_at, id)
                .fetch_one(&mut *connection)
                .await?
        }
    };
    Ok(Figure::of(indicator, counted))
}

/// All of them, in their order.
///
/// # Errors
/// The database's.
pub(super) async fn figures(
    connection: &mut PgConnection,
    inspection: (Uuid, &InspectionContent),
    known_at: OffsetDateTime,
) -> Result<Vec<Figure>, Fault> {
    let mut figures = Vec::with_capacity(Indicator::ALL.len());
    for indicator in Indicator::ALL {
        figures.push(figure(&mut *connection, *indicator, inspection, known_at).await?);
    }
    Ok(figures)
}
