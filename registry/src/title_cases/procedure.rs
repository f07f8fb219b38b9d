//! The procedure of titles: its guards and effects, closed, and the definition that the program carries.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use workflow::{DefinitionRefused, Vocabulary};

/// The definition of titles' procedure.
pub type Definition = workflow::Definition<Guard, Effect>;
/// One of its transitions.
pub type Transition = workflow::Transition<Guard, Effect>;

/// What must hold before a transition is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// The policy action is set, and the registration type where one follows.
    PolicyActionGiven,
    /// The reason is said.
    ReasonGiven,
    /// A document of approval is named.
    ApprovalGiven,
    /// The written consent or decision is named.
    ConsentGiven,
    /// All eight checks of a return are done.
    ReturnChecksDone,
    /// Those checks of a return that rest on a paper name it.
    ReturnPapersGiven,
    /// What a platform company holds comes to another by a return alone.
    CompanyReturns,
    /// Nothing on the title blocks the registration, and who must be told or consent is on record.
    EncumbrancesHandled,
    /// The documents of the registration type are there.
    DocumentsComplete,
    /// The unit code is right in form and no provisional one.
    UnitCodeFirm,
    /// The parcel or building has a shape.
    ShapeKnown,
    /// Certificate and survey agree within 3 %, or somebody said why not.
    AreaChecked,
    /// No dispute is open.
    NoOpenDispute,
    /// What the title is to say is complete.
    TitleTermsGiven,
    /// The day is said.
    DateGiven,
    /// No supplement was asked for before: it is asked once.
    SupplementNotUsed,
    /// A ground of refusal of the closed list is named.
    RefusalGroundGiven,
    /// The certificate's number is known.
    CertificateGiven,
    /// A reason of the closed list and its evidence are given.
    FilingReasonGiven,
    /// The documents of a filing are there.
    FilingDocumentsComplete,
    /// What is to become of what, each new one with its shape and its own unit code.
    SuccessionGiven,
    /// Why the title ends.
    EndGiven,
    /// What is to be entered on the title.
    EntryGiven,
    /// The suit was brought while the objection held.
    SuitInTime,
    /// What was entered has lapsed.
    EntryLapsed,
}

impl Guard {
    /// Its name in definitions.
    #[must_use]
    pub fn name(self) -> String {
        workflow::word(&self)
    }
}

/// What a transition brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Whoever makes it has put the case forward; what was reviewed before no longer counts.
    NoteSubmitter,
    /// Whoever makes it has reviewed the case.
    NoteReviewer,
    /// The 30 working days begin.
    StartClock,
    /// They are over.
    StopClock,
    /// The one supplement is used.
    NoteSupplement,
    /// The title is written.
    RecordTitle,
    /// The asset's registration status follows.
    SetTitleStatus,
    /// What comes back from a company is used as offices again.
    RestoreUse,
    /// The certificate's number and day are noted in the title.
    NoteCertificate,
    /// Nothing may be disposed of.
    FreezeDisposal,
    /// It may again, as far as this case goes.
    LiftFreeze,
    /// A filing comes back for review.
    SetReviewDate,
    /// What was put forward and reviewed before no longer counts.
    BeginAnew,
    /// The old parcels or buildings and their titles end, the new ones begin.
    CarryOutSuccession,
    /// The title ends.
    EndTitle,
    /// The objection, pre-notice or seizure is entered on the title.
    EnterEncumbrance,
    /// The entry no longer lapses by itself.
    KeepEntry,
    /// The 90 days of a pre-notice begin.
    StartNoticeDays,
    /// The entry is taken off the title.
    ReleaseEntry,
    /// The entry ended with its last day.
    ReleaseLapsed,
}

/// Whose steps there can be.
pub(super) const VOCABULARY: Vocabulary<'_> = Vocabulary {
    roles: &["title_clerk", "title_reviewer", "approver"],
    records: &[],
};

/// The workflow of titles, as the program carries it.
///
/// # Errors
/// Where the file is wrong; the program then doesn't start.
pub fn title_case() -> Result<&'static Definition, &'static DefinitionRefused> {
    static TITLE_CASE: LazyLock<Result<Definition, DefinitionRefused>> = LazyLock::new(|| {
        let text = include_str!("../../workflows/title_case.toml");
        Definition::read("title_case", text, VOCABULARY)
    });
    TITLE_CASE.as_ref()
}

#[cfg(test)]
mod tests {
    use super::title_case;
    use crate::procedures::tests::documented;

    #[test]
    fn the_documentation_says_what_the_definition_says() {
        documented("title-cases.md", &title_case().unwrap().markdown());
    }

    #[test]
    fn every_step_of_the_procedure_is_there() {
        let definition = title_case().unwrap();
        for (from, to) in [
            ("surveyed", "classified"),
            ("classified", "collecting"),
            ("classified", "return_talks"),
            ("classified", "kept"),
            ("collecting", "ready"),
            ("collecting", "filing_draft"),
            ("return_talks", "clearing"),
            ("return_talks", "return_approved"),
            ("return_talks", "filing_draft"),
            ("clearing", "return_approved"),
            ("return_approved", "ready"),
            ("ready", "submitted"),
            ("submitted", "accepted"),
            ("submitted", "supplement"),
            ("submitted", "refused_intake"),
            ("supplement", "submitted"),
            ("accepted", "reviewing"),
            ("reviewing", "recorded"),
            ("reviewing", "rejected"),
            ("reviewing", "supplement"),
            ("rejected", "collecting"),
            ("rejected", "filing_draft"),
            ("withdrawn", "collecting"),
            ("recorded", "certified"),
            ("certified", "archived"),
            ("filing_draft", "filing_review"),
            ("filing_review", "filed"),
            ("filing_review", "collecting"),
            ("filed", "collecting"),
            ("filing_review", "return_talks"),
            ("filed", "return_talks"),
            ("kept", "archived"),
        ] {
            let there = definition
                .transitions
                .iter()
                .any(|transition| transition.to == to && transition.from.iter().any(|state| state == from));
            assert!(there, "{from} → {to}");
        }
        // Once recorded, nothing is withdrawn.
        assert!(
            definition
                .leaving("recorded", None)
                .all(|transition| transition.to != "withdrawn")
        );
    }

    /// Without the step back to the talks the way round the approval is found at start-up.
    #[test]
    fn a_way_round_the_approval_of_a_return_is_found() {
        let text = title_case().unwrap().text();
        let open = text.replace(
            r#"routes = ["re_register", "first_register", "file", "change", "correct", "split_merge", "cancel", "objection", "pre_notice", "seizure"]
guards = ["reason_given"]"#,
            r#"guards = ["reason_given"]"#,
        );
        assert_ne!(open, text);
        let refused = super::Definition::read("title_case", &open, super::VOCABULARY).unwrap_err();
        assert!(
            refused.reason.contains("leads to recorded without approve_return"),
            "{refused}"
        );
    }

    #[test]
    fn every_step_of_the_procedure_is_somebody_s() {
        for transition in &title_case().unwrap().transitions {
            for role in &transition.roles {
                let permission = crate::titles::permission::permission_of(role);
                assert!(permission.is_some(), "{}: {role}", transition.id);
            }
        }
    }
}
