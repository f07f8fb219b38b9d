//! `yice export`

use std::fs::Permissions;
use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use gis_data::Layer;
use gis_data::write::{TargetCrs, WriteFormat};
use indicatif::{ProgressBar, ProgressStyle};

use super::CommandFailed;
use super::store::Store;
use crate::clock::Clock;
use crate::exports::{ExportFailed, ExportOrder, ExportProgress, Exported, Filter, Labels, run_export};
use crate::request::{Problem, Times};
use crate::settings::Settings;

/// Arguments of `yice export`.
#[derive(Debug, Args)]
pub(super) struct ExportArguments {
    /// The file to write; what is there is replaced, in one step, when the new one is whole
    file: PathBuf,
    /// The layer: parcels, buildings, sites, regions, units or rooms
    #[arg(long, value_parser = layer)]
    layer: Layer,
    /// geojson, gpkg, shp (a zip), fgb, csv or xlsx; by the file's name unless told
    #[arg(long, value_parser = format)]
    format: Option<WriteFormat>,
    /// The coordinate system: EPSG:4490, EPSG:4326, or a 3-degree zone from EPSG:4513 to EPSG:4554
    #[arg(long, default_value = "EPSG:4490")]
    crs: String,
    /// As it was in law on this day; today unless told
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
    /// As it was known at this instant (2024-06-30T12:00:00Z); now unless told
    #[arg(long, value_name = "INSTANT")]
    known_at: Option<String>,
    /// In csv and xlsx: codes, or the page's words in zh or en
    #[arg(long, default_value = "codes", value_parser = labels)]
    labels: Labels,
    /// Only rows that fit, by the parameters of the layer's list (region=320400, title_status=unified,other,
    /// bbox=119.9,31.7,120.1,31.9); may be repeated
    #[arg(long = "where", value_name = "NAME=VALUE", value_parser = pair)]
    narrow: Vec<(String, String)>,
}

fn layer(text: &str) -> Result<Layer, String> {
    Layer::parse(text).ok_or_else(|| "choose parcels, buildings, sites, regions, units, rooms or titles".to_owned())
}

fn format(text: &str) -> Result<WriteFormat, String> {
    WriteFormat::parse(text).ok_or_else(|| "choose geojson, gpkg, shp, fgb, csv or xlsx".to_owned())
}

fn labels(text: &str) -> Result<Labels, String> {
    Labels::parse(text).ok_or_else(|| "choose codes, zh or en".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .ok_or_else(|| "write it as name=value".to_owned())
}

impl ExportArguments {
    fn order(&self, clock: &Clock) -> Result<ExportOrder, CommandFailed> {
        let format = self.format.or_else(|| format_of(&self.file)).ok_or_else(|| {
            input(
                Problem::bad("format", "the file's name tells no format")
                    .remedy("give --format geojson, gpkg, shp, fgb, csv or xlsx"),
            )
        })?;
        if format == WriteFormat::Shapefile && !has_ending(&self.file, "zip") {
            return Err(input(
                Problem::bad("file", "a shapefile is several files, and written as one zip")
                    .remedy("name the file so that it ends in .zip"),
            ));
        }
        let pairs: Vec<(&str, String)> = self
            .narrow
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()))
            .collect();
        Ok(ExportOrder {
            layer: self.layer,
            format,
            crs: TargetCrs::parse(&self.crs).map_err(|refused| failed(refused.into()))?,
            labels: self.labels,
            times: Times::parse(self.as_of.as_deref(), self.known_at.as_deref(), clock).map_err(input)?,
            filter: Filter::of_pairs(self.layer, &pairs).map_err(input)?,
        })
    }
}

fn has_ending(file: &Path, ending: &str) -> bool {
    file.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending))
}

fn format_of(file: &Path) -> Option<WriteFormat> {
    let ending = file.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "json" => Some(WriteFormat::GeoJson),
        "zip" => Some(WriteFormat::Shapefile),
        other => WriteFormat::parse(other),
    }
}

/// Exports a layer; exit code 1 where the order can't be carried out.
pub(super) async fn export(settings: Settings, arguments: ExportArguments) -> Result<(), CommandFailed> {
    let clock = Clock::System;
    // What is wrong with the order is said before a database is started for it.
    let order = arguments.order(&clock)?;
    let folder = folder_of(&arguments.file);
    let file = begin(folder)?;
    let store = Store::open_or_join(&settings).await?;
    let begun = Instant::now();
    let progress = ExportProgress::default();
    let watching = tokio::spawn(watch(progress.clone()));
    let everything = store.database.unscoped();
    let outcome = tokio::select! {
        outcome = run_export(&everything, &clock, &order, file.path(), &progress) => outcome.map_err(failed),
        _ = tokio::signal::ctrl_c() => Err(CommandFailed::Input {
            words: "given up; nothing was written".to_owned(),
            remedy: None,
        }),
    };
    watching.abort();
    store.close().await;
    let exported = outcome?;
    file.persist(&arguments.file)
        .map_err(|error| disk(&arguments.file, &error.error))?;
    // The new name is on the disk when its folder is.
    if let Ok(folder) = std::fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    print(&arguments.file, &order, &exported, begun.elapsed());
    Ok(())
}

fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// The file under way: beside its place, so that it can be moved there in one step.
fn begin(folder: &Path) -> Result<tempfile::NamedTempFile, CommandFailed> {
    tempfile::Builder::new()
        .prefix(".yice-export-")
        // As any file that a program writes; what the user's mask takes away stays away.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|error| disk(folder, &error))
}

fn disk(path: &Path, error: &std::io::Error) -> CommandFailed {
    CommandFailed::System {
        words: format!("{} can't be written: {error}", path.display()),
        remedy: Some("name a folder that exists, that you may write to, and that has room".to_owned()),
    }
}

fn input(problem: Problem) -> CommandFailed {
    CommandFailed::Input {
        words: problem.detail,
        remedy: problem.remedy,
    }
}

fn failed(failed: ExportFailed) -> CommandFailed {
    match failed {
        ExportFailed::Refused { problem } => input(*problem),
        ExportFailed::Fault { source } => CommandFailed::system(&source),
        ExportFailed::File { source } => CommandFailed::System {
            words: super::chain(&source),
            remedy: Some("see whether the disk is full".to_owned()),
        },
    }
}

/// A count on a terminal, plain lines elsewhere.
async fn watch(progress: ExportProgress) {
    let is_terminal = std::io::stderr().is_terminal();
    let bar = if is_terminal {
        ProgressBar::no_length()
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} rows  {per_sec}") {
        bar.set_style(style);
    }
    loop {
        tokio::time::sleep(Duration::from_millis(if is_terminal { 100 } else { 2_000 })).await;
        if is_terminal {
            bar.set_position(progress.rows());
        } else {
            say(&format!("{} rows", progress.rows()));
        }
    }
}

#[expect(clippy::print_stderr, reason = "progress goes beside the answer, not into it")]
fn say(words: &str) {
    eprintln!("{words}");
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn print(file: &Path, order: &ExportOrder, exported: &Exported, spent: Duration) {
    println!(
        "{}: {} {} as of {}, {}, {:.2} s",
        file.display(),
        exported.written.rows,
        order.layer.as_str(),
        order.times.as_of,
        order.crs.name(),
        spent.as_secs_f64()
    );
    for warning in &exported.written.warnings {
        println!(
            "  {:>9}  {}  {} / {}",
            warning.count,
            warning.kind.as_str(),
            warning.words.zh,
            warning.words.en
        );
        for example in &warning.examples {
            println!("             {example}");
        }
    }
}
