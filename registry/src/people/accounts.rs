//! Accounts: who there is, made and changed by administrators.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::grants::{GrantHeld, grants_of, require_an_administrator};
use super::identities::{IdentityHeld, identities_of, store_link};
use super::{People, attempts, secret};
use crate::ids::{PersonId, VersionId};
use crate::ledger::{Action, EntryId, NewEntry, Object, ObjectKind, append};
use crate::request::fields::{optional_reason, plain_text};
use crate::request::{
    Actor, Body, Context, Cursor, Fault, Idempotency, Page, PageQuery, Problem, contains_pattern, etag, require_match,
};

const WHAT: &str = "this person";

/// Writes what was done to a person into the ledger.
#[expect(clippy::too_many_arguments, reason = "they are the entry's fields")]
pub(super) async fn note(
    connection: &mut PgConnection,
    actor: &Actor,
    action: Action,
    person: PersonId,
    now: OffsetDateTime,
    before: Option<&Value>,
    after: Option<&Value>,
    reason: Option<&str>,
) -> Result<(), Problem> {
    note_of(
        connection,
        actor,
        action,
        Object {
            kind: ObjectKind::Person,
            id: person.0,
        },
        now,
        [before, after],
        reason,
    )
    .await
}

/// Writes what was done to a person or a grant into the ledger.
pub(super) async fn note_of(
    connection: &mut PgConnection,
    actor: &Actor,
    action: Action,
    object: Object,
    now: OffsetDateTime,
    [before, after]: [Option<&Value>; 2],
    reason: Option<&str>,
) -> Result<(), Problem> {
    let raw = |value: Option<&Value>| {
        value
            .map(serde_json::value::to_raw_value)
            .transpose()
            .map_err(|error| Fault::Impossible {
                what: error.to_string(),
            })
    };
    let (before, after) = (raw(before)?, raw(after)?);
    let entry = NewEntry {
        id: EntryId::fresh(),
        recorded_at: now,
        actor: &actor.0,
        action,
        object,
        before: before.as_deref(),
        after: after.as_deref(),
        reason,
        case_id: None,
        import_id: None,
    };
    append(connection, &entry).await?;
    Ok(())
}

/// A name to sign in with: 2 to 64 Latin letters in lower case, digits, `.`, `_`, `-`, `@` and Chinese characters. Others
/// look too much like these to stand in a ledger.
fn parse_username(text: &str) -> Result<String, Problem> {
    let name = text.trim().to_lowercase();
    let is_letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ('\u{4e00}'..='\u{9fff}').contains(&c);
    let length = name.chars().count();
    if (2..=64).contains(&length)
        && name.starts_with(is_letter)
        && name.chars().all(|c| is_letter(c) || "._-@".contains(c))
    {
        Ok(name)
    } else {
        Err(
            Problem::invalid("username", format!("{text:?} is no name to sign in with"))
                .remedy("take 2 to 64 letters a to z, digits, Chinese characters and . _ - @, a letter or digit first"),
        )
    }
}

fn parse_display_name(text: &str) -> Result<String, Problem> {
    let name = plain_text("display_name", text, 100)?;
    if name.is_empty() {
        return Err(Problem::invalid("display_name", "it is missing").remedy("send the person's name"));
    }
    Ok(name)
}

/// An account that was made.
#[derive(Debug)]
pub struct AccountMade {
    /// The person.
    pub id: PersonId,
    /// The name to sign in with, as it is kept.
    pub username: String,
    version: VersionId,
}

/// Makes an account in the caller's transaction.
///
/// # Errors
/// A problem naming the field; a name that is taken is a conflict.
#[expect(clippy::too_many_arguments, reason = "they are the account's fields")]
pub(super) async fn insert_account(
    connection: &mut PgConnection,
    actor: &Actor,
    username: &str,
    display_name: &str,
    password_hash: Option<&str>,
    must_change_password: bool,
    is_demo: bool,
    now: OffsetDateTime,
) -> Result<AccountMade, Problem> {
    let username = parse_username(username)?;
    let display_name = parse_display_name(display_name)?;
    let (id, version) = (PersonId::fresh(), VersionId::fresh());
    sqlx::query!(
        "insert into person
             (id, username, display_name, password_hash, state, must_change_password, is_demo, version_id, created_at,
              password_changed_at)
         values ($1, $2, $3, $4, 'active', $5, $6, $7, $8, $8)",
        id.0,
        username,
        display_name,
        password_hash,
        must_change_password,
        is_demo,
        version.0,
        now,
    )
    .execute(&mut *connection)
    .await?;
    let after =
        serde_json::json!({"username": username, "display_name": display_name, "state": "active", "is_demo": is_demo});
    note(connection, actor, Action::Create, id, now, None, Some(&after), None).await?;
    Ok(AccountMade { id, username, version })
}

