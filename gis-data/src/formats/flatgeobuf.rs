//! FlatGeobuf. The crate's generated accessors and verifier read the buffers; the framing of the
//! file, the attributes and the shapes are read here, because the crate's own reading of them
//! panics on lengths that aren't true.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::flatgeobuf as fgb;
use fgb::{ColumnType, GeometryType};
use geo_types::{Coord, Geometry, GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point};
use serde_json::{Map, Number, Value};

use super::json::max_feature_bytes;
use super::shape::{MAX_COLLECTION_DEPTH, Notes, bad, kind, polygon, position};
use super::{LayerFiles, Opened};
use crate::crs::DeclaredCrs;
use crate::mapping::FieldName;
use crate::source::{SourceBroken, SourceRefused, SourceRow, Unreadable};

/// Bytes of a header; the format's own readers have the same limit.
const MAX_HEADER: usize = 10 << 20;
/// Bytes of one node of the spatial index.
const INDEX_NODE: u64 = 40;

/// Whether bytes are the start of a FlatGeobuf file of a version that is read.
pub(crate) fn is_flatgeobuf(head: &[u8]) -> bool {
    matches!(head, [b'f', b'g', b'b', 0..=3, b'f', b'g', b'b', ..])
}

/// A column of the attributes.
#[derive(Debug, Clone)]
struct Column {
    name: String,
    kind: ColumnType,
}

/// What the header tells.
struct Layout {
    columns: Vec<Column>,
    geometry: GeometryType,
    has_z: bool,
    has_m: bool,
    /// Zero where the writer didn't know.
    features: u64,
    /// Where the features start.
    start: u64,
    length: u64,
}

/// Opens a file.
pub(crate) fn open(files: &LayerFiles, max_vertices: u64) -> Result<Opened, SourceRefused> {
    let io = |source| SourceRefused::Broken(SourceBroken::Io { byte: 0, source });
    let mut file = File::open(&files.main).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let truncated = || SourceRefused::Broken(SourceBroken::Truncated { byte: length, row: 0 });
    let damaged = |detail: String| {
        SourceRefused::Broken(SourceBroken::Damaged {
            byte: 12,
            row: 0,
            detail,
        })
    };
    let mut start = [0_u8; 12];
    if length < 12 {
        return Err(truncated());
    }
    file.read_exact(&mut start).map_err(io)?;
    let size = start.last_chunk::<4>().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    if size as usize > MAX_HEADER {
        return Err(damaged(format!("a header of {size} bytes")));
    }
    if 12 + u64::from(size) > length {
        return Err(truncated());
    }
    let mut buffer = size.to_le_bytes().to_vec();
    (&mut file).take(u64::from(size)).read_to_end(&mut buffer).map_err(io)?;
    let header = fgb::size_prefixed_root_as_header(&buffer).map_err(|error| damaged(format!("the header: {error}")))?;
    let names = header
        .columns()
        .map(|columns| {
            columns
                .iter()
                .map(|column| column.name().to_owned())
                .collect::<Vec<_>>()
        })
        .unwrap_or_default();
    let kinds = header
        .columns()
        .map(|columns| columns.iter().map(|column| column.type_()).collect::<Vec<_>>())
        .unwrap_or_default();
    let columns: Vec<Column> = super::unique_names(names)
        .into_iter()
        .zip(kinds)
        .map(|(name, kind)| Column { name, kind })
        .collect();
    let features = header.features_count();
    let index = index_size(features, header.index_node_size())
        .filter(|index| 12 + u64::from(size) + index <= length)
        .ok_or_else(truncated)?;
    let crs = declared_crs(&header);
    let fields = columns
        .iter()
        .map(|column| FieldName {
            name: column.name.clone(),
            examples: Vec::new(),
        })
        .collect();
    let layout = Arc::new(Layout {
        columns,
        geometry: header.geometry_type(),
        has_z: header.has_z(),
        has_m: header.has_m(),
        features,
        start: 12 + u64::from(size) + index,
        length,
    });
    let estimated_rows = match features {
        // A polygon of ten vertices with some attributes.
        0 => (length - layout.start) / 400,
        // No feature takes fewer than four bytes.
        features => features.min(length / 4),
    };
    let path = files.main.clone();
    let start = Arc::new(move |read: Arc<AtomicU64>| {
        let io = |source| SourceBroken::Io { byte: 0, source };
        read.store(0, Ordering::Relaxed);
        let mut file = BufReader::with_capacity(1 << 20, File::open(&path).map_err(io)?);
        file.seek(SeekFrom::Start(layout.start)).map_err(io)?;
        let rows: super::RowReader = Box::new(Rows {
            file,
            layout: Arc::clone(&layout),
            at: layout.start,
            row: 0,
            buffer: Vec::new(),
            max_vertices,
            max_bytes: max_feature_bytes(max_vertices) as u64,
            read,
            is_done: false,
        });
        Ok(rows)
    });
    Ok(Opened {
        encoding: Some("UTF-8".to_owned()),
        crs,
        fields: Some(fields),
        warnings: Vec::new(),
        estimated_rows: Some(estimated_rows),
        bytes_total: length,
        may_have_shapes: true,
        layers: Vec::new(),
        start,
    })
}

