//! Which shapes are wrong, which are mended, and what becomes of the others.

#![expect(clippy::unwrap_used, reason = "a broken fixture should stop the test")]

mod support;

use geo::{Area, Validation, Winding};
use geo_types::{Coord, Geometry, Polygon};
use gis_data::check::{self, Verdict};
use gis_data::report::Defect;
use gis_data::{Candidate, Crs, MendTolerance, PipelineOptions, Quarantine, Reason};
use proptest::prelude::*;
use support::*;

/// Imports one polygon in metres of CGCS2000, zone 40, about a point near Changzhou.
fn import_rings(rings: &[Ring], options: PipelineOptions) -> Outcome {
    let json = polygon_json(&moved(rings));
    import_json(&json, options)
}

fn import_json(json: &str, options: PipelineOptions) -> Outcome {
    let folder = Folder::new();
    let options = PipelineOptions {
        crs: Some(Crs::from_epsg(4549).unwrap()),
        ..options
    };
    import(
        &folder.write("one.geojson", collection(&[feature("P1", json)])),
        options,
    )
    .unwrap()
}

fn moved(rings: &[Ring]) -> Vec<Ring> {
    rings
        .iter()
        .map(|ring| ring.iter().map(|(x, y)| (x + 495_000.0, y + 3_517_000.0)).collect())
        .collect()
}

fn accepted(rings: &[Ring]) -> Candidate {
    let mut outcome = import_rings(rings, parcels());
    assert_eq!(outcome.quarantined, []);
    let candidate = outcome.accepted.remove(0);
    let shape = candidate.geometry.as_ref().unwrap();
    assert!(shape.is_valid(), "{shape:?}");
    assert_eq!(check::check(shape), Verdict::Valid);
    candidate
}

fn quarantined(rings: &[Ring]) -> Quarantine {
    let mut outcome = import_rings(rings, parcels());
    assert_eq!(outcome.accepted, []);
    outcome.quarantined.remove(0)
}

/// A square of 100 m: 10 000 m², so that 50 m² may change.
fn plain() -> Ring {
    square(0.0, 0.0, 100.0)
}

#[test]
fn a_small_bow_tie_is_mended_and_both_shapes_kept() {
    // The corner at (100, 100) is a loop of 2 m² turned the other way.
    let ring = vec![
        (0.0, 0.0),
        (100.0, 0.0),
        (100.0, 99.0),
        (98.0, 101.0),
        (98.0, 99.0),
        (100.0, 101.0),
        (98.0, 101.5),
        (0.0, 100.0),
        (0.0, 0.0),
    ];
    let candidate = accepted(std::slice::from_ref(&ring));
    let repair = candidate.repaired.unwrap();
    assert_eq!(repair.reason, Defect::SelfIntersection);
    assert_eq!(candidate.area_m2, Some(repair.area_after_m2));
    let change = (repair.area_after_m2 - repair.area_before_m2).abs();
    assert!(change > 0.1 && change < 50.0, "{change}");
    let Geometry::Polygon(original) = &repair.original else {
        panic!("{:?}", repair.original);
    };
    assert_eq!(original.exterior().0.len(), ring.len(), "as it came");
    assert!(!original.is_valid());
    assert_ne!(candidate.geometry.as_ref(), Some(&repair.original));
}

