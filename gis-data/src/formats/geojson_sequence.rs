//! GeoJSON features one after another: one a line, or between record separators (RFC 8142).

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde_json::Value;

use super::geojson::{crs_member, encoding_warnings};
use super::json::{self, Found, Window, WindowError};
use super::survey::Survey;
use super::{LayerFiles, Opened};
use crate::source::{SourceBroken, SourceRefused, SourceRow, Unreadable};

/// The record separator of RFC 8142.
const RECORD_SEPARATOR: u8 = 0x1E;

/// Opens a sequence.
pub(crate) fn open(files: &LayerFiles, survey: Survey, max_vertices: u64) -> Result<Opened, SourceRefused> {
    let io = |source| SourceRefused::Broken(SourceBroken::Io { byte: 0, source });
    let path = files.main.clone();
    let window = move |read: Arc<AtomicU64>| -> std::io::Result<(Window, u8)> {
        let file = File::open(&path)?;
        let mut window = Window::new(file, survey.length, survey.encoding, read);
        window.skip_mark()?;
        let separator = match window.peek_past_space()? {
            Some(RECORD_SEPARATOR) => RECORD_SEPARATOR,
            _ => b'\n',
        };
        Ok((window, separator))
    };
    let crs = if survey.may_declare_crs {
        // A member of each feature then; the first one speaks for all.
        let (mut window, separator) = window(Arc::new(AtomicU64::new(0))).map_err(io)?;
        let mut first: Option<Value> = None;
        while first.is_none() {
            match window.record(separator, 64 << 20).map_err(io)? {
                Some((Found::Whole(range), _)) => {
                    let bytes = window.bytes(range).trim_ascii();
                    if !bytes.is_empty() {
                        first = Some(serde_json::from_slice(bytes).unwrap_or(Value::Bool(false)));
                    }
                }
                Some((Found::TooLong, _)) | None => first = Some(Value::Bool(false)),
            }
        }
        crs_member(first.as_ref().and_then(|feature| feature.get("crs")))
    } else {
        crs_member(None)
    };
    let start = Arc::new(move |read: Arc<AtomicU64>| {
        let (window, separator) = window(read).map_err(|source| SourceBroken::Io { byte: 0, source })?;
        let rows: super::RowReader = Box::new(Rows {
            window,
            separator,
            row: 0,
            max_vertices,
            max_bytes: json::max_feature_bytes(max_vertices),
        });
        Ok(rows)
    });
    Ok(Opened {
        encoding: Some(survey.encoding.name().to_owned()),
        crs,
        fields: None,
        warnings: encoding_warnings(survey),
        estimated_rows: Some(survey.features.max(1)),
        bytes_total: survey.length,
        may_have_shapes: true,
        layers: Vec::new(),
        start,
    })
}

struct Rows {
    window: Window,
    separator: u8,
    row: u64,
    max_vertices: u64,
    max_bytes: usize,
}

impl Iterator for Rows {
    type Item = Result<SourceRow, SourceBroken>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (found, is_ended) = match self.window.record(self.separator, self.max_bytes) {
                Ok(Some(record)) => record,
                Ok(None) => return None,
                Err(error) => {
                    return Some(Err(self.window.broken(error.into(), self.row)));
                }
            };
            let range = match found {
                Found::Whole(range) => range,
                Found::TooLong => {
                    self.row += 1;
                    return Some(Ok(json::too_long(self.row, self.max_vertices)));
                }
            };
            let bytes = self.window.bytes(range).trim_ascii();
            let bytes = bytes.strip_prefix(&[RECORD_SEPARATOR]).unwrap_or(bytes);
            if bytes.is_empty() {
                continue;
            }
            let row = json::row(bytes, self.row + 1, self.max_vertices);
            // The last record has no separator behind it when the file was cut off; when it can't
            // be read either, it was.
            let is_cut =
                !is_ended && matches!(row.geometry, Err(Unreadable::Record { .. })) && json::is_unfinished(bytes);
            if is_cut {
                return Some(Err(self.window.broken(WindowError::EndsEarly, self.row)));
            }
            self.row += 1;
            return Some(Ok(row));
        }
    }
}
