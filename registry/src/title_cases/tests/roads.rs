//! The roads of a case: first registration, transfer, return from a company.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{CLERK, FIRST, Office, REVIEWER, TRANSFER, code};
use crate::spatial_units::tests::ask;
use crate::versioned::tests::prove;

#[sqlx::test(migrations = "../migrations")]
async fn what_is_unregistered_is_registered_by_two_people(pool: PgPool) {
    let office = Office::open(&pool).await;
    let parcel = office.parcel(0.0).await;
    let id = office.begun(parcel, None).await;
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "classify"}),
            "guard_policy_action_given",
        )
        .await;
    office
        .go(
            CLERK,
            &id,
            json!({"transition": "classify", "policy_action": "first_register"}),
        )
        .await;
    let forbidden = office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "begin_return"}),
            "transition_forbidden",
        )
        .await;
    assert!(forbidden["remedy"].as_str().unwrap().contains("collect"), "{forbidden}");
    office
        .is_refused(
            REVIEWER,
            &id,
            json!({"transition": "record", "on": "2026-11-10"}),
            "transition_forbidden",
        )
        .await;
    office
        .is_refused(REVIEWER, &id, json!({"transition": "teleport"}), "transition_unknown")
        .await;
    office.go(CLERK, &id, json!({"transition": "collect"})).await;
    let lacking = office
        .is_refused(CLERK, &id, json!({"transition": "prepare"}), "guard_documents_complete")
        .await;
    for words in [
        "登记申请书",
        "the unit code is missing",
        "areas are not compared",
        "what the title is to say",
    ] {
        assert!(
            lacking["detail"].as_str().unwrap().contains(words),
            "{words}: {lacking}"
        );
    }
    office.bring_papers(&id, parcel, &FIRST).await;
    office
        .is_refused(CLERK, &id, json!({"transition": "prepare"}), "guard_unit_code_firm")
        .await;
    let provisional = "431103999999GB99999W00000000";
    office.work(CLERK, &id, json!({"unit_code": provisional})).await;
    office
        .is_refused(CLERK, &id, json!({"transition": "prepare"}), "guard_unit_code_firm")
        .await;
    office.work(CLERK, &id, json!({"unit_code": code(15)})).await;
    let ready = office.go(CLERK, &id, json!({"transition": "prepare"})).await;
    assert_eq!(
        (&ready["submitted_by"], &ready["differences"][0]["before"]),
        (&json!(CLERK), &Value::Null)
    );

    // Nobody judges what they put forward, nor changes it under the reviewer's eyes.
    let own = office
        .is_refused(CLERK, &id, json!({"transition": "submit"}), "four_eyes")
        .await;
    assert!(own["detail"].as_str().unwrap().contains(CLERK));
    let closed = office.work(CLERK, &id, json!({"filing_evidence": "x"})).await;
    assert_eq!(
        (closed.status, &closed.body["code"]),
        (StatusCode::CONFLICT, &json!("papers_closed"))
    );
    office.go(REVIEWER, &id, json!({"transition": "submit"})).await;

    // The supplement is asked for once.
    office
        .go(
            CLERK,
            &id,
            json!({"transition": "ask_supplement", "reason": "补交界址点坐标"}),
        )
        .await;
    office.work(CLERK, &id, json!({"consents": ["无"]})).await;
    office
        .is_refused(CLERK, &id, json!({"transition": "resubmit"}), "four_eyes")
        .await;
    office.go(REVIEWER, &id, json!({"transition": "resubmit"})).await;
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "ask_supplement", "reason": "再补"}),
            "guard_supplement_not_used",
        )
        .await;

    for on in [json!(null), json!("2026-11-22")] {
        office
            .is_refused(
                CLERK,
                &id,
                json!({"transition": "accept", "on": on}),
                "guard_date_given",
            )
            .await;
    }
    let accepted = office
        .go(CLERK, &id, json!({"transition": "accept", "on": "2026-11-02"}))
        .await;
    assert_eq!(
        (&accepted["due_on"], &accepted["working_days_left"]),
        (&json!("2026-12-14"), &json!(16))
    );
    let queue = ask(
        &office.app,
        "GET",
        "/api/v1/title-cases?count=true&overdue=false",
        &[],
        None,
    )
    .await;
    assert_eq!(
        (&queue.body["total"], &queue.body["items"][0]["due_on"]),
        (&json!(1), &json!("2026-12-14")),
        "{}",
        queue.body
    );
    office.go(CLERK, &id, json!({"transition": "review"})).await;
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "record", "on": "2026-11-10"}),
            "four_eyes",
        )
        .await;
    office
        .is_refused(
            REVIEWER,
            &id,
            json!({"transition": "record", "on": "2026-11-01"}),
            "guard_date_given",
        )
        .await;
    let recorded = office
        .go(REVIEWER, &id, json!({"transition": "record", "on": "2026-11-10"}))
        .await;
    let title = format!("/api/v1/titles/{}", recorded["title_id"].as_str().unwrap());
    let written = ask(&office.app, "GET", &title, &[], None).await.body;
    assert_eq!(
        (&written["recorded_on"], &written["accepted_on"], &written["cert_no"]),
        (&json!("2026-11-10"), &json!("2026-11-02"), &Value::Null)
    );
    assert_eq!(
        (
            &written["registration_type"],
            &written["policy_action"],
            &written["case_id"]
        ),
        (&json!("100"), &json!("first_register"), &json!(id))
    );
    let asset = ask(&office.app, "GET", &format!("/api/v1/parcels/{parcel}"), &[], None)
        .await
        .body;
    assert_eq!(
        (&asset["title_status"], &asset["usage"]),
        (&json!("unified"), &json!("commercial"))
    );
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "withdraw", "reason": "晚了"}),
            "transition_forbidden",
        )
        .await;
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "certify", "on": "2026-11-12"}),
            "guard_certificate_given",
        )
        .await;
    let number = "湘(2026)冷水滩区不动产权第0000001号";
    office
        .go(
            CLERK,
            &id,
            json!({"transition": "certify", "on": "2026-11-12", "cert_no": number, "print_serial": "J00000000001"}),
        )
        .await;
    let written = ask(&office.app, "GET", &title, &[], None).await.body;
    assert_eq!(
        (&written["cert_no"], &written["issued_on"]),
        (&json!(number), &json!("2026-11-12"))
    );
    let archived = office.go(CLERK, &id, json!({"transition": "archive"})).await;
    assert_eq!(archived["steps"], json!([]));
    // A closed case keeps its dates.
    assert_eq!(archived["details"]["clock"]["deadline"]["due_on"], "2026-12-14");
    assert_eq!(archived["details"]["clock"]["stopped_on"], "2026-11-10");
    let history = ask(
        &office.app,
        "GET",
        &format!("/api/v1/title-cases/{id}/versions"),
        &[],
        None,
    )
    .await
    .body;
    assert_eq!(history["items"][0]["state"], "archived");
    assert!(
        history["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|step| step["actor"] == REVIEWER)
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_unit_holds_is_transferred_unless_a_court_holds_it(pool: PgPool) {
    let office = Office::open(&pool).await;
    let parcel = office.parcel(0.0).await;
    let held = json!({
        "evidence": "both", "unit_code": code(1), "cert_no": "湘(2018)冷水滩区不动产权第0000009号", "right_type": "3",
        "right_nature_land": "101", "holders": [{"name": "永州市某局", "kind": "unit"}], "parcel_ids": [parcel],
        "recorded_on": "2018-05-01",
    });
    let title = ask(
        &office.app,
        "POST",
        "/api/v1/titles",
        &[("Idempotency-Key", "t")],
        Some(held),
    )
    .await;
    assert_eq!(title.status, StatusCode::CREATED, "{}", title.body);
    let at = title.location.unwrap();
    let id = office.begun(parcel, Some(&code(1))).await;
    office.work(CLERK, &id, json!({"title_id": title.body["id"]})).await;
    let body = json!({"transition": "classify", "policy_action": "re_register", "registration_type": "300"});
    office.is_refused(CLERK, &id, body, "guard_policy_action_given").await;
    let classified = office
        .go(
            CLERK,
            &id,
            json!({"transition": "classify", "policy_action": "re_register"}),
        )
        .await;
    assert_eq!(
        classified["details"]["registration_type"], "200",
        "the plan's word and the law's are kept apart"
    );
    office.go(CLERK, &id, json!({"transition": "collect"})).await;
    office.bring_papers(&id, parcel, &TRANSFER).await;
    office.go(CLERK, &id, json!({"transition": "prepare"})).await;
    let shown = office.case(&id).await;
    let holder = shown["differences"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["field"] == "holders")
        .unwrap();
    assert_eq!(
        (&holder["before"][0]["name"], &holder["after"][0]["name"]),
        (&json!("永州市某局"), &json!("永州市机关事务管理局"))
    );
    office.go(REVIEWER, &id, json!({"transition": "submit"})).await;
    office
        .go(CLERK, &id, json!({"transition": "accept", "on": "2026-11-02"}))
        .await;
    office.go(CLERK, &id, json!({"transition": "review"})).await;
    let seizure = json!({"kind": "seizure", "holder": "永州市中级人民法院", "document": "(2026)湘11执1号", "valid_from": "2026-11-20"});
    let seized = ask(
        &office.app,
        "POST",
        &format!("{at}/encumbrances"),
        &[("Idempotency-Key", "e")],
        Some(seizure),
    )
    .await;
    let record = json!({"transition": "record", "on": "2026-11-10"});
    let blocked = office
        .is_refused(REVIEWER, &id, record.clone(), "guard_encumbrances_handled")
        .await;
    assert!(
        blocked["detail"].as_str().unwrap().contains("永州市中级人民法院"),
        "{blocked}"
    );
    office.state.clock.advance(time::Duration::minutes(1));
    let release = json!({"valid_to": "2026-11-21", "reason": "解除"});
    let uri = format!("{}/closures", seized.location.unwrap());
    let released = ask(
        &office.app,
        "POST",
        &uri,
        &[("If-Match", &seized.etag.unwrap())],
        Some(release),
    )
    .await;
    assert_eq!(released.status, StatusCode::OK, "{}", released.body);
    office.go(REVIEWER, &id, record).await;
    let before = ask(&office.app, "GET", &format!("{at}?as_of=2026-11-09"), &[], None)
        .await
        .body;
    let after = ask(&office.app, "GET", &at, &[], None).await.body;
    assert_eq!(
        (&before["holders"][0]["name"], &after["holders"][0]["name"]),
        (&json!("永州市某局"), &json!("永州市机关事务管理局"))
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_company_holds_comes_back_after_eight_checks(pool: PgPool) {
    let office = Office::open(&pool).await;
    let parcel = office.parcel(0.0).await;
    let held = json!({
        "evidence": "both", "unit_code": code(1), "cert_no": "湘(2018)冷水滩区不动产权第0000009号", "right_type": "3",
        "right_nature_land": "103", "holders": [{"name": "永州城投", "kind": "platform_company"}], "parcel_ids": [parcel],
        "recorded_on": "2018-05-01",
    });
    let title = ask(
        &office.app,
        "POST",
        "/api/v1/titles",
        &[("Idempotency-Key", "t")],
        Some(held),
    )
    .await;
    let mortgage = json!({"kind": "mortgage", "holder": "某银行", "document": "抵押合同", "mortgage_kind": "1", "valid_from": "2020-01-01"});
    let at = title.location.unwrap();
    ask(
        &office.app,
        "POST",
        &format!("{at}/encumbrances"),
        &[("Idempotency-Key", "m")],
        Some(mortgage),
    )
    .await;
    let id = office.begun(parcel, Some(&code(1))).await;
    office.work(CLERK, &id, json!({"title_id": title.body["id"]})).await;
    office
        .go(CLERK, &id, json!({"transition": "classify", "policy_action": "return"}))
        .await;
    office.go(CLERK, &id, json!({"transition": "begin_return"})).await;
    office.go(CLERK, &id, json!({"transition": "clear"})).await;
    let approve = json!({"transition": "approve_return", "approval": "永政函〔2026〕1号"});
    let open = office
        .is_refused(CLERK, &id, approve.clone(), "guard_return_checks_done")
        .await;
    assert!(
        open["detail"].as_str().unwrap().contains("某银行"),
        "the mortgagee has to be told: {open}"
    );
    let checks: Vec<Value> = crate::title_cases::content::RETURN_CHECKS
        .iter()
        .map(|check| json!({"check": check.name, "finding": "已核查", "paper": check.paper.map(|_| "永函〔2026〕2号")}))
        .collect();
    office
        .work(
            CLERK,
            &id,
            json!({"return_checks": checks[..7].to_vec(), "told": ["某银行"]}),
        )
        .await;
    let open = office
        .is_refused(CLERK, &id, approve.clone(), "guard_return_checks_done")
        .await;
    assert!(open["detail"].as_str().unwrap().contains("accounts"), "{open}");
    office.work(CLERK, &id, json!({"return_checks": checks})).await;
    office.go(CLERK, &id, approve).await;
    office.bring_papers(&id, parcel, &TRANSFER).await;
    office.register(&id).await;
    let asset = ask(&office.app, "GET", &format!("/api/v1/parcels/{parcel}"), &[], None)
        .await
        .body;
    assert_eq!(
        (&asset["usage"], &asset["title_status"]),
        (&json!("administrative_office"), &json!("unified"))
    );
    let title = ask(&office.app, "GET", &at, &[], None).await.body;
    assert_eq!(
        (
            &title["unification"],
            &title["policy_action"],
            &title["registration_type"]
        ),
        (&json!("unified_bureau"), &json!("return"), &json!("200"))
    );
}
