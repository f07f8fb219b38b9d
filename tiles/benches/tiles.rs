//! `cargo bench -p tiles`: a layer of a million parcels, loaded, drawn and edited.
//!
//! With `YICE_TEST_DATA` naming the folder of larger test data the parcels are translated copies of
//! those of Cambridge, else synthetic. `YICE_BENCH_FEATURES` sets how many (default 1,000,000).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench prints, and stops when its fixture is broken"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::{
    collections::BTreeSet,
    hint::black_box,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use fast_mvt::{MvtGeomType, MvtLayerBuilder, MvtReaderRef};
use geo::{BoundingRect, Translate};
use geo_types::Geometry;
use support::{cambridge_parcels, feature, hash, synthetic_parcels};
use tiles::{Change, Dictionary, FeatureId, LayerBuilder, LayerName, ScopeFilter, Shape, TileId, TileSet};

fn main() {
    let wanted: u64 = std::env::var("YICE_BENCH_FEATURES")
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let (shapes, source) = prepared(wanted);
    let vertices: usize = shapes
        .iter()
        .map(|bytes| Shape::from_bytes(bytes).unwrap().vertex_count())
        .sum();
    let stored: usize = shapes.iter().map(Vec::len).sum();
    println!(
        "{} {source} parcels, {:.1} vertices and {:.1} stored bytes each",
        shapes.len(),
        vertices as f64 / shapes.len() as f64,
        stored as f64 / shapes.len() as f64
    );

    let dictionary = Dictionary::new();
    let before = resident_bytes();
    let start = Instant::now();
    let mut builder = LayerBuilder::new(LayerName::Parcels, dictionary.clone());
    builder.reserve(shapes.len());
    let (mut unpacking, mut pushing) = (Duration::ZERO, Duration::ZERO);
    let mut centres = Vec::with_capacity(shapes.len());
    for (bytes, number) in shapes.iter().zip(1..) {
        let start = Instant::now();
        let shape = Shape::from_bytes(bytes).unwrap();
        unpacking += start.elapsed();
        let [west, south, east, north] = shape.bounds();
        centres.push((west.midpoint(east), south.midpoint(north)));
        let feature = feature(&dictionary, number, shape);
        let start = Instant::now();
        builder.push(&feature);
        drop(feature);
        pushing += start.elapsed();
    }
    let made = start.elapsed();
    let start = Instant::now();
    let layer = Arc::new(builder.finish(1));
    let finish = start.elapsed();
    println!(
        "load: from_bytes {unpacking:.0?}, push {pushing:.0?}, finish {finish:.0?}, together {:.0?} (with making up attributes {:.0?})",
        unpacking + pushing + finish,
        made + finish
    );
    let resident = resident_bytes().saturating_sub(before + centres.capacity() * 16);
    println!(
        "memory: {} B a feature by its own account, {} B resident",
        layer.memory_bytes() / layer.len(),
        resident / layer.len()
    );

    // A cache that keeps nothing: every answer is encoded and compressed anew.
    let set = TileSet::new([layer.clone()], 0);
    for (z, most) in [
        (0, 1),
        (6, 20),
        (10, 20),
        (12, 100),
        (13, 200),
        (14, 400),
        (16, 400),
        (18, 400),
    ] {
        let all: BTreeSet<TileId> = centres
            .iter()
            .map(|&(longitude, latitude)| TileId::containing(z, longitude, latitude).unwrap())
            .collect();
        let mut chosen: Vec<TileId> = all.into_iter().collect();
        chosen.sort_by_key(|tile| hash(u64::from(tile.x()), u64::from(tile.y())));
        chosen.truncate(most);
        let (mut whole, mut encode, mut raw, mut packed) = (vec![], vec![], 0, 0);
        for _ in 0..5 {
            for &tile in &chosen {
                let start = Instant::now();
                let answer = black_box(set.tile(&[LayerName::Parcels], tile, &ScopeFilter::All));
                whole.push(start.elapsed());
                packed += answer.body.len();
                let start = Instant::now();
                let bytes = black_box(layer.encode(tile, &ScopeFilter::All));
                encode.push(start.elapsed());
                raw += bytes.len();
            }
        }
        println!(
            "z{z:<2} {:>3} tiles: uncached with gzip {} | encode alone {} | {} B raw, {} B gzip",
            chosen.len(),
            spread(&mut whole),
            spread(&mut encode),
            raw / chosen.len() / 5,
            packed / chosen.len() / 5
        );
        if z == 14 {
            compare_with_general_encoder(&layer, &chosen);
            let warm = TileSet::new([layer.clone()], 1 << 30);
            let mut times = vec![];
            for _ in 0..20 {
                for &tile in &chosen {
                    let start = Instant::now();
                    black_box(warm.tile(&[LayerName::Parcels], tile, &ScopeFilter::All));
                    times.push(start.elapsed());
                }
            }
            times.drain(..chosen.len());
            println!("    cached: {}", spread(&mut times));
        }
    }

    let moved = |number: u64| {
        let index = (number % shapes.len() as u64) as usize;
        let shape = Shape::from_bytes(&shapes[index]).unwrap();
        Change::Put(feature(&dictionary, index as u64 + 1, shape))
    };
    let mut times = vec![];
    for k in 0..4_000 {
        let changes = vec![moved(hash(k, 11))];
        let start = Instant::now();
        layer.apply(changes, 2 + k);
        times.push(start.elapsed());
    }
    println!("apply of one change: {}", spread(&mut times));
    let many: Vec<Change> = (0..100_000).map(|k| moved(hash(k, 12))).collect();
    let busy = AtomicBool::new(true);
    let tile = TileId::containing(14, centres[0].0, centres[0].1).unwrap();
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            let mut waits = vec![];
            while busy.load(Ordering::Acquire) {
                let start = Instant::now();
                black_box(layer.encode(tile, &ScopeFilter::All));
                waits.push(start.elapsed());
            }
            spread(&mut waits)
        });
        let start = Instant::now();
        layer.apply(many, 10_000);
        println!("apply of 100,000 changes at once: {:.0?}", start.elapsed());
        busy.store(false, Ordering::Release);
        println!("    encoding a z14 tile meanwhile: {}", reader.join().unwrap());
    });
    let again: Vec<Change> = (0..200_000).map(|k| moved(hash(k, 13))).collect();
    let start = Instant::now();
    layer.apply(again, 10_001);
    println!("apply of 200,000 changes with packing: {:.0?}", start.elapsed());
    layer.apply(vec![Change::Remove(FeatureId(1))], 10_002);
    println!(
        "memory after edits: {} B a feature by its own account",
        layer.memory_bytes() / layer.len()
    );
}

