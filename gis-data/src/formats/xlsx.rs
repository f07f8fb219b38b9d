//! Excel workbooks (`.xlsx`). A sheet is read cell by cell as it is unpacked; only the strings that
//! cells share are held in memory.

use std::fs::File;
use std::io::BufReader;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, SheetVisible, Xlsx, XlsxCellReader, XlsxError};
use serde_json::{Number, Value};

use super::handover::{self, Handover, Unwanted};
use super::table::{self, Merged, SAMPLE_ROWS, SampleRow, ShapeColumns};
use super::{LayerFiles, Opened};
use crate::source::{Limits, SourceBroken, SourceRefused, SourceRow, TableOptions, Unreadable, measure_archive};

/// Bytes of the parts that are held in memory.
const MAX_HELD_BYTES: u64 = 192 << 20;
/// Columns a sheet of Excel has at most.
const MAX_COLUMNS: usize = 16_384;
/// Whole numbers up to here are exact in a cell.
const EXACT: f64 = 9_007_199_254_740_992.0;

type Workbook = Xlsx<BufReader<File>>;

/// Opens a workbook and chooses its sheet.
pub(crate) fn open(files: &LayerFiles, options: &TableOptions, limits: Limits) -> Result<Opened, SourceRefused> {
    // Reads all parts once: their lengths are true afterwards, and so are their checksums.
    let unpacked = measure_archive(&files.main, limits, MAX_HELD_BYTES, |name| {
        !name.contains("/worksheets/") && !name.contains("/media/")
    })?;
    let length = std::fs::metadata(&files.main).map_or(0, |metadata| metadata.len());
    guarded(|| look_into(files, options, limits.max_vertices, length, unpacked))
}

/// Runs what reads a stranger's workbook: should the library give up its thread, the file is
/// refused and not the program.
fn guarded<T>(work: impl FnOnce() -> Result<T, SourceRefused>) -> Result<T, SourceRefused> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(SourceRefused::Broken(SourceBroken::Damaged {
            byte: 0,
            row: 0,
            detail: "the workbook contradicts itself".to_owned(),
        }))
    })
}

fn broken(error: &XlsxError, row: u64) -> SourceBroken {
    SourceBroken::Damaged {
        byte: 0,
        row,
        detail: error.to_string().chars().take(200).collect(),
    }
}

fn workbook(path: &Path) -> Result<Workbook, XlsxError> {
    Xlsx::new(BufReader::new(File::open(path)?))
}

/// Where things stand in a sheet.
struct Layout {
    sheet: String,
    /// The sheets there are.
    sheets: Vec<String>,
    names: Vec<String>,
    last_header: u64,
    shape: ShapeColumns,
    /// Cells of header and titles that are one.
    merged: Vec<Merged>,
}

fn refused(files: &LayerFiles, error: XlsxError) -> SourceRefused {
    match error {
        XlsxError::Password => SourceRefused::Encrypted {
            entry: files.name.clone(),
        },
        error => SourceRefused::Broken(broken(&error, 0)),
    }
}

/// Chooses the sheet and finds its header and its shapes.
fn lay_out(workbook: &mut Workbook, files: &LayerFiles, options: &TableOptions) -> Result<Layout, SourceRefused> {
    let failed = |error: XlsxError| refused(files, error);
    let sheets: Vec<(String, bool)> = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.typ == SheetType::WorkSheet)
        .map(|sheet| (sheet.name.clone(), sheet.visible == SheetVisible::Visible))
        .collect();
    let sheet = match &files.inner {
        Some(wanted) => match sheets.iter().find(|(name, _)| name == wanted) {
            Some((name, _)) => name.clone(),
            None => {
                return Err(SourceRefused::NoSuchMember {
                    member: wanted.clone(),
                    members: sheets.into_iter().map(|(name, _)| name).collect(),
                });
            }
        },
        None => only_sheet(workbook, &sheets, files)?,
    };
    let sample = sample(workbook, &sheet, SAMPLE_ROWS).map_err(SourceRefused::Broken)?;
    if sample.is_empty() {
        return Err(SourceRefused::Empty {
            name: format!("{}/{sheet}", files.name),
        });
    }
    let reach = sample.last().map_or(0, |(number, _)| *number);
    let merged: Vec<Merged> = workbook
        .merge_cells_by_sheet_name(&sheet)
        .map_err(failed)?
        .iter()
        .map(|area| Merged {
            rows: (u64::from(area.start.0) + 1, u64::from(area.end.0) + 1),
            columns: (area.start.1 as usize, area.end.1 as usize),
        })
        .filter(|area| area.rows.0 <= reach)
        .collect();
    let header = table::header(&sample, &merged, options.header, &sheet)?;
    let cells: Vec<&[String]> = sample
        .iter()
        .filter(|(number, _)| *number > header.last_row)
        .map(|(_, cells)| cells.as_slice())
        .collect();
    let shape = ShapeColumns::find(&header.names, &cells, options, &sheet)?;
    Ok(Layout {
        sheet,
        sheets: sheets.into_iter().map(|(name, _)| name).collect(),
        names: header.names,
        last_header: header.last_row,
        shape,
        merged,
    })
}

