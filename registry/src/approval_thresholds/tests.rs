//! Thresholds over HTTP, over a real PostGIS: kept by the administrator, with their history, nearest region first.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;

use super::{AssetClass, Mode, find};
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{app, ask_as};
use crate::versioned::tests::{entries, prove};

const LIST: &str = "/api/v1/approval-thresholds";

fn row(region: &str, from: &str, to: &str, chain: &[&str]) -> Value {
    json!({"region_code": region, "mode": "sell", "asset_class": "building", "value_from": from, "value_to": to, "chain": chain,
           "notice_days": 20, "floor_percent": "90", "source": "文件", "valid_from": "2026-01-01", "reason": "市政府文件"})
}

#[sqlx::test(migrations = "../migrations")]
async fn the_nearest_region_decides_and_rows_keep_their_history(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let administrator = person_with(&pool, "administrator", &[Role::Administrator], "all").await;
    let manager = person_with(&pool, "manager", &[Role::AssetManager], "all").await;
    let ask = async |token: &str, method: &str, uri: &str, header: (&str, &str), body: Option<Value>| {
        state.clock.advance(time::Duration::seconds(1));
        ask_as(&app, Some(token), method, uri, &[header], body).await
    };
    let key = || uuid::Uuid::now_v7().to_string();
    let made = async |body: Value| {
        let answer = ask(&administrator, "POST", LIST, ("Idempotency-Key", &key()), Some(body)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        (answer.location.unwrap(), answer.etag.unwrap())
    };
    made(row("430000", "0", "", &["bureau", "government"])).await;
    let (city, tag) = made(row("431100", "0", "5000000.00", &["bureau", "finance"])).await;
    made(row("431100", "5000000", "", &["bureau", "finance", "leader"])).await;
    let chain = async |region: &str, value: i64, on: time::Date| {
        let mut connection = pool.acquire().await.unwrap();
        let found = find(
            &mut connection,
            region,
            Mode::Sell,
            AssetClass::Building,
            value.into(),
            on,
        )
        .await
        .unwrap();
        found.map(|row| {
            row.chain
                .iter()
                .map(|office| office.as_str())
                .collect::<Vec<_>>()
                .join(" ")
        })
    };
    let today = date!(2026 - 11 - 21);
    for (region, value, offices) in [
        ("431103", 4_999_999, Some("bureau finance")),
        ("431103", 5_000_000, Some("bureau finance leader")),
        ("430102", 1, Some("bureau government")),
        ("320404", 1, None),
    ] {
        assert_eq!(
            chain(region, value, today).await.as_deref(),
            offices,
            "{region} {value}"
        );
    }
    // Changed from a day on: what held before holds for the days before.
    let change =
        json!({"chain": ["bureau", "finance", "deputy_leader"], "valid_from": "2026-11-01", "reason": "新文件"});
    let answer = ask(&administrator, "PATCH", &city, ("If-Match", &tag), Some(change.clone())).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(
        chain("431103", 1, today).await.as_deref(),
        Some("bureau finance deputy_leader")
    );
    assert_eq!(
        chain("431103", 1, date!(2026 - 10 - 31)).await.as_deref(),
        Some("bureau finance")
    );
    let stale = ask(
        &administrator,
        "PATCH",
        &city,
        ("If-Match", &tag),
        Some(json!({"notice_days": 5, "reason": "x"})),
    )
    .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let listed = ask(&manager, "GET", &format!("{LIST}?region=431103"), ("x", "y"), None).await;
    assert_eq!(listed.body["items"].as_array().unwrap().len(), 3);
    assert_eq!(listed.body["items"][0]["region_code"], "43");

    // What doesn't fit is refused by its field, and changes nothing.
    let ledger = entries(&pool).await;
    for (field, value, code) in [
        ("value_from", json!("1.005"), "money_form"),
        ("value_to", json!("0"), ""),
        ("chain", json!([]), ""),
        ("chain", json!(["bureau", "bureau"]), ""),
        ("region_code", json!("4311x"), ""),
        ("floor_percent", json!("101"), ""),
        ("notice_days", json!(400), ""),
        ("source", json!(" "), ""),
        ("reason", json!(" "), ""),
    ] {
        let mut body = row("4401", "0", "", &["bureau"]);
        body[field] = value;
        let refused = ask(&administrator, "POST", LIST, ("Idempotency-Key", &key()), Some(body)).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{}",
            refused.body
        );
        assert!(code.is_empty() || refused.body["code"] == code, "{}", refused.body);
    }
    let overlapping = row("431100", "4000000", "6000000", &["bureau"]);
    let refused = ask(
        &administrator,
        "POST",
        LIST,
        ("Idempotency-Key", &key()),
        Some(overlapping),
    )
    .await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::CONFLICT, &json!("approval_threshold_version_no_overlap"))
    );
    let foreign = ask(
        &manager,
        "POST",
        LIST,
        ("Idempotency-Key", &key()),
        Some(row("44", "0", "", &["bureau"])),
    )
    .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(entries(&pool).await, ledger);

    // Ended, the province's row holds again.
    let now = ask(&administrator, "GET", &city, ("x", "y"), None).await.etag.unwrap();
    let end = json!({"valid_to": "2026-11-21", "reason": "废止"});
    let ended = ask(
        &administrator,
        "POST",
        &format!("{city}/closures"),
        ("If-Match", &now),
        Some(end),
    )
    .await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    assert_eq!(chain("431103", 1, today).await.as_deref(), Some("bureau government"));

    // Every example can be taken over, and stays marked as one.
    let examples = ask(&administrator, "GET", &format!("{LIST}/examples"), ("x", "y"), None).await;
    for example in examples.body.as_array().unwrap() {
        let mut body = example.clone();
        body["region_code"] = json!("320400");
        body["is_example"] = json!(true);
        body["reason"] = json!("示例");
        made(body).await;
    }
    let taken = ask(&manager, "GET", &format!("{LIST}?region=320404"), ("x", "y"), None).await;
    let items = taken.body["items"].as_array().unwrap();
    assert!(
        items.len() >= 9 && items.iter().all(|row| row["is_example"] == true),
        "{}",
        taken.body
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}
