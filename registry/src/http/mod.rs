//! The one HTTP port: the table of routes, and what stands around every request.

mod access;
mod cross_origin;
mod description;
mod guard;
mod health;
mod ledger;
mod map;
mod page;
mod refusal;
mod server;
#[cfg(test)]
mod tests;

pub use access::AccessSettings;
pub use map::MapSettings;
pub use server::{AppState, openapi, router, serve};
