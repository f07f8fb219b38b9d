//! A list of JSON objects: `[{"name": …}, …]`, as web services hand tables out. Each object is a row, its members are
//! the columns. There are no shapes in it.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use serde_json::Value;

use super::geojson::{crs_member, encoding_warnings};
use super::json::{Found, Window, WindowError};
use super::survey::Survey;
use super::{LayerFiles, Opened};
use crate::source::{SourceBroken, SourceRefused, SourceRow, Unreadable};

/// Bytes one object may have.
const MAX_ROW_BYTES: usize = 16 << 20;

/// Does a text begin like a list of objects?
pub(crate) fn is_list_of_objects(start: &[u8]) -> bool {
    start
        .strip_prefix(b"[")
        .is_some_and(|rest| rest.trim_ascii_start().starts_with(b"{"))
}

/// Opens a list.
pub(crate) fn open(files: &LayerFiles, survey: Survey) -> Result<Opened, SourceRefused> {
    let path = files.main.clone();
    let start = Arc::new(move |read: Arc<AtomicU64>| {
        let io = |source| SourceBroken::Io { byte: 0, source };
        let file = File::open(&path).map_err(io)?;
        let mut window = Window::new(file, survey.length, survey.encoding, read);
        window.skip_mark().map_err(io)?;
        let rows: super::RowReader = Box::new(Rows {
            window,
            row: 0,
            state: State::Start,
        });
        Ok(rows)
    });
    Ok(Opened {
        encoding: Some(survey.encoding.name().to_owned()),
        crs: crs_member(None),
        fields: None,
        warnings: encoding_warnings(survey),
        estimated_rows: None,
        bytes_total: survey.length,
        may_have_shapes: false,
        layers: Vec::new(),
        start,
    })
}

#[derive(Clone, Copy)]
enum State {
    Start,
    /// An object, or the end of the list.
    Object {
        is_first: bool,
    },
    /// A comma, or the end of the list.
    Comma,
    End,
}

struct Rows {
    window: Window,
    row: u64,
    state: State,
}

impl Rows {
    fn damaged(&self, detail: &str) -> SourceBroken {
        SourceBroken::Damaged {
            byte: self.window.position(),
            row: self.row,
            detail: detail.to_owned(),
        }
    }

    fn step(&mut self) -> Result<Option<SourceRow>, SourceBroken> {
        loop {
            let next = self.window.peek_past_space();
            let next = next.map_err(|error| self.window.broken(error.into(), self.row))?;
            match (self.state, next) {
                (State::Start, Some(b'[')) => {
                    self.window.take();
                    self.state = State::Object { is_first: true };
                }
                (State::Start, Some(_)) => return Err(self.damaged("not a list")),
                (State::Object { is_first: true } | State::Comma, Some(b']')) => {
                    self.window.take();
                    self.state = State::End;
                }
                (State::Object { .. }, Some(b',' | b']' | b'}')) => return Err(self.damaged("an object expected")),
                (State::Object { .. }, Some(_)) => {
                    let found = self.window.value(MAX_ROW_BYTES);
                    let found = found.map_err(|error| self.window.broken(error, self.row))?;
                    self.row += 1;
                    self.state = State::Comma;
                    return Ok(Some(self.object(found)));
                }
                (State::Comma, Some(b',')) => {
                    self.window.take();
                    self.state = State::Object { is_first: false };
                }
                (State::Comma, Some(_)) => return Err(self.damaged("',' or ']' expected between objects")),
                (State::End, None) => return Ok(None),
                (State::End, Some(_)) => return Err(self.damaged("there is something behind the end of the list")),
                (_, None) => return Err(self.window.broken(WindowError::EndsEarly, self.row)),
            }
        }
    }

    /// One object as a row. One that can't be read spoils no other.
    fn object(&self, found: Found) -> SourceRow {
        let mut row = SourceRow::empty(self.row);
        let unreadable = |detail: String| Err(Unreadable::Record { detail });
        match found {
            Found::TooLong => row.geometry = unreadable("the object is too long".to_owned()),
            Found::Whole(range) => match serde_json::from_slice(self.window.bytes(range)) {
                Ok(Value::Object(members)) => row.properties = members,
                Ok(_) => row.geometry = unreadable("not an object".to_owned()),
                Err(error) => row.geometry = unreadable(error.to_string()),
            },
        }
        row
    }
}

impl Iterator for Rows {
    type Item = Result<SourceRow, SourceBroken>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}
