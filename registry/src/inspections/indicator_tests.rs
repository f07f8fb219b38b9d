//! Every indicator over a small set that is counted by hand: what it says, and that it abstains where there is nothing to say.

use std::collections::BTreeMap;

use axum::Router;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use uuid::Uuid;

use super::indicators::Indicator;
use super::tests::{made, square};
use crate::spatial_units::tests::{app, ask};

fn id(text: &str) -> Uuid {
    Uuid::parse_str(text).unwrap()
}

/// Numerator, denominator and rate by indicator.
async fn figures(app: &Router, inspection: &str, query: &str) -> BTreeMap<String, [Value; 3]> {
    let answer = ask(
        app,
        "GET",
        &format!("/api/v1/inspections/{inspection}/indicators{query}"),
        &[],
        None,
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let lines = answer.body["lines"].as_array().unwrap();
    assert_eq!(lines.len(), Indicator::ALL.len());
    lines
        .iter()
        .map(|line| {
            // What can't be said has its reason, in both languages, and is no 0.
            assert_eq!(line["rate"].is_null(), line["numerator"].is_null(), "{line}");
            assert!(
                !line["rate"].is_null() || (line["why_zh"].is_string() && line["why_en"].is_string()),
                "{line}"
            );
            let name = line["indicator"].as_str().unwrap().to_owned();
            (
                name,
                [
                    line["numerator"].clone(),
                    line["denominator"].clone(),
                    line["rate"].clone(),
                ],
            )
        })
        .collect()
}

async fn inspection(app: &Router, as_of: &str) -> String {
    let body = json!({"title": "指标", "region_code": "431103", "admin_level": "city", "target": "own_level",
        "period_from": "2026-01-01", "period_to": "2026-12-31", "as_of": as_of});
    made(app, "inspections", body).await
}

async fn building(app: &Router, number: u32, more: Value) -> String {
    let mut body = json!({"code": format!("I{number}"), "region_code": "431103", "admin_level": "city", "valid_from": "2015-01-01",
        "usage": "administrative_office", "occupancy": "in_use", "geometry": square(number)});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    made(app, "buildings", body).await
}

#[sqlx::test(migrations = "../migrations")]
async fn each_indicator_says_what_is_counted_by_hand_and_abstains_without(pool: PgPool) {
    let (app, state) = app(&pool).await;
    for (code, level) in [("4311", "city"), ("431102", "county"), ("431103", "county")] {
        let body = json!({"code": code, "name": code, "level": level, "valid_from": "2010-01-01"});
        made(&app, "regions", body).await;
    }
    let inspected = inspection(&app, "2026-11-20").await;
    // An empty book: nothing can be said of anything.
    for (name, figure) in figures(&app, &inspected, "").await {
        assert_eq!(figure, [Value::Null, Value::Null, Value::Null], "{name}");
    }
    let known_before = state.clock.now();
    state.clock.advance(Duration::minutes(1));

    // Due to the unit: A 771 + B 640, and 9 % of both: 1 537.99 m² (2674, 盘锦).
    let unit = made(
        &app,
        "units",
        json!({"code": "财政局", "name": "财政局", "level": "city", "kind": "government_organ", "region_code": "431103",
               "headcount": {"正局(处)级": 1, "副局(处)级": 4, "局(处)级以下": 75}, "valid_from": "2015-01-01"}),
    )
    .await;
    let company = made(
        &app,
        "units",
        json!({"code": "公司", "name": "公司", "level": "city", "kind": "platform_company", "region_code": "431103", "valid_from": "2015-01-01"}),
    )
    .await;
    // 1 000 + 600 + 400 m². The first has all ten facts; the second lacks address, storeys and year; the third those and its name.
    let first = building(
        &app,
        1,
        json!({"name": "一号楼", "address": "湘永路1号", "registered_area_m2": 1000, "title_status": "unified",
        "floors_above": 4, "completed_year": 2001}),
    )
    .await;
    let second = building(
        &app,
        2,
        json!({"name": "二号楼", "registered_area_m2": 600, "title_status": "none_handed"}),
    )
    .await;
    let third = building(
        &app,
        3,
        json!({"registered_area_m2": 400, "title_status": "none_not_handed"}),
    )
    .await;
    // None of these counts: a shop, another level's, another region's, one without an area.
    let shop = building(
        &app,
        4,
        json!({"name": "门面", "usage": "commercial", "registered_area_m2": 5000, "title_status": "unified"}),
    )
    .await;
    building(&app, 5, json!({"admin_level": "county", "registered_area_m2": 9000})).await;
    building(&app, 6, json!({"region_code": "431102", "registered_area_m2": 9000})).await;
    let rented = building(
        &app,
        7,
        json!({"name": "租来的", "usage": "other", "registered_area_m2": 800}),
    )
    .await;
    let room = async |number: &str, more: Value| {
        let mut body = json!({"building_id": first, "floor": 1, "number": number, "room_type": "office", "valid_from": "2015-01-01"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        made(&app, "rooms", body).await
    };
    // The unit holds 2 000 m² of use area; a company's room and an idle one of 100 m² stand beside.
    let one = room(
        "101",
        json!({"use_area_m2": 1200, "unit_id": unit, "occupancy": "in_use"}),
    )
    .await;
    room(
        "102",
        json!({"use_area_m2": 800, "unit_id": unit, "occupancy": "in_use"}),
    )
    .await;
    room(
        "103",
        json!({"use_area_m2": 50, "unit_id": company, "occupancy": "in_use", "room_type": "public"}),
    )
    .await;
    room(
        "104",
        json!({"use_area_m2": 100, "building_area_m2": 150, "occupancy": "idle"}),
    )
    .await;

    // One of the two rooms is agreed on; nothing is certified yet.
    let agreement = json!({"unit_id": unit, "room_ids": [one], "purpose": "行政办公", "starts_on": "2026-01-01", "valid_from": "2026-01-01"});
    let agreement = made(&app, "use-agreements", agreement).await;
    let step = async |body: Value| {
        state.clock.advance(Duration::minutes(1));
        let path = format!("/api/v1/use-agreements/{agreement}");
        let tag = ask(&app, "GET", &path, &[], None).await.etag.unwrap();
        let done = ask(
            &app,
            "POST",
            &format!("{path}/steps"),
            &[("If-Match", &tag)],
            Some(body),
        )
        .await;
        assert_eq!(done.status, 200, "{}", done.body);
    };
    step(json!({"step": "sign", "agreement_no": "协2026-1", "on": "2026-01-02"})).await;

    // The third building stands idle; the shop did and is let again.
    let idle = |asset: &str, since: &str| json!({"asset_id": asset, "idle_since": since, "cause": "surplus", "evidence": "现场"});
    made(&app, "idle-records", idle(&third, "2026-03-01")).await;
    let ended = made(&app, "idle-records", idle(&shop, "2026-02-01")).await;
    state.clock.advance(Duration::minutes(1));
    let path = format!("/api/v1/idle-records/{ended}");
    let tag = ask(&app, "GET", &path, &[], None).await.etag.unwrap();
    let body = json!({"valid_to": "2026-06-01", "occupancy": "let", "reason": "招租"});
    let done = ask(
        &app,
        "POST",
        &format!("{path}/closures"),
        &[("If-Match", &tag)],
        Some(body),
    )
    .await;
    assert_eq!(done.status, 200, "{}", done.body);

    // Rented in 200 m²; let three times: in public, by a using unit, and past its term.
    let lease = |asset: &str, more: Value| crate::leases::tests::shop(asset, more);
    made(
        &app,
        "leases",
        lease(
            &rented,
            json!({"direction": "in", "area_m2": 200, "lessor_kind": "private", "lessor_name": "某公司",
        "lessee_kind": "unit", "lessee_size": null, "lessee_name": "财政局", "price_basis": "appraisal"}),
        ),
    )
    .await;
    made(&app, "leases", lease(&shop, json!({"starts_on": "2026-06-01"}))).await;
    made(
        &app,
        "leases",
        lease(
            &shop,
            json!({"starts_on": "2026-06-01", "lessor_kind": "using_unit", "lessor_name": "财政局"}),
        ),
    )
    .await;
    made(
        &app,
        "leases",
        lease(&shop, json!({"starts_on": "2026-06-01", "ends_on": "2026-10-31"})),
    )
    .await;

    // Straight into the book: the second building is filed; two repairs are in this year's plan and one in the last, one is done;
    // the first building's title agrees, the second's says another area.
    let digest = crate::inspections::definition().unwrap().digest();
    for (asset, state, year) in [
        (&first, "archived", 2026),
        (&second, "working", 2026),
        (&third, "archived", 2025),
    ] {
        let case = Uuid::now_v7();
        sqlx::query("insert into policy_case (id, created_at) values ($1, '2026-01-01')")
            .bind(case)
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query(
            "insert into policy_case_version (version_id, object_id, valid, recorded, asset_id, procedure, definition, state, is_open,
                 region_code, opened_by, paid, remitted, details)
             values (gen_random_uuid(), $1, daterange('2026-01-01', null), tstzrange('2026-01-01', null), $2, 'repair', $3, $4, false,
                 '431103', '李', 0, 0, $5::json)",
        )
        .bind(case)
        .bind(id(asset))
        .bind(&digest)
        .bind(state)
        .bind(json!({"records": [{"no": 1, "fact": {"record": "plan_entry", "year": year, "number": "1", "budget": "1.00"}}]}).to_string())
        .execute(&pool)
        .await
        .unwrap();
    }
    let filed = Uuid::now_v7();
    sqlx::query("insert into title_case (id, created_at) values ($1, '2026-01-01')")
        .bind(filed)
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query(
        "insert into title_case_version (version_id, object_id, valid, recorded, asset_id, state, opened_by, submitted_by, reviewed_by,
             disposal_frozen, details)
         values (gen_random_uuid(), $1, daterange('2026-01-01', null), tstzrange('2026-01-01', null), $2, 'filed', '李', '李', '王', true, '{}')",
    )
    .bind(filed)
    .bind(id(&second))
    .execute(&pool)
    .await
    .unwrap();
    for (building, area) in [(&first, 1000), (&second, 590)] {
        let title = Uuid::now_v7();
        sqlx::query("insert into title (id, created_at) values ($1, '2026-01-01')")
            .bind(title)
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query(
            "insert into title_version (version_id, object_id, valid, recorded, book_state, evidence, holders, co_ownership, right_type,
                 house_area_m2, location, parcel_ids, building_ids)
             values (gen_random_uuid(), $1, daterange('2020-01-01', null), tstzrange('2026-01-01', null), '1', 'house_only',
                 '[{\"name\": \"机关事务管理局\", \"kind\": \"bureau\"}]', '0', '4', $2, '湘永路1号', '{}', $3)",
        )
        .bind(title)
        .bind(area)
        .bind(vec![id(building)])
        .execute(&pool)
        .await
        .unwrap();
    }
    state.clock.advance(Duration::minutes(1));

    let counted = figures(&app, &inspected, "").await;
    for (name, numerator, denominator, rate) in [
        ("unified_registration", "1000", "2000", "50"),
        ("filing", "1", "2", "50"),
        ("use_agreement", "1", "2", "50"),
        // Both rooms of the unit; neither is certified.
        ("use_certificate", "0", "2", "0"),
        ("idle_rate", "550", "2000", "27.5"),
        ("idle_disposal", "1", "2", "50"),
        ("rented_area", "200", "2200", "9.0909"),
        ("lawful_letting", "1", "3", "33.3333"),
        ("repair_plan", "1", "2", "50"),
        // 10 + 7 + 6 of 30.
        ("completeness", "23", "30", "76.6667"),
        ("book_and_title", "1", "2", "50"),
    ] {
        assert_eq!(
            counted[name],
            [json!(numerator), json!(denominator), json!(rate)],
            "{name}"
        );
    }
    // (2 000 − 1 537.99) ÷ 2 000, whatever the coefficient that makes building area of it.
    assert_eq!(counted["excess_area"][2], "23.1005");
    assert_eq!(counted["rectification"], [Value::Null, Value::Null, Value::Null]);

    // With a certificate, one of the two.
    step(json!({"step": "certify", "certificate_no": "证2026-1", "on": "2026-01-03"})).await;
    assert_eq!(
        figures(&app, &inspected, "").await["use_certificate"],
        [json!("1"), json!("2"), json!("50")]
    );
    // As known before anything was registered, nothing can be said; the same book as of February has no idle building yet.
    let before = known_before
        .format(&time::format_description::well_known::Rfc3339)
        .unwrap();
    let before = figures(&app, &inspected, &format!("?known_at={before}")).await;
    assert!(before.values().all(|figure| figure[2].is_null()), "{before:?}");
    let february = inspection(&app, "2026-02-15").await;
    let february = figures(&app, &february, "").await;
    assert_eq!(february["idle_rate"], [json!("150"), json!("2000"), json!("7.5")]);
    assert_eq!(february["idle_disposal"], [json!("0"), json!("1"), json!("0")]);
    assert_eq!(february["lawful_letting"], [Value::Null, Value::Null, Value::Null]);
    // Of the company's own, whose one room is no organ's, there is nothing to say of agreements.
    let body = json!({"title": "公司", "region_code": "431103", "admin_level": "city", "target": "own_level", "unit_id": company,
        "period_from": "2026-01-01", "period_to": "2026-12-31", "as_of": "2026-11-20"});
    let own = made(&app, "inspections", body).await;
    let own = figures(&app, &own, "").await;
    assert_eq!(own["use_agreement"][2], Value::Null);
    assert_eq!(
        own["unified_registration"],
        [json!("1000"), json!("1000"), json!("100")]
    );
}
