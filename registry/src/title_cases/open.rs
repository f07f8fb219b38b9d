//! Opening a case, and working on its papers.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::Date;
use uuid::Uuid;

use super::content::{AreaCheck, CaseContent, CaseDetails, CaseDocument, RETURN_CHECKS, ReturnCheck, held_case};
use super::procedure::Definition;
use super::read::{TitleCase, WHAT, load, parse_id};
use crate::documents::{Holder, attach_documents};
use crate::ids::{DocumentId, SpatialUnitId, TitleCaseId, VersionId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise};
use crate::request::fields::{optional_reason, plain_text, said, sane_day};
use crate::request::{Body, Context, Fault, Idempotency, Problem, ProblemKind, Times, etag, require_match};
use crate::successions::{Plan, old_ones, require_rooms_assigned};
use crate::titles::TitleStatement;
use crate::titles::asset_status::status_without_title;
use crate::titles::dictionaries::{EndCause, FilingReason, PolicyAction};
use crate::titles::encumbrances::EncumbranceStatement;
use crate::titles::permission::{TitleAction, require, require_at};
use crate::unit_code::UnitCode;
use crate::versioned::{Created, Occasion, answer, answer_created, changed_fields, write_revision};

/// The beginning of a case.
#[derive(Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Opening {
    /// The parcel or building.
    asset_id: Uuid,
    /// 不动产单元号, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit_code: Option<String>,
    /// The title that is to be dealt with, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title_id: Option<Uuid>,
    /// What it will be classified as. An objection, a pre-notice or a seizure is entered beside whatever else is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    policy_action: Option<PolicyAction>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

fn unit_code(text: &str) -> Result<Option<String>, Problem> {
    let text = plain_text("unit_code", text, 80)?;
    if text.is_empty() {
        return Ok(None);
    }
    UnitCode::parse(&text)
        .map(|code| Some(code.as_str().to_owned()))
        .map_err(|refused| refused.unit_code_problem("unit_code", &text))
}

/// A pending case holds its asset and unit: who opened it, and in which state it is.
pub(super) async fn competing(context: &Context, asset: Uuid, code: Option<&str>, problem: Problem) -> Problem {
    if !matches!(
        problem.code.as_deref(),
        Some("title_case_version_one_per_asset" | "title_case_version_one_per_unit")
    ) {
        return problem;
    }
    let Ok(mut snapshot) = context.database.begin_snapshot().await else {
        return problem;
    };
    let pending = sqlx::query!(
        r#"select v.object_id, v.opened_by, v.state, lower(v.valid) as "since!", c.number,
                  v.details ->> 'receipt_no' as receipt_no
             from title_case_version v
             join title_case c on c.id = v.object_id
            where upper_inf(recorded) and state <> 'archived'
              and coalesce(v.details ->> 'policy_action', '') not in ('objection', 'pre_notice', 'seizure')
              and (asset_id = $1 or firm_code = title_firm_code($2))
            limit 1"#,
        asset,
        code,
    )
    .fetch_optional(&mut *snapshot)
    .await;
    match pending {
        Ok(Some(pending)) => Problem {
            detail: {
                let state = super::definition()
                    .ok()
                    .and_then(|definition| definition.state(&pending.state));
                let receipt = |words: &str| {
                    let number = pending.receipt_no.as_deref();
                    number.map(|number| format!(", {words} {number}")).unwrap_or_default()
                };
                format!(
                    "{}立案的第 {} 号案件正在办理（{}，{} 起{}），办结前不能再次申请 / case {} of {} is pending ({}, since {}{}); what is received first is dealt with first",
                    pending.opened_by,
                    pending.number,
                    state.map_or(pending.state.as_str(), |state| &state.zh),
                    pending.since,
                    receipt("受理号"),
                    pending.number,
                    pending.opened_by,
                    state.map_or(pending.state.as_str(), |state| &state.en),
                    pending.since,
                    receipt("receipt number"),
                )
            },
            remedy: Some(format!("go on with /api/v1/title-cases/{}", pending.object_id)),
            ..problem
        },
        _ => problem,
    }
}

