//! A leader's home is filed, and who sees the names.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{TENANCIES, begun, plan, rooms, selected, tenancy, unit};
use crate::people::Role;
use crate::people::tests::person_with;
use crate::policy_cases::tests::{APPROVER, CONTACT, MANAGER, Office};
use crate::spatial_units::tests::ask_as;
use crate::versioned::tests::{entries, prove};

#[sqlx::test(migrations = "../migrations")]
async fn a_leader_s_home_is_filed_and_names_are_for_who_sees_the_house(pool: PgPool) {
    let office = Office::open(&pool).await;
    office.threshold("convert").await;
    let house = office.building(1).await;
    office.title(&house, 1, "102", json!({})).await;
    let flats = rooms(&office, &house, &["301"], json!({"room_type": "turnover_housing"})).await;
    let staff = unit(&office, "统计").await;
    // A parcel has no homes; a compound goes house by house.
    let land = office.parcel(7).await;
    for (body, code) in [
        (
            json!({"procedure": "turnover_housing", "asset_id": land}),
            "not_a_building",
        ),
        (
            json!({"procedure": "turnover_housing", "asset_id": house, "room_ids": flats}),
            "",
        ),
    ] {
        let refused = office.post(MANAGER, "/api/v1/policy-cases", body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        if !code.is_empty() {
            assert_eq!(refused.body["code"], code);
        }
    }
    let refused = office
        .post(
            CONTACT,
            "/api/v1/policy-cases",
            json!({"procedure": "turnover_housing", "asset_id": house}),
        )
        .await;
    assert_eq!(refused.body["code"], "not_granted");

    let id = begun(&office, &house).await;
    selected(&office, &id, "public_housing").await;
    // Public housing stays housing: no opinion of planning. Nobody judges what they put forward.
    let token = person_with(
        &pool,
        "both",
        &[Role::Planner, Role::AssetManager, Role::Approver],
        "all",
    )
    .await;
    let alone = async |what: &str, body: Value| {
        let tag = format!("\"{}\"", office.case(&id).await["version_id"].as_str().unwrap());
        let uri = format!("/api/v1/policy-cases/{id}/{what}");
        ask_as(
            &office.app,
            Some(&token),
            "POST",
            &uri,
            &[("If-Match", &tag)],
            Some(body),
        )
        .await
    };
    assert_eq!(alone("records", plan(1)).await.status, StatusCode::OK);
    for kind in ["conversion_plan"] {
        let paper = json!({"record": "document", "kind": kind, "name": "1号"});
        assert_eq!(alone("records", paper).await.status, StatusCode::OK);
    }
    let planned = alone("transitions", json!({"transition": "plan"})).await;
    assert_eq!(planned.status, StatusCode::OK, "{}", planned.body);
    office.papers(MANAGER, &id, &["meeting_minutes"]).await;
    let ledger = entries(&pool).await;
    let own = alone("transitions", json!({"transition": "decide", "decision_no": "1号"})).await;
    assert_eq!(
        (own.status, &own.body["code"], &own.body["rule"]["id"]),
        (StatusCode::CONFLICT, &json!("four_eyes"), &json!("GOV-01")),
        "{}",
        own.body
    );
    assert_eq!(entries(&pool).await, ledger);
    let decide = json!({"transition": "decide", "decision_no": "局党组纪要〔2026〕9号"});
    office.go(MANAGER, &id, decide).await;
    // The last of the chain first: out of turn.
    let out_of_turn = json!({"transition": "approve", "office": "deputy_leader", "decision_no": "1号"});
    office
        .step_is_refused(APPROVER, &id, out_of_turn, "guard_approval_in_order", "DSP-06")
        .await;
    for (who, step) in [
        ("bureau", "countersign"),
        ("finance", "countersign"),
        ("deputy_leader", "approve"),
    ] {
        let step = json!({"transition": step, "office": who, "decision_no": "号"});
        office.go(APPROVER, &id, step).await;
    }
    // It needs no refit, and why is on record.
    let why = json!({"record": "no_refit", "reason": "2024年已整修，设施完好"});
    office.record(MANAGER, &id, why).await;
    office.go(MANAGER, &id, json!({"transition": "refit"})).await;
    let list = json!({"record": "homes", "room_ids": flats});
    office.record(MANAGER, &id, list).await;
    office.go(MANAGER, &id, json!({"transition": "set_up"})).await;
    office.papers(MANAGER, &id, &["conversion_record"]).await;
    office.go(MANAGER, &id, json!({"transition": "put_to_use"})).await;

    let today = office.state.clock.today().to_string();
    let mut leader = tenancy(&flats[0], &staff, &today);
    leader["filing_number"] = json!("湘机管备〔2026〕1号");
    leader["filed_on"] = json!(today);
    let refused = office.post(MANAGER, TENANCIES, leader.clone()).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("filing_form")),
        "only a leader's is filed"
    );
    leader["is_leader"] = json!(true);
    (leader["filing_number"], leader["filed_on"]) = (Value::Null, Value::Null);
    let id = office.made(MANAGER, TENANCIES, leader).await;
    let unfiled = async || office.read(&format!("{TENANCIES}?unfiled=true&count=true")).await["total"].clone();
    assert_eq!(unfiled().await, 1);
    let at = format!("{TENANCIES}/{id}");
    let tag = format!("\"{}\"", office.read(&at).await["version_id"].as_str().unwrap());
    let filed = json!({"filing_number": "湘机管备〔2026〕1号", "filed_on": today});
    let filed = office
        .ask(MANAGER, "PATCH", &at, &[("If-Match", &tag)], Some(filed))
        .await;
    assert_eq!(
        (filed.status, &filed.body["filing_number"]),
        (StatusCode::OK, &json!("湘机管备〔2026〕1号")),
        "{}",
        filed.body
    );
    assert_eq!(unfiled().await, 0);

    // What changes nothing leaves the version and the ledger as they are.
    let (tag, written) = (filed.etag.clone().unwrap(), entries(&pool).await);
    for same in [
        json!({}),
        json!({"filing_number": "湘机管备〔2026〕1号", "is_leader": true, "reason": "照旧"}),
    ] {
        let kept = office
            .ask(MANAGER, "PATCH", &at, &[("If-Match", &tag)], Some(same.clone()))
            .await;
        assert_eq!(
            (kept.status, kept.etag.as_deref()),
            (StatusCode::OK, Some(tag.as_str())),
            "{same}: {}",
            kept.body
        );
    }
    assert_eq!(entries(&pool).await, written);

    // Who sees the house sees who lives there; elsewhere there is nothing of it, and nothing to change.
    let there = person_with(&pool, "district-viewer", &[Role::Viewer], "431103").await;
    let elsewhere = person_with(&pool, "elsewhere", &[Role::AssetManager], "431102").await;
    let ask = async |token: &str, uri: &str| ask_as(&office.app, Some(token), "GET", uri, &[], None).await;
    assert_eq!(ask(&there, &at).await.body["tenant_name"], "钱守正");
    for uri in [at.clone(), format!("{at}/versions")] {
        assert_eq!(ask(&elsewhere, &uri).await.status, StatusCode::NOT_FOUND, "{uri}");
    }
    for uri in [TENANCIES, "/api/v1/homes", "/api/v1/leases"] {
        let listed = ask(&elsewhere, &format!("{uri}?count=true")).await;
        assert_eq!(listed.body["total"], 0, "{uri}: {}", listed.body);
    }
    let tag = filed.etag.unwrap();
    let strange = json!({"on": today, "reason": "x"});
    let key = Uuid::now_v7().to_string();
    let headers = [("If-Match", tag.as_str()), ("Idempotency-Key", key.as_str())];
    let refused = ask_as(
        &office.app,
        Some(&elsewhere),
        "POST",
        &format!("{at}/exits"),
        &headers,
        Some(strange),
    )
    .await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.body);
    // Nobody is found by name, and no file tells one.
    for uri in [
        "/api/v1/search?q=%E9%92%B1%E5%AE%88%E6%AD%A3",
        "/api/v1/rooms?count=true",
    ] {
        let told = office.read(uri).await.to_string();
        assert!(!told.contains("钱守正"), "{uri}: {told}");
    }
    prove(&pool).await.unwrap();
}
