//! The interface as it describes itself, and as somebody meets it who means it no good.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt;

use crate::spatial_units::tests::app;

/// What came back, whole.
struct Raw {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Vec<u8>,
}

impl Raw {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The problem it is; fails where it is none, or says another status than the answer has.
    fn problem(&self, of: &str) -> Value {
        let said = self.text();
        assert!(
            self.header(header::CONTENT_TYPE)
                .starts_with("application/problem+json"),
            "{of}: {} {} {said}",
            self.status,
            self.header(header::CONTENT_TYPE)
        );
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem["status"], self.status.as_u16(), "{of}: {problem}");
        assert!(
            problem["type"].as_str().unwrap().starts_with("urn:yice:problem:"),
            "{of}: {problem}"
        );
        assert!(!problem["detail"].as_str().unwrap().is_empty(), "{of}: {problem}");
        problem
    }
}

async fn send(app: &Router, request: Request<Body>) -> Raw {
    let response = app.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Raw {
        status,
        headers,
        body: body.to_vec(),
    }
}

fn request(method: &str, uri: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(uri)
        .header(header::HOST, "127.0.0.1:8080")
}

async fn get(app: &Router, uri: &str) -> Raw {
    send(app, request("GET", uri).body(Body::empty()).unwrap()).await
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            found.push((format!("{method} {path}"), operation));
        }
    }
    found
}

