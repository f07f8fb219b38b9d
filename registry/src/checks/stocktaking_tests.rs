//! The rules of stocktakings, each firing and not firing, over a real PostGIS. Today is 21 November 2026.

use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;
use time::{Date, Duration};

use super::rule::catalogue;
use super::run::{Scope, run_rule};
use crate::stocktakings::tests::{APPROVER, CONTACT, MANAGER, Office};

async fn found_on(office: &Office, rule: &str, object: &str, day: Date) -> u64 {
    let catalogue = catalogue().unwrap();
    let scope = Scope::Objects(vec![object.parse().unwrap()]);
    let at = (day, office.state.clock.now());
    run_rule(&office.state.database, catalogue, &catalogue.rules[rule], at, &scope)
        .await
        .unwrap()
        .found
}

async fn found(office: &Office, rule: &str, object: &str) -> u64 {
    found_on(office, rule, object, office.state.clock.today()).await
}

async fn evidence(pool: &PgPool, rule: &str) -> Value {
    sqlx::query_scalar("select evidence from finding where rule = $1 and state = 'new'")
        .bind(rule)
        .fetch_one(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_year_without_a_finished_stocktaking_is_told_when_it_is_nearly_over(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let hall = office.building("市政大楼", &unit, 1000.0).await;
    // Known only now: this year's is not for it; next year's is, and not before December.
    for (day, expected) in [
        (date!(2026 - 11 - 21), 0),
        (date!(2026 - 12 - 31), 0),
        (date!(2027 - 06 - 30), 0),
        (date!(2027 - 12 - 01), 0),
        (date!(2027 - 12 - 02), 1),
        (date!(2028 - 05 - 01), 1),
    ] {
        assert_eq!(found_on(&office, "ACC-01", &unit, day).await, expected, "{day}");
    }
    // Known since spring: this year's is late in December.
    sqlx::query("update spatial_unit_version set recorded = tstzrange('2026-03-01', upper(recorded)) where object_id = $1::uuid")
        .bind(&hall)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(found_on(&office, "ACC-01", &unit, date!(2026 - 12 - 01)).await, 0);
    assert_eq!(found_on(&office, "ACC-01", &unit, date!(2026 - 12 - 02)).await, 1);
    assert_eq!(
        evidence(&pool, "ACC-01").await,
        json!({"name": "财政局", "assets": 1, "year": 2026})
    );
    // One that is open is none that is finished; one that was cancelled neither.
    let at = office.frozen(json!({})).await;
    assert_eq!(found_on(&office, "ACC-01", &unit, date!(2026 - 12 - 02)).await, 1);
    office.step(MANAGER, &at, "cancel").await;
    assert_eq!(found_on(&office, "ACC-01", &unit, date!(2026 - 12 - 02)).await, 1);
    let at = office.frozen(json!({})).await;
    office.rest_in_place(CONTACT, &at).await;
    for (who, step) in [
        (MANAGER, "begin_check"),
        (MANAGER, "end_check"),
        (CONTACT, "put_forward"),
        (APPROVER, "approve"),
        (MANAGER, "report"),
    ] {
        office.step(who, &at, step).await;
    }
    office.paper(MANAGER, &at, "report").await;
    office.step(APPROVER, &at, "close").await;
    assert_eq!(found_on(&office, "ACC-01", &unit, date!(2026 - 12 - 02)).await, 0);
    // The next year wants the next.
    assert_eq!(found_on(&office, "ACC-01", &unit, date!(2027 - 12 - 02)).await, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn differences_that_stay_open_and_what_is_outside_the_ledger_are_told(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let hall = office.building("市政大楼", &unit, 1000.0).await;
    let shed = office.building("老车库", &unit, 80.0).await;
    office.room(&hall, "101", &unit).await;
    let at = office.frozen(json!({})).await;
    let shed_line = office.line(&at, &shed).await;
    office
        .record(CONTACT, &shed_line, json!({"record": "answer", "found": "missing"}))
        .await;
    assert_eq!(found(&office, "ACC-03", &hall).await, 0);
    let extra = json!({"kind": "building", "name": "门卫室", "near_id": hall, "area_m2": 24.5});
    let extra_line = format!(
        "{at}/lines/{}",
        office.made(CONTACT, &format!("{at}/lines"), extra).await
    );
    // The surplus is told at once, next to what it was found; the shortfall after its days.
    assert_eq!(found(&office, "ACC-03", &hall).await, 1);
    assert_eq!(evidence(&pool, "ACC-03").await["what_zh"], "盘盈 门卫室");
    let today = office.state.clock.today();
    for (days, expected) in [(60, 0), (61, 1)] {
        let day = today + Duration::days(days);
        assert_eq!(found_on(&office, "ACC-02", &shed, day).await, expected, "{days}");
        assert_eq!(found_on(&office, "ACC-02", &hall, day).await, expected, "{days}");
    }
    office.rest_in_place(CONTACT, &at).await;
    office.step(MANAGER, &at, "begin_check").await;
    let photo = office.photo(MANAGER).await;
    for (line, is) in [(&shed_line, "missing"), (&extra_line, "extra")] {
        let check = json!({"record": "check", "found": is, "position": [119.95, 31.78], "documents": [photo]});
        office.record(MANAGER, line, check).await;
    }
    office.step(MANAGER, &at, "end_check").await;
    for line in [&shed_line, &extra_line] {
        office
            .record(CONTACT, line, json!({"record": "explanation", "text": "说明"}))
            .await;
    }
    office.step(CONTACT, &at, "put_forward").await;
    let later = today + Duration::days(61);
    // Somebody else's after all: decided, and told no more. What is to be corrected is told until it is.
    let stands = json!({"record": "decision", "decision": "book_stands", "note": "系街道资产"});
    office.record(APPROVER, &extra_line, stands).await;
    office
        .record(
            APPROVER,
            &shed_line,
            json!({"record": "decision", "decision": "correct_book"}),
        )
        .await;
    assert_eq!(found(&office, "ACC-03", &hall).await, 0);
    assert_eq!(found_on(&office, "ACC-02", &hall, later).await, 0);
    assert_eq!(found_on(&office, "ACC-02", &shed, later).await, 1);
    office.step(APPROVER, &at, "approve").await;
    office.close(&format!("buildings/{shed}")).await;
    office
        .record(MANAGER, &shed_line, json!({"record": "settlement"}))
        .await;
    assert_eq!(found_on(&office, "ACC-02", &shed, later).await, 0);

    // A building that leaves the ledger while it is let, or its rooms are used, is outside of it.
    let shop = office.building("门面", &unit, 300.0).await;
    let lease = crate::leases::tests::shop(&shop, json!({"starts_on": "2026-11-01", "ends_on": "2027-10-31"}));
    office.made(MANAGER, "leases", lease).await;
    assert_eq!(found(&office, "ACC-03", &shop).await, 0);
    for object in [&shop, &hall] {
        sqlx::query(
            "update spatial_unit_version set valid = daterange(lower(valid), '2026-11-20') where object_id = $1::uuid",
        )
        .bind(object)
        .execute(&pool)
        .await
        .unwrap();
        assert_eq!(found(&office, "ACC-03", object).await, 1);
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_unit_s_own_ledger_that_says_something_else_is_told_until_one_of_the_two_is_corrected(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let hall = office.building("市政大楼", &unit, 1000.0).await;
    let room = office.room(&hall, "101", &unit).await;
    let at = office.frozen(json!({})).await;
    let line = office.line(&at, &hall).await;
    let answer = |own: Value, title: Value| json!({"record": "answer", "found": "in_place", "own_area_m2": own, "own_title_number": title});
    for (own, title, expected) in [
        (json!(null), json!(null), 0),
        (json!(1000), json!(null), 0),
        (json!(1000.01), json!(null), 0),
        (json!(1000.02), json!(null), 1),
        (json!(1000), json!("苏(2021)1号"), 1),
    ] {
        office.record(CONTACT, &line, answer(own.clone(), title.clone())).await;
        assert_eq!(found(&office, "TTL-09", &hall).await, expected, "{own} {title}");
    }
    assert_eq!(
        evidence(&pool, "TTL-09").await["differs_zh"],
        "市政大楼 证号 苏(2021)1号 与 —"
    );
    office.record(CONTACT, &line, answer(json!(990), json!(null))).await;
    assert_eq!(found(&office, "TTL-09", &hall).await, 1);
    // A room's figure is told with its building.
    let room_line = office.line(&at, &room).await;
    office.record(CONTACT, &room_line, answer(json!(21), json!(null))).await;
    assert_eq!(found(&office, "TTL-09", &hall).await, 1);
    assert_eq!(evidence(&pool, "TTL-09").await["lines"], 2);
    office.record(CONTACT, &room_line, answer(json!(20), json!(null))).await;
    // The ledger says the same from now on.
    office
        .change(
            &format!("buildings/{hall}"),
            json!({"registered_area_m2": 990, "valid_from": "2026-11-20"}),
        )
        .await;
    assert_eq!(found(&office, "TTL-09", &hall).await, 0);
}
