//! Through the router, over a real PostGIS, under the application's role.

use axum::Router;
use axum::http::StatusCode;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::spatial_units::tests::{app, ask};

async fn register(app: &Router, layer: &str, body: Value) -> String {
    let key = uuid::Uuid::now_v7().to_string();
    let key = [("Idempotency-Key", key.as_str())];
    let answer = ask(app, "POST", &format!("/api/v1/{layer}"), &key, Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

fn square() -> Value {
    json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]})
}

async fn building(app: &Router, name: &str, region: Option<&str>, unit: Option<&str>) -> String {
    let body = json!({"name": name, "valid_from": "2020-01-01", "geometry": square(), "occupancy": "in_use",
        "registered_area_m2": 1000, "region_code": region, "unit_id": unit});
    register(app, "buildings", body).await
}

async fn read(app: &Router, uri: &str) -> Value {
    let answer = ask(app, "GET", uri, &[], None).await;
    assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
    answer.body
}

fn used<'a>(part: &'a Value, occupancy: &str) -> &'a Value {
    let list = part["by_occupancy"].as_array().unwrap();
    list.iter().find(|used| used["occupancy"] == occupancy).unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_building_in_use_is_shown_idle_in_part(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let city = json!({"code": "3204", "name": "常州市", "level": "city", "valid_from": "2020-01-01"});
    let city = register(&app, "regions", city).await;
    let county =
        json!({"code": "320411", "name": "新北区", "level": "county", "parent_id": city, "valid_from": "2020-01-01"});
    register(&app, "regions", county).await;
    let unit =
        json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ", "valid_from": "2020-01-01"});
    let unit = register(&app, "units", unit).await;
    let site = register(
        &app,
        "sites",
        json!({"name": "大院", "valid_from": "2020-01-01", "geometry": {"type": "Point", "coordinates": [119.95, 31.78]}}),
    )
    .await;
    let one = building(&app, "一号楼", Some("320411"), Some(&unit)).await;
    let bare = building(&app, "二号楼", Some("320411"), Some(&unit)).await;
    for id in [&one, &bare] {
        let related = json!({"related_id": id, "valid_from": "2020-01-01"});
        let key = [("Idempotency-Key", id.as_str())];
        let answer = ask(
            &app,
            "POST",
            &format!("/api/v1/sites/{site}/relations"),
            &key,
            Some(related),
        )
        .await;
        assert!(answer.status.is_success(), "{}", answer.body);
    }
    let room = async |floor: i16, number: &str, occupancy: &str, user: Option<&str>, from: &str| {
        let body = json!({"building_id": one, "floor": floor, "number": number, "use_area_m2": 20.5, "building_area_m2": 30.25,
            "occupancy": occupancy, "unit_id": user, "valid_from": from});
        register(&app, "rooms", body).await
    };
    room(1, "101", "in_use", Some(&unit), "2020-01-01").await;
    room(1, "102", "idle", None, "2020-01-01").await;
    room(2, "201", "let", None, "2020-01-01").await;
    // Not there yet on the day that is asked for at last.
    room(2, "202", "in_use", Some(&unit), "2024-01-01").await;

    let read_one = read(&app, &format!("/api/v1/buildings/{one}/occupancy")).await;
    let total = &read_one["total"];
    assert_eq!(
        (
            &total["rooms"],
            &total["use_area_m2"],
            &total["building_area_m2"],
            &total["partly_idle"],
            &total["measure"]
        ),
        (
            &json!(4),
            &json!(82.0),
            &json!(121.0),
            &json!(true),
            &json!("building_area")
        )
    );
    assert_eq!(used(total, "idle")["share"], 0.25);
    assert_eq!(used(total, "in_use")["building_area_m2"], 60.5);
    // The upper floor first, each with its own shares.
    let floors: Vec<_> = read_one["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| group["floor"].clone())
        .collect();
    assert_eq!(floors, [json!(2), json!(1)]);
    assert_eq!(used(&read_one["groups"][1], "idle")["share"], 0.5);
    assert_eq!(read_one["groups"][0]["partly_idle"], false);

    // The site, the unit, the place and the place above it say the same of the same rooms.
    for (uri, groups) in [
        (format!("/api/v1/sites/{site}/occupancy"), vec!["一号楼"]),
        (format!("/api/v1/units/{unit}/occupancy"), vec!["一号楼"]),
        ("/api/v1/regions/320411/occupancy".to_owned(), vec!["新北区"]),
    ] {
        let said = read(&app, &uri).await;
        assert_eq!(&said["total"], total, "{uri}");
        let names: Vec<_> = said["groups"]
            .as_array()
            .unwrap()
            .iter()
            .map(|group| group["name"].clone())
            .collect();
        assert_eq!(names, groups, "{uri}");
        assert_eq!(
            said["without_rooms"],
            json!([{"occupancy": "in_use", "buildings": 1, "building_area_m2": 1000.0}]),
            "{uri}"
        );
    }
    let above = read(&app, "/api/v1/regions/3204/occupancy").await;
    assert_eq!(
        (&above["total"], &above["groups"][0]["code"]),
        (total, &json!("320411"))
    );

    let then = read(&app, &format!("/api/v1/buildings/{one}/occupancy?as_of=2023-12-31")).await;
    assert_eq!(then["total"]["rooms"], 3);
    assert_eq!(used(&then["total"], "in_use")["rooms"], 1);
    let nobody = uuid::Uuid::now_v7();
    for uri in [
        format!("/api/v1/buildings/{nobody}/occupancy"),
        format!("/api/v1/sites/{one}/occupancy"),
        format!("/api/v1/units/{nobody}/occupancy"),
        "/api/v1/regions/99/occupancy".to_owned(),
        format!("/api/v1/buildings/{one}/occupancy?as_of=2019-01-01"),
    ] {
        assert_eq!(
            ask(&app, "GET", &uri, &[], None).await.status,
            StatusCode::NOT_FOUND,
            "{uri}"
        );
    }
}

/// Whatever the rooms are: floors add up to the building, uses to their part, and shares to one.
#[sqlx::test(migrations = "../migrations")]
async fn parts_add_up(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let mut runner = TestRunner::deterministic();
    let words = ["in_use", "idle", "let", "under_repair"];
    let rooms = proptest::collection::vec(
        (-1i16..4, 0usize..words.len() + 1, proptest::option::of(1u32..90_000)),
        1..14,
    );
    for case in 0..6 {
        let drawn = rooms.new_tree(&mut runner).unwrap().current();
        let id = building(&app, &format!("楼{case}"), None, None).await;
        for (number, (floor, word, hundredths)) in drawn.iter().enumerate() {
            let area = hundredths.map(|area| f64::from(area) / 100.0);
            let body = json!({"building_id": id, "floor": floor, "number": number.to_string(), "occupancy": words.get(*word),
                "use_area_m2": area, "building_area_m2": area, "valid_from": "2020-01-01"});
            register(&app, "rooms", body).await;
        }
        let said = read(&app, &format!("/api/v1/buildings/{id}/occupancy")).await;
        let total = &said["total"];
        let sum = |list: &Value, field: &str| {
            let hundredths: f64 = list
                .as_array()
                .unwrap()
                .iter()
                .map(|part| part[field].as_f64().unwrap() * 100.0)
                .sum();
            hundredths.round() / 100.0
        };
        let expected: u32 = drawn.iter().filter_map(|(_, _, area)| *area).sum();
        assert_eq!(total["use_area_m2"], f64::from(expected) / 100.0);
        for field in ["use_area_m2", "building_area_m2", "rooms"] {
            assert_eq!(sum(&said["groups"], field), total[field].as_f64().unwrap());
            assert_eq!(sum(&total["by_occupancy"], field), total[field].as_f64().unwrap());
        }
        let lacking = drawn.iter().filter(|(_, _, area)| area.is_none()).count();
        assert_eq!(total["rooms_lacking_area"], lacking);
        assert_eq!(total["measure"] == "rooms", lacking > 0);
        let idle = drawn.iter().filter(|(_, word, _)| *word == 1).count();
        assert_eq!(total["partly_idle"], idle > 0 && idle < drawn.len());
        for part in said["groups"].as_array().unwrap().iter().chain([total]) {
            let whole: f64 = part["by_occupancy"]
                .as_array()
                .unwrap()
                .iter()
                .map(|used| used["share"].as_f64().unwrap())
                .sum();
            assert!((whole - 1.0).abs() < 1e-5, "{part}");
        }
    }
}
