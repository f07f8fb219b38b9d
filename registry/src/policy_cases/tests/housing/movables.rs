//! What is movable goes to the shared store by a list.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::json;
use sqlx::PgPool;
use tower::ServiceExt;

use crate::people::Role;
use crate::people::tests::person_with;
use crate::policy_cases::tests::{APPROVER, MANAGER, Office, PLANNER};
use crate::versioned::tests::prove;

#[sqlx::test(migrations = "../migrations")]
async fn what_goes_to_the_shared_store_is_on_a_list_that_can_be_printed(pool: PgPool) {
    let office = Office::open(&pool).await;
    let house = office.building(1).await;
    let id = office.compared(&house, &["pool", "keep_use"]).await;
    office.papers(PLANNER, &id, &["proposal"]).await;
    office
        .go(PLANNER, &id, json!({"transition": "propose", "route": "pool"}))
        .await;
    office.papers(MANAGER, &id, &["meeting_minutes"]).await;
    let decide = json!({"transition": "decide", "decision_no": "纪要〔2026〕1号"});
    office.go(MANAGER, &id, decide).await;
    let approve = json!({"transition": "approve", "office": "bureau", "decision_no": "永机管〔2026〕2号"});
    office.go(APPROVER, &id, approve).await;
    office.papers(MANAGER, &id, &["handover_record"]).await;
    let step = json!({"transition": "hand_to_store"});
    office
        .step_is_refused(MANAGER, &id, step.clone(), "guard_movables_listed", "")
        .await;
    let token = person_with(&pool, "exporter", &[Role::AssetManager], "all").await;
    let file = async || {
        let request = Request::builder()
            .uri(format!("/api/v1/policy-cases/{id}/movables.xlsx"))
            .header(header::HOST, "127.0.0.1")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap();
        let response = office.app.clone().oneshot(request).await.unwrap();
        let rows = response
            .headers()
            .get("yice-rows")
            .map(|rows| rows.to_str().unwrap().to_owned());
        let status = response.status();
        (
            status,
            rows,
            axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap(),
        )
    };
    assert_eq!(file().await.0, StatusCode::NOT_FOUND, "there is no list yet");
    let list = |items: u32| {
        json!({"record": "movables", "on": "2026-11-21", "items": items, "list": "公物仓1号", "received_by": "赵收", "handed_by": "钱交",
            "pieces": [{"name": "办公桌", "number": "ZC-001", "count": 12, "state": "good"}, {"name": "空调", "count": 2, "state": "to_mend"}]})
    };
    office
        .is_refused(MANAGER, &id, ("records", list(13)), ("pieces_sum", ""))
        .await;
    office.record(MANAGER, &id, list(14)).await;
    office.go(MANAGER, &id, step).await;
    let (status, rows, bytes) = file().await;
    assert_eq!((status, rows.as_deref()), (StatusCode::OK, Some("2")));
    assert!(bytes.starts_with(b"PK\x03\x04"));
    prove(&pool).await.unwrap();
}
