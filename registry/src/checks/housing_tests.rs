//! Rules of what is left, borrowed or lived in, each firing and not firing, over a real PostGIS.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::tests::{changed, open, register, square};
use crate::http::AppState;
use crate::ledger::ObjectKind;
use crate::spatial_units::tests::{app, ask};

async fn patched(app: &Router, uri: &str, tag: &str, body: Value) -> String {
    let answer = ask(app, "PATCH", uri, &[("If-Match", tag)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
    answer.etag.unwrap()
}

/// What a rule finds after a change of an object: the evidence of each finding.
async fn found(app: &Router, state: &AppState, rule: &str, kind: ObjectKind, id: Uuid) -> Vec<Value> {
    changed(state, kind, id).await;
    open(app, rule)
        .await
        .into_iter()
        .map(|finding| finding["evidence"].clone())
        .collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_vacated_is_handed_over_within_half_a_year(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let day = "2020-01-01";
    let unit = json!({"code": "甲", "name": "甲局", "level": "city", "kind": "government_organ", "valid_from": day});
    let unit = register(&app, "units", "unit", unit).await.0;
    let body =
        json!({"code": "B1", "usage": "administrative_office", "valid_from": day, "geometry": square(0.0, 30.0)});
    let building = register(&app, "buildings", "building", body).await.0;
    let body = json!({"building_id": building, "floor": 1, "number": "101", "unit_id": unit, "occupancy": "in_use", "valid_from": day});
    let (room, tag) = register(&app, "rooms", "room", body).await;
    let uri = format!("/api/v1/rooms/{room}");
    assert_eq!(
        found(&app, &state, "USE-09", ObjectKind::Room, room).await,
        Vec::<Value>::new()
    );
    // Today is 21 November 2026: since 21 May is half a year to the day, and in time.
    let tag = patched(
        &app,
        &uri,
        &tag,
        json!({"occupancy": "vacating", "valid_from": "2026-05-21"}),
    )
    .await;
    assert_eq!(
        found(&app, &state, "USE-09", ObjectKind::Room, room).await,
        Vec::<Value>::new()
    );
    patched(
        &app,
        &uri,
        &tag,
        json!({"occupancy": "vacating", "valid_from": "2026-05-20"}),
    )
    .await;
    // Another name in between begins no new half year.
    let late = patched(
        &app,
        &uri,
        &tag,
        json!({"name": "原财务室", "valid_from": "2026-09-01"}),
    )
    .await;
    let told = found(&app, &state, "USE-09", ObjectKind::Room, room).await;
    assert_eq!(told.len(), 1);
    assert_eq!(
        (&told[0]["since"], &told[0]["months"]),
        (&json!("2026-05-20"), &json!(6))
    );
    assert!(told[0]["of_zh"].as_str().unwrap().contains("1 间，甲局"), "{}", told[0]);
    // Handed over: it is idle, and nobody's.
    patched(
        &app,
        &uri,
        &late,
        json!({"occupancy": "idle", "unit_id": null, "valid_from": "2026-11-01"}),
    )
    .await;
    assert_eq!(
        found(&app, &state, "USE-09", ObjectKind::Room, room).await,
        Vec::<Value>::new()
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_borrowed_names_its_approval(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let day = "2020-01-01";
    let mut houses = Vec::new();
    for (code, east, occupancy) in [
        ("B1", 0.0, "borrowed_in"),
        ("B2", 100.0, "in_use"),
        ("B3", 200.0, "in_use"),
    ] {
        let body = json!({"code": code, "usage": "administrative_office", "occupancy": occupancy, "valid_from": day,
            "geometry": square(east, 30.0)});
        houses.push(register(&app, "buildings", code, body).await.0);
    }
    let body = json!({"building_id": houses[1], "floor": 1, "number": "101", "occupancy": "borrowed_in", "use_area_m2": 20, "valid_from": day});
    let (room, tag) = register(&app, "rooms", "room", body).await;
    let of = async |house: Uuid| found(&app, &state, "ALC-06", ObjectKind::Building, house).await.len();
    assert_eq!(of(houses[0]).await, 1);
    let told = found(&app, &state, "ALC-06", ObjectKind::Room, room).await;
    assert_eq!(told.len(), 2);
    assert!(told.iter().any(|one| one["rooms_zh"] == "，1 间"), "{told:?}");
    // A lease in at no rent that names its approval settles the house; one that names none is a fault itself, and no renting.
    let lease = |asset: Uuid, approval: Option<&str>| {
        json!({"asset_id": asset, "direction": "in", "area_m2": 300, "lessor_kind": "state_company", "lessor_name": "城投公司",
            "lessee_kind": "unit", "lessee_name": "甲局", "starts_on": "2025-01-01", "ends_on": "2027-12-31", "rent": "0.00",
            "price_basis": "negotiated", "approval_number": approval})
    };
    for (asset, approval) in [(houses[0], Some("永府办〔2025〕8号")), (houses[2], None)] {
        let key = Uuid::now_v7().to_string();
        let body = lease(asset, approval);
        let made = ask(&app, "POST", "/api/v1/leases", &[("Idempotency-Key", &key)], Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        changed(
            &state,
            ObjectKind::Lease,
            made.body["id"].as_str().unwrap().parse().unwrap(),
        )
        .await;
    }
    let at: Vec<Value> = open(&app, "ALC-06")
        .await
        .iter()
        .map(|one| one["at_id"].clone())
        .collect();
    assert_eq!(at.len(), 2, "the room's house and the one with the lease: {at:?}");
    assert!(open(&app, "ALC-02").await.is_empty(), "at no rent it is borrowed");
    // The room is given back.
    patched(
        &app,
        &format!("/api/v1/rooms/{room}"),
        &tag,
        json!({"occupancy": "idle", "valid_from": "2026-11-01"}),
    )
    .await;
    assert_eq!(found(&app, &state, "ALC-06", ObjectKind::Room, room).await.len(), 1);
}
