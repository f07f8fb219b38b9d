//! Whose a case is: each bureau's own part, who may read its papers, and nobody judges their own.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use uuid::Uuid;

use super::{APPROVER, FINANCE, MANAGER, Office, PLANNER, SECOND};
use crate::documents::tests::{PDF, bring, get};
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::ask_as;
use crate::versioned::tests::prove;

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
