//! Procedures and calendars that change while cases are open.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{CLERK, FIRST, Office, REVIEWER, code};
use crate::spatial_units::tests::ask;
use crate::versioned::tests::prove;

#[sqlx::test(migrations = "../migrations")]
async fn a_case_finishes_under_the_procedure_it_began_with(pool: PgPool) {
    let office = Office::open(&pool).await;
    let parcel = office.parcel(0.0).await;
    let id = office.begun(parcel, None).await;
    let carried = crate::title_cases::definition().unwrap();
    let kept: (String, String) = sqlx::query_as("select digest, text from workflow_definition")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(kept, (carried.digest(), carried.text().to_owned()));
    // Another year's procedure, under which another case began: there a case may be dropped later, too.
    let other = carried.text().replace(
        "from = [\"surveyed\", \"classified\"]\nto = \"archived\"",
        "from = [\"surveyed\", \"classified\", \"collecting\"]\nto = \"archived\"",
    );
    assert_ne!(other, carried.text());
    let other = crate::title_cases::Definition::read("title_case", &other, crate::title_cases::VOCABULARY).unwrap();
    let mut connection = pool.acquire().await.unwrap();
    crate::procedures::keep(&mut connection, &other, office.state.clock.now())
        .await
        .unwrap();
    let older = office.begun(office.parcel(4.0).await, None).await;
    sqlx::query("update title_case_version set definition = $1 where object_id = $2")
        .bind(other.digest())
        .bind(older.parse::<Uuid>().unwrap())
        .execute(&pool)
        .await
        .unwrap();
    for case in [&id, &older] {
        office
            .go(
                CLERK,
                case,
                json!({"transition": "classify", "policy_action": "first_register"}),
            )
            .await;
        office.go(CLERK, case, json!({"transition": "collect"})).await;
    }
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "drop", "reason": "合并办理"}),
            "transition_forbidden",
        )
        .await;
    office
        .go(CLERK, &older, json!({"transition": "drop", "reason": "合并办理"}))
        .await;
    // What isn't its text can't be kept under a digest.
    let forged =
        sqlx::query("insert into workflow_definition (digest, workflow, text, kept_at) values ($1, 'x', 'x', now())")
            .bind("0".repeat(64))
            .execute(&pool)
            .await
            .unwrap_err();
    assert!(
        forged.to_string().contains("workflow_definition_is_its_text"),
        "{forged}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_later_calendar_moves_open_clocks_and_no_closed_case(pool: PgPool) {
    let office = Office::open(&pool).await;
    let (closed, open) = (office.parcel(1.0).await, office.parcel(3.0).await);
    let closed_id = office.begun(closed, Some(&code(1))).await;
    let classify = json!({"transition": "classify", "policy_action": "first_register"});
    office.go(CLERK, &closed_id, classify).await;
    office.go(CLERK, &closed_id, json!({"transition": "collect"})).await;
    office.bring_papers(&closed_id, closed, &FIRST).await;
    office.register(&closed_id).await;
    let id = office.begun(open, Some(&code(2))).await;
    let classify = json!({"transition": "classify", "policy_action": "first_register"});
    office.go(CLERK, &id, classify).await;
    office.go(CLERK, &id, json!({"transition": "collect"})).await;
    office.bring_papers(&id, open, &FIRST).await;
    office.go(CLERK, &id, json!({"transition": "prepare"})).await;
    office.go(REVIEWER, &id, json!({"transition": "submit"})).await;
    let accepted = office
        .go(CLERK, &id, json!({"transition": "accept", "on": "2026-11-20"}))
        .await;
    assert_eq!(accepted["due_on"], Value::Null);
    let archived = office.case(&closed_id).await;
    office.state.clock.advance(time::Duration::minutes(1));
    let key = Uuid::now_v7().to_string();
    let answer = ask(
        &office.app,
        "POST",
        "/api/v1/calendar-notices",
        &[("Idempotency-Key", &key)],
        Some(crate::calendar_notices::tests::made_up_2027()),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    assert_eq!(answer.body["deadlines"], 1);
    // 29 working days until the end of the year, the New Year's holiday, and the Monday after it.
    let moved = office.case(&id).await;
    assert_eq!(moved["due_on"], "2027-01-04");
    assert_eq!(moved["details"]["clock"]["deadline"]["known"], "on");
    assert_eq!(office.case(&closed_id).await, archived);
    prove(&pool).await.unwrap();
}
