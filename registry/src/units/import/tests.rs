//! Lists of units over a real PostGIS, under the application's role.

use std::path::PathBuf;

use gis_data::Layer;
use serde_json::{Value, json};
use sqlx::PgPool;
use tempfile::TempDir;
use time::macros::date;

use crate::http::AppState;
use crate::ids::ImportId;
use crate::imports::{Counts, ImportFailed, ImportOrder, ImportProgress, Report, run_import};
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::{entries, prove};

const HEADER: &str = "单位代码,单位名称,单位级别,单位性质,行政区划代码,上级单位,正处级编制,副处级编制,实有人数,备注";

fn file(rows: &[&str]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("units.csv");
    std::fs::write(&path, format!("{HEADER}\n{}\n", rows.join("\n"))).unwrap();
    (folder, path)
}

async fn import(
    state: &AppState,
    rows: &[&str],
    change: impl FnOnce(&mut ImportOrder),
) -> Result<(ImportId, Report), ImportFailed> {
    let (_folder, path) = file(rows);
    let mut order = ImportOrder::new(Layer::Units, path, "units");
    order.valid_from = Some(date!(2024 - 01 - 01));
    change(&mut order);
    state.clock.advance(time::Duration::minutes(1));
    let id = ImportId::fresh();
    let report = run_import(&state.database, &state.clock, id, &order, &ImportProgress::default()).await?;
    assert!(report.counts.add_up());
    Ok((id, report))
}

fn counts(read: u64, inserted: u64, unchanged: u64, new_version: u64, quarantined: u64) -> Counts {
    Counts {
        read,
        inserted,
        unchanged,
        new_version,
        quarantined,
    }
}

const LIST: [&str; 4] = [
    // Below one that stands later in the file, and one named by its name.
    "A1,市教育局第一幼儿园,市级,事业单位,,A,,2,31,新建",
    "A,市教育局,市级,政府机关,,,2,5,40,",
    "C,市中级人民法院,市级,法院,,,1,,80,",
    "A2,市电化教育馆,市级,事业单位,,市教育局,,1,9,",
];

async fn unit(app: &axum::Router, code: &str) -> Value {
    let list = ask(
        app,
        "GET",
        &format!("/api/v1/units?q={code}&as_of=2025-01-01"),
        &[],
        None,
    )
    .await;
    let id = list.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|unit| unit["code"] == code)
        .unwrap_or_else(|| panic!("no unit {code}: {}", list.body))["id"]
        .as_str()
        .unwrap()
        .to_owned();
    ask(app, "GET", &format!("/api/v1/units/{id}?as_of=2025-01-01"), &[], None)
        .await
        .body
}

