//! What the server says.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::disk::lack_of_room;
use super::refused::ClusterRefused;

/// The log is set aside at a start once it is larger than this, in bytes.
const LARGEST_LOG: u64 = 16 * 1024 * 1024;

/// The server's log, and where in it this start begins.
#[derive(Debug)]
pub(super) struct Log {
    pub path: PathBuf,
    pub file: File,
    begin: u64,
}

impl Log {
    /// Opens the log of a data folder, setting a large old one aside.
    pub fn open(data: &Path) -> io::Result<Self> {
        let path = data.join("postgres.log");
        if fs::metadata(&path).is_ok_and(|it| it.len() > LARGEST_LOG) {
            fs::rename(&path, data.join("postgres.log.old"))?;
        }
        let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
        let begin = file.seek(SeekFrom::End(0))?;
        Ok(Self { path, file, begin })
    }

    /// The refusal that quotes what was logged since.
    pub fn start_failed(&self, outcome: String) -> ClusterRefused {
        let mut text = String::new();
        let read = File::open(&self.path).and_then(|mut file| {
            file.seek(SeekFrom::Start(self.begin))?;
            file.read_to_string(&mut text)
        });
        if let Err(error) = read {
            text = format!("(unreadable: {error})");
        }
        if let Some(folder) = self.path.parent()
            && let Some(refused) = lack_of_room(folder, &text)
        {
            return refused;
        }
        let lines: Vec<_> = text.lines().collect();
        let last_lines = lines[lines.len().saturating_sub(12)..].join("\n");
        ClusterRefused::StartFailed {
            outcome,
            log: self.path.clone(),
            last_lines,
        }
    }
}
