//! `yice import`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use time::Date;

use super::CommandFailed;
use super::store::{Store, signing_key};
use crate::clock::Clock;
use crate::ids::ImportId;
use crate::imports::{
    AssetBy, CompareAttributes, CoordinateOrder, ImportFailed, ImportOrder, ImportProgress, Report, expect_place,
    joined, mark_file, run_import, saved_mapping, table_options, would_be_marked, write_report,
};
use crate::ledger::Sealer;
use crate::request::Actor;
use crate::settings::Settings;

/// Arguments of `yice import`.
#[derive(Debug, Args)]
pub(super) struct ImportArguments {
    /// The file, folder or archive
    #[arg(required_unless_present = "template")]
    file: Option<PathBuf>,
    /// Write a workbook to be filled in for the layer, and import nothing
    #[arg(long, value_name = "FILE.xlsx", conflicts_with = "file")]
    template: Option<PathBuf>,
    /// The layer it fills: parcels, buildings, sites, regions, units, rooms or titles
    #[arg(long, value_parser = layer)]
    layer: gis_data::Layer,
    /// The data set it is a delivery of; the file's name unless told
    #[arg(long)]
    dataset: Option<String>,
    /// The coordinate system, where the file does not say (EPSG:4528; gcj02, bd09; local for a city's own plane)
    #[arg(long)]
    crs: Option<String>,
    /// x is the northing or latitude in the file, y the easting or longitude
    #[arg(long)]
    swap_axes: bool,
    /// Parameters from an old datum: four:north=…,east=…,rotation=…,scale=… or seven:dx=…,…,convention=…
    #[arg(long, value_name = "PARAMETERS")]
    datum_parameters: Option<String>,
    /// Control points to find the parameters from: name,source_east,source_north,target_east,target_north
    #[arg(long, value_name = "FILE", conflicts_with = "datum_parameters")]
    control_points: Option<PathBuf>,
    /// The zone the parameters lead to, where it is not that of the file (EPSG:4549)
    #[arg(long, value_name = "CRS")]
    parameters_to: Option<String>,
    /// Who gave the parameters or control points, by which document
    #[arg(long, value_name = "TEXT")]
    parameters_from: Option<String>,
    /// Where everything is expected to lie, in degrees; the box of --region unless told; any for nowhere
    #[arg(long, value_name = "WEST,SOUTH,EAST,NORTH", allow_hyphen_values = true)]
    bounds: Option<String>,
    /// The text encoding, where the file does not say (gb18030)
    #[arg(long)]
    encoding: Option<String>,
    /// The layer inside an archive that holds several, or the sheet of a workbook
    #[arg(long)]
    member: Option<String>,
    /// The rows of a table's header: 3, or 2-3; 0 where there is none
    #[arg(long, value_name = "ROWS")]
    header_row: Option<String>,
    /// The column of a table that holds the shape, as WKT or WKB
    #[arg(long, value_name = "COLUMN", conflicts_with_all = ["x_column", "y_column"])]
    shape_column: Option<String>,
    /// The column of eastings or longitudes; goes with --y-column
    #[arg(long, value_name = "COLUMN")]
    x_column: Option<String>,
    /// The column of northings or latitudes; goes with --x-column
    #[arg(long, value_name = "COLUMN")]
    y_column: Option<String>,
    /// Which field of the file is which of ours; may be repeated
    #[arg(long = "map", value_name = "TARGET=SOURCE", value_parser = pair)]
    map: Vec<(String, String)>,
    /// A saved mapping of the layer; what --map says goes before it
    #[arg(long, value_name = "NAME")]
    mapping: Option<String>,
    /// A word of the file that stands for a value of ours (usage:Vacant=idle_land); may be repeated
    #[arg(long = "value", value_name = "TARGET:WORD=VALUE", value_parser = value)]
    values: Vec<(String, String, String)>,
    /// Take buildings and parcels without a shape too, and leave out shapes that the layer does not take
    #[arg(long)]
    without_shapes: bool,
    /// Of a list of rights: the data set whose source keys name the parcels or buildings
    #[arg(long, value_name = "DATASET")]
    of: Option<String>,
    /// Of a list of rights: what names the parcels or buildings; source_key with --of, else code
    #[arg(long, value_name = "BY", value_parser = asset_by)]
    asset_by: Option<AssetBy>,
    /// A region above, named in columns of a region file; the nearest first
    #[arg(long = "ancestor", value_name = "LEVEL:CODE_FIELD:NAME_FIELD", value_parser = ancestor)]
    ancestors: Vec<(String, String, String)>,
    /// The code scheme of a region file
    #[arg(long)]
    scheme: Option<String>,
    /// True in law from this day; today unless told
    #[arg(long, value_name = "DATE", value_parser = date)]
    valid_from: Option<Date>,
    /// The region everything in the file lies in
    #[arg(long, value_name = "CODE")]
    region: Option<String>,
    /// End what the data set holds and the file does not
    #[arg(long)]
    close_missing: bool,
    /// Report only; write nothing
    #[arg(long)]
    dry_run: bool,
    /// Two shapes are the same when they overlap by at least this share (0.5 to 1)
    #[arg(long, default_value_t = 1.0, value_parser = share)]
    same_shape: f64,
    /// Which attributes make a new version: all, or those mapped to a field of ours
    #[arg(long, default_value = "all", value_parser = ["all", "mapped"])]
    compare_attributes: String,
    /// A row whose key an earlier row has: set it aside (quarantine), or take it under the key with a number
    #[arg(long, default_value = "quarantine", value_parser = ["quarantine", "number"])]
    duplicate_keys: String,
    /// Write the report here: .csv has every row, anything else is JSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write a copy of the workbook here, with every fault marked in its cell
    #[arg(long, value_name = "FILE.xlsx")]
    marked: Option<PathBuf>,
}

