//! A copy of a sheet with every fault marked in its cell, for whoever filled it in.
//!
//! Values, number formats, merged headings and the place of every row stay; lists to choose from are laid over the
//! columns that have one. Why the copy is written anew: docs/adr/0011.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use calamine::DataRef;
use rust_xlsxwriter::{ColNum, ExcelDateTime, Format, FormatAlign, Note, Workbook, Worksheet};

use super::column::{Cells, Checks};
use super::{FAULTS_SHEET, WORDS_SHEET, failed};
use crate::formats::xlsx::{SheetFacts, copy};
use crate::mapping::Target;
use crate::report::Words;
use crate::source::{ReadOptions, SourceRefused, locate};
use crate::write::WriteFailed;

/// Cells of the largest sheet that is copied: they are held in memory.
const MAX_CELLS: usize = 1_500_000;
/// Bytes of all texts that are copied, likewise: a few kilobytes of a file may unpack to as much.
const MAX_TEXT_BYTES: usize = 192 << 20;
/// Rows of a sheet: a limit of the format.
const MAX_ROWS: u32 = 1_048_576;
/// Characters of a cell, UTF-16 units: a limit of the format.
const MAX_TEXT: usize = 32_767;
/// Columns of a sheet, likewise.
const MAX_COLUMNS: usize = 16_384;
/// Letters of a reason in a comment.
const MAX_NOTE: usize = 1_000;
/// Cells of one heading at most that are one in the copy, too.
const MAX_MERGED: u64 = 4_096;

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The number that the spreadsheet shows beside the row.
    pub row: u64,
    /// Our field at fault, `key` or `geometry`; nothing where the row as a whole is.
    pub field: Option<String>,
    /// What is wrong.
    pub words: Words,
    /// The row was not taken over; else it was, with this warning.
    pub is_refused: bool,
}

