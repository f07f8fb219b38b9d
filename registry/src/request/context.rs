//! Who asks, over which database, at what time.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;

use super::{Caller, Problem, ProblemKind};
use crate::clock::Clock;
use crate::database::Database;

/// Who makes a change, as the ledger names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub String);

impl Actor {
    /// Whoever works at the command line of the server's machine.
    #[must_use]
    pub fn at_command_line() -> Self {
        Self(format!(
            "cli:{}",
            std::env::var("USER").unwrap_or_else(|_| "unknown".to_owned())
        ))
    }
}

/// What a handler needs to do anything at all.
#[derive(Debug, Clone)]
pub struct Context {
    /// The database, under the application's role; its transactions carry the caller's scope.
    pub database: Database,
    /// The request's time.
    pub clock: Clock,
    /// The caller, as the ledger names them.
    pub actor: Actor,
    /// The caller.
    pub caller: Arc<Caller>,
}

impl<S> FromRequestParts<S> for Context
where
    Database: FromRef<S>,
    Clock: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        // Put there by the one place that decides who may ask; without it nothing is done.
        let caller = parts
            .extensions
            .get::<Arc<Caller>>()
            .cloned()
            .ok_or_else(|| Problem::new(ProblemKind::NotSignedIn, "nobody is signed in").remedy("sign in"))?;
        Ok(Self {
            database: Database::from_ref(state).scoped(caller.scope.setting(caller.person_id)),
            clock: Clock::from_ref(state),
            actor: caller.actor.clone(),
            caller,
        })
    }
}
