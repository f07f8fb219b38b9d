//! Keeping the rows of thresholds: making one, changing it from a day on, ending it.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::content::{AssetClass, Mode, Office, ThresholdContent, held_versions};
use super::list::{Threshold, WHAT, load};
use crate::ids::ThresholdId;
use crate::ledger::Action;
use crate::money::Money;
use crate::period::{ValidPeriod, day, reach, revise};
use crate::request::fields::{plain_text, required_reason, sane_day};
use crate::request::{Body, Context, Idempotency, Problem, Times};
use crate::versioned::{
    Created, Occasion, answer, answer_created, answer_ended, changed_fields, end_on, version_in_force,
    version_to_change, write_revision,
};

/// What a row of thresholds is to say; in a change what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ThresholdStatement {
    /// It holds in this region and below.
    region_code: Option<String>,
    mode: Option<Mode>,
    asset_class: Option<AssetClass>,
    /// From this book value, yuan as a text; 0 unless told.
    value_from: Option<String>,
    /// To below this one, yuan as a text; an empty text is without end.
    value_to: Option<String>,
    /// Who approves, in this order.
    chain: Option<Vec<Office>>,
    /// Is an appraisal needed?
    appraisal: Option<bool>,
    /// Must it go through the public exchange?
    exchange: Option<bool>,
    /// 公告: so many days.
    notice_days: Option<i16>,
    /// A price below this share of the appraisal is approved anew, per cent as a text.
    floor_percent: Option<String>,
    /// Where it is said.
    source: Option<String>,
    /// It came from the examples.
    is_example: Option<bool>,
    /// It holds from this day; today unless told.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    reason: Option<String>,
}

fn amount(field: &str, text: &str) -> Result<Decimal, Problem> {
    Money::parse(text.trim())
        .map(|money| money.yuan().normalize())
        .map_err(|refused| {
            Problem::invalid(field, format!("金额请写成文本，最多两位小数 / {refused}"))
                .code("money_form")
                .remedy("send yuan as a text with two decimals at most: \"1234.50\"")
        })
}

fn missing(field: &str) -> Problem {
    Problem::invalid(field, "必填 / it is missing").remedy(format!("send {field}"))
}

impl ThresholdStatement {
    fn content(&self, before: Option<&ThresholdContent>) -> Result<ThresholdContent, Problem> {
        let region_code = match &self.region_code {
            Some(code) => plain_text("region_code", code, 12)?,
            None => before
                .map(|before| before.region_code.clone())
                .ok_or_else(|| missing("region_code"))?,
        };
        if !matches!(region_code.len(), 2 | 4 | 6 | 9 | 12) || !region_code.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(
                Problem::invalid("region_code", "不是行政区划代码 / it is no region's code")
                    .remedy("send the code of a province, city or county"),
            );
        }
        // A city's 431100 and a province's 430000 are what their counties' codes begin with: 4311, 43.
        let region_code = crate::regions::subtree(&region_code).to_owned();
        let value_to = match self.value_to.as_deref().map(str::trim) {
            Some("") => None,
            Some(text) => Some(amount("value_to", text)?),
            None => before.and_then(|before| before.value_to),
        };
        let value_from = match &self.value_from {
            Some(text) => amount("value_from", text)?,
            None => before.map_or(Decimal::ZERO, |before| before.value_from),
        };
        if value_to.is_some_and(|to| to <= value_from) {
            return Err(
                Problem::invalid("value_to", "上限不大于下限 / it ends before it begins")
                    .remedy("leave it empty, or send a larger amount"),
            );
        }
        let chain = self.chain.clone().or(before.map(|before| before.chain.clone()));
        let chain = chain
            .filter(|chain| !chain.is_empty())
            .ok_or_else(|| missing("chain"))?;
        if chain
            .iter()
            .enumerate()
            .any(|(at, office)| chain[..at].contains(office))
        {
            return Err(
                Problem::invalid("chain", "同一审批层级重复 / an office stands in it twice")
                    .remedy("name each office once"),
            );
        }
        let notice_days = self
            .notice_days
            .or(before.map(|before| before.notice_days))
            .unwrap_or(0);
        if !(0..=365).contains(&notice_days) {
            return Err(Problem::invalid("notice_days", "0–365").remedy("send 0 to 365 days"));
        }
        let floor_percent = match &self.floor_percent {
            Some(text) => amount("floor_percent", text)?,
            None => before
                .map(|before| before.floor_percent)
                .ok_or_else(|| missing("floor_percent"))?,
        };
        if floor_percent > Decimal::ONE_HUNDRED {
            return Err(Problem::invalid("floor_percent", "0–100").remedy("send 0 to 100 per cent"));
        }
        let source = match &self.source {
            Some(text) => plain_text("source", text, 400)?,
            None => before.map(|before| before.source.clone()).unwrap_or_default(),
        };
        if source.is_empty() {
            return Err(missing("source"));
        }
        Ok(ThresholdContent {
            region_code,
            mode: self
                .mode
                .or(before.map(|before| before.mode))
                .ok_or_else(|| missing("mode"))?,
            asset_class: self
                .asset_class
                .or(before.map(|before| before.asset_class))
                .ok_or_else(|| missing("asset_class"))?,
            value_from,
            value_to,
            chain,
            appraisal: self.appraisal.or(before.map(|before| before.appraisal)).unwrap_or(true),
            exchange: self.exchange.or(before.map(|before| before.exchange)).unwrap_or(true),
            notice_days,
            floor_percent,
            source,
            // Whoever changes a row has looked at it.
            is_example: self.is_example.unwrap_or(false),
        })
    }
}

