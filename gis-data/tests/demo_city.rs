//! The demo city as it ships: its census to the last digit, sound shapes, rooms that add up, and the same city from the
//! same seed. What breaks a rule is held against the planted faults over a database, in `registry/src/demo_city/tests.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by itself")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use geo::BoundingRect;
use gis_data::area::plane_area_m2;
use gis_data::check::{Verdict, check};
use gis_data::demo_city::{BOX, DemoAsset, DemoCity, FLOOR_AREA, SEED};
use sha2::{Digest, Sha256};

static CITY: LazyLock<DemoCity> = LazyLock::new(|| DemoCity::generate(SEED).unwrap());

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn the_census_is_exact() {
    let city = &*CITY;
    assert_eq!(
        (
            city.units.len(),
            city.sites.len(),
            city.buildings.len(),
            city.rooms.len()
        ),
        (238, 624, 1500, 160_000)
    );
    let floor_area: i64 = city
        .buildings
        .iter()
        .map(|building| building.registered_area.unwrap().0)
        .sum();
    assert_eq!((floor_area, FLOOR_AREA.0), (493_910_000, 493_910_000));
    let holders: HashSet<_> = city.sites.iter().map(|site| site.unit.unwrap()).collect();
    assert_eq!(holders.len(), 238, "every unit has a site");
}

#[test]
fn every_word_of_the_closed_lists_occurs() {
    let city = &*CITY;
    let words = |of: fn(&DemoAsset) -> Option<&'static str>| -> BTreeSet<&str> {
        [&city.parcels, &city.sites, &city.buildings]
            .into_iter()
            .flatten()
            .filter_map(of)
            .collect()
    };
    assert_eq!(
        words(|asset| asset.title_status),
        BTreeSet::from([
            "unified",
            "other_handed",
            "other_not_handed",
            "none_handed",
            "none_not_handed",
            "other"
        ])
    );
    assert_eq!(
        words(|asset| Some(asset.usage)),
        BTreeSet::from([
            "administrative_office",
            "housing_security",
            "technical",
            "public_service",
            "commercial",
            "idle_land",
            "other"
        ])
    );
    // All but `demolished`: what is gone has no floor area to count.
    assert_eq!(words(|asset| Some(asset.occupancy)).len(), 9);
    for asset in city.parcels.iter().chain(&city.sites).chain(&city.buildings) {
        assert_eq!(asset.occupancy == "idle", asset.idle_since.is_some(), "{}", asset.key);
    }
    assert!(
        city.buildings
            .iter()
            .filter(|building| building.occupancy == "idle")
            .count()
            > 30
    );
    assert!(city.leases.len() > 30);
}

#[test]
fn shapes_are_sound_and_within_the_box() {
    let [west, south, east, north] = BOX;
    let city = &*CITY;
    let (mut without, mut small) = (0, Vec::new());
    for asset in city.parcels.iter().chain(&city.sites).chain(&city.buildings) {
        let Some(shape) = &asset.geometry else {
            without += 1;
            continue;
        };
        assert!(
            matches!(check(shape), Verdict::Valid),
            "{}: {:?}",
            asset.key,
            check(shape)
        );
        let bounds = shape.bounding_rect().unwrap();
        assert!(
            bounds.min().x > west && bounds.max().x < east && bounds.min().y > south && bounds.max().y < north,
            "{} reaches to {bounds:?}",
            asset.key
        );
        let least = if asset.name.as_deref() == Some("门卫室") {
            18.0
        } else {
            60.0
        };
        if !matches!(shape, geo_types::Geometry::Point(_)) && plane_area_m2(shape) < least {
            small.push(format!(
                "{} {:?}: {:.1} m²",
                asset.key,
                asset.name,
                plane_area_m2(shape)
            ));
        }
    }
    assert!(small.is_empty(), "{small:#?}");
    assert_eq!(without, 3, "as many as are planted without a shape");
}

#[test]
fn keys_and_codes_are_told_apart() {
    let city = &*CITY;
    let mut keys = HashSet::new();
    for asset in city.parcels.iter().chain(&city.sites).chain(&city.buildings) {
        assert!(keys.insert(&asset.key), "{} is there twice", asset.key);
    }
    let parcels: HashSet<_> = city.parcels.iter().map(|parcel| parcel.code.clone().unwrap()).collect();
    assert_eq!(parcels.len() + 3, city.parcels.len(), "three codes are planted twice");
    for parcel in &city.parcels {
        assert_eq!(parcel.code.as_ref().unwrap().len(), 19, "{}", parcel.key);
    }
    for building in &city.buildings {
        let code = building.code.as_ref().unwrap();
        assert_eq!((code.len(), &code[19..20]), (24, "F"), "{}", building.key);
    }
}

