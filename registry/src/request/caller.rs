//! Who asks and what they may: found out once a request, before any handler runs.

use std::sync::Arc;

use serde::Serialize;
use time::OffsetDateTime;

use super::Actor;
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
        )
    }
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

    /// As the database takes it in the setting `yice.scope`: for each permission where it reaches. What is not in it is
    /// refused there.
    #[must_use]
    pub fn setting(&self, person: PersonId) -> String {
        let mut reaches = serde_json::Map::new();
        for (permission, reach) in &self.held {
            let list = reaches
                .entry(permission.as_str())
                .or_insert_with(|| serde_json::Value::Array(Vec::new()));
            if let Some(list) = list.as_array_mut() {
                list.push(serde_json::json!(reach));
            }
        }
        serde_json::json!({"person": person, "reaches": reaches}).to_string()
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
