//! Splits and merges that lost ground or rooms are found.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::found_by;
use crate::spatial_units::tests::{app, ask};

/// A shape of a new one that is changed after the split no longer makes up what was there.
#[sqlx::test(migrations = "../migrations")]
async fn a_split_that_no_longer_conserves_the_area_is_found(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let outline = |west: f64, east: f64| {
        let ring = [[west, 0.0], [east, 0.0], [east, 1.0], [west, 1.0], [west, 0.0]]
            .map(|[x, y]| [111.6 + x * 0.001, 26.4 + y * 0.001]);
        json!({"type": "Polygon", "coordinates": [ring]})
    };
    let old = json!({"valid_from": "2020-01-01", "geometry": outline(0.0, 2.0)});
    let old = ask(
        &app,
        "POST",
        "/api/v1/parcels",
        &[("Idempotency-Key", "old")],
        Some(old),
    )
    .await;
    let body = json!({
        "on": "2026-11-01", "from": [{"id": old.body["id"], "version_id": old.body["version_id"]}], "survey": "测绘", "reason": "分割",
        "pieces": [{"geometry": outline(0.0, 1.0)}, {"geometry": outline(1.0, 2.0)}],
    });
    let split = ask(
        &app,
        "POST",
        "/api/v1/successions",
        &[("Idempotency-Key", "split")],
        Some(body),
    )
    .await;
    assert_eq!(split.status, StatusCode::CREATED, "{}", split.body);
    assert_eq!(found_by(&state, "GEO-14", None).await, 0);
    let new = split.body["to_ids"][1].as_str().unwrap();
    let at = format!("/api/v1/parcels/{new}");
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    state.clock.advance(time::Duration::minutes(1));
    let change = json!({"valid_from": "2026-11-01", "geometry": outline(1.0, 1.9)});
    let changed = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(found_by(&state, "GEO-14", Some(vec![new.parse().unwrap()])).await, 1);
}

/// The rooms that went into one of the new ones are held against its area like those of any building.
#[sqlx::test(migrations = "../migrations")]
async fn rooms_that_are_more_than_the_house_they_went_into_are_found(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let outline = |west: f64, east: f64| {
        let ring = [[west, 0.0], [east, 0.0], [east, 1.0], [west, 1.0], [west, 0.0]]
            .map(|[x, y]| [111.6 + x * 0.001, 26.4 + y * 0.001]);
        json!({"type": "Polygon", "coordinates": [ring]})
    };
    let made = async |path: &str, body: Value| {
        let key = Uuid::now_v7().to_string();
        let uri = format!("/api/v1/{path}");
        let answer = ask(&app, "POST", &uri, &[("Idempotency-Key", &key)], Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body
    };
    let house = json!({"valid_from": "2020-01-01", "geometry": outline(0.0, 2.0), "registered_area_m2": 100.0});
    let house = made("buildings", house).await;
    let mut goes = Vec::new();
    for (number, piece) in [("101", 0), ("102", 1), ("103", 1)] {
        let room = json!({"building_id": house["id"], "floor": 1, "number": number, "building_area_m2": 30, "valid_from": "2020-01-01"});
        goes.push(json!({"room_id": made("rooms", room).await["id"], "piece": piece}));
    }
    assert_eq!(found_by(&state, "SPC-11", None).await, 0);
    let pieces = json!([{"geometry": outline(0.0, 1.0), "registered_area_m2": 50.0},
                        {"geometry": outline(1.0, 2.0), "registered_area_m2": 50.0}]);
    let body = json!({
        "on": "2026-11-01", "from": [{"id": house["id"], "version_id": house["version_id"]}], "pieces": pieces, "rooms": goes,
        "survey": "测绘", "reason": "分割",
    });
    let split = made("successions", body).await;
    let [small, full] = [0, 1].map(|place| split["to_ids"][place].as_str().unwrap().parse::<Uuid>().unwrap());
    assert_eq!(
        found_by(&state, "SPC-11", Some(vec![full])).await,
        1,
        "two rooms of 30 in 50"
    );
    assert_eq!(found_by(&state, "SPC-11", Some(vec![small])).await, 0);
}
