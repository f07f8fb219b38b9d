//! A workbook for a layer to be filled in. It is imported without any mapping: the names below the Chinese headers say
//! what the columns are.

use rust_xlsxwriter::{ColNum, Color, ExcelDateTime, Format, FormatAlign, FormatBorder, Note, Workbook, Worksheet};

use super::column::{Cells, Checks, SheetColumn, format_of};
use super::{ABOUT_SHEET, EXAMPLE, failed, header_of};
use crate::mapping::Layer;
use crate::report::Words;
use crate::write::WriteFailed;

/// Rows of the sheet, from 0.
const TITLE_ROW: u32 = 0;
const GROUP_ROW: u32 = 1;
const HEADER_ROW: u32 = 2;
const EXAMPLE_ROW: u32 = 3;
const FIRST_ROW: u32 = 4;

/// The workbook as bytes: a sheet with title, groups, headers (Chinese, the field's name below), an example that an
/// import leaves out, and lists to choose from; and a sheet that says what each column means.
///
/// # Errors
/// Where the library fails.
pub fn template(layer: Layer) -> Result<Vec<u8>, WriteFailed> {
    let columns = SheetColumn::of_layer(layer);
    let title = title(layer);
    let mut workbook = Workbook::new();
    let mut checks = Checks::default();
    let sheet = workbook.add_worksheet();
    sheet.set_name(&title.zh).map_err(failed)?;
    fill(sheet, &title, &columns, &mut checks)?;
    explain(workbook.add_worksheet(), &about(&title), &columns)?;
    checks.write_words(&mut workbook)?;
    workbook.save_to_buffer().map_err(failed)
}

/// What the layer is called.
fn title(layer: Layer) -> Words {
    match layer {
        Layer::Regions => Words::new("行政区划", "Regions"),
        Layer::Units => Words::new("单位", "Units"),
        Layer::Sites => Words::new("院落", "Sites"),
        Layer::Parcels => Words::new("宗地", "Parcels"),
        Layer::Buildings => Words::new("楼栋", "Buildings"),
        Layer::Rooms => Words::new("房间", "Rooms"),
        Layer::Titles => Words::new("权利", "Titles"),
    }
}

pub(super) fn number(column: usize) -> ColNum {
    ColNum::try_from(column).unwrap_or(ColNum::MAX)
}

fn fill(sheet: &mut Worksheet, title: &Words, columns: &[SheetColumn], checks: &mut Checks) -> Result<(), WriteFailed> {
    let line = Color::RGB(0x00C5_CBD3);
    let base = Format::new()
        .set_border(FormatBorder::Thin)
        .set_border_color(line)
        .set_align(FormatAlign::VerticalCenter);
    let heading = Format::new()
        .set_bold()
        .set_font_size(14)
        .set_align(FormatAlign::VerticalCenter);
    let group = base
        .clone()
        .set_bold()
        .set_align(FormatAlign::Center)
        .set_background_color("D5E1F2");
    let head = base.clone().set_bold().set_text_wrap().set_background_color("E8EEF4");
    let needed = head.clone().set_font_color("B3261E");
    let last = number(columns.len().saturating_sub(1));
    let words = format!(
        "{}导入模板（带 * 的必填；第 4 行是示例，导入时忽略；从第 5 行起填写）",
        title.zh
    );
    sheet
        .merge_range(TITLE_ROW, 0, TITLE_ROW, last, &words, &heading)
        .map_err(failed)?;
    sheet.set_row_height(TITLE_ROW, 28).map_err(failed)?;
    let mut first = 0;
    for part in columns.chunk_by(|a, b| a.group == b.group) {
        let words = part.first().map_or("", |column| column.group.words());
        let (from, to) = (number(first), number(first + part.len() - 1));
        if from == to {
            sheet
                .write_string_with_format(GROUP_ROW, from, words, &group)
                .map_err(failed)?;
        } else {
            sheet
                .merge_range(GROUP_ROW, from, GROUP_ROW, to, words, &group)
                .map_err(failed)?;
        }
        first += part.len();
    }
    sheet.set_row_height(HEADER_ROW, 34).map_err(failed)?;
    let example = Format::new()
        .set_italic()
        .set_font_color("8A8F98")
        .set_background_color("F6F7F9");
    for (column, about) in (0..).zip(columns) {
        sheet.set_column_width(column, about.width()).map_err(failed)?;
        sheet
            .set_column_format(column, &format_of(&about.cells))
            .map_err(failed)?;
        let format = if about.is_needed { &needed } else { &head };
        sheet
            .write_string_with_format(HEADER_ROW, column, header_of(about), format)
            .map_err(failed)?;
        let note = Note::new(explanation(about)).add_author_prefix(false).set_width(260);
        sheet.insert_note(HEADER_ROW, column, &note).map_err(failed)?;
        let format = example.clone().set_num_format(match about.cells {
            Cells::Date => "yyyy-mm-dd",
            Cells::Number => "0.00##",
            _ => "@",
        });
        let mark = if column == 0 { EXAMPLE } else { "" };
        match (&about.cells, about.example.parse::<f64>()) {
            _ if about.example.is_empty() && mark.is_empty() => {
                sheet.write_blank(EXAMPLE_ROW, column, &format).map_err(failed)?;
            }
            (Cells::Number | Cells::Integer | Cells::Degrees, Ok(figure)) => {
                let format = example.clone().set_num_format("General");
                sheet
                    .write_number_with_format(EXAMPLE_ROW, column, figure, &format)
                    .map_err(failed)?;
            }
            (Cells::Date, _) => {
                let day = ExcelDateTime::parse_from_str(&about.example).map_err(failed)?;
                sheet
                    .write_datetime_with_format(EXAMPLE_ROW, column, &day, &format)
                    .map_err(failed)?;
            }
            _ => {
                let words = format!("{mark}{}", about.example);
                sheet
                    .write_string_with_format(EXAMPLE_ROW, column, words, &format)
                    .map_err(failed)?;
            }
        }
        checks.lay(sheet, column, FIRST_ROW, &about.cells)?;
    }
    sheet.set_freeze_panes(FIRST_ROW, 1).map_err(failed)?;
    sheet
        .set_selection(FIRST_ROW, 0, FIRST_ROW, 0)
        .map_err(failed)?
        .set_landscape();
    Ok(())
}

