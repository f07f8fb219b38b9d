//! What people decide about a finding. That it is put right is nobody's word: the rule no longer finds it then.

use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use time::Date;

use super::list::{Finding, answer, load, parse_id};
use crate::ledger::{Action, EntryId, NewEntry, Object, ObjectKind};
use crate::period::day;
use crate::request::fields::{optional_reason, plain_text, required_reason, said};
use crate::request::{Body, Context, Fault, Permission, Problem, require_match};

/// The longest an exception holds, days.
const LONGEST_EXCEPTION: i64 = 366 * 3;

/// What is decided about a finding; what is left out stays as it is.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FindingDecision {
    /// `new` 新发现, `in_progress` 整改中 or `excepted` 认可例外.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// Who sees to it; null for nobody.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    owner: Option<Option<String>>,
    /// Until when; null for no day.
    #[serde(default, deserialize_with = "said", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    deadline: Option<Option<Day>>,
    /// The last day of an exception.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    until: Option<Date>,
    /// Why. An exception is never without a reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct Day(#[serde(with = "day")] Date);

/// Decides who sees to a finding, until when, how far it is, or that it is an exception.
#[utoipa::path(patch, path = "/api/v1/findings/{id}", operation_id = "change_finding", tag = "checks",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = FindingDecision,
    responses((status = 200, body = Finding), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn change_finding(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(decision): Body<FindingDecision>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin().await?;
    sqlx::query!("select 1 as one from finding where id = $1 for update", id)
        .fetch_optional(&mut *transaction)
        .await?;
    let before = load(&mut transaction, id).await?;
    require_place(&mut transaction, &context, id).await?;
    require_match(&headers, &before.etag())?;
    if before.state == "resolved" {
        return Err(
            Problem::invalid("state", "it is put right: the rule no longer finds it")
                .remedy("there is nothing left to do"),
        );
    }
    let mut after = before.clone();
    decide(&mut after, &decision, &context)?;
    let reason = optional_reason(decision.reason.as_deref())?;
    sqlx::query!(
        "update finding
            set state = $2, owner = $3, deadline = $4, exception_reason = $5, exception_by = $6, exception_until = $7,
                revision = revision + 1
          where id = $1",
        id,
        after.state,
        after.owner,
        after.deadline,
        after.exception_reason,
        after.exception_by,
        after.exception_until,
    )
    .execute(&mut *transaction)
    .await?;
    let (said_before, said_after) = (said_of(&before)?, said_of(&after)?);
    let entry = NewEntry {
        id: EntryId::fresh(),
        recorded_at: context.clock.now(),
        actor: &context.actor.0,
        action: Action::Change,
        object: Object {
            kind: ObjectKind::Finding,
            id,
        },
        before: Some(&said_before),
        after: Some(&said_after),
        reason: reason.as_deref(),
        case_id: None,
        import_id: None,
    };
    crate::ledger::append(&mut transaction, &entry).await?;
    let decided = load(&mut transaction, id).await?;
    transaction.commit().await?;
    Ok(answer(decided))
}

/// A finding is decided by whoever may decide about what it is shown at.
async fn require_place(connection: &mut sqlx::PgConnection, context: &Context, id: uuid::Uuid) -> Result<(), Problem> {
    if context.caller.scope.holds_everywhere(Permission::DecideFindings) {
        return Ok(());
    }
    let assets = sqlx::query_scalar!(
        r#"select case when at_id is not null then array[at_id] else scope_assets_of(object_kind, object_id) end as "assets!"
             from finding where id = $1"#,
        id,
    )
    .fetch_one(&mut *connection)
    .await?;
    crate::spatial_units::require_edit(connection, context, &[Permission::DecideFindings], &assets, None).await
}

fn decide(finding: &mut Finding, decision: &FindingDecision, context: &Context) -> Result<(), Problem> {
    let today = context.clock.today();
    if let Some(owner) = &decision.owner {
        finding.owner = owner
            .as_deref()
            .map(|owner| plain_text("owner", owner, 100))
            .transpose()?
            .filter(|owner| !owner.is_empty());
    }
    if let Some(deadline) = &decision.deadline {
        finding.deadline = deadline.as_ref().map(|day| day.0);
        if finding.deadline.is_some_and(|deadline| deadline < today) {
            return Err(Problem::invalid("deadline", "that day is past").remedy("choose today or a later day"));
        }
    }
    match decision.state.as_deref() {
        None => {}
        Some(state @ ("new" | "in_progress")) => {
            state.clone_into(&mut finding.state);
            (finding.exception_reason, finding.exception_by, finding.exception_until) = (None, None, None);
        }
        Some("excepted") => {
            let reason = required_reason(decision.reason.as_deref().unwrap_or_default())?;
            let until = decision.until.ok_or_else(|| {
                Problem::invalid("until", "an exception ends on a day").remedy("send the last day on which it holds")
            })?;
            let days = (until - today).whole_days();
            if !(0..=LONGEST_EXCEPTION).contains(&days) {
                return Err(
                    Problem::invalid("until", "an exception holds from today on, and three years at most")
                        .remedy("choose a day within three years"),
                );
            }
            if finding.owner.as_ref() == Some(&context.actor.0) {
                return Err(
                    Problem::invalid("state", "whoever sees to a finding can't declare it an exception")
                        .remedy("ask a second person to do it"),
                );
            }
            "excepted".clone_into(&mut finding.state);
            finding.exception_reason = Some(reason);
            finding.exception_by = Some(context.actor.0.clone());
            finding.exception_until = Some(until);
        }
        Some(other) => {
            return Err(Problem::invalid("state", format!("{other:?} can't be decided"))
                .remedy("choose new, in_progress or excepted; that it is put right the rule itself finds"));
        }
    }
    if finding.exception_by.is_some() && finding.exception_by == finding.owner {
        return Err(
            Problem::invalid("owner", "whoever declared the exception can't see to the finding")
                .remedy("choose somebody else"),
        );
    }
    Ok(())
}

/// What the ledger keeps of a decision.
fn said_of(finding: &Finding) -> Result<Box<serde_json::value::RawValue>, Fault> {
    let said = serde_json::json!({
        "rule": finding.rule, "object_id": finding.object_id, "state": finding.state, "owner": finding.owner,
        "deadline": finding.deadline.map(|day| day.to_string()), "exception_reason": finding.exception_reason,
        "exception_by": finding.exception_by, "exception_until": finding.exception_until.map(|day| day.to_string()),
    });
    serde_json::value::to_raw_value(&said).map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })
}
