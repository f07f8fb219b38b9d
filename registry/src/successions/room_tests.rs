//! Buildings with rooms are split and merged: the rooms move along. Over a real PostGIS, through the router.

use std::collections::BTreeSet;

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};
use crate::versioned::tests::{entries, prove};

struct Office {
    app: Router,
    state: AppState,
    pool: PgPool,
    unit: String,
}

fn outline(west: f64, east: f64) -> Value {
    let ring = [[west, 0.0], [east, 0.0], [east, 1.0], [west, 1.0], [west, 0.0]]
        .map(|[x, y]| [111.6 + x * 0.001, 26.4 + y * 0.001]);
    json!({"type": "Polygon", "coordinates": [ring]})
}

fn with(mut body: Value, more: Value) -> Value {
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

impl Office {
    async fn open(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        let mut office = Self {
            app,
            state,
            pool: pool.clone(),
            unit: String::new(),
        };
        let unit = json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ", "valid_from": "2019-01-01"});
        office.unit = office.made("units", unit).await;
        office
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.state.clock.advance(time::Duration::minutes(1));
        let key = Uuid::now_v7().to_string();
        let uri = format!("/api/v1/{path}");
        ask(&self.app, "POST", &uri, &[("Idempotency-Key", &key)], Some(body)).await
    }

    async fn made(&self, path: &str, body: Value) -> String {
        let answer = self.post(path, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().unwrap_or_default().to_owned()
    }

    async fn building(&self, name: &str, west: f64, east: f64, more: Value) -> String {
        let body = json!({"name": name, "code": name, "valid_from": "2020-01-01", "geometry": outline(west, east)});
        self.made("buildings", with(body, more)).await
    }

    async fn room(&self, building: &str, number: &str, more: Value) -> String {
        let body = json!({"building_id": building, "floor": 1, "number": number, "use_area_m2": 20, "building_area_m2": 30,
            "room_type": "office", "unit_id": self.unit, "valid_from": "2020-01-01"});
        self.made("rooms", with(body, more)).await
    }

    async fn read(&self, path: &str) -> Value {
        let answer = ask(&self.app, "GET", &format!("/api/v1/{path}"), &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        answer.body
    }

    /// Ends or changes something, by its address.
    async fn step(&self, method: &str, path: &str, to: &str, body: Value) -> Answer {
        self.state.clock.advance(time::Duration::minutes(1));
        let uri = format!("/api/v1/{path}");
        let tag = ask(&self.app, "GET", &uri, &[], None).await.etag.unwrap();
        let answer = ask(
            &self.app,
            method,
            &format!("{uri}{to}"),
            &[("If-Match", &tag)],
            Some(body),
        )
        .await;
        assert!(answer.status.is_success(), "{uri}{to}: {}", answer.body);
        answer
    }

    async fn statement(&self, from: &[&str], pieces: Value, rooms: Value) -> Value {
        let mut old = Vec::new();
        for id in from {
            let version = self.read(&format!("buildings/{id}")).await["version_id"].clone();
            old.push(json!({"id": id, "version_id": version}));
        }
        json!({"on": "2026-11-01", "from": old, "pieces": pieces, "rooms": rooms, "survey": "测〔2026〕7号", "reason": "分割"})
    }

    async fn split(&self, from: &[&str], pieces: Value, rooms: Value) -> Answer {
        let body = self.statement(from, pieces, rooms).await;
        self.post("successions", body).await
    }

    /// Refused by its code, nothing is written, and the refusal is the answer.
    async fn is_refused(&self, from: &[&str], pieces: Value, rooms: Value, code: &str) -> Value {
        let before = entries(&self.pool).await;
        let refused = self.split(from, pieces, rooms).await;
        assert!(refused.status.is_client_error(), "{code}: {}", refused.body);
        assert_eq!(refused.body["code"], code, "{}", refused.body);
        assert_eq!(entries(&self.pool).await, before, "{code}: nothing is written");
        refused.body
    }

    /// The numbers of the rooms of a building on a day.
    async fn numbers(&self, building: &Value, day: &str) -> Vec<String> {
        let uri = format!("rooms?building={}&sort=place&as_of={day}", building.as_str().unwrap());
        let list = self.read(&uri).await;
        let items = list["items"].as_array().unwrap();
        items
            .iter()
            .map(|room| room["number"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn halves() -> Value {
    json!([{"geometry": outline(0.0, 1.0), "code": "西"}, {"geometry": outline(1.0, 2.0), "code": "东"}])
}

fn whole() -> Value {
    json!([{"geometry": outline(0.0, 2.0), "code": "合"}])
}

fn to(room: &str, piece: usize) -> Value {
    json!({"room_id": room, "piece": piece})
}

fn texts(values: &Value) -> BTreeSet<String> {
    serde_json::from_value(values.clone()).unwrap()
}

#[sqlx::test(migrations = "../migrations")]
async fn rooms_go_where_the_plan_says_with_their_history_and_what_hangs_on_them(pool: PgPool) {
    let office = Office::open(&pool).await;
    let house = office.building("联体楼", 0.0, 2.0, json!({})).await;
    let west = office.room(&house, "101", json!({})).await;
    let east = office.room(&house, "102", json!({})).await;
    let rest = office
        .room(&house, "102A", json!({"room_type": "service", "part_of_id": east}))
        .await;
    let gone = office.room(&house, "103", json!({})).await;
    let end = json!({"valid_to": "2026-06-01", "reason": "打通"});
    office.step("POST", &format!("rooms/{gone}"), "/closures", end).await;
    // One that was entered for a later day already, before the split of an earlier one was known.
    let late = office.room(&house, "104", json!({"valid_from": "2026-11-15"})).await;
    let agreement =
        json!({"unit_id": office.unit, "room_ids": [west, east], "purpose": "办公", "starts_on": "2026-01-01"});
    let agreement = office.made("use-agreements", agreement).await;
    let sits = json!({"room_id": east, "person": "王芳", "rank": "局(处)级以下", "valid_from": "2026-01-01"});
    office.made("occupants", sits).await;
    let idle = json!({"asset_id": house, "room_ids": [rest], "cause": "surplus", "evidence": "巡查", "idle_since": "2026-05-01"});
    let idle = office.made("idle-records", idle).await;

    // The preview tells which rooms there are to be given.
    let question = json!({"on": "2026-11-01", "from_ids": [house], "pieces": halves()});
    let preview = office.post("succession-previews", question).await.body;
    let told: Vec<&str> = preview["rooms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|room| room["number"].as_str().unwrap())
        .collect();
    assert_eq!(told, ["101", "102", "102A", "104"]);
    assert_eq!(
        (&preview["rooms"][0]["use_area_m2"], &preview["rooms"][2]["part_of_id"]),
        (&json!(20.0), &json!(east))
    );

    // One that is left out, one that is no more, one said twice, one that goes nowhere, and a rest room without its office.
    let all = |west_to: usize, east_to: usize, rest_to: usize| {
        json!([to(&west, west_to), to(&east, east_to), to(&rest, rest_to), to(&late, 0)])
    };
    let refused = office
        .is_refused(&[&house], halves(), json!([to(&west, 0)]), "rooms_unassigned")
        .await;
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("1层 102、1层 102A、1层 104"),
        "{refused}"
    );
    let mut stranger = all(0, 1, 1);
    stranger.as_array_mut().unwrap().push(to(&gone, 1));
    office
        .is_refused(&[&house], halves(), stranger.clone(), "room_elsewhere")
        .await;
    stranger[4] = to(&west, 1);
    office.is_refused(&[&house], halves(), stranger, "room_twice").await;
    office
        .is_refused(&[&house], halves(), all(2, 1, 1), "no_such_piece")
        .await;
    let torn = office.is_refused(&[&house], halves(), all(0, 1, 0), "rooms_torn").await;
    assert!(torn["detail"].as_str().unwrap().contains("102A"), "{torn}");
    let question = json!({"on": "2026-11-01", "from_ids": [house], "pieces": halves(), "rooms": all(0, 1, 0)});
    let looked = office.post("succession-previews", question).await;
    assert_eq!(looked.body["code"], "rooms_torn", "{}", looked.body);

    let split = office.split(&[&house], halves(), all(0, 1, 1)).await;
    assert_eq!(split.status, StatusCode::CREATED, "{}", split.body);
    let new = &split.body["to_ids"];
    for (room, place) in [(&west, 0), (&east, 1), (&rest, 1)] {
        let now = office.read(&format!("rooms/{room}")).await;
        assert_eq!(now["building"]["id"], new[place], "{room}");
        let before = office.read(&format!("rooms/{room}?as_of=2026-10-31")).await;
        assert_eq!(
            before["building"]["id"],
            json!(house),
            "the day before it was in the old one"
        );
        let history = office.read(&format!("rooms/{room}/versions")).await;
        assert_eq!(history["items"][0]["changed"], json!(["building_id"]), "{history}");
    }
    // One that was no more stays where it was; one that comes later comes in the new one.
    let was = office.read(&format!("rooms/{gone}?as_of=2026-05-01")).await;
    assert_eq!(was["building"]["id"], json!(house));
    assert_eq!(office.numbers(&new[0], "2026-11-01").await, ["101"]);
    assert_eq!(office.numbers(&new[0], "2026-11-15").await, ["101", "104"]);
    assert_eq!(office.numbers(&new[1], "2026-11-01").await, ["102", "102A"]);
    assert_eq!(
        office.numbers(&json!(house), "2026-10-31").await,
        ["101", "102", "102A"]
    );
    assert!(office.numbers(&json!(house), "2026-11-01").await.is_empty());
    // Who sits there sits there still; the agreement names both houses, and named the old one the day before; what is idle
    // is idle still.
    let sitting = format!("occupants?building={}", new[1].as_str().unwrap());
    assert_eq!(office.read(&sitting).await["items"][0]["person"], "王芳");
    let held = office.read(&format!("use-agreements/{agreement}")).await;
    assert_eq!(texts(&held["building_ids"]), texts(new));
    let history = office.read(&format!("use-agreements/{agreement}/versions")).await;
    assert!(history.to_string().contains(&house), "{history}");
    let idle = office.read(&format!("idle-records/{idle}")).await;
    assert_eq!(
        (&idle["asset_id"], &idle["valid_to"]),
        (&new[1], &Value::Null),
        "{idle}"
    );
    assert_eq!(office.read(&format!("rooms/{rest}")).await["occupancy"], "idle");
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn rooms_of_merged_houses_are_all_in_the_one_and_numbers_that_collide_are_named(pool: PgPool) {
    let office = Office::open(&pool).await;
    let west = office.building("西楼", 0.0, 1.0, json!({})).await;
    let east = office.building("东楼", 1.0, 2.0, json!({})).await;
    let first = office.room(&west, "101", json!({})).await;
    let second = office.room(&east, "201", json!({"floor": 2})).await;
    let shop = office
        .room(&east, "铺1", json!({"room_type": "shop", "unit_id": null}))
        .await;
    let twin = office.room(&east, "101", json!({})).await;
    let let_out = json!({"rooms": [{"room_id": shop}], "area_m2": null});
    let lease = office.made("leases", crate::leases::tests::shop(&east, let_out)).await;
    let yard = json!({"area_m2": 40, "contract_number": "2026-002"});
    let yard = office.made("leases", crate::leases::tests::shop(&west, yard)).await;
    let both = [west.as_str(), east.as_str()];
    let refused = office.is_refused(&both, whole(), json!([]), "rooms_collide").await;
    assert!(refused["detail"].as_str().unwrap().contains("1层 101"), "{refused}");
    let question = json!({"on": "2026-11-01", "from_ids": both, "pieces": whole()});
    let looked = office.post("succession-previews", question.clone()).await;
    assert_eq!(looked.body["code"], "rooms_collide", "{}", looked.body);
    let renumbered = json!({"number": "101东", "valid_from": "2026-10-01"});
    office.step("PATCH", &format!("rooms/{twin}"), "", renumbered).await;
    let looked = office.post("succession-previews", question).await;
    assert_eq!(
        looked.body["rooms"].as_array().map(Vec::len),
        Some(4),
        "{}",
        looked.body
    );

    let merged = office.split(&both, whole(), json!([])).await;
    assert_eq!(merged.status, StatusCode::CREATED, "{}", merged.body);
    let new = &merged.body["to_ids"][0];
    for room in [&first, &second, &shop, &twin] {
        assert_eq!(office.read(&format!("rooms/{room}")).await["building"]["id"], *new);
    }
    assert_eq!(office.numbers(new, "2026-11-01").await, ["101", "101东", "铺1", "201"]);
    assert_eq!(office.numbers(&json!(west), "2026-10-31").await, ["101"]);
    // What is let goes on with its account, in the new one; before, it was in the old one.
    for (lease, old) in [(&lease, &east), (&yard, &west)] {
        let held = office.read(&format!("leases/{lease}")).await;
        assert_eq!((&held["asset_id"], &held["status"]), (new, &json!("running")), "{held}");
        assert_eq!(held["valid_from"], "2026-01-01");
        let account = office.read(&format!("leases/{lease}/account")).await;
        assert_eq!(account["rows"].as_array().map(Vec::len), Some(12), "{account}");
        let history = office.read(&format!("leases/{lease}/versions")).await;
        assert!(history.to_string().contains(old.as_str()), "{history}");
    }
    let of = async |building: &str, day: &str| {
        let list = office.read(&format!("leases?asset={building}&as_of={day}")).await;
        let items = list["items"].as_array().unwrap();
        items
            .iter()
            .map(|lease| lease["id"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let new = new.as_str().unwrap();
    assert_eq!(of(new, "2026-11-01").await, [lease.clone(), yard.clone()].into());
    assert_eq!(
        of(&east, "2026-10-31").await,
        [lease.clone()].into(),
        "as of a day before"
    );
    assert!(of(&east, "2026-11-01").await.is_empty());
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_is_let_or_idle_is_not_divided_between_two_houses(pool: PgPool) {
    let office = Office::open(&pool).await;
    let house = office.building("联体楼", 0.0, 2.0, json!({})).await;
    let mut rooms = Vec::new();
    for number in ["101", "102", "103"] {
        rooms.push(office.room(&house, number, json!({"unit_id": null})).await);
    }
    let let_out = json!({"rooms": [{"room_id": rooms[0]}, {"room_id": rooms[1]}], "area_m2": null});
    let lease = office.made("leases", crate::leases::tests::shop(&house, let_out)).await;
    let all = |places: [usize; 3]| {
        json!(
            rooms
                .iter()
                .zip(places)
                .map(|(room, place)| to(room, place))
                .collect::<Vec<_>>()
        )
    };
    let torn = office
        .is_refused(&[&house], halves(), all([0, 1, 1]), "lease_torn")
        .await;
    assert!(torn["detail"].as_str().unwrap().contains("2026-001"), "{torn}");
    // One that says no rooms is of neither.
    let plain = json!({"area_m2": 5, "contract_number": "无房间"});
    let plain = office.made("leases", crate::leases::tests::shop(&house, plain)).await;
    let undivided = office
        .is_refused(&[&house], halves(), all([0, 0, 1]), "lease_undivided")
        .await;
    assert!(undivided["detail"].as_str().unwrap().contains("无房间"), "{undivided}");
    let back = json!({"valid_to": "2026-11-01", "reason": "分割前退租"});
    office.step("POST", &format!("leases/{plain}"), "/closures", back).await;
    let idle = json!({"asset_id": house, "room_ids": [rooms[2]], "cause": "surplus", "evidence": "巡查", "idle_since": "2026-05-01"});
    office.made("idle-records", idle).await;
    let split = office.split(&[&house], halves(), all([1, 1, 0])).await;
    assert_eq!(split.status, StatusCode::CREATED, "{}", split.body);
    let held = office.read(&format!("leases/{lease}")).await;
    assert_eq!(held["asset_id"], split.body["to_ids"][1]);
    // The one that was handed back stays with the house in which it was.
    assert_eq!(office.read(&format!("leases/{plain}")).await["asset_id"], json!(house));
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn rooms_go_into_a_house_that_was_imported_before_beside_those_it_has(pool: PgPool) {
    let office = Office::open(&pool).await;
    let house = office.building("联体楼", 0.0, 2.0, json!({})).await;
    let west = office.room(&house, "101", json!({})).await;
    let east = office.room(&house, "102", json!({})).await;
    let there = office.building("西", 0.0, 1.0, json!({})).await;
    let beside = office.room(&there, "101", json!({"valid_from": "2026-12-01"})).await;
    let pieces = json!([{"id": there}, {"geometry": outline(1.0, 2.0), "code": "东"}]);
    let rooms = json!([to(&west, 0), to(&east, 1)]);
    let refused = office
        .is_refused(&[&house], pieces.clone(), rooms.clone(), "rooms_collide")
        .await;
    assert!(refused["detail"].as_str().unwrap().contains("1层 101"), "{refused}");
    let renumbered = json!({"number": "109", "valid_from": "2026-12-01"});
    office
        .step("PATCH", &format!("rooms/{beside}?as_of=2026-12-01"), "", renumbered)
        .await;
    let split = office.split(&[&house], pieces, rooms).await;
    assert_eq!(split.status, StatusCode::CREATED, "{}", split.body);
    assert_eq!(office.numbers(&json!(there), "2026-12-01").await, ["101", "109"]);
    prove(&pool).await.unwrap();
}

/// Whoever edits a part splits its buildings with their rooms; what hangs on rooms beyond the part holds it up.
#[sqlx::test(migrations = "../migrations")]
async fn a_part_moves_the_rooms_of_its_own_buildings_alone(pool: PgPool) {
    let office = Office::open(&pool).await;
    for region in ["431102", "431103"] {
        let body = json!({"code": region, "name": region, "level": "county", "valid_from": "2019-01-01"});
        office.made("regions", body).await;
    }
    let inside = office
        .building("联体楼", 0.0, 2.0, json!({"region_code": "431102"}))
        .await;
    let outside = office
        .building("别楼", 3.0, 4.0, json!({"region_code": "431103"}))
        .await;
    let west = office.room(&inside, "101", json!({})).await;
    let east = office.room(&inside, "102", json!({})).await;
    let far = office.room(&outside, "101", json!({})).await;
    let agreement =
        json!({"unit_id": office.unit, "room_ids": [west, far], "purpose": "办公", "starts_on": "2026-01-01"});
    let agreement = office.made("use-agreements", agreement).await;
    let roles = [Role::AssetManager];
    let narrow = person_with(&pool, "narrow", &roles, "431102").await;
    let beside = person_with(&pool, "beside", &roles, "431103").await;
    let body = office
        .statement(&[&inside], halves(), json!([to(&west, 0), to(&east, 1)]))
        .await;
    let ask_of = async |token: &str| {
        office.state.clock.advance(time::Duration::minutes(1));
        let key = [("Idempotency-Key", Uuid::now_v7().to_string())];
        let key = key.each_ref().map(|(name, value)| (*name, value.as_str()));
        ask_as(
            &office.app,
            Some(token),
            "POST",
            "/api/v1/successions",
            &key,
            Some(body.clone()),
        )
        .await
    };
    let before = entries(&pool).await;
    let question = json!({"on": "2026-11-01", "from_ids": [inside], "pieces": halves()});
    let look = async |token: &str| {
        let question = Some(question.clone());
        ask_as(
            &office.app,
            Some(token),
            "POST",
            "/api/v1/succession-previews",
            &[],
            question,
        )
        .await
    };
    let untold = look(&beside).await;
    assert_eq!(
        (untold.status, &untold.body["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("from_ids")),
        "whoever doesn't see the house is told of none of its rooms: {}",
        untold.body
    );
    assert_eq!(look(&narrow).await.body["rooms"].as_array().map(Vec::len), Some(2));
    let unseen = ask_of(&beside).await;
    assert_eq!(
        (unseen.status, &unseen.body["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("from_ids")),
        "{}",
        unseen.body
    );
    // An agreement about rooms of both is changed by whoever edits both.
    let held_up = ask_of(&narrow).await;
    assert_eq!(
        (held_up.status, &held_up.body["code"]),
        (StatusCode::FORBIDDEN, &json!("out_of_scope")),
        "{}",
        held_up.body
    );
    assert_eq!(entries(&pool).await, before);
    let end = json!({"step": "cancel", "on": "2026-10-01", "reason": "各签各的"});
    office
        .step("POST", &format!("use-agreements/{agreement}"), "/steps", end)
        .await;
    let split = ask_of(&narrow).await;
    assert_eq!(split.status, StatusCode::CREATED, "{}", split.body);
    let new = split.body["to_ids"][0].as_str().unwrap();
    let seen = async |token: &str| {
        let uri = format!("/api/v1/rooms?building={new}&as_of=2026-11-01");
        let list = ask_as(&office.app, Some(token), "GET", &uri, &[], None).await;
        list.body["items"].as_array().map(Vec::len)
    };
    assert_eq!((seen(&narrow).await, seen(&beside).await), (Some(1), Some(0)));
    let held = office.read(&format!("use-agreements/{agreement}")).await;
    assert_eq!(
        texts(&held["building_ids"]),
        [inside, outside].into(),
        "what is over names what it was about"
    );
    prove(&pool).await.unwrap();
}
