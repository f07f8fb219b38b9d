//! What units ask for, as stories over HTTP over a real PostGIS, each step by whoever's it is.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use uuid::Uuid;

use super::tests::{APPROVER, CLERK, CONTACT, FINANCE, MANAGER, Office, PLANNER, SECOND, square};
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::ask_as;
use crate::versioned::tests::{entries, prove};

/// Due to it: A 771 + B 640, and 9 % of both: 1 537.99 m² (2674, 盘锦).
async fn unit(office: &Office, code: &str, region: &str) -> String {
    office
        .made(
            MANAGER,
            "/api/v1/units",
            json!({"code": code, "name": format!("{code}局"), "level": "city", "kind": "government_organ", "region_code": region,
                   "headcount": {"正局(处)级": 1, "副局(处)级": 4, "局(处)级以下": 75}, "valid_from": "2015-01-01"}),
        )
        .await
}

async fn building(office: &Office, number: u32, occupancy: &str) -> String {
    let mut body = json!({"name": format!("办公楼{number}"), "code": format!("O{number}"), "region_code": "431103",
        "valid_from": "2015-01-01", "usage": "administrative_office", "occupancy": occupancy, "geometry": square(number)});
    if occupancy == "idle" {
        body["idle_since"] = json!("2025-03-01");
    }
    office.made(MANAGER, "/api/v1/buildings", body).await
}

