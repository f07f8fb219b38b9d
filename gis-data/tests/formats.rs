//! The same features read the same, whatever they come in.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod support;

use encoding_rs::{GB18030, UTF_8, WINDOWS_1252};
use geo_types::{Geometry, MultiPolygon};
use gis_data::{DeclaredCrs, Format, ReadOptions, Source, Unreadable, WarningCode};
use serde_json::Value;
use support::*;

/// Key, attributes and shape of each row, without what only some formats tell.
fn content(outcome: &Outcome) -> Vec<(String, Value, Geometry<f64>)> {
    outcome
        .accepted
        .iter()
        .map(|candidate| {
            (
                candidate.source_key.clone(),
                Value::Object(candidate.fields.clone()),
                candidate.geometry.clone().unwrap(),
            )
        })
        .collect()
}

#[test]
fn seven_packings_of_the_same_plots_are_equal() {
    let folder = Folder::new();
    let features = plots(20);
    let document = collection(&features);
    let lines = features.join("\n") + "\n";
    let records: String = features.iter().map(|feature| format!("\u{1e}{feature}\n")).collect();
    let pretty: String = features
        .iter()
        .map(|feature| format!("\u{1e}{}\n", feature.replace(',', ",\n  ")))
        .collect();
    let members = plots_shapefile(20, GB18030, 0x4D);
    folder.write_shapefile("loose/plots", &members);
    let cases = [
        (folder.write("a.geojson", &document), Format::GeoJson),
        (
            folder.write("bom.geojson", format!("\u{feff}{document}")),
            Format::GeoJson,
        ),
        (folder.write("a.geojson.gz", gzip(document.as_bytes())), Format::GeoJson),
        // Told by content: the name says nothing, or something else.
        (folder.write("a.dat", &document), Format::GeoJson),
        (
            folder.write("a.zip", zip(&[("x/a.geojson", document.as_bytes())])),
            Format::GeoJson,
        ),
        (folder.write("a.ndjson", &lines), Format::GeoJsonSequence),
        (
            folder.write("crlf.geojson", lines.replace('\n', "\r\n")),
            Format::GeoJsonSequence,
        ),
        (folder.write("a.geojsons", &records), Format::GeoJsonSequence),
        (folder.write("pretty.geojsons", &pretty), Format::GeoJsonSequence),
        (
            folder.write("a.ndjson.gz", gzip(lines.as_bytes())),
            Format::GeoJsonSequence,
        ),
        (folder.path().join("loose"), Format::Shapefile),
        (folder.path().join("loose/plots.dbf"), Format::Shapefile),
        (folder.write("plots.zip", zip_members(&members)), Format::Shapefile),
    ];
    let expected = content(&import(&cases[0].0, parcels()).unwrap());
    assert_eq!(expected.len(), 20);
    assert_eq!(expected[4].0, "P5");
    assert_eq!(expected[4].1["name"], "常州市机关P5");
    assert_eq!(expected[4].2, polygon(&[plot(5)]));
    for (path, format) in &cases {
        assert_eq!(open(path).format(), *format, "{}", path.display());
        let outcome = import(path, parcels()).unwrap();
        assert_eq!(outcome.quarantined, [], "{}", path.display());
        assert_eq!(
            outcome.warnings().len(),
            0,
            "{}: {:?}",
            path.display(),
            outcome.warnings()
        );
        // Rings may start anywhere; these don't, but a shell turned round starts with the same point.
        assert_eq!(content(&outcome), expected, "{}", path.display());
    }
}

