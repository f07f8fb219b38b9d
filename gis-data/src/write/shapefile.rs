//! Esri shapefiles in UTF-8, packed as one zip: `.shp`, `.shx`, `.dbf`, `.prj`, `.cpg`, and `.shp.xml` with the full
//! names of the fields.
//!
//! Written here and not by a library: rows without a shape, widths that fit the texts, and texts cut between letters
//! are what the libraries don't offer. By the format, shells run clockwise and holes counter-clockwise, names of fields
//! have 10 bytes, texts 254, and no part of it may be larger than 2 GB.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use geo_types::{Coord, Geometry, Polygon};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::{
    Buffered, Cell, ColumnKind, Table, WarningKind, Warnings, WriteFailed, WriteRows, bounds, buffered, kind_of, settle,
};
use crate::check::doubled_area;

mod dbf;

use dbf::{DbfRows, Field};

/// What readers take: sizes are signed 32-bit numbers in many of them.
const MAX_PART_BYTES: u64 = i32::MAX as u64;
const POINT: u32 = 1;
const POLYGON: u32 = 5;

pub(super) struct ShapefileRows {
    path: PathBuf,
    folder: TempDir,
    table: Table,
    fields: Vec<Field>,
    polygons: Part,
    /// Only where there are points: they can't stand among polygons.
    points: Option<Part>,
    rows: u64,
}

impl ShapefileRows {
    pub(super) fn create(path: &Path, table: Table, warnings: &mut Warnings) -> Result<ShapefileRows, WriteFailed> {
        let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = match beside {
            Some(beside) => tempfile::Builder::new().prefix(".shapefile-").tempdir_in(beside)?,
            None => tempfile::tempdir()?,
        };
        let fields = Field::of_table(&table, warnings);
        let polygons = Part::create(folder.path(), table.name.to_owned(), POLYGON, &fields, MAX_PART_BYTES)?;
        Ok(ShapefileRows {
            path: path.to_owned(),
            folder,
            table,
            fields,
            polygons,
            points: None,
            rows: 0,
        })
    }
}

impl WriteRows for ShapefileRows {
    fn row(
        &mut self,
        cells: &[Cell<'_>],
        shape: Option<Geometry<f64>>,
        warnings: &mut Warnings,
    ) -> Result<(), WriteFailed> {
        let part = if matches!(shape, Some(Geometry::Point(_))) {
            warnings.add(WarningKind::PointsApart, "");
            if self.points.is_none() {
                self.points = Some(Part::create(
                    self.folder.path(),
                    format!("{}_points", self.table.name),
                    POINT,
                    &self.fields,
                    MAX_PART_BYTES,
                )?);
            }
            self.points.as_mut().unwrap_or(&mut self.polygons)
        } else {
            &mut self.polygons
        };
        part.shape(shape.as_ref())?;
        part.records.row(cells, warnings)?;
        self.rows += 1;
        Ok(())
    }

    fn finish(self: Box<Self>, _warnings: &mut Warnings) -> Result<u64, WriteFailed> {
        let ShapefileRows {
            path,
            folder,
            table,
            fields,
            polygons,
            points,
            rows,
        } = *self;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .compression_level(Some(4));
        let mut zip = ZipWriter::new(buffered(&path)?);
        let (year, month, day) = day_of(&table.written_at);
        for part in std::iter::once(polygons).chain(points) {
            let name = part.name.clone();
            for (ending, mut file) in part.finish(folder.path(), (year, month, day))? {
                zip.start_file(format!("{name}.{ending}"), options).map_err(failed)?;
                std::io::copy(&mut file, &mut zip)?;
            }
            for (ending, words) in [
                ("prj", table.crs.esri_wkt()),
                ("cpg", "UTF-8".to_owned()),
                ("shp.xml", field_names(&table, &fields)),
            ] {
                zip.start_file(format!("{name}.{ending}"), options).map_err(failed)?;
                zip.write_all(words.as_bytes())?;
            }
        }
        settle(zip.finish().map_err(failed)?)?;
        Ok(rows)
    }
}

/// One shapefile under way: `.shp`, `.shx` and the rows of the `.dbf`.
struct Part {
    name: String,
    kind: u32,
    shapes: Buffered,
    index: Buffered,
    records: DbfRows,
    record: Vec<u8>,
    /// Bytes of the `.shp` so far, its head included.
    length: u64,
    count: u32,
    extent: Option<[f64; 4]>,
    max_bytes: u64,
}

impl Part {
    fn create(folder: &Path, name: String, kind: u32, fields: &[Field], max_bytes: u64) -> Result<Part, WriteFailed> {
        let begin = |ending: &str| {
            let path = folder.join(format!("{name}.{ending}"));
            let file = File::options()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(path)?;
            let mut file = BufWriter::with_capacity(1 << 18, file);
            // Filled in at the end, when length and extent are known.
            file.write_all(&[0; 100])?;
            Ok::<_, WriteFailed>(file)
        };
        Ok(Part {
            shapes: begin("shp")?,
            index: begin("shx")?,
            records: DbfRows::create(fields.to_vec(), max_bytes)?,
            name,
            kind,
            record: Vec::new(),
            length: 100,
            count: 0,
            extent: None,
            max_bytes,
        })
    }

