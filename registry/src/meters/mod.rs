//! Meters (计量表) of buildings: what was consumed of electricity, water, gas and heat, by the days it was read for. A
//! building that consumes next to nothing is likely empty; `idle_records/` weighs that.

mod bring;
mod content;
mod list;
#[cfg(test)]
mod tests;

pub use content::{MeterContent, verify_versions};

use axum::extract::FromRef;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;

/// What is metered: 电 (kWh), 水 (m³), 气 (m³), 热 (GJ).
pub const UTILITIES: [&str; 4] = ["electricity", "water", "gas", "heat"];

/// The routes of meters.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(list::list_meter_readings, bring::bring_meter_readings))
}
