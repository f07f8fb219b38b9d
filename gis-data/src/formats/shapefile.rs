//! Esri shapefiles, read straight from the published layout of `.shp` and `.dbf`.
//!
//! Real shapefiles lie about lengths, miss their index or table, leave rings open and turn them
//! the wrong way; a reader that stops at the first such record loses the rest of the file. So
//! records are read here by hand, every length checked against what is there: a record that is
//! wrong in itself is one bad row, and only a file whose records can't be found any more is
//! broken. No crate that may panic is involved.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::Encoding;
use geo_types::{Coord, Geometry, LineString, MultiLineString, MultiPoint, Point};
use serde_json::{Map, Number, Value};

use super::rings::{self, MAX_RINGS, Parts};
use super::{LayerFiles, Opened};
use crate::crs::DeclaredCrs;
use crate::encoding::{self, Declared};
use crate::mapping::FieldName;
use crate::source::{SourceBroken, SourceRefused, SourceRow, Unreadable};

const HEADER: u64 = 100;
/// Measures below this mean "no data".
const NO_MEASURE: f64 = -1e38;
/// Records looked at to tell the text encoding and to show examples.
const SAMPLE_RECORDS: u64 = 2_000;

/// Whether bytes are the start of a `.shp` (or `.shx`).
pub(crate) fn is_shapefile(head: &[u8]) -> bool {
    head.starts_with(&[0x00, 0x00, 0x27, 0x0A])
}

fn le_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    Some(u32::from_le_bytes(bytes.get(at..end)?.try_into().ok()?))
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    let end = at.checked_add(4)?;
    Some(u32::from_be_bytes(bytes.get(at..end)?.try_into().ok()?))
}

fn le_u16(bytes: &[u8], at: usize) -> Option<u16> {
    let end = at.checked_add(2)?;
    Some(u16::from_le_bytes(bytes.get(at..end)?.try_into().ok()?))
}

fn le_f64(bytes: &[u8], at: usize) -> Option<f64> {
    let end = at.checked_add(8)?;
    Some(f64::from_le_bytes(bytes.get(at..end)?.try_into().ok()?))
}

/// A column of the table.
#[derive(Debug, Clone)]
struct Column {
    name: String,
    kind: u8,
    decimals: u8,
    start: usize,
    length: usize,
}

/// The table's layout.
#[derive(Debug, Clone)]
struct Table {
    path: PathBuf,
    columns: Vec<Column>,
    records: u64,
    header_length: u64,
    record_length: usize,
    encoding: &'static Encoding,
}

/// The layout before the encoding is known: names are bytes yet.
struct RawTable {
    columns: Vec<(Vec<u8>, Column)>,
    records: u64,
    /// Records the file has room for.
    fitting: u64,
    /// Bytes of the file.
    size: u64,
    header_length: u64,
    record_length: usize,
    language_driver: u8,
}

fn read_table_header(file: &mut File) -> Result<Option<RawTable>, std::io::Error> {
    let size = file.metadata()?.len();
    let mut head = Vec::new();
    // 128 columns of 32 bytes are usual, 2046 the most any program writes.
    file.take(1 << 17).read_to_end(&mut head)?;
    let (Some(records), Some(header_length), Some(record_length)) =
        (le_u32(&head, 4), le_u16(&head, 8), le_u16(&head, 10))
    else {
        return Ok(None);
    };
    let mut columns = Vec::new();
    let mut at = 32;
    let mut start = 1;
    while let Some(descriptor) = head.get(at..at + 32) {
        if descriptor.first().is_none_or(|byte| matches!(byte, 0x0D | 0x00)) {
            break;
        }
        let name: Vec<u8> = descriptor
            .iter()
            .take(11)
            .copied()
            .take_while(|byte| *byte != 0)
            .collect();
        let kind = descriptor.get(11).copied().unwrap_or(b'C');
        let mut length = usize::from(descriptor.get(16).copied().unwrap_or(0));
        let mut decimals = descriptor.get(17).copied().unwrap_or(0);
        if kind == b'C' {
            // Text longer than 255 bytes has its high byte where numbers have their decimals.
            length += usize::from(decimals) << 8;
            decimals = 0;
        }
        columns.push((
            name,
            Column {
                name: String::new(),
                kind,
                decimals,
                start,
                length,
            },
        ));
        start += length;
        at += 32;
    }
    let record_length = match usize::from(record_length) {
        0 => start,
        length => length,
    };
    // The header's length counts the terminator and what padding there is; where it can't be
    // true, the records start behind the last descriptor and its terminator.
    let after_columns = at as u64 + 1;
    let declared = u64::from(header_length);
    let header_length = if declared >= at as u64 && declared <= size {
        declared
    } else {
        after_columns.min(size)
    };
    let fitting = (size - header_length) / (record_length.max(1) as u64);
    Ok(Some(RawTable {
        columns,
        records: u64::from(records),
        fitting,
        size,
        header_length,
        record_length,
        language_driver: head.get(29).copied().unwrap_or(0),
    }))
}

