//! Writing layers: one file a format, all behind [`LayerWriter`].
//!
//! Shapes come in longitude and latitude of EPSG:4490 and leave in the chosen system
//! ([`TargetCrs`]). What a format can't hold as it is (long field names, long texts, rows without a
//! shape) is told by a counted [`WriteWarning`], never left out in silence; what would make a wrong
//! or a half file is refused ([`WriteFailed`]). A writer puts its file together at the path it is
//! given: callers name a temporary one and move it when [`LayerWriter::finish`] has answered.

mod crs;
mod csv;
mod flatgeobuf;
mod geojson;
mod geopackage;
mod number;
mod shapefile;
mod wkt;
mod xlsx;

use std::collections::BTreeMap;
use std::path::Path;

use geo_types::Geometry;

pub use crs::TargetCrs;

use crate::report::Words;

/// The formats that can be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WriteFormat {
    /// GeoJSON (RFC 7946), one feature a line.
    GeoJson,
    /// OGC GeoPackage 1.3 with an R-tree.
    GeoPackage,
    /// Esri shapefile in UTF-8, packed as zip.
    Shapefile,
    /// FlatGeobuf with its index.
    FlatGeobuf,
    /// Comma-separated UTF-8 with BOM, shapes as WKT.
    Csv,
    /// Excel workbook, shapes as WKT.
    Xlsx,
}

impl WriteFormat {
    /// All of them.
    pub const ALL: [WriteFormat; 6] = [
        WriteFormat::GeoJson,
        WriteFormat::GeoPackage,
        WriteFormat::Shapefile,
        WriteFormat::FlatGeobuf,
        WriteFormat::Csv,
        WriteFormat::Xlsx,
    ];

    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            WriteFormat::GeoJson => "geojson",
            WriteFormat::GeoPackage => "gpkg",
            WriteFormat::Shapefile => "shp",
            WriteFormat::FlatGeobuf => "fgb",
            WriteFormat::Csv => "csv",
            WriteFormat::Xlsx => "xlsx",
        }
    }

    /// The format of that code.
    pub fn parse(text: &str) -> Option<WriteFormat> {
        WriteFormat::ALL.into_iter().find(|format| format.as_str() == text)
    }

    /// How its files' names end, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            WriteFormat::Shapefile => "shp.zip",
            other => other.as_str(),
        }
    }

    /// The media type, as registered or as the format's own standard says.
    pub const fn media_type(self) -> &'static str {
        match self {
            WriteFormat::GeoJson => "application/geo+json",
            WriteFormat::GeoPackage => "application/geopackage+sqlite3",
            WriteFormat::Shapefile => "application/zip",
            WriteFormat::FlatGeobuf => "application/flatgeobuf",
            WriteFormat::Csv => "text/csv; charset=utf-8; header=present",
            WriteFormat::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }

    /// Whether it can hold a table that has no shapes.
    pub fn holds_tables(self) -> bool {
        matches!(self, WriteFormat::GeoPackage | WriteFormat::Csv | WriteFormat::Xlsx)
    }
}

/// What the cells of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text; codes too, whose leading zeros count.
    Text,
    /// A whole number.
    Integer,
    /// A number. `decimals`: how many a shapefile keeps; the other formats keep all.
    Real {
        /// Digits after the point in a shapefile.
        decimals: u8,
    },
    /// A day.
    Date,
}

/// A column.
#[derive(Debug, Clone)]
pub struct Column {
    /// The stable name.
    pub name: &'static str,
    /// What its cells are.
    pub kind: ColumnKind,
    /// What it is called for people.
    pub label: Words,
}

/// Which shapes the rows have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shapes {
    /// None: a table.
    None,
    /// Polygons and multipolygons. Where a format declares one kind, it is multipolygon.
    Polygons,
    /// Points, polygons and multipolygons.
    Mixed,
}

/// The words of a CSV's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Header {
    /// The stable names.
    #[default]
    Names,
    /// Chinese.
    Chinese,
    /// English.
    English,
}

/// What is to be written.
#[derive(Debug, Clone)]
pub struct Table {
    /// The layer's name inside the file: ASCII letters, digits and `_`.
    pub name: &'static str,
    /// What the layer is called for people.
    pub title: Words,
    /// The columns, in order. A text column named `id` becomes the feature's id where a format has one.
    pub columns: Vec<Column>,
    /// Which shapes the rows have.
    pub shapes: Shapes,
    /// The coordinate system.
    pub crs: TargetCrs,
    /// The words of a CSV's header.
    pub header: Header,
    /// When this is written, RFC 3339 in UTC (`2024-06-30T12:00:00Z`): formats keep it in their head.
    pub written_at: String,
}

