//! Coordinate systems: the same results as PROJ, and no guesses where PROJ would guess.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod support;

use encoding_rs::UTF_8;
use geo_types::Coord;
use gis_data::crs::{plane_area_m2, zone_of};
use gis_data::{Conversion, Crs, CrsRefused, PipelineOptions};
use support::*;

fn convert(crs: &str, x: f64, y: f64) -> Coord<f64> {
    let conversion = Conversion::to_storage(&Crs::parse(crs).unwrap()).unwrap();
    let mut coordinates = [Coord { x, y }];
    conversion.coordinates(&mut coordinates).unwrap();
    coordinates[0]
}

fn refused(text: &str) -> CrsRefused {
    let refused = match Crs::parse(text) {
        Err(refused) => refused,
        Ok(crs) => panic!("{text} was taken for {crs:?}"),
    };
    assert!(!refused.words().zh.is_empty() && !refused.remedy().zh.is_empty());
    refused
}

/// `echo X Y | gdaltransform -s_srs EPSG:CODE -t_srs EPSG:4490 -output_xy` (PROJ 9.1.1).
const BY_PROJ: &[(u32, f64, f64, f64, f64)] = &[
    // CGCS2000 3° zones, the zone number in the easting.
    (
        4513,
        25_500_123.25,
        4_000_000.5,
        75.001_369_214_172_6,
        36.130_297_418_941_4,
    ),
    (
        4525,
        37_561_152.463,
        2_923_623.245,
        111.612_999_997_213,
        26.420_999_997_284_7,
    ),
    (
        4527,
        39_450_000.5,
        4_050_000.5,
        116.441_344_820_499,
        36.579_578_422_017_2,
    ),
    (
        4528,
        40_500_000.5,
        3_500_000.25,
        120.000_005_269_915,
        31.622_557_198_679_7,
    ),
    (
        4528,
        40_561_152.463,
        3_523_623.245,
        120.645_995_437_534,
        31.833_963_381_153_3,
    ),
    (
        4533,
        45_400_000.75,
        5_000_000.25,
        133.728_885_228_745,
        45.128_401_917_614_5,
    ),
    // Without the zone number.
    (4534, 600_000.5, 4_100_000.5, 76.123_818_356_436_9, 37.026_121_527_393_4),
    (
        4543,
        395_000.25,
        2_770_000.75,
        100.959_651_987_019,
        25.031_986_109_376_6,
    ),
    (
        4546,
        561_152.463,
        2_923_623.245,
        111.612_999_997_213,
        26.420_999_997_284_7,
    ),
    (4547, 450_000.5, 3_900_000.5, 113.450_765_925_481, 35.227_769_559_425_8),
    (
        4549,
        480_123.456,
        3_520_456.789,
        119.790_089_940_475,
        31.806_873_680_270_8,
    ),
    (4554, 350_000.5, 4_700_000.5, 133.177_489_850_252, 42.420_914_179_105_2),
    // 6° zones.
    (
        4491,
        13_320_000.0,
        3_500_000.0,
        73.103_273_503_163,
        31.608_468_768_536_7,
    ),
    (4502, 320_000.0, 3_500_000.0, 73.103_273_503_163, 31.608_468_768_536_7),
    // Lambert-93, Web Mercator, UTM, a state plane in metres and one in US feet, LAEA Europe.
    (
        2154,
        652_000.123,
        6_862_000.456,
        2.345_813_583_473_89,
        48.856_252_250_890_8,
    ),
    (
        2154,
        1_000_123.5,
        6_300_000.25,
        6.725_982_845_437_21,
        43.735_287_476_457_4,
    ),
    (
        3857,
        13_358_338.895,
        3_632_749.143,
        119.999_999_998_268,
        30.999_999_997_039_9,
    ),
    (
        32649,
        700_000.25,
        2_600_000.5,
        112.958_569_610_191,
        23.497_884_633_481_6,
    ),
    (32650, 350_000.5, 3_500_000.5, 115.418_441_096_42, 31.625_394_877_878_1),
    (
        32651,
        250_000.25,
        3_400_000.75,
        120.389_664_249_343,
        30.706_643_917_622_5,
    ),
    (
        25832,
        560_000.5,
        5_930_000.25,
        9.904_882_645_718_28,
        53.515_510_286_508_1,
    ),
    (
        26986,
        231_000.5,
        901_000.25,
        -71.123_692_285_414_4,
        42.358_886_282_782_3,
    ),
    (
        2278,
        3_121_000.0,
        13_840_000.0,
        -95.367_147_941_956,
        29.755_098_224_056_5,
    ),
    (
        3035,
        4_321_000.5,
        3_210_000.5,
        10.000_007_280_350_8,
        52.000_004_491_047_4,
    ),
    (4490, 119.95, 31.78, 119.95, 31.78),
];

