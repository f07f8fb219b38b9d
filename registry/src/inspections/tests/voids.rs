//! What was wrong is declared void, stays to be read, and counts no longer.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{APPROVER, CONTACT, COUNTY, INSPECTOR, SECOND, World};
use crate::versioned::tests::prove;

#[sqlx::test(migrations = "../migrations")]
async fn a_record_that_was_wrong_is_declared_void_and_counts_no_longer(pool: PgPool) {
    let world = World::new(&pool).await;
    let at = world.begun(json!({})).await;
    let void = |no: u64| ("records", json!({"record": "void", "no": no, "reason": "填错"}));
    let last = async || {
        let held = world.read(INSPECTOR, &at).await;
        held["details"]["records"].as_array().unwrap().len() as u64
    };
    let step = |id: &str| ("transitions", json!({"transition": id, "decision_no": "1号"}));
    world.paper(INSPECTOR, &at, "inspection_plan").await;
    let plan = last().await;
    world.go(INSPECTOR, &at, "plan").await;
    world.sent(INSPECTOR, &at, "samples", json!({"share": "100"})).await;
    world.go(INSPECTOR, &at, "sample").await;
    // What a step rests on stands, until another paper of that kind is there.
    world.is_refused(INSPECTOR, &at, void(plan), "record_stands").await;
    world.paper(INSPECTOR, &at, "inspection_plan").await;
    let held = world.sent(INSPECTOR, &at, void(plan).0, void(plan).1).await;
    assert_eq!(
        held["details"]["records"][0]["fact"]["kind"], "inspection_plan",
        "it stays to be read"
    );
    world.is_refused(INSPECTOR, &at, void(plan), "record_stands").await;
    let declared = last().await;
    world.is_refused(INSPECTOR, &at, void(declared), "record_stands").await;
    world.is_refused(INSPECTOR, &at, void(999), "record_stands").await;
    world.paper(INSPECTOR, &at, "other").await;
    let theirs = last().await;
    world.is_refused(COUNTY, &at, void(theirs), "not_granted").await;
    world.paper(COUNTY, &at, "other").await;
    let own = last().await;
    world.sent(COUNTY, &at, void(own).0, void(own).1).await;
    let unsaid = ("records", json!({"record": "void", "no": plan, "reason": " "}));
    let empty = world.send(INSPECTOR, &at, unsaid.0, unsaid.1).await;
    assert_eq!(
        (empty.status, &empty.body["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("reason"))
    );

    // A self-check is its unit's to take back, and is answered anew.
    let check = json!({"record": "self_check", "statement": "自查发现二十处", "problems": 20});
    world.sent(COUNTY, &at, "records", check).await;
    let wrong = last().await;
    world.is_refused(APPROVER, &at, void(wrong), "not_granted").await;
    world.sent(COUNTY, &at, void(wrong).0, void(wrong).1).await;
    world.paper(COUNTY, &at, "self_check_report").await;
    world
        .is_refused(COUNTY, &at, step("self_check"), "guard_self_check_answered")
        .await;
    let check = json!({"record": "self_check", "statement": "自查发现两处", "problems": 2});
    world.sent(COUNTY, &at, "records", check).await;
    let answered = last().await;
    world.go(COUNTY, &at, "self_check").await;
    world.is_refused(COUNTY, &at, void(answered), "record_stands").await;

    // A visit that is void leaves its building unvisited.
    for building in &world.buildings {
        world.visit(&at, building).await;
    }
    let visit = last().await;
    world.is_refused(COUNTY, &at, void(visit), "not_granted").await;
    let held = world.sent(INSPECTOR, &at, void(visit).0, void(visit).1).await;
    let visited: Vec<&Value> = held["sampled"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["visited"])
        .collect();
    assert_eq!(
        visited.iter().filter(|visited| **visited == &json!(true)).count(),
        2,
        "{held}"
    );
    world.paper(INSPECTOR, &at, "on_site_record").await;
    world
        .is_refused(INSPECTOR, &at, step("visit"), "guard_sample_visited")
        .await;
    // Visited twice: one of the two may go even after the visits have ended, the other stands.
    world.visit(&at, &world.buildings[2]).await;
    let once = last().await;
    world.visit(&at, &world.buildings[2]).await;
    let twice = last().await;
    world.go(INSPECTOR, &at, "visit").await;
    world.sent(INSPECTOR, &at, void(once).0, void(once).1).await;
    world.is_refused(INSPECTOR, &at, void(twice), "record_stands").await;

    // Until the result is published, and not after.
    world.go(INSPECTOR, &at, "pass").await;
    world.go(INSPECTOR, &at, "score").await;
    world.paper(INSPECTOR, &at, "other").await;
    let other = last().await;
    world.paper(INSPECTOR, &at, "inspection_report").await;
    let held = world.read(INSPECTOR, &at).await;
    assert!(held["records_taken"].as_array().unwrap().contains(&json!("void")));
    world.go(APPROVER, &at, "publish").await;
    world.is_refused(INSPECTOR, &at, void(other), "result_published").await;
    let held = world.read(INSPECTOR, &at).await;
    assert!(!held["records_taken"].as_array().unwrap().contains(&json!("void")));
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_finding_that_was_none_is_declared_void_and_the_rest_is_counted_anew(pool: PgPool) {
    let world = World::new(&pool).await;
    let at = world.visited().await;
    let void = || ("steps", json!({"step": "void", "text": "看错了楼"}));
    let totals = async || {
        let held = world.read(INSPECTOR, &at).await;
        let line = world.read(INSPECTOR, "inspections").await;
        assert_eq!(line["items"][0]["findings"], held["findings"]["all"], "{line}");
        (held["findings"]["all"].clone(), held["findings"]["unsettled"].clone())
    };
    // Before the notice whoever noted it takes it back; without a reason nobody does.
    let first = world.found(&at, "USE-01", &world.buildings[0], 10).await;
    assert_eq!(totals().await, (json!(1), json!(1)));
    world
        .is_refused(INSPECTOR, &first, ("steps", json!({"step": "void"})), "text_missing")
        .await;
    world.is_refused(CONTACT, &first, void(), "not_granted").await;
    let line = world.sent(INSPECTOR, &first, void().0, void().1).await;
    assert_eq!(
        (&line["state"], &line["says"]),
        (&json!("void"), &json!("现场未见使用协议"))
    );
    world.is_refused(INSPECTOR, &first, void(), "finding_state").await;
    assert_eq!(totals().await, (json!(0), json!(0)));
    world.paper(INSPECTOR, &at, "rectification_notice").await;
    let issue = ("transitions", json!({"transition": "issue", "decision_no": "1号"}));
    world.is_refused(INSPECTOR, &at, issue, "guard_something_found").await;
    // What the checks found is taken over again.
    let found = Uuid::now_v7();
    sqlx::query(
        "insert into finding (id, rule, object_kind, object_id, at_id, evidence, state, first_seen)
         values ($1, 'USE-01', 'building', $2, $2, '{\"rooms\": 3, \"units\": \"县财政局\"}', 'new', '2026-11-01')",
    )
    .bind(found)
    .bind(Uuid::parse_str(&world.buildings[0]).unwrap())
    .execute(&pool)
    .await
    .unwrap();
    let note = json!({"finding_id": found, "days": 5});
    let mistaken = world.made(INSPECTOR, &format!("{at}/findings"), note.clone()).await;
    let mistaken = format!("inspection-findings/{mistaken}");
    world.sent(INSPECTOR, &mistaken, void().0, void().1).await;
    let taken = world.made(INSPECTOR, &format!("{at}/findings"), note).await;
    let taken = format!("inspection-findings/{taken}");
    let second = world.found(&at, "TTL-03", &world.buildings[1], 20).await;
    world.go(INSPECTOR, &at, "issue").await;
    assert_eq!(
        world.read(INSPECTOR, &first).await["issued_on"],
        Value::Null,
        "no notice for what is void"
    );

    // Once the notice is out a second person does it, and not whoever put it right.
    let own = world.is_refused(INSPECTOR, &second, void(), "four_eyes").await;
    assert_eq!(own["rule"]["id"], "GOV-01");
    world
        .sent(SECOND, &second, "steps", json!({"step": "rectify", "text": "代为补登"}))
        .await;
    world.is_refused(SECOND, &second, void(), "four_eyes").await;
    world
        .sent(CONTACT, &taken, "steps", json!({"step": "rectify", "text": "已补签"}))
        .await;
    world.sent(SECOND, &taken, "steps", json!({"step": "confirm"})).await;
    world
        .sent(
            INSPECTOR,
            &second,
            "steps",
            json!({"step": "send_back", "text": "未补"}),
        )
        .await;
    world
        .sent(CONTACT, &second, "steps", json!({"step": "rectify", "text": "已补登"}))
        .await;
    world.sent(SECOND, &second, void().0, void().1).await;
    assert_eq!(totals().await, (json!(1), json!(0)));
    world.paper(INSPECTOR, &at, "recheck_record").await;
    world.go(INSPECTOR, &at, "recheck").await;
    let rectified = |held: &Value| {
        let lines = held["details"]["scoring"]["lines"].as_array().unwrap();
        let line = lines.iter().find(|line| line["indicator"] == "rectification").unwrap();
        (
            line["numerator"].clone(),
            line["denominator"].clone(),
            line["points"].is_null(),
        )
    };
    let scored = world.go(INSPECTOR, &at, "score").await;
    assert_eq!(rectified(&scored), (json!("1"), json!("1"), false), "{scored}");
    // The score that was kept counts it: it is sent back first, and worked out anew.
    world.is_refused(SECOND, &taken, void(), "score_kept").await;
    let back = json!({"transition": "send_back", "reason": "有误登问题"});
    world.sent(APPROVER, &at, "transitions", back).await;
    world.sent(SECOND, &taken, void().0, void().1).await;
    let again = world.go(INSPECTOR, &at, "score").await;
    assert!(
        rectified(&again).2,
        "nothing was found: the indicator abstains: {again}"
    );
    world.paper(INSPECTOR, &at, "inspection_report").await;
    world.go(APPROVER, &at, "publish").await;
    let listed = world
        .read(
            INSPECTOR,
            &format!(
                "inspection-findings?inspection={}&state=void",
                at.split_once('/').unwrap().1
            ),
        )
        .await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 4);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_is_declared_void_once_the_result_is_published(pool: PgPool) {
    let world = World::new(&pool).await;
    let at = world.visited().await;
    let finding = world.found(&at, "USE-01", &world.buildings[0], 10).await;
    world.paper(INSPECTOR, &at, "rectification_notice").await;
    world.go(INSPECTOR, &at, "issue").await;
    world
        .sent(CONTACT, &finding, "steps", json!({"step": "rectify", "text": "已补签"}))
        .await;
    world.sent(SECOND, &finding, "steps", json!({"step": "confirm"})).await;
    world.paper(INSPECTOR, &at, "recheck_record").await;
    world.go(INSPECTOR, &at, "recheck").await;
    world.go(INSPECTOR, &at, "score").await;
    world.paper(INSPECTOR, &at, "inspection_report").await;
    world.go(APPROVER, &at, "publish").await;
    let void = ("steps", json!({"step": "void", "text": "看错了楼"}));
    world.is_refused(SECOND, &finding, void, "result_published").await;
}
