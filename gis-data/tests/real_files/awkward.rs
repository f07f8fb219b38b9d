//! Files that other programs stumbled over are read to their end or refused by name.

use std::path::{Path, PathBuf};

use gis_data::{Crs, PipelineOptions};

use crate::support::*;
use crate::test_data;

#[test]
fn awkward_tables_are_read_to_their_end() {
    let Some(folder) = test_data("awkward-tables") else {
        return;
    };
    let mut found = Vec::new();
    for part in ["csv", "xlsx"] {
        let mut names: Vec<PathBuf> = std::fs::read_dir(folder.join(part))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        for path in names {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let outcome = read(&path).map_or_else(|code| code, |rows| rows.len().to_string());
            found.push((name, outcome));
        }
    }
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(name, outcome)| (name.as_str(), outcome.as_str()))
        .collect();
    let expected: &[(&str, &str)] = &[
        ("allCountries.txt", "9"),
        ("csv_with_utf8_bom.csv", "2"),
        ("double_quotes_in_middle_of_field.csv", "1"),
        ("double_quotes_in_middle_of_field_bis.csv", "2"),
        ("header_with_line_break.csv", "3"),
        ("inf_nan.csv", "4"),
        ("more_than_100_geom_fields.csv", "1"),
        ("oddname.csv", "2"),
        ("only_strings.csv", "3"),
        ("single_column.csv", "1"),
        ("test_eurostat.tsv", "1"),
        ("testcsvt.csv", "2"),
        ("testcsvt.csvt", "unknown_format"),
        ("testdatetime.csv", "7"),
        ("testdatetime.csvt", "unknown_format"),
        ("testnull.csv", "1"),
        ("testnull.csvt", "unknown_format"),
        ("testnumheader1.csv", "1"),
        ("testnumheader2.csv", "1"),
        ("testquoteheader1.csv", "1"),
        ("testquoteheader2.csv", "1"),
        ("testtypeautodetect.csv", "9"),
        ("testtypeautodetectboolean.csv", "2"),
        ("testtypeautodetectinteger64.csv", "2"),
        // A quotation that is never closed would swallow the rest of the file.
        ("unbalanced_double_quotes.csv", "truncated"),
        ("absolute_sheet_filename.xlsx", "0"),
        ("cells_with_inline_formatting.xlsx", "2"),
        ("datetime.xlsx", "10"),
        ("inlineStr.xlsx", "1"),
        ("not_all_columns_present.xlsx", "0"),
        ("row_without_r_attribute.xlsx", "1"),
        ("test.xlsx", "several_layers"),
        ("test_empty_last_field.xlsx", "4"),
        ("test_missing_row1_data.xlsx", "4"),
        ("with_xml_prefix.xlsx", "1"),
    ];
    assert_eq!(found, expected);
    let dates = read(&folder.join("xlsx/datetime.xlsx")).unwrap();
    assert_eq!(dates[0].properties["time"], "2020-04-07T09:58:00");
}

/// What an import makes of a file, in a word or two. Where the file names no coordinate system, its
/// coordinates are taken for degrees, or else for those of some plane.
fn outcome_of(path: &Path) -> String {
    let with = |code: u32| PipelineOptions {
        crs: Some(Crs::from_epsg(code).unwrap()),
        ..parcels()
    };
    let outcome = match import(path, parcels()) {
        Err(code) if code == "crs_missing" => match import(path, with(4326)) {
            Err(code) if code == "crs_does_not_fit" => import(path, with(3857)),
            other => other,
        },
        other => other,
    };
    match outcome {
        Err(code) => code,
        Ok(outcome) => {
            let mut parts = vec![format!("{}/{}", outcome.accepted.len(), outcome.rows)];
            let repairs = outcome.repairs().values().sum::<usize>();
            if repairs > 0 {
                parts.push(format!("{repairs} mended"));
            }
            parts.extend(outcome.reasons().iter().map(|(code, count)| format!("{count} {code}")));
            parts.join(", ")
        }
    }
}

