//! The database: the pool that works under the application's role, migrations, and what a broken constraint means.

pub mod cluster;
mod constraint;
mod copy;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgConnection, PgPool, Postgres, Transaction};
use tracing::Instrument;

pub use constraint::refusal_of;
pub use copy::{CopyRole, CopyRows};

/// Every migration, in order.
pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// The oldest PostgreSQL and PostGIS that are known to work.
const OLDEST_POSTGRESQL: i32 = 150_000;

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseRefused {
    /// The address is no PostgreSQL URL.
    #[error("DATABASE_URL is no PostgreSQL address ({reason}); write it as postgres://user:password@host:5432/name")]
    Address {
        /// What is wrong with it.
        reason: String,
    },
    /// No connection.
    #[error("the database can't be reached ({reason}); check that it runs and that DATABASE_URL is right")]
    Unreachable {
        /// What the driver said.
        reason: String,
    },
    /// Too old.
    #[error("the database is PostgreSQL {found}; version 15 or newer is needed")]
    TooOld {
        /// Its version.
        found: String,
    },
    /// No PostGIS.
    #[error(
        "PostGIS is not installed on the database server; install it there (Debian: apt-get install postgresql-15-postgis-3)"
    )]
    NoPostgis,
    /// A migration failed.
    #[error("the database could not be brought up to date")]
    Migration {
        /// What failed.
        #[source]
        source: sqlx::migrate::MigrateError,
    },
    /// Any other failure.
    #[error("the database failed")]
    Database {
        /// What it said.
        #[from]
        source: sqlx::Error,
    },
}

/// The registry's database, as what works without a caller sees it: the sealer, the followers, the loader, checks,
/// commands, an import once it was let in. Every connection works under a role that may append to the ledger but not alter
/// it. Whoever acts for somebody takes a [`ScopedDatabase`] from it.
#[derive(Debug, Clone)]
pub struct Database {
    /// Under `yice_system`, whose setting `yice.scope` says so.
    system: PgPool,
    /// Under `yice_app`, which the policies of the tables bind: without a scope it sees no rows.
    callers: PgPool,
}

/// The setting `yice.scope` of what works without a caller.
const SYSTEM_SCOPE: &str = r#"{"system": true}"#;

impl Database {
    /// Checks the server, brings the schema up to date as the owner, and opens the pools.
    ///
    /// # Errors
    /// [`DatabaseRefused`] says what is wrong and what to do.
    pub async fn open(options: PgConnectOptions) -> Result<Self, DatabaseRefused> {
        migrate(&options).await?;
        Self::connect(options).await
    }

    /// Opens the pools over a database that is up to date.
    ///
    /// # Errors
    /// Where it can't be reached.
    pub async fn connect(options: PgConnectOptions) -> Result<Self, DatabaseRefused> {
        let settings = || PgPoolOptions::new().acquire_timeout(Duration::from_secs(5));
        let system = settings()
            .max_connections(12)
            .after_connect(|connection, _| Box::pin(async move { take_system_role(connection).await }))
            .connect_with(options.clone())
            .await
            .map_err(|error| DatabaseRefused::Unreachable {
                reason: error.to_string(),
            })?;
        let callers = settings()
            .max_connections(24)
            .after_connect(|connection, _| Box::pin(async move { take_role(connection).await }))
            .connect_lazy_with(options);
        Ok(Self { system, callers })
    }

    /// The same database for a caller: every transaction begun there carries their scope in the setting `yice.scope`,
    /// which ends with it. `reads_all`: nothing is out of their sight, and the policies needn't be asked.
    #[must_use]
    pub fn scoped(&self, setting: String, reads_all: bool) -> ScopedDatabase {
        ScopedDatabase {
            database: self.clone(),
            setting: setting.into(),
            role: if reads_all { SYSTEM_ROLE } else { CALLER_ROLE },
        }
    }

    /// The same database for something that is done for nobody, where a caller's would be taken.
    #[must_use]
    pub fn unscoped(&self) -> ScopedDatabase {
        self.scoped(SYSTEM_SCOPE.to_owned(), true)
    }

    /// The pool of what works without a caller.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.system
    }

    /// Ends every connection.
    pub async fn close(&self) {
        self.callers.close().await;
        self.system.close().await;
    }

    /// A connection outside the pool, for one statement that may last minutes: others don't wait for its place, and
    /// where it is given up the server is told by the end of the connection instead of reading the rest to nobody.
    ///
    /// # Errors
    /// The database's.
    pub async fn connect_apart(&self) -> sqlx::Result<PgConnection> {
        let options = (*self.system.connect_options()).clone();
        // How long it lasts depends on who reads it, and says nothing of the statement.
        let mut connection = options.disable_statement_logging().connect().await?;
        take_system_role(&mut connection).await?;
        Ok(connection)
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        begin_whole(&self.system, None).await
    }

    /// Begins a transaction in which every statement sees the same state.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_snapshot(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        begin_whole(&self.system, Some(SNAPSHOT)).await
    }
}

