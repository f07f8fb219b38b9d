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
use crate::ids::{SpatialUnitId, TitleCaseId, VersionId};
use crate::ledger::Action;
use crate::period::{ValidPeriod, revise};
use crate::request::fields::{optional_reason, plain_text, said, sane_day};
use crate::request::{Body, Context, Fault, Idempotency, Problem, ProblemKind, Times, etag, require_match};
use crate::titles::TitleStatement;
use crate::titles::dictionaries::FilingReason;
use crate::titles::permission::{TitleAction, require};
use crate::unit_code::UnitCode;
use crate::versioned::{Created, Occasion, answer, changed_fields, write_revision};

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
async fn competing(context: &Context, asset: Uuid, code: Option<&str>, problem: Problem) -> Problem {
    if !matches!(
        problem.code.as_deref(),
        Some("title_case_version_one_per_asset" | "title_case_version_one_per_unit")
    ) {
        return problem;
    }
    let pending = sqlx::query!(
        r#"select object_id, opened_by, state, lower(recorded) as "since!" from title_case_version
            where upper_inf(recorded) and state <> 'archived'
              and (asset_id = $1 or firm_code = title_firm_code($2))
            limit 1"#,
        asset,
        code,
    )
    .fetch_optional(context.database.pool())
    .await;
    match pending {
        Ok(Some(pending)) => Problem {
            detail: format!(
                "case {} of {} is pending ({}); what is received first is dealt with first",
                pending.object_id, pending.opened_by, pending.state
            ),
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
        details: CaseDetails::default(),
        definition: Some(definition.digest()),
    };
    let code = content.unit_code.clone();
    let id = TitleCaseId::fresh();
    let revision = revise(&[], ValidPeriod::since(today), Some(content), now);
    let occasion = Occasion {
        actor: context.actor.clone(),
        reason: optional_reason(opening.reason.as_deref())?,
        import_id: None,
    };
    let written = write_revision(&mut transaction, id.0, Action::Create, &revision, None, &occasion).await;
    let version = match written {
        Ok(version) => version,
        Err(fault) => {
            transaction.rollback().await?;
            return Err(competing(&context, opening.asset_id, code.as_deref(), fault.into()).await);
        }
    };
    let location = format!("/api/v1/title-cases/{id}");
    let body = serde_json::json!(Created {
        id: id.0,
        version_id: version.map(|version| version.0)
    });
    let tag = version.map(etag).unwrap_or_default();
    idempotency
        .keep(&mut transaction, &context.actor, now, &location, &tag, &body)
        .await?;
    transaction.commit().await?;
    Ok(answer(StatusCode::CREATED, Some(&location), version, Json(body)))
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
            let kinds = &definition.document_kinds;
            details.documents = Vec::with_capacity(documents.len().min(1000));
            for (index, document) in documents.into_iter().enumerate() {
                let field = |name: &str| format!("documents[{index}].{name}");
                if !kinds.contains_key(&document.kind) {
                    return Err(Problem::invalid(
                        &field("kind"),
                        format!("{:?} is no kind of document", document.kind),
                    )
                    .remedy("choose one of /api/v1/workflows/title_case"));
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
                details.documents.push(CaseDocument { name, ..document });
            }
        }
        if let Some(checks) = self.return_checks {
            for (index, check) in checks.iter().enumerate() {
                let field = |name: &str| format!("return_checks[{index}].{name}");
                if !RETURN_CHECKS.iter().any(|(name, _, _)| *name == check.check) {
                    let names: Vec<_> = RETURN_CHECKS.iter().map(|(name, _, _)| *name).collect();
                    return Err(
                        Problem::invalid(&field("check"), format!("{:?} is none of the checks", check.check))
                            .remedy(format!("choose one of {}", names.join(", "))),
                    );
                }
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
                if value.is_null() {
                    details.draft.remove(&field);
                } else {
                    details.draft.insert(field, value);
                }
            }
            // It must read as a title, though it need not be complete.
            TitleStatement::read(Value::Object(details.draft.clone())).map_err(|problem| Problem {
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
    let mut version = Some(held.version_id);
    if !changed_fields(&held.content, &content).is_empty() {
        let (asset, code) = (content.asset_id, content.unit_code.clone());
        let occasion = Occasion {
            actor: context.actor.clone(),
            reason,
            import_id: None,
        };
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
