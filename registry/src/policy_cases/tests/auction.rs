//! An idle asset from the card to the auction, the treasury and out of the books.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{APPROVER, CLERK, FINANCE, HOMES, MANAGER, Office, PLANNER, SECOND};
use crate::versioned::tests::{entries, prove};

#[sqlx::test(migrations = "../migrations")]
async fn thirty_idle_homes_are_auctioned_paid_remitted_transferred_and_written_off(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building(1).await;
    office.homes(&building).await;
    let title = office.title(&building, 1, "102", json!({})).await;
    let parcel = office.land_of(&title).await;
    let land = office.read(&format!("/api/v1/parcels/{parcel}")).await;
    assert_eq!(land["title_status"], "unified");
    office.threshold("sell").await;
    let id = office.compared(&building, &["auction", "lease", "keep_use"]).await;
    let case = office.case(&id).await;
    assert_eq!(
        (&case["rooms"], &case["rooms_area_m2"]),
        (&json!(HOMES), &json!("2412.6"))
    );
    // A second case on the asset is refused, and says whose the first is.
    let ledger = entries(&pool).await;
    let again = json!({"procedure": "idle_disposal", "asset_id": building, "idle_reason": "surplus"});
    let second = office.post(SECOND, "/api/v1/policy-cases", again).await;
    assert_eq!(
        (second.status, &second.body["rule"]["id"], &second.body["code"]),
        (
            StatusCode::CONFLICT,
            &json!("DSP-21"),
            &json!("policy_case_version_one_per_asset")
        )
    );
    assert!(second.body["remedy"].as_str().unwrap().contains(&id), "{}", second.body);
    assert_eq!(entries(&pool).await, ledger);

    // A route that wasn't compared, and no papers yet.
    office
        .step_is_refused(
            PLANNER,
            &id,
            json!({"transition": "propose", "route": "auction"}),
            "documents_missing",
            "",
        )
        .await;
    office
        .papers(PLANNER, &id, &["proposal", "sale_proposal", "development_proposal"])
        .await;
    office
        .step_is_refused(
            PLANNER,
            &id,
            json!({"transition": "propose", "route": "develop"}),
            "guard_route_scored",
            "",
        )
        .await;
    office
        .step_is_refused(
            PLANNER,
            &id,
            json!({"transition": "propose", "route": "give_away"}),
            "route_unknown",
            "",
        )
        .await;
    office
        .go(PLANNER, &id, json!({"transition": "propose", "route": "auction"}))
        .await;
    // A step skipped straight to the API, a step that is another's, a decision without its number.
    let skip = json!({"transition": "approve", "office": "deputy_leader", "decision_no": "1"});
    office
        .step_is_refused(APPROVER, &id, skip, "transition_forbidden", "DSP-06")
        .await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "settle"}),
            "transition_forbidden",
            "DSP-06",
        )
        .await;
    office.papers(MANAGER, &id, &["meeting_minutes"]).await;
    office
        .step_is_refused(
            APPROVER,
            &id,
            json!({"transition": "decide", "decision_no": "1"}),
            "not_granted",
            "",
        )
        .await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "decide"}),
            "decision_missing",
            "DSP-06",
        )
        .await;
    office
        .go(
            MANAGER,
            &id,
            json!({"transition": "decide", "decision_no": "局党组纪要〔2026〕7号"}),
        )
        .await;
    // The chain of the threshold: bureau, finance, deputy leader; nobody jumps it.
    for (step, by, code) in [
        ("approve", "deputy_leader", "guard_approval_in_order"),
        ("approve", "bureau", "guard_chain_complete"),
        ("countersign", "finance", "guard_approval_in_order"),
    ] {
        let step = json!({"transition": step, "office": by, "decision_no": "1"});
        office.step_is_refused(APPROVER, &id, step, code, "DSP-06").await;
    }
    for (by, step) in [
        ("bureau", "countersign"),
        ("finance", "countersign"),
        ("deputy_leader", "approve"),
    ] {
        let step = json!({"transition": step, "office": by, "decision_no": format!("永资处〔2026〕{by}号")});
        office.go(APPROVER, &id, step).await;
    }

    // DSP-04, money with three decimals, money as a float.
    office.papers(MANAGER, &id, &["appraisal_report"]).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "commission"}),
            "guard_appraisal_present",
            "DSP-04",
        )
        .await;
    let appraisal = |value: Value| json!({"record": "appraisal", "appraiser": "某评估公司", "report_no": "评报1号", "base_date": "2026-10-01", "value": value});
    office
        .is_refused(
            MANAGER,
            &id,
            ("records", appraisal(json!("4900000.001"))),
            ("money_scale", "money"),
        )
        .await;
    office
        .is_refused(
            MANAGER,
            &id,
            ("records", appraisal(json!(4_900_000.5))),
            ("money_form", ""),
        )
        .await;
    office.on_offer(&id).await;
    // 89.9 % of the appraisal: refused until approved anew, and not by whoever asks for it.
    office.bid(&id, "4405100").await;
    let low = office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "award"}),
            "guard_price_above_floor",
            "DSP-07",
        )
        .await;
    assert!(low["detail"].as_str().unwrap().contains("89.9%"), "{low}");
    let held = office
        .go(
            MANAGER,
            &id,
            json!({"transition": "hold_low_bid", "reason": "最高报价低于评估价90%"}),
        )
        .await;
    assert_eq!(held["clock"]["rests_because"], "最高报价低于评估价90%");
    let price = json!({"transition": "approve_price", "decision_no": "永资处〔2026〕9号", "price": "4405100"});
    office
        .step_is_refused(MANAGER, &id, price.clone(), "not_granted", "")
        .await;
    let resumed = office.go(APPROVER, &id, price).await;
    assert_eq!(resumed["clock"]["rests_because"], Value::Null);
    office.go(MANAGER, &id, json!({"transition": "award"})).await;

    // The result is published for a week; the contract says what was awarded.
    let contract = |price: &str| json!({"record": "contract", "number": "拍2026-1", "counterparty": "张三", "price": price, "on": office.state.clock.today().to_string()});
    office.papers(MANAGER, &id, &["contract"]).await;
    office.record(MANAGER, &id, contract("4405100")).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "contract"}),
            "guard_result_notice_over",
            "DSP-22",
        )
        .await;
    office.days_pass(7);
    office.go(MANAGER, &id, json!({"transition": "contract"})).await;

    // Paid in two parts, confirmed by finance, and all of it remitted.
    let money = |record: &str, amount: &str| json!({"record": record, "on": office.state.clock.today().to_string(), "amount": amount, "voucher": "凭证1"});
    office.record(MANAGER, &id, money("payment", "4000000.00")).await;
    office.papers(FINANCE, &id, &["handover_record"]).await;
    office
        .step_is_refused(
            FINANCE,
            &id,
            json!({"transition": "hand_over"}),
            "guard_paid_in_full",
            "DSP-09",
        )
        .await;
    office
        .is_refused(
            FINANCE,
            &id,
            ("records", money("payment", "405100")),
            ("not_granted", ""),
        )
        .await;
    office.record(MANAGER, &id, money("payment", "405100.00")).await;
    let executed = office.go(FINANCE, &id, json!({"transition": "hand_over"})).await;
    assert_eq!(
        (&executed["money"]["paid"], &executed["money"]["price"]),
        (&json!("4405100.00"), &json!("4405100.00"))
    );
    let asset = office.read(&format!("/api/v1/buildings/{building}")).await;
    assert_eq!(
        (&asset["occupancy"], &asset["idle_since"]),
        (&json!("vacating"), &Value::Null)
    );
    office.papers(MANAGER, &id, &["treasury_receipt"]).await;
    office.record(MANAGER, &id, money("remittance", "4405000.00")).await;
    office
        .step_is_refused(
            FINANCE,
            &id,
            json!({"transition": "settle"}),
            "guard_remitted_in_full",
            "DSP-09",
        )
        .await;
    office.record(MANAGER, &id, money("remittance", "100.00")).await;
    office.go(FINANCE, &id, json!({"transition": "settle"})).await;

    // The title ends, then the homes leave the books; their history stays.
    office.papers(CLERK, &id, &["registration_proof"]).await;
    office.go(CLERK, &id, json!({"transition": "end_title"})).await;
    let day = office.state.clock.today().to_string();
    assert_eq!(
        office
            .ask(MANAGER, "GET", &format!("/api/v1/titles/{title}"), &[], None)
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    let land = office.read(&format!("/api/v1/parcels/{parcel}")).await;
    assert_eq!(
        land["title_status"], "none_handed",
        "no title is left in the land either"
    );
    office.papers(MANAGER, &id, &["writeoff_voucher"]).await;
    let closed = office.go(MANAGER, &id, json!({"transition": "write_off"})).await;
    assert_eq!(
        (&closed["is_open"], &closed["state"], &closed["steps"]),
        (&json!(false), &json!("closed"), &json!([]))
    );
    assert_eq!(
        (&closed["rooms"], &closed["rooms_area_m2"]),
        (&json!(HOMES), &json!("2412.6"))
    );
    let gone = office
        .ask(MANAGER, "GET", &format!("/api/v1/buildings/{building}"), &[], None)
        .await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND, "from {day} on it is no more");
    let before = office
        .read(&format!("/api/v1/buildings/{building}?as_of=2026-01-01"))
        .await;
    assert_eq!(before["occupancy"], "idle");
    let rooms: i64 =
        sqlx::query_scalar("select count(*) from room_version where upper_inf(recorded) and upper_inf(valid)")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(rooms, 0);
    let columns: (String, String, String) = sqlx::query_as(
        "select deal_price::text, paid::text, remitted::text from policy_case_version where upper_inf(recorded)",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(
        columns,
        (
            "4405100.00".to_owned(),
            "4405100.00".to_owned(),
            "4405100.00".to_owned()
        )
    );
    let history = office.read(&format!("/api/v1/policy-cases/{id}/versions")).await;
    let who: std::collections::BTreeSet<&str> = history["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["actor"].as_str().unwrap())
        .collect();
    assert_eq!(
        who,
        std::collections::BTreeSet::from([MANAGER, PLANNER, APPROVER, FINANCE, CLERK])
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}
