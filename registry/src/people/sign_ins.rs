//! Who came in, who was refused and who left (登录日志): kept by nobody's leave to alter, and vouched for by the ledger in
//! batches, one entry each.
//!
//! What was typed as a name is kept only where it is an account's: people type passwords there. Under names that are nobody's
//! attempts are counted by network and quarter of an hour.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::Query;
use futures_util::TryStreamExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sqlx::PgConnection;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::accounts::{form_urlencoded, note_of};
use super::attempts::{WINDOW, network};
use crate::clock::Clock;
use crate::database::Database;
use crate::ids::PersonId;
use crate::ledger::{Action, Object, ObjectKind};
use crate::request::{Actor, Context, Cursor, OpenedBy, Page, PageQuery, Problem};

/// So often the ledger is told of what came meanwhile.
const BATCH_EVERY: Duration = Duration::from_secs(15 * 60);
/// So many networks are named for a quarter of an hour in which names that are nobody's were tried; the rest is one event.
const MOST_NETWORKS: usize = 100;
/// The longest batch, so that none is held in memory as a whole for long.
const LONGEST_BATCH: i64 = 10_000;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    /// Somebody came in.
    SignIn,
    /// Somebody was refused.
    Refused(Why),
    /// From now on nobody comes in under this name, or from this address, for a while.
    Locked(Why),
    /// Somebody left.
    SignOut,
}

/// Why somebody was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    WrongPassword,
    AccountDisabled,
    AccountUnknown,
    AccountLocked,
    AddressLocked,
}

impl Happened {
    fn words(self) -> (&'static str, Option<&'static str>) {
        let why = |why: Why| {
            Some(match why {
                Why::WrongPassword => "wrong_password",
                Why::AccountDisabled => "account_disabled",
                Why::AccountUnknown => "account_unknown",
                Why::AccountLocked => "account_locked",
                Why::AddressLocked => "address_locked",
            })
        };
        match self {
            Self::SignIn => ("sign_in", None),
            Self::Refused(reason) => ("refused", why(reason)),
            Self::Locked(reason) => ("locked", why(reason)),
            Self::SignOut => ("sign_out", None),
        }
    }
}

/// Of whom, how and from where.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Whose<'a> {
    pub(super) person: Option<Uuid>,
    pub(super) by: Option<OpenedBy>,
    /// Issuer and subject of somebody without an account here.
    pub(super) stranger: Option<(&'a str, &'a str)>,
    pub(super) address: Option<IpAddr>,
}

