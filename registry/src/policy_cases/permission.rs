//! Who may do what with policy cases. Every action asks here and nowhere else.

use crate::request::{Caller, Permission, Place, Problem, ProblemKind};

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

/// Does the caller hold it where the case is, or over the whole registry where nobody can say where that is?
pub(super) fn holds(caller: &Caller, permission: Permission, place: Option<&Place>) -> bool {
    match place {
        Some(place) => caller.scope.holds_at(permission, place),
        None => caller.scope.holds_everywhere(permission),
    }
}

/// Does the caller have that role of the procedures, for a case of that place?
pub(super) fn has_role(caller: &Caller, role: &str, place: Option<&Place>) -> bool {
    permission_of(role).is_some_and(|permission| holds(caller, permission, place))
}

/// Does the caller hold any of those roles for a case of that place?
pub(super) fn works_at(caller: &Caller, place: Option<&Place>) -> bool {
    super::procedure::VOCABULARY
        .roles
        .iter()
        .any(|role| has_role(caller, role, place))
}

fn require_one(caller: &Caller, needed: &[Permission], place: Option<&Place>, remedy: &str) -> Result<(), Problem> {
    if needed.iter().any(|permission| holds(caller, *permission, place)) {
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
pub(super) fn require_opening(caller: &Caller, procedure: Procedure, place: Option<&Place>) -> Result<(), Problem> {
    let needed: &[Permission] = match procedure {
        Procedure::IdleDisposal | Procedure::HandDown | Procedure::TurnoverHousing => &[Permission::WorkOnCases],
        _ => &[Permission::WorkOnCases, Permission::ApplyForRepairs],
    };
    require_one(caller, needed, place, "let somebody open it who works on cases")
}

/// May the caller record something of that kind?
///
/// # Errors
/// A problem that says what is missing.
pub(super) fn require_recording(caller: &Caller, kind: &str, place: Option<&Place>) -> Result<(), Problem> {
    use Permission::{ApplyForRepairs, ConfirmMoney, ProposePolicies, WorkOnCases, WorkOnTitles};
    let needed: &[Permission] = match kind {
        // Whoever confirms the money doesn't write it down.
        "payment" | "remittance" => &[WorkOnCases],
        "score" | "stock_search" | "assessment" | "housing_plan" => &[ProposePolicies],
        "cost_review" => &[ConfirmMoney],
        "repair_application" => &[WorkOnCases, ApplyForRepairs],
        "works" | "completion" | "construction" | "leader_room" | "lease_in" | "movables" => {
            &[WorkOnCases, ApplyForRepairs]
        }
        "allotment" | "transfer_proposal" => &[WorkOnCases, ProposePolicies],
        "final_accounts" => &[WorkOnCases, ConfirmMoney],
        "document" | "void" => &[
            WorkOnCases,
            ProposePolicies,
            ConfirmMoney,
            WorkOnTitles,
            ApplyForRepairs,
        ],
        _ => &[WorkOnCases],
    };
    require_one(caller, needed, place, "let somebody record it whose work it is")
}
