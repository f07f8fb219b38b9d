//! `yice serve`

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;

use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::CommandFailed;
use super::demo::Sample;
use super::store::{Store, document_store, signing_key};
use crate::clock::Clock;
use crate::database::Database;
use crate::http::{AccessSettings, AppState, MapSettings};
use crate::idle_space::IdleIndex;
use crate::imports::{ImportJobs, mark_interrupted};
use crate::ledger::Sealer;
use crate::map_layers::{HistoricalLayers, MapLayers, keep_current, load};
use crate::people::{
    DEMO_PASSWORD, People, PeopleSettings, Provider, Role, active_demo_accounts, demo_accounts,
    first_administrator_link, keep_vouching_for_sign_ins,
};
use crate::settings::Settings;

/// Arguments of `yice serve`.
#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// Load something to look at first, where the registry is empty: the made-up demo city unless told
    #[arg(long, value_enum, value_name = "SAMPLE", num_args = 0..=1, require_equals = true, default_missing_value = "city")]
    demo: Option<Sample>,
}

/// Serves until Ctrl-C or SIGTERM.
pub(super) async fn serve(settings: Settings, arguments: ServeArguments) -> Result<(), CommandFailed> {
    let is_open = !settings.listen.ip().is_loopback();
    if is_open && arguments.demo.is_some() {
        return Err(CommandFailed::Input {
            words: format!(
                "the demo is refused on {}: everybody knows the passwords of its accounts",
                settings.listen
            ),
            remedy: Some("listen on 127.0.0.1 or [::1], or serve without --demo".to_owned()),
        });
    }
    // Listened for from the first moment, so that a signal during a long start ends it as cleanly.
    let stop = CancellationToken::new();
    stop_on_signal(stop.clone())?;
    // What is data must fit together before anybody relies on it.
    crate::title_cases::title_case().map_err(|refused| CommandFailed::system(refused))?;
    for procedure in crate::policy_cases::Procedure::ALL {
        procedure
            .definition()
            .map_err(|refused| CommandFailed::system(refused))?;
    }
    crate::inspections::check_data().map_err(|fault| CommandFailed::system(&fault))?;
    crate::working_days::WorkingCalendar::published().map_err(|refused| CommandFailed::system(refused))?;
    // Before the database: a busy port is said at once, and costs nothing.
    let listener = listen(settings.listen).await?;
    let address = listener.local_addr().map_err(|error| CommandFailed::system(&error))?;
    let store = tokio::select! {
        store = Store::open(&settings) => store?,
        () = stop.cancelled() => return Ok(()),
    };
    let outcome = run(&settings, &arguments, &store, listener, address, stop).await;
    store.close().await;
    outcome
}

async fn run(
    settings: &Settings,
    arguments: &ServeArguments,
    store: &Store,
    listener: TcpListener,
    address: SocketAddr,
    stop: CancellationToken,
) -> Result<(), CommandFailed> {
    let clock = Clock::System;
    let database = store.database.clone();
    mark_interrupted(&database).await?;
    let sealer = Sealer::new(database.pool().clone(), signing_key(settings)?, clock.clone());
    let sealing = tokio::spawn(sealer.run(stop.clone()));
    let state = AppState {
        database: database.clone(),
        clock: clock.clone(),
        map: MapLayers::default(),
        history: HistoricalLayers::default(),
        idle_space: IdleIndex::default(),
        jobs: ImportJobs::default(),
        map_settings: MapSettings {
            base_map: settings.base_map.clone(),
            cors_origins: settings.cors_origins.clone(),
        },
        documents: document_store(settings)?,
        people: People::new(PeopleSettings {
            session_idle: time::Duration::minutes(settings.session_idle_minutes.into()),
            session_life: time::Duration::hours(settings.session_hours.into()),
            https: settings.https,
            trusted_proxies: settings.trusted_proxies.clone(),
            provider: provider(settings)?,
        }),
        access: AccessSettings {
            hosts: hosts(settings),
            metrics_on_loopback: settings.metrics_on_loopback,
        },
    };
    let doors = open_doors(settings, arguments, &database, &clock).await?;
    let loading = {
        let (database, clock, map, stop) = (database.clone(), clock.clone(), state.map.clone(), stop.clone());
        let idle_space = state.idle_space.clone();
        let cache_bytes = settings.tile_cache_mib << 20;
        let sample = arguments.demo;
        tokio::spawn(async move {
            // Before the map: who opens the page on the first day finds the sample, not an empty registry.
            if let Some(sample) = sample {
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = super::demo::load_if_empty(sample, &database, &clock) => {}
                }
            }
            let position = loop {
                match load(&database, &clock, &map, cache_bytes).await {
                    Ok(position) => break position,
                    Err(error) => {
                        tracing::error!(error = %super::chain(&error), "the map could not be loaded; trying again in a second");
                        tokio::select! {
                            () = stop.cancelled() => return,
                            () = tokio::time::sleep(std::time::Duration::from_secs(1)) => {}
                        }
                    }
                }
            };
            let features = map.loaded();
            tracing::info!(features, "the map is loaded: {features} features");
            tokio::join!(
                keep_current(database.clone(), clock.clone(), map, position, stop.clone()),
                crate::idle_space::keep_current(database, clock, idle_space, stop),
            );
        })
    };
    let checking = {
        let (database, clock, stop) = (database.clone(), clock.clone(), stop.clone());
        tokio::spawn(async move { crate::checks::keep_checked(database, clock, stop).await })
    };
    let vouching = tokio::spawn(keep_vouching_for_sign_ins(
        database.clone(),
        clock.clone(),
        stop.clone(),
    ));
    announce(address, arguments.demo, &doors, !settings.hosts.is_empty());
    let jobs = state.jobs.clone();
    let ended = match &store.cluster {
        Some(cluster) => {
            tokio::select! {
                served = crate::http::serve(listener, state, stop.clone().cancelled_owned()) => served.map_err(|error| CommandFailed::system(&error)),
                _ = cluster.ended() => Err(CommandFailed::System {
                    words: "the embedded database ended by itself".to_owned(),
                    remedy: Some(format!("see {} and start again; nothing that was committed is lost", settings.data.join("postgres.log").display())),
                }),
            }
        }
        None => crate::http::serve(listener, state, stop.clone().cancelled_owned())
            .await
            .map_err(|error| CommandFailed::system(&error)),
    };
    stop.cancel();
    jobs.cancel_all();
    let _ = tokio::join!(sealing, loading, checking, vouching);
    ended
}

