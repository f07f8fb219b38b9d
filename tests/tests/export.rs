//! `yice export` as somebody types it: files that are whole or not there.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by itself")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;
use tests::{Parcel, Registry, run, succeed, words, write_parcels};

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A data folder with six parcels that hold since 2020.
fn six_parcels() -> TempDir {
    let (data, files) = (folder(), folder());
    let file = files.path().join("parcels.geojson");
    write_parcels(&file, &(0..6).map(Parcel::at).collect::<Vec<_>>()).unwrap();
    let file = file.to_str().unwrap();
    succeed(
        data.path(),
        &["import", file, "--layer", "parcels", "--valid-from", "2020-01-01"],
    )
    .unwrap();
    data
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn every_format_is_written_whole_beside_a_running_server() {
    let (data, files) = (six_parcels(), folder());
    let registry = Registry::start(data.path()).unwrap();
    let at = |name: &str| files.path().join(name).to_str().unwrap().to_owned();
    for (name, format, begins) in [
        ("宗地.geojson", None, &b"{\"type\":\"FeatureCollection\""[..]),
        ("宗地.gpkg", None, b"SQLite format 3\0"),
        ("宗地.shp.zip", None, b"PK\x03\x04"),
        ("宗地.fgb", None, b"fgb\x03fgb"),
        ("宗地.csv", None, b"\xef\xbb\xbfid,"),
        ("宗地.xlsx", None, b"PK\x03\x04"),
        ("no-ending", Some("gpkg"), b"SQLite format 3\0"),
    ] {
        let file = at(name);
        let mut arguments = vec!["export", "--layer", "parcels", "--crs", "EPSG:4549", &file];
        arguments.extend(format.iter().flat_map(|format| ["--format", format]));
        let said = succeed(data.path(), &arguments).unwrap();
        assert!(said.contains("6 parcels") && said.contains("EPSG:4549"), "{said}");
        if name.contains("shp") {
            assert!(said.contains("registered_area_m2 → registered"), "{said}");
        }
        let bytes = fs::read(&file).unwrap();
        assert!(bytes.starts_with(begins), "{name}");
        // A file that its owner alone can read would be of no use to the next office.
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_ne!(mode & 0o044, 0, "{name}: {mode:o}");
    }
    assert_eq!(names_in(files.path()).len(), 7, "{:?}", names_in(files.path()));

    // The day and the filter reach the statement, and what was there is replaced.
    let file = at("宗地.geojson");
    for (more, count) in [
        (&["--as-of", "2019-12-31"][..], 0),
        (&["--as-of", "2020-01-01"], 6),
        (&["--where", "q=P0003"], 1),
        (&["--known-at", "2020-01-01T00:00:00Z"], 0),
    ] {
        let mut arguments = vec!["export", "--layer", "parcels", &file];
        arguments.extend(more);
        succeed(data.path(), &arguments).unwrap();
        let document: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        assert_eq!(document["features"].as_array().unwrap().len(), count, "{more:?}");
    }
    registry.interrupt().unwrap();
}

#[test]
fn an_export_that_cannot_be_leaves_the_file_that_was_there() {
    let (data, files) = (six_parcels(), folder());
    let file = files.path().join("out.gpkg");
    fs::write(&file, "yesterday's").unwrap();
    let file = file.to_str().unwrap();
    let elsewhere = files.path().join("nowhere/out.gpkg");
    for (arguments, code, said) in [
        // The parcels lie at 120° east: found out while rows are written.
        (
            &["--layer", "parcels", "--crs", "EPSG:4513", file][..],
            1,
            "central meridian",
        ),
        (&["--layer", "parcels", "--crs", "EPSG:2360", file], 1, "EPSG:4490"),
        (&["--layer", "parcels", "--where", "colour=red", file], 1, "colour"),
        (&["--layer", "parcels", "--as-of", "yesterday", file], 1, "2024-06-30"),
        (&["--layer", "units", "--format", "fgb", file], 1, "no shapes"),
        (&["--layer", "parcels", "out.txt"], 1, "--format"),
        (&["--layer", "parcels", "--format", "shp", "out.shp"], 1, ".zip"),
        (&["--layer", "roads", file], 2, "parcels, buildings"),
        (&["--layer", "parcels", elsewhere.to_str().unwrap()], 3, "folder"),
    ] {
        let mut all = vec!["export"];
        all.extend(arguments);
        let output = run(data.path(), &all).unwrap();
        let words = words(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {words}");
        assert!(words.contains(said), "{arguments:?}: {words}");
    }
    assert_eq!(fs::read_to_string(file).unwrap(), "yesterday's");
    assert_eq!(names_in(files.path()), ["out.gpkg"]);
}
