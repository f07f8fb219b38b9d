//! What GeoJSON documents and sequences share: a window over the file that finds where a value
//! ends, and the reading of one feature from its bytes.
//!
//! A document is not deserialised as a whole: the ends of its features are found by counting
//! brackets, and every feature is read by itself. So memory is bounded by one feature, a feature
//! that is wrong in itself spoils no other, and the coordinates, most of the bytes, go straight
//! into vertices. Attributes are read by `serde_json`.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8};
use geo_types::{
    Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon,
};
use serde_json::{Map, Value};

use crate::source::{SourceBroken, SourceRow, Unreadable};

/// Bytes read from the file at once.
const CHUNK: usize = 1 << 20;

/// A moving window over a text file, decoded to UTF-8.
pub(crate) struct Window {
    file: File,
    /// Bytes of the file still to be taken; what is appended after opening isn't read.
    remaining: u64,
    decoder: Option<Decoder>,
    raw: Vec<u8>,
    buffer: Vec<u8>,
    /// Position in the buffer of the next byte.
    at: usize,
    /// Offset in the decoded text of the buffer's first byte.
    offset: u64,
    read: Arc<AtomicU64>,
}

/// What [`Window::value`] found.
pub(crate) enum Found {
    /// The value lies in this part of [`Window::bytes`].
    Whole(Range<usize>),
    /// The value is longer than the limit and was skipped.
    TooLong,
}

/// Why a value wasn't found.
pub(crate) enum WindowError {
    /// The text ends in the middle of it.
    EndsEarly,
    Io(std::io::Error),
}

impl From<std::io::Error> for WindowError {
    fn from(error: std::io::Error) -> WindowError {
        WindowError::Io(error)
    }
}

impl Window {
    pub fn new(file: File, length: u64, encoding: &'static Encoding, read: Arc<AtomicU64>) -> Window {
        read.store(0, Ordering::Relaxed);
        Window {
            file,
            remaining: length,
            decoder: (encoding != UTF_8).then(|| encoding.new_decoder()),
            raw: Vec::new(),
            buffer: Vec::with_capacity(2 * CHUNK),
            at: 0,
            offset: 0,
            read,
        }
    }

