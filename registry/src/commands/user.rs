//! `yice user`: accounts from the command line, where whoever sits at the server's machine is believed.
#![expect(clippy::print_stdout, reason = "what was made is said here, once")]

use std::io::Read;

use clap::{Args, Subcommand};
use sqlx::{PgConnection, Postgres, Transaction};

use super::CommandFailed;
use super::store::Store;
use crate::clock::Clock;
use crate::people::{
    GrantOrder, Role, find, grant, link, list_accounts, make_account, make_token, reset_password, set_state, unlink,
};
use crate::request::Actor;
use crate::settings::Settings;

/// `yice user …`
#[derive(Debug, Subcommand)]
pub(super) enum UserCommand {
    /// Make an account and grant it a role; prints a password that must be changed at the first sign-in
    Add(AddArguments),
    /// Set a password; prints a fresh one unless one is given. The person's sessions end, a locked account is opened
    Passwd(PasswordArguments),
    /// Disable an account: its sessions end, its tokens are refused
    Disable {
        /// The name to sign in with
        name: String,
    },
    /// Enable an account that was disabled
    Enable {
        /// The name to sign in with
        name: String,
    },
    /// Grant a role to somebody who has an account
    Grant(GrantArguments),
    /// Make a token for scripts and GIS clients, and print it: it is not shown again
    Token(TokenArguments),
    /// Link an account to who its owner is at the provider that is set: whoever that is signs in as them
    Link(LinkArguments),
    /// Take an account's link to the provider that is set away; sessions that were opened by it end
    Unlink {
        /// The name of the account
        name: String,
    },
    /// List the accounts and what is granted to them
    List,
}

/// Arguments of `yice user add`.
#[derive(Debug, Args)]
pub(super) struct AddArguments {
    /// The name to sign in with: letters a to z, digits, Chinese characters, and . _ - @
    name: String,
    /// The name others know the person by; the name to sign in with unless told
    #[arg(long, value_name = "NAME")]
    display_name: Option<String>,
    /// What they are to be; may be repeated
    #[arg(long = "role", value_enum, value_name = "ROLE")]
    roles: Vec<Role>,
    #[command(flatten)]
    reach: ReachArguments,
    /// Read the password from standard input, instead of making one up that must be changed
    #[arg(long)]
    password_stdin: bool,
}

/// How far a role reaches.
#[derive(Debug, Args)]
pub(super) struct ReachArguments {
    /// The code of the region whose subtree the roles reach over; the whole registry unless told
    #[arg(long, value_name = "CODE")]
    region: Option<String>,
    /// Whose assets may be edited: national, province, city, county, township; every level's unless told
    #[arg(long)]
    level: Option<String>,
}

/// Arguments of `yice user passwd`.
#[derive(Debug, Args)]
pub(super) struct PasswordArguments {
    /// The name to sign in with
    name: String,
    /// Read the password from standard input, instead of making one up that must be changed
    #[arg(long)]
    password_stdin: bool,
}

/// Arguments of `yice user grant`.
#[derive(Debug, Args)]
pub(super) struct GrantArguments {
    /// The name to sign in with
    name: String,
    /// What they are to be; may be repeated
    #[arg(long = "role", value_enum, value_name = "ROLE", required = true)]
    roles: Vec<Role>,
    #[command(flatten)]
    reach: ReachArguments,
}

/// Arguments of `yice user token`.
#[derive(Debug, Args)]
pub(super) struct TokenArguments {
    /// The name to sign in with
    name: String,
    /// What the token is for
    #[arg(long = "name", value_name = "TEXT", default_value = "command line")]
    purpose: String,
    /// How many days it holds, 1 to 730; 365 unless told
    #[arg(long)]
    days: Option<i64>,
}

/// Arguments of `yice user link`.
#[derive(Debug, Args)]
pub(super) struct LinkArguments {
    /// The name of the account
    name: String,
    /// The provider's own and lasting word for the person: its claim `sub`
    #[arg(long, value_name = "TEXT")]
    subject: String,
}

/// Carries the command out.
pub(super) async fn user(settings: Settings, command: UserCommand) -> Result<(), CommandFailed> {
    let store = Store::open_or_join(&settings).await?;
    let issuer = settings.oidc.as_ref().map(|oidc| oidc.issuer.as_str());
    let outcome = run(&store, command, issuer).await;
    store.close().await;
    outcome
}

