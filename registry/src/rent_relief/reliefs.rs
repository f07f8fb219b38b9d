//! Who may have relief by a policy, who applied for it, and applying for many leases at once.

use std::collections::{HashMap, HashSet};

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use super::SOURCE;
use super::content::{PolicyContent, ReliefContent, held_policy};
use super::eligible::{NotEligible, judge, months};
use super::policies::{WHAT, parse_id};
use crate::ids::{LeaseId, ReliefPolicyId, RentReliefId};
use crate::leases::{LeaseContent, held_rows_of, leases_out};
use crate::ledger::Action;
use crate::money::Money;
use crate::period::{Held, ValidPeriod, revise};
use crate::request::fields::plain_text;
use crate::request::{Body, Context, Idempotency, Page, Problem};
use crate::versioned::{Occasion, VersionWriter, answer};

/// The most leases that are applied for or decided about at once.
pub(super) const AT_ONCE: usize = 2_000;

/// A lease of the policy's days, and whether it is eligible.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Candidate {
    /// The lease.
    lease_id: Uuid,
    /// Who rents.
    lessee_name: String,
    /// `enterprise`, `self_employed`, `unit` or `person`.
    lessee_kind: String,
    /// How large an enterprise it is.
    lessee_size: Option<String>,
    /// In which trade.
    lessee_sector: Option<String>,
    /// The asset.
    asset_id: Option<Uuid>,
    /// Yuan a month.
    #[schema(value_type = String)]
    monthly_rent: Money,
    /// Does the lessee let on? Then it must be proved that the benefit is passed on.
    is_sublet: bool,
    /// Is it eligible?
    eligible: bool,
    /// Why not.
    reason: Option<NotEligible>,
    /// The rent months that would be waived, by their number in the schedule.
    instalments: Vec<i32>,
    /// Their rent together, yuan.
    #[schema(value_type = String)]
    amount: Money,
    /// Where it has a relief by this policy: `applied` or `approved`.
    relief_state: Option<String>,
}

fn days_of(policy: &PolicyContent) -> ValidPeriod {
    ValidPeriod {
        from: policy.months_from,
        to: policy.months_to.next_day(),
    }
}

/// A lease as the policy judges it.
struct Judged {
    id: LeaseId,
    lease: LeaseContent,
    waived: Result<Waived, NotEligible>,
}

/// What would be waived of a lease.
struct Waived {
    instalments: Vec<i32>,
    amount: Money,
}

async fn judged(
    connection: &mut PgConnection,
    policy: &PolicyContent,
    leases: Vec<(LeaseId, Held<LeaseContent>)>,
) -> Result<Vec<Judged>, Problem> {
    let ids: Vec<Uuid> = leases.iter().map(|(id, _)| id.0).collect();
    let mut schedules = held_rows_of(connection, &ids).await?;
    Ok(leases
        .into_iter()
        .map(|(id, lease)| {
            let rows = schedules.remove(&id.0).unwrap_or_default();
            let waived = judge(policy, &lease.content)
                .and_then(|()| months(policy, &rows))
                .map(|rows| Waived {
                    instalments: rows.iter().map(|row| row.content.number).collect(),
                    amount: Money::sum(rows.iter().map(|row| row.content.amount_due)),
                });
            Judged {
                id,
                lease: lease.content,
                waived,
            }
        })
        .collect())
}

/// The leases out that have days in the policy's, and which of them are eligible.
#[utoipa::path(get, path = "/api/v1/relief-policies/{id}/candidates", operation_id = "list_relief_candidates",
    tag = "rent relief", params(("id" = Uuid, Path)),
    responses((status = 200, body = Vec<Candidate>), (status = 404, body = Problem)))]