    /// Offset in the text of the next byte.
    pub fn position(&self) -> u64 {
        self.offset + self.at as u64
    }

    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or(&[])
    }

    /// Drops what is before `keep` (positions in the buffer move by as much) and reads more behind
    /// what is there. False when there is no more.
    fn fill(&mut self, keep: usize) -> std::io::Result<bool> {
        if keep > 0 {
            self.buffer.drain(..keep);
            self.at -= keep;
            self.offset += keep as u64;
        }
        let wanted = CHUNK.min(usize::try_from(self.remaining).unwrap_or(CHUNK));
        let before = self.buffer.len();
        let got = match &mut self.decoder {
            None => {
                let got = (&mut self.file).take(wanted as u64).read_to_end(&mut self.buffer)?;
                self.remaining -= got as u64;
                got
            }
            Some(decoder) => {
                self.raw.clear();
                let got = (&mut self.file).take(wanted as u64).read_to_end(&mut self.raw)?;
                self.remaining -= got as u64;
                let is_last = got == 0;
                let mut text = String::with_capacity(
                    decoder
                        .max_utf8_buffer_length(self.raw.len())
                        .unwrap_or(self.raw.len() * 3 + 16),
                );
                let (result, _, _) = decoder.decode_to_string(&self.raw, &mut text, is_last);
                debug_assert!(result == CoderResult::InputEmpty, "the buffer has room for all");
                if is_last {
                    self.decoder = None;
                }
                self.buffer.extend_from_slice(text.as_bytes());
                got
            }
        };
        self.read.fetch_add(got as u64, Ordering::Relaxed);
        Ok(got > 0 || self.buffer.len() > before)
    }

    /// The next byte, without taking it.
    pub fn peek(&mut self) -> std::io::Result<Option<u8>> {
        loop {
            if let Some(byte) = self.buffer.get(self.at) {
                return Ok(Some(*byte));
            }
            if !self.fill(self.at)? {
                return Ok(None);
            }
        }
    }

    /// What is in the buffer from the next byte on.
    pub fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..).unwrap_or(&[])
    }

    /// Takes so many bytes of [`Window::rest`].
    pub fn take_many(&mut self, count: usize) {
        self.at = (self.at + count).min(self.buffer.len());
    }

    /// Takes the byte that [`Window::peek`] showed.
    pub fn take(&mut self) {
        self.at = (self.at + 1).min(self.buffer.len());
    }

    /// The next byte that isn't white space, without taking it.
    pub fn peek_past_space(&mut self) -> std::io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.take(),
                other => return Ok(other),
            }
        }
    }

    /// Skips a UTF-8 byte-order mark.
    pub fn skip_mark(&mut self) -> std::io::Result<()> {
        if self.peek()? == Some(0xEF) {
            while self.buffer.len() < 3 && self.fill(0)? {}
            if self.buffer.starts_with(b"\xEF\xBB\xBF") {
                self.at = 3;
            }
        }
        Ok(())
    }

    /// Takes the value that starts at the next byte. Its inside isn't looked at, but for strings
    /// and the depth of brackets.
    pub fn value(&mut self, limit: usize) -> Result<Found, WindowError> {
        let mut scan = Scan::default();
        let mut is_too_long = false;
        // Where the value starts and how far it was scanned, as positions in the buffer.
        let mut start = self.at;
        let mut scanned = self.at;
        loop {
            let end = scan.run(&self.buffer, &mut scanned);
            if end {
                self.at = scanned;
                return Ok(if is_too_long {
                    Found::TooLong
                } else {
                    Found::Whole(start..scanned)
                });
            }
            if scanned - start > limit {
                is_too_long = true;
            }
            let keep = if is_too_long { scanned } else { start };
            self.at = self.at.max(keep);
            let has_more = self.fill(keep)?;
            start -= keep.min(start);
            scanned -= keep;
            if has_more {
                continue;
            }
            if scan.may_end() && !is_too_long {
                self.at = scanned;
                return Ok(Found::Whole(start..scanned));
            }
            self.at = self.buffer.len();
            return Err(WindowError::EndsEarly);
        }
    }

    /// Takes everything up to a separator (which is taken, but not part of the range) or the end.
    /// Nothing at the end of the file. The flag tells that the separator was there.
    pub fn record(&mut self, separator: u8, limit: usize) -> std::io::Result<Option<(Found, bool)>> {
        let mut start = self.at;
        let mut scanned = self.at;
        let mut is_too_long = false;
        loop {
            let rest = self.buffer.get(scanned..).unwrap_or(&[]);
            if let Some(position) = memchr::memchr(separator, rest) {
                let end = scanned + position;
                self.at = end + 1;
                let found = if is_too_long {
                    Found::TooLong
                } else {
                    Found::Whole(start..end)
                };
                return Ok(Some((found, true)));
            }
            scanned = self.buffer.len();
            if scanned - start > limit {
                is_too_long = true;
            }
            let keep = if is_too_long { scanned } else { start };
            self.at = self.at.max(keep);
            let has_more = self.fill(keep)?;
            start -= keep.min(start);
            scanned -= keep;
            if has_more {
                continue;
            }
            self.at = self.buffer.len();
            if is_too_long {
                return Ok(Some((Found::TooLong, false)));
            }
            return Ok((start < scanned).then_some((Found::Whole(start..scanned), false)));
        }
    }

    pub fn broken(&self, error: WindowError, row: u64) -> SourceBroken {
        let byte = self.position();
        match error {
            WindowError::EndsEarly => SourceBroken::Truncated { byte, row },
            WindowError::Io(source) => SourceBroken::Io { byte, source },
        }
    }
}

/// Finds the end of a JSON value that may come in pieces.
#[derive(Default)]
struct Scan {
    depth: u64,
    is_started: bool,
    in_string: bool,
    is_escaped: bool,
    is_scalar: bool,
}

const PLAIN: u8 = 0;
const QUOTE: u8 = 1;
const OPEN: u8 = 2;
const CLOSE: u8 = 3;

const fn kinds() -> [u8; 256] {
    let mut kinds = [PLAIN; 256];
    kinds[b'"' as usize] = QUOTE;
    kinds[b'{' as usize] = OPEN;
    kinds[b'[' as usize] = OPEN;
    kinds[b'}' as usize] = CLOSE;
    kinds[b']' as usize] = CLOSE;
    kinds
}

