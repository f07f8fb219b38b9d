//! Through the router, over a real PostGIS, under the application's role.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::{Connection, PgPool};
use time::Duration;

use crate::http::AppState;
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::{entries, prove};

/// Registers something; gives its address, id and ETag. The clock moves on by a minute.
async fn register(app: &Router, state: &AppState, layer: &str, body: Value) -> (String, String, String) {
    let key = uuid::Uuid::now_v7().to_string();
    let answer = ask(
        app,
        "POST",
        &format!("/api/v1/{layer}"),
        &[("Idempotency-Key", &key)],
        Some(body),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    state.clock.advance(Duration::minutes(1));
    (
        answer.location.unwrap(),
        answer.body["id"].as_str().unwrap().to_owned(),
        answer.etag.unwrap(),
    )
}

/// A place with a building and a parcel, registered in 2020.
async fn place(app: &Router, state: &AppState) -> (String, String) {
    let square = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
    let (_, building, _) = register(
        app,
        state,
        "buildings",
        json!({"name": "一号楼", "valid_from": "2020-01-01", "geometry": square}),
    )
    .await;
    let (_, parcel, _) = register(
        app,
        state,
        "parcels",
        json!({"valid_from": "2020-01-01", "geometry": square}),
    )
    .await;
    (building, parcel)
}

#[sqlx::test(migrations = "../migrations")]
async fn what_held_and_what_was_known(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (building, _) = place(&app, &state).await;
    let unit =
        json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ", "valid_from": "2020-01-01"});
    let (_, unit, _) = register(&app, &state, "units", unit).await;
    let room = json!({"building_id": building, "floor": -1, "number": "B101", "use_area_m2": 18.123_46, "building_area_m2": 30,
        "occupancy": "idle", "valid_from": "2020-01-01"});
    // 12:03 in China.
    let (at, _, tag) = register(&app, &state, "rooms", room).await;
    let said = json!({"occupancy": "in_use", "unit_id": unit, "valid_from": "2024-01-01", "reason": "调剂"});
    let changed = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(said)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert_eq!(changed.body["unit"]["name"], "财政局");
    state.clock.advance(Duration::minutes(1));
    for (query, occupancy) in [
        ("", "in_use"),
        ("as_of=2023-12-31", "idle"),
        ("as_of=2024-06-01&known_at=2026-11-21T04:03:30Z", "idle"),
        ("as_of=2024-06-01&known_at=2026-11-21T04:04:00Z", "in_use"),
    ] {
        let read = ask(&app, "GET", &format!("{at}?{query}"), &[], None).await;
        assert_eq!(read.body["occupancy"], occupancy, "{query}: {}", read.body);
        // Four decimals are kept.
        assert_eq!(
            (&read.body["use_area_m2"], &read.body["floor"]),
            (&json!(18.1235), &json!(-1)),
            "{query}"
        );
        assert_eq!(read.body["building"]["name"], "一号楼", "{query}");
        let list = ask(
            &app,
            "GET",
            &format!("/api/v1/rooms?count=true&occupancy={occupancy}&floor=-1&building={building}&{query}"),
            &[],
            None,
        )
        .await;
        assert_eq!(
            (&list.body["total"], &list.body["items"][0]["number"]),
            (&json!(1), &json!("B101")),
            "{query}: {}",
            list.body
        );
    }
    let versions = ask(&app, "GET", &format!("{at}/versions"), &[], None).await;
    assert_eq!(versions.body["items"][0]["changed"], json!(["occupancy", "unit_id"]));
    assert_eq!(versions.body["items"].as_array().unwrap().len(), 3);

    let tag = changed.etag.unwrap();
    let closed = ask(
        &app,
        "POST",
        &format!("{at}/closures"),
        &[("If-Match", &tag)],
        Some(json!({"valid_to": "2026-12-01", "reason": "打通"})),
    )
    .await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.body);
    state.clock.advance(Duration::minutes(1));
    assert_eq!(ask(&app, "GET", &at, &[], None).await.body["valid_to"], "2026-12-01");
    assert_eq!(
        ask(&app, "GET", &format!("{at}?as_of=2026-12-01"), &[], None)
            .await
            .status,
        StatusCode::NOT_FOUND
    );
    // Building, parcel, unit, and the room: registered, two parts when changed, one when closed.
    assert_eq!(prove(&pool).await.unwrap(), 3 + 4);
    sqlx::query("update room_version set use_area_m2 = 180")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(prove(&pool).await.unwrap_err().object_kind.as_deref(), Some("room"));
}

