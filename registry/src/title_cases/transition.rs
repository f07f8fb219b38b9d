//! `POST /api/v1/title-cases/{id}/transitions`: one step further, as the workflow has it and in no other way.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month};

use super::content::{CaseContent, RegistryClock, held_case};
use super::effects::{Made, end_title, follow_assets, note_certificate, record_title};
use super::entries::{enter_encumbrance, let_entry_expire, release_entry};
use super::guards::{Facts, Said, Unmet, unmet};
use super::open::write_step;
use super::procedure::{Definition, Effect, Transition};
use super::read::{TitleCase, WHAT, load, parse_id};
use super::split::carry_out_succession;
use crate::ids::TitleCaseId;
use crate::period::day;
use crate::request::fields::{optional_reason, plain_text, sane_day};
use crate::request::{Actor, Body, Context, Problem, ProblemKind, Times, etag, require_match};
use crate::titles::certificate_number::CertificateNumber;
use crate::titles::dictionaries::{PolicyAction, RefusalGround, RegistrationType};
use crate::titles::encumbrances::pre_notice_ends;
use crate::titles::permission::{TitleAction, require, require_another, require_at};
use crate::versioned::{Occasion, answer};
use crate::working_days::WorkingCalendar;

/// The registry finishes within so many working days of acceptance (不动产登记暂行条例 art. 20).
const REGISTRY_DAYS: u32 = 30;

/// A step, and what has to be said with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Step {
    /// A transition of the workflow.
    transition: String,
    /// Why.
    reason: Option<String>,
    /// The day of it: acceptance, recording, issue.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    on: Option<Date>,
    /// The plan's word; to classify.
    policy_action: Option<PolicyAction>,
    /// The law's word; the usual one of the policy action unless told.
    registration_type: Option<RegistrationType>,
    /// Why another registration type than the usual one.
    choice_reason: Option<String>,
    /// The document of approval, consent or decision.
    approval: Option<String>,
    /// The ground of a refusal.
    refusal_ground: Option<RefusalGround>,
    /// 受理号: the registry's own number of the application.
    receipt_no: Option<String>,
    /// The certificate's number.
    cert_no: Option<String>,
    /// The certificates' numbers, where a split made several titles: in the order of its plan.
    cert_nos: Vec<String>,
    /// The printer's serial.
    print_serial: Option<String>,
    /// When a filing comes back; in twelve months unless told.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    review_on: Option<Date>,
}

impl Step {
    fn said(&self) -> Said {
        Said {
            reason: self.reason.as_deref().is_some_and(|reason| !reason.trim().is_empty()),
            on: self.on,
            refusal_ground: self.refusal_ground.is_some(),
            certificates: self.certificates().count(),
        }
    }

    /// The certificates' numbers that were given.
    fn certificates(&self) -> impl Iterator<Item = &str> {
        self.cert_no
            .iter()
            .chain(&self.cert_nos)
            .map(|number| number.trim())
            .filter(|number| !number.is_empty())
    }

    /// What the step says of the case itself.
    fn lay_over(&self, content: &mut CaseContent) -> Result<(), Problem> {
        let details = &mut content.details;
        if let Some(policy) = self.policy_action {
            details.policy_action = Some(policy);
            details.registration_type = self.registration_type.or(match policy {
                PolicyAction::ReRegister | PolicyAction::Return => Some(RegistrationType::Transfer),
                PolicyAction::FirstRegister => Some(RegistrationType::First),
                PolicyAction::Change => Some(RegistrationType::Change),
                PolicyAction::Correct => Some(RegistrationType::Correct),
                PolicyAction::SplitMerge => Some(RegistrationType::Change),
                PolicyAction::Cancel => Some(RegistrationType::Cancel),
                PolicyAction::Objection => Some(RegistrationType::Objection),
                PolicyAction::PreNotice => Some(RegistrationType::PreNotice),
                PolicyAction::Seizure => Some(RegistrationType::Seizure),
                PolicyAction::File | PolicyAction::KeepInUnit | PolicyAction::KeepInDepartment => None,
            });
            details.choice_reason = None;
        } else if self.registration_type.is_some() {
            details.registration_type = self.registration_type;
        }
        let text = |field: &str, text: &str| {
            Ok::<_, Problem>(Some(plain_text(field, text, 2_000)?).filter(|text| !text.is_empty()))
        };
        if let Some(reason) = &self.choice_reason {
            details.choice_reason = text("choice_reason", reason)?;
        }
        if let Some(approval) = &self.approval {
            details.approval = text("approval", approval)?;
        }
        if let Some(number) = &self.receipt_no {
            details.receipt_no = text("receipt_no", number)?;
        }
        if self.refusal_ground.is_some() {
            details.refusal_ground = self.refusal_ground;
        }
        if let Some(on) = self.on {
            sane_day("on", on)?;
        }
        Ok(())
    }
}

