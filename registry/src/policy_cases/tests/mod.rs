//! Cases as stories over HTTP, over a real PostGIS, each person with a role of their own.

mod allocation;
mod auction;
mod disposal;
mod hands;
mod housing;
mod repair;

use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;
use time::{Date, Duration};
use uuid::Uuid;

use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask_as};
use crate::versioned::tests::entries;

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
