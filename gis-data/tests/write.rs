//! What is written reads back the same: by this crate, and by GDAL.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use geo::{CoordsIter, MapCoords};
use geo_types::{Coord, Geometry, LineString, MultiPolygon, Point, Polygon};
use gis_data::write::{
    Cell, Column, ColumnKind, Header, LayerWriter, Shapes, Table, TargetCrs, WarningKind, WriteFailed, WriteFormat,
    Written,
};
use gis_data::{Conversion, Crs, ReadOptions, Source, Words};
use proptest::prelude::*;
use serde_json::Value;
use support::Folder;

/// Who reads a file back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// This crate.
    Us,
    /// GDAL, where another program's reading says more than our own.
    Gdal,
}

/// A row as it goes in and as it comes back.
#[derive(Debug, Clone, PartialEq)]
struct Row {
    id: String,
    code: Option<String>,
    name: Option<String>,
    area_m2: Option<f64>,
    floor: Option<i64>,
    since: Option<(u16, u8, u8)>,
    shape: Option<Geometry<f64>>,
}

fn table(shapes: Shapes, crs: u32) -> Table {
    let column = |name: &'static str, kind, zh: &str, en: &str| Column {
        name,
        kind,
        label: Words::new(zh, en),
    };
    Table {
        name: "parcels",
        title: Words::new("宗地", "Parcels"),
        columns: vec![
            column("id", ColumnKind::Text, "编号", "Id"),
            column("code", ColumnKind::Text, "宗地代码", "Parcel code"),
            column("name", ColumnKind::Text, "名称", "Name"),
            column(
                "registered_area_m2",
                ColumnKind::Real { decimals: 4 },
                "登记面积",
                "Registered area",
            ),
            column("floor", ColumnKind::Integer, "楼层", "Floor"),
            column("idle_since", ColumnKind::Date, "闲置起始日", "Idle since"),
        ],
        shapes,
        crs: TargetCrs::from_epsg(crs).unwrap(),
        header: Header::Names,
        written_at: "2026-11-21T08:30:00Z".to_owned(),
    }
}

fn write(path: &Path, format: WriteFormat, table: Table, rows: &[Row]) -> Result<Written, WriteFailed> {
    let mut writer = LayerWriter::create(path, format, table)?;
    for row in rows {
        let text = |text: &Option<String>| text.clone();
        let (code, name) = (text(&row.code), text(&row.name));
        let cells = [
            Cell::Text(&row.id),
            code.as_deref().map_or(Cell::Empty, Cell::Text),
            name.as_deref().map_or(Cell::Empty, Cell::Text),
            row.area_m2.map_or(Cell::Empty, Cell::Real),
            row.floor.map_or(Cell::Empty, Cell::Integer),
            row.since
                .map_or(Cell::Empty, |(year, month, day)| Cell::Date { year, month, day }),
        ];
        writer.write(&cells, row.shape.clone())?;
    }
    writer.finish()
}

/// A file's name for a format, as an export would name it.
fn file(folder: &Folder, format: WriteFormat) -> PathBuf {
    folder.path().join(format!("out.{}", format.extension()))
}

fn has_gdal() -> bool {
    let is_there = Command::new("ogr2ogr")
        .arg("--version")
        .output()
        .is_ok_and(|output| output.status.success());
    if !is_there {
        eprintln!("passed over: ogr2ogr is not installed (Debian: gdal-bin)");
    }
    is_there
}