static KINDS: [u8; 256] = kinds();

impl Scan {
    /// Scans on; true when the value ended just before `at`.
    fn run(&mut self, bytes: &[u8], at: &mut usize) -> bool {
        while let Some(&byte) = bytes.get(*at) {
            if self.in_string {
                if self.is_escaped {
                    self.is_escaped = false;
                    *at += 1;
                    continue;
                }
                let rest = bytes.get(*at..).unwrap_or(&[]);
                match memchr::memchr2(b'"', b'\\', rest) {
                    None => {
                        *at = bytes.len();
                        return false;
                    }
                    Some(position) => {
                        self.is_escaped = rest.get(position) == Some(&b'\\');
                        self.in_string = self.is_escaped;
                        *at += position + 1;
                        if !self.in_string && self.depth == 0 {
                            return true;
                        }
                    }
                }
                continue;
            }
            if self.is_scalar {
                if matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t' | 0x1E) {
                    return true;
                }
                *at += 1;
                continue;
            }
            match KINDS[usize::from(byte)] {
                PLAIN => {
                    if !self.is_started {
                        self.is_scalar = true;
                    }
                }
                QUOTE => self.in_string = true,
                OPEN => self.depth += 1,
                _ => {
                    if self.depth <= 1 {
                        *at += 1;
                        return true;
                    }
                    self.depth -= 1;
                }
            }
            self.is_started = true;
            *at += 1;
        }
        false
    }

    /// Whether the end of the text is an end of the value, too.
    fn may_end(&self) -> bool {
        self.is_scalar
    }
}

/// Whether the bytes start a value whose brackets or quotes don't close.
pub(crate) fn is_unfinished(bytes: &[u8]) -> bool {
    let mut scan = Scan::default();
    !scan.run(bytes, &mut 0) && !scan.may_end()
}

/// A cursor over the bytes of one feature.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What a feature's bytes gave, besides the parts that went into the row.
type Syntax<T> = Result<T, String>;

impl<'a> Cursor<'a> {
    fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let is_there = self.peek() == Some(wanted);
        if is_there {
            self.at += 1;
        }
        is_there
    }

    fn expect(&mut self, wanted: u8) -> Syntax<()> {
        if self.eat(wanted) {
            Ok(())
        } else {
            Err(format!(
                "'{}' expected at byte {} of the feature",
                char::from(wanted),
                self.at
            ))
        }
    }

    /// The bytes of the next value.
    fn skip(&mut self) -> Syntax<&'a [u8]> {
        if self.peek().is_none() {
            return Err("a value is missing".to_owned());
        }
        let start = self.at;
        let mut scan = Scan::default();
        if scan.run(self.bytes, &mut self.at) || scan.may_end() {
            let value = self.bytes.get(start..self.at).unwrap_or(&[]);
            if value.is_empty() {
                return Err(format!("a value is missing at byte {start} of the feature"));
            }
            return Ok(value);
        }
        Err("a value doesn't end".to_owned())
    }

    /// A string's bytes between the quotes, escapes as they stand.
    fn string(&mut self) -> Syntax<&'a [u8]> {
        if self.peek() != Some(b'"') {
            return Err(format!("a name expected at byte {} of the feature", self.at));
        }
        let value = self.skip()?;
        Ok(value.get(1..value.len().saturating_sub(1)).unwrap_or(&[]))
    }

    /// Calls `member` with every name of an object, the cursor at its value.
    fn object(&mut self, mut member: impl FnMut(&mut Cursor<'a>, &'a [u8]) -> Syntax<()>) -> Syntax<()> {
        self.expect(b'{')?;
        if self.eat(b'}') {
            return Ok(());
        }
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            member(self, name)?;
            if self.eat(b'}') {
                return Ok(());
            }
            self.expect(b',')?;
        }
    }
}

/// A geometry as the parser finds it.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    vertices: u64,
    closed_rings: u32,
    dropped_z: bool,
}

struct Shapes<'a, 'b> {
    cursor: &'b mut Cursor<'a>,
    counts: Counts,
    limit: u64,
}

