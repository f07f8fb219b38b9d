//! Papers as files (文件): brought once, kept under what they hold, and read by whoever brought them or may see the case
//! that has them ([ADR 19](../../../docs/adr/0019-papers-as-files.md)).

mod bring;
mod kind;
mod read;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod verify;

use axum::extract::{DefaultBodyLimit, FromRef};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

pub use bring::{Holder, attach_documents};
pub use read::{Document, documents_of};
pub use store::DocumentStore;
pub use verify::{BadDocument, Fault as DocumentFault, Verified, verify_documents};

/// The most bytes that one paper may have. A scanned book of maps has some 80 MiB.
pub const MAX_DOCUMENT_BYTES: u64 = 128 << 20;
/// What a multipart body takes around the file.
const AROUND_THE_FILE: u64 = 1 << 20;

/// The routes of papers.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
    DocumentStore: FromRef<S>,
{
    let most = usize::try_from(MAX_DOCUMENT_BYTES + AROUND_THE_FILE).unwrap_or(usize::MAX);
    OpenApiRouter::new()
        .routes(routes!(bring::bring_document))
        .layer(DefaultBodyLimit::max(most))
        .routes(routes!(read::get_document))
        .routes(routes!(read::get_document_content))
}
