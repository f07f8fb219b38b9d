//! Accounts from the command line, and who gets in by them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by itself")]

use serde_json::{Value, json};
use tests::{Answer, Registry, run, succeed, words};

fn sign_in(registry: &Registry, username: &str, password: &str) -> Answer {
    let body = json!({"username": username, "password": password}).to_string();
    // A cookie of nobody: the tests' own token stays out of it.
    let headers = [("content-type", "application/json"), ("cookie", "none=1")];
    registry
        .ask("POST", "/api/v1/session", &headers, body.as_bytes())
        .unwrap()
}

#[test]
fn accounts_are_made_disabled_and_given_tokens_beside_a_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    let registry = Registry::start(data).unwrap();
    assert!(registry.log().contains("/#first="), "{}", registry.log());

    let said = succeed(
        data,
        &["user", "add", "wang.fang", "--display-name", "王芳", "--role", "viewer"],
    )
    .unwrap();
    let password = said
        .lines()
        .find_map(|line| line.strip_prefix("password for the first sign-in: "))
        .unwrap();
    let session = sign_in(&registry, "wang.fang", password);
    assert_eq!(session.status, 200, "{:?}", session.json());
    assert_eq!(session.json().unwrap()["must_change_password"], true);
    let cookie = session.header("set-cookie").unwrap();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"),
        "{cookie}"
    );

    let token = succeed(data, &["user", "token", "wang.fang", "--name", "QGIS"]).unwrap();
    let bearer = format!("Bearer {}", token.trim());
    let read = |path: &str| {
        registry
            .ask("GET", path, &[("authorization", &bearer)], &[])
            .unwrap()
            .status
    };
    assert_eq!(read("/ogc/collections"), 200);
    assert_eq!(read("/metrics"), 403);

    assert!(succeed(data, &["user", "list"]).unwrap().contains("wang.fang"));
    for (arguments, code, part) in [
        (vec!["user", "add", "wang.fang"], 1, "already"),
        (vec!["user", "add", "a b"], 1, "username"),
        (vec!["user", "add", "x.y", "--role", "king"], 2, "asset_manager"),
        (
            vec!["user", "add", "x.y", "--role", "viewer", "--region", "99"],
            1,
            "99",
        ),
        (vec!["user", "token", "nobody"], 1, "nobody"),
        (vec!["user", "token", "wang.fang", "--days", "0"], 1, "730"),
        (vec!["user", "disable", "tests"], 1, "last administrator"),
    ] {
        let output = run(data, &arguments).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", words(&output));
        assert!(words(&output).contains(part), "{arguments:?}: {}", words(&output));
    }
    // What was refused left nothing behind.
    let people: Value = registry.get_json("/api/v1/people").unwrap();
    let names: Vec<&str> = people["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["username"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["tests", "wang.fang"]);

    let said = succeed(data, &["user", "passwd", "wang.fang"]).unwrap();
    let fresh = said
        .lines()
        .find_map(|line| line.strip_prefix("password for the first sign-in: "))
        .unwrap();
    assert_eq!(sign_in(&registry, "wang.fang", password).status, 401);
    assert_eq!(sign_in(&registry, "wang.fang", fresh).status, 200);
    succeed(data, &["user", "disable", "wang.fang"]).unwrap();
    // Another process was told of it: the server believes what it knew for a second.
    std::thread::sleep(std::time::Duration::from_millis(1200));
    assert_eq!(read("/ogc/collections"), 401);
    assert_eq!(sign_in(&registry, "wang.fang", fresh).status, 403);
    succeed(data, &["user", "enable", "wang.fang"]).unwrap();
    assert_eq!(read("/ogc/collections"), 200);

    drop(registry);
    // There is an administrator now: no link.
    let registry = Registry::start(data).unwrap();
    assert!(!registry.log().contains("/#first="), "{}", registry.log());
}
