//! Over a real PostGIS, under the application's role.

use gis_data::demo_city::{DemoCity, PlantedFault, SEED};
use serde_json::json;
use sqlx::PgPool;

use super::{DATASET, DemoLoaded, DemoRefused, load};
use crate::spatial_units::tests::{app, ask};
use crate::versioned::tests::{entries, prove};

/// The city with all its assets and the rooms of some buildings: those with a planted fault, and the first forty.
fn city() -> DemoCity {
    let mut city = DemoCity::generate(SEED).unwrap();
    let faulty: Vec<&str> = city
        .faults
        .iter()
        .filter(|fault| fault.rule.starts_with("SPC-1"))
        .map(|fault| fault.key.split('/').next().unwrap())
        .collect();
    let kept: Vec<bool> = city
        .buildings
        .iter()
        .enumerate()
        .map(|(index, building)| index < 40 || faulty.contains(&building.key.as_str()))
        .collect();
    city.rooms.retain(|room| kept[room.building]);
    city
}

#[sqlx::test(migrations = "../migrations")]
async fn the_city_is_there_with_its_census_and_its_ledger(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let city = city();
    let rooms = city.rooms.len();
    let outcome = load(&state.database, &state.clock, city.clone()).await.unwrap();
    assert_eq!(outcome, DemoLoaded::Loaded);

    let totals = ask(&app, "GET", "/api/v1/totals", &[], None).await.body;
    assert_eq!(totals["units"]["count"], 238);
    assert_eq!(totals["sites"]["count"], 624);
    assert_eq!(totals["buildings"]["count"], 1500);
    assert_eq!(totals["parcels"]["count"], city.parcels.len());
    assert_eq!(totals["rooms"]["count"], rooms);
    assert_eq!(
        totals["floor_area"],
        json!({"area_m2": 4_939_100.0, "registered": 1500, "outlines": 0})
    );
    // Before its first day there was nothing; on it, nothing had fallen idle later than that yet.
    let before = ask(&app, "GET", "/api/v1/totals?as_of=2023-12-31", &[], None)
        .await
        .body;
    assert_eq!(before["sites"]["count"], 0);
    let first = ask(&app, "GET", "/api/v1/totals?as_of=2024-01-01", &[], None)
        .await
        .body;
    assert_eq!(first["floor_area"], totals["floor_area"]);
    let idle = |totals: &serde_json::Value| totals["buildings"]["occupancy"]["idle"]["count"].as_i64().unwrap();
    assert!(idle(&first) > 0 && idle(&first) < idle(&totals));

    let datasets = ask(&app, "GET", "/api/v1/map", &[], None).await.body["datasets"].clone();
    let made_up: Vec<_> = datasets
        .as_array()
        .unwrap()
        .iter()
        .filter(|dataset| dataset["made_up"] == true)
        .map(|dataset| dataset["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(made_up, [DATASET]);

    // One entry for each thing, each with its versions, and every row is what the ledger says.
    let things = DemoCity::divisions().len() + 238 + 624 + 1500 + city.parcels.len() + rooms + city.relations.len();
    assert_eq!(entries(&pool).await, i64::try_from(things).unwrap());
    prove(&pool).await.unwrap();

    // Again it changes nothing.
    let again = load(&state.database, &state.clock, city.clone()).await.unwrap();
    assert_eq!(again, DemoLoaded::AlreadyThere);
    assert_eq!(entries(&pool).await, i64::try_from(things).unwrap());

    faults_are_the_planted_ones(&pool, &city.faults).await;
}

/// Rules as plain SQL, each answering with the keys of what breaks it; leases are in no table yet.
const CHECKS: [(&str, &str); 19] = [
    (
        "COD-01",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
          where held.kind = 'parcel'
            and unit_code !~ '^\\d{6}\\d{3}\\d{3}([GJZ][BSXDEFLNHGWY]|J[AC])(?!00000)\\d{5}(F\\d{8}|L\\d{8}|Q\\d{8}|W0{8})$'",
    ),
    (
        "COD-02",
        "select (array_agg(u.source_key order by held.version_id))[2] from held join spatial_unit u on u.id = held.object_id
          where held.kind = 'parcel' group by unit_code having count(*) > 1",
    ),
    (
        "COD-03",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
          where held.kind = 'parcel' and length(unit_code) = 28 and upper(unit_code) = unit_code
            and unit_code ~ '^\\d{12}G[BX](?!00000)\\d{5}' and left(unit_code, 19) <> code",
    ),
    (
        "COD-04",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
          where held.kind = 'parcel' and left(unit_code, 6) <> region_code",
    ),
    (
        "COD-06",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
          where held.kind = 'parcel' and substr(unit_code, 20) = 'W00000000'
            and exists (select from spatial_unit_relation r where r.upper_id = held.object_id and r.kind = 'parcel_building')",
    ),
    (
        "COD-07",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
          where held.kind = 'parcel' and substr(unit_code, 7, 6) in ('000000', '999999')",
    ),
    (
        "COD-09",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
          where held.kind = 'parcel' and land_use_scheme = 'GB21010-2017'
            and land_use_code not in ('0801', '0803', '0804', '0805', '0807', '0701', '0501', '1201', '0604')",
    ),
    ("SPC-09", "select code from unit_version where kind <> 'platform_company' and headcount = '{}'"),
    (
        "TTL-02",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
          where held.kind = 'parcel' and source_attributes ->> '权利人' in
                (select name from unit_version where kind = 'platform_company')",
    ),
    (
        "RPT-03",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id where title_status is null",
    ),
    (
        "GEO-13",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id where geometry is null",
    ),
    (
        "GEO-02",
        "select least(u.source_key, w.source_key) || ' ' || greatest(u.source_key, w.source_key)
           from held one join held other on one.kind = 'parcel' and other.kind = 'parcel'
            and one.object_id < other.object_id and st_intersects(one.geometry, other.geometry)
            and st_area(st_intersection(one.geometry, other.geometry)::geography) > 0.5
           join spatial_unit u on u.id = one.object_id join spatial_unit w on w.id = other.object_id",
    ),
    (
        "GEO-04",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
           join spatial_unit_relation r on r.lower_id = held.object_id and r.kind = 'parcel_building'
           join held parcel on parcel.object_id = r.upper_id
          where held.kind = 'building'
          group by u.source_key, held.geometry
         having st_area(st_difference(held.geometry, st_union(parcel.geometry))::geography) > 1",
    ),
    (
        "GEO-05",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
           join spatial_unit_relation r on r.lower_id = held.object_id and r.kind = 'parcel_building'
          where held.kind = 'building' group by u.source_key having count(*) > 1",
    ),
    (
        "GEO-06",
        "select least(u.source_key, w.source_key) || ' ' || greatest(u.source_key, w.source_key)
           from held one join held other on one.kind = 'building' and other.kind = 'building'
            and one.object_id < other.object_id and st_intersects(one.geometry, other.geometry)
            and st_area(st_intersection(one.geometry, other.geometry)::geography) > 0.5
           join spatial_unit u on u.id = one.object_id join spatial_unit w on w.id = other.object_id",
    ),
    (
        "GEO-07",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
          where held.kind = 'parcel'
            and abs(area_m2 - registered_area_m2::float) > greatest(registered_area_m2::float * 0.005, 1)",
    ),
    (
        "SPC-11",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
           join room_version r on r.building_id = held.object_id and r.valid @> date '2026-10-01'
          group by u.source_key, registered_area_m2 having sum(r.building_area_m2) > registered_area_m2",
    ),
    (
        "SPC-12",
        "select source_key from room_version where use_area_m2 > building_area_m2 and valid @> date '2026-10-01'",
    ),
    // A building that stands in a parcel which is not its own would be GEO-05 as well.
    (
        "none",
        "select u.source_key from held join spatial_unit u on u.id = held.object_id
           join held parcel on parcel.kind = 'parcel' and st_intersects(held.geometry, parcel.geometry)
            and st_area(st_intersection(held.geometry, parcel.geometry)::geography) > 0.5
          where held.kind = 'building'
            and not exists (select from spatial_unit_relation r
                             where r.lower_id = held.object_id and r.upper_id = parcel.object_id)",
    ),
];

async fn faults_are_the_planted_ones(pool: &PgPool, planted: &[PlantedFault]) {
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query(
        "create temp table held as select * from spatial_unit_version
          where valid @> date '2026-10-01' and upper_inf(recorded)",
    )
    .execute(&mut *connection)
    .await
    .unwrap();
    sqlx::query("create index on held using gist (geometry)")
        .execute(&mut *connection)
        .await
        .unwrap();
    for (rule, check) in CHECKS {
        let mut found: Vec<String> = sqlx::query_scalar(check).fetch_all(&mut *connection).await.unwrap();
        let mut expected: Vec<String> = planted
            .iter()
            .filter(|fault| fault.rule == rule)
            .map(|fault| {
                let mut pair = [fault.key.as_str(), fault.other_key.as_str()];
                if matches!(rule, "GEO-02" | "GEO-06") {
                    pair.sort_unstable();
                    pair.join(" ")
                } else {
                    fault.key.clone()
                }
            })
            .collect();
        found.sort();
        expected.sort();
        assert!(rule == "none" || !expected.is_empty(), "nothing is planted for {rule}");
        if rule == "COD-02" {
            // Which of the two is the second nobody can tell from the codes.
            assert_eq!(found.len(), expected.len(), "{rule}");
        } else {
            assert_eq!(found, expected, "{rule}");
        }
    }
}

#[sqlx::test(migrations = "../migrations")]
async fn a_registry_that_holds_other_data_is_left_alone(pool: PgPool) {
    let (app, state) = app(&pool).await;
    let body = json!({"code": "U", "name": "财政局", "level": "city", "kind": "government_organ"});
    ask(&app, "POST", "/api/v1/units", &[("Idempotency-Key", "u")], Some(body)).await;
    let before = entries(&pool).await;
    let mut city = city();
    city.rooms.clear();
    let refused = load(&state.database, &state.clock, city.clone()).await.unwrap_err();
    assert!(matches!(refused, DemoRefused::HoldsOtherData), "{refused}");
    assert_eq!(entries(&pool).await, before);
}

/// What a load writes is written whole or not at all.
#[sqlx::test(migrations = "../migrations")]
async fn a_load_that_fails_leaves_nothing_behind(pool: PgPool) {
    let (_, state) = app(&pool).await;
    let mut city = city();
    // Two rooms of one number: the last thing that is written is refused.
    let again = city.rooms[0].clone();
    city.rooms.push(again);
    let failed = load(&state.database, &state.clock, city.clone()).await.unwrap_err();
    assert!(matches!(failed, DemoRefused::Fault(_)), "{failed}");
    assert_eq!(entries(&pool).await, 0);
    let left: i64 = sqlx::query_scalar("select (select count(*) from dataset) + (select count(*) from region)")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(left, 0);
    city.rooms.pop();
    assert_eq!(
        load(&state.database, &state.clock, city).await.unwrap(),
        DemoLoaded::Loaded
    );
}
