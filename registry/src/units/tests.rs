//! Through the router, over a real PostGIS, under the application's role.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;

use crate::http::AppState;
use crate::spatial_units::tests::{Answer, app, ask};
use crate::versioned::tests::{entries, prove};

/// Registers a unit; gives its address, id and ETag. The clock moves on by a minute.
async fn register(app: &Router, state: &AppState, code: &str, more: Value) -> (String, String, String) {
    let mut body = json!({"code": code, "name": format!("单位{code}"), "level": "city", "kind": "government_organ", "valid_from": "2020-01-01"});
    for (field, value) in more.as_object().unwrap() {
        body[field] = value.clone();
    }
    let answer = ask(app, "POST", "/api/v1/units", &[("Idempotency-Key", code)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    state.clock.advance(Duration::minutes(1));
    (
        answer.location.unwrap(),
        answer.body["id"].as_str().unwrap().to_owned(),
        answer.etag.unwrap(),
    )
}

async fn change(app: &Router, state: &AppState, at: &str, tag: &str, body: Value) -> Answer {
    let answer = ask(app, "PATCH", at, &[("If-Match", tag)], Some(body)).await;
    state.clock.advance(Duration::minutes(1));
    answer
}

#[sqlx::test(migrations = "../migrations")]
async fn what_held_and_what_was_known(pool: PgPool) {
    let (app, state) = app(&pool).await;
    // 12:00 in China.
    let (at, _, tag) = register(
        &app,
        &state,
        "91350100M000100Y43",
        json!({"headcount": {"正处级": 3, "副处级": 5}}),
    )
    .await;
    let said = json!({"name": "市机关事务管理局", "headcount": {"正处级": 4}, "valid_from": "2024-01-01", "reason": "三定方案"});
    // 12:01.
    let changed = change(&app, &state, &at, &tag, said).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(changed.body["headcount"], json!({"正处级": 4}));
    assert_eq!(
        changed.etag.as_deref(),
        Some(&*format!("\"{}\"", changed.body["version_id"].as_str().unwrap()))
    );

    for (query, name, total) in [
        ("", "市机关事务管理局", 4),
        ("?as_of=2024-01-01", "市机关事务管理局", 4),
        ("?as_of=2023-12-31", "单位91350100M000100Y43", 8),
        (
            "?as_of=2024-06-01&known_at=2026-11-21T04:00:30Z",
            "单位91350100M000100Y43",
            8,
        ),
        (
            "?as_of=2024-06-01&known_at=2026-11-21T12:01:00%2B08:00",
            "市机关事务管理局",
            4,
        ),
    ] {
        let read = ask(&app, "GET", &format!("{at}{query}"), &[], None).await;
        assert_eq!(
            (&read.body["name"], &read.body["headcount_total"]),
            (&json!(name), &json!(total)),
            "{query}: {}",
            read.body
        );
        assert_eq!(read.body["code_check"], "ok");
        let query = query.trim_start_matches('?');
        let list = ask(&app, "GET", &format!("/api/v1/units?{query}"), &[], None).await;
        assert_eq!(list.body["items"][0]["name"], name, "{query}: {}", list.body);
        assert_eq!(
            list.body["items"][0]["headcount_total"], total,
            "{query}: {}",
            list.body
        );
    }
    for query in ["?as_of=2019-12-31", "?known_at=2026-11-21T03:59:59Z"] {
        assert_eq!(
            ask(&app, "GET", &format!("{at}{query}"), &[], None).await.status,
            StatusCode::NOT_FOUND,
            "{query}"
        );
    }
    let versions = ask(&app, "GET", &format!("{at}/versions"), &[], None).await;
    let told: Vec<_> = versions.body["items"]
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
                json!("2024-01-01"),
                Value::Null,
                true,
                json!(["headcount", "name"]),
                json!("三定方案")
            ),
            (
                json!("2020-01-01"),
                json!("2024-01-01"),
                true,
                json!([]),
                json!("三定方案")
            ),
            (json!("2020-01-01"), Value::Null, false, json!([]), Value::Null),
        ]
    );
    assert_eq!(prove(&pool).await.unwrap(), 3);
    sqlx::query(
        "update unit_version set headcount = '{\"正处级\": 40}' where upper_inf(recorded) and upper_inf(valid)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let bad = prove(&pool).await.unwrap_err();
    assert_eq!(bad.seq, Some(2), "{bad}");
}

