//! One export: rows out of the database on one side, the file on a thread of its own on the other.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::TryStreamExt;
use gis_data::write::{Cell, LayerWriter, Table, WriteFailed, WriteFormat, Written};
use sqlx::postgres::PgRow;
use sqlx::{Connection, Row};
use time::Date;
use time::macros::format_description;
use tokio::sync::mpsc::{Receiver, channel};

use super::fields::{self, Field, Kind};
use super::{ExportOrder, Labels, select};
use crate::clock::Clock;
use crate::database::ScopedDatabase;
use crate::geometry::from_ewkb;
use crate::request::{Fault, Problem};

/// Rows handed over at once; a few such heaps are all that waits in memory.
const BATCH: usize = 256;
const WAITING_BATCHES: usize = 4;

/// How many rows are written; cheap to clone and to ask from another task.
#[derive(Debug, Clone, Default)]
pub struct ExportProgress(Arc<AtomicU64>);

impl ExportProgress {
    /// Rows so far.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a finished export holds.
#[derive(Debug, Clone)]
pub struct Exported {
    /// Rows and warnings of the file.
    pub written: Written,
}

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum ExportFailed {
    /// The order can't be carried out; the problem names field and remedy.
    #[error("{}", problem.detail)]
    Refused {
        /// What is wrong.
        problem: Box<Problem>,
    },
    /// The database, or a state that can't be.
    #[error(transparent)]
    Fault {
        /// What failed.
        #[from]
        source: Fault,
    },
    /// The file could not be written.
    #[error("the file could not be written")]
    File {
        /// What failed.
        source: WriteFailed,
    },
}

impl From<Problem> for ExportFailed {
    fn from(problem: Problem) -> Self {
        Self::Refused {
            problem: Box::new(problem),
        }
    }
}

impl From<sqlx::Error> for ExportFailed {
    fn from(source: sqlx::Error) -> Self {
        Self::Fault { source: source.into() }
    }
}

impl From<WriteFailed> for ExportFailed {
    fn from(failed: WriteFailed) -> Self {
        let Some(field) = failed.field() else {
            return Self::File { source: failed };
        };
        let mut problem = match &failed {
            WriteFailed::UnknownCrs { .. } => Problem::bad(field, failed.to_string()),
            // What was asked is understood, but the layer's content doesn't go into it.
            _ => Problem::invalid(field, failed.to_string()),
        };
        problem = problem.code(failed.code());
        if let Some(remedy) = failed.remedy() {
            problem = problem.remedy(remedy);
        }
        problem.into()
    }
}

impl From<ExportFailed> for Problem {
    fn from(failed: ExportFailed) -> Self {
        match failed {
            ExportFailed::Refused { problem } => *problem,
            ExportFailed::Fault { source } => source.into(),
            ExportFailed::File { source } => Fault::Impossible {
                what: format!("an export could not be written: {source:?}"),
            }
            .into(),
        }
    }
}

/// When a file is written, as formats keep it.
pub(super) fn written_at(clock: &Clock) -> Result<String, Fault> {
    clock
        .now()
        .to_offset(time::UtcOffset::UTC)
        .format(format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z"))
        .map_err(|error| Fault::Impossible {
            what: error.to_string(),
        })
}

/// Writes a layer to a path, replacing what is there. Dropping the future gives the export up; what stands at the path
/// then, or after a failure, is no whole file.
///
/// # Errors
/// [`ExportFailed`] says whether the order, the database or the disk was at fault.
pub async fn run_export(
    database: &ScopedDatabase,
    clock: &Clock,
    order: &ExportOrder,
    path: &Path,
    progress: &ExportProgress,
) -> Result<Exported, ExportFailed> {
    let fields = fields::of_layer(order.layer);
    let with_shape = fields::has_shapes(order.layer);
    let mut statement = select::statement(order.layer, &fields, with_shape, order.times, &order.filter)?;
    let written_at = written_at(clock)?;
    let table = Table {
        name: order.layer.as_str(),
        title: fields::title(order.layer),
        columns: fields.iter().map(Field::column).collect(),
        shapes: fields::shapes(order.layer),
        crs: order.crs,
        header: order.labels.header(),
        written_at,
    };
    // Words are for tables that people read; the other formats are for programs.
    let labels = if matches!(order.format, WriteFormat::Csv | WriteFormat::Xlsx) {
        order.labels
    } else {
        Labels::Codes
    };

    let (send, receive) = channel::<Handed>(WAITING_BATCHES);
    let writing = {
        let (path, format, progress) = (path.to_owned(), order.format, progress.clone());
        tokio::task::spawn_blocking(move || {
            let writer = LayerWriter::create(&path, format, table)?;
            write_rows(writer, receive, &fields, with_shape, labels, &progress)
        })
    };
    let mut connection = database.connect_apart().await?;
    let mut rows = statement.build().fetch(&mut connection);
    let mut batch = Vec::with_capacity(BATCH);
    // Where a send fails the writer has given up, and says why itself.
    let mut is_read = false;
    loop {
        match rows.try_next().await? {
            Some(row) => {
                batch.push(row);
                if batch.len() == BATCH {
                    let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH));
                    if send.send(Handed::Rows(full)).await.is_err() {
                        break;
                    }
                }
            }
            None => {
                is_read = true;
                if send.send(Handed::Rows(batch)).await.is_ok() {
                    let _ = send.send(Handed::End).await;
                }
                break;
            }
        }
    }
    drop((rows, send));
    if is_read {
        // Said goodbye to, so that the server logs no broken connection; what it says to that is of no use.
        let _ = connection.close().await;
    } else {
        drop(connection);
    }
    let written = writing.await.map_err(|error| Fault::Impossible {
        what: format!("the thread that writes an export ended: {error}"),
    })??;
    Ok(Exported { written })
}

