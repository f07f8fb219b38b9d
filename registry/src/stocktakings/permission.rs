//! Who may do what with stocktakings. Every action asks here and nowhere else.

use crate::request::{Caller, Permission, Place, Problem, ProblemKind};

/// What a role of the procedure stands for. A test reads the procedure and asks for each of its roles.
pub(super) fn permission_of(role: &str) -> Option<Permission> {
    match role {
        "asset_manager" => Some(Permission::WorkOnCases),
        "unit_contact" => Some(Permission::ApplyForRepairs),
        "approver" => Some(Permission::ApprovePolicies),
        _ => None,
    }
}

/// Does the caller have that role of the procedure, there?
pub(super) fn has_role(caller: &Caller, role: &str, place: &Place) -> bool {
    permission_of(role).is_some_and(|permission| caller.scope.holds_at(permission, place))
}

/// May the caller record something of that kind, there?
///
/// # Errors
/// A problem that says what is missing.
pub(super) fn require_recording(caller: &Caller, kind: &str, place: &Place) -> Result<(), Problem> {
    caller.require_at(Permission::TakeStock, place)?;
    let needed: &[Permission] = match kind {
        "check" => &[Permission::WorkOnCases],
        "decision" => &[Permission::ApprovePolicies],
        "document" => &[
            Permission::WorkOnCases,
            Permission::ApplyForRepairs,
            Permission::ApprovePolicies,
        ],
        _ => &[Permission::WorkOnCases, Permission::ApplyForRepairs],
    };
    require_one(caller, needed, place, "let somebody record it whose work it is")
}

/// May the caller open a stocktaking, there?
///
/// # Errors
/// A problem that says what is missing.
pub(super) fn require_opening(caller: &Caller, place: &Place) -> Result<(), Problem> {
    caller.require_at(Permission::TakeStock, place)?;
    require_one(
        caller,
        &[Permission::WorkOnCases],
        place,
        "let an asset manager of that part open it",
    )
}

fn require_one(caller: &Caller, needed: &[Permission], place: &Place, remedy: &str) -> Result<(), Problem> {
    if needed
        .iter()
        .any(|permission| caller.scope.holds_at(*permission, place))
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