pub(super) async fn list_candidates(context: Context, Path(id): Path<String>) -> Result<Json<Vec<Candidate>>, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin_snapshot().await?;
    let policy = held_policy(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    let leases = leases_out(&mut transaction, None, days_of(&policy), policy.region_code.as_deref()).await?;
    let judged = judged(&mut transaction, &policy, leases).await?;
    let states: HashMap<Uuid, String> = sqlx::query!(
        "select lease_id, state from rent_relief_version
          where policy_id = $1 and upper_inf(recorded) and upper_inf(valid) and state <> 'refused'",
        id.0
    )
    .fetch_all(&mut *transaction)
    .await?
    .into_iter()
    .map(|row| (row.lease_id, row.state))
    .collect();
    transaction.commit().await?;
    let assets: Vec<Uuid> = judged
        .iter()
        .filter_map(|judged| judged.lease.asset_id)
        .map(|asset| asset.0)
        .collect();
    context.note_read_of(&assets).await?;
    let candidates = judged
        .into_iter()
        .map(|Judged { id, lease, waived }| {
            let relief_state = states.get(&id.0).cloned();
            let reason = waived.as_ref().err().copied().filter(|_| relief_state.is_none());
            let (instalments, amount) =
                waived.map_or_else(|_| Default::default(), |waived| (waived.instalments, waived.amount));
            Candidate {
                lease_id: id.0,
                lessee_name: lease.lessee_name,
                lessee_kind: lease.lessee_kind,
                lessee_size: lease.lessee_size,
                lessee_sector: lease.lessee_sector,
                asset_id: lease.asset_id.map(|asset| asset.0),
                monthly_rent: lease.monthly_rent,
                is_sublet: lease.is_sublet,
                eligible: reason.is_none() && relief_state.is_none(),
                reason,
                instalments,
                amount,
                relief_state,
            }
        })
        .collect();
    Ok(Json(candidates))
}

/// An application for a lease.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Application {
    /// The lease.
    lease_id: Uuid,
    /// What a visit or call found.
    #[serde(default)]
    evidence: Option<String>,
    /// What proves that whoever sits there at last has the benefit; needed where the lessee lets on.
    #[serde(default)]
    end_user_proof: Option<String>,
}

/// Applications that are brought together.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Applications {
    /// One for each lease.
    applications: Vec<Application>,
}

/// What was applied for.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Applied {
    /// The reliefs, in the order of the applications.
    ids: Vec<Uuid>,
    /// The rent of all together, yuan.
    #[schema(value_type = String)]
    amount: Money,
}

