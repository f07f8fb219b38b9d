//! `yice migrate`

use super::CommandFailed;
use super::store::Store;
use crate::settings::Settings;

/// Brings the schema up to date.
#[expect(clippy::print_stdout, reason = "the command's answer")]
pub(super) async fn migrate(settings: Settings) -> Result<(), CommandFailed> {
    let store = Store::open(&settings).await?;
    store.close().await;
    println!("the database is up to date");
    Ok(())
}
