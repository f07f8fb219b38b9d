//! `Idempotency-Key`: a request that is sent twice is carried out once, and answered alike.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, Response, StatusCode, header};
use axum::response::IntoResponse;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use super::{Actor, Problem, ProblemKind};
use time::OffsetDateTime;

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The key a creating request carries, with a hash of what it asks.
#[derive(Debug, Clone)]
pub struct Idempotency {
    key: String,
    request_sha256: Vec<u8>,
}

/// The answer that was given the first time.
#[derive(Debug)]
pub struct Repeated {
    status: i16,
    location: Option<String>,
    etag: Option<String>,
    body: Option<serde_json::Value>,
}

impl IntoResponse for Repeated {
    fn into_response(self) -> Response<Body> {
        let status = u16::try_from(self.status)
            .ok()
            .and_then(|status| StatusCode::from_u16(status).ok());
        let mut response = (status.unwrap_or(StatusCode::OK), axum::Json(self.body)).into_response();
        for (name, value) in [(header::LOCATION, self.location), (header::ETAG, self.etag)] {
            if let Some(value) = value.and_then(|value| value.parse().ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

impl Idempotency {
    /// Reads the key, which every creating request must carry.
    ///
    /// # Errors
    /// A problem where it is missing or longer than 200 characters.
    pub fn read(headers: &HeaderMap, request: &impl serde::Serialize) -> Result<Self, Problem> {
        let key = headers
            .get(&IDEMPOTENCY_KEY)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if key.is_empty() || key.len() > 200 {
            return Err(Problem::bad(
                "Idempotency-Key",
                "creating takes an Idempotency-Key of 1 to 200 characters",
            )
            .remedy("send a fresh random key for each thing you create, and the same one when you repeat"));
        }
        let request = serde_json::to_vec(request).unwrap_or_default();
        Ok(Self {
            key: key.to_owned(),
            request_sha256: Sha256::digest(request).to_vec(),
        })
    }

    /// Looks whether the request was answered before. The key is locked until the transaction ends, so that the same
    /// request sent twice at once is carried out once.
    ///
    /// # Errors
    /// A problem where the key came with another request.
    pub async fn repeated(&self, connection: &mut PgConnection, actor: &Actor) -> Result<Option<Repeated>, Problem> {
        sqlx::query!(
            "select pg_advisory_xact_lock(hashtextextended($1, 7))",
            format!("{}\n{}", actor.0, self.key)
        )
        .execute(&mut *connection)
        .await?;
        let row = sqlx::query!(
            r#"select request_sha256, status, location, etag, body
                 from idempotent_answer
                where actor = $1 and key = $2"#,
            actor.0,
            self.key,
        )
        .fetch_optional(connection)
        .await?;
        match row {
            None => Ok(None),
            Some(row) if row.request_sha256 == self.request_sha256 => Ok(Some(Repeated {
                status: row.status,
                location: row.location,
                etag: row.etag,
                body: row.body,
            })),
            Some(_) => Err(Problem::new(
                ProblemKind::KeyReused,
                "this Idempotency-Key came with another request before",
            )
            .field("Idempotency-Key")
            .remedy("use a fresh key for each thing you create")),
        }
    }

    /// Keeps the answer, in the transaction of what it answers.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep(
        &self,
        connection: &mut PgConnection,
        actor: &Actor,
        at: OffsetDateTime,
        location: &str,
        etag: &str,
        body: &serde_json::Value,
    ) -> Result<(), Problem> {
        sqlx::query!(
            "insert into idempotent_answer (key, actor, request_sha256, status, location, etag, body, created_at)
             values ($1, $2, $3, 201, $4, $5, $6, $7)",
            self.key,
            actor.0,
            self.request_sha256,
            location,
            etag,
            body,
            at,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