/// Writes down what happened, in the caller's transaction.
///
/// # Errors
/// The database's.
pub(super) async fn note_sign_in(
    connection: &mut PgConnection,
    happened: Happened,
    whose: Whose<'_>,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    let (kind, why) = happened.words();
    sqlx::query!(
        "insert into sign_in_event (id, happened_at, kind, why, person_id, username, by, issuer, subject, address)
         values ($1, $2, $3, $4, $5, (select username from person where id = $5), $6, $7, $8, $9)",
        Uuid::now_v7(),
        now,
        kind,
        why,
        whose.person,
        whose.by.map(OpenedBy::as_str),
        whose.stranger.map(|(issuer, _)| issuer),
        whose.stranger.map(|(_, subject)| subject),
        network(whose.address),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts an attempt under a name that is nobody's.
///
/// # Errors
/// The database's.
pub(super) async fn count_unknown_name(
    connection: &mut PgConnection,
    address: Option<IpAddr>,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    let length_s = WINDOW.whole_seconds();
    let begun_s = now.unix_timestamp().div_euclid(length_s) * length_s;
    let period = OffsetDateTime::from_unix_timestamp(begun_s).unwrap_or(now);
    sqlx::query!(
        "insert into unknown_name_attempt as a (address, period, attempts) values ($1, $2, 1)
         on conflict (address, period) do update set attempts = least(a.attempts, 1000000000) + 1",
        network(address),
        period,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One event as it is digested: everything that is kept of it.
#[derive(Debug, sqlx::FromRow)]
struct Stored {
    id: Uuid,
    happened_at: OffsetDateTime,
    kind: String,
    why: Option<String>,
    person_id: Option<Uuid>,
    username: Option<String>,
    by: Option<String>,
    issuer: Option<String>,
    subject: Option<String>,
    address: Option<String>,
    attempts: i32,
}

impl Stored {
    /// One line of JSON, whose fields stand in this order for good.
    fn line(&self) -> String {
        let mut line = serde_json::json!([
            self.id,
            i64::try_from(self.happened_at.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX),
            self.kind,
            self.why,
            self.person_id,
            self.username,
            self.by,
            self.issuer,
            self.subject,
            self.address,
            self.attempts,
        ])
        .to_string();
        line.push('\n');
        line
    }
}

/// Digests the events of a batch in the order of their ids.
async fn digest_of(connection: &mut PgConnection, batch: Uuid) -> Result<(i64, String), sqlx::Error> {
    let mut rows = sqlx::query_as!(
        Stored,
        "select id, happened_at, kind, why, person_id, username, by, issuer, subject, address, attempts
           from sign_in_event where batch_id = $1 order by id",
        batch,
    )
    .fetch(connection);
    let (mut events, mut digest) = (0, Sha256::new());
    while let Some(row) = rows.try_next().await? {
        digest.update(row.line().as_bytes());
        events += 1;
    }
    Ok((events, hex::encode(digest.finalize())))
}

/// Attempts from a network, or from several, in a quarter of an hour.
#[derive(Debug, PartialEq, Eq)]
struct Counted {
    /// None of several.
    address: Option<String>,
    period: OffsetDateTime,
    attempts: i32,
}

/// Adds up those beyond the most that are named of each quarter of an hour. They come by period, the most attempts first.
fn named(counted: Vec<Counted>) -> Vec<Counted> {
    let mut named: Vec<Counted> = Vec::new();
    let mut of_period = 0;
    for one in counted {
        match named.last_mut() {
            Some(last) if last.period == one.period && of_period >= MOST_NETWORKS => {
                if of_period == MOST_NETWORKS {
                    of_period += 1;
                    named.push(Counted { address: None, ..one });
                } else {
                    last.attempts = last.attempts.saturating_add(one.attempts);
                }
            }
            last => {
                of_period = if last.is_some_and(|last| last.period == one.period) {
                    of_period + 1
                } else {
                    1
                };
                named.push(one);
            }
        }
    }
    named
}

/// Takes what came since the last batch into one, and lets the ledger vouch for it. Gives how many events; none where
/// nothing came.
///
/// # Errors
/// The database's.
pub async fn vouch_for_sign_ins(database: &Database, clock: &Clock) -> Result<i64, Problem> {
    let now = clock.now();
    let mut transaction = database.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('sign-ins', 47))")
        .execute(&mut *transaction)
        .await?;
    let mut over = sqlx::query_as!(
        Counted,
        r#"delete from unknown_name_attempt where period <= $1 returning address as "address?", period, attempts"#,
        now - WINDOW,
    )
    .fetch_all(&mut *transaction)
    .await?;
    over.sort_unstable_by_key(|counted| (counted.period, -counted.attempts));
    for counted in named(over) {
        sqlx::query!(
            "insert into sign_in_event (id, happened_at, kind, by, address, attempts)
             values ($1, $2, 'unknown_names', 'password', $3, $4)",
            Uuid::now_v7(),
            counted.period,
            counted.address,
            counted.attempts,
        )
        .execute(&mut *transaction)
        .await?;
    }
    let batch = Uuid::now_v7();
    sqlx::query!(
        "update sign_in_event set batch_id = $1
          where id = any(array(select id from sign_in_event where batch_id is null order by id limit $2))",
        batch,
        LONGEST_BATCH,
    )
    .execute(&mut *transaction)
    .await?;
    let (events, sha256) = digest_of(&mut transaction, batch).await?;
    if events == 0 {
        return Ok(0);
    }
    let after = serde_json::json!({"events": events, "sha256": sha256});
    let object = Object {
        kind: ObjectKind::SignInBatch,
        id: batch,
    };
    let actor = Actor("system:sign-ins".to_owned());
    note_of(
        &mut transaction,
        &actor,
        Action::SignIn,
        object,
        now,
        [None, Some(&after)],
        None,
    )
    .await?;
    transaction.commit().await?;
    Ok(events)
}

/// Vouches every quarter of an hour for what came.
pub async fn keep_vouching_for_sign_ins(database: Database, clock: Clock, stop: CancellationToken) {
    loop {
        match vouch_for_sign_ins(&database, &clock).await {
            // There is more than fits into one.
            Ok(LONGEST_BATCH) => continue,
            Ok(_) => {}
            Err(problem) => {
                tracing::warn!(detail = %problem.detail, "sign-ins wait for the ledger; trying again later")
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(BATCH_EVERY) => {}
        }
    }
}

/// What was found of the batches of sign-ins.
#[derive(Debug, PartialEq, Eq)]
pub struct SignInsVerified {
    /// Events that the ledger vouches for.
    pub events: i64,
    /// Events that wait for it.
    pub pending: i64,
    /// Batches that are not what the ledger vouches for, each with why.
    pub bad: Vec<String>,
}

/// Holds every batch against its entry of the ledger.
///
/// # Errors
/// The database's.
pub async fn verify_sign_ins(database: &Database) -> Result<SignInsVerified, Problem> {
    let mut snapshot = database.begin_snapshot().await?;
    let batches = sqlx::query!(
        r#"select object_id, (after ->> 'events')::bigint as "events", after ->> 'sha256' as "sha256"
             from ledger_entry where object_kind = 'sign_in_batch' order by id"#,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    let mut verified = SignInsVerified {
        events: 0,
        pending: 0,
        bad: Vec::new(),
    };
    for batch in &batches {
        let (events, sha256) = digest_of(&mut snapshot, batch.object_id).await?;
        verified.events += events;
        if batch.events != Some(events) || batch.sha256.as_deref() != Some(sha256.as_str()) {
            let mut why = format!("the batch {} of sign-ins", batch.object_id);
            let _ = write!(
                why,
                " is not what the ledger vouches for: {events} events with the digest {sha256}"
            );
            verified.bad.push(why);
        }
    }
    let known: Vec<Uuid> = batches.iter().map(|batch| batch.object_id).collect();
    let stray = sqlx::query_scalar!(
        r#"select count(*) as "count!" from sign_in_event where batch_id is not null and batch_id <> all($1)"#,
        &known,
    )
    .fetch_one(&mut *snapshot)
    .await?;
    if stray > 0 {
        verified.bad.push(format!(
            "{stray} sign-ins say that they are in a batch that the ledger doesn't know"
        ));
    }
    verified.pending = sqlx::query_scalar!(r#"select count(*) as "count!" from sign_in_event where batch_id is null"#)
        .fetch_one(&mut *snapshot)
        .await?;
    Ok(verified)
}

/// What happened at the door.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct SignInEvent {
    id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    happened_at: OffsetDateTime,
    /// `sign_in`, `refused`, `locked`, `unknown_names` or `sign_out`.
    kind: String,
    /// Why somebody was refused: `wrong_password`, `account_disabled`, `account_unknown`, `account_locked`,
    /// `address_locked`.
    why: Option<String>,
    /// The account; none where the name was nobody's.
    person_id: Option<PersonId>,
    username: Option<String>,
    /// `password` or `identity`.
    by: Option<String>,
    /// Who came from the provider and has no account here: what an administrator links.
    subject: Option<String>,
    /// From where; of IPv6 the network. None of several networks together.
    address: Option<String>,
    /// How many it stands for: attempts under names that are nobody's are counted together.
    attempts: i32,
    /// The ledger vouches for it already.
    is_vouched_for: bool,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct SignInsQuery {
    /// Only of this account.
    username: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

async fn events(
    context: &Context,
    person: Option<Uuid>,
    username: Option<&str>,
    before: Option<(OffsetDateTime, Uuid)>,
    limit: i64,
) -> Result<Vec<SignInEvent>, Problem> {
    let mut snapshot = context.database.begin_snapshot().await?;
    let rows = sqlx::query!(
        r#"select id, happened_at, kind, why, person_id, username, by, subject, address, attempts,
                  batch_id is not null as "is_vouched_for!"
             from sign_in_event
            where ($1::uuid is null or person_id = $1)
              and ($2::text is null or person_id = (select p.id from person p where p.username = $2))
              and ($3::timestamptz is null or (happened_at, id) < ($3, $4))
            order by happened_at desc, id desc
            limit $5"#,
        person,
        username,
        before.map(|(happened_at, _)| happened_at),
        before.map(|(_, id)| id),
        limit,
    )
    .fetch_all(&mut *snapshot)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SignInEvent {
            id: row.id,
            happened_at: row.happened_at,
            kind: row.kind,
            why: row.why,
            person_id: row.person_id.map(PersonId),
            username: row.username,
            by: row.by,
            subject: row.subject,
            address: row.address,
            attempts: row.attempts,
            is_vouched_for: row.is_vouched_for,
        })
        .collect())
}

/// Who came in, who was refused and who left, the latest first. That a password was changed and that a token was made or
/// revoked stands in the ledger.
#[utoipa::path(get, path = "/api/v1/sign-ins", operation_id = "list_sign_ins", tag = "people", params(SignInsQuery),
    responses((status = 200, body = Page<SignInEvent>), (status = 400, body = Problem)))]
pub(super) async fn list_sign_ins(
    context: Context,
    query: Result<Query<SignInsQuery>, axum::extract::rejection::QueryRejection>,
) -> Result<Json<Page<SignInEvent>>, Problem> {
    let Query(query) = query.map_err(|error| Problem::bad("query", error.body_text()))?;
    let limit = PageQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    let asked = format!("sign-ins {:?}", query.username);
    let before: Option<(OffsetDateTime, Uuid)> = query
        .cursor
        .as_deref()
        .map(|cursor| Cursor::decode(cursor, &asked))
        .transpose()?;
    let mut items = events(&context, None, query.username.as_deref(), before, i64::from(limit) + 1).await?;
    let more = items.len() > limit as usize;
    items.truncate(limit as usize);
    let next = items.last().filter(|_| more).map(|last| {
        let cursor = Cursor::new(&asked, (last.happened_at, last.id)).encode();
        let limit = limit.to_string();
        let mut pairs = vec![("limit", limit.as_str()), ("cursor", cursor.as_str())];
        pairs.extend(query.username.as_deref().map(|username| ("username", username)));
        format!("/api/v1/sign-ins?{}", form_urlencoded(&pairs))
    });
    Ok(Json(Page {
        items,
        next,
        total: None,
    }))
}

/// One's own last twenty sign-ins, refusals and sign-outs, the latest first: what isn't one's own is somebody else's.
#[utoipa::path(get, path = "/api/v1/session/sign-ins", operation_id = "list_own_sign_ins", tag = "session",
    responses((status = 200, body = Vec<SignInEvent>)))]
