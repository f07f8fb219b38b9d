//! Opening a source: what it is, unpacking it within limits, and streaming its rows.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use geo_types::{Coord, Geometry};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tempfile::TempDir;

use crate::crs::DeclaredCrs;
use crate::formats::StartReading;
use crate::mapping::FieldName;
use crate::report::Warning;

mod archive;
mod converter;
mod detect;
mod fingerprint;
mod locate;
mod refused;
mod rows;

pub(crate) use archive::measure_archive;
use detect::{Detected, open_layer};
use fingerprint::Fingerprint;
pub(crate) use locate::locate;
pub use refused::{SourceBroken, SourceRefused};
pub use rows::Rows;

/// The formats that can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// A GeoJSON document: FeatureCollection, Feature or bare geometry.
    GeoJson,
    /// One GeoJSON feature per line, or per record separator (RFC 8142).
    GeoJsonSequence,
    /// A list of JSON objects, each a row of a table.
    JsonList,
    /// An Esri shapefile with what companions it has.
    Shapefile,
    /// A layer of a GeoPackage.
    GeoPackage,
    /// A FlatGeobuf file.
    FlatGeobuf,
    /// A table of delimited text; its shapes, if any, stand in its columns.
    Csv,
    /// A sheet of an Excel workbook; its shapes, if any, stand in its columns.
    Xlsx,
    /// The boundary-point text file of Chinese land surveys (国土勘测定界).
    LandSurvey,
    /// A KML document.
    Kml,
    /// A GML document, converted by GDAL.
    Gml,
    /// A DXF drawing, converted by GDAL.
    Dxf,
}

impl Format {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::GeoJson => "geojson",
            Format::GeoJsonSequence => "geojson_sequence",
            Format::JsonList => "json_list",
            Format::Shapefile => "shapefile",
            Format::GeoPackage => "geopackage",
            Format::FlatGeobuf => "flatgeobuf",
            Format::Csv => "csv",
            Format::Xlsx => "xlsx",
            Format::LandSurvey => "land_survey",
            Format::Kml => "kml",
            Format::Gml => "gml",
            Format::Dxf => "dxf",
        }
    }
}

/// How much a source may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes an archive may unpack to, all members together. 16 GiB by default.
    pub max_unpacked_bytes: u64,
    /// Unpacked bytes for one packed byte, judged once 64 MiB came out. 300 by default.
    pub max_unpack_ratio: u64,
    /// Members an archive may list. 10 000 by default.
    pub max_archive_members: usize,
    /// Vertices of one feature. 1 000 000 by default.
    pub max_vertices: u64,
    /// Seconds that converting a file by another program may take. 600 by default.
    pub max_conversion_seconds: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_unpacked_bytes: 16 << 30,
            max_unpack_ratio: 300,
            max_archive_members: 10_000,
            max_vertices: 1_000_000,
            max_conversion_seconds: 600,
        }
    }
}

/// Which rows of a table are its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeaderRows {
    /// Found by what the first rows hold.
    #[default]
    Guess,
    /// There is none: columns are numbered.
    None,
    /// These, counted from 1; names of several rows are joined with a slash.
    Rows {
        /// The first.
        first: u64,
        /// The last, the same where there is one.
        last: u64,
    },
}

impl HeaderRows {
    /// Reads `0` (none), `3` or `2-3`.
    pub fn parse(text: &str) -> Option<HeaderRows> {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(text)?, number(text)?),
        };
        match (first, last) {
            (0, 0) => Some(HeaderRows::None),
            (first, last) if first >= 1 && first <= last && last - first < 20 => Some(HeaderRows::Rows { first, last }),
            _ => None,
        }
    }
}

/// How to read a table without a shape of its own kind (CSV, Excel). What isn't given is found by
/// names and values of the columns.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TableOptions {
    /// The header.
    pub header: HeaderRows,
    /// The column of WKT, or of WKB in hexadecimal digits.
    pub shape_column: Option<String>,
    /// The column of eastings or longitudes; goes with `y_column`.
    pub x_column: Option<String>,
    /// The column of northings or latitudes.
    pub y_column: Option<String>,
}

impl TableOptions {
    /// The first setting that isn't left to guessing.
    pub fn first_given(&self) -> Option<&'static str> {
        [
            (self.header != HeaderRows::Guess, "header_row"),
            (self.shape_column.is_some(), "shape_column"),
            (self.x_column.is_some(), "x_column"),
            (self.y_column.is_some(), "y_column"),
        ]
        .into_iter()
        .find_map(|(is_given, name)| is_given.then_some(name))
    }
}

