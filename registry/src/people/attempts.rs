//! Attempts to sign in are counted in the database, since several processes may answer: by account and by address, in
//! windows of a quarter of an hour. A name that nobody has is counted like one that somebody has.

use std::net::IpAddr;

use sqlx::PgConnection;
use time::{Duration, OffsetDateTime};

use super::secret::sha256;
use super::sign_ins::{Happened, Whose, Why, note_sign_in};
use crate::request::{Problem, ProblemKind};

/// Attempts at one account in a window.
const MOST_OF_AN_ACCOUNT: i32 = 5;
/// Attempts from one address in a window: an office may share one.
const MOST_OF_AN_ADDRESS: i32 = 50;
/// Sign-ins through the provider that one address may begin in a window.
const MOST_BEGUN: i32 = 200;
pub(super) const WINDOW: Duration = Duration::minutes(15);

fn account_key(username: &str) -> [u8; 32] {
    sha256(username)
}

/// An address as it is counted. Of IPv6 the network: its owner has all the addresses in it.
pub(super) fn network(address: Option<IpAddr>) -> String {
    match address {
        None => "unknown".to_owned(),
        Some(IpAddr::V6(address)) if address.to_ipv4_mapped().is_none() => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        Some(address) => address.to_canonical().to_string(),
    }
}

fn address_key(address: Option<IpAddr>) -> [u8; 32] {
    sha256(&network(address))
}

async fn count(
    connection: &mut PgConnection,
    kind: &str,
    key: &[u8],
    now: OffsetDateTime,
) -> Result<(i32, OffsetDateTime), Problem> {
    let row = sqlx::query!(
        "insert into sign_in_attempt as a (kind, key, failures, since)
         values ($1, $2, 1, $3)
         on conflict (kind, key) do update
            set failures = case when a.since <= $4 then 1 else least(a.failures, 1000000) + 1 end,
                since = case when a.since <= $4 then $3 else a.since end
         returning failures, since",
        kind,
        key,
        now,
        now - WINDOW,
    )
    .fetch_one(connection)
    .await?;
    Ok((row.failures, row.since))
}

fn refuse(code: &str, words: &str, since: OffsetDateTime, now: OffsetDateTime) -> Problem {
    let wait_s = (since + WINDOW - now).whole_seconds().max(1).unsigned_abs();
    Problem::new(ProblemKind::TooManyAttempts, words)
        .code(code)
        .retry_after_s(wait_s)
        .remedy(format!(
            "wait {} min and try again; an administrator can set a new password, which opens the account at once",
            wait_s.div_ceil(60)
        ))
}

/// Counts an attempt before it is judged, so that attempts at the same moment are counted too.
///
/// # Errors
/// A problem where there were too many; the count stands all the same.
pub(super) async fn reserve(
    connection: &mut PgConnection,
    username: &str,
    address: Option<IpAddr>,
    now: OffsetDateTime,
) -> Result<Result<(), Problem>, Problem> {
    // The address first: from one that is refused no more names are written down.
    let (failures, since) = count(&mut *connection, "address", &address_key(address), now).await?;
    if failures > MOST_OF_AN_ADDRESS {
        if failures == MOST_OF_AN_ADDRESS + 1 {
            let from = Whose {
                address,
                ..Whose::default()
            };
            note_sign_in(connection, Happened::Locked(Why::AddressLocked), from, now).await?;
        }
        return Ok(Err(refuse(
            "address_locked",
            "there were too many attempts to sign in from this address",
            since,
            now,
        )));
    }
    let (failures, since) = count(&mut *connection, "account", &account_key(username), now).await?;
    if failures > MOST_OF_AN_ACCOUNT {
        if failures == MOST_OF_AN_ACCOUNT + 1 {
            note_locked(connection, username, address, now).await?;
        }
        return Ok(Err(refuse(
            "account_locked",
            "there were too many attempts to sign in under this name",
            since,
            now,
        )));
    }
    Ok(Ok(()))
}

/// Writes down that an account is locked; a name that is nobody's is not kept.
async fn note_locked(
    connection: &mut PgConnection,
    username: &str,
    address: Option<IpAddr>,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    let person = sqlx::query_scalar!("select id from person where username = $1", username)
        .fetch_optional(&mut *connection)
        .await?;
    if person.is_none() {
        return Ok(());
    }
    let whose = Whose {
        person,
        address,
        ..Whose::default()
    };
    note_sign_in(connection, Happened::Locked(Why::AccountLocked), whose, now).await
}

/// Counts a sign-in that is begun through the provider; nobody fills the table of those under way.
///
/// # Errors
/// A problem where there were too many; the count stands all the same.
pub(super) async fn count_begun(
    connection: &mut PgConnection,
    address: Option<IpAddr>,
    now: OffsetDateTime,
) -> Result<Result<(), Problem>, Problem> {
    let (begun, since) = count(connection, "begun", &address_key(address), now).await?;
    if begun > MOST_BEGUN {
        return Ok(Err(refuse(
            "address_locked",
            "too many sign-ins were begun from this address",
            since,
            now,
        )));
    }
    Ok(Ok(()))
}

/// Takes back what was counted of somebody who knew the password, and forgets what is long past.
pub(super) async fn forgive(
    connection: &mut PgConnection,
    username: &str,
    address: Option<IpAddr>,
    now: OffsetDateTime,
) -> Result<(), Problem> {
    sqlx::query!(
        "update sign_in_attempt set failures = failures - 1 where kind = 'address' and key = $1 and failures > 0",
        &address_key(address)[..],
    )
    .execute(&mut *connection)
    .await?;
    open(connection, username).await?;
    sqlx::query!(
        "delete from sign_in_attempt a
          where a.ctid = any(array(
                select ctid from sign_in_attempt where since < $1 limit 1000 for update skip locked))",
        now - Duration::days(1),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Opens an account that is locked.
pub(super) async fn open(connection: &mut PgConnection, username: &str) -> Result<(), Problem> {
    sqlx::query!(
        "delete from sign_in_attempt where kind = 'account' and key = $1",
        &account_key(username)[..],
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Until when an account is locked, where it is.
pub(super) async fn locked_until(
    connection: &mut PgConnection,
    usernames: &[String],
    now: OffsetDateTime,
) -> Result<Vec<Option<OffsetDateTime>>, Problem> {
    let keys: Vec<Vec<u8>> = usernames.iter().map(|name| account_key(name).to_vec()).collect();
    let rows = sqlx::query!(
        "select key, since from sign_in_attempt
          where kind = 'account' and key = any($1) and failures >= $2 and since > $3",
        &keys,
        MOST_OF_AN_ACCOUNT,
        now - WINDOW,
    )
    .fetch_all(connection)
    .await?;
    Ok(keys
        .iter()
        .map(|key| rows.iter().find(|row| row.key == *key).map(|row| row.since + WINDOW))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::address_key;

    #[test]
    fn an_address_is_counted_as_its_network() {
        let key = |text: &str| address_key(Some(text.parse().unwrap()));
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_eq!(key("::ffff:10.0.0.1"), key("10.0.0.1"));
        assert_ne!(key("10.0.0.1"), key("10.0.0.2"));
    }
}