/// Opens a case about an asset. It holds the asset and the unit code against other cases until it is archived.
#[utoipa::path(post, path = "/api/v1/title-cases", operation_id = "open_title_case", tag = "title cases",
    params(("Idempotency-Key" = String, Header)), request_body = Opening,
    responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn open_title_case(
    context: Context,
    headers: HeaderMap,
    Body(opening): Body<Opening>,
) -> Result<Response, Problem> {
    require(&context.caller, TitleAction::WorkOnCase)?;
    let idempotency = Idempotency::read(&headers, &("title-cases", &opening))?;
    let mut transaction = context.database.begin().await?;
    if let Some(repeated) = idempotency.repeated(&mut transaction, &context.actor).await? {
        return Ok(repeated.into_response());
    }
    let (now, today) = (context.clock.now(), context.clock.today());
    let kind = sqlx::query_scalar!("select kind from spatial_unit where id = $1", opening.asset_id)
        .fetch_optional(&mut *transaction)
        .await?;
    if !matches!(kind.as_deref(), Some("parcel" | "building")) {
        return Err(
            Problem::invalid("asset_id", "no parcel or building is registered under this id")
                .remedy("send the id of a parcel or building"),
        );
    }
    require_at(&mut transaction, &context, TitleAction::WorkOnCase, &[opening.asset_id]).await?;
    let definition = super::definition()?;
    crate::procedures::keep(&mut transaction, definition, now).await?;
    let content = CaseContent {
        asset_id: SpatialUnitId(opening.asset_id).0,
        unit_code: opening.unit_code.as_deref().map(unit_code).transpose()?.flatten(),
        title_id: opening.title_id,
        state: definition.initial.clone(),
        opened_by: context.actor.0.clone(),
        submitted_by: None,
        reviewed_by: None,
        due_on: None,
        review_on: None,
        disposal_frozen: false,
        details: CaseDetails {
            policy_action: opening.policy_action,
            ..CaseDetails::default()
        },
        definition: Some(definition.digest()),
    };
    let code = content.unit_code.clone();
    let id = TitleCaseId::fresh();
    let revision = revise(&[], ValidPeriod::since(today), Some(content), now);
    let occasion = Occasion::by(&context.actor, optional_reason(opening.reason.as_deref())?);
    let written = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await;
    let version = match written {
        Ok(version) => version,
        Err(fault) => {
            transaction.rollback().await?;
            return Err(competing(&context, opening.asset_id, code.as_deref(), fault.into()).await);
        }
    };
    let location = format!("/api/v1/title-cases/{id}");
    let created = answer_created(&mut transaction, &context, &idempotency, now, &location, id.0, version).await?;
    transaction.commit().await?;
    Ok(created)
}

/// What is worked on in a case. What is absent stays.
#[derive(Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Papers {
    /// Why.
    reason: Option<String>,
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<String>)]
    unit_code: Option<Option<String>>,
    #[serde(deserialize_with = "said")]
    #[schema(value_type = Option<Uuid>)]
    title_id: Option<Option<Uuid>>,
    /// All of the documents.
    documents: Option<Vec<CaseDocument>>,
    /// All of the checks of a return.
    return_checks: Option<Vec<ReturnCheck>>,
    approval: Option<String>,
    consents: Option<Vec<String>>,
    told: Option<Vec<String>>,
    area: Option<AreaCheck>,
    /// What the title is to say: fields of a title. What is absent stays, null empties.
    #[schema(value_type = Option<Object>)]
    draft: Option<Map<String, Value>>,
    filing_reasons: Option<Vec<FilingReason>>,
    filing_evidence: Option<String>,
    /// What is to become of what, for a split or merge.
    succession: Option<Plan>,
    /// Why the title ends.
    end_cause: Option<EndCause>,
    /// What the assets are once it has ended: `none_handed` (unless told), `none_not_handed` or `other`.
    asset_status: Option<String>,
    /// What is to be entered on the title: an objection, a pre-notice or a seizure.
    entry: Option<EncumbranceStatement>,
}

/// Fields of a title that the case itself knows better.
const OF_THE_CASE: [&str; 9] = [
    "unit_code",
    "policy_action",
    "registration_type",
    "accepted_on",
    "recorded_on",
    "issued_on",
    "valid_from",
    "reason",
    "book_state",
];

/// States in which nobody waits for a judgement of what the papers say.
const OPEN_FOR_WORK: [&str; 12] = [
    "surveyed",
    "classified",
    "collecting",
    "return_talks",
    "clearing",
    "return_approved",
    "refused_intake",
    "supplement",
    "rejected",
    "withdrawn",
    "filing_draft",
    "filed",
];

/// A problem with a part of the papers names the field within them.
fn within(part: &str, problem: Problem) -> Problem {
    Problem {
        field: problem.field.map(|field| format!("{part}.{field}")),
        ..problem
    }
}

