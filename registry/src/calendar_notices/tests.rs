//! Notices over HTTP, over a real PostGIS: kept by the administrator, read by everybody, and deadlines go by them.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;
use uuid::Uuid;

use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{app, ask_as};
use crate::versioned::tests::{entries, prove};
use crate::working_days::{Deadline, WorkingCalendar};

const LIST: &str = "/api/v1/calendar-notices";

/// No notice of 2027 had been published when this was written: its days are made up.
pub(crate) fn made_up_2027() -> Value {
    json!({"year": 2027, "source": "虚构的2027年放假安排, 2026-11-05", "reason": "按通知登记",
           "off": [{"from": "2027-01-01", "to": "2027-01-03"}, {"from": "2027-02-05", "to": "2027-02-11"},
                   {"from": "2027-04-03", "to": "2027-04-05"}, {"from": "2027-05-01", "to": "2027-05-05"},
                   {"from": "2027-06-09", "to": "2027-06-09"}, {"from": "2027-09-15", "to": "2027-09-16"},
                   {"from": "2027-10-01", "to": "2027-10-07"}],
           "worked": ["2027-01-30", "2027-02-13", "2027-04-25", "2027-05-08", "2027-10-09"]})
}

fn with(field: &str, value: Value) -> Value {
    let mut notice = made_up_2027();
    notice[field] = value;
    notice
}

#[sqlx::test(migrations = "../migrations")]
async fn a_notice_is_recorded_corrected_and_withdrawn_and_deadlines_know_it(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let administrator = person_with(&pool, "administrator", &[Role::Administrator], "all").await;
    let viewer = person_with(&pool, "viewer", &[Role::Viewer], "all").await;
    let ask = async |token: &str, method: &str, uri: &str, header: (&str, &str), body: Option<Value>| {
        state.clock.advance(time::Duration::seconds(1));
        ask_as(&app, Some(token), method, uri, &[header], body).await
    };
    let key = || Uuid::now_v7().to_string();
    let thirty_days = async || {
        let mut connection = pool.acquire().await.unwrap();
        let calendar = WorkingCalendar::in_force(&mut connection).await.unwrap();
        calendar.deadline(date!(2026 - 12 - 10), 30)
    };
    let not_published = Deadline::NotPublished {
        year: 2027,
        not_before: date!(2027 - 01 - 21),
    };
    assert_eq!(thirty_days().await, not_published);

    let answer = ask(&viewer, "POST", LIST, ("Idempotency-Key", &key()), Some(made_up_2027())).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN, "{}", answer.body);
    let before = entries(&pool).await;
    for (body, field) in [
        (with("year", json!(1999)), "year"),
        (with("year", json!(2028)), "off[0]"),
        (with("source", json!(" ")), "source"),
        (with("off", json!([])), "off"),
        (
            with("off", json!([{"from": "2027-01-03", "to": "2027-01-01"}])),
            "off[0]",
        ),
        (
            with("off", json!([{"from": "2027-12-31", "to": "2028-01-01"}])),
            "off[0]",
        ),
        (
            with("off", json!([{"from": "2027-01-01", "to": "2027-12-31"}])),
            "worked",
        ),
        (with("worked", json!(["2027-02-30"])), "worked[0]"),
        // A Monday, and a Saturday that is off.
        (with("worked", json!(["2027-01-04"])), "worked"),
        (with("worked", json!(["2027-01-02"])), "worked"),
        (with("reason", json!("")), "reason"),
    ] {
        let answer = ask(
            &administrator,
            "POST",
            LIST,
            ("Idempotency-Key", &key()),
            Some(body.clone()),
        )
        .await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            answer.body
        );
        assert_eq!(answer.body["field"], field, "{body}: {}", answer.body);
    }
    assert_eq!(entries(&pool).await, before, "nothing was written");

    let once = key();
    let answer = ask(
        &administrator,
        "POST",
        LIST,
        ("Idempotency-Key", &once),
        Some(made_up_2027()),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let (notice, tag) = (answer.location.unwrap(), answer.etag.unwrap());
    let again = ask(
        &administrator,
        "POST",
        LIST,
        ("Idempotency-Key", &once),
        Some(made_up_2027()),
    )
    .await;
    assert_eq!((again.status, &again.body), (StatusCode::CREATED, &answer.body));
    let another = ask(
        &administrator,
        "POST",
        LIST,
        ("Idempotency-Key", &key()),
        Some(made_up_2027()),
    )
    .await;
    assert_eq!(another.status, StatusCode::CONFLICT, "{}", another.body);
    // One day off, the Saturday of 30 January worked.
    let known = Deadline::On {
        due_on: date!(2027 - 01 - 22),
    };
    assert_eq!(thirty_days().await, known);

    let years = ask(&viewer, "GET", LIST, ("accept", "*/*"), None).await.body;
    let told: Vec<(i64, i64, bool)> = years["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|year| {
            (
                year["year"].as_i64().unwrap(),
                year["net_days_off"].as_i64().unwrap(),
                year["id"].is_string(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (2027, 13, true),
            (2026, 13, false),
            (2025, 13, false),
            (2024, 11, false)
        ]
    );
    assert_eq!(years["items"][0]["off"], made_up_2027()["off"]);
    assert_eq!(years["items"][0]["worked"], made_up_2027()["worked"]);
    let read = ask(&viewer, "GET", &notice, ("accept", "*/*"), None).await;
    assert_eq!(read.etag.as_deref(), Some(tag.as_str()));

    // The first Friday of the year is worked after all.
    let corrected = with("off", json!([{"from": "2027-10-01", "to": "2027-10-07"}]));
    let stale = ask(
        &administrator,
        "PATCH",
        &notice,
        ("If-Match", "\"0\""),
        Some(corrected.clone()),
    )
    .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.body);
    let moved = ask(
        &administrator,
        "PATCH",
        &notice,
        ("If-Match", &tag),
        Some(with("year", json!(2028))),
    )
    .await;
    assert_eq!(moved.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", moved.body);
    let answer = ask(&administrator, "PATCH", &notice, ("If-Match", &tag), Some(corrected)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.body["off"].as_array().unwrap().len(), 1);
    assert_eq!(
        thirty_days().await,
        Deadline::On {
            due_on: date!(2027 - 01 - 21)
        }
    );
    // Withdrawn: the year is as unknown as before.
    let withdrawals = format!("{notice}/withdrawals");
    let tag = answer.etag.unwrap();
    let reason = json!({"reason": "登记错误"});
    let answer = ask(
        &administrator,
        "POST",
        &withdrawals,
        ("If-Match", &tag),
        Some(reason.clone()),
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(thirty_days().await, not_published);
    let gone = ask(&administrator, "POST", &withdrawals, ("If-Match", &tag), Some(reason)).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "{}", gone.body);
    // A year that the program carries is replaced by what is recorded.
    let mut changed = json!({"year": 2026, "source": "虚构的补充通知, 2026-11-05", "reason": "补充通知",
                             "off": [{"from": "2026-12-10", "to": "2026-12-11"}]});
    let answer = ask(
        &administrator,
        "POST",
        LIST,
        ("Idempotency-Key", &key()),
        Some(changed.take()),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let mut connection = pool.acquire().await.unwrap();
    let calendar = WorkingCalendar::in_force(&mut connection).await.unwrap();
    assert_eq!(calendar.is_working_day(date!(2026 - 12 - 11)), Some(false));
    drop(connection);
    prove(&pool).await.unwrap();
}
