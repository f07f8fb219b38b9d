//! The embedded cluster: a PostgreSQL server of the program's own, under its data folder.
//!
//! Without `DATABASE_URL` the program looks for a PostgreSQL (15 or newer, with PostGIS) installed
//! on the machine, makes a database for itself on first use, and runs `postgres` as its child for
//! as long as it runs itself. Nothing listens on the network. The data folder then holds:
//!
//! | name | what |
//! |---|---|
//! | `yice.lock` | locked while a program works on the folder; holds its process id |
//! | `postgres/` | the database files and the Unix socket, closed to everybody else |
//! | `postgres.log` | what the server said |
//!
//! Whatever kills the program, the next start finds all that was committed: the server writes its
//! log to disk before it answers, and recovers from it.

mod binaries;
mod disk;
mod initialise;
mod left_over;
mod log;
mod refused;
mod server;
mod tuning;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use nix::unistd::{Uid, User};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{ConnectOptions, Connection};

pub use self::refused::ClusterRefused;

use self::binaries::Installation;
use self::disk::lack_of_room;
use self::initialise::{SETTINGS_FILE, initialise};
use self::log::Log;
use self::server::{RunAs, Server};

/// The database inside the cluster.
const DATABASE: &str = "yice";
/// The role that owns it.
const OWNER: &str = "yice";
/// The port's only use is in the name of the socket.
const PORT: u16 = 5432;
/// The longest path of a Unix socket that Linux takes, in bytes.
const LONGEST_SOCKET_PATH: usize = 107;
/// Recovery after a kill replays at most `max_wal_size`, which takes minutes on a slow disk.
const PATIENCE_FOR_START: Duration = Duration::from_secs(30 * 60);
/// How long a shutdown may take to write out what is in memory.
const PATIENCE_FOR_STOP: Duration = Duration::from_secs(120);

/// Where the embedded cluster lives and what it runs on.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The program's data folder (`YICE_DATA`); made if it does not exist.
    pub data: PathBuf,
    /// The folder with `postgres` and `initdb`; without it the usual places are searched.
    pub binaries: Option<PathBuf>,
}

/// A running embedded cluster.
///
/// Call [`EmbeddedCluster::stop`] at the end. Dropping it stops the server too, but blocks the
/// thread meanwhile.
#[derive(Debug)]
pub struct EmbeddedCluster {
    // Fields are dropped in this order: the lock is given back last.
    server: Server,
    /// Kept open because its number is the socket's address where the path is too long.
    cluster_folder: File,
    cluster_path: PathBuf,
    _lock: File,
}

impl EmbeddedCluster {
    /// Starts the cluster of a data folder, making it first if there is none, and waits until it
    /// answers and holds the (possibly still empty) database `yice`.
    ///
    /// What an earlier, killed run left behind is cleared away before.
    ///
    /// # Errors
    ///
    /// One variant of [`ClusterRefused`] for each thing that a person can put right.
    pub async fn start(options: ClusterOptions) -> Result<Self, ClusterRefused> {
        let (cluster, log) = match tokio::task::spawn_blocking(move || prepare(&options)).await {
            Ok(prepared) => prepared?,
            Err(stopped) => std::panic::resume_unwind(stopped.into_panic()),
        };
        cluster.wait_until_ready(&log).await?;
        Ok(cluster)
    }

