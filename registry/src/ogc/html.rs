//! A document of the interface as a plain page: its words and its links, for somebody with a browser.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// The page's own style and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

/// The page.
pub(super) fn page(document: &Value) -> Response {
    let title = text(document, "title");
    let title = if title.is_empty() { "OGC API" } else { title };
    let mut body = format!("<h1>{}</h1>", escape(title));
    show(document, &mut body);
    for part in ["collections", "tilesets", "tileMatrixSets"] {
        for entry in document.get(part).and_then(Value::as_array).into_iter().flatten() {
            body.push_str(&format!("<h2>{}</h2>", escape(text(entry, "title"))));
            show(entry, &mut body);
        }
    }
    if let Some(classes) = document.get("conformsTo").and_then(Value::as_array) {
        body.push_str("<ul>");
        for class in classes.iter().filter_map(Value::as_str) {
            body.push_str(&format!("<li>{}</li>", escape(class)));
        }
        body.push_str("</ul>");
    }
    let page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{}</title><style>body{{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:2rem auto;padding:0 1rem;\
         color:#1d2733}}a{{color:#1f5fbf}}li{{margin:.2rem 0}}</style></head><body>{body}</body></html>",
        escape(title)
    );
    (
        [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
            (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
            (header::VARY, HeaderValue::from_static("accept")),
        ],
        page,
    )
        .into_response()
}

fn show(entry: &Value, body: &mut String) {
    let description = text(entry, "description");
    if !description.is_empty() {
        body.push_str(&format!("<p>{}</p>", escape(description)));
    }
    body.push_str("<ul>");
    for link in entry.get("links").and_then(Value::as_array).into_iter().flatten() {
        // A template has places to fill in and leads nowhere as it stands.
        if link.get("templated").and_then(Value::as_bool) == Some(true) {
            body.push_str(&format!("<li><code>{}</code></li>", escape(text(link, "href"))));
            continue;
        }
        let name = match text(link, "title") {
            "" => text(link, "href"),
            title => title,
        };
        body.push_str(&format!(
            "<li><a href=\"{}\">{}</a> <small>{}</small></li>",
            escape(text(link, "href")),
            escape(name),
            escape(text(link, "type"))
        ));
    }
    body.push_str("</ul>");
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
