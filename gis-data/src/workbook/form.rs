//! A form: a workbook with a row for each thing that is known, and columns to be filled in beside it. It is read again by
//! the names below the headers, as a template is.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder, Note, Workbook, Worksheet};

use super::column::{Cells, Checks, Group, SheetColumn, format_of};
use super::template::{explain, number};
use super::{failed, header_of};
use crate::report::Words;
use crate::write::{Cell, WriteFailed};

/// Rows of the sheet, from 0.
const TITLE_ROW: u32 = 0;
const HEADER_ROW: u32 = 1;
const FIRST_ROW: u32 = 2;

/// What the cells of a form's column hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormCells {
    /// Any text.
    Text,
    /// A number, zero or more.
    Number,
    /// A whole number.
    Integer,
    /// One of these words.
    Words(Vec<&'static str>),
}

/// A column of a form.
#[derive(Debug, Clone)]
pub struct FormColumn {
    /// The name below the header, by which the column is known again.
    pub name: &'static str,
    /// What the header says.
    pub label: String,
    /// What to write into it, or what it tells.
    pub about: Words,
    /// What its cells hold.
    pub cells: FormCells,
    /// It is filled in; else it tells what is known and stays as it is.
    pub is_filled_in: bool,
    /// A row that says anything says this.
    pub is_needed: bool,
    /// Characters.
    pub width: u8,
}

/// A form.
#[derive(Debug, Clone)]
pub struct Form {
    /// The name of the sheet, 31 characters at most.
    pub sheet: Words,
    /// What stands above the headers.
    pub title: String,
    /// What is said about the form as a whole, line by line.
    pub about: Vec<String>,
    /// Columns on the left that stay in sight.
    pub frozen: u16,
    /// The columns.
    pub columns: Vec<FormColumn>,
}

impl FormColumn {
    fn sheet_column(&self) -> SheetColumn {
        SheetColumn {
            name: self.name.to_owned(),
            label: self.label.clone(),
            group: Group::Other,
            cells: match &self.cells {
                FormCells::Text => Cells::Text,
                FormCells::Number => Cells::Number,
                FormCells::Integer => Cells::Integer,
                FormCells::Words(words) => Cells::Words(words.clone()),
            },
            is_needed: self.is_needed,
            about: self.about.clone(),
            example: String::new(),
        }
    }
}

