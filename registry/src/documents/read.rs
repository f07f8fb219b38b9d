//! `GET /api/v1/documents/{id}` and its content, for whoever brought it or may see a case that has it.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sqlx::PgConnection;
use time::OffsetDateTime;
use uuid::Uuid;

use super::DocumentStore;
use crate::ids::{DocumentId, PersonId};
use crate::request::{Context, Fault, Problem};

const WHAT: &str = "this paper";

/// What is known of a paper.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Document {
    /// Its id, for ever.
    pub id: DocumentId,
    /// What whoever brought it calls it.
    pub name: String,
    /// By its bytes.
    pub media_type: String,
    /// How many.
    pub bytes: i64,
    /// Of the bytes, in hexadecimal digits.
    pub sha256: String,
    /// When it was brought.
    #[serde(with = "time::serde::rfc3339")]
    pub brought_at: OffsetDateTime,
    /// Who brought it.
    pub brought_by: String,
}

/// A paper with the digest under which it lies.
pub(super) struct Held {
    pub shown: Document,
    pub sha256: [u8; 32],
}

/// The one condition by which papers are read: the caller brought it, or sees a holder of it. What they see of the holders
/// the database decides by the transaction's scope.
pub(super) async fn readable(
    connection: &mut PgConnection,
    person: PersonId,
    papers: &[Uuid],
) -> Result<Vec<Uuid>, Fault> {
    Ok(sqlx::query_scalar!(
        "select d.id from document d
          where d.id = any($1)
            and (d.person_id = $2
                 or exists (select from document_use u
                              join title_case_version v on v.object_id = u.holder_id
                             where u.document_id = d.id and u.holder_kind = 'title_case')
                 or exists (select from document_use u
                              join policy_case_version v on v.object_id = u.holder_id
                             where u.document_id = d.id and u.holder_kind = 'policy_case')
                 or exists (select from document_use u
                              join stocktaking_version v on v.object_id = u.holder_id
                             where u.document_id = d.id and u.holder_kind = 'stocktaking')
                 or exists (select from document_use u
                              join stocktaking_line l on l.id = u.holder_id
                             where u.document_id = d.id and u.holder_kind = 'stocktaking_line')
                 or exists (select from document_use u
                              join inspection_version v on v.object_id = u.holder_id
                             where u.document_id = d.id and u.holder_kind = 'inspection')
                 or exists (select from document_use u
                              join inspection_finding_version v on v.object_id = u.holder_id
                             where u.document_id = d.id and u.holder_kind = 'inspection_finding'))",
        papers,
        person.0,
    )
    .fetch_all(connection)
    .await?)
}

async fn rows(connection: &mut PgConnection, papers: &[Uuid]) -> Result<Vec<Held>, Fault> {
    let rows = sqlx::query!(
        "select id, name, media_type, bytes, sha256, brought_at, brought_by from document where id = any($1)",
        papers,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let sha256: [u8; 32] = row.sha256.try_into().map_err(|_| Fault::Impossible {
                what: format!("document {}: its digest is none", row.id),
            })?;
            Ok(Held {
                shown: Document {
                    id: DocumentId(row.id),
                    name: row.name,
                    media_type: row.media_type,
                    bytes: row.bytes,
                    sha256: hex::encode(sha256),
                    brought_at: row.brought_at,
                    brought_by: row.brought_by,
                },
                sha256,
            })
        })
        .collect()
}

/// What is known of papers that a holder names; the caller has shown already that they may see the holder.
///
/// # Errors
/// The database's.
pub async fn documents_of(connection: &mut PgConnection, papers: &[DocumentId]) -> Result<Vec<Document>, Fault> {
    if papers.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = papers.iter().map(|paper| paper.0).collect();
    let mut found: Vec<Document> = rows(connection, &ids)
        .await?
        .into_iter()
        .map(|held| held.shown)
        .collect();
    found.sort_by_key(|document| papers.iter().position(|paper| *paper == document.id));
    Ok(found)
}

/// A paper that the caller may read.
pub(super) async fn load(context: &Context, id: DocumentId) -> Result<Held, Problem> {
    let mut transaction = context.database.begin_snapshot().await?;
    let readable = readable(&mut transaction, context.caller.person_id, &[id.0]).await?;
    // One that is not there and one that is not theirs are answered alike.
    let held = rows(&mut transaction, &readable).await?.pop();
    transaction.commit().await?;
    context.note_read_behind("document", readable).await?;
    held.ok_or_else(|| Problem::not_found(WHAT))
}

fn parse_id(text: &str) -> Result<DocumentId, Problem> {
    Uuid::parse_str(text)
        .map(DocumentId)
        .map_err(|_| Problem::not_found(WHAT))
}

/// What is known of a paper.
#[utoipa::path(get, path = "/api/v1/documents/{id}", operation_id = "get_document", tag = "documents",
    params(("id" = Uuid, Path)), responses((status = 200, body = Document), (status = 404, body = Problem)))]
pub(super) async fn get_document(context: Context, Path(id): Path<String>) -> Result<Json<Document>, Problem> {
    Ok(Json(load(&context, parse_id(&id)?).await?.shown))
}

/// The paper itself, to be saved: it never opens within the page, and nothing in it runs.
#[utoipa::path(get, path = "/api/v1/documents/{id}/content", operation_id = "get_document_content", tag = "documents",
    params(("id" = Uuid, Path)),
    responses((status = 200, content_type = "application/octet-stream"), (status = 304), (status = 404, body = Problem)))]
pub(super) async fn get_document_content(
    context: Context,
    State(store): State<DocumentStore>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Held { shown, sha256 } = load(&context, parse_id(&id)?).await?;
    let tag = format!("\"{}\"", shown.sha256);
    let is_seen = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|seen| seen.to_str().ok())
        .is_some_and(|seen| seen.split(',').any(|seen| seen.trim().trim_start_matches("W/") == tag));
    let mut response = if is_seen {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let damaged = |what: &str| Fault::Impossible {
            what: format!(
                "document {}: its file {what}; `yice ledger verify` names all such",
                shown.id
            ),
        };
        let found = store
            .open(&sha256)
            .await
            .map_err(|error| error.fault())?
            .ok_or_else(|| damaged("is missing"))?;
        if i64::try_from(found.meta.size) != Ok(shown.bytes) {
            return Err(damaged("has another length").into());
        }
        let mut response = Body::from_stream(found.into_stream()).into_response();
        for (name, value) in [
            (header::CONTENT_TYPE, shown.media_type.clone()),
            (header::CONTENT_LENGTH, shown.bytes.to_string()),
            (header::CONTENT_DISPOSITION, disposition(&shown.name)),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    for (name, value) in [
        // Whose it is may change: asked for again each time.
        (header::CACHE_CONTROL, "private, no-cache"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Where a client shows it all the same, it is shown apart from everything and runs nothing.
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// To be saved under its name: in ASCII for old clients, in full by RFC 6266 and RFC 8187.
fn disposition(name: &str) -> String {
    let ascii: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || " .-_()".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let full: String = name
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{full}")
}
