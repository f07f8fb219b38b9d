//! Geometry in tiles, seen through a third-party decoder.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod support;

use std::{collections::BTreeSet, time::Instant};

use geo::{Contains, Intersects, Validation};
use geo_types::{Coord, Geometry, LineString, MultiPolygon, Point, Polygon, Rect};
use proptest::prelude::*;
use support::*;
use tiles::{Dictionary, Feature, FeatureId, Layer, LayerName, ScopeFilter, Shape, TileId};

fn layer_of(geometry: &Geometry<f64>) -> Layer {
    sites_or_parcels(LayerName::Parcels, geometry)
}

fn sites_or_parcels(name: LayerName, geometry: &Geometry<f64>) -> Layer {
    let dictionary = Dictionary::new();
    let feature = feature(&dictionary, 1, Shape::prepare(geometry).unwrap());
    Layer::load(name, dictionary, [feature], 1)
}

/// A closed ring around a centre, given in tile coordinates of a tile and its neighbours.
fn ring_in(tile: TileId, corners: &[(f64, f64)]) -> LineString<f64> {
    let [west, south, east, north] = tile.bounds();
    // Over a few tiles latitude is as good as linear; tests compare what was drawn with what was
    // asked through the same numbers.
    LineString(
        corners
            .iter()
            .map(|&(x, y)| Coord {
                x: west + x / 4096.0 * (east - west),
                y: north - y / 4096.0 * (north - south),
            })
            .collect(),
    )
}

fn tile() -> TileId {
    TileId::containing(15, 119.95, 31.78).unwrap()
}

#[test]
fn a_tile_inside_a_polygon_is_the_full_square() {
    let world = Rect::new((-179.0, -80.0), (179.0, 80.0)).to_polygon();
    let layer = layer_of(&world.into());
    for z in 13..=20 {
        let inner = TileId::containing(z, 119.95, 31.78).unwrap();
        let found = all(&layer, inner);
        assert_eq!(found.len(), 1);
        assert_well_formed(&found[0]);
        let polygon = &found[0].polygons()[0];
        assert_eq!(polygon.exterior().0.len(), 5);
        assert_eq!(doubled_area(polygon.exterior()), 2 * 4224 * 4224);
    }
}

#[test]
fn a_tile_inside_a_hole_is_empty() {
    let frame = Polygon::new(
        Rect::new((100.0, 20.0), (130.0, 40.0)).to_polygon().exterior().clone(),
        vec![Rect::new((110.0, 25.0), (125.0, 35.0)).to_polygon().exterior().clone()],
    );
    let layer = layer_of(&frame.into());
    assert!(layer.encode(tile(), &ScopeFilter::All).is_empty());
    let inside = TileId::containing(15, 105.0, 30.0).unwrap();
    assert_eq!(
        doubled_area(all(&layer, inside)[0].polygons()[0].exterior()),
        2 * 4224 * 4224
    );
}

#[test]
fn a_bay_that_leaves_the_tile_splits_the_polygon() {
    // A comb whose back lies far outside to the west: three teeth reach into the tile.
    let comb = ring_in(
        tile(),
        &[
            (-3000.0, 0.0),
            (2000.0, 0.0),
            (2000.0, 500.0),
            (-2000.0, 500.0),
            (-2000.0, 1000.0),
            (2000.0, 1000.0),
            (2000.0, 1500.0),
            (-2000.0, 1500.0),
            (-2000.0, 2000.0),
            (2000.0, 2000.0),
            (2000.0, 2500.0),
            (-3000.0, 2500.0),
        ],
    );
    let layer = layer_of(&Polygon::new(comb, vec![]).into());
    let found = all(&layer, tile());
    assert_well_formed(&found[0]);
    let polygons = found[0].polygons();
    assert_eq!(polygons.len(), 3, "{polygons:?}");
    for polygon in polygons {
        assert_eq!(polygon.exterior().0.len(), 5);
        let height = doubled_area(polygon.exterior()) / 2 / 2064;
        assert!((498..=502).contains(&height), "{height}");
    }
}

