//! `POST /api/v1/stocktakings/{id}/transitions`: one step further, as the procedure has it and in no other way; and the
//! papers that steps rest on.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use workflow::step::{Asked, Standing, StepRefused};

use super::content::{Paper, StocktakingContent, Taken, held_stocktaking};
use super::freeze::{freeze_list, release_assets};
use super::permission::{has_role, require_recording};
use super::procedure::{Definition, Effect, Guard};
use super::progress::{Unmet, progress, unmet};
use super::read::{Stocktaking, WHAT, load, parse_id};
use crate::documents::{Holder, attach_documents};
use crate::ids::{DocumentId, StocktakingId, VersionId};
use crate::ledger::Action;
use crate::period::{Held, revise};
use crate::request::fields::{optional_reason, plain_text};
use crate::request::{Body, Context, Fault, Permission, Problem, ProblemKind, etag, require_match};
use crate::versioned::{Occasion, answer, write_revision};

/// The most papers that a stocktaking takes.
const MOST_PAPERS: usize = 500;

/// A step, and what has to be said with it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = StocktakingStep)]
pub(super) struct Step {
    /// A transition of the procedure.
    transition: String,
    /// Why.
    reason: Option<String>,
    /// 文号: the number of the document that decides.
    decision_no: Option<String>,
}

