//! A transfer to another level (划转、下沉) is two bureaus' (行政事业性国有资产管理条例 art. 22): the one that gives proposes it,
//! and somebody of the one that receives accepts it or declines. That word is all that they write in the case.

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::content::{CaseContent, CaseDetails};
use super::facts::{Fact, Record};
use super::guards::missing;
use super::permission::holds;
use super::procedure::{Definition, Procedure};
use crate::ids::UnitId;
use crate::period::day;
use crate::request::{Caller, Fault, Permission, Place, Problem, ProblemKind};
use crate::spatial_units::KnownAsset;
use crate::units::KnownUnit;
use crate::versioned::Named;

/// The rule that asks for both bureaus' papers, and its article.
const RULE: (&str, &str) = ("DSP-20", "行政事业性国有资产管理条例 art. 22");

/// To which bureau an asset is to go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferProposal {
    /// The bureau that is to receive it, a unit of another level than the asset's.
    pub receiver_id: Uuid,
    /// Why.
    pub why: String,
}

/// The word of the bureau that is to receive an asset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TransferAcceptance)]
pub struct Acceptance {
    /// Does it accept, or decline?
    pub accepted: bool,
    /// When.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// 文号 of its letter; an acceptance has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// What is to be said of it; who declines says why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Acceptance {
    /// Checks what can be checked of it alone.
    ///
    /// # Errors
    /// A problem naming the field.
    pub(super) fn check(&self) -> Result<(), Problem> {
        match (self.accepted, &self.document, &self.note) {
            (true, None, _) => Err(
                Problem::invalid("document", "请填写接收意见的文号 / its letter has no number")
                    .code("document_missing")
                    .rule(RULE.0, RULE.1)
                    .remedy("send the number of the letter by which the bureau accepts (document)"),
            ),
            (false, _, None) => Err(Problem::invalid("note", "请说明不接收的理由 / say why it is declined")
                .code("reason_missing")
                .remedy("send why (note)")),
            _ => Ok(()),
        }
    }
}

/// What is offered, and what was answered.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    /// Who offers it, and when.
    pub record: &'a Record,
    /// To whom.
    pub proposal: &'a TransferProposal,
    /// The last word of the bureau that is to receive it.
    pub answer: Option<(&'a Record, &'a Acceptance)>,
    /// Was something else proposed since that word?
    pub is_stale: bool,
}

impl Offer<'_> {
    /// Who accepted it as it is now.
    fn accepted_by(&self) -> Option<&str> {
        self.answer
            .filter(|(_, answer)| answer.accepted && !self.is_stale)
            .map(|(record, _)| record.by.as_str())
    }

    /// Does it wait for an answer?
    pub fn is_unanswered(&self) -> bool {
        self.answer.is_none() || self.is_stale
    }
}

impl CaseDetails {
    /// What is offered. An earlier proposal doesn't come back when the last one is declared void, and an answer to what was
    /// proposed before the last change of it, or of its paper, no longer counts.
    #[must_use]
    pub fn offer(&self) -> Option<Offer<'_>> {
        let (last, proposal) = self.records.iter().rev().find_map(|record| match &record.fact {
            Fact::TransferProposal(proposal) => Some((record, proposal)),
            _ => None,
        })?;
        self.facts().find(|(record, _)| record.no == last.no)?;
        let changed = self
            .records
            .iter()
            .filter(|record| match &record.fact {
                Fact::TransferProposal(_) => true,
                Fact::Document(document) => document.kind == "proposal",
                _ => false,
            })
            .map(|record| record.no)
            .max()?;
        let answer = self.records.iter().rev().find_map(|record| match &record.fact {
            Fact::Acceptance(answer) if record.no > last.no => Some((record, answer)),
            _ => None,
        });
        Some(Offer {
            record: last,
            proposal,
            is_stale: answer.is_some_and(|(record, _)| record.no < changed),
            answer,
        })
    }

    /// To whom it is offered and by whom, and who accepted: what stands in columns of their own, for the database to judge by.
    pub(super) fn offered(&self) -> (Option<Uuid>, Option<String>, Option<String>) {
        match self.offer() {
            None => (None, None, None),
            Some(offer) => (
                Some(offer.proposal.receiver_id),
                Some(offer.record.by.clone()),
                offer.accepted_by().map(ToOwned::to_owned),
            ),
        }
    }
}

/// Does a case of that procedure give the asset to another level on that route?
fn is_transfer(procedure: Procedure, route: Option<&str>) -> bool {
    match procedure {
        Procedure::HandDown => true,
        Procedure::IdleDisposal => route == Some("transfer_down"),
        _ => false,
    }
}