/// Deeper collections of collections are refused.
const MAX_COLLECTION_DEPTH: u32 = 16;

impl Shapes<'_, '_> {
    fn geometry(&mut self, depth: u32) -> Result<Option<Geometry<f64>>, Unreadable> {
        let syntax = |detail| Unreadable::Geometry { detail };
        if self.cursor.peek() == Some(b'n') {
            let value = self.cursor.skip().map_err(syntax)?;
            return match value {
                b"null" => Ok(None),
                _ => Err(syntax("neither an object nor null".to_owned())),
            };
        }
        if depth > MAX_COLLECTION_DEPTH {
            return Err(syntax("collections nested too deep".to_owned()));
        }
        let mut kind: Option<String> = None;
        let mut coordinates: Option<usize> = None;
        let mut members: Option<usize> = None;
        let mut shape: Option<Geometry<f64>> = None;
        // The members may come in any order, and the type decides how coordinates are read.
        let mut failure: Option<Unreadable> = None;
        let limit = self.limit;
        let mut counts = self.counts;
        self.cursor
            .object(|cursor, name| {
                match name {
                    b"type" => {
                        kind = Some(String::from_utf8_lossy(cursor.string()?).into_owned());
                    }
                    b"coordinates" => match &kind {
                        Some(kind) if failure.is_none() => {
                            cursor.peek();
                            let start = cursor.at;
                            let mut shapes = Shapes { cursor, counts, limit };
                            match shapes.coordinates(kind) {
                                Ok(found) => {
                                    counts = shapes.counts;
                                    shape = Some(found);
                                }
                                Err(error) => {
                                    failure = Some(error);
                                    cursor.at = start;
                                    cursor.skip()?;
                                }
                            }
                        }
                        _ => {
                            cursor.peek();
                            coordinates = Some(cursor.at);
                            cursor.skip()?;
                        }
                    },
                    b"geometries" => {
                        cursor.peek();
                        members = Some(cursor.at);
                        cursor.skip()?;
                    }
                    _ => {
                        cursor.skip()?;
                    }
                }
                Ok(())
            })
            .map_err(syntax)?;
        self.counts = counts;
        if let Some(failure) = failure {
            return Err(failure);
        }
        let Some(kind) = kind else {
            return Err(syntax("the geometry has no type".to_owned()));
        };
        if let Some(shape) = shape {
            return Ok(Some(shape));
        }
        let after = self.cursor.at;
        let result = if kind == "GeometryCollection" {
            let start = members.ok_or_else(|| syntax("the collection has no geometries".to_owned()))?;
            self.cursor.at = start;
            self.members(depth).map(Geometry::GeometryCollection)
        } else {
            match coordinates {
                None if is_kind(&kind) => Err(syntax("the geometry has no coordinates".to_owned())),
                None => Err(Unreadable::Kind { kind }),
                Some(start) => {
                    self.cursor.at = start;
                    self.coordinates(&kind)
                }
            }
        };
        self.cursor.at = after;
        result.map(Some)
    }

    fn members(&mut self, depth: u32) -> Result<GeometryCollection<f64>, Unreadable> {
        let mut members = Vec::new();
        self.list(|shapes| {
            if let Some(member) = shapes.geometry(depth + 1)? {
                members.push(member);
            }
            Ok(())
        })?;
        Ok(GeometryCollection(members))
    }

    fn coordinates(&mut self, kind: &str) -> Result<Geometry<f64>, Unreadable> {
        Ok(match kind {
            "Point" => match self.point()? {
                Some(coord) => Geometry::Point(Point(coord)),
                None => Geometry::MultiPoint(MultiPoint(Vec::new())),
            },
            "MultiPoint" => Geometry::MultiPoint(MultiPoint(self.line()?.into_iter().map(Point).collect())),
            "LineString" => Geometry::LineString(LineString(self.line()?)),
            "MultiLineString" => {
                let mut lines = Vec::new();
                self.list(|shapes| {
                    lines.push(LineString(shapes.line()?));
                    Ok(())
                })?;
                Geometry::MultiLineString(MultiLineString(lines))
            }
            "Polygon" => Geometry::Polygon(self.polygon()?),
            "MultiPolygon" => {
                let mut polygons = Vec::new();
                self.list(|shapes| {
                    polygons.push(shapes.polygon()?);
                    Ok(())
                })?;
                Geometry::MultiPolygon(MultiPolygon(polygons))
            }
            other => {
                return Err(Unreadable::Kind {
                    kind: other.chars().take(40).collect(),
                });
            }
        })
    }

