//! The embedded cluster with the PostgreSQL of this machine, and with pretended ones for what can
//! be wrong with it. Started by root they run the server as somebody else, started by an ordinary
//! user as themselves; root also runs one as an ordinary user.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};
use sqlx::{ConnectOptions, Connection, PgConnection};
use tempfile::TempDir;

use super::{ClusterOptions, ClusterRefused, EmbeddedCluster, RunAs, left_over, mark_of};

fn folder() -> TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

/// A folder that the server's user can reach, even where the caller's temporary files are closed to others.
fn reachable_folder() -> TempDir {
    tempfile::tempdir_in("/tmp").expect("a temporary folder")
}

fn in_folder(data: &Path) -> ClusterOptions {
    ClusterOptions {
        data: data.to_path_buf(),
        binaries: None,
    }
}

async fn started(data: &Path) -> EmbeddedCluster {
    EmbeddedCluster::start(in_folder(data))
        .await
        .expect("the cluster starts")
}

async fn refused(options: ClusterOptions) -> ClusterRefused {
    let refused = EmbeddedCluster::start(options)
        .await
        .map(drop)
        .expect_err("the start is refused");
    assert!(!refused.remedy().is_empty(), "{refused} has no remedy");
    refused
}

async fn connected(cluster: &EmbeddedCluster) -> PgConnection {
    cluster.connect_options().connect().await.expect("the cluster answers")
}

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    sqlx::query_scalar("select current_setting($1)")
        .bind(name)
        .fetch_one(connection)
        .await
        .expect("the setting exists")
}

async fn write_a_row(cluster: &EmbeddedCluster) {
    let mut connection = connected(cluster).await;
    sqlx::raw_sql("create table kept (word text); insert into kept values ('一策')")
        .execute(&mut connection)
        .await
        .expect("the row is written");
}

async fn kept_rows(cluster: &EmbeddedCluster) -> Vec<String> {
    sqlx::query_scalar("select word from kept")
        .fetch_all(&mut connected(cluster).await)
        .await
        .expect("the table is there")
}

/// A folder with programs that answer as a PostgreSQL of this version would; `initdb` fails with
/// `complaint`, and PostGIS is there only if `with_postgis`.
fn pretended(root: &Path, version: &str, with_postgis: bool, complaint: &str) -> PathBuf {
    let binaries = root.join("bin");
    let extensions = root.join("share/extension");
    fs::create_dir_all(&binaries).unwrap();
    fs::create_dir_all(&extensions).unwrap();
    for extension in ["btree_gist", "pg_trgm"] {
        fs::write(extensions.join(format!("{extension}.control")), "").unwrap();
    }
    if with_postgis {
        fs::write(extensions.join("postgis.control"), "").unwrap();
    }
    let share = root.join("share");
    let programs = [
        ("postgres", format!("echo 'postgres (PostgreSQL) {version} (Debian)'")),
        ("pg_config", format!("echo '{}'", share.display())),
        ("initdb", format!("echo '{complaint}' >&2; exit 1")),
    ];
    for (name, script) in programs {
        let path = binaries.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    // Reachable for whoever the server runs as.
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).unwrap();
    binaries
}

#[tokio::test]
async fn a_new_cluster_is_made_closed_and_durable() {
    let data = folder();
    let cluster = started(data.path()).await;
    let mut connection = connected(&cluster).await;
    assert_eq!(setting(&mut connection, "listen_addresses").await, "");
    assert_eq!(setting(&mut connection, "fsync").await, "on");
    assert_eq!(setting(&mut connection, "synchronous_commit").await, "on");
    assert_eq!(setting(&mut connection, "data_checksums").await, "on");
    assert_eq!(setting(&mut connection, "server_encoding").await, "UTF8");
    assert_eq!(setting(&mut connection, "jit").await, "off");
    // The collation must know Chinese letters, or trigram search finds nothing in Chinese.
    sqlx::raw_sql("create extension postgis; create extension pg_trgm")
        .execute(&mut connection)
        .await
        .expect("the extensions are there");
    let trigrams: Vec<String> = sqlx::query_scalar("select unnest(show_trgm('政府大院'))")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert!(trigrams.len() >= 4, "{trigrams:?}");

    let files = fs::metadata(data.path().join("postgres")).unwrap();
    assert_eq!(files.mode() & 0o777, 0o700);
    assert_ne!(files.uid(), 0, "the server must not run as root");
    connection.close().await.unwrap();
    cluster.stop().await;
}

