//! The procedures of policy cases: their guards and effects, closed, and the definitions that the program carries.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use workflow::{DefinitionRefused, Vocabulary};

use super::facts::Fact;

/// The definition of one of the procedures.
pub type Definition = workflow::Definition<Guard, Effect>;
/// One of its transitions.
pub type Transition = workflow::Transition<Guard, Effect>;

macro_rules! procedures {
    ($($(#[$doc:meta])* $variant:ident => $word:literal,)+) => {
        /// What kind of case.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Procedure {
            $($(#[$doc])* $variant,)+
        }

        impl Procedure {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word as it stands in the database and in the API.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// None for a word that is no procedure.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|procedure| procedure.as_str() == word)
            }

            /// The definition that the program carries.
            ///
            /// # Errors
            /// Where the file is wrong; the program then doesn't start.
            pub fn definition(self) -> Result<&'static Definition, &'static DefinitionRefused> {
                match self {
                    $(Self::$variant => {
                        static CARRIED: LazyLock<Result<Definition, DefinitionRefused>> = LazyLock::new(|| {
                            let text = include_str!(concat!("../../workflows/", $word, ".toml"));
                            Definition::read($word, text, VOCABULARY)
                        });
                        CARRIED.as_ref()
                    })+
                }
            }
        }
    };
}

procedures! {
    /// 闲置资产一资一策
    IdleDisposal => "idle_disposal",
    /// 大中修
    Repair => "repair",
    /// 办公用房调剂
    Reassign => "reassign",
    /// 办公用房置换
    SwapPremises => "swap_premises",
    /// 办公用房租用
    RentIn => "rent_in",
    /// 办公用房建设
    Build => "build",
    /// 领导干部办公用房配置
    LeaderOffice => "leader_office",
    /// 划转下沉
    HandDown => "hand_down",
    /// 转化为周转住房
    TurnoverHousing => "turnover_housing",
}

/// Whose steps there can be, and what may be recorded.
pub(super) const VOCABULARY: Vocabulary<'_> = Vocabulary {
    roles: &[
        "asset_manager",
        "planner",
        "approver",
        "finance_reviewer",
        "title_clerk",
        "unit_contact",
    ],
    records: Fact::KINDS,
};

/// What must hold before a transition is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyGuard)]
pub enum Guard {
    /// The reason is said.
    ReasonGiven,
    /// The day is said, and lies not ahead.
    DateGiven,
    /// The site was looked at: area, title, safety, book value.
    VerificationRecorded,
    /// At least two routes are compared.
    RoutesScored,
    /// The route that is chosen is one of those compared.
    RouteScored,
    /// ALC-01: before a swap or a development the stock was searched.
    StockSearched,
    /// DSP-03: nothing on the title stands in the way, and who must consent or be told did or was.
    DisposalUnobstructed,
    /// DSP-13: planning agreed to another use.
    PlanningAgreed,
    /// DSP-19: an expert says that the building is dangerous or past mending.
    DemolitionProven,
    /// DSP-06: who approves it is known: a row of thresholds covers it.
    ThresholdKnown,
    /// DSP-06: a collective decision is on record.
    CollectiveDecided,
    /// DSP-06: the office that approves is the next of the chain.
    ApprovalInOrder,
    /// DSP-06: others of the chain come after it.
    ApprovalsFollow,
    /// DSP-06: it is the last of the chain.
    ChainComplete,
    /// DSP-04: it is appraised; for a swap both sides are.
    AppraisalPresent,
    /// DSP-05: the appraisal holds on the day of the deal.
    AppraisalCurrent,
    /// A round of the sale is on record, with its reserve.
    RoundRecorded,
    /// DSP-08: it goes through the public exchange, or is exempt.
    ThroughExchange,
    /// DSP-22: the public notice is over.
    NoticeOver,
    /// Who gets it at which price is on record, and is one of the bids.
    AwardRecorded,
    /// DSP-07: the price reaches the floor and the reserve, or was approved.
    PriceAboveFloor,
    /// The price is said.
    PriceGiven,
    /// The notice of the result is over.
    ResultNoticeOver,
    /// The contract is on record and says what was awarded.
    ContractRecorded,
    /// DSP-11: allocated land is sold with the government's approval and the grant's formalities.
    AllocatedLandSettled,
    /// DSP-23: who owns it together agrees.
    CoOwnersAgree,
    /// Nothing was paid yet.
    NothingPaid,
    /// The price is paid in full.
    PaidInFull,
    /// DSP-09: what was paid is remitted to the treasury.
    RemittedInFull,
    /// What is to be repaired is on record.
    ApplicationRecorded,
    /// MNT-01: it is applied for in time for next year.
    RepairWindow,
    /// The site was visited.
    SiteVisited,
    /// MNT-05, MNT-07: within the standard, and no new fit-out for a new user.
    WithinStandard,
    /// The cost is within the fiscal standard.
    CostWithinStandard,
    /// The notice before the approval is over and objections are answered.
    PublicationOver,
    /// MNT-02: every stage was passed.
    StagesComplete,
    /// The entry in the plan is on record.
    PlanEntryRecorded,
    /// MNT-03: the works begin after the approval.
    WorksRecorded,
    /// The end of the works is on record.
    CompletionRecorded,
    /// The danger is on record.
    EmergencyRecorded,
    /// ALC-01: the stock was searched, and why each suitable space of the same city won't do is said.
    StockAnswered,
    /// SPC-04, ALC-05: what the unit has and what it asks for are within what is due.
    WithinEntitlement,
    /// The space that is to be given is on record.
    AllotmentRecorded,
    /// It stands idle, and nobody else was given it.
    AllotmentFree,
    /// ALC-05: the lease is within what was approved, and its rent not above the market's.
    LeaseWithinApproval,
    /// What is to be built is on record.
    ConstructionRecorded,
    /// ALC-08: the money comes from the budget.
    BudgetFunded,
    /// ALC-07: the works begin after the approval.
    BuildingApproved,
    /// ALC-09: the final accounts are on record.
    AccountsRecorded,
    /// ALC-10: the old premises are handed over.
    OldPremisesHandedOver,
    /// What is movable in the rooms that are left went to the shared store (公物仓).
    MovablesListed,
    /// Who is to sit where is on record.
    LeaderRoomRecorded,
    /// SPC-01: the office is within the limit of the rank.
    LeaderWithinLimit,
    /// USE-06: one leader, one office; a second one only beside a part-time post.
    LeaderOneRoom,
    /// DSP-20: papers, keys and leases are on the hand-over list.
    HandOverListed,
    /// Why this house is to be homes is on record, and it is safe or can be made so.
    HousingChosen,
    /// How many homes it is to be, at which cost, is on record.
    HousingPlanned,
    /// MNT-03: the refit went through a repair case that is finished, or none is needed.
    RefitDone,
    /// The homes are on record, each a room of the house that nobody else has.
    HomesListed,
    /// The case that makes it turnover housing is there.
    HousingCaseOpened,
    /// DSP-20: which bureau is to receive it is on record.
    ReceiverNamed,
    /// DSP-20: the bureau that receives it accepted what is proposed.
    AcceptedByReceiver,
}

/// What a transition brings about, in the same transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PolicyEffect)]
pub enum Effect {
    /// Whoever makes it has put the case forward.
    NoteProposer,
    /// Whoever makes it has judged it.
    NoteDecider,
    /// Decisions made so far no longer count.
    BeginAnew,
    /// The collective decision is on record.
    RecordCollective,
    /// An approval of the chain is on record.
    RecordApproval,
    /// A refusal is on record.
    RecordRefusal,
    /// A price that was approved is on record.
    RecordPrice,
    /// The case's clock rests.
    PauseClock,
    /// It runs on.
    ResumeClock,
    /// The asset's (and its rooms') occupancy follows the route.
    SetOccupancy,
    /// The asset's usage follows the route.
    SetUsage,
    /// The title ends.
    EndTitle,
    /// The building is struck from the title; the land stays.
    StrikeBuilding,
    /// The asset and its rooms leave the books.
    WriteOff,
    /// What is repaired is under repair.
    BeginWorks,
    /// It is what it was before.
    EndWorks,
    /// Approvals made so far no longer count; who applied stays the same.
    VoidApprovals,
    /// The rooms are the unit's; what is rented is rented in.
    TakeIntoUse,
    /// The rooms that the unit leaves are being vacated.
    VacateOld,
    /// The day on which the lease ends is watched.
    WatchExpiry,
    /// The lease stands in the register of leases.
    RegisterLease,
    /// What was rented is given back.
    LeaveRented,
    /// The lease that the case made ends.
    EndLease,
    /// What is given in exchange is being vacated.
    LeaveGiven,
    /// The leader sits in the room.
    SeatLeader,
    /// They no longer do.
    UnseatLeader,
    /// The clock of the state begins anew.
    RunClockAnew,
    /// The asset is of the level of the bureau that receives it.
    HandDown,
    /// The rooms on the list are homes (周转住房).
    SetUpHomes,
}

#[cfg(test)]
mod tests {
    use workflow::model::{self, Place};

    use super::*;
    use crate::procedures::tests::documented;

    #[test]
    fn the_documentation_says_what_the_definitions_say() {
        documented(
            "idle-disposal.md",
            &Procedure::IdleDisposal.definition().unwrap().markdown(),
        );
        for procedure in &Procedure::ALL[1..] {
            let file = format!("{}.md", procedure.as_str().replace('_', "-"));
            documented(&file, &procedure.definition().unwrap().markdown());
        }
    }

    #[test]
    fn every_procedure_has_its_guide_and_its_subject() {
        use workflow::Subject;
        for procedure in Procedure::ALL {
            let definition = procedure.definition().unwrap();
            let asks = !matches!(
                procedure,
                Procedure::IdleDisposal | Procedure::Repair | Procedure::HandDown | Procedure::TurnoverHousing
            );
            assert_eq!(definition.subject == Subject::Unit, asks, "{procedure:?}");
            assert!(definition.guide.is_some(), "{procedure:?} has a guide");
            assert!(
                definition.materials().any(|material| material.required),
                "{procedure:?}"
            );
            assert!(definition.guide_steps().count() >= 5, "{procedure:?}");
        }
    }

    #[test]
    fn nobody_rents_builds_or_swaps_before_the_stock_was_searched() {
        for (procedure, step) in [
            (
                Procedure::RentIn,
                "guards = [\"stock_answered\", \"within_entitlement\"]",
            ),
            (
                Procedure::Build,
                "guards = [\"stock_answered\", \"within_entitlement\"]",
            ),
            (
                Procedure::SwapPremises,
                "guards = [\"stock_answered\", \"within_entitlement\"]",
            ),
        ] {
            let definition = procedure.definition().unwrap();
            assert!(definition.text().contains(step), "{procedure:?}");
            // The approval straight from the application is refused when the program starts, and the way is told.
            let from = definition.transition("approve").unwrap().from[0].clone();
            let round = definition.text().replace(
                &format!("id = \"approve\"\nfrom = [\"{from}\"]"),
                &format!("id = \"approve\"\nfrom = [\"{from}\", \"applied\"]"),
            );
            assert_ne!(round, definition.text());
            let refused = Definition::read(procedure.as_str(), &round, VOCABULARY)
                .map(|_| ())
                .unwrap_err();
            assert!(
                refused
                    .reason
                    .contains("apply → approve leads to approved without search"),
                "{refused}"
            );
        }
    }

    #[test]
    fn every_step_of_every_procedure_is_somebody_s() {
        for procedure in Procedure::ALL {
            assert_eq!(Procedure::parse(procedure.as_str()), Some(*procedure));
            for transition in &procedure.definition().unwrap().transitions {
                for role in &transition.roles {
                    let permission = super::super::permission::permission_of(role);
                    assert!(permission.is_some(), "{}: {role}", transition.id);
                }
            }
        }
    }

    #[test]
    fn all_fourteen_routes_end_and_nothing_is_executed_past_its_approval() {
        let definition = Procedure::IdleDisposal.definition().unwrap();
        assert_eq!(definition.routes.len(), 14);
        let ways = model::ways(definition);
        for route in &definition.routes {
            let on = |state| {
                ways.contains(&Place {
                    state,
                    route: Some(&route.id),
                })
            };
            assert!(on("executed") && on("closed"), "{}", route.id);
        }
        let searched = model::search(definition).unwrap();
        assert!(searched.situations > 5_000, "{searched:?}");
        // The same file with a way round the approval is refused, and the way is named.
        let round = definition.text().replace(
            "id = \"put_to_use\"\nfrom = [\"approved\"]",
            "id = \"put_to_use\"\nfrom = [\"approved\", \"scored\"]",
        );
        assert_ne!(round, definition.text());
        let refused = Definition::read("idle_disposal", &round, VOCABULARY)
            .map(|_| ())
            .unwrap_err();
        assert!(
            refused
                .reason
                .contains("send_back → put_to_use leads to executed without approve")
                || refused.reason.contains("put_to_use leads to executed without approve"),
            "{refused}"
        );
        // So is one with a state that nothing leads to, and one with an effect that there is not.
        for (from, to, words) in [
            (
                "    { id = \"closed\"",
                "    { id = \"sold_twice\", zh = \"x\", en = \"x\", end = true },\n    { id = \"closed\"",
                "nothing leads to the state sold_twice",
            ),
            (
                "effects = [\"write_off\"]",
                "effects = [\"give_away\"]",
                "unknown variant `give_away`",
            ),
        ] {
            let refused = Definition::read("x", &definition.text().replace(from, to), VOCABULARY)
                .map(|_| ())
                .unwrap_err();
            assert!(refused.reason.contains(words), "{words}: {refused}");
        }
    }
}
