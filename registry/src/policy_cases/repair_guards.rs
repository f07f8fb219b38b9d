//! What must hold before a building is repaired, while it is, and afterwards.

use rust_decimal::Decimal;
use time::{Date, Month};

use super::content::{CaseContent, Decided};
use super::facts::{Assessment, Completion, CostReview, Emergency, Fact, Necessity, PlanEntry, Publication, Works};
use super::guards::{has, misplaced, missing};
use super::procedure::Guard;

/// Words in Chinese and in English.
type Words = (String, String);

/// The last day on which a repair is applied for, for the plan of a year: 1 August of the year before.
fn repair_deadline(for_year: i32) -> Option<Date> {
    Date::from_calendar_date(for_year - 1, Month::August, 1).ok()
}

/// What is on record of the works' cost.
fn cost_words(case: &CaseContent) -> Option<Words> {
    let review: Option<&CostReview> = case.details.last(|fact| match fact {
        Fact::CostReview(review) => Some(review),
        _ => None,
    });
    match review {
        None => missing(
            true,
            "没有造价审核记录",
            "the review of the cost is missing (cost_review)",
        ),
        Some(review) => missing(
            review.cost > review.standard,
            &format!("审核造价{}元超过财政资金标准{}元", review.cost, review.standard),
            &format!(
                "the cost {} is above the fiscal standard {}",
                review.cost, review.standard
            ),
        ),
    }
}

/// Why the guard doesn't hold; none where it does.
pub(super) fn check(guard: Guard, case: &CaseContent, today: Date) -> Option<Words> {
    let details = &case.details;
    match guard {
        Guard::ApplicationRecorded => missing(
            !has(case, "repair_application"),
            "没有申报内容",
            "what is to be repaired is missing (repair_application)",
        ),
        Guard::RepairWindow => {
            let application = details.last(|fact| match fact {
                Fact::RepairApplication(application) => Some(application),
                _ => None,
            })?;
            let last = repair_deadline(application.for_year)?;
            missing(
                today > last,
                &format!(
                    "{}年度大中修应在{last}前申报，今天{today}已逾期，请申报下一年度",
                    application.for_year
                ),
                &format!(
                    "repairs of {} are applied for by {last}, and today is {today}: too late; apply for the year after",
                    application.for_year
                ),
            )
        }
        Guard::SiteVisited => missing(
            !has(case, "site_visit"),
            "没有现场勘查记录",
            "the visit to the site is missing (site_visit)",
        ),
        Guard::WithinStandard => {
            let assessment: Option<&Assessment> = details.last(|fact| match fact {
                Fact::Assessment(assessment) => Some(assessment),
                _ => None,
            });
            let for_user = details.facts().any(|(_, fact)| {
                matches!(fact, Fact::RepairApplication(application) if application.necessity == Necessity::ChangeOfUser)
            });
            match assessment {
                None => missing(true, "没有评估论证记录", "the assessment is missing (assessment)"),
                Some(assessment) => missing(
                    !assessment.within_standard || assessment.enlarges_percent > Decimal::from(15),
                    "超标准，或扩建超过建筑面积的15%",
                    "it is above the standard, or enlarges the floor area by more than 15 %",
                )
                .or_else(|| {
                    missing(
                        for_user,
                        "不得因人员、单位变动重新装修（MNT-07）",
                        "a new user is no reason for a new fit-out (MNT-07)",
                    )
                }),
            }
        }
        Guard::CostWithinStandard => cost_words(case),
        Guard::PublicationOver => {
            let publication: Option<&Publication> = details.last(|fact| match fact {
                Fact::Publication(publication) => Some(publication),
                _ => None,
            });
            match publication {
                None => missing(true, "没有批前公示记录", "the notice is missing (publication)"),
                Some(publication) => missing(
                    publication.to >= today || (publication.objections > 0 && !publication.answered),
                    "公示未期满，或异议未答复",
                    "the notice is not over, or objections are not answered",
                ),
            }
        }
        Guard::StagesComplete => {
            let stages = [
                ("site_visit", "现场勘查", "site visit"),
                ("assessment", "评估论证", "assessment"),
                ("cost_review", "造价审核", "review of the cost"),
                ("publication", "批前公示", "notice"),
            ];
            let open: Vec<_> = stages.iter().filter(|(kind, _, _)| !has(case, kind)).collect();
            (!open.is_empty()).then(|| {
                (
                    format!(
                        "缺少阶段：{}",
                        open.iter().map(|(_, zh, _)| *zh).collect::<Vec<_>>().join("、")
                    ),
                    format!(
                        "stages are missing: {}",
                        open.iter().map(|(_, _, en)| *en).collect::<Vec<_>>().join(", ")
                    ),
                )
            })
        }
        Guard::PlanEntryRecorded => {
            let entry: Option<&PlanEntry> = details.last(|fact| match fact {
                Fact::PlanEntry(entry) => Some(entry),
                _ => None,
            });
            let year = details.last(|fact| match fact {
                Fact::RepairApplication(application) => Some(&application.for_year),
                _ => None,
            });
            match entry {
                None => missing(
                    true,
                    "没有年度计划条目",
                    "the entry in the plan is missing (plan_entry)",
                ),
                Some(entry) => missing(
                    year.is_some_and(|year| *year != entry.year),
                    "计划年度与申报年度不一致",
                    "the plan is of another year than the application",
                ),
            }
        }
        Guard::WorksRecorded => {
            let works: Option<&Works> = details.last(|fact| match fact {
                Fact::Works(works) => Some(works),
                _ => None,
            });
            let approved = details.decisions(Decided::Approval).map(|decision| decision.on).max();
            match works {
                None => missing(true, "没有开工记录", "the beginning of the works is missing (works)"),
                Some(works) => missing(
                    approved.is_none_or(|approved| works.started_on < approved),
                    "开工早于批准，属未批先修",
                    "the works began before the approval",
                ),
            }
        }
        Guard::CompletionRecorded => {
            let completion: Option<&Completion> = details.last(|fact| match fact {
                Fact::Completion(completion) => Some(completion),
                _ => None,
            });
            missing(
                completion.is_none(),
                "没有竣工记录",
                "the end of the works is missing (completion)",
            )
        }
        Guard::EmergencyRecorded => {
            let emergency: Option<&Emergency> = details.last(|fact| match fact {
                Fact::Emergency(emergency) => Some(emergency),
                _ => None,
            });
            missing(emergency.is_none(), "没有险情记录", "the danger is missing (emergency)")
        }
        _ => misplaced(guard),
    }
}