fn gdal(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("OGR_XLSX_HEADERS", "FORCE")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    // GDAL goes on after what it takes for small faults of a file; none of ours may have any.
    assert!(
        !said.contains("ERROR") && !said.contains("Warning"),
        "{program} {arguments:?}: {said}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The file as GeoJSON lines through GDAL, in its own coordinates.
fn through_gdal(folder: &Folder, path: &Path) -> PathBuf {
    let lines = folder.path().join("gdal.geojsons");
    let _ = std::fs::remove_file(&lines);
    let (to, from) = (lines.to_str().unwrap(), path.to_str().unwrap());
    let mut arguments = vec![
        "-f",
        "GeoJSONSeq",
        "-lco",
        "COORDINATE_PRECISION=15",
        "-lco",
        "SIGNIFICANT_FIGURES=17",
    ];
    // The coordinates as they are: GeoJSON lines would turn them into WGS 84.
    arguments.extend(["-a_srs", "EPSG:4326", "-mapFieldType", "Date=String,DateTime=String"]);
    if path.extension().is_some_and(|ending| ending == "csv") {
        arguments.extend(["-oo", "KEEP_GEOM_COLUMNS=NO"]);
    }
    arguments.extend([to, from]);
    gdal("ogr2ogr", &arguments);
    lines
}

/// Reads a file back; the shapes in the file's coordinates.
fn read_back(folder: &Folder, path: &Path, format: WriteFormat, by: By) -> Vec<Row> {
    let readable = match by {
        By::Us => path.to_owned(),
        By::Gdal => through_gdal(folder, path),
    };
    let mut source = Source::open(&readable, &ReadOptions::default()).unwrap();
    source
        .rows()
        .map(|row| {
            let row = row.unwrap();
            assert!(!row.reassigned_rings, "{format:?}: shells and holes run the wrong way");
            assert!(row.undecodable_fields.is_empty(), "{format:?}");
            let value = |names: &[&str]| {
                row.properties
                    .iter()
                    .find(|(key, _)| {
                        // A workbook's header has the Chinese above the name.
                        let name = key.rsplit(char::is_whitespace).next().unwrap_or(key);
                        names.contains(&name)
                    })
                    .map(|(_, value)| value.clone())
                    .unwrap_or(Value::Null)
            };
            let text = |names: &[&str]| match value(names) {
                Value::String(text) if !text.is_empty() => Some(text),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            };
            let number = |names: &[&str]| match value(names) {
                Value::Number(number) => number.as_f64(),
                Value::String(text) => text.parse().ok(),
                _ => None,
            };
            // The guard of a spreadsheet's formulas comes off again; GDAL knows nothing of it.
            let unguarded = |text: Option<String>| {
                text.map(|text| match text.strip_prefix('\'') {
                    Some(rest)
                        if (format, by) == (WriteFormat::Csv, By::Gdal)
                            && rest
                                .trim_start_matches('\'')
                                .starts_with(['=', '+', '-', '@', '\t', '\r']) =>
                    {
                        rest.to_owned()
                    }
                    _ => text,
                })
            };
            let shape = match (row.geometry.unwrap(), text(&["wkt"])) {
                (None, Some(wkt)) => Some(parse_wkt(&wkt)),
                (shape, _) => shape,
            };
            Row {
                id: unguarded(text(&["id"])).unwrap(),
                code: unguarded(text(&["code"])),
                name: unguarded(text(&["name"])),
                area_m2: number(&["registered_area_m2", "registered"]),
                floor: number(&["floor"]).map(|floor| floor as i64),
                since: text(&["idle_since"]).map(|day| {
                    let part = |from: usize, to: usize| day[from..to].parse::<u16>().unwrap();
                    (part(0, 4), part(5, 7) as u8, part(8, 10) as u8)
                }),
                shape: shape.map(plain),
            }
        })
        .collect()
}

/// A polygon is a multipolygon of one; rings run as they should.
fn plain(shape: Geometry<f64>) -> Geometry<f64> {
    let mut shape = match shape {
        Geometry::MultiPolygon(MultiPolygon(mut polygons)) if polygons.len() == 1 => {
            Geometry::Polygon(polygons.remove(0))
        }
        other => other,
    };
    gis_data::check::wind(&mut shape);
    // Which of several parts comes first has no meaning, and a shapefile's reader sorts them.
    if let Geometry::MultiPolygon(polygons) = &mut shape {
        // Two parts may begin at the same corner, where they touch.
        polygons.0.sort_by(|a, b| {
            let corners = |polygon: &Polygon<f64>| {
                polygon
                    .exterior()
                    .0
                    .iter()
                    .flat_map(|at| [at.x, at.y])
                    .collect::<Vec<_>>()
            };
            corners(a)
                .iter()
                .zip(&corners(b))
                .map(|(a, b)| a.total_cmp(b))
                .find(|order| order.is_ne())
                .unwrap_or_else(|| a.exterior().0.len().cmp(&b.exterior().0.len()))
        });
    }
    shape
}

/// Just what is written: brackets and numbers.
fn parse_wkt(text: &str) -> Geometry<f64> {
    let (kind, rest) = text.split_once(' ').unwrap();
    let json = {
        let mut json = String::new();
        for part in rest.split_inclusive(['(', ')', ',']) {
            let (numbers, mark) = part.split_at(part.len() - 1);
            if let Some((x, y)) = numbers.trim().split_once(' ') {
                json.push_str(&format!("[{x},{y}]"));
            }
            json.push_str(match mark {
                "(" => "[",
                ")" => "]",
                other => other,
            });
        }
        json
    };
    let ring = |value: &Value| {
        LineString(
            value
                .as_array()
                .unwrap()
                .iter()
                .map(|at| Coord {
                    x: at[0].as_f64().unwrap(),
                    y: at[1].as_f64().unwrap(),
                })
                .collect(),
        )
    };
    let polygon = |value: &Value| {
        let mut rings: Vec<_> = value.as_array().unwrap().iter().map(ring).collect();
        let shell = rings.remove(0);
        Polygon::new(shell, rings)
    };
    let value: Value = serde_json::from_str(&json).unwrap();
    match kind {
        "POINT" => Geometry::Point(Point(ring(&value).0[0])),
        "POLYGON" => Geometry::Polygon(polygon(&value)),
        "MULTIPOLYGON" => Geometry::MultiPolygon(MultiPolygon(value.as_array().unwrap().iter().map(polygon).collect())),
        other => panic!("{other}"),
    }
}

/// Compares what came back with what went in, as far as the format goes.
fn assert_same(format: WriteFormat, crs: u32, wanted: &[Row], mut found: Vec<Row>, by: By) {
    let to_storage = Conversion::to_storage(&Crs::from_epsg(crs).unwrap()).unwrap();
    let mut wanted: Vec<Row> = wanted
        .iter()
        .filter(|row| format != WriteFormat::FlatGeobuf || row.shape.is_some())
        .cloned()
        .collect();
    // FlatGeobuf puts them into the order of its index.
    wanted.sort_by(|a, b| a.id.cmp(&b.id));
    found.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(wanted.len(), found.len(), "{format:?}");
    for (wanted, mut found) in wanted.iter().zip(found) {
        match (&wanted.shape, &mut found.shape) {
            (None, None) => {}
            (Some(wanted), Some(found)) => {
                let wanted = plain(wanted.clone());
                if matches!(crs, 4490 | 4326) && by == By::Us {
                    assert_eq!(&wanted, found, "{format:?}");
                } else {
                    // GDAL tidies numbers up when it prints them (119.95020000000001 is 119.9502 then).
                    to_storage.geometry(found).unwrap();
                    let apart = wanted
                        .coords_iter()
                        .zip(found.coords_iter())
                        .map(|(a, b)| support::metres(a, b))
                        .fold(0.0, f64::max);
                    assert_eq!(wanted.coords_count(), found.coords_count(), "{format:?}");
                    assert!(apart < 1e-6, "{format:?} in {crs}: {apart} m off");
                }
            }
            other => panic!("{format:?}: {other:?}"),
        }
        let decimals = if format == WriteFormat::Shapefile { 1e4 } else { 1e12 };
        match (wanted.area_m2, found.area_m2) {
            (Some(wanted), Some(found)) if format == WriteFormat::Shapefile => {
                assert!(
                    (wanted - found).abs() <= 0.5 / decimals + wanted.abs() * 1e-15,
                    "{wanted} {found}"
                );
            }
            (wanted, found) => assert_eq!(wanted, found, "{format:?}"),
        }
        assert_eq!(
            (&wanted.id, &wanted.code, &wanted.name, wanted.floor, wanted.since),
            (&found.id, &found.code, &found.name, found.floor, found.since),
            "{format:?}"
        );
    }
}

fn ring(x: f64, y: f64, width: f64, height: f64) -> LineString<f64> {
    LineString::from(vec![
        (x, y),
        (x + width, y),
        (x + width, y + height),
        (x, y + height),
        (x, y),
    ])
}

/// Squares with and without a hole, one or two of them, around Changzhou's longitude.
fn shape() -> impl Strategy<Value = Geometry<f64>> {
    let place = (119.2_f64..120.8, 31.0_f64..32.5, 1e-5_f64..1e-3, 1e-5_f64..1e-3);
    (place, any::<bool>(), any::<bool>()).prop_map(|((x, y, width, height), has_hole, is_multi)| {
        let mut hole = ring(x + width / 4.0, y + height / 4.0, width / 2.0, height / 2.0);
        hole.0.reverse();
        let holes = if has_hole { vec![hole] } else { Vec::new() };
        let one = Polygon::new(ring(x, y, width, height), holes);
        if is_multi {
            let other = Polygon::new(ring(x + 2.0 * width, y, width, height), Vec::new());
            Geometry::MultiPolygon(MultiPolygon(vec![one, other]))
        } else {
            Geometry::Polygon(one)
        }
    })
}

/// Texts of a bureau's tables. No blanks at the ends (dBase can't tell them from none) and not empty (no format but
/// two can tell that from nothing).
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        "[0-9]{6,19}",
        "0[0-9]{5}",
        "[\u{4e00}-\u{9fa5}]{1,20}",
        "[=+@'-]{1,2}[A-Z0-9(]{1,8}",
        r#"[a-z",;'&<>\\/]{1,12}"#,
    ]
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (
        proptest::option::of(words()),
        proptest::option::of(words()),
        proptest::option::of((0_u64..100_000_000_000).prop_map(|area| area as f64 / 1e4)),
        proptest::option::of(-30_i64..300),
        proptest::option::of((1950_u16..2049, 1_u8..13, 1_u8..29)),
        proptest::option::weighted(0.9, shape()),
    );
    proptest::collection::vec(row, 1..40).prop_map(|rows| {
        rows.into_iter()
            .enumerate()
            .map(|(index, (code, name, area_m2, floor, since, shape))| Row {
                id: format!("row-{index:05}"),
                code,
                name,
                area_m2,
                floor,
                since,
                shape,
            })
            .collect()
    })
}

