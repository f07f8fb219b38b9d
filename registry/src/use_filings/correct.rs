//! Correcting what was entered of a filing, and withdrawing one that was entered by mistake. What was known stays known.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::content::held_versions;
use super::enter::{FilingStatement, require_unit};
use super::read::{UseFiling, WHAT, load, parse_id};
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise};
use crate::request::fields::required_reason;
use crate::request::{Body, Context, Problem, Times, etag, require_match};
use crate::versioned::{Occasion, answer, write_revision};

/// Corrects a filing, for all its days.
#[utoipa::path(patch, path = "/api/v1/use-filings/{id}", operation_id = "correct_use_filing", tag = "use filings",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = FilingStatement,
    responses((status = 200, body = UseFiling), (status = 403, body = Problem), (status = 404, body = Problem),
              (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
              (status = 428, body = Problem)))]
pub(super) async fn correct_use_filing(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(statement): Body<FilingStatement>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = versions.last().ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(before.version_id))?;
    require_unit(&mut transaction, &context, before.content.unit_id).await?;
    let held = (&before.content, before.valid.from);
    let (content, filed_on) = statement.content(Some(held), context.clock.today())?;
    let mut version = Some(before.version_id);
    if (&content, filed_on) != held {
        let occasion = Occasion::by(
            &context.actor,
            Some(required_reason(statement.reason.as_deref().unwrap_or_default())?),
        );
        let mut revision = revise(&versions, before.valid, None, context.clock.now());
        revision.write = vec![(ValidPeriod::since(filed_on), content)];
        let before = Some(&before.content);
        version = write_revision(&mut transaction, id.0, Action::Change, &revision, before, &occasion).await?;
        transaction.commit().await?;
    }
    let filing = load(&context, id, Times::now(&context.clock)).await?;
    Ok(answer(StatusCode::OK, None, version, Json(filing)))
}

/// Why a filing is withdrawn.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = UseFilingWithdrawal)]
#[serde(deny_unknown_fields)]
pub(super) struct Withdrawal {
    /// Why.
    reason: String,
}

/// Withdraws a filing that was entered by mistake. That it was known stays in its history.
#[utoipa::path(post, path = "/api/v1/use-filings/{id}/withdrawals", operation_id = "withdraw_use_filing", tag = "use filings",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = Withdrawal,
    responses((status = 200), (status = 403, body = Problem), (status = 404, body = Problem), (status = 412, body = Problem),
              (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn withdraw_use_filing(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(withdrawal): Body<Withdrawal>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let occasion = Occasion::by(&context.actor, Some(required_reason(&withdrawal.reason)?));
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let before = versions.last().ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(before.version_id))?;
    require_unit(&mut transaction, &context, before.content.unit_id).await?;
    let revision = revise(&versions, before.valid, None, context.clock.now());
    write_revision(
        &mut transaction,
        id.0,
        Action::Close,
        &revision,
        Some(&before.content),
        &occasion,
    )
    .await?;
    transaction.commit().await?;
    let body = serde_json::json!({"id": id.0});
    Ok(answer(StatusCode::OK, None, None, Json(body)))
}
