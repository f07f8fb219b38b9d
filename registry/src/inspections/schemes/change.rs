//! Keeping schemes: making one, changing it from a day on, ending it.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use time::Date;

use super::content::{Grade, SchemeContent, Weighed, held_versions};
use super::list::{Scheme, WHAT, load, parse_id};
use crate::ids::InspectionSchemeId;
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, reach, revise};
use crate::request::fields::{plain_text, required_reason, sane_day};
use crate::request::{Body, Context, Idempotency, Problem, Times};
use crate::versioned::{
    Created, Occasion, answer, answer_created, answer_ended, changed_fields, version_in_force, version_to_change,
    write_revision,
};

/// A scheme as it is to be; in a change what is absent stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct InspectionSchemeStatement {
    /// It holds in this region and below; empty: everywhere. 431100 is all that lies in 4311. It stays in a change.
    region_code: Option<String>,
    /// The weights, 100 together; an indicator that is left out weighs nothing.
    weights: Option<Vec<Weighed>>,
    /// The grades.
    grades: Option<Vec<Grade>>,
    /// Where it is said.
    source: Option<String>,
    /// It holds from this day; today unless told.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Date>,
    /// Why.
    reason: Option<String>,
}

/// Does a scheme fit together?
///
/// # Errors
/// A problem naming the field.
pub(super) fn sound(scheme: &SchemeContent) -> Result<(), Problem> {
    let hundred = Decimal::ONE_HUNDRED;
    for (at, weighed) in scheme.weights.iter().enumerate() {
        let field = format!("weights[{at}]");
        if scheme.weights[..at]
            .iter()
            .any(|before| before.indicator == weighed.indicator)
        {
            return Err(Problem::invalid(&field, "指标重复 / the indicator stands in it twice")
                .remedy("name each indicator once"));
        }
        if weighed.weight < Decimal::ZERO || weighed.weight > hundred || weighed.weight.scale() > 2 {
            return Err(Problem::invalid(
                &field,
                "权重应在 0–100 之间，最多两位小数 / a weight is 0 to 100, two decimals at most",
            )
            .remedy("send a weight as a text: \"12.5\""));
        }
        let is_rate = |rate: Decimal| rate >= Decimal::ZERO && rate <= Decimal::ONE_THOUSAND && rate.scale() <= 4;
        if !is_rate(weighed.full) || !is_rate(weighed.zero) || weighed.full == weighed.zero {
            return Err(Problem::invalid(
                &field,
                "满分值和零分值应是两个不同的百分数 / full and zero are two different rates, per cent",
            )
            .remedy("send two different rates of 0 to 1000 per cent, four decimals at most"));
        }
    }
    let sum: Decimal = scheme.weights.iter().map(|weighed| weighed.weight).sum();
    if sum != hundred {
        let sum = sum.normalize();
        return Err(Problem::invalid(
            "weights",
            format!("权重合计为 {sum}，应为 100 / the weights are {sum} together, not 100"),
        )
        .code("weights_not_whole")
        .remedy("change the weights so that they are 100 together"));
    }
    let is_falling = scheme.grades.windows(2).all(|pair| pair[0].from > pair[1].from);
    let is_within = scheme.grades.iter().all(|grade| {
        grade.from >= Decimal::ZERO
            && grade.from <= hundred
            && grade.from.scale() <= 2
            && !grade.zh.is_empty()
            && !grade.en.is_empty()
    });
    if !is_falling || !is_within || scheme.grades.last().is_none_or(|last| !last.from.is_zero()) {
        return Err(Problem::invalid(
            "grades",
            "等次从高到低，最后一档从 0 分起 / grades fall from the best, and the last begins at 0",
        )
        .code("grades_not_whole")
        .remedy("send grades with names in both languages, the best first, the last from 0"));
    }
    Ok(())
}

fn region(text: &str) -> Result<String, Problem> {
    let code = crate::regions::subtree(text.trim());
    let is_code = code.len() <= 24
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    if is_code {
        return Ok(code.to_owned());
    }
    Err(
        Problem::invalid("region_code", "不是行政区划代码 / it is no region's code")
            .remedy("send the code of a province, city or county, or leave it empty for everywhere"),
    )
}

