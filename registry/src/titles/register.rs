//! Taking over a title that the registry has recorded, correcting what the book here says, and ending a title.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};

use super::asset_status::{assets_of, follow_end, follow_title, status_of, status_without_title};
use super::content::{TitleContent, held_versions};
use super::encumbrances::{Act, Effect, encumbrances_of, obstacles};
use super::permission::{TitleAction, require, require_at};
use super::read::{Title, WHAT, load, parse_id};
use super::refusal::refused;
use super::statement::TitleStatement;
use crate::ids::{TitleId, VersionId};
use crate::ledger::Action;
use crate::period::{Held, ValidPeriod, day, reach, revise};
use crate::request::fields::{optional_reason, required_reason, sane_day};
use crate::request::{Body, Context, Idempotency, Problem, ProblemKind, Times};
use crate::versioned::{
    Created, Occasion, answer, answer_created, answer_ended, changed_fields, version_to_change, write_revision,
};

/// The first day of a title: what was said, else the recording, else today; never in the future.
pub(crate) fn first_day(statement: &TitleStatement, today: Date) -> Result<Date, Problem> {
    let from = sane_day(
        "valid_from",
        statement.valid_from.or(statement.recorded_on).unwrap_or(today),
    )?;
    if from > today {
        return Err(Problem::invalid("valid_from", format!("{from} is in the future"))
            .remedy("a right exists from its recording: send that day")
            .code("date_in_future"));
    }
    Ok(from)
}

/// Writes a new title. The database has the last word on the unit code and on the land.
///
/// # Errors
/// What it clashes with.
pub async fn write_new(
    connection: &mut PgConnection,
    content: TitleContent,
    from: Date,
    now: OffsetDateTime,
    occasion: &Occasion,
) -> Result<(TitleId, Option<VersionId>), Problem> {
    require_units(connection, &content, from).await?;
    let id = TitleId::fresh();
    let revision = revise(&[], ValidPeriod::since(from), Some(content), now);
    let version = write_revision(connection, id.0, Action::Create, &revision, None, occasion)
        .await
        .map_err(refused)?;
    Ok((id, version))
}

/// Writes what a title says from a day on.
///
/// # Errors
/// What it clashes with.
pub async fn write_change(
    connection: &mut PgConnection,
    id: TitleId,
    held: &[Held<TitleContent>],
    (from, content): (Date, TitleContent),
    (action, now): (Action, OffsetDateTime),
    occasion: &Occasion,
) -> Result<Option<VersionId>, Problem> {
    require_units(connection, &content, from).await?;
    let before = held.iter().find(|version| version.valid.contains(from));
    let before = before.map(|version| version.content.clone());
    let revision = revise(held, reach(held, from), Some(content), now);
    write_revision(connection, id.0, action, &revision, before.as_ref(), occasion)
        .await
        .map_err(refused)
}

/// A holder that is said to be a unit must be one.
async fn require_units(connection: &mut PgConnection, content: &TitleContent, on: Date) -> Result<(), Problem> {
    for (index, holder) in content.holders.iter().enumerate() {
        if let Some(unit) = holder.unit_id
            && !crate::units::is_registered(connection, crate::ids::UnitId(unit), on).await?
        {
            return Err(Problem::invalid(
                &format!("holders[{index}].unit_id"),
                format!("no unit {unit} is registered on {on}"),
            )
            .remedy("register the unit first, or leave the field out"));
        }
    }
    Ok(())
}

