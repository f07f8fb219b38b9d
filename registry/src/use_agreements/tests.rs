//! Over HTTP and a real PostGIS: from the draft to the end, each registration, and what is refused.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};
use crate::versioned::tests::{entries, prove};

const LIST: &str = "/api/v1/use-agreements";

async fn made(app: &Router, layer: &str, body: Value) -> Uuid {
    let key = Uuid::now_v7().to_string();
    let answer = ask(
        app,
        "POST",
        &format!("/api/v1/{layer}"),
        &[("Idempotency-Key", &key)],
        Some(body),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body["id"].as_str().unwrap().parse().unwrap()
}

struct Office {
    building: Uuid,
    rooms: Vec<Uuid>,
    units: [Uuid; 2],
}

/// A building with four rooms, and two bureaus.
async fn office(app: &Router) -> Office {
    let shape = json!({"type": "Polygon", "coordinates":
        [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.781], [119.95, 31.78]]]});
    let building = json!({"code": "B1", "name": "一号楼", "geometry": shape, "usage": "administrative_office", "valid_from": "2020-01-01"});
    let building = made(app, "buildings", building).await;
    let unit = |code: &str| json!({"code": code, "name": format!("{code}局"), "level": "city", "kind": "government_organ", "valid_from": "2020-01-01"});
    let units = [
        made(app, "units", unit("甲")).await,
        made(app, "units", unit("乙")).await,
    ];
    let mut rooms = Vec::new();
    for number in ["101", "102", "103", "104"] {
        let room = json!({"building_id": building, "floor": 1, "number": number, "use_area_m2": 20, "building_area_m2": 30,
            "unit_id": units[0], "occupancy": "in_use", "valid_from": "2020-01-01"});
        rooms.push(made(app, "rooms", room).await);
    }
    Office { building, rooms, units }
}

async fn step(app: &Router, id: Uuid, tag: &str, body: Value) -> Answer {
    ask(
        app,
        "POST",
        &format!("{LIST}/{id}/steps"),
        &[("If-Match", tag)],
        Some(body),
    )
    .await
}

