//! The registry: the domain, its SQL and its HTTP. ARCHITECTURE.md is the map of this crate.

pub mod clock;
pub mod commands;
pub mod database;
pub mod demo_city;
mod digest;
pub mod exports;
pub mod geometry;
pub mod http;
pub mod ids;
pub mod imports;
pub mod ledger;
pub mod map_layers;
pub mod ogc;
pub mod period;
pub mod regions;
pub mod request;
pub mod rights;
pub mod rooms;
mod search;
pub mod settings;
pub mod spatial_units;
mod totals;
mod tree;
pub mod units;
pub mod versioned;
pub mod workflow;
pub mod working_days;
