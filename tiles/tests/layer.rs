//! What a layer promises: true totals, exact versions, scopes that never leak, caches never stale.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    io::Read as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use geo_types::{Coord, Geometry, Rect, coord};
use proptest::prelude::*;
use support::*;
use tiles::{
    Change, Dictionary, Feature, FeatureId, Layer, LayerBuilder, LayerName, ScopeFilter, ScopeId, Shape, TileId,
    TileSet, Word,
};

/// Expected or found totals: count, area, and the tallies by property name.
#[derive(Debug, Default, PartialEq)]
struct Sum {
    count: u64,
    area_tenths_of_mm2: i64,
    tallies: BTreeMap<String, u64>,
}

fn expected(features: &[Feature], dictionary: &Dictionary, scope: &ScopeFilter) -> Sum {
    let mut sum = Sum::default();
    for feature in features.iter().filter(|feature| scope.allows(feature.scope)) {
        sum.count += 1;
        sum.area_tenths_of_mm2 += (feature.area_m2 * 10_000.0).round() as i64;
        for (key, word) in [
            ("title_status", feature.attributes.title_status),
            ("usage", feature.attributes.usage),
            ("occupancy", feature.attributes.occupancy),
            ("case_phase", feature.attributes.case_phase),
        ] {
            if let Some(text) = dictionary.text(word) {
                *sum.tallies.entry(format!("{key}:{text}")).or_default() += 1;
            }
        }
    }
    sum
}

/// Adds up every total of every tile of a zoom.
fn found(layer: &Layer, z: u8, scope: &ScopeFilter) -> (Sum, usize, BTreeSet<String>) {
    let mut sum = Sum::default();
    let (mut points, mut kinds) = (0, BTreeSet::new());
    for tile in every_tile(layer, z) {
        for decoded in decode(&layer.encode(tile, scope)) {
            assert_eq!(decoded.layer, layer.name().totals_name());
            let Geometry::Point(point) = decoded.geometry else {
                panic!("{decoded:?}")
            };
            assert!((0..4096).contains(&point.x()) && (0..4096).contains(&point.y()));
            let kind = decoded.text("kind").unwrap();
            assert_eq!(kind == "region", decoded.text("region").is_some());
            kinds.insert(kind.to_owned());
            points += 1;
            sum.count += decoded.number("count") as u64;
            sum.area_tenths_of_mm2 += (decoded.number("area_m2") * 10_000.0).round() as i64;
            for (key, value) in &decoded.properties {
                if let (true, Value::Number(number)) = (key.contains(':'), value) {
                    *sum.tallies.entry(key.clone()).or_default() += *number as u64;
                }
            }
        }
    }
    (sum, points, kinds)
}

/// Tiles of a zoom that the layer touches, and those around them.
fn every_tile(layer: &Layer, z: u8) -> Vec<TileId> {
    let Some([west, south, east, north]) = layer.bounds(&ScopeFilter::All) else {
        return vec![];
    };
    let low = TileId::containing(z, west, north).unwrap();
    let high = TileId::containing(z, east, south).unwrap();
    let end = 1 << z;
    let mut tiles = vec![];
    for y in low.y().saturating_sub(1)..(high.y() + 2).min(end) {
        for x in low.x().saturating_sub(1)..(high.x() + 2).min(end) {
            tiles.push(TileId::new(z, x, y).unwrap());
        }
    }
    tiles
}

fn square(number: u64, longitude: f64, latitude: f64, size: f64, dictionary: &Dictionary) -> Feature {
    let low = coord! { x: longitude, y: latitude };
    let high = Coord {
        x: longitude + size,
        y: latitude + size,
    };
    let shape = Shape::prepare(&Rect::new(low, high).to_polygon().into()).unwrap();
    feature(dictionary, number, shape)
}

