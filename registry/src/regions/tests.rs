//! Through the router and the import, over a real PostGIS, under the application's role.

use std::collections::{BTreeMap, HashSet};
use std::io::Write as _;
use std::path::PathBuf;

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use time::macros::date;

use crate::http::AppState;
use crate::ids::ImportId;
use crate::imports::{Counts, ImportFailed, ImportOrder, ImportProgress, Report, run_import};
use crate::leases::tests::{MANAGER, Office, shop};
use crate::spatial_units::tests::{Answer, app, ask};
use crate::versioned::tests::prove;

const LIST: &str = "/api/v1/regions";

fn square(west: f64, south: f64) -> Value {
    json!({"type": "Polygon", "coordinates": [[[west, south], [west + 0.1, south], [west + 0.1, south + 0.1], [west, south + 0.1], [west, south]]]})
}

/// How many entries of the ledger speak of regions. An import has one of its own beside them.
async fn entries(pool: &PgPool) -> i64 {
    sqlx::query_scalar("select count(*) from ledger_entry where object_kind = 'region'")
        .fetch_one(pool)
        .await
        .unwrap()
}

/// A region's address, id and ETag.
struct Registered {
    at: String,
    id: String,
    tag: String,
}

/// Registers a region since 2020. The clock moves on by a minute.
async fn register(app: &Router, state: &AppState, code: &str, more: Value) -> Registered {
    let mut body = json!({"code": code, "name": format!("区划{code}"), "level": "county", "valid_from": "2020-01-01"});
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    let key = uuid::Uuid::now_v7().to_string();
    let answer = ask(app, "POST", LIST, &[("Idempotency-Key", &key)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    state.clock.advance(Duration::minutes(1));
    Registered {
        at: answer.location.unwrap(),
        id: answer.body["id"].as_str().unwrap().to_owned(),
        tag: answer.etag.unwrap(),
    }
}

async fn change(app: &Router, state: &AppState, region: &Registered, body: Value) -> Answer {
    let answer = ask(app, "PATCH", &region.at, &[("If-Match", &region.tag)], Some(body)).await;
    state.clock.advance(Duration::minutes(1));
    answer
}

async fn close(app: &Router, state: &AppState, region: &Registered, body: Value) -> Answer {
    let at = format!("{}/closures", region.at);
    let answer = ask(app, "POST", &at, &[("If-Match", &region.tag)], Some(body)).await;
    state.clock.advance(Duration::minutes(1));
    answer
}

async fn read(app: &Router, uri: &str) -> Value {
    let answer = ask(app, "GET", uri, &[], None).await;
    assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
    answer.body
}

/// The codes of a list, page after page.
async fn codes(app: &Router, uri: &str) -> Vec<String> {
    let mut seen = Vec::new();
    let mut next = Some(uri.to_owned());
    while let Some(uri) = next {
        let page = read(app, &uri).await;
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["code"].as_str().unwrap().to_owned()),
        );
        next = page["next"].as_str().map(ToOwned::to_owned);
    }
    seen
}

