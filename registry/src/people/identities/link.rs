//! Linking an account to who somebody is at the provider, and taking that away: an administrator's to do.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::ids::{IdentityId, PersonId};
use crate::ledger::Action;
use crate::people::People;
use crate::people::accounts::{note, parse_id};
use crate::request::fields::optional_reason;
use crate::request::{Actor, Body, Context, Idempotency, Problem};

const WHAT: &str = "this person";

/// Who somebody is at a provider.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct IdentityHeld {
    id: IdentityId,
    /// The provider.
    pub issuer: String,
    /// Its own and lasting word for the person.
    pub subject: String,
    #[serde(with = "time::serde::rfc3339")]
    linked_at: OffsetDateTime,
    linked_by: String,
    /// When they last signed in by it.
    #[serde(with = "time::serde::rfc3339::option")]
    last_sign_in_at: Option<OffsetDateTime>,
}

/// Who these people are at providers; with each the person.
pub(in crate::people) async fn identities_of(
    connection: &mut PgConnection,
    people: &[Uuid],
) -> Result<Vec<(Uuid, IdentityHeld)>, Problem> {
    let rows = sqlx::query!(
        "select id, person_id, issuer, subject, linked_at, linked_by, last_sign_in_at
           from person_identity
          where person_id = any($1) and unlinked_at is null
          order by linked_at, id",
        people,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let held = IdentityHeld {
                id: IdentityId(row.id),
                issuer: row.issuer,
                subject: row.subject,
                linked_at: row.linked_at,
                linked_by: row.linked_by,
                last_sign_in_at: row.last_sign_in_at,
            };
            (row.person_id, held)
        })
        .collect())
}

/// A provider's word for a person: 1 to 255 characters of ASCII (OpenID Connect Core 1.0, section 2), taken as it is.
///
/// # Errors
/// A problem where it is none.
pub(in crate::people) fn require_subject(text: &str) -> Result<&str, Problem> {
    let subject = text.trim();
    let is_one = (1..=255).contains(&subject.len()) && subject.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_one {
        Ok(subject)
    } else {
        Err(Problem::invalid("subject", "it is no subject of a provider")
            .remedy("copy the person's `sub` from the provider: 1 to 255 letters, digits and signs"))
    }
}

/// Links an account, in the caller's transaction.
///
/// # Errors
/// A conflict where the account or the subject is linked already.
pub(in crate::people) async fn store_link(
    connection: &mut PgConnection,
    actor: &Actor,
    person: PersonId,
    issuer: &str,
    subject: &str,
    now: OffsetDateTime,
    reason: Option<&str>,
) -> Result<IdentityId, Problem> {
    let subject = require_subject(subject)?;
    let held = sqlx::query!("select is_demo from person where id = $1 for update", person.0)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    if held.is_demo {
        return Err(Problem::new(
            crate::request::ProblemKind::Forbidden,
            "an account of the demo is linked to nobody",
        )
        .code("demo_account")
        .remedy("make an account of your own"));
    }
    let id = IdentityId::fresh();
    sqlx::query!(
        "insert into person_identity (id, person_id, issuer, subject, linked_at, linked_by) values ($1, $2, $3, $4, $5, $6)",
        id.0,
        person.0,
        issuer,
        subject,
        now,
        actor.0,
    )
    .execute(&mut *connection)
    .await?;
    let after = serde_json::json!({"identity": {"issuer": issuer, "subject": subject}});
    let before = serde_json::json!({"identity": null});
    note(
        connection,
        actor,
        Action::Change,
        person,
        now,
        Some(&before),
        Some(&after),
        reason,
    )
    .await?;
    Ok(id)
}

