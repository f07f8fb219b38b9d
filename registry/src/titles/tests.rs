//! Titles over a real PostGIS, under the application's role.

use std::collections::BTreeSet;

use axum::Router;
use axum::http::StatusCode;
use geo::{Area, BooleanOps};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::datetime;
use uuid::Uuid;

use super::permission::require_another;
use super::{TitleStatement, write_new};
use crate::clock::Clock;
use crate::database::take_system_role;
use crate::request::Actor;
use crate::spatial_units::tests::{Answer, app, ask};
use crate::versioned::Occasion;
use crate::versioned::tests::{entries, prove};

/// A rectangle near Yongzhou, in thousandths of a degree from a corner.
pub(crate) fn rectangle(west: f64, south: f64, east: f64, north: f64) -> Value {
    let (x, y) = (|v: f64| 111.6 + v * 0.001, |v: f64| 26.4 + v * 0.001);
    json!({"type": "Polygon", "coordinates": [[[x(west), y(south)], [x(east), y(south)], [x(east), y(north)], [x(west), y(north)], [x(west), y(south)]]]})
}

pub(crate) async fn parcel(app: &Router, geometry: Value) -> Uuid {
    let body = json!({"valid_from": "2020-01-01", "geometry": geometry});
    let key = Uuid::now_v7().to_string();
    let answer = ask(app, "POST", "/api/v1/parcels", &[("Idempotency-Key", &key)], Some(body)).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.body["id"].as_str().unwrap().parse().unwrap()
}

/// A unified certificate for a parcel.
pub(crate) fn certificate(parcel: Uuid, unit_code: &str, serial: u32) -> Value {
    json!({
        "evidence": "both", "unit_code": unit_code, "cert_no": format!("湘(2021)冷水滩区不动产权第{serial:07}号"),
        "print_serial": "J01234567890", "holders": [{"name": "永州市机关事务管理局", "kind": "bureau"}],
        "co_ownership": "0", "location": "冷水滩区湘江西路1号", "right_type": "4", "right_nature_land": "101",
        "right_nature_house": "其它", "land_use_scheme": "GB21010-2017", "land_use_code": "0801", "house_use": "60",
        "land_area_m2": 10_000.5, "house_area_m2": 141.28, "registry": "永州市不动产登记中心",
        "accepted_on": "2021-03-01", "recorded_on": "2021-03-10", "issued_on": "2021-03-12",
        "policy_action": "re_register", "registration_type": "200", "parcel_ids": [parcel], "building_ids": [],
    })
}

pub(crate) fn with(mut body: Value, changes: Value) -> Value {
    for (field, value) in changes.as_object().unwrap() {
        if value.is_null() {
            body.as_object_mut().unwrap().remove(field);
        } else {
            body[field] = value.clone();
        }
    }
    body
}

pub(crate) async fn register(app: &Router, body: Value) -> Answer {
    let key = Uuid::now_v7().to_string();
    ask(app, "POST", "/api/v1/titles", &[("Idempotency-Key", &key)], Some(body)).await
}

pub(crate) async fn registered(app: &Router, body: Value) -> String {
    let answer = register(app, body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.body);
    answer.location.unwrap()
}

const CODE: &str = "431103001002GB00015F00010001";

