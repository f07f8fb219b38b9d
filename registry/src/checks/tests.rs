//! Over a real PostGIS, under the application's role.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::begin_check;
use super::follow::look_again;
use super::rule::catalogue;
use super::run::{Scope, run_rule};
use crate::http::AppState;
use crate::ids::SpatialUnitId;
use crate::ledger::{EntryId, FollowedEntry, ObjectKind};
use crate::request::Actor;
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::prove;

pub(super) async fn check_everything(state: &AppState) -> BTreeMap<String, super::RuleOutcome> {
    begin_check(&state.database, &state.clock, &Actor("tester".to_owned()), None)
        .await
        .unwrap()
        .carry_out(&state.database, &state.clock, |_, _| {})
        .await
        .unwrap()
}

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

pub(super) async fn every_page(app: &Router, address: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut next = Some(address.to_owned());
    while let Some(address) = next {
        let page = ask(app, "GET", &address, &[], None).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        items.extend(page.body["items"].as_array().unwrap().clone());
        next = page.body["next"].as_str().map(ToOwned::to_owned);
    }
    items
}

/// A square, some metres east of a place in Changzhou.
pub(super) fn square(east_m: f64, side_m: f64) -> Value {
    let (lon, lat) = (1.0 / 94_700.0, 1.0 / 110_870.0);
    let (west, south) = (119.95 + east_m * lon, 31.78);
    let (east, north) = (west + side_m * lon, south + side_m * lat);
    json!({"type": "Polygon", "coordinates":
        [[[west, south], [east, south], [east, north], [west, north], [west, south]]]})
}