/// Why the procedure doesn't let the step be taken, as a problem.
fn refused(refused: StepRefused, definition: &Definition, content: &StocktakingContent) -> Problem {
    let en = refused.to_string();
    let names: Vec<&str> = definition
        .leaving(&content.state, None)
        .map(|transition| transition.id.as_str())
        .collect();
    let offered = if names.is_empty() {
        "it has ended; open the next one".to_owned()
    } else {
        format!("from here there are: {}", names.join(", "))
    };
    let conflict = |zh: String, code: &str| Problem::new(ProblemKind::Conflict, format!("{zh} / {en}")).code(code);
    match refused {
        StepRefused::Unknown { .. } | StepRefused::RouteUnknown { .. } => {
            Problem::invalid("transition", format!("没有这个步骤 / {en}"))
                .code("transition_unknown")
                .remedy(offered)
        }
        StepRefused::NotFromHere { .. } | StepRefused::NotOnThisRoute { .. } => {
            let state = definition.state(&content.state).map_or("", |state| state.zh.as_str());
            conflict(format!("当前环节是“{state}”，不能跳步办理"), "transition_forbidden")
                .field("transition")
                .rule("ACC-02", "行政事业性国有资产管理条例 art. 39")
                .remedy(offered)
        }
        StepRefused::NotTheirs { .. } => Problem::new(ProblemKind::Forbidden, format!("这一步由其他角色办理 / {en}"))
            .code("not_granted")
            .remedy("let somebody do it whose step it is"),
        StepRefused::FourEyes { .. } => conflict("提请人不得审批自己提请的盘点".to_owned(), "four_eyes")
            .rule("GOV-01", "内部控制：四眼原则")
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

fn refuse_unmet(unmet: &[Unmet]) -> Result<(), Problem> {
    let Some(first) = unmet.first() else {
        return Ok(());
    };
    let zh: Vec<&str> = unmet.iter().map(|unmet| unmet.zh.as_str()).collect();
    let en: Vec<&str> = unmet.iter().map(|unmet| unmet.en.as_str()).collect();
    let problem = Problem::new(ProblemKind::Conflict, format!("{} / {}", zh.join("；"), en.join("; ")))
        .code(format!("guard_{}", workflow::word(&first.guard)))
        .remedy("do what is left and take the step again");
    Err(match (first.rule, first.article) {
        (Some(rule), Some(article)) => problem.rule(rule, article),
        _ => problem,
    })
}

/// Takes a stocktaking one step further.
#[utoipa::path(post, path = "/api/v1/stocktakings/{id}/transitions", operation_id = "step_stocktaking", tag = "stocktakings",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = Step,
    responses((status = 200, body = Stocktaking), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn step_stocktaking(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(step): Body<Step>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let reason = optional_reason(step.reason.as_deref())?;
    let number = plain_text("decision_no", step.decision_no.as_deref().unwrap_or_default(), 100)?;
    let mut transaction = context.database.begin().await?;
    let held = held_stocktaking(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    let mut content = held.content.clone();
    let place = content.place();
    context.caller.require_at(Permission::TakeStock, &place)?;
    let definition = super::definition_of(&mut transaction, &content).await?;
    let documents = content.details.documents();
    let has = |role: &str| has_role(&context.caller, role, &place);
    let (transition, _) = workflow::step::step(
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
    )
    .map_err(|why| refused(why, &definition, &held.content))?;
    if !transition.guards.is_empty() {
        let progress = progress(&mut transaction, id).await?;
        refuse_unmet(&unmet(&transition.guards, &progress, reason.is_some()))?;
    }
    let taken = Taken {
        transition: transition.id.clone(),
        by: context.actor.0.clone(),
        on: context.clock.today(),
        decision_no: Some(number).filter(|number| !number.is_empty()),
        reason: reason.clone(),
    };
    let now = context.clock.now();
    apply(
        &mut transaction,
        (id, &mut content),
        (&definition, transition),
        taken,
        now,
    )
    .await?;
    let why = reason.unwrap_or_else(|| format!("{} / {}", transition.zh, transition.en));
    let version = write_step(&mut transaction, &context, id, &held, content, why).await?;
    transaction.commit().await?;
    let stocktaking = load(&context, id).await?;
    Ok(answer(StatusCode::OK, None, version, Json(stocktaking)))
}

/// What a step brings about that may be taken.
pub(super) async fn apply(
    connection: &mut PgConnection,
    (id, content): (StocktakingId, &mut StocktakingContent),
    (definition, transition): (&Definition, &workflow::Transition<Guard, Effect>),
    taken: Taken,
    now: time::OffsetDateTime,
) -> Result<(), Problem> {
    content.state.clone_from(&transition.to);
    content.is_open = !definition.is_end(&transition.to);
    content.is_finished = definition
        .state(&transition.to)
        .is_some_and(|state| state.end && !state.aside);
    let by = taken.by.clone();
    content.details.taken.push(taken);
    for effect in &transition.effects {
        match effect {
            Effect::FreezeList => freeze_list(&mut *connection, id, content, now).await?,
            Effect::NoteProposer => {
                content.put_forward_by = Some(by.clone());
                content.decided_by = None;
            }
            Effect::NoteDecider => content.decided_by = Some(by.clone()),
            Effect::BeginAnew => {
                content.put_forward_by = None;
                content.decided_by = None;
            }
            Effect::ReleaseAssets => release_assets(&mut *connection, id).await?,
        }
    }
    Ok(())
}

async fn write_step(
    connection: &mut PgConnection,
    context: &Context,
    id: StocktakingId,
    held: &Held<StocktakingContent>,
    content: StocktakingContent,
    why: String,
) -> Result<Option<VersionId>, Fault> {
    let now = context.clock.now();
    let revision = revise(std::slice::from_ref(held), held.valid, Some(content), now);
    let occasion = Occasion {
        actor: context.actor.clone(),
        reason: Some(why),
        import_id: None,
    };
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

/// A paper that is recorded.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StocktakingPaperSent)]
pub(super) struct PaperSent {
    /// One of the procedure's kinds of document.
    kind: String,
    /// What it is called, with its number.
    name: String,
    /// The paper as a file, once it was brought.
    #[serde(default)]
    document_id: Option<DocumentId>,
}

/// The refusal of a paper that isn't there, or that the caller may not read.
pub(super) fn document_unknown(document: DocumentId) -> Problem {
    Problem::invalid("document_id", format!("没有这个文件 / there is no paper {document}"))
        .code("document_unknown")
        .remedy("bring the file first (POST /api/v1/documents) and name its id")
}

/// Records a paper of the stocktaking.
#[utoipa::path(post, path = "/api/v1/stocktakings/{id}/papers", operation_id = "record_stocktaking_paper", tag = "stocktakings",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = PaperSent,
    responses((status = 200, body = Stocktaking), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn record_paper(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<PaperSent>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin().await?;
    let held = held_stocktaking(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    require_recording(&context.caller, "document", &held.content.place())?;
    let definition = super::definition_of(&mut transaction, &held.content).await?;
    super::require_open_for(&definition, &held.content, "document")?;
    if !definition.document_kinds.contains_key(&sent.kind) {
        let kinds: Vec<&str> = definition.document_kinds.keys().map(String::as_str).collect();
        return Err(
            Problem::invalid("kind", "没有这类材料 / the procedure knows no such document")
                .remedy(format!("choose one of {}", kinds.join(", "))),
        );
    }
    let name = plain_text("name", &sent.name, 200)?;
    if name.is_empty() {
        return Err(Problem::invalid("name", "必填 / it is missing").remedy("say what the paper is called"));
    }
    let mut content = held.content.clone();
    if content.details.papers.len() >= MOST_PAPERS {
        return Err(Problem::new(ProblemKind::Conflict, "材料过多 / it has too many papers").code("records_full"));
    }
    if let Some(document) = sent.document_id
        && let Some(unknown) =
            attach_documents(&mut transaction, &context, Holder::Stocktaking, id.0, &[document]).await?
    {
        return Err(document_unknown(unknown));
    }
    content.details.papers.push(Paper {
        kind: sent.kind,
        name: name.clone(),
        document_id: sent.document_id,
        by: context.actor.0.clone(),
        on: context.clock.today(),
    });
    let why = format!("登记材料 {name}");
    let version = write_step(&mut transaction, &context, id, &held, content, why).await?;
    transaction.commit().await?;
    let stocktaking = load(&context, id).await?;
    Ok(answer(StatusCode::OK, None, version, Json(stocktaking)))
}
