//! Reads a file the way an import does and prints what became of its rows, and how fast.
//!
//! `cargo run --release -p gis-data --example read -- FILE [layer] [crs] [target=field …]`

#![expect(clippy::print_stdout, reason = "a command line tool")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use gis_data::{Checked, Crs, Layer, Pipeline, PipelineOptions, ReadOptions, Source};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (maps, plain): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|argument| argument.contains('='));
    let Some(path) = plain.first() else {
        println!("give a file");
        return Ok(());
    };
    let layer = plain
        .get(1)
        .and_then(|name| Layer::parse(name))
        .unwrap_or(Layer::Parcels);
    let mut options = PipelineOptions::new(layer);
    if let Some(crs) = plain.get(2) {
        options.crs = Some(Crs::of_source(crs)?);
    }
    for map in maps {
        if let Some((target, field)) = map.split_once('=') {
            options.map.push((target.to_owned(), field.to_owned()));
        }
    }
    let started = Instant::now();
    let mut source = match Source::open(Path::new(path.as_str()), &ReadOptions::default()) {
        Ok(source) => source,
        Err(refused) => {
            println!("refused {}: {}", refused.code(), refused.words().zh);
            return Ok(());
        }
    };
    println!(
        "{:?} {:?} {:?} opened in {:.3} s",
        source.format(),
        source.encoding(),
        source.crs().label(),
        started.elapsed().as_secs_f64()
    );
    let started = Instant::now();
    let mut rows = 0_u64;
    for row in source.rows() {
        row?;
        rows += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("read only: {rows} rows, {:.0} rows/s", rows as f64 / seconds);
    let pipeline = match Pipeline::new(&source, options) {
        Ok(pipeline) => pipeline,
        Err(refused) => {
            println!("refused: {refused}");
            return Ok(());
        }
    };
    println!("mapping {:?}", pipeline.mapping().entries());
    let started = Instant::now();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut area = 0.0;
    for row in source.rows() {
        match pipeline.check(row?) {
            Checked::Accepted(candidate) => {
                *counts.entry("accepted".to_owned()).or_default() += 1;
                area += candidate.area_m2.unwrap_or(0.0);
                if let Some(repair) = &candidate.repaired {
                    *counts.entry(format!("repaired {}", repair.reason.code())).or_default() += 1;
                }
                for warning in candidate.warnings {
                    *counts.entry(format!("warning {}", warning.code.as_str())).or_default() += 1;
                }
            }
            Checked::Quarantined(quarantine) => {
                *counts
                    .entry(format!("quarantined {}", quarantine.reason.code()))
                    .or_default() += 1;
                if counts.len() < 40 {
                    println!(
                        "  row {} {:?}: {}",
                        quarantine.row,
                        quarantine.source_key,
                        quarantine.reason.words().en
                    );
                }
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("read and checked: {:.0} rows/s", rows as f64 / seconds);
    println!("area {area:.1} m2");
    for (what, count) in counts {
        println!("{count:>9} {what}");
    }
    Ok(())
}