#[sqlx::test(migrations = "../migrations")]
async fn a_list_becomes_a_tree_with_its_staffing(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let (_, report) = import(&state, &LIST, |_| ()).await.unwrap();
    assert_eq!(report.counts, counts(4, 4, 0, 0, 0), "{report:?}");
    assert_eq!(report.mapping["headcount:正处级"], "正处级编制");
    assert_eq!(report.mapping["parent_code"], "上级单位");
    let above = unit(&app, "A").await;
    assert_eq!(above["headcount"], json!({"正处级": 2, "副处级": 5}));
    assert_eq!(
        (&above["level"], &above["kind"]),
        (&json!("city"), &json!("government_organ"))
    );
    assert_eq!((&above["children"], &above["parent"]), (&json!(2), &Value::Null));
    let below = unit(&app, "A1").await;
    assert_eq!(below["parent"]["code"], "A");
    // What has no column of ours is kept in the list's own words.
    assert_eq!(below["attributes"]["备注"], "新建");
    assert_eq!(below["attributes"]["实有人数"], "31");
    assert_eq!(below["attributes"].get("副处级编制"), None);
    assert_eq!(prove(&pool).await, Ok(4));
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_list_changes_nothing_and_an_edited_one_only_what_was_edited(pool: PgPool) {
    let (app, state) = app(&pool).await;
    import(&state, &LIST, |_| ()).await.unwrap();
    let before = entries(&pool).await;
    let (_, again) = import(&state, &LIST, |order| order.valid_from = Some(date!(2024 - 06 - 01)))
        .await
        .unwrap();
    assert_eq!((again.counts, again.missing), (counts(4, 0, 4, 0, 0), 0));
    assert_eq!(
        entries(&pool).await,
        before + 1,
        "the import itself is an entry, and nothing else"
    );

    // One staffing, one parent; one row is gone.
    let edited = [
        "A1,市教育局第一幼儿园,市级,事业单位,,C,,2,31,新建",
        "A,市教育局,市级,政府机关,,,3,5,40,",
        LIST[2],
    ];
    let dry = import(&state, &edited, |order| order.dry_run = true).await.unwrap().1;
    assert_eq!((dry.counts, dry.missing, dry.closed), (counts(3, 0, 1, 2, 0), 1, 0));
    assert_eq!(entries(&pool).await, before + 1);
    let (id, report) = import(&state, &edited, |order| {
        order.valid_from = Some(date!(2024 - 07 - 01));
        order.close_missing = true;
    })
    .await
    .unwrap();
    assert_eq!(
        (report.counts, report.missing, report.closed),
        (counts(3, 0, 1, 2, 0), 1, 1)
    );
    assert_eq!(unit(&app, "A").await["headcount"]["正处级"], 3);
    assert_eq!(unit(&app, "A1").await["parent"]["code"], "C");
    let closed: Vec<String> =
        sqlx::query_scalar("select source_key from import_outcome where import_id = $1 and outcome = 'closed'")
            .bind(id.0)
            .fetch_all(&pool)
            .await
            .unwrap();
    assert_eq!(closed, ["A2"]);
    let gone = ask(&app, "GET", "/api/v1/units?q=A2&as_of=2024-06-30&count=true", &[], None).await;
    assert_eq!(gone.body["total"], 1);
    let gone = ask(&app, "GET", "/api/v1/units?q=A2&as_of=2024-07-01&count=true", &[], None).await;
    assert_eq!(gone.body["total"], 0);
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_can_not_be_a_unit_is_quarantined_with_its_reason(pool: PgPool) {
    let (_, state) = app(&pool).await;
    let rows = [
        "A,甲局,市级,政府机关,,,,,,",
        ",无代码局,市级,政府机关,,,,,,",
        "B,乙局,处级,政府机关,,,,,,",
        "C,丙局,市级,公司,,,,,,",
        "D,丁局,,政府机关,,,,,,",
        "E,戊局,市级,政府机关,,不存在的局,,,,",
        // Below one that is put aside.
        "F,己局,市级,政府机关,,E,,,,",
        "G,庚局,市级,政府机关,,H,,,,",
        "H,辛局,市级,政府机关,,G,,,,",
        "A,重复局,市级,政府机关,,,,,,",
        "I,壬局,市级,政府机关,320411,A,若干,,,",
    ];
    let (id, report) = import(&state, &rows, |_| ()).await.unwrap();
    assert_eq!(report.counts, counts(11, 2, 0, 0, 9), "{report:?}");
    let reasons: Vec<(i64, String)> = sqlx::query_as(
        "select row, reason->>'code' from import_outcome where import_id = $1 and outcome = 'quarantined' order by row",
    )
    .bind(id.0)
    .fetch_all(&pool)
    .await
    .unwrap();
    let reasons: Vec<(i64, &str)> = reasons.iter().map(|(row, code)| (*row, code.as_str())).collect();
    assert_eq!(
        reasons,
        [
            (3, "missing_field"),
            (4, "unknown_level"),
            (5, "unknown_kind"),
            (6, "missing_field"),
            (7, "unknown_parent"),
            (8, "unknown_parent"),
            (9, "circle"),
            (10, "circle"),
            (11, "duplicate_key"),
        ]
    );
    assert_eq!(
        (report.warnings["unknown_region"], report.warnings["unreadable_value"]),
        (1, 1)
    );
    // Every row is kept whole.
    let raw: Value = sqlx::query_scalar("select raw from import_outcome where import_id = $1 and row = 4")
        .bind(id.0)
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!((&raw["单位名称"], &raw["单位级别"]), (&json!("乙局"), &json!("处级")));
}

#[sqlx::test(migrations = "../migrations")]
async fn two_units_swap_their_codes_and_one_that_others_stand_below_stays(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let rows = [
        "A,甲局,市级,政府机关,,,,,,k1",
        "B,乙局,市级,政府机关,,,,,,k2",
        "C,丙院,市级,事业单位,,B,,,,k3",
    ];
    let by_key = |order: &mut ImportOrder| order.map = vec![("key".to_owned(), "备注".to_owned())];
    import(&state, &rows, by_key).await.unwrap();
    let swapped = [
        "B,甲局,市级,政府机关,,,,,,k1",
        "A,乙局,市级,政府机关,,,,,,k2",
        "C,丙院,市级,事业单位,,A,,,,k3",
    ];
    let (_, report) = import(&state, &swapped, |order| {
        by_key(order);
        order.valid_from = Some(date!(2024 - 02 - 01));
    })
    .await
    .unwrap();
    // C stands below the same unit, whatever its code.
    assert_eq!(report.counts, counts(3, 0, 1, 2, 0), "{report:?}");
    assert_eq!(unit(&app, "A").await["name"], "乙局");
    let (_, report) = import(&state, &[swapped[0], "C,丙院,市级,事业单位,,A,,,,k3"], |order| {
        by_key(order);
        order.valid_from = Some(date!(2024 - 03 - 01));
        order.close_missing = true;
    })
    .await
    .unwrap();
    assert_eq!((report.missing, report.closed), (1, 0), "{report:?}");
    assert_eq!(report.warnings["has_units_below"], 1);
    assert_eq!(unit(&app, "C").await["parent"]["name"], "乙局");
}

#[sqlx::test(migrations = "../migrations")]
async fn a_refused_or_cancelled_list_writes_nothing(pool: PgPool) {
    let (_, state) = app(&pool).await;
    let refused = import(&state, &LIST, |order| {
        order.map = vec![("headcount:正科级".to_owned(), "没有的列".to_owned())];
    })
    .await;
    assert!(matches!(refused, Err(ImportFailed::Refused { problem }) if problem.field.as_deref() == Some("map")));
    let (_folder, path) = file(&LIST);
    let progress = ImportProgress::default();
    progress.cancel();
    let order = ImportOrder::new(Layer::Units, path, "units");
    let outcome = run_import(&state.database, &state.clock, ImportId::fresh(), &order, &progress).await;
    assert!(matches!(outcome, Err(ImportFailed::Cancelled)), "{outcome:?}");
    let held: i64 = sqlx::query_scalar("select (select count(*) from unit) + (select count(*) from ledger_entry)")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(held, 0);
}