/// Which bureau is to receive it is on record, where a transfer is proposed.
pub(super) fn receiver_named(case: &CaseContent, route: Option<&str>) -> Option<(String, String)> {
    missing(
        is_transfer(case.procedure, route) && case.details.offer().is_none(),
        "没有登记拟接收单位（划转意向）",
        "which bureau is to receive it is not on record (transfer_proposal)",
    )
}

/// The bureau that receives it accepted what is proposed now, by somebody else than who proposes it.
pub(super) fn accepted(case: &CaseContent, actor: Option<&str>) -> Option<(String, String)> {
    let Some(offer) = case.details.offer() else {
        return receiver_named(case, Some("transfer_down"));
    };
    let declined = match offer.answer {
        None => {
            return missing(
                true,
                "接收方尚未同意接收",
                "the bureau that is to receive it has not accepted yet (acceptance)",
            );
        }
        Some(_) if offer.is_stale => {
            return missing(
                true,
                "接收方答复后方案有变动，须重新征求意见",
                "the proposal changed after it was answered: it has to be accepted anew (acceptance)",
            );
        }
        Some((_, answer)) => (!answer.accepted).then(|| answer.note.clone().unwrap_or_default()),
    };
    if let Some(why) = declined {
        return missing(
            true,
            &format!("接收方不同意接收：{why}"),
            &format!("the bureau that is to receive it declined: {why}"),
        );
    }
    let listed = case.details.hand_over().map(|list| list.receiver_id);
    if listed.is_some_and(|receiver| receiver != offer.proposal.receiver_id) {
        return missing(
            true,
            "移交清单上的接收单位不是同意接收的单位",
            "the hand-over list names another bureau than the one that accepted (hand_over)",
        );
    }
    missing(
        case.put_forward_by.is_none() && actor.is_some() && actor == offer.accepted_by(),
        "代表接收方同意的人不得再代表移交方提请",
        "whoever accepted it for the one bureau doesn't put it forward for the other (GOV-01)",
    )
}

/// Where somebody must be let in to speak for the bureau that is to receive it: where that is, and the asset as it is to be.
/// So who accepts can keep it afterwards; a bureau in whose region the asset doesn't lie has nobody who can do so alone.
pub(super) fn receiving_places((id, unit): (Uuid, &KnownUnit), asset: &KnownAsset) -> [Place; 2] {
    [
        Place {
            region_code: unit.region_code.clone(),
            admin_level: Some(unit.level.clone()),
            unit_id: Some(UnitId(id)),
        },
        Place {
            admin_level: Some(unit.level.clone()),
            ..asset.place.clone()
        },
    ]
}

/// Does the caller speak for the bureau that is to receive it?
pub(super) fn receives(caller: &Caller, places: &[Place; 2]) -> bool {
    places
        .iter()
        .all(|place| holds(caller, Permission::WorkOnCases, Some(place)))
}

/// Who offered it or put it forward doesn't answer it.
pub(super) fn proposed_by(offer: &Offer<'_>, put_forward_by: Option<&str>, actor: &str) -> bool {
    offer.record.by == actor || put_forward_by == Some(actor)
}

async fn places_of(
    connection: &mut PgConnection,
    case: &CaseContent,
    receiver: Uuid,
) -> Result<Option<([Place; 2], KnownUnit)>, Fault> {
    let mut units = crate::units::known_now(&mut *connection, &[receiver]).await?;
    let assets = crate::spatial_units::known_now(connection, case.asset_id.as_slice()).await?;
    let (Some(unit), Some(asset)) = (
        units.remove(&receiver),
        case.asset_id.and_then(|asset| assets.get(&asset)),
    ) else {
        return Ok(None);
    };
    Ok(Some((receiving_places((receiver, &unit), asset), unit)))
}

/// May the caller answer for the bureau that is to receive the asset?
///
/// # Errors
/// A problem that says what is missing: an offer, a grant that reaches there, or a second person.
pub(super) async fn require_answering(
    connection: &mut PgConnection,
    caller: &Caller,
    case: &CaseContent,
) -> Result<(), Problem> {
    let offer = case
        .details
        .offer()
        .filter(|_| is_transfer(case.procedure, case.route.as_deref()));
    let Some(offer) = offer else {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "本案没有待接收方答复的划转方案 / nothing is offered to another bureau in this case",
        )
        .code("nothing_offered")
        .rule(RULE.0, RULE.1)
        .remedy("let the bureau that gives it record to whom it is to go (transfer_proposal)"));
    };
    let places = places_of(connection, case, offer.proposal.receiver_id).await?;
    if !places.is_some_and(|(places, _)| receives(caller, &places)) {
        return Err(Problem::new(
            ProblemKind::Forbidden,
            "只有接收方一级的资产管理员可以答复 / only somebody of the bureau that is to receive it answers",
        )
        .code("not_granted")
        .rule(RULE.0, RULE.1)
        .remedy("let somebody answer who works on cases of that bureau's level and region"));
    }
    if proposed_by(&offer, case.put_forward_by.as_deref(), &caller.actor.0) {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "提请人不得代表接收方答复 / whoever proposed it doesn't answer for the other bureau",
        )
        .code("four_eyes")
        .rule("GOV-01", "行政事业性国有资产管理条例 art. 19")
        .remedy("let a second person answer"));
    }
    Ok(())
}

