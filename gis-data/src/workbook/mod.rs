//! Workbooks for people to fill in: a template for each layer ([`template`]), a form with a row for each thing that is known
//! ([`form`]), and a copy of a sheet that came with every fault marked in its cell ([`mark`]).
//!
//! Both are read again like any other workbook. What stands there for people alone, the example and the sheets beside the
//! table, is known by the words below and left out.

mod column;
mod form;
mod marked;
mod template;

pub use form::{Form, FormCells, FormColumn, form, form_column};
pub use marked::{Fault, MarkRefused, mark};
pub use template::template;

/// How the first cell of a row begins that stands under a header for an example.
pub(crate) const EXAMPLE: &str = "（示例，导入时忽略）";
/// The sheet that explains a template.
pub(crate) const ABOUT_SHEET: &str = "填写说明";
/// The hidden sheet with the words of closed lists.
const WORDS_SHEET: &str = "选项";
/// The sheet that lists the faults.
pub(crate) const FAULTS_SHEET: &str = "错误清单";

/// The last row (counted from 0) that the checks of a column reach.
const LAST_CHECKED_ROW: u32 = 20_000;

/// What a header says: the words for people, the name below.
fn header_of(column: &column::SheetColumn) -> String {
    let mark = if column.is_needed { "*" } else { "" };
    format!("{}{mark}\n{}", column.label, column.name)
}

fn failed(error: rust_xlsxwriter::XlsxError) -> crate::write::WriteFailed {
    match error {
        rust_xlsxwriter::XlsxError::IoError(error) => crate::write::WriteFailed::Io(error),
        other => crate::write::WriteFailed::Library {
            detail: other.to_string(),
        },
    }
}
