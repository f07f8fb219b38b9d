//! What waits for somebody: one shape for every noun that has a next step or a last day, so that a worklist can hold them
//! all. Each noun finds its own; nothing of it is stored.

use serde::Serialize;
use time::Date;
use uuid::Uuid;
use workflow::{Clock, Definition, Due, Transition, Word};

use super::view::WorkflowLabel;
use crate::period::day;
use crate::working_days::WorkingCalendar;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident as $schema:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        #[schema(as = $schema)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// The word in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Every word.
            pub const WORDS: &'static [&'static str] = &[$($word,)+];
        }
    };
}

words! {
    /// What waits.
    WaitingKind as TaskKind {
        /// 权属登记案件
        TitleCase => "title_case",
        /// 一资一策、大中修、调剂等案件
        PolicyCase => "policy_case",
        /// 巡检考核
        Inspection => "inspection",
        /// 巡检发现的问题, counted by inspection
        InspectionFinding => "inspection_finding",
        /// 清查盘点
        Stocktaking => "stocktaking",
        /// 合规检查发现的问题, counted by rule
        Finding => "finding",
        /// 认可例外, counted by rule
        Exception => "exception",
        /// 租约到期, counted
        Lease => "lease",
        /// 欠租, counted
        Rent => "rent",
        /// 使用协议到期
        UseAgreement => "use_agreement",
        /// 周转住房租住到期
        HousingTenancy => "housing_tenancy",
        /// 年度备案、内部公示
        UseFiling => "use_filing",
        /// 下一年度的工作日历
        WorkingCalendar => "working_calendar",
    }
}

words! {
    /// What is to be done.
    Awaited as TaskAwaited {
        /// One of the steps.
        Step => "step",
        /// 督办: the step is somebody else's, its day is over, and the case has gone to the reader.
        Press => "press",
        /// 整改
        Rectify => "rectify",
        /// 复查
        Recheck => "recheck",
        /// 单位确认
        Answer => "answer",
        /// 实地核查
        Check => "check",
        /// 差异说明
        Explain => "explain",
        /// 差异审核
        Decide => "decide",
        /// 台账更正
        Settle => "settle",
        /// What a rule found is put right.
        PutRight => "put_right",
        /// An exception is looked at again before it ends.
        Review => "review",
        /// 到期的租约: taken back or renewed.
        EndOrRenew => "end_or_renew",
        /// 欠租催收
        Collect => "collect",
        /// 到期的使用协议: renewed (换证) or cancelled.
        RenewOrCancel => "renew_or_cancel",
        /// 到期的租住: the home is handed back, or another tenancy begins.
        ExitOrRenew => "exit_or_renew",
        /// 报送、公示
        File => "file",
        /// 登记放假安排
        RecordYear => "record_year",
        /// 接收方答复: a bureau to which an asset is to go accepts it or declines.
        Accept => "accept",
    }
}

/// A step that is awaited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = TaskStep)]
pub struct WaitingStep {
    /// The transition.
    pub transition: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl WaitingStep {
    /// That of a transition.
    #[must_use]
    pub fn of<G: Word, E: Word>(transition: &Transition<G, E>) -> Self {
        Self {
            transition: transition.id.clone(),
            zh: transition.zh.clone(),
            en: transition.en.clone(),
        }
    }
}

/// What something that waits is about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[schema(as = TaskObject)]
pub struct WaitingObject {
    /// `parcel`, `building`, `site`, `unit` or `region`.
    pub kind: String,
    /// Its id; none of a region.
    pub id: Option<Uuid>,
    /// Its code.
    pub code: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// The site that a parcel or building belongs to.
    pub site_name: Option<String>,
    /// 坐落, of a parcel, building or site.
    pub address: Option<String>,
}

/// Something that waits for whoever reads.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = WaitingTask)]
pub struct Waiting {
    /// What waits.
    pub kind: WaitingKind,
    /// The case, inspection, stocktaking, agreement or tenancy, or of one unit's filing the unit; null where many are counted.
    pub id: Option<Uuid>,
    /// What is to be done.
    pub awaited: Awaited,
    /// How many of them: lines, findings, leases, units that owe a filing; 1 of a case.
    pub count: i64,
    /// The procedure, or the rule; of a filing its kind, of a working calendar its year.
    pub procedure: Option<String>,
    /// What that is called; of an inspection or a stocktaking its own name, of an agreement whose it is, of a tenancy its home.
    pub about: Option<WorkflowLabel>,
    /// What the state it is in is called.
    pub state: Option<WorkflowLabel>,
    /// The steps for which it waits; of somebody else's case theirs.
    pub steps: Vec<WaitingStep>,
    /// Whose these steps are.
    pub roles: Vec<String>,
    /// What it is about.
    pub object: Option<WaitingObject>,
    /// Its last day, where it has one; of many the first.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub due_on: Option<Date>,
    /// The earliest that day can be, where a year's working days aren't published yet.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub not_before: Option<Date>,
    /// Is it over?
    pub overdue: bool,
    /// By so many days.
    pub days_over: Option<i64>,
    /// Has it gone to the reader because it is over?
    pub escalated: bool,
    /// Since when it has been waiting, where that is known.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub since: Option<Date>,
    /// The list of those that are counted.
    pub link: Option<String>,
}

impl WaitingObject {
    /// A parcel, building or site.
    #[must_use]
    pub fn of_asset(id: Uuid, kind: &str, code: Option<&str>, name: Option<&str>) -> Self {
        Self {
            kind: kind.to_owned(),
            id: Some(id),
            code: code.map(ToOwned::to_owned),
            name: name.map(ToOwned::to_owned),
            ..Self::default()
        }
    }

