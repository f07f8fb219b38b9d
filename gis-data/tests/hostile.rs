//! Files that are cut, damaged, lying or meant to do harm: an error or a quarantined row, never a
//! panic, never fewer rows without a word.

mod support;

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use encoding_rs::{GB18030, UTF_8};
use gis_data::{DuplicateKeys, Limits, PipelineOptions, ReadOptions, Reason, Source, Unreadable};
use proptest::prelude::*;
use support::*;

/// Reading the file gives an error, or all its rows.
fn assert_error_or_all(path: &Path, rows: usize, what: &str) {
    if let Ok(read) = read(path) {
        assert_eq!(read.len(), rows, "{what}: rows are missing without a word");
    }
}

/// Offsets to cut or change bytes at: all near the ends, every few in between.
fn offsets(length: usize, every: usize) -> impl Iterator<Item = usize> {
    (0..length).filter(move |at| *at < 200 || at % every == 0 || at + 200 > length)
}

#[test]
fn a_document_cut_anywhere_is_refused() {
    let folder = Folder::new();
    let text = collection(&plots(12));
    for at in offsets(text.len(), 3) {
        let path = folder.write("cut.geojson", &text.as_bytes()[..at]);
        assert!(read(&path).is_err(), "cut at byte {at} of {}", text.len());
    }
}

#[test]
fn a_sequence_cut_within_a_line_is_refused() {
    let folder = Folder::new();
    for separator in ["", "\u{1e}"] {
        let features = plots(12);
        let text: String = features
            .iter()
            .map(|feature| format!("{separator}{feature}\n"))
            .collect();
        let length = features[0].len() + 1 + separator.len();
        assert!(length < text.len());
        for at in offsets(text.len(), 3) {
            let path = folder.write("cut.ndjson", &text.as_bytes()[..at]);
            // Between two lines nothing shows that there was more, and half a line is no row.
            let whole = text[..floor(&text, at)].matches("]]]}}").count();
            match read(&path) {
                Ok(rows) => {
                    assert_eq!(rows.len(), whole, "cut at byte {at}");
                    let rest = text.as_bytes()[..at].rsplit(|byte| *byte == b'\n').next().unwrap();
                    assert!(rest.len() < 2 || rest.ends_with(b"]]]}}"), "cut at byte {at}");
                }
                Err(code) => assert!(
                    ["truncated", "empty", "unknown_format"].contains(&code.as_str()),
                    "cut at byte {at}: {code}"
                ),
            }
        }
    }
}

/// The last boundary of a character at or before the offset.
fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[test]
fn a_gzip_file_cut_anywhere_is_refused() {
    let folder = Folder::new();
    let packed = gzip(collection(&plots(200)).as_bytes());
    for at in offsets(packed.len(), 7) {
        let path = folder.write("cut.gz", &packed[..at]);
        assert!(read(&path).is_err(), "cut at byte {at} of {}", packed.len());
    }
}

#[test]
fn a_zip_archive_cut_anywhere_is_refused() {
    let folder = Folder::new();
    let packed = zip_members(&plots_shapefile(60, GB18030, 0x4D));
    for at in offsets(packed.len(), 11) {
        let path = folder.write("cut.zip", &packed[..at]);
        assert!(read(&path).is_err(), "cut at byte {at} of {}", packed.len());
    }
}

#[test]
fn a_shapefile_with_a_part_cut_anywhere_loses_no_row_in_silence() {
    let whole = plots_shapefile(12, UTF_8, 0);
    // With all its companions, without the index, and the shapes alone.
    let sets: [&[&str]; 3] = [&["shp", "shx", "dbf", "prj"], &["shp", "dbf", "prj"], &["shp", "prj"]];
    for set in sets {
        for cut in set.iter().filter(|name| **name != "prj") {
            let length = whole[cut].len();
            for at in offsets(length, 5) {
                let folder = Folder::new();
                let mut members: Members = whole.clone();
                members.retain(|name, _| set.contains(name));
                members.get_mut(cut).unwrap().truncate(at);
                let path = folder.write_shapefile("cut", &members);
                let what = format!("{set:?}: .{cut} cut at byte {at} of {length}");
                assert_error_or_all(&path, 12, &what);
                match *cut {
                    "shp" => assert!(read(&path).is_err(), "{what}"),
                    // The last byte only says that the table is over.
                    "dbf" if at + 1 < length => assert!(read(&path).is_err(), "{what}"),
                    // An index that isn't whole is not needed.
                    "shx" => assert_eq!(import(&path, parcels()).unwrap().accepted.len(), 12, "{what}"),
                    _ => {}
                }
            }
        }
    }
}

#[test]
fn a_table_shorter_than_the_shapes_spoils_the_rows_it_lacks() {
    let folder = Folder::new();
    let mut members = plots_shapefile(5, UTF_8, 0);
    members.insert("dbf", plots_shapefile(3, UTF_8, 0)["dbf"].clone());
    let outcome = import(&folder.write_shapefile("short", &members), parcels()).unwrap();
    assert_eq!(outcome.keys(), ["P1", "P2", "P3"]);
    assert_eq!(outcome.reasons(), [("malformed_record", 2)].into());
    members.insert("dbf", plots_shapefile(7, UTF_8, 0)["dbf"].clone());
    let outcome = import(&folder.write_shapefile("long", &members), parcels()).unwrap();
    assert_eq!(outcome.accepted.len(), 5);
    assert_eq!(outcome.reasons(), [("no_geometry", 2)].into());
}