/// Documents as they are kept: of the procedure's kinds, named, of no day to come.
pub(super) fn case_documents(
    documents: &[CaseDocument],
    definition: &Definition,
    today: Date,
) -> Result<Vec<CaseDocument>, Problem> {
    let mut kept = Vec::with_capacity(documents.len().min(1000));
    for (index, document) in documents.iter().enumerate() {
        let field = |name: &str| format!("documents[{index}].{name}");
        if !definition.document_kinds.contains_key(&document.kind) {
            return Err(
                Problem::invalid(&field("kind"), format!("{:?} is no kind of document", document.kind))
                    .remedy("choose one of /api/v1/workflows/title_case"),
            );
        }
        let name = plain_text(&field("name"), &document.name, 200)?;
        if name.is_empty() {
            return Err(Problem::invalid(&field("name"), "it is missing").remedy("name the document"));
        }
        if let Some(date) = document.date
            && sane_day(&field("date"), date)? > today
        {
            return Err(Problem::invalid(&field("date"), format!("{date} is in the future"))
                .remedy("write the date of the document")
                .code("date_in_future"));
        }
        kept.push(CaseDocument {
            name,
            ..document.clone()
        });
    }
    Ok(kept)
}

impl Papers {
    fn lay_over(self, content: &mut CaseContent, definition: &Definition, today: Date) -> Result<(), Problem> {
        let texts = |field: &str, texts: Vec<String>| {
            texts
                .iter()
                .map(|text| plain_text(field, text, 200))
                .collect::<Result<Vec<_>, _>>()
        };
        let text = |field: &str, text: String| {
            Ok::<_, Problem>(Some(plain_text(field, &text, 2_000)?).filter(|text| !text.is_empty()))
        };
        if let Some(code) = self.unit_code {
            content.unit_code = code.as_deref().map(unit_code).transpose()?.flatten();
        }
        if let Some(title) = self.title_id {
            content.title_id = title;
        }
        let details = &mut content.details;
        if let Some(documents) = self.documents {
            details.documents = case_documents(&documents, definition, today)?;
        }
        if let Some(checks) = self.return_checks {
            for (index, check) in checks.iter().enumerate() {
                let field = |name: &str| format!("return_checks[{index}].{name}");
                if !RETURN_CHECKS.iter().any(|known| known.name == check.check) {
                    let names: Vec<_> = RETURN_CHECKS.iter().map(|known| known.name).collect();
                    return Err(
                        Problem::invalid(&field("check"), format!("{:?} is none of the checks", check.check))
                            .remedy(format!("choose one of {}", names.join(", "))),
                    );
                }
                check
                    .paper
                    .as_deref()
                    .map(|paper| plain_text(&field("paper"), paper, 400))
                    .transpose()?;
                if plain_text(&field("finding"), &check.finding, 2_000)?.is_empty() {
                    return Err(Problem::invalid(&field("finding"), "it is missing").remedy("say what was found"));
                }
            }
            details.return_checks = checks;
        }
        if let Some(approval) = self.approval {
            details.approval = text("approval", approval)?;
        }
        if let Some(consents) = self.consents {
            details.consents = texts("consents", consents)?;
        }
        if let Some(told) = self.told {
            details.told = texts("told", told)?;
        }
        if let Some(area) = self.area {
            let sane = |area: f64| (0.0..1e11).contains(&area);
            if !sane(area.surveyed_m2) || area.certificate_m2.is_some_and(|area| !sane(area)) {
                return Err(Problem::invalid("area", "it is no area").remedy("send square metres, 0 or more"));
            }
            details.area = Some(area);
        }
        if let Some(draft) = self.draft {
            for (field, value) in draft {
                if OF_THE_CASE.contains(&field.as_str()) {
                    return Err(Problem::invalid(&format!("draft.{field}"), "the case itself says that")
                        .remedy("leave it out of the draft"));
                }
                // Over a title that is in the book, what is emptied stays said.
                if value.is_null() && content.title_id.is_none() {
                    details.draft.remove(&field);
                } else {
                    details.draft.insert(field, value);
                }
            }
            // It must read as a title, though it need not be complete.
            let said = details.draft.iter().filter(|(_, value)| !value.is_null());
            let said = said.map(|(field, value)| (field.clone(), value.clone())).collect();
            TitleStatement::read(Value::Object(said)).map_err(|problem| Problem {
                field: problem.field.map(|field| format!("draft.{field}")),
                ..problem
            })?;
        }
        if let Some(reasons) = self.filing_reasons {
            details.filing_reasons = reasons;
        }
        if let Some(evidence) = self.filing_evidence {
            details.filing_evidence = text("filing_evidence", evidence)?;
        }
        if let Some(plan) = self.succession {
            let plan = plan.settled().map_err(|problem| within("succession", problem))?;
            if !plan.from_ids.contains(&content.asset_id) {
                return Err(
                    Problem::invalid("succession.from_ids", "the asset of this case is none of them")
                        .remedy("name it among the old ones, or open a case on one of them"),
                );
            }
            details.succession = Some(plan);
        }
        if self.end_cause.is_some() {
            details.end_cause = self.end_cause;
        }
        if let Some(status) = self.asset_status {
            status_without_title(Some(&status))?;
            details.asset_status = Some(status);
        }
        if let Some(entry) = self.entry {
            entry.check(today, today).map_err(|problem| within("entry", problem))?;
            details.entry = Some(entry);
        }
        Ok(())
    }
}

