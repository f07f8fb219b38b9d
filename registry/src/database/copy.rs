//! Rows on their way into the database by COPY, which is many times quicker than INSERT for more than a few.

use sqlx::encode::IsNull;
use sqlx::postgres::PgArgumentBuffer;
use sqlx::{Encode, Executor, PgConnection, Postgres};

/// What COPY's binary format begins with: its signature, no flags, no extension.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What stands for a null, and for the end of the rows.
const NULL: [u8; 4] = (-1_i32).to_be_bytes();
const END: [u8; 2] = (-1_i16).to_be_bytes();

/// Rows in COPY's binary format. Values are encoded as for a query's arguments, so their types must be the columns':
/// nothing is converted.
#[derive(Default)]
pub struct CopyRows {
    buffer: PgArgumentBuffer,
    rows: u64,
    /// Where the row that is being written begins, and how many values it has.
    row: Option<(usize, i16)>,
    /// The first value that could not be encoded; it is an error when the rows are sent.
    failed: Option<sqlx::error::BoxDynError>,
}

impl std::fmt::Debug for CopyRows {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("CopyRows")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}

impl CopyRows {
    fn begin_value(&mut self) {
        let (_, values) = self.row.get_or_insert_with(|| {
            let begin = self.buffer.len();
            self.buffer.extend_from_slice(&[0; 2]);
            (begin, 0)
        });
        *values += 1;
    }

    /// A value, or null.
    pub fn value<T: Encode<'static, Postgres>>(&mut self, value: Option<T>) -> &mut Self {
        self.begin_value();
        let at = self.buffer.len();
        self.buffer.extend_from_slice(&NULL);
        if let Some(value) = value {
            match value.encode(&mut self.buffer) {
                Ok(IsNull::No) => {
                    let length = self.buffer.len() - at - 4;
                    self.say_length(at, length);
                }
                Ok(IsNull::Yes) => {}
                Err(error) => {
                    self.failed.get_or_insert(error);
                }
            }
        }
        self
    }

    /// Bytes as they stand (`bytea`, a geometry as EWKB), or null.
    pub fn bytes(&mut self, bytes: Option<&[u8]>) -> &mut Self {
        self.begin_value();
        let at = self.buffer.len();
        self.buffer.extend_from_slice(&NULL);
        if let Some(bytes) = bytes {
            self.buffer.extend_from_slice(bytes);
            self.say_length(at, bytes.len());
        }
        self
    }

    /// A text (also what a `json` column takes), or null. U+0000, which PostgreSQL can't keep, becomes U+FFFD.
    pub fn text(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(text) if text.contains('\0') => self.bytes(Some(text.replace('\0', "\u{FFFD}").as_bytes())),
            text => self.bytes(text.map(str::as_bytes)),
        }
    }

    fn say_length(&mut self, at: usize, length: usize) {
        match i32::try_from(length) {
            Ok(length) => self.buffer[at..at + 4].copy_from_slice(&length.to_be_bytes()),
            Err(_) => {
                self.failed
                    .get_or_insert_with(|| format!("a value of {length} bytes is too long").into());
            }
        }
    }

    /// Ends the row.
    pub fn end_row(&mut self) {
        if let Some((begin, values)) = self.row.take() {
            self.buffer[begin..begin + 2].copy_from_slice(&values.to_be_bytes());
            self.rows += 1;
        }
    }

    /// How many rows wait.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Sends what waits and begins anew; `statement` is `copy … from stdin (format binary)`.
    ///
    /// # Errors
    /// The database's, or that a value could not be encoded.
    pub async fn send(&mut self, connection: &mut PgConnection, statement: &'static str) -> sqlx::Result<()> {
        let sent = std::mem::take(self);
        if let Some(error) = sent.failed {
            return Err(sqlx::Error::Encode(error));
        }
        if sent.rows == 0 {
            return Ok(());
        }
        let role = CopyRole::take(connection).await?;
        let mut copy = connection.copy_in_raw(statement).await?;
        copy.send(HEADER).await?;
        for chunk in sent.buffer.chunks(1 << 20) {
            copy.send(chunk).await?;
        }
        copy.send(END.as_slice()).await?;
        copy.finish().await?;
        role.give_back(connection).await
    }
}

/// The role under which rows are copied: COPY knows no policies, and PostgreSQL refuses it to a role that is bound by
/// some. What is written is judged by the triggers of its table.
#[derive(Debug)]
#[must_use]
pub struct CopyRole {
    was_bound: bool,
}

impl CopyRole {
    /// Takes it on, in the caller's transaction. Where the COPY fails, the end of the transaction gives it back.
    ///
    /// # Errors
    /// The database's.
    pub async fn take(connection: &mut PgConnection) -> sqlx::Result<Self> {
        let role: String = sqlx::query_scalar("select current_setting('role')")
            .fetch_one(&mut *connection)
            .await?;
        let was_bound = role == super::CALLER_ROLE;
        if was_bound {
            connection.execute("set local role yice_system").await?;
        }
        Ok(Self { was_bound })
    }

    /// Gives it back.
    ///
    /// # Errors
    /// The database's.
    pub async fn give_back(self, connection: &mut PgConnection) -> sqlx::Result<()> {
        if self.was_bound {
            connection.execute("set local role yice_app").await?;
        }
        Ok(())
    }
}
