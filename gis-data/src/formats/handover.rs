//! Rows of readers that can't pause: they run on a thread and hand rows over in batches through a
//! bounded channel.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use geo::CoordsIter;

use super::RowReader;
use crate::source::{SourceBroken, SourceRow};

const BATCH_ROWS: usize = 256;
const BATCH_VERTICES: usize = 65_536;
const BATCHES_AHEAD: usize = 2;

enum Message {
    Rows(Vec<SourceRow>),
    Broken(SourceBroken),
    End,
}

/// Where a reader puts its rows.
pub(super) struct Handover {
    sender: SyncSender<Message>,
    batch: Vec<SourceRow>,
    vertices: usize,
}

/// Nobody wants the rows any more.
pub(super) struct Unwanted;

impl Handover {
    /// Hands a row over; an error tells the reader to stop.
    pub fn give(&mut self, row: SourceRow) -> Result<(), Unwanted> {
        if let Ok(Some(geometry)) = &row.geometry {
            self.vertices += geometry.coords_count();
        }
        self.batch.push(row);
        if self.batch.len() >= BATCH_ROWS || self.vertices >= BATCH_VERTICES {
            self.vertices = 0;
            let full = std::mem::take(&mut self.batch);
            self.sender.send(Message::Rows(full)).map_err(|_| Unwanted)?;
        }
        Ok(())
    }
}

/// Runs a reader on a thread of its own. It ends early without harm when the rows are dropped.
pub(super) fn rows(
    name: &str,
    reader: impl FnOnce(&mut Handover) -> Result<(), SourceBroken> + Send + 'static,
) -> Result<RowReader, SourceBroken> {
    let (sender, receiver) = sync_channel(BATCHES_AHEAD);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let mut handover = Handover {
                sender,
                batch: Vec::new(),
                vertices: 0,
            };
            let last = match reader(&mut handover) {
                Ok(()) => Message::End,
                Err(broken) => Message::Broken(broken),
            };
            let rest = std::mem::take(&mut handover.batch);
            if handover.sender.send(Message::Rows(rest)).is_ok() {
                let _unheard = handover.sender.send(last);
            }
        })
        .map_err(|source| SourceBroken::Io { byte: 0, source })?;
    Ok(Box::new(Rows {
        receiver,
        batch: Vec::new().into_iter(),
        is_done: false,
    }))
}

struct Rows {
    receiver: Receiver<Message>,
    batch: std::vec::IntoIter<SourceRow>,
    is_done: bool,
}

impl Iterator for Rows {
    type Item = Result<SourceRow, SourceBroken>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.batch.next() {
                return Some(Ok(row));
            }
            if self.is_done {
                return None;
            }
            match self.receiver.recv() {
                Ok(Message::Rows(rows)) => self.batch = rows.into_iter(),
                Ok(Message::End) => self.is_done = true,
                Ok(Message::Broken(broken)) => {
                    self.is_done = true;
                    return Some(Err(broken));
                }
                // The thread ended without a last word: rows may be missing.
                Err(_) => {
                    self.is_done = true;
                    return Some(Err(SourceBroken::Damaged {
                        byte: 0,
                        row: 0,
                        detail: "the reader stopped unexpectedly".to_owned(),
                    }));
                }
            }
        }
    }
}
