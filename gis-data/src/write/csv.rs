//! Comma-separated values: UTF-8 with BOM (Excel takes it for the local code page without), CRLF, shapes as WKT in the
//! last column, which GDAL and QGIS find by its name.

use std::io::Write;
use std::path::Path;

use csv::{QuoteStyle, Terminator, Writer, WriterBuilder};
use geo_types::Geometry;

use super::number::{push_date, push_real};
use super::wkt::push_wkt;
use super::{Buffered, Cell, Header, Shapes, Table, WarningKind, Warnings, WriteFailed, WriteRows, buffered, settle};

/// The name of the column with the shape.
pub(super) const SHAPE_COLUMN: &str = "wkt";

pub(super) struct CsvRows {
    writer: Writer<Buffered>,
    names: Vec<&'static str>,
    has_shapes: bool,
    field: Vec<u8>,
    rows: u64,
}

impl CsvRows {
    pub(super) fn create(path: &Path, table: &Table) -> Result<CsvRows, WriteFailed> {
        let mut file = buffered(path)?;
        file.write_all("\u{feff}".as_bytes())?;
        let mut writer = WriterBuilder::new()
            .terminator(Terminator::CRLF)
            .quote_style(QuoteStyle::Necessary)
            .buffer_capacity(1 << 16)
            .from_writer(file);
        let has_shapes = table.shapes != Shapes::None;
        for column in &table.columns {
            let words = match table.header {
                Header::Names => column.name,
                Header::Chinese => &column.label.zh,
                Header::English => &column.label.en,
            };
            writer.write_field(words).map_err(failed)?;
        }
        if has_shapes {
            writer.write_field(SHAPE_COLUMN).map_err(failed)?;
        }
        writer.write_record(None::<&[u8]>).map_err(failed)?;
        Ok(CsvRows {
            writer,
            names: table.columns.iter().map(|column| column.name).collect(),
            has_shapes,
            field: Vec::new(),
            rows: 0,
        })
    }
}

impl WriteRows for CsvRows {
    fn row(
        &mut self,
        cells: &[Cell<'_>],
        shape: Option<Geometry<f64>>,
        warnings: &mut Warnings,
    ) -> Result<(), WriteFailed> {
        for (cell, name) in cells.iter().zip(&self.names) {
            self.field.clear();
            match *cell {
                Cell::Empty => {}
                Cell::Text(words) => {
                    if needs_guard(words) {
                        self.field.push(b'\'');
                        warnings.add(WarningKind::FormulaGuarded, name);
                    }
                    self.field.extend_from_slice(words.as_bytes());
                }
                Cell::Integer(number) => self.field.extend_from_slice(number.to_string().as_bytes()),
                Cell::Real(number) => push_real(&mut self.field, number)?,
                Cell::Date { year, month, day } => push_date(&mut self.field, year, month, day),
            }
            self.writer.write_field(&self.field).map_err(failed)?;
        }
        if self.has_shapes {
            self.field.clear();
            if let Some(shape) = &shape {
                push_wkt(&mut self.field, shape)?;
            }
            self.writer.write_field(&self.field).map_err(failed)?;
        }
        self.writer.write_record(None::<&[u8]>).map_err(failed)?;
        self.rows += 1;
        Ok(())
    }

    fn finish(self: Box<Self>, _warnings: &mut Warnings) -> Result<u64, WriteFailed> {
        let CsvRows { writer, rows, .. } = *self;
        let file = writer
            .into_inner()
            .map_err(|error| WriteFailed::Io(std::io::Error::new(error.error().kind(), error.error().to_string())))?;
        settle(file)?;
        Ok(rows)
    }
}

/// Whether a spreadsheet would take the text for a formula. Texts that already look guarded get one apostrophe more, so
/// that taking one away always gives the text back.
fn needs_guard(words: &str) -> bool {
    words
        .trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn failed(error: csv::Error) -> WriteFailed {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => WriteFailed::Io(error),
        other => WriteFailed::Library {
            detail: format!("{other:?}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::needs_guard;

    #[test]
    fn what_a_spreadsheet_would_run_is_guarded_and_nothing_else() {
        for words in ["=1+1", "+86", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''-x"] {
            assert!(needs_guard(words), "{words:?}");
        }
        for words in ["", "a=1", "1-2", "'s-Gravenhage", "宗地", " x", "'"] {
            assert!(!needs_guard(words), "{words:?}");
        }
    }
}