/// Makes an account at the command line, with a password that is given or a fresh one to be changed, and gives that.
///
/// # Errors
/// A problem naming the field; a name that is taken is a conflict.
pub async fn make_account(
    connection: &mut PgConnection,
    actor: &Actor,
    username: &str,
    display_name: &str,
    password: Option<&str>,
    now: OffsetDateTime,
) -> Result<(AccountMade, Option<String>), Problem> {
    let fresh = match password {
        Some(password) => {
            super::check_new_password("password", password, &parse_username(username)?)?;
            None
        }
        None => Some(secret::fresh_password()?),
    };
    let hash = super::password::hash_now(password.or(fresh.as_deref()).unwrap_or_default())?;
    let made = insert_account(
        connection,
        actor,
        username,
        display_name,
        Some(&hash),
        fresh.is_some(),
        false,
        now,
    )
    .await?;
    Ok((made, fresh))
}

/// The person of a name.
///
/// # Errors
/// A problem where nobody has it.
pub async fn find(connection: &mut PgConnection, username: &str) -> Result<PersonId, Problem> {
    let id = sqlx::query_scalar!(
        "select id from person where username = $1",
        username.trim().to_lowercase()
    )
    .fetch_optional(connection)
    .await?;
    id.map(PersonId).ok_or_else(|| {
        Problem::new(
            crate::request::ProblemKind::NotFound,
            format!("nobody here is called {username:?}"),
        )
    })
}

/// Sets a password that is given, or a fresh one to be changed at the next sign-in, and gives that. Every session of the
/// person ends, and an account that was locked is open again.
///
/// # Errors
/// A problem where the password is no good one.
pub async fn reset_password(
    connection: &mut PgConnection,
    actor: &Actor,
    person: PersonId,
    password: Option<&str>,
    now: OffsetDateTime,
) -> Result<Option<String>, Problem> {
    let username = sqlx::query_scalar!("select username from person where id = $1", person.0)
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    let fresh = match password {
        Some(password) => {
            super::check_new_password("password", password, &username)?;
            None
        }
        None => Some(secret::fresh_password()?),
    };
    let hash = super::password::hash_now(password.or(fresh.as_deref()).unwrap_or_default())?;
    store_reset(connection, actor, person, &username, &hash, fresh.is_some(), now).await?;
    Ok(fresh)
}

