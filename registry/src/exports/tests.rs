//! Exports through the router, over a real PostGIS, under the application's role.

use std::path::{Path, PathBuf};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use gis_data::Layer;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;
use tower::ServiceExt;

use crate::http::AppState;
use crate::ids::ImportId;
use crate::imports::{CompareAttributes, Counts, ImportOrder, ImportProgress, run_import};
use crate::spatial_units::tests::{app, ask};

struct File {
    status: StatusCode,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl File {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }
}

async fn export(app: &Router, address: &str) -> File {
    let request = Request::builder()
        .uri(address)
        .header(header::HOST, "127.0.0.1")
        .body(Body::empty())
        .unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX)
        .await
        .unwrap()
        .to_vec();
    File { status, headers, bytes }
}

fn square(number: i32) -> Value {
    let (west, south) = (119.95 + 0.002 * f64::from(number), 31.78);
    json!({"type": "Polygon", "coordinates": [[[west, south], [west + 0.001, south], [west + 0.001, south + 0.001],
        [west, south + 0.001], [west, south]]]})
}

fn parcel(number: i32) -> Value {
    json!({"type": "Feature", "geometry": square(number), "properties": {
        "key": format!("K{number}"), "code": format!("0{number:05}"), "name": format!("地块 {number}"),
        "title_status": if number % 2 == 0 { "unified" } else { "other_handed" }, "usage": "technical",
        "registered_area_m2": 1234.5 + f64::from(number)}})
}

async fn import(state: &AppState, order: &ImportOrder) -> Counts {
    state.clock.advance(time::Duration::minutes(1));
    let report = run_import(
        &state.database,
        &state.clock,
        ImportId::fresh(),
        order,
        &ImportProgress::default(),
    )
    .await
    .unwrap();
    state.clock.advance(time::Duration::minutes(1));
    report.counts
}

fn order(path: PathBuf) -> ImportOrder {
    ImportOrder {
        valid_from: Some(date!(2020 - 01 - 01)),
        ..ImportOrder::new(Layer::Parcels, path, "set")
    }
}

/// So many parcels, true since 2020.
async fn parcels(state: &AppState, count: i32) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("parcels.geojson");
    let features: Vec<Value> = (0..count).map(parcel).collect();
    std::fs::write(
        &path,
        json!({"type": "FeatureCollection", "features": features}).to_string(),
    )
    .unwrap();
    let counts = import(state, &order(path)).await;
    assert_eq!(counts.inserted, u64::try_from(count).unwrap());
}

