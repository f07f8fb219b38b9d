//! An old compound becomes homes, a tenant moves in and out, and the homes go along where the house is split.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{
    TENANCIES, approved, begun, choice, homes, is_refused, old_house, plan, refitted, rooms, tenancy, told, unit,
};
use crate::policy_cases::tests::{APPROVER, FINANCE, MANAGER, Office, PLANNER, SECOND};
use crate::versioned::tests::{entries, prove};

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
