//! An exhaustive search through a definition: whatever people do, in whatever order, it never comes to what is forbidden,
//! never to two open cases on one asset, and never loses a document that a step rested on.
//!
//! Guards are abstract here: any of them may hold or not at any time, so that every step that the definition lets be taken
//! is tried. Documents don't depend on each other, so they are searched one at a time.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::definition::{Definition, Word};
use crate::step::{Asked, Standing, StepRefused, documents_for, may_open, may_withdraw, step};

/// Where a case can stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place<'a> {
    /// In this state,
    pub state: &'a str,
    /// on this route.
    pub route: Option<&'a str>,
}

/// What the search found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    /// A case comes to stand where it may not.
    #[error("{} leads to {state} without {} ({source_article})", path.join(" → "), without.join(" or "))]
    Forbidden {
        /// The steps.
        path: Vec<String>,
        /// Where it comes to stand.
        state: String,
        /// Without any of these.
        without: Vec<String>,
        /// What it is against.
        source_article: String,
    },
    /// Two cases on one asset are open at once.
    #[error("two cases on one asset are open at once: {first} and {second}")]
    TwoOpen {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
    /// A document that a step rested on is gone.
    #[error("{} loses the document {document}", path.join(" → "))]
    DocumentLost {
        /// The steps.
        path: Vec<String>,
        /// Which.
        document: String,
    },
    /// What is forbidden is more than can be searched.
    #[error("what is forbidden names {count} transitions; 60 is the most")]
    TooMuch {
        /// So many.
        count: usize,
    },
}

/// How much was searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Searched {
    /// So many situations.
    pub situations: usize,
}

fn asked<'a>(transition: &'a str, route: Option<&'a str>) -> Asked<'a> {
    Asked {
        transition,
        route,
        actor: "anybody",
        has_role: &|_| true,
        decision: true,
    }
}

/// Every step that the definition lets be taken from a place with these documents: the transition, and where it leads.
fn steps<'a, G: Word, E: Word>(
    definition: &'a Definition<G, E>,
    place: Place<'a>,
    documents: &BTreeSet<String>,
) -> Vec<(&'a str, Place<'a>)> {
    let mut found = Vec::new();
    for transition in definition.leaving_any(place.state) {
        let routes: Vec<Option<&str>> = if transition.chooses_route {
            definition.routes.iter().map(|route| Some(route.id.as_str())).collect()
        } else {
            vec![None]
        };
        for route in routes {
            let standing = Standing {
                state: place.state,
                route: place.route,
                documents,
                put_forward_by: None,
            };
            if step(definition, standing, asked(&transition.id, route)).is_ok() {
                let next = Place {
                    state: &transition.to,
                    route: if transition.chooses_route { route } else { place.route },
                };
                found.push((transition.id.as_str(), next));
            }
        }
    }
    found
}

fn all_documents<G: Word, E: Word>(definition: &Definition<G, E>) -> BTreeSet<String> {
    definition.document_kinds.keys().cloned().collect()
}

fn beginning<G: Word, E: Word>(definition: &Definition<G, E>) -> Place<'_> {
    Place {
        state: &definition.initial,
        route: None,
    }
}

/// Everywhere a case can come to stand.
#[must_use]
pub fn ways<G: Word, E: Word>(definition: &Definition<G, E>) -> BTreeSet<Place<'_>> {
    let documents = all_documents(definition);
    let mut seen = BTreeSet::from([beginning(definition)]);
    let mut open: Vec<Place<'_>> = seen.iter().copied().collect();
    while let Some(place) = open.pop() {
        for (_, next) in steps(definition, place, &documents) {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}

/// Those of the places from which an end can be reached.
#[must_use]
pub fn ending<'a, G: Word, E: Word>(
    definition: &'a Definition<G, E>,
    ways: &BTreeSet<Place<'a>>,
) -> BTreeSet<Place<'a>> {
    let documents = all_documents(definition);
    let mut ending: BTreeSet<Place<'_>> = ways
        .iter()
        .copied()
        .filter(|place| definition.is_end(place.state))
        .collect();
    loop {
        let before = ending.len();
        for place in ways {
            if steps(definition, *place, &documents)
                .iter()
                .any(|(_, next)| ending.contains(next))
            {
                ending.insert(*place);
            }
        }
        if ending.len() == before {
            return ending;
        }
    }
}

/// Searches through everything.
///
/// # Errors
/// The first fault, with the steps that lead to it.
pub fn search<G: Word, E: Word>(definition: &Definition<G, E>) -> Result<Searched, ModelFault> {
    let mut situations = search_forbidden(definition)?;
    for document in definition.document_kinds.keys() {
        situations += search_document(definition, document)?;
    }
    situations += search_asset(definition)?;
    Ok(Searched { situations })
}

/// The steps that led to a situation.
fn path_to<N: Ord + Copy>(came: &BTreeMap<N, Option<(N, String)>>, mut at: N) -> Vec<String> {
    let mut path = Vec::new();
    while let Some(Some((before, by))) = came.get(&at) {
        path.push(by.clone());
        at = *before;
    }
    path.reverse();
    path
}

