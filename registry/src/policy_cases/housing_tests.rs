//! An old compound becomes homes for staff, and a tenant moves in and out: over HTTP, over a real PostGIS, each step by
//! whoever's it is.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt;
use uuid::Uuid;

use super::tests::{APPROVER, CONTACT, FINANCE, MANAGER, Office, PLANNER, SECOND, square};
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::ask_as;
use crate::versioned::tests::{entries, prove};

const TENANCIES: &str = "/api/v1/housing-tenancies";

async fn old_house(office: &Office, number: u32) -> String {
    let body = json!({"name": format!("老院{number}号楼"), "code": format!("Y{number}"), "region_code": "431103",
        "valid_from": "2015-01-01", "usage": "administrative_office", "occupancy": "idle", "idle_since": "2025-03-01",
        "geometry": square(number)});
    office.made(MANAGER, "/api/v1/buildings", body).await
}

async fn rooms(office: &Office, building: &str, numbers: &[&str], more: Value) -> Vec<String> {
    let mut ids = Vec::new();
    for number in numbers {
        let mut body = json!({"building_id": building, "floor": 3, "number": number, "use_area_m2": 46, "building_area_m2": 60.5,
            "room_type": "office", "occupancy": "idle", "valid_from": "2015-01-01"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        ids.push(office.made(MANAGER, "/api/v1/rooms", body).await);
    }
    ids
}

async fn unit(office: &Office, code: &str) -> String {
    let body = json!({"code": code, "name": format!("{code}局"), "level": "city", "kind": "government_organ",
        "region_code": "431103", "valid_from": "2015-01-01"});
    office.made(MANAGER, "/api/v1/units", body).await
}

async fn begun(office: &Office, building: &str) -> String {
    let opening = json!({"procedure": "turnover_housing", "asset_id": building});
    office.made(MANAGER, "/api/v1/policy-cases", opening).await
}

fn choice(source: &str) -> Value {
    json!({"record": "housing_choice", "source": source, "place": "市直单位集中区", "surroundings": "学校、公园步行可达", "demand": "乡镇干部周转"})
}

async fn selected(office: &Office, id: &str, source: &str) {
    let found = json!({"record": "verification", "on": "2026-11-01", "measured_m2": "605.00", "book_value": "900000.00", "safe": true,
        "title_note": "产权清晰"});
    office.record(MANAGER, id, found).await;
    office.papers(MANAGER, id, &["site_survey"]).await;
    office.record(MANAGER, id, choice(source)).await;
    office.go(MANAGER, id, json!({"transition": "select"})).await;
}

fn plan(homes: u32) -> Value {
    json!({"record": "housing_plan", "homes": homes, "works": "水电、门窗", "estimate": "380000.00", "rent_ground": "收入和市场租金"})
}

/// From the plan to the approval by three offices.
async fn approved(office: &Office, id: &str) {
    office.record(PLANNER, id, plan(2)).await;
    office
        .papers(PLANNER, id, &["conversion_plan", "planning_opinion"])
        .await;
    office.go(PLANNER, id, json!({"transition": "plan"})).await;
    office.papers(MANAGER, id, &["meeting_minutes"]).await;
    office
        .go(
            MANAGER,
            id,
            json!({"transition": "decide", "decision_no": "局党组纪要〔2026〕9号"}),
        )
        .await;
    for (who, step) in [
        ("bureau", "countersign"),
        ("finance", "countersign"),
        ("deputy_leader", "approve"),
    ] {
        let step = json!({"transition": step, "office": who, "decision_no": format!("永资用〔2026〕{who}号")});
        office.go(APPROVER, id, step).await;
    }
}

/// A repair through all its stages.
async fn refitted(office: &Office, building: &str) {
    let id = office.repair(building, MANAGER).await;
    let today = office.state.clock.today().to_string();
    let application = json!({"record": "repair_application", "for_year": 2028, "condition": "管线老化", "necessity": "wear", "estimate": "380000.00"});
    office.record(MANAGER, &id, application).await;
    office
        .papers(MANAGER, &id, &["application_form", "cost_estimate"])
        .await;
    office.go(MANAGER, &id, json!({"transition": "apply"})).await;
    let visit = json!({"record": "site_visit", "on": today, "defects": "管线老化"});
    office.record(MANAGER, &id, visit).await;
    office.papers(MANAGER, &id, &["survey_record"]).await;
    office.go(MANAGER, &id, json!({"transition": "survey"})).await;
    let assessment = json!({"record": "assessment", "on": today, "within_standard": true, "enlarges_percent": "0", "opinion": "可行"});
    office.record(PLANNER, &id, assessment).await;
    office.papers(PLANNER, &id, &["feasibility_report"]).await;
    office.go(PLANNER, &id, json!({"transition": "assess"})).await;
    let review = json!({"record": "cost_review", "on": today, "reviewer": "某造价咨询", "cost": "370000.00", "standard": "400000.00"});
    office.record(FINANCE, &id, review).await;
    office.papers(FINANCE, &id, &["cost_review_report"]).await;
    office.go(FINANCE, &id, json!({"transition": "review_cost"})).await;
    let publication =
        json!({"record": "publication", "from": "2026-11-22", "to": "2026-11-28", "objections": 0, "answered": true});
    office.record(MANAGER, &id, publication).await;
    office.papers(MANAGER, &id, &["publication_notice"]).await;
    office.days_pass(8);
    office.go(MANAGER, &id, json!({"transition": "publish"})).await;
    let entry = json!({"record": "plan_entry", "year": 2028, "number": "计划3", "budget": "370000.00"});
    office.record(MANAGER, &id, entry).await;
    let plan = json!({"transition": "plan", "decision_no": "永机管〔2026〕31号"});
    office.go(APPROVER, &id, plan).await;
    let today = office.state.clock.today().to_string();
    let works = json!({"record": "works", "started_on": today, "contractor": "某建筑公司"});
    office.record(MANAGER, &id, works).await;
    office.papers(MANAGER, &id, &["works_contract"]).await;
    office.go(MANAGER, &id, json!({"transition": "start"})).await;
    office.days_pass(20);
    let today = office.state.clock.today().to_string();
    let completion = json!({"record": "completion", "completed_on": today, "settled": "365000.00"});
    office.record(MANAGER, &id, completion).await;
    office.papers(MANAGER, &id, &["completion_report", "drawings"]).await;
    office.go(MANAGER, &id, json!({"transition": "inspect"})).await;
}

fn tenancy(home: &str, unit: &str, starts_on: &str) -> Value {
    json!({"room_id": home, "tenant_name": "钱守正", "unit_id": unit, "eligibility": "乡镇交流干部，市区无房",
        "eligibility_document": "周转住房申请表 12号", "starts_on": starts_on, "ends_on": "2027-12-31", "monthly_rent": "612.50",
        "rent_ground": "收入两成、市场租金六折", "agreement_number": "周租〔2026〕1号"})
}

/// It is refused by its code and rule, in both languages, and nothing changes.
async fn is_refused(office: &Office, body: Value, (code, rule): (&str, &str)) -> Value {
    let ledger = entries(&office.pool).await;
    let answer = office.post(MANAGER, TENANCIES, body.clone()).await;
    assert!(answer.status.is_client_error(), "{body}: {}", answer.body);
    assert_eq!(answer.body["code"], code, "{body}: {}", answer.body);
    assert_eq!(answer.body["rule"]["id"], rule, "{body}: {}", answer.body);
    assert!(!answer.body["rule"]["source"].as_str().unwrap().is_empty());
    let detail = answer.body["detail"].as_str().unwrap();
    assert!(
        detail.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c)),
        "{detail}"
    );
    assert_eq!(entries(&office.pool).await, ledger, "{body}: nothing changed");
    answer.body
}

