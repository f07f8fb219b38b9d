//! Tables of delimited text.
//!
//! Every value stays text, as it stands: leading zeros, dates and long numbers are nobody's to
//! change. A quotation mark that is never closed would swallow the rest of the file into one cell:
//! such a file is refused.

use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::csv as csv_crate;
use csv_crate::{ByteRecord, ReaderBuilder, Terminator};
use serde_json::Value;

use super::json::max_feature_bytes;
use super::survey::Survey;
use super::table::{self, SAMPLE_ROWS, SampleRow, ShapeColumns};
use super::text::{Text, TextFile, TooLong};
use super::{LayerFiles, Opened};
use crate::source::{SourceBroken, SourceRefused, SourceRow, TableOptions, Unreadable};

/// Bytes looked at to tell the delimiter.
const SAMPLE_BYTES: usize = 1 << 18;
/// In the order in which they are preferred where several fit equally well.
const DELIMITERS: [u8; 4] = [b'\t', b';', b'|', b','];
/// Bytes of a cell kept in the sample.
const SAMPLE_CELL: usize = 4096;

/// What the first bytes tell about the form of a table.
#[derive(Debug, Clone, Copy)]
struct Form {
    delimiter: u8,
    /// A first line for Excel, `sep=;`.
    has_separator_line: bool,
    /// All rows have the same number of cells, several.
    is_even: bool,
}

/// Opens a table. `is_named` tells that its name is that of a table: then a single column will do.
/// Gives nothing where the text is no table.
pub(crate) fn open(
    files: &LayerFiles,
    survey: Survey,
    options: &TableOptions,
    max_vertices: u64,
    is_named: bool,
) -> Result<Option<Opened>, SourceRefused> {
    let broken = SourceRefused::Broken;
    let file = TextFile {
        path: files.main.clone(),
        encoding: survey.encoding,
        length: survey.length,
        longest: max_feature_bytes(max_vertices) as u64,
        is_lossy: false,
    };
    let mut start = Vec::new();
    let io = |source| broken(SourceBroken::Io { byte: 0, source });
    let mut text = file.open(Arc::new(AtomicU64::new(0))).map_err(broken)?;
    text.by_ref()
        .take(SAMPLE_BYTES as u64)
        .read_to_end(&mut start)
        .map_err(io)?;
    let form = form(&start);
    if (!is_named && !form.is_even) || memchr::memchr(0, &start).is_some() {
        return Ok(None);
    }
    let sample = sample(&file, form).map_err(broken)?;
    if sample.is_empty() {
        return Err(SourceRefused::Empty {
            name: files.name.clone(),
        });
    }
    let header = table::header(&sample, &[], options.header, &files.name)?;
    let cells: Vec<&[String]> = sample
        .iter()
        .filter(|(number, _)| *number > header.last_row)
        .map(|(_, cells)| cells.as_slice())
        .collect();
    let shape = ShapeColumns::find(&header.names, &cells, options, &files.name)?;
    let fields = table::examples(&header.names, &shape);
    let names = Arc::new(header.names);
    let last_header = header.last_row;
    let encoding = survey.encoding.name().to_owned();
    let start = Arc::new(move |read: Arc<AtomicU64>| {
        read.store(0, Ordering::Relaxed);
        let rows: super::RowReader = Box::new(Rows {
            records: Records::new(&file, form, read)?,
            names: Arc::clone(&names),
            last_header,
            shape,
            max_vertices,
            is_done: false,
        });
        Ok(rows)
    });
    Ok(Some(Opened {
        encoding: Some(encoding),
        crs: shape.crs(),
        fields: Some(fields),
        warnings: Vec::new(),
        estimated_rows: Some(survey.lines.saturating_sub(last_header).max(1)),
        bytes_total: survey.length,
        may_have_shapes: shape.is_any(),
        layers: Vec::new(),
        start,
    }))
}

