//! What a client asked: the parameters of the address, the form of the answer, and the server's own name in links.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::html;
use crate::request::Problem;
use crate::spatial_units::Kind;

/// The parameters of an address, each once, and where the server answers.
#[derive(Debug)]
pub(super) struct Asked {
    /// `http://host`, as the client wrote it.
    pub origin: String,
    /// The address without its parameters.
    pub path: String,
    /// Of the request.
    pub headers: HeaderMap,
    parameters: Vec<(String, String)>,
}

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let Query(parameters) = Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|error| Problem::bad("query", error.body_text()))?;
        for (index, (name, value)) in parameters.iter().enumerate() {
            if name.contains('\0') || value.contains('\0') {
                return Err(Problem::bad(
                    name.replace('\0', "").as_str(),
                    "a parameter contains the character NUL",
                ));
            }
            if parameters.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(Problem::bad(name, format!("{name} is there twice")).remedy("write it once"));
            }
        }
        let host = parts
            .headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or("127.0.0.1:8080");
        Ok(Self {
            origin: format!("http://{host}"),
            path: parts.uri.path().trim_end_matches('/').to_owned(),
            headers: parts.headers.clone(),
            parameters,
        })
    }
}

impl Asked {
    /// A parameter's value; none where it is missing or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// All parameters.
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// Refuses parameters that this address does not know.
    pub fn refuse_all_but(&self, known: &[&str]) -> Result<(), Problem> {
        match self.parameters.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => Err(unknown(name, known)),
        }
    }

    /// An address of ours, whole.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.origin)
    }

    /// The address that was asked, with some parameters left out and others put in their place.
    pub fn with(&self, without: &[&str], added: &[(&str, &str)]) -> String {
        let mut kept: Vec<(&str, &str)> = self
            .parameters
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .filter(|(name, _)| !without.contains(name))
            .collect();
        kept.extend_from_slice(added);
        let query: Vec<String> = kept
            .iter()
            .map(|(name, value)| format!("{}={}", percent(name), percent(value)))
            .collect();
        let joint = if query.is_empty() { "" } else { "?" };
        format!("{}{}{joint}{}", self.origin, self.path, query.join("&"))
    }

    /// Which of the forms the client wants: by `f`, else by `Accept`, else the first.
    ///
    /// # Errors
    /// Where `f` names none of them. An `Accept` that names none is answered with the first.
    pub fn form<'a>(&self, forms: &[(&'a str, &str)]) -> Result<&'a str, Problem> {
        let Some((first, _)) = forms.first() else {
            return Ok("json");
        };
        if let Some(wanted) = self.get("f") {
            return forms
                .iter()
                .map(|(name, _)| *name)
                .find(|name| *name == wanted)
                .ok_or_else(|| {
                    let names: Vec<&str> = forms.iter().map(|(name, _)| *name).collect();
                    Problem::bad("f", format!("{wanted:?} is no form of this address"))
                        .remedy(format!("ask for one of {}", names.join(", ")))
                });
        }
        let accept = self
            .headers
            .get(header::ACCEPT)
            .and_then(|accept| accept.to_str().ok())
            .unwrap_or("*/*");
        let mut best: Option<(f32, &str)> = None;
        for part in accept.split(',') {
            let mut pieces = part.split(';').map(str::trim);
            let kind = pieces.next().unwrap_or_default();
            let weight = pieces
                .find_map(|piece| piece.strip_prefix("q="))
                .and_then(|weight| weight.parse().ok())
                .unwrap_or(1.0_f32);
            let named = forms
                .iter()
                .find(|(_, types)| types.split(' ').any(|known| known == kind))
                .map(|(name, _)| *name);
            if let Some(name) = named
                && weight > 0.0
                && best.is_none_or(|(heaviest, _)| weight > heaviest)
            {
                best = Some((weight, name));
            }
        }
        Ok(best.map_or(first, |(_, name)| name))
    }

    /// A document of links and words, as JSON or as a page.
    pub fn document(&self, document: &Value) -> Result<Response, Problem> {
        match self.form(&[
            ("json", "application/json"),
            ("html", "text/html application/xhtml+xml"),
        ])? {
            "html" => Ok(html::page(document)),
            _ => Ok(self.json("application/json", document)),
        }
    }

    /// A JSON body with its version: 304 where the client has it.
    pub fn json(&self, kind: &'static str, body: &Value) -> Response {
        let bytes = body.to_string().into_bytes();
        let tag = weak_tag(&[&bytes]);
        self.answer(kind, bytes, &tag, &[])
    }

    /// A body with its version, or 304 where the client has it.
    pub fn answer(
        &self,
        kind: &'static str,
        bytes: Vec<u8>,
        tag: &str,
        more: &[(header::HeaderName, String)],
    ) -> Response {
        let seen = self
            .headers
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let bare = tag.trim_start_matches("W/");
        let is_known = seen
            .split(',')
            .any(|seen| seen.trim() == "*" || seen.trim().trim_start_matches("W/") == bare);
        let mut response = if is_known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, HeaderValue::from_static(kind))], bytes).into_response()
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
        headers.insert(header::VARY, HeaderValue::from_static("accept"));
        for (name, value) in more
            .iter()
            .map(|(name, value)| (name, value.as_str()))
            .chain([(&header::ETAG, tag)])
        {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        }
        response
    }
}

/// The refusal of a parameter that is not known.
pub(super) fn unknown(name: &str, known: &[&str]) -> Problem {
    Problem::bad(name, format!("{name:?} is no parameter of this address")).remedy(if known.is_empty() {
        "leave it out".to_owned()
    } else {
        format!("use {}", known.join(", "))
    })
}

/// The version of what the parts say: weak, because the time of the answer stands in the body as well.
pub(super) fn weak_tag(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_le_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    format!("W/\"{}\"", hex::encode(digest.get(..12).unwrap_or_default()))
}

/// A link as every OGC document has them.
pub(super) fn link(href: &str, rel: &str, kind: &str, title: &str) -> Value {
    json!({"href": href, "rel": rel, "type": kind, "title": title})
}

/// The collection that an address names.
pub(super) fn collection(name: &str) -> Result<Kind, Problem> {
    Kind::from_layer(name).ok_or_else(|| {
        Problem::new(
            crate::request::ProblemKind::NotFound,
            format!("there is no collection {name:?}"),
        )
        .remedy("see /ogc/collections: there are parcels, buildings and sites")
    })
}

/// A text as it may stand in the query of an address.
fn percent(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b',' | b':' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
