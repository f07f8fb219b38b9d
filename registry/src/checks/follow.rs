//! Keeping the findings current: what changes is looked at again, by the rules that read it, soon after; and everything
//! at the turn of the day, because some of what is true begins and ends by the calendar.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::parameters::names_of;
use super::rule::catalogue;
use super::run::{Scope, run_rule};
use super::whole::{CheckRefused, begin_check};
use crate::clock::Clock;
use crate::database::Database;
use crate::ledger::{FollowedEntry, Follower, ObjectKind};
use crate::request::{Actor, Fault};

/// Where more changed than this, a rule looks at everything: that is quicker then.
const MANY: usize = 5_000;

/// Keeps the findings current until told to stop. Only one node does; the others wait for its place.
pub async fn keep_checked(database: Database, clock: Clock, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let followed = tokio::select! {
            () = stop.cancelled() => return,
            followed = follow(&database, &clock, &stop) => followed,
        };
        if let Err(error) = followed {
            tracing::warn!(error = ?error, "the findings can't be kept current; trying again in a few seconds");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(5)) => {}
        }
    }
}

async fn follow(database: &Database, clock: &Clock, stop: &CancellationToken) -> Result<(), Fault> {
    let mut lock = database.connect_apart().await?;
    let is_ours = sqlx::query_scalar!(r#"select pg_try_advisory_lock(hashtextextended('checks', 31)) as "ours!""#)
        .fetch_one(&mut lock)
        .await?;
    if !is_ours {
        return Ok(());
    }
    let mut position = position(database).await?;
    let mut follower = Follower::start(database.pool().clone(), position.unsigned_abs()).await?;
    while !stop.is_cancelled() {
        turn(database, clock).await?;
        let batch = tokio::select! {
            () = tokio::time::sleep(Duration::from_secs(30)) => continue,
            batch = follower.next_batch() => batch?,
        };
        let Some(last) = batch.last() else { continue };
        position = i64::try_from(last.seq).unwrap_or(i64::MAX);
        look_again(database, clock, &batch).await?;
        sqlx::query!("update check_position set seq = $1", position)
            .execute(database.pool())
            .await?;
    }
    Ok(())
}

/// Where the last follower stopped. Where none has been, everything that is there will be looked at as a whole.
async fn position(database: &Database) -> Result<i64, Fault> {
    let seq = sqlx::query_scalar!(
        r#"insert into check_position (seq) values (coalesce((select max(seq) from ledger_leaf), 0))
           on conflict (only_one) do update set seq = check_position.seq
           returning seq"#
    )
    .fetch_one(database.pool())
    .await?;
    Ok(seq)
}

/// Checks everything where that has not been done today.
async fn turn(database: &Database, clock: &Clock) -> Result<(), Fault> {
    let today = clock.today();
    let is_due = sqlx::query_scalar!(
        r#"select exists (select from check_position where day is distinct from $1)
              and (exists (select from spatial_unit) or exists (select from unit)) as "due!""#,
        today
    )
    .fetch_one(database.pool())
    .await?;
    if !is_due {
        return Ok(());
    }
    let actor = Actor("system:checks".to_owned());
    match begin_check(database, clock, &actor, None).await {
        Ok(check) => {
            let outcomes = check.carry_out(database, clock, |_, _| {}).await?;
            let found: u64 = outcomes.values().map(|outcome| outcome.found).sum();
            tracing::info!(found, "everything was checked by the rules");
        }
        // Somebody is at it: what they find is as good.
        Err(CheckRefused::Running) => return Ok(()),
        Err(CheckRefused::Fault(fault)) => return Err(fault),
        Err(refused @ CheckRefused::UnknownRule(_)) => {
            return Err(Fault::Impossible {
                what: refused.to_string(),
            });
        }
    }
    sqlx::query!("update check_position set day = $1", today)
        .execute(database.pool())
        .await?;
    Ok(())
}

/// Runs the rules that read what changed, each over what changed.
pub(super) async fn look_again(database: &Database, clock: &Clock, batch: &[FollowedEntry]) -> Result<(), Fault> {
    let mut changed: HashMap<ObjectKind, Vec<Uuid>> = HashMap::new();
    for entry in batch {
        if let Some(kind) = entry.object_kind {
            changed.entry(kind).or_default().push(entry.object_id);
        }
    }
    let catalogue = catalogue()?;
    // What a region compares with is another now: the rules that do so look at everything.
    let compared = match changed.get(&ObjectKind::RuleParameter) {
        Some(values) => names_of(&mut *database.pool().acquire().await?, values).await?,
        None => Vec::new(),
    };
    let mut scopes: BTreeMap<&str, Scope> = BTreeMap::new();
    for rule in catalogue.rules.values() {
        if rule.is_run() && rule.parameters.iter().any(|name| compared.contains(name)) {
            scopes.insert(&rule.id, Scope::All);
            continue;
        }
        let mut objects = Vec::new();
        let mut is_called = false;
        let mut is_narrow = true;
        for (kind, ids) in changed.iter().filter(|(kind, _)| rule.is_called_by(**kind)) {
            is_called = true;
            is_narrow &= rule.is_narrowed_by(*kind);
            objects.extend(ids);
        }
        if !is_called {
            continue;
        }
        objects.sort_unstable();
        objects.dedup();
        let scope = if is_narrow && objects.len() <= MANY {
            Scope::Objects(objects)
        } else {
            Scope::All
        };
        scopes.insert(&rule.id, scope);
    }
    for (id, scope) in scopes {
        if let Some(rule) = catalogue.rules.get(id) {
            run_rule(database, catalogue, rule, (clock.today(), clock.now()), &scope).await?;
        }
    }
    Ok(())
}
