//! What everything that keeps versions does alike: end versions and write new ones with their ledger entry, prove the
//! rows against the ledger, tell their history, and speak of them over HTTP.

use std::marker::PhantomData;

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use sqlx::postgres::types::PgRange;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use crate::database::CopyRows;
use crate::digest::{VersionHead, version_digest};
use crate::ids::{ImportId, VersionId};
use crate::ledger::{Action, EntryId, FoundVersion, NewEntry, Object, ObjectKind};
use crate::period::{Held, Revision, ValidPeriod, day, recorded_ends, revise, valid_period};
use crate::request::{Actor, Context, Fault, Idempotency, Problem, etag, require_match};

/// What a version of one kind of object says, and how its table takes it.
///
/// Its JSON is part of the version's digest in the ledger: new fields go to the end and are skipped when empty. Names
/// of fields are those of the API. What is too large for JSON is left out of it and given as [`blobs`](Self::blobs).
pub trait VersionContent: Clone + Serialize {
    /// What the ledger calls the object.
    const OBJECT: ObjectKind;
    /// The table's statements, made by [`version_statements!`].
    const STATEMENTS: VersionStatements;

    /// Appends the content's columns in the order of the statements.
    fn push_columns(&self, rows: &mut CopyRows);

    /// What the digest covers beside the JSON; the geometry first.
    fn blobs(&self) -> Vec<Option<&[u8]>> {
        Vec::new()
    }
}

/// The statements of one kind of object.
#[derive(Debug)]
pub struct VersionStatements {
    /// The table of its versions.
    pub table: &'static str,
    /// Takes identity rows.
    pub register: &'static str,
    /// Takes version rows.
    pub write: &'static str,
    /// Ends what was known.
    pub end: &'static str,
}

/// The statements of an object's tables, from its name and the columns of its content.
macro_rules! version_statements {
    ($object:literal, $columns:literal) => {
        crate::versioned::VersionStatements {
            table: concat!($object, "_version"),
            register: concat!("copy ", $object, " (id, created_at) from stdin (format binary)"),
            write: concat!(
                "copy ",
                $object,
                "_version (version_id, object_id, valid, recorded, ",
                $columns,
                ") from stdin (format binary)"
            ),
            end: concat!(
                "update ",
                $object,
                "_version v set recorded = tstzrange(lower(v.recorded), c.at) ",
                "from unnest($1::uuid[], $2::timestamptz[]) as c (version_id, at) ",
                "where v.version_id = c.version_id and upper_inf(v.recorded)"
            ),
        }
    };
}
pub(crate) use version_statements;

/// What a list said beside the registry's columns, as the table holds it.
///
/// # Errors
/// Where it is no JSON.
pub fn stored_attributes(stored: Option<String>) -> Result<Option<Box<RawValue>>, Fault> {
    stored
        .map(RawValue::from_string)
        .transpose()
        .map_err(|error| Fault::Impossible {
            what: format!("attributes are no JSON: {error}"),
        })
}

/// A version row as it was read.
#[derive(Debug)]
pub struct StoredVersion<C> {
    /// Its ids and the beginnings of its times.
    pub head: VersionHead,
    /// Until when it was known; none while it is.
    pub recorded_to: Option<OffsetDateTime>,
    /// What it says; a row that can't be understood is told from one that can't be read.
    pub content: Result<C, Fault>,
}

impl<C: VersionContent> StoredVersion<C> {
    /// Puts a row together.
    pub fn new(
        version_id: Uuid,
        object_id: Uuid,
        valid: &PgRange<Date>,
        recorded: &PgRange<OffsetDateTime>,
        content: Result<C, Fault>,
    ) -> Self {
        let (recorded_from, recorded_to) = recorded_ends(recorded);
        Self {
            head: VersionHead {
                version_id,
                object_id,
                valid: valid_period(valid),
                recorded_from,
            },
            recorded_to,
            content,
        }
    }

    /// The version for a change to build upon.
    ///
    /// # Errors
    /// Where the content can't be understood.
    pub fn held(self) -> Result<Held<C>, Fault> {
        Ok(Held {
            version_id: VersionId(self.head.version_id),
            valid: self.head.valid,
            recorded_from: self.head.recorded_from,
            content: self.content?,
        })
    }

