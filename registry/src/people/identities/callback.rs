//! `GET /api/v1/session/oidc/callback`: somebody comes back from the provider.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::provider::{Provider, Told};
use super::{People, bind, cookie_name, lead_to, refuse, store_link};
use crate::clock::Clock;
use crate::database::Database;
use crate::ids::PersonId;
use crate::people::identify::{cookie_of, session_cookie};
use crate::people::secret;
use crate::people::session::{Address, account_disabled, end_session_of, open_session, set_cookie};
use crate::people::sign_ins::{Happened, Whose, Why, note_sign_in};
use crate::request::{Actor, OpenedBy, Problem, ProblemKind};
use crate::settings::OidcSettings;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::people) struct CallbackQuery {
    /// What the provider is asked with for who it is.
    code: Option<String>,
    /// Which sign-in it is.
    state: Option<String>,
    /// Why there is no code, by the provider.
    error: Option<String>,
    /// Who answers (RFC 9207).
    iss: Option<String>,
}

/// The sign-in that was begun, taken away: it is used once.
struct Begun {
    nonce: String,
    pkce_verifier: String,
    return_to: String,
}

/// Ends a sign-in through the organisation's provider: opens a session for the account that is linked to who came back, and
/// leads the browser to the page.
#[utoipa::path(get, path = "/api/v1/session/oidc/callback", operation_id = "end_oidc_sign_in", tag = "session",
    params(CallbackQuery),
    responses((status = 303, description = "To the page, with a session or with the reason why there is none"),
              (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem),
              (status = 404, body = Problem), (status = 503, body = Problem)))]
pub(in crate::people) async fn end_oidc_sign_in(
    State(database): State<Database>,
    State(clock): State<Clock>,
    State(people): State<People>,
    address: Address,
    headers: HeaderMap,
    query: Result<Query<CallbackQuery>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(error) => return Problem::bad("query", error.body_text()).into_response(),
    };
    let name = query.state.as_deref().map(|state| cookie_name(&secret::sha256(state)));
    let mut return_to = "/".to_owned();
    let outcome = end(&database, &clock, &people, address, &headers, query, &mut return_to).await;
    let mut response = outcome.unwrap_or_else(|problem| refuse(&headers, &return_to, problem));
    if let Some(name) = name {
        bind(&mut response, &people, &name, "", time::Duration::ZERO);
    }
    response
}

fn begin_again(words: &str) -> Problem {
    Problem::new(ProblemKind::NotSignedIn, words)
        .code("sign_in_unknown")
        .remedy("begin again on the page of this registry, in the same browser")
}

async fn end(
    database: &Database,
    clock: &Clock,
    people: &People,
    address: Address,
    headers: &HeaderMap,
    query: CallbackQuery,
    return_to: &mut String,
) -> Result<Response, Problem> {
    let provider = people.provider()?;
    let now = clock.now();
    let state = query
        .state
        .ok_or_else(|| begin_again("the answer says not to which sign-in it belongs"))?;
    let begun = take_begun(database, headers, &state, now).await?;
    return_to.clone_from(&begun.return_to);
    if query.iss.is_some_and(|iss| iss != provider.settings().issuer) {
        return Err(begin_again("the answer is another provider's"));
    }
    let Some(code) = query.code else {
        // The provider's word is written by whoever made the address; it is kept to what a word is.
        let why: String = query
            .error
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_graphic)
            .take(60)
            .collect();
        tracing::info!(%why, "the provider let nobody in");
        return Err(
            Problem::new(ProblemKind::NotSignedIn, "the provider did not confirm who you are")
                .code("provider_refused")
                .remedy("begin again; if it lasts, ask whoever keeps the provider"),
        );
    };
    let told = provider.told(code, &begun.nonce, begun.pkce_verifier).await?;
    let mut transaction = database.begin().await?;
    let found = account_of(&mut transaction, provider, &told, now).await?;
    let whose = Whose {
        by: Some(OpenedBy::Identity),
        address: address.known(),
        ..Whose::default()
    };
    let person = match found {
        Found::Account(person) => person,
        Found::Disabled(person) => {
            let whose = Whose {
                person: Some(person),
                ..whose
            };
            note_sign_in(&mut transaction, Happened::Refused(Why::AccountDisabled), whose, now).await?;
            transaction.commit().await?;
            return Err(account_disabled());
        }
        Found::Nobody => {
            // The subject is what an administrator links, if they are asked to.
            let whose = Whose {
                stranger: Some((&provider.settings().issuer, &told.subject)),
                ..whose
            };
            note_sign_in(&mut transaction, Happened::Refused(Why::AccountUnknown), whose, now).await?;
            transaction.commit().await?;
            return Err(account_unknown());
        }
    };
    // Whatever session the browser had before, known or planted, is not gone on with.
    if let Some(before) = session_cookie(headers) {
        end_session_of(&mut transaction, before).await?;
    }
    sqlx::query!("update person set last_sign_in_at = $2 where id = $1", person, now)
        .execute(&mut *transaction)
        .await?;
    let secret = open_session(&mut transaction, people, person, OpenedBy::Identity, now).await?;
    let whose = Whose {
        person: Some(person),
        ..whose
    };
    note_sign_in(&mut transaction, Happened::SignIn, whose, now).await?;
    transaction.commit().await?;
    people.forget();
    tracing::info!(%person, address = ?address.known(), "signed in through the provider");
    let mut response = lead_to(&begun.return_to)?;
    set_cookie(
        &mut response,
        people,
        &secret,
        people.settings().session_life.whole_seconds(),
    );
    Ok(response)
}

