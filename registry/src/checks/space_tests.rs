//! Rules of space and use, over a real PostGIS.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::tests::{found_by, register, square};
use crate::spatial_units::tests::{app, ask};

/// Rules of the space standard and of use: what fires, and what comes near and must not.
#[sqlx::test(migrations = "../migrations")]
async fn each_rule_of_space_and_use_fires_where_it_should(pool: PgPool) {
    use crate::occupants::tests::{bureau, id_of};
    let (app, state) = app(&pool).await;
    let (unit, building) = bureau(&app).await;
    let mut number = 100;
    let mut room = async |more: Value| -> Uuid {
        number += 1;
        let mut body = json!({"building_id": building, "floor": 1, "number": number.to_string(), "unit_id": unit,
                              "room_type": "office", "valid_from": "2020-01-01"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        id_of(&app, "rooms", body).await.parse().unwrap()
    };
    let seat = async |room: Uuid, person: &str, rank: &str, more: Value| {
        let mut body = json!({"room_id": room, "person": person, "rank": rank, "valid_from": "2020-01-01"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        id_of(&app, "occupants", body).await
    };
    let fires = async |rule: &str, objects: &[Uuid], expected: u64| {
        assert_eq!(found_by(&state, rule, Some(objects.to_vec())).await, expected, "{rule}");
    };

    // SPC-01: the sum of the occupants' limits, to the hundredth; a rest room counts with its office.
    let shared = room(json!({"use_area_m2": 18})).await;
    seat(shared, "甲", "局(处)级以下", json!({})).await;
    fires("SPC-01", &[shared], 1).await;
    seat(shared, "乙", "科员", json!({})).await;
    fires("SPC-01", &[shared], 0).await;
    let rest = json!({"use_area_m2": 0.5, "purpose": "rest_room", "part_of_id": shared});
    let rest = room(rest).await;
    fires("SPC-01", &[rest], 1).await;
    fires("SPC-01", &[room(json!({"use_area_m2": 90})).await], 0).await;
    // SPC-03: only one that belongs to no office.
    fires("SPC-03", &[rest], 0).await;
    fires("SPC-03", &[room(json!({"purpose": "rest_room"})).await], 1).await;
    // SPC-02: by its size, or by who sits in the office.
    let chief = room(json!({"use_area_m2": 30})).await;
    seat(chief, "丙", "市级正职", json!({})).await;
    let washroom =
        |office: Uuid, area: f64| json!({"use_area_m2": area, "purpose": "private_washroom", "part_of_id": office});
    fires("SPC-02", &[room(washroom(chief, 6.0)).await], 0).await;
    fires("SPC-02", &[room(washroom(chief, 6.01)).await], 1).await;
    fires("SPC-02", &[room(washroom(shared, 4.0)).await], 1).await;
    // SPC-14 and SPC-15.
    let laboratory = room(json!({"room_type": "technical", "type_basis": "常发改〔2020〕1号"})).await;
    fires("SPC-14", &[laboratory], 0).await;
    fires("SPC-15", &[laboratory], 0).await;
    seat(laboratory, "丁", "科员", json!({})).await;
    fires("SPC-15", &[laboratory], 1).await;
    fires("SPC-14", &[room(json!({"room_type": "technical"})).await], 1).await;
    // SPC-16: 6 and 12 m² are of 1999, 9 m² is of today.
    for (rank, approved, expected) in [("科员", 9, 0), ("科员", 6, 1), ("正处级", 12, 1), ("正处级", 24, 0)] {
        let office = room(json!({})).await;
        seat(
            office,
            "戊",
            rank,
            json!({"approved_area_m2": approved, "staff_number": format!("{rank}{approved}")}),
        )
        .await;
        fires("SPC-16", &[office], expected).await;
    }
    // USE-06: the same number, not the same name; and not where somebody allowed it.
    let (one, other, third) = (room(json!({})).await, room(json!({})).await, room(json!({})).await);
    seat(one, "王芳", "科员", json!({"staff_number": "7"})).await;
    seat(other, "王芳", "科员", json!({"staff_number": "8"})).await;
    fires("USE-06", &[one], 0).await;
    seat(other, "王芳", "科员", json!({"staff_number": "7"})).await;
    fires("USE-06", &[one], 1).await;
    fires("USE-06", &[other], 1).await;
    let allowed = json!({"staff_number": "8", "second_office_approval": "常机管〔2026〕3号"});
    seat(third, "王芳", "科员", allowed).await;
    fires("USE-06", &[third], 0).await;
    // USE-07 and USE-08: today is 2026-11-21.
    for (more, rule, expected) in [
        (json!({"post": "part_time", "post_ends": "2026-09-21"}), "USE-07", 0),
        (json!({"post": "part_time", "post_ends": "2026-09-20"}), "USE-07", 1),
        (json!({"post": "main", "post_ends": "2026-01-01"}), "USE-07", 0),
        (json!({"left_on": "2026-10-21"}), "USE-08", 0),
        (json!({"left_on": "2026-10-20"}), "USE-08", 1),
    ] {
        let office = room(json!({})).await;
        seat(office, "己", "科员", more.clone()).await;
        assert_eq!(
            found_by(&state, rule, Some(vec![office])).await,
            expected,
            "{rule} {more}"
        );
    }
    // USE-10 and USE-11.
    let company = json!({"code": "C", "name": "城投公司", "level": "city", "kind": "platform_company", "valid_from": "2020-01-01"});
    let company = id_of(&app, "units", company).await;
    fires("USE-10", &[room(json!({"unit_id": company})).await], 1).await;
    fires(
        "USE-10",
        &[room(json!({"unit_id": company, "room_type": "shop"})).await],
        0,
    )
    .await;
    fires(
        "USE-10",
        &[room(json!({"unit_id": company, "occupancy": "let"})).await],
        0,
    )
    .await;
    let gone =
        json!({"code": "G", "name": "撤并局", "level": "city", "kind": "government_organ", "valid_from": "2020-01-01"});
    let (gone, etag) = register(&app, "units", "gone", gone).await;
    let left = room(json!({"unit_id": gone})).await;
    fires("USE-11", &[left], 0).await;
    let closure = json!({"valid_to": "2026-06-01", "reason": "机构改革"});
    let closed = ask(
        &app,
        "POST",
        &format!("/api/v1/units/{gone}/closures"),
        &[("If-Match", &etag)],
        Some(closure),
    )
    .await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.body);
    fires("USE-11", &[left], 1).await;
    // USE-15.
    let dangerous = room(json!({"occupancy": "dangerous"})).await;
    fires("USE-15", &[dangerous], 0).await;
    seat(dangerous, "庚", "科员", json!({})).await;
    fires("USE-15", &[dangerous], 1).await;
    // SPC-10: what the interface refuses may have come in before.
    let unit: Uuid = unit.parse().unwrap();
    fires("SPC-10", &[unit], 0).await;

    // What the bureau of eighty has in all: 640 m² of service rooms are due to it, 127 m² of equipment, 2 366 m² together.
    let fires = async |rule: &str, expected: u64| {
        assert_eq!(found_by(&state, rule, Some(vec![unit])).await, expected, "{rule}");
        assert_eq!(found_by(&state, rule, None).await, expected, "{rule} as a whole");
    };
    fires("SPC-05", 0).await;
    fires("SPC-06", 0).await;
    fires("SPC-08", 0).await;
    room(json!({"room_type": "service", "use_area_m2": 641, "building_area_m2": 900})).await;
    room(json!({"room_type": "equipment", "use_area_m2": 139.6, "building_area_m2": 200})).await;
    room(json!({"room_type": "ancillary", "purpose": "canteen", "use_area_m2": 250, "building_area_m2": 296})).await;
    fires("SPC-05", 1).await;
    // A tenth more than 126.99 is tolerated.
    fires("SPC-06", 0).await;
    room(json!({"room_type": "equipment", "use_area_m2": 0.2, "building_area_m2": 1})).await;
    fires("SPC-06", 1).await;
    fires("SPC-08", 0).await;
    room(json!({"room_type": "ancillary", "purpose": "canteen", "building_area_m2": 1})).await;
    fires("SPC-08", 1).await;
    fires("SPC-04", 0).await;
    // Ancillary rooms don't count in it, the building area of offices does.
    room(json!({"room_type": "ancillary", "building_area_m2": 5_000})).await;
    fires("SPC-04", 0).await;
    room(json!({"building_area_m2": 1_200})).await;
    fires("SPC-04", 1).await;
    sqlx::query("update unit_version set headcount = '{\"县级正职\": 1, \"合计\": 3}' where object_id = $1")
        .bind(unit)
        .execute(&pool)
        .await
        .unwrap();
    fires("SPC-10", 1).await;
    // What can't be worked out is above nothing.
    fires("SPC-04", 0).await;
}

/// SPC-07: the coefficient of a building, where nearly all of it is listed. SPC-13: far from its peers.
#[sqlx::test(migrations = "../migrations")]
async fn coefficients_and_areas_a_head_are_judged_where_enough_is_known(pool: PgPool) {
    use crate::occupants::tests::id_of;
    let (app, state) = app(&pool).await;
    let mut east = 0.0;
    let mut building = async |floors: i16, use_area: f64, listed: f64| -> Uuid {
        east += 100.0;
        let body = json!({"code": format!("B{east}"), "geometry": square(east, 20.0), "floors_above": floors, "registered_area_m2": 1_000});
        let id = id_of(&app, "buildings", body).await;
        let room = json!({"building_id": id, "floor": 1, "number": "1", "room_type": "office",
                          "use_area_m2": use_area, "building_area_m2": listed});
        id_of(&app, "rooms", room).await;
        id.parse().unwrap()
    };
    for (floors, use_area, listed, expected) in [
        (6, 650.0, 1_000.0, 0),
        (6, 640.0, 1_000.0, 1),
        // High buildings need 60 % only.
        (7, 640.0, 1_000.0, 0),
        (7, 590.0, 1_000.0, 1),
        // Four fifths of it are not listed.
        (6, 100.0, 200.0, 0),
    ] {
        let id = building(floors, use_area, listed).await;
        let found = found_by(&state, "SPC-07", Some(vec![id])).await;
        assert_eq!(found, expected, "{floors} {use_area} {listed}");
    }
    let place = building(5, 650.0, 1_000.0).await;
    for (unit, persons) in [20, 21, 22, 23, 24, 25, 26, 200].into_iter().enumerate() {
        let body = json!({"code": format!("U{unit}"), "name": format!("{unit}局"), "level": "city", "kind": "government_organ",
                          "headcount": {"局(处)级以下": persons}});
        let id = id_of(&app, "units", body).await;
        let room = json!({"building_id": place, "floor": 2, "number": unit.to_string(), "room_type": "office",
                          "use_area_m2": 400, "unit_id": id});
        // Seven are no peers yet.
        assert_eq!(found_by(&state, "SPC-13", None).await, 0);
        id_of(&app, "rooms", room).await;
    }
    assert_eq!(found_by(&state, "SPC-13", None).await, 1);
}
