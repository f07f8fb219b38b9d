//! Numbers as text: the shortest digits that give the same number again.

use super::WriteFailed;

/// Appends a finite number; `null` can't come, shapes and areas are finite.
pub(super) fn push_real(text: &mut Vec<u8>, number: f64) -> Result<(), WriteFailed> {
    serde_json::to_writer(text, &number).map_err(|error| WriteFailed::Io(error.into()))
}

/// Appends a day as 2024-06-30.
pub(super) fn push_date(text: &mut Vec<u8>, year: u16, month: u8, day: u8) {
    text.extend_from_slice(format!("{year:04}-{month:02}-{day:02}").as_bytes());
}