/// Takes the sign-in that this browser began. Another's, one that is over and one that was used are all the same: unknown.
async fn take_begun(
    database: &Database,
    headers: &HeaderMap,
    state: &str,
    now: OffsetDateTime,
) -> Result<Begun, Problem> {
    let state_sha256 = secret::sha256(state);
    let browser = cookie_of(headers, &cookie_name(&state_sha256)).unwrap_or_default();
    let mut transaction = database.begin().await?;
    let row = sqlx::query!(
        "delete from identity_sign_in where state_sha256 = $1 and browser_sha256 = $2
         returning nonce, pkce_verifier, return_to, expires_at",
        &state_sha256[..],
        &secret::sha256(browser)[..],
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let row = row
        .filter(|row| now < row.expires_at)
        .ok_or_else(|| begin_again("this sign-in was not begun in this browser, took too long or was used already"))?;
    Ok(Begun {
        nonce: row.nonce,
        pkce_verifier: row.pkce_verifier,
        return_to: row.return_to,
    })
}

/// Whose account is linked to who came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// This one's.
    Account(Uuid),
    /// This one's, which is disabled.
    Disabled(Uuid),
    /// Nobody's.
    Nobody,
}

fn account_unknown() -> Problem {
    Problem::new(ProblemKind::Forbidden, "no account of this registry is linked to you")
        .code("account_unknown")
        .remedy("ask an administrator of the registry for an account, and to link it")
}

/// The account that is linked to who came; locked until the transaction ends, so that nobody disables it meanwhile.
async fn account_of(
    connection: &mut PgConnection,
    provider: &Provider,
    told: &Told,
    now: OffsetDateTime,
) -> Result<Found, Problem> {
    let settings = provider.settings();
    let mut found = linked(connection, &settings.issuer, &told.subject, now).await?;
    if found == Found::Nobody && settings.link_by_name {
        found = link_by_name(connection, settings, told, now).await?;
    }
    if found != Found::Nobody {
        return Ok(found);
    }
    tracing::info!(subject = %told.subject, name = ?told.name, "nobody's account is linked to who came from the provider");
    Ok(Found::Nobody)
}

pub(super) async fn linked(
    connection: &mut PgConnection,
    issuer: &str,
    subject: &str,
    now: OffsetDateTime,
) -> Result<Found, Problem> {
    let row = sqlx::query!(
        "select i.id, p.id as person_id, p.state
           from person_identity i
           join person p on p.id = i.person_id
          where i.issuer = $1 and i.subject = $2 and i.unlinked_at is null
            for update of p",
        issuer,
        subject,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return Ok(Found::Nobody);
    };
    if row.state != "active" {
        return Ok(Found::Disabled(row.person_id));
    }
    sqlx::query!(
        "update person_identity set last_sign_in_at = $2 where id = $1",
        row.id,
        now
    )
    .execute(connection)
    .await?;
    Ok(Found::Account(row.person_id))
}

/// Links who came to the account of their name. Not an administrator's, whose name is the first that somebody would take;
/// not the demo's; and none that was ever linked at this provider: there the name has passed to another person, or an
/// administrator took the link away.
pub(super) async fn link_by_name(
    connection: &mut PgConnection,
    settings: &OidcSettings,
    told: &Told,
    now: OffsetDateTime,
) -> Result<Found, Problem> {
    let Some(name) = told.name.as_deref().map(|name| name.trim().to_lowercase()) else {
        return Ok(Found::Nobody);
    };
    let person = sqlx::query_scalar!(
        "select p.id from person p
          where p.username = $1 and p.state = 'active' and not p.is_demo
            and not exists (select from person_identity i where i.person_id = p.id and i.issuer = $2)
            and not exists (select from person_grant g
                             where g.person_id = p.id and g.role = 'administrator' and g.revoked_at is null)
            for update of p",
        name,
        settings.issuer,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(person) = person else {
        return Ok(Found::Nobody);
    };
    let actor = Actor("system:oidc".to_owned());
    store_link(
        connection,
        &actor,
        PersonId(person),
        &settings.issuer,
        &told.subject,
        now,
        Some("the account has the name that the provider told"),
    )
    .await?;
    linked(connection, &settings.issuer, &told.subject, now).await
}
