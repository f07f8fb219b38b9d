//! Size and time of files, to notice that they changed while they were read.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{SourceBroken, SourceRefused};

/// Size and time of a file, to notice that it changed.
#[derive(Debug, Clone)]
pub(super) struct Fingerprint {
    path: PathBuf,
    pub(super) length: u64,
    modified: Option<SystemTime>,
}

impl Fingerprint {
    pub(super) fn of(path: &Path) -> Result<Fingerprint, SourceRefused> {
        let metadata = std::fs::metadata(path).map_err(|source| SourceRefused::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Ok(Fingerprint {
            path: path.to_owned(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
        })
    }
}

pub(super) fn verify(originals: &[Fingerprint]) -> Result<(), SourceBroken> {
    for original in originals {
        let is_same = std::fs::metadata(&original.path)
            .is_ok_and(|metadata| metadata.len() == original.length && metadata.modified().ok() == original.modified);
        if !is_same {
            return Err(SourceBroken::ChangedWhileReading {
                name: display_name(&original.path),
            });
        }
    }
    Ok(())
}

pub(super) fn display_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}