    /// The version for the proof. A row that no longer reads as what it was is altered, not a failure of the proof.
    #[must_use]
    pub fn found(self) -> FoundVersion {
        let sha256 = self
            .content
            .and_then(|content| Ok(content_digest(&self.head, &content, &content_json(&content)?)))
            .unwrap_or([0; 32]);
        FoundVersion {
            version_id: VersionId(self.head.version_id),
            object_id: self.head.object_id,
            sha256,
            recorded_to: self.recorded_to,
        }
    }
}

/// Why and by whom something is written.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// Who.
    pub actor: Actor,
    /// Why.
    pub reason: Option<String>,
    /// The import, if one wrote it.
    pub import_id: Option<ImportId>,
}

impl Occasion {
    /// Somebody writes it, and no import.
    #[must_use]
    pub fn by(actor: &Actor, reason: Option<String>) -> Self {
        Self {
            actor: actor.clone(),
            reason,
            import_id: None,
        }
    }
}

/// Changes that wait to be written together: identities, versions, ends of versions, ledger entries.
#[derive(Debug)]
pub struct VersionWriter<C> {
    identities: CopyRows,
    versions: CopyRows,
    closed: Vec<Uuid>,
    closed_at: Vec<OffsetDateTime>,
    entries: Vec<WaitingEntry>,
    gathered: Option<Gathered>,
    content: PhantomData<C>,
}

/// What one entry of an import says of many objects (docs/adr/0008).
#[derive(Debug)]
struct Gathered {
    recorded_at: OffsetDateTime,
    import_id: ImportId,
    occasion: Occasion,
    written: Vec<serde_json::Value>,
    ended: Vec<serde_json::Value>,
}

/// A ledger entry until the flush.
#[derive(Debug)]
struct WaitingEntry {
    recorded_at: OffsetDateTime,
    action: Action,
    object: Object,
    before: Option<Box<RawValue>>,
    after: Box<RawValue>,
    occasion: Occasion,
}

impl<C> Default for VersionWriter<C> {
    fn default() -> Self {
        Self {
            identities: CopyRows::default(),
            versions: CopyRows::default(),
            closed: Vec::new(),
            closed_at: Vec::new(),
            entries: Vec::new(),
            gathered: None,
            content: PhantomData,
        }
    }
}

impl<C: VersionContent> VersionWriter<C> {
    /// Registers a new object.
    pub fn register(&mut self, object_id: Uuid, created_at: OffsetDateTime) {
        self.identities.value(Some(object_id)).value(Some(created_at)).end_row();
    }

    /// Writes what a revision closes and adds, and its ledger entry; the newest version's id is returned.
    ///
    /// # Errors
    /// Where the content can't be said in JSON.
    pub fn revise(
        &mut self,
        object_id: Uuid,
        action: Action,
        revision: &Revision<C>,
        before: Option<&C>,
        occasion: &Occasion,
    ) -> Result<Option<VersionId>, Fault> {
        let mut written = Vec::with_capacity(revision.write.len());
        let mut after = None;
        for (valid, content) in &revision.write {
            let (version_id, digest, json) = self.write_version(object_id, *valid, revision.at, content)?;
            written.push(serde_json::json!({
                "id": version_id.0, "sha256": hex::encode(digest),
                "valid_from": valid.from.to_string(), "valid_to": valid.to.map(|to| to.to_string()),
            }));
            after = Some((version_id, content, json));
        }
        self.closed.extend(revision.close.iter().map(|version| version.0));
        self.closed_at.extend(revision.close.iter().map(|_| revision.at));
        let closed: Vec<_> = revision
            .close
            .iter()
            .map(|version| serde_json::json!({"id": version.0}))
            .collect();
        let before = match before {
            None if closed.is_empty() => None,
            None => Some(words::<C>(&closed, None)?),
            Some(before) => Some(words(&closed, Some((before, content_json(before)?)))?),
        };
        let newest = after.as_ref().map(|(version_id, _, _)| *version_id);
        self.entries.push(WaitingEntry {
            recorded_at: revision.at,
            action,
            object: Object {
                kind: C::OBJECT,
                id: object_id,
            },
            before,
            after: words(&written, after.map(|(_, content, json)| (content, json)))?,
            occasion: occasion.clone(),
        });
        Ok(newest)
    }