/// Opens a shapefile. `main` is the `.shp`.
pub(crate) fn open(
    files: &LayerFiles,
    asked_for: Option<&'static Encoding>,
    max_vertices: u64,
) -> Result<Opened, SourceRefused> {
    let io = |source| SourceRefused::Broken(SourceBroken::Io { byte: 0, source });
    let mut shapes = File::open(&files.main).map_err(io)?;
    let shapes_size = shapes.metadata().map_err(io)?.len();
    let mut head = Vec::new();
    (&mut shapes).take(HEADER).read_to_end(&mut head).map_err(io)?;
    if shapes_size < HEADER || !is_shapefile(&head) {
        return Err(SourceRefused::Broken(SourceBroken::Truncated {
            byte: shapes_size,
            row: 0,
        }));
    }
    let declared_size = be_u32(&head, 24).map_or(0, |words| u64::from(words) * 2);
    let index = read_index(files, shapes_size).map_err(io)?;
    let mut warnings = Vec::new();
    let mut fields = Vec::new();
    let table = match files.companions.get("dbf") {
        None => None,
        Some(path) => {
            let mut file = File::open(path).map_err(io)?;
            match read_table_header(&mut file).map_err(io)? {
                // Shapes without their attributes would be taken over as if they had none.
                None => {
                    let byte = file.metadata().map_err(io)?.len();
                    return Err(SourceRefused::Broken(SourceBroken::Truncated { byte, row: 0 }));
                }
                Some(raw) if raw.fitting < raw.records => {
                    return Err(SourceRefused::Broken(SourceBroken::Truncated {
                        byte: raw.size,
                        row: raw.fitting,
                    }));
                }
                Some(raw) => {
                    let declared = declared_encoding(files, raw.language_driver);
                    let records = sample_records(&mut file, &raw).map_err(io)?;
                    let decision = {
                        let samples = text_samples(&raw, &records);
                        encoding::decide(asked_for, declared, &samples)
                    };
                    warnings.extend(decision.warning);
                    let table = name_columns(path.clone(), raw, decision.encoding);
                    fields = describe(&table, &records);
                    Some(table)
                }
            }
        }
    };
    let crs = match files.companions.get("prj") {
        None => DeclaredCrs::Missing,
        Some(path) => {
            let mut wkt = Vec::new();
            File::open(path)
                .and_then(|file| file.take(1 << 16).read_to_end(&mut wkt))
                .map_err(io)?;
            let wkt = String::from_utf8_lossy(&wkt)
                .trim_start_matches('\u{feff}')
                .trim_matches(['\0', ' ', '\r', '\n', '\t'])
                .to_owned();
            if wkt.is_empty() {
                DeclaredCrs::Missing
            } else {
                DeclaredCrs::Prj { wkt }
            }
        }
    };
    let rows = match (&index, &table) {
        (Some(index), _) => index.len() as u64,
        (None, Some(table)) => table.records,
        // A polygon of ten vertices.
        (None, None) => (shapes_size - HEADER) / 224,
    };
    let encoding = table.as_ref().map(|table| table.encoding.name().to_owned());
    let table_size = table
        .as_ref()
        .map_or(0, |table| table.records.saturating_mul(table.record_length as u64));
    let path = files.main.clone();
    let index = index.map(Arc::new);
    let start = Arc::new(move |read: Arc<AtomicU64>| {
        let io = |source| SourceBroken::Io { byte: 0, source };
        read.store(0, Ordering::Relaxed);
        let mut shapes = BufReader::with_capacity(1 << 20, File::open(&path).map_err(io)?);
        shapes.seek(SeekFrom::Start(HEADER)).map_err(io)?;
        let table = match &table {
            None => None,
            Some(table) => {
                let mut file = BufReader::with_capacity(1 << 18, File::open(&table.path).map_err(io)?);
                file.seek(SeekFrom::Start(table.header_length)).map_err(io)?;
                Some(TableRows {
                    file,
                    table: table.clone(),
                    next: 0,
                    record: Vec::new(),
                })
            }
        };
        let rows: super::RowReader = Box::new(Rows {
            shapes,
            at: HEADER,
            size: shapes_size,
            declared_size,
            index: index.clone(),
            table,
            row: 0,
            max_vertices,
            content: Vec::new(),
            read,
            is_done: false,
        });
        Ok(rows)
    });
    Ok(Opened {
        encoding,
        crs,
        fields: Some(fields),
        warnings,
        estimated_rows: Some(rows),
        bytes_total: shapes_size + table_size,
        may_have_shapes: true,
        layers: Vec::new(),
        start,
    })
}