#[sqlx::test(migrations = "../migrations")]
async fn what_held_and_what_was_known(pool: PgPool) {
    let (app, state) = app(&pool).await;
    // 12:00 and 12:01 in China.
    let city = register(&app, &state, "431100", json!({"name": "永州市", "level": "city"})).await;
    let county = register(
        &app,
        &state,
        "431121",
        json!({"name": "祁阳县", "name_en": "Qiyang", "parent_id": city.id, "geometry": square(111.8, 26.5)}),
    )
    .await;
    // 12:02: the county becomes a city by itself, with another code.
    let said = json!({"name": "祁阳市", "code": "431181", "valid_from": "2021-02-01", "reason": "撤县设市"});
    let changed = change(&app, &state, &county, said).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(changed.body["name"], "祁阳市");
    assert_eq!(
        changed.etag.as_deref(),
        Some(&*format!("\"{}\"", changed.body["version_id"].as_str().unwrap()))
    );
    for (query, name, code) in [
        ("", "祁阳市", "431181"),
        ("as_of=2021-02-01", "祁阳市", "431181"),
        ("as_of=2021-01-31", "祁阳县", "431121"),
        ("as_of=2024-06-01&known_at=2026-11-21T04:01:30Z", "祁阳县", "431121"),
        (
            "as_of=2024-06-01&known_at=2026-11-21T12:02:00%2B08:00",
            "祁阳市",
            "431181",
        ),
    ] {
        let region = read(&app, &format!("{}?{query}", county.at)).await;
        assert_eq!(
            (&region["name"], &region["code"]),
            (&json!(name), &json!(code)),
            "{query}"
        );
        // What was not spoken of stays.
        assert_eq!(
            (
                &region["name_en"],
                &region["parent"]["name"],
                &region["geometry"]["type"]
            ),
            (&json!("Qiyang"), &json!("永州市"), &json!("MultiPolygon")),
            "{query}"
        );
        assert_eq!(region["bbox"], json!([111.8, 26.5, 111.8 + 0.1, 26.5 + 0.1]), "{query}");
        // The address may be the code of that day.
        assert_eq!(
            read(&app, &format!("{LIST}/{code}?{query}")).await["id"],
            county.id,
            "{query}"
        );
        let list = read(&app, &format!("{LIST}?parent=431100&count=true&{query}")).await;
        assert_eq!(
            (
                &list["total"],
                &list["items"][0]["name"],
                &list["items"][0]["parent_name"]
            ),
            (&json!(1), &json!(name), &json!("永州市")),
            "{query}"
        );
    }
    for at in [
        format!("{}?as_of=2019-12-31", county.at),
        format!("{}?known_at=2026-11-21T04:00:59Z", county.at),
        format!("{LIST}/431121"),
        format!("{LIST}/431181?as_of=2021-01-31"),
    ] {
        assert_eq!(
            ask(&app, "GET", &at, &[], None).await.status,
            StatusCode::NOT_FOUND,
            "{at}"
        );
    }
    let versions = read(&app, &format!("{}/versions", county.at)).await;
    let told: Vec<_> = versions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| {
            (
                version["valid_from"].clone(),
                version["valid_to"].clone(),
                version["recorded_to"].is_null(),
                version["changed"].clone(),
                version["reason"].clone(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (
                json!("2021-02-01"),
                Value::Null,
                true,
                json!(["code", "name"]),
                json!("撤县设市")
            ),
            (
                json!("2020-01-01"),
                json!("2021-02-01"),
                true,
                json!([]),
                json!("撤县设市")
            ),
            (json!("2020-01-01"), Value::Null, false, json!([]), Value::Null),
        ]
    );
    assert_eq!(prove(&pool).await.unwrap(), 4);
    // Another parent would move everything that lies in it.
    sqlx::query("update region_version set parent_id = null where code = '431181'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(prove(&pool).await.unwrap_err().object_kind.as_deref(), Some("region"));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_code_of_two_schemes_is_asked_for_by_its_scheme(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let ours = register(&app, &state, "43", json!({"level": "province"})).await;
    let other = register(&app, &state, "43", json!({"level": "province", "scheme": "ISTAT"})).await;
    let refused = ask(&app, "GET", &format!("{LIST}/43"), &[], None).await;
    assert_eq!(
        (refused.status, &refused.body["field"]),
        (StatusCode::BAD_REQUEST, &json!("scheme")),
        "{}",
        refused.body
    );
    for (scheme, region) in [("GB2260", ours), ("ISTAT", other)] {
        assert_eq!(
            read(&app, &format!("{LIST}/43?scheme={scheme}")).await["id"],
            region.id,
            "{scheme}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn only_what_was_read_is_changed(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let region = register(&app, &state, "431102", json!({})).await;
    let body = || Some(json!({"name": "新名"}));
    let missing = ask(&app, "PATCH", &region.at, &[], body()).await;
    assert_eq!(
        (missing.status, &missing.body["field"]),
        (StatusCode::PRECONDITION_REQUIRED, &json!("If-Match"))
    );
    let first = change(&app, &state, &region, json!({"name": "零陵区"})).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    let stale = change(&app, &state, &region, json!({"name": "新名"})).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.body);
    let stale = close(
        &app,
        &state,
        &region,
        json!({"valid_to": "2026-12-01", "reason": "撤销"}),
    )
    .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.body);
    assert_eq!(entries(&pool).await, 2);
    let tag = first.etag.unwrap();
    // The same again says nothing new: no version, no entry.
    let same = ask(
        &app,
        "PATCH",
        &region.at,
        &[("If-Match", &tag)],
        Some(json!({"name": " 零陵区 ", "reason": "没有变化"})),
    )
    .await;
    assert_eq!(
        (same.status, same.etag.as_deref()),
        (StatusCode::OK, Some(&*tag)),
        "{}",
        same.body
    );
    assert_eq!(entries(&pool).await, 2);
    let seen = ask(&app, "GET", &region.at, &[("If-None-Match", &tag)], None).await;
    assert_eq!((seen.status, seen.etag), (StatusCode::NOT_MODIFIED, Some(tag)));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_request_sent_twice_is_carried_out_once(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let body = json!({"code": "431102", "name": "零陵区", "level": "county"});
    let key = [("Idempotency-Key", "key")];
    let first = ask(&app, "POST", LIST, &key, Some(body.clone())).await;
    let again = ask(&app, "POST", LIST, &key, Some(body.clone())).await;
    assert_eq!(
        (first.status, again.status),
        (StatusCode::CREATED, StatusCode::CREATED),
        "{}",
        again.body
    );
    assert_eq!(
        (&first.body, &first.location, &first.etag),
        (&again.body, &again.location, &again.etag)
    );
    let other = json!({"code": "431103", "name": "冷水滩区", "level": "county"});
    let reused = ask(&app, "POST", LIST, &key, Some(other)).await;
    assert_eq!(reused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reused.body);
    let without = ask(&app, "POST", LIST, &[], Some(body.clone())).await;
    assert_eq!(
        (without.status, &without.body["field"]),
        (StatusCode::BAD_REQUEST, &json!("Idempotency-Key"))
    );
    let clash = ask(&app, "POST", LIST, &[("Idempotency-Key", "other")], Some(body)).await;
    assert_eq!(
        (clash.status, &clash.body["code"]),
        (StatusCode::CONFLICT, &json!("region_version_one_per_code")),
        "{}",
        clash.body
    );
    let registered: i64 = sqlx::query_scalar("select count(*) from region")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((registered, entries(&pool).await), (1, 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_stands_below_itself(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let a = register(&app, &state, "43", json!({"level": "province"})).await;
    let b = register(&app, &state, "4311", json!({"level": "city", "parent_id": a.id})).await;
    let c = register(&app, &state, "431102", json!({"parent_id": b.id})).await;
    let before = entries(&pool).await;
    for parent in [&a, &b, &c] {
        let refused = change(&app, &state, &a, json!({"parent_id": parent.id})).await;
        assert_eq!(
            (refused.status, &refused.body["field"], &refused.body["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("parent_id"), &json!("circle")),
            "{}",
            refused.body
        );
    }
    // C leaves B in 2022; until then A may not stand below C, from then on it may.
    let left = change(&app, &state, &c, json!({"parent_id": null, "valid_from": "2022-01-01"})).await;
    assert_eq!(left.status, StatusCode::OK, "{}", left.body);
    let early = change(&app, &state, &a, json!({"parent_id": c.id, "valid_from": "2021-12-31"})).await;
    assert_eq!(early.body["code"], "circle", "{}", early.body);
    let late = change(&app, &state, &a, json!({"parent_id": c.id, "valid_from": "2022-01-01"})).await;
    assert_eq!(late.status, StatusCode::OK, "{}", late.body);
    assert_eq!(
        late.body["parent"],
        json!({"id": c.id, "code": "431102", "name": "区划431102"})
    );
    assert_eq!(entries(&pool).await, before + 2);
    assert_eq!(prove(&pool).await.unwrap(), 7);
}

/// Two changes, each harmless by itself, would close a circle together.
#[sqlx::test(migrations = "../migrations")]
async fn two_changes_at_once_close_no_circle(pool: PgPool) {
    let (app, state) = app(&pool).await;
    for round in 0..4 {
        let a = register(&app, &state, &format!("43110{round}"), json!({})).await;
        let b = register(&app, &state, &format!("43120{round}"), json!({})).await;
        let (a_tag, b_tag) = ([("If-Match", &*a.tag)], [("If-Match", &*b.tag)]);
        let (one, other) = tokio::join!(
            ask(&app, "PATCH", &a.at, &a_tag, Some(json!({"parent_id": b.id}))),
            ask(&app, "PATCH", &b.at, &b_tag, Some(json!({"parent_id": a.id}))),
        );
        let mut statuses = [one.status, other.status];
        statuses.sort();
        assert_eq!(
            statuses,
            [StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY],
            "{} {}",
            one.body,
            other.body
        );
        state.clock.advance(Duration::minutes(1));
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_parent_is_there_as_long_as_what_stands_below_it(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let city = register(&app, &state, "431100", json!({"level": "city"})).await;
    let ending = register(&app, &state, "432900", json!({"level": "city"})).await;
    let closed = close(
        &app,
        &state,
        &ending,
        json!({"valid_to": "2024-01-01", "reason": "撤地设市"}),
    )
    .await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.body);
    let before = entries(&pool).await;
    for (from, parent) in [("2019-12-31", &city), ("2023-01-01", &ending), ("2024-01-01", &ending)] {
        let body =
            json!({"code": "431102", "name": "甲", "level": "county", "parent_id": parent.id, "valid_from": from});
        let refused = ask(&app, "POST", LIST, &[("Idempotency-Key", from)], Some(body)).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("parent_id")),
            "{from}: {}",
            refused.body
        );
    }
    assert_eq!(entries(&pool).await, before);
    // What is known of later days already bounds a change, and then the parent need not be there for longer.
    let county = register(&app, &state, "431102", json!({"parent_id": city.id})).await;
    let later = change(
        &app,
        &state,
        &county,
        json!({"name": "零陵区", "valid_from": "2023-01-01"}),
    )
    .await;
    assert_eq!(later.status, StatusCode::OK, "{}", later.body);
    let county = Registered {
        tag: later.etag.unwrap(),
        ..county
    };
    let early = json!({"parent_id": ending.id, "valid_from": "2022-01-01"});
    let moved = change(&app, &state, &county, early).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.body);
    for (day, parent) in [
        ("2021-12-31", &city.id),
        ("2022-12-31", &ending.id),
        ("2023-01-01", &city.id),
    ] {
        let region = read(&app, &format!("{}?as_of={day}", county.at)).await;
        assert_eq!(region["parent"]["id"], **parent, "{day}");
    }
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_region_ends_after_those_below_it_and_names_its_successors(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let city = register(&app, &state, "432900", json!({"level": "city", "name": "零陵地区"})).await;
    let county = register(&app, &state, "432902", json!({"parent_id": city.id})).await;
    let next = register(
        &app,
        &state,
        "431100",
        json!({"level": "city", "name": "永州市", "valid_from": "2024-01-01"}),
    )
    .await;
    let before = entries(&pool).await;
    let refused = close(
        &app,
        &state,
        &city,
        json!({"valid_to": "2024-01-01", "reason": "撤地设市"}),
    )
    .await;
    assert_eq!(
        (refused.status, &refused.body["field"], &refused.body["code"]),
        (
            StatusCode::UNPROCESSABLE_ENTITY,
            &json!("valid_to"),
            &json!("has_children")
        ),
        "{}",
        refused.body
    );
    let nobody = uuid::Uuid::now_v7().to_string();
    for (successors, valid_to) in [
        (json!([county.id]), "2024-01-01"),
        (json!([next.id, next.id]), "2024-01-01"),
        (json!([next.id, nobody]), "2024-01-01"),
        // Not there yet on that day.
        (json!([next.id]), "2023-12-31"),
    ] {
        let body = json!({"valid_to": valid_to, "reason": "撤销", "successor_ids": successors});
        let refused = close(&app, &state, &county, body).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("successor_ids")),
            "{successors} {valid_to}: {}",
            refused.body
        );
    }
    assert_eq!(entries(&pool).await, before);
    // The county moves below the new city on the day; then the old city can end.
    let moved = change(
        &app,
        &state,
        &county,
        json!({"parent_id": next.id, "valid_from": "2024-01-01"}),
    )
    .await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.body);
    let body = json!({"valid_to": "2024-01-01", "reason": "撤地设市", "successor_ids": [next.id]});
    let closed = close(&app, &state, &city, body.clone()).await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.body);
    assert_eq!(
        (&closed.body["valid_to"], &closed.body["successor_ids"]),
        (&json!("2024-01-01"), &json!([next.id]))
    );
    let gone = ask(&app, "GET", &city.at, &[], None).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.body);
    let last = read(&app, &format!("{}?as_of=2023-12-31", city.at)).await;
    assert_eq!(
        (&last["children"], &last["valid_to"], &last["successors"]),
        (
            &json!(1),
            &json!("2024-01-01"),
            &json!([{"id": next.id, "code": "431100", "name": "永州市"}])
        )
    );
    assert_eq!(read(&app, &next.at).await["children"], 1);
    // Nobody knew of the ending before it was recorded.
    let known = "as_of=2025-01-01&known_at=2026-11-21T04:02:30Z";
    assert_eq!(
        read(&app, &format!("{}?{known}", city.at)).await["successors"],
        json!([])
    );
    // Again, and later than it ended.
    let city = Registered {
        tag: closed.etag.unwrap(),
        ..city
    };
    for valid_to in ["2024-01-01", "2025-01-01"] {
        let again = json!({"valid_to": valid_to, "reason": "撤地设市", "successor_ids": [next.id]});
        let again = close(&app, &state, &city, again).await;
        assert_eq!(
            (again.status, &again.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("valid_to")),
            "{}",
            again.body
        );
    }
    let versions = read(&app, &format!("{}/versions", city.at)).await;
    assert_eq!(versions["items"][0]["successor_ids"], json!([next.id]));
    prove(&pool).await.unwrap();
    sqlx::query("update region_version set successor_ids = '{}' where code = '432900'")
        .execute(&pool)
        .await
        .unwrap();
    prove(&pool).await.unwrap_err();
}

#[sqlx::test(migrations = "../migrations")]
async fn bad_input_names_its_field_and_changes_nothing(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let region = register(&app, &state, "431102", json!({"geometry": square(111.6, 26.2)})).await;
    let nobody = uuid::Uuid::now_v7();
    let crossing = json!({"type": "Polygon", "coordinates": [[[111.0, 26.0], [111.1, 26.1], [111.1, 26.0], [111.0, 26.1], [111.0, 26.0]]]});
    for (body, field) in [
        (json!({"scheme": ""}), "scheme"),
        (json!({"scheme": "x".repeat(25)}), "scheme"),
        (json!({"code": ""}), "code"),
        (json!({"code": null}), "code"),
        (json!({"code": "43110"}), "code"),
        (json!({"code": "043110"}), "code"),
        (json!({"code": "4311O2"}), "code"),
        (json!({"code": 431_103}), "code"),
        (json!({"scheme": "ISTAT", "code": "007 001"}), "code"),
        (json!({"name": " "}), "name"),
        (json!({"name": "a\u{0}b"}), "name"),
        (json!({"name": "x".repeat(201)}), "name"),
        (json!({"name_en": "x".repeat(201)}), "name_en"),
        (json!({"level": "emperor"}), "level"),
        (json!({"level": null}), "level"),
        (json!({"parent_id": nobody}), "parent_id"),
        (json!({"parent_id": "431100"}), "parent_id"),
        (json!({"geometry": "POLYGON EMPTY"}), "geometry"),
        (
            json!({"geometry": {"type": "Point", "coordinates": [111.0, 26.0]}}),
            "geometry",
        ),
        (json!({"geometry": {"type": "Polygon", "coordinates": []}}), "geometry"),
        (json!({"geometry": square(500_000.0, 2_900_000.0)}), "geometry"),
        (json!({"name": "乙", "valid_from": "2019-12-31"}), "valid_from"),
        (json!({"name": "乙", "valid_from": "2024-02-30"}), "valid_from"),
        (json!({"name": "乙", "valid_from": "0001-01-01"}), "valid_from"),
        (json!({"name": "乙", "reason": "x".repeat(2001)}), "reason"),
        (json!({"successor_ids": []}), "successor_ids"),
    ] {
        let refused = ask(
            &app,
            "PATCH",
            &region.at,
            &[("If-Match", &region.tag)],
            Some(body.clone()),
        )
        .await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{body}: {}",
            refused.body
        );
        assert!(refused.body["remedy"].is_string(), "{body}: {}", refused.body);
    }
    let crossed = change(&app, &state, &region, json!({"geometry": crossing})).await;
    assert_eq!(
        (crossed.status, &crossed.body["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("geometry")),
        "{}",
        crossed.body
    );
    for missing in ["code", "name", "level"] {
        let mut body = json!({"code": "431103", "name": "冷水滩区", "level": "county"});
        body.as_object_mut().unwrap().remove(missing);
        let refused = ask(&app, "POST", LIST, &[("Idempotency-Key", missing)], Some(body)).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(missing)),
            "{}",
            refused.body
        );
    }
    for (query, status, field) in [
        ("sort=colour", StatusCode::BAD_REQUEST, "sort"),
        ("limit=0", StatusCode::BAD_REQUEST, "limit"),
        ("limit=1001", StatusCode::BAD_REQUEST, "limit"),
        ("limit=many", StatusCode::BAD_REQUEST, "query"),
        ("cursor=xyz", StatusCode::BAD_REQUEST, "cursor"),
        ("as_of=yesterday", StatusCode::BAD_REQUEST, "as_of"),
        ("known_at=now", StatusCode::BAD_REQUEST, "known_at"),
        ("q=%00", StatusCode::UNPROCESSABLE_ENTITY, "q"),
        ("parent=%00", StatusCode::UNPROCESSABLE_ENTITY, "parent"),
        ("level=%00", StatusCode::UNPROCESSABLE_ENTITY, "level"),
        ("scheme=%00", StatusCode::UNPROCESSABLE_ENTITY, "scheme"),
        ("dataset=%00", StatusCode::UNPROCESSABLE_ENTITY, "dataset"),
    ] {
        let refused = ask(&app, "GET", &format!("{LIST}?{query}"), &[], None).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (status, &json!(field)),
            "{query}: {}",
            refused.body
        );
    }
    for at in [
        format!("{LIST}/999999"),
        format!("{LIST}/{nobody}"),
        format!("{LIST}/{nobody}/versions"),
        format!("{LIST}/431102/versions"),
    ] {
        assert_eq!(
            ask(&app, "GET", &at, &[], None).await.status,
            StatusCode::NOT_FOUND,
            "{at}"
        );
    }
    for (body, field) in [
        (json!({"valid_to": "2025-01-01", "reason": ""}), "reason"),
        (json!({"valid_to": "2020-01-01", "reason": "撤销"}), "valid_to"),
        (json!({"valid_to": "soon", "reason": "撤销"}), "valid_to"),
        (
            json!({"valid_to": "2025-01-01", "reason": "撤销", "successor_ids": ["x"]}),
            "successor_ids[0]",
        ),
    ] {
        let refused = close(&app, &state, &region, body.clone()).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{body}: {}",
            refused.body
        );
    }
    assert_eq!(entries(&pool).await, 1);
    assert_eq!(ask(&app, "GET", &region.at, &[], None).await.etag.unwrap(), region.tag);
}

