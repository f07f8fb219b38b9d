//! Whose part it is: a unit's contact answers, nobody writes outside of theirs, and what waits for whom.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{BESIDE, CONTACT, COUNTY, INSPECTOR, OTHER_CONTACT, SECOND, World};
use crate::versioned::tests::{entries, prove};

#[sqlx::test(migrations = "../migrations")]
async fn a_unit_s_contact_answers_the_inspection_of_their_unit_and_takes_over_is_a_link(pool: PgPool) {
    let world = World::new(&pool).await;
    let at = world
        .begun(json!({"target": "own_level", "unit_id": world.units[0]}))
        .await;
    // Of one unit of another level or region nothing is planned.
    let elsewhere = json!({"title": "x", "region_code": "431103", "admin_level": "county", "target": "own_level", "unit_id": world.units[2],
        "period_from": "2026-01-01", "period_to": "2026-12-31"});
    let before = entries(&pool).await;
    let refused = world.post(INSPECTOR, "inspections", elsewhere.clone()).await;
    world.refusal(&refused, &elsewhere, "unit_elsewhere", before).await;
    world.read(CONTACT, &at).await;
    assert_eq!(
        world.ask(OTHER_CONTACT, "GET", &at, &[], None).await.status,
        StatusCode::NOT_FOUND
    );
    let listed = world.read(OTHER_CONTACT, "inspections?closed=true&count=true").await;
    assert_eq!(listed["total"], 0);
    assert_eq!(world.read(CONTACT, "inspections?count=true").await["total"], 1);
    // Figures of what the contact sees alone would be others than the inspection's; of their own unit they are the same.
    world.read(CONTACT, &format!("{at}/indicators")).await;

    world.paper(INSPECTOR, &at, "inspection_plan").await;
    world.go(INSPECTOR, &at, "plan").await;
    // Two of the three buildings are the unit's.
    world
        .is_refused(INSPECTOR, &at, ("samples", json!({"number": 3})), "sample_too_large")
        .await;
    world.sent(INSPECTOR, &at, "samples", json!({"number": 1})).await;
    world.go(INSPECTOR, &at, "sample").await;
    world
        .sent(
            CONTACT,
            &at,
            "records",
            json!({"record": "self_check", "statement": "无", "problems": 0}),
        )
        .await;
    world.paper(CONTACT, &at, "self_check_report").await;
    world.go(CONTACT, &at, "self_check").await;
    let sampled = world.read(INSPECTOR, &at).await["sampled"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world.visit(&at, &sampled).await;
    world.paper(INSPECTOR, &at, "on_site_record").await;
    world.go(INSPECTOR, &at, "visit").await;

    // What the checks found is taken over by its id, once, and tells how far it is there.
    let found = Uuid::now_v7();
    sqlx::query(
        "insert into finding (id, rule, object_kind, object_id, at_id, evidence, state, first_seen)
         values ($1, 'USE-01', 'building', $2, $2, '{\"rooms\": 3, \"units\": \"县财政局\"}', 'new', '2026-11-01')",
    )
    .bind(found)
    .bind(Uuid::parse_str(&sampled).unwrap())
    .execute(&pool)
    .await
    .unwrap();
    let note = json!({"finding_id": found, "days": 5});
    let id = world.made(INSPECTOR, &format!("{at}/findings"), note.clone()).await;
    let before = entries(&pool).await;
    let twice = world.post(INSPECTOR, &format!("{at}/findings"), note).await;
    assert_eq!(
        (twice.status, &twice.body["code"]),
        (StatusCode::CONFLICT, &json!("inspection_finding_version_taken_once"))
    );
    assert_eq!(entries(&pool).await, before);
    let line = world.read(CONTACT, &format!("inspection-findings/{id}")).await;
    assert_eq!(
        (&line["rule"], &line["finding_state"]),
        (&json!("USE-01"), &json!("new"))
    );
    assert!(line["says"].as_str().unwrap().contains("3 间"), "{line}");
    sqlx::query("update finding set state = 'resolved', resolved_at = '2026-11-21' where id = $1")
        .bind(found)
        .execute(&pool)
        .await
        .unwrap();
    let line = world.read(CONTACT, &format!("inspection-findings/{id}")).await;
    assert_eq!(line["finding_state"], "resolved");
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn the_database_lets_nobody_write_outside_of_their_part(pool: PgPool) {
    let world = World::new(&pool).await;
    let at = world.visited().await;
    let finding = world.found(&at, "USE-01", &world.buildings[0], 10).await;
    // As the application's role, with the scope of the county beside and of the unit beside.
    for (reach, sees) in [
        (json!({"region": "431102", "level": null, "unit": null}), false),
        (json!({"region": null, "level": null, "unit": world.units[1]}), false),
        (json!({"region": "431103", "level": "county", "unit": null}), true),
        (json!({"region": null, "level": null, "unit": world.units[0]}), true),
    ] {
        let mut connection = pool.acquire().await.unwrap();
        sqlx::query("begin").execute(&mut *connection).await.unwrap();
        sqlx::query("set local role yice_app")
            .execute(&mut *connection)
            .await
            .unwrap();
        let scope = json!({"person": null, "actor": "x", "reads": "read_registry", "writes": "step_inspections",
            "reaches": {"read_registry": [reach], "step_inspections": [reach]}});
        sqlx::query("select set_config('yice.scope', $1, true)")
            .bind(scope.to_string())
            .execute(&mut *connection)
            .await
            .unwrap();
        let id = Uuid::parse_str(finding.rsplit('/').next().unwrap()).unwrap();
        let seen: i64 = sqlx::query_scalar("select count(*) from inspection_finding_version where object_id = $1")
            .bind(id)
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert_eq!(seen > 0, sees, "{reach}");
        let copied = sqlx::query(
            "insert into inspection_finding_version (version_id, object_id, valid, recorded, inspection_id, rule, object_kind, thing_id,
                 region_code, unit_id, says, state, days, found_by, details)
             values (gen_random_uuid(), $1, daterange('2020-01-01', '2020-02-01'), tstzrange(now(), null), $2, 'USE-01', 'building', $3,
                 '431103', $4, 'x', 'open', 1, 'x', '{}')",
        )
        .bind(id)
        .bind(Uuid::parse_str(at.rsplit('/').next().unwrap()).unwrap())
        .bind(Uuid::parse_str(&world.buildings[0]).unwrap())
        .bind(Uuid::parse_str(&world.units[0]).unwrap())
        .execute(&mut *connection)
        .await;
        assert_eq!(copied.is_ok(), sees, "{reach}: {copied:?}");
        sqlx::query("rollback").execute(&mut *connection).await.unwrap();
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_found_waits_for_the_unit_and_then_for_another_inspector(pool: PgPool) {
    let world = World::new(&pool).await;
    let tasks = async |who: &str| -> Vec<String> {
        let list = world.read(who, "tasks?kind=inspection,inspection_finding").await;
        let items = list["items"].as_array().unwrap().clone();
        let told = |task: &Value| {
            let steps = task["steps"].as_array().unwrap();
            let step = steps.first().map(|step| step["transition"].as_str().unwrap());
            format!(
                "{} {} {}",
                task["awaited"].as_str().unwrap(),
                task["count"],
                step.unwrap_or_default()
            )
        };
        items.iter().map(|task| told(task).trim().to_owned()).collect()
    };
    let at = world.begun(json!({})).await;
    assert_eq!(tasks(INSPECTOR).await, ["step 1 plan"]);
    assert_eq!(tasks(COUNTY).await, Vec::<String>::new());
    assert_eq!(tasks(BESIDE).await, Vec::<String>::new());
    world.go_withdrawn(&at).await;
    assert_eq!(tasks(INSPECTOR).await, Vec::<String>::new());

    let at = world.visited().await;
    let first = world.found(&at, "USE-01", &world.buildings[0], 10).await;
    world.found(&at, "USE-01", &world.buildings[2], 10).await;
    assert_eq!(tasks(CONTACT).await, Vec::<String>::new(), "no notice yet");
    world.paper(INSPECTOR, &at, "rectification_notice").await;
    world.go(INSPECTOR, &at, "issue").await;
    // Each unit its own; the county's bureau all of them.
    assert_eq!(tasks(CONTACT).await, ["rectify 1"]);
    assert_eq!(tasks(OTHER_CONTACT).await, ["rectify 1"]);
    assert_eq!(tasks(COUNTY).await, ["rectify 2"]);
    assert_eq!(tasks(BESIDE).await, Vec::<String>::new());
    let due = world.read(CONTACT, "tasks").await;
    assert_eq!(due["items"][0]["due_on"], "2026-12-04");
    let done = json!({"step": "rectify", "text": "已签使用协议"});
    world.sent(CONTACT, &first, "steps", done).await;
    assert_eq!(tasks(CONTACT).await, Vec::<String>::new());
    assert_eq!(tasks(COUNTY).await, ["rectify 1"]);
    assert!(tasks(SECOND).await.contains(&"recheck 1".to_owned()));
}