#[sqlx::test(migrations = "../migrations")]
async fn every_format_comes_as_a_named_file_of_its_type(pool: PgPool) {
    let (app, state) = app(&pool).await;
    parcels(&state, 3).await;
    for (format, media_type, ending, begins) in [
        (
            "geojson",
            "application/geo+json",
            "geojson",
            &b"{\"type\":\"FeatureCollection\",\"name\":\"parcels\""[..],
        ),
        ("gpkg", "application/geopackage+sqlite3", "gpkg", b"SQLite format 3\0"),
        ("shp", "application/zip", "shp.zip", b"PK\x03\x04"),
        ("fgb", "application/flatgeobuf", "fgb", b"fgb\x03fgb"),
        (
            "csv",
            "text/csv; charset=utf-8; header=present",
            "csv",
            b"\xef\xbb\xbfid,code,",
        ),
        (
            "xlsx",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "xlsx",
            b"PK\x03\x04",
        ),
    ] {
        let file = export(&app, &format!("/api/v1/parcels/export?format={format}")).await;
        assert_eq!(
            file.status,
            StatusCode::OK,
            "{format}: {}",
            String::from_utf8_lossy(&file.bytes)
        );
        assert_eq!(file.header("content-type"), media_type);
        assert!(file.bytes.starts_with(begins), "{format}: {:?}", &file.bytes[..40]);
        assert_eq!(file.header("content-length"), file.bytes.len().to_string());
        assert_eq!(file.header("yice-rows"), "3");
        assert_eq!(
            file.header("content-disposition"),
            format!(
                "attachment; filename=\"parcels_2026-11-21_EPSG4490.{ending}\"; filename*=UTF-8''%E5%AE%97%E5%9C%B0_2026-11-21_EPSG4490.{ending}"
            )
        );
        let warned = file.header("yice-warnings");
        assert_eq!(
            warned,
            if format == "shp" { "field_name_cut=8" } else { "" },
            "{format}"
        );
    }
    // What is packed already is not packed again for a client that would take it.
    for (format, encoding) in [("shp", ""), ("xlsx", ""), ("geojson", "gzip")] {
        let request = Request::builder()
            .uri(format!("/api/v1/parcels/export?format={format}"))
            .header(header::HOST, "127.0.0.1")
            .header(header::ACCEPT_ENCODING, "gzip")
            .body(Body::empty())
            .unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        let found = response.headers().get(header::CONTENT_ENCODING);
        assert_eq!(found.map_or("", |value| value.to_str().unwrap()), encoding, "{format}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_export_holds_what_the_list_shows_with_the_same_filters(pool: PgPool) {
    let (app, state) = app(&pool).await;
    parcels(&state, 7).await;
    for filter in [
        "",
        "title_status=unified",
        "title_status=unified,other_handed&q=3",
        "q=地块",
        "usage=none",
        "bbox=119.949,31.779,119.953,31.79",
        "dataset=set",
        "dataset=other",
        "region=32",
        "sort=-area_m2",
        "sort=-name",
    ] {
        let filter = filter.replace('地', "%E5%9C%B0").replace('块', "%E5%9D%97");
        let list = ask(&app, "GET", &format!("/api/v1/parcels?count=true&{filter}"), &[], None).await;
        let file = export(&app, &format!("/api/v1/parcels/export?format=geojson&{filter}")).await;
        assert_eq!(file.status, StatusCode::OK, "{filter}: {}", file.text());
        let rows = |value: &Value, path: &str| -> Vec<String> {
            let mut ids: Vec<String> = value
                .as_array()
                .unwrap()
                .iter()
                .map(|row| row.pointer(path).unwrap().as_str().unwrap().to_owned())
                .collect();
            if !filter.contains("sort") {
                ids.sort();
            }
            ids
        };
        assert_eq!(
            rows(&list.body["items"], "/id"),
            rows(&file.json()["features"], "/id"),
            "{filter}"
        );
        assert_eq!(file.header("yice-rows"), list.body["total"].to_string(), "{filter}");
    }
    let file = export(&app, "/api/v1/parcels/export?format=geojson&q=000003").await;
    let feature = &file.json()["features"][0];
    let properties = &feature["properties"];
    assert_eq!(feature["geometry"], square(3));
    assert_eq!(feature["id"], properties["id"]);
    for (name, value) in [
        ("code", json!("000003")),
        ("name", json!("地块 3")),
        ("title_status", json!("other_handed")),
        ("usage", json!("technical")),
        ("occupancy", Value::Null),
        ("registered_area_m2", json!(1237.5)),
        ("valid_from", json!("2020-01-01")),
        ("valid_to", Value::Null),
        ("dataset", json!("set")),
        ("source_key", json!("K3")),
    ] {
        assert_eq!(properties[name], value, "{name}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_export_shows_what_held_on_a_day_and_was_known_at_an_instant(pool: PgPool) {
    let (app, state) = app(&pool).await;
    parcels(&state, 2).await;
    let list = ask(&app, "GET", "/api/v1/parcels?q=000001", &[], None).await;
    let id = list.body["items"][0]["id"].as_str().unwrap().to_owned();
    let at = format!("/api/v1/parcels/{id}");
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    state.clock.advance(time::Duration::hours(2));
    let change = json!({"title_status": "unified", "valid_from": "2024-01-01"});
    let changed = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    for (times, status) in [
        ("", json!(["unified"])),
        ("&as_of=2024-01-01", json!(["unified"])),
        ("&as_of=2023-12-31", json!(["other_handed"])),
        (
            "&as_of=2024-06-01&known_at=2026-11-21T05:00:00Z",
            json!(["other_handed"]),
        ),
        ("&as_of=2019-12-31", json!([])),
        ("&known_at=2026-11-21T03:00:00Z", json!([])),
    ] {
        let file = export(&app, &format!("/api/v1/parcels/export?format=geojson&q=000001{times}")).await;
        let found: Vec<Value> = file.json()["features"]
            .as_array()
            .unwrap()
            .iter()
            .map(|feature| feature["properties"]["title_status"].clone())
            .collect();
        assert_eq!(Value::Array(found), status, "{times}");
    }
    // An empty layer is a whole file of every format too.
    for format in ["gpkg", "shp", "fgb", "csv", "xlsx"] {
        let file = export(
            &app,
            &format!("/api/v1/parcels/export?format={format}&as_of=2019-12-31"),
        )
        .await;
        assert_eq!(
            (file.status, file.header("yice-rows")),
            (StatusCode::OK, "0"),
            "{format}"
        );
        assert!(file.header("content-disposition").contains("_2019-12-31_"), "{format}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_order_that_cannot_be_carried_out_names_its_fault(pool: PgPool) {
    let (app, state) = app(&pool).await;
    parcels(&state, 1).await;
    for (address, status, field, code) in [
        ("parcels/export", 400, "format", ""),
        ("parcels/export?format=dwg", 400, "format", ""),
        (
            "parcels/export?format=csv&crs=EPSG:3857",
            400,
            "crs",
            "crs_not_exported",
        ),
        ("parcels/export?format=csv&crs=GCJ-02", 400, "crs", "crs_not_exported"),
        ("parcels/export?format=csv&labels=fr", 400, "labels", ""),
        ("parcels/export?format=csv&as_of=gestern", 400, "as_of", ""),
        ("parcels/export?format=csv&limit=5", 400, "limit", ""),
        ("parcels/export?format=csv&bbox=1,2", 400, "bbox", ""),
        ("parcels/export?format=csv&sort=colour", 400, "sort", ""),
        ("parcels/export?format=csv&unit=somebody", 400, "query", ""),
        ("units/export?format=csv&bbox=1,2,3,4", 400, "bbox", ""),
        ("units/export?format=geojson", 422, "format", "format_needs_shapes"),
        ("rooms/export?format=shp", 422, "format", "format_needs_shapes"),
        // The parcel lies at 120° east.
        ("parcels/export?format=gpkg&crs=EPSG:4513", 422, "crs", "far_from_zone"),
        ("roads/export?format=csv", 404, "", ""),
    ] {
        let refused = export(&app, &format!("/api/v1/{address}")).await;
        assert_eq!(refused.status.as_u16(), status, "{address}: {}", refused.text());
        assert_eq!(
            refused.header("content-type"),
            "application/problem+json; charset=utf-8",
            "{address}"
        );
        let problem = refused.json();
        assert_eq!(
            problem["field"].as_str().unwrap_or_default(),
            field,
            "{address}: {problem}"
        );
        assert_eq!(
            problem["code"].as_str().unwrap_or_default(),
            code,
            "{address}: {problem}"
        );
        if status != 404 && field != "query" {
            assert!(problem["remedy"].is_string(), "{address}: {problem}");
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn tables_for_people_speak_their_language_and_the_rest_keeps_codes(pool: PgPool) {
    let (app, state) = app(&pool).await;
    parcels(&state, 1).await;
    for (labels, head, words) in [
        ("codes", "\u{feff}id,code,name,", ",unified,technical,"),
        (
            "zh",
            "\u{feff}系统编号,代码,名称,",
            ",已统一登记到机关事务管理部门名下,技术业务,",
        ),
        (
            "en",
            "\u{feff}Id,Code,Name,",
            ",Registered to the government offices administration,Technical services,",
        ),
    ] {
        let file = export(&app, &format!("/api/v1/parcels/export?format=csv&labels={labels}")).await;
        assert!(file.text().starts_with(head), "{}", file.text());
        assert!(file.text().contains(words), "{}", file.text());
        let plain = export(&app, &format!("/api/v1/parcels/export?format=geojson&labels={labels}")).await;
        assert_eq!(plain.json()["features"][0]["properties"]["title_status"], "unified");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn regions_units_and_rooms_are_exported_with_what_they_stand_under(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let create = async |path: &str, body: Value| -> String {
        let key = format!("{path}-{}{}", body["code"], body["number"]).replace('"', "");
        let answer = ask(&app, "POST", path, &[("Idempotency-Key", &key)], Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.body);
        answer.location.unwrap().rsplit('/').next().unwrap().to_owned()
    };
    let shape = |west: f64| json!({"type": "MultiPolygon", "coordinates": [[[[west, 31.0], [west + 1.0, 31.0], [west + 1.0, 32.0], [west, 31.0]]]]});
    let city = create(
        "/api/v1/regions",
        json!({"code": "3204", "name": "常州市", "level": "city", "valid_from": "2020-01-01", "geometry": shape(119.0)}),
    )
    .await;
    create(
        "/api/v1/regions",
        json!({"code": "320402", "name": "天宁区", "level": "county", "parent_id": city, "valid_from": "2020-01-01"}),
    )
    .await;
    let bureau = create(
        "/api/v1/units",
        json!({"code": "A-001", "name": "财政局", "level": "city", "kind": "bureau", "region_code": "320402",
               "headcount": {"正处级": 3, "科员": 20}, "valid_from": "2020-01-01"}),
    )
    .await;
    create(
        "/api/v1/units",
        json!({"code": "A-002", "name": "预算处", "level": "city", "kind": "public_institution", "parent_id": bureau,
               "valid_from": "2020-01-01"}),
    )
    .await;
    let building = create(
        "/api/v1/buildings",
        json!({"code": "B1", "name": "一号楼", "unit_id": bureau, "region_code": "320402", "floors_above": 12,
               "completed_year": 1998, "valid_from": "2020-01-01", "geometry": square(0)}),
    )
    .await;
    create(
        "/api/v1/rooms",
        json!({"building_id": building, "floor": -1, "number": "001", "use_area_m2": 20.5, "unit_id": bureau,
               "occupancy": "in_use", "valid_from": "2020-01-01"}),
    )
    .await;

    let regions = export(&app, "/api/v1/regions/export?format=geojson").await.json();
    assert_eq!(regions["features"].as_array().unwrap().len(), 2);
    assert_eq!(regions["features"][0]["geometry"]["type"], "MultiPolygon");
    assert_eq!(regions["features"][1]["geometry"], Value::Null);
    assert_eq!(regions["features"][1]["properties"]["parent_code"], "3204");
    let narrowed = export(&app, "/api/v1/regions/export?format=csv&parent=3204").await;
    assert_eq!(narrowed.header("yice-rows"), "1");

    let lines = |file: &File| -> Vec<String> {
        file.text()
            .trim_end()
            .split("\r\n")
            // Ids differ from run to run.
            .map(|line| line.split_once(',').unwrap().1.to_owned())
            .collect()
    };
    let units = export(&app, "/api/v1/units/export?format=csv").await;
    assert_eq!(
        lines(&units),
        [
            "code,name,level,kind,region_code,region_name,parent_code,parent_name,headcount_total,headcount,valid_from,valid_to,dataset,source_key",
            "A-001,财政局,city,bureau,320402,天宁区,,,23,\"{\"\"科员\"\": 20, \"\"正处级\"\": 3}\",2020-01-01,,,",
            "A-002,预算处,city,public_institution,,,A-001,财政局,0,,2020-01-01,,,",
        ]
    );
    assert!(
        units
            .header("content-disposition")
            .contains("filename=\"units_2026-11-21.csv\"")
    );
    let rooms = export(&app, "/api/v1/rooms/export?format=csv&floor=-1&labels=codes").await;
    assert_eq!(
        lines(&rooms),
        [
            "building_code,building_name,floor,number,name,use_area_m2,building_area_m2,unit_code,unit_name,occupancy,valid_from,valid_to,dataset,source_key",
            "B1,一号楼,-1,001,,20.5,,A-001,财政局,in_use,2020-01-01,,,",
        ]
    );
    let buildings = export(&app, "/api/v1/buildings/export?format=geojson").await.json();
    let properties = &buildings["features"][0]["properties"];
    for (name, value) in [
        ("unit_code", json!("A-001")),
        ("unit_name", json!("财政局")),
        ("region_name", json!("天宁区")),
        ("floors_above", json!(12)),
        ("completed_year", json!(1998)),
    ] {
        assert_eq!(properties[name], value, "{name}");
    }
    for format in ["gpkg", "xlsx"] {
        for layer in ["units", "rooms"] {
            let file = export(&app, &format!("/api/v1/{layer}/export?format={format}")).await;
            assert_eq!(file.status, StatusCode::OK, "{layer} {format}");
        }
    }
}

/// What was exported is what is held: a delivery of the export changes nothing.
#[sqlx::test(migrations = "../migrations")]
async fn an_export_that_is_imported_again_is_unchanged_row_by_row(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gis-data/samples/paris18/parcels.geojson.gz");
    let first = ImportOrder {
        map: vec![("key".to_owned(), "id".to_owned())],
        ..order(sample)
    };
    let held = import(&state, &first).await;
    assert!(held.inserted > 100, "{held:?}");
    for (format, same_shape) in [
        ("geojson", 1.0),
        // A shapefile's reader puts the parts of a shape into an order of its own.
        ("shp", 0.999_999_9),
    ] {
        let file = export(&app, &format!("/api/v1/parcels/export?format={format}")).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder
            .path()
            .join(if format == "shp" { "out.zip" } else { "out.geojson" });
        std::fs::write(&path, &file.bytes).unwrap();
        let again = ImportOrder {
            map: vec![
                ("key".to_owned(), "source_key".to_owned()),
                (
                    "registered_area_m2".to_owned(),
                    if format == "shp" {
                        "registered"
                    } else {
                        "registered_area_m2"
                    }
                    .to_owned(),
                ),
            ],
            same_shape,
            // The export's own columns (ids, names of units) are new attributes to the data set.
            compare_attributes: CompareAttributes::Mapped,
            ..order(path)
        };
        let counts = import(&state, &again).await;
        assert_eq!(
            counts,
            Counts {
                read: held.inserted,
                inserted: 0,
                unchanged: held.inserted,
                new_version: 0,
                quarantined: 0,
            },
            "{format}"
        );
    }
}

/// Another registry that takes the file without being told anything finds the same things in it.
#[sqlx::test(migrations = "../migrations")]
async fn the_fields_of_an_export_are_recognised_by_their_names(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let unit =
        json!({"code": "A-001", "name": "财政局", "level": "city", "kind": "bureau", "valid_from": "2020-01-01"});
    let unit = ask(&app, "POST", "/api/v1/units", &[("Idempotency-Key", "u")], Some(unit)).await;
    let region = json!({"code": "32", "name": "江苏省", "level": "province", "valid_from": "2020-01-01"});
    ask(
        &app,
        "POST",
        "/api/v1/regions",
        &[("Idempotency-Key", "r")],
        Some(region),
    )
    .await;
    let building = json!({"code": "0001", "name": "一号楼", "address": "龙城大道1号", "unit_id": unit.body["id"],
        "region_code": "32", "title_status": "none_handed", "usage": "technical", "occupancy": "idle",
        "idle_since": "2023-05-01", "registered_area_m2": 1234.5, "floors_above": 12, "floors_below": 1,
        "completed_year": 1998, "valid_from": "2020-01-01", "geometry": square(0)});
    let made = ask(
        &app,
        "POST",
        "/api/v1/buildings",
        &[("Idempotency-Key", "b")],
        Some(building),
    )
    .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let first = export(&app, "/api/v1/buildings/export?format=geojson").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("buildings.geojson");
    std::fs::write(&path, &first.bytes).unwrap();
    let order = ImportOrder {
        valid_from: Some(date!(2020 - 01 - 01)),
        ..ImportOrder::new(Layer::Buildings, path, "again")
    };
    assert_eq!(import(&state, &order).await.inserted, 1);
    let second = export(&app, "/api/v1/buildings/export?format=geojson&dataset=again").await;
    let (first, second) = (
        first.json()["features"][0].clone(),
        second.json()["features"][0].clone(),
    );
    assert_eq!(first["geometry"], second["geometry"]);
    for (name, value) in first["properties"].as_object().unwrap() {
        if !["id", "dataset", "source_key"].contains(&name.as_str()) {
            assert_eq!(&second["properties"][name], value, "{name}");
        }
    }
}