fn declared_encoding(files: &LayerFiles, language_driver: u8) -> Option<(&'static Encoding, Declared)> {
    let page = files.companions.get("cpg").and_then(|path| {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|file| file.take(256).read_to_end(&mut bytes))
            .ok()?;
        encoding::by_label(&String::from_utf8_lossy(&bytes))
    });
    page.map(|encoding| (encoding, Declared::CodePageFile))
        .or_else(|| encoding::by_language_driver(language_driver).map(|encoding| (encoding, Declared::LanguageDriver)))
}

fn sample_records(file: &mut File, table: &RawTable) -> Result<Vec<u8>, std::io::Error> {
    file.seek(SeekFrom::Start(table.header_length))?;
    let wanted = table.records.min(SAMPLE_RECORDS) * table.record_length as u64;
    let mut records = Vec::new();
    file.take(wanted.min(16 << 20)).read_to_end(&mut records)?;
    Ok(records)
}

fn text_samples<'a>(table: &'a RawTable, records: &'a [u8]) -> Vec<&'a [u8]> {
    let mut samples: Vec<&[u8]> = table
        .columns
        .iter()
        .map(|(name, _)| name.as_slice())
        .filter(|name| !name.is_ascii())
        .collect();
    for record in records.chunks_exact(table.record_length.max(1)) {
        for (_, column) in &table.columns {
            if column.kind != b'C' {
                continue;
            }
            let value = record
                .get(column.start..(column.start + column.length).min(record.len()))
                .unwrap_or(&[])
                .trim_ascii_end();
            if !value.is_ascii() {
                samples.push(value);
            }
        }
    }
    samples
}

fn name_columns(path: PathBuf, raw: RawTable, encoding: &'static Encoding) -> Table {
    let names = super::unique_names(
        raw.columns
            .iter()
            .map(|(name, _)| encoding::decode_field(encoding, name, name.len() >= 10).0),
    );
    let columns = names
        .into_iter()
        .zip(raw.columns)
        .map(|(name, (_, column))| Column { name, ..column })
        .collect();
    Table {
        path,
        columns,
        records: raw.records,
        header_length: raw.header_length,
        record_length: raw.record_length,
        encoding,
    }
}