#[sqlx::test(migrations = "../migrations")]
async fn lists_are_narrowed_sorted_and_read_page_by_page(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let city = register(&app, &state, "431100", json!({"level": "city", "name": "Z%"})).await;
    for number in 0..11 {
        // Names that are equal: the order must still be one.
        let more = json!({"name": format!("区{}", number / 4), "parent_id": city.id});
        register(&app, &state, &format!("4311{:02}", 20 + number), more).await;
    }
    register(
        &app,
        &state,
        "IT-1",
        json!({"scheme": "ISTAT", "level": "province", "name": "Torino", "name_en": "Turin"}),
    )
    .await;
    let expected: Vec<String> = std::iter::once("431100".to_owned())
        .chain((20..31).map(|number| format!("4311{number}")))
        .chain(std::iter::once("IT-1".to_owned()))
        .collect();
    let turned: Vec<String> = expected.iter().rev().cloned().collect();
    assert_eq!(codes(&app, &format!("{LIST}?limit=4&sort=code")).await, expected);
    assert_eq!(codes(&app, &format!("{LIST}?limit=4&sort=-code")).await, turned);
    assert_eq!(codes(&app, &format!("{LIST}?limit=5")).await, expected);
    for sort in ["name", "-name"] {
        let seen = codes(&app, &format!("{LIST}?limit=3&sort={sort}")).await;
        let distinct: HashSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (13, 13), "{sort}");
        let first = if sort == "name" { "IT-1" } else { "4311" };
        assert!(seen[0].starts_with(first), "{sort}: {seen:?}");
    }
    let page = read(&app, &format!("{LIST}?limit=4&sort=name")).await;
    let cursor = page["next"]
        .as_str()
        .unwrap()
        .rsplit_once("cursor=")
        .unwrap()
        .1
        .to_owned();
    let foreign = ask(
        &app,
        "GET",
        &format!("{LIST}?limit=4&sort=code&cursor={cursor}"),
        &[],
        None,
    )
    .await;
    assert_eq!(
        (foreign.status, &foreign.body["field"]),
        (StatusCode::BAD_REQUEST, &json!("cursor"))
    );
    for (query, total) in [
        ("q=43112", 10),
        ("q=TURIN", 1),
        // A wildcard is a character like any other.
        ("q=%25", 1),
        ("q=_", 0),
        ("level=city,province", 2),
        ("level=village", 0),
        ("scheme=ISTAT", 1),
        ("dataset=none", 0),
        ("parent=none", 2),
        ("parent=431100", 11),
        (&format!("parent={}", city.id), 11),
        (&format!("parent={}&q=431130", city.id), 1),
        ("parent=999999", 0),
        ("as_of=2019-12-31", 0),
    ] {
        let list = read(&app, &format!("{LIST}?count=true&limit=1000&{query}")).await;
        let items = list["items"].as_array().unwrap();
        assert_eq!(
            (&list["total"], items.len()),
            (&json!(total), usize::try_from(total).unwrap()),
            "{query}"
        );
    }
    assert_eq!(
        read(&app, &format!("{LIST}?parent=none")).await["items"][0]["children"],
        11
    );
}