/// Bytes of the spatial index; nothing where the numbers can't be true.
fn index_size(features: u64, node_size: u16) -> Option<u64> {
    if features == 0 || node_size == 0 {
        return Some(0);
    }
    let node_size = u64::from(node_size.max(2));
    let mut level = features;
    let mut nodes = features;
    // One feature has a root above it, too.
    loop {
        level = level.div_ceil(node_size);
        nodes = nodes.checked_add(level)?;
        if level == 1 {
            break;
        }
    }
    nodes.checked_mul(INDEX_NODE)
}

fn declared_crs(header: &fgb::Header<'_>) -> DeclaredCrs {
    let Some(crs) = header.crs() else {
        return DeclaredCrs::Missing;
    };
    let is_epsg = crs
        .org()
        .is_none_or(|org| org.trim().is_empty() || org.eq_ignore_ascii_case("EPSG"));
    if crs.code() > 0 && is_epsg {
        return DeclaredCrs::Member {
            name: format!("EPSG:{}", crs.code()),
        };
    }
    match (crs.wkt(), crs.org()) {
        (Some(wkt), _) if !wkt.trim().is_empty() => DeclaredCrs::Prj { wkt: wkt.to_owned() },
        (_, Some(org)) if crs.code() > 0 => DeclaredCrs::Member {
            name: format!("{org}:{}", crs.code()),
        },
        _ => DeclaredCrs::Missing,
    }
}

struct Rows {
    file: BufReader<File>,
    layout: Arc<Layout>,
    at: u64,
    row: u64,
    buffer: Vec<u8>,
    max_vertices: u64,
    max_bytes: u64,
    read: Arc<AtomicU64>,
    is_done: bool,
}

impl Rows {
    fn io(&self, source: std::io::Error) -> SourceBroken {
        SourceBroken::Io { byte: self.at, source }
    }