#[test]
fn conversions_agree_with_proj_within_a_millimetre() {
    for &(code, x, y, lon, lat) in BY_PROJ {
        let found = convert(&format!("EPSG:{code}"), x, y);
        let off = metres(found, Coord { x: lon, y: lat });
        assert!(off < 0.001, "EPSG:{code}: {off} m from PROJ");
    }
}

/// The same command with `-t_srs EPSG:4326`: PROJ's choice among the published parameters.
const BY_PUBLISHED_PARAMETERS: &[(u32, f64, f64, f64, f64)] = &[
    (28992, 206_000.0, 447_000.0, 6.130_022_132_648_5, 52.009_018_510_911_2),
    (
        27700,
        530_000.0,
        180_000.0,
        -0.128_353_940_479_469,
        51.503_990_827_633_8,
    ),
    (31370, 150_000.0, 170_000.0, 4.368_752_140_904_19, 50.840_411_283_117_9),
    (
        2056,
        2_600_000.5,
        1_200_000.5,
        7.438_638_988_852_88,
        46.951_087_269_511_2,
    ),
];

#[test]
fn datums_with_published_parameters_agree_with_proj_within_ten_centimetres() {
    for &(code, x, y, lon, lat) in BY_PUBLISHED_PARAMETERS {
        let crs = format!("EPSG:{code}");
        let off = metres(convert(&crs, x, y), Coord { x: lon, y: lat });
        assert!(off < 0.1, "{crs}: {off} m from PROJ");
        assert_eq!(Crs::parse(&crs).unwrap().accuracy_m(), 10.0);
    }
    assert_eq!(Crs::from_epsg(4528).unwrap().accuracy_m(), 0.0);
    assert_eq!(Crs::from_epsg(2154).unwrap().accuracy_m(), 2.0);
}

#[test]
fn the_zone_number_is_part_of_the_easting_or_not() {
    for zone in 25_u32..=45 {
        let with = convert(
            &format!("EPSG:{}", 4488 + zone),
            f64::from(zone) * 1e6 + 512_345.678,
            3_456_789.012,
        );
        let without = convert(&format!("EPSG:{}", 4509 + zone), 512_345.678, 3_456_789.012);
        assert_eq!(with.x.round() as u32, zone * 3);
        assert!(metres(with, without) < 0.001, "zone {zone}");
        let found = zone_of(with.x);
        assert_eq!(found.number, u8::try_from(zone).ok());
        assert_eq!(
            (found.epsg_with_prefix, found.epsg),
            (Some(4488 + zone), Some(4509 + zone))
        );
    }
}

/// All systems of EPSG on the datums Xian 1980, Beijing 1954 and New Beijing: 4610, 4214, 4555 and
/// `select code from projected_crs where geodetic_crs_code in (4610, 4214, 4555)` in proj.db.
#[test]
fn the_old_chinese_datums_are_refused_whatever_their_code() {
    let projected = (2327..=2390)
        .chain(2401..=2442)
        .chain(4568..=4589)
        .chain(4652..=4656)
        .chain(4766..=4800)
        .chain([4812, 4822])
        .chain(21413..=21423)
        .chain(21453..=21463)
        .chain(21473..=21483);
    for code in [4610, 4214, 4555].into_iter().chain(projected) {
        let refused = refused(&format!("EPSG:{code}"));
        assert!(
            matches!(refused, CrsRefused::OldChineseDatum { .. }),
            "{code}: {refused}"
        );
        assert!(refused.words().zh.contains("缺少转换参数") && refused.words().en.contains("parameters"));
        assert!(refused.remedy().zh.contains("测绘主管部门"));
    }
    // Their neighbours in the register belong to others: Reykjavik, Batavia, ETRS89 in Norway.
    for code in [4651, 4657, 4658, 4813, 4821, 4823, 4855, 4880, 2391, 2400, 2443] {
        if let Err(refused) = Crs::from_epsg(code) {
            assert_ne!(refused.code(), "crs_old_datum", "{code}");
        }
    }
    for wkt in [
        r#"GEOGCS["GCS_Xian_1980",DATUM["D_Xian_1980",SPHEROID["Xian_1980",6378140.0,298.257]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#,
        r#"PROJCS["Beijing 1954 / 3-degree Gauss-Kruger CM 120E",GEOGCS["Beijing 1954",DATUM["Beijing_1954",SPHEROID["Krassowsky 1940",6378245,298.3],TOWGS84[15.8,-154.4,-82.3,0,0,0,0]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",120],PARAMETER["scale_factor",1],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1]]"#,
        r#"PROJCS["x",GEOGCS["y",DATUM["z",SPHEROID["s",1,1]]],AUTHORITY["EPSG","2385"]]"#,
    ] {
        assert_eq!(refused(wkt).code(), "crs_old_datum", "{wkt}");
    }
}

