//! What a version of a finding says, and its rows.

use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::ids::{DocumentId, InspectionFindingId};
use crate::ledger::{ExpectedVersions, ObjectKind};
use crate::period::{Held, day};
use crate::request::Fault;
use crate::versioned::{StoredVersion, VersionContent, VersionStatements, version_statements};

/// What was done about a finding, and by whom.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = InspectionFindingStepTaken)]
pub struct FindingStep {
    /// `issue` 下发, `rectify` 整改, `confirm` 复查通过, `send_back` 退回, `defer` 延期 or `void` 作废.
    pub step: String,
    /// Who.
    pub by: String,
    /// The day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// What was done, or why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The papers that show it, by their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub papers: Vec<DocumentId>,
    /// Of a deferral: its last day.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
}

/// What is said of a finding beside its columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
#[schema(as = InspectionFindingDetails)]
pub struct FindingDetails {
    /// The papers that show what was found, by their ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<DocumentId>,
    /// What was done, in its order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<FindingStep>,
}

/// Everything a version says; the periods and ids stand beside it. New fields go to the end.
#[derive(Debug, Clone, Serialize)]
pub struct FindingContent {
    /// Of which inspection.
    pub inspection_id: Uuid,
    /// The rule that is broken.
    pub rule: String,
    /// `parcel`, `building`, `site`, `room` or `unit`.
    pub object_kind: String,
    /// What breaks it.
    pub thing_id: Uuid,
    /// The parcel, building or site where it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_id: Option<Uuid>,
    /// Where it lies.
    pub region_code: String,
    /// Whose it is to put right.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_id: Option<Uuid>,
    /// What the checks had found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding_id: Option<Uuid>,
    /// What was found, in words.
    pub says: String,
    /// `open`, `rectified`, `confirmed` or `void`.
    pub state: String,
    /// So many working days from the notice.
    pub days: i32,
    /// The day of the notice.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub issued_on: Option<Date>,
    /// The last day; none before the notice, and where a year's working days aren't published yet.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub due_on: Option<Date>,
    /// Who found it.
    pub found_by: String,
    /// Who put it right last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rectified_by: Option<String>,
    /// Who looked at it again last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rechecked_by: Option<String>,
    /// Until when it may stay as it is.
    #[serde(skip_serializing_if = "Option::is_none", with = "day::option")]
    pub deferred_until: Option<Date>,
    /// Who let it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deferred_by: Option<String>,
    /// All the rest.
    pub details: FindingDetails,
}

impl VersionContent for FindingContent {
    const OBJECT: ObjectKind = ObjectKind::InspectionFinding;
    const STATEMENTS: VersionStatements = version_statements!(
        "inspection_finding",
        "inspection_id, rule, object_kind, thing_id, at_id, region_code, unit_id, finding_id, says, state, days, issued_on, due_on, found_by, rectified_by, rechecked_by, deferred_until, deferred_by, details"
    );

    fn push_columns(&self, rows: &mut CopyRows) {
        // Details are plain data, they always have JSON.
        let details = serde_json::to_string(&self.details).unwrap_or_default();
        rows.value(Some(self.inspection_id))
            .text(Some(&self.rule))
            .text(Some(&self.object_kind))
            .value(Some(self.thing_id))
            .value(self.at_id)
            .text(Some(&self.region_code))
            .value(self.unit_id)
            .value(self.finding_id)
            .text(Some(&self.says))
            .text(Some(&self.state))
            .value(Some(self.days))
            .value(self.issued_on)
            .value(self.due_on)
            .text(Some(&self.found_by))
            .text(self.rectified_by.as_deref())
            .text(self.rechecked_by.as_deref())
            .value(self.deferred_until)
            .text(self.deferred_by.as_deref())
            .text(Some(&details));
    }
}

pub(super) struct FindingRow {
    pub version_id: Uuid,
    pub object_id: Uuid,
    pub valid: PgRange<Date>,
    pub recorded: PgRange<OffsetDateTime>,
    pub inspection_id: Uuid,
    pub rule: String,
    pub object_kind: String,
    pub thing_id: Uuid,
    pub at_id: Option<Uuid>,
    pub region_code: String,
    pub unit_id: Option<Uuid>,
    pub finding_id: Option<Uuid>,
    pub says: String,
    pub state: String,
    pub days: i32,
    pub issued_on: Option<Date>,
    pub due_on: Option<Date>,
    pub found_by: String,
    pub rectified_by: Option<String>,
    pub rechecked_by: Option<String>,
    pub deferred_until: Option<Date>,
    pub deferred_by: Option<String>,
    pub details: String,
}

macro_rules! select_findings {
    ($rest:tt $(, $argument:expr)* $(,)?) => {
        sqlx::query_as!(
            crate::inspections::findings::content::FindingRow,
            r#"select v.version_id, v.object_id, v.valid, v.recorded, v.inspection_id, v.rule, v.object_kind, v.thing_id,
                      v.at_id, v.region_code, v.unit_id, v.finding_id, v.says, v.state, v.days, v.issued_on, v.due_on,
                      v.found_by, v.rectified_by, v.rechecked_by, v.deferred_until, v.deferred_by,
                      v.details::text as "details!"
                 from inspection_finding_version v "# + $rest
            $(, $argument)*
        )
    };
}
pub(super) use select_findings;

impl FindingRow {
    pub(super) fn content(self) -> Result<FindingContent, Fault> {
        let details: FindingDetails = serde_json::from_str(&self.details).map_err(|error| Fault::Impossible {
            what: format!("inspection finding version {}: {error}", self.version_id),
        })?;
        Ok(FindingContent {
            inspection_id: self.inspection_id,
            rule: self.rule,
            object_kind: self.object_kind,
            thing_id: self.thing_id,
            at_id: self.at_id,
            region_code: self.region_code,
            unit_id: self.unit_id,
            finding_id: self.finding_id,
            says: self.says,
            state: self.state,
            days: self.days,
            issued_on: self.issued_on,
            due_on: self.due_on,
            found_by: self.found_by,
            rectified_by: self.rectified_by,
            rechecked_by: self.rechecked_by,
            deferred_until: self.deferred_until,
            deferred_by: self.deferred_by,
            details,
        })
    }

    pub(super) fn stored(self) -> StoredVersion<FindingContent> {
        let (version_id, object_id) = (self.version_id, self.object_id);
        let (valid, recorded) = (self.valid, self.recorded);
        StoredVersion::new(version_id, object_id, &valid, &recorded, self.content())
    }
}

/// Locks a finding and reads the version known now; none where the caller sees none.
pub(super) async fn held_finding(
    connection: &mut PgConnection,
    id: InspectionFindingId,
) -> Result<Option<Held<FindingContent>>, Fault> {
    sqlx::query!("select id from inspection_finding where id = $1 for update", id.0)
        .fetch_optional(&mut *connection)
        .await?;
    select_findings!("where v.object_id = $1 and upper_inf(v.recorded)", id.0)
        .fetch_optional(connection)
        .await?
        .map(|row| row.stored().held())
        .transpose()
}

/// Holds every version row of findings against what the ledger says of it.
pub(in crate::inspections) async fn verify_versions(
    connection: &mut PgConnection,
    expected: &mut ExpectedVersions,
) -> Result<(), Fault> {
    let mut rows = select_findings!("").fetch(connection);
    while let Some(row) = rows.try_next().await? {
        expected.check(&row.stored().found());
    }
    Ok(())
}
