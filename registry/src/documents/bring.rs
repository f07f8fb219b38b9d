//! `POST /api/v1/documents`: brings a paper. It belongs to nothing yet; a case takes it up by its id.

use std::io::{Seek, SeekFrom, Write as _};

use axum::Json;
use axum::extract::multipart::{MultipartError, MultipartRejection};
use axum::extract::{Multipart, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use uuid::Uuid;

use super::kind::{FileKind, KindRefused, recognise};
use super::read::{Document, load};
use super::{DocumentStore, MAX_DOCUMENT_BYTES};
use crate::ids::DocumentId;
use crate::ledger::{Action, EntryId, NewEntry, Object, ObjectKind, append};
use crate::request::{Context, Fault, Problem, ProblemKind};

/// How long the name of a file may be.
const LONGEST_NAME: usize = 200;

/// What takes up papers. A new one needs a migration that extends `document_use_holder_known`, and its condition in
/// `read.rs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// The work on a title.
    TitleCase,
    /// 一资一策, a repair, what a unit asks for.
    PolicyCase,
    /// A stocktaking.
    Stocktaking,
    /// A line of a stocktaking.
    StocktakingLine,
    /// An inspection.
    Inspection,
    /// What an inspection found.
    InspectionFinding,
}

impl Holder {
    fn word(self) -> &'static str {
        match self {
            Self::TitleCase => "title_case",
            Self::PolicyCase => "policy_case",
            Self::Stocktaking => "stocktaking",
            Self::StocktakingLine => "stocktaking_line",
            Self::Inspection => "inspection",
            Self::InspectionFinding => "inspection_finding",
        }
    }
}

/// A file as it came in.
struct Upload {
    file: std::fs::File,
    name: String,
    bytes: u64,
    sha256: [u8; 32],
    kind: FileKind,
}

fn refused(detail: impl Into<String>, code: &'static str) -> Problem {
    Problem::new(ProblemKind::FileRefused, detail).field("file").code(code)
}

fn broken(error: MultipartError) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        too_large()
    } else {
        Problem::bad("file", error.body_text())
    }
}

fn too_large() -> Problem {
    Problem::new(
        ProblemKind::TooLarge,
        format!("a paper may have {} MiB at most", MAX_DOCUMENT_BYTES >> 20),
    )
    .field("file")
    .remedy("scan it with fewer dots per inch, or bring it in parts")
}

fn disk(error: std::io::Error) -> Fault {
    Fault::Impossible {
        what: format!("an upload could not be kept: {error}"),
    }
}

/// The last part of what the client calls the file, without what can't be seen.
fn plain_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !is_unseen(*c)).take(LONGEST_NAME).collect();
    let name = name.trim();
    if name.trim_matches('.').is_empty() {
        "file".to_owned()
    } else {
        name.to_owned()
    }
}

/// Control characters, and those that turn the direction of writing: `a\u{202E}fdp.exe` must not look like a PDF.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

async fn receive(mut multipart: Multipart, most: u64) -> Result<Upload, Problem> {
    while let Some(mut part) = multipart.next_field().await.map_err(broken)? {
        if part.name() != Some("file") {
            continue;
        }
        let name = plain_name(part.file_name().unwrap_or_default());
        let mut file = tempfile::tempfile().map_err(disk)?;
        let (mut bytes, mut hash) = (0, Sha256::new());
        while let Some(chunk) = part.chunk().await.map_err(broken)? {
            bytes += chunk.len() as u64;
            if bytes > most {
                return Err(too_large());
            }
            hash.update(&chunk);
            file.write_all(&chunk).map_err(disk)?;
        }
        if bytes == 0 {
            return Err(refused("the file is empty", "file_empty").remedy("choose another file"));
        }
        let (kind, mut file) = tokio::task::spawn_blocking(move || recognise(&mut file).map(|kind| (kind, file)))
            .await
            .map_err(|error| Fault::Impossible {
                what: format!("a file could not be looked at: {error}"),
            })?
            .map_err(disk)?;
        file.seek(SeekFrom::Start(0)).map_err(disk)?;
        let kind = kind.map_err(|why| match why {
            KindRefused::Unknown => refused("by its bytes it is none of the kinds that are kept", "file_kind")
                .remedy("bring PDF, OFD, JPEG, PNG, TIFF, DOCX or XLSX"),
            KindRefused::Macros => refused("it holds macros, which run when it is opened", "file_macros")
                .remedy("save it without macros, or as PDF"),
        })?;
        return Ok(Upload {
            file,
            name,
            bytes,
            sha256: hash.finalize().into(),
            kind,
        });
    }
    Err(Problem::bad("file", "the file is missing").remedy("send it as the part `file` of multipart/form-data"))
}

/// What the ledger vouches for: the row's digest, each part with its length in front. The name is in it and not beside it:
/// everybody who may read the ledger reads its entries.
pub(super) fn row_digest(
    id: Uuid,
    sha256: &[u8],
    bytes: i64,
    media_type: &str,
    name: &str,
    brought_by: &str,
) -> String {
    let mut hash = Sha256::new();
    for part in [
        b"yice document 1".as_slice(),
        id.as_bytes(),
        sha256,
        &bytes.to_be_bytes(),
        media_type.as_bytes(),
        name.as_bytes(),
        brought_by.as_bytes(),
    ] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// Brings a paper: the part `file` of multipart/form-data. PDF, OFD, JPEG, PNG, TIFF, DOCX and XLSX are kept.
///
/// Only whoever brought it can read it, until a case takes it up. The same file brought again by the same person is the
/// same paper.
#[utoipa::path(post, path = "/api/v1/documents", operation_id = "bring_document", tag = "documents",
    responses((status = 201, body = Document), (status = 200, body = Document, description = "it was brought before"),
              (status = 400, body = Problem), (status = 413, body = Problem), (status = 415, body = Problem),
              (status = 422, body = Problem)))]
