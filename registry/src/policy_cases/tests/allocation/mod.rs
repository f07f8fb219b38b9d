//! What units ask for, as stories over HTTP over a real PostGIS, each step by whoever's it is.

mod premises;
mod renting;
mod stock;

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::people::Role;
use crate::people::tests::person_with;
use crate::policy_cases::tests::{APPROVER, CONTACT, MANAGER, Office, PLANNER, square};

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
