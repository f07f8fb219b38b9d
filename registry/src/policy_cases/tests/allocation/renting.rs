//! What a unit rents: only where nothing suitable stands idle, and the lease that comes of the contract.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;

use super::{APPLICATION, approval, begun, building, contact_of, contracted, need, rooms, unit};
use crate::policy_cases::tests::{APPROVER, CONTACT, MANAGER, Office, PLANNER};
use crate::spatial_units::tests::ask_as;
use crate::versioned::tests::prove;

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