fn look_into(
    files: &LayerFiles,
    options: &TableOptions,
    max_vertices: u64,
    length: u64,
    unpacked: u64,
) -> Result<Opened, SourceRefused> {
    let failed = |error: XlsxError| refused(files, error);
    let mut workbook = workbook(&files.main).map_err(failed)?;
    let Layout {
        sheet,
        sheets,
        names,
        last_header,
        shape,
        ..
    } = lay_out(&mut workbook, files, options)?;
    let claimed = workbook
        .worksheet_cells_reader(&sheet)
        .map_err(failed)?
        .dimensions()
        .end
        .0;
    // A claim; no row takes fewer than twenty bytes.
    let estimated_rows = u64::from(claimed + 1)
        .saturating_sub(last_header)
        .min(unpacked / 20)
        .max(1);
    let fields = table::examples(&names, &shape);
    let reading = Reading {
        path: files.main.clone(),
        sheet,
        names,
        last_header,
        shape,
        max_vertices,
        length,
        estimated_rows,
    };
    let start = Arc::new(move |read: Arc<AtomicU64>| {
        read.store(0, Ordering::Relaxed);
        let reading = reading.clone();
        handover::rows("workbook-reader", move |handover| reading.run(handover, &read))
    });
    Ok(Opened {
        encoding: None,
        crs: shape.crs(),
        fields: Some(fields),
        warnings: Vec::new(),
        estimated_rows: Some(estimated_rows),
        bytes_total: length,
        may_have_shapes: shape.is_any(),
        layers: sheets,
        start,
    })
}

/// A sheet as it is, for a copy to be made of it.
pub(crate) struct SheetFacts {
    pub name: String,
    /// Of the columns, as an import calls them.
    pub names: Vec<String>,
    /// Rows of titles, header and example.
    pub header_rows: u64,
    /// The columns of the shape, from 0.
    pub shape_columns: Vec<usize>,
    /// Cells of header and titles that are one: first and last row, first and last column, from 0.
    pub merged: Vec<((u64, u64), (usize, usize))>,
}

