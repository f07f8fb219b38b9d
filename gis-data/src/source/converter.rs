//! Formats that no library reads well enough are converted by GDAL's `ogr2ogr`, where it is
//! installed: a program of its own, without a shell, without network, within limits of time,
//! memory and size, into a GeoPackage in a temporary folder.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::archive::temporary_folder;
use super::locate::unreadable;
use super::{Format, ReadOptions, SourceBroken, SourceRefused};
use crate::formats::LayerFiles;

/// Memory the converter may hold.
const MAX_MEMORY_BYTES: u64 = 2 << 30;
/// Bytes of its messages that are kept.
const MAX_MESSAGES: u64 = 64 << 10;

/// The key that the conversion gives its rows; no attribute of the file.
pub(super) const CONVERTED_KEY: &str = "_converted_row";

/// The result, and the folder it lives in.
pub(super) struct Converted {
    pub(super) path: PathBuf,
    pub(super) folder: TempDir,
}

/// Converts a file to a GeoPackage.
pub(super) fn convert(files: &LayerFiles, format: Format, options: &ReadOptions) -> Result<Converted, SourceRefused> {
    let (driver, extension) = match format {
        Format::Dxf => ("DXF", "dxf"),
        _ => ("GML", "gml"),
    };
    let folder = temporary_folder(options)?;
    // A name of our own: nothing is written beside the original, and nothing of it is taken for an
    // option.
    let from = folder.path().join(format!("input.{extension}"));
    let original = std::fs::canonicalize(&files.main).map_err(unreadable(&files.main))?;
    std::os::unix::fs::symlink(&original, &from).map_err(unreadable(&from))?;
    let to = folder.path().join("output.gpkg");
    let program = options.converter.clone().unwrap_or_else(|| PathBuf::from("ogr2ogr"));
    let start = |command: &mut Command| {
        command.spawn().map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => SourceRefused::ConverterMissing {
                name: files.name.clone(),
                format: driver,
            },
            _ => SourceRefused::Unreadable {
                path: program.clone(),
                source,
            },
        })
    };
    let mut listing = Command::new(&program);
    confine(&mut listing, folder.path());
    let listing = listing.arg("--formats").stdout(Stdio::piped()).stderr(Stdio::null());
    let others = other_drivers(start(listing)?, driver)?;
    let mut command = Command::new(&program);
    confine(&mut command, folder.path());
    command
        // A file that claims to be of one format must not wake the reader of another, of which some
        // follow paths and addresses.
        .args(["--config", "GDAL_SKIP", &others])
        .args(["--config", "GML_DOWNLOAD_SCHEMA", "NO"])
        .args(["--config", "GML_SKIP_RESOLVE_ELEMS", "ALL"])
        // Codes keep their leading zeros.
        .args(["--config", "GML_FIELDTYPES", "ALWAYS_STRING"])
        .args(["--config", "DXF_CLOSED_LINE_AS_POLYGON", "YES"])
        .args(["-f", "GPKG"])
        // Names that no field of the file has.
        .args(["-lco", &format!("FID={CONVERTED_KEY}")])
        .args(["-lco", "GEOMETRY_NAME=_converted_shape"])
        .arg(&to)
        .arg(&from)
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let messages = watch(start(&mut command)?, folder.path(), options)?;
    if !to.exists() {
        return Err(damaged(&messages));
    }
    Ok(Converted { path: to, folder })
}

/// Nothing of the surroundings but the path reaches the program.
fn confine(command: &mut Command, folder: &Path) {
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LANG", "C.UTF-8")
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .current_dir(folder)
        .stdin(Stdio::null());
}

/// The names of all drivers but those of the conversion, from what the program lists, line by line:
/// `  GML -vector- (rw+v): Geography Markup Language (GML)`.
fn other_drivers(mut listing: Child, driver: &str) -> Result<String, SourceRefused> {
    let mut text = String::new();
    let read = listing
        .stdout
        .take()
        .map(|stdout| stdout.take(1 << 20).read_to_string(&mut text));
    let ended = listing.wait();
    let is_listed = matches!((read, ended), (Some(Ok(_)), Ok(status)) if status.success());
    let names: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().split_once(" -").map(|(name, _)| name))
        .collect();
    if !is_listed || !names.contains(&driver) || !names.contains(&"GPKG") {
        return Err(damaged("ERROR: it has no driver for this format"));
    }
    let kept = [driver, "GPKG", "Memory", "MEM"];
    let others: Vec<&str> = names.into_iter().filter(|name| !kept.contains(name)).collect();
    Ok(others.join(","))
}

fn damaged(messages: &str) -> SourceRefused {
    let first = messages
        .lines()
        .find(|line| line.contains("ERROR") || line.contains("FAILURE"))
        .or_else(|| messages.lines().next())
        .unwrap_or("nothing was converted");
    SourceRefused::Broken(SourceBroken::Damaged {
        byte: 0,
        row: 0,
        detail: format!("ogr2ogr: {}", first.chars().take(200).collect::<String>()),
    })
}

/// Waits for the program and ends it where it takes too much. Gives what it had to say.
fn watch(mut child: Child, folder: &Path, options: &ReadOptions) -> Result<String, SourceRefused> {
    let stderr = child.stderr.take();
    let listening = std::thread::spawn(move || {
        let mut messages = Vec::new();
        if let Some(mut stderr) = stderr {
            // All is taken, so that the program never waits; only the beginning is kept.
            let _kept = (&mut stderr).take(MAX_MESSAGES).read_to_end(&mut messages);
            let _rest = std::io::copy(&mut stderr, &mut std::io::sink());
        }
        String::from_utf8_lossy(&messages).into_owned()
    });
    let started = Instant::now();
    let limit = Duration::from_secs(options.limits.max_conversion_seconds);
    let outcome = loop {
        match child.try_wait() {
            Ok(Some(status)) => break Ok(status.success()),
            Ok(None) => {}
            Err(source) => break Err(SourceRefused::Broken(SourceBroken::Io { byte: 0, source })),
        }
        let exceeded = if started.elapsed() > limit {
            Some(format!("{} s", limit.as_secs()))
        } else if folder_bytes(folder) > options.limits.max_unpacked_bytes {
            Some(format!("{} MiB", options.limits.max_unpacked_bytes >> 20))
        } else if memory_bytes(child.id()) > MAX_MEMORY_BYTES {
            Some(format!("{} MiB", MAX_MEMORY_BYTES >> 20))
        } else {
            None
        };
        if let Some(limit) = exceeded {
            break Err(SourceRefused::TooLarge { limit });
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let is_success = match outcome {
        Ok(is_success) => is_success,
        Err(refused) => {
            // It may have ended by itself in the meantime. What it had to say doesn't matter now.
            let _ended = child.kill();
            let _waited = child.wait();
            return Err(refused);
        }
    };
    let messages = listening.join().unwrap_or_default();
    // A message of an error means that something was left out, whatever the exit code says.
    if !is_success || messages.contains("ERROR") {
        return Err(damaged(&messages));
    }
    Ok(messages)
}

/// Bytes of the files in a folder; links count as nothing.
fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|metadata| metadata.len())
        .sum()
}

/// Memory a process holds, as far as the system tells.
fn memory_bytes(process: u32) -> u64 {
    let Ok(text) = std::fs::read_to_string(format!("/proc/{process}/status")) else {
        return 0;
    };
    text.lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}
