//! Rules of titles and their cases, over a real PostGIS.

use axum::http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use super::tests::{change, changed, every_page, found_by, open, register, square};
use crate::ledger::ObjectKind;
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::prove;

/// Rules of titles: each fires for one title and is quiet for the plain certificate beside it.
#[sqlx::test(migrations = "../migrations")]
async fn each_rule_of_titles_fires_for_its_title_and_no_other(pool: PgPool) {
    use crate::titles::tests::{certificate, parcel, rectangle, registered, with};
    let (app, state) = app(&pool).await;
    const RULES: [&str; 8] = [
        "TTL-01", "TTL-02", "TTL-11", "TTL-12", "TTL-13", "TTL-14", "TTL-15", "TTL-16",
    ];
    let mut number = 0;
    let mut titled = async |changes: Value| {
        number += 1;
        let west = f64::from(number) * 2.0;
        let land = parcel(&app, rectangle(west, 0.0, west + 1.0, 1.0)).await;
        let code = format!("431103001002GB{number:05}F00010001");
        let at = registered(&app, with(certificate(land, &code, number as u32), changes)).await;
        (land, at)
    };
    let encumber = async |at: &str, kind: &str| {
        let key = Uuid::now_v7().to_string();
        let body = json!({"kind": kind, "holder": "永州市中级人民法院", "document": "(2026)湘11执1号"});
        let laid = ask(
            &app,
            "POST",
            &format!("{at}/encumbrances"),
            &[("Idempotency-Key", &key)],
            Some(body),
        )
        .await;
        assert_eq!(laid.status, StatusCode::CREATED, "{}", laid.body);
        laid.location.unwrap_or_default()
    };
    let quiet = [
        json!({}),
        json!({"holders": [{"name": "云南省人民政府", "kind": "government"}]}),
        json!({"right_nature_land": "102", "term_from": "2021-03-10", "term_to": "2071-03-09"}),
    ];
    for changes in quiet {
        let (land, _) = titled(changes.clone()).await;
        for rule in RULES {
            assert_eq!(found_by(&state, rule, Some(vec![land])).await, 0, "{rule}: {changes}");
        }
    }
    let loud = [
        ("TTL-01", json!({"holders": [{"name": "永州市某局", "kind": "unit"}]})),
        (
            "TTL-02",
            json!({"holders": [{"name": "永州市城投公司", "kind": "platform_company"}]}),
        ),
        (
            "TTL-11",
            json!({"right_nature_land": "102", "term_from": "2000-01-01", "term_to": "2027-12-31"}),
        ),
        (
            "TTL-12",
            json!({"right_nature_land": "101", "term_from": "2021-03-10", "term_to": "2071-03-09"}),
        ),
        ("TTL-12", json!({"right_nature_land": "102"})),
        (
            "TTL-15",
            json!({"cert_no": null, "print_serial": null, "old_land_certificate": "永国用(2005)第001234号"}),
        ),
        (
            "TTL-16",
            json!({"evidence": "land_only", "cert_no": null, "print_serial": null,
                          "old_land_certificate": "永国用(2005)第001235号"}),
        ),
    ];
    for (fires, changes) in loud {
        let (land, _) = titled(changes.clone()).await;
        for rule in RULES {
            // An old certificate is old, whatever else is missing.
            let wanted = rule == fires || (fires == "TTL-16" && rule == "TTL-15");
            assert_eq!(
                found_by(&state, rule, Some(vec![land])).await,
                u64::from(wanted),
                "{rule}: {changes}"
            );
        }
    }
    for (rule, kind) in [("TTL-13", "seizure"), ("TTL-13", "dispute"), ("TTL-14", "mortgage")] {
        let (land, at) = titled(json!({})).await;
        encumber(&at, kind).await;
        for other in ["TTL-13", "TTL-14"] {
            assert_eq!(
                found_by(&state, other, Some(vec![land])).await,
                u64::from(rule == other),
                "{other}: {kind}"
            );
        }
    }
    // A change of what lies on a title calls for its land.
    let (land, at) = titled(json!({})).await;
    encumber(&at, "seizure").await;
    let laid: Uuid = sqlx::query_scalar(
        "select object_id from encumbrance_version order by lower(recorded) desc, version_id desc limit 1",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    changed(&state, ObjectKind::Encumbrance, laid).await;
    let open = every_page(&app, &format!("/api/v1/findings?rule=TTL-13&object={land}")).await;
    assert_eq!(open.len(), 1, "{open:?}");
    prove(&pool).await.unwrap();
}

/// Rules that hold titles against the survey, the ledger, the land under them and each other.
#[sqlx::test(migrations = "../migrations")]
async fn titles_agree_with_what_is_there_or_it_is_found(pool: PgPool) {
    use crate::titles::tests::{certificate, rectangle, registered, with};
    let (app, state) = app(&pool).await;
    let county = json!({"code": "431103", "name": "冷水滩区", "level": "county", "valid_from": "2000-01-01"});
    register(&app, "regions", "431103", county).await;
    let mut number = 0;
    // A parcel with a building on it; the area of the land is what its shape says.
    let mut place = async |land: Value, house: Value| {
        number += 1;
        let west = f64::from(number) * 2.0;
        let shape = rectangle(west, 0.0, west + 1.0, 1.0);
        let body = json!({"valid_from": "2020-01-01", "geometry": shape, "region_code": "431103"});
        let (parcel, etag) = register(&app, "parcels", &format!("p{number}"), with(body, land)).await;
        let body = json!({"valid_from": "2020-01-01", "completed_year": 2019, "floors_above": 3,
                          "geometry": rectangle(west + 0.2, 0.2, west + 0.4, 0.4)});
        let (building, _) = register(&app, "buildings", &format!("b{number}"), with(body, house)).await;
        let related = ask(
            &app,
            "POST",
            &format!("/api/v1/parcels/{parcel}/relations"),
            &[("Idempotency-Key", &format!("r{number}"))],
            Some(json!({"related_id": building, "valid_from": "2020-01-01"})),
        )
        .await;
        assert_eq!(related.status, StatusCode::CREATED, "{}", related.body);
        let area: f64 = sqlx::query_scalar("select area_m2 from spatial_unit_version where object_id = $1")
            .bind(parcel)
            .fetch_one(&pool)
            .await
            .unwrap();
        let code = format!("431103001002GB{number:05}F00010001");
        let paper = with(
            certificate(parcel, &code, number as u32),
            json!({"building_ids": [building], "land_area_m2": (area * 100.0).round() / 100.0}),
        );
        (parcel, building, etag, area, paper)
    };
    // Of the object alone: the houses on its land are looked at with it.
    let one = async |rule: &str, object: Uuid| {
        found_by(&state, rule, Some(vec![object])).await;
        sqlx::query_scalar::<_, i64>(
            "select count(*) from finding where rule = $1 and object_id = $2 and state <> 'resolved'",
        )
        .bind(rule)
        .bind(object)
        .fetch_one(&pool)
        .await
        .unwrap()
    };
    const RULES: [&str; 8] = [
        "TTL-06", "TTL-07", "TTL-08", "TTL-10", "TTL-17", "TTL-20", "COD-10", "COD-12",
    ];
    let none = || json!({});

    // What agrees is quiet, by every rule.
    let (parcel, building, _, area, paper) = place(
        json!({"land_use_scheme": "GB21010-2017", "land_use_code": "0801", "address": "冷水滩区湘江西路1号"}),
        none(),
    )
    .await;
    registered(&app, paper).await;
    for rule in RULES {
        for object in [parcel, building] {
            assert_eq!(one(rule, object).await, 0, "{rule}");
        }
    }
    // TTL-07: three percent.
    for (times, fires) in [(1.02, 0), (1.04, 1), (0.95, 1)] {
        let (parcel, _, _, _, paper) = place(none(), none()).await;
        registered(&app, with(paper, json!({"land_area_m2": (area * times).round()}))).await;
        assert_eq!(one("TTL-07", parcel).await, fires, "{times}");
    }
    // TTL-08: area, use, holder and place, each by itself; another edition of classes and a shorter address say nothing.
    for (land, fires) in [
        (json!({"registered_area_m2": 1000.0}), 1),
        (json!({"land_use_scheme": "GB21010-2017", "land_use_code": "0803"}), 1),
        (json!({"land_use_scheme": "GB21010-2007", "land_use_code": "081"}), 0),
        (json!({"address": "冷水滩区零陵路9号"}), 1),
        (json!({"address": "永州市冷水滩区 湘江西路1号"}), 0),
    ] {
        let (parcel, _, _, _, paper) = place(land.clone(), none()).await;
        registered(&app, paper).await;
        assert_eq!(one("TTL-08", parcel).await, fires, "{land}");
    }
    // TTL-06: the house is another's; and one title for both is one holder's.
    let (parcel, building, _, _, paper) = place(none(), none()).await;
    registered(&app, with(paper.clone(), json!({"building_ids": []}))).await;
    assert_eq!(
        one("TTL-17", building).await,
        1,
        "completed in 2019, and its land is registered"
    );
    let house = with(
        paper,
        json!({"evidence": "house_only", "parcel_ids": [], "building_ids": [building], "cert_no": null,
               "print_serial": null, "unit_code": "431103001002GB99001F00010001", "land_area_m2": null,
               "old_house_certificate": "永房权证字第1号", "holders": [{"name": "永州市财政局", "kind": "unit"}]}),
    );
    registered(&app, house).await;
    assert_eq!(one("TTL-06", building).await, 1);
    assert_eq!(one("TTL-17", building).await, 0);
    changed(&state, ObjectKind::Parcel, parcel).await;
    let open_now = open(&app, "TTL-06").await;
    assert_eq!(open_now[0]["evidence"]["house_holders"], "永州市财政局", "{open_now:?}");
    // TTL-17: a building of this year has time left.
    let (_, building, _, _, paper) = place(none(), json!({"completed_year": 2026})).await;
    registered(&app, with(paper, json!({"building_ids": []}))).await;
    assert_eq!(one("TTL-17", building).await, 0);
    // TTL-10: allocated land became granted land, and what approves it.
    let (parcel, _, _, _, paper) = place(none(), none()).await;
    let at = registered(&app, paper).await;
    let tag = ask(&app, "GET", &at, &[], None).await.etag.unwrap();
    let granted = json!({"right_nature_land": "102", "term_from": "2024-01-01", "term_to": "2074-01-01",
                         "valid_from": "2024-01-01", "reason": "补缴出让金"});
    let changed_title = ask(&app, "PATCH", &at, &[("If-Match", &tag)], Some(granted)).await;
    assert_eq!(changed_title.status, StatusCode::OK, "{}", changed_title.body);
    assert_eq!(one("TTL-10", parcel).await, 1);
    let title: Uuid = at.rsplit('/').next().unwrap().parse().unwrap();
    case_of(
        &pool,
        parcel,
        Some(title),
        "archived",
        json!({"approval": "永政函〔2023〕7号"}),
    )
    .await;
    assert_eq!(one("TTL-10", parcel).await, 0);
    // COD-12: the county or the city above it, and no other.
    for (cert_no, fires) in [
        ("湘(2021)冷水滩区不动产权第0900001号", 0),
        ("湘(2021)永州市冷水滩区不动产权第0900002号", 0),
        ("湘(2021)零陵区不动产权第0900003号", 1),
    ] {
        let (parcel, _, _, _, paper) = place(none(), none()).await;
        registered(&app, with(paper, json!({"cert_no": cert_no}))).await;
        assert_eq!(one("COD-12", parcel).await, fires, "{cert_no}");
    }
    // COD-05: disputed land with a title and no dispute in the book; underground with a house above it.
    let (disputed, _, _, _, paper) = place(json!({"unit_code": "431103001002GW00901W00000000"}), none()).await;
    assert_eq!(one("COD-05", disputed).await, 0);
    registered(&app, with(paper, json!({"unit_code": "431103001002GW00901W00000000"}))).await;
    assert_eq!(one("COD-05", disputed).await, 1);
    let (below, _, _, _, _) = place(json!({"unit_code": "431103001002GX00902F00010001"}), none()).await;
    assert_eq!(one("COD-05", below).await, 1);
    let cellar = json!({"floors_above": 0, "floors_below": 2});
    let (below, _, _, _, _) = place(json!({"unit_code": "431103001002GX00903F00010001"}), cellar).await;
    assert_eq!(one("COD-05", below).await, 0);
    // TTL-20 is refused at the door; one that came in by another way is found.
    let (parcel, _, _, _, paper) = place(none(), none()).await;
    registered(&app, paper).await;
    assert_eq!(one("TTL-20", parcel).await, 0);
    sqlx::query("update title_version set issued_on = '2031-01-01' where $1 = any(parcel_ids)")
        .bind(parcel)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(one("TTL-20", parcel).await, 1);
}

/// A case as it stands, written past the procedure.
async fn case_of(pool: &PgPool, asset: Uuid, title: Option<Uuid>, kept: &str, details: Value) {
    let id = Uuid::now_v7();
    sqlx::query("insert into title_case (id, created_at) values ($1, '2026-01-01')")
        .bind(id)
        .execute(pool)
        .await
        .unwrap();
    sqlx::query(
        "insert into title_case_version (version_id, object_id, valid, recorded, asset_id, title_id, state, opened_by,
             submitted_by, reviewed_by, disposal_frozen, details)
         values (gen_random_uuid(), $1, daterange('2026-01-01', null), tstzrange('2026-01-01', null), $2, $3, $4, '李',
             '李', '王', false, $5::json)",
    )
    .bind(id)
    .bind(asset)
    .bind(title)
    .bind(kept)
    .bind(details.to_string())
    .execute(pool)
    .await
    .unwrap();
}

