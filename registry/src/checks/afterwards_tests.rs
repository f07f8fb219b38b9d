//! Rules about what changed after it was agreed: functions, disposals, stock that stands idle, the ledger itself. Today is
//! 21 November 2026.

use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::rule::catalogue;
use super::run::{Scope, run_rule};
use crate::http::AppState;
use crate::leases::tests::{MANAGER, Office, shop};
use crate::ledger::{Sealer, SigningKey};

async fn found_in(state: &AppState, rule: &str, scope: &Scope) -> u64 {
    let catalogue = catalogue().unwrap();
    let at = (state.clock.today(), state.clock.now());
    run_rule(&state.database, catalogue, &catalogue.rules[rule], at, scope)
        .await
        .unwrap()
        .found
}

async fn found(office: &Office, rule: &str, asset: &str) -> u64 {
    found_in(&office.state, rule, &Scope::Objects(vec![asset.parse().unwrap()])).await
}

async fn evidence(pool: &PgPool, rule: &str) -> Vec<Value> {
    sqlx::query_scalar("select evidence from finding where rule = $1 and state = 'new' order by evidence::text")
        .bind(rule)
        .fetch_all(pool)
        .await
        .unwrap()
}

/// A case as an older program may have left it, straight into the book.
async fn case(
    pool: &PgPool,
    asset: &str,
    procedure: &str,
    state: &str,
    is_open: bool,
    route: Option<&str>,
    said: Value,
) -> Uuid {
    let digest: String = sqlx::query_scalar(
        "insert into workflow_definition (digest, workflow, text, kept_at)
         values (encode(sha256('x'::bytea), 'hex'), 'repair', 'x', '2026-01-01')
         on conflict (digest) do update set text = excluded.text returning digest",
    )
    .fetch_one(pool)
    .await
    .unwrap();
    let id = Uuid::now_v7();
    sqlx::query("insert into policy_case (id, created_at) values ($1, '2026-01-01')")
        .bind(id)
        .execute(pool)
        .await
        .unwrap();
    sqlx::query(
        "insert into policy_case_version (version_id, object_id, valid, recorded, asset_id, procedure, definition, state,
             is_open, route, region_code, opened_by, paid, remitted, details)
         values (gen_random_uuid(), $1, daterange('2026-01-01', null), tstzrange('2026-01-01', null), $2, $3, $4, $5, $6, $7,
             '320404', '李', 0, 0, $8::json)",
    )
    .bind(id)
    .bind(asset.parse::<Uuid>().unwrap())
    .bind(procedure)
    .bind(&digest)
    .bind(state)
    .bind(is_open)
    .bind(route)
    .bind(said.to_string())
    .execute(pool)
    .await
    .unwrap();
    id
}

