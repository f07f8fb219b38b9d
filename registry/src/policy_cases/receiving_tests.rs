//! Transfers to another level by people of two bureaus, each with grants of their own level alone.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::tests::{MANAGER, Office, PLANNER, SECOND, square};
use crate::people::Role;
use crate::versioned::tests::{entries, prove};

/// Of the city that gives.
const GIVER: &str = "giver";
const GIVING_APPROVER: &str = "giving-approver";
/// Of the district that receives, and of the one beside it.
const RECEIVER: &str = "receiver";
const RECEIVING_CLERK: &str = "receiving-clerk";
const SIBLING: &str = "sibling";

struct Bureaus {
    office: Office,
    city: String,
    district: String,
}

async fn bureaus(pool: &PgPool) -> Bureaus {
    let mut office = Office::open(pool).await;
    let giving = [
        Role::AssetManager,
        Role::Planner,
        Role::TitleClerk,
        Role::FinanceReviewer,
    ];
    office.joins(GIVER, &giving, ("431100", "city")).await;
    office
        .joins(GIVING_APPROVER, &[Role::Approver], ("431100", "city"))
        .await;
    office
        .joins(RECEIVER, &[Role::AssetManager], ("431103", "county"))
        .await;
    office
        .joins(RECEIVING_CLERK, &[Role::TitleClerk], ("431103", "county"))
        .await;
    office.joins(SIBLING, &[Role::AssetManager], ("431102", "county")).await;
    let mut units = Vec::new();
    for (code, name, level, region) in [
        ("SJ", "市机关事务管理局", "city", "431103"),
        ("QJ", "冷水滩区机关事务服务中心", "county", "431103"),
    ] {
        let unit = json!({"code": code, "name": name, "level": level, "kind": "bureau", "region_code": region,
                          "valid_from": "2015-01-01"});
        units.push(office.made(MANAGER, "/api/v1/units", unit).await);
    }
    let district = units.remove(1);
    Bureaus {
        office,
        city: units.remove(0),
        district,
    }
}

/// A house of the city's in the district, with a title.
async fn house(office: &Office, occupancy: &str) -> String {
    let mut body = json!({"name": "金谷大厦", "code": "JG", "region_code": "431103", "valid_from": "2015-01-01",
        "admin_level": "city", "usage": "administrative_office", "occupancy": occupancy, "geometry": square(1)});
    if occupancy == "idle" {
        body["idle_since"] = json!("2025-03-01");
    }
    let house = office.made(MANAGER, "/api/v1/buildings", body).await;
    office.title(&house, 1, "101", json!({})).await;
    house
}

fn offer(receiver: &str) -> Value {
    json!({"record": "transfer_proposal", "receiver_id": receiver, "why": "由属地管理"})
}

fn accepting() -> Value {
    json!({"record": "acceptance", "accepted": true, "on": "2026-11-21", "document": "区机管函〔2026〕8号"})
}

fn declining() -> Value {
    json!({"record": "acceptance", "accepted": false, "on": "2026-11-21", "note": "房屋须先修缮"})
}

fn list(receiver: &str) -> Value {
    json!({"record": "hand_over", "on": "2026-11-21", "receiver_id": receiver, "list": "移交1号", "papers": 41, "keys": 120,
           "leases": 3})
}

/// A case that proposes the house to the district, with all its papers.
async fn proposed(bureaus: &Bureaus, house: &str) -> String {
    let office = &bureaus.office;
    let opening = json!({"procedure": "hand_down", "asset_id": house});
    let id = office.made(GIVER, "/api/v1/policy-cases", opening).await;
    office
        .papers(GIVER, &id, &["proposal", "giving_consent", "receiving_consent"])
        .await;
    office.record(GIVER, &id, offer(&bureaus.district)).await;
    id
}

/// What waits for somebody of this case.
async fn waits(office: &Office, who: &str, id: &str) -> Vec<String> {
    let tasks = office.ask(who, "GET", "/api/v1/tasks", &[], None).await;
    assert_eq!(tasks.status, StatusCode::OK, "{}", tasks.body);
    let items = tasks.body["items"].as_array().unwrap();
    items
        .iter()
        .filter(|task| task["id"] == *id)
        .map(|task| task["awaited"].as_str().unwrap().to_owned())
        .collect()
}

/// The level of the house on the last day.
async fn level(office: &Office, house: &str) -> Value {
    office.read(&format!("/api/v1/buildings/{house}")).await["admin_level"].clone()
}

