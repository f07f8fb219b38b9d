//! What a version of a case says, and its rows.

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::{DocumentId, TitleCaseId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::Fault;
use crate::successions::Plan;
use crate::titles::dictionaries::{EndCause, FilingReason, PolicyAction, RefusalGround, RegistrationType};
use crate::titles::encumbrances::EncumbranceStatement;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};
use crate::working_days::Deadline;

/// A document that was brought or fetched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseDocument {
    /// Which of the workflow's kinds.
    pub kind: String,
    /// Its title or number.
    pub name: String,
    /// Its date; never in the future.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub date: Option<Date>,
    /// Fetched from another office, so that nobody is asked for it twice (不动产登记暂行条例 art. 24).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub shared: bool,
    /// The paper itself, where it was brought as a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<DocumentId>,
}

impl CaseDetails {
    /// The papers that were brought as files, in the order of the documents.
    pub(super) fn files(&self) -> Vec<DocumentId> {
        self.documents.iter().filter_map(|document| document.file).collect()
    }
}

/// One of the checks of a return, and whether it rests on a paper.
#[derive(Debug, Clone, Copy)]
pub struct CheckOfReturn {
    /// Its name.
    pub name: &'static str,
    /// Chinese.
    pub zh: &'static str,
    /// English.
    pub en: &'static str,
    /// The paper that has to be named with it; none where what was found is said in words alone.
    pub paper: Option<(&'static str, &'static str)>,
}

const fn check(
    name: &'static str,
    zh: &'static str,
    en: &'static str,
    paper: Option<(&'static str, &'static str)>,
) -> CheckOfReturn {
    CheckOfReturn { name, zh, en, paper }
}

/// The eight checks of a return from a platform company, in their order. How it got there, the reduction of state capital
/// and the approvals are acts of somebody, and each has its paper; of the others what was found is said.
pub const RETURN_CHECKS: [CheckOfReturn; 8] = [
    check(
        "origin",
        "取得方式(划转、作价出资、出让、注入)",
        "how it got there",
        Some(("划转、出资或注入文件", "the act by which it got there")),
    ),
    check(
        "encumbrances",
        "权利负担(抵押、查封、异议、租约)",
        "encumbrances and leases",
        None,
    ),
    check(
        "financing",
        "以资产为依托的债券或贷款",
        "bonds or loans backed by it",
        None,
    ),
    check(
        "books",
        "公司账面与国资减资审批",
        "the company's books and the reduction of state capital",
        Some(("国资减资审批文件", "the approval of the reduction of state capital")),
    ),
    check(
        "approval",
        "公司决议、国资财政批复、政府决定",
        "resolution, approvals and decision",
        Some(("公司决议、批复或政府决定文号", "the resolution, approval or decision")),
    ),
    check(
        "transfer",
        "向机关事务管理部门办理转移登记的安排",
        "the transfer registration to the bureau",
        None,
    ),
    check(
        "restore",
        "恢复办公用房属性和使用功能",
        "category and function restored",
        None,
    ),
    check(
        "accounts",
        "公司核销、机关入账",
        "written off there, entered here",
        None,
    ),
];

/// One of the checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnCheck {
    /// Which.
    pub check: String,
    /// What was found.
    pub finding: String,
    /// The paper it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper: Option<String>,
}

/// The comparison of certificate and survey.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AreaCheck {
    /// By the survey, m².
    pub surveyed_m2: f64,
    /// By the certificate or source, m²; none where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_m2: Option<f64>,
    /// Why a difference beyond the tolerance is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_because: Option<String>,
}

/// The registry's clock. Once a case is closed its dates stay, whatever calendars are published later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RegistryClock {
    /// Day 0.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub accepted_on: Date,
    /// So many.
    pub working_days: u32,
    /// The last of them, as it was worked out when it was accepted.
    pub deadline: Deadline,
    /// When it stopped.
    #[serde(default, with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub stopped_on: Option<Date>,
}