#[test]
fn a_bow_tie_that_would_change_the_area_is_quarantined_with_the_place() {
    let ring = vec![(0.0, 0.0), (100.0, 100.0), (100.0, 0.0), (0.0, 100.0), (0.0, 0.0)];
    let quarantine = quarantined(std::slice::from_ref(&ring));
    let Reason::InvalidGeometry {
        defect: Defect::SelfIntersection,
        lon,
        lat,
        area_change_m2: Some(change),
    } = quarantine.reason
    else {
        panic!("{:?}", quarantine.reason);
    };
    // The two triangles are 2 500 m² each and cancel each other in the surveyor's formula.
    assert!((change - 5_000.0).abs() < 1.0, "{change}");
    let mut middle = [Coord {
        x: 495_050.0,
        y: 3_517_050.0,
    }];
    let conversion = gis_data::Conversion::to_storage(&Crs::from_epsg(4549).unwrap()).unwrap();
    conversion.coordinates(&mut middle).unwrap();
    assert!(metres(Coord { x: lon, y: lat }, middle[0]) < 0.01);
    assert!(quarantine.geometry_is_lonlat);
    let shown: serde_json::Value = serde_json::from_str(&quarantine.geometry.unwrap()).unwrap();
    assert_eq!(shown["coordinates"][0].as_array().unwrap().len(), 5);
    assert!(quarantine.reason.words().zh.contains("超过允许值"));
    // Whoever allows more gets more.
    let generous = PipelineOptions {
        tolerance: MendTolerance {
            relative: 0.0,
            absolute_m2: 5_001.0,
        },
        ..parcels()
    };
    let outcome = import_rings(&[ring], generous);
    assert_eq!(outcome.repairs(), [("self_intersection", 1)].into());
    assert!(matches!(outcome.accepted[0].geometry, Some(Geometry::MultiPolygon(_))));
}

#[test]
fn the_tolerance_is_where_mending_ends() {
    // A hole outside the shell: the formula takes it off, mending adds it. Twice its area changes.
    for (side, is_mended) in [(4.9, true), (5.1, false)] {
        let rings = [plain(), reversed(square(200.0, 0.0, side))];
        let outcome = import_rings(&rings, parcels());
        assert_eq!(outcome.accepted.len() == 1, is_mended, "{side}");
        if let Some(quarantine) = outcome.quarantined.first() {
            let Reason::InvalidGeometry {
                defect: Defect::HoleOutsideShell,
                area_change_m2: Some(change),
                ..
            } = quarantine.reason
            else {
                panic!("{:?}", quarantine.reason);
            };
            assert!((change - 2.0 * side * side).abs() < 0.1, "{change}");
        }
    }
    // Of a small shape at least one square metre may change.
    let rings = [square(0.0, 0.0, 5.0), reversed(square(20.0, 0.0, 0.6))];
    assert_eq!(import_rings(&rings, parcels()).accepted.len(), 1);
    let rings = [square(0.0, 0.0, 5.0), reversed(square(20.0, 0.0, 0.8))];
    assert_eq!(import_rings(&rings, parcels()).accepted.len(), 0);
}