#[test]
fn awkward_shapefiles_are_read_to_their_end() {
    let Some(folder) = test_data("awkward-shapefiles") else {
        return;
    };
    let mut found = Vec::new();
    for part in ["gdal", "nts"] {
        let mut names: Vec<PathBuf> = std::fs::read_dir(folder.join(part))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        for path in names {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".shp") || (name.ends_with(".dbf") && !path.with_extension("shp").exists()) {
                found.push((name, outcome_of(&path)));
            }
        }
    }
    let found: Vec<(&str, &str)> = found
        .iter()
        .map(|(name, outcome)| (name.as_str(), outcome.as_str()))
        .collect();
    // Accepted of all rows (without a table equal shapes have equal keys).
    let expected: &[(&str, &str)] = &[
        ("CoHI_GCS12.shp", "4/4"),
        ("Stacks.shp", "1/1"),
        ("buggymultipoly.shp", "0/1, 1 malformed_geometry"),
        ("buggymultipoly2.shp", "1/1"),
        ("chinese.dbf", "no_shapes"),
        ("date_empty_string.dbf", "no_shapes"),
        ("empty.shp", "0/0"),
        ("emptymultipoly.shp", "0/1, 1 coordinates_out_of_range"),
        ("emptyshapefilewithsbn.shp", "0/0"),
        ("facility_surface_dd.dbf", "no_shapes"),
        ("mixed_shape_type_non_conformant.shp", "2/6, 4 unsupported_geometry"),
        ("multipatch.shp", "0/1, 1 unsupported_geometry"),
        ("multipolygon_as_invalid_polygon.shp", "2/2"),
        ("nan.dbf", "no_shapes"),
        ("nonconformant_shx_ticket5608.shp", "0/1, 1 unsupported_geometry"),
        ("padding_after_field_defns.dbf", "no_shapes"),
        ("pointnan.shp", "0/2, 1 not_finite, 1 unsupported_geometry"),
        ("polygonm_with_m.shp", "2/2, 1 mended"),
        ("polygonm_without_m.shp", "2/2, 1 mended"),
        ("prjwithutf8bom.shp", "0/1, 1 unsupported_geometry"),
        ("slightly_overlapping_polygons.shp", "0/1, 1 invalid_geometry"),
        ("testpoly.shp", "13/14, 1 invalid_geometry"),
        ("weird_header_length.dbf", "no_shapes"),
        ("221-1_28.03.202411-16.shp", "1492/1492"),
        ("AllNulls.shp", "1/1"),
        ("CA_Cable_region.shp", "49/49"),
        ("Example_70.shp", "521/522, 1 invalid_geometry"),
        ("UnifiedChecksMaterialNullInMiddle.shp", "2/3, 1 no_geometry"),
        ("Victoria North.shp", "1/2, 1 invalid_geometry"),
        ("chinese_encoding.shp", "78/78"),
        ("crustal_test.shp", "19/19"),
        ("crustal_test_bugged.shp", "19/19"),
        ("error_union.shp", "463/511, 78 mended, 48 duplicate_key"),
        ("nested_polygons.shp", "1/1"),
        ("with_M.shp", "0/55, 55 unsupported_geometry"),
    ];
    assert_eq!(found, expected);
}

#[test]
fn every_file_of_the_other_awkward_formats_is_read_or_refused() {
    let Some(folder) = test_data("awkward-vector-formats") else {
        return;
    };
    let mut folders = vec![folder.clone()];
    let mut refused = Vec::new();
    let mut read_files = 0;
    while let Some(inside) = folders.pop() {
        for entry in std::fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // Both roads: the rows as they are, and what an import makes of them.
            let outcome = outcome_of(&path);
            match read(&path) {
                Ok(_) => read_files += 1,
                Err(code) => {
                    assert_eq!(outcome, code, "{}", path.display());
                    let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
                    refused.push((name, code));
                }
            }
        }
    }
    refused.sort();
    let refused: Vec<(&str, &str)> = refused
        .iter()
        .map(|(name, code)| (name.as_str(), code.as_str()))
        .collect();
    let expected: &[(&str, &str)] = &[
        ("README.md", "unknown_format"),
        ("filegdb/testopenfilegdb.gdb.zip", "unsupported_format"),
        (
            "flatgeobuf/invalid_multisurface_of_polyhedralsurface.fgb",
            "unknown_format",
        ),
        (
            "flatgeobuf/invalid_polyhedralsurface_of_curvepolygon.fgb",
            "unknown_format",
        ),
        ("gpkg/huge_feature_count.gpkg", "several_layers"),
        ("gpkg/poly.gpkg.sql", "unknown_format"),
        ("gpkg/poly_inconsistent_case.gpkg.sql", "unknown_format"),
        ("gpkg/relation_mapping_table.gpkg", "several_layers"),
        ("kml/junk_content_after_valid_doc.kml", "damaged"),
        ("kml/truncated.kml", "truncated"),
        ("topojson/topojson1.topojson", "unsupported_format"),
        ("topojson/topojson2.topojson", "unsupported_format"),
        ("topojson/topojson3.topojson", "unsupported_format"),
        ("topojson/topojson_with_crs.topojson", "unsupported_format"),
    ];
    assert_eq!(refused, expected);
    assert!(read_files > 50, "{read_files}");
}
