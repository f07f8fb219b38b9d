//! Tables: text, workbooks and the text files of land surveys. Header, shape and values are found as
//! people write them.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod support;

use encoding_rs::GB18030;
use geo_types::{Geometry, Point};
use gis_data::{
    DeclaredCrs, FieldMapping, FieldName, Format, HeaderRows, Layer, PipelineOptions, ReadOptions, Source, SourceRow,
    TableOptions, Unreadable,
};
use rust_xlsxwriter::{ExcelDateTime, Format as CellFormat, Workbook};
use serde_json::{Value, json};
use support::*;

fn with(table: TableOptions) -> ReadOptions {
    ReadOptions {
        table,
        ..ReadOptions::default()
    }
}

fn rows(source: &mut Source) -> Vec<SourceRow> {
    source.rows().map(Result::unwrap).collect()
}

fn names(source: &Source) -> Vec<String> {
    source.fields().into_iter().map(|field| field.name).collect()
}

fn point(x: f64, y: f64) -> Result<Option<Geometry<f64>>, Unreadable> {
    Ok(Some(Geometry::Point(Point::new(x, y))))
}

#[test]
fn any_delimiter_and_any_line_ends() {
    let folder = Folder::new();
    for delimiter in [",", ";", "\t", "|"] {
        for line_end in ["\n", "\r\n", "\r"] {
            let lines = [
                ["code", "area", "note"].join(delimiter),
                ["007", "1.50", "\"a \"\"b\"\",;|\tc\nd\""].join(delimiter),
                ["008", "", "x"].join(delimiter),
            ];
            let path = folder.write("a.txt", lines.join(line_end));
            let mut source = open(&path);
            assert_eq!(source.format(), Format::Csv);
            let rows = rows(&mut source);
            let expected = [
                json!({"code": "007", "area": "1.50", "note": "a \"b\",;|\tc\nd"}),
                json!({"code": "008", "area": null, "note": "x"}),
            ];
            let found: Vec<Value> = rows.iter().map(|row| Value::Object(row.properties.clone())).collect();
            assert_eq!(found, expected, "{delimiter:?} {line_end:?}");
            // The numbers that a spreadsheet shows.
            assert_eq!(rows.iter().map(|row| row.row).collect::<Vec<_>>(), [2, 3]);
        }
    }
    let mixed = folder.write("mixed.csv", "\u{feff}sep=;\r\na;b\n1;2\r\n3;4\r5;6");
    assert_eq!(names(&open(&mixed)), ["a", "b"]);
    assert_eq!(read(&mixed).unwrap().len(), 3);
    // Decimal commas in every row don't make commas the delimiter.
    let decimal = folder.write("decimal.csv", "a;b\n1,5;2,5\n3,5;4,5\n");
    assert_eq!(read(&decimal).unwrap()[0].properties["b"], "2,5");
}

