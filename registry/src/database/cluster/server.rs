//! One run of the `postgres` program as a child of this one.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::watch;

/// Whom PostgreSQL's programs run as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum RunAs {
    /// As the caller, who is an ordinary user.
    Caller,
    /// As this user, since the caller is root.
    Other {
        /// User id.
        uid: u32,
        /// The user's own group.
        gid: u32,
    },
}

/// A command that runs `program` as `run_as` inside a process group of its own, with the folder
/// `cluster_folder` open as [`FOLDER_ARGUMENT`].
///
/// The folder is handed over open because its path may be closed to the user the program runs as:
/// root's home, where root is apt to put a clone, admits nobody else, and PostgreSQL insists on an
/// absolute path. A process group of its own keeps the terminal's Ctrl-C from reaching PostgreSQL
/// before the program had a chance to finish what it was writing.
pub(super) fn command(program: &Path, cluster_folder: &Path, run_as: &RunAs, setpriv: Option<&Path>) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", r#"exec 9<"$1"; shift; exec "$@""#, "sh"]);
    command.arg(cluster_folder);
    if let Some(setpriv) = setpriv {
        command.arg(setpriv);
        // Should this program be killed outright, the kernel asks PostgreSQL to shut down.
        command.arg("--pdeathsig=INT");
        if let RunAs::Other { uid, gid } = run_as {
            command.arg(format!("--reuid={uid}"));
            command.arg(format!("--regid={gid}"));
            command.arg("--clear-groups");
        }
        command.arg("--");
    }
    command.arg(program);
    for (name, _) in std::env::vars_os() {
        // PGDATA, PGPORT, PGOPTIONS and their kin speak of some other database.
        if name.to_string_lossy().starts_with("PG") {
            command.env_remove(name);
        }
    }
    command.env("LC_ALL", "C.UTF-8");
    command.current_dir("/");
    command.process_group(0);
    command.stdin(Stdio::null());
    command
}

/// The path under which a program started by [`command`] sees the cluster's folder.
pub(super) const FOLDER_ARGUMENT: &str = "/proc/self/fd/9";

/// The program that gives up root's rights and ties a child's life to its parent's.
pub(super) fn find_setpriv() -> Option<PathBuf> {
    ["/usr/bin/setpriv", "/bin/setpriv", "/usr/sbin/setpriv"]
        .map(PathBuf::from)
        .into_iter()
        .find(|path| path.is_file())
}

/// A running (or meanwhile ended) `postgres`.
#[derive(Debug)]
pub(super) struct Server {
    /// `None` once the process was collected, after which its id may belong to anybody.
    pid: Arc<Mutex<Option<Pid>>>,
    ended: watch::Receiver<Option<ExitStatus>>,
}

impl Server {
    /// Starts `postgres` with its output going to `log`.
    pub fn spawn(mut command: Command, arguments: Vec<OsString>, log: File) -> io::Result<Self> {
        let second_log = log.try_clone()?;
        command
            .args(arguments)
            .stdout(Stdio::from(second_log))
            .stderr(Stdio::from(log));

        let pid = Arc::new(Mutex::new(None));
        let (announce_end, ended) = watch::channel(None);
        let (announce_start, started) = mpsc::channel();
        let shared_pid = Arc::clone(&pid);
        // The kernel's "parent has died" means the thread that started the child, so that thread
        // must live exactly as long as the child does.
        thread::Builder::new().name("postgres".to_owned()).spawn(move || {
            let mut child = match command.spawn() {
                Ok(child) => child,
                Err(error) => {
                    announce_start.send(Err(error)).ok();
                    return;
                }
            };
            let child_pid = Pid::from_raw(child.id().cast_signed());
            *lock(&shared_pid) = Some(child_pid);
            announce_start.send(Ok(())).ok();
            // Seen to have ended, but not collected: its id can't have been given away before
            // it is struck out below.
            let watched = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT;
            while waitid(Id::Pid(child_pid), watched) == Err(nix::errno::Errno::EINTR) {}
            *lock(&shared_pid) = None;
            announce_end.send_replace(child.wait().ok());
        })?;
        started
            .recv()
            .map_err(|_| io::Error::other("the thread that starts PostgreSQL ended early"))??;
        Ok(Self { pid, ended })
    }

    /// The process id, while the process lives.
    pub fn pid(&self) -> Option<i32> {
        lock(&self.pid).map(Pid::as_raw)
    }

    /// Whether the process has ended.
    pub fn has_ended(&self) -> bool {
        lock(&self.pid).is_none()
    }

    /// Resolves when the process ends; says how, where that is known.
    pub async fn ended(&self) -> Option<ExitStatus> {
        let mut ended = self.ended.clone();
        // An error means that the watching thread is gone, and so is the process.
        ended.wait_for(Option::is_some).await.ok().and_then(|status| *status)
    }

    /// Asks for a fast shutdown, and for an immediate one when `patience` runs out.
    pub async fn stop(&self, patience: Duration) {
        self.send(Signal::SIGINT);
        if tokio::time::timeout(patience, self.ended()).await.is_err() {
            tracing::warn!(
                patience_s = patience.as_secs(),
                "the database did not shut down in time; stopping it at once"
            );
            self.send(Signal::SIGQUIT);
            self.ended().await;
        }
    }

    /// [`Server::stop`] for where nothing can be awaited.
    pub fn stop_blocking(&self, patience: Duration) {
        self.send(Signal::SIGINT);
        let mut deadline = Instant::now() + patience;
        let mut asked_twice = false;
        while !self.has_ended() {
            if Instant::now() > deadline {
                if asked_twice {
                    return;
                }
                self.send(Signal::SIGQUIT);
                deadline = Instant::now() + patience;
                asked_twice = true;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn send(&self, signal: Signal) {
        // Held while signalling, so that the process can't be collected in between.
        let pid = lock(&self.pid);
        if let Some(pid) = *pid
            && let Err(errno) = kill(pid, signal)
        {
            tracing::warn!(%pid, %signal, %errno, "the database process could not be signalled");
        }
    }
}

fn lock(pid: &Mutex<Option<Pid>>) -> std::sync::MutexGuard<'_, Option<Pid>> {
    pid.lock().unwrap_or_else(PoisonError::into_inner)
}
