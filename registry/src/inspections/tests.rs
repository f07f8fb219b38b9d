//! Inspections as stories over HTTP, over a real PostGIS, each person with a role and a part of their own.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use calamine::Reader;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use tower::ServiceExt;
use uuid::Uuid;

use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};
use crate::versioned::tests::{entries, prove};

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