    /// Writes what a revision by an import closes and adds. One ledger entry speaks for all objects until the flush.
    ///
    /// # Errors
    /// Where the content can't be said in JSON.
    pub fn take_over(
        &mut self,
        object_id: Uuid,
        revision: &Revision<C>,
        import_id: ImportId,
        occasion: &Occasion,
    ) -> Result<(), Fault> {
        let gathered = self.gathered.get_or_insert_with(|| Gathered {
            recorded_at: revision.at,
            import_id,
            occasion: occasion.clone(),
            written: Vec::new(),
            ended: Vec::new(),
        });
        // The instant of an entry is that of every version it writes or ends.
        if gathered.recorded_at != revision.at {
            let action = if revision.close.is_empty() {
                Action::Create
            } else {
                Action::Change
            };
            return self.revise(object_id, action, revision, None, occasion).map(|_| ());
        }
        let ended = revision
            .close
            .iter()
            .map(|version| serde_json::json!({"id": version.0, "object_id": object_id}));
        gathered.ended.extend(ended);
        self.closed.extend(revision.close.iter().map(|version| version.0));
        self.closed_at.extend(revision.close.iter().map(|_| revision.at));
        for (valid, content) in &revision.write {
            let (version_id, digest, _) = self.write_version(object_id, *valid, revision.at, content)?;
            if let Some(gathered) = &mut self.gathered {
                gathered.written.push(serde_json::json!({
                    "id": version_id.0, "object_id": object_id, "sha256": hex::encode(digest),
                }));
            }
        }
        Ok(())
    }

    fn write_version(
        &mut self,
        object_id: Uuid,
        valid: ValidPeriod,
        recorded_from: OffsetDateTime,
        content: &C,
    ) -> Result<(VersionId, [u8; 32], String), Fault> {
        let version_id = VersionId::fresh();
        let json = content_json(content)?;
        let head = VersionHead {
            version_id: version_id.0,
            object_id,
            valid,
            recorded_from,
        };
        let digest = content_digest(&head, content, &json);
        self.versions
            .value(Some(head.version_id))
            .value(Some(object_id))
            .value(Some(PgRange::<Date>::from(valid)))
            .value(Some(PgRange::from(recorded_from..)));
        content.push_columns(&mut self.versions);
        self.versions.end_row();
        Ok((version_id, digest, json))
    }

    /// What an import has taken over since the last flush, as one entry.
    fn settle_gathered(&mut self) -> Result<(), Fault> {
        let Some(gathered) = self.gathered.take() else {
            return Ok(());
        };
        let said = |versions: &[serde_json::Value]| {
            let said = serde_json::json!({"kind": C::OBJECT.as_str(), "versions": versions});
            serde_json::value::to_raw_value(&said).map_err(|error| Fault::Impossible {
                what: error.to_string(),
            })
        };
        if gathered.written.is_empty() && gathered.ended.is_empty() {
            return Ok(());
        }
        self.entries.push(WaitingEntry {
            recorded_at: gathered.recorded_at,
            action: Action::Import,
            object: Object {
                kind: ObjectKind::Import,
                id: gathered.import_id.0,
            },
            before: if gathered.ended.is_empty() {
                None
            } else {
                Some(said(&gathered.ended)?)
            },
            after: said(&gathered.written)?,
            occasion: gathered.occasion,
        });
        Ok(())
    }

    /// Writes everything that waits. Versions end before others begin, or both would be known for a moment.
    ///
    /// # Errors
    /// The database's.
    pub async fn flush(&mut self, connection: &mut PgConnection) -> Result<(), Fault> {
        self.settle_gathered()?;
        if !self.closed.is_empty() {
            let ended = sqlx::query(C::STATEMENTS.end)
                .bind(&self.closed)
                .bind(&self.closed_at)
                .execute(&mut *connection)
                .await?
                .rows_affected();
            if ended != self.closed.len() as u64 {
                return Err(Fault::Impossible {
                    what: format!("{} versions were to end, {ended} did", self.closed.len()),
                });
            }
            self.closed.clear();
            self.closed_at.clear();
        }
        self.identities.send(connection, C::STATEMENTS.register).await?;
        self.versions.send(connection, C::STATEMENTS.write).await?;
        let entries: Vec<NewEntry<'_>> = self
            .entries
            .iter()
            .map(|entry| NewEntry {
                id: EntryId::fresh(),
                recorded_at: entry.recorded_at,
                actor: &entry.occasion.actor.0,
                action: entry.action,
                object: entry.object,
                before: entry.before.as_deref(),
                after: Some(&entry.after),
                reason: entry.occasion.reason.as_deref(),
                case_id: None,
                import_id: entry.occasion.import_id,
            })
            .collect();
        crate::ledger::append_copy(connection, entries).await?;
        self.entries.clear();
        Ok(())
    }
}