#[sqlx::test(migrations = "../migrations")]
async fn only_what_was_read_is_changed(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (at, _, tag) = register(&app, &state, "A", json!({})).await;
    let body = || Some(json!({"name": "新名"}));
    let missing = ask(&app, "PATCH", &at, &[], body()).await;
    assert_eq!(
        (missing.status, &missing.body["field"]),
        (StatusCode::PRECONDITION_REQUIRED, &json!("If-Match"))
    );
    let first = change(&app, &state, &at, &tag, json!({"name": "甲"})).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.body);
    let stale = ask(&app, "PATCH", &at, &[("If-Match", &tag)], body()).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.body);
    let stale = ask(
        &app,
        "POST",
        &format!("{at}/closures"),
        &[("If-Match", &tag)],
        Some(json!({"valid_to": "2026-12-01", "reason": "撤销"})),
    )
    .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.body);
    assert_eq!(entries(&pool).await, 2);
    // The same again says nothing new: no version, no entry.
    let same = change(
        &app,
        &state,
        &at,
        first.etag.as_deref().unwrap(),
        json!({"name": " 甲 "}),
    )
    .await;
    assert_eq!((same.status, same.etag), (StatusCode::OK, first.etag.clone()));
    assert_eq!(entries(&pool).await, 2);
    let seen = ask(
        &app,
        "GET",
        &at,
        &[("If-None-Match", first.etag.as_deref().unwrap())],
        None,
    )
    .await;
    assert_eq!((seen.status, seen.etag), (StatusCode::NOT_MODIFIED, first.etag));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_request_sent_twice_is_carried_out_once(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let body = json!({"code": "A", "name": "甲", "level": "city", "kind": "court"});
    let key = [("Idempotency-Key", "key")];
    let first = ask(&app, "POST", "/api/v1/units", &key, Some(body.clone())).await;
    let again = ask(&app, "POST", "/api/v1/units", &key, Some(body.clone())).await;
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
    let other = json!({"code": "B", "name": "乙", "level": "city", "kind": "court"});
    let reused = ask(&app, "POST", "/api/v1/units", &key, Some(other)).await;
    assert_eq!(reused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reused.body);
    let without = ask(&app, "POST", "/api/v1/units", &[], Some(body.clone())).await;
    assert_eq!(
        (without.status, &without.body["field"]),
        (StatusCode::BAD_REQUEST, &json!("Idempotency-Key"))
    );
    // The code is taken on these days.
    let clash = ask(
        &app,
        "POST",
        "/api/v1/units",
        &[("Idempotency-Key", "other")],
        Some(body),
    )
    .await;
    assert_eq!(
        (clash.status, &clash.body["code"]),
        (StatusCode::CONFLICT, &json!("unit_version_one_per_code"))
    );
    let registered: i64 = sqlx::query_scalar("select count(*) from unit")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((registered, entries(&pool).await), (1, 1));
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_stands_below_itself(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (a_at, a, a_tag) = register(&app, &state, "A", json!({})).await;
    let (b_at, b, b_tag) = register(&app, &state, "B", json!({"parent_id": a})).await;
    let (_, c, _) = register(&app, &state, "C", json!({"parent_id": b})).await;
    let before = entries(&pool).await;
    for parent in [&a, &b, &c] {
        let refused = change(&app, &state, &a_at, &a_tag, json!({"parent_id": parent})).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("parent_id")),
            "{}",
            refused.body
        );
        assert_eq!(refused.body["code"], "circle");
    }
    // C leaves B in 2022; until then A may not stand below C, from then on it may.
    let c_at = format!("/api/v1/units/{c}");
    let c_tag = ask(&app, "GET", &c_at, &[], None).await.etag.unwrap();
    let left = change(
        &app,
        &state,
        &c_at,
        &c_tag,
        json!({"parent_id": null, "valid_from": "2022-01-01"}),
    )
    .await;
    assert_eq!(left.status, StatusCode::OK, "{}", left.body);
    let early = change(
        &app,
        &state,
        &a_at,
        &a_tag,
        json!({"parent_id": c, "valid_from": "2021-12-31"}),
    )
    .await;
    assert_eq!(early.body["code"], "circle", "{}", early.body);
    let late = change(
        &app,
        &state,
        &a_at,
        &a_tag,
        json!({"parent_id": c, "valid_from": "2022-01-01"}),
    )
    .await;
    assert_eq!(late.status, StatusCode::OK, "{}", late.body);
    assert_eq!(late.body["parent"], json!({"id": c, "code": "C", "name": "单位C"}));
    assert_eq!(entries(&pool).await, before + 2);

    // What has others below it does not end before they do.
    let refused = ask(
        &app,
        "POST",
        &format!("{b_at}/closures"),
        &[("If-Match", &b_tag)],
        Some(json!({"valid_to": "2021-06-01", "reason": "撤销"})),
    )
    .await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("has_children")),
        "{}",
        refused.body
    );
    let closed = ask(
        &app,
        "POST",
        &format!("{b_at}/closures"),
        &[("If-Match", &b_tag)],
        Some(json!({"valid_to": "2022-01-01", "reason": "撤销"})),
    )
    .await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.body);
    state.clock.advance(Duration::minutes(1));
    assert_eq!(ask(&app, "GET", &b_at, &[], None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        ask(&app, "GET", &format!("{b_at}?as_of=2021-12-31"), &[], None)
            .await
            .body["children"],
        1
    );
    // Nor does anything begin under a parent that has ended, or has not begun.
    for (from, parent) in [("2023-01-01", &b), ("2019-12-31", &a)] {
        let body = json!({"code": "D", "name": "丁", "level": "city", "kind": "other", "parent_id": parent, "valid_from": from});
        let refused = ask(&app, "POST", "/api/v1/units", &[("Idempotency-Key", from)], Some(body)).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("parent_id")),
            "{}",
            refused.body
        );
    }
    let at_the_top = ask(&app, "GET", "/api/v1/units?parent=none&count=true", &[], None).await;
    assert_eq!(
        (at_the_top.body["total"].as_i64(), &at_the_top.body["items"][0]["code"]),
        (Some(1), &json!("C"))
    );
    let below = ask(&app, "GET", &format!("/api/v1/units?parent={c}"), &[], None).await;
    assert_eq!(
        (&below.body["items"][0]["code"], &below.body["items"][0]["parent_name"]),
        (&json!("A"), &json!("单位C"))
    );
    assert_eq!(prove(&pool).await.unwrap(), 8);
}

