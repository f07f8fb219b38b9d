//! Imports that are under way in this process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::ImportProgress;
use crate::database::Database;
use crate::ids::ImportId;
use crate::request::Fault;

/// Imports that are under way in this process.
#[derive(Debug, Clone, Default)]
pub struct ImportJobs {
    running: Arc<Mutex<HashMap<Uuid, ImportProgress>>>,
}

impl ImportJobs {
    pub(super) fn begin(&self, id: ImportId, progress: ImportProgress) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.0, progress);
    }

    pub(super) fn end(&self, id: ImportId) {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&id.0);
    }

    pub(super) fn progress(&self, id: ImportId) -> Option<ImportProgress> {
        self.running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id.0)
            .cloned()
    }

    /// Asks every running import to stop, as the server does before it ends.
    pub fn cancel_all(&self) {
        for progress in self.running.lock().unwrap_or_else(PoisonError::into_inner).values() {
            progress.cancel();
        }
    }
}

/// Says of imports whose process is gone that they were interrupted. A running import holds a lock named by its id.
///
/// # Errors
/// The database's.
pub async fn mark_interrupted(database: &Database) -> Result<(), Fault> {
    let mut transaction = database.begin().await?;
    let problem = serde_json::json!({
        "type": "urn:yice:problem:interrupted", "title": "The import was interrupted", "status": 500,
        "detail": "the program ended while the file was read; nothing of it was written",
        "remedy": "import the file again",
    });
    sqlx::query!(
        "update import set state = 'failed', problem = $1, finished_at = started_at
          where state = 'reading' and pg_try_advisory_xact_lock(hashtextextended(id::text, 11))",
        problem,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}
