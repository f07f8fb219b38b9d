//! The formats, one file each. A format is opened once to learn what it holds, and then gives a
//! fresh reader of rows as often as asked for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use crate::crs::DeclaredCrs;
use crate::mapping::FieldName;
use crate::report::Warning;
use crate::source::{SourceBroken, SourceRow};

pub(crate) mod geojson;
pub(crate) mod geojson_sequence;
pub(crate) mod json;
pub(crate) mod shapefile;

/// The unpacked files of one layer.
#[derive(Debug, Clone)]
pub(crate) struct LayerFiles {
    /// The file that names the layer.
    pub main: PathBuf,
    /// Its companions by lower-case extension.
    pub companions: BTreeMap<String, PathBuf>,
    /// The name for messages.
    pub name: String,
}

/// Rows of one reading.
pub(crate) type RowReader = Box<dyn Iterator<Item = Result<SourceRow, SourceBroken>> + Send>;

/// Starts a reading; the counter is told how many bytes were read.
pub(crate) type StartReading = Arc<dyn Fn(Arc<AtomicU64>) -> Result<RowReader, SourceBroken> + Send + Sync>;

/// What opening a layer found out.
pub(crate) struct Opened {
    pub encoding: Option<String>,
    pub crs: DeclaredCrs,
    /// Fields known without reading rows; others are found in the first rows.
    pub fields: Option<Vec<FieldName>>,
    pub warnings: Vec<Warning>,
    pub estimated_rows: Option<u64>,
    pub bytes_total: u64,
    pub start: StartReading,
}