    /// `[ item, item … ]`
    fn list(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), Unreadable>) -> Result<(), Unreadable> {
        let syntax = |detail| Unreadable::Geometry { detail };
        self.cursor.expect(b'[').map_err(syntax)?;
        if self.cursor.eat(b']') {
            return Ok(());
        }
        loop {
            item(self)?;
            if self.cursor.eat(b',') {
                continue;
            }
            return self.cursor.expect(b']').map_err(syntax);
        }
    }

    fn polygon(&mut self) -> Result<Polygon<f64>, Unreadable> {
        let mut shell = None;
        let mut holes = Vec::new();
        self.list(|shapes| {
            let mut ring = shapes.line()?;
            if ring.len() > 1 && ring.first() != ring.last() {
                ring.extend(ring.first().copied());
                shapes.counts.closed_rings += 1;
            }
            if shell.is_none() {
                shell = Some(LineString(ring));
            } else if !ring.is_empty() {
                holes.push(LineString(ring));
            }
            Ok(())
        })?;
        Ok(Polygon::new(shell.unwrap_or_else(|| LineString(Vec::new())), holes))
    }

    fn line(&mut self) -> Result<Vec<Coord<f64>>, Unreadable> {
        let mut line = Vec::new();
        self.list(|shapes| {
            let coord = shapes.point()?.ok_or_else(|| Unreadable::Geometry {
                detail: "a position has no numbers".to_owned(),
            })?;
            line.push(coord);
            Ok(())
        })?;
        // A ring of n vertices needs no room for the vector's doubling: millions stay in memory.
        line.shrink_to_fit();
        Ok(line)
    }

    /// One position; nothing for `[]`.
    fn point(&mut self) -> Result<Option<Coord<f64>>, Unreadable> {
        let syntax = |detail| Unreadable::Geometry { detail };
        self.cursor.expect(b'[').map_err(syntax)?;
        if self.cursor.eat(b']') {
            return Ok(None);
        }
        self.counts.vertices += 1;
        if self.counts.vertices > self.limit {
            return Err(Unreadable::TooManyVertices {
                count: self.counts.vertices,
                limit: self.limit,
            });
        }
        let x = self.number()?;
        if !self.cursor.eat(b',') {
            return Err(syntax("a position has fewer than two numbers".to_owned()));
        }
        let y = self.number()?;
        while self.cursor.eat(b',') {
            self.number()?;
            self.counts.dropped_z = true;
        }
        self.cursor.expect(b']').map_err(syntax)?;
        Ok(Some(Coord { x, y }))
    }

    fn number(&mut self) -> Result<f64, Unreadable> {
        self.cursor.peek();
        let rest = self.cursor.bytes.get(self.cursor.at..).unwrap_or(&[]);
        let (value, length) = match number(rest) {
            Some(found) => found,
            None => {
                let word: Vec<u8> = rest
                    .iter()
                    .copied()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+'))
                    .take(12)
                    .collect();
                let word = String::from_utf8_lossy(&word).to_ascii_lowercase();
                return Err(match word.trim_start_matches(['-', '+']) {
                    "nan" | "inf" | "infinity" => Unreadable::NotFinite,
                    _ => Unreadable::Geometry {
                        detail: "a coordinate is not a number".to_owned(),
                    },
                });
            }
        };
        if !value.is_finite() {
            return Err(Unreadable::NotFinite);
        }
        self.cursor.at += length;
        Ok(value)
    }
}

fn is_kind(kind: &str) -> bool {
    matches!(
        kind,
        "Point" | "MultiPoint" | "LineString" | "MultiLineString" | "Polygon" | "MultiPolygon" | "GeometryCollection"
    )
}

