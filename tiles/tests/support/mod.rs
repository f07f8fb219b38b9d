//! Data and decoding shared by the tests and the bench.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test uses its part of this, and a broken fixture should stop it"
)]

use std::{collections::BTreeMap, path::PathBuf};

use fast_mvt::{MvtReaderRef, MvtValueRef};
use geo_types::{Coord, Geometry, LineString, MultiPolygon, Polygon};
use tiles::{Attributes, Dictionary, Feature, FeatureId, Layer, LayerName, ScopeFilter, ScopeId, Shape, TileId, Word};

pub const STATUSES: [&str; 5] = ["unified", "other_handed", "other_not_handed", "none_handed", ""];
pub const USAGES: [&str; 4] = ["administrative_office", "public_service", "commercial", "idle_land"];
pub const OCCUPANCIES: [&str; 3] = ["in_use", "idle", "let"];

/// A number that depends on its arguments only.
pub fn hash(a: u64, b: u64) -> u64 {
    let mut x = a
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(b.wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add(0x2545_F491_4F6C_DD1D);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The hash as a fraction between −1 and 1.
pub fn wobble(a: u64, b: u64) -> f64 {
    (hash(a, b) % 2_000_001) as f64 / 1_000_000.0 - 1.0
}

/// Parcels of `columns` × `rows` cells that share their crooked borders exactly, as (lon, lat)
/// polygons of 8 to 16 corners, about 40 m wide.
pub fn synthetic_parcels(columns: u64, rows: u64, west: f64, south: f64) -> impl Iterator<Item = Polygon<f64>> {
    const STEP: f64 = 0.0004;
    let corner = move |i: u64, j: u64| Coord {
        x: west + (i as f64 + 0.3 * wobble(i, j)) * STEP,
        y: south + (j as f64 + 0.3 * wobble(j + 7, i)) * STEP,
    };
    // Extra corners of the border that begins at a lattice corner and runs along an axis.
    let border = move |i: u64, j: u64, axis: u64| {
        let (a, b) = (
            corner(i, j),
            if axis == 0 { corner(i + 1, j) } else { corner(i, j + 1) },
        );
        let count = 1 + hash(i * 2 + axis, j) % 3;
        (1..=count)
            .map(|k| {
                let t = k as f64 / (count + 1) as f64;
                let off = 0.04 * STEP * wobble(i * 31 + k, j * 17 + axis);
                Coord {
                    x: a.x + t * (b.x - a.x) + off,
                    y: a.y + t * (b.y - a.y) - off,
                }
            })
            .collect::<Vec<_>>()
    };
    (0..rows).flat_map(move |j| {
        (0..columns).map(move |i| {
            let mut ring = vec![corner(i, j)];
            ring.extend(border(i, j, 0));
            ring.push(corner(i + 1, j));
            ring.extend(border(i + 1, j, 1));
            ring.push(corner(i + 1, j + 1));
            ring.extend(border(i, j + 1, 0).into_iter().rev());
            ring.push(corner(i, j + 1));
            ring.extend(border(i, j, 1).into_iter().rev());
            Polygon::new(LineString(ring), vec![])
        })
    })
}

/// The real parcels of one city, where the environment names the folder of larger test data.
pub fn cambridge_parcels() -> Option<Vec<(String, Geometry<f64>)>> {
    let folder = PathBuf::from(std::env::var_os("YICE_TEST_DATA")?).join("cambridge-parcels");
    let packed = std::fs::read(folder.join("parcels_fy2014.topojson.gz")).ok()?;
    // The last four bytes of a gzip file are its unpacked size.
    let size = u32::from_le_bytes(packed[packed.len() - 4..].try_into().unwrap());
    let mut text = vec![0; size as usize];
    libdeflater::Decompressor::new()
        .gzip_decompress(&packed, &mut text)
        .unwrap();
    let topology: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let pair = |value: &serde_json::Value| (value[0].as_f64().unwrap(), value[1].as_f64().unwrap());
    let (scale_x, scale_y) = pair(&topology["transform"]["scale"]);
    let (from_x, from_y) = pair(&topology["transform"]["translate"]);
    let arcs: Vec<Vec<Coord<f64>>> = topology["arcs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arc| {
            let (mut x, mut y) = (0.0, 0.0);
            let steps = arc.as_array().unwrap().iter().map(pair);
            steps
                .map(|(dx, dy)| {
                    x += dx;
                    y += dy;
                    Coord {
                        x: x * scale_x + from_x,
                        y: y * scale_y + from_y,
                    }
                })
                .collect()
        })
        .collect();
    let ring = |indices: &serde_json::Value| {
        let mut coordinates: Vec<Coord<f64>> = Vec::new();
        for index in indices.as_array().unwrap() {
            let index = index.as_i64().unwrap();
            let mut arc = arcs[usize::try_from(if index < 0 { !index } else { index }).unwrap()].clone();
            if index < 0 {
                arc.reverse();
            }
            coordinates.pop();
            coordinates.extend(arc);
        }
        LineString(coordinates)
    };
    let polygon = |rings: &serde_json::Value| {
        let mut rings = rings.as_array().unwrap().iter().map(ring);
        Polygon::new(rings.next().unwrap(), rings.collect())
    };
    let objects = topology["objects"].as_object().unwrap();
    let geometries = objects.values().next().unwrap()["geometries"].as_array().unwrap();
    let parcels = geometries.iter().filter_map(|geometry| {
        let shape = match geometry["type"].as_str()? {
            "Polygon" => polygon(&geometry["arcs"]).into(),
            "MultiPolygon" => {
                let polygons = geometry["arcs"].as_array().unwrap().iter().map(polygon);
                MultiPolygon(polygons.collect()).into()
            }
            _ => return None,
        };
        let code = geometry["properties"]["ML"].as_str().unwrap_or_default();
        Some((code.to_owned(), shape))
    });
    Some(parcels.collect())
}

/// A feature with attributes made up from its number, as a registry would fill them.
pub fn feature(dictionary: &Dictionary, number: u64, shape: Shape) -> Feature {
    let pick = |words: &[&str], salt: u64| dictionary.intern(words[(hash(number, salt) % words.len() as u64) as usize]);
    let region = format!("{:06}", 320_400 + hash(number, 5) % 7);
    let mut uuid = [0; 16];
    // Version 7: a time shared by the import, then randomness.
    uuid[..8].copy_from_slice(&(0x0193_4F5A_0000_7000 + (number >> 12)).to_be_bytes());
    uuid[8..].copy_from_slice(&hash(number, 9).to_be_bytes());
    Feature {
        id: FeatureId(number),
        uuid,
        shape,
        area_m2: (hash(number, 4) % 50_000_000) as f64 / 10_000.0,
        scope: ScopeId((hash(number, 5) % 7) as u32 + 1),
        attributes: Attributes {
            code: Some(format!("{}-{}", number % 271, number).into()),
            name: None,
            title_status: pick(&STATUSES, 1),
            usage: pick(&USAGES, 2),
            occupancy: pick(&OCCUPANCIES, 3),
            idle: Some(hash(number, 3) % 3 == 1),
            unit: dictionary.intern(&format!("U{:04}", hash(number, 6) % 500)),
            region: dictionary.intern(&region),
            case_stage: Word::NONE,
            case_phase: Word::NONE,
        },
    }
}

/// Features of synthetic parcels around a place in Jiangsu, numbered from 1.
pub fn synthetic_features(dictionary: &Dictionary, columns: u64, rows: u64) -> Vec<Feature> {
    synthetic_parcels(columns, rows, 119.95, 31.78)
        .zip(1..)
        .map(|(polygon, number)| feature(dictionary, number, Shape::prepare(&polygon.into()).unwrap()))
        .collect()
}

/// A feature as the third-party decoder sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    pub layer: String,
    pub id: u64,
    pub geometry: Geometry<i32>,
    pub properties: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Text(String),
    Number(f64),
    Truth(bool),
}

