//! The rules of yearly filings, each firing and not firing, over a real PostGIS. Today is 21 November 2026.

use axum::Router;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::rule::catalogue;
use super::run::{Scope, run_rule};
use super::tests::{changed, open, register, square};
use crate::http::AppState;
use crate::ledger::ObjectKind;
use crate::spatial_units::tests::{app, ask};

struct Bureau {
    unit: Uuid,
    room: Uuid,
}

/// A unit with one room and who sits there, since a day.
async fn bureau(app: &Router, code: &str, kind: &str, rank: &str, since: &str) -> Bureau {
    let place = code.bytes().map(f64::from).sum::<f64>() * 40.0;
    let body = json!({"code": code, "name": format!("{code}局"), "level": "city", "kind": kind, "region_code": "320404",
                      "valid_from": "2020-01-01"});
    let unit = register(app, "units", code, body).await.0;
    let body = json!({"code": code, "usage": "administrative_office", "valid_from": "2020-01-01", "geometry": square(place, 30.0)});
    let building = register(app, "buildings", &format!("house {code}"), body).await.0;
    let body = json!({"building_id": building, "floor": 1, "number": "101", "room_type": "office", "unit_id": unit,
                      "occupancy": "in_use", "use_area_m2": 9, "building_area_m2": 14, "valid_from": since});
    let room = register(app, "rooms", &format!("room {code}"), body).await.0;
    let body = json!({"room_id": room, "person": format!("王{code}"), "rank": rank, "valid_from": since});
    register(app, "occupants", &format!("seat {code}"), body).await;
    Bureau { unit, room }
}

/// The office, with the district in which its units are.
async fn office(pool: &PgPool) -> (Router, AppState) {
    let (app, state) = app(pool).await;
    let district = json!({"code": "320404", "name": "钟楼区", "level": "county", "valid_from": "2010-01-01"});
    register(&app, "regions", "320404", district).await;
    (app, state)
}

async fn filed(app: &Router, unit: Uuid, kind: &str, year: i32, on: &str) -> Uuid {
    let key = format!("{unit} {kind} {year}");
    let body =
        json!({"unit_id": unit, "kind": kind, "year": year, "filed_on": on, "document": format!("备〔{year}〕1号")});
    register(app, "use-filings", &key, body).await.0
}