pub(super) async fn bring_document(
    context: Context,
    State(store): State<DocumentStore>,
    multipart: Result<Multipart, MultipartRejection>,
) -> Result<Response, Problem> {
    let multipart = multipart.map_err(|error| {
        Problem::new(ProblemKind::UnsupportedMediaType, error.body_text())
            .remedy("send the file as multipart/form-data with the part file")
    })?;
    let upload = receive(multipart, MAX_DOCUMENT_BYTES).await?;
    let bytes = i64::try_from(upload.bytes).unwrap_or(i64::MAX);
    let media_type = upload.kind.media_type();
    // First the bytes and then the row: no row is ever without its bytes.
    store
        .keep(&upload.sha256, upload.file)
        .await
        .map_err(|error| error.fault())?;
    let id = DocumentId::fresh();
    let now = context.clock.now();
    let mut transaction = context.database.begin().await?;
    let inserted = sqlx::query_scalar!(
        "insert into document (id, sha256, bytes, media_type, name, brought_at, brought_by, person_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8)
             on conflict on constraint document_once_a_person do nothing
         returning id",
        id.0,
        &upload.sha256[..],
        bytes,
        media_type,
        upload.name,
        now,
        context.actor.0,
        context.caller.person_id.0,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let (id, status) = match inserted {
        Some(id) => {
            let digest = row_digest(id, &upload.sha256, bytes, media_type, &upload.name, &context.actor.0);
            note(&mut transaction, &context, id, &digest).await?;
            (id, StatusCode::CREATED)
        }
        None => {
            let known = sqlx::query_scalar!(
                "select id from document where person_id = $1 and sha256 = $2 and name = $3",
                context.caller.person_id.0,
                &upload.sha256[..],
                upload.name,
            )
            .fetch_one(&mut *transaction)
            .await?;
            (known, StatusCode::OK)
        }
    };
    transaction.commit().await?;
    let document = load(&context, DocumentId(id)).await?;
    let mut response = (status, Json(document.shown)).into_response();
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/documents/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

async fn note(connection: &mut PgConnection, context: &Context, id: Uuid, digest: &str) -> Result<(), Fault> {
    let after = serde_json::value::to_raw_value(&json!({"digest": digest})).map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })?;
    let entry = NewEntry {
        id: EntryId::fresh(),
        recorded_at: context.clock.now(),
        actor: &context.actor.0,
        action: Action::Create,
        object: Object {
            kind: ObjectKind::Document,
            id,
        },
        before: None,
        after: Some(&after),
        reason: None,
        case_id: None,
        import_id: None,
    };
    append(connection, &entry).await?;
    Ok(())
}

/// Takes up papers in the caller's transaction: from now on whoever may see the holder may read them. Gives the first that
/// is no paper which the caller may read; nothing is taken up then.
///
/// # Errors
/// The database's.
pub async fn attach_documents(
    connection: &mut PgConnection,
    context: &Context,
    holder: Holder,
    holder_id: Uuid,
    papers: &[DocumentId],
) -> Result<Option<DocumentId>, Fault> {
    let ids: Vec<Uuid> = papers.iter().map(|paper| paper.0).collect();
    let readable = super::read::readable(connection, context.caller.person_id, &ids).await?;
    if let Some(unknown) = papers.iter().find(|paper| !readable.contains(&paper.0)) {
        return Ok(Some(*unknown));
    }
    sqlx::query!(
        "insert into document_use (document_id, holder_kind, holder_id)
         select paper, $2::text, $3::uuid from unnest($1::uuid[]) paper
             on conflict on constraint document_use_pkey do nothing",
        &ids,
        holder.word(),
        holder_id,
    )
    .execute(connection)
    .await?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::{FromRequest, Request};

    use super::*;

    #[tokio::test]
    async fn a_paper_beyond_the_limit_is_refused() {
        let upload = async |most: u64| {
            let body = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n%PDF-1.7 0123456789\r\n--x--\r\n";
            let request = Request::builder()
                .header(header::CONTENT_TYPE, "multipart/form-data; boundary=x")
                .body(Body::from(body))
                .unwrap();
            receive(Multipart::from_request(request, &()).await.unwrap(), most).await
        };
        assert_eq!(upload(19).await.ok().unwrap().bytes, 19);
        let refused = upload(18).await.err().unwrap();
        assert_eq!(refused.into_response().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn a_name_is_what_can_be_seen_of_its_last_part() {
        for (given, name) in [
            ("不动产权证书.pdf", "不动产权证书.pdf"),
            ("C:\\Users\\王\\证.pdf", "证.pdf"),
            ("../../etc/passwd", "passwd"),
            ("a\u{202E}fdp.exe", "afdp.exe"),
            ("line\r\nSet-Cookie: x", "lineSet-Cookie: x"),
            ("", "file"),
            ("..", "file"),
            ("dir/", "file"),
            ("  \t ", "file"),
        ] {
            assert_eq!(plain_name(given), name, "{given:?}");
        }
        assert_eq!(plain_name(&"长".repeat(500)).chars().count(), LONGEST_NAME);
    }
}
