//! The OpenAPI document: what the handlers say of themselves, and what holds for all of them: who may ask, and the ways in
//! which every request can be refused before a handler sees it.

use axum::http::Method;
use serde_json::{Map, Value, json};

use super::access::{Need, need_of};

/// Problems are sent as this.
const PROBLEM_TYPE: &str = "application/problem+json";

/// Completes the document that the handlers make up.
pub(super) fn complete(mut document: Value) -> Value {
    let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) else {
        return document;
    };
    for (path, item) in paths {
        let Some(item) = item.as_object_mut() else { continue };
        for (method, operation) in item {
            if let (Ok(method), Some(operation)) = (
                Method::from_bytes(method.to_uppercase().as_bytes()),
                operation.as_object_mut(),
            ) {
                complete_operation(&method, path, operation);
            }
        }
    }
    if let Some(components) = document.get_mut("components").and_then(Value::as_object_mut) {
        components.insert(
            "securitySchemes".to_owned(),
            json!({
                "token": {"type": "http", "scheme": "bearer",
                          "description": "A token of one's own account: `yice user token`, or the page."},
                "session": {"type": "apiKey", "in": "cookie", "name": "yice_session",
                            "description": "What signing in on the page gives."},
            }),
        );
    }
    document
}

fn complete_operation(method: &Method, path: &str, operation: &mut Map<String, Value>) {
    let has = |operation: &Map<String, Value>, key: &str, value: &str| {
        operation
            .get("parameters")
            .and_then(Value::as_array)
            .is_some_and(|parameters| parameters.iter().any(|parameter| parameter[key] == value))
    };
    let need = need_of(method, path);
    let mut refusals = vec![
        ("400", "The request is not understood"),
        ("403", "This is not granted to you, or a page of another site asks"),
        ("503", "Not available at the moment; nothing was changed"),
    ];
    if need != Some(Need::Nothing) {
        refusals.push(("401", "Sign in first"));
        operation.insert("security".to_owned(), json!([{"token": []}, {"session": []}]));
    }
    if has(operation, "in", "path") {
        refusals.push(("404", "No such thing, or not one that the caller may see"));
    }
    if has(operation, "in", "query") || operation.contains_key("requestBody") {
        refusals.push(("422", "A field breaks a rule"));
    }
    if [Method::POST, Method::PUT, Method::PATCH].contains(method) {
        refusals.extend([
            ("413", "The body is too large"),
            ("415", "The body's media type is not understood"),
        ]);
    }
    if *method != Method::GET {
        refusals.push(("409", "It clashes with what is registered"));
    }
    if has(operation, "name", "If-Match") {
        refusals.extend([
            ("412", "It changed since it was read"),
            ("428", "The version that was read must be named"),
        ]);
    }
    if path.starts_with("/api/v1/session") || path == "/api/v1/first-administrator" {
        refusals.push(("429", "Too many attempts to sign in"));
    }
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else {
        return;
    };
    for response in responses.values_mut() {
        name_problem_type(response);
    }
    for (status, description) in refusals {
        responses.entry(status).or_insert_with(|| {
            json!({
                "description": description,
                "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            })
        });
    }
}

/// A problem goes by its own media type.
fn name_problem_type(response: &mut Value) {
    let Some(content) = response.get_mut("content").and_then(Value::as_object_mut) else {
        return;
    };
    let is_problem = content
        .get("application/json")
        .is_some_and(|kind| kind["schema"]["$ref"] == "#/components/schemas/Problem");
    if is_problem && let Some(kind) = content.remove("application/json") {
        content.insert(PROBLEM_TYPE.to_owned(), kind);
    }
}
