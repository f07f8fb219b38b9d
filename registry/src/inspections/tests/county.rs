//! One inspection from the plan to the publication, and one in which nothing is found.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use calamine::Reader;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use tower::ServiceExt;

use super::{ADMINISTRATOR, APPROVER, BESIDE, CONTACT, COUNTY, INSPECTOR, OTHER_CONTACT, SECOND, World};
use crate::spatial_units::tests::ask;
use crate::versioned::tests::{entries, prove};

#[sqlx::test(migrations = "../migrations")]
async fn a_county_is_inspected_from_the_plan_to_the_publication(pool: PgPool) {
    let world = World::new(&pool).await;
    // The bureau below isn't inspected by itself, nor by its neighbour.
    let plan = json!({"title": "自查自评", "region_code": "431103", "admin_level": "county", "target": "lower_bureau",
        "period_from": "2026-01-01", "period_to": "2026-12-31"});
    for who in [COUNTY, BESIDE, CONTACT] {
        let before = entries(&pool).await;
        let refused = world.post(who, "inspections", plan.clone()).await;
        world.refusal(&refused, &plan, "not_granted", before).await;
    }
    let at = world.begun(json!({})).await;
    let held = world.read(INSPECTOR, &at).await;
    assert_eq!(
        (&held["state"], &held["track"].as_array().unwrap().len()),
        (&json!("drafted"), &10)
    );

    // No step is skipped.
    let skip = |step: &str| ("transitions", json!({"transition": step, "decision_no": "1号"}));
    world
        .is_refused(APPROVER, &at, skip("publish"), "transition_forbidden")
        .await;
    world
        .is_refused(INSPECTOR, &at, skip("score"), "transition_forbidden")
        .await;
    world
        .is_refused(INSPECTOR, &at, skip("plan"), "documents_missing")
        .await;
    world
        .is_refused(INSPECTOR, &at, ("samples", json!({"number": 1})), "record_closed")
        .await;
    world.paper(INSPECTOR, &at, "inspection_plan").await;
    world.go(INSPECTOR, &at, "plan").await;

    // The sample: never more than there is; drawn again it is the same.
    world
        .is_refused(INSPECTOR, &at, skip("sample"), "guard_sample_drawn")
        .await;
    let large = world
        .is_refused(INSPECTOR, &at, ("samples", json!({"number": 4})), "sample_too_large")
        .await;
    assert!(large["detail"].as_str().unwrap().contains("只有 3 处"), "{large}");
    world
        .is_refused(INSPECTOR, &at, ("samples", json!({})), "sample_empty")
        .await;
    let unexplained = json!({"number": 1, "chosen": [{"asset_id": world.buildings[0], "reason": " "}]});
    world
        .is_refused(INSPECTOR, &at, ("samples", unexplained), "reason_missing")
        .await;
    let drawing = json!({"share": "34", "weighting": "area", "seed": "公证摇号 0417"});
    let held = world.sent(INSPECTOR, &at, "samples", drawing.clone()).await;
    let sample = held["details"]["sample"].clone();
    assert_eq!(
        (&sample["number"], &sample["stock"]),
        (&json!(2), &json!(3)),
        "34 % of 3, rounded up"
    );
    world
        .is_refused(INSPECTOR, &at, ("samples", drawing.clone()), "reason_missing")
        .await;
    let mut again = drawing;
    again["reason"] = json!("补充指定");
    let left = world
        .buildings
        .iter()
        .find(|id| !sample["drawn"].as_array().unwrap().contains(&json!(id)))
        .unwrap();
    again["chosen"] = json!([{"asset_id": left, "reason": "群众举报"}]);
    let held = world.sent(INSPECTOR, &at, "samples", again).await;
    assert_eq!(held["details"]["sample"]["drawn"], sample["drawn"]);
    assert_eq!(held["details"]["sample"]["stock_sha256"], sample["stock_sha256"]);
    assert_eq!(held["sampled"].as_array().unwrap().len(), 3);
    assert_eq!(held["sampled"][2]["chosen_because"], "群众举报");
    world.go(INSPECTOR, &at, "sample").await;

    // The self-check is the county's: not of whoever has planned, not of the county beside.
    world.is_refused(INSPECTOR, &at, skip("self_check"), "four_eyes").await;
    assert_eq!(
        world.ask(BESIDE, "GET", &at, &[], None).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        world.ask(CONTACT, "GET", &at, &[], None).await.status,
        StatusCode::NOT_FOUND
    );
    world.paper(COUNTY, &at, "self_check_report").await;
    world
        .is_refused(COUNTY, &at, skip("self_check"), "guard_self_check_answered")
        .await;
    world
        .sent(
            COUNTY,
            &at,
            "records",
            json!({"record": "self_check", "statement": "自查发现一处", "problems": 1}),
        )
        .await;
    world.go(COUNTY, &at, "self_check").await;

    // Each building of the sample is visited, by the city.
    let visit = json!({"record": "visit", "asset_id": world.buildings[0], "on": "2026-11-21", "people": "张", "summary": "自己看"});
    world
        .is_refused(COUNTY, &at, ("records", visit.clone()), "not_granted")
        .await;
    let mut ahead = visit;
    ahead["on"] = json!("2026-11-22");
    world
        .is_refused(INSPECTOR, &at, ("records", ahead), "date_in_future")
        .await;
    world.paper(INSPECTOR, &at, "on_site_record").await;
    world.visit(&at, &world.buildings[0]).await;
    world
        .is_refused(INSPECTOR, &at, skip("visit"), "guard_sample_visited")
        .await;
    world.visit(&at, &world.buildings[1]).await;
    world.visit(&at, &world.buildings[2]).await;
    world.go(INSPECTOR, &at, "visit").await;

    // Findings: of a rule and an object, within what is inspected.
    let findings = format!("{at}/findings");
    for (body, code) in [
        (
            json!({"rule": "ZZZ-99", "object_id": world.buildings[0], "says": "x", "days": 10}),
            "unknown_rule",
        ),
        (
            json!({"rule": "USE-01", "object_id": world.units[2], "says": "x", "days": 10}),
            "object_elsewhere",
        ),
    ] {
        let before = entries(&pool).await;
        let refused = world.post(INSPECTOR, &findings, body.clone()).await;
        world.refusal(&refused, &body, code, before).await;
    }
    let first = world.found(&at, "USE-01", &world.buildings[0], 10).await;
    let second = world.found(&at, "TTL-03", &world.buildings[1], 20).await;
    let third = world.found(&at, "ALC-02", &world.buildings[2], 30).await;
    world
        .is_refused(
            CONTACT,
            &first,
            ("steps", json!({"step": "rectify", "text": "已签"})),
            "not_issued",
        )
        .await;
    world
        .is_refused(INSPECTOR, &at, skip("pass"), "guard_nothing_found")
        .await;
    world.paper(INSPECTOR, &at, "rectification_notice").await;
    world
        .is_refused(
            INSPECTOR,
            &at,
            ("transitions", json!({"transition": "issue"})),
            "decision_missing",
        )
        .await;
    world.go(INSPECTOR, &at, "issue").await;
    // Ten working days from Saturday, 21 November: Friday, 4 December.
    let line = world.read(CONTACT, &first).await;
    assert_eq!(
        (&line["due_on"], &line["unit_name"]),
        (&json!("2026-12-04"), &json!("县财政局"))
    );
    assert_eq!(line["rule_zh"], "无使用协议");
    assert_eq!(line["inspection_title"], Value::Null);

    // Each contact sees what is theirs to put right, the county all of it, the county beside nothing.
    for (who, count) in [
        (CONTACT, 2),
        (OTHER_CONTACT, 1),
        (COUNTY, 3),
        (BESIDE, 0),
        (INSPECTOR, 3),
    ] {
        let listed = world.read(who, "inspection-findings").await;
        assert_eq!(listed["items"].as_array().unwrap().len(), count, "{who}");
    }
    assert_eq!(
        world.ask(OTHER_CONTACT, "GET", &first, &[], None).await.status,
        StatusCode::NOT_FOUND
    );

    // The first is put right with a paper, sent back at the re-check, and put right again.
    let paper = world.bring(CONTACT).await;
    let rectified = json!({"step": "rectify", "text": "已补签协议", "papers": [paper]});
    let stolen = world
        .ask(INSPECTOR, "GET", &format!("documents/{paper}"), &[], None)
        .await;
    assert_eq!(
        stolen.status,
        StatusCode::NOT_FOUND,
        "nobody reads it before it is handed in"
    );
    let line = world.sent(CONTACT, &first, "steps", rectified.clone()).await;
    assert_eq!(
        (&line["state"], &line["papers"][0]["name"]),
        (&json!("rectified"), &json!("整改照片.pdf"))
    );
    world.read(INSPECTOR, &format!("documents/{paper}")).await;
    world
        .is_refused(CONTACT, &first, ("steps", json!({"step": "confirm"})), "not_granted")
        .await;
    world
        .is_refused(SECOND, &first, ("steps", json!({"step": "send_back"})), "text_missing")
        .await;
    let line = world
        .sent(
            SECOND,
            &first,
            "steps",
            json!({"step": "send_back", "text": "协议没有盖章"}),
        )
        .await;
    assert_eq!(
        (&line["state"], &line["rechecked_by"]),
        (&json!("open"), &json!("second"))
    );
    world
        .is_refused(SECOND, &first, ("steps", json!({"step": "confirm"})), "finding_state")
        .await;
    world.paper(INSPECTOR, &at, "recheck_record").await;
    let open = world
        .is_refused(INSPECTOR, &at, skip("recheck"), "guard_findings_settled")
        .await;
    assert!(open["detail"].as_str().unwrap().contains("还有 3 个问题"), "{open}");
    world
        .is_refused(APPROVER, &at, skip("publish"), "transition_forbidden")
        .await;
    world.sent(CONTACT, &first, "steps", rectified).await;

    // Whoever put something right doesn't look at it again: by the program, and by the database.
    let own = json!({"step": "rectify", "text": "市局代为补登"});
    world.sent(INSPECTOR, &second, "steps", own).await;
    let refused = world
        .is_refused(INSPECTOR, &second, ("steps", json!({"step": "confirm"})), "four_eyes")
        .await;
    assert_eq!(refused["rule"]["id"], "GOV-01");
    let forced = sqlx::query("update inspection_finding_version set state = 'confirmed', rechecked_by = rectified_by where state = 'rectified'")
        .execute(&pool)
        .await
        .unwrap_err();
    assert_eq!(
        forced.as_database_error().unwrap().constraint(),
        Some("inspection_finding_version_four_eyes")
    );
    // Two people at once: the later one reads it again first.
    let stale = world.ask(SECOND, "GET", &second, &[], None).await.etag.unwrap();
    world.sent(SECOND, &second, "steps", json!({"step": "confirm"})).await;
    let before = entries(&pool).await;
    let body = json!({"step": "send_back", "text": "再看"});
    let late = world
        .ask(
            SECOND,
            "POST",
            &format!("{second}/steps"),
            &[("If-Match", &stale)],
            Some(body),
        )
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(entries(&pool).await, before);
    world
        .sent(
            SECOND,
            &first,
            "steps",
            json!({"step": "confirm", "text": "协议已盖章"}),
        )
        .await;

    // The third stays as it is for a while, with a reason and a day.
    world
        .is_refused(
            SECOND,
            &third,
            ("steps", json!({"step": "defer", "text": "合同未到期"})),
            "until_missing",
        )
        .await;
    world
        .is_refused(
            OTHER_CONTACT,
            &third,
            (
                "steps",
                json!({"step": "defer", "text": "缓一缓", "until": "2027-06-30"}),
            ),
            "not_granted",
        )
        .await;
    world
        .sent(
            SECOND,
            &third,
            "steps",
            json!({"step": "defer", "text": "合同未到期", "until": "2027-06-30"}),
        )
        .await;
    let held = world.go(INSPECTOR, &at, "recheck").await;
    assert_eq!(
        (
            &held["findings"]["confirmed"],
            &held["findings"]["deferred"],
            &held["findings"]["unsettled"]
        ),
        (&json!(2), &json!(1), &json!(0))
    );

    // Scored: two of three findings are put right; the whole area is registered to the bureau.
    world.is_refused(COUNTY, &at, skip("score"), "not_granted").await;
    let shown = world.read(INSPECTOR, &format!("{at}/indicators")).await;
    let held = world.go(INSPECTOR, &at, "score").await;
    let scoring = held["details"]["scoring"].clone();
    assert_eq!(scoring["score"], shown["score"]);
    assert_eq!(held["score"], scoring["score"]);
    let line = |indicator: &str| {
        scoring["lines"]
            .as_array()
            .unwrap()
            .iter()
            .find(|line| line["indicator"] == indicator)
            .unwrap()
            .clone()
    };
    let put_right = line("rectification");
    assert_eq!(
        (
            &put_right["numerator"],
            &put_right["denominator"],
            &put_right["rate"],
            &put_right["points"]
        ),
        (&json!("2"), &json!("3"), &json!("66.6667"), &json!("6.67"))
    );
    assert_eq!(line("unified_registration")["points"], "15");
    assert_eq!(line("lawful_letting")["points"], Value::Null);
    assert_eq!(scoring["scheme_version"], Value::Null);
    assert!(scoring["source"].as_str().unwrap().contains("默认"));

    // Published by another person than the one who scored.
    world.paper(INSPECTOR, &at, "inspection_report").await;
    world.is_refused(INSPECTOR, &at, skip("publish"), "not_granted").await;
    world
        .is_refused(
            APPROVER,
            &at,
            ("transitions", json!({"transition": "send_back"})),
            "guard_reason_given",
        )
        .await;
    world.go(APPROVER, &at, "publish").await;
    world.go(INSPECTOR, &at, "archive").await;

    // What is deferred is still put right afterwards; the score is what it was, whatever the book says now.
    world
        .sent(
            OTHER_CONTACT,
            &third,
            "steps",
            json!({"step": "rectify", "text": "已退租"}),
        )
        .await;
    world.sent(SECOND, &third, "steps", json!({"step": "confirm"})).await;
    let path = format!("buildings/{}", world.buildings[0]);
    world.state.clock.advance(Duration::seconds(7));
    let tag = ask(&world.app, "GET", &format!("/api/v1/{path}"), &[], None)
        .await
        .etag
        .unwrap();
    let change = json!({"valid_from": "2026-01-01", "title_status": "none_handed"});
    let changed = ask(
        &world.app,
        "PATCH",
        &format!("/api/v1/{path}"),
        &[("If-Match", &tag)],
        Some(change),
    )
    .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    let held = world.read(INSPECTOR, &at).await;
    assert_eq!(held["details"]["scoring"], scoring);
    assert_eq!((&held["state"], &held["is_open"]), (&json!("archived"), &json!(false)));
    let now = world.read(INSPECTOR, &format!("{at}/indicators")).await;
    assert_ne!(now["lines"], scoring["lines"]);
    // Asked for as it was known then, the book gives the same figures.
    let then = scoring["known_at"].as_str().unwrap();
    let then = world.read(INSPECTOR, &format!("{at}/indicators?known_at={then}")).await;
    assert_eq!(then["lines"], scoring["lines"]);
    // The county sees its report; figures of a part are nobody's.
    world.read(COUNTY, &format!("{at}/indicators")).await;
    let versions = world.read(COUNTY, &format!("{at}/versions")).await;
    assert!(versions["items"].as_array().unwrap().len() > 15);
    assert_eq!(versions["items"][0]["actor"], "inspector");

    // The report as a workbook.
    let request = Request::builder()
        .uri(format!("/api/v1/{at}/export?labels=zh"))
        .header(header::HOST, "127.0.0.1")
        .header(header::AUTHORIZATION, format!("Bearer {}", world.tokens[INSPECTOR]))
        .body(Body::empty())
        .unwrap();
    let response = world.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let mut book = calamine::Xlsx::new(std::io::Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range_at(0).unwrap().unwrap();
    let text: Vec<String> = sheet
        .rows()
        .map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join("|"))
        .collect();
    assert!(
        text.iter()
            .any(|row| row.contains("整改完成率") && row.contains("66.6667")),
        "{text:#?}"
    );
    assert!(
        text.iter()
            .any(|row| row.contains("USE-01") && row.contains("协议没有盖章")),
        "{text:#?}"
    );
    assert_eq!(text.iter().filter(|row| row.starts_with("样本")).count(), 3);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn nothing_found_needs_no_notice_and_a_score_sent_back_is_worked_out_anew(pool: PgPool) {
    let world = World::new(&pool).await;
    let at = world.visited().await;
    world.paper(INSPECTOR, &at, "rectification_notice").await;
    world
        .is_refused(
            INSPECTOR,
            &at,
            ("transitions", json!({"transition": "issue", "decision_no": "1号"})),
            "guard_something_found",
        )
        .await;
    world.go(INSPECTOR, &at, "pass").await;
    world.paper(INSPECTOR, &at, "inspection_report").await;
    let held = world.go(INSPECTOR, &at, "score").await;
    assert!(held["score"].is_string(), "{held}");
    let body = json!({"transition": "send_back", "reason": "权重应按本地标准"});
    let held = world.sent(APPROVER, &at, "transitions", body).await;
    assert_eq!(
        (&held["state"], &held["score"], &held["details"]["scoring"]),
        (&json!("rechecked"), &Value::Null, &Value::Null)
    );

    // The county's own scheme: all of it the registration, from the beginning of the year.
    let weights = json!([{"indicator": "unified_registration", "weight": "90", "full": "100", "zero": "50"},
                         {"indicator": "completeness", "weight": "10", "full": "100", "zero": "0"}]);
    let grades = json!([{"zh": "达标", "en": "met", "from": "60"}, {"zh": "未达标", "en": "not met", "from": "0"}]);
    let scheme = |weights: &Value| {
        json!({"region_code": "431103", "weights": weights, "grades": grades, "source": "永管〔2026〕2号",
               "valid_from": "2026-01-01", "reason": "本地标准"})
    };
    let mut short = weights.clone();
    short[1]["weight"] = json!("9.99");
    for (body, code) in [
        (scheme(&short), "weights_not_whole"),
        (
            json!({"region_code": "431103", "weights": weights, "source": "x", "reason": "x", "grades": [{"zh": "一", "en": "one", "from": "60"}]}),
            "grades_not_whole",
        ),
    ] {
        let before = entries(&pool).await;
        let refused = world.post(ADMINISTRATOR, "inspection-schemes", body.clone()).await;
        world.refusal(&refused, &body, code, before).await;
    }
    let refused = world.post(INSPECTOR, "inspection-schemes", scheme(&weights)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    let default = world.read(INSPECTOR, "inspection-schemes/in-force?region=431103").await;
    assert_eq!(default["is_default"], true);
    let id = world.made(ADMINISTRATOR, "inspection-schemes", scheme(&weights)).await;
    let twice = world.post(ADMINISTRATOR, "inspection-schemes", scheme(&weights)).await;
    assert_eq!(twice.body["code"], "inspection_scheme_version_no_overlap");
    let own = world
        .read(INSPECTOR, "inspection-schemes/in-force?region=431103&as_of=2026-11-20")
        .await;
    assert_eq!(
        (&own["is_default"], &own["region_code"]),
        (&json!(false), &json!("431103"))
    );
    assert_eq!(
        world.read(INSPECTOR, "inspection-schemes/in-force?region=431102").await["is_default"],
        true
    );

    // 90 for the registration; of ten facts each building has seven (no address, storeys or year): 7.
    let held = world.go(INSPECTOR, &at, "score").await;
    assert_eq!(
        (&held["score"], &held["grade"]),
        (&json!("97"), &json!("达标")),
        "{}",
        held["details"]["scoring"]
    );
    assert!(held["details"]["scoring"]["scheme_version"].is_string());
    world.go(APPROVER, &at, "publish").await;
    // A later change leaves the score alone.
    let path = format!("inspection-schemes/{id}");
    let tag = world.ask(ADMINISTRATOR, "GET", &path, &[], None).await.etag.unwrap();
    let change = json!({"weights": [{"indicator": "completeness", "weight": "100", "full": "100", "zero": "0"}], "valid_from": "2026-01-01", "reason": "调整"});
    let changed = world
        .ask(ADMINISTRATOR, "PATCH", &path, &[("If-Match", &tag)], Some(change))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(world.read(COUNTY, &at).await["score"], "97");
    assert_eq!(world.read(COUNTY, &format!("{at}/indicators")).await["score"], "70");
    let closed = world
        .send(
            ADMINISTRATOR,
            &path,
            "closures",
            json!({"valid_to": "2026-11-21", "reason": "到期"}),
        )
        .await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.body);
    assert_eq!(
        world.read(INSPECTOR, "inspection-schemes/in-force?region=431103").await["is_default"],
        true
    );
    prove(&pool).await.unwrap();
}
