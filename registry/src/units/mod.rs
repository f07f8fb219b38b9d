//! Organisations (单位): who sits in the buildings, with their level, kind and approved staffing. They stand in a tree:
//! an organ and what is subordinate to it.

mod change;
mod code;
mod content;
mod headcount;
mod import;
mod list;
mod now;
mod read;
#[cfg(test)]
mod tests;
mod words;

pub use code::{CodeCheck, check_code};
pub use content::{UnitContent, held_versions, is_registered, verify_versions};
pub use import::import_units;
pub use list::ListQuery;
pub(crate) use list::narrow;
pub use now::{KnownUnit, known_now};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// Whose a unit is: the levels of government.
pub const LEVELS: [&str; 5] = ["national", "province", "city", "county", "township"];

/// What a unit is.
pub const KINDS: [&str; 13] = [
    "bureau",
    "party_organ",
    "government_organ",
    "people_congress",
    "cppcc",
    "supervision",
    "court",
    "procuratorate",
    "democratic_party",
    "mass_organisation",
    "public_institution",
    "platform_company",
    "other",
];

/// The routes of units.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list_units, change::create_unit))
        .routes(routes!(read::get_unit, change::change_unit))
        .routes(routes!(read::list_unit_versions))
        .routes(routes!(change::close_unit))
}
