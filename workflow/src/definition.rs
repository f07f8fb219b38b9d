//! What a definition says.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A word of a closed list: a guard or an effect of one family of procedures.
pub trait Word: Copy + Ord + Debug + Serialize + DeserializeOwned {}

impl<T: Copy + Ord + Debug + Serialize + DeserializeOwned> Word for T {}

/// The word as it stands in definitions.
#[must_use]
pub fn word(of: &impl Serialize) -> String {
    serde_json::to_value(of)
        .ok()
        .and_then(|value| value.as_str().map(ToOwned::to_owned))
        .unwrap_or_default()
}

/// The words that a family of procedures knows beside its guards and effects.
#[derive(Debug, Clone, Copy)]
pub struct Vocabulary<'a> {
    /// Who may take steps.
    pub roles: &'a [&'a str],
    /// What may be recorded in a case.
    pub records: &'a [&'a str],
}

/// Words in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// How days are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Count {
    /// 工作日
    Working,
    /// 自然日
    Calendar,
}

/// To whom an overdue case goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Escalation {
    /// This role.
    pub role: String,
    /// So many days after the last day, counted as the deadline is.
    pub days: u32,
}

/// How long a case may stay in a state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// So many days.
    pub days: u32,
    /// Of this kind.
    pub count: Count,
    /// Who hears of it when it is over.
    #[serde(default)]
    pub escalate: Vec<Escalation>,
    /// Where the days are said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A state.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Its name.
    pub id: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Is it an end?
    #[serde(default)]
    pub end: bool,
    /// It lies beside the straight way, as a refusal does.
    #[serde(default)]
    pub aside: bool,
    /// Only on these routes; on all where none is named.
    #[serde(default)]
    pub routes: Vec<String>,
    /// How long a case may stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Deadline>,
    /// What may be recorded here.
    #[serde(default)]
    pub records: Vec<String>,
}

/// A route: one of the branches between which a case chooses.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Its name.
    pub id: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// The documents that whoever proposes it brings.
    #[serde(default)]
    pub documents: Vec<String>,
    /// Where the law speaks of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// A transition.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    bound(serialize = "G: Word, E: Word", deserialize = "G: Word, E: Word")
)]
pub struct Transition<G, E> {
    /// Its name.
    pub id: String,
    /// From these states.
    pub from: Vec<String>,
    /// Into this one.
    pub to: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Who may.
    pub roles: Vec<String>,
    /// Only on these routes; on all where none is named.
    #[serde(default, alias = "policy")]
    pub routes: Vec<String>,
    /// With it the case chooses its route.
    #[serde(default)]
    pub chooses_route: bool,
    /// Not by whoever put the case forward?
    #[serde(default)]
    pub four_eyes: bool,
    /// It decides, so it carries the number of a document (文号).
    #[serde(default)]
    pub decision: bool,
    /// The documents that must be there.
    #[serde(default)]
    pub documents: Vec<String>,
    /// Those of the route too.
    #[serde(default)]
    pub route_documents: bool,
    /// What must hold.
    #[serde(default = "Vec::new")]
    pub guards: Vec<G>,
    /// What it brings about.
    #[serde(default = "Vec::new")]
    pub effects: Vec<E>,
    /// The transitions that no longer count as taken once this one is.
    #[serde(default)]
    pub voids: Vec<String>,
    /// Where the law says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl<G, E> Transition<G, E> {
    /// Is it one for that route?
    #[must_use]
    pub fn is_for(&self, route: Option<&str>) -> bool {
        self.routes.is_empty() || route.is_some_and(|route| self.routes.iter().any(|only| only == route))
    }
}

/// A list of documents that a guard asks for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DocumentList {
    /// What for: a registration type's code, or `file`.
    pub registration_type: String,
    /// Always.
    pub required: Vec<String>,
    /// Where a building is registered with the land.
    #[serde(default)]
    pub with_building: Vec<String>,
    /// Where the land is allocated (划拨).
    #[serde(default)]
    pub allocated: Vec<String>,
    /// Where a parcel or building is split or merged.
    #[serde(default)]
    pub with_split: Vec<String>,
}

/// What must never be: to stand in a state without a step that leads there by law.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Forbidden {
    /// To stand here,
    pub state: String,
    /// on these routes (on any where none is named),
    #[serde(default)]
    pub routes: Vec<String>,
    /// with none of these transitions taken, or all of those taken void again.
    pub without: Vec<String>,
    /// Where the law says so.
    pub source: String,
}