#[test]
fn zeros_in_place_of_records_are_damage_and_behind_them_padding() {
    let folder = Folder::new();
    let members = plots_shapefile(12, UTF_8, 0);
    let mut shp = members["shp"].clone();
    let length = shp.len();
    shp.extend([0; 512]);
    let path = folder.write("padded.shp", &shp);
    assert_eq!(read(&path).unwrap().len(), 12);
    shp.truncate(length);
    shp[length - 3 * 144..].fill(0);
    let path = folder.write("zeroed.shp", &shp);
    assert_eq!(read(&path).unwrap_err(), "damaged");
}

#[test]
fn an_index_that_contradicts_itself_is_not_believed() {
    let folder = Folder::new();
    let mut members = plots_shapefile(6, UTF_8, 0);
    let shx = members.get_mut("shx").unwrap();
    // The third row would get the shape of the fifth.
    let fifth = shx[132..140].to_vec();
    shx[116..124].copy_from_slice(&fifth);
    let path = folder.write_shapefile("twins", &members);
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!(outcome.by_key()["P3"].geometry, Some(polygon(&[plot(3)])));
}

#[test]
fn an_archive_that_unpacks_to_too_much_is_refused() {
    let folder = Folder::new();
    let bomb = gzip(&vec![b' '; 80 << 20]);
    assert!(bomb.len() < 100_000);
    let path = folder.write("bomb.gz", &bomb);
    assert_eq!(refusal(&path), "too_large");
    let mut spaces = collection(&plots(1)).into_bytes();
    spaces.resize(80 << 20, b' ');
    let path = folder.write("bomb.zip", zip(&[("a.geojson", &spaces)]));
    assert_eq!(refusal(&path), "too_large");
    // Below the size where the ratio is judged, the limit on bytes holds.
    let text = collection(&plots(2_000));
    let limits = |bytes, members| ReadOptions {
        limits: Limits {
            max_unpacked_bytes: bytes,
            max_archive_members: members,
            ..Limits::default()
        },
        temporary_folder: Some(folder.path().join("unpacked")),
        ..ReadOptions::default()
    };
    std::fs::create_dir(folder.path().join("unpacked")).unwrap();
    let gz = folder.write("some.gz", gzip(text.as_bytes()));
    let zipped = folder.write("some.zip", zip(&[("a.geojson", text.as_bytes()), ("b.txt", b"")]));
    for path in [&gz, &zipped] {
        let refused = Source::open(path, &limits(100_000, 10)).unwrap_err();
        assert_eq!(refused.code(), "too_large");
        assert_eq!(Source::open(path, &limits(1 << 20, 10)).unwrap().rows().count(), 2_000);
    }
    assert_eq!(
        Source::open(&zipped, &limits(1 << 20, 1)).unwrap_err().code(),
        "too_large"
    );
    let left = std::fs::read_dir(folder.path().join("unpacked")).unwrap().count();
    assert_eq!(left, 0, "unpacked files stay behind");
}

#[test]
fn an_archive_can_name_no_place_outside_itself() {
    let folder = Folder::new();
    let text = collection(&plots(1));
    for name in [
        "../x.geojson",
        "a/../../x.geojson",
        "/etc/x.geojson",
        "..\\x.geojson",
        "C:\\x.geojson",
    ] {
        let inside = folder.write("deep/inside.zip", zip(&[(name, text.as_bytes())]));
        assert_eq!(refusal(&inside), "unsafe_path", "{name}");
        // Even when another entry is the layer.
        let beside = folder.write("deep/beside.zip", zip(&[("a.geojson", text.as_bytes()), (name, b"x")]));
        assert_eq!(refusal(&beside), "unsafe_path", "{name}");
    }
    assert!(!folder.path().join("x.geojson").exists());
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    writer
        .add_symlink("a.geojson", "/etc/passwd", zip::write::SimpleFileOptions::default())
        .unwrap();
    let link = writer.finish().unwrap().into_inner();
    assert_eq!(refusal(&folder.write("link.zip", link)), "unsafe_path");
}

