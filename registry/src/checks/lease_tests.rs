//! Rules of leases: what fires, and what comes near and must not. Today is 21 November 2026.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::PgPool;

use super::rule::catalogue;
use super::run::{Scope, run_rule};
use super::tests::{change, open, register};
use crate::leases::tests::{APPROVER, FINANCE, MANAGER, Office, shop};
use crate::titles::tests::certificate;

async fn found(office: &Office, rule: &str, asset: &str) -> u64 {
    let catalogue = catalogue().unwrap();
    let at = (office.state.clock.today(), office.state.clock.now());
    let scope = Scope::Objects(vec![asset.parse().unwrap()]);
    run_rule(&office.state.database, catalogue, &catalogue.rules[rule], at, &scope)
        .await
        .unwrap()
        .found
}

const RULES: [&str; 12] = [
    "USE-05", "ALC-02", "ALC-03", "ALC-05", "DSP-09", "DSP-12", "DSP-14", "DSP-14W", "DSP-15", "DSP-16", "DSP-17",
    "DSP-18",
];

/// Each lease stands on a building of its own and breaks these rules and no others.
#[sqlx::test(migrations = "../migrations")]
async fn rules_of_leases_fire_where_they_should_and_only_there(pool: PgPool) {
    let office = Office::open(&pool).await;
    // Nothing wrong: let since yesterday and rent not due before tomorrow, until the last day that is not soon.
    let good = json!({"starts_on": "2026-11-20", "ends_on": "2027-03-31", "due_days": 30});
    let rented = json!({
        "direction": "in", "lessor_kind": "private", "lessor_name": "某公司", "lessee_kind": "unit", "lessee_size": null,
        "lessee_name": "财政局", "price_basis": "appraisal", "exchange_record": null, "approved_area_m2": 100});
    let also = |base: &Value, more: Value| {
        let mut all = base.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let rented = also(&good, rented);
    for (said, expected) in [
        (good.clone(), vec![]),
        // Within 90 days, and on the ninetieth no more.
        (also(&good, json!({"ends_on": "2027-02-18"})), vec!["DSP-14W"]),
        (also(&good, json!({"ends_on": "2027-02-19"})), vec![]),
        // On its last day it is about to end, on the next it is past it.
        (
            also(&good, json!({"starts_on": "2026-11-01", "ends_on": "2026-11-21"})),
            vec!["DSP-14W"],
        ),
        (
            also(&good, json!({"starts_on": "2026-11-01", "ends_on": "2026-11-20"})),
            vec!["DSP-14"],
        ),
        // Due yesterday, and due today.
        (also(&good, json!({"due_days": 0})), vec!["DSP-16"]),
        (also(&good, json!({"due_days": 1})), vec![]),
        (also(&good, json!({"exchange_record": null})), vec!["DSP-15"]),
        // An appraisal holds, or held no more when the term began.
        (
            also(
                &good,
                json!({"exchange_record": null, "price_basis": "appraisal", "appraisal_report": "苏评1号", "appraisal_valid_to": "2026-11-20"}),
            ),
            vec![],
        ),
        (
            also(
                &good,
                json!({"exchange_record": null, "price_basis": "appraisal", "appraisal_report": "苏评1号", "appraisal_valid_to": "2026-11-19"}),
            ),
            vec!["DSP-15"],
        ),
        (also(&good, json!({"ends_on": "2031-11-19"})), vec![]),
        (also(&good, json!({"ends_on": "2031-11-20"})), vec!["DSP-18"]),
        (also(&good, json!({"lessor_kind": "using_unit"})), vec!["USE-05"]),
        // Allocated land: not at fault without a title that says so.
        (also(&good, json!({"land_income_document": null})), vec![]),
        (rented.clone(), vec![]),
        (also(&rented, json!({"approval_number": null})), vec!["ALC-02"]),
        (
            also(&rented, json!({"starts_on": "2026-11-01", "ends_on": "2026-11-20"})),
            vec!["ALC-03"],
        ),
        (also(&rented, json!({"area_m2": 100.01})), vec!["ALC-05"]),
        // What is not begun is nobody's fault yet.
        (
            also(
                &good,
                json!({"starts_on": "2026-12-01", "lessor_kind": "using_unit", "exchange_record": null}),
            ),
            vec![],
        ),
    ] {
        let building = office.building("楼", 400.0).await;
        office.made(MANAGER, "leases", shop(&building, said.clone())).await;
        let mut fired = Vec::new();
        for rule in RULES {
            if found(&office, rule, &building).await > 0 {
                fired.push(rule);
            }
        }
        assert_eq!(fired, expected, "{said}");
    }
}

/// What a unit rents that stands in no register is found at the unit, and its finding tells of the unit.
#[sqlx::test(migrations = "../migrations")]
async fn what_stands_in_no_register_is_found_at_its_unit(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = json!({"code": "SJ", "name": "审计局", "level": "city", "kind": "government_organ", "region_code": "320404",
                      "valid_from": "2015-01-01"});
    let (unit, _) = register(&office.app, "units", "renting", unit).await;
    let unit = unit.to_string();
    let mut leases = Vec::new();
    for (more, expected) in [
        (json!({}), vec![]),
        (json!({"approval_number": null}), vec!["ALC-02"]),
        (json!({"ends_on": "2026-11-20"}), vec!["ALC-03"]),
        (json!({"area_m2": 100.01}), vec!["ALC-05"]),
        (json!({"rent": "0.00", "approval_number": null}), vec!["ALC-06"]),
        (json!({"ends_on": "2026-12-31"}), vec!["DSP-14W"]),
    ] {
        let mut said = json!({"direction": "in", "area_m2": 100, "lessor_kind": "private", "lessor_name": "某公司", "lessee_kind": "unit",
            "lessee_name": "审计局", "lessee_unit_id": unit, "address": "某路2号", "starts_on": "2026-11-01", "ends_on": "2027-10-31",
            "rent": "4000.00", "price_basis": "negotiated", "approval_number": "机管租〔2026〕9号", "approved_area_m2": 100});
        said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let before: BTreeMap<&str, u64> = told(&office, &unit).await;
        leases.push(office.made(MANAGER, "leases", said).await);
        let fired: Vec<&str> = told(&office, &unit)
            .await
            .into_iter()
            .filter(|(rule, found)| *found > before[rule])
            .map(|(rule, _)| rule)
            .collect();
        assert_eq!(fired, expected, "{more}");
    }
    let found = open(&office.app, "ALC-03").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        (
            &found[0]["object_kind"],
            &found[0]["object_name"],
            &found[0]["other_id"]
        ),
        (&json!("unit"), &json!("审计局"), &json!(leases[2])),
        "{}",
        found[0]
    );
}