#[test]
fn the_shape_of_a_table_is_found_or_named() {
    let folder = Folder::new();
    let path = folder.write(
        "points.csv",
        "编号,经度,纬度,x,y\n1,119.95,31.78,10,20\n2,,,11,21\n3,119.96,,12,22\n4,119.9x,31.7,13,23\n5,nan,31.7,1,1\n",
    );
    let found = rows(&mut open(&path));
    assert_eq!(found[0].geometry, point(119.95, 31.78));
    assert_eq!(found[0].properties["经度"], "119.95");
    assert_eq!(found[1].geometry, Ok(None));
    assert!(matches!(found[2].geometry, Err(Unreadable::Geometry { .. })));
    assert!(matches!(found[3].geometry, Err(Unreadable::Geometry { .. })));
    assert_eq!(found[4].geometry, Err(Unreadable::NotFinite));
    let named = TableOptions {
        x_column: Some("x".to_owned()),
        y_column: Some("y".to_owned()),
        ..TableOptions::default()
    };
    let mut source = Source::open(&path, &with(named.clone())).unwrap();
    assert_eq!(rows(&mut source)[1].geometry, point(11.0, 21.0));
    for (wrong, code, field) in [
        (
            TableOptions {
                y_column: None,
                ..named.clone()
            },
            "half_a_pair",
            "y_column",
        ),
        (
            TableOptions {
                x_column: None,
                ..named.clone()
            },
            "half_a_pair",
            "x_column",
        ),
        (
            TableOptions {
                y_column: Some("z".to_owned()),
                ..named.clone()
            },
            "no_such_column",
            "y_column",
        ),
        (
            TableOptions {
                shape_column: Some("geom".to_owned()),
                ..TableOptions::default()
            },
            "no_such_column",
            "shape_column",
        ),
        (
            TableOptions {
                header: HeaderRows::parse("90").unwrap(),
                ..TableOptions::default()
            },
            "no_such_header",
            "header_row",
        ),
    ] {
        let refused = Source::open(&path, &with(wrong)).unwrap_err();
        assert_eq!((refused.code(), refused.field()), (code, Some(field)));
    }
    // Of use for tables alone: elsewhere they would be passed over in silence.
    let map = folder.write("map.geojson", r#"{"type":"FeatureCollection","features":[]}"#);
    let refused = Source::open(&map, &with(named)).unwrap_err();
    assert_eq!((refused.code(), refused.field()), ("no_table", Some("x_column")));
    // WKB in digits, as PostGIS writes it, and shapes of two systems in one column.
    let hex = |srid: u32| {
        let mut bytes = wkb(&[plot(1)]);
        bytes[4] |= 0x20;
        let at = bytes.split_off(5);
        bytes.extend(srid.to_le_bytes());
        bytes.extend(at);
        bytes.iter().map(|byte| format!("{byte:02X}")).collect::<String>()
    };
    let text = format!("id,where\n1,{}\n2,{}\n3,{}\n", hex(4490), hex(4326), &hex(4490)[..40]);
    let path = folder.write("wkb.csv", text);
    let mut source = open(&path);
    assert_eq!(
        *source.crs(),
        DeclaredCrs::Member {
            name: "EPSG:4490".to_owned()
        }
    );
    assert_eq!(names(&source), ["id"]);
    let found = rows(&mut source);
    assert_eq!(found[0].geometry, Ok(Some(polygon(&[plot(1)]))));
    assert!(matches!(found[1].geometry, Err(Unreadable::Geometry { .. })));
    assert!(matches!(found[2].geometry, Err(Unreadable::Geometry { .. })));
    // Nothing of a shape: rows of attributes, and no coordinate system is asked for.
    let path = folder.write("units.csv", "code,name\n01,甲\n02,乙\n");
    let mut source = open(&path);
    let outcome = import_source(&mut source, gis_data::PipelineOptions::new(gis_data::Layer::Units)).unwrap();
    assert_eq!(outcome.keys(), ["01", "02"]);
}

#[test]
fn shapes_far_down_still_need_a_coordinate_system() {
    let folder = Folder::new();
    let blank = "0,\n".repeat(700);
    let path = folder.write("late.csv", format!("id,wkt\n{blank}1,POINT (1 2)\n"));
    assert!(!open(&path).is_without_shapes());
    assert_eq!(import(&path, parcels()).unwrap_err(), "crs_missing");
    let none = folder.write("none.csv", format!("id,note\n{}", blank));
    assert!(open(&none).is_without_shapes());
}

#[test]
fn cells_of_many_megabytes_are_read() {
    let folder = Folder::new();
    let ring: Ring = {
        let mut ring: Ring = (0..200_000)
            .map(|number| {
                let angle = f64::from(number) / 200_000.0 * std::f64::consts::TAU;
                (119.95 + 0.01 * angle.cos(), 31.78 + 0.01 * angle.sin())
            })
            .collect();
        ring.push(ring[0]);
        ring
    };
    let text = format!(
        "code,wkt\nP1,\"{}\"\nP2,\"{}\"\n",
        wkt(std::slice::from_ref(&ring)),
        wkt(&[plot(2)])
    );
    assert!(text.len() > 6_000_000, "{}", text.len());
    let found = read(&folder.write("long.csv", text)).unwrap();
    assert_eq!(found[0].geometry, Ok(Some(polygon(&[ring]))));
    assert_eq!(found.len(), 2);
}

#[test]
fn rows_that_do_not_fit_the_header_are_not_guessed_at() {
    let folder = Folder::new();
    let many = "1,2,3\n".repeat(100);
    let path = folder.write("a.csv", format!("a,b,c\n1,2\n1,2,3,,\n{many}1,2,3,4\n"));
    let found = read(&path).unwrap();
    assert_eq!(found[0].properties["c"], Value::Null);
    // Cells without a name in the first rows get one, further down they don't.
    assert!(found[1].geometry.is_ok());
    let wide = folder.write("b.csv", format!("a,b,c\n{many}1,2,3,4\n1,2,3,,\n"));
    let found = read(&wide).unwrap();
    assert!(matches!(found[100].geometry, Err(Unreadable::Record { .. })));
    assert_eq!(found[101].geometry, Ok(None));
}

#[test]
fn the_header_is_where_it_was_said_to_be() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "报表,,\n2025年,,\ncode,土地,\n,面积,用途\n1,2,3\n");
    let of = |header: HeaderRows| {
        let mut source = Source::open(
            &path,
            &with(TableOptions {
                header,
                ..TableOptions::default()
            }),
        )?;
        let count = rows(&mut source).len();
        Ok::<_, gis_data::SourceRefused>((names(&source), count))
    };
    let rows = |first, last| HeaderRows::Rows { first, last };
    assert_eq!(of(rows(3, 4)).unwrap().0, ["code", "土地/面积", "用途"]);
    assert_eq!(
        of(rows(4, 4)).unwrap(),
        (vec!["field_1".to_owned(), "面积".to_owned(), "用途".to_owned()], 1)
    );
    assert_eq!(of(HeaderRows::None).unwrap().1, 5);
    assert_eq!(of(rows(400, 400)).unwrap_err().code(), "no_such_header");
    for (text, expected) in [
        ("0", Some(HeaderRows::None)),
        ("3", Some(rows(3, 3))),
        ("2-3", Some(rows(2, 3))),
        ("3-2", None),
        ("0-1", None),
        ("x", None),
    ] {
        assert_eq!(HeaderRows::parse(text), expected, "{text}");
    }
}

