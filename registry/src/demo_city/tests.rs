//! Over a real PostGIS, under the application's role.

use gis_data::demo_city::{DemoCity, SEED};
use serde_json::json;
use sqlx::PgPool;

use super::{DATASET, DemoLoaded, DemoRefused, load};
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::{entries, prove};

/// The city with all its assets and the rooms of some buildings: those with a planted fault, and the first forty.
pub(crate) fn city() -> DemoCity {
    let mut city = DemoCity::generate(SEED).unwrap();
    let faulty: Vec<&str> = city
        .faults
        .iter()
        .filter(|fault| fault.rule.starts_with("SPC-1"))
        .map(|fault| fault.key.split('/').next().unwrap())
        .collect();
    let kept: Vec<bool> = city
        .buildings
        .iter()
        .enumerate()
        .map(|(index, building)| index < 40 || faulty.contains(&building.key.as_str()))
        .collect();
    city.rooms.retain(|room| kept[room.building]);
    let rooms: std::collections::HashSet<String> = city.rooms.iter().map(|room| room.key.clone()).collect();
    city.occupants.retain(|occupant| rooms.contains(&occupant.room));
    for agreement in &mut city.agreements {
        agreement.rooms.retain(|room| rooms.contains(room));
    }
    city.agreements.retain(|agreement| !agreement.rooms.is_empty());
    city
}

