//! API tokens (令牌) for scripts and GIS clients: made by whoever they work for, said once, revoked at any time.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::accounts::{note, parse_id};
use super::session::require_session;
use super::{People, secret};
use crate::ids::{PersonId, TokenId};
use crate::ledger::Action;
use crate::request::fields::plain_text;
use crate::request::{Actor, Body, Context, Idempotency, Problem, ProblemKind};

/// A token holds so long at most, days.
const LONGEST_DAYS: i64 = 730;
/// And so long unless told, days.
const USUAL_DAYS: i64 = 365;
/// Tokens that one person may have.
const MOST: i64 = 50;

/// A token, without its secret.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Token {
    id: TokenId,
    /// What it is for.
    name: String,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    created_by: String,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// To the minute.
    #[serde(with = "time::serde::rfc3339::option")]
    last_used_at: Option<OffsetDateTime>,
}

async fn tokens_of(context: &Context, person: PersonId) -> Result<Json<Vec<Token>>, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = sqlx::query!(
        "select id, name, created_at, created_by, expires_at, last_used_at
           from person_token
          where person_id = $1 and revoked_at is null
          order by created_at desc, id",
        person.0,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let tokens = rows.into_iter().map(|row| Token {
        id: TokenId(row.id),
        name: row.name,
        created_at: row.created_at,
        created_by: row.created_by,
        expires_at: row.expires_at,
        last_used_at: row.last_used_at,
    });
    Ok(Json(tokens.collect()))
}

/// One's own tokens that are not revoked, the latest first.
#[utoipa::path(get, path = "/api/v1/session/tokens", operation_id = "list_own_tokens", tag = "session",
    responses((status = 200, body = Vec<Token>)))]
pub(super) async fn list_own_tokens(context: Context) -> Result<Json<Vec<Token>>, Problem> {
    tokens_of(&context, context.caller.person_id).await
}

/// Somebody's tokens that are not revoked, the latest first.
#[utoipa::path(get, path = "/api/v1/people/{id}/tokens", operation_id = "list_person_tokens", tag = "people",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = Vec<Token>), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn list_person_tokens(context: Context, Path(id): Path<String>) -> Result<Json<Vec<Token>>, Problem> {
    tokens_of(&context, parse_id(&id)?).await
}

/// Makes a token in the caller's transaction and gives its secret, which is not kept.
///
/// # Errors
/// A problem naming the field.
pub async fn make_token(
    connection: &mut PgConnection,
    actor: &Actor,
    person: PersonId,
    name: &str,
    days: Option<i64>,
    now: OffsetDateTime,
) -> Result<(TokenId, String, OffsetDateTime), Problem> {
    let name = plain_text("name", name, 100)?;
    let days = days.unwrap_or(USUAL_DAYS);
    if !(1..=LONGEST_DAYS).contains(&days) {
        return Err(
            Problem::invalid("expires_in_days", format!("{days} is outside 1 to {LONGEST_DAYS}"))
                .remedy("choose how many days the token is to hold; another one can be made later"),
        );
    }
    let held = sqlx::query_scalar!(
        r#"select count(*) as "count!" from person_token where person_id = $1 and revoked_at is null and expires_at > $2"#,
        person.0,
        now,
    )
    .fetch_one(&mut *connection)
    .await?;
    if held >= MOST {
        return Err(
            Problem::new(ProblemKind::Conflict, format!("there are {held} tokens already"))
                .code("too_many_tokens")
                .remedy("revoke those that are no longer needed"),
        );
    }
    let (id, secret) = (TokenId::fresh(), secret::fresh_token()?);
    let expires_at = now + Duration::days(days);
    sqlx::query!(
        "insert into person_token (id, person_id, name, token_sha256, created_at, created_by, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        id.0,
        person.0,
        name,
        &secret::sha256(&secret)[..],
        now,
        actor.0,
        expires_at,
    )
    .execute(&mut *connection)
    .await?;
    let after = serde_json::json!({"token": id, "name": name, "days": days});
    note(connection, actor, Action::Change, person, now, None, Some(&after), None).await?;
    Ok((id, secret, expires_at))
}

/// A token to be made.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    /// What it is for.
    name: String,
    /// How long it holds, 1 to 730 days; 365 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_in_days: Option<i64>,
}

/// A token that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct TokenMade {
    id: TokenId,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    /// For `Authorization: Bearer …`, or the password of HTTP Basic. It is said this once; where the same request is
    /// repeated it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

/// Makes a token that may do what its owner may.
#[utoipa::path(post, path = "/api/v1/session/tokens", operation_id = "create_own_token", tag = "session",
    params(("Idempotency-Key" = String, Header)), request_body = NewToken,
    responses((status = 201, body = TokenMade), (status = 403, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_own_token(
    context: Context,
    headers: HeaderMap,
    Body(asked): Body<NewToken>,
) -> Result<Response, Problem> {
    require_session(&context)?;
    let idempotency = Idempotency::read(&headers, &("tokens", &asked))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let (now, person) = (context.clock.now(), context.caller.person_id);
    let days = asked.expires_in_days;
    let (id, secret, expires_at) = make_token(&mut transaction, &context.actor, person, &asked.name, days, now).await?;
    let mut made = TokenMade {
        id,
        expires_at,
        token: None,
    };
    let location = format!("/api/v1/session/tokens/{id}");
    // What is kept for a repeated request says nothing secret.
    let kept = serde_json::json!(made);
    idempotency
        .keep(&mut transaction, &context.actor, now, &location, "", &kept)
        .await?;
    transaction.commit().await?;
    made.token = Some(secret);
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    Ok((StatusCode::CREATED, headers, Json(made)).into_response())
}

async fn revoke(context: &Context, people: &People, person: PersonId, token: &str) -> Result<StatusCode, Problem> {
    let token = parse_id(token)?.0;
    let now = context.clock.now();
    let mut transaction = context.database.begin().await?;
    let name = sqlx::query_scalar!(
        "update person_token set revoked_at = $3, revoked_by = $4
          where id = $1 and person_id = $2 and revoked_at is null
         returning name",
        token,
        person.0,
        now,
        context.actor.0,
    )
    .fetch_optional(&mut *transaction)
    .await?
    .ok_or_else(|| Problem::not_found("this token"))?;
    let before = serde_json::json!({"token": token, "name": name});
    note(
        &mut transaction,
        &context.actor,
        Action::Change,
        person,
        now,
        Some(&before),
        None,
        None,
    )
    .await?;
    transaction.commit().await?;
    people.forget();
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes one of one's own tokens.
#[utoipa::path(delete, path = "/api/v1/session/tokens/{id}", operation_id = "revoke_own_token", tag = "session",
    params(("id" = Uuid, Path)), responses((status = 204), (status = 404, body = Problem)))]
pub(super) async fn revoke_own_token(
    context: Context,
    State(people): State<People>,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    revoke(&context, &people, context.caller.person_id, &id).await
}

/// Revokes somebody's token.
#[utoipa::path(delete, path = "/api/v1/people/{id}/tokens/{token}", operation_id = "revoke_person_token", tag = "people",
    params(("id" = Uuid, Path), ("token" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn revoke_person_token(
    context: Context,
    State(people): State<People>,
    Path((id, token)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    revoke(&context, &people, parse_id(&id)?, &token).await
}