/// A use that somebody recorded otherwise than the lease says it stays, and is told until one of the two is put right.
#[sqlx::test(migrations = "../migrations")]
async fn a_use_that_is_recorded_otherwise_than_a_lease_is_told(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("门面", 100.0).await;
    let room = json!({"building_id": building, "floor": 1, "number": "101", "building_area_m2": 30, "occupancy": "in_use", "valid_from": "2020-01-01"});
    let (room, tag) = register(&office.app, "rooms", "room", room).await;
    let lease = office.made(MANAGER, "leases", shop(&building, json!({}))).await;
    assert_eq!(found(&office, "ACC-05", &building).await, 1);
    let told = open(&office.app, "ACC-05").await;
    assert_eq!(told[0]["other_id"], json!(lease));
    assert_eq!(
        told[0]["says"]["zh"], "已租给某某餐饮有限公司，而登记的使用状况不是出租：101 室在用",
        "{}",
        told[0]
    );
    change(&office.app, "rooms", room, &tag, json!({"occupancy": "let"})).await;
    assert_eq!(found(&office, "ACC-05", &building).await, 0);
    // Half of it is let: what else it is used for is nobody's fault.
    let half = office.building("另一处", 200.0).await;
    office.made(MANAGER, "leases", shop(&half, json!({}))).await;
    assert_eq!(found(&office, "ACC-05", &half).await, 0);
}

/// How often each rule of leases in is broken at an object.
async fn told(office: &Office, object: &str) -> BTreeMap<&'static str, u64> {
    let mut told = BTreeMap::new();
    for rule in ["ALC-02", "ALC-03", "ALC-04", "ALC-05", "ALC-06", "DSP-14W"] {
        told.insert(rule, found(office, rule, object).await);
    }
    told
}

