//! People: accounts (账户), sessions (会话), API tokens (令牌) and grants (授权).
//!
//! What somebody shows (a cookie, a token) becomes a [`Caller`] here; which route needs which permission is decided in
//! one place above, before any handler runs.

mod accounts;
mod attempts;
mod demo;
mod first;
mod grants;
mod identify;
mod identities;
mod password;
mod permissions;
mod restricted;
mod secret;
mod session;
mod sign_ins;
#[cfg(test)]
pub(crate) mod tests;
mod tokens;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::extract::FromRef;
use moka::sync::Cache;
use tokio::sync::Semaphore;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

pub use accounts::{AccountMade, find, list_accounts, make_account, reset_password, set_state};
pub use demo::{DEMO_PASSWORD, active_demo_accounts, demo_accounts};
pub use first::first_administrator_link;
pub use grants::{GrantOrder, grant};
pub use identify::identify;
pub use identities::{Provider, link, unlink};
pub use password::check_new_password;
pub use permissions::Role;
pub use sign_ins::{SignInsVerified, keep_vouching_for_sign_ins, verify_sign_ins, vouch_for_sign_ins};
pub use tokens::make_token;

/// What signing in is set to.
#[derive(Debug, Clone)]
pub struct PeopleSettings {
    /// A session that nobody uses ends after this long.
    pub session_idle: time::Duration,
    /// However busy it is, it ends after this long.
    pub session_life: time::Duration,
    /// The page is served over https (by a proxy in front): the cookie is sent over nothing else.
    pub https: bool,
    /// Proxies whose word on who asks (`X-Forwarded-For`) is believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// The organisation's own provider, where people may sign in through one.
    pub provider: Option<Arc<Provider>>,
}

impl Default for PeopleSettings {
    fn default() -> Self {
        Self {
            session_idle: time::Duration::minutes(30),
            session_life: time::Duration::hours(12),
            https: false,
            trusted_proxies: Vec::new(),
            provider: None,
        }
    }
}

/// How long what was found out of a cookie or token is believed without asking the database again: a revocation on one
/// node reaches the others by then, its own node at once.
const BELIEVED: Duration = Duration::from_secs(1);

/// What signing in needs beside the database. Nothing in it can't be rebuilt.
#[derive(Debug, Clone, Default)]
pub struct People {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: PeopleSettings,
    identified: Cache<[u8; 32], Arc<identify::Identified>>,
    /// A password's hash takes 19 MiB and tens of milliseconds of a processor: so many at once and no more.
    hashing: Semaphore,
    /// What Argon2 was made to work so far to hold passwords against hashes: memory times passes, KiB.
    work_kib: AtomicU64,
}

impl Default for Inner {
    fn default() -> Self {
        Self::new(PeopleSettings::default())
    }
}

impl Inner {
    fn new(settings: PeopleSettings) -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            settings,
            identified: Cache::builder().max_capacity(10_000).time_to_live(BELIEVED).build(),
            hashing: Semaphore::new((processors / 2).max(1)),
            work_kib: AtomicU64::new(0),
        }
    }
}

impl People {
    /// With settings.
    #[must_use]
    pub fn new(settings: PeopleSettings) -> Self {
        Self {
            inner: Arc::new(Inner::new(settings)),
        }
    }

    fn settings(&self) -> &PeopleSettings {
        &self.inner.settings
    }

    /// Forgets what is believed of everybody: somebody's rights changed.
    fn forget(&self) {
        self.inner.identified.invalidate_all();
    }
}

/// The routes of people.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
    People: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(session::get_session, session::sign_in, session::sign_out))
        .routes(routes!(session::change_password))
        .routes(routes!(identities::ways::list_sign_in_ways))
        .routes(routes!(identities::begin::begin_oidc_sign_in))
        .routes(routes!(identities::callback::end_oidc_sign_in))
        .routes(routes!(first::create_first_administrator))
        .routes(routes!(tokens::list_own_tokens, tokens::create_own_token))
        .routes(routes!(tokens::revoke_own_token))
        .routes(routes!(permissions::list_roles))
        .routes(routes!(accounts::list_people, accounts::create_person))
        .routes(routes!(accounts::get_person, accounts::change_person))
        .routes(routes!(accounts::reset_person_password))
        .routes(routes!(tokens::list_person_tokens))
        .routes(routes!(tokens::revoke_person_token))
        .routes(routes!(grants::grant_role))
        .routes(routes!(grants::revoke_grant))
        .routes(routes!(identities::link::link_identity))
        .routes(routes!(identities::link::unlink_identity))
        .routes(routes!(restricted::list_restricted_reads))
        .routes(routes!(sign_ins::list_sign_ins))
        .routes(routes!(sign_ins::list_own_sign_ins))
}