/// Takes over a title as its certificate says it.
#[utoipa::path(post, path = "/api/v1/titles", operation_id = "register_title", tag = "titles",
    params(("Idempotency-Key" = String, Header)), request_body = TitleStatement,
    responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn register_title(
    context: Context,
    headers: HeaderMap,
    Body(statement): Body<TitleStatement>,
) -> Result<Response, Problem> {
    require(&context.caller, TitleAction::Register)?;
    let idempotency = Idempotency::read(&headers, &("titles", &statement))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let (now, today) = (context.clock.now(), context.clock.today());
    let content = statement.content(today, None)?;
    let from = first_day(&statement, today)?;
    let occasion = Occasion::by(&context.actor, optional_reason(statement.reason.as_deref())?);
    require_at(&mut transaction, &context, TitleAction::Register, &assets_of(&content)).await?;
    let (id, version) = write_new(&mut transaction, content.clone(), from, now, &occasion).await?;
    follow_title(&mut transaction, &content, from, (today, now), &occasion).await?;
    let location = format!("/api/v1/titles/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// Corrects what is said of a title from a day on: never an overwriting, always a new version with its reason.
#[utoipa::path(patch, path = "/api/v1/titles/{id}", operation_id = "correct_title", tag = "titles",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = TitleStatement,
    responses((status = 200, body = Title), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn correct_title(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(change): Body<Map<String, Value>>,
) -> Result<Response, Problem> {
    require(&context.caller, TitleAction::Correct)?;
    let id = parse_id(&id)?;
    let today = context.clock.today();
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let asked = TitleStatement::read(Value::Object(
        change
            .iter()
            .filter(|(field, value)| !value.is_null() && matches!(field.as_str(), "valid_from" | "reason"))
            .map(|(field, value)| (field.clone(), value.clone()))
            .collect(),
    ))?;
    let from = sane_day("valid_from", asked.valid_from.unwrap_or(today))?;
    let before = version_to_change(&versions, &headers, today, ("valid_from", from), WHAT)?;
    require_at(
        &mut transaction,
        &context,
        TitleAction::Correct,
        &assets_of(&before.content),
    )
    .await?;
    let reason = required_reason(asked.reason.as_deref().unwrap_or_default())?;
    let statement = TitleStatement::over(&before.content, &change)?;
    let content = statement.content(today, before.content.case_id)?;
    let seen = Times {
        as_of: from,
        ..Times::now(&context.clock)
    };
    if changed_fields(&before.content, &content).is_empty() {
        let tag = before.version_id;
        let title = load(&context, id, seen).await?;
        return Ok(answer(StatusCode::OK, None, Some(tag), Json(title)));
    }
    let occasion = Occasion::by(&context.actor, Some(reason));
    require_at(&mut transaction, &context, TitleAction::Correct, &assets_of(&content)).await?;
    let now = context.clock.now();
    let says_otherwise = status_of(&before.content.holders) != status_of(&content.holders)
        || before.content.book_state != content.book_state
        || assets_of(&before.content) != assets_of(&content);
    let at = (Action::Correct, now);
    write_change(&mut transaction, id, &versions, (from, content.clone()), at, &occasion).await?;
    if says_otherwise && before.valid.to.is_none() {
        follow_title(&mut transaction, &content, from, (today, now), &occasion).await?;
    }
    transaction.commit().await?;
    let seen = Times {
        as_of: from,
        ..Times::now(&context.clock)
    };
    let title = load(&context, id, seen).await?;
    let version = VersionId(title.version.version_id);
    Ok(answer(StatusCode::OK, None, Some(version), Json(title)))
}

/// The day a title ends.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TitleEnd {
    /// The first day on which it is no more.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    valid_to: Date,
    /// Why; an ending is never without a reason.
    reason: String,
    /// The consents of those whose mortgage, seizure or pre-notice lies on it, where they are needed.
    #[serde(default)]
    consents: Vec<String>,
    /// What its assets are from then on where no other title is in them: `none_handed` (unless told), `none_not_handed` or
    /// `other`.
    #[serde(default)]
    asset_status: Option<String>,
}

/// Ends a title (注销). Its history stays.
#[utoipa::path(post, path = "/api/v1/titles/{id}/closures", operation_id = "close_title", tag = "titles",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = TitleEnd,
    responses((status = 200), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn close_title(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(end): Body<TitleEnd>,
) -> Result<Response, Problem> {
    require(&context.caller, TitleAction::Cancel)?;
    let id = parse_id(&id)?;
    let reason = required_reason(&end.reason)?;
    let valid_to = sane_day("valid_to", end.valid_to)?;
    let asset_status = status_without_title(end.asset_status.as_deref())?;
    let mut transaction = context.database.begin().await?;
    let versions = held_versions(&mut transaction, id).await?;
    let last_day = valid_to.previous_day().unwrap_or(valid_to);
    let before = version_to_change(&versions, &headers, context.clock.today(), ("valid_to", last_day), WHAT)?;
    require_at(
        &mut transaction,
        &context,
        TitleAction::Cancel,
        &assets_of(&before.content),
    )
    .await?;
    let pending = sqlx::query!(
        "select c.number, v.opened_by
           from title_case_version v
           join title_case c on c.id = v.object_id
          where v.title_id = $1 and upper_inf(v.recorded) and v.state <> 'archived'
            and coalesce(v.details ->> 'policy_action', '') not in ('objection', 'pre_notice', 'seizure')
          limit 1",
        id.0,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    if let Some(pending) = pending {
        return Err(Problem::new(
            ProblemKind::Conflict,
            format!("case {} of {} deals with this title", pending.number, pending.opened_by),
        )
        .code("case_pending")
        .remedy("close that case first"));
    }
    let now = Times::now(&context.clock);
    let lies_on_it = encumbrances_of(&mut transaction, id, now).await?;
    for obstacle in obstacles(&lies_on_it, Act::Cancel) {
        if obstacle.effect >= Effect::NeedsConsent && !end.consents.contains(&obstacle.holder) {
            return Err(Problem::new(
                ProblemKind::Conflict,
                format!(
                    "{} holds a {} on it by {}",
                    obstacle.holder,
                    obstacle.kind.en(),
                    obstacle.document
                ),
            )
            .field("consents")
            .code("consent_missing")
            .remedy(format!(
                "bring the consent of {} ({})",
                obstacle.holder, obstacle.source
            )));
        }
    }
    let revision = revise(&versions, ValidPeriod::since(valid_to), None, now.known_at);
    if revision.close.is_empty() {
        return Err(Problem::invalid("valid_to", "it has ended by then already").remedy("choose an earlier day"));
    }
    let occasion = Occasion::by(&context.actor, Some(reason));
    let version = write_revision(
        &mut transaction,
        id.0,
        Action::Close,
        &revision,
        Some(&before.content),
        &occasion,
    )
    .await
    .map_err(refused)?;
    let at = (now.known_at, &occasion);
    follow_end(&mut transaction, (id, &before.content), valid_to, asset_status, at).await?;
    transaction.commit().await?;
    Ok(answer_ended(id.0, valid_to, version))
}