#[test]
fn what_is_no_known_format_is_refused_by_name() {
    let folder = Folder::new();
    let text = collection(&plots(1));
    let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let cases: [(&str, Vec<u8>, &str); 20] = [
        ("empty.geojson", Vec::new(), "empty"),
        ("empty.gz", gzip(b""), "empty"),
        (
            "readme.md",
            b"# Words\n\nOf all kinds, and more, of\nmany lengths.\n".to_vec(),
            "unknown_format",
        ),
        ("binary.csv", b"a,b\n\0\x01\x02,3\n".to_vec(), "unknown_format"),
        ("a.gpkg", b"SQLite format 3\0....".to_vec(), "truncated"),
        ("a.sqlite", other_database(), "unsupported_format"),
        (
            "a.xml",
            b"<?xml version=\"1.0\"?><html/>".to_vec(),
            "unsupported_format",
        ),
        (
            "a.xls",
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(),
            "unsupported_format",
        ),
        (
            "a.docx",
            zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")]),
            "unsupported_format",
        ),
        ("a.fgb", b"fgb\x03fgb\0\xFF\xFF\xFF\xFF....".to_vec(), "damaged"),
        ("shp.shp", b"{}".to_vec(), "damaged"),
        (
            "topo.json",
            br#"{"type":"Topology","objects":{},"arcs":[]}"#.to_vec(),
            "unsupported_format",
        ),
        (
            "esri.json",
            br#"{"geometryType":"esriGeometryPolygon","features":[]}"#.to_vec(),
            "unsupported_format",
        ),
        ("some.json", br#"{"a":1}"#.to_vec(), "unknown_format"),
        ("list.json", b"[1,2]".to_vec(), "unknown_format"),
        ("wide.geojson", wide.clone(), "wide_text"),
        (
            "wide_bom.geojson",
            [&[0xFF, 0xFE], wide.as_slice()].concat(),
            "wide_text",
        ),
        (
            "nested.zip",
            zip(&[("a.geojson.gz", &gzip(text.as_bytes()))]),
            "nested_archive",
        ),
        (
            "disguised.zip",
            zip(&[("a.geojson", &gzip(text.as_bytes()))]),
            "nested_archive",
        ),
        ("twice.gz", gzip(&gzip(text.as_bytes())), "nested_archive"),
    ];
    for (name, bytes, code) in cases {
        assert_eq!(refusal(&folder.write(name, bytes)), code, "{name}");
    }
    assert_eq!(refusal(&folder.path().join("nothing.shp")), "not_found");
    let head = folder.write("head.shp", &plots_shapefile(1, UTF_8, 0)["shp"][..40]);
    assert_eq!(refusal(&head), "truncated");
    let no_list = folder.write("no_list.geojson", r#"{"type":"FeatureCollection","feature":[{}]}"#);
    assert_eq!(read(&no_list).unwrap_err(), "damaged");
    let behind = folder.write("behind.geojson", text.clone() + "{}");
    assert_eq!(read(&behind).unwrap_err(), "damaged");
    let between = folder.write("between.geojson", collection(&plots(3)).replace("},\n{", "} {"));
    assert_eq!(read(&between).unwrap_err(), "damaged");
}

#[test]
fn a_package_cut_anywhere_is_refused() {
    let folder = Folder::new();
    let whole = plots_gpkg(30);
    for at in offsets(whole.len(), 61) {
        let path = folder.write("cut.gpkg", &whole[..at]);
        assert!(read(&path).is_err(), "cut at byte {at} of {}", whole.len());
    }
}

#[test]
fn a_flatgeobuf_file_cut_anywhere_is_refused() {
    let folder = Folder::new();
    for has_index in [false, true] {
        let whole = plots_fgb(12, has_index);
        for at in offsets(whole.len(), 5) {
            let path = folder.write("cut.fgb", &whole[..at]);
            assert!(read(&path).is_err(), "cut at byte {at} of {}", whole.len());
        }
    }
}

#[test]
fn a_workbook_cut_anywhere_is_refused() {
    let folder = Folder::new();
    let whole = plots_xlsx(30);
    for at in offsets(whole.len(), 29) {
        let path = folder.write("cut.xlsx", &whole[..at]);
        assert!(read(&path).is_err(), "cut at byte {at} of {}", whole.len());
    }
}

#[test]
fn a_kml_document_cut_anywhere_is_refused() {
    let folder = Folder::new();
    let whole = plots_kml(6);
    for at in offsets(whole.len(), 3) {
        let path = folder.write("cut.kml", &whole.as_bytes()[..at]);
        assert!(read(&path).is_err(), "cut at byte {at} of {}", whole.len());
    }
}

#[test]
fn a_table_cut_within_a_row_is_refused() {
    let folder = Folder::new();
    let whole = plots_csv(12, "\n");
    for at in offsets(whole.len(), 3) {
        let path = folder.write("cut.csv", &whole.as_bytes()[..at]);
        let head = &whole.as_bytes()[..at];
        let lines = head.iter().filter(|byte| **byte == b'\n').count();
        let rest = head.rsplit(|byte| *byte == b'\n').next().unwrap();
        match read(&path) {
            // Half a row is no row: only a quotation that is whole ends one.
            Ok(rows) if lines > 0 => {
                // Nor does it show that more was to come where a row without a shape could end.
                let last_is_whole = rest.ends_with(b"))\"")
                    || (rest.ends_with(b",") && rest.iter().filter(|byte| **byte == b',').count() == 2);
                assert!(rest.is_empty() || last_is_whole, "cut at byte {at}");
                assert_eq!(rows.len(), lines - 1 + usize::from(last_is_whole), "cut at byte {at}");
            }
            Ok(rows) => assert_eq!(rows.len(), 0, "cut at byte {at}"),
            Err(code) => assert!(
                ["truncated", "empty"].contains(&code.as_str()),
                "cut at byte {at}: {code}"
            ),
        }
    }
}

#[test]
fn a_land_survey_cut_within_a_parcel_is_refused() {
    let folder = Folder::new();
    let whole = plots_survey(6);
    let bytes = whole.as_bytes();
    let expected = read(&folder.write("whole.txt", bytes)).unwrap();
    for at in offsets(bytes.len(), 3) {
        let path = folder.write("cut.txt", &bytes[..at]);
        // Between two parcels nothing shows that there was more, nor do zeros that are missing.
        let whole_parcels = (0..=6).find(|count| {
            let end = plots_survey(*count).len();
            (end.saturating_sub(6)..=end).contains(&at)
        });
        match read(&path) {
            // Less than its first line could be anything.
            Ok(rows) if at < "[属性描述]".len() => assert_eq!(rows.len(), 0, "cut at byte {at}"),
            Ok(rows) => {
                assert_eq!(Some(rows.len()), whole_parcels, "cut at byte {at}");
                assert_eq!(rows, expected[..rows.len()], "cut at byte {at}");
            }
            Err(_) => assert!(whole_parcels.is_none_or(|count| count == 0), "cut at byte {at}"),
        }
    }
}

#[test]
fn any_byte_of_a_package_may_be_wrong() {
    let folder = Folder::new();
    let whole = plots_gpkg(12);
    for at in offsets(whole.len(), 7) {
        for value in [whole[at] ^ (1 << (hash(at as u64, 5) % 8)), 0xFF] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let path = folder.write("bad.gpkg", &bytes);
            assert_error_or_all(&path, 12, &format!("byte {at} is {value:#x}"));
            if at % 5 == 0 {
                survive(&path);
            }
        }
    }
}

#[test]
fn any_byte_of_a_flatgeobuf_file_may_be_wrong() {
    let folder = Folder::new();
    for has_index in [false, true] {
        let whole = plots_fgb(6, has_index);
        for at in 0..whole.len() {
            for value in [whole[at] ^ (1 << (hash(at as u64, 5) % 8)), 0xFF, 0] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                let path = folder.write("bad.fgb", &bytes);
                assert_error_or_all(&path, 6, &format!("byte {at} is {value:#x}"));
                if at % 7 == 0 {
                    survive(&path);
                }
            }
        }
    }
}

