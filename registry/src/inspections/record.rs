//! `POST /api/v1/inspections/{id}/records`: papers, the self-check, visits, and that one of them was wrong.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::content::{Fact, InspectionContent, Record, held_inspection};
use super::permission::{Inspected, has_role, require_role};
use super::plan::write_step;
use super::procedure::Definition;
use super::read::{Inspection, WHAT, load, parse_id};
use super::void::{require_open, require_voidable, whose};
use crate::documents::{Holder, attach_documents};
use crate::ids::DocumentId;
use crate::request::fields::plain_text;
use crate::request::{Body, Context, Problem, ProblemKind, etag, require_match};
use crate::versioned::answer;

/// The most records that an inspection takes.
const MOST_RECORDS: usize = 2_000;

/// Does the state take this kind of record?
pub(super) fn require_taken(definition: &Definition, content: &InspectionContent, kind: &str) -> Result<(), Problem> {
    let state = definition.state(&content.state);
    let takes = state.map(|state| state.records.as_slice()).unwrap_or_default();
    if takes.iter().any(|one| one == kind) {
        return Ok(());
    }
    let name = state.map_or("", |state| state.zh.as_str());
    Err(Problem::new(
        ProblemKind::Conflict,
        format!(
            "“{name}”环节不能办理这项 / in the state {} nothing of the kind {kind} is taken",
            content.state
        ),
    )
    .code("record_closed")
    .remedy(if takes.is_empty() {
        "the inspection has ended".to_owned()
    } else {
        format!("in this state there are: {}", takes.join(", "))
    }))
}

/// Whose it is to record this, and to declare it void.
pub(super) fn roles_of(fact: &Fact) -> &'static [&'static str] {
    match fact {
        Fact::Visit(_) => &["inspector"],
        Fact::SelfCheck(_) => &["inspected"],
        Fact::Document(_) | Fact::Void(_) => &["inspector", "inspected", "approver"],
    }
}

/// Takes up files for a holder; each must be one that the caller brought or may read.
pub(super) async fn take_up(
    connection: &mut PgConnection,
    context: &Context,
    (holder, id): (Holder, Uuid),
    files: &[DocumentId],
) -> Result<(), Problem> {
    if files.is_empty() {
        return Ok(());
    }
    match attach_documents(connection, context, holder, id, files).await? {
        None => Ok(()),
        Some(unknown) => Err(Problem::invalid(
            "file",
            format!("没有这份文件 / {unknown} is no paper that you brought or may read"),
        )
        .code("file_unknown")
        .remedy("bring it first: POST /api/v1/documents")),
    }
}

fn read(sent: &Value, definition: &Definition, context: &Context) -> Result<Fact, Problem> {
    let kind = sent.get("record").and_then(Value::as_str).unwrap_or_default();
    if !Fact::KINDS.contains(&kind) {
        return Err(
            Problem::invalid("record", format!("没有这类记录 / {kind:?} is no kind of record"))
                .code("record_unknown")
                .remedy(format!("choose one of {}", Fact::KINDS.join(", "))),
        );
    }
    for (field, value) in sent.as_object().into_iter().flatten() {
        if let Value::String(text) = value
            && plain_text(field, text, 4_000)?.is_empty()
        {
            return Err(Problem::invalid(field, "不能为空 / it is empty").remedy("write something"));
        }
    }
    let fact: Fact = serde_json::from_value(sent.clone()).map_err(|error| {
        Problem::new(ProblemKind::InvalidField, format!("内容不完整 / {kind}: {error}"))
            .code("record_form")
            .remedy("see InspectionFact in /openapi.json")
    })?;
    match &fact {
        Fact::Document(document) if !definition.document_kinds.contains_key(&document.kind) => Err(Problem::invalid(
            "kind",
            format!("没有这种材料 / {:?} is no kind of document", document.kind),
        )
        .code("document_unknown")
        .remedy("choose one of /api/v1/workflows/inspection")),
        Fact::Visit(visit) if visit.on > context.clock.today() => {
            Err(Problem::invalid("on", "日期在将来 / the day lies ahead")
                .code("date_in_future")
                .remedy("record what has happened"))
        }
        _ => Ok(fact),
    }
}

/// Records something in an inspection.
#[utoipa::path(post, path = "/api/v1/inspections/{id}/records", operation_id = "record_in_inspection", tag = "inspections",
    params(("id" = Uuid, Path), ("If-Match" = String, Header)),
    request_body(content = serde_json::Value, description = "`record` says what is recorded; the other fields are those that InspectionFact gives for it"),
    responses((status = 200, body = Inspection), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn record_in_inspection(
    context: Context,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(sent): Body<Value>,
) -> Result<Response, Problem> {
    let id = parse_id(&id)?;
    let mut transaction = context.database.begin().await?;
    let held = held_inspection(&mut transaction, id)
        .await?
        .ok_or_else(|| Problem::not_found(WHAT))?;
    require_match(&headers, &etag(held.version_id))?;
    let definition = super::definition_of(&mut transaction, &held.content).await?;
    let fact = read(&sent, &definition, &context)?;
    let inspected = Inspected::from(&held.content);
    let roles = match &fact {
        Fact::Void(void) => whose(&held.content, void.no, &context.actor.0),
        fact => roles_of(fact),
    };
    if !roles.iter().any(|role| has_role(&context.caller, role, inspected)) {
        require_role(
            &context.caller,
            roles.first().copied().unwrap_or("inspector"),
            inspected,
        )?;
    }
    match &fact {
        Fact::Void(void) => {
            require_open(&held.content)?;
            require_voidable(&held.content, &definition, void.no)?;
        }
        fact => require_taken(&definition, &held.content, fact.kind())?,
    }
    if held.content.details.records.len() >= MOST_RECORDS {
        return Err(
            Problem::new(ProblemKind::Conflict, "记录过多 / the inspection has too many records").code("records_full"),
        );
    }
    if let Fact::Visit(visit) = &fact
        && !held.content.details.sampled().contains(&visit.asset_id)
    {
        return Err(
            Problem::invalid("asset_id", "不在样本中 / this building is not in the sample")
                .code("not_sampled")
                .remedy("record the visit to a building of the sample"),
        );
    }
    let files: Vec<DocumentId> = fact.file().into_iter().collect();
    take_up(&mut transaction, &context, (Holder::Inspection, id.0), &files).await?;
    let mut content = held.content.clone();
    let no = u32::try_from(content.details.records.len()).unwrap_or(u32::MAX - 1) + 1;
    let why = format!("登记 {}", fact.kind());
    content.details.records.push(Record {
        no,
        by: context.actor.0.clone(),
        at: context.clock.now(),
        state: content.state.clone(),
        fact,
    });
    let version = write_step(&mut transaction, &context, id, &held, content, why).await?;
    transaction.commit().await?;
    Ok(answer(
        StatusCode::OK,
        None,
        version,
        Json(load(&context, id, None).await?),
    ))
}