/// Can it be offered to that bureau: is it there, and of another level?
///
/// # Errors
/// A problem naming the field.
pub(super) async fn require_offerable(
    connection: &mut PgConnection,
    case: &CaseContent,
    proposal: &TransferProposal,
) -> Result<(), Problem> {
    let units = crate::units::known_now(&mut *connection, &[proposal.receiver_id]).await?;
    let unit = units.get(&proposal.receiver_id).ok_or_else(|| {
        Problem::invalid("receiver_id", "没有这个单位 / no unit is registered under this id")
            .code("unit_unknown")
            .remedy("send the id of a unit")
    })?;
    let assets = crate::spatial_units::known_now(connection, case.asset_id.as_slice()).await?;
    let level = case
        .asset_id
        .and_then(|asset| assets.get(&asset)?.place.admin_level.as_deref());
    match level == Some(unit.level.as_str()) {
        true => Err(Problem::invalid(
            "receiver_id",
            "接收方与资产同属一级 / the bureau that receives it is of the asset's own level",
        )
        .code("same_level")
        .rule(RULE.0, RULE.1)
        .remedy("name the bureau of the other level")),
        false => Ok(()),
    }
}

/// What the receiving bureau was asked and said.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = PolicyCaseTransfer)]
pub struct TransferTold {
    /// The bureau that is to receive it.
    pub receiver: Named,
    /// Its level.
    pub level: Option<String>,
    /// Why it.
    pub why: String,
    /// Who offered it.
    pub offered_by: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub offered_at: OffsetDateTime,
    /// `waiting`, `accepted`, `declined`, or `changed`: answered, and proposed anew since.
    pub answer: &'static str,
    /// Who answered last.
    pub answered_by: Option<String>,
    /// The day that they say.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub answered_on: Option<Date>,
    /// 文号 of their letter.
    pub document: Option<String>,
    /// What they said of it.
    pub note: Option<String>,
    /// Does the case take an answer where it stands?
    pub takes_answer: bool,
    /// May the reader give it?
    pub may_answer: bool,
}

/// Tells of what is offered, where something is.
///
/// # Errors
/// The database's.
pub(super) async fn told(
    connection: &mut PgConnection,
    caller: &Caller,
    (case, definition): (&CaseContent, &Definition),
) -> Result<Option<TransferTold>, Fault> {
    let offer = case.details.offer().filter(|_| {
        case.procedure != Procedure::IdleDisposal || matches!(case.route.as_deref(), None | Some("transfer_down"))
    });
    let Some(offer) = offer else {
        return Ok(None);
    };
    let receiver = offer.proposal.receiver_id;
    let places = places_of(connection, case, receiver).await?;
    let takes_answer =
        case.is_open && is_answered_in(definition, (Some(case.procedure), &case.state), case.route.as_deref());
    let may_answer = takes_answer
        && places.as_ref().is_some_and(|(places, _)| receives(caller, places))
        && !proposed_by(&offer, case.put_forward_by.as_deref(), &caller.actor.0);
    let unit = places.map(|(_, unit)| unit);
    let (answered_by, answer) = offer.answer.unzip();
    Ok(Some(TransferTold {
        receiver: Named {
            id: receiver,
            code: unit.as_ref().map(|unit| unit.code.clone()),
            name: unit.as_ref().map(|unit| unit.name.clone()),
        },
        level: unit.map(|unit| unit.level),
        why: offer.proposal.why.clone(),
        offered_by: offer.record.by.clone(),
        offered_at: offer.record.at,
        answer: match answer {
            None => "waiting",
            Some(_) if offer.is_stale => "changed",
            Some(answer) if answer.accepted => "accepted",
            Some(_) => "declined",
        },
        answered_by: answered_by.map(|record| record.by.clone()),
        answered_on: answer.map(|answer| answer.on),
        document: answer.and_then(|answer| answer.document.clone()),
        note: answer.and_then(|answer| answer.note.clone()),
        takes_answer,
        may_answer,
    }))
}

/// Does an open case take an answer in a state, on a route?
pub(super) fn is_answered_in(
    definition: &Definition,
    (procedure, state): (Option<Procedure>, &str),
    route: Option<&str>,
) -> bool {
    procedure.is_some_and(|procedure| is_transfer(procedure, route))
        && definition
            .state(state)
            .is_some_and(|state| state.records.iter().any(|kind| kind == "acceptance"))
}
