//! Over HTTP and a real PostGIS.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};
use crate::versioned::tests::{entries, prove};

async fn building(app: &Router, code: &str, region: &str) -> Uuid {
    let shape = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
    let body = json!({"code": code, "geometry": shape, "region_code": region, "valid_from": "2020-01-01"});
    let answer = ask(
        app,
        "POST",
        "/api/v1/buildings",
        &[("Idempotency-Key", code)],
        Some(body),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body["id"].as_str().unwrap().parse().unwrap()
}

async fn office(app: &Router) -> (Uuid, Uuid) {
    for code in ["320402", "320404"] {
        let body = json!({"code": code, "name": code, "level": "county", "valid_from": "2010-01-01"});
        let made = ask(app, "POST", "/api/v1/regions", &[("Idempotency-Key", code)], Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    }
    (building(app, "B1", "320402").await, building(app, "B2", "320404").await)
}

fn month(building: &str, number: u8, quantity: &str) -> Value {
    let last = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31][usize::from(number) - 1];
    json!({"building_code": building, "utility": "electricity", "from": format!("2026-{number:02}-01"), "to": format!("2026-{number:02}-{last}"),
           "quantity": quantity})
}

async fn bring(app: &Router, readings: Vec<Value>) -> Answer {
    let key = Uuid::now_v7().to_string();
    let body = json!({"readings": readings, "source": "供电公司 2026年账单"});
    ask(
        app,
        "POST",
        "/api/v1/meter-readings",
        &[("Idempotency-Key", &key)],
        Some(body),
    )
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn readings_are_brought_corrected_and_never_counted_twice(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (one, _) = office(&app).await;
    let read = async |query: &str| {
        ask(
            &app,
            "GET",
            &format!("/api/v1/meter-readings?building={one}{query}"),
            &[],
            None,
        )
        .await
        .body
    };
    let first = bring(
        &app,
        vec![month("B1", 1, "1000"), month("B1", 2, "900.50"), month("B2", 1, "7")],
    )
    .await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!(first.body, json!({"new": 3, "corrected": 0, "unchanged": 0}));
    let known = state.clock.now();
    state.clock.advance(time::Duration::minutes(1));
    // The same again changes nothing, another amount for the same days corrects; what was said stays known.
    let again = bring(
        &app,
        vec![month("B1", 1, "1000.0"), month("B1", 2, "950"), month("B1", 3, "0")],
    )
    .await;
    assert_eq!(
        again.body,
        json!({"new": 1, "corrected": 1, "unchanged": 1}),
        "{}",
        again.body
    );
    let said = read("").await;
    let amounts: Vec<_> = said
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["from"], &one["to"], &one["quantity"]))
        .collect();
    assert_eq!(
        amounts,
        [
            (&json!("2026-03-01"), &json!("2026-03-31"), &json!("0")),
            (&json!("2026-02-01"), &json!("2026-02-28"), &json!("950")),
            (&json!("2026-01-01"), &json!("2026-01-31"), &json!("1000")),
        ]
    );
    let then = known.format(&time::format_description::well_known::Rfc3339).unwrap();
    assert_eq!(read(&format!("&known_at={then}")).await[0]["quantity"], "900.5");
    assert_eq!(read("&utility=water").await, json!([]));

    let before = entries(&pool).await;
    let mut across = month("B1", 3, "5");
    across["to"] = json!("2026-04-02");
    let mut unnamed = month("B1", 4, "5");
    unnamed["building_id"] = json!(one);
    let mut reversed = month("B1", 4, "5");
    reversed["to"] = json!("2026-03-01");
    let mut late = month("B1", 4, "5");
    late["to"] = json!("2026-11-22");
    let mut steam = month("B1", 4, "5");
    steam["utility"] = json!("steam");
    for (readings, status, field, code) in [
        (vec![across], 409, "readings[0].from", "reading_overlaps"),
        (
            vec![month("B1", 4, "5"), month("B1", 4, "6")],
            409,
            "readings[1].from",
            "reading_overlaps",
        ),
        (
            vec![month("B1", 4, "5"), month("B9", 4, "5")],
            422,
            "readings[1].building_id",
            "building_unknown",
        ),
        (vec![unnamed], 422, "readings[0].building_id", "building_unnamed"),
        (vec![reversed], 422, "readings[0].to", "days_reversed"),
        (vec![late], 422, "readings[0].to", "date_in_future"),
        (
            vec![month("B1", 4, "-1")],
            422,
            "readings[0].quantity",
            "quantity_invalid",
        ),
        (
            vec![month("B1", 4, "1.00001")],
            422,
            "readings[0].quantity",
            "quantity_invalid",
        ),
        (vec![steam], 422, "readings[0].utility", ""),
        (Vec::new(), 422, "readings", ""),
    ] {
        let refused = bring(&app, readings.clone()).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["field"]),
            (status, &json!(field)),
            "{readings:?}: {}",
            refused.body
        );
        if !code.is_empty() {
            assert_eq!(refused.body["code"], code);
        }
    }
    assert_eq!(entries(&pool).await, before);
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn readings_are_their_buildings_and_speak_of_idleness(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (one, _) = office(&app).await;
    let usual = (1..=7).map(|number| month("B1", number, "1000")).collect();
    assert_eq!(bring(&app, usual).await.status, StatusCode::CREATED);
    let kinds = async || {
        let said = ask(
            &app,
            "GET",
            &format!("/api/v1/buildings/{one}/idle-proposal"),
            &[],
            None,
        )
        .await
        .body;
        let reasons = said["reasons"].as_array().unwrap().iter();
        reasons
            .map(|reason| {
                format!(
                    "{} {}",
                    reason["kind"].as_str().unwrap(),
                    reason["since"].as_str().unwrap()
                )
            })
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, ["consumption_usual 2026-07-01"]);
    let still = (8..=10).map(|number| month("B1", number, "12")).collect();
    assert_eq!(bring(&app, still).await.status, StatusCode::CREATED);
    assert_eq!(kinds().await, ["consumption_fell 2026-08-01"]);

    // A part's people see and bring that part's.
    let inside = person_with(&pool, "inside", &[Role::AssetManager], "320402").await;
    let beside = person_with(&pool, "beside", &[Role::AssetManager], "320404").await;
    let read = async |token: &str| {
        let uri = format!("/api/v1/meter-readings?building={one}");
        ask_as(&app, Some(token), "GET", &uri, &[], None)
            .await
            .body
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((read(&inside).await, read(&beside).await), (10, 0));
    state.clock.advance(time::Duration::minutes(1));
    let body = json!({"readings": [month("B1", 1, "1")], "source": "账单"});
    let refused = ask_as(
        &app,
        Some(&beside),
        "POST",
        "/api/v1/meter-readings",
        &[("Idempotency-Key", "a")],
        Some(body.clone()),
    )
    .await;
    assert_eq!(refused.body["code"], "building_unknown", "{}", refused.body);
    let taken = ask_as(
        &app,
        Some(&inside),
        "POST",
        "/api/v1/meter-readings",
        &[("Idempotency-Key", "b")],
        Some(body),
    )
    .await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.body);
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
    let ledger = async |token: &str| {
        ask_as(&app, Some(token), "GET", "/api/v1/ledger?limit=100", &[], None)
            .await
            .body
            .to_string()
    };
    assert!(ledger(&inside).await.contains("\"meter\""));
    assert!(!ledger(&beside).await.contains("\"meter\""));
}
