//! Accounts of the demo: one for each role, with a password that the program prints for everybody to read.

use super::accounts::insert_account;
use super::permissions::Role;
use super::{GrantOrder, grant};
use crate::clock::Clock;
use crate::database::Database;
use crate::request::{Actor, Problem};

/// The password of every account of the demo.
pub const DEMO_PASSWORD: &str = "look-around-2026";

fn username(role: Role) -> String {
    format!("demo-{}", role.as_str().replace('_', "-"))
}

/// The accounts of the demo, made where they aren't there yet. None where the registry isn't the demo: it holds objects
/// of other data sets than `datasets`, or somebody has an account of their own.
///
/// # Errors
/// The database's.
pub async fn demo_accounts(
    database: &Database,
    clock: &Clock,
    datasets: &[String],
) -> Result<Option<Vec<(String, Role)>>, Problem> {
    let mut transaction = database.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('demo accounts', 23))")
        .execute(&mut *transaction)
        .await?;
    let accounts: Vec<(String, Role)> = Role::ALL.iter().map(|role| (username(*role), *role)).collect();
    let held = sqlx::query!(
        r#"select exists (select from person where is_demo) as "demo!",
                  exists (select from person where not is_demo)
                  or exists (select from spatial_unit where dataset is null or dataset <> all ($1)) as "other!""#,
        datasets,
    )
    .fetch_one(&mut *transaction)
    .await?;
    if held.demo {
        let active = sqlx::query_scalar!("select username from person where is_demo and state = 'active'")
            .fetch_all(&mut *transaction)
            .await?;
        let there = accounts.into_iter().filter(|(username, _)| active.contains(username));
        return Ok(Some(there.collect()));
    }
    if held.other {
        return Ok(None);
    }
    let actor = Actor("system:demo".to_owned());
    // One hash for all: the password is no secret.
    let hash = super::password::hash_now(DEMO_PASSWORD)?;
    for (username, role) in &accounts {
        let name = format!("演示·{}", role.zh());
        let now = clock.now();
        let made = insert_account(&mut transaction, &actor, username, &name, Some(&hash), false, true, now).await?;
        let order = GrantOrder::whole(*role);
        grant(&mut transaction, &actor, None, made.id, &order, clock).await?;
    }
    transaction.commit().await?;
    Ok(Some(accounts))
}

/// How many accounts of the demo are open.
///
/// # Errors
/// The database's.
pub async fn active_demo_accounts(database: &Database) -> Result<i64, Problem> {
    Ok(
        sqlx::query_scalar!(r#"select count(*) as "count!" from person where is_demo and state = 'active'"#)
            .fetch_one(database.pool())
            .await?,
    )
}
