//! The definition of a workflow, read and checked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// What must hold before a transition is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The policy action is set, and the registration type where one follows.
    PolicyActionGiven,
    /// The reason is said.
    ReasonGiven,
    /// A document of approval is named.
    ApprovalGiven,
    /// The written consent or decision is named.
    ConsentGiven,
    /// All eight checks of a return are done.
    ReturnChecksDone,
    /// Nothing on the title blocks the registration, and who must be told or consent is on record.
    EncumbrancesHandled,
    /// The documents of the registration type are there.
    DocumentsComplete,
    /// The unit code is right in form and no provisional one.
    UnitCodeFirm,
    /// The parcel or building has a shape.
    ShapeKnown,
    /// Certificate and survey agree within 3 %, or somebody said why not.
    AreaChecked,
    /// No dispute is open.
    NoOpenDispute,
    /// What the title is to say is complete.
    TitleTermsGiven,
    /// The day is said.
    DateGiven,
    /// No supplement was asked for before: it is asked once.
    SupplementNotUsed,
    /// A ground of refusal of the closed list is named.
    RefusalGroundGiven,
    /// The certificate's number is known.
    CertificateGiven,
    /// A reason of the closed list and its evidence are given.
    FilingReasonGiven,
    /// The documents of a filing are there.
    FilingDocumentsComplete,
}

impl Guard {
    /// Its name in definitions.
    #[must_use]
    pub fn name(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(ToOwned::to_owned))
            .unwrap_or_default()
    }
}

/// What a transition brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Whoever makes it has put the case forward; what was reviewed before no longer counts.
    NoteSubmitter,
    /// Whoever makes it has reviewed the case.
    NoteReviewer,
    /// The 30 working days begin.
    StartClock,
    /// They are over.
    StopClock,
    /// The one supplement is used.
    NoteSupplement,
    /// The title is written.
    RecordTitle,
    /// The asset's registration status follows.
    SetTitleStatus,
    /// What comes back from a company is used as offices again.
    RestoreUse,
    /// The certificate's number and day are noted in the title.
    NoteCertificate,
    /// Nothing may be disposed of.
    FreezeDisposal,
    /// It may again, as far as this case goes.
    LiftFreeze,
    /// A filing comes back for review.
    SetReviewDate,
    /// What was put forward and reviewed before no longer counts.
    BeginAnew,
}

/// Words in both languages.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WorkflowLabel)]
#[serde(deny_unknown_fields)]
pub struct Label {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// A state.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WorkflowState)]
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
}

/// A transition.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WorkflowTransition)]
#[serde(deny_unknown_fields)]
pub struct Transition {
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
    /// Only for these policy actions; for all where none is named.
    #[serde(default)]
    pub policy: Vec<String>,
    /// Not by whoever put the case forward?
    #[serde(default)]
    pub four_eyes: bool,
    /// What must hold.
    #[serde(default)]
    pub guards: Vec<Guard>,
    /// What it brings about.
    #[serde(default)]
    pub effects: Vec<Effect>,
    /// Where the law says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// The documents of one registration type.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DocumentList {
    /// The registration type's code, or `file`.
    pub registration_type: String,
    /// Always.
    pub required: Vec<String>,
    /// Where a building is registered with the land.
    #[serde(default)]
    pub with_building: Vec<String>,
    /// Where the land is allocated (划拨).
    #[serde(default)]
    pub allocated: Vec<String>,
}

/// A workflow.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Workflow)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Its name.
    pub id: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Where everything begins.
    pub initial: String,
    /// The states.
    pub states: Vec<State>,
    /// The transitions.
    #[serde(default)]
    pub transitions: Vec<Transition>,
    /// The documents.
    #[serde(default)]
    pub documents: Vec<DocumentList>,
    /// What the documents are called.
    #[serde(default)]
    pub document_kinds: BTreeMap<String, Label>,
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

impl Definition {
    /// Reads and checks a definition.
    ///
    /// # Errors
    /// The first thing that doesn't fit together.
    pub fn read(name: &str, text: &str) -> Result<Self, DefinitionRefused> {
        let wrong = |reason: String| DefinitionRefused {
            workflow: name.to_owned(),
            reason,
        };
        let definition: Self = toml::from_str(text).map_err(|error| wrong(error.to_string()))?;
        definition.check().map_err(wrong)?;
        Ok(definition)
    }

