//! Bodies in and versions out.

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::{Problem, ProblemKind};

/// A JSON body; what axum would refuse in plain text is refused as a problem.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        use axum::extract::rejection::JsonRejection;
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => Err(Problem::new(
                ProblemKind::UnsupportedMediaType,
                "the body must be application/json",
            )),
            Err(JsonRejection::JsonDataError(error)) => {
                let problem = match field_at_fault(&error) {
                    Some((field, words)) => Problem::invalid(&field, words),
                    None => Problem::new(ProblemKind::InvalidField, deepest(&error)),
                };
                Err(problem.remedy("correct it as the interface's description (/openapi.json) says"))
            }
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Err(Problem::new(ProblemKind::TooLarge, deepest(&error)).remedy("send less at once, or import a file"))
            }
            Err(error) => Err(Problem::new(ProblemKind::BadRequest, deepest(&error))),
        }
    }
}

fn deepest(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// The field that could not be read and what is wrong with it, where one field is at fault.
fn field_at_fault(error: &(dyn std::error::Error + 'static)) -> Option<(String, String)> {
    let mut error = Some(error);
    while let Some(current) = error {
        if let Some(at) = current.downcast_ref::<serde_path_to_error::Error<serde_json::Error>>() {
            let field = at.path().to_string();
            return (field != ".").then(|| (field, at.inner().to_string()));
        }
        error = current.source();
    }
    None
}

/// The strong ETag of a version: the version row's id.
#[must_use]
pub fn etag(version: crate::ids::VersionId) -> String {
    format!("\"{version}\"")
}

/// Compares `If-Match` with the version that is there.
///
/// # Errors
/// 428 where the header is missing, 412 where another version was read.
pub fn require_match(headers: &HeaderMap, current: &str) -> Result<(), Problem> {
    let Some(asked) = headers.get(header::IF_MATCH) else {
        return Err(Problem::new(ProblemKind::VersionRequired, "If-Match is missing")
            .field("If-Match")
            .remedy("read the object first and send its ETag back as If-Match"));
    };
    let asked = asked.to_str().unwrap_or_default();
    if asked.split(',').any(|tag| tag.trim() == current) {
        Ok(())
    } else {
        Err(Problem::new(
            ProblemKind::StaleVersion,
            "somebody changed it since you read it; nothing was changed now",
        )
        .field("If-Match")
        .remedy("read it again, look at what changed, and send your change with the new ETag"))
    }
}
