//! Stocktakings as stories over HTTP, over a real PostGIS, each person with a role of their own.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
use tower::ServiceExt;
use uuid::Uuid;

use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};
use crate::versioned::tests::{entries, prove};

/// The office: whoever asks shows who they are. Today is 21 November 2026.
pub(crate) struct Office {
    pub app: Router,
    pub state: AppState,
    pool: PgPool,
    tokens: BTreeMap<&'static str, String>,
}

pub(crate) const MANAGER: &str = "manager";
pub(crate) const CONTACT: &str = "contact";
pub(crate) const APPROVER: &str = "approver";
pub(crate) const BOTH: &str = "both";
pub(crate) const AUDITOR: &str = "auditor";
const PDF: &[u8] = b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF\n";

impl Office {
    pub(crate) async fn open(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        let mut tokens = BTreeMap::new();
        for (who, roles) in [
            (MANAGER, &[Role::AssetManager][..]),
            ("checker", &[Role::AssetManager]),
            (CONTACT, &[Role::UnitContact]),
            (APPROVER, &[Role::Approver]),
            (AUDITOR, &[Role::Auditor]),
            // Both hands in one: what four eyes are for.
            (BOTH, &[Role::AssetManager, Role::Approver]),
        ] {
            tokens.insert(who, person_with(pool, who, roles, "all").await);
        }
        for code in ["320400", "320404", "320402"] {
            let level = if code == "320400" { "city" } else { "county" };
            let body = json!({"code": code, "name": code, "level": level, "valid_from": "2010-01-01"});
            let made = ask(
                &app,
                "POST",
                "/api/v1/regions",
                &[("Idempotency-Key", code)],
                Some(body),
            )
            .await;
            assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        }
        Self {
            app,
            state,
            pool: pool.clone(),
            tokens,
        }
    }

    pub(crate) async fn ask(
        &self,
        who: &str,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        // Time passes between two requests.
        self.state.clock.advance(Duration::seconds(7));
        let uri = format!("/api/v1/{uri}");
        ask_as(&self.app, Some(&self.tokens[who]), method, &uri, headers, body).await
    }

    pub(crate) async fn post(&self, who: &str, uri: &str, body: Value) -> Answer {
        let key = Uuid::now_v7().to_string();
        self.ask(who, "POST", uri, &[("Idempotency-Key", &key)], Some(body))
            .await
    }