/// A workbook as a bureau sends it: a title, a header of two rows with merged cells, typed cells.
fn report() -> Vec<u8> {
    let mut workbook = Workbook::new();
    let cell = CellFormat::new();
    let sheet = workbook.add_worksheet().set_name("房产").unwrap();
    sheet.merge_range(0, 0, 0, 7, "机关房产一览表", &cell).unwrap();
    sheet.merge_range(1, 0, 2, 0, "编号", &cell).unwrap();
    sheet.merge_range(1, 1, 1, 2, "位置", &cell).unwrap();
    sheet.write(2, 1, "经度").unwrap();
    sheet.write(2, 2, "纬度").unwrap();
    sheet.merge_range(1, 3, 1, 4, "面积", &cell).unwrap();
    sheet.write(2, 3, "建筑").unwrap();
    sheet.write(2, 4, "使用").unwrap();
    for (column, name) in [(5, "日期"), (6, "邮编"), (7, "在用")] {
        sheet.merge_range(1, column, 2, column, name, &cell).unwrap();
    }
    let day = CellFormat::new().set_num_format("yyyy-mm-dd");
    let zeros = CellFormat::new().set_num_format("000000");
    sheet.write(3, 0, "007").unwrap();
    sheet.write(3, 1, 119.95).unwrap();
    sheet.write(3, 2, 31.78).unwrap();
    sheet.write(3, 3, 1200).unwrap();
    sheet.write(3, 4, 800.25).unwrap();
    sheet
        .write_datetime_with_format(3, 5, ExcelDateTime::from_ymd(2025, 11, 20).unwrap(), &day)
        .unwrap();
    sheet.write_with_format(3, 6, 968, &zeros).unwrap();
    sheet.write(3, 7, true).unwrap();
    // Row 5 is blank.
    sheet.write(5, 0, "008").unwrap();
    sheet
        .write_datetime_with_format(
            5,
            5,
            ExcelDateTime::from_ymd(2025, 11, 20)
                .unwrap()
                .and_hms(8, 30, 0)
                .unwrap(),
            &day,
        )
        .unwrap();
    sheet
        .write_formula(5, 3, rust_xlsxwriter::Formula::new("=1/0").set_result("#DIV/0!"))
        .unwrap();
    let hidden = workbook.add_worksheet().set_name("字典").unwrap();
    hidden.write(0, 0, "a").unwrap();
    hidden.write(1, 0, "b").unwrap();
    hidden.set_hidden(true);
    workbook.save_to_buffer().unwrap()
}

