//! RFC 9457 problem details: the only form in which a refusal reaches a client.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::door_rule::{BrokenRule, DoorRule};

/// The kinds of problem a client may meet. Each has a stable `type`; a client decides by it, never by the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProblemKind {
    /// The request is not understood: syntax, a wrong parameter.
    BadRequest,
    /// A field breaks a rule.
    InvalidField,
    /// Nobody is signed in, or what they showed is not accepted.
    NotSignedIn,
    /// Whoever is signed in may not do this.
    Forbidden,
    /// Too many attempts to sign in.
    TooManyAttempts,
    /// No such thing, or not one that the caller may see.
    NotFound,
    /// The method is not offered at this address.
    MethodNotAllowed,
    /// It clashes with what is already registered.
    Conflict,
    /// It changed since it was read (`If-Match`).
    StaleVersion,
    /// `If-Match` is missing.
    VersionRequired,
    /// The body is too large.
    TooLarge,
    /// The body's media type is not understood.
    UnsupportedMediaType,
    /// An uploaded file can't be used.
    FileRefused,
    /// The same `Idempotency-Key` came with another request.
    KeyReused,
    /// A page of another site tried to use this server.
    ForeignOrigin,
    /// Not ready yet, or the database is away for the moment.
    Unavailable,
    /// A fault of ours.
    Internal,
}

impl ProblemKind {
    fn facts(self) -> (&'static str, &'static str, StatusCode) {
        match self {
            Self::BadRequest => ("bad_request", "The request is not understood", StatusCode::BAD_REQUEST),
            Self::InvalidField => (
                "invalid_field",
                "A field breaks a rule",
                StatusCode::UNPROCESSABLE_ENTITY,
            ),
            Self::NotSignedIn => ("not_signed_in", "Sign in first", StatusCode::UNAUTHORIZED),
            Self::Forbidden => ("forbidden", "This is not granted to you", StatusCode::FORBIDDEN),
            Self::TooManyAttempts => (
                "too_many_attempts",
                "Too many attempts to sign in",
                StatusCode::TOO_MANY_REQUESTS,
            ),
            Self::NotFound => ("not_found", "Not found", StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => (
                "method_not_allowed",
                "This method is not offered here",
                StatusCode::METHOD_NOT_ALLOWED,
            ),
            Self::Conflict => ("conflict", "It clashes with what is registered", StatusCode::CONFLICT),
            Self::StaleVersion => (
                "stale_version",
                "It changed since it was read",
                StatusCode::PRECONDITION_FAILED,
            ),
            Self::VersionRequired => (
                "version_required",
                "The version that was read must be named",
                StatusCode::PRECONDITION_REQUIRED,
            ),
            Self::TooLarge => ("too_large", "The body is too large", StatusCode::PAYLOAD_TOO_LARGE),
            Self::UnsupportedMediaType => (
                "unsupported_media_type",
                "The media type is not understood",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
            ),
            Self::FileRefused => (
                "file_refused",
                "The file can't be used",
                StatusCode::UNPROCESSABLE_ENTITY,
            ),
            Self::KeyReused => (
                "idempotency_key_reused",
                "The key belongs to another request",
                StatusCode::UNPROCESSABLE_ENTITY,
            ),
            Self::ForeignOrigin => (
                "foreign_origin",
                "Requests from other sites are refused",
                StatusCode::FORBIDDEN,
            ),
            Self::Unavailable => (
                "unavailable",
                "Not available at the moment",
                StatusCode::SERVICE_UNAVAILABLE,
            ),
            Self::Internal => ("internal", "A fault of the server", StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

/// A refusal as a client sees it.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Stable name of the kind: `urn:yice:problem:<name>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What the kind means, in a few words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The field or parameter at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// A narrower stable word where the kind alone does not tell (the constraint, the refusal of a file).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The rule that the request breaks, where it is one of those that block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Box<BrokenRule>>,
    /// How long to wait before trying again, seconds; also said as `Retry-After`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
    /// Ways out that a client can put to its user: each has `set` (fields of the request with their values), `arguments`
    /// (the same on the command line) and its reason as `zh` and `en`. The likeliest comes first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>, required = false)]
    pub offers: Vec<serde_json::Value>,
}

impl Problem {
    /// A problem of a kind, with what happened.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        let (name, title, status) = kind.facts();
        Self {
            kind: format!("urn:yice:problem:{name}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            remedy: None,
            code: None,
            rule: None,
            retry_after_s: None,
            offers: Vec::new(),
        }
    }

    /// Names the field at fault.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Gives the narrower stable word.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// Names the rule that is broken, with the values it compared.
    #[must_use]
    pub fn breaks(mut self, rule: DoorRule, evidence: serde_json::Value) -> Self {
        self.rule = Some(Box::new(BrokenRule::of(rule, evidence)));
        self
    }

    /// Says how long to wait, seconds.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Offers ways out.
    #[must_use]
    pub fn offers(mut self, offers: Vec<serde_json::Value>) -> Self {
        self.offers = offers;
        self
    }

    /// A field or parameter that breaks a rule.
    pub fn invalid(field: &str, detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::InvalidField, detail).field(field)
    }

    /// A parameter that is not understood.
    pub fn bad(field: &str, detail: impl Into<String>) -> Self {
        Self::new(ProblemKind::BadRequest, detail).field(field)
    }

    /// Nothing here.
    pub fn not_found(what: &str) -> Self {
        Self::new(
            ProblemKind::NotFound,
            format!("{what} is not registered, or not at that date"),
        )
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after_s = self
            .retry_after_s
            .or((status == StatusCode::SERVICE_UNAVAILABLE).then_some(1));
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json; charset=utf-8"),
        );
        if let Some(seconds) = retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"yice\""),
            );
        }
        response
    }
}

/// What goes wrong on our side: opaque outside, logged once with its cause.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database said no, or did not answer.
    #[error("the database failed")]
    Database {
        /// What it said.
        #[from]
        source: sqlx::Error,
    },
    /// Something that can't be.
    #[error("{what}")]
    Impossible {
        /// What was found.
        what: String,
    },
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Database { source } => source.into(),
            Fault::Impossible { what } => {
                tracing::error!(error = %what, "request failed");
                Self::new(
                    ProblemKind::Internal,
                    "the server met a state it did not expect; it has been logged",
                )
            }
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        if let Some(refusal) = crate::database::refusal_of(&error) {
            return refusal;
        }
        let away = matches!(
            error,
            sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_)
        ) || error
            .as_database_error()
            .and_then(|error| error.code())
            .is_some_and(|code| {
                // Class 57: the server is shutting down or starting; class 08: the connection broke; class 53: no room.
                code.starts_with("57P") || code.starts_with("08") || code.starts_with("53")
            });
        tracing::error!(error = %error, "the database failed");
        if away {
            Self::new(
                ProblemKind::Unavailable,
                "the database does not answer; nothing was changed",
            )
            .remedy("try again in a moment; if it lasts, see the server's log")
        } else {
            Self::new(
                ProblemKind::Internal,
                "the database refused unexpectedly; nothing was changed, and it has been logged",
            )
        }
    }
}
