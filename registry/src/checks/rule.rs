//! The rules: files of data (`registry/rules/*.sql`), each a header and one query, read and validated once.
//!
//! The header is TOML in the comment that begins the file. The query takes the day (`$1`), the objects to look at
//! (`$2`, null for all) and the parameters (`$3`, JSON), and says what is at fault: `object_id`, `other_id` (the other
//! one, where two are at odds), `at_id` (the parcel, building or site where it is shown) and `evidence` (JSON).
//!
//! A rule with `overlap` says instead what takes part: `object_id`, `shape` (WKB), `worlds` (letters: two meet where they
//! share one) and `is_asked`; which of them overlap by more than the named parameter is found by [`gis_data::overlap`],
//! which is quicker at it than the database by far. So does a rule with `gap`, for strips between two that are narrower
//! than the named parameter and longer than `gap_least_m` ([`gis_data::gap`]).
//!
//! A rule with `proof` has no query either: the program proves the ledger, and the first entry that is not as it was sealed
//! is the finding. It is asked when everything is checked.
//!
//! A rule with `blocks` is kept at the door: what breaks it is refused. It may have no query at all, where nothing that
//! breaks it can be in the book.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rust_embed::RustEmbed;
use serde::{Deserialize, Serialize};

use crate::ledger::ObjectKind;

/// The parameter that says how long a gap is at least.
pub(super) const GAP_LEAST: &str = "gap_least_m";

#[derive(RustEmbed)]
#[folder = "rules"]
struct Files;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It must be put right (E).
    Error,
    /// It should be looked at (W).
    Warning,
    /// It is counted (I).
    Information,
}

impl Severity {
    /// All, the gravest first.
    pub const ALL: [Self; 3] = [Self::Error, Self::Warning, Self::Information];

    /// The word in the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Information => "information",
        }
    }
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Parcels (宗地).
    Parcel,
    /// Buildings (楼栋).
    Building,
    /// Sites (院落).
    Site,
    /// Parcels, buildings and sites.
    SpatialUnit,
    /// Rooms (房间).
    Room,
    /// Organisations (单位).
    Unit,
    /// Entries of the ledger (台账条目).
    LedgerEntry,
}

impl Subject {
    fn covers(self, kind: ObjectKind) -> bool {
        match self {
            Self::Parcel => kind == ObjectKind::Parcel,
            Self::Building => kind == ObjectKind::Building,
            Self::Site => kind == ObjectKind::Site,
            Self::SpatialUnit => matches!(kind, ObjectKind::Parcel | ObjectKind::Building | ObjectKind::Site),
            Self::Room => kind == ObjectKind::Room,
            Self::Unit => kind == ObjectKind::Unit,
            Self::LedgerEntry => false,
        }
    }
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Bilingual {
    /// 中文
    pub zh: String,
    /// English
    pub en: String,
}

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its id, as the field knows it: `GEO-02`.
    pub id: String,
    /// How grave a finding is.
    pub severity: Severity,
    /// What it is called.
    pub title: Bilingual,
    /// What a finding says, with `{names}` of the evidence.
    pub finding: Bilingual,
    /// What is to be done about one.
    pub remedy: Bilingual,
    /// The regulation and article, standard or practice it stands on.
    pub source: String,
    /// What it is about.
    pub subject: Subject,
    /// The names of the parameters it compares with.
    pub parameters: Vec<String>,
    /// Kinds of objects beside its subject whose change calls for it again.
    reads: Vec<ObjectKind>,
    /// A change calls for it again on what lies around, too.
    pub(super) neighbours: bool,
    /// The parameter above which an overlap is a finding, where the query says what takes part.
    pub(super) overlap: Option<String>,
    /// The parameter below which a gap is a finding, where the query says what takes part.
    pub(super) gap: Option<String>,
    /// The ledger is proved.
    pub(super) proof: bool,
    /// What breaks it is refused at the door (B). Findings are of what came in before or by another way.
    pub blocks: bool,
    pub(super) statement: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    id: String,
    severity: Severity,
    zh: String,
    en: String,
    finding_zh: String,
    finding_en: String,
    remedy_zh: String,
    remedy_en: String,
    source: String,
    subject: Subject,
    #[serde(default)]
    parameters: Vec<String>,
    #[serde(default)]
    reads: Vec<String>,
    #[serde(default)]
    neighbours: bool,
    overlap: Option<String>,
    gap: Option<String>,
    #[serde(default)]
    proof: bool,
    #[serde(default)]
    blocks: bool,
}

/// What a rule compares with.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// What holds where no region has a value of its own.
    pub value: f64,
    /// Its unit.
    pub unit: String,
    /// What it means, in Chinese.
    pub zh: String,
    /// What it means, in English.
    pub en: String,
    /// No value below this one is taken.
    #[serde(default)]
    pub least: f64,
    /// No value above this one is taken.
    #[serde(default)]
    pub most: Option<f64>,
}