async fn store_reset(
    connection: &mut PgConnection,
    actor: &Actor,
    person: PersonId,
    username: &str,
    hash: &str,
    must_change: bool,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    sqlx::query!(
        "update person
            set password_hash = $2, must_change_password = $3, password_changed_at = $4, version_id = $5
          where id = $1",
        person.0,
        hash,
        must_change,
        now,
        Uuid::now_v7(),
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("delete from person_session where person_id = $1", person.0)
        .execute(&mut *connection)
        .await?;
    attempts::open(connection, username).await?;
    super::session::note_password(connection, actor, person, now, "reset").await
}

/// Enables or disables an account. Disabling ends its sessions, and its tokens are refused. The last administrator stays.
///
/// # Errors
/// A problem where it is the last administrator's.
pub async fn set_state(
    connection: &mut PgConnection,
    actor: &Actor,
    person: PersonId,
    is_active: bool,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    let held = lock_person(connection, person).await?;
    let changed = Changed {
        display_name: held.display_name.clone(),
        state: if is_active { "active" } else { "disabled" }.to_owned(),
    };
    store(connection, actor, person, &held, &changed, None, now).await?;
    Ok(())
}

struct Held {
    display_name: String,
    state: String,
    version: VersionId,
}

struct Changed {
    display_name: String,
    state: String,
}

async fn lock_person(connection: &mut PgConnection, person: PersonId) -> Result<Held, Problem> {
    let row = sqlx::query!(
        "select display_name, state, version_id from person where id = $1 for update",
        person.0
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| Problem::not_found(WHAT))?;
    Ok(Held {
        display_name: row.display_name,
        state: row.state,
        version: VersionId(row.version_id),
    })
}

async fn store(
    connection: &mut PgConnection,
    actor: &Actor,
    person: PersonId,
    held: &Held,
    changed: &Changed,
    reason: Option<&str>,
    now: OffsetDateTime,
) -> Result<VersionId, Problem> {
    if held.display_name == changed.display_name && held.state == changed.state {
        return Ok(held.version);
    }
    let version = VersionId::fresh();
    sqlx::query!(
        "update person set display_name = $2, state = $3, version_id = $4 where id = $1",
        person.0,
        changed.display_name,
        changed.state,
        version.0,
    )
    .execute(&mut *connection)
    .await?;
    if changed.state == "disabled" {
        sqlx::query!("delete from person_session where person_id = $1", person.0)
            .execute(&mut *connection)
            .await?;
        require_an_administrator(connection, now).await?;
    }
    let before = serde_json::json!({"display_name": held.display_name, "state": held.state});
    let after = serde_json::json!({"display_name": changed.display_name, "state": changed.state});
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
    Ok(version)
}

/// A person with an account.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Person {
    /// The person.
    pub id: PersonId,
    version_id: VersionId,
    /// The name to sign in with, and what the ledger calls them.
    pub username: String,
    /// The name others know them by.
    pub display_name: String,
    /// `active` or `disabled`.
    pub state: String,
    must_change_password: bool,
    /// An account of the demo, whose password everybody knows.
    is_demo: bool,
    /// They may sign in with a password, where the registry takes passwords.
    has_password: bool,
    /// Who they are at providers.
    pub identities: Vec<IdentityHeld>,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    /// When they last signed in.
    #[serde(with = "time::serde::rfc3339::option")]
    pub last_sign_in_at: Option<OffsetDateTime>,
    /// Too many wrong passwords: no sign-in until then.
    #[serde(with = "time::serde::rfc3339::option")]
    locked_until: Option<OffsetDateTime>,
    /// What is granted to them and not revoked, lapsed or to come included.
    pub grants: Vec<GrantHeld>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PeopleQuery {
    /// Part of a name.
    q: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// People by their names; with `after` those behind it.
///
/// # Errors
/// The database's.
pub async fn list_accounts(
    connection: &mut PgConnection,
    part: Option<&str>,
    after: Option<&str>,
    limit: i64,
    now: OffsetDateTime,
) -> Result<Vec<Person>, Problem> {
    load(connection, None, part, after, limit, now).await
}

async fn load(
    connection: &mut PgConnection,
    one: Option<Uuid>,
    part: Option<&str>,
    after: Option<&str>,
    limit: i64,
    now: OffsetDateTime,
) -> Result<Vec<Person>, Problem> {
    let rows = sqlx::query!(
        r#"select id, version_id, username, display_name, state, must_change_password, is_demo, created_at, last_sign_in_at,
                password_hash is not null as "has_password!"
           from person
          where ($1::uuid is null or id = $1)
            and ($2::text is null or username like $2 or display_name ilike $2)
            and ($3::text is null or username > $3)
          order by username
          limit $4"#,
        one,
        part.map(contains_pattern),
        after,
        limit,
    )
    .fetch_all(&mut *connection)
    .await?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let usernames: Vec<String> = rows.iter().map(|row| row.username.clone()).collect();
    let locked = attempts::locked_until(connection, &usernames, now).await?;
    let mut grants = grants_of(&mut *connection, &ids, None).await?;
    let mut identities = identities_of(connection, &ids).await?;
    Ok(rows
        .into_iter()
        .zip(locked)
        .map(|(row, locked_until)| Person {
            grants: grants
                .extract_if(.., |(person, _)| *person == row.id)
                .map(|(_, grant)| grant)
                .collect(),
            identities: identities
                .extract_if(.., |(person, _)| *person == row.id)
                .map(|(_, identity)| identity)
                .collect(),
            has_password: row.has_password,
            id: PersonId(row.id),
            version_id: VersionId(row.version_id),
            username: row.username,
            display_name: row.display_name,
            state: row.state,
            must_change_password: row.must_change_password,
            is_demo: row.is_demo,
            created_at: row.created_at,
            last_sign_in_at: row.last_sign_in_at,
            locked_until,
        })
        .collect())
}

/// The people with accounts, by their names.
#[utoipa::path(get, path = "/api/v1/people", operation_id = "list_people", tag = "people", params(PeopleQuery),
    responses((status = 200, body = Page<Person>), (status = 400, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list_people(
    context: Context,
    query: Result<Query<PeopleQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<Person>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let limit = PageQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    let part = query.q.as_deref().map(str::trim).filter(|part| !part.is_empty());
    let part = part.map(|part| plain_text("q", part, 100)).transpose()?;
    let asked = format!("people {part:?}");
    let after: Option<String> = query
        .cursor
        .as_deref()
        .map(|cursor| Cursor::decode(cursor, &asked))
        .transpose()?;
    let mut connection = context.database.begin_snapshot().await?;
    let more_than = i64::from(limit) + 1;
    let now = context.clock.now();
    let mut items = list_accounts(&mut connection, part.as_deref(), after.as_deref(), more_than, now).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| {
        let cursor = Cursor::new(&asked, last.username.clone()).encode();
        let mut query = form_urlencoded(&[("limit", &limit.to_string()), ("cursor", &cursor)]);
        if let Some(part) = &part {
            query = format!("{}&{query}", form_urlencoded(&[("q", part)]));
        }
        format!("/api/v1/people?{query}")
    });
    Ok(Json(Page {
        items,
        next,
        total: None,
    }))
}

pub(super) fn form_urlencoded(pairs: &[(&str, &str)]) -> String {
    let encode = |text: &str| {
        text.bytes()
            .map(|byte| match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
                other => format!("%{other:02X}"),
            })
            .collect::<String>()
    };
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", encode(value)))
        .collect();
    pairs.join("&")
}

pub(super) fn parse_id(text: &str) -> Result<PersonId, Problem> {
    text.parse::<Uuid>()
        .map(PersonId)
        .map_err(|_| Problem::bad("id", format!("{text:?} is no id")).remedy("an id is a UUID"))
}

async fn answer(context: &Context, id: PersonId, status: StatusCode) -> Result<Response, Problem> {
    let mut connection = context.database.begin_snapshot().await?;
    let person = load(&mut connection, Some(id.0), None, None, 1, context.clock.now())
        .await?
        .pop()
        .ok_or_else(|| Problem::not_found(WHAT))?;
    let tag = etag(person.version_id);
    Ok((
        status,
        [(header::ETAG, tag), (header::CACHE_CONTROL, "no-store".to_owned())],
        Json(person),
    )
        .into_response())
}

/// A person, and what is granted to them.
#[utoipa::path(get, path = "/api/v1/people/{id}", operation_id = "get_person", tag = "people", params(("id" = Uuid, Path)),
    responses((status = 200, body = Person), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn get_person(context: Context, Path(id): Path<String>) -> Result<Response, Problem> {
    answer(&context, parse_id(&id)?, StatusCode::OK).await
}

/// Who is to have an account.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPerson {
    /// What they sign in with, for good: 2 to 64 letters a to z, digits, Chinese characters and `.`, `_`, `-`, `@`.
    username: String,
    /// The name others know them by.
    display_name: String,
    /// Who they are at the provider that is set, by its claim `sub`: the account is linked and gets no password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
}

/// An account that was made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct PersonMade {
    id: PersonId,
    version_id: VersionId,
    username: String,
    /// The password for the first sign-in, at which it must be changed. It is said this once; where the same request is
    /// repeated it is left out, and a new one can be set. None for an account that was linked instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    initial_password: Option<String>,
}

/// Makes an account, with a password for the first sign-in.
#[utoipa::path(post, path = "/api/v1/people", operation_id = "create_person", tag = "people",
    params(("Idempotency-Key" = String, Header)), request_body = NewPerson,
    responses((status = 201, body = PersonMade), (status = 403, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn create_person(
    context: Context,
    State(people): State<People>,
    headers: HeaderMap,
    Body(asked): Body<NewPerson>,
) -> Result<Response, Problem> {
    let idempotency = Idempotency::read(&headers, &("people", &asked))?;
    parse_username(&asked.username)?;
    let identity = match &asked.subject {
        Some(subject) => Some((people.provider()?.settings().issuer.clone(), subject)),
        None => None,
    };
    let password = match identity {
        Some(_) => None,
        None => Some(secret::fresh_password()?),
    };
    let hash = match &password {
        Some(password) => Some(people.hash(password).await?),
        None => None,
    };
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let now = context.clock.now();
    let made = insert_account(
        &mut transaction,
        &context.actor,
        &asked.username,
        &asked.display_name,
        hash.as_deref(),
        hash.is_some(),
        false,
        now,
    )
    .await?;
    if let Some((issuer, subject)) = &identity {
        store_link(&mut transaction, &context.actor, made.id, issuer, subject, now, None).await?;
    }
    let mut answered = PersonMade {
        id: made.id,
        version_id: made.version,
        username: made.username,
        initial_password: None,
    };
    let location = format!("/api/v1/people/{}", made.id);
    let tag = etag(made.version);
    // What is kept for a repeated request says nothing secret.
    idempotency
        .keep(
            &mut transaction,
            &context.actor,
            now,
            &location,
            &tag,
            &serde_json::json!(answered),
        )
        .await?;
    transaction.commit().await?;
    answered.initial_password = password;
    Ok((
        StatusCode::CREATED,
        [
            (header::LOCATION, location),
            (header::ETAG, tag),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ],
        Json(answered),
    )
        .into_response())
}

/// What is to change of an account. A field that is absent stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PersonChange {
    display_name: Option<String>,
    /// `active` or `disabled`.
    state: Option<String>,
    /// Why.
    reason: Option<String>,
}

/// Renames, disables or enables an account. Disabling ends its sessions at once.
#[utoipa::path(patch, path = "/api/v1/people/{id}", operation_id = "change_person", tag = "people",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = PersonChange,
    responses((status = 200, body = Person), (status = 403, body = Problem), (status = 404, body = Problem),
              (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem),
              (status = 428, body = Problem)))]
