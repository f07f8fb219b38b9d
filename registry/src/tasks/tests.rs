//! The worklist over HTTP, over a real PostGIS, each person with a role and a part of their own.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;
use time::{Date, Duration};
use uuid::Uuid;

use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};

/// The office of a district and its neighbours.
struct Office {
    app: Router,
    state: AppState,
    tokens: BTreeMap<&'static str, String>,
}

const MANAGER: &str = "manager";
const APPROVER: &str = "approver";
const CLERK: &str = "clerk";
const REVIEWER: &str = "reviewer";
/// Clerk and reviewer in one: what four eyes are for.
const BOTH: &str = "both";
const VIEWER: &str = "viewer";
const ADMINISTRATOR: &str = "administrator";
/// Manager, clerk and approver of the district beside.
const BESIDE: &str = "beside";

const PAPERS: [&str; 5] = [
    "application",
    "identity",
    "title_source",
    "cadastral_survey",
    "government_approval",
];

impl Office {
    async fn open_on(pool: &PgPool, today: Date) -> Self {
        let (app, state) = app(pool).await;
        let back = today - state.clock.today();
        state.clock.advance(back);
        for code in ["431103", "431102"] {
            let body =
                json!({"code": code, "name": format!("区{code}"), "level": "county", "valid_from": "2010-01-01"});
            let made = ask(
                &app,
                "POST",
                "/api/v1/regions",
                &[("Idempotency-Key", code)],
                Some(body),
            )
            .await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        }
        let mut tokens = BTreeMap::new();
        for (who, roles, region) in [
            (MANAGER, &[Role::AssetManager][..], "431103"),
            (APPROVER, &[Role::Approver], "431103"),
            (CLERK, &[Role::TitleClerk], "431103"),
            (REVIEWER, &[Role::TitleReviewer], "431103"),
            (BOTH, &[Role::TitleClerk, Role::TitleReviewer], "431103"),
            (VIEWER, &[Role::Viewer], "all"),
            (ADMINISTRATOR, &[Role::Administrator], "all"),
            (
                BESIDE,
                &[Role::AssetManager, Role::TitleClerk, Role::Approver],
                "431102",
            ),
        ] {
            tokens.insert(who, person_with(pool, who, roles, region).await);
        }
        Self { app, state, tokens }
    }

    async fn ask(&self, who: &str, method: &str, uri: &str, headers: &[(&str, &str)], body: Option<Value>) -> Answer {
        // Time passes between two requests.
        self.state.clock.advance(Duration::seconds(7));
        ask_as(&self.app, Some(&self.tokens[who]), method, uri, headers, body).await
    }