impl Parameter {
    /// Does it count whole things?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        matches!(self.unit.as_str(), "days" | "months" | "years" | "units")
    }
}

/// Every rule, by its id, and what they compare with.
#[derive(Debug)]
pub struct Catalogue {
    /// The rules.
    pub rules: BTreeMap<String, Rule>,
    /// The parameters by name.
    pub parameters: BTreeMap<String, Parameter>,
}

/// Why a rule can't be used: a fault of whoever wrote the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the rule file {file} can't be used: {reason}")]
pub struct RuleRefused {
    file: String,
    reason: String,
}

impl Rule {
    fn read(text: &str, parameters: &BTreeMap<String, Parameter>) -> Result<Self, String> {
        let (header, statement) = text
            .trim_start()
            .strip_prefix("/*")
            .and_then(|rest| rest.split_once("*/"))
            .ok_or("it does not begin with a header in a comment")?;
        let header: Header = toml::from_str(header).map_err(|error| error.to_string())?;
        let known = |name: &String| parameters.contains_key(name);
        if let Some(name) = header
            .parameters
            .iter()
            .chain(&header.overlap)
            .chain(&header.gap)
            .find(|name| !known(name))
        {
            return Err(format!("no parameter is called {name}"));
        }
        let statement = statement.trim().to_owned();
        if statement.is_empty() && !header.blocks && !header.proof {
            return Err("it has no query".to_owned());
        }
        let reads = header
            .reads
            .iter()
            .map(|word| ObjectKind::parse(word).ok_or_else(|| format!("{word:?} is no kind of object")));
        Ok(Self {
            id: header.id,
            severity: header.severity,
            title: Bilingual {
                zh: header.zh,
                en: header.en,
            },
            finding: Bilingual {
                zh: header.finding_zh,
                en: header.finding_en,
            },
            remedy: Bilingual {
                zh: header.remedy_zh,
                en: header.remedy_en,
            },
            source: header.source,
            subject: header.subject,
            parameters: header.parameters,
            reads: reads.collect::<Result<_, _>>()?,
            neighbours: header.neighbours,
            overlap: header.overlap,
            gap: header.gap,
            proof: header.proof,
            blocks: header.blocks,
            statement,
        })
    }

    /// Does it look for what is in the book? One that only blocks does not.
    #[must_use]
    pub fn is_run(&self) -> bool {
        !self.statement.is_empty() || self.proof
    }

    /// Does it compare with the tables of the space standard?
    pub(super) fn reads_space_standard(&self) -> bool {
        self.statement.contains("'space_standard'")
    }

    /// Does a change of that kind of object call for it again?
    pub(super) fn is_called_by(&self, kind: ObjectKind) -> bool {
        self.is_run() && (self.subject.covers(kind) || self.reads.contains(&kind))
    }

    /// Can it be asked about what changed alone? What hangs on regions and units as a whole can't.
    pub(super) fn is_narrowed_by(&self, kind: ObjectKind) -> bool {
        self.subject.covers(kind) || !matches!(kind, ObjectKind::Region | ObjectKind::Unit)
    }

    /// What a finding says, with the values of its evidence.
    #[must_use]
    pub fn says(&self, evidence: &serde_json::Value) -> Bilingual {
        let fill = |template: &str| {
            evidence
                .as_object()
                .into_iter()
                .flatten()
                .fold(template.to_owned(), |text, (name, value)| {
                    let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
                    text.replace(&format!("{{{name}}}"), &value)
                })
        };
        Bilingual {
            zh: fill(&self.finding.zh),
            en: fill(&self.finding.en),
        }
    }
}

impl Catalogue {
    fn read() -> Result<Self, RuleRefused> {
        let refused = |file: &str, reason: String| RuleRefused {
            file: file.to_owned(),
            reason,
        };
        let text = |file: &str| {
            Files::get(file)
                .and_then(|held| String::from_utf8(held.data.into_owned()).ok())
                .ok_or_else(|| refused(file, "it is missing or no UTF-8".to_owned()))
        };
        let parameters: BTreeMap<String, Parameter> =
            toml::from_str(&text("parameters.toml")?).map_err(|error| refused("parameters.toml", error.to_string()))?;
        let mut rules = BTreeMap::new();
        for file in Files::iter().filter(|file| file.ends_with(".sql")) {
            let rule = Rule::read(&text(&file)?, &parameters).map_err(|reason| refused(&file, reason))?;
            if file.strip_suffix(".sql") != Some(&rule.id) {
                return Err(refused(&file, format!("it holds {}", rule.id)));
            }
            rules.insert(rule.id.clone(), rule);
        }
        Ok(Self { rules, parameters })
    }
}

