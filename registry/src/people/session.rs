//! Signing in and out, who is signed in, and a password of one's own.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::Json;
use axum::extract::{ConnectInfo, FromRef, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::grants::{GrantHeld, grants_of};
use super::identify::{COOKIE, session_cookie};
use super::password::{LONGEST_BYTES, check_new_password};
use super::sign_ins::{Happened, Whose, Why, count_unknown_name, note_sign_in};
use super::{People, attempts, secret};
use crate::clock::Clock;
use crate::database::Database;
use crate::ids::{PersonId, SessionId};
use crate::ledger::Action;
use crate::request::{Actor, Body, Caller, Context, Means, OpenedBy, Permission, Problem, ProblemKind};

/// Sessions that one person may have at once; the oldest make room.
const MOST_SESSIONS: i64 = 20;

/// The address that asks, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Address(Option<IpAddr>);

impl Address {
    /// Where it is known.
    pub(super) fn known(self) -> Option<IpAddr> {
        self.0
    }
}

impl<S> FromRequestParts<S> for Address
where
    People: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let peer = parts
            .extensions
            .get::<ConnectInfo<SocketAddr>>()
            .map(|ConnectInfo(address)| address.ip().to_canonical());
        let people = People::from_ref(state);
        let trusted = &people.settings().trusted_proxies;
        Ok(Self(believed(peer, &parts.headers, trusted)))
    }
}

/// The peer; behind proxies that are trusted the last address that none of them has.
fn believed(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpAddr]) -> Option<IpAddr> {
    let is_trusted = |address: &IpAddr| trusted.contains(address);
    if !peer.is_some_and(|peer| is_trusted(&peer)) {
        return peer;
    }
    headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|part| part.trim().parse::<IpAddr>().ok())
        .rfind(|address| !is_trusted(address))
        .or(peer)
}

/// Who signs in.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    username: String,
    password: String,
}

/// Who is signed in, and what they may.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Session {
    person_id: PersonId,
    username: String,
    display_name: String,
    /// Nothing else is open before the password is changed.
    must_change_password: bool,
    /// What is granted to them, today.
    grants: Vec<GrantHeld>,
    /// Everything that those grants allow, be it in a part of the registry. What counts over the whole of it alone (accounts,
    /// the directory of regions and units) is in it only where it is held there.
    permissions: Vec<Permission>,
    /// What they allow over the whole registry.
    permissions_everywhere: Vec<Permission>,
    /// How the session came to be; none for a token.
    opened_by: Option<OpenedBy>,
    /// However busy it is, the session ends here; none for a token.
    #[serde(with = "time::serde::rfc3339::option")]
    expires_at: Option<OffsetDateTime>,
    /// Unused for so long it ends before, seconds; none for a token.
    idle_s: Option<i64>,
}

async fn describe(
    connection: &mut PgConnection,
    people: &People,
    clock: &Clock,
    caller: &Caller,
) -> Result<Session, Problem> {
    let grants = grants_of(connection, &[caller.person_id.0], Some(clock.today())).await?;
    let permissions = caller.scope.permissions();
    let (expires_at, opened_by) = match caller.means {
        Means::Session {
            expires_at, opened_by, ..
        } => (Some(expires_at), Some(opened_by)),
        Means::Token { .. } => (None, None),
    };
    Ok(Session {
        person_id: caller.person_id,
        username: caller.actor.0.clone(),
        display_name: caller.display_name.clone(),
        must_change_password: caller.must_change_password,
        grants: grants.into_iter().map(|(_, grant)| grant).collect(),
        permissions_everywhere: permissions
            .iter()
            .copied()
            .filter(|permission| caller.scope.holds_everywhere(*permission))
            .collect(),
        permissions: permissions
            .into_iter()
            .filter(|permission| !permission.is_of_the_whole() || caller.scope.holds_everywhere(*permission))
            .collect(),
        opened_by,
        expires_at,
        idle_s: expires_at.map(|_| people.settings().session_idle.whole_seconds()),
    })
}

/// Who is signed in, what is granted to them, and until when the session lasts.
#[utoipa::path(get, path = "/api/v1/session", operation_id = "get_session", tag = "session",
    responses((status = 200, body = Session), (status = 401, body = Problem)))]
