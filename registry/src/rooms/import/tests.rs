//! Lists of rooms over a real PostGIS, under the application's role.

use std::collections::BTreeMap;
use std::path::PathBuf;

use gis_data::Layer;
use serde_json::{Value, json};
use sqlx::PgPool;
use time::macros::date;

use crate::http::AppState;
use crate::ids::ImportId;
use crate::imports::{Counts, ImportFailed, ImportOrder, ImportProgress, Report, run_import};
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

/// Two buildings of which no shape is known, and a unit.
async fn prepare(state: &AppState) {
    let buildings = "幢号,楼栋名称,原始编号\nF0001,一号楼,src-1\nF0002,二号楼,src-2\n";
    let without = import(state, Layer::Buildings, buildings, |_| ()).await.unwrap().1;
    assert_eq!(
        without.counts,
        counts(2, 0, 0, 0, 2),
        "a building needs its shape unless told otherwise"
    );
    let (_, report) = import(state, Layer::Buildings, buildings, |order| {
        order.shapes_optional = true;
        order.map = pairs(&[("key", "原始编号")]);
    })
    .await
    .unwrap();
    assert_eq!(report.counts, counts(2, 2, 0, 0, 0), "{report:?}");
    let units = "单位代码,单位名称,单位级别,单位性质\nU1,市财政局,市级,政府机关\n";
    import(state, Layer::Units, units, |_| ()).await.unwrap();
}

async fn rooms(app: &axum::Router, as_of: &str) -> Vec<Value> {
    let at = format!("/api/v1/rooms?limit=1000&sort=place&as_of={as_of}");
    let list = ask(app, "GET", &at, &[], None).await;
    list.body["items"].as_array().unwrap().clone()
}

const HEADER: &str = "楼栋编号,楼层,房间号,房间名称,使用面积,建筑面积,使用状态,使用单位,房间类型";
const LIST: [&str; 4] = [
    "F0001,1层,101,大厅,80.5,110,在用,市财政局,公共部位",
    "F0001,地下一层,B01,车库,400,520,在用,,附属用房",
    "src-2,B2,1,,30,,闲置,U1,设备用房",
    "F0002,二层,201,会议室,60,80,在用,不存在的局,服务用房",
];

fn list(rows: &[&str]) -> String {
    format!("{HEADER}\n{}\n", rows.join("\n"))
}

#[sqlx::test(migrations = "../migrations")]
async fn rooms_find_their_building_floor_and_unit(pool: PgPool) {
    let (app, state) = app(&pool).await;
    prepare(&state).await;
    let (_, report) = import(&state, Layer::Rooms, &list(&LIST), |_| ()).await.unwrap();
    assert_eq!(report.counts, counts(4, 4, 0, 0, 0), "{report:?}");
    assert_eq!(report.warnings.get("unknown_unit"), Some(&1));
    let read: Vec<(Value, Value, Value, Value, Value)> = rooms(&app, "2024-01-01")
        .await
        .into_iter()
        .map(|room| {
            let of = |name: &str| room[name].clone();
            (
                of("building_name"),
                of("floor"),
                of("number"),
                of("use_area_m2"),
                of("unit_name"),
            )
        })
        .collect();
    let expected = [
        (json!("二号楼"), json!(-2), json!("1"), json!(30.0), json!("市财政局")),
        (json!("一号楼"), json!(-1), json!("B01"), json!(400.0), Value::Null),
        (json!("一号楼"), json!(1), json!("101"), json!(80.5), json!("市财政局")),
        (json!("二号楼"), json!(2), json!("201"), json!(60.0), Value::Null),
    ];
    assert_eq!(read, expected);
    let id = rooms(&app, "2024-01-01").await[2]["id"].as_str().unwrap().to_owned();
    let room = ask(&app, "GET", &format!("/api/v1/rooms/{id}?as_of=2024-01-01"), &[], None)
        .await
        .body;
    // What a list calls it is read as one of our types.
    assert_eq!(room["room_type"], "public");
    assert_eq!(
        (&room["building_area_m2"], &room["source_key"]),
        (&json!(110.0), &json!("F0001/1层/101"))
    );
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn the_same_list_changes_nothing_and_numbers_may_change_places(pool: PgPool) {
    let (app, state) = app(&pool).await;
    prepare(&state).await;
    let keyed = |rows: &[&str]| format!("id,building,floor,number,area\n{}\n", rows.join("\n"));
    let first = keyed(&["a,F0001,1,101,10", "b,F0001,1,102,20", "c,F0001,1,103,30"]);
    import(&state, Layer::Rooms, &first, |_| ()).await.unwrap();
    let before = entries(&pool).await;
    let again = import(&state, Layer::Rooms, &first, |order| {
        order.valid_from = Some(date!(2024 - 03 - 01))
    })
    .await
    .unwrap()
    .1;
    assert_eq!((again.counts, again.missing), (counts(3, 0, 3, 0, 0), 0));
    assert_eq!(
        entries(&pool).await,
        before + 1,
        "the import itself is an entry, and nothing else"
    );

    // a and b change places, c ends, and d takes its number.
    let second = keyed(&["a,F0001,1,102,10", "b,F0001,1,101,20", "d,F0001,1,103,5"]);
    let change = |order: &mut ImportOrder| order.valid_from = Some(date!(2024 - 06 - 01));
    let kept = import(&state, Layer::Rooms, &second, |order| {
        change(order);
        order.dry_run = true;
    })
    .await
    .unwrap()
    .1;
    assert_eq!(
        (kept.counts, kept.reasons["number_taken"]),
        (counts(3, 0, 0, 2, 1), 1),
        "{kept:?}"
    );
    let (_, report) = import(&state, Layer::Rooms, &second, |order| {
        change(order);
        order.close_missing = true;
    })
    .await
    .unwrap();
    assert_eq!((report.counts, report.closed), (counts(3, 1, 0, 2, 0), 1), "{report:?}");
    let numbers = async |as_of: &str| -> Vec<(String, f64)> {
        let rooms = rooms(&app, as_of).await;
        rooms
            .iter()
            .map(|room| {
                (
                    room["number"].as_str().unwrap().to_owned(),
                    room["use_area_m2"].as_f64().unwrap(),
                )
            })
            .collect()
    };
    let told = |rooms: [(&str, f64); 3]| rooms.map(|(number, area)| (number.to_owned(), area));
    assert_eq!(
        numbers("2024-05-31").await,
        told([("101", 10.0), ("102", 20.0), ("103", 30.0)])
    );
    assert_eq!(
        numbers("2024-06-01").await,
        told([("101", 20.0), ("102", 10.0), ("103", 5.0)])
    );
    prove(&pool).await.unwrap();
}

#[sqlx::test(migrations = "../migrations")]
async fn what_can_not_be_a_room_is_quarantined_with_its_reason(pool: PgPool) {
    let (_, state) = app(&pool).await;
    prepare(&state).await;
    let rows = [
        LIST[0],
        "F0009,1,101,,,,,,",
        "F0001,夹层,102,,,,,,",
        "F0001,,103,,,,,,",
        "F0001,1,,,,,,,",
        ",1,104,,,,,,",
        // The same floor in other words.
        "F0001,1F,101,,,,,,",
        "F0001,2,201,,-5,,不明,,",
    ];
    let (id, report) = import(&state, Layer::Rooms, &list(&rows), |_| ()).await.unwrap();
    assert_eq!(report.counts, counts(8, 2, 0, 0, 6), "{report:?}");
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
            (3, "no_such_building"),
            (4, "unreadable_floor"),
            (5, "missing_field"),
            (6, "missing_field"),
            (7, "missing_field"),
            (8, "duplicate_number"),
        ]
    );
    assert_eq!(
        (report.warnings["value_out_of_bounds"], report.warnings["unknown_value"]),
        (1, 1)
    );
}

