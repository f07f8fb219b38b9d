//! Over a real PostGIS, under the application's role.

mod afresh;
mod door;
mod planted;
mod rules;
mod splits;

use std::collections::BTreeMap;

use axum::Router;
use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::checks::begin_check;
use crate::checks::follow::look_again;
use crate::checks::rule::catalogue;
use crate::checks::run::{Scope, run_rule};
use crate::http::AppState;
use crate::ids::SpatialUnitId;
use crate::ledger::{EntryId, FollowedEntry, ObjectKind};
use crate::request::Actor;
use crate::spatial_units::tests::ask;

pub(super) async fn check_everything(state: &AppState) -> BTreeMap<String, crate::checks::RuleOutcome> {
    begin_check(&state.database, &state.clock, &Actor("tester".to_owned()), None)
        .await
        .unwrap()
        .carry_out(&state.database, &state.clock, |_, _| {})
        .await
        .unwrap()
}

pub(super) async fn every_page(app: &Router, address: &str) -> Vec<Value> {
    let mut items = Vec::new();
    let mut next = Some(address.to_owned());
    while let Some(address) = next {
        let page = ask(app, "GET", &address, &[], None).await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        items.extend(page.body["items"].as_array().unwrap().clone());
        next = page.body["next"].as_str().map(ToOwned::to_owned);
    }
    items
}

/// A square, some metres east of a place in Changzhou.
pub(super) fn square(east_m: f64, side_m: f64) -> Value {
    let (lon, lat) = (1.0 / 94_700.0, 1.0 / 110_870.0);
    let (west, south) = (119.95 + east_m * lon, 31.78);
    let (east, north) = (west + side_m * lon, south + side_m * lat);
    json!({"type": "Polygon", "coordinates":
        [[[west, south], [east, south], [east, north], [west, north], [west, south]]]})
}

pub(super) async fn register(app: &Router, layer: &str, key: &str, body: Value) -> (Uuid, String) {
    let address = format!("/api/v1/{layer}");
    let answer = ask(app, "POST", &address, &[("Idempotency-Key", key)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    let id = answer.body["id"].as_str().unwrap().parse().unwrap();
    (id, answer.etag.unwrap())
}

pub(super) async fn change(app: &Router, layer: &str, id: Uuid, etag: &str, body: Value) -> String {
    let address = format!("/api/v1/{layer}/{id}");
    let answer = ask(app, "PATCH", &address, &[("If-Match", etag)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.etag.unwrap()
}

/// As if the ledger had told of it.
pub(super) async fn changed(state: &AppState, kind: ObjectKind, id: Uuid) {
    let entry = FollowedEntry {
        seq: 1,
        entry_id: EntryId::fresh(),
        object_kind: Some(kind),
        object_id: id,
        action: None,
    };
    look_again(&state.database, &state.clock, &[entry]).await.unwrap();
}

pub(super) async fn open(app: &Router, rule: &str) -> Vec<Value> {
    every_page(app, &format!("/api/v1/findings?rule={rule}")).await
}

pub(super) async fn found_by(state: &AppState, rule: &str, objects: Option<Vec<Uuid>>) -> u64 {
    let catalogue = catalogue().unwrap();
    let scope = objects.map_or(Scope::All, Scope::Objects);
    let at = (state.clock.today(), state.clock.now());
    run_rule(&state.database, catalogue, &catalogue.rules[rule], at, &scope)
        .await
        .unwrap()
        .found
}

/// A parcel with a code that the interface would refuse, as an older system may have left it.
async fn stored(pool: &PgPool, unit_code: &str) -> Uuid {
    let id = SpatialUnitId::fresh().0;
    let mut transaction = pool.begin().await.unwrap();
    sqlx::query("insert into spatial_unit (id, kind, created_at) values ($1, 'parcel', '2026-01-01')")
        .bind(id)
        .execute(&mut *transaction)
        .await
        .unwrap();
    sqlx::query(
        "insert into spatial_unit_version (version_id, object_id, kind, valid, recorded, unit_code)
         values (gen_random_uuid(), $1, 'parcel', daterange('2020-01-01', null), tstzrange('2026-01-01', null), $2)",
    )
    .bind(id)
    .bind(unit_code)
    .execute(&mut *transaction)
    .await
    .unwrap();
    transaction.commit().await.unwrap();
    id
}