async fn rename(office: &Office, who: &str, house: &str) -> (StatusCode, Value) {
    let uri = format!("/api/v1/buildings/{house}");
    let tag = format!("\"{}\"", office.read(&uri).await["version_id"].as_str().unwrap());
    let body = Some(json!({"name": format!("{who}楼")}));
    let answer = office.ask(who, "PATCH", &uri, &[("If-Match", &tag)], body).await;
    (answer.status, answer.body["code"].clone())
}

#[sqlx::test(migrations = "../migrations")]
async fn the_bureau_that_receives_accepts_by_itself_and_the_one_that_gives_does_the_rest(pool: PgPool) {
    let bureaus = bureaus(&pool).await;
    let office = &bureaus.office;
    let house = house(office, "in_use").await;
    let agree = json!({"transition": "agree"});
    let unaccepted = "guard_accepted_by_receiver";
    let opening = json!({"procedure": "hand_down", "asset_id": house});
    let id = office.made(GIVER, "/api/v1/policy-cases", opening).await;
    office
        .papers(GIVER, &id, &["proposal", "giving_consent", "receiving_consent"])
        .await;
    office
        .step_is_refused(GIVER, &id, agree.clone(), unaccepted, "DSP-20")
        .await;
    office
        .is_refused(RECEIVER, &id, ("records", accepting()), ("nothing_offered", "DSP-20"))
        .await;
    // To a bureau of another level, and to one that there is.
    office
        .is_refused(GIVER, &id, ("records", offer(&bureaus.city)), ("same_level", "DSP-20"))
        .await;
    let nobody = offer(&Uuid::now_v7().to_string());
    office
        .is_refused(GIVER, &id, ("records", nobody), ("unit_unknown", ""))
        .await;
    office.record(GIVER, &id, offer(&bureaus.district)).await;
    office
        .step_is_refused(GIVER, &id, agree.clone(), unaccepted, "DSP-20")
        .await;

    // Only somebody of the bureau that is to receive it answers, and that is all that they write in the case.
    for who in [GIVER, RECEIVING_CLERK] {
        office
            .is_refused(who, &id, ("records", accepting()), ("not_granted", "DSP-20"))
            .await;
    }
    let beside = office.send(SIBLING, &id, "records", accepting()).await;
    assert_eq!(beside.status, StatusCode::NOT_FOUND, "{}", beside.body);
    for record in [
        json!({"record": "document", "kind": "other", "name": "1号"}),
        json!({"record": "void", "no": 1, "reason": "误"}),
        json!({"record": "consent", "holder": "行", "document": "1号"}),
        json!({"record": "told", "holder": "行", "document": "1号"}),
        offer(&bureaus.district),
    ] {
        office
            .is_refused(RECEIVER, &id, ("records", record), ("not_granted", ""))
            .await;
    }
    for step in [agree.clone(), json!({"transition": "withdraw", "reason": "不要"})] {
        office.step_is_refused(RECEIVER, &id, step, "not_granted", "").await;
    }
    let seen = office
        .ask(RECEIVER, "GET", &format!("/api/v1/policy-cases/{id}"), &[], None)
        .await;
    assert_eq!(
        (
            &seen.body["within_reach"],
            &seen.body["transfer"]["may_answer"],
            &seen.body["transfer"]["answer"],
            &seen.body["transfer"]["receiver"]["name"]
        ),
        (
            &json!(false),
            &json!(true),
            &json!("waiting"),
            &json!("冷水滩区机关事务服务中心")
        )
    );
    assert_eq!(waits(office, RECEIVER, &id).await, ["accept"]);
    assert_eq!(waits(office, GIVER, &id).await, ["step"]);
    assert!(waits(office, SIBLING, &id).await.is_empty());

    // Who declines says why, who accepts by which letter; both stay on record, and the last counts.
    for (word, code) in [
        (
            json!({"record": "acceptance", "accepted": false, "on": "2026-11-21"}),
            "reason_missing",
        ),
        (
            json!({"record": "acceptance", "accepted": true, "on": "2026-11-21"}),
            "document_missing",
        ),
    ] {
        office.is_refused(RECEIVER, &id, ("records", word), (code, "")).await;
    }
    let case = office.record(RECEIVER, &id, declining()).await;
    assert_eq!(case["transfer"]["answer"], "declined");
    let refused = office
        .step_is_refused(GIVER, &id, agree.clone(), unaccepted, "DSP-20")
        .await;
    assert!(
        refused["detail"].as_str().unwrap().contains("房屋须先修缮"),
        "{refused}"
    );
    assert!(waits(office, RECEIVER, &id).await.is_empty(), "it is answered");
    let case = office.record(RECEIVER, &id, accepting()).await;
    assert_eq!(case["transfer"]["answer"], "accepted");
    let word = case["details"]["records"].as_array().unwrap().len();
    let void = json!({"record": "void", "no": word, "reason": "误"});
    office
        .is_refused(GIVER, &id, ("records", void), ("record_stands", ""))
        .await;

    // What is proposed anew is accepted anew: another paper, and another offer.
    office.papers(GIVER, &id, &["proposal"]).await;
    office
        .step_is_refused(GIVER, &id, agree.clone(), unaccepted, "DSP-20")
        .await;
    assert_eq!(office.case(&id).await["transfer"]["answer"], "changed");
    assert_eq!(waits(office, RECEIVER, &id).await, ["accept"]);
    office.record(RECEIVER, &id, accepting()).await;
    let case = office.record(GIVER, &id, offer(&bureaus.district)).await;
    assert_eq!(case["transfer"]["answer"], "waiting");
    office
        .step_is_refused(GIVER, &id, agree.clone(), unaccepted, "DSP-20")
        .await;
    // Nor does an earlier offer come back when the last one is void.
    let last = case["details"]["records"].as_array().unwrap().len();
    let void = json!({"record": "void", "no": last, "reason": "误"});
    let case = office.record(GIVER, &id, void).await;
    assert_eq!(case["transfer"], Value::Null);
    office
        .step_is_refused(GIVER, &id, agree.clone(), unaccepted, "DSP-20")
        .await;
    office.record(GIVER, &id, offer(&bureaus.district)).await;
    office.record(RECEIVER, &id, accepting()).await;
    office.go(GIVER, &id, agree).await;
    office
        .is_refused(RECEIVER, &id, ("records", declining()), ("record_closed", ""))
        .await;

    // The city does the rest, though nothing of it reaches the district's level.
    let approval = json!({"transition": "approve", "office": "bureau", "decision_no": "永政函〔2026〕30号"});
    office.go(GIVING_APPROVER, &id, approval).await;
    office.papers(GIVER, &id, &["transfer_formalities"]).await;
    office.record(GIVER, &id, list(&bureaus.city)).await;
    let hand_over = json!({"transition": "hand_over"});
    office
        .step_is_refused(GIVER, &id, hand_over.clone(), unaccepted, "DSP-20")
        .await;
    office.record(GIVER, &id, list(&bureaus.district)).await;
    office
        .step_is_refused(RECEIVER, &id, hand_over.clone(), "not_granted", "")
        .await;
    assert_eq!(rename(office, RECEIVER, &house).await.0, StatusCode::FORBIDDEN);
    office.go(GIVER, &id, hand_over).await;
    assert_eq!(level(office, &house).await, "county");
    assert_eq!(rename(office, RECEIVER, &house).await.0, StatusCode::OK);
    assert_eq!(
        rename(office, GIVER, &house).await,
        (StatusCode::FORBIDDEN, json!("out_of_scope"))
    );
    office.papers(GIVER, &id, &["registration_proof", "both_ledgers"]).await;
    office
        .step_is_refused(
            RECEIVING_CLERK,
            &id,
            json!({"transition": "register"}),
            "not_granted",
            "",
        )
        .await;
    office.go(GIVER, &id, json!({"transition": "register"})).await;
    let case = office.go(GIVER, &id, json!({"transition": "archive"})).await;
    assert_eq!(case["is_open"], false);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn nobody_accepts_what_they_propose_though_they_reach_both_levels(pool: PgPool) {
    let bureaus = bureaus(&pool).await;
    let office = &bureaus.office;
    let house = house(office, "in_use").await;
    let opening = json!({"procedure": "hand_down", "asset_id": house});
    let id = office.made(MANAGER, "/api/v1/policy-cases", opening).await;
    office
        .papers(MANAGER, &id, &["proposal", "giving_consent", "receiving_consent"])
        .await;
    office.record(MANAGER, &id, offer(&bureaus.district)).await;
    office
        .is_refused(MANAGER, &id, ("records", accepting()), ("four_eyes", "GOV-01"))
        .await;
    assert!(!waits(office, MANAGER, &id).await.contains(&"accept".to_owned()));
    office.record(SECOND, &id, accepting()).await;
    let agree = json!({"transition": "agree"});
    office
        .step_is_refused(SECOND, &id, agree.clone(), "guard_accepted_by_receiver", "DSP-20")
        .await;
    office.go(MANAGER, &id, agree).await;
    // The columns are held by the database as well.
    for columns in ["accepted_by = offered_by", "put_forward_by = accepted_by"] {
        let statement =
            format!("update policy_case_version set {columns} where object_id = $1 and upper_inf(recorded)");
        let forged = sqlx::query(sqlx::AssertSqlSafe(statement))
            .bind(id.parse::<Uuid>().unwrap())
            .execute(&pool)
            .await
            .unwrap_err();
        let problem = crate::database::refusal_of(&forged).unwrap();
        assert_eq!(
            problem.code.as_deref(),
            Some("policy_case_version_two_bureaus"),
            "{columns}"
        );
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn an_idle_house_goes_down_when_the_district_accepted_it(pool: PgPool) {
    let bureaus = bureaus(&pool).await;
    let office = &bureaus.office;
    let house = house(office, "idle").await;
    office.threshold("transfer_free").await;
    let id = office.compared(&house, &["transfer_down", "keep_use"]).await;
    office.papers(PLANNER, &id, &["receiving_consent", "proposal"]).await;
    let propose = json!({"transition": "propose", "route": "transfer_down"});
    office
        .step_is_refused(PLANNER, &id, propose, "guard_receiver_named", "DSP-20")
        .await;
    office.record(PLANNER, &id, offer(&bureaus.district)).await;
    // While routes are compared nobody is asked yet.
    office
        .is_refused(RECEIVER, &id, ("records", accepting()), ("nothing_offered", "DSP-20"))
        .await;
    office.approved(&id, "transfer_down", &[]).await;
    office.papers(GIVER, &id, &["handover_list"]).await;
    office.record(GIVER, &id, list(&bureaus.district)).await;
    let transfer = json!({"transition": "transfer"});
    office
        .step_is_refused(GIVER, &id, transfer.clone(), "guard_accepted_by_receiver", "DSP-20")
        .await;
    assert_eq!(waits(office, RECEIVER, &id).await, ["accept"]);
    office.record(RECEIVER, &id, accepting()).await;
    office.go(GIVER, &id, transfer).await;
    assert_eq!(level(office, &house).await, "county");
    // The money and the title are the city's to settle still.
    office
        .go(GIVER, &id, json!({"transition": "settle_without_sale"}))
        .await;
    prove(&pool).await.unwrap();
}

/// Who writes, with which reach, and the columns that they say anew; none where they end what is known and write nothing.
type Forged<'a> = (&'a str, (&'a str, &'a str), Option<Vec<(&'a str, String)>>);

/// A word that is written past the program.
fn word(by: &str) -> String {
    format!(
        "jsonb_insert(details::jsonb, '{{records,-1}}', jsonb_build_object('no', 99, 'by', '{by}', 'at', '2026-11-21T09:00:00Z',
            'state', state, 'fact', jsonb_build_object('record', 'acceptance', 'accepted', true, 'on', '2026-11-21',
            'document', '1号')), true)::json"
    )
}

#[sqlx::test(migrations = "../migrations")]
async fn the_database_takes_the_word_of_nobody_else(pool: PgPool) {
    let bureaus = bureaus(&pool).await;
    let office = &bureaus.office;
    let house = house(office, "in_use").await;
    let id = proposed(&bureaus, &house).await;
    let ledger = entries(&pool).await;
    let (case, asset): (Uuid, Uuid) = (id.parse().unwrap(), house.parse().unwrap());
    let columns_of = async |table: &str| -> Vec<String> {
        sqlx::query_scalar(
            "select column_name::text from information_schema.columns
              where table_schema = 'public' and table_name = $1 and is_generated = 'NEVER' order by ordinal_position",
        )
        .bind(table)
        .fetch_all(&pool)
        .await
        .unwrap()
    };
    // Ends what is known of an object and writes another version, with some columns said anew, as somebody.
    let write = async |who: &str, reach: (&str, &str), table: &str, object: Uuid, said: Option<&[(&str, String)]>| {
        let (region, level) = reach;
        let permission = if table == "spatial_unit_version" {
            "edit_assets"
        } else {
            "step_policy_cases"
        };
        let setting = json!({"person": Uuid::nil(), "actor": who, "reads": "read_registry", "writes": permission, "reaches": {
            "read_registry": [{"region": region, "level": null, "unit": null}],
            permission: [{"region": region, "level": level, "unit": null}]}});
        let columns = columns_of(table).await;
        let at = "2026-11-22T12:00:00Z";
        let mut transaction = office
            .state
            .database
            .scoped(setting.to_string(), false)
            .begin()
            .await
            .unwrap();
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "update {table} set recorded = tstzrange(lower(recorded), '{at}') where object_id = $1 and upper_inf(recorded)"
        )))
        .bind(object)
        .execute(&mut *transaction)
        .await?;
        if let Some(said) = said {
            let values: Vec<String> = columns
                .iter()
                .map(
                    |column| match (column.as_str(), said.iter().find(|(name, _)| name == column)) {
                        (_, Some((_, value))) => value.clone(),
                        ("version_id", None) => "gen_random_uuid()".to_owned(),
                        ("recorded", None) => format!("tstzrange('{at}', null)"),
                        (column, None) => column.to_owned(),
                    },
                )
                .collect();
            sqlx::query(sqlx::AssertSqlSafe(format!(
                "insert into {table} ({}) select {} from {table} where object_id = $1 and upper(recorded) = '{at}'",
                columns.join(", "),
                values.join(", ")
            )))
            .bind(object)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await
    };
    let text = |word: &str| format!("'{word}'");
    let right = [("details", word("receiver")), ("accepted_by", text("receiver"))];
    let (district, city, beside) = (("431103", "county"), ("4311", "city"), ("431102", "county"));
    let also = |more: (&'static str, String)| [right[0].clone(), right[1].clone(), more];
    let forged: [Forged<'_>; 12] = [
        // The receiver ends the case's version and goes, or says more than their word.
        ("receiver", district, None),
        ("receiver", district, Some(vec![])),
        ("receiver", district, Some(also(("state", text("agreed"))).to_vec())),
        (
            "receiver",
            district,
            Some(also(("decided_by", text("receiver"))).to_vec()),
        ),
        (
            "receiver",
            district,
            Some(also(("offered_by", text("receiver2"))).to_vec()),
        ),
        // A word without a record, a record without the word, and another's word.
        ("receiver", district, Some(vec![right[1].clone()])),
        ("receiver", district, Some(vec![right[0].clone()])),
        ("other", district, Some(right.to_vec())),
        // The bureau beside, and the one that gives, which may write all the rest.
        ("receiver", beside, Some(right.to_vec())),
        ("receiver", city, Some(right.to_vec())),
        ("giver", city, Some(vec![right[1].clone()])),
        ("giver", city, Some(vec![("handed_from", text("city"))])),
    ];
    for (who, reach, said) in &forged {
        let written = write(who, *reach, "policy_case_version", case, said.as_deref()).await;
        match &written {
            // What isn't seen can't be ended.
            Ok(()) if *reach == beside => {}
            _ => assert!(written.is_err(), "{who} {reach:?} {said:?}"),
        }
    }
    assert!(entries(&pool).await == ledger && office.case(&id).await["transfer"]["answer"] == "waiting");
    // The house doesn't change its level by itself.
    let down = [("admin_level", text("county"))];
    let same = [("name", text("改名"))];
    let forged = write("giver", city, "spatial_unit_version", asset, Some(&down)).await;
    assert!(forged.is_err());
    // The same hand writes what it may: a giver their case and their house, a receiver their word.
    write(
        "giver",
        city,
        "policy_case_version",
        case,
        Some(&[("state", "state".to_owned())]),
    )
    .await
    .unwrap();
    write("giver", city, "spatial_unit_version", asset, Some(&same))
        .await
        .unwrap();
    let ends = "update policy_case_version set recorded = tstzrange(lower(recorded), null)
                 where object_id = $1 and upper(recorded) = '2026-11-22T12:00:00Z'";
    sqlx::query("delete from policy_case_version where object_id = $1 and upper_inf(recorded)")
        .bind(case)
        .execute(&pool)
        .await
        .unwrap();
    sqlx::query(ends).bind(case).execute(&pool).await.unwrap();
    write("receiver", district, "policy_case_version", case, Some(&right))
        .await
        .unwrap();
}