/// Buildings, floors and rooms of a federal estate: the figures are those of the set's own lists.
#[sqlx::test(migrations = "../migrations")]
async fn a_federal_estate_becomes_buildings_floors_and_rooms(pool: PgPool) {
    let Some(sets) = std::env::var_os("YICE_TEST_DATA").map(PathBuf::from) else {
        eprintln!("left out: YICE_TEST_DATA names no folder with swiss-federal-estate");
        return;
    };
    let sets = sets.join("swiss-federal-estate");
    let (app, state) = app(&pool).await;
    let mut order = ImportOrder::new(Layer::Buildings, sets.join("buildings.geojson"), "estate");
    order.valid_from = Some(date!(2024 - 01 - 01));
    order.shapes_optional = true;
    order.map = pairs(&[
        ("key", "bbl_id"),
        ("code", "bbl_id"),
        ("name", "bbl_bez"),
        ("year_built", "bbl_bjahr"),
    ]);
    let (_, report) = carry_out(&state, &order).await.unwrap();
    assert_eq!(report.counts, counts(21, 21, 0, 0, 0), "{report:?}");
    // They are points, which are no outlines of buildings: said of each row.
    assert_eq!(report.warnings["shape_left_out"], 21);

    let mut order = ImportOrder::new(Layer::Rooms, sets.join("spaces.json"), "spaces");
    order.valid_from = Some(date!(2024 - 01 - 01));
    order.map = pairs(&[
        ("key", "spaceId"),
        ("parent_code", "buildingId"),
        ("floor", "floorId"),
        ("code", "roomNumber"),
        ("name", "useLabel"),
        ("use_area_m2", "area"),
    ]);
    let (_, report) = carry_out(&state, &order).await.unwrap();
    assert_eq!(report.format, "json_list");
    assert_eq!(report.counts, counts(728, 728, 0, 0, 0), "{report:?}");
    let read = rooms(&app, "2024-06-01").await;
    assert_eq!(read.len(), 728);
    let area: f64 = read.iter().map(|room| room["use_area_m2"].as_f64().unwrap()).sum();
    assert!((area - 22_413.6).abs() < 1e-6, "{area}");

    // The list of floors says how many rooms each has.
    let floors: Vec<Value> = serde_json::from_slice(&std::fs::read(sets.join("floors.json")).unwrap()).unwrap();
    let mut expected: BTreeMap<(String, i64), u64> = BTreeMap::new();
    for floor in &floors {
        let place = (
            floor["buildingId"].as_str().unwrap().to_owned(),
            floor["level"].as_i64().unwrap(),
        );
        *expected.entry(place).or_default() += floor["rooms"].as_u64().unwrap();
    }
    let counted: Vec<(String, i16, i64)> = sqlx::query_as(
        "select b.code, r.floor, count(*) from room_version r
           join spatial_unit_version b on b.object_id = r.building_id group by b.code, r.floor order by 1, 2",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let counted: BTreeMap<(String, i64), u64> = counted
        .into_iter()
        .map(|(code, floor, rooms)| ((code, i64::from(floor)), rooms.unsigned_abs()))
        .collect();
    assert_eq!((expected.len(), floors.len()), (29, 29));
    assert_eq!(counted, expected);
}
