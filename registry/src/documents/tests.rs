//! Papers through the router, over a real PostGIS, under the application's role.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use tower::ServiceExt;
use uuid::Uuid;

use super::kind::tests::package_of;
use super::store::place;
use super::{DocumentStore, verify_documents};
use crate::database::take_system_role;
use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{ANONYMOUS, app, ask_as};
use crate::titles::tests::{parcel, rectangle};

pub(crate) const PDF: &[u8] = b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF\n";

pub(crate) struct Raw {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Raw {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

async fn send(app: &Router, token: Option<&str>, request: axum::http::request::Builder, body: Vec<u8>) -> Raw {
    let request = match token {
        Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
        None => request.header(ANONYMOUS, "yes"),
    };
    let request = request
        .header(header::HOST, "127.0.0.1")
        .body(Body::from(body))
        .unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Raw {
        status,
        headers,
        bytes: bytes.to_vec(),
    }
}

pub(crate) async fn bring(app: &Router, token: Option<&str>, name: &str, bytes: &[u8]) -> Raw {
    let mut body = format!(
        "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/html\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(bytes);
    body.extend_from_slice(b"\r\n--cut--\r\n");
    let request = Request::builder()
        .method("POST")
        .uri("/api/v1/documents")
        .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut");
    send(app, token, request, body).await
}

pub(crate) async fn get(app: &Router, token: Option<&str>, uri: &str) -> Raw {
    send(app, token, Request::builder().uri(uri), Vec::new()).await
}

/// A case, and its version's tag.
async fn open_case(app: &Router, token: &str) -> (String, String) {
    let asset = parcel(app, rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let key = Uuid::now_v7().to_string();
    let body = json!({"asset_id": asset});
    let answer = ask_as(
        app,
        Some(token),
        "POST",
        "/api/v1/title-cases",
        &[("Idempotency-Key", &key)],
        Some(body),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    (answer.location.unwrap(), answer.etag.unwrap())
}

#[sqlx::test(migrations = "../migrations")]
async fn a_paper_is_read_by_whoever_brought_it_and_by_others_once_a_case_has_it(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let clerk = person_with(&pool, "clerk", &[Role::TitleClerk], "all").await;
    let other = person_with(&pool, "other", &[Role::TitleClerk], "all").await;
    let viewer = person_with(&pool, "viewer", &[Role::Viewer], "all").await;
    let (case, tag) = open_case(&app, &clerk).await;

    assert_eq!(bring(&app, None, "a.pdf", PDF).await.status, StatusCode::UNAUTHORIZED);
    let refused = bring(&app, Some(&viewer), "a.pdf", PDF).await;
    assert_eq!(
        (refused.status, &refused.json()["code"]),
        (StatusCode::FORBIDDEN, &json!("not_granted"))
    );
    let brought = bring(&app, Some(&clerk), "不动产权证书 \u{202E}1.pdf", PDF).await;
    assert_eq!(brought.status, StatusCode::CREATED, "{}", brought.json());
    let document = brought.json();
    assert_eq!(
        (
            &document["name"],
            &document["media_type"],
            &document["bytes"],
            &document["brought_by"]
        ),
        (
            &json!("不动产权证书 1.pdf"),
            &json!("application/pdf"),
            &json!(PDF.len()),
            &json!("clerk")
        )
    );
    assert_eq!(document["sha256"], hex::encode(Sha256::digest(PDF)));
    let at = brought.header("location").to_owned();
    let content = format!("{at}/content");

    for (who, token) in [("another clerk", Some(&*other)), ("a viewer", Some(&*viewer))] {
        for uri in [&at, &content] {
            let hidden = get(&app, token, uri).await;
            assert_eq!(hidden.status, StatusCode::NOT_FOUND, "{who} {uri}");
            // It is answered like one that is not there.
            let unknown = get(&app, token, &format!("/api/v1/documents/{}", Uuid::now_v7())).await;
            assert_eq!(hidden.json(), unknown.json());
        }
    }
    assert_eq!(get(&app, None, &content).await.status, StatusCode::UNAUTHORIZED);

    // A case takes up nobody else's paper, and no paper that isn't there.
    let papers = json!({"documents": [
        {"kind": "application", "name": "申请书"},
        {"kind": "certificate", "name": "证书", "file": document["id"]},
    ]});
    for (token, file) in [(&other, document["id"].clone()), (&clerk, json!(Uuid::now_v7()))] {
        let mut papers = papers.clone();
        papers["documents"][1]["file"] = file;
        let refused = ask_as(&app, Some(token), "PATCH", &case, &[("If-Match", &tag)], Some(papers)).await;
        assert_eq!(
            (refused.status, &refused.body["field"], &refused.body["code"]),
            (
                StatusCode::UNPROCESSABLE_ENTITY,
                &json!("documents[1].file"),
                &json!("file_unknown")
            ),
            "{}",
            refused.body
        );
    }
    assert_eq!(get(&app, Some(&other), &content).await.status, StatusCode::NOT_FOUND);
    let taken = ask_as(&app, Some(&clerk), "PATCH", &case, &[("If-Match", &tag)], Some(papers)).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.body);
    assert_eq!(taken.body["files"], json!([document]));

    for token in [&clerk, &other, &viewer] {
        assert_eq!(get(&app, Some(token), &at).await.json(), document);
        let read = get(&app, Some(token), &content).await;
        assert_eq!((read.status, &*read.bytes), (StatusCode::OK, PDF));
        for (name, value) in [
            ("content-type", "application/pdf"),
            (
                "content-disposition",
                "attachment; filename=\"______ 1.pdf\"; filename*=UTF-8''%E4%B8%8D%E5%8A%A8%E4%BA%A7%E6%9D%83%E8%AF%81%E4%B9%A6%201.pdf",
            ),
            ("x-content-type-options", "nosniff"),
            ("content-security-policy", "sandbox; default-src 'none'"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cache-control", "private, no-cache"),
        ] {
            assert_eq!(read.header(name), value);
        }
        let again = Request::builder()
            .uri(&content)
            .header(header::IF_NONE_MATCH, read.header("etag"));
        assert_eq!(
            send(&app, Some(token), again, Vec::new()).await.status,
            StatusCode::NOT_MODIFIED
        );
    }
    // Put down again before the step: the case no longer has it, its history still tells.
    let tag = taken.etag.unwrap();
    let without = json!({"documents": [{"kind": "application", "name": "申请书"}]});
    let put_down = ask_as(&app, Some(&clerk), "PATCH", &case, &[("If-Match", &tag)], Some(without)).await;
    assert_eq!(put_down.body["files"], json!([]));
    assert_eq!(get(&app, Some(&other), &content).await.status, StatusCode::OK);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_file_is_kept_once_and_is_one_paper_of_each_person(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let clerk = person_with(&pool, "clerk", &[Role::TitleClerk], "all").await;
    let other = person_with(&pool, "other", &[Role::TitleClerk], "all").await;
    let first = bring(&app, Some(&clerk), "a.pdf", PDF).await;
    let again = bring(&app, Some(&clerk), "a.pdf", PDF).await;
    assert_eq!((first.status, again.status), (StatusCode::CREATED, StatusCode::OK));
    assert_eq!(
        (first.json(), first.header("location")),
        (again.json(), again.header("location"))
    );
    let renamed = bring(&app, Some(&clerk), "b.pdf", PDF).await;
    let theirs = bring(&app, Some(&other), "a.pdf", PDF).await;
    assert_eq!(
        (renamed.status, theirs.status),
        (StatusCode::CREATED, StatusCode::CREATED)
    );
    assert_ne!(first.json()["id"], renamed.json()["id"]);
    assert_ne!(first.json()["id"], theirs.json()["id"]);
    let (entries,): (i64,) = sqlx::query_as("select count(*) from ledger_entry where object_kind = 'document'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(entries, 3);
    let verified = verified(&pool, &state.documents).await;
    assert_eq!((verified.papers, verified.bytes), (3, PDF.len() as u64));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_no_paper_is_refused_and_leaves_nothing(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let clerk = person_with(&pool, "clerk", &[Role::TitleClerk], "all").await;
    for (bytes, code) in [
        (b"<script>alert(1)</script>".to_vec(), "file_kind"),
        (b"MZ\x90\0".to_vec(), "file_kind"),
        (Vec::new(), "file_empty"),
        (
            package_of(&["[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"]),
            "file_macros",
        ),
    ] {
        let refused = bring(&app, Some(&clerk), "证书.pdf", &bytes).await;
        assert_eq!(
            (refused.status, &refused.json()["code"], &refused.json()["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(code), &json!("file"))
        );
        assert!(!refused.json()["remedy"].as_str().unwrap().is_empty());
    }
    for (kind, body, status) in [
        ("application/json", "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            "multipart/form-data; boundary=cut",
            "--cut--\r\n",
            StatusCode::BAD_REQUEST,
        ),
        ("multipart/form-data; boundary=cut", "nonsense", StatusCode::BAD_REQUEST),
    ] {
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/documents")
            .header(header::CONTENT_TYPE, kind);
        let refused = send(&app, Some(&clerk), request, body.into()).await;
        assert_eq!(refused.status, status, "{kind} {body}");
    }
    let (rows, entries): (i64, i64) = sqlx::query_as(
        "select (select count(*) from document), (select count(*) from ledger_entry where object_kind = 'document')",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((rows, entries), (0, 0));
}

async fn verified(pool: &PgPool, store: &DocumentStore) -> super::Verified {
    let mut connection = pool.acquire().await.unwrap();
    take_system_role(&mut connection).await.unwrap();
    verify_documents(&mut connection, store).await.unwrap()
}

async fn owner(pool: &PgPool, statement: &str) {
    let mut connection = pool.acquire().await.unwrap();
    let statement = format!("reset role; {statement}; set role yice_app");
    sqlx::raw_sql(sqlx::AssertSqlSafe(statement))
        .execute(&mut *connection)
        .await
        .unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn every_damaged_missing_or_altered_paper_is_named(pool: PgPool) {
    let (app, AppState { documents, .. }) = app(&pool).await;
    let clerk = person_with(&pool, "clerk", &[Role::TitleClerk], "all").await;
    let paper = |number: usize| format!("%PDF-1.7 paper {number}").into_bytes();
    let mut ids = Vec::new();
    for number in 0..7 {
        let brought = bring(&app, Some(&clerk), &format!("{number}.pdf"), &paper(number)).await;
        ids.push(brought.json()["id"].as_str().unwrap().to_owned());
    }
    let whole = verified(&pool, &documents).await;
    assert_eq!((whole.papers, whole.bad), (7, vec![]));

    let at = |number: usize| place(&Sha256::digest(paper(number)).into());
    let objects = documents.objects();
    objects.delete(&at(0)).await.unwrap();
    objects
        .put(&at(1), PutPayload::from_static(b"%PDF-1.7 paper !"))
        .await
        .unwrap();
    objects
        .put(&at(2), PutPayload::from_static(b"%PDF-1.7 paper two"))
        .await
        .unwrap();
    owner(
        &pool,
        &format!("update document set name = 'other.pdf' where id = '{}'", ids[3]),
    )
    .await;
    owner(&pool, &format!("delete from document where id = '{}'", ids[4])).await;
    let found = verified(&pool, &documents).await;
    let said: Vec<(String, &str)> = found
        .bad
        .iter()
        .map(|bad| {
            (
                bad.id.to_string(),
                bad.what.rsplit_once("file ").map_or(&*bad.what, |(_, rest)| rest),
            )
        })
        .map(|(id, what)| (id, what.split_once(' ').map_or(what, |(_, rest)| rest)))
        .collect();
    let meant = [
        "is missing",
        "holds other bytes",
        "has 18 bytes instead of 16",
        "row is not what the ledger vouches for",
        "ledger vouches for it, and its row is missing",
    ];
    assert_eq!(
        said,
        ids.iter().cloned().zip(meant).collect::<Vec<_>>(),
        "{:?}",
        found.bad
    );
    // What is missing is no paper, and no fault that says more than it should.
    let gone = get(&app, Some(&clerk), &format!("/api/v1/documents/{}/content", ids[0])).await;
    assert_eq!(gone.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert!(!String::from_utf8_lossy(&gone.bytes).contains("sha256/"));
    // Bringing the same files again mends what the store lost.
    for number in 0..3 {
        assert_eq!(
            bring(&app, Some(&clerk), &format!("{number}.pdf"), &paper(number))
                .await
                .status,
            StatusCode::OK
        );
    }
    assert_eq!(verified(&pool, &documents).await.bad.len(), 2);
}

#[tokio::test]
async fn a_folder_keeps_each_content_once_and_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let store = DocumentStore::in_folder(&folder.path().join("papers")).unwrap();
    let bytes: Vec<u8> = (0..13_000_000_u32).map(|number| (number % 251) as u8).collect();
    let sha256: [u8; 32] = Sha256::digest(&bytes).into();
    let upload = || {
        use std::io::{Seek as _, Write as _};
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        file.rewind().unwrap();
        file
    };
    assert_eq!(store.digest(&sha256).await.unwrap(), None);
    for _ in 0..2 {
        store.keep(&sha256, upload()).await.unwrap();
        assert_eq!(store.digest(&sha256).await.unwrap(), Some((bytes.len() as u64, sha256)));
    }
    let name = hex::encode(sha256);
    let lies = folder.path().join("papers/sha256").join(&name[..2]);
    let names: Vec<_> = std::fs::read_dir(&lies)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, [std::ffi::OsString::from(&name)]);
    std::fs::write(lies.join(&name), b"damaged").unwrap();
    store.keep(&sha256, upload()).await.unwrap();
    assert_eq!(store.digest(&sha256).await.unwrap(), Some((bytes.len() as u64, sha256)));
}