/// The delimiter under which the rows are most even.
fn form(start: &[u8]) -> Form {
    let is_cut = start.len() == SAMPLE_BYTES;
    let separator = start
        .get(..5)
        .filter(|line| line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"sep=")))
        .and_then(|line| line.get(4).copied())
        .filter(|_| matches!(start.get(5), Some(b'\r' | b'\n')));
    if let Some(delimiter) = separator {
        return Form {
            delimiter,
            has_separator_line: true,
            is_even: true,
        };
    }
    let widths = |delimiter: u8| -> Vec<usize> {
        let mut reader = builder(delimiter).from_reader(start);
        let mut widths: Vec<usize> = reader
            .byte_records()
            .take(SAMPLE_ROWS)
            .map_while(Result::ok)
            .map(|record| record.len())
            .collect();
        if is_cut && widths.len() > 1 && widths.len() < SAMPLE_ROWS {
            widths.pop();
        }
        widths
    };
    let mut best = (0, 0, b',', false);
    for delimiter in DELIMITERS {
        let widths = widths(delimiter);
        let (usual, count) = table::most_common(&widths);
        if usual < 2 {
            continue;
        }
        let share = count * 100 / widths.len().max(1);
        if (share, usual) > (best.0, best.1) {
            best = (share, usual, delimiter, share == 100 && widths.len() > 1);
        }
    }
    Form {
        delimiter: best.2,
        has_separator_line: false,
        is_even: best.3,
    }
}

fn builder(delimiter: u8) -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        // Line feeds, carriage returns and both, mixed as they may be.
        .terminator(Terminator::CRLF)
        .buffer_capacity(1 << 16);
    builder
}

fn sample(file: &TextFile, form: Form) -> Result<Vec<SampleRow>, SourceBroken> {
    let mut records = Records::new(file, form, Arc::new(AtomicU64::new(0)))?;
    let mut sample = Vec::new();
    let mut bytes = 0;
    while sample.len() < SAMPLE_ROWS && bytes < 16 << 20 {
        match records.next() {
            Ok(true) => {}
            Ok(false) => break,
            // What breaks behind the header is reported when the rows are read.
            Err(broken) if sample.is_empty() => return Err(broken),
            Err(_) => break,
        }
        bytes += records.current.as_slice().len();
        let cells = records
            .current
            .iter()
            .map(|cell| String::from_utf8_lossy(cell.get(..SAMPLE_CELL).unwrap_or(cell)).into_owned())
            .collect();
        sample.push((records.number, cells));
    }
    Ok(sample)
}

/// Where the text stands between quotation marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quotes {
    Outside,
    Inside,
    /// Behind a mark that ends the quotation, unless another follows at once.
    Behind,
}

/// Text whose quotation marks are followed, so that one left open at the end is noticed.
struct Quoted {
    text: Text,
    delimiter: u8,
    quotes: Quotes,
    /// The last byte given.
    last: u8,
}

impl Quoted {
    fn follow(&mut self, given: &[u8]) {
        let before_first = self.last;
        if self.quotes == Quotes::Behind && given.first().is_some_and(|byte| *byte != b'"') {
            self.quotes = Quotes::Outside;
        }
        let mut behind = None;
        for at in memchr::memchr_iter(b'"', given) {
            let before = match at.checked_sub(1) {
                Some(before) => given.get(before).copied().unwrap_or(before_first),
                None => before_first,
            };
            // A mark not followed by another ended the quotation.
            if self.quotes == Quotes::Behind && behind.is_some_and(|behind| behind != at) {
                self.quotes = Quotes::Outside;
            }
            self.quotes = match self.quotes {
                Quotes::Outside if before == self.delimiter || matches!(before, b'\n' | b'\r') => Quotes::Inside,
                Quotes::Outside => Quotes::Outside,
                Quotes::Inside => Quotes::Behind,
                Quotes::Behind => Quotes::Inside,
            };
            behind = Some(at + 1);
        }
        if self.quotes == Quotes::Behind && behind.is_some_and(|behind| behind < given.len()) {
            self.quotes = Quotes::Outside;
        }
        self.last = given.last().copied().unwrap_or(before_first);
    }
}

impl Read for Quoted {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let got = self.text.read(buffer)?;
        self.follow(buffer.get(..got).unwrap_or(&[]));
        Ok(got)
    }
}

/// The records of the file, one looked ahead: only behind the last one it shows whether the file
/// was cut off within it.
struct Records {
    reader: csv_crate::Reader<Quoted>,
    current: ByteRecord,
    ahead: ByteRecord,
    has_ahead: bool,
    /// The number of the current record in the file, from 1.
    number: u64,
    length: u64,
    /// Cells of the first record.
    width: usize,
}