/// What may be done from here, in words.
fn allowed(definition: &Definition, case: &CaseContent) -> String {
    let policy = case.details.policy_action.map(PolicyAction::code);
    let names: Vec<&str> = definition
        .leaving(&case.state, policy)
        .map(|transition| transition.id.as_str())
        .collect();
    if names.is_empty() {
        "nothing: the case has ended".to_owned()
    } else {
        names.join(", ")
    }
}

/// The transition that is asked for, if the workflow has it here.
fn find<'a>(definition: &'a Definition, case: &CaseContent, name: &str) -> Result<&'a Transition, Problem> {
    let policy = case.details.policy_action.map(PolicyAction::code);
    let Some(transition) = definition.transition(name) else {
        return Err(Problem::invalid("transition", format!("{name:?} is no transition"))
            .code("transition_unknown")
            .remedy(format!(
                "from the state {} there are: {}",
                case.state,
                allowed(definition, case)
            )));
    };
    let leaves = transition.from.contains(&case.state);
    if leaves && transition.is_for(policy) {
        return Ok(transition);
    }
    let why = if leaves {
        format!(
            "{name} is for cases with the policy action {}",
            transition.routes.join(", ")
        )
    } else {
        format!(
            "{name} leaves {}, and the case is in the state {}",
            transition.from.join(", "),
            case.state
        )
    };
    Err(Problem::new(ProblemKind::Conflict, why)
        .field("transition")
        .code("transition_forbidden")
        .remedy(format!("from here there are: {}", allowed(definition, case))))
}

fn refuse_unmet(unmet: &[Unmet]) -> Result<(), Problem> {
    let Some(first) = unmet.first() else {
        return Ok(());
    };
    let en: Vec<&str> = unmet.iter().map(|unmet| unmet.en.as_str()).collect();
    let zh: Vec<&str> = unmet.iter().map(|unmet| unmet.zh.as_str()).collect();
    Err(
        Problem::new(ProblemKind::Conflict, format!("{} / {}", zh.join(";"), en.join("; ")))
            .code(format!("guard_{}", first.guard.name()))
            .remedy("bring what is missing and take the step again"),
    )
}

/// Twelve months later, on the last day of a month that is shorter.
fn a_year_later(today: Date) -> Date {
    let later = Date::from_calendar_date(today.year() + 1, today.month(), today.day());
    later
        .or_else(|_| Date::from_calendar_date(today.year() + 1, Month::February, 28))
        .unwrap_or(today)
}