#[sqlx::test(migrations = "../migrations")]
async fn a_certificate_is_kept_with_all_its_fields_and_its_history(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let land = parcel(&app, rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let at = registered(&app, certificate(land, CODE, 1)).await;
    let title = ask(&app, "GET", &at, &[], None).await;
    for (field, value) in certificate(land, CODE, 1).as_object().unwrap() {
        assert_eq!(&title.body[field], value, "{field}");
    }
    assert_eq!(title.body["unit_code_grouped"], "431103 001002 GB00015 F00010001");
    assert_eq!(title.body["unification"], "unified_bureau");
    assert_eq!(
        title.body["valid_from"], "2021-03-10",
        "the right exists from its recording"
    );
    assert_eq!(
        ask(&app, "GET", &format!("{at}?as_of=2021-03-09"), &[], None)
            .await
            .status,
        StatusCode::NOT_FOUND
    );

    state.clock.advance(time::Duration::hours(1));
    let tag = title.etag.unwrap();
    let change = json!({"remark": "补记", "print_serial": null, "reason": "附记漏录", "valid_from": "2021-03-10"});
    let corrected = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change.clone())).await;
    assert_eq!(corrected.status, StatusCode::OK, "{}", corrected.body);
    assert_eq!(
        (&corrected.body["remark"], &corrected.body["print_serial"]),
        (&json!("补记"), &Value::Null)
    );
    for (headers, status) in [
        (vec![("If-Match", tag.as_str())], StatusCode::PRECONDITION_FAILED),
        (vec![], StatusCode::PRECONDITION_REQUIRED),
    ] {
        assert_eq!(
            ask(&app, "PATCH", &at, &headers, Some(change.clone())).await.status,
            status
        );
    }
    let versions = ask(&app, "GET", &format!("{at}/versions"), &[], None).await;
    assert_eq!(versions.body["items"].as_array().unwrap().len(), 2, "{}", versions.body);
    assert_eq!(versions.body["items"][0]["reason"], "附记漏录");

    let list = ask(
        &app,
        "GET",
        &format!("/api/v1/titles?asset={land}&count=true"),
        &[],
        None,
    )
    .await;
    assert_eq!(
        (&list.body["total"], &list.body["items"][0]["unit_code"]),
        (&json!(1), &json!(CODE))
    );
    let check = ask(&app, "GET", &format!("/api/v1/unit-codes/{CODE}"), &[], None).await;
    assert!(
        at.ends_with(check.body["registered_title"].as_str().unwrap()),
        "{}",
        check.body
    );
    assert_eq!(check.body["parts"]["parcel_code"], "431103001002GB00015");
    let check = ask(
        &app,
        "GET",
        "/api/v1/unit-codes/431103001002gb00015f00010001",
        &[],
        None,
    )
    .await;
    assert_eq!(
        (&check.body["valid"], &check.body["refused"]["did_you_mean"]),
        (&json!(false), &json!(CODE))
    );
    let lists = ask(&app, "GET", "/api/v1/dictionaries", &[], None).await;
    assert_eq!(lists.body["right_type"][2]["zh"], "国有建设用地使用权");

    let tag = corrected.etag.unwrap();
    state.clock.advance(time::Duration::hours(1));
    let end = json!({"valid_to": "2026-01-01", "reason": "拆除"});
    let ended = ask(
        &app,
        "POST",
        &format!("{at}/closures"),
        &[("If-Match", &tag)],
        Some(end),
    )
    .await;
    assert_eq!(ended.status, StatusCode::OK, "{}", ended.body);
    state.clock.advance(time::Duration::hours(1));
    assert_eq!(ask(&app, "GET", &at, &[], None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(prove(&pool).await.map_err(|bad| bad.to_string()), Ok(4));
}

#[sqlx::test(migrations = "../migrations")]
async fn bad_input_changes_nothing(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let land = parcel(&app, rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let before = entries(&pool).await;
    let good = certificate(land, CODE, 1);
    let holders = |shares: &[&str]| -> Value {
        shares
            .iter()
            .map(|share| json!({"name": "某局", "kind": "unit", "share": share}))
            .collect()
    };
    for (change, field, code) in [
        (
            json!({"unit_code": "431103001002GA00015W00000000"}),
            "unit_code",
            Some("unit_code_kind_and_ownership"),
        ),
        (
            json!({"unit_code": "431103001002gb00015f00010001"}),
            "unit_code",
            Some("unit_code_lower_case"),
        ),
        (json!({"unit_code": null}), "unit_code", Some("unit_code_missing")),
        (
            json!({"cert_no": "湘2021冷水滩区不动产权第0000001号"}),
            "cert_no",
            Some("certificate_year"),
        ),
        (
            json!({"recorded_on": "2026-11-22", "issued_on": null}),
            "recorded_on",
            Some("date_in_future"),
        ),
        (
            json!({"issued_on": "2021-03-09"}),
            "issued_on",
            Some("dates_out_of_order"),
        ),
        (
            json!({"accepted_on": "2021-03-11"}),
            "recorded_on",
            Some("dates_out_of_order"),
        ),
        (
            json!({"valid_from": "2027-01-01"}),
            "valid_from",
            Some("date_in_future"),
        ),
        (
            json!({"term_from": "2071-01-01", "term_to": "2001-01-01"}),
            "term_to",
            Some("dates_out_of_order"),
        ),
        (
            json!({"co_ownership": "2", "holders": holders(&["50%", "49%"])}),
            "holders",
            Some("shares_sum"),
        ),
        (
            json!({"co_ownership": "2", "holders": holders(&["0.33", "0.33", "0.33"])}),
            "holders",
            Some("shares_sum"),
        ),
        (
            json!({"co_ownership": "2", "holders": holders(&["a", "1/2"])}),
            "holders[0].share",
            Some("share_form"),
        ),
        (json!({"holders": []}), "holders", Some("holders_sole")),
        (
            json!({"holders": [{"name": "  ", "kind": "unit"}]}),
            "holders[0].name",
            None,
        ),
        (
            json!({"evidence": "land_only"}),
            "old_land_certificate",
            Some("evidence_and_certificates"),
        ),
        (
            json!({"evidence": "none", "cert_no": null}),
            "evidence",
            Some("evidence_and_certificates"),
        ),
        (
            json!({"land_use_code": "081"}),
            "land_use_code",
            Some("land_use_edition"),
        ),
        (json!({"land_use_scheme": null}), "land_use_scheme", None),
        (json!({"right_type": "23"}), "right_type", None),
        (json!({"land_area_m2": -1}), "land_area_m2", None),
        (
            json!({"parcel_ids": [Uuid::now_v7()]}),
            "parcel_ids",
            Some("title_version_parcel_fkey"),
        ),
        (
            json!({"building_ids": [land]}),
            "building_ids",
            Some("title_version_building_fkey"),
        ),
        (json!({"parcel_ids": []}), "parcel_ids", None),
        (
            json!({"holders": [{"name": "某局", "kind": "unit", "unit_id": Uuid::now_v7()}]}),
            "holders[0].unit_id",
            None,
        ),
        (json!({"nonsense": 1}), "nonsense", None),
    ] {
        let answer = register(&app, with(good.clone(), change.clone())).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{change}: {}",
            answer.body
        );
        assert_eq!(answer.body["field"], field, "{change}: {}", answer.body);
        if let Some(code) = code {
            assert_eq!(answer.body["code"], code, "{change}: {}", answer.body);
        }
    }
    // Script and SQL in every field of text: refused or kept as plain words, never more.
    for field in [
        "unit_code",
        "cert_no",
        "print_serial",
        "location",
        "right_nature_house",
        "land_use_code",
        "other_state",
        "remark",
        "registry",
        "old_land_certificate",
        "old_house_certificate",
        "recorded_on",
        "co_ownership",
    ] {
        for text in [
            "<script>alert(1)</script>",
            "'; drop table title_version; --",
            "\u{0}",
            "${jndi:x}",
        ] {
            // Historic ones, so that they don't stand in each other's way.
            let answer = register(&app, with(good.clone(), json!({"book_state": "2", field: text}))).await;
            assert!(
                matches!(answer.status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CREATED),
                "{field}: {} {}",
                answer.status,
                answer.body
            );
            if answer.status == StatusCode::CREATED {
                let title = ask(&app, "GET", &answer.location.unwrap(), &[], None).await;
                let kept = title.body[field].as_str().unwrap();
                assert!(kept == text || kept == text.replace(' ', ""), "{field}: {kept}");
            }
        }
    }
    let kept = entries(&pool).await;
    assert!(kept > before);
    // The same key with another body.
    let first = ask(
        &app,
        "POST",
        "/api/v1/titles",
        &[("Idempotency-Key", "k")],
        Some(good.clone()),
    )
    .await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    let again = ask(
        &app,
        "POST",
        "/api/v1/titles",
        &[("Idempotency-Key", "k")],
        Some(good.clone()),
    )
    .await;
    assert_eq!((again.status, again.location), (StatusCode::CREATED, first.location));
    let other = with(good.clone(), json!({"remark": "x"}));
    let other = ask(&app, "POST", "/api/v1/titles", &[("Idempotency-Key", "k")], Some(other)).await;
    assert_eq!(
        other.body["type"], "urn:yice:problem:idempotency_key_reused",
        "{}",
        other.body
    );
    assert_eq!(entries(&pool).await, kept + 1);
}

#[test]
fn nobody_reviews_their_own() {
    let wang = Actor("王".to_owned());
    assert!(require_another(&wang, Some("李")).is_ok());
    assert_eq!(
        require_another(&wang, Some("王")).unwrap_err().code.as_deref(),
        Some("four_eyes")
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn old_certificates_and_governments_keep_their_kind(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let land = parcel(&app, rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let old = |changes: Value| {
        let bare = json!({"unit_code": null, "cert_no": null, "print_serial": null});
        with(with(certificate(land, CODE, 1), bare), changes)
    };
    let government = json!([{"name": "云南省人民政府", "kind": "government"}]);
    let at = registered(&app, old(json!({"evidence": "land_only", "right_type": "3", "old_land_certificate": "永国用（2005）第001234号", "holders": government}))).await;
    let title = ask(&app, "GET", &at, &[], None).await;
    assert_eq!(title.body["old_land_certificate"], "永国用(2005)第001234号");
    assert_eq!(title.body["unification"], "unified_government");
    // The house certificate of the same place, in another's name: lawful papers of the past.
    let house = json!({"evidence": "house_only", "old_house_certificate": "余房权证中移字第13219492号", "holders": [{"name": "某公司", "kind": "platform_company"}]});
    let at = registered(&app, old(house)).await;
    assert_eq!(
        ask(&app, "GET", &at, &[], None).await.body["unification"],
        "platform_company"
    );
    // The land once more, by another old certificate.
    let twice = register(
        &app,
        old(json!({"evidence": "land_only", "right_type": "3", "old_land_certificate": "永国用(2006)第9号"})),
    )
    .await;
    assert_eq!(
        (twice.status, &twice.body["code"]),
        (StatusCode::CONFLICT, &json!("title_extent_no_overlap")),
        "{}",
        twice.body
    );
}

#[sqlx::test(migrations = "../migrations")]
async fn what_lies_on_a_title_stands_in_the_way(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let land = parcel(&app, rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let at = registered(&app, certificate(land, CODE, 1)).await;
    let enter = async |body: Value| {
        let key = Uuid::now_v7().to_string();
        let uri = format!("{at}/encumbrances");
        ask(&app, "POST", &uri, &[("Idempotency-Key", &key)], Some(body)).await
    };
    let seizure = |court: &str| json!({"kind": "seizure", "holder": court, "document": "(2026)湘11执1号", "valid_from": "2026-01-05"});
    let first = enter(seizure("永州市中级人民法院")).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    assert_eq!(enter(seizure("冷水滩区人民法院")).await.status, StatusCode::CREATED);
    let bank = json!({"kind": "mortgage", "holder": "某银行", "document": "抵押合同1号", "mortgage_kind": "1", "amount": 1_000_000.0, "valid_from": "2025-01-01"});
    assert_eq!(enter(bank).await.status, StatusCode::CREATED);
    let objection =
        json!({"kind": "objection", "holder": "某人", "document": "异议申请书", "valid_from": "2026-11-01"});
    assert_eq!(enter(objection).await.status, StatusCode::CREATED);
    for (body, field) in [
        (json!({"kind": "seizure", "holder": "", "document": "x"}), "holder"),
        (
            json!({"kind": "dispute", "holder": "x", "document": "x", "document_date": "2027-01-01"}),
            "document_date",
        ),
        (
            json!({"kind": "dispute", "holder": "x", "document": "x", "mortgage_kind": "1"}),
            "mortgage_kind",
        ),
        (
            json!({"kind": "mortgage", "holder": "x", "document": "x", "amount": -1}),
            "amount",
        ),
        (
            json!({"kind": "mortgage", "holder": "x", "document": "x", "valid_from": "2027-01-01"}),
            "valid_from",
        ),
    ] {
        let answer = enter(body).await;
        assert_eq!(
            (answer.status, &answer.body["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!(field)),
            "{}",
            answer.body
        );
    }
    let title = ask(&app, "GET", &at, &[], None).await;
    let kinds: Vec<_> = title.body["encumbrances"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["kind"].clone(),
                one["seizure_kind"].clone(),
                one["queue_no"].clone(),
                one["lapsed"].clone(),
            )
        })
        .collect();
    assert_eq!(
        kinds,
        [
            (json!("mortgage"), Value::Null, Value::Null, json!(false)),
            // 15 days are over on 16 November; today is the 21st.
            (json!("objection"), Value::Null, Value::Null, json!(true)),
            (json!("seizure"), json!("1"), json!(0), json!(false)),
            (json!("seizure"), json!("2"), json!(1), json!(false)),
        ]
    );
    let strongest = title.body["obstacles"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["act"] == "transfer")
        .unwrap();
    assert_eq!(
        (&strongest["effect"], &strongest["holder"]),
        (&json!("blocks"), &json!("永州市中级人民法院"))
    );

    let tag = title.etag.unwrap();
    let end = json!({"valid_to": "2026-11-21", "reason": "收回"});
    let ended = ask(
        &app,
        "POST",
        &format!("{at}/closures"),
        &[("If-Match", &tag)],
        Some(end),
    )
    .await;
    assert_eq!(
        (ended.status, &ended.body["code"]),
        (StatusCode::CONFLICT, &json!("consent_missing")),
        "{}",
        ended.body
    );

    // The first seizure is released: the one that waited takes effect.
    state.clock.advance(time::Duration::hours(1));
    let release = json!({"valid_to": "2026-06-01", "reason": "解除查封裁定书"});
    let uri = format!("{}/closures", first.location.unwrap());
    let released = ask(&app, "POST", &uri, &[("If-Match", &first.etag.unwrap())], Some(release)).await;
    assert_eq!(released.status, StatusCode::OK, "{}", released.body);
    state.clock.advance(time::Duration::hours(1));
    let title = ask(&app, "GET", &at, &[], None).await;
    let seizures: Vec<_> = title.body["encumbrances"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["kind"] == "seizure")
        .collect();
    assert_eq!(seizures.len(), 1);
    assert_eq!(
        (&seizures[0]["seizure_kind"], &seizures[0]["queue_no"]),
        (&json!("1"), &json!(0))
    );
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
}

#[sqlx::test(migrations = "../migrations")]
async fn one_unit_and_one_certificate_have_one_current_title(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let land = parcel(&app, rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let at = registered(&app, certificate(land, CODE, 1)).await;
    let other = "431103001002GB00015F00010002";
    for (body, constraint) in [
        (certificate(land, CODE, 2), "title_version_one_per_unit"),
        (certificate(land, other, 1), "title_version_one_per_certificate"),
    ] {
        let answer = register(&app, body).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (StatusCode::CONFLICT, &json!(constraint)),
            "{}",
            answer.body
        );
    }
    // Another unit of the same parcel is lawful; so is the same unit once the title has ended, and in the past before it.
    registered(&app, certificate(land, other, 2)).await;
    let historic = json!({"book_state": "2", "accepted_on": null, "recorded_on": "2010-01-01", "issued_on": null});
    registered(&app, with(certificate(land, CODE, 3), historic)).await;
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    let end = json!({"valid_to": "2024-01-01", "reason": "灭失"});
    assert_eq!(
        ask(
            &app,
            "POST",
            &format!("{at}/closures"),
            &[("If-Match", &tag)],
            Some(end)
        )
        .await
        .status,
        StatusCode::OK
    );
    let later = json!({"accepted_on": null, "recorded_on": "2024-01-01", "issued_on": null});
    registered(&app, with(certificate(land, CODE, 4), later)).await;
    // Provisional codes say nothing of identity: two lands may bear the same.
    let provisional = "320282999999GB99999F00232555";
    for (west, serial) in [(2.0, 5), (4.0, 6)] {
        let land = parcel(&app, rectangle(west, 0.0, west + 1.0, 1.0)).await;
        registered(&app, certificate(land, provisional, serial)).await;
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn no_land_is_under_two_titles(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let mut serial = 0;
    let mut attempt = async |geometry: Value, kind: &str, number: u32| {
        serial += 1;
        let land = parcel(&app, geometry).await;
        let code = format!("431103001002{kind}{number:05}F99990001");
        (land, register(&app, certificate(land, &code, serial)).await)
    };
    let (_, first) = attempt(rectangle(0.0, 0.0, 1.0, 1.0), "GB", 1).await;
    assert_eq!(first.status, StatusCode::CREATED, "{}", first.body);
    // A neighbour along the border; one whose corner stands in the middle of that border, rounded by the surveyor to a
    // centimetre on either side; above and under the ground; the collective's land underneath.
    for (geometry, kind, number) in [
        (rectangle(1.0, 0.0, 2.0, 1.0), "GB", 2),
        (rectangle(-1.0, 0.000_1, 0.000_05, 0.5), "GB", 3),
        (rectangle(0.3, 1.0 - 0.000_04, 0.6, 2.0), "GB", 4),
        (rectangle(0.0, 0.0, 1.0, 1.0), "GX", 5),
        (rectangle(0.2, 0.2, 0.8, 0.8), "GS", 6),
        (rectangle(-5.0, -5.0, 5.0, 5.0), "JA", 7),
    ] {
        let (_, answer) = attempt(geometry, kind, number).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{kind}{number}: {}", answer.body);
    }
    // Three centimetres over the border; a needle into the middle; inside; around; the same; X against X.
    for (geometry, kind, number) in [
        (rectangle(0.3, -1.0, 0.6, 0.000_3), "GB", 8),
        (
            json!({"type": "Polygon", "coordinates": [[[111.6002, 26.398], [111.6003, 26.398], [111.600_201, 26.4005], [111.6002, 26.4005], [111.6002, 26.398]]]}),
            "GB",
            9,
        ),
        (rectangle(0.2, 0.2, 0.201, 0.201), "GB", 10),
        (rectangle(-0.5, -0.5, 1.5, 1.5), "GB", 11),
        (rectangle(0.0, 0.0, 1.0, 1.0), "GB", 12),
        (rectangle(0.5, 0.5, 1.5, 1.5), "GX", 13),
        (rectangle(0.5, 0.5, 1.5, 1.5), "GS", 14),
    ] {
        let (_, answer) = attempt(geometry, kind, number).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (StatusCode::CONFLICT, &json!("title_extent_no_overlap")),
            "{kind}{number}: {}",
            answer.body
        );
    }
    // Where two zones meet, each shape is measured in its own: neighbours pass, an overlap is found.
    for (geometry, number, status) in [
        (rectangle(899.0, 0.0, 900.0, 1.0), 20, StatusCode::CREATED),
        (rectangle(900.0, 0.0, 901.0, 1.0), 21, StatusCode::CREATED),
        (rectangle(899.8, 1.0, 901.0, 2.0), 22, StatusCode::CREATED),
        (rectangle(899.8, 0.2, 900.3, 0.8), 23, StatusCode::CONFLICT),
    ] {
        let (_, answer) = attempt(geometry, "GB", number).await;
        assert_eq!(answer.status, status, "{number}: {}", answer.body);
    }
    // Nothing but collar: it could lie anywhere.
    let (_, thin) = attempt(rectangle(3.0, 0.0, 3.000_1, 1.0), "GB", 15).await;
    assert_eq!(thin.body["code"], "title_extent_has_depth", "{}", thin.body);
}

#[sqlx::test(migrations = "../migrations")]
async fn a_titled_parcel_takes_on_no_shape_that_reaches_into_anothers_land(pool: PgPool) {
    let (app, _) = app(&pool).await;
    let left = parcel(&app, rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let right = parcel(&app, rectangle(1.0, 0.0, 2.0, 1.0)).await;
    let free = parcel(&app, rectangle(0.5, 0.5, 1.5, 1.5)).await;
    registered(&app, certificate(left, "431103001002GB00001W00000000", 1)).await;
    registered(&app, certificate(right, "431103001002GB00002W00000000", 2)).await;
    let reshape = async |id: Uuid, geometry: Value| {
        let at = format!("/api/v1/parcels/{id}");
        let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
        let change = json!({"geometry": geometry, "reason": "重测"});
        ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(change)).await
    };
    let over = reshape(left, rectangle(0.0, 0.0, 1.2, 1.0)).await;
    assert_eq!(
        (over.status, &over.body["code"]),
        (StatusCode::CONFLICT, &json!("title_extent_no_overlap")),
        "{}",
        over.body
    );
    // Within its own land, and where no title is, shapes may change; what the title claims follows.
    assert_eq!(
        reshape(right, rectangle(1.4, 0.0, 2.0, 1.0)).await.status,
        StatusCode::OK
    );
    assert_eq!(
        reshape(free, rectangle(0.0, 0.0, 2.0, 2.0)).await.status,
        StatusCode::OK
    );
    assert_eq!(
        reshape(left, rectangle(0.0, 0.0, 1.2, 1.0)).await.status,
        StatusCode::OK
    );
    let answer = register(&app, certificate(free, "431103001002GB00003W00000000", 3)).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
}

#[sqlx::test(migrations = "../migrations")]
async fn sql_past_the_program_can_not_register_twice(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let land = parcel(&app, rectangle(0.0, 0.0, 1.0, 1.0)).await;
    let over = parcel(&app, rectangle(0.5, 0.5, 1.5, 1.5)).await;
    let at = registered(&app, certificate(land, CODE, 1)).await;
    let title: Uuid = at.rsplit('/').next().unwrap().parse().unwrap();
    let insert = async |parcel: Uuid, code: &str, holders: &str| {
        let mut transaction = state.database.begin().await.unwrap();
        let id = Uuid::now_v7();
        sqlx::query("insert into title (id, created_at) values ($1, $2)")
            .bind(id)
            .bind(state.clock.now())
            .execute(&mut *transaction)
            .await
            .unwrap();
        let outcome = sqlx::query(
            "insert into title_version (version_id, object_id, valid, recorded, book_state, evidence, unit_code, holders,
                                        co_ownership, right_type, parcel_ids, building_ids)
             values ($1, $1, '[2024-01-01,)', tstzrange($2, null), '1', 'both', $3, $4::json, '2', '4', array[$5], '{}')",
        )
        .bind(id)
        .bind(state.clock.now())
        .bind(code)
        .bind(holders)
        .bind(parcel)
        .execute(&mut *transaction)
        .await;
        transaction.rollback().await.unwrap();
        outcome.err().and_then(|error| {
            error
                .as_database_error()
                .and_then(|error| error.constraint().map(ToOwned::to_owned))
        })
    };
    let halves = r#"[{"name": "甲", "kind": "unit", "share": "1/2"}, {"name": "乙", "kind": "unit", "share": "1/2"}]"#;
    let less = r#"[{"name": "甲", "kind": "unit", "share": "1/2"}, {"name": "乙", "kind": "unit", "share": "49/100"}]"#;
    for (parcel, code, holders, constraint) in [
        (land, CODE, halves, Some("title_version_one_per_unit")),
        (
            over,
            "431103001002GB00016F00010001",
            halves,
            Some("title_extent_no_overlap"),
        ),
        (
            land,
            "431103001002GB00015F00020001",
            less,
            Some("title_version_shares_agree"),
        ),
        (
            land,
            "431103001002GB0001F000200010",
            halves,
            Some("title_version_unit_code_form"),
        ),
        (land, "431103001002GB00015F00020001", halves, None),
    ] {
        assert_eq!(insert(parcel, code, holders).await.as_deref(), constraint, "{code}");
    }
    let mut stricter = state.database.begin().await.unwrap();
    sqlx::query("set transaction isolation level serializable")
        .execute(&mut *stricter)
        .await
        .unwrap();
    let copied = sqlx::query(
        "insert into title_version (version_id, object_id, valid, recorded, book_state, evidence, unit_code, holders,
                                    co_ownership, right_type, parcel_ids, building_ids)
         select gen_random_uuid(), object_id, valid, recorded, book_state, evidence, null, holders, co_ownership, right_type,
                parcel_ids, building_ids
           from title_version where object_id = $1",
    )
    .bind(title)
    .execute(&mut *stricter)
    .await;
    assert_eq!(
        copied.unwrap_err().as_database_error().unwrap().code().unwrap(),
        "0A000"
    );
    stricter.rollback().await.unwrap();
    // Nor write the derived claims, alter a version, bring a dead one back over a living one, or take a stricter isolation.
    let refused = async |sql: &'static str| {
        let mut transaction = state.database.begin().await.unwrap();
        let outcome = sqlx::query(sql).bind(title).execute(&mut *transaction).await;
        transaction.rollback().await.unwrap();
        outcome
            .unwrap_err()
            .as_database_error()
            .unwrap()
            .code()
            .unwrap()
            .into_owned()
    };
    assert_eq!(refused("delete from title_extent where title_id = $1").await, "42501");
    assert_eq!(
        refused("update title_version set unit_code = null where object_id = $1").await,
        "42501"
    );
    assert_eq!(refused("delete from title_version where object_id = $1").await, "42501");
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    let end = json!({"valid_to": "2021-03-11", "reason": "误登"});
    assert_eq!(
        ask(
            &app,
            "POST",
            &format!("{at}/closures"),
            &[("If-Match", &tag)],
            Some(end)
        )
        .await
        .status,
        StatusCode::OK
    );
    let later = json!({"accepted_on": null, "recorded_on": "2022-01-01", "issued_on": null});
    registered(&app, with(certificate(over, "431103001002GB00016F00010001", 2), later)).await;
    let reopen = "update title_version set recorded = tstzrange(lower(recorded), null)
                   where object_id = $1 and upper_inf(valid)";
    assert_eq!(refused(reopen).await, "23P01");
}

/// Many sessions at once over parcels that overlap and codes that repeat. Short by itself; for minutes with
/// `YICE_TITLE_FUZZ_SECONDS=300 YICE_TITLE_FUZZ_SESSIONS=64 cargo nextest run -p registry many_sessions`.
#[sqlx::test(migrations = "../migrations")]
async fn many_sessions_register_nothing_twice_and_lose_nothing(pool: PgPool) {
    let setting = |name: &str, short: u64| {
        std::env::var(name)
            .ok()
            .and_then(|text| text.parse().ok())
            .unwrap_or(short)
    };
    let sessions = usize::try_from(setting("YICE_TITLE_FUZZ_SESSIONS", 24)).unwrap();
    let lasts = std::time::Duration::from_secs(setting("YICE_TITLE_FUZZ_SECONDS", 4));
    let (app, _) = app(&pool).await;
    let crowd = sqlx::postgres::PgPoolOptions::new()
        .max_connections(u32::try_from(sessions).unwrap())
        .acquire_timeout(std::time::Duration::from_secs(60))
        .after_connect(|connection, _| Box::pin(async move { take_system_role(connection).await }))
        .connect_with((*pool.connect_options()).clone())
        .await
        .unwrap();
    let began = std::time::Instant::now();
    let (mut round, mut stored, mut refusals) = (0_u32, 0_usize, 0_usize);
    while round == 0 || began.elapsed() < lasts {
        // A field of squares that reach into their neighbours by a fifth, each second code used twice.
        let south = f64::from(round) * 10.0;
        let mut field = Vec::new();
        for index in 0..25_u32 {
            let (x, y) = (f64::from(index % 5) * 0.8, south + f64::from(index / 5) * 0.8);
            let land = parcel(&app, rectangle(x, y, x + 1.0, y + 1.0)).await;
            let number = 1 + round * 100 + index - index % 2 * u32::from(index % 4 == 1);
            field.push((land, format!("431103001002GB{number:05}W00000000"), (x, y)));
        }
        let outcomes = futures_util::future::join_all((0..sessions).map(|session| {
            let (crowd, field) = (crowd.clone(), field.clone());
            tokio::spawn(async move {
                let mut refused = Vec::new();
                for step in 0..field.len() {
                    // Each session in an order of its own.
                    let (land, code, _) = &field[(step * (2 * session + 1) + session * 7) % field.len()];
                    let clock = Clock::System;
                    let body = with(
                        certificate(*land, code, 1),
                        json!({"cert_no": null, "old_land_certificate": format!("永国用(2005)第{session}-{step}号")}),
                    );
                    let statement = TitleStatement::read(body).unwrap();
                    let content = statement.content(clock.today(), None).unwrap();
                    let occasion = Occasion {
                        actor: Actor(format!("session {session}")),
                        reason: None,
                        import_id: None,
                    };
                    let mut transaction = crowd.begin().await.unwrap();
                    let from = statement.recorded_on.unwrap();
                    match write_new(&mut transaction, content, from, clock.now(), &occasion).await {
                        Ok(_) if (session + step) % 5 == 0 => transaction.rollback().await.unwrap(),
                        Ok(_) => transaction.commit().await.unwrap(),
                        Err(problem) => refused.push((problem.status, problem.code)),
                    }
                }
                refused
            })
        }))
        .await;
        for outcome in outcomes {
            for (status, code) in outcome.unwrap() {
                refusals += 1;
                let known = matches!(
                    code.as_deref(),
                    Some("title_version_one_per_unit" | "title_extent_no_overlap")
                );
                assert!(status == 409 && known, "a session met {status} {code:?}");
            }
        }
        let held: Vec<(Uuid, String)> = sqlx::query_as(
            "select parcel_ids[1], unit_code from title_version where upper_inf(recorded) and book_state = '1' and parcel_ids && $1",
        )
        .bind(field.iter().map(|(land, _, _)| *land).collect::<Vec<_>>())
        .fetch_all(&pool)
        .await
        .unwrap();
        let codes: BTreeSet<_> = held.iter().map(|(_, code)| code).collect();
        assert_eq!(codes.len(), held.len(), "a unit code has two current titles");
        let lands: BTreeSet<_> = held.iter().map(|(land, _)| *land).collect();
        assert_eq!(lands.len(), held.len(), "a parcel has two current titles");
        // By hand: the squares are known. What is held doesn't overlap, and whatever is not held clashes with what is:
        // no valid case was lost.
        let clash = |one: &(Uuid, String, (f64, f64)), other: &(Uuid, String, (f64, f64))| {
            let apart = |a: f64, b: f64| (a - b).abs() > 0.99;
            one.1 == other.1 || !(apart(one.2.0, other.2.0) || apart(one.2.1, other.2.1))
        };
        for (index, one) in field.iter().enumerate() {
            let met = field
                .iter()
                .enumerate()
                .any(|(at, other)| at != index && lands.contains(&other.0) && clash(one, other));
            assert_ne!(
                met,
                lands.contains(&one.0),
                "square {index}: held {}, clash {met}",
                lands.contains(&one.0)
            );
        }
        stored += held.len();
        round += 1;
    }
    assert!(stored >= 4 && refusals > stored, "{stored} stored, {refusals} refused");
    assert_eq!(prove(&pool).await.map(|_| ()).map_err(|bad| bad.to_string()), Ok(()));
    println!(
        "{sessions} sessions, {round} rounds, {stored} titles, {refusals} refusals in {:?}",
        began.elapsed()
    );
}

/// A street of real parcels, side by side: all but those that truly overlap can be registered.
#[sqlx::test(migrations = "../migrations")]
async fn real_neighbours_can_all_be_registered(pool: PgPool) {
    let (_, state) = app(&pool).await;
    let packed = std::fs::File::open(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../gis-data/samples/cambridge/parcels_fy2014.geojson.gz"
    ))
    .unwrap();
    let collection: Value =
        serde_json::from_reader(std::io::BufReader::new(flate2::read::GzDecoder::new(packed))).unwrap();
    let shapes: Vec<geo_types::Geometry<f64>> = collection["features"]
        .as_array()
        .unwrap()
        .iter()
        .take(1_500)
        .filter_map(|feature| crate::geometry::from_geojson(&feature["geometry"]).ok())
        // Into a zone of the national system.
        .map(|shape| {
            geo::MapCoords::map_coords(&shape, |c| geo_types::Coord {
                x: c.x + 182.11,
                y: c.y,
            })
        })
        .filter(geo::Validation::is_valid)
        .collect();
    assert!(shapes.len() > 1_400);
    // The same ground as the claims are measured on, near enough for an oracle: metres around the city's middle.
    let plane = |shape: &geo_types::Geometry<f64>| {
        use geo::MapCoords;
        let flat = shape.map_coords(|c| geo_types::Coord {
            x: (c.x - 111.0) * 82_170.0,
            y: (c.y - 42.37) * 111_080.0,
        });
        match flat {
            geo_types::Geometry::Polygon(one) => geo_types::MultiPolygon(vec![one]),
            geo_types::Geometry::MultiPolygon(many) => many,
            _ => geo_types::MultiPolygon(vec![]),
        }
    };
    let mut transaction = state.database.begin().await.unwrap();
    let mut parcels = Vec::new();
    let mut writer = crate::spatial_units::VersionWriter::default();
    let now = state.clock.now();
    for shape in &shapes {
        let id = crate::ids::SpatialUnitId::fresh();
        let mut content = crate::spatial_units::Content::empty(crate::spatial_units::Kind::Parcel);
        content.geometry = Some(crate::geometry::ewkb(shape).unwrap());
        writer.register(id, crate::spatial_units::Kind::Parcel, None, now);
        let revision = crate::period::revise(
            &[],
            crate::period::ValidPeriod::since(time::macros::date!(2014 - 01 - 01)),
            Some(content),
            now,
        );
        let occasion = crate::spatial_units::Occasion {
            actor: Actor("survey".to_owned()),
            reason: None,
            import_id: None,
        };
        writer
            .revise(
                id,
                crate::spatial_units::Kind::Parcel,
                crate::ledger::Action::Create,
                revision,
                None,
                &occasion,
            )
            .unwrap();
        parcels.push(id.0);
    }
    writer.flush(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    let (mut held, mut refused): (Vec<usize>, Vec<usize>) = (Vec::new(), Vec::new());
    for (index, land) in parcels.iter().enumerate() {
        let body = with(
            certificate(*land, &format!("431103001002GB{:05}W00000000", index + 1), 1),
            json!({"cert_no": null, "old_land_certificate": "旧"}),
        );
        let statement = TitleStatement::read(body).unwrap();
        let content = statement.content(state.clock.today(), None).unwrap();
        let occasion = Occasion {
            actor: Actor("clerk".to_owned()),
            reason: None,
            import_id: None,
        };
        let mut transaction = state.database.begin().await.unwrap();
        match write_new(
            &mut transaction,
            content,
            datetime!(2021-03-10 0:00 UTC).date(),
            now,
            &occasion,
        )
        .await
        {
            Ok(_) => {
                transaction.commit().await.unwrap();
                held.push(index);
            }
            Err(problem) => {
                assert_eq!(problem.code.as_deref(), Some("title_extent_no_overlap"), "{problem:?}");
                refused.push(index);
            }
        }
    }
    // Those that are refused overlap one that is held by more than rounding makes.
    for index in &refused {
        let mine = plane(&shapes[*index]);
        let most = held
            .iter()
            .map(|other| mine.intersection(&plane(&shapes[*other])).unsigned_area())
            .fold(0.0, f64::max);
        assert!(most > 0.005, "parcel {index} was refused for {most} m²");
    }
    println!("{} registered, {} refused", held.len(), refused.len());
    assert!(refused.len() < 10 && held.len() > 1_400, "{} refused", refused.len());
}
