//! `yice bench`: this machine, measured with the registry's own work over translated copies of real parcels.
#![expect(clippy::print_stdout, reason = "figures are what this command is for")]

mod export;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use geo::{BoundingRect, MapCoords};
use geo_types::{Coord, Geometry};
use gis_data::{Checked, Pipeline, PipelineOptions, ReadOptions, Source};
use tiles::{LayerName, ScopeFilter, TileId};
use tokio_util::sync::CancellationToken;

use super::CommandFailed;
use super::store::{Store, signing_key};
use crate::clock::Clock;
use crate::ids::ImportId;
use crate::imports::{ImportOrder, ImportProgress, Report, run_import};
use crate::ledger::Sealer;
use crate::map_layers::{MapLayers, keep_current, load};
use crate::request::Fault;
use crate::settings::Settings;

/// What to measure.
#[derive(Debug, Subcommand)]
pub(super) enum BenchCommand {
    /// Import of parcels from GeoJSON, with ogr2ogr beside it where it is installed
    Import(BenchArguments),
    /// Export of parcels, with ogr2ogr from the same database beside it where it is installed
    Export(BenchArguments),
    /// From the database to serving, tiles without cache, a change until it shows, memory
    Tiles(BenchArguments),
}

/// The data of a measurement. It needs a data folder of its own: name an empty one with --data.
#[derive(Debug, Args)]
pub(super) struct BenchArguments {
    /// A real parcel file to take copies of
    #[arg(long, value_name = "FILE")]
    source: PathBuf,
    /// How many parcels
    #[arg(long, default_value_t = 100_000)]
    parcels: usize,
    /// Rounds; the median is given with the extremes
    #[arg(long, default_value_t = 3)]
    rounds: usize,
}

fn bad(words: impl Into<String>) -> CommandFailed {
    CommandFailed::Input {
        words: words.into(),
        remedy: None,
    }
}

/// Measures.
pub(super) async fn bench(settings: Settings, command: BenchCommand) -> Result<(), CommandFailed> {
    let store = Store::open(&settings).await?;
    let outcome = match &command {
        BenchCommand::Import(arguments) => import(&settings, &store, arguments).await,
        BenchCommand::Export(arguments) => export::measure(&store, arguments).await,
        BenchCommand::Tiles(arguments) => measure_tiles(&settings, &store, arguments).await,
    };
    store.close().await;
    outcome
}

/// Copies of a file's valid parcels, moved side by side around 119.95°E 31.78°N.
fn copies(source: &Path, parcels: usize, target: &Path) -> Result<(), CommandFailed> {
    let mut opened = Source::open(source, &ReadOptions::default()).map_err(|error| bad(error.to_string()))?;
    let mut options = PipelineOptions::new(gis_data::Layer::Parcels);
    options.map = vec![("key".to_owned(), "ML".to_owned())];
    let pipeline = Pipeline::new(&opened, options).map_err(|error| bad(error.to_string()))?;
    let mut shapes = Vec::new();
    for row in opened.rows() {
        if let Checked::Accepted(candidate) = pipeline.check(row.map_err(|error| bad(error.to_string()))?)
            && let Some(geometry) = candidate.geometry
        {
            shapes.push((candidate.source_key, geometry));
        }
    }
    let boxes: Vec<_> = shapes.iter().filter_map(|(_, shape)| shape.bounding_rect()).collect();
    let west = boxes.iter().map(|rect| rect.min().x).fold(f64::MAX, f64::min);
    let south = boxes.iter().map(|rect| rect.min().y).fold(f64::MAX, f64::min);
    let width = boxes.iter().map(|rect| rect.max().x).fold(f64::MIN, f64::max) - west;
    let height = boxes.iter().map(|rect| rect.max().y).fold(f64::MIN, f64::max) - south;
    if shapes.is_empty() {
        return Err(bad("the source has no parcels"));
    }
    let columns = ((parcels / shapes.len()) as f64).sqrt().ceil().max(1.0) as usize;
    let disk = |error: std::io::Error| CommandFailed::system(&error);
    let mut file = std::io::BufWriter::with_capacity(1 << 20, std::fs::File::create(target).map_err(disk)?);
    write!(file, "{{\"type\":\"FeatureCollection\",\"features\":[").map_err(disk)?;
    for (number, index) in (0..parcels).map(|number| (number, number % shapes.len())) {
        let copy = number / shapes.len();
        let (dx, dy) = (
            119.95 - west + (copy % columns) as f64 * width * 1.02,
            31.78 - south + (copy / columns) as f64 * height * 1.02,
        );
        let (key, shape) = &shapes[index];
        let moved: Geometry<f64> = shape.map_coords(|coord| Coord {
            x: coord.x + dx,
            y: coord.y + dy,
        });
        let geometry = geojson::Geometry::from(&moved);
        let comma = if number == 0 { "" } else { "," };
        write!(
            file,
            "{comma}\n{{\"type\":\"Feature\",\"properties\":{{\"code\":\"{copy}-{key}\",\"title_status\":\"{}\",\"usage\":\"{}\"}},\"geometry\":{geometry}}}",
            ["unified", "other_handed", "other_not_handed", "none_handed", "none_not_handed", "other"][number % 6],
            ["administrative_office", "housing_security", "technical", "public_service", "commercial", "idle_land", "other"][number % 7],
        )
        .map_err(disk)?;
    }
    write!(file, "\n]}}\n").map_err(disk)?;
    file.flush().map_err(disk)
}

