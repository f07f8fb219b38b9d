//! Over a real PostGIS: the value of the nearest region holds, from its day on, and findings follow it.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;
use uuid::Uuid;

use super::super::rule::catalogue;
use super::super::tests::{changed, open, register, square};
use super::{ValuesInForce, held_for};
use crate::ledger::ObjectKind;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};
use crate::versioned::tests::{entries, prove};

/// The two districts that things lie in here.
async fn districts(app: &Router) {
    for code in ["320402", "320404"] {
        let region = json!({"code": code, "name": code, "level": "county", "valid_from": "2000-01-01"});
        register(app, "regions", code, region).await;
    }
}

const LIST: &str = "/api/v1/rule-parameters";

fn value(name: &str, region_code: &str, value: f64) -> Value {
    json!({"name": name, "region_code": region_code, "value": value, "source": "常机管〔2026〕3号", "valid_from": "2026-01-01",
           "reason": "本市标准"})
}

async fn set(app: &Router, key: &str, body: Value) -> (Uuid, String) {
    let made = ask(app, "POST", LIST, &[("Idempotency-Key", key)], Some(body)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    (made.body["id"].as_str().unwrap().parse().unwrap(), made.etag.unwrap())
}

async fn asked(app: &Router, method: &str, id: Uuid, rest: &str, tag: &str, body: Value) -> Answer {
    ask(
        app,
        method,
        &format!("{LIST}/{id}{rest}"),
        &[("If-Match", tag)],
        Some(body),
    )
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn the_nearest_regions_value_decides_what_is_found(pool: PgPool) {
    let (app, state) = app(&pool).await;
    districts(&app).await;
    // Two pairs of parcels that overlap by 60 m² each, in two districts.
    let mut first = Vec::new();
    for (at, region) in [(0.0, "320402"), (500.0, "320404")] {
        for (number, east) in [at, at + 28.0].into_iter().enumerate() {
            let code = format!("{region}-{number}");
            let body = json!({"code": code, "geometry": square(east, 30.0), "region_code": region});
            let (id, _) = register(&app, "parcels", &code, body).await;
            changed(&state, ObjectKind::Parcel, id).await;
            first.push(id);
        }
    }
    let found_in = async |app: &Router| {
        let mut regions: Vec<String> = Vec::new();
        for finding in open(app, "GEO-02").await {
            let code = finding["object_id"].as_str().unwrap();
            let at = first.iter().position(|id| id.to_string() == code).unwrap();
            regions.push(if at < 2 {
                "320402".to_owned()
            } else {
                "320404".to_owned()
            });
        }
        regions.sort();
        regions
    };
    assert_eq!(found_in(&app).await, ["320402", "320404"]);

    // The city tolerates more; one of its districts does not.
    let (city, city_tag) = set(&app, "city", value("overlap_m2", "320400", 80.0)).await;
    changed(&state, ObjectKind::RuleParameter, city).await;
    assert_eq!(found_in(&app).await, [] as [&str; 0]);
    let (district, tag) = set(&app, "district", value("overlap_m2", "320404", 50.0)).await;
    changed(&state, ObjectKind::RuleParameter, district).await;
    assert_eq!(found_in(&app).await, ["320404"]);
    // What changes there is looked at again by the value that holds there.
    changed(&state, ObjectKind::Parcel, first[2]).await;
    changed(&state, ObjectKind::Parcel, first[0]).await;
    assert_eq!(found_in(&app).await, ["320404"]);

    // From a day on another value holds; the days before keep theirs.
    state.clock.advance(time::Duration::minutes(1));
    let later = json!({"value": 70, "valid_from": "2027-01-01", "reason": "新标准"});
    let answer = asked(&app, "PATCH", district, "", &tag, later).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    for (day, holds) in [("2026-12-31", 50.0), ("2027-01-01", 70.0)] {
        let told = ask(&app, "GET", &format!("{LIST}/{district}?as_of={day}"), &[], None).await;
        assert_eq!(told.body["value"], json!(holds), "{day}");
    }
    changed(&state, ObjectKind::RuleParameter, district).await;
    assert_eq!(found_in(&app).await, ["320404"]);

    // Ended, the default holds again.
    state.clock.advance(time::Duration::minutes(1));
    let end = json!({"valid_to": "2026-11-21", "reason": "废止"});
    let ended = asked(&app, "POST", city, "/closures", &city_tag, end).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    changed(&state, ObjectKind::RuleParameter, city).await;
    assert_eq!(found_in(&app).await, ["320402", "320404"]);
    let listed = ask(&app, "GET", LIST, &[], None).await.body;
    let overlap = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "overlap_m2");
    let overlap = overlap.unwrap();
    assert_eq!(
        (&overlap["default"], &overlap["rules"][0]),
        (&json!(0.5), &json!("GEO-02"))
    );
    let own = overlap["of_regions"].as_array().unwrap();
    assert_eq!((own.len(), &own[0]["region_code"]), (1, &json!("320404")));
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_value_is_kept_within_its_bounds_and_by_the_administrator(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (_, tag) = set(&app, "one", value("leave_months", "3204", 2.0)).await;
    let ledger = entries(&pool).await;
    for (body, field, code) in [
        (value("depth", "3204", 1.0), "name", "unknown_parameter"),
        (value("overlap_m2", "3204", -1.0), "value", "parameter_out_of_bounds"),
        (value("title_area_tol", "3204", 1.5), "value", "parameter_out_of_bounds"),
        (value("leave_months", "3205", 1.5), "value", "parameter_not_whole"),
        (value("overlap_m2", "32 04", 1.0), "region_code", ""),
        (
            json!({"name": "overlap_m2", "value": 1, "source": " ", "reason": "x"}),
            "source",
            "",
        ),
        (
            json!({"name": "overlap_m2", "value": 1, "source": "x", "reason": " "}),
            "reason",
            "",
        ),
    ] {
        let refused = ask(&app, "POST", LIST, &[("Idempotency-Key", "bad")], Some(body.clone())).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{body}: {}",
            refused.body
        );
        assert!(code.is_empty() || refused.body["code"] == code, "{}", refused.body);
    }
    let twice = ask(
        &app,
        "POST",
        LIST,
        &[("Idempotency-Key", "twice")],
        Some(value("leave_months", "320400", 3.0)),
    )
    .await;
    assert_eq!(
        (twice.status, &twice.body["code"]),
        (StatusCode::CONFLICT, &json!("rule_parameter_version_no_overlap"))
    );
    let listed = ask(&app, "GET", LIST, &[], None).await.body;
    let held = listed
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "leave_months");
    let id = held.unwrap()["of_regions"][0]["id"].as_str().unwrap().parse().unwrap();
    let stale = asked(&app, "PATCH", id, "", "\"stale\"", json!({"value": 3, "reason": "x"})).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let manager = person_with(&pool, "manager", &[Role::AssetManager], "all").await;
    let at = format!("{LIST}/{id}");
    let change = json!({"value": 3, "reason": "x"});
    let foreign = ask_as(&app, Some(&manager), "PATCH", &at, &[("If-Match", &tag)], Some(change)).await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(entries(&pool).await, ledger);
    drop(state);
}