/// What the writer is handed. Without an end the export was given up, and so is the file.
enum Handed {
    Rows(Vec<PgRow>),
    End,
}

fn write_rows(
    mut writer: LayerWriter,
    mut receive: Receiver<Handed>,
    fields: &[Field],
    with_shape: bool,
    labels: Labels,
    progress: &ExportProgress,
) -> Result<Written, ExportFailed> {
    loop {
        let batch = match receive.blocking_recv() {
            Some(Handed::Rows(batch)) => batch,
            Some(Handed::End) => return Ok(writer.finish()?),
            None => {
                return Err(Fault::Impossible {
                    what: "the export was given up".to_owned(),
                }
                .into());
            }
        };
        for row in &batch {
            let cells = (fields.iter().enumerate())
                .map(|(index, field)| cell(row, index, field, labels))
                .collect::<Result<Vec<_>, _>>()?;
            let shape = if with_shape {
                let ewkb = row.try_get::<Option<&[u8]>, _>(fields.len())?;
                ewkb.map(from_ewkb).transpose()?
            } else {
                None
            };
            writer.write(&cells, shape)?;
        }
        progress.0.fetch_add(batch.len() as u64, Ordering::Relaxed);
    }
}

fn cell<'row>(row: &'row PgRow, index: usize, field: &Field, labels: Labels) -> Result<Cell<'row>, sqlx::Error> {
    Ok(match field.kind {
        Kind::Text => row.try_get::<Option<&str>, _>(index)?.map_or(Cell::Empty, Cell::Text),
        Kind::Code(list) => match (row.try_get::<Option<&str>, _>(index)?, labels) {
            (None, _) => Cell::Empty,
            (Some(code), labels) => Cell::Text(labels.of(list, code)),
        },
        Kind::Integer => row.try_get::<Option<i64>, _>(index)?.map_or(Cell::Empty, Cell::Integer),
        Kind::Real(_) => row.try_get::<Option<f64>, _>(index)?.map_or(Cell::Empty, Cell::Real),
        Kind::Date => match row.try_get::<Option<Date>, _>(index)? {
            None => Cell::Empty,
            Some(date) => Cell::Date {
                year: u16::try_from(date.year()).unwrap_or(u16::MAX),
                month: date.month().into(),
                day: date.day(),
            },
        },
    })
}