fn describe(table: &Table, records: &[u8]) -> Vec<FieldName> {
    table
        .columns
        .iter()
        .map(|column| {
            let mut examples: Vec<String> = Vec::new();
            for record in records.chunks_exact(table.record_length.max(1)) {
                let text = match value(table, column, record).0 {
                    Value::Null => continue,
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                if !examples.contains(&text) {
                    examples.push(text);
                }
                if examples.len() == 3 {
                    break;
                }
            }
            FieldName {
                name: column.name.clone(),
                examples,
            }
        })
        .collect()
}

/// Offsets of the records by the `.shx`; nothing where there is none or it can't be right.
fn read_index(files: &LayerFiles, shapes_size: u64) -> Result<Option<Vec<u64>>, std::io::Error> {
    let Some(path) = files.companions.get("shx") else {
        return Ok(None);
    };
    let mut file = BufReader::new(File::open(path)?);
    let size = file.get_ref().metadata()?.len();
    let mut head = Vec::new();
    (&mut file).take(HEADER).read_to_end(&mut head)?;
    if head.len() < 100 || !is_shapefile(&head) {
        return Ok(None);
    }
    // An index of more records than the shapes have room for is no index, and one that was cut off
    // would hide the records behind its end.
    let entries = (size - HEADER) / 8;
    let declared_size = be_u32(&head, 24).map_or(0, |words| u64::from(words) * 2);
    if entries > (shapes_size - HEADER) / 8 || declared_size > size {
        return Ok(None);
    }
    let mut offsets = Vec::new();
    let mut entry = [0_u8; 8];
    for _ in 0..entries {
        file.read_exact(&mut entry)?;
        let offset = be_u32(&entry, 0).map_or(0, |words| u64::from(words) * 2);
        if offset < HEADER || offset + 8 > shapes_size {
            return Ok(None);
        }
        offsets.push(offset);
    }
    // Two rows at the same place: one of them is wrong, and there is no telling which.
    let mut sorted = offsets.clone();
    sorted.sort_unstable();
    let has_twins = sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b));
    Ok((!has_twins).then_some(offsets))
}

/// A record of the table.
struct Attributes {
    properties: Map<String, Value>,
    /// Fields with bytes that couldn't be decoded.
    undecodable: Vec<String>,
    /// The record is marked as deleted.
    is_deleted: bool,
}

struct TableRows {
    file: BufReader<File>,
    table: Table,
    next: u64,
    record: Vec<u8>,
}

impl TableRows {
    /// The attributes of the next record: nothing behind the last one.
    fn next(&mut self) -> Result<Option<Attributes>, SourceBroken> {
        if self.next >= self.table.records {
            return Ok(None);
        }
        self.next += 1;
        self.record.resize(self.table.record_length, 0);
        self.file
            .read_exact(&mut self.record)
            .map_err(|source| SourceBroken::Io {
                byte: self.table.header_length + self.next * self.table.record_length as u64,
                source,
            })?;
        let mut properties = Map::new();
        let mut undecodable = Vec::new();
        for column in &self.table.columns {
            let (value, is_bad) = value(&self.table, column, &self.record);
            if is_bad {
                undecodable.push(column.name.clone());
            }
            properties.insert(column.name.clone(), value);
        }
        Ok(Some(Attributes {
            properties,
            undecodable,
            is_deleted: self.record.first() == Some(&b'*'),
        }))
    }
}

/// A field's value, and whether bytes of it couldn't be decoded.
fn value(table: &Table, column: &Column, record: &[u8]) -> (Value, bool) {
    let end = (column.start + column.length).min(record.len());
    let bytes = record.get(column.start..end).unwrap_or(&[]);
    let plain = || {
        std::str::from_utf8(bytes)
            .unwrap_or_default()
            .trim_matches([' ', '\0', '\t'])
    };
    match column.kind {
        b'N' | b'F' => (number(plain(), column.decimals), false),
        b'D' => (date(plain()), false),
        b'L' => (
            match bytes.first() {
                Some(b'T' | b't' | b'Y' | b'y') => Value::Bool(true),
                Some(b'F' | b'f' | b'N' | b'n') => Value::Bool(false),
                _ => Value::Null,
            },
            false,
        ),
        b'I' if bytes.len() == 4 => (
            le_u32(bytes, 0).map_or(Value::Null, |value| {
                Value::from(i32::from_ne_bytes(value.to_ne_bytes()))
            }),
            false,
        ),
        b'B' | b'O' if bytes.len() == 8 => (
            le_f64(bytes, 0)
                .and_then(Number::from_f64)
                .map_or(Value::Null, Value::Number),
            false,
        ),
        // A memo is a pointer into a file that doesn't come along.
        b'M' | b'G' | b'P' => (Value::Null, false),
        _ => {
            let trimmed = trim_text(bytes);
            if trimmed.is_empty() {
                return (Value::Null, false);
            }
            let is_full = trimmed.len() == bytes.len();
            let (text, is_bad) = encoding::decode_field(table.encoding, trimmed, is_full);
            (Value::String(text), is_bad)
        }
    }
}

/// Text up to the first zero byte, without the padding.
fn trim_text(bytes: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    let mut text = bytes.get(..end).unwrap_or(&[]);
    while let Some(rest) = text.strip_suffix(b" ") {
        text = rest;
    }
    text
}