/// Powers of ten that a double holds exactly.
const EXACT_POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// A JSON number at the start of the bytes, and its length.
///
/// Up to 15 digits and a small exponent, the quotient of two exact doubles is the nearest double
/// (Clinger's fast path); anything else goes to the standard library.
fn number(bytes: &[u8]) -> Option<(f64, usize)> {
    let mut at = 0;
    let is_negative = bytes.first() == Some(&b'-');
    at += usize::from(is_negative);
    let mut mantissa: u64 = 0;
    let mut digits = 0_usize;
    let mut decimals = 0_usize;
    while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
        mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        digits += 1;
        at += 1;
    }
    if digits == 0 {
        return None;
    }
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        while let Some(digit) = bytes.get(at).filter(|byte| byte.is_ascii_digit()) {
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
            digits += 1;
            decimals += 1;
            at += 1;
        }
    }
    let has_exponent = matches!(bytes.get(at), Some(b'e' | b'E'));
    if has_exponent {
        at += 1;
        if matches!(bytes.get(at), Some(b'+' | b'-')) {
            at += 1;
        }
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
    }
    if !has_exponent && digits <= 19 && mantissa < (1 << 53) {
        let power = EXACT_POWERS.get(decimals)?;
        let value = mantissa as f64 / power;
        return Some((if is_negative { -value } else { value }, at));
    }
    let text = std::str::from_utf8(bytes.get(..at)?).ok()?;
    Some((text.parse().ok()?, at))
}

/// Reads one feature (or bare geometry) from its bytes.
pub(crate) fn row(bytes: &[u8], row: u64, max_vertices: u64) -> SourceRow {
    let mut result = SourceRow::empty(row);
    let read = read_row(bytes, max_vertices, &mut result).and_then(|end| {
        let rest = bytes.get(end..).unwrap_or(&[]);
        if rest.trim_ascii().is_empty() {
            Ok(())
        } else {
            Err("there is something behind the feature".to_owned())
        }
    });
    if let Err(detail) = read {
        result.geometry = Err(Unreadable::Record { detail });
    }
    result
}

/// Reads the feature that the bytes begin with, and says how long it is. Nothing where anything at all is wrong with
/// it, be it only that it isn't there to its end: then its end has to be found first, and [`row`] says what is wrong.
pub(crate) fn row_at_start(bytes: &[u8], row: u64, max_vertices: u64) -> Option<(SourceRow, usize)> {
    let mut result = SourceRow::empty(row);
    let end = read_row(bytes, max_vertices, &mut result).ok()?;
    result.geometry.is_ok().then_some((result, end))
}

/// A row for a feature so long that it was skipped.
pub(crate) fn too_long(row_number: u64, max_vertices: u64) -> SourceRow {
    let mut result = row(b"{\"type\":\"Feature\",\"properties\":null}", row_number, 0);
    result.geometry = Err(Unreadable::TooManyVertices {
        count: max_vertices + 1,
        limit: max_vertices,
    });
    result
}

/// Bytes a feature may have before it is skipped: its vertices at their longest, and a generous
/// allowance for attributes.
pub(crate) fn max_feature_bytes(max_vertices: u64) -> usize {
    usize::try_from(max_vertices.saturating_mul(128)).unwrap_or(usize::MAX / 2) + (64 << 20)
}