/// Rooms go by where their building stands, units by where they are; what lies nowhere goes by what holds everywhere.
#[sqlx::test(migrations = "../migrations")]
async fn every_kind_of_object_has_its_place(pool: PgPool) {
    let (app, _state) = app(&pool).await;
    districts(&app).await;
    for (key, region, share) in [("all", "", 3.0), ("city", "3204", 4.0), ("district", "320404", 5.0)] {
        set(&app, key, value("leave_months", region, share)).await;
    }
    let building = json!({"code": "b", "geometry": square(0.0, 30.0), "region_code": "320404"});
    let (building, _) = register(&app, "buildings", "b", building).await;
    let room = json!({"building_id": building, "floor": 1, "number": "101", "building_area_m2": 30});
    let (room, _) = register(&app, "rooms", "r", room).await;
    let unit =
        json!({"code": "U1", "name": "单位", "level": "city", "kind": "government_organ", "region_code": "320402"});
    let (unit, _) = register(&app, "units", "u", unit).await;
    let (nowhere, _) = register(
        &app,
        "parcels",
        "n",
        json!({"code": "n", "geometry": square(99.0, 30.0)}),
    )
    .await;
    let catalogue = catalogue().unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let today = date!(2026 - 11 - 21);
    let rule = &catalogue.rules["USE-08"];
    let in_force = ValuesInForce::on(&mut connection, rule, today).await.unwrap();
    let profiles = in_force.profiles(catalogue);
    let held = held_for(&mut connection, &profiles, &[building, room, unit, nowhere], today)
        .await
        .unwrap();
    let months = |id: Uuid| profiles[held[&id]].value("leave_months");
    assert_eq!([building, room, unit, nowhere].map(months), [5.0, 5.0, 4.0, 3.0]);
    // A rule that compares with nothing of it is run once; before anything holds, all are.
    let other = &catalogue.rules["GEO-02"];
    let elsewhere = ValuesInForce::on(&mut connection, other, today).await.unwrap();
    assert_eq!(elsewhere.profiles(catalogue).len(), 1);
    let before = date!(2025 - 12 - 31);
    let before = ValuesInForce::on(&mut connection, rule, before).await.unwrap();
    assert_eq!(before.profiles(catalogue).len(), 1);
}
