//! Through the router, over a real PostGIS, under the application's role.

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use sqlx::{Connection, PgPool};
use time::Duration;
use time::macros::datetime;
use tower::ServiceExt;

use crate::clock::Clock;
use crate::database::Database;
use crate::http::{AppState, router};
use crate::versioned::tests::prove;

/// The server over a test's database, with a clock that stands at noon of 2026-11-21 in China.
pub(crate) async fn app(pool: &PgPool) -> (Router, AppState) {
    let clock = Clock::fixed(datetime!(2026-11-21 04:00 UTC));
    let database = Database::connect((*pool.connect_options()).clone()).await.unwrap();
    let state = AppState {
        database,
        clock,
        map: Default::default(),
        history: Default::default(),
        idle_space: Default::default(),
        jobs: Default::default(),
        map_settings: Default::default(),
        documents: crate::documents::DocumentStore::in_memory(),
        people: Default::default(),
        access: Default::default(),
    };
    let token = crate::people::tests::whole_person(pool).await;
    (signed_in(router(state.clone()), token), state)
}

/// The server as met by a person who may do everything, unless a request shows something itself or says that it is
/// anonymous.
pub(crate) fn signed_in(app: Router, token: String) -> Router {
    app.layer(axum::middleware::from_fn(
        move |mut request: axum::extract::Request, next: axum::middleware::Next| {
            let token = token.clone();
            async move {
                let headers = request.headers_mut();
                let shows = headers.contains_key(header::AUTHORIZATION) || headers.contains_key(header::COOKIE);
                if headers.remove(ANONYMOUS).is_none() && !shows {
                    headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
                }
                next.run(request).await
            }
        },
    ))
}

/// The header of a test's request that shows nothing at all.
pub(crate) const ANONYMOUS: &str = "x-anonymous";