    fn step(&mut self) -> Result<Option<SourceRow>, SourceBroken> {
        let (length, features) = (self.layout.length, self.layout.features);
        let truncated = SourceBroken::Truncated {
            byte: length,
            row: self.row,
        };
        if self.at == length {
            // Where the header counts the features, fewer mean that the file was cut between two.
            return if self.row < features { Err(truncated) } else { Ok(None) };
        }
        if features > 0 && self.row == features {
            return Err(SourceBroken::Damaged {
                byte: self.at,
                row: self.row,
                detail: "there is something behind the last feature".to_owned(),
            });
        }
        if length - self.at < 4 {
            return Err(truncated);
        }
        let mut prefix = [0_u8; 4];
        let result = self.file.read_exact(&mut prefix);
        result.map_err(|source| self.io(source))?;
        let size = u64::from(u32::from_le_bytes(prefix));
        if size > length - self.at - 4 {
            return Err(truncated);
        }
        self.row += 1;
        let mut row = SourceRow::empty(self.row);
        if size > self.max_bytes {
            let result = self.file.seek_relative(i64::try_from(size).unwrap_or(i64::MAX));
            result.map_err(|source| self.io(source))?;
            row.geometry = Err(Unreadable::TooManyVertices {
                count: self.max_vertices + 1,
                limit: self.max_vertices,
            });
        } else {
            self.buffer.clear();
            self.buffer.extend_from_slice(&prefix);
            let result = (&mut self.file).take(size).read_to_end(&mut self.buffer);
            result.map_err(|source| self.io(source))?;
            feature(&self.buffer, &self.layout, self.max_vertices, &mut row);
        }
        self.at += 4 + size;
        self.read.store(self.at, Ordering::Relaxed);
        Ok(Some(row))
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

/// Reads a feature with its size before it.
fn feature(buffer: &[u8], layout: &Layout, max_vertices: u64, row: &mut SourceRow) {
    let feature = match fgb::size_prefixed_root_as_feature(buffer) {
        Ok(feature) => feature,
        Err(error) => {
            row.geometry = Err(Unreadable::Record {
                detail: error.to_string().lines().next().unwrap_or_default().to_owned(),
            });
            return;
        }
    };
    let own: Option<Vec<Column>> = feature.columns().filter(|columns| !columns.is_empty()).map(|columns| {
        columns
            .iter()
            .map(|column| Column {
                name: column.name().to_owned(),
                kind: column.type_(),
            })
            .collect()
    });
    let columns = own.as_deref().unwrap_or(&layout.columns);
    let bytes = feature.properties().map(|bytes| bytes.bytes()).unwrap_or_default();
    if let Err(detail) = properties(bytes, columns, row) {
        row.geometry = Err(Unreadable::Record { detail });
        return;
    }
    let Some(shape) = feature.geometry() else {
        return;
    };
    let mut notes = Notes::new(max_vertices);
    notes.dropped_z = layout.has_z;
    notes.dropped_m = layout.has_m;
    row.geometry = geometry(&shape, layout.geometry, &mut notes, 0).map(Some);
    notes.note(row);
}

/// Reads the attributes: the number of a column and its value, one after another.
fn properties(bytes: &[u8], columns: &[Column], row: &mut SourceRow) -> Result<(), String> {
    let mut properties: Map<String, Value> = columns
        .iter()
        .map(|column| (column.name.clone(), Value::Null))
        .collect();
    let mut rest = bytes;
    fn take<'a>(rest: &mut &'a [u8], length: usize) -> Result<&'a [u8], String> {
        let (taken, behind) = rest
            .split_at_checked(length)
            .ok_or_else(|| "the attributes end too early".to_owned())?;
        *rest = behind;
        Ok(taken)
    }
    fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], String> {
        Ok(take(rest, N)?.try_into().unwrap_or([0; N]))
    }
    fn long<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], String> {
        let length = u32::from_le_bytes(fixed(rest)?);
        take(rest, length as usize)
    }
    // Some writers leave a byte behind the last value.
    while rest.len() > 1 {
        let position = usize::from(u16::from_le_bytes(fixed(&mut rest)?));
        let column = columns
            .get(position)
            .ok_or_else(|| format!("there is no column {position}"))?;
        let mut is_number = true;
        let mut float = |value: f64| match Number::from_f64(value) {
            Some(number) => Value::Number(number),
            None => {
                is_number = false;
                Value::Null
            }
        };
        let value = match column.kind {
            ColumnType::Byte => Value::from(i8::from_le_bytes(fixed(&mut rest)?)),
            ColumnType::UByte => Value::from(u8::from_le_bytes(fixed(&mut rest)?)),
            ColumnType::Bool => Value::from(fixed::<1>(&mut rest)? != [0]),
            ColumnType::Short => Value::from(i16::from_le_bytes(fixed(&mut rest)?)),
            ColumnType::UShort => Value::from(u16::from_le_bytes(fixed(&mut rest)?)),
            ColumnType::Int => Value::from(i32::from_le_bytes(fixed(&mut rest)?)),
            ColumnType::UInt => Value::from(u32::from_le_bytes(fixed(&mut rest)?)),
            ColumnType::Long => Value::from(i64::from_le_bytes(fixed(&mut rest)?)),
            ColumnType::ULong => Value::from(u64::from_le_bytes(fixed(&mut rest)?)),
            ColumnType::Float => {
                let value = f32::from_le_bytes(fixed(&mut rest)?);
                // The digits that were meant, and not those of the nearest double.
                float(value.to_string().parse().unwrap_or(f64::from(value)))
            }
            ColumnType::Double => float(f64::from_le_bytes(fixed(&mut rest)?)),
            ColumnType::Binary => Value::from(super::binary_text(long(&mut rest)?)),
            ColumnType::Json => {
                let bytes = long(&mut rest)?;
                serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes)))
            }
            ColumnType::String | ColumnType::DateTime => {
                let bytes = long(&mut rest)?;
                match std::str::from_utf8(bytes) {
                    Ok(text) => Value::from(text),
                    Err(_) => {
                        row.undecodable_fields.push(column.name.clone());
                        Value::from(String::from_utf8_lossy(bytes))
                    }
                }
            }
            ColumnType(other) => return Err(format!("there is no column type {other}")),
        };
        row.not_a_number |= !is_number;
        properties.insert(column.name.clone(), value);
    }
    row.properties = properties;
    Ok(())
}

