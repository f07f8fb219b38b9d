//! Leases as stories over HTTP, over a real PostGIS, each person with a role of their own.

mod occupancy;
mod register;
mod rent;

use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use uuid::Uuid;

use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};

/// The office: whoever asks shows who they are. Today is 21 November 2026.
pub(crate) struct Office {
    pub app: Router,
    pub state: AppState,
    tokens: BTreeMap<&'static str, String>,
}

pub(crate) const MANAGER: &str = "manager";

pub(crate) const FINANCE: &str = "finance";

pub(crate) const APPROVER: &str = "approver";

pub(crate) const AUDITOR: &str = "auditor";

impl Office {
    pub(crate) async fn open(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        let mut tokens = BTreeMap::new();
        for (who, roles) in [
            (MANAGER, &[Role::AssetManager][..]),
            (FINANCE, &[Role::FinanceReviewer]),
            (APPROVER, &[Role::Approver]),
            (AUDITOR, &[Role::Auditor]),
            // Both hands in one: what four eyes are for.
            ("both", &[Role::AssetManager, Role::Approver]),
        ] {
            tokens.insert(who, person_with(pool, who, roles, "all").await);
        }
        // The directory is an administrator's; these tests sign in as somebody with every role unless they show another.
        for code in ["320404", "320402"] {
            let body = json!({"code": code, "name": code, "level": "county", "valid_from": "2010-01-01"});
            let made = ask(
                &app,
                "POST",
                "/api/v1/regions",
                &[("Idempotency-Key", code)],
                Some(body),
            )
            .await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        }
        Self { app, state, tokens }
    }

    pub(crate) async fn ask(
        &self,
        who: &str,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        // Time passes between two requests.
        self.state.clock.advance(Duration::seconds(7));
        let uri = format!("/api/v1/{uri}");
        ask_as(&self.app, Some(&self.tokens[who]), method, &uri, headers, body).await
    }

    pub(crate) async fn post(&self, who: &str, uri: &str, body: Value) -> Answer {
        let key = Uuid::now_v7().to_string();
        self.ask(who, "POST", uri, &[("Idempotency-Key", &key)], Some(body))
            .await
    }

    pub(crate) async fn made(&self, who: &str, uri: &str, body: Value) -> String {
        let answer = self.post(who, uri, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{uri}: {}", answer.body);
        answer.body["id"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn read(&self, uri: &str) -> Value {
        let answer = self.ask(AUDITOR, "GET", uri, &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
        answer.body
    }

    /// A building of so many m² of registered floor area, since 2020.
    pub(crate) async fn building(&self, name: &str, area_m2: f64) -> String {
        let square = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
        self.made(
            MANAGER,
            "buildings",
            json!({"name": name, "valid_from": "2020-01-01", "region_code": "320404", "geometry": square,
                   "registered_area_m2": area_m2, "occupancy": "let"}),
        )
        .await
    }

    pub(crate) async fn room(&self, building: &str, number: &str, area_m2: f64) -> String {
        self.made(
            MANAGER,
            "rooms",
            json!({"building_id": building, "floor": 1, "number": number, "building_area_m2": area_m2, "valid_from": "2020-01-01"}),
        )
        .await
    }

    async fn tagged(&self, who: &str, method: &str, uri: &str, to: &str, body: Value) -> Answer {
        let tag = self.ask(AUDITOR, "GET", uri, &[], None).await.etag.unwrap();
        self.ask(who, method, &format!("{uri}{to}"), &[("If-Match", &tag)], Some(body))
            .await
    }
}

/// A shop that was let in public for a year, 100 m² at 9 387 yuan a month.
pub(crate) fn shop(building: &str, more: Value) -> Value {
    let mut body = json!({
        "asset_id": building, "direction": "out", "area_m2": 100, "lessor_kind": "bureau", "lessor_name": "市机关事务管理局",
        "lessee_kind": "enterprise", "lessee_size": "small", "lessee_sector": "services", "lessee_name": "某某餐饮有限公司",
        "purpose": "餐饮", "starts_on": "2026-01-01", "ends_on": "2026-12-31", "rent": "9387.00", "price_basis": "public_letting",
        "exchange": "市公共资源交易中心", "exchange_record": "ZL2025-118", "contract_number": "2026-001",
        "approval_number": "机管〔2025〕12号", "land_income_document": "财综〔2025〕3号", "deposit": "18774.00"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}
