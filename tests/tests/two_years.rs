//! The main job: a file of parcels, the next year's file, two dates of a parcel, and the proof of it all.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by itself")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{Parcel, Registry, larger_sets, run, succeed, wait_until, words, write_parcels};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn year(folder: &Path, name: &str, parcels: &[Parcel]) -> std::path::PathBuf {
    let file = folder.join(name);
    write_parcels(&file, parcels).unwrap();
    file
}

fn holds(tile: &[u8], word: &str) -> bool {
    tile.windows(word.len()).any(|window| window == word.as_bytes())
}

fn id_of(registry: &Registry, code: &str) -> String {
    let found = registry.get_json(&format!("/api/v1/search?q={code}")).unwrap();
    found["items"][0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{code} is not found: {found}"))
        .to_owned()
}

#[test]
fn two_years_of_a_file_give_two_dates_of_a_parcel() {
    let (data, files) = (folder(), folder());
    let registry = Registry::start(data.path()).unwrap();
    let fields = |valid_from: &'static str| [("layer", "parcels"), ("dataset", "parcels"), ("valid_from", valid_from)];

    let first: Vec<Parcel> = (0..10).map(Parcel::at).collect();
    let first_file = year(files.path(), "parcels_2013.geojson", &first);
    let import = registry.import(&first_file, &fields("2013-07-01")).unwrap();
    let counts = |import: &Value| import["report"]["counts"].clone();
    assert_eq!(
        counts(&import),
        json!({"read": 10, "inserted": 10, "unchanged": 0, "new_version": 0, "quarantined": 0}),
        "{import}"
    );
    let again = registry.import(&first_file, &fields("2013-07-01")).unwrap();
    assert_eq!(
        counts(&again),
        json!({"read": 10, "inserted": 0, "unchanged": 10, "new_version": 0, "quarantined": 0}),
        "{again}"
    );

    // One renamed, one gone, one new.
    let mut second = first.clone();
    second[3].name = "人民大院".to_owned();
    second.remove(9);
    second.push(Parcel::at(10));
    let import = registry
        .import(
            &year(files.path(), "parcels_2014.geojson", &second),
            &fields("2014-07-01"),
        )
        .unwrap();
    assert_eq!(
        counts(&import),
        json!({"read": 10, "inserted": 1, "unchanged": 8, "new_version": 1, "quarantined": 0}),
        "{import}"
    );
    assert_eq!(
        (&import["report"]["missing"], &import["report"]["closed"]),
        (&json!(1), &json!(0)),
        "{import}"
    );

    let id = id_of(&registry, "P0003");
    let name_on = |registry: &Registry, date: &str| {
        registry
            .get_json(&format!("/api/v1/parcels/{id}?as_of={date}"))
            .unwrap()["name"]
            .clone()
    };
    assert_eq!(name_on(&registry, "2013-12-31"), "地块3");
    assert_eq!(name_on(&registry, "2014-12-31"), "人民大院");
    assert_eq!(
        registry
            .get(&format!("/api/v1/parcels/{id}?as_of=2013-06-30"))
            .unwrap()
            .status,
        404
    );
    let versions = registry.get_json(&format!("/api/v1/parcels/{id}/versions")).unwrap();
    assert!(
        versions["items"].as_array().is_some_and(|items| items.len() >= 2),
        "{versions}"
    );

    // The map follows the ledger by itself; the map of the past is the past's.
    let middle = Parcel::at(3).middle();
    let deadline = Instant::now() + Duration::from_secs(5);
    while !holds(&registry.tile("parcels", 16, middle, "").unwrap(), "人民大院") {
        assert!(Instant::now() < deadline, "the new name does not come to the map");
        thread::sleep(Duration::from_millis(10));
    }
    let past = registry.tile("parcels", 16, middle, "?as_of=2013-12-31").unwrap();
    assert!(holds(&past, "地块3") && !holds(&past, "人民大院"));

    registry.kill_everything().unwrap();
    let registry = Registry::start(data.path()).unwrap();
    assert_eq!(name_on(&registry, "2013-12-31"), "地块3");
    assert_eq!(name_on(&registry, "2014-12-31"), "人民大院");
    registry.interrupt().unwrap();
    succeed(data.path(), &["ledger", "verify"]).unwrap();
}

#[test]
fn a_row_that_a_superuser_edits_is_named_by_the_ledger() {
    let (data, files) = (folder(), folder());
    let file = year(
        files.path(),
        "parcels.geojson",
        &(0..5).map(Parcel::at).collect::<Vec<_>>(),
    );
    succeed(data.path(), &["import", file.to_str().unwrap(), "--layer", "parcels"]).unwrap();
    let before = succeed(data.path(), &["ledger", "verify"]).unwrap();
    assert!(before.contains("entries"), "{before}");

    let registry = Registry::start(data.path()).unwrap();
    let id = id_of(&registry, "P0002");
    let edited = Command::new("psql")
        .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "yice", "-d", "yice", "-h"])
        .arg(data.path().join("postgres"))
        .args(["-c", "set session_replication_role = replica; update spatial_unit_version set name = '别人的' where code = 'P0002'"])
        .output()
        .unwrap();
    assert!(edited.status.success(), "{}", words(&edited));
    registry.interrupt().unwrap();

    let after = run(data.path(), &["ledger", "verify"]).unwrap();
    let said = words(&after);
    assert_eq!(after.status.code(), Some(1), "{said}");
    assert!(
        said.contains("ledger entry") && said.contains(&id),
        "the entry is not named: {said}"
    );
}

