//! The ways in which a cluster of the program's own can fail to come up, each with what to do.

use std::io;
use std::path::PathBuf;

/// Why the embedded cluster did not start.
///
/// The message says what is wrong; [`ClusterRefused::remedy`] says what a person can do about it.
/// Nothing has been changed in the data folder when one of these is returned, apart from the
/// folder itself and its lock file.
#[derive(Debug, thiserror::Error)]
pub enum ClusterRefused {
    /// No folder with the programs `postgres` and `initdb` was found.
    #[error("no PostgreSQL server was found on this machine (looked in {searched})")]
    PostgresMissing {
        /// The folders that were looked into, comma-separated.
        searched: String,
    },

    /// PostgreSQL was found, but only older than what the program needs.
    #[error("PostgreSQL {found} in {} is too old: version {needed} or newer is needed", binaries.display())]
    PostgresTooOld {
        /// The version that `postgres --version` printed.
        found: String,
        /// The folder it was found in.
        binaries: PathBuf,
        /// The oldest major version that will do.
        needed: u32,
    },

    /// A program of PostgreSQL could not be run, or did not answer as PostgreSQL does.
    #[error("{} does not answer as PostgreSQL does: {answer}", program.display())]
    PostgresUnusable {
        /// The program that was run.
        program: PathBuf,
        /// What it printed, or why it could not be run.
        answer: String,
    },

    /// The database files were written by a major version that is not installed.
    #[error(
        "the database in {} was made by PostgreSQL {made_by}, and this machine has {available}",
        folder.display()
    )]
    OtherMajorVersion {
        /// The folder with the database files.
        folder: PathBuf,
        /// The major version that made them.
        made_by: u32,
        /// The major versions found, comma-separated.
        available: String,
    },

    /// An extension that the registry stands on is not installed for the chosen PostgreSQL.
    #[error("the extension {extension} is not installed for PostgreSQL {major} (no {})", control_file.display())]
    ExtensionMissing {
        /// The extension's name, as in `create extension`.
        extension: &'static str,
        /// The major version of the chosen PostgreSQL.
        major: u32,
        /// The file that would be there if it were installed.
        control_file: PathBuf,
    },

    /// The data folder can't be made or written.
    #[error("the data folder {} can't be written", folder.display())]
    FolderUnwritable {
        /// The data folder.
        folder: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// The database files belong to somebody whose programs we may not start.
    #[error("the database in {} belongs to {owner}, and this program runs as {caller}", folder.display())]
    FolderOfAnotherUser {
        /// The folder with the database files.
        folder: PathBuf,
        /// Name (or number) of the user who owns them.
        owner: String,
        /// Name (or number) of the user the program runs as.
        caller: String,
    },

    /// Another process of the program works on the same data folder.
    #[error("another yice {}already works on the data folder {}", holder(*pid), folder.display())]
    AlreadyRunning {
        /// The data folder.
        folder: PathBuf,
        /// Process id of the one that holds the lock, where it could be read.
        pid: Option<u32>,
    },

    /// There is no room for a new database, or PostgreSQL ran out of room while starting.
    #[error(
        "the disk under {} is too full: {free_mib} MiB are free, {needed_mib} MiB are needed",
        folder.display()
    )]
    DiskFull {
        /// The data folder.
        folder: PathBuf,
        /// Free space for unprivileged users, in MiB.
        free_mib: u64,
        /// What a new, empty cluster and its first log segments take, in MiB.
        needed_mib: u64,
    },

    /// The program was started by root, PostgreSQL refuses to run as root, and there is nobody else.
    #[error("PostgreSQL refuses to run as root, and {obstacle}")]
    NoUnprivilegedUser {
        /// What stands in the way of running it as somebody else.
        obstacle: String,
    },

    /// Processes left over from a killed program still hold the database files.
    #[error("processes of an earlier run still hold the database in {} and do not end: {pids}", folder.display())]
    LeftOverProcesses {
        /// The folder with the database files.
        folder: PathBuf,
        /// Their process ids, comma-separated.
        pids: String,
    },

    /// `initdb` failed.
    #[error("a new database could not be made in {}:\n{output}", folder.display())]
    InitialisationFailed {
        /// The folder that was to hold the database files.
        folder: PathBuf,
        /// What `initdb` printed last.
        output: String,
    },

    /// `postgres` ended, or never became ready.
    #[error("PostgreSQL did not start ({outcome}); its log {} ends with:\n{last_lines}", log.display())]
    StartFailed {
        /// How it ended, or that it did not become ready in time.
        outcome: String,
        /// The log file.
        log: PathBuf,
        /// The last lines written to the log by this start.
        last_lines: String,
    },
}