/// Features spread over a province, the more the nearer to its middle; a third without region, and a fifth with a case.
fn spread(dictionary: &Dictionary, count: u64) -> Vec<Feature> {
    (1..=count)
        .map(|number| {
            let reach = 2.0 * wobble(number, 1).powi(3);
            let mut feature = square(
                number,
                119.95 + reach * wobble(number, 2),
                31.78 + reach * wobble(number, 3),
                0.000_3 + 0.000_2 * wobble(number, 4),
                dictionary,
            );
            if number % 3 == 0 {
                feature.attributes.region = Word::NONE;
            }
            if number % 5 == 0 {
                let phase = ["preparing", "deciding", "carrying_out"][(number % 7 % 3) as usize];
                feature.attributes.case_phase = dictionary.intern(phase);
            }
            feature
        })
        .collect()
}

fn scopes(numbers: &[u32]) -> ScopeFilter {
    ScopeFilter::only(numbers.iter().map(|&number| ScopeId(number)))
}

#[test]
fn totals_of_every_low_zoom_are_exact() {
    let dictionary = Dictionary::new();
    let features = spread(&dictionary, 3_000);
    for name in [LayerName::Parcels, LayerName::Sites] {
        let layer = Layer::load(name, dictionary.clone(), features.clone(), 1);
        for scope in [ScopeFilter::All, scopes(&[2, 5]), scopes(&[]), scopes(&[99])] {
            let expected = expected(&features, &dictionary, &scope);
            for z in 0..name.first_feature_zoom() {
                let (sum, points, kinds) = found(&layer, z, &scope);
                assert_eq!(sum, expected, "{name:?} zoom {z} {scope:?}");
                assert!(points <= 3_000);
                if expected.count > 0 {
                    assert_eq!(kinds.contains("region"), z <= 8, "zoom {z}");
                    assert!(kinds.contains("cell"), "features without region are in cells");
                }
            }
        }
        assert_eq!(layer.totals().0, 3_000);
    }
}

#[test]
fn totals_by_region_name_each_region_once() {
    let dictionary = Dictionary::new();
    let features = spread(&dictionary, 500);
    let mut by_region = BTreeMap::new();
    for feature in &features {
        if let Some(region) = dictionary.text(feature.attributes.region) {
            *by_region.entry(region.to_string()).or_insert(0.0) += 1.0;
        }
    }
    let layer = parcels(dictionary, features);
    for z in 0..=8 {
        let mut seen = BTreeMap::new();
        for tile in every_tile(&layer, z) {
            for decoded in all(&layer, tile) {
                if let Some(region) = decoded.text("region") {
                    let before = seen.insert(region.to_owned(), decoded.number("count"));
                    assert_eq!(before, None, "{region} twice at zoom {z}");
                }
            }
        }
        assert_eq!(seen, by_region, "zoom {z}");
    }
}

#[test]
fn a_crowded_tile_of_the_first_feature_zoom_holds_totals() {
    let dictionary = Dictionary::new();
    let place = TileId::containing(12, 119.95, 31.78).unwrap();
    let [west, south, ..] = place.bounds();
    let features: Vec<Feature> = (0..20_001)
        .map(|k| {
            let (x, y) = ((k % 150) as f64, (k / 150) as f64);
            square(
                k + 1,
                west + 0.004 + x * 0.000_5,
                south + 0.003 + y * 0.000_5,
                0.000_4,
                &dictionary,
            )
        })
        .collect();
    let everything = expected(&features, &dictionary, &ScopeFilter::All);
    let layer = parcels(dictionary, features);
    assert_eq!(found(&layer, 12, &ScopeFilter::All).0, everything);
    let some = decode(&layer.encode(place, &scopes(&[1, 2, 3])));
    assert!(
        some.iter().all(|decoded| decoded.layer == "parcels"),
        "fewer may be seen one by one"
    );

    layer.apply(vec![Change::Remove(FeatureId(9))], 2);
    let found = all(&layer, place);
    assert_eq!(found.len(), 20_000);
    assert!(found.iter().all(|decoded| decoded.layer == "parcels"));
}

