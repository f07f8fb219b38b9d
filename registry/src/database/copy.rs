//! Rows on their way into the database by COPY, which is many times quicker than INSERT for more than a few.

use std::fmt::{Display, Write as _};

use sqlx::PgConnection;

/// Rows in COPY's text format.
#[derive(Debug, Default)]
pub struct CopyRows {
    text: String,
    rows: u64,
    row_begun: bool,
}

impl CopyRows {
    fn separate(&mut self) {
        if self.row_begun {
            self.text.push('\t');
        }
        self.row_begun = true;
    }

    /// A null.
    pub fn null(&mut self) -> &mut Self {
        self.separate();
        self.text.push_str("\\N");
        self
    }

    /// A text, or null. U+0000, which PostgreSQL can't keep, becomes U+FFFD.
    pub fn text(&mut self, value: Option<&str>) -> &mut Self {
        let Some(value) = value else { return self.null() };
        self.separate();
        for character in value.chars() {
            match character {
                '\\' => self.text.push_str("\\\\"),
                '\t' => self.text.push_str("\\t"),
                '\n' => self.text.push_str("\\n"),
                '\r' => self.text.push_str("\\r"),
                '\0' => self.text.push('\u{FFFD}'),
                other => self.text.push(other),
            }
        }
        self
    }

    /// A value whose printed form needs no escaping (numbers, ids, dates, ranges), or null.
    pub fn plain(&mut self, value: Option<impl Display>) -> &mut Self {
        let Some(value) = value else { return self.null() };
        self.separate();
        let _ = write!(self.text, "{value}");
        self
    }

    /// A geometry as hexadecimal EWKB, or null.
    pub fn geometry(&mut self, ewkb: Option<&[u8]>) -> &mut Self {
        let Some(ewkb) = ewkb else { return self.null() };
        self.separate();
        self.push_hex(ewkb);
        self
    }

    /// Bytes, or null.
    pub fn bytes(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        let Some(bytes) = bytes else { return self.null() };
        self.separate();
        self.text.push_str("\\\\x");
        self.push_hex(bytes);
        self
    }

    fn push_hex(&mut self, bytes: &[u8]) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        self.text.reserve(bytes.len() * 2);
        for byte in bytes {
            self.text.push(char::from(DIGITS[usize::from(byte >> 4)]));
            self.text.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }

    /// Ends the row.
    pub fn end_row(&mut self) {
        self.text.push('\n');
        self.row_begun = false;
        self.rows += 1;
    }

    /// How many rows wait.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Sends what waits and begins anew; `statement` is `copy … from stdin`.
    ///
    /// # Errors
    /// The database's.
    pub async fn send(&mut self, connection: &mut PgConnection, statement: &'static str) -> sqlx::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut copy = connection.copy_in_raw(statement).await?;
        for chunk in self.text.as_bytes().chunks(1 << 20) {
            copy.send(chunk).await?;
        }
        copy.finish().await?;
        self.text.clear();
        self.rows = 0;
        Ok(())
    }
}