    /// The parcel, building or site, where it is one.
    #[must_use]
    pub fn asset_id(&self) -> Option<Uuid> {
        self.id
            .filter(|_| matches!(self.kind.as_str(), "parcel" | "building" | "site"))
    }
}

impl Waiting {
    /// One thing with nothing said of it yet.
    #[must_use]
    pub fn new(kind: WaitingKind, id: Option<Uuid>, awaited: Awaited) -> Self {
        Self {
            kind,
            id,
            awaited,
            count: 1,
            procedure: None,
            about: None,
            state: None,
            steps: Vec::new(),
            roles: Vec::new(),
            object: None,
            due_on: None,
            not_before: None,
            overdue: false,
            days_over: None,
            escalated: false,
            since: None,
            link: None,
        }
    }

    /// With its last day.
    #[must_use]
    pub fn due(self, due_on: Option<Date>, today: Date) -> Self {
        let over = due_on
            .map(|due_on| (today - due_on).whole_days())
            .filter(|days| *days > 0);
        Self {
            due_on,
            overdue: over.is_some(),
            days_over: over,
            ..self
        }
    }

    /// With the state that it is in and the procedure it follows.
    #[must_use]
    pub fn in_state<G: Word, E: Word>(self, definition: &Definition<G, E>, state: &str) -> Self {
        Self {
            procedure: Some(definition.id.clone()),
            about: Some(WorkflowLabel {
                zh: definition.zh.clone(),
                en: definition.en.clone(),
            }),
            state: definition.state(state).map(|state| WorkflowLabel {
                zh: state.zh.clone(),
                en: state.en.clone(),
            }),
            ..self
        }
    }

    /// With the time of its state.
    #[must_use]
    pub fn timed(self, term: &StateTerm, today: Date) -> Self {
        Self {
            not_before: term.not_before,
            ..self.due(term.due_on, today)
        }
    }
}

/// How long something may still stay in a state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StateTerm {
    /// The last day, where it is known.
    pub due_on: Option<Date>,
    /// The earliest it can be, where a year's working days aren't published yet.
    pub not_before: Option<Date>,
    /// The days left while it rests.
    pub left: Option<u32>,
    /// The roles to which it has gone by now.
    pub escalated_to: Vec<String>,
}

/// How long something may still stay in a state, by its clock.
#[must_use]
pub fn state_term<G: Word, E: Word>(
    definition: &Definition<G, E>,
    (state, clock): (&str, &Clock),
    calendar: &WorkingCalendar,
    today: Date,
) -> StateTerm {
    let works = |day: Date| calendar.is_working_day(day);
    let mut term = StateTerm::default();
    match clock.due(&works) {
        Due::On(day) => term.due_on = Some(day),
        Due::NotPublished { not_before, .. } => term.not_before = Some(not_before),
        Due::Resting { left } => term.left = Some(left),
    }
    let deadline = definition.state(state).and_then(|state| state.deadline.as_ref());
    if let (Some(due_on), Some(deadline)) = (term.due_on, deadline) {
        term.escalated_to = deadline
            .reached(due_on, today, &works)
            .map(|to| to.role.clone())
            .collect();
    }
    term
}

/// Of the steps for which something waits, those that are the reader's: one of its roles is theirs, and four eyes let them.
fn steps_of<'a, G: Word + 'a, E: Word + 'a>(
    awaited: &[&'a Transition<G, E>],
    (put_forward_by, actor): (Option<&str>, &str),
    has_role: &dyn Fn(&str) -> bool,
) -> Vec<&'a Transition<G, E>> {
    awaited
        .iter()
        .copied()
        .filter(|transition| {
            let is_own = transition.four_eyes && put_forward_by == Some(actor);
            !is_own && transition.roles.iter().any(|role| has_role(role))
        })
        .collect()
}

/// What waits of something with a procedure, for a reader: their own step, or the one that has gone to them because its day is
/// over. None where it is neither.
#[must_use]
pub fn waiting_of<G: Word, E: Word>(
    (kind, id): (WaitingKind, Uuid),
    awaited: &[&Transition<G, E>],
    (put_forward_by, actor): (Option<&str>, &str),
    term: &StateTerm,
    has_role: &dyn Fn(&str) -> bool,
) -> Option<Waiting> {
    let own = steps_of(awaited, (put_forward_by, actor), has_role);
    let escalated = term.escalated_to.iter().any(|role| has_role(role));
    let (what, told): (Awaited, &[&Transition<G, E>]) = match (own.is_empty(), escalated) {
        (false, _) => (Awaited::Step, own.as_slice()),
        (true, true) => (Awaited::Press, awaited),
        (true, false) => return None,
    };
    let mut roles: Vec<String> = told.iter().flat_map(|transition| transition.roles.clone()).collect();
    roles.sort();
    roles.dedup();
    Some(Waiting {
        escalated,
        steps: told.iter().map(|transition| WaitingStep::of(transition)).collect(),
        roles,
        ..Waiting::new(kind, Some(id), what)
    })
}