    fn shape(&mut self, shape: Option<&Geometry<f64>>) -> Result<(), WriteFailed> {
        self.record.clear();
        match shape {
            None => self.record.extend_from_slice(&0_u32.to_le_bytes()),
            Some(Geometry::Point(point)) => {
                self.record.extend_from_slice(&POINT.to_le_bytes());
                self.record.extend_from_slice(&point.x().to_le_bytes());
                self.record.extend_from_slice(&point.y().to_le_bytes());
            }
            Some(Geometry::Polygon(polygon)) => push_polygons(&mut self.record, std::slice::from_ref(polygon)),
            Some(Geometry::MultiPolygon(polygons)) => push_polygons(&mut self.record, &polygons.0),
            Some(other) => {
                return Err(WriteFailed::ShapeKind {
                    kind: kind_of(other),
                    format: "shp",
                });
            }
        }
        if let Some(edges) = shape.and_then(bounds) {
            self.extent = Some(self.extent.map_or(edges, |known| {
                [
                    known[0].min(edges[0]),
                    known[1].min(edges[1]),
                    known[2].max(edges[2]),
                    known[3].max(edges[3]),
                ]
            }));
        }
        let bytes = self.record.len() as u64;
        if self.length + 8 + bytes > self.max_bytes {
            return Err(WriteFailed::TooLarge {
                part: format!("{}.shp", self.name),
                limit: "2 GB",
            });
        }
        self.count += 1;
        // Lengths and places are told in words of 16 bits.
        let place = words(self.length);
        self.shapes.write_all(&self.count.to_be_bytes())?;
        self.shapes.write_all(&words(bytes).to_be_bytes())?;
        self.shapes.write_all(&self.record)?;
        self.index.write_all(&place.to_be_bytes())?;
        self.index.write_all(&words(bytes).to_be_bytes())?;
        self.length += 8 + bytes;
        Ok(())
    }

