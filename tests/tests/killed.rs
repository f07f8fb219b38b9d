//! Registrations in the middle of which the program and its database are killed: nothing that was acknowledged is lost,
//! nothing is registered twice, and the rows are what the ledger says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where by itself")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tests::{Parcel, Registry, succeed, write_parcels};

/// Parcels that are fought for in one round.
const PARCELS: u32 = 20;

/// A title that a clerk wants registered, under a key by which it can be sent again.
#[derive(Debug, Clone)]
struct Wish {
    key: String,
    unit_code: String,
    body: String,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// It is registered under this address.
    Registered(String),
    /// Somebody else's is.
    Refused,
    /// Nobody knows: there was no answer.
    Unknown,
}

fn send(registry: &Registry, wish: &Wish) -> Outcome {
    let headers = [("content-type", "application/json"), ("idempotency-key", &wish.key)];
    let Ok(answer) = registry.ask("POST", "/api/v1/titles", &headers, wish.body.as_bytes()) else {
        return Outcome::Unknown;
    };
    match answer.status {
        201 => Outcome::Registered(answer.header("location").unwrap().to_owned()),
        409 => Outcome::Refused,
        // The database went first, and the program noticed.
        500..=599 => Outcome::Unknown,
        status => panic!("{status}: {}", String::from_utf8_lossy(&answer.body)),
    }
}

/// Every title there is: how many bear each unit code.
fn registered(registry: &Registry) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    let mut next = Some("/api/v1/titles?limit=200".to_owned());
    while let Some(address) = next {
        let page = registry.get_json(&address).unwrap();
        for title in page["items"].as_array().unwrap() {
            *counted
                .entry(title["unit_code"].as_str().unwrap().to_owned())
                .or_default() += 1;
        }
        next = page["next"].as_str().map(ToOwned::to_owned);
    }
    counted
}

fn setting(name: &str, short: usize) -> usize {
    std::env::var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(short)
}

/// The short form; the long one is
/// `YICE_KILL_ROUNDS=100 YICE_KILL_CLERKS=64 cargo nextest run -p tests killed_in_the_middle`.
#[test]
fn killed_in_the_middle_of_registrations_it_starts_with_what_was_acknowledged_and_nothing_twice() {
    let rounds = setting("YICE_KILL_ROUNDS", 3);
    let clerks = setting("YICE_KILL_CLERKS", 8);
    let (data, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    let mut unanswered = 0;
    for round in 0..rounds {
        let registry = Registry::start(data.path()).unwrap();
        let wishes = wishes(&registry, files.path(), round, clerks);
        wanted.extend(wishes.iter().flatten().map(|wish| wish.unit_code.clone()));

        // Every two clerks want the same parcels; the blow falls when so many are registered.
        let blow = 1 + (round * 7 + 3) % (PARCELS as usize - 6);
        let done = AtomicUsize::new(0);
        let outcomes: Mutex<Vec<(Wish, Outcome)>> = Mutex::new(Vec::new());
        thread::scope(|scope| {
            let mut at_work = Vec::new();
            for list in &wishes {
                let (registry, outcomes, done) = (&registry, &outcomes, &done);
                at_work.push(scope.spawn(move || {
                    for wish in list {
                        let outcome = send(registry, wish);
                        if matches!(outcome, Outcome::Registered(_)) {
                            done.fetch_add(1, Ordering::SeqCst);
                        }
                        outcomes.lock().unwrap().push((wish.clone(), outcome));
                    }
                }));
            }
            while done.load(Ordering::SeqCst) < blow {
                assert!(
                    at_work.iter().any(|clerk| !clerk.is_finished()),
                    "everybody is done before so many are registered"
                );
                thread::sleep(Duration::from_millis(1));
            }
            registry.strike().unwrap();
        });
        drop(registry);

        let registry = Registry::start(data.path()).unwrap();
        let outcomes = outcomes.into_inner().unwrap();
        let counted = registered(&registry);
        assert!(
            counted.values().all(|count| *count == 1),
            "registered twice: {counted:?}"
        );
        for (wish, outcome) in &outcomes {
            match outcome {
                Outcome::Registered(address) => {
                    let title = registry.get_json(address).unwrap();
                    assert_eq!(
                        title["unit_code"],
                        wish.unit_code.as_str(),
                        "what was acknowledged is lost"
                    );
                }
                Outcome::Refused => assert!(counted.contains_key(&wish.unit_code), "refused for nothing: {wish:?}"),
                Outcome::Unknown => unanswered += 1,
            }
        }
        // Whoever got no answer sends the same again and is told what became of it.
        for (wish, _) in outcomes.iter().filter(|(_, outcome)| *outcome == Outcome::Unknown) {
            let again = send(&registry, wish);
            assert_ne!(again, Outcome::Unknown);
            if let Outcome::Registered(_) = &again {
                assert_eq!(send(&registry, wish), again, "the same key, the same answer");
            }
        }
        let counted = registered(&registry);
        assert!(
            counted.values().all(|count| *count == 1),
            "registered twice: {counted:?}"
        );
        let there: BTreeSet<String> = counted.into_keys().collect();
        assert_eq!(there, wanted, "each parcel has its one title in the end");
        registry.interrupt().unwrap();
        // Every row is what the ledger says, and the ledger is whole.
        succeed(data.path(), &["ledger", "verify"]).unwrap();
    }
    assert!(unanswered > 0, "the blow never fell in the middle of anything");
}

/// New parcels, and for each clerk the titles that he wants in them.
fn wishes(registry: &Registry, files: &std::path::Path, round: usize, clerks: usize) -> Vec<Vec<Wish>> {
    let first = u32::try_from(round).unwrap() * PARCELS;
    let parcels: Vec<Parcel> = (first..first + PARCELS).map(Parcel::at).collect();
    let file = files.join("parcels.geojson");
    write_parcels(&file, &parcels).unwrap();
    let import = registry
        .import(&file, &[("layer", "parcels"), ("dataset", &format!("round-{round}"))])
        .unwrap();
    assert_eq!(import["report"]["counts"]["inserted"], PARCELS, "{import}");
    let ids: Vec<(u32, Value)> = parcels
        .iter()
        .map(|parcel| {
            let page = registry
                .get_json(&format!("/api/v1/parcels?q={}&limit=2", parcel.code))
                .unwrap();
            (parcel.place, page["items"][0]["id"].clone())
        })
        .collect();
    (0..clerks)
        .map(|clerk| {
            ids.iter()
                // Two clerks each want the same.
                .filter(|(place, _)| *place as usize % clerks.div_ceil(2) == clerk / 2)
                .map(|(place, id)| {
                    let unit_code = format!("370102001002GB{:05}W00000000", place + 1);
                    let body = json!({
                        "evidence": "both", "unit_code": unit_code,
                        "cert_no": format!("鲁(2021)历下区不动产权第{:07}号", 1 + *place as usize * 1000 + clerk),
                        "holders": [{"name": "机关事务管理局", "kind": "bureau"}], "right_type": "3",
                        "recorded_on": "2021-03-10", "parcel_ids": [id],
                    });
                    Wish {
                        key: format!("{round}-{clerk}-{place}"),
                        unit_code,
                        body: body.to_string(),
                    }
                })
                .collect()
        })
        .collect()
}
