//! Streaming rows: a thread reads, a bounded buffer hands over, and changed files are noticed.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use tempfile::TempDir;

use super::fingerprint::{Fingerprint, verify};
use super::{SourceBroken, SourceRow};
use crate::formats::StartReading;

/// Rows handed over together: fewer wake-ups of two threads.
const BATCH_ROWS: usize = 256;
/// Vertices in a batch at most, but for its last row.
const BATCH_VERTICES: usize = 65_536;
/// Batches that may wait; with the one being filled and the one being used, this bounds memory.
const BATCHES_AHEAD: usize = 4;

enum Message {
    Rows(Vec<SourceRow>),
    Broken(SourceBroken),
    End,
}

fn read_rows(start: &StartReading, read: Arc<AtomicU64>, originals: &[Fingerprint], sender: &SyncSender<Message>) {
    use geo::CoordsIter;
    // A file that changed explains any other trouble.
    let send_broken = |broken: SourceBroken| {
        let broken = verify(originals).err().unwrap_or(broken);
        // Nobody listens any more: nothing to tell.
        let _unheard = sender.send(Message::Broken(broken));
    };
    let mut rows = match start(read) {
        Ok(rows) => rows,
        Err(broken) => return send_broken(broken),
    };
    let mut batch = Vec::with_capacity(BATCH_ROWS);
    let mut vertices = 0;
    loop {
        match rows.next() {
            Some(Ok(row)) => {
                if let Ok(Some(geometry)) = &row.geometry {
                    vertices += geometry.coords_count();
                }
                batch.push(row);
                if batch.len() >= BATCH_ROWS || vertices >= BATCH_VERTICES {
                    vertices = 0;
                    let full = std::mem::replace(&mut batch, Vec::with_capacity(BATCH_ROWS));
                    if sender.send(Message::Rows(full)).is_err() {
                        return;
                    }
                }
            }
            Some(Err(broken)) => {
                if sender.send(Message::Rows(batch)).is_ok() {
                    send_broken(broken);
                }
                return;
            }
            None => break,
        }
    }
    if sender.send(Message::Rows(batch)).is_err() {
        return;
    }
    let last = match verify(originals) {
        Ok(()) => Message::End,
        Err(broken) => Message::Broken(broken),
    };
    let _unheard = sender.send(last);
}

/// Iterator over the rows of a [`Source`]. Owns all it needs, and may be sent to another thread.
#[derive(Debug)]
pub struct Rows {
    receiver: Receiver<Message>,
    batch: std::vec::IntoIter<SourceRow>,
    failed_start: Option<std::io::Error>,
    is_done: bool,
    /// Unpacked and converted files live as long as somebody reads them.
    _kept: Arc<Vec<TempDir>>,
}

impl Rows {
    /// Starts the thread that reads.
    pub(super) fn start(
        start: StartReading,
        read: Arc<AtomicU64>,
        originals: Arc<Vec<Fingerprint>>,
        kept: Arc<Vec<TempDir>>,
    ) -> Rows {
        let (sender, receiver) = sync_channel(BATCHES_AHEAD);
        let spawned = std::thread::Builder::new()
            .name("source-reader".to_owned())
            .spawn(move || read_rows(&start, read, &originals, &sender));
        Rows {
            receiver,
            batch: Vec::new().into_iter(),
            failed_start: spawned.err(),
            is_done: false,
            _kept: kept,
        }
    }
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
            if let Some(source) = self.failed_start.take() {
                self.is_done = true;
                return Some(Err(SourceBroken::Io { byte: 0, source }));
            }
            match self.receiver.recv() {
                Ok(Message::Rows(rows)) => self.batch = rows.into_iter(),
                Ok(Message::End) => self.is_done = true,
                Ok(Message::Broken(broken)) => {
                    self.is_done = true;
                    return Some(Err(broken));
                }
                // The reader stopped without a last word: it panicked. Rows may be missing.
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

impl std::fmt::Debug for Message {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Message::Rows(rows) => write!(formatter, "Rows({})", rows.len()),
            Message::Broken(broken) => write!(formatter, "Broken({broken})"),
            Message::End => write!(formatter, "End"),
        }
    }
}