/// The rules that this program was built with.
///
/// # Errors
/// Where a file is at fault; a test keeps that from happening.
pub fn catalogue() -> Result<&'static Catalogue, RuleRefused> {
    static READ: OnceLock<Result<Catalogue, RuleRefused>> = OnceLock::new();
    READ.get_or_init(Catalogue::read).as_ref().map_err(Clone::clone)
}

/// What a parameter is where no region has a value of its own; `rule_parameter_at` of the database tells the rest.
///
/// # Errors
/// Where no parameter is called so.
pub fn default_of(parameter: &str) -> Result<f64, crate::request::Fault> {
    let held = catalogue()?.parameters.get(parameter);
    held.map(|held| held.value)
        .ok_or_else(|| crate::request::Fault::Impossible {
            what: format!("no parameter of the rules is called {parameter}"),
        })
}

impl From<RuleRefused> for crate::request::Fault {
    fn from(refused: RuleRefused) -> Self {
        Self::Impossible {
            what: refused.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_file_can_be_used_and_names_what_it_compares_with() {
        let catalogue = catalogue().unwrap();
        assert!(catalogue.rules.len() >= 21);
        for rule in catalogue.rules.values() {
            for name in &rule.parameters {
                let used = rule.statement.contains(&format!("'{name}'")) || [&rule.overlap, &rule.gap].contains(&&Some(name.clone()))
                    // How long a gap is at least goes with how narrow it is.
                    || (rule.gap.is_some() && name == GAP_LEAST);
                assert!(used, "{} does not use {name}", rule.id);
            }
        }
        for (name, held) in &catalogue.parameters {
            assert!(
                (held.least..=held.most.unwrap_or(f64::MAX)).contains(&held.value),
                "{name}"
            );
            assert!(!held.is_whole() || held.value.fract() == 0.0, "{name}");
        }
        for name in catalogue.parameters.keys() {
            assert!(
                catalogue.rules.values().any(|rule| rule.parameters.contains(name))
                    // No rule, but a question compares with it.
                    || name == crate::utilisation::PARAMETER,
                "{name} is used by no rule"
            );
        }
    }

    #[test]
    fn what_is_refused_at_the_door_is_a_rule_of_the_list_and_the_other_way_round() {
        let catalogue = catalogue().unwrap();
        let at_the_door: BTreeMap<&str, &str> = crate::request::DoorRule::ALL.iter().map(|rule| rule.facts()).collect();
        let listed: BTreeMap<&str, &str> = catalogue
            .rules
            .values()
            .filter(|rule| rule.blocks)
            .map(|rule| (rule.id.as_str(), rule.source.as_str()))
            .collect();
        for (id, source) in &at_the_door {
            assert_eq!(listed.get(id), Some(source), "{id}");
        }
        // The others are guards of cases, and every guard that names a rule names one of the list.
        let of_guards: std::collections::BTreeSet<&str> = crate::policy_cases::guarded_rules().collect();
        let others: std::collections::BTreeSet<&str> = listed
            .keys()
            .copied()
            .filter(|id| !at_the_door.contains_key(id))
            .collect();
        assert_eq!(
            of_guards
                .iter()
                .filter(|id| listed.contains_key(**id))
                .copied()
                .collect::<std::collections::BTreeSet<_>>(),
            others
        );
        for id in of_guards {
            // What comes in by other ways is found, and the income of a disposal is in the cases alone.
            assert!(catalogue.rules.contains_key(id) || id == "DSP-09", "{id}");
        }
    }

    #[test]
    fn a_file_with_a_fault_is_refused_with_the_reason() {
        let none = BTreeMap::new();
        let header = |more: &str| {
            format!(
                "/*\nid = \"X\"\nseverity = \"error\"\nzh = \"\"\nen = \"\"\nfinding_zh = \"\"\nfinding_en = \"\"\n\
                 remedy_zh = \"\"\nremedy_en = \"\"\nsource = \"\"\nsubject = \"parcel\"\n{more}*/\nselect 1"
            )
        };
        assert!(Rule::read(&header(""), &none).is_ok());
        for (text, reason) in [
            ("select 1".to_owned(), "header"),
            (header("parameters = [\"depth\"]\n"), "depth"),
            (header("reads = [\"moon\"]\n"), "moon"),
            (header("colour = \"red\"\n"), "colour"),
        ] {
            let refused = Rule::read(&text, &none).unwrap_err();
            assert!(refused.contains(reason), "{refused}");
        }
    }

    #[test]
    fn a_finding_says_the_values_it_was_found_by() {
        let catalogue = catalogue().unwrap();
        let says = catalogue.rules["GEO-02"].says(&serde_json::json!({"overlap_m2": 12.5}));
        assert_eq!(says.zh, "与另一宗地重叠 12.5 m²");
        let says = catalogue.rules["COD-01"].says(&serde_json::json!({"unit_code": "43<b>"}));
        assert!(says.en.contains("43<b>"));
    }
}