#[sqlx::test(migrations = "../migrations")]
async fn an_agreement_is_signed_certified_changed_transferred_and_cancelled(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let office = office(&app).await;
    let draft = json!({"unit_id": office.units[0], "room_ids": office.rooms[..3], "purpose": "行政办公", "approved_area_m2": 60.5,
        "starts_on": "2026-01-01", "documents": ["平面图"]});
    let drafted = ask(&app, "POST", LIST, &[("Idempotency-Key", "draft")], Some(draft)).await;
    assert_eq!(drafted.status, StatusCode::CREATED, "{}", drafted.body);
    let id: Uuid = drafted.body["id"].as_str().unwrap().parse().unwrap();
    let mut tag = drafted.etag.unwrap();
    for (body, status, registration) in [
        (
            json!({"step": "sign", "on": "2026-01-05", "agreement_no": "使协〔2026〕1号", "documents": ["使用协议"]}),
            "signed",
            Value::Null,
        ),
        (
            json!({"step": "certify", "on": "2026-01-10", "certificate_no": "用证第1号"}),
            "certified",
            json!("first"),
        ),
        (
            json!({"step": "change", "on": "2026-03-01", "room_ids": office.rooms, "approved_area_m2": 80, "reason": "增加一间"}),
            "certified",
            json!("change"),
        ),
        (
            json!({"step": "correct", "on": "2026-03-02", "purpose": "行政办公（窗口）", "reason": "误写"}),
            "certified",
            json!("correction"),
        ),
        (
            json!({"step": "replace", "on": "2026-04-01", "certificate_no": "用证第2号", "reason": "遗失"}),
            "certified",
            json!("replacement"),
        ),
        (
            json!({"step": "renew", "on": "2026-05-01", "certificate_no": "用证第3号", "ends_on": "2031-01-01"}),
            "certified",
            json!("renewal"),
        ),
        (
            json!({"step": "transfer", "on": "2026-06-01", "unit_id": office.units[1], "transfer_slip_no": "调拨〔2026〕7号",
                "agreement_no": "使协〔2026〕2号", "certificate_no": "用证第4号"}),
            "certified",
            json!("transfer"),
        ),
        (
            json!({"step": "cancel", "on": "2026-07-01", "reason": "腾退"}),
            "cancelled",
            json!("cancellation"),
        ),
    ] {
        state.clock.advance(time::Duration::minutes(1));
        let answer = step(&app, id, &tag, body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.body);
        assert_eq!(
            (&answer.body["status"], &answer.body["registration"]),
            (&json!(status), &registration),
            "{body}"
        );
        tag = answer.etag.unwrap();
    }
    // Each registration is a version; what held on a day is told for that day.
    let told = ask(&app, "GET", &format!("{LIST}/{id}?as_of=2026-05-15"), &[], None)
        .await
        .body;
    assert_eq!(
        (&told["certificate_no"], &told["unit_id"]),
        (&json!("用证第3号"), &json!(office.units[0]))
    );
    assert_eq!(told["room_ids"].as_array().unwrap().len(), 4);
    let listed = ask(
        &app,
        "GET",
        &format!("{LIST}?building={}&as_of=2026-06-15&count=true", office.building),
        &[],
        None,
    )
    .await
    .body;
    assert_eq!(
        (&listed["total"], &listed["items"][0]["unit_name"]),
        (&json!(1), &json!("乙局"))
    );
    assert_eq!(
        (&listed["items"][0]["buildings"][0], &listed["items"][0]["use_area_m2"]),
        (&json!("一号楼"), &json!(80.0))
    );
    for (query, found) in [
        ("status=certified", 0),
        ("status=cancelled", 1),
        ("q=调", 0),
        ("q=用证第4", 1),
        ("ends_before=2032-01-01", 0),
    ] {
        let listed = ask(&app, "GET", &format!("{LIST}?count=true&{query}"), &[], None)
            .await
            .body;
        assert_eq!(listed["total"], found, "{query}");
    }
    let versions = ask(&app, "GET", &format!("{LIST}/{id}/versions"), &[], None).await.body;
    assert_eq!(
        versions["items"].as_array().unwrap().len(),
        9 + 8,
        "each with the open version that it ended"
    );
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_does_not_fit_is_refused_and_changes_nothing(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let office = office(&app).await;
    let draft = |field: &str, value: Value| {
        let mut body = json!({"unit_id": office.units[0], "room_ids": office.rooms, "purpose": "行政办公"});
        body[field] = value;
        body
    };
    let ledger = entries(&pool).await;
    for (field, value) in [
        ("unit_id", json!(Uuid::now_v7())),
        ("room_ids", json!([])),
        ("room_ids", json!([office.rooms[0], Uuid::now_v7()])),
        ("purpose", json!(" ")),
        ("approved_area_m2", json!(0)),
        ("approved_area_m2", json!(-3)),
        ("ends_on", json!("2020-01-01")),
        ("valid_from", json!("2030-01-01")),
    ] {
        let refused = ask(
            &app,
            "POST",
            LIST,
            &[("Idempotency-Key", "bad")],
            Some(draft(field, value.clone())),
        )
        .await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{value}: {}",
            refused.body
        );
    }
    assert_eq!(entries(&pool).await, ledger);
    let drafted = ask(
        &app,
        "POST",
        LIST,
        &[("Idempotency-Key", "one")],
        Some(draft("purpose", json!("办公"))),
    )
    .await;
    let id: Uuid = drafted.body["id"].as_str().unwrap().parse().unwrap();
    let tag = drafted.etag.unwrap();
    let ledger = entries(&pool).await;
    for (body, status, told) in [
        (
            json!({"step": "certify", "certificate_no": "x"}),
            409,
            json!("step_not_from_here"),
        ),
        (json!({"step": "transfer"}), 409, json!("step_not_from_here")),
        (json!({"step": "sign"}), 422, json!("agreement_no")),
        (
            json!({"step": "sign", "agreement_no": "a", "certificate_no": "b"}),
            422,
            json!("certificate_no"),
        ),
        (
            json!({"step": "sign", "agreement_no": "a", "on": "2030-01-01"}),
            422,
            json!("on"),
        ),
        (json!({"step": "change", "purpose": "别的"}), 422, json!("reason")),
        (
            json!({"step": "change", "purpose": "办公", "reason": "x"}),
            422,
            json!("step"),
        ),
        (json!({"step": "cancel"}), 422, json!("reason")),
    ] {
        let refused = step(&app, id, &tag, body.clone()).await;
        assert_eq!(refused.status.as_u16(), status, "{body}: {}", refused.body);
        let said = if status == 409 {
            &refused.body["code"]
        } else {
            &refused.body["field"]
        };
        assert_eq!(said, &told, "{body}: {}", refused.body);
    }
    let stale = step(&app, id, "\"stale\"", json!({"step": "sign", "agreement_no": "a"})).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let viewer = person_with(&pool, "viewer", &[Role::Viewer], "all").await;
    let at = format!("{LIST}/{id}/steps");
    let sign = json!({"step": "sign", "agreement_no": "a"});
    let foreign = ask_as(
        &app,
        Some(&viewer),
        "POST",
        &at,
        &[("If-Match", &tag)],
        Some(sign.clone()),
    )
    .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN);
    assert_eq!(entries(&pool).await, ledger);
    // One number, one certificate.
    let certified = async |key: &str, id: Uuid, tag: String| {
        state.clock.advance(time::Duration::minutes(1));
        let signed = step(&app, id, &tag, json!({"step": "sign", "agreement_no": key})).await;
        assert_eq!(signed.status, StatusCode::OK, "{}", signed.body);
        state.clock.advance(time::Duration::minutes(1));
        step(
            &app,
            id,
            &signed.etag.unwrap(),
            json!({"step": "certify", "certificate_no": "用证第1号"}),
        )
        .await
    };
    assert_eq!(certified("a", id, tag).await.status, StatusCode::OK);
    let other = ask(
        &app,
        "POST",
        LIST,
        &[("Idempotency-Key", "two")],
        Some(draft("purpose", json!("库房"))),
    )
    .await;
    let other_id: Uuid = other.body["id"].as_str().unwrap().parse().unwrap();
    let twice = certified("b", other_id, other.etag.unwrap()).await;
    assert_eq!(
        (twice.status, &twice.body["code"]),
        (
            StatusCode::CONFLICT,
            &json!("use_agreement_version_one_per_certificate")
        )
    );
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn the_certificate_is_told_whole_once_it_is_issued_and_no_longer_once_it_is_cancelled(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let office = office(&app).await;
    let rooms = [office.rooms[2], office.rooms[0]];
    let draft = json!({"unit_id": office.units[0], "room_ids": rooms, "purpose": "行政办公", "approved_area_m2": 45.5,
        "starts_on": "2026-01-01", "ends_on": "2029-01-01", "documents": ["使用协议"]});
    let id = made(&app, "use-agreements", draft).await;
    let uri = format!("{LIST}/{id}/certificate");
    let none = ask(&app, "GET", &uri, &[], None).await;
    assert_eq!(
        (none.status, none.body["code"].as_str()),
        (StatusCode::CONFLICT, Some("no_certificate")),
        "{}",
        none.body
    );
    let mut tag = ask(&app, "GET", &format!("{LIST}/{id}"), &[], None).await.etag.unwrap();
    for body in [
        json!({"step": "sign", "on": "2026-02-01", "agreement_no": "协1号"}),
        json!({"step": "certify", "on": "2026-02-10", "certificate_no": "常用证1号"}),
    ] {
        state.clock.advance(time::Duration::seconds(1));
        let taken = step(&app, id, &tag, body).await;
        assert!(taken.status.is_success(), "{}", taken.body);
        tag = taken.etag.unwrap();
    }
    state.clock.advance(time::Duration::seconds(1));
    let told = ask(&app, "GET", &uri, &[], None).await;
    assert_eq!(told.status, StatusCode::OK, "{}", told.body);
    let said = &told.body;
    assert_eq!(
        (
            &said["certificate_no"],
            &said["unit"]["name"],
            &said["purpose"],
            &said["approved_area_m2"]
        ),
        (&json!("常用证1号"), &json!("甲局"), &json!("行政办公"), &json!(45.5))
    );
    assert_eq!(
        (
            &said["starts_on"],
            &said["ends_on"],
            &said["agreement_no"],
            &said["made_up"]
        ),
        (
            &json!("2026-01-01"),
            &json!("2029-01-01"),
            &json!("协1号"),
            &json!(false)
        )
    );
    let numbers: Vec<&str> = said["rooms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|room| room["number"].as_str().unwrap())
        .collect();
    assert_eq!(numbers, ["101", "103"]);
    assert_eq!(
        (
            &said["use_area_m2"],
            &said["building_area_m2"],
            &said["rooms_lacking_area"],
            &said["rooms"][0]["building"]
        ),
        (&json!(40.0), &json!(60.0), &json!(0), &json!("一号楼"))
    );
    // What is made up says so on paper.
    sqlx::query("insert into dataset (name, title, licence, credit, made_up, created_at) values ('演示', '演示', '无', '演示', true, now())")
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query("update unit_version set dataset = '演示' where object_id = $1")
        .bind(office.units[0])
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(ask(&app, "GET", &uri, &[], None).await.body["made_up"], true);
    let ended = step(
        &app,
        id,
        &tag,
        json!({"step": "cancel", "on": "2026-10-01", "reason": "机构撤并"}),
    )
    .await;
    assert!(ended.status.is_success(), "{}", ended.body);
    state.clock.advance(time::Duration::seconds(1));
    let over = ask(&app, "GET", &uri, &[], None).await;
    assert_eq!(over.body["code"], "no_certificate", "{}", over.body);
    let before = ask(&app, "GET", &format!("{uri}?as_of=2026-09-30"), &[], None).await;
    assert_eq!(before.status, StatusCode::OK, "it held then");
    let nobody = ask(
        &app,
        "GET",
        &format!("{LIST}/{}/certificate", Uuid::now_v7()),
        &[],
        None,
    )
    .await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}
