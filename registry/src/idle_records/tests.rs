//! Through the router, over a real PostGIS, under the application's role.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;

use crate::http::AppState;
use crate::spatial_units::tests::{Answer, app, ask};
use crate::versioned::tests::{entries, prove};

/// The office: a building in use with three rooms below and two above, one of them let.
struct Office {
    app: Router,
    state: AppState,
    building: String,
    rooms: Vec<String>,
    unit: String,
}

impl Office {
    async fn open(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        let mut office = Self {
            app,
            state,
            building: String::new(),
            rooms: Vec::new(),
            unit: String::new(),
        };
        let unit = json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ", "valid_from": "2020-01-01"});
        office.unit = office.register("units", unit).await;
        let square = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
        let building = json!({"name": "一号楼", "valid_from": "2020-01-01", "geometry": square, "occupancy": "in_use", "unit_id": office.unit});
        office.building = office.register("buildings", building).await;
        for (floor, number, occupancy) in [
            (1, "101", "in_use"),
            (1, "102", "in_use"),
            (1, "103", "under_repair"),
            (2, "201", "in_use"),
            (2, "202", "let"),
        ] {
            let user = (occupancy == "in_use").then(|| office.unit.clone());
            let room = json!({"building_id": office.building, "floor": floor, "number": number, "use_area_m2": 20,
                "building_area_m2": 30, "occupancy": occupancy, "unit_id": user, "valid_from": "2020-01-01"});
            let room = office.register("rooms", room).await;
            office.rooms.push(room);
        }
        office
    }