#[test]
fn any_byte_of_a_workbook_may_be_wrong() {
    let folder = Folder::new();
    let whole = plots_xlsx(12);
    for at in offsets(whole.len(), 11) {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (hash(at as u64, 3) % 8);
        let path = folder.write("bad.xlsx", &bytes);
        assert_error_or_all(&path, 12, &format!("byte {at}"));
    }
}

#[test]
fn any_byte_of_a_kml_document_may_be_wrong() {
    let folder = Folder::new();
    let whole = plots_kml(3).into_bytes();
    for at in 0..whole.len() {
        for value in [b'<', b'>', b'&', b'"', b'/', b'!', b'?', 0xFF, whole[at] ^ 1] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let path = folder.write("bad.kml", &bytes);
            assert_error_or_all(&path, 3, &format!("byte {at} is {:?}", char::from(value)));
        }
    }
}

#[test]
fn any_byte_of_a_table_or_survey_may_be_wrong() {
    let folder = Folder::new();
    for (name, whole) in [
        ("bad.csv", plots_csv(4, "\r\n").into_bytes()),
        ("bad.txt", plots_survey(3).into_bytes()),
    ] {
        for at in 0..whole.len() {
            for value in [b'"', b'\n', 0xFF, hash(at as u64, 11) as u8] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                let path = folder.write(name, &bytes);
                if at % 9 == 0 {
                    survive(&path);
                } else {
                    let _read_or_not = read(&path);
                }
            }
        }
    }
}

/// A workbook of parts written by hand.
fn workbook(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut members: Vec<(&str, &[u8])> = vec![
        (
            "[Content_Types].xml",
            br#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>"#,
        ),
        (
            "_rels/.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        (
            "xl/workbook.xml",
            br#"<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>"#,
        ),
        (
            "xl/_rels/workbook.xml.rels",
            br#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#,
        ),
    ];
    members.extend(parts.iter().map(|(name, text)| (*name, text.as_bytes())));
    zip(&members)
}

