//! One fast search through a text file before anything is read from it: its encoding, its lines,
//! and whether certain words occur.

use std::fs::File;
use std::io::Read;

use encoding_rs::{Encoding, UTF_8};

use super::LayerFiles;
use crate::source::{SourceBroken, SourceRefused};

/// What one search through the bytes tells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Survey {
    pub encoding: &'static Encoding,
    /// The letters `"crs"` occur.
    pub may_declare_crs: bool,
    /// Lines, or features as far as their key words occur.
    pub lines: u64,
    pub features: u64,
    pub length: u64,
}

/// Reads the file once, searching for bytes only.
pub(crate) fn survey(files: &LayerFiles, asked_for: Option<&'static Encoding>) -> Result<Survey, SourceRefused> {
    let io = |byte: u64| move |source| SourceRefused::Broken(SourceBroken::Io { byte, source });
    let mut file = File::open(&files.main).map_err(io(0))?;
    let length = file.metadata().map_err(io(0))?.len();
    let crs = memchr::memmem::Finder::new(b"\"crs\"");
    let feature = memchr::memmem::Finder::new(b"\"geometry\"");
    let mut buffer = vec![0_u8; 1 << 20];
    // The last bytes of a chunk are looked at again with the next one, so that no word is missed
    // and no character cut.
    const OVERLAP: usize = 16;
    let mut filled = 0;
    let mut position = 0_u64;
    let mut is_utf8 = true;
    let mut bad_sample: Vec<u8> = Vec::new();
    let mut survey = Survey {
        encoding: UTF_8,
        may_declare_crs: false,
        lines: 0,
        features: 0,
        length,
    };
    loop {
        let got = file
            .read(buffer.get_mut(filled..).unwrap_or(&mut []))
            .map_err(io(position))?;
        position += got as u64;
        let chunk = buffer.get(..filled + got).unwrap_or(&[]);
        if got == 0 {
            if is_utf8 && std::str::from_utf8(chunk).is_err() {
                is_utf8 = false;
                bad_sample = chunk.to_vec();
            }
            survey.features += feature.find_iter(chunk).count() as u64;
            survey.lines += memchr::memchr_iter(b'\n', chunk).count() as u64;
            survey.may_declare_crs |= crs.find(chunk).is_some();
            break;
        }
        survey.may_declare_crs |= crs.find(chunk).is_some();
        // What is kept for the next turn starts at a byte that begins a character.
        let mut keep_from = chunk.len().saturating_sub(OVERLAP);
        while keep_from > 0 && chunk.get(keep_from).is_some_and(|byte| byte & 0xC0 == 0x80) {
            keep_from -= 1;
        }
        let done = chunk.get(..keep_from).unwrap_or(&[]);
        survey.lines += memchr::memchr_iter(b'\n', done).count() as u64;
        survey.features += feature.find_iter(chunk).filter(|found| *found < keep_from).count() as u64;
        if is_utf8 && std::str::from_utf8(done).is_err() {
            is_utf8 = false;
            bad_sample = done.to_vec();
        }
        let end = filled + got;
        buffer.copy_within(keep_from..end, 0);
        filled = end - keep_from;
    }
    survey.encoding = match asked_for {
        Some(encoding) => encoding,
        None if is_utf8 => UTF_8,
        None => {
            // Around the first bad bytes, from the start of a line.
            let start = memchr::memchr(b'\n', &bad_sample).map_or(0, |at| at + 1);
            crate::encoding::of_document(bad_sample.get(start..).unwrap_or(&[]))
        }
    };
    Ok(survey)
}
