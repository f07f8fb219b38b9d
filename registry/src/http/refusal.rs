//! What the framework refuses by itself (an address that is no text, a part that is no number) it refuses in plain text;
//! a client is told of it in the form of every other refusal.

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::request::{Problem, ProblemKind};

/// The most of a refusal's words that is passed on.
const LONGEST: usize = 4 << 10;

pub(super) async fn as_problem(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    let kind = match response.status() {
        StatusCode::BAD_REQUEST => ProblemKind::BadRequest,
        StatusCode::NOT_FOUND => ProblemKind::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ProblemKind::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => ProblemKind::TooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ProblemKind::UnsupportedMediaType,
        StatusCode::UNPROCESSABLE_ENTITY => ProblemKind::InvalidField,
        _ => return response,
    };
    if !is_plain {
        return response;
    }
    let (parts, body) = response.into_parts();
    let words = axum::body::to_bytes(body, LONGEST).await.unwrap_or_default();
    let words = String::from_utf8_lossy(&words);
    let words = match words.trim() {
        "" => "the request is refused",
        words => words,
    };
    let mut response = Problem::new(kind, words).remedy("see /docs").into_response();
    if let Some(allowed) = parts.headers.get(header::ALLOW) {
        response.headers_mut().insert(header::ALLOW, allowed.clone());
    }
    response
}
