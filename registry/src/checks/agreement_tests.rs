//! The rules of use agreements and certificates, each firing and not firing, over a real PostGIS.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::tests::{changed, open, register, square};
use crate::http::AppState;
use crate::ledger::ObjectKind;
use crate::spatial_units::tests::{app, ask};

/// Which of the rules find something, and how much.
async fn found(app: &Router, state: &AppState, agreement: Uuid) -> Vec<(&'static str, usize)> {
    changed(state, ObjectKind::UseAgreement, agreement).await;
    let mut found = Vec::new();
    for rule in ["USE-01", "USE-02", "USE-04", "USE-14"] {
        let findings = open(app, rule).await;
        if !findings.is_empty() {
            found.push((rule, findings.len()));
        }
    }
    found
}

async fn draft(app: &Router, unit: Uuid, rooms: &[Uuid]) -> (Uuid, String) {
    let key = Uuid::now_v7().to_string();
    let body = json!({"unit_id": unit, "room_ids": rooms, "purpose": "行政办公", "starts_on": "2025-01-01"});
    let made = ask(
        app,
        "POST",
        "/api/v1/use-agreements",
        &[("Idempotency-Key", &key)],
        Some(body),
    )
    .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    (made.body["id"].as_str().unwrap().parse().unwrap(), made.etag.unwrap())
}

async fn step(app: &Router, state: &AppState, id: Uuid, tag: &mut String, body: Value) {
    state.clock.advance(time::Duration::minutes(1));
    let address = format!("/api/v1/use-agreements/{id}/steps");
    let answer = ask(app, "POST", &address, &[("If-Match", tag)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    *tag = answer.etag.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn rooms_want_an_agreement_a_certificate_and_the_unit_that_it_names(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let day = "2020-01-01";
    let mut units = Vec::new();
    for (key, code, kind) in [
        ("a", "甲", "government_organ"),
        ("b", "乙", "government_organ"),
        ("c", "公司", "platform_company"),
    ] {
        let body = json!({"code": code, "name": format!("{code}局"), "level": "city", "kind": kind, "valid_from": day});
        units.push(register(&app, "units", key, body).await.0);
    }
    let mut rooms = Vec::new();
    for (code, usage, east) in [("office", "administrative_office", 0.0), ("shop", "commercial", 100.0)] {
        let body = json!({"code": code, "usage": usage, "valid_from": day, "geometry": square(east, 30.0)});
        let building = register(&app, "buildings", code, body).await.0;
        // The last is a company's: its case is USE-10, not an agreement.
        for (number, unit, occupancy) in [
            ("101", 0, "in_use"),
            ("102", 0, "in_use"),
            ("103", 0, "idle"),
            ("104", 2, "in_use"),
        ] {
            let body = json!({"building_id": building, "floor": 1, "number": number, "unit_id": units[unit], "occupancy": occupancy,
                "use_area_m2": 20, "building_area_m2": 30, "valid_from": day});
            rooms.push(register(&app, "rooms", &format!("{code}{number}"), body).await);
        }
    }
    let offices: Vec<Uuid> = rooms[..2].iter().map(|(id, _)| *id).collect();
    // A draft is no agreement yet.
    let (one, mut tag) = draft(&app, units[0], &offices).await;
    assert_eq!(found(&app, &state, one).await, [("USE-01", 1)]);
    assert_eq!(
        open(&app, "USE-01").await[0]["evidence"],
        json!({"rooms": 2, "units": "甲局"})
    );
    step(
        &app,
        &state,
        one,
        &mut tag,
        json!({"step": "sign", "on": "2025-01-02", "agreement_no": "协1"}),
    )
    .await;
    assert_eq!(found(&app, &state, one).await, [("USE-02", 1)]);
    step(
        &app,
        &state,
        one,
        &mut tag,
        json!({"step": "certify", "on": "2025-01-03", "certificate_no": "证1"}),
    )
    .await;
    assert_eq!(found(&app, &state, one).await, []);

    // Another unit moves in.
    let moved = json!({"unit_id": units[1], "valid_from": "2025-06-01"});
    let at = format!("/api/v1/rooms/{}", offices[0]);
    let answer = ask(&app, "PATCH", &at, &[("If-Match", &rooms[0].1)], Some(moved)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    changed(&state, ObjectKind::Room, offices[0]).await;
    assert_eq!(found(&app, &state, one).await, [("USE-04", 1)]);
    assert_eq!(
        open(&app, "USE-04").await[0]["evidence"],
        json!({"number": "101", "user": "乙局", "certified": "甲局"})
    );

    // It gets an agreement of its own, and the first still names the room.
    let (other, mut other_tag) = draft(&app, units[1], &offices[..1]).await;
    let sign = json!({"step": "sign", "on": "2025-06-02", "agreement_no": "协2"});
    step(&app, &state, other, &mut other_tag, sign).await;
    assert_eq!(found(&app, &state, other).await, [("USE-04", 1), ("USE-14", 1)]);
    let certify = json!({"step": "certify", "on": "2025-06-03", "certificate_no": "证2"});
    step(&app, &state, other, &mut other_tag, certify).await;
    assert_eq!(found(&app, &state, other).await, [("USE-14", 1)]);
    let fewer = json!({"step": "change", "on": "2025-06-04", "room_ids": offices[1..], "reason": "调剂给乙局"});
    step(&app, &state, one, &mut tag, fewer).await;
    assert_eq!(found(&app, &state, one).await, []);

    // Its term is over; then it is renewed; then cancelled, and the room is used without one.
    let ends = json!({"step": "change", "on": "2025-07-01", "ends_on": "2026-01-01", "reason": "定期限"});
    step(&app, &state, one, &mut tag, ends).await;
    assert_eq!(found(&app, &state, one).await, [("USE-02", 1)]);
    let renew = json!({"step": "renew", "on": "2026-01-01", "certificate_no": "证3", "ends_on": null});
    step(&app, &state, one, &mut tag, renew).await;
    assert_eq!(found(&app, &state, one).await, []);
    step(
        &app,
        &state,
        one,
        &mut tag,
        json!({"step": "cancel", "on": "2026-02-01", "reason": "腾退"}),
    )
    .await;
    assert_eq!(found(&app, &state, one).await, [("USE-01", 1)]);
}