/// The column of a form that a header of a file read back names; nothing where it is none of it.
///
/// The name stands below what the header says; where that was cut off, what it says is enough.
#[must_use]
pub fn form_column(header: &str, labels: &[(&'static str, &str, &str)]) -> Option<&'static str> {
    let header = header.rsplit('/').next().unwrap_or(header).trim();
    let last = header.rsplit(char::is_whitespace).next().unwrap_or(header);
    let plain = |text: &str| -> String {
        text.chars()
            .filter(|letter| !letter.is_whitespace() && *letter != '*')
            .flat_map(char::to_lowercase)
            .collect()
    };
    let said = plain(header);
    labels
        .iter()
        .find(|(name, ..)| *name == last)
        .or_else(|| labels.iter().find(|(_, zh, en)| said == plain(zh) || said == plain(en)))
        .map(|(name, ..)| *name)
}

/// The workbook as bytes, with the rows that are known; cells stand in the order of the columns.
///
/// # Errors
/// Where the library fails.
pub fn form(form: &Form, rows: &[Vec<Cell<'_>>]) -> Result<Vec<u8>, WriteFailed> {
    let columns: Vec<SheetColumn> = form.columns.iter().map(FormColumn::sheet_column).collect();
    let mut workbook = Workbook::new();
    let mut checks = Checks::default();
    let sheet = workbook.add_worksheet();
    sheet.set_name(&form.sheet.zh).map_err(failed)?;
    fill(sheet, form, &columns, rows, &mut checks)?;
    explain(workbook.add_worksheet(), &form.about, &columns)?;
    checks.write_words(&mut workbook)?;
    workbook.save_to_buffer().map_err(failed)
}

fn fill(
    sheet: &mut Worksheet,
    form: &Form,
    columns: &[SheetColumn],
    rows: &[Vec<Cell<'_>>],
    checks: &mut Checks,
) -> Result<(), WriteFailed> {
    let base = Format::new()
        .set_border(FormatBorder::Thin)
        .set_border_color(Color::RGB(0x00C5_CBD3))
        .set_align(FormatAlign::VerticalCenter);
    let title = Format::new()
        .set_bold()
        .set_font_size(12)
        .set_align(FormatAlign::VerticalCenter);
    let head = base.clone().set_bold().set_text_wrap();
    let last = number(columns.len().saturating_sub(1));
    sheet
        .merge_range(TITLE_ROW, 0, TITLE_ROW, last, &form.title, &title)
        .map_err(failed)?;
    sheet.set_row_height(TITLE_ROW, 26).map_err(failed)?;
    sheet.set_row_height(HEADER_ROW, 34).map_err(failed)?;
    let mut looks = Vec::with_capacity(columns.len());
    for ((column, about), asked) in (0..).zip(columns).zip(&form.columns) {
        sheet.set_column_width(column, f64::from(asked.width)).map_err(failed)?;
        let look = format_of(&about.cells)
            .set_border(FormatBorder::Thin)
            .set_border_color(Color::RGB(0x00C5_CBD3));
        // What is known is grey; what is asked for is the sheet's own white below a header of another colour.
        let (head, look) = if asked.is_filled_in {
            (head.clone().set_background_color("DDEBD3"), look)
        } else {
            (
                head.clone().set_background_color("E8EEF4"),
                look.set_background_color("F3F4F6").set_font_color("5A6069"),
            )
        };
        let head = if about.is_needed {
            head.set_font_color("B3261E")
        } else {
            head
        };
        sheet
            .write_string_with_format(HEADER_ROW, column, header_of(about), &head)
            .map_err(failed)?;
        let note = Note::new(format!("{}\n{}", about.about.zh, about.about.en))
            .add_author_prefix(false)
            .set_width(260);
        sheet.insert_note(HEADER_ROW, column, &note).map_err(failed)?;
        if asked.is_filled_in {
            checks.lay(sheet, column, FIRST_ROW, &about.cells)?;
        }
        looks.push(look);
    }
    for (row, cells) in (FIRST_ROW..).zip(rows) {
        for ((column, cell), look) in (0..).zip(cells).zip(&looks) {
            match cell {
                Cell::Text(text) => sheet.write_string_with_format(row, column, *text, look),
                Cell::Integer(number) => sheet.write_number_with_format(row, column, *number as f64, look),
                Cell::Real(number) => sheet.write_number_with_format(row, column, *number, look),
                Cell::Date { year, month, day } => {
                    sheet.write_string_with_format(row, column, format!("{year:04}-{month:02}-{day:02}"), look)
                }
                Cell::Empty => sheet.write_blank(row, column, look),
            }
            .map_err(failed)?;
        }
    }
    let last_row = HEADER_ROW + u32::try_from(rows.len()).unwrap_or_default();
    sheet.autofilter(HEADER_ROW, 0, last_row, last).map_err(failed)?;
    sheet.set_freeze_panes(FIRST_ROW, form.frozen).map_err(failed)?;
    let first = form.columns.iter().position(|column| column.is_filled_in);
    let first = number(first.unwrap_or_default());
    sheet
        .set_selection(FIRST_ROW, first, FIRST_ROW, first)
        .map_err(failed)?
        .set_landscape();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{ReadOptions, Source};

    const LABELS: [(&str, &str, &str); 3] = [
        ("id", "标识", "Id"),
        ("found", "盘点情况", "Found"),
        ("area_m2", "面积（㎡）", "Area (m²)"),
    ];

    #[test]
    fn a_header_is_known_by_its_name_or_by_what_it_says() {
        for (header, name) in [
            ("盘点情况* found", Some("found")),
            ("found", Some("found")),
            ("盘点情况*", Some("found")),
            (" Found ", Some("found")),
            ("Area (m²)", Some("area_m2")),
            ("面积（㎡） area_m2", Some("area_m2")),
            ("甲/盘点情况 found", Some("found")),
            ("备注", None),
            ("", None),
        ] {
            assert_eq!(form_column(header, &LABELS), name, "{header}");
        }
    }

    #[test]
    fn a_form_is_read_back_row_by_row_under_its_names() {
        let column = |(name, zh, _): (&'static str, &str, &str), cells, is_filled_in| FormColumn {
            name,
            label: zh.to_owned(),
            about: Words::new("说明", "about"),
            cells,
            is_filled_in,
            is_needed: name == "found",
            width: 16,
        };
        let asked = Form {
            sheet: Words::new("填报表", "Form"),
            title: "请填写绿色的列".to_owned(),
            about: vec!["说明".to_owned()],
            frozen: 1,
            columns: vec![
                column(LABELS[0], FormCells::Text, false),
                column(LABELS[2], FormCells::Number, false),
                column(LABELS[1], FormCells::Words(vec!["在位", "未找到"]), true),
            ],
        };
        let rows = vec![
            vec![Cell::Text("0007"), Cell::Real(12.5), Cell::Empty],
            vec![Cell::Text("=1+1"), Cell::Empty, Cell::Text("在位")],
        ];
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("form.xlsx");
        std::fs::write(&path, form(&asked, &rows).unwrap()).unwrap();
        let mut source = Source::open(&path, &ReadOptions::default()).unwrap();
        let headers: Vec<String> = source.fields().into_iter().map(|field| field.name).collect();
        assert_eq!(headers, ["标识 id", "面积（㎡） area_m2", "盘点情况* found"]);
        let read: Vec<_> = source.rows().map(|row| row.unwrap()).collect();
        let told = |row: usize, header: &str| read[row].properties[header].to_string();
        assert_eq!(read.iter().map(|row| row.row).collect::<Vec<_>>(), [3, 4]);
        assert_eq!(
            (
                told(0, "标识 id"),
                told(0, "面积（㎡） area_m2"),
                told(0, "盘点情况* found")
            ),
            ("\"0007\"".to_owned(), "12.5".to_owned(), "null".to_owned())
        );
        // What looks like a formula is a text, and stays one.
        assert_eq!(told(1, "标识 id"), "\"=1+1\"");
        assert_eq!(told(1, "盘点情况* found"), "\"在位\"");
        // Without a row it is still a form.
        std::fs::write(&path, form(&asked, &[]).unwrap()).unwrap();
        let empty = Source::open(&path, &ReadOptions::default()).unwrap();
        assert_eq!(empty.fields().len(), 3);
    }
}