fn explanation(column: &SheetColumn) -> String {
    let cells = column.cells.words();
    let needed = if column.is_needed { "（必填）" } else { "" };
    format!("{}{needed}\n{}\n{}", column.about.zh, cells.zh, column.about.en)
}

/// What is said about a template as a whole.
fn about(title: &Words) -> Vec<String> {
    vec![
        format!(
            "{}（{}）：每行一个对象。表头两行请勿改动；不用的列可以留空或删除。",
            title.zh, title.en
        ),
        "面积一律用平方米；日期写作 2024-06-30；坐标为 CGCS2000 经纬度（EPSG:4490）。".to_owned(),
        "Areas in square metres, days as 2024-06-30, coordinates in longitude and latitude of CGCS2000 (EPSG:4490)."
            .to_owned(),
        "本表与示例行在导入时忽略。 This sheet and the example are left out by an import.".to_owned(),
    ]
}

/// The sheet that says what each column means, below what is said in general.
pub(super) fn explain(sheet: &mut Worksheet, general: &[String], columns: &[SheetColumn]) -> Result<(), WriteFailed> {
    sheet.set_name(ABOUT_SHEET).map_err(failed)?;
    let head = Format::new().set_bold().set_background_color("E8EEF4");
    let body = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    for (row, words) in (0..).zip(general) {
        sheet.write_string(row, 0, words).map_err(failed)?;
    }
    let top = u32::try_from(general.len()).unwrap_or_default() + 1;
    let heads = [
        "列",
        "字段 Field",
        "必填",
        "填写形式",
        "说明",
        "Form",
        "Meaning",
        "可选值",
    ];
    for ((column, words), width) in (0..).zip(heads).zip([22.0, 22.0, 8.0, 28.0, 46.0, 28.0, 46.0, 60.0]) {
        sheet.set_column_width(column, width).map_err(failed)?;
        sheet
            .write_string_with_format(top, column, words, &head)
            .map_err(failed)?;
    }
    for (row, column) in (top + 1..).zip(columns) {
        let form = column.cells.words();
        let choices = match &column.cells {
            Cells::Words(words) => words.join("；"),
            _ => String::new(),
        };
        let needed = if column.is_needed { "是" } else { "" };
        let texts = [
            column.label.as_str(),
            column.name.as_str(),
            needed,
            form.zh.as_str(),
            column.about.zh.as_str(),
            form.en.as_str(),
            column.about.en.as_str(),
            choices.as_str(),
        ];
        for (place, text) in (0..).zip(texts) {
            sheet
                .write_string_with_format(row, place, text, &body)
                .map_err(failed)?;
        }
    }
    sheet.set_freeze_panes(top + 1, 1).map_err(failed)?;
    Ok(())
}