#[test]
fn holes_and_islands_in_lakes_are_kept_in_order() {
    let square = |low: f64, high: f64| ring_in(tile(), &[(low, low), (high, low), (high, high), (low, high)]);
    let shape = MultiPolygon(vec![
        Polygon::new(square(100.0, 4000.0), vec![square(500.0, 3500.0)]),
        Polygon::new(square(1000.0, 3000.0), vec![square(1500.0, 2500.0)]),
    ]);
    let layer = layer_of(&shape.into());
    let found = all(&layer, tile());
    assert_well_formed(&found[0]);
    let polygons = found[0].polygons();
    assert_eq!(polygons.len(), 2);
    assert!(polygons.iter().all(|polygon| polygon.interiors().len() == 1));

    // The same seen from the neighbour's side, where everything is cut.
    let lower = TileId::new(17, tile().x() * 4 + 1, tile().y() * 4 + 1).unwrap();
    let found = all(&layer, lower);
    assert_well_formed(&found[0]);
    for polygon in found[0].polygons() {
        let exact = Polygon::new(polygon.exterior().clone(), polygon.interiors().to_vec());
        assert!(as_f64(&exact).is_valid(), "{exact:?}");
    }
}

#[test]
fn nothing_is_too_small_to_show_at_feature_zooms() {
    let step = 1e-8;
    for (width, height) in [(1.0, 1.0), (200.0, 1.0), (1.0, 300.0), (3000.0, 1.0), (90.0, 90.0)] {
        let (west, south) = (119.950_001, 31.780_001);
        let shape = Rect::new((west, south), (west + width * step, south + height * step));
        for (name, first) in [(LayerName::Parcels, 12), (LayerName::Sites, 10)] {
            let layer = sites_or_parcels(name, &shape.to_polygon().into());
            for z in first..=20 {
                let place = TileId::containing(z, west, south).unwrap();
                let found = all(&layer, place);
                assert_eq!(found.len(), 1, "{width} × {height} at zoom {z}");
                assert_eq!(found[0].layer, name.as_str());
                assert_eq!(found[0].polygons().len(), 1);
                assert_well_formed(&found[0]);
            }
        }
    }
}

/// A neck narrower than a tile coordinate pinches the polygon; what is drawn must be valid all the
/// same, and nothing of it lost.
#[test]
fn pinched_polygons_are_mended() {
    for (tilt, neck) in [(0.0, 0.2), (3.3, 0.4), (7.7, 0.9), (21.0, 0.1)] {
        let waist = |x: f64, y: f64| (x, y + tilt * (x - 1_500.0) / 1_000.0);
        let dumbbell = [
            (500.0, 1_000.0),
            waist(1_400.0, 1_500.0 - neck),
            waist(1_600.3, 1_500.2 - neck),
            (2_500.0, 1_000.0),
            (2_500.0, 2_000.0),
            waist(1_601.0, 1_500.0 + neck),
            waist(1_399.0, 1_500.2 + neck),
            (500.0, 2_000.0),
        ];
        let expected: f64 = dumbbell
            .iter()
            .zip(dumbbell.iter().cycle().skip(1))
            .map(|(a, b)| (a.0 * b.1 - b.0 * a.1) / 2.0)
            .sum();
        let layer = layer_of(&Polygon::new(ring_in(tile(), &dumbbell), vec![]).into());
        for z in 12..=15 {
            let found = all(&layer, tile_at(z));
            assert_well_formed(&found[0]);
            let scale = 4_f64.powi(15 - i32::from(z));
            let mut area = 0.0;
            for polygon in found[0].polygons() {
                area += doubled_area(polygon.exterior()) as f64 / 2.0 * scale;
                assert!(as_f64(&polygon).is_valid(), "zoom {z}: {polygon:?}");
            }
            assert!(
                (area - expected.abs()).abs() < 0.02 * area,
                "zoom {z}: {area}, not {expected}"
            );
        }
    }
}

fn tile_at(z: u8) -> TileId {
    let [west, south, east, north] = tile().bounds();
    TileId::containing(z, west.midpoint(east), south.midpoint(north)).unwrap()
}

