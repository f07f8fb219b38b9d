//! `POST /api/v1/inspection-findings/{id}/steps`: what is done about a finding.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::Date;
use uuid::Uuid;

use super::content::{FindingContent, FindingStep, held_finding, select_findings};
use super::list::{FindingLine, WHAT, load, parse_id};
use super::note::papers;
use crate::documents::Holder;
use crate::ids::{DocumentId, InspectionFindingId, InspectionId, VersionId};
use crate::inspections::content::{held_inspection, select_inspections};
use crate::inspections::permission::{Inspected, has_role, require_role};
use crate::inspections::record::take_up;
use crate::inspections::void::require_open;
use crate::ledger::Action;
use crate::period::{Held, day, revise};
use crate::request::fields::{plain_text, sane_day};
use crate::request::{Body, Context, Fault, Problem, ProblemKind, etag, require_match};
use crate::versioned::{Occasion, answer, write_revision};
use crate::working_days::WorkingCalendar;

/// The longest that a finding stays as it is, days.
const LONGEST_DEFERRAL: i64 = 366 * 3;
/// Where the order of steps comes from.
const BASIS: &str = "党政机关办公用房管理办法 art. 32";

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = InspectionFindingAct)]
pub(super) enum Act {
    /// 整改: it is put right; by the inspected.
    Rectify,
    /// 复查通过: it is right; by another person.
    Confirm,
    /// 退回整改: it isn't; by another person.
    SendBack,
    /// 延期: it stays as it is until a day, with a reason.
    Defer,
    /// 作废: it was no finding, with a reason.
    Void,
}

impl Act {
    fn as_str(self) -> &'static str {
        match self {
            Self::Rectify => "rectify",
            Self::Confirm => "confirm",
            Self::SendBack => "send_back",
            Self::Defer => "defer",
            Self::Void => "void",
        }
    }
}

/// A step, and what has to be said with it.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InspectionFindingStep {
    /// What is done.
    step: Act,
    /// What was done, or why.
    #[serde(default)]
    text: Option<String>,
    /// The papers that show it, by their ids.
    #[serde(default)]
    papers: Vec<DocumentId>,
    /// Of a deferral: its last day.
    #[serde(default, with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    until: Option<Date>,
}

async fn write(
    connection: &mut PgConnection,
    context: &Context,
    id: InspectionFindingId,
    held: &Held<FindingContent>,
    content: FindingContent,
    reason: String,
) -> Result<Option<VersionId>, Fault> {
    let revision = revise(
        std::slice::from_ref(held),
        held.valid,
        Some(content),
        context.clock.now(),
    );
    let occasion = Occasion::by(&context.actor, Some(reason));
    write_revision(
        connection,
        id.0,
        Action::Change,
        &revision,
        Some(&held.content),
        &occasion,
    )
    .await
}

/// The last of a finding's working days after the notice, where it is known.
pub(in crate::inspections) fn due_by(issued_on: Date, days: i32, calendar: &WorkingCalendar) -> Option<Date> {
    calendar.deadline(issued_on, u32::try_from(days).ok()?).due_on()
}

