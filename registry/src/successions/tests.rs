//! Splits and merges, over a real PostGIS, through the router.

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
}

/// A rectangle, in thousandths of a degree from 111.6 east, 26.4 north.
fn outline(west: f64, east: f64) -> Value {
    let ring = [[west, 0.0], [east, 0.0], [east, 1.0], [west, 1.0], [west, 0.0]]
        .map(|[x, y]| [111.6 + x * 0.001, 26.4 + y * 0.001]);
    json!({"type": "Polygon", "coordinates": [ring]})
}

fn code(number: u32) -> String {
    format!("431103001002GB{number:05}W00000000")
}

impl Office {
    async fn open(pool: &PgPool) -> Self {
        let (app, state) = app(pool).await;
        Self {
            app,
            state,
            pool: pool.clone(),
        }
    }

    async fn post(&self, uri: &str, body: Value) -> Answer {
        self.state.clock.advance(time::Duration::minutes(1));
        let key = Uuid::now_v7().to_string();
        ask(&self.app, "POST", uri, &[("Idempotency-Key", &key)], Some(body)).await
    }

    async fn made(&self, uri: &str, body: Value) -> String {
        let answer = self.post(uri, body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
        answer.body["id"].as_str().unwrap_or_default().to_owned()
    }

    async fn asset(&self, layer: &str, west: f64, east: f64, more: Value) -> String {
        let mut body = json!({"valid_from": "2020-01-01", "geometry": outline(west, east)});
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        self.made(&format!("/api/v1/{layer}"), body).await
    }

    async fn get(&self, uri: &str) -> Answer {
        ask(&self.app, "GET", uri, &[], None).await
    }

    async fn read(&self, uri: &str) -> Value {
        let answer = self.get(uri).await;
        assert_eq!(answer.status, StatusCode::OK, "{uri}: {}", answer.body);
        answer.body
    }

    /// The old ones as they stand now.
    async fn from(&self, ids: &[&str]) -> Value {
        let mut from = Vec::new();
        for id in ids {
            let version = self.read(&format!("/api/v1/parcels/{id}")).await["version_id"].clone();
            from.push(json!({"id": id, "version_id": version}));
        }
        json!(from)
    }

    async fn split(&self, from: &[&str], pieces: Value) -> Answer {
        let body = json!({"on": "2026-11-01", "from": self.from(from).await, "pieces": pieces, "survey": "权籍调查〔2026〕7号",
                          "consent": "永自然资函〔2026〕9号", "reason": "分割"});
        self.post("/api/v1/successions", body).await
    }

    /// Refused by its code, and nothing is written.
    async fn is_refused(&self, from: &[&str], pieces: Value, code: &str) -> Value {
        let before = entries(&self.pool).await;
        let answer = self.split(from, pieces).await;
        assert!(
            answer.status.is_client_error(),
            "{code}: {} {}",
            answer.status,
            answer.body
        );
        assert_eq!(answer.body["code"], code, "{}", answer.body);
        assert_eq!(entries(&self.pool).await, before, "{code}");
        answer.body
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn one_parcel_becomes_two_on_a_day_and_the_day_before_shows_the_old(pool: PgPool) {
    let office = Office::open(&pool).await;
    let site = office.asset("sites", 0.0, 2.0, json!({"name": "市委大院"})).await;
    let old = office
        .asset(
            "parcels",
            0.0,
            2.0,
            json!({"code": "P1", "name": "旧宗地", "unit_code": code(1), "usage": "administrative_office", "registered_area_m2": 22_000.0}),
        )
        .await;
    let house = office.asset("buildings", 1.4, 1.6, json!({"name": "东楼"})).await;
    for (layer, upper, lower) in [("sites", &site, &old), ("parcels", &old, &house)] {
        let body = json!({"related_id": lower, "valid_from": "2020-01-01"});
        let answer = office.post(&format!("/api/v1/{layer}/{upper}/relations"), body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    }
    // A line tells the pieces, and writes nothing.
    let before = entries(&pool).await;
    let line = json!({"type": "LineString", "coordinates": [[111.601, 26.39], [111.601, 26.41]]});
    let question = json!({"from_ids": [old], "cut": line});
    let preview = office.post("/api/v1/succession-previews", question).await.body;
    assert_eq!(
        (
            &preview["kind"],
            &preview["is_conserved"],
            preview["pieces"].as_array().map(Vec::len)
        ),
        (&json!("split"), &json!(true), Some(2)),
        "{preview}"
    );
    let beside = json!({"type": "LineString", "coordinates": [[111.61, 26.39], [111.61, 26.41]]});
    let missed = office
        .post("/api/v1/succession-previews", json!({"from_ids": [old], "cut": beside}))
        .await;
    assert_eq!(missed.body["code"], "cut_divides_nothing");
    assert_eq!(entries(&pool).await, before);
    let pieces = json!([
        {"geometry": preview["pieces"][0]["geometry"], "code": "P1-1", "name": "西", "unit_code": code(2)},
        {"geometry": preview["pieces"][1]["geometry"], "code": "P1-2", "name": "东", "unit_code": code(3)},
    ]);
    let answer = office.split(&[&old], pieces).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let new: Vec<String> = serde_json::from_value(answer.body["to_ids"].clone()).unwrap();
    // The day before shows the old one, the day itself the new ones, which took over what it said.
    let old_at = format!("/api/v1/parcels/{old}");
    let then = office.read(&format!("{old_at}?as_of=2026-10-31")).await;
    assert_eq!(then["unit_code"], json!(code(1)));
    assert_eq!(
        office.get(&format!("{old_at}?as_of=2026-11-01")).await.status,
        StatusCode::NOT_FOUND
    );
    for (id, name) in new.iter().zip(["西", "东"]) {
        let at = format!("/api/v1/parcels/{id}");
        let now = office.read(&at).await;
        assert_eq!(
            (&now["name"], &now["usage"], &now["registered_area_m2"]),
            (&json!(name), &json!("administrative_office"), &Value::Null)
        );
        assert_eq!(
            office.get(&format!("{at}?as_of=2026-10-31")).await.status,
            StatusCode::NOT_FOUND
        );
        assert_eq!(now["sites"][0]["id"], json!(site), "{now}");
    }
    // The house stands on the piece that is under it.
    let stands_on = |parcel: &Value| parcel["buildings"].as_array().map(Vec::len);
    assert_eq!(
        stands_on(&office.read(&format!("/api/v1/parcels/{}", new[0])).await),
        Some(0)
    );
    assert_eq!(
        stands_on(&office.read(&format!("/api/v1/parcels/{}", new[1])).await),
        Some(1)
    );
    // From either end the other is found.
    for id in [&old, &new[0], &new[1]] {
        let told = office.read(&format!("/api/v1/successions?asset={id}")).await;
        assert_eq!(
            (&told[0]["from"][0]["id"], &told[0]["to"][1]["id"], &told[0]["on"]),
            (&json!(old), &json!(new[1]), &json!("2026-11-01")),
            "{told}"
        );
    }
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
    // Whoever alters the record is found out.
    sqlx::query("update succession_version set survey = 'x'")
        .execute(&pool)
        .await
        .unwrap();
    assert!(prove(&pool).await.is_err());
}

#[sqlx::test(migrations = "../migrations")]
async fn what_does_not_cover_the_ground_is_refused_with_the_areas(pool: PgPool) {
    let office = Office::open(&pool).await;
    let old = office
        .asset("parcels", 0.0, 2.0, json!({"code": "P1", "unit_code": code(1)}))
        .await;
    let pieces = |west: [f64; 2], east: [f64; 2]| json!([{"geometry": outline(west[0], west[1])}, {"geometry": outline(east[0], east[1])}]);
    for (what, wrong) in [
        ("missing_m2", pieces([0.0, 0.9], [1.0, 2.0])),
        ("overlap_m2", pieces([0.0, 1.1], [1.0, 2.0])),
        ("outside_m2", pieces([0.0, 1.0], [1.0, 2.1])),
    ] {
        let refused = office.is_refused(&[&old], wrong, "area_not_conserved").await;
        assert_eq!(refused["rule"]["id"], "GEO-14", "{refused}");
        let evidence = &refused["rule"]["evidence"];
        assert!(
            evidence[what].as_f64() > evidence["tolerance_m2"].as_f64(),
            "{what}: {evidence}"
        );
    }
    // Within a thousandth it is a surveyor's rounding.
    let near = office.split(&[&old], pieces([0.0, 0.999], [0.9995, 2.0])).await;
    assert_eq!(near.status, StatusCode::CREATED, "{}", near.body);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_split_or_merge_is_refused_by_what_holds_the_old_ones(pool: PgPool) {
    let office = Office::open(&pool).await;
    let west = office
        .asset("parcels", 0.0, 1.0, json!({"code": "W", "unit_code": code(1)}))
        .await;
    let east = office
        .asset("parcels", 1.0, 2.0, json!({"code": "E", "unit_code": code(2)}))
        .await;
    let halves = json!([{"geometry": outline(0.0, 0.5)}, {"geometry": outline(0.5, 1.0)}]);
    let one = |more: Value| {
        let mut piece = json!({"geometry": outline(0.0, 2.0)});
        for (field, value) in more.as_object().unwrap() {
            piece[field] = value.clone();
        }
        json!([piece])
    };
    let both = [west.as_str(), east.as_str()];
    office
        .is_refused(
            &[&west],
            json!([{"geometry": outline(0.0, 1.0)}]),
            "neither_split_nor_merge",
        )
        .await;
    // A code is never used again.
    for taken in [code(1), code(2)] {
        office
            .is_refused(&both, one(json!({"unit_code": taken})), "unit_code_taken")
            .await;
    }
    office.is_refused(&both, one(json!({"code": "E"})), "code_taken").await;
    let crossed = json!({"type": "Polygon", "coordinates": [[[111.6, 26.4], [111.602, 26.401], [111.602, 26.4], [111.6, 26.401], [111.6, 26.4]]]});
    let unsound = office
        .is_refused(&both, json!([{"geometry": crossed}]), "shape_unsound")
        .await;
    assert_eq!(unsound["rule"]["id"], "GEO-01");
    // A pending case holds what it is about.
    let case = office
        .made("/api/v1/title-cases", json!({"asset_id": west, "unit_code": code(1)}))
        .await;
    office.is_refused(&[&west], halves.clone(), "case_pending").await;
    let at = format!("/api/v1/title-cases/{case}");
    let tag = office.get(&at).await.etag.unwrap();
    let drop = json!({"transition": "drop", "reason": "合并办理"});
    let dropped = ask(
        &office.app,
        "POST",
        &format!("{at}/transitions"),
        &[("If-Match", &tag)],
        Some(drop),
    )
    .await;
    assert_eq!(dropped.status, StatusCode::OK, "{}", dropped.body);
    let idle = json!({"asset_id": west, "cause": "surplus", "evidence": "巡查", "idle_since": "2026-10-01"});
    let opened = office.post("/api/v1/idle-records", idle).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.body);
    office.is_refused(&[&west], halves, "idle_record_open").await;
    // What a current title lies on is a matter for a title case.
    let title = json!({
        "evidence": "both", "unit_code": code(2), "cert_no": "湘(2018)冷水滩区不动产权第0000002号", "right_type": "3",
        "holders": [{"name": "永州市机关事务管理局", "kind": "bureau"}], "parcel_ids": [east], "recorded_on": "2018-05-01",
    });
    office.made("/api/v1/titles", title).await;
    let east_halves = json!([{"geometry": outline(1.0, 1.5)}, {"geometry": outline(1.5, 2.0)}]);
    let refused = office.is_refused(&[&east], east_halves, "title_case_needed").await;
    assert!(refused["remedy"].as_str().unwrap().contains("split_merge"), "{refused}");
}

#[sqlx::test(migrations = "../migrations")]
async fn several_become_one_that_was_imported_before(pool: PgPool) {
    let office = Office::open(&pool).await;
    let west = office
        .asset(
            "parcels",
            0.0,
            1.0,
            json!({"code": "W", "usage": "administrative_office"}),
        )
        .await;
    let east = office
        .asset("parcels", 1.0, 2.0, json!({"code": "E", "usage": "commercial"}))
        .await;
    let whole = office.asset("parcels", 0.0, 2.0, json!({"code": "N"})).await;
    // Whoever read an older version is told.
    let mut stale = office.from(&[&west, &east]).await;
    stale[0]["version_id"] = json!(Uuid::now_v7());
    let body = json!({"on": "2026-11-01", "from": stale, "pieces": [{"id": whole}], "survey": "s", "reason": "合并"});
    let refused = office.post("/api/v1/successions", body).await;
    assert_eq!(refused.status, StatusCode::PRECONDITION_FAILED, "{}", refused.body);
    let answer = office.split(&[&west, &east], json!([{"id": whole}])).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let told = office.read(&format!("/api/v1/successions?asset={whole}")).await;
    assert_eq!(
        (&told[0]["kind"], &told[0]["to"][0]["code"]),
        (&json!("merge"), &json!("N"))
    );
    assert_eq!(
        office.get(&format!("/api/v1/parcels/{west}")).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

/// A part of the registry divides and joins what lies in it; what it doesn't hold whole stays as it is.
#[sqlx::test(migrations = "../migrations")]
async fn a_part_divides_and_joins_what_lies_in_it_alone(pool: PgPool) {
    let office = Office::open(&pool).await;
    for region in ["431102", "431103"] {
        let body = json!({"code": region, "name": region, "level": "county", "valid_from": "2019-01-01"});
        office.made("/api/v1/regions", body).await;
    }
    let inside = json!({"region_code": "431102", "admin_level": "county"});
    let mut parcels = Vec::new();
    for (west, region, level) in [
        (0.0, "431102", "county"),
        (1.0, "431102", "county"),
        (2.0, "431103", "county"),
        (3.0, "431102", "city"),
    ] {
        let more = json!({"region_code": region, "admin_level": level});
        parcels.push(office.asset("parcels", west, west + 1.0, more).await);
    }
    let roles = [Role::AssetManager];
    let narrow = person_with(&pool, "narrow", &roles, "431102").await;
    let beside = person_with(&pool, "beside", &roles, "431103").await;
    // Reads everything, edits its own level of one county.
    person_with(&pool, "wide", &[Role::Viewer], "all").await;
    let wide = person_with(&pool, "wide", &roles, "431102").await;
    sqlx::query("update person_grant set level = 'county' where role = 'asset_manager' and person_id = (select id from person where username = 'wide')")
        .execute(&pool)
        .await
        .unwrap();
    let ask_of = async |token: &str, from: &[&str], pieces: &[(f64, f64)]| {
        let pieces: Vec<Value> = pieces
            .iter()
            .map(|(west, east)| json!({"geometry": outline(*west, *east)}))
            .collect();
        // What was divided is joined again some days later.
        let on = if from.len() == 3 { "2026-11-10" } else { "2026-11-01" };
        let body = json!({"on": on, "from": office.from(from).await, "pieces": pieces, "survey": "权籍调查〔2026〕7号",
                          "consent": "永自然资函〔2026〕9号", "reason": "分割、合并"});
        office.state.clock.advance(time::Duration::minutes(1));
        let key = Uuid::now_v7().to_string();
        ask_as(
            &office.app,
            Some(token),
            "POST",
            "/api/v1/successions",
            &[("Idempotency-Key", &key)],
            Some(body),
        )
        .await
    };
    let halves: &[(f64, f64)] = &[(0.0, 0.5), (0.5, 1.0)];
    let [a, b, c, d] = [0, 1, 2, 3].map(|place| parcels[place].as_str());
    let before = entries(&pool).await;
    for (who, token, from, pieces, status) in [
        ("beside", &beside, &[a][..], halves, StatusCode::UNPROCESSABLE_ENTITY),
        // One of the two lies outside: not seen by the one, not to be edited by the other.
        (
            "narrow",
            &narrow,
            &[b, c],
            &[(1.0, 3.0)],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        ("wide", &wide, &[b, c], &[(1.0, 3.0)], StatusCode::FORBIDDEN),
        (
            "beside",
            &beside,
            &[b, c],
            &[(1.0, 3.0)],
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        // In the county, and the city's.
        ("wide", &wide, &[d], &[(3.0, 3.5), (3.5, 4.0)], StatusCode::FORBIDDEN),
    ] {
        let answer = ask_of(token, from, pieces).await;
        assert_eq!(answer.status, status, "{who} {from:?}: {}", answer.body);
        if status == StatusCode::FORBIDDEN {
            assert_eq!(answer.body["code"], "out_of_scope", "{who}: {}", answer.body);
        } else {
            // As one that was never registered.
            assert_eq!(answer.body["field"], "from_ids", "{who}: {}", answer.body);
        }
    }
    assert_eq!(entries(&pool).await, before);
    for id in &parcels {
        assert_eq!(
            office.read(&format!("/api/v1/parcels/{id}")).await["valid_to"],
            Value::Null
        );
        assert_eq!(office.read(&format!("/api/v1/successions?asset={id}")).await, json!([]));
    }
    // What lies inside is divided, and the pieces lie there too; with the neighbour it becomes one again.
    let divided = ask_of(&narrow, &[a], halves).await;
    assert_eq!(divided.status, StatusCode::CREATED, "{}", divided.body);
    let pieces: Vec<String> = serde_json::from_value(divided.body["to_ids"].clone()).unwrap();
    let piece = office.read(&format!("/api/v1/parcels/{}", pieces[0])).await;
    assert_eq!(
        (&piece["region"]["code"], &piece["admin_level"]),
        (&inside["region_code"], &inside["admin_level"])
    );
    let joined = ask_of(&wide, &[&pieces[0], &pieces[1], b], &[(0.0, 2.0)]).await;
    assert_eq!(joined.status, StatusCode::CREATED, "{}", joined.body);
    prove(&pool).await.unwrap();
}
