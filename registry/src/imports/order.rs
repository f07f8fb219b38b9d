//! What somebody asks for when they bring a file.

use std::path::PathBuf;
use std::sync::Arc;

use time::Date;

use super::CoordinateOrder;
use crate::database::{Database, ScopedDatabase};
use crate::request::{Actor, Caller, Permission, Place, Problem};

/// Which attributes make a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CompareAttributes {
    /// Every attribute of the file: a change of any of them makes a new version.
    #[default]
    All,
    /// Only those mapped to a field of the registry. For deliveries whose other columns change from year to year.
    Mapped,
}

/// What a list of rights names an asset by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssetBy {
    /// Its key in a data set.
    SourceKey,
    /// Its code.
    Code,
    /// Its 28-character real-estate unit code (不动产单元号).
    UnitCode,
}

impl AssetBy {
    /// Reads `source_key`, `code` or `unit_code`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "source_key" => Some(Self::SourceKey),
            "code" => Some(Self::Code),
            "unit_code" => Some(Self::UnitCode),
            _ => None,
        }
    }
}

/// An order to import one file.
#[derive(Debug, Clone)]
pub struct ImportOrder {
    /// The layer it fills.
    pub layer: gis_data::Layer,
    /// Where it lies.
    pub path: PathBuf,
    /// What it is called where it came from.
    pub file_name: String,
    /// The data set it is a delivery of: source keys are compared within it.
    pub dataset: String,
    /// The layer inside an archive that holds several, or the sheet of a workbook.
    pub member: Option<String>,
    /// Where header and shape stand in a table.
    pub table: gis_data::TableOptions,
    /// The coordinate system, where the file does not say or says it wrongly.
    pub crs: Option<String>,
    /// What else there is to know about its coordinates.
    pub coordinates: CoordinateOrder,
    /// The text encoding, likewise.
    pub encoding: Option<String>,
    /// target = source field.
    pub map: Vec<(String, String)>,
    /// Words of the file that stand for values of ours: our field, the file's word, our value.
    pub values: Vec<(String, String, String)>,
    /// Take parcels and buildings without a shape, too.
    pub shapes_optional: bool,
    /// Of a list of rights: what its field for the asset holds. The source key of a data set where one is named, else the
    /// code, unless told.
    pub asset_by: Option<AssetBy>,
    /// Of a list of rights: the data set whose source keys name the assets.
    pub of_dataset: Option<String>,
    /// For region files that name the regions above in columns: level, code field, name field, the nearest first.
    pub ancestors: Vec<(String, String, String)>,
    /// What the file says is true from this day on; today where nothing is said.
    pub valid_from: Option<Date>,
    /// The region everything in the file lies in, where no field says so.
    pub region: Option<String>,
    /// The code scheme of a region file (`GB2260` unless told).
    pub scheme: Option<String>,
    /// Close what the data set holds and the file does not.
    pub close_missing: bool,
    /// Report only; write nothing.
    pub dry_run: bool,
    /// Two shapes count as the same when their overlap is at least this share of their union; 1: only when they are
    /// equal in every digit.
    pub same_shape: f64,
    /// Which attributes make a version.
    pub compare_attributes: CompareAttributes,
    /// What becomes of a row whose key an earlier row of the file has.
    pub duplicate_keys: gis_data::DuplicateKeys,
    /// Keep a workbook with faults until the data set's next import, so that it can be given back with them marked.
    pub keep_file: bool,
    /// Who brings it.
    pub actor: Actor,
    /// For whom it reads and writes, where their grants end somewhere; none where they hold the whole registry.
    pub on_behalf: Option<OnBehalf>,
}

/// Somebody who may import into a part of the registry.
#[derive(Debug, Clone)]
pub struct OnBehalf {
    /// The database as they see it, and in which they may write where their grants reach.
    pub database: ScopedDatabase,
    /// Who they are and what they may.
    pub caller: Arc<Caller>,
}