#[sqlx::test(migrations = "../migrations")]
async fn rent_that_waits_for_the_treasury_and_land_income_are_told(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("楼", 400.0).await;
    let said =
        json!({"starts_on": "2026-10-01", "ends_on": "2027-09-30", "due_days": 60, "land_income_document": null});
    let lease = office.made(MANAGER, "leases", shop(&building, said)).await;
    let movements = format!("leases/{lease}/movements");
    let moved = |kind: &str, on: &str| json!({"kind": kind, "amount": "100.00", "on": on, "document": "票"});
    // The thirtieth day is in time.
    office.made(FINANCE, &movements, moved("payment", "2026-10-22")).await;
    assert_eq!(found(&office, "DSP-09", &building).await, 0);
    let late = office.made(FINANCE, &movements, moved("payment", "2026-10-21")).await;
    assert_eq!(found(&office, "DSP-09", &building).await, 1);
    let back = json!({"document": "冲1", "reason": "录错"});
    office
        .made(FINANCE, &format!("{movements}/{late}/reversals"), back)
        .await;
    assert_eq!(found(&office, "DSP-09", &building).await, 0);
    office.made(FINANCE, &movements, moved("payment", "2026-10-20")).await;
    office
        .made(FINANCE, &movements, moved("remittance", "2026-11-01"))
        .await;
    assert_eq!(found(&office, "DSP-09", &building).await, 0);

    // Land is let too; that it is allocated its title says.
    let square = json!({"type": "Polygon", "coordinates": [[[119.96, 31.78], [119.961, 31.78], [119.961, 31.781], [119.96, 31.78]]]});
    let parcel = json!({"name": "空地", "valid_from": "2020-01-01", "geometry": square, "registered_area_m2": 400});
    let parcel = office.made(MANAGER, "parcels", parcel).await;
    let said = json!({"starts_on": "2026-11-20", "land_income_document": null});
    office.made(MANAGER, "leases", shop(&parcel, said)).await;
    assert_eq!(found(&office, "DSP-12", &parcel).await, 0);
    let title = certificate(parcel.parse().unwrap(), "431103001002GB00015F00010001", 1);
    let made = crate::titles::tests::register(&office.app, title).await;
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(found(&office, "DSP-12", &parcel).await, 1);
}

/// Relief that rests on a policy is quiet; what was taken over without, or no longer fits, is not.
#[sqlx::test(migrations = "../migrations")]
async fn relief_without_ground_is_told(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("楼", 400.0).await;
    let lease = office
        .made(
            MANAGER,
            "leases",
            shop(&building, json!({"starts_on": "2026-01-01", "ends_on": "2027-12-31"})),
        )
        .await;
    let policy = json!({"name": "免租", "document": "政发1号", "months_from": "2026-02-01", "months_to": "2026-06-30",
                        "months": 3, "sizes": ["small"], "self_employed": true});
    let policy = office.made(MANAGER, "relief-policies", policy).await;
    let applied = office
        .post(
            MANAGER,
            &format!("relief-policies/{policy}/reliefs"),
            json!({"applications": [{"lease_id": lease}]}),
        )
        .await;
    assert_eq!(applied.status, 201, "{}", applied.body);
    let approval = json!({"relief_ids": applied.body["ids"], "decision": "approve", "document": "批1号"});
    let uri = format!("relief-policies/{policy}/decisions");
    let approved = office.ask(APPROVER, "POST", &uri, &[], Some(approval)).await;
    assert_eq!(approved.status, 200, "{}", approved.body);
    assert_eq!(found(&office, "DSP-17", &building).await, 0);
    for (statement, fires) in [
        ("update lease_version set lessee_size = 'large'", 1),
        ("update lease_version set lessee_size = 'small', is_sublet = true", 1),
        ("update rent_relief_version set end_user_proof = '收据'", 0),
        ("update rent_relief_version set policy_id = null", 1),
        (
            "update rent_relief_version set state = 'refused' where decided_by is not null",
            0,
        ),
    ] {
        sqlx::query(statement).execute(&pool).await.unwrap();
        assert_eq!(found(&office, "DSP-17", &building).await, fires, "{statement}");
    }
}
