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

pub(crate) mod csv;
pub(crate) mod flatgeobuf;
pub(crate) mod geojson;
pub(crate) mod geojson_sequence;
pub(crate) mod geopackage;
mod handover;
pub(crate) mod json;
pub(crate) mod json_list;
pub(crate) mod kml;
pub(crate) mod land_survey;
mod rings;
mod shape;
pub(crate) mod shapefile;
pub(crate) mod survey;
mod table;
mod text;
mod wkb;
mod wkt;
pub(crate) mod xlsx;

/// The unpacked files of one layer.
#[derive(Debug, Clone)]
pub(crate) struct LayerFiles {
    /// The file that names the layer.
    pub main: PathBuf,
    /// Its companions by lower-case extension.
    pub companions: BTreeMap<String, PathBuf>,
    /// The name for messages.
    pub name: String,
    /// The layer asked for inside the file: a table of a database, a sheet of a workbook.
    pub inner: Option<String>,
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
    /// False where the layer can hold no shapes: a table without a column of them.
    pub may_have_shapes: bool,
    /// The layers there are to choose from, of formats that hold several in one file.
    pub layers: Vec<String>,
    pub start: StartReading,
}

/// The first bytes of a value that isn't text, as hexadecimal digits.
fn binary_text(bytes: &[u8]) -> String {
    const LIMIT: usize = 1024;
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len().min(LIMIT) * 2);
    for byte in bytes.iter().take(LIMIT) {
        // Writing to a string can't fail.
        let _written = write!(text, "{byte:02x}");
    }
    if bytes.len() > LIMIT {
        text.push('…');
    }
    text
}

/// The column names of a table: empty ones numbered, repeated ones told apart.
fn unique_names(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut taken = std::collections::HashSet::new();
    names
        .into_iter()
        .enumerate()
        .map(|(position, name)| {
            let name = match name.trim() {
                "" => format!("field_{}", position + 1),
                name => name.to_owned(),
            };
            let mut unique = name.clone();
            let mut number = 2;
            while !taken.insert(unique.clone()) {
                unique = format!("{name}_{number}");
                number += 1;
            }
            unique
        })
        .collect()
}