#[test]
fn a_workbook_that_claims_too_much_is_refused() {
    let folder = Folder::new();
    let sheet = |body: &str| {
        let text = format!(
            r#"<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/><sheetData>{body}</sheetData></worksheet>"#
        );
        folder.write("a.xlsx", workbook(&[("xl/worksheets/sheet1.xml", &text)]))
    };
    let row = |number: &str, cell: &str| {
        format!(r#"<row r="{number}"><c r="{cell}{number}" t="inlineStr"><is><t>x</t></is></c></row>"#)
    };
    let good = sheet(&(row("1", "A") + &row("1048576", "A")));
    assert_eq!(read(&good).unwrap().len(), 1);
    for body in [
        row("1", "ZZZZZZZ"),
        row("99999999999", "A"),
        row("0", "A"),
        row("1", "A") + &row("3", "A") + &row("2", "A"),
        "<row><c><v>1".to_owned(),
        r#"<row r="1"><c r="A1" t="s"><v>77</v></c></row>"#.to_owned(),
    ] {
        let path = sheet(&body);
        assert!(read(&path).is_err(), "{body}");
    }
    // Shared strings are held in memory: many are refused before that.
    let strings = "<si><t>a</t></si>".repeat(12 << 20);
    let bomb = folder.write("bomb.xlsx", workbook(&[("xl/sharedStrings.xml", &strings)]));
    assert_eq!(refusal(&bomb), "too_large");
}

#[test]
fn a_package_may_not_compute_without_end() {
    let folder = Folder::new();
    let path = folder.path().join("view.gpkg");
    let database = gpkg(&path);
    gpkg_plots(&database, "plots", 1);
    database
        .execute_batch(
            "create view endless as
               with recursive number(n) as (select 1 union all select n + 1 from number)
               select n as code, null as geom from number where n < 0;
             delete from gpkg_contents;
             delete from gpkg_geometry_columns;
             insert into gpkg_contents values ('endless', 'attributes', 'endless', null);",
        )
        .unwrap();
    drop(database);
    let started = Instant::now();
    assert_eq!(read(&path).unwrap_err(), "damaged");
    assert!(started.elapsed() < Duration::from_secs(120), "{:?}", started.elapsed());
}

#[test]
fn a_package_that_a_program_still_writes_to_is_refused() {
    let folder = Folder::new();
    let path = folder.write("open.gpkg", plots_gpkg(2));
    assert_eq!(read(&path).unwrap().len(), 2);
    folder.write("open.gpkg-wal", b"pages to come");
    assert_eq!(refusal(&path), "damaged");
}

#[test]
fn a_row_without_end_is_refused_and_not_held_in_memory() {
    let folder = Folder::new();
    let few = ReadOptions {
        limits: Limits {
            max_vertices: 100,
            ..Limits::default()
        },
        ..ReadOptions::default()
    };
    let long = "x".repeat(80 << 20);
    for (name, text) in [
        ("long.csv", format!("a,b\n1,\"{long}\n")),
        (
            "long.kml",
            format!("<kml><Placemark><name>{long}</name></Placemark></kml>"),
        ),
        ("long.txt", format!("[属性描述]\n坐标系=\n[地块坐标]\n{long}\n")),
    ] {
        let path = folder.write(name, text);
        let code = match Source::open(&path, &few) {
            Err(refused) => refused.code(),
            Ok(mut source) => source.rows().last().unwrap().unwrap_err().code(),
        };
        assert_eq!(code, "damaged", "{name}");
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

#[test]
fn what_needs_gdal_says_so_where_it_is_missing() {
    let folder = Folder::new();
    let gml = folder.write(
        "a.gml",
        "<gml:FeatureCollection xmlns:gml='http://www.opengis.net/gml'/>",
    );
    let dxf = folder.write("a.dxf", "  0\r\nSECTION\r\n  2\r\nENTITIES\r\n");
    for path in [gml, dxf] {
        let options = ReadOptions {
            converter: Some("/nowhere/ogr2ogr".into()),
            ..ReadOptions::default()
        };
        let refused = Source::open(&path, &options).unwrap_err();
        assert_eq!(refused.code(), "converter_missing");
        assert!(refused.remedy().en.contains("gdal-bin"));
    }
}

#[test]
fn gdal_reads_only_what_it_was_given() {
    if !has_gdal() {
        return;
    }
    let folder = Folder::new();
    let secret = folder.write("secret.geojson", collection(&plots(3)));
    // A virtual format that follows paths, dressed up as GML.
    let text = format!(
        "<OGRVRTDataSource><!-- gml --><OGRVRTLayer name='secret'><SrcDataSource>{}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
        secret.display()
    );
    assert_eq!(refusal(&folder.write("a.gml", text)), "damaged");
    let broken = "<gml:FeatureCollection xmlns:gml='http://www.opengis.net/gml'><gml:featureMember>";
    assert_eq!(refusal(&folder.write("cut.gml", broken)), "damaged");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 3, "the conversion left files beside its input");
}

#[test]
fn a_conversion_that_takes_too_long_is_ended() {
    let folder = Folder::new();
    // Stands in for the converter: lists its drivers, and then never ends.
    let slow = folder.write(
        "slow",
        "#!/bin/sh\ncase \"$1\" in --formats) echo '  GML -vector- (rw+v): G'; echo '  GPKG -vector- (rw+v): G';; *) exec sleep 600;; esac\n",
    );
    let mut permissions = std::fs::metadata(&slow).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o755);
    std::fs::set_permissions(&slow, permissions).unwrap();
    let options = ReadOptions {
        converter: Some(slow),
        limits: Limits {
            max_conversion_seconds: 0,
            ..Limits::default()
        },
        ..ReadOptions::default()
    };
    let gml = folder.write(
        "a.gml",
        "<gml:FeatureCollection xmlns:gml='http://www.opengis.net/gml'/>",
    );
    let started = Instant::now();
    assert_eq!(Source::open(&gml, &options).unwrap_err().code(), "too_large");
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
}

#[test]
fn a_polygon_of_ten_megabytes_is_read_within_the_limit_on_vertices() {
    let folder = Folder::new();
    let count = 260_000;
    let mut ring: Ring = (0..count)
        .map(|number| {
            let angle = f64::from(number) / f64::from(count) * std::f64::consts::TAU;
            let radius = 0.01 * (1.0 + 0.2 * (angle * 40.0).sin());
            (119.95 + radius * angle.cos(), 31.78 + radius * angle.sin())
        })
        .collect();
    ring.push(ring[0]);
    let text = collection(&[
        feature("small", &polygon_json(&[plot(1)])),
        feature("big", &polygon_json(std::slice::from_ref(&ring))),
        feature("after", &polygon_json(&[plot(2)])),
    ]);
    assert!(text.len() > 9_000_000, "{}", text.len());
    let path = folder.write("big.geojson", &text);
    let started = Instant::now();
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!(outcome.keys(), ["small", "big", "after"]);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    let few = ReadOptions {
        limits: Limits {
            max_vertices: 100_000,
            ..Limits::default()
        },
        ..ReadOptions::default()
    };
    let mut source = Source::open(&path, &few).unwrap();
    let outcome = import_source(&mut source, parcels()).unwrap();
    assert_eq!(outcome.keys(), ["small", "after"]);
    assert_eq!(outcome.reasons(), [("too_many_vertices", 1)].into());
    assert_eq!(outcome.quarantined[0].row, 2);
    // The same in a shapefile.
    let records = [
        polygon_record(5, &[reversed(ring)]),
        polygon_record(5, &[reversed(plot(2))]),
    ];
    folder.write("big.prj", WGS84_PRJ);
    let path = folder.write("big.shp", shapes(5, &records).0);
    assert_eq!(import(&path, parcels()).unwrap().accepted.len(), 2);
    let mut source = Source::open(&path, &few).unwrap();
    let outcome = import_source(&mut source, parcels()).unwrap();
    assert_eq!(
        (outcome.accepted.len(), outcome.reasons()),
        (1, [("too_many_vertices", 1)].into())
    );
}

#[test]
fn a_feature_too_long_to_be_kept_in_memory_is_one_bad_row() {
    let folder = Folder::new();
    // 64 MiB are allowed for attributes, so that a feature is given up well above that.
    let long = "x".repeat(70 << 20);
    for (name, text) in [
        (
            "long.geojson",
            collection(&[feature(&long, "null"), feature("P2", &polygon_json(&[plot(2)]))]),
        ),
        (
            "long.ndjson",
            format!(
                "{}\n{}\n{}\n",
                feature("P1", &polygon_json(&[plot(1)])),
                feature(&long, "null"),
                feature("P2", &polygon_json(&[plot(2)]))
            ),
        ),
    ] {
        let path = folder.write(name, text);
        let few = ReadOptions {
            limits: Limits {
                max_vertices: 100,
                ..Limits::default()
            },
            ..ReadOptions::default()
        };
        let outcome = import_source(&mut Source::open(&path, &few).unwrap(), parcels()).unwrap();
        assert_eq!(outcome.keys().last(), Some(&"P2"), "{name}");
        assert_eq!(outcome.reasons(), [("too_many_vertices", 1)].into(), "{name}");
    }
}

#[test]
fn numbers_that_are_none_spoil_their_row_alone() {
    let good = || feature("good", &polygon_json(&[plot(1)]));
    let with = |value: &str| {
        let shape = polygon_json(&[plot(2)]).replacen("119.952", value, 1);
        feature("bad", &shape)
    };
    for (value, reason) in [
        ("NaN", "not_finite"),
        ("-Infinity", "not_finite"),
        ("1e400", "not_finite"),
        ("-1e999", "not_finite"),
        ("null", "malformed_geometry"),
        ("\"119.95\"", "malformed_geometry"),
        ("true", "malformed_geometry"),
        ("1e300", "coordinates_out_of_range"),
        ("119952000000000000000000000000000000000", "coordinates_out_of_range"),
        ("180.0000001", "coordinates_out_of_range"),
    ] {
        let outcome = import_text(&collection(&[
            good(),
            with(value),
            feature("last", &polygon_json(&[plot(3)])),
        ]));
        assert_eq!(outcome.keys(), ["good", "last"], "{value}");
        assert_eq!(outcome.quarantined[0].reason.code(), reason, "{value}");
    }
    let outcome = import_text(&collection(&[good().replace("\"good\"", "NaN"), good()]));
    assert_eq!(outcome.warnings()["not_a_number"], 1);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let folder = Folder::new();
        let mut ring = reversed(plot(2));
        ring[2].1 = value;
        let records = [polygon_record(5, &[ring]), polygon_record(5, &[reversed(plot(1))])];
        folder.write("odd.prj", WGS84_PRJ);
        let outcome = import(&folder.write("odd.shp", shapes(5, &records).0), parcels()).unwrap();
        assert_eq!(outcome.accepted.len(), 1, "{value}");
        let reason = if value.is_finite() {
            "coordinates_out_of_range"
        } else {
            "not_finite"
        };
        assert_eq!(outcome.quarantined[0].reason.code(), reason, "{value}");
    }
}