/// What a general encoder takes for the same tiles, given them decoded: the price of hashing every
/// value, and the reason for a writer of our own.
fn compare_with_general_encoder(layer: &tiles::Layer, chosen: &[TileId]) {
    let mut times = vec![];
    for &tile in chosen {
        let bytes = layer.encode(tile, &ScopeFilter::All);
        let reader = MvtReaderRef::new(&bytes).unwrap();
        for decoded in reader.layers() {
            let features: Vec<_> = decoded
                .features()
                .map(|feature| {
                    let rings: Vec<Vec<_>> = match feature.geometry().unwrap() {
                        Geometry::Polygon(polygon) => vec![polygon],
                        Geometry::MultiPolygon(polygons) => polygons.0,
                        _ => vec![],
                    }
                    .into_iter()
                    .flat_map(|polygon| {
                        let (exterior, interiors) = polygon.into_inner();
                        std::iter::once(exterior).chain(interiors)
                    })
                    .map(|ring| ring.0)
                    .collect();
                    (feature.id(), rings, feature.properties_vec().unwrap())
                })
                .collect();
            let start = Instant::now();
            let mut writer = MvtLayerBuilder::new("parcels").unwrap();
            for (id, rings, properties) in &features {
                let mut feature = writer.feature_of(MvtGeomType::Polygon);
                feature.id(*id);
                for (index, ring) in rings.iter().enumerate() {
                    feature.ring(ring.iter().copied(), index == 0).unwrap();
                }
                for (key, value) in properties {
                    feature.tag_ref(key, *value).unwrap();
                }
                writer = feature.end();
            }
            black_box(writer.encode());
            times.push(start.elapsed());
        }
    }
    println!(
        "    fast-mvt, writing alone, from ready corners: {}",
        spread(&mut times)
    );
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    format!("median {:.1?} p99 {:.1?} max {:.1?}", at(0.5), at(0.99), at(1.0))
}

fn resident_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = text.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

/// Prepared shapes as a registry would store them.
fn prepared(wanted: u64) -> (Vec<Vec<u8>>, &'static str) {
    let start = Instant::now();
    let (geometries, source): (Vec<Geometry<f64>>, _) = match cambridge_parcels() {
        Some(city) => (copies(&city, wanted), "Cambridge"),
        None => {
            let side = (wanted as f64).sqrt().ceil() as u64;
            let parcels = synthetic_parcels(side, side, 119.0, 31.0);
            (parcels.take(wanted as usize).map(Into::into).collect(), "synthetic")
        }
    };
    println!("geometries made in {:.1?}", start.elapsed());
    let start = Instant::now();
    let half = geometries.len() / 2;
    let prepare = |part: &[Geometry<f64>]| -> Vec<Vec<u8>> {
        part.iter()
            .filter_map(|geometry| Shape::prepare(geometry).ok())
            .map(|shape| shape.to_bytes())
            .collect()
    };
    let mut shapes = std::thread::scope(|threads| {
        let second = threads.spawn(|| prepare(&geometries[half..]));
        let mut first = prepare(&geometries[..half]);
        first.extend(second.join().unwrap());
        first
    });
    shapes.shrink_to_fit();
    println!("prepared on two threads in {:.1?}", start.elapsed());
    (shapes, source)
}

/// Copies of a city side by side.
fn copies(city: &[(String, Geometry<f64>)], wanted: u64) -> Vec<Geometry<f64>> {
    let all: geo_types::GeometryCollection<f64> = city.iter().map(|(_, geometry)| geometry.clone()).collect();
    let bounds = all.bounding_rect().unwrap();
    let per_side = (wanted as f64 / city.len() as f64).sqrt().ceil() as u64;
    (0..)
        .flat_map(|copy| {
            let (column, row) = (copy % per_side, copy / per_side);
            let (dx, dy) = (column as f64 * bounds.width(), -(row as f64) * bounds.height());
            city.iter().map(move |(_, geometry)| geometry.translate(dx, dy))
        })
        .take(wanted as usize)
        .collect()
}