/// Two changes, each harmless by itself, would close a circle together.
#[sqlx::test(migrations = "../migrations")]
async fn two_changes_at_once_close_no_circle(pool: PgPool) {
    let (app, state) = app(&pool).await;
    for round in 0..4 {
        let (a_at, a, a_tag) = register(&app, &state, &format!("A{round}"), json!({})).await;
        let (b_at, b, b_tag) = register(&app, &state, &format!("B{round}"), json!({})).await;
        let (a_tag, b_tag) = ([("If-Match", a_tag.as_str())], [("If-Match", b_tag.as_str())]);
        let (one, other) = tokio::join!(
            ask(&app, "PATCH", &a_at, &a_tag, Some(json!({"parent_id": b}))),
            ask(&app, "PATCH", &b_at, &b_tag, Some(json!({"parent_id": a}))),
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
async fn bad_input_names_its_field_and_changes_nothing(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (at, _, tag) = register(&app, &state, "A", json!({})).await;
    let nobody = uuid::Uuid::now_v7();
    for (body, field) in [
        (json!({"code": ""}), "code"),
        (json!({"code": null}), "code"),
        (json!({"code": "x".repeat(65)}), "code"),
        (json!({"name": " "}), "name"),
        (json!({"name": "a\u{0}b"}), "name"),
        (json!({"name": 7}), "name"),
        (json!({"level": "emperor"}), "level"),
        (json!({"kind": null}), "kind"),
        (json!({"region_code": "431100"}), "region_code"),
        (json!({"parent_id": nobody}), "parent_id"),
        (json!({"parent_id": "nobody"}), "parent_id"),
        (json!({"headcount": [3]}), "headcount"),
        (json!({"headcount": {"正处级": -1}}), "headcount.正处级"),
        (json!({"headcount": {"正处级": 1.5}}), "headcount.正处级"),
        (json!({"headcount": {"正处级": "3"}}), "headcount.正处级"),
        (json!({"headcount": {"正处级": 4_294_967_296_u64}}), "headcount.正处级"),
        (json!({"headcount": {" ": 1}}), "headcount"),
        (json!({"headcount": {"正处级": 1, " 正处级": 2}}), "headcount"),
        (json!({"name": "乙", "valid_from": "2019-12-31"}), "valid_from"),
        (json!({"name": "乙", "valid_from": "2024-02-30"}), "valid_from"),
        (json!({"name": "乙", "valid_from": "0001-01-01"}), "valid_from"),
        (json!({"name": "乙", "reason": "x".repeat(2001)}), "reason"),
        (json!({"name": "乙", "reason": "\u{0}"}), "reason"),
        (json!({"colour": "red"}), "colour"),
    ] {
        let refused = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(body.clone())).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            refused.body
        );
        assert_eq!(refused.body["field"], field, "{body}: {}", refused.body);
        assert!(refused.body["remedy"].is_string(), "{body}: {}", refused.body);
    }
    for missing in ["code", "name", "level", "kind"] {
        let mut body = json!({"code": "B", "name": "乙", "level": "city", "kind": "court"});
        body.as_object_mut().unwrap().remove(missing);
        let refused = ask(
            &app,
            "POST",
            "/api/v1/units",
            &[("Idempotency-Key", missing)],
            Some(body),
        )
        .await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(missing)),
            "{}",
            refused.body
        );
    }
    for (query, field) in [
        ("sort=colour", "sort"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=xyz", "cursor"),
        ("parent=nobody", "parent"),
        ("as_of=yesterday", "as_of"),
        ("known_at=now", "known_at"),
        ("limit=many", "query"),
    ] {
        let refused = ask(&app, "GET", &format!("/api/v1/units?{query}"), &[], None).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{query}: {}",
            refused.body
        );
    }
    for query in ["q=%00", "region=%00", "dataset=%00", "level=%00"] {
        let refused = ask(&app, "GET", &format!("/api/v1/units?{query}"), &[], None).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{query}: {}",
            refused.body
        );
    }
    for at in [
        "/api/v1/units/nobody",
        &format!("/api/v1/units/{nobody}"),
        &format!("/api/v1/units/{nobody}/versions"),
    ] {
        assert_eq!(
            ask(&app, "GET", at, &[], None).await.status,
            StatusCode::NOT_FOUND,
            "{at}"
        );
    }
    for (body, field) in [
        (json!({"valid_to": "2025-01-01", "reason": ""}), "reason"),
        (json!({"valid_to": "2020-01-01", "reason": "撤销"}), "valid_to"),
        (json!({"valid_to": "soon", "reason": "撤销"}), "valid_to"),
    ] {
        let refused = ask(
            &app,
            "POST",
            &format!("{at}/closures"),
            &[("If-Match", &tag)],
            Some(body.clone()),
        )
        .await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{body}: {}",
            refused.body
        );
    }
    assert_eq!(entries(&pool).await, 1);
    assert_eq!(ask(&app, "GET", &at, &[], None).await.etag.unwrap(), tag);
}