impl ClusterRefused {
    /// What a person can do about it: one or two sentences, with the command where there is one.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::PostgresMissing { .. } => {
                format!("Install it (on Debian 12: {INSTALL}), or name a running database in DATABASE_URL.")
            }
            Self::PostgresTooOld { needed, .. } => format!(
                "Install PostgreSQL {needed} or newer with PostGIS (on Debian 12: {INSTALL}), \
                 or name a running database in DATABASE_URL."
            ),
            Self::PostgresUnusable { program, .. } => format!(
                "Run `{} --version` by hand to see what is wrong with the installation.",
                program.display()
            ),
            Self::OtherMajorVersion { folder, made_by, .. } => format!(
                "Install PostgreSQL {made_by} again (on Debian: apt-get install postgresql-{made_by} \
                 postgresql-{made_by}-postgis-3), or move {} with pg_upgrade, or keep it aside and \
                 restore a dump into a new data folder.",
                folder.display()
            ),
            Self::ExtensionMissing {
                extension: "postgis",
                major,
                ..
            } => format!(
                "Install PostGIS for this PostgreSQL (on Debian: apt-get install postgresql-{major}-postgis-3)."
            ),
            Self::ExtensionMissing { .. } => {
                "Install PostgreSQL's contributed extensions (Debian's postgresql packages have them; \
                 elsewhere the package is often called postgresql-contrib)."
                    .to_owned()
            }
            Self::FolderUnwritable { .. } => {
                "Choose a folder you may write with YICE_DATA=/some/folder, or have its owner give you \
                 the right to write there."
                    .to_owned()
            }
            Self::FolderOfAnotherUser { folder, owner, .. } if owner == "root" => format!(
                "PostgreSQL can't run as root: give the folder to the server's user \
                 (chown -R postgres {}) and start again as root.",
                folder.display()
            ),
            Self::FolderOfAnotherUser { owner, .. } => {
                format!("Start it as {owner} or as root, or choose another folder with YICE_DATA.")
            }
            Self::AlreadyRunning { pid: Some(pid), .. } => {
                format!("Use the one that runs, stop it (kill -INT {pid}), or choose another folder with YICE_DATA.")
            }
            Self::AlreadyRunning { pid: None, .. } => {
                "Use the one that runs, stop it, or choose another folder with YICE_DATA.".to_owned()
            }
            Self::DiskFull { needed_mib, .. } => {
                format!("Free at least {needed_mib} MiB there, or choose a folder on another disk with YICE_DATA.")
            }
            Self::NoUnprivilegedUser { .. } => {
                "Start yice as an ordinary user, or install the postgresql package (it makes the user \
                 `postgres`) and util-linux (it has `setpriv`)."
                    .to_owned()
            }
            Self::LeftOverProcesses { pids, .. } => {
                format!("Look at them with `ps -fp {pids}`, end them, and start again.")
            }
            Self::InitialisationFailed { .. } => {
                "The lines above come from PostgreSQL's initdb; nothing was kept of the attempt, so \
                 start again once the cause is gone."
                    .to_owned()
            }
            Self::StartFailed { log, .. } => format!(
                "The database files were left as they are. The whole log is in {}.",
                log.display()
            ),
        }
    }
}

/// What installs the server on the system the two commands are made for.
const INSTALL: &str = "apt-get install postgresql-15 postgresql-15-postgis-3";

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!("(process {pid}) ")).unwrap_or_default()
}