impl Table {
    fn id_column(&self) -> Option<usize> {
        self.columns.iter().position(|column| column.name == "id")
    }
}

/// One value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Nothing.
    Empty,
    /// Text.
    Text(&'a str),
    /// A whole number.
    Integer(i64),
    /// A number, finite.
    Real(f64),
    /// A day.
    Date {
        /// 1 to 9999.
        year: u16,
        /// 1 to 12.
        month: u8,
        /// 1 to 31.
        day: u8,
    },
}

/// What a reader of the file should know; counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningKind {
    /// A field name is longer than 10 bytes and was cut (shapefile).
    FieldNameCut,
    /// A text was cut to what a field holds.
    TextCut,
    /// A row without a shape was left out (FlatGeobuf with index holds none).
    RowWithoutShape,
    /// Points went into a file of their own (shapefile).
    PointsApart,
    /// A shape is too long for a cell and was left out; its row is there (Excel).
    ShapeTooLong,
    /// A text that a spreadsheet would run as a formula begins with an apostrophe now (CSV).
    FormulaGuarded,
    /// A shape lies outside the zone of the chosen system; its coordinates are right, but distorted.
    OutsideZone,
    /// The system is not the one of RFC 7946; the file says so by the older `crs` member (GeoJSON).
    CrsMember,
}

impl WarningKind {
    /// The stable code.
    pub fn as_str(self) -> &'static str {
        match self {
            WarningKind::FieldNameCut => "field_name_cut",
            WarningKind::TextCut => "text_cut",
            WarningKind::RowWithoutShape => "row_without_shape",
            WarningKind::PointsApart => "points_apart",
            WarningKind::ShapeTooLong => "shape_too_long",
            WarningKind::FormulaGuarded => "formula_guarded",
            WarningKind::OutsideZone => "outside_zone",
            WarningKind::CrsMember => "crs_member",
        }
    }

    fn words(self) -> Words {
        match self {
            WarningKind::FieldNameCut => Words::new(
                "字段名超过 10 字节，已截短",
                "field names are longer than 10 bytes and were cut",
            ),
            WarningKind::TextCut => Words::new("文字过长，已截短", "texts were too long and were cut"),
            WarningKind::RowWithoutShape => Words::new(
                "没有图形的行未写入（带索引的 FlatGeobuf 不能容纳）",
                "rows without a shape were left out (FlatGeobuf with an index holds none)",
            ),
            WarningKind::PointsApart => Words::new(
                "点状图形另存为单独的文件（_points）",
                "points are in a file of their own (_points)",
            ),
            WarningKind::ShapeTooLong => Words::new(
                "图形过长，单元格容纳不下，未写入；该行其他内容都在",
                "shapes were too long for a cell and were left out; their rows are there",
            ),
            WarningKind::FormulaGuarded => Words::new(
                "以 =、+、-、@ 开头的文字前加了单引号，以免被当作公式执行",
                "texts that begin like a formula got an apostrophe in front",
            ),
            WarningKind::OutsideZone => Words::new(
                "图形不在所选投影带内，变形较大",
                "shapes lie outside the chosen zone and are distorted",
            ),
            WarningKind::CrsMember => Words::new(
                "坐标不是经纬度，不符合 RFC 7946；坐标系写在 crs 成员中",
                "the coordinates are not longitude and latitude as RFC 7946 wants; the file names its system in a crs member",
            ),
        }
    }
}

/// A counted warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteWarning {
    /// What it is.
    pub kind: WarningKind,
    /// How often.
    pub count: u64,
    /// In words.
    pub words: Words,
    /// The first few, as `full name → cut name` or the field's name; each once.
    pub examples: Vec<String>,
}

/// The warnings of a file under way.
#[derive(Debug, Default)]
struct Warnings(BTreeMap<WarningKind, (u64, Vec<String>)>);

/// More examples than this help nobody; cut field names are fewer.
const MAX_EXAMPLES: usize = 40;

impl Warnings {
    fn add(&mut self, kind: WarningKind, example: &str) {
        let (count, examples) = self.0.entry(kind).or_default();
        *count += 1;
        if !example.is_empty() && examples.len() < MAX_EXAMPLES && !examples.iter().any(|known| known == example) {
            examples.push(example.to_owned());
        }
    }

    fn into_list(self) -> Vec<WriteWarning> {
        self.0
            .into_iter()
            .map(|(kind, (count, examples))| WriteWarning {
                kind,
                count,
                words: kind.words(),
                examples,
            })
            .collect()
    }
}

/// What a finished file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Rows in the file.
    pub rows: u64,
    /// What to know about it.
    pub warnings: Vec<WriteWarning>,
}