/// Where the feature ends.
fn read_row(bytes: &[u8], max_vertices: u64, row: &mut SourceRow) -> Result<usize, String> {
    let mut cursor = Cursor { bytes, at: 0 };
    if cursor.peek() != Some(b'{') {
        return Err("not an object".to_owned());
    }
    let mut kind: Option<&[u8]> = None;
    let mut has_geometry = false;
    let mut has_properties = false;
    let mut is_not_a_number = false;
    let mut foreign: Vec<(&[u8], &[u8])> = Vec::new();
    let result = cursor.object(|cursor, name| {
        match name {
            b"type" => match cursor.peek() {
                Some(b'"') => kind = Some(cursor.string()?),
                _ => {
                    cursor.skip()?;
                }
            },
            b"geometry" => {
                has_geometry = true;
                cursor.peek();
                let start = cursor.at;
                let mut shapes = Shapes {
                    cursor,
                    counts: Counts::default(),
                    limit: max_vertices,
                };
                row.geometry = shapes.geometry(0);
                let counts = shapes.counts;
                if row.geometry.is_err() {
                    cursor.at = start;
                    cursor.skip()?;
                } else {
                    row.closed_rings = counts.closed_rings;
                    row.dropped_z = counts.dropped_z;
                }
            }
            b"properties" => {
                has_properties = true;
                let value = cursor.skip()?;
                (row.properties, is_not_a_number) = properties(value)?;
            }
            b"id" => row.id = id(cursor.skip()?),
            b"bbox" | b"crs" => {
                cursor.skip()?;
            }
            _ => foreign.push((name, cursor.skip()?)),
        }
        Ok(())
    });
    result?;
    let end = cursor.at;
    row.not_a_number = is_not_a_number;
    let kind = kind.map(String::from_utf8_lossy);
    if !has_geometry && !has_properties {
        match kind.as_deref() {
            Some("Feature") => {}
            Some(kind) if is_kind(kind) => {
                let mut cursor = Cursor { bytes, at: 0 };
                let mut shapes = Shapes {
                    cursor: &mut cursor,
                    counts: Counts::default(),
                    limit: max_vertices,
                };
                row.geometry = shapes.geometry(0);
                row.closed_rings = shapes.counts.closed_rings;
                row.dropped_z = shapes.counts.dropped_z;
                return Ok(end);
            }
            _ => return Err("neither a feature nor a geometry".to_owned()),
        }
    }
    for (name, value) in foreign {
        let quoted = [b"\"", name, b"\""].concat();
        let Ok(name) = serde_json::from_slice::<String>(&quoted) else {
            continue;
        };
        if let Ok(value) = serde_json::from_slice::<Value>(value) {
            row.properties.entry(name).or_insert(value);
        }
    }
    Ok(end)
}