    async fn made(&self, who: &str, uri: &str, body: Value) -> String {
        let key = Uuid::now_v7().to_string();
        let uri = format!("/api/v1/{uri}");
        let answer = self
            .ask(who, "POST", &uri, &[("Idempotency-Key", &key)], Some(body))
            .await;
        assert_eq!(answer.status, StatusCode::CREATED, "{uri}: {}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Sends something to what the caller has just read.
    async fn sent(&self, who: &str, method: &str, at: &str, to: &str, body: Value) -> Value {
        let at = format!("/api/v1/{at}");
        let tag = self.ask(who, "GET", &at, &[], None).await.etag.unwrap();
        let answer = self
            .ask(
                who,
                method,
                &format!("{at}{to}"),
                &[("If-Match", &tag)],
                Some(body.clone()),
            )
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{who} {body}: {}", answer.body);
        answer.body
    }

    async fn go(&self, who: &str, at: &str, step: Value) {
        self.sent(who, "POST", at, "/transitions", step).await;
    }

    async fn building(&self, number: u32) -> String {
        let west = 111.6 + f64::from(number) * 0.002;
        let ring = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
            .map(|[x, y]| [west + x * 0.001, 26.4 + y * 0.001]);
        let body = json!({"name": format!("{number}号楼"), "code": format!("B{number}"), "region_code": "431103",
            "valid_from": "2015-01-01", "usage": "administrative_office", "occupancy": "idle", "idle_since": "2025-03-01",
            "registered_area_m2": 300.0,
            "geometry": {"type": "Polygon", "coordinates": [ring]}});
        self.made(MANAGER, "buildings", body).await
    }

    async fn idle_case(&self, number: u32) -> String {
        let building = self.building(number).await;
        let opening = json!({"procedure": "idle_disposal", "asset_id": building, "idle_reason": "surplus"});
        format!("policy-cases/{}", self.made(MANAGER, "policy-cases", opening).await)
    }

    async fn list(&self, who: &str, query: &str) -> Value {
        let answer = self.ask(who, "GET", &format!("/api/v1/tasks{query}"), &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    async fn tasks(&self, who: &str) -> Vec<Value> {
        self.list(who, "").await["items"].as_array().unwrap().clone()
    }

    async fn summary(&self, who: &str) -> Value {
        let answer = self.ask(who, "GET", "/api/v1/tasks/summary", &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    fn day_passes(&self) {
        self.state.clock.advance(Duration::days(1));
    }
}

/// What is to be done with a task, and which steps.
fn told(task: &Value) -> (String, Vec<&str>) {
    let steps = task["steps"].as_array().unwrap();
    let names = steps.iter().map(|step| step["transition"].as_str().unwrap()).collect();
    (task["awaited"].as_str().unwrap().to_owned(), names)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_step_waits_for_those_whose_it_is_and_not_for_whoever_put_it_forward(pool: PgPool) {
    let office = Office::open_on(&pool, date!(2026 - 11 - 21)).await;
    let building = office.building(1).await;
    let parcel = {
        let ring = [[111.7, 26.4], [111.701, 26.4], [111.701, 26.401], [111.7, 26.4]];
        let body = json!({"code": "431103001002GB00001", "name": "一号地", "region_code": "431103", "valid_from": "2015-01-01",
            "geometry": {"type": "Polygon", "coordinates": [ring]}});
        office.made(MANAGER, "parcels", body).await
    };
    assert_eq!(office.tasks(CLERK).await, Vec::<Value>::new());
    let opening = json!({"asset_id": parcel, "unit_code": "431103001002GB00001W00000000"});
    let at = format!("title-cases/{}", office.made(BOTH, "title-cases", opening).await);

    // It waits for any clerk of the district, not for its reviewers, nor next door, nor for those who only look.
    for clerk in [CLERK, BOTH] {
        let tasks = office.tasks(clerk).await;
        assert_eq!(tasks.len(), 1);
        assert_eq!(told(&tasks[0]), ("step".to_owned(), vec!["classify"]));
        assert_eq!(
            (
                &tasks[0]["kind"],
                &tasks[0]["object"]["name"],
                &tasks[0]["object"]["kind"],
                &tasks[0]["urgency"]
            ),
            (
                &json!("title_case"),
                &json!("一号地"),
                &json!("parcel"),
                &json!("other")
            )
        );
        assert_eq!(tasks[0]["since"], "2026-11-21");
        assert!(tasks[0]["state"]["zh"].as_str().is_some_and(|words| !words.is_empty()));
    }
    for nobody in [REVIEWER, MANAGER, APPROVER, VIEWER, BESIDE] {
        assert_eq!(office.tasks(nobody).await, Vec::<Value>::new(), "{nobody}");
    }

    office
        .go(
            BOTH,
            &at,
            json!({"transition": "classify", "policy_action": "first_register"}),
        )
        .await;
    office.go(BOTH, &at, json!({"transition": "collect"})).await;
    let documents: Vec<Value> = PAPERS
        .iter()
        .map(|kind| json!({"kind": kind, "name": format!("{kind} 1号"), "date": "2026-01-05"}))
        .collect();
    let papers = json!({
        "documents": documents, "area": {"surveyed_m2": 11_000.0, "certificate_m2": 11_050.0},
        "draft": {"evidence": "both", "right_type": "3", "right_nature_land": "101", "parcel_ids": [parcel],
                  "holders": [{"name": "永州市机关事务管理局", "kind": "bureau"}], "co_ownership": "0",
                  "location": "湘江西路1号", "registry": "永州市不动产登记中心"},
    });
    office.sent(BOTH, "PATCH", &at, "", papers).await;
    office.go(BOTH, &at, json!({"transition": "prepare"})).await;

    // Whoever put it forward may review others' cases, and not this one.
    assert_eq!(office.tasks(BOTH).await, Vec::<Value>::new());
    assert_eq!(office.tasks(CLERK).await, Vec::<Value>::new());
    let tasks = office.tasks(REVIEWER).await;
    assert_eq!(told(&tasks[0]), ("step".to_owned(), vec!["submit"]));
    assert_eq!(tasks[0]["roles"], json!(["title_reviewer"]));

    office.go(REVIEWER, &at, json!({"transition": "submit"})).await;
    assert_eq!(told(&office.tasks(BOTH).await[0]).1, ["accept"]);
    // The registry has thirty working days from acceptance.
    office
        .go(CLERK, &at, json!({"transition": "accept", "on": "2026-11-02"}))
        .await;
    let tasks = office.tasks(CLERK).await;
    assert_eq!(
        (&tasks[0]["due_on"], &tasks[0]["urgency"]),
        (&json!("2026-12-14"), &json!("other"))
    );
    office.state.clock.advance(Duration::days(30));
    let tasks = office.tasks(CLERK).await;
    assert_eq!(
        (&tasks[0]["overdue"], &tasks[0]["days_over"], &tasks[0]["urgency"]),
        (&json!(true), &json!(7), &json!("overdue"))
    );
    assert_eq!(office.summary(CLERK).await["overdue"], 1);

    // What has ended waits for nobody.
    let opening = json!({"asset_id": building});
    let other = format!("title-cases/{}", office.made(CLERK, "title-cases", opening).await);
    assert_eq!(office.tasks(CLERK).await.len(), 2);
    office
        .go(CLERK, &other, json!({"transition": "drop", "reason": "不属登记范围"}))
        .await;
    assert_eq!(office.tasks(CLERK).await.len(), 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_overdue_reaches_the_approver_after_its_days_and_in_its_place_alone(pool: PgPool) {
    let office = Office::open_on(&pool, date!(2026 - 03 - 02)).await;
    let at = office.idle_case(1).await;
    let own = office.tasks(MANAGER).await;
    assert_eq!(told(&own[0]), ("step".to_owned(), vec!["verify"]));
    let due_on = own[0]["due_on"].as_str().unwrap().to_owned();
    assert!(
        own[0]["about"]["zh"]
            .as_str()
            .is_some_and(|words| words.contains("一资一策"))
    );

    // Ten working days after its last day, and not before; the case says the same of itself.
    let days_over = loop {
        let case = office
            .ask(MANAGER, "GET", &format!("/api/v1/{at}"), &[], None)
            .await
            .body;
        let has_gone = case["clock"]["escalated_to"] == json!(["approver"]);
        let approvers = office.tasks(APPROVER).await;
        assert_eq!(approvers.len(), usize::from(has_gone), "{}", office.state.clock.today());
        assert_eq!(office.tasks(BESIDE).await, Vec::<Value>::new());
        let own = office.tasks(MANAGER).await;
        assert_eq!(own[0]["overdue"], case["clock"]["overdue"]);
        assert_eq!(
            own[0]["escalated"],
            json!(false),
            "it has gone to the approver, not to the manager"
        );
        if has_gone {
            let task = &approvers[0];
            // The step is the manager's; the approver presses for it.
            assert_eq!(told(task), ("press".to_owned(), vec!["verify"]));
            assert_eq!(
                (
                    &task["escalated"],
                    &task["urgency"],
                    &task["roles"],
                    task["due_on"].as_str()
                ),
                (
                    &json!(true),
                    &json!("escalated"),
                    &json!(["asset_manager"]),
                    Some(due_on.as_str())
                )
            );
            break task["days_over"].as_i64().unwrap();
        }
        office.day_passes();
        assert!(
            office.state.clock.today() < date!(2026 - 07 - 01),
            "it never reaches the approver"
        );
    };
    // Ten working days and the day after; with two week-ends at least.
    assert!((11..=21).contains(&days_over), "{days_over}");
    let summary = office.summary(APPROVER).await;
    assert_eq!(
        (&summary["total"], &summary["escalated"], &summary["overdue"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(office.summary(VIEWER).await["total"], 0);

    // Once the step is taken, there is nothing to press for.
    let fact = json!({"record": "verification", "on": "2026-04-05", "measured_m2": "2412.60", "book_value": "4800000.00",
                      "safe": true, "title_note": "产权清晰"});
    office.sent(MANAGER, "POST", &at, "/records", fact).await;
    let paper = json!({"record": "document", "kind": "site_survey", "name": "勘查表1号"});
    office.sent(MANAGER, "POST", &at, "/records", paper).await;
    office.go(MANAGER, &at, json!({"transition": "verify"})).await;
    assert_eq!(office.tasks(APPROVER).await, Vec::<Value>::new());
    assert_eq!(
        office.tasks(MANAGER).await,
        Vec::<Value>::new(),
        "the next step is a planner's"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_page_follows_the_last_one_and_what_presses_most_comes_first(pool: PgPool) {
    let office = Office::open_on(&pool, date!(2026 - 03 - 02)).await;
    for number in 1..=3 {
        office.idle_case(number).await;
        office.day_passes();
    }
    for number in [4, 5] {
        let building = office.building(number).await;
        let repair = json!({"procedure": "repair", "asset_id": building});
        office.made(MANAGER, "policy-cases", repair).await;
    }
    office.state.clock.advance(Duration::days(60));
    let mut seen = Vec::new();
    let mut next = Some("/api/v1/tasks?limit=2&count=true".to_owned());
    while let Some(uri) = next {
        let page = office.ask(MANAGER, "GET", &uri, &[], None).await.body;
        assert_eq!(page["total"], 5);
        for task in page["items"].as_array().unwrap() {
            seen.push((
                task["due_on"].clone(),
                task["id"].clone(),
                task["overdue"] == json!(true),
            ));
        }
        next = page["next"].as_str().map(ToOwned::to_owned);
    }
    let ids: std::collections::BTreeSet<String> = seen.iter().map(|(_, id, _)| id.to_string()).collect();
    assert_eq!((seen.len(), ids.len()), (5, 5), "each once: {seen:?}");
    let days: Vec<&str> = seen.iter().map(|(day, _, _)| day.as_str().unwrap_or("9")).collect();
    assert!(days.is_sorted(), "{days:?}");
    // A draft has no day.
    let overdue: Vec<bool> = seen.iter().map(|(_, _, overdue)| *overdue).collect();
    assert_eq!(overdue, [true, true, true, false, false]);

    assert_eq!(office.list(MANAGER, "?kind=title_case&count=true").await["total"], 0);
    assert_eq!(
        office.list(MANAGER, "?kind=title_case,policy_case&count=true").await["total"],
        5
    );
    for query in ["?kind=errand", "?limit=0", "?cursor=x"] {
        let refused = office
            .ask(MANAGER, "GET", &format!("/api/v1/tasks{query}"), &[], None)
            .await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{query}: {}", refused.body);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_task_and_a_row_of_the_queue_say_where_their_asset_stands(pool: PgPool) {
    let office = Office::open_on(&pool, date!(2026 - 03 - 02)).await;
    let ring = |west: f64| json!({"type": "Polygon", "coordinates": [[[west, 26.5], [west + 0.01, 26.5], [west + 0.01, 26.51], [west, 26.5]]]});
    let site = async |name: &str, west: f64| {
        let body = json!({"name": name, "code": name, "region_code": "431103", "valid_from": "2015-01-01", "geometry": ring(west)});
        office.made(MANAGER, "sites", body).await
    };
    let east = site("东校区", 111.8).await;
    let west = site("西校区", 111.9).await;
    // A school of two campuses: both have a first teaching building.
    let mut cases = Vec::new();
    for (number, address) in [(1, Some("东风路1号")), (2, Some("西环路2号")), (3, None)] {
        let building = office.building(number).await;
        let change = json!({"name": "1号教学楼", "address": address, "valid_from": "2015-01-01"});
        office
            .sent(MANAGER, "PATCH", &format!("buildings/{building}"), "", change)
            .await;
        let opening = json!({"procedure": "idle_disposal", "asset_id": building, "idle_reason": "surplus"});
        cases.push((building, office.made(MANAGER, "policy-cases", opening).await));
        office.day_passes();
    }
    let belongs = async |upper: &str, lower: &str| {
        let key = Uuid::now_v7().to_string();
        let body = json!({"related_id": lower, "valid_from": "2015-01-01"});
        let answer = office
            .ask(
                MANAGER,
                "POST",
                &format!("/api/v1/{upper}/relations"),
                &[("Idempotency-Key", &key)],
                Some(body),
            )
            .await;
        assert!(answer.status.is_success(), "{}", answer.body);
    };
    belongs(&format!("sites/{east}"), &cases[0].0).await;
    // The second stands on a parcel, and the parcel belongs to the site.
    let parcel = json!({"code": "431103001002GB00009", "region_code": "431103", "valid_from": "2015-01-01", "geometry": ring(111.9)});
    let parcel = office.made(MANAGER, "parcels", parcel).await;
    belongs(&format!("parcels/{parcel}"), &cases[1].0).await;
    belongs(&format!("sites/{west}"), &parcel).await;

    let told = |items: &Value, at: &dyn Fn(&Value) -> [Value; 3]| -> Vec<[Value; 3]> {
        items.as_array().unwrap().iter().map(at).collect()
    };
    let wanted = [
        [json!("1号教学楼"), json!("东校区"), json!("东风路1号")],
        [json!("1号教学楼"), json!("西校区"), json!("西环路2号")],
        [json!("1号教学楼"), Value::Null, Value::Null],
    ];
    let tasks = office.list(MANAGER, "?kind=policy_case").await["items"].clone();
    let of_task = |task: &Value| {
        let object = &task["object"];
        [
            object["name"].clone(),
            object["site_name"].clone(),
            object["address"].clone(),
        ]
    };
    assert_eq!(told(&tasks, &of_task), wanted);
    let of_row = |row: &Value| {
        [
            row["asset_name"].clone(),
            row["site_name"].clone(),
            row["asset_address"].clone(),
        ]
    };
    let queue = office
        .ask(MANAGER, "GET", "/api/v1/policy-cases?sort=opened", &[], None)
        .await
        .body;
    assert_eq!(told(&queue["items"], &of_row), wanted);
    // What is asked of the queue is asked of names and codes, as before.
    let none = office
        .ask(
            MANAGER,
            "GET",
            "/api/v1/policy-cases?q=%E4%B8%9C%E6%A0%A1%E5%8C%BA",
            &[],
            None,
        )
        .await
        .body;
    assert_eq!(none["items"], json!([]));
}

#[sqlx::test(migrations = "../migrations")]
async fn findings_and_leases_are_counted_where_they_are_the_reader_s(pool: PgPool) {
    let office = Office::open_on(&pool, date!(2026 - 11 - 21)).await;
    let building = office.building(1).await;
    let (near, far, over) = ("2026-12-05", "2026-12-06", "2026-11-20");
    let second = office.building(2).await;
    for (rule, at, state, owner, deadline, until) in [
        ("USE-01", &building, "in_progress", Some("李四"), Some(over), None),
        ("USE-01", &second, "new", None, Some(near), None),
        // A day that is far, none, and what is put right.
        ("USE-02", &building, "new", Some("李四"), Some(far), None),
        ("USE-02", &second, "new", None, None, None),
        ("TTL-03", &second, "resolved", None, Some(over), None),
        ("TTL-03", &building, "in_progress", Some(VIEWER), Some(near), None),
        ("DSP-01", &building, "excepted", None, None, Some(near)),
    ] {
        sqlx::query(
            "insert into finding (id, rule, object_kind, object_id, at_id, evidence, state, first_seen, owner, deadline,
                                  exception_reason, exception_by, exception_until)
             values ($1, $2, 'building', $3::uuid, $3::uuid, '{}', $4, '2026-10-01', $5, $6::date,
                     case when $4 = 'excepted' then '批准' end, case when $4 = 'excepted' then '王五' end, $7::date)",
        )
        .bind(Uuid::now_v7())
        .bind(rule)
        .bind(at)
        .bind(state)
        .bind(owner)
        .bind(deadline)
        .bind(until)
        .execute(&pool)
        .await
        .unwrap();
    }
    let lease = json!({
        "asset_id": building, "direction": "out", "area_m2": 100, "lessor_kind": "bureau", "lessor_name": "市机关事务管理局",
        "lessee_kind": "enterprise", "lessee_size": "small", "lessee_sector": "services", "lessee_name": "某某餐饮有限公司",
        "purpose": "餐饮", "starts_on": "2026-01-01", "ends_on": "2026-12-31", "rent": "9387.00", "price_basis": "public_letting",
        "exchange": "市公共资源交易中心", "exchange_record": "ZL2025-118", "contract_number": "2026-001",
        "approval_number": "机管〔2025〕12号", "land_income_document": "财综〔2025〕3号"});
    office.made(MANAGER, "leases", lease).await;

    let counted = |tasks: &[Value]| -> Vec<(String, String, i64, String)> {
        tasks
            .iter()
            .map(|task| {
                (
                    task["kind"].as_str().unwrap().to_owned(),
                    task["procedure"].as_str().unwrap_or_default().to_owned(),
                    task["count"].as_i64().unwrap(),
                    task["due_on"].as_str().unwrap_or_default().to_owned(),
                )
            })
            .collect()
    };
    let line =
        |kind: &str, rule: &str, count, due_on: &str| (kind.to_owned(), rule.to_owned(), count, due_on.to_owned());
    let tasks = office.tasks(MANAGER).await;
    assert_eq!(
        counted(&tasks),
        [
            line("finding", "USE-01", 2, over),
            line("rent", "", 1, ""),
            line("exception", "DSP-01", 1, near),
            line("finding", "TTL-03", 1, near),
            line("lease", "", 1, "2026-12-31"),
        ]
    );
    assert!(tasks[0]["about"]["zh"].as_str().is_some_and(|words| !words.is_empty()));
    // What a task links to holds as many as it counts.
    for (task, filter) in [(&tasks[1], "arrears"), (&tasks[4], "expires_within")] {
        let link = task["link"].as_str().unwrap();
        assert!(link.contains(filter), "{link}");
        let list = office
            .ask(MANAGER, "GET", &format!("{link}&count=true"), &[], None)
            .await
            .body;
        assert_eq!(list["total"], task["count"], "{link}");
    }
    // Whoever sees to a finding is told of it; nobody beside the district is told of anything.
    assert_eq!(
        counted(&office.tasks(VIEWER).await),
        [line("finding", "TTL-03", 1, near)]
    );
    assert_eq!(office.tasks(BESIDE).await, Vec::<Value>::new());
    let summary = office.summary(MANAGER).await;
    assert_eq!(
        summary,
        json!({"total": 5, "escalated": 0, "overdue": 2, "soon": 2,
               "kinds": {"finding": 2, "exception": 1, "lease": 1, "rent": 1}})
    );
}

/// A unit of the district with a room in which it works, in an office building of its own.
async fn working(office: &Office, number: u32) -> (String, String, String) {
    let unit = json!({"code": format!("U{number}"), "name": format!("{number}局"), "level": "city", "kind": "government_organ",
                      "region_code": "431103", "valid_from": "2015-01-01"});
    let key = format!("unit{number}");
    let unit = ask(
        &office.app,
        "POST",
        "/api/v1/units",
        &[("Idempotency-Key", &key)],
        Some(unit),
    )
    .await;
    assert_eq!(unit.status, StatusCode::CREATED, "{}", unit.body);
    let unit = unit.body["id"].as_str().unwrap().to_owned();
    let building = office.building(number).await;
    // Who sees a unit's part sees what is the unit's.
    office
        .sent(
            MANAGER,
            "PATCH",
            &format!("buildings/{building}"),
            "",
            json!({"unit_id": unit}),
        )
        .await;
    let room = json!({"building_id": building, "floor": 1, "number": "101", "use_area_m2": 20, "building_area_m2": 30,
        "unit_id": unit, "occupancy": "in_use", "room_type": "office", "valid_from": "2015-01-01"});
    let room = office.made(MANAGER, "rooms", room).await;
    (unit, building, room)
}

#[sqlx::test(migrations = "../migrations")]
async fn a_use_agreement_waits_from_thirty_days_before_its_last_day(pool: PgPool) {
    let office = Office::open_on(&pool, date!(2026 - 11 - 21)).await;
    let (unit, building, room) = working(&office, 1).await;
    // The first day on which it is over: its last is the day before.
    let draft = json!({"unit_id": unit, "room_ids": [room], "purpose": "行政办公", "starts_on": "2026-01-01", "ends_on": "2026-12-23"});
    let at = format!("use-agreements/{}", office.made(MANAGER, "use-agreements", draft).await);
    let waiting = async |who: &str| office.list(who, "?kind=use_agreement").await["items"].clone();
    let sign = json!({"step": "sign", "on": "2026-01-05", "agreement_no": "使协〔2026〕1号"});
    office.sent(MANAGER, "POST", &at, "/steps", sign).await;
    assert_eq!(waiting(MANAGER).await, json!([]), "thirty-one days before");
    office.day_passes();
    let task = waiting(MANAGER).await[0].clone();
    assert_eq!(
        (
            &task["awaited"],
            &task["due_on"],
            &task["overdue"],
            &task["object"]["id"],
            &task["about"]["zh"]
        ),
        (
            &json!("renew_or_cancel"),
            &json!("2026-12-22"),
            &json!(false),
            &json!(building),
            &json!("1局 · 使协〔2026〕1号")
        )
    );
    for nobody in [CLERK, APPROVER, VIEWER, BESIDE, ADMINISTRATOR] {
        assert_eq!(waiting(nobody).await, json!([]), "{nobody}");
    }
    office.state.clock.advance(Duration::days(31));
    assert_eq!(waiting(MANAGER).await[0]["days_over"], 1);
    assert_eq!(office.summary(MANAGER).await["kinds"]["use_agreement"], 1);
    let end = json!({"step": "cancel", "on": "2026-12-22", "reason": "腾退"});
    office.sent(MANAGER, "POST", &at, "/steps", end).await;
    assert_eq!(waiting(MANAGER).await, json!([]));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_unit_files_every_year_waits_for_its_contact_and_its_manager(pool: PgPool) {
    let office = Office::open_on(&pool, date!(2026 - 11 - 21)).await;
    let (unit, _, room) = working(&office, 1).await;
    let (other, _, _) = working(&office, 2).await;
    let occupant =
        json!({"room_id": room, "person": "李明", "rank": "正局(处)级", "post": "main", "valid_from": "2020-01-01"});
    office.made(MANAGER, "occupants", occupant).await;
    let contact = person_with(&pool, "contact", &[], "all").await;
    sqlx::query(
        "insert into person_grant (id, person_id, role, region_code, unit_id, since, granted_at, granted_by)
         select $1, id, $2, 'all', $3::uuid, '2000-01-01', '2026-01-01', 'test' from person where username = 'contact'",
    )
    .bind(Uuid::now_v7())
    .bind(Role::UnitContact.as_str())
    .bind(&unit)
    .execute(&pool)
    .await
    .unwrap();
    // The contact's are their own unit's alone, the manager's those of the district.
    let told = |page: Value| -> Vec<(String, String, String, bool)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        page["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| {
                assert_eq!(task["awaited"], "file");
                (
                    text(&task["id"]),
                    text(&task["procedure"]),
                    text(&task["due_on"]),
                    task["overdue"] == json!(true),
                )
            })
            .collect()
    };
    let own = async || {
        office.state.clock.advance(Duration::seconds(7));
        let answer = ask_as(
            &office.app,
            Some(&contact),
            "GET",
            "/api/v1/tasks?kind=use_filing",
            &[],
            None,
        )
        .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        told(answer.body)
    };
    let line = |unit: &str, kind: &str, year: i32, overdue| {
        (unit.to_owned(), kind.to_owned(), format!("{year}-12-31"), overdue)
    };
    let (files, publishes) = ("leader_offices", "internal_publication");
    assert_eq!(
        own().await,
        [line(&unit, publishes, 2025, true), line(&unit, files, 2025, true)]
    );
    // Who answers for many units is told how many there are, and of the one that owes the other which it is.
    let managers = office.list(MANAGER, "?kind=use_filing").await["items"].clone();
    assert_eq!(managers.as_array().unwrap().len(), 2, "{managers}");
    assert_eq!(
        told(json!({"items": [managers[0]]})),
        [line(&unit, files, 2025, true)],
        "{managers}"
    );
    let counted = &managers[1];
    assert_eq!(
        (
            &counted["id"],
            &counted["count"],
            &counted["procedure"],
            &counted["object"]
        ),
        (&Value::Null, &json!(2), &json!(publishes), &Value::Null)
    );
    assert_eq!(counted["about"]["zh"], "2025 年度内部公示");
    assert_eq!(
        (&counted["due_on"], &counted["overdue"]),
        (&json!("2025-12-31"), &json!(true))
    );
    assert_eq!(office.summary(MANAGER).await["kinds"]["use_filing"], 2);
    let link = counted["link"].as_str().unwrap();
    let owed = async |who: &str, link: &str| {
        let answer = office.ask(who, "GET", link, &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    };
    let listed = owed(MANAGER, &format!("{link}&count=true")).await;
    assert_eq!(listed["total"], 2);
    let ids: Vec<&str> = [0, 1].map(|at| listed["items"][at]["unit_id"].as_str().unwrap()).into();
    assert_eq!(ids, [unit.as_str(), other.as_str()], "by code");
    assert_eq!(
        listed["items"][0],
        json!({"unit_id": unit, "unit_code": "U1", "unit_name": "1局", "kind": publishes, "year": 2025,
               "due_on": "2025-12-31", "overdue": true})
    );
    // Page by page, each once.
    let first = owed(MANAGER, &format!("{link}&limit=1")).await;
    assert_eq!(first["items"][0]["unit_id"], json!(unit));
    let second = owed(MANAGER, first["next"].as_str().unwrap()).await;
    assert_eq!(
        (&second["items"][0]["unit_id"], &second["next"]),
        (&json!(other), &Value::Null)
    );
    for nobody in [BESIDE, VIEWER, CLERK] {
        assert_eq!(told(office.list(nobody, "?kind=use_filing").await), [], "{nobody}");
        assert_eq!(owed(nobody, link).await["items"], json!([]), "{nobody}");
    }
    let refused = office
        .ask(MANAGER, "GET", "/api/v1/owed-filings?kind=none&year=2025", &[], None)
        .await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{}", refused.body);
    // Once one of them has published, the other is told by itself.
    let filing = json!({"unit_id": other, "kind": publishes, "year": 2025, "document": "公〔2026〕1号"});
    office.made(MANAGER, "use-filings", filing).await;
    assert_eq!(
        told(office.list(MANAGER, "?kind=use_filing").await),
        [line(&unit, publishes, 2025, true), line(&unit, files, 2025, true)]
    );
    // What is entered waits no more; that of this year waits from 1 December, thirty days before it is due.
    for kind in [files, publishes] {
        let filing = json!({"unit_id": unit, "kind": kind, "year": 2025, "document": "备〔2026〕1号"});
        office.made(MANAGER, "use-filings", filing).await;
    }
    assert_eq!(own().await, []);
    office.state.clock.advance(Duration::days(9));
    assert_eq!(own().await, []);
    office.day_passes();
    assert_eq!(
        own().await,
        [line(&unit, publishes, 2026, false), line(&unit, files, 2026, false)]
    );
    let filing = json!({"unit_id": unit, "kind": files, "year": 2026, "document": "备〔2026〕9号"});
    office.made(MANAGER, "use-filings", filing).await;
    assert_eq!(own().await, [line(&unit, publishes, 2026, false)]);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_working_calendar_of_the_next_year_waits_for_the_administrator_from_november(pool: PgPool) {
    let office = Office::open_on(&pool, date!(2026 - 10 - 31)).await;
    let waiting = async |who: &str| office.list(who, "?kind=working_calendar").await["items"].clone();
    assert_eq!(waiting(ADMINISTRATOR).await, json!([]));
    office.day_passes();
    let task = waiting(ADMINISTRATOR).await[0].clone();
    assert_eq!(
        (
            &task["procedure"],
            &task["awaited"],
            &task["due_on"],
            &task["overdue"],
            &task["about"]["zh"]
        ),
        (
            &json!("2027"),
            &json!("record_year"),
            &json!("2026-12-31"),
            &json!(false),
            &json!("2027 年")
        )
    );
    assert_eq!(waiting(MANAGER).await, json!([]), "it is the administrator's");
    // A deadline that reaches into the year waits for it; one that ends before doesn't.
    office.idle_case(1).await;
    assert_eq!(waiting(ADMINISTRATOR).await[0]["about"]["zh"], "2027 年");
    office.state.clock.advance(Duration::days(25));
    office.idle_case(2).await;
    assert_eq!(
        waiting(ADMINISTRATOR).await[0]["about"]["zh"],
        "2027 年，1 个在办案件待定到期日"
    );
    let notice = crate::calendar_notices::tests::made_up_2027();
    office.made(ADMINISTRATOR, "calendar-notices", notice).await;
    assert_eq!(waiting(ADMINISTRATOR).await, json!([]));
    assert_eq!(office.summary(ADMINISTRATOR).await["kinds"], json!({}));
    // A year that has begun without its working days is late.
    office.state.clock.advance(Duration::days(410));
    let task = waiting(ADMINISTRATOR).await[0].clone();
    assert_eq!((&task["procedure"], &task["overdue"]), (&json!("2028"), &json!(true)));
}

#[sqlx::test(migrations = "../migrations")]
async fn lines_of_a_stocktaking_wait_for_whoever_answers_checks_and_decides(pool: PgPool) {
    use crate::stocktakings::tests as stock;
    let office = stock::Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let hall = office.building("市政大楼", &unit, 1000.0).await;
    office.building("档案楼", &unit, 500.0).await;
    let at = office.frozen(json!({})).await;
    let tasks = async |who: &str| -> Vec<(String, i64)> {
        let list = office.ask(who, "GET", "tasks?kind=stocktaking", &[], None).await.body;
        let items = list["items"].as_array().unwrap().clone();
        let told = |task: &Value| {
            (
                task["awaited"].as_str().unwrap().to_owned(),
                task["count"].as_i64().unwrap(),
            )
        };
        items.iter().map(told).collect()
    };
    let waits = |what: &str, count| vec![(what.to_owned(), count)];
    assert_eq!(tasks(stock::CONTACT).await, waits("answer", 2));
    assert_eq!(tasks(stock::APPROVER).await, Vec::new());
    let line = office.line(&at, &hall).await;
    office
        .record(
            stock::CONTACT,
            &line,
            json!({"record": "answer", "found": "altered", "note": "改建"}),
        )
        .await;
    assert_eq!(tasks(stock::CONTACT).await, waits("answer", 1));
    office.rest_in_place(stock::CONTACT, &at).await;
    assert_eq!(tasks(stock::CONTACT).await, Vec::new());
    // Nothing is left to answer: the next step is the manager's.
    assert_eq!(tasks(stock::MANAGER).await, waits("step", 1));
    office.step(stock::MANAGER, &at, "begin_check").await;
    assert_eq!(tasks(stock::MANAGER).await, waits("check", 1));
    assert_eq!(tasks(stock::CONTACT).await, Vec::new());
    let photo = office.photo(stock::MANAGER).await;
    let check = json!({"record": "check", "found": "altered", "position": [119.9505, 31.7805], "documents": [photo]});
    office.record(stock::MANAGER, &line, check).await;
    office.step(stock::MANAGER, &at, "end_check").await;
    assert_eq!(tasks(stock::CONTACT).await, waits("explain", 1));
    office
        .record(
            stock::CONTACT,
            &line,
            json!({"record": "explanation", "text": "2025年改建"}),
        )
        .await;
    office.step(stock::CONTACT, &at, "put_forward").await;
    assert_eq!(tasks(stock::CONTACT).await, Vec::new());
    assert_eq!(tasks(stock::APPROVER).await, waits("decide", 1));
}
