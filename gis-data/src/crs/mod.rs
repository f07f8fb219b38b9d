//! Coordinate systems: what a file declares, what it means, and the way to EPSG:4490.
//!
//! The only user of the projection crate. Datum shifts are never guessed: a system is accepted
//! when its datum equals CGCS2000 within about two metres (WGS 84, ETRS89, NAD83 and other
//! geocentric datums on the GRS 80 or WGS 84 ellipsoid), or when its definition carries published
//! parameters to WGS 84. Xi'an 1980, Beijing 1954 and a city's own plane systems want parameters:
//! those belong to the surveying authority ([`DatumShift`]). GCJ-02 and BD-09 are offsets, not
//! coordinate systems: a file declared to be in one is taken back ([`Offset`]), with an accuracy of
//! metres. What coordinates look like is offered ([`Offer`]), never taken in silence.

mod bounds;
mod control_points;
mod convert;
mod guess;
mod offset;
mod parameters;
mod parameters_refused;
mod plane;
mod refused;
mod shifted;
mod system;
mod watch;
mod wkt;
mod zones;

pub use crate::area::{GkZone, plane_area_m2, zone_of};
pub use bounds::Bounds;
pub use control_points::{ControlPoint, ControlPoints, Residual};
pub(crate) use convert::visit_coordinates;
pub use convert::{Conversion, OutOfRange};
pub use guess::offers;
pub use offset::Offset;
pub use parameters::{DatumShift, SevenParameters, ShiftMethod, ShiftRecord};
pub use parameters_refused::ParametersRefused;
pub use plane::FourParameters;
pub use refused::{CrsRefused, Offer};
pub use shifted::{LayerShift, layer_shift, layer_shift_by_nearest};
pub use system::Crs;
pub use watch::KnownPlaces;
pub(crate) use watch::ShiftWatch;

/// What a source says about its coordinate system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeclaredCrs {
    /// Nothing.
    Missing,
    /// GeoJSON without a `crs` member: WGS 84 longitude, latitude (RFC 7946).
    GeoJsonDefault,
    /// The older `crs` member of GeoJSON 2008, as written.
    Member {
        /// Its name.
        name: String,
    },
    /// The WKT of a shapefile's `.prj`.
    Prj {
        /// As written.
        wkt: String,
    },
}

impl DeclaredCrs {
    /// The coordinate system meant, which may be one that wants parameters.
    ///
    /// # Errors
    /// [`CrsRefused::Missing`] where nothing is declared, else why it can't be used.
    pub fn resolve(&self) -> Result<Crs, CrsRefused> {
        match self {
            DeclaredCrs::Missing => Err(CrsRefused::Missing { offers: Vec::new() }),
            DeclaredCrs::GeoJsonDefault => Crs::parse("EPSG:4326"),
            DeclaredCrs::Member { name } => Crs::of_source(name),
            DeclaredCrs::Prj { wkt } => Crs::of_source(wkt),
        }
    }

    /// The declaration for a report: a name, or nothing.
    pub fn label(&self) -> Option<String> {
        match self {
            DeclaredCrs::Missing => None,
            DeclaredCrs::GeoJsonDefault => Some("EPSG:4326 (RFC 7946)".to_owned()),
            DeclaredCrs::Member { name } => Some(name.clone()),
            DeclaredCrs::Prj { wkt } => Some(wkt::name(wkt).unwrap_or_else(|| wkt.chars().take(80).collect())),
        }
    }
}
