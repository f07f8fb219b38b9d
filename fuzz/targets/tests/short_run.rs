//! Every target, fed for some seconds. `YICE_FUZZ_INPUTS` says how many inputs each, for a longer run.

use fuzz_targets::{TARGETS, drive, target};

macro_rules! fed {
    ($($test:ident: $target:literal $inputs:literal,)+) => {
        $(#[test]
        fn $test() {
            drive(target($target), $inputs);
        })+

        #[test]
        fn no_target_is_left_out() {
            let fed = [$($target),+];
            for target in TARGETS {
                assert!(fed.contains(&target.name), "{}", target.name);
            }
        }
    };
}

fed! {
    no_bytes_break_the_reader_of_geojson: "geojson" 1000,
    no_bytes_break_the_reader_of_geojson_sequences: "geojson_sequence" 2000,
    no_bytes_break_the_reader_of_shapefiles: "shapefile" 2000,
    no_bytes_break_the_reader_of_projections: "projection" 2000,
    no_bytes_break_the_reader_of_flatgeobuf: "flatgeobuf" 1500,
    no_bytes_break_the_reader_of_geopackages: "geopackage" 3000,
    no_bytes_break_the_reader_of_tables: "csv" 1500,
    no_bytes_break_the_reader_of_workbooks: "xlsx" 2000,
    no_bytes_break_the_reader_of_land_surveys: "survey" 1500,
    no_bytes_break_the_reader_of_kml: "kml" 2000,
    no_bytes_break_the_reader_of_well_known_text: "wkt" 2000,
    no_bytes_break_the_reader_of_well_known_binary: "wkb" 1000,
    no_bytes_break_the_opening_of_archives: "archive" 1000,
    no_bytes_break_the_reader_of_tile_shapes: "tile_shape" 5000,
    no_bytes_break_the_reader_of_filters: "filter" 4000,
}

#[test]
#[should_panic(expected = "an input breaks a promise")]
fn a_target_that_panics_is_noticed() {
    let fragile = |bytes: &[u8]| assert!(bytes.len() > 50, "too short for this one");
    let target = fuzz_targets::Target {
        feed: fragile,
        ..target("geojson")
    };
    drive(target, 1000);
}
