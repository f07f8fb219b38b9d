//! The sample that `yice serve --demo` opens on, until somebody brings data of their own.

use crate::clock::Clock;
use crate::database::Database;
use crate::request::Fault;

/// Loads the sample where nothing is registered yet.
pub(super) async fn load_if_empty(_database: &Database, _clock: &Clock) -> Result<(), Fault> {
    Ok(())
}
