//! Sample data that ships with the project: the manifest beside the files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::mapping::Layer;
use crate::pipeline::DuplicateKeys;

/// A sample: files of one place with their licence and credit, in the order they are to be
/// imported.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Name in Chinese.
    pub name_zh: String,
    /// Name in English.
    pub name_en: String,
    /// Name of the licence.
    pub licence: String,
    /// The credit line to show wherever the data is shown.
    pub credit: String,
    /// Where the data comes from.
    pub credit_href: Option<String>,
    /// The region to hang the objects on.
    pub region: SampleRegion,
    /// The files, oldest first.
    pub imports: Vec<SampleImport>,
}

/// The region of a sample.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleRegion {
    /// Whose codes these are.
    pub scheme: String,
    /// `city`, `county` and so on.
    pub level: String,
    /// Its code.
    pub code: String,
    /// Its name in Chinese.
    pub name_zh: String,
    /// Its name in English.
    pub name_en: String,
}

/// One import of a sample.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SampleImport {
    /// File name beside the manifest.
    pub file: String,
    /// Name of the data set: later deliveries of the same set have the same name.
    pub dataset: String,
    /// The layer to fill.
    pub layer: Layer,
    /// The coordinate system, where the file doesn't say.
    pub crs: Option<String>,
    /// From when the data holds, ISO date.
    pub valid_from: String,
    /// Our field = the source's field.
    #[serde(default)]
    pub map: BTreeMap<String, String>,
    /// What becomes of rows whose key occurred before.
    #[serde(default)]
    pub duplicate_keys: DuplicateKeys,
    /// What earlier files of the data set had and this one hasn't is ended.
    #[serde(default)]
    pub close_missing: bool,
    /// From which share of overlap two shapes are the same (1: equal in every digit).
    #[serde(default = "every_digit")]
    pub same_shape: f64,
    /// Only mapped attributes make a new version.
    #[serde(default)]
    pub mapped_attributes_only: bool,
}

fn every_digit() -> f64 {
    1.0
}

/// The manifest can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SampleRefused {
    /// It can't be read.
    #[error("{path} can't be read: {source}")]
    Unreadable {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It isn't what it should be.
    #[error("{path} is not a sample manifest: {source}")]
    Malformed {
        /// The manifest.
        path: PathBuf,
        /// Why.
        source: Box<toml::de::Error>,
    },
}

impl Sample {
    /// Name of the manifest in a sample's folder.
    pub const MANIFEST: &'static str = "sample.toml";

    /// Parses the text of a manifest.
    ///
    /// # Errors
    /// What the text has wrong, with the line.
    pub fn parse(text: &str) -> Result<Sample, Box<toml::de::Error>> {
        toml::from_str(text).map_err(Box::new)
    }

    /// Reads the manifest of a sample's folder.
    ///
    /// # Errors
    /// [`SampleRefused`].
    pub fn read(folder: &Path) -> Result<Sample, SampleRefused> {
        let path = folder.join(Sample::MANIFEST);
        let text = std::fs::read_to_string(&path).map_err(|source| SampleRefused::Unreadable {
            path: path.clone(),
            source,
        })?;
        Sample::parse(&text).map_err(|source| SampleRefused::Malformed { path, source })
    }
}