impl Records {
    fn new(file: &TextFile, form: Form, read: Arc<AtomicU64>) -> Result<Records, SourceBroken> {
        let text = Quoted {
            text: file.open(read)?,
            delimiter: form.delimiter,
            quotes: Quotes::Outside,
            last: b'\n',
        };
        let mut records = Records {
            reader: builder(form.delimiter).from_reader(text),
            current: ByteRecord::new(),
            ahead: ByteRecord::new(),
            has_ahead: false,
            number: 0,
            length: file.length,
            width: 0,
        };
        records.has_ahead = records.read_ahead()?;
        if form.has_separator_line && records.has_ahead {
            records.number = 1;
            records.has_ahead = records.read_ahead()?;
        }
        Ok(records)
    }

    fn read_ahead(&mut self) -> Result<bool, SourceBroken> {
        self.reader.get_mut().text.start_piece();
        let byte = self.reader.position().byte();
        match self.reader.read_byte_record(&mut self.ahead) {
            Ok(has_more) => Ok(has_more),
            Err(error) => {
                let is_too_long = matches!(error.kind(), csv_crate::ErrorKind::Io(error) if TooLong::is(error));
                Err(match error.into_kind() {
                    csv_crate::ErrorKind::Io(_) if is_too_long => SourceBroken::Damaged {
                        byte,
                        row: self.number,
                        detail: "a row has no end; probably a quotation mark is never closed".to_owned(),
                    },
                    csv_crate::ErrorKind::Io(source) => SourceBroken::Io { byte, source },
                    other => SourceBroken::Damaged {
                        byte,
                        row: self.number,
                        detail: format!("{other:?}"),
                    },
                })
            }
        }
    }

    /// Moves on to the next record.
    fn next(&mut self) -> Result<bool, SourceBroken> {
        if !self.has_ahead {
            return Ok(false);
        }
        std::mem::swap(&mut self.current, &mut self.ahead);
        self.has_ahead = self.read_ahead()?;
        self.number += 1;
        if self.number == 1 {
            self.width = self.current.len();
        }
        if !self.has_ahead {
            let text = self.reader.get_ref();
            let is_unended = !matches!(text.last, b'\n' | b'\r');
            let is_short = is_unended && self.current.len() < self.width;
            if text.quotes == Quotes::Inside || is_short {
                return Err(SourceBroken::Truncated {
                    byte: self.length,
                    row: self.number - 1,
                });
            }
        }
        Ok(true)
    }
}

struct Rows {
    records: Records,
    names: Arc<Vec<String>>,
    last_header: u64,
    shape: ShapeColumns,
    max_vertices: u64,
    is_done: bool,
}

impl Rows {
    fn row(&self) -> SourceRow {
        let mut row = SourceRow::empty(self.records.number);
        let mut cells = Vec::with_capacity(self.names.len());
        for (column, name) in self.names.iter().enumerate() {
            let value = match self.records.current.get(column) {
                None | Some([]) => Value::Null,
                Some(bytes) => {
                    let text = String::from_utf8_lossy(bytes);
                    if text.contains('\u{fffd}') {
                        row.undecodable_fields.push(name.clone());
                    }
                    Value::String(unguarded(&text).to_owned())
                }
            };
            cells.push(value);
        }
        let has_more = self
            .records
            .current
            .iter()
            .skip(self.names.len())
            .any(|cell| !cell.trim_ascii().is_empty());
        if has_more {
            row.geometry = Err(Unreadable::Record {
                detail: format!(
                    "{} cells, and the header has {}",
                    self.records.current.len(),
                    self.names.len()
                ),
            });
        } else {
            self.shape.read(&cells, self.max_vertices, &mut row);
        }
        for (column, (name, value)) in self.names.iter().zip(cells).enumerate() {
            if !self.shape.is_shape(column) {
                row.properties.insert(name.clone(), value);
            }
        }
        row
    }
}

/// A text without the apostrophe that keeps a spreadsheet from running it as a formula: tables written with care, our own
/// among them, have one in front of whatever looks like a formula or like a guarded one.
fn unguarded(text: &str) -> &str {
    match text.strip_prefix('\'') {
        Some(rest)
            if rest
                .trim_start_matches('\'')
                .starts_with(['=', '+', '-', '@', '\t', '\r']) =>
        {
            rest
        }
        _ => text,
    }
}

impl Iterator for Rows {
    type Item = Result<SourceRow, SourceBroken>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.is_done {
            match self.records.next() {
                Ok(true) if self.records.number <= self.last_header => {}
                Ok(true) => return Some(Ok(self.row())),
                Ok(false) => self.is_done = true,
                Err(broken) => {
                    self.is_done = true;
                    return Some(Err(broken));
                }
            }
        }
        None
    }
}
