//! Examples of thresholds, from a data file: an administrator takes over what fits and makes it the region's own.

use std::sync::LazyLock;

use axum::Json;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::content::{AssetClass, Mode, Office, ThresholdContent};
use crate::request::{Fault, Problem};

/// An example of a row.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ThresholdExample {
    /// For this mode,
    mode: Mode,
    /// this class of asset,
    asset_class: AssetClass,
    /// from this book value, yuan,
    value_from: String,
    /// to below this one; an empty text is without end.
    value_to: String,
    /// Who approves, in this order.
    chain: Vec<Office>,
    /// Is an appraisal needed?
    appraisal: bool,
    /// Must it go through the public exchange?
    exchange: bool,
    /// 公告: so many days.
    notice_days: i16,
    /// A price below this share of the appraisal is approved anew, per cent.
    floor_percent: String,
    /// Of which place it is an example.
    source: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    examples: Vec<ThresholdExample>,
}

fn carried() -> Result<&'static [ThresholdExample], &'static toml::de::Error> {
    static CARRIED: LazyLock<Result<Vec<ThresholdExample>, toml::de::Error>> = LazyLock::new(|| {
        toml::from_str::<File>(include_str!("../../thresholds/examples.toml")).map(|file| file.examples)
    });
    CARRIED.as_deref()
}

/// The examples as they are taken over for a region: still called examples, for nobody has checked them for it.
///
/// # Errors
/// Where the examples are at fault; a test keeps that from happening.
pub fn example_thresholds(region_code: &str) -> Result<Vec<ThresholdContent>, Fault> {
    let wrong = |what: String| Fault::Impossible {
        what: format!("the examples of thresholds are wrong: {what}"),
    };
    let amount = |text: &str| text.parse::<Decimal>().map_err(|error| wrong(error.to_string()));
    carried()
        .map_err(|error| wrong(error.to_string()))?
        .iter()
        .map(|example| {
            Ok(ThresholdContent {
                region_code: region_code.to_owned(),
                mode: example.mode,
                asset_class: example.asset_class,
                value_from: amount(&example.value_from)?,
                value_to: match example.value_to.as_str() {
                    "" => None,
                    value_to => Some(amount(value_to)?),
                },
                chain: example.chain.clone(),
                appraisal: example.appraisal,
                exchange: example.exchange,
                notice_days: example.notice_days,
                floor_percent: amount(&example.floor_percent)?,
                source: example.source.clone(),
                is_example: true,
            })
        })
        .collect()
}

/// Examples of thresholds. They hold nowhere until an administrator takes them over for a region.
#[utoipa::path(get, path = "/api/v1/approval-thresholds/examples", operation_id = "list_threshold_examples",
    tag = "policy cases", responses((status = 200, body = Vec<ThresholdExample>)))]
pub(super) async fn list_threshold_examples() -> Result<Json<&'static [ThresholdExample]>, Problem> {
    let examples = carried().map_err(|error| Fault::Impossible {
        what: format!("the examples of thresholds are wrong: {error}"),
    })?;
    Ok(Json(examples))
}