    pub(crate) async fn made(&self, who: &str, uri: &str, body: Value) -> String {
        let answer = self.post(who, uri, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{uri}: {}", answer.body);
        answer.body["id"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn read(&self, uri: &str) -> Value {
        let answer = self.ask(AUDITOR, "GET", uri, &[], None).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
        answer.body
    }

    /// A unit; the directory is an administrator's, as whom these tests sign in where they show nobody.
    pub(crate) async fn unit(&self, name: &str) -> String {
        let body = json!({"code": name, "name": name, "level": "city", "kind": "government_organ", "region_code": "320404",
                          "valid_from": "2010-01-01"});
        let key = Uuid::now_v7().to_string();
        let made = ask(
            &self.app,
            "POST",
            "/api/v1/units",
            &[("Idempotency-Key", &key)],
            Some(body),
        )
        .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
        made.body["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn building(&self, name: &str, unit: &str, area_m2: f64) -> String {
        let square = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
        let body = json!({"name": name, "code": name, "valid_from": "2020-01-01", "region_code": "320404", "unit_id": unit,
                          "geometry": square, "registered_area_m2": area_m2, "usage": "administrative_office",
                          "occupancy": "in_use", "admin_level": "city"});
        self.made(MANAGER, "buildings", body).await
    }

    pub(crate) async fn room(&self, building: &str, number: &str, unit: &str) -> String {
        let body = json!({"building_id": building, "floor": 1, "number": number, "use_area_m2": 20.0, "unit_id": unit,
                          "room_type": "office", "purpose": "staff_office", "valid_from": "2020-01-01"});
        self.made(MANAGER, "rooms", body).await
    }

    /// The certificate of a building.
    pub(crate) async fn title(&self, building: &str, unit_code: &str, serial: u32, area_m2: f64) {
        let west = 40.0 + f64::from(serial) * 2.0;
        let land = crate::titles::tests::rectangle(west, 0.0, west + 1.0, 1.0);
        let land = crate::titles::tests::parcel(&self.app, land).await;
        let mut title = crate::titles::tests::certificate(land, unit_code, serial);
        let covered = json!({"building_ids": [building], "house_area_m2": area_m2, "land_area_m2": null,
                             "print_serial": null});
        title
            .as_object_mut()
            .unwrap()
            .extend(covered.as_object().unwrap().clone());
        let made = crate::titles::tests::register(&self.app, title).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    }

    /// A photograph, or the next best thing.
    pub(crate) async fn photo(&self, who: &str) -> String {
        let (status, document) = self.bring(who, "documents", "photo.pdf", PDF).await;
        assert!(status.is_success(), "{status}");
        let document: Value = serde_json::from_slice(&document).unwrap();
        document["id"].as_str().unwrap().to_owned()
    }

    /// Sends a file as a page does.
    pub(crate) async fn bring(&self, who: &str, uri: &str, name: &str, file: &[u8]) -> (StatusCode, Vec<u8>) {
        let mut body =
            format!("--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n").into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n--cut--\r\n");
        let request = Request::post(format!("/api/v1/{uri}"))
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=cut")
            .body(Body::from(body))
            .unwrap();
        self.send(who, request).await
    }

    /// What stands at an address, as it is.
    pub(crate) async fn file(&self, who: &str, uri: &str) -> (StatusCode, Vec<u8>) {
        let request = Request::get(format!("/api/v1/{uri}")).body(Body::empty()).unwrap();
        self.send(who, request).await
    }

    async fn send(&self, who: &str, mut request: Request<Body>) -> (StatusCode, Vec<u8>) {
        self.state.clock.advance(Duration::seconds(7));
        let headers = request.headers_mut();
        headers.insert(header::HOST, "127.0.0.1".parse().unwrap());
        let token = format!("Bearer {}", self.tokens[who]);
        headers.insert(header::AUTHORIZATION, token.parse().unwrap());
        let response = self.app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, bytes.to_vec())
    }

    /// Somebody with a role for what one unit uses.
    pub(crate) async fn contact_of(&mut self, who: &'static str, unit: &str) {
        let token = person_with(&self.pool, who, &[Role::UnitContact], "all").await;
        self.tokens.insert(who, token);
        sqlx::query(
            "update person_grant set unit_id = $1::uuid where person_id = (select id from person where username = $2)",
        )
        .bind(unit)
        .bind(who)
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// Asks with the tag that is current.
    pub(crate) async fn tagged(&self, who: &str, at: &str, to: &str, body: Value) -> Answer {
        let tag = self.ask(AUDITOR, "GET", at, &[], None).await.etag.unwrap();
        self.ask(who, "POST", &format!("{at}/{to}"), &[("If-Match", &tag)], Some(body))
            .await
    }

    pub(crate) async fn step(&self, who: &str, at: &str, transition: &str) {
        let body = json!({"transition": transition, "decision_no": "批1号", "reason": "照办"});
        let taken = self.tagged(who, at, "transitions", body).await;
        assert_eq!(taken.status, StatusCode::OK, "{transition}: {}", taken.body);
    }

    pub(crate) async fn paper(&self, who: &str, at: &str, kind: &str) {
        let body = json!({"kind": kind, "name": format!("{kind} 1号")});
        let taken = self.tagged(who, at, "papers", body).await;
        assert_eq!(taken.status, StatusCode::OK, "{kind}: {}", taken.body);
    }

    /// A stocktaking of the district's assets of the city's level, its list frozen.
    pub(crate) async fn frozen(&self, more: Value) -> String {
        let mut plan = json!({"name": "2026年度清查盘点", "region_code": "320404", "admin_level": "city"});
        plan.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let at = format!("stocktakings/{}", self.made(MANAGER, "stocktakings", plan).await);
        self.paper(MANAGER, &at, "plan").await;
        self.step(MANAGER, &at, "freeze").await;
        at
    }

    /// The address of the line of an asset.
    pub(crate) async fn line(&self, at: &str, asset: &str) -> String {
        let lines = self.read(&format!("{at}/lines?asset={asset}")).await;
        format!("{at}/lines/{}", lines["items"][0]["id"].as_str().unwrap())
    }

    pub(crate) async fn record(&self, who: &str, line: &str, body: Value) -> Value {
        let answer = self.tagged(who, line, "records", body.clone()).await;
        assert_eq!(answer.status, StatusCode::OK, "{body}: {}", answer.body);
        answer.body
    }

    /// Everything of a list that is not answered is in place.
    pub(crate) async fn rest_in_place(&self, who: &str, at: &str) -> usize {
        let lines = self.read(&format!("{at}/lines?left=unanswered&limit=1000")).await;
        let ids: Vec<&Value> = lines["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| &line["id"])
            .collect();
        let body = json!({"line_ids": ids});
        let answer = self
            .ask(who, "POST", &format!("{at}/confirmations"), &[], Some(body))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        usize::try_from(answer.body["confirmed"].as_u64().unwrap()).unwrap()
    }

    /// A normal change of what is registered.
    pub(crate) async fn change(&self, uri: &str, body: Value) {
        let tag = self.ask(AUDITOR, "GET", uri, &[], None).await.etag.unwrap();
        let changed = self.ask(MANAGER, "PATCH", uri, &[("If-Match", &tag)], Some(body)).await;
        assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    }

    pub(crate) async fn close(&self, uri: &str) {
        let body = json!({"valid_to": "2026-11-20", "reason": "拆除，盘亏核销"});
        let closed = self.tagged(MANAGER, uri, "closures", body).await;
        assert!(closed.status.is_success(), "{}", closed.body);
    }
}

pub(super) fn refusal(answer: &Answer) -> (u16, String) {
    let code = answer.body["code"].as_str().unwrap_or_default().to_owned();
    (answer.status.as_u16(), code)
}

/// What the road from the plan to the close brings, with a shortfall, a surplus, a fact and a unit's own ledger that differ.
#[sqlx::test(migrations = "../migrations")]
async fn a_stocktaking_goes_from_its_plan_to_its_close_and_the_ledger_is_corrected_by_normal_changes(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let hall = office.building("市政大楼", &unit, 1000.0).await;
    let room = office.room(&hall, "101", &unit).await;
    office.room(&hall, "102", &unit).await;
    let shed = office.building("老车库", &unit, 80.0).await;
    let annex = office.building("附楼", &unit, 300.0).await;
    let fine = office.building("档案楼", &unit, 500.0).await;
    office.title(&fine, "431103001002GB00015F00010001", 1, 500.0).await;

    // Planned; nothing is frozen without the plan's paper.
    let plan =
        json!({"name": "2026年度清查盘点", "region_code": "320400", "admin_level": "city", "as_of": "2026-11-01"});
    let at = format!(
        "stocktakings/{}",
        office.made(MANAGER, "stocktakings", plan.clone()).await
    );
    let early = office
        .tagged(MANAGER, &at, "transitions", json!({"transition": "freeze"}))
        .await;
    assert_eq!(refusal(&early), (409, "documents_missing".to_owned()));
    let again = office.post(MANAGER, "stocktakings", plan).await;
    assert_eq!(
        refusal(&again),
        (409, "stocktaking_version_one_open_per_part".to_owned())
    );
    office.paper(MANAGER, &at, "plan").await;
    office.step(MANAGER, &at, "freeze").await;
    let told = office.read(&at).await;
    assert_eq!((&told["lines"], &told["state"]), (&json!(6), &json!("confirming")));
    let lines = office.read(&format!("{at}/lines?count=true")).await;
    let names: Vec<&str> = lines["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["name"].as_str().or(line["code"].as_str()).unwrap())
        .collect();
    assert_eq!(lines["total"], 6);
    // A building's rooms stand under it.
    let hall_at = names.iter().position(|name| *name == "市政大楼").unwrap();
    assert_eq!(&names[hall_at + 1..hall_at + 3], ["101", "102"]);
    // A part of it can't be counted by another one meanwhile.
    let other = json!({"name": "部门盘点", "region_code": "320404", "unit_id": unit});
    let other = format!("stocktakings/{}", office.made(MANAGER, "stocktakings", other).await);
    office.paper(MANAGER, &other, "plan").await;
    let held = office
        .tagged(MANAGER, &other, "transitions", json!({"transition": "freeze"}))
        .await;
    assert_eq!(refusal(&held), (409, "stocktaking_hold_one_open".to_owned()));
    assert_eq!(office.read(&other).await["lines"], Value::Null);

    // The unit answers.
    let (hall_line, room_line) = (office.line(&at, &hall).await, office.line(&at, &room).await);
    let (shed_line, annex_line) = (office.line(&at, &shed).await, office.line(&at, &annex).await);
    let fine_line = office.line(&at, &fine).await;
    let in_place = json!({"record": "answer", "found": "in_place", "own_area_m2": 1000, "own_title_number": null});
    office.record(CONTACT, &hall_line, in_place).await;
    let altered = json!({"record": "answer", "found": "altered", "usage": "service", "note": "改作会议室"});
    assert_eq!(
        office.record(CONTACT, &room_line, altered).await["differs"],
        json!(["usage"])
    );
    let missing = json!({"record": "answer", "found": "missing", "note": "现场未见"});
    assert_eq!(
        office.record(CONTACT, &shed_line, missing).await["difference"],
        "shortfall"
    );
    let own = json!({"record": "answer", "found": "in_place", "own_area_m2": 310, "own_title_number": "无"});
    assert_eq!(
        office.record(CONTACT, &annex_line, own).await["differs"],
        json!(["own_area", "own_title"])
    );
    let extra = json!({"kind": "building", "name": "门卫室", "near_id": hall, "area_m2": 24.5, "usage": "other"});
    let extra_line = format!(
        "{at}/lines/{}",
        office.made(CONTACT, &format!("{at}/lines"), extra).await
    );
    let same = json!({"record": "answer", "found": "in_place", "own_title_number": "湘（2021）冷水滩区不动产权第 0000001 号", "own_area_m2": 500});
    assert_eq!(
        office.record(CONTACT, &fine_line, same).await["difference"],
        Value::Null
    );
    assert_eq!(office.rest_in_place(CONTACT, &at).await, 1);
    let progress = office.read(&at).await["progress"].clone();
    assert_eq!(
        (
            &progress["lines"],
            &progress["answered"],
            &progress["differences"],
            &progress["unchecked"]
        ),
        (&json!(7), &json!(7), &json!(4), &json!(3))
    );

    // Whoever checks looks at what differs, and brings a paper of it.
    office.step(MANAGER, &at, "begin_check").await;
    let early = office
        .tagged(MANAGER, &at, "transitions", json!({"transition": "end_check"}))
        .await;
    assert_eq!(refusal(&early), (409, "guard_differences_checked".to_owned()));
    let photo = office.photo("checker").await;
    for (line, found) in [(&room_line, "altered"), (&shed_line, "missing"), (&extra_line, "extra")] {
        let bare = json!({"record": "check", "found": found, "position": [119.95, 31.78]});
        let refused = office.tagged("checker", line, "records", bare).await;
        assert_eq!(refusal(&refused), (422, "proof_missing".to_owned()));
        let check = json!({"record": "check", "found": found, "position": [119.95, 31.78], "documents": [photo]});
        let checked = office.record("checker", line, check).await;
        assert_eq!(checked["papers"][0]["id"], photo.as_str());
    }
    // Others who see the line read its photograph.
    let read = office
        .ask(APPROVER, "GET", &format!("documents/{photo}"), &[], None)
        .await;
    assert_eq!(read.status, StatusCode::OK);
    office.step(MANAGER, &at, "end_check").await;

    // Every difference is explained, put forward and decided by somebody else.
    let early = office
        .tagged(CONTACT, &at, "transitions", json!({"transition": "put_forward"}))
        .await;
    assert_eq!(refusal(&early), (409, "guard_all_explained".to_owned()));
    for line in [&room_line, &shed_line, &extra_line, &annex_line] {
        office
            .record(CONTACT, line, json!({"record": "explanation", "text": "历史遗留"}))
            .await;
    }
    office.step(CONTACT, &at, "put_forward").await;
    let early = json!({"transition": "approve", "decision_no": "批1号"});
    let early = office.tagged(APPROVER, &at, "transitions", early).await;
    assert_eq!(refusal(&early), (409, "guard_all_decided".to_owned()));
    let dropped = json!({"record": "decision", "decision": "book_stands", "note": "算了"});
    let dropped = office.tagged(APPROVER, &shed_line, "records", dropped).await;
    assert_eq!(refusal(&dropped), (409, "shortfall_stands".to_owned()));
    for (line, decision) in [
        (&room_line, "correct_book"),
        (&shed_line, "correct_book"),
        (&extra_line, "correct_book"),
        (&annex_line, "correct_own"),
    ] {
        office
            .record(APPROVER, line, json!({"record": "decision", "decision": decision}))
            .await;
    }
    office.step(APPROVER, &at, "approve").await;

    // The ledger is what it was until somebody changes it; a correction is not told before it is made.
    assert_eq!(office.read(&format!("rooms/{room}")).await["room_type"], "office");
    for line in [&room_line, &shed_line] {
        let refused = office
            .tagged(MANAGER, line, "records", json!({"record": "settlement"}))
            .await;
        assert_eq!(refusal(&refused), (409, "not_corrected".to_owned()));
    }
    for object in [json!(null), json!(hall), json!(room), json!(Uuid::now_v7())] {
        let body = json!({"record": "settlement", "object_id": object});
        let refused = office.tagged(MANAGER, &extra_line, "records", body).await;
        assert_eq!(refusal(&refused), (422, "not_registered".to_owned()), "{object}");
    }
    let early = office
        .tagged(MANAGER, &at, "transitions", json!({"transition": "report"}))
        .await;
    assert_eq!(refusal(&early), (409, "guard_all_settled".to_owned()));
    office
        .change(
            &format!("rooms/{room}"),
            json!({"room_type": "service", "purpose": "meeting", "valid_from": "2026-11-20"}),
        )
        .await;
    office.close(&format!("buildings/{shed}")).await;
    let lodge = office.building("门卫室", &unit, 24.5).await;
    let settled = office
        .record(MANAGER, &room_line, json!({"record": "settlement"}))
        .await;
    let versions = office.read(&format!("rooms/{room}/versions")).await;
    assert_eq!(settled["settled_version_id"], versions["items"][0]["version_id"]);
    assert!(
        settled["details"]["settled_entry_id"].is_string(),
        "the ledger's entry is named"
    );
    office
        .record(MANAGER, &shed_line, json!({"record": "settlement"}))
        .await;
    let registered = json!({"record": "settlement", "object_id": lodge});
    office.record(MANAGER, &extra_line, registered).await;
    let still = office
        .tagged(
            CONTACT,
            &annex_line,
            "records",
            json!({"record": "settlement", "own_area_m2": 305}),
        )
        .await;
    assert_eq!(refusal(&still), (422, "own_ledger_differs".to_owned()));
    office.title(&annex, "431103001002GB00016F00010001", 2, 300.0).await;
    let corrected =
        json!({"record": "settlement", "own_area_m2": 300, "own_title_number": "湘(2021)冷水滩区不动产权第0000002号"});
    office.record(CONTACT, &annex_line, corrected).await;

    // The three agreements, and the end.
    office.step(MANAGER, &at, "report").await;
    let report = office.read(&format!("{at}/report")).await;
    let of = |kind: &str| {
        report["agreements"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["kind"] == kind)
            .unwrap()
    };
    let buildings = of("building");
    for (name, expected) in [
        ("book", 4),
        ("own_agrees", 2),
        ("own_differs", 1),
        ("own_untold", 1),
        ("found_agrees", 3),
        ("found_differs", 0),
        ("shortfall", 1),
        ("surplus", 1),
        ("unanswered", 0),
        ("title_agrees", 1),
        ("title_differs", 0),
        ("title_none", 3),
    ] {
        assert_eq!(buildings[name], expected, "{name}");
    }
    assert_eq!(buildings["book_area_m2"], 1880.0);
    assert_eq!(
        (&of("room")["found_agrees"], &of("room")["found_differs"]),
        (&json!(1), &json!(1))
    );
    let early = office
        .tagged(APPROVER, &at, "transitions", json!({"transition": "close"}))
        .await;
    assert_eq!(refusal(&early), (409, "documents_missing".to_owned()));
    office.paper(MANAGER, &at, "report").await;
    office.step(APPROVER, &at, "close").await;
    let told = office.read(&at).await;
    assert_eq!((&told["state"], &told["is_finished"]), (&json!("closed"), &json!(true)));
    // Its assets are free.
    office.step(MANAGER, &other, "freeze").await;
    let lines = office.read(&format!("{other}/lines?count=true")).await;
    assert_eq!(
        lines["total"], 6,
        "the garage has left the ledger, the lodge has come: {lines}"
    );

    // What is in it is vouched for by the ledger, the frozen list as well.
    prove(&pool).await.unwrap();
    let history = office.read(&format!("{shed_line}/versions")).await;
    assert_eq!(history["items"].as_array().unwrap().len(), 5);
    assert_eq!(history["items"][4]["actor"], CONTACT);
    sqlx::query("update stocktaking_line set area_m2 = 81 where name = '老车库'")
        .execute(&pool)
        .await
        .unwrap();
    assert!(prove(&pool).await.is_err(), "an altered list is told");
}

#[sqlx::test(migrations = "../migrations")]
async fn what_the_procedure_does_not_have_is_refused_and_changes_nothing(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let hall = office.building("市政大楼", &unit, 1000.0).await;
    let shed = office.building("老车库", &unit, 80.0).await;
    office.room(&hall, "101", &unit).await;
    for (plan, field) in [
        (json!({"name": " ", "region_code": "320404"}), "name"),
        (json!({"name": "x", "region_code": "999999"}), "region_code"),
        (
            json!({"name": "x", "region_code": "320404", "as_of": "2026-11-22"}),
            "as_of",
        ),
        (
            json!({"name": "x", "region_code": "320404", "admin_level": "village"}),
            "admin_level",
        ),
        (
            json!({"name": "x", "region_code": "320404", "unit_id": Uuid::now_v7()}),
            "unit_id",
        ),
    ] {
        let refused = office.post(MANAGER, "stocktakings", plan.clone()).await;
        assert_eq!(refused.status, 422, "{plan}: {}", refused.body);
        assert_eq!(refused.body["field"], field, "{}", refused.body);
    }
    for who in [CONTACT, AUDITOR, APPROVER] {
        let refused = office
            .post(who, "stocktakings", json!({"name": "x", "region_code": "320404"}))
            .await;
        assert_eq!(refused.status, 403, "{who}");
    }
    // Where the ledger holds nothing there is nothing to count.
    let empty = json!({"name": "空", "region_code": "320402"});
    let empty = format!("stocktakings/{}", office.made(MANAGER, "stocktakings", empty).await);
    office.paper(MANAGER, &empty, "plan").await;
    let refused = office
        .tagged(MANAGER, &empty, "transitions", json!({"transition": "freeze"}))
        .await;
    assert_eq!(refusal(&refused), (409, "list_empty".to_owned()));

    let at = office.frozen(json!({})).await;
    let (hall_line, shed_line) = (office.line(&at, &hall).await, office.line(&at, &shed).await);
    let before = entries(&pool).await;
    // Steps are taken in their order, by whom they belong to, upon what was read.
    for transition in ["approve", "close", "report", "put_forward", "end_check", "freeze"] {
        let refused = office
            .tagged(
                BOTH,
                &at,
                "transitions",
                json!({"transition": transition, "decision_no": "1", "reason": "x"}),
            )
            .await;
        assert_eq!(
            refusal(&refused),
            (409, "transition_forbidden".to_owned()),
            "{transition}"
        );
        assert_eq!(refused.body["rule"]["id"], "ACC-02");
    }
    let refused = office
        .tagged(BOTH, &at, "transitions", json!({"transition": "skip"}))
        .await;
    assert_eq!(refusal(&refused), (422, "transition_unknown".to_owned()));
    let refused = office
        .tagged(CONTACT, &at, "transitions", json!({"transition": "begin_check"}))
        .await;
    assert_eq!(refused.status, 403);
    let stale = Uuid::now_v7().to_string();
    for (uri, body) in [
        (format!("{at}/transitions"), json!({"transition": "begin_check"})),
        (format!("{at}/papers"), json!({"kind": "other", "name": "x"})),
        (
            format!("{hall_line}/records"),
            json!({"record": "answer", "found": "in_place"}),
        ),
    ] {
        let tag = format!("\"{stale}\"");
        let refused = office
            .ask(MANAGER, "POST", &uri, &[("If-Match", &tag)], Some(body.clone()))
            .await;
        assert_eq!(refused.status, 412, "{uri}: {}", refused.body);
        let refused = office.ask(MANAGER, "POST", &uri, &[], Some(body)).await;
        assert_eq!(refused.status, 428, "{uri}: {}", refused.body);
    }
    // Answers that make no sense.
    for (body, status, code) in [
        (
            json!({"record": "answer", "found": "extra"}),
            422,
            "found_of_another_line",
        ),
        (json!({"record": "answer", "found": "moved"}), 422, "alteration_missing"),
        (
            json!({"record": "answer", "found": "altered"}),
            422,
            "alteration_missing",
        ),
        (json!({"record": "answer", "found": "in_place", "area_m2": -1}), 422, ""),
        (
            json!({"record": "answer", "found": "in_place", "own_area_m2": 1e12}),
            422,
            "",
        ),
        (
            json!({"record": "answer", "found": "altered", "usage": "castle"}),
            422,
            "",
        ),
        (json!({"record": "answer", "found": "gone"}), 422, ""),
        (
            json!({"record": "answer", "found": "in_place", "colour": "red"}),
            422,
            "",
        ),
        (
            json!({"record": "check", "found": "in_place", "position": [119.9, 31.7]}),
            409,
            "record_closed",
        ),
        (json!({"record": "explanation", "text": "x"}), 409, "record_closed"),
        (
            json!({"record": "decision", "decision": "book_stands", "note": "x"}),
            409,
            "record_closed",
        ),
        (json!({"record": "settlement"}), 409, "record_closed"),
    ] {
        let refused = office.tagged(BOTH, &hall_line, "records", body.clone()).await;
        assert_eq!(refused.status.as_u16(), status, "{body}: {}", refused.body);
        if !code.is_empty() {
            assert_eq!(refused.body["code"], code, "{body}");
        }
    }
    let unknown = format!("{at}/lines/{}", Uuid::now_v7());
    for uri in [
        unknown.as_str(),
        &format!("{at}/lines/x"),
        &format!("stocktakings/{}", Uuid::now_v7()),
    ] {
        assert_eq!(office.ask(MANAGER, "GET", uri, &[], None).await.status, 404, "{uri}");
        let body = json!({"record": "answer", "found": "in_place"});
        let tag = format!("\"{stale}\"");
        let to = format!("{uri}/records");
        if uri.contains("lines") {
            let refused = office
                .ask(MANAGER, "POST", &to, &[("If-Match", &tag)], Some(body))
                .await;
            assert_eq!(refused.status, 404, "{uri}");
        }
    }
    for extra in [
        json!({"kind": "building", "name": "x", "near_id": Uuid::now_v7()}),
        json!({"kind": "castle", "name": "x", "near_id": hall}),
        json!({"kind": "building", "name": "", "near_id": hall}),
    ] {
        let refused = office.post(CONTACT, &format!("{at}/lines"), extra).await;
        assert_eq!(refused.status, 422, "{}", refused.body);
    }
    assert_eq!(entries(&pool).await, before, "nothing was written");

    // What is missing stays so until somebody has looked.
    office
        .record(CONTACT, &shed_line, json!({"record": "answer", "found": "missing"}))
        .await;
    let back = json!({"record": "answer", "found": "in_place"});
    let refused = office.tagged(CONTACT, &shed_line, "records", back).await;
    assert_eq!(refusal(&refused), (409, "missing_stands".to_owned()));
    let dropped = office
        .tagged(
            MANAGER,
            &at,
            "transitions",
            json!({"transition": "cancel", "reason": "不盘了"}),
        )
        .await;
    assert_eq!(refusal(&dropped), (409, "guard_nothing_found".to_owned()));
    // One building's lines at once; what was answered stays.
    let whole = json!({"building_id": hall});
    for expected in [2, 0] {
        let done = office
            .ask(
                CONTACT,
                "POST",
                &format!("{at}/confirmations"),
                &[],
                Some(whole.clone()),
            )
            .await;
        assert_eq!(done.body["confirmed"], expected, "{}", done.body);
    }
    office.step(MANAGER, &at, "begin_check").await;
    let outside = json!({"record": "check", "found": "in_place", "position": [31.78, 119.95]});
    let refused = office.tagged(MANAGER, &shed_line, "records", outside).await;
    assert_eq!(refusal(&refused), (422, "position_outside".to_owned()));
    let without = json!({"record": "check", "found": "in_place", "position": [119.95, 31.78]});
    let refused = office.tagged(MANAGER, &shed_line, "records", without).await;
    assert_eq!(refusal(&refused), (422, "proof_missing".to_owned()));
    let no_paper =
        json!({"record": "check", "found": "missing", "position": [119.95, 31.78], "documents": [Uuid::now_v7()]});
    let refused = office.tagged(MANAGER, &shed_line, "records", no_paper).await;
    assert_eq!(refusal(&refused), (422, "document_unknown".to_owned()));
    let photo = office.photo(BOTH).await;
    let check = json!({"record": "check", "found": "altered", "area_m2": 60, "position": [119.95, 31.78], "documents": [photo]});
    assert_eq!(office.record(BOTH, &shed_line, check).await["differs"], json!(["area"]));
    let refused = office
        .tagged(
            CONTACT,
            &shed_line,
            "records",
            json!({"record": "answer", "found": "in_place"}),
        )
        .await;
    assert_eq!(refusal(&refused), (409, "checked_already".to_owned()));
    office.step(MANAGER, &at, "end_check").await;
    let none = office
        .tagged(
            CONTACT,
            &hall_line,
            "records",
            json!({"record": "explanation", "text": "x"}),
        )
        .await;
    assert_eq!(refusal(&none), (409, "no_difference".to_owned()));
    office
        .record(
            MANAGER,
            &shed_line,
            json!({"record": "explanation", "text": "部分拆除"}),
        )
        .await;
    office.step(MANAGER, &at, "put_forward").await;

    // Whoever had a hand in it decides nothing of it, and the database says so too.
    let decision = json!({"record": "decision", "decision": "correct_book"});
    let own = office.tagged(BOTH, &shed_line, "records", decision.clone()).await;
    assert_eq!(refusal(&own), (409, "four_eyes".to_owned()));
    assert_eq!(own.body["rule"]["id"], "GOV-01");
    let broken = sqlx::query("update stocktaking_line_version set decision = 'correct_book', decided_by = explained_by where explained_by is not null and upper_inf(recorded)")
        .execute(&office.pool)
        .await
        .unwrap_err();
    assert!(
        broken.to_string().contains("stocktaking_line_version_four_eyes"),
        "{broken}"
    );
    office.record(APPROVER, &shed_line, decision).await;
    let number = office
        .tagged(APPROVER, &at, "transitions", json!({"transition": "approve"}))
        .await;
    assert_eq!(refusal(&number), (422, "decision_missing".to_owned()));
    office.step(APPROVER, &at, "approve").await;
    // Another change than the one that was decided settles nothing.
    office
        .change(
            &format!("buildings/{shed}"),
            json!({"name": "车库", "valid_from": "2026-11-20"}),
        )
        .await;
    let refused = office
        .tagged(MANAGER, &shed_line, "records", json!({"record": "settlement"}))
        .await;
    assert_eq!(refusal(&refused), (409, "not_corrected".to_owned()));
    office
        .change(
            &format!("buildings/{shed}"),
            json!({"registered_area_m2": 60, "valid_from": "2026-11-20"}),
        )
        .await;
    office
        .record(MANAGER, &shed_line, json!({"record": "settlement"}))
        .await;
    office.step(MANAGER, &at, "report").await;
    office.paper(MANAGER, &at, "report").await;
    let own = office
        .tagged(MANAGER, &at, "transitions", json!({"transition": "close"}))
        .await;
    assert_eq!(own.status, 403);
    office.step(APPROVER, &at, "close").await;
    let before = entries(&pool).await;
    for body in [
        json!({"record": "answer", "found": "in_place"}),
        json!({"record": "settlement"}),
    ] {
        let refused = office.tagged(BOTH, &hall_line, "records", body).await;
        assert_eq!(refusal(&refused), (409, "record_closed".to_owned()));
    }
    let extra = json!({"kind": "building", "name": "x", "near_id": hall});
    assert_eq!(
        refusal(&office.post(CONTACT, &format!("{at}/lines"), extra).await),
        (409, "record_closed".to_owned())
    );
    let refused = office
        .ask(CONTACT, "POST", &format!("{at}/confirmations"), &[], Some(whole))
        .await;
    assert_eq!(refusal(&refused), (409, "record_closed".to_owned()));
    assert_eq!(entries(&pool).await, before, "nothing was written");
    prove(&pool).await.unwrap();
}

/// Whoever is granted one unit sees and answers its lines, and neither sees nor writes others.
#[sqlx::test(migrations = "../migrations")]
async fn whoever_keeps_a_part_answers_that_part(pool: PgPool) {
    let mut office = Office::open(&pool).await;
    let (one, two) = (office.unit("财政局").await, office.unit("民政局").await);
    let hall = office.building("市政大楼", &one, 1000.0).await;
    let own_room = office.room(&hall, "101", &one).await;
    let their_room = office.room(&hall, "201", &two).await;
    let villa = office.building("民政楼", &two, 300.0).await;
    office.contact_of("two", &two).await;
    let empty = office.unit("空局").await;
    office.contact_of("three", &empty).await;
    for (who, region) in [("beside", "320402"), ("district", "320404")] {
        office
            .tokens
            .insert(who, person_with(&pool, who, &[Role::AssetManager], region).await);
    }
    let at = office.frozen(json!({})).await;
    let assets = |list: &Value| -> Vec<String> {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["asset_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let lines = office
        .ask("two", "GET", &format!("{at}/lines?count=true"), &[], None)
        .await;
    assert_eq!(lines.body["total"], 2, "{}", lines.body);
    let mut seen = assets(&lines.body);
    seen.sort();
    let mut theirs = vec![their_room.clone(), villa.clone()];
    theirs.sort();
    assert_eq!(seen, theirs);
    let listed = office
        .ask("two", "GET", "stocktakings?count=true", &[], None)
        .await
        .body;
    assert_eq!(listed["total"], 1);
    assert_eq!(
        office.ask("two", "GET", &at, &[], None).await.body["progress"]["lines"],
        2
    );

    // Their own they answer, others' are not there for them.
    let (own, other) = (office.line(&at, &their_room).await, office.line(&at, &own_room).await);
    office
        .record("two", &own, json!({"record": "answer", "found": "in_place"}))
        .await;
    let refused = office
        .tagged(
            "two",
            &other,
            "records",
            json!({"record": "answer", "found": "missing"}),
        )
        .await;
    assert_eq!(refused.status, 404, "{}", refused.body);
    let done = office
        .ask(
            "two",
            "POST",
            &format!("{at}/confirmations"),
            &[],
            Some(json!({"building_id": hall})),
        )
        .await;
    assert_eq!(done.body["confirmed"], 0, "{}", done.body);
    let refused = office
        .tagged("two", &at, "transitions", json!({"transition": "begin_check"}))
        .await;
    assert_eq!(refused.status, 403, "{}", refused.body);
    // Whose assets lie elsewhere, or who has none, sees nothing of it.
    for who in ["beside", "three"] {
        assert_eq!(office.ask(who, "GET", &at, &[], None).await.status, 404, "{who}");
        let listed = office.ask(who, "GET", "stocktakings?count=true", &[], None).await.body;
        assert_eq!(listed["total"], 0, "{who}");
        for uri in ["lines", "report", "export", "versions"] {
            let answer = office.ask(who, "GET", &format!("{at}/{uri}"), &[], None).await;
            assert!(
                matches!(answer.status.as_u16(), 403 | 404),
                "{who} {uri}: {}",
                answer.status
            );
        }
    }
    let refused = office
        .post("beside", "stocktakings", json!({"name": "x", "region_code": "320404"}))
        .await;
    assert_eq!(refusal(&refused), (403, "out_of_scope".to_owned()));
    // The ledger's entries go where the lines go.
    let entries = office.ask("two", "GET", "ledger?limit=1000", &[], None).await;
    assert_eq!(entries.status, 200);
    // The whole district is its manager's.
    let lines = office
        .ask("district", "GET", &format!("{at}/lines?count=true"), &[], None)
        .await;
    assert_eq!(lines.body["total"], 4);
    office.step("district", &at, "begin_check").await;
}

#[sqlx::test(migrations = "../migrations")]
async fn a_list_is_read_page_by_page_narrowed_and_taken_away(pool: PgPool) {
    let office = Office::open(&pool).await;
    let unit = office.unit("财政局").await;
    let hall = office.building("市政大楼", &unit, 1000.0).await;
    for number in 101..=107 {
        office.room(&hall, &number.to_string(), &unit).await;
    }
    let shed = office.building("老车库", &unit, 80.0).await;
    let at = office.frozen(json!({})).await;
    let mut next = Some(format!("/api/v1/{at}/lines?limit=4&count=true"));
    let mut numbers = Vec::new();
    while let Some(uri) = next {
        let page = office.read(uri.trim_start_matches("/api/v1/")).await;
        assert_eq!(page["total"], 9);
        numbers.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|line| line["no"].as_i64().unwrap()),
        );
        next = page["next"].as_str().map(ToOwned::to_owned);
    }
    assert_eq!(numbers, (1..=9).collect::<Vec<i64>>());
    let line = office.line(&at, &shed).await;
    office
        .record(CONTACT, &line, json!({"record": "answer", "found": "missing"}))
        .await;
    for (question, expected) in [
        ("kind=room", 7),
        ("kind=parcel", 0),
        ("left=unanswered", 8),
        ("left=differences", 1),
        ("left=unchecked", 1),
        ("found=missing", 1),
        ("difference=surplus,shortfall", 1),
        ("q=%E8%BD%A6%E5%BA%93", 1),
        ("q=10", 7),
    ] {
        let list = office.read(&format!("{at}/lines?count=true&{question}")).await;
        assert_eq!(list["total"], expected, "{question}");
    }
    for question in ["kind=castle", "left=right", "found=x", "sort=colour", "limit=0"] {
        let refused = office
            .ask(AUDITOR, "GET", &format!("{at}/lines?{question}"), &[], None)
            .await;
        assert_eq!(refused.status, 400, "{question}");
    }
    let csv = office
        .ask(
            AUDITOR,
            "GET",
            &format!("{at}/export?format=csv&labels=zh&left=differences"),
            &[],
            None,
        )
        .await;
    assert_eq!(csv.status, 200);
    // Who reads of what is internal is kept (涉密管理), line by line and as a list.
    sqlx::query("update spatial_unit_version set secrecy = 'internal' where object_id = $1")
        .bind(shed.parse::<Uuid>().unwrap())
        .execute(&pool)
        .await
        .unwrap();
    let kept = async || {
        sqlx::query_scalar::<_, i64>("select count(*) from restricted_read where $1 = any(object_ids)")
            .bind(shed.parse::<Uuid>().unwrap())
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    let before = kept().await;
    office.read(&line).await;
    office.read(&format!("{at}/lines")).await;
    assert_eq!(kept().await, before + 2);
    office.step(MANAGER, &at, "begin_check").await;
}
