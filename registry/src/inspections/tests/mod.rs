//! Inspections as stories over HTTP, over a real PostGIS, each person with a role and a part of their own.

mod county;
mod parts;
mod voids;

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use tower::ServiceExt;
use uuid::Uuid;

use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};
use crate::versioned::tests::entries;

/// The city's bureau inspects the county's. Today is 21 November 2026, a Saturday.
pub(super) struct World {
    pub app: Router,
    pub state: AppState,
    pub pool: PgPool,
    tokens: BTreeMap<&'static str, String>,
    /// The county's finance and audit bureaus, and the finance bureau of the county beside it.
    units: [String; 3],
    /// Three office buildings of the county, 1 000, 500 and 250 m²; the first two used by its finance bureau, the third by audit.
    buildings: [String; 3],
}

const INSPECTOR: &str = "inspector";

const SECOND: &str = "second";

const APPROVER: &str = "approver";

const COUNTY: &str = "county";

const BESIDE: &str = "beside";

const CONTACT: &str = "contact";

const OTHER_CONTACT: &str = "other-contact";

const ADMINISTRATOR: &str = "administrator";

pub(super) fn square(number: u32) -> Value {
    let west = 111.6 + f64::from(number) * 0.002;
    let corners =
        [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]].map(|[x, y]| [west + x * 0.001, 26.4 + y * 0.001]);
    json!({"type": "Polygon", "coordinates": [corners]})
}

pub(super) async fn made(app: &Router, path: &str, body: Value) -> String {
    let key = Uuid::now_v7().to_string();
    let answer = ask(
        app,
        "POST",
        &format!("/api/v1/{path}"),
        &[("Idempotency-Key", &key)],
        Some(body),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.body);
    answer.body["id"].as_str().unwrap_or_default().to_owned()
}

impl World {
    async fn new(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        for (code, level) in [
            ("43", "province"),
            ("4311", "city"),
            ("431102", "county"),
            ("431103", "county"),
        ] {
            let body = json!({"code": code, "name": format!("区划{code}"), "level": level, "valid_from": "2010-01-01"});
            made(&app, "regions", body).await;
        }
        let mut units = Vec::new();
        for (name, region) in [("县财政局", "431103"), ("县审计局", "431103"), ("邻县财政局", "431102")] {
            let body = json!({"code": name, "name": name, "level": "county", "kind": "government_organ", "region_code": region, "valid_from": "2010-01-01"});
            units.push(made(&app, "units", body).await);
        }
        let mut buildings = Vec::new();
        for (number, (area, unit)) in [(1_000, 0), (500, 0), (250, 1)].into_iter().enumerate() {
            let body = json!({"name": format!("县办公楼{}", number + 1), "code": format!("X{number}"), "region_code": "431103", "admin_level": "county",
                "valid_from": "2015-01-01", "usage": "administrative_office", "occupancy": "in_use", "unit_id": units[unit],
                "title_status": "unified", "registered_area_m2": area, "geometry": square(u32::try_from(number).unwrap())});
            buildings.push(made(&app, "buildings", body).await);
        }
        let mut tokens = BTreeMap::new();
        for (who, role, region) in [
            (INSPECTOR, Role::AssetManager, "4311"),
            (SECOND, Role::AssetManager, "4311"),
            (APPROVER, Role::Approver, "4311"),
            (COUNTY, Role::AssetManager, "431103"),
            (BESIDE, Role::AssetManager, "431102"),
            (CONTACT, Role::UnitContact, "all"),
            (OTHER_CONTACT, Role::UnitContact, "all"),
            (ADMINISTRATOR, Role::Administrator, "all"),
        ] {
            tokens.insert(who, person_with(pool, who, &[role], region).await);
        }
        // A level narrows what somebody edits of their own, and not what they inspect.
        sqlx::query("update person_grant set level = 'city' where region_code = '4311'")
            .execute(pool)
            .await
            .unwrap();
        for (who, unit) in [(CONTACT, 0), (OTHER_CONTACT, 1)] {
            sqlx::query(
                "update person_grant g set unit_id = $2 from person p where p.id = g.person_id and p.username = $1",
            )
            .bind(who)
            .bind(Uuid::parse_str(&units[unit]).unwrap())
            .execute(pool)
            .await
            .unwrap();
        }
        Self {
            app,
            state,
            pool: pool.clone(),
            tokens,
            units: units.try_into().unwrap(),
            buildings: buildings.try_into().unwrap(),
        }
    }

    async fn ask(&self, who: &str, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        // Time passes between two requests.
        self.state.clock.advance(Duration::seconds(7));
        let path = format!("/api/v1/{path}");
        ask_as(&self.app, Some(&self.tokens[who]), method, &path, headers, body).await
    }