/// A county of the made-up files: code, name, city, and the column of squares it stands in.
#[derive(Clone)]
struct County {
    code: &'static str,
    name: &'static str,
    city: &'static str,
    place: u32,
}

/// Six counties in a row, three in each of two cities of one province.
fn counties() -> Vec<County> {
    [
        ("431102", "零陵区", "431100"),
        ("431103", "冷水滩区", "431100"),
        ("431181", "祁阳市", "431100"),
        ("430102", "芙蓉区", "430100"),
        ("430103", "天心区", "430100"),
        ("430104", "岳麓区", "430100"),
    ]
    .into_iter()
    .zip(0..)
    .map(|((code, name, city), place)| County {
        code,
        name,
        city,
        place,
    })
    .collect()
}

fn features(counties: &[County]) -> Value {
    let features: Vec<Value> = counties
        .iter()
        .map(|county| {
            let city = if county.city == "431100" {
                "永州市"
            } else {
                "长沙市"
            };
            json!({
                "type": "Feature",
                "properties": {"code": county.code, "name": county.name, "city_code": county.city, "city_name": city,
                               "province_code": "430000", "province_name": "湖南省"},
                "geometry": square(110.0 + 0.1 * f64::from(county.place), 26.0),
            })
        })
        .collect();
    json!({"type": "FeatureCollection", "features": features})
}

