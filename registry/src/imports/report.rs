//! What an import did, in numbers that add up.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use time::Date;

use crate::period::day;

/// Rows by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counts {
    /// Rows of the file.
    pub read: u64,
    /// New assets.
    pub inserted: u64,
    /// Held already.
    pub unchanged: u64,
    /// New versions.
    pub new_version: u64,
    /// Not taken over.
    pub quarantined: u64,
}

impl Counts {
    /// Is every row accounted for?
    #[must_use]
    pub fn add_up(&self) -> bool {
        self.read == self.inserted + self.unchanged + self.new_version + self.quarantined
    }
}

/// The coordinate system of a file.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CrsOf {
    /// What the file says.
    pub declared: Option<String>,
    /// What was used.
    pub used: Option<String>,
}

/// The report of an import.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Report {
    /// The file's format.
    pub format: String,
    /// The text encoding, where the format leaves it open.
    pub encoding: Option<String>,
    /// The coordinate system.
    pub crs: CrsOf,
    /// The data set.
    pub dataset: String,
    /// True in law from this day.
    #[serde(with = "day")]
    #[schema(value_type = String, format = Date)]
    pub valid_from: Date,
    /// Nothing was written.
    pub dry_run: bool,
    /// Rows by what became of them.
    pub counts: Counts,
    /// Rows whose shape was mended, among those inserted, changed or unchanged.
    pub repaired: u64,
    /// How much mending may change an area: share, and m² at least.
    pub mend_tolerance: (f64, f64),
    /// Assets of the data set that the file does not have.
    pub missing: u64,
    /// Those of them that were ended.
    pub closed: u64,
    /// Quarantined rows by reason.
    pub reasons: BTreeMap<String, u64>,
    /// Warnings by code.
    pub warnings: BTreeMap<String, u64>,
    /// Words for the codes above: Chinese, English.
    pub words: BTreeMap<String, (String, String)>,
    /// Our field = the file's field.
    pub mapping: BTreeMap<String, String>,
    /// West, south, east, north of what was taken over.
    pub bbox: Option<[f64; 4]>,
    /// From the first byte to the last statement, seconds.
    pub seconds: f64,
}
