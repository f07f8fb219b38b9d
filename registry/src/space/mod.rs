//! The space standard (党政机关办公用房建设标准, 2674) over what is registered: calculations from given numbers, what is
//! due to a unit and what it has, and each room against its occupants. The arithmetic itself is the crate
//! `space-standard`'s, and every step of it is answered as it was worked out.

mod book;
mod calculations;
mod entitlement;
mod settings;
mod shown;
#[cfg(test)]
mod tests;
mod unit_space;

pub use settings::{Settings, SettingsRefused, settings};
pub use shown::BothLanguages;
pub use unit_space::{UnitSpace, entitled_areas, rank_limit_m2, unit_space};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// The routes of the space standard.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(calculations::calculate_space))
        .routes(routes!(calculations::get_space_standard))
        .routes(routes!(entitlement::get_unit_entitlement))
        .routes(routes!(entitlement::get_room_entitlement))
}