async fn listen(address: SocketAddr) -> Result<TcpListener, CommandFailed> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => CommandFailed::System {
            words: format!("port {} is in use by another program", address.port()),
            remedy: Some(format!(
                "stop that program, or choose another port: yice serve --listen {}:{}",
                address.ip(),
                address.port().wrapping_add(1)
            )),
        },
        ErrorKind::PermissionDenied => CommandFailed::System {
            words: format!("port {} may not be used by this user", address.port()),
            remedy: Some("choose a port above 1023, for example --listen 127.0.0.1:8080".to_owned()),
        },
        _ => CommandFailed::System {
            words: format!("{address} can't be listened on: {error}"),
            remedy: None,
        },
    })
}

fn stop_on_signal(stop: CancellationToken) -> Result<(), CommandFailed> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|error| CommandFailed::system(&error))?;
    let mut terminate = signal(SignalKind::terminate()).map_err(|error| CommandFailed::system(&error))?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.cancel();
    });
    Ok(())
}

/// The provider to sign in through, where one is set.
fn provider(settings: &Settings) -> Result<Option<Arc<Provider>>, CommandFailed> {
    let Some(oidc) = settings.oidc.clone() else {
        return Ok(None);
    };
    let provider = Provider::new(oidc).map_err(|words| CommandFailed::Input {
        words,
        remedy: Some("correct the section oidc (YICE_OIDC__…); `yice config` shows it".to_owned()),
    })?;
    Ok(Some(Arc::new(provider)))
}

/// The names under which it may be asked: those that are set, and the address that it listens on.
fn hosts(settings: &Settings) -> Vec<String> {
    let mut hosts = settings.hosts.clone();
    if !settings.listen.ip().is_unspecified() {
        hosts.push(settings.listen.ip().to_string());
    }
    hosts
}

/// How somebody gets in.
#[derive(Debug, Default)]
struct Doors {
    demo: Vec<(String, Role)>,
    /// The secret of the link for the first administrator.
    first: Option<String>,
}

async fn open_doors(
    settings: &Settings,
    arguments: &ServeArguments,
    database: &Database,
    clock: &Clock,
) -> Result<Doors, CommandFailed> {
    let mut doors = Doors::default();
    if let Some(sample) = arguments.demo {
        let datasets = super::demo::datasets(sample).map_err(|error| CommandFailed::system(&error))?;
        doors.demo = demo_accounts(database, clock, &datasets).await?.unwrap_or_default();
    }
    if !settings.listen.ip().is_loopback() && active_demo_accounts(database).await? > 0 {
        return Err(CommandFailed::Input {
            words: format!(
                "{} is refused: this registry has accounts of the demo, whose passwords everybody knows",
                settings.listen
            ),
            remedy: Some(
                "disable them first: yice user disable demo-administrator, and so on (yice user list)".to_owned(),
            ),
        });
    }
    doors.first = first_administrator_link(database, clock).await?;
    Ok(doors)
}

#[expect(
    clippy::print_stdout,
    reason = "the address is what whoever starts the program waits for"
)]
fn announce(address: SocketAddr, demo: Option<Sample>, doors: &Doors, has_hosts: bool) {
    println!("一策 Yice  http://{address}");
    match demo {
        Some(Sample::City) => println!("Demo data, all of it made up / 演示数据，纯属虚构"),
        Some(Sample::Cambridge) => println!("Sample data"),
        None => {}
    }
    if !doors.demo.is_empty() {
        println!(
            "Accounts for the demo only, all with the password {DEMO_PASSWORD} / 仅供演示的账户，密码均为 {DEMO_PASSWORD}"
        );
        for (username, role) in &doors.demo {
            println!("  {username:<24} {}", role.zh());
        }
    }
    if let Some(secret) = &doors.first {
        println!("Nobody keeps the accounts yet. Make the first administrator by this link, once, within an hour:");
        println!("  http://{address}/#first={secret}");
        println!("or by `yice user add NAME --role administrator`.");
    }
    if !address.ip().is_loopback() {
        println!(
            "Others can reach this address. Let a proxy with https stand in front: passwords cross the network readable here."
        );
        if address.ip().is_unspecified() && !has_hosts {
            println!("It answers under the names in the setting hosts (YICE_HOSTS) alone, and there are none.");
        }
    }
    println!("Ctrl-C stops.");
}
