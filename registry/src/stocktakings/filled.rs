//! A form that was filled in, read row by row as it stands: what its words mean for a line is judged in `figures.rs`.

use std::collections::HashMap;
use std::path::Path;

use gis_data::workbook::form_column;
use gis_data::{Format, Limits, ReadOptions, Source, SourceBroken, SourceRefused};
use serde_json::Value;

use super::form::{MOST_ROWS, labels};
use crate::request::{Problem, ProblemKind};

/// The most bytes that a workbook may unpack to: some fifty forms of the largest kind.
const MOST_UNPACKED_BYTES: u64 = 512 << 20;
/// What tells a row's line, and no answer.
const KEYS: [&str; 2] = ["id", "tag"];

/// A form that was brought.
pub(super) struct Filled {
    /// It is a workbook, of which a marked copy can be made.
    pub is_workbook: bool,
    /// Our name of each column, and its header in the file.
    pub headers: Vec<(String, String)>,
    /// The rows that say anything.
    pub rows: Vec<FilledRow>,
    /// So many rows were left empty.
    pub empty: usize,
}

/// A row of it.
pub(super) struct FilledRow {
    /// The number that a spreadsheet shows beside it.
    pub row: u64,
    /// It can't be read as a row of this table.
    pub broken: bool,
    cells: HashMap<&'static str, String>,
}

impl FilledRow {
    /// What stands in a column; nothing where it is empty.
    pub(super) fn cell(&self, name: &str) -> Option<&str> {
        self.cells.get(name).map(String::as_str)
    }
}

/// How a form is read; the same for reading it and for marking a copy of it.
pub(super) fn read_options(encoding: Option<String>) -> ReadOptions {
    ReadOptions {
        encoding,
        limits: Limits {
            max_unpacked_bytes: MOST_UNPACKED_BYTES,
            ..Limits::default()
        },
        // No form is a drawing: what would have to be converted is refused without another program's help.
        converter: Some("/nothing-is-converted".into()),
        ..ReadOptions::default()
    }
}

fn file_refused(zh: &str, en: &str, code: &str) -> Problem {
    Problem::new(ProblemKind::FileRefused, format!("{zh} / {en}"))
        .field("file")
        .code(code)
        .remedy(
            "请下载填报表，填好后存为 XLSX 或 CSV 再上传 / download the form, fill it in, and bring it as XLSX or CSV",
        )
}

/// Why a file can't be read, as its reader says it.
pub(super) fn unreadable(refused: &SourceRefused) -> Problem {
    let (words, remedy) = (refused.words(), refused.remedy());
    Problem::new(ProblemKind::FileRefused, format!("{} / {}", words.zh, words.en))
        .field(refused.field().unwrap_or("file"))
        .code(refused.code())
        .remedy(format!("{} / {}", remedy.zh, remedy.en))
}

fn broken(broken: SourceBroken) -> Problem {
    unreadable(&SourceRefused::Broken(broken))
}

/// Reads a form to its end.
///
/// # Errors
/// Where it is no table, no form, has no end, or more rows than a form has.
pub(super) fn read(path: &Path, options: &ReadOptions) -> Result<Filled, Problem> {
    let mut source = Source::open(path, options).map_err(|refused| unreadable(&refused))?;
    if !matches!(source.format(), Format::Xlsx | Format::Csv) {
        return Err(file_refused(
            "只能上传 XLSX 或 CSV 表格",
            "this is no table: XLSX or CSV is taken",
            "no_table",
        ));
    }
    let labels = labels();
    let mut columns: Vec<(&'static str, String)> = Vec::new();
    for field in source.fields() {
        if let Some(name) = form_column(&field.name, &labels) {
            if columns.iter().any(|(known, _)| *known == name) {
                return Err(file_refused(
                    &format!("有两列都是“{}”", field.name),
                    &format!("two columns are {name}"),
                    "column_twice",
                ));
            }
            columns.push((name, field.name));
        }
    }
    for name in ["id", "tag", "found"] {
        if !columns.iter().any(|(known, _)| *known == name) {
            let (_, zh, _) = labels
                .iter()
                .find(|(known, ..)| *known == name)
                .copied()
                .unwrap_or_default();
            return Err(file_refused(
                &format!("这不是盘点填报表：缺少“{zh}”（{name}）列"),
                &format!("this is no form of a stocktaking: it has no column {name}"),
                "no_form",
            ));
        }
    }
    let (mut rows, mut empty) = (Vec::new(), 0);
    for row in source.rows() {
        let row = row.map_err(broken)?;
        let mut cells = HashMap::new();
        for (name, header) in &columns {
            if let Some(text) = row.properties.get(header).and_then(text_of) {
                cells.insert(*name, text);
            }
        }
        if cells.keys().all(|name| KEYS.contains(name)) {
            empty += 1;
            continue;
        }
        if rows.len() == MOST_ROWS {
            return Err(Problem::new(
                ProblemKind::TooLarge,
                format!("填写的行超过 {MOST_ROWS} 行 / more than {MOST_ROWS} rows are filled in"),
            )
            .field("file")
            .code("form_too_large")
            .remedy("分几份上传 / bring it in parts"));
        }
        rows.push(FilledRow {
            row: row.row,
            broken: row.geometry.is_err() || !row.undecodable_fields.is_empty(),
            cells,
        });
    }
    Ok(Filled {
        is_workbook: source.format() == Format::Xlsx,
        headers: columns
            .into_iter()
            .map(|(name, header)| (name.to_owned(), header))
            .collect(),
        rows,
        empty,
    })
}

/// What stands in a cell, without blanks around it.
fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}