#[test]
fn the_same_plots_in_every_format_are_equal() {
    let folder = Folder::new();
    let expected = content(&import_text(&collection(&plots(20))));
    let (package, flat, table) = (plots_gpkg(20), plots_fgb(20, false), plots_csv(20, "\r\n"));
    let (workbook, placemarks) = (plots_xlsx(20), plots_kml(20));
    let gb18030 = GB18030.encode(&table).0.into_owned();
    let wide: Vec<u8> = [0xFEFF_u16]
        .into_iter()
        .chain(table.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases = [
        (folder.write("a.gpkg", &package), Format::GeoPackage),
        (folder.write("a.gpkg.gz", gzip(&package)), Format::GeoPackage),
        (
            folder.write("b.zip", zip(&[("x/a.gpkg", &package)])),
            Format::GeoPackage,
        ),
        // Told by content, whatever the name says.
        (folder.write("package.dat", &package), Format::GeoPackage),
        (folder.write("a.fgb", &flat), Format::FlatGeobuf),
        (folder.write("a.fgb.gz", gzip(&flat)), Format::FlatGeobuf),
        (folder.write("c.zip", zip(&[("a.fgb", &flat)])), Format::FlatGeobuf),
        (folder.write("a.csv", &table), Format::Csv),
        (folder.write("bom.csv", format!("\u{feff}{table}")), Format::Csv),
        (folder.write("gbk.csv", &gb18030), Format::Csv),
        (folder.write("wide.txt", &wide), Format::Csv),
        (folder.write("table", &table), Format::Csv),
        (folder.write("a.csv.gz", gzip(table.as_bytes())), Format::Csv),
        (
            folder.write("d.zip", zip(&[("a.csv", &gb18030), ("readme.txt", b"about")])),
            Format::Csv,
        ),
        (folder.write("a.xlsx", &workbook), Format::Xlsx),
        (folder.write("workbook", &workbook), Format::Xlsx),
        (folder.write("a.xlsx.gz", gzip(&workbook)), Format::Xlsx),
        (folder.write("e.zip", zip(&[("a.xlsx", &workbook)])), Format::Xlsx),
        (folder.write("a.kml", &placemarks), Format::Kml),
        (
            folder.write(
                "a.kmz",
                zip(&[("doc.kml", placemarks.as_bytes()), ("files/icon.png", b"")]),
            ),
            Format::Kml,
        ),
        (folder.write("a.kml.gz", gzip(placemarks.as_bytes())), Format::Kml),
    ];
    for (path, format) in &cases {
        let source = open(path);
        assert_eq!(source.format(), *format, "{}", path.display());
        assert_eq!(source.crs().label().as_deref(), Some("EPSG:4326"), "{}", path.display());
        let outcome = import(path, parcels()).unwrap();
        assert_eq!(outcome.quarantined, [], "{}", path.display());
        assert_eq!(
            outcome.warnings().len(),
            0,
            "{}: {:?}",
            path.display(),
            outcome.warnings()
        );
        assert_eq!(content(&outcome), expected, "{}", path.display());
        let examples: Vec<String> = source.fields().into_iter().flat_map(|field| field.examples).collect();
        assert!(examples.contains(&"P1".to_owned()), "{}: {examples:?}", path.display());
    }
    // With an index the format sorts its features by place.
    let sorted = import(&folder.write("index.fgb", plots_fgb(20, true)), parcels()).unwrap();
    let mut found = content(&sorted);
    found.sort_by_key(|(key, ..)| key[1..].parse::<u32>().unwrap());
    assert_eq!(found, expected);
}

#[test]
fn layers_of_a_package_are_listed_and_chosen() {
    let folder = Folder::new();
    let path = folder.path().join("two.gpkg");
    let database = gpkg(&path);
    gpkg_plots(&database, "parcels", 3);
    gpkg_plots(&database, "Old \"parcels\"; --", 2);
    database
        .execute_batch(
            "create table owners (id integer primary key, code text, flag boolean, share real, made date);
             insert into owners values (1, '007', 1, 0.5, '2025-11-20'), (2, null, 0, 9e999, x'00ff');
             insert into gpkg_contents values ('owners', 'attributes', 'owners', null);
             create view recent as select * from parcels where fid > 1;
             insert into gpkg_contents values ('recent', 'features', 'recent', 4326);
             insert into gpkg_geometry_columns values ('recent', 'geom', 'POLYGON', 4326, 0, 0);
             insert into gpkg_contents values ('picture', 'tiles', 'picture', 3857);",
        )
        .unwrap();
    drop(database);
    let choose = |path: &std::path::Path, member: &str| {
        let options = ReadOptions {
            member: Some(member.to_owned()),
            ..ReadOptions::default()
        };
        Source::open(path, &options)
    };
    let refused = Source::open(&path, &ReadOptions::default()).unwrap_err();
    let gis_data::SourceRefused::SeveralLayers { members } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(members, &["parcels", "Old \"parcels\"; --", "owners", "recent"]);
    for (layer, rows) in [("parcels", 3), ("Old \"parcels\"; --", 2), ("recent", 2)] {
        let mut source = choose(&path, layer).unwrap();
        assert_eq!(source.layers().len(), 4);
        assert_eq!(source.rows().map(Result::unwrap).count(), rows, "{layer}");
    }
    assert_eq!(choose(&path, "none").unwrap_err().code(), "no_such_member");
    let mut owners = choose(&path, "owners").unwrap();
    assert_eq!(*owners.crs(), DeclaredCrs::Missing);
    let rows: Vec<_> = owners.rows().map(Result::unwrap).collect();
    assert_eq!(rows[0].geometry, Ok(None));
    assert_eq!(
        Value::Object(rows[0].properties.clone()),
        serde_json::json!({"id": 1, "code": "007", "flag": true, "share": 0.5, "made": "2025-11-20"})
    );
    assert_eq!(
        (&rows[1].properties["share"], rows[1].not_a_number),
        (&Value::Null, true)
    );
    assert_eq!(rows[1].properties["made"], "00ff");
    // In an archive, by the name of the layer, or of file and layer.
    let zipped = folder.write("two.zip", zip(&[("data/two.gpkg", &std::fs::read(&path).unwrap())]));
    for member in ["parcels", "two.gpkg/parcels", "data/two.gpkg/parcels"] {
        assert_eq!(choose(&zipped, member).unwrap().rows().count(), 3, "{member}");
    }
    assert_eq!(choose(&zipped, "two.gpkg").unwrap_err().code(), "several_layers");
}

#[test]
fn shapes_of_a_package_say_what_is_wrong_with_them() {
    let folder = Folder::new();
    let path = folder.path().join("shapes.gpkg");
    let database = gpkg(&path);
    gpkg_plots(&database, "plots", 0);
    let good = wkb(&[plot(1)]);
    let mut extended = gpkg_blob(0, &good);
    extended[3] |= 0x20;
    let blobs: Vec<Vec<u8>> = (0..5)
        .map(|envelope| gpkg_blob(envelope, &good))
        .chain([
            gpkg_blob(0, &good[..good.len() - 1]),
            gpkg_blob(1, &good)[..30].to_vec(),
            b"GP\x01\x01".to_vec(),
            good.clone(),
            extended,
            Vec::new(),
        ])
        .collect();
    for blob in &blobs {
        database
            .execute("insert into plots (geom) values (?1)", [blob])
            .unwrap();
    }
    database
        .execute_batch("insert into plots (geom) values (null), ('POINT (1 2)')")
        .unwrap();
    drop(database);
    let rows = read(&path).unwrap();
    for row in &rows[..5] {
        assert_eq!(row.geometry, Ok(Some(polygon(&[plot(1)]))), "row {}", row.row);
    }
    for row in rows[5..9].iter().chain([&rows[10], &rows[12]]) {
        assert!(
            matches!(row.geometry, Err(Unreadable::Geometry { .. })),
            "row {}",
            row.row
        );
    }
    assert!(matches!(rows[9].geometry, Err(Unreadable::Kind { .. })));
    assert_eq!(rows[11].geometry, Ok(None));
    // What the table of systems says counts, and -1 says nothing.
    for (srs, declared) in [
        (
            100_001,
            DeclaredCrs::Prj {
                wkt: "LOCAL_CS[\"somewhere\"]".to_owned(),
            },
        ),
        (-1, DeclaredCrs::Missing),
        (
            4326,
            DeclaredCrs::Member {
                name: "EPSG:4326".to_owned(),
            },
        ),
    ] {
        let database = rusqlite::Connection::open(&path).unwrap();
        database
            .execute("update gpkg_geometry_columns set srs_id = ?1", [srs])
            .unwrap();
        drop(database);
        assert_eq!(*open(&path).crs(), declared);
    }
}

#[test]
fn placemarks_hold_their_data_and_shapes() {
    let folder = Folder::new();
    let ring = "0,0 1,0,5 1,1 0,0";
    let inner = "0.1,0.05 0.2,0.05 0.2,0.1 0.1,0.05";
    let text = format!(
        "<kml:kml xmlns:kml='http://www.opengis.net/kml/2.2'><kml:Document><kml:Schema><kml:SimpleField name='x'/>\
         </kml:Schema><kml:Folder><kml:name>甲 &amp; 乙</kml:name><kml:Placemark id='a'>\
         <kml:name><![CDATA[<b>楼</b>]]></kml:name><kml:Style><kml:name>no</kml:name></kml:Style>\
         <kml:ExtendedData><kml:SchemaData><kml:SimpleData name='code'>0&#48;7</kml:SimpleData></kml:SchemaData>\
         <own:floor>3</own:floor></kml:ExtendedData>\
         <kml:MultiGeometry><kml:Polygon><kml:outerBoundaryIs><kml:LinearRing><kml:coordinates>{ring}</kml:coordinates>\
         </kml:LinearRing></kml:outerBoundaryIs><kml:innerBoundaryIs><kml:LinearRing><kml:coordinates>\n{inner}\n\
         </kml:coordinates></kml:LinearRing></kml:innerBoundaryIs></kml:Polygon></kml:MultiGeometry></kml:Placemark>\
         </kml:Folder><kml:Placemark><kml:Point><kml:coordinates>1, 2 ,0</kml:coordinates></kml:Point></kml:Placemark>\
         <kml:Placemark><kml:Model/></kml:Placemark><kml:Placemark/>\
         <kml:Placemark><kml:LineString><kml:coordinates>1,2 x,3</kml:coordinates></kml:LineString></kml:Placemark>\
         </kml:Document></kml:kml>"
    );
    let rows = read(&folder.write("a.kml", text)).unwrap();
    assert_eq!(
        Value::Object(rows[0].properties.clone()),
        serde_json::json!({"folder": "甲 & 乙", "name": "<b>楼</b>", "code": "007", "floor": "3"})
    );
    let Ok(Some(Geometry::Polygon(shape))) = &rows[0].geometry else {
        panic!("{:?}", rows[0].geometry);
    };
    assert_eq!((shape.exterior().0.len(), shape.interiors().len()), (4, 1));
    assert!(rows[0].dropped_z && !rows[1].dropped_z);
    assert!(matches!(rows[1].geometry, Ok(Some(Geometry::Point(_)))));
    assert!(matches!(&rows[2].geometry, Err(Unreadable::Kind { kind }) if kind == "Model"));
    assert_eq!(rows[3].geometry, Ok(None));
    assert!(matches!(rows[4].geometry, Err(Unreadable::Geometry { .. })));
    assert_eq!(rows.len(), 5);
}

#[test]
fn single_features_and_bare_geometries_are_read() {
    let folder = Folder::new();
    let feature_path = folder.write("one.json", feature("P1", &polygon_json(&[plot(1)])));
    let bare_path = folder.write("bare.json", polygon_json(&[plot(1)]));
    assert_eq!(import(&feature_path, parcels()).unwrap().keys(), ["P1"]);
    let bare = import(&bare_path, parcels()).unwrap();
    assert_eq!(bare.accepted[0].geometry, Some(polygon(&[plot(1)])));
    assert_eq!(bare.warnings()["no_source_key"], 1);
}

#[test]
fn a_crs_member_behind_the_features_counts() {
    let folder = Folder::new();
    let text = collection(&plots(2));
    let crs = r#","crs":{"type":"name","properties":{"name":"urn:ogc:def:crs:EPSG::4490"}}}"#;
    let path = folder.write("crs.geojson", text.trim_end_matches('}').to_owned() + crs);
    // Trimming takes the brace of the collection alone: the list's bracket stands before it.
    let name = "urn:ogc:def:crs:EPSG::4490".to_owned();
    assert_eq!(*open(&path).crs(), DeclaredCrs::Member { name });
    let null = text.replacen("\"features\"", "\"crs\":null,\"features\"", 1);
    let path = folder.write("null.geojson", null);
    assert_eq!(*open(&path).crs(), DeclaredCrs::Missing);
    assert_eq!(import(&path, parcels()).unwrap_err(), "crs_missing");
    // The letters inside an attribute declare nothing.
    let path = folder.write("word.geojson", text.replacen("P1", "x\\\"crs\\\":1", 1));
    assert_eq!(*open(&path).crs(), DeclaredCrs::GeoJsonDefault);
}

#[test]
fn text_encodings_of_tables() {
    let folder = Folder::new();
    let gbk = plots_shapefile(3, GB18030, 0);
    let utf8 = plots_shapefile(3, UTF_8, 0);
    let with = |members: &Members, page: &str| {
        let mut members = members.clone();
        members.insert("cpg", page.as_bytes().to_vec());
        members
    };
    let driver = plots_shapefile(3, GB18030, 0x4D);
    let cases: [(&str, Members, &str, bool); 8] = [
        ("gbk_without_a_word", gbk.clone(), "gb18030", false),
        ("gbk_by_driver", driver.clone(), "gb18030", false),
        ("gbk_by_cpg", with(&gbk, "GBK"), "gb18030", false),
        ("gbk_by_number", with(&gbk, "936\r\n"), "gb18030", false),
        ("utf8_by_cpg", with(&utf8, "UTF-8"), "UTF-8", false),
        // The .cpg goes before the header's byte.
        (
            "utf8_over_driver",
            with(&plots_shapefile(3, UTF_8, 0x4D), "UTF-8"),
            "UTF-8",
            false,
        ),
        ("wrong_cpg", with(&gbk, "UTF-8"), "gb18030", true),
        ("western_cpg", with(&gbk, "ISO 88591"), "gb18030", true),
    ];
    for (name, members, encoding, is_warned) in cases {
        let path = folder.write_shapefile(name, &members);
        let source = open(&path);
        assert_eq!(source.encoding(), Some(encoding), "{name}");
        let warned = source.warnings().iter().map(|warning| warning.code).collect::<Vec<_>>();
        let expected: &[WarningCode] = if is_warned {
            &[WarningCode::WrongEncodingDeclared]
        } else {
            &[]
        };
        assert_eq!(warned, expected, "{name}");
        let rows = read(&path).unwrap();
        assert_eq!(rows[0].properties["name"], "常州市机关P1", "{name}");
        assert!(rows[0].undecodable_fields.is_empty(), "{name}");
    }
    // Honoured where nothing contradicts it: the same bytes are other letters in another page.
    let mut latin = plots_shapefile(1, UTF_8, 0);
    let row = vec![b"P1".to_vec(), WINDOWS_1252.encode("Forêt privée").0.into_owned()];
    let columns: [Column; 2] = [(b"code", b'C', 12), (b"name", b'C', 40)];
    latin.insert("dbf", table(&columns, &[row], 0));
    latin.insert("cpg", b"ISO-8859-1".to_vec());
    let path = folder.write_shapefile("latin", &latin);
    assert_eq!(read(&path).unwrap()[0].properties["name"], "Forêt privée");
}

#[test]
fn an_encoding_asked_for_is_used_and_bad_bytes_are_named() {
    let folder = Folder::new();
    let path = folder.write_shapefile("plots", &plots_shapefile(1, GB18030, 0x4D));
    let options = ReadOptions {
        encoding: Some("utf-8".to_owned()),
        ..ReadOptions::default()
    };
    let mut source = Source::open(&path, &options).unwrap();
    let row = source.rows().next().unwrap().unwrap();
    assert_eq!(row.undecodable_fields, ["name"]);
    let outcome = import_source(&mut source, parcels()).unwrap();
    assert_eq!(outcome.warnings()["undecodable_text"], 1);
    let unknown = ReadOptions {
        encoding: Some("klingon".to_owned()),
        ..ReadOptions::default()
    };
    assert_eq!(Source::open(&path, &unknown).unwrap_err().code(), "unknown_encoding");
}

#[test]
fn a_geojson_in_gb18030_is_read_with_a_warning() {
    let folder = Folder::new();
    let text = collection(&plots(300));
    let path = folder.write("gbk.geojson", GB18030.encode(&text).0);
    let source = open(&path);
    assert_eq!(source.encoding(), Some("gb18030"));
    assert_eq!(source.warnings()[0].code, WarningCode::WrongEncodingDeclared);
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!(outcome.accepted[299].fields["name"], "常州市机关P300");
}

#[test]
fn headers_in_chinese_survive_the_ten_bytes_of_a_column_name() {
    let folder = Folder::new();
    let name: Vec<u8> = GB18030.encode("土地使用权面积").0.iter().copied().take(10).collect();
    let code = GB18030.encode("宗地代码").0.into_owned();
    let row = vec![b"320402".to_vec(), b"123.50".to_vec()];
    let mut members = plots_shapefile(1, GB18030, 0x4D);
    members.insert("dbf", table(&[(&code, b'C', 10), (&name, b'N', 10)], &[row], 0x4D));
    let path = folder.write_shapefile("cut", &members);
    let names: Vec<String> = open(&path).fields().into_iter().map(|field| field.name).collect();
    assert_eq!(names, ["宗地代码", "土地使用权"]);
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!(outcome.accepted[0].fields["registered_area_m2"], 123.5);
    assert_eq!(outcome.accepted[0].source_key, "320402");
}

#[test]
fn values_of_a_table_have_their_types() {
    let folder = Folder::new();
    let columns: [Column; 7] = [
        (b"whole", b'N', 9),
        (b"long", b'N', 25),
        (b"real", b'F', 12),
        (b"day", b'D', 8),
        (b"flag", b'L', 1),
        (b"zeros", b'C', 6),
        (b"blank", b'N', 5),
    ];
    let row: Vec<Vec<u8>> = ["42", "123456789012345678901", "-1.5", "20251120", "T", "007", "*****"]
        .iter()
        .map(|value| value.as_bytes().to_vec())
        .collect();
    let mut members = plots_shapefile(1, UTF_8, 0);
    members.insert("dbf", table(&columns, &[row], 0));
    let path = folder.write_shapefile("typed", &members);
    let properties = Value::Object(read(&path).unwrap().remove(0).properties);
    let expected = serde_json::json!({
        "whole": 42, "long": "123456789012345678901", "real": -1.5, "day": "2025-11-20",
        "flag": true, "zeros": "007", "blank": null,
    });
    assert_eq!(properties, expected);
}

#[test]
fn holes_and_parts_are_told_apart() {
    let shell = square(0.0, 0.0, 10.0);
    let hole = square(2.0, 2.0, 4.0);
    let island = square(3.0, 3.0, 1.0);
    let other = square(20.0, 0.0, 5.0);
    // As the format wants it, all the wrong way round, and with the shells last.
    let orders: [(Vec<Ring>, bool); 3] = [
        (
            vec![
                reversed(shell.clone()),
                hole.clone(),
                reversed(island.clone()),
                reversed(other.clone()),
            ],
            false,
        ),
        (
            vec![
                reversed(island.clone()),
                hole.clone(),
                reversed(other.clone()),
                reversed(shell.clone()),
            ],
            false,
        ),
        // The hole has the direction of a shell.
        (
            vec![reversed(shell.clone()), reversed(hole.clone()), reversed(other.clone())],
            true,
        ),
    ];
    let folder = Folder::new();
    for (number, (rings, is_reassigned)) in orders.iter().enumerate() {
        let (shp, _) = shapes(5, &[polygon_record(5, rings)]);
        let path = folder.write(&format!("rings{number}.shp"), shp);
        let row = read(&path).unwrap().remove(0);
        assert_eq!(row.reassigned_rings, *is_reassigned, "{number}");
        let Ok(Some(Geometry::MultiPolygon(MultiPolygon(parts)))) = row.geometry else {
            panic!("{number}: {:?}", row.geometry);
        };
        let mut shape: Vec<(usize, f64)> = parts
            .iter()
            .map(|part| (part.interiors().len(), geo::Area::unsigned_area(part)))
            .collect();
        shape.sort_by(|a, b| b.1.total_cmp(&a.1));
        let expected: &[(usize, f64)] = if rings.len() == 4 {
            &[(1, 84.0), (0, 25.0), (0, 1.0)]
        } else {
            &[(1, 84.0), (0, 25.0)]
        };
        assert_eq!(shape, expected, "{number}");
    }
    let json = format!(
        r#"{{"type":"MultiPolygon","coordinates":[{},{}]}}"#,
        positions(&[plot(1), reversed(square(119.9512, 31.7802, 0.0003))]),
        positions(&[plot(3)])
    );
    let outcome = import_text(&collection(&[feature("P1", &json)]));
    let Some(Geometry::MultiPolygon(parts)) = &outcome.accepted[0].geometry else {
        panic!("{outcome:?}");
    };
    assert_eq!(
        parts.0.iter().map(|part| part.interiors().len()).collect::<Vec<_>>(),
        [1, 0]
    );
}

#[test]
fn heights_and_measures_are_dropped_with_a_warning() {
    let folder = Folder::new();
    let expected = polygon(&[plot(1)]);
    for (kind, warning) in [(15, "z_dropped"), (25, "m_dropped")] {
        let (shp, _) = shapes(kind, &[polygon_record(kind, &[reversed(plot(1))])]);
        folder.write("z.prj", WGS84_PRJ);
        let outcome = import(&folder.write("z.shp", shp), parcels()).unwrap();
        assert_eq!(outcome.warnings()[warning], 1);
        assert_eq!(outcome.accepted[0].geometry.as_ref(), Some(&expected));
    }
    let with_z = polygon_json(&[plot(1)]).replace("],[", ",4.5],[");
    let outcome = import_text(&collection(&[feature("P1", &with_z)]));
    assert_eq!(outcome.warnings()["z_dropped"], 1);
    assert_eq!(outcome.accepted[0].geometry.as_ref(), Some(&expected));
}

/// The blocks above are written by the same hand that wrote the reader's tests: here another
/// program's writer.
#[test]
fn shapefiles_of_another_writer_are_read() {
    use shapefile::{NO_DATA, PointZ, PolygonRing, PolygonZ};
    let folder = Folder::new();
    let path = folder.path().join("z.shp");
    let corners = [(0.0, 0.0), (0.0, 2.0), (2.0, 2.0), (2.0, 0.0)];
    let ring = |measure: f64| {
        let points = corners.iter().map(|&(x, y)| PointZ::new(x, y, 7.0, measure)).collect();
        PolygonZ::new(PolygonRing::Outer(points))
    };
    let dbase_writer = dbase::TableWriterBuilder::new()
        .add_character_field("code".try_into().unwrap(), 10)
        .add_numeric_field("area".try_into().unwrap(), 12, 2);
    let mut writer = shapefile::Writer::from_path(&path, dbase_writer).unwrap();
    for (code, measure) in [("A1", 3.0), ("A2", NO_DATA)] {
        let mut record = dbase::Record::default();
        record.insert("code".to_owned(), dbase::FieldValue::Character(Some(code.to_owned())));
        record.insert("area".to_owned(), dbase::FieldValue::Numeric(Some(4.25)));
        writer.write_shape_and_record(&ring(measure), &record).unwrap();
    }
    drop(writer);
    let rows = read(&path).unwrap();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows.iter().map(|row| row.dropped_m).collect::<Vec<_>>(), [true, false]);
    for row in &rows {
        assert!(row.dropped_z);
        assert_eq!(row.properties["area"], 4.25);
        let geometry = row.geometry.as_ref().unwrap().as_ref().unwrap();
        assert_eq!(geo::Area::unsigned_area(geometry), 4.0);
    }
    assert_eq!(rows[1].properties["code"], "A2");
}