/// What is said of a case beside its columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct CaseDetails {
    /// The plan's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_action: Option<PolicyAction>,
    /// The law's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registration_type: Option<RegistrationType>,
    /// Why the clerk chose that registration type, where it isn't the usual one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice_reason: Option<String>,
    /// The documents.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<CaseDocument>,
    /// The checks of a return.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub return_checks: Vec<ReturnCheck>,
    /// The written consent or decision of a return, or the approval of a keeping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approval: Option<String>,
    /// Holders of encumbrances who consented.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub consents: Vec<String>,
    /// Holders of encumbrances who were told.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub told: Vec<String>,
    /// Certificate against survey.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area: Option<AreaCheck>,
    /// What the title is to say.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub draft: Map<String, Value>,
    /// The registry's clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock: Option<RegistryClock>,
    /// What the registry asked for, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supplement: Option<String>,
    /// Why the registry refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal_ground: Option<RefusalGround>,
    /// Why it is filed instead.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filing_reasons: Vec<FilingReason>,
    /// The evidence for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filing_evidence: Option<String>,
    /// 登簿
    #[serde(with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub recorded_on: Option<Date>,
    /// 发证
    #[serde(with = "day::option", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = Date)]
    pub issued_on: Option<Date>,
    /// 受理号: the registry's own number of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_no: Option<String>,
    /// 分割合并方案: what is to become of what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub succession: Option<Plan>,
    /// 注销事由
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_cause: Option<EndCause>,
    /// What the assets are once the title has ended and no other is in them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset_status: Option<String>,
    /// What is to be entered on the title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<EncumbranceStatement>,
    /// What was entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encumbrance_id: Option<Uuid>,
    /// The titles that a split or merge made, in the order of its plan.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub title_ids: Vec<Uuid>,
}

/// Everything a version says; the periods and ids stand beside it.
#[derive(Debug, Clone, Serialize)]
pub struct CaseContent {
    /// The parcel or building.
    pub asset_id: Uuid,
    /// 不动产单元号
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_code: Option<String>,
    /// The title it deals with or made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title_id: Option<Uuid>,
    /// A state of the workflow.
    pub state: String,
    /// Who opened it.
    pub opened_by: String,
    /// Who put it forward.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub submitted_by: Option<String>,
    /// Who looked at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reviewed_by: Option<String>,
    /// Until when the registry has to finish.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub due_on: Option<Date>,
    /// When a filing comes back.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub review_on: Option<Date>,
    /// May it not be disposed of?
    pub disposal_frozen: bool,
    /// All the rest.
    pub details: CaseDetails,
    /// The digest of the definition that it began with; none in cases from before definitions were kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub definition: Option<String>,
}

impl VersionContent for CaseContent {
    const OBJECT: ObjectKind = ObjectKind::TitleCase;
    const STATEMENTS: VersionStatements = version_statements!(
        "title_case",
        "asset_id, unit_code, title_id, state, opened_by, submitted_by, reviewed_by, due_on, review_on, disposal_frozen, details, definition"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        // Details are plain data, they always have JSON.
        let details = serde_json::to_string(&self.details).unwrap_or_default();
        rows.value(Some(self.asset_id))
            .text(self.unit_code.as_deref())
            .value(self.title_id)
            .text(Some(&self.state))
            .text(Some(&self.opened_by))
            .text(self.submitted_by.as_deref())
            .text(self.reviewed_by.as_deref())
            .value(self.due_on)
            .value(self.review_on)
            .value(Some(self.disposal_frozen))
            .text(Some(&details))
            .text(self.definition.as_deref());
    }
}

pub(super) struct CaseRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub asset_id: Uuid,
    pub unit_code: Option<String>,
    pub title_id: Option<Uuid>,
    pub state: String,
    pub opened_by: String,
    pub submitted_by: Option<String>,
    pub reviewed_by: Option<String>,
    pub due_on: Option<Date>,
    pub review_on: Option<Date>,
    pub disposal_frozen: bool,
    pub details: String,
    pub definition: Option<String>,
}

macro_rules! select_cases {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::title_cases::content::CaseRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.asset_id, v.unit_code, v.title_id, v.state,
                      v.opened_by, v.submitted_by, v.reviewed_by, v.due_on, v.review_on, v.disposal_frozen,
                      v.details::text as "details!", v.definition
                 from title_case_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_cases;

impl CaseRow {
    pub(super) fn content(self) -> Result<CaseContent, Fault> {
        Ok(CaseContent {
            details: serde_json::from_str(&self.details).map_err(|error| Fault::Impossible {
                what: format!("case version {}: details: {error}", self.version_id),
            })?,
            asset_id: self.asset_id,
            unit_code: self.unit_code,
            title_id: self.title_id,
            state: self.state,
            opened_by: self.opened_by,
            submitted_by: self.submitted_by,
            reviewed_by: self.reviewed_by,
            due_on: self.due_on,
            review_on: self.review_on,
            disposal_frozen: self.disposal_frozen,
            definition: self.definition,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<CaseContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks a case and reads the version known now; none where there is no such case.
pub(super) async fn held_case(
    connection: &mut PgConnection,
    id: TitleCaseId,
) -> Result<Option<Held<CaseContent>>, Fault> {
    sqlx::query!("select id from title_case where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_cases!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
        .fetch_optional(connection)
        .await?
        .map(|row| row.stored().held())
        .transpose()
}

/// Holds every version row of cases against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is no error of this function: it is noted in `expected`.
pub async fn verify_versions(connection: &mut PgConnection, expected: &mut ExpectedVersions) -> Result<(), Fault> {
    let mut rows = select_cases!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