/// Applies for relief of leases, all or none of them.
#[utoipa::path(post, path = "/api/v1/relief-policies/{id}/reliefs", operation_id = "apply_for_relief", tag = "rent relief",
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header)), request_body = Applications,
    responses((status = 201, body = Applied), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn apply_for_relief(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(asked): Body<Applications>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let leases: HashSet<Uuid> = asked.applications.iter().map(|one| one.lease_id).collect();
    if leases.is_empty() || leases.len() != asked.applications.len() || leases.len() > AT_ONCE {
        return Err(Problem::invalid(
            "applications",
            format!("1 to {AT_ONCE} leases are applied for at once, each of them once"),
        )
        .remedy("name each lease once"));
    }
    let idempotency = Idempotency::read(&headers, &("rent_reliefs", id, &asked))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let policy = held_policy(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    let contents = applied(&mut transaction, id, &policy, &asked, &context.actor.0).await?;
    let (now, today) = (context.clock.now(), context.clock.today());
    let occasion = Occasion::by(&context.actor, Some(policy.document.clone()));
    let amount = Money::sum(contents.iter().map(|content| content.amount));
    let mut writer = VersionWriter::default();
    let mut ids = Vec::with_capacity(contents.len());
    for content in contents {
        let relief = RentReliefId::fresh();
        writer.register(relief.0, now);
        let revision = revise(&[], ValidPeriod::since(today), Some(content), now);
        writer.revise(relief.0, Action::Create, &revision, None, &occasion)?;
        ids.push(relief.0);
    }
    writer.flush(&mut transaction).await?;
    let location = format!("/api/v1/relief-policies/{id}/reliefs");
    let body = serde_json::json!(Applied { ids, amount });
    idempotency
        .keep(&mut transaction, &context.actor, now, &location, "", &body)
        .await?;
    transaction.commit().await?;
    Ok(answer(StatusCode::CREATED, Some(&location), None, Json(body)))
}

/// What the applications say, where each lease is eligible.
async fn applied(
    connection: &mut PgConnection,
    policy_id: ReliefPolicyId,
    policy: &PolicyContent,
    asked: &Applications,
    actor: &str,
) -> Result<Vec<ReliefContent>, Problem> {
    let mut ids: Vec<Uuid> = asked.applications.iter().map(|one| one.lease_id).collect();
    ids.sort_unstable();
    sqlx::query!("select id from lease where id = any($1) order by id for update", &ids)
        .fetch_all(&mut *connection)
        .await?;
    let leases = leases_out(connection, Some(&ids), days_of(policy), policy.region_code.as_deref()).await?;
    let mut judged: HashMap<Uuid, Judged> = judged(connection, policy, leases)
        .await?
        .into_iter()
        .map(|one| (one.id.0, one))
        .collect();
    let refused = |words: String, code: &str| {
        Problem::invalid("applications", words)
            .code(code)
            .rule("DSP-17", SOURCE)
            .remedy("leave that lease out, or correct what is registered of it")
    };
    asked
        .applications
        .iter()
        .map(|one| {
            let Judged { lease, waived, .. } = judged.remove(&one.lease_id).ok_or_else(|| {
                refused(
                    format!(
                        "政策范围内没有租约 {0} / no lease {0} is let where and when the policy says",
                        one.lease_id
                    ),
                    "not_in_scope",
                )
            })?;
            let waived =
                waived.map_err(|why| refused(format!("{}：{}", lease.lessee_name, why.words()), "not_eligible"))?;
            let said = |field: &str, text: &Option<String>| -> Result<Option<String>, Problem> {
                Ok(text
                    .as_deref()
                    .map(|text| plain_text(field, text, 400))
                    .transpose()?
                    .filter(|text| !text.is_empty()))
            };
            let end_user_proof = said("end_user_proof", &one.end_user_proof)?;
            if lease.is_sublet && end_user_proof.is_none() {
                return Err(refused(
                    format!(
                        "{} 转租，须证明减免已惠及最终承租人 / it is let on: prove that the benefit is passed on",
                        lease.lessee_name
                    ),
                    "end_user_proof_missing",
                )
                .field("end_user_proof"));
            }
            Ok(ReliefContent {
                policy_id: Some(policy_id.0),
                lease_id: one.lease_id,
                state: "applied".to_owned(),
                instalments: waived.instalments,
                amount: waived.amount,
                evidence: said("evidence", &one.evidence)?,
                end_user_proof,
                applied_by: actor.to_owned(),
                decided_by: None,
                decision_document: None,
                decision_reason: None,
            })
        })
        .collect()
}

/// A relief.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Relief {
    /// Its id.
    id: Uuid,
    /// Of which lease.
    lease_id: Uuid,
    /// Who rents.
    lessee_name: String,
    /// Does the lessee let on?
    is_sublet: bool,
    /// `applied`, `approved` or `refused`.
    state: String,
    /// The rent months, by their number in the schedule.
    instalments: Vec<i32>,
    /// Their rent together, yuan.
    amount: String,
    /// What a visit or call found.
    evidence: Option<String>,
    /// What proves that whoever sits there at last has the benefit.
    end_user_proof: Option<String>,
    /// Who applied.
    applied_by: String,
    /// Who decided.
    decided_by: Option<String>,
    /// 批复文号
    decision_document: Option<String>,
    /// Why.
    decision_reason: Option<String>,
}

/// Every relief by a policy, what waits first.
#[utoipa::path(get, path = "/api/v1/relief-policies/{id}/reliefs", operation_id = "list_rent_reliefs", tag = "rent relief",
    params(("id" = Uuid, Path)), responses((status = 200, body = Page<Relief>), (status = 404, body = Problem)))]
pub(super) async fn list_reliefs(context: Context, Path(id): Path<String>) -> Result<Json<Page<Relief>>, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin_snapshot().await?;
    held_policy(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    let items = sqlx::query_as!(
        Relief,
        r#"select v.object_id as id, v.lease_id, l.lessee_name, l.is_sublet, v.state, v.instalments,
                  v.amount::text as "amount!", v.evidence, v.end_user_proof, v.applied_by, v.decided_by,
                  v.decision_document, v.decision_reason
             from rent_relief_version v
             join lease_version l on l.object_id = v.lease_id and upper_inf(l.recorded)
            where v.policy_id = $1 and upper_inf(v.recorded) and upper_inf(v.valid)
            order by v.state = 'applied' desc, l.lessee_name, v.object_id"#,
        id.0,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    context
        .note_read_behind("lease", items.iter().map(|relief| relief.lease_id).collect())
        .await?;
    Ok(Json(Page {
        total: i64::try_from(items.len()).ok(),
        items,
        next: None,
    }))
}
