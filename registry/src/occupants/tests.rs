//! Through the router, over a real PostGIS, under the application's role.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::spatial_units::tests::{Answer, app, ask};
use crate::versioned::tests::{entries, prove};

pub(crate) async fn register(app: &Router, layer: &str, body: Value) -> Answer {
    let key = uuid::Uuid::now_v7().to_string();
    ask(
        app,
        "POST",
        &format!("/api/v1/{layer}"),
        &[("Idempotency-Key", &key)],
        Some(body),
    )
    .await
}

pub(crate) async fn id_of(app: &Router, layer: &str, body: Value) -> String {
    let answer = register(app, layer, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

/// A city bureau with a building of five floors, all since 2020.
pub(crate) async fn bureau(app: &Router) -> (String, String) {
    let square = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
    let building = id_of(
        app,
        "buildings",
        json!({"name": "一号楼", "valid_from": "2020-01-01", "geometry": square, "floors_above": 5}),
    )
    .await;
    let unit = id_of(
        app,
        "units",
        json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ", "valid_from": "2020-01-01",
               "headcount": {"正局(处)级": 1, "副局(处)级": 4, "局(处)级以下": 75}}),
    )
    .await;
    (unit, building)
}

#[sqlx::test(migrations = "../migrations")]
async fn who_sits_in_a_room_is_kept_with_its_history(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (unit, building) = bureau(&app).await;
    let room = json!({"building_id": building, "floor": 3, "number": "301", "use_area_m2": 24.6, "room_type": "office",
                      "unit_id": unit, "valid_from": "2020-01-01"});
    let room = id_of(&app, "rooms", room).await;
    let said = json!({"room_id": room, "person": "王芳", "staff_number": "0012", "rank": "副局(处)级",
                      "approved_area_m2": 18, "valid_from": "2024-01-01"});
    let created = register(&app, "occupants", said).await;
    assert_eq!(created.status, StatusCode::CREATED, "{}", created.body);
    let at = created.location.unwrap();
    let tag = created.etag.unwrap();

    let listed = ask(
        &app,
        "GET",
        &format!("/api/v1/occupants?room={room}&count=true"),
        &[],
        None,
    )
    .await
    .body;
    assert_eq!(listed["total"], 1);
    let row = &listed["items"][0];
    // The unit is the room's, because nothing else was said.
    assert_eq!(
        (&row["unit_name"], &row["room_number"]),
        (&json!("财政局"), &json!("301"))
    );
    for (query, found) in [
        ("unit", unit.as_str()),
        ("building", building.as_str()),
        ("q", "王"),
        ("q", "0012"),
    ] {
        let listed = ask(&app, "GET", &format!("/api/v1/occupants?{query}={found}"), &[], None)
            .await
            .body;
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{query}");
    }
    let before = ask(&app, "GET", "/api/v1/occupants?as_of=2023-12-31&count=true", &[], None)
        .await
        .body;
    assert_eq!(before["total"], 0);

    let change = json!({"rank": "正局(处)级", "valid_from": "2025-01-01", "reason": "任职"});
    let changed = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    let then = ask(&app, "GET", &format!("{at}?as_of=2024-06-01"), &[], None)
        .await
        .body;
    assert_eq!(
        (&then["rank"], &then["approved_area_m2"]),
        (&json!("副局(处)级"), &json!(18.0))
    );
    state.clock.advance(time::Duration::minutes(1));
    let tag = changed.etag.unwrap();
    let closure = json!({"valid_to": "2026-10-01", "reason": "调离腾退"});
    let closed = ask(
        &app,
        "POST",
        &format!("{at}/closures"),
        &[("If-Match", &tag)],
        Some(closure),
    )
    .await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.body);
    state.clock.advance(time::Duration::minutes(1));
    let now = ask(&app, "GET", &format!("/api/v1/occupants?room={room}"), &[], None)
        .await
        .body;
    assert_eq!(now["items"], json!([]));
    let versions = ask(&app, "GET", &format!("{at}/versions"), &[], None).await.body;
    assert!(versions["items"].as_array().unwrap().len() >= 3, "{versions}");
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_changes_nothing_of_an_occupant_leaves_the_version_and_the_ledger_as_they_are(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (unit, building) = bureau(&app).await;
    let room = json!({"building_id": building, "floor": 3, "number": "301", "unit_id": unit, "room_type": "office"});
    let room = id_of(&app, "rooms", room).await;
    let said = json!({"room_id": room, "person": "王芳", "rank": "副局(处)级", "approved_area_m2": 18});
    let created = register(&app, "occupants", said.clone()).await;
    let (at, tag) = (created.location.unwrap(), created.etag.unwrap());
    let written = entries(&pool).await;
    state.clock.advance(time::Duration::minutes(1));
    for same in [
        json!({}),
        said,
        json!({"valid_from": "2030-01-01", "reason": "照旧", "unit_id": null}),
    ] {
        let kept = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(same.clone())).await;
        assert_eq!(
            (kept.status, kept.etag.as_deref(), &kept.body["approved_area_m2"]),
            (StatusCode::OK, Some(tag.as_str()), &json!(18.0)),
            "{same}: {}",
            kept.body
        );
    }
    assert_eq!(entries(&pool).await, written);
    // Who read another version than the one that holds is told so, be there a change or not.
    let stale = ask(&app, "PATCH", &at, &[("If-Match", "\"other\"")], Some(json!({}))).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let changed = ask(
        &app,
        "PATCH",
        &at,
        &[("If-Match", &tag)],
        Some(json!({"approved_area_m2": 18.5})),
    )
    .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_ne!(changed.etag.unwrap(), tag);
    assert_eq!(entries(&pool).await, written + 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_rank_of_another_level_is_refused_with_those_there_are(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let (unit, building) = bureau(&app).await;
    let room = json!({"building_id": building, "floor": 3, "number": "301", "unit_id": unit, "room_type": "office"});
    let room = id_of(&app, "rooms", room).await;
    let seat = |rank: &str| json!({"room_id": room, "person": "王芳", "rank": rank});
    let refused = register(&app, "occupants", seat("县级正职")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (&refused.body["field"], &refused.body["code"]),
        (&json!("rank"), &json!("rank_not_of_level"))
    );
    assert!(
        refused.body["remedy"].as_str().unwrap().contains("副局(处)级"),
        "{}",
        refused.body
    );
    // What lists call it is understood.
    assert_eq!(
        register(&app, "occupants", seat("正处级")).await.status,
        StatusCode::CREATED
    );
    let nowhere = json!({"room_id": uuid::Uuid::now_v7(), "person": "王芳", "rank": "正处级"});
    assert_eq!(register(&app, "occupants", nowhere).await.body["field"], "room_id");

    // A unit's staffing by rank is held against the same table.
    let unit =
        json!({"code": "C", "name": "县局", "level": "county", "kind": "government_organ", "headcount": {"正处级": 1}});
    let refused = register(&app, "units", unit).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    assert_eq!(
        (&refused.body["field"], &refused.body["code"]),
        (&json!("headcount"), &json!("rank_not_of_level"))
    );
    // A sum without ranks may be kept until the ranks are known.
    let unit =
        json!({"code": "C", "name": "县局", "level": "county", "kind": "government_organ", "headcount": {"合计": 30}});
    assert_eq!(register(&app, "units", unit).await.status, StatusCode::CREATED);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_room_has_a_type_and_what_it_serves_for_within_it(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let (unit, building) = bureau(&app).await;
    let room = |number: &str, more: Value| {
        let mut body = json!({"building_id": building, "floor": 1, "number": number, "unit_id": unit});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let office = register(
        &app,
        "rooms",
        room("101", json!({"room_type": "office", "purpose": "leader_office"})),
    )
    .await;
    assert_eq!(office.status, StatusCode::CREATED, "{}", office.body);
    let (at, tag) = (office.location.unwrap(), office.etag.unwrap());
    let office = office.body["id"].as_str().unwrap().to_owned();
    let rest = json!({"room_type": "office", "purpose": "rest_room", "part_of_id": office});
    let rest = id_of(&app, "rooms", room("101A", rest)).await;
    for (more, field) in [
        (json!({"room_type": "castle"}), "room_type"),
        (json!({"purpose": "meeting"}), "room_type"),
        (json!({"room_type": "office", "purpose": "meeting"}), "purpose"),
        (json!({"room_type": "shop", "purpose": "meeting"}), "purpose"),
        // A part has no parts.
        (json!({"room_type": "office", "part_of_id": rest}), "part_of_id"),
        (
            json!({"room_type": "office", "part_of_id": uuid::Uuid::now_v7()}),
            "part_of_id",
        ),
    ] {
        let refused = register(&app, "rooms", room("102", more.clone())).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{more}");
        assert_eq!(refused.body["field"], field, "{more}: {}", refused.body);
    }
    let listed = ask(&app, "GET", "/api/v1/rooms?room_type=office&count=true", &[], None)
        .await
        .body;
    assert_eq!(
        (&listed["total"], &listed["items"][0]["purpose"]),
        (&json!(2), &json!("leader_office"))
    );
    // Another type has other purposes.
    let changed = ask(
        &app,
        "PATCH",
        &at,
        &[("If-Match", &tag)],
        Some(json!({"room_type": "service"})),
    )
    .await;
    assert_eq!(
        (&changed.body["room_type"], &changed.body["purpose"]),
        (&json!("service"), &Value::Null)
    );
    prove(&pool).await.unwrap();
}
