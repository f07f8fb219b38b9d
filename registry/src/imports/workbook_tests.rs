//! Tables and workbooks, as a clerk brings them and gets them back.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use calamine::{Data, Reader};
use rust_xlsxwriter::{Format, Workbook};
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt;

use super::coordinates::tests::upload;
use crate::spatial_units::tests::{app, ask};

async fn bytes(app: &Router, uri: &str) -> (StatusCode, String, Vec<u8>) {
    let request = Request::get(uri)
        .header(header::HOST, "127.0.0.1")
        .body(Body::empty())
        .unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let disposition = response
        .headers()
        .get(header::CONTENT_DISPOSITION)
        .map(|value| value.to_str().unwrap().to_owned())
        .unwrap_or_default();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, disposition, body.to_vec())
}

/// The cells of a sheet from A1 on.
fn cells(workbook: &[u8], sheet: &str) -> Vec<Vec<Data>> {
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(workbook)).unwrap();
    let range = book.worksheet_range(sheet).unwrap();
    let (rows, columns) = range.end().unwrap();
    (0..=rows)
        .map(|row| {
            (0..=columns)
                .map(|column| range.get_value((row, column)).cloned().unwrap_or(Data::Empty))
                .collect()
        })
        .collect()
}

/// Cells as a spreadsheet would save them, with the headings of a template that are one cell.
fn saved(sheet: &str, cells: &[Vec<Data>]) -> Vec<u8> {
    let mut book = Workbook::new();
    let page = book.add_worksheet();
    page.set_name(sheet).unwrap();
    let groups: Vec<usize> = (0..cells[1].len())
        .filter(|column| cells[1][*column] != Data::Empty)
        .collect();
    for (position, first) in groups.iter().enumerate() {
        let last = groups.get(position + 1).map_or(cells[1].len(), |next| *next) - 1;
        if last > *first {
            page.merge_range(1, *first as u16, 1, last as u16, "", &Format::new())
                .unwrap();
        }
    }
    for (row, line) in (0..).zip(cells) {
        for (column, cell) in (0..).zip(line) {
            match cell {
                Data::Empty => {}
                Data::Float(number) => {
                    page.write_number(row, column, *number).unwrap();
                }
                other => {
                    page.write_string(row, column, other.to_string()).unwrap();
                }
            }
        }
    }
    book.save_to_buffer().unwrap()
}

/// The column under the header that ends with the name.
fn column(cells: &[Vec<Data>], name: &str) -> usize {
    let is_it = |cell: &Data| cell.to_string().lines().last() == Some(name);
    cells[2].iter().position(is_it).unwrap()
}

fn plot(number: usize) -> Data {
    let west = 119.95 + 0.002 * number as f64;
    let east = west + 0.001;
    Data::String(format!(
        "POLYGON (({west} 31.78, {east} 31.78, {east} 31.781, {west} 31.781, {west} 31.78))"
    ))
}