/// Why there is no file. What was begun at the path is worth nothing.
#[derive(Debug, thiserror::Error)]
pub enum WriteFailed {
    /// Not a system that is written.
    #[error("the coordinate system {text} can't be exported to")]
    UnknownCrs {
        /// As asked.
        text: String,
    },
    /// The layer has no shapes and the format holds nothing else.
    #[error("{layer} have no shapes, and {format} holds nothing else")]
    NeedsShapes {
        /// The layer.
        layer: &'static str,
        /// The format's code.
        format: &'static str,
    },
    /// A shape is so far from the zone's central meridian that its coordinates would be nonsense.
    #[error("a shape at {longitude:.4}, {latitude:.4} is too far from the central meridian of {crs}")]
    FarFromZone {
        /// Degrees east.
        longitude: f64,
        /// Degrees north.
        latitude: f64,
        /// The system.
        crs: String,
    },
    /// The file would be larger than its format allows.
    #[error("the {part} would be larger than {limit}")]
    TooLarge {
        /// Which part of the file.
        part: String,
        /// The limit in words.
        limit: &'static str,
    },
    /// A kind of shape that the format or the layer can't hold.
    #[error("a {kind} can't be written as {format}")]
    ShapeKind {
        /// The kind of shape.
        kind: &'static str,
        /// The format's code.
        format: &'static str,
    },
    /// A row whose cells are not those of the table: a fault of the caller.
    #[error("a row has {found} cells where the table has {wanted} columns")]
    WrongRow {
        /// Cells.
        found: usize,
        /// Columns.
        wanted: usize,
    },
    /// The disk failed.
    #[error("the file can't be written")]
    Io(#[from] std::io::Error),
    /// A format's library failed.
    #[error("the file can't be written: {detail}")]
    Library {
        /// What it said.
        detail: String,
    },
}

impl WriteFailed {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            WriteFailed::UnknownCrs { .. } => "crs_not_exported",
            WriteFailed::NeedsShapes { .. } => "format_needs_shapes",
            WriteFailed::FarFromZone { .. } => "far_from_zone",
            WriteFailed::TooLarge { .. } => "too_large_for_format",
            WriteFailed::ShapeKind { .. } => "shape_kind",
            WriteFailed::WrongRow { .. } => "wrong_row",
            WriteFailed::Io(_) | WriteFailed::Library { .. } => "writing_failed",
        }
    }

    /// What is at fault and can be chosen otherwise: `crs`, `format`, or nothing where it is the system.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            WriteFailed::UnknownCrs { .. } | WriteFailed::FarFromZone { .. } => Some("crs"),
            WriteFailed::NeedsShapes { .. } | WriteFailed::TooLarge { .. } | WriteFailed::ShapeKind { .. } => {
                Some("format")
            }
            WriteFailed::WrongRow { .. } | WriteFailed::Io(_) | WriteFailed::Library { .. } => None,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            WriteFailed::UnknownCrs { .. } => Some(
                "choose EPSG:4490, EPSG:4326 or a 3-degree zone of CGCS2000: EPSG:4513 to 4533 with the zone number in the easting, EPSG:4534 to 4554 without",
            ),
            WriteFailed::NeedsShapes { .. } => Some("choose csv, xlsx or gpkg"),
            WriteFailed::FarFromZone { .. } => {
                Some("choose the zone the shapes lie in, or EPSG:4490, or narrow the export by bbox or region")
            }
            WriteFailed::TooLarge { .. } => {
                Some("narrow the export by region, or choose gpkg, fgb or geojson, which have no such limit")
            }
            WriteFailed::ShapeKind { .. } => Some("choose gpkg, fgb or geojson"),
            WriteFailed::WrongRow { .. } | WriteFailed::Io(_) | WriteFailed::Library { .. } => None,
        }
    }
}

/// What each format does.
trait WriteRows: Send {
    /// Adds a row; the shape is in the target's coordinates already.
    fn row(
        &mut self,
        cells: &[Cell<'_>],
        shape: Option<Geometry<f64>>,
        warnings: &mut Warnings,
    ) -> Result<(), WriteFailed>;

    /// Brings the file to its end and onto the disk. Answers how many rows it holds.
    fn finish(self: Box<Self>, warnings: &mut Warnings) -> Result<u64, WriteFailed>;
}

/// Writes a layer row by row.
pub struct LayerWriter {
    rows: Box<dyn WriteRows>,
    crs: TargetCrs,
    columns: usize,
    shapes: Shapes,
    format: WriteFormat,
    warnings: Warnings,
}

impl std::fmt::Debug for LayerWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LayerWriter")
            .field("format", &self.format)
            .field("crs", &self.crs)
            .finish_non_exhaustive()
    }
}

