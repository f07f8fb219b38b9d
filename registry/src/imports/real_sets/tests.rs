//! Real files as they were published, on the whole way into the registry. Those of the larger sets are left out with a
//! word where `YICE_TEST_DATA` names no folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gis_data::Layer;
use serde_json::json;
use sqlx::PgPool;

use super::tests::{counts, held, import, state_of, test_data};
use super::{CompareAttributes, Counts, ImportFailed, ImportOrder, ImportProgress, run_import};
use crate::ids::ImportId;
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::prove;

fn order(layer: Layer, path: PathBuf, dataset: &str, map: &[(&str, &str)]) -> ImportOrder {
    ImportOrder {
        map: map
            .iter()
            .map(|(target, field)| ((*target).to_owned(), (*field).to_owned()))
            .collect(),
        compare_attributes: CompareAttributes::Mapped,
        ..ImportOrder::new(layer, path, dataset)
    }
}

/// 8 645 offices as points from columns; the text beside the workbook says the same.
#[sqlx::test(migrations = "../migrations")]
async fn the_offices_of_a_country_are_sites(pool: PgPool) {
    let Some(folder) = test_data("gsa-federal-buildings") else {
        return;
    };
    let (app, state) = app(&pool).await;
    let of = |name: &str| ImportOrder {
        crs: Some("EPSG:4326".to_owned()),
        ..order(
            Layer::Sites,
            folder.join(name),
            "offices",
            &[
                ("key", "Location Code"),
                ("code", "Location Code"),
                ("name", "Real Property Asset Name"),
                ("address", "Street Address"),
                ("registered_area_m2", "Building Rentable Square Feet@sqft"),
            ],
        )
    };
    let workbook = of("2025-6-20-iolp-buildings.xlsx");
    let (_, report) = import(&state, &workbook).await.unwrap();
    assert_eq!(report.counts, counts(8_645, 8_645, 0, 0, 0), "{:?}", report.reasons);
    let (points, east, with_leading_zero): (i64, i64, i64) = sqlx::query_as(
        "select count(*) filter (where geometrytype(geometry) = 'POINT'), count(*) filter (where st_x(geometry) > 0),
                count(*) filter (where source_attributes->>'Zip Code' like '0%') from spatial_unit_version",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((points, east), (8_645, 16));
    assert!(with_leading_zero > 100, "{with_leading_zero}");
    // 17 844 square feet.
    let found = ask(&app, "GET", "/api/v1/sites?q=GA2338", &[], None).await;
    let office = &found.body["items"][0];
    assert_eq!(
        (&office["code"], &office["name"], &office["address"]),
        (
            &json!("GA2338"),
            &json!("THOMPSON BRIDGE RD BLDG"),
            &json!("2565 THOMPSON BRIDGE RD")
        )
    );
    assert_eq!(office["registered_area_m2"], 1657.7618, "{office}");

    let (_, again) = import(&state, &of("iolp_buildings_2025-06-20.csv.gz")).await.unwrap();
    assert_eq!((again.counts, again.missing), (counts(8_645, 0, 8_645, 0, 0), 0));
    prove(&pool).await.unwrap();
}

/// Points are no footprints: the buildings of the estate are taken over as sites, and as buildings each is set aside.
#[sqlx::test(migrations = "../migrations")]
async fn a_federal_estate_has_its_sites_and_parcels(pool: PgPool) {
    let Some(folder) = test_data("swiss-federal-estate") else {
        return;
    };
    let (app, state) = app(&pool).await;
    let map = [
        ("key", "bbl_id"),
        ("code", "bbl_id"),
        ("name", "bbl_bez"),
        ("address", "adr_conct"),
        ("registered_area_m2", "garea_gf"),
    ];
    let buildings = folder.join("buildings.geojson");
    let (_, sites) = import(&state, &order(Layer::Sites, buildings.clone(), "sites", &map))
        .await
        .unwrap();
    assert_eq!(sites.counts, counts(21, 21, 0, 0, 0), "{:?}", sites.reasons);
    let found = ask(&app, "GET", "/api/v1/sites?q=1080/4840/AF", &[], None).await;
    assert_eq!(found.body["items"][0]["name"], "Bundeshaus West", "{}", found.body);
    let (_, aside) = import(&state, &order(Layer::Buildings, buildings, "buildings", &map))
        .await
        .unwrap();
    assert_eq!(aside.counts, counts(21, 0, 0, 0, 21));
    assert_eq!(aside.reasons, [("unsupported_geometry".to_owned(), 21)].into());
    let parcels = order(Layer::Parcels, folder.join("parcels.geojson"), "parcels", &[]);
    let (_, parcels) = import(&state, &parcels).await.unwrap();
    assert_eq!(parcels.counts, counts(20, 20, 0, 0, 0), "{:?}", parcels.reasons);
    prove(&pool).await.unwrap();
}

/// 2 193 zones of 53 772 vertices. One is a sliver of millimetres and has no area; the text sequence has fewer decimals.
#[sqlx::test(migrations = "../migrations")]
async fn one_layer_in_six_formats_is_one_delivery(pool: PgPool) {
    let Some(folder) = test_data("minneapolis-zoning-formats") else {
        return;
    };
    let (_, state) = app(&pool).await;
    let of = |format: &str| ImportOrder {
        same_shape: 0.99,
        ..order(
            Layer::Parcels,
            folder.join(format!("Minn_Primary_District.{format}")),
            "zones",
            &[
                ("key", "OBJECTID"),
                ("name", "ZONE_CODE"),
                ("code", ""),
                ("registered_area_m2", ""),
            ],
        )
    };
    let (_, first) = import(&state, &of("geojson.gz")).await.unwrap();
    assert_eq!(first.counts, counts(2_193, 2_192, 0, 0, 1), "{:?}", first.reasons);
    let (vertices,): (i64,) = sqlx::query_as("select sum(st_npoints(geometry)) from spatial_unit_version")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert!((53_700..=53_772).contains(&vertices), "{vertices}");
    let mut formats = vec!["gpkg", "shp.zip", "kml.gz"];
    let has_gdal = std::process::Command::new("ogr2ogr").arg("--version").output().is_ok();
    if has_gdal {
        formats.push("gml.gz");
    } else {
        eprintln!("left out: GML, which GDAL reads");
    }
    formats.push("geojsonl.gz");
    for format in formats {
        let (_, again) = import(&state, &of(format)).await.unwrap();
        // Fewer decimals make something else of six slivers along the streets.
        let changed = if format == "geojsonl.gz" { 6 } else { 0 };
        assert_eq!(
            again.counts,
            counts(2_193, 0, 2_192 - changed, changed, 1),
            "{format}: {again:?}"
        );
        assert_eq!((&again.reasons, again.missing), (&first.reasons, 0), "{format}");
    }
    let (versions,): (i64,) = sqlx::query_as("select count(version_id) from spatial_unit_version")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(versions, 2_192 + 6);
}

/// Every awkward file: taken over row by row with counts that add up, or refused with words; then nothing else is written.
#[sqlx::test(migrations = "../migrations")]
async fn awkward_files_are_taken_over_or_refused_and_nothing_between(pool: PgPool) {
    let sets = ["awkward-shapefiles", "awkward-tables", "awkward-vector-formats"];
    let Some(folders) = sets.map(test_data).into_iter().collect::<Option<Vec<_>>>() else {
        return;
    };
    let (_, state) = app(&pool).await;
    let mut files = Vec::new();
    for folder in &folders {
        files_in(folder, &mut files);
    }
    let (mut taken, mut rows, mut refused) = (0, 0, BTreeMap::<String, u64>::new());
    for (number, path) in files.iter().enumerate() {
        let shown = path.display();
        let mut order = order(Layer::Parcels, path.clone(), &format!("awkward {number}"), &[]);
        let before = held(&pool).await;
        let mut id = ImportId::fresh();
        let progress = ImportProgress::default();
        let mut outcome = run_import(&state.database, &state.clock, id, &order, &progress).await;
        let is_missing = |outcome: &Result<_, ImportFailed>| matches!(outcome, Err(ImportFailed::Refused { problem }) if problem.code.as_deref() == Some("crs_missing"));
        if is_missing(&outcome) {
            order.crs = Some("EPSG:4326".to_owned());
            id = ImportId::fresh();
            outcome = run_import(&state.database, &state.clock, id, &order, &progress).await;
        }
        let after = held(&pool).await;
        match outcome {
            Ok(report) => {
                assert!(report.counts.add_up(), "{shown}: {report:?}");
                let Counts { read, inserted, .. } = report.counts;
                assert_eq!(after[0] - before[0], inserted as i64, "{shown}");
                assert_eq!(after[1] - before[1], inserted as i64, "{shown}");
                assert_eq!(after[4] - before[4], read as i64, "{shown}");
                taken += 1;
                rows += read;
            }
            Err(ImportFailed::Refused { problem }) => {
                assert_eq!(after, before, "{shown}");
                assert!(
                    !problem.detail.is_empty() && problem.remedy.is_some(),
                    "{shown}: {problem:?}"
                );
                assert_eq!(state_of(&pool, id).await.0, "failed", "{shown}");
                *refused.entry(problem.code.unwrap_or_default()).or_default() += 1;
            }
            Err(other) => panic!("{shown}: {other:?}"),
        }
    }
    assert!(taken > 100 && rows > 4_000, "{taken} files, {rows} rows");
    assert!(!refused.contains_key(""), "{refused:?}");
    prove(&pool).await.unwrap();
}

fn files_in(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            files_in(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// The overlap of two shapes, which decides whether a shape changed, against areas of what JTS says they share and cover.
/// Of the other operations in the set validity is judged by `gis-data`; relations are PostGIS's, which follows JTS; buffers,
/// hulls, centroids, distances and simplification to a tolerance have no counterpart here.
#[test]
fn the_overlap_of_shapes_is_what_jts_says() {
    use geo::Area;
    let Some(folder) = test_data("jts-geometry-tests") else {
        return;
    };
    let (mut judged, mut wrong) = (0, Vec::new());
    for name in ["TestOverlayAA.xml", "TestNGOverlayA.xml"] {
        let text = std::fs::read_to_string(folder.join("general").join(name)).unwrap();
        for case in text.split("<case>").skip(1) {
            let between = |start: &str, end: &str| Some(case.split_once(start)?.1.split_once(end)?.0);
            let result = |operation: &str| {
                let operation = case
                    .split("<op ")
                    .find(|op| op.to_lowercase().starts_with(&format!("name=\"{operation}")))?;
                operation.split_once('>')?.1.split_once("</op>").map(|(shape, _)| shape)
            };
            let (Some(a), Some(b)) = (between("<a>", "</a>"), between("<b>", "</b>")) else {
                continue;
            };
            let (Some(shared), Some(both)) = (result("intersection"), result("union")) else {
                continue;
            };
            let shapes = [a, b, shared, both].map(polygons_of);
            let [Some(a), Some(b), Some(shared), Some(both)] = shapes else {
                continue;
            };
            let sound = |shape| gis_data::check::check(shape) == gis_data::check::Verdict::Valid;
            if !sound(&a) || !sound(&b) || both.unsigned_area() == 0.0 {
                continue;
            }
            judged += 1;
            let expected = shared.unsigned_area() / both.unsigned_area();
            let ewkb = |shape| crate::geometry::ewkb(shape).unwrap();
            let found = super::overlap(&ewkb(&a), &ewkb(&b)).unwrap();
            if (found - expected).abs() > 1e-9 {
                let description = between("<desc>", "</desc>").unwrap_or_default();
                wrong.push(format!("{name}: {description}: {found}, JTS says {expected}"));
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert_eq!(judged, 17);
}

/// The polygons of a well-known text; nothing where there are other shapes, and an empty one where there is none.
fn polygons_of(text: &str) -> Option<geo_types::Geometry<f64>> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.ends_with("EMPTY") {
        return Some(geo_types::MultiPolygon::<f64>(Vec::new()).into());
    }
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    std::fs::write(file.path(), format!("id,wkt\n1,\"{text}\"\n")).unwrap();
    let mut source = gis_data::Source::open(file.path(), &gis_data::ReadOptions::default()).ok()?;
    match source.rows().next()?.ok()?.geometry.ok()?? {
        shape @ (geo_types::Geometry::Polygon(_) | geo_types::Geometry::MultiPolygon(_)) => Some(shape),
        _ => None,
    }
}
