//! Cases as stories, over a real PostGIS, under the application's role; each with different people.

mod filing;
mod promises;
mod roads;
mod versions;

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::http::AppState;
use crate::ids::{PersonId, TokenId};
use crate::request::{Acting, Actor, Body, Caller, Context, Means, Permission, Reach, Scope};
use crate::spatial_units::tests::{app, ask};
use crate::title_cases::{open, transition};

struct Answer {
    status: StatusCode,
    body: Value,
}

async fn told(outcome: Result<axum::response::Response, crate::request::Problem>) -> Answer {
    let response = outcome.unwrap_or_else(IntoResponse::into_response);
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Answer {
        status,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

/// The office: whoever says something says who they are.
struct Office {
    app: axum::Router,
    state: AppState,
}

const CLERK: &str = "李登记";

const REVIEWER: &str = "王复核";

impl Office {
    async fn open(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        Self { app, state }
    }

    fn context(&self, who: &str) -> Context {
        // Time passes between two steps.
        self.state.clock.advance(time::Duration::minutes(1));
        Context {
            database: self.state.database.unscoped(),
            acting: Acting::reading(),
            asked: "/".to_owned(),
            clock: self.state.clock.clone(),
            actor: Actor(who.to_owned()),
            caller: Arc::new(Caller {
                person_id: PersonId::fresh(),
                actor: Actor(who.to_owned()),
                display_name: who.to_owned(),
                means: Means::Token { id: TokenId::fresh() },
                must_change_password: false,
                scope: Arc::new(Scope::new(
                    Permission::ALL
                        .iter()
                        .map(|permission| {
                            let everywhere = Reach {
                                region: None,
                                level: None,
                                unit: None,
                            };
                            (*permission, everywhere)
                        })
                        .collect(),
                )),
            }),
        }
    }

    async fn parcel(&self, west: f64) -> Uuid {
        let ring = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
            .map(|[x, y]| [111.6 + (west + x) * 0.001, 26.4 + y * 0.001]);
        let body = json!({"valid_from": "2020-01-01", "usage": "commercial", "geometry": {"type": "Polygon", "coordinates": [ring]}});
        let key = Uuid::now_v7().to_string();
        let answer = ask(
            &self.app,
            "POST",
            "/api/v1/parcels",
            &[("Idempotency-Key", &key)],
            Some(body),
        )
        .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().unwrap().parse().unwrap()
    }

    async fn begin(&self, who: &str, body: Value) -> Answer {
        let mut headers = HeaderMap::new();
        headers.insert("idempotency-key", Uuid::now_v7().to_string().parse().unwrap());
        told(open::open_title_case(self.context(who), headers, Body(serde_json::from_value(body).unwrap())).await).await
    }

    async fn begun(&self, parcel: Uuid, code: Option<&str>) -> String {
        let answer = self.begin(CLERK, json!({"asset_id": parcel, "unit_code": code})).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    async fn case(&self, id: &str) -> Value {
        let answer = ask(&self.app, "GET", &format!("/api/v1/title-cases/{id}"), &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    async fn matching(&self, id: &str) -> HeaderMap {
        let version = self.case(id).await["version_id"].as_str().unwrap().to_owned();
        let mut headers = HeaderMap::new();
        headers.insert("if-match", format!("\"{version}\"").parse().unwrap());
        headers
    }

    async fn work(&self, who: &str, id: &str, body: Value) -> Answer {
        let headers = self.matching(id).await;
        let papers = Body(serde_json::from_value(body).unwrap());
        told(open::work_on_title_case(self.context(who), Path(id.to_owned()), headers, papers).await).await
    }

    async fn step(&self, who: &str, id: &str, body: Value) -> Answer {
        let headers = self.matching(id).await;
        let step = Body(serde_json::from_value(body).unwrap());
        told(transition::step_title_case(self.context(who), Path(id.to_owned()), headers, step).await).await
    }

    async fn go(&self, who: &str, id: &str, body: Value) -> Value {
        let answer = self.step(who, id, body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.body);
        answer.body
    }

    async fn is_refused(&self, who: &str, id: &str, body: Value, code: &str) -> Value {
        let before = self.case(id).await;
        let answer = self.step(who, id, body.clone()).await;
        assert!(answer.status.is_client_error(), "{body}: {}", answer.status);
        assert_eq!(answer.body["code"], code, "{body}: {}", answer.body);
        assert_eq!(
            self.case(id).await["version_id"],
            before["version_id"],
            "nothing changed"
        );
        answer.body
    }

    /// Everything that an application needs.
    async fn bring_papers(&self, id: &str, parcel: Uuid, kinds: &[&str]) {
        let documents: Vec<Value> = kinds
            .iter()
            .map(|kind| json!({"kind": kind, "name": format!("{kind} 1号"), "date": "2026-01-05"}))
            .collect();
        let answer = self
            .work(
                CLERK,
                id,
                json!({
                    "documents": documents, "area": {"surveyed_m2": 11_000.0, "certificate_m2": 11_050.0},
                    "draft": {"evidence": "both", "right_type": "3", "right_nature_land": "101", "parcel_ids": [parcel],
                              "holders": [{"name": "永州市机关事务管理局", "kind": "bureau"}], "co_ownership": "0",
                              "location": "湘江西路1号", "registry": "永州市不动产登记中心"},
                }),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    }

    /// From the application to the archive.
    async fn register(&self, id: &str) -> Value {
        self.go(CLERK, id, json!({"transition": "prepare"})).await;
        self.go(REVIEWER, id, json!({"transition": "submit"})).await;
        self.go(CLERK, id, json!({"transition": "accept", "on": "2026-11-02"}))
            .await;
        self.go(CLERK, id, json!({"transition": "review"})).await;
        let recorded = self
            .go(REVIEWER, id, json!({"transition": "record", "on": "2026-11-10"}))
            .await;
        assert!(recorded["title_id"].is_string());
        let number = format!("湘(2026)冷水滩区不动产权第{:07}号", u32::from(id.as_bytes()[35]));
        self.go(
            CLERK,
            id,
            json!({"transition": "certify", "on": "2026-11-12", "cert_no": number}),
        )
        .await;
        self.go(CLERK, id, json!({"transition": "archive"})).await;
        recorded
    }
}

const FIRST: [&str; 5] = [
    "application",
    "identity",
    "title_source",
    "cadastral_survey",
    "government_approval",
];

const TRANSFER: [&str; 5] = [
    "application",
    "identity",
    "certificate",
    "transfer_act",
    "government_approval",
];

fn code(number: u32) -> String {
    format!("431103001002GB{number:05}W00000000")
}
