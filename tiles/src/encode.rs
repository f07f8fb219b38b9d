//! Writing MVT 2.1: the only file that knows the format.
//!
//! The writer takes corners that are already snapped and values that are already interned, so it
//! is little more than varints. A general encoder has to hash every value of every feature to find
//! repetitions we know beforehand; the bench prints what that costs.

use crate::{
    clip::Point,
    grid::EXTENT,
    shape::{push_varint, zigzag},
};

/// Kind of geometry, as numbered by the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GeometryType {
    Point = 1,
    Polygon = 3,
}

/// Protobuf wire types.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const BYTES: u64 = 2;

const MOVE_TO: u64 = 1;
const LINE_TO: u64 = 2;
const CLOSE_PATH: u64 = 7;

/// Index of a value in the layer being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ValueIndex(u32);

/// One MVT layer being written.
#[derive(Debug, Default)]
pub(crate) struct LayerWriter {
    features: Vec<u8>,
    values: Vec<u8>,
    value_count: u32,
    // The feature being written.
    geometry: Vec<u8>,
    tags: Vec<u8>,
    cursor: Point,
}

fn push_key(bytes: &mut Vec<u8>, field: u64, wire: u64) {
    push_varint(bytes, field << 3 | wire);
}

fn push_bytes(bytes: &mut Vec<u8>, field: u64, content: &[u8]) {
    push_key(bytes, field, BYTES);
    push_varint(bytes, content.len() as u64);
    bytes.extend_from_slice(content);
}

fn varint_length(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

impl LayerWriter {
    fn next_value(&mut self) -> ValueIndex {
        let index = ValueIndex(self.value_count);
        self.value_count += 1;
        index
    }

    /// Adds a string value.
    pub fn string(&mut self, text: &str) -> ValueIndex {
        let content = text.len() as u64;
        push_key(&mut self.values, 4, BYTES);
        push_varint(&mut self.values, content + 1 + varint_length(content) as u64);
        push_bytes(&mut self.values, 1, text.as_bytes());
        self.next_value()
    }

    /// Adds a number.
    pub fn number(&mut self, number: f64) -> ValueIndex {
        push_key(&mut self.values, 4, BYTES);
        push_varint(&mut self.values, 9);
        push_key(&mut self.values, 3, FIXED64);
        self.values.extend_from_slice(&number.to_le_bytes());
        self.next_value()
    }

    /// Adds a count.
    pub fn count(&mut self, count: u64) -> ValueIndex {
        push_key(&mut self.values, 4, BYTES);
        push_varint(&mut self.values, 1 + varint_length(count) as u64);
        push_key(&mut self.values, 5, VARINT);
        push_varint(&mut self.values, count);
        self.next_value()
    }

    /// Adds yes or no.
    pub fn truth(&mut self, truth: bool) -> ValueIndex {
        push_key(&mut self.values, 4, BYTES);
        push_varint(&mut self.values, 2);
        push_key(&mut self.values, 7, VARINT);
        push_varint(&mut self.values, u64::from(truth));
        self.next_value()
    }

    /// Adds a UUID as its usual 36 characters.
    pub fn uuid(&mut self, uuid: &[u8; 16]) -> ValueIndex {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [b'-'; 36];
        let mut position = 0;
        for (index, byte) in uuid.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                position += 1;
            }
            text[position] = DIGITS[usize::from(byte >> 4)];
            text[position + 1] = DIGITS[usize::from(byte & 15)];
            position += 2;
        }
        // Value message of 38 bytes, holding a string of 36.
        self.values.extend_from_slice(&[4 << 3 | 2, 38, 1 << 3 | 2, 36]);
        self.values.extend_from_slice(&text);
        self.next_value()
    }

    /// Gives the current feature an attribute; `key` is the index into the keys of [`Self::finish`].
    pub fn tag(&mut self, key: u32, value: ValueIndex) {
        push_varint(&mut self.tags, u64::from(key));
        push_varint(&mut self.tags, u64::from(value.0));
    }

    /// Adds points to the current feature.
    pub fn points(&mut self, points: &[Point]) {
        push_varint(&mut self.geometry, (points.len() as u64) << 3 | MOVE_TO);
        for &point in points {
            self.step(point);
        }
    }

    /// Adds an open ring of at least three corners to the current feature.
    pub fn ring(&mut self, corners: &[Point]) {
        let Some((&first, rest)) = corners.split_first() else {
            return;
        };
        push_varint(&mut self.geometry, 1 << 3 | MOVE_TO);
        self.step(first);
        push_varint(&mut self.geometry, (rest.len() as u64) << 3 | LINE_TO);
        for &corner in rest {
            self.step(corner);
        }
        push_varint(&mut self.geometry, 1 << 3 | CLOSE_PATH);
    }

    fn step(&mut self, to: Point) {
        push_varint(&mut self.geometry, zigzag(to[0] - self.cursor[0]));
        push_varint(&mut self.geometry, zigzag(to[1] - self.cursor[1]));
        self.cursor = to;
    }

    /// Whether the current feature has any geometry.
    pub fn has_geometry(&self) -> bool {
        !self.geometry.is_empty()
    }

    /// Writes the current feature and begins the next one.
    pub fn end_feature(&mut self, id: u64, kind: GeometryType) {
        let (tags, geometry) = (self.tags.len() as u64, self.geometry.len() as u64);
        let length = 1
            + varint_length(id) as u64
            + (1 + varint_length(tags) as u64 + tags)
            + 2
            + (1 + varint_length(geometry) as u64 + geometry);
        let out = &mut self.features;
        push_key(out, 2, BYTES);
        push_varint(out, length);
        push_key(out, 1, VARINT);
        push_varint(out, id);
        push_bytes(out, 2, &self.tags);
        push_key(out, 3, VARINT);
        push_varint(out, kind as u64);
        push_bytes(out, 4, &self.geometry);
        self.tags.clear();
        self.geometry.clear();
        self.cursor = [0, 0];
    }

    /// Appends the layer to a tile, if it holds any feature, and becomes empty again.
    pub fn finish<'k>(&mut self, name: &str, keys: impl IntoIterator<Item = &'k str>, tile: &mut Vec<u8>) {
        if !self.features.is_empty() {
            let mut head = Vec::with_capacity(64 + name.len());
            push_key(&mut head, 15, VARINT);
            push_varint(&mut head, 2);
            push_bytes(&mut head, 1, name.as_bytes());
            let mut tail = Vec::with_capacity(256);
            for key in keys {
                push_bytes(&mut tail, 3, key.as_bytes());
            }
            let mut extent = Vec::with_capacity(4);
            push_key(&mut extent, 5, VARINT);
            push_varint(&mut extent, EXTENT as u64);
            let parts = [&head, &self.features, &tail, &self.values, &extent];
            let length: usize = parts.iter().map(|part| part.len()).sum();
            tile.reserve(length + 8);
            push_key(tile, 3, BYTES);
            push_varint(tile, length as u64);
            for part in parts {
                tile.extend_from_slice(part);
            }
        }
        self.features.clear();
        self.values.clear();
        self.value_count = 0;
    }
}
