//! The rules with what they find at present, and checks of everything.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::parameters::{RegionValue, values_of_regions};
use super::rule::{Bilingual, Severity, Subject, catalogue};
use super::whole::{Check, CheckRefused, begin_check, read_check};
use crate::request::{Body, Context, Fault, Idempotency, Problem, ProblemKind};

/// How many findings of a rule are in each state.
#[derive(Debug, Clone, Copy, Default, Serialize, utoipa::ToSchema)]
pub(super) struct StateCounts {
    /// 新发现
    new: i64,
    /// 整改中
    in_progress: i64,
    /// 认可例外
    excepted: i64,
    /// 已整改
    resolved: i64,
}

/// A rule, and what it finds at present.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RuleInForce {
    /// Its id.
    id: String,
    /// How grave a finding is.
    severity: Severity,
    /// What breaks it is refused at the door; its findings are of what came in before.
    blocks: bool,
    /// What it is called.
    title: Bilingual,
    /// What is to be done about a finding.
    remedy: Bilingual,
    /// The regulation and article, standard or practice it stands on.
    source: String,
    /// What it is about.
    subject: Subject,
    /// What it compares with.
    parameters: Vec<NamedParameter>,
    /// Its findings.
    findings: StateCounts,
}

/// A parameter of a rule.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct NamedParameter {
    /// Its name.
    name: String,
    /// What holds where no region has a value of its own.
    value: f64,
    /// Its unit.
    unit: String,
    /// What it means, in Chinese.
    zh: String,
    /// What it means, in English.
    en: String,
    /// What regions have of their own, the widest first.
    of_regions: Vec<RegionValue>,
}

/// Every rule with the number of its findings.
#[utoipa::path(get, path = "/api/v1/rules", operation_id = "list_rules", tag = "checks",
    responses((status = 200, body = Vec<RuleInForce>)))]
pub(super) async fn list_rules(context: Context) -> Result<Json<Vec<RuleInForce>>, Problem> {
    let catalogue = catalogue().map_err(Fault::from)?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let counts = sqlx::query!(
        r#"select rule,
                  count(*) filter (where state = 'new') as "new!",
                  count(*) filter (where state = 'in_progress') as "in_progress!",
                  count(*) filter (where state = 'excepted') as "excepted!",
                  count(*) filter (where state = 'resolved') as "resolved!"
             from finding group by rule"#
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let own = values_of_regions(&mut snapshot, context.clock.today()).await?;
    let rules = catalogue
        .rules
        .values()
        .map(|rule| {
            let findings = counts.iter().find(|row| row.rule == rule.id).map(|row| StateCounts {
                new: row.new,
                in_progress: row.in_progress,
                excepted: row.excepted,
                resolved: row.resolved,
            });
            RuleInForce {
                id: rule.id.clone(),
                severity: rule.severity,
                blocks: rule.blocks,
                title: rule.title.clone(),
                remedy: rule.remedy.clone(),
                source: rule.source.clone(),
                subject: rule.subject,
                parameters: rule
                    .parameters
                    .iter()
                    .filter_map(|name| {
                        let held = catalogue.parameters.get(name)?.clone();
                        Some(NamedParameter {
                            name: name.clone(),
                            value: held.value,
                            unit: held.unit,
                            zh: held.zh,
                            en: held.en,
                            of_regions: own.iter().filter(|value| value.name == *name).cloned().collect(),
                        })
                    })
                    .collect(),
                findings: findings.unwrap_or_default(),
            }
        })
        .collect();
    Ok(Json(rules))
}

/// What a check is to run.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckOrder {
    /// These rules; all where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rules: Option<Vec<String>>,
}

/// The latest check of everything.
#[utoipa::path(get, path = "/api/v1/checks", operation_id = "get_latest_check", tag = "checks",
    responses((status = 200, body = Check), (status = 404, body = Problem)))]
pub(super) async fn get_latest_check(context: Context) -> Result<Json<Check>, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let check = read_check(&mut snapshot, None).await?;
    Ok(Json(check.ok_or_else(|| Problem::not_found("a check"))?))
}

/// A check, while it runs and afterwards.
#[utoipa::path(get, path = "/api/v1/checks/{id}", operation_id = "get_check", tag = "checks",
    params(("id" = Uuid, Path)), responses((status = 200, body = Check), (status = 404, body = Problem)))]
pub(super) async fn get_check(context: Context, Path(id): Path<String>) -> Result<Json<Check>, Problem> {
    let gone = || Problem::not_found("this check");
    let id = Uuid::parse_str(&id).map_err(|_| gone())?;
    let mut snapshot = context.database.begin_snapshot().await?;
    Ok(Json(read_check(&mut snapshot, Some(id)).await?.ok_or_else(gone)?))
}

/// Starts a check of everything. Only one runs at a time.
#[utoipa::path(post, path = "/api/v1/checks", operation_id = "start_check", tag = "checks",
    params(("Idempotency-Key" = String, Header)), request_body = CheckOrder,
    responses((status = 202, body = Check), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn start_check(
    context: Context,
    headers: HeaderMap,
    Body(order): Body<CheckOrder>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("checks", &order))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        // Said again as it was said: the check is accepted, not made.
        let mut answer = repeated.into_response();
        *answer.status_mut() = StatusCode::ACCEPTED;
        return Ok(answer);
    }
    let database = context.database.system().clone();
    let begun = begin_check(&database, &context.clock, &context.actor, order.rules.as_deref())
        .await
        .map_err(|refused| match refused {
            CheckRefused::Running => Problem::new(ProblemKind::Conflict, refused.to_string())
                .code("check_running")
                .remedy("wait for its end: GET /api/v1/checks tells how far it is"),
            CheckRefused::UnknownRule(_) => Problem::invalid("rules", refused.to_string()).remedy("see /api/v1/rules"),
            CheckRefused::Fault(fault) => fault.into(),
        })?;
    let id = begun.id();
    let location = format!("/api/v1/checks/{id}");
    let check = read_check(&mut *database.pool().acquire().await?, Some(id.0)).await?;
    let body = serde_json::to_value(&check).map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })?;
    idempotency
        .keep(
            &mut transaction,
            &context.actor,
            context.clock.now(),
            &location,
            "",
            &body,
        )
        .await?;
    transaction.commit().await?;
    let clock = context.clock;
    tokio::spawn(async move {
        if let Err(error) = begun.carry_out(&database, &clock, |_, _| {}).await {
            tracing::error!(error = ?error, "the check {id} failed");
        }
    });
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(body)).into_response())
}
