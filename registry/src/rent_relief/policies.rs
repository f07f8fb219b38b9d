//! Policies of relief: making one, and what became of it.

use axum::Json;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{PolicyContent, PolicyRow, select_policies};
use crate::ids::ReliefPolicyId;
use crate::leases::{SECTORS, SIZES};
use crate::ledger::Action;
use crate::period::{ValidPeriod, day, revise};
use crate::request::fields::{plain_text, require_word, sane_day};
use crate::request::{Body, Context, Idempotency, Problem};
use crate::versioned::{Created, Occasion, answer_created, write_revision};

pub(super) const WHAT: &str = "this policy";

pub(super) fn parse_id(text: &str) -> Result<ReliefPolicyId, Problem> {
    Uuid::parse_str(text)
        .map(ReliefPolicyId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// What a policy says.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyStatement {
    /// Name.
    name: String,
    /// 文号
    document: String,
    /// The assets lie in this region or below; anywhere unless told.
    #[serde(default)]
    region_code: Option<String>,
    /// Rent months that begin on this day or later may be waived.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    months_from: Date,
    /// And on this day at the latest.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    months_to: Date,
    /// So many of them.
    months: i16,
    /// Enterprises of these sizes: `large`, `medium`, `small`, `micro`.
    sizes: Vec<String>,
    /// Self-employed people (个体工商户) too?
    self_employed: bool,
    /// Of these trades only: `agriculture`, `industry`, `construction`, `services`; of any where none is named.
    #[serde(default)]
    sectors: Vec<String>,
}

impl PolicyStatement {
    fn content(&self) -> Result<PolicyContent, Problem> {
        let words = |field: &str, said: &[String], list: &[&str]| {
            let mut words: Vec<String> = said.iter().map(|word| word.trim().to_owned()).collect();
            words.sort_unstable();
            words.dedup();
            words
                .iter()
                .try_for_each(|word| require_word(field, word, list))
                .map(|()| words)
        };
        Ok(PolicyContent {
            name: plain_text("name", &self.name, 200)?,
            document: plain_text("document", &self.document, 100)?,
            region_code: self
                .region_code
                .as_deref()
                .map(|code| plain_text("region_code", code, 12))
                .transpose()?
                .filter(|code| !code.is_empty()),
            months_from: sane_day("months_from", self.months_from)?,
            months_to: sane_day("months_to", self.months_to)?,
            months: self.months,
            sizes: words("sizes", &self.sizes, &SIZES)?,
            self_employed: self.self_employed,
            sectors: words("sectors", &self.sectors, &SECTORS)?,
        })
    }
}

/// Makes a policy.
#[utoipa::path(post, path = "/api/v1/relief-policies", operation_id = "make_relief_policy", tag = "rent relief",
    params(("Idempotency-Key" = String, Header)), request_body = PolicyStatement,
    responses((status = 201, body = Created), (status = 422, body = Problem)))]
pub(super) async fn make_policy(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<PolicyStatement>,
) -> Result<Response, Problem> {
    let content = statement.content()?;
    let idempotency = Idempotency::read(&headers, &("relief_policies", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let now = context.clock.now();
    let id = ReliefPolicyId::fresh();
    let occasion = Occasion::by(&context.actor, Some(content.document.clone()));
    let revision = revise(&[], ValidPeriod::since(context.clock.today()), Some(content), now);
    let version = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await?;
    let location = format!("/api/v1/relief-policies/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// What became of a policy.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub(super) struct PolicyFigures {
    /// How many applications wait.
    applied: i64,
    /// How many leases were relieved.
    approved: i64,
    /// How many lessees that is.
    lessees: i64,
    /// How many rent months.
    months: i64,
    /// How much rent, yuan.
    amount: String,
    /// How many applications were refused.
    refused: i64,
    /// How many of the relieved are let on, with proof that the benefit was passed on.
    passed_on: i64,
}

/// A policy and what became of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ReliefPolicy {
    /// Its id.
    id: Uuid,
    /// Name.
    name: String,
    /// 文号
    document: String,
    /// Where the assets lie.
    region_code: Option<String>,
    /// Rent months that begin on this day or later.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    months_from: Date,
    /// And on this day at the latest.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    months_to: Date,
    /// So many of them are waived.
    months: i16,
    /// Enterprises of these sizes are eligible.
    sizes: Vec<String>,
    /// Are self-employed people?
    self_employed: bool,
    /// Of these trades only.
    sectors: Vec<String>,
    /// What became of it.
    figures: PolicyFigures,
}

async fn with_figures(connection: &mut PgConnection, row: PolicyRow) -> Result<ReliefPolicy, Problem> {
    let found = sqlx::query!(
        r#"select count(*) filter (where v.state = 'applied') as "applied!",
                  count(*) filter (where v.state = 'approved') as "approved!",
                  count(distinct l.lessee_name) filter (where v.state = 'approved') as "lessees!",
                  coalesce(sum(cardinality(v.instalments)) filter (where v.state = 'approved'), 0) as "months!",
                  coalesce(sum(v.amount) filter (where v.state = 'approved'), 0)::numeric(18, 2)::text as "amount!",
                  count(*) filter (where v.state = 'refused') as "refused!",
                  count(*) filter (where v.state = 'approved' and l.is_sublet and v.end_user_proof is not null)
                      as "passed_on!"
             from rent_relief_version v
             join lease_version l on l.object_id = v.lease_id and upper_inf(l.recorded)
            where v.policy_id = $1 and upper_inf(v.recorded) and upper_inf(v.valid)"#,
        row.object_id,
    )
    .fetch_one(connection)
    .await?;
    Ok(ReliefPolicy {
        id: row.object_id,
        name: row.name,
        document: row.document,
        region_code: row.region_code,
        months_from: row.months_from,
        months_to: row.months_to,
        months: row.months,
        sizes: row.sizes,
        self_employed: row.self_employed,
        sectors: row.sectors,
        figures: PolicyFigures {
            applied: found.applied,
            approved: found.approved,
            lessees: found.lessees,
            months: found.months,
            amount: found.amount,
            refused: found.refused,
            passed_on: found.passed_on,
        },
    })
}

/// Every policy with what became of it, the latest first.
#[utoipa::path(get, path = "/api/v1/relief-policies", operation_id = "list_relief_policies", tag = "rent relief",
    responses((status = 200, body = Vec<ReliefPolicy>)))]
pub(super) async fn list_policies(context: Context) -> Result<Json<Vec<ReliefPolicy>>, Problem> {
    let mut transaction = context.database.begin_snapshot().await?;
    let rows = select_policies!(
        "where upper_inf(v.recorded) and upper_inf(v.valid) order by v.months_from desc, v.object_id desc"
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut policies = Vec::with_capacity(rows.len());
    for row in rows {
        policies.push(with_figures(&mut transaction, row).await?);
    }
    transaction.commit().await?;
    Ok(Json(policies))
}

/// One policy with what became of it.
#[utoipa::path(get, path = "/api/v1/relief-policies/{id}", operation_id = "get_relief_policy", tag = "rent relief",
    params(("id" = Uuid, Path)), responses((status = 200, body = ReliefPolicy), (status = 404, body = Problem)))]
pub(super) async fn get_policy(context: Context, Path(id): Path<String>) -> Result<Json<ReliefPolicy>, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin_snapshot().await?;
    let row = select_policies!(
        "where v.object_id = $1 and upper_inf(v.recorded) and upper_inf(v.valid)",
        id.0
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    let policy = with_figures(&mut transaction, row).await?;
    transaction.commit().await?;
    Ok(Json(policy))
}