pub(super) async fn register(app: &Router, layer: &str, key: &str, body: Value) -> (Uuid, String) {
    let address = format!("/api/v1/{layer}");
    let answer = ask(app, "POST", &address, &[("Idempotency-Key", key)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let id = answer.body["id"].as_str().unwrap().parse().unwrap();
    (id, answer.etag.unwrap())
}

pub(super) async fn change(app: &Router, layer: &str, id: Uuid, etag: &str, body: Value) -> String {
    let address = format!("/api/v1/{layer}/{id}");
    let answer = ask(app, "PATCH", &address, &[("If-Match", etag)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.etag.unwrap()
}

/// As if the ledger had told of it.
pub(super) async fn changed(state: &AppState, kind: ObjectKind, id: Uuid) {
    let entry = FollowedEntry {
        seq: 1,
        entry_id: EntryId::fresh(),
        object_kind: Some(kind),
        object_id: id,
        action: None,
    };
    look_again(&state.database, &state.clock, &[entry]).await.unwrap();
}

pub(super) async fn open(app: &Router, rule: &str) -> Vec<Value> {
    every_page(app, &format!("/api/v1/findings?rule={rule}")).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_change_is_looked_at_again_with_what_lies_around(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (one, _) = register(
        &app,
        "parcels",
        "one",
        json!({"code": "one", "geometry": square(0.0, 30.0)}),
    )
    .await;
    let (other, etag) = register(
        &app,
        "parcels",
        "other",
        json!({"code": "other", "geometry": square(28.0, 30.0)}),
    )
    .await;
    changed(&state, ObjectKind::Parcel, other).await;
    let found = open(&app, "GEO-02").await;
    assert_eq!(found.len(), 1, "{found:?}");
    let area = found[0]["evidence"]["overlap_m2"].as_f64().unwrap();
    assert!((area - 60.0).abs() < 0.5, "{area}");
    let ends: BTreeSet<&str> = ["object_id", "other_id"]
        .iter()
        .map(|end| found[0][*end].as_str().unwrap())
        .collect();
    assert_eq!(
        ends,
        [one.to_string(), other.to_string()]
            .iter()
            .map(String::as_str)
            .collect()
    );

    // It moves away: put right, and the other end of the pair does not keep it alive.
    let etag = change(&app, "parcels", other, &etag, json!({"geometry": square(30.0, 30.0)})).await;
    changed(&state, ObjectKind::Parcel, other).await;
    assert_eq!(open(&app, "GEO-02").await, [] as [Value; 0]);
    let resolved = every_page(&app, "/api/v1/findings?state=resolved").await;
    assert_eq!(resolved.len(), 1);
    assert!(resolved[0]["resolved_at"].is_string());

    // It comes back: the same finding, new again.
    change(&app, "parcels", other, &etag, json!({"geometry": square(28.0, 30.0)})).await;
    changed(&state, ObjectKind::Parcel, other).await;
    let again = open(&app, "GEO-02").await;
    assert_eq!((again.len(), &again[0]["id"]), (1, &found[0]["id"]));
    assert_eq!(again[0]["state"], "new");

    // A building at fault because its parcel changed, though nobody touched the building.
    let (building, _) = register(
        &app,
        "buildings",
        "b",
        json!({"code": "b", "geometry": square(200.0, 10.0)}),
    )
    .await;
    let (parcel, etag) = register(
        &app,
        "parcels",
        "p",
        json!({"code": "p", "geometry": square(195.0, 30.0)}),
    )
    .await;
    let related = ask(
        &app,
        "POST",
        &format!("/api/v1/parcels/{parcel}/relations"),
        &[("Idempotency-Key", "r")],
        Some(json!({"related_id": building})),
    )
    .await;
    assert_eq!(related.status, StatusCode::CREATED, "{}", related.body);
    changed(&state, ObjectKind::Relation, parcel).await;
    assert_eq!(open(&app, "GEO-04").await, [] as [Value; 0]);
    change(&app, "parcels", parcel, &etag, json!({"geometry": square(203.0, 30.0)})).await;
    changed(&state, ObjectKind::Parcel, parcel).await;
    let outside = open(&app, "GEO-04").await;
    assert_eq!(outside[0]["object_id"].as_str().unwrap(), building.to_string());
    assert!(
        (outside[0]["evidence"]["outside_m2"].as_f64().unwrap() - 30.0).abs() < 0.5,
        "{outside:?}"
    );
    // What was looked at in part is what is found as a whole.
    let before: Vec<(Uuid, i64)> = sqlx::query_as("select id, revision from finding order by id")
        .fetch_all(&pool)
        .await
        .unwrap();
    check_everything(&state).await;
    let after: Vec<(Uuid, i64)> = sqlx::query_as("select id, revision from finding order by id")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(before, after);
}

pub(super) async fn found_by(state: &AppState, rule: &str, objects: Option<Vec<Uuid>>) -> u64 {
    let catalogue = catalogue().unwrap();
    let scope = objects.map_or(Scope::All, Scope::Objects);
    let at = (state.clock.today(), state.clock.now());
    run_rule(&state.database, catalogue, &catalogue.rules[rule], at, &scope)
        .await
        .unwrap()
        .found
}

/// Cases that the demo city has none of: what fires, and what comes near and must not.
#[sqlx::test(migrations = "../migrations")]
async fn each_rule_fires_where_it_should_and_only_there(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let region = |code: &str, shape: Option<Value>| json!({"code": code, "name": code, "level": "county", "valid_from": "2000-01-01", "geometry": shape});
    let wide = json!({"type": "MultiPolygon", "coordinates": [[[[119.9, 31.7], [120.0, 31.7], [120.0, 31.9], [119.9, 31.9], [119.9, 31.7]]]]});
    register(&app, "regions", "320404", region("320404", Some(wide))).await;
    let good = "320404001002GB00015W00000000";
    let mut number = 0;
    let mut parcel = async |body: Value| {
        number += 1;
        let mut body = body;
        let place = f64::from(number) * 100.0;
        let fields = body.as_object_mut().unwrap();
        fields.entry("geometry").or_insert_with(|| square(place, 30.0));
        fields.entry("code").or_insert_with(|| json!(format!("P{number}")));
        fields.entry("valid_from").or_insert_with(|| json!("2020-01-01"));
        register(&app, "parcels", &format!("p{number}"), body).await.0
    };

    // COD-01: every valid example of the standard is quiet, every invalid one is not.
    for (code, fires) in [
        ("431103001002GB00015F00010001", false),
        (good, false),
        ("431103001002GB00015F99990001", false),
        ("320404003007GX00003F00010001", false),
        ("530102005011GW00002W00000000", false),
        ("431103001002GB0015F00010001", true),
        ("431103001002GK00015F00010001", true),
        ("431103001002GB00015W00000001", true),
        ("431103001002gb00015F00010001", true),
        ("431103001002GA00015W00000000", true),
        ("431100001002GB00015F00010001", true),
        ("431103001002GB00000W00000000", true),
        ("431103001002GBO0015F00010001", true),
        ("431103001002GB00015F00000001", true),
    ] {
        let id = stored(&pool, code).await;
        assert_eq!(
            found_by(&state, "COD-01", Some(vec![id])).await,
            u64::from(fires),
            "{code}"
        );
    }
    assert_eq!(found_by(&state, "COD-01", None).await, 9);
    sqlx::query(
        "update spatial_unit_version set recorded = tstzrange(lower(recorded), lower(recorded) + interval '1 s')",
    )
    .execute(&pool)
    .await
    .unwrap();

    // COD-06: F where nothing stands.
    let empty = parcel(json!({"unit_code": "320404001002GB00016F00010001"})).await;
    assert_eq!(found_by(&state, "COD-06", Some(vec![empty])).await, 1);
    // COD-08 and GEO-08: a region that nobody registered, and one that it does not lie in.
    let id = parcel(json!({"region_code": "320404"})).await;
    assert_eq!(found_by(&state, "COD-08", Some(vec![id])).await, 0);
    assert_eq!(found_by(&state, "GEO-08", Some(vec![id])).await, 0);
    sqlx::query("update spatial_unit_version set region_code = '329999' where object_id = $1")
        .bind(id)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(found_by(&state, "COD-08", Some(vec![id])).await, 1);
    let far = parcel(json!({"region_code": "320404", "geometry": square(90_000.0, 30.0)})).await;
    assert_eq!(found_by(&state, "GEO-08", Some(vec![far])).await, 1);
    // COD-09: three digits are the edition of 2007 and no other.
    for (scheme, code, fires) in [
        ("GB21010-2007", "081", false),
        ("GB21010-2007", "0801", true),
        ("GB21010-2017", "0801", false),
        ("YDYH-2023", "0801", false),
        ("YDYH-2023", "081", true),
    ] {
        let id = stored(&pool, good).await;
        sqlx::query("update spatial_unit_version set land_use_scheme = $2, land_use_code = $3 where object_id = $1")
            .bind(id)
            .bind(scheme)
            .bind(code)
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(
            found_by(&state, "COD-09", Some(vec![id])).await,
            u64::from(fires),
            "{scheme} {code}"
        );
    }
    // COD-11: a check character that is right, and one that is not; a bureau's own code has none.
    for (code, fires) in [
        ("91350100M000100Y43", false),
        ("91350100M000100Y44", true),
        ("BUREAU-1", false),
    ] {
        let unit = json!({"code": code, "name": code, "level": "city", "kind": "government_organ"});
        let (id, _) = register(&app, "units", code, unit).await;
        assert_eq!(
            found_by(&state, "COD-11", Some(vec![id])).await,
            u64::from(fires),
            "{code}"
        );
        assert_eq!(found_by(&state, "SPC-09", Some(vec![id])).await, 1);
    }
    // GEO-02: what is underground is not compared with what is on the ground.
    let ground = parcel(json!({"unit_code": "320404001002GB00031W00000000", "geometry": square(5_000.0, 30.0)})).await;
    let below = parcel(json!({"unit_code": "320404001002GX00031W00000000", "geometry": square(5_000.0, 30.0)})).await;
    assert_eq!(found_by(&state, "GEO-02", Some(vec![ground, below])).await, 0);
    let same = parcel(json!({"unit_code": "320404001002GX00032W00000000", "geometry": square(5_010.0, 30.0)})).await;
    assert_eq!(found_by(&state, "GEO-02", Some(vec![below])).await, 1);
    assert_eq!(found_by(&state, "GEO-02", Some(vec![same, ground])).await, 1);
    // GEO-06: a garage under a house is lawful.
    let house = json!({"code": "H", "geometry": square(7_000.0, 20.0), "floors_above": 6, "floors_below": 0});
    let garage = json!({"code": "G", "geometry": square(7_000.0, 40.0), "floors_above": 0, "floors_below": 2});
    let (house, _) = register(&app, "buildings", "house", house).await;
    register(&app, "buildings", "garage", garage).await;
    assert_eq!(found_by(&state, "GEO-06", Some(vec![house])).await, 0);
    let annex = json!({"code": "A", "geometry": square(7_010.0, 20.0), "floors_above": 2});
    register(&app, "buildings", "annex", annex).await;
    assert_eq!(found_by(&state, "GEO-06", Some(vec![house])).await, 1);
    // GEO-07: half a percent, or a square metre where that is more.
    let area = 900.0;
    for (registered, fires) in [(area + 4.0, false), (area + 9.0, true), (area - 9.0, true)] {
        let id = parcel(json!({"registered_area_m2": registered})).await;
        assert_eq!(
            found_by(&state, "GEO-07", Some(vec![id])).await,
            u64::from(fires),
            "{registered}"
        );
    }
}

/// GEO-03, GEO-12 and certificate numbers that a file brought.
#[sqlx::test(migrations = "../migrations")]
async fn slivers_lost_sites_and_numbers_twice_are_found(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let land = async |key: &str, east_m: f64| {
        let body = json!({"code": key, "geometry": square(east_m, 30.0)});
        register(&app, "parcels", key, body).await
    };
    let (one, _) = land("one", 0.0).await;
    let (other, etag) = land("other", 30.1).await;
    land("far", 60.6).await;
    changed(&state, ObjectKind::Parcel, other).await;
    let found = open(&app, "GEO-03").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        (found[0]["evidence"]["width_m"].as_f64().unwrap() - 0.1).abs() < 0.011,
        "{found:?}"
    );
    assert!(
        (found[0]["evidence"]["length_m"].as_f64().unwrap() - 30.0).abs() < 0.3,
        "{found:?}"
    );
    assert_eq!(found_by(&state, "GEO-03", Some(vec![one])).await, 1);
    assert_eq!(found_by(&state, "GEO-03", None).await, 1);
    change(&app, "parcels", other, &etag, json!({"geometry": square(30.0, 30.0)})).await;
    changed(&state, ObjectKind::Parcel, other).await;
    assert_eq!(open(&app, "GEO-03").await, [] as [Value; 0]);

    let point =
        |east_m: f64| json!({"type": "Point", "coordinates": [119.95 + east_m / 94_700.0, 31.78 + 15.0 / 110_870.0]});
    for (key, east_m, fires) in [("in", 15.0, 0), ("out", 700.0, 1)] {
        let (site, _) = register(&app, "sites", key, json!({"code": key, "geometry": point(east_m)})).await;
        let address = format!("/api/v1/sites/{site}/relations");
        assert_eq!(
            found_by(&state, "GEO-12", Some(vec![site])).await,
            0,
            "it has no land yet"
        );
        let related = ask(
            &app,
            "POST",
            &address,
            &[("Idempotency-Key", &format!("{key}-land"))],
            Some(json!({"related_id": one})),
        )
        .await;
        assert_eq!(related.status, StatusCode::CREATED, "{}", related.body);
        assert_eq!(found_by(&state, "GEO-12", Some(vec![site])).await, fires, "{key}");
    }

    let (third, _) = land("third", 2_000.0).await;
    for (id, number) in [
        (one, "湘(2021)冷水滩区不动产权第0000001号"),
        (third, "湘(2021)冷水滩区不动产权第0000001号"),
        (other, "永国用(2005)第001234号"),
    ] {
        sqlx::query("update spatial_unit_version set source_attributes = json_build_object('不动产权证号', $2::text) where object_id = $1")
            .bind(id)
            .bind(number)
            .execute(&pool)
            .await
            .unwrap();
    }
    assert_eq!(
        found_by(&state, "COD-10", None).await,
        0,
        "an old certificate has a form of its own"
    );
    assert_eq!(found_by(&state, "COD-10E", None).await, 1);
    assert_eq!(found_by(&state, "COD-10E", Some(vec![third])).await, 1);
    assert_eq!(found_by(&state, "COD-10E", Some(vec![other])).await, 0);
    sqlx::query("update spatial_unit_version set source_attributes = json_build_object('不动产权证号', '湘(2021)冷水滩区不动产权第00001号') where object_id = $1")
        .bind(third)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(found_by(&state, "COD-10", Some(vec![third])).await, 1);
    assert_eq!(found_by(&state, "COD-10E", None).await, 0);
}

/// What breaks a rule that blocks is refused with the rule, its source and the values, in one shape.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_rule_blocks_is_refused_with_the_rule(pool: PgPool) {
    use crate::titles::tests::{certificate, rectangle, registered, with};
    let (app, _) = app(&pool).await;
    let land = crate::titles::tests::parcel(&app, rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let other = crate::titles::tests::parcel(&app, rectangle(2.0, 0.0, 3.0, 1.0)).await;
    let code = "431103001002GB00015F00010001";
    let paper = certificate(land, code, 1);
    registered(&app, paper.clone()).await;
    let (building, _) = register(
        &app,
        "buildings",
        "b",
        json!({"code": "b", "geometry": square(0.0, 10.0)}),
    )
    .await;
    register(
        &app,
        "parcels",
        "own",
        json!({"code": "own", "geometry": square(900.0, 10.0), "unit_code": code}),
    )
    .await;
    let bow = json!({"type": "Polygon", "coordinates": [[[119.9, 31.7], [119.91, 31.71], [119.91, 31.7], [119.9, 31.71], [119.9, 31.7]]]});
    let room =
        json!({"building_id": building, "floor": 1, "number": "101", "use_area_m2": 30.0, "building_area_m2": 20.0});
    let malformed = "431103001002GK00015F00010001";
    let cases = [
        (
            "COD-01",
            "titles",
            with(paper.clone(), json!({"unit_code": malformed})),
            "unit_code",
            json!(malformed),
        ),
        (
            "COD-01",
            "parcels",
            json!({"geometry": square(100.0, 10.0), "unit_code": malformed}),
            "unit_code",
            json!(malformed),
        ),
        (
            "COD-02",
            "titles",
            with(certificate(other, code, 2), json!({})),
            "unit_code",
            json!(code),
        ),
        (
            "COD-02",
            "parcels",
            json!({"geometry": square(200.0, 10.0), "unit_code": code}),
            "unit_code",
            json!(code),
        ),
        (
            "GEO-01",
            "parcels",
            json!({"geometry": bow}),
            "constraint",
            json!("spatial_unit_version_geometry_sound"),
        ),
        ("SPC-12", "rooms", room.clone(), "use_area_m2", json!("30")),
        (
            "TTL-20",
            "titles",
            with(
                certificate(other, "431103001002GB00016F00010001", 3),
                json!({"issued_on": "2021-03-05"}),
            ),
            "issued_on",
            json!("2021-03-05"),
        ),
        (
            "TTL-20",
            "titles",
            with(
                certificate(other, "431103001002GB00017F00010001", 4),
                json!({"issued_on": "2030-03-05"}),
            ),
            "issued_on",
            json!("2030-03-05"),
        ),
    ];
    let catalogue = catalogue().unwrap();
    for (number, (rule, layer, body, name, value)) in cases.into_iter().enumerate() {
        let key = format!("refused-{number}");
        let address = format!("/api/v1/{layer}");
        let refused = ask(&app, "POST", &address, &[("Idempotency-Key", &key)], Some(body)).await;
        assert!(
            matches!(refused.status, StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY),
            "{rule} {layer}: {}",
            refused.body
        );
        let told = &refused.body["rule"];
        assert_eq!(told["id"], rule, "{layer}: {}", refused.body);
        assert_eq!(told["source"], catalogue.rules[rule].source.as_str());
        assert_eq!(told["evidence"][name], value, "{layer}: {}", refused.body);
        assert!(catalogue.rules[rule].blocks);
    }
    // What comes near is taken.
    register(&app, "rooms", "room", with(room, json!({"use_area_m2": 20.0}))).await;
    register(
        &app,
        "parcels",
        "else",
        json!({"geometry": square(300.0, 10.0), "unit_code": "431103001002GB00018W00000000"}),
    )
    .await;
    // Provisional codes are no one's own.
    for key in ["t1", "t2"] {
        let body = json!({"geometry": square(400.0 + 100.0 * key.len() as f64, 10.0), "unit_code": "320282999999GB99999F00232555"});
        register(&app, "parcels", key, body).await;
    }
    let rules = ask(&app, "GET", "/api/v1/rules", &[], None).await.body;
    let blocking: Vec<&str> = rules
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["blocks"] == true)
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        blocking,
        [
            "ALC-01", "ALC-05", "ALC-07", "ALC-08", "COD-01", "COD-02", "DSP-03", "DSP-04", "DSP-05", "DSP-06",
            "DSP-07", "DSP-08", "DSP-11", "DSP-13", "DSP-19", "DSP-20", "DSP-21", "DSP-22", "DSP-23", "GEO-01",
            "GEO-08", "GEO-09", "GEO-10", "GEO-14", "GEO-15", "GOV-01", "GOV-02", "MNT-01", "MNT-02", "MNT-03",
            "MNT-05", "SPC-12", "TTL-20"
        ]
    );
}

/// A parcel with a code that the interface would refuse, as an older system may have left it.
async fn stored(pool: &PgPool, unit_code: &str) -> Uuid {
    let id = SpatialUnitId::fresh().0;
    let mut transaction = pool.begin().await.unwrap();
    sqlx::query("insert into spatial_unit (id, kind, created_at) values ($1, 'parcel', '2026-01-01')")
        .bind(id)
        .execute(&mut *transaction)
        .await
        .unwrap();
    sqlx::query(
        "insert into spatial_unit_version (version_id, object_id, kind, valid, recorded, unit_code)
         values (gen_random_uuid(), $1, 'parcel', daterange('2020-01-01', null), tstzrange('2026-01-01', null), $2)",
    )
    .bind(id)
    .bind(unit_code)
    .execute(&mut *transaction)
    .await
    .unwrap();
    transaction.commit().await.unwrap();
    id
}

/// A shape of a new one that is changed after the split no longer makes up what was there.
#[sqlx::test(migrations = "../migrations")]
async fn a_split_that_no_longer_conserves_the_area_is_found(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let outline = |west: f64, east: f64| {
        let ring = [[west, 0.0], [east, 0.0], [east, 1.0], [west, 1.0], [west, 0.0]]
            .map(|[x, y]| [111.6 + x * 0.001, 26.4 + y * 0.001]);
        json!({"type": "Polygon", "coordinates": [ring]})
    };
    let old = json!({"valid_from": "2020-01-01", "geometry": outline(0.0, 2.0)});
    let old = ask(
        &app,
        "POST",
        "/api/v1/parcels",
        &[("Idempotency-Key", "old")],
        Some(old),
    )
    .await;
    let body = json!({
        "on": "2026-11-01", "from": [{"id": old.body["id"], "version_id": old.body["version_id"]}], "survey": "测绘", "reason": "分割",
        "pieces": [{"geometry": outline(0.0, 1.0)}, {"geometry": outline(1.0, 2.0)}],
    });
    let split = ask(
        &app,
        "POST",
        "/api/v1/successions",
        &[("Idempotency-Key", "split")],
        Some(body),
    )
    .await;
    assert_eq!(split.status, StatusCode::CREATED, "{}", split.body);
    assert_eq!(found_by(&state, "GEO-14", None).await, 0);
    let new = split.body["to_ids"][1].as_str().unwrap();
    let at = format!("/api/v1/parcels/{new}");
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    state.clock.advance(time::Duration::minutes(1));
    let change = json!({"valid_from": "2026-11-01", "geometry": outline(1.0, 1.9)});
    let changed = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(found_by(&state, "GEO-14", Some(vec![new.parse().unwrap()])).await, 1);
}

/// The rooms that went into one of the new ones are held against its area like those of any building.
#[sqlx::test(migrations = "../migrations")]
async fn rooms_that_are_more_than_the_house_they_went_into_are_found(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let outline = |west: f64, east: f64| {
        let ring = [[west, 0.0], [east, 0.0], [east, 1.0], [west, 1.0], [west, 0.0]]
            .map(|[x, y]| [111.6 + x * 0.001, 26.4 + y * 0.001]);
        json!({"type": "Polygon", "coordinates": [ring]})
    };
    let made = async |path: &str, body: Value| {
        let key = Uuid::now_v7().to_string();
        let uri = format!("/api/v1/{path}");
        let answer = ask(&app, "POST", &uri, &[("Idempotency-Key", &key)], Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body
    };
    let house = json!({"valid_from": "2020-01-01", "geometry": outline(0.0, 2.0), "registered_area_m2": 100.0});
    let house = made("buildings", house).await;
    let mut goes = Vec::new();
    for (number, piece) in [("101", 0), ("102", 1), ("103", 1)] {
        let room = json!({"building_id": house["id"], "floor": 1, "number": number, "building_area_m2": 30, "valid_from": "2020-01-01"});
        goes.push(json!({"room_id": made("rooms", room).await["id"], "piece": piece}));
    }
    assert_eq!(found_by(&state, "SPC-11", None).await, 0);
    let pieces = json!([{"geometry": outline(0.0, 1.0), "registered_area_m2": 50.0},
                        {"geometry": outline(1.0, 2.0), "registered_area_m2": 50.0}]);
    let body = json!({
        "on": "2026-11-01", "from": [{"id": house["id"], "version_id": house["version_id"]}], "pieces": pieces, "rooms": goes,
        "survey": "测绘", "reason": "分割",
    });
    let split = made("successions", body).await;
    let [small, full] = [0, 1].map(|place| split["to_ids"][place].as_str().unwrap().parse::<Uuid>().unwrap());
    assert_eq!(
        found_by(&state, "SPC-11", Some(vec![full])).await,
        1,
        "two rooms of 30 in 50"
    );
    assert_eq!(found_by(&state, "SPC-11", Some(vec![small])).await, 0);
}