#[test]
fn defects_without_area_are_mended() {
    let spike = vec![
        (0.0, 0.0),
        (100.0, 0.0),
        (150.0, 0.0),
        (100.0, 0.0),
        (100.0, 100.0),
        (0.0, 100.0),
        (0.0, 0.0),
    ];
    // A line to and fro inside.
    let cut = vec![
        (0.0, 0.0),
        (100.0, 0.0),
        (100.0, 100.0),
        (50.0, 100.0),
        (50.0, 50.0),
        (50.0, 100.0),
        (0.0, 100.0),
        (0.0, 0.0),
    ];
    // One ring drawn through a point twice: two lobes, and a hole drawn with the shell.
    let lobes = vec![
        (0.0, 0.0),
        (50.0, 50.0),
        (100.0, 0.0),
        (100.0, 100.0),
        (50.0, 50.0),
        (0.0, 100.0),
        (0.0, 0.0),
    ];
    let inverted = vec![
        (0.0, 0.0),
        (100.0, 0.0),
        (100.0, 100.0),
        (0.0, 100.0),
        (0.0, 0.0),
        (20.0, 40.0),
        (40.0, 20.0),
        (0.0, 0.0),
    ];
    for (name, ring, defect, parts, holes, area) in [
        ("spike", spike, Defect::Spike, 1, 0, 10_000.0),
        ("cut", cut, Defect::Spike, 1, 0, 10_000.0),
        ("lobes", lobes, Defect::RingSelfTouch, 2, 0, 5_000.0),
        ("inverted", inverted, Defect::RingSelfTouch, 1, 1, 9_400.0),
    ] {
        let candidate = accepted(&[ring]);
        let repair = candidate.repaired.unwrap();
        assert_eq!(repair.reason, defect, "{name}");
        assert!(
            (repair.area_after_m2 - area).abs() < 0.01,
            "{name}: {}",
            repair.area_after_m2
        );
        let shape = match candidate.geometry.unwrap() {
            Geometry::Polygon(one) => vec![one],
            Geometry::MultiPolygon(several) => several.0,
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(shape.len(), parts, "{name}");
        assert_eq!(
            shape.iter().map(|part| part.interiors().len()).sum::<usize>(),
            holes,
            "{name}"
        );
    }
}

#[test]
fn what_needs_no_mending_is_put_in_order_without_a_repair() {
    let repeated = vec![
        (0.0, 0.0),
        (100.0, 0.0),
        (100.0, 0.0),
        (100.0, 0.0),
        (100.0, 100.0),
        (0.0, 100.0),
        (0.0, 0.0),
    ];
    let open = vec![(0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0)];
    let hole = square(20.0, 20.0, 10.0);
    for (name, rings, warning) in [
        ("repeated", vec![repeated], Some("repeated_points_removed")),
        ("open", vec![open], Some("ring_closed")),
        ("clockwise", vec![reversed(plain()), hole.clone()], None),
        ("both counter-clockwise", vec![plain(), hole.clone()], None),
        // A hole may touch its shell, and another hole, at a point.
        (
            "touching",
            vec![plain(), vec![(0.0, 50.0), (20.0, 60.0), (20.0, 40.0), (0.0, 50.0)]],
            None,
        ),
    ] {
        let candidate = accepted(&rings);
        assert_eq!(candidate.repaired, None, "{name}");
        let warnings: Vec<&str> = candidate.warnings.iter().map(|warning| warning.code.as_str()).collect();
        assert_eq!(warnings, warning.into_iter().collect::<Vec<_>>(), "{name}");
        let Some(Geometry::Polygon(shape)) = &candidate.geometry else {
            panic!("{name}");
        };
        assert!(shape.exterior().is_ccw(), "{name}");
        assert!(shape.interiors().iter().all(|ring| ring.is_cw()), "{name}");
        assert_eq!(shape.interiors().len(), rings.len() - 1, "{name}");
    }
}

#[test]
fn wrong_holes_and_parts_are_named() {
    let holes = |holes: &[Ring]| -> Vec<Ring> { [&[plain()], holes].concat() };
    for (rings, defect) in [
        (holes(&[square(200.0, 0.0, 10.0)]), Defect::HoleOutsideShell),
        (holes(&[square(-10.0, -10.0, 120.0)]), Defect::HoleOutsideShell),
        (holes(&[square(90.0, 90.0, 30.0)]), Defect::RingsCross),
        // Half of the shell, along its edges.
        (holes(&[square(0.0, 0.0, 50.0)]), Defect::RingsCross),
        (
            holes(&[square(10.0, 10.0, 50.0), square(20.0, 20.0, 10.0)]),
            Defect::NestedHoles,
        ),
        (
            holes(&[square(10.0, 10.0, 30.0), square(30.0, 30.0, 30.0)]),
            Defect::RingsCross,
        ),
        // From side to side, touching both: two halves.
        (
            holes(&[vec![
                (0.0, 50.0),
                (50.0, 45.0),
                (100.0, 50.0),
                (50.0, 55.0),
                (0.0, 50.0),
            ]]),
            Defect::DisconnectedInterior,
        ),
        (
            holes(&[
                vec![(50.0, 10.0), (60.0, 50.0), (50.0, 30.0), (50.0, 10.0)],
                vec![(50.0, 10.0), (60.0, 50.0), (80.0, 30.0), (50.0, 10.0)],
            ]),
            Defect::RingsCross,
        ),
    ] {
        let shape = polygon(&rings);
        let Verdict::Invalid { defect: found, .. } = check::check(&shape) else {
            panic!("{rings:?}");
        };
        assert_eq!(found, defect, "{rings:?}");
    }
    let parts = |a: &[Ring], b: &[Ring]| {
        let json = format!(
            r#"{{"type":"MultiPolygon","coordinates":[{},{}]}}"#,
            positions(&moved(a)),
            positions(&moved(b))
        );
        import_json(&json, parcels())
    };
    // In the hole of the other: no overlap. Beside it, touching at a corner: none either.
    let ring = [plain(), square(20.0, 20.0, 50.0)];
    for good in [square(30.0, 30.0, 10.0), square(100.0, 100.0, 10.0)] {
        let outcome = parts(&ring, &[good]);
        assert_eq!((outcome.accepted.len(), outcome.repairs().len()), (1, 0));
    }
    for bad in [square(50.0, 50.0, 100.0), square(5.0, 5.0, 10.0), plain()] {
        let outcome = parts(&[plain()], &[bad]);
        assert_eq!(outcome.reasons(), [("invalid_geometry", 1)].into());
        let Reason::InvalidGeometry { defect, .. } = outcome.quarantined[0].reason else {
            panic!("{outcome:?}");
        };
        assert_eq!(defect, Defect::PartsOverlap);
    }
    // Two halves of a parcel that share their whole edge are one.
    let outcome = parts(
        &[vec![(0.0, 0.0), (50.0, 0.0), (50.0, 100.0), (0.0, 100.0), (0.0, 0.0)]],
        &[vec![
            (50.0, 0.0),
            (100.0, 0.0),
            (100.0, 100.0),
            (50.0, 100.0),
            (50.0, 0.0),
        ]],
    );
    assert_eq!(outcome.repairs(), [("parts_overlap", 1)].into());
    assert!(matches!(outcome.accepted[0].geometry, Some(Geometry::Polygon(_))));
    assert!((outcome.accepted[0].area_m2.unwrap() - 10_000.0).abs() < 0.01);
}

#[test]
fn shapes_without_an_inside_can_not_be_mended() {
    for ring in [
        vec![(0.0, 0.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)],
        vec![(0.0, 0.0), (10.0, 0.0), (0.0, 0.0)],
        vec![(0.0, 0.0), (10.0, 0.0), (20.0, 0.0), (0.0, 0.0)],
        vec![(5.0, 5.0)],
    ] {
        let quarantine = quarantined(std::slice::from_ref(&ring));
        assert!(
            matches!(
                quarantine.reason,
                Reason::InvalidGeometry {
                    defect: Defect::TooFewPoints | Defect::Spike,
                    area_change_m2: None,
                    ..
                }
            ),
            "{ring:?}: {:?}",
            quarantine.reason
        );
    }
}

#[test]
fn a_comb_of_crossings_is_given_up_in_time() {
    // Every long edge crosses every other one: from a few thousand points, millions of places.
    for points in [90, 2_000, 20_000] {
        let mut ring: Ring = (0..points)
            .map(|number| {
                let offset = f64::from(number) * 80.0 / f64::from(points);
                if number % 2 == 0 {
                    (offset, 0.0)
                } else {
                    (80.0 - offset, 100.0)
                }
            })
            .collect();
        ring.push(ring[0]);
        let started = std::time::Instant::now();
        let quarantine = quarantined(&[ring]);
        assert_eq!(quarantine.reason.code(), "invalid_geometry");
        assert!(
            started.elapsed() < std::time::Duration::from_secs(10),
            "{points}: {:?}",
            started.elapsed()
        );
    }
}

/// Rings on a coarse grid: many touch, cross, overlap and run along each other.
fn any_ring(points: std::ops::Range<usize>, size: i32) -> impl Strategy<Value = Ring> {
    prop::collection::vec((0..=size, 0..=size), points).prop_map(|points| {
        let mut ring: Ring = points.into_iter().map(|(x, y)| (f64::from(x), f64::from(y))).collect();
        ring.push(ring[0]);
        ring
    })
}

/// A ring about a point, simple before some corners are moved.
fn star() -> impl Strategy<Value = Ring> {
    prop::collection::vec(0.2_f64..1.0, 5..40).prop_map(|radii| {
        let count = radii.len() as f64;
        let mut ring: Ring = radii
            .iter()
            .enumerate()
            .map(|(number, radius)| {
                let angle = number as f64 / count * std::f64::consts::TAU;
                (50.0 + 50.0 * radius * angle.cos(), 50.0 + 50.0 * radius * angle.sin())
            })
            .collect();
        ring.push(ring[0]);
        ring
    })
}

fn any_rings() -> impl Strategy<Value = Vec<Ring>> {
    let hole = || (any_ring(3..6, 4), 0..10, 0..10);
    prop_oneof![
        any_ring(3..9, 6).prop_map(|ring| vec![ring]),
        star().prop_map(|ring| vec![ring]),
        (prop::collection::vec(hole(), 1..4)).prop_map(|holes| {
            let mut rings = vec![square(0.0, 0.0, 12.0)];
            for (hole, x, y) in holes {
                rings.push(hole.iter().map(|(a, b)| (a + f64::from(x), b + f64::from(y))).collect());
            }
            rings
        }),
        (star(), any_ring(3..6, 20))
            .prop_map(|(shell, hole)| { vec![shell, hole.iter().map(|(x, y)| (x + 40.0, y + 40.0)).collect()] }),
    ]
}

fn cleaned(rings: &[Ring]) -> Geometry<f64> {
    let mut shape = polygon(rings);
    check::clean(&mut shape);
    shape
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// On the grid, where touching is exact.
    #[test]
    fn what_the_check_accepts_is_valid_by_other_rules_too(rings in any_rings()) {
        let shape = cleaned(&rings);
        let is_valid = shape.is_valid();
        match check::check(&shape) {
            Verdict::Valid => prop_assert!(is_valid, "{:?}", shape.validation_errors()),
            // The other rules don't know these.
            Verdict::Invalid { defect: Defect::Spike | Defect::RingSelfTouch | Defect::DisconnectedInterior, .. } => {}
            verdict => prop_assert!(!is_valid, "{verdict:?}"),
        }
    }

    /// What is clear stays valid whatever the last digits become, so that two programs can't differ about it.
    #[test]
    fn a_clear_shape_is_valid_however_it_is_rounded(
        rings in any_rings(),
        (scale, squeeze) in (prop::sample::select(vec![1.0, 1e-5, 1e-8, 3e-9]), prop::sample::select(vec![1.0, 1e-9])),
        nudges in prop::collection::vec((-0.3_f64..0.3, -0.3_f64..0.3), 64),
    ) {
        let rings: Vec<Ring> = rings
            .iter()
            .map(|ring| {
                let mut ring: Ring = ring.iter().map(|(x, y)| (x * scale, y * scale * squeeze)).collect();
                ring.dedup();
                ring
            })
            .collect();
        let (verdict, is_clear) = check::check_and_measure(&cleaned(&rings));
        prop_assert_eq!(verdict, check::check(&cleaned(&rings)));
        if is_clear {
            prop_assert_eq!(verdict, Verdict::Valid);
            let nudged: Vec<Ring> = rings
                .iter()
                .map(|ring| {
                    // The last point is the first one.
                    let nudge = |index: usize| nudges[index % (ring.len() - 1) % nudges.len()];
                    ring.iter()
                        .enumerate()
                        .map(|(index, (x, y))| {
                            let (dx, dy) = nudge(index);
                            (x + dx * check::CLEARANCE, y + dy * check::CLEARANCE)
                        })
                        .collect()
                })
                .collect();
            prop_assert_eq!(check::check(&polygon(&nudged)), Verdict::Valid);
        }
    }
}

#[test]
fn what_touches_or_nearly_does_is_not_clear() {
    let hair = 4e-10;
    let clear = |rings: &[Ring]| {
        let (verdict, is_clear) = check::check_and_measure(&polygon(rings));
        assert_eq!(verdict, Verdict::Valid, "{rings:?}");
        is_clear
    };
    assert!(clear(&[square(0.0, 0.0, 10.0)]));
    assert!(clear(&[square(0.0, 0.0, 10.0), square(1.0, 1.0, 2.0)]));
    // A hole that touches its shell, and one that nearly does.
    assert!(!clear(&[
        square(0.0, 0.0, 10.0),
        vec![(0.0, 5.0), (2.0, 6.0), (2.0, 4.0), (0.0, 5.0)]
    ]));
    assert!(!clear(&[square(0.0, 0.0, 10.0), square(hair, 1.0, 2.0)]));
    // A needle, a turn right back, and an edge of next to no length.
    assert!(!clear(&[vec![
        (0.0, 0.0),
        (10.0, 0.0),
        (10.0, hair),
        (0.0, 5.0),
        (0.0, 0.0)
    ]]));
    assert!(!clear(&[vec![
        (0.0, 0.0),
        (10.0, 0.0),
        (5.0, hair),
        (0.0, 5.0),
        (0.0, 0.0)
    ]]));
    // Two arms of a U that nearly meet.
    assert!(!clear(&[vec![
        (0.0, 0.0),
        (10.0, 0.0),
        (10.0, 5.0),
        (5.0 + hair, 5.0),
        (5.0 + hair, 1.0),
        (5.0, 1.0),
        (5.0, 5.0),
        (0.0, 5.0),
        (0.0, 0.0)
    ]]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_accepted_is_valid_and_has_the_stated_area(rings in any_rings()) {
        let outcome = import_rings(&rings, parcels());
        for candidate in &outcome.accepted {
            let shape = candidate.geometry.as_ref().unwrap();
            prop_assert!(shape.is_valid(), "{:?}", shape.validation_errors());
            let stated = candidate.area_m2.unwrap();
            match &candidate.repaired {
                None => {
                    let plane = polygon(&rings).unsigned_area();
                    prop_assert!((stated - plane).abs() < 1e-4, "{stated} {plane}");
                }
                Some(repair) => {
                    let change = (repair.area_after_m2 - repair.area_before_m2).abs();
                    prop_assert!(change <= MendTolerance::default().allowed_m2(repair.area_before_m2));
                    prop_assert_eq!(stated, repair.area_after_m2);
                    prop_assert!(check::check(&repair.original) != Verdict::Valid);
                }
            }
        }
    }

    #[test]
    fn mending_gives_something_valid_or_nothing(rings in any_rings()) {
        // In degrees, about the size of parcels.
        let small: Vec<Ring> = rings
            .iter()
            .map(|ring| ring.iter().map(|(x, y)| (119.9 + x * 1e-5, 31.7 + y * 1e-5)).collect())
            .collect();
        if let Some(mended) = check::mend(&cleaned(&small)) {
            prop_assert_eq!(check::check(&mended), Verdict::Valid);
            prop_assert!(mended.is_valid(), "{:?}", mended.validation_errors());
        }
    }
}

#[test]
fn a_polygon_without_rings_is_no_trouble() {
    let mut empty = Geometry::Polygon(Polygon::new(line(&[]), vec![]));
    assert_eq!(check::clean(&mut empty), 0);
    assert!(matches!(
        check::check(&empty),
        Verdict::Invalid {
            defect: Defect::TooFewPoints,
            ..
        }
    ));
    assert_eq!(check::mend(&empty), None);
}