/// [`ask`] with a token, or with nothing.
pub(crate) async fn ask_as(
    app: &Router,
    token: Option<&str>,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Answer {
    let shown = match token {
        Some(token) => ("authorization", format!("Bearer {token}")),
        None => (ANONYMOUS, "yes".to_owned()),
    };
    let mut headers = headers.to_vec();
    headers.push((shown.0, &shown.1));
    ask(app, method, uri, &headers, body).await
}

pub(crate) struct Answer {
    pub status: StatusCode,
    pub etag: Option<String>,
    pub location: Option<String>,
    pub body: Value,
}

pub(crate) async fn ask(
    app: &Router,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header(header::HOST, "127.0.0.1");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = match body {
        None => request.body(Body::empty()).unwrap(),
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap(),
    };
    let response = app.clone().oneshot(request).await.unwrap();
    let text = |name| {
        response
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    let (status, etag, location) = (response.status(), text(header::ETAG), text(header::LOCATION));
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    Answer {
        status,
        etag,
        location,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
    }
}

fn square(west: f64, south: f64) -> Value {
    json!({"type": "Polygon", "coordinates": [[[west, south], [west + 0.001, south], [west + 0.001, south + 0.001], [west, south + 0.001], [west, south]]]})
}

async fn register(app: &Router, key: &str, code: &str, from: &str) -> (String, String) {
    let answer = ask(
        app,
        "POST",
        "/api/v1/parcels",
        &[("Idempotency-Key", key)],
        Some(json!({"code": code, "valid_from": from, "geometry": square(119.95, 31.78)})),
    )
    .await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    (answer.location.unwrap(), answer.etag.unwrap())
}

#[sqlx::test(migrations = "../migrations")]
async fn what_held_and_what_was_known(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (at, tag) = register(&app, "one", "P1", "2020-01-01").await;
    let parcel = ask(&app, "GET", &at, &[], None).await;
    assert_eq!(
        parcel.body["area_m2"].as_f64().unwrap().round(),
        10_503.0,
        "{}",
        parcel.body["area_m2"]
    );
    assert_eq!(parcel.body["gk_zone"], json!({"central_meridian": 120, "epsg": 4549}));

    state.clock.advance(Duration::hours(1));
    let change = json!({"title_status": "unified", "valid_from": "2024-01-01", "reason": "统一登记"});
    let changed = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change)).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);

    for (query, status) in [
        ("", json!("unified")),
        ("?as_of=2024-01-01", json!("unified")),
        ("?as_of=2023-12-31", Value::Null),
        // Before the change was recorded nobody knew of it.
        ("?as_of=2024-06-01&known_at=2026-11-21T04:30:00Z", Value::Null),
        (
            "?as_of=2024-06-01&known_at=2026-11-21T13:00:00%2B08:00",
            json!("unified"),
        ),
    ] {
        let read = ask(&app, "GET", &format!("{at}{query}"), &[], None).await;
        assert_eq!(read.status, StatusCode::OK, "{query}: {}", read.body);
        assert_eq!(read.body["title_status"], status, "{query}");
    }
    for query in ["?as_of=2019-12-31", "?known_at=2026-11-21T03:59:59Z"] {
        assert_eq!(
            ask(&app, "GET", &format!("{at}{query}"), &[], None).await.status,
            StatusCode::NOT_FOUND,
            "{query}"
        );
    }
    let versions = ask(&app, "GET", &format!("{at}/versions"), &[], None).await;
    let periods: Vec<_> = versions.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| {
            (
                version["valid_from"].clone(),
                version["valid_to"].clone(),
                version["recorded_to"].is_null(),
                version["changed"].clone(),
            )
        })
        .collect();
    assert_eq!(
        periods,
        [
            (json!("2024-01-01"), Value::Null, true, json!(["title_status"])),
            (json!("2020-01-01"), json!("2024-01-01"), true, json!([])),
            (json!("2020-01-01"), Value::Null, false, json!([])),
        ]
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_version_that_was_not_read_is_not_changed(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let (at, tag) = register(&app, "one", "P1", "2020-01-01").await;
    let change = || Some(json!({"name": "东院"}));
    assert_eq!(
        ask(&app, "PATCH", &at, &[], change()).await.status,
        StatusCode::PRECONDITION_REQUIRED
    );
    let stale = ask(
        &app,
        "PATCH",
        &at,
        &[("If-Match", "\"019aa000-0000-7000-8000-000000000000\"")],
        change(),
    )
    .await;
    assert_eq!(
        (stale.status, &stale.body["type"]),
        (
            StatusCode::PRECONDITION_FAILED,
            &json!("urn:yice:problem:stale_version")
        )
    );
    assert_eq!(
        ask(&app, "PATCH", &at, &[("If-Match", &tag)], change()).await.status,
        StatusCode::OK
    );
    // The tag was good once.
    assert_eq!(
        ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(json!({"name": "西院"})))
            .await
            .status,
        StatusCode::PRECONDITION_FAILED
    );
    let (entries,): (i64,) = sqlx::query_as("select count(*) from ledger_entry")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(entries, 2, "a refused change leaves no entry");
}

