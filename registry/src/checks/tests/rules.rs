//! Each rule fires where it should.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{change, changed, found_by, open, register, square, stored};
use crate::ledger::ObjectKind;
use crate::spatial_units::tests::{app, ask};

/// Cases that the demo city has none of: what fires, and what comes near and must not.
#[sqlx::test(migrations = "../migrations")]
async fn each_rule_fires_where_it_should_and_only_there(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let region = |code: &str, shape: Option<Value>| json!({"code": code, "name": code, "level": "county", "valid_from": "2000-01-01", "geometry": shape});
    let wide = json!({"type": "MultiPolygon", "coordinates": [[[[119.9, 31.7], [120.0, 31.7], [120.0, 31.9], [119.9, 31.9], [119.9, 31.7]]]]});
    register(&app, "regions", "320404", region("320404", Some(wide))).await;
    let good = "320404001002GB00015W00000000";
    let mut number = 0;
    let mut parcel = async |body: Value| {
        number += 1;
        let mut body = body;
        let place = f64::from(number) * 100.0;
        let fields = body.as_object_mut().unwrap();
        fields.entry("geometry").or_insert_with(|| square(place, 30.0));
        fields.entry("code").or_insert_with(|| json!(format!("P{number}")));
        fields.entry("valid_from").or_insert_with(|| json!("2020-01-01"));
        register(&app, "parcels", &format!("p{number}"), body).await.0
    };

    // COD-01: every valid example of the standard is quiet, every invalid one is not.
    for (code, fires) in [
        ("431103001002GB00015F00010001", false),
        (good, false),
        ("431103001002GB00015F99990001", false),
        ("320404003007GX00003F00010001", false),
        ("530102005011GW00002W00000000", false),
        ("431103001002GB0015F00010001", true),
        ("431103001002GK00015F00010001", true),
        ("431103001002GB00015W00000001", true),
        ("431103001002gb00015F00010001", true),
        ("431103001002GA00015W00000000", true),
        ("431100001002GB00015F00010001", true),
        ("431103001002GB00000W00000000", true),
        ("431103001002GBO0015F00010001", true),
        ("431103001002GB00015F00000001", true),
    ] {
        let id = stored(&pool, code).await;
        assert_eq!(
            found_by(&state, "COD-01", Some(vec![id])).await,
            u64::from(fires),
            "{code}"
        );
    }
    assert_eq!(found_by(&state, "COD-01", None).await, 9);
    sqlx::query(
        "update spatial_unit_version set recorded = tstzrange(lower(recorded), lower(recorded) + interval '1 s')",
    )
    .execute(&pool)
    .await
    .unwrap();

    // COD-06: F where nothing stands.
    let empty = parcel(json!({"unit_code": "320404001002GB00016F00010001"})).await;
    assert_eq!(found_by(&state, "COD-06", Some(vec![empty])).await, 1);
    // COD-08 and GEO-08: a region that nobody registered, and one that it does not lie in.
    let id = parcel(json!({"region_code": "320404"})).await;
    assert_eq!(found_by(&state, "COD-08", Some(vec![id])).await, 0);
    assert_eq!(found_by(&state, "GEO-08", Some(vec![id])).await, 0);
    sqlx::query("update spatial_unit_version set region_code = '329999' where object_id = $1")
        .bind(id)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(found_by(&state, "COD-08", Some(vec![id])).await, 1);
    let far = parcel(json!({"region_code": "320404", "geometry": square(90_000.0, 30.0)})).await;
    assert_eq!(found_by(&state, "GEO-08", Some(vec![far])).await, 1);
    // COD-09: three digits are the edition of 2007 and no other.
    for (scheme, code, fires) in [
        ("GB21010-2007", "081", false),
        ("GB21010-2007", "0801", true),
        ("GB21010-2017", "0801", false),
        ("YDYH-2023", "0801", false),
        ("YDYH-2023", "081", true),
    ] {
        let id = stored(&pool, good).await;
        sqlx::query("update spatial_unit_version set land_use_scheme = $2, land_use_code = $3 where object_id = $1")
            .bind(id)
            .bind(scheme)
            .bind(code)
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(
            found_by(&state, "COD-09", Some(vec![id])).await,
            u64::from(fires),
            "{scheme} {code}"
        );
    }
    // COD-11: a check character that is right, and one that is not; a bureau's own code has none.
    for (code, fires) in [
        ("91350100M000100Y43", false),
        ("91350100M000100Y44", true),
        ("BUREAU-1", false),
    ] {
        let unit = json!({"code": code, "name": code, "level": "city", "kind": "government_organ"});
        let (id, _) = register(&app, "units", code, unit).await;
        assert_eq!(
            found_by(&state, "COD-11", Some(vec![id])).await,
            u64::from(fires),
            "{code}"
        );
        assert_eq!(found_by(&state, "SPC-09", Some(vec![id])).await, 1);
    }
    // GEO-02: what is underground is not compared with what is on the ground.
    let ground = parcel(json!({"unit_code": "320404001002GB00031W00000000", "geometry": square(5_000.0, 30.0)})).await;
    let below = parcel(json!({"unit_code": "320404001002GX00031W00000000", "geometry": square(5_000.0, 30.0)})).await;
    assert_eq!(found_by(&state, "GEO-02", Some(vec![ground, below])).await, 0);
    let same = parcel(json!({"unit_code": "320404001002GX00032W00000000", "geometry": square(5_010.0, 30.0)})).await;
    assert_eq!(found_by(&state, "GEO-02", Some(vec![below])).await, 1);
    assert_eq!(found_by(&state, "GEO-02", Some(vec![same, ground])).await, 1);
    // GEO-06: a garage under a house is lawful.
    let house = json!({"code": "H", "geometry": square(7_000.0, 20.0), "floors_above": 6, "floors_below": 0});
    let garage = json!({"code": "G", "geometry": square(7_000.0, 40.0), "floors_above": 0, "floors_below": 2});
    let (house, _) = register(&app, "buildings", "house", house).await;
    register(&app, "buildings", "garage", garage).await;
    assert_eq!(found_by(&state, "GEO-06", Some(vec![house])).await, 0);
    let annex = json!({"code": "A", "geometry": square(7_010.0, 20.0), "floors_above": 2});
    register(&app, "buildings", "annex", annex).await;
    assert_eq!(found_by(&state, "GEO-06", Some(vec![house])).await, 1);
    // GEO-07: half a percent, or a square metre where that is more.
    let area = 900.0;
    for (registered, fires) in [(area + 4.0, false), (area + 9.0, true), (area - 9.0, true)] {
        let id = parcel(json!({"registered_area_m2": registered})).await;
        assert_eq!(
            found_by(&state, "GEO-07", Some(vec![id])).await,
            u64::from(fires),
            "{registered}"
        );
    }
}

