//! Filings over HTTP, over a real PostGIS: entered and corrected with their history, by those whose unit it is.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};
use crate::versioned::tests::{entries, prove};

const LIST: &str = "/api/v1/use-filings";

async fn made(app: &Router, layer: &str, body: Value) -> String {
    let key = Uuid::now_v7().to_string();
    let uri = format!("/api/v1/{layer}");
    let answer = ask(app, "POST", &uri, &[("Idempotency-Key", &key)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn unit(app: &Router, code: &str, region: &str, level: &str) -> String {
    let body = json!({"code": code, "name": format!("{code}局"), "level": level, "kind": "government_organ", "region_code": region,
                      "valid_from": "2020-01-01"});
    made(app, "units", body).await
}

/// By whoever shows the token; by somebody with every role where none is shown.
async fn enter(app: &Router, token: Option<&str>, body: &Value) -> Answer {
    let key = Uuid::now_v7().to_string();
    let headers = [("Idempotency-Key", key.as_str())];
    match token {
        None => ask(app, "POST", LIST, &headers, Some(body.clone())).await,
        token => ask_as(app, token, "POST", LIST, &headers, Some(body.clone())).await,
    }
}

fn filing(unit: &str) -> Value {
    json!({"unit_id": unit, "kind": "leader_offices", "year": 2025, "filed_on": "2026-01-20", "document": "机管备〔2026〕7号"})
}

#[sqlx::test(migrations = "../migrations")]
async fn a_filing_is_entered_once_corrected_and_withdrawn_and_its_history_stays(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let district = json!({"code": "320404", "name": "钟楼区", "level": "county", "valid_from": "2010-01-01"});
    made(&app, "regions", district).await;
    let unit = unit(&app, "甲", "320404", "county").await;
    let first = enter(&app, None, &filing(&unit)).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    let (at, tag) = (first.location.unwrap(), first.etag.unwrap());
    let read = ask(&app, "GET", &at, &[], None).await;
    assert_eq!(
        (
            &read.body["kind"],
            &read.body["year"],
            &read.body["filed_on"],
            &read.body["document"]
        ),
        (
            &json!("leader_offices"),
            &json!(2025),
            &json!("2026-01-20"),
            &json!("机管备〔2026〕7号")
        ),
        "{}",
        read.body
    );
    assert_eq!(read.etag.as_ref(), Some(&tag));
    // Before its day it was not there.
    let then = ask(&app, "GET", &format!("{LIST}?unit={unit}&as_of=2026-01-19"), &[], None).await;
    assert_eq!(then.body["items"], json!([]));

    // What doesn't fit is refused by its field, and changes nothing.
    let ledger = entries(&pool).await;
    for (field, value, status) in [
        ("year", json!(2027), 422),
        ("year", json!(1989), 422),
        ("year", Value::Null, 422),
        ("filed_on", json!("2026-12-01"), 422),
        ("document", json!("  "), 422),
        ("document", Value::Null, 422),
        ("document", json!("长".repeat(201)), 422),
        ("note", json!("长".repeat(401)), 422),
        ("kind", Value::Null, 422),
        ("unit_id", Value::Null, 422),
        ("unit_id", json!(Uuid::now_v7()), 422),
    ] {
        let mut body = filing(&unit);
        body["kind"] = json!("internal_publication");
        body[field] = value.clone();
        let refused = enter(&app, None, &body).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["field"]),
            (status, &json!(field)),
            "{value}: {}",
            refused.body
        );
    }
    let twice = enter(&app, None, &filing(&unit)).await;
    assert_eq!(
        (twice.status, &twice.body["code"]),
        (StatusCode::CONFLICT, &json!("use_filing_version_one_a_year")),
        "{}",
        twice.body
    );
    let other = self::unit(&app, "乙", "320404", "county").await;
    let after_units = entries(&pool).await;
    state.clock.advance(time::Duration::minutes(1));
    for (body, field) in [
        (json!({"unit_id": other, "reason": "录错"}), "unit_id"),
        (json!({"document": "新号"}), "reason"),
        (json!({"year": 2027, "reason": "录错"}), "year"),
    ] {
        let refused = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(body)).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{}",
            refused.body
        );
    }
    assert_eq!((entries(&pool).await, after_units), (ledger + 1, ledger + 1));

    let change = json!({"filed_on": "2026-01-15", "note": "补录", "reason": "日期录错"});
    let changed = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change.clone())).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(
        (
            &changed.body["filed_on"],
            &changed.body["note"],
            &changed.body["document"]
        ),
        (&json!("2026-01-15"), &json!("补录"), &json!("机管备〔2026〕7号"))
    );
    let stale = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change)).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let tag = changed.etag.unwrap();
    // Nothing else is no change.
    let same = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(json!({"year": 2025}))).await;
    assert_eq!((same.status, same.etag.as_ref()), (StatusCode::OK, Some(&tag)));

    state.clock.advance(time::Duration::minutes(1));
    let uri = format!("{at}/withdrawals");
    let end = json!({"reason": "不是这个单位的"});
    let withdrawn = ask(&app, "POST", &uri, &[("If-Match", &tag)], Some(end.clone())).await;
    assert_eq!(withdrawn.status, StatusCode::OK, "{}", withdrawn.body);
    for (method, uri, body) in [("GET", &at, None), ("POST", &uri, Some(end))] {
        let gone = ask(&app, method, uri, &[("If-Match", &tag)], body).await;
        assert_eq!(gone.status, StatusCode::NOT_FOUND, "{method} {uri}");
    }
    let versions = ask(&app, "GET", &format!("{at}/versions"), &[], None).await;
    let told: Vec<&Value> = versions.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["reason"])
        .collect();
    assert_eq!(told.len(), 2, "{}", versions.body);
    assert!(told.contains(&&json!("日期录错")), "{}", versions.body);
    // The year is free again.
    let again = enter(&app, None, &filing(&unit)).await;
    assert_eq!(again.status, StatusCode::CREATED, "{}", again.body);
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
    sqlx::query("update use_filing_version set document = 'x'")
        .execute(&pool)
        .await
        .unwrap();
    assert!(prove(&pool).await.is_err(), "whoever alters the record is found out");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_units_contact_enters_what_their_unit_filed_and_no_others(pool: PgPool) {
    let (app, state) = app(&pool).await;
    for region in ["320402", "320404"] {
        let body = json!({"code": region, "name": region, "level": "county", "valid_from": "2010-01-01"});
        made(&app, "regions", body).await;
    }
    let (own, beside) = (
        unit(&app, "甲", "320404", "county").await,
        unit(&app, "乙", "320402", "county").await,
    );
    let city = unit(&app, "丙", "320404", "city").await;
    let contact = person_with(&pool, "contact", &[Role::UnitContact], "all").await;
    let manager = person_with(&pool, "manager", &[Role::AssetManager], "320404").await;
    for (grant, value) in [("unit_id", own.clone()), ("level", "county".to_owned())] {
        let who = if grant == "unit_id" { "contact" } else { "manager" };
        let cast = if grant == "unit_id" { "$1::uuid" } else { "$1" };
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "update person_grant set {grant} = {cast} where person_id = (select id from person where username = '{who}')"
        )))
        .bind(value)
        .execute(&pool)
        .await
        .unwrap();
    }
    let viewer = person_with(&pool, "viewer", &[Role::Viewer], "all").await;
    let entered = enter(&app, Some(&contact), &filing(&own)).await;
    assert_eq!(entered.status, StatusCode::CREATED, "{}", entered.body);
    let (at, tag) = (entered.location.unwrap(), entered.etag.unwrap());
    let before = entries(&pool).await;
    for (token, unit, code) in [
        (&contact, &beside, "out_of_scope"),
        (&contact, &city, "out_of_scope"),
        (&manager, &beside, "out_of_scope"),
        // In the region, and of another level.
        (&manager, &city, "out_of_scope"),
        (&viewer, &own, "not_granted"),
    ] {
        let mut body = filing(unit);
        body["kind"] = json!("internal_publication");
        let refused = enter(&app, Some(token), &body).await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (StatusCode::FORBIDDEN, &json!(code)),
            "{}",
            refused.body
        );
    }
    // What one's unit filed is seen and corrected; of others nothing is told.
    let elsewhere = enter(&app, None, &filing(&beside)).await.location.unwrap();
    // What is sealed is told.
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
    let seen = async |token: &str, uri: &str| ask_as(&app, Some(token), "GET", uri, &[], None).await;
    for token in [&contact, &manager] {
        assert_eq!(seen(token, &at).await.status, StatusCode::OK);
        assert_eq!(seen(token, &elsewhere).await.status, StatusCode::NOT_FOUND);
        let list = seen(token, &format!("{LIST}?unit={beside}")).await;
        assert_eq!(list.body["items"], json!([]));
        let told = seen(token, "/api/v1/ledger?limit=500").await.body.to_string();
        assert!(told.contains(at.rsplit('/').next().unwrap()) && !told.contains(elsewhere.rsplit('/').next().unwrap()));
    }
    state.clock.advance(time::Duration::minutes(1));
    let change = json!({"document": "机管备〔2026〕8号", "reason": "文号录错"});
    let changed = ask_as(
        &app,
        Some(&manager),
        "PATCH",
        &at,
        &[("If-Match", &tag)],
        Some(change.clone()),
    )
    .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    let foreign = ask_as(
        &app,
        Some(&contact),
        "PATCH",
        &elsewhere,
        &[("If-Match", &tag)],
        Some(change),
    )
    .await;
    assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{}", foreign.body);
    assert_eq!(entries(&pool).await, before + 2);
    prove(&pool).await.unwrap();

    // The database judges by itself.
    let setting = json!({"person": Uuid::nil(), "actor": "x", "reads": "read_registry", "writes": "keep_filings", "reaches": {
        "read_registry": [{"region": null, "level": null, "unit": null}],
        "keep_filings": [{"region": null, "level": null, "unit": own}]}});
    for reads_all in [true, false] {
        for (unit, may) in [(&own, true), (&beside, false)] {
            let mut transaction = state
                .database
                .scoped(setting.to_string(), reads_all)
                .begin()
                .await
                .unwrap();
            let ended = sqlx::query(
                "update use_filing_version set recorded = tstzrange(lower(recorded), '2027-01-01') where unit_id = $1 and upper_inf(recorded)",
            )
            .bind(unit.parse::<Uuid>().unwrap())
            .execute(&mut *transaction)
            .await;
            assert_eq!(ended.is_ok(), may, "{ended:?}");
        }
    }
}
