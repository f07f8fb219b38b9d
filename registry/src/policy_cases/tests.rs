//! Cases as stories over HTTP, over a real PostGIS, each person with a role of their own.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;
use time::{Date, Duration};
use uuid::Uuid;

use crate::documents::tests::{PDF, bring, get};
use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask_as};
use crate::versioned::tests::{entries, prove};

/// The office: whoever asks shows who they are.
pub(super) struct Office {
    pub(super) app: Router,
    pub(super) state: AppState,
    pub(super) pool: PgPool,
    tokens: BTreeMap<&'static str, String>,
}

pub(super) const MANAGER: &str = "manager";
pub(super) const SECOND: &str = "second-manager";
pub(super) const PLANNER: &str = "planner";
pub(super) const APPROVER: &str = "approver";
pub(super) const FINANCE: &str = "finance";
pub(super) const CLERK: &str = "clerk";
pub(super) const CONTACT: &str = "contact";
const ADMINISTRATOR: &str = "administrator";

/// Thirty homes of 80.42 m²: 2 412.6 m² together.
const HOMES: i16 = 30;

pub(super) fn square(number: u32) -> Value {
    let west = 111.6 + f64::from(number) * 0.002;
    let corners =
        [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]].map(|[x, y]| [west + x * 0.001, 26.4 + y * 0.001]);
    json!({"type": "Polygon", "coordinates": [corners]})
}

fn parcel_code(number: u32) -> String {
    format!("431103001002GB{number:05}")
}

impl Office {
    pub(super) async fn open(pool: &PgPool) -> Self {
        Self::open_on(pool, date!(2026 - 11 - 21)).await
    }

    /// The office on a day: time only goes forward from what is registered.
    async fn open_on(pool: &PgPool, today: Date) -> Self {
        let (app, state) = app(pool).await;
        let back = today - state.clock.today();
        state.clock.advance(back);
        let mut tokens = BTreeMap::new();
        for (who, role) in [
            (MANAGER, Role::AssetManager),
            (SECOND, Role::AssetManager),
            (PLANNER, Role::Planner),
            (APPROVER, Role::Approver),
            (FINANCE, Role::FinanceReviewer),
            (CLERK, Role::TitleClerk),
            (CONTACT, Role::UnitContact),
            (ADMINISTRATOR, Role::Administrator),
        ] {
            tokens.insert(who, person_with(pool, who, &[role], "all").await);
        }
        let office = Self {
            app,
            state,
            pool: pool.clone(),
            tokens,
        };
        office
            .made(
                MANAGER,
                "/api/v1/regions",
                json!({"code": "431103", "name": "冷水滩区", "level": "county", "valid_from": "2010-01-01"}),
            )
            .await;
        office
    }

    /// Somebody whose grants are of one region and one level.
    pub(super) async fn joins(&mut self, who: &'static str, roles: &[Role], (region, level): (&str, &str)) {
        let token = person_with(&self.pool, who, roles, region).await;
        let narrowed = sqlx::query(
            "update person_grant set level = $2 where person_id = (select id from person where username = $1)",
        )
        .bind(who)
        .bind(level)
        .execute(&self.pool)
        .await
        .unwrap();
        assert_eq!(narrowed.rows_affected(), roles.len() as u64);
        self.tokens.insert(who, token);
    }

    pub(super) fn days_pass(&self, days: i64) {
        self.state.clock.advance(Duration::days(days));
    }

    pub(super) async fn ask(
        &self,
        who: &str,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        // Time passes between two requests.
        self.state.clock.advance(Duration::seconds(7));
        ask_as(&self.app, Some(&self.tokens[who]), method, uri, headers, body).await
    }