async fn homes(office: &Office, building: &str) -> Vec<(String, String)> {
    let listed = office
        .read(&format!("/api/v1/homes?building={building}&sort=place"))
        .await;
    listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|home| {
            (
                home["number"].as_str().unwrap().to_owned(),
                home["status"].as_str().unwrap().to_owned(),
            )
        })
        .collect()
}

fn told(homes: &[(&str, &str)]) -> Vec<(String, String)> {
    homes
        .iter()
        .map(|(number, status)| ((*number).to_owned(), (*status).to_owned()))
        .collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn an_old_compound_becomes_homes_and_a_tenant_moves_in_and_out(pool: PgPool) {
    let office = Office::open(&pool).await;
    office.threshold("convert").await;
    let house = old_house(&office, 1).await;
    office.title(&house, 1, "102", json!({})).await;
    let flats = rooms(&office, &house, &["301", "302"], json!({})).await;
    let others = rooms(
        &office,
        &house,
        &["101"],
        json!({"room_type": "shop", "occupancy": "let"}),
    )
    .await;
    let staff = unit(&office, "统计").await;

    // The idle asset's own case comes to that route, and leads on instead of ending there.
    let idle = office.compared(&house, &["convert_housing", "keep_use"]).await;
    office.approved(&idle, "convert_housing", &["planning_opinion"]).await;
    let onward = json!({"transition": "enter_housing"});
    office
        .step_is_refused(
            MANAGER,
            &idle,
            json!({"transition": "convert"}),
            "transition_forbidden",
            "",
        )
        .await;
    office
        .step_is_refused(MANAGER, &idle, onward.clone(), "guard_housing_case_opened", "")
        .await;
    let id = begun(&office, &house).await;
    office.go(MANAGER, &idle, onward).await;
    let asset = office.read(&format!("/api/v1/buildings/{house}")).await;
    assert_eq!(
        (&asset["usage"], &asset["occupancy"]),
        (&json!("administrative_office"), &json!("idle")),
        "the route itself changes nothing any more"
    );
    let second = json!({"procedure": "turnover_housing", "asset_id": house});
    let second = office.post(SECOND, "/api/v1/policy-cases", second).await;
    assert_eq!(
        (second.status, &second.body["rule"]["id"]),
        (StatusCode::CONFLICT, &json!("DSP-21")),
        "{}",
        second.body
    );

    // Selection: why this house, and that it is safe.
    let select = json!({"transition": "select"});
    office.papers(MANAGER, &id, &["site_survey"]).await;
    office
        .step_is_refused(MANAGER, &id, select.clone(), "guard_verification_recorded", "")
        .await;
    let found = |safe: bool| {
        json!({"record": "verification", "on": "2026-11-01", "measured_m2": "605.00", "book_value": "900000.00",
        "safe": safe, "title_note": "产权清晰"})
    };
    office.record(MANAGER, &id, found(false)).await;
    office.record(MANAGER, &id, choice("idle_compound")).await;
    office
        .step_is_refused(MANAGER, &id, select.clone(), "guard_housing_chosen", "")
        .await;
    office.papers(MANAGER, &id, &["structural_appraisal"]).await;
    office.go(MANAGER, &id, select).await;

    // The plan: planning's opinion, as it was no housing (DSP-13); no fraction of a cent.
    let put_forward = json!({"transition": "plan"});
    office.papers(PLANNER, &id, &["conversion_plan"]).await;
    let mut fine = plan(2);
    fine["estimate"] = json!("380000.005");
    office
        .is_refused(PLANNER, &id, ("records", fine), ("money_scale", "money"))
        .await;
    office
        .step_is_refused(PLANNER, &id, put_forward.clone(), "guard_housing_planned", "")
        .await;
    office.record(PLANNER, &id, plan(2)).await;
    office
        .step_is_refused(PLANNER, &id, put_forward, "guard_planning_agreed", "DSP-13")
        .await;
    // A step skipped through the interface.
    for step in ["approve", "refit", "set_up", "put_to_use", "close"] {
        let step = json!({"transition": step, "decision_no": "1", "office": "bureau"});
        office
            .step_is_refused(APPROVER, &id, step, "transition_forbidden", "DSP-06")
            .await;
    }
    approved(&office, &id).await;

    // The refit goes through a repair that is finished.
    let refit = json!({"transition": "refit"});
    office
        .step_is_refused(MANAGER, &id, refit.clone(), "guard_refit_done", "MNT-03")
        .await;
    refitted(&office, &house).await;
    office.go(MANAGER, &id, refit).await;

    // The homes: rooms of this house that nobody has.
    let set_up = json!({"transition": "set_up"});
    office
        .step_is_refused(MANAGER, &id, set_up.clone(), "guard_homes_listed", "")
        .await;
    let elsewhere = old_house(&office, 2).await;
    let strange = rooms(&office, &elsewhere, &["201"], json!({})).await;
    let list = |rooms: &[String]| json!({"record": "homes", "room_ids": rooms});
    office
        .is_refused(MANAGER, &id, ("records", list(&strange)), ("room_elsewhere", ""))
        .await;
    office.record(MANAGER, &id, list(&others)).await;
    office
        .step_is_refused(MANAGER, &id, set_up.clone(), "guard_homes_listed", "")
        .await;
    office.record(MANAGER, &id, list(&flats)).await;
    office.go(MANAGER, &id, set_up).await;
    let room = office.read(&format!("/api/v1/rooms/{}", flats[0])).await;
    assert_eq!(room["room_type"], "turnover_housing");
    assert_eq!(
        homes(&office, &house).await,
        told(&[("301", "not_ready"), ("302", "not_ready")])
    );
    // Nobody moves in before the case is done, nor into what is no home.
    let today = office.state.clock.today().to_string();
    is_refused(&office, tenancy(&flats[0], &staff, &today), ("housing_case_open", "W4")).await;
    is_refused(&office, tenancy(&others[0], &staff, &today), ("not_a_home", "W4")).await;

    office.papers(MANAGER, &id, &["conversion_record"]).await;
    office.go(MANAGER, &id, json!({"transition": "put_to_use"})).await;
    let asset = office.read(&format!("/api/v1/buildings/{house}")).await;
    assert_eq!(
        (&asset["usage"], &asset["occupancy"], &asset["idle_since"]),
        (&json!("housing_security"), &json!("in_use"), &Value::Null)
    );
    let shop = office.read(&format!("/api/v1/rooms/{}", others[0])).await;
    assert_eq!(
        (&shop["room_type"], &shop["occupancy"]),
        (&json!("shop"), &json!("let")),
        "what is no home stays as it was"
    );
    office.papers(MANAGER, &id, &["housing_rules"]).await;
    let closed = office.go(MANAGER, &id, json!({"transition": "close"})).await;
    assert_eq!(closed["is_open"], false);

    // A tenant. Not before the home was one, not for a third of a cent, not two in one home.
    is_refused(&office, tenancy(&flats[0], &staff, "2026-10-01"), ("not_a_home", "W4")).await;
    let mut fine = tenancy(&flats[0], &staff, &today);
    fine["monthly_rent"] = json!("612.505");
    is_refused(&office, fine, ("money_scale", "money")).await;
    let moved_in = office
        .post(MANAGER, TENANCIES, tenancy(&flats[0], &staff, &today))
        .await;
    assert_eq!(moved_in.status, StatusCode::CREATED, "{}", moved_in.body);
    let mut other = tenancy(&flats[0], &staff, &today);
    other["tenant_name"] = json!("孙一");
    is_refused(&office, other, ("housing_tenancy_version_one_per_home", "W4")).await;
    assert_eq!(homes(&office, &house).await, told(&[("301", "let"), ("302", "free")]));

    // The rent is a lease's, and the lease names nobody.
    let at = format!("{TENANCIES}/{}", moved_in.body["id"].as_str().unwrap());
    let held = office.read(&at).await;
    assert_eq!(
        (&held["status"], &held["monthly_rent"]),
        (&json!("running"), &json!("612.50"))
    );
    let lease = format!("/api/v1/leases/{}", held["lease_id"].as_str().unwrap());
    let let_out = office.read(&lease).await;
    assert_eq!(
        (
            &let_out["is_housing"],
            &let_out["monthly_rent"],
            &let_out["rooms"][0]["room_id"]
        ),
        (&json!(true), &json!("612.50"), &json!(flats[0]))
    );
    for uri in [
        lease.clone(),
        format!("{lease}/versions"),
        "/api/v1/leases?count=true".to_owned(),
    ] {
        let told = office.read(&uri).await.to_string();
        assert!(!told.contains("钱守正"), "{uri}: {told}");
    }
    // Nobody ends or changes the lease past its tenancy.
    let tag = format!("\"{}\"", let_out["version_id"].as_str().unwrap());
    let ledger = entries(&pool).await;
    for (method, uri, body) in [
        ("PATCH", lease.clone(), json!({"rent": "1.00"})),
        (
            "POST",
            format!("{lease}/closures"),
            json!({"valid_to": today, "reason": "收回"}),
        ),
    ] {
        let refused = office
            .ask(MANAGER, method, &uri, &[("If-Match", &tag)], Some(body))
            .await;
        assert_eq!(
            (refused.status, &refused.body["code"]),
            (StatusCode::CONFLICT, &json!("lease_of_home")),
            "{uri}: {}",
            refused.body
        );
    }
    assert_eq!(entries(&pool).await, ledger);
    // Finance takes the rent in like any other.
    let paid = json!({"kind": "payment", "on": today, "amount": "612.50", "document": "票据1号"});
    let paid = office.post(FINANCE, &format!("{lease}/movements"), paid).await;
    assert!(paid.status.is_success(), "{}", paid.body);

    // The term passes, and the exit is late; then the home is free again. It waits for whoever edits the house, and the
    // worklist names nobody.
    let waiting = async || office.read("/api/v1/tasks?kind=housing_tenancy").await["items"].clone();
    assert_eq!(waiting().await, json!([]));
    office.days_pass(420);
    let task = waiting().await[0].clone();
    assert_eq!(
        (
            &task["id"],
            &task["awaited"],
            &task["due_on"],
            &task["overdue"],
            &task["about"]["zh"],
            &task["object"]["id"]
        ),
        (
            &held["id"],
            &json!("exit_or_renew"),
            &json!("2027-12-31"),
            &json!(true),
            &json!("301 室"),
            &json!(house)
        )
    );
    assert!(!task.to_string().contains("钱守正"), "{task}");
    assert_eq!(
        homes(&office, &house).await,
        told(&[("301", "overdue"), ("302", "free")])
    );
    let late = office.read(&format!("{TENANCIES}?status=overdue&count=true")).await;
    assert_eq!(
        (&late["total"], &late["items"][0]["room_number"]),
        (&json!(1), &json!("301"))
    );
    let held = office.read(&at).await;
    let tag = format!("\"{}\"", held["version_id"].as_str().unwrap());
    let today = office.state.clock.today().to_string();
    let exit = json!({"on": today, "reason": "已在市区购房，腾退"});
    let left = office
        .ask(
            MANAGER,
            "POST",
            &format!("{at}/exits"),
            &[("If-Match", &tag)],
            Some(exit.clone()),
        )
        .await;
    assert_eq!(
        (left.status, &left.body["status"]),
        (StatusCode::OK, &json!("ended")),
        "{}",
        left.body
    );
    assert_eq!(homes(&office, &house).await, told(&[("301", "free"), ("302", "free")]));
    assert_eq!(waiting().await, json!([]));
    let tag = left.etag.unwrap();
    let again = office
        .ask(
            MANAGER,
            "POST",
            &format!("{at}/exits"),
            &[("If-Match", &tag)],
            Some(exit),
        )
        .await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{}", again.body);
    let ended = office.read(&lease).await;
    assert_eq!((&ended["status"], &ended["valid_to"]), (&json!("ended"), &json!(today)));
    assert_eq!(ended["end_reason"], "周转住房退出", "why somebody leaves is theirs");
    let mut next = tenancy(&flats[0], &staff, &today);
    next["ends_on"] = json!("2029-12-31");
    office.made(MANAGER, TENANCIES, next).await;
    let history = office.read(&format!("{at}/versions")).await;
    assert_eq!(history["items"].as_array().unwrap().len(), 2);
    prove(&pool).await.unwrap();
    homes_go_along(&office, &house, &flats, &staff).await;
}

/// The house and its neighbour become one: who lives there lives there still, and what was free can be let.
async fn homes_go_along(office: &Office, house: &str, flats: &[String], staff: &str) {
    // With a title on it, it would take a title case, and its repair would have to be filed first: both have their own stories.
    sqlx::query("update policy_case_version set is_open = false where procedure <> 'turnover_housing'")
        .execute(&office.pool)
        .await
        .unwrap();
    sqlx::query("update title_version set book_state = '2'")
        .execute(&office.pool)
        .await
        .unwrap();
    let outline = |west: f64, east: f64| {
        let ring = [[west, 0.0], [east, 0.0], [east, 1.0], [west, 1.0], [west, 0.0]]
            .map(|[x, y]| [111.602 + x * 0.001, 26.4 + y * 0.001]);
        json!({"type": "Polygon", "coordinates": [ring]})
    };
    let annex =
        json!({"name": "东附楼", "region_code": "431103", "valid_from": "2015-01-01", "geometry": outline(1.0, 2.0)});
    let annex = office.made(MANAGER, "/api/v1/buildings", annex).await;
    office.days_pass(3);
    let today = office.state.clock.today().to_string();
    let mut from = Vec::new();
    for id in [house, &annex] {
        let version = office.read(&format!("/api/v1/buildings/{id}")).await["version_id"].clone();
        from.push(json!({"id": id, "version_id": version}));
    }
    let body = json!({"on": today, "from": from, "pieces": [{"geometry": outline(0.0, 2.0), "name": "合楼"}], "survey": "测〔2028〕1号",
        "reason": "打通"});
    let merged = office.post(MANAGER, "/api/v1/successions", body).await;
    assert_eq!(merged.status, StatusCode::CREATED, "{}", merged.body);
    let new = merged.body["to_ids"][0].as_str().unwrap();
    assert_eq!(homes(office, new).await, told(&[("301", "let"), ("302", "free")]));
    assert_eq!(homes(office, house).await, told(&[]));
    let listed = office.read(&format!("{TENANCIES}?building={new}&status=running")).await;
    assert_eq!(
        (
            &listed["items"][0]["room_number"],
            listed["items"].as_array().map(Vec::len)
        ),
        (&json!("301"), Some(1)),
        "{listed}"
    );
    let lease = format!("/api/v1/leases/{}", listed["items"][0]["lease_id"].as_str().unwrap());
    assert_eq!(office.read(&lease).await["asset_id"], json!(new));
    let mut other = tenancy(&flats[1], staff, &today);
    other["ends_on"] = json!("2029-12-31");
    office.made(MANAGER, TENANCIES, other).await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_leader_s_home_is_filed_and_names_are_for_who_sees_the_house(pool: PgPool) {
    let office = Office::open(&pool).await;
    office.threshold("convert").await;
    let house = office.building(1).await;
    office.title(&house, 1, "102", json!({})).await;
    let flats = rooms(&office, &house, &["301"], json!({"room_type": "turnover_housing"})).await;
    let staff = unit(&office, "统计").await;
    // A parcel has no homes; a compound goes house by house.
    let land = office.parcel(7).await;
    for (body, code) in [
        (
            json!({"procedure": "turnover_housing", "asset_id": land}),
            "not_a_building",
        ),
        (
            json!({"procedure": "turnover_housing", "asset_id": house, "room_ids": flats}),
            "",
        ),
    ] {
        let refused = office.post(MANAGER, "/api/v1/policy-cases", body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        if !code.is_empty() {
            assert_eq!(refused.body["code"], code);
        }
    }
    let refused = office
        .post(
            CONTACT,
            "/api/v1/policy-cases",
            json!({"procedure": "turnover_housing", "asset_id": house}),
        )
        .await;
    assert_eq!(refused.body["code"], "not_granted");

    let id = begun(&office, &house).await;
    selected(&office, &id, "public_housing").await;
    // Public housing stays housing: no opinion of planning. Nobody judges what they put forward.
    let token = person_with(
        &pool,
        "both",
        &[Role::Planner, Role::AssetManager, Role::Approver],
        "all",
    )
    .await;
    let alone = async |what: &str, body: Value| {
        let tag = format!("\"{}\"", office.case(&id).await["version_id"].as_str().unwrap());
        let uri = format!("/api/v1/policy-cases/{id}/{what}");
        ask_as(
            &office.app,
            Some(&token),
            "POST",
            &uri,
            &[("If-Match", &tag)],
            Some(body),
        )
        .await
    };
    assert_eq!(alone("records", plan(1)).await.status, StatusCode::OK);
    for kind in ["conversion_plan"] {
        let paper = json!({"record": "document", "kind": kind, "name": "1号"});
        assert_eq!(alone("records", paper).await.status, StatusCode::OK);
    }
    let planned = alone("transitions", json!({"transition": "plan"})).await;
    assert_eq!(planned.status, StatusCode::OK, "{}", planned.body);
    office.papers(MANAGER, &id, &["meeting_minutes"]).await;
    let ledger = entries(&pool).await;
    let own = alone("transitions", json!({"transition": "decide", "decision_no": "1号"})).await;
    assert_eq!(
        (own.status, &own.body["code"], &own.body["rule"]["id"]),
        (StatusCode::CONFLICT, &json!("four_eyes"), &json!("GOV-01")),
        "{}",
        own.body
    );
    assert_eq!(entries(&pool).await, ledger);
    let decide = json!({"transition": "decide", "decision_no": "局党组纪要〔2026〕9号"});
    office.go(MANAGER, &id, decide).await;
    // The last of the chain first: out of turn.
    let out_of_turn = json!({"transition": "approve", "office": "deputy_leader", "decision_no": "1号"});
    office
        .step_is_refused(APPROVER, &id, out_of_turn, "guard_approval_in_order", "DSP-06")
        .await;
    for (who, step) in [
        ("bureau", "countersign"),
        ("finance", "countersign"),
        ("deputy_leader", "approve"),
    ] {
        let step = json!({"transition": step, "office": who, "decision_no": "号"});
        office.go(APPROVER, &id, step).await;
    }
    // It needs no refit, and why is on record.
    let why = json!({"record": "no_refit", "reason": "2024年已整修，设施完好"});
    office.record(MANAGER, &id, why).await;
    office.go(MANAGER, &id, json!({"transition": "refit"})).await;
    let list = json!({"record": "homes", "room_ids": flats});
    office.record(MANAGER, &id, list).await;
    office.go(MANAGER, &id, json!({"transition": "set_up"})).await;
    office.papers(MANAGER, &id, &["conversion_record"]).await;
    office.go(MANAGER, &id, json!({"transition": "put_to_use"})).await;

    let today = office.state.clock.today().to_string();
    let mut leader = tenancy(&flats[0], &staff, &today);
    leader["filing_number"] = json!("湘机管备〔2026〕1号");
    leader["filed_on"] = json!(today);
    let refused = office.post(MANAGER, TENANCIES, leader.clone()).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("filing_form")),
        "only a leader's is filed"
    );
    leader["is_leader"] = json!(true);
    (leader["filing_number"], leader["filed_on"]) = (Value::Null, Value::Null);
    let id = office.made(MANAGER, TENANCIES, leader).await;
    let unfiled = async || office.read(&format!("{TENANCIES}?unfiled=true&count=true")).await["total"].clone();
    assert_eq!(unfiled().await, 1);
    let at = format!("{TENANCIES}/{id}");
    let tag = format!("\"{}\"", office.read(&at).await["version_id"].as_str().unwrap());
    let filed = json!({"filing_number": "湘机管备〔2026〕1号", "filed_on": today});
    let filed = office
        .ask(MANAGER, "PATCH", &at, &[("If-Match", &tag)], Some(filed))
        .await;
    assert_eq!(
        (filed.status, &filed.body["filing_number"]),
        (StatusCode::OK, &json!("湘机管备〔2026〕1号")),
        "{}",
        filed.body
    );
    assert_eq!(unfiled().await, 0);

    // Who sees the house sees who lives there; elsewhere there is nothing of it, and nothing to change.
    let there = person_with(&pool, "district-viewer", &[Role::Viewer], "431103").await;
    let elsewhere = person_with(&pool, "elsewhere", &[Role::AssetManager], "431102").await;
    let ask = async |token: &str, uri: &str| ask_as(&office.app, Some(token), "GET", uri, &[], None).await;
    assert_eq!(ask(&there, &at).await.body["tenant_name"], "钱守正");
    for uri in [at.clone(), format!("{at}/versions")] {
        assert_eq!(ask(&elsewhere, &uri).await.status, StatusCode::NOT_FOUND, "{uri}");
    }
    for uri in [TENANCIES, "/api/v1/homes", "/api/v1/leases"] {
        let listed = ask(&elsewhere, &format!("{uri}?count=true")).await;
        assert_eq!(listed.body["total"], 0, "{uri}: {}", listed.body);
    }
    let tag = filed.etag.unwrap();
    let strange = json!({"on": today, "reason": "x"});
    let key = Uuid::now_v7().to_string();
    let headers = [("If-Match", tag.as_str()), ("Idempotency-Key", key.as_str())];
    let refused = ask_as(
        &office.app,
        Some(&elsewhere),
        "POST",
        &format!("{at}/exits"),
        &headers,
        Some(strange),
    )
    .await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.body);
    // Nobody is found by name, and no file tells one.
    for uri in [
        "/api/v1/search?q=%E9%92%B1%E5%AE%88%E6%AD%A3",
        "/api/v1/rooms?count=true",
    ] {
        let told = office.read(uri).await.to_string();
        assert!(!told.contains("钱守正"), "{uri}: {told}");
    }
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_goes_to_the_shared_store_is_on_a_list_that_can_be_printed(pool: PgPool) {
    let office = Office::open(&pool).await;
    let house = office.building(1).await;
    let id = office.compared(&house, &["pool", "keep_use"]).await;
    office.papers(PLANNER, &id, &["proposal"]).await;
    office
        .go(PLANNER, &id, json!({"transition": "propose", "route": "pool"}))
        .await;
    office.papers(MANAGER, &id, &["meeting_minutes"]).await;
    let decide = json!({"transition": "decide", "decision_no": "纪要〔2026〕1号"});
    office.go(MANAGER, &id, decide).await;
    let approve = json!({"transition": "approve", "office": "bureau", "decision_no": "永机管〔2026〕2号"});
    office.go(APPROVER, &id, approve).await;
    office.papers(MANAGER, &id, &["handover_record"]).await;
    let step = json!({"transition": "hand_to_store"});
    office
        .step_is_refused(MANAGER, &id, step.clone(), "guard_movables_listed", "")
        .await;
    let token = person_with(&pool, "exporter", &[Role::AssetManager], "all").await;
    let file = async || {
        let request = Request::builder()
            .uri(format!("/api/v1/policy-cases/{id}/movables.xlsx"))
            .header(header::HOST, "127.0.0.1")
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap();
        let response = office.app.clone().oneshot(request).await.unwrap();
        let rows = response
            .headers()
            .get("yice-rows")
            .map(|rows| rows.to_str().unwrap().to_owned());
        let status = response.status();
        (
            status,
            rows,
            axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap(),
        )
    };
    assert_eq!(file().await.0, StatusCode::NOT_FOUND, "there is no list yet");
    let list = |items: u32| {
        json!({"record": "movables", "on": "2026-11-21", "items": items, "list": "公物仓1号", "received_by": "赵收", "handed_by": "钱交",
            "pieces": [{"name": "办公桌", "number": "ZC-001", "count": 12, "state": "good"}, {"name": "空调", "count": 2, "state": "to_mend"}]})
    };
    office
        .is_refused(MANAGER, &id, ("records", list(13)), ("pieces_sum", ""))
        .await;
    office.record(MANAGER, &id, list(14)).await;
    office.go(MANAGER, &id, step).await;
    let (status, rows, bytes) = file().await;
    assert_eq!((status, rows.as_deref()), (StatusCode::OK, Some("2")));
    assert!(bytes.starts_with(b"PK\x03\x04"));
    prove(&pool).await.unwrap();
}
