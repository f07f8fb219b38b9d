//! Rent that comes in, goes to the treasury, and is late.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{APPROVER, AUDITOR, FINANCE, MANAGER, Office, shop};
use crate::spatial_units::tests::ask;
use crate::versioned::tests::prove;

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
