//! Coordinate systems: the same results as PROJ, and no guesses where PROJ would guess.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod support;

use encoding_rs::UTF_8;
use geo_types::Coord;
use gis_data::crs::FourParameters;
use gis_data::crs::{plane_area_m2, zone_of};
use gis_data::{Bounds, Conversion, Crs, CrsRefused, DatumShift, PipelineOptions};
use proptest::prelude::*;
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
    // An ellipsoid by its two axes: `cs2cs +proj=utm +zone=32 +a=6378249.2 +b=6356515
    // +towgs84=-70.9,-151.8,-41.4,0,0,0,0 +to +proj=longlat +datum=WGS84` (PROJ 9.1.1).
    let manoca = Coord {
        x: 9.899_356_225_890,
        y: 3.798_963_858_999,
    };
    let off = metres(convert("EPSG:2215", 600_000.5, 420_000.25), manoca);
    assert!(off < 0.001, "EPSG:2215: {off} m from PROJ");
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
fn at(crs: Option<&str>, x: f64, y: f64) -> Result<Outcome, CrsRefused> {
    with_options(
        x,
        y,
        PipelineOptions {
            crs: crs.map(|text| Crs::of_source(text).unwrap()),
            ..parcels()
        },
    )
}

fn with_options(x: f64, y: f64, options: PipelineOptions) -> Result<Outcome, CrsRefused> {
    let folder = Folder::new();
    let (shp, _) = shapes(5, &[polygon_record(5, &[reversed(square(x, y, 100.0))])]);
    let mut source = open(&folder.write("square.shp", shp));
    match gis_data::Pipeline::new(&source, options.clone()) {
        Ok(_) => Ok(import_source(&mut source, options).unwrap()),
        Err(gis_data::PipelineRefused::Crs(refused)) => {
            for offer in refused.offers() {
                assert!(!offer.settings().is_empty() && !offer.why.zh.is_empty() && !offer.why.en.is_empty());
                assert!(
                    refused.remedy().zh.contains(&offer.arguments()),
                    "{}",
                    refused.remedy().zh
                );
                assert!(
                    refused.remedy().en.contains(&offer.arguments()),
                    "{}",
                    refused.remedy().en
                );
            }
            Err(refused)
        }
        Err(other) => panic!("{other}"),
    }
}

/// What a refusal offers, as it is typed.
fn offered(refused: &CrsRefused) -> Vec<String> {
    refused.offers().iter().map(gis_data::Offer::arguments).collect()
}