/// Tells what the sheet is, then gives its cells in their order: row and column from 0, the value, and the number format
/// it is shown in. Within the limits of any reading.
pub(crate) fn copy<E: From<SourceRefused>>(
    files: &LayerFiles,
    options: &TableOptions,
    limits: Limits,
    begin: impl FnOnce(SheetFacts) -> Result<(), E>,
    mut cell: impl FnMut(u32, usize, &DataRef<'_>, Option<&str>) -> Result<(), E>,
) -> Result<(), E> {
    let is_held = |name: &str| !name.contains("/worksheets/") && !name.contains("/media/");
    measure_archive(&files.main, limits, MAX_HELD_BYTES, is_held)?;
    let (mut workbook, layout) = guarded(|| {
        let mut workbook = workbook(&files.main).map_err(|error| refused(files, error))?;
        let layout = lay_out(&mut workbook, files, options)?;
        Ok((workbook, layout))
    })?;
    begin(SheetFacts {
        name: layout.sheet.clone(),
        names: layout.names,
        header_rows: layout.last_header,
        shape_columns: layout.shape.places(),
        merged: layout
            .merged
            .iter()
            .filter(|area| area.rows.1 <= layout.last_header)
            .map(|area| ((area.rows.0 - 1, area.rows.1 - 1), area.columns))
            .collect(),
    })?;
    let read = |error: XlsxError| E::from(refused(files, error));
    let mut reader = workbook.worksheet_cells_reader(&layout.sheet).map_err(read)?;
    loop {
        // The library may give up its thread over a stranger's workbook; what is done with the cell may not.
        let found = guarded(|| reader.next_cell_with_style_id().map_err(|error| refused(files, error)))?;
        let Some((found, style)) = found else { return Ok(()) };
        let (row, column) = found.get_position();
        let format = reader
            .styles()
            .get(style)
            .and_then(|style| style.number_format.as_ref())
            .map(|format| format.format_code.as_str());
        cell(row, column as usize, found.get_value(), format)?;
    }
}

/// The only visible sheet that holds more than a header.
fn only_sheet(workbook: &mut Workbook, sheets: &[(String, bool)], files: &LayerFiles) -> Result<String, SourceRefused> {
    let mut filled = Vec::new();
    // Sheets that stand beside the table in workbooks of our own making.
    let is_table = |name: &str| ![crate::workbook::ABOUT_SHEET, crate::workbook::FAULTS_SHEET].contains(&name);
    for (name, _) in sheets.iter().filter(|(name, is_visible)| *is_visible && is_table(name)) {
        let rows = sample(workbook, name, 2).map_err(SourceRefused::Broken)?.len();
        if rows > 0 {
            filled.push((name, rows));
        }
    }
    // A sheet with one line is a note beside the tables.
    if filled.iter().any(|(_, rows)| *rows > 1) {
        filled.retain(|(_, rows)| *rows > 1);
    }
    match filled.as_slice() {
        [(only, _)] => Ok((*only).clone()),
        [] => Err(SourceRefused::Empty {
            name: files.name.clone(),
        }),
        _ => Err(SourceRefused::SeveralLayers {
            members: filled.into_iter().map(|(name, _)| name.clone()).collect(),
        }),
    }
}

/// The first rows that hold anything.
fn sample(workbook: &mut Workbook, sheet: &str, rows: usize) -> Result<Vec<SampleRow>, SourceBroken> {
    let mut reader = workbook
        .worksheet_cells_reader(sheet)
        .map_err(|error| broken(&error, 0))?;
    let mut cells = RowCells::default();
    let mut sample = Vec::new();
    while sample.len() < rows && cells.next(&mut reader)? {
        let texts = cells.values.iter().map(text_of).collect();
        sample.push((cells.number, texts));
    }
    Ok(sample)
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Gathers the cells of one row after another.
#[derive(Default)]
struct RowCells {
    /// The row's number in the sheet, from 1.
    number: u64,
    values: Vec<Value>,
    ahead: Option<(u32, usize, Value)>,
    /// All cells were read: asking for more is an error to the library.
    is_ended: bool,
}

impl RowCells {
    /// Moves on to the next row that holds anything.
    fn next(&mut self, reader: &mut XlsxCellReader<'_, BufReader<File>>) -> Result<bool, SourceBroken> {
        loop {
            self.values.clear();
            let mut current = None;
            if let Some((row, column, value)) = self.ahead.take() {
                current = Some(row);
                self.put(column, value);
            }
            while !self.is_ended {
                let found = reader
                    .next_cell_with_style_id()
                    .map_err(|error| broken(&error, self.number))?;
                let Some((cell, style)) = found else {
                    self.is_ended = true;
                    break;
                };
                let (row, column) = cell.get_position();
                let column = column as usize;
                let is_backwards =
                    current.is_some_and(|current| row < current) || (current.is_none() && u64::from(row) < self.number);
                if column >= MAX_COLUMNS || is_backwards {
                    return Err(SourceBroken::Damaged {
                        byte: 0,
                        row: self.number,
                        detail: "the cells of the sheet are out of order".to_owned(),
                    });
                }
                let format = reader
                    .styles()
                    .get(style)
                    .and_then(|style| style.number_format.as_ref())
                    .map(|format| format.format_code.as_str());
                let value = value(cell.get_value(), format);
                if current.is_some_and(|current| current != row) {
                    self.ahead = Some((row, column, value));
                    break;
                }
                current = Some(row);
                self.put(column, value);
            }
            let Some(row) = current else { return Ok(false) };
            self.number = u64::from(row) + 1;
            let is_blank = |value: &Value| match value {
                Value::Null => true,
                Value::String(text) => text.trim().is_empty(),
                _ => false,
            };
            if !self.values.iter().all(is_blank) {
                return Ok(true);
            }
        }
    }

    fn put(&mut self, column: usize, value: Value) {
        if value.is_null() {
            return;
        }
        if self.values.len() <= column {
            self.values.resize(column + 1, Value::Null);
        }
        if let Some(cell) = self.values.get_mut(column) {
            *cell = value;
        }
    }
}

/// The value of a cell: text as it stands, whole numbers without decimals, days and times in ISO
/// 8601. A number that the sheet shows with leading zeros is a code, and gets them.
fn value(cell: &DataRef<'_>, format: Option<&str>) -> Value {
    match cell {
        DataRef::Empty => Value::Null,
        DataRef::Int(number) => whole(*number, format),
        DataRef::Float(number) if number.fract() == 0.0 && number.abs() < EXACT => whole(*number as i64, format),
        DataRef::Float(number) => Number::from_f64(*number).map_or(Value::Null, Value::Number),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text_value(text),
        DataRef::SharedString(text) => text_value(text),
        DataRef::Bool(value) => Value::Bool(*value),
        DataRef::DateTime(time) => Value::from(iso(time)),
        DataRef::Error(error) => Value::from(error.to_string()),
    }
}

fn text_value(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        Value::from(text)
    }
}

fn whole(number: i64, format: Option<&str>) -> Value {
    match format {
        Some(format) if format.len() > 1 && number >= 0 && format.bytes().all(|byte| byte == b'0') => {
            Value::from(format!("{number:0width$}", width = format.len().min(64)))
        }
        _ => Value::from(number),
    }
}

fn iso(time: &ExcelDateTime) -> String {
    let serial = time.as_f64();
    if time.is_duration() || (0.0..1.0).contains(&serial) {
        let seconds = (serial * 86_400.0).round() as i64;
        let (sign, seconds) = if seconds < 0 { ("-", -seconds) } else { ("", seconds) };
        return format!(
            "{sign}{:02}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        );
    }
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second, milli) {
        (0, 0, 0, 0) => date,
        (_, _, _, 0) => format!("{date}T{hour:02}:{minute:02}:{second:02}"),
        _ => format!("{date}T{hour:02}:{minute:02}:{second:02}.{milli:03}"),
    }
}

/// One reading of a sheet.
#[derive(Clone)]
struct Reading {
    path: PathBuf,
    sheet: String,
    names: Vec<String>,
    last_header: u64,
    shape: ShapeColumns,
    max_vertices: u64,
    length: u64,
    estimated_rows: u64,
}

impl Reading {
    fn run(&self, handover: &mut Handover, read: &AtomicU64) -> Result<(), SourceBroken> {
        let mut workbook = workbook(&self.path).map_err(|error| broken(&error, 0))?;
        let mut reader = workbook
            .worksheet_cells_reader(&self.sheet)
            .map_err(|error| broken(&error, 0))?;
        let mut cells = RowCells::default();
        while cells.next(&mut reader)? {
            if cells.number <= self.last_header {
                continue;
            }
            if let Err(Unwanted) = handover.give(self.row(&cells)) {
                return Ok(());
            }
            let share = cells.number as f64 / self.estimated_rows.max(1) as f64;
            read.store((share.min(1.0) * self.length as f64) as u64, Ordering::Relaxed);
        }
        read.store(self.length, Ordering::Relaxed);
        Ok(())
    }

    fn row(&self, cells: &RowCells) -> SourceRow {
        let mut row = SourceRow::empty(cells.number);
        for (column, name) in self.names.iter().enumerate() {
            if !self.shape.is_shape(column) {
                let value = cells.values.get(column).cloned().unwrap_or(Value::Null);
                row.properties.insert(name.clone(), value);
            }
        }
        if cells.values.iter().skip(self.names.len()).any(|value| !value.is_null()) {
            row.geometry = Err(Unreadable::Record {
                detail: format!("{} cells, and the header has {}", cells.values.len(), self.names.len()),
            });
        } else {
            self.shape.read(&cells.values, self.max_vertices, &mut row);
        }
        row
    }
}
