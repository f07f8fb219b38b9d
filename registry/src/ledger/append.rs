//! Appending: in the caller's transaction, one entry at a time or by the hundred thousand.
//!
//! The sealer is told by a trigger of the database, so nothing that appends can forget it.

use sqlx::PgConnection;

use super::entry::{NewEntry, microseconds};

/// Appends one entry in the caller's transaction.
///
/// # Errors
/// When the database refuses it or is gone.
pub async fn append(connection: &mut PgConnection, entry: &NewEntry<'_>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into ledger_entry
             (id, recorded_at, actor, action, object_kind, object_id, before, after, reason, case_id, import_id)
         values ($1, $2, $3, $4, $5, $6, $7::text::json, $8::text::json, $9, $10, $11)",
        entry.id.0,
        entry.recorded_at,
        entry.actor,
        entry.action.as_str(),
        entry.object.kind.as_str(),
        entry.object.id,
        entry.before.map(serde_json::value::RawValue::get),
        entry.after.map(serde_json::value::RawValue::get),
        entry.reason,
        entry.case_id,
        entry.import_id.map(|id| id.0),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How many bytes are gathered before they are sent.
const SEND_AT: usize = 1 << 18;
/// PostgreSQL counts from 2000-01-01T00:00Z.
const POSTGRES_EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;
const COLUMNS: i16 = 11;

/// Appends many entries in the caller's transaction through `COPY`, with bounded memory. Gives back how many.
///
/// # Errors
/// When the database refuses one of them or is gone; the caller's transaction is then void.
pub async fn append_copy<'a>(
    connection: &mut PgConnection,
    entries: impl IntoIterator<Item = NewEntry<'a>>,
) -> Result<u64, sqlx::Error> {
    let role = crate::database::CopyRole::take(connection).await?;
    let mut copy = connection
        .copy_in_raw(
            "copy ledger_entry
                 (id, recorded_at, actor, action, object_kind, object_id, before, after, reason, case_id, import_id)
             from stdin (format binary)",
        )
        .await?;
    let mut bytes = Vec::with_capacity(SEND_AT + (SEND_AT >> 2));
    bytes.extend_from_slice(b"PGCOPY\n\xff\r\n\0");
    bytes.extend_from_slice(&[0; 8]);
    for entry in entries {
        write_row(&mut bytes, &entry);
        if bytes.len() >= SEND_AT {
            copy.send(bytes.as_slice()).await?;
            bytes.clear();
        }
    }
    bytes.extend_from_slice(&(-1i16).to_be_bytes());
    copy.send(bytes.as_slice()).await?;
    let written = copy.finish().await?;
    role.give_back(connection).await?;
    Ok(written)
}

fn write_row(bytes: &mut Vec<u8>, entry: &NewEntry<'_>) {
    let recorded_at = microseconds(entry.recorded_at) - POSTGRES_EPOCH_MICROSECONDS;
    bytes.extend_from_slice(&COLUMNS.to_be_bytes());
    for field in [
        Some(entry.id.0.as_bytes().as_slice()),
        Some(recorded_at.to_be_bytes().as_slice()),
        Some(entry.actor.as_bytes()),
        Some(entry.action.as_str().as_bytes()),
        Some(entry.object.kind.as_str().as_bytes()),
        Some(entry.object.id.as_bytes().as_slice()),
        entry.before.map(|json| json.get().as_bytes()),
        entry.after.map(|json| json.get().as_bytes()),
        entry.reason.map(str::as_bytes),
        entry.case_id.as_ref().map(|id| id.as_bytes().as_slice()),
        entry.import_id.as_ref().map(|id| id.0.as_bytes().as_slice()),
    ] {
        // -1 is null; a field beyond 2 GiB cannot be sent, and the database refuses its row by this length.
        let length = field.map_or(-1, |field| i32::try_from(field.len()).unwrap_or(i32::MAX));
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(field.unwrap_or_default());
    }
}
