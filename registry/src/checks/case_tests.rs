//! Rules of policy cases, over a real PostGIS.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::tests::{found_by, register, square};
use crate::spatial_units::tests::app;

/// The rules of cases: each fires for its fault, and not where a case answers for it.
#[sqlx::test(migrations = "../migrations")]
async fn each_rule_of_cases_fires_where_nothing_answers_for_it(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let today = state.clock.today();
    let ago = |days: i64| (today - time::Duration::days(days)).to_string();
    let fires = async |rule: &str, object: Uuid, expected: u64| {
        assert_eq!(found_by(&state, rule, Some(vec![object])).await, expected, "{rule}");
    };
    let digest: String = sqlx::query_scalar(
        "insert into workflow_definition (digest, workflow, text, kept_at)
         values (encode(sha256('x'::bytea), 'hex'), 'repair', 'x', '2026-01-01') returning digest",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    // A case as it stands, straight into the book.
    let case = async |asset: Option<Uuid>,
                      unit: Option<Uuid>,
                      procedure: &str,
                      state: &str,
                      is_open: bool,
                      more: Value|
           -> Uuid {
        let id = Uuid::now_v7();
        sqlx::query("insert into policy_case (id, created_at) values ($1, '2026-01-01')")
            .bind(id)
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query(
            "insert into policy_case_version (version_id, object_id, valid, recorded, asset_id, unit_id, procedure, definition, state,
                 is_open, route, region_code, opened_by, due_on, paid, remitted, details)
             values (gen_random_uuid(), $1, daterange('2026-01-01', null), tstzrange('2026-01-01', null), $2, $3, $4, $5, $6, $7,
                 $8, '320402', '李', $9::date, 0, 0, $10::json)",
        )
        .bind(id)
        .bind(asset)
        .bind(unit)
        .bind(procedure)
        .bind(&digest)
        .bind(state)
        .bind(is_open)
        .bind(more["route"].as_str())
        .bind(more["due_on"].as_str())
        .bind(more["details"].to_string())
        .execute(&pool)
        .await
        .unwrap();
        id
    };
    let plain = || json!({"details": {}});
    let drop_case = async |id: Uuid| {
        sqlx::query(
            "update policy_case_version set recorded = tstzrange(lower(recorded), '2026-06-01') where object_id = $1",
        )
        .bind(id)
        .execute(&pool)
        .await
        .unwrap();
    };
    let mut east = 0.0;
    let mut house = async |key: &str, more: Value| -> Uuid {
        east += 40.0;
        let mut body = json!({"code": key, "geometry": square(east, 20.0), "valid_from": "2015-01-01"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        register(&app, "buildings", key, body).await.0
    };

    // DSP-01: more than six months a warning, more than twelve an error, and a case answers for both.
    for (days, warns, alarms) in [(150, 0, 0), (250, 1, 0), (400, 0, 1)] {
        let idle = house(
            &format!("idle-{days}"),
            json!({"occupancy": "idle", "idle_since": ago(days)}),
        )
        .await;
        fires("DSP-01", idle, warns).await;
        fires("DSP-01E", idle, alarms).await;
        let open = case(Some(idle), None, "idle_disposal", "identified", true, plain()).await;
        fires("DSP-01", idle, 0).await;
        fires("DSP-01E", idle, 0).await;
        // One that was dropped answers for nothing.
        drop_case(open).await;
        case(Some(idle), None, "idle_disposal", "dropped", false, plain()).await;
        fires("DSP-01E", idle, alarms).await;
    }
    // A repair answers for no idleness, and an idle house's land is its house's matter.
    let used = house("used", json!({"occupancy": "in_use"})).await;
    fires("DSP-01E", used, 0).await;

    // DSP-10: closed, and still there; where rooms were sold the building stays.
    let sold = json!({"route": "auction", "details": {}});
    case(Some(used), None, "idle_disposal", "closed", false, sold).await;
    fires("DSP-10", used, 1).await;
    let kept = house("kept", json!({"occupancy": "in_use"})).await;
    case(
        Some(kept),
        None,
        "idle_disposal",
        "closed",
        false,
        json!({"route": "keep_use", "details": {}}),
    )
    .await;
    fires("DSP-10", kept, 0).await;
    let partly = house("partly", json!({"occupancy": "in_use"})).await;
    let rooms = json!({"route": "auction", "details": {"room_ids": [Uuid::now_v7()]}});
    case(Some(partly), None, "idle_disposal", "closed", false, rooms).await;
    fires("DSP-10", partly, 0).await;

    // MNT-03: under repair, and nobody approved it; a case in its works answers for it, one that is applied for doesn't.
    let repaired = house("repaired", json!({"occupancy": "under_repair"})).await;
    fires("MNT-03", repaired, 1).await;
    let applied = case(Some(repaired), None, "repair", "applied", true, plain()).await;
    fires("MNT-03", repaired, 1).await;
    drop_case(applied).await;
    case(Some(repaired), None, "repair", "working", true, plain()).await;
    fires("MNT-03", repaired, 0).await;

    // MNT-04: two of one year above the sum; not one alone, not of two years, not what was refused.
    let record = |no: u32, fact: Value| json!({"no": no, "by": "李", "at": "2026-01-01T00:00:00Z", "state": "drafted", "fact": fact});
    let application = |year: i32, yuan: &str, necessity: &str| {
        json!({"details": {"records": [record(1, json!({"record": "repair_application", "for_year": year, "condition": "x",
            "necessity": necessity, "estimate": yuan}))]}})
    };
    let split = house("split", json!({})).await;
    case(
        Some(split),
        None,
        "repair",
        "archived",
        false,
        application(2027, "600000.00", "wear"),
    )
    .await;
    fires("MNT-04", split, 0).await;
    case(
        Some(split),
        None,
        "repair",
        "refused",
        false,
        application(2027, "600000.00", "wear"),
    )
    .await;
    case(
        Some(split),
        None,
        "repair",
        "archived",
        false,
        application(2028, "600000.00", "wear"),
    )
    .await;
    fires("MNT-04", split, 0).await;
    case(
        Some(split),
        None,
        "repair",
        "applied",
        true,
        application(2027, "400000.01", "wear"),
    )
    .await;
    fires("MNT-04", split, 1).await;

    // MNT-07: because somebody else sits there; and not where that was declared void.
    let moved = house("moved", json!({})).await;
    let other_user = application(2027, "10.00", "change_of_user");
    let open = case(Some(moved), None, "repair", "applied", true, other_user.clone()).await;
    fires("MNT-07", moved, 1).await;
    fires("MNT-07", split, 0).await;
    drop_case(open).await;
    let mut void = other_user;
    void["details"]["records"]
        .as_array_mut()
        .unwrap()
        .push(record(2, json!({"record": "void", "no": 1, "reason": "误填"})));
    case(Some(moved), None, "repair", "applied", true, void).await;
    fires("MNT-07", moved, 0).await;

    // MNT-08 and MNT-06: done and not inspected after 90 days; and applied for anew within eight years.
    let done = |days: i64| json!({"details": {"records": [record(1, json!({"record": "completion", "completed_on": ago(days), "settled": "1.00"}))]}});
    for (days, late) in [(80, 0), (91, 1)] {
        let works = house(&format!("works-{days}"), json!({})).await;
        case(Some(works), None, "repair", "working", true, done(days)).await;
        fires("MNT-08", works, late).await;
        fires("MNT-06", works, 0).await;
    }
    for (days, soon) in [(365 * 7, 1), (365 * 9, 0)] {
        let again = house(&format!("again-{days}"), json!({})).await;
        case(Some(again), None, "repair", "archived", false, done(days)).await;
        fires("MNT-06", again, 0).await;
        case(Some(again), None, "repair", "applied", true, plain()).await;
        fires("MNT-06", again, soon).await;
        fires("MNT-08", again, 0).await;
    }

    let district = json!({"code": "320402", "name": "天宁区", "level": "county", "valid_from": "2000-01-01"});
    register(&app, "regions", "320402", district).await;
    // ALC-02: rented in, with an approval or without.
    let rented = house("rented", json!({"occupancy": "rented_in"})).await;
    fires("ALC-02", rented, 1).await;
    let unit =
        json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ", "region_code": "320402"});
    let unit: Uuid = crate::occupants::tests::id_of(&app, "units", unit)
        .await
        .parse()
        .unwrap();
    case(Some(rented), Some(unit), "rent_in", "renting", true, plain()).await;
    fires("ALC-02", rented, 0).await;

    // ALC-09 and ALC-10: of the unit that built, after its day.
    let due = |days: i64, vacates: bool| json!({"due_on": ago(days), "details": {"need": {"purpose": "x", "vacates": vacates}}});
    let open = case(None, Some(unit), "build", "completed", true, due(0, true)).await;
    fires("ALC-09", unit, 0).await;
    drop_case(open).await;
    let open = case(None, Some(unit), "build", "completed", true, due(1, true)).await;
    fires("ALC-09", unit, 1).await;
    fires("ALC-10", unit, 0).await;
    drop_case(open).await;
    for (vacates, late) in [(false, 0), (true, 1)] {
        let open = case(None, Some(unit), "build", "accounted", true, due(1, vacates)).await;
        fires("ALC-10", unit, late).await;
        fires("ALC-09", unit, 0).await;
        drop_case(open).await;
    }

    // DSP-02: granted more than a year ago and bare; not with a house on it, not within the year.
    for (key, from, houses, found) in [
        ("bare", ago(400), 0, 1),
        ("new", ago(300), 0, 0),
        ("built", ago(400), 1, 0),
    ] {
        east += 40.0;
        let body = json!({"code": key, "geometry": square(east, 20.0), "valid_from": "2015-01-01"});
        let parcel = register(&app, "parcels", key, body).await.0;
        let title = Uuid::now_v7();
        sqlx::query("insert into title (id, created_at) values ($1, '2026-01-01')")
            .bind(title)
            .execute(&pool)
            .await
            .unwrap();
        let standing: Vec<Uuid> = (0..houses).map(|_| used).collect();
        sqlx::query(
            "insert into title_version (version_id, object_id, valid, recorded, evidence, book_state, parcel_ids, building_ids,
                 holders, co_ownership, right_type, term_from)
             select gen_random_uuid(), $1, daterange('2020-01-01', null), tstzrange('2026-01-01', null), 'both', '1', array[$2],
                 $3, '[{\"name\": \"局\", \"kind\": \"bureau\"}]', '0', '3', $4::date",
        )
        .bind(title)
        .bind(parcel)
        .bind(&standing)
        .bind(&from)
        .execute(&pool)
        .await
        .unwrap();
        fires("DSP-02", parcel, found).await;
    }
}