fn search_forbidden<G: Word, E: Word>(definition: &Definition<G, E>) -> Result<usize, ModelFault> {
    let named: BTreeSet<&str> = definition
        .forbidden
        .iter()
        .flat_map(|forbidden| forbidden.without.iter().map(String::as_str))
        .collect();
    if named.len() > 60 {
        return Err(ModelFault::TooMuch { count: named.len() });
    }
    let bit = |transition: &str| {
        named
            .iter()
            .position(|name| *name == transition)
            .map_or(0_u64, |at| 1 << at)
    };
    let bits = |transitions: &[String]| transitions.iter().map(|name| bit(name)).fold(0, |all, one| all | one);
    let documents = all_documents(definition);
    let start = (beginning(definition), 0_u64);
    let mut came = BTreeMap::from([(start, None)]);
    let mut open = VecDeque::from([start]);
    while let Some((place, taken)) = open.pop_front() {
        for forbidden in &definition.forbidden {
            let is_here = forbidden.state == place.state
                && (forbidden.routes.is_empty()
                    || place
                        .route
                        .is_some_and(|route| forbidden.routes.iter().any(|on| on == route)));
            if is_here && taken & bits(&forbidden.without) == 0 {
                return Err(ModelFault::Forbidden {
                    path: path_to(&came, (place, taken)),
                    state: forbidden.state.clone(),
                    without: forbidden.without.clone(),
                    source_article: forbidden.source.clone(),
                });
            }
        }
        for (by, next) in steps(definition, place, &documents) {
            let voids = definition
                .transition(by)
                .map(|one| bits(&one.voids))
                .unwrap_or_default();
            let situation = (next, (taken & !voids) | bit(by));
            came.entry(situation).or_insert_with(|| {
                open.push_back(situation);
                Some(((place, taken), by.to_owned()))
            });
        }
    }
    Ok(came.len())
}

/// One document is brought and withdrawn whenever the engine lets it be; a step that rests on it is taken.
fn search_document<G: Word, E: Word>(definition: &Definition<G, E>, document: &str) -> Result<usize, ModelFault> {
    type Situation<'a> = (Place<'a>, bool, Option<(&'a str, Option<&'a str>)>);
    let all = all_documents(definition);
    let mut without = all.clone();
    without.remove(document);
    let start: Situation<'_> = (beginning(definition), false, None);
    let mut came = BTreeMap::from([(start, None)]);
    let mut open = VecDeque::from([start]);
    while let Some((place, is_there, rested)) = open.pop_front() {
        let here = (place, is_there, rested);
        if rested.is_some() && !is_there {
            return Err(ModelFault::DocumentLost {
                path: path_to(&came, here),
                document: document.to_owned(),
            });
        }
        let mut next: Vec<(String, Situation<'_>)> = Vec::new();
        if !is_there {
            next.push(("bring".to_owned(), (place, true, rested)));
        } else if may_withdraw(definition, rested, document) {
            next.push(("withdraw".to_owned(), (place, false, rested)));
        }
        for (by, to) in steps(definition, place, if is_there { &all } else { &without }) {
            let rests = definition
                .transition(by)
                .is_some_and(|transition| documents_for(definition, transition, to.route).contains(&document));
            next.push((
                by.to_owned(),
                (to, is_there, if rests { Some((by, to.route)) } else { rested }),
            ));
        }
        for (by, situation) in next {
            came.entry(situation).or_insert_with(|| {
                open.push_back(situation);
                Some((here, by))
            });
        }
    }
    Ok(came.len())
}

/// Two people open cases on one asset whenever they may.
fn search_asset<G: Word, E: Word>(definition: &Definition<G, E>) -> Result<usize, ModelFault> {
    type Pair<'a> = (Option<Place<'a>>, Option<Place<'a>>);
    let documents = all_documents(definition);
    let start: Pair<'_> = (None, None);
    let mut seen = BTreeSet::from([start]);
    let mut open = vec![start];
    while let Some((first, second)) = open.pop() {
        let is_open = |place: Option<Place<'_>>| place.is_some_and(|place| !definition.is_end(place.state));
        if let (Some(one), Some(other)) = (first, second)
            && is_open(first)
            && is_open(second)
        {
            return Err(ModelFault::TwoOpen {
                first: one.state.to_owned(),
                second: other.state.to_owned(),
            });
        }
        let mut next: Vec<Pair<'_>> = Vec::new();
        let may =
            |others: [Option<Place<'_>>; 2]| may_open(definition, others.into_iter().flatten().map(|one| one.state));
        if !is_open(first) && may([first, second]) {
            next.push((Some(beginning(definition)), second));
        }
        if !is_open(second) && may([first, second]) {
            next.push((first, Some(beginning(definition))));
        }
        if let Some(place) = first {
            next.extend(
                steps(definition, place, &documents)
                    .into_iter()
                    .map(|(_, to)| (Some(to), second)),
            );
        }
        if let Some(place) = second {
            next.extend(
                steps(definition, place, &documents)
                    .into_iter()
                    .map(|(_, to)| (first, Some(to))),
            );
        }
        for pair in next {
            if seen.insert(pair) {
                open.push(pair);
            }
        }
    }
    Ok(seen.len())
}

/// Is a step refused by the definition at a place, whatever documents there are and whoever asks? For tests of a
/// definition.
///
/// # Errors
/// Why it is refused.
pub fn try_step<G: Word, E: Word>(
    definition: &Definition<G, E>,
    place: Place<'_>,
    transition: &str,
) -> Result<(), StepRefused> {
    let documents = all_documents(definition);
    let standing = Standing {
        state: place.state,
        route: place.route,
        documents: &documents,
        put_forward_by: None,
    };
    step(definition, standing, asked(transition, None)).map(|_| ())
}
