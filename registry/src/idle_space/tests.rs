//! The index, the database and PostGIS's own answer are one.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;
use uuid::Uuid;

use super::index::IdleIndex;
use super::question::{Asked, FoundSpace};
use super::space::by_number;
use crate::http::AppState;
use crate::ledger::{Action, EntryId, FollowedEntry, ObjectKind};
use crate::request::Times;
use crate::spatial_units::tests::{app, ask};

async fn register(app: &axum::Router, layer: &str, body: Value) -> String {
    let key = Uuid::now_v7().to_string();
    let key = [("Idempotency-Key", key.as_str())];
    let answer = ask(app, "POST", &format!("/api/v1/{layer}"), &key, Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body["id"].as_str().unwrap().to_owned()
}

async fn building(app: &axum::Router, name: &str, (east, north): (u32, u32), occupancy: &str) -> String {
    let (west, south) = (119.9 + f64::from(east) * 0.004, 31.7 + f64::from(north) * 0.004);
    let square = json!({"type": "Polygon", "coordinates": [[[west, south], [west + 0.0005, south], [west + 0.0005, south + 0.0004],
        [west, south + 0.0004], [west, south]]]});
    let usage = if east.is_multiple_of(2) {
        "administrative_office"
    } else {
        "commercial"
    };
    let status = if north.is_multiple_of(2) {
        "unified"
    } else {
        "other_handed"
    };
    let body = json!({"name": name, "valid_from": "2020-01-01", "geometry": square, "occupancy": occupancy, "usage": usage,
        "title_status": status, "registered_area_m2": 900});
    register(app, "buildings", body).await
}

async fn room(
    app: &axum::Router,
    building: &str,
    floor: i16,
    number: u32,
    use_area: u32,
    occupancy: &str,
    from: &str,
) -> String {
    let body = json!({"building_id": building, "floor": floor, "number": number.to_string(), "occupancy": occupancy,
        "use_area_m2": use_area, "building_area_m2": f64::from(use_area) * 1.5, "valid_from": from});
    register(app, "rooms", body).await
}

#[test]
fn room_numbers_are_in_the_order_in_which_people_count() {
    let mut numbers = ["110", "12", "9", "B1-10", "B1-2", "12a", "2-10", "2-9"];
    numbers.sort_by(|one, other| by_number(one, other));
    assert_eq!(numbers, ["2-9", "2-10", "9", "12", "12a", "110", "B1-2", "B1-10"]);
}

#[sqlx::test(migrations = "../migrations")]
async fn which_idle_buildings_could_take_so_many_people_near_here(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let near = building(&app, "近楼", (0, 0), "in_use").await;
    let far = building(&app, "远楼", (20, 0), "in_use").await;
    for id in [&near, &far] {
        // 101 to 104 but 103 is used; 9 comes before 10.
        for (number, occupancy) in [(8, "idle"), (9, "idle"), (10, "idle"), (11, "in_use"), (12, "idle")] {
            room(&app, id, 1, number, 18, occupancy, "2024-01-01").await;
        }
        room(&app, id, 2, 20, 60, "idle", "2026-06-01").await;
    }
    let sealed = building(&app, "危楼", (1, 0), "dangerous").await;
    room(&app, &sealed, 1, 1, 900, "idle", "2024-01-01").await;

    let found = async |query: &str| {
        let answer = ask(&app, "GET", &format!("/api/v1/idle-space?{query}"), &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.body);
        answer.body
    };
    // 4 × 18 + 60 = 132 m²: 14 people at 9 m².
    let said = found("people=14&near=119.9002,31.7002&within_m=3000").await;
    let one = &said["items"][0];
    assert_eq!(
        (&said["totals"]["buildings"], &one["id"], &one["capacity"]),
        (&json!(1), &json!(near), &json!(14))
    );
    assert_eq!(
        (&said["per_head_m2"], said["per_head_source"].is_null()),
        (&json!(9.0), false)
    );
    assert_eq!(
        (&one["largest_run"]["floor"], &one["largest_run"]["use_area_m2"]),
        (&json!(2), &json!(60.0))
    );
    assert_eq!(found("people=15&near=119.9002,31.7002").await["totals"]["buildings"], 0);
    let set = found("people=22&per_head_m2=6").await;
    assert_eq!(
        (&set["totals"]["buildings"], &set["per_head_source"]),
        (&json!(2), &json!(null))
    );
    // In one piece on one floor since more than two years: three rooms, not four.
    let one_piece = found("contiguous_m2=54&months=24").await["items"][0].clone();
    assert_eq!(one_piece["largest_run"]["rooms"], json!(["8", "9", "10"]));
    assert_eq!(
        (&one_piece["rooms"], &one_piece["idle_since"]),
        (&json!(4), &json!("2024-01-01"))
    );
    assert_eq!(found("contiguous_m2=55&months=24").await["totals"]["buildings"], 0);
    assert_eq!(found("floor_from=2").await["items"][0]["floors"], json!([2]));
    assert_eq!(found("title_status=none").await["totals"]["buildings"], 0);
    assert_eq!(found("as_of=2026-05-31&people=8").await["items"][0]["capacity"], 8);
    let shape = "%7B%22type%22:%22Polygon%22,%22coordinates%22:[[[119.89,31.69],[119.91,31.69],[119.91,31.71],[119.89,31.71],[119.89,31.69]]]%7D";
    assert_eq!(found(&format!("inside={shape}")).await["items"][0]["id"], json!(near));

    // A record gives the cause; the whole building falls idle by it.
    let record =
        json!({"asset_id": far, "floor": 2, "idle_since": "2026-06-01", "cause": "surplus", "evidence": "巡查"});
    register(&app, "idle-records", record).await;
    assert_eq!(found("cause=surplus,other").await["items"][0]["id"], json!(far));
    assert_eq!(found("cause=none").await["items"][0]["id"], json!(near));

    let file = ask(&app, "GET", "/api/v1/idle-space/export?labels=zh&people=14", &[], None).await;
    assert_eq!(file.status, StatusCode::OK, "{}", file.body);
    for (query, field) in [
        ("near=here", "near"),
        ("near=119.9,91", "near"),
        ("near=119.9,31.7&within_m=0", "within_m"),
        ("inside=%7B%7D", "inside"),
        ("cause=haunted", "cause"),
        ("usage=castle", "usage"),
        ("per_head_m2=0", "per_head_m2"),
        ("sort=beauty", "sort"),
        ("limit=0", "limit"),
        ("people=-1", "query"),
    ] {
        let refused = ask(&app, "GET", &format!("/api/v1/idle-space?{query}"), &[], None).await;
        assert!(refused.status.is_client_error(), "{query}: {}", refused.body);
        assert_eq!(refused.body["field"], field, "{query}: {}", refused.body);
    }
}

/// A question as it is drawn.
#[derive(Debug, Clone)]
struct Drawn {
    people: u32,
    contiguous_m2: u32,
    months: u32,
    floors: (i16, i16),
    usage: Option<&'static str>,
    circle: Option<(u32, u32, u32)>,
    shape: Option<(u32, u32, u32)>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    (
        0u32..12,
        0u32..90,
        prop::sample::select(vec![0u32, 0, 6, 18, 40]),
        (-1i16..3, 0i16..5),
        prop::option::of(prop::sample::select(vec!["administrative_office", "commercial"])),
        prop::option::of((0u32..6, 0u32..6, 200u32..2500)),
        prop::option::of((0u32..6, 0u32..6, 1u32..4)),
    )
        .prop_map(|(people, contiguous_m2, months, floors, usage, circle, shape)| Drawn {
            people,
            contiguous_m2,
            months,
            floors,
            usage,
            circle,
            shape,
        })
}

impl Drawn {
    fn place(east: u32, north: u32) -> (f64, f64) {
        (119.9003 + f64::from(east) * 0.0041, 31.7001 + f64::from(north) * 0.0043)
    }

    fn query(&self) -> String {
        let mut query = format!(
            "people={}&contiguous_m2={}&months={}&floor_from={}&floor_to={}",
            self.people, self.contiguous_m2, self.months, self.floors.0, self.floors.1
        );
        if let Some(usage) = self.usage {
            query += &format!("&usage={usage}");
        }
        if let Some((east, north, radius)) = self.circle {
            let (longitude, latitude) = Self::place(east, north);
            query += &format!("&near={longitude},{latitude}&within_m={radius}");
        }
        if let Some(shape) = self.triangle() {
            query += &format!(
                "&inside={}",
                shape
                    .to_string()
                    .replace('"', "%22")
                    .replace('{', "%7B")
                    .replace('}', "%7D")
            );
        }
        query
    }

    fn triangle(&self) -> Option<Value> {
        self.shape.map(|(east, north, size)| {
            let (west, south) = Self::place(east, north);
            let size = f64::from(size) * 0.0043;
            json!({"type": "Polygon", "coordinates": [[[west, south], [west + size, south], [west, south + size], [west, south]]]})
        })
    }
}

/// The same question put to PostGIS alone: circles by geography, shapes by `st_intersects`, runs by gaps and islands.
async fn by_postgis(pool: &PgPool, drawn: &Drawn) -> BTreeMap<Uuid, (i64, f64)> {
    let cutoff = match drawn.months {
        0 => None,
        // The clock of these tests stands at 2026-11-21.
        6 => Some(date!(2026 - 05 - 21)),
        18 => Some(date!(2025 - 05 - 21)),
        _ => Some(date!(2023 - 07 - 21)),
    };
    let circle = drawn
        .circle
        .map(|(east, north, radius)| (Drawn::place(east, north), f64::from(radius)));
    let rows: Vec<(Uuid, i64, f64)> = sqlx::query_as(
        "with numbered as (
             select r.building_id, r.floor, r.number::integer as number, r.use_area_m2, r.occupancy, lower(r.valid) as since,
                    row_number() over (partition by r.building_id, r.floor order by r.number::integer) as place
               from room_version r where r.valid @> date '2026-11-21' and upper_inf(r.recorded)),
         counted as (
             select *, place - row_number() over (partition by building_id, floor order by place) as island
               from numbered
              where occupancy = 'idle' and floor between $1 and $2 and ($3::date is null or since <= $3)),
         islands as (
             select building_id, floor, island, sum(use_area_m2) as area from counted group by 1, 2, 3)
         select b.object_id, floor(sum(i.area) / 9)::bigint, max(i.area)::float8
           from spatial_unit_version b
           join islands i on i.building_id = b.object_id
          where b.kind = 'building' and b.valid @> date '2026-11-21' and upper_inf(b.recorded)
            and ($4::text is null or b.usage = $4)
            and ($5::float8 is null or st_dwithin(st_pointonsurface(b.geometry)::geography,
                                                  st_setsrid(st_makepoint($5, $6), 4490)::geography, $7))
            and ($8::text is null or st_intersects(st_pointonsurface(b.geometry),
                                                   st_setsrid(st_geomfromgeojson($8), 4490)))
          group by b.object_id
         having floor(sum(i.area) / 9) >= $9 and max(i.area) >= $10",
    )
    .bind(drawn.floors.0)
    .bind(drawn.floors.1)
    .bind(cutoff)
    .bind(drawn.usage)
    .bind(circle.map(|((longitude, _), _)| longitude))
    .bind(circle.map(|((_, latitude), _)| latitude))
    .bind(circle.map(|(_, radius)| radius))
    .bind(drawn.triangle().map(|shape| shape.to_string()))
    .bind(i64::from(drawn.people))
    .bind(f64::from(drawn.contiguous_m2))
    .fetch_all(pool)
    .await
    .unwrap();
    rows.into_iter()
        .map(|(id, people, area)| (id, (people, area)))
        .collect()
}

