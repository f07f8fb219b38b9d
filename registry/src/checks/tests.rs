//! Over a real PostGIS, under the application's role.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;
use uuid::Uuid;

use super::follow::look_again;
use super::rule::catalogue;
use super::run::{Scope, run_rule};
use super::{CheckRefused, begin_check};
use crate::http::AppState;
use crate::ids::SpatialUnitId;
use crate::ledger::{EntryId, FollowedEntry, ObjectKind};
use crate::request::Actor;
use crate::spatial_units::tests::{Answer, app, ask};
use crate::versioned::tests::prove;

async fn check_everything(state: &AppState) -> BTreeMap<String, super::RuleOutcome> {
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

async fn every_page(app: &Router, address: &str) -> Vec<Value> {
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

async fn change(app: &Router, layer: &str, id: Uuid, etag: &str, body: Value) -> String {
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

async fn found_by(state: &AppState, rule: &str, objects: Option<Vec<Uuid>>) -> u64 {
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

/// Rules of titles: each fires for one title and is quiet for the plain certificate beside it.
#[sqlx::test(migrations = "../migrations")]
async fn each_rule_of_titles_fires_for_its_title_and_no_other(pool: PgPool) {
    use crate::titles::tests::{certificate, parcel, rectangle, registered, with};
    let (app, state) = app(&pool).await;
    const RULES: [&str; 8] = [
        "TTL-01", "TTL-02", "TTL-11", "TTL-12", "TTL-13", "TTL-14", "TTL-15", "TTL-16",
    ];
    let mut number = 0;
    let mut titled = async |changes: Value| {
        number += 1;
        let west = f64::from(number) * 2.0;
        let land = parcel(&app, rectangle(west, 0.0, west + 1.0, 1.0)).await;
        let code = format!("431103001002GB{number:05}F00010001");
        let at = registered(&app, with(certificate(land, &code, number as u32), changes)).await;
        (land, at)
    };
    let encumber = async |at: &str, kind: &str| {
        let key = Uuid::now_v7().to_string();
        let body = json!({"kind": kind, "holder": "永州市中级人民法院", "document": "(2026)湘11执1号"});
        let laid = ask(
            &app,
            "POST",
            &format!("{at}/encumbrances"),
            &[("Idempotency-Key", &key)],
            Some(body),
        )
        .await;
        assert_eq!(laid.status, StatusCode::CREATED, "{}", laid.body);
        laid.location.unwrap_or_default()
    };
    let quiet = [
        json!({}),
        json!({"holders": [{"name": "云南省人民政府", "kind": "government"}]}),
        json!({"right_nature_land": "102", "term_from": "2021-03-10", "term_to": "2071-03-09"}),
    ];
    for changes in quiet {
        let (land, _) = titled(changes.clone()).await;
        for rule in RULES {
            assert_eq!(found_by(&state, rule, Some(vec![land])).await, 0, "{rule}: {changes}");
        }
    }
    let loud = [
        ("TTL-01", json!({"holders": [{"name": "永州市某局", "kind": "unit"}]})),
        (
            "TTL-02",
            json!({"holders": [{"name": "永州市城投公司", "kind": "platform_company"}]}),
        ),
        (
            "TTL-11",
            json!({"right_nature_land": "102", "term_from": "2000-01-01", "term_to": "2027-12-31"}),
        ),
        (
            "TTL-12",
            json!({"right_nature_land": "101", "term_from": "2021-03-10", "term_to": "2071-03-09"}),
        ),
        ("TTL-12", json!({"right_nature_land": "102"})),
        (
            "TTL-15",
            json!({"cert_no": null, "print_serial": null, "old_land_certificate": "永国用(2005)第001234号"}),
        ),
        (
            "TTL-16",
            json!({"evidence": "land_only", "cert_no": null, "print_serial": null,
                          "old_land_certificate": "永国用(2005)第001235号"}),
        ),
    ];
    for (fires, changes) in loud {
        let (land, _) = titled(changes.clone()).await;
        for rule in RULES {
            // An old certificate is old, whatever else is missing.
            let wanted = rule == fires || (fires == "TTL-16" && rule == "TTL-15");
            assert_eq!(
                found_by(&state, rule, Some(vec![land])).await,
                u64::from(wanted),
                "{rule}: {changes}"
            );
        }
    }
    for (rule, kind) in [("TTL-13", "seizure"), ("TTL-13", "dispute"), ("TTL-14", "mortgage")] {
        let (land, at) = titled(json!({})).await;
        encumber(&at, kind).await;
        for other in ["TTL-13", "TTL-14"] {
            assert_eq!(
                found_by(&state, other, Some(vec![land])).await,
                u64::from(rule == other),
                "{other}: {kind}"
            );
        }
    }
    // A change of what lies on a title calls for its land.
    let (land, at) = titled(json!({})).await;
    encumber(&at, "seizure").await;
    let laid: Uuid = sqlx::query_scalar(
        "select object_id from encumbrance_version order by lower(recorded) desc, version_id desc limit 1",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    changed(&state, ObjectKind::Encumbrance, laid).await;
    let open = every_page(&app, &format!("/api/v1/findings?rule=TTL-13&object={land}")).await;
    assert_eq!(open.len(), 1, "{open:?}");
    prove(&pool).await.unwrap();
}

/// Rules that hold titles against the survey, the ledger, the land under them and each other.
#[sqlx::test(migrations = "../migrations")]
async fn titles_agree_with_what_is_there_or_it_is_found(pool: PgPool) {
    use crate::titles::tests::{certificate, rectangle, registered, with};
    let (app, state) = app(&pool).await;
    let county = json!({"code": "431103", "name": "冷水滩区", "level": "county", "valid_from": "2000-01-01"});
    register(&app, "regions", "431103", county).await;
    let mut number = 0;
    // A parcel with a building on it; the area of the land is what its shape says.
    let mut place = async |land: Value, house: Value| {
        number += 1;
        let west = f64::from(number) * 2.0;
        let shape = rectangle(west, 0.0, west + 1.0, 1.0);
        let body = json!({"valid_from": "2020-01-01", "geometry": shape, "region_code": "431103"});
        let (parcel, etag) = register(&app, "parcels", &format!("p{number}"), with(body, land)).await;
        let body = json!({"valid_from": "2020-01-01", "completed_year": 2019, "floors_above": 3,
                          "geometry": rectangle(west + 0.2, 0.2, west + 0.4, 0.4)});
        let (building, _) = register(&app, "buildings", &format!("b{number}"), with(body, house)).await;
        let related = ask(
            &app,
            "POST",
            &format!("/api/v1/parcels/{parcel}/relations"),
            &[("Idempotency-Key", &format!("r{number}"))],
            Some(json!({"related_id": building, "valid_from": "2020-01-01"})),
        )
        .await;
        assert_eq!(related.status, StatusCode::CREATED, "{}", related.body);
        let area: f64 = sqlx::query_scalar("select area_m2 from spatial_unit_version where object_id = $1")
            .bind(parcel)
            .fetch_one(&pool)
            .await
            .unwrap();
        let code = format!("431103001002GB{number:05}F00010001");
        let paper = with(
            certificate(parcel, &code, number as u32),
            json!({"building_ids": [building], "land_area_m2": (area * 100.0).round() / 100.0}),
        );
        (parcel, building, etag, area, paper)
    };
    // Of the object alone: the houses on its land are looked at with it.
    let one = async |rule: &str, object: Uuid| {
        found_by(&state, rule, Some(vec![object])).await;
        sqlx::query_scalar::<_, i64>(
            "select count(*) from finding where rule = $1 and object_id = $2 and state <> 'resolved'",
        )
        .bind(rule)
        .bind(object)
        .fetch_one(&pool)
        .await
        .unwrap()
    };
    const RULES: [&str; 8] = [
        "TTL-06", "TTL-07", "TTL-08", "TTL-10", "TTL-17", "TTL-20", "COD-10", "COD-12",
    ];
    let none = || json!({});

    // What agrees is quiet, by every rule.
    let (parcel, building, _, area, paper) = place(
        json!({"land_use_scheme": "GB21010-2017", "land_use_code": "0801", "address": "冷水滩区湘江西路1号"}),
        none(),
    )
    .await;
    registered(&app, paper).await;
    for rule in RULES {
        for object in [parcel, building] {
            assert_eq!(one(rule, object).await, 0, "{rule}");
        }
    }
    // TTL-07: three percent.
    for (times, fires) in [(1.02, 0), (1.04, 1), (0.95, 1)] {
        let (parcel, _, _, _, paper) = place(none(), none()).await;
        registered(&app, with(paper, json!({"land_area_m2": (area * times).round()}))).await;
        assert_eq!(one("TTL-07", parcel).await, fires, "{times}");
    }
    // TTL-08: area, use, holder and place, each by itself; another edition of classes and a shorter address say nothing.
    for (land, fires) in [
        (json!({"registered_area_m2": 1000.0}), 1),
        (json!({"land_use_scheme": "GB21010-2017", "land_use_code": "0803"}), 1),
        (json!({"land_use_scheme": "GB21010-2007", "land_use_code": "081"}), 0),
        (json!({"address": "冷水滩区零陵路9号"}), 1),
        (json!({"address": "永州市冷水滩区 湘江西路1号"}), 0),
    ] {
        let (parcel, _, _, _, paper) = place(land.clone(), none()).await;
        registered(&app, paper).await;
        assert_eq!(one("TTL-08", parcel).await, fires, "{land}");
    }
    // TTL-06: the house is another's; and one title for both is one holder's.
    let (parcel, building, _, _, paper) = place(none(), none()).await;
    registered(&app, with(paper.clone(), json!({"building_ids": []}))).await;
    assert_eq!(
        one("TTL-17", building).await,
        1,
        "completed in 2019, and its land is registered"
    );
    let house = with(
        paper,
        json!({"evidence": "house_only", "parcel_ids": [], "building_ids": [building], "cert_no": null,
               "print_serial": null, "unit_code": "431103001002GB99001F00010001", "land_area_m2": null,
               "old_house_certificate": "永房权证字第1号", "holders": [{"name": "永州市财政局", "kind": "unit"}]}),
    );
    registered(&app, house).await;
    assert_eq!(one("TTL-06", building).await, 1);
    assert_eq!(one("TTL-17", building).await, 0);
    changed(&state, ObjectKind::Parcel, parcel).await;
    let open_now = open(&app, "TTL-06").await;
    assert_eq!(open_now[0]["evidence"]["house_holders"], "永州市财政局", "{open_now:?}");
    // TTL-17: a building of this year has time left.
    let (_, building, _, _, paper) = place(none(), json!({"completed_year": 2026})).await;
    registered(&app, with(paper, json!({"building_ids": []}))).await;
    assert_eq!(one("TTL-17", building).await, 0);
    // TTL-10: allocated land became granted land, and what approves it.
    let (parcel, _, _, _, paper) = place(none(), none()).await;
    let at = registered(&app, paper).await;
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    let granted = json!({"right_nature_land": "102", "term_from": "2024-01-01", "term_to": "2074-01-01",
                         "valid_from": "2024-01-01", "reason": "补缴出让金"});
    let changed_title = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(granted)).await;
    assert_eq!(changed_title.status, StatusCode::OK, "{}", changed_title.body);
    assert_eq!(one("TTL-10", parcel).await, 1);
    let title: Uuid = at.rsplit('/').next().unwrap().parse().unwrap();
    case_of(
        &pool,
        parcel,
        Some(title),
        "archived",
        json!({"approval": "永政函〔2023〕7号"}),
    )
    .await;
    assert_eq!(one("TTL-10", parcel).await, 0);
    // COD-12: the county or the city above it, and no other.
    for (cert_no, fires) in [
        ("湘(2021)冷水滩区不动产权第0900001号", 0),
        ("湘(2021)永州市冷水滩区不动产权第0900002号", 0),
        ("湘(2021)零陵区不动产权第0900003号", 1),
    ] {
        let (parcel, _, _, _, paper) = place(none(), none()).await;
        registered(&app, with(paper, json!({"cert_no": cert_no}))).await;
        assert_eq!(one("COD-12", parcel).await, fires, "{cert_no}");
    }
    // COD-05: disputed land with a title and no dispute in the book; underground with a house above it.
    let (disputed, _, _, _, paper) = place(json!({"unit_code": "431103001002GW00901W00000000"}), none()).await;
    assert_eq!(one("COD-05", disputed).await, 0);
    registered(&app, with(paper, json!({"unit_code": "431103001002GW00901W00000000"}))).await;
    assert_eq!(one("COD-05", disputed).await, 1);
    let (below, _, _, _, _) = place(json!({"unit_code": "431103001002GX00902F00010001"}), none()).await;
    assert_eq!(one("COD-05", below).await, 1);
    let cellar = json!({"floors_above": 0, "floors_below": 2});
    let (below, _, _, _, _) = place(json!({"unit_code": "431103001002GX00903F00010001"}), cellar).await;
    assert_eq!(one("COD-05", below).await, 0);
    // TTL-20 is refused at the door; one that came in by another way is found.
    let (parcel, _, _, _, paper) = place(none(), none()).await;
    registered(&app, paper).await;
    assert_eq!(one("TTL-20", parcel).await, 0);
    sqlx::query("update title_version set issued_on = '2031-01-01' where $1 = any(parcel_ids)")
        .bind(parcel)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(one("TTL-20", parcel).await, 1);
}

/// A case as it stands, written past the procedure.
async fn case_of(pool: &PgPool, asset: Uuid, title: Option<Uuid>, kept: &str, details: Value) {
    let id = Uuid::now_v7();
    sqlx::query("insert into title_case (id, created_at) values ($1, '2026-01-01')")
        .bind(id)
        .execute(pool)
        .await
        .unwrap();
    sqlx::query(
        "insert into title_case_version (version_id, object_id, valid, recorded, asset_id, title_id, state, opened_by,
             submitted_by, reviewed_by, disposal_frozen, details)
         values (gen_random_uuid(), $1, daterange('2026-01-01', null), tstzrange('2026-01-01', null), $2, $3, $4, '李',
             '李', '王', false, $5::json)",
    )
    .bind(id)
    .bind(asset)
    .bind(title)
    .bind(kept)
    .bind(details.to_string())
    .execute(pool)
    .await
    .unwrap();
}

/// What is not registered: filed, kept, or forgotten; and papers that nobody handed over.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_neither_registered_nor_filed_is_found(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let one = async |rule: &str, object: Uuid| found_by(&state, rule, Some(vec![object])).await;
    let land = async |key: &str, east_m: f64, status: &str, from: &str| {
        let body = json!({"code": key, "geometry": square(east_m, 30.0), "title_status": status, "valid_from": from});
        register(&app, "parcels", key, body).await
    };
    for (status, fires) in [
        ("none_handed", 1),
        ("none_not_handed", 1),
        ("unified", 0),
        ("other_handed", 0),
    ] {
        let (parcel, _) = land(status, 100.0 * f64::from(status.len() as u32), status, "2026-11-01").await;
        assert_eq!(one("TTL-03", parcel).await, fires, "{status}");
    }
    let (filed, _) = land("filed", 5_000.0, "none_handed", "2026-11-01").await;
    case_of(&pool, filed, None, "filed", json!({})).await;
    assert_eq!(one("TTL-03", filed).await, 0);
    // TTL-19: kept by somebody's word, or by nobody's.
    assert_eq!(one("TTL-19", filed).await, 0);
    for (key, details, fires) in [
        ("kept", json!({"approval": "永机管〔2022〕1号"}), 0),
        ("bare", json!({}), 1),
        ("blank", json!({"approval": ""}), 1),
    ] {
        let (kept, _) = land(key, 6_000.0 + 100.0 * key.len() as f64, "other_handed", "2026-11-01").await;
        case_of(&pool, kept, None, "kept", details).await;
        assert_eq!(one("TTL-19", kept).await, fires, "{key}");
    }
    // A building goes with its land.
    let body = json!({"code": "h", "geometry": square(5_005.0, 10.0), "title_status": "none_handed", "valid_from": "2026-11-01"});
    let (house, _) = register(&app, "buildings", "h", body).await;
    assert_eq!(one("TTL-03", house).await, 1, "it stands alone");
    let relation = json!({"related_id": house, "valid_from": "2026-11-01"});
    let address = format!("/api/v1/parcels/{filed}/relations");
    let related = ask(&app, "POST", &address, &[("Idempotency-Key", "r")], Some(relation)).await;
    assert_eq!(related.status, StatusCode::CREATED, "{}", related.body);
    assert_eq!(one("TTL-03", house).await, 0);
    // TTL-05: ninety days (the test's day is the 21st of November 2026), and a new start where they were handed over.
    for (key, from, fires) in [("d90", "2026-08-23", 0), ("d91", "2026-08-22", 1)] {
        let (parcel, _) = land(key, 8_000.0 + from.len() as f64 * 50.0, "other_not_handed", from).await;
        assert_eq!(one("TTL-05", parcel).await, fires, "{from}");
    }
    let (back, etag) = land("back", 9_000.0, "none_not_handed", "2020-01-01").await;
    assert_eq!(one("TTL-05", back).await, 1);
    let etag = change(
        &app,
        "parcels",
        back,
        &etag,
        json!({"title_status": "none_handed", "valid_from": "2026-06-01"}),
    )
    .await;
    assert_eq!(one("TTL-05", back).await, 0);
    change(
        &app,
        "parcels",
        back,
        &etag,
        json!({"title_status": "none_not_handed", "valid_from": "2026-10-01"}),
    )
    .await;
    assert_eq!(one("TTL-05", back).await, 0, "since October");
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
            "GEO-08", "GEO-09", "GEO-10", "GEO-14", "GOV-01", "GOV-02", "MNT-01", "MNT-02", "MNT-03", "MNT-05",
            "SPC-12", "TTL-20"
        ]
    );
}

