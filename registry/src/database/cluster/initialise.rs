//! Making the cluster on first use.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use super::OWNER;
use super::binaries::Installation;
use super::disk::{disk_full, free_mib, lack_of_room};
use super::refused::ClusterRefused;
use super::server::{self, RunAs};

/// What an empty cluster with PostGIS and its first log segments takes on disk, with some air.
pub(super) const ROOM_NEEDED_MIB: u64 = 160;

/// Makes a new cluster beside its place and moves it there when it is whole.
pub(super) fn initialise(
    data: &Path,
    cluster: &Path,
    installation: &Installation,
    run_as: &RunAs,
    setpriv: Option<&Path>,
) -> Result<(), ClusterRefused> {
    let failed = |output: String| {
        lack_of_room(data, &output).unwrap_or(ClusterRefused::InitialisationFailed {
            folder: cluster.to_path_buf(),
            output,
        })
    };
    if free_mib(data).is_some_and(|free| free < ROOM_NEEDED_MIB) {
        return Err(disk_full(data));
    }
    // What an interrupted attempt left is worthless, and was never the cluster.
    let unfinished = data.join("postgres.unfinished");
    let cleared = match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    cleared
        .and_then(|()| fs::DirBuilder::new().mode(0o700).create(&unfinished))
        .and_then(|()| match *run_as {
            RunAs::Caller => Ok(()),
            RunAs::Other { uid, gid } => std::os::unix::fs::chown(&unfinished, Some(uid), Some(gid)),
        })
        .map_err(|source| ClusterRefused::FolderUnwritable {
            folder: data.to_path_buf(),
            source,
        })?;
    let initdb = installation.binaries.join("initdb");
    tracing::info!(folder = %cluster.display(), "making a new database");
    let output = server::command(&initdb, &unfinished, run_as, setpriv)
        .arg(format!("--pgdata={}", server::FOLDER_ARGUMENT))
        .arg(format!("--username={OWNER}"))
        .args(["--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums"])
        // The folder's mode is the gate: whoever can reach the socket could read the files as well.
        .args(["--auth-local=trust", "--auth-host=reject"])
        .arg("--no-instructions")
        .output();
    let made = match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => Err(format!("{}: {error}", initdb.display())),
    };
    let placed = made
        .and_then(|()| include_settings(&unfinished).map_err(|error| error.to_string()))
        .and_then(|()| fs::rename(&unfinished, cluster).map_err(|error| error.to_string()));
    placed.map_err(|output| {
        let refused = failed(output);
        fs::remove_dir_all(&unfinished).ok();
        refused
    })
}

/// The file with the settings that follow from the machine, in the cluster's folder.
pub(super) const SETTINGS_FILE: &str = "yice.conf";

fn include_settings(cluster: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(cluster.join("postgresql.conf"))?;
    writeln!(file, "\ninclude_if_exists = '{SETTINGS_FILE}'")?;
    file.sync_all()
}
