//! Repairs (大中修): applied for, judged, built, accepted; emergencies; and their deadlines.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;
use time::{Date, Duration};

use super::{ADMINISTRATOR, APPROVER, CONTACT, FINANCE, MANAGER, Office, PLANNER};
use crate::versioned::tests::prove;

impl Office {
    pub(super) async fn repair(&self, building: &str, who: &str) -> String {
        let opening = json!({"procedure": "repair", "asset_id": building});
        self.made(who, "/api/v1/policy-cases", opening).await
    }

    async fn applied(&self, building: &str, for_year: i32) -> String {
        let id = self.repair(building, CONTACT).await;
        self.papers(CONTACT, &id, &["application_form", "cost_estimate"]).await;
        let application = json!({"record": "repair_application", "for_year": for_year, "condition": "屋面渗漏", "necessity": "wear",
                                 "estimate": "1200000.00"});
        self.record(CONTACT, &id, application).await;
        id
    }

    /// On to a day.
    fn on(&self, date: Date) {
        let ahead = date - self.state.clock.today();
        assert!(ahead > Duration::ZERO, "{date} is over");
        self.state.clock.advance(ahead);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_repair_is_applied_for_by_the_first_of_august_and_goes_through_six_stages(pool: PgPool) {
    let office = Office::open_on(&pool, date!(2026 - 07 - 31)).await;
    let (building, other) = (office.building(1).await, office.building(2).await);
    // 31 July is in time.
    let id = office.applied(&building, 2027).await;
    office.go(CONTACT, &id, json!({"transition": "apply"})).await;
    // MNT-02: no plan without its stages; nor works before the approval.
    for step in ["plan", "start", "publish", "review_cost"] {
        let step = json!({"transition": step, "decision_no": "1"});
        office
            .step_is_refused(APPROVER, &id, step, "transition_forbidden", "MNT-02")
            .await;
    }
    let today = || office.state.clock.today().to_string();
    office.papers(MANAGER, &id, &["survey_record"]).await;
    office
        .step_is_refused(MANAGER, &id, json!({"transition": "survey"}), "guard_site_visited", "")
        .await;
    office
        .record(
            MANAGER,
            &id,
            json!({"record": "site_visit", "on": today(), "defects": "防水层老化"}),
        )
        .await;
    office.go(MANAGER, &id, json!({"transition": "survey"})).await;
    office.papers(PLANNER, &id, &["feasibility_report"]).await;
    let assessment = |percent: &str| json!({"record": "assessment", "on": today(), "within_standard": true, "enlarges_percent": percent, "opinion": "可行"});
    office.record(PLANNER, &id, assessment("15.1")).await;
    office
        .step_is_refused(
            PLANNER,
            &id,
            json!({"transition": "assess"}),
            "guard_within_standard",
            "MNT-05",
        )
        .await;
    office.record(PLANNER, &id, assessment("0")).await;
    office.go(PLANNER, &id, json!({"transition": "assess"})).await;
    office.papers(FINANCE, &id, &["cost_review_report"]).await;
    let review = |cost: &str| json!({"record": "cost_review", "on": today(), "reviewer": "某造价咨询", "cost": cost, "standard": "1100000.00"});
    office.record(FINANCE, &id, review("1100000.01")).await;
    office
        .step_is_refused(
            FINANCE,
            &id,
            json!({"transition": "review_cost"}),
            "guard_cost_within_standard",
            "",
        )
        .await;
    office.record(FINANCE, &id, review("1100000.00")).await;
    office.go(FINANCE, &id, json!({"transition": "review_cost"})).await;
    let publication = |answered: bool| json!({"record": "publication", "from": "2026-08-01", "to": "2026-08-07", "objections": 1, "answered": answered});
    office.papers(MANAGER, &id, &["publication_notice"]).await;
    office.record(MANAGER, &id, publication(true)).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "publish"}),
            "guard_publication_over",
            "",
        )
        .await;
    // 2 August is too late for next year.
    office.on(date!(2026 - 08 - 02));
    let late = office.applied(&other, 2027).await;
    let refused = office
        .step_is_refused(
            CONTACT,
            &late,
            json!({"transition": "apply"}),
            "guard_repair_window",
            "MNT-01",
        )
        .await;
    assert!(refused["detail"].as_str().unwrap().contains("2026-08-01"), "{refused}");
    office.on(date!(2026 - 08 - 10));
    office.record(MANAGER, &id, publication(false)).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "publish"}),
            "guard_publication_over",
            "",
        )
        .await;
    office.record(MANAGER, &id, publication(true)).await;
    office.go(MANAGER, &id, json!({"transition": "publish"})).await;
    office
        .record(
            MANAGER,
            &id,
            json!({"record": "plan_entry", "year": 2027, "number": "计划1", "budget": "1100000.00"}),
        )
        .await;
    office
        .go(
            APPROVER,
            &id,
            json!({"transition": "plan", "decision_no": "永机管〔2026〕30号"}),
        )
        .await;
    office.papers(CONTACT, &id, &["works_contract"]).await;
    let works = |on: &str| json!({"record": "works", "started_on": on, "contractor": "某建筑公司"});
    office.record(CONTACT, &id, works("2026-08-09")).await;
    office
        .step_is_refused(
            CONTACT,
            &id,
            json!({"transition": "start"}),
            "guard_works_recorded",
            "MNT-03",
        )
        .await;
    office.record(CONTACT, &id, works("2026-08-10")).await;
    office.go(CONTACT, &id, json!({"transition": "start"})).await;
    let asset = office.read(&format!("/api/v1/buildings/{building}")).await;
    assert_eq!(asset["occupancy"], "under_repair");
    office.papers(MANAGER, &id, &["completion_report", "drawings"]).await;
    office
        .record(
            MANAGER,
            &id,
            json!({"record": "completion", "completed_on": "2026-08-10", "settled": "1090000.00"}),
        )
        .await;
    let inspected = office.go(MANAGER, &id, json!({"transition": "inspect"})).await;
    assert_eq!(
        inspected["clock"]["due_on"], "2026-11-09",
        "90 days, the last a Sunday: Monday (民法典 art. 203)"
    );
    office.go(MANAGER, &id, json!({"transition": "archive"})).await;
    let asset = office.read(&format!("/api/v1/buildings/{building}")).await;
    assert_eq!(
        (&asset["occupancy"], &asset["idle_since"]),
        (&json!("idle"), &json!("2025-03-01")),
        "it is what it was before"
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_emergency_is_mended_at_once_and_its_papers_follow(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building(1).await;
    let id = office.repair(&building, MANAGER).await;
    let day = office.state.clock.today().to_string();
    let declare = json!({"transition": "declare_emergency", "reason": "外墙脱落"});
    office.papers(MANAGER, &id, &["danger_notice"]).await;
    office
        .step_is_refused(MANAGER, &id, declare.clone(), "guard_emergency_recorded", "")
        .await;
    office
        .record(
            MANAGER,
            &id,
            json!({"record": "emergency", "on": day, "danger": "外墙砖脱落伤人风险"}),
        )
        .await;
    office.go(MANAGER, &id, declare).await;
    office.papers(MANAGER, &id, &["completion_report"]).await;
    office
        .record(
            MANAGER,
            &id,
            json!({"record": "completion", "completed_on": day, "settled": "80000"}),
        )
        .await;
    office.go(MANAGER, &id, json!({"transition": "end_emergency"})).await;
    let regularise = json!({"transition": "regularise", "decision_no": "永机管〔2026〕31号"});
    office
        .step_is_refused(APPROVER, &id, regularise.clone(), "documents_missing", "")
        .await;
    office
        .papers(
            MANAGER,
            &id,
            &["application_form", "survey_record", "cost_review_report"],
        )
        .await;
    office
        .record(
            MANAGER,
            &id,
            json!({"record": "site_visit", "on": day, "defects": "已修复"}),
        )
        .await;
    let review =
        json!({"record": "cost_review", "on": day, "reviewer": "某造价咨询", "cost": "80000", "standard": "90000"});
    office.record(FINANCE, &id, review).await;
    let closed = office.go(APPROVER, &id, regularise).await;
    assert_eq!(
        (&closed["state"], &closed["is_open"]),
        (&json!("archived"), &json!(false))
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn deadlines_go_round_the_spring_festival_and_what_is_overdue_stands_first(pool: PgPool) {
    let office = Office::open_on(&pool, date!(2026 - 02 - 03)).await;
    let (first, second) = (office.building(1).await, office.building(2).await);
    let id = office.begun(&first).await;
    // 30 working days over nine days off and two worked Saturdays.
    assert_eq!(office.case(&id).await["clock"]["due_on"], "2026-03-23");
    office.on(date!(2026 - 03 - 20));
    let later = office.begun(&second).await;
    office.on(date!(2026 - 03 - 24));
    let queue = office.read("/api/v1/policy-cases?count=true").await;
    let ids: Vec<&str> = queue["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["id"].as_str().unwrap())
        .collect();
    assert_eq!((ids, &queue["total"]), (vec![id.as_str(), later.as_str()], &json!(2)));
    assert_eq!(
        (&queue["items"][0]["overdue"], &queue["items"][1]["overdue"]),
        (&json!(true), &json!(false))
    );
    let overdue = office
        .read("/api/v1/policy-cases?overdue=true&procedure=idle_disposal&q=B1")
        .await;
    assert_eq!(overdue["items"].as_array().unwrap().len(), 1);
    let pages = office.read("/api/v1/policy-cases?limit=1").await;
    assert!(pages["next"].is_string(), "{pages}");
    // Ten working days after the last day it goes to the approver.
    assert_eq!(office.case(&id).await["clock"]["escalated_to"], json!([]));
    office.on(date!(2026 - 04 - 09));
    assert_eq!(office.case(&id).await["clock"]["escalated_to"], json!(["approver"]));
    // A deadline in a year without a calendar has no day, and says the earliest.
    office.on(date!(2026 - 12 - 20));
    let third = office.building(3).await;
    let case = office.begun(&third).await;
    let clock = office.case(&case).await["clock"].clone();
    assert_eq!(
        (&clock["due_on"], &clock["not_before"]),
        (&Value::Null, &json!("2027-01-29"))
    );
    // Once the notice of that year is recorded it has one, and nothing that is closed or has its day is touched.
    let before = office.case(&id).await["version_id"].clone();
    let notice = crate::calendar_notices::tests::made_up_2027();
    let answer = office.post(ADMINISTRATOR, "/api/v1/calendar-notices", notice).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.body["deadlines"], 1);
    let clock = office.case(&case).await["clock"].clone();
    assert_eq!(
        (&clock["due_on"], &clock["not_before"]),
        (&json!("2027-01-30"), &Value::Null)
    );
    assert_eq!(office.case(&id).await["version_id"], before);
    let queue = office.read("/api/v1/policy-cases?q=B3").await;
    assert_eq!(queue["items"][0]["due_on"], "2027-01-30");
    office.on(date!(2027 - 02 - 01));
    let overdue = office.read("/api/v1/policy-cases?overdue=true&q=B3").await;
    assert_eq!(overdue["items"].as_array().unwrap().len(), 1);
}
