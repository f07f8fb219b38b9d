//! The same plots of Hangzhou in the ways Chinese files really arrive: each ends at its reference, or
//! is refused with a way out that leads there. Over the small samples in the tree, and over the
//! larger set in the folder named by `YICE_TEST_DATA`, where there is one.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use geo::{Centroid, CoordsIter};
use geo_types::{Coord, Geometry};
use gis_data::crs::{Offset, layer_shift, layer_shift_by_nearest};
use gis_data::{
    Bounds, Candidate, Checked, Crs, CrsRefused, DatumShift, Layer, Pipeline, PipelineOptions, PipelineRefused, Source,
};
use support::*;

/// The files of one folder.
struct Set {
    folder: PathBuf,
    rows: u64,
    zip: &'static str,
    geojson: &'static str,
}

impl Set {
    fn shapefile(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{}", self.zip))
    }

    fn geojson(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}{}", self.geojson))
    }

    fn reference(&self) -> Outcome {
        let reference = import(&self.geojson("reference_wgs84"), options(None)).unwrap();
        assert_eq!(reference.rows, self.rows);
        reference
    }
}

fn sets() -> Vec<Set> {
    let mut sets = vec![Set {
        folder: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("samples/hangzhou-crs"),
        rows: 20,
        zip: ".zip",
        geojson: ".geojson",
    }];
    match std::env::var_os("YICE_TEST_DATA") {
        Some(folder) => sets.push(Set {
            folder: PathBuf::from(folder).join("china-crs-encoding-variants"),
            rows: 600,
            zip: ".shp.zip",
            geojson: ".geojson.gz",
        }),
        None => eprintln!("the larger set was passed over: YICE_TEST_DATA names no folder"),
    }
    sets
}

fn options(crs: Option<&str>) -> PipelineOptions {
    PipelineOptions {
        crs: crs.map(|text| Crs::of_source(text).unwrap()),
        map: vec![("key".to_owned(), "osm_id".to_owned())],
        ..PipelineOptions::new(Layer::Parcels)
    }
}

/// The west of Hangzhou.
fn hangzhou() -> Bounds {
    Bounds::parse("119.5,29.9,120.5,30.6").unwrap()
}

fn refused(path: &Path, options: PipelineOptions) -> CrsRefused {
    match Pipeline::new(&open(path), options) {
        Err(PipelineRefused::Crs(refused)) => {
            assert!(!refused.words().zh.is_empty() && !refused.remedy().zh.is_empty());
            refused
        }
        other => panic!("{}: {other:?}", path.display()),
    }
}

/// The farthest that any vertex lies from the reference's vertex nearest to it, metres.
fn farthest(reference: &Outcome, found: &Outcome) -> f64 {
    let (reference, found) = (reference.by_key(), found.by_key());
    assert_eq!(reference.keys().collect::<Vec<_>>(), found.keys().collect::<Vec<_>>());
    let off = |a: &Candidate, b: &Candidate| {
        let there: Vec<Coord<f64>> = b.geometry.as_ref().unwrap().coords_iter().collect();
        a.geometry
            .as_ref()
            .unwrap()
            .coords_iter()
            .map(|here| there.iter().map(|one| metres(here, *one)).fold(f64::INFINITY, f64::min))
            .fold(0.0, f64::max)
    };
    reference
        .iter()
        .map(|(key, one)| off(one, found[key]).max(off(found[key], one)))
        .fold(0.0, f64::max)
}

fn centroids(outcome: &Outcome) -> Vec<(String, Coord<f64>)> {
    outcome
        .by_key()
        .into_iter()
        .map(|(key, candidate)| {
            let middle = candidate.geometry.as_ref().unwrap().centroid().unwrap();
            (key.to_owned(), middle.0)
        })
        .collect()
}

/// The first corner of every nth plot in the file's own coordinates, by key. Shapefiles may put the
/// rings of a plot in another order, so only plots of one ring count.
fn first_corners(path: &Path, every: usize) -> BTreeMap<String, Coord<f64>> {
    let mut source: Source = open(path);
    let rows: Vec<_> = source.rows().map(Result::unwrap).collect();
    rows.iter()
        .step_by(every)
        .filter_map(|row| {
            let key = row.properties["osm_id"].as_str().unwrap().trim().to_owned();
            let ring = match row.geometry.as_ref().unwrap().as_ref().unwrap() {
                Geometry::Polygon(polygon) if polygon.interiors().is_empty() => polygon.exterior(),
                Geometry::MultiPolygon(polygons) if polygons.0.len() == 1 && polygons.0[0].interiors().is_empty() => {
                    polygons.0[0].exterior()
                }
                _ => return None,
            };
            Some((key, ring.0[0]))
        })
        .collect()
}

