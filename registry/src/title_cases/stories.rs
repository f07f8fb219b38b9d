//! Yongzhou's roads told over HTTP, by people who hold nothing but their own role.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};
use crate::titles::tests::with;
use crate::versioned::tests::{entries, prove};

struct Desks {
    app: Router,
    state: AppState,
    pool: PgPool,
    clerk: String,
    reviewer: String,
    approver: String,
}

const BUREAU: &str = "永州市机关事务管理局";

impl Desks {
    async fn open(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        Self {
            app,
            state,
            pool: pool.clone(),
            clerk: person_with(pool, "li", &[Role::TitleClerk], "all").await,
            reviewer: person_with(pool, "wang", &[Role::TitleReviewer], "all").await,
            approver: person_with(pool, "zhao", &[Role::Approver], "all").await,
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

    /// Time passes between two requests.
    async fn send(&self, who: &str, method: &str, uri: &str, headers: &[(&str, &str)], body: Value) -> Answer {
        self.state.clock.advance(time::Duration::minutes(1));
        ask_as(&self.app, Some(who), method, uri, headers, Some(body)).await
    }

    async fn get(&self, uri: &str) -> Answer {
        let answer = ask_as(&self.app, Some(&self.clerk), "GET", uri, &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
        answer
    }

    async fn post(&self, who: &str, uri: &str, body: Value) -> Answer {
        let key = Uuid::now_v7().to_string();
        self.send(who, "POST", uri, &[("Idempotency-Key", &key)], body).await
    }

    /// A certificate that is brought into the book.
    async fn title(&self, parcel: Uuid, number: u32, holder: Value) -> Uuid {
        let body = json!({
            "evidence": "both", "unit_code": code(number), "cert_no": certificate(2018, number), "print_serial": "J01234567890",
            "right_type": "3", "right_nature_land": "101", "land_area_m2": 11_000.0, "registry": "永州市不动产登记中心",
            "holders": [holder], "parcel_ids": [parcel], "accepted_on": "2018-04-20", "recorded_on": "2018-05-01", "issued_on": "2018-05-03",
            "location": "湘江西路1号", "remark": "附记",
        });
        let answer = self.post(&self.clerk, "/api/v1/titles", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().unwrap().parse().unwrap()
    }

    async fn case(&self, parcel: Uuid, title: Option<Uuid>, number: Option<u32>) -> String {
        let body = json!({"asset_id": parcel, "title_id": title, "unit_code": number.map(code)});
        let answer = self.post(&self.clerk, "/api/v1/title-cases", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.location.unwrap()
    }

    async fn step(&self, who: &str, case: &str, body: Value) -> Answer {
        let tag = self.get(case).await.etag.unwrap();
        self.send(who, "POST", &format!("{case}/transitions"), &[("If-Match", &tag)], body)
            .await
    }

    async fn go(&self, who: &str, case: &str, body: Value) -> Value {
        let answer = self.step(who, case, body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.body);
        answer.body
    }

    async fn work(&self, case: &str, body: Value) -> Value {
        let tag = self.get(case).await.etag.unwrap();
        let answer = self
            .send(&self.clerk, "PATCH", case, &[("If-Match", &tag)], body.clone())
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.body);
        answer.body
    }

    /// Refused, with its words, and nothing is written.
    async fn is_refused(&self, who: &str, case: &str, body: Value, code: &str) -> String {
        let before = entries(&self.pool).await;
        let answer = self.step(who, case, body.clone()).await;
        assert!(
            answer.status.is_client_error(),
            "{body}: {} {}",
            answer.status,
            answer.body
        );
        assert_eq!(answer.body["code"], code, "{body}: {}", answer.body);
        assert_eq!(entries(&self.pool).await, before, "{body}");
        answer.body["detail"].as_str().unwrap_or_default().to_owned()
    }

    /// All papers that the case wants.
    async fn bring_papers(&self, case: &str) {
        let wanted = self.get(case).await.body["documents_wanted"].clone();
        let documents: Vec<Value> = wanted
            .as_array()
            .unwrap()
            .iter()
            .map(|wanted| json!({"kind": wanted["kind"], "name": "1号", "date": "2026-01-05"}))
            .collect();
        self.work(case, json!({"documents": documents})).await;
    }

    /// From the application to the archive; each step by whose it is.
    async fn register(&self, case: &str, number: u32) {
        self.go(&self.clerk, case, json!({"transition": "prepare"})).await;
        self.is_refused(&self.clerk, case, json!({"transition": "submit"}), "not_granted")
            .await;
        self.go(&self.reviewer, case, json!({"transition": "submit"})).await;
        let accept = json!({"transition": "accept", "on": "2026-11-02", "receipt_no": "冷不动产受〔2026〕1号"});
        self.is_refused(&self.reviewer, case, accept.clone(), "not_granted")
            .await;
        let accepted = self.go(&self.clerk, case, accept).await;
        assert_eq!(accepted["details"]["receipt_no"], "冷不动产受〔2026〕1号");
        self.go(&self.clerk, case, json!({"transition": "review"})).await;
        let record = json!({"transition": "record", "on": "2026-11-10"});
        self.is_refused(&self.clerk, case, record.clone(), "not_granted").await;
        self.go(&self.reviewer, case, record).await;
        let certify = json!({"transition": "certify", "on": "2026-11-12", "cert_no": certificate(2026, number)});
        self.go(&self.clerk, case, certify).await;
        self.go(&self.clerk, case, json!({"transition": "archive"})).await;
    }

    async fn parcel_says(&self, parcel: Uuid) -> (String, String) {
        let body = self.get(&format!("/api/v1/parcels/{parcel}")).await.body;
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        (text("title_status"), text("usage"))
    }

    async fn title_of(&self, case: &str) -> Value {
        let id = self.get(case).await.body["title_id"].as_str().unwrap().to_owned();
        self.get(&format!("/api/v1/titles/{id}")).await.body
    }
}

fn code(number: u32) -> String {
    format!("431103001002GB{number:05}W00000000")
}

fn certificate(year: u32, number: u32) -> String {
    format!("湘({year})冷水滩区不动产权第{number:07}号")
}

fn bureau() -> Value {
    json!([{"name": BUREAU, "kind": "bureau"}])
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_unit_holds_is_transferred_by_people_with_their_own_role(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    let parcel = desks.parcel(0.0).await;
    let title = desks
        .title(parcel, 1, json!({"name": "永州市某局", "kind": "unit"}))
        .await;
    assert_eq!(
        desks.parcel_says(parcel).await.0,
        "other_handed",
        "the asset follows the book"
    );
    let case = desks.case(parcel, Some(title), Some(1)).await;
    // What a case deals with isn't ended under it.
    let at = format!("/api/v1/titles/{title}");
    let tag = desks.get(&at).await.etag.unwrap();
    let end = json!({"valid_to": "2026-11-01", "reason": "拆除"});
    let closures = format!("{at}/closures");
    let ended = desks
        .send(&desks.clerk, "POST", &closures, &[("If-Match", &tag)], end)
        .await;
    assert_eq!(
        (ended.status, &ended.body["code"]),
        (StatusCode::CONFLICT, &json!("case_pending"))
    );
    desks
        .go(
            &desks.clerk,
            &case,
            json!({"transition": "classify", "policy_action": "re_register"}),
        )
        .await;
    desks.go(&desks.clerk, &case, json!({"transition": "collect"})).await;
    let worked = desks
        .work(
            &case,
            json!({"draft": {"holders": bureau(), "remark": null}, "area": {"surveyed_m2": 11_050.0, "certificate_m2": 11_000.0}}),
        )
        .await;
    // What the case doesn't speak of stays as the book has it, and what it empties is told.
    let changed: Vec<&str> = worked["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["field"].as_str().unwrap())
        .collect();
    assert_eq!(changed, ["holders", "remark"], "{worked}");
    assert_eq!(worked["since_submission"], Value::Null);
    desks.bring_papers(&case).await;
    desks.go(&desks.clerk, &case, json!({"transition": "prepare"})).await;
    desks
        .go(
            &desks.reviewer,
            &case,
            json!({"transition": "send_back", "reason": "坐落不全"}),
        )
        .await;
    desks.work(&case, json!({"draft": {"location": "湘江西路1号院"}})).await;
    let again = desks.get(&case).await.body;
    assert_eq!(
        again["since_submission"],
        json!([{"field": "location", "before": "湘江西路1号", "after": "湘江西路1号院"}])
    );
    desks.register(&case, 1).await;
    let written = desks.title_of(&case).await;
    for (field, value) in [
        ("unification", json!("unified_bureau")),
        ("cert_no", json!(certificate(2026, 1))),
        ("print_serial", Value::Null),
        ("remark", Value::Null),
        ("land_area_m2", json!(11_000.0)),
        ("registry", json!("永州市不动产登记中心")),
        ("registration_type", json!("200")),
        ("policy_action", json!("re_register")),
        ("location", json!("湘江西路1号院")),
    ] {
        assert_eq!(written[field], value, "{field}: {written}");
    }
    assert_eq!(desks.parcel_says(parcel).await.0, "unified");
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_unregistered_is_first_registered_by_people_with_their_own_role(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    let parcel = desks.parcel(0.0).await;
    let case = desks.case(parcel, None, Some(2)).await;
    // A change or a correction is of something that is in the book.
    desks
        .is_refused(
            &desks.clerk,
            &case,
            json!({"transition": "classify", "policy_action": "correct"}),
            "guard_policy_action_given",
        )
        .await;
    desks
        .go(
            &desks.clerk,
            &case,
            json!({"transition": "classify", "policy_action": "first_register"}),
        )
        .await;
    desks.go(&desks.clerk, &case, json!({"transition": "collect"})).await;
    desks
        .work(
            &case,
            json!({
                "draft": {"evidence": "both", "right_type": "3", "right_nature_land": "101", "parcel_ids": [parcel], "holders": bureau()},
                "area": {"surveyed_m2": 11_000.0},
            }),
        )
        .await;
    desks.bring_papers(&case).await;
    desks.register(&case, 2).await;
    assert_eq!(desks.title_of(&case).await["registration_type"], "100");
    assert_eq!(
        desks.parcel_says(parcel).await,
        ("unified".to_owned(), "commercial".to_owned())
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_can_not_be_registered_is_filed_for_a_year_and_cured(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    let parcel = desks.parcel(0.0).await;
    let case = desks.case(parcel, None, None).await;
    desks
        .go(
            &desks.clerk,
            &case,
            json!({"transition": "classify", "policy_action": "file"}),
        )
        .await;
    desks.go(&desks.clerk, &case, json!({"transition": "collect"})).await;
    desks
        .go(&desks.clerk, &case, json!({"transition": "draft_filing"}))
        .await;
    desks
        .work(
            &case,
            json!({"filing_reasons": ["papers_lost"], "filing_evidence": "档案馆查无"}),
        )
        .await;
    desks.bring_papers(&case).await;
    desks
        .go(&desks.clerk, &case, json!({"transition": "put_filing_forward"}))
        .await;
    desks
        .is_refused(&desks.clerk, &case, json!({"transition": "file"}), "not_granted")
        .await;
    let filed = desks.go(&desks.reviewer, &case, json!({"transition": "file"})).await;
    assert_eq!(
        (&filed["disposal_frozen"], &filed["review_on"]),
        (&json!(true), &json!("2027-11-21"))
    );
    // The year passes; the case comes back to the head of the queue.
    desks.state.clock.advance(time::Duration::days(366));
    let late = desks.get("/api/v1/title-cases?overdue=true").await.body;
    assert_eq!(
        (&late["items"][0]["state"], &late["items"][0]["disposal_frozen"]),
        (&json!("filed"), &json!(true))
    );
    desks
        .go(
            &desks.reviewer,
            &case,
            json!({"transition": "review_filing", "reason": "障碍仍在"}),
        )
        .await;
    assert_eq!(
        desks.get("/api/v1/title-cases?overdue=true").await.body["items"],
        json!([])
    );
    desks
        .go(
            &desks.clerk,
            &case,
            json!({"transition": "collect_again", "reason": "资料已找到"}),
        )
        .await;
    desks
        .go(
            &desks.clerk,
            &case,
            json!({"transition": "reclassify", "policy_action": "first_register", "reason": "资料已找到"}),
        )
        .await;
    desks.go(&desks.clerk, &case, json!({"transition": "collect"})).await;
    desks
        .work(
            &case,
            json!({
                "unit_code": code(3), "area": {"surveyed_m2": 11_000.0},
                "draft": {"evidence": "both", "right_type": "3", "parcel_ids": [parcel], "holders": bureau()},
            }),
        )
        .await;
    desks.bring_papers(&case).await;
    let obstacles = format!("/api/v1/disposal-obstacles/{parcel}");
    assert_eq!(
        desks.get(&obstacles).await.body[0]["kind"],
        "filed",
        "frozen until it is recorded"
    );
    desks.register(&case, 3).await;
    assert_eq!(desks.get(&obstacles).await.body, json!([]));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_company_holds_returns_by_people_with_their_own_role(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    let parcel = desks.parcel(0.0).await;
    let title = desks
        .title(parcel, 4, json!({"name": "永州城投", "kind": "platform_company"}))
        .await;
    let mortgage = json!({"kind": "mortgage", "holder": "某银行", "document": "抵押合同", "mortgage_kind": "1", "valid_from": "2020-01-01"});
    let at = format!("/api/v1/titles/{title}/encumbrances");
    let read = desks.get(&format!("/api/v1/titles/{title}")).await;
    assert_eq!(
        desks.post(&desks.clerk, &at, mortgage).await.status,
        StatusCode::CREATED
    );
    // What lies on it changes without a new version of the title: who remembers the answer is told anew.
    let tag = read.etag.unwrap();
    let uri = format!("/api/v1/titles/{title}");
    let again = ask_as(
        &desks.app,
        Some(&desks.clerk),
        "GET",
        &uri,
        &[("If-None-Match", &tag)],
        None,
    )
    .await;
    assert_eq!(
        (again.status, &again.body["encumbrances"][0]["holder"]),
        (StatusCode::OK, &json!("某银行"))
    );
    let case = desks.case(parcel, Some(title), Some(4)).await;
    desks
        .go(
            &desks.clerk,
            &case,
            json!({"transition": "classify", "policy_action": "return"}),
        )
        .await;
    desks
        .go(&desks.clerk, &case, json!({"transition": "begin_return"}))
        .await;
    let told = desks.go(&desks.clerk, &case, json!({"transition": "clear"})).await;
    assert_eq!(
        (&told["obstacles"][0]["effect"], &told["obstacles"][0]["holder"]),
        (&json!("must_tell"), &json!("某银行"))
    );
    let wanted: Vec<String> = told["checks_wanted"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["check"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(wanted.len(), 8);
    let approve = json!({"transition": "approve_return", "approval": "永政函〔2026〕1号"});
    // Each of the eight is missed by its name.
    for missing in &wanted {
        let checks: Vec<Value> = wanted
            .iter()
            .filter(|check| *check != missing)
            .map(|check| json!({"check": check, "finding": "已核查", "paper": "永函〔2026〕2号"}))
            .collect();
        desks
            .work(&case, json!({"return_checks": checks, "told": ["某银行"]}))
            .await;
        let detail = desks
            .is_refused(&desks.clerk, &case, approve.clone(), "guard_return_checks_done")
            .await;
        assert!(
            detail.ends_with(&format!("not checked yet: {missing}")),
            "{missing}: {detail}"
        );
    }
    // Three of them are acts of somebody: none of these counts without its paper.
    let with_paper: Vec<&str> = told["checks_wanted"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["paper_zh"].is_string())
        .map(|check| check["check"].as_str().unwrap())
        .collect();
    assert_eq!(with_paper, ["origin", "books", "approval"]);
    let checks = |without: &str| -> Vec<Value> {
        wanted
            .iter()
            .map(|check| {
                let has_paper = with_paper.contains(&check.as_str()) && check != without;
                json!({"check": check, "finding": "已核查", "paper": if has_paper { "永函〔2026〕2号" } else { " " }})
            })
            .collect()
    };
    for without in &with_paper {
        let worked = desks.work(&case, json!({"return_checks": checks(without)})).await;
        let open: Vec<&Value> = worked["checks_wanted"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|check| check["done"] == false)
            .map(|check| &check["check"])
            .collect();
        assert_eq!(open, [without], "{worked}");
        let detail = desks
            .is_refused(&desks.clerk, &case, approve.clone(), "guard_return_papers_given")
            .await;
        assert!(detail.contains(without), "{without}: {detail}");
    }
    desks.work(&case, json!({"return_checks": checks("none")})).await;
    desks.go(&desks.clerk, &case, approve).await;
    desks
        .work(
            &case,
            json!({"draft": {"holders": bureau()}, "area": {"surveyed_m2": 11_000.0}}),
        )
        .await;
    desks.bring_papers(&case).await;
    desks.register(&case, 4).await;
    assert_eq!(
        desks.parcel_says(parcel).await,
        ("unified".to_owned(), "administrative_office".to_owned())
    );
    let written = desks.title_of(&case).await;
    assert_eq!(
        (&written["policy_action"], &written["right_nature_land"]),
        (&json!("return"), &json!("101")),
        "what was allocated stays allocated"
    );
}

/// A return has no way round its approval: not through a filing, and not under another name.
#[sqlx::test(migrations = "../migrations")]
async fn a_return_is_approved_whichever_way_it_takes(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    let parcel = desks.parcel(0.0).await;
    let company = json!({"name": "永州城投", "kind": "platform_company"});
    let title = desks.title(parcel, 9, company.clone()).await;
    let case = desks.case(parcel, Some(title), Some(9)).await;
    let clerk = &desks.clerk;
    desks
        .go(
            clerk,
            &case,
            json!({"transition": "classify", "policy_action": "return"}),
        )
        .await;
    desks.go(clerk, &case, json!({"transition": "begin_return"})).await;
    desks.go(clerk, &case, json!({"transition": "draft_filing"})).await;
    desks
        .work(
            &case,
            json!({"filing_reasons": ["papers_lost"], "filing_evidence": "档案馆查无"}),
        )
        .await;
    desks.bring_papers(&case).await;
    desks
        .go(clerk, &case, json!({"transition": "put_filing_forward"}))
        .await;
    let again = json!({"transition": "collect_again", "reason": "资料已找到"});
    desks
        .is_refused(clerk, &case, again.clone(), "transition_forbidden")
        .await;
    desks.go(&desks.reviewer, &case, json!({"transition": "file"})).await;
    desks.is_refused(clerk, &case, again, "transition_forbidden").await;
    let offered = desks.get(&case).await.body["steps"].clone();
    let to: Vec<&Value> = offered.as_array().unwrap().iter().map(|step| &step["to"]).collect();
    assert_eq!(to, ["return_talks", "filed"], "{offered}");
    desks
        .go(
            clerk,
            &case,
            json!({"transition": "talk_again", "reason": "公司同意划转"}),
        )
        .await;
    desks
        .is_refused(clerk, &case, json!({"transition": "prepare"}), "transition_forbidden")
        .await;
    // What a company holds isn't brought into another's name as if it were a unit's.
    for (policy, holders) in [("re_register", bureau()), ("change", bureau())] {
        desks
            .go(
                clerk,
                &case,
                json!({"transition": "reclassify", "policy_action": policy, "reason": "另行办理"}),
            )
            .await;
        desks.go(clerk, &case, json!({"transition": "collect"})).await;
        desks
            .work(
                &case,
                json!({"draft": {"holders": holders}, "area": {"surveyed_m2": 11_000.0}}),
            )
            .await;
        desks.bring_papers(&case).await;
        desks
            .is_refused(clerk, &case, json!({"transition": "prepare"}), "guard_company_returns")
            .await;
    }
    // The company's own name may change.
    desks
        .work(
            &case,
            json!({"draft": {"holders": [{"name": "永州城市发展集团", "kind": "platform_company"}]}}),
        )
        .await;
    desks.go(clerk, &case, json!({"transition": "prepare"})).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn what_stays_with_its_unit_takes_an_approval(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    for (west, policy) in [(0.0, "keep_in_unit"), (5.0, "keep_in_dept")] {
        let parcel = desks.parcel(west).await;
        let case = desks.case(parcel, None, None).await;
        desks
            .go(
                &desks.clerk,
                &case,
                json!({"transition": "classify", "policy_action": policy}),
            )
            .await;
        let keep = json!({"transition": "keep", "approval": "永办函〔2026〕3号"});
        for who in [&desks.clerk, &desks.reviewer] {
            desks.is_refused(who, &case, keep.clone(), "not_granted").await;
        }
        desks
            .is_refused(
                &desks.approver,
                &case,
                json!({"transition": "keep"}),
                "guard_approval_given",
            )
            .await;
        let kept = desks.go(&desks.approver, &case, keep).await;
        assert_eq!(
            (&kept["details"]["approval"], &kept["reviewed_by"]),
            (&json!("永办函〔2026〕3号"), &json!("zhao"))
        );
        desks.go(&desks.clerk, &case, json!({"transition": "archive"})).await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn changes_and_corrections_are_cases_of_what_is_in_the_book(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    for (number, policy, registration, change) in [
        (
            5,
            "change",
            "300",
            json!({"holders": [{"name": "永州市机关事务服务中心", "kind": "bureau"}]}),
        ),
        (6, "correct", "500", json!({"land_area_m2": 11_050.0})),
    ] {
        let parcel = desks.parcel(f64::from(number) * 3.0).await;
        let title = desks.title(parcel, number, bureau()[0].clone()).await;
        let case = desks.case(parcel, Some(title), Some(number)).await;
        desks
            .is_refused(
                &desks.clerk,
                &case,
                json!({"transition": "classify", "policy_action": policy, "registration_type": "200"}),
                "guard_policy_action_given",
            )
            .await;
        desks
            .go(
                &desks.clerk,
                &case,
                json!({"transition": "classify", "policy_action": policy}),
            )
            .await;
        desks.go(&desks.clerk, &case, json!({"transition": "collect"})).await;
        desks
            .work(&case, json!({"draft": change, "area": {"surveyed_m2": 11_000.0}}))
            .await;
        let wanted = desks.get(&case).await.body["documents_wanted"].clone();
        let proof = if registration == "300" {
            "change_proof"
        } else {
            "error_proof"
        };
        assert!(
            wanted.as_array().unwrap().iter().any(|one| one["kind"] == proof),
            "{wanted}"
        );
        desks.bring_papers(&case).await;
        desks.register(&case, number).await;
        let written = desks.title_of(&case).await;
        assert_eq!(
            (&written["registration_type"], &written["location"]),
            (&json!(registration), &json!("湘江西路1号"))
        );
        for (field, value) in change.as_object().unwrap() {
            assert_eq!(&written[field], value, "{field}");
        }
    }
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

/// What is sent straight to the interface is refused with words, and nothing is written.
#[sqlx::test(migrations = "../migrations")]
async fn bad_steps_change_nothing(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    let (one, other) = (desks.parcel(0.0).await, desks.parcel(5.0).await);
    desks
        .title(other, 8, json!({"name": "永州市某局", "kind": "unit"}))
        .await;
    // One key, two wishes.
    let open = |asset: Uuid| {
        let desks = &desks;
        async move {
            let body = json!({"asset_id": asset, "unit_code": code(7)});
            desks
                .send(
                    &desks.clerk,
                    "POST",
                    "/api/v1/title-cases",
                    &[("Idempotency-Key", "k")],
                    body,
                )
                .await
        }
    };
    let first = open(one).await;
    let before = entries(&pool).await;
    assert_eq!(open(one).await.body["id"], first.body["id"]);
    assert_eq!(open(other).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(entries(&pool).await, before);
    let case = first.location.unwrap();
    let stale = desks.get(&case).await.etag.unwrap();
    desks
        .go(
            &desks.clerk,
            &case,
            json!({"transition": "classify", "policy_action": "first_register"}),
        )
        .await;
    let before = entries(&pool).await;
    let collect = json!({"transition": "collect"});
    let late = desks
        .send(
            &desks.clerk,
            "POST",
            &format!("{case}/transitions"),
            &[("If-Match", &stale)],
            collect.clone(),
        )
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(entries(&pool).await, before);
    for (who, step) in [
        (&desks.reviewer, "record"),
        (&desks.clerk, "certify"),
        (&desks.clerk, "archive"),
    ] {
        let step = json!({"transition": step, "on": "2026-11-10", "cert_no": certificate(2026, 7)});
        desks.is_refused(who, &case, step, "transition_forbidden").await;
    }
    desks.go(&desks.clerk, &case, collect).await;
    desks
        .work(
            &case,
            json!({
                "draft": {"evidence": "both", "right_type": "3", "parcel_ids": [one], "holders": bureau()},
                "area": {"surveyed_m2": 11_000.0},
            }),
        )
        .await;
    desks.bring_papers(&case).await;
    desks.go(&desks.clerk, &case, json!({"transition": "prepare"})).await;
    // Whoever holds both roles doesn't approve what they put forward.
    let both = person_with(&pool, "li", &[Role::TitleReviewer], "all").await;
    let detail = desks
        .is_refused(&both, &case, json!({"transition": "submit"}), "four_eyes")
        .await;
    assert!(detail.contains("GOV-01"), "{detail}");
    desks.go(&desks.reviewer, &case, json!({"transition": "submit"})).await;
    for on in ["2026-11-22", "2027-01-01"] {
        let accept = json!({"transition": "accept", "on": on});
        let detail = desks.is_refused(&desks.clerk, &case, accept, "guard_date_given").await;
        assert!(detail.contains("TTL-20"), "{detail}");
    }
    desks
        .go(&desks.clerk, &case, json!({"transition": "accept", "on": "2026-11-02"}))
        .await;
    desks.go(&desks.clerk, &case, json!({"transition": "review"})).await;
    let early = json!({"transition": "record", "on": "2026-11-01"});
    let detail = desks
        .is_refused(&desks.reviewer, &case, early, "guard_date_given")
        .await;
    assert!(detail.contains("TTL-20"), "{detail}");
    desks
        .go(
            &desks.reviewer,
            &case,
            json!({"transition": "record", "on": "2026-11-10"}),
        )
        .await;
    // A certificate number that another title has.
    let taken = json!({"transition": "certify", "on": "2026-11-12", "cert_no": certificate(2018, 8)});
    let detail = desks
        .is_refused(&desks.clerk, &case, taken, "title_version_one_per_certificate")
        .await;
    assert!(detail.contains("COD-10"), "{detail}");
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

/// From the application to the book, without a certificate.
async fn enter(desks: &Desks, case: &str, prepare: &str, record: &str) -> Value {
    desks.go(&desks.clerk, case, json!({"transition": prepare})).await;
    desks
        .is_refused(&desks.clerk, case, json!({"transition": "submit_entry"}), "not_granted")
        .await;
    desks
        .go(&desks.reviewer, case, json!({"transition": "submit_entry"}))
        .await;
    desks
        .go(&desks.clerk, case, json!({"transition": "accept", "on": "2026-11-02"}))
        .await;
    desks.go(&desks.clerk, case, json!({"transition": "review"})).await;
    let record = json!({"transition": record, "on": "2026-11-10"});
    desks
        .is_refused(&desks.clerk, case, record.clone(), "not_granted")
        .await;
    desks.go(&desks.reviewer, case, record).await
}

impl Desks {
    /// A case about a title, collecting its papers.
    async fn begun(&self, parcel: Uuid, title: Uuid, policy: &str) -> String {
        let body = json!({"asset_id": parcel, "title_id": title, "policy_action": policy});
        let answer = self.post(&self.clerk, "/api/v1/title-cases", body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        let case = answer.location.unwrap();
        self.go(
            &self.clerk,
            &case,
            json!({"transition": "classify", "policy_action": policy}),
        )
        .await;
        self.go(&self.clerk, &case, json!({"transition": "collect"})).await;
        case
    }

    async fn burdens(&self, title: &str) -> Vec<(String, String)> {
        let body = self.get(&format!("/api/v1/titles/{title}")).await.body;
        let burdens = body["encumbrances"].as_array().unwrap();
        let text = |one: &Value, field: &str| one[field].as_str().unwrap_or_default().to_owned();
        burdens
            .iter()
            .map(|one| (text(one, "kind"), text(one, "holder")))
            .collect()
    }
}

/// Halves of the parcel that stands `west` of the first.
fn halves(west: f64) -> [Value; 2] {
    [(0.0, 0.5), (0.5, 1.0)].map(|(from, to)| {
        let ring = [[from, 0.0], [to, 0.0], [to, 1.0], [from, 1.0], [from, 0.0]]
            .map(|[x, y]| [111.6 + (west + x) * 0.001, 26.4 + y * 0.001]);
        json!({"type": "Polygon", "coordinates": [ring]})
    })
}

#[sqlx::test(migrations = "../migrations")]
async fn a_titled_parcel_is_split_by_a_case_and_what_lay_on_it_lies_on_both(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    let parcel = desks.parcel(0.0).await;
    let title = desks.title(parcel, 11, bureau()[0].clone()).await;
    let mortgage = json!({"kind": "mortgage", "holder": "某银行", "document": "抵押合同", "mortgage_kind": "1", "valid_from": "2020-01-01"});
    let answer = desks
        .post(&desks.clerk, &format!("/api/v1/titles/{title}/encumbrances"), mortgage)
        .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let case = desks.begun(parcel, title, "split_merge").await;
    let clerk = &desks.clerk;
    let prepare = json!({"transition": "prepare_split"});
    desks
        .is_refused(clerk, &case, prepare.clone(), "guard_documents_complete")
        .await;
    desks.bring_papers(&case).await;
    desks
        .is_refused(clerk, &case, prepare.clone(), "guard_succession_given")
        .await;
    // What doesn't cover the ground isn't even taken down.
    let [west, east] = halves(0.0);
    let tag = desks.get(&case).await.etag.unwrap();
    let half = json!({"succession": {"from_ids": [parcel], "pieces": [{"geometry": west}, {"geometry": west}]}});
    let refused = desks.send(clerk, "PATCH", &case, &[("If-Match", &tag)], half).await;
    assert_eq!(
        (&refused.body["code"], &refused.body["rule"]["id"]),
        (&json!("area_not_conserved"), &json!("GEO-14")),
        "{}",
        refused.body
    );
    let plan = |first: Value| {
        json!({"succession": {"from_ids": [parcel], "pieces": [
            {"geometry": west, "code": "A", "unit_code": code(12), "holders": first},
            {"geometry": east, "code": "B", "unit_code": code(13)},
        ]}})
    };
    // Where rights move it is a transfer, and no mere change.
    desks
        .work(&case, plan(json!([{"name": "永州市财政局", "kind": "unit"}])))
        .await;
    let detail = desks
        .is_refused(clerk, &case, prepare.clone(), "guard_succession_given")
        .await;
    assert!(detail.contains("200"), "{detail}");
    desks.work(&case, plan(Value::Null)).await;
    // The old title ends: whoever has a mortgage on it consents.
    let detail = desks
        .is_refused(clerk, &case, prepare.clone(), "guard_encumbrances_handled")
        .await;
    assert!(detail.contains("某银行"), "{detail}");
    desks.work(&case, json!({"consents": ["某银行"]})).await;
    desks.go(clerk, &case, prepare).await;
    desks.go(&desks.reviewer, &case, json!({"transition": "submit"})).await;
    desks
        .go(clerk, &case, json!({"transition": "accept", "on": "2026-11-02"}))
        .await;
    desks.go(clerk, &case, json!({"transition": "review"})).await;
    let recorded = desks
        .go(
            &desks.reviewer,
            &case,
            json!({"transition": "record_split", "on": "2026-11-10"}),
        )
        .await;
    let new: Vec<String> = serde_json::from_value(recorded["details"]["title_ids"].clone()).unwrap();
    assert_eq!(new.len(), 2, "{recorded}");
    let certify = |numbers: Value| json!({"transition": "certify", "on": "2026-11-12", "cert_nos": numbers});
    desks
        .is_refused(
            clerk,
            &case,
            certify(json!([certificate(2026, 12)])),
            "guard_certificate_given",
        )
        .await;
    desks
        .go(
            clerk,
            &case,
            certify(json!([certificate(2026, 12), certificate(2026, 13)])),
        )
        .await;
    desks.go(clerk, &case, json!({"transition": "archive"})).await;
    let mut parcels = Vec::new();
    for (id, number) in new.iter().zip([12, 13]) {
        let held = desks.get(&format!("/api/v1/titles/{id}")).await.body;
        for (field, value) in [
            ("unit_code", json!(code(number))),
            ("cert_no", json!(certificate(2026, number))),
            ("registration_type", json!("300")),
            ("policy_action", json!("split_merge")),
            ("right_nature_land", json!("101")),
            ("location", json!("湘江西路1号")),
        ] {
            assert_eq!(held[field], value, "{field}: {held}");
        }
        assert_eq!(held["holders"][0]["name"], BUREAU);
        parcels.push(held["parcel_ids"][0].as_str().unwrap().to_owned());
        assert_eq!(desks.burdens(id).await, [("mortgage".to_owned(), "某银行".to_owned())]);
    }
    // The old title and its parcel are what they were the day before, and no more.
    let old = format!("/api/v1/titles/{title}");
    assert_eq!(
        desks.get(&format!("{old}?as_of=2026-11-09")).await.body["unit_code"],
        json!(code(11))
    );
    let now = ask_as(&desks.app, Some(clerk), "GET", &old, &[], None).await;
    assert_eq!(now.status, StatusCode::NOT_FOUND, "{}", now.body);
    let told = desks.get(&format!("/api/v1/successions?asset={parcel}")).await.body;
    assert_eq!(
        (&told[0]["to"][0]["id"], &told[0]["survey"], &told[0]["case_id"]),
        (&json!(parcels[0]), &json!("1号"), &recorded["id"]),
        "{told}"
    );
    assert_eq!(desks.parcel_says(parcels[1].parse().unwrap()).await.0, "unified");
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_title_ends_with_the_consents_it_takes(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    let parcel = desks.parcel(0.0).await;
    let title = desks.title(parcel, 14, bureau()[0].clone()).await;
    let seizure = json!({"kind": "seizure", "holder": "冷水滩区人民法院", "document": "(2026)湘1103执1号", "valid_from": "2026-01-05"});
    // The same court has a second one that waits.
    let waits = with(
        seizure.clone(),
        json!({"document": "(2026)湘1103执2号", "valid_from": "2026-02-05"}),
    );
    for entered in [seizure, waits] {
        let answer = desks
            .post(&desks.clerk, &format!("/api/v1/titles/{title}/encumbrances"), entered)
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    }
    let case = desks.begun(parcel, title, "cancel").await;
    desks.bring_papers(&case).await;
    let prepare = json!({"transition": "prepare_cancel"});
    desks
        .is_refused(&desks.clerk, &case, prepare.clone(), "guard_end_given")
        .await;
    desks
        .work(&case, json!({"end_cause": "taken_back", "asset_status": "none_handed"}))
        .await;
    let detail = desks
        .is_refused(&desks.clerk, &case, prepare, "guard_encumbrances_handled")
        .await;
    assert!(detail.contains("art. 28"), "{detail}");
    desks.work(&case, json!({"consents": ["冷水滩区人民法院"]})).await;
    enter(&desks, &case, "prepare_cancel", "record_cancel").await;
    desks.go(&desks.clerk, &case, json!({"transition": "close"})).await;
    let old = format!("/api/v1/titles/{title}");
    assert_eq!(
        desks.get(&format!("{old}?as_of=2026-11-09")).await.body["unit_code"],
        json!(code(14))
    );
    let now = ask_as(&desks.app, Some(&desks.clerk), "GET", &old, &[], None).await;
    assert_eq!(now.status, StatusCode::NOT_FOUND, "{}", now.body);
    // Nothing lies on what is no more, and nobody moved up to it; the past keeps both in their order.
    let before = desks.get(&format!("{old}?as_of=2026-11-09")).await.body["encumbrances"].clone();
    let places: Vec<_> = before
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["queue_no"].clone())
        .collect();
    assert_eq!(places, [json!(0), json!(1)]);
    let left: i64 = sqlx::query_scalar(
        "select count(*) from encumbrance_version where title_id = $1 and upper_inf(recorded) and upper_inf(valid)",
    )
    .bind(title)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(left, 0);
    assert_eq!(desks.parcel_says(parcel).await.0, "none_handed");
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn an_objection_lapses_without_a_suit_and_a_pre_notice_after_ninety_days(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    let clerk = &desks.clerk;
    let mut cases = Vec::new();
    for (number, policy, holder) in [
        (15, "objection", "张三"),
        (16, "objection", "李四"),
        (17, "pre_notice", "王五"),
    ] {
        let parcel = desks.parcel(f64::from(number) * 3.0).await;
        let title = desks.title(parcel, number, bureau()[0].clone()).await;
        let case = desks.begun(parcel, title, policy).await;
        desks.bring_papers(&case).await;
        desks
            .is_refused(
                clerk,
                &case,
                json!({"transition": "prepare_entry"}),
                "guard_entry_given",
            )
            .await;
        desks
            .work(
                &case,
                json!({"entry": {"kind": policy, "holder": holder, "document": "申请书"}}),
            )
            .await;
        let recorded = enter(&desks, &case, "prepare_entry", "record_entry").await;
        let due = if policy == "objection" {
            json!("2026-11-25")
        } else {
            Value::Null
        };
        assert_eq!(recorded["review_on"], due, "{policy}");
        assert_eq!(
            desks.burdens(&title.to_string()).await,
            [(policy.to_owned(), holder.to_owned())]
        );
        cases.push((case, title.to_string()));
    }
    let [(lapsing, lapsing_title), (sued, sued_title), (notice, notice_title)] = &cases[..] else {
        unreachable!("three cases were made");
    };
    desks
        .is_refused(clerk, lapsing, json!({"transition": "lapse"}), "guard_entry_lapsed")
        .await;
    let suit = json!({"transition": "note_suit", "on": "2026-11-20", "approval": "受理案件通知书"});
    let told = desks.go(clerk, sued, suit.clone()).await;
    assert_eq!(told["review_on"], Value::Null);
    let possible = json!({"transition": "note_registrable", "on": "2026-11-15"});
    assert_eq!(desks.go(clerk, notice, possible).await["review_on"], "2027-02-13");
    // The fifteen days pass; the case comes to the head of the queue.
    desks.state.clock.advance(time::Duration::days(10));
    let late = desks.get("/api/v1/title-cases?overdue=true").await.body;
    let numbers: Vec<&Value> = late["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["policy_action"])
        .collect();
    assert_eq!(numbers, [&json!("objection")], "{late}");
    let late_suit = json!({"transition": "note_suit", "on": "2026-11-30", "approval": "受理案件通知书"});
    desks.is_refused(clerk, lapsing, late_suit, "guard_suit_in_time").await;
    desks.go(clerk, lapsing, json!({"transition": "lapse"})).await;
    assert_eq!(desks.burdens(lapsing_title).await, []);
    assert_eq!(desks.burdens(sued_title).await.len(), 1);
    // Ninety days after the registration became possible.
    desks
        .is_refused(clerk, notice, json!({"transition": "lapse"}), "guard_entry_lapsed")
        .await;
    desks.state.clock.advance(time::Duration::days(80));
    desks.go(clerk, notice, json!({"transition": "lapse"})).await;
    assert_eq!(desks.burdens(notice_title).await, []);
    let release = json!({"transition": "release", "on": "2027-02-01", "reason": "判决驳回异议"});
    desks.go(clerk, sued, release).await;
    assert_eq!(desks.burdens(sued_title).await, []);
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn a_court_seizes_what_another_case_is_about_and_stops_it(pool: PgPool) {
    let desks = Desks::open(&pool).await;
    let parcel = desks.parcel(0.0).await;
    let title = desks
        .title(parcel, 18, json!({"name": "永州市某局", "kind": "unit"}))
        .await;
    let transfer = desks.case(parcel, Some(title), Some(18)).await;
    desks
        .go(
            &desks.clerk,
            &transfer,
            json!({"transition": "classify", "policy_action": "re_register"}),
        )
        .await;
    desks
        .go(&desks.clerk, &transfer, json!({"transition": "collect"}))
        .await;
    desks
        .work(
            &transfer,
            json!({"draft": {"holders": bureau()}, "area": {"surveyed_m2": 11_000.0}}),
        )
        .await;
    desks.bring_papers(&transfer).await;
    desks
        .go(&desks.clerk, &transfer, json!({"transition": "prepare"}))
        .await;
    desks
        .go(&desks.reviewer, &transfer, json!({"transition": "submit"}))
        .await;
    desks
        .go(
            &desks.clerk,
            &transfer,
            json!({"transition": "accept", "on": "2026-11-02"}),
        )
        .await;
    desks.go(&desks.clerk, &transfer, json!({"transition": "review"})).await;
    // Another case of the same kind is held off, the court's is not.
    let body = json!({"asset_id": parcel, "title_id": title});
    let held_off = desks.post(&desks.clerk, "/api/v1/title-cases", body).await;
    assert_eq!(
        held_off.body["code"], "title_case_version_one_per_asset",
        "{}",
        held_off.body
    );
    let seizure = desks.begun(parcel, title, "seizure").await;
    let wanted = desks.get(&seizure).await.body["documents_wanted"].clone();
    let kinds: Vec<&Value> = wanted.as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["official_pass", "assistance_notice", "ruling"]);
    desks.bring_papers(&seizure).await;
    desks
        .work(
            &seizure,
            json!({"entry": {"kind": "seizure", "holder": "冷水滩区人民法院", "document": "(2026)湘1103执2号"}}),
        )
        .await;
    enter(&desks, &seizure, "prepare_entry", "record_entry").await;
    desks.go(&desks.clerk, &seizure, json!({"transition": "close"})).await;
    let record = json!({"transition": "record", "on": "2026-11-10"});
    let detail = desks
        .is_refused(&desks.reviewer, &transfer, record, "guard_encumbrances_handled")
        .await;
    assert!(
        detail.contains("冷水滩区人民法院") && detail.contains("art. 38"),
        "{detail}"
    );
}
