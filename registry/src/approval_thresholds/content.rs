//! What a row of thresholds says, its rows, and which of them holds for an asset.

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::ThresholdId;
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::Held;
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $code:literal $zh:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $(
                #[doc = $zh]
                $variant,
            )+
        }

        impl $name {
            /// The word as it stands in the database and in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }

            /// What the field calls it.
            #[must_use]
            pub fn zh(self) -> &'static str {
                match self {
                    $(Self::$variant => $zh,)+
                }
            }

            /// None for a word that is not of the list.
            #[must_use]
            pub fn of(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// A mode of disposal or use (国有资产处置方式).
    Mode {
        TransferFree = "transfer_free" "无偿划转",
        Donate = "donate" "对外捐赠",
        Sell = "sell" "转让",
        Swap = "swap" "置换",
        Scrap = "scrap" "报废、拆除",
        Loss = "loss" "损失核销",
        Lease = "lease" "出租",
        Convert = "convert" "转换用途",
    }
}

words! {
    /// A class of asset.
    AssetClass {
        Land = "land" "土地",
        Building = "building" "房屋",
    }
}

words! {
    /// An office that approves.
    Office {
        Bureau = "bureau" "机关事务管理部门",
        SupervisingDept = "supervising_dept" "主管部门",
        Finance = "finance" "财政部门",
        DeputyLeader = "deputy_leader" "政府分管负责同志",
        Leader = "leader" "政府主要负责同志",
        Government = "government" "本级人民政府",
    }
}

/// A row of thresholds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ThresholdContent {
    /// It holds in this region and below, where nothing nearer is said.
    pub region_code: String,
    /// For this mode,
    pub mode: Mode,
    /// this class of asset,
    pub asset_class: AssetClass,
    /// from this book value, yuan,
    pub value_from: Decimal,
    /// to below this one; without end where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_to: Option<Decimal>,
    /// Who approves, in this order.
    pub chain: Vec<Office>,
    /// Is an appraisal needed?
    pub appraisal: bool,
    /// Must it go through the public exchange?
    pub exchange: bool,
    /// 公告: so many days.
    pub notice_days: i16,
    /// A price below this share of the appraisal is approved anew, per cent.
    pub floor_percent: Decimal,
    /// Where it is said.
    pub source: String,
    /// It came from the examples, and nobody has checked it for the region.
    pub is_example: bool,
}

impl VersionContent for ThresholdContent {
    const OBJECT: ObjectKind = ObjectKind::ApprovalThreshold;
    const STATEMENTS: VersionStatements = version_statements!(
        "approval_threshold",
        "region_code, mode, asset_class, value_from, value_to, chain, appraisal, exchange, notice_days, floor_percent, source, is_example"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        let chain: Vec<String> = self.chain.iter().map(|office| office.as_str().to_owned()).collect();
        rows.text(Some(&self.region_code))
            .text(Some(self.mode.as_str()))
            .text(Some(self.asset_class.as_str()))
            .value(Some(self.value_from))
            .value(self.value_to)
            .value(Some(chain))
            .value(Some(self.appraisal))
            .value(Some(self.exchange))
            .value(Some(self.notice_days))
            .value(Some(self.floor_percent))
            .text(Some(&self.source))
            .value(Some(self.is_example));
    }
}

pub(super) struct ThresholdRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub region_code: String,
    pub mode: String,
    pub asset_class: String,
    pub value_from: Decimal,
    pub value_to: Option<Decimal>,
    pub chain: Vec<String>,
    pub appraisal: bool,
    pub exchange: bool,
    pub notice_days: i16,
    pub floor_percent: Decimal,
    pub source: String,
    pub is_example: bool,
}

macro_rules! select_thresholds {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::approval_thresholds::content::ThresholdRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.region_code, v.mode, v.asset_class, v.value_from,
                      v.value_to, v.chain, v.appraisal, v.exchange, v.notice_days, v.floor_percent, v.source, v.is_example
                 from approval_threshold_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_thresholds;

impl ThresholdRow {
    pub(super) fn content(self) -> Result<ThresholdContent, Fault> {
        let unknown = |what: &str| Fault::Impossible {
            what: format!("threshold version {}: {what} is not of the list", self.version_id),
        };
        Ok(ThresholdContent {
            mode: Mode::of(&self.mode).ok_or_else(|| unknown("mode"))?,
            asset_class: AssetClass::of(&self.asset_class).ok_or_else(|| unknown("asset_class"))?,
            chain: self
                .chain
                .iter()
                .map(|office| Office::of(office).ok_or_else(|| unknown("chain")))
                .collect::<Result<_, _>>()?,
            region_code: self.region_code,
            value_from: self.value_from.normalize(),
            value_to: self.value_to.map(|value| value.normalize()),
            appraisal: self.appraisal,
            exchange: self.exchange,
            notice_days: self.notice_days,
            floor_percent: self.floor_percent.normalize(),
            source: self.source,
            is_example: self.is_example,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<ThresholdContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks a row of thresholds and reads the versions known now, by the days they hold.
pub(super) async fn held_versions(
    connection: &mut PgConnection,
    id: ThresholdId,
) -> Result<Vec<Held<ThresholdContent>>, Fault> {
    sqlx::query!("select id from approval_threshold where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_thresholds!(
        "where v.object_id = $1 and upper_inf(v.recorded) order by lower(v.valid)",
        id.0
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| row.stored().held())
    .collect()
}

/// The row that holds for an asset on a day: the nearest region that says anything of the mode, the class and the value.
///
/// # Errors
/// The database's.
pub async fn find(
    connection: &mut PgConnection,
    region_code: &str,
    mode: Mode,
    asset_class: AssetClass,
    value: Decimal,
    on: Date,
) -> Result<Option<ThresholdContent>, Fault> {
    select_thresholds!(
        "where upper_inf(v.recorded) and v.valid @> $5::date and v.mode = $2 and v.asset_class = $3
           and v.value_from <= $4 and (v.value_to is null or $4 < v.value_to)
           and starts_with($1, v.region_code)
         order by length(v.region_code) desc
         limit 1",
        region_code,
        mode.as_str(),
        asset_class.as_str(),
        value,
        on,
    )
    .fetch_optional(connection)
    .await?
    .map(ThresholdRow::content)
    .transpose()
}

/// Holds every version row of thresholds against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_thresholds!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
