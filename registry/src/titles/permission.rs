//! Who may do what with titles and their cases. Every action asks here and nowhere else.

use crate::request::{Actor, Problem, ProblemKind};

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
pub fn require(actor: &Actor, _action: TitleAction<'_>) -> Result<(), Problem> {
    // Everybody who is somebody; roles are asked here once they exist.
    if actor.0.is_empty() {
        return Err(Problem::new(ProblemKind::NotFound, "nobody is signed in"));
    }
    Ok(())
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
        .code("four_eyes")),
        _ => Ok(()),
    }
}
