//! Relief as a story over HTTP, with the figures of Changzhou's report of the first half of 2020: 180 firms, three months,
//! 5 068 800 yuan.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::leases::tests::{APPROVER, AUDITOR, FINANCE, MANAGER, Office, shop};
use crate::versioned::tests::{entries, prove};

/// What the report says.
const FIRMS: usize = 180;

fn policy() -> Value {
    json!({"name": "2020年免收中小微企业3个月房租", "document": "常政发〔2020〕21号", "months_from": "2020-02-01",
           "months_to": "2020-06-30", "months": 3, "sizes": ["medium", "small", "micro"], "self_employed": true})
}

async fn decide(office: &Office, who: &str, policy: &str, body: Value) -> crate::spatial_units::tests::Answer {
    let uri = format!("relief-policies/{policy}/decisions");
    office.ask(who, "POST", &uri, &[], Some(body)).await
}

#[sqlx::test(migrations = "../migrations")]
async fn a_hundred_and_eighty_firms_are_free_of_rent_for_three_months(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("经营性房产", 20_000.0).await;
    // 60 at 9 386 and 120 at 9 387 yuan: 1 689 600 a month.
    for number in 0..FIRMS {
        let rent = if number < 60 { "9386.00" } else { "9387.00" };
        let sublet = if number == 7 {
            json!({"is_sublet": true, "lessee_size": "large",
                   "end_users": [{"name": "小店", "kind": "self_employed", "sector": "services"}]})
        } else {
            json!({})
        };
        let mut body = shop(
            &building,
            json!({"lessee_name": format!("中小微企业{number:03}"), "starts_on": "2020-01-01", "ends_on": "2022-12-31", "rent": rent}),
        );
        body.as_object_mut()
            .unwrap()
            .extend(sublet.as_object().unwrap().clone());
        office.made(MANAGER, "leases", body).await;
    }
    // Not eligible: a large firm, a unit, and premises that are not the state's.
    for (name, more) in [
        ("大企业", json!({"lessee_size": "large"})),
        ("事业单位", json!({"lessee_kind": "unit", "lessee_size": null})),
        ("私房", json!({"lessor_kind": "private"})),
    ] {
        let more = {
            let mut all =
                json!({"lessee_name": name, "starts_on": "2020-01-01", "ends_on": "2022-12-31", "area_m2": 1});
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        office.made(MANAGER, "leases", shop(&building, more)).await;
    }
    let policy = office.made(MANAGER, "relief-policies", policy()).await;
    let at = format!("relief-policies/{policy}");
    let candidates = office.read(&format!("{at}/candidates")).await;
    let candidates = candidates.as_array().unwrap();
    assert_eq!(candidates.len(), FIRMS + 3);
    let eligible: Vec<&Value> = candidates.iter().filter(|one| one["eligible"] == true).collect();
    assert_eq!(eligible.len(), FIRMS);
    let why: Vec<&Value> = candidates
        .iter()
        .filter(|one| one["eligible"] == false)
        .map(|one| &one["reason"])
        .collect();
    assert_eq!(why.iter().filter(|why| **why == "wrong_size").count(), 2);
    assert!(why.contains(&&json!("not_state_owned")));

    // Let on, the benefit must be proved to reach the end user, or nothing of it is taken.
    let applications = |proof: Option<&str>| -> Value {
        eligible
            .iter()
            .map(|one| {
                let proof = proof.filter(|_| one["is_sublet"] == true);
                json!({"lease_id": one["lease_id"], "evidence": "上门走访 2020-02", "end_user_proof": proof})
            })
            .collect()
    };
    let before = entries(&pool).await;
    let refused = office
        .post(
            MANAGER,
            &format!("{at}/reliefs"),
            json!({"applications": applications(None)}),
        )
        .await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (&refused.body["code"], &refused.body["rule"]["id"]),
        (&json!("end_user_proof_missing"), &json!("DSP-17")),
        "{}",
        refused.body
    );
    let large = candidates.iter().find(|one| one["lessee_name"] == "大企业").unwrap();
    let refused = office
        .post(
            MANAGER,
            &format!("{at}/reliefs"),
            json!({"applications": [{"lease_id": large["lease_id"]}]}),
        )
        .await;
    assert_eq!(refused.body["code"], "not_eligible", "{}", refused.body);
    assert_eq!(entries(&pool).await, before);
    let applied = office
        .post(
            MANAGER,
            &format!("{at}/reliefs"),
            json!({"applications": applications(Some("转租免租协议与小店收据"))}),
        )
        .await;
    assert_eq!(applied.status, StatusCode::CREATED, "{}", applied.body);
    assert_eq!(applied.body["amount"], "5068800.00");
    let ids = applied.body["ids"].clone();
    let once = office
        .post(
            MANAGER,
            &format!("{at}/reliefs"),
            json!({"applications": [{"lease_id": eligible[0]["lease_id"]}]}),
        )
        .await;
    assert_eq!(once.body["code"], "rent_relief_version_once", "{}", once.body);
    // Nothing is waived before it is approved.
    assert_eq!(office.read("lease-totals").await["waived"], "0.00");

    // Not by whoever may not approve.
    let approval = json!({"relief_ids": ids, "decision": "approve", "document": "常机管〔2020〕33号"});
    for who in [MANAGER, FINANCE, AUDITOR] {
        assert_eq!(
            decide(&office, who, &policy, approval.clone()).await.status,
            StatusCode::FORBIDDEN,
            "{who}"
        );
    }
    let mut without = approval.clone();
    without["document"] = json!(null);
    assert_eq!(
        decide(&office, APPROVER, &policy, without).await.body["field"],
        "document"
    );
    let approved = decide(&office, APPROVER, &policy, approval.clone()).await;
    assert_eq!(approved.status, StatusCode::OK, "{}", approved.body);
    assert_eq!(
        (&approved.body["count"], &approved.body["amount"]),
        (&json!(FIRMS), &json!("5068800.00"))
    );
    assert_eq!(
        decide(&office, APPROVER, &policy, approval).await.body["code"],
        "decided"
    );

    // The statistics, the register and the rows say the same to the cent.
    let figures = office.read(&at).await["figures"].clone();
    assert_eq!(
        figures,
        json!({"applied": 0, "approved": 180, "lessees": 180, "months": 540, "amount": "5068800.00", "refused": 0, "passed_on": 1})
    );
    assert_eq!(office.read("lease-totals").await["waived"], "5068800.00");
    let lease = eligible[0]["lease_id"].as_str().unwrap();
    let account = office.read(&format!("leases/{lease}/account")).await;
    let row = |number: usize| account["rows"][number - 1].clone();
    for number in [2, 3, 4] {
        assert_eq!(
            (
                &row(number)["state"],
                &row(number)["amount_due"],
                &row(number)["amount"]
            ),
            (&json!("waived"), &json!("0.00"), &eligible[0]["monthly_rent"])
        );
        assert!(row(number)["relief_id"].is_string());
    }
    assert_eq!(
        (&row(1)["state"], &row(5)["state"]),
        (&json!("overdue"), &json!("overdue"))
    );
    let kept: i64 = sqlx::query_scalar(
        "select (sum(amount))::bigint from rent_instalment_version where upper_inf(recorded) and amount_due = 0 and relief_id is not null",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!(kept, 5_068_800);
    // Nothing was deleted: what was known before is there still.
    let before: i64 = sqlx::query_scalar("select count(*) from rent_instalment_version where not upper_inf(recorded)")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(before, 540);
    let reliefs = office.read(&format!("{at}/reliefs")).await;
    assert_eq!(reliefs["total"], FIRMS);
    prove(&pool).await.unwrap();
    sqlx::query("update rent_relief_version set amount = amount + 1")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(
        prove(&pool).await.unwrap_err().object_kind.as_deref(),
        Some("rent_relief")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_decides_about_their_own_and_what_is_refused_is_owed(pool: PgPool) {
    let office = Office::open(&pool).await;
    let building = office.building("一号楼", 500.0).await;
    let mut leases = Vec::new();
    for name in ["甲", "乙"] {
        leases.push(
            office
                .made(MANAGER, "leases", shop(&building, json!({"lessee_name": name})))
                .await,
        );
    }
    let mut body = policy();
    body["months_from"] = json!("2026-02-01");
    body["months_to"] = json!("2026-06-30");
    let policy = office.made(MANAGER, "relief-policies", body.clone()).await;
    let uri = format!("relief-policies/{policy}/reliefs");
    let apply = |lease: &str| json!({"applications": [{"lease_id": lease}]});
    let own = office.post("both", &uri, apply(&leases[0])).await;
    assert_eq!(own.status, StatusCode::CREATED, "{}", own.body);
    let others = office.post(MANAGER, &uri, apply(&leases[1])).await.body["ids"][0].clone();
    // One of one's own among others: none is decided.
    let both = json!({"relief_ids": [own.body["ids"][0], others], "decision": "approve", "document": "批1号"});
    let refused = decide(&office, "both", &policy, both).await;
    assert_eq!(
        (refused.status, &refused.body["rule"]["id"]),
        (StatusCode::CONFLICT, &json!("GOV-01")),
        "{}",
        refused.body
    );
    // The database refuses it, too, whoever writes.
    let forced = sqlx::query(
        "update rent_relief_version set state = 'approved', decided_by = applied_by, decision_document = 'x'",
    )
    .execute(&pool)
    .await
    .unwrap_err();
    assert!(forced.to_string().contains("rent_relief_version_four_eyes"), "{forced}");
    let refusal = json!({"relief_ids": [others], "decision": "refuse", "reason": "已停业"});
    assert_eq!(decide(&office, "both", &policy, refusal).await.status, StatusCode::OK);
    let figures = office.read(&format!("relief-policies/{policy}")).await["figures"].clone();
    assert_eq!(
        (&figures["applied"], &figures["refused"], &figures["amount"]),
        (&json!(1), &json!(1), &json!("0.00"))
    );
    assert_eq!(office.read("lease-totals").await["waived"], "0.00");
    // Refused once, it may be applied for again.
    assert_eq!(
        office.post(MANAGER, &uri, apply(&leases[1])).await.status,
        StatusCode::CREATED
    );
    // A schedule that changed in the meantime is not waived by half.
    let at = format!("leases/{}", leases[0]);
    let tag = office.ask(MANAGER, "GET", &at, &[], None).await.etag.unwrap();
    let ends = json!({"ends_on": "2026-02-28"});
    assert_eq!(
        office
            .ask(MANAGER, "PATCH", &at, &[("If-Match", &tag)], Some(ends))
            .await
            .status,
        StatusCode::OK
    );
    let approval = json!({"relief_ids": [own.body["ids"][0]], "decision": "approve", "document": "批2号"});
    let refused = decide(&office, APPROVER, &policy, approval).await;
    assert_eq!(refused.body["code"], "schedule_changed", "{}", refused.body);
    for (said, field) in [
        (json!({"months": 0}), "months"),
        (json!({"sizes": ["huge"]}), "sizes"),
        (json!({"sizes": [], "self_employed": false}), "sizes"),
        (json!({"months_to": "2026-01-31"}), "months_to"),
        (json!({"document": " "}), "document"),
    ] {
        let mut wrong = body.clone();
        wrong.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        let refused = office.post(MANAGER, "relief-policies", wrong).await;
        assert_eq!(refused.body["field"], field, "{said}: {}", refused.body);
    }
    prove(&pool).await.unwrap();
}
