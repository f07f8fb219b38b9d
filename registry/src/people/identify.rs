//! From what a request shows to who asks and what they may.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::permissions::Role;
use super::secret::{is_session, is_token, sha256};
use super::{People, PeopleSettings};
use crate::clock::Clock;
use crate::database::Database;
use crate::ids::{PersonId, SessionId, TokenId, UnitId};
use crate::request::{Actor, Caller, Means, OpenedBy, Problem, ProblemKind, Reach, Scope};

/// The cookie's name.
pub(super) const COOKIE: &str = "yice_session";
/// That a session or token was used is written down so often and no oftener.
const NOTED_EVERY: Duration = Duration::minutes(1);

/// What is believed of a secret for a moment.
#[derive(Debug)]
pub(super) struct Identified {
    caller: Arc<Caller>,
    /// After this instant it no longer holds.
    ends_at: OffsetDateTime,
    /// When its use was last written down.
    noted_at: OffsetDateTime,
}

/// What a request shows.
#[derive(Debug, PartialEq, Eq)]
enum Shown {
    Session(String),
    Token(String),
}

/// The secret of the session's cookie, where the request has one.
pub(super) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    cookie_of(headers, COOKIE)
}

/// What a cookie holds, where the request has it.
pub(super) fn cookie_of<'a>(headers: &'a HeaderMap, cookie: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == cookie)
        .map(|(_, value)| value)
}

/// What is shown; a token that is sent on purpose goes before the cookie that a browser sends by itself.
fn shown(headers: &HeaderMap) -> Result<Option<Shown>, Problem> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return Ok(session_cookie(headers)
            .filter(|secret| is_session(secret))
            .map(|secret| Shown::Session(secret.to_owned())));
    };
    let text = authorization.to_str().unwrap_or_default();
    let (scheme, rest) = text.split_once(' ').unwrap_or((text, ""));
    let token = if scheme.eq_ignore_ascii_case("bearer") {
        Some(rest.trim().to_owned())
    } else if scheme.eq_ignore_ascii_case("basic") {
        // The name is left unlooked at: a token says itself whose it is.
        let pair = STANDARD
            .decode(rest.trim())
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok());
        pair.and_then(|pair| pair.split_once(':').map(|(_, password)| password.to_owned()))
    } else {
        None
    };
    match token.filter(|token| is_token(token)) {
        Some(token) => Ok(Some(Shown::Token(token))),
        None => Err(refused(
            "token_unknown",
            "what stands in Authorization is no token of this registry",
        )),
    }
}

fn refused(code: &str, words: &str) -> Problem {
    let remedy = match code {
        "session_ended" => "sign in again; what you looked at stays in the address",
        _ => {
            "make a token on the page (your name, tokens) or by `yice user token`, and send it as \
             `Authorization: Bearer …` or as the password of HTTP Basic"
        }
    };
    Problem::new(ProblemKind::NotSignedIn, words).code(code).remedy(remedy)
}

/// Who asks; none where nothing was shown.
///
/// # Errors
/// A problem where what was shown is forged, expired or revoked.
pub async fn identify(
    people: &People,
    database: &Database,
    clock: &Clock,
    headers: &HeaderMap,
) -> Result<Option<Arc<Caller>>, Problem> {
    let Some(shown) = shown(headers)? else {
        return match session_cookie(headers) {
            None => Ok(None),
            Some(_) => Err(refused("session_ended", "the session is not known here")),
        };
    };
    let now = clock.now();
    let hash = match &shown {
        Shown::Session(secret) | Shown::Token(secret) => sha256(secret),
    };
    if let Some(known) = people.inner.identified.get(&hash)
        && now < known.ends_at
        && now - known.noted_at < NOTED_EVERY
    {
        return Ok(Some(known.caller.clone()));
    }
    let pool = database.pool();
    let found = match shown {
        Shown::Session(_) => by_session(pool, people.settings(), &hash, clock).await?,
        Shown::Token(_) => by_token(pool, &hash, clock).await?,
    };
    let caller = found.caller.clone();
    people.inner.identified.insert(hash, Arc::new(found));
    Ok(Some(caller))
}

async fn by_session(
    pool: &PgPool,
    settings: &PeopleSettings,
    hash: &[u8],
    clock: &Clock,
) -> Result<Identified, Problem> {
    let now = clock.now();
    let row = sqlx::query!(
        "select s.id, s.last_seen_at, s.expires_at, s.opened_by, p.id as person_id, p.username, p.display_name,
                p.must_change_password
           from person_session s
           join person p on p.id = s.person_id
          where s.token_sha256 = $1 and p.state = 'active'",
        hash,
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| refused("session_ended", "the session is over"))?;
    if now >= row.expires_at || now - row.last_seen_at >= settings.session_idle {
        sqlx::query!("delete from person_session where id = $1", row.id)
            .execute(pool)
            .await?;
        return Err(refused(
            "session_ended",
            if now >= row.expires_at {
                "the session has lasted as long as one may"
            } else {
                "the session was not used for too long"
            },
        ));
    }
    let mut noted_at = row.last_seen_at;
    if now - noted_at >= NOTED_EVERY {
        sqlx::query!("update person_session set last_seen_at = $2 where id = $1", row.id, now)
            .execute(pool)
            .await?;
        noted_at = now;
    }
    let opened_by = OpenedBy::parse(&row.opened_by);
    Ok(Identified {
        caller: Arc::new(Caller {
            person_id: PersonId(row.person_id),
            actor: Actor(row.username),
            display_name: row.display_name,
            means: Means::Session {
                id: SessionId(row.id),
                expires_at: row.expires_at,
                opened_by,
            },
            // Who came through the provider showed no password, and may have none.
            must_change_password: row.must_change_password && opened_by == OpenedBy::Password,
            scope: Arc::new(scope_of(pool, row.person_id, clock).await?),
        }),
        ends_at: row.expires_at.min(noted_at + settings.session_idle),
        noted_at,
    })
}

