//! Whether a definition lets somebody take a step. Pure: what guards ask of the world comes after it.

use std::collections::BTreeSet;

use crate::definition::{Definition, Transition, Word};

/// Where a case stands.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// Its state.
    pub state: &'a str,
    /// Its route, once it is chosen.
    pub route: Option<&'a str>,
    /// The kinds of document that are there.
    pub documents: &'a BTreeSet<String>,
    /// Who put it forward.
    pub put_forward_by: Option<&'a str>,
}

/// A step that is asked for.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// The transition.
    pub transition: &'a str,
    /// The route, where it chooses one.
    pub route: Option<&'a str>,
    /// Who asks.
    pub actor: &'a str,
    /// Do they have that role?
    pub has_role: &'a dyn Fn(&str) -> bool,
    /// Is the number of a decision given?
    pub decision: bool,
}

/// Why a definition doesn't let a step be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StepRefused {
    /// There is no such transition.
    #[error("{transition:?} is no transition")]
    Unknown {
        /// What was asked for.
        transition: String,
    },
    /// It leaves other states.
    #[error("{transition} leaves {}, and the case is in the state {state}", from.join(", "))]
    NotFromHere {
        /// What was asked for.
        transition: String,
        /// What it leaves.
        from: Vec<String>,
        /// Where the case stands.
        state: String,
    },
    /// It is one of other routes.
    #[error("{transition} is for {}", routes.join(", "))]
    NotOnThisRoute {
        /// What was asked for.
        transition: String,
        /// The routes it is for.
        routes: Vec<String>,
    },
    /// It is somebody else's.
    #[error("{transition} is a step of {}", roles.join(" or "))]
    NotTheirs {
        /// What was asked for.
        transition: String,
        /// Whose it is.
        roles: Vec<String>,
    },
    /// Whoever put it forward doesn't judge it.
    #[error("{put_forward_by} put it forward and can't judge it too")]
    FourEyes {
        /// Who put it forward.
        put_forward_by: String,
    },
    /// The route isn't one of the closed list, or not said.
    #[error("the route is none of {}", routes.join(", "))]
    RouteUnknown {
        /// The closed list.
        routes: Vec<String>,
    },
    /// Documents are missing.
    #[error("missing documents: {}", kinds.join(", "))]
    DocumentsMissing {
        /// Which.
        kinds: Vec<String>,
    },
    /// It decides, and no number is given.
    #[error("a decision carries the number of its document")]
    DecisionMissing,
}

/// The documents that a transition needs on a route.
#[must_use]
pub fn documents_for<'a, G: Word, E: Word>(
    definition: &'a Definition<G, E>,
    transition: &'a Transition<G, E>,
    route: Option<&str>,
) -> Vec<&'a str> {
    let of_route = route
        .filter(|_| transition.route_documents)
        .and_then(|route| definition.route(route))
        .map(|route| route.documents.as_slice())
        .unwrap_or_default();
    transition
        .documents
        .iter()
        .chain(of_route)
        .map(String::as_str)
        .collect()
}

/// The transition that is asked for, if the definition lets it be taken here, and the route that the case is on then.
///
/// # Errors
/// Why not; the first reason.
pub fn step<'a, G: Word, E: Word>(
    definition: &'a Definition<G, E>,
    standing: Standing<'a>,
    asked: Asked<'a>,
) -> Result<(&'a Transition<G, E>, Option<&'a str>), StepRefused> {
    let name = asked.transition.to_owned();
    let Some(transition) = definition.transition(asked.transition) else {
        return Err(StepRefused::Unknown { transition: name });
    };
    if !transition.from.iter().any(|from| from == standing.state) {
        return Err(StepRefused::NotFromHere {
            transition: name,
            from: transition.from.clone(),
            state: standing.state.to_owned(),
        });
    }
    if !transition.is_for(standing.route) {
        return Err(StepRefused::NotOnThisRoute {
            transition: name,
            routes: transition.routes.clone(),
        });
    }
    if !transition.roles.iter().any(|role| (asked.has_role)(role)) {
        return Err(StepRefused::NotTheirs {
            transition: name,
            roles: transition.roles.clone(),
        });
    }
    if let Some(put_forward_by) = standing
        .put_forward_by
        .filter(|who| transition.four_eyes && *who == asked.actor)
    {
        return Err(StepRefused::FourEyes {
            put_forward_by: put_forward_by.to_owned(),
        });
    }
    let route = match (transition.chooses_route, asked.route) {
        (false, _) => standing.route,
        (true, Some(route)) if definition.route(route).is_some() => Some(route),
        (true, _) => {
            return Err(StepRefused::RouteUnknown {
                routes: definition.routes.iter().map(|route| route.id.clone()).collect(),
            });
        }
    };
    let kinds: Vec<String> = documents_for(definition, transition, route)
        .into_iter()
        .filter(|kind| !standing.documents.contains(*kind))
        .map(ToOwned::to_owned)
        .collect();
    if !kinds.is_empty() {
        return Err(StepRefused::DocumentsMissing { kinds });
    }
    if transition.decision && !asked.decision {
        return Err(StepRefused::DecisionMissing);
    }
    Ok((transition, route))
}

/// May a document be taken out of a case again? Never one that a step rested on.
#[must_use]
pub fn may_withdraw<'a, G: Word, E: Word>(
    definition: &'a Definition<G, E>,
    taken: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
    kind: &str,
) -> bool {
    !taken.into_iter().any(|(transition, route)| {
        definition
            .transition(transition)
            .is_some_and(|transition| documents_for(definition, transition, route).contains(&kind))
    })
}

/// May another case be opened on an asset on which there are cases in these states?
#[must_use]
pub fn may_open<'a, G: Word, E: Word>(
    definition: &Definition<G, E>,
    others: impl IntoIterator<Item = &'a str>,
) -> bool {
    others.into_iter().all(|state| definition.is_end(state))
}
