//! Leases as stories over HTTP, over a real PostGIS, each person with a role of their own.

use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Duration;
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
    tokens: BTreeMap<&'static str, String>,
}

pub(crate) const MANAGER: &str = "manager";
pub(crate) const FINANCE: &str = "finance";
pub(crate) const APPROVER: &str = "approver";
pub(crate) const AUDITOR: &str = "auditor";

impl Office {
    pub(crate) async fn open(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        let mut tokens = BTreeMap::new();
        for (who, roles) in [
            (MANAGER, &[Role::AssetManager][..]),
            (FINANCE, &[Role::FinanceReviewer]),
            (APPROVER, &[Role::Approver]),
            (AUDITOR, &[Role::Auditor]),
            // Both hands in one: what four eyes are for.
            ("both", &[Role::AssetManager, Role::Approver]),
        ] {
            tokens.insert(who, person_with(pool, who, roles, "all").await);
        }
        // The directory is an administrator's; these tests sign in as somebody with every role unless they show another.
        for code in ["320404", "320402"] {
            let body = json!({"code": code, "name": code, "level": "county", "valid_from": "2010-01-01"});
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
        Self { app, state, tokens }
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

    /// A building of so many m² of registered floor area, since 2020.
    pub(crate) async fn building(&self, name: &str, area_m2: f64) -> String {
        let square = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
        self.made(
            MANAGER,
            "buildings",
            json!({"name": name, "valid_from": "2020-01-01", "region_code": "320404", "geometry": square,
                   "registered_area_m2": area_m2, "occupancy": "let"}),
        )
        .await
    }

    pub(crate) async fn room(&self, building: &str, number: &str, area_m2: f64) -> String {
        self.made(
            MANAGER,
            "rooms",
            json!({"building_id": building, "floor": 1, "number": number, "building_area_m2": area_m2, "valid_from": "2020-01-01"}),
        )
        .await
    }

    async fn tagged(&self, who: &str, method: &str, uri: &str, to: &str, body: Value) -> Answer {
        let tag = self.ask(AUDITOR, "GET", uri, &[], None).await.etag.unwrap();
        self.ask(who, method, &format!("{uri}{to}"), &[("If-Match", &tag)], Some(body))
            .await
    }
}

/// A shop that was let in public for a year, 100 m² at 9 387 yuan a month.
pub(crate) fn shop(building: &str, more: Value) -> Value {
    let mut body = json!({
        "asset_id": building, "direction": "out", "area_m2": 100, "lessor_kind": "bureau", "lessor_name": "市机关事务管理局",
        "lessee_kind": "enterprise", "lessee_size": "small", "lessee_sector": "services", "lessee_name": "某某餐饮有限公司",
        "purpose": "餐饮", "starts_on": "2026-01-01", "ends_on": "2026-12-31", "rent": "9387.00", "price_basis": "public_letting",
        "exchange": "市公共资源交易中心", "exchange_record": "ZL2025-118", "contract_number": "2026-001",
        "approval_number": "机管〔2025〕12号", "land_income_document": "财综〔2025〕3号", "deposit": "18774.00"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[sqlx::test(migrations = "../migrations")]
async fn a_shop_is_let_in_public_paid_and_its_rent_goes_to_the_treasury(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("沿街门面", 300.0).await;
    let lease = office.made(MANAGER, "leases", shop(&building, json!({}))).await;
    let at = format!("leases/{lease}");
    let account = office.read(&format!("{at}/account")).await;
    assert_eq!(account["rows"].as_array().unwrap().len(), 12);
    assert_eq!(account["sums"]["agreed"], "112644.00");
    // January to November fell due before 21 November.
    assert_eq!(
        (
            &account["sums"]["due"],
            &account["sums"]["arrears"],
            &account["sums"]["arrears_since"]
        ),
        (&json!("103257.00"), &json!("103257.00"), &json!("2026-01-01"))
    );

    // Money is finance's: nobody else records it, and no amount has three decimals or is a number.
    let movements = format!("{at}/movements");
    let paid = |amount: Value, on: &str| json!({"kind": "payment", "amount": amount, "on": on, "document": "票0001"});
    for who in [MANAGER, AUDITOR, APPROVER] {
        let refused = office.post(who, &movements, paid(json!("1.00"), "2026-01-05")).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{who}");
    }
    for (body, field) in [
        (paid(json!("1.005"), "2026-01-05"), "amount"),
        (paid(json!(1.5), "2026-01-05"), "amount"),
        (paid(json!("-1"), "2026-01-05"), "amount"),
        (paid(json!("0.00"), "2026-01-05"), "amount"),
        (paid(json!("1.00"), "2026-11-22"), "on"),
        (
            json!({"kind": "gift", "amount": "1.00", "on": "2026-01-05", "document": "x"}),
            "kind",
        ),
        (
            json!({"kind": "payment", "amount": "1.00", "on": "2026-01-05", "document": " "}),
            "document",
        ),
    ] {
        let refused = office.post(FINANCE, &movements, body.clone()).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{body}: {}",
            refused.body
        );
        assert_eq!(refused.body["field"], field, "{body}: {}", refused.body);
    }
    office
        .made(FINANCE, &movements, paid(json!("28161.00"), "2026-01-05"))
        .await;
    let wrong = office
        .made(FINANCE, &movements, paid(json!("99999.00"), "2026-02-01"))
        .await;
    // What was typed wrong is reversed, once; both rows stay.
    let back = format!("{movements}/{wrong}/reversals");
    let said = json!({"document": "冲0001", "reason": "金额录错"});
    office.made(FINANCE, &back, said.clone()).await;
    let again = office.post(FINANCE, &back, said).await;
    assert_eq!(
        (again.status, &again.body["code"]),
        (StatusCode::CONFLICT, &json!("rent_movement_version_reversed_once"))
    );
    // No more goes to the treasury than came in.
    let remitted =
        |amount: &str| json!({"kind": "remittance", "amount": amount, "on": "2026-01-20", "document": "缴款书 88"});
    let refused = office.post(FINANCE, &movements, remitted("28161.01")).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::CONFLICT, &json!("rent_movement_version_within_received"))
    );
    let account = office.read(&format!("{at}/account")).await;
    assert_eq!(account["movements"].as_array().unwrap().len(), 3);
    assert_eq!(
        (
            &account["sums"]["paid"],
            &account["sums"]["remittance_late"],
            &account["sums"]["remit_by"],
            &account["rows"][2]["state"],
            &account["rows"][3]["state"],
        ),
        (
            &json!("28161.00"),
            &json!("28161.00"),
            &json!("2026-02-04"),
            &json!("paid"),
            &json!("overdue")
        )
    );
    office.made(FINANCE, &movements, remitted("28161.00")).await;
    // On a day of March all was well.
    let then = office.read(&format!("{at}/account?as_of=2026-03-31")).await;
    assert_eq!(
        (
            &then["sums"]["arrears"],
            &then["sums"]["unremitted"],
            &then["sums"]["remitted"]
        ),
        (&json!("0.00"), &json!("0.00"), &json!("28161.00"))
    );
    // The list says the same as the account.
    let line = office.read("leases?count=true&arrears=true").await["items"][0].clone();
    assert_eq!(
        (
            &line["arrears"],
            &line["paid"],
            &line["remitted"],
            &line["remittance_late"],
            &line["status"]
        ),
        (
            &json!("75096.00"),
            &json!("28161.00"),
            &json!("28161.00"),
            &json!("0.00"),
            &json!("running")
        )
    );
    let totals = office.read("lease-totals").await;
    assert_eq!(
        (
            &totals["running"],
            &totals["in_arrears"],
            &totals["arrears"],
            &totals["expiring"],
            &totals["area_m2"]
        ),
        (&json!(1), &json!(1), &json!("75096.00"), &json!(1), &json!(100.0))
    );
    // What money moved can't be erased or changed, by the program least of all.
    for statement in [
        "delete from rent_movement_version",
        "update rent_movement_version set amount = 1",
    ] {
        let mut connection = pool.acquire().await.unwrap();
        sqlx::query("set role yice_app")
            .execute(&mut *connection)
            .await
            .unwrap();
        let refused = sqlx::query(statement).execute(&mut *connection).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{refused}");
        sqlx::query("reset role").execute(&mut *connection).await.unwrap();
    }
    prove(&pool).await.unwrap();
    sqlx::query("update rent_movement_version set document = 'x' where kind = 'payment'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        prove(&pool).await.unwrap_err().object_kind.as_deref(),
        Some("rent_account")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn no_part_of_the_book_is_let_twice(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("一号楼", 250.0).await;
    let (one, other) = (
        office.room(&building, "101", 120.0).await,
        office.room(&building, "102", 80.0).await,
    );
    let rooms = |rooms: Value| shop(&building, json!({"rooms": rooms, "area_m2": null}));
    let first = office
        .made(MANAGER, "leases", rooms(json!([{"room_id": one, "area_m2": 70}])))
        .await;
    let lease = office.read(&format!("leases/{first}")).await;
    assert_eq!(
        (&lease["area_m2"], &lease["room_numbers"]),
        (&json!(70.0), &json!(["101"]))
    );
    // Half a room more fits, a whole one does not.
    let before = entries(&pool).await;
    let refused = office.post(MANAGER, "leases", rooms(json!([{"room_id": one}]))).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::CONFLICT, &json!("lease_part_within_area")),
        "{}",
        refused.body
    );
    assert_eq!(entries(&pool).await, before);
    office
        .made(MANAGER, "leases", rooms(json!([{"room_id": one, "area_m2": 50}])))
        .await;
    office.made(MANAGER, "leases", rooms(json!([{"room_id": other}]))).await;
    // 200 of the building's 250 m² are let.
    let refused = office
        .post(MANAGER, "leases", shop(&building, json!({"area_m2": 50.5})))
        .await;
    assert_eq!(refused.body["code"], "lease_part_within_area");
    // After the others' term there is room, and before it.
    let next = json!({"area_m2": 250, "starts_on": "2027-01-01", "ends_on": "2027-12-31"});
    let next = office.made(MANAGER, "leases", shop(&building, next)).await;
    // A lease in takes nothing of what there is to let.
    let rented = json!({"direction": "in", "area_m2": 900, "lessor_kind": "private", "lessor_name": "某公司", "lessee_kind": "unit",
                        "lessee_size": null, "lessee_name": "财政局", "price_basis": "appraisal"});
    office.made(MANAGER, "leases", shop(&building, rented)).await;
    // Longer by a day, it would meet the next one.
    let at = format!("leases/{first}");
    let refused = office
        .tagged(MANAGER, "PATCH", &at, "", json!({"ends_on": "2027-01-01"}))
        .await;
    assert_eq!(refused.body["code"], "lease_part_within_area", "{}", refused.body);
    // Two at once for what is left of the year after: one of them.
    let last = || {
        let body = json!({"area_m2": 200, "starts_on": "2028-01-01", "ends_on": "2028-12-31"});
        office.post(MANAGER, "leases", shop(&building, body))
    };
    let (one, other) = tokio::join!(last(), last());
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(office.read(&format!("leases/{next}")).await["status"], "planned");
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn a_lease_is_changed_renewed_and_handed_back(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("一号楼", 100.0).await;
    let lease = office
        .made(
            MANAGER,
            "leases",
            shop(&building, json!({"ends_on": "2026-09-14", "rhythm": "quarterly"})),
        )
        .await;
    let at = format!("leases/{lease}");
    assert_eq!(office.read(&at).await["status"], "expired");
    let sums = office.read(&format!("{at}/account")).await["sums"].clone();
    // Eight months, and 14 of the 30 days of September: 4 380.60.
    assert_eq!(sums["agreed"], "79476.60");
    assert_eq!(
        office.read(&format!("{at}?as_of=2026-05-01")).await["status"],
        "running"
    );
    // By the square metre: 94 × 100.
    let body = json!({"rent_basis": "m2_month", "rent": "94.00", "ends_on": "2026-10-31", "reason": "补充协议"});
    let changed = office.tagged(MANAGER, "PATCH", &at, "", body).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    let account = office.read(&format!("{at}/account")).await;
    assert_eq!(
        (
            &account["sums"]["agreed"],
            &account["rows"][9]["amount"],
            &account["rows"][9]["due_on"]
        ),
        (&json!("94000.00"), &json!("9400.00"), &json!("2026-10-01"))
    );
    let stale = office
        .ask(
            MANAGER,
            "PATCH",
            &at,
            &[("If-Match", "\"0190b5c0-0000-7000-8000-000000000000\"")],
            Some(json!({"note": "x"})),
        )
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    // It goes on: the old one is handed back when the new one begins.
    let renewal =
        json!({"starts_on": "2026-11-01", "ends_on": "2027-10-31", "renews_id": lease, "contract_number": "2026-201"});
    let renewed = office.made(MANAGER, "leases", shop(&building, renewal.clone())).await;
    let old = office.read(&at).await;
    assert_eq!(
        (
            &old["status"],
            &old["valid_to"],
            &old["end_reason"],
            &old["renewed_by_id"]
        ),
        (
            &json!("ended"),
            &json!("2026-11-01"),
            &json!("续租：2026-201"),
            &json!(renewed)
        )
    );
    let mut twice = renewal;
    twice["starts_on"] = json!("2027-11-01");
    twice["ends_on"] = json!("2028-10-31");
    let refused = office.post(MANAGER, "leases", shop(&building, twice)).await;
    assert_eq!(refused.body["code"], "lease_version_renewed_once", "{}", refused.body);
    // Handed back early: rent of the days from then on is owed no more.
    let at = format!("leases/{renewed}");
    for (body, field) in [
        (json!({"valid_to": "2026-12-01", "reason": "退租"}), "valid_to"),
        (json!({"valid_to": "2026-11-01", "reason": "退租"}), "valid_to"),
        (json!({"valid_to": "2026-11-16", "reason": " "}), "reason"),
    ] {
        let refused = office.tagged(MANAGER, "POST", &at, "/closures", body).await;
        assert_eq!(refused.body["field"], field, "{}", refused.body);
    }
    let body = json!({"valid_to": "2026-11-16", "reason": "提前退租，机管〔2026〕9号"});
    let ended = office.tagged(MANAGER, "POST", &at, "/closures", body.clone()).await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    let account = office.read(&format!("{at}/account")).await;
    assert_eq!(
        (account["rows"].as_array().unwrap().len(), &account["sums"]["agreed"]),
        (1, &json!("4693.50"))
    );
    assert_eq!(
        office.tagged(MANAGER, "POST", &at, "/closures", body).await.status,
        StatusCode::CONFLICT
    );
    let versions = office.read(&format!("{at}/versions")).await;
    assert_eq!(versions["items"].as_array().unwrap().len(), 2);
    for (query, found) in [
        ("status=ended", 2),
        ("status=running,expired", 0),
        ("q=2026-201", 1),
        ("q=餐饮&direction=out", 2),
        ("direction=in", 0),
        ("lessee_kind=person", 0),
        ("region=3204&sort=-rent", 2),
        ("region=43", 0),
    ] {
        let list = office.read(&format!("leases?count=true&{query}")).await;
        assert_eq!(list["total"], found, "{query}");
    }
    // The file holds what the list shows.
    let file = ask_as(
        &office.app,
        Some(&office.tokens[AUDITOR]),
        "GET",
        "/api/v1/leases/export?format=csv&labels=zh&status=ended",
        &[],
        None,
    )
    .await;
    assert_eq!(file.status, StatusCode::OK);
    prove(&pool).await.unwrap();
    sqlx::query("update rent_instalment_version set due_on = due_on + 1")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        prove(&pool).await.unwrap_err().object_kind.as_deref(),
        Some("rent_schedule")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn bad_input_names_its_field_and_changes_nothing(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("一号楼", 100.0).await;
    let elsewhere = office.building("二号楼", 100.0).await;
    let room = office.room(&elsewhere, "101", 10.0).await;
    let before = entries(&pool).await;
    for (said, field) in [
        (json!({"direction": "up"}), "direction"),
        (json!({"area_m2": 0}), "area_m2"),
        (json!({"area_m2": -5}), "area_m2"),
        (json!({"rooms": [{"room_id": room}]}), "rooms"),
        (json!({"lessor_kind": "landlord"}), "lessor_kind"),
        (json!({"lessee_kind": null}), "lessee_kind"),
        (json!({"lessee_kind": "person"}), "lessee_size"),
        (json!({"lessee_sector": "magic"}), "lessee_sector"),
        (json!({"lessee_name": " "}), "lessee_name"),
        (json!({"is_sublet": true}), "end_users"),
        (json!({"ends_on": "2025-12-31"}), "ends_on"),
        (json!({"ends_on": "2046-01-01"}), "ends_on"),
        (json!({"starts_on": null}), "starts_on"),
        (json!({"rent": "1.234"}), "rent"),
        (json!({"rent": 9387}), "rent"),
        (json!({"rent": null}), "rent"),
        (json!({"rhythm": "weekly"}), "rhythm"),
        (json!({"due_days": 400}), "due_days"),
        (json!({"price_basis": "dice"}), "price_basis"),
        (json!({"renews_id": Uuid::now_v7()}), "renews_id"),
        (json!({"lessor_unit_id": Uuid::now_v7()}), "lessor_unit_id"),
    ] {
        let refused = office.post(MANAGER, "leases", shop(&building, said.clone())).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{said}: {}",
            refused.body
        );
        assert_eq!(refused.body["field"], field, "{said}: {}", refused.body);
    }
    let nowhere = office
        .post(MANAGER, "leases", shop(&Uuid::now_v7().to_string(), json!({})))
        .await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
    for who in [FINANCE, APPROVER, AUDITOR] {
        let refused = office.post(who, "leases", shop(&building, json!({}))).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{who}");
    }
    assert_eq!(entries(&pool).await, before);
    // To the last day of twenty years it holds.
    office
        .made(MANAGER, "leases", shop(&building, json!({"ends_on": "2045-12-31"})))
        .await;
}

/// Who sees a part of the registry sees the leases of that part, and writes nothing outside of it.
#[sqlx::test(migrations = "../migrations")]
async fn a_lease_is_seen_and_written_where_its_asset_is(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("一号楼", 100.0).await;
    let lease = office.made(MANAGER, "leases", shop(&building, json!({}))).await;
    let roles = [Role::AssetManager, Role::FinanceReviewer, Role::Approver];
    let (there, elsewhere) = (
        person_with(&pool, "there", &roles, "320404").await,
        person_with(&pool, "elsewhere", &roles, "320402").await,
    );
    let get = async |token: &str, uri: &str| {
        ask_as(&office.app, Some(token), "GET", &format!("/api/v1/{uri}"), &[], None).await
    };
    for uri in [
        format!("leases/{lease}"),
        format!("leases/{lease}/account"),
        format!("leases/{lease}/versions"),
    ] {
        assert_eq!(get(&there, &uri).await.status, StatusCode::OK, "{uri}");
        assert_eq!(get(&elsewhere, &uri).await.status, StatusCode::NOT_FOUND, "{uri}");
    }
    assert_eq!(get(&there, "leases?count=true").await.body["total"], 1);
    assert_eq!(get(&elsewhere, "leases?count=true").await.body["total"], 0);
    assert_eq!(get(&elsewhere, "lease-totals").await.body["due"], "0.00");
    let key = Uuid::now_v7().to_string();
    let payment = json!({"kind": "payment", "amount": "1.00", "on": "2026-11-01", "document": "票"});
    let uri = format!("/api/v1/leases/{lease}/movements");
    let refused = ask_as(
        &office.app,
        Some(&elsewhere),
        "POST",
        &uri,
        &[("Idempotency-Key", &key)],
        Some(payment.clone()),
    )
    .await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.body);
    let paid = ask_as(
        &office.app,
        Some(&there),
        "POST",
        &uri,
        &[("Idempotency-Key", &key)],
        Some(payment),
    )
    .await;
    assert_eq!(paid.status, StatusCode::CREATED, "{}", paid.body);
    prove(&pool).await.unwrap();
    let told = get(&there, "ledger?limit=100").await.body.to_string();
    assert!(
        told.contains("rent_account") && told.contains("rent_schedule"),
        "{told}"
    );
    assert!(
        !get(&elsewhere, "ledger?limit=100")
            .await
            .body
            .to_string()
            .contains("rent_")
    );
}

/// What the register calls late or soon over is what the rules call so, with the values of the lease's region.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_late_goes_by_the_values_of_the_region(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("沿街门面", 300.0).await;
    let lease = office
        .made(MANAGER, "leases", shop(&building, json!({"ends_on": "2027-01-31"})))
        .await;
    let payment = json!({"kind": "payment", "amount": "100.00", "on": "2026-11-01", "document": "票1"});
    office
        .made(FINANCE, &format!("leases/{lease}/movements"), payment)
        .await;
    let told = async |as_of: &str| {
        let totals = office.read(&format!("lease-totals?as_of={as_of}")).await;
        let account = office.read(&format!("leases/{lease}/account?as_of={as_of}")).await;
        let line = office.read(&format!("leases?as_of={as_of}")).await;
        assert_eq!(line["items"][0]["remittance_late"], account["sums"]["remittance_late"]);
        assert_eq!(totals["remittance_late"], account["sums"]["remittance_late"]);
        (
            totals["expiring"].clone(),
            account["sums"]["remittance_late"].clone(),
            account["sums"]["remit_by"].clone(),
        )
    };
    // By the defaults: 90 days before the end, 30 days to the treasury.
    assert_eq!(told("2026-11-02").await.0, 0);
    assert_eq!(told("2026-11-03").await, (json!(1), json!("0.00"), json!("2026-12-01")));
    assert_eq!(told("2026-12-01").await.1, "0.00");
    assert_eq!(told("2026-12-02").await.1, "100.00");
    // The city's own, and the district's over them.
    for (name, region, value) in [
        ("remit_days", "3204", 10),
        ("remit_days", "320404", 20),
        ("lease_warn_days", "320404", 30),
        ("remit_days", "320402", 1),
    ] {
        let own = json!({"name": name, "region_code": region, "value": value, "source": "常财〔2026〕1号", "reason": "本地规定", "valid_from": "2026-01-01"});
        let key = Uuid::now_v7().to_string();
        let made = ask(
            &office.app,
            "POST",
            "/api/v1/rule-parameters",
            &[("Idempotency-Key", &key)],
            Some(own),
        )
        .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    }
    assert_eq!(told("2026-11-21").await, (json!(0), json!("0.00"), json!("2026-11-21")));
    assert_eq!(told("2026-11-22").await.1, "100.00");
    assert_eq!(told("2027-01-01").await.0, 0);
    assert_eq!(told("2027-01-02").await.0, 1);
}

/// An idle building of 120 m² with four rooms of 30 m², idle by a record since March 2025.
async fn idle_house(office: &Office) -> (String, Vec<String>) {
    let square = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
    let house = office
        .made(
            MANAGER,
            "buildings",
            json!({"name": "闲置楼", "valid_from": "2020-01-01", "region_code": "320404", "geometry": square, "registered_area_m2": 120,
                   "usage": "administrative_office", "occupancy": "in_use"}),
        )
        .await;
    let mut rooms = Vec::new();
    for number in ["101", "102", "103", "104"] {
        let room = json!({"building_id": house, "floor": 1, "number": number, "use_area_m2": 30, "building_area_m2": 30,
            "room_type": "office", "occupancy": "in_use", "valid_from": "2020-01-01"});
        rooms.push(office.made(MANAGER, "rooms", room).await);
    }
    let record = json!({"asset_id": house, "idle_since": "2025-03-01", "cause": "surplus", "evidence": "现场核查"});
    office.made(MANAGER, "idle-records", record).await;
    (house, rooms)
}

#[sqlx::test(migrations = "../migrations")]
async fn what_a_lease_lets_is_let_from_its_first_day_until_it_is_handed_back(pool: PgPool) {
    let office = Office::open(&pool).await;
    let (house, rooms) = idle_house(&office).await;
    let use_of = async |what: &str, on: &str| {
        let said = office.read(&format!("{what}?as_of={on}")).await;
        (said["occupancy"].clone(), said["idle_since"].clone())
    };
    let (building, room) = (format!("buildings/{house}"), |at: usize| format!("rooms/{}", rooms[at]));
    let let_out = |rooms: &[&String], more: Value| {
        let mut body = shop(
            &house,
            json!({"area_m2": null, "rooms": rooms.iter().map(|id| json!({"room_id": id})).collect::<Vec<_>>()}),
        );
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let shares = async |on: &str| {
        let said = office.read(&format!("{building}/occupancy?as_of={on}")).await;
        said["total"]["by_occupancy"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| {
                (
                    part["occupancy"].as_str().unwrap().to_owned(),
                    part["share"].as_f64().unwrap(),
                )
            })
            .collect::<Vec<_>>()
    };
    let found = async || {
        office.read("idle-space?people=1").await["totals"]["use_area_m2"]
            .as_f64()
            .unwrap()
    };
    assert!((found().await - 120.0).abs() < 1e-9);

    // Two of the four rooms, from June on: the house is not idle as a whole, and its record goes on with the rest.
    let term = json!({"starts_on": "2026-06-01", "ends_on": "2027-05-31", "contract_number": "租1"});
    let first = office
        .made(MANAGER, "leases", let_out(&[&rooms[0], &rooms[1]], term))
        .await;
    for (on, expected) in [("2026-05-31", "idle"), ("2026-06-01", "let"), ("2026-11-21", "let")] {
        assert_eq!(use_of(&room(0), on).await.0, expected, "{on}");
        assert_eq!(use_of(&room(2), on).await.0, "idle", "{on}");
        assert_eq!(use_of(&building, on).await.0, expected, "{on}");
    }
    assert_eq!(shares("2026-05-31").await, [("idle".to_owned(), 1.0)]);
    assert_eq!(
        shares("2026-11-21").await,
        [("idle".to_owned(), 0.5), ("let".to_owned(), 0.5)]
    );
    assert!((found().await - 60.0).abs() < 1e-9, "what is let is not found");
    let totals = office.read("totals").await;
    assert_eq!(totals["buildings"]["occupancy"]["let"]["count"], 1, "{totals}");
    let records = office.read(&format!("idle-records?asset={house}")).await;
    let mut told: Vec<(&str, &str, usize)> = records["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let text = |field: &str| one[field].as_str().unwrap_or_default();
            (
                text("idle_since"),
                text("idle_to"),
                one["rooms"].as_array().unwrap().len(),
            )
        })
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [("2025-03-01", "2026-06-01", 4), ("2026-06-01", "", 2)],
        "{records}"
    );

