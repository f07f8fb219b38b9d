//! Space out of the stock: a unit's application, a leader's office, and who may apply.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;

use super::{APPLICATION, approval, begun, building, contact_of, need, room, rooms, unit};
use crate::policy_cases::tests::{APPROVER, CONTACT, MANAGER, Office, PLANNER};
use crate::spatial_units::tests::ask_as;
use crate::versioned::tests::{entries, prove};

#[sqlx::test(migrations = "../migrations")]
async fn a_unit_gets_idle_rooms_out_of_the_stock_and_gives_its_old_ones_back(pool: PgPool) {
    let office = Office::open(&pool).await;
    let asking = unit(&office, "审计", "431103").await;
    let other = unit(&office, "统计", "431103").await;
    let old = building(&office, 1, "in_use").await;
    let old_rooms = rooms(&office, &old, 3, json!({"unit_id": asking, "occupancy": "in_use"})).await;
    let stock = building(&office, 2, "idle").await;
    let idle = rooms(&office, &stock, 6, json!({"occupancy": "idle"})).await;

    // A unit's case takes a unit and what it needs, and no asset.
    for (body, field) in [
        (json!({"procedure": "reassign"}), "unit_id"),
        (json!({"procedure": "reassign", "unit_id": asking}), "need"),
        (
            json!({"procedure": "reassign", "unit_id": asking, "need": {"purpose": "办公"}}),
            "need",
        ),
        (
            json!({"procedure": "reassign", "unit_id": asking, "need": {"people": {"部级正职": 1}, "purpose": "办公"}}),
            "need.people",
        ),
        (
            json!({"procedure": "reassign", "unit_id": asking, "asset_id": stock, "need": {"use_area_m2": "9", "purpose": "办公"}}),
            "asset_id",
        ),
        (
            json!({"procedure": "repair", "unit_id": asking, "asset_id": stock}),
            "unit_id",
        ),
    ] {
        let refused = office.post(CONTACT, "/api/v1/policy-cases", body.clone()).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{body}: {}",
            refused.body
        );
    }
    // 2 × 9 + 4 × 18 = 90 m² by their limits.
    let people =
        json!({"need": {"people": {"局(处)级以下": 2, "副局(处)级": 4}, "purpose": "新设处室", "vacates": true}});
    let id = begun(&office, "reassign", &asking, people).await;
    let case = office.case(&id).await;
    assert_eq!(case["unit"]["id"], asking);
    assert_eq!(case["asset"], Value::Null);
    assert_eq!(
        (
            &case["space"]["asks_m2"],
            &case["space"]["entitled_m2"],
            &case["space"]["keeps_m2"]
        ),
        (&json!("90"), &json!("1537.99"), &json!("0")),
        "{}",
        case["space"]
    );
    // What would do is shown from the beginning: three rooms side by side.
    let suitable = &case["space"]["suitable"][0];
    assert_eq!((&suitable["id"], &suitable["idle_m2"]), (&json!(stock), &json!("180")));
    assert_eq!(suitable["rooms"].as_array().unwrap().len(), 3);

    office.papers(CONTACT, &id, &APPLICATION).await;
    office.go(CONTACT, &id, json!({"transition": "apply"})).await;
    // It is looked at on the site first.
    office
        .step_is_refused(MANAGER, &id, json!({"transition": "check"}), "guard_site_visited", "")
        .await;
    let visit = json!({"record": "site_visit", "on": "2026-11-20", "defects": "现有三间，漏水"});
    office.record(MANAGER, &id, visit).await;
    office.go(MANAGER, &id, json!({"transition": "check"})).await;
    // Rooms in use are nobody's to give; nor is a room of another building.
    let allot = |building: &str, rooms: &[String]| json!({"record": "allotment", "asset_id": building, "room_ids": rooms, "why": "相邻"});
    office
        .is_refused(
            PLANNER,
            &id,
            ("records", allot(&stock, &old_rooms)),
            ("room_elsewhere", ""),
        )
        .await;
    office.record(PLANNER, &id, allot(&old, &old_rooms[..1])).await;
    office
        .step_is_refused(PLANNER, &id, json!({"transition": "match"}), "guard_allotment_free", "")
        .await;
    let case = office.record(PLANNER, &id, allot(&stock, &idle[..3])).await;
    assert_eq!(case["asset"]["id"], stock);
    office.go(PLANNER, &id, json!({"transition": "match"})).await;

    // The same room isn't promised twice.
    let second = begun(&office, "reassign", &other, need("30", false)).await;
    office.papers(CONTACT, &second, &APPLICATION).await;
    office.go(CONTACT, &second, json!({"transition": "apply"})).await;
    let visit = json!({"record": "site_visit", "on": "2026-11-20", "defects": "无"});
    office.record(MANAGER, &second, visit).await;
    office.go(MANAGER, &second, json!({"transition": "check"})).await;
    office.record(PLANNER, &second, allot(&stock, &idle[2..4])).await;
    let refused = office
        .step_is_refused(
            PLANNER,
            &second,
            json!({"transition": "match"}),
            "guard_allotment_free",
            "",
        )
        .await;
    assert!(refused["detail"].as_str().unwrap().contains(&id));
    // But rooms beside them are free, in the same building.
    office.record(PLANNER, &second, allot(&stock, &idle[3..4])).await;
    office.go(PLANNER, &second, json!({"transition": "match"})).await;

    office.go(APPROVER, &id, approval("永管房〔2026〕12号")).await;
    office
        .papers(MANAGER, &id, &["transfer_slip", "use_agreement", "handover_record"])
        .await;
    // It leaves rooms, so what is movable in them goes to the shared store.
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "move_in"}),
            "guard_movables_listed",
            "",
        )
        .await;
    let movables = json!({"record": "movables", "on": "2026-11-21", "items": 12, "list": "公物仓清单1号", "received_by": "公物仓"});
    office.record(MANAGER, &id, movables).await;
    office.go(MANAGER, &id, json!({"transition": "move_in"})).await;
    for taken in &idle[..3] {
        let room = room(&office, taken).await;
        assert_eq!(
            (&room["occupancy"], &room["unit"]["id"]),
            (&json!("in_use"), &json!(asking))
        );
    }
    assert_eq!(room(&office, &idle[4]).await["occupancy"], "idle");
    for left in &old_rooms {
        assert_eq!(room(&office, left).await["occupancy"], "vacating");
    }
    // A building in which somebody works is not idle as a whole.
    assert_eq!(
        office.read(&format!("/api/v1/buildings/{stock}")).await["occupancy"],
        "in_use"
    );
    office.papers(MANAGER, &id, &["use_certificate"]).await;
    let case = office.go(MANAGER, &id, json!({"transition": "archive"})).await;
    assert_eq!(case["is_open"], false);
    // The queue tells of the unit.
    let queue = office
        .read(&format!("/api/v1/policy-cases?unit={asking}&closed=true&count=true"))
        .await;
    assert_eq!(
        (&queue["total"], &queue["items"][0]["unit_name"]),
        (&json!(1), &json!("审计局"))
    );
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_leader_gets_one_office_within_the_limit_of_the_rank(pool: PgPool) {
    let office = Office::open(&pool).await;
    let asking = unit(&office, "审计", "431103").await;
    let house = building(&office, 1, "in_use").await;
    let own = rooms(&office, &house, 1, json!({"unit_id": asking, "use_area_m2": 24})).await;
    let small = office
        .made(
            MANAGER,
            "/api/v1/rooms",
            json!({"building_id": house, "floor": 3, "number": "301", "use_area_m2": 12, "room_type": "office", "unit_id": asking,
                   "valid_from": "2015-01-01"}),
        )
        .await;
    let leader = |room: &str, rank: &str, more: Value| {
        let mut fact = json!({"record": "leader_room", "person": "王芳", "staff_number": "0012", "rank": rank, "post": "main", "room_id": room});
        fact.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fact
    };
    let applied = async |fact: Value| {
        let id = begun(&office, "leader_office", &asking, json!({})).await;
        office.record(CONTACT, &id, fact).await;
        office.papers(CONTACT, &id, &["application", "appointment"]).await;
        office.go(CONTACT, &id, json!({"transition": "apply"})).await;
        let visit = json!({"record": "site_visit", "on": "2026-11-20", "defects": "已测量"});
        office.record(MANAGER, &id, visit).await;
        id
    };
    // 24 m² are a bureau chief's; a deputy has 18 (2674).
    let over = applied(leader(&own[0], "副局(处)级", json!({}))).await;
    let refused = office
        .step_is_refused(
            MANAGER,
            &over,
            json!({"transition": "check"}),
            "guard_leader_within_limit",
            "SPC-01",
        )
        .await;
    assert!(refused["detail"].as_str().unwrap().contains("超6㎡"), "{refused}");
    let id = applied(leader(&own[0], "正局(处)级", json!({}))).await;
    office.go(MANAGER, &id, json!({"transition": "check"})).await;
    office.go(APPROVER, &id, approval("永管房〔2026〕9号")).await;
    office.papers(MANAGER, &id, &["room_card"]).await;
    let case = office.go(MANAGER, &id, json!({"transition": "seat"})).await;
    let seated = office.read(&format!("/api/v1/occupants?room={}", own[0])).await;
    assert_eq!(
        (&seated["items"][0]["person"], &seated["items"][0]["rank"]),
        (&json!("王芳"), &json!("正局(处)级"))
    );
    // Filed yearly: the clock begins anew.
    let first = case["clock"]["not_before"].clone();
    office.days_pass(300);
    let filed = office
        .go(
            CONTACT,
            &id,
            json!({"transition": "file_yearly", "reason": "2027年度备案"}),
        )
        .await;
    assert!(
        first.is_string() && filed["clock"]["not_before"].as_str() > first.as_str(),
        "{first} {}",
        filed["clock"]
    );

    // A second office: not for a main post, not without an approval, and smaller than the first.
    let part_time =
        json!({"post": "part_time", "post_ends": "2028-12-31", "second_office_approval": "永组〔2027〕5号"});
    for more in [json!({}), json!({"post": "part_time"})] {
        let second = applied(leader(&small, "正局(处)级", more)).await;
        office
            .step_is_refused(
                MANAGER,
                &second,
                json!({"transition": "check"}),
                "guard_leader_one_room",
                "USE-06",
            )
            .await;
    }
    let second = applied(leader(&small, "正局(处)级", part_time)).await;
    office.go(MANAGER, &second, json!({"transition": "check"})).await;

    // After leaving, the room is given back, and nobody sits there.
    office.papers(CONTACT, &id, &["return_record"]).await;
    office.days_pass(30);
    let case = office.go(CONTACT, &id, json!({"transition": "vacate"})).await;
    assert_eq!(case["is_open"], false);
    let seated = office.read(&format!("/api/v1/occupants?room={}", own[0])).await;
    assert_eq!(seated["items"], json!([]), "{seated}");
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_unit_s_contact_applies_for_their_own_unit_alone(pool: PgPool) {
    let office = Office::open(&pool).await;
    let own = unit(&office, "审计", "431103").await;
    let other = unit(&office, "统计", "431103").await;
    let token = contact_of(&pool, "own-contact", &own).await;
    let ask = async |method: &str, uri: &str, headers: &[(&str, &str)], body: Option<Value>| {
        office.state.clock.advance(Duration::seconds(7));
        ask_as(&office.app, Some(&token), method, uri, headers, body).await
    };
    let opening =
        |unit: &str| json!({"procedure": "rent_in", "unit_id": unit, "need": {"use_area_m2": "60", "purpose": "窗口"}});
    let opened = ask(
        "POST",
        "/api/v1/policy-cases",
        &[("Idempotency-Key", "own")],
        Some(opening(&own)),
    )
    .await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    let before = entries(&pool).await;
    let refused = ask(
        "POST",
        "/api/v1/policy-cases",
        &[("Idempotency-Key", "other")],
        Some(opening(&other)),
    )
    .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert_eq!(entries(&pool).await, before);
    // They see their own case and no other's.
    begun(&office, "rent_in", &other, need("60", false)).await;
    let seen = ask("GET", "/api/v1/policy-cases?count=true", &[], None).await;
    assert_eq!(
        (&seen.body["total"], &seen.body["items"][0]["unit_id"]),
        (&json!(1), &json!(own))
    );
    // They go on with it, and can't take a step of the bureau's.
    let id = opened.body["id"].as_str().unwrap().to_owned();
    let send = async |what: &str, body: Value| {
        let tag = format!("\"{}\"", office.case(&id).await["version_id"].as_str().unwrap());
        ask(
            "POST",
            &format!("/api/v1/policy-cases/{id}/{what}"),
            &[("If-Match", &tag)],
            Some(body),
        )
        .await
    };
    for kind in APPLICATION {
        let paper = send("records", json!({"record": "document", "kind": kind, "name": "1号"})).await;
        assert_eq!(paper.status, StatusCode::OK, "{}", paper.body);
    }
    let applied = send("transitions", json!({"transition": "apply"})).await;
    assert_eq!(applied.status, StatusCode::OK, "{}", applied.body);
    let beyond = send("transitions", json!({"transition": "search"})).await;
    assert_eq!(
        (beyond.status, &beyond.body["code"]),
        (StatusCode::FORBIDDEN, &json!("not_granted"))
    );
    prove(&pool).await.unwrap();
}