    pub(super) async fn read(&self, uri: &str) -> Value {
        let answer = self.ask(MANAGER, "GET", uri, &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
        answer.body
    }

    pub(super) async fn post(&self, who: &str, uri: &str, body: Value) -> Answer {
        let key = Uuid::now_v7().to_string();
        self.ask(who, "POST", uri, &[("Idempotency-Key", &key)], Some(body))
            .await
    }

    pub(super) async fn made(&self, who: &str, uri: &str, body: Value) -> String {
        let answer = self.post(who, uri, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{uri}: {}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn building(&self, number: u32) -> String {
        self.made(
            MANAGER,
            "/api/v1/buildings",
            json!({"name": format!("周转房{number}号楼"), "code": format!("B{number}"), "region_code": "431103", "valid_from": "2015-01-01",
                   "usage": "housing_security", "occupancy": "idle", "idle_since": "2025-03-01",
                   "geometry": square(number)}),
        )
        .await
    }

    /// The parcel under the building.
    pub(super) async fn parcel(&self, number: u32) -> String {
        self.made(
            MANAGER,
            "/api/v1/parcels",
            json!({"code": parcel_code(number), "region_code": "431103", "valid_from": "2015-01-01", "geometry": square(number)}),
        )
        .await
    }

    async fn homes(&self, building: &str) {
        for home in 0..HOMES {
            self.made(
                MANAGER,
                "/api/v1/rooms",
                json!({"building_id": building, "floor": home / 6 + 1, "number": format!("{}{:02}", home / 6 + 1, home % 6 + 1),
                       "building_area_m2": 80.42, "occupancy": "idle", "valid_from": "2015-01-01"}),
            )
            .await;
        }
    }

    /// A title in the bureau's name on the building and the parcel under it, on land of that nature.
    pub(super) async fn title(&self, building: &str, number: u32, nature: &str, more: Value) -> String {
        let parcel = self.parcel(number).await;
        let mut title = json!({
            "evidence": "both", "unit_code": format!("{}F00010001", parcel_code(number)), "right_type": "4", "right_nature_land": nature,
            "cert_no": format!("湘(2021)冷水滩区不动产权第{number:07}号"), "house_area_m2": 2412.6, "location": "冷水滩区周转房",
            "holders": [{"name": "永州市机关事务管理局", "kind": "bureau"}], "co_ownership": "0", "registry": "永州市不动产登记中心",
            "recorded_on": "2021-03-10", "issued_on": "2021-03-12",
            "parcel_ids": [parcel], "building_ids": [building],
        });
        for (field, value) in more.as_object().unwrap() {
            title[field] = value.clone();
        }
        self.made(CLERK, "/api/v1/titles", title).await
    }

    async fn land_of(&self, title: &str) -> String {
        let held = self.read(&format!("/api/v1/titles/{title}")).await;
        held["parcel_ids"][0].as_str().unwrap().to_owned()
    }

    /// The threshold of the sale of a building: bureau, finance, deputy leader.
    pub(super) async fn threshold(&self, mode: &str) -> String {
        self.made(
            ADMINISTRATOR,
            "/api/v1/approval-thresholds",
            json!({"region_code": "431100", "mode": mode, "asset_class": "building", "value_from": "0", "value_to": "5000000",
                   "chain": ["bureau", "finance", "deputy_leader"], "appraisal": true, "exchange": true, "notice_days": 20,
                   "floor_percent": "90", "source": "永府办〔2025〕1号", "valid_from": "2020-01-01", "reason": "市政府文件"}),
        )
        .await
    }

    async fn begun(&self, building: &str) -> String {
        let opening = json!({"procedure": "idle_disposal", "asset_id": building, "idle_reason": "surplus"});
        self.made(MANAGER, "/api/v1/policy-cases", opening).await
    }

    pub(super) async fn case(&self, id: &str) -> Value {
        self.read(&format!("/api/v1/policy-cases/{id}")).await
    }

    pub(super) async fn send(&self, who: &str, id: &str, what: &str, body: Value) -> Answer {
        let tag = format!("\"{}\"", self.case(id).await["version_id"].as_str().unwrap());
        let uri = format!("/api/v1/policy-cases/{id}/{what}");
        self.ask(who, "POST", &uri, &[("If-Match", &tag)], Some(body)).await
    }

    pub(super) async fn record(&self, who: &str, id: &str, fact: Value) -> Value {
        let answer = self.send(who, id, "records", fact.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{fact}: {}", answer.body);
        answer.body
    }

    pub(super) async fn papers(&self, who: &str, id: &str, kinds: &[&str]) {
        for kind in kinds {
            self.record(
                who,
                id,
                json!({"record": "document", "kind": kind, "name": format!("{kind} 1号")}),
            )
            .await;
        }
    }

    pub(super) async fn go(&self, who: &str, id: &str, step: Value) -> Value {
        let answer = self.send(who, id, "transitions", step.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{step}: {}", answer.body);
        answer.body
    }

    /// A step or record that is refused, by its rule and article, and that changes nothing.
    pub(super) async fn is_refused(
        &self,
        who: &str,
        id: &str,
        (what, body): (&str, Value),
        (code, rule): (&str, &str),
    ) -> Value {
        let before = self.case(id).await["version_id"].clone();
        let ledger = entries(&self.pool).await;
        let answer = self.send(who, id, what, body.clone()).await;
        assert!(
            answer.status.is_client_error(),
            "{body}: {} {}",
            answer.status,
            answer.body
        );
        assert_eq!(answer.body["code"], code, "{body}: {}", answer.body);
        if !rule.is_empty() {
            assert_eq!(answer.body["rule"]["id"], rule, "{body}: {}", answer.body);
            assert!(
                !answer.body["rule"]["source"].as_str().unwrap_or_default().is_empty(),
                "{body}: {}",
                answer.body
            );
        }
        let detail = answer.body["detail"].as_str().unwrap();
        assert!(
            detail.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c)),
            "said in Chinese too: {detail}"
        );
        assert_eq!(self.case(id).await["version_id"], before, "{body}: nothing changed");
        assert_eq!(entries(&self.pool).await, ledger, "{body}: nothing changed");
        answer.body
    }

    pub(super) async fn step_is_refused(&self, who: &str, id: &str, step: Value, code: &str, rule: &str) -> Value {
        self.is_refused(who, id, ("transitions", step), (code, rule)).await
    }

    /// From the finding to the comparison of routes.
    pub(super) async fn compared(&self, building: &str, routes: &[&str]) -> String {
        let id = self.begun(building).await;
        self.record(
            MANAGER,
            &id,
            json!({"record": "verification", "on": "2026-01-05", "measured_m2": "2412.60", "book_value": "4800000.00", "safe": true,
                   "title_note": "产权清晰"}),
        )
        .await;
        self.papers(MANAGER, &id, &["site_survey"]).await;
        self.go(MANAGER, &id, json!({"transition": "verify"})).await;
        for (at, route) in routes.iter().enumerate() {
            self.record(
                PLANNER,
                &id,
                json!({"record": "score", "route": route, "points": 90 - 10 * at, "why": "比选"}),
            )
            .await;
        }
        self.go(PLANNER, &id, json!({"transition": "score"})).await;
        id
    }

    /// From the comparison to the approval by three offices.
    pub(super) async fn approved(&self, id: &str, route: &str, papers: &[&str]) {
        self.papers(PLANNER, id, papers).await;
        self.papers(PLANNER, id, &["proposal"]).await;
        self.go(PLANNER, id, json!({"transition": "propose", "route": route}))
            .await;
        self.papers(MANAGER, id, &["meeting_minutes"]).await;
        self.go(
            MANAGER,
            id,
            json!({"transition": "decide", "decision_no": "局党组纪要〔2026〕7号"}),
        )
        .await;
        for (office, step) in [
            ("bureau", "countersign"),
            ("finance", "countersign"),
            ("deputy_leader", "approve"),
        ] {
            let number = format!("永资处〔2026〕{office}号");
            self.go(
                APPROVER,
                id,
                json!({"transition": step, "office": office, "decision_no": number}),
            )
            .await;
        }
    }

    /// From the approval to the bidding, appraised at 4 900 000 yuan.
    async fn on_offer(&self, id: &str) {
        self.papers(MANAGER, id, &["appraisal_report", "public_notice"]).await;
        self.record(
            MANAGER,
            id,
            json!({"record": "appraisal", "appraiser": "某评估公司", "report_no": "评报〔2026〕12号", "base_date": "2026-10-01", "value": "4900000.00"}),
        )
        .await;
        self.go(MANAGER, id, json!({"transition": "commission"})).await;
        let today = self.state.clock.today();
        self.record(
            MANAGER,
            id,
            json!({"record": "round", "venue": "永州市公共资源交易中心", "is_exchange": true, "notice_from": today.to_string(),
                   "notice_to": (today + Duration::days(19)).to_string(), "reserve": "4400000"}),
        )
        .await;
        self.go(MANAGER, id, json!({"transition": "announce"})).await;
        self.days_pass(20);
        self.go(MANAGER, id, json!({"transition": "open_bidding"})).await;
    }

    async fn bid(&self, id: &str, price: &str) {
        let today = self.state.clock.today();
        for (bidder, price) in [("李四", "4000000"), ("张三", price)] {
            self.record(
                MANAGER,
                id,
                json!({"record": "bid", "bidder": bidder, "price": price, "on": today.to_string()}),
            )
            .await;
        }
        self.record(
            MANAGER,
            id,
            json!({"record": "award", "bidder": "张三", "price": price, "on": today.to_string(),
                   "notice_to": (today + Duration::days(6)).to_string()}),
        )
        .await;
        self.papers(MANAGER, id, &["bidding_record"]).await;
    }
}

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

/// Whoever has a part of the registry works on the cases of that part's assets, and no other's.
#[sqlx::test(migrations = "../migrations")]
async fn a_bureau_works_on_the_cases_of_its_own_part(pool: PgPool) {
    let office = Office::open(&pool).await;
    let (ours, theirs) = (office.building(1).await, office.building(2).await);
    let beside = json!({"code": "431102", "name": "零陵区", "level": "county", "valid_from": "2010-01-01"});
    office.made(MANAGER, "/api/v1/regions", beside).await;
    let uri = format!("/api/v1/buildings/{theirs}");
    let tag = office.ask(MANAGER, "GET", &uri, &[], None).await.etag.unwrap();
    let moved = json!({"region_code": "431102", "valid_from": "2015-01-01"});
    let moved = office
        .ask(MANAGER, "PATCH", &uri, &[("If-Match", &tag)], Some(moved))
        .await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.body);
    let district = person_with(&pool, "district", &[Role::AssetManager], "431103").await;
    let city = person_with(&pool, "city", &[Role::Planner], "4311").await;
    let neighbour = person_with(&pool, "neighbour", &[Role::AssetManager, Role::Planner], "431102").await;
    let send = async |token: &str, uri: &str, tag: Option<&str>, body: Value| {
        office.state.clock.advance(Duration::seconds(7));
        let key = Uuid::now_v7().to_string();
        let header = tag.map_or(("Idempotency-Key", key.as_str()), |tag| ("If-Match", tag));
        ask_as(&office.app, Some(token), "POST", uri, &[header], Some(body)).await
    };
    let opening = |asset: &str| json!({"procedure": "idle_disposal", "asset_id": asset, "idle_reason": "surplus"});
    // What is another's is not there.
    let refused = send(&district, "/api/v1/policy-cases", None, opening(&theirs)).await;
    assert_eq!(
        (refused.status, &refused.body["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("asset_id"))
    );
    let opened = send(&district, "/api/v1/policy-cases", None, opening(&ours)).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    let at = opened.location.unwrap();
    let mut tag = opened.etag.unwrap();
    for (token, what, body) in [
        (
            &district,
            "records",
            json!({"record": "document", "kind": "site_survey", "name": "勘查1号"}),
        ),
        (
            &district,
            "records",
            json!({"record": "verification", "on": "2026-11-20", "measured_m2": "2412.6", "book_value": "3600000", "safe": true,
                   "title_note": "产权清晰"}),
        ),
        (&district, "transitions", json!({"transition": "verify"})),
        (
            &city,
            "records",
            json!({"record": "score", "route": "keep_use", "points": 80, "why": "可用"}),
        ),
    ] {
        let before = tag.clone();
        // Nobody's beside, whatever their roles; and nobody's whose role it isn't.
        let beside = send(&neighbour, &format!("{at}/{what}"), Some(&before), body.clone()).await;
        assert_eq!(beside.status, StatusCode::NOT_FOUND, "{}", beside.body);
        let other = if token == &district { &city } else { &district };
        if body["record"] != "document" {
            let refused = send(other, &format!("{at}/{what}"), Some(&before), body.clone()).await;
            assert_eq!(refused.status, StatusCode::FORBIDDEN, "{body}: {}", refused.body);
        }
        let done = send(token, &format!("{at}/{what}"), Some(&before), body.clone()).await;
        assert_eq!(done.status, StatusCode::OK, "{body}: {}", done.body);
        tag = done.etag.unwrap();
    }
    let listed = async |token: &str| {
        let answer = ask_as(&office.app, Some(token), "GET", "/api/v1/policy-cases", &[], None).await;
        answer.body["items"].as_array().unwrap().len()
    };
    assert_eq!(
        (listed(&district).await, listed(&city).await, listed(&neighbour).await),
        (1, 1, 0)
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

/// A paper is a file: brought by whose it is to bring, taken up by the record, read by whoever sees the case.
#[sqlx::test(migrations = "../migrations")]
async fn a_paper_of_a_case_is_a_file_that_whoever_sees_the_case_may_read(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building(1).await;
    let id = office.begun(&building).await;
    let brought = bring(&office.app, Some(&office.tokens[MANAGER]), "勘查记录.pdf", PDF).await;
    assert_eq!(brought.status, StatusCode::CREATED);
    let file = brought.json()["id"].clone();
    let content = format!("/api/v1/documents/{}/content", file.as_str().unwrap());
    let paper = |file: &Value| json!({"record": "document", "kind": "site_survey", "name": "勘查记录", "file": file});
    let read = async |who: &str| get(&office.app, Some(&office.tokens[who]), &content).await.status;
    assert_eq!(read(FINANCE).await, StatusCode::NOT_FOUND);
    // Neither a file that is not there, nor one of somebody else's.
    for (who, unknown) in [(MANAGER, json!(Uuid::now_v7())), (SECOND, file.clone())] {
        let before = office.case(&id).await;
        let refused = office.send(who, &id, "records", paper(&unknown)).await;
        assert_eq!(
            (refused.status, &refused.body["field"], &refused.body["code"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("file"), &json!("file_unknown")),
            "{}",
            refused.body
        );
        assert_eq!(office.case(&id).await["version_id"], before["version_id"]);
    }
    assert_eq!(read(FINANCE).await, StatusCode::NOT_FOUND);
    let taken = office.record(MANAGER, &id, paper(&file)).await;
    assert_eq!(taken["files"], json!([brought.json()]));
    assert_eq!(taken["details"]["records"][0]["fact"]["file"], file);
    assert_eq!(read(FINANCE).await, StatusCode::OK);
    // Declared void it stays what a decision may have rested on.
    let void = office
        .record(MANAGER, &id, json!({"record": "void", "no": 1, "reason": "传错"}))
        .await;
    assert_eq!(void["files"], json!([brought.json()]));
    let elsewhere = person_with(&pool, "elsewhere", &[Role::FinanceReviewer], "320400").await;
    assert_eq!(
        get(&office.app, Some(&elsewhere), &content).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

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
async fn nobody_judges_their_own_case_and_two_at_once_do_not_overwrite_each_other(pool: PgPool) {
    let office = Office::open(&pool).await;
    office.threshold("sell").await;
    let building = office.building(1).await;
    office.title(&building, 1, "102", json!({})).await;
    let id = office.compared(&building, &["auction", "keep_use"]).await;
    office.papers(PLANNER, &id, &["proposal", "sale_proposal"]).await;
    // Somebody who plans and approves, as small offices have it.
    let both = person_with(&pool, "both", &[Role::Planner, Role::Approver], "all").await;
    let mut office = office;
    office.tokens.insert("both", both);
    office
        .go("both", &id, json!({"transition": "propose", "route": "auction"}))
        .await;
    office.papers(MANAGER, &id, &["meeting_minutes"]).await;
    office
        .go(MANAGER, &id, json!({"transition": "decide", "decision_no": "1"}))
        .await;
    let sign = json!({"transition": "countersign", "office": "bureau", "decision_no": "1"});
    office
        .step_is_refused("both", &id, sign.clone(), "four_eyes", "GOV-01")
        .await;
    office
        .step_is_refused(
            "both",
            &id,
            json!({"transition": "refuse", "decision_no": "1", "reason": "x"}),
            "four_eyes",
            "GOV-01",
        )
        .await;
    // Two at once, with what they read before: the second is told, and nothing is lost.
    let tag = format!("\"{}\"", office.case(&id).await["version_id"].as_str().unwrap());
    let uri = format!("/api/v1/policy-cases/{id}/transitions");
    let headers = [("If-Match", tag.as_str())];
    let (one, other) = tokio::join!(
        office.ask(APPROVER, "POST", &uri, &headers, Some(sign.clone())),
        office.ask(APPROVER, "POST", &uri, &headers, Some(sign.clone())),
    );
    let mut answers = [one.status, other.status];
    answers.sort();
    assert_eq!(answers, [StatusCode::OK, StatusCode::PRECONDITION_FAILED]);
    let without = office.ask(APPROVER, "POST", &uri, &[], Some(sign)).await;
    assert_eq!(without.status, StatusCode::PRECONDITION_REQUIRED);
    assert_eq!(
        office.case(&id).await["details"]["decisions"].as_array().unwrap().len(),
        2
    );
    // Sent back, everything that was decided is void, and the planner proposes anew.
    office
        .go(APPROVER, &id, json!({"transition": "send_back", "reason": "补充比选"}))
        .await;
    let again = office
        .go(PLANNER, &id, json!({"transition": "propose", "route": "auction"}))
        .await;
    assert!(
        again["details"]["decisions"]
            .as_array()
            .unwrap()
            .iter()
            .all(|decision| decision["void"] == true),
        "{again}"
    );
    office
        .step_is_refused(
            APPROVER,
            &id,
            json!({"transition": "approve", "office": "finance", "decision_no": "1"}),
            "transition_forbidden",
            "DSP-06",
        )
        .await;
    // The database has the last word on both.
    let same = sqlx::query("update policy_case_version set decided_by = put_forward_by where upper_inf(recorded)")
        .execute(&pool)
        .await
        .unwrap_err();
    assert!(same.to_string().contains("policy_case_version_four_eyes"), "{same}");
    let twice = sqlx::query(
        "with c as (insert into policy_case values ($1, '2026-01-01') returning id)
         insert into policy_case_version (version_id, object_id, valid, recorded, asset_id, procedure, definition, state, is_open, opened_by, paid, remitted, details)
         select $1, c.id, v.valid, v.recorded, v.asset_id, v.procedure, v.definition, v.state, true, 'x', 0, 0, '{}'
           from c, policy_case_version v where upper_inf(v.recorded)",
    )
    .bind(Uuid::now_v7())
    .execute(&pool)
    .await
    .unwrap_err();
    assert!(
        twice.to_string().contains("policy_case_version_one_per_asset"),
        "{twice}"
    );
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
