//! Unpacking gzip files and zip archives within limits: nothing of the archive's decides where a
//! file is written, and bytes are counted as they come.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::fingerprint::{Fingerprint, display_name, verify};
use super::locate::{Chosen, Located, choose, companions_of, extension, head_of, unreadable};
use super::{Limits, ReadOptions, SourceBroken, SourceRefused};
use crate::formats::LayerFiles;

pub(super) fn is_gzip(head: &[u8]) -> bool {
    head.starts_with(&[0x1F, 0x8B])
}

pub(super) fn is_zip(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// Whether a zip archive is an Excel workbook.
pub(super) fn is_workbook(path: &Path) -> bool {
    let Ok(file) = File::open(path) else {
        return false;
    };
    let Ok(archive) = zip::ZipArchive::new(std::io::BufReader::new(file)) else {
        return false;
    };
    let has = |wanted: fn(&str) -> bool| archive.file_names().any(|name| name.is_ok_and(|name| wanted(&name)));
    has(|name| name == "[Content_Types].xml") && has(|name| name.starts_with("xl/"))
}

/// Unpacks all parts of a zip archive into nothing: refuses what is too large or damaged, and gives
/// the bytes there are. Parts that `is_held` names are to be held in memory, and limited together.
pub(crate) fn measure_archive(
    path: &Path,
    limits: Limits,
    max_held_bytes: u64,
    is_held: impl Fn(&str) -> bool,
) -> Result<u64, SourceRefused> {
    let name = display_name(path);
    let file = File::open(path).map_err(unreadable(path))?;
    let length = file.metadata().map_err(unreadable(path))?.len();
    let mut archive =
        zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| zip_broken(error, &name, length))?;
    if archive.len() > limits.max_archive_members {
        return Err(SourceRefused::TooLarge {
            limit: format!("{} files", limits.max_archive_members),
        });
    }
    let mut budget = Budget::new(length, limits);
    let mut held = 0_u64;
    let mut buffer = vec![0_u8; 1 << 16];
    for index in 0..archive.len() {
        let mut entry = archive
            .by_index(index)
            .map_err(|error| zip_broken(error, &name, length))?;
        let part = entry_name(entry.name_raw());
        loop {
            let got = entry.read(&mut buffer).map_err(|error| {
                SourceRefused::Broken(SourceBroken::Damaged {
                    byte: 0,
                    row: 0,
                    detail: format!("{part}: {error}"),
                })
            })?;
            if got == 0 {
                break;
            }
            budget.spend(got as u64)?;
            if is_held(&part) {
                held += got as u64;
                if held > max_held_bytes {
                    return Err(SourceRefused::TooLarge {
                        limit: format!("{} MiB ({part})", max_held_bytes >> 20),
                    });
                }
            }
        }
    }
    Ok(budget.unpacked)
}

pub(super) fn temporary_folder(options: &ReadOptions) -> Result<TempDir, SourceRefused> {
    let made = match &options.temporary_folder {
        Some(folder) => tempfile::Builder::new().prefix("yice-").tempdir_in(folder),
        None => tempfile::Builder::new().prefix("yice-").tempdir(),
    };
    made.map_err(|source| SourceRefused::Unreadable {
        path: options.temporary_folder.clone().unwrap_or_else(std::env::temp_dir),
        source,
    })
}

/// What unpacking may still produce. Headers aren't trusted: bytes are counted as they come.
pub(super) struct Budget {
    packed: u64,
    unpacked: u64,
    limits: Limits,
}

/// Below this, a high ratio is no danger.
const RATIO_JUDGED_FROM: u64 = 64 << 20;

impl Budget {
    pub(super) fn new(packed: u64, limits: Limits) -> Budget {
        Budget {
            packed,
            unpacked: 0,
            limits,
        }
    }

    fn spend(&mut self, bytes: u64) -> Result<(), SourceRefused> {
        self.unpacked += bytes;
        if self.unpacked > self.limits.max_unpacked_bytes {
            return Err(SourceRefused::TooLarge {
                limit: format!("{} MiB", self.limits.max_unpacked_bytes >> 20),
            });
        }
        let most = self.packed.saturating_mul(self.limits.max_unpack_ratio);
        if self.unpacked > RATIO_JUDGED_FROM && self.unpacked > most {
            return Err(SourceRefused::TooLarge {
                limit: format!("1 : {}", self.limits.max_unpack_ratio),
            });
        }
        Ok(())
    }
}

