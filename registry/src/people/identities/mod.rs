//! Who somebody is by the organisation's own provider (OpenID Connect, 统一身份认证): `docs/adr/0020-a-second-way-in.md`.
//!
//! The provider says who comes; which account that is stands in `person_identity`, what the account may in its grants.

pub(super) mod begin;
pub(super) mod callback;
pub(super) mod link;
mod provider;
#[cfg(test)]
mod tests;
pub(super) mod ways;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

pub(super) use link::{IdentityHeld, identities_of, store_link};
pub use link::{link, unlink};
pub use provider::Provider;

use super::People;
use crate::request::{Problem, ProblemKind};

/// Where the provider's callbacks and the cookie of a sign-in under way belong.
const PATH: &str = "/api/v1/session/oidc";
/// How long somebody may take at the provider.
const LIFE: time::Duration = time::Duration::minutes(10);

impl People {
    /// The provider, where one is set.
    pub(super) fn provider(&self) -> Result<&Provider, Problem> {
        self.settings().provider.as_deref().ok_or_else(|| {
            Problem::new(ProblemKind::NotFound, "no provider is set here to sign in through")
                .code("oidc_off")
                .remedy("sign in with name and password; whoever keeps the server sets a provider in the section oidc")
        })
    }

    /// May somebody sign in with name and password?
    pub(super) fn takes_passwords(&self) -> bool {
        self.settings()
            .provider
            .as_ref()
            .is_none_or(|provider| provider.settings().password_sign_in)
    }
}

/// The page's own address that was asked for; the page itself for anything else. A path of another host
/// (`//evil.example`), of the API or with characters that browsers drop is none.
fn own_address(asked: Option<&str>) -> &str {
    let is_own = |text: &str| {
        (text == "/" || text.starts_with("/?"))
            && text.len() <= 4096
            && text
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'\\' && byte != b'#')
    };
    asked.filter(|text| is_own(text)).unwrap_or("/")
}

/// Leads a browser somewhere else.
fn lead_to(address: &str) -> Result<Response, Problem> {
    let location =
        HeaderValue::from_str(address).map_err(|_| Problem::bad("return_to", format!("{address:?} is no address")))?;
    Ok((
        StatusCode::SEE_OTHER,
        [
            (header::LOCATION, location),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ],
    )
        .into_response())
}

/// A refusal as whoever asked can read it: somebody's browser is led back to the page, which says it in words; anything
/// else gets the problem itself.
fn refuse(headers: &HeaderMap, return_to: &str, problem: Problem) -> Response {
    let is_browser = headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"));
    if !is_browser {
        return problem.into_response();
    }
    let wait = problem
        .retry_after_s
        .map(|seconds| format!("&wait={seconds}"))
        .unwrap_or_default();
    let code = problem.code.as_deref().unwrap_or("sign_in_failed");
    lead_to(&format!("{return_to}#refused={code}{wait}")).unwrap_or_else(IntoResponse::into_response)
}

/// The cookie that binds a sign-in under way to the browser that began it. Each has its own, so that two tabs don't take
/// it from each other.
fn cookie_name(state_sha256: &[u8; 32]) -> String {
    format!("yice_oidc_{}", hex::encode(&state_sha256[..4]))
}

/// Lax, not Strict: the browser comes back from the provider's site.
fn bind(response: &mut Response, people: &People, name: &str, secret: &str, life: time::Duration) {
    let secure = if people.settings().https { "; Secure" } else { "" };
    let seconds = life.whole_seconds();
    let cookie = format!("{name}={secret}; Path={PATH}; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}");
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    // The address holds a code or a state; no other page is to learn it from us.
    response.headers_mut().insert(
        HeaderName::from_static("referrer-policy"),
        HeaderValue::from_static("no-referrer"),
    );
}

#[cfg(test)]
mod address_tests {
    use super::own_address;

    #[test]
    fn only_addresses_of_the_page_are_returned_to() {
        for own in ["/", "/?lang=zh&panel=layers", "/?q=%E7%8E%8B"] {
            assert_eq!(own_address(Some(own)), own);
        }
        for foreign in [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "javascript:alert(1)",
            "/api/v1/session/oidc",
            "/?a\r\nset-cookie: x=1",
            "/?a\tb",
            "/?\\",
            "/#first=x",
            "?x",
            "/../?",
            "/?王",
        ] {
            assert_eq!(own_address(Some(foreign)), "/", "{foreign:?}");
        }
        assert_eq!(own_address(None), "/");
    }
}