#[test]
fn merged_headers_and_typed_cells_of_a_workbook() {
    let folder = Folder::new();
    let path = folder.write("report.xlsx", report());
    let mut source = open(&path);
    assert_eq!(
        names(&source),
        [
            "编号",
            "位置/经度",
            "位置/纬度",
            "面积/建筑",
            "面积/使用",
            "日期",
            "邮编",
            "在用"
        ]
    );
    assert_eq!(source.layers(), ["房产", "字典"]);
    let columns = TableOptions {
        x_column: Some("位置/经度".to_owned()),
        y_column: Some("位置/纬度".to_owned()),
        ..TableOptions::default()
    };
    let mut named = Source::open(&path, &with(columns)).unwrap();
    for source in [&mut source, &mut named] {
        let found = rows(source);
        assert_eq!(found[0].geometry, point(119.95, 31.78));
        assert_eq!(
            Value::Object(found[0].properties.clone()),
            json!({"编号": "007", "位置/经度": 119.95, "位置/纬度": 31.78, "面积/建筑": 1200, "面积/使用": 800.25,
                   "日期": "2025-11-20", "邮编": "000968", "在用": true})
        );
        assert_eq!(found[1].properties["日期"], "2025-11-20T08:30:00");
        assert_eq!(found[1].properties["面积/建筑"], "#DIV/0!");
        assert_eq!(found[1].geometry, Ok(None));
        assert_eq!(found.iter().map(|row| row.row).collect::<Vec<_>>(), [4, 6]);
    }
}

#[test]
fn a_sheet_is_chosen_among_several() {
    let folder = Folder::new();
    let mut workbook = Workbook::new();
    for (name, rows) in [("说明", 1), ("甲", 3), ("乙", 2)] {
        let sheet = workbook.add_worksheet().set_name(name).unwrap();
        for row in 0..rows {
            sheet.write(row, 0, format!("{name}{row}")).unwrap();
        }
    }
    workbook.add_worksheet().set_name("空").unwrap();
    let path = folder.write("sheets.xlsx", workbook.save_to_buffer().unwrap());
    let refused = Source::open(&path, &ReadOptions::default()).unwrap_err();
    let gis_data::SourceRefused::SeveralLayers { members } = &refused else {
        panic!("{refused}");
    };
    assert_eq!(members, &["甲", "乙"]);
    for (sheet, outcome) in [
        ("甲", Ok(2)),
        ("乙", Ok(1)),
        ("空", Err("empty")),
        ("丙", Err("no_such_member")),
    ] {
        let options = ReadOptions {
            member: Some(sheet.to_owned()),
            ..ReadOptions::default()
        };
        let found = Source::open(&path, &options).map(|mut source| source.rows().count());
        assert_eq!(
            found.as_ref().map_err(gis_data::SourceRefused::code),
            outcome.as_ref().map_err(|code| *code),
            "{sheet}"
        );
    }
}

