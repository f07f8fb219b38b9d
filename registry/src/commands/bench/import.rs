//! `yice bench import`: the registry's import beside `ogr2ogr` of the same file into the same server.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use gis_data::write::WriteFormat;

use super::copies::Copies;
use super::{
    BenchArguments, CommandFailed, Settings, Store, bad, forget_peak, gdal_address, median, peak_bytes, require_empty,
    resident_bytes, run_one, say, signing_key,
};
use crate::clock::Clock;
use crate::ledger::Sealer;

/// What to import, and what to tell of it.
#[derive(Debug, Args)]
pub(in crate::commands) struct ImportArguments {
    #[command(flatten)]
    bench: BenchArguments,
    /// The formats of the file, one after another: geojson, fgb, gpkg, shp (zipped)
    #[arg(long, value_name = "FORMAT", value_delimiter = ',', default_value = "geojson", value_parser = format)]
    format: Vec<WriteFormat>,
    /// As many parcels as make a GeoJSON of this size, instead of --parcels
    #[arg(long, value_name = "MB", conflicts_with = "parcels")]
    megabytes: Option<usize>,
    /// Tell the peak of the program's resident memory while it imports
    #[arg(long)]
    memory: bool,
    /// Measure the import alone
    #[arg(long)]
    alone: bool,
}

fn format(text: &str) -> Result<WriteFormat, String> {
    let offered = [
        WriteFormat::GeoJson,
        WriteFormat::FlatGeobuf,
        WriteFormat::GeoPackage,
        WriteFormat::Shapefile,
    ];
    WriteFormat::parse(text)
        .filter(|format| offered.contains(format))
        .ok_or_else(|| format!("give one of {}", offered.map(WriteFormat::as_str).join(", ")))
}

pub(super) async fn measure(
    settings: &Settings,
    store: &Store,
    arguments: &ImportArguments,
) -> Result<(), CommandFailed> {
    require_empty(store).await?;
    let folder = tempfile::tempdir().map_err(|error| CommandFailed::system(&error))?;
    let sealer = Sealer::new(store.database.pool().clone(), signing_key(settings)?, Clock::System);
    for format in &arguments.format {
        let file = folder.path().join(format!("parcels.{}", format.extension()));
        // What made the file is gone before the memory of the import is looked at.
        let parcels = {
            let copies = Copies::of(&arguments.bench.source)?;
            let parcels = match arguments.megabytes {
                Some(megabytes) => copies.parcels_of(megabytes)?,
                None => arguments.bench.parcels,
            };
            copies.write(parcels, *format, &file)?;
            parcels
        };
        measure_file(store, arguments, *format, &file, parcels).await?;
        std::fs::remove_file(&file).map_err(|error| CommandFailed::system(&error))?;
        let begun = Instant::now();
        let sealed = sealer.seal_all().await.map_err(|error| CommandFailed::system(&error))?;
        println!(
            "sealing {sealed} entries afterwards: {:.2} s",
            begun.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

async fn measure_file(
    store: &Store,
    arguments: &ImportArguments,
    format: WriteFormat,
    file: &Path,
    parcels: usize,
) -> Result<(), CommandFailed> {
    let name = format.as_str();
    let bytes = std::fs::metadata(file)
        .map_err(|error| CommandFailed::system(&error))?
        .len();
    println!("{parcels} parcels, {name} of {:.1} MB", bytes as f64 / 1e6);
    let (mut ours, mut fresh, mut appended) = (Vec::new(), Vec::new(), Vec::new());
    let (mut before, mut peak) = (0, 0);
    for round in 0..arguments.bench.rounds {
        // Each round adds a data set: the registry's tables, indexes and ledger grow as they would.
        forget_peak();
        before = before.max(resident_bytes());
        let begun = Instant::now();
        let report = run_one(store, file, &format!("bench-{name}-{round}")).await?;
        ours.push(begun.elapsed());
        peak = peak.max(peak_bytes());
        if report.counts.inserted != parcels as u64 {
            return Err(bad(format!("only {} rows were inserted", report.counts.inserted)));
        }
        if arguments.alone {
            continue;
        }
        let table = format!("bench_ogr_{name}");
        if let Some(seconds) = ogr2ogr(store, format, file, &table, false)? {
            fresh.push(seconds);
        }
        if let Some(seconds) = ogr2ogr(store, format, file, &format!("{table}_live"), true)? {
            appended.push(seconds);
        }
    }
    say(
        &format!("yice import, {name} (validated, versions, ledger, outcome of each row)"),
        &mut ours,
        parcels,
    );
    say(
        &format!("ogr2ogr -overwrite, {name}, PG_USE_COPY, index after load"),
        &mut fresh,
        parcels,
    );
    say(
        &format!("ogr2ogr -append, {name}, into an indexed table"),
        &mut appended,
        parcels,
    );
    if !fresh.is_empty() {
        println!(
            "ratio yice / ogr2ogr, {name}: {:.2} (overwrite), {:.2} (append)",
            median(&ours) / median(&fresh),
            median(&ours) / median(&appended)
        );
    }
    if arguments.memory {
        println!(
            "resident memory of the program, {name}: {:.0} MB before an import, {:.0} MB at its peak; the database's is \
             its own",
            before as f64 / 1e6,
            peak as f64 / 1e6
        );
    }
    Ok(())
}

/// The peer, over the same socket into the same server; none where it is not installed.
fn ogr2ogr(
    store: &Store,
    format: WriteFormat,
    file: &Path,
    table: &str,
    append: bool,
) -> Result<Option<Duration>, CommandFailed> {
    let target = gdal_address(store);
    let mut command = Command::new("ogr2ogr");
    command.args(["-f", "PostgreSQL", &target]);
    if format == WriteFormat::Shapefile {
        command.arg(format!("/vsizip/{}", file.display()));
    } else {
        command.arg(file);
    }
    command.args(["-nln", table, "-nlt", "GEOMETRY", "-lco", "GEOMETRY_NAME=geom"]);
    command.arg(if append { "-append" } else { "-overwrite" });
    command
        .args(["--config", "PG_USE_COPY", "YES"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let begun = Instant::now();
    match command.status() {
        Ok(status) if status.success() => Ok(Some(begun.elapsed())),
        Ok(status) => Err(bad(format!("ogr2ogr ended with {status}"))),
        Err(_) => {
            println!("ogr2ogr is not installed (Debian: gdal-bin); measuring alone");
            Ok(None)
        }
    }
}
