//! Coordinate systems: what a file declares, what it means, and the way to EPSG:4490.
//!
//! The only user of the projection crate. Datum shifts are never guessed: a system is accepted
//! when its datum equals CGCS2000 within about two metres (WGS 84, ETRS89, NAD83 and other
//! geocentric datums on the GRS 80 or WGS 84 ellipsoid), or when its definition carries published
//! parameters to WGS 84. Xi'an 1980 and Beijing 1954 are refused: their parameters belong to the
//! surveying authority. GCJ-02 and BD-09 are refused: they are offsets, not coordinate systems.

mod convert;
mod guess;
mod refused;
mod system;
mod wkt;

pub use crate::area::{GkZone, plane_area_m2, zone_of};
pub use convert::{Conversion, OutOfRange};
pub use guess::suggest;
pub use refused::{CrsRefused, Suggestion};
pub use system::Crs;

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
    /// The coordinate system meant.
    ///
    /// # Errors
    /// [`CrsRefused::Missing`] where nothing is declared, else why it can't be used.
    pub fn resolve(&self) -> Result<Crs, CrsRefused> {
        match self {
            DeclaredCrs::Missing => Err(CrsRefused::Missing { suggestion: None }),
            DeclaredCrs::GeoJsonDefault => Crs::parse("EPSG:4326"),
            DeclaredCrs::Member { name } => Crs::parse(name),
            DeclaredCrs::Prj { wkt } => Crs::parse(wkt),
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