#[tokio::test]
async fn a_stopped_cluster_starts_again_with_its_data() {
    let data = folder();
    let cluster = started(data.path()).await;
    write_a_row(&cluster).await;
    // An open connection must not hold up the stop.
    let lingering = connected(&cluster).await;
    cluster.stop().await;
    drop(lingering);
    assert!(!data.path().join("postgres/postmaster.pid").exists());
    let log = fs::read_to_string(data.path().join("postgres.log")).unwrap();
    assert!(log.contains("database system is shut down"), "{log}");

    let again = started(data.path()).await;
    assert_eq!(kept_rows(&again).await, ["一策"]);
}

#[tokio::test]
async fn dropping_a_cluster_stops_it() {
    let data = folder();
    let cluster = started(data.path()).await;
    let pid = Pid::from_raw(cluster.server_pid().expect("it runs"));
    drop(cluster);
    assert!(kill(pid, None).is_err(), "the server still runs");
    assert!(!data.path().join("postgres/postmaster.pid").exists());
}

#[tokio::test]
async fn a_killed_server_is_noticed_and_the_next_start_recovers() {
    let data = folder();
    let cluster = started(data.path()).await;
    write_a_row(&cluster).await;
    let pid = cluster.server_pid().expect("it runs");
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    let status = cluster.ended().await.expect("its end is known");
    assert!(!status.success());
    assert!(cluster.server_pid().is_none());
    drop(cluster);
    assert!(data.path().join("postgres/postmaster.pid").exists());

    let again = started(data.path()).await;
    assert_eq!(kept_rows(&again).await, ["一策"]);
}

#[tokio::test]
async fn a_server_left_over_by_a_killed_program_is_stopped_first() {
    let data = folder();
    let orphan = started(data.path()).await;
    write_a_row(&orphan).await;
    // A program that was killed has given back its lock, and its server may still run.
    orphan._lock.unlock().unwrap();
    let again = started(data.path()).await;
    assert!(orphan.server_pid().is_none(), "two servers on one folder");
    assert_eq!(kept_rows(&again).await, ["一策"]);
    let log = fs::read_to_string(data.path().join("postgres.log")).unwrap();
    assert!(!log.contains("not properly shut down"), "{log}");
}

#[tokio::test]
async fn children_that_outlive_their_killed_server_are_waited_for() {
    let data = folder();
    let orphan = started(data.path()).await;
    let mut busy = connected(&orphan).await;
    let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(&mut busy)
        .await
        .unwrap();
    // A stopped process can't notice that its server is gone, and keeps the shared memory.
    kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
    kill(Pid::from_raw(orphan.server_pid().unwrap()), Signal::SIGKILL).unwrap();
    orphan.ended().await;
    orphan._lock.unlock().unwrap();
    let waker = tokio::task::spawn_blocking(move || {
        std::thread::sleep(std::time::Duration::from_millis(300));
        kill(Pid::from_raw(pid), Signal::SIGCONT).unwrap();
    });
    let again = started(data.path()).await;
    waker.await.unwrap();
    // It may still stand in the table of processes, uncollected, but then without a command line.
    let command_line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    assert!(command_line.is_empty(), "{}", String::from_utf8_lossy(&command_line));
    connected(&again).await;
}

#[tokio::test]
async fn a_second_start_on_the_same_folder_is_refused_by_name() {
    let data = folder();
    let first = started(data.path()).await;
    let second = refused(in_folder(data.path())).await;
    let ClusterRefused::AlreadyRunning { pid, .. } = &second else {
        panic!("{second}");
    };
    assert_eq!(*pid, Some(std::process::id()));
    assert!(second.to_string().contains(&std::process::id().to_string()));
    // The first one is none the worse for it.
    connected(&first).await;
}

#[tokio::test]
async fn a_folder_with_a_path_too_long_for_a_socket_works() {
    let root = folder();
    let data = root
        .path()
        .join("行政事业单位国有土地房屋资产".repeat(2))
        .join("x".repeat(120));
    let cluster = started(&data).await;
    connected(&cluster).await;
    cluster.stop().await;
}

#[tokio::test]
async fn an_interrupted_initialisation_is_begun_again() {
    let data = folder();
    let unfinished = data.path().join("postgres.unfinished");
    fs::create_dir_all(unfinished.join("base")).unwrap();
    fs::write(unfinished.join("PG_VERSION"), "15\n").unwrap();
    let cluster = started(data.path()).await;
    connected(&cluster).await;
    assert!(!unfinished.exists());
}