#[test]
fn points_are_drawn_where_they_are() {
    let dictionary = Dictionary::new();
    let shape = Shape::prepare(&Point::new(119.95, 31.78).into()).unwrap();
    let layer = Layer::load(
        LayerName::Sites,
        dictionary.clone(),
        [feature(&dictionary, 8, shape)],
        1,
    );
    for z in 10..=20 {
        let place = TileId::containing(z, 119.95, 31.78).unwrap();
        let found = all(&layer, place);
        let Geometry::Point(point) = found[0].geometry else {
            panic!("{found:?}")
        };
        let [west, _, east, _] = place.bounds();
        let x = (119.95 - west) / (east - west) * 4096.0;
        assert!((f64::from(point.x()) - x).abs() <= 0.6);
    }
}

#[test]
fn attributes_are_those_of_the_feature() {
    let dictionary = Dictionary::new();
    let shape = Shape::prepare(&Rect::new((119.95, 31.78), (119.951, 31.781)).to_polygon().into()).unwrap();
    let mut given = feature(&dictionary, 77, shape);
    given.uuid = [0x01, 0x93, 0x4f, 0x5a, 0, 0, 0x70, 0, 0x80, 0xff, 1, 2, 3, 4, 5, 0xee];
    given.attributes.name = Some("市政府大院".into());
    given.attributes.idle = Some(true);
    given.attributes.title_status = dictionary.intern("other_not_handed");
    given.attributes.case_stage = dictionary.intern("repair.applied");
    given.attributes.case_phase = dictionary.intern("deciding");
    given.area_m2 = 12_345.678_9;
    let layer = parcels(dictionary.clone(), vec![given.clone()]);
    let found = all(&layer, tile());
    let decoded = &found[0];
    assert_eq!(decoded.id, 77);
    assert_eq!(decoded.text("id"), Some("01934f5a-0000-7000-80ff-0102030405ee"));
    assert_eq!(decoded.text("code"), given.attributes.code.as_deref());
    assert_eq!(decoded.text("name"), Some("市政府大院"));
    assert_eq!(decoded.text("title_status"), Some("other_not_handed"));
    assert_eq!(decoded.text("case_stage"), Some("repair.applied"));
    assert_eq!(decoded.text("case_phase"), Some("deciding"));
    for (key, word) in [
        ("usage", given.attributes.usage),
        ("occupancy", given.attributes.occupancy),
        ("unit", given.attributes.unit),
        ("region", given.attributes.region),
    ] {
        assert_eq!(decoded.text(key), dictionary.text(word).as_deref(), "{key}");
    }
    assert_eq!(decoded.properties.get("idle"), Some(&Value::Truth(true)));
    assert_eq!(decoded.number("area_m2"), 12_345.678_9);
    assert_eq!(decoded.properties.len(), 12);

    given.attributes = tiles::Attributes::default();
    let layer = parcels(dictionary, vec![given]);
    let keys: Vec<_> = all(&layer, tile())[0].properties.keys().cloned().collect();
    assert_eq!(keys, ["area_m2", "id"], "what is not known is left out");
}

fn as_f64(polygon: &Polygon<i32>) -> Polygon<f64> {
    let ring = |ring: &LineString<i32>| {
        LineString(
            ring.0
                .iter()
                .map(|c| Coord {
                    x: f64::from(c.x),
                    y: f64::from(c.y),
                })
                .collect(),
        )
    };
    Polygon::new(ring(polygon.exterior()), polygon.interiors().iter().map(ring).collect())
}

/// Decodes every tile of some zooms, checks each feature and returns (polygons, invalid ones).
fn check_all_tiles(layer: &Layer, ids: &BTreeSet<u64>, zooms: &[u8]) -> (usize, usize) {
    let (mut polygons, mut invalid) = (0, 0);
    for &z in zooms {
        let mut seen = BTreeSet::new();
        for tile in tiles_of(layer, z) {
            let mut in_tile = BTreeSet::new();
            for decoded in all(layer, tile) {
                assert_eq!(decoded.layer, "parcels");
                assert_well_formed(&decoded);
                assert!(in_tile.insert(decoded.id), "twice in {tile:?}: {}", decoded.id);
                for polygon in decoded.polygons() {
                    polygons += 1;
                    invalid += usize::from(!as_f64(&polygon).is_valid());
                }
            }
            seen.extend(in_tile);
        }
        assert_eq!(seen.len(), ids.len(), "features missing at zoom {z}");
        assert_eq!(&seen, ids, "zoom {z}");
    }
    (polygons, invalid)
}