/// The whole description: a change of the interface shows in the diff of a review. After a change that is meant,
/// `INSTA_UPDATE=always cargo nextest run -p registry the_interface_is_as_it_was_agreed` writes it anew.
#[test]
fn the_interface_is_as_it_was_agreed() {
    let mut document = super::openapi();
    // The version of the program is no part of what was agreed.
    document["info"]["version"] = json!("0.0.0");
    // By the alphabet, so that the diff of a review is not one of places.
    document.sort_all_objects();
    let text = serde_json::to_string_pretty(&document).unwrap();
    insta::assert_snapshot!("openapi", text);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_served_is_what_the_program_prints(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let served = get(&app, "/openapi.json").await;
    assert_eq!(served.status, StatusCode::OK);
    let served: Value = serde_json::from_slice(&served.body).unwrap();
    assert_eq!(served, super::openapi());
    assert!(
        served["openapi"].as_str().unwrap().starts_with("3.1"),
        "{}",
        served["openapi"]
    );
    // Every address that it names is there: whatever the answer is, it is not "nothing is served here".
    for (name, operation) in operations(&served) {
        let (method, path) = name.split_once(' ').unwrap();
        let filled = path
            .replace("{layers}", "parcels")
            .replace("{id}", "018f0000-0000-7000-8000-000000000000")
            .replace(['{', '}'], "1");
        let answer = send(
            &app,
            request(&method.to_uppercase(), &filled).body(Body::empty()).unwrap(),
        )
        .await;
        assert_ne!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{name}");
        assert!(
            !answer.text().contains("nothing is served at"),
            "{name} is described and not served"
        );
        assert!(operation.is_object(), "{name}");
    }
}

#[test]
fn every_operation_has_a_name_a_summary_and_its_problems() {
    let document = super::openapi();
    let operations = operations(&document);
    assert!(operations.len() > 30, "{}", operations.len());
    let mut names = BTreeSet::new();
    let mut faults = Vec::new();
    for (name, operation) in &operations {
        match operation["operationId"].as_str() {
            Some(id) if id.contains('_') && id.chars().all(|c| c.is_ascii_lowercase() || c == '_') => {
                if !names.insert(id.to_owned()) {
                    faults.push(format!("{name}: another operation is called {id} too"));
                }
            }
            other => faults.push(format!("{name}: its operationId {other:?} is no verb_noun")),
        }
        if operation["summary"].as_str().unwrap_or_default().is_empty() {
            faults.push(format!("{name}: it has no summary"));
        }
        let responses = operation["responses"].as_object().unwrap();
        // A browser that is led on has succeeded, too.
        if !responses
            .keys()
            .any(|status| status.starts_with('2') || status == "303")
        {
            faults.push(format!("{name}: it never succeeds"));
        }
        let takes = |place: &str| {
            operation["parameters"]
                .as_array()
                .is_some_and(|parameters| parameters.iter().any(|parameter| parameter["in"] == place))
        };
        let refusals: Vec<&String> = responses.keys().filter(|status| status.starts_with('4')).collect();
        if (takes("query") || takes("path") || takes("header") || !operation["requestBody"].is_null())
            && refusals.is_empty()
        {
            faults.push(format!("{name}: it takes something and refuses nothing"));
        }
        for status in refusals {
            let schema = &responses[status]["content"];
            let is_problem = schema.as_object().is_some_and(|kinds| {
                kinds
                    .get("application/problem+json")
                    .is_some_and(|kind| kind["schema"]["$ref"] == "#/components/schemas/Problem")
            });
            if !is_problem {
                faults.push(format!("{name}: {status} is no problem"));
            }
        }
        // What is named in the address may not be there.
        if takes("path") && !responses.contains_key("404") {
            faults.push(format!("{name}: no 404"));
        }
        // Who may not ask, unless everybody may.
        let is_open = operation["security"].is_null();
        if !(responses.contains_key("401") || is_open) || !responses.contains_key("403") {
            faults.push(format!("{name}: 401 and 403 don't say who may ask"));
        }
        // What must be sent back as it was read can be missing or out of date.
        let needs_match = operation["parameters"]
            .as_array()
            .is_some_and(|parameters| parameters.iter().any(|parameter| parameter["name"] == "If-Match"));
        if needs_match && !(responses.contains_key("412") && responses.contains_key("428")) {
            faults.push(format!("{name}: If-Match without 412 and 428"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The server with its (empty) layers loaded.
async fn loaded(pool: &PgPool) -> Router {
    let (app, state) = app(pool).await;
    crate::map_layers::load(&state.database, &state.clock, &state.map, 1 << 20)
        .await
        .unwrap();
    app
}

#[sqlx::test(migrations = "../migrations")]
async fn tiles_of_nowhere_are_refused_and_never_a_fault(pool: PgPool) {
    let app = loaded(&pool).await;
    // The measure of the rest: a tile that is one.
    let tile = get(&app, "/tiles/parcels/14/13489/6221.mvt").await;
    assert_eq!(tile.status, StatusCode::NO_CONTENT);
    let mut faults = Vec::new();
    let (bad, unknown) = (StatusCode::BAD_REQUEST, StatusCode::NOT_FOUND);
    for (uri, status) in [
        ("/tiles/parcels/-1/0/0.mvt", bad),
        ("/tiles/parcels/1/-1/0.mvt", bad),
        ("/tiles/parcels/1/0/-1.mvt", bad),
        ("/tiles/parcels/+1/0/0.mvt", bad),
        ("/tiles/parcels/1/+0/0.mvt", bad),
        ("/tiles/parcels/%201/0/0.mvt", bad),
        ("/tiles/parcels/1.0/0/0.mvt", bad),
        ("/tiles/parcels/1e1/0/0.mvt", bad),
        ("/tiles/parcels/0x1/0/0.mvt", bad),
        ("/tiles/parcels/NaN/0/0.mvt", bad),
        ("/tiles/parcels/%EF%BC%91/0/0.mvt", bad),
        ("/tiles/parcels/z/x/y.mvt", bad),
        ("/tiles/parcels/%7Bz%7D/%7Bx%7D/%7By%7D.mvt", bad),
        ("/tiles/parcels/1/0/.mvt", bad),
        ("/tiles/parcels/1/0/0.mvt.mvt", bad),
        ("/tiles/parcels/1/0/0.png", bad),
        ("/tiles/parcels/1/0/0.mvt%00", bad),
        ("/tiles/parcels/1/0/0%00.mvt", bad),
        ("/tiles/parcels/1/0/0.mvt'--", bad),
        // Outside of the grid of a zoom that there is.
        ("/tiles/parcels/0/1/0.mvt", bad),
        ("/tiles/parcels/0/0/1.mvt", bad),
        ("/tiles/parcels/14/16384/0.mvt", bad),
        ("/tiles/parcels/20/4294967295/4294967295.mvt", bad),
        ("/tiles/parcels/1/4294967296/0.mvt", bad),
        ("/tiles/parcels/1/0/99999999999999999999999999.mvt", bad),
        ("/tiles/parcels/99999999999999999999999999/0/0.mvt", bad),
        // Outside of the zooms.
        ("/tiles/parcels/21/0/0.mvt", unknown),
        ("/tiles/parcels/32/0/0.mvt", unknown),
        ("/tiles/parcels/255/0/0.mvt", unknown),
        ("/tiles/parcels/256/0/0.mvt", unknown),
        ("/tiles/parcels/4294967295/0/0.mvt", unknown),
        // No layer of ours.
        ("/tiles/rivers/1/0/0.mvt", unknown),
        ("/tiles/PARCELS/1/0/0.mvt", unknown),
        ("/tiles/,/1/0/0.mvt", unknown),
        ("/tiles/parcels,/1/0/0.mvt", unknown),
        ("/tiles/parcels,rivers/1/0/0.mvt", unknown),
        ("/tiles/parcels%00/1/0/0.mvt", unknown),
        ("/tiles/..%2F..%2Fetc/1/0/0.mvt", unknown),
        // Slashes within a part make no other part of it.
        ("/tiles/parcels/14/13489%2F6221.mvt", unknown),
        ("/tiles/parcels/1/0%2F0/0.mvt", bad),
        ("/tiles/parcels%2F1/0/0.mvt", unknown),
        // Too few parts and too many.
        ("/tiles/rivers", unknown),
        ("/tiles/parcels/1/0", unknown),
        ("/tiles/parcels/1/0/0.mvt/", unknown),
        ("/tiles/parcels/1/0/0/0.mvt", unknown),
        ("/tiles//1/0/0.mvt", unknown),
        ("/tiles/../etc/passwd", unknown),
        // Bytes that are no text.
        ("/tiles/%FF/1/0/0.mvt", bad),
        ("/tiles/parcels/1/0/%C3%28.mvt", bad),
        // The two times are asked of a tile too.
        ("/tiles/parcels/1/0/0.mvt?as_of=yesterday", bad),
        ("/tiles/parcels/1/0/0.mvt?as_of=2024-02-30", bad),
        ("/tiles/parcels/1/0/0.mvt?as_of=-9999-01-01", bad),
        ("/tiles/parcels/1/0/0.mvt?known_at=2024-06-30", bad),
        ("/tiles/parcels/1/0/0.mvt?as_of=%FF", bad),
        ("/tiles/parcels/21/0/0.mvt?as_of=2024-06-30", unknown),
    ] {
        let answer = get(&app, uri).await;
        if answer.status == status {
            answer.problem(uri);
        } else {
            faults.push(format!("{uri}: {} {}", answer.status, answer.text()));
        }
    }
    // Days and instants as far as they can be written are days like others.
    for uri in [
        "/tiles/parcels/14/13489/6221.mvt?as_of=9999-12-31",
        "/tiles/parcels/14/13489/6221.mvt?as_of=0000-01-01",
        "/tiles/parcels/14/13489/6221.mvt?known_at=9999-12-31T23:59:59Z",
        "/tiles/parcels/14/13489/6221.mvt?known_at=0000-01-01T00:00:00Z",
        "/tiles/parcels/0/0/0.mvt?as_of=2024-06-30",
        "/tiles/parcels/20/0/0.mvt?as_of=2024-06-30",
        "/tiles/parcels,parcels,sites,buildings/20/1048575/1048575.pbf",
    ] {
        let answer = get(&app, uri).await;
        if !answer.status.is_success() {
            faults.push(format!("{uri}: {} {}", answer.status, answer.text()));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    for (value, status) in [("\u{7f}", StatusCode::NO_CONTENT), ("*", StatusCode::NOT_MODIFIED)] {
        let Ok(value) = header::HeaderValue::from_bytes(value.as_bytes()) else {
            continue;
        };
        let asked = request("GET", "/tiles/parcels/14/13489/6221.mvt").header(header::IF_NONE_MATCH, value);
        assert_eq!(send(&app, asked.body(Body::empty()).unwrap()).await.status, status);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn tiles_that_are_not_loaded_yet_are_asked_for_again(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let answer = get(&app, "/tiles/parcels/14/13489/6221.mvt").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    answer.problem("loading");
    assert_eq!(answer.header(header::RETRY_AFTER), "1");
}

#[sqlx::test(migrations = "../migrations")]
async fn other_sites_reach_nothing(pool: PgPool) {
    let (app, _) = app(&pool).await;
    for host in [
        "evil.example",
        "127.0.0.1.nip.io:8080",
        "10.0.0.1",
        "localhost.evil.example",
        "0.0.0.0",
        "",
    ] {
        for uri in [
            "/",
            "/healthz",
            "/openapi.json",
            "/docs/",
            "/api/v1/regions",
            "/tiles/parcels/1/0/0.mvt",
        ] {
            let asked = Request::builder()
                .uri(uri)
                .header(header::HOST, host)
                .body(Body::empty());
            let answer = send(&app, asked.unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{host:?} {uri}");
            assert_eq!(answer.problem(uri)["field"], "Host");
        }
    }
    let before: i64 = sqlx::query_scalar("select count(*) from ledger_entry")
        .fetch_one(&pool)
        .await
        .unwrap();
    let region = json!({"code": "431102", "name": "零陵区", "level": "county"}).to_string();
    for origin in [
        "https://evil.example",
        "null",
        "http://127.0.0.1:9090",
        "http://127.0.0.1:8080.evil.example",
        "",
    ] {
        for (method, uri) in [
            ("POST", "/api/v1/regions"),
            ("PATCH", "/api/v1/regions/018f0000-0000-7000-8000-000000000000"),
            ("POST", "/api/v1/imports"),
            ("DELETE", "/api/v1/imports/018f0000-0000-7000-8000-000000000000"),
        ] {
            let asked = request(method, uri)
                .header(header::ORIGIN, origin)
                .header(header::CONTENT_TYPE, "application/json")
                .header("Idempotency-Key", "evil")
                .body(Body::from(region.clone()));
            let answer = send(&app, asked.unwrap()).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin:?} {method} {uri}");
            assert_eq!(answer.problem(uri)["field"], "Origin");
        }
    }
    // The same from our own page is carried out.
    let asked = request("POST", "/api/v1/regions")
        .header(header::ORIGIN, "http://127.0.0.1:8080")
        .header(header::CONTENT_TYPE, "application/json")
        .header("Idempotency-Key", "own")
        .body(Body::from(region));
    assert_eq!(send(&app, asked.unwrap()).await.status, StatusCode::CREATED);
    let after: i64 = sqlx::query_scalar("select count(*) from ledger_entry")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(after, before + 1);
    // Nor may a page of another site read an answer or frame the page.
    let answer = get(&app, "/api/v1/regions").await;
    assert!(!answer.headers.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN));
    assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(
        answer.headers.get("cross-origin-resource-policy").unwrap(),
        "same-origin"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_method_that_is_not_offered_names_those_that_are(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let id = "018f0000-0000-7000-8000-000000000000";
    for (method, uri, allowed) in [
        ("DELETE", "/api/v1/regions".to_owned(), &["GET", "HEAD", "POST"][..]),
        ("PUT", format!("/api/v1/regions/{id}"), &["GET", "HEAD", "PATCH"]),
        ("GET", format!("/api/v1/regions/{id}/closures"), &["POST"]),
        ("POST", format!("/api/v1/regions/{id}/versions"), &["GET", "HEAD"]),
        ("PATCH", "/api/v1/totals".to_owned(), &["GET", "HEAD"]),
        ("POST", "/tiles/parcels/1/0/0.mvt".to_owned(), &["GET", "HEAD"]),
        ("POST", "/healthz".to_owned(), &["GET", "HEAD"]),
        ("BREW", "/api/v1/units".to_owned(), &["GET", "HEAD", "POST"]),
        // The page takes whatever nobody else does.
        ("POST", "/".to_owned(), &["GET", "HEAD"]),
        ("DELETE", "/parcels/some/view".to_owned(), &["GET", "HEAD"]),
    ] {
        let answer = send(&app, request(method, &uri).body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {uri}");
        answer.problem(&uri);
        let offered: BTreeSet<&str> = answer.header(header::ALLOW).split(',').map(str::trim).collect();
        let allowed: BTreeSet<&str> = allowed.iter().copied().collect();
        assert_eq!(offered, allowed, "{method} {uri}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn bodies_that_are_no_json_are_refused(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let post = |kind: &'static str, body: Vec<u8>| {
        request("POST", "/api/v1/regions")
            .header(header::CONTENT_TYPE, kind)
            .header("Idempotency-Key", "hostile")
            .body(Body::from(body))
            .unwrap()
    };
    let json = "application/json";
    for (body, what) in [
        (&b""[..], "empty"),
        (b"{", "cut off"),
        (b"{\"code\": \"43\",}", "a comma too many"),
        (b"{'code': '43'}", "quotes"),
        (b"\xff\xfe", "no text"),
        (b"{\"name\": \"\xc3\x28\"}", "no UTF-8 in a text"),
        (b"{\"name\": \"\\ud800\"}", "half a character"),
        (b"{} {}", "two"),
        (b"NaN", "no JSON"),
    ] {
        let answer = send(&app, post(json, body.to_vec())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {}", answer.text());
        answer.problem(what);
    }
    let deep = [vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let nested = [&b"{\"geometry\": "[..], &deep, b"}"].concat();
    for (body, what) in [(deep, "a deep array"), (nested, "a deep field")] {
        let answer = send(&app, post(json, body)).await;
        assert!(
            answer.status == StatusCode::BAD_REQUEST || answer.status == StatusCode::UNPROCESSABLE_ENTITY,
            "{what}: {}",
            answer.status
        );
        answer.problem(what);
    }
    for body in ["null", "[]", "7", "\"43\"", "{\"code\": {}}"] {
        let answer = send(&app, post(json, body.as_bytes().to_vec())).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        answer.problem(body);
    }
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let answer = send(&app, post(kind, b"{}".to_vec())).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
        answer.problem(kind);
    }
    for (kind, body, status) in [
        (json, "{}", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("multipart/form-data", "", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("multipart/form-data; boundary=x", "", StatusCode::BAD_REQUEST),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nnonsense",
            StatusCode::BAD_REQUEST,
        ),
        (
            "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"layer\"\r\n\r\nparcels\r\n--x--\r\n",
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let asked = request("POST", "/api/v1/imports")
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(body));
        let answer = send(&app, asked.unwrap()).await;
        assert_eq!(answer.status, status, "{kind} {body:?}: {}", answer.text());
        answer.problem(kind);
    }
    let registered: i64 = sqlx::query_scalar("select (select count(*) from region) + (select count(*) from import)")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(registered, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_body_that_is_too_large_is_refused_as_that(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let large = json!({"code": "431102", "name": "x".repeat(5 << 20), "level": "county"}).to_string();
    // In pieces nobody says beforehand how long it is.
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> = large
        .as_bytes()
        .chunks(1 << 16)
        .map(|piece| Ok(piece.to_vec()))
        .collect();
    for (body, what) in [
        (Body::from(large), "at once"),
        (Body::from_stream(futures_util::stream::iter(pieces)), "in pieces"),
    ] {
        let asked = request("POST", "/api/v1/regions")
            .header(header::CONTENT_TYPE, "application/json")
            .header("Idempotency-Key", "hostile")
            .body(body);
        let answer = send(&app, asked.unwrap()).await;
        assert_eq!(
            answer.status,
            StatusCode::PAYLOAD_TOO_LARGE,
            "{what}: {}",
            answer.text()
        );
        answer.problem(what);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn addresses_that_are_nothing_are_problems_and_not_the_page(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let mut faults = Vec::new();
    for uri in [
        "/api",
        "/api/",
        "/api/v1",
        "/api/v1/",
        "/api/v1/rivers",
        "/api/v2/regions",
        "/api/v1/regions/",
        "/api/v1//regions",
        "/api/v1/../v1/regions",
        "/api/v1/regions/a/b/c",
        "/api/v1/regions%2F431102",
        "/api/v1/regions/%2e%2e",
        "/tiles",
        "/tiles/",
        "/ogc/nothing",
        "/ogc/collections/",
        "/styles",
        "/assets/../../../etc/passwd",
        "/assets/%2e%2e/%2e%2e/etc/passwd.txt",
        "/favicon.nothing",
    ] {
        let answer = get(&app, uri).await;
        if answer.status == StatusCode::NOT_FOUND {
            answer.problem(uri);
        } else {
            faults.push(format!("{uri}: {} {}", answer.status, answer.text()));
        }
        // What is sent there may be refused for what it is, or how it is sent, first.
        let answer = send(&app, request("POST", uri).body(Body::empty()).unwrap()).await;
        if answer.status.is_client_error() {
            answer.problem(uri);
        } else {
            faults.push(format!("POST {uri}: {} {}", answer.status, answer.text()));
        }
    }
    // What can't be read in an address is no fault of ours either.
    for (uri, status) in [
        ("/api/v1/regions/%FF", StatusCode::BAD_REQUEST),
        ("/api/v1/regions/%00", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/parcels/%FF", StatusCode::BAD_REQUEST),
        ("/api/v1/imports/%FF", StatusCode::BAD_REQUEST),
        ("/api/v1/regions?limit=1&limit=2", StatusCode::BAD_REQUEST),
        ("/api/v1/regions?limit=-1", StatusCode::BAD_REQUEST),
        ("/api/v1/regions?limit=99999999999999999999", StatusCode::BAD_REQUEST),
    ] {
        let answer = get(&app, uri).await;
        if answer.status == status {
            answer.problem(uri);
        } else {
            faults.push(format!("{uri}: {} {}", answer.status, answer.text()));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// Text that means something to a database, a browser or a template, in every field that takes text: it is refused, or it
/// comes back as it was sent; it is never carried out.
#[sqlx::test(migrations = "../migrations")]
async fn text_is_text_whatever_it_means_elsewhere(pool: PgPool) {
    use crate::spatial_units::tests::ask;
    const HOSTILE: &str = r#"'; drop table spatial_unit; --<script>alert(1)</script>"\$${7*7}{{7*7}}%_"#;
    let (app, _) = app(&pool).await;
    let square = |place: f64| {
        let (west, south) = (119.0 + place * 0.01, 31.0);
        let (east, north) = (west + 0.001, south + 0.001);
        json!({"type": "Polygon", "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]]})
    };
    let parcel = ask(
        &app,
        "POST",
        "/api/v1/parcels",
        &[("Idempotency-Key", "p")],
        Some(json!({"geometry": square(0.0)})),
    )
    .await;
    let building = ask(
        &app,
        "POST",
        "/api/v1/buildings",
        &[("Idempotency-Key", "b")],
        Some(json!({"geometry": square(0.0)})),
    )
    .await;
    let (parcel, building) = (parcel.body["id"].clone(), building.body["id"].clone());
    let title = json!({"evidence": "both", "unit_code": "320402001002GB00001W00000000", "right_type": "3",
        "cert_no": "苏(2021)常州市不动产权第0000001号", "recorded_on": "2021-03-10", "parcel_ids": [parcel],
        "holders": [{"name": "机关事务管理局", "kind": "bureau"}]});
    let bodies = [
        (
            "regions",
            json!({"code": "32", "name": "江苏省", "level": "province"}),
            vec!["code", "name", "name_en", "level", "reason"],
        ),
        (
            "units",
            json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ"}),
            vec!["code", "name", "level", "kind", "region_code", "reason"],
        ),
        (
            "parcels",
            json!({"geometry": square(1.0)}),
            vec![
                "code",
                "name",
                "address",
                "region_code",
                "title_status",
                "usage",
                "occupancy",
                "unit_code",
                "land_use_scheme",
                "land_use_code",
                "reason",
            ],
        ),
        (
            "buildings",
            json!({"geometry": square(2.0)}),
            vec!["code", "name", "address", "structure", "usage"],
        ),
        (
            "sites",
            json!({"geometry": square(3.0)}),
            vec!["code", "name", "address"],
        ),
        (
            "rooms",
            json!({"building_id": building, "floor": 1, "number": "1"}),
            vec!["number", "name", "occupancy", "reason"],
        ),
        (
            "titles",
            title,
            vec![
                "unit_code",
                "cert_no",
                "print_serial",
                "old_land_certificate",
                "location",
                "right_nature_house",
                "other_state",
                "remark",
                "registry",
                "land_use_code",
                "reason",
            ],
        ),
        (
            "people",
            json!({"username": "a.b", "display_name": "甲"}),
            vec!["username", "display_name"],
        ),
        ("session/tokens", json!({"name": "x"}), vec!["name"]),
    ];
    let (mut taken, mut refused) = (0, 0);
    for (layer, body, fields) in bodies {
        for field in fields {
            let mut sent = body.clone();
            sent[field] = json!(HOSTILE);
            let key = format!("{layer}-{field}");
            let address = format!("/api/v1/{layer}");
            let answer = ask(&app, "POST", &address, &[("Idempotency-Key", &key)], Some(sent)).await;
            assert!(!answer.status.is_server_error(), "{key}: {}", answer.body);
            if answer.status != StatusCode::CREATED {
                refused += 1;
                continue;
            }
            taken += 1;
            let read = ask(&app, "GET", &answer.location.unwrap_or(address), &[], None).await;
            if let Some(kept) = read.body.get(field).filter(|kept| kept.is_string()) {
                // Numbers of certificates are kept without blanks.
                let words = |text: &str| text.split_whitespace().collect::<String>();
                assert_eq!(words(kept.as_str().unwrap()), words(HOSTILE), "{key}");
                assert!(field.contains("certificate") || kept == HOSTILE, "{key}: {kept}");
            }
            // Nothing that was taken stands in the way of the next one: titles and codes are there once.
            if layer == "titles" {
                sqlx::query("update title_version set recorded = tstzrange(lower(recorded), lower(recorded) + interval '1 s') where upper_inf(recorded)")
                    .execute(&pool)
                    .await
                    .unwrap();
            }
        }
    }
    assert!(taken >= 15 && refused >= 10, "{taken} taken, {refused} refused");
    // And in every question.
    let asked: String = HOSTILE.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for address in [
        "search?q=",
        "parcels?q=",
        "parcels?sort=",
        "parcels?region=",
        "parcels?usage=",
        "units?q=",
        "regions?q=",
        "rooms?q=",
        "titles?q=",
        "titles?holder=",
        "title-cases?state=",
        "findings?owner=",
        "findings?rule=",
        "totals?region=",
        "parcels/",
        "titles/",
        "unit-codes/",
        "import-mappings/parcels/",
        "ledger?actor=",
    ] {
        let answer = get(&app, &format!("/api/v1/{address}{asked}")).await;
        assert!(
            !answer.status.is_server_error(),
            "{address}: {} {}",
            answer.status,
            answer.text()
        );
        // What comes back of it is data, never a page.
        assert!(!answer.header(header::CONTENT_TYPE).contains("html"), "{address}");
    }
    let there: i64 = sqlx::query_scalar("select count(*) from spatial_unit")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!(there >= 4, "{there}");
}

/// Whoever is not signed in learns how far the loading is, and not how much there is.
#[sqlx::test(migrations = "../migrations")]
async fn readiness_tells_no_counts(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let ready = async || {
        let request = Request::builder().uri("/readyz").header(header::HOST, "localhost");
        let answer = send(&app, request.body(Body::empty()).unwrap()).await;
        let said: Value = serde_json::from_slice(&answer.body).unwrap();
        (answer.status, said["stages"].clone())
    };
    assert_eq!(
        ready().await,
        (
            StatusCode::SERVICE_UNAVAILABLE,
            json!([{"name": "map_layers", "percent": 0}])
        )
    );
    crate::map_layers::load(&state.database, &state.clock, &state.map, 1 << 24)
        .await
        .unwrap();
    assert_eq!(
        ready().await,
        (StatusCode::OK, json!([{"name": "map_layers", "percent": 100}]))
    );
}