/// What is not registered: filed, kept, or forgotten; and papers that nobody handed over.
#[sqlx::test(migrations = "../migrations")]
async fn what_is_neither_registered_nor_filed_is_found(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let one = async |rule: &str, object: Uuid| found_by(&state, rule, Some(vec![object])).await;
    let land = async |key: &str, east_m: f64, status: &str, from: &str| {
        let body = json!({"code": key, "geometry": square(east_m, 30.0), "title_status": status, "valid_from": from});
        register(&app, "parcels", key, body).await
    };
    for (status, fires) in [
        ("none_handed", 1),
        ("none_not_handed", 1),
        ("unified", 0),
        ("other_handed", 0),
    ] {
        let (parcel, _) = land(status, 100.0 * f64::from(status.len() as u32), status, "2026-11-01").await;
        assert_eq!(one("TTL-03", parcel).await, fires, "{status}");
    }
    let (filed, _) = land("filed", 5_000.0, "none_handed", "2026-11-01").await;
    case_of(&pool, filed, None, "filed", json!({})).await;
    assert_eq!(one("TTL-03", filed).await, 0);
    // TTL-19: kept by somebody's word, or by nobody's.
    assert_eq!(one("TTL-19", filed).await, 0);
    for (key, details, fires) in [
        ("kept", json!({"approval": "永机管〔2022〕1号"}), 0),
        ("bare", json!({}), 1),
        ("blank", json!({"approval": ""}), 1),
    ] {
        let (kept, _) = land(key, 6_000.0 + 100.0 * key.len() as f64, "other_handed", "2026-11-01").await;
        case_of(&pool, kept, None, "kept", details).await;
        assert_eq!(one("TTL-19", kept).await, fires, "{key}");
    }
    // A building goes with its land.
    let body = json!({"code": "h", "geometry": square(5_005.0, 10.0), "title_status": "none_handed", "valid_from": "2026-11-01"});
    let (house, _) = register(&app, "buildings", "h", body).await;
    assert_eq!(one("TTL-03", house).await, 1, "it stands alone");
    let relation = json!({"related_id": house, "valid_from": "2026-11-01"});
    let address = format!("/api/v1/parcels/{filed}/relations");
    let related = ask(&app, "POST", &address, &[("Idempotency-Key", "r")], Some(relation)).await;
    assert_eq!(related.status, StatusCode::CREATED, "{}", related.body);
    assert_eq!(one("TTL-03", house).await, 0);
    // TTL-05: ninety days (the test's day is the 21st of November 2026), and a new start where they were handed over.
    for (key, from, fires) in [("d90", "2026-08-23", 0), ("d91", "2026-08-22", 1)] {
        let (parcel, _) = land(key, 8_000.0 + from.len() as f64 * 50.0, "other_not_handed", from).await;
        assert_eq!(one("TTL-05", parcel).await, fires, "{from}");
    }
    let (back, etag) = land("back", 9_000.0, "none_not_handed", "2020-01-01").await;
    assert_eq!(one("TTL-05", back).await, 1);
    let etag = change(
        &app,
        "parcels",
        back,
        &etag,
        json!({"title_status": "none_handed", "valid_from": "2026-06-01"}),
    )
    .await;
    assert_eq!(one("TTL-05", back).await, 0);
    change(
        &app,
        "parcels",
        back,
        &etag,
        json!({"title_status": "none_not_handed", "valid_from": "2026-10-01"}),
    )
    .await;
    assert_eq!(one("TTL-05", back).await, 0, "since October");
}

