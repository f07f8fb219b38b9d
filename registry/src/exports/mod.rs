//! Exports: a layer at a date as a file other programs read. One statement reads it, so that a file shows one state
//! of the registry; the format is written by `gis_data::write`.

mod fields;
mod labels;
mod list_file;
mod routes;
mod run;
mod select;
#[cfg(test)]
mod tests;

pub use labels::Labels;
pub(crate) use labels::{ClosedList, OCCUPANCY, TITLE_STATUS, USAGE};
pub(crate) use list_file::{ListColumn, ListFile, day_cell, list_format, said_cell, text_cell};
pub use run::{ExportFailed, ExportProgress, Exported, run_export};
pub use select::Filter;

use axum::extract::FromRef;
use gis_data::Layer;
use gis_data::write::{TargetCrs, WriteFormat};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::clock::Clock;
use crate::database::Database;
use crate::request::Times;

/// What is to be exported, and how.
#[derive(Debug, Clone)]
pub struct ExportOrder {
    /// The layer.
    pub layer: Layer,
    /// The format.
    pub format: WriteFormat,
    /// The coordinate system of the shapes.
    pub crs: TargetCrs,
    /// Codes or words in CSV and XLSX.
    pub labels: Labels,
    /// The day in law and the instant of knowledge.
    pub times: Times,
    /// Which rows.
    pub filter: Filter,
}

impl ExportOrder {
    /// The file's name: layer, day, system, ending. `ascii` for what can't take Chinese.
    #[must_use]
    pub fn file_name(&self, ascii: bool) -> String {
        let title = fields::title(self.layer);
        let name = if ascii { self.layer.as_str() } else { &title.zh };
        let system = if fields::has_shapes(self.layer) {
            format!("_EPSG{}", self.crs.epsg())
        } else {
            String::new()
        };
        format!("{name}_{}{system}.{}", self.times.as_of, self.format.extension())
    }
}

/// The routes of exports.
pub fn router<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Database: FromRef<S>,
    Clock: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(routes::export_spatial_units))
        .routes(routes!(routes::export_regions))
        .routes(routes!(routes::export_units))
        .routes(routes!(routes::export_rooms))
        .routes(routes!(routes::export_rights))
}
