//! What the tests of every procedure share.

/// Holds a page of the documentation against what the definition says; with `INSTA_UPDATE=always` it is written anew.
pub(crate) fn documented(file: &str, page: &str) {
    let path = format!("{}/../docs/user/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        std::fs::write(&path, page).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        held == page,
        "docs/user/{file} is out of date: run this test with INSTA_UPDATE=always"
    );
}
