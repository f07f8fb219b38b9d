//! The database a command works on: the embedded one, or the one that `DATABASE_URL` names.

use std::path::PathBuf;

use sqlx::postgres::PgConnectOptions;

use super::CommandFailed;
use crate::database::cluster::{ClusterOptions, ClusterRefused, EmbeddedCluster, JoinedCluster};
use crate::database::{Database, DatabaseRefused, connect_options};
use crate::ledger::SigningKey;
use crate::settings::Settings;

/// A database that is open, and the cluster that must be stopped afterwards.
pub(super) struct Store {
    pub database: Database,
    pub options: PgConnectOptions,
    pub cluster: Option<EmbeddedCluster>,
    _joined: Option<JoinedCluster>,
}

impl From<ClusterRefused> for CommandFailed {
    fn from(refused: ClusterRefused) -> Self {
        Self::System {
            words: super::chain(&refused),
            remedy: Some(refused.remedy()),
        }
    }
}

impl From<DatabaseRefused> for CommandFailed {
    fn from(refused: DatabaseRefused) -> Self {
        Self::system(&refused)
    }
}

impl Store {
    /// Opens the database, starting the embedded cluster where none is named, and brings it up to date.
    pub(super) async fn open(settings: &Settings) -> Result<Self, CommandFailed> {
        Self::find(settings, false).await
    }

    /// Opens the database for a command that may work beside a server: where one runs on the data folder, its cluster
    /// is used.
    pub(super) async fn open_or_join(settings: &Settings) -> Result<Self, CommandFailed> {
        Self::find(settings, true).await
    }

    async fn find(settings: &Settings, may_join: bool) -> Result<Self, CommandFailed> {
        if let Some(url) = &settings.database_url {
            return Self::connect(connect_options(url)?, None, None).await;
        }
        let options = ClusterOptions {
            data: settings.data.clone(),
            binaries: settings.postgresql_binaries.clone(),
        };
        match EmbeddedCluster::start(options).await {
            Ok(cluster) => Self::connect(cluster.connect_options(), Some(cluster), None).await,
            Err(ClusterRefused::AlreadyRunning { .. }) if may_join => {
                let joined = JoinedCluster::of(&settings.data)?;
                Self::connect(joined.connect_options(), None, Some(joined)).await
            }
            Err(refused) => Err(refused.into()),
        }
    }

    async fn connect(
        options: PgConnectOptions,
        cluster: Option<EmbeddedCluster>,
        joined: Option<JoinedCluster>,
    ) -> Result<Self, CommandFailed> {
        match Database::open(options.clone()).await {
            Ok(database) => Ok(Self {
                database,
                options,
                cluster,
                _joined: joined,
            }),
            Err(refused) => {
                if let Some(cluster) = cluster {
                    cluster.stop().await;
                }
                Err(refused.into())
            }
        }
    }

    /// Closes the pools and stops the cluster.
    pub(super) async fn close(self) {
        self.database.close().await;
        if let Some(cluster) = self.cluster {
            cluster.stop().await;
        }
    }
}

/// The key that signs the ledger's heads.
pub(super) fn signing_key(settings: &Settings) -> Result<SigningKey, CommandFailed> {
    let path: PathBuf = settings
        .ledger_key
        .clone()
        .unwrap_or_else(|| settings.data.join("ledger.key"));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|error| CommandFailed::System {
            words: format!("the folder {} can't be made: {error}", folder.display()),
            remedy: Some("name another with --data, or a key file with YICE_LEDGER_KEY".to_owned()),
        })?;
    }
    SigningKey::load_or_create(&path).map_err(|error| CommandFailed::system(&error))
}