#[test]
fn cgcs2000_in_a_zone_ends_at_the_reference() {
    for set in sets() {
        let reference = set.reference();
        let options = PipelineOptions {
            bounds: Some(hangzhou()),
            ..options(None)
        };
        let outcome = import(&set.shapefile("cgcs2000_gk_cm120_gbk_ldid_only"), options).unwrap();
        assert!(farthest(&reference, &outcome) < 0.05);
    }
}

#[test]
fn a_file_that_says_nothing_is_refused_and_what_is_offered_ends_at_the_reference() {
    for set in sets() {
        let reference = set.reference();
        let path = set.shapefile("cgcs2000_gk_zone40_gbk_no_prj_no_cpg_no_ldid");
        let found = refused(&path, options(None));
        assert_eq!(found.code(), "crs_missing");
        let offer = &found.offers()[0];
        assert_eq!(offer.arguments(), "--crs EPSG:4528");
        let outcome = import(&path, options(offer.crs.as_deref())).unwrap();
        assert!(farthest(&reference, &outcome) < 0.05);
        // Given without the number, the other form is offered.
        let found = refused(&path, options(Some("EPSG:4549")));
        assert_eq!(found.code(), "crs_zone_number");
        assert_eq!(found.offers()[0].crs.as_deref(), Some("EPSG:4528"));
    }
}

