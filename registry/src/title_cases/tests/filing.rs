//! A filing freezes disposal until it is cured.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use super::{CLERK, FIRST, Office, REVIEWER, code};
use crate::spatial_units::tests::ask;
use crate::versioned::tests::prove;

#[sqlx::test(migrations = "../migrations")]
async fn a_filing_freezes_disposal_until_it_is_cured(pool: PgPool) {
    let office = Office::open(&pool).await;
    let parcel = office.parcel(0.0).await;
    let id = office.begun(parcel, None).await;
    office
        .go(CLERK, &id, json!({"transition": "classify", "policy_action": "file"}))
        .await;
    office.go(CLERK, &id, json!({"transition": "collect"})).await;
    office
        .is_refused(CLERK, &id, json!({"transition": "prepare"}), "transition_forbidden")
        .await;
    office.go(CLERK, &id, json!({"transition": "draft_filing"})).await;
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "put_filing_forward"}),
            "guard_filing_reason_given",
        )
        .await;
    let papers = [
        "filing_application",
        "history_statement",
        "survey_report",
        "unit_promise",
        "collective_decision",
    ];
    office.bring_papers(&id, parcel, &papers).await;
    office
        .work(
            CLERK,
            &id,
            json!({"filing_reasons": ["papers_lost"], "filing_evidence": "档案馆查无"}),
        )
        .await;
    office.go(CLERK, &id, json!({"transition": "put_filing_forward"})).await;
    office
        .is_refused(CLERK, &id, json!({"transition": "file"}), "four_eyes")
        .await;
    office
        .is_refused(
            REVIEWER,
            &id,
            json!({"transition": "file", "review_on": "2020-01-01"}),
            "review_date",
        )
        .await;
    let filed = office.go(REVIEWER, &id, json!({"transition": "file"})).await;
    assert_eq!(
        (&filed["review_on"], &filed["disposal_frozen"]),
        (&json!("2027-11-21"), &json!(true))
    );
    let uri = format!("/api/v1/disposal-obstacles/{parcel}");
    let kinds = async || {
        let obstacles = ask(&office.app, "GET", &uri, &[], None).await;
        assert_eq!(obstacles.status, StatusCode::OK);
        obstacles
            .body
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, ["filed", "unregistered"]);

    // A year later the papers have turned up.
    office.state.clock.advance(time::Duration::days(366));
    let queue = ask(&office.app, "GET", "/api/v1/title-cases?overdue=true", &[], None).await;
    assert_eq!(
        queue.body["items"][0]["id"],
        json!(id),
        "it comes back for review: {}",
        queue.body
    );
    office
        .go(
            REVIEWER,
            &id,
            json!({"transition": "review_filing", "reason": "障碍仍在", "review_on": "2028-01-01"}),
        )
        .await;
    office
        .go(
            CLERK,
            &id,
            json!({"transition": "collect_again", "reason": "资料已找到"}),
        )
        .await;
    assert!(
        kinds().await.contains(&"filed".to_owned()),
        "frozen until the title is recorded"
    );
    // Another road is taken now: the case is about registration.
    office.bring_papers(&id, parcel, &FIRST).await;
    office.work(CLERK, &id, json!({"unit_code": code(7)})).await;
    office
        .is_refused(CLERK, &id, json!({"transition": "prepare"}), "transition_forbidden")
        .await;
    office
        .go(
            CLERK,
            &id,
            json!({"transition": "reclassify", "policy_action": "first_register", "reason": "资料已找到"}),
        )
        .await;
    office.go(CLERK, &id, json!({"transition": "collect"})).await;
    office.register(&id).await;
    assert_eq!(kinds().await, Vec::<String>::new());
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}
