//! The ledger over HTTP: what was done to an object, the signed head, and proofs.

use axum::Json;
use axum::extract::{Path, Query};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use time::OffsetDateTime;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::AppState;
use crate::ledger::{NoProof, SignedHead, current_head, inclusion_proof};
use crate::request::{Context, Cursor, Fault, Page, PageQuery, Permission, Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_ledger_entries))
        .routes(routes!(get_ledger_head))
        .routes(routes!(get_ledger_proof))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct LedgerQuery {
    /// Only what was done to this object; an import that wrote it among other things is part of it.
    object: Option<Uuid>,
    limit: Option<u32>,
    cursor: Option<String>,
}

/// How long `before` and `after` may be in a list, in bytes.
const LONGEST_IN_LIST: i32 = 16 << 10;

/// A committed change.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Entry {
    /// Its place in the order.
    seq: i64,
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    recorded_at: OffsetDateTime,
    actor: String,
    action: String,
    object_kind: String,
    object_id: Uuid,
    #[schema(value_type = Option<Object>)]
    before: Option<Box<RawValue>>,
    #[schema(value_type = Option<Object>)]
    after: Option<Box<RawValue>>,
    /// `before` or `after` is long, as that of an import is, and left out here; the proof of the entry carries the whole.
    is_abridged: bool,
    reason: Option<String>,
    case_id: Option<Uuid>,
    import_id: Option<Uuid>,
}

/// What was done, the latest first. Entries about people and grants are shown to those who may see people.
#[utoipa::path(get, path = "/api/v1/ledger", operation_id = "list_ledger_entries", tag = "ledger", params(LedgerQuery),
    responses((status = 200, body = Page<Entry>), (status = 400, body = Problem)))]
async fn list_ledger_entries(
    context: Context,
    query: Result<Query<LedgerQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<Entry>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let limit = PageQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    let asked = format!("ledger {:?}", query.object);
    let before: Option<i64> = query
        .cursor
        .as_deref()
        .map(|cursor| Cursor::decode(cursor, &asked))
        .transpose()?;
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = sqlx::query!(
        r#"select l.seq, e.id, e.recorded_at, e.actor, e.action, e.object_kind, e.object_id,
                  case when octet_length(e.before::text) <= $4 then e.before::text end as before,
                  case when octet_length(e.after::text) <= $4 then e.after::text end as after,
                  coalesce(greatest(octet_length(e.before::text), octet_length(e.after::text)) > $4, false) as "is_abridged!",
                  e.reason, e.case_id, e.import_id
             from ledger_leaf l
             join ledger_entry e on e.id = l.entry_id
            where ($1::uuid is null
                   or (e.object_id = any(array(
                           select $1 union all select v.import_id from spatial_unit_version v where v.object_id = $1))
                       and (e.object_id = $1
                            or (e.recorded_at = any(array(
                                    select lower(v.recorded) from spatial_unit_version v where v.object_id = $1))
                                and e.after -> 'versions' is not null))))
              and ($2::bigint is null or l.seq < $2)
              and ($5 or e.object_kind not in ('person', 'grant', 'sign_in_batch'))
            order by l.seq desc
            limit $3"#,
        query.object,
        before,
        i64::from(limit) + 1,
        LONGEST_IN_LIST,
        context.caller.scope.holds_everywhere(Permission::ReadPeople),
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let more = rows.len() > limit as usize;
    let raw = |text: Option<String>| text.and_then(|text| RawValue::from_string(text).ok());
    let items: Vec<Entry> = rows
        .into_iter()
        .take(limit as usize)
        .map(|row| Entry {
            seq: row.seq,
            id: row.id,
            recorded_at: row.recorded_at,
            actor: row.actor,
            action: row.action,
            object_kind: row.object_kind,
            object_id: row.object_id,
            before: raw(row.before),
            after: raw(row.after),
            is_abridged: row.is_abridged,
            reason: row.reason,
            case_id: row.case_id,
            import_id: row.import_id,
        })
        .collect();
    drop(snapshot);
    let (kinds, objects): (Vec<String>, Vec<Uuid>) = items
        .iter()
        .map(|entry| (entry.object_kind.clone(), entry.object_id))
        .unzip();
    context.note_reads_behind(kinds, objects).await?;
    let next = items.last().filter(|_| more).map(|last| {
        let object = query.object.map(|id| format!("object={id}&")).unwrap_or_default();
        format!(
            "/api/v1/ledger?{object}limit={limit}&cursor={}",
            Cursor::new(&asked, last.seq).encode()
        )
    });
    Ok(Json(Page {
        items,
        next,
        total: None,
    }))
}

/// The newest signed head of the Merkle log (RFC 6962).
#[utoipa::path(get, path = "/api/v1/ledger/head", operation_id = "get_ledger_head", tag = "ledger",
    responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn get_ledger_head(context: Context) -> Result<Json<SignedHead>, Problem> {
    let mut connection = context.database.begin_snapshot().await?;
    current_head(&mut connection)
        .await?
        .map(Json)
        .ok_or_else(|| Problem::not_found("a signed head"))
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ProofQuery {
    /// The size of the tree; the newest head's unless told.
    tree_size: Option<u64>,
}

/// The proof that an entry is in the log.
#[utoipa::path(get, path = "/api/v1/ledger/{seq}/proof", operation_id = "get_ledger_proof", tag = "ledger",
    params(("seq" = u64, Path), ProofQuery), responses((status = 200, body = Object), (status = 404, body = Problem)))]
async fn get_ledger_proof(
    context: Context,
    Path(seq): Path<String>,
    query: Result<Query<ProofQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<serde_json::Value>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let seq: u64 = seq
        .parse()
        .map_err(|_| Problem::bad("seq", format!("{seq:?} is no number of an entry")))?;
    let mut connection = context.database.begin_snapshot().await?;
    if !context.caller.scope.holds_everywhere(Permission::ReadPeople) {
        let is_hidden = sqlx::query_scalar!(
            r#"select exists (select from ledger_leaf l join ledger_entry e on e.id = l.entry_id
                               where l.seq = $1 and e.object_kind in ('person', 'grant', 'sign_in_batch')) as "is_hidden!""#,
            i64::try_from(seq).unwrap_or(i64::MAX),
        )
        .fetch_one(&mut *connection)
        .await?;
        if is_hidden {
            return Err(Problem::not_found("this entry"));
        }
    }
    let head = current_head(&mut connection)
        .await?
        .ok_or_else(|| Problem::not_found("a signed head"))?;
    let tree_size = query.tree_size.unwrap_or(head.head.tree_size);
    let proof = inclusion_proof(&mut connection, seq, tree_size)
        .await
        .map_err(|error| match error {
            NoProof::Database { source } => Problem::from(source),
            other => Problem::not_found(&format!("this entry ({other})")),
        })?;
    let told = sqlx::query!(
        "select e.object_kind, e.object_id from ledger_leaf l join ledger_entry e on e.id = l.entry_id where l.seq = $1",
        i64::try_from(seq).unwrap_or(i64::MAX),
    )
    .fetch_optional(&mut *connection)
    .await?;
    drop(connection);
    if let Some(entry) = told {
        context
            .note_read_behind(&entry.object_kind, vec![entry.object_id])
            .await?;
    }
    let proof = serde_json::to_value(&proof).map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })?;
    Ok(Json(serde_json::json!({ "head": head, "proof": proof })))
}
