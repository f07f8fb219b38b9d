//! Text files as UTF-8: decoded, their byte-order mark removed, and no piece of them (a row, an
//! element) longer than memory allows.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use encoding_rs::{Decoder, Encoding, UTF_8};

use crate::source::SourceBroken;

const CHUNK: u64 = 1 << 16;

/// A text file and how it is read.
#[derive(Debug, Clone)]
pub(super) struct TextFile {
    pub path: PathBuf,
    pub encoding: &'static Encoding,
    pub length: u64,
    /// Bytes a piece may have.
    pub longest: u64,
    /// Bad bytes of UTF-8 are replaced here, and not left for the reader to find.
    pub is_lossy: bool,
}

impl TextFile {
    /// Opens the file; the counter is told how many bytes were read.
    pub fn open(&self, read: Arc<AtomicU64>) -> Result<Text, SourceBroken> {
        let file = File::open(&self.path).map_err(|source| SourceBroken::Io { byte: 0, source })?;
        Ok(Text {
            file,
            remaining: self.length,
            decoder: (self.encoding != UTF_8 || self.is_lossy).then(|| self.encoding.new_decoder_with_bom_removal()),
            raw: Vec::new(),
            decoded: String::new(),
            at: 0,
            is_start: true,
            since_piece: 0,
            longest: self.longest,
            read,
        })
    }
}

/// The text from its start on.
pub(super) struct Text {
    file: File,
    /// Bytes of the file still to be taken; what is appended after opening isn't read.
    remaining: u64,
    decoder: Option<Decoder>,
    /// What was read; of text that isn't decoded, what is given.
    raw: Vec<u8>,
    decoded: String,
    at: usize,
    is_start: bool,
    since_piece: u64,
    longest: u64,
    read: Arc<AtomicU64>,
}

/// Says that a piece of the text is too long.
#[derive(Debug, thiserror::Error)]
#[error("a piece of the text is too long")]
pub(super) struct TooLong;

impl TooLong {
    /// Whether that is what an error says.
    pub fn is(error: &std::io::Error) -> bool {
        error.get_ref().is_some_and(|inner| inner.is::<TooLong>())
    }
}

impl Text {
    /// A new piece starts. What was read ahead isn't counted again: pieces may be longer by that.
    pub fn start_piece(&mut self) {
        self.since_piece = 0;
    }

    fn given(&self) -> &[u8] {
        if self.decoder.is_some() || !self.decoded.is_empty() {
            self.decoded.as_bytes()
        } else {
            &self.raw
        }
    }

    fn fill(&mut self) -> std::io::Result<()> {
        loop {
            self.raw.clear();
            self.decoded.clear();
            self.at = 0;
            let got = (&mut self.file)
                .take(self.remaining.min(CHUNK))
                .read_to_end(&mut self.raw)?;
            self.remaining -= got as u64;
            self.read.fetch_add(got as u64, Ordering::Relaxed);
            if let Some(decoder) = &mut self.decoder {
                let room = decoder.max_utf8_buffer_length(got).unwrap_or(4 << 16);
                self.decoded.reserve(room);
                let _all = decoder.decode_to_string(&self.raw, &mut self.decoded, got == 0);
                if got == 0 {
                    self.decoder = None;
                } else if self.decoded.is_empty() {
                    // The bytes gave no character yet.
                    continue;
                }
            }
            if self.is_start {
                self.is_start = false;
                if self.given().starts_with(b"\xEF\xBB\xBF") {
                    self.at = 3;
                }
            }
            return Ok(());
        }
    }
}

impl Read for Text {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at >= self.given().len() {
            self.fill()?;
        }
        if self.since_piece > self.longest {
            return Err(std::io::Error::other(TooLong));
        }
        let rest = self.given().get(self.at..).unwrap_or(&[]);
        let got = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..got), rest.get(..got)) {
            to.copy_from_slice(from);
        }
        self.at += got;
        self.since_piece += got as u64;
        Ok(got)
    }
}