impl ImportOrder {
    /// Begins the import's transaction, within the grants of whoever brings the file.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin(&self, database: &Database) -> sqlx::Result<sqlx::Transaction<'static, sqlx::Postgres>> {
        match &self.on_behalf {
            Some(somebody) => somebody.database.begin().await,
            None => database.begin().await,
        }
    }

    /// May its rows say something of what lies there?
    #[must_use]
    pub fn reaches(&self, place: &Place) -> bool {
        self.on_behalf
            .as_ref()
            .is_none_or(|somebody| somebody.caller.scope.holds_at(Permission::ImportFiles, place))
    }

    /// How the file is to be read.
    #[must_use]
    pub fn read_options(&self) -> gis_data::ReadOptions {
        gis_data::ReadOptions {
            member: self.member.clone(),
            encoding: self.encoding.clone(),
            table: self.table.clone(),
            ..gis_data::ReadOptions::default()
        }
    }

    /// An order with nothing but the file, its layer and its data set.
    #[must_use]
    pub fn new(layer: gis_data::Layer, path: PathBuf, dataset: &str) -> Self {
        let file_name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        Self {
            layer,
            path,
            file_name,
            dataset: dataset.to_owned(),
            member: None,
            table: gis_data::TableOptions::default(),
            crs: None,
            coordinates: CoordinateOrder::default(),
            encoding: None,
            map: Vec::new(),
            values: Vec::new(),
            shapes_optional: false,
            asset_by: None,
            of_dataset: None,
            ancestors: Vec::new(),
            valid_from: None,
            region: None,
            scheme: None,
            close_missing: false,
            dry_run: false,
            same_shape: 1.0,
            compare_attributes: CompareAttributes::All,
            duplicate_keys: gis_data::DuplicateKeys::default(),
            keep_file: false,
            actor: Actor::at_command_line(),
            on_behalf: None,
        }
    }
}

/// Where header and shape stand in a table, as somebody writes it; what is left out is guessed.
///
/// # Errors
/// A problem naming the field, for header rows that are none.
pub fn table_options(
    header_row: Option<&str>,
    [shape_column, x_column, y_column]: [Option<&str>; 3],
) -> Result<gis_data::TableOptions, Problem> {
    let header = match header_row {
        None => gis_data::HeaderRows::Guess,
        Some(text) => gis_data::HeaderRows::parse(text).ok_or_else(|| {
            Problem::invalid("header_row", format!("{text:?} are no rows of a header"))
                .remedy("write 3, or 2-3 for a header of several rows, or 0 where there is none")
        })?,
    };
    let column = |name: Option<&str>| name.map(ToOwned::to_owned);
    Ok(gis_data::TableOptions {
        header,
        shape_column: column(shape_column),
        x_column: column(x_column),
        y_column: column(y_column),
    })
}

/// What was said with an order, and of a saved mapping what that leaves open: guesses come after both.
#[must_use]
pub fn joined(said: Vec<(String, String)>, saved: Vec<(String, String)>) -> Vec<(String, String)> {
    let open: Vec<_> = saved
        .into_iter()
        .filter(|(field, _)| !said.iter().any(|(said, _)| said == field))
        .collect();
    said.into_iter().chain(open).collect()
}

/// The data set a file belongs to where nobody names one: its name without the endings.
#[must_use]
pub fn dataset_of(file_name: &str) -> String {
    let mut stem = file_name;
    for ending in [
        ".gz",
        ".zip",
        ".geojsonl",
        ".geojsons",
        ".geojson",
        ".ndjson",
        ".json",
        ".shp",
        ".gpkg",
        ".fgb",
        ".csv",
        ".tsv",
        ".xlsx",
    ] {
        let cut = stem.len().saturating_sub(ending.len());
        if cut > 0 && stem.is_char_boundary(cut) && stem[cut..].eq_ignore_ascii_case(ending) {
            stem = &stem[..cut];
        }
    }
    stem.trim().replace('/', "_")
}

#[cfg(test)]
mod tests {
    use super::dataset_of;

    #[test]
    fn a_data_set_is_called_like_its_file() {
        assert_eq!(dataset_of("宗地.shp.zip"), "宗地");
        assert_eq!(dataset_of("parcels_fy2013.geojson.gz"), "parcels_fy2013");
        assert_eq!(dataset_of("房屋台账.XLSX"), "房屋台账");
        assert_eq!(dataset_of(".zip"), ".zip");
    }
}
