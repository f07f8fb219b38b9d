//! The table of a shapefile: dBase III with texts in UTF-8.
//!
//! Every field has one width for all rows, told before the first: so rows wait in a temporary file until the widest is
//! known. With a guess instead, a table of some hundred thousand parcels would be past its 2 GB for blanks alone.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use super::is_number;
use crate::write::{Cell, ColumnKind, Table, WarningKind, Warnings, WriteFailed};

/// Bytes of a field's name.
const MAX_NAME: usize = 10;
/// Bytes of a text field.
const MAX_TEXT: usize = 254;

/// A field: its name as the format allows, and what it holds.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub name: String,
    kind: ColumnKind,
    full_name: &'static str,
}

impl Field {
    /// The fields of a table's columns. Names that are too long are cut, told apart by numbers, and warned of.
    pub(super) fn of_table(table: &Table, warnings: &mut Warnings) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            let mut name = cut(column.name, MAX_NAME).to_owned();
            let mut number = 1;
            while fields.iter().any(|field| field.name == name) {
                let tail = format!("_{number}");
                name = format!("{}{tail}", cut(column.name, MAX_NAME - tail.len()));
                number += 1;
            }
            if name != column.name {
                warnings.add(WarningKind::FieldNameCut, &format!("{} → {name}", column.name));
            }
            fields.push(Field {
                name,
                kind: column.kind,
                full_name: column.name,
            });
        }
        fields
    }
}

/// The longest beginning of at most so many bytes that ends between two letters.
fn cut(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Rows that wait for their widths.
pub(super) struct DbfRows {
    fields: Vec<Field>,
    widths: Vec<u8>,
    waiting: BufWriter<File>,
    rows: u32,
    max_bytes: u64,
}

impl DbfRows {
    pub(super) fn create(fields: Vec<Field>, max_bytes: u64) -> Result<DbfRows, WriteFailed> {
        let widths = fields
            .iter()
            .map(|field| if field.kind == ColumnKind::Date { 8 } else { 1 })
            .collect();
        Ok(DbfRows {
            fields,
            widths,
            waiting: BufWriter::with_capacity(1 << 18, tempfile::tempfile()?),
            rows: 0,
            max_bytes,
        })
    }

    pub(super) fn row(&mut self, cells: &[Cell<'_>], warnings: &mut Warnings) -> Result<(), WriteFailed> {
        for ((cell, field), widest) in cells.iter().zip(&self.fields).zip(&mut self.widths) {
            let written;
            let words = match *cell {
                Cell::Empty => "",
                Cell::Text(words) => {
                    let kept = cut(words, MAX_TEXT);
                    if kept.len() < words.len() {
                        warnings.add(WarningKind::TextCut, field.full_name);
                    }
                    kept
                }
                Cell::Integer(number) => {
                    written = number.to_string();
                    &written
                }
                Cell::Real(number) => {
                    let decimals = match field.kind {
                        ColumnKind::Real { decimals } => usize::from(decimals),
                        _ => 0,
                    };
                    written = format!("{number:.decimals$}");
                    &written
                }
                Cell::Date { year, month, day } => {
                    written = format!("{year:04}{month:02}{day:02}");
                    &written
                }
            };
            let length = u8::try_from(words.len()).unwrap_or(u8::MAX);
            *widest = length.max(*widest);
            self.waiting.write_all(&[length])?;
            self.waiting.write_all(words.as_bytes())?;
        }
        self.rows += 1;
        Ok(())
    }

    /// The finished file, at its beginning.
    pub(super) fn finish(mut self, path: &Path, written_on: (u16, u8, u8)) -> Result<File, WriteFailed> {
        let head_bytes = 32 + 32 * self.fields.len() + 1;
        let row_bytes = 1 + self.widths.iter().map(|width| usize::from(*width)).sum::<usize>();
        let too_large = || WriteFailed::TooLarge {
            part: "shapefile's table (.dbf)".to_owned(),
            limit: "2 GB",
        };
        if head_bytes as u64 + row_bytes as u64 * u64::from(self.rows) + 1 > self.max_bytes {
            return Err(too_large());
        }
        let two_bytes = |number: usize| u16::try_from(number).map(u16::to_le_bytes).map_err(|_| too_large());
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)?;
        let mut file = BufWriter::with_capacity(1 << 18, file);
        let (year, month, day) = written_on;
        let year = u8::try_from(year.saturating_sub(1900)).unwrap_or(u8::MAX);
        file.write_all(&[3, year, month, day])?;
        file.write_all(&self.rows.to_le_bytes())?;
        file.write_all(&two_bytes(head_bytes)?)?;
        file.write_all(&two_bytes(row_bytes)?)?;
        // No language driver: the .cpg beside it says UTF-8.
        file.write_all(&[0; 20])?;
        for (field, width) in self.fields.iter().zip(&self.widths) {
            let mut entry = [0_u8; 32];
            for (byte, letter) in entry.iter_mut().zip(field.name.bytes()) {
                *byte = letter;
            }
            let (kind, decimals) = match field.kind {
                ColumnKind::Text => (b'C', 0),
                ColumnKind::Integer => (b'N', 0),
                ColumnKind::Real { decimals } => (b'N', decimals),
                ColumnKind::Date => (b'D', 0),
            };
            entry[11] = kind;
            entry[16] = *width;
            entry[17] = decimals;
            file.write_all(&entry)?;
        }
        file.write_all(&[0x0D])?;
        self.waiting.rewind()?;
        let waiting = self
            .waiting
            .into_inner()
            .map_err(|error| WriteFailed::Io(error.into_error()))?;
        let mut waiting = BufReader::with_capacity(1 << 18, waiting);
        let mut words = [0_u8; 256];
        for _ in 0..self.rows {
            file.write_all(b" ")?;
            for (field, width) in self.fields.iter().zip(&self.widths) {
                let mut length = [0_u8];
                waiting.read_exact(&mut length)?;
                let length = usize::from(length[0]);
                let width = usize::from(*width);
                let (text, blanks) = words.split_at_mut(length);
                waiting.read_exact(text)?;
                let missing = width.saturating_sub(length);
                let blanks = blanks.get_mut(..missing).unwrap_or_default();
                blanks.fill(b' ');
                // Numbers stand at the right of their field.
                if is_number(field.kind) {
                    file.write_all(blanks)?;
                    file.write_all(text)?;
                } else {
                    file.write_all(text)?;
                    file.write_all(blanks)?;
                }
            }
        }
        file.write_all(&[0x1A])?;
        file.flush()?;
        file.rewind()?;
        file.into_inner().map_err(|error| WriteFailed::Io(error.into_error()))
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn texts_are_cut_between_letters() {
        assert_eq!(cut("宗地宗地", 10), "宗地宗");
        assert_eq!(cut("abc", 10), "abc");
        assert_eq!(cut("é", 1), "");
    }
}