/// Cases that wait too long.
#[sqlx::test(migrations = "../migrations")]
async fn overdue_cases_and_filings_are_found_after_their_day(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let case = async |number: u32, kept: &str, due: Option<&str>, review: Option<&str>| {
        let id = Uuid::now_v7();
        let west = f64::from(number) * 2.0;
        let shape = crate::titles::tests::rectangle(west, 0.0, west + 1.0, 1.0);
        let land = crate::titles::tests::parcel(&app, shape).await;
        sqlx::query("insert into title_case (id, created_at) values ($1, '2026-01-01')")
            .bind(id)
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query(
            "insert into title_case_version (version_id, object_id, valid, recorded, asset_id, unit_code, state, opened_by,
                 submitted_by, reviewed_by, due_on, review_on, disposal_frozen, details)
             values (gen_random_uuid(), $1, daterange('2026-01-01', null), tstzrange('2026-01-01', null), $2, $3, $4, '李',
                 '李', '王', $5::date, $6::date, false, '{}')",
        )
        .bind(id)
        .bind(land)
        .bind(format!("431103001002GB{number:05}W00000000"))
        .bind(kept)
        .bind(due.map(|day| time::Date::parse(day, &time::format_description::well_known::Iso8601::DATE).unwrap()))
        .bind(review.map(|day| time::Date::parse(day, &time::format_description::well_known::Iso8601::DATE).unwrap()))
        .execute(&pool)
        .await
        .unwrap();
    };
    case(1, "accepted", Some("2026-11-21"), None).await;
    case(2, "recorded", Some("2026-01-21"), None).await;
    case(3, "filed", None, Some("2026-11-21")).await;
    assert_eq!(found_by(&state, "TTL-18", None).await, 0, "due today");
    assert_eq!(found_by(&state, "TTL-04", None).await, 0);
    case(4, "reviewing", Some("2026-11-20"), None).await;
    case(5, "filed", None, Some("2026-11-20")).await;
    assert_eq!(found_by(&state, "TTL-18", None).await, 1);
    assert_eq!(found_by(&state, "TTL-04", None).await, 1);
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

