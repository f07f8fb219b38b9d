//! Lists of rights over a real PostGIS, under the application's role.

use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use gis_data::{DuplicateKeys, Layer};
use serde_json::{Value, json};
use sqlx::PgPool;
use time::Date;
use time::macros::date;
use tower::ServiceExt;

use crate::http::AppState;
use crate::ids::ImportId;
use crate::imports::{AssetBy, Counts, ImportFailed, ImportOrder, ImportProgress, Report, run_import};
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::{entries, prove};

fn counts(read: u64, inserted: u64, unchanged: u64, new_version: u64, quarantined: u64) -> Counts {
    Counts {
        read,
        inserted,
        unchanged,
        new_version,
        quarantined,
    }
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(target, source)| ((*target).to_owned(), (*source).to_owned()))
        .collect()
}

async fn carry_out(state: &AppState, order: &ImportOrder) -> Result<(ImportId, Report), ImportFailed> {
    state.clock.advance(time::Duration::minutes(1));
    let id = ImportId::fresh();
    let report = run_import(&state.database, &state.clock, id, order, &ImportProgress::default()).await?;
    assert!(report.counts.add_up());
    Ok((id, report))
}

async fn import(
    state: &AppState,
    layer: Layer,
    text: &str,
    change: impl FnOnce(&mut ImportOrder),
) -> Result<(ImportId, Report), ImportFailed> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("list.csv");
    std::fs::write(&path, text).unwrap();
    let mut order = ImportOrder::new(layer, path, layer.as_str());
    order.valid_from = Some(date!(2024 - 01 - 01));
    change(&mut order);
    carry_out(state, &order).await
}

/// Three parcels and a building of which no shape is known.
async fn prepare(state: &AppState) {
    let without_shape = |order: &mut ImportOrder| order.shapes_optional = true;
    let parcels = "key,宗地代码,地块名称\np1,Z1,一\np2,Z2,二\np3,Z2,三\n";
    import(state, Layer::Parcels, parcels, without_shape).await.unwrap();
    let buildings = "key,幢号,楼栋名称\nb1,F1,一号楼\n";
    import(state, Layer::Buildings, buildings, without_shape).await.unwrap();
}