/// The file as a surveyor may hand it over: x = north. As GeoJSON with the older `crs` member.
fn exchanged(path: &Path, crs: &str, folder: &Folder) -> PathBuf {
    let mut source = open(path);
    let features: Vec<String> = source
        .rows()
        .map(|row| {
            let row = row.unwrap();
            let mut shape = row.geometry.unwrap().unwrap();
            geo::MapCoordsInPlace::map_coords_in_place(&mut shape, |coord| Coord { x: coord.y, y: coord.x });
            let polygons = match shape {
                Geometry::Polygon(polygon) => vec![polygon],
                Geometry::MultiPolygon(polygons) => polygons.0,
                other => panic!("{other:?}"),
            };
            let polygons: Vec<String> = polygons
                .iter()
                .map(|polygon| {
                    let rings: Vec<Ring> = std::iter::once(polygon.exterior())
                        .chain(polygon.interiors())
                        .map(|ring| ring.coords().map(|coord| (coord.x, coord.y)).collect())
                        .collect();
                    positions(&rings)
                })
                .collect();
            format!(
                r#"{{"type":"Feature","properties":{},"geometry":{{"type":"MultiPolygon","coordinates":[{}]}}}}"#,
                serde_json::Value::Object(row.properties),
                polygons.join(",")
            )
        })
        .collect();
    let text = collection(&features).replacen(
        '{',
        &format!(r#"{{"crs":{{"type":"name","properties":{{"name":"{crs}"}}}},"#),
        1,
    );
    folder.write("exchanged.geojson", text)
}

#[test]
fn exchanged_axes_are_refused_and_the_way_out_ends_at_the_reference() {
    for set in sets() {
        let reference = set.reference();
        let folder = Folder::new();
        for (name, crs) in [
            (set.shapefile("cgcs2000_gk_cm120_gbk_ldid_only"), "EPSG:4549"),
            (
                set.shapefile("cgcs2000_gk_zone40_gbk_no_prj_no_cpg_no_ldid"),
                "EPSG:4528",
            ),
            (set.geojson("reference_wgs84"), "EPSG:4326"),
        ] {
            let path = exchanged(&name, crs, &folder);
            let found = refused(&path, options(None));
            assert_eq!(found.code(), "crs_axes_exchanged", "{crs}");
            assert_eq!(found.offers()[0].arguments(), "--swap-axes", "{crs}");
            let outcome = import(
                &path,
                PipelineOptions {
                    swap_axes: true,
                    ..options(None)
                },
            )
            .unwrap();
            assert!(farthest(&reference, &outcome) < 0.05, "{crs}");
        }
    }
}

#[test]
fn old_datums_want_parameters_and_control_points_lead_to_the_reference() {
    for set in sets() {
        let reference = set.reference();
        for (name, epsg) in [
            ("xian80_gk_cm120_gbk_bytes_utf8_cpg", 2385),
            ("beijing54_gk_cm120_gbk_ldid_only", 2437),
        ] {
            let path = set.shapefile(name);
            assert_eq!(refused(&path, options(None)).code(), "crs_old_datum");
            // Known points: the first corner of every third plot, where the reference has it.
            let known = first_corners(&set.geojson("reference_wgs84"), 3);
            let mut table = "name,source_east,source_north,target_lon,target_lat\n".to_owned();
            for (key, old) in first_corners(&path, 3) {
                let new = known[&key];
                table.push_str(&format!("{key},{},{},{},{}\n", old.x, old.y, new.x, new.y));
            }
            let shift = DatumShift::by_control_points(&table, "杭州市测绘院，2019 年第 12 号", None).unwrap();
            let with_shift = PipelineOptions {
                datum_shift: Some(shift),
                bounds: Some(hangzhou()),
                ..options(None)
            };
            let pipeline = Pipeline::new(&open(&path), with_shift.clone()).unwrap();
            let record = pipeline.shift_record().unwrap().clone();
            assert_eq!(record.method, "control_points");
            assert_eq!(record.target.as_deref(), Some("EPSG:4549"));
            assert!(record.residuals.len() as u64 > set.rows / 4);
            let rms_m = record.rms_m.unwrap();
            assert!(rms_m < 0.02, "{name}: {rms_m} m");
            let outcome = import(&path, with_shift).unwrap();
            let off = farthest(&reference, &outcome);
            assert!(off < 0.05, "{name}: {off} m");
            assert_eq!(outcome.warnings().get("datum_shifted"), Some(&outcome.accepted.len()));
            assert_eq!(outcome.warnings().get("control_point_residuals"), Some(&1));
            for candidate in &outcome.accepted {
                let original = candidate.original.as_ref().unwrap();
                assert_eq!(original.epsg, Some(epsg));
                let first = original.geometry.coords_iter().next().unwrap();
                assert!(
                    first.y > 3_000_000.0 && first.x < 1_000_000.0,
                    "in its own plane: {first:?}"
                );
                assert_eq!(candidate.shape_before().unwrap().1, Some(epsg));
                let warning = candidate
                    .warnings
                    .iter()
                    .find(|one| one.code.as_str() == "datum_shifted");
                assert!(warning.unwrap().message_zh.contains("2019 年第 12 号"));
            }
        }
    }
}

#[test]
fn gcj02_is_taken_back_where_it_is_declared_and_noticed_where_it_is_not() {
    for set in sets() {
        let reference = set.reference();
        let path = set.geojson("gcj02_offset_mislabelled_wgs84");
        assert_eq!(Crs::parse("gcj02").unwrap_err().code(), "crs_offset");
        let declared = import(&path, options(Some("gcj02"))).unwrap();
        let off = farthest(&reference, &declared);
        assert!(off < 0.25, "{off} m: the file has six decimals");
        assert_eq!(
            declared.warnings().get("offset_taken_back"),
            Some(&declared.accepted.len())
        );
        assert!(declared.accepted.iter().all(|candidate| {
            let original = candidate.original.as_ref().unwrap();
            original.system.contains("GCJ-02") && original.epsg.is_none()
        }));
        // Under its label it goes in, and what is known already shows that it lies beside itself.
        let mislabelled = import(&path, options(None)).unwrap();
        let (new, known) = (centroids(&mislabelled), centroids(&reference));
        let by_key: Vec<(Coord<f64>, Coord<f64>)> = new.iter().zip(&known).map(|(a, b)| (a.1, b.1)).collect();
        let places = |list: &[(String, Coord<f64>)]| list.iter().map(|one| one.1).collect::<Vec<_>>();
        for found in [
            layer_shift(&by_key),
            layer_shift_by_nearest(&places(&new), &places(&known)),
        ] {
            let found = found.unwrap();
            assert_eq!(found.looks_like, Some(Offset::Gcj02));
            assert!((300.0..700.0).contains(&found.distance_m()), "{found:?}");
            let warning = found.warning();
            assert_eq!(warning.code.as_str(), "layer_shifted");
            assert!(warning.message_en.contains("--crs gcj02"));
        }
        let right: Vec<(Coord<f64>, Coord<f64>)> = known.iter().map(|one| (one.1, one.1)).collect();
        assert_eq!(layer_shift(&right), None);
        assert_eq!(layer_shift_by_nearest(&places(&known), &places(&known)), None);
    }
}

#[test]
fn a_converted_shape_that_is_mended_keeps_the_source_s_own() {
    let folder = Folder::new();
    // A bow-tie in GCJ-02: small enough to be mended by the tolerance given.
    let bow_tie = vec![
        (119.95, 31.78),
        (119.951, 31.781),
        (119.951, 31.78),
        (119.95, 31.781),
        (119.95, 31.78),
    ];
    let path = folder.write(
        "bow.geojson",
        collection(&[feature("P1", &polygon_json(std::slice::from_ref(&bow_tie)))]),
    );
    let mut source = open(&path);
    let options = PipelineOptions {
        crs: Some(Crs::of_source("gcj02").unwrap()),
        tolerance: gis_data::MendTolerance {
            relative: 1e9,
            absolute_m2: 1e9,
        },
        ..parcels()
    };
    let pipeline = Pipeline::new(&source, options).unwrap();
    let row = source.rows().next().unwrap().unwrap();
    let Checked::Accepted(candidate) = pipeline.check(row) else {
        panic!("quarantined");
    };
    assert!(candidate.repaired.is_some());
    let (before, epsg) = candidate.shape_before().unwrap();
    assert_eq!((before, epsg), (&polygon(&[bow_tie]), None));
}