/// Imports a file of regions that is true from 2020 on. The clock moves on by a minute.
async fn import(
    state: &AppState,
    file: &Value,
    ordered: impl FnOnce(&mut ImportOrder),
) -> Result<Report, ImportFailed> {
    let mut kept = tempfile::Builder::new().suffix(".geojson").tempfile().unwrap();
    kept.write_all(file.to_string().as_bytes()).unwrap();
    let mut order = ImportOrder::new(gis_data::Layer::Regions, kept.path().to_owned(), "regions");
    order.valid_from = Some(date!(2020 - 01 - 01));
    order.map = pairs(&[("code", "code"), ("key", "code"), ("name", "name")]);
    ordered(&mut order);
    carry_out(state, &order).await
}

async fn carry_out(state: &AppState, order: &ImportOrder) -> Result<Report, ImportFailed> {
    let progress = ImportProgress::default();
    let report = run_import(&state.database, &state.clock, ImportId::fresh(), order, &progress).await;
    state.clock.advance(Duration::minutes(1));
    if let Ok(report) = &report {
        assert!(report.counts.add_up(), "{report:?}");
    }
    report
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(target, source)| ((*target).to_owned(), (*source).to_owned()))
        .collect()
}

fn with_ancestors(order: &mut ImportOrder) {
    order.ancestors = [
        ("city", "city_code", "city_name"),
        ("province", "province_code", "province_name"),
    ]
    .map(|(level, code, name)| (level.to_owned(), code.to_owned(), name.to_owned()))
    .to_vec();
}

