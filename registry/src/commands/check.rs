//! `yice check`

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;

use super::CommandFailed;
use super::store::Store;
use crate::checks::{CheckRefused, RuleOutcome, Severity, begin_check, catalogue};
use crate::clock::Clock;
use crate::imports::harmless;
use crate::request::{Actor, Fault};
use crate::settings::Settings;

/// Arguments of `yice check`.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    /// Only this rule; may be repeated
    #[arg(long = "rule", value_name = "ID")]
    rules: Vec<String>,
    /// Write every open finding into this file, as CSV
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs the rules over everything. Findings of severity "error" make the exit code 1.
#[expect(clippy::print_stdout, reason = "what was found is what the command is for")]
pub(super) async fn check(settings: Settings, arguments: CheckArguments) -> Result<(), CommandFailed> {
    let store = Store::open_or_join(&settings).await?;
    let outcome = run(&store, &arguments).await;
    store.close().await;
    let errors = outcome?;
    if errors > 0 {
        return Err(CommandFailed::Input {
            words: format!("{errors} errors were found / 发现 {errors} 个问题须整改"),
            remedy: Some("see them on the page under Checks, or write them out with --report findings.csv".to_owned()),
        });
    }
    println!("no errors were found / 没有须整改的问题");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "what was found is what the command is for")]
async fn run(store: &Store, arguments: &CheckArguments) -> Result<u64, CommandFailed> {
    let clock = Clock::System;
    let asked = (!arguments.rules.is_empty()).then_some(&arguments.rules[..]);
    let begun = begin_check(&store.database, &clock, &Actor::at_command_line(), asked)
        .await
        .map_err(|refused| match refused {
            CheckRefused::Fault(fault) => fault.into(),
            refused => CommandFailed::Input {
                words: refused.to_string(),
                remedy: Some("the rules are listed under /api/v1/rules".to_owned()),
            },
        })?;
    let outcomes = begun
        .carry_out(&store.database, &clock, |rule, outcome| {
            println!(
                "{:<8} {:<12} {:>7} found, {} new, {} put right  ({:.2} s)  {} / {}",
                rule.id,
                rule.severity.word(),
                outcome.found,
                outcome.new,
                outcome.resolved,
                outcome.seconds,
                rule.title.zh,
                rule.title.en
            );
        })
        .await?;
    if let Some(file) = &arguments.report {
        write_report(store, file, &outcomes).await?;
    }
    errors(&store.database, &outcomes).await
}

/// Open findings of the gravest kind, exceptions left out.
async fn errors(
    database: &crate::database::Database,
    outcomes: &BTreeMap<String, RuleOutcome>,
) -> Result<u64, CommandFailed> {
    let rules: Vec<String> = catalogue()
        .map_err(Fault::from)?
        .rules
        .values()
        .filter(|rule| rule.severity == Severity::Error && outcomes.contains_key(&rule.id))
        .map(|rule| rule.id.clone())
        .collect();
    let open = sqlx::query_scalar!(
        r#"select count(*) as "open!" from finding where rule = any($1) and state in ('new', 'in_progress')"#,
        &rules
    )
    .fetch_one(database.pool())
    .await?;
    Ok(open.unsigned_abs())
}

async fn write_report(
    store: &Store,
    file: &std::path::Path,
    outcomes: &BTreeMap<String, RuleOutcome>,
) -> Result<(), CommandFailed> {
    let failed = |error: &dyn std::error::Error| CommandFailed::System {
        words: format!("{} can't be written: {error}", file.display()),
        remedy: None,
    };
    let rules: Vec<String> = outcomes.keys().cloned().collect();
    let rows = sqlx::query!(
        r#"select f.rule, f.object_kind, f.object_id, f.other_id, f.state, f.first_seen, f.owner, f.deadline, f.evidence,
                  (select code from spatial_unit_version v
                    where v.object_id = f.object_id and upper_inf(v.recorded) order by lower(v.valid) desc limit 1) as code
             from finding f
            where f.rule = any($1) and f.state in ('new', 'in_progress')
            order by f.rule, f.first_seen, f.id"#,
        &rules
    )
    .fetch_all(store.database.pool())
    .await?;
    let mut report = csv::Writer::from_path(file).map_err(|error| failed(&error))?;
    let head = [
        "rule",
        "severity",
        "object_kind",
        "code",
        "zh",
        "en",
        "state",
        "first_seen",
        "owner",
        "deadline",
        "object_id",
        "other_id",
        "source",
    ];
    report.write_record(head).map_err(|error| failed(&error))?;
    let catalogue = catalogue().map_err(Fault::from)?;
    for row in rows {
        let Some(rule) = catalogue.rules.get(&row.rule) else {
            continue;
        };
        let says = rule.says(&row.evidence);
        let day = row.deadline.map(|day| day.to_string()).unwrap_or_default();
        let fields = [
            row.rule,
            rule.severity.word().to_owned(),
            row.object_kind,
            harmless(row.code),
            harmless(Some(says.zh)),
            harmless(Some(says.en)),
            row.state,
            row.first_seen.date().to_string(),
            harmless(row.owner),
            day,
            row.object_id.to_string(),
            row.other_id.map(|id| id.to_string()).unwrap_or_default(),
            rule.source.clone(),
        ];
        report.write_record(fields).map_err(|error| failed(&error))?;
    }
    report.flush().map_err(|error| failed(&error))
}