/// The notice goes out: the working days of every finding begin.
pub(in crate::inspections) async fn issue(
    connection: &mut PgConnection,
    context: &Context,
    inspection: InspectionId,
) -> Result<(), Fault> {
    let today = context.clock.today();
    let calendar = WorkingCalendar::in_force(connection).await?;
    let findings = select_findings!(
        "where v.inspection_id = $1 and v.state <> 'void' and upper_inf(v.recorded) order by v.object_id",
        inspection.0
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in findings {
        let id = InspectionFindingId(row.object_id);
        let held = row.stored().held()?;
        let mut content = held.content.clone();
        content.issued_on = Some(today);
        content.due_on = due_by(today, content.days, &calendar);
        content.details.steps.push(FindingStep {
            step: "issue".to_owned(),
            by: context.actor.0.clone(),
            on: today,
            text: None,
            papers: Vec::new(),
            until: None,
        });
        write(
            connection,
            context,
            id,
            &held,
            content,
            "下发整改通知 / notice issued".to_owned(),
        )
        .await?;
    }
    Ok(())
}

/// Is it the caller's part? Of a finding its own place counts for whoever puts it right, the inspection's for inspectors.
async fn require_part(
    connection: &mut PgConnection,
    context: &Context,
    finding: &FindingContent,
    act: Act,
) -> Result<(), Problem> {
    let inspection = select_inspections!(
        "where v.object_id = $1 and upper_inf(v.recorded)",
        finding.inspection_id
    )
    .fetch_optional(connection)
    .await?
    .map(crate::inspections::content::InspectionRow::content)
    .transpose()?;
    let own = Inspected {
        region_code: &finding.region_code,
        unit_id: finding.unit_id,
        is_below: false,
    };
    match (act, &inspection) {
        (Act::Rectify, _) if has_role(&context.caller, "inspected", own) => Ok(()),
        (Act::Rectify, Some(inspection)) => require_role(&context.caller, "inspected", Inspected::from(inspection)),
        (Act::Rectify, None) => require_role(&context.caller, "inspected", own),
        (_, Some(inspection)) => require_role(&context.caller, "inspector", Inspected::from(inspection)),
        // Who doesn't see the inspection is none of its inspectors.
        (_, None) => Err(
            Problem::new(ProblemKind::Forbidden, "由巡检人员办理 / this is the inspectors'")
                .code("not_granted")
                .remedy("let somebody do it whose part it is"),
        ),
    }
}

fn conflict(code: &str, zh: &str, en: &str, remedy: &str) -> Problem {
    Problem::new(ProblemKind::Conflict, format!("{zh} / {en}"))
        .code(code)
        .remedy(remedy)
}

/// A finding is void once, and once the notice is out not by whoever found it or says that it is put right.
fn require_voidable(finding: &FindingContent, actor: &str) -> Result<(), Problem> {
    if finding.state == "void" {
        return Err(conflict(
            "finding_state",
            "该问题已作废",
            "the finding is void already",
            "read the finding again",
        ));
    }
    let is_own = finding.found_by == actor || finding.rectified_by.as_deref() == Some(actor);
    if finding.issued_on.is_some() && is_own {
        return Err(conflict(
            "four_eyes",
            "整改通知下发后，登记人和整改人不得自行作废",
            "once the notice is out, neither whoever found it nor whoever put it right declares it void",
            "let a second person do it",
        )
        .rule("GOV-01", BASIS));
    }
    Ok(())
}

/// A kept score counts the findings: it is sent back before one of them is void.
async fn require_not_scored(connection: &mut PgConnection, inspection: Uuid) -> Result<(), Problem> {
    let held = held_inspection(connection, InspectionId(inspection))
        .await?
        .ok_or_else(|| Problem::not_found("this inspection"))?;
    require_open(&held.content)?;
    if held.content.details.scoring.is_some() {
        return Err(conflict(
            "score_kept",
            "已评分，得分含此问题：先退回重评",
            "the score that was kept counts this finding",
            "send the score back first (transition send_back)",
        ));
    }
    Ok(())
}

/// What the finding says after the step.
fn taken(
    before: &FindingContent,
    said: &InspectionFindingStep,
    text: Option<String>,
    (actor, today): (&str, Date),
) -> Result<FindingContent, Problem> {
    let mut after = before.clone();
    if said.step == Act::Void {
        require_voidable(before, actor)?;
    } else if before.issued_on.is_none() {
        return Err(conflict(
            "not_issued",
            "整改通知尚未下发",
            "the notice is not issued yet",
            "issue the notice first (transition issue)",
        ));
    }
    let needed = match said.step {
        Act::Rectify | Act::Defer => "open",
        Act::Confirm | Act::SendBack => "rectified",
        Act::Void => before.state.as_str(),
    };
    if before.state != needed {
        return Err(conflict(
            "finding_state",
            match needed {
                "open" => "该问题不在整改中",
                _ => "该问题尚未整改，或已复查",
            },
            &format!(
                "the finding is {}, and this step is for one that is {needed}",
                before.state
            ),
            "read the finding again",
        ));
    }
    if text.is_none() && said.step != Act::Confirm {
        return Err(
            Problem::invalid("text", "请说明做了什么或理由 / say what was done, or why")
                .code("text_missing")
                .remedy("send text"),
        );
    }
    if matches!(said.step, Act::Confirm | Act::SendBack) && before.rectified_by.as_deref() == Some(actor) {
        return Err(conflict(
            "four_eyes",
            "整改人不得复查自己的整改",
            "whoever put it right doesn't look at it again",
            "let a second person do it",
        )
        .rule("GOV-01", BASIS));
    }
    let mut until = None;
    match said.step {
        Act::Rectify => {
            "rectified".clone_into(&mut after.state);
            after.rectified_by = Some(actor.to_owned());
            after.rechecked_by = None;
        }
        Act::Confirm => {
            "confirmed".clone_into(&mut after.state);
            after.rechecked_by = Some(actor.to_owned());
        }
        Act::SendBack => {
            "open".clone_into(&mut after.state);
            after.rechecked_by = Some(actor.to_owned());
        }
        Act::Void => "void".clone_into(&mut after.state),
        Act::Defer => {
            let day = said.until.ok_or_else(|| {
                Problem::invalid("until", "延期须有期限 / a deferral has a last day")
                    .code("until_missing")
                    .remedy("send the day by which it is to be put right")
            })?;
            let days = (sane_day("until", day)? - today).whole_days();
            if !(1..=LONGEST_DEFERRAL).contains(&days) {
                return Err(
                    Problem::invalid("until", "期限应在明天到三年之内 / from tomorrow to three years ahead")
                        .remedy("choose a day within three years"),
                );
            }
            until = Some(day);
            after.deferred_until = until;
            after.deferred_by = Some(actor.to_owned());
        }
    }
    after.details.steps.push(FindingStep {
        step: said.step.as_str().to_owned(),
        by: actor.to_owned(),
        on: today,
        text,
        papers: papers(&said.papers)?,
        until,
    });
    Ok(after)
}

/// Puts a finding right, looks at it again, sends it back or defers it.
#[utoipa::path(post, path = "/api/v1/inspection-findings/{id}/steps", operation_id = "step_inspection_finding", tag = "inspections",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = InspectionFindingStep,
    responses((status = 200, body = FindingLine), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn step_inspection_finding(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(said): Body<InspectionFindingStep>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let text = said
        .text
        .as_deref()
        .map(|text| plain_text("text", text, 4_000))
        .transpose()?
        .filter(|text| !text.is_empty());
    let mut transaction = context.database.begin().await?;
    let held = held_finding(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    require_part(&mut transaction, &context, &held.content, said.step).await?;
    if said.step == Act::Void {
        require_not_scored(&mut transaction, held.content.inspection_id).await?;
    }
    let content = taken(
        &held.content,
        &said,
        text.clone(),
        (&context.actor.0, context.clock.today()),
    )?;
    let files = papers(&said.papers)?;
    take_up(&mut transaction, &context, (Holder::InspectionFinding, id.0), &files).await?;
    let why = text.unwrap_or_else(|| said.step.as_str().to_owned());
    let version = write(&mut transaction, &context, id, &held, content, why).await?;
    transaction.commit().await?;
    Ok(answer(StatusCode::OK, None, version, Json(load(&context, id).await?)))
}
