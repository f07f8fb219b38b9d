//! A check of everything: one rule after the other, with its progress, its record and its ledger entry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use time::{Date, OffsetDateTime};
use uuid::Uuid;

use super::rule::{Catalogue, Rule, catalogue};
use super::run::{RuleOutcome, Scope, run_rule};
use crate::clock::Clock;
use crate::database::Database;
use crate::ids::CheckId;
use crate::ledger::{Action, EntryId, NewEntry, Object, ObjectKind};
use crate::period::day;
use crate::request::{Actor, Fault};

/// How a check of everything ended, or how far it is.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Check {
    /// Its id.
    pub id: Uuid,
    /// Who asked for it.
    pub actor: String,
    /// The day whose state was looked at.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: OffsetDateTime,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<OffsetDateTime>,
    /// `running`, `done`, `failed` or `interrupted`.
    pub state: String,
    /// The rules that are run, in this order.
    pub rules: Vec<String>,
    /// What each that is through found.
    pub outcomes: BTreeMap<String, RuleOutcome>,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct CheckReport {
    #[serde(default)]
    rules: BTreeMap<String, RuleOutcome>,
}

/// Why a check was not begun.
#[derive(Debug, thiserror::Error)]
pub enum CheckRefused {
    /// One is running.
    #[error("a check of everything is running already")]
    Running,
    /// No such rule.
    #[error("no rule is called {0}")]
    UnknownRule(String),
    /// The system failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl From<sqlx::Error> for CheckRefused {
    fn from(source: sqlx::Error) -> Self {
        Self::Fault(source.into())
    }
}

/// A check that has been begun and waits to be carried out. It holds the lock that lets only one run at a time, on any
/// node.
pub struct BegunCheck {
    id: CheckId,
    catalogue: &'static Catalogue,
    rules: Vec<&'static Rule>,
    day: Date,
    actor: Actor,
    lock: PgConnection,
    report: CheckReport,
}

impl std::fmt::Debug for BegunCheck {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("BegunCheck")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Begins a check by these rules, or by all.
///
/// # Errors
/// Where one is running or a rule is unknown.
pub async fn begin_check(
    database: &Database,
    clock: &Clock,
    actor: &Actor,
    asked: Option<&[String]>,
) -> Result<BegunCheck, CheckRefused> {
    let catalogue = catalogue().map_err(Fault::from)?;
    let rules: Vec<&Rule> = match asked {
        None => catalogue.rules.values().filter(|rule| rule.is_run()).collect(),
        Some(asked) => asked
            .iter()
            .map(|id| {
                catalogue
                    .rules
                    .get(id)
                    .filter(|rule| rule.is_run())
                    .ok_or_else(|| CheckRefused::UnknownRule(id.clone()))
            })
            .collect::<Result<_, _>>()?,
    };
    let mut lock = database.connect_apart().await?;
    let is_free = sqlx::query_scalar!(r#"select pg_try_advisory_lock(hashtextextended('check', 29)) as "free!""#)
        .fetch_one(&mut lock)
        .await?;
    if !is_free {
        return Err(CheckRefused::Running);
    }
    // Whoever held the lock before is gone.
    sqlx::query!("update check_run set state = 'interrupted' where state = 'running'")
        .execute(database.pool())
        .await?;
    let id = CheckId::fresh();
    let day = clock.today();
    let names: Vec<String> = rules.iter().map(|rule| rule.id.clone()).collect();
    sqlx::query!(
        "insert into check_run (id, actor, day, started_at, state, rules) values ($1, $2, $3, $4, 'running', $5)",
        id.0,
        actor.0,
        day,
        clock.now(),
        &names,
    )
    .execute(database.pool())
    .await?;
    Ok(BegunCheck {
        id,
        catalogue,
        rules,
        day,
        actor: actor.clone(),
        lock,
        report: CheckReport::default(),
    })
}

impl BegunCheck {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> CheckId {
        self.id
    }

    /// How many rules it runs.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// Carries it out; `told` hears of each rule that is through. What the rules found stays even where a later one
    /// fails.
    ///
    /// # Errors
    /// The database's.
    pub async fn carry_out(
        mut self,
        database: &Database,
        clock: &Clock,
        told: impl Fn(&Rule, &RuleOutcome) + Send,
    ) -> Result<BTreeMap<String, RuleOutcome>, Fault> {
        let outcome = self.every_rule(database, clock, told).await;
        let state = if outcome.is_ok() { "done" } else { "failed" };
        let ended = self.end(database, clock, state).await;
        drop(self.lock);
        outcome.and(ended).map(|()| self.report.rules)
    }

    async fn every_rule(
        &mut self,
        database: &Database,
        clock: &Clock,
        told: impl Fn(&Rule, &RuleOutcome) + Send,
    ) -> Result<(), Fault> {
        for rule in self.rules.clone() {
            let at = (self.day, clock.now());
            let outcome = run_rule(database, self.catalogue, rule, at, &Scope::All).await?;
            told(rule, &outcome);
            self.report.rules.insert(rule.id.clone(), outcome);
            sqlx::query!(
                "update check_run set report = $2 where id = $1",
                self.id.0,
                self.report_json()?,
            )
            .execute(database.pool())
            .await?;
        }
        Ok(())
    }

    fn report_json(&self) -> Result<serde_json::Value, Fault> {
        serde_json::to_value(&self.report).map_err(|error| Fault::Impossible {
            what: error.to_string(),
        })
    }

    /// The record and the ledger entry, in one transaction.
    async fn end(&self, database: &Database, clock: &Clock, state: &str) -> Result<(), Fault> {
        let now = clock.now();
        let mut transaction = database.begin().await?;
        sqlx::query!(
            "update check_run set state = $2, finished_at = $3 where id = $1",
            self.id.0,
            state,
            now
        )
        .execute(&mut *transaction)
        .await?;
        let said =
            serde_json::json!({"day": self.day.to_string(), "state": state, "rules": self.report_json()?["rules"]});
        let after = serde_json::value::to_raw_value(&said).map_err(|error| Fault::Impossible {
            what: error.to_string(),
        })?;
        let entry = NewEntry {
            id: EntryId::fresh(),
            recorded_at: now,
            actor: &self.actor.0,
            action: Action::Create,
            object: Object {
                kind: ObjectKind::Check,
                id: self.id.0,
            },
            before: None,
            after: Some(&after),
            reason: None,
            case_id: None,
            import_id: None,
        };
        crate::ledger::append(&mut transaction, &entry).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// A check as it stands; the latest one where no id is given.
///
/// # Errors
/// The database's.
pub(super) async fn read_check(database: &Database, id: Option<Uuid>) -> Result<Option<Check>, Fault> {
    let row = sqlx::query!(
        "select id, actor, day, started_at, finished_at, state, rules, report from check_run
          where $1::uuid is null or id = $1
          order by started_at desc limit 1",
        id
    )
    .fetch_optional(database.pool())
    .await?;
    row.map(|row| {
        let report: CheckReport = serde_json::from_value(row.report).map_err(|error| Fault::Impossible {
            what: format!("the report of the check {} can't be read: {error}", row.id),
        })?;
        Ok(Check {
            id: row.id,
            actor: row.actor,
            day: row.day,
            started_at: row.started_at,
            finished_at: row.finished_at,
            state: row.state,
            rules: row.rules,
            outcomes: report.rules,
        })
    })
    .transpose()
}
