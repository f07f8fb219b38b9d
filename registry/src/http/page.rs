//! The page, built into the program.

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::request::{Problem, ProblemKind};

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct Files;

/// What the page may load: itself. MapLibre's worker is a file of ours; its images are blobs.
const POLICY: &str = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; \
     worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'";

pub(super) async fn page(
    axum::extract::State(settings): axum::extract::State<super::MapSettings>,
    request: Request,
) -> Response {
    let path = request.uri().path();
    let unknown = || Problem::new(ProblemKind::NotFound, format!("nothing is served at {path}")).into_response();
    // What is asked of the interface is not answered with the page, however short the address.
    let first = path.trim_start_matches('/').split('/').next().unwrap_or_default();
    if ["api", "tiles", "ogc", "styles"].contains(&first) {
        return unknown();
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = Problem::new(
            ProblemKind::MethodNotAllowed,
            "this method is not offered at this address",
        )
        .into_response();
        response
            .headers_mut()
            .insert(header::ALLOW, HeaderValue::from_static("GET,HEAD"));
        return response;
    }
    let name = path.trim_start_matches('/');
    if let Some(file) = Files::get(name).filter(|_| !name.is_empty()) {
        // Vite puts a hash of the content into the names of its assets.
        let keep = if name.starts_with("assets/") {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        return answer(&request, file, keep, None);
    }
    let last = name.rsplit('/').next().unwrap_or_default();
    if last.contains('.') || name.starts_with("assets/") {
        return unknown();
    }
    match Files::get("index.html") {
        Some(file) => answer(&request, file, "no-cache", Some(settings.policy(POLICY))),
        None => Problem::new(ProblemKind::NotFound, "the page is not built into this program")
            .remedy("build it with `make run`, or `npm run build` in web/ before `cargo build`")
            .into_response(),
    }
}

fn answer(request: &Request, file: EmbeddedFile, keep: &'static str, policy: Option<String>) -> Response {
    let tag = format!("\"{}\"", hex::encode(&file.metadata.sha256_hash()[..12]));
    let seen = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut response = if seen.split(',').any(|seen| seen.trim().trim_start_matches("W/") == tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = Response::new(Body::from(file.data.into_owned()));
        if let Ok(kind) = HeaderValue::from_str(file.metadata.mimetype()) {
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
        }
        response
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(policy) = policy.and_then(|policy| HeaderValue::from_str(&policy).ok()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}