fn number(text: &str, decimals: u8) -> Value {
    if text.is_empty() || text.starts_with('*') {
        return Value::Null;
    }
    if decimals == 0
        && let Ok(whole) = text.trim_start_matches('+').parse::<i64>()
    {
        return Value::from(whole);
    }
    match text.parse::<f64>() {
        Ok(value) => match Number::from_f64(value) {
            // A whole number too long for 64 bits is a code: it stays text, all digits kept.
            Some(_) if decimals == 0 && value.abs() >= 9e18 => Value::from(text),
            Some(number) => Value::Number(number),
            None => Value::Null,
        },
        Err(_) => Value::from(text),
    }
}

fn date(text: &str) -> Value {
    if text.is_empty() || text.bytes().all(|byte| byte == b'0') {
        return Value::Null;
    }
    match (text.get(0..4), text.get(4..6), text.get(6..8)) {
        (Some(year), Some(month), Some(day)) if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            Value::from(format!("{year}-{month}-{day}"))
        }
        _ => Value::from(text),
    }
}

struct Rows {
    shapes: BufReader<File>,
    /// Where the shapes' reader stands.
    at: u64,
    size: u64,
    /// What the header says the size is.
    declared_size: u64,
    index: Option<Arc<Vec<u64>>>,
    table: Option<TableRows>,
    row: u64,
    max_vertices: u64,
    content: Vec<u8>,
    read: Arc<AtomicU64>,
    is_done: bool,
}

/// A record of the `.shp`.
enum Record {
    /// Its content is in the buffer; the flag tells that the file ends before the content should.
    Content(bool),
    /// Longer than a feature may be.
    TooLong,
    /// There is none any more.
    None,
}

impl Rows {
    fn io(&self, source: std::io::Error) -> SourceBroken {
        SourceBroken::Io { byte: self.at, source }
    }

    fn record(&mut self) -> Result<Record, SourceBroken> {
        let offset = match &self.index {
            Some(index) => match usize::try_from(self.row).ok().and_then(|row| index.get(row)) {
                Some(offset) => *offset,
                None => return Ok(Record::None),
            },
            None => self.at,
        };
        if self.index.is_none() && offset + 8 > self.size {
            // Less than a record's header left: padding of the last few bytes is no loss.
            return Ok(Record::None);
        }
        if offset != self.at {
            let forward = i64::try_from(offset)
                .and_then(|to| i64::try_from(self.at).map(|from| to - from))
                .unwrap_or(0);
            let sought = self.shapes.seek_relative(forward);
            sought.map_err(|source| self.io(source))?;
            self.at = offset;
        }
        let mut head = [0_u8; 8];
        let result = self.shapes.read_exact(&mut head);
        result.map_err(|source| self.io(source))?;
        self.at += 8;
        if head == [0; 8] && self.index.is_none() {
            // Records are numbered from 1. Behind the declared end zeros are padding; before it
            // they stand where a record was lost.
            if offset >= self.declared_size {
                self.at = self.size;
                return Ok(Record::None);
            }
            return Err(SourceBroken::Damaged {
                byte: offset,
                row: self.row,
                detail: "zeros where a record should be".to_owned(),
            });
        }
        let length = be_u32(&head, 4).map_or(0, |words| u64::from(words) * 2);
        let left = self.size - self.at;
        if length > left {
            // The last record may claim more than it has when only its optional measures are
            // missing; then what is there is read. Anything else means that the file was cut.
            let is_last = match &self.index {
                Some(index) => self.row + 1 == index.len() as u64,
                None => true,
            };
            if !is_last || length > left + 1024 * 1024 || left < 4 {
                return Err(SourceBroken::Truncated {
                    byte: self.size,
                    row: self.row,
                });
            }
        }
        let is_short = length > left;
        let length = length.min(left);
        if length > 64 + self.max_vertices.saturating_mul(36) {
            let skipped = i64::try_from(length).unwrap_or(i64::MAX);
            let sought = self.shapes.seek_relative(skipped);
            sought.map_err(|source| self.io(source))?;
            self.at += length;
            return Ok(Record::TooLong);
        }
        self.content.clear();
        let got = (&mut self.shapes)
            .take(length)
            .read_to_end(&mut self.content)
            .map_err(|source| SourceBroken::Io { byte: self.at, source })?;
        self.at += got as u64;
        if (got as u64) < length {
            return Err(SourceBroken::Truncated {
                byte: self.at,
                row: self.row,
            });
        }
        Ok(Record::Content(is_short))
    }

