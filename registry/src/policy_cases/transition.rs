//! `POST /api/v1/policy-cases/{id}/transitions`: one step further, as the procedure has it and in no other way.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::PgConnection;
use time::Date;
use workflow::step::{Asked, Standing, StepRefused};

use super::allocation_effects::{
    end_lease, giving_level, hand_down, leave, register_lease, seat_leader, take_into_use, unseat_leader, vacate_old,
};
use super::content::{CaseContent, Decided, Decision, Taken, held_case};
use super::effects::{
    Made, change_asset, end_title, end_works, occupancy_after, set_occupancy, strike_building, usage_after, write_off,
};
use super::guards::{Said, Surroundings, Unmet, unmet};
use super::housing::set_up_homes;
use super::open::{note_due, place_of, start_clock, write_step};
use super::permission::has_role;
use super::procedure::{Definition, Effect, Procedure, Transition};
use super::read::{PolicyCase, WHAT, load, parse_id};
use crate::approval_thresholds::Office;
use crate::money::Money;
use crate::period::day;
use crate::request::fields::{money, optional_reason, plain_text, sane_day};
use crate::request::{Body, Context, Problem, ProblemKind, Times, etag, require_match};
use crate::versioned::{Occasion, answer};

/// A step, and what has to be said with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = PolicyStep)]
pub(super) struct Step {
    /// A transition of the procedure.
    transition: String,
    /// The route, with the step that chooses one.
    route: Option<String>,
    /// Why.
    reason: Option<String>,
    /// The day of it; today unless told.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    on: Option<Date>,
    /// 文号: the number of the document that decides.
    decision_no: Option<String>,
    /// The office that approves.
    office: Option<Office>,
    /// The price that is approved, yuan as a text.
    #[schema(value_type = Option<String>)]
    price: Option<Value>,
}

fn list(definition: &Definition, case: &CaseContent) -> String {
    let names: Vec<&str> = definition
        .leaving(&case.state, case.route.as_deref())
        .map(|transition| transition.id.as_str())
        .collect();
    if names.is_empty() {
        "nothing: the case has ended".to_owned()
    } else {
        names.join(", ")
    }
}

/// Why the procedure doesn't let the step be taken, as a problem.
fn refused(refused: StepRefused, definition: &Definition, case: &CaseContent) -> Problem {
    let en = refused.to_string();
    let order_rule = match case.procedure {
        Procedure::IdleDisposal => ("DSP-06", "行政事业性国有资产管理条例 art. 19"),
        Procedure::Repair => ("MNT-02", "党政机关办公用房管理办法 art. 25"),
        Procedure::RentIn => ("ALC-02", "机关事务管理条例 art. 23"),
        Procedure::Build => ("ALC-07", "机关团体建设楼堂馆所管理条例 art. 10"),
        Procedure::Reassign | Procedure::SwapPremises => ("ALC-01", "行政事业性国有资产管理条例 art. 11"),
        Procedure::HandDown | Procedure::TurnoverHousing => ("DSP-06", "行政事业性国有资产管理条例 art. 19"),
        Procedure::LeaderOffice => ("USE-06", "党政机关办公用房管理办法 art. 19"),
    };
    let offered = format!("from here there are: {}", list(definition, case));
    let conflict = |zh: String, code: &str| Problem::new(ProblemKind::Conflict, format!("{zh} / {en}")).code(code);
    match refused {
        StepRefused::Unknown { .. } => Problem::invalid("transition", format!("没有这个步骤 / {en}"))
            .code("transition_unknown")
            .remedy(offered),
        StepRefused::NotFromHere { .. } => {
            let state = definition.state(&case.state).map_or("", |state| state.zh.as_str());
            conflict(format!("当前环节是“{state}”，不能跳步办理"), "transition_forbidden")
                .field("transition")
                .rule(order_rule.0, order_rule.1)
                .remedy(offered)
        }
        StepRefused::NotOnThisRoute { .. } => conflict("所选方案没有这个步骤".to_owned(), "transition_forbidden")
            .field("transition")
            .remedy(offered),
        StepRefused::NotTheirs { .. } => Problem::new(ProblemKind::Forbidden, format!("这一步由其他角色办理 / {en}"))
            .code("not_granted")
            .remedy("let somebody do it whose step it is"),
        StepRefused::FourEyes { .. } => conflict("提请人不得审批自己的案件".to_owned(), "four_eyes")
            .rule("GOV-01", "行政事业性国有资产管理条例 art. 19")
            .remedy("let a second person do it"),
        StepRefused::RouteUnknown { routes } => Problem::invalid("route", format!("请选择方案 / {en}"))
            .code("route_unknown")
            .remedy(format!("choose one of {}", routes.join(", "))),
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
            .rule("DSP-06", "行政事业性国有资产管理条例 art. 19")
            .remedy("send the number of the document (decision_no)"),
    }
}

