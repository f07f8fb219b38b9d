//! A procedure as clients see it: the page draws its stepper from this, and asks with a step what its guards want.

use std::collections::BTreeMap;

use serde::Serialize;
use workflow::{Count, Definition, Label, Subject, Word, word};

/// Words in both languages.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WorkflowLabel {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// To whom an overdue case goes.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WorkflowEscalation {
    /// This role.
    pub role: String,
    /// So many days after the last day.
    pub days: u32,
}

/// How long a case may stay in a state.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WorkflowDeadline {
    /// So many days.
    pub days: u32,
    /// `working` or `calendar` days.
    pub count: String,
    /// Who hears of it when it is over.
    pub escalate: Vec<WorkflowEscalation>,
    /// Where the days are said.
    pub source: Option<String>,
}

/// A state.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WorkflowState {
    /// Its name.
    pub id: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Is it an end?
    pub end: bool,
    /// It lies beside the straight way.
    pub aside: bool,
    /// Only on these routes; on all where none is named.
    pub routes: Vec<String>,
    /// How long a case may stay.
    pub deadline: Option<WorkflowDeadline>,
    /// What may be recorded here.
    pub records: Vec<String>,
}

/// A route.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WorkflowRoute {
    /// Its name.
    pub id: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// The documents that whoever proposes it brings.
    pub documents: Vec<String>,
    /// Where the law speaks of it.
    pub source: Option<String>,
}

/// A transition.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WorkflowTransition {
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
    /// Only on these routes (of a title case: policy actions); on all where none is named.
    pub routes: Vec<String>,
    /// With it the case chooses its route.
    pub chooses_route: bool,
    /// Not by whoever put the case forward?
    pub four_eyes: bool,
    /// It carries the number of a document (文号).
    pub decision: bool,
    /// The documents that must be there.
    pub documents: Vec<String>,
    /// Those of the route too.
    pub route_documents: bool,
    /// What must hold.
    pub guards: Vec<String>,
    /// What it brings about.
    pub effects: Vec<String>,
    /// Where the law says so.
    pub source: Option<String>,
}

/// A list of documents that a guard asks for.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = DocumentList)]
pub struct WorkflowDocuments {
    /// The registration type's code, or `file`.
    pub registration_type: String,
    /// Always.
    pub required: Vec<String>,
    /// Where a building is registered with the land.
    pub with_building: Vec<String>,
    /// Where the land is allocated (划拨).
    pub allocated: Vec<String>,
    /// Where a parcel or building is split or merged.
    pub with_split: Vec<String>,
}

/// A document of the guide.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct GuideMaterial {
    /// Its kind.
    pub kind: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// 必须, else 可选.
    pub required: bool,
}

/// A step of the guide.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = GuideStep)]
pub struct GuideStepTold {
    /// The transition.
    pub id: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// Whose step it is.
    pub roles: Vec<String>,
    /// It may take so many days.
    pub days: Option<u32>,
    /// `working` or `calendar` days.
    pub count: Option<String>,
    /// Where the law says so.
    pub source: Option<String>,
}

/// What applicants are told (办事指南), in its five parts.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WorkflowGuide {
    /// 适用范围
    pub scope: WorkflowLabel,
    /// 办理依据
    pub basis: Vec<WorkflowLabel>,
    /// 申请条件
    pub conditions: Vec<WorkflowLabel>,
    /// 申请材料
    pub materials: Vec<GuideMaterial>,
    /// 审批程序
    pub steps: Vec<GuideStepTold>,
}

/// A procedure.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Workflow {
    /// Its name.
    pub id: String,
    /// SHA-256 of the definition, as cases name it.
    pub digest: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
    /// What a case begins with: `asset` or `unit`.
    pub subject: &'static str,
    /// What applicants are told; null where nobody applies.
    pub guide: Option<WorkflowGuide>,
    /// Where everything begins.
    pub initial: String,
    /// The states, the straight way in its order.
    pub states: Vec<WorkflowState>,
    /// The closed list of routes.
    pub routes: Vec<WorkflowRoute>,
    /// The transitions.
    pub transitions: Vec<WorkflowTransition>,
    /// The lists of documents that guards ask for.
    pub documents: Vec<WorkflowDocuments>,
    /// What the documents are called.
    pub document_kinds: BTreeMap<String, WorkflowLabel>,
    /// Its diagram, as Mermaid's `stateDiagram-v2`.
    pub diagram: String,
}

