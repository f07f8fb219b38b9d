//! What is fuzzed: one function for each reader, fed with any bytes.
//!
//! Each function panics where a promise is broken: a reader that panics, an error without words, a
//! row that neither is accepted nor says why not, a shape that doesn't survive being stored. Two
//! drivers call them: libFuzzer, by the programs in `fuzz/fuzz_targets`, and [`drive`], which is
//! deterministic, needs neither a sanitizer nor a nightly compiler, and runs with the other tests.

#![deny(missing_docs)]
#![expect(
    clippy::expect_used,
    reason = "a promise that is broken ends the run, and this is how it says so"
)]

mod drive;
#[cfg(feature = "filters")]
mod filter;
mod mutate;
mod read;
mod tile_shape;

pub use drive::drive;

/// Something that can be fed with any bytes.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name: that of its seeds' folder, and of its program under libFuzzer.
    pub name: &'static str,
    /// Feeds it.
    pub feed: fn(&[u8]),
    /// Words that its inputs are made of; they help to get past the first check.
    pub words: &'static [&'static [u8]],
    /// Endings of real files that are good inputs, too.
    pub endings: &'static [&'static str],
}

/// Every target.
pub const TARGETS: &[Target] = &[
    Target {
        name: "geojson",
        feed: read::geojson,
        words: read::JSON_WORDS,
        endings: &["geojson", "json"],
    },
    Target {
        name: "geojson_sequence",
        feed: read::geojson_sequence,
        words: read::JSON_WORDS,
        endings: &["geojsonl", "geojsons"],
    },
    Target {
        name: "shapefile",
        feed: read::shapefile,
        words: &[],
        endings: &[],
    },
    Target {
        name: "projection",
        feed: read::projection,
        words: read::PROJECTION_WORDS,
        endings: &["prj"],
    },
    Target {
        name: "flatgeobuf",
        feed: read::flatgeobuf,
        words: &[],
        endings: &["fgb"],
    },
    Target {
        name: "geopackage",
        feed: read::geopackage,
        words: &[],
        endings: &["gpkg"],
    },
    Target {
        name: "csv",
        feed: read::csv,
        words: read::TABLE_WORDS,
        endings: &["csv", "tsv"],
    },
    Target {
        name: "xlsx",
        feed: read::xlsx,
        words: read::WORKBOOK_WORDS,
        endings: &[],
    },
    Target {
        name: "survey",
        feed: read::survey,
        words: read::SURVEY_WORDS,
        endings: &["txt"],
    },
    Target {
        name: "kml",
        feed: read::kml,
        words: read::KML_WORDS,
        endings: &["kml"],
    },
    Target {
        name: "wkt",
        feed: read::wkt,
        words: read::WKT_WORDS,
        endings: &[],
    },
    Target {
        name: "wkb",
        feed: read::wkb,
        words: &[],
        endings: &[],
    },
    Target {
        name: "archive",
        feed: read::archive,
        words: &[b"../", b"/etc/", b"\\", b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"],
        endings: &["zip", "gz", "xlsx", "kmz"],
    },
    Target {
        name: "tile_shape",
        feed: tile_shape::tile_shape,
        words: &[],
        endings: &[],
    },
    #[cfg(feature = "filters")]
    Target {
        name: "filter",
        feed: filter::filter,
        words: filter::WORDS,
        endings: &[],
    },
];

/// The target of that name.
///
/// # Panics
/// Where there is none.
pub fn target(name: &str) -> Target {
    *TARGETS
        .iter()
        .find(|target| target.name == name)
        .expect("a target of that name")
}