/// Cases that wait too long.
#[sqlx::test(migrations = "../migrations")]
async fn overdue_cases_and_filings_are_found_after_their_day(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let case = async |number: u32, kept: &str, due: Option<&str>, review: Option<&str>| {
        let id = Uuid::now_v7();
        let west = f64::from(number) * 2.0;
        let shape = crate::titles::tests::rectangle(west, 0.0, west + 1.0, 1.0);
        let land = crate::titles::tests::parcel(&app, shape).await;
        sqlx::query("insert into title_case (id, created_at) values ($1, '2026-01-01')")
            .bind(id)
            .execute(&pool)
            .await
            .unwrap();
        sqlx::query(
            "insert into title_case_version (version_id, object_id, valid, recorded, asset_id, unit_code, state, opened_by,
                 submitted_by, reviewed_by, due_on, review_on, disposal_frozen, details)
             values (gen_random_uuid(), $1, daterange('2026-01-01', null), tstzrange('2026-01-01', null), $2, $3, $4, '李',
                 '李', '王', $5::date, $6::date, false, '{}')",
        )
        .bind(id)
        .bind(land)
        .bind(format!("431103001002GB{number:05}W00000000"))
        .bind(kept)
        .bind(due.map(|day| time::Date::parse(day, &time::format_description::well_known::Iso8601::DATE).unwrap()))
        .bind(review.map(|day| time::Date::parse(day, &time::format_description::well_known::Iso8601::DATE).unwrap()))
        .execute(&pool)
        .await
        .unwrap();
    };
    case(1, "accepted", Some("2026-11-21"), None).await;
    case(2, "recorded", Some("2026-01-21"), None).await;
    case(3, "filed", None, Some("2026-11-21")).await;
    assert_eq!(found_by(&state, "TTL-18", None).await, 0, "due today");
    assert_eq!(found_by(&state, "TTL-04", None).await, 0);
    case(4, "reviewing", Some("2026-11-20"), None).await;
    case(5, "filed", None, Some("2026-11-20")).await;
    assert_eq!(found_by(&state, "TTL-18", None).await, 1);
    assert_eq!(found_by(&state, "TTL-04", None).await, 1);
}