#[test]
fn records_that_are_none_spoil_themselves_alone() {
    let good = feature("good", &polygon_json(&[plot(1)]));
    for bad in [
        "null",
        "5",
        "\"text\"",
        "[]",
        "{}",
        r#"{"type":"Feature","properties":{"a":},"geometry":null}"#,
        r#"{"type":"Feature","properties":[1],"geometry":null}"#,
        r#"{"type":"Feature" "properties":null}"#,
    ] {
        let outcome = import_text(&collection(&[bad.to_owned(), good.clone()]));
        assert_eq!(outcome.keys(), ["good"], "{bad}");
        assert_eq!(outcome.reasons(), [("malformed_record", 1)].into(), "{bad}");
    }
    for (bad, reason) in [
        (r#"{"type":"Polygon"}"#, "malformed_geometry"),
        (r#"{"coordinates":[]}"#, "malformed_geometry"),
        (
            r#"{"type":"Polygon","coordinates":[[[1,2],[3]]]}"#,
            "malformed_geometry",
        ),
        (r#"{"type":"Polygon","coordinates":[1,2]}"#, "malformed_geometry"),
        (r#"{"type":"Polygon","coordinates":{}}"#, "malformed_geometry"),
        (r#"{"type":"Hexagon","coordinates":[]}"#, "unsupported_geometry"),
        (
            r#"{"type":"Point","coordinates":[119.95,31.78]}"#,
            "unsupported_geometry",
        ),
        (
            r#"{"type":"LineString","coordinates":[[119.95,31.78],[120,32]]}"#,
            "unsupported_geometry",
        ),
        (
            r#"{"type":"GeometryCollection","geometries":[{"type":"Point","coordinates":[119.95,31.78]}]}"#,
            "unsupported_geometry",
        ),
        ("[]", "malformed_geometry"),
        ("7", "malformed_geometry"),
    ] {
        let outcome = import_text(&collection(&[feature("bad", bad), good.clone()]));
        assert_eq!(outcome.keys(), ["good"], "{bad}");
        let quarantine = &outcome.quarantined[0];
        assert_eq!(quarantine.reason.code(), reason, "{bad}");
        assert_eq!(
            quarantine.source_key.as_deref(),
            Some("bad"),
            "{bad}: the attributes are kept"
        );
    }
}

#[test]
fn deep_nesting_ends_in_a_bad_row_and_not_in_the_stack() {
    let folder = Folder::new();
    let depth = 200_000;
    let brackets = "[".repeat(depth) + &"]".repeat(depth);
    let objects = r#"{"a":"#.repeat(depth) + "1" + &"}".repeat(depth);
    let collections = r#"{"type":"GeometryCollection","geometries":["#.repeat(depth) + &"]}".repeat(depth);
    let good = feature("good", &polygon_json(&[plot(1)]));
    let plain = r#"{"type":"Feature","properties":{"code":"x"},"geometry":null}"#;
    for (what, bad, reason) in [
        ("properties", plain.replace("\"x\"", &objects), "malformed_record"),
        ("list", plain.replace("\"x\"", &brackets), "malformed_record"),
        (
            "coordinates",
            plain.replace("null", &format!(r#"{{"type":"Polygon","coordinates":{brackets}}}"#)),
            "malformed_geometry",
        ),
        ("collections", plain.replace("null", &collections), "malformed_geometry"),
        (
            "member",
            plain.replace("\"type\"", &format!("\"m\":{objects},\"type\"")),
            "no_geometry",
        ),
    ] {
        let path = folder.write("deep.geojson", collection(&[bad.clone(), good.clone()]));
        let outcome = import(&path, parcels()).unwrap();
        assert_eq!(outcome.keys(), ["good"], "{what}");
        assert_eq!(outcome.quarantined[0].reason.code(), reason, "{what}");
        let path = folder.write("deep.ndjson", format!("{bad}\n{good}\n"));
        assert_eq!(import(&path, parcels()).unwrap().keys(), ["good"], "{what}");
    }
    // Brackets that never close are an end too early.
    let path = folder.write("open.geojson", collection(&plots(1)).replace("]}", &"[".repeat(depth)));
    assert_eq!(read(&path).unwrap_err(), "truncated");
}

#[test]
fn a_bad_byte_in_utf8_text_does_not_turn_the_file_into_another_encoding() {
    let folder = Folder::new();
    let mut bytes = collection(&plots(40)).into_bytes();
    let at = bytes.windows(3).rposition(|three| three == "关".as_bytes()).unwrap();
    bytes[at + 1] = b'?';
    let path = folder.write("bad.geojson", bytes);
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!(outcome.accepted[0].fields["name"], "常州市机关P1");
    assert_eq!(outcome.accepted.len(), 39);
    assert_eq!(outcome.reasons(), [("malformed_record", 1)].into());
}

#[test]
fn the_first_of_equal_keys_is_accepted_and_the_others_name_it() {
    let folder = Folder::new();
    let mut features = plots(6);
    features[3] = feature("P2", &polygon_json(&[plot(4)]));
    features[5] = feature("P2", &polygon_json(&[plot(6)]));
    // A row that isn't accepted doesn't hold its key.
    features[0] = feature("P5", "null");
    let path = folder.write("twice.geojson", collection(&features));
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!(outcome.keys(), ["P2", "P3", "P5"]);
    let duplicates: Vec<(u64, &Reason)> = outcome.quarantined.iter().skip(1).map(|q| (q.row, &q.reason)).collect();
    let reason = Reason::DuplicateKey { first_row: 2 };
    assert_eq!(duplicates, [(4, &reason), (6, &reason)]);
    assert!(reason.words().zh.contains("第 2 行") && reason.words().en.contains("row 2"));
    let numbered = PipelineOptions {
        duplicate_keys: DuplicateKeys::Number,
        ..parcels()
    };
    let outcome = import(&path, numbered).unwrap();
    assert_eq!(outcome.keys(), ["P2", "P3", "P2#2", "P5", "P2#3"]);
    assert_eq!(outcome.warnings()["duplicate_key_numbered"], 2);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_an_error() {
    let folder = Folder::new();
    let document = collection(&plots(3_000));
    let members = plots_shapefile(300, UTF_8, 0);
    let shp = folder.write_shapefile("grows", &members);
    let cases = [
        (folder.write("grows.geojson", &document), "grows.geojson"),
        (
            folder.write("grows.ndjson", plots(3_000).join("\n") + "\n"),
            "grows.ndjson",
        ),
        (
            folder.write("grows.geojson.gz", gzip(document.as_bytes())),
            "grows.geojson.gz",
        ),
        (folder.write("grows.zip", zip_members(&members)), "grows.zip"),
        (shp.clone(), "grows.shp"),
        (shp, "grows.dbf"),
    ];
    for (path, changing) in cases {
        let mut source = open(&path);
        let mut file = OpenOptions::new()
            .append(true)
            .open(folder.path().join(changing))
            .unwrap();
        writeln!(file, "{}", feature("late", "null")).unwrap();
        drop(file);
        let outcome: Result<Vec<_>, _> = source.rows().collect();
        assert_eq!(outcome.unwrap_err().code(), "changed_while_reading", "{changing}");
    }
    // Written over in place, the size the same.
    let path = folder.write("over.geojson", &document);
    let mut source = open(&path);
    let mut file = OpenOptions::new().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(document.len() as u64 / 2)).unwrap();
    file.write_all(b"        ").unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(5)).unwrap();
    drop(file);
    assert_eq!(
        source.rows().last().unwrap().unwrap_err().code(),
        "changed_while_reading"
    );
    // Cut short: whatever breaks first, the change is what is told.
    let path = folder.write("shrinks.geojson", &document);
    let mut source = open(&path);
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    file.set_len(10_000).unwrap();
    assert_eq!(
        source.rows().last().unwrap().unwrap_err().code(),
        "changed_while_reading"
    );
}

/// Everything an import does with a file, for its panics.
fn survive(path: &Path) {
    let _refused_or_not = import(path, parcels());
    let options = PipelineOptions {
        crs: gis_data::Crs::parse("EPSG:4549").ok(),
        ..PipelineOptions::new(gis_data::Layer::Sites)
    };
    let _refused_or_not = import(path, options);
    // A reader that panics breaks off with these words.
    if let Ok(mut source) = Source::open(path, &ReadOptions::default())
        && let Some(Err(broken)) = source.rows().last()
    {
        assert!(!broken.to_string().contains("unexpectedly"), "{broken}");
    }
}

#[test]
fn any_byte_of_a_shapefile_may_be_wrong() {
    let whole = plots_shapefile(4, GB18030, 0x4D);
    let folder = Folder::new();
    for part in ["shp", "shx", "dbf", "prj"] {
        let length = whole[part].len();
        for at in offsets(length, 3) {
            let random = hash(at as u64, length as u64);
            for value in [0x00, 0xFF, random as u8] {
                let mut members = whole.clone();
                members.get_mut(part).unwrap()[at] = value;
                survive(&folder.write_shapefile("bad", &members));
            }
        }
    }
}

#[test]
fn any_byte_of_a_document_may_be_wrong() {
    let folder = Folder::new();
    let whole = collection(&plots(4)).into_bytes();
    let count = |path: &Path| read(path).map(|rows| rows.len());
    for at in 0..whole.len() {
        let random = hash(at as u64, 7) as u8;
        for value in [b'"', b'{', b'}', b'[', b']', b',', b'\\', b' ', 0x00, 0xFF, random] {
            let mut bytes = whole.clone();
            bytes[at] = value;
            let path = folder.write("bad.geojson", &bytes);
            if let Ok(rows) = count(&path) {
                assert_eq!(rows, 4, "byte {at} is {:?}: rows are missing", char::from(value));
            }
            if value == random {
                survive(&path);
            }
        }
        let mut bytes = whole.clone();
        bytes.remove(at);
        if let Ok(rows) = count(&folder.write("bad.geojson", &bytes)) {
            assert_eq!(rows, 4, "byte {at} is missing, and rows with it");
        }
    }
}

#[test]
fn any_byte_of_an_archive_may_be_wrong() {
    let folder = Folder::new();
    let zipped = zip_members(&plots_shapefile(30, GB18030, 0x4D));
    let gzipped = gzip(collection(&plots(30)).as_bytes());
    for (name, whole) in [("bad.zip", zipped), ("bad.geojson.gz", gzipped)] {
        for at in offsets(whole.len(), 3) {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << (hash(at as u64, 3) % 8);
            let path = folder.write(name, &bytes);
            assert_error_or_all(&path, 30, &format!("{name} changed at byte {at}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn several_bytes_of_a_shapefile_may_be_wrong(
        changes in prop::collection::vec((0_usize..3, any::<prop::sample::Index>(), any::<u8>()), 1..24),
        cut in prop::option::weighted(0.2, (0_usize..3, any::<prop::sample::Index>())),
    ) {
        let folder = Folder::new();
        let mut members = plots_shapefile(6, GB18030, 0x4D);
        let parts = ["shp", "shx", "dbf"];
        for (part, at, value) in changes {
            let bytes = members.get_mut(parts[part]).unwrap();
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some((part, at)) = cut {
            let bytes = members.get_mut(parts[part]).unwrap();
            bytes.truncate(at.index(bytes.len()));
        }
        survive(&folder.write_shapefile("bad", &members));
    }

    #[test]
    fn any_text_behind_a_brace_may_follow(tail in r#"[ \[\]{}:,"\\a-z0-9.eE+-]{0,200}"#) {
        let folder = Folder::new();
        for start in ["{", r#"{"type":"FeatureCollection","features":["#, r#"{"type":"Feature","geometry":{"type":"Polygon","coordinates":"#] {
            survive(&folder.write("bad.geojson", format!("{start}{tail}")));
        }
    }
}

#[test]
fn lengths_that_lie_allocate_nothing() {
    let folder = Folder::new();
    let honest = polygon_record(5, &[reversed(plot(1))]);
    for (at, what) in [(36, "parts"), (40, "points")] {
        for value in [0_u32, 1, 2, 1000, 0x7FFF_FFFF, u32::MAX] {
            let mut record = honest.clone();
            record[at..at + 4].copy_from_slice(&value.to_le_bytes());
            let path = folder.write("lies.shp", shapes(5, &[record, honest.clone()]).0);
            let rows = read(&path).unwrap();
            assert_eq!(rows.len(), 2, "{value} {what}");
            assert!(matches!(rows[1].geometry, Ok(Some(_))), "{value} {what}");
            if value > 5 {
                assert!(
                    matches!(
                        rows[0].geometry,
                        Err(Unreadable::Geometry { .. } | Unreadable::TooManyVertices { .. })
                    ),
                    "{value} {what}"
                );
            }
        }
    }
}