#[sqlx::test(migrations = "../migrations")]
async fn the_city_is_there_with_its_census_and_its_ledger(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let city = city();
    let rooms = city.rooms.len();
    let outcome = load(&state.database, &state.clock, city.clone()).await.unwrap();
    assert_eq!(outcome, DemoLoaded::Loaded);

    let totals = ask(&app, "GET", "/api/v1/totals", &[], None).await.body;
    assert_eq!(totals["units"]["count"], 238);
    assert_eq!(totals["sites"]["count"], 624);
    assert_eq!(totals["buildings"]["count"], 1500);
    assert_eq!(totals["parcels"]["count"], city.parcels.len());
    assert_eq!(totals["rooms"]["count"], rooms);
    assert_eq!(
        totals["floor_area"],
        json!({"area_m2": 4_939_100.0, "registered": 1500, "outlines": 0})
    );
    // Before its first day there was nothing; on it, nothing had fallen idle later than that yet.
    let before = ask(&app, "GET", "/api/v1/totals?as_of=2023-12-31", &[], None)
        .await
        .body;
    assert_eq!(before["sites"]["count"], 0);
    let first = ask(&app, "GET", "/api/v1/totals?as_of=2024-01-01", &[], None)
        .await
        .body;
    assert_eq!(first["floor_area"], totals["floor_area"]);
    let idle = |totals: &serde_json::Value| totals["buildings"]["occupancy"]["idle"]["count"].as_i64().unwrap();
    assert!(idle(&first) > 0 && idle(&first) < idle(&totals));

    let datasets = ask(&app, "GET", "/api/v1/map", &[], None).await.body["datasets"].clone();
    let made_up: Vec<_> = datasets
        .as_array()
        .unwrap()
        .iter()
        .filter(|dataset| dataset["made_up"] == true)
        .map(|dataset| dataset["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(made_up, [DATASET]);

    // One entry for each thing, each with its versions, and every row is what the ledger says.
    let things = DemoCity::divisions().len()
        + 238
        + 624
        + 1500
        + city.parcels.len()
        + rooms
        + city.relations.len()
        + city.titles.len()
        + city.filings.len()
        + city.cases.len()
        + city.agreements.len()
        + city.use_filings.len()
        + city.occupants.len()
        // A lease, its schedule and its account, what is waived of it, and the policy.
        + city.leases.len() * 3
        + city.leases.iter().filter(|lease| lease.relief_months > 0).count()
        + 1
        // Thresholds, two stocktakings with what was answered of their lines, an inspection and what it found.
        + yearly(&pool).await
        + 3;
    assert_eq!(entries(&pool).await, i64::try_from(things).unwrap());
    prove(&pool).await.unwrap();

    // Again it changes nothing.
    let again = load(&state.database, &state.clock, city.clone()).await.unwrap();
    assert_eq!(again, DemoLoaded::AlreadyThere);
    assert_eq!(entries(&pool).await, i64::try_from(things).unwrap());
}

/// Thresholds, answered lines of stocktakings, and findings of inspections.
async fn yearly(pool: &PgPool) -> usize {
    let count: i64 = sqlx::query_scalar(
        "select (select count(*) from approval_threshold) + (select count(*) from inspection_finding)
              + (select count(*) from stocktaking_line_version)",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    usize::try_from(count).unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_bureau_does_every_year_is_there_as_its_procedures_have_it(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let mut city = city();
    city.rooms.clear();
    city.occupants.clear();
    city.agreements.clear();
    let counted = city.parcels.len()
        + city
            .buildings
            .iter()
            .filter(|building| building.occupancy != "demolished")
            .count();
    load(&state.database, &state.clock, city).await.unwrap();
    let read = async |uri: &str| {
        let answer = ask(&app, "GET", uri, &[], None).await;
        assert_eq!(answer.status, axum::http::StatusCode::OK, "{uri}: {}", answer.body);
        answer.body
    };

    let examples = read("/api/v1/approval-thresholds/examples").await;
    let thresholds = read("/api/v1/approval-thresholds").await;
    let held = thresholds["items"].as_array().unwrap();
    assert_eq!(held.len(), examples.as_array().unwrap().len());
    assert!(
        held.iter()
            .all(|row| row["is_example"] == true && row["region_code"] == "3204")
    );

    let stocktakings = read("/api/v1/stocktakings").await["items"].clone();
    let of_state = |word: &str| {
        let one = stocktakings.as_array().unwrap().iter().find(|one| one["state"] == word);
        one.unwrap_or_else(|| panic!("{word}: {stocktakings}"))["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    // The clock of these tests stands in November 2026: that of 2025 is done, every line of it answered and corrected.
    let done = read(&format!("/api/v1/stocktakings/{}", of_state("closed"))).await;
    let progress = &done["progress"];
    assert_eq!(
        (
            &done["as_of"],
            &done["lines"],
            &progress["answered"],
            &progress["unsettled"]
        ),
        (&json!("2025-12-31"), &json!(counted), &json!(counted), &json!(0))
    );
    assert!(progress["settled"].as_i64().unwrap() > 0, "{progress}");
    let open = read(&format!("/api/v1/stocktakings/{}", of_state("confirming"))).await;
    let number = |name: &str| open["progress"][name].as_i64().unwrap();
    assert!(0 < number("answered") && number("answered") < number("lines"), "{open}");
    assert!(number("differences") > 0, "{open}");

    let inspections = read("/api/v1/inspections").await["items"].clone();
    let id = inspections[0]["id"].as_str().unwrap();
    let inspection = read(&format!("/api/v1/inspections/{id}")).await;
    assert_eq!(
        (&inspection["state"], inspections.as_array().unwrap().len()),
        (&json!("rectifying"), 1)
    );
    let findings = read(&format!("/api/v1/inspection-findings?inspection={id}")).await["items"].clone();
    let states: Vec<&str> = findings
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["state"].as_str().unwrap())
        .collect();
    assert_eq!(states.len(), 4);
    assert_eq!(states.iter().filter(|state| **state == "rectified").count(), 1);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_registry_that_holds_other_data_is_left_alone(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let body = json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ"});
    ask(&app, "POST", "/api/v1/units", &[("Idempotency-Key", "u")], Some(body)).await;
    let before = entries(&pool).await;
    let mut city = city();
    city.rooms.clear();
    city.occupants.clear();
    let refused = load(&state.database, &state.clock, city.clone()).await.unwrap_err();
    assert!(matches!(refused, DemoRefused::HoldsOtherData), "{refused}");
    assert_eq!(entries(&pool).await, before);
}

/// What a load writes is written whole or not at all.
#[sqlx::test(migrations = "../migrations")]
async fn a_load_that_fails_leaves_nothing_behind(pool: PgPool) {
    let (_, state) = app(&pool).await;
    let mut city = city();
    // Two rooms of one number: the last thing that is written is refused.
    let again = city.rooms[0].clone();
    city.rooms.push(again);
    let failed = load(&state.database, &state.clock, city.clone()).await.unwrap_err();
    assert!(matches!(failed, DemoRefused::Fault(_)), "{failed}");
    assert_eq!(entries(&pool).await, 0);
    let left: i64 = sqlx::query_scalar("select (select count(*) from dataset) + (select count(*) from region)")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
    city.rooms.pop();
    assert_eq!(
        load(&state.database, &state.clock, city).await.unwrap(),
        DemoLoaded::Loaded
    );
}
