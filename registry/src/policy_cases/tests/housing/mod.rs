//! An old compound becomes homes for staff, and a tenant moves in and out: over HTTP, over a real PostGIS, each step by
//! whoever's it is.

mod compound;
mod filing;
mod movables;

use serde_json::{Value, json};

use crate::policy_cases::tests::{APPROVER, FINANCE, MANAGER, Office, PLANNER, square};
use crate::versioned::tests::entries;

const TENANCIES: &str = "/api/v1/housing-tenancies";

async fn old_house(office: &Office, number: u32) -> String {
    let body = json!({"name": format!("老院{number}号楼"), "code": format!("Y{number}"), "region_code": "431103",
        "valid_from": "2015-01-01", "usage": "administrative_office", "occupancy": "idle", "idle_since": "2025-03-01",
        "geometry": square(number)});
    office.made(MANAGER, "/api/v1/buildings", body).await
}

async fn rooms(office: &Office, building: &str, numbers: &[&str], more: Value) -> Vec<String> {
    let mut ids = Vec::new();
    for number in numbers {
        let mut body = json!({"building_id": building, "floor": 3, "number": number, "use_area_m2": 46, "building_area_m2": 60.5,
            "room_type": "office", "occupancy": "idle", "valid_from": "2015-01-01"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ids.push(office.made(MANAGER, "/api/v1/rooms", body).await);
    }
    ids
}

async fn unit(office: &Office, code: &str) -> String {
    let body = json!({"code": code, "name": format!("{code}局"), "level": "city", "kind": "government_organ",
        "region_code": "431103", "valid_from": "2015-01-01"});
    office.made(MANAGER, "/api/v1/units", body).await
}

async fn begun(office: &Office, building: &str) -> String {
    let opening = json!({"procedure": "turnover_housing", "asset_id": building});
    office.made(MANAGER, "/api/v1/policy-cases", opening).await
}

fn choice(source: &str) -> Value {
    json!({"record": "housing_choice", "source": source, "place": "市直单位集中区", "surroundings": "学校、公园步行可达", "demand": "乡镇干部周转"})
}

async fn selected(office: &Office, id: &str, source: &str) {
    let found = json!({"record": "verification", "on": "2026-11-01", "measured_m2": "605.00", "book_value": "900000.00", "safe": true,
        "title_note": "产权清晰"});
    office.record(MANAGER, id, found).await;
    office.papers(MANAGER, id, &["site_survey"]).await;
    office.record(MANAGER, id, choice(source)).await;
    office.go(MANAGER, id, json!({"transition": "select"})).await;
}

fn plan(homes: u32) -> Value {
    json!({"record": "housing_plan", "homes": homes, "works": "水电、门窗", "estimate": "380000.00", "rent_ground": "收入和市场租金"})
}

/// From the plan to the approval by three offices.
async fn approved(office: &Office, id: &str) {
    office.record(PLANNER, id, plan(2)).await;
    office
        .papers(PLANNER, id, &["conversion_plan", "planning_opinion"])
        .await;
    office.go(PLANNER, id, json!({"transition": "plan"})).await;
    office.papers(MANAGER, id, &["meeting_minutes"]).await;
    office
        .go(
            MANAGER,
            id,
            json!({"transition": "decide", "decision_no": "局党组纪要〔2026〕9号"}),
        )
        .await;
    for (who, step) in [
        ("bureau", "countersign"),
        ("finance", "countersign"),
        ("deputy_leader", "approve"),
    ] {
        let step = json!({"transition": step, "office": who, "decision_no": format!("永资用〔2026〕{who}号")});
        office.go(APPROVER, id, step).await;
    }
}

/// A repair through all its stages.
async fn refitted(office: &Office, building: &str) {
    let id = office.repair(building, MANAGER).await;
    let today = office.state.clock.today().to_string();
    let application = json!({"record": "repair_application", "for_year": 2028, "condition": "管线老化", "necessity": "wear", "estimate": "380000.00"});
    office.record(MANAGER, &id, application).await;
    office
        .papers(MANAGER, &id, &["application_form", "cost_estimate"])
        .await;
    office.go(MANAGER, &id, json!({"transition": "apply"})).await;
    let visit = json!({"record": "site_visit", "on": today, "defects": "管线老化"});
    office.record(MANAGER, &id, visit).await;
    office.papers(MANAGER, &id, &["survey_record"]).await;
    office.go(MANAGER, &id, json!({"transition": "survey"})).await;
    let assessment = json!({"record": "assessment", "on": today, "within_standard": true, "enlarges_percent": "0", "opinion": "可行"});
    office.record(PLANNER, &id, assessment).await;
    office.papers(PLANNER, &id, &["feasibility_report"]).await;
    office.go(PLANNER, &id, json!({"transition": "assess"})).await;
    let review = json!({"record": "cost_review", "on": today, "reviewer": "某造价咨询", "cost": "370000.00", "standard": "400000.00"});
    office.record(FINANCE, &id, review).await;
    office.papers(FINANCE, &id, &["cost_review_report"]).await;
    office.go(FINANCE, &id, json!({"transition": "review_cost"})).await;
    let publication =
        json!({"record": "publication", "from": "2026-11-22", "to": "2026-11-28", "objections": 0, "answered": true});
    office.record(MANAGER, &id, publication).await;
    office.papers(MANAGER, &id, &["publication_notice"]).await;
    office.days_pass(8);
    office.go(MANAGER, &id, json!({"transition": "publish"})).await;
    let entry = json!({"record": "plan_entry", "year": 2028, "number": "计划3", "budget": "370000.00"});
    office.record(MANAGER, &id, entry).await;
    let plan = json!({"transition": "plan", "decision_no": "永机管〔2026〕31号"});
    office.go(APPROVER, &id, plan).await;
    let today = office.state.clock.today().to_string();
    let works = json!({"record": "works", "started_on": today, "contractor": "某建筑公司"});
    office.record(MANAGER, &id, works).await;
    office.papers(MANAGER, &id, &["works_contract"]).await;
    office.go(MANAGER, &id, json!({"transition": "start"})).await;
    office.days_pass(20);
    let today = office.state.clock.today().to_string();
    let completion = json!({"record": "completion", "completed_on": today, "settled": "365000.00"});
    office.record(MANAGER, &id, completion).await;
    office.papers(MANAGER, &id, &["completion_report", "drawings"]).await;
    office.go(MANAGER, &id, json!({"transition": "inspect"})).await;
}

fn tenancy(home: &str, unit: &str, starts_on: &str) -> Value {
    json!({"room_id": home, "tenant_name": "钱守正", "unit_id": unit, "eligibility": "乡镇交流干部，市区无房",
        "eligibility_document": "周转住房申请表 12号", "starts_on": starts_on, "ends_on": "2027-12-31", "monthly_rent": "612.50",
        "rent_ground": "收入两成、市场租金六折", "agreement_number": "周租〔2026〕1号"})
}

/// It is refused by its code and rule, in both languages, and nothing changes.
async fn is_refused(office: &Office, body: Value, (code, rule): (&str, &str)) -> Value {
    let ledger = entries(&office.pool).await;
    let answer = office.post(MANAGER, TENANCIES, body.clone()).await;
    assert!(answer.status.is_client_error(), "{body}: {}", answer.body);
    assert_eq!(answer.body["code"], code, "{body}: {}", answer.body);
    assert_eq!(answer.body["rule"]["id"], rule, "{body}: {}", answer.body);
    assert!(!answer.body["rule"]["source"].as_str().unwrap().is_empty());
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(
        detail.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c)),
        "{detail}"
    );
    assert_eq!(entries(&office.pool).await, ledger, "{body}: nothing changed");
    answer.body
}

async fn homes(office: &Office, building: &str) -> Vec<(String, String)> {
    let listed = office
        .read(&format!("/api/v1/homes?building={building}&sort=place"))
        .await;
    listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|home| {
            (
                home["number"].as_str().unwrap().to_owned(),
                home["status"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn told(homes: &[(&str, &str)]) -> Vec<(String, String)> {
    homes
        .iter()
        .map(|(number, status)| ((*number).to_owned(), (*status).to_owned()))
        .collect()
}