/// Begins a transaction to its end, though whoever asked may be gone by then. A `begin` that is dropped half-way stays open
/// on its connection, since sqlx rolls back what it has counted and nothing else; whoever took the connection next would
/// read what was long ago, and could write nothing.
async fn begin_whole(pool: &PgPool, statement: Option<&'static str>) -> sqlx::Result<Transaction<'static, Postgres>> {
    let pool = pool.clone();
    let begun = async move {
        match statement {
            None => pool.begin().await,
            Some(statement) => pool.begin_with(statement).await,
        }
    };
    tokio::spawn(begun.in_current_span())
        .await
        .map_err(|_ended| sqlx::Error::WorkerCrashed)?
}

const SNAPSHOT: &str = "begin isolation level repeatable read read only";
const CALLER_ROLE: &str = "yice_app";
const SYSTEM_ROLE: &str = "yice_system";

/// The database as one caller sees it. It has no pool: what is read or written for somebody is read or written in a
/// transaction that says for whom.
#[derive(Debug, Clone)]
pub struct ScopedDatabase {
    database: Database,
    setting: Arc<str>,
    role: &'static str,
}

impl ScopedDatabase {
    /// The database without the caller, for work that was let in and is nobody's any more.
    #[must_use]
    pub fn system(&self) -> &Database {
        &self.database
    }

    /// A connection outside the pool, as [`Database::connect_apart`], that carries the scope as long as it lasts.
    ///
    /// # Errors
    /// The database's.
    pub async fn connect_apart(&self) -> sqlx::Result<PgConnection> {
        let mut connection = self.database.connect_apart().await?;
        self.carry_scope(&mut connection, false).await?;
        Ok(connection)
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        let mut transaction = begin_whole(&self.database.callers, None).await?;
        self.carry_scope(&mut transaction, true).await?;
        Ok(transaction)
    }

    /// Begins a transaction in which every statement sees the same state.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_snapshot(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        let mut transaction = begin_whole(&self.database.callers, Some(SNAPSHOT)).await?;
        self.carry_scope(&mut transaction, true).await?;
        Ok(transaction)
    }

    async fn carry_scope(&self, connection: &mut PgConnection, in_transaction: bool) -> sqlx::Result<()> {
        sqlx::query("select set_config('role', $1, $3), set_config('yice.scope', $2, $3)")
            .bind(self.role)
            .bind(&*self.setting)
            .bind(in_transaction)
            .execute(connection)
            .await?;
        Ok(())
    }
}

/// Parses a database URL.
///
/// # Errors
/// Where it is none.
pub fn connect_options(url: &str) -> Result<PgConnectOptions, DatabaseRefused> {
    PgConnectOptions::from_str(url).map_err(|error| DatabaseRefused::Address {
        reason: error.to_string(),
    })
}

/// Brings the schema up to date, as the database's owner.
///
/// # Errors
/// [`DatabaseRefused`] says what is wrong and what to do.
pub async fn migrate(options: &PgConnectOptions) -> Result<(), DatabaseRefused> {
    let mut connection = options.connect().await.map_err(|error| DatabaseRefused::Unreachable {
        reason: error.to_string(),
    })?;
    let (number, text): (i32, String) =
        sqlx::query_as("select current_setting('server_version_num')::integer, current_setting('server_version')")
            .fetch_one(&mut connection)
            .await?;
    if number < OLDEST_POSTGRESQL {
        return Err(DatabaseRefused::TooOld { found: text });
    }
    let (postgis,): (bool,) =
        sqlx::query_as("select exists (select from pg_available_extensions where name = 'postgis')")
            .fetch_one(&mut connection)
            .await?;
    if !postgis {
        return Err(DatabaseRefused::NoPostgis);
    }
    MIGRATIONS
        .run(&mut connection)
        .await
        .map_err(|source| DatabaseRefused::Migration { source })?;
    Ok(())
}

/// Works as `yice_app` from here on: bound by the policies, and without a scope blind.
///
/// # Errors
/// The database's.
pub async fn take_role(connection: &mut PgConnection) -> sqlx::Result<()> {
    connection.execute("set role yice_app; set time zone 'UTC'").await?;
    Ok(())
}

/// Works as `yice_system` from here on, for nobody: the one place where something says of itself that it has no caller.
///
/// # Errors
/// The database's.
pub async fn take_system_role(connection: &mut PgConnection) -> sqlx::Result<()> {
    connection.execute("set role yice_system; set time zone 'UTC'").await?;
    sqlx::query("select set_config('yice.scope', $1, false)")
        .bind(SYSTEM_SCOPE)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    /// Who asks may go away at any moment: what they began must not be there for whoever comes next.
    #[sqlx::test(migrations = "../migrations")]
    async fn a_beginning_that_is_given_up_leaves_no_transaction_open(pool: PgPool) {
        let database = Database::connect((*pool.connect_options()).clone()).await.unwrap();
        let scoped = database.unscoped();
        drop(scoped.begin().await.unwrap());
        for steps in 1..=8 {
            {
                let mut begun = pin!(scoped.begin_snapshot());
                for _ in 0..steps {
                    // What the step before asked for has been answered by then.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    if begun.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
                        break;
                    }
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            let mut next = scoped.begin().await.unwrap();
            let read_only: String = sqlx::query_scalar("show transaction_read_only")
                .fetch_one(&mut *next)
                .await
                .unwrap();
            assert_eq!(read_only, "off", "given up after {steps} steps");
        }
    }
}
