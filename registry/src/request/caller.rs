//! Who asks and what they may: found out once a request, before any handler runs.

use std::sync::Arc;

use serde::Serialize;
use time::OffsetDateTime;

use super::{Actor, DoorRule, Problem, ProblemKind};
use crate::ids::{PersonId, SessionId, TokenId, UnitId};

macro_rules! permissions {
    ($($(#[$doc:meta])* $variant:ident => $word:literal,)+) => {
        /// What a route may need. Which role holds which is a table of `people`; which route needs which, one of `http`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Permission {
            $($(#[$doc])* $variant,)+
        }

        impl Permission {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as it stands in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

permissions! {
    /// See what is registered: lists, cards, tiles, OGC, totals, search, the ledger of things.
    ReadRegistry => "read_registry",
    /// Take layers away as files.
    ExportRegistry => "export_registry",
    /// Register, change and close sites, parcels, buildings and rooms.
    EditAssets => "edit_assets",
    /// Register, change and close regions and units.
    EditDirectory => "edit_directory",
    /// Start checks, and decide who sees to a finding and what is an exception.
    DecideFindings => "decide_findings",
    /// Work on titles and their cases: open, collect, submit, record, enter what lies on a title.
    WorkOnTitles => "work_on_titles",
    /// Judge what a clerk put forward.
    ReviewTitles => "review_titles",
    /// Approve what goes beyond the register: the return of an asset, a title that stays where it is.
    ApproveTitles => "approve_titles",
    /// Take a case a step further; which steps are whose the procedure says.
    StepTitleCases => "step_title_cases",
    /// Work on policy cases: open, record, carry out what was approved.
    WorkOnCases => "work_on_cases",
    /// Compare routes and propose what becomes of an asset.
    ProposePolicies => "propose_policies",
    /// Approve what was proposed.
    ApprovePolicies => "approve_policies",
    /// Confirm that money came in and was remitted; review what works cost.
    ConfirmMoney => "confirm_money",
    /// Apply for repairs of what one uses, and for space.
    ApplyForRepairs => "apply_for_repairs",
    /// Open policy cases, record in them and take them further; which of it is whose the procedure says.
    StepPolicyCases => "step_policy_cases",
    /// Take stock: plan, answer, check, explain, decide; which of it is whose the procedure says.
    TakeStock => "take_stock",
    /// Inspect: plan, draw the sample, visit, note what is found, look at it again, score.
    Inspect => "inspect",
    /// Answer an inspection: the self-check, and what is put right.
    AnswerInspections => "answer_inspections",
    /// Take an inspection further, and do something about what it found; which of it is whose the procedure says.
    StepInspections => "step_inspections",
    /// Keep what is local: the rows that say who approves what, and the values that rules compare with.
    KeepThresholds => "keep_thresholds",
    /// Enter what units file and publish every year of their offices.
    KeepFilings => "keep_filings",
    /// Bring papers as files.
    BringDocuments => "bring_documents",
    /// See what was imported, and each row's outcome.
    ReadImports => "read_imports",
    /// Import files, and keep mappings for them.
    ImportFiles => "import_files",
    /// See accounts, grants and what was done to them.
    ReadPeople => "read_people",
    /// Make accounts, disable them, grant and revoke.
    ManagePeople => "manage_people",
    /// Read the server's counters.
    ReadMetrics => "read_metrics",
}

impl Permission {
    /// Does it change what is registered? Then the level (whose) counts as well: a bureau edits its own level and reads
    /// its subtree (主管本级、指导下级).
    #[must_use]
    pub fn is_editing(self) -> bool {
        matches!(
            self,
            Self::EditAssets
                | Self::EditDirectory
                | Self::ImportFiles
                | Self::DecideFindings
                | Self::WorkOnTitles
                | Self::ReviewTitles
                | Self::ApproveTitles
                | Self::StepTitleCases
                | Self::WorkOnCases
                | Self::ProposePolicies
                | Self::ApprovePolicies
                | Self::ConfirmMoney
                | Self::ApplyForRepairs
                | Self::StepPolicyCases
                | Self::TakeStock
                | Self::Inspect
                | Self::AnswerInspections
                | Self::StepInspections
                | Self::KeepThresholds
                | Self::KeepFilings
        )
    }

    /// Does it count only where it is granted over the whole registry? The directory of places and units, accounts and
    /// counters are nobody's part.
    #[must_use]
    pub fn is_of_the_whole(self) -> bool {
        matches!(
            self,
            Self::EditDirectory | Self::ReadPeople | Self::ManagePeople | Self::ReadMetrics
        )
    }
}

/// Under which permissions a request reads and writes: what its route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acting {
    /// Rows are read where this one reaches.
    pub reads: Permission,
    /// Rows are written where this one reaches; none for a route that writes nothing.
    pub writes: Option<Permission>,
}

impl Acting {
    /// Under one permission: whoever edits reads where they may read, and writes where they may edit.
    #[must_use]
    pub fn under(permission: Permission) -> Self {
        if permission.is_editing() {
            Self {
                reads: Permission::ReadRegistry,
                writes: Some(permission),
            }
        } else if permission.is_of_the_whole() {
            Self::reading()
        } else {
            Self {
                reads: permission,
                writes: None,
            }
        }
    }

    /// Reading what is registered.
    #[must_use]
    pub fn reading() -> Self {
        Self {
            reads: Permission::ReadRegistry,
            writes: None,
        }
    }
}

/// Whose part of the registry something is: where an asset lies, whose it is, who sits in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// 行政区划代码
    pub region_code: Option<String>,
    /// The level it belongs to (本级).
    pub admin_level: Option<String>,
    /// The unit that uses it.
    pub unit_id: Option<UnitId>,
}

/// How far a grant reaches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Reach {
    /// What the codes of its regions begin with; none is the whole registry.
    pub region: Option<String>,
    /// Whose assets may be edited; none is every level's. It does not narrow what is read.
    pub level: Option<String>,
    /// The one unit it is about; none is every unit.
    pub unit: Option<UnitId>,
}

impl Reach {
    /// Is nothing left out, for this permission?
    #[must_use]
    pub fn is_whole(&self, permission: Permission) -> bool {
        self.region.is_none() && self.unit.is_none() && (self.level.is_none() || !permission.is_editing())
    }

    /// Does it reach there, for this permission? What isn't known of a place is in nobody's part.
    #[must_use]
    pub fn covers(&self, permission: Permission, place: &Place) -> bool {
        let is_in = |limit: &Option<String>, holds: &dyn Fn(&str) -> bool| limit.as_deref().is_none_or(holds);
        is_in(&self.region, &|prefix| {
            place
                .region_code
                .as_deref()
                .is_some_and(|code| code.starts_with(prefix))
        }) && self.unit.is_none_or(|unit| place.unit_id == Some(unit))
            && (!permission.is_editing() || is_in(&self.level, &|level| place.admin_level.as_deref() == Some(level)))
    }
}

/// Everything a caller may do, and how far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    held: Vec<(Permission, Reach)>,
}

impl Scope {
    /// From what each grant allows and how far it reaches.
    #[must_use]
    pub fn new(mut held: Vec<(Permission, Reach)>) -> Self {
        held.sort();
        held.dedup();
        Self { held }
    }

    /// Is the permission held anywhere?
    #[must_use]
    pub fn holds(&self, permission: Permission) -> bool {
        self.held.iter().any(|(held, _)| *held == permission)
    }

    /// Is it held over the whole registry?
    #[must_use]
    pub fn holds_everywhere(&self, permission: Permission) -> bool {
        self.held
            .iter()
            .any(|(held, reach)| *held == permission && reach.is_whole(permission))
    }

    /// Does any grant of it reach there?
    #[must_use]
    pub fn holds_at(&self, permission: Permission, place: &Place) -> bool {
        self.reaches(permission).any(|reach| reach.covers(permission, place))
    }

    /// How far a permission reaches, grant by grant.
    pub fn reaches(&self, permission: Permission) -> impl Iterator<Item = &Reach> {
        self.held
            .iter()
            .filter(move |(held, _)| *held == permission)
            .map(|(_, reach)| reach)
    }

    /// What is held, each once.
    #[must_use]
    pub fn permissions(&self) -> Vec<Permission> {
        let mut permissions: Vec<Permission> = self.held.iter().map(|(permission, _)| *permission).collect();
        permissions.dedup();
        permissions
    }

    /// As the database takes it in the setting `yice.scope`: who acts, under which permissions, and where each reaches.
    /// What is not in it is refused there.
    #[must_use]
    pub fn setting(&self, person: PersonId, actor: &Actor, acting: Acting) -> String {
        let mut reaches = serde_json::Map::new();
        for (permission, reach) in &self.held {
            let list = reaches
                .entry(permission.as_str())
                .or_insert_with(|| serde_json::Value::Array(Vec::new()));
            if let Some(list) = list.as_array_mut() {
                list.push(serde_json::json!(reach));
            }
        }
        serde_json::json!({
            "person": person, "actor": actor.0, "reads": acting.reads, "writes": acting.writes, "reaches": reaches,
        })
        .to_string()
    }
}

/// How a session came to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OpenedBy {
    /// By name and password.
    Password,
    /// By the word of the organisation's own provider.
    Identity,
}

impl OpenedBy {
    /// The word as it stands in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Identity => "identity",
        }
    }

    /// A word that this version of the program doesn't know is taken for the stricter one.
    #[must_use]
    pub fn parse(word: &str) -> Self {
        if word == "identity" {
            Self::Identity
        } else {
            Self::Password
        }
    }
}