/// The units that a rule finds, by the names in the findings.
async fn names(app: &Router, rule: &str) -> Vec<String> {
    let mut names: Vec<String> = open(app, rule)
        .await
        .iter()
        .map(|finding| finding["evidence"]["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

async fn look(state: &AppState, rule: &str, day: time::Date) -> u64 {
    let catalogue = catalogue().unwrap();
    let at = (day, state.clock.now());
    run_rule(&state.database, catalogue, &catalogue.rules[rule], at, &Scope::All)
        .await
        .unwrap()
        .found
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_not_filed_or_published_for_last_year_is_told(pool: PgPool) {
    let (app, state) = office(&pool).await;
    let chief = bureau(&app, "A", "government_organ", "正局(处)级", "2020-01-01").await;
    // Nobody above the staff sits there: nothing to file, and to publish all the same.
    let staff = bureau(&app, "B", "government_organ", "局(处)级以下", "2020-01-01").await;
    // No organ of Party or government, and one that moved in only this year.
    let company = bureau(&app, "C", "platform_company", "正局(处)级", "2020-01-01").await;
    let newcomer = bureau(&app, "D", "government_organ", "正局(处)级", "2026-01-01").await;
    for unit in [&chief, &staff, &company, &newcomer] {
        changed(&state, ObjectKind::Room, unit.room).await;
        changed(&state, ObjectKind::Unit, unit.unit).await;
    }
    assert_eq!(names(&app, "USE-12").await, ["A局"]);
    assert_eq!(names(&app, "USE-13").await, ["A局", "B局"]);
    let finding = &open(&app, "USE-12").await[0];
    assert_eq!(
        (&finding["evidence"]["year"], &finding["evidence"]["leaders"]),
        (&json!(2025), &json!(1)),
        "{finding}"
    );

    // The other kind, the year before and this year's don't help; the right one does, however late it was.
    for (kind, year, on, is_open) in [
        ("internal_publication", 2025, "2026-01-10", true),
        ("leader_offices", 2024, "2024-12-20", true),
        ("leader_offices", 2026, "2026-11-01", true),
        ("leader_offices", 2025, "2026-11-20", false),
    ] {
        let filing = filed(&app, chief.unit, kind, year, on).await;
        changed(&state, ObjectKind::UseFiling, filing).await;
        assert_eq!(!names(&app, "USE-12").await.is_empty(), is_open, "{kind} {year}");
    }
    assert_eq!(names(&app, "USE-13").await, ["B局"]);

    // Withdrawn it is missing again.
    let filings = ask(
        &app,
        "GET",
        &format!("/api/v1/use-filings?unit={}", chief.unit),
        &[],
        None,
    )
    .await
    .body;
    let of_2025 = |one: &&Value| one["kind"] == "leader_offices" && one["year"] == 2025;
    let filing = filings["items"].as_array().unwrap().iter().find(of_2025).unwrap();
    let id: Uuid = filing["id"].as_str().unwrap().parse().unwrap();
    let tag = format!("\"{}\"", filing["version_id"].as_str().unwrap());
    state.clock.advance(time::Duration::minutes(1));
    let uri = format!("/api/v1/use-filings/{id}/withdrawals");
    let withdrawn = ask(
        &app,
        "POST",
        &uri,
        &[("If-Match", &tag)],
        Some(json!({"reason": "录错"})),
    )
    .await;
    assert_eq!(withdrawn.status, 200, "{}", withdrawn.body);
    changed(&state, ObjectKind::UseFiling, id).await;
    assert_eq!(names(&app, "USE-12").await, ["A局"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_year_is_late_from_its_end_or_from_the_regions_own_day(pool: PgPool) {
    let (app, state) = office(&pool).await;
    let unit = bureau(&app, "A", "government_organ", "正局(处)级", "2020-01-01")
        .await
        .unit;
    for kind in ["leader_offices", "internal_publication"] {
        filed(&app, unit, kind, 2025, "2025-12-31").await;
    }
    let day = |year: i32, month: u8, day: u8| {
        time::Date::from_calendar_date(year, time::Month::try_from(month).unwrap(), day).unwrap()
    };
    for rule in ["USE-12", "USE-13"] {
        // 2025 is there; 2026 is due with its last day, and late on the first of the next.
        for (on, late) in [(day(2026, 11, 21), 0), (day(2026, 12, 31), 0), (day(2027, 1, 1), 1)] {
            assert_eq!(look(&state, rule, on).await, late, "{rule} {on}");
        }
    }
    for (days, since, until, days_of) in [
        // By the end of November: late in December.
        (
            -31,
            "2020-01-01",
            "2020-01-02",
            [(day(2026, 11, 30), 0), (day(2026, 12, 1), 1)],
        ),
        // A month of grace.
        (
            31,
            "2020-01-02",
            "2020-01-03",
            [(day(2027, 1, 31), 0), (day(2027, 2, 1), 1)],
        ),
    ] {
        let body = json!({"name": "filing_days", "region_code": "320404", "value": days, "source": "市文件", "valid_from": since, "reason": "试"});
        let (set, tag) = register(&app, "rule-parameters", since, body).await;
        for rule in ["USE-12", "USE-13"] {
            for (on, late) in days_of {
                assert_eq!(look(&state, rule, on).await, late, "{rule} {days} {on}");
            }
        }
        state.clock.advance(time::Duration::minutes(1));
        let end = json!({"valid_to": until, "reason": "试"});
        let uri = format!("/api/v1/rule-parameters/{set}/closures");
        let ended = ask(&app, "POST", &uri, &[("If-Match", &tag)], Some(end)).await;
        assert_eq!(ended.status, 200, "{}", ended.body);
        state.clock.advance(time::Duration::minutes(1));
    }
}