#[test]
fn exchanged_axes_and_mistaken_zones_are_noticed_before_a_row_is_read() {
    let (e, n) = (480_123.0, 3_520_456.0);
    let prefixed = 40_000_000.0 + e;
    assert_eq!(at(Some("EPSG:4549"), e, n).unwrap().accepted.len(), 1);
    assert_eq!(at(Some("EPSG:4528"), prefixed, n).unwrap().accepted.len(), 1);
    for (crs, x, y, code, offers) in [
        (Some("EPSG:4549"), n, e, "crs_axes_exchanged", "--swap-axes"),
        (Some("EPSG:4528"), n, prefixed, "crs_axes_exchanged", "--swap-axes"),
        // Both at once.
        (
            Some("EPSG:4549"),
            n,
            prefixed,
            "crs_axes_exchanged",
            "--crs EPSG:4528 --swap-axes",
        ),
        (
            Some("EPSG:4528"),
            n,
            e,
            "crs_axes_exchanged",
            "--crs EPSG:4549 --swap-axes",
        ),
        (Some("EPSG:4549"), prefixed, n, "crs_zone_number", "--crs EPSG:4528"),
        (Some("EPSG:4528"), e, n, "crs_zone_number", "--crs EPSG:4549"),
        (
            Some("EPSG:4527"),
            prefixed - 5e6,
            n,
            "crs_does_not_fit",
            "--crs EPSG:4523",
        ),
        (Some("EPSG:4490"), prefixed, n, "crs_does_not_fit", "--crs EPSG:4528"),
        (None, prefixed, n, "crs_missing", "--crs EPSG:4528"),
        (None, n, prefixed, "crs_missing", "--crs EPSG:4528 --swap-axes"),
        // Without the number any zone could be meant.
        (None, e, n, "crs_missing", ""),
        (None, 13_358_338.0, 3_632_749.0, "crs_missing", "--crs EPSG:3857"),
    ] {
        let refused = at(crs, x, y).unwrap_err();
        assert_eq!(refused.code(), code, "{crs:?} {x} {y}");
        assert_eq!(offered(&refused).join(" | "), offers, "{crs:?} {x} {y}");
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
fn every_zone_is_told_from_its_neighbours_and_its_other_form() {
    for zone in 25_u32..=45 {
        let (with, without) = (format!("EPSG:{}", 4488 + zone), format!("EPSG:{}", 4509 + zone));
        let (e, n) = (431_234.5, 3_456_789.0);
        let numbered = f64::from(zone) * 1e6 + e;
        let cases = [
            (&without, numbered, n, "crs_zone_number", format!("--crs {with}")),
            (&with, e, n, "crs_zone_number", format!("--crs {without}")),
            (&without, n, e, "crs_axes_exchanged", "--swap-axes".to_owned()),
            (&with, n, numbered, "crs_axes_exchanged", "--swap-axes".to_owned()),
        ];
        for (crs, x, y, code, offer) in cases {
            let refused = at(Some(crs), x, y).unwrap_err();
            assert_eq!(
                (refused.code(), offered(&refused)),
                (code, vec![offer]),
                "{crs} {x} {y}"
            );
        }
    }
}

#[test]
fn what_is_offered_leads_to_the_right_place() {
    let (e, n) = (480_123.0, 3_520_456.0);
    let right = at(Some("EPSG:4549"), e, n).unwrap();
    let place = geo::CoordsIter::coords_iter(right.accepted[0].geometry.as_ref().unwrap());
    let right: std::collections::BTreeSet<(i64, i64)> = place
        .map(|coord| ((coord.x * 1e8).round() as i64, (coord.y * 1e8).round() as i64))
        .collect();
    for (crs, x, y) in [
        ("EPSG:4549", n, e),
        ("EPSG:4549", n, 40e6 + e),
        ("EPSG:4528", e, n),
        ("EPSG:4490", 40e6 + e, n),
    ] {
        let refused = at(Some(crs), x, y).unwrap_err();
        let offer = refused.offers()[0].clone();
        let outcome = with_options(
            x,
            y,
            PipelineOptions {
                crs: Some(Crs::of_source(offer.crs.as_deref().unwrap_or(crs)).unwrap()),
                swap_axes: offer.swap_axes.unwrap_or_default(),
                ..parcels()
            },
        )
        .unwrap();
        let found: std::collections::BTreeSet<(i64, i64)> =
            geo::CoordsIter::coords_iter(outcome.accepted[0].geometry.as_ref().unwrap())
                .map(|coord| ((coord.x * 1e8).round() as i64, (coord.y * 1e8).round() as i64))
                .collect();
        assert_eq!(found, right, "{crs} {x} {y}");
    }
    // Exchanged by order where they were right: the way back is offered.
    let options = PipelineOptions {
        crs: Some(Crs::parse("EPSG:4549").unwrap()),
        swap_axes: true,
        ..parcels()
    };
    let refused = with_options(e, n, options).unwrap_err();
    assert_eq!(refused.code(), "crs_axes_exchanged");
    assert_eq!(refused.offers()[0].settings(), [("swap_axes", "false".to_owned())]);
    assert!(refused.remedy().en.contains("leave out --swap-axes"));
}

const CHANGZHOU: Bounds = Bounds {
    west: 119.13,
    south: 31.15,
    east: 120.2,
    north: 32.07,
};

#[test]
fn the_region_tells_which_zone_and_which_order_is_meant() {
    let (e, n) = (480_123.0, 3_520_456.0);
    let expecting = |crs: Option<&str>| PipelineOptions {
        crs: crs.map(|text| Crs::of_source(text).unwrap()),
        bounds: Some(CHANGZHOU),
        ..parcels()
    };
    assert_eq!(
        with_options(e, n, expecting(Some("EPSG:4549"))).unwrap().accepted.len(),
        1
    );
    for (crs, x, y, code, offers) in [
        (None, e, n, "crs_missing", "--crs EPSG:4549"),
        (None, n, e, "crs_missing", "--crs EPSG:4549 --swap-axes"),
        // The neighbouring zone: 3° off, and nothing in the numbers shows it.
        (Some("EPSG:4548"), e, n, "crs_outside_region", "--crs EPSG:4549"),
        // Its own zone, but another county's land.
        (Some("EPSG:4549"), e, n + 200_000.0, "crs_outside_region", ""),
    ] {
        let refused = with_options(x, y, expecting(crs)).unwrap_err();
        assert_eq!(refused.code(), code, "{crs:?}");
        assert_eq!(offered(&refused).join(" | "), offers, "{crs:?}");
    }
    // Latitude first where no latitude gives it away: 43.8 N, 87.6 E lies in the Arctic the other way
    // round, and Kraków in Somalia.
    let square_at = |x: f64, y: f64| {
        let folder = Folder::new();
        let text = collection(&[feature("P1", &polygon_json(&[square(x, y, 0.001)]))]);
        open(&folder.write("square.geojson", text))
    };
    let refused = |source: &gis_data::Source, options: PipelineOptions| match gis_data::Pipeline::new(source, options) {
        Err(gis_data::PipelineRefused::Crs(refused)) => refused,
        other => panic!("{other:?}"),
    };
    let found = refused(&square_at(43.8, 87.6), parcels());
    assert_eq!(
        (found.code(), offered(&found)),
        ("crs_axes_exchanged", vec!["--swap-axes".to_owned()])
    );
    let krakow = PipelineOptions {
        bounds: Some(Bounds::parse("19.7, 49.9, 20.3, 50.2").unwrap()),
        ..parcels()
    };
    let found = refused(&square_at(50.05, 19.9), krakow);
    assert_eq!(
        (found.code(), offered(&found)),
        ("crs_outside_region", vec!["--swap-axes".to_owned()])
    );
    // An unknown system is refused with what would fit.
    let unknown = collection(&[feature("P1", &polygon_json(&[plot(1)]))]).replacen(
        '{',
        r#"{"crs":{"type":"name","properties":{"name":"常州独立坐标系"}},"#,
        1,
    );
    let folder = Folder::new();
    let found = refused(&open(&folder.write("unknown.geojson", unknown)), parcels());
    assert_eq!(
        (found.code(), offered(&found)),
        ("crs_unknown", vec!["--crs EPSG:4490".to_owned()])
    );
}

#[test]
fn rows_outside_the_region_are_set_aside_and_those_on_its_edge_are_noted() {
    let folder = Folder::new();
    let mut features = plots(8);
    features.push(feature("beyond", &polygon_json(&[square(118.0, 31.7, 0.001)])));
    features.push(feature("edge", &polygon_json(&[square(120.15, 31.7, 0.2)])));
    let path = folder.write("plots.geojson", collection(&features));
    let options = PipelineOptions {
        bounds: Some(CHANGZHOU),
        ..parcels()
    };
    let outcome = import(&path, options).unwrap();
    assert_eq!(outcome.accepted.len(), 9);
    assert_eq!(outcome.reasons(), [("outside_region", 1)].into());
    assert_eq!(outcome.quarantined[0].source_key.as_deref(), Some("beyond"));
    assert!(outcome.quarantined[0].geometry_is_lonlat);
    assert_eq!(outcome.warnings(), [("partly_outside_region", 1)].into());
    for text in ["", "1,2,3", "1,2,3,x", "120,31,119,32", "119,31,120,91", "NaN,1,2,3"] {
        assert!(Bounds::parse(text).is_err(), "{text}");
    }
}

fn shifted(crs: &str, shift: &DatumShift, x: f64, y: f64) -> Coord<f64> {
    let conversion = Conversion::by_parameters(&Crs::of_source(crs).unwrap(), shift).unwrap();
    let mut coordinates = [Coord { x, y }];
    conversion.coordinates(&mut coordinates).unwrap();
    coordinates[0]
}

/// `cs2cs … +towgs84=22.5,-118.25,30.5,1.2,-0.8,2.5,3.1 +to +proj=longlat +datum=WGS84` (PROJ 9.1.1),
/// whose `+towgs84` is the position vector's.
#[test]
fn seven_parameters_agree_with_proj_within_a_millimetre() {
    let text = "seven:dx=22.5,dy=-118.25,dz=30.5,rx=1.2,ry=-0.8,rz=2.5,scale=3.1,convention=position_vector";
    let shift = DatumShift::parse(text, "测绘院").unwrap();
    let mirrored = text
        .replace("rx=1.2,ry=-0.8,rz=2.5", "rx=-1.2,ry=0.8,rz=-2.5")
        .replace("position_vector", "coordinate_frame");
    assert_eq!(DatumShift::parse(&mirrored, "测绘院").unwrap(), shift);
    for (crs, x, y, lon, lat) in [
        (
            "EPSG:2385",
            480_123.456,
            3_520_456.789,
            119.791_419_594_243,
            31.807_812_242_028,
        ),
        (
            "EPSG:2416",
            40_561_152.463,
            3_523_623.245,
            120.647_330_051_379,
            31.834_366_639_708,
        ),
        ("EPSG:4214", 119.95, 31.78, 119.951_332_822_063, 31.780_973_498_250),
    ] {
        let off = metres(shifted(crs, &shift, x, y), Coord { x: lon, y: lat });
        assert!(off < 0.001, "{crs}: {off} m");
    }
}

#[test]
fn four_parameters_go_from_plane_to_plane() {
    let text = "four:north=-12.5,east=45.25,rotation=1.75,scale=-3.5";
    let shift = DatumShift::parse(text, "测绘院").unwrap();
    // The formula by hand gives (480196.8938443477, 3520427.893806439); from there PROJ's EPSG:4549.
    let there = Coord {
        x: 119.790_866_077_562,
        y: 31.806_614_367_785_9,
    };
    let (x, y) = (480_123.456, 3_520_456.789);
    for (crs, to) in [
        ("EPSG:2385", ""),
        ("EPSG:2437", ",to=EPSG:4549"),
        ("local", ",to=EPSG:4549"),
    ] {
        let shift = DatumShift::parse(&format!("{text}{to}"), "测绘院").unwrap();
        let off = metres(shifted(crs, &shift, x, y), there);
        assert!(off < 0.001, "{crs}: {off} m");
    }
    // With the zone's number in the easting it is the same place: the number comes off first. Only
    // parameters that lead to numbered eastings are for numbered eastings.
    let off = metres(shifted("EPSG:2364", &shift, 40e6 + x, y), there);
    assert!(off < 0.001, "{off} m");
    let numbered = DatumShift::parse(&format!("{text},to=EPSG:4528"), "测绘院").unwrap();
    let off = metres(shifted("EPSG:2364", &numbered, 40e6 + x, y), there);
    assert!(
        (off - 40e6 * (1.75_f64 / 3600.0).to_radians().hypot(3.5e-6)).abs() < 2.0,
        "{off} m"
    );
    // A neighbour's zone, in degrees of the old datum: through its own plane there. The plane of
    // Xi'an 1980 at (119.95, 31.78), by PROJ.
    let by_plane = {
        let (x, y) = XIAN_PLANE;
        shifted("EPSG:2385", &shift, x, y)
    };
    let by_degrees = shifted(
        "EPSG:4610",
        &DatumShift::parse(&format!("{text},to=EPSG:4549"), "测绘院").unwrap(),
        119.95,
        31.78,
    );
    let off = metres(by_plane, by_degrees);
    assert!(off < 0.001, "{off} m");
    let refused = |crs: &str, text: &str| {
        let shift = DatumShift::parse(text, "测绘院").unwrap();
        let refused = Conversion::by_parameters(&Crs::of_source(crs).unwrap(), &shift).unwrap_err();
        assert!(!refused.words().zh.is_empty() && !refused.remedy().zh.is_empty() && !refused.field().is_empty());
        refused.code()
    };
    assert_eq!(refused("EPSG:4549", text), "parameters_not_needed");
    assert_eq!(refused("local", text), "parameters_target_missing");
    assert_eq!(refused("EPSG:4610", text), "parameters_target_missing");
    let seven = "seven:dx=1,dy=2,dz=3,rx=0,ry=0,rz=0,scale=0,convention=position_vector";
    assert_eq!(refused("local", seven), "parameters_plane_only");
}

/// `echo 119.95 31.78 | cs2cs +proj=longlat +a=6378140 +b=6356755.288157528 +to +proj=tmerc +lat_0=0
/// +lon_0=120 +k=1 +x_0=500000 +y_0=0 +a=6378140 +b=6356755.288157528` (PROJ 9.1.1).
const XIAN_PLANE: (f64, f64) = (495_264.093_979, 3_517_460.486_722);

#[test]
fn parameters_that_are_incomplete_or_come_from_nobody_are_refused() {
    let whole = "four:north=-12.5,east=45.25,rotation=1.75,scale=-3.5";
    assert!(DatumShift::parse(whole, "常州市测绘院").is_ok());
    for (text, code) in [
        ("", "parameters_unreadable"),
        ("four", "parameters_unreadable"),
        ("four:north=1,east=2,rotation=3", "parameters_unreadable"),
        ("four:north=1,east=2,rotation=3,scale=x", "parameters_unreadable"),
        ("four:north=1,east=2,rotation=3,scale=inf", "parameters_unreadable"),
        ("four:north=1,east=2,rotation=3,scale=4,dx=5", "parameters_unreadable"),
        (
            "four:north=1,north=1,east=2,rotation=3,scale=4",
            "parameters_unreadable",
        ),
        ("three:dx=1,dy=2,dz=3", "parameters_unreadable"),
        // Without its convention a rotation has no direction.
        ("seven:dx=1,dy=2,dz=3,rx=1,ry=1,rz=1,scale=0", "parameters_unreadable"),
        (
            "seven:dx=1,dy=2,dz=3,rx=1,ry=1,rz=1,scale=0,convention=布尔沙",
            "parameters_unreadable",
        ),
        (&format!("{whole},to=EPSG:2385"), "parameters_target_unsuitable"),
        (&format!("{whole},to=EPSG:32650"), "parameters_target_unsuitable"),
        (&format!("{whole},to=EPSG:4490"), "parameters_target_unsuitable"),
    ] {
        let refused = DatumShift::parse(text, "测绘院").unwrap_err();
        assert_eq!(refused.code(), code, "{text}: {refused}");
        assert!(
            !refused.words().zh.is_empty()
                && refused.remedy().en.contains("to=EPSG") | refused.remedy().en.contains("four:")
        );
    }
    assert_eq!(
        DatumShift::parse(whole, "  ").unwrap_err().code(),
        "parameters_without_source"
    );
    // Those of another pair of systems move everything by kilometres.
    let wrong = DatumShift::parse("four:north=0,east=40000,rotation=0,scale=0", "测绘院").unwrap();
    let options = PipelineOptions {
        crs: Some(Crs::of_source("EPSG:2385").unwrap()),
        datum_shift: Some(wrong),
        ..parcels()
    };
    let refused = with_options(480_123.0, 3_520_456.0, options).unwrap_err();
    assert_eq!(refused.code(), "parameters_implausible");
}

#[test]
fn control_points_are_read_and_judged() {
    let header = "点名,源东坐标,源北坐标,目标东坐标,目标北坐标\n";
    let parse = |rows: &str| DatumShift::by_control_points(&format!("\u{feff}{header}{rows}"), "测绘院", None);
    let convert = |shift: &DatumShift| Conversion::by_parameters(&Crs::of_source("EPSG:2385").unwrap(), shift);
    let good =
        "A,480000,3520000,480050,3519990\nB,481000,3520000,481050.02,3519990\nC,480500,3521000,480549.98,3520990.01\n";
    let conversion = convert(&parse(good).unwrap()).unwrap();
    let record = conversion.record().unwrap();
    assert_eq!((record.method, record.residuals.len()), ("control_points", 3));
    assert!(
        record.rms_m.unwrap() > 0.001 && record.rms_m.unwrap() < 0.03,
        "{record:?}"
    );
    assert_eq!(record.target.as_deref(), Some("EPSG:4549"));
    assert!(record.warning().message_zh.contains("测绘院") && record.warning().message_zh.contains("3 个"));
    // Parameters may be classified: their values are nowhere in what is kept.
    let kept = serde_json::to_string(record).unwrap();
    assert!(!kept.contains("rotation") && !kept.contains("scale"), "{kept}");
    for (rows, code) in [
        (
            "A,480000,3520000,480050,3519990\nB,481000,3520000,481050,3519990\n",
            "control_points_too_few",
        ),
        (
            "A,480000,3520000,480050,3519990\nA,480000,3520000,480050,3519990\nA,480000,3520000,480050,3519990\n",
            "control_points_too_close",
        ),
        // One pair with its axes exchanged.
        (
            &good.replace("480549.98,3520990.01", "3520990.01,480549.98"),
            "control_points_disagree",
        ),
    ] {
        let refused = convert(&parse(rows).unwrap()).unwrap_err();
        assert_eq!(refused.code(), code, "{rows}");
        assert!(!refused.words().zh.is_empty() && !refused.remedy().en.is_empty());
    }
    for rows in [
        "A,480000,3520000,480050\n",
        "A,480000,x,480050,3519990\n",
        "A,480000,NaN,480050,3519990\n",
    ] {
        assert_eq!(parse(rows).unwrap_err().code(), "parameters_unreadable", "{rows}");
    }
    for text in [
        "",
        "name,source_east\nA,1\n",
        "{",
        r#"{"features":[{"geometry":{"type":"Point","coordinates":[1,2]}}]}"#,
    ] {
        let refused = DatumShift::by_control_points(text, "测绘院", None).unwrap_err();
        assert_eq!(refused.code(), "parameters_unreadable", "{text}");
    }
    // Numbers in front of the eastings, on either side, change nothing.
    let numbered = good.replace(",480", ",40480").replace(",481", ",40481");
    let by_number =
        Conversion::by_parameters(&Crs::of_source("EPSG:2364").unwrap(), &parse(&numbered).unwrap()).unwrap();
    let (mut with, mut without) = (
        [Coord {
            x: 40_480_250.0,
            y: 3_520_250.0,
        }],
        [Coord {
            x: 480_250.0,
            y: 3_520_250.0,
        }],
    );
    by_number.coordinates(&mut with).unwrap();
    conversion.coordinates(&mut without).unwrap();
    assert!(metres(with[0], without[0]) < 0.001);
    // The same points as lines from old to new.
    let lines: Vec<String> = good
        .lines()
        .map(|line| {
            let parts: Vec<&str> = line.split(',').collect();
            format!(
                r#"{{"type":"Feature","properties":{{"name":"{}"}},"geometry":{{"type":"LineString","coordinates":[[{},{}],[{},{}]]}}}}"#,
                parts[0], parts[1], parts[2], parts[3], parts[4]
            )
        })
        .collect();
    let by_lines = DatumShift::by_control_points(&collection(&lines), "测绘院", None).unwrap();
    assert_eq!(by_lines, parse(good).unwrap());
}

proptest! {
    #[test]
    fn four_parameters_are_undone_by_their_inverse(
        north_m in -5e6..5e6_f64, east_m in -5e5..5e5_f64, rotation_s in -6e5..6e5_f64, scale_ppm in -1000.0..1000.0_f64,
        x in 1e5..46e6_f64, y in 1.9e6..6e6_f64,
    ) {
        let parameters = FourParameters { north_m, east_m, rotation_s, scale_ppm };
        let back = parameters.remove(parameters.apply(Coord { x, y })).unwrap();
        prop_assert!((back.x - x).abs() < 1e-6 && (back.y - y).abs() < 1e-6, "{back:?}");
    }

    #[test]
    fn planted_parameters_are_found_by_least_squares(
        north_m in -150.0..150.0_f64, east_m in -150.0..150.0_f64, rotation_s in -5.0..5.0_f64, scale_ppm in -20.0..20.0_f64,
        noise_m in 0.0..0.05_f64, seed in any::<u64>(), is_local in any::<bool>(),
    ) {
        let planted = FourParameters { north_m, east_m, rotation_s, scale_ppm };
        let unit = |number: u64| (hash(seed, number) >> 11) as f64 / (1_u64 << 53) as f64;
        let mut rows = "name,source_east,source_north,target_east,target_north\n".to_owned();
        for number in 0..12 {
            let source = Coord { x: 470_000.0 + unit(number * 4) * 30_000.0, y: 3_510_000.0 + unit(number * 4 + 1) * 30_000.0 };
            let target = planted.apply(source);
            let (off_x, off_y) = (unit(number * 4 + 2) - 0.5, unit(number * 4 + 3) - 0.5);
            rows.push_str(&format!("P{number},{},{},{},{}\n", source.x, source.y, target.x + off_x * noise_m, target.y + off_y * noise_m));
        }
        let fitted = DatumShift::by_control_points(&rows, "planted", Some("EPSG:4549")).unwrap();
        let given = DatumShift::parse(&format!("four:north={north_m},east={east_m},rotation={rotation_s},scale={scale_ppm},to=EPSG:4549"), "planted").unwrap();
        let crs = if is_local { "local" } else { "EPSG:2437" };
        for (x, y) in [(470_000.0, 3_510_000.0), (485_000.0, 3_525_000.0), (500_000.0, 3_540_000.0)] {
            let off = metres(shifted(crs, &fitted, x, y), shifted(crs, &given, x, y));
            prop_assert!(off < 0.001 + noise_m, "{off} m with noise of {noise_m} m");
        }
        let record = Conversion::by_parameters(&Crs::of_source(crs).unwrap(), &fitted).unwrap();
        prop_assert!(record.record().unwrap().rms_m.unwrap() <= 0.001 + noise_m);
    }
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