async fn by_token(pool: &PgPool, hash: &[u8], clock: &Clock) -> Result<Identified, Problem> {
    let now = clock.now();
    let row = sqlx::query!(
        "select t.id, t.expires_at, t.last_used_at, t.revoked_at, p.id as person_id, p.username, p.display_name, p.state
           from person_token t
           join person p on p.id = t.person_id
          where t.token_sha256 = $1",
        hash,
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| refused("token_unknown", "the token is not one of this registry"))?;
    if row.revoked_at.is_some() {
        return Err(refused("token_revoked", "the token was revoked"));
    }
    if now >= row.expires_at {
        return Err(refused("token_expired", "the token has expired"));
    }
    if row.state != "active" {
        return Err(refused("account_disabled", "the account of this token is disabled"));
    }
    let noted_at = match row.last_used_at {
        Some(at) if now - at < NOTED_EVERY => at,
        _ => {
            sqlx::query!("update person_token set last_used_at = $2 where id = $1", row.id, now)
                .execute(pool)
                .await?;
            now
        }
    };
    Ok(Identified {
        caller: Arc::new(Caller {
            person_id: PersonId(row.person_id),
            actor: Actor(row.username),
            display_name: row.display_name,
            means: Means::Token { id: TokenId(row.id) },
            // A token has no password to change.
            must_change_password: false,
            scope: Arc::new(scope_of(pool, row.person_id, clock).await?),
        }),
        ends_at: row.expires_at,
        noted_at,
    })
}

/// What somebody may today.
async fn scope_of(pool: &PgPool, person: Uuid, clock: &Clock) -> Result<Scope, Problem> {
    let rows = sqlx::query!(
        "select role, region_code, level, unit_id
           from person_grant
          where person_id = $1 and revoked_at is null and since <= $2 and (until is null or $2 < until)",
        person,
        clock.today(),
    )
    .fetch_all(pool)
    .await?;
    let held = rows.into_iter().flat_map(|row| {
        let reach = Reach {
            region: (row.region_code != super::grants::WHOLE)
                .then(|| crate::regions::subtree(&row.region_code).to_owned()),
            level: row.level,
            unit: row.unit_id.map(UnitId),
        };
        // A word that this version of the program doesn't know allows nothing.
        let permissions = Role::parse(&row.role).map_or(&[][..], Role::permissions);
        permissions.iter().map(move |permission| (*permission, reach.clone()))
    });
    Ok(Scope::new(held.collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(of: &[(&str, &str)]) -> HeaderMap {
        of.iter()
            .map(|(name, value)| (name.parse::<header::HeaderName>().unwrap(), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn a_token_is_taken_as_bearer_and_as_the_password_of_basic() {
        let token = format!("yice_{}", "a".repeat(43));
        let basic = |pair: String| format!("Basic {}", STANDARD.encode(pair));
        for value in [
            format!("Bearer {token}"),
            format!("bearer  {token}"),
            basic(format!("anybody:{token}")),
            basic(format!(":{token}")),
        ] {
            let shown = shown(&headers(&[("authorization", &value)])).unwrap();
            assert_eq!(shown, Some(Shown::Token(token.clone())), "{value}");
        }
        for value in [
            String::new(),
            "Bearer".to_owned(),
            "Bearer yice_".to_owned(),
            token.clone(),
            basic(token.clone()),
            basic("anybody:password".to_owned()),
            "Basic %%%".to_owned(),
            format!("Digest {token}"),
            "Bearer ' or 1=1 --".to_owned(),
        ] {
            let cookie = format!("{COOKIE}={}", "b".repeat(43));
            // Nor is the cookie taken in its place.
            let problem = shown(&headers(&[("authorization", &value), ("cookie", &cookie)])).unwrap_err();
            assert_eq!(problem.status, 401, "{value}");
        }
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let secret = "c".repeat(43);
        let cookie = format!("theme=dark; {COOKIE}={secret};other=1");
        assert_eq!(session_cookie(&headers(&[("cookie", &cookie)])), Some(secret.as_str()));
        assert_eq!(session_cookie(&headers(&[("cookie", "xyice_session=1")])), None);
    }
}
