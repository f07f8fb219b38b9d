//! Who may do what with policy cases. Every action asks here and nowhere else.

use crate::request::{Caller, Permission, Problem, ProblemKind};

use super::procedure::Procedure;

/// What a role of the procedures stands for. A test reads the procedures and asks for each of their roles.
pub(super) fn permission_of(role: &str) -> Option<Permission> {
    match role {
        "asset_manager" => Some(Permission::WorkOnCases),
        "planner" => Some(Permission::ProposePolicies),
        "approver" => Some(Permission::ApprovePolicies),
        "finance_reviewer" => Some(Permission::ConfirmMoney),
        "title_clerk" => Some(Permission::WorkOnTitles),
        "unit_contact" => Some(Permission::ApplyForRepairs),
        _ => None,
    }
}

/// Does the caller have that role of the procedures?
pub(super) fn has_role(caller: &Caller, role: &str) -> bool {
    permission_of(role).is_some_and(|permission| caller.scope.holds_everywhere(permission))
}

fn require_one(caller: &Caller, needed: &[Permission], remedy: &str) -> Result<(), Problem> {
    if needed
        .iter()
        .any(|permission| caller.scope.holds_everywhere(*permission))
    {
        return Ok(());
    }
    let words: Vec<&str> = needed.iter().map(|permission| permission.as_str()).collect();
    Err(Problem::new(
        ProblemKind::Forbidden,
        format!(
            "您的角色没有这项权限 / none of your roles has the permission {}",
            words.join(" or ")
        ),
    )
    .code("not_granted")
    .remedy(remedy))
}

/// May the caller open a case?
///
/// # Errors
/// A problem that says what is missing.
pub(super) fn require_opening(caller: &Caller, procedure: Procedure) -> Result<(), Problem> {
    let needed: &[Permission] = match procedure {
        Procedure::IdleDisposal => &[Permission::WorkOnCases],
        Procedure::Repair => &[Permission::WorkOnCases, Permission::ApplyForRepairs],
    };
    require_one(caller, needed, "let somebody open it who works on cases")
}

/// May the caller record something of that kind?
///
/// # Errors
/// A problem that says what is missing.
pub(super) fn require_recording(caller: &Caller, kind: &str) -> Result<(), Problem> {
    use Permission::{ApplyForRepairs, ConfirmMoney, ProposePolicies, WorkOnCases, WorkOnTitles};
    let needed: &[Permission] = match kind {
        // Whoever confirms the money doesn't write it down.
        "payment" | "remittance" => &[WorkOnCases],
        "score" | "stock_search" | "assessment" => &[ProposePolicies],
        "cost_review" => &[ConfirmMoney],
        "repair_application" => &[WorkOnCases, ApplyForRepairs],
        "works" | "completion" => &[WorkOnCases, ApplyForRepairs],
        "document" | "void" => &[
            WorkOnCases,
            ProposePolicies,
            ConfirmMoney,
            WorkOnTitles,
            ApplyForRepairs,
        ],
        _ => &[WorkOnCases],
    };
    require_one(caller, needed, "let somebody record it whose work it is")
}
