//! That somebody read what is internal (内部): kept for auditors, before the answer leaves.

use uuid::Uuid;

use super::{Context, Problem};

/// Notes that restricted objects are in an answer. Where that can't be kept, there is no answer.
///
/// # Errors
/// The database's.
pub async fn note_restricted_read(context: &Context, asked: &str, objects: &[Uuid]) -> Result<(), Problem> {
    if objects.is_empty() {
        return Ok(());
    }
    let mut transaction = context.database.begin().await?;
    sqlx::query!(
        "insert into restricted_read (id, read_at, person_id, username, asked, object_ids)
         values ($1, $2, $3, $4, $5, $6)",
        Uuid::now_v7(),
        context.clock.now(),
        context.caller.person_id.0,
        context.actor.0,
        asked,
        objects,
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}