pub(super) async fn list_own_sign_ins(context: Context) -> Result<Json<Vec<SignInEvent>>, Problem> {
    Ok(Json(
        events(&context, Some(context.caller.person_id.0), None, None, 20).await?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_networks_are_named_and_the_rest_is_one() {
        let of = |period: i64, address: usize, attempts: i32| Counted {
            address: Some(format!("10.0.{period}.{address}")),
            period: OffsetDateTime::UNIX_EPOCH + time::Duration::minutes(15 * period),
            attempts,
        };
        let mut counted: Vec<Counted> = (0..MOST_NETWORKS).map(|address| of(0, address, 9)).collect();
        counted.extend((0..5).map(|address| of(0, MOST_NETWORKS + address, 2)));
        counted.extend((0..3).map(|address| of(1, address, 7)));
        let attempts = |counted: &[Counted]| counted.iter().map(|one| one.attempts).sum::<i32>();
        let all = attempts(&counted);
        let told = named(counted);
        assert_eq!((told.len(), attempts(&told)), (MOST_NETWORKS + 1 + 3, all));
        let rest: Vec<&Counted> = told.iter().filter(|one| one.address.is_none()).collect();
        assert_eq!(rest.len(), 1);
        assert_eq!((rest[0].attempts, rest[0].period), (10, OffsetDateTime::UNIX_EPOCH));
        assert!(told[MOST_NETWORKS + 1..].iter().all(|one| one.attempts == 7));
        assert_eq!(named(Vec::new()), Vec::new());
    }
}
