//! What a version of an inspection says, and its rows.

use std::collections::BTreeSet;

use futures_util::TryStreamExt;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::sample::Sample;
use super::score::Scoring;
use crate::database::CopyRows;
use crate::ids::{DocumentId, InspectionId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// Who is inspected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InspectionTarget)]
pub enum Target {
    /// 本级机关
    OwnLevel,
    /// 下级机关事务管理部门
    LowerBureau,
}

impl Target {
    /// The word in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OwnLevel => "own_level",
            Self::LowerBureau => "lower_bureau",
        }
    }

    fn of(word: &str) -> Option<Self> {
        [Self::OwnLevel, Self::LowerBureau]
            .into_iter()
            .find(|target| target.as_str() == word)
    }
}

/// A paper of the inspection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InspectionDocument)]
pub struct Document {
    /// A kind that the procedure names.
    pub kind: String,
    /// Its name and number.
    pub name: String,
    /// The paper as a file, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<DocumentId>,
}

/// 自查: what the inspected say of themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InspectionSelfCheck)]
pub struct SelfCheck {
    /// In their words.
    pub statement: String,
    /// So many faults did they find themselves.
    pub problems: u32,
}

/// 现场检查: a visit to one building.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InspectionVisit)]
pub struct Visit {
    /// The building.
    pub asset_id: Uuid,
    /// The day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// Who was there.
    pub people: String,
    /// What was seen.
    pub summary: String,
    /// The record as a file, by its id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<DocumentId>,
}

/// 作废: an earlier record that was wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InspectionVoid)]
pub struct Void {
    /// Its number.
    pub no: u32,
    /// Why.
    pub reason: String,
}

/// What is recorded in an inspection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "record", rename_all = "snake_case")]
#[schema(as = InspectionFact)]
pub enum Fact {
    /// A paper.
    Document(Document),
    /// The self-check.
    SelfCheck(SelfCheck),
    /// A visit.
    Visit(Visit),
    /// That an earlier record was wrong.
    Void(Void),
}

impl Fact {
    /// The kinds there are.
    pub const KINDS: [&str; 4] = ["document", "self_check", "visit", "void"];
    /// What a state may take: records, and what is not recorded but drawn and found. A record is void whatever the state takes.
    pub const AND_MORE: [&str; 5] = ["document", "self_check", "visit", "sample", "finding"];

    /// Which of them it is.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Document(_) => "document",
            Self::SelfCheck(_) => "self_check",
            Self::Visit(_) => "visit",
            Self::Void(_) => "void",
        }
    }

    /// The file it names.
    #[must_use]
    pub fn file(&self) -> Option<DocumentId> {
        match self {
            Self::Document(document) => document.file,
            Self::Visit(visit) => visit.file,
            Self::SelfCheck(_) | Self::Void(_) => None,
        }
    }
}

/// A fact with who brought it, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionRecord)]
pub struct Record {
    /// Its number.
    pub no: u32,
    /// Who.
    pub by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub at: OffsetDateTime,
    /// In which state the inspection was.
    pub state: String,
    /// What.
    pub fact: Fact,
}

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionStepTaken)]
pub struct Taken {
    /// Which.
    pub transition: String,
    /// Who took it.
    pub by: String,
    /// The day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// 文号
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
}

/// What is said of an inspection beside its columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct InspectionDetails {
    /// Everything that was recorded, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// The steps, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Taken>,
    /// The clock of the state it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub clock: Option<workflow::Clock>,
    /// The sample.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Sample>,
    /// Indicators, weights and score, as they were kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scoring: Option<Scoring>,
}

impl InspectionDetails {
    /// The records that count, with what they say.
    pub fn facts(&self) -> impl Iterator<Item = (&Record, &Fact)> {
        let void: BTreeSet<u32> = self
            .records
            .iter()
            .filter_map(|record| match &record.fact {
                Fact::Void(void) => Some(void.no),
                _ => None,
            })
            .collect();
        self.records
            .iter()
            .filter(move |record| !void.contains(&record.no))
            .map(|record| (record, &record.fact))
    }

    /// The kinds of document that are there.
    #[must_use]
    pub fn documents(&self) -> BTreeSet<String> {
        self.facts()
            .filter_map(|(_, fact)| match fact {
                Fact::Document(document) => Some(document.kind.clone()),
                _ => None,
            })
            .collect()
    }

    /// The buildings that were visited.
    #[must_use]
    pub fn visited(&self) -> BTreeSet<Uuid> {
        self.facts()
            .filter_map(|(_, fact)| match fact {
                Fact::Visit(visit) => Some(visit.asset_id),
                _ => None,
            })
            .collect()
    }

    /// The buildings of the sample, each once: those drawn, then those chosen.
    #[must_use]
    pub fn sampled(&self) -> Vec<Uuid> {
        self.sample.as_ref().map(Sample::buildings).unwrap_or_default()
    }
}