#[test]
fn every_parcel_of_a_city_shows_at_every_feature_zoom() {
    let dictionary = Dictionary::new();
    let features = synthetic_features(&dictionary, 40, 30);
    let ids = features.iter().map(|feature| feature.id.0).collect();
    let layer = parcels(dictionary, features);
    let (polygons, invalid) = check_all_tiles(&layer, &ids, &[12, 13, 14, 15, 16, 17]);
    assert!(polygons > 6 * 1_200);
    assert_eq!(invalid, 0);
}

#[test]
fn real_parcels_show_at_every_feature_zoom() {
    let Some(real) = cambridge_parcels() else {
        eprintln!("left out: YICE_TEST_DATA names no folder with cambridge-parcels");
        return;
    };
    assert!(real.len() > 13_000);
    let dictionary = Dictionary::new();
    let features: Vec<Feature> = real
        .iter()
        .zip(1..)
        .filter_map(|((_, geometry), number)| {
            let shape = Shape::prepare(geometry).ok()?;
            Some(feature(&dictionary, number, shape))
        })
        .collect();
    // The source has a parcel or two that are lines there and back.
    let refused = real.len() - features.len();
    eprintln!("{refused} of {} parcels refused", real.len());
    assert!(refused <= 3);
    let ids: BTreeSet<u64> = features.iter().map(|feature| feature.id.0).collect();
    let layer = parcels(dictionary, features);
    for z in [12, 13, 14, 15, 16] {
        let (polygons, invalid) = check_all_tiles(&layer, &ids, &[z]);
        eprintln!("zoom {z}: {invalid} of {polygons} polygons invalid");
        assert!(invalid * 2_000 <= polygons, "{invalid} of {polygons} at zoom {z}");
    }
}

#[test]
fn a_polygon_of_many_thousand_corners_is_drawn_at_every_zoom() {
    let corners: Vec<(f64, f64)> = (0..18_606)
        .map(|k| {
            let angle = f64::from(k) / 18_606.0 * std::f64::consts::TAU;
            // A coast: bays, coves and rocks.
            let coast = 0.2 * (angle * 9.0).sin() + 0.02 * (angle * 173.0).sin();
            let rocks = 0.000_2 * wobble(u64::try_from(k).unwrap(), 3);
            let radius = 0.05 * (1.0 + coast + rocks);
            (119.95 + radius * angle.cos(), 31.78 + radius * angle.sin())
        })
        .collect();
    let start = Instant::now();
    let layer = layer_of(&Polygon::new(LineString::from(corners), vec![]).into());
    eprintln!("prepared in {:?}", start.elapsed());
    for z in 12..=20 {
        // On the outline, where cutting has most to do.
        let place = TileId::containing(z, 120.0, 31.78).unwrap();
        let start = Instant::now();
        for _ in 0..10 {
            layer.encode(place, &ScopeFilter::All);
        }
        let each = start.elapsed() / 10;
        eprintln!("zoom {z}: {each:?}");
        for decoded in all(&layer, place) {
            assert_well_formed(&decoded);
        }
    }
}

/// A star-shaped ring: simple whatever the radii.
fn star(centre: (f64, f64), radii: &[f64], scale: f64) -> Vec<(f64, f64)> {
    let count = radii.len() as f64;
    let turn = std::f64::consts::TAU;
    let corner = |(k, radius): (usize, &f64)| {
        let angle = k as f64 / count * turn + 0.1;
        (
            centre.0 + scale * radius * angle.cos(),
            centre.1 + scale * radius * angle.sin(),
        )
    };
    radii.iter().enumerate().map(corner).collect()
}

/// The same radii with so many in between.
fn drawn_out(radii: &[f64], times: usize) -> Vec<f64> {
    let next = radii.iter().skip(1).chain(radii.first());
    radii
        .iter()
        .zip(next)
        .flat_map(|(a, b)| (0..times).map(move |k| a + (b - a) * k as f64 / times as f64))
        .collect()
}