/// How to read a source.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// Which layer to read, where there are several: a path inside an archive or folder, a table of
    /// a GeoPackage, a sheet of a workbook, or `file/layer`.
    pub member: Option<String>,
    /// Text encoding that overrides what the source says, a WHATWG label such as `gb18030`.
    pub encoding: Option<String>,
    /// How to read a table.
    pub table: TableOptions,
    /// GDAL's `ogr2ogr`, which converts GML and DXF; the one on the path where nothing is given.
    pub converter: Option<PathBuf>,
    /// How much the source may cost.
    pub limits: Limits,
    /// Where archives are unpacked to, in a folder that is removed afterwards; the system's
    /// temporary folder where nothing is given.
    pub temporary_folder: Option<PathBuf>,
}

/// Why the geometry (or the whole record) of one row can't be read.
#[derive(Debug, Clone, PartialEq)]
pub enum Unreadable {
    /// The record isn't a feature at all.
    Record {
        /// What was found.
        detail: String,
    },
    /// The geometry has the wrong form.
    Geometry {
        /// What was found.
        detail: String,
    },
    /// A coordinate is NaN or infinite.
    NotFinite,
    /// A kind of geometry that has no place here, such as a multipatch.
    Kind {
        /// The kind found.
        kind: String,
    },
    /// More vertices than allowed; reading stopped counting there.
    TooManyVertices {
        /// Counted so far, at least one more than the limit.
        count: u64,
        /// The limit.
        limit: u64,
    },
}

/// One row as it stands in the source, before mapping and checking.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceRow {
    /// Row number from 1, in the order of the source. In tables (CSV, Excel) it is the number that a
    /// spreadsheet shows beside the row: the header has numbers, too.
    pub row: u64,
    /// The feature's own id, where the format has one.
    pub id: Option<String>,
    /// The attributes as in the source.
    pub properties: Map<String, Value>,
    /// The shape in the source's coordinate system; `Ok(None)` where there is none.
    pub geometry: Result<Option<Geometry<f64>>, Unreadable>,
    /// Heights were dropped.
    pub dropped_z: bool,
    /// Measures were dropped.
    pub dropped_m: bool,
    /// Rings that didn't return to their first point and were closed.
    pub closed_rings: u32,
    /// Shells and holes were told apart by position, not by their direction.
    pub reassigned_rings: bool,
    /// Attributes with bytes that don't belong to the encoding.
    pub undecodable_fields: Vec<String>,
    /// NaN or infinity stood among the attributes and was taken as empty.
    pub not_a_number: bool,
}

impl SourceRow {
    /// A row of that number with nothing in it.
    pub(crate) fn empty(row: u64) -> SourceRow {
        SourceRow {
            row,
            id: None,
            properties: Map::new(),
            geometry: Ok(None),
            dropped_z: false,
            dropped_m: false,
            closed_rings: 0,
            reassigned_rings: false,
            undecodable_fields: Vec::new(),
            not_a_number: false,
        }
    }
}

/// How far the reading has got; cheap to clone and to ask from another thread.
#[derive(Debug, Clone)]
pub struct Progress {
    total: u64,
    read: Arc<AtomicU64>,
}

impl Progress {
    /// Bytes to read, unpacked.
    pub fn bytes_total(&self) -> u64 {
        self.total
    }

    /// Bytes read so far, unpacked.
    pub fn bytes_read(&self) -> u64 {
        self.read.load(Ordering::Relaxed).min(self.total)
    }
}

/// An opened source.
pub struct Source {
    format: Format,
    encoding: Option<String>,
    crs: DeclaredCrs,
    fields: Vec<FieldName>,
    fields_are_complete: bool,
    is_without_shapes: bool,
    warnings: Vec<Warning>,
    layers: Vec<String>,
    sample: Vec<Coord<f64>>,
    estimated_rows: Option<u64>,
    progress: Progress,
    start: StartReading,
    originals: Arc<Vec<Fingerprint>>,
    /// Unpacked and converted files live as long as somebody reads them.
    kept: Arc<Vec<TempDir>>,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Source")
            .field("format", &self.format)
            .field("encoding", &self.encoding)
            .field("crs", &self.crs)
            .field("fields", &self.fields)
            .finish_non_exhaustive()
    }
}

/// Rows looked at when opening, to learn fields and coordinates.
const SAMPLE_ROWS: usize = 500;
/// Bytes looked at when opening at most, should the first rows be huge.
const SAMPLE_BYTES: u64 = 16 << 20;