/// Everything a version says; the periods and ids stand beside it. New fields go to the end.
#[derive(Debug, Clone, Serialize)]
pub struct InspectionContent {
    /// What it is called.
    pub title: String,
    /// Where.
    pub region_code: String,
    /// Of which level.
    pub admin_level: String,
    /// Who is inspected.
    pub target: Target,
    /// The one unit, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<Uuid>,
    /// 考核期: its first day,
    #[serde(with = "day")]
    pub period_from: Date,
    /// and its last.
    #[serde(with = "day")]
    pub period_to: Date,
    /// The day as of which the book is read.
    #[serde(with = "day")]
    pub as_of: Date,
    /// The digest of the definition that it began with.
    pub definition: String,
    /// A state of it.
    pub state: String,
    /// Has it not ended?
    pub is_open: bool,
    /// Who opened it.
    pub opened_by: String,
    /// Who put it forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_forward_by: Option<String>,
    /// Who judged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<String>,
    /// The last day of the state's deadline.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub due_on: Option<Date>,
    /// 得分
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Decimal>,
    /// 等次
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grade: Option<String>,
    /// All the rest.
    pub details: InspectionDetails,
}

impl VersionContent for InspectionContent {
    const OBJECT: ObjectKind = ObjectKind::Inspection;
    const STATEMENTS: VersionStatements = version_statements!(
        "inspection",
        "title, region_code, admin_level, target, unit_id, period_from, period_to, as_of, definition, state, is_open, opened_by, put_forward_by, decided_by, due_on, score, grade, details"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        // Details are plain data, they always have JSON.
        let details = serde_json::to_string(&self.details).unwrap_or_default();
        rows.text(Some(&self.title))
            .text(Some(&self.region_code))
            .text(Some(&self.admin_level))
            .text(Some(self.target.as_str()))
            .value(self.unit_id)
            .value(Some(self.period_from))
            .value(Some(self.period_to))
            .value(Some(self.as_of))
            .text(Some(&self.definition))
            .text(Some(&self.state))
            .value(Some(self.is_open))
            .text(Some(&self.opened_by))
            .text(self.put_forward_by.as_deref())
            .text(self.decided_by.as_deref())
            .value(self.due_on)
            .value(self.score)
            .text(self.grade.as_deref())
            .text(Some(&details));
    }
}

pub(super) struct InspectionRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub title: String,
    pub region_code: String,
    pub admin_level: String,
    pub target: String,
    pub unit_id: Option<Uuid>,
    pub period_from: Date,
    pub period_to: Date,
    pub as_of: Date,
    pub definition: String,
    pub state: String,
    pub is_open: bool,
    pub opened_by: String,
    pub put_forward_by: Option<String>,
    pub decided_by: Option<String>,
    pub due_on: Option<Date>,
    pub score: Option<Decimal>,
    pub grade: Option<String>,
    pub details: String,
}

macro_rules! select_inspections {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::inspections::content::InspectionRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.title, v.region_code, v.admin_level, v.target,
                      v.unit_id, v.period_from, v.period_to, v.as_of, v.definition, v.state, v.is_open, v.opened_by,
                      v.put_forward_by, v.decided_by, v.due_on, v.score, v.grade, v.details::text as "details!"
                 from inspection_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_inspections;

impl InspectionRow {
    pub(super) fn content(self) -> Result<InspectionContent, Fault> {
        let impossible = |what: String| Fault::Impossible {
            what: format!("inspection version {}: {what}", self.version_id),
        };
        let details: InspectionDetails =
            serde_json::from_str(&self.details).map_err(|error| impossible(error.to_string()))?;
        let score = self.score.map(|score| score.normalize());
        // The columns stand beside the digest, so they are held against what it covers.
        let kept = details.scoring.as_ref().and_then(|scoring| scoring.score);
        if kept.map(|kept| kept.normalize()) != score {
            return Err(impossible("its score is not the one that was kept".to_owned()));
        }
        Ok(InspectionContent {
            target: Target::of(&self.target).ok_or_else(|| impossible("the target is not of the list".to_owned()))?,
            title: self.title,
            region_code: self.region_code,
            admin_level: self.admin_level,
            unit_id: self.unit_id,
            period_from: self.period_from,
            period_to: self.period_to,
            as_of: self.as_of,
            definition: self.definition,
            state: self.state,
            is_open: self.is_open,
            opened_by: self.opened_by,
            put_forward_by: self.put_forward_by,
            decided_by: self.decided_by,
            due_on: self.due_on,
            score,
            grade: self.grade,
            details,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<InspectionContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks an inspection and reads the version known now; none where the caller sees none.
pub(super) async fn held_inspection(
    connection: &mut PgConnection,
    id: InspectionId,
) -> Result<Option<Held<InspectionContent>>, Fault> {
    sqlx::query!("select id from inspection where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_inspections!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
        .fetch_optional(connection)
        .await?
        .map(|row| row.stored().held())
        .transpose()
}

/// Holds every version row of inspections, their findings and schemes against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    {
        let mut rows = select_inspections!("").fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            expected.check(&row.stored().found());
        }
    }
    super::findings::verify_versions(connection, expected).await?;
    super::schemes::verify_versions(connection, expected).await
}
