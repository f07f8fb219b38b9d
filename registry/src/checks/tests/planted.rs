//! Faults planted in a book are found, and nothing else is.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgPool;

use super::{check_everything, every_page};
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::prove;

/// The faults that were planted in the demo city are found, each by its rule, and nothing else is.
#[sqlx::test(migrations = "../migrations")]
async fn every_planted_fault_is_found_and_nothing_else(pool: PgPool) {
    let (app, state) = app(&pool).await;
    // Rules of what a unit has in all look at every room.
    let city = gis_data::demo_city::DemoCity::generate(gis_data::demo_city::SEED).unwrap();
    crate::demo_city::load(&state.database, &state.clock, city.clone())
        .await
        .unwrap();
    let outcomes = check_everything(&state).await;
    let found: Vec<(String, String, Option<String>)> = sqlx::query_as(
        "select f.rule, coalesce(u.source_key, r.source_key, n.code), coalesce(o.source_key, ro.source_key)
           from finding f
           left join spatial_unit u on u.id = f.object_id
           left join spatial_unit o on o.id = f.other_id
           left join room_version r on r.object_id = f.object_id and upper_inf(r.valid)
           left join room_version ro on ro.object_id = f.other_id and upper_inf(ro.valid)
           left join unit_version n on n.object_id = f.object_id
          where f.state = 'new'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let mut by_rule: BTreeMap<&str, BTreeSet<BTreeSet<String>>> = BTreeMap::new();
    for (rule, key, other) in &found {
        let keys = [Some(key.clone()), other.clone()].into_iter().flatten().collect();
        assert!(by_rule.entry(rule).or_default().insert(keys), "{rule} {key} twice");
    }
    let mut planted: BTreeMap<&str, BTreeSet<BTreeSet<String>>> = BTreeMap::new();
    for fault in &city.faults {
        let is_pair = matches!(
            fault.rule,
            "GEO-02" | "GEO-03" | "GEO-06" | "COD-02" | "COD-10E" | "USE-06" | "ALC-04"
        );
        let other = is_pair.then(|| fault.other_key.clone());
        // A fault of a lease is shown at what is let.
        let key = if fault.layer == "leases" {
            &fault.other_key
        } else {
            &fault.key
        };
        let keys = [Some(key.clone()), other].into_iter().flatten().collect();
        planted.entry(fault.rule).or_default().insert(keys);
    }
    assert_eq!(by_rule, planted);
    for (rule, outcome) in &outcomes {
        let expected = planted.get(rule.as_str()).map_or(0, BTreeSet::len) as u64;
        assert_eq!(
            (outcome.found, outcome.new, outcome.resolved),
            (expected, expected, 0),
            "{rule}"
        );
    }
    // Again it changes nothing, not even a revision.
    let again = check_everything(&state).await;
    assert!(again.values().all(|outcome| outcome.new == 0 && outcome.resolved == 0));
    let revised: i64 = sqlx::query_scalar("select count(*) from finding where revision > 1")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(revised, 0);

    // What the page reads of it.
    let rules = ask(&app, "GET", "/api/v1/rules", &[], None).await.body;
    let overlap = rules
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["id"] == "GEO-02")
        .unwrap();
    assert_eq!(overlap["findings"]["new"], 6);
    assert_eq!(overlap["parameters"][0]["name"], "overlap_m2");
    let listed = ask(
        &app,
        "GET",
        "/api/v1/findings?severity=error&count=true&limit=500",
        &[],
        None,
    )
    .await
    .body;
    let items = listed["items"].as_array().unwrap();
    assert_eq!(listed["total"].as_u64().unwrap() as usize, items.len());
    assert!(items.iter().all(|finding| finding["severity"] == "error"));
    let text = serde_json::to_string(items).unwrap();
    assert!(
        !text.contains("{overlap_m2}") && text.contains("与另一宗地重叠"),
        "a finding says its values"
    );
    let paged = every_page(&app, "/api/v1/findings?limit=7").await;
    assert_eq!(paged.len(), found.len());
    let ids: BTreeSet<&str> = paged.iter().map(|finding| finding["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), found.len(), "nothing comes twice");
    let on_map = paged.iter().filter(|finding| finding["lon"].is_number()).count();
    assert!(
        on_map > 60 && on_map < paged.len(),
        "{on_map}: units and what has no shape are on no map"
    );
    let district = ask(&app, "GET", "/api/v1/findings?region=320402&count=true", &[], None)
        .await
        .body;
    assert!((1..found.len() as u64).contains(&district["total"].as_u64().unwrap()));
    prove(&pool).await.unwrap();
}