/// Works on the papers of a case. What is put forward for review can't be changed: send it back first.
#[utoipa::path(patch, path = "/api/v1/title-cases/{id}", operation_id = "work_on_title_case", tag = "title cases",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)), request_body = Papers,
    responses((status = 200, body = TitleCase), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn work_on_title_case(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(papers): Body<Papers>,
) -> Result<Response, Problem> {
    require(&context.caller, TitleAction::WorkOnCase)?;
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin().await?;
    let held = held_case(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    let asset = held.content.asset_id;
    require_at(&mut transaction, &context, TitleAction::WorkOnCase, &[asset]).await?;
    require_match(&headers, &etag(held.version_id))?;
    if !OPEN_FOR_WORK.contains(&held.content.state.as_str()) {
        return Err(Problem::new(
            ProblemKind::Conflict,
            format!(
                "in the state {} the papers stand as they were put forward",
                held.content.state
            ),
        )
        .code("papers_closed")
        .remedy("send the case back, or withdraw it, to work on it"));
    }
    // Whoever reviewed it doesn't write it as well.
    if held.content.state == "supplement" && held.content.reviewed_by.as_deref() == Some(&context.actor.0) {
        return Err(Problem::new(
            ProblemKind::Conflict,
            "you reviewed this case; another person writes the supplement",
        )
        .code("four_eyes")
        .remedy("let the clerk write it"));
    }
    let reason = optional_reason(papers.reason.as_deref())?;
    let mut content = held.content.clone();
    let definition = super::definition_of(&mut transaction, &content).await?;
    papers.lay_over(&mut content, &definition, context.clock.today())?;
    if let Some(plan) = &content.details.succession
        && content.details.succession != held.content.details.succession
    {
        let old = old_ones(&mut transaction, plan, context.clock.today())
            .await
            .map_err(|problem| within("succession", problem))?;
        old.measure
            .require_conserved()
            .map_err(|problem| within("succession", problem))?;
        require_rooms_assigned(&mut transaction, plan, context.clock.today())
            .await
            .map_err(|problem| within("succession", problem))?;
    }
    let mut version = Some(held.version_id);
    if !changed_fields(&held.content, &content).is_empty() {
        take_up_files(&mut transaction, &context, id, &held.content.details, &content.details).await?;
        let (asset, code) = (content.asset_id, content.unit_code.clone());
        let occasion = Occasion::by(&context.actor, reason);
        match write_step(&mut transaction, &context, id, &held, content, &occasion).await {
            Ok(written) => version = written,
            Err(fault) => {
                transaction.rollback().await?;
                return Err(competing(&context, asset, code.as_deref(), fault.into()).await);
            }
        }
        transaction.commit().await?;
    }
    let case = load(&context, id, Times::now(&context.clock)).await?;
    Ok(answer(StatusCode::OK, None, version, Json(case)))
}

/// Takes up the papers that the case did not have: those alone that the caller may read.
async fn take_up_files(
    connection: &mut sqlx::PgConnection,
    context: &Context,
    id: TitleCaseId,
    before: &CaseDetails,
    after: &CaseDetails,
) -> Result<(), Problem> {
    let had = before.files();
    let fresh: Vec<DocumentId> = after.files().into_iter().filter(|file| !had.contains(file)).collect();
    let unknown = attach_documents(connection, context, Holder::TitleCase, id.0, &fresh).await?;
    let Some(unknown) = unknown else { return Ok(()) };
    let index = after
        .documents
        .iter()
        .position(|document| document.file == Some(unknown));
    Err(Problem::invalid(
        &format!("documents[{}].file", index.unwrap_or_default()),
        format!("{unknown} is no paper that you brought or may read"),
    )
    .code("file_unknown")
    .remedy("bring it first: POST /api/v1/documents"))
}

/// Writes the next version of a case.
pub(super) async fn write_step(
    connection: &mut sqlx::PgConnection,
    context: &Context,
    id: TitleCaseId,
    held: &crate::period::Held<CaseContent>,
    content: CaseContent,
    occasion: &Occasion,
) -> Result<Option<VersionId>, Fault> {
    let revision = revise(
        std::slice::from_ref(held),
        held.valid,
        Some(content),
        context.clock.now(),
    );
    write_revision(
        connection,
        id.0,
        Action::Change,
        &revision,
        Some(&held.content),
        occasion,
    )
    .await
}
