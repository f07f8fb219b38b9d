//! Which role may do what: the one table.
//!
//! The roles are those that people of the field are given (主管本级、指导下级); who reviews or approves is never who
//! submitted, which is a rule of each case and not of this table.

use axum::Json;
use serde::{Deserialize, Serialize};

use crate::request::Permission;
use crate::request::Permission::{
    AnswerInspections, ApplyForRepairs, ApprovePolicies, ApproveTitles, BringDocuments, ConfirmMoney, DecideFindings,
    EditAssets, EditDirectory, ExportRegistry, ImportFiles, Inspect, KeepFilings, KeepThresholds, ManagePeople,
    ProposePolicies, ReadImports, ReadMetrics, ReadPeople, ReadRegistry, ReviewTitles, StepInspections,
    StepPolicyCases, StepTitleCases, TakeStock, WorkOnCases, WorkOnTitles,
};

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident => $word:literal, $zh:literal, [$($permission:ident),*];)+) => {
        /// What somebody is in the registry.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema, clap::ValueEnum)]
        #[serde(rename_all = "snake_case")]
        #[value(rename_all = "snake_case")]
        pub enum Role {
            $($(#[$doc])* $variant,)+
        }

        impl Role {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as it stands in the database and in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// What the field calls it.
            #[must_use]
            pub fn zh(self) -> &'static str {
                match self {
                    $(Self::$variant => $zh,)+
                }
            }

            /// None for a word that is no role.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|role| role.as_str() == word)
            }

            /// What it may do where it is granted.
            #[must_use]
            pub fn permissions(self) -> &'static [Permission] {
                match self {
                    $(Self::$variant => &[$($permission),*],)+
                }
            }
        }
    };
}

roles! {
    /// Keeps what the bureau holds.
    AssetManager => "asset_manager", "资产管理员",
        [ReadRegistry, ExportRegistry, EditAssets, EditDirectory, ReadImports, ImportFiles, DecideFindings, WorkOnCases,
         StepPolicyCases, KeepFilings, TakeStock, BringDocuments, Inspect, AnswerInspections, StepInspections];
    /// Prepares registrations.
    TitleClerk => "title_clerk", "权属登记员",
        [ReadRegistry, ExportRegistry, ReadImports, DecideFindings, WorkOnTitles, StepTitleCases, StepPolicyCases,
         BringDocuments];
    /// Reviews what clerks prepared.
    TitleReviewer => "title_reviewer", "权属复核",
        [ReadRegistry, ExportRegistry, ReadImports, DecideFindings, ReviewTitles, StepTitleCases, BringDocuments];
    /// Plans who sits where.
    Planner => "planner", "规划员", [ReadRegistry, ExportRegistry, ProposePolicies, StepPolicyCases, BringDocuments];
    /// Approves.
    Approver => "approver", "审批人",
        [ReadRegistry, ExportRegistry, DecideFindings, ApproveTitles, StepTitleCases, ApprovePolicies, StepPolicyCases,
         TakeStock, BringDocuments, StepInspections];
    /// Speaks for a unit that uses space.
    UnitContact => "unit_contact", "使用单位联络员",
        [ReadRegistry, ApplyForRepairs, StepPolicyCases, KeepFilings, BringDocuments, TakeStock, AnswerInspections,
         StepInspections];
    /// Reviews disposals and their revenue.
    FinanceReviewer => "finance_reviewer", "财政复核",
        [ReadRegistry, ExportRegistry, ConfirmMoney, StepPolicyCases, BringDocuments, Inspect, StepInspections];
    /// Surveys parcels and buildings.
    Surveyor => "surveyor", "测绘作业员", [ReadRegistry, ExportRegistry, ReadImports];
    /// Looks at everything and changes nothing.
    Auditor => "auditor", "审计员", [ReadRegistry, ExportRegistry, ReadImports, ReadPeople];
    /// Keeps accounts and grants; what is registered is not theirs to change.
    Administrator => "administrator", "系统管理员",
        [ReadRegistry, ReadImports, EditDirectory, ReadPeople, ManagePeople, ReadMetrics, KeepThresholds];
    /// Looks.
    Viewer => "viewer", "浏览", [ReadRegistry];
}

/// A role and what it may do.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RoleOf {
    role: Role,
    /// What the field calls it.
    zh: &'static str,
    permissions: &'static [Permission],
}

/// The roles there are, and what each may do where it is granted.
#[utoipa::path(get, path = "/api/v1/roles", operation_id = "list_roles", tag = "people", responses((status = 200, body = Vec<RoleOf>)))]
pub(super) async fn list_roles() -> Json<Vec<RoleOf>> {
    Json(
        Role::ALL
            .iter()
            .map(|role| RoleOf {
                role: *role,
                zh: role.zh(),
                permissions: role.permissions(),
            })
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_keeps_accounts_edits_no_assets_and_who_audits_changes_nothing() {
        for role in Role::ALL {
            let may = |permission| role.permissions().contains(&permission);
            assert!(may(ReadRegistry), "{role:?}");
            assert_eq!(Role::parse(role.as_str()), Some(*role));
            assert_eq!(serde_json::to_value(role).unwrap(), role.as_str());
            if may(ManagePeople) {
                assert!(!may(EditAssets) && !may(ImportFiles), "{role:?}");
            }
        }
        for reader in [Role::Auditor, Role::Viewer, Role::UnitContact] {
            let changes = [EditAssets, EditDirectory, ImportFiles, ManagePeople];
            assert!(
                !reader.permissions().iter().any(|held| changes.contains(held)),
                "{reader:?}"
            );
        }
        assert_eq!(Role::parse("root"), None);
    }
}
