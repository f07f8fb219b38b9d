//! Through the router, over a real PostGIS, under the application's role.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::occupants::tests::{bureau, id_of};
use crate::spatial_units::tests::{app, ask};

/// The worked examples by way of the API, to a hundredth.
#[sqlx::test(migrations = "../migrations")]
async fn the_worked_examples_come_out_to_a_hundredth(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let eighty = json!({"正局(处)级": 1, "副局(处)级": 4, "局(处)级以下": 75});
    let county = json!({"section_chief": 1, "副科级": 4, "科级以下": 145});
    let province = json!({"正厅(局)级": 1, "副厅（局）级": 5, "正处级": 20, "副处级": 40, "处级以下": 184});
    let centre = json!({"市级正职": 4, "市级副职": 16, "正处级": 40, "副处级": 80, "科员": 260});
    for (level, headcount, height, ancillary, basic, total) in [
        ("city", eighty.clone(), "multi_storey", json!({}), 2_366.14, 2_662.14),
        ("市级机关", eighty.clone(), "高层", json!({}), 2_563.32, 2_859.32),
        (
            "city",
            eighty,
            "multi_storey",
            json!({"cars": 40, "bicycles": 50, "electric_bicycles": 20}),
            2_366.14,
            4_402.14,
        ),
        ("county", county, "multi_storey", json!({}), 4_059.83, 4_559.83),
        ("province", province, "high_rise", json!({}), 8_667.32, 9_427.32),
        ("city", centre, "high_rise", json!({"cars": 260}), 14_148.20, 25_578.20),
    ] {
        let order = json!({"level": level, "headcount": headcount, "height_class": height, "ancillary": ancillary});
        let answer = ask(&app, "POST", "/api/v1/space-calculations", &[], Some(order)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        assert_eq!(
            (&answer.body["basic_building_m2"], &answer.body["total_m2"]),
            (&json!(basic), &json!(total))
        );
        let steps = answer.body["steps"].as_array().unwrap();
        assert!(
            steps
                .iter()
                .all(|step| !step["source"]["zh"].as_str().unwrap().is_empty() && step["values"] != "")
        );
        assert_eq!(steps.last().unwrap()["result"], json!(total));
    }
    assert_eq!(crate::versioned::tests::entries(&pool).await, 0, "nothing is stored");
}

#[sqlx::test(migrations = "../migrations")]
async fn figures_of_1999_are_named_and_what_is_wrong_says_where(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let order = |more: Value| {
        let mut order = json!({"level": "city", "headcount": {"正局(处)级": 1, "局(处)级以下": 20}});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        order
    };
    let told = json!({"told_limits": {"正局(处)级": 12, "局(处)级以下": 9}, "told_per_head_m2": 22, "actual_building_m2": 900});
    let answer = ask(&app, "POST", "/api/v1/space-calculations", &[], Some(order(told)))
        .await
        .body;
    let notices = answer["notices"].as_array().unwrap();
    assert_eq!(notices.len(), 2, "{notices:?}");
    assert!(notices.iter().all(|notice| notice["rule"] == "SPC-16"));
    assert!(notices[0]["zh"].as_str().unwrap().contains("现行限额为 24 m²"));
    // (24 + 180 + 168) × 1.09 ÷ 0.65 = 623.82
    assert_eq!(answer["excess"]["entitled_m2"], json!(623.82));
    assert_eq!(answer["excess"]["excess_m2"], json!(276.18));
    assert_eq!(answer["estimated_use_area_m2"], json!(585.0));
    for (order, field) in [
        (order(json!({"level": "village"})), "level"),
        (order(json!({"headcount": {}})), "headcount"),
        (order(json!({"headcount": {"县级正职": 1}})), "headcount"),
        (order(json!({"height_class": "castle"})), "height_class"),
        (
            order(json!({"buildings": [{"height_class": "high_rise", "share": 0.4}]})),
            "buildings",
        ),
        (
            order(json!({"ancillary": {"civil_defence_m2": -1}})),
            "ancillary.civil_defence_m2",
        ),
    ] {
        let refused = ask(&app, "POST", "/api/v1/space-calculations", &[], Some(order.clone())).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{order}");
        assert_eq!(refused.body["field"], field, "{order}: {}", refused.body);
    }
    let tables = ask(&app, "GET", "/api/v1/space-standard", &[], None).await.body;
    assert_eq!(tables["levels"][2]["ranks"][2]["limit_m2"], json!(24.0));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_due_to_a_unit_what_it_has_and_what_is_above(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let (unit, building) = bureau(&app).await;
    let mut number = 100;
    let mut room = async |more: Value| {
        number += 1;
        let mut body = json!({"building_id": building, "floor": 1, "number": number.to_string(), "unit_id": unit,
                              "valid_from": "2020-01-01"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        id_of(&app, "rooms", body).await
    };
    let seat = async |room: &str, person: &str, rank: &str, since: &str| {
        let body = json!({"room_id": room, "person": person, "rank": rank, "valid_from": since});
        id_of(&app, "occupants", body).await
    };
    let chief = room(json!({"room_type": "office", "use_area_m2": 24.6, "building_area_m2": 36})).await;
    let shared = room(json!({"room_type": "office", "use_area_m2": 17.5, "building_area_m2": 25})).await;
    let suite = room(json!({"room_type": "office", "use_area_m2": 16, "building_area_m2": 23})).await;
    room(json!({"room_type": "office", "purpose": "rest_room", "part_of_id": suite, "use_area_m2": 8, "building_area_m2": 11})).await;
    room(json!({"room_type": "office", "purpose": "private_washroom", "part_of_id": suite, "use_area_m2": 6.5, "building_area_m2": 9})).await;
    room(json!({"room_type": "service", "purpose": "meeting", "use_area_m2": 700, "building_area_m2": 1000})).await;
    // Only its building area is known: 100 × 65 %.
    room(json!({"room_type": "equipment", "building_area_m2": 100})).await;
    room(json!({"room_type": "ancillary", "purpose": "canteen", "use_area_m2": 250, "building_area_m2": 300})).await;
    room(json!({"use_area_m2": 30})).await;
    seat(&chief, "甲", "正局(处)级", "2020-01-01").await;
    seat(&shared, "乙", "局(处)级以下", "2020-01-01").await;
    seat(&shared, "丙", "科员", "2020-01-01").await;
    seat(&suite, "丁", "副处级", "2024-01-01").await;

    let found = ask(&app, "GET", &format!("/api/v1/units/{unit}/entitlement"), &[], None).await;
    assert_eq!(found.status, StatusCode::OK, "{}", found.body);
    let found = found.body;
    assert_eq!(
        (&found["entitled"]["use_area_m2"], &found["entitled"]["total_m2"]),
        (&json!(1_537.99), &json!(2_662.14))
    );
    let compared = |key: &str| {
        let rows = found["comparison"].as_array().unwrap();
        rows.iter().find(|row| row["key"] == key).unwrap().clone()
    };
    assert_eq!(compared("office")["actual_m2"], json!(72.6));
    assert_eq!(compared("service")["excess_m2"], json!(60.0));
    assert_eq!(
        (&compared("equipment")["actual_m2"], &compared("equipment")["excess_m2"]),
        (&json!(65.0), &json!(0.0))
    );
    assert_eq!(compared("canteen")["excess_m2"], json!(4.0));
    assert_eq!(compared("use_area")["actual_m2"], json!(837.6));
    let types: Vec<(Value, Value, Value)> = found["actual"]
        .as_array()
        .unwrap()
        .iter()
        .map(|total| {
            (
                total["room_type"].clone(),
                total["rooms"].clone(),
                total["estimated"].clone(),
            )
        })
        .collect();
    assert!(
        types.contains(&(json!("office"), json!(5), json!(0))) && types.contains(&(Value::Null, json!(1), json!(1))),
        "{types:?}"
    );
    assert_eq!(found["buildings"][0]["height_class"], "multi_storey");

    // The furthest above comes first: the suite counts as one office, its washroom is too large and not allowed.
    let rooms = found["rooms"].as_array().unwrap();
    assert_eq!(
        (&found["rooms_with_occupants"], &found["rooms_over"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(
        (&rooms[0]["id"], &rooms[0]["check"]["over_m2"]),
        (&json!(suite), &json!(12.5))
    );
    assert_eq!(rooms[0]["check"]["washroom_over_m2"], json!(0.5));
    assert_eq!(rooms[0]["check"]["washroom_not_allowed"], json!(true));
    assert_eq!(
        (&rooms[1]["id"], &rooms[1]["check"]["verdict"]),
        (&json!(chief), &json!("slightly_over"))
    );
    assert_eq!(
        (&rooms[2]["check"]["limit_m2"], &rooms[2]["check"]["verdict"]),
        (&json!(18.0), &json!("within"))
    );
    assert_eq!(rooms[2]["check"]["steps"][0]["values"], "9 + 9");

    // A room alone says the same; before anybody sat there it says why it says nothing.
    let alone = ask(&app, "GET", &format!("/api/v1/rooms/{suite}/entitlement"), &[], None)
        .await
        .body;
    assert_eq!(alone["check"], rooms[0]["check"]);
    let before = ask(
        &app,
        "GET",
        &format!("/api/v1/rooms/{suite}/entitlement?as_of=2023-06-01"),
        &[],
        None,
    )
    .await
    .body;
    assert_eq!((&before["check"], &before["occupants"]), (&Value::Null, &json!([])));
    assert!(before["why_none"]["zh"].as_str().unwrap().contains("没有登记使用人"));
    let before = ask(
        &app,
        "GET",
        &format!("/api/v1/units/{unit}/entitlement?as_of=2023-06-01"),
        &[],
        None,
    )
    .await
    .body;
    assert_eq!(before["rooms_with_occupants"], json!(2));
    let nowhere = format!("/api/v1/units/{}/entitlement", uuid::Uuid::now_v7());
    assert_eq!(
        ask(&app, "GET", &nowhere, &[], None).await.status,
        StatusCode::NOT_FOUND
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_unit_without_ranks_says_why_nothing_is_worked_out(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let none = json!({"code": "N", "name": "甲", "level": "city", "kind": "government_organ"});
    let none = id_of(&app, "units", none).await;
    let found = ask(&app, "GET", &format!("/api/v1/units/{none}/entitlement"), &[], None)
        .await
        .body;
    assert_eq!(found["entitled"], Value::Null);
    assert!(found["why_none"]["zh"].as_str().unwrap().contains("SPC-09"));
    let sum =
        json!({"code": "S", "name": "乙", "level": "city", "kind": "government_organ", "headcount": {"合计": 80}});
    let sum = id_of(&app, "units", sum).await;
    let found = ask(&app, "GET", &format!("/api/v1/units/{sum}/entitlement"), &[], None)
        .await
        .body;
    assert_eq!(
        (&found["entitled"]["office_m2"], &found["entitled"]["unranked"]),
        (&json!(720.0), &json!(80))
    );
}

/// What the rules work out in SQL is what the crate works out.
#[sqlx::test(migrations = "../migrations")]
async fn the_query_of_the_rules_works_out_what_the_crate_does(pool: PgPool) {
    use rust_decimal::Decimal;
    use space_standard::{Ancillary, Calculation, HeightClass, Level, Order, Parameters, grades};
    let mut state = 7_u32;
    let mut next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 16
    };
    let parameters = Parameters::default();
    let standard = serde_json::to_value(parameters.for_queries()).unwrap();
    for level in Level::ALL {
        for _ in 0..20 {
            let headcount: Vec<_> = grades(level).map(|grade| (grade, 1 + next() % 160)).collect();
            let json: serde_json::Map<String, Value> = headcount
                .iter()
                .map(|(grade, persons)| (grade.name.zh.to_owned(), json!(persons)))
                .collect();
            let (persons, office, service, equipment, use_area): (i64, Decimal, Decimal, Decimal, Decimal) =
                sqlx::query_as("select persons, office_m2, service_m2, equipment_m2, use_area_m2 from space_entitlement($1, $2, $3)")
                    .bind(if level == Level::Central { "national" } else { level.code() })
                    .bind(Value::Object(json))
                    .bind(&standard)
                    .fetch_one(&pool)
                    .await
                    .unwrap();
            let order = Order {
                level,
                headcount,
                unranked: 0,
                buildings: vec![(HeightClass::MultiStorey, Decimal::ONE)],
                ancillary: Ancillary::default(),
            };
            let found = Calculation::work_out(&order, &parameters).unwrap();
            assert_eq!(persons, i64::from(found.persons));
            for (sql, rust) in [
                (office, found.office_m2),
                (service, found.service_m2),
                (equipment, found.equipment_m2),
                (use_area, found.use_area_m2),
            ] {
                assert!(
                    (sql - rust).abs() < Decimal::new(1, 6),
                    "{level} {persons}: {sql} {rust}"
                );
            }
        }
    }
    // What has a rank of another level can't be held against anything.
    let found: Option<i64> =
        sqlx::query_scalar("select persons from space_entitlement('city', '{\"县级正职\": 1}', $1)")
            .bind(&standard)
            .fetch_optional(&pool)
            .await
            .unwrap();
    assert_eq!(found, None);
}