impl LayerWriter {
    /// Begins a file at the path, replacing what is there. Formats that need room beside it (shapefile,
    /// FlatGeobuf, XLSX) take it in the system's temporary folder or beside the path.
    ///
    /// # Errors
    /// [`WriteFailed::NeedsShapes`], or the disk's.
    pub fn create(path: &Path, format: WriteFormat, table: Table) -> Result<LayerWriter, WriteFailed> {
        if table.shapes == Shapes::None && !format.holds_tables() {
            return Err(WriteFailed::NeedsShapes {
                layer: table.name,
                format: format.as_str(),
            });
        }
        let (crs, columns, shapes) = (table.crs, table.columns.len(), table.shapes);
        let mut warnings = Warnings::default();
        if format == WriteFormat::GeoJson && !crs.is_geographic() {
            warnings.add(WarningKind::CrsMember, &crs.name());
        }
        let rows: Box<dyn WriteRows> = match format {
            WriteFormat::GeoJson => Box::new(geojson::GeoJsonRows::create(path, table)?),
            WriteFormat::GeoPackage => Box::new(geopackage::GeoPackageRows::create(path, table)?),
            WriteFormat::Shapefile => Box::new(shapefile::ShapefileRows::create(path, table, &mut warnings)?),
            WriteFormat::FlatGeobuf => Box::new(flatgeobuf::FlatGeobufRows::create(path, table)?),
            WriteFormat::Csv => Box::new(csv::CsvRows::create(path, &table)?),
            WriteFormat::Xlsx => Box::new(xlsx::XlsxRows::create(path, table)?),
        };
        Ok(LayerWriter {
            rows,
            crs,
            columns,
            shapes,
            format,
            warnings,
        })
    }

    /// Adds a row. `shape`: longitude and latitude, EPSG:4490.
    ///
    /// # Errors
    /// Where the shape can't be had in the target system or the format, or the disk fails; the file is to be
    /// given up then.
    pub fn write(&mut self, cells: &[Cell<'_>], shape: Option<Geometry<f64>>) -> Result<(), WriteFailed> {
        if cells.len() != self.columns {
            return Err(WriteFailed::WrongRow {
                found: cells.len(),
                wanted: self.columns,
            });
        }
        let mut shape = shape.filter(|_| self.shapes != Shapes::None);
        if let Some(shape) = &mut shape {
            let is_allowed = match shape {
                Geometry::Polygon(_) | Geometry::MultiPolygon(_) => true,
                Geometry::Point(_) => self.shapes == Shapes::Mixed,
                _ => false,
            };
            if !is_allowed {
                return Err(WriteFailed::ShapeKind {
                    kind: kind_of(shape),
                    format: self.format.as_str(),
                });
            }
            if self.crs.project(shape)? {
                self.warnings.add(WarningKind::OutsideZone, "");
            }
        }
        self.rows.row(cells, shape, &mut self.warnings)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// As [`LayerWriter::write`].
    pub fn finish(mut self) -> Result<Written, WriteFailed> {
        let rows = self.rows.finish(&mut self.warnings)?;
        Ok(Written {
            rows,
            warnings: self.warnings.into_list(),
        })
    }
}

fn kind_of(shape: &Geometry<f64>) -> &'static str {
    match shape {
        Geometry::Point(_) => "Point",
        Geometry::Line(_) | Geometry::LineString(_) => "LineString",
        Geometry::MultiPoint(_) => "MultiPoint",
        Geometry::MultiLineString(_) => "MultiLineString",
        Geometry::Polygon(_) | Geometry::Rect(_) | Geometry::Triangle(_) => "Polygon",
        Geometry::MultiPolygon(_) => "MultiPolygon",
        Geometry::GeometryCollection(_) => "GeometryCollection",
    }
}

/// A file that is written through a large buffer.
type Buffered = std::io::BufWriter<std::fs::File>;

fn buffered(path: &Path) -> Result<Buffered, WriteFailed> {
    Ok(std::io::BufWriter::with_capacity(1 << 18, std::fs::File::create(path)?))
}

/// Empties the buffer and waits until the bytes are on the disk.
fn settle(file: Buffered) -> Result<(), WriteFailed> {
    let file = file.into_inner().map_err(|error| WriteFailed::Io(error.into_error()))?;
    file.sync_all()?;
    Ok(())
}

/// West, south, east, north of a shape, in its own coordinates.
fn bounds(shape: &Geometry<f64>) -> Option<[f64; 4]> {
    use geo::BoundingRect;
    shape
        .bounding_rect()
        .map(|rect| [rect.min().x, rect.min().y, rect.max().x, rect.max().y])
}