#[test]
fn a_land_survey_has_north_before_east() {
    let folder = Folder::new();
    let shell = square(40_590_000.0, 3_517_500.0, 100.0);
    let hole = square(40_590_040.0, 3_517_540.0, 20.0);
    let other = square(40_590_200.0, 3_517_500.0, 50.0);
    let text = format!(
        "{SURVEY_HEADER}{}{}",
        // Direction means nothing here: all three run the same way.
        survey_parcel("001", &[shell.clone(), hole.clone(), other.clone()]),
        survey_parcel("002", &[shell[..4].to_vec()]),
    );
    let path = folder.write("survey.txt", GB18030.encode(&text).0);
    let mut source = open(&path);
    assert_eq!(source.format(), Format::LandSurvey);
    assert_eq!(
        *source.crs(),
        DeclaredCrs::Member {
            name: "EPSG:4528".to_owned()
        }
    );
    let found = rows(&mut source);
    assert_eq!(found[0].properties["地块编号"], "001");
    assert_eq!(found[0].properties["地块名称"], "常州市机关001");
    let Ok(Some(Geometry::MultiPolygon(parts))) = &found[0].geometry else {
        panic!("{:?}", found[0].geometry);
    };
    assert_eq!(
        parts.0.iter().map(|part| part.interiors().len()).collect::<Vec<_>>(),
        [1, 0]
    );
    assert_eq!(
        geo::Area::unsigned_area(parts),
        100.0 * 100.0 - 20.0 * 20.0 + 50.0 * 50.0
    );
    assert_eq!((found[1].closed_rings, found[0].closed_rings), (1, 0));
    let outcome = import(&path, parcels()).unwrap();
    assert_eq!((outcome.accepted.len(), outcome.warnings()["ring_closed"]), (2, 1));
    let near = outcome.accepted[1]
        .geometry
        .as_ref()
        .map(|shape| geo::Centroid::centroid(shape).unwrap());
    let near = near.unwrap();
    assert!(
        (near.x() - 120.95).abs() < 0.05 && (near.y() - 31.78).abs() < 0.05,
        "{near:?}"
    );
}

#[test]
fn the_header_of_a_land_survey_names_its_system() {
    let folder = Folder::new();
    let crs = |header: &str, east: f64| {
        let parcel = survey_parcel("1", &[square(east, 3_517_500.0, 10.0)]);
        let path = folder.write("a.txt", format!("[属性描述]\n{header}\n[地块坐标]\n{parcel}"));
        match open(&path).crs() {
            DeclaredCrs::Member { name } => name.clone(),
            other => format!("{other:?}"),
        }
    };
    let plane = "几度分带=3\n投影类型=高斯克吕格\n计量单位=米";
    for (header, east, expected) in [
        (
            format!("坐标系=2000国家大地坐标系\n{plane}\n带号=40"),
            40_590_000.0,
            "EPSG:4528",
        ),
        (
            format!("坐标系=2000国家大地坐标系\n{plane}\n带号=40"),
            590_000.0,
            "EPSG:4549",
        ),
        (
            format!("坐标系=2000国家大地坐标系\n{plane}\n带号="),
            40_590_000.0,
            "EPSG:4528",
        ),
        (format!("坐标系=CGCS2000\n{plane}\n带号=39"), 39_590_000.0, "EPSG:4527"),
        (
            format!("坐标系=80国家大地坐标系\n{plane}\n带号=40"),
            40_590_000.0,
            "EPSG:2364",
        ),
        (
            format!("坐标系=1954北京坐标系\n{plane}\n带号=40"),
            590_000.0,
            "EPSG:2437",
        ),
        (
            "坐标系=2000国家大地坐标系\n几度分带=6\n带号=20".to_owned(),
            20_590_000.0,
            "EPSG:4498",
        ),
        (
            format!("坐标系=常州城市坐标系\n{plane}\n带号="),
            590_000.0,
            "坐标系=常州城市坐标系 几度分带=3 投影类型=高斯克吕格 计量单位=米",
        ),
    ] {
        assert_eq!(crs(&header, east), expected, "{header}");
    }
    assert_eq!(crs("数据产生单位=某公司", 590_000.0), "Missing");
}