    fn step(&mut self) -> Result<Option<SourceRow>, SourceBroken> {
        loop {
            let record = self.record()?;
            let attributes = match &mut self.table {
                Some(table) => table.next()?,
                None => None,
            };
            if matches!(record, Record::None) {
                // Without an index (or with rows left in the table) only the header's size tells
                // whether there were more shapes.
                if self.declared_size > self.size && (self.index.is_none() || attributes.is_some()) {
                    return Err(SourceBroken::Truncated {
                        byte: self.size,
                        row: self.row,
                    });
                }
                if attributes.is_none() {
                    return Ok(None);
                }
            }
            let is_without_attributes = self.table.is_some() && attributes.is_none();
            self.row += 1;
            let table_bytes = self
                .table
                .as_ref()
                .map_or(0, |table| table.next * table.table.record_length as u64);
            self.read.store(self.at + table_bytes, Ordering::Relaxed);
            let (properties, undecodable_fields) = match attributes {
                Some(attributes) if attributes.is_deleted => continue,
                Some(attributes) => (attributes.properties, attributes.undecodable),
                None => (Map::new(), Vec::new()),
            };
            let mut row = SourceRow {
                properties,
                undecodable_fields,
                ..SourceRow::empty(self.row)
            };
            match record {
                Record::Content(is_short) => {
                    let geometry = shape(&self.content, self.max_vertices, &mut row);
                    if is_short && geometry.is_err() {
                        return Err(SourceBroken::Truncated {
                            byte: self.size,
                            row: self.row - 1,
                        });
                    }
                    row.geometry = geometry;
                }
                Record::TooLong => {
                    row.geometry = Err(Unreadable::TooManyVertices {
                        count: self.max_vertices + 1,
                        limit: self.max_vertices,
                    });
                }
                // A row of the table without a shape.
                Record::None => {}
            }
            if is_without_attributes {
                // Which attributes belong to which shape can't be known for certain then, and a
                // shape without its key would pass for a new object.
                row.geometry = Err(Unreadable::Record {
                    detail: "the table has fewer rows than there are shapes".to_owned(),
                });
            }
            return Ok(Some(row));
        }
    }
}

impl Iterator for Rows {
    type Item = Result<SourceRow, SourceBroken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_done {
            return None;
        }
        let step = self.step().transpose();
        self.is_done = !matches!(step, Some(Ok(_)));
        step
    }
}

/// Reads the content of one record.
fn shape(content: &[u8], max_vertices: u64, row: &mut SourceRow) -> Result<Option<Geometry<f64>>, Unreadable> {
    let bad = |detail: &str| Unreadable::Geometry {
        detail: detail.to_owned(),
    };
    let kind = match le_u32(content, 0) {
        Some(kind) => kind,
        // A record without content is a null shape to most programs.
        None if content.is_empty() => return Ok(None),
        None => return Err(bad("the record is too short")),
    };
    row.dropped_z = matches!(kind, 11 | 13 | 15 | 18);
    match kind {
        0 => Ok(None),
        1 | 11 | 21 => {
            let coord = coord(content, 4).ok_or_else(|| bad("the record is too short"))?;
            let measure = le_f64(content, if kind == 11 { 28 } else { 20 });
            row.dropped_m = kind != 1 && measure.is_some_and(|measure| measure > NO_MEASURE);
            if !is_finite(coord) {
                return Err(Unreadable::NotFinite);
            }
            Ok(Some(Geometry::Point(Point(coord))))
        }
        8 | 18 | 28 => {
            let count = le_u32(content, 36).ok_or_else(|| bad("the record is too short"))?;
            let coords = coordinates(content, 40, count, max_vertices)?;
            row.dropped_m = kind == 28;
            Ok(Some(Geometry::MultiPoint(MultiPoint(
                coords.into_iter().map(Point).collect(),
            ))))
        }
        3 | 13 | 23 | 5 | 15 | 25 => {
            let (parts, used) = parts(content, max_vertices)?;
            row.dropped_m = has_measures(content, kind, used);
            if parts.len() > MAX_RINGS {
                return Err(bad("the record has too many parts"));
            }
            if matches!(kind, 3 | 13 | 23) {
                let mut lines: Vec<LineString<f64>> = parts.into_iter().map(LineString).collect();
                return Ok(Some(match lines.len() {
                    1 => Geometry::LineString(lines.swap_remove(0)),
                    _ => Geometry::MultiLineString(MultiLineString(lines)),
                }));
            }
            Ok(Some(rings::by_direction(parts, row)))
        }
        31 => Err(Unreadable::Kind {
            kind: "MultiPatch".to_owned(),
        }),
        other => Err(Unreadable::Geometry {
            detail: format!("there is no shape type {other}"),
        }),
    }
}

