//! What map clients of other sites may read, and what a client is told that asks which methods there are.
//!
//! Only the addresses that such clients use (`/ogc`, `/tiles`, `/styles`, `/glyphs`), only to read, and only for the
//! sites that are set; unless told, none.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::MapSettings;

const OPEN: [&str; 4] = ["ogc", "tiles", "styles", "glyphs"];

pub(super) async fn open_to_clients(State(settings): State<MapSettings>, request: Request, next: Next) -> Response {
    let first = request
        .uri()
        .path()
        .trim_start_matches('/')
        .split('/')
        .next()
        .unwrap_or_default();
    if !OPEN.contains(&first) {
        return next.run(request).await;
    }
    let allowed = allowed_origin(&settings.cors_origins, request.headers());
    let asks_first = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let mut response = if request.method() == Method::OPTIONS {
        (
            StatusCode::NO_CONTENT,
            [(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"))],
        )
            .into_response()
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if !settings.cors_origins.is_empty() {
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("content-crs, etag, link"),
        );
        headers.insert(
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("cross-origin"),
        );
        if asks_first {
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_METHODS,
                HeaderValue::from_static("GET, HEAD, OPTIONS"),
            );
            headers.insert(
                header::ACCESS_CONTROL_ALLOW_HEADERS,
                HeaderValue::from_static("accept, accept-language, authorization, content-type, if-none-match"),
            );
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
        }
    }
    response
}

/// The header's value where the request's site is one of those that are set (`*` is every site).
fn allowed_origin(set: &[String], headers: &HeaderMap) -> Option<HeaderValue> {
    let origin = headers.get(header::ORIGIN)?;
    let text = origin.to_str().ok()?;
    if set.iter().any(|site| site == "*") {
        return Some(HeaderValue::from_static("*"));
    }
    set.iter()
        .any(|site| site.trim_end_matches('/').eq_ignore_ascii_case(text))
        .then(|| origin.clone())
}
