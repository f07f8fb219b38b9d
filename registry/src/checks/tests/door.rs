//! What a rule blocks is refused.

use axum::http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use super::{register, square};
use crate::checks::rule::catalogue;
use crate::spatial_units::tests::{app, ask};

/// What breaks a rule that blocks is refused with the rule, its source and the values, in one shape.
#[sqlx::test(migrations = "../migrations")]
async fn what_a_rule_blocks_is_refused_with_the_rule(pool: PgPool) {
    use crate::titles::tests::{certificate, rectangle, registered, with};
    let (app, _) = app(&pool).await;
    let land = crate::titles::tests::parcel(&app, rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let other = crate::titles::tests::parcel(&app, rectangle(2.0, 0.0, 3.0, 1.0)).await;
    let code = "431103001002GB00015F00010001";
    let paper = certificate(land, code, 1);
    registered(&app, paper.clone()).await;
    let (building, _) = register(
        &app,
        "buildings",
        "b",
        json!({"code": "b", "geometry": square(0.0, 10.0)}),
    )
    .await;
    register(
        &app,
        "parcels",
        "own",
        json!({"code": "own", "geometry": square(900.0, 10.0), "unit_code": code}),
    )
    .await;
    let bow = json!({"type": "Polygon", "coordinates": [[[119.9, 31.7], [119.91, 31.71], [119.91, 31.7], [119.9, 31.71], [119.9, 31.7]]]});
    let room =
        json!({"building_id": building, "floor": 1, "number": "101", "use_area_m2": 30.0, "building_area_m2": 20.0});
    let malformed = "431103001002GK00015F00010001";
    let cases = [
        (
            "COD-01",
            "titles",
            with(paper.clone(), json!({"unit_code": malformed})),
            "unit_code",
            json!(malformed),
        ),
        (
            "COD-01",
            "parcels",
            json!({"geometry": square(100.0, 10.0), "unit_code": malformed}),
            "unit_code",
            json!(malformed),
        ),
        (
            "COD-02",
            "titles",
            with(certificate(other, code, 2), json!({})),
            "unit_code",
            json!(code),
        ),
        (
            "COD-02",
            "parcels",
            json!({"geometry": square(200.0, 10.0), "unit_code": code}),
            "unit_code",
            json!(code),
        ),
        (
            "GEO-01",
            "parcels",
            json!({"geometry": bow}),
            "constraint",
            json!("spatial_unit_version_geometry_sound"),
        ),
        ("SPC-12", "rooms", room.clone(), "use_area_m2", json!("30")),
        (
            "TTL-20",
            "titles",
            with(
                certificate(other, "431103001002GB00016F00010001", 3),
                json!({"issued_on": "2021-03-05"}),
            ),
            "issued_on",
            json!("2021-03-05"),
        ),
        (
            "TTL-20",
            "titles",
            with(
                certificate(other, "431103001002GB00017F00010001", 4),
                json!({"issued_on": "2030-03-05"}),
            ),
            "issued_on",
            json!("2030-03-05"),
        ),
    ];
    let catalogue = catalogue().unwrap();
    for (number, (rule, layer, body, name, value)) in cases.into_iter().enumerate() {
        let key = format!("refused-{number}");
        let address = format!("/api/v1/{layer}");
        let refused = ask(&app, "POST", &address, &[("Idempotency-Key", &key)], Some(body)).await;
        assert!(
            matches!(refused.status, StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY),
            "{rule} {layer}: {}",
            refused.body
        );
        let told = &refused.body["rule"];
        assert_eq!(told["id"], rule, "{layer}: {}", refused.body);
        assert_eq!(told["source"], catalogue.rules[rule].source.as_str());
        assert_eq!(told["evidence"][name], value, "{layer}: {}", refused.body);
        assert!(catalogue.rules[rule].blocks);
    }
    // What comes near is taken.
    register(&app, "rooms", "room", with(room, json!({"use_area_m2": 20.0}))).await;
    register(
        &app,
        "parcels",
        "else",
        json!({"geometry": square(300.0, 10.0), "unit_code": "431103001002GB00018W00000000"}),
    )
    .await;
    // Provisional codes are no one's own.
    for key in ["t1", "t2"] {
        let body = json!({"geometry": square(400.0 + 100.0 * key.len() as f64, 10.0), "unit_code": "320282999999GB99999F00232555"});
        register(&app, "parcels", key, body).await;
    }
    let rules = ask(&app, "GET", "/api/v1/rules", &[], None).await.body;
    let blocking: Vec<&str> = rules
        .as_array()
        .unwrap()
        .iter()
        .filter(|rule| rule["blocks"] == true)
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    assert_eq!(
        blocking,
        [
            "ALC-01", "ALC-05", "ALC-07", "ALC-08", "COD-01", "COD-02", "DSP-03", "DSP-04", "DSP-05", "DSP-06",
            "DSP-07", "DSP-08", "DSP-11", "DSP-13", "DSP-19", "DSP-20", "DSP-21", "DSP-22", "DSP-23", "GEO-01",
            "GEO-08", "GEO-09", "GEO-10", "GEO-14", "GEO-15", "GOV-01", "GOV-02", "MNT-01", "MNT-02", "MNT-03",
            "MNT-05", "SPC-12", "TTL-20"
        ]
    );
}
