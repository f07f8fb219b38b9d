//! A list as a file: what the leases, the idle space, a hand-over list and an inspection's report have in common when they
//! are given out as a workbook or as CSV.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use gis_data::Words;
use gis_data::write::{Cell, Column, ColumnKind, LayerWriter, Shapes, Table, TargetCrs, WriteFailed, WriteFormat};
use time::Date;

use super::labels::Labels;
use super::run::written_at;
use crate::clock::Clock;
use crate::request::{Fault, Problem};

/// A column: its name, its kind, and its words in Chinese and English.
pub(crate) type ListColumn = (&'static str, ColumnKind, &'static str, &'static str);

/// A list, but for its rows.
#[derive(Debug)]
pub(crate) struct ListFile {
    /// Its name inside the file.
    pub name: &'static str,
    /// What it is called for people.
    pub title: Words,
    /// Its columns, in order.
    pub columns: &'static [ListColumn],
    /// XLSX or CSV.
    pub format: WriteFormat,
    /// Codes or words in a CSV's header.
    pub labels: Labels,
}

/// `xlsx` (unless told) or `csv`.
///
/// # Errors
/// A problem with what else is said.
pub(crate) fn list_format(asked: Option<&str>) -> Result<WriteFormat, Problem> {
    match asked {
        None | Some("" | "xlsx") => Ok(WriteFormat::Xlsx),
        Some("csv") => Ok(WriteFormat::Csv),
        Some(other) => Err(Problem::bad("format", format!("{other:?} is no format")).remedy("choose xlsx or csv")),
    }
}

impl ListFile {
    /// The answer: so many rows, which `write` writes on a thread of its own, as a file with one name for old clients and
    /// one in Chinese, each before its ending.
    ///
    /// # Errors
    /// Where the file can't be written.
    pub(crate) async fn answer(
        self,
        clock: &Clock,
        (name, chinese_name): (&str, &str),
        rows: usize,
        write: impl FnOnce(&mut LayerWriter) -> Result<(), WriteFailed> + Send + 'static,
    ) -> Result<Response, Fault> {
        let (format, ending, written_at) = (self.format, self.format.extension(), written_at(clock)?);
        let bytes = tokio::task::spawn_blocking(move || self.bytes(written_at, write))
            .await
            .map_err(impossible)??;
        let mut headers = HeaderMap::new();
        for (name, value) in [
            (header::CONTENT_TYPE, format.media_type().to_owned()),
            (header::CACHE_CONTROL, "no-store".to_owned()),
            (
                header::CONTENT_DISPOSITION,
                attachment(&format!("{name}.{ending}"), &format!("{chinese_name}.{ending}")),
            ),
            (HeaderName::from_static("yice-rows"), rows.to_string()),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        Ok((headers, bytes).into_response())
    }

    /// The file itself, with the rows that `write` writes.
    ///
    /// # Errors
    /// Where it can't be written.
    pub(crate) fn bytes(
        self,
        written_at: String,
        write: impl FnOnce(&mut LayerWriter) -> Result<(), WriteFailed>,
    ) -> Result<Vec<u8>, Fault> {
        let folder = tempfile::Builder::new()
            .prefix("yice-export-")
            .tempdir()
            .map_err(impossible)?;
        let path = folder.path().join(format!("{}.{}", self.name, self.format.extension()));
        let columns = self.columns.iter().map(|(name, kind, zh, en)| Column {
            name,
            kind: *kind,
            label: Words::new(*zh, *en),
        });
        let table = Table {
            name: self.name,
            title: self.title,
            columns: columns.collect(),
            shapes: Shapes::None,
            crs: TargetCrs::CGCS2000,
            header: self.labels.header(),
            written_at,
        };
        let failed = |failed: WriteFailed| impossible(failed);
        let mut writer = LayerWriter::create(&path, self.format, table).map_err(failed)?;
        write(&mut writer).map_err(failed)?;
        writer.finish().map_err(failed)?;
        std::fs::read(&path).map_err(impossible)
    }
}

fn impossible(error: impl std::fmt::Display) -> Fault {
    Fault::Impossible {
        what: format!("a list could not be written: {error}"),
    }
}

/// `Content-Disposition` of a file: its name in ASCII for old clients, and in Chinese by RFC 6266 and RFC 8187.
pub(super) fn attachment(ascii: &str, name: &str) -> String {
    let escaped: String = name
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{escaped}")
}

/// A text; an empty one is nothing.
pub(crate) fn text_cell(text: &str) -> Cell<'_> {
    if text.is_empty() { Cell::Empty } else { Cell::Text(text) }
}

/// A text that may not be there.
pub(crate) fn said_cell(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Empty, text_cell)
}

/// A day.
pub(crate) fn day_cell(day: Date) -> Cell<'static> {
    u16::try_from(day.year()).map_or(Cell::Empty, |year| Cell::Date {
        year,
        month: day.month().into(),
        day: day.day(),
    })
}
