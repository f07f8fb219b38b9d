//! The database: the pool that works under the application's role, migrations, and what a broken constraint means.

pub mod cluster;
mod constraint;
mod copy;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgConnection, PgPool, Postgres, Transaction};

pub use constraint::refusal_of;
pub use copy::CopyRows;

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

/// The registry's database. Every connection works under `yice_app`, which may append to the ledger but not alter it.
#[derive(Debug, Clone)]
pub struct Database {
    pool: PgPool,
    /// What `yice.scope` says in the transactions begun here.
    scope: Option<Arc<str>>,
}

impl Database {
    /// Checks the server, brings the schema up to date as the owner, and opens the pool.
    ///
    /// # Errors
    /// [`DatabaseRefused`] says what is wrong and what to do.
    pub async fn open(options: PgConnectOptions) -> Result<Self, DatabaseRefused> {
        migrate(&options).await?;
        Self::connect(options).await
    }

    /// Opens the pool over a database that is up to date.
    ///
    /// # Errors
    /// Where it can't be reached.
    pub async fn connect(options: PgConnectOptions) -> Result<Self, DatabaseRefused> {
        let pool = PgPoolOptions::new()
            .max_connections(24)
            .acquire_timeout(Duration::from_secs(5))
            .after_connect(|connection, _| Box::pin(async move { take_role(connection).await }))
            .connect_with(options)
            .await
            .map_err(|error| DatabaseRefused::Unreachable {
                reason: error.to_string(),
            })?;
        Ok(Self::over(pool))
    }

    /// A pool that exists already, as tests have one.
    #[must_use]
    pub fn over(pool: PgPool) -> Self {
        Self { pool, scope: None }
    }

    /// The same database for a caller: every transaction begun here carries the scope in the setting `yice.scope`, which
    /// ends with it.
    #[must_use]
    pub fn scoped(&self, scope: String) -> Self {
        Self {
            pool: self.pool.clone(),
            scope: Some(scope.into()),
        }
    }

    /// The pool itself.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection outside the pool, for one statement that may last minutes: others don't wait for its place, and
    /// where it is given up the server is told by the end of the connection instead of reading the rest to nobody.
    ///
    /// # Errors
    /// The database's.
    pub async fn connect_apart(&self) -> sqlx::Result<PgConnection> {
        let options = (*self.pool.connect_options()).clone();
        // How long it lasts depends on who reads it, and says nothing of the statement.
        let mut connection = options.disable_statement_logging().connect().await?;
        take_role(&mut connection).await?;
        if let Some(scope) = &self.scope {
            sqlx::query("select set_config('yice.scope', $1, false)")
                .bind(&**scope)
                .execute(&mut connection)
                .await?;
        }
        Ok(connection)
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        self.carry_scope(self.pool.begin().await?).await
    }

    /// Begins a transaction in which every statement sees the same state.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_snapshot(&self) -> sqlx::Result<Transaction<'static, Postgres>> {
        let begun = self
            .pool
            .begin_with("begin isolation level repeatable read read only")
            .await?;
        self.carry_scope(begun).await
    }

    async fn carry_scope(
        &self,
        mut transaction: Transaction<'static, Postgres>,
    ) -> sqlx::Result<Transaction<'static, Postgres>> {
        if let Some(scope) = &self.scope {
            sqlx::query("select set_config('yice.scope', $1, true)")
                .bind(&**scope)
                .execute(&mut *transaction)
                .await?;
        }
        Ok(transaction)
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
    use sqlx::ConnectOptions;
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

/// Works as `yice_app` from here on.
///
/// # Errors
/// The database's.
pub async fn take_role(connection: &mut PgConnection) -> sqlx::Result<()> {
    connection.execute("set role yice_app; set time zone 'UTC'").await?;
    Ok(())
}
