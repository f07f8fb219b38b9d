//! The same features in many formats, encodings and coordinate systems are the same features.

use geo::CoordsIter;
use geo_types::Geometry;
use gis_data::{Crs, Layer, PipelineOptions, Source, WarningCode};

use crate::support::*;
use crate::{apart, assert_same_places, has_gdal, options, samples, test_data};

#[test]
fn the_small_files_of_every_format_agree() {
    let folder = samples().join("formats");
    let of = |name: &str| {
        let mut options = gis_data::ReadOptions::default();
        if name.contains("gpkg") {
            options.member = Some("zoning".to_owned());
        }
        let mut source = Source::open(&folder.join(name), &options).unwrap();
        let mut rows: Vec<(String, String, Geometry<f64>)> = source
            .rows()
            .map(|row| {
                let row = row.unwrap();
                let text = |name: &str| row.properties[name].to_string().trim_matches('"').to_owned();
                (text("OBJECTID"), text("ZONE_CODE"), row.geometry.unwrap().unwrap())
            })
            .collect();
        rows.sort_by_key(|(number, ..)| number.parse::<u32>().unwrap());
        rows
    };
    let reference = of("zoning.geojson.gz");
    assert_eq!(reference.len(), 12);
    let mut names = vec!["zoning.gpkg.gz", "zoning.fgb", "zoning.kml", "zoning.csv"];
    if has_gdal() {
        names.push("zoning.gml");
        let drawing = read(&folder.join("zoning.dxf.gz")).unwrap();
        assert!(drawing.iter().all(|row| matches!(row.geometry, Ok(Some(_)))));
    }
    for name in names {
        let found = of(name);
        assert_eq!(found.len(), 12, "{name}");
        for (found, expected) in found.iter().zip(&reference) {
            assert_eq!((&found.0, &found.1), (&expected.0, &expected.1), "{name}");
            assert_eq!(found.2.coords_count(), expected.2.coords_count(), "{name} {}", found.0);
            assert!(apart(&found.2, &expected.2) < 0.02, "{name} {}", found.0);
        }
    }
    let offices = read(&folder.join("offices.xlsx")).unwrap();
    assert_eq!(offices.len(), 24);
    assert!(
        offices
            .iter()
            .all(|row| matches!(row.geometry, Ok(Some(Geometry::Point(_)))))
    );
    assert!(offices.iter().all(|row| {
        let code = row.properties["Zip Code"].as_str().unwrap();
        code.len() == 5 && code.starts_with('0')
    }));
    let survey = import(&folder.join("land_survey.txt"), options(Layer::Parcels, &[])).unwrap();
    assert_eq!(survey.accepted.len(), 3);
    let areas: Vec<i64> = survey
        .accepted
        .iter()
        .map(|candidate| candidate.area_m2.unwrap().round() as i64)
        .collect();
    assert_eq!(areas, [10_000, 9_600, 5_000]);
}

#[test]
fn one_layer_in_six_formats() {
    let Some(folder) = test_data("minneapolis-zoning-formats") else {
        return;
    };
    let read_all = |name: &str| {
        let rows = read(&folder.join(name)).unwrap();
        let vertices: usize = rows
            .iter()
            .map(|row| {
                row.geometry
                    .as_ref()
                    .unwrap()
                    .as_ref()
                    .map_or(0, CoordsIter::coords_count)
            })
            .sum();
        (rows.len(), vertices)
    };
    for name in [
        "Minn_Primary_District.geojson.gz",
        "Minn_Primary_District.geojsonl.gz",
        "Minn_Primary_District.shp.zip",
        "Minn_Primary_District.gpkg",
        "Minn_Primary_District.kml.gz",
    ] {
        assert_eq!(read_all(name), (2_193, 53_772), "{name}");
    }
    if has_gdal() {
        assert_eq!(read_all("Minn_Primary_District.gml.gz"), (2_193, 53_772));
    }
    let invalid = |name: &str| {
        let outcome = import(&folder.join(name), parcels()).unwrap();
        let unmended: usize = outcome.reasons().get("invalid_geometry").copied().unwrap_or(0);
        outcome.repairs().values().sum::<usize>() + unmended
    };
    // Valid to GEOS, but for one sliver half a metre long and some millimetres wide: no area.
    assert_eq!(invalid("Minn_Primary_District.geojson.gz"), 1);
    assert_eq!(invalid("Minn_Primary_District.geojsonl.gz"), 4);
    assert_eq!(invalid("secondary_zoning_as_published_21_invalid.geojson.gz"), 21);
}

