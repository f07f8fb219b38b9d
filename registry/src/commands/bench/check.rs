//! `yice bench check`: every rule over everything, rule by rule.

use std::time::Instant;

use super::{BenchArguments, CommandFailed, Store, bad, fill, say};
use crate::checks::{CheckRefused, begin_check};
use crate::clock::Clock;
use crate::request::Actor;

pub(super) async fn measure(store: &Store, arguments: &BenchArguments) -> Result<(), CommandFailed> {
    fill(store, arguments).await?;
    let mut whole = Vec::new();
    for round in 0..arguments.rounds {
        let begun = Instant::now();
        let check = begin_check(&store.database, &Clock::System, &Actor::at_command_line(), None)
            .await
            .map_err(|refused| match refused {
                CheckRefused::Fault(fault) => fault.into(),
                refused => bad(refused.to_string()),
            })?;
        let outcomes = check
            .carry_out(&store.database, &Clock::System, |rule, outcome| {
                if round == 0 {
                    println!("{:<8} {:>9} found  {:>7.2} s", rule.id, outcome.found, outcome.seconds);
                }
            })
            .await?;
        whole.push(begun.elapsed());
        // The first round writes what it finds, the next ones compare with it.
        let found: u64 = outcomes.values().map(|outcome| outcome.found).sum();
        println!(
            "round {}: {found} findings, {:.1} s",
            round + 1,
            begun.elapsed().as_secs_f64()
        );
    }
    say("every rule over everything", &mut whole, arguments.parcels);
    Ok(())
}
