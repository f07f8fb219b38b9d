//! What changes is looked at again.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::{change, changed, check_everything, every_page, open, register, square};
use crate::ledger::ObjectKind;
use crate::spatial_units::tests::{app, ask};

#[sqlx::test(migrations = "../migrations")]
async fn a_change_is_looked_at_again_with_what_lies_around(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (one, _) = register(
        &app,
        "parcels",
        "one",
        json!({"code": "one", "geometry": square(0.0, 30.0)}),
    )
    .await;
    let (other, etag) = register(
        &app,
        "parcels",
        "other",
        json!({"code": "other", "geometry": square(28.0, 30.0)}),
    )
    .await;
    changed(&state, ObjectKind::Parcel, other).await;
    let found = open(&app, "GEO-02").await;
    assert_eq!(found.len(), 1, "{found:?}");
    let area = found[0]["evidence"]["overlap_m2"].as_f64().unwrap();
    assert!((area - 60.0).abs() < 0.5, "{area}");
    let ends: BTreeSet<&str> = ["object_id", "other_id"]
        .iter()
        .map(|end| found[0][*end].as_str().unwrap())
        .collect();
    assert_eq!(
        ends,
        [one.to_string(), other.to_string()]
            .iter()
            .map(String::as_str)
            .collect()
    );

    // It moves away: put right, and the other end of the pair does not keep it alive.
    let etag = change(&app, "parcels", other, &etag, json!({"geometry": square(30.0, 30.0)})).await;
    changed(&state, ObjectKind::Parcel, other).await;
    assert_eq!(open(&app, "GEO-02").await, [] as [Value; 0]);
    let resolved = every_page(&app, "/api/v1/findings?state=resolved").await;
    assert_eq!(resolved.len(), 1);
    assert!(resolved[0]["resolved_at"].is_string());

    // It comes back: the same finding, new again.
    change(&app, "parcels", other, &etag, json!({"geometry": square(28.0, 30.0)})).await;
    changed(&state, ObjectKind::Parcel, other).await;
    let again = open(&app, "GEO-02").await;
    assert_eq!((again.len(), &again[0]["id"]), (1, &found[0]["id"]));
    assert_eq!(again[0]["state"], "new");

    // A building at fault because its parcel changed, though nobody touched the building.
    let (building, _) = register(
        &app,
        "buildings",
        "b",
        json!({"code": "b", "geometry": square(200.0, 10.0)}),
    )
    .await;
    let (parcel, etag) = register(
        &app,
        "parcels",
        "p",
        json!({"code": "p", "geometry": square(195.0, 30.0)}),
    )
    .await;
    let related = ask(
        &app,
        "POST",
        &format!("/api/v1/parcels/{parcel}/relations"),
        &[("Idempotency-Key", "r")],
        Some(json!({"related_id": building})),
    )
    .await;
    assert_eq!(related.status, StatusCode::CREATED, "{}", related.body);
    changed(&state, ObjectKind::Relation, parcel).await;
    assert_eq!(open(&app, "GEO-04").await, [] as [Value; 0]);
    change(&app, "parcels", parcel, &etag, json!({"geometry": square(203.0, 30.0)})).await;
    changed(&state, ObjectKind::Parcel, parcel).await;
    let outside = open(&app, "GEO-04").await;
    assert_eq!(outside[0]["object_id"].as_str().unwrap(), building.to_string());
    assert!(
        (outside[0]["evidence"]["outside_m2"].as_f64().unwrap() - 30.0).abs() < 0.5,
        "{outside:?}"
    );
    // What was looked at in part is what is found as a whole.
    let before: Vec<(Uuid, i64)> = sqlx::query_as("select id, revision from finding order by id")
        .fetch_all(&pool)
        .await
        .unwrap();
    check_everything(&state).await;
    let after: Vec<(Uuid, i64)> = sqlx::query_as("select id, revision from finding order by id")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(before, after);
}