fn told(found: &[FoundSpace]) -> BTreeMap<Uuid, (i64, f64)> {
    found
        .iter()
        .map(|space| {
            let run = space.largest_run.as_ref().map_or(0.0, |run| run.use_area_m2);
            (space.id, (i64::from(space.capacity.unwrap_or_default()), run))
        })
        .collect()
}

async fn all_answers_agree(
    pool: &PgPool,
    app: &axum::Router,
    state: &AppState,
    index: &IdleIndex,
    runner: &mut TestRunner,
) -> usize {
    let today = state.clock.today();
    let mut met = 0;
    for _ in 0..40 {
        let drawn = drawn().new_tree(runner).unwrap().current();
        let expected = by_postgis(pool, &drawn).await;
        met += expected.len();
        let uri: axum::http::Uri = format!("/?{}", drawn.query()).parse().unwrap();
        let axum::extract::Query(asked) = axum::extract::Query::<Asked>::try_from_uri(&uri).unwrap();
        let question = asked.question(today).unwrap();
        let held = index
            .on(today, |held| question.answer_all(held.spaces.values()))
            .await
            .unwrap();
        assert_eq!(told(&held), expected, "from memory: {drawn:?}");
        let answer = ask(app, "GET", &format!("/api/v1/idle-space?{}", drawn.query()), &[], None).await;
        let said: BTreeMap<Uuid, (i64, f64)> = answer.body["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|space| {
                let run = space["largest_run"]["use_area_m2"].as_f64().unwrap();
                (
                    space["id"].as_str().unwrap().parse().unwrap(),
                    (space["capacity"].as_i64().unwrap(), run),
                )
            })
            .collect();
        assert_eq!(said, expected, "from the database: {drawn:?}");
    }
    met
}

