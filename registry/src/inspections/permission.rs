//! Who may do what with inspections. Every action asks here and nowhere else.
//!
//! Place and unit count, the level doesn't: the bureau above inspects the one below (主管本级、指导下级). What is a lower
//! bureau's is inspected by somebody whose grant reaches beyond it.

use uuid::Uuid;

use super::content::{InspectionContent, Target};
use crate::request::{Caller, Permission, Problem, ProblemKind, Reach, out_of_scope};

/// What a role of the procedure stands for.
pub(super) fn permission_of(role: &str) -> Option<Permission> {
    match role {
        "inspector" => Some(Permission::Inspect),
        "inspected" => Some(Permission::AnswerInspections),
        "approver" => Some(Permission::ApprovePolicies),
        _ => None,
    }
}

/// What is inspected, as grants know places.
#[derive(Debug, Clone, Copy)]
pub(super) struct Inspected<'a> {
    /// Where.
    pub region_code: &'a str,
    /// Whose, where it is one unit's.
    pub unit_id: Option<Uuid>,
    /// Is it the bureau below?
    pub is_below: bool,
}

impl<'a> From<&'a InspectionContent> for Inspected<'a> {
    fn from(content: &'a InspectionContent) -> Self {
        Self {
            region_code: &content.region_code,
            unit_id: content.unit_id,
            is_below: content.target == Target::LowerBureau,
        }
    }
}

impl Inspected<'_> {
    fn is_within(self, reach: &Reach) -> bool {
        reach
            .region
            .as_deref()
            .is_none_or(|prefix| self.region_code.starts_with(prefix))
            && reach.unit.is_none_or(|unit| self.unit_id == Some(unit.0))
    }

    fn is_below(self, reach: &Reach) -> bool {
        let own = crate::regions::subtree(self.region_code).len();
        reach.region.as_deref().is_none_or(|prefix| prefix.len() < own)
    }
}

/// Does the caller have that role of the procedure there?
pub(super) fn has_role(caller: &Caller, role: &str, inspected: Inspected<'_>) -> bool {
    let Some(permission) = permission_of(role) else {
        return false;
    };
    let must_be_above = inspected.is_below && role != "inspected";
    caller
        .scope
        .reaches(permission)
        .any(|reach| inspected.is_within(reach) && (!must_be_above || inspected.is_below(reach)))
}

/// May the caller read all that is inspected? Figures of a part would be others.
///
/// # Errors
/// `out_of_scope`.
pub(super) fn require_reading_all(caller: &Caller, inspected: Inspected<'_>) -> Result<(), Problem> {
    let reads_all = caller
        .scope
        .reaches(Permission::ReadRegistry)
        .any(|reach| inspected.is_within(reach));
    if reads_all { Ok(()) } else { Err(out_of_scope()) }
}

/// Is it the caller's part?
///
/// # Errors
/// A problem that says whose it is.
pub(super) fn require_role(caller: &Caller, role: &str, inspected: Inspected<'_>) -> Result<(), Problem> {
    if has_role(caller, role, inspected) {
        return Ok(());
    }
    let (zh, en) = match role {
        "inspector" if inspected.is_below => (
            "下级的巡检由上级机关事务管理部门办理",
            "the bureau below is inspected by the one above",
        ),
        "inspector" => ("由巡检人员办理", "this is the inspectors'"),
        "inspected" => ("由被检查单位办理", "this is the inspected unit's"),
        _ => ("由审批人办理", "this is the approver's"),
    };
    Err(Problem::new(ProblemKind::Forbidden, format!("{zh} / {en}"))
        .code("not_granted")
        .remedy("let somebody do it whose part it is"))
}
