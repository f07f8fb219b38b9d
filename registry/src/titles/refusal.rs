//! What the database's last word on a title means: whom it clashes with.

use serde::Deserialize;
use sqlx::postgres::PgDatabaseError;
use uuid::Uuid;

use crate::request::{Fault, Problem, ProblemKind};

#[derive(Deserialize)]
struct OtherTitle {
    title_id: Uuid,
    unit_code: Option<String>,
    cert_no: Option<String>,
}

/// The refusal of a write: an overlap names the title it reaches into.
#[must_use]
pub fn refused(fault: Fault) -> Problem {
    let Fault::Database { source } = fault else {
        return fault.into();
    };
    if let Some(error) = source
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<PgDatabaseError>())
    {
        if error.constraint() == Some("title_extent_no_overlap")
            && let Some(other) = error
                .detail()
                .and_then(|detail| serde_json::from_str::<OtherTitle>(detail).ok())
        {
            let named = other
                .cert_no
                .or(other.unit_code)
                .unwrap_or_else(|| other.title_id.to_string());
            return Problem::new(
                ProblemKind::Conflict,
                format!("the land reaches into that of the current title {named} (GEO-02, Civil Code art. 346)"),
            )
            .field("parcel_ids")
            .code("title_extent_no_overlap")
            .remedy(format!(
                "compare both surveys; the other title is /api/v1/titles/{}",
                other.title_id
            ));
        }
        // Two writers that wait for each other in a circle: one of them was stopped, nothing of it was kept.
        if error.code() == "40P01" {
            return Problem::new(
                ProblemKind::Unavailable,
                "somebody wrote to the same land at the same moment; nothing was changed",
            )
            .remedy("send it again");
        }
    }
    source.into()
}
