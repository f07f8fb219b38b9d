//! What a lease lets is let, day by day.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{MANAGER, Office, shop};
use crate::versioned::tests::prove;

/// An idle building of 120 m² with four rooms of 30 m², idle by a record since March 2025.
async fn idle_house(office: &Office) -> (String, Vec<String>) {
    let square = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
    let house = office
        .made(
            MANAGER,
            "buildings",
            json!({"name": "闲置楼", "valid_from": "2020-01-01", "region_code": "320404", "geometry": square, "registered_area_m2": 120,
                   "usage": "administrative_office", "occupancy": "in_use"}),
        )
        .await;
    let mut rooms = Vec::new();
    for number in ["101", "102", "103", "104"] {
        let room = json!({"building_id": house, "floor": 1, "number": number, "use_area_m2": 30, "building_area_m2": 30,
            "room_type": "office", "occupancy": "in_use", "valid_from": "2020-01-01"});
        rooms.push(office.made(MANAGER, "rooms", room).await);
    }
    let record = json!({"asset_id": house, "idle_since": "2025-03-01", "cause": "surplus", "evidence": "现场核查"});
    office.made(MANAGER, "idle-records", record).await;
    (house, rooms)
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_lease_lets_is_let_from_its_first_day_until_it_is_handed_back(pool: PgPool) {
    let office = Office::open(&pool).await;
    let (house, rooms) = idle_house(&office).await;
    let use_of = async |what: &str, on: &str| {
        let said = office.read(&format!("{what}?as_of={on}")).await;
        (said["occupancy"].clone(), said["idle_since"].clone())
    };
    let (building, room) = (format!("buildings/{house}"), |at: usize| format!("rooms/{}", rooms[at]));
    let let_out = |rooms: &[&String], more: Value| {
        let mut body = shop(
            &house,
            json!({"area_m2": null, "rooms": rooms.iter().map(|id| json!({"room_id": id})).collect::<Vec<_>>()}),
        );
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let shares = async |on: &str| {
        let said = office.read(&format!("{building}/occupancy?as_of={on}")).await;
        said["total"]["by_occupancy"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| {
                (
                    part["occupancy"].as_str().unwrap().to_owned(),
                    part["share"].as_f64().unwrap(),
                )
            })
            .collect::<Vec<_>>()
    };
    let found = async || {
        office.read("idle-space?people=1").await["totals"]["use_area_m2"]
            .as_f64()
            .unwrap()
    };
    assert!((found().await - 120.0).abs() < 1e-9);

    // Two of the four rooms, from June on: the house is not idle as a whole, and its record goes on with the rest.
    let term = json!({"starts_on": "2026-06-01", "ends_on": "2027-05-31", "contract_number": "租1"});
    let first = office
        .made(MANAGER, "leases", let_out(&[&rooms[0], &rooms[1]], term))
        .await;
    for (on, expected) in [("2026-05-31", "idle"), ("2026-06-01", "let"), ("2026-11-21", "let")] {
        assert_eq!(use_of(&room(0), on).await.0, expected, "{on}");
        assert_eq!(use_of(&room(2), on).await.0, "idle", "{on}");
        assert_eq!(use_of(&building, on).await.0, expected, "{on}");
    }
    assert_eq!(shares("2026-05-31").await, [("idle".to_owned(), 1.0)]);
    assert_eq!(
        shares("2026-11-21").await,
        [("idle".to_owned(), 0.5), ("let".to_owned(), 0.5)]
    );
    assert!((found().await - 60.0).abs() < 1e-9, "what is let is not found");
    let totals = office.read("totals").await;
    assert_eq!(totals["buildings"]["occupancy"]["let"]["count"], 1, "{totals}");
    let records = office.read(&format!("idle-records?asset={house}")).await;
    let mut told: Vec<(&str, &str, usize)> = records["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |field: &str| one[field].as_str().unwrap_or_default();
            (
                text("idle_since"),
                text("idle_to"),
                one["rooms"].as_array().unwrap().len(),
            )
        })
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [("2025-03-01", "2026-06-01", 4), ("2026-06-01", "", 2)],
        "{records}"
    );

    // The rest as well: the house is let, and nothing of it is idle.
    let term = json!({"starts_on": "2026-11-01", "ends_on": "2027-05-31", "contract_number": "租2", "lessee_name": "某某商店"});
    let second = office
        .made(MANAGER, "leases", let_out(&[&rooms[2], &rooms[3]], term))
        .await;
    assert_eq!(shares("2026-11-21").await, [("let".to_owned(), 1.0)]);
    assert!(found().await.abs() < 1e-9);
    let open = office.read(&format!("idle-records?asset={house}&open=true")).await;
    assert_eq!(open["items"], json!([]), "{open}");

    // What comes back stands idle again, since then; the house once nothing of it is let.
    let back = |on: &str| json!({"valid_to": on, "reason": "提前退租"});
    for (lease, on) in [(&first, "2026-11-15"), (&second, "2026-11-20")] {
        let at = format!("leases/{lease}");
        let ended = office.tagged(MANAGER, "POST", &at, "/closures", back(on)).await;
        assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    }
    assert_eq!(use_of(&room(0), "2026-11-14").await.0, "let");
    assert_eq!(use_of(&room(0), "2026-11-15").await.0, "idle");
    assert_eq!(use_of(&building, "2026-11-19").await, (json!("let"), Value::Null));
    assert_eq!(
        use_of(&building, "2026-11-20").await,
        (json!("idle"), json!("2026-11-20"))
    );
    assert!((found().await - 120.0).abs() < 1e-9);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_said_otherwise_stays_and_a_term_that_moves_takes_its_days_along(pool: PgPool) {
    let office = Office::open(&pool).await;
    let square = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
    let house = json!({"name": "门面", "valid_from": "2020-01-01", "region_code": "320404", "geometry": square, "registered_area_m2": 100});
    let house = office.made(MANAGER, "buildings", house).await;
    let room = |number: &str, occupancy: Value| {
        json!({"building_id": house, "floor": 1, "number": number, "building_area_m2": 30, "occupancy": occupancy,
               "valid_from": "2020-01-01"})
    };
    let (used, unknown) = (
        office.made(MANAGER, "rooms", room("101", json!("in_use"))).await,
        office.made(MANAGER, "rooms", room("102", json!(null))).await,
    );
    let use_of = async |what: String, on: &str| office.read(&format!("{what}?as_of={on}")).await["occupancy"].clone();
    // All of it, from next year on: it begins by itself.
    let term = json!({"starts_on": "2027-01-01", "ends_on": "2027-12-31"});
    let lease = office.made(MANAGER, "leases", shop(&house, term)).await;
    for (on, expected) in [("2026-12-31", Value::Null), ("2027-01-01", json!("let"))] {
        assert_eq!(use_of(format!("buildings/{house}"), on).await, expected, "{on}");
        assert_eq!(use_of(format!("rooms/{unknown}"), on).await, expected, "{on}");
        assert_eq!(use_of(format!("rooms/{used}"), on).await, "in_use", "somebody said so");
    }
    let at = format!("leases/{lease}");
    let later = office
        .tagged(MANAGER, "PATCH", &at, "", json!({"starts_on": "2027-03-01"}))
        .await;
    assert_eq!(later.status, StatusCode::OK, "{}", later.body);
    for (on, expected) in [("2027-02-28", Value::Null), ("2027-03-01", json!("let"))] {
        assert_eq!(use_of(format!("buildings/{house}"), on).await, expected, "{on}");
        assert_eq!(use_of(format!("rooms/{unknown}"), on).await, expected, "{on}");
    }
    // A part of a room is not the room; what is rented in lets nothing.
    let other = office.building("别处", 300.0).await;
    let shared = json!({"building_id": other, "floor": 1, "number": "1", "building_area_m2": 30, "occupancy": "idle", "valid_from": "2020-01-01"});
    let shared = office.made(MANAGER, "rooms", shared).await;
    let part = json!({"area_m2": null, "rooms": [{"room_id": shared, "area_m2": 12}]});
    office.made(MANAGER, "leases", shop(&other, part)).await;
    assert_eq!(use_of(format!("rooms/{shared}"), "2026-11-21").await, "idle");
    prove(&pool).await.unwrap();
}
