//! Who asks, over which database, at what time.

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;

use super::Problem;
use crate::clock::Clock;
use crate::database::Database;

/// Who makes a change, as the ledger names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub String);

impl Actor {
    /// Whoever sits at this machine: until sign-in exists the server answers the loopback address alone.
    #[must_use]
    pub fn on_this_machine() -> Self {
        Self("local".to_owned())
    }
}

/// What a handler needs to do anything at all.
#[derive(Debug, Clone)]
pub struct Context {
    /// The database, under the application's role.
    pub database: Database,
    /// The request's time.
    pub clock: Clock,
    /// The caller.
    pub actor: Actor,
}

impl<S> FromRequestParts<S> for Context
where
    Database: FromRef<S>,
    Clock: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(_parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self {
            database: Database::from_ref(state),
            clock: Clock::from_ref(state),
            actor: Actor::on_this_machine(),
        })
    }
}