pub(super) async fn get_session(context: Context, State(people): State<People>) -> Result<Response, Problem> {
    let mut connection = context.database.begin_snapshot().await?;
    let session = describe(&mut connection, &people, &context.clock, &context.caller).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(session)).into_response())
}

/// The same words whoever asks and whatever is wrong: they don't tell whether there is such an account.
fn wrong_credentials() -> Problem {
    Problem::new(ProblemKind::NotSignedIn, "the name or the password is wrong")
        .code("wrong_credentials")
        .remedy("check both, and whether capitals are locked; an administrator can set a new password")
}

/// The refusal of somebody who showed who they are, and whose account is disabled.
pub(super) fn account_disabled() -> Problem {
    Problem::new(ProblemKind::Forbidden, "this account is disabled")
        .code("account_disabled")
        .remedy("ask an administrator of the registry")
}

/// Signs in: sets the session's cookie (HttpOnly), and says who is signed in.
#[utoipa::path(post, path = "/api/v1/session", operation_id = "sign_in", tag = "session", request_body = SignIn,
    responses((status = 200, body = Session), (status = 401, body = Problem), (status = 403, body = Problem),
              (status = 429, body = Problem)))]
pub(super) async fn sign_in(
    State(database): State<Database>,
    State(clock): State<Clock>,
    State(people): State<People>,
    address: Address,
    headers: HeaderMap,
    Body(asked): Body<SignIn>,
) -> Result<Response, Problem> {
    if !people.takes_passwords() {
        return Err(
            Problem::new(ProblemKind::Forbidden, "nobody signs in with a password here")
                .code("password_sign_in_off")
                .remedy("sign in through your organisation's provider; the page has a button for it"),
        );
    }
    let now = clock.now();
    let username = asked.username.trim().to_lowercase();
    if username.len() > 256 || username.contains('\0') || asked.password.len() > LONGEST_BYTES {
        return Err(wrong_credentials());
    }
    let mut transaction = database.begin().await?;
    let reserved = attempts::reserve(&mut transaction, &username, address.0, now).await?;
    transaction.commit().await?;
    reserved?;
    let person = sqlx::query!(
        "select id, password_hash, state from person where username = $1",
        username
    )
    .fetch_optional(database.pool())
    .await?;
    let (id, stored, state) = match person {
        Some(person) => (Some(person.id), person.password_hash, person.state),
        None => (None, None, String::new()),
    };
    let is_right = people.verify(&asked.password, stored.clone()).await?;
    let whose = Whose {
        person: id,
        by: Some(OpenedBy::Password),
        address: address.0,
        ..Whose::default()
    };
    let (Some(id), Some(stored), true) = (id, stored, is_right) else {
        tracing::info!(address = ?address.0, "a sign-in was refused");
        let mut transaction = database.begin().await?;
        match id {
            Some(_) => note_sign_in(&mut transaction, Happened::Refused(Why::WrongPassword), whose, now).await?,
            None => count_unknown_name(&mut transaction, address.0, now).await?,
        }
        transaction.commit().await?;
        return Err(wrong_credentials());
    };
    if state != "active" {
        let mut transaction = database.begin().await?;
        note_sign_in(&mut transaction, Happened::Refused(Why::AccountDisabled), whose, now).await?;
        transaction.commit().await?;
        return Err(account_disabled());
    }
    let mut transaction = database.begin().await?;
    attempts::forgive(&mut transaction, &username, address.0, now).await?;
    // Whatever session the browser had before, known or planted, is not gone on with.
    if let Some(before) = session_cookie(&headers) {
        end_session_of(&mut transaction, before).await?;
    }
    // The password that was checked must still be the password: it may have been changed while it was hashed.
    let signed_in = sqlx::query!(
        "update person set last_sign_in_at = $2 where id = $1 and state = 'active' and password_hash = $3",
        id,
        now,
        stored,
    )
    .execute(&mut *transaction)
    .await?;
    if signed_in.rows_affected() != 1 {
        return Err(wrong_credentials());
    }
    let cookie = open_session(&mut transaction, &people, id, OpenedBy::Password, now).await?;
    note_sign_in(&mut transaction, Happened::SignIn, whose, now).await?;
    transaction.commit().await?;
    people.forget();
    tracing::info!(person = %username, address = ?address.0, "signed in");
    answer_with(&people, &database, &clock, &cookie).await
}

