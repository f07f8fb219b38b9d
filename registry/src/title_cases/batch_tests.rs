//! Cases for many assets at once, over HTTP and a real PostGIS.

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::documents::tests::{PDF, bring};
use crate::http::AppState;
use crate::people::Role;
use crate::people::tests::person_with;
use crate::spatial_units::tests::{Answer, app, ask, ask_as};
use crate::titles::tests::{certificate, registered, with};
use crate::versioned::tests::{entries, prove};

const PREVIEWS: &str = "/api/v1/title-case-previews";
const BATCHES: &str = "/api/v1/title-case-batches";

/// A compound with two parcels and two buildings, one of them on a parcel alone; beside it a building of the next county.
struct Compound {
    app: Router,
    state: AppState,
    clerk: String,
    site: String,
    parcels: [String; 2],
    buildings: [String; 2],
    beside: String,
}

async fn made(app: &Router, path: &str, body: Value) -> String {
    let key = Uuid::now_v7().to_string();
    let uri = format!("/api/v1/{path}");
    let answer = ask(app, "POST", &uri, &[("Idempotency-Key", &key)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{uri}: {}", answer.body);
    answer.body["id"].as_str().unwrap_or_default().to_owned()
}

impl Compound {
    async fn new(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        for code in ["431102", "431103"] {
            let body = json!({"code": code, "name": code, "level": "county", "valid_from": "2010-01-01"});
            made(&app, "regions", body).await;
        }
        let asset = async |layer: &str, number: u32, region: &str| {
            let west = 111.6 + f64::from(number) * 0.002;
            let ring = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
                .map(|[x, y]| [west + x * 0.001, 26.4 + y * 0.001]);
            let body = json!({"code": format!("A{number}"), "name": format!("资产{number}"), "valid_from": "2020-01-01",
                "region_code": region, "geometry": {"type": "Polygon", "coordinates": [ring]}});
            made(&app, layer, body).await
        };
        let site = asset("sites", 0, "431102").await;
        let parcels = [asset("parcels", 1, "431102").await, asset("parcels", 2, "431102").await];
        let buildings = [
            asset("buildings", 3, "431102").await,
            asset("buildings", 4, "431102").await,
        ];
        let beside = asset("buildings", 5, "431103").await;
        for (upper, lower) in [
            (format!("sites/{site}"), &parcels[0]),
            (format!("sites/{site}"), &parcels[1]),
            (format!("sites/{site}"), &buildings[0]),
            (format!("parcels/{}", parcels[1]), &buildings[1]),
        ] {
            let body = json!({"related_id": lower, "valid_from": "2020-02-01"});
            made(&app, &format!("{upper}/relations"), body).await;
        }
        Self {
            clerk: person_with(pool, "clerk", &[Role::TitleClerk], "431102").await,
            app,
            state,
            site,
            parcels,
            buildings,
            beside,
        }
    }

    async fn ask(&self, uri: &str, body: Value) -> Answer {
        self.ask_by(uri, body, &Uuid::now_v7().to_string()).await
    }

    async fn ask_by(&self, uri: &str, body: Value, key: &str) -> Answer {
        self.state.clock.advance(time::Duration::minutes(1));
        ask_as(
            &self.app,
            Some(&self.clerk),
            "POST",
            uri,
            &[("Idempotency-Key", key)],
            Some(body),
        )
        .await
    }
}

/// What stands in the way, line by line; `-` where nothing does.
fn obstacles(answer: &Answer) -> Vec<(String, String)> {
    answer.body["items"]
        .as_array()
        .unwrap_or_else(|| panic!("{}", answer.body))
        .iter()
        .map(|line| {
            let why = line["obstacle"]["code"].as_str().unwrap_or("-").to_owned();
            (line["code"].as_str().unwrap_or_default().to_owned(), why)
        })
        .collect()
}

fn told(lines: &[(&str, &str)]) -> Vec<(String, String)> {
    lines
        .iter()
        .map(|(code, why)| ((*code).to_owned(), (*why).to_owned()))
        .collect()
}

#[sqlx::test(migrations = "../migrations")]
async fn a_site_s_parcels_and_buildings_have_cases_at_once_and_what_cannot_is_told(pool: PgPool) {
    let compound = Compound::new(&pool).await;
    let paper = bring(&compound.app, Some(&compound.clerk), "批复.pdf", PDF)
        .await
        .json()["id"]
        .clone();
    // The first parcel has a title; somebody is at the first building already.
    let title = with(
        certificate(compound.parcels[0].parse().unwrap(), "431102001002GB00001F00010001", 1),
        json!({"land_area_m2": 5000}),
    );
    let title = registered(&compound.app, title).await;
    made(&compound.app, "title-cases", json!({"asset_id": compound.buildings[0]})).await;
    let body = json!({"site_id": compound.site, "policy_action": "first_register", "reason": "集中补办",
        "documents": [{"kind": "application", "name": "批量补办登记的批复", "file": paper}]});
    let before = entries(&pool).await;
    let preview = compound.ask(PREVIEWS, body.clone()).await;
    assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
    let expected = told(&[("A1", "titled"), ("A2", "-"), ("A3", "case_pending"), ("A4", "-")]);
    assert_eq!(obstacles(&preview), expected);
    assert_eq!(
        (&preview.body["opened"], &preview.body["left_out"]),
        (&json!(2), &json!(2))
    );
    assert!(
        preview.body["items"][2]["obstacle"]["zh"]
            .as_str()
            .unwrap()
            .contains("正在办理")
    );
    assert!(preview.body["items"][2]["case_id"].is_string());
    assert_eq!(entries(&pool).await, before, "a preview writes nothing");

    let key = Uuid::now_v7().to_string();
    let opened = compound.ask_by(BATCHES, body.clone(), &key).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    assert_eq!(obstacles(&opened), expected);
    // An entry in the ledger for each case.
    assert_eq!(entries(&pool).await, before + 2);
    for (place, asset) in [(1, &compound.parcels[1]), (3, &compound.buildings[1])] {
        let id = opened.body["items"][place]["case_id"].as_str().unwrap();
        let case = ask(&compound.app, "GET", &format!("/api/v1/title-cases/{id}"), &[], None).await;
        assert_eq!(
            (
                &case.body["asset"]["id"],
                &case.body["opened_by"],
                &case.body["details"]["policy_action"],
                &case.body["details"]["documents"][0]["file"]
            ),
            (&json!(asset), &json!("clerk"), &json!("first_register"), &paper),
            "{}",
            case.body
        );
        let told: (String, Option<String>) =
            sqlx::query_as("select actor, reason from ledger_entry where object_id = $1::uuid")
                .bind(id)
                .fetch_one(&pool)
                .await
                .unwrap();
        assert_eq!(told, ("clerk".to_owned(), Some("集中补办".to_owned())));
    }
    // The same request again opens nothing more; another finds them taken.
    let again = compound.ask_by(BATCHES, body.clone(), &key).await;
    assert_eq!(again.body, opened.body);
    let late = compound.ask(BATCHES, body).await;
    assert_eq!(
        (late.status, &late.body["code"]),
        (StatusCode::CONFLICT, &json!("nothing_to_open")),
        "{}",
        late.body
    );
    assert_eq!(entries(&pool).await, before + 2);
    // What has a title is put into the bureau's name: its case knows title and unit.
    let named = compound
        .ask(BATCHES, json!({"codes": ["A1", "A3"], "policy_action": "re_register"}))
        .await;
    assert_eq!(obstacles(&named), told(&[("A1", "-"), ("A3", "case_pending")]));
    assert_eq!(
        (
            &named.body["items"][0]["title_id"],
            &named.body["items"][0]["unit_code"]
        ),
        (&json!(title.rsplit('/').next()), &json!("431102001002GB00001F00010001"))
    );
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_lies_elsewhere_is_unknown_or_is_no_more_is_left_out_by_its_reason(pool: PgPool) {
    let compound = Compound::new(&pool).await;
    // Seen as a viewer of both, and worked on in one's own county alone.
    person_with(&pool, "clerk", &[Role::Viewer], "431103").await;
    let at = format!("/api/v1/buildings/{}", compound.buildings[0]);
    let tag = ask(&compound.app, "GET", &at, &[], None).await.etag.unwrap();
    let end = json!({"valid_to": "2026-11-01", "reason": "拆除"});
    let ended = ask(
        &compound.app,
        "POST",
        &format!("{at}/closures"),
        &[("If-Match", &tag)],
        Some(end),
    )
    .await;
    assert!(ended.status.is_success(), "{}", ended.body);
    let nobody = Uuid::now_v7();
    let body = json!({"asset_ids": [compound.buildings[0], compound.beside, compound.site, nobody, compound.parcels[0], compound.parcels[0]],
        "codes": ["A2", "nothing", "A1"]});
    let preview = compound.ask(PREVIEWS, body).await;
    assert_eq!(
        obstacles(&preview),
        told(&[
            ("A3", "no_more"),
            ("A5", "out_of_scope"),
            ("", "not_found"),
            ("", "not_found"),
            ("A1", "-"),
            ("A2", "-"),
            ("nothing", "not_found"),
        ]),
        "{}",
        preview.body
    );
    // Entries and changes of titles need a title.
    for (action, why) in [("seizure", "no_title"), ("change", "no_title"), ("re_register", "-")] {
        let preview = compound
            .ask(PREVIEWS, json!({"codes": ["A1"], "policy_action": action}))
            .await;
        assert_eq!(obstacles(&preview), told(&[("A1", why)]), "{action}");
    }
    let before = entries(&pool).await;
    for (body, code, field) in [
        (json!({}), "invalid", "asset_ids"),
        (json!({"site_id": nobody}), "site_empty", "site_id"),
        (
            json!({"codes": (0..501).map(|n| n.to_string()).collect::<Vec<_>>()}),
            "too_many",
            "asset_ids",
        ),
        (
            json!({"codes": ["A1"], "documents": [{"kind": "poem", "name": "诗"}]}),
            "invalid",
            "documents[0].kind",
        ),
    ] {
        for uri in [PREVIEWS, BATCHES] {
            let refused = compound.ask(uri, body.clone()).await;
            assert_eq!(
                (refused.status, &refused.body["field"]),
                (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
                "{}",
                refused.body
            );
            assert!(code == "invalid" || refused.body["code"] == code, "{}", refused.body);
        }
    }
    // A paper that isn't there stops all of them.
    let stray =
        json!({"codes": ["A1", "A2"], "documents": [{"kind": "application", "name": "申请书", "file": nobody}]});
    let refused = compound.ask(BATCHES, stray).await;
    assert_eq!(
        (&refused.body["code"], &refused.body["field"]),
        (&json!("file_unknown"), &json!("documents[0].file"))
    );
    assert_eq!(entries(&pool).await, before, "nothing is half done");
    let viewer = person_with(&pool, "viewer", &[Role::Viewer], "all").await;
    let refused = ask_as(
        &compound.app,
        Some(&viewer),
        "POST",
        PREVIEWS,
        &[],
        Some(json!({"codes": ["A1"]})),
    )
    .await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (StatusCode::FORBIDDEN, &json!("not_granted"))
    );
}
