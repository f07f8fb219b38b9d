//! Reading, checking and converting GIS files.
//!
//! The road of one row: [`source::Source`] opens a file, folder or archive and streams
//! [`source::SourceRow`]s; [`pipeline::Pipeline`] maps the fields ([`mapping`]), converts the
//! coordinates ([`crs`]), checks and mends the shape ([`check`]) and answers for every row with
//! [`pipeline::Checked`]: accepted, or quarantined for a reason that has a stable code and words
//! in Chinese and English ([`report`]). No row is lost: rows read = accepted + quarantined.
//!
//! All geometry that leaves this crate is in longitude and latitude degrees, x = longitude,
//! EPSG:4490 (CGCS2000). Areas are in square metres.

#![deny(missing_docs)]

pub mod area;
pub mod check;
pub mod crs;
pub mod demo_city;
pub mod encoding;
mod formats;
pub mod gap;
pub mod mapping;
pub mod overlap;
pub mod pipeline;
pub mod report;
pub mod sample;
pub mod source;
pub mod workbook;
pub mod write;

pub use crs::{
    Bounds, Conversion, Crs, CrsRefused, DatumShift, DeclaredCrs, KnownPlaces, Offer, ParametersRefused, ShiftRecord,
};
pub use mapping::{FieldMapping, FieldName, Layer, MappingGuess, MappingRefused, Target};
pub use pipeline::{
    Candidate, Checked, DuplicateKeys, MendTolerance, Original, Pipeline, PipelineOptions, PipelineRefused, Quarantine,
    Repair,
};
pub use report::{Reason, Warning, WarningCode, Words};
pub use sample::{Sample, SampleImport, SampleRefused, SampleRegion};
pub use source::{
    Format, HeaderRows, Limits, Progress, ReadOptions, Rows, Source, SourceBroken, SourceRefused, SourceRow,
    TableOptions, Unreadable,
};
