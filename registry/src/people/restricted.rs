//! `GET /api/v1/restricted-reads`: who looked at what is internal, for those who audit.

use axum::Json;
use axum::extract::Query;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::request::{Context, Cursor, Page, PageQuery, Problem};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ReadsQuery {
    /// Only reads of this object.
    object: Option<Uuid>,
    /// Only reads of this account.
    username: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// One answer that held restricted objects.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct RestrictedRead {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    read_at: OffsetDateTime,
    username: String,
    display_name: String,
    /// The address that was asked.
    asked: String,
    /// How many of them were in the answer.
    objects: i32,
    /// The first hundred of them.
    object_ids: Vec<Uuid>,
}

/// Who looked at what is internal, and at what hangs on it (rooms, titles, cases, leases), the latest first. Shapes on the
/// map are in it once for a session and an hour each, under the first tile that showed them.
#[utoipa::path(get, path = "/api/v1/restricted-reads", operation_id = "list_restricted_reads", tag = "people",
    params(ReadsQuery), responses((status = 200, body = Page<RestrictedRead>), (status = 400, body = Problem)))]
pub(super) async fn list_restricted_reads(
    context: Context,
    query: Result<Query<ReadsQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<RestrictedRead>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let limit = PageQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    let asked = format!("restricted reads {:?} {:?}", query.object, query.username);
    let before: Option<Uuid> = query
        .cursor
        .as_deref()
        .map(|cursor| Cursor::decode(cursor, &asked))
        .transpose()?;
    let mut snapshot = context.database.begin_snapshot().await?;
    // Ids are UUIDv7: their order is that of the reads.
    let rows = sqlx::query!(
        r#"select r.id, r.read_at, r.username, p.display_name, r.asked, cardinality(r.object_ids) as "objects!",
                  r.object_ids[1:100] as "object_ids!"
             from restricted_read r
             join person p on p.id = r.person_id
            where ($1::uuid is null or r.object_ids @> array[$1])
              and ($2::text is null or r.username = $2)
              and ($3::uuid is null or r.id < $3)
            order by r.id desc
            limit $4"#,
        query.object,
        query.username,
        before,
        i64::from(limit) + 1,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let more = rows.len() > limit as usize;
    let items: Vec<RestrictedRead> = rows
        .into_iter()
        .take(limit as usize)
        .map(|row| RestrictedRead {
            id: row.id,
            read_at: row.read_at,
            username: row.username,
            display_name: row.display_name,
            asked: row.asked,
            objects: row.objects,
            object_ids: row.object_ids,
        })
        .collect();
    let next = items.last().filter(|_| more).map(|last| {
        let object = query.object.map(|id| format!("object={id}&")).unwrap_or_default();
        let username = query
            .username
            .as_deref()
            .map(|name| format!("username={name}&"))
            .unwrap_or_default();
        format!(
            "/api/v1/restricted-reads?{object}{username}limit={limit}&cursor={}",
            Cursor::new(&asked, last.id).encode()
        )
    });
    Ok(Json(Page {
        items,
        next,
        total: None,
    }))
}
