//! Cases as stories, over a real PostGIS, under the application's role; each with different people.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use proptest::strategy::Strategy;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{open, transition};
use crate::http::AppState;
use crate::ids::{PersonId, TokenId};
use crate::request::{Acting, Actor, Body, Caller, Context, Means, Permission, Reach, Scope};
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::{entries, prove};

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

#[sqlx::test(migrations = "../migrations")]
async fn what_is_unregistered_is_registered_by_two_people(pool: PgPool) {
    let office = Office::open(&pool).await;
    let parcel = office.parcel(0.0).await;
    let id = office.begun(parcel, None).await;
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "classify"}),
            "guard_policy_action_given",
        )
        .await;
    office
        .go(
            CLERK,
            &id,
            json!({"transition": "classify", "policy_action": "first_register"}),
        )
        .await;
    let forbidden = office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "begin_return"}),
            "transition_forbidden",
        )
        .await;
    assert!(forbidden["remedy"].as_str().unwrap().contains("collect"), "{forbidden}");
    office
        .is_refused(
            REVIEWER,
            &id,
            json!({"transition": "record", "on": "2026-11-10"}),
            "transition_forbidden",
        )
        .await;
    office
        .is_refused(REVIEWER, &id, json!({"transition": "teleport"}), "transition_unknown")
        .await;
    office.go(CLERK, &id, json!({"transition": "collect"})).await;
    let lacking = office
        .is_refused(CLERK, &id, json!({"transition": "prepare"}), "guard_documents_complete")
        .await;
    for words in [
        "登记申请书",
        "the unit code is missing",
        "areas are not compared",
        "what the title is to say",
    ] {
        assert!(
            lacking["detail"].as_str().unwrap().contains(words),
            "{words}: {lacking}"
        );
    }
    office.bring_papers(&id, parcel, &FIRST).await;
    office
        .is_refused(CLERK, &id, json!({"transition": "prepare"}), "guard_unit_code_firm")
        .await;
    let provisional = "431103999999GB99999W00000000";
    office.work(CLERK, &id, json!({"unit_code": provisional})).await;
    office
        .is_refused(CLERK, &id, json!({"transition": "prepare"}), "guard_unit_code_firm")
        .await;
    office.work(CLERK, &id, json!({"unit_code": code(15)})).await;
    let ready = office.go(CLERK, &id, json!({"transition": "prepare"})).await;
    assert_eq!(
        (&ready["submitted_by"], &ready["differences"][0]["before"]),
        (&json!(CLERK), &Value::Null)
    );

    // Nobody judges what they put forward, nor changes it under the reviewer's eyes.
    let own = office
        .is_refused(CLERK, &id, json!({"transition": "submit"}), "four_eyes")
        .await;
    assert!(own["detail"].as_str().unwrap().contains(CLERK));
    let closed = office.work(CLERK, &id, json!({"filing_evidence": "x"})).await;
    assert_eq!(
        (closed.status, &closed.body["code"]),
        (StatusCode::CONFLICT, &json!("papers_closed"))
    );
    office.go(REVIEWER, &id, json!({"transition": "submit"})).await;

    // The supplement is asked for once.
    office
        .go(
            CLERK,
            &id,
            json!({"transition": "ask_supplement", "reason": "补交界址点坐标"}),
        )
        .await;
    office.work(CLERK, &id, json!({"consents": ["无"]})).await;
    office
        .is_refused(CLERK, &id, json!({"transition": "resubmit"}), "four_eyes")
        .await;
    office.go(REVIEWER, &id, json!({"transition": "resubmit"})).await;
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "ask_supplement", "reason": "再补"}),
            "guard_supplement_not_used",
        )
        .await;

    for on in [json!(null), json!("2026-11-22")] {
        office
            .is_refused(
                CLERK,
                &id,
                json!({"transition": "accept", "on": on}),
                "guard_date_given",
            )
            .await;
    }
    let accepted = office
        .go(CLERK, &id, json!({"transition": "accept", "on": "2026-11-02"}))
        .await;
    assert_eq!(
        (&accepted["due_on"], &accepted["working_days_left"]),
        (&json!("2026-12-14"), &json!(16))
    );
    let queue = ask(
        &office.app,
        "GET",
        "/api/v1/title-cases?count=true&overdue=false",
        &[],
        None,
    )
    .await;
    assert_eq!(
        (&queue.body["total"], &queue.body["items"][0]["due_on"]),
        (&json!(1), &json!("2026-12-14")),
        "{}",
        queue.body
    );
    office.go(CLERK, &id, json!({"transition": "review"})).await;
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "record", "on": "2026-11-10"}),
            "four_eyes",
        )
        .await;
    office
        .is_refused(
            REVIEWER,
            &id,
            json!({"transition": "record", "on": "2026-11-01"}),
            "guard_date_given",
        )
        .await;
    let recorded = office
        .go(REVIEWER, &id, json!({"transition": "record", "on": "2026-11-10"}))
        .await;
    let title = format!("/api/v1/titles/{}", recorded["title_id"].as_str().unwrap());
    let written = ask(&office.app, "GET", &title, &[], None).await.body;
    assert_eq!(
        (&written["recorded_on"], &written["accepted_on"], &written["cert_no"]),
        (&json!("2026-11-10"), &json!("2026-11-02"), &Value::Null)
    );
    assert_eq!(
        (
            &written["registration_type"],
            &written["policy_action"],
            &written["case_id"]
        ),
        (&json!("100"), &json!("first_register"), &json!(id))
    );
    let asset = ask(&office.app, "GET", &format!("/api/v1/parcels/{parcel}"), &[], None)
        .await
        .body;
    assert_eq!(
        (&asset["title_status"], &asset["usage"]),
        (&json!("unified"), &json!("commercial"))
    );
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "withdraw", "reason": "晚了"}),
            "transition_forbidden",
        )
        .await;
    office
        .is_refused(
            CLERK,
            &id,
            json!({"transition": "certify", "on": "2026-11-12"}),
            "guard_certificate_given",
        )
        .await;
    let number = "湘(2026)冷水滩区不动产权第0000001号";
    office
        .go(
            CLERK,
            &id,
            json!({"transition": "certify", "on": "2026-11-12", "cert_no": number, "print_serial": "J00000000001"}),
        )
        .await;
    let written = ask(&office.app, "GET", &title, &[], None).await.body;
    assert_eq!(
        (&written["cert_no"], &written["issued_on"]),
        (&json!(number), &json!("2026-11-12"))
    );
    let archived = office.go(CLERK, &id, json!({"transition": "archive"})).await;
    assert_eq!(archived["steps"], json!([]));
    // A closed case keeps its dates.
    assert_eq!(archived["details"]["clock"]["deadline"]["due_on"], "2026-12-14");
    assert_eq!(archived["details"]["clock"]["stopped_on"], "2026-11-10");
    let history = ask(
        &office.app,
        "GET",
        &format!("/api/v1/title-cases/{id}/versions"),
        &[],
        None,
    )
    .await
    .body;
    assert_eq!(history["items"][0]["state"], "archived");
    assert!(
        history["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|step| step["actor"] == REVIEWER)
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_unit_holds_is_transferred_unless_a_court_holds_it(pool: PgPool) {
    let office = Office::open(&pool).await;
    let parcel = office.parcel(0.0).await;
    let held = json!({
        "evidence": "both", "unit_code": code(1), "cert_no": "湘(2018)冷水滩区不动产权第0000009号", "right_type": "3",
        "right_nature_land": "101", "holders": [{"name": "永州市某局", "kind": "unit"}], "parcel_ids": [parcel],
        "recorded_on": "2018-05-01",
    });
    let title = ask(
        &office.app,
        "POST",
        "/api/v1/titles",
        &[("Idempotency-Key", "t")],
        Some(held),
    )
    .await;
    assert_eq!(title.status, StatusCode::CREATED, "{}", title.body);
    let at = title.location.unwrap();
    let id = office.begun(parcel, Some(&code(1))).await;
    office.work(CLERK, &id, json!({"title_id": title.body["id"]})).await;
    let body = json!({"transition": "classify", "policy_action": "re_register", "registration_type": "300"});
    office.is_refused(CLERK, &id, body, "guard_policy_action_given").await;
    let classified = office
        .go(
            CLERK,
            &id,
            json!({"transition": "classify", "policy_action": "re_register"}),
        )
        .await;
    assert_eq!(
        classified["details"]["registration_type"], "200",
        "the plan's word and the law's are kept apart"
    );
    office.go(CLERK, &id, json!({"transition": "collect"})).await;
    office.bring_papers(&id, parcel, &TRANSFER).await;
    office.go(CLERK, &id, json!({"transition": "prepare"})).await;
    let shown = office.case(&id).await;
    let holder = shown["differences"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["field"] == "holders")
        .unwrap();
    assert_eq!(
        (&holder["before"][0]["name"], &holder["after"][0]["name"]),
        (&json!("永州市某局"), &json!("永州市机关事务管理局"))
    );
    office.go(REVIEWER, &id, json!({"transition": "submit"})).await;
    office
        .go(CLERK, &id, json!({"transition": "accept", "on": "2026-11-02"}))
        .await;
    office.go(CLERK, &id, json!({"transition": "review"})).await;
    let seizure = json!({"kind": "seizure", "holder": "永州市中级人民法院", "document": "(2026)湘11执1号", "valid_from": "2026-11-20"});
    let seized = ask(
        &office.app,
        "POST",
        &format!("{at}/encumbrances"),
        &[("Idempotency-Key", "e")],
        Some(seizure),
    )
    .await;
    let record = json!({"transition": "record", "on": "2026-11-10"});
    let blocked = office
        .is_refused(REVIEWER, &id, record.clone(), "guard_encumbrances_handled")
        .await;
    assert!(
        blocked["detail"].as_str().unwrap().contains("永州市中级人民法院"),
        "{blocked}"
    );
    office.state.clock.advance(time::Duration::minutes(1));
    let release = json!({"valid_to": "2026-11-21", "reason": "解除"});
    let uri = format!("{}/closures", seized.location.unwrap());
    let released = ask(
        &office.app,
        "POST",
        &uri,
        &[("If-Match", &seized.etag.unwrap())],
        Some(release),
    )
    .await;
    assert_eq!(released.status, StatusCode::OK, "{}", released.body);
    office.go(REVIEWER, &id, record).await;
    let before = ask(&office.app, "GET", &format!("{at}?as_of=2026-11-09"), &[], None)
        .await
        .body;
    let after = ask(&office.app, "GET", &at, &[], None).await.body;
    assert_eq!(
        (&before["holders"][0]["name"], &after["holders"][0]["name"]),
        (&json!("永州市某局"), &json!("永州市机关事务管理局"))
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

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

#[sqlx::test(migrations = "../migrations")]
async fn what_a_company_holds_comes_back_after_eight_checks(pool: PgPool) {
    let office = Office::open(&pool).await;
    let parcel = office.parcel(0.0).await;
    let held = json!({
        "evidence": "both", "unit_code": code(1), "cert_no": "湘(2018)冷水滩区不动产权第0000009号", "right_type": "3",
        "right_nature_land": "103", "holders": [{"name": "永州城投", "kind": "platform_company"}], "parcel_ids": [parcel],
        "recorded_on": "2018-05-01",
    });
    let title = ask(
        &office.app,
        "POST",
        "/api/v1/titles",
        &[("Idempotency-Key", "t")],
        Some(held),
    )
    .await;
    let mortgage = json!({"kind": "mortgage", "holder": "某银行", "document": "抵押合同", "mortgage_kind": "1", "valid_from": "2020-01-01"});
    let at = title.location.unwrap();
    ask(
        &office.app,
        "POST",
        &format!("{at}/encumbrances"),
        &[("Idempotency-Key", "m")],
        Some(mortgage),
    )
    .await;
    let id = office.begun(parcel, Some(&code(1))).await;
    office.work(CLERK, &id, json!({"title_id": title.body["id"]})).await;
    office
        .go(CLERK, &id, json!({"transition": "classify", "policy_action": "return"}))
        .await;
    office.go(CLERK, &id, json!({"transition": "begin_return"})).await;
    office.go(CLERK, &id, json!({"transition": "clear"})).await;
    let approve = json!({"transition": "approve_return", "approval": "永政函〔2026〕1号"});
    let open = office
        .is_refused(CLERK, &id, approve.clone(), "guard_return_checks_done")
        .await;
    assert!(
        open["detail"].as_str().unwrap().contains("某银行"),
        "the mortgagee has to be told: {open}"
    );
    let checks: Vec<Value> = super::content::RETURN_CHECKS
        .iter()
        .map(|check| json!({"check": check.name, "finding": "已核查", "paper": check.paper.map(|_| "永函〔2026〕2号")}))
        .collect();
    office
        .work(
            CLERK,
            &id,
            json!({"return_checks": checks[..7].to_vec(), "told": ["某银行"]}),
        )
        .await;
    let open = office
        .is_refused(CLERK, &id, approve.clone(), "guard_return_checks_done")
        .await;
    assert!(open["detail"].as_str().unwrap().contains("accounts"), "{open}");
    office.work(CLERK, &id, json!({"return_checks": checks})).await;
    office.go(CLERK, &id, approve).await;
    office.bring_papers(&id, parcel, &TRANSFER).await;
    office.register(&id).await;
    let asset = ask(&office.app, "GET", &format!("/api/v1/parcels/{parcel}"), &[], None)
        .await
        .body;
    assert_eq!(
        (&asset["usage"], &asset["title_status"]),
        (&json!("administrative_office"), &json!("unified"))
    );
    let title = ask(&office.app, "GET", &at, &[], None).await.body;
    assert_eq!(
        (
            &title["unification"],
            &title["policy_action"],
            &title["registration_type"]
        ),
        (&json!("unified_bureau"), &json!("return"), &json!("200"))
    );
}

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
    let names: Vec<String> = super::definition()
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
                    "return_checks": super::content::RETURN_CHECKS.iter().map(|check| json!({"check": check.name, "finding": "x", "paper": "x"})).collect::<Vec<_>>(),
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
                let to = &super::definition().unwrap().transition(&name).unwrap().to;
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

#[sqlx::test(migrations = "../migrations")]
async fn a_case_finishes_under_the_procedure_it_began_with(pool: PgPool) {
    let office = Office::open(&pool).await;
    let parcel = office.parcel(0.0).await;
    let id = office.begun(parcel, None).await;
    let carried = super::definition().unwrap();
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
    let other = super::Definition::read("title_case", &other, super::VOCABULARY).unwrap();
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