/// GEO-03, GEO-12 and certificate numbers that a file brought.
#[sqlx::test(migrations = "../migrations")]
async fn slivers_lost_sites_and_numbers_twice_are_found(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let land = async |key: &str, east_m: f64| {
        let body = json!({"code": key, "geometry": square(east_m, 30.0)});
        register(&app, "parcels", key, body).await
    };
    let (one, _) = land("one", 0.0).await;
    let (other, etag) = land("other", 30.1).await;
    land("far", 60.6).await;
    changed(&state, ObjectKind::Parcel, other).await;
    let found = open(&app, "GEO-03").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        (found[0]["evidence"]["width_m"].as_f64().unwrap() - 0.1).abs() < 0.011,
        "{found:?}"
    );
    assert!(
        (found[0]["evidence"]["length_m"].as_f64().unwrap() - 30.0).abs() < 0.3,
        "{found:?}"
    );
    assert_eq!(found_by(&state, "GEO-03", Some(vec![one])).await, 1);
    assert_eq!(found_by(&state, "GEO-03", None).await, 1);
    change(&app, "parcels", other, &etag, json!({"geometry": square(30.0, 30.0)})).await;
    changed(&state, ObjectKind::Parcel, other).await;
    assert_eq!(open(&app, "GEO-03").await, [] as [Value; 0]);

    let point =
        |east_m: f64| json!({"type": "Point", "coordinates": [119.95 + east_m / 94_700.0, 31.78 + 15.0 / 110_870.0]});
    for (key, east_m, fires) in [("in", 15.0, 0), ("out", 700.0, 1)] {
        let (site, _) = register(&app, "sites", key, json!({"code": key, "geometry": point(east_m)})).await;
        let address = format!("/api/v1/sites/{site}/relations");
        assert_eq!(
            found_by(&state, "GEO-12", Some(vec![site])).await,
            0,
            "it has no land yet"
        );
        let related = ask(
            &app,
            "POST",
            &address,
            &[("Idempotency-Key", &format!("{key}-land"))],
            Some(json!({"related_id": one})),
        )
        .await;
        assert_eq!(related.status, StatusCode::CREATED, "{}", related.body);
        assert_eq!(found_by(&state, "GEO-12", Some(vec![site])).await, fires, "{key}");
    }

    let (third, _) = land("third", 2_000.0).await;
    for (id, number) in [
        (one, "湘(2021)冷水滩区不动产权第0000001号"),
        (third, "湘(2021)冷水滩区不动产权第0000001号"),
        (other, "永国用(2005)第001234号"),
    ] {
        sqlx::query("update spatial_unit_version set source_attributes = json_build_object('不动产权证号', $2::text) where object_id = $1")
            .bind(id)
            .bind(number)
            .execute(&pool)
            .await
            .unwrap();
    }
    assert_eq!(
        found_by(&state, "COD-10", None).await,
        0,
        "an old certificate has a form of its own"
    );
    assert_eq!(found_by(&state, "COD-10E", None).await, 1);
    assert_eq!(found_by(&state, "COD-10E", Some(vec![third])).await, 1);
    assert_eq!(found_by(&state, "COD-10E", Some(vec![other])).await, 0);
    sqlx::query("update spatial_unit_version set source_attributes = json_build_object('不动产权证号', '湘(2021)冷水滩区不动产权第00001号') where object_id = $1")
        .bind(third)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(found_by(&state, "COD-10", Some(vec![third])).await, 1);
    assert_eq!(found_by(&state, "COD-10E", None).await, 0);
}