fn layer(text: &str) -> Result<gis_data::Layer, String> {
    gis_data::Layer::parse(text)
        .ok_or_else(|| "choose parcels, buildings, sites, regions, units, rooms or titles".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    crate::imports::mapping_pair(text).ok_or_else(|| "write it as target=source".to_owned())
}

fn value(text: &str) -> Result<(String, String, String), String> {
    crate::imports::value_of(text).ok_or_else(|| "write it as target:word=value".to_owned())
}

fn asset_by(text: &str) -> Result<AssetBy, String> {
    AssetBy::parse(text).ok_or_else(|| "choose source_key, code or unit_code".to_owned())
}

fn ancestor(text: &str) -> Result<(String, String, String), String> {
    crate::imports::ancestor(text).ok_or_else(|| "write it as level:code_field:name_field".to_owned())
}

fn date(text: &str) -> Result<Date, String> {
    crate::request::day(text).ok_or_else(|| "write the day as 2024-06-30".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.5..=1.0).contains(share))
        .ok_or_else(|| "a number from 0.5 to 1".to_owned())
}

/// Imports a file; exit code 1 where rows were quarantined or the file was refused.
pub(super) async fn import(settings: Settings, arguments: ImportArguments) -> Result<(), CommandFailed> {
    if let Some(path) = &arguments.template {
        return write_template(arguments.layer, path);
    }
    let Some(file) = arguments.file else {
        return Err(CommandFailed::Input {
            words: "there is no file to import".to_owned(),
            remedy: None,
        });
    };
    let is_workbook = file
        .extension()
        .is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx") || ending.eq_ignore_ascii_case("zip"));
    if arguments.marked.is_some() && !is_workbook {
        return Err(CommandFailed::Input {
            words: "only a workbook comes back with its faults marked".to_owned(),
            remedy: Some("leave --marked out; --report FILE.csv lists the faults of any file".to_owned()),
        });
    }
    let mut order = ImportOrder::new(arguments.layer, file, "");
    order.dataset = arguments
        .dataset
        .unwrap_or_else(|| crate::imports::dataset_of(&order.file_name));
    order.member = arguments.member;
    order.table = table_options(
        arguments.header_row.as_deref(),
        [&arguments.shape_column, &arguments.x_column, &arguments.y_column].map(Option::as_deref),
    )
    .map_err(|problem| failed(problem.into()))?;
    let control_points = match arguments.control_points {
        Some(path) => Some(std::fs::read_to_string(&path).map_err(|error| CommandFailed::Input {
            words: format!("the control points in {} can't be read: {error}", path.display()),
            remedy: Some("give a CSV or GeoJSON file in UTF-8".to_owned()),
        })?),
        None => None,
    };
    order.crs = arguments.crs;
    order.coordinates = CoordinateOrder {
        swap_axes: arguments.swap_axes,
        datum_parameters: arguments.datum_parameters,
        control_points,
        parameters_to: arguments.parameters_to,
        parameters_from: arguments.parameters_from,
        ..CoordinateOrder::default()
    };
    order.encoding = arguments.encoding;
    order.map = arguments.map;
    order.values = arguments.values;
    order.shapes_optional = arguments.without_shapes;
    order.of_dataset = arguments.of;
    order.asset_by = arguments.asset_by;
    order.ancestors = arguments.ancestors;
    order.scheme = arguments.scheme;
    order.valid_from = arguments.valid_from;
    order.region = arguments.region;
    order.close_missing = arguments.close_missing;
    order.dry_run = arguments.dry_run;
    order.same_shape = arguments.same_shape;
    if arguments.compare_attributes == "mapped" {
        order.compare_attributes = CompareAttributes::Mapped;
    }
    if arguments.duplicate_keys == "number" {
        order.duplicate_keys = gis_data::DuplicateKeys::Number;
    }
    order.actor = Actor::at_command_line();

    let store = Store::open_or_join(&settings).await?;
    let ready = async {
        if let Some(name) = &arguments.mapping {
            let saved = saved_mapping(&store.database, order.layer, name).await?;
            order.map = joined(std::mem::take(&mut order.map), saved);
        }
        expect_place(&store.database, &mut order, arguments.bounds.as_deref()).await
    };
    let outcome = match ready.await {
        Ok(()) => run(&settings, &store, &order, arguments.report, arguments.marked).await,
        Err(problem) => Err(failed(problem.into())),
    };
    store.close().await;
    outcome
}