fn counted(read: u64, inserted: u64, unchanged: u64, new_version: u64) -> Counts {
    Counts {
        read,
        inserted,
        unchanged,
        new_version,
        quarantined: read - inserted - unchanged - new_version,
    }
}

fn numbers(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts
        .iter()
        .map(|(code, count)| ((*code).to_owned(), *count))
        .collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_file_of_counties_makes_the_tree_above_them(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let looked = import(&state, &features(&counties()), |order| {
        with_ancestors(order);
        order.dry_run = true;
    })
    .await
    .unwrap();
    assert_eq!(looked.counts, counted(6, 6, 0, 0));
    assert_eq!(looked.warnings, numbers(&[("regions_above_created", 3)]));
    assert_eq!(entries(&pool).await, 0);

    let first = import(&state, &features(&counties()), with_ancestors).await.unwrap();
    assert_eq!(first.counts, counted(6, 6, 0, 0), "{:?}", first.reasons);
    assert_eq!(first.warnings, numbers(&[("regions_above_created", 3)]));
    assert_eq!(entries(&pool).await, 9);
    for (code, name, level, parent, children, bbox) in [
        ("430000", "湖南省", "province", None, 2, [110.0, 26.0, 110.6, 26.1]),
        (
            "431100",
            "永州市",
            "city",
            Some("430000"),
            3,
            [110.0, 26.0, 110.3, 26.1],
        ),
        (
            "430100",
            "长沙市",
            "city",
            Some("430000"),
            3,
            [110.3, 26.0, 110.6, 26.1],
        ),
        (
            "430104",
            "岳麓区",
            "county",
            Some("430100"),
            0,
            [110.5, 26.0, 110.6, 26.1],
        ),
    ] {
        let region = read(&app, &format!("{LIST}/{code}")).await;
        assert_eq!(
            (&region["name"], &region["level"], &region["children"]),
            (&json!(name), &json!(level), &json!(children)),
            "{region}"
        );
        assert_eq!(region["parent"]["code"].as_str(), parent, "{code}");
        for (index, wanted) in bbox.into_iter().enumerate() {
            let found = region["bbox"][index].as_f64().unwrap();
            assert!((found - wanted).abs() < 1e-9, "{code}: {}", region["bbox"]);
        }
    }

    let again = import(&state, &features(&counties()), with_ancestors).await.unwrap();
    assert_eq!(again.counts, counted(6, 0, 6, 0));
    assert_eq!((again.missing, &again.warnings), (0, &numbers(&[])));
    assert_eq!(entries(&pool).await, 9);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn the_next_file_moves_renames_and_ends(pool: PgPool) {
    let (app, state) = app(&pool).await;
    import(&state, &features(&counties()), with_ancestors).await.unwrap();
    let later = |order: &mut ImportOrder| {
        with_ancestors(order);
        order.valid_from = Some(date!(2024 - 01 - 01));
    };
    // One renamed, one in the other city: both cities' shapes change, the province covers what it covered.
    let mut next = counties();
    next[0].name = "零陵新区";
    next[3].city = "431100";
    let report = import(&state, &features(&next), later).await.unwrap();
    assert_eq!(report.counts, counted(6, 0, 4, 2), "{:?}", report.reasons);
    for (day, children, west) in [("2023-12-31", 3, 110.3), ("2024-01-01", 2, 110.4)] {
        let city = read(&app, &format!("{LIST}/430100?as_of={day}")).await;
        assert_eq!(city["children"], children, "{day}");
        assert!(
            (city["bbox"][0].as_f64().unwrap() - west).abs() < 1e-9,
            "{day}: {}",
            city["bbox"]
        );
    }
    assert_eq!(
        read(&app, &format!("{LIST}/431102?as_of=2024-01-01")).await["name"],
        "零陵新区"
    );
    assert_eq!(
        read(&app, &format!("{LIST}/431102?as_of=2023-12-31")).await["name"],
        "零陵区"
    );

    // One is left out: only reported, and ended where that is asked for.
    let gone = next.split_off(5);
    let before = entries(&pool).await;
    let report = import(&state, &features(&next), later).await.unwrap();
    assert_eq!(
        (report.counts, report.missing, report.closed),
        (counted(5, 0, 5, 0), 1, 0)
    );
    assert_eq!(entries(&pool).await, before);
    let report = import(&state, &features(&next), |order| {
        later(order);
        order.close_missing = true;
    })
    .await
    .unwrap();
    assert_eq!(
        (report.counts, report.missing, report.closed),
        (counted(5, 0, 5, 0), 1, 1)
    );
    let ended = ask(&app, "GET", &format!("{LIST}/{}", gone[0].code), &[], None).await;
    assert_eq!(ended.status, StatusCode::NOT_FOUND, "{}", ended.body);
    let city = read(&app, &format!("{LIST}/430100")).await;
    assert_eq!(city["children"], 1);
    assert!(
        (city["bbox"][2].as_f64().unwrap() - 110.5).abs() < 1e-9,
        "{}",
        city["bbox"]
    );
    prove(&pool).await.unwrap();
}

/// The rings of a shape that is mended may begin elsewhere each time; the file says the same.
#[sqlx::test(migrations = "../migrations")]
async fn a_shape_that_is_mended_again_is_no_change(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let mut file = features(&counties()[..1]);
    let outline = file["features"][0]["geometry"]["coordinates"].clone();
    file["features"][0]["geometry"] = json!({"type": "MultiPolygon", "coordinates":
        [outline, [[[110.0, 26.0], [110.0, 26.0]]]]});
    let first = import(&state, &file, with_ancestors).await.unwrap();
    assert_eq!(
        (first.counts, first.repaired),
        (counted(1, 1, 0, 0), 1),
        "{:?}",
        first.reasons
    );
    let before = entries(&pool).await;
    for _ in 0..5 {
        let again = import(&state, &file, with_ancestors).await.unwrap();
        assert_eq!((again.counts, again.repaired), (counted(1, 0, 1, 0), 1));
    }
    assert_eq!(entries(&pool).await, before);
    let region = read(&app, &format!("{LIST}/431102")).await;
    assert!(region["repaired"]["original"].is_object(), "{}", region["repaired"]);
    assert_eq!(
        region["geometry"]["coordinates"].as_array().unwrap().len(),
        1,
        "{}",
        region["geometry"]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn rows_that_can_be_no_region_are_put_aside_with_their_reason(pool: PgPool) {
    let (app, state) = app(&pool).await;
    register(&app, &state, "430900", json!({"level": "city"})).await;
    let row = |key: &str, code: &str, parent: &str, level: &str| {
        json!({"type": "Feature", "geometry": square(110.0, 26.0), "properties":
            {"key": key, "code": code, "name": format!("区划{key}"), "up": parent, "level": level}})
    };
    let mut pointed = row("7", "430207", "", "县");
    pointed["geometry"] = json!({"type": "Point", "coordinates": [110.0, 26.0]});
    let mut unnamed = row("8", "430208", "", "县");
    unnamed["properties"]["name"] = json!(" ");
    let file = json!({"type": "FeatureCollection", "features": [
        // Its parent comes later in the file.
        row("1", "430201", "430200", "县"),
        row("2", "430200", "", "地级市"),
        row("3", "430203", "430204", "县"),
        row("4", "430204", "430203", "县"),
        row("5", "430201", "", "县"),
        row("6", "430206", "", "帝国"),
        pointed,
        unnamed,
        row("9", "43020", "", "县"),
        row("10", "430900", "", "市"),
        row("11", "430211", "430299", "县"),
        // Whoever names itself as its parent stands at the top.
        row("12", "430212", "430212", "县"),
    ]});
    let report = import(&state, &file, |order| {
        order.map = pairs(&[
            ("key", "key"),
            ("code", "code"),
            ("name", "name"),
            ("parent_code", "up"),
            ("level", "level"),
        ]);
    })
    .await
    .unwrap();
    assert_eq!(report.counts, counted(12, 4, 0, 0), "{:?}", report.reasons);
    assert_eq!(
        report.reasons,
        numbers(&[
            ("circle", 2),
            ("code_form", 1),
            ("code_taken", 1),
            ("duplicate_code", 1),
            ("missing_field", 1),
            ("unknown_level", 1),
            ("unsupported_geometry", 1),
        ])
    );
    assert_eq!(report.warnings, numbers(&[("unknown_parent", 1)]));
    assert_eq!(
        codes(&app, &format!("{LIST}?dataset=regions")).await,
        ["430200", "430201", "430211", "430212"]
    );
    assert_eq!(read(&app, &format!("{LIST}/430201")).await["parent"]["code"], "430200");
    let (rows, reasons): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where reason is not null and raw is not null) from import_outcome",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((rows, reasons), (12, 8));
    prove(&pool).await.unwrap();
}

/// What a file says holds without end, so the parent it names must too.
#[sqlx::test(migrations = "../migrations")]
async fn a_file_puts_nothing_below_a_region_that_ends(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let city = register(&app, &state, "431100", json!({"level": "city"})).await;
    let closed = close(&app, &state, &city, json!({"valid_to": "2025-01-01", "reason": "撤销"})).await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.body);
    let before = entries(&pool).await;
    let outcome = import(&state, &features(&counties()), with_ancestors).await;
    let Err(ImportFailed::Refused { problem }) = outcome else {
        panic!("it was not refused: {outcome:?}");
    };
    assert!(problem.detail.contains("431100"), "{}", problem.detail);
    assert!(problem.remedy.is_some());
    assert_eq!(entries(&pool).await, before);
    assert_eq!(
        codes(&app, &format!("{LIST}?as_of=2024-01-01")).await,
        ["431100"],
        "something was written"
    );
}

/// The branches of a later day are a tree too: an import that would close a circle there is refused.
#[sqlx::test(migrations = "../migrations")]
async fn a_file_closes_no_circle_of_a_later_day(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let row = |code: &str, parent: &str| json!({"type": "Feature", "geometry": square(110.0, 26.0), "properties": {"code": code, "name": code, "up": parent}});
    let with_parents = |order: &mut ImportOrder| order.map.extend(pairs(&[("parent_code", "up")]));
    let file = |rows: Value| json!({"type": "FeatureCollection", "features": rows});
    let first = file(json!([row("430201", ""), row("430202", "")]));
    import(&state, &first, with_parents).await.unwrap();
    let later = file(json!([row("430201", "430202"), row("430202", "")]));
    import(&state, &later, |order| {
        with_parents(order);
        order.valid_from = Some(date!(2024 - 01 - 01));
    })
    .await
    .unwrap();
    let before = entries(&pool).await;
    // On that day 430201 still stands at the top; from 2024 on it stands below the other.
    let between = file(json!([row("430201", ""), row("430202", "430201")]));
    let outcome = import(&state, &between, |order| {
        with_parents(order);
        order.valid_from = Some(date!(2022 - 01 - 01));
    })
    .await;
    let Err(ImportFailed::Refused { problem }) = outcome else {
        panic!("it was not refused: {outcome:?}");
    };
    assert_eq!(problem.code.as_deref(), Some("circle"), "{}", problem.detail);
    assert_eq!(entries(&pool).await, before);
    assert_eq!(
        read(&app, &format!("{LIST}/430202?as_of=2023-01-01")).await["parent"],
        Value::Null
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_country_of_municipalities_becomes_its_tree(pool: PgPool) {
    let Some(sets) = std::env::var_os("YICE_TEST_DATA").map(PathBuf::from) else {
        eprintln!("left out: YICE_TEST_DATA names no folder with italy-municipalities");
        return;
    };
    let (app, state) = app(&pool).await;
    let file = sets.join("italy-municipalities/municipalities.geojsonl.gz");
    let mut order = ImportOrder::new(gis_data::Layer::Regions, file, "italy");
    order.valid_from = Some(date!(2020 - 01 - 01));
    order.scheme = Some("ISTAT".to_owned());
    order.map = pairs(&[("code", "com_istat_code"), ("key", "com_istat_code")]);
    order.ancestors = [
        ("city", "prov_istat_code", "prov_name"),
        ("province", "reg_istat_code", "reg_name"),
    ]
    .map(|(level, code, name)| (level.to_owned(), code.to_owned(), name.to_owned()))
    .to_vec();
    let first = carry_out(&state, &order).await.unwrap();
    let counts = first.counts;
    assert_eq!(counts.read, 7_899, "{first:?}");
    // The set's description counts two outlines without three places.
    assert!(counts.quarantined <= 2, "{:?}", first.reasons);
    assert_eq!(counts.inserted, 7_899 - counts.quarantined);
    assert_eq!(
        first.warnings.get("regions_above_created"),
        Some(&127),
        "{:?}",
        first.warnings
    );
    let total = async |query: &str| {
        let list = read(&app, &format!("{LIST}?count=true&limit=1&{query}")).await;
        list["total"].as_u64().unwrap()
    };
    assert_eq!(total("level=county").await, counts.inserted);
    assert_eq!(total("level=city").await, 107);
    assert_eq!(total("level=province&parent=none").await, 20);
    assert_eq!(total("parent=none").await, 20);
    assert_eq!(total("dataset=italy&scheme=ISTAT").await, counts.inserted + 127);
    let (below_cities, below_provinces): (i64, i64) = sqlx::query_as(
        "select count(*) filter (where v.level = 'county' and p.level = 'city'),
                count(*) filter (where v.level = 'city' and p.level = 'province')
           from region_version v join region_version p on p.object_id = v.parent_id",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(
        (u64::try_from(below_cities).unwrap(), below_provinces),
        (counts.inserted, 107)
    );
    let region = read(&app, &format!("{LIST}/007001?scheme=ISTAT")).await;
    assert_eq!(
        (&region["name"], &region["parent"]["code"], &region["parent"]["name"]),
        (&json!("Allein"), &json!("007"), &json!("Valle d'Aosta/Vallée d'Aoste"))
    );
    // A region above covers what stands below it, to the rounding of the shapes.
    let uncovered: f64 = sqlx::query_scalar(
        "select max(abs(st_area(p.geometry) - c.area) / c.area) from region_version p
           join (select parent_id, st_area(st_union(geometry)) as area from region_version where level = 'city' group by 1) c
             on c.parent_id = p.object_id",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(uncovered < 1e-6, "{uncovered}");

    let written = entries(&pool).await;
    assert_eq!(u64::try_from(written).unwrap(), counts.inserted + 127);
    let again = carry_out(&state, &order).await.unwrap();
    assert_eq!(
        (again.counts.inserted, again.counts.new_version, again.counts.unchanged),
        (0, 0, counts.inserted)
    );
    assert_eq!((again.missing, entries(&pool).await), (0, written));
    assert_eq!(prove(&pool).await.unwrap() as u64, counts.inserted + 127);
}

/// A city is written 3204 or 320400 (GB/T 2260). Whichever it is, it is asked about together with its districts.
#[sqlx::test(migrations = "../migrations")]
async fn a_city_written_with_zeros_is_asked_about_with_its_districts(pool: PgPool) {
    let office = Office::open(&pool).await;
    let city = json!({"code": "320400", "name": "常州市", "level": "city", "valid_from": "2010-01-01"});
    let key = [("Idempotency-Key", "city")];
    let city = ask(&office.app, "POST", LIST, &key, Some(city)).await;
    assert_eq!(city.status, StatusCode::CREATED, "{}", city.body);
    let unit = json!({"code": "U", "name": "区财政局", "level": "county", "kind": "government_organ", "region_code": "320404",
        "valid_from": "2020-01-01"});
    let key = [("Idempotency-Key", "unit")];
    let unit = ask(&office.app, "POST", "/api/v1/units", &key, Some(unit)).await;
    assert_eq!(unit.status, StatusCode::CREATED, "{}", unit.body);
    let building = office.building("沿街门面", 300.0).await;
    office.room(&building, "101", 100.0).await;
    office.made(MANAGER, "leases", shop(&building, json!({}))).await;
    let empty =
        json!({"name": "旧楼", "valid_from": "2020-01-01", "region_code": "320404", "geometry": square(119.95, 31.78)});
    let empty = office.made(MANAGER, "buildings", empty).await;
    let room = json!({"building_id": empty, "floor": 1, "number": "101", "use_area_m2": 20, "building_area_m2": 30,
        "valid_from": "2020-01-01"});
    office.made(MANAGER, "rooms", room).await;
    let idle = json!({"asset_id": empty, "idle_since": "2025-08-21", "cause": "vacated_by_reallocation", "evidence": "全楼无人办公",
        "documents": ["巡查记录 2025-09-02"]});
    office.made(MANAGER, "idle-records", idle).await;
    let counted = async |uri: &str| office.read(uri).await["items"].as_array().unwrap().len();
    for code in ["3204", "320400", "320404"] {
        for (list, many) in [
            ("units", 1),
            ("buildings", 2),
            ("leases", 1),
            ("idle-records", 1),
            ("idle-space", 1),
        ] {
            assert_eq!(
                counted(&format!("{list}?region={code}")).await,
                many,
                "{list} of {code}"
            );
        }
    }
    for list in ["units", "buildings", "leases", "idle-records", "idle-space"] {
        assert_eq!(
            counted(&format!("{list}?region=320402")).await,
            0,
            "{list} of the district beside it"
        );
    }
    let occupancy = office.read("regions/320400/occupancy").await;
    assert_eq!(
        (&occupancy["total"]["rooms"], &occupancy["groups"][0]["code"]),
        (&json!(2), &json!("320400"))
    );
    let utilisation = office.read("regions/320400/utilisation").await;
    let buildings: u64 = utilisation["by_state"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["buildings"].as_u64().unwrap())
        .sum();
    assert_eq!(buildings, 2);
}