    /// The finished parts with their endings, at their beginnings.
    fn finish(mut self, folder: &Path, written_on: (u16, u8, u8)) -> Result<Vec<(&'static str, File)>, WriteFailed> {
        let extent = self.extent.unwrap_or_default();
        let index_length = 100 + 8 * u64::from(self.count);
        for (file, length) in [(&mut self.shapes, self.length), (&mut self.index, index_length)] {
            file.rewind()?;
            file.write_all(&head(self.kind, length, extent))?;
            file.flush()?;
            file.rewind()?;
        }
        let unbuffered = |file: Buffered| file.into_inner().map_err(|error| WriteFailed::Io(error.into_error()));
        let table = self
            .records
            .finish(&folder.join(format!("{}.dbf", self.name)), written_on)?;
        Ok(vec![
            ("shp", unbuffered(self.shapes)?),
            ("shx", unbuffered(self.index)?),
            ("dbf", table),
        ])
    }
}

fn words(bytes: u64) -> u32 {
    u32::try_from(bytes / 2).unwrap_or(u32::MAX)
}

fn head(kind: u32, length: u64, extent: [f64; 4]) -> Vec<u8> {
    let mut head = Vec::with_capacity(100);
    head.extend_from_slice(&9994_u32.to_be_bytes());
    head.extend_from_slice(&[0; 20]);
    head.extend_from_slice(&words(length).to_be_bytes());
    head.extend_from_slice(&1000_u32.to_le_bytes());
    head.extend_from_slice(&kind.to_le_bytes());
    for edge in extent {
        head.extend_from_slice(&edge.to_le_bytes());
    }
    head.resize(100, 0);
    head
}

fn push_polygons(record: &mut Vec<u8>, polygons: &[Polygon<f64>]) {
    record.extend_from_slice(&POLYGON.to_le_bytes());
    let rings: Vec<(&[Coord<f64>], bool)> = polygons
        .iter()
        .flat_map(|polygon| {
            let shell = (polygon.exterior().0.as_slice(), true);
            std::iter::once(shell).chain(polygon.interiors().iter().map(|hole| (hole.0.as_slice(), false)))
        })
        .collect();
    let corners = rings.iter().flat_map(|(ring, _)| ring.iter());
    let edges = corners.fold(
        [f64::INFINITY, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY],
        |[west, south, east, north], at| [west.min(at.x), south.min(at.y), east.max(at.x), north.max(at.y)],
    );
    for edge in edges {
        record.extend_from_slice(&edge.to_le_bytes());
    }
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    record.extend_from_slice(&count(rings.len()));
    record.extend_from_slice(&count(rings.iter().map(|(ring, _)| ring.len()).sum()));
    let mut first = 0;
    for (ring, _) in &rings {
        record.extend_from_slice(&count(first));
        first += ring.len();
    }
    for (ring, is_shell) in rings {
        let is_clockwise = doubled_area(ring) < 0.0;
        let mut push = |at: &Coord<f64>| {
            record.extend_from_slice(&at.x.to_le_bytes());
            record.extend_from_slice(&at.y.to_le_bytes());
        };
        if is_clockwise == is_shell {
            ring.iter().for_each(&mut push);
        } else {
            ring.iter().rev().for_each(&mut push);
        }
    }
}

/// What the fields are in full, in the form that desktop programs show as aliases.
fn field_names(table: &Table, fields: &[Field]) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<metadata><eainfo><detailed><enttyp><enttypl>{}</enttypl></enttyp>\n",
        escape(table.name)
    );
    for (field, column) in fields.iter().zip(&table.columns) {
        text.push_str(&format!(
            "<attr><attrlabl>{}</attrlabl><attalias>{}</attalias><attrdef>{} / {}</attrdef></attr>\n",
            escape(&field.name),
            escape(column.name),
            escape(&column.label.zh),
            escape(&column.label.en),
        ));
    }
    text.push_str("</detailed></eainfo></metadata>\n");
    text
}

/// Year, month and day of an RFC 3339 instant.
fn day_of(written_at: &str) -> (u16, u8, u8) {
    let part = |from: usize, to: usize| written_at.get(from..to).unwrap_or_default();
    (
        part(0, 4).parse().unwrap_or(1970),
        part(5, 7).parse().unwrap_or(1),
        part(8, 10).parse().unwrap_or(1),
    )
}

fn failed(error: zip::result::ZipError) -> WriteFailed {
    match error {
        zip::result::ZipError::Io(error) => WriteFailed::Io(error),
        other => WriteFailed::Library {
            detail: other.to_string(),
        },
    }
}

/// Whether the column is written as digits.
fn is_number(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::Integer | ColumnKind::Real { .. })
}

#[cfg(test)]
mod tests {
    use geo_types::{Geometry, polygon};

    use super::{POLYGON, Part};
    use crate::write::WriteFailed;

    #[test]
    fn a_part_beyond_its_limit_is_refused_before_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let shape = Geometry::Polygon(polygon![(x: 0.0, y: 0.0), (x: 1.0, y: 0.0), (x: 1.0, y: 1.0)]);
        // The head has 100 bytes, a triangle 8 + 44 + 4 + 64.
        let mut part = Part::create(folder.path(), "parcels".to_owned(), POLYGON, &[], 100 + 2 * 120).unwrap();
        part.shape(Some(&shape)).unwrap();
        part.shape(Some(&shape)).unwrap();
        let refused = part.shape(Some(&shape)).unwrap_err();
        assert!(
            matches!(&refused, WriteFailed::TooLarge { part, limit: "2 GB" } if part == "parcels.shp"),
            "{refused}"
        );
    }
}