    // The rest as well: the house is let, and nothing of it is idle.
    let term = json!({"starts_on": "2026-11-01", "ends_on": "2027-05-31", "contract_number": "租2", "lessee_name": "某某商店"});
    let second = office
        .made(MANAGER, "leases", let_out(&[&rooms[2], &rooms[3]], term))
        .await;
    assert_eq!(shares("2026-11-21").await, [("let".to_owned(), 1.0)]);
    assert!(found().await.abs() < 1e-9);
    let open = office.read(&format!("idle-records?asset={house}&open=true")).await;
    assert_eq!(open["items"], json!([]), "{open}");

    // What comes back stands idle again, since then; the house once nothing of it is let.
    let back = |on: &str| json!({"valid_to": on, "reason": "提前退租"});
    for (lease, on) in [(&first, "2026-11-15"), (&second, "2026-11-20")] {
        let at = format!("leases/{lease}");
        let ended = office.tagged(MANAGER, "POST", &at, "/closures", back(on)).await;
        assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    }
    assert_eq!(use_of(&room(0), "2026-11-14").await.0, "let");
    assert_eq!(use_of(&room(0), "2026-11-15").await.0, "idle");
    assert_eq!(use_of(&building, "2026-11-19").await, (json!("let"), Value::Null));
    assert_eq!(
        use_of(&building, "2026-11-20").await,
        (json!("idle"), json!("2026-11-20"))
    );
    assert!((found().await - 120.0).abs() < 1e-9);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_was_said_otherwise_stays_and_a_term_that_moves_takes_its_days_along(pool: PgPool) {
    let office = Office::open(&pool).await;
    let square = json!({"type": "Polygon", "coordinates": [[[119.95, 31.78], [119.951, 31.78], [119.951, 31.781], [119.95, 31.78]]]});
    let house = json!({"name": "门面", "valid_from": "2020-01-01", "region_code": "320404", "geometry": square, "registered_area_m2": 100});
    let house = office.made(MANAGER, "buildings", house).await;
    let room = |number: &str, occupancy: Value| {
        json!({"building_id": house, "floor": 1, "number": number, "building_area_m2": 30, "occupancy": occupancy,
               "valid_from": "2020-01-01"})
    };
    let (used, unknown) = (
        office.made(MANAGER, "rooms", room("101", json!("in_use"))).await,
        office.made(MANAGER, "rooms", room("102", json!(null))).await,
    );
    let use_of = async |what: String, on: &str| office.read(&format!("{what}?as_of={on}")).await["occupancy"].clone();
    // All of it, from next year on: it begins by itself.
    let term = json!({"starts_on": "2027-01-01", "ends_on": "2027-12-31"});
    let lease = office.made(MANAGER, "leases", shop(&house, term)).await;
    for (on, expected) in [("2026-12-31", Value::Null), ("2027-01-01", json!("let"))] {
        assert_eq!(use_of(format!("buildings/{house}"), on).await, expected, "{on}");
        assert_eq!(use_of(format!("rooms/{unknown}"), on).await, expected, "{on}");
        assert_eq!(use_of(format!("rooms/{used}"), on).await, "in_use", "somebody said so");
    }
    let at = format!("leases/{lease}");
    let later = office
        .tagged(MANAGER, "PATCH", &at, "", json!({"starts_on": "2027-03-01"}))
        .await;
    assert_eq!(later.status, StatusCode::OK, "{}", later.body);
    for (on, expected) in [("2027-02-28", Value::Null), ("2027-03-01", json!("let"))] {
        assert_eq!(use_of(format!("buildings/{house}"), on).await, expected, "{on}");
        assert_eq!(use_of(format!("rooms/{unknown}"), on).await, expected, "{on}");
    }
    // A part of a room is not the room; what is rented in lets nothing.
    let other = office.building("别处", 300.0).await;
    let shared = json!({"building_id": other, "floor": 1, "number": "1", "building_area_m2": 30, "occupancy": "idle", "valid_from": "2020-01-01"});
    let shared = office.made(MANAGER, "rooms", shared).await;
    let part = json!({"area_m2": null, "rooms": [{"room_id": shared, "area_m2": 12}]});
    office.made(MANAGER, "leases", shop(&other, part)).await;
    assert_eq!(use_of(format!("rooms/{shared}"), "2026-11-21").await, "idle");
    prove(&pool).await.unwrap();
}