async fn run(store: &Store, command: UserCommand, issuer: Option<&str>) -> Result<(), CommandFailed> {
    let clock = Clock::System;
    let now = clock.now();
    let actor = Actor::at_command_line();
    let mut transaction = store.database.begin().await?;
    let said = match command {
        UserCommand::Add(arguments) => {
            let password = given_password(arguments.password_stdin)?;
            let display_name = arguments.display_name.as_deref().unwrap_or(&arguments.name);
            let name = &arguments.name;
            let (made, fresh) =
                make_account(&mut transaction, &actor, name, display_name, password.as_deref(), now).await?;
            grant_all(
                &mut transaction,
                &actor,
                made.id,
                &arguments.roles,
                &arguments.reach,
                &clock,
            )
            .await?;
            let mut said = format!("the account {} is made\n", made.username);
            if arguments.roles.is_empty() {
                said.push_str("it has no role yet: yice user grant NAME --role …\n");
            }
            said + &fresh_password(fresh.as_deref())
        }
        UserCommand::Passwd(arguments) => {
            let password = given_password(arguments.password_stdin)?;
            let person = find(&mut transaction, &arguments.name).await?;
            let fresh = reset_password(&mut transaction, &actor, person, password.as_deref(), now).await?;
            format!("the password of {} is set\n", arguments.name) + &fresh_password(fresh.as_deref())
        }
        UserCommand::Disable { name } => switch(&mut transaction, &actor, &name, false, &clock).await?,
        UserCommand::Enable { name } => switch(&mut transaction, &actor, &name, true, &clock).await?,
        UserCommand::Grant(arguments) => {
            let person = find(&mut transaction, &arguments.name).await?;
            grant_all(
                &mut transaction,
                &actor,
                person,
                &arguments.roles,
                &arguments.reach,
                &clock,
            )
            .await?;
            format!("granted to {}\n", arguments.name)
        }
        UserCommand::Token(arguments) => {
            let person = find(&mut transaction, &arguments.name).await?;
            let purpose = &arguments.purpose;
            let (_, token, _) = make_token(&mut transaction, &actor, person, purpose, arguments.days, now).await?;
            // Alone on its line, and on no other: scripts take it as it is.
            format!("{token}\n")
        }
        UserCommand::Link(arguments) => {
            let person = find(&mut transaction, &arguments.name).await?;
            let issuer = of_provider(issuer)?;
            link(&mut transaction, &actor, person, issuer, &arguments.subject, now).await?;
            format!(
                "{} is linked to {} at {issuer}\n",
                arguments.name,
                arguments.subject.trim()
            )
        }
        UserCommand::Unlink { name } => {
            let person = find(&mut transaction, &name).await?;
            let issuer = of_provider(issuer)?;
            if unlink(&mut transaction, &actor, person, issuer, now).await? {
                format!("{name} is linked to nobody at {issuer}\n")
            } else {
                format!("{name} was linked to nobody at {issuer}\n")
            }
        }
        UserCommand::List => list(&mut transaction, &clock).await?,
    };
    Transaction::<Postgres>::commit(transaction).await?;
    print!("{said}");
    Ok(())
}

fn of_provider(issuer: Option<&str>) -> Result<&str, CommandFailed> {
    issuer.ok_or_else(|| CommandFailed::Input {
        words: "no provider is set to link accounts to".to_owned(),
        remedy: Some("set it in the section oidc of yice.toml (YICE_OIDC__ISSUER, …)".to_owned()),
    })
}

/// The first line of standard input, where the password is to come from there.
fn given_password(is_given: bool) -> Result<Option<String>, CommandFailed> {
    if !is_given {
        return Ok(None);
    }
    let mut text = String::new();
    std::io::stdin()
        .take(4096)
        .read_to_string(&mut text)
        .map_err(|error| CommandFailed::system(&error))?;
    Ok(Some(text.lines().next().unwrap_or_default().to_owned()))
}

fn fresh_password(fresh: Option<&str>) -> String {
    fresh.map_or_else(String::new, |password| {
        format!("password for the first sign-in: {password}\n")
    })
}

async fn grant_all(
    connection: &mut PgConnection,
    actor: &Actor,
    person: crate::ids::PersonId,
    roles: &[Role],
    reach: &ReachArguments,
    clock: &Clock,
) -> Result<(), CommandFailed> {
    for role in roles {
        let order = GrantOrder {
            region_code: reach.region.clone(),
            level: reach.level.clone(),
            ..GrantOrder::whole(*role)
        };
        grant(connection, actor, None, person, &order, clock).await?;
    }
    Ok(())
}

async fn switch(
    connection: &mut PgConnection,
    actor: &Actor,
    name: &str,
    is_active: bool,
    clock: &Clock,
) -> Result<String, CommandFailed> {
    let person = find(connection, name).await?;
    set_state(connection, actor, person, is_active, clock.now()).await?;
    Ok(format!(
        "the account {name} is {}\n",
        if is_active { "open" } else { "disabled" }
    ))
}

async fn list(connection: &mut PgConnection, clock: &Clock) -> Result<String, CommandFailed> {
    let people = list_accounts(connection, None, None, 10_000, clock.now()).await?;
    let mut said = String::new();
    for person in people {
        let grants: Vec<String> = person
            .grants
            .iter()
            .map(|grant| format!("{} ({})", grant.role, grant.region_code))
            .collect();
        said.push_str(&format!(
            "{:<24} {:<10} {}  {}\n",
            person.username,
            person.state,
            person.display_name,
            grants.join(", ")
        ));
    }
    Ok(said)
}