impl Source {
    /// Opens a file, a folder, a gzip file or a zip archive. The format is told by content.
    ///
    /// # Errors
    /// [`SourceRefused`] says why it can't be read, and what to do.
    pub fn open(path: &Path, options: &ReadOptions) -> Result<Source, SourceRefused> {
        let asked_for = match &options.encoding {
            None => None,
            Some(label) => Some(
                crate::encoding::by_label(label)
                    .ok_or_else(|| SourceRefused::UnknownEncoding { label: label.clone() })?,
            ),
        };
        let located = locate(path, options)?;
        let Detected {
            format,
            opened,
            converted,
        } = open_layer(&located.files, asked_for, options)?;
        if let Some(setting) = options.table.first_given()
            && !matches!(format, Format::Csv | Format::Xlsx)
        {
            return Err(SourceRefused::NoTable {
                name: located.files.name.clone(),
                setting,
            });
        }
        let read = Arc::new(AtomicU64::new(0));
        let mut fields = opened.fields.clone().unwrap_or_default();
        let mut is_complete = opened.fields.is_some();
        let lack_examples = fields.iter().all(|field| field.examples.is_empty());
        let mut sample = Vec::new();
        let mut rows_seen = 0;
        let mut is_read_to_end = false;
        // What breaks here breaks again, and is reported, when the rows are read.
        if let Ok(mut rows) = (opened.start)(Arc::clone(&read)) {
            loop {
                // Without any field the mapping would be empty for all rows that follow.
                let has_read_enough = read.load(Ordering::Relaxed) > SAMPLE_BYTES && !fields.is_empty();
                if rows_seen == SAMPLE_ROWS || has_read_enough {
                    break;
                }
                match rows.next() {
                    Some(Ok(row)) => {
                        rows_seen += 1;
                        if lack_examples {
                            note_fields(&mut fields, &row.properties);
                        }
                        if let Ok(Some(geometry)) = &row.geometry {
                            sample.extend(first_coordinate(geometry));
                        }
                    }
                    Some(Err(_)) => break,
                    None => {
                        is_complete = true;
                        is_read_to_end = true;
                        break;
                    }
                }
            }
        }
        read.store(0, Ordering::Relaxed);
        located.verify()?;
        Ok(Source {
            format,
            encoding: opened.encoding,
            crs: opened.crs,
            fields,
            fields_are_complete: is_complete,
            is_without_shapes: !opened.may_have_shapes || (is_read_to_end && sample.is_empty()),
            warnings: opened.warnings,
            layers: opened.layers,
            sample,
            estimated_rows: opened.estimated_rows,
            progress: Progress {
                total: opened.bytes_total,
                read,
            },
            start: opened.start,
            originals: Arc::new(located.originals),
            kept: Arc::new(located.unpacked.into_iter().chain(converted).collect()),
        })
    }

    /// The format found.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The text encoding used for the attributes, where there are any.
    pub fn encoding(&self) -> Option<&str> {
        self.encoding.as_deref()
    }

    /// What the source says about its coordinate system.
    pub fn crs(&self) -> &DeclaredCrs {
        &self.crs
    }

    /// The attribute fields; of formats without a schema, those of the first rows.
    pub fn fields(&self) -> Vec<FieldName> {
        self.fields.clone()
    }

    /// Whether [`Source::fields`] names every field there is.
    pub fn fields_are_complete(&self) -> bool {
        self.fields_are_complete
    }

    /// Whether it is certain that no row has a shape: then no coordinate system is needed.
    pub fn is_without_shapes(&self) -> bool {
        self.is_without_shapes
    }

    /// Warnings about the source as a whole.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The layers to choose from with [`ReadOptions::member`], of formats that hold several in one
    /// file; empty for others.
    pub fn layers(&self) -> &[String] {
        &self.layers
    }

    /// The first coordinate of each of the first rows, in the source's coordinate system.
    pub fn sample(&self) -> &[Coord<f64>] {
        &self.sample
    }

    /// How many rows there probably are.
    pub fn estimated_rows(&self) -> Option<u64> {
        self.estimated_rows
    }

    /// Bytes to read, unpacked.
    pub fn bytes_total(&self) -> u64 {
        self.progress.bytes_total()
    }

    /// Bytes read so far, unpacked.
    pub fn bytes_read(&self) -> u64 {
        self.progress.bytes_read()
    }

    /// A handle to watch the reading from elsewhere.
    pub fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// The rows in order, read by a thread of their own with a bounded buffer. Ends after the
    /// first error. May be asked for again: it starts from the beginning.
    pub fn rows(&mut self) -> Rows {
        Rows::start(
            Arc::clone(&self.start),
            Arc::clone(&self.progress.read),
            Arc::clone(&self.originals),
            Arc::clone(&self.kept),
        )
    }
}

fn note_fields(fields: &mut Vec<FieldName>, properties: &Map<String, Value>) {
    for (name, value) in properties {
        let position = match fields.iter().position(|field| field.name == *name) {
            Some(position) => position,
            None => {
                fields.push(FieldName {
                    name: name.clone(),
                    examples: Vec::new(),
                });
                fields.len() - 1
            }
        };
        let Some(field) = fields.get_mut(position) else {
            continue;
        };
        if field.examples.len() == 3 {
            continue;
        }
        let text = match value {
            Value::Null => continue,
            Value::String(text) => text.chars().take(80).collect(),
            other => other.to_string().chars().take(80).collect::<String>(),
        };
        if !text.is_empty() && !field.examples.contains(&text) {
            field.examples.push(text);
        }
    }
}

fn first_coordinate(geometry: &Geometry<f64>) -> Option<Coord<f64>> {
    use geo::CoordsIter;
    geometry.coords_iter().next()
}