fn contains(polygons: &[Polygon<f64>], x: f64, y: f64) -> bool {
    polygons.iter().any(|polygon| polygon.contains(&Point::new(x, y)))
}

fn distance_to_outline(polygons: &[Polygon<f64>], x: f64, y: f64) -> f64 {
    let rings = polygons
        .iter()
        .flat_map(|polygon| std::iter::once(polygon.exterior()).chain(polygon.interiors()));
    let mut least = f64::INFINITY;
    for line in rings.flat_map(|ring| ring.lines()) {
        let (dx, dy) = (line.end.x - line.start.x, line.end.y - line.start.y);
        let along =
            (((x - line.start.x) * dx + (y - line.start.y) * dy) / (dx * dx + dy * dy).max(1e-9)).clamp(0.0, 1.0);
        let (px, py) = (line.start.x + along * dx, line.start.y + along * dy);
        least = least.min((x - px).hypot(y - py));
    }
    least
}

/// Whether a place is inside by the even-odd rule, which also says so for rings that cross.
fn is_odd(rings: &[Vec<(f64, f64)>], x: f64, y: f64) -> bool {
    let edges = rings
        .iter()
        .flat_map(|ring| ring.iter().zip(ring.iter().cycle().skip(1)));
    edges.fold(false, |odd, (a, b)| {
        let crosses = (a.1 > y) != (b.1 > y) && x < a.0 + (y - a.1) / (b.1 - a.1) * (b.0 - a.0);
        odd != crosses
    })
}

/// The nine tiles around [`tile`] laid side by side cover exactly what the rings cover: no gap and no
/// line at a seam. Looks at some places of each tile.
fn check_seams(rings: &[Vec<(f64, f64)>], samples: &[(f64, f64)]) -> Result<(), TestCaseError> {
    let polygon_of = |mut rings: Vec<LineString<f64>>| {
        let holes = rings.split_off(1);
        Polygon::new(rings.remove(0), holes)
    };
    let geometry = polygon_of(rings.iter().map(|corners| ring_in(tile(), corners)).collect());
    let asked = polygon_of(rings.iter().map(|corners| LineString::from(corners.clone())).collect());
    let layer = layer_of(&geometry.into());
    for (dx, dy) in (-1..=1).flat_map(|dx| (-1..=1).map(move |dy| (dx, dy))) {
        let id = TileId::new(
            tile().z(),
            tile().x().checked_add_signed(dx).unwrap(),
            tile().y().checked_add_signed(dy).unwrap(),
        )
        .unwrap();
        let found = all(&layer, id);
        prop_assert!(found.len() <= 1);
        let mut drawn = vec![];
        for decoded in &found {
            assert_well_formed(decoded);
            drawn.extend(decoded.polygons().iter().map(as_f64));
        }
        for polygon in &drawn {
            prop_assert!(
                polygon.is_valid(),
                "{:?} of {id:?}: {polygon:?}",
                polygon.validation_errors()
            );
        }
        for &(x, y) in samples {
            let (ax, ay) = (x + f64::from(dx) * 4_096.0, y + f64::from(dy) * 4_096.0);
            // Snapping, simplification and the bend at the buffer's edge stay within this.
            if distance_to_outline(std::slice::from_ref(&asked), ax, ay) < 4.0 {
                continue;
            }
            prop_assert_eq!(
                contains(&drawn, x, y),
                is_odd(rings, ax, ay),
                "at {} {} of {:?}",
                x,
                y,
                id
            );
        }
    }
    Ok(())
}

/// Places all over a tile and a little into its buffer.
fn lattice(steps: u32) -> Vec<(f64, f64)> {
    let axis = move || (0..=steps).map(move |k| f64::from(k) / f64::from(steps) * 4_200.0 - 52.0);
    axis().flat_map(|x| axis().map(move |y| (x, y))).collect()
}

/// A star and, shrunk, its hole, which lies inside as the outline is star-shaped.
fn star_with_hole(centre: (f64, f64), radii: &[f64], scale: f64, hole: Option<f64>) -> Vec<Vec<(f64, f64)>> {
    let sizes = std::iter::once(1.0).chain(hole);
    sizes.map(|size| star(centre, radii, scale * size)).collect()
}