/// Takes a link away in the caller's transaction; sessions that were opened by it end.
async fn store_end(
    connection: &mut PgConnection,
    actor: &Actor,
    person: PersonId,
    identity: IdentityId,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    let row = sqlx::query!(
        "update person_identity set unlinked_at = $3, unlinked_by = $4
          where id = $1 and person_id = $2 and unlinked_at is null
         returning issuer, subject",
        identity.0,
        person.0,
        now,
        actor.0,
    )
    .fetch_optional(&mut *connection)
    .await?
    .ok_or_else(|| Problem::not_found("this identity"))?;
    sqlx::query!(
        "delete from person_session where person_id = $1 and opened_by = 'identity'",
        person.0
    )
    .execute(&mut *connection)
    .await?;
    let before = serde_json::json!({"identity": {"issuer": row.issuer, "subject": row.subject}});
    let after = serde_json::json!({"identity": null});
    note(
        connection,
        actor,
        Action::Change,
        person,
        now,
        Some(&before),
        Some(&after),
        None,
    )
    .await
}

/// Links an account to a subject of a provider at the command line; what it was linked to there before is ended.
///
/// # Errors
/// A conflict where the subject is another's.
pub async fn link(
    connection: &mut PgConnection,
    actor: &Actor,
    person: PersonId,
    issuer: &str,
    subject: &str,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    unlink(connection, actor, person, issuer, now).await?;
    store_link(connection, actor, person, issuer, subject, now, None).await?;
    Ok(())
}

/// Takes away whatever links an account to a provider; says whether there was a link.
///
/// # Errors
/// The database's.
pub async fn unlink(
    connection: &mut PgConnection,
    actor: &Actor,
    person: PersonId,
    issuer: &str,
    now: OffsetDateTime,
) -> Result<bool, Problem> {
    let held = identities_of(connection, &[person.0]).await?;
    let Some((_, identity)) = held.into_iter().find(|(_, identity)| identity.issuer == issuer) else {
        return Ok(false);
    };
    store_end(connection, actor, person, identity.id, now).await?;
    Ok(true)
}

/// Who the person is at the provider that is set.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::people) struct NewIdentity {
    /// The provider's own and lasting word for the person: the claim `sub`. A name or an address is none.
    subject: String,
    /// Why.
    reason: Option<String>,
}

/// A link that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(in crate::people) struct IdentityMade {
    id: IdentityId,
}

/// Links somebody's account to who they are at the provider that is set. Whoever that is may sign in as them from now on.
#[utoipa::path(post, path = "/api/v1/people/{id}/identities", operation_id = "link_identity", tag = "people",
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header)), request_body = NewIdentity,
    responses((status = 201, body = IdentityMade), (status = 403, body = Problem), (status = 404, body = Problem),
              (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(in crate::people) async fn link_identity(
    context: Context,
    State(people): State<People>,
    Path(person): Path<String>,
    headers: HeaderMap,
    Body(asked): Body<NewIdentity>,
) -> Result<Response, Problem> {
    let person = parse_id(&person)?;
    let idempotency = Idempotency::read(&headers, &("identities", person, &asked))?;
    let issuer = &people.provider()?.settings().issuer;
    let reason = optional_reason(asked.reason.as_deref())?;
    let now = context.clock.now();
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let id = store_link(
        &mut transaction,
        &context.actor,
        person,
        issuer,
        &asked.subject,
        now,
        reason.as_deref(),
    )
    .await?;
    let location = format!("/api/v1/people/{person}/identities/{id}");
    let made = IdentityMade { id };
    idempotency
        .keep(
            &mut transaction,
            &context.actor,
            now,
            &location,
            "",
            &serde_json::json!(made),
        )
        .await?;
    transaction.commit().await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(made)).into_response())
}

/// Takes somebody's link to the provider away. Sessions that were opened by it end.
#[utoipa::path(delete, path = "/api/v1/people/{id}/identities/{identity}", operation_id = "unlink_identity", tag = "people",
    params(("id" = Uuid, Path), ("identity" = Uuid, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(in crate::people) async fn unlink_identity(
    context: Context,
    State(people): State<People>,
    Path((person, identity)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let person = parse_id(&person)?;
    let identity = IdentityId(parse_id(&identity)?.0);
    let mut transaction = context.database.begin().await?;
    store_end(&mut transaction, &context.actor, person, identity, context.clock.now()).await?;
    transaction.commit().await?;
    people.forget();
    Ok(StatusCode::NO_CONTENT)
}