#[sqlx::test(migrations = "../migrations")]
async fn creating_twice_with_one_key_creates_once(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let first = register(&app, "same", "P1", "2020-01-01").await;
    let again = register(&app, "same", "P1", "2020-01-01").await;
    assert_eq!(first, again);
    let other = ask(
        &app,
        "POST",
        "/api/v1/parcels",
        &[("Idempotency-Key", "same")],
        Some(json!({"code": "P2", "geometry": square(1.0, 1.0)})),
    )
    .await;
    assert_eq!(other.body["type"], "urn:yice:problem:idempotency_key_reused");
    let list = ask(&app, "GET", "/api/v1/parcels?count=true", &[], None).await;
    assert_eq!(list.body["total"], 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn bad_input_names_the_field_and_changes_nothing(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let (at, tag) = register(&app, "one", "P1", "2020-01-01").await;
    let bow_tie = json!({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]});
    for (change, field) in [
        (json!({"title_status": "certainly"}), "title_status"),
        (json!({"occupancy": "sometimes"}), "occupancy"),
        (json!({"idle_since": "2024-01-01"}), "idle_since"),
        (json!({"floors_above": 3}), "floors_above"),
        (json!({"region_code": "320404"}), "region_code"),
        (json!({"unit_id": "019aa000-0000-7000-8000-000000000000"}), "unit_id"),
        (json!({"registered_area_m2": -1}), "registered_area_m2"),
        (
            json!({"geometry": {"type": "Polygon", "coordinates": [[[500, 0], [501, 0], [501, 1], [500, 0]]]}}),
            "geometry",
        ),
        (json!({"geometry": bow_tie}), "geometry"),
        (
            json!({"geometry": {"type": "Point", "coordinates": [1, 1]}}),
            "geometry",
        ),
        (json!({"land_use_code": "0801"}), "land_use_scheme"),
    ] {
        let refused = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change.clone())).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{change}: {}",
            refused.body
        );
    }
    for (uri, field) in [
        ("/api/v1/parcels?limit=0", "limit"),
        ("/api/v1/parcels?sort=colour", "sort"),
        ("/api/v1/parcels?bbox=1,2,3", "bbox"),
        ("/api/v1/parcels?cursor=nonsense", "cursor"),
        ("/api/v1/parcels?as_of=yesterday", "as_of"),
        ("/api/v1/totals?known_at=noon", "known_at"),
    ] {
        let refused = ask(&app, "GET", uri, &[], None).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::BAD_REQUEST, &json!(field)),
            "{uri}: {}",
            refused.body
        );
    }
    let unknown = ask(
        &app,
        "PATCH",
        &at,
        &[("If-Match", &tag)],
        Some(json!({"colour": "red"})),
    )
    .await;
    assert_eq!(unknown.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", unknown.body);
    let (entries,): (i64,) = sqlx::query_as("select count(*) from ledger_entry")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(entries, 1);
    assert_eq!(ask(&app, "GET", &at, &[], None).await.etag.unwrap(), tag);
}