impl InspectionSchemeStatement {
    fn content(&self, before: Option<&SchemeContent>) -> Result<SchemeContent, Problem> {
        let missing = |field: &str| Problem::invalid(field, "必填 / it is missing").remedy(format!("send {field}"));
        let source = match &self.source {
            Some(source) => plain_text("source", source, 400)?,
            None => before.map(|before| before.source.clone()).unwrap_or_default(),
        };
        if source.is_empty() {
            return Err(missing("source"));
        }
        let trimmed = |grade: &Grade| {
            Ok::<_, Problem>(Grade {
                zh: plain_text("grades", &grade.zh, 20)?,
                en: plain_text("grades", &grade.en, 40)?,
                from: grade.from.normalize(),
            })
        };
        let scheme = SchemeContent {
            region_code: match (&self.region_code, before) {
                (_, Some(before)) => before.region_code.clone(),
                (code, None) => region(code.as_deref().unwrap_or_default())?,
            },
            weights: self
                .weights
                .clone()
                .or_else(|| before.map(|before| before.weights.clone()))
                .ok_or_else(|| missing("weights"))?,
            grades: match &self.grades {
                Some(grades) => grades.iter().map(trimmed).collect::<Result<_, _>>()?,
                None => before
                    .map(|before| before.grades.clone())
                    .ok_or_else(|| missing("grades"))?,
            },
            source,
        };
        sound(&scheme)?;
        Ok(scheme)
    }
}

fn occasion(context: &Context, reason: Option<&str>) -> Result<Occasion, Problem> {
    Ok(Occasion::by(
        &context.actor,
        Some(required_reason(reason.unwrap_or_default())?),
    ))
}

/// Sets how a region's inspections are judged, from a day on.
#[utoipa::path(post, path = "/api/v1/inspection-schemes", operation_id = "create_inspection_scheme", tag = "inspections",
    params(("Idempotency-Key" = String, Header)), request_body = InspectionSchemeStatement,
    responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_inspection_scheme(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<InspectionSchemeStatement>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("inspection-schemes", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let now = context.clock.now();
    let content = statement.content(None)?;
    let from = sane_day("valid_from", statement.valid_from.unwrap_or(context.clock.today()))?;
    let occasion = occasion(&context, statement.reason.as_deref())?;
    let id = InspectionSchemeId::fresh();
    let revision = revise(&[], ValidPeriod::since(from), Some(content), now);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/inspection-schemes/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// Changes a scheme from a day on. What was scored before keeps its score.
#[utoipa::path(patch, path = "/api/v1/inspection-schemes/{id}", operation_id = "change_inspection_scheme", tag = "inspections",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = InspectionSchemeStatement,
    responses((status = 200, body = Scheme), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_inspection_scheme(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<InspectionSchemeStatement>,
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
        let occasion = occasion(&context, statement.reason.as_deref())?;
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
    let scheme = load(&context, id, seen).await?;
    Ok(answer(StatusCode::OK, None, version, Json(scheme)))
}

/// The day a scheme ends.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InspectionSchemeEnd {
    /// The first day on which it no longer holds.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why.
    reason: String,
}

/// Ends a scheme: that of the nearest region above holds again, or the defaults. Its history stays.
#[utoipa::path(post, path = "/api/v1/inspection-schemes/{id}/closures", operation_id = "close_inspection_scheme", tag = "inspections",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = InspectionSchemeEnd,
    responses((status = 200), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn close_inspection_scheme(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(end): Body<InspectionSchemeEnd>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let valid_to = sane_day("valid_to", end.valid_to)?;
    let occasion = occasion(&context, Some(&end.reason))?;
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = version_in_force(&versions, &headers, context.clock.today(), WHAT)?;
    let revision = revise(&versions, ValidPeriod::since(valid_to), None, context.clock.now());
    if revision.close.is_empty() {
        return Err(
            Problem::invalid("valid_to", "到那天它已失效 / it has ended by then already")
                .remedy("choose an earlier day"),
        );
    }
    let version = write_revision(
        &mut transaction,
        id.0,
        Action::Close,
        &revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    transaction.commit().await?;
    Ok(answer_ended(id.0, valid_to, version))
}