pub(super) fn parse_id(text: &str) -> Result<ThresholdId, Problem> {
    Uuid::parse_str(text)
        .map(ThresholdId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// Makes a row of thresholds.
#[utoipa::path(post, path = "/api/v1/approval-thresholds", operation_id = "create_threshold", tag = "policy cases",
    params(("Idempotency-Key" = String, Header)), request_body = ThresholdStatement,
    responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_threshold(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<ThresholdStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("approval-thresholds", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let now = context.clock.now();
    let content = statement.content(None)?;
    let from = sane_day("valid_from", statement.valid_from.unwrap_or(context.clock.today()))?;
    let id = ThresholdId::fresh();
    let occasion = Occasion::by(
        &context.actor,
        Some(required_reason(statement.reason.as_deref().unwrap_or_default())?),
    );
    let revision = revise(&[], ValidPeriod::since(from), Some(content), now);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/approval-thresholds/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// Changes a row of thresholds from a day on. Cases are judged by the row that holds on the day of the decision.
#[utoipa::path(patch, path = "/api/v1/approval-thresholds/{id}", operation_id = "change_threshold", tag = "policy cases",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = ThresholdStatement,
    responses((status = 200, body = Threshold), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_threshold(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<ThresholdStatement>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let today = context.clock.today();
    let from = sane_day("valid_from", statement.valid_from.unwrap_or(today))?;
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = version_to_change(&versions, &headers, today, ("valid_from", from), WHAT)?;
    let content = statement.content(Some(&before.content))?;
    let mut version = Some(before.version_id);
    if !changed_fields(&before.content, &content).is_empty() {
        let occasion = Occasion::by(
            &context.actor,
            Some(required_reason(statement.reason.as_deref().unwrap_or_default())?),
        );
        let revision = revise(&versions, reach(&versions, from), Some(content), context.clock.now());
        version = write_revision(
            &mut transaction,
            id.0,
            Action::Change,
            &revision,
            Some(&before.content),
            &occasion,
        )
        .await?;
        transaction.commit().await?;
    }
    let seen = Times {
        as_of: from,
        ..Times::now(&context.clock)
    };
    let threshold = load(&context, id, seen).await?;
    Ok(answer(StatusCode::OK, None, version, Json(threshold)))
}

/// The day a row of thresholds ends.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ThresholdEnd {
    /// The first day on which it no longer holds.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why.
    reason: String,
}

/// Ends a row of thresholds. Its history stays.
#[utoipa::path(post, path = "/api/v1/approval-thresholds/{id}/closures", operation_id = "close_threshold", tag = "policy cases",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = ThresholdEnd,
    responses((status = 200), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn close_threshold(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(end): Body<ThresholdEnd>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let valid_to = sane_day("valid_to", end.valid_to)?;
    let occasion = Occasion::by(&context.actor, Some(required_reason(&end.reason)?));
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = version_in_force(&versions, &headers, context.clock.today(), WHAT)?;
    let at = (context.clock.now(), &occasion);
    let version = end_on(&mut transaction, id.0, (&versions, before), valid_to, at).await?;
    transaction.commit().await?;
    Ok(answer_ended(id.0, valid_to, version))
}