#[sqlx::test(migrations = "../migrations")]
async fn pages_neither_skip_nor_repeat(pool: PgPool) {
    let (app, _) = app(&pool).await;
    for number in 0..23 {
        // Codes repeat, so that the order inside equal codes matters.
        register(
            &app,
            &format!("key {number}"),
            &format!("C{}", number / 3),
            "2020-01-01",
        )
        .await;
    }
    for sort in ["code", "-code", "area_m2", "-area_m2", "address"] {
        let mut seen = Vec::new();
        let mut next = Some(format!("/api/v1/parcels?limit=5&sort={sort}"));
        while let Some(uri) = next {
            let page = ask(&app, "GET", &uri, &[], None).await;
            assert_eq!(page.status, StatusCode::OK, "{uri}: {}", page.body);
            seen.extend(
                page.body["items"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|item| item["id"].as_str().unwrap().to_owned()),
            );
            next = page.body["next"].as_str().map(ToOwned::to_owned);
        }
        let distinct: std::collections::HashSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (23, 23), "{sort}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_asset_that_ended_keeps_its_history(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (at, tag) = register(&app, "one", "P1", "2020-01-01").await;
    state.clock.advance(Duration::minutes(1));
    let refused = ask(
        &app,
        "POST",
        &format!("{at}/closures"),
        &[("If-Match", &tag)],
        Some(json!({"valid_to": "2025-01-01", "reason": " "})),
    )
    .await;
    assert_eq!(refused.body["field"], "reason");
    let closed = ask(
        &app,
        "POST",
        &format!("{at}/closures"),
        &[("If-Match", &tag)],
        Some(json!({"valid_to": "2025-01-01", "reason": "收回"})),
    )
    .await;
    assert_eq!(closed.status, StatusCode::OK, "{}", closed.body);
    assert_eq!(ask(&app, "GET", &at, &[], None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        ask(&app, "GET", &format!("{at}?as_of=2024-12-31"), &[], None)
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        ask(&app, "GET", "/api/v1/parcels?count=true", &[], None).await.body["total"],
        0
    );
    assert_eq!(
        ask(&app, "GET", "/api/v1/parcels?count=true&as_of=2024-12-31", &[], None)
            .await
            .body["total"],
        1
    );
}

/// Two sessions that write past the program, at once, are kept apart by the database itself.
#[sqlx::test(migrations = "../migrations")]
async fn no_two_versions_hold_for_one_day_whoever_writes(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let (at, _) = register(&app, "one", "P1", "2020-01-01").await;
    let id: uuid::Uuid = at.rsplit('/').next().unwrap().parse().unwrap();
    sqlx::query(
        "update spatial_unit_version set recorded = tstzrange(lower(recorded), lower(recorded) + interval '1 second')",
    )
    .execute(&pool)
    .await
    .unwrap();
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let pool = pool.clone();
        writers.spawn(async move {
            sqlx::query(
                "insert into spatial_unit_version (version_id, object_id, kind, valid, recorded)
                 select gen_random_uuid(), $1, 'parcel', daterange('2020-01-01'::date + $2, '2021-01-01'::date + $2), tstzrange(now() + interval '1 minute', null)",
            )
            .bind(id)
            .bind(writer)
            .execute(&pool)
            .await
        });
    }
    let mut written = 0;
    while let Some(outcome) = writers.join_next().await {
        match outcome.unwrap() {
            Ok(_) => written += 1,
            Err(error) => assert_eq!(
                error.as_database_error().unwrap().constraint(),
                Some("spatial_unit_version_one_at_a_time"),
                "{error}"
            ),
        }
    }
    assert_eq!(written, 1);
}

#[sqlx::test(migrations = "../migrations")]
async fn the_database_refuses_an_unsound_shape_that_no_import_brought(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let (at, _) = register(&app, "one", "P1", "2020-01-01").await;
    let id: uuid::Uuid = at.rsplit('/').next().unwrap().parse().unwrap();
    let error = sqlx::query(
        "update spatial_unit_version
            set geometry = st_geomfromtext('POLYGON((119 31, 119.1 31.1, 119.1 31, 119 31.1, 119 31))', 4490)
          where object_id = $1",
    )
    .bind(id)
    .execute(&pool)
    .await
    .unwrap_err();
    assert_eq!(
        error.as_database_error().unwrap().constraint(),
        Some("spatial_unit_version_geometry_sound"),
        "{error}"
    );
}

/// An index that a question can't use is slow; one that ends the server when all rows are counted is worse.
#[sqlx::test(migrations = "../migrations")]
async fn the_index_of_places_is_used_and_counting_by_it_does_no_harm(pool: PgPool) {
    let (app, _) = app(&pool).await;
    register(&app, "one", "P1", "2020-01-01").await;
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query(
        "insert into spatial_unit_version (version_id, object_id, kind, valid, recorded, geometry)
         select gen_random_uuid(), object_id, kind, daterange('1900-01-01'::date + n, '1900-01-01'::date + n + 1), recorded,
                st_makeenvelope(119 + n * 0.001, 31, 119.0005 + n * 0.001, 31.001, 4490)
           from spatial_unit_version, generate_series(1, 2000) n",
    )
    .execute(&mut *connection)
    .await
    .unwrap();
    sqlx::query("vacuum analyze spatial_unit_version")
        .execute(&mut *connection)
        .await
        .unwrap();
    let plan: Vec<(String,)> = sqlx::query_as(
        "explain select 1 from spatial_unit_version v
          where box(v.geometry) && box(st_makeenvelope(119.1, 31, 119.101, 31.001, 4490))",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    assert!(
        plan.iter()
            .any(|(line,)| line.contains("spatial_unit_version_by_place")),
        "{plan:?}"
    );
    for setting in ["enable_seqscan", "enable_bitmapscan"] {
        sqlx::query("select set_config($1, 'off', false)")
            .bind(setting)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
    let question = "select count(*) from spatial_unit_version where box(geometry) && box '((0,0),(180,90))'";
    let (counted,): (i64,) = sqlx::query_as(question).fetch_one(&mut *connection).await.unwrap();
    let (all,): (i64,) = sqlx::query_as("select count(*) from spatial_unit_version")
        .fetch_one(&mut *connection)
        .await
        .unwrap();
    assert!(counted >= 2000 && all >= counted, "{counted} {all}");
}

/// What keeps versions apart asks the index for each row, also where it is planned over a table that is known to hold one.
#[sqlx::test(migrations = "../migrations")]
async fn versions_are_kept_apart_by_the_index_however_few_there_were(pool: PgPool) {
    let mut connection = pool.acquire().await.unwrap();
    let identities = "insert into spatial_unit (id, kind, created_at)
         select md5(n::text)::uuid, 'site', now() from generate_series(0, 500) n";
    sqlx::query(identities).execute(&mut *connection).await.unwrap();
    let versions = "insert into spatial_unit_version (version_id, object_id, kind, valid, recorded)
         select gen_random_uuid(), md5(n::text)::uuid, 'site', daterange('2020-01-01', null), tstzrange(now(), null)
           from generate_series($1::int, $2::int) n";
    let write = |from: i32, to: i32| sqlx::query(versions).bind(from).bind(to);
    // A session that never wrote a version has no plan yet.
    let mut earlier = pool.begin().await.unwrap();
    write(0, 0).execute(&mut *earlier).await.unwrap();
    earlier.commit().await.unwrap();
    sqlx::query("analyze spatial_unit_version")
        .execute(&mut *connection)
        .await
        .unwrap();
    let mut transaction = connection.begin().await.unwrap();
    write(1, 500).execute(&mut *transaction).await.unwrap();
    let (asked,): (i64,) =
        sqlx::query_as("select idx_scan from pg_stat_xact_user_tables where relid = 'spatial_unit_version'::regclass")
            .fetch_one(&mut *transaction)
            .await
            .unwrap();
    assert!(asked >= 500, "the index was asked {asked} times about 500 versions");
    let again = write(7, 7).execute(&mut *transaction).await.unwrap_err();
    assert_eq!(
        again.as_database_error().unwrap().constraint(),
        Some("spatial_unit_version_one_at_a_time"),
        "{again}"
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn the_program_can_not_rewrite_history(pool: PgPool) {
    let (app, state) = app(&pool).await;
    register(&app, "one", "P1", "2020-01-01").await;
    for statement in [
        "update spatial_unit_version set code = 'X'",
        "delete from spatial_unit_version",
        "delete from spatial_unit",
        "update ledger_entry set actor = 'nobody'",
        "delete from ledger_entry",
        "truncate ledger_entry",
    ] {
        let error = sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(state.database.pool())
            .await
            .unwrap_err();
        assert_eq!(
            error.as_database_error().unwrap().code().as_deref(),
            Some("42501"),
            "{statement}: {error}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn assets_belong_together_for_a_time_and_mistakes_are_taken_back(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let mut at = Vec::new();
    for (layer, key) in [("sites", "s"), ("parcels", "p"), ("parcels", "q"), ("buildings", "b")] {
        let body = json!({"name": key, "valid_from": "2020-01-01", "geometry": square(119.95, 31.78)});
        let made = ask(
            &app,
            "POST",
            &format!("/api/v1/{layer}"),
            &[("Idempotency-Key", key)],
            Some(body),
        )
        .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        at.push((made.location.unwrap(), made.body["id"].as_str().unwrap().to_owned()));
    }
    let [(site, _), (parcel, parcel_id), (_, second_id), (_, building_id)] = at.try_into().unwrap();
    let relate = async |upper: &str, lower: &str, key: &str| {
        state.clock.advance(Duration::minutes(1));
        let body = json!({"related_id": lower, "valid_from": "2021-01-01"});
        ask(
            &app,
            "POST",
            &format!("{upper}/relations"),
            &[("Idempotency-Key", key)],
            Some(body),
        )
        .await
    };
    // One site on two parcels; one building on a parcel and in the site.
    for (upper, lower, key) in [
        (&site, &parcel_id, "1"),
        (&site, &second_id, "2"),
        (&site, &building_id, "3"),
        (&parcel, &building_id, "4"),
    ] {
        assert_eq!(relate(upper, lower, key).await.status, StatusCode::CREATED, "{key}");
    }
    assert_eq!(relate(&site, &parcel_id, "again").await.status, StatusCode::CONFLICT);
    assert_eq!(relate(&parcel, &second_id, "no").await.body["field"], "related_id");
    state.clock.advance(Duration::minutes(1));
    let parcels = async |query: &str| {
        let read = ask(&app, "GET", &format!("{site}?{query}"), &[], None).await;
        read.body["parcels"].as_array().unwrap().len()
    };
    assert_eq!((parcels("").await, parcels("as_of=2020-06-01").await), (2, 0));

    let end = async |lower: &str, valid_to: &str| {
        state.clock.advance(Duration::minutes(1));
        let body = json!({"related_id": lower, "valid_to": valid_to, "reason": "分割"});
        let ended = ask(&app, "POST", &format!("{site}/relations/closures"), &[], Some(body)).await;
        state.clock.advance(Duration::minutes(1));
        ended.status
    };
    let before = state.clock.now();
    assert_eq!(end(&parcel_id, "2024-01-01").await, StatusCode::OK);
    assert_eq!(end(&second_id, "2021-01-01").await, StatusCode::OK, "it never was");
    assert_eq!(end(&second_id, "2021-01-01").await, StatusCode::NOT_FOUND);
    assert_eq!(
        (parcels("as_of=2023-12-31").await, parcels("as_of=2024-01-01").await),
        (1, 0)
    );
    let known = before.format(&time::format_description::well_known::Rfc3339).unwrap();
    assert_eq!(parcels(&format!("as_of=2024-01-01&known_at={known}")).await, 2);
    prove(&pool).await.unwrap();
    sqlx::query("update spatial_unit_relation set valid = '[2000-01-01,)' where kind = 'parcel_building'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(prove(&pool).await.unwrap_err().object_kind.as_deref(), Some("relation"));
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_classified_has_no_shape(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let shape =
        json!({"type": "Polygon", "coordinates": [[[112.0, 26.0], [112.1, 26.0], [112.1, 26.1], [112.0, 26.0]]]});
    let post = async |layer: &str, body: Value| {
        let key = uuid::Uuid::now_v7().to_string();
        ask(
            &app,
            "POST",
            &format!("/api/v1/{layer}"),
            &[("Idempotency-Key", &key)],
            Some(body),
        )
        .await
    };
    for layer in ["parcels", "buildings", "sites"] {
        let drawn = json!({"name": "涉密", "secrecy": "classified", "geometry": shape});
        let refused = post(layer, drawn).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.body["code"]),
            (422, &json!("classified_shape")),
            "{}",
            refused.body
        );
        assert_eq!(refused.body["rule"]["id"], "GEO-15");
        let made = post(layer, json!({"name": "涉密", "secrecy": "classified"})).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        let at = made.location.unwrap();
        let drawing = json!({"geometry": shape});
        let refused = ask(&app, "PATCH", &at, &[("If-Match", &made.etag.unwrap())], Some(drawing)).await;
        assert_eq!(refused.body["code"], "classified_shape");
        // What was drawn once stays on record, and can't become classified.
        let open = post(layer, json!({"name": "公开", "secrecy": "public", "geometry": shape})).await;
        let (at, tag) = (open.location.unwrap(), open.etag.unwrap());
        for later in [json!({"secrecy": "classified"}), json!({"secrecy": "secret"})] {
            let refused = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(later)).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.body);
        }
        let listed = ask(&app, "GET", &format!("/api/v1/{layer}?secrecy=classified"), &[], None).await;
        assert_eq!(listed.body["items"].as_array().unwrap().len(), 1);
    }
    // The database says the same of whoever writes past the program.
    let past = sqlx::query("update spatial_unit_version set secrecy = 'classified'")
        .execute(&pool)
        .await;
    assert!(
        past.unwrap_err()
            .to_string()
            .contains("spatial_unit_version_classified_without_shape")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn reads_of_what_is_internal_are_kept_for_ever(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let shape =
        json!({"type": "Polygon", "coordinates": [[[112.0, 26.0], [112.1, 26.0], [112.1, 26.1], [112.0, 26.0]]]});
    let mut ids = Vec::new();
    for secrecy in ["internal", "public"] {
        let body = json!({"code": format!("Q-{secrecy}"), "secrecy": secrecy, "geometry": shape});
        let made = ask(
            &app,
            "POST",
            "/api/v1/parcels",
            &[("Idempotency-Key", secrecy)],
            Some(body),
        )
        .await;
        ids.push(made.body["id"].as_str().unwrap().to_owned());
    }
    let reader = crate::people::tests::person_with(&pool, "reader", &[crate::people::Role::Planner], "all").await;
    let read = async |uri: String| {
        let answer = ask_as(&app, Some(&reader), "GET", &uri, &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
    };
    let asked = [
        format!("/api/v1/parcels/{}", ids[0]),
        format!("/api/v1/parcels/{}?as_of=2026-11-21", ids[0]),
        format!("/api/v1/parcels/{}/versions", ids[0]),
        "/api/v1/parcels?limit=10".to_owned(),
        "/api/v1/search?q=Q-".to_owned(),
        "/api/v1/parcels/export?format=csv".to_owned(),
        "/ogc/collections/parcels/items?f=json".to_owned(),
        format!("/ogc/collections/parcels/items/{}?f=json", ids[0]),
    ];
    for uri in &asked {
        read(uri.clone()).await;
    }
    for uri in [
        format!("/api/v1/parcels/{}", ids[1]),
        "/api/v1/parcels?secrecy=public".to_owned(),
        "/api/v1/totals".to_owned(),
    ] {
        read(uri).await;
    }
    let auditor = crate::people::tests::person_with(&pool, "auditor", &[crate::people::Role::Auditor], "all").await;
    let uri = format!("/api/v1/restricted-reads?object={}&username=reader", ids[0]);
    let kept = ask_as(&app, Some(&auditor), "GET", &uri, &[], None).await;
    let items = kept.body["items"].as_array().unwrap();
    assert_eq!(items.len(), asked.len(), "{}", kept.body);
    for (item, uri) in items.iter().rev().zip(&asked) {
        let path = uri.split('?').next().unwrap();
        assert!(item["asked"].as_str().unwrap().contains(path), "{item} {uri}");
        assert_eq!(item["username"], "reader");
        assert_eq!(item["object_ids"], json!([ids[0]]));
    }
    let refused = ask_as(&app, Some(&reader), "GET", "/api/v1/restricted-reads", &[], None).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for statement in [
        "update restricted_read set username = 'nobody'",
        "delete from restricted_read",
        "truncate restricted_read",
    ] {
        assert!(
            sqlx::query(statement).execute(&pool).await.is_err(),
            "{statement} by the owner"
        );
        assert!(
            sqlx::query(statement).execute(state.database.pool()).await.is_err(),
            "{statement} by the program"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn reads_of_what_hangs_on_what_is_internal_are_kept_too(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let shape =
        json!({"type": "Polygon", "coordinates": [[[112.0, 26.0], [112.1, 26.0], [112.1, 26.1], [112.0, 26.0]]]});
    let make = async |path: &str, key: &str, body: Value| {
        let made = ask(&app, "POST", path, &[("Idempotency-Key", key)], Some(body)).await;
        assert_eq!(made.status, StatusCode::CREATED, "{path}: {}", made.body);
        made.body["id"].as_str().unwrap().to_owned()
    };
    let mut rooms = Vec::new();
    let mut buildings = Vec::new();
    for secrecy in ["internal", "public"] {
        let body = json!({"code": format!("Q-{secrecy}"), "secrecy": secrecy, "geometry": shape});
        let building = make("/api/v1/buildings", secrecy, body).await;
        let body = json!({"building_id": building, "floor": 1, "number": format!("1-{secrecy}")});
        rooms.push(make("/api/v1/rooms", &format!("room-{secrecy}"), body).await);
        buildings.push(building);
    }
    let reader = crate::people::tests::person_with(&pool, "reader", &[crate::people::Role::Planner], "all").await;
    let read = async |uri: &str| ask_as(&app, Some(&reader), "GET", uri, &[], None).await;
    let asked = [
        format!("/api/v1/rooms/{}", rooms[0]),
        format!("/api/v1/rooms/{}/versions", rooms[0]),
        "/api/v1/rooms?limit=10".to_owned(),
        "/api/v1/rooms/export?format=csv".to_owned(),
    ];
    for uri in &asked {
        assert_eq!(read(uri).await.status, StatusCode::OK, "{uri}");
    }
    // Nothing hangs on what is public, and nothing of it is in an empty list.
    for uri in [
        format!("/api/v1/rooms/{}", rooms[1]),
        format!("/api/v1/rooms?building={}", buildings[1]),
        "/api/v1/occupants".to_owned(),
        "/api/v1/titles".to_owned(),
        "/api/v1/policy-cases".to_owned(),
    ] {
        let answer = read(&uri).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
    }
    // An empty list tells of nothing either.
    for uri in ["/api/v1/leases", "/api/v1/use-agreements", "/api/v1/idle-space"] {
        let answer = read(uri).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
    }
    // On the map each shape is one entry, however many tiles show it; what is elsewhere, and totals, are none.
    crate::map_layers::load(&state.database, &state.clock, &state.map, 1 << 20)
        .await
        .unwrap();
    let at = |zoom, longitude, latitude, query: &str| {
        let tile = tiles::TileId::containing(zoom, longitude, latitude).unwrap();
        format!("/tiles/buildings/{zoom}/{}/{}{query}", tile.x(), tile.y())
    };
    for uri in [
        at(9, 112.05, 26.03, ""),
        at(14, 112.6, 26.6, ""),
        at(14, 112.05, 26.03, "").replace("buildings", "parcels"),
        at(14, 112.05, 26.03, ""),
        at(15, 112.05, 26.03, ""),
        at(14, 112.06, 26.04, "?as_of=2026-11-01"),
    ] {
        let answer = read(&uri).await;
        assert!(answer.status.is_success(), "{uri}: {} {}", answer.status, answer.body);
    }
    let auditor = crate::people::tests::person_with(&pool, "auditor", &[crate::people::Role::Auditor], "all").await;
    let uri = format!("/api/v1/restricted-reads?object={}&username=reader", buildings[0]);
    let kept = ask_as(&app, Some(&auditor), "GET", &uri, &[], None).await;
    let mut found: Vec<(String, Value)> = kept.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["asked"].as_str().unwrap().to_owned(), item["object_ids"].clone()))
        .collect();
    found.reverse();
    let mut wanted: Vec<String> = asked.to_vec();
    wanted.push(at(14, 112.05, 26.03, ""));
    assert_eq!(found.len(), wanted.len(), "{found:?}");
    for ((asked, objects), wanted) in found.iter().zip(&wanted) {
        assert!(asked.contains(wanted.split('?').next().unwrap()), "{asked} {wanted}");
        assert_eq!(objects, &json!([buildings[0]]), "{asked}");
    }
}