fn geometry(
    shape: &fgb::Geometry<'_>,
    kind_of_layer: GeometryType,
    notes: &mut Notes,
    depth: u32,
) -> Result<Geometry<f64>, Unreadable> {
    if depth > MAX_COLLECTION_DEPTH {
        return Err(bad("collections nested too deep"));
    }
    let kind_of_shape = match kind_of_layer {
        GeometryType::Unknown => shape.type_(),
        known => known,
    };
    Ok(match kind_of_shape {
        GeometryType::Point => match coordinates(shape, notes)?.as_slice() {
            [] => Geometry::MultiPoint(MultiPoint(Vec::new())),
            [coord] => Geometry::Point(Point(*coord)),
            _ => return Err(bad("a point has one position")),
        },
        GeometryType::MultiPoint => {
            Geometry::MultiPoint(MultiPoint(coordinates(shape, notes)?.into_iter().map(Point).collect()))
        }
        GeometryType::LineString => Geometry::LineString(LineString(coordinates(shape, notes)?)),
        GeometryType::MultiLineString => Geometry::MultiLineString(MultiLineString(
            pieces(shape, notes)?.into_iter().map(LineString).collect(),
        )),
        GeometryType::Polygon => Geometry::Polygon(rings(shape, notes)?),
        GeometryType::MultiPolygon => {
            let mut polygons = Vec::new();
            match shape.parts() {
                Some(parts) => {
                    for part in parts {
                        notes.part()?;
                        polygons.push(rings(&part, notes)?);
                    }
                }
                // One polygon without a list around it.
                None if shape.xy().is_some() => polygons.push(rings(shape, notes)?),
                None => {}
            }
            Geometry::MultiPolygon(MultiPolygon(polygons))
        }
        GeometryType::GeometryCollection => {
            let mut members = Vec::new();
            for part in shape.parts().into_iter().flatten() {
                notes.part()?;
                members.push(geometry(&part, GeometryType::Unknown, notes, depth + 1)?);
            }
            Geometry::GeometryCollection(GeometryCollection(members))
        }
        GeometryType::Unknown => return Err(bad("the shape has no type")),
        other => {
            return Err(match other.variant_name() {
                Some(name) => kind(name),
                None => bad(format!("there is no shape type {}", other.0)),
            });
        }
    })
}

fn coordinates(shape: &fgb::Geometry<'_>, notes: &mut Notes) -> Result<Vec<Coord<f64>>, Unreadable> {
    let bytes = shape.xy().map(|xy| xy.bytes()).unwrap_or_default();
    if !bytes.len().is_multiple_of(16) {
        return Err(bad("a position has fewer than two numbers"));
    }
    notes.count((bytes.len() / 16) as u64)?;
    let mut coords = Vec::with_capacity(bytes.len() / 16);
    for pair in bytes.chunks_exact(16) {
        let number = |at: usize| {
            let bytes = pair.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
            f64::from_le_bytes(bytes.unwrap_or([0xFF; 8]))
        };
        coords.push(position(number(0), number(8))?);
    }
    Ok(coords)
}

/// The lines or rings of a shape, told apart by where each ends.
fn pieces(shape: &fgb::Geometry<'_>, notes: &mut Notes) -> Result<Vec<Vec<Coord<f64>>>, Unreadable> {
    let coords = coordinates(shape, notes)?;
    let Some(ends) = shape.ends().filter(|ends| !ends.is_empty()) else {
        return Ok(if coords.is_empty() { Vec::new() } else { vec![coords] });
    };
    let mut pieces = Vec::with_capacity(ends.len().min(coords.len() + 1));
    let mut start = 0;
    for end in ends {
        notes.part()?;
        let piece = coords
            .get(start..end as usize)
            .ok_or_else(|| bad("the parts are out of order"))?;
        pieces.push(piece.to_vec());
        start = end as usize;
    }
    if start != coords.len() {
        return Err(bad("the parts don't hold all positions"));
    }
    Ok(pieces)
}

fn rings(shape: &fgb::Geometry<'_>, notes: &mut Notes) -> Result<geo_types::Polygon<f64>, Unreadable> {
    let pieces = pieces(shape, notes)?;
    Ok(polygon(pieces.into_iter().map(|ring| notes.ring(ring)).collect()))
}
