//! Setting a region's own value, changing it from a day on, ending it.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use time::Date;
use uuid::Uuid;

use super::super::rule::catalogue;
use super::content::{ParameterContent, held_versions};
use super::list::{RegionValue, WHAT, load};
use crate::ids::RuleParameterId;
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, reach, revise};
use crate::regions::subtree;
use crate::request::fields::{plain_text, required_reason, sane_day};
use crate::request::{Body, Context, Fault, Idempotency, Problem, Times};
use crate::versioned::{
    Created, Occasion, answer, answer_created, answer_ended, changed_fields, end_on, version_in_force,
    version_to_change, write_revision,
};

/// A region's own value as it is to be.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterStatement {
    /// The parameter.
    name: String,
    /// Where it holds; empty or left out: everywhere. 431100 is all that lies in 4311.
    #[serde(default)]
    region_code: String,
    /// The value, in the parameter's unit.
    value: f64,
    /// Where it is said: regulation and article, or the paper.
    source: String,
    /// It holds from this day; today unless told.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    reason: String,
}

/// What is to be another from a day on; what is left out stays.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterChange {
    /// The value, in the parameter's unit.
    #[serde(default)]
    value: Option<f64>,
    /// Where it is said.
    #[serde(default)]
    source: Option<String>,
    /// It holds from this day; today unless told.
    #[serde(default, with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    reason: String,
}

/// A value that the parameter can have.
fn sane_value(name: &str, value: f64) -> Result<f64, Problem> {
    let catalogue = catalogue().map_err(Fault::from)?;
    let parameter = catalogue.parameters.get(name).ok_or_else(|| {
        Problem::invalid("name", format!("没有参数 {name} / no parameter is called {name}"))
            .code("unknown_parameter")
            .remedy("see /api/v1/rule-parameters")
    })?;
    let most = parameter.most.unwrap_or(f64::MAX);
    let unit = &parameter.unit;
    if !value.is_finite() || !(parameter.least..=most).contains(&value) {
        let bounds = match parameter.most {
            Some(most) => format!("{} – {most}", parameter.least),
            None => format!("≥ {}", parameter.least),
        };
        return Err(
            Problem::invalid("value", format!("允许范围 {bounds} / out of bounds: {bounds} {unit}"))
                .code("parameter_out_of_bounds")
                .remedy(format!("send a value within {bounds} {unit}")),
        );
    }
    if parameter.is_whole() && value.fract() != 0.0 {
        return Err(Problem::invalid("value", format!("须为整数 / whole {unit} only"))
            .code("parameter_not_whole")
            .remedy("send a whole number"));
    }
    Ok(value)
}

fn sane_region(text: &str) -> Result<String, Problem> {
    let code = subtree(text.trim());
    if code.len() > 24
        || !code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
    {
        return Err(
            Problem::invalid("region_code", "不是行政区划代码 / it is no region's code")
                .remedy("send the code of a province, city or county, or leave it empty for everywhere"),
        );
    }
    Ok(code.to_owned())
}

fn sane_source(text: &str) -> Result<String, Problem> {
    let source = plain_text("source", text, 400)?;
    if source.is_empty() {
        return Err(Problem::invalid("source", "必填 / it is missing")
            .remedy("name the regulation and article, or the paper that says so"));
    }
    Ok(source)
}

pub(super) fn parse_id(text: &str) -> Result<RuleParameterId, Problem> {
    Uuid::parse_str(text)
        .map(RuleParameterId)
        .map_err(|_| Problem::not_found(WHAT))
}

fn occasion(context: &Context, reason: &str) -> Result<Occasion, Problem> {
    Ok(Occasion::by(&context.actor, Some(required_reason(reason)?)))
}

/// Sets a region's own value of a parameter. The findings are looked at again by it soon after.
#[utoipa::path(post, path = "/api/v1/rule-parameters", operation_id = "create_rule_parameter", tag = "checks",
    params(("Idempotency-Key" = String, Header)), request_body = ParameterStatement,
    responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_rule_parameter(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<ParameterStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("rule-parameters", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let now = context.clock.now();
    let content = ParameterContent {
        value: sane_value(&statement.name, statement.value)?,
        name: statement.name,
        region_code: sane_region(&statement.region_code)?,
        source: sane_source(&statement.source)?,
    };
    let from = sane_day("valid_from", statement.valid_from.unwrap_or(context.clock.today()))?;
    let occasion = occasion(&context, &statement.reason)?;
    let id = RuleParameterId::fresh();
    let revision = revise(&[], ValidPeriod::since(from), Some(content), now);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/rule-parameters/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// Changes a region's own value from a day on. What held before holds for the days before.
#[utoipa::path(patch, path = "/api/v1/rule-parameters/{id}", operation_id = "change_rule_parameter", tag = "checks",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = ParameterChange,
    responses((status = 200, body = RegionValue), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_rule_parameter(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(change): Body<ParameterChange>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let today = context.clock.today();
    let from = sane_day("valid_from", change.valid_from.unwrap_or(today))?;
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = version_to_change(&versions, &headers, today, ("valid_from", from), WHAT)?;
    let mut content = before.content.clone();
    if let Some(value) = change.value {
        content.value = sane_value(&content.name, value)?;
    }
    if let Some(source) = &change.source {
        content.source = sane_source(source)?;
    }
    let occasion = occasion(&context, &change.reason)?;
    let mut version = Some(before.version_id);
    if !changed_fields(&before.content, &content).is_empty() {
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
    let value = load(&context, id, seen).await?;
    Ok(answer(StatusCode::OK, None, version, Json(value)))
}

/// The day a region's own value ends.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterEnd {
    /// The first day on which it no longer holds.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why.
    reason: String,
}

/// Ends a region's own value: that of the nearest region above holds again, or the default. Its history stays.
#[utoipa::path(post, path = "/api/v1/rule-parameters/{id}/closures", operation_id = "close_rule_parameter", tag = "checks",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = ParameterEnd,
    responses((status = 200), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn close_rule_parameter(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(end): Body<ParameterEnd>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let valid_to = sane_day("valid_to", end.valid_to)?;
    let occasion = occasion(&context, &end.reason)?;
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = version_in_force(&versions, &headers, context.clock.today(), WHAT)?;
    let at = (context.clock.now(), &occasion);
    let version = end_on(&mut transaction, id.0, (&versions, before), valid_to, at).await?;
    transaction.commit().await?;
    Ok(answer_ended(id.0, valid_to, version))
}