#[test]
fn a_shapefile_on_an_old_datum_is_not_imported() {
    let folder = Folder::new();
    let mut members = plots_shapefile(3, UTF_8, 0);
    let prj = WGS84_PRJ
        .replace("D_WGS_1984", "D_Xian_1980")
        .replace("6378137.0,298.257223563", "6378140.0,298.257");
    members.insert("prj", prj.into_bytes());
    let path = folder.write_shapefile("xian", &members);
    assert_eq!(import(&path, parcels()).unwrap_err(), "crs_old_datum");
    // The caller may know better, and then it counts.
    let options = PipelineOptions {
        crs: Some(Crs::from_epsg(4490).unwrap()),
        ..parcels()
    };
    assert_eq!(import(&path, options).unwrap().accepted.len(), 3);
}

#[test]
fn what_is_unknown_or_no_survey_system_is_refused() {
    for (text, code) in [
        ("常州地方坐标系", "crs_unknown"),
        ("EPSG:1", "crs_unknown"),
        ("EPSG:999999", "crs_unknown"),
        ("", "crs_unknown"),
        ("LOCAL_CS[\"Local\"]", "crs_unknown"),
        ("GEOGCS[", "crs_unknown"),
        ("GCJ-02", "crs_offset"),
        ("gcj02", "crs_offset"),
        ("BD-09", "crs_offset"),
        ("火星坐标系", "crs_offset"),
        ("+proj=longlat +ellps=krass", "crs_no_datum_path"),
        ("+proj=utm +zone=50 +ellps=clrk66", "crs_no_datum_path"),
        ("+proj=robin +datum=WGS84", "crs_unsupported_projection"),
    ] {
        assert_eq!(refused(text).code(), code, "{text}");
    }
    let unknown_datum = WGS84_PRJ.replace("D_WGS_1984", "D_Unknown");
    assert_eq!(refused(&unknown_datum).code(), "crs_no_datum_path");
    // Brackets without end must not use up the stack.
    let deep = "GEOGCS[".repeat(100_000) + &"]".repeat(100_000);
    assert_eq!(refused(&deep).code(), "crs_unknown");
    assert_eq!(refused(&"[".repeat(100_000)).code(), "crs_unknown");
}

#[test]
fn names_and_definitions_of_the_same_system_are_one() {
    for text in [
        "EPSG:4549",
        "epsg:4549",
        "4549",
        " urn:ogc:def:crs:EPSG::4549 ",
        "http://www.opengis.net/def/crs/EPSG/0/4549",
        // As Esri's programs write it, without a code.
        r#"PROJCS["CGCS2000_3_Degree_GK_CM_120E",GEOGCS["GCS_China_Geodetic_Coordinate_System_2000",DATUM["D_China_2000",SPHEROID["CGCS2000",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Gauss_Kruger"],PARAMETER["False_Easting",500000.0],PARAMETER["False_Northing",0.0],PARAMETER["Central_Meridian",120.0],PARAMETER["Scale_Factor",1.0],PARAMETER["Latitude_Of_Origin",0.0],UNIT["Meter",1.0]]"#,
    ] {
        assert_eq!(Crs::parse(text).unwrap().epsg(), Some(4549), "{text}");
    }
    for text in [
        "OGC:CRS84",
        "urn:ogc:def:crs:OGC:1.3:CRS84",
        "EPSG:4326",
        "WGS 84",
        WGS84_PRJ,
    ] {
        let crs = Crs::parse(text).unwrap();
        assert_eq!((crs.epsg(), crs.is_geographic()), (Some(4326), true), "{text}");
    }
    for text in ["EPSG:900913", "ESRI:102100", "EPSG:3857"] {
        assert_eq!(Crs::parse(text).unwrap().epsg(), Some(3857), "{text}");
    }
    // Lambert-93 and a zone with its number as Esri writes them.
    let lambert = r#"PROJCS["RGF_1993_Lambert_93",GEOGCS["GCS_RGF_1993",DATUM["D_RGF_1993",SPHEROID["GRS_1980",6378137.0,298.257222101]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic"],PARAMETER["False_Easting",700000.0],PARAMETER["False_Northing",6600000.0],PARAMETER["Central_Meridian",3.0],PARAMETER["Standard_Parallel_1",49.0],PARAMETER["Standard_Parallel_2",44.0],PARAMETER["Latitude_Of_Origin",46.5],UNIT["Meter",1.0]]"#;
    let by_code = convert("EPSG:2154", 652_000.123, 6_862_000.456);
    assert!(metres(convert(lambert, 652_000.123, 6_862_000.456), by_code) < 0.001);
    let feet = r#"PROJCS["NAD83 / Texas South Central (ftUS)",GEOGCS["NAD83",DATUM["North_American_Datum_1983",SPHEROID["GRS 1980",6378137,298.257222101]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Lambert_Conformal_Conic_2SP"],PARAMETER["latitude_of_origin",27.8333333333333],PARAMETER["central_meridian",-99],PARAMETER["standard_parallel_1",30.2833333333333],PARAMETER["standard_parallel_2",28.3833333333333],PARAMETER["false_easting",1968500],PARAMETER["false_northing",13123333.3333333],UNIT["US survey foot",0.304800609601219]]"#;
    let by_code = convert("EPSG:2278", 3_121_000.0, 13_840_000.0);
    assert!(metres(convert(feet, 3_121_000.0, 13_840_000.0), by_code) < 0.001);
}