async fn change(office: &Office, uri: &str, body: Value) {
    let tag = office.ask(MANAGER, "GET", uri, &[], None).await.etag.unwrap();
    let answer = office
        .ask(MANAGER, "PATCH", uri, &[("If-Match", &tag)], Some(body))
        .await;
    assert_eq!(answer.status, 200, "{uri}: {}", answer.body);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_changed_function_wants_an_approval(pool: PgPool) {
    let office = Office::open(&pool).await;
    let house = async |usage: &str| {
        let building = office.building("楼", 400.0).await;
        // What is put right from the first day on was never otherwise.
        change(
            &office,
            &format!("buildings/{building}"),
            json!({"usage": usage, "valid_from": "2020-01-01"}),
        )
        .await;
        building
    };
    let turned = |on: &str| json!({"usage": "commercial", "valid_from": on});
    let building = house("administrative_office").await;
    assert_eq!(found(&office, "USE-03", &building).await, 0, "corrected");
    change(&office, &format!("buildings/{building}"), turned("2026-06-01")).await;
    assert_eq!(found(&office, "USE-03", &building).await, 1);
    // Whatever else changes afterwards, the function stays changed since that day.
    change(
        &office,
        &format!("buildings/{building}"),
        json!({"name": "新楼", "valid_from": "2026-09-01"}),
    )
    .await;
    assert_eq!(found(&office, "USE-03", &building).await, 1);
    assert_eq!(
        evidence(&pool, "USE-03").await,
        [
            json!({"what": "新楼", "was": "administrative_office", "now": "commercial", "since": "2026-06-01", "was_zh": "行政办公",
                "now_zh": "经营性"})
        ]
    );

    // Approved before it was changed, while the case was under way; not afterwards, and not when the approval is void.
    let approval = |on: &str, void: bool| {
        json!({"decisions": [{"what": "approval", "number": "批1号", "on": on, "by": "x", "void": void}],
               "taken": [{"transition": "execute", "by": "x", "on": "2026-06-01"}]})
    };
    for (said, is_open, expected) in [
        (approval("2026-05-20", false), false, 0),
        (approval("2026-06-02", false), false, 1),
        (approval("2026-05-20", true), false, 1),
        (
            json!({"decisions": [{"what": "refusal", "number": "批1号", "on": "2026-05-20", "by": "x"}]}),
            true,
            1,
        ),
    ] {
        let building = house("administrative_office").await;
        change(&office, &format!("buildings/{building}"), turned("2026-06-01")).await;
        case(
            &pool,
            &building,
            "idle_disposal",
            "executed",
            is_open,
            Some("convert_public"),
            said.clone(),
        )
        .await;
        assert_eq!(found(&office, "USE-03", &building).await, expected, "{said}");
    }
    // A case that was long over answers for nothing.
    let building = house("administrative_office").await;
    change(&office, &format!("buildings/{building}"), turned("2026-07-01")).await;
    case(
        &pool,
        &building,
        "repair",
        "archived",
        false,
        None,
        approval("2026-05-20", false),
    )
    .await;
    assert_eq!(found(&office, "USE-03", &building).await, 1);

    // Rooms likewise; one that names its approval is in order.
    let building = house("administrative_office").await;
    for (number, basis, expected) in [("101", None, 1), ("102", Some("机管〔2026〕3号"), 1)] {
        let room = json!({"building_id": building, "floor": 1, "number": number, "room_type": "office", "valid_from": "2020-01-01"});
        let room = office.made(MANAGER, "rooms", room).await;
        let body = json!({"room_type": "technical", "type_basis": basis, "valid_from": "2026-03-01"});
        change(&office, &format!("rooms/{room}"), body).await;
        assert_eq!(found(&office, "USE-03", &building).await, expected, "{number}");
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn what_comes_up_during_a_disposal_is_found(pool: PgPool) {
    let office = Office::open(&pool).await;
    for (procedure, state, is_open, route, expected) in [
        ("idle_disposal", "announced", true, Some("auction"), 1),
        ("hand_down", "approved", true, None, 1),
        // Put to use and not disposed of; not proposed yet; over.
        ("idle_disposal", "approved", true, Some("reassign"), 0),
        ("idle_disposal", "scored", true, None, 0),
        ("idle_disposal", "closed", false, Some("auction"), 0),
    ] {
        let building = office.building("楼", 400.0).await;
        case(&pool, &building, procedure, state, is_open, route, json!({})).await;
        assert_eq!(
            found(&office, "DSP-03", &building).await,
            expected,
            "{procedure} {state}: unregistered"
        );
    }
    let building = office.building("楼", 400.0).await;
    let parcel = crate::titles::tests::parcel(&office.app, crate::titles::tests::rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let mut body = crate::titles::tests::certificate(parcel, "431103001002GB00015F00010001", 1);
    body["building_ids"] = json!([building]);
    let made = crate::titles::tests::register(&office.app, body).await;
    assert_eq!(made.status, 201, "{}", made.body);
    let title = made.body["id"].as_str().unwrap();
    case(
        &pool,
        &building,
        "idle_disposal",
        "bidding",
        true,
        Some("auction"),
        json!({}),
    )
    .await;
    assert_eq!(found(&office, "DSP-03", &building).await, 0);
    let enter = async |kind: &str, more: Value| {
        let mut said = json!({"kind": kind, "holder": "永州市中级人民法院", "document": "(2026)湘11执1号"});
        said.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let key = Uuid::now_v7().to_string();
        let uri = format!("/api/v1/titles/{title}/encumbrances");
        let answer =
            crate::spatial_units::tests::ask(&office.app, "POST", &uri, &[("Idempotency-Key", &key)], Some(said)).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    };
    // A mortgage asks for consent and forbids nothing; a seizure that has run out neither.
    enter("mortgage", json!({"mortgage_kind": "1", "amount": 1000.0})).await;
    assert_eq!(found(&office, "DSP-03", &building).await, 0);
    enter("seizure", json!({})).await;
    assert_eq!(found(&office, "DSP-03", &building).await, 1);
    sqlx::query("update encumbrance_version set expires_on = '2026-11-20' where kind = 'seizure'")
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(found(&office, "DSP-03", &building).await, 0);
}

#[sqlx::test(migrations = "../migrations")]
async fn renting_beside_idle_space_is_found(pool: PgPool) {
    let office = Office::open(&pool).await;
    let rented = office.building("租入楼", 400.0).await;
    let lease = json!({
        "direction": "in", "lessor_kind": "private", "lessor_name": "某公司", "lessee_kind": "unit", "lessee_size": null,
        "lessee_sector": null, "lessee_name": "财政局", "area_m2": 100, "price_basis": "appraisal", "exchange_record": null,
        "approved_area_m2": 100});
    office.made(MANAGER, "leases", shop(&rented, lease)).await;
    let idle = async |name: &str, areas: &[f64], more: Value| {
        let building = office.building(name, 400.0).await;
        for (number, area) in areas.iter().enumerate() {
            let mut room = json!({"building_id": building, "floor": 1, "number": format!("{number}"), "use_area_m2": area,
                                  "occupancy": "idle", "valid_from": "2020-01-01"});
            room.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            office.made(MANAGER, "rooms", room).await;
        }
        building
    };
    idle("太小", &[60.0, 39.9], json!({})).await;
    idle("门面", &[500.0], json!({"room_type": "shop"})).await;
    idle("在用", &[500.0], json!({"occupancy": "in_use"})).await;
    let outbuilding = idle("危房", &[500.0], json!({})).await;
    change(
        &office,
        &format!("buildings/{outbuilding}"),
        json!({"occupancy": "dangerous", "valid_from": "2020-01-01"}),
    )
    .await;
    // What is rented is no stock.
    assert_eq!(found(&office, "ALC-04", &rented).await, 0);
    let larger = idle("大楼", &[60.0, 60.0, 60.0], json!({"room_type": "office"})).await;
    let fits = idle("小楼", &[60.0, 40.0], json!({})).await;
    assert_eq!(found(&office, "ALC-04", &rented).await, 1);
    let told = evidence(&pool, "ALC-04").await;
    assert_eq!(
        told,
        [json!({"lessee": "财政局", "area_m2": 100, "idle": "小楼", "idle_m2": 100})]
    );
    // A reason against each in the stock search of its case settles it.
    let search = |rejected: &[&String]| {
        let rejected: Vec<Value> = rejected
            .iter()
            .map(|id| json!({"asset_id": id, "reason": "太远"}))
            .collect();
        json!({"records": [{"no": 1, "by": "x", "at": "2026-01-01T00:00:00Z", "state": "applied",
                            "fact": {"record": "stock_search", "on": "2026-01-01", "finding": "x", "rejected": rejected}}]})
    };
    let open = case(&pool, &rented, "rent_in", "renting", true, None, search(&[&fits])).await;
    assert_eq!(
        found(&office, "ALC-04", &fits).await,
        1,
        "asked of the idle building as well"
    );
    assert_eq!(evidence(&pool, "ALC-04").await[0]["idle"], "大楼");
    sqlx::query("update policy_case_version set details = $2::json where object_id = $1")
        .bind(open)
        .bind(search(&[&fits, &larger]).to_string())
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(found(&office, "ALC-04", &rented).await, 0);
}

/// Whoever can write past the program leaves a ledger that no longer gives what was sealed.
#[sqlx::test(migrations = "../migrations")]
async fn rewritten_history_is_found(pool: PgPool) {
    let office = Office::open(&pool).await;
    office.building("楼", 400.0).await;
    let sealer = Sealer::new(
        office.state.database.pool().clone(),
        SigningKey::from_seed([7; 32]),
        office.state.clock.clone(),
    );
    sealer.seal_all().await.unwrap();
    assert_eq!(found_in(&office.state, "GOV-03", &Scope::All).await, 0);
    let mut superuser = pool.begin().await.unwrap();
    sqlx::query("set local session_replication_role = replica")
        .execute(&mut *superuser)
        .await
        .unwrap();
    let entry: Uuid = sqlx::query_scalar(
        "update ledger_entry set actor = '无名氏' where id = (select entry_id from ledger_leaf where seq = 2) returning id",
    )
    .fetch_one(&mut *superuser)
    .await
    .unwrap();
    superuser.commit().await.unwrap();
    assert_eq!(found_in(&office.state, "GOV-03", &Scope::All).await, 1);
    let listed = office.read("findings?rule=GOV-03").await;
    let finding = &listed["items"][0];
    assert_eq!(
        (
            &finding["object_kind"],
            &finding["object_id"],
            &finding["evidence"]["entry"]
        ),
        (&json!("ledger_entry"), &json!(entry), &json!(2)),
        "{listed}"
    );
    let says = finding["says"]["zh"].as_str().unwrap();
    assert!(says.starts_with("台账第 2 条与封存时不符"), "{says}");
}