async fn rooms(office: &Office, building: &str, count: u32, more: Value) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..count {
        let mut body = json!({"building_id": building, "floor": 2, "number": format!("2{:02}", number + 1), "use_area_m2": 30,
                              "room_type": "office", "valid_from": "2015-01-01"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ids.push(office.made(MANAGER, "/api/v1/rooms", body).await);
    }
    ids
}

async fn room(office: &Office, id: &str) -> Value {
    office.read(&format!("/api/v1/rooms/{id}")).await
}

async fn begun(office: &Office, procedure: &str, unit: &str, more: Value) -> String {
    let mut body = json!({"procedure": procedure, "unit_id": unit});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    office.made(CONTACT, "/api/v1/policy-cases", body).await
}

fn need(area: &str, vacates: bool) -> Value {
    json!({"need": {"use_area_m2": area, "purpose": "新设机构", "vacates": vacates}})
}

/// The token of somebody who is the contact of one unit and nothing else.
async fn contact_of(pool: &PgPool, name: &str, unit: &str) -> String {
    let token = person_with(pool, name, &[], "all").await;
    sqlx::query(
        "insert into person_grant (id, person_id, role, region_code, unit_id, since, granted_at, granted_by)
         select $1, id, $2, 'all', $3, '2000-01-01', '2026-01-01', 'test' from person where username = $4",
    )
    .bind(Uuid::now_v7())
    .bind(Role::UnitContact.as_str())
    .bind(unit.parse::<Uuid>().unwrap())
    .bind(name)
    .execute(pool)
    .await
    .unwrap();
    token
}

/// A case to rent 100 m² that is approved, with its contract from 1 December 2026 for two years on record.
async fn contracted(office: &Office, unit: &str, more: Value) -> String {
    let id = begun(office, "rent_in", unit, need("100", false)).await;
    office.papers(CONTACT, &id, &APPLICATION).await;
    office.go(CONTACT, &id, json!({"transition": "apply"})).await;
    let searched =
        json!({"record": "stock_search", "on": "2026-11-21", "finding": "全市没有适合的存量", "rejected": []});
    office.record(PLANNER, &id, searched).await;
    office.go(PLANNER, &id, json!({"transition": "search"})).await;
    office.go(APPROVER, &id, approval("永管租〔2026〕3号")).await;
    let mut lease = json!({"record": "lease_in", "number": "租1号", "landlord": "某公司", "address": "冷水滩区某路1号",
        "use_area_m2": "100", "from": "2026-12-01", "to": "2028-11-30", "rent_year": "60000", "market_rent_year": "60000.00"});
    lease.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    office
        .papers(CONTACT, &id, &["lease_contract", "rent_comparison"])
        .await;
    office.record(CONTACT, &id, lease).await;
    id
}

const APPLICATION: [&str; 3] = ["application", "staffing_document", "space_situation"];

fn approval(number: &str) -> Value {
    json!({"transition": "approve", "office": "bureau", "decision_no": number})
}

#[sqlx::test(migrations = "../migrations")]
async fn a_unit_gets_idle_rooms_out_of_the_stock_and_gives_its_old_ones_back(pool: PgPool) {
    let office = Office::open(&pool).await;
    let asking = unit(&office, "审计", "431103").await;
    let other = unit(&office, "统计", "431103").await;
    let old = building(&office, 1, "in_use").await;
    let old_rooms = rooms(&office, &old, 3, json!({"unit_id": asking, "occupancy": "in_use"})).await;
    let stock = building(&office, 2, "idle").await;
    let idle = rooms(&office, &stock, 6, json!({"occupancy": "idle"})).await;

    // A unit's case takes a unit and what it needs, and no asset.
    for (body, field) in [
        (json!({"procedure": "reassign"}), "unit_id"),
        (json!({"procedure": "reassign", "unit_id": asking}), "need"),
        (
            json!({"procedure": "reassign", "unit_id": asking, "need": {"purpose": "办公"}}),
            "need",
        ),
        (
            json!({"procedure": "reassign", "unit_id": asking, "need": {"people": {"部级正职": 1}, "purpose": "办公"}}),
            "need.people",
        ),
        (
            json!({"procedure": "reassign", "unit_id": asking, "asset_id": stock, "need": {"use_area_m2": "9", "purpose": "办公"}}),
            "asset_id",
        ),
        (
            json!({"procedure": "repair", "unit_id": asking, "asset_id": stock}),
            "unit_id",
        ),
    ] {
        let refused = office.post(CONTACT, "/api/v1/policy-cases", body.clone()).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{body}: {}",
            refused.body
        );
    }
    // 2 × 9 + 4 × 18 = 90 m² by their limits.
    let people =
        json!({"need": {"people": {"局(处)级以下": 2, "副局(处)级": 4}, "purpose": "新设处室", "vacates": true}});
    let id = begun(&office, "reassign", &asking, people).await;
    let case = office.case(&id).await;
    assert_eq!(case["unit"]["id"], asking);
    assert_eq!(case["asset"], Value::Null);
    assert_eq!(
        (
            &case["space"]["asks_m2"],
            &case["space"]["entitled_m2"],
            &case["space"]["keeps_m2"]
        ),
        (&json!("90"), &json!("1537.99"), &json!("0")),
        "{}",
        case["space"]
    );
    // What would do is shown from the beginning: three rooms side by side.
    let suitable = &case["space"]["suitable"][0];
    assert_eq!((&suitable["id"], &suitable["idle_m2"]), (&json!(stock), &json!("180")));
    assert_eq!(suitable["rooms"].as_array().unwrap().len(), 3);

    office.papers(CONTACT, &id, &APPLICATION).await;
    office.go(CONTACT, &id, json!({"transition": "apply"})).await;
    // It is looked at on the site first.
    office
        .step_is_refused(MANAGER, &id, json!({"transition": "check"}), "guard_site_visited", "")
        .await;
    let visit = json!({"record": "site_visit", "on": "2026-11-20", "defects": "现有三间，漏水"});
    office.record(MANAGER, &id, visit).await;
    office.go(MANAGER, &id, json!({"transition": "check"})).await;
    // Rooms in use are nobody's to give; nor is a room of another building.
    let allot = |building: &str, rooms: &[String]| json!({"record": "allotment", "asset_id": building, "room_ids": rooms, "why": "相邻"});
    office
        .is_refused(
            PLANNER,
            &id,
            ("records", allot(&stock, &old_rooms)),
            ("room_elsewhere", ""),
        )
        .await;
    office.record(PLANNER, &id, allot(&old, &old_rooms[..1])).await;
    office
        .step_is_refused(PLANNER, &id, json!({"transition": "match"}), "guard_allotment_free", "")
        .await;
    let case = office.record(PLANNER, &id, allot(&stock, &idle[..3])).await;
    assert_eq!(case["asset"]["id"], stock);
    office.go(PLANNER, &id, json!({"transition": "match"})).await;

    // The same room isn't promised twice.
    let second = begun(&office, "reassign", &other, need("30", false)).await;
    office.papers(CONTACT, &second, &APPLICATION).await;
    office.go(CONTACT, &second, json!({"transition": "apply"})).await;
    let visit = json!({"record": "site_visit", "on": "2026-11-20", "defects": "无"});
    office.record(MANAGER, &second, visit).await;
    office.go(MANAGER, &second, json!({"transition": "check"})).await;
    office.record(PLANNER, &second, allot(&stock, &idle[2..4])).await;
    let refused = office
        .step_is_refused(
            PLANNER,
            &second,
            json!({"transition": "match"}),
            "guard_allotment_free",
            "",
        )
        .await;
    assert!(refused["detail"].as_str().unwrap().contains(&id));
    // But rooms beside them are free, in the same building.
    office.record(PLANNER, &second, allot(&stock, &idle[3..4])).await;
    office.go(PLANNER, &second, json!({"transition": "match"})).await;

    office.go(APPROVER, &id, approval("永管房〔2026〕12号")).await;
    office
        .papers(MANAGER, &id, &["transfer_slip", "use_agreement", "handover_record"])
        .await;
    // It leaves rooms, so what is movable in them goes to the shared store.
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "move_in"}),
            "guard_movables_listed",
            "",
        )
        .await;
    let movables = json!({"record": "movables", "on": "2026-11-21", "items": 12, "list": "公物仓清单1号", "received_by": "公物仓"});
    office.record(MANAGER, &id, movables).await;
    office.go(MANAGER, &id, json!({"transition": "move_in"})).await;
    for taken in &idle[..3] {
        let room = room(&office, taken).await;
        assert_eq!(
            (&room["occupancy"], &room["unit"]["id"]),
            (&json!("in_use"), &json!(asking))
        );
    }
    assert_eq!(room(&office, &idle[4]).await["occupancy"], "idle");
    for left in &old_rooms {
        assert_eq!(room(&office, left).await["occupancy"], "vacating");
    }
    // A building in which somebody works is not idle as a whole.
    assert_eq!(
        office.read(&format!("/api/v1/buildings/{stock}")).await["occupancy"],
        "in_use"
    );
    office.papers(MANAGER, &id, &["use_certificate"]).await;
    let case = office.go(MANAGER, &id, json!({"transition": "archive"})).await;
    assert_eq!(case["is_open"], false);
    // The queue tells of the unit.
    let queue = office
        .read(&format!("/api/v1/policy-cases?unit={asking}&closed=true&count=true"))
        .await;
    assert_eq!(
        (&queue["total"], &queue["items"][0]["unit_name"]),
        (&json!(1), &json!("审计局"))
    );
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_rents_while_suitable_space_stands_idle_in_the_same_city(pool: PgPool) {
    let office = Office::open(&pool).await;
    let asking = unit(&office, "审计", "431103").await;
    let (near, far) = (building(&office, 1, "idle").await, building(&office, 2, "idle").await);
    for one in [&near, &far] {
        rooms(&office, one, 4, json!({"occupancy": "idle"})).await;
    }
    // Too small for what is asked, so nobody has to answer for it.
    let small = building(&office, 3, "idle").await;
    rooms(&office, &small, 1, json!({"occupancy": "idle"})).await;

    // More than is due is refused: 1 537.99 m² (ALC-05, 2674 art. 3).
    let greedy = begun(&office, "rent_in", &asking, need("1538", false)).await;
    office.papers(CONTACT, &greedy, &APPLICATION).await;
    office.go(CONTACT, &greedy, json!({"transition": "apply"})).await;
    let search = |rejected: Value| json!({"record": "stock_search", "on": "2026-11-21", "finding": "全市存量已核", "rejected": rejected});
    office.record(PLANNER, &greedy, search(json!([]))).await;
    office
        .step_is_refused(
            PLANNER,
            &greedy,
            json!({"transition": "search"}),
            "guard_within_entitlement",
            "SPC-04",
        )
        .await;

    let id = begun(&office, "rent_in", &asking, need("100", false)).await;
    office.papers(CONTACT, &id, &APPLICATION).await;
    let case = office.go(CONTACT, &id, json!({"transition": "apply"})).await;
    // Seven working days from 21 November 2026, a Saturday: 1 December.
    assert_eq!(
        (&case["clock"]["days"], &case["clock"]["count"]),
        (&json!(7), &json!("working"))
    );
    let names: Vec<&str> = case["space"]["suitable"]
        .as_array()
        .unwrap()
        .iter()
        .map(|space| space["name"].as_str().unwrap())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(case["space"]["article"].as_str().unwrap().contains("art. 11"));
    // Not without a search, not with one that answers for a part, not with an empty reason.
    office
        .step_is_refused(
            PLANNER,
            &id,
            json!({"transition": "search"}),
            "guard_stock_answered",
            "ALC-01",
        )
        .await;
    office
        .record(
            PLANNER,
            &id,
            search(json!([{"asset_id": near, "reason": "无电梯，窗口单位不适用"}])),
        )
        .await;
    let refused = office
        .step_is_refused(
            PLANNER,
            &id,
            json!({"transition": "search"}),
            "guard_stock_answered",
            "ALC-01",
        )
        .await;
    assert!(refused["detail"].as_str().unwrap().contains("办公楼2"), "{refused}");
    let empty = search(json!([{"asset_id": near, "reason": " "}]));
    office
        .is_refused(PLANNER, &id, ("records", empty), ("reason_missing", ""))
        .await;
    let both = search(json!([{"asset_id": near, "reason": "无电梯"}, {"asset_id": far, "reason": "距服务对象20公里"}]));
    office.record(PLANNER, &id, both).await;
    office.go(PLANNER, &id, json!({"transition": "search"})).await;

    // What falls idle before the approval has to be answered for, too.
    let late = building(&office, 4, "idle").await;
    rooms(&office, &late, 4, json!({"occupancy": "idle"})).await;
    office
        .step_is_refused(
            APPROVER,
            &id,
            approval("永管租〔2026〕3号"),
            "guard_stock_answered",
            "ALC-01",
        )
        .await;
    let all = search(
        json!([{"asset_id": near, "reason": "无电梯"}, {"asset_id": far, "reason": "距离远"},
                            {"asset_id": late, "reason": "已列入拆迁"}]),
    );
    office.record(PLANNER, &id, all).await;
    // The notice has a number, and whoever applied gives it not.
    office
        .step_is_refused(
            APPROVER,
            &id,
            json!({"transition": "approve", "office": "bureau"}),
            "decision_missing",
            "",
        )
        .await;
    let case = office.go(APPROVER, &id, approval("永管租〔2026〕3号")).await;
    assert_eq!(case["details"]["decisions"][0]["number"], "永管租〔2026〕3号");

    // The contract is within what was approved and within the market, and then it is watched.
    let lease = |area: &str, rent: &str| {
        json!({"record": "lease_in", "number": "租1号", "landlord": "某公司", "address": "冷水滩区某路1号", "use_area_m2": area,
               "from": "2026-12-01", "to": "2028-11-30", "rent_year": rent, "market_rent_year": "60000.00"})
    };
    office
        .papers(CONTACT, &id, &["lease_contract", "rent_comparison"])
        .await;
    for (area, rent) in [("100.01", "60000"), ("100", "60000.01")] {
        office.record(CONTACT, &id, lease(area, rent)).await;
        office
            .step_is_refused(
                CONTACT,
                &id,
                json!({"transition": "contract"}),
                "guard_lease_within_approval",
                "ALC-05",
            )
            .await;
    }
    office.record(CONTACT, &id, lease("100", "60000")).await;
    let case = office.go(CONTACT, &id, json!({"transition": "contract"})).await;
    assert_eq!(case["watched_until"], "2028-11-30");
    let overdue = "/api/v1/policy-cases?overdue=true&procedure=rent_in&state=renting";
    assert_eq!(office.read(overdue).await["items"], json!([]));
    office.days_pass(760);
    let late = office.read(overdue).await;
    assert_eq!(
        late["items"].as_array().unwrap().len(),
        1,
        "a lease that has run out is told"
    );
    office.papers(CONTACT, &id, &["return_record"]).await;
    office.go(CONTACT, &id, json!({"transition": "give_back"})).await;
    office.go(MANAGER, &id, json!({"transition": "archive"})).await;
    prove(&pool).await.unwrap();
}

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
async fn a_leader_gets_one_office_within_the_limit_of_the_rank(pool: PgPool) {
    let office = Office::open(&pool).await;
    let asking = unit(&office, "审计", "431103").await;
    let house = building(&office, 1, "in_use").await;
    let own = rooms(&office, &house, 1, json!({"unit_id": asking, "use_area_m2": 24})).await;
    let small = office
        .made(
            MANAGER,
            "/api/v1/rooms",
            json!({"building_id": house, "floor": 3, "number": "301", "use_area_m2": 12, "room_type": "office", "unit_id": asking,
                   "valid_from": "2015-01-01"}),
        )
        .await;
    let leader = |room: &str, rank: &str, more: Value| {
        let mut fact = json!({"record": "leader_room", "person": "王芳", "staff_number": "0012", "rank": rank, "post": "main", "room_id": room});
        fact.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fact
    };
    let applied = async |fact: Value| {
        let id = begun(&office, "leader_office", &asking, json!({})).await;
        office.record(CONTACT, &id, fact).await;
        office.papers(CONTACT, &id, &["application", "appointment"]).await;
        office.go(CONTACT, &id, json!({"transition": "apply"})).await;
        let visit = json!({"record": "site_visit", "on": "2026-11-20", "defects": "已测量"});
        office.record(MANAGER, &id, visit).await;
        id
    };
    // 24 m² are a bureau chief's; a deputy has 18 (2674).
    let over = applied(leader(&own[0], "副局(处)级", json!({}))).await;
    let refused = office
        .step_is_refused(
            MANAGER,
            &over,
            json!({"transition": "check"}),
            "guard_leader_within_limit",
            "SPC-01",
        )
        .await;
    assert!(refused["detail"].as_str().unwrap().contains("超6㎡"), "{refused}");
    let id = applied(leader(&own[0], "正局(处)级", json!({}))).await;
    office.go(MANAGER, &id, json!({"transition": "check"})).await;
    office.go(APPROVER, &id, approval("永管房〔2026〕9号")).await;
    office.papers(MANAGER, &id, &["room_card"]).await;
    let case = office.go(MANAGER, &id, json!({"transition": "seat"})).await;
    let seated = office.read(&format!("/api/v1/occupants?room={}", own[0])).await;
    assert_eq!(
        (&seated["items"][0]["person"], &seated["items"][0]["rank"]),
        (&json!("王芳"), &json!("正局(处)级"))
    );
    // Filed yearly: the clock begins anew.
    let first = case["clock"]["not_before"].clone();
    office.days_pass(300);
    let filed = office
        .go(
            CONTACT,
            &id,
            json!({"transition": "file_yearly", "reason": "2027年度备案"}),
        )
        .await;
    assert!(
        first.is_string() && filed["clock"]["not_before"].as_str() > first.as_str(),
        "{first} {}",
        filed["clock"]
    );

    // A second office: not for a main post, not without an approval, and smaller than the first.
    let part_time =
        json!({"post": "part_time", "post_ends": "2028-12-31", "second_office_approval": "永组〔2027〕5号"});
    for more in [json!({}), json!({"post": "part_time"})] {
        let second = applied(leader(&small, "正局(处)级", more)).await;
        office
            .step_is_refused(
                MANAGER,
                &second,
                json!({"transition": "check"}),
                "guard_leader_one_room",
                "USE-06",
            )
            .await;
    }
    let second = applied(leader(&small, "正局(处)级", part_time)).await;
    office.go(MANAGER, &second, json!({"transition": "check"})).await;

    // After leaving, the room is given back, and nobody sits there.
    office.papers(CONTACT, &id, &["return_record"]).await;
    office.days_pass(30);
    let case = office.go(CONTACT, &id, json!({"transition": "vacate"})).await;
    assert_eq!(case["is_open"], false);
    let seated = office.read(&format!("/api/v1/occupants?room={}", own[0])).await;
    assert_eq!(seated["items"], json!([]), "{seated}");
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_unit_s_contact_applies_for_their_own_unit_alone(pool: PgPool) {
    let office = Office::open(&pool).await;
    let own = unit(&office, "审计", "431103").await;
    let other = unit(&office, "统计", "431103").await;
    let token = contact_of(&pool, "own-contact", &own).await;
    let ask = async |method: &str, uri: &str, headers: &[(&str, &str)], body: Option<Value>| {
        office.state.clock.advance(Duration::seconds(7));
        ask_as(&office.app, Some(&token), method, uri, headers, body).await
    };
    let opening =
        |unit: &str| json!({"procedure": "rent_in", "unit_id": unit, "need": {"use_area_m2": "60", "purpose": "窗口"}});
    let opened = ask(
        "POST",
        "/api/v1/policy-cases",
        &[("Idempotency-Key", "own")],
        Some(opening(&own)),
    )
    .await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    let before = entries(&pool).await;
    let refused = ask(
        "POST",
        "/api/v1/policy-cases",
        &[("Idempotency-Key", "other")],
        Some(opening(&other)),
    )
    .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.body);
    assert_eq!(entries(&pool).await, before);
    // They see their own case and no other's.
    begun(&office, "rent_in", &other, need("60", false)).await;
    let seen = ask("GET", "/api/v1/policy-cases?count=true", &[], None).await;
    assert_eq!(
        (&seen.body["total"], &seen.body["items"][0]["unit_id"]),
        (&json!(1), &json!(own))
    );
    // They go on with it, and can't take a step of the bureau's.
    let id = opened.body["id"].as_str().unwrap().to_owned();
    let send = async |what: &str, body: Value| {
        let tag = format!("\"{}\"", office.case(&id).await["version_id"].as_str().unwrap());
        ask(
            "POST",
            &format!("/api/v1/policy-cases/{id}/{what}"),
            &[("If-Match", &tag)],
            Some(body),
        )
        .await
    };
    for kind in APPLICATION {
        let paper = send("records", json!({"record": "document", "kind": kind, "name": "1号"})).await;
        assert_eq!(paper.status, StatusCode::OK, "{}", paper.body);
    }
    let applied = send("transitions", json!({"transition": "apply"})).await;
    assert_eq!(applied.status, StatusCode::OK, "{}", applied.body);
    let beyond = send("transitions", json!({"transition": "search"})).await;
    assert_eq!(
        (beyond.status, &beyond.body["code"]),
        (StatusCode::FORBIDDEN, &json!("not_granted"))
    );
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_filed_contract_makes_the_lease_and_the_giving_back_ends_it(pool: PgPool) {
    let office = Office::open(&pool).await;
    let renting = unit(&office, "审计", "431103").await;
    let other = unit(&office, "统计", "431103").await;
    let (own, stranger) = (
        contact_of(&pool, "own-contact", &renting).await,
        contact_of(&pool, "other-contact", &other).await,
    );
    let ask = async |token: &str, method: &str, uri: &str, headers: &[(&str, &str)], body: Option<Value>| {
        office.state.clock.advance(Duration::seconds(7));
        ask_as(&office.app, Some(token), method, uri, headers, body).await
    };
    // What was withdrawn before its contract was filed leaves no lease.
    let given_up = contracted(&office, &renting, json!({})).await;
    office
        .go(
            CONTACT,
            &given_up,
            json!({"transition": "withdraw", "reason": "另有房源"}),
        )
        .await;
    assert_eq!(office.read("/api/v1/leases?count=true").await["total"], 0);

    // The unit's own contact files it: what it rents stands in no register of assets.
    let id = contracted(&office, &renting, json!({"landlord_kind": "state_company"})).await;
    let tag = format!("\"{}\"", office.case(&id).await["version_id"].as_str().unwrap());
    let step = format!("/api/v1/policy-cases/{id}/transitions");
    let filed = ask(
        &own,
        "POST",
        &step,
        &[("If-Match", &tag)],
        Some(json!({"transition": "contract"})),
    )
    .await;
    assert_eq!(filed.status, StatusCode::OK, "{}", filed.body);
    let lease = filed.body["lease_id"].as_str().unwrap().to_owned();
    let at = format!("/api/v1/leases/{lease}");
    let read = ask(&own, "GET", &at, &[], None).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.body);
    let said = read.body;
    for (field, value) in [
        ("asset_id", json!(null)),
        ("asset_name", json!("冷水滩区某路1号")),
        ("address", json!("冷水滩区某路1号")),
        ("case_id", json!(id)),
        ("direction", json!("in")),
        ("status", json!("planned")),
        ("area_m2", json!(100.0)),
        ("approved_area_m2", json!(100.0)),
        ("lessor_name", json!("某公司")),
        ("lessor_kind", json!("state_company")),
        ("lessee_name", json!("审计局")),
        ("lessee_unit_id", json!(renting)),
        ("contract_number", json!("租1号")),
        ("approval_number", json!("永管租〔2026〕3号")),
        ("monthly_rent", json!("5000.00")),
        ("valid_from", json!("2026-12-01")),
        ("ends_on", json!("2028-11-30")),
    ] {
        assert_eq!(said[field], value, "{field}: {said}");
    }
    let account = office.read(&format!("{at}/account")).await;
    assert_eq!(account["rows"].as_array().unwrap().len(), 24);
    assert_eq!(account["sums"]["agreed"], "120000.00");
    // Another unit's contact neither sees it nor what hangs on it; who manages the region does.
    assert_eq!(
        ask(&stranger, "GET", &at, &[], None).await.status,
        StatusCode::NOT_FOUND
    );
    let theirs = ask(&stranger, "GET", "/api/v1/leases?count=true", &[], None).await;
    assert_eq!(theirs.body["total"], 0);
    let listed = office.read("/api/v1/leases?region=431103&q=某路&count=true").await;
    assert_eq!(
        (
            &listed["total"],
            &listed["items"][0]["asset_name"],
            &listed["items"][0]["region_code"]
        ),
        (&json!(1), &json!("冷水滩区某路1号"), &json!("431103"))
    );

    // One contract, one lease; its end is the case's step, and not before it begins.
    office
        .step_is_refused(
            CONTACT,
            &id,
            json!({"transition": "contract"}),
            "transition_forbidden",
            "ALC-02",
        )
        .await;
    let tag = said["version_id"].as_str().unwrap();
    let tag = format!("\"{tag}\"");
    let end = json!({"valid_to": "2026-11-21", "reason": "退租"});
    let closed = office
        .ask(
            MANAGER,
            "POST",
            &format!("{at}/closures"),
            &[("If-Match", &tag)],
            Some(end),
        )
        .await;
    assert_eq!(
        (closed.status, &closed.body["code"]),
        (StatusCode::CONFLICT, &json!("lease_of_case"))
    );
    office.papers(CONTACT, &id, &["return_record"]).await;
    office
        .step_is_refused(CONTACT, &id, json!({"transition": "give_back"}), "lease_not_begun", "")
        .await;
    // A supplementary agreement is a change of the lease, which stays the case's.
    let changed = office
        .ask(
            MANAGER,
            "PATCH",
            &at,
            &[("If-Match", &tag)],
            Some(json!({"deposit": "5000.00"})),
        )
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(office.read(&at).await["case_id"], json!(id));

    // What the unit rents counts when it asks for more: 100 and 1 438 are more than the 1 537.99 m² that are due.
    office.days_pass(11);
    let greedy = begun(&office, "rent_in", &renting, need("1438", false)).await;
    assert_eq!(office.case(&greedy).await["space"]["keeps_m2"], "100");
    office.papers(CONTACT, &greedy, &APPLICATION).await;
    office.go(CONTACT, &greedy, json!({"transition": "apply"})).await;
    let searched = json!({"record": "stock_search", "on": "2026-11-21", "finding": "全市没有", "rejected": []});
    office.record(PLANNER, &greedy, searched).await;
    office
        .step_is_refused(
            PLANNER,
            &greedy,
            json!({"transition": "search"}),
            "guard_within_entitlement",
            "SPC-04",
        )
        .await;

    // Given back in its second year: rent of days from then on is owed no more.
    office.days_pass(365);
    let case = office
        .go(CONTACT, &id, json!({"transition": "give_back", "on": "2027-12-01"}))
        .await;
    assert_eq!(case["lease_id"], json!(lease));
    let ended = office.read(&at).await;
    assert_eq!(
        (&ended["status"], &ended["valid_to"], &ended["end_reason"]),
        (&json!("ended"), &json!("2027-12-01"), &json!("退租"))
    );
    let account = office.read(&format!("{at}/account")).await;
    assert_eq!(account["sums"]["agreed"], "60000.00");
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn the_lease_of_a_case_stands_with_the_building_where_that_is_registered(pool: PgPool) {
    let office = Office::open(&pool).await;
    let renting = unit(&office, "审计", "431103").await;
    let house = building(&office, 1, "in_use").await;
    let id = contracted(
        &office,
        &renting,
        json!({"asset_id": house, "from": "2026-11-01", "to": "2027-10-31"}),
    )
    .await;
    let case = office.go(MANAGER, &id, json!({"transition": "contract"})).await;
    let held = office.read(&format!("/api/v1/leases?asset={house}")).await;
    assert_eq!(
        (
            &held["items"][0]["id"],
            &held["items"][0]["status"],
            &held["items"][0]["asset_name"]
        ),
        (&case["lease_id"], &json!("running"), &json!("办公楼1"))
    );
    assert_eq!(
        office.read(&format!("/api/v1/buildings/{house}")).await["occupancy"],
        "rented_in"
    );
    // More than twenty years is no contract (民法典第七百零五条), and nobody else's word for the landlord is a kind.
    let other = unit(&office, "统计", "431103").await;
    let next = contracted(&office, &other, json!({})).await;
    assert_eq!(office.case(&next).await["lease_id"], json!(null));
    for more in [json!({"to": "2046-12-01"}), json!({"landlord_kind": "owner"})] {
        let mut lease = json!({"record": "lease_in", "number": "租2号", "landlord": "某公司", "address": "某路2号", "use_area_m2": "100",
            "from": "2026-12-01", "to": "2028-11-30", "rent_year": "60000", "market_rent_year": "60000.00"});
        lease.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let refused = office.send(CONTACT, &next, "records", lease).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
    }
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lease_in_without_an_asset_names_its_premises_and_its_unit(pool: PgPool) {
    let office = Office::open(&pool).await;
    let renting = unit(&office, "审计", "431103").await;
    let said = |more: Value| {
        let mut body = json!({"direction": "in", "area_m2": 80, "lessor_kind": "private", "lessor_name": "某公司", "lessee_kind": "unit",
            "lessee_name": "审计局", "lessee_unit_id": renting, "address": "某路2号", "starts_on": "2026-01-01", "ends_on": "2026-12-31",
            "rent": "4000.00", "price_basis": "negotiated", "approval_number": "永管租〔2025〕9号"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, field) in [
        (json!({"address": null}), "address"),
        (json!({"lessee_unit_id": null}), "lessee_unit_id"),
        (json!({"direction": "out"}), "asset_id"),
    ] {
        let refused = office.post(MANAGER, "/api/v1/leases", said(more)).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{}",
            refused.body
        );
    }
    let first = office.made(MANAGER, "/api/v1/leases", said(json!({}))).await;
    // It is renewed like any other.
    let next = said(json!({"starts_on": "2026-11-01", "ends_on": "2027-12-31", "renews_id": first}));
    office.made(MANAGER, "/api/v1/leases", next).await;
    assert_eq!(office.read(&format!("/api/v1/leases/{first}")).await["status"], "ended");
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