/// All tiles of some zooms, decoded and ordered so that the order of storage does not show.
fn everything(layer: &Layer, scope: &ScopeFilter) -> BTreeMap<TileId, Vec<String>> {
    let mut found = BTreeMap::new();
    for z in [0, 3, 7, 8, 9, 11, 12, 13, 14, 16] {
        for tile in every_tile(layer, z) {
            let mut features: Vec<String> = decode(&layer.encode(tile, scope))
                .iter()
                .map(|decoded| format!("{decoded:?}"))
                .collect();
            features.sort();
            if !features.is_empty() {
                found.insert(tile, features);
            }
        }
    }
    found
}

#[derive(Clone, Debug)]
enum Step {
    Put { number: u64, version: u64 },
    Remove { number: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Vec<Step>>> {
    let step = prop_oneof![
        3 => (1_u64..60, any::<u64>()).prop_map(|(number, version)| Step::Put { number, version }),
        1 => (1_u64..60).prop_map(|number| Step::Remove { number }),
    ];
    prop::collection::vec(prop::collection::vec(step, 1..12), 1..8)
}

/// The feature of a number in a version: place, size, scope and attributes differ.
fn version_of(dictionary: &Dictionary, number: u64, version: u64) -> Feature {
    let mut made = square(
        number,
        119.95 + 0.03 * wobble(version, 1),
        31.78 + 0.03 * wobble(version, 2),
        0.001 + 0.000_9 * wobble(version, 3),
        dictionary,
    );
    made.area_m2 = (version % 1_000_000) as f64 / 100.0;
    made.scope = ScopeId((version % 3) as u32);
    made.attributes.usage = dictionary.intern(USAGES[(version % 4) as usize]);
    made.attributes.region = match version % 4 {
        0 => Word::NONE,
        region => dictionary.intern(&format!("3204{region:02}")),
    };
    made
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// However a layer came to its content, its tiles are those of a layer loaded with it; tiles
    /// whose content changed have the new version; others under no box keep theirs.
    #[test]
    fn applying_changes_equals_loading_their_result(start in 0_u64..40, batches in steps()) {
        let dictionary = Dictionary::new();
        let mut model: BTreeMap<u64, Feature> = (1..=start)
            .map(|number| (number, version_of(&dictionary, number, number * 7)))
            .collect();
        let layer = Layer::load(LayerName::Parcels, dictionary.clone(), model.values().cloned(), 10);
        // Something far away keeps every batch's tiles inside the layer's bounds.
        for (batch, position) in batches.into_iter().zip(11..) {
            let before = everything(&layer, &ScopeFilter::All);
            let mut changes = vec![];
            for step in batch {
                match step {
                    Step::Put { number, version } => {
                        let feature = version_of(&dictionary, number, version);
                        model.insert(number, feature.clone());
                        changes.push(Change::Put(feature));
                    }
                    Step::Remove { number } => {
                        model.remove(&number);
                        changes.push(Change::Remove(FeatureId(number)));
                    }
                }
            }
            layer.apply(changes.clone(), position);
            let after = everything(&layer, &ScopeFilter::All);
            // Doing it again changes nothing.
            layer.apply(changes, position);
            prop_assert_eq!(&everything(&layer, &ScopeFilter::All), &after);
            for tile in before.keys().chain(after.keys()) {
                if before.get(tile) != after.get(tile) {
                    prop_assert_eq!(layer.version(*tile), position, "{:?}", tile);
                }
            }
            let loaded = Layer::load(LayerName::Parcels, dictionary.clone(), model.values().cloned(), position);
            prop_assert_eq!(layer.len(), model.len());
            prop_assert_eq!(layer.totals(), loaded.totals());
            for scope in [ScopeFilter::All, scopes(&[0]), scopes(&[1, 2])] {
                prop_assert_eq!(everything(&layer, &scope), everything(&loaded, &scope));
            }
        }
    }

    /// What a scope sees is byte for byte what it would see if nothing else existed.
    #[test]
    fn nothing_outside_the_scope_leaves_a_trace(count in 1_u64..120, chosen in prop::collection::btree_set(0_u32..9, 0..4)) {
        let dictionary = Dictionary::new();
        let mut features = spread(&dictionary, count);
        for feature in &mut features {
            feature.scope = ScopeId((hash(feature.id.0, 77) % 9) as u32);
        }
        let filter = ScopeFilter::only(chosen.iter().map(|&number| ScopeId(number)));
        let visible: Vec<Feature> = features.iter().filter(|feature| filter.allows(feature.scope)).cloned().collect();
        let whole = Layer::load(LayerName::Parcels, dictionary.clone(), features, 1);
        let part = Layer::load(LayerName::Parcels, dictionary, visible, 1);
        for z in [0, 5, 8, 9, 10, 12, 13, 15] {
            for tile in every_tile(&whole, z) {
                prop_assert_eq!(whole.encode(tile, &filter), part.encode(tile, &ScopeFilter::All));
            }
        }
        prop_assert_eq!(
            whole.query_box(-180.0, -90.0, 180.0, 90.0, &filter),
            part.query_box(-180.0, -90.0, 180.0, 90.0, &ScopeFilter::All)
        );
        prop_assert_eq!(
            whole.nearest(119.9, 31.8, 5, &filter),
            part.nearest(119.9, 31.8, 5, &ScopeFilter::All)
        );
        prop_assert_eq!(whole.bounds(&filter), part.bounds(&ScopeFilter::All));
    }

    #[test]
    fn questions_about_places_match_looking_at_everything(
        count in 1_u64..150,
        place in (119.0_f64..121.0, 31.0_f64..33.0),
        size in (0.0_f64..1.0, 0.0_f64..1.0),
        wanted in 0_usize..12,
    ) {
        let dictionary = Dictionary::new();
        let features = spread(&dictionary, count);
        let layer = Layer::load(LayerName::Parcels, dictionary, features.clone(), 1);
        let (west, south) = place;
        let (east, north) = (west + size.0, south + size.1);
        let mut meeting: Vec<FeatureId> = features
            .iter()
            .filter(|feature| {
                let [w, s, e, n] = feature.shape.bounds();
                w <= east && e >= west && s <= north && n >= south
            })
            .map(|feature| feature.id)
            .collect();
        meeting.sort();
        prop_assert_eq!(layer.query_box(west, south, east, north, &ScopeFilter::All), meeting);

        // The shapes are boxes, so their distance in the map's plane is that of their bounds.
        let plane = |longitude: f64, latitude: f64| {
            (longitude.to_radians(), latitude.to_radians().tan().asinh())
        };
        let (px, py) = plane(west, south);
        let distances: HashMap<FeatureId, f64> = features
            .iter()
            .map(|feature| {
                let [w, s, e, n] = feature.shape.bounds();
                let ((w, s), (e, n)) = (plane(w, s), plane(e, n));
                let (dx, dy) = ((w - px).max(px - e).max(0.0), (s - py).max(py - n).max(0.0));
                (feature.id, dx.hypot(dy))
            })
            .collect();
        let mut by_distance: Vec<f64> = distances.values().copied().collect();
        by_distance.sort_by(f64::total_cmp);
        let nearest = layer.nearest(west, south, wanted, &ScopeFilter::All);
        let found: HashSet<FeatureId> = nearest.iter().copied().collect();
        prop_assert_eq!(found.len(), nearest.len(), "one of them twice: {:?}", nearest);
        prop_assert_eq!(nearest.len(), wanted.min(features.len()));
        // Two that are as far as each other on the grid of the world's 2^32 columns may come in either order.
        let grid = 4.0 * std::f64::consts::TAU / 2.0_f64.powi(32);
        for (id, expected) in nearest.iter().zip(&by_distance) {
            prop_assert!((distances[id] - expected).abs() <= grid, "{id:?} is {} away, not {expected}", distances[id]);
        }
    }
}

#[test]
fn nonsense_questions_find_nothing() {
    let dictionary = Dictionary::new();
    let layer = parcels(dictionary.clone(), spread(&dictionary, 10));
    let all = &ScopeFilter::All;
    assert!(layer.query_box(f64::NAN, 0.0, 1.0, 1.0, all).is_empty());
    assert!(layer.query_box(121.0, 30.0, 119.0, 33.0, all).is_empty());
    assert_eq!(
        layer
            .query_box(f64::NEG_INFINITY, -90.0, f64::INFINITY, 90.0, all)
            .len(),
        10
    );
    assert!(layer.nearest(f64::NAN, 0.0, 3, all).is_empty());
    assert!(layer.nearest(0.0, 0.0, 0, all).is_empty());
    assert_eq!(layer.nearest(0.0, 0.0, 99, all).len(), 10);
    let empty = parcels(Dictionary::new(), vec![]);
    assert!(empty.is_empty() && empty.bounds(&ScopeFilter::All).is_none());
    assert!(empty.nearest(0.0, 0.0, 3, all).is_empty());
    assert!(empty.encode(TileId::new(0, 0, 0).unwrap(), all).is_empty());
}

#[test]
fn a_change_touches_the_tiles_under_its_old_and_new_shape_only() {
    let dictionary = Dictionary::new();
    let mut features = spread(&dictionary, 400);
    for feature in &mut features {
        feature.attributes.region = Word::NONE;
    }
    let layer = parcels(dictionary.clone(), features.clone());
    let old = features[17].clone();
    let mut new = square(old.id.0, 120.3, 31.9, 0.000_3, &dictionary);
    new.attributes.region = Word::NONE;
    layer.apply(vec![Change::Put(new.clone())], 2);
    for z in 0..=14 {
        for tile in every_tile(&layer, z) {
            let [west, south, east, north] = tile.bounds();
            let over = |feature: &Feature, margin: f64| {
                let [w, s, e, n] = feature.shape.bounds();
                let (dx, dy) = ((east - west) * margin, (north - south) * margin);
                w <= east + dx && e >= west - dx && s <= north + dy && n >= south - dy
            };
            if over(&old, 0.015) || over(&new, 0.015) {
                assert_eq!(layer.version(tile), 2, "{tile:?}");
            } else if !over(&old, 0.017) && !over(&new, 0.017) {
                assert_eq!(layer.version(tile), 1, "{tile:?}");
            }
        }
    }
    assert_eq!(layer.position(), 2);
}

#[test]
fn a_change_touches_the_tiles_where_totals_of_its_region_stand() {
    let dictionary = Dictionary::new();
    let region = dictionary.intern("32");
    let at = |number, longitude| {
        let mut made = square(number, longitude, 31.78, 0.001, &dictionary);
        made.attributes.region = region;
        made
    };
    let features = vec![at(1, 110.0), at(2, 115.0), at(3, 120.0)];
    // The total stands in the middle of the three, then of the two, then of two others.
    let changes = [
        Change::Remove(FeatureId(1)),
        Change::Put(at(3, 125.0)),
        Change::Put(at(4, 90.0)),
    ];
    let layer = parcels(dictionary.clone(), features);
    for (change, position) in changes.into_iter().zip(2..) {
        let mut before = BTreeMap::new();
        for z in 0..=8 {
            for x in 0..1 << z {
                let y = TileId::containing(z, 110.0, 31.78).unwrap().y();
                let tile = TileId::new(z, x, y).unwrap();
                before.insert(tile, layer.encode(tile, &ScopeFilter::All));
            }
        }
        layer.apply(vec![change], position);
        let mut moved = 0;
        for (tile, bytes) in before {
            if layer.encode(tile, &ScopeFilter::All) != bytes {
                assert_eq!(layer.version(tile), position, "{tile:?}");
                moved += 1;
            }
        }
        assert!(moved >= 9);
    }
}

fn unzip(body: &[u8]) -> Vec<u8> {
    let mut raw = vec![];
    flate2::read::GzDecoder::new(body).read_to_end(&mut raw).unwrap();
    raw
}

#[test]
fn the_cache_never_gives_an_outdated_tile() {
    let dictionary = Dictionary::new();
    let load = |name| Arc::new(Layer::load(name, dictionary.clone(), spread(&dictionary, 50), 1));
    let (parcels, buildings) = (load(LayerName::Parcels), load(LayerName::Buildings));
    let set = TileSet::new([parcels.clone(), buildings.clone()], 1 << 24);
    let both = [LayerName::Buildings, LayerName::Parcels, LayerName::Sites];
    let mut versions = BTreeSet::new();
    for (layer, position) in [(&parcels, 5), (&buildings, 6), (&parcels, 7)] {
        let added = square(1_000 + position, 119.95, 31.78, 0.000_5, &dictionary);
        layer.apply(vec![Change::Put(added)], position);
        for z in [0, 9, 12, 13, 14, 18] {
            let tile = TileId::containing(z, 119.950_2, 31.780_2).unwrap();
            let answer = set.tile(&both, tile, &ScopeFilter::All);
            let mut expected = parcels.encode(tile, &ScopeFilter::All);
            expected.extend(buildings.encode(tile, &ScopeFilter::All));
            assert_eq!(unzip(&answer.body), expected);
            assert_eq!(set.version(&both, tile), answer.etag_version);
            if z == 14 {
                assert!(versions.insert(answer.etag_version), "the version must change");
            }
            let again = set.tile(&both, tile, &ScopeFilter::All);
            assert!(Arc::ptr_eq(&again.body, &answer.body), "encoded twice");
            // Other layers and other scopes have tiles of their own.
            let one = set.tile(&[LayerName::Parcels], tile, &ScopeFilter::All);
            assert_eq!(unzip(&one.body), parcels.encode(tile, &ScopeFilter::All));
            let nobody = set.tile(&both, tile, &scopes(&[]));
            assert!(nobody.body.is_empty());
        }
    }
    assert!(set.cached().0 > 0);
    // A batch that comes late keeps versions, and still is seen.
    let tile = TileId::containing(14, 119.950_2, 31.780_2).unwrap();
    let before = set.tile(&both, tile, &ScopeFilter::All);
    parcels.apply(vec![Change::Remove(FeatureId(1_005))], 3);
    let after = set.tile(&both, tile, &ScopeFilter::All);
    assert_ne!(before.body, after.body);
}

/// A feature may come with a scope that nobody knew a moment ago: its tile is never kept as one that
/// lacks it.
#[test]
fn a_scope_that_a_change_brings_is_seen_by_whoever_may() {
    let dictionary = Dictionary::new();
    let layer = Arc::new(parcels(dictionary.clone(), spread(&dictionary, 20)));
    let set = TileSet::new([layer.clone()], 1 << 24);
    let asked = [LayerName::Parcels];
    let tile = TileId::containing(14, 119.950_2, 31.780_2).unwrap();
    let wide = scopes(&[50]);
    let old = set.version(&asked, tile);
    let missed = set.tile_as(&asked, tile, || {
        // As if the change came between the look at the versions and the look at the scopes.
        let mut added = square(2_000, 119.95, 31.78, 0.000_5, &dictionary);
        added.scope = ScopeId(50);
        layer.apply(vec![Change::Put(added)], 7);
        scopes(&[])
    });
    assert_eq!(
        missed.etag_version, old,
        "what was made by the old scopes bears the old version"
    );
    assert!(missed.body.is_empty());
    let seen = set.tile_as(&asked, tile, || wide.clone());
    assert_eq!(seen.etag_version, 7);
    assert_eq!(decode(&unzip(&seen.body)).len(), 1);
    // Sets that hold the same are one, however they came about; others are not.
    let again = set.tile(&asked, tile, &scopes(&[50, 50]));
    assert!(Arc::ptr_eq(&again.body, &seen.body), "encoded twice");
    assert!(set.tile(&asked, tile, &scopes(&[49, 51, 114])).body.is_empty());
    assert_ne!(scopes(&[1]), scopes(&[65]));

    // The box too follows what is seen.
    let [west, south, east, north] = set.bounds(&asked, || wide.clone()).unwrap();
    for (found, meant) in [(west, 119.95), (south, 31.78), (east, 119.950_5), (north, 31.780_5)] {
        assert!((found - meant).abs() < 1e-6, "{found} {meant}");
    }
    assert_eq!(set.bounds(&asked, || scopes(&[])), None);
    assert_eq!(set.bounds(&asked, || ScopeFilter::All), layer.bounds(&ScopeFilter::All));
    layer.apply(vec![Change::Remove(FeatureId(2_000))], 8);
    assert_eq!(set.bounds(&asked, || wide.clone()), None);
}

#[test]
fn an_empty_tile_is_an_empty_body() {
    let set = TileSet::new([], 1 << 20);
    let answer = set.tile(&LayerName::ALL, TileId::new(3, 1, 1).unwrap(), &ScopeFilter::All);
    assert!(answer.body.is_empty());
}

#[test]
fn the_last_feature_with_an_id_counts_when_loading() {
    let dictionary = Dictionary::new();
    let mut builder = LayerBuilder::new(LayerName::Parcels, dictionary.clone());
    for version in [3, 8, 5] {
        builder.push(&version_of(&dictionary, 1, version));
        builder.push(&version_of(&dictionary, 2, version + 1));
    }
    assert_eq!(builder.len(), 6);
    let layer = builder.finish(1);
    assert_eq!(layer.len(), 2);
    let expected = parcels(
        dictionary.clone(),
        vec![version_of(&dictionary, 1, 5), version_of(&dictionary, 2, 6)],
    );
    assert_eq!(
        everything(&layer, &ScopeFilter::All),
        everything(&expected, &ScopeFilter::All)
    );
}

#[test]
fn readers_go_on_while_many_changes_are_applied_and_packed() {
    let dictionary = Dictionary::new();
    let features = synthetic_features(&dictionary, 150, 140);
    let layer = parcels(dictionary.clone(), features.clone());
    let moved: Vec<Change> = features
        .iter()
        .map(|old| {
            let mut new = old.clone();
            new.attributes.usage = dictionary.intern("commercial");
            Change::Put(new)
        })
        .collect();
    let busy = AtomicBool::new(true);
    let tile = TileId::containing(15, 119.96, 31.79).unwrap();
    let count = all(&layer, tile).len();
    assert!(count > 100);
    let (reads, slowest) = std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let (mut reads, mut slowest) = (0_u32, Duration::ZERO);
            loop {
                // Asked first, so that there is a read however late this thread comes to run.
                let last = !busy.load(Ordering::Acquire);
                let start = Instant::now();
                let bytes = layer.encode(tile, &ScopeFilter::All);
                slowest = slowest.max(start.elapsed());
                reads += 1;
                assert_eq!(decode(&bytes).len(), count, "a feature was missing in between");
                if last {
                    break (reads, slowest);
                }
            }
        });
        layer.apply(moved, 2);
        busy.store(false, Ordering::Release);
        reader.join().unwrap()
    });
    eprintln!("{reads} reads meanwhile, the slowest took {slowest:?}");
    let commercial = |decoded: &Decoded| decoded.text("usage") == Some("commercial");
    assert!(all(&layer, tile).iter().all(commercial));
    assert_eq!(layer.version(tile), 2);
    // Packing gave back what the old versions took.
    let per_feature = layer.memory_bytes() / layer.len();
    assert!(per_feature < 800, "{per_feature} B a feature");
}
