//! Through the router, over a real PostGIS, under the application's role.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{app, ask, ask_as};

async fn register(app: &Router, layer: &str, body: Value) -> String {
    let key = uuid::Uuid::now_v7().to_string();
    let key = [("Idempotency-Key", key.as_str())];
    let answer = ask(app, "POST", &format!("/api/v1/{layer}"), &key, Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn read(app: &Router, uri: &str) -> Value {
    let answer = ask(app, "GET", uri, &[], None).await;
    assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
    answer.body
}

async fn unit(app: &Router, code: &str, staff: Option<u32>) -> String {
    let headcount = staff.map_or_else(|| json!({}), |staff| json!({"局(处)级以下": staff}));
    let body = json!({"code": code, "name": code, "level": "city", "kind": "government_organ", "region_code": "3204",
        "headcount": headcount, "valid_from": "2020-01-01"});
    register(app, "units", body).await
}

async fn building(app: &Router, name: &str, region: &str, east: f64) -> String {
    let (west, south) = (119.9 + east, 31.7);
    let square = json!({"type": "Polygon", "coordinates": [[[west, south], [west + 0.0005, south], [west + 0.0005, south + 0.0004],
        [west, south]]]});
    let body = json!({"name": name, "valid_from": "2020-01-01", "geometry": square, "occupancy": "in_use",
        "usage": "administrative_office", "registered_area_m2": 1000, "region_code": region});
    register(app, "buildings", body).await
}

async fn room(app: &Router, building: &str, number: &str, area: f64, occupancy: &str, user: Option<&str>) -> String {
    let body = json!({"building_id": building, "floor": 1, "number": number, "use_area_m2": area, "room_type": "office",
        "occupancy": occupancy, "unit_id": user, "valid_from": "2020-01-01"});
    register(app, "rooms", body).await
}

/// Two districts of a city.
async fn regions(app: &Router) {
    let city = json!({"code": "3204", "name": "常州市", "level": "city", "valid_from": "2020-01-01"});
    let city = register(app, "regions", city).await;
    for (code, name) in [("320402", "天宁区"), ("320404", "钟楼区")] {
        let county =
            json!({"code": code, "name": name, "level": "county", "parent_id": city, "valid_from": "2020-01-01"});
        register(app, "regions", county).await;
    }
}

fn states(said: &Value) -> Vec<(String, u64, f64, f64)> {
    let list = said["by_state"].as_array().unwrap();
    list.iter()
        .map(|total| {
            let number = |field: &str| total[field].as_f64().unwrap();
            let state = total["state"].as_str().unwrap().to_owned();
            (
                state,
                total["buildings"].as_u64().unwrap(),
                number("idle_m2"),
                number("spare_m2"),
            )
        })
        .collect()
}

/// Ten people of a city's organ at the lowest rank: A 90, B 80, equipment 15.30, together 185.30 m².
const TEN_PEOPLE_M2: f64 = 185.3;

#[sqlx::test(migrations = "../migrations")]
async fn who_would_fill_less_than_the_region_s_share_uses_little(pool: PgPool) {
    let (app, _) = app(&pool).await;
    regions(&app).await;
    let (wide, full, unknown) = (
        unit(&app, "宽敞局", Some(10)).await,
        unit(&app, "正好局", Some(10)).await,
        unit(&app, "无编制中心", None).await,
    );
    let low = building(&app, "低效楼", "320402", 0.0).await;
    room(&app, &low, "101", 400.0, "in_use", Some(&wide)).await;
    let used = building(&app, "在用楼", "320402", 0.01).await;
    room(&app, &used, "101", 190.0, "in_use", Some(&full)).await;
    let part = building(&app, "部分闲置楼", "320404", 0.02).await;
    room(&app, &part, "101", 100.0, "in_use", Some(&wide)).await;
    room(&app, &part, "102", 60.0, "idle", None).await;
    let dark = building(&app, "不明楼", "320404", 0.03).await;
    room(&app, &dark, "101", 80.0, "in_use", Some(&unknown)).await;
    building(&app, "无房间楼", "320404", 0.04).await;

    let said = read(&app, &format!("/api/v1/buildings/{low}/utilisation")).await;
    let (total, weighing) = (&said["total"], &said["total"]["weighing"]);
    // The unit has 400 of its 500 m² here: four fifths of what is due to it fall here.
    assert_eq!(
        (&total["state"], &total["reason"], &total["is_low_use"]),
        (&json!("low_use"), &json!(null), &json!(true))
    );
    assert_eq!(
        (
            &weighing["area_m2"],
            &weighing["filled_m2"],
            &weighing["spare_m2"],
            &weighing["low_use_share"]
        ),
        (&json!(400.0), &json!(148.24), &json!(251.76), &json!(0.6))
    );
    assert_eq!(weighing["share_at_most"], 0.3706);
    let line = &weighing["units"][0];
    assert_eq!(
        (&line["unit"]["name"], &line["entitled_m2"], &line["area_everywhere_m2"]),
        (&json!("宽敞局"), &json!(TEN_PEOPLE_M2), &json!(500.0))
    );

    for (id, state, reason) in [
        (&used, "in_use", json!(null)),
        (&part, "idle_in_part", json!(null)),
        (&dark, "unknown", json!("headcount_missing")),
    ] {
        let said = read(&app, &format!("/api/v1/buildings/{id}/utilisation")).await;
        assert_eq!(
            (&said["total"]["state"], &said["total"]["reason"]),
            (&json!(state), &reason),
            "{said}"
        );
    }
    // A unit with what it has, wherever that is.
    let of_unit = read(&app, &format!("/api/v1/units/{wide}/utilisation")).await;
    assert_eq!(
        (&of_unit["total"]["state"], &of_unit["total"]["weighing"]["area_m2"]),
        (&json!("low_use"), &json!(500.0))
    );
    assert_eq!(of_unit["buildings"].as_array().unwrap().len(), 2);

    // Added up by state, for the city and each district, and for all of it.
    let city = read(&app, "/api/v1/regions/3204/utilisation").await;
    let expected = vec![
        ("in_use".to_owned(), 1, 0.0, 4.7),
        ("low_use".to_owned(), 1, 0.0, 251.76),
        ("idle_in_part".to_owned(), 1, 60.0, 62.94),
        ("unknown".to_owned(), 2, 0.0, 0.0),
    ];
    assert_eq!(states(&city), expected);
    assert_eq!(states(&read(&app, "/api/v1/utilisation").await), expected);
    let districts: Vec<(&str, usize)> = city["groups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|group| (group["code"].as_str().unwrap(), states(group).len()))
        .collect();
    assert_eq!(districts, [("320402", 2), ("320404", 2)]);

    // Before anything was there nothing is said, and land has no rooms.
    for uri in [
        format!("/api/v1/buildings/{low}/utilisation?as_of=2019-01-01"),
        format!("/api/v1/parcels/{low}/utilisation"),
        format!("/api/v1/sites/{low}/utilisation"),
        format!("/api/v1/units/{low}/utilisation"),
        "/api/v1/regions/99/utilisation".to_owned(),
    ] {
        assert_eq!(
            ask(&app, "GET", &uri, &[], None).await.status,
            StatusCode::NOT_FOUND,
            "{uri}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_region_s_own_share_decides_from_its_day_on(pool: PgPool) {
    let (app, _) = app(&pool).await;
    regions(&app).await;
    let organ = unit(&app, "财政局", Some(10)).await;
    let house = building(&app, "一号楼", "320402", 0.0).await;
    room(&app, &house, "101", 400.0, "in_use", Some(&organ)).await;
    let value = json!({"name": "low_use_share", "region_code": "320402", "value": 0.4, "source": "本局规定", "valid_from": "2026-01-01",
        "reason": "本区标准"});
    register(&app, "rule-parameters", value).await;
    let uri = format!("/api/v1/buildings/{house}/utilisation");
    let state = async |uri: &str| {
        let total = read(&app, uri).await["total"].clone();
        (total["state"].clone(), total["weighing"]["low_use_share"].clone())
    };
    // 185.3 of 400 is 46 %: enough for the district's own 40 %, too little for the 60 % that held before.
    assert_eq!(state(&uri).await, (json!("in_use"), json!(0.4)));
    assert_eq!(
        state(&format!("{uri}?as_of=2025-12-31")).await,
        (json!("low_use"), json!(0.6))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_planner_is_told_of_low_use_apart_from_what_is_idle(pool: PgPool) {
    let (app, _) = app(&pool).await;
    regions(&app).await;
    let organ = unit(&app, "财政局", Some(10)).await;
    let low = building(&app, "低效楼", "320402", 0.0).await;
    room(&app, &low, "101", 500.0, "in_use", Some(&organ)).await;
    let idle = building(&app, "闲置楼", "320402", 0.01).await;
    room(&app, &idle, "101", 90.0, "idle", None).await;

    let plain = read(&app, "/api/v1/idle-space").await;
    assert_eq!(
        (&plain["low_use"], &plain["totals"]["buildings"]),
        (&json!(null), &json!(1))
    );
    let said = read(&app, "/api/v1/idle-space?also_low_use=true&people=10").await;
    assert_eq!(
        (&said["items"][0]["id"], &said["totals"]["buildings"]),
        (&json!(idle), &json!(1))
    );
    let found = &said["low_use"];
    // 500 − 185.3 = 314.7 m²: 34 more people at 9 m².
    assert_eq!(
        (
            &found["items"][0]["id"],
            &found["spare_m2"],
            &found["capacity"],
            &found["buildings"]
        ),
        (&json!(low), &json!(314.7), &json!(34), &json!(1))
    );
    for (query, buildings) in [
        ("people=35", 0),
        ("area_m2=314", 1),
        ("region=320404", 0),
        ("usage=commercial", 0),
        ("near=119.9002,31.7002&within_m=500", 1),
        ("near=119.95,31.7002&within_m=500", 0),
        // Nothing of it is idle: who asks since when, why, or for rooms in one piece, means idle space.
        ("months=1", 0),
        ("cause=none", 0),
        ("contiguous_m2=10", 0),
        ("floor_from=1", 0),
        ("whole=true", 0),
    ] {
        let said = read(&app, &format!("/api/v1/idle-space?also_low_use=true&{query}")).await;
        assert_eq!(said["low_use"]["buildings"], buildings, "{query}");
    }
    let file = ask(
        &app,
        "GET",
        "/api/v1/idle-space/export?also_low_use=true&labels=zh",
        &[],
        None,
    )
    .await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.body);
}

#[sqlx::test(migrations = "../migrations")]
async fn who_sees_a_part_is_told_of_that_part(pool: PgPool) {
    let (app, _) = app(&pool).await;
    regions(&app).await;
    let organ = unit(&app, "财政局", Some(10)).await;
    let mine = building(&app, "我的楼", "320402", 0.0).await;
    room(&app, &mine, "101", 400.0, "in_use", Some(&organ)).await;
    let theirs = building(&app, "他们的楼", "320404", 0.01).await;
    room(&app, &theirs, "101", 400.0, "in_use", Some(&organ)).await;
    let viewer = person_with(&pool, "viewer", &[Role::Viewer], "320402").await;
    let said = ask_as(&app, Some(&viewer), "GET", "/api/v1/utilisation", &[], None).await;
    assert_eq!(said.body["by_state"][0]["buildings"], 1, "{}", said.body);
    let hidden = ask_as(
        &app,
        Some(&viewer),
        "GET",
        &format!("/api/v1/buildings/{theirs}/utilisation"),
        &[],
        None,
    )
    .await;
    assert_eq!(hidden.status, StatusCode::NOT_FOUND);
    let low = ask_as(
        &app,
        Some(&viewer),
        "GET",
        "/api/v1/idle-space?also_low_use=true",
        &[],
        None,
    )
    .await;
    let told: Vec<&str> = low.body["low_use"]["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|space| space["id"].as_str().unwrap())
        .collect();
    assert!(!told.contains(&theirs.as_str()), "{}", low.body);
}
