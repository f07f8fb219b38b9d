//! The procedure of stocktakings: its guards and effects, closed, and the definition that the program carries.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use workflow::{DefinitionRefused, Vocabulary};

/// The definition.
pub type Definition = workflow::Definition<Guard, Effect>;
/// One of its transitions.
pub type Transition = workflow::Transition<Guard, Effect>;

/// Whose steps there can be, and what may be recorded.
pub(super) const VOCABULARY: Vocabulary<'_> = Vocabulary {
    roles: &["asset_manager", "unit_contact", "approver"],
    records: &[
        "document",
        "answer",
        "extra",
        "check",
        "explanation",
        "decision",
        "settlement",
    ],
};

/// What must hold before a transition is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StocktakingGuard)]
pub enum Guard {
    /// The reason is said.
    ReasonGiven,
    /// Every line is answered.
    AllAnswered,
    /// Whatever isn't where and what the ledger says was looked at, with position and paper.
    DifferencesChecked,
    /// Every difference is explained.
    AllExplained,
    /// Every difference is decided.
    AllDecided,
    /// Every correction that was decided is made, and names the change that made it.
    AllSettled,
    /// No difference was found: what is missing isn't dropped with the stocktaking.
    NothingFound,
}

/// What a transition brings about, in the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = StocktakingEffect)]
pub enum Effect {
    /// The list is written as the ledger was on the day, and its assets are held against other stocktakings.
    FreezeList,
    /// Whoever makes it has put the differences forward.
    NoteProposer,
    /// Whoever makes it has judged them.
    NoteDecider,
    /// Nobody has put them forward any more.
    BeginAnew,
    /// Its assets are free for the next one.
    ReleaseAssets,
}

/// The definition that the program carries.
///
/// # Errors
/// Where the file is wrong; the program then doesn't start.
pub fn stocktaking() -> Result<&'static Definition, &'static DefinitionRefused> {
    static CARRIED: LazyLock<Result<Definition, DefinitionRefused>> = LazyLock::new(|| {
        let text = include_str!("../../workflows/stocktaking.toml");
        Definition::read("stocktaking", text, VOCABULARY)
    });
    CARRIED.as_ref()
}

#[cfg(test)]
mod tests {
    use workflow::model;

    use super::*;
    use crate::procedures::tests::documented;

    #[test]
    fn the_documentation_says_what_the_definition_says() {
        documented("stocktaking-procedure.md", &stocktaking().unwrap().markdown());
    }

    #[test]
    fn every_step_is_somebody_s() {
        for transition in &stocktaking().unwrap().transitions {
            for role in &transition.roles {
                assert!(
                    super::super::permission::permission_of(role).is_some(),
                    "{}: {role}",
                    transition.id
                );
            }
        }
    }

    #[test]
    fn nothing_is_corrected_before_it_was_approved() {
        let definition = stocktaking().unwrap();
        assert!(model::search(definition).unwrap().situations > 10);
        // The same file with a way round is refused, and the way is named.
        for (from, to, words) in [
            (
                "id = \"report\"\nfrom = [\"correcting\"]",
                "id = \"report\"\nfrom = [\"correcting\", \"explaining\"]",
                "leads to closed without approve",
            ),
            (
                "id = \"begin_check\"\nfrom = [\"confirming\"]\nto = \"checking\"",
                "id = \"begin_check\"\nfrom = [\"confirming\"]\nto = \"explaining\"",
                "leads to explaining without end_check",
            ),
        ] {
            let round = definition.text().replace(from, to);
            assert_ne!(round, definition.text());
            let refused = Definition::read("stocktaking", &round, VOCABULARY)
                .map(|_| ())
                .unwrap_err();
            assert!(refused.reason.contains(words), "{words}: {refused}");
        }
    }
}