#[test]
fn a_parcel_of_a_land_survey_is_judged_by_itself() {
    let folder = Folder::new();
    let good = survey_parcel("1", &[square(40_590_000.0, 3_517_500.0, 10.0)]);
    let too_few = good.replacen("5,1.0,1,", "9,1.0,2,", 1);
    let no_number = good.replacen("3517500.000", "abc", 1);
    let no_count = good.replacen("5,1.0,1,", "x,1.0,4,", 1);
    let path = folder.write(
        "a.txt",
        format!("{SURVEY_HEADER}{good}{too_few}{no_number}{no_count}{good}"),
    );
    let found = read(&path).unwrap();
    let is_good: Vec<bool> = found.iter().map(|row| row.geometry.is_ok()).collect();
    assert_eq!(is_good, [true, false, false, false, true]);
    assert!(matches!(found[3].geometry, Err(Unreadable::Record { .. })));
}

#[test]
fn a_chinese_header_with_a_name_behind_it_is_either_and_keeps_its_unit() {
    let mapped = |headers: &[&str]| {
        let fields: Vec<FieldName> = headers
            .iter()
            .map(|name| FieldName {
                name: (*name).to_owned(),
                examples: vec!["1".to_owned()],
            })
            .collect();
        FieldMapping::resolve(Layer::Parcels, &fields, true, &[])
            .unwrap()
            .entries()
            .into_iter()
            .map(|(target, source)| (target.as_str(), source))
            .collect::<Vec<_>>()
    };
    let found = |target, source: &str| (target, source.to_owned());
    assert_eq!(
        mapped(&[
            "原始编号 source_key",
            "宗地代码 ZDDM",
            "坐落 Where",
            "Bemerkung",
            "基本信息/名称 name"
        ]),
        [
            found("key", "原始编号 source_key"),
            found("code", "宗地代码 ZDDM"),
            found("name", "基本信息/名称 name"),
            found("address", "坐落 Where"),
        ]
    );
    // Values that contradict a header are believed, but for a header of our own: there they are wrong.
    assert_eq!(mapped(&["使用状态"]), []);
    assert_eq!(
        mapped(&["使用情况/使用状态 occupancy"]),
        [found("occupancy", "使用情况/使用状态 occupancy")]
    );
    // The number of a real-estate unit is not the parcel's own code where both stand in an export of ours.
    assert_eq!(mapped(&["不动产单元号 real_estate_unit_code"]), []);
    let folder = Folder::new();
    for (header, area) in [
        ("用地面积（亩） LandArea", 10_000.0 / 15.0),
        ("土地信息（单位：公顷）/用地面积", 10_000.0),
        ("用地面积 registered_area_m2", 1.0),
        ("用地面积", 1.0),
    ] {
        let path = folder.write("a.csv", format!("code,{header},wkt\n1,1,\"{PLOT}\"\n"));
        let mut options = PipelineOptions::new(Layer::Parcels);
        options.crs = Some(gis_data::Crs::from_epsg(4490).unwrap());
        let outcome = import(&path, options).unwrap();
        let read = outcome.accepted[0].fields["registered_area_m2"].as_f64().unwrap();
        assert!((read - area).abs() < 1e-6, "{header}: {read}");
    }
}

const PLOT: &str = "POLYGON((119.95 31.78,119.951 31.78,119.951 31.781,119.95 31.781,119.95 31.78))";

#[test]
fn an_apostrophe_that_guards_a_formula_comes_off_and_no_other() {
    let folder = Folder::new();
    let path = folder.write("a.csv", "a,b,c,d\n'=1+1,''=1,'s-Gravenhage,'-5\n'+86,=1,'',1'=2\n");
    let rows = rows(&mut open(&path));
    assert_eq!(
        rows.iter()
            .map(|row| Value::Object(row.properties.clone()))
            .collect::<Vec<_>>(),
        [
            json!({"a": "=1+1", "b": "'=1", "c": "'s-Gravenhage", "d": "-5"}),
            json!({"a": "+86", "b": "=1", "c": "''", "d": "1'=2"}),
        ]
    );
}
