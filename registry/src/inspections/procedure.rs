//! The procedure of inspections: its guards and effects, closed, and the definition that the program carries.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use workflow::{DefinitionRefused, Vocabulary};

use super::content::Fact;

/// The definition of the procedure.
pub type Definition = workflow::Definition<Guard, Effect>;
/// One of its transitions.
pub type Transition = workflow::Transition<Guard, Effect>;

/// Whose steps there can be, and what may be recorded: facts, the sample, and findings.
pub(super) const VOCABULARY: Vocabulary<'_> = Vocabulary {
    roles: &["inspector", "inspected", "approver"],
    records: &Fact::AND_MORE,
};

/// What must hold before a transition is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InspectionGuard)]
pub enum Guard {
    /// The reason is said.
    ReasonGiven,
    /// The sample is drawn, or chosen by hand.
    SampleDrawn,
    /// The self-check is answered.
    SelfCheckAnswered,
    /// Each building of the sample was visited.
    SampleVisited,
    /// Something was found.
    SomethingFound,
    /// Nothing was.
    NothingFound,
    /// Everything that was found is put right and looked at again, or has a reason and a day.
    FindingsSettled,
    /// At least one indicator that weighs can be said.
    ScoreComputable,
}

/// What a transition brings about, in the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InspectionEffect)]
pub enum Effect {
    /// Whoever makes it has put the inspection forward.
    NoteProposer,
    /// Whoever makes it has judged it.
    NoteDecider,
    /// The working days of every finding begin.
    IssueFindings,
    /// Indicators, weights, score and grade are kept as they are.
    FreezeScore,
    /// They no longer count.
    ThawScore,
}

/// The definition that the program carries.
///
/// # Errors
/// Where the file is wrong; the program then doesn't start.
pub fn definition() -> Result<&'static Definition, &'static DefinitionRefused> {
    static CARRIED: LazyLock<Result<Definition, DefinitionRefused>> = LazyLock::new(|| {
        let text = include_str!("../../workflows/inspection.toml");
        Definition::read("inspection", text, VOCABULARY)
    });
    CARRIED.as_ref()
}

#[cfg(test)]
mod tests {
    use workflow::model;

    use super::*;
    use crate::procedures::tests::documented;

    #[test]
    fn the_documentation_says_what_the_procedure_of_inspections_says() {
        documented("inspection-steps.md", &definition().unwrap().markdown());
    }

    #[test]
    fn nothing_is_published_past_the_re_check_and_every_step_is_somebody_s() {
        let definition = definition().unwrap();
        for transition in &definition.transitions {
            for role in &transition.roles {
                assert!(super::super::permission::permission_of(role).is_some(), "{role}");
            }
        }
        assert!(model::search(definition).unwrap().situations > 10);
        for (step, round, told) in [
            (
                "id = \"publish\"\nfrom = [\"scored\"]",
                "id = \"publish\"\nfrom = [\"scored\", \"rectifying\"]",
                "publish leads to published without",
            ),
            (
                "id = \"visit\"\nfrom = [\"self_checked\"]",
                "id = \"visit\"\nfrom = [\"self_checked\", \"sampled\"]",
                "visit leads to visited without self_check",
            ),
            (
                "id = \"score\"\nfrom = [\"rechecked\"]",
                "id = \"score\"\nfrom = [\"rechecked\", \"rectifying\"]",
                "leads to published without recheck or pass",
            ),
        ] {
            let text = definition.text().replace(step, round);
            assert_ne!(text, definition.text());
            let refused = Definition::read("inspection", &text, VOCABULARY)
                .map(|_| ())
                .unwrap_err();
            assert!(refused.reason.contains(told), "{told}: {refused}");
        }
    }
}