/// An entry that can't be written takes its change with it.
#[sqlx::test(migrations = "../migrations")]
async fn no_change_without_its_entry(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (at, _, tag) = register(&app, &state, "A", json!({})).await;
    sqlx::raw_sql(
        "create function refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$;
         create trigger refuse before insert on ledger_entry for each row execute function refuse();",
    )
    .execute(&pool)
    .await
    .unwrap();
    let failed = change(&app, &state, &at, &tag, json!({"name": "乙"})).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", failed.body);
    let body = json!({"code": "B", "name": "乙", "level": "city", "kind": "court"});
    let failed = ask(&app, "POST", "/api/v1/units", &[("Idempotency-Key", "B")], Some(body)).await;
    assert_eq!(failed.status, StatusCode::INTERNAL_SERVER_ERROR, "{}", failed.body);
    let (units, versions): (i64, i64) = sqlx::query_as(
        "select (select count(*) from unit), (select count(*) from unit_version where upper_inf(recorded))",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((units, versions), (1, 1));
    assert_eq!(ask(&app, "GET", &at, &[], None).await.etag.unwrap(), tag);
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_neither_skip_nor_repeat(pool: PgPool) {
    let (app, state) = app(&pool).await;
    for number in 0..13 {
        let more = json!({"name": format!("单位{}", number / 3), "headcount": {"科级": number / 4}});
        register(&app, &state, &format!("C{number}"), more).await;
    }
    for sort in ["code", "-code", "name", "-name", "headcount", "-headcount"] {
        let mut seen = Vec::new();
        let mut next = Some(format!("/api/v1/units?limit=4&q=单位&sort={sort}").replace("单位", "%E5%8D%95%E4%BD%8D"));
        while let Some(uri) = next {
            let page = ask(&app, "GET", &uri, &[], None).await;
            assert_eq!(page.status, StatusCode::OK, "{uri}: {}", page.body);
            seen.extend(
                page.body["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| item["code"].as_str().unwrap().to_owned()),
            );
            next = page.body["next"].as_str().map(ToOwned::to_owned);
        }
        let distinct: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (13, 13), "{sort}");
    }
    let page = ask(&app, "GET", "/api/v1/units?limit=4&sort=name", &[], None).await;
    let cursor = page.body["next"]
        .as_str()
        .unwrap()
        .rsplit_once("cursor=")
        .unwrap()
        .1
        .to_owned();
    let foreign = ask(
        &app,
        "GET",
        &format!("/api/v1/units?limit=4&sort=code&cursor={cursor}"),
        &[],
        None,
    )
    .await;
    assert_eq!(
        (foreign.status, &foreign.body["field"]),
        (StatusCode::BAD_REQUEST, &json!("cursor"))
    );
    let few = ask(
        &app,
        "GET",
        "/api/v1/units?count=true&kind=court,government_organ&level=city&q=c1",
        &[],
        None,
    )
    .await;
    assert_eq!(few.body["total"], 4, "{}", few.body);
}
