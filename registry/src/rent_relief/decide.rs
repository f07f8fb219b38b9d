//! Deciding about applications, one or many: who applied never decides. What is approved is owed no more; the rows stay, with
//! what was agreed and the relief by which it is less.

use std::collections::HashSet;

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use time::Duration;
use uuid::Uuid;

use super::content::{ReliefContent, held_policy, held_reliefs};
use super::policies::{WHAT, parse_id};
use super::reliefs::AT_ONCE;
use crate::ids::LeaseId;
use crate::leases::{InstalmentContent, held_rows_of, write_rows};
use crate::ledger::Action;
use crate::money::Money;
use crate::period::{Held, Revision, ValidPeriod, revise};
use crate::request::fields::{plain_text, require_word};
use crate::request::{Body, Context, DoorRule, Problem, ProblemKind};
use crate::versioned::{Occasion, VersionWriter, answer};

/// A decision about applications.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReliefDecision {
    /// The reliefs that it is about.
    relief_ids: Vec<Uuid>,
    /// `approve` or `refuse`.
    decision: String,
    /// 批复文号; needed to approve.
    #[serde(default)]
    document: Option<String>,
    /// Why; needed to refuse.
    #[serde(default)]
    reason: Option<String>,
}

/// What was decided.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Decided {
    /// About how many.
    count: usize,
    /// The rent that is waived by it, yuan.
    #[schema(value_type = String)]
    amount: Money,
}

/// Decides about applications, all or none of them.
#[utoipa::path(post, path = "/api/v1/relief-policies/{id}/decisions", operation_id = "decide_reliefs", tag = "rent relief",
    params(("id" = Uuid, Path)), request_body = ReliefDecision,
    responses((status = 200, body = Decided), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn decide_reliefs(
    context: Context,
    Path(id): Path<String>,
    Body(decision): Body<ReliefDecision>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    require_word("decision", &decision.decision, &["approve", "refuse"])?;
    let is_approved = decision.decision == "approve";
    let said = |field: &str, text: &Option<String>, longest: usize, needed: bool| -> Result<Option<String>, Problem> {
        let text = text
            .as_deref()
            .map(|text| plain_text(field, text, longest))
            .transpose()?
            .filter(|text| !text.is_empty());
        if needed && text.is_none() {
            return Err(
                Problem::invalid(field, "it is missing").remedy("an approval names its document, a refusal its reason")
            );
        }
        Ok(text)
    };
    let document = said("document", &decision.document, 100, is_approved)?;
    let reason = said("reason", &decision.reason, 2_000, !is_approved)?;
    let mut ids: Vec<Uuid> = decision.relief_ids.clone();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || ids.len() > AT_ONCE {
        return Err(
            Problem::invalid("relief_ids", format!("1 to {AT_ONCE} applications are decided at once"))
                .remedy("name the applications"),
        );
    }
    let mut transaction = context.database.begin().await?;
    held_policy(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    let reliefs = held_reliefs(&mut transaction, &ids).await?;
    if reliefs.len() != ids.len() || reliefs.iter().any(|(_, held)| held.content.policy_id != Some(id.0)) {
        return Err(Problem::not_found("one of these applications"));
    }
    require_open(&reliefs, &context.actor.0)?;
    let occasion = Occasion::by(&context.actor, document.clone().or(reason.clone()));
    let (now, today) = (context.clock.now(), context.clock.today());
    let mut leases: Vec<Uuid> = reliefs.iter().map(|(_, held)| held.content.lease_id).collect();
    leases.sort_unstable();
    sqlx::query!(
        "select id from lease where id = any($1) order by id for update",
        &leases
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut schedules = held_rows_of(&mut transaction, &leases).await?;
    let (mut decided, mut rows) = (VersionWriter::default(), VersionWriter::default());
    let mut amount = Money::NOTHING;
    for (relief, held) in &reliefs {
        let mut content = ReliefContent {
            state: if is_approved { "approved" } else { "refused" }.to_owned(),
            decided_by: Some(context.actor.0.clone()),
            decision_document: document.clone(),
            decision_reason: reason.clone(),
            ..held.content.clone()
        };
        if is_approved {
            let schedule = schedules.remove(&content.lease_id).unwrap_or_default();
            let revision = waive(&schedule, &content.instalments, *relief, now)?;
            content.amount = Money::sum(revision.write.iter().map(|(_, row)| row.amount));
            amount = Money::sum([amount, content.amount]);
            write_rows(&mut rows, LeaseId(content.lease_id), &revision, &occasion)?;
        }
        let period = ValidPeriod::since(today.max(held.valid.from));
        let revision = revise(std::slice::from_ref(held), period, Some(content), now);
        decided.revise(*relief, Action::Change, &revision, Some(&held.content), &occasion)?;
    }
    decided.flush(&mut transaction).await?;
    rows.flush(&mut transaction).await?;
    transaction.commit().await?;
    let count = reliefs.len();
    Ok(answer(StatusCode::OK, None, None, Json(Decided { count, amount })))
}

/// What is decided already is not decided again, and nobody decides about their own.
fn require_open(reliefs: &[(Uuid, Held<ReliefContent>)], actor: &str) -> Result<(), Problem> {
    if let Some((_, held)) = reliefs.iter().find(|(_, held)| held.content.state != "applied") {
        return Err(
            Problem::new(ProblemKind::Conflict, format!("it is {} already", held.content.state))
                .code("decided")
                .remedy("read the applications again"),
        );
    }
    if reliefs.iter().any(|(_, held)| held.content.applied_by == actor) {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "申请人不能审批自己的申请 / whoever applied for relief can't decide it too",
        )
        .code("four_eyes")
        .breaks(DoorRule::FourEyes, serde_json::json!({"applied_by": actor}))
        .remedy("let a second person decide"));
    }
    Ok(())
}

/// The rows are owed no more; what was agreed stays in them.
fn waive(
    schedule: &[Held<InstalmentContent>],
    instalments: &[i32],
    relief: Uuid,
    now: time::OffsetDateTime,
) -> Result<Revision<InstalmentContent>, Problem> {
    let wanted: HashSet<i32> = instalments.iter().copied().collect();
    let mut revision = Revision {
        close: Vec::new(),
        write: Vec::new(),
        at: now,
    };
    for row in schedule.iter().filter(|row| wanted.contains(&row.content.number)) {
        if row.content.relief_id.is_some() || row.content.amount_due == Money::NOTHING {
            continue;
        }
        revision.close.push(row.version_id);
        revision.at = revision.at.max(row.recorded_from + Duration::MICROSECOND);
        let content = InstalmentContent {
            amount_due: Money::NOTHING,
            relief_id: Some(relief),
            ..row.content.clone()
        };
        revision.write.push((row.valid, content));
    }
    if revision.write.len() == wanted.len() {
        return Ok(revision);
    }
    Err(Problem::new(
        ProblemKind::Conflict,
        "rent months that were applied for are no longer in the schedule, or are waived already",
    )
    .code("schedule_changed")
    .remedy("refuse this application and apply anew"))
}