impl Decoded {
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.properties.get(key)? {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn number(&self, key: &str) -> f64 {
        match self.properties.get(key) {
            Some(Value::Number(number)) => *number,
            _ => 0.0,
        }
    }

    pub fn polygons(&self) -> Vec<Polygon<i32>> {
        match &self.geometry {
            Geometry::Polygon(polygon) => vec![polygon.clone()],
            Geometry::MultiPolygon(polygons) => polygons.0.clone(),
            _ => vec![],
        }
    }
}

/// Decodes a raw tile with the third-party decoder; panics if it finds fault.
pub fn decode(bytes: &[u8]) -> Vec<Decoded> {
    let tile = MvtReaderRef::new(bytes).expect("a tile");
    let mut found = Vec::new();
    for layer in tile.layers() {
        assert_eq!(layer.extent(), 4096);
        assert_eq!(layer.version(), 2);
        assert!(!layer.is_empty(), "a layer without features must be left out");
        for feature in layer.features() {
            let properties = feature.properties_vec().expect("properties").into_iter();
            let properties = properties.map(|(key, value)| {
                let value = match value {
                    MvtValueRef::String(text) => Value::Text(text.to_owned()),
                    MvtValueRef::Double(number) => Value::Number(number),
                    MvtValueRef::UInt(number) => Value::Number(number as f64),
                    MvtValueRef::Bool(truth) => Value::Truth(truth),
                    other => panic!("unexpected value {other:?}"),
                };
                (key.to_owned(), value)
            });
            found.push(Decoded {
                layer: layer.name().to_owned(),
                id: feature.id().expect("an id"),
                geometry: feature.geometry().expect("geometry"),
                properties: properties.collect(),
            });
        }
    }
    found
}

/// Twice the signed area of a closed ring in tile coordinates; positive for outer rings.
pub fn doubled_area(ring: &LineString<i32>) -> i64 {
    ring.lines()
        .map(|line| i64::from(line.start.x) * i64::from(line.end.y) - i64::from(line.end.x) * i64::from(line.start.y))
        .sum()
}

/// What holds for every polygon of every tile.
pub fn assert_well_formed(feature: &Decoded) {
    for polygon in feature.polygons() {
        assert!(doubled_area(polygon.exterior()) > 0, "outer ring: {feature:?}");
        for hole in polygon.interiors() {
            assert!(doubled_area(hole) < 0, "hole: {feature:?}");
        }
        for ring in std::iter::once(polygon.exterior()).chain(polygon.interiors()) {
            assert!(ring.0.len() >= 4, "{feature:?}");
            for pair in ring.0.windows(2) {
                assert_ne!(pair[0], pair[1], "repeated corner: {feature:?}");
            }
            for corner in &ring.0 {
                assert!((-64..=4160).contains(&corner.x), "{feature:?}");
                assert!((-64..=4160).contains(&corner.y), "{feature:?}");
            }
        }
    }
}

/// Every tile of a zoom that the layer's box touches.
pub fn tiles_of(layer: &Layer, z: u8) -> Vec<TileId> {
    let [west, south, east, north] = layer.bounds(&ScopeFilter::All).unwrap();
    let low = TileId::containing(z, west, north).unwrap();
    let high = TileId::containing(z, east, south).unwrap();
    let mut tiles = Vec::new();
    for y in low.y()..=high.y() {
        for x in low.x()..=high.x() {
            tiles.push(TileId::new(z, x, y).unwrap());
        }
    }
    tiles
}

/// Layer of the given features with its own dictionary.
pub fn parcels(dictionary: Dictionary, features: Vec<Feature>) -> Layer {
    Layer::load(LayerName::Parcels, dictionary, features, 1)
}

/// Decoded tile of a layer, everything visible.
pub fn all(layer: &Layer, tile: TileId) -> Vec<Decoded> {
    decode(&layer.encode(tile, &ScopeFilter::All))
}