    async fn read(&self, who: &str, path: &str) -> Value {
        let answer = self.ask(who, "GET", path, &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        let key = Uuid::now_v7().to_string();
        self.ask(who, "POST", path, &[("Idempotency-Key", &key)], Some(body))
            .await
    }

    async fn made(&self, who: &str, path: &str, body: Value) -> String {
        let answer = self.post(who, path, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{path}: {}", answer.body);
        answer.body["id"].as_str().unwrap_or_default().to_owned()
    }

    /// Sends something to what the caller has just read.
    async fn send(&self, who: &str, at: &str, to: &str, body: Value) -> Answer {
        let tag = self.ask(who, "GET", at, &[], None).await.etag.unwrap_or_default();
        self.ask(who, "POST", &format!("{at}/{to}"), &[("If-Match", &tag)], Some(body))
            .await
    }

    async fn sent(&self, who: &str, at: &str, to: &str, body: Value) -> Value {
        let answer = self.send(who, at, to, body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{who} {to} {body}: {}", answer.body);
        answer.body
    }

    /// It is refused by its code, says in both languages why and what to do, and changes nothing.
    async fn is_refused(&self, who: &str, at: &str, (to, body): (&str, Value), code: &str) -> Value {
        let before = entries(&self.pool).await;
        let answer = self.send(who, at, to, body.clone()).await;
        self.refusal(&answer, &body, code, before).await;
        answer.body
    }

    async fn refusal(&self, answer: &Answer, body: &Value, code: &str, before: i64) {
        assert!(
            answer.status.is_client_error(),
            "{body}: {} {}",
            answer.status,
            answer.body
        );
        assert_eq!(answer.body["code"], code, "{body}: {}", answer.body);
        assert_eq!(entries(&self.pool).await, before, "{body}: nothing changed");
        assert!(
            !answer.body["remedy"].as_str().unwrap_or_default().is_empty(),
            "{}",
            answer.body
        );
    }

    async fn paper(&self, who: &str, at: &str, kind: &str) {
        let body = json!({"record": "document", "kind": kind, "name": format!("{kind} 1号")});
        self.sent(who, at, "records", body).await;
    }

    async fn go(&self, who: &str, at: &str, transition: &str) -> Value {
        let body = json!({"transition": transition, "decision_no": "永管巡〔2026〕1号"});
        self.sent(who, at, "transitions", body).await
    }

    async fn go_withdrawn(&self, at: &str) {
        let body = json!({"transition": "withdraw", "reason": "另行安排"});
        self.sent(INSPECTOR, at, "transitions", body).await;
    }

    async fn begun(&self, more: Value) -> String {
        let mut body = json!({"title": "2026年度巡检考核", "region_code": "431103", "admin_level": "county", "target": "lower_bureau",
            "period_from": "2026-01-01", "period_to": "2026-12-31", "as_of": "2026-11-20"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let id = self.made(INSPECTOR, "inspections", body).await;
        format!("inspections/{id}")
    }

    /// From the plan to the visits, all three buildings in the sample.
    async fn visited(&self) -> String {
        let at = self.begun(json!({})).await;
        self.paper(INSPECTOR, &at, "inspection_plan").await;
        self.go(INSPECTOR, &at, "plan").await;
        self.sent(INSPECTOR, &at, "samples", json!({"share": "100"})).await;
        self.go(INSPECTOR, &at, "sample").await;
        self.sent(
            COUNTY,
            &at,
            "records",
            json!({"record": "self_check", "statement": "自查发现两处", "problems": 2}),
        )
        .await;
        self.paper(COUNTY, &at, "self_check_report").await;
        self.go(COUNTY, &at, "self_check").await;
        for building in &self.buildings {
            self.visit(&at, building).await;
        }
        self.paper(INSPECTOR, &at, "on_site_record").await;
        self.go(INSPECTOR, &at, "visit").await;
        at
    }

    async fn visit(&self, at: &str, building: &str) {
        let body = json!({"record": "visit", "asset_id": building, "on": "2026-11-21", "people": "王、李", "summary": "逐间查看"});
        self.sent(INSPECTOR, at, "records", body).await;
    }

    async fn found(&self, at: &str, rule: &str, object: &str, days: i32) -> String {
        let body = json!({"rule": rule, "object_id": object, "says": "现场未见使用协议", "days": days});
        let id = self.made(INSPECTOR, &format!("{at}/findings"), body).await;
        format!("inspection-findings/{id}")
    }

    async fn bring(&self, who: &str) -> String {
        let body = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"整改照片.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF-1.7\n%%EOF\n\r\n--cut--\r\n";
        let request = Request::builder()
            .method("POST")
            .uri("/api/v1/documents")
            .header(header::HOST, "127.0.0.1")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.tokens[who]))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
            .body(Body::from(body))
            .unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        document["id"].as_str().unwrap().to_owned()
    }
}