#[test]
fn rooms_fill_their_floors_and_no_more() {
    let city = &*CITY;
    let wrong = |rule: &str| -> HashSet<&str> {
        city.faults
            .iter()
            .filter(|fault| fault.rule == rule)
            .map(|fault| fault.key.as_str())
            .collect()
    };
    let (too_much, impossible) = (wrong("SPC-11"), wrong("SPC-12"));
    let mut sums: BTreeMap<usize, (i64, i64)> = BTreeMap::new();
    let mut numbers = HashSet::new();
    for room in &city.rooms {
        let building = &city.buildings[room.building];
        assert!(
            numbers.insert((room.building, room.floor, &room.number)),
            "{} twice",
            room.key
        );
        assert!(room.floor <= building.storeys_above.unwrap() && -room.floor <= building.storeys_below.unwrap());
        assert_eq!(room.floor < 0, room.number.starts_with('B'), "{}", room.key);
        assert_eq!(
            room.use_area > room.building_area,
            impossible.contains(room.key.as_str()),
            "{}",
            room.key
        );
        assert!(room.use_area.0 > 0, "{}", room.key);
        let sum = sums.entry(room.building).or_default();
        sum.0 += room.use_area.0;
        sum.1 += room.building_area.0;
    }
    for (building, (use_area, building_area)) in sums {
        let building = &city.buildings[building];
        let whole = building.registered_area.unwrap().0;
        assert_eq!(
            building_area > whole,
            too_much.contains(building.key.as_str()),
            "{}",
            building.key
        );
        assert!(use_area < whole * 3 / 4, "{}", building.key);
    }
}

#[test]
fn the_same_seed_gives_the_same_city_and_another_another() {
    let again = DemoCity::generate(SEED).unwrap();
    assert!(again == *CITY);
    assert!(DemoCity::generate(SEED + 1).unwrap().parcels != CITY.parcels);
    let mut hash = Sha256::new();
    for part in [
        format!("{:?}", CITY.units),
        format!("{:?}", CITY.parcels),
        format!("{:?}", CITY.sites),
        format!("{:?}", CITY.buildings),
        format!("{:?}", CITY.rooms),
        format!("{:?}", CITY.relations),
    ] {
        hash.update(part.as_bytes());
    }
    let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        hash, "55aef2be5114d8cd359d8209a48fb2c1b7b239cc93b466cefd14fa8d87116861",
        "the city changed: say so in the changelog, for pictures and guides show it"
    );
}

#[test]
fn what_lies_beside_the_data_is_what_the_generator_says() {
    let samples = root().join("samples/demo_city");
    for (path, generated) in [
        (samples.join("faults.csv"), CITY.faults_csv()),
        (samples.join("leases.csv"), CITY.leases_csv()),
        (
            root().join("../web/public/basemap/demo-city.geojson"),
            CITY.ground.clone(),
        ),
    ] {
        let kept = std::fs::read_to_string(&path).unwrap();
        assert!(
            kept == generated,
            "{} is not what the generator says: run `cargo run -p gis-data --example demo_city`",
            path.display()
        );
    }
    let ground: serde_json::Value = serde_json::from_str(&CITY.ground).unwrap();
    assert!(ground["features"].as_array().unwrap().len() > 100);
}

#[test]
fn divisions_are_a_tree_with_every_region_the_city_names() {
    let divisions = DemoCity::divisions();
    let mut known = HashSet::new();
    for division in &divisions {
        assert!(
            division.parent.is_none_or(|parent| known.contains(parent)),
            "{division:?}"
        );
        assert!(known.insert(division.code), "{} is there twice", division.code);
    }
    assert_eq!(divisions.len(), 75);
    let named = CITY
        .parcels
        .iter()
        .chain(&CITY.sites)
        .chain(&CITY.buildings)
        .map(|asset| asset.region)
        .chain(CITY.units.iter().map(|unit| unit.region));
    for region in named {
        assert!(known.contains(region), "{region}");
    }
}

#[test]
fn divisions_are_those_of_the_statistics_bureau() {
    let Some(folder) = std::env::var_os("YICE_TEST_DATA") else {
        eprintln!("passed over: YICE_TEST_DATA names no folder");
        return;
    };
    let folder = Path::new(&folder).join("china-division-codes");
    let mut official = HashSet::new();
    for file in [
        "provinces.csv",
        "cities.csv",
        "areas.csv",
        "streets_changzhou_yongzhou_shandong_yunnan.csv",
    ] {
        for line in std::fs::read_to_string(folder.join(file)).unwrap().lines().skip(1) {
            let mut fields = line.split(',').map(|field| field.trim_matches('"').to_owned());
            official.insert((fields.next().unwrap(), fields.next().unwrap()));
        }
    }
    for division in DemoCity::divisions() {
        let pair = (division.code.to_owned(), division.name.to_owned());
        assert!(official.contains(&pair), "{pair:?}");
    }
}