/// Where the outline and its hole both go around a corner of the tile, the shortcuts of one cross those
/// of the other, on the far end of a cutting line.
#[test]
fn long_rings_whose_shortcuts_cross_keep_their_inside() {
    let mut radii = vec![0.2; 25];
    radii[13] = 0.949_320_944_526_214_8;
    radii[19..22].copy_from_slice(&[
        0.416_920_494_414_182_9,
        0.521_963_995_481_290_1,
        0.753_844_159_011_351_6,
    ]);
    let rings = star_with_hole(
        (3_476.419_608_791_670_3, 1_668.316_243_625_376_3),
        &drawn_out(&radii, 30),
        4_309.276_327_262_011,
        Some(0.642_460_198_793_460_8),
    );
    check_seams(&rings, &lattice(40)).unwrap();
}

prop_compose! {
    fn any_star()(
        radii in prop_oneof![
            prop::collection::vec(0.2_f64..1.0, 5..40),
            // Spikes and necks.
            prop::collection::vec(prop_oneof![0.01_f64..0.05, 0.6_f64..1.0], 5..40),
        ],
        scale in prop_oneof![300.0_f64..5_000.0, 20.0_f64..300.0, 5_000.0_f64..40_000.0],
        centre in (-500.0_f64..4_600.0, -500.0_f64..4_600.0),
        hole in prop::option::of(0.05_f64..0.9),
        // Long rings are cut down to what is near the tile first.
        long in any::<bool>(),
    ) -> Vec<Vec<(f64, f64)>> {
        let radii = if long { drawn_out(&radii, 30) } else { radii };
        star_with_hole(centre, &radii, scale, hole)
    }
}

prop_compose! {
    /// An outline that crosses itself, and holes that cross it.
    fn any_tangle()(
        rings in prop::collection::vec(prop::collection::vec((-0.5_f64..1.5, -0.5_f64..1.5), 3..9), 1..4),
        scale in 100.0_f64..8_000.0,
        long in any::<bool>(),
    ) -> Vec<Vec<(f64, f64)>> {
        let spread_out = |ring: Vec<(f64, f64)>| {
            let axis = |pick: fn(&(f64, f64)) -> f64| {
                let scaled: Vec<f64> = ring.iter().map(|corner| pick(corner) * scale).collect();
                drawn_out(&scaled, if long { 60 } else { 1 })
            };
            axis(|corner| corner.0).into_iter().zip(axis(|corner| corner.1)).collect()
        };
        rings.into_iter().map(spread_out).collect()
    }
}

fn cross_the_first(rings: &[Vec<(f64, f64)>]) -> bool {
    let closed = |ring: &[(f64, f64)]| Polygon::new(LineString::from(ring.to_vec()), vec![]).exterior().clone();
    let first = closed(&rings[0]);
    rings[1..].iter().all(|ring| closed(ring).intersects(&first))
}

/// So many cases, or as many as the environment asks for.
fn cases(usual: u32) -> ProptestConfig {
    let asked = ProptestConfig::default();
    ProptestConfig {
        cases: std::env::var_os("PROPTEST_CASES").map_or(usual, |_| asked.cases),
        failure_persistence: None,
        ..asked
    }
}

/// Places anywhere in a tile and a little into its buffer.
fn places(seed: u64) -> Vec<(f64, f64)> {
    let axis = |k| 2_048.0 + 2_100.0 * wobble(seed, k);
    (0..200).map(|k| (axis(2 * k), axis(2 * k + 1))).collect()
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn neighbouring_tiles_join_without_a_seam(rings in any_star(), seed in any::<u64>()) {
        check_seams(&rings, &places(seed))?;
    }

    #[test]
    fn tangled_rings_are_drawn_by_the_even_odd_rule(
        rings in any_tangle().prop_filter("holes apart from their outline", |rings| cross_the_first(rings)),
        seed in any::<u64>()) {
        check_seams(&rings, &places(seed))?;
    }
}

