//! What people decide about findings, and how a check runs, over a real PostGIS.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;

use super::rule::catalogue;
use super::run::{Scope, run_rule};
use super::tests::{change, changed, check_everything, open, register};
use super::{CheckRefused, begin_check};
use crate::ledger::ObjectKind;
use crate::request::Actor;
use crate::spatial_units::tests::{Answer, app, ask};
use crate::versioned::tests::prove;

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
