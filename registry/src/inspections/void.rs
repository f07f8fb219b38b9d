//! What was recorded or found by mistake is declared void: until the result is published, and never what a step rests on that
//! was taken.

use super::content::{Fact, InspectionContent};
use super::procedure::Definition;
use super::record::roles_of;
use crate::request::{Problem, ProblemKind};

/// Is the result not published yet?
pub(super) fn is_open(content: &InspectionContent) -> bool {
    content.is_open && content.state != "published"
}

/// Nothing is void once the result is published: that is corrected by another publication.
///
/// # Errors
/// `result_published`.
pub(super) fn require_open(content: &InspectionContent) -> Result<(), Problem> {
    if is_open(content) {
        return Ok(());
    }
    Err(Problem::new(
        ProblemKind::Conflict,
        "结果已通报或巡检已结束，不能作废 / the result is published, or the inspection has ended: nothing of it is declared void",
    )
    .code("result_published")
    .remedy("correct it by another inspection"))
}

/// Whose it is to declare that record void: whoever may record one like it; of papers, who brought them or an inspector.
pub(super) fn whose(content: &InspectionContent, no: u32, actor: &str) -> &'static [&'static str] {
    let record = content.details.records.iter().find(|record| record.no == no);
    match record {
        Some(record) if matches!(record.fact, Fact::Document(_)) && record.by != actor => &["inspector"],
        Some(record) => roles_of(&record.fact),
        None => &["inspector", "inspected", "approver"],
    }
}

/// May the record be declared void? What a step rested on stays, unless another record stands for it.
///
/// # Errors
/// `record_stands`.
pub(super) fn require_voidable(content: &InspectionContent, definition: &Definition, no: u32) -> Result<(), Problem> {
    let refuse = |zh: &str, en: &str| {
        Err(Problem::new(ProblemKind::Conflict, format!("{zh} / {en}"))
            .field("no")
            .code("record_stands")
            .remedy("record what is right now; what was recorded stays in the history"))
    };
    let details = &content.details;
    let Some((record, fact)) = details.facts().find(|(record, _)| record.no == no) else {
        return refuse(
            "没有这条记录，或已作废",
            "there is no such record, or it is void already",
        );
    };
    let another = |like: &dyn Fn(&Fact) -> bool| details.facts().any(|(other, fact)| other.no != no && like(fact));
    match fact {
        Fact::Void(_) => refuse("作废不能再作废", "a declaration that something is void stands"),
        Fact::Document(document) => {
            let taken = details.taken.iter().map(|taken| (taken.transition.as_str(), None));
            let is_replaced = another(&|other| matches!(other, Fact::Document(other) if other.kind == document.kind));
            if is_replaced || workflow::step::may_withdraw(definition, taken, &document.kind) {
                Ok(())
            } else {
                refuse(
                    "已办步骤依据此材料，不能作废",
                    "a step that was taken rests on this document",
                )
            }
        }
        _ if record.state == content.state => Ok(()),
        Fact::Visit(visit) => {
            if another(&|other| matches!(other, Fact::Visit(other) if other.asset_id == visit.asset_id)) {
                Ok(())
            } else {
                refuse(
                    "现场检查已结束，这处没有其他检查记录",
                    "the visits have ended, and no other record of this building stands",
                )
            }
        }
        Fact::SelfCheck(_) => {
            if another(&|other| matches!(other, Fact::SelfCheck(_))) {
                Ok(())
            } else {
                refuse(
                    "自查已提交，没有其他自查记录",
                    "the self-check is answered, and no other record of it stands",
                )
            }
        }
    }
}