async fn run(
    settings: &Settings,
    store: &Store,
    order: &ImportOrder,
    report_file: Option<PathBuf>,
    marked_file: Option<PathBuf>,
) -> Result<(), CommandFailed> {
    let clock = Clock::System;
    let id = ImportId::fresh();
    let progress = ImportProgress::default();
    let watching = tokio::spawn(watch(progress.clone()));
    let stopping = {
        let progress = progress.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                progress.cancel();
            }
        })
    };
    let outcome = run_import(&store.database, &clock, id, order, &progress).await;
    watching.abort();
    stopping.abort();
    let report = outcome.map_err(failed)?;
    if let Some(path) = report_file {
        write_report(&store.database, id, &report, &path)
            .await
            .map_err(|error| CommandFailed::System {
                words: format!("the report could not be written to {}: {error}", path.display()),
                remedy: Some("the import itself is done; read its report on the page".to_owned()),
            })?;
    }
    if let Some(path) = marked_file {
        write_marked(store, id, order, &report, &path).await?;
    }
    // A server that runs beside this seals at once; where none does, the entries must not lie open.
    let sealer = Sealer::new(store.database.pool().clone(), signing_key(settings)?, clock);
    sealer.seal_all().await.map_err(|error| CommandFailed::system(&error))?;
    print(&report);
    if report.counts.quarantined > 0 {
        return Err(CommandFailed::Input {
            words: format!(
                "{} of {} rows were quarantined",
                report.counts.quarantined, report.counts.read
            ),
            remedy: Some("their reasons are in the report (--report FILE.csv) and on the page".to_owned()),
        });
    }
    Ok(())
}

