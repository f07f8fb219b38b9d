//! `yice demo`, and what `yice serve --demo` opens on.

use clap::{Args, Subcommand, ValueEnum};
use gis_data::demo_city::{DemoCity, SEED};

use super::CommandFailed;
use super::store::{Store, signing_key};
use crate::clock::Clock;
use crate::database::Database;
use crate::demo_city::{DemoLoaded, DemoRefused};
use crate::ledger::Sealer;
use crate::settings::Settings;

/// What there is to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Sample {
    /// A made-up city with the census of a real one: 238 units, 624 sites, 1 500 buildings, 160 000 rooms
    #[default]
    City,
    /// The parcels of Cambridge, Massachusetts, in two years
    Cambridge,
}

/// `yice demo …`
#[derive(Debug, Subcommand)]
pub(super) enum DemoCommand {
    /// Load the demo city into an empty registry
    #[command(after_help = "Example:\n  yice --data ./demo demo load")]
    Load(LoadArguments),
}

/// Arguments of `yice demo load`.
#[derive(Debug, Args)]
pub(super) struct LoadArguments {
    /// What to load
    #[arg(long, value_enum, default_value_t)]
    sample: Sample,
}

/// Carries the command out.
pub(super) async fn demo(settings: Settings, command: DemoCommand) -> Result<(), CommandFailed> {
    let DemoCommand::Load(arguments) = command;
    let store = Store::open_or_join(&settings).await?;
    let outcome = run(&settings, &store, arguments.sample).await;
    store.close().await;
    outcome
}

async fn run(settings: &Settings, store: &Store, sample: Sample) -> Result<(), CommandFailed> {
    let clock = Clock::System;
    let begun = std::time::Instant::now();
    let words = match sample {
        Sample::City => match load_city(&store.database, &clock).await {
            Ok(DemoLoaded::Loaded) => "the demo city is loaded; everything in it is made up / 演示城市已载入，纯属虚构",
            Ok(DemoLoaded::AlreadyThere) => "the demo city is there already; nothing was changed",
            Err(DemoRefused::HoldsOtherData) => {
                return Err(CommandFailed::Input {
                    words: DemoRefused::HoldsOtherData.to_string(),
                    remedy: Some("name an empty data folder: yice --data ./demo demo load".to_owned()),
                });
            }
            Err(refused) => return Err(CommandFailed::system(&refused)),
        },
        Sample::Cambridge => {
            super::sample::load_if_empty(&store.database, &clock)
                .await
                .map_err(|error| CommandFailed::system(&error))?;
            "the sample is there, unless the registry held other data"
        }
    };
    let loaded_s = begun.elapsed().as_secs_f64();
    // A server that runs beside this seals at once; where none does, the entries must not lie open.
    let sealer = Sealer::new(store.database.pool().clone(), signing_key(settings)?, clock);
    sealer.seal_all().await.map_err(|error| CommandFailed::system(&error))?;
    say(&format!(
        "{words} ({loaded_s:.1} s, and {:.1} s to seal)",
        begun.elapsed().as_secs_f64() - loaded_s
    ));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
fn say(words: &str) {
    println!("{words}");
}

/// Makes the city and loads it.
async fn load_city(database: &Database, clock: &Clock) -> Result<DemoLoaded, DemoRefused> {
    let city = tokio::task::spawn_blocking(|| DemoCity::generate(SEED))
        .await
        .map_err(|error| {
            DemoRefused::Fault(crate::request::Fault::Impossible {
                what: error.to_string(),
            })
        })??;
    crate::demo_city::load(database, clock, city).await
}

/// The data sets that a sample consists of.
pub(super) fn datasets(sample: Sample) -> Result<Vec<String>, super::sample::SampleFailed> {
    match sample {
        Sample::City => Ok(vec![crate::demo_city::DATASET.to_owned()]),
        Sample::Cambridge => super::sample::datasets(),
    }
}

/// Loads a sample where the registry is empty; says so in the log where it is not.
pub(super) async fn load_if_empty(sample: Sample, database: &Database, clock: &Clock) {
    let begun = std::time::Instant::now();
    match sample {
        Sample::City => match load_city(database, clock).await {
            Ok(DemoLoaded::Loaded) => {
                tracing::info!("the demo city is loaded in {:.1} s", begun.elapsed().as_secs_f64());
            }
            Ok(DemoLoaded::AlreadyThere) => {}
            Err(DemoRefused::HoldsOtherData) => {
                tracing::info!("the demo city is left out: the registry holds other data");
            }
            Err(refused) => tracing::error!(error = %super::chain(&refused), "the demo city could not be loaded"),
        },
        Sample::Cambridge => {
            if let Err(error) = super::sample::load_if_empty(database, clock).await {
                tracing::error!(error = %super::chain(&error), "the sample could not be loaded");
            }
        }
    }
}