fn refuse_unmet(unmet: &[Unmet]) -> Result<(), Problem> {
    let Some(first) = unmet.first() else {
        return Ok(());
    };
    let en: Vec<&str> = unmet.iter().map(|unmet| unmet.en.as_str()).collect();
    let zh: Vec<&str> = unmet.iter().map(|unmet| unmet.zh.as_str()).collect();
    let problem = Problem::new(ProblemKind::Conflict, format!("{} / {}", zh.join("；"), en.join("; ")))
        .code(format!("guard_{}", workflow::word(&first.guard)))
        .remedy("bring what is missing and take the step again");
    Err(match (first.rule, first.article) {
        (None, None) => problem,
        (rule, article) => problem.rule(rule.unwrap_or_default(), article.unwrap_or_default()),
    })
}

/// Takes a case one step further.
#[utoipa::path(post, path = "/api/v1/policy-cases/{id}/transitions", operation_id = "step_policy_case", tag = "policy cases",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = Step,
    responses((status = 200, body = PolicyCase), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn step_policy_case(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(step): Body<Step>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = optional_reason(step.reason.as_deref())?;
    let number = plain_text("decision_no", step.decision_no.as_deref().unwrap_or_default(), 100)?;
    let price = step.price.as_ref().map(|price| money("price", price)).transpose()?;
    let on = step.on.map(|on| sane_day("on", on)).transpose()?;
    let today = context.clock.today();
    if on.is_some_and(|on| on > today) {
        return Err(Problem::invalid("on", "日期在将来 / the day lies in the future")
            .code("date_in_future")
            .remedy("take the step on its day"));
    }
    let mut transaction = context.database.begin().await?;
    let held = held_case(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    let mut content = held.content.clone();
    let definition = super::definition_of(&mut transaction, &content).await?;
    let documents = content.details.documents();
    let place = place_of(&mut transaction, &content).await?;
    let has = |role: &str| has_role(&context.caller, role, place.as_ref());
    let taking = workflow::step::step(
        &definition,
        Standing {
            state: &held.content.state,
            route: held.content.route.as_deref(),
            documents: &documents,
            put_forward_by: held.content.put_forward_by.as_deref(),
        },
        Asked {
            transition: &step.transition,
            route: step.route.as_deref(),
            actor: &context.actor.0,
            has_role: &has,
            decision: !number.is_empty(),
        },
    );
    let (transition, route) = taking.map_err(|why| refused(why, &definition, &held.content))?;
    let route = route.map(ToOwned::to_owned);
    content.route.clone_from(&route);
    let times = Times::now(&context.clock);
    let around = Surroundings::read(&mut transaction, (id, &content), route.as_deref(), times).await?;
    let said = Said {
        reason: reason.is_some(),
        on: on.or(Some(today)),
        office: step.office,
        price,
        route: route.as_deref(),
        actor: Some(&context.actor.0),
    };
    refuse_unmet(&unmet(&transition.guards, &content, &around, said))?;
    content.state.clone_from(&transition.to);
    content.is_open = !definition.is_end(&transition.to);
    content.details.taken.push(Taken {
        transition: transition.id.clone(),
        route: route.clone(),
        by: context.actor.0.clone(),
        on: today,
    });
    // A clock that rests or runs on is that of the state before.
    let goes_on = [Effect::PauseClock, Effect::ResumeClock]
        .iter()
        .any(|effect| transition.effects.contains(effect));
    if !goes_on && held.content.state != transition.to {
        start_clock(&mut content, &definition, today, &around.calendar);
    }
    let made = Made {
        case: id,
        actor: &context.actor,
        step: &transition.zh,
        now: context.clock.now(),
        on: on.unwrap_or(today),
    };
    let decision = Decision {
        what: Decided::Approval,
        office: step.office,
        number,
        on: on.unwrap_or(today),
        by: context.actor.0.clone(),
        price,
        void: false,
    };
    let why = reason
        .clone()
        .unwrap_or_else(|| format!("{} / {}", transition.zh, transition.en));
    run_effects(
        &mut transaction,
        (transition, &definition),
        &mut content,
        &around,
        (decision, made, &why),
    )
    .await?;
    let occasion = Occasion::by(&context.actor, Some(why));
    // The database lets an asset go to another level by the step of its case, which is on record before it goes.
    let handed_over = (content.details.handed_from != held.content.details.handed_from).then(|| content.clone());
    let version = write_step(&mut transaction, (id, made.now), &held, content, &occasion).await?;
    if let Some(case) = handed_over {
        hand_down(&mut transaction, &case, made).await?;
    }
    transaction.commit().await?;
    let case = load(&context, id, Times::now(&context.clock)).await?;
    Ok(answer(StatusCode::OK, None, version, Json(case)))
}

async fn run_effects(
    connection: &mut PgConnection,
    (transition, definition): (&Transition, &Definition),
    content: &mut CaseContent,
    around: &Surroundings,
    (decision, made, why): (Decision, Made<'_>, &str),
) -> Result<(), Problem> {
    let today = around.today;
    // Turnover housing has no routes: it does what the route of its name did.
    let route = match content.procedure {
        Procedure::TurnoverHousing => "convert_housing".to_owned(),
        _ => content.route.clone().unwrap_or_default(),
    };
    for effect in &transition.effects {
        match effect {
            Effect::NoteProposer => {
                content.put_forward_by = Some(made.actor.0.clone());
                content.decided_by = None;
            }
            Effect::NoteDecider => content.decided_by = Some(made.actor.0.clone()),
            Effect::BeginAnew => {
                content.put_forward_by = None;
                content.decided_by = None;
                for decision in &mut content.details.decisions {
                    decision.void = true;
                }
            }
            Effect::RecordCollective => content.details.decisions.push(Decision {
                what: Decided::Collective,
                office: None,
                price: None,
                ..decision.clone()
            }),
            Effect::RecordApproval => content.details.decisions.push(Decision {
                price: None,
                ..decision.clone()
            }),
            Effect::RecordRefusal => content.details.decisions.push(Decision {
                what: Decided::Refusal,
                price: None,
                ..decision.clone()
            }),
            Effect::RecordPrice => content.details.decisions.push(Decision {
                what: Decided::Price,
                ..decision.clone()
            }),
            Effect::PauseClock => {
                if let Some(clock) = &mut content.details.clock {
                    clock.pause(today, why).map_err(|error| clock_problem(&error))?;
                }
                note_due(content, &around.calendar);
            }
            Effect::ResumeClock => {
                if let Some(clock) = content.details.clock.as_mut().filter(|clock| clock.rests()) {
                    clock.resume(today).map_err(|error| clock_problem(&error))?;
                }
                note_due(content, &around.calendar);
            }
            Effect::SetOccupancy => {
                if let Some(occupancy) = occupancy_after(&route) {
                    set_occupancy(connection, content, (occupancy, None), made).await?;
                }
            }
            Effect::SetUsage => {
                if let Some(usage) = usage_after(&route) {
                    change_asset(connection, content, made, |asset| asset.usage = Some(usage.to_owned())).await?;
                }
            }
            Effect::EndTitle => end_title(connection, content, around, made).await?,
            Effect::StrikeBuilding => strike_building(connection, content, around, made).await?,
            Effect::WriteOff => write_off(connection, content, made).await?,
            Effect::BeginWorks => {
                let before = set_occupancy(connection, content, ("under_repair", None), made).await?;
                content.details.occupancy_before = before.occupancy;
                content.details.idle_since_before = before.idle_since;
            }
            Effect::EndWorks => {
                let before = content
                    .details
                    .occupancy_before
                    .take()
                    .unwrap_or_else(|| "in_use".to_owned());
                let idle_since = content.details.idle_since_before.take();
                end_works(connection, content, (&before, idle_since), made).await?;
            }
            Effect::VoidApprovals => {
                content.decided_by = None;
                for decision in &mut content.details.decisions {
                    decision.void = true;
                }
            }
            Effect::TakeIntoUse => take_into_use(connection, content, made).await?,
            Effect::VacateOld => vacate_old(connection, content, made).await?,
            Effect::WatchExpiry => content.due_on = content.details.lease_in().map(|lease| lease.to),
            Effect::RegisterLease => register_lease(connection, content, around, made).await?,
            Effect::EndLease => end_lease(connection, made).await?,
            Effect::LeaveRented | Effect::LeaveGiven => leave(connection, content, made).await?,
            Effect::SeatLeader => {
                let area = around
                    .allocation
                    .as_ref()
                    .and_then(|facts| facts.leader.as_ref()?.area_m2);
                content.details.occupant_id = seat_leader(connection, content, (made, area)).await?;
            }
            Effect::UnseatLeader => unseat_leader(connection, content, made).await?,
            Effect::HandDown => {
                content.details.handed_from = giving_level(connection, content).await?;
                // A case that began before receivers accepted by themselves: one person reaches both levels.
                if content.details.handed_from.is_none() {
                    hand_down(connection, content, made).await?;
                }
            }
            Effect::SetUpHomes => set_up_homes(connection, content, made).await?,
            Effect::RunClockAnew => start_clock(content, definition, today, &around.calendar),
        }
    }
    Ok(())
}

fn clock_problem(error: &workflow::ClockRefused) -> Problem {
    Problem::new(ProblemKind::Conflict, format!("期限的暂停与恢复不一致 / {error}"))
        .code("clock")
        .remedy("read the case again")
}

/// What a price is, for whoever reads the case.
pub(super) fn price_of(decisions: &[Decision]) -> Option<Money> {
    decisions
        .iter()
        .filter(|decision| decision.what == Decided::Price && !decision.void)
        .filter_map(|decision| decision.price)
        .min()
}
