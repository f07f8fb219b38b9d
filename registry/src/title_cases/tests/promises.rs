//! What holds on any road: one case a unit, four eyes, and a walk by chance.

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use proptest::strategy::Strategy;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{CLERK, FIRST, Office, TRANSFER, code, told};
use crate::request::Body;
use crate::title_cases::{open, transition};
use crate::versioned::tests::{entries, prove};

#[sqlx::test(migrations = "../migrations")]
async fn a_pending_case_holds_its_unit_and_says_by_whom(pool: PgPool) {
    let office = Office::open(&pool).await;
    let (one, other) = (office.parcel(0.0).await, office.parcel(5.0).await);
    let id = office.begun(one, Some(&code(1))).await;
    for body in [
        json!({"asset_id": one}),
        json!({"asset_id": other, "unit_code": code(1)}),
    ] {
        let second = office.begin("赵", body).await;
        assert_eq!(second.status, StatusCode::CONFLICT, "{}", second.body);
        assert!(
            second.body["detail"].as_str().unwrap().contains(CLERK),
            "{}",
            second.body
        );
        assert!(second.body["remedy"].as_str().unwrap().contains(&id), "{}", second.body);
    }
    // Working another case's unit code in is the same thing; so is a stale version.
    let second = office.begun(other, None).await;
    let taken = office.work("赵", &second, json!({"unit_code": code(1)})).await;
    assert_eq!(
        (taken.status, &taken.body["code"]),
        (StatusCode::CONFLICT, &json!("title_case_version_one_per_unit"))
    );
    let stale = office.matching(&id).await;
    office.work(CLERK, &id, json!({"consents": ["甲"]})).await;
    let papers = Body(serde_json::from_value(json!({"consents": ["乙"]})).unwrap());
    let outcome = told(open::work_on_title_case(office.context(CLERK), Path(id.clone()), stale, papers).await).await;
    assert_eq!(outcome.status, StatusCode::PRECONDITION_FAILED);
    let step = Body(serde_json::from_value(json!({"transition": "drop", "reason": "误立"})).unwrap());
    let outcome =
        told(transition::step_title_case(office.context(CLERK), Path(id.clone()), HeaderMap::new(), step).await).await;
    assert_eq!(outcome.status, StatusCode::PRECONDITION_REQUIRED);
    office
        .is_refused(CLERK, &id, json!({"transition": "drop"}), "guard_reason_given")
        .await;
    office
        .go(CLERK, &id, json!({"transition": "drop", "reason": "误立"}))
        .await;
    assert_eq!(
        office
            .begin("赵", json!({"asset_id": one, "unit_code": code(1)}))
            .await
            .status,
        StatusCode::CREATED
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_database_keeps_four_eyes_too(pool: PgPool) {
    let office = Office::open(&pool).await;
    let parcel = office.parcel(0.0).await;
    let attempt = async |state: &str, submitted_by: Option<&str>, reviewed_by: Option<&str>| {
        let mut transaction = office.state.database.begin().await.unwrap();
        let id = Uuid::now_v7();
        sqlx::query("insert into title_case (id, created_at) values ($1, $2)")
            .bind(id)
            .bind(office.state.clock.now())
            .execute(&mut *transaction)
            .await
            .unwrap();
        let outcome = sqlx::query(
            "insert into title_case_version (version_id, object_id, valid, recorded, asset_id, state, opened_by,
                                             submitted_by, reviewed_by, disposal_frozen, details)
             values ($1, $1, '[2024-01-01,)', tstzrange($2, null), $3, $4, '李', $5, $6, false, '{}')",
        )
        .bind(id)
        .bind(office.state.clock.now())
        .bind(parcel)
        .bind(state)
        .bind(submitted_by)
        .bind(reviewed_by)
        .execute(&mut *transaction)
        .await;
        transaction.rollback().await.unwrap();
        outcome.err().and_then(|error| {
            error
                .as_database_error()
                .and_then(|error| error.constraint().map(ToOwned::to_owned))
        })
    };
    for (state, submitted_by, reviewed_by, constraint) in [
        (
            "submitted",
            Some("李"),
            Some("李"),
            Some("title_case_version_four_eyes"),
        ),
        ("recorded", Some("李"), None, Some("title_case_version_two_people")),
        ("filed", None, None, Some("title_case_version_two_people")),
        ("teleported", None, None, Some("title_case_version_state_known")),
        ("submitted", Some("李"), Some("王"), None),
        ("collecting", None, None, None),
    ] {
        assert_eq!(
            attempt(state, submitted_by, reviewed_by).await.as_deref(),
            constraint,
            "{state}"
        );
    }
}

/// Any walk through the workflow, with any people: what is refused changes nothing, and what is stored keeps its promises.
#[sqlx::test(migrations = "../migrations")]
async fn any_walk_keeps_the_promises(pool: PgPool) {
    let office = Office::open(&pool).await;
    let names: Vec<String> = crate::title_cases::definition()
        .unwrap()
        .transitions
        .iter()
        .map(|transition| transition.id.clone())
        .collect();
    let mut runner = TestRunner::deterministic();
    let (mut taken, mut refused, mut reached) = (0, 0, std::collections::BTreeSet::new());
    for walk in 0..20 {
        let parcel = office.parcel(f64::from(walk) * 2.0).await;
        let id = office
            .begun(parcel, Some(&code(100 + u32::try_from(walk).unwrap())))
            .await;
        let policies = ["first_register", "re_register", "file", "return", "keep_in_unit"];
        for _ in 0..40 {
            let choice = |runner: &mut TestRunner, most: usize| {
                proptest::strategy::ValueTree::current(&(0..most).new_tree(runner).unwrap())
            };
            let case = office.case(&id).await;
            let state = case["state"].as_str().unwrap().to_owned();
            if state == "archived" {
                break;
            }
            // Mostly a step that the case offers, now and then any at all.
            let offered: Vec<&str> = case["steps"]
                .as_array()
                .unwrap()
                .iter()
                .map(|step| step["transition"].as_str().unwrap())
                .collect();
            let name = if choice(&mut runner, 4) == 0 || offered.is_empty() {
                names[choice(&mut runner, names.len())].clone()
            } else {
                offered[choice(&mut runner, offered.len())].to_owned()
            };
            // Dropping it ends most walks before they begin.
            if name == "drop" && choice(&mut runner, 8) != 0 {
                continue;
            }
            if choice(&mut runner, 3) == 0 {
                let all: Vec<&str> = FIRST
                    .iter()
                    .chain(&TRANSFER)
                    .chain(&[
                        "filing_application",
                        "history_statement",
                        "survey_report",
                        "unit_promise",
                        "collective_decision",
                    ])
                    .copied()
                    .collect();
                let documents: Vec<Value> = all.iter().map(|kind| json!({"kind": kind, "name": "x"})).collect();
                office.work("赵", &id, json!({
                    "documents": documents, "area": {"surveyed_m2": 11_000.0}, "filing_reasons": ["unclear"], "filing_evidence": "x",
                    "return_checks": crate::title_cases::content::RETURN_CHECKS.iter().map(|check| json!({"check": check.name, "finding": "x", "paper": "x"})).collect::<Vec<_>>(),
                    "draft": {"evidence": "both", "right_type": "3", "parcel_ids": [parcel], "holders": [{"name": "局", "kind": "bureau"}]},
                })).await;
            }
            let who = ["赵", "钱", "孙"][choice(&mut runner, 3)];
            let number = format!("湘(2026)冷水滩区不动产权第{:07}号", 100 + walk);
            let step = json!({
                "transition": name, "reason": "走", "on": "2026-11-10", "approval": "文", "refusal_ground": "other", "cert_no": number,
                "policy_action": name.ends_with("classify").then(|| policies[choice(&mut runner, policies.len())]),
            });
            let before = entries(&pool).await;
            let version = office.case(&id).await["version_id"].clone();
            let answer = office.step(who, &id, step.clone()).await;
            assert!(!answer.status.is_server_error(), "{step}: {}", answer.body);
            if answer.status == StatusCode::OK {
                taken += 1;
                let to = &crate::title_cases::definition().unwrap().transition(&name).unwrap().to;
                assert_eq!(answer.body["state"], json!(to), "{step}");
                reached.insert(to.clone());
            } else {
                refused += 1;
                assert!(answer.body["code"].is_string(), "{step}: {}", answer.body);
                assert_eq!(office.case(&id).await["version_id"], version, "{step}");
                assert_eq!(entries(&pool).await, before, "{step}");
            }
            let case = office.case(&id).await;
            assert!(
                case["submitted_by"].is_null() || case["submitted_by"] != case["reviewed_by"],
                "{case}"
            );
            assert!(
                case["state"] != "filed" || (case["disposal_frozen"] == true && !case["review_on"].is_null()),
                "{case}"
            );
            assert!(
                !matches!(case["state"].as_str(), Some("recorded" | "certified")) || !case["title_id"].is_null(),
                "{case}"
            );
        }
    }
    assert!(
        taken > 60 && refused > 15 && reached.len() > 10,
        "{taken} taken, {refused} refused, {reached:?}"
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}
