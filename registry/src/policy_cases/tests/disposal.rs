//! What may be disposed of, by which route, and what each route asks for and leaves behind.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use time::{Date, Duration};
use uuid::Uuid;

use super::{CLERK, FINANCE, MANAGER, Office, PLANNER};
use crate::versioned::tests::prove;

#[sqlx::test(migrations = "../migrations")]
async fn what_is_sealed_disputed_or_only_filed_is_not_disposed_of(pool: PgPool) {
    let office = Office::open(&pool).await;
    office.threshold("sell").await;
    let propose = json!({"transition": "propose", "route": "auction"});
    for (number, lies_on_it, words) in [
        (1, None, "未办理权属登记"),
        (
            2,
            Some(json!({"kind": "seizure", "holder": "永州市中级人民法院", "document": "(2026)湘11执1号"})),
            "被查封",
        ),
        (
            3,
            Some(json!({"kind": "dispute", "holder": "某公司", "document": "起诉状"})),
            "权属有争议",
        ),
    ] {
        let building = office.building(number).await;
        if let Some(lies_on_it) = lies_on_it {
            let title = office.title(&building, number, "102", json!({})).await;
            office
                .made(CLERK, &format!("/api/v1/titles/{title}/encumbrances"), lies_on_it)
                .await;
        }
        let id = office.compared(&building, &["auction", "keep_use"]).await;
        office.papers(PLANNER, &id, &["proposal", "sale_proposal"]).await;
        let refused = office
            .step_is_refused(PLANNER, &id, propose.clone(), "guard_disposal_unobstructed", "DSP-03")
            .await;
        assert!(refused["detail"].as_str().unwrap().contains(words), "{refused}");
        assert!(
            refused["rule"]["source"]
                .as_str()
                .unwrap()
                .contains("城市房地产管理法 art. 38"),
            "{refused}"
        );
        // What isn't disposed of may be used.
        office
            .go(PLANNER, &id, json!({"transition": "propose", "route": "keep_use"}))
            .await;
    }
    // Filed only: the filing freezes it.
    let building = office.building(4).await;
    office.title(&building, 4, "102", json!({})).await;
    sqlx::query(
        "with c as (insert into title_case values ($1, '2026-01-01') returning id)
         insert into title_case_version (version_id, object_id, valid, recorded, asset_id, state, opened_by, submitted_by, reviewed_by,
                                         disposal_frozen, details)
         select $1, id, '[2026-01-01,)', '[2026-01-01,)', $2, 'filed', 'a', 'a', 'b', true, '{}' from c",
    )
    .bind(Uuid::now_v7())
    .bind(building.parse::<Uuid>().unwrap())
    .execute(&pool)
    .await
    .unwrap();
    let id = office.compared(&building, &["auction", "keep_use"]).await;
    office.papers(PLANNER, &id, &["proposal", "sale_proposal"]).await;
    let refused = office
        .step_is_refused(PLANNER, &id, propose, "guard_disposal_unobstructed", "DSP-03")
        .await;
    assert!(refused["detail"].as_str().unwrap().contains("仅权属备案"), "{refused}");
}