    /// How to connect as the owner of the database `yice`.
    ///
    /// Good for as long as this value lives, in this process and its children.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        options_for(socket_folder(&self.cluster_path, &self.cluster_folder))
    }

    /// Resolves when the server ends, be it that it was stopped or that it died.
    ///
    /// A program that serves should stop then: without its database it can do nothing, and a new
    /// start recovers.
    pub async fn ended(&self) -> Option<ExitStatus> {
        self.server.ended().await
    }

    /// The process id of the server's main process, while it runs.
    #[must_use]
    pub fn server_pid(&self) -> Option<i32> {
        self.server.pid()
    }

    /// Stops the server: open transactions are rolled back, connections closed, everything is
    /// written to disk, and the process has ended when this returns.
    pub async fn stop(self) {
        self.server.stop(PATIENCE_FOR_STOP).await;
    }

    async fn wait_until_ready(&self, log: &Log) -> Result<(), ClusterRefused> {
        let started = Instant::now();
        let mut next_word = Duration::from_secs(5);
        let maintenance = self.connect_options().database("postgres");
        loop {
            match maintenance.connect().await {
                Ok(mut connection) => {
                    let made = make_database(&mut connection).await;
                    connection.close().await.ok();
                    return made.map_err(|error| {
                        log.start_failed(format!("the database {DATABASE} could not be made: {error}"))
                    });
                }
                // Also while it recovers: it then answers that it is starting up.
                Err(error) => tracing::trace!(%error, "the database does not answer yet"),
            }
            if self.server.has_ended() {
                let status = self.server.ended().await;
                let outcome = status.map_or_else(|| "it ended".to_owned(), |it| it.to_string());
                return Err(log.start_failed(outcome));
            }
            let waited = started.elapsed();
            if waited > PATIENCE_FOR_START {
                return Err(log.start_failed(format!("not ready after {} s", waited.as_secs())));
            }
            if waited > next_word {
                tracing::info!(
                    waited_s = waited.as_secs(),
                    "the database is still starting; after a crash it first recovers from its log"
                );
                next_word *= 2;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The cluster that another `yice` has started in the same data folder.
///
/// Good for commands that work beside a running server: an import from the shell, a proof of the ledger.
#[derive(Debug)]
pub struct JoinedCluster {
    /// Kept open because its number is the socket's address where the path is too long.
    cluster_folder: File,
    cluster_path: PathBuf,
}

impl JoinedCluster {
    /// Finds the cluster of a data folder.
    ///
    /// # Errors
    ///
    /// [`ClusterRefused::FolderUnwritable`] where the folder can't be looked into.
    pub fn of(data: &Path) -> Result<Self, ClusterRefused> {
        let unwritable = |source| ClusterRefused::FolderUnwritable {
            folder: data.to_path_buf(),
            source,
        };
        let cluster_path = fs::canonicalize(data.join("postgres")).map_err(unwritable)?;
        Ok(Self {
            cluster_folder: File::open(&cluster_path).map_err(unwritable)?,
            cluster_path,
        })
    }

    /// How to connect as the owner of the database `yice`, for as long as this value lives.
    #[must_use]
    pub fn connect_options(&self) -> PgConnectOptions {
        options_for(socket_folder(&self.cluster_path, &self.cluster_folder))
    }
}

/// The folder of the socket: by its path, or where that is too long by its open handle.
fn socket_folder(path: &Path, handle: &File) -> PathBuf {
    let name = format!("/.s.PGSQL.{PORT}");
    if path.as_os_str().len() + name.len() <= LONGEST_SOCKET_PATH {
        return path.to_path_buf();
    }
    let (process, handle) = (std::process::id(), handle.as_raw_fd());
    PathBuf::from(format!("/proc/{process}/fd/{handle}"))
}

fn options_for(socket_folder: PathBuf) -> PgConnectOptions {
    // Not the plain constructor: neither a password file nor the PG… variables speak of us.
    PgConnectOptions::new_without_pgpass()
        .socket(socket_folder)
        .port(PORT)
        .username(OWNER)
        .database(DATABASE)
        .ssl_mode(PgSslMode::Disable)
}

impl Drop for EmbeddedCluster {
    fn drop(&mut self) {
        if !self.server.has_ended() {
            self.server.stop_blocking(PATIENCE_FOR_STOP);
        }
    }
}

async fn make_database(connection: &mut sqlx::PgConnection) -> Result<(), sqlx::Error> {
    // Not the checked macros: they speak to the registry's own database, which is yet to be made.
    let exists: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(DATABASE)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        sqlx::raw_sql("create database yice").execute(connection).await?;
    }
    Ok(())
}

/// Everything up to and including the start of the process; blocks.
fn prepare(options: &ClusterOptions) -> Result<(EmbeddedCluster, Log), ClusterRefused> {
    let unwritable = |source| ClusterRefused::FolderUnwritable {
        folder: options.data.clone(),
        source,
    };
    fs::create_dir_all(&options.data).map_err(unwritable)?;
    let data = fs::canonicalize(&options.data).map_err(unwritable)?;
    let lock = take_lock(&data)?;

    let cluster_path = data.join("postgres");
    let made_by = major_version_of(&cluster_path).map_err(unwritable)?;
    let installation = Installation::choose(options.binaries.as_deref(), &cluster_path, made_by)?;
    let setpriv = server::find_setpriv();
    let run_as = run_as(&cluster_path, setpriv.is_some())?;
    let setpriv = setpriv.as_deref();

    if made_by.is_none() {
        initialise(&data, &cluster_path, &installation, &run_as, setpriv)?;
    }
    let cluster_folder = File::open(&cluster_path).map_err(unwritable)?;
    let mark = mark_of(&cluster_folder).map_err(unwritable)?;
    left_over::clear(&cluster_path, &mark)?;
    left_over::forget_reused_pid(&cluster_path);

    let settings = tuning::settings(tuning::memory_mib());
    fs::write(cluster_path.join(SETTINGS_FILE), settings)
        .map_err(|error| lack_of_room(&data, &error.to_string()).unwrap_or_else(|| unwritable(error)))?;
    let log = Log::open(&data).map_err(unwritable)?;
    let command = server::command(&installation.binaries.join("postgres"), &cluster_path, &run_as, setpriv);
    let handle = log.file.try_clone().map_err(unwritable)?;
    let server =
        Server::spawn(command, arguments(&mark), handle).map_err(|error| log.start_failed(error.to_string()))?;
    let cluster = EmbeddedCluster {
        server,
        cluster_folder,
        cluster_path,
        _lock: lock,
    };
    Ok((cluster, log))
}

/// Takes the lock of the data folder, which the operating system gives back when we end.
fn take_lock(data: &Path) -> Result<File, ClusterRefused> {
    let unwritable = |source| ClusterRefused::FolderUnwritable {
        folder: data.to_path_buf(),
        source,
    };
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(data.join("yice.lock"))
        .map_err(unwritable)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let pid = file.read_to_string(&mut text).ok().and(text.trim().parse().ok());
            return Err(ClusterRefused::AlreadyRunning {
                folder: data.to_path_buf(),
                pid,
            });
        }
        Err(TryLockError::Error(source)) => return Err(unwritable(source)),
    }
    let written = file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id()));
    // Without its contents the lock still holds; a full disk is reported where it matters.
    if let Err(error) = written {
        tracing::debug!(%error, "the process id could not be written to the lock file");
    }
    Ok(file)
}