/// There is no marked copy.
#[derive(Debug, thiserror::Error)]
pub enum MarkRefused {
    /// The sheet can't be read, as it was.
    #[error(transparent)]
    Source(#[from] SourceRefused),
    /// It is more than is copied.
    #[error("the sheet has more than {limit}")]
    TooLarge {
        /// The most there may be.
        limit: &'static str,
    },
    /// The copy can't be written.
    #[error(transparent)]
    Write(#[from] WriteFailed),
}

/// What is said in one cell.
#[derive(Debug, Default)]
struct Mark {
    is_refused: bool,
    reasons: Vec<Words>,
}

/// Writes the marked copy of the sheet that was read with these options. `mapping`: our field and the header of its column.
///
/// # Errors
/// [`MarkRefused`]; then there is no file worth having.
pub fn mark(
    path: &Path,
    options: &ReadOptions,
    mapping: &[(String, String)],
    faults: &[Fault],
    to: &Path,
) -> Result<(), MarkRefused> {
    let located = locate(path, options)?;
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    let sheet_and_copy = std::cell::RefCell::new((sheet, None::<Copy>));
    copy(
        &located.files,
        &options.table,
        options.limits,
        |facts| {
            let (sheet, copy) = &mut *sheet_and_copy.borrow_mut();
            *copy = Some(Copy::begin(sheet, facts, mapping, faults)?);
            Ok::<_, MarkRefused>(())
        },
        |row, column, value, format| {
            let (sheet, copy) = &mut *sheet_and_copy.borrow_mut();
            match copy {
                Some(copy) => copy.cell(sheet, row, column, value, format),
                None => Ok(()),
            }
        },
    )?;
    let (sheet, copy) = sheet_and_copy.into_inner();
    let Some(copy) = copy else { return Ok(()) };
    let mut checks = Checks::default();
    let listed = copy.finish(sheet, mapping, &mut checks)?;
    list(workbook.add_worksheet(), &listed)?;
    checks.write_words(&mut workbook)?;
    workbook.save(to).map_err(failed)?;
    Ok(())
}

/// A line of the list of faults.
struct Listed {
    row: u64,
    place: String,
    column: String,
    words: Words,
    is_refused: bool,
}

/// How a cell is shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Look {
    format: Option<String>,
    is_header: bool,
    /// Marked, and for a row that was refused.
    marked: Option<bool>,
}

struct Copy {
    facts: SheetFacts,
    /// By row and column, from 0.
    marks: BTreeMap<(u32, ColNum), Mark>,
    listed: Vec<Listed>,
    looks: HashMap<Look, Format>,
    widths: HashMap<ColNum, usize>,
    cells: usize,
    text_bytes: usize,
}

impl Copy {
    fn begin(
        sheet: &mut Worksheet,
        facts: SheetFacts,
        mapping: &[(String, String)],
        faults: &[Fault],
    ) -> Result<Copy, MarkRefused> {
        // What a stranger calls a sheet may be nothing that a library takes; the name is no matter of the import.
        let is_taken = [FAULTS_SHEET, WORDS_SHEET].contains(&facts.name.as_str());
        if is_taken || sheet.set_name(&facts.name).is_err() {
            sheet.set_name("数据").map_err(failed)?;
        }
        let mut marks: BTreeMap<(u32, ColNum), Mark> = BTreeMap::new();
        let mut listed = Vec::new();
        for fault in faults {
            let row = fault.row.checked_sub(1).and_then(|row| u32::try_from(row).ok());
            let Some(row) = row.filter(|row| *row < MAX_ROWS) else {
                continue;
            };
            let column = place_of(&facts, mapping, fault.field.as_deref());
            let cell = ColNum::try_from(column.unwrap_or(0)).unwrap_or_default();
            let mark = marks.entry((row, cell)).or_default();
            mark.is_refused |= fault.is_refused;
            mark.reasons.push(fault.words.clone());
            listed.push(Listed {
                row: fault.row,
                place: rust_xlsxwriter::utility::row_col_to_cell(row, cell),
                column: column
                    .and_then(|column| facts.names.get(column))
                    .cloned()
                    .unwrap_or_default(),
                words: fault.words.clone(),
                is_refused: fault.is_refused,
            });
        }
        let head = Look {
            format: None,
            is_header: true,
            marked: None,
        }
        .format();
        for ((first_row, last_row), (first, last)) in &facts.merged {
            let area = (last_row - first_row + 1).saturating_mul((last - first + 1) as u64);
            let number = |row: u64| u32::try_from(row).unwrap_or(u32::MAX);
            let column = |column: usize| ColNum::try_from(column).unwrap_or(ColNum::MAX);
            if area > 1 && area <= MAX_MERGED {
                // Areas that overlap are an error of the library's: such headings stay in their first cells.
                let _one = sheet.merge_range(
                    number(*first_row),
                    column(*first),
                    number(*last_row),
                    column(*last),
                    "",
                    &head,
                );
            }
        }
        Ok(Copy {
            facts,
            marks,
            listed,
            looks: HashMap::new(),
            widths: HashMap::new(),
            cells: 0,
            text_bytes: 0,
        })
    }