/// Writes those of some objects' rows anew that `change` makes others of, each for all the days it holds. Gives how many.
///
/// # Errors
/// The database's, and where the content can't be said in JSON.
pub async fn revise_what_differs<C: VersionContent>(
    connection: &mut PgConnection,
    held: Vec<(Uuid, Held<C>)>,
    now: OffsetDateTime,
    occasion: &Occasion,
    change: impl Fn(&C) -> Option<C>,
) -> Result<usize, Fault> {
    let mut writer = VersionWriter::default();
    let mut revised = 0;
    for (object_id, held) in held {
        let Some(content) = change(&held.content) else {
            continue;
        };
        let revision = revise(std::slice::from_ref(&held), held.valid, Some(content), now);
        writer.revise(object_id, Action::Change, &revision, Some(&held.content), occasion)?;
        revised += 1;
    }
    writer.flush(connection).await?;
    Ok(revised)
}

/// Registers or changes one object at once.
///
/// # Errors
/// The database's.
pub async fn write_revision<C: VersionContent>(
    connection: &mut PgConnection,
    object_id: Uuid,
    action: Action,
    revision: &Revision<C>,
    before: Option<&C>,
    occasion: &Occasion,
) -> Result<Option<VersionId>, Fault> {
    let mut writer = VersionWriter::default();
    if action == Action::Create {
        writer.register(object_id, revision.at);
    }
    let newest = writer.revise(object_id, action, revision, before, occasion)?;
    writer.flush(connection).await?;
    Ok(newest)
}

/// Ends an object on a day. Its history stays.
///
/// # Errors
/// A problem where it has ended by then already, or the database's.
pub async fn end_on<C: VersionContent>(
    connection: &mut PgConnection,
    object_id: Uuid,
    (versions, before): (&[Held<C>], &Held<C>),
    valid_to: Date,
    (now, occasion): (OffsetDateTime, &Occasion),
) -> Result<Option<VersionId>, Problem> {
    let revision = revise(versions, ValidPeriod::since(valid_to), None, now);
    if revision.close.is_empty() {
        return Err(Problem::invalid("valid_to", "it has ended by then already").remedy("choose an earlier day"));
    }
    let before = Some(&before.content);
    Ok(write_revision(connection, object_id, Action::Close, &revision, before, occasion).await?)
}

fn content_json<C: Serialize>(content: &C) -> Result<String, Fault> {
    serde_json::to_string(content).map_err(|error| Fault::Impossible {
        what: error.to_string(),
    })
}

fn content_digest<C: VersionContent>(head: &VersionHead, content: &C, json: &str) -> [u8; 32] {
    version_digest(C::STATEMENTS.table, head, json.as_bytes(), &content.blobs())
}

/// What an entry says: the version rows, the content, and the geometry by its hash.
fn words<C: VersionContent>(
    versions: &[serde_json::Value],
    content: Option<(&C, String)>,
) -> Result<Box<RawValue>, Fault> {
    let impossible = |error: serde_json::Error| Fault::Impossible {
        what: error.to_string(),
    };
    let versions = serde_json::to_string(versions).map_err(impossible)?;
    let text = match content {
        None => format!("{{\"versions\":{versions}}}"),
        Some((content, json)) => match content.blobs().first().copied().flatten() {
            None => format!("{{\"versions\":{versions},\"content\":{json}}}"),
            Some(geometry) => format!(
                "{{\"versions\":{versions},\"content\":{json},\"geometry_sha256\":\"{}\"}}",
                hex::encode(Sha256::digest(geometry))
            ),
        },
    };
    RawValue::from_string(text).map_err(impossible)
}