fn id(bytes: &[u8]) -> Option<String> {
    match serde_json::from_slice::<Value>(bytes).ok()? {
        Value::String(text) => Some(text).filter(|text| !text.trim().is_empty()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The attributes, and whether NaN or infinity stood among them.
fn properties(bytes: &[u8]) -> Result<(Map<String, Value>, bool), String> {
    match serde_json::from_slice::<Option<Map<String, Value>>>(bytes) {
        Ok(map) => Ok((map.unwrap_or_default(), false)),
        // Some writers give an empty list for an empty object.
        Err(_) if bytes.strip_prefix(b"[").is_some_and(|rest| rest.trim_ascii() == b"]") => Ok((Map::new(), false)),
        Err(error) => {
            let mended = without_nan(bytes).ok_or_else(|| format!("attributes: {error}"))?;
            match serde_json::from_slice::<Option<Map<String, Value>>>(&mended) {
                Ok(map) => Ok((map.unwrap_or_default(), true)),
                Err(_) => Err(format!("attributes: {error}")),
            }
        }
    }
}

/// The bytes with bare `NaN` and `Infinity` outside strings replaced by `null`; nothing when there
/// are none.
fn without_nan(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut mended = Vec::with_capacity(bytes.len());
    let mut at = 0;
    let mut in_string = false;
    let mut is_changed = false;
    'bytes: while let Some(&byte) = bytes.get(at) {
        if in_string {
            if byte == b'\\' {
                mended.push(byte);
                at += 1;
                if let Some(&escaped) = bytes.get(at) {
                    mended.push(escaped);
                }
                at += 1;
                continue;
            }
            in_string = byte != b'"';
        } else if byte == b'"' {
            in_string = true;
        } else {
            let rest = bytes.get(at..).unwrap_or(&[]);
            for word in [&b"-Infinity"[..], b"Infinity", b"-NaN", b"NaN", b"nan", b"-inf", b"inf"] {
                if rest.starts_with(word) {
                    mended.extend_from_slice(b"null");
                    at += word.len();
                    is_changed = true;
                    continue 'bytes;
                }
            }
        }
        mended.push(byte);
        at += 1;
    }
    is_changed.then_some(mended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_the_nearest_double() {
        for text in [
            "0",
            "-0",
            "1",
            "-71.1601447528039",
            "42.35298004204338",
            "9007199254740993",
            "0.1234567890123456789",
            "1e3",
            "-1.5E-7",
            "116.40739999999999",
            "4057669.946",
            "123456789012345678901234567890.5",
            "0.00000000000000000000001",
            "1e400",
        ] {
            let expected: f64 = text.parse().unwrap();
            let (value, length) = number(text.as_bytes()).unwrap();
            assert_eq!(value.to_bits(), expected.to_bits(), "{text}");
            assert_eq!(length, text.len());
        }
        assert_eq!(number(b"-"), None);
        assert_eq!(number(b"NaN"), None);
        assert_eq!(number(b".5"), None);
    }

    #[test]
    fn the_quick_way_agrees_with_the_careful_one() {
        for text in [
            r#"{"type":"Feature","properties":{"a":"}\"]","b":[1,{"c":null}]},"geometry":{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1]]]},"x":tru}"#,
            r#"{"geometry":{"coordinates":[1,2,3],"type":"Point"},"id":7,"type":"Feature","properties":{"a":NaN}}"#,
            r#"{"type":"Point","coordinates":[1,2]}"#,
            r#"{"type":"Feature","properties":null,"geometry":null}"#,
        ] {
            let behind = [text.as_bytes(), b",\n{}"].concat();
            assert_eq!(
                row_at_start(&behind, 3, 100),
                Some((row(text.as_bytes(), 3, 100), text.len())),
                "{text}"
            );
            for cut in 0..text.len() {
                assert_eq!(row_at_start(&text.as_bytes()[..cut], 3, 100), None, "{cut} of {text}");
            }
        }
        // What is wrong is left to the careful way.
        for text in [
            r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[NaN,1]}}"#,
            r#"{"type":"Feature","properties":{"a":}}"#,
            "{}",
        ] {
            assert_eq!(row_at_start(text.as_bytes(), 1, 100), None, "{text}");
        }
    }

    #[test]
    fn the_type_may_come_after_the_coordinates() {
        let text = br#"{"geometry":{"coordinates":[[[0,0],[1,0],[1,1]]],"type":"Polygon"},"id":7,"type":"Feature","note":"x"}"#;
        let row = row(text, 1, 100);
        assert_eq!(row.id.as_deref(), Some("7"));
        assert_eq!(row.closed_rings, 1);
        assert_eq!(row.properties.get("note"), Some(&Value::from("x")));
        assert!(matches!(row.geometry, Ok(Some(Geometry::Polygon(_)))));
    }

    #[test]
    fn wrong_features_say_what_is_wrong() {
        let outcome = |text: &str| row(text.as_bytes(), 1, 5).geometry;
        assert_eq!(
            outcome(r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[NaN,1]}}"#),
            Err(Unreadable::NotFinite)
        );
        assert_eq!(
            outcome(r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[1e999,1]}}"#),
            Err(Unreadable::NotFinite)
        );
        assert!(matches!(
            outcome(r#"{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[0,0],[1,1]]}}"#),
            Err(Unreadable::Geometry { .. })
        ));
        assert!(matches!(
            outcome(r#"{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[["1","2"]]]}}"#),
            Err(Unreadable::Geometry { .. })
        ));
        assert!(matches!(
            outcome(r#"{"type":"Feature","geometry":{"type":"CurvePolygon","coordinates":[]}}"#),
            Err(Unreadable::Kind { .. })
        ));
        assert!(matches!(
            outcome(
                r#"{"type":"Feature","geometry":{"type":"LineString","coordinates":[[0,0],[1,1],[2,2],[3,3],[4,4],[5,5]]}}"#
            ),
            Err(Unreadable::TooManyVertices { .. })
        ));
        assert!(matches!(outcome("{}"), Err(Unreadable::Record { .. })));
        assert!(matches!(outcome("[]"), Err(Unreadable::Record { .. })));
        assert!(matches!(
            outcome(r#"{"type":"Feature","properties":{"a":}}"#),
            Err(Unreadable::Record { .. })
        ));
    }

    #[test]
    fn nan_among_attributes_is_taken_as_empty() {
        let row = row(
            br#"{"type":"Feature","properties":{"a":NaN,"b":"NaN \" Infinity","c":-Infinity},"geometry":null}"#,
            1,
            5,
        );
        assert!(row.not_a_number);
        assert_eq!(row.properties.get("a"), Some(&Value::Null));
        assert_eq!(row.properties.get("b"), Some(&Value::from("NaN \" Infinity")));
        assert_eq!(row.geometry, Ok(None));
    }
}
