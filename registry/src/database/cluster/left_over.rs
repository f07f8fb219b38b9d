//! Processes of an earlier run that still hold the database files.
//!
//! When the program is killed outright, its PostgreSQL is asked by the kernel to shut down, which
//! takes a moment; and whoever kills PostgreSQL's main process too leaves its children to notice by
//! themselves. A new server must not start before the last of them is gone. They are recognised by
//! the mark in their command line, which every user may read, in containers too.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::PORT;
use super::refused::ClusterRefused;

/// How long a left-over server gets for writing everything out, before it is made to stop at once.
const ORDERLY: Duration = Duration::from_secs(60);
/// How long processes get to obey after that.
const AT_ONCE: Duration = Duration::from_secs(10);

/// Waits until no process bearing `mark` is left, helping along those that linger.
///
/// Even the harshest step is safe for the data: PostgreSQL then recovers from its log, exactly as
/// after a power cut.
pub(super) fn clear(folder: &Path, mark: &str) -> Result<(), ClusterRefused> {
    let steps = [
        // SIGINT is PostgreSQL's "fast shutdown", SIGQUIT its "immediate shutdown".
        (Signal::SIGINT, Signal::SIGTERM, ORDERLY),
        (Signal::SIGQUIT, Signal::SIGQUIT, AT_ONCE),
        (Signal::SIGKILL, Signal::SIGKILL, AT_ONCE),
    ];
    for (to_main, to_child, patience) in steps {
        let holders = bearing(mark);
        if holders.is_empty() {
            break;
        }
        tracing::info!(
            processes = %listed(&holders),
            "waiting for the database processes of an earlier run to end"
        );
        // Children obey their main process; only orphans are addressed themselves.
        let main: Vec<_> = holders.iter().filter(|it| it.is_main).collect();
        if main.is_empty() {
            for holder in &holders {
                send(holder.pid, to_child);
            }
        }
        for holder in main {
            send(holder.pid, to_main);
        }
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline && !bearing(mark).is_empty() {
            thread::sleep(Duration::from_millis(20));
        }
    }
    let holders = bearing(mark);
    if holders.is_empty() {
        return Ok(());
    }
    Err(ClusterRefused::LeftOverProcesses {
        folder: folder.to_path_buf(),
        pids: listed(&holders),
    })
}

/// Removes `postmaster.pid`, and the lock of the socket, when the process id in it now belongs to
/// somebody else, or to nobody.
///
/// PostgreSQL removes a stale file by itself unless there is a process with that id, whatever it
/// is: after a restart of a machine or a container there often is, and a killed server counts as
/// one until the process it was left to collects it. Call it only after [`clear`].
pub(super) fn forget_reused_pid(folder: &Path) {
    for name in ["postmaster.pid".to_owned(), format!(".s.PGSQL.{PORT}.lock")] {
        forget_if_reused(folder, &folder.join(name));
    }
}

fn forget_if_reused(folder: &Path, file: &Path) {
    let Some(pid) = fs::read_to_string(file)
        .ok()
        .and_then(|text| text.lines().next()?.trim().parse::<u32>().ok())
    else {
        return;
    };
    if is_stale(folder, pid) {
        tracing::info!(pid, file = %file.display(), "removing a stale lock of an earlier run");
        if let Err(error) = fs::remove_file(file) {
            tracing::warn!(%error, file = %file.display(), "could not remove a stale lock");
        }
    }
}

/// Does a process id in a lock file mean nothing any more?
fn is_stale(folder: &Path, pid: u32) -> bool {
    let process = Path::new("/proc").join(pid.to_string());
    let deadline = Instant::now() + AT_ONCE;
    loop {
        // "pid (name) state …"; the name may itself hold spaces and brackets.
        let has_ended = fs::read_to_string(process.join("stat")).map_or(true, |text| {
            text.rsplit_once(')')
                .is_some_and(|(_, rest)| rest.trim_start().starts_with(['Z', 'X']))
        });
        if has_ended {
            return true;
        }
        // A process that is just dying has lost its command line already, and is no corpse yet.
        let is_dying = fs::read(process.join("cmdline")).is_ok_and(|line| line.is_empty());
        if !is_dying || Instant::now() > deadline {
            break;
        }
        thread::sleep(Duration::from_millis(10));
    }
    match (fs::metadata(process.join("cwd")), fs::metadata(folder)) {
        (Ok(theirs), Ok(ours)) => (theirs.dev(), theirs.ino()) != (ours.dev(), ours.ino()),
        // It can't be seen where it works: only a program of another name is surely not ours.
        _ => fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() != "postgres"),
    }
}

struct Holder {
    pid: Pid,
    /// The main process, as against one of the children it forks for connections and chores.
    is_main: bool,
}

fn bearing(mark: &str) -> Vec<Holder> {
    let argument = format!("cluster_name={mark}");
    let title = format!("postgres: {mark}: ");
    let mut holders = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Ok(command_line) = fs::read(entry.path().join("cmdline")) else {
            continue;
        };
        // A program that has ended but was not yet collected by its parent has no command line.
        let command_line = String::from_utf8_lossy(&command_line);
        let is_main = command_line.split('\0').any(|part| part == argument);
        if is_main || command_line.starts_with(&title) {
            let pid = Pid::from_raw(pid);
            holders.push(Holder { pid, is_main });
        }
    }
    holders
}

fn send(pid: Pid, signal: Signal) {
    // It may have ended meanwhile, which is all we want of it.
    if let Err(errno) = kill(pid, signal) {
        tracing::debug!(%pid, %errno, "a left-over process could not be signalled");
    }
}

fn listed(holders: &[Holder]) -> String {
    let pids: Vec<_> = holders.iter().map(|it| it.pid.to_string()).collect();
    pids.join(",")
}