fn is_finite(coord: Coord<f64>) -> bool {
    coord.x.is_finite() && coord.y.is_finite()
}

fn coord(content: &[u8], at: usize) -> Option<Coord<f64>> {
    Some(Coord {
        x: le_f64(content, at)?,
        y: le_f64(content, at + 8)?,
    })
}

fn coordinates(content: &[u8], start: usize, count: u32, max_vertices: u64) -> Result<Vec<Coord<f64>>, Unreadable> {
    if u64::from(count) > max_vertices {
        return Err(Unreadable::TooManyVertices {
            count: u64::from(count),
            limit: max_vertices,
        });
    }
    let bytes = (count as usize)
        .checked_mul(16)
        .and_then(|length| content.get(start..start.checked_add(length)?))
        .ok_or_else(|| Unreadable::Geometry {
            detail: "the record holds fewer points than it says".to_owned(),
        })?;
    let mut coords = Vec::with_capacity(count as usize);
    for point in bytes.chunks_exact(16) {
        let coord = coord(point, 0).unwrap_or(Coord {
            x: f64::NAN,
            y: f64::NAN,
        });
        if !is_finite(coord) {
            return Err(Unreadable::NotFinite);
        }
        coords.push(coord);
    }
    Ok(coords)
}

/// The parts of a line or polygon, and how many bytes of the record they took.
fn parts(content: &[u8], max_vertices: u64) -> Result<(Parts, usize), Unreadable> {
    let bad = |detail: &str| Unreadable::Geometry {
        detail: detail.to_owned(),
    };
    let (Some(part_count), Some(point_count)) = (le_u32(content, 36), le_u32(content, 40)) else {
        return Err(bad("the record is too short"));
    };
    let points_at = (part_count as usize)
        .checked_mul(4)
        .and_then(|length| length.checked_add(44))
        .filter(|at| *at <= content.len())
        .ok_or_else(|| bad("the record holds fewer parts than it says"))?;
    let coords = coordinates(content, points_at, point_count, max_vertices)?;
    let mut starts = Vec::with_capacity(part_count as usize);
    for part in 0..part_count as usize {
        let start = le_u32(content, 44 + part * 4).unwrap_or(0) as usize;
        if start > coords.len() || starts.last().is_some_and(|last| start < *last) {
            return Err(bad("the parts are out of order"));
        }
        starts.push(start);
    }
    if starts.is_empty() && !coords.is_empty() {
        starts.push(0);
    }
    let mut parts = Vec::with_capacity(starts.len());
    for (position, start) in starts.iter().enumerate() {
        let end = starts.get(position + 1).copied().unwrap_or(coords.len());
        parts.push(coords.get(*start..end).unwrap_or(&[]).to_vec());
    }
    parts.retain(|part| !part.is_empty());
    Ok((parts, points_at + coords.len() * 16))
}

/// Whether the optional block of measures is there and holds any.
fn has_measures(content: &[u8], kind: u32, used: usize) -> bool {
    let count = le_u32(content, 40).unwrap_or(0) as usize;
    let measures_at = match kind {
        13 | 15 => used + 16 + count * 8 + 16,
        23 | 25 => used + 16,
        _ => return false,
    };
    content.get(measures_at..measures_at + count * 8).is_some_and(|block| {
        block
            .chunks_exact(8)
            .any(|bytes| le_f64(bytes, 0).is_some_and(|measure| measure > NO_MEASURE))
    })
}