/// Takes a case one step further.
#[utoipa::path(post, path = "/api/v1/title-cases/{id}/transitions", operation_id = "step_title_case", tag = "title cases",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = Step,
    responses((status = 200, body = TitleCase), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn step_title_case(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(step): Body<Step>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = optional_reason(step.reason.as_deref())?;
    let mut transaction = context.database.begin().await?;
    let held = held_case(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    let mut content = held.content.clone();
    let definition = super::definition_of(&mut transaction, &content).await?;
    let transition = find(&definition, &content, &step.transition)?;
    require(&context.caller, TitleAction::Step(&transition.roles))?;
    let asset = content.asset_id;
    require_at(
        &mut transaction,
        &context,
        TitleAction::Step(&transition.roles),
        &[asset],
    )
    .await?;
    if transition.four_eyes {
        require_another(&context.actor, content.submitted_by.as_deref())?;
    }
    step.lay_over(&mut content)?;
    let times = Times::now(&context.clock);
    let facts = Facts::read(&mut transaction, &content, times).await?;
    refuse_unmet(&unmet(&transition.guards, &definition, &content, &facts, step.said()))?;
    content.state.clone_from(&transition.to);
    let made = Made {
        case: id,
        actor: &context.actor,
        reason: reason.as_deref(),
        now: context.clock.now(),
        today: context.clock.today(),
    };
    run_effects(&mut transaction, transition, &mut content, &step, made).await?;
    let occasion = Occasion::by(
        &context.actor,
        Some(
            reason
                .clone()
                .unwrap_or_else(|| format!("{} / {}", transition.zh, transition.en)),
        ),
    );
    let version = write_step(&mut transaction, &context, id, &held, content, &occasion).await?;
    transaction.commit().await?;
    let case = load(&context, TitleCaseId(id.0), Times::now(&context.clock)).await?;
    Ok(answer(StatusCode::OK, None, version, Json(case)))
}

async fn run_effects(
    connection: &mut sqlx::PgConnection,
    transition: &Transition,
    content: &mut CaseContent,
    step: &Step,
    made: Made<'_>,
) -> Result<(), Problem> {
    let on = step.on.unwrap_or(made.today);
    let mut title = None;
    for effect in &transition.effects {
        match effect {
            Effect::NoteSubmitter => {
                content.submitted_by = Some(name(made.actor));
                content.reviewed_by = None;
            }
            Effect::NoteReviewer => content.reviewed_by = Some(name(made.actor)),
            Effect::StartClock => {
                let calendar = WorkingCalendar::in_force(connection).await?;
                let deadline = calendar.deadline(on, REGISTRY_DAYS);
                content.due_on = deadline.due_on();
                content.details.clock = Some(RegistryClock {
                    accepted_on: on,
                    working_days: REGISTRY_DAYS,
                    deadline,
                    stopped_on: None,
                });
            }
            Effect::StopClock => {
                content.due_on = None;
                if let Some(clock) = &mut content.details.clock {
                    clock.stopped_on = Some(on);
                }
            }
            Effect::NoteSupplement => content.details.supplement.clone_from(&step.reason),
            Effect::RecordTitle => title = Some(record_title(connection, content, on, made).await?),
            // Both follow the title that was recorded, in one change of the asset.
            Effect::SetTitleStatus => {
                if let Some(title) = &title {
                    follow_assets(connection, content, title, on, made).await?;
                }
            }
            Effect::RestoreUse => {}
            Effect::NoteCertificate => {
                let made_by_split = content.details.title_ids.clone();
                let titles = if made_by_split.is_empty() {
                    content.title_id.into_iter().collect()
                } else {
                    made_by_split
                };
                for (title, number) in titles.into_iter().zip(step.certificates()) {
                    let number = CertificateNumber::parse(number).map_err(|refused| refused.problem("cert_no"))?;
                    let certificate = (on, number.as_str(), step.print_serial.as_deref());
                    note_certificate(connection, content, (title, certificate), made).await?;
                }
            }
            Effect::FreezeDisposal => content.disposal_frozen = true,
            Effect::LiftFreeze => {
                content.disposal_frozen = false;
                content.review_on = None;
            }
            Effect::SetReviewDate => {
                let review_on = step.review_on.unwrap_or_else(|| a_year_later(made.today));
                let last = made.today.checked_add(Duration::days(3 * 366)).unwrap_or(Date::MAX);
                if review_on <= made.today || review_on > last {
                    return Err(
                        Problem::invalid("review_on", format!("{review_on} is not ahead, or too far"))
                            .remedy("send a day within the next three years")
                            .code("review_date"),
                    );
                }
                content.review_on = Some(review_on);
            }
            Effect::CarryOutSuccession => carry_out_succession(connection, content, on, made).await?,
            Effect::EndTitle => end_title(connection, content, on, made).await?,
            Effect::EnterEncumbrance => enter_encumbrance(connection, content, on, made).await?,
            Effect::KeepEntry => let_entry_expire(connection, content, (on, None), made).await?,
            Effect::StartNoticeDays => {
                let_entry_expire(connection, content, (on, pre_notice_ends(on)), made).await?;
            }
            Effect::ReleaseEntry => release_entry(connection, content, Some(on), made).await?,
            Effect::ReleaseLapsed => release_entry(connection, content, None, made).await?,
            Effect::BeginAnew => {
                content.submitted_by = None;
                content.reviewed_by = None;
                content.due_on = None;
                content.review_on = None;
                content.details.clock = None;
                content.details.receipt_no = None;
                content.details.supplement = None;
                content.details.refusal_ground = None;
            }
        }
    }
    Ok(())
}

fn name(actor: &Actor) -> String {
    actor.0.clone()
}