#[test]
fn shapes_refuse_what_cannot_be_drawn_and_say_why() {
    let ring = |corners: &[(f64, f64)]| Geometry::from(Polygon::new(LineString::from(corners.to_vec()), vec![]));
    let reason = |geometry: &Geometry<f64>| Shape::prepare(geometry).unwrap_err().to_string();
    assert!(reason(&ring(&[(0.0, 0.0), (f64::NAN, 1.0), (1.0, 1.0)])).contains("not a place"));
    assert!(reason(&ring(&[(0.0, 0.0), (f64::INFINITY, 1.0), (1.0, 1.0)])).contains("not a place"));
    assert!(reason(&ring(&[(0.0, 0.0), (f64::NAN, f64::NAN)])).contains("not a place"));
    assert!(reason(&ring(&[(0.0, 0.0), (39_500_000.0, 3_500_000.0), (1.0, 1.0)])).contains("not a place"));
    assert!(reason(&ring(&[(0.0, 0.0), (1.0, 1.0), (0.0, 0.0)])).contains("corners"));
    assert!(reason(&ring(&[])).contains("empty"));
    assert!(reason(&MultiPolygon::<f64>(vec![]).into()).contains("empty"));
    assert!(reason(&LineString::from(vec![(0.0, 0.0), (1.0, 1.0)]).into()).contains("line"));
    // The poles are drawn at the edge of the map.
    assert!(Shape::prepare(&ring(&[(0.0, 80.0), (10.0, 90.0), (20.0, 80.0)])).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shapes_survive_their_bytes(
        radii in prop::collection::vec(0.01_f64..1.0, 3..60),
        scale in 0.000_001_f64..40.0,
        holes in 0_usize..3,
    ) {
        let rings = (0..holes).map(|k| LineString::from(star((119.95, 31.78), &radii, scale * 0.3 / (k + 1) as f64)));
        let polygon = Polygon::new(LineString::from(star((119.95, 31.78), &radii, scale)), rings.collect());
        let shape = Shape::prepare(&polygon.into()).unwrap();
        prop_assert_eq!(Shape::from_bytes(&shape.to_bytes()).unwrap(), shape);
    }

    /// Whatever bytes say, reading them gives a shape or a reason, and the shape can be drawn.
    #[test]
    fn no_bytes_can_break_drawing(
        radii in prop::collection::vec(0.2_f64..1.0, 3..12),
        scale in 0.000_01_f64..60.0,
        hurt in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        truncate in any::<bool>(),
        z in 10_u8..=20,
    ) {
        let outline = LineString::from(star((119.95, 3.0), &radii, scale));
        let hole = LineString::from(star((119.95, 3.0), &radii, scale * 0.5));
        let mut bytes = Shape::prepare(&Polygon::new(outline, vec![hole]).into()).unwrap().to_bytes();
        for (index, value) in hurt {
            let index = index.index(bytes.len());
            bytes[index] = value;
        }
        if truncate {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(shape) = Shape::from_bytes(&bytes) {
            let [west, south, east, north] = shape.bounds();
            let dictionary = Dictionary::new();
            let layer = Layer::load(LayerName::Sites, dictionary.clone(), [feature(&dictionary, 1, shape)], 1);
            for (longitude, latitude) in [(west, south), (east, north), (119.95, 3.0)] {
                let place = TileId::containing(z, longitude, latitude).unwrap();
                decode(&layer.encode(place, &ScopeFilter::All)).iter().for_each(assert_well_formed);
            }
            layer.nearest(120.0, 3.0, 1, &ScopeFilter::All);
        }
    }

    #[test]
    fn random_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Shape::from_bytes(&bytes);
    }
}

#[test]
fn feature_ids_may_be_any_number() {
    let dictionary = Dictionary::new();
    let shape = Shape::prepare(&Rect::new((119.95, 31.78), (119.951, 31.781)).to_polygon().into()).unwrap();
    for id in [0, 1, u64::from(u32::MAX), u64::MAX] {
        let mut given = feature(&dictionary, 5, shape.clone());
        given.id = FeatureId(id);
        let layer = parcels(dictionary.clone(), vec![given]);
        assert_eq!(all(&layer, tile())[0].id, id);
    }
}