    fn cell(
        &mut self,
        sheet: &mut Worksheet,
        row: u32,
        column: usize,
        value: &DataRef<'_>,
        format: Option<&str>,
    ) -> Result<(), MarkRefused> {
        // A sheet that claims more rows than there are in one is nobody's to mend.
        if matches!(value, DataRef::Empty) || column >= MAX_COLUMNS || row >= MAX_ROWS {
            return Ok(());
        }
        self.cells += 1;
        self.text_bytes += match value {
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.len(),
            DataRef::SharedString(text) => text.len(),
            _ => 0,
        };
        if self.cells > MAX_CELLS {
            let limit = "1 500 000 cells";
            return Err(MarkRefused::TooLarge { limit });
        }
        if self.text_bytes > MAX_TEXT_BYTES {
            let limit = "192 MiB of text";
            return Err(MarkRefused::TooLarge { limit });
        }
        let column = ColNum::try_from(column).unwrap_or(ColNum::MAX);
        let is_header = u64::from(row) < self.facts.header_rows;
        let is_text = matches!(value, DataRef::String(_) | DataRef::SharedString(_));
        let look = Look {
            format: match (value, format) {
                (_, Some(format)) if format.len() <= 80 => Some(format.to_owned()),
                (DataRef::DateTime(_), _) => Some("yyyy-mm-dd".to_owned()),
                _ if is_text && !is_header => Some("@".to_owned()),
                _ => None,
            },
            is_header,
            marked: self.marks.get(&(row, column)).map(|mark| mark.is_refused),
        };
        let shown = self.looks.entry(look.clone()).or_insert_with(|| look.format());
        let mut width = 12;
        match value {
            DataRef::Empty => return Ok(()),
            DataRef::Int(number) => sheet.write_number_with_format(row, column, *number as f64, shown),
            DataRef::Float(number) if number.is_finite() => sheet.write_number_with_format(row, column, *number, shown),
            DataRef::Float(number) => sheet.write_string_with_format(row, column, number.to_string(), shown),
            DataRef::Bool(value) => sheet.write_boolean_with_format(row, column, *value, shown),
            DataRef::DateTime(time) => {
                let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
                let moment = ExcelDateTime::from_ymd(year, month, day)
                    .and_then(|day| day.and_hms(u16::from(hour), minute, f64::from(second)));
                match moment {
                    // A time without a day, and days beyond what the library writes, stay the number they are.
                    Ok(moment) if time.as_f64() >= 1.0 => sheet.write_datetime_with_format(row, column, &moment, shown),
                    _ => sheet.write_number_with_format(row, column, time.as_f64(), shown),
                }
            }
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => {
                width = widest(text);
                sheet.write_string_with_format(row, column, cut(text, MAX_TEXT), shown)
            }
            DataRef::SharedString(text) => {
                width = widest(text);
                sheet.write_string_with_format(row, column, cut(text, MAX_TEXT), shown)
            }
            DataRef::Error(error) => sheet.write_string_with_format(row, column, error.to_string(), shown),
        }
        .map_err(failed)?;
        // Titles reach over their neighbours; a few hundred rows tell the rest.
        let is_title = is_header && u64::from(row) + 1 < self.facts.header_rows;
        if !is_title && row < 500 {
            let widest = self.widths.entry(column).or_default();
            *widest = width.max(*widest);
        }
        if let Some(mark) = self.marks.remove(&(row, column)) {
            note(sheet, row, column, &mark)?;
        }
        Ok(())
    }

    /// Marks what stands in empty cells, and dresses the sheet.
    fn finish(
        self,
        sheet: &mut Worksheet,
        mapping: &[(String, String)],
        checks: &mut Checks,
    ) -> Result<Vec<Listed>, MarkRefused> {
        for ((row, column), mark) in &self.marks {
            let look = Look {
                format: None,
                is_header: false,
                marked: Some(mark.is_refused),
            };
            sheet.write_blank(*row, *column, &look.format()).map_err(failed)?;
            note(sheet, *row, *column, mark)?;
        }
        for (column, width) in &self.widths {
            let width = (*width as f64 + 2.0).clamp(10.0, 44.0);
            sheet.set_column_width(*column, width).map_err(failed)?;
        }
        let first = u32::try_from(self.facts.header_rows).unwrap_or(MAX_ROWS);
        if (1..40).contains(&first) {
            sheet.set_freeze_panes(first, 0).map_err(failed)?;
        }
        for (field, header) in mapping.iter().filter(|_| first < MAX_ROWS) {
            let place = self.facts.names.iter().position(|name| name == header);
            let (Some(place), Some(target)) = (place, Target::parse(field)) else {
                continue;
            };
            let cells = Cells::of(target);
            if let (Cells::Words(_), Ok(column)) = (&cells, ColNum::try_from(place)) {
                checks.lay(sheet, column, first, &cells)?;
            }
        }
        Ok(self.listed)
    }
}

impl Look {
    fn format(&self) -> Format {
        let mut format = match &self.format {
            Some(code) => Format::new().set_num_format(code),
            None => Format::new(),
        };
        if self.is_header {
            format = format
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Top)
                .set_background_color("E8EEF4");
        }
        match self.marked {
            Some(true) => format.set_background_color("F8B4AB").set_font_color("7A1008"),
            Some(false) => format.set_background_color("FBE3A2").set_font_color("5F4200"),
            None => format,
        }
    }
}

