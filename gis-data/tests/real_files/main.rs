//! Files as they came from their publishers: the samples in the tree, and larger sets from a folder
//! named by `YICE_TEST_DATA`, where there is one.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod awkward;
mod completeness;
mod formats;
mod jts;
mod places;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;
use std::path::PathBuf;

use geo::CoordsIter;
use geo_types::{Coord, Geometry};
use gis_data::{Candidate, Layer, PipelineOptions};
use support::metres;

fn samples() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// A folder of the larger sets; tests that need it pass over in its absence.
fn test_data(set: &str) -> Option<PathBuf> {
    let Some(folder) = std::env::var_os("YICE_TEST_DATA") else {
        eprintln!("passed over: YICE_TEST_DATA names no folder");
        return None;
    };
    let folder = PathBuf::from(folder).join(set);
    assert!(folder.is_dir(), "there is no {}", folder.display());
    Some(folder)
}

fn options(layer: Layer, map: &[(&str, &str)]) -> PipelineOptions {
    PipelineOptions {
        map: map.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        ..PipelineOptions::new(layer)
    }
}

/// The longest way from a vertex of one shape to the nearest vertex of the other, metres. Rings
/// may start elsewhere and run the other way.
fn apart(a: &Geometry<f64>, b: &Geometry<f64>) -> f64 {
    let far = |from: &Geometry<f64>, to: &Geometry<f64>| {
        let vertices: Vec<Coord<f64>> = to.coords_iter().collect();
        from.coords_iter()
            .map(|coord| {
                vertices
                    .iter()
                    .map(|other| metres(coord, *other))
                    .fold(f64::INFINITY, f64::min)
            })
            .fold(0.0, f64::max)
    };
    far(a, b).max(far(b, a))
}

fn assert_same_places(a: &BTreeMap<&str, &Candidate>, b: &BTreeMap<&str, &Candidate>, metres: f64) {
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (key, one) in a {
        let other = b[key];
        let off = apart(one.geometry.as_ref().unwrap(), other.geometry.as_ref().unwrap());
        assert!(off < metres, "{key}: {off} m apart");
        let (area, other_area) = (one.area_m2.unwrap(), other.area_m2.unwrap());
        assert!(
            (area - other_area).abs() < 0.05 + area * 1e-4,
            "{key}: {area} m² and {other_area} m²"
        );
    }
}

/// GDAL is optional: where it isn't installed, tests of it say that they were left out.
fn has_gdal() -> bool {
    let found = std::process::Command::new("ogr2ogr").arg("--version").output().is_ok();
    if !found {
        eprintln!("passed over: ogr2ogr is not installed");
    }
    found
}