    async fn register(&self, layer: &str, body: Value) -> String {
        let answer = self.post(layer, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    async fn post(&self, layer: &str, body: Value) -> Answer {
        self.state.clock.advance(Duration::minutes(1));
        let key = uuid::Uuid::now_v7().to_string();
        ask(
            &self.app,
            "POST",
            &format!("/api/v1/{layer}"),
            &[("Idempotency-Key", &key)],
            Some(body),
        )
        .await
    }

    async fn get(&self, uri: &str) -> Value {
        let answer = ask(&self.app, "GET", &format!("/api/v1/{uri}"), &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
        answer.body
    }

    /// Reads something and changes it.
    async fn change(&self, uri: &str, body: Value) -> Answer {
        self.state.clock.advance(Duration::minutes(1));
        let uri = format!("/api/v1/{uri}");
        let tag = ask(&self.app, "GET", &uri, &[], None).await.etag.unwrap();
        let changed = ask(&self.app, "PATCH", &uri, &[("If-Match", &tag)], Some(body)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
        changed
    }

    async fn end(&self, record: &str, body: Value) -> Answer {
        self.state.clock.advance(Duration::minutes(1));
        let uri = format!("/api/v1/idle-records/{record}");
        let tag = ask(&self.app, "GET", &uri, &[], None).await.etag.unwrap();
        ask(
            &self.app,
            "POST",
            &format!("{uri}/closures"),
            &[("If-Match", &tag)],
            Some(body),
        )
        .await
    }

    async fn room(&self, index: usize, query: &str) -> (Value, Value) {
        let room = self.get(&format!("rooms/{}{query}", self.rooms[index])).await;
        (room["occupancy"].clone(), room["unit"]["id"].clone())
    }

    fn whole(&self) -> Value {
        json!({"asset_id": self.building, "idle_since": "2025-08-21", "cause": "vacated_by_reallocation",
            "evidence": "2025年9月巡查，全楼无人办公", "documents": ["巡查记录 2025-09-02"]})
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_whole_building_falls_idle_with_its_rooms_and_is_used_again(pool: PgPool) {
    let office = Office::open(&pool).await;
    // Somebody rents a room of it.
    let refused = office.post("idle-records", office.whole()).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::CONFLICT, &json!("not_idle")),
        "{}",
        refused.body
    );
    assert!(
        refused.body["detail"].as_str().unwrap().contains("202"),
        "{}",
        refused.body
    );
    office
        .change(
            &format!("rooms/{}", office.rooms[4]),
            json!({"occupancy": "in_use", "valid_from": "2025-07-01"}),
        )
        .await;
    // The lease ended in July, so it can't have been idle since May.
    let mut early = office.whole();
    early["idle_since"] = json!("2025-05-01");
    let refused = office.post("idle-records", early).await;
    assert_eq!(refused.body["code"], "not_idle", "{}", refused.body);
    let record = office.register("idle-records", office.whole()).await;
    let before = entries(&pool).await;

    let building = office.get(&format!("buildings/{}", office.building)).await;
    assert_eq!(
        (&building["occupancy"], &building["idle_since"]),
        (&json!("idle"), &json!("2025-08-21"))
    );
    let then = office
        .get(&format!("buildings/{}?as_of=2025-08-20", office.building))
        .await;
    assert_eq!(
        (&then["occupancy"], &then["idle_since"]),
        (&json!("in_use"), &json!(null))
    );
    for index in [0, 1, 3, 4] {
        assert_eq!(office.room(index, "").await, (json!("idle"), json!(null)), "{index}");
    }
    assert_eq!(
        office.room(0, "?as_of=2025-08-20").await,
        (json!("in_use"), json!(office.unit))
    );
    // What is under repair is not idle.
    assert_eq!(office.room(2, "").await.0, "under_repair");

    let list = office
        .get(&format!("idle-records?open=true&count=true&asset={}", office.building))
        .await;
    let line = &list["items"][0];
    assert_eq!(
        (&list["total"], &line["rooms"]),
        (&json!(1), &json!(["101", "102", "201", "202"]))
    );
    assert_eq!((&line["area_m2"], &line["use_area_m2"]), (&json!(120.0), &json!(80.0)));
    // From 21 August 2025 to 21 November 2026.
    assert_eq!((&line["days"], &line["contradicted_by"]), (&json!(457), &json!(null)));
    assert_eq!(
        office.get("idle-records?open=true&as_of=2025-08-20").await["items"],
        json!([])
    );

    // One record at a time.
    let again = office.post("idle-records", office.whole()).await;
    assert_eq!(
        (again.status, &again.body["code"]),
        (StatusCode::CONFLICT, &json!("idle_record_thing_one_record"))
    );
    let mut room = office.whole();
    room["room_ids"] = json!([office.rooms[0]]);
    assert_eq!(office.post("idle-records", room).await.status, StatusCode::CONFLICT);
    assert_eq!(entries(&pool).await, before);

    for (said, field) in [
        (json!({"valid_to": "2026-12-01"}), "valid_to"),
        (json!({"valid_to": "2025-08-21"}), "valid_to"),
        (json!({"occupancy": "idle"}), "occupancy"),
        (json!({"reason": " "}), "reason"),
        (json!({"unit_id": office.building}), "unit_id"),
    ] {
        let mut body =
            json!({"valid_to": "2026-03-01", "occupancy": "in_use", "unit_id": office.unit, "reason": "调剂给财政局"});
        for (name, value) in said.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = office.end(&record, body).await;
        assert_eq!(
            (refused.status, &refused.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{}",
            refused.body
        );
    }
    let body =
        json!({"valid_to": "2026-03-01", "occupancy": "in_use", "unit_id": office.unit, "reason": "调剂给财政局"});
    let ended = office.end(&record, body.clone()).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    let building = office.get(&format!("buildings/{}", office.building)).await;
    assert_eq!(
        (&building["occupancy"], &building["idle_since"]),
        (&json!("in_use"), &json!(null))
    );
    assert_eq!(office.room(0, "").await, (json!("in_use"), json!(office.unit)));
    assert_eq!(office.room(0, "?as_of=2026-02-28").await, (json!("idle"), json!(null)));
    assert_eq!(office.get("idle-records?open=true").await["items"], json!([]));
    let line = office.get("idle-records").await["items"][0].clone();
    assert_eq!(
        (&line["idle_to"], &line["end_reason"]),
        (&json!("2026-03-01"), &json!("调剂给财政局"))
    );
    assert_eq!(office.end(&record, body).await.status, StatusCode::CONFLICT);
    let versions = office.get(&format!("idle-records/{record}/versions")).await;
    let told = |index: usize, field: &str| versions["items"][index][field].clone();
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);
    assert_eq!(
        (told(0, "reason"), told(0, "valid_to")),
        (json!("调剂给财政局"), json!("2026-03-01"))
    );
    assert_eq!((told(1, "end_reason"), told(1, "valid_to")), (json!(null), json!(null)));

    // Idle again from the day of the end on.
    let mut next = office.whole();
    next["idle_since"] = json!("2026-03-01");
    office.register("idle-records", next).await;
    prove(&pool).await.unwrap();
    // What the record says is held against the ledger like everything else.
    sqlx::query("update idle_record_version set cause = 'surplus'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        prove(&pool).await.unwrap_err().object_kind.as_deref(),
        Some("idle_record")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn a_floor_is_idle_and_the_building_is_not(pool: PgPool) {
    let office = Office::open(&pool).await;
    let mut floor = office.whole();
    floor["floor"] = json!(2);
    let record = office.register("idle-records", floor).await;
    // The room that is let stays let, and the building is in use.
    assert_eq!(office.room(3, "").await.0, "idle");
    assert_eq!(office.room(4, "").await.0, "let");
    assert_eq!(
        office.get(&format!("buildings/{}", office.building)).await["occupancy"],
        "in_use"
    );
    let line = office.get("idle-records").await["items"][0].clone();
    assert_eq!(
        (&line["floor"], &line["rooms"], &line["whole"]),
        (&json!(2), &json!(["201"]), &json!(false))
    );
    let part = office.get(&format!("buildings/{}/occupancy", office.building)).await;
    assert_eq!(part["total"]["partly_idle"], true);

    // The room is said to be in use by hand: the list shows that the two contradict each other.
    office
        .change(&format!("rooms/{}", office.rooms[3]), json!({"occupancy": "in_use"}))
        .await;
    assert_eq!(
        office.get("idle-records").await["items"][0]["contradicted_by"],
        "in_use"
    );
    let ended = office
        .end(
            &record,
            json!({"valid_to": "2026-01-01", "occupancy": "let", "reason": "公开招租"}),
        )
        .await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    // From the end on it is let, and what was said by hand of today stays.
    assert_eq!(office.room(3, "?as_of=2026-06-01").await.0, "let");
    assert_eq!(office.room(3, "").await.0, "in_use");
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn bad_input_names_its_field_and_changes_nothing(pool: PgPool) {
    let office = Office::open(&pool).await;
    let before = entries(&pool).await;
    let nobody = uuid::Uuid::now_v7();
    for (said, field) in [
        (json!({"cause": "haunted"}), "cause"),
        (json!({"cause": "other"}), "cause_note"),
        (json!({"evidence": " "}), "evidence"),
        (json!({"documents": ["字".repeat(201)]}), "documents"),
        (json!({"idle_since": "2026-11-22"}), "idle_since"),
        (json!({"idle_since": "0001-01-01"}), "idle_since"),
        (json!({"room_ids": [nobody]}), "room_ids"),
        (json!({"room_ids": [office.building]}), "room_ids"),
        (json!({"floor": 9}), "floor"),
        // Under repair.
        (json!({"room_ids": [office.rooms[2]]}), "room_ids"),
    ] {
        let mut body = office.whole();
        body["floor"] = json!(1);
        for (name, value) in said.as_object().unwrap() {
            body[name] = value.clone();
        }
        let refused = office.post("idle-records", body).await;
        assert!(refused.status.is_client_error(), "{said}: {}", refused.body);
        assert_eq!(refused.body["field"], field, "{said}: {}", refused.body);
    }
    let mut body = office.whole();
    body["asset_id"] = json!(nobody);
    assert_eq!(office.post("idle-records", body).await.status, StatusCode::NOT_FOUND);
    assert_eq!(entries(&pool).await, before);
}

/// Two people confirm the same at the same moment: one record is made.
#[sqlx::test(migrations = "../migrations")]
async fn of_two_at_once_one_is_recorded(pool: PgPool) {
    let office = Office::open(&pool).await;
    let record = || {
        let mut body = office.whole();
        body["room_ids"] = json!([office.rooms[0], office.rooms[1]]);
        office.post("idle-records", body)
    };
    let (one, other) = tokio::join!(record(), record());
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(office.get("idle-records?count=true").await["total"], 1);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_day_is_proposed_with_its_reasons_and_not_on_thin_evidence(pool: PgPool) {
    let office = Office::open(&pool).await;
    let proposal = format!("buildings/{}/idle-proposal", office.building);
    let kinds = |said: &Value| -> Vec<String> {
        let reasons = said["reasons"].as_array().unwrap().iter();
        reasons
            .map(|reason| reason["kind"].as_str().unwrap().to_owned())
            .collect()
    };
    let said = office.get(&proposal).await;
    assert_eq!(
        (&said["idle_since"], kinds(&said)),
        (&json!(null), vec!["rooms_in_use".to_owned()])
    );
    // The unit leaves the building: a sign, but its rooms still say otherwise.
    office
        .change(
            &format!("buildings/{}", office.building),
            json!({"unit_id": null, "valid_from": "2025-01-10"}),
        )
        .await;
    let said = office.get(&proposal).await;
    assert_eq!(
        (&said["idle_since"], kinds(&said)),
        (&json!(null), vec!["rooms_in_use".to_owned(), "unit_left".to_owned()])
    );
    // The rooms are emptied one after the other; what is let ends, too.
    for (index, day) in [(0, "2025-02-01"), (1, "2025-03-01"), (3, "2025-02-15")] {
        office
            .change(
                &format!("rooms/{}", office.rooms[index]),
                json!({"unit_id": null, "valid_from": day}),
            )
            .await;
    }
    assert_eq!(office.get(&proposal).await["idle_since"], json!(null));
    office
        .change(
            &format!("rooms/{}", office.rooms[4]),
            json!({"occupancy": "idle", "valid_from": "2025-04-01"}),
        )
        .await;
    // Three of five rooms were emptied, one is under repair, one idle: too little to call it vacated.
    let said = office.get(&proposal).await;
    assert_eq!(
        (&said["idle_since"], kinds(&said)),
        (&json!(null), vec!["unit_left".to_owned()])
    );
    for index in [0, 1, 3] {
        office
            .change(
                &format!("rooms/{}", office.rooms[index]),
                json!({"occupancy": "idle", "valid_from": "2025-05-01"}),
            )
            .await;
    }
    office
        .change(
            &format!("rooms/{}", office.rooms[2]),
            json!({"occupancy": "idle", "valid_from": "2025-06-01"}),
        )
        .await;
    let said = office.get(&proposal).await;
    assert_eq!(said["idle_since"], "2025-06-01", "{said}");
    assert_eq!(said["cause"], "vacated_by_reallocation");
    assert_eq!(kinds(&said), ["unit_left", "parts_idle"]);
    assert_eq!(said["reasons"][1]["share"], 1.0);
    // Confirmed, it is proposed no more.
    let mut body = office.whole();
    body["idle_since"] = said["idle_since"].clone();
    let record = office.register("idle-records", body).await;
    let said = office.get(&proposal).await;
    assert_eq!(
        (&said["idle_since"], &said["record_id"]),
        (&json!(null), &json!(record))
    );
    let missing = ask(
        &office.app,
        "GET",
        &format!("/api/v1/sites/{}/idle-proposal", office.building),
        &[],
        None,
    )
    .await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

/// The registers of leases and of use agreements speak for idleness when they end, and against it while they run.
#[sqlx::test(migrations = "../migrations")]
async fn leases_and_agreements_speak_when_they_end_and_while_they_run(pool: PgPool) {
    let office = Office::open(&pool).await;
    let told = async |building: &str| {
        let said = office.get(&format!("buildings/{building}/idle-proposal")).await;
        let kinds: Vec<String> = said["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reason| {
                format!(
                    "{} {}",
                    reason["kind"].as_str().unwrap(),
                    reason["since"].as_str().unwrap()
                )
            })
            .collect();
        (said["idle_since"].clone(), kinds)
    };
    let step = async |uri: &str, what: &str, body: Value| {
        office.state.clock.advance(Duration::minutes(1));
        let uri = format!("/api/v1/{uri}");
        let tag = ask(&office.app, "GET", &uri, &[], None).await.etag.unwrap();
        let answer = ask(
            &office.app,
            "POST",
            &format!("{uri}/{what}"),
            &[("If-Match", &tag)],
            Some(body),
        )
        .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    };
    let shape = json!({"type": "Polygon", "coordinates": [[[119.96, 31.78], [119.961, 31.78], [119.961, 31.781], [119.96, 31.78]]]});
    let shop = json!({"name": "门面", "valid_from": "2020-01-01", "geometry": shape, "occupancy": "let", "unit_id": office.unit,
                      "registered_area_m2": 300});
    let shop = office.register("buildings", shop).await;
    let lease = crate::leases::tests::shop(&shop, json!({"starts_on": "2025-01-01", "ends_on": "2025-12-31"}));
    let lease = office.register("leases", lease).await;
    office
        .change(
            &format!("buildings/{shop}"),
            json!({"occupancy": "vacating", "unit_id": null, "valid_from": "2025-06-01"}),
        )
        .await;
    // The unit left and it is being vacated, yet a lease runs.
    let (since, kinds) = told(&shop).await;
    assert_eq!(since, json!(null), "{kinds:?}");
    assert!(kinds.contains(&"lease_running 2025-01-01".to_owned()), "{kinds:?}");
    step(
        &format!("leases/{lease}"),
        "closures",
        json!({"valid_to": "2025-09-01", "reason": "退租"}),
    )
    .await;
    // The end of the letting is told once, by the lease.
    let (since, kinds) = told(&shop).await;
    assert_eq!(since, json!("2025-06-01"));
    assert_eq!(
        kinds,
        [
            "vacating_long 2025-06-01",
            "unit_left 2025-06-01",
            "lease_ended 2025-09-01"
        ]
    );

    let draft = json!({"unit_id": office.unit, "room_ids": [office.rooms[0], office.rooms[1]], "purpose": "行政办公", "starts_on": "2021-01-01"});
    let agreement = office.register("use-agreements", draft).await;
    let at = format!("use-agreements/{agreement}");
    let says = async |kind: &str| {
        told(&office.building)
            .await
            .1
            .into_iter()
            .find(|one| one.starts_with(kind))
    };
    assert_eq!(says("certificate_current").await, None, "a draft says nothing");
    step(
        &at,
        "steps",
        json!({"step": "sign", "on": "2021-01-05", "agreement_no": "使协〔2021〕1号", "documents": ["使用协议"]}),
    )
    .await;
    assert_eq!(
        says("certificate_current").await.as_deref(),
        Some("certificate_current 2021-01-01")
    );
    step(
        &at,
        "steps",
        json!({"step": "cancel", "on": "2025-03-01", "reason": "腾退"}),
    )
    .await;
    assert_eq!(says("certificate_current").await, None);
    assert_eq!(
        says("agreement_ended").await.as_deref(),
        Some("agreement_ended 2025-03-01")
    );
}