async fn decide(app: &Router, id: &str, etag: &str, body: Value) -> Answer {
    ask(
        app,
        "PATCH",
        &format!("/api/v1/findings/{id}"),
        &[("If-Match", etag)],
        Some(body),
    )
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn people_decide_about_findings_and_the_ledger_keeps_it(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let unit = json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ"});
    let (unit, unit_etag) = register(&app, "units", "u", unit).await;
    check_everything(&state).await;
    let found = open(&app, "SPC-09").await;
    let id = found[0]["id"].as_str().unwrap();
    assert_eq!(found[0]["says"]["zh"], "财政局 没有分职级的编制数，无法核定面积");
    let address = format!("/api/v1/findings/{id}");
    let etag = ask(&app, "GET", &address, &[], None).await.etag.unwrap();

    // What can't be decided changes nothing.
    for (body, field) in [
        (json!({"state": "resolved"}), "state"),
        (json!({"state": "gone"}), "state"),
        (json!({"deadline": "2020-01-01"}), "deadline"),
        (json!({"state": "excepted", "until": "2027-01-01"}), "reason"),
        (json!({"state": "excepted", "reason": "编办尚未批复"}), "until"),
        (
            json!({"state": "excepted", "reason": "编办尚未批复", "until": "2020-01-01"}),
            "until",
        ),
        (
            json!({"state": "excepted", "reason": "编办尚未批复", "until": "2099-01-01"}),
            "until",
        ),
        (json!({"colour": "red"}), "colour"),
    ] {
        let refused = decide(&app, id, &etag, body.clone()).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            refused.body
        );
        assert!(refused.body.to_string().contains(field), "{body}: {}", refused.body);
    }
    let missing = ask(&app, "PATCH", &address, &[], Some(json!({"owner": "李"}))).await;
    assert_eq!(missing.status, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(
        decide(&app, id, "\"99\"", json!({"owner": "李"})).await.status,
        StatusCode::PRECONDITION_FAILED
    );

    let body = json!({"state": "in_progress", "owner": "李雷", "deadline": "2026-12-31"});
    let decided = decide(&app, id, &etag, body).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.body);
    assert_eq!(
        (&decided.body["state"], &decided.body["owner"]),
        (&json!("in_progress"), &json!("李雷"))
    );
    assert_eq!(
        decide(&app, id, &etag, json!({"owner": null})).await.status,
        StatusCode::PRECONDITION_FAILED
    );
    let etag = decided.etag.unwrap();
    let overdue = ask(&app, "GET", "/api/v1/findings?overdue=true&count=true", &[], None)
        .await
        .body;
    assert_eq!(overdue["total"], 0);

    // An exception is another person's word, and ends on its day.
    let own = decide(&app, id, &etag, json!({"owner": "local"})).await;
    let own = decide(
        &app,
        id,
        &own.etag.unwrap(),
        json!({"state": "excepted", "reason": "r", "until": "2026-12-01"}),
    )
    .await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", own.body);
    let etag = ask(&app, "GET", &address, &[], None).await.etag.unwrap();
    let etag = decide(&app, id, &etag, json!({"owner": "李雷"})).await.etag.unwrap();
    let excepted = decide(
        &app,
        id,
        &etag,
        json!({"state": "excepted", "reason": "编办尚未批复", "until": "2026-12-01"}),
    )
    .await;
    assert_eq!(excepted.status, StatusCode::OK, "{}", excepted.body);
    check_everything(&state).await;
    assert_eq!(open(&app, "SPC-09").await, [] as [Value; 0]);
    let catalogue = catalogue().unwrap();
    let later = (date!(2026 - 12 - 02), state.clock.now());
    run_rule(
        &state.database,
        catalogue,
        &catalogue.rules["SPC-09"],
        later,
        &Scope::All,
    )
    .await
    .unwrap();
    assert_eq!(open(&app, "SPC-09").await[0]["state"], "new");

    // Put right in the registry, it is put right here; nobody may say more about it then.
    change(&app, "units", unit, &unit_etag, json!({"headcount": {"正处级": 3}})).await;
    changed(&state, ObjectKind::Unit, unit).await;
    let now = ask(&app, "GET", &address, &[], None).await;
    assert_eq!(now.body["state"], "resolved");
    let late = decide(&app, id, &now.etag.unwrap(), json!({"owner": "韩"})).await;
    assert_eq!(late.status, StatusCode::UNPROCESSABLE_ENTITY);
    let said: Vec<String> = sqlx::query_scalar(
        "select after ->> 'state' from ledger_entry where object_kind = 'finding' order by recorded_at, id",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    assert_eq!(said, ["in_progress", "in_progress", "in_progress", "excepted"]);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn one_check_runs_at_a_time_and_tells_how_far_it_is(pool: PgPool) {
    let (app, state) = app(&pool).await;
    assert_eq!(
        ask(&app, "GET", "/api/v1/checks", &[], None).await.status,
        StatusCode::NOT_FOUND
    );
    let actor = Actor("tester".to_owned());
    let held = begin_check(&state.database, &state.clock, &actor, None).await.unwrap();
    let second = begin_check(&state.database, &state.clock, &actor, None).await;
    assert!(matches!(second, Err(CheckRefused::Running)), "{second:?}");
    let refused = ask(
        &app,
        "POST",
        "/api/v1/checks",
        &[("Idempotency-Key", "a")],
        Some(json!({})),
    )
    .await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::CONFLICT, &json!("check_running"))
    );
    // Whoever ran it is gone: the next one says so.
    drop(held);
    let unknown = json!({"rules": ["GEO-99"]});
    let refused = ask(
        &app,
        "POST",
        "/api/v1/checks",
        &[("Idempotency-Key", "b")],
        Some(unknown),
    )
    .await;
    assert_eq!(
        (refused.status, &refused.body["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("rules"))
    );
    let mut started = ask(
        &app,
        "POST",
        "/api/v1/checks",
        &[("Idempotency-Key", "c")],
        Some(json!({})),
    )
    .await;
    for _ in 0..100 {
        // The lock goes with the connection, which takes the server a moment to notice.
        if started.status != StatusCode::CONFLICT {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        started = ask(
            &app,
            "POST",
            "/api/v1/checks",
            &[("Idempotency-Key", "c")],
            Some(json!({})),
        )
        .await;
    }
    assert_eq!(started.status, StatusCode::ACCEPTED, "{}", started.body);
    let address = started.location.unwrap();
    let again = ask(
        &app,
        "POST",
        "/api/v1/checks",
        &[("Idempotency-Key", "c")],
        Some(json!({})),
    )
    .await;
    assert_eq!(
        (again.status, again.location.as_ref()),
        (StatusCode::ACCEPTED, Some(&address))
    );
    for _ in 0..200 {
        let check = ask(&app, "GET", &address, &[], None).await.body;
        if check["state"] == "done" {
            assert_eq!(
                check["outcomes"].as_object().unwrap().len(),
                check["rules"].as_array().unwrap().len()
            );
            let states: Vec<String> = sqlx::query_scalar("select state from check_run order by started_at, id")
                .fetch_all(&pool)
                .await
                .unwrap();
            assert_eq!(states, ["interrupted", "done"]);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the check does not end");
}

#[sqlx::test(migrations = "../migrations")]
async fn nonsense_in_a_question_is_refused(pool: PgPool) {
    let (app, _) = app(&pool).await;
    for question in [
        "rule=GEO-99",
        "severity=grave",
        "state=gone",
        "sort=colour",
        "limit=0",
        "cursor=x",
        "object=1",
    ] {
        let refused = ask(&app, "GET", &format!("/api/v1/findings?{question}"), &[], None).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{question}: {}", refused.body);
    }
    for address in [
        "/api/v1/findings/1",
        "/api/v1/checks/1",
        "/api/v1/findings/019f0000-0000-7000-8000-000000000000",
    ] {
        assert_eq!(
            ask(&app, "GET", address, &[], None).await.status,
            StatusCode::NOT_FOUND,
            "{address}"
        );
    }
    let odd = ask(&app, "GET", "/api/v1/findings?owner=%27%3B--%00&region=%25", &[], None).await;
    assert_eq!((odd.status, &odd.body["items"]), (StatusCode::OK, &json!([])));
}

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

/// The rules of cases: each fires for its fault, and not where a case answers for it.
#[sqlx::test(migrations = "../migrations")]
async fn each_rule_of_cases_fires_where_nothing_answers_for_it(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let today = state.clock.today();
    let ago = |days: i64| (today - time::Duration::days(days)).to_string();
    let fires = async |rule: &str, object: Uuid, expected: u64| {
        assert_eq!(found_by(&state, rule, Some(vec![object])).await, expected, "{rule}");
    };
    let digest: String = sqlx::query_scalar(
        "insert into workflow_definition (digest, workflow, text, kept_at)
         values (encode(sha256('x'::bytea), 'hex'), 'repair', 'x', '2026-01-01') returning digest",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    // A case as it stands, straight into the book.
    let case = async |asset: Option<Uuid>,
                      unit: Option<Uuid>,
                      procedure: &str,
                      state: &str,
                      is_open: bool,
                      more: Value|
           -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query("insert into policy_case (id, created_at) values ($1, '2026-01-01')")
            .bind(id)
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query(
            "insert into policy_case_version (version_id, object_id, valid, recorded, asset_id, unit_id, procedure, definition, state,
                 is_open, route, region_code, opened_by, due_on, paid, remitted, details)
             values (gen_random_uuid(), $1, daterange('2026-01-01', null), tstzrange('2026-01-01', null), $2, $3, $4, $5, $6, $7,
                 $8, '320402', '李', $9::date, 0, 0, $10::json)",
        )
        .bind(id)
        .bind(asset)
        .bind(unit)
        .bind(procedure)
        .bind(&digest)
        .bind(state)
        .bind(is_open)
        .bind(more["route"].as_str())
        .bind(more["due_on"].as_str())
        .bind(more["details"].to_string())
        .execute(&pool)
        .await
        .unwrap();
        id
    };
    let plain = || json!({"details": {}});
    let drop_case = async |id: Uuid| {
        sqlx::query(
            "update policy_case_version set recorded = tstzrange(lower(recorded), '2026-06-01') where object_id = $1",
        )
        .bind(id)
        .execute(&pool)
        .await
        .unwrap();
    };
    let mut east = 0.0;
    let mut house = async |key: &str, more: Value| -> Uuid {
        east += 40.0;
        let mut body = json!({"code": key, "geometry": square(east, 20.0), "valid_from": "2015-01-01"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        register(&app, "buildings", key, body).await.0
    };

    // DSP-01: more than six months a warning, more than twelve an error, and a case answers for both.
    for (days, warns, alarms) in [(150, 0, 0), (250, 1, 0), (400, 0, 1)] {
        let idle = house(
            &format!("idle-{days}"),
            json!({"occupancy": "idle", "idle_since": ago(days)}),
        )
        .await;
        fires("DSP-01", idle, warns).await;
        fires("DSP-01E", idle, alarms).await;
        let open = case(Some(idle), None, "idle_disposal", "identified", true, plain()).await;
        fires("DSP-01", idle, 0).await;
        fires("DSP-01E", idle, 0).await;
        // One that was dropped answers for nothing.
        drop_case(open).await;
        case(Some(idle), None, "idle_disposal", "dropped", false, plain()).await;
        fires("DSP-01E", idle, alarms).await;
    }
    // A repair answers for no idleness, and an idle house's land is its house's matter.
    let used = house("used", json!({"occupancy": "in_use"})).await;
    fires("DSP-01E", used, 0).await;

    // DSP-10: closed, and still there; where rooms were sold the building stays.
    let sold = json!({"route": "auction", "details": {}});
    case(Some(used), None, "idle_disposal", "closed", false, sold).await;
    fires("DSP-10", used, 1).await;
    let kept = house("kept", json!({"occupancy": "in_use"})).await;
    case(
        Some(kept),
        None,
        "idle_disposal",
        "closed",
        false,
        json!({"route": "keep_use", "details": {}}),
    )
    .await;
    fires("DSP-10", kept, 0).await;
    let partly = house("partly", json!({"occupancy": "in_use"})).await;
    let rooms = json!({"route": "auction", "details": {"room_ids": [Uuid::now_v7()]}});
    case(Some(partly), None, "idle_disposal", "closed", false, rooms).await;
    fires("DSP-10", partly, 0).await;

    // MNT-03: under repair, and nobody approved it; a case in its works answers for it, one that is applied for doesn't.
    let repaired = house("repaired", json!({"occupancy": "under_repair"})).await;
    fires("MNT-03", repaired, 1).await;
    let applied = case(Some(repaired), None, "repair", "applied", true, plain()).await;
    fires("MNT-03", repaired, 1).await;
    drop_case(applied).await;
    case(Some(repaired), None, "repair", "working", true, plain()).await;
    fires("MNT-03", repaired, 0).await;

    // MNT-04: two of one year above the sum; not one alone, not of two years, not what was refused.
    let record = |no: u32, fact: Value| json!({"no": no, "by": "李", "at": "2026-01-01T00:00:00Z", "state": "drafted", "fact": fact});
    let application = |year: i32, yuan: &str, necessity: &str| {
        json!({"details": {"records": [record(1, json!({"record": "repair_application", "for_year": year, "condition": "x",
            "necessity": necessity, "estimate": yuan}))]}})
    };
    let split = house("split", json!({})).await;
    case(
        Some(split),
        None,
        "repair",
        "archived",
        false,
        application(2027, "600000.00", "wear"),
    )
    .await;
    fires("MNT-04", split, 0).await;
    case(
        Some(split),
        None,
        "repair",
        "refused",
        false,
        application(2027, "600000.00", "wear"),
    )
    .await;
    case(
        Some(split),
        None,
        "repair",
        "archived",
        false,
        application(2028, "600000.00", "wear"),
    )
    .await;
    fires("MNT-04", split, 0).await;
    case(
        Some(split),
        None,
        "repair",
        "applied",
        true,
        application(2027, "400000.01", "wear"),
    )
    .await;
    fires("MNT-04", split, 1).await;

    // MNT-07: because somebody else sits there; and not where that was declared void.
    let moved = house("moved", json!({})).await;
    let other_user = application(2027, "10.00", "change_of_user");
    let open = case(Some(moved), None, "repair", "applied", true, other_user.clone()).await;
    fires("MNT-07", moved, 1).await;
    fires("MNT-07", split, 0).await;
    drop_case(open).await;
    let mut void = other_user;
    void["details"]["records"]
        .as_array_mut()
        .unwrap()
        .push(record(2, json!({"record": "void", "no": 1, "reason": "误填"})));
    case(Some(moved), None, "repair", "applied", true, void).await;
    fires("MNT-07", moved, 0).await;

    // MNT-08 and MNT-06: done and not inspected after 90 days; and applied for anew within eight years.
    let done = |days: i64| json!({"details": {"records": [record(1, json!({"record": "completion", "completed_on": ago(days), "settled": "1.00"}))]}});
    for (days, late) in [(80, 0), (91, 1)] {
        let works = house(&format!("works-{days}"), json!({})).await;
        case(Some(works), None, "repair", "working", true, done(days)).await;
        fires("MNT-08", works, late).await;
        fires("MNT-06", works, 0).await;
    }
    for (days, soon) in [(365 * 7, 1), (365 * 9, 0)] {
        let again = house(&format!("again-{days}"), json!({})).await;
        case(Some(again), None, "repair", "archived", false, done(days)).await;
        fires("MNT-06", again, 0).await;
        case(Some(again), None, "repair", "applied", true, plain()).await;
        fires("MNT-06", again, soon).await;
        fires("MNT-08", again, 0).await;
    }

    let district = json!({"code": "320402", "name": "天宁区", "level": "county", "valid_from": "2000-01-01"});
    register(&app, "regions", "320402", district).await;
    // ALC-02: rented in, with an approval or without.
    let rented = house("rented", json!({"occupancy": "rented_in"})).await;
    fires("ALC-02", rented, 1).await;
    let unit =
        json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ", "region_code": "320402"});
    let unit: Uuid = crate::occupants::tests::id_of(&app, "units", unit)
        .await
        .parse()
        .unwrap();
    case(Some(rented), Some(unit), "rent_in", "renting", true, plain()).await;
    fires("ALC-02", rented, 0).await;

    // ALC-09 and ALC-10: of the unit that built, after its day.
    let due = |days: i64, vacates: bool| json!({"due_on": ago(days), "details": {"need": {"purpose": "x", "vacates": vacates}}});
    let open = case(None, Some(unit), "build", "completed", true, due(0, true)).await;
    fires("ALC-09", unit, 0).await;
    drop_case(open).await;
    let open = case(None, Some(unit), "build", "completed", true, due(1, true)).await;
    fires("ALC-09", unit, 1).await;
    fires("ALC-10", unit, 0).await;
    drop_case(open).await;
    for (vacates, late) in [(false, 0), (true, 1)] {
        let open = case(None, Some(unit), "build", "accounted", true, due(1, vacates)).await;
        fires("ALC-10", unit, late).await;
        fires("ALC-09", unit, 0).await;
        drop_case(open).await;
    }

    // DSP-02: granted more than a year ago and bare; not with a house on it, not within the year.
    for (key, from, houses, found) in [
        ("bare", ago(400), 0, 1),
        ("new", ago(300), 0, 0),
        ("built", ago(400), 1, 0),
    ] {
        east += 40.0;
        let body = json!({"code": key, "geometry": square(east, 20.0), "valid_from": "2015-01-01"});
        let parcel = register(&app, "parcels", key, body).await.0;
        let title = Uuid::now_v7();
        sqlx::query("insert into title (id, created_at) values ($1, '2026-01-01')")
            .bind(title)
            .execute(&pool)
            .await
            .unwrap();
        let standing: Vec<Uuid> = (0..houses).map(|_| used).collect();
        sqlx::query(
            "insert into title_version (version_id, object_id, valid, recorded, evidence, book_state, parcel_ids, building_ids,
                 holders, co_ownership, right_type, term_from)
             select gen_random_uuid(), $1, daterange('2020-01-01', null), tstzrange('2026-01-01', null), 'both', '1', array[$2],
                 $3, '[{\"name\": \"局\", \"kind\": \"bureau\"}]', '0', '3', $4::date",
        )
        .bind(title)
        .bind(parcel)
        .bind(&standing)
        .bind(&from)
        .execute(&pool)
        .await
        .unwrap();
        fires("DSP-02", parcel, found).await;
    }
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