    fn check(&self) -> Result<(), String> {
        let mut states = BTreeSet::new();
        for state in &self.states {
            if !states.insert(state.id.as_str()) {
                return Err(format!("the state {} is there twice", state.id));
            }
        }
        let known = |state: &str, whose: &str| match states.contains(state) {
            true => Ok(()),
            false => Err(format!("{whose} names the state {state}, which there is not")),
        };
        known(&self.initial, "the beginning")?;
        let mut names = BTreeSet::new();
        for transition in &self.transitions {
            if !names.insert(transition.id.as_str()) {
                return Err(format!("the transition {} is there twice", transition.id));
            }
            if transition.from.is_empty() || transition.roles.is_empty() {
                return Err(format!(
                    "the transition {} has no state it leaves, or nobody who may",
                    transition.id
                ));
            }
            known(&transition.to, &transition.id)?;
            for from in &transition.from {
                known(from, &transition.id)?;
                if self.state(from).is_some_and(|state| state.end) {
                    return Err(format!(
                        "the transition {} leaves {from}, which is an end",
                        transition.id
                    ));
                }
            }
        }
        let mut reached: BTreeSet<&str> = BTreeSet::from([self.initial.as_str()]);
        loop {
            let before = reached.len();
            for transition in &self.transitions {
                if transition.from.iter().any(|from| reached.contains(from.as_str())) {
                    reached.insert(&transition.to);
                }
            }
            if reached.len() == before {
                break;
            }
        }
        if let Some(lost) = states.iter().find(|state| !reached.contains(*state)) {
            return Err(format!("nothing leads to the state {lost}"));
        }
        let mut ending: BTreeSet<&str> = self
            .states
            .iter()
            .filter(|state| state.end)
            .map(|state| state.id.as_str())
            .collect();
        loop {
            let before = ending.len();
            for transition in &self.transitions {
                if ending.contains(transition.to.as_str()) {
                    ending.extend(transition.from.iter().map(String::as_str));
                }
            }
            if ending.len() == before {
                break;
            }
        }
        if let Some(trap) = states.iter().find(|state| !ending.contains(*state)) {
            return Err(format!("no way leads from the state {trap} to an end"));
        }
        for list in &self.documents {
            let all = list.required.iter().chain(&list.with_building).chain(&list.allocated);
            if let Some(document) = all
                .into_iter()
                .find(|document| !self.document_kinds.contains_key(*document))
            {
                return Err(format!("the document {document} has no name"));
            }
        }
        Ok(())
    }

    /// A state by its name.
    #[must_use]
    pub fn state(&self, id: &str) -> Option<&State> {
        self.states.iter().find(|state| state.id == id)
    }

    /// A transition by its name.
    #[must_use]
    pub fn transition(&self, id: &str) -> Option<&Transition> {
        self.transitions.iter().find(|transition| transition.id == id)
    }

    /// The transitions that leave a state, for a policy action.
    pub fn leaving<'a>(&'a self, state: &'a str, policy: Option<&'a str>) -> impl Iterator<Item = &'a Transition> {
        self.transitions
            .iter()
            .filter(move |transition| transition.from.iter().any(|from| from == state) && transition.is_for(policy))
    }
}

impl Transition {
    /// Is it one for that policy action?
    #[must_use]
    pub fn is_for(&self, policy: Option<&str>) -> bool {
        self.policy.is_empty() || policy.is_some_and(|policy| self.policy.iter().any(|only| only == policy))
    }
}

/// The workflow of titles, as the program carries it.
///
/// # Errors
/// Where the file is wrong; the program then doesn't start.
pub fn title_case() -> Result<&'static Definition, &'static DefinitionRefused> {
    static TITLE_CASE: LazyLock<Result<Definition, DefinitionRefused>> =
        LazyLock::new(|| Definition::read("title_case", include_str!("../../workflows/title_case.toml")));
    TITLE_CASE.as_ref()
}

/// The definition as a page of the documentation.
#[must_use]
pub fn markdown(definition: &Definition) -> String {
    let mut page = format!(
        "# {} {}\n\nMade from `registry/workflows/{}.toml`; a test fails when the two differ.\n\n## States\n\n| state | 中文 | leaves to |\n|---|---|---|\n",
        definition.zh, definition.en, definition.id
    );
    for state in &definition.states {
        let mut to: Vec<&str> = definition
            .leaving_any(&state.id)
            .map(|transition| transition.to.as_str())
            .collect();
        to.sort_unstable();
        to.dedup();
        let to = if state.end { "(end)".to_owned() } else { to.join(" · ") };
        let _ = writeln!(page, "| `{}` | {} | {to} |", state.id, state.zh);
    }
    page.push_str("\n## Transitions\n\n| transition | 中文 | from → to | who | guards | effects | source |\n|---|---|---|---|---|---|---|\n");
    for transition in &definition.transitions {
        let name = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let guards: Vec<String> = transition.guards.iter().map(|guard| guard.name()).collect();
        let effects: Vec<String> = transition
            .effects
            .iter()
            .map(|effect| name(serde_json::to_value(effect).unwrap_or_default()))
            .collect();
        let mut who = transition.roles.join(", ");
        if transition.four_eyes {
            who.push_str(", a second person");
        }
        if !transition.policy.is_empty() {
            let _ = write!(who, "; only {}", transition.policy.join(", "));
        }
        let _ = writeln!(
            page,
            "| `{}` | {} | {} → {} | {who} | {} | {} | {} |",
            transition.id,
            transition.zh,
            transition.from.join(" · "),
            transition.to,
            guards.join(", "),
            effects.join(", "),
            transition.source.as_deref().unwrap_or_default()
        );
    }
    page.push_str(
        "\n## Documents\n\n| registration type | always | with a building | on allocated land |\n|---|---|---|---|\n",
    );
    let named = |documents: &[String]| {
        let names: Vec<&str> = documents
            .iter()
            .filter_map(|document| definition.document_kinds.get(document))
            .map(|label| label.zh.as_str())
            .collect();
        names.join(" · ")
    };
    for list in &definition.documents {
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} |",
            list.registration_type,
            named(&list.required),
            named(&list.with_building),
            named(&list.allocated)
        );
    }
    page
}

impl Definition {
    fn leaving_any<'a>(&'a self, state: &'a str) -> impl Iterator<Item = &'a Transition> {
        self.transitions
            .iter()
            .filter(move |transition| transition.from.iter().any(|from| from == state))
    }
}