#[sqlx::test(migrations = "../migrations")]
async fn header_and_coordinates_of_a_table_can_be_named_and_a_wrong_name_is_told(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let table = "台账,,\n2024 年,,\n院落,,\n代码,东,北\nS1,119.95,31.78\nS2,119.96,31.79\n";
    let given = |name: &'static str, value: &'static str| (name, value);
    let base = [given("layer", "sites"), given("crs", "EPSG:4490")];
    let named = [("header_row", "4"), ("x_column", "东"), ("y_column", "北")];
    let good = upload(&app, "sites.csv", table.as_bytes(), &[&base[..], &named[..]].concat()).await;
    assert_eq!(good["report"]["counts"]["inserted"], 2, "{good}");
    assert_eq!(good["report"]["mapping"]["code"], "代码");
    assert_ne!(good["report"]["bbox"], Value::Null, "the points are there: {good}");
    // What can be told before the file is read is a refusal of the request itself.
    for wrong in ["x", "3-2", "-1", "1-99"] {
        let answer = upload(
            &app,
            "sites.csv",
            table.as_bytes(),
            &[&base[..], &[("header_row", wrong)]].concat(),
        )
        .await;
        assert_eq!(answer["field"], "header_row", "{answer}");
        assert!(answer["remedy"].is_string());
    }
    for (settings, field) in [
        (vec![("header_row", "40")], "header_row"),
        (vec![("header_row", "4"), ("shape_column", "图形")], "shape_column"),
        (
            vec![("header_row", "4"), ("x_column", "东"), ("y_column", "上")],
            "y_column",
        ),
        (vec![("header_row", "4"), ("x_column", "东")], "y_column"),
    ] {
        let answer = upload(
            &app,
            "sites.csv",
            table.as_bytes(),
            &[&base[..], &settings[..]].concat(),
        )
        .await;
        assert_eq!(answer["state"], "failed", "{answer}");
        assert_eq!(answer["problem"]["field"], field, "{answer}");
        assert!(answer["problem"]["remedy"].is_string(), "{answer}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn there_is_a_template_for_every_layer_and_for_nothing_else(pool: PgPool) {
    let (app, _) = app(&pool).await;
    for layer in gis_data::Layer::ALL {
        let (status, disposition, body) =
            bytes(&app, &format!("/api/v1/imports/templates/{}.xlsx", layer.as_str())).await;
        assert_eq!(status, StatusCode::OK);
        assert!(disposition.contains(layer.as_str()), "{disposition}");
        assert!(body.starts_with(b"PK"));
    }
    for wrong in ["persons.xlsx", "parcels", "parcels.csv", "..xlsx"] {
        let answer = ask(&app, "GET", &format!("/api/v1/imports/templates/{wrong}"), &[], None).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{wrong}");
        assert!(answer.body["remedy"].is_string());
    }
}

/// A template of buildings with one good row and a fault in each of the others.
async fn faulty(app: &Router) -> Vec<Vec<Data>> {
    let (_, _, template) = bytes(app, "/api/v1/imports/templates/buildings.xlsx").await;
    let mut table = cells(&template, "楼栋");
    let width = table[2].len();
    let at = |name| column(&table, name);
    let (code, wkt, occupancy, unit, area) = (
        at("code"),
        at("wkt"),
        at("occupancy"),
        at("unit_code"),
        at("registered_area_m2"),
    );
    let text = |text: &str| Data::String(text.to_owned());
    for number in 0..5 {
        let mut row = vec![Data::Empty; width];
        row[code] = text(&format!("{number:04}"));
        row[wkt] = plot(number);
        row[area] = Data::Float(50.5);
        match number {
            1 => row[code] = text("0000"),
            2 => row[wkt] = Data::Empty,
            3 => row[occupancy] = text("空关"),
            4 => row[unit] = text("无此单位"),
            _ => {}
        }
        table.push(row);
    }
    table
}

#[sqlx::test(migrations = "../migrations")]
async fn a_sheet_comes_back_with_its_faults_marked_and_is_taken_once_they_are_mended(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let table = faulty(&app).await;
    let fields = [("layer", "buildings"), ("dataset", "楼"), ("dry_run", "true")];
    let tried = upload(&app, "楼栋.xlsx", &saved("楼栋", &table), &fields).await;
    assert_eq!(tried["report"]["counts"]["quarantined"], 2, "{tried}");
    assert_eq!(tried["has_marked_file"], true);
    let uri = format!("/api/v1/imports/{}/marked.xlsx", tried["id"].as_str().unwrap());
    let (status, disposition, marked) = bytes(&app, &uri).await;
    assert_eq!(status, StatusCode::OK);
    assert!(disposition.contains("%E6%A5%BC%E6%A0%8B-"), "{disposition}");
    let copy = cells(&marked, "楼栋");
    // The example's day is a day again; what is not for people alone is as it came.
    assert_eq!((&copy[..3], &copy[4..]), (&table[..3], &table[4..]));
    let listed: Vec<(String, String)> = cells(&marked, "错误清单")[1..]
        .iter()
        .map(|line| (line[1].to_string(), line[3].to_string()))
        .collect();
    let letter = |name| rust_xlsxwriter::utility::column_number_to_name(column(&table, name) as u16);
    let place = |name, row: usize, what: &str| (format!("{}{row}", letter(name)), what.to_owned());
    assert_eq!(
        listed,
        [
            place("code", 6, "未导入"),
            place("wkt", 7, "未导入"),
            place("occupancy", 8, "提醒"),
            place("unit_code", 9, "提醒"),
        ]
    );
    // Mended where it is marked, the copy is taken whole.
    let mut mended = copy;
    for (name, row, value) in [
        ("code", 6, Data::String("0001".to_owned())),
        ("wkt", 7, plot(2)),
        ("occupancy", 8, Data::String("闲置".to_owned())),
        ("unit_code", 9, Data::Empty),
    ] {
        let column = column(&table, name);
        mended[row - 1][column] = value;
    }
    let taken = upload(
        &app,
        "楼栋.xlsx",
        &saved("楼栋", &mended),
        &[("layer", "buildings"), ("dataset", "楼")],
    )
    .await;
    assert_eq!(
        (
            &taken["report"]["counts"]["read"],
            &taken["report"]["counts"]["inserted"]
        ),
        (&json!(5), &json!(5)),
        "{taken}"
    );
    assert_eq!(taken["report"]["warnings"], json!({}), "{taken}");
    assert_eq!(taken["has_marked_file"], false);
    // The marked copy itself, as it was given out, is read like the file that came.
    let again = upload(
        &app,
        "again.xlsx",
        &marked,
        &[("layer", "buildings"), ("dataset", "楼二"), ("dry_run", "true")],
    )
    .await;
    assert_eq!(again["report"]["counts"], tried["report"]["counts"], "{again}");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_file_is_kept_only_while_it_is_of_use(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let table = faulty(&app).await;
    let fields = [("layer", "buildings"), ("dataset", "楼"), ("dry_run", "true")];
    let first = upload(&app, "a.xlsx", &saved("楼栋", &table), &fields).await;
    let second = upload(&app, "b.xlsx", &saved("楼栋", &table), &fields).await;
    let kept: i64 = sqlx::query_scalar("select count(*) from import_file")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(kept, 1);
    let at = |import: &Value| format!("/api/v1/imports/{}/marked.xlsx", import["id"].as_str().unwrap());
    let gone = ask(&app, "GET", &at(&first), &[], None).await;
    assert_eq!(gone.status, StatusCode::CONFLICT);
    assert!(gone.body["remedy"].is_string());
    assert_eq!(bytes(&app, &at(&second)).await.0, StatusCode::OK);
    // A file without faults, and one that is no workbook.
    let text =
        json!({"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": null}]});
    let map = upload(
        &app,
        "map.geojson",
        text.to_string().as_bytes(),
        &[("layer", "buildings"), ("dataset", "楼")],
    )
    .await;
    assert_eq!(map["report"]["counts"]["quarantined"], 1, "{map}");
    assert_eq!(map["has_marked_file"], false);
    let kept: i64 = sqlx::query_scalar("select count(*) from import_file")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(kept, 0);
    let unknown = ask(
        &app,
        "GET",
        &format!("/api/v1/imports/{}/marked.xlsx", uuid::Uuid::nil()),
        &[],
        None,
    )
    .await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
}