/// The column of a field, from 0; nothing where the sheet has none for it.
fn place_of(facts: &SheetFacts, mapping: &[(String, String)], field: Option<&str>) -> Option<usize> {
    let header_of = |wanted: &str| {
        let (_, header) = mapping.iter().find(|(field, _)| field == wanted)?;
        facts.names.iter().position(|name| name == header)
    };
    match field? {
        "geometry" => facts.shape_columns.first().copied(),
        // The code stands for a key of which nobody says where it is.
        "key" => header_of("key").or_else(|| header_of("code")),
        field => header_of(field),
    }
}

fn note(sheet: &mut Worksheet, row: u32, column: ColNum, mark: &Mark) -> Result<(), MarkRefused> {
    let (heading_zh, heading_en) = if mark.is_refused {
        ("未导入", "Not imported")
    } else {
        ("提醒", "Please check")
    };
    let join = |words: Vec<&str>, between: &str| words.join(between);
    let zh = join(mark.reasons.iter().map(|words| words.zh.as_str()).collect(), "；");
    let en = join(mark.reasons.iter().map(|words| words.en.as_str()).collect(), "; ");
    let text = format!(
        "{heading_zh}：{}\n{heading_en}: {}",
        cut(&zh, MAX_NOTE),
        cut(&en, MAX_NOTE)
    );
    let height = 40 + 18 * (widest(&zh) + widest(&en)).div_ceil(36).min(20);
    let note = Note::new(text)
        .add_author_prefix(false)
        .set_width(280)
        .set_height(u32::try_from(height).unwrap_or(400));
    sheet.insert_note(row, column, &note).map_err(failed)?;
    Ok(())
}

fn list(sheet: &mut Worksheet, listed: &[Listed]) -> Result<(), MarkRefused> {
    sheet.set_name(FAULTS_SHEET).map_err(failed)?;
    let head = Format::new().set_bold().set_background_color("E8EEF4");
    let body = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    let heads = ["行", "单元格", "列", "结果", "说明", "Result", "Reason"];
    for ((column, words), width) in (0..).zip(heads).zip([8.0, 10.0, 26.0, 10.0, 52.0, 16.0, 60.0]) {
        sheet.set_column_width(column, width).map_err(failed)?;
        sheet
            .write_string_with_format(0, column, words, &head)
            .map_err(failed)?;
    }
    for (row, fault) in (1..).zip(listed) {
        sheet.write_number(row, 0, fault.row as f64).map_err(failed)?;
        let (zh, en) = if fault.is_refused {
            ("未导入", "not imported")
        } else {
            ("提醒", "please check")
        };
        let texts = [&fault.place, &fault.column, zh, &fault.words.zh, en, &fault.words.en];
        for (column, text) in (1..).zip(texts) {
            sheet
                .write_string_with_format(row, column, cut(text, MAX_TEXT), &body)
                .map_err(failed)?;
        }
    }
    sheet.set_freeze_panes(1, 0).map_err(failed)?;
    Ok(())
}

/// The longest line, in the width of Latin letters.
fn widest(text: &str) -> usize {
    let width = |line: &str| line.chars().take(200).map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    text.lines().take(20).map(width).max().unwrap_or(0)
}

/// The beginning of a text that has at most so many UTF-16 units.
fn cut(text: &str, most: usize) -> &str {
    if text.len() <= most {
        return text;
    }
    let mut units = 0;
    for (at, letter) in text.char_indices() {
        units += letter.len_utf16();
        if units > most {
            return text.get(..at).unwrap_or_default();
        }
    }
    text
}
