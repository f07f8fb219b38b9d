//! `POST /api/v1/inspections/{id}/transitions`: one step further, as the procedure has it and in no other way.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use workflow::step::{Asked, Standing, StepRefused};

use super::content::{InspectionContent, Taken, held_inspection};
use super::findings::issue;
use super::guards::{Around, scoring, totals, unmet};
use super::permission::{Inspected, has_role, require_reading_all};
use super::plan::{start_clock, write_step};
use super::procedure::{Definition, Effect, Guard};
use super::read::{Inspection, WHAT, load, parse_id};
use crate::request::fields::{optional_reason, plain_text};
use crate::request::{Body, Context, Problem, ProblemKind, etag, require_match};
use crate::versioned::answer;
use crate::working_days::WorkingCalendar;

/// Where the steps come from.
const BASIS: &str = "党政机关办公用房管理办法 art. 32";

/// A step, and what has to be said with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = InspectionStep)]
pub(super) struct Step {
    /// A transition of the procedure.
    transition: String,
    /// Why.
    reason: Option<String>,
    /// 文号: the number of the notice or report.
    decision_no: Option<String>,
}

fn offered(definition: &Definition, content: &InspectionContent) -> String {
    let names: Vec<&str> = definition
        .leaving(&content.state, None)
        .map(|transition| transition.id.as_str())
        .collect();
    if names.is_empty() {
        "nothing: the inspection has ended".to_owned()
    } else {
        format!("from here there are: {}", names.join(", "))
    }
}

/// Why the procedure doesn't let the step be taken, as a problem.
fn refused(refused: StepRefused, definition: &Definition, content: &InspectionContent) -> Problem {
    let en = refused.to_string();
    let conflict = |zh: String, code: &str| Problem::new(ProblemKind::Conflict, format!("{zh} / {en}")).code(code);
    match refused {
        StepRefused::Unknown { .. } => Problem::invalid("transition", format!("没有这个步骤 / {en}"))
            .code("transition_unknown")
            .remedy(offered(definition, content)),
        StepRefused::NotFromHere { .. } | StepRefused::NotOnThisRoute { .. } | StepRefused::RouteUnknown { .. } => {
            let state = definition.state(&content.state).map_or("", |state| state.zh.as_str());
            conflict(format!("当前环节是“{state}”，不能跳步办理"), "transition_forbidden")
                .field("transition")
                .rule("GOV-01", BASIS)
                .remedy(offered(definition, content))
        }
        StepRefused::NotTheirs { .. } => Problem::new(ProblemKind::Forbidden, format!("这一步由其他人员办理 / {en}"))
            .code("not_granted")
            .remedy("let somebody do it whose step it is"),
        StepRefused::FourEyes { .. } => conflict("经办人不得办理自己提出的事项".to_owned(), "four_eyes")
            .rule("GOV-01", BASIS)
            .remedy("let a second person do it"),
        StepRefused::DocumentsMissing { kinds } => {
            let names: Vec<&str> = kinds
                .iter()
                .filter_map(|kind| definition.document_kinds.get(kind))
                .map(|label| label.zh.as_str())
                .collect();
            conflict(format!("缺少材料：{}", names.join("、")), "documents_missing")
                .remedy(format!("record the documents: {}", kinds.join(", ")))
        }
        StepRefused::DecisionMissing => Problem::invalid("decision_no", format!("请填写文号 / {en}"))
            .code("decision_missing")
            .remedy("send the number of the document (decision_no)"),
    }
}

/// Takes an inspection one step further.
#[utoipa::path(post, path = "/api/v1/inspections/{id}/transitions", operation_id = "step_inspection", tag = "inspections",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = Step,
    responses((status = 200, body = Inspection), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn step_inspection(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(step): Body<Step>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = optional_reason(step.reason.as_deref())?;
    let number = plain_text("decision_no", step.decision_no.as_deref().unwrap_or_default(), 100)?;
    let (now, today) = (context.clock.now(), context.clock.today());
    let mut transaction = context.database.begin().await?;
    let held = held_inspection(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    let mut content = held.content.clone();
    let definition = super::definition_of(&mut transaction, &content).await?;
    let documents = content.details.documents();
    let inspected = Inspected::from(&held.content);
    let has = |role: &str| has_role(&context.caller, role, inspected);
    let taking = workflow::step::step(
        &definition,
        Standing {
            state: &held.content.state,
            route: None,
            documents: &documents,
            put_forward_by: held.content.put_forward_by.as_deref(),
        },
        Asked {
            transition: &step.transition,
            route: None,
            actor: &context.actor.0,
            has_role: &has,
            decision: !number.is_empty(),
        },
    );
    let (transition, _) = taking.map_err(|why| refused(why, &definition, &held.content))?;
    let scoring = if transition.guards.contains(&Guard::ScoreComputable) {
        require_reading_all(&context.caller, inspected)?;
        Some(scoring(&mut transaction, (id.0, &content), now).await?)
    } else {
        None
    };
    let around = Around {
        findings: totals(&mut transaction, id.0).await?,
        scoring,
        has_reason: reason.is_some(),
    };
    let open = unmet(&transition.guards, &content, &around);
    if let Some(first) = open.first() {
        let zh: Vec<&str> = open.iter().map(|unmet| unmet.zh.as_str()).collect();
        let en: Vec<&str> = open.iter().map(|unmet| unmet.en.as_str()).collect();
        return Err(
            Problem::new(ProblemKind::Conflict, format!("{} / {}", zh.join("；"), en.join("; ")))
                .code(format!("guard_{}", workflow::word(&first.guard)))
                .remedy("bring what is missing and take the step again"),
        );
    }
    content.state.clone_from(&transition.to);
    content.is_open = !definition.is_end(&transition.to);
    content.details.taken.push(Taken {
        transition: transition.id.clone(),
        by: context.actor.0.clone(),
        on: today,
        number: (!number.is_empty()).then(|| number.clone()),
    });
    let calendar = WorkingCalendar::in_force(&mut transaction).await?;
    start_clock(&mut content, &definition, today, &calendar);
    for effect in &transition.effects {
        match effect {
            Effect::NoteProposer => {
                content.put_forward_by = Some(context.actor.0.clone());
                content.decided_by = None;
            }
            Effect::NoteDecider => content.decided_by = Some(context.actor.0.clone()),
            Effect::IssueFindings => issue(&mut transaction, &context, id).await?,
            Effect::FreezeScore => {
                let kept = around.scoring.clone().map(|mut scoring| {
                    scoring.by = Some(context.actor.0.clone());
                    scoring
                });
                content.score = kept.as_ref().and_then(|kept| kept.score);
                content.grade = kept.as_ref().and_then(|kept| kept.grade.clone());
                content.details.scoring = kept;
            }
            Effect::ThawScore => {
                content.score = None;
                content.grade = None;
                content.details.scoring = None;
            }
        }
    }
    let why = reason.unwrap_or_else(|| format!("{} / {}", transition.zh, transition.en));
    let version = write_step(&mut transaction, &context, id, &held, content, why).await?;
    transaction.commit().await?;
    Ok(answer(
        StatusCode::OK,
        None,
        version,
        Json(load(&context, id, None).await?),
    ))
}
