//! Excel workbooks: typed cells, codes as text, a bilingual header that stays in sight.

use std::path::{Path, PathBuf};

use geo_types::Geometry;
use rust_xlsxwriter::{ColNum, DocProperties, ExcelDateTime, Format, FormatAlign, RowNum, Workbook, XlsxError};

use super::csv::SHAPE_COLUMN;
use super::wkt::push_wkt;
use super::{Cell, Column, ColumnKind, Shapes, Table, WarningKind, Warnings, WriteFailed, WriteRows};

/// Rows of a sheet, the header's included: a limit of the format.
const MAX_ROWS: RowNum = 1_048_576;
/// Characters (UTF-16 units) of a cell: a limit of the format.
const MAX_CELL: usize = 32_767;

pub(super) struct XlsxRows {
    workbook: Workbook,
    path: PathBuf,
    names: Vec<&'static str>,
    shape_column: Option<ColNum>,
    text: Format,
    date: Format,
    next_row: RowNum,
}

impl XlsxRows {
    pub(super) fn create(path: &Path, table: Table) -> Result<XlsxRows, WriteFailed> {
        let mut workbook = Workbook::new();
        if let Some(written_at) = date_time(&table.written_at) {
            workbook.set_properties(&DocProperties::new().set_creation_datetime(&written_at));
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            workbook.set_tempdir(folder).map_err(failed)?;
        }
        let text = Format::new().set_num_format("@");
        let date = Format::new().set_num_format("yyyy-mm-dd");
        let head = Format::new()
            .set_bold()
            .set_text_wrap()
            .set_align(FormatAlign::Top)
            .set_background_color("E8EEF4");
        let column_of = |index: usize| ColNum::try_from(index).unwrap_or(ColNum::MAX);
        let shape_column = (table.shapes != Shapes::None).then(|| column_of(table.columns.len()));
        let sheet = workbook.add_worksheet_with_constant_memory().map_err(failed)?;
        sheet.set_name(&table.title.zh).map_err(failed)?;
        sheet.set_freeze_panes(1, 0).map_err(failed)?;
        for (index, column) in table.columns.iter().enumerate() {
            sheet
                .set_column_width(column_of(index), width(column))
                .map_err(failed)?;
        }
        sheet.set_row_height(0, 32).map_err(failed)?;
        for (index, column) in table.columns.iter().enumerate() {
            // Chinese for people; the stable name is English and what other programs read.
            let words = format!("{}\n{}", column.label.zh, column.name);
            sheet
                .write_string_with_format(0, column_of(index), words, &head)
                .map_err(failed)?;
        }
        if let Some(column) = shape_column {
            // WKT names no system: the header does, and our own reader takes it from there.
            let words = format!("图形（{}）\n{SHAPE_COLUMN}", table.crs.name());
            sheet
                .write_string_with_format(0, column, words, &head)
                .map_err(failed)?;
        }
        Ok(XlsxRows {
            workbook,
            path: path.to_owned(),
            names: table.columns.iter().map(|column| column.name).collect(),
            shape_column,
            text,
            date,
            next_row: 1,
        })
    }
}

impl WriteRows for XlsxRows {
    fn row(
        &mut self,
        cells: &[Cell<'_>],
        shape: Option<Geometry<f64>>,
        warnings: &mut Warnings,
    ) -> Result<(), WriteFailed> {
        let row = self.next_row;
        if row >= MAX_ROWS {
            return Err(WriteFailed::TooLarge {
                part: "sheet".to_owned(),
                limit: "1 048 576 rows",
            });
        }
        let sheet = self.workbook.worksheet_from_index(0).map_err(failed)?;
        for ((column, cell), name) in (0..).zip(cells).zip(&self.names) {
            match *cell {
                Cell::Empty => {}
                Cell::Text(words) => {
                    let kept = cut(words);
                    if kept.len() < words.len() {
                        warnings.add(WarningKind::TextCut, name);
                    }
                    sheet
                        .write_string_with_format(row, column, kept, &self.text)
                        .map_err(failed)?;
                }
                Cell::Integer(number) => {
                    // Beyond 2^53 a cell would hold another number.
                    if number.unsigned_abs() > 1 << 53 {
                        sheet
                            .write_string_with_format(row, column, number.to_string(), &self.text)
                            .map_err(failed)?;
                    } else {
                        sheet.write_number(row, column, number as f64).map_err(failed)?;
                    }
                }
                Cell::Real(number) => {
                    sheet.write_number(row, column, number).map_err(failed)?;
                }
                Cell::Date { year, month, day } => match ExcelDateTime::from_ymd(year, month, day) {
                    Ok(moment) => {
                        sheet
                            .write_datetime_with_format(row, column, &moment, &self.date)
                            .map_err(failed)?;
                    }
                    // Days before 1900 have no number in a sheet.
                    Err(_) => {
                        sheet
                            .write_string_with_format(row, column, format!("{year:04}-{month:02}-{day:02}"), &self.text)
                            .map_err(failed)?;
                    }
                },
            }
        }
        if let (Some(column), Some(shape)) = (self.shape_column, &shape) {
            let mut wkt = Vec::new();
            push_wkt(&mut wkt, shape)?;
            if wkt.len() > MAX_CELL {
                warnings.add(WarningKind::ShapeTooLong, "");
            } else {
                let wkt = String::from_utf8_lossy(&wkt);
                sheet
                    .write_string_with_format(row, column, wkt.as_ref(), &self.text)
                    .map_err(failed)?;
            }
        }
        self.next_row += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>, _warnings: &mut Warnings) -> Result<u64, WriteFailed> {
        let last = ColNum::try_from(self.names.len())
            .unwrap_or(ColNum::MAX)
            .saturating_sub(1);
        let last = self.shape_column.unwrap_or(last);
        let sheet = self.workbook.worksheet_from_index(0).map_err(failed)?;
        sheet.autofilter(0, 0, self.next_row - 1, last).map_err(failed)?;
        self.workbook.save(&self.path).map_err(failed)?;
        std::fs::File::open(&self.path)?.sync_all()?;
        Ok(u64::from(self.next_row - 1))
    }
}

/// Column widths in characters: enough for what usually stands there.
fn width(column: &Column) -> f64 {
    match column.name {
        "id" => 38.0,
        "name" | "address" => 32.0,
        name if name.ends_with("_name") || name.ends_with("status") => 24.0,
        _ => match column.kind {
            ColumnKind::Text => 18.0,
            _ => 14.0,
        },
    }
}

/// The longest beginning that a cell holds.
fn cut(words: &str) -> &str {
    if words.len() <= MAX_CELL {
        return words;
    }
    let mut units = 0;
    for (at, letter) in words.char_indices() {
        units += letter.len_utf16();
        if units > MAX_CELL {
            return words.get(..at).unwrap_or_default();
        }
    }
    words
}

fn date_time(text: &str) -> Option<ExcelDateTime> {
    ExcelDateTime::parse_from_str(text.get(..19)?).ok()
}

fn failed(error: XlsxError) -> WriteFailed {
    match error {
        XlsxError::IoError(error) => WriteFailed::Io(error),
        other => WriteFailed::Library {
            detail: other.to_string(),
        },
    }
}