/// The answer to a request that opened a session: its cookie, and who it is.
async fn answer_with(people: &People, database: &Database, clock: &Clock, secret: &str) -> Result<Response, Problem> {
    let mut headers = HeaderMap::new();
    let cookie = HeaderValue::from_str(&format!("{COOKIE}={secret}"));
    headers.extend(cookie.ok().map(|cookie| (header::COOKIE, cookie)));
    let caller: Arc<Caller> = super::identify(people, database, clock, &headers)
        .await?
        .ok_or_else(wrong_credentials)?;
    let mut connection = database.pool().acquire().await?;
    let session = describe(&mut connection, people, clock, &caller).await?;
    let mut response = ([(header::CACHE_CONTROL, "no-store")], Json(session)).into_response();
    set_cookie(
        &mut response,
        people,
        secret,
        people.settings().session_life.whole_seconds(),
    );
    Ok(response)
}

/// Ends the session of a secret, where there is one.
pub(super) async fn end_session_of(connection: &mut PgConnection, secret: &str) -> Result<(), Problem> {
    sqlx::query!(
        "delete from person_session where token_sha256 = $1",
        &secret::sha256(secret)[..]
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) fn set_cookie(response: &mut Response, people: &People, secret: &str, seconds: i64) {
    let secure = if people.settings().https { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

/// Opens a session for somebody and gives its secret; what has ended and what is too much is cleared away.
pub(super) async fn open_session(
    connection: &mut PgConnection,
    people: &People,
    person: Uuid,
    opened_by: OpenedBy,
    now: OffsetDateTime,
) -> Result<String, Problem> {
    let secret = secret::fresh()?;
    sqlx::query!(
        "insert into person_session (id, person_id, token_sha256, created_at, last_seen_at, expires_at, opened_by)
         values ($1, $2, $3, $4, $4, $5, $6)",
        SessionId::fresh().0,
        person,
        &secret::sha256(&secret)[..],
        now,
        now + people.settings().session_life,
        opened_by.as_str(),
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "delete from person_session s
          where s.ctid = any(array(
                    select ctid from person_session where expires_at <= $2 limit 1000 for update skip locked))
             or s.id = any(array(
                    select id from person_session where person_id = $1 order by created_at desc, id desc offset $3))",
        person,
        now,
        MOST_SESSIONS,
    )
    .execute(connection)
    .await?;
    Ok(secret)
}

/// Signs out: the session is over, and its cookie is taken back.
#[utoipa::path(delete, path = "/api/v1/session", operation_id = "sign_out", tag = "session",
    responses((status = 204), (status = 401, body = Problem)))]
pub(super) async fn sign_out(
    context: Context,
    State(people): State<People>,
    address: Address,
) -> Result<Response, Problem> {
    if let Means::Session { id, opened_by, .. } = context.caller.means {
        let mut transaction = context.database.begin().await?;
        let whose = Whose {
            person: Some(context.caller.person_id.0),
            by: Some(opened_by),
            address: address.0,
            ..Whose::default()
        };
        note_sign_in(&mut transaction, Happened::SignOut, whose, context.clock.now()).await?;
        sqlx::query!("delete from person_session where id = $1", id.0)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        people.forget();
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    set_cookie(&mut response, &people, "", 0);
    Ok(response)
}

/// A new password of one's own.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    current_password: String,
    /// Ten characters or more.
    new_password: String,
}

/// Changes one's own password. Every other session of the person ends, and this one goes on under a new cookie.
#[utoipa::path(put, path = "/api/v1/session/password", operation_id = "change_password", tag = "session",
    request_body = PasswordChange,
    responses((status = 200, body = Session), (status = 401, body = Problem), (status = 403, body = Problem),
              (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn change_password(
    context: Context,
    State(people): State<People>,
    address: Address,
    Body(change): Body<PasswordChange>,
) -> Result<Response, Problem> {
    require_session(&context)?;
    let now = context.clock.now();
    let person = context.caller.person_id.0;
    let username = &context.actor.0;
    check_new_password("new_password", &change.new_password, username)?;
    if change.new_password == change.current_password {
        return Err(Problem::invalid("new_password", "it is the password you have").remedy("choose another"));
    }
    let mut transaction = context.database.begin().await?;
    let reserved = attempts::reserve(&mut transaction, username, address.0, now).await?;
    transaction.commit().await?;
    reserved?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let held = sqlx::query!("select password_hash, is_demo from person where id = $1", person)
        .fetch_one(&mut *snapshot)
        .await?;
    drop(snapshot);
    if held.is_demo {
        return Err(
            Problem::new(ProblemKind::Forbidden, "an account of the demo keeps its password")
                .code("demo_account")
                .remedy("make an account of your own"),
        );
    }
    let stored = held.password_hash;
    if stored.is_none() {
        return Err(
            Problem::new(ProblemKind::Conflict, "this account has no password to change")
                .code("no_password")
                .remedy("sign in through your organisation's provider as before; an administrator can set a password"),
        );
    }
    if change.current_password.len() > LONGEST_BYTES || !people.verify(&change.current_password, stored.clone()).await?
    {
        let whose = Whose {
            person: Some(person),
            by: Some(OpenedBy::Password),
            address: address.0,
            ..Whose::default()
        };
        let mut transaction = context.database.begin().await?;
        note_sign_in(&mut transaction, Happened::Refused(Why::WrongPassword), whose, now).await?;
        transaction.commit().await?;
        return Err(Problem::invalid("current_password", "it is not your password")
            .remedy("type the password you signed in with"));
    }
    let hash = people.hash(&change.new_password).await?;
    let mut transaction = context.database.begin().await?;
    attempts::forgive(&mut transaction, username, address.0, now).await?;
    let changed = sqlx::query!(
        "update person
            set password_hash = $2, must_change_password = false, password_changed_at = $3, version_id = $4
          where id = $1 and state = 'active' and password_hash is not distinct from $5",
        person,
        hash,
        now,
        Uuid::now_v7(),
        stored,
    )
    .execute(&mut *transaction)
    .await?;
    if changed.rows_affected() != 1 {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "the password was changed at the same moment; nothing was changed now",
        )
        .remedy("sign in again"));
    }
    note_password(&mut transaction, &context.actor, PersonId(person), now, "changed").await?;
    sqlx::query!("delete from person_session where person_id = $1", person)
        .execute(&mut *transaction)
        .await?;
    let secret = open_session(&mut transaction, &people, person, OpenedBy::Password, now).await?;
    transaction.commit().await?;
    people.forget();
    answer_with(&people, context.database.system(), &context.clock, &secret).await
}

/// What only somebody at the page may do: a token that was found must not make itself at home.
pub(super) fn require_session(context: &Context) -> Result<SessionId, Problem> {
    match context.caller.means {
        Means::Session { id, .. } => Ok(id),
        Means::Token { .. } => Err(Problem::new(
            ProblemKind::Forbidden,
            "a token may not do this; it takes somebody signed in",
        )
        .code("session_required")
        .remedy("sign in with name and password")),
    }
}

/// Writes into the ledger that a password was changed; never what it was or is.
pub(super) async fn note_password(
    connection: &mut PgConnection,
    actor: &Actor,
    person: PersonId,
    now: OffsetDateTime,
    how: &str,
) -> Result<(), Problem> {
    super::accounts::note(
        connection,
        actor,
        Action::Change,
        person,
        now,
        None,
        Some(&serde_json::json!({ "password": how })),
        None,
    )
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_believed_only_where_it_is_trusted() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let mut headers = HeaderMap::new();
        headers.append("x-forwarded-for", "6.6.6.6, 203.0.113.7".parse().unwrap());
        headers.append("x-forwarded-for", "10.0.0.2".parse().unwrap());
        let peer = Some(ip("10.0.0.1"));
        assert_eq!(believed(peer, &headers, &[]), peer);
        let trusted = [ip("10.0.0.1"), ip("10.0.0.2")];
        // What the client itself wrote stands further in front and is not believed.
        assert_eq!(believed(peer, &headers, &trusted), Some(ip("203.0.113.7")));
        assert_eq!(believed(peer, &HeaderMap::new(), &trusted), peer);
        assert_eq!(
            believed(Some(ip("203.0.113.9")), &headers, &trusted),
            Some(ip("203.0.113.9"))
        );
    }
}
