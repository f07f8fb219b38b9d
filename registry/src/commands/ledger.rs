//! `yice ledger`

use std::path::{Path, PathBuf};

use clap::Subcommand;
use sqlx::PgConnection;

use super::CommandFailed;
use super::store::{Store, document_store, signing_key};
use crate::clock::Clock;
use crate::documents::{Verified, verify_documents};
use crate::ledger::{
    ExpectedVersions, LogProof, Sealer, SignedHead, SigningKey, TrustedKeys, Unproven, Witness, current_head, snapshot,
    verify_log_and_versions,
};
use crate::people::{SignInsVerified, verify_sign_ins};
use crate::request::Fault;
use crate::settings::Settings;

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub(super) enum LedgerCommand {
    /// Prove that nothing was altered, removed or slipped in: every entry, every signed head, every version row, every
    /// paper's file
    Verify {
        /// A head that was noted down elsewhere (`yice ledger head`): with it, the end of the ledger can't be cut off
        /// unnoticed either. May be repeated
        #[arg(long = "head", value_name = "FILE")]
        heads: Vec<PathBuf>,
    },
    /// Print the newest signed head, as a note to be kept where nobody who can write to the database can reach it
    Head,
    /// Give what waits its order and sign a head
    Seal,
}

/// Proves or seals.
pub(super) async fn ledger(settings: Settings, command: LedgerCommand) -> Result<(), CommandFailed> {
    let store = Store::open_or_join(&settings).await?;
    let outcome = match command {
        LedgerCommand::Verify { heads } => verify(&settings, &store, &heads).await,
        LedgerCommand::Head => head(&settings, &store).await,
        LedgerCommand::Seal => seal(&settings, &store).await,
    };
    store.close().await;
    outcome
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn seal(settings: &Settings, store: &Store) -> Result<(), CommandFailed> {
    let sealer = Sealer::new(store.database.pool().clone(), signing_key(settings)?, Clock::System);
    let sealed = sealer.seal_all().await.map_err(|error| CommandFailed::system(&error))?;
    println!("{sealed} entries sealed");
    Ok(())
}

/// The key in our own hands is what counts; keys that the database names are only as good as the database.
fn trusted(settings: &Settings) -> Result<TrustedKeys, CommandFailed> {
    let path = settings
        .ledger_key
        .clone()
        .unwrap_or_else(|| settings.data.join("ledger.key"));
    let key = SigningKey::load(&path).map_err(|error| CommandFailed::system(&error))?;
    Ok(TrustedKeys::new([key.public_key()]))
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn head(settings: &Settings, store: &Store) -> Result<(), CommandFailed> {
    let keys = trusted(settings)?;
    let mut connection = store
        .database
        .pool()
        .acquire()
        .await
        .map_err(|error| CommandFailed::system(&error))?;
    let head = current_head(&mut connection)
        .await
        .map_err(|error| CommandFailed::system(&error))?;
    let note = head
        .ok_or_else(|| CommandFailed::Input {
            words: "nothing is sealed yet".to_owned(),
            remedy: Some("yice ledger seal".to_owned()),
        })?
        .to_note(&keys)
        .ok_or_else(|| CommandFailed::Input {
            words: "the newest head is not signed with the key at hand".to_owned(),
            remedy: Some("name the key file with YICE_LEDGER_KEY".to_owned()),
        })?;
    print!("{note}");
    Ok(())
}

fn noted(path: &Path, keys: &TrustedKeys) -> Result<SignedHead, CommandFailed> {
    let input = |words: String| CommandFailed::Input {
        words: format!("{}: {words}", path.display()),
        remedy: Some("name a file that `yice ledger head` printed with the same key".to_owned()),
    };
    let note = std::fs::read_to_string(path).map_err(|error| input(error.to_string()))?;
    SignedHead::from_note(&note, keys).map_err(|error| input(error.to_string()))
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn sign_ins(store: &Store) -> Result<(), CommandFailed> {
    let SignInsVerified { events, pending, bad } = verify_sign_ins(&store.database).await?;
    if bad.is_empty() {
        println!("sign-ins: {events} are what the ledger vouches for, {pending} wait for it");
        return Ok(());
    }
    Err(CommandFailed::Input {
        words: format!("the sign-ins do not hold: {}", bad.join("; ")),
        remedy: Some(
            "keep the database as it is and compare with a backup; whoever can write to it past the program did this"
                .to_owned(),
        ),
    })
}

#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn verify(settings: &Settings, store: &Store, heads: &[PathBuf]) -> Result<(), CommandFailed> {
    let keys = trusted(settings)?;
    let heads = heads.iter().map(|path| noted(path, &keys)).collect::<Result<_, _>>()?;
    let witness = Witness {
        heads,
        ..Witness::from(keys)
    };
    match prove(store, &witness).await {
        Ok((proof, versions)) => {
            println!(
                "the ledger is whole: {} entries, {} signed heads, {versions} version rows, {} entries not sealed yet",
                proof.sealed, proof.heads, proof.pending
            );
            if let Some(head) = &proof.head {
                println!("head {} root {}", head.head.tree_size, head.head.root_hash);
            }
            sign_ins(store).await?;
            papers(settings, store).await
        }
        Err(Unproven::Bad(bad)) => Err(CommandFailed::Input {
            words: format!("the ledger does not hold: {bad}"),
            remedy: Some("keep the database as it is and compare with a backup; whoever can write to it past the program did this".to_owned()),
        }),
        Err(Unproven::Database { source }) => Err(CommandFailed::system(&source)),
    }
}

/// Reads every paper's file.
#[expect(clippy::print_stdout, reason = "the command's answer")]
async fn papers(settings: &Settings, store: &Store) -> Result<(), CommandFailed> {
    let documents = document_store(settings)?;
    let mut transaction = snapshot(store.database.pool())
        .await
        .map_err(|error| CommandFailed::system(&error))?;
    let Verified { papers, bytes, bad } = verify_documents(&mut transaction, &documents)
        .await
        .map_err(|error| CommandFailed::system(&error))?;
    if bad.is_empty() {
        println!("the papers are whole: {papers}, {bytes} bytes read");
        return Ok(());
    }
    for one in &bad {
        println!("{one}");
    }
    Err(CommandFailed::Input {
        words: format!("{} of {papers} papers do not hold", bad.len()),
        remedy: Some(format!(
            "bring the files back from a backup of {}; whoever brought a paper can also bring the same file again",
            settings.data.join("documents").display()
        )),
    })
}

/// Holds every version row of every noun against what the ledger says of it.
///
/// # Errors
/// The database's. A row that is not what it was is noted in `expected`.
pub(crate) async fn verify_versions(
    connection: &mut PgConnection,
    expected: &mut ExpectedVersions,
) -> Result<(), Fault> {
    macro_rules! verify {
        ($($noun:ident),+ $(,)?) => { $(crate::$noun::verify_versions(&mut *connection, expected).await?;)+ };
    }
    verify!(
        spatial_units,
        regions,
        units,
        rooms,
        occupants,
        rights,
        titles,
        title_cases,
        successions,
        idle_records,
        policy_cases,
        approval_thresholds,
        calendar_notices,
        checks,
        use_agreements,
        meters,
        stocktakings,
        use_filings,
        leases,
        rent_relief,
        housing_tenancies,
        inspections,
    );
    Ok(())
}

async fn prove(store: &Store, witness: &Witness) -> Result<(LogProof, usize), Unproven> {
    let mut transaction = snapshot(store.database.pool()).await?;
    let (proof, mut expected) = verify_log_and_versions(&mut transaction, witness).await?;
    let versions = expected.len();
    verify_versions(&mut transaction, &mut expected)
        .await
        .map_err(|fault| match fault {
            Fault::Database { source } => Unproven::Database { source },
            other => Unproven::Database {
                source: sqlx::Error::Protocol(other.to_string()),
            },
        })?;
    match expected.first_bad(&mut transaction).await? {
        None => Ok((proof, versions)),
        Some(bad) => Err(Unproven::Bad(Box::new(bad))),
    }
}