fn write_template(layer: gis_data::Layer, path: &Path) -> Result<(), CommandFailed> {
    let bytes = gis_data::workbook::template(layer).map_err(|error| CommandFailed::system(&error))?;
    std::fs::write(path, bytes).map_err(|error| CommandFailed::System {
        words: format!("the template could not be written to {}: {error}", path.display()),
        remedy: None,
    })?;
    say(&format!(
        "wrote {}; fill it in and import it with --layer {}",
        path.display(),
        layer.as_str()
    ));
    Ok(())
}

async fn write_marked(
    store: &Store,
    id: ImportId,
    order: &ImportOrder,
    report: &Report,
    path: &Path,
) -> Result<(), CommandFailed> {
    if !would_be_marked(report) {
        say("nothing is wrong with the file: no marked copy was written");
        return Ok(());
    }
    mark_file(&store.database, id, order, report, path)
        .await
        .map_err(|problem| CommandFailed::System {
            words: format!("the marked copy could not be written: {}", problem.detail),
            remedy: problem.remedy,
        })
}

fn failed(failed: ImportFailed) -> CommandFailed {
    match failed {
        ImportFailed::Refused { problem } => CommandFailed::Input {
            words: problem.detail,
            remedy: problem.remedy,
        },
        ImportFailed::Cancelled => CommandFailed::Input {
            words: failed.to_string(),
            remedy: None,
        },
        ImportFailed::Fault { source } => CommandFailed::system(&source),
    }
}

/// A bar on a terminal, plain lines elsewhere.
async fn watch(progress: ImportProgress) {
    let terminal = std::io::stderr().is_terminal();
    let bar = if terminal {
        ProgressBar::new(0)
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{bar:32} {bytes}/{total_bytes}  {msg}  {eta} left") {
        bar.set_style(style);
    }
    let mut ticks = 0_u32;
    loop {
        tokio::time::sleep(Duration::from_millis(if terminal { 100 } else { 2_000 })).await;
        ticks += 1;
        let (read, total) = progress.bytes();
        let rate = progress.rows() as f64 / progress.seconds().max(0.001);
        if terminal {
            bar.set_length(total);
            bar.set_position(read);
            bar.set_message(format!("{} rows, {rate:.0} rows/s", progress.rows()));
        } else if ticks > 0 {
            let share = if total > 0 {
                100.0 * read as f64 / total as f64
            } else {
                0.0
            };
            say(&format!(
                "{} rows, {share:.0} % read, {rate:.0} rows/s",
                progress.rows()
            ));
        }
    }
}

#[expect(clippy::print_stderr, reason = "progress goes beside the answer, not into it")]
fn say(words: &str) {
    eprintln!("{words}");
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn print(report: &Report) {
    let counts = &report.counts;
    println!("{}: {} rows of {}", report.dataset, counts.read, report.format);
    if report.dry_run {
        println!("dry run: nothing was written");
    }
    for (label, count) in [
        ("inserted     新增", counts.inserted),
        ("unchanged    未变", counts.unchanged),
        ("new version  新版本", counts.new_version),
        ("quarantined  隔离", counts.quarantined),
        ("repaired     修复(含于以上)", report.repaired),
        ("missing      文件中没有", report.missing),
        ("closed       已终止", report.closed),
    ] {
        println!("  {count:>9}  {label}");
    }
    for (title, codes) in [("reasons", &report.reasons), ("warnings", &report.warnings)] {
        if codes.is_empty() {
            continue;
        }
        println!("{title}:");
        for (code, count) in codes {
            let words = report
                .words
                .get(code)
                .map(|(zh, en)| format!("{zh} / {en}"))
                .unwrap_or_default();
            println!("  {count:>9}  {code}  {words}");
        }
    }
    println!(
        "valid from {}, {} → EPSG:4490, {:.2} s",
        report.valid_from,
        report.crs.used.as_deref().unwrap_or("no coordinate system"),
        report.seconds
    );
}
