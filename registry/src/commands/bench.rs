//! `yice bench`: this machine, measured with the registry's own work over translated copies of real parcels.
#![expect(clippy::print_stdout, reason = "figures are what this command is for")]

mod check;
mod copies;
mod export;
mod import;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
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
    /// Import of parcels, with ogr2ogr beside it where it is installed
    Import(import::ImportArguments),
    /// Export of parcels, with ogr2ogr from the same database beside it where it is installed
    Export(BenchArguments),
    /// Every compliance rule over everything
    Check(BenchArguments),
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
        BenchCommand::Import(arguments) => import::measure(&settings, &store, arguments).await,
        BenchCommand::Export(arguments) => export::measure(&store, arguments).await,
        BenchCommand::Check(arguments) => check::measure(&store, arguments).await,
        BenchCommand::Tiles(arguments) => measure_tiles(&settings, &store, arguments).await,
    };
    store.close().await;
    outcome
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

/// Imports the parcels to measure with, where the registry is empty.
async fn fill(store: &Store, arguments: &BenchArguments) -> Result<(), CommandFailed> {
    let (held,): (i64,) = sqlx::query_as("select count(*) from spatial_unit")
        .fetch_one(store.database.pool())
        .await?;
    if held == 0 {
        let folder = tempfile::tempdir().map_err(|error| CommandFailed::system(&error))?;
        let file = folder.path().join("parcels.geojson");
        copies::Copies::of(&arguments.source)?.write_geojson(arguments.parcels, &file)?;
        let begun = Instant::now();
        run_one(store, &file, "bench").await?;
        println!(
            "import of {}: {:.1} s",
            arguments.parcels,
            begun.elapsed().as_secs_f64()
        );
        // By the owner: others may not.
        let mut connection = store.database.pool().acquire().await?;
        sqlx::raw_sql("reset role; analyze; set role yice_system")
            .execute(&mut *connection)
            .await?;
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

    let bounds = layer
        .bounds(&ScopeFilter::All)
        .ok_or_else(|| bad("nothing was loaded"))?;
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
    memory_of_status("VmRSS:")
}

/// The most that was resident since the process started, or since [`forget_peak`], bytes.
fn peak_bytes() -> u64 {
    memory_of_status("VmHWM:")
}

/// Lets the peak begin anew. Where the system doesn't offer it, the peak is that of the whole process.
fn forget_peak() {
    if let Err(error) = std::fs::write("/proc/self/clear_refs", "5") {
        tracing::debug!(%error, "the peak of resident memory is that of the whole process");
    }
}

fn memory_of_status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|line| line.split_whitespace().next())
        .and_then(|number| number.parse::<u64>().ok())
        .unwrap_or_default()
        * 1024
}