/// What the caller showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// The cookie of a session.
    Session {
        /// The session.
        id: SessionId,
        /// However busy it is, it ends here.
        expires_at: OffsetDateTime,
        /// How it came to be.
        opened_by: OpenedBy,
    },
    /// An API token.
    Token {
        /// The token.
        id: TokenId,
    },
}

/// Somebody signed in.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The person.
    pub person_id: PersonId,
    /// The person as the ledger names them: the username.
    pub actor: Actor,
    /// The person as others know them.
    pub display_name: String,
    /// How they showed who they are.
    pub means: Means,
    /// Nothing else is open to them before they choose a password of their own.
    pub must_change_password: bool,
    /// What they may, as of the day of the request.
    pub scope: Arc<Scope>,
}

impl Caller {
    /// May they do this to what lies there? Nothing is said of places that they may not even read: those are not found.
    ///
    /// # Errors
    /// A problem that says what is missing.
    pub fn require_at(&self, permission: Permission, place: &Place) -> Result<(), Problem> {
        if self.scope.holds_at(permission, place) {
            return Ok(());
        }
        Err(out_of_scope())
    }
}

/// The refusal of an edit outside of a grant (GOV-02), by the rule here and by the database's.
#[must_use]
pub fn out_of_scope() -> Problem {
    Problem::new(
        ProblemKind::Forbidden,
        "what you may edit lies elsewhere: this is another region's, another level's or another unit's (GOV-02)",
    )
    .code("out_of_scope")
    .breaks(DoorRule::WithinScope, serde_json::json!({}))
    .remedy("let whoever keeps that part do it, or ask an administrator for a grant that reaches there")
}
