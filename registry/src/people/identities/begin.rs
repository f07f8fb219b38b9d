//! `GET /api/v1/session/oidc`: leads a browser to the provider.

use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::provider::Secrets;
use super::{LIFE, People, bind, cookie_name, lead_to, own_address, refuse};
use crate::clock::Clock;
use crate::database::Database;
use crate::people::session::Address;
use crate::people::{attempts, secret};
use crate::request::Problem;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(in crate::people) struct BeginQuery {
    /// The address of the page to come back to, `/` or `/?…`; the page itself for any other.
    return_to: Option<String>,
}

/// Begins a sign-in through the organisation's provider, and leads the browser there. What keeps it together (state, nonce,
/// the verifier of PKCE) stays here; a cookie binds it to this browser.
#[utoipa::path(get, path = "/api/v1/session/oidc", operation_id = "begin_oidc_sign_in", tag = "session", params(BeginQuery),
    responses((status = 303, description = "To the provider; a browser that is refused, back to the page"),
              (status = 400, body = Problem), (status = 404, body = Problem), (status = 429, body = Problem),
              (status = 503, body = Problem)))]
pub(in crate::people) async fn begin_oidc_sign_in(
    State(database): State<Database>,
    State(clock): State<Clock>,
    State(people): State<People>,
    address: Address,
    headers: HeaderMap,
    query: Result<Query<BeginQuery>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let query = match query {
        Ok(Query(query)) => query,
        Err(error) => return Problem::bad("query", error.body_text()).into_response(),
    };
    let return_to = own_address(query.return_to.as_deref());
    match begin(&database, &clock, &people, address, return_to).await {
        Ok(response) => response,
        Err(problem) => refuse(&headers, return_to, problem),
    }
}

async fn begin(
    database: &Database,
    clock: &Clock,
    people: &People,
    address: Address,
    return_to: &str,
) -> Result<Response, Problem> {
    let provider = people.provider()?;
    let now = clock.now();
    let mut transaction = database.begin().await?;
    let counted = attempts::count_begun(&mut transaction, address.known(), now).await?;
    transaction.commit().await?;
    counted?;
    let secrets = Secrets {
        state: secret::fresh()?,
        nonce: secret::fresh()?,
        pkce_verifier: secret::fresh()?,
    };
    // Before anything is written: where the provider is away, there is nothing to keep.
    let to = provider.address(&secrets).await?;
    let browser = secret::fresh()?;
    let state_sha256 = secret::sha256(&secrets.state);
    let mut transaction = database.begin().await?;
    sqlx::query!(
        "insert into identity_sign_in (state_sha256, browser_sha256, nonce, pkce_verifier, return_to, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        &state_sha256[..],
        &secret::sha256(&browser)[..],
        secrets.nonce,
        secrets.pkce_verifier,
        return_to,
        now + LIFE,
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "delete from identity_sign_in s
          where s.ctid = any(array(
                select ctid from identity_sign_in where expires_at <= $1 limit 1000 for update skip locked))",
        now,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    let mut response = lead_to(&to)?;
    bind(&mut response, people, &cookie_name(&state_sha256), &browser, LIFE);
    Ok(response)
}