pub(super) fn unpack(reader: &mut impl Read, to: &Path, budget: &mut Budget) -> Result<(), SourceRefused> {
    let mut file = File::create(to).map_err(unreadable(to))?;
    let mut buffer = vec![0_u8; 1 << 18];
    let mut written = 0_u64;
    loop {
        let got = match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(got) => got,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => {
                let row = 0;
                return Err(SourceRefused::Broken(match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => SourceBroken::Truncated { byte: written, row },
                    std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData | std::io::ErrorKind::Other => {
                        SourceBroken::Damaged {
                            byte: written,
                            row,
                            detail: error.to_string(),
                        }
                    }
                    _ => SourceBroken::Io {
                        byte: written,
                        source: error,
                    },
                }));
            }
        };
        budget.spend(got as u64)?;
        file.write_all(buffer.get(..got).unwrap_or(&[]))
            .map_err(unreadable(to))?;
        written += got as u64;
    }
}

fn zip_broken(error: zip::result::ZipError, entry: &str, length: u64) -> SourceRefused {
    use zip::result::ZipError;
    let damaged = |detail: String| {
        SourceRefused::Broken(SourceBroken::Damaged {
            byte: 0,
            row: 0,
            detail: format!("{entry}: {detail}"),
        })
    };
    match error {
        ZipError::InvalidPassword => SourceRefused::Encrypted {
            entry: entry.to_owned(),
        },
        ZipError::UnsupportedArchive(text) if text == ZipError::PASSWORD_REQUIRED => SourceRefused::Encrypted {
            entry: entry.to_owned(),
        },
        ZipError::CompressionMethodNotSupported(_) | ZipError::UnsupportedArchive(_) => {
            SourceRefused::UnsupportedFormat {
                name: entry.to_owned(),
                format: "a zip archive with a compression other than deflate",
            }
        }
        // The list of contents stands at the end: without it the archive was cut off.
        ZipError::InvalidArchive(text) if text.contains("central directory") || text.contains("EOCD") => {
            SourceRefused::Broken(SourceBroken::Truncated { byte: length, row: 0 })
        }
        ZipError::Io(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            SourceRefused::Broken(SourceBroken::Truncated { byte: length, row: 0 })
        }
        other => damaged(other.to_string()),
    }
}

/// The name of an entry; not UTF-8 in archives made on Chinese Windows.
fn entry_name(raw: &[u8]) -> String {
    let name = match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => encoding_rs::GB18030.decode(raw).0.into_owned(),
    };
    name.replace('\\', "/")
}

fn is_unsafe(name: &str) -> bool {
    let bytes = name.as_bytes();
    let has_drive = bytes.get(1) == Some(&b':') && bytes.first().is_some_and(u8::is_ascii_alphabetic);
    name.starts_with('/') || has_drive || name.contains('\0') || name.split('/').any(|part| part == "..")
}

pub(super) fn locate_in_zip(
    path: &Path,
    original: Fingerprint,
    options: &ReadOptions,
) -> Result<Located, SourceRefused> {
    let container = display_name(path);
    let length = original.length;
    let file = File::open(path).map_err(unreadable(path))?;
    let mut archive =
        zip::ZipArchive::new(std::io::BufReader::new(file)).map_err(|error| zip_broken(error, &container, length))?;
    if archive.len() > options.limits.max_archive_members {
        return Err(SourceRefused::TooLarge {
            limit: format!("{} files", options.limits.max_archive_members),
        });
    }
    let mut names = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let entry = archive
            .by_index_raw(index)
            .map_err(|error| zip_broken(error, &container, length))?;
        let name = entry_name(entry.name_raw());
        if is_unsafe(&name) || entry.is_symlink() {
            return Err(SourceRefused::UnsafePath { entry: name });
        }
        if entry.encrypted() {
            return Err(SourceRefused::Encrypted { entry: name });
        }
        names.push(name);
    }
    let Chosen { layer, inner } = choose(&names, &container, options)?;
    let folder = temporary_folder(options)?;
    let mut budget = Budget::new(length, options.limits);
    let mut extract = |name: &str| -> Result<PathBuf, SourceRefused> {
        let index = names.iter().position(|known| known == name).unwrap_or(0);
        let mut entry = archive
            .by_index(index)
            .map_err(|error| zip_broken(error, name, length))?;
        // A name of our own: nothing of the archive's decides where a file is written.
        let to = folder.path().join(format!("layer.{index}"));
        unpack(&mut entry, &to, &mut budget)?;
        Ok(to)
    };
    let main = extract(layer)?;
    let mut companions = BTreeMap::new();
    if extension(layer) == "shp" {
        for companion in companions_of(&names, layer) {
            companions.insert(extension(companion), extract(companion)?);
        }
    }
    verify(std::slice::from_ref(&original))?;
    let head = head_of(&main)?;
    if is_gzip(&head) || (is_zip(&head) && !is_workbook(&main)) {
        return Err(SourceRefused::NestedArchive {
            entry: layer.to_owned(),
        });
    }
    Ok(Located {
        files: LayerFiles {
            main,
            companions,
            name: format!("{container}/{layer}"),
            inner,
        },
        originals: vec![original],
        unpacked: Some(folder),
    })
}