#[sqlx::test(migrations = "../migrations")]
async fn only_what_was_read_is_changed(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (building, _) = place(&app, &state).await;
    let (at, _, tag) = register(
        &app,
        &state,
        "rooms",
        json!({"building_id": building, "floor": 1, "number": "101"}),
    )
    .await;
    let missing = ask(&app, "PATCH", &at, &[], Some(json!({"name": "会议室"}))).await;
    assert_eq!(missing.status, StatusCode::PRECONDITION_REQUIRED);
    let changed = ask(
        &app,
        "PATCH",
        &at,
        &[("If-Match", &tag)],
        Some(json!({"name": "会议室"})),
    )
    .await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    state.clock.advance(Duration::minutes(1));
    let stale = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(json!({"name": "仓库"}))).await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{}", stale.body);
    assert_eq!(entries(&pool).await, 4);
    let body = json!({"building_id": building, "floor": 2, "number": "201"});
    let first = ask(
        &app,
        "POST",
        "/api/v1/rooms",
        &[("Idempotency-Key", "k")],
        Some(body.clone()),
    )
    .await;
    let again = ask(&app, "POST", "/api/v1/rooms", &[("Idempotency-Key", "k")], Some(body)).await;
    assert_eq!((first.location, first.body), (again.location, again.body));
    assert_eq!(entries(&pool).await, 5);
}