#[test]
fn the_same_plots_in_all_the_ways_they_arrive_in_china() {
    let Some(folder) = test_data("china-crs-encoding-variants") else {
        return;
    };
    let options = |crs: Option<&str>| PipelineOptions {
        crs: crs.map(|text| Crs::parse(text).unwrap()),
        ..options(Layer::Parcels, &[("key", "osm_id")])
    };
    let reference = import(&folder.join("reference_wgs84.geojson.gz"), options(None)).unwrap();
    assert_eq!(reference.rows, 600);
    for (name, crs, encoding, warning) in [
        ("cgcs2000_gk_cm120_gbk_ldid_only", None, "gb18030", None),
        ("cgcs2000_geographic_utf8_cpg", None, "UTF-8", None),
        (
            "cgcs2000_gk_zone40_gbk_no_prj_no_cpg_no_ldid",
            Some("EPSG:4528"),
            "gb18030",
            None,
        ),
    ] {
        let mut source = open(&folder.join(format!("{name}.shp.zip")));
        assert_eq!(source.encoding(), Some(encoding), "{name}");
        assert_eq!(source.warnings().first().map(|warning| warning.code), warning, "{name}");
        let outcome = import_source(&mut source, options(crs)).unwrap();
        assert_eq!(outcome.rows, 600, "{name}");
        assert_same_places(&reference.by_key(), &outcome.by_key(), 0.05);
        let (expected, found) = (reference.by_key(), outcome.by_key());
        for (key, candidate) in &found {
            // The writer of the GBK files had no byte for this one character, and left it out.
            let name_there = expected[key].fields["name"].as_str().unwrap();
            let name_there = if encoding == "UTF-8" {
                name_there.to_owned()
            } else {
                name_there.replace('・', "")
            };
            assert_eq!(candidate.fields["name"], name_there, "{name} {key}");
        }
    }
    let path = folder.join("cgcs2000_gk_zone40_gbk_no_prj_no_cpg_no_ldid.shp.zip");
    assert_eq!(import(&path, options(None)).unwrap_err(), "crs_missing");
    for name in ["xian80_gk_cm120_gbk_bytes_utf8_cpg", "beijing54_gk_cm120_gbk_ldid_only"] {
        let mut source = open(&folder.join(format!("{name}.shp.zip")));
        assert_eq!(source.encoding(), Some("gb18030"), "{name}");
        let is_warned = source
            .warnings()
            .iter()
            .any(|warning| warning.code == WarningCode::WrongEncodingDeclared);
        assert_eq!(is_warned, name.starts_with("xian"), "{name}");
        assert_eq!(source.rows().filter(|row| row.is_ok()).count(), 600);
        assert_eq!(
            import_source(&mut source, options(None)).unwrap_err(),
            "crs_old_datum",
            "{name}"
        );
    }
    // Nothing in the file tells that it is off by 500 m: it is read as what it says.
    let outcome = import(&folder.join("gcj02_offset_mislabelled_wgs84.geojson.gz"), options(None)).unwrap();
    assert_eq!(outcome.rows, 600);
    let (first, key) = (&outcome.accepted[0], outcome.keys()[0]);
    let off = apart(
        first.geometry.as_ref().unwrap(),
        reference.by_key()[key].geometry.as_ref().unwrap(),
    );
    assert!((300.0..700.0).contains(&off), "{off}");
    // A table and a land survey hold the same outlines under their own numbers.
    let options = |map: &[(&str, &str)], crs: Option<&str>| PipelineOptions {
        crs: crs.map(|text| Crs::parse(text).unwrap()),
        ..crate::options(Layer::Parcels, map)
    };
    let table = folder.join("table_gb18030_wkt.csv.gz");
    let by_number = [("key", "地块编号"), ("name", "地块名称")];
    assert_eq!(import(&table, options(&by_number, None)).unwrap_err(), "crs_missing");
    let table = import(&table, options(&by_number, Some("EPSG:4326"))).unwrap();
    let survey = import(
        &folder.join("land_survey_cgcs2000_zone40_gbk.txt.gz"),
        options(&by_number, None),
    )
    .unwrap();
    let reference = import(&folder.join("reference_wgs84.geojson.gz"), options(&by_number, None)).unwrap();
    assert_eq!((table.rows, survey.rows), (600, 600));
    let names = |outcome: &Outcome| -> Vec<(String, serde_json::Value)> {
        outcome
            .accepted
            .iter()
            .map(|candidate| (candidate.source_key.clone(), candidate.fields["name"].clone()))
            .collect()
    };
    assert_eq!(names(&table), names(&survey));
    assert_eq!(table.accepted.len(), reference.accepted.len());
    for ((reference, table), survey) in reference.accepted.iter().zip(&table.accepted).zip(&survey.accepted) {
        assert_eq!(reference.row + 1, table.row);
        let shape = reference.geometry.as_ref().unwrap();
        for other in [table, survey] {
            let off = apart(shape, other.geometry.as_ref().unwrap());
            assert!(off < 0.15, "{}: {off} m apart", other.source_key);
        }
        // The file says what is a hole; the survey only where each ring lies.
        assert!((reference.area_m2.unwrap() - survey.area_m2.unwrap()).abs() < 0.5 + reference.area_m2.unwrap() * 1e-4);
    }
    let points = import(
        &folder.join("table_utf8_bom_points.csv"),
        PipelineOptions {
            crs: Some(Crs::parse("EPSG:4326").unwrap()),
            ..crate::options(Layer::Buildings, &by_number)
        },
    );
    let points = points.unwrap();
    assert_eq!(points.rows, 600);
    let mut rows = open(&folder.join("table_utf8_bom_points.csv"));
    let first = rows.rows().next().unwrap().unwrap();
    assert_eq!(
        first.geometry,
        Ok(Some(Geometry::Point(geo_types::Point::new(120.076842, 30.222860))))
    );
}