#[tokio::test]
async fn settings_of_the_users_own_win_over_ours() {
    let data = folder();
    started(data.path()).await.stop().await;
    let configuration = data.path().join("postgres/postgresql.conf");
    let mut text = fs::read_to_string(&configuration).unwrap();
    text.push_str("work_mem = '7MB'\n");
    fs::write(&configuration, text).unwrap();
    let cluster = started(data.path()).await;
    assert_eq!(setting(&mut connected(&cluster).await, "work_mem").await, "7MB");
}

#[tokio::test]
async fn no_postgresql_is_refused() {
    let data = folder();
    let empty = folder();
    let refused = refused(ClusterOptions {
        data: data.path().to_path_buf(),
        binaries: Some(empty.path().to_path_buf()),
    })
    .await;
    assert!(matches!(refused, ClusterRefused::PostgresMissing { .. }), "{refused}");
    assert!(refused.remedy().contains("apt-get install postgresql-15"));
}

#[tokio::test]
async fn an_old_postgresql_is_refused() {
    let (data, root) = (folder(), reachable_folder());
    let refused = refused(ClusterOptions {
        data: data.path().to_path_buf(),
        binaries: Some(pretended(root.path(), "13.16", true, "")),
    })
    .await;
    let ClusterRefused::PostgresTooOld { found, needed, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!((found.as_str(), *needed), ("13.16", 15));
    assert!(!data.path().join("postgres").exists());
}

#[tokio::test]
async fn a_program_that_only_calls_itself_postgres_is_refused() {
    let (data, root) = (folder(), reachable_folder());
    let refused = refused(ClusterOptions {
        data: data.path().to_path_buf(),
        binaries: Some(pretended(root.path(), "unknown", true, "")),
    })
    .await;
    assert!(matches!(refused, ClusterRefused::PostgresUnusable { .. }), "{refused}");
}

#[tokio::test]
async fn a_postgresql_without_postgis_is_refused() {
    let (data, root) = (folder(), reachable_folder());
    let refused = refused(ClusterOptions {
        data: data.path().to_path_buf(),
        binaries: Some(pretended(root.path(), "15.20", false, "")),
    })
    .await;
    let ClusterRefused::ExtensionMissing { extension, major, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!((*extension, *major), ("postgis", 15));
    assert!(refused.remedy().contains("postgresql-15-postgis-3"));
    assert!(!data.path().join("postgres").exists());
}

#[tokio::test]
async fn files_of_another_major_version_are_refused_and_left_alone() {
    let data = folder();
    started(data.path()).await.stop().await;
    let version = data.path().join("postgres/PG_VERSION");
    fs::write(&version, "99\n").unwrap();
    let refused = refused(in_folder(data.path())).await;
    let ClusterRefused::OtherMajorVersion { made_by, .. } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(*made_by, 99);
    assert_eq!(fs::read_to_string(&version).unwrap(), "99\n");
}

#[tokio::test]
async fn a_full_disk_at_initialisation_is_named_and_leaves_nothing() {
    let (data, root) = (folder(), reachable_folder());
    let complaint = "initdb: error: could not write file: No space left on device";
    let refused = refused(ClusterOptions {
        data: data.path().to_path_buf(),
        binaries: Some(pretended(root.path(), "15.20", true, complaint)),
    })
    .await;
    assert!(matches!(refused, ClusterRefused::DiskFull { .. }), "{refused}");
    assert!(!data.path().join("postgres").exists());
    assert!(!data.path().join("postgres.unfinished").exists());
}

#[tokio::test]
async fn a_failed_initialisation_says_what_initdb_said() {
    let (data, root) = (folder(), reachable_folder());
    let refused = refused(ClusterOptions {
        data: data.path().to_path_buf(),
        binaries: Some(pretended(root.path(), "15.20", true, "initdb: the moon is full")),
    })
    .await;
    assert!(
        matches!(refused, ClusterRefused::InitialisationFailed { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("the moon is full"));
}

#[tokio::test]
async fn a_server_that_does_not_start_is_quoted() {
    let data = folder();
    started(data.path()).await.stop().await;
    let configuration = data.path().join("postgres/postgresql.conf");
    let mut text = fs::read_to_string(&configuration).unwrap();
    text.push_str("no_such_setting = 1\n");
    fs::write(&configuration, text).unwrap();
    let refused = refused(in_folder(data.path())).await;
    let ClusterRefused::StartFailed { last_lines, .. } = &refused else {
        panic!("{refused}");
    };
    assert!(last_lines.contains("no_such_setting"), "{last_lines}");
}

#[tokio::test]
async fn a_file_in_place_of_the_folder_is_refused() {
    let root = folder();
    let data = root.path().join("data");
    fs::write(&data, "").unwrap();
    let refused = refused(in_folder(&data)).await;
    assert!(matches!(refused, ClusterRefused::FolderUnwritable { .. }), "{refused}");
}

/// What only an ordinary user meets: folders without the right to write, files of somebody else,
/// and process ids that PostgreSQL takes for its own. Root runs this very test as `nobody`.
#[tokio::test]
async fn an_ordinary_user_has_a_cluster_too() {
    if Uid::effective().is_root() {
        run_as_nobody("database::cluster::tests::an_ordinary_user_has_a_cluster_too");
        return;
    }
    let data = folder();
    let cluster = started(data.path()).await;
    write_a_row(&cluster).await;
    let owner = fs::metadata(data.path().join("postgres")).unwrap().uid();
    assert_eq!(owner, Uid::effective().as_raw());
    // Killed outright, and by the next start its process id belongs to another of our programs, or
    // to one that has ended and was not yet collected.
    let mut last = cluster;
    for is_running in [true, false] {
        kill(Pid::from_raw(last.server_pid().unwrap()), Signal::SIGKILL).unwrap();
        last.ended().await;
        drop(last);
        let pid_file = data.path().join("postgres/postmaster.pid");
        let text = fs::read_to_string(&pid_file).unwrap();
        let rest = text.split_once('\n').unwrap().1;
        let mut other = Command::new("sleep").arg("600").spawn().unwrap();
        if !is_running {
            other.kill().unwrap();
        }
        fs::write(&pid_file, format!("{}\n{rest}", other.id())).unwrap();
        last = started(data.path()).await;
        assert_eq!(kept_rows(&last).await, ["一策"]);
        other.kill().ok();
        other.wait().unwrap();
    }
    last.stop().await;

    let closed = folder();
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o500)).unwrap();
    for data in [closed.path().to_path_buf(), closed.path().join("data")] {
        let refused = refused(in_folder(&data)).await;
        assert!(matches!(refused, ClusterRefused::FolderUnwritable { .. }), "{refused}");
        assert!(refused.remedy().contains("YICE_DATA"));
    }
}

fn run_as_nobody(test: &str) {
    let nobody = User::from_name("nobody").unwrap().expect("the user nobody");
    let room = folder();
    fs::set_permissions(room.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // The build folder may be closed to others, as root's home is.
    let program = room.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let temporary = room.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    std::os::unix::fs::chown(&temporary, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).unwrap();
    let output = Command::new("setpriv")
        .args([
            format!("--reuid={}", nobody.uid),
            format!("--regid={}", nobody.gid),
            "--clear-groups".to_owned(),
        ])
        .arg(&program)
        .args(["--exact", test, "--nocapture"])
        .env("TMPDIR", &temporary)
        .current_dir("/")
        .output()
        .expect("setpriv runs");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn files_that_root_took_over_are_refused_with_the_way_out() {
    if !Uid::effective().is_root() {
        // Only root can make such a folder; for others it is covered by the mode of the folder.
        return;
    }
    let data = folder();
    started(data.path()).await.stop().await;
    std::os::unix::fs::chown(data.path().join("postgres"), Some(0), Some(0)).unwrap();
    let refused = refused(in_folder(data.path())).await;
    assert!(
        matches!(refused, ClusterRefused::FolderOfAnotherUser { .. }),
        "{refused}"
    );
    assert!(refused.remedy().contains("chown -R postgres"));
}

#[test]
fn a_mark_stays_with_the_folder_when_it_is_moved() {
    let root = folder();
    let (before, after) = (root.path().join("before"), root.path().join("after"));
    fs::create_dir(&before).unwrap();
    let mark = mark_of(&fs::File::open(&before).unwrap()).unwrap();
    fs::rename(&before, &after).unwrap();
    assert_eq!(mark_of(&fs::File::open(&after).unwrap()).unwrap(), mark);
    // Nobody bears it, so there is nothing to clear away.
    left_over::clear(&after, &mark).unwrap();
}

#[test]
fn memory_decides_the_settings_within_bounds() {
    for (memory_mib, buffers) in [(512, "128MB"), (16_384, "2048MB"), (262_144, "4096MB")] {
        let settings = super::tuning::settings(memory_mib);
        assert!(
            settings.contains(&format!("shared_buffers = {buffers}\n")),
            "{settings}"
        );
    }
}

#[test]
fn an_ordinary_caller_keeps_its_own_user() {
    let data = folder();
    let decided = super::run_as(&data.path().join("postgres"), true).unwrap();
    assert_eq!(decided == RunAs::Caller, !Uid::effective().is_root());
}