async fn asset(app: &axum::Router, layer: &str, code: &str) -> String {
    let list = ask(
        app,
        "GET",
        &format!("/api/v1/{layer}?q={code}&as_of=2024-01-01"),
        &[],
        None,
    )
    .await;
    list.body["items"][0]["id"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", list.body))
        .to_owned()
}

async fn rights(app: &axum::Router, layer: &str, id: &str, more: &str) -> Value {
    let answer = ask(
        app,
        "GET",
        &format!("/api/v1/{layer}/{id}/rights?count=true&{more}"),
        &[],
        None,
    )
    .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    answer.body
}

const HEADER: &str = "宗地代码,权利人,部位,坐落,不动产权证号,登记用途,登记面积,评估价";
const LIST: [&str; 5] = [
    "Z1,甲局,101,和平路1号,苏(2020)常州市不动产权第0000001号,办公,120.5,100000",
    "Z1,乙公司,102,和平路1号,,商业,80,\"1,200\"",
    "Z1,乙公司,102,和平路1号,,商业,80,\"1,200\"",
    "F1,丙局,,和平路2号,,办公,,",
    "Z9,丁局,,,,办公,,",
];

fn list(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

#[sqlx::test(migrations = "../migrations")]
async fn all_rights_of_an_asset_are_kept_as_the_list_tells_them(pool: PgPool) {
    let (app, state) = app(&pool).await;
    prepare(&state).await;
    let values = [("usage".to_owned(), "商业".to_owned(), "commercial".to_owned())];
    let (_, report) = import(&state, Layer::Titles, &list(&LIST), |order| {
        order.map = pairs(&[("usage", "登记用途")]);
        order.values = values.to_vec();
    })
    .await
    .unwrap();
    assert_eq!(report.counts, counts(5, 4, 0, 0, 1), "{report:?}");
    assert_eq!(report.reasons["no_such_asset"], 1);
    assert_eq!(report.mapping["asset_code"], "宗地代码");
    let parcel = asset(&app, "parcels", "Z1").await;
    let told = rights(&app, "parcels", &parcel, "as_of=2024-01-01").await;
    // Two rows that say the same are two rights.
    assert_eq!(
        (&told["total"], told["items"].as_array().unwrap().len()),
        (&json!(3), 3)
    );
    let first = &told["items"][0];
    assert_eq!(first["holder"], "甲局");
    assert_eq!(first["certificate"], "苏(2020)常州市不动产权第0000001号");
    assert_eq!(
        (&first["stated_use"], &first["usage"]),
        (&json!("办公"), &json!("administrative_office"))
    );
    assert_eq!(
        (&first["registered_area_m2"], &first["source_key"]),
        (&json!(120.5), &json!("Z1#1"))
    );
    assert_eq!(first["attributes"]["评估价"], "100000");
    assert_eq!(told["items"][1]["usage"], "commercial");
    assert_eq!(told["items"][2]["source_key"], "Z1#3");
    assert_eq!(rights(&app, "parcels", &parcel, "as_of=2023-12-31").await["total"], 0);
    let building = asset(&app, "buildings", "F1").await;
    assert_eq!(
        rights(&app, "buildings", &building, "as_of=2024-01-01").await["total"],
        1
    );

    // As a file, of all and of one asset.
    for (narrowed, rows) in [("", 4), (&*format!("&asset={parcel}"), 3)] {
        let address = format!("/api/v1/rights/export?format=csv&as_of=2024-01-01{narrowed}");
        let request = Request::get(address).header(header::HOST, "127.0.0.1");
        let response = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert_eq!(text.lines().count(), 1 + rows, "{text}");
        assert!(text.lines().nth(1).unwrap().contains(",Z1,一,甲局,101,"), "{text}");
    }

    // Page by page, nothing is lost or told twice.
    let page = rights(&app, "parcels", &parcel, "as_of=2024-01-01&limit=2").await;
    let next = ask(&app, "GET", page["next"].as_str().unwrap(), &[], None).await.body;
    assert_eq!(
        (
            page["items"].as_array().unwrap().len(),
            next["items"].as_array().unwrap().len()
        ),
        (2, 1)
    );
    assert_eq!(next["items"][0]["source_key"], "Z1#3");
    for address in [
        format!("/api/v1/buildings/{parcel}/rights"),
        format!("/api/v1/parcels/{}/rights", uuid::Uuid::nil()),
        "/api/v1/parcels/x/rights".to_owned(),
    ] {
        assert_eq!(
            ask(&app, "GET", &address, &[], None).await.status,
            StatusCode::NOT_FOUND,
            "{address}"
        );
    }
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_list_changes_nothing_and_an_edited_one_only_what_was_edited(pool: PgPool) {
    let (app, state) = app(&pool).await;
    prepare(&state).await;
    import(&state, Layer::Titles, &list(&LIST[..4]), |_| ()).await.unwrap();
    let before = entries(&pool).await;
    let again = import(&state, Layer::Titles, &list(&LIST[..4]), |order| {
        order.valid_from = Some(date!(2024 - 03 - 01));
    })
    .await
    .unwrap()
    .1;
    assert_eq!((again.counts, again.missing), (counts(4, 0, 4, 0, 0), 0));
    assert_eq!(
        entries(&pool).await,
        before + 1,
        "the import itself is an entry, and nothing else"
    );
    let edited = list(&[&LIST[0].replace("甲局", "市机关事务管理局"), LIST[1], LIST[3]]);
    let change = |order: &mut ImportOrder| order.valid_from = Some(date!(2024 - 06 - 01));
    let dry = import(&state, Layer::Titles, &edited, |order| {
        change(order);
        order.dry_run = true;
    })
    .await
    .unwrap()
    .1;
    assert_eq!((dry.counts, dry.missing, dry.closed), (counts(3, 0, 2, 1, 0), 1, 0));
    assert_eq!(entries(&pool).await, before + 1);
    let (_, report) = import(&state, Layer::Titles, &edited, |order| {
        change(order);
        order.close_missing = true;
    })
    .await
    .unwrap();
    assert_eq!(
        (report.counts, report.missing, report.closed),
        (counts(3, 0, 2, 1, 0), 1, 1)
    );
    let parcel = asset(&app, "parcels", "Z1").await;
    for (as_of, holder, total) in [("2024-05-31", "甲局", 3), ("2024-06-01", "市机关事务管理局", 2)] {
        let told = rights(&app, "parcels", &parcel, &format!("as_of={as_of}&sort=key")).await;
        assert_eq!(
            (&told["items"][0]["holder"], &told["total"]),
            (&json!(holder), &json!(total)),
            "{as_of}"
        );
    }
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn an_asset_is_found_by_what_the_order_says(pool: PgPool) {
    let (app, state) = app(&pool).await;
    prepare(&state).await;
    // Two parcels have the code Z2: neither is taken for the other.
    let (_, report) = import(&state, Layer::Titles, "asset_code,holder\nZ2,甲\n,乙\n", |_| ())
        .await
        .unwrap();
    assert_eq!(
        (report.counts, report.reasons["ambiguous_asset"]),
        (counts(2, 0, 0, 0, 2), 1)
    );
    let by_key = "asset_code,holder,pid\np2,甲,77\n";
    let (_, report) = import(&state, Layer::Titles, by_key, |order| {
        order.of_dataset = Some("parcels".to_owned())
    })
    .await
    .unwrap();
    assert_eq!(report.counts, counts(1, 1, 0, 0, 0), "{report:?}");
    let parcel = asset(&app, "parcels", "二").await;
    let told = rights(&app, "parcels", &parcel, "as_of=2024-01-01").await;
    assert_eq!(told["items"][0]["source_key"], "77");

    let before = entries(&pool).await;
    type Change = fn(&mut ImportOrder);
    let refusals: [(&str, Change, &str); 5] = [
        (by_key, |order| order.of_dataset = Some("nothing".to_owned()), "of"),
        (by_key, |order| order.asset_by = Some(AssetBy::SourceKey), "of"),
        ("holder\n甲\n", |_| (), "map"),
        (
            by_key,
            |order| order.values = vec![("usage".to_owned(), "a".to_owned(), "other".to_owned())],
            "map",
        ),
        (
            by_key,
            |order| {
                order.map = vec![("usage".to_owned(), "holder".to_owned())];
                order.values = vec![("usage".to_owned(), "甲".to_owned(), "palace".to_owned())];
            },
            "map",
        ),
    ];
    for (text, change, field) in refusals {
        let refused = import(&state, Layer::Titles, text, change).await;
        let Err(ImportFailed::Refused { problem }) = refused else {
            panic!("{field} was not refused: {refused:?}");
        };
        assert_eq!(problem.field.as_deref(), Some(field), "{}", problem.detail);
    }
    assert_eq!(entries(&pool).await, before);
}

/// The assessor's tables of two years beside the parcels of those years.
#[sqlx::test(migrations = "../migrations")]
async fn tax_tables_are_joined_to_the_parcels_of_their_years(pool: PgPool) {
    let Some(sets) = std::env::var_os("YICE_TEST_DATA").map(PathBuf::from) else {
        eprintln!("left out: YICE_TEST_DATA names no folder with cambridge-parcels");
        return;
    };
    let (app, state) = app(&pool).await;
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../gis-data/samples/cambridge");
    let years: [(i32, Date, u64, u64, usize); 2] = [
        (2013, date!(2013 - 01 - 01), 27_424, 27_424, 47),
        (2014, date!(2014 - 01 - 01), 27_528, 0, 46),
    ];
    for (year, valid_from, rows, fresh, strays) in years {
        let mut order = ImportOrder::new(
            Layer::Parcels,
            samples.join(format!("parcels_fy{year}.geojson.gz")),
            "parcels",
        );
        order.crs = Some("EPSG:4326".to_owned());
        order.valid_from = Some(valid_from);
        order.duplicate_keys = DuplicateKeys::Number;
        order.close_missing = true;
        order.map = pairs(&[("key", "ML"), ("code", "ML")]);
        let (parcels, _) = carry_out(&state, &order).await.unwrap();

        let mut order = ImportOrder::new(
            Layer::Titles,
            sets.join(format!("cambridge-parcels/tax_fy{year}.csv.gz")),
            "tax",
        );
        order.valid_from = Some(valid_from);
        order.of_dataset = Some("parcels".to_owned());
        order.close_missing = true;
        // The tables have no key in common: the rows are numbered within their parcel in both.
        order.map = pairs(&[
            ("key", ""),
            ("asset_code", "ML"),
            ("address", "Location"),
            ("stated_use", "UseDescription"),
            ("usage", "UseDescription"),
            ("registered_area_m2", "LandArea@sqft"),
        ]);
        order.values = [("Vacant City", "idle_land"), ("GEN-OFFICE", "administrative_office")]
            .map(|(word, code)| ("usage".to_owned(), word.to_owned(), code.to_owned()))
            .to_vec();
        let (id, report) = carry_out(&state, &order).await.unwrap();
        assert_eq!(report.counts.read, rows);
        if fresh > 0 {
            assert_eq!(report.counts.inserted + report.counts.quarantined, fresh);
        }
        // One of the set's 48 and 47 ids without a polygon is the empty one.
        let reasons: Vec<(String, String)> = sqlx::query_as(
            "select distinct reason->>'code', coalesce(r.raw->>'ML', '') from import_outcome r
              where import_id = $1 and outcome = 'quarantined'
                and not exists (select from import_outcome p where p.import_id = $2 and p.outcome = 'quarantined'
                                   and p.source_key = r.raw->>'ML')",
        )
        .bind(id.0)
        .bind(parcels.0)
        .fetch_all(&pool)
        .await
        .unwrap();
        let of = |code: &str| reasons.iter().filter(|(reason, _)| reason == code).count();
        assert_eq!(
            (of("no_such_asset"), of("missing_field"), reasons.len()),
            (strays, 1, strays + 1),
            "{reasons:?}"
        );

        let parcel: uuid::Uuid =
            sqlx::query_scalar("select id from spatial_unit where dataset = 'parcels' and source_key = '1A-109'")
                .fetch_one(&pool)
                .await
                .unwrap();
        let as_of = format!("as_of={year}-06-01");
        let told = rights(&app, "parcels", &parcel.to_string(), &format!("{as_of}&limit=1000")).await;
        assert_eq!(
            (&told["total"], told["items"].as_array().unwrap().len()),
            (&json!(438), 438)
        );
        let items = told["items"].as_array().unwrap();
        // What has no field of ours is kept in the table's own words.
        let is_valued = |right: &&Value| right["attributes"].get("TotalAppraisedParcelValue").is_some();
        assert_eq!(items.iter().filter(is_valued).count(), 438);
        assert!(
            items
                .iter()
                .all(|right| right["stated_use"].is_string() && right["usage"].is_null())
        );
        let idle: i64 = sqlx::query_scalar(
            "select count(*) from listed_right_version
              where usage = 'idle_land' and stated_use = 'Vacant City' and valid @> $1 and upper_inf(recorded)",
        )
        .bind(valid_from)
        .fetch_one(&pool)
        .await
        .unwrap();
        // Of 131 and 127 rows, two and one are of ids without a polygon.
        assert_eq!(idle, if year == 2013 { 129 } else { 126 });
    }
    prove(&pool).await.unwrap();
}