/// Whatever is asked, and after whatever changes: memory, database and PostGIS give the same buildings, people and areas.
#[sqlx::test(migrations = "../migrations")]
async fn memory_database_and_postgis_agree(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let mut runner = TestRunner::deterministic();
    let mut buildings = Vec::new();
    let mut rooms = Vec::new();
    for east in 0..4 {
        for north in 0..3 {
            let id = building(&app, &format!("{east}-{north}"), (east, north), "in_use").await;
            let drawn = prop::collection::vec((0i16..3, 5u32..30, 0usize..4), 4..10)
                .new_tree(&mut runner)
                .unwrap()
                .current();
            for (number, (floor, area, since)) in drawn.into_iter().enumerate() {
                let (occupancy, from) = [
                    ("in_use", "2020-01-01"),
                    ("idle", "2022-01-01"),
                    ("idle", "2025-01-01"),
                    ("idle", "2026-08-01"),
                ][since];
                // 8 to 12 and so on: the order of numbers is not that of their letters.
                let number = u32::try_from(number).unwrap() + 7;
                rooms.push(room(&app, &id, floor, number, area, occupancy, from).await);
            }
            buildings.push(id);
        }
    }
    let index = IdleIndex::default();
    index.read_all(&state.database, &state.clock).await.unwrap();
    let before = all_answers_agree(&pool, &app, &state, &index, &mut runner).await;

    // Rooms fall idle and are used again, a building goes, another changes what it is for: the ledger tells.
    let mut batch = Vec::new();
    let mut note = |kind, id: &str| {
        batch.push(FollowedEntry {
            seq: 1,
            entry_id: EntryId::fresh(),
            object_kind: Some(kind),
            object_id: id.parse().unwrap(),
            action: Some(Action::Change),
        });
    };
    for (place, id) in rooms.iter().enumerate().filter(|(place, _)| place.is_multiple_of(5)) {
        state.clock.advance(time::Duration::seconds(1));
        let uri = format!("/api/v1/rooms/{id}");
        let tag = ask(&app, "GET", &uri, &[], None).await.etag.unwrap();
        let occupancy = if place.is_multiple_of(2) { "idle" } else { "in_use" };
        let body = json!({"occupancy": occupancy, "valid_from": "2026-09-01"});
        let changed = ask(&app, "PATCH", &uri, &[("If-Match", &tag)], Some(body)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        note(ObjectKind::Room, id);
    }
    for (id, method, body) in [
        (
            &buildings[0],
            "closures",
            json!({"valid_to": "2026-10-01", "reason": "拆除"}),
        ),
        (&buildings[1], "", json!({"usage": "commercial"})),
    ] {
        state.clock.advance(time::Duration::seconds(1));
        let uri = format!("/api/v1/buildings/{id}");
        let tag = ask(&app, "GET", &uri, &[], None).await.etag.unwrap();
        let (verb, uri) = if method.is_empty() {
            ("PATCH", uri)
        } else {
            ("POST", format!("{uri}/{method}"))
        };
        let changed = ask(&app, verb, &uri, &[("If-Match", &tag)], Some(body)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        note(ObjectKind::Building, id);
    }
    index.apply(&state.database, &state.clock, &batch).await.unwrap();
    let after = all_answers_agree(&pool, &app, &state, &index, &mut runner).await;
    assert!(
        before + after > 10,
        "the questions met {before} and {after} buildings only"
    );

    // What followed is what reading everything anew gives.
    let followed = index.on(state.clock.today(), |held| held.spaces.clone()).await.unwrap();
    let anew = IdleIndex::default();
    anew.read_all(&state.database, &state.clock).await.unwrap();
    assert_eq!(
        anew.on(Times::now(&state.clock).as_of, |held| held.spaces.clone())
            .await
            .unwrap(),
        followed
    );
}