impl Workflow {
    /// A definition, told.
    #[must_use]
    pub fn of<G: Word, E: Word>(definition: &Definition<G, E>) -> Self {
        Self {
            id: definition.id.clone(),
            digest: definition.digest(),
            zh: definition.zh.clone(),
            en: definition.en.clone(),
            subject: match definition.subject {
                Subject::Asset => "asset",
                Subject::Unit => "unit",
            },
            guide: guide(definition),
            initial: definition.initial.clone(),
            states: definition.states.iter().map(state).collect(),
            routes: definition
                .routes
                .iter()
                .map(|route| WorkflowRoute {
                    id: route.id.clone(),
                    zh: route.zh.clone(),
                    en: route.en.clone(),
                    documents: route.documents.clone(),
                    source: route.source.clone(),
                })
                .collect(),
            transitions: definition.transitions.iter().map(transition).collect(),
            documents: definition
                .documents
                .iter()
                .map(|list| WorkflowDocuments {
                    registration_type: list.registration_type.clone(),
                    required: list.required.clone(),
                    with_building: list.with_building.clone(),
                    allocated: list.allocated.clone(),
                    with_split: list.with_split.clone(),
                })
                .collect(),
            document_kinds: definition
                .document_kinds
                .iter()
                .map(|(kind, label)| {
                    let label = WorkflowLabel {
                        zh: label.zh.clone(),
                        en: label.en.clone(),
                    };
                    (kind.clone(), label)
                })
                .collect(),
            diagram: definition.diagram(),
        }
    }
}

fn label(label: &Label) -> WorkflowLabel {
    WorkflowLabel {
        zh: label.zh.clone(),
        en: label.en.clone(),
    }
}

fn counted(count: Count) -> String {
    match count {
        Count::Working => "working".to_owned(),
        Count::Calendar => "calendar".to_owned(),
    }
}

fn guide<G: Word, E: Word>(definition: &Definition<G, E>) -> Option<WorkflowGuide> {
    let guide = definition.guide.as_ref()?;
    Some(WorkflowGuide {
        scope: label(&guide.scope),
        basis: guide.basis.iter().map(label).collect(),
        conditions: guide.conditions.iter().map(label).collect(),
        materials: definition
            .materials()
            .map(|material| GuideMaterial {
                kind: material.kind.to_owned(),
                zh: material.label.zh.clone(),
                en: material.label.en.clone(),
                required: material.required,
            })
            .collect(),
        steps: definition
            .guide_steps()
            .map(|step| GuideStepTold {
                id: step.transition.id.clone(),
                zh: step.transition.zh.clone(),
                en: step.transition.en.clone(),
                roles: step.transition.roles.clone(),
                days: step.deadline.map(|deadline| deadline.days),
                count: step.deadline.map(|deadline| counted(deadline.count)),
                source: step.transition.source.clone(),
            })
            .collect(),
    })
}

fn state(state: &workflow::State) -> WorkflowState {
    WorkflowState {
        id: state.id.clone(),
        zh: state.zh.clone(),
        en: state.en.clone(),
        end: state.end,
        aside: state.aside,
        routes: state.routes.clone(),
        deadline: state.deadline.as_ref().map(|deadline| WorkflowDeadline {
            days: deadline.days,
            count: counted(deadline.count),
            escalate: deadline
                .escalate
                .iter()
                .map(|to| WorkflowEscalation {
                    role: to.role.clone(),
                    days: to.days,
                })
                .collect(),
            source: deadline.source.clone(),
        }),
        records: state.records.clone(),
    }
}

fn transition<G: Word, E: Word>(transition: &workflow::Transition<G, E>) -> WorkflowTransition {
    WorkflowTransition {
        id: transition.id.clone(),
        from: transition.from.clone(),
        to: transition.to.clone(),
        zh: transition.zh.clone(),
        en: transition.en.clone(),
        roles: transition.roles.clone(),
        routes: transition.routes.clone(),
        chooses_route: transition.chooses_route,
        four_eyes: transition.four_eyes,
        decision: transition.decision,
        documents: transition.documents.clone(),
        route_documents: transition.route_documents,
        guards: transition.guards.iter().map(word).collect(),
        effects: transition.effects.iter().map(word).collect(),
        source: transition.source.clone(),
    }
}