fn round_trip(formats: &[WriteFormat], crs: u32, rows: &[Row], by: By) {
    for &format in formats {
        let folder = Folder::new();
        let path = file(&folder, format);
        let written = write(&path, format, table(Shapes::Polygons, crs), rows).unwrap();
        let shapeless = rows.iter().filter(|row| row.shape.is_none()).count() as u64;
        let left_out = written
            .warnings
            .iter()
            .find(|warning| warning.kind == WarningKind::RowWithoutShape)
            .map_or(0, |warning| warning.count);
        let expected = if format == WriteFormat::FlatGeobuf {
            shapeless
        } else {
            0
        };
        assert_eq!(left_out, expected, "{format:?}");
        assert_eq!(written.rows + left_out, rows.len() as u64, "{format:?}");
        if written.rows > 0 {
            assert_same(format, crs, rows, read_back(&folder, &path, format, by), by);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_this_crate_reads_comes_back_the_same(rows in rows(), crs in prop::sample::select(vec![4490, 4326, 4528, 4549])) {
        round_trip(&WriteFormat::ALL, crs, &rows, By::Us);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_gdal_reads_comes_back_the_same(rows in rows(), crs in prop::sample::select(vec![4490, 4326, 4528, 4549])) {
        if has_gdal() {
            let formats = [WriteFormat::GeoPackage, WriteFormat::FlatGeobuf, WriteFormat::Csv, WriteFormat::Xlsx];
            round_trip(&formats, crs, &rows, By::Gdal);
        }
    }
}

fn plots(count: usize) -> Vec<Row> {
    (0..count)
        .map(|index| Row {
            id: format!("id-{index:05}"),
            code: Some(format!("{index:09}")),
            name: Some(format!("地块{index}")),
            area_m2: Some(index as f64 + 0.25),
            floor: Some(index as i64 - 2),
            since: None,
            shape: Some(Geometry::Polygon(Polygon::new(
                ring(119.95 + index as f64 * 1e-3, 31.78, 5e-4, 5e-4),
                Vec::new(),
            ))),
        })
        .collect()
}

#[test]
fn gdal_sees_the_layer_its_system_its_extent_and_its_index() {
    if !has_gdal() {
        return;
    }
    let folder = Folder::new();
    let rows = plots(1_000);
    for (format, name) in [
        (WriteFormat::GeoPackage, "parcels"),
        (WriteFormat::FlatGeobuf, "parcels"),
        (WriteFormat::Shapefile, "parcels"),
        (WriteFormat::GeoJson, "parcels"),
    ] {
        for (crs, title) in [
            (4490, "China Geodetic Coordinate System 2000"),
            (4326, "WGS 84"),
            (4528, "CGCS2000 / 3-degree Gauss-Kruger zone 40"),
            (4549, "CGCS2000 / 3-degree Gauss-Kruger CM 120E"),
        ] {
            let path = file(&folder, format);
            write(&path, format, table(Shapes::Polygons, crs), &rows).unwrap();
            let shown = path.to_str().unwrap().to_owned();
            // A zip is opened by GDAL's way into archives.
            let shown = if format == WriteFormat::Shapefile {
                format!("/vsizip/{shown}")
            } else {
                shown
            };
            let summary = gdal("ogrinfo", &["-al", "-so", &shown]);
            assert!(summary.contains(&format!("Layer name: {name}")), "{summary}");
            assert!(summary.contains("Feature Count: 1000"), "{format:?} {summary}");
            // RFC 7946 has no name for another system than WGS 84.
            let is_plain = format == WriteFormat::GeoJson && crs == 4490;
            let title = if is_plain { "WGS 84" } else { title };
            let code = if is_plain { 4326 } else { crs };
            assert!(
                summary.contains(title)
                    || summary
                        .replace(['_', ' '], "")
                        .contains(&title.replace([' ', '/', '-'], "")),
                "{format:?} in {crs}: {summary}"
            );
            assert!(
                summary.contains(&format!("ID[\"EPSG\",{code}]")),
                "{format:?} in {crs}: {summary}"
            );
            // Only what lies in the box, by way of the index where there is one.
            let found = gdal(
                "ogrinfo",
                &[
                    "-al",
                    "-so",
                    "-spat",
                    &edge(crs, 119.95 + 99.75e-3).0.to_string(),
                    &edge(crs, 0.0).1.to_string(),
                    &edge(crs, 119.95 + 199.75e-3).0.to_string(),
                    &edge(crs, 1.0).1.to_string(),
                    &shown,
                ],
            );
            assert!(found.contains("Feature Count: 100"), "{format:?} in {crs}: {found}");
            assert!(summary.contains("registered"), "{summary}");
        }
    }
}

/// A longitude, and the lower (0) or upper edge of the plots, in a system.
fn edge(crs: u32, at: f64) -> (f64, f64) {
    let (x, y) = if crs == 4490 || crs == 4326 {
        (at, if at < 0.5 { 31.77 } else { 31.79 })
    } else {
        let prefix = if crs == 4528 { 40_500_000.0 } else { 500_000.0 };
        let (easting, _) = gis_data::area::gauss_kruger(at, 31.78, 120.0);
        let (_, northing) = gis_data::area::gauss_kruger(120.0, if at < 0.5 { 31.77 } else { 31.79 }, 120.0);
        (easting + prefix, northing)
    };
    (x, y)
}

#[test]
fn systems_are_defined_as_epsg_and_esri_define_them() {
    if !has_gdal() {
        return;
    }
    // The ends of both rows of zones and their middles: each question takes a quarter of a second.
    for code in [4490, 4326, 4513, 4528, 4533, 4534, 4549, 4554] {
        let crs = TargetCrs::from_epsg(code).unwrap();
        let ask = |form: &str| gdal("gdalsrsinfo", &["-o", form, "--single-line", &format!("EPSG:{code}")]);
        assert_eq!(crs.wkt(), ask("wkt1").trim(), "{code}");
        assert_eq!(crs.esri_wkt(), ask("wkt_esri").trim(), "{code}");
    }
}

#[test]
fn our_own_reader_takes_each_prj_for_the_system_it_was_written_for() {
    for code in [4490, 4326].into_iter().chain(4513..=4554) {
        let target = TargetCrs::from_epsg(code).unwrap();
        for definition in [target.esri_wkt(), target.wkt()] {
            let crs = Crs::parse(&definition).unwrap();
            let meridian = match code {
                4513..=4533 => (code - 4488) * 3,
                4534..=4554 => (code - 4509) * 3,
                _ => 120,
            };
            let place = Coord {
                x: f64::from(meridian) + 0.5,
                y: 31.78,
            };
            let mut written = vec![Row {
                shape: Some(Geometry::Polygon(Polygon::new(
                    ring(place.x, place.y, 1e-4, 1e-4),
                    vec![],
                ))),
                ..plots(1).remove(0)
            }];
            let folder = Folder::new();
            let path = file(&folder, WriteFormat::GeoJson);
            write(&path, WriteFormat::GeoJson, table(Shapes::Polygons, code), &written).unwrap();
            let mut found = read_back(&folder, &path, WriteFormat::GeoJson, By::Us)
                .remove(0)
                .shape
                .unwrap();
            Conversion::to_storage(&crs).unwrap().geometry(&mut found).unwrap();
            let wanted = written.remove(0).shape.unwrap();
            let apart = wanted
                .coords_iter()
                .zip(found.coords_iter())
                .map(|(a, b)| support::metres(a, b))
                .fold(0.0, f64::max);
            assert!(apart < 1e-6, "{definition}: {apart} m off");
        }
    }
}

#[test]
fn a_system_that_is_none_of_ours_is_refused() {
    for text in [
        "EPSG:3857",
        "EPSG:2436",
        "4512",
        "4555",
        "GCJ-02",
        "",
        "EPSG:",
        "31.7",
        "CGCS2000",
    ] {
        let refused = TargetCrs::parse(text).unwrap_err();
        assert_eq!(
            (refused.code(), refused.field()),
            ("crs_not_exported", Some("crs")),
            "{text}"
        );
        assert!(refused.remedy().unwrap().contains("EPSG:4490"));
    }
    for (text, code) in [
        ("EPSG:4549", 4549),
        ("4490", 4490),
        (" epsg:4326 ", 4326),
        ("urn:ogc:def:crs:EPSG::4528", 4528),
        ("http://www.opengis.net/def/crs/EPSG/0/4513", 4513),
        ("OGC:CRS84", 4326),
    ] {
        assert_eq!(TargetCrs::parse(text).unwrap().epsg(), code, "{text}");
    }
}

#[test]
fn a_shape_in_the_next_zone_is_warned_of_and_one_on_another_continent_refused() {
    let folder = Folder::new();
    let moved = |by: f64| {
        let mut rows = plots(3);
        rows[1].shape = rows[1]
            .shape
            .as_ref()
            .map(|shape| shape.map_coords(|at| Coord { x: at.x + by, y: at.y }));
        rows
    };
    for format in WriteFormat::ALL {
        let path = file(&folder, format);
        let written = write(&path, format, table(Shapes::Polygons, 4549), &moved(3.0)).unwrap();
        let warning = written
            .warnings
            .iter()
            .find(|warning| warning.kind == WarningKind::OutsideZone);
        assert_eq!(warning.map(|warning| warning.count), Some(1), "{format:?}");
        for far in [-191.0, 40.0, 180.0] {
            let refused = write(&path, format, table(Shapes::Polygons, 4549), &moved(far)).unwrap_err();
            assert_eq!(
                (refused.code(), refused.field()),
                ("far_from_zone", Some("crs")),
                "{format:?} {far}"
            );
        }
    }
}

#[test]
fn points_stand_beside_polygons_and_rows_without_shape_stay() {
    let mut rows = plots(6);
    rows[1].shape = Some(Geometry::Point(Point::new(119.96, 31.79)));
    rows[4].shape = Some(Geometry::Point(Point::new(119.97, 31.79)));
    rows[3].shape = None;
    for format in WriteFormat::ALL {
        let folder = Folder::new();
        let path = file(&folder, format);
        let written = write(&path, format, table(Shapes::Mixed, 4490), &rows).unwrap();
        let warnings: Vec<_> = written
            .warnings
            .iter()
            .map(|warning| (warning.kind, warning.count))
            .collect();
        match format {
            WriteFormat::Shapefile => {
                assert!(warnings.contains(&(WarningKind::PointsApart, 2)));
                let mut found = Vec::new();
                for member in ["parcels", "parcels_points"] {
                    let options = ReadOptions {
                        member: Some(format!("{member}.shp")),
                        ..ReadOptions::default()
                    };
                    let mut source = Source::open(&path, &options).unwrap();
                    found.push(
                        source
                            .rows()
                            .map(|row| row.unwrap().geometry.unwrap())
                            .collect::<Vec<_>>(),
                    );
                }
                assert_eq!(found[0].iter().filter(|shape| shape.is_none()).count(), 1);
                assert_eq!((found[0].len(), found[1].len()), (4, 2));
                assert_eq!(found[1][0], rows[1].shape);
            }
            _ => assert_same(format, 4490, &rows, read_back(&folder, &path, format, By::Us), By::Us),
        }
    }
    // A layer of polygons takes no points.
    let folder = Folder::new();
    let path = file(&folder, WriteFormat::GeoPackage);
    let refused = write(&path, WriteFormat::GeoPackage, table(Shapes::Polygons, 4490), &rows).unwrap_err();
    assert_eq!(refused.code(), "shape_kind");
}

#[test]
fn a_table_without_shapes_goes_where_tables_go() {
    let rows: Vec<Row> = plots(5).into_iter().map(|row| Row { shape: None, ..row }).collect();
    for format in WriteFormat::ALL {
        let folder = Folder::new();
        let path = file(&folder, format);
        let outcome = write(&path, format, table(Shapes::None, 4490), &rows);
        if format.holds_tables() {
            assert_eq!(outcome.unwrap().rows, 5);
            if has_gdal() {
                assert_same(format, 4490, &rows, read_back(&folder, &path, format, By::Us), By::Us);
            }
        } else {
            let refused = outcome.unwrap_err();
            assert_eq!(
                (refused.code(), refused.field()),
                ("format_needs_shapes", Some("format"))
            );
        }
    }
}

fn member(archive: &Path, name: &str) -> Vec<u8> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
    let mut bytes = Vec::new();
    std::io::copy(&mut zip.by_name(name).unwrap(), &mut bytes).unwrap();
    bytes
}

#[test]
fn a_shapefile_says_its_encoding_its_system_and_the_full_names_of_its_fields() {
    let folder = Folder::new();
    let path = file(&folder, WriteFormat::Shapefile);
    let mut rows = plots(3);
    rows[0].name = Some("宗".repeat(100));
    let written = write(&path, WriteFormat::Shapefile, table(Shapes::Polygons, 4549), &rows).unwrap();
    let warning = |kind| written.warnings.iter().find(|warning| warning.kind == kind).unwrap();
    assert_eq!(
        warning(WarningKind::FieldNameCut).examples,
        ["registered_area_m2 → registered"]
    );
    // 254 bytes hold 84 of these letters.
    assert_eq!(warning(WarningKind::TextCut).examples, ["name"]);
    assert_eq!(member(&path, "parcels.cpg"), b"UTF-8");
    assert!(member(&path, "parcels.prj").starts_with(b"PROJCS[\"CGCS2000_3_Degree_GK_CM_120E\""));
    let names = String::from_utf8(member(&path, "parcels.shp.xml")).unwrap();
    assert!(
        names.contains("<attrlabl>registered</attrlabl><attalias>registered_area_m2</attalias>"),
        "{names}"
    );
    let found = read_back(&folder, &path, WriteFormat::Shapefile, By::Us);
    assert_eq!(found[0].name, Some("宗".repeat(84)));
    let table = member(&path, "parcels.dbf");
    assert_eq!(&table[..4], [3, 126, 11, 21], "written on 2026-11-21");
    // Two fields cut to the same ten bytes are told apart.
    let mut columns = self::table(Shapes::Polygons, 4490);
    columns.columns[1].name = "land_use_scheme";
    columns.columns[2].name = "land_use_scale";
    let written = write(&path, WriteFormat::Shapefile, columns, &rows).unwrap();
    let cut = written
        .warnings
        .iter()
        .find(|warning| warning.kind == WarningKind::FieldNameCut)
        .unwrap();
    assert_eq!(
        cut.examples,
        [
            "land_use_scheme → land_use_s",
            "land_use_scale → land_use_1",
            "registered_area_m2 → registered"
        ]
    );
}

#[test]
fn a_csv_has_a_bom_windows_lines_guarded_formulas_and_the_header_asked_for() {
    let folder = Folder::new();
    let path = file(&folder, WriteFormat::Csv);
    let mut rows = plots(2);
    rows[0].name = Some("=HYPERLINK(\"http://a\")".to_owned());
    rows[1].name = Some("a,b\n\"c\"".to_owned());
    rows[1].shape = None;
    let written = write(&path, WriteFormat::Csv, table(Shapes::Polygons, 4490), &rows).unwrap();
    assert_eq!(written.warnings[0].kind, WarningKind::FormulaGuarded);
    assert_eq!(written.warnings[0].examples, ["name"]);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(lines[0], "\u{feff}id,code,name,registered_area_m2,floor,idle_since,wkt");
    assert_eq!(
        lines[1],
        "id-00000,000000000,\"'=HYPERLINK(\"\"http://a\"\")\",0.25,-2,,\"POLYGON ((119.95 31.78,119.9505 31.78,119.9505 31.7805,119.95 31.7805,119.95 31.78))\""
    );
    assert_eq!(lines[2], "id-00001,000000001,\"a,b\n\"\"c\"\"\",1.25,-1,,");
    for (header, first) in [
        (Header::Chinese, "\u{feff}编号,宗地代码,名称,登记面积"),
        (Header::English, "\u{feff}Id,Parcel code,Name,Registered area"),
    ] {
        let mut table = table(Shapes::Polygons, 4490);
        table.header = header;
        write(&path, WriteFormat::Csv, table, &rows).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(first), "{text}");
    }
}

#[test]
fn a_workbook_has_typed_cells_text_codes_and_both_languages_above_them() {
    let folder = Folder::new();
    let path = file(&folder, WriteFormat::Xlsx);
    let mut rows = plots(2);
    rows[0].since = Some((2024, 2, 29));
    // 2 000 corners and more are too much for a cell.
    let corners: Vec<(f64, f64)> = (0..2_000)
        .map(|at| {
            let angle = f64::from(at) / 2_000.0 * std::f64::consts::TAU;
            (119.9 + angle.cos() * 1e-3, 31.7 + angle.sin() * 1e-3)
        })
        .collect();
    rows[1].shape = Some(Geometry::Polygon(Polygon::new(LineString::from(corners), Vec::new())));
    let written = write(&path, WriteFormat::Xlsx, table(Shapes::Polygons, 4490), &rows).unwrap();
    assert_eq!(written.warnings[0].kind, WarningKind::ShapeTooLong);
    assert_eq!(written.warnings[0].count, 1);
    let sheet = String::from_utf8(member(&path, "xl/worksheets/sheet1.xml")).unwrap();
    assert!(sheet.contains("宗地代码\ncode"), "{sheet}");
    assert!(
        sheet.contains(r#"<c r="B2" s="2" t="inlineStr"><is><t>000000000</t>"#),
        "{sheet}"
    );
    assert!(sheet.contains(r#"<c r="D2"><v>0.25</v></c>"#), "{sheet}");
    assert!(sheet.contains(r#"<c r="E2"><v>-2</v></c>"#), "{sheet}");
    assert!(sheet.contains(r#"<v>45351</v>"#), "2024-02-29 is day 45351: {sheet}");
    assert!(sheet.contains("POLYGON (("), "{sheet}");
    assert!(
        sheet.contains("<pane ") && sheet.contains("<autoFilter ref=\"A1:G3\""),
        "{sheet}"
    );
    let book = String::from_utf8(member(&path, "xl/workbook.xml")).unwrap();
    assert!(book.contains("name=\"宗地\""), "{book}");
}

#[test]
fn the_real_parcels_of_the_sample_come_back_in_every_format() {
    for year in ["2013", "2014"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("samples/cambridge")
            .join(format!("parcels_fy{year}.geojson.gz"));
        let outcome = support::import(
            &path,
            gis_data::PipelineOptions {
                map: vec![("key".to_owned(), "ML".to_owned())],
                ..gis_data::PipelineOptions::new(gis_data::Layer::Parcels)
            },
        )
        .unwrap();
        assert!(outcome.accepted.len() > 13_000, "{}", outcome.accepted.len());
        let rows: Vec<Row> = outcome
            .accepted
            .iter()
            .map(|candidate| Row {
                id: candidate.source_key.clone(),
                code: Some(candidate.source_key.clone()),
                name: None,
                area_m2: Some(7.0),
                floor: None,
                since: None,
                shape: candidate.geometry.clone(),
            })
            .collect();
        for format in WriteFormat::ALL {
            let folder = Folder::new();
            let path = file(&folder, format);
            // A cell of a workbook holds 32 767 characters, and a longer shape is left out with a warning.
            let fits = |row: &&Row| {
                format != WriteFormat::Xlsx || row.shape.as_ref().is_none_or(|shape| shape.coords_count() < 700)
            };
            let rows: Vec<Row> = rows.iter().filter(fits).cloned().collect();
            write(&path, format, table(Shapes::Polygons, 4490), &rows).unwrap();
            assert_same(format, 4490, &rows, read_back(&folder, &path, format, By::Us), By::Us);
        }
    }
}

#[test]
fn our_own_tables_are_known_by_their_headers_whatever_the_format() {
    let columns = [
        ("id", "系统编号"),
        ("code", "代码"),
        ("name", "名称"),
        ("address", "坐落"),
        ("region_code", "行政区划代码"),
        ("region_name", "行政区划名称"),
        ("unit_code", "使用单位代码"),
        ("unit_name", "使用单位名称"),
        ("title_status", "权属登记情况"),
        ("usage", "用途"),
        ("occupancy", "使用状况"),
        ("idle_since", "闲置起始日"),
        ("area_m2", "图形面积"),
        ("registered_area_m2", "登记面积"),
        ("floors_above", "地上层数"),
        ("floors_below", "地下层数"),
        ("structure", "房屋结构"),
        ("completed_year", "竣工年份"),
        ("valid_from", "生效日期"),
        ("valid_to", "失效日期"),
        ("dataset", "数据集"),
        ("source_key", "原始编号"),
    ];
    let values = [
        "0192",
        "L1",
        "一号楼",
        "和平路",
        "320404",
        "钟楼区",
        "U1",
        "机关",
        "其他情况",
        "其他",
        "在用",
        "2020-01-01",
        "1.5",
        "2.5",
        "6",
        "1",
        "钢混",
        "1999",
        "2020-01-01",
        "2021-01-01",
        "楼",
        "K-7",
    ];
    for (format, header) in WriteFormat::ALL
        .map(|format| (format, Header::Names))
        .into_iter()
        .chain([(WriteFormat::Csv, Header::Chinese)])
    {
        let table = Table {
            name: "buildings",
            columns: columns
                .iter()
                .map(|(name, label)| Column {
                    name,
                    kind: ColumnKind::Text,
                    label: Words::new(*label, *name),
                })
                .collect(),
            header,
            ..table(Shapes::Polygons, 4490)
        };
        let folder = Folder::new();
        let path = file(&folder, format);
        let mut writer = LayerWriter::create(&path, format, table).unwrap();
        let shape = plots(1).remove(0).shape;
        writer.write(&values.map(Cell::Text), shape).unwrap();
        writer.finish().unwrap();
        // A CSV's shapes name no system; all others do.
        let crs = (format == WriteFormat::Csv).then(|| Crs::from_epsg(4490).unwrap());
        let options = gis_data::PipelineOptions {
            crs,
            ..gis_data::PipelineOptions::new(gis_data::Layer::Buildings)
        };
        let outcome = support::import(&path, options).unwrap();
        assert_eq!(outcome.quarantined.len(), 0, "{format:?}");
        let candidate = &outcome.accepted[0];
        assert_eq!(candidate.source_key, "K-7", "{format:?}");
        let expected = serde_json::json!({
            "code": "L1", "name": "一号楼", "address": "和平路", "region_code": "320404", "unit_code": "U1",
            "title_status": "other", "usage": "other", "occupancy": "in_use", "idle_since": "2020-01-01",
            "registered_area_m2": 2.5, "floors_above": 6, "floors_below": 1, "year_built": 1999,
        });
        assert_eq!(
            Value::Object(candidate.fields.clone()),
            expected,
            "{format:?} {header:?}"
        );
        assert!(candidate.geometry.is_some(), "{format:?}");
    }
}

#[test]
fn geojson_names_another_system_than_longitude_and_latitude_and_warns() {
    let folder = Folder::new();
    let path = file(&folder, WriteFormat::GeoJson);
    let written = write(&path, WriteFormat::GeoJson, table(Shapes::Polygons, 4549), &plots(1)).unwrap();
    assert_eq!(written.warnings[0].kind, WarningKind::CrsMember);
    assert_eq!(written.warnings[0].examples, ["EPSG:4549"]);
    let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(document["crs"]["properties"]["name"], "urn:ogc:def:crs:EPSG::4549");
    // Longitude and latitude need no name, and may have none by RFC 7946.
    let written = write(&path, WriteFormat::GeoJson, table(Shapes::Polygons, 4490), &plots(1)).unwrap();
    assert_eq!(written.warnings, []);
    let document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(document.get("crs"), None);
    assert_eq!(document["features"][0]["id"], "id-00000");
    assert_eq!(document["features"][0]["properties"]["idle_since"], Value::Null);
}