#[sqlx::test(migrations = "../migrations")]
async fn bad_input_names_its_field_and_changes_nothing(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (building, parcel) = place(&app, &state).await;
    let room = json!({"building_id": building, "floor": 3, "number": "301", "valid_from": "2020-01-01"});
    register(&app, &state, "rooms", room.clone()).await;
    let before = entries(&pool).await;
    let nobody = uuid::Uuid::now_v7();
    for (said, field) in [
        (json!({"building_id": parcel}), "building_id"),
        (json!({"building_id": nobody}), "building_id"),
        (json!({"building_id": "nobody"}), "building_id"),
        (json!({"building_id": null}), "building_id"),
        (json!({"valid_from": "2019-12-31"}), "building_id"),
        (json!({"floor": 301}), "floor"),
        (json!({"floor": 70_000}), "floor"),
        (json!({"floor": 1.5}), "floor"),
        (json!({"floor": null}), "floor"),
        (json!({"number": " "}), "number"),
        (json!({"number": null}), "number"),
        (json!({"use_area_m2": -1}), "use_area_m2"),
        (json!({"use_area_m2": 1e300}), "use_area_m2"),
        (json!({"building_area_m2": 100_000_000}), "building_area_m2"),
        (json!({"building_area_m2": "18"}), "building_area_m2"),
        (json!({"occupancy": "haunted"}), "occupancy"),
        (json!({"unit_id": nobody}), "unit_id"),
        (json!({"unit_id": building}), "unit_id"),
    ] {
        let mut body = room.clone();
        body["number"] = json!("302");
        for (name, value) in said.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = ask(&app, "POST", "/api/v1/rooms", &[("Idempotency-Key", "bad")], Some(body)).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{said}: {}",
            refused.body
        );
        assert!(refused.body["remedy"].is_string(), "{said}: {}", refused.body);
    }
    let clash = ask(
        &app,
        "POST",
        "/api/v1/rooms",
        &[("Idempotency-Key", "clash")],
        Some(room),
    )
    .await;
    assert_eq!(
        (clash.status, &clash.body["code"]),
        (StatusCode::CONFLICT, &json!("room_version_one_per_number"))
    );
    for query in ["building=x", "floor=high", "unit=x", "sort=colour"] {
        assert_eq!(
            ask(&app, "GET", &format!("/api/v1/rooms?{query}"), &[], None)
                .await
                .status,
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
    assert_eq!(entries(&pool).await, before);
}

#[sqlx::test(migrations = "../migrations")]
async fn rooms_stand_by_floor_and_number(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (building, _) = place(&app, &state).await;
    for (floor, number) in [(10, "1001"), (-2, "B201"), (2, "202"), (2, "201"), (-1, "B101")] {
        register(
            &app,
            &state,
            "rooms",
            json!({"building_id": building, "floor": floor, "number": number, "use_area_m2": floor + 20}),
        )
        .await;
    }
    for (sort, expected) in [
        ("", ["B201", "B101", "201", "202", "1001"]),
        ("&sort=-place", ["1001", "202", "201", "B101", "B201"]),
    ] {
        let mut seen = Vec::new();
        let mut next = Some(format!("/api/v1/rooms?limit=2{sort}"));
        while let Some(uri) = next {
            let page = ask(&app, "GET", &uri, &[], None).await;
            seen.extend(
                page.body["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| item["number"].as_str().unwrap().to_owned()),
            );
            next = page.body["next"].as_str().map(ToOwned::to_owned);
        }
        assert_eq!(seen, expected);
    }
}

/// Sessions that write past the program, at once, are kept apart by the database itself: one version of a room for a
/// day, and one room of a number on a floor.
#[sqlx::test(migrations = "../migrations")]
async fn no_two_versions_and_no_two_numbers_hold_for_one_day_whoever_writes(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (building, _) = place(&app, &state).await;
    let building: uuid::Uuid = building.parse().unwrap();
    let room = uuid::Uuid::now_v7();
    for (is_one_room, constraint) in [
        (true, "room_version_one_at_a_time"),
        (false, "room_version_one_per_number"),
    ] {
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..8_i32 {
            let pool = pool.clone();
            writers.spawn(async move {
                let mut transaction = pool.begin().await?;
                let id = if is_one_room { room } else { uuid::Uuid::now_v7() };
                let number = if is_one_room {
                    format!("{writer}")
                } else {
                    "101".to_owned()
                };
                sqlx::query("insert into room (id, created_at) values ($1, now()) on conflict do nothing")
                    .bind(id)
                    .execute(&mut *transaction)
                    .await?;
                sqlx::query(
                    "insert into room_version (version_id, object_id, valid, recorded, building_id, floor, number)
                     values (gen_random_uuid(), $1, daterange('2020-01-01'::date + $2, '2021-01-01'::date + $2),
                             tstzrange(now(), null), $3, 1, $4)",
                )
                .bind(id)
                .bind(writer)
                .bind(building)
                .bind(number)
                .execute(&mut *transaction)
                .await?;
                transaction.commit().await
            });
        }
        let mut written = 0;
        while let Some(outcome) = writers.join_next().await {
            match outcome.unwrap() {
                Ok(()) => written += 1,
                Err(error) => assert_eq!(
                    error.as_database_error().unwrap().constraint(),
                    Some(constraint),
                    "{error}"
                ),
            }
        }
        assert_eq!(written, 1, "{constraint}");
    }
    let stray = sqlx::query(
        "insert into room_version (version_id, object_id, valid, recorded, building_id, floor, number)
         values (gen_random_uuid(), gen_random_uuid(), '[2020-01-01,)', tstzrange(now(), null), $1, 1, '9')",
    )
    .bind(building)
    .execute(&pool)
    .await
    .unwrap_err();
    assert_eq!(
        stray.as_database_error().unwrap().constraint(),
        Some("room_version_object_fkey")
    );
}

/// What keeps rooms apart asks the indexes for each row, also where it is planned over a table that is known to hold one.
#[sqlx::test(migrations = "../migrations")]
async fn rooms_are_kept_apart_by_the_indexes_however_few_there_were(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    for identities in [
        "insert into spatial_unit (id, kind, created_at) values (md5('b')::uuid, 'building', now())",
        "insert into room (id, created_at) select md5(n::text)::uuid, now() from generate_series(0, 500) n",
    ] {
        sqlx::query(identities).execute(&mut *connection).await.unwrap();
    }
    let versions = "insert into room_version (version_id, object_id, valid, recorded, building_id, floor, number)
         select gen_random_uuid(), md5(n::text)::uuid, daterange('2020-01-01', null), tstzrange(now(), null),
                md5('b')::uuid, 1, n::text
           from generate_series($1::int, $2::int) n";
    let write = |from: i32, to: i32| sqlx::query(versions).bind(from).bind(to);
    // A session that never wrote a version has no plan yet.
    let mut earlier = pool.begin().await.unwrap();
    write(0, 0).execute(&mut *earlier).await.unwrap();
    earlier.commit().await.unwrap();
    sqlx::query("analyze room_version")
        .execute(&mut *connection)
        .await
        .unwrap();
    let mut transaction = connection.begin().await.unwrap();
    write(1, 500).execute(&mut *transaction).await.unwrap();
    let (asked,): (i64,) =
        sqlx::query_as("select idx_scan from pg_stat_xact_user_tables where relid = 'room_version'::regclass")
            .fetch_one(&mut *transaction)
            .await
            .unwrap();
    assert!(
        asked >= 1_000,
        "the indexes were asked {asked} times about the room and the number of 500 versions"
    );
}
