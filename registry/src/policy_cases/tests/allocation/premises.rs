//! Whole buildings: built, swapped, handed down.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{approval, begun, building, need, room, rooms, unit};
use crate::policy_cases::tests::{APPROVER, CLERK, CONTACT, FINANCE, MANAGER, Office, PLANNER, SECOND, square};
use crate::versioned::tests::prove;

#[sqlx::test(migrations = "../migrations")]
async fn a_building_is_approved_paid_by_the_budget_and_accounted_for(pool: PgPool) {
    let office = Office::open(&pool).await;
    let asking = unit(&office, "档案", "431103").await;
    let old = building(&office, 1, "in_use").await;
    let old_rooms = rooms(&office, &old, 2, json!({"unit_id": asking, "occupancy": "in_use"})).await;
    let id = begun(&office, "build", &asking, need("1200", true)).await;
    let plan = |area: &str, fund: &str| json!({"record": "construction", "way": "new", "site": "凤凰园", "use_area_m2": area, "investment": "9000000.00", "fund": fund});
    office
        .papers(
            CONTACT,
            &id,
            &["project_proposal", "staffing_document", "space_situation"],
        )
        .await;
    office.record(CONTACT, &id, plan("1500", "loan")).await;
    office.go(CONTACT, &id, json!({"transition": "apply"})).await;
    let search = json!({"record": "stock_search", "on": "2026-11-21", "finding": "无适合存量"});
    office.record(PLANNER, &id, search).await;
    office.go(PLANNER, &id, json!({"transition": "search"})).await;
    office
        .papers(MANAGER, &id, &["funding_proof", "project_approval"])
        .await;
    // A loan builds nothing (R688 art. 13).
    office
        .step_is_refused(
            FINANCE,
            &id,
            json!({"transition": "review_funds"}),
            "guard_budget_funded",
            "ALC-08",
        )
        .await;
    // Sent back, it is applied for again out of the budget, and searched for again.
    office
        .go(
            APPROVER,
            &id,
            json!({"transition": "send_back", "reason": "资金来源不合规"}),
        )
        .await;
    office.record(CONTACT, &id, plan("1200", "budget")).await;
    office.go(PLANNER, &id, json!({"transition": "search"})).await;
    office.go(FINANCE, &id, json!({"transition": "review_funds"})).await;
    // No works without an approval (R688 art. 3), and none that began before it.
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "start"}),
            "transition_forbidden",
            "ALC-07",
        )
        .await;
    office.go(APPROVER, &id, approval("永发改〔2026〕88号")).await;
    office.papers(MANAGER, &id, &["construction_permit"]).await;
    let works = |on: &str| json!({"record": "works", "started_on": on, "contractor": "某建设公司"});
    office.record(MANAGER, &id, works("2026-11-01")).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "start"}),
            "guard_building_approved",
            "ALC-07",
        )
        .await;
    office.record(MANAGER, &id, works("2026-11-21")).await;
    office.go(MANAGER, &id, json!({"transition": "start"})).await;
    office.days_pass(200);
    let done = json!({"record": "completion", "completed_on": "2027-06-01", "settled": "8800000.00"});
    office.record(MANAGER, &id, done).await;
    office.papers(MANAGER, &id, &["completion_report", "drawings"]).await;
    let case = office.go(MANAGER, &id, json!({"transition": "complete"})).await;
    // The accounts are closed within a year (R738 art. 31).
    assert_eq!(
        (&case["clock"]["days"], &case["clock"]["count"]),
        (&json!(365), &json!("calendar"))
    );
    office.papers(FINANCE, &id, &["accounts_report"]).await;
    office
        .step_is_refused(
            FINANCE,
            &id,
            json!({"transition": "close_accounts"}),
            "guard_accounts_recorded",
            "ALC-09",
        )
        .await;
    // The year lies beyond the published calendars: the last day is told as the earliest that it can be, a Monday where a
    // weekend would end it, and nobody is called late by a calendar that isn't there.
    let earliest = case["clock"]["not_before"].as_str().unwrap().to_owned();
    assert_eq!(case["clock"]["due_on"], Value::Null);
    office.days_pass(400);
    let case = office.case(&id).await;
    assert_eq!(
        (&case["clock"]["not_before"], &case["clock"]["overdue"]),
        (&json!(earliest), &json!(false))
    );
    let accounts = json!({"record": "final_accounts", "on": "2028-07-01", "amount": "8800000.00"});
    office.record(FINANCE, &id, accounts).await;
    office.go(FINANCE, &id, json!({"transition": "close_accounts"})).await;
    // The old premises first (ALC-10), and what is movable in them.
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "hand_over_old"}),
            "guard_old_premises_handed_over",
            "ALC-10",
        )
        .await;
    office.papers(MANAGER, &id, &["old_premises_handover"]).await;
    let movables = json!({"record": "movables", "on": "2028-07-01", "items": 0, "list": "无", "received_by": "公物仓"});
    office.record(MANAGER, &id, movables).await;
    office.go(MANAGER, &id, json!({"transition": "hand_over_old"})).await;
    for left in &old_rooms {
        assert_eq!(room(&office, left).await["occupancy"], "vacating");
    }
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn premises_are_swapped_with_both_sides_appraised(pool: PgPool) {
    let office = Office::open(&pool).await;
    let asking = unit(&office, "司法", "431103").await;
    let given = building(&office, 1, "in_use").await;
    let own = rooms(&office, &given, 2, json!({"unit_id": asking, "occupancy": "in_use"})).await;
    let title = office.title(&given, 1, "102", json!({})).await;
    // What is given is said from the beginning.
    let missing =
        json!({"procedure": "swap_premises", "unit_id": asking, "need": {"use_area_m2": "1500", "purpose": "置换"}});
    let refused = office.post(CONTACT, "/api/v1/policy-cases", missing).await;
    assert_eq!(refused.body["field"], "asset_id");
    let mut opening = need("1500", false);
    opening["asset_id"] = json!(given);
    let id = begun(&office, "swap_premises", &asking, opening).await;
    // The rooms that go with it are not counted as kept: 1 500 of the 1 537.99 m² that are due.
    assert_eq!(office.case(&id).await["space"]["keeps_m2"], "0");
    office
        .papers(CONTACT, &id, &["application", "swap_proposal", "staffing_document"])
        .await;
    office.go(CONTACT, &id, json!({"transition": "apply"})).await;
    office
        .step_is_refused(
            PLANNER,
            &id,
            json!({"transition": "search"}),
            "guard_stock_answered",
            "ALC-01",
        )
        .await;
    let search = json!({"record": "stock_search", "on": "2026-11-21", "finding": "无适合存量"});
    office.record(PLANNER, &id, search).await;
    office.go(PLANNER, &id, json!({"transition": "search"})).await;
    office.papers(MANAGER, &id, &["appraisal_report"]).await;
    let appraisal = |of: &str| {
        json!({"record": "appraisal", "of": of, "appraiser": "某评估公司", "report_no": format!("评报{of}"), "base_date": "2026-10-01",
               "value": "4900000.00"})
    };
    office.record(MANAGER, &id, appraisal("own")).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "appraise"}),
            "guard_appraisal_present",
            "DSP-04",
        )
        .await;
    office.record(MANAGER, &id, appraisal("other")).await;
    office.go(MANAGER, &id, json!({"transition": "appraise"})).await;
    office.go(APPROVER, &id, approval("永管换〔2026〕1号")).await;
    office
        .papers(MANAGER, &id, &["swap_agreement", "handover_record"])
        .await;
    let movables =
        json!({"record": "movables", "on": "2026-11-21", "items": 3, "list": "清单", "received_by": "公物仓"});
    office.record(MANAGER, &id, movables).await;
    office.go(MANAGER, &id, json!({"transition": "exchange"})).await;
    assert_eq!(room(&office, &own[0]).await["occupancy"], "vacating");
    office
        .papers(CLERK, &id, &["registration_given", "registration_got"])
        .await;
    office.days_pass(3);
    office.go(CLERK, &id, json!({"transition": "register"})).await;
    let ended = office
        .ask(MANAGER, "GET", &format!("/api/v1/titles/{title}"), &[], None)
        .await;
    assert_eq!(ended.status, StatusCode::NOT_FOUND, "what was given is theirs no more");
    office.papers(MANAGER, &id, &["writeoff_voucher"]).await;
    let case = office.go(MANAGER, &id, json!({"transition": "write_off"})).await;
    assert_eq!((&case["state"], &case["is_open"]), (&json!("archived"), &json!(false)));
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_building_goes_to_the_district_with_its_papers_keys_and_leases(pool: PgPool) {
    let office = Office::open(&pool).await;
    let district = office
        .made(
            MANAGER,
            "/api/v1/units",
            json!({"code": "ZL", "name": "钟楼区机关事务服务中心", "level": "county", "kind": "bureau", "region_code": "431103",
                   "valid_from": "2015-01-01"}),
        )
        .await;
    let city = unit(&office, "市机关", "431103").await;
    let house = office
        .made(
            MANAGER,
            "/api/v1/buildings",
            json!({"name": "金谷大厦", "code": "JG", "region_code": "431103", "valid_from": "2015-01-01", "admin_level": "city",
                   "usage": "administrative_office", "occupancy": "in_use", "geometry": square(1)}),
        )
        .await;
    let title = office.title(&house, 1, "101", json!({})).await;
    let id = office
        .made(
            MANAGER,
            "/api/v1/policy-cases",
            json!({"procedure": "hand_down", "asset_id": house}),
        )
        .await;
    // Both bureaus first (how the one that receives answers: receiving_tests.rs), and a second person approves.
    let offer = json!({"record": "transfer_proposal", "receiver_id": district, "why": "由属地管理"});
    office.record(MANAGER, &id, offer).await;
    office.papers(MANAGER, &id, &["proposal", "giving_consent"]).await;
    let word = json!({"record": "acceptance", "accepted": true, "on": "2026-11-21", "document": "区机管函〔2026〕8号"});
    office.record(SECOND, &id, word).await;
    office
        .step_is_refused(MANAGER, &id, json!({"transition": "agree"}), "documents_missing", "")
        .await;
    office.papers(MANAGER, &id, &["receiving_consent"]).await;
    office.go(MANAGER, &id, json!({"transition": "agree"})).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "hand_over"}),
            "transition_forbidden",
            "DSP-06",
        )
        .await;
    office.go(APPROVER, &id, approval("永政函〔2026〕30号")).await;
    // Not without the list (R738 art. 22), and not to another bureau than the one that accepted.
    office.papers(MANAGER, &id, &["transfer_formalities"]).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "hand_over"}),
            "guard_hand_over_listed",
            "DSP-20",
        )
        .await;
    let list = |receiver: &str| json!({"record": "hand_over", "on": "2026-11-21", "receiver_id": receiver, "list": "移交1号", "papers": 41, "keys": 120, "leases": 3});
    let nobody = list(&Uuid::now_v7().to_string());
    office
        .is_refused(MANAGER, &id, ("records", nobody), ("unit_unknown", ""))
        .await;
    office.record(MANAGER, &id, list(&city)).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "hand_over"}),
            "guard_accepted_by_receiver",
            "DSP-20",
        )
        .await;
    office.record(MANAGER, &id, list(&district)).await;
    let before = office.state.clock.today();
    office.days_pass(3);
    office.go(MANAGER, &id, json!({"transition": "hand_over"})).await;
    let level = async |as_of: &str| {
        office.read(&format!("/api/v1/buildings/{house}?as_of={as_of}")).await["admin_level"].clone()
    };
    assert_eq!(level(&office.state.clock.today().to_string()).await, "county");
    assert_eq!(
        level(&before.to_string()).await,
        "city",
        "what it was stays in its history"
    );
    office.papers(CLERK, &id, &["registration_proof"]).await;
    office.go(CLERK, &id, json!({"transition": "register"})).await;
    office.papers(MANAGER, &id, &["both_ledgers"]).await;
    let case = office.go(MANAGER, &id, json!({"transition": "archive"})).await;
    assert_eq!(case["is_open"], false);
    // The title is another procedure's.
    office.read(&format!("/api/v1/titles/{title}")).await;
    prove(&pool).await.unwrap();
}
