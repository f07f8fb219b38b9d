//! The command line: arguments → settings → command → exit code.
//!
//! Exit codes: 0 done, 1 the input or a rule was at fault (the report says where), 2 usage, 3 the system failed.

mod bench;
mod check;
mod config;
mod demo;
mod export;
mod import;
mod ledger;
mod migrate;
mod sample;
mod serve;
mod store;
mod user;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

#[cfg(test)]
pub(crate) use ledger::verify_versions;

use crate::settings::Resolved;

/// Why a command ended without doing what it should.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailed {
    /// The input or a rule was at fault.
    #[error("{words}")]
    Input {
        /// What is wrong.
        words: String,
        /// What to do.
        remedy: Option<String>,
    },
    /// The system failed.
    #[error("{words}")]
    System {
        /// What is wrong.
        words: String,
        /// What to do.
        remedy: Option<String>,
    },
}

impl CommandFailed {
    fn system(error: &dyn std::error::Error) -> Self {
        Self::System {
            words: chain(error),
            remedy: None,
        }
    }
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_words = cause.to_string();
        if !words.contains(&cause_words) {
            words = format!("{words}: {cause_words}");
        }
        source = cause.source();
    }
    words
}

impl From<crate::request::Fault> for CommandFailed {
    fn from(fault: crate::request::Fault) -> Self {
        Self::system(&fault)
    }
}

impl From<crate::request::Problem> for CommandFailed {
    fn from(problem: crate::request::Problem) -> Self {
        let words = match &problem.field {
            Some(field) => format!("{field}: {}", problem.detail),
            None => problem.detail,
        };
        let remedy = problem.remedy;
        if problem.status < 500 {
            Self::Input { words, remedy }
        } else {
            Self::System { words, remedy }
        }
    }
}

impl From<sqlx::Error> for CommandFailed {
    fn from(error: sqlx::Error) -> Self {
        Self::system(&error)
    }
}

/// 一策 Yice: the registry of a government's land and buildings.
#[derive(Debug, Parser)]
#[command(
    name = "yice",
    version,
    about = "一策 Yice: the open registry of government land and buildings",
    max_term_width = 110
)]
struct Cli {
    #[command(flatten)]
    settings: SettingFlags,
    #[command(subcommand)]
    command: Command,
}

/// Flags that go before every other source of a setting.
#[derive(Debug, Args, Serialize)]
struct SettingFlags {
    /// Where the embedded database, its keys and its logs live [YICE_DATA; default: ./data]
    #[arg(long, global = true, value_name = "FOLDER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<PathBuf>,
    /// A PostgreSQL of your own, instead of the embedded one [DATABASE_URL]
    #[arg(long, global = true, value_name = "URL")]
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    /// What to log, as tracing filters are written [YICE_LOG]
    #[arg(long, global = true, value_name = "FILTER")]
    #[serde(skip_serializing_if = "Option::is_none")]
    log: Option<String>,
    /// The address to answer on [YICE_LISTEN; default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS")]
    #[serde(skip_serializing_if = "Option::is_none")]
    listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the page, the API and the tiles
    #[command(after_help = "Example:\n  yice serve --listen 127.0.0.1:9000 --demo")]
    Serve(serve::ServeArguments),
    /// Bring the database's schema up to date
    #[command(after_help = "Example:\n  DATABASE_URL=postgres://owner@db/yice yice migrate")]
    Migrate,
    /// Import a file of parcels, buildings, sites, regions, units, rooms or rights
    #[command(
        after_help = "Examples:\n  yice import 宗地.shp.zip --layer parcels --crs EPSG:4528 --map code=ZDDM --map address=ZL\n  yice import parcels_2014.geojson --layer parcels --dataset parcels --valid-from 2014-01-01 --close-missing\n  yice import rooms.csv --layer rooms --map parent_code=幢号"
    )]
    Import(Box<import::ImportArguments>),
    /// Load something to look at
    #[command(subcommand, after_help = "Example:\n  yice --data ./demo demo load")]
    Demo(demo::DemoCommand),
    /// Export a layer as a file, as it was on a day
    #[command(
        after_help = "Examples:\n  yice export --layer parcels --format gpkg --as-of 2024-12-31 宗地.gpkg\n  yice export --layer buildings --crs EPSG:4549 --where region=320402 楼栋.shp.zip\n  yice export --layer rooms --labels zh 房间.xlsx"
    )]
    Export(export::ExportArguments),
    /// Run the compliance rules over everything; exit code 1 where errors are found
    #[command(after_help = "Examples:\n  yice check\n  yice check --rule GEO-02 --rule COD-02 --report findings.csv")]
    Check(check::CheckArguments),
    /// Make accounts, passwords and tokens
    #[command(
        subcommand,
        after_help = "Examples:\n  yice user add wang.fang --display-name 王芳 --role title_clerk\n  yice user add admin --role administrator\n  yice user token wang.fang --name QGIS\n  yice user disable wang.fang"
    )]
    User(user::UserCommand),
    /// Prove the ledger, or seal what waits
    #[command(subcommand, after_help = "Example:\n  yice ledger verify")]
    Ledger(ledger::LedgerCommand),
    /// Show the settings in force and where each came from
    #[command(after_help = "Example:\n  YICE_LISTEN=127.0.0.1:9000 yice config")]
    Config,
    /// Measure this machine with the registry's own work
    #[command(
        subcommand,
        after_help = "Example:\n  yice --data ./bench-data bench tiles --source parcels.geojson.gz --parcels 1000000"
    )]
    Bench(bench::BenchCommand),
    /// Print the OpenAPI document
    #[command(after_help = "Example:\n  yice openapi > openapi.json")]
    Openapi,
}

/// Runs the program.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let resolved = match Resolved::load(&cli.settings) {
        Ok(resolved) => resolved,
        Err(refused) => {
            return complain(
                &refused.to_string(),
                Some("see `yice config --help`; `yice.toml` and YICE_* name the settings"),
                2,
            );
        }
    };
    let logs_for_people = matches!(cli.command, Command::Serve(_));
    start_logging(&resolved.settings.log, logs_for_people);
    if let Command::Config = cli.command {
        config::print(&resolved);
        return ExitCode::SUCCESS;
    }
    if let Command::Openapi = cli.command {
        return config::print_openapi();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return complain(&error.to_string(), None, 3),
    };
    let settings = resolved.settings;
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Serve(arguments) => serve::serve(settings, arguments).await,
            Command::Migrate => migrate::migrate(settings).await,
            Command::Import(arguments) => import::import(settings, *arguments).await,
            Command::Demo(command) => demo::demo(settings, command).await,
            Command::Export(arguments) => export::export(settings, arguments).await,
            Command::Check(arguments) => check::check(settings, arguments).await,
            Command::User(command) => user::user(settings, command).await,
            Command::Ledger(command) => ledger::ledger(settings, command).await,
            Command::Bench(command) => bench::bench(settings, command).await,
            Command::Config | Command::Openapi => Ok(()),
        }
    });
    // A reader of a large file that was given up must not keep the program from ending.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(CommandFailed::Input { words, remedy }) => complain(&words, remedy.as_deref(), 1),
        Err(CommandFailed::System { words, remedy }) => complain(&words, remedy.as_deref(), 3),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "this is where the program speaks to whoever started it"
)]
fn complain(words: &str, remedy: Option<&str>, code: u8) -> ExitCode {
    eprintln!("yice: {words}");
    if let Some(remedy) = remedy {
        eprintln!("      {remedy}");
    }
    ExitCode::from(code)
}

fn start_logging(filter: &str, plainly: bool) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(!plainly);
    let _ = subscriber.try_init();
}