/// The names of the fields in which two contents differ.
#[must_use]
pub fn changed_fields<C: VersionContent>(before: &C, after: &C) -> Vec<String> {
    let fields = |content: &C| match serde_json::to_value(content) {
        Ok(serde_json::Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (old, new) = (fields(before), fields(after));
    let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
    let mut changed: Vec<String> = names.filter(|name| old.get(*name) != new.get(*name)).cloned().collect();
    // In one order, however JSON objects keep theirs.
    changed.sort_unstable();
    if before.blobs() != after.blobs() {
        changed.push("geometry".to_owned());
    }
    changed
}

/// What every version says of itself.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct VersionFacts {
    /// The version's id.
    pub version_id: Uuid,
    /// True in law from this day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub valid_from: Date,
    /// Until before this day; null while it goes on.
    #[serde(with = "day::option")]
    #[schema(value_type = Option<String>, format = Date)]
    pub valid_to: Option<Date>,
    /// Known from this instant.
    #[serde(with = "time::serde::rfc3339")]
    pub recorded_from: OffsetDateTime,
    /// Until this instant; null while it is what is known.
    #[serde(with = "time::serde::rfc3339::option")]
    pub recorded_to: Option<OffsetDateTime>,
}

impl VersionFacts {
    /// From the columns of a row.
    #[must_use]
    pub fn new(version_id: Uuid, valid: &PgRange<Date>, recorded: &PgRange<OffsetDateTime>) -> Self {
        let valid = valid_period(valid);
        let (recorded_from, recorded_to) = recorded_ends(recorded);
        Self {
            version_id,
            valid_from: valid.from,
            valid_to: valid.to,
            recorded_from,
            recorded_to,
        }
    }
}

/// One version in the history of an object.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct HistoryFacts {
    /// Its times.
    #[serde(flatten)]
    pub version: VersionFacts,
    /// The fields in which it differs from the version before it in law; empty for the first.
    pub changed: Vec<String>,
    /// The place of its entry in the ledger; null until it is sealed.
    pub ledger_seq: Option<i64>,
    /// Who wrote it.
    pub actor: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// Tells the history of an object from its rows, which come by valid day and instant; the latest stands first.
///
/// # Errors
/// The database's, or a row that can't be understood.
pub async fn history<C: VersionContent>(
    connection: &mut PgConnection,
    object_id: Uuid,
    rows: impl IntoIterator<Item = StoredVersion<C>>,
) -> Result<Vec<(HistoryFacts, C)>, Fault> {
    let entries = sqlx::query!(
        r#"select e.recorded_at, e.actor, e.reason, l.seq as "seq?"
             from ledger_entry e
             left join ledger_leaf l on l.entry_id = e.id
            where e.object_id = $1 order by e.recorded_at"#,
        object_id,
    )
    .fetch_all(connection)
    .await?;
    let mut told: Vec<(HistoryFacts, C)> = Vec::new();
    let mut known: Option<usize> = None;
    for row in rows {
        let content = row.content?;
        let before = known.and_then(|index| told.get(index)).map(|(_, before)| before);
        let changed = before
            .map(|before| changed_fields(before, &content))
            .unwrap_or_default();
        let entry = entries.iter().find(|entry| entry.recorded_at == row.head.recorded_from);
        // What was superseded is no step of the history that is known now.
        if row.recorded_to.is_none() {
            known = Some(told.len());
        }
        let facts = HistoryFacts {
            version: VersionFacts {
                version_id: row.head.version_id,
                valid_from: row.head.valid.from,
                valid_to: row.head.valid.to,
                recorded_from: row.head.recorded_from,
                recorded_to: row.recorded_to,
            },
            changed,
            ledger_seq: entry.and_then(|entry| entry.seq),
            actor: entry.map(|entry| entry.actor.clone()),
            reason: entry.and_then(|entry| entry.reason.clone()),
        };
        told.push((facts, content));
    }
    told.reverse();
    Ok(told)
}

/// An object that another one names.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Named {
    /// Its id.
    pub id: Uuid,
    /// Its code on that day.
    pub code: Option<String>,
    /// Its name on that day.
    pub name: Option<String>,
}

/// What creating answers; the rest is read at `Location`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Created {
    /// The new object.
    pub id: Uuid,
    /// Its first version.
    pub version_id: Option<Uuid>,
}

/// The version that a change on a day builds upon, where the client has read it or that of today. The day comes with the
/// field that says it.
///
/// # Errors
/// Not found, 428 and 412 by `If-Match`, or a problem on that field where nothing is registered for the day.
pub fn version_to_change<'a, C>(
    versions: &'a [Held<C>],
    headers: &HeaderMap,
    today: Date,
    (field, on): (&str, Date),
    what: &str,
) -> Result<&'a Held<C>, Problem> {
    let holds = |date: Date| versions.iter().find(|version| version.valid.contains(date));
    let read = holds(today)
        .or_else(|| holds(on))
        .or(versions.last())
        .ok_or_else(|| Problem::not_found(what))?;
    if let Err(refused) = require_match(headers, &etag(read.version_id)) {
        match holds(on) {
            Some(version) => require_match(headers, &etag(version.version_id))?,
            None => return Err(refused),
        }
    }
    holds(on).ok_or_else(|| {
        Problem::invalid(field, format!("{what} is not registered for {on}"))
            .remedy("choose a day on which it is registered")
    })
}