async fn run_one(store: &Store, path: &Path, dataset: &str) -> Result<Report, CommandFailed> {
    let order = ImportOrder::new(gis_data::Layer::Parcels, path.to_owned(), dataset);
    run_import(
        &store.database,
        &Clock::System,
        ImportId::fresh(),
        &order,
        &ImportProgress::default(),
    )
    .await
    .map_err(|failed| CommandFailed::System {
        words: super::chain(&failed),
        remedy: None,
    })
}

async fn require_empty(store: &Store) -> Result<(), CommandFailed> {
    let (held,): (bool,) = sqlx::query_as("select exists (select from spatial_unit)")
        .fetch_one(store.database.pool())
        .await?;
    if held {
        return Err(CommandFailed::Input {
            words: "the registry holds data; a measurement writes hundreds of thousands of parcels".to_owned(),
            remedy: Some("name an empty folder: yice --data ./bench-data bench …".to_owned()),
        });
    }
    Ok(())
}

async fn import(settings: &Settings, store: &Store, arguments: &BenchArguments) -> Result<(), CommandFailed> {
    require_empty(store).await?;
    let folder = tempfile::tempdir().map_err(|error| CommandFailed::system(&error))?;
    let file = folder.path().join("parcels.geojson");
    copies(&arguments.source, arguments.parcels, &file)?;
    let bytes = std::fs::metadata(&file)
        .map_err(|error| CommandFailed::system(&error))?
        .len();
    println!("{} parcels, GeoJSON of {:.1} MB", arguments.parcels, bytes as f64 / 1e6);
    let sealer = Sealer::new(store.database.pool().clone(), signing_key(settings)?, Clock::System);
    let (mut ours, mut fresh, mut appended) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..arguments.rounds {
        // Each round adds a data set: the registry's tables, indexes and ledger grow as they would.
        let begun = Instant::now();
        let report = run_one(store, &file, &format!("bench-{round}")).await?;
        ours.push(begun.elapsed());
        if report.counts.inserted != arguments.parcels as u64 {
            return Err(bad(format!("only {} rows were inserted", report.counts.inserted)));
        }
        if let Some(seconds) = ogr2ogr(store, &file, "bench_ogr", false)? {
            fresh.push(seconds);
        }
        if let Some(seconds) = ogr2ogr(store, &file, "bench_ogr_live", true)? {
            appended.push(seconds);
        }
    }
    let begun = Instant::now();
    let sealed = sealer.seal_all().await.map_err(|error| CommandFailed::system(&error))?;
    say(
        "yice import (validated, versions, ledger, outcome of each row)",
        &mut ours,
        arguments.parcels,
    );
    say(
        "ogr2ogr -overwrite, PG_USE_COPY, index after load",
        &mut fresh,
        arguments.parcels,
    );
    say(
        "ogr2ogr -append into an indexed table",
        &mut appended,
        arguments.parcels,
    );
    if !fresh.is_empty() {
        println!(
            "ratio yice / ogr2ogr: {:.2} (overwrite), {:.2} (append)",
            median(&ours) / median(&fresh),
            median(&ours) / median(&appended)
        );
    }
    println!(
        "sealing {sealed} entries afterwards: {:.2} s",
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The database as GDAL is told of it.
fn gdal_address(store: &Store) -> String {
    let options = &store.options;
    let host = options
        .get_socket()
        .map_or_else(|| options.get_host().to_owned(), |socket| socket.display().to_string());
    format!(
        "PG:host='{host}' port={} user={} dbname={} active_schema=public",
        options.get_port(),
        options.get_username(),
        options.get_database().unwrap_or("yice")
    )
}

/// The peer, over the same socket into the same server, under a schema of its own; none where it is not installed.
fn ogr2ogr(store: &Store, file: &Path, table: &str, append: bool) -> Result<Option<Duration>, CommandFailed> {
    let target = gdal_address(store);
    let mut command = Command::new("ogr2ogr");
    command.args(["-f", "PostgreSQL", &target]).arg(file).args([
        "-nln",
        table,
        "-nlt",
        "GEOMETRY",
        "-lco",
        "GEOMETRY_NAME=geom",
    ]);
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

/// Imports the parcels to measure with, where the registry is empty.
async fn fill(store: &Store, arguments: &BenchArguments) -> Result<(), CommandFailed> {
    let (held,): (i64,) = sqlx::query_as("select count(*) from spatial_unit")
        .fetch_one(store.database.pool())
        .await?;
    if held == 0 {
        let folder = tempfile::tempdir().map_err(|error| CommandFailed::system(&error))?;
        let file = folder.path().join("parcels.geojson");
        copies(&arguments.source, arguments.parcels, &file)?;
        let begun = Instant::now();
        run_one(store, &file, "bench").await?;
        println!(
            "import of {}: {:.1} s",
            arguments.parcels,
            begun.elapsed().as_secs_f64()
        );
        sqlx::raw_sql("analyze").execute(store.database.pool()).await?;
    }
    Ok(())
}

async fn measure_tiles(settings: &Settings, store: &Store, arguments: &BenchArguments) -> Result<(), CommandFailed> {
    fill(store, arguments).await?;
    let sealer = Sealer::new(store.database.pool().clone(), signing_key(settings)?, Clock::System);
    sealer.seal_all().await.map_err(|error| CommandFailed::system(&error))?;

    let before = resident_bytes();
    let mut starts = Vec::new();
    let mut map = MapLayers::default();
    let mut position = 0;
    for _ in 0..arguments.rounds {
        map = MapLayers::default();
        let begun = Instant::now();
        position = load(&store.database, &Clock::System, &map, 64 << 20).await?;
        starts.push(begun.elapsed());
    }
    let tile_set = map.tiles().ok_or_else(|| bad("nothing was loaded"))?;
    let layer = tile_set
        .layer(LayerName::Parcels)
        .ok_or_else(|| bad("no parcels were loaded"))?
        .clone();
    let features = layer.len();
    say("start: database to ready", &mut starts, features);
    println!(
        "memory: {:.0} B a parcel by the engine's count; resident memory grew by {:.0} B a parcel over {} loads",
        layer.memory_bytes() as f64 / features as f64,
        resident_bytes().saturating_sub(before) as f64 / features as f64,
        arguments.rounds,
    );

    let bounds = layer.bounds().ok_or_else(|| bad("nothing was loaded"))?;
    for zoom in [8, 10, 12, 14, 16] {
        let places = sample(&layer, bounds, zoom, 400);
        let (mut spent, mut bytes) = (Vec::new(), 0);
        for tile in &places {
            let begun = Instant::now();
            let raw = layer.encode(*tile, &ScopeFilter::All);
            let packed = compress(&raw)?;
            spent.push(begun.elapsed());
            bytes += packed.len();
        }
        spent.sort_unstable();
        let at = |share: f64| {
            spent
                .get(((spent.len() - 1) as f64 * share) as usize)
                .map_or(0.0, Duration::as_secs_f64)
                * 1e3
        };
        println!(
            "z{zoom}: {} tiles without cache, gzip included: median {:.3} ms, p99 {:.3} ms, max {:.3} ms, mean {:.0} B",
            places.len(),
            at(0.5),
            at(0.99),
            at(1.0),
            bytes as f64 / places.len().max(1) as f64
        );
    }

    let stop = CancellationToken::new();
    let sealing = tokio::spawn(sealer.run(stop.clone()));
    let following = tokio::spawn(keep_current(
        store.database.clone(),
        Clock::System,
        map.clone(),
        position,
        stop.clone(),
    ));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let mut seen = changes(store, &map).await?;
    say("commit until the tile has a new version", &mut seen, 0);
    stop.cancel();
    let _ = tokio::join!(sealing, following);
    Ok(())
}

/// Tiles that hold parcels: of a zoom, at random places with a fixed seed.
fn sample(layer: &tiles::Layer, [west, south, east, north]: [f64; 4], zoom: u8, wanted: usize) -> Vec<TileId> {
    let mut seen = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        // xorshift64*: repeatable places, nothing more.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    };
    for _ in 0..wanted * 20 {
        let (x, y) = (west + next() * (east - west), south + next() * (north - south));
        let Ok(tile) = TileId::containing(zoom, x, y) else {
            continue;
        };
        if !seen.insert((tile.x(), tile.y())) {
            continue;
        }
        let [west, south, east, north] = tile.bounds();
        if !layer.query_box(west, south, east, north, &ScopeFilter::All).is_empty() {
            found.push(tile);
            if found.len() == wanted {
                break;
            }
        }
    }
    found
}

fn compress(raw: &[u8]) -> Result<Vec<u8>, CommandFailed> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::with_capacity(raw.len() / 2), flate2::Compression::fast());
    encoder
        .write_all(raw)
        .and_then(|()| encoder.finish())
        .map_err(|error| CommandFailed::system(&error))
}

/// Changes one parcel after another and waits until the tile over it is new.
async fn changes(store: &Store, map: &MapLayers) -> Result<Vec<Duration>, CommandFailed> {
    use crate::ledger::Action;
    use crate::period::{ValidPeriod, reach, revise};
    use crate::request::Actor;
    use crate::spatial_units::{Kind, Occasion, held_versions, write_revision};
    let ids: Vec<(uuid::Uuid, f64, f64)> = sqlx::query_as(
        "select object_id, st_x(st_pointonsurface(geometry)), st_y(st_pointonsurface(geometry))
           from spatial_unit_version where upper_inf(recorded) and upper_inf(valid) limit 60",
    )
    .fetch_all(store.database.pool())
    .await?;
    let tile_set = map.tiles().ok_or_else(|| bad("nothing was loaded"))?;
    let mut spent = Vec::new();
    for (index, (id, x, y)) in ids.into_iter().enumerate() {
        let tile = TileId::containing(16, x, y).map_err(|error| bad(error.to_string()))?;
        let before = tile_set.version(&[LayerName::Parcels], tile);
        let mut transaction = store.database.begin().await?;
        let Some(unit) = held_versions(&mut transaction, &[id]).await?.remove(&id) else {
            continue;
        };
        let today = Clock::System.today();
        let Some(held) = unit.versions.iter().find(|version| version.valid.contains(today)) else {
            continue;
        };
        let mut content = held.content.clone();
        content.name = Some(format!("改名 {index}"));
        let period: ValidPeriod = reach(&unit.versions, today);
        let revision = revise(&unit.versions, period, Some(content), Clock::System.now());
        let occasion = Occasion {
            actor: Actor("bench".to_owned()),
            reason: None,
            import_id: None,
        };
        write_revision(
            &mut transaction,
            unit.id,
            Kind::Parcel,
            Action::Change,
            revision,
            Some(&held.content),
            &occasion,
        )
        .await?;
        transaction.commit().await?;
        let begun = Instant::now();
        while tile_set.version(&[LayerName::Parcels], tile) == before {
            if begun.elapsed() > Duration::from_secs(10) {
                return Err(Fault::Impossible {
                    what: "a change did not reach its tile within ten seconds".to_owned(),
                }
                .into());
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        spent.push(begun.elapsed());
    }
    Ok(spent)
}

fn median(spent: &[Duration]) -> f64 {
    let mut sorted = spent.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).map_or(f64::NAN, Duration::as_secs_f64)
}

fn say(label: &str, spent: &mut [Duration], rows: usize) {
    spent.sort_unstable();
    let (Some(least), Some(most)) = (spent.first(), spent.last()) else {
        return;
    };
    let middle = median(spent);
    let rate = if rows > 0 {
        format!(", {:.0} rows/s", rows as f64 / middle)
    } else {
        String::new()
    };
    println!(
        "{label}: median {:.1} ms [{:.1}–{:.1}], {} rounds{rate}",
        middle * 1e3,
        least.as_secs_f64() * 1e3,
        most.as_secs_f64() * 1e3,
        spent.len()
    );
}

/// Resident memory of this process, bytes.
fn resident_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .and_then(|line| line.split_whitespace().next())
        .and_then(|number| number.parse::<u64>().ok())
        .unwrap_or_default()
        * 1024
}