#[test]
fn rows_without_a_shape_stay_rows() {
    let folder = Folder::new();
    let (shp, shx) = shapes(
        5,
        &[
            polygon_record(5, &[reversed(plot(1))]),
            null_record(),
            polygon_record(5, &[]),
        ],
    );
    let mut members = plots_shapefile(3, UTF_8, 0);
    members.insert("shp", shp);
    members.insert("shx", shx);
    let path = folder.write_shapefile("nulls", &members);
    let rows = read(&path).unwrap();
    assert_eq!(rows[1].geometry, Ok(None));
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!(outcome.keys(), ["P1"]);
    let keys: Vec<_> = outcome
        .quarantined
        .iter()
        .map(|row| row.source_key.as_deref())
        .collect();
    assert_eq!(keys, [Some("P2"), Some("P3")]);
    assert_eq!(outcome.reasons(), [("no_geometry", 1), ("empty_geometry", 1)].into());
    let json = collection(&[
        feature("A", "null"),
        feature("B", r#"{"type":"Polygon","coordinates":[]}"#),
        feature("C", r#"{"type":"MultiPolygon","coordinates":[]}"#),
        feature("D", r#"{"type":"GeometryCollection","geometries":[]}"#),
        feature("E", r#"{"type":"Point","coordinates":[]}"#),
        r#"{"type":"Feature","properties":{"code":"F"}}"#.to_owned(),
    ]);
    let outcome = import_text(&json);
    assert_eq!(outcome.reasons(), [("no_geometry", 2), ("empty_geometry", 4)].into());
}

#[test]
fn a_shapefile_is_read_without_index_and_without_table() {
    let folder = Folder::new();
    let mut members = plots_shapefile(5, UTF_8, 0);
    members.remove("shx");
    let path = folder.write_shapefile("no_index", &members);
    assert_eq!(import(&path, parcels()).unwrap().keys(), ["P1", "P2", "P3", "P4", "P5"]);
    members.remove("dbf");
    let path = folder.write_shapefile("alone", &members);
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!(outcome.accepted.len(), 5);
    assert_eq!(outcome.warnings()["no_source_key"], 5);
    // The key is the shape's: the same in the next delivery, in whatever order.
    let mut records: Vec<Vec<u8>> = (1..=5).map(|n| polygon_record(5, &[reversed(plot(n))])).collect();
    records.reverse();
    members.insert("shp", shapes(5, &records).0);
    let path = folder.write_shapefile("backwards", &members);
    let backwards = import(&path, parcels()).unwrap();
    let mut keys = backwards.keys();
    keys.reverse();
    assert_eq!(keys, outcome.keys());
    let lone = folder.write("lone/table.dbf", &plots_shapefile(1, UTF_8, 0)["dbf"]);
    assert_eq!(refusal(&lone), "no_shapes");
}

#[test]
fn records_stand_where_the_index_says() {
    let folder = Folder::new();
    let mut members = plots_shapefile(3, UTF_8, 0);
    // A record rewritten by an editor: the index names them in another order than they stand.
    let shx = members.get_mut("shx").unwrap();
    let (first, last) = (shx[100..108].to_vec(), shx[116..124].to_vec());
    shx[100..108].copy_from_slice(&last);
    shx[116..124].copy_from_slice(&first);
    let path = folder.write_shapefile("moved", &members);
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!(outcome.by_key()["P1"].geometry, Some(polygon(&[plot(3)])));
    assert_eq!(outcome.by_key()["P3"].geometry, Some(polygon(&[plot(1)])));
}

#[test]
fn deleted_rows_of_a_table_are_not_read() {
    let folder = Folder::new();
    let mut members = plots_shapefile(3, UTF_8, 0);
    let dbf = members.get_mut("dbf").unwrap();
    let second = 32 + 2 * 32 + 1 + 53;
    assert_eq!(dbf[second], b' ');
    dbf[second] = b'*';
    let path = folder.write_shapefile("deleted", &members);
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!(outcome.keys(), ["P1", "P3"]);
    assert_eq!(outcome.by_key()["P3"].row, 3);
}

#[test]
fn a_layer_is_chosen_among_several() {
    let folder = Folder::new();
    let document = collection(&plots(2));
    let path = folder.write(
        "two.zip",
        zip(&[
            ("a.geojson", document.as_bytes()),
            ("b.geojson", collection(&plots(3)).as_bytes()),
        ]),
    );
    assert_eq!(refusal(&path), "several_layers");
    let choose = |member: &str| ReadOptions {
        member: Some(member.to_owned()),
        ..ReadOptions::default()
    };
    let mut source = Source::open(&path, &choose("b")).unwrap();
    assert_eq!(source.rows().count(), 3);
    assert_eq!(Source::open(&path, &choose("c")).unwrap_err().code(), "no_such_member");
}

#[test]
fn rows_can_be_read_twice_and_abandoned() {
    let folder = Folder::new();
    let path = folder.write("many.geojson.gz", gzip(collection(&plots(5_000)).as_bytes()));
    let mut source = open(&path);
    assert_eq!(source.rows().take(10).count(), 10);
    assert_eq!(source.rows().count(), 5_000);
    let rows = source.rows();
    // The unpacked file lives as long as somebody reads it.
    drop(source);
    assert_eq!(rows.filter(|row| row.is_ok()).count(), 5_000);
}

#[test]
fn geometry_that_is_no_geometry_says_what_is_wrong() {
    let folder = Folder::new();
    let mut multipatch = polygon_record(5, &[reversed(plot(1))]);
    multipatch[0] = 31;
    let mut unknown = multipatch.clone();
    unknown[0] = 99;
    let (shp, _) = shapes(
        31,
        &[
            multipatch,
            unknown,
            point_record(f64::NAN, 1.0),
            point_record(119.95, 31.78),
        ],
    );
    let rows = read(&folder.write("odd.shp", shp)).unwrap();
    assert!(matches!(&rows[0].geometry, Err(Unreadable::Kind { kind }) if kind == "MultiPatch"));
    assert!(matches!(&rows[1].geometry, Err(Unreadable::Geometry { .. })));
    assert_eq!(rows[2].geometry, Err(Unreadable::NotFinite));
    assert!(matches!(rows[3].geometry, Ok(Some(Geometry::Point(_)))));
}
