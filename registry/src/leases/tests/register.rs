//! The register: nothing is let twice; changed, renewed, handed back; bad input; and whose it is.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{APPROVER, AUDITOR, FINANCE, MANAGER, Office, shop};
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::ask_as;
use crate::versioned::tests::{entries, prove};

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