/// A superuser who removes the newest entries together with everything they speak of leaves a ledger that is whole in
/// itself; only a head that was noted down elsewhere tells.
#[test]
fn an_end_that_was_cut_off_is_found_with_a_noted_head() {
    let (data, files) = (folder(), folder());
    let import = |numbers: std::ops::Range<u32>, dataset: &str| {
        let file = year(
            files.path(),
            "parcels.geojson",
            &numbers.map(Parcel::at).collect::<Vec<_>>(),
        );
        let file = file.to_str().unwrap().to_owned();
        succeed(
            data.path(),
            &["import", &file, "--layer", "parcels", "--dataset", dataset],
        )
        .unwrap();
        succeed(data.path(), &["ledger", "head"]).unwrap()
    };
    let size = |note: &str| note.lines().nth(1).unwrap().parse::<u64>().unwrap();
    let first = size(&import(0..5, "first"));
    let note = import(10..15, "second");
    assert!(size(&note) > first, "{note}");
    let kept = files.path().join("head.txt");
    fs::write(&kept, &note).unwrap();
    let with_note = ["ledger", "verify", "--head", kept.to_str().unwrap()];
    succeed(data.path(), &with_note).unwrap();

    let registry = Registry::start(data.path()).unwrap();
    let cut = format!(
        "set session_replication_role = replica;
         set lock_timeout = '2s';
         lock table ledger_entry, ledger_leaf, ledger_head in access exclusive mode;
         delete from ledger_head where tree_size > {first};
         delete from spatial_unit_version v using spatial_unit u where u.id = v.object_id and u.dataset = 'second';
         delete from spatial_unit where dataset = 'second';
         delete from ledger_entry e using ledger_leaf l where l.entry_id = e.id and l.seq > {first};
         delete from ledger_leaf where seq > {first}"
    );
    // The program seals and checks of its own accord: it is held between two of its transactions, and sees nothing of the cut.
    wait_until("the end of the ledger is cut off", || {
        registry.freeze().unwrap();
        let edited = Command::new("psql")
            .args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-U", "yice", "-d", "yice", "-h"])
            .arg(data.path().join("postgres"))
            .args(["-c", &cut])
            .output()
            .unwrap();
        let is_cut = edited.status.success();
        if !is_cut {
            assert!(words(&edited).contains("lock timeout"), "{}", words(&edited));
            registry.thaw().unwrap();
        }
        is_cut
    });
    registry.kill_everything().unwrap();

    succeed(data.path(), &["ledger", "verify"]).unwrap();
    let found = run(data.path(), &with_note).unwrap();
    assert_eq!(found.status.code(), Some(1), "{}", words(&found));
    fs::write(&kept, note.replace("yice-ledger", "other-ledger")).unwrap();
    let refused = run(data.path(), &with_note).unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", words(&refused));
    assert!(words(&refused).contains("head.txt"), "{}", words(&refused));
}

#[test]
fn a_broken_file_changes_nothing_and_says_why() {
    let (data, files) = (folder(), folder());
    let whole = year(
        files.path(),
        "parcels.geojson",
        &(0..20).map(Parcel::at).collect::<Vec<_>>(),
    );
    let text = fs::read(&whole).unwrap();
    let broken = files.path().join("broken.geojson");
    fs::write(&broken, &text[..text.len() / 2]).unwrap();
    let registry = Registry::start(data.path()).unwrap();
    let import = registry.import(&broken, &[("layer", "parcels")]).unwrap();
    assert_eq!(import["state"], "failed", "{import}");
    assert!(
        import["problem"]["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty()),
        "{import}"
    );
    assert_eq!(registry.get_json("/api/v1/totals").unwrap()["parcels"]["count"], 0);
}

#[test]
fn the_parcels_of_a_real_district_are_all_accounted_for() {
    // Only where the larger sets are; the closing words of the test command say so.
    let Some(sets) = larger_sets() else { return };
    let data = folder();
    let registry = Registry::start(data.path()).unwrap();
    let file = sets.join("paris18-cadastre/cadastre-75118-parcelles.json.gz");
    let import = registry
        .import(&file, &[("layer", "parcels"), ("dataset", "paris18")])
        .unwrap();
    assert_eq!(import["state"], "done", "{import}");
    let counts = &import["report"]["counts"];
    let count = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(count("read"), 6821);
    assert_eq!(count("inserted") + count("quarantined"), 6821, "{import}");
    let totals = registry.get_json("/api/v1/totals").unwrap();
    assert_eq!(totals["parcels"]["count"].as_u64(), Some(count("inserted")));
}
