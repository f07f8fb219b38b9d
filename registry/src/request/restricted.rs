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

impl Context {
    /// Notes that an answer holds what hangs on restricted assets: rooms, occupants, titles, cases, leases. `kind` is their
    /// word in the ledger. What is noted are the assets, those that the caller sees.
    ///
    /// # Errors
    /// The database's; then there is no answer.
    pub async fn note_read_behind(&self, kind: &str, objects: Vec<Uuid>) -> Result<(), Problem> {
        let kinds = vec![kind.to_owned(); objects.len()];
        self.note_reads_behind(kinds, objects).await
    }

    /// As [`Context::note_read_behind`], of objects of several kinds.
    ///
    /// # Errors
    /// The database's; then there is no answer.
    pub async fn note_reads_behind(&self, kinds: Vec<String>, objects: Vec<Uuid>) -> Result<(), Problem> {
        if objects.is_empty() {
            return Ok(());
        }
        let mut snapshot = self.database.begin_snapshot().await?;
        // Most registries have no such asset, and none of their lists is to pay for it.
        let restricted = sqlx::query_scalar!(
            r#"select distinct a.id as "id!"
                 from unnest($1::text[], $2::uuid[]) as o (kind, id)
                cross join lateral unnest(assets_read_with(o.kind, o.id)) as a (id)
                where exists (select from spatial_unit_version where secrecy = 'internal')
                  and exists (select from spatial_unit_version v where v.object_id = a.id and v.secrecy = 'internal')"#,
            &kinds,
            &objects,
        )
        .fetch_all(&mut *snapshot)
        .await?;
        drop(snapshot);
        note_restricted_read(self, &self.asked, &restricted).await
    }

    /// Notes that an answer tells of assets, of which some may be restricted.
    ///
    /// # Errors
    /// The database's; then there is no answer.
    pub async fn note_read_of(&self, assets: &[Uuid]) -> Result<(), Problem> {
        if assets.is_empty() {
            return Ok(());
        }
        let mut snapshot = self.database.begin_snapshot().await?;
        let restricted = sqlx::query_scalar!(
            "select distinct object_id from spatial_unit_version where secrecy = 'internal' and object_id = any($1)",
            assets,
        )
        .fetch_all(&mut *snapshot)
        .await?;
        drop(snapshot);
        note_restricted_read(self, &self.asked, &restricted).await
    }
}