#[sqlx::test(migrations = "../migrations")]
async fn an_expired_appraisal_allocated_land_co_owners_and_the_exchange(pool: PgPool) {
    let office = Office::open(&pool).await;
    office.threshold("sell").await;
    let building = office.building(1).await;
    office
        .title(
            &building,
            1,
            "101",
            json!({"co_ownership": "2", "holders": [
                {"name": "永州市机关事务管理局", "kind": "bureau", "share": "1/2"}, {"name": "甲单位", "kind": "unit", "share": "1/3"},
                {"name": "乙单位", "kind": "unit", "share": "1/6"}]}),
        )
        .await;
    let id = office.compared(&building, &["auction", "keep_use"]).await;
    office.approved(&id, "auction", &["sale_proposal"]).await;
    office.papers(MANAGER, &id, &["appraisal_report"]).await;
    // It expired yesterday: the base date is a year and a day ago.
    let yesterday = office.state.clock.today() - Duration::days(1);
    let base = yesterday.replace_year(yesterday.year() - 1).unwrap() + Duration::days(1);
    let appraisal = |base: Date| json!({"record": "appraisal", "appraiser": "某评估公司", "report_no": "评报1号", "base_date": base.to_string(), "value": "4900000"});
    office.record(MANAGER, &id, appraisal(base)).await;
    let expired = office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "commission"}),
            "guard_appraisal_current",
            "DSP-05",
        )
        .await;
    assert!(
        expired["detail"].as_str().unwrap().contains(&yesterday.to_string()),
        "{expired}"
    );
    // One that holds on its last day is taken.
    office.record(MANAGER, &id, appraisal(base + Duration::days(1))).await;
    office.go(MANAGER, &id, json!({"transition": "commission"})).await;
    office.record(MANAGER, &id, appraisal(yesterday)).await;
    let today = office.state.clock.today();
    let round = |is_exchange: bool, days: i64| {
        json!({"record": "round", "venue": "某地", "is_exchange": is_exchange, "notice_from": today.to_string(),
        "notice_to": (today + Duration::days(days)).to_string(), "reserve": "4400000"})
    };
    office.papers(MANAGER, &id, &["public_notice"]).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "announce"}),
            "guard_round_recorded",
            "",
        )
        .await;
    office.record(MANAGER, &id, round(false, 19)).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "announce"}),
            "guard_through_exchange",
            "DSP-08",
        )
        .await;
    // A notice that is too short, however long one waits.
    office.record(MANAGER, &id, round(true, 9)).await;
    office.go(MANAGER, &id, json!({"transition": "announce"})).await;
    office.days_pass(30);
    let short = office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "open_bidding"}),
            "guard_notice_over",
            "",
        )
        .await;
    assert!(short["detail"].as_str().unwrap().contains("20"), "{short}");
    office
        .record(
            MANAGER,
            &id,
            json!({"record": "round", "venue": "交易中心", "is_exchange": true, "notice_from": today.to_string(),
                   "notice_to": (today + Duration::days(19)).to_string(), "reserve": "4400000"}),
        )
        .await;
    office.go(MANAGER, &id, json!({"transition": "open_bidding"})).await;
    // An award that nobody bid is no award.
    let award = json!({"record": "award", "bidder": "王五", "price": "4900000", "on": office.state.clock.today().to_string(),
                       "notice_to": office.state.clock.today().to_string()});
    office.record(MANAGER, &id, award).await;
    office.papers(MANAGER, &id, &["bidding_record"]).await;
    office
        .step_is_refused(MANAGER, &id, json!({"transition": "award"}), "guard_award_recorded", "")
        .await;
    office.bid(&id, "4900000").await;
    office.go(MANAGER, &id, json!({"transition": "award"})).await;
    office.days_pass(7);
    office.papers(MANAGER, &id, &["contract"]).await;
    let contract = json!({"record": "contract", "number": "1", "counterparty": "张三", "price": "4900000", "on": office.state.clock.today().to_string()});
    office.record(MANAGER, &id, contract).await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "contract"}),
            "guard_allocated_land_settled",
            "DSP-11",
        )
        .await;
    office.papers(MANAGER, &id, &["land_approval", "land_grant"]).await;
    let consent = |holder: &str| json!({"record": "co_owner_consent", "holder": holder, "document": "同意书"});
    office.record(MANAGER, &id, consent("永州市机关事务管理局")).await;
    let owners = office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "contract"}),
            "guard_co_owners_agree",
            "DSP-23",
        )
        .await;
    assert!(owners["detail"].as_str().unwrap().contains("甲单位"), "{owners}");
    // A half and a sixth are two thirds.
    office.record(MANAGER, &id, consent("乙单位")).await;
    // A document on which a step rested stays; one on which none did may be declared void.
    let case = office.case(&id).await;
    let number = |kind: &str| {
        let records = case["details"]["records"].as_array().unwrap().iter();
        let mut found = records.rev().filter(|record| record["fact"]["kind"] == kind);
        found.next().unwrap()["no"].clone()
    };
    office
        .is_refused(
            MANAGER,
            &id,
            (
                "records",
                json!({"record": "void", "no": number("appraisal_report"), "reason": "x"}),
            ),
            ("record_stands", ""),
        )
        .await;
    office
        .record(
            MANAGER,
            &id,
            json!({"record": "void", "no": number("land_grant"), "reason": "传错了"}),
        )
        .await;
    office
        .step_is_refused(
            MANAGER,
            &id,
            json!({"transition": "contract"}),
            "guard_allocated_land_settled",
            "DSP-11",
        )
        .await;
    office.papers(MANAGER, &id, &["land_grant"]).await;
    office.go(MANAGER, &id, json!({"transition": "contract"})).await;
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn other_routes_ask_for_their_own_and_leave_the_asset_as_they_say(pool: PgPool) {
    let office = Office::open(&pool).await;
    for mode in ["convert", "scrap", "swap"] {
        office.threshold(mode).await;
    }
    let propose = |route: &str| json!({"transition": "propose", "route": route});
    // DSP-13, DSP-19, ALC-01: each before anything is proposed.
    let building = office.building(1).await;
    let title = office.title(&building, 1, "102", json!({})).await;
    let id = office
        .compared(&building, &["convert_public", "demolish", "swap", "lease"])
        .await;
    office
        .papers(PLANNER, &id, &["proposal", "swap_proposal", "lease_proposal"])
        .await;
    for (route, code, rule) in [
        ("convert_public", "guard_planning_agreed", "DSP-13"),
        ("demolish", "guard_demolition_proven", "DSP-19"),
        ("swap", "guard_stock_searched", "ALC-01"),
        ("lease", "guard_threshold_known", "DSP-06"),
    ] {
        office.step_is_refused(PLANNER, &id, propose(route), code, rule).await;
    }
    office.approved(&id, "convert_public", &["planning_opinion"]).await;
    office.papers(MANAGER, &id, &["conversion_record"]).await;
    office.go(MANAGER, &id, json!({"transition": "convert"})).await;
    let asset = office.read(&format!("/api/v1/buildings/{building}")).await;
    assert_eq!(
        (&asset["usage"], &asset["occupancy"]),
        (&json!("public_service"), &json!("in_use"))
    );
    office
        .go(FINANCE, &id, json!({"transition": "settle_without_sale"}))
        .await;
    office
        .go(
            CLERK,
            &id,
            json!({"transition": "leave_title", "reason": "用途未变更土地用途"}),
        )
        .await;
    office.go(MANAGER, &id, json!({"transition": "archive"})).await;
    office.read(&format!("/api/v1/titles/{title}")).await;

    // A building is demolished: it is struck from the title, the land stays under it.
    let building = office.building(2).await;
    let title = office
        .title(&building, 2, "102", json!({"land_area_m2": 11_000.0}))
        .await;
    let parcel = office.land_of(&title).await;
    let id = office.compared(&building, &["demolish", "keep_use"]).await;
    office.approved(&id, "demolish", &["safety_appraisal"]).await;
    office.papers(MANAGER, &id, &["demolition_record"]).await;
    office.go(MANAGER, &id, json!({"transition": "demolish"})).await;
    office
        .go(FINANCE, &id, json!({"transition": "settle_without_sale"}))
        .await;
    office.papers(CLERK, &id, &["registration_proof"]).await;
    office.go(CLERK, &id, json!({"transition": "strike_building"})).await;
    office.papers(MANAGER, &id, &["writeoff_voucher"]).await;
    office.go(MANAGER, &id, json!({"transition": "write_off"})).await;
    let left = office.read(&format!("/api/v1/titles/{title}")).await;
    assert_eq!(
        (&left["parcel_ids"], &left["building_ids"]),
        (&json!([parcel]), &json!([]))
    );
    // What is left is the land's: its right, and its own unit code.
    assert_eq!(left["right_type"], "3", "{left}");
    let code = left["unit_code"].as_str().unwrap();
    assert!(code.ends_with("W00000000"), "{code}");
    office.read(&format!("/api/v1/parcels/{parcel}")).await;
    assert_eq!(
        office
            .ask(MANAGER, "GET", &format!("/api/v1/buildings/{building}"), &[], None)
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}
