//! Starting, stopping and being killed: the program with its embedded database, as a person meets it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by itself")]

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};
use serde_json::Value;
use tempfile::TempDir;
use tests::{
    Parcel, Registry, command, database_processes, free_port, is_running, run, succeed, wait_until, words,
    write_parcels,
};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn ctrl_c_stops_the_program_and_its_database_cleanly() {
    let data = folder();
    let registry = Registry::start(data.path()).unwrap();
    let database = database_processes(data.path());
    assert!(!database.is_empty());
    let status = registry.interrupt().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(
        database.iter().all(|pid| !is_running(*pid)),
        "database processes outlive the program"
    );
    assert!(!data.path().join("postgres/postmaster.pid").exists());
    let log = fs::read_to_string(data.path().join("postgres.log")).unwrap();
    assert!(log.trim_end().ends_with("database system is shut down"), "{log}");
}

#[test]
fn a_program_killed_alone_takes_its_database_along() {
    let data = folder();
    let registry = Registry::start(data.path()).unwrap();
    let database = database_processes(data.path());
    kill(Pid::from_raw(registry.pid().cast_signed()), Signal::SIGKILL).unwrap();
    wait_until("the database notices", || database.iter().all(|pid| !is_running(*pid)));
}

#[test]
fn after_killing_everything_the_next_start_finds_all_as_it_was() {
    let (data, files) = (folder(), folder());
    let registry = Registry::start(data.path()).unwrap();
    let file = files.path().join("parcels.geojson");
    write_parcels(&file, &(0..40).map(Parcel::at).collect::<Vec<_>>()).unwrap();
    let import = registry.import(&file, &[("layer", "parcels")]).unwrap();
    assert_eq!(import["report"]["counts"]["inserted"], 40, "{import}");
    let answers = |registry: &Registry| {
        [
            "/api/v1/totals",
            "/api/v1/parcels?limit=100&sort=code",
            "/api/v1/imports",
            "/api/v1/ledger/head",
        ]
        .map(|path| registry.get_json(path).unwrap())
    };
    // The ledger's head is signed a moment after the rows are written.
    wait_until("the ledger is sealed", || {
        registry
            .get_json("/api/v1/ledger/head")
            .is_ok_and(|head| head != Value::Null)
    });
    thread::sleep(Duration::from_secs(2));
    let before = answers(&registry);
    registry.kill_everything().unwrap();

    let again = Registry::start(data.path()).unwrap();
    assert_eq!(answers(&again), before);
    again.interrupt().unwrap();
    succeed(data.path(), &["ledger", "verify"]).unwrap();
}

#[test]
fn a_second_start_on_one_data_folder_is_refused_by_name() {
    let data = folder();
    let first = Registry::start(data.path()).unwrap();
    let port = free_port().unwrap();
    let second = run(data.path(), &["serve", "--listen", &format!("127.0.0.1:{port}")]).unwrap();
    assert_eq!(second.status.code(), Some(3), "{}", words(&second));
    let said = words(&second);
    assert!(said.contains(&format!("process {}", first.pid())), "{said}");
    assert!(said.contains("YICE_DATA"), "no way out is named: {said}");
    assert_eq!(first.get("/readyz").unwrap().status, 200);
}

#[test]
fn a_busy_port_is_named_with_the_way_out_and_the_database_is_stopped() {
    let data = folder();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let output = run(data.path(), &["serve", "--listen", &address]).unwrap();
    let said = words(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains(&holder.local_addr().unwrap().port().to_string()),
        "{said}"
    );
    assert!(said.contains("--listen"), "no way out is named: {said}");
    assert!(database_processes(data.path()).is_empty());
}

#[test]
fn the_demo_is_refused_on_an_address_that_others_can_reach() {
    let data = folder();
    let port = free_port().unwrap();
    let output = run(
        data.path(),
        &["serve", "--demo", "--listen", &format!("0.0.0.0:{port}")],
    )
    .unwrap();
    let said = words(&output);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("127.0.0.1"), "no way out is named: {said}");
}

#[test]
fn an_unwritable_data_folder_is_named_with_the_way_out() {
    let root = folder();
    let in_the_way = root.path().join("data");
    fs::write(&in_the_way, "").unwrap();
    let output = run(&in_the_way, &["serve"]).unwrap();
    let said = words(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains(&in_the_way.display().to_string()) && said.contains("YICE_DATA"),
        "{said}"
    );
}

#[test]
fn an_ordinary_user_may_not_write_everywhere() {
    let root = folder();
    fs::set_permissions(root.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let closed = root.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o555)).unwrap();
    let data = closed.join("data");
    let output = if Uid::effective().is_root() {
        // The build folder may be closed to others, as root's home is.
        let program = root.path().join("yice");
        fs::copy(tests::program().unwrap(), &program).unwrap();
        let nobody = User::from_name("nobody").unwrap().unwrap();
        Command::new("setpriv")
            .args([
                format!("--reuid={}", nobody.uid),
                format!("--regid={}", nobody.gid),
                "--clear-groups".into(),
            ])
            .arg(&program)
            .arg("serve")
            .env_remove("DATABASE_URL")
            .env("YICE_DATA", &data)
            .current_dir("/")
            .output()
            .unwrap()
    } else {
        command(&data).unwrap().arg("serve").output().unwrap()
    };
    let said = words(&output);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("YICE_DATA"), "{said}");
}
