//! Who may do what with titles and their cases. Every action asks here and nowhere else.

use crate::request::{Actor, Caller, DoorRule, Permission, Problem, ProblemKind};

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TitleAction<'a> {
    /// Take over a title that the registry has recorded.
    Register,
    /// Correct what the book says.
    Correct,
    /// End a title.
    Cancel,
    /// Enter or release an encumbrance.
    Encumber,
    /// Open a case, or work on its papers.
    WorkOnCase,
    /// Take a case one step further; the transition's own roles.
    Step(&'a [String]),
}

/// May the actor do it?
///
/// # Errors
/// A problem that says what is missing.
pub fn require(caller: &Caller, action: TitleAction<'_>) -> Result<(), Problem> {
    let needed: Vec<Permission> = match action {
        TitleAction::Register
        | TitleAction::Correct
        | TitleAction::Cancel
        | TitleAction::Encumber
        | TitleAction::WorkOnCase => vec![Permission::WorkOnTitles],
        TitleAction::Step(roles) => roles.iter().filter_map(|role| permission_of(role)).collect(),
    };
    if needed
        .iter()
        .any(|permission| caller.scope.holds_everywhere(*permission))
    {
        return Ok(());
    }
    let words: Vec<&str> = needed.iter().map(|permission| permission.as_str()).collect();
    Err(Problem::new(
        ProblemKind::Forbidden,
        format!("none of your roles has the permission {}", words.join(" or ")),
    )
    .code("not_granted")
    .remedy("let somebody do it whose step it is (GET /api/v1/workflows/title_case says whose)"))
}

/// What a role of the procedure stands for. A test reads the procedure and asks for each of its roles.
pub(crate) fn permission_of(role: &str) -> Option<Permission> {
    match role {
        "title_clerk" => Some(Permission::WorkOnTitles),
        "title_reviewer" => Some(Permission::ReviewTitles),
        "approver" => Some(Permission::ApproveTitles),
        _ => None,
    }
}

/// Four eyes: whoever put something forward doesn't judge it.
///
/// # Errors
/// A problem that names who put it forward.
pub fn require_another(actor: &Actor, submitted_by: Option<&str>) -> Result<(), Problem> {
    match submitted_by {
        Some(submitted_by) if submitted_by == actor.0 => Err(Problem::new(
            ProblemKind::Conflict,
            format!("{submitted_by} put it forward and can't review it too (GOV-01)"),
        )
        .remedy("let a second person look at it")
        .code("four_eyes")
        .breaks(
            DoorRule::FourEyes,
            serde_json::json!({"submitted_by": submitted_by, "actor": actor.0}),
        )),
        _ => Ok(()),
    }
}
