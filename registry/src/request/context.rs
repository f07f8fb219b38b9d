//! Who asks, over which database, at what time.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts, OriginalUri};
use axum::http::request::Parts;

use super::{Acting, Caller, Permission, Problem, ProblemKind};
use crate::clock::Clock;
use crate::database::{Database, ScopedDatabase};

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
    /// The database as the caller sees it; its transactions carry their scope.
    pub database: ScopedDatabase,
    /// The request's time.
    pub clock: Clock,
    /// The caller, as the ledger names them.
    pub actor: Actor,
    /// The caller.
    pub caller: Arc<Caller>,
    /// Under which permissions this request reads and writes.
    pub acting: Acting,
    /// The address that was asked: path and parameters.
    pub asked: String,
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
        let acting = parts
            .extensions
            .get::<Acting>()
            .copied()
            .unwrap_or_else(Acting::reading);
        Ok(Self {
            database: scoped(&Database::from_ref(state), &caller, acting),
            clock: Clock::from_ref(state),
            actor: caller.actor.clone(),
            caller,
            acting,
            asked: parts
                .extensions
                .get::<OriginalUri>()
                .map_or(&parts.uri, |uri| &uri.0)
                .to_string(),
        })
    }
}

/// The database as a caller sees it who does something under certain permissions.
#[must_use]
pub fn scoped(database: &Database, caller: &Caller, acting: Acting) -> ScopedDatabase {
    database.scoped(
        caller.scope.setting(caller.person_id, &caller.actor, acting),
        caller.scope.holds_everywhere(acting.reads),
    )
}

impl Context {
    /// Is nothing out of the caller's sight?
    #[must_use]
    pub fn reads_all(&self) -> bool {
        self.caller.scope.holds_everywhere(self.acting.reads)
    }

    /// The permission under which this request writes.
    #[must_use]
    pub fn writes_under(&self) -> Permission {
        self.acting.writes.unwrap_or(Permission::EditAssets)
    }
}