/// The version of today, or the last there is, where it is the one that the client has read.
///
/// # Errors
/// Not found, 428 and 412 by `If-Match`.
pub fn version_in_force<'a, C>(
    versions: &'a [Held<C>],
    headers: &HeaderMap,
    today: Date,
    what: &str,
) -> Result<&'a Held<C>, Problem> {
    let held = versions
        .iter()
        .find(|version| version.valid.contains(today))
        .or(versions.last())
        .ok_or_else(|| Problem::not_found(what))?;
    require_match(headers, &etag(held.version_id))?;
    Ok(held)
}

/// The answer to a creation: the new object, its first version, and where it lies. It is kept in the transaction for
/// whoever sends the request again; the caller commits.
///
/// # Errors
/// The database's.
pub async fn answer_created(
    connection: &mut PgConnection,
    context: &Context,
    idempotency: &Idempotency,
    now: OffsetDateTime,
    location: &str,
    id: Uuid,
    version: Option<VersionId>,
) -> Result<Response, Problem> {
    let body = serde_json::json!(Created {
        id,
        version_id: version.map(|version| version.0)
    });
    let tag = version.map(etag).unwrap_or_default();
    idempotency
        .keep(connection, &context.actor, now, location, &tag, &body)
        .await?;
    Ok(answer(StatusCode::CREATED, Some(location), version, Json(body)))
}

/// The answer to an ending: what ended, and the first day on which it is no more.
pub fn answer_ended(id: Uuid, valid_to: Date, version: Option<VersionId>) -> Response {
    let body = serde_json::json!({"id": id, "valid_to": valid_to.to_string()});
    answer(StatusCode::OK, None, version, Json(body))
}

/// An answer with the version it speaks of and where it lies.
pub fn answer(
    status: StatusCode,
    location: Option<&str>,
    version: Option<VersionId>,
    body: impl IntoResponse,
) -> Response {
    let mut response = (status, body).into_response();
    if let Some(location) = location.and_then(|location| HeaderValue::from_str(location).ok()) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    if let Some(tag) = version.and_then(|version| HeaderValue::from_str(&etag(version)).ok()) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// The answer to a read: the body, or 304 where the client has this version already.
pub fn answer_read(headers: &HeaderMap, version: VersionId, body: impl Serialize) -> Response {
    let tag = etag(version);
    let seen = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let is_seen = seen.split(',').any(|seen| seen.trim().trim_start_matches("W/") == tag);
    let mut response = if is_seen {
        answer(StatusCode::NOT_MODIFIED, None, Some(version), ())
    } else {
        answer(StatusCode::OK, None, Some(version), Json(body))
    };
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
pub(crate) mod tests {
    use sqlx::PgPool;

    use crate::clock::Clock;
    use crate::ledger::{FirstBad, Sealer, SigningKey, TrustedKeys, Witness, snapshot, verify_log_and_versions};

    /// Seals the ledger of a test's database and holds every version row against it. Gives the number of rows, or the
    /// first that is wrong.
    pub(crate) async fn prove(pool: &PgPool) -> Result<usize, FirstBad> {
        let key = SigningKey::from_seed([7; 32]);
        let witness = Witness::from(TrustedKeys::new([key.public_key()]));
        Sealer::new(pool.clone(), key, Clock::System).seal_all().await.unwrap();
        let mut transaction = snapshot(pool).await.unwrap();
        let (_, mut expected) = verify_log_and_versions(&mut transaction, &witness).await.unwrap();
        let rows = expected.len();
        crate::commands::verify_versions(&mut transaction, &mut expected)
            .await
            .unwrap();
        expected
            .first_bad(&mut transaction)
            .await
            .unwrap()
            .map_or(Ok(rows), Err)
    }

    /// How many entries the ledger has.
    pub(crate) async fn entries(pool: &PgPool) -> i64 {
        sqlx::query_scalar("select count(*) from ledger_entry")
            .fetch_one(pool)
            .await
            .unwrap()
    }
}