#[test]
fn coordinates_beyond_the_system_are_out_of_range_and_not_wrapped_around_the_earth() {
    for (crs, x, y) in [
        ("EPSG:3857", 30_000_000.0, 3_632_749.0),
        ("EPSG:3857", 13_358_338.0, 40_000_000.0),
        ("EPSG:2154", 90_000_000.0, 6_862_000.0),
        ("EPSG:2154", 652_000.0, -9e9),
        ("EPSG:4549", 40_500_000.0, 3_500_000.0),
        ("EPSG:4528", 500_000.0, 3_500_000.0),
        ("EPSG:32651", 5_000_000.0, 3_400_000.0),
        ("EPSG:4326", 180.5, 30.0),
        ("EPSG:4490", 120.0, 90.5),
        ("EPSG:4490", f64::NAN, 30.0),
        ("EPSG:2154", f64::NAN, 6_862_000.0),
        ("EPSG:3857", 1e300, 1e300),
        ("EPSG:28992", f64::INFINITY, 0.0),
    ] {
        let conversion = Conversion::to_storage(&Crs::parse(crs).unwrap()).unwrap();
        let found = conversion.coordinates(&mut [Coord { x, y }]);
        assert!(found.is_err(), "{crs} ({x}, {y})");
    }
}

/// Imports one square of a hundred metres at an easting and northing.
fn at(crs: Option<&str>, x: f64, y: f64) -> Result<Outcome, (&'static str, Option<String>)> {
    let folder = Folder::new();
    let (shp, _) = shapes(5, &[polygon_record(5, &[reversed(square(x, y, 100.0))])]);
    let mut source = open(&folder.write("square.shp", shp));
    let options = PipelineOptions {
        crs: crs.map(|text| Crs::parse(text).unwrap()),
        ..parcels()
    };
    match gis_data::Pipeline::new(&source, options.clone()) {
        Ok(_) => Ok(import_source(&mut source, options).unwrap()),
        Err(gis_data::PipelineRefused::Crs(refused)) => {
            let suggested = refused.suggestion().map(|suggestion| suggestion.crs.clone());
            assert!(suggested.iter().all(|crs| refused.remedy().zh.contains(crs)));
            Err((refused.code(), suggested))
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn exchanged_axes_and_mistaken_zones_are_noticed_before_a_row_is_read() {
    let (e, n) = (480_123.0, 3_520_456.0);
    let prefixed = 40_000_000.0 + e;
    assert_eq!(at(Some("EPSG:4549"), e, n).unwrap().accepted.len(), 1);
    assert_eq!(at(Some("EPSG:4528"), prefixed, n).unwrap().accepted.len(), 1);
    for (crs, x, y, code, suggestion) in [
        (Some("EPSG:4549"), n, e, "crs_axes_exchanged", None),
        (Some("EPSG:4528"), n, prefixed, "crs_axes_exchanged", None),
        (Some("EPSG:4549"), prefixed, n, "crs_does_not_fit", Some("EPSG:4528")),
        (Some("EPSG:4528"), e, n, "crs_does_not_fit", Some("EPSG:4549")),
        (
            Some("EPSG:4527"),
            prefixed - 5e6,
            n,
            "crs_does_not_fit",
            Some("EPSG:4523"),
        ),
        (Some("EPSG:4490"), prefixed, n, "crs_does_not_fit", Some("EPSG:4528")),
        (None, prefixed, n, "crs_missing", Some("EPSG:4528")),
        // Without the number any zone could be meant.
        (None, e, n, "crs_missing", None),
        (None, 13_358_338.0, 3_632_749.0, "crs_missing", Some("EPSG:3857")),
    ] {
        let (refused, suggested) = at(crs, x, y).unwrap_err();
        assert_eq!(refused, code, "{crs:?} {x} {y}");
        assert_eq!(suggested.as_deref(), suggestion, "{crs:?} {x} {y}");
    }
    let folder = Folder::new();
    let mut members = plots_shapefile(3, UTF_8, 0);
    members.remove("prj");
    let path = folder.write_shapefile("degrees", &members);
    assert_eq!(import(&path, parcels()).unwrap_err(), "crs_missing");
    for (crs, code) in [("EPSG:4549", "crs_does_not_fit"), ("EPSG:2154", "crs_does_not_fit")] {
        let options = PipelineOptions {
            crs: Some(Crs::parse(crs).unwrap()),
            ..parcels()
        };
        assert_eq!(import(&path, options).unwrap_err(), code);
    }
    // Latitude first.
    let exchanged = collection(&plots(3))
        .replace("[119.95", "[31.7,119.95")
        .replace(",31.78", "");
    let path = folder.write("exchanged.geojson", exchanged);
    assert_eq!(import(&path, parcels()).unwrap_err(), "crs_axes_exchanged");
}

#[test]
fn one_row_far_away_is_quarantined_and_stops_nothing() {
    let folder = Folder::new();
    let (e, n) = (480_123.0, 3_520_456.0);
    let records: Vec<Vec<u8>> = [(e, n), (n, e), (e + 500.0, n)]
        .iter()
        .map(|&(x, y)| polygon_record(5, &[reversed(square(x, y, 100.0))]))
        .collect();
    let path = folder.write("one.shp", shapes(5, &records).0);
    let options = PipelineOptions {
        crs: Some(Crs::from_epsg(4549).unwrap()),
        ..parcels()
    };
    let outcome = import(&path, options).unwrap();
    assert_eq!(outcome.accepted.len(), 2);
    assert_eq!(outcome.reasons(), [("coordinates_out_of_range", 1)].into());
    let quarantine = &outcome.quarantined[0];
    assert!(!quarantine.geometry_is_lonlat, "shown as in the source");
    assert!(quarantine.geometry.as_ref().unwrap().contains("[3520456,480123]"));
}

#[test]
fn the_area_is_that_of_the_plane_of_the_own_zone() {
    // In the middle of zone 40 and 1.4° from its meridian: the plane's own square metres.
    for (x, y) in [
        (500_000.0, 3_500_000.0),
        (632_000.0, 3_500_000.0),
        (400_000.0, 4_900_000.0),
    ] {
        let outcome = at(Some("EPSG:4549"), x, y).unwrap();
        let area = outcome.accepted[0].area_m2.unwrap();
        assert!((area - 10_000.0).abs() < 0.001, "{x} {y}: {area}");
    }
    // Delivered in the neighbouring zone's coordinates, it is measured in its own.
    let outcome = at(Some("EPSG:4548"), 700_000.0, 3_500_000.0).unwrap();
    let candidate = &outcome.accepted[0];
    let area = candidate.area_m2.unwrap();
    assert_eq!(
        zone_of(candidate.geometry.as_ref().map_or(0.0, first_lon)).central_meridian,
        120
    );
    // The scale at 200 km from the meridian is 1 + 200² / (2 · 6371²): 9.8 m² in 10 000.
    assert!((area - 9_990.0).abs() < 4.0, "{area}");
    assert_eq!(plane_area_m2(candidate.geometry.as_ref().unwrap()), area);
    // A hole counts as none, whichever way it turns.
    for hole in [
        square(119.9512, 31.7802, 0.0003),
        reversed(square(119.9512, 31.7802, 0.0003)),
    ] {
        let shape = polygon(&[plot(1), hole.clone()]);
        let expected = plane_area_m2(&polygon(&[plot(1)])) - plane_area_m2(&polygon(&[hole]));
        assert!((plane_area_m2(&shape) - expected).abs() < 1e-6);
    }
}

fn first_lon(geometry: &geo_types::Geometry<f64>) -> f64 {
    geo::CoordsIter::coords_iter(geometry)
        .next()
        .map_or(0.0, |coord| coord.x)
}