/// The major version that made the files in `cluster`, or `None` where there are none.
fn major_version_of(cluster: &Path) -> io::Result<Option<u32>> {
    match fs::read_to_string(cluster.join("PG_VERSION")) {
        Ok(text) => Ok(Some(text.trim().parse().map_err(io::Error::other)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // Somebody else's folder is reported as such where the user is decided on.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && cluster.is_dir() => {
            Ok(Some(binaries::OLDEST_MAJOR))
        }
        Err(error) => Err(error),
    }
}

/// Decides whom the server runs as.
fn run_as(cluster: &Path, can_change_user: bool) -> Result<RunAs, ClusterRefused> {
    let caller = Uid::effective();
    let owner = fs::metadata(cluster).ok().map(|it| (it.uid(), it.gid()));
    let of_another = |uid: u32| ClusterRefused::FolderOfAnotherUser {
        folder: cluster.to_path_buf(),
        owner: name_of(uid),
        caller: name_of(caller.as_raw()),
    };
    if !caller.is_root() {
        return match owner {
            Some((uid, _)) if uid != caller.as_raw() => Err(of_another(uid)),
            _ => Ok(RunAs::Caller),
        };
    }
    if !can_change_user {
        return Err(ClusterRefused::NoUnprivilegedUser {
            obstacle: "the program setpriv, which would run it as somebody else, is missing".to_owned(),
        });
    }
    match owner {
        Some((0, _)) => Err(of_another(0)),
        Some((uid, gid)) => Ok(RunAs::Other { uid, gid }),
        None => ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| RunAs::Other {
                uid: user.uid.as_raw(),
                gid: user.gid.as_raw(),
            })
            .ok_or_else(|| ClusterRefused::NoUnprivilegedUser {
                obstacle: "this machine has neither the user postgres nor nobody".to_owned(),
            }),
    }
}

fn name_of(uid: u32) -> String {
    User::from_uid(Uid::from_raw(uid))
        .ok()
        .flatten()
        .map_or_else(|| format!("user {uid}"), |user| user.name)
}

/// What the server is told on its command line, above any file.
fn arguments(mark: &str) -> Vec<OsString> {
    let mut arguments = vec![OsString::from("-D"), OsString::from(server::FOLDER_ARGUMENT)];
    let fixed = [
        "listen_addresses=".to_owned(),
        // Relative to the cluster's folder: short whatever its path, and as closed as the folder.
        "unix_socket_directories=.".to_owned(),
        "unix_socket_permissions=0700".to_owned(),
        format!("port={PORT}"),
        format!("cluster_name={mark}"),
        "logging_collector=off".to_owned(),
        "log_destination=stderr".to_owned(),
    ];
    for setting in fixed {
        arguments.push(OsString::from("-c"));
        arguments.push(OsString::from(setting));
    }
    arguments
}

/// A name for the cluster that stays with its files when the folder is moved.
fn mark_of(cluster_folder: &File) -> io::Result<String> {
    let metadata = cluster_folder.metadata()?;
    Ok(format!("yice-{:x}-{:x}", metadata.dev(), metadata.ino()))
}