/// What a case is about when it begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Something that is there.
    #[default]
    Asset,
    /// Somebody who asks for something; what they get is known later.
    Unit,
}

/// What the guide of a procedure (办事指南) says beside what its steps say: the other parts are made from them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guide {
    /// 适用范围
    pub scope: Label,
    /// 办理依据
    pub basis: Vec<Label>,
    /// 申请条件
    pub conditions: Vec<Label>,
}

/// A procedure.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    bound(serialize = "G: Word, E: Word", deserialize = "G: Word, E: Word")
)]
pub struct Definition<G, E> {
    /// Its name.
    pub id: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// What a case is about.
    #[serde(default)]
    pub subject: Subject,
    /// What applicants are told before anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guide: Option<Guide>,
    /// Where everything begins.
    pub initial: String,
    /// The states, the straight way in its order.
    pub states: Vec<State>,
    /// The closed list of routes.
    #[serde(default)]
    pub routes: Vec<Route>,
    /// The transitions.
    #[serde(default = "Vec::new")]
    pub transitions: Vec<Transition<G, E>>,
    /// The lists of documents that guards ask for.
    #[serde(default)]
    pub documents: Vec<DocumentList>,
    /// What the documents are called.
    #[serde(default)]
    pub document_kinds: BTreeMap<String, Label>,
    /// What must never be.
    #[serde(default)]
    pub forbidden: Vec<Forbidden>,
    /// The file, byte for byte.
    #[serde(skip)]
    pub(crate) text: String,
    /// SHA-256 of the file.
    #[serde(skip)]
    pub(crate) sha256: [u8; 32],
}

impl<G: Word, E: Word> Definition<G, E> {
    /// The file, byte for byte.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of the file: by this a case knows the definition it began with.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// The same in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> String {
        hex::encode(self.sha256)
    }

    /// A state by its name.
    #[must_use]
    pub fn state(&self, id: &str) -> Option<&State> {
        self.states.iter().find(|state| state.id == id)
    }

    /// A route by its name.
    #[must_use]
    pub fn route(&self, id: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.id == id)
    }

    /// A transition by its name.
    #[must_use]
    pub fn transition(&self, id: &str) -> Option<&Transition<G, E>> {
        self.transitions.iter().find(|transition| transition.id == id)
    }

    /// Has a case ended that stands there?
    #[must_use]
    pub fn is_end(&self, state: &str) -> bool {
        self.state(state).is_some_and(|state| state.end)
    }

    /// The transitions that leave a state, on a route.
    pub fn leaving<'a>(&'a self, state: &'a str, route: Option<&'a str>) -> impl Iterator<Item = &'a Transition<G, E>> {
        self.leaving_any(state)
            .filter(move |transition| transition.is_for(route))
    }

    /// The transitions that leave a state, on whatever route.
    pub fn leaving_any<'a>(&'a self, state: &'a str) -> impl Iterator<Item = &'a Transition<G, E>> {
        self.transitions
            .iter()
            .filter(move |transition| transition.from.iter().any(|from| from == state))
    }

    /// The steps for which a case waits where it stands: not those that take it back along its way, nor those that lead
    /// beside it. From beside the way they are all that don't end it there.
    pub fn onward<'a>(&'a self, state: &'a str, route: Option<&'a str>) -> impl Iterator<Item = &'a Transition<G, E>> {
        let place = move |id: &str| self.states.iter().position(|state| state.id == id);
        let is_aside = move |id: &str| self.state(id).is_some_and(|state| state.aside);
        let (here, stands_aside) = (place(state), is_aside(state));
        self.leaving(state, route).filter(move |transition| {
            if stands_aside {
                !(is_aside(&transition.to) && self.is_end(&transition.to))
            } else {
                !is_aside(&transition.to) && place(&transition.to) >= here
            }
        })
    }

    /// The straight way on a route, for a stepper: what lies aside is left out.
    pub fn track<'a>(&'a self, route: Option<&'a str>) -> impl Iterator<Item = &'a State> {
        self.states.iter().filter(move |state| {
            let is_on_it =
                state.routes.is_empty() || route.is_some_and(|route| state.routes.iter().any(|on| on == route));
            is_on_it && !state.aside
        })
    }
}

/// Why a definition can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the workflow {workflow} is wrong: {reason}")]
pub struct DefinitionRefused {
    /// Which.
    pub workflow: String,
    /// What is wrong.
    pub reason: String,
}