pub(super) async fn change_person(
    context: Context,
    State(people): State<People>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(change): Body<PersonChange>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = optional_reason(change.reason.as_deref())?;
    let mut transaction = context.database.begin().await?;
    let held = lock_person(&mut transaction, id).await?;
    require_match(&headers, &etag(held.version))?;
    let display_name = change.display_name.as_deref().map(parse_display_name).transpose()?;
    if let Some(state) = &change.state {
        crate::request::fields::require_word("state", state, &["active", "disabled"])?;
    }
    let changed = Changed {
        display_name: display_name.unwrap_or_else(|| held.display_name.clone()),
        state: change.state.unwrap_or_else(|| held.state.clone()),
    };
    let now = context.clock.now();
    store(
        &mut transaction,
        &context.actor,
        id,
        &held,
        &changed,
        reason.as_deref(),
        now,
    )
    .await?;
    transaction.commit().await?;
    people.forget();
    answer(&context, id, StatusCode::OK).await
}

/// A password that was set for somebody.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct PasswordSet {
    /// For the next sign-in, at which it must be changed. It is said this once.
    password: String,
}

/// Sets a fresh password for somebody who can't sign in. Their sessions end; a locked account is open again.
#[utoipa::path(post, path = "/api/v1/people/{id}/password-resets", operation_id = "reset_person_password", tag = "people",
    params(("id" = Uuid, Path)),
    responses((status = 200, body = PasswordSet), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn reset_person_password(
    context: Context,
    State(people): State<People>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let password = secret::fresh_password()?;
    let hash = people.hash(&password).await?;
    let mut transaction = context.database.begin().await?;
    lock_person(&mut transaction, id).await?;
    let held = sqlx::query!("select username, is_demo from person where id = $1", id.0)
        .fetch_one(&mut *transaction)
        .await?;
    if held.is_demo {
        return Err(Problem::new(
            crate::request::ProblemKind::Forbidden,
            "an account of the demo keeps its password",
        )
        .code("demo_account")
        .remedy("make an account of your own"));
    }
    let now = context.clock.now();
    store_reset(&mut transaction, &context.actor, id, &held.username, &hash, true, now).await?;
    transaction.commit().await?;
    people.forget();
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(PasswordSet { password })).into_response())
}

#[cfg(test)]
mod tests {
    use super::parse_username;

    #[test]
    fn names_to_sign_in_with() {
        for (said, kept) in [
            ("wang.fang", "wang.fang"),
            (" Wang_Fang-2@JG ", "wang_fang-2@jg"),
            ("王芳", "王芳"),
        ] {
            assert_eq!(parse_username(said).unwrap(), kept);
        }
        let too_long = "a".repeat(65);
        for wrong in [
            "",
            "a",
            ".a",
            "a b",
            "cli:root",
            "system:x",
            "а\u{430}bc",
            "a\u{200b}b",
            "a/b",
            "<b>",
            "a';--",
            &too_long,
        ] {
            assert!(parse_username(wrong).is_err(), "{wrong}");
        }
    }
}
