//! Telling the format of a layer: by its content first, then by its name.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use encoding_rs::Encoding;

use super::locate::{extension, head_of, unreadable};
use super::{Format, ReadOptions, SourceBroken, SourceRefused};
use crate::formats::geojson::Outline;
use crate::formats::json::Window;
use crate::formats::{LayerFiles, Opened, geojson, geojson_sequence, shapefile};

pub(super) fn open_layer(
    files: &LayerFiles,
    asked_for: Option<&'static Encoding>,
    options: &ReadOptions,
) -> Result<(Format, Opened), SourceRefused> {
    let head = head_of(&files.main)?;
    let name = files.name.clone();
    let max_vertices = options.limits.max_vertices;
    if head.is_empty() {
        return Err(SourceRefused::Empty { name });
    }
    if shapefile::is_shapefile(&head) {
        let opened = shapefile::open(files, asked_for, max_vertices)?;
        return Ok((Format::Shapefile, opened));
    }
    if extension(&name) == "shp" {
        return Err(SourceRefused::Broken(SourceBroken::Damaged {
            byte: 0,
            row: 0,
            detail: "no shapefile header".to_owned(),
        }));
    }
    if let Some(format) = other_format(&head) {
        return Err(SourceRefused::UnsupportedFormat { name, format });
    }
    if is_wide_text(&head) {
        return Err(SourceRefused::WideText { name });
    }
    let start = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head).trim_ascii_start();
    if !matches!(start.first(), Some(b'{' | 0x1E)) {
        return Err(match extension(&name).as_str() {
            "csv" | "txt" | "tsv" => SourceRefused::UnsupportedFormat { name, format: "CSV" },
            _ => SourceRefused::UnknownFormat { name },
        });
    }
    let survey = geojson::survey(files, asked_for)?;
    let file = File::open(&files.main).map_err(unreadable(&files.main))?;
    let mut window = Window::new(file, survey.length, survey.encoding, Arc::new(AtomicU64::new(0)));
    let outline = geojson::outline(&mut window).map_err(unreadable(&files.main))?;
    match outline {
        Outline::Collection | Outline::Single => {
            let opened = geojson::open(files, survey, outline, max_vertices)?;
            Ok((Format::GeoJson, opened))
        }
        Outline::Sequence => {
            let opened = geojson_sequence::open(files, survey, max_vertices)?;
            Ok((Format::GeoJsonSequence, opened))
        }
        Outline::Topology => Err(SourceRefused::UnsupportedFormat {
            name,
            format: "TopoJSON",
        }),
        Outline::EsriJson => Err(SourceRefused::UnsupportedFormat {
            name,
            format: "Esri JSON",
        }),
        Outline::Other => Err(SourceRefused::UnknownFormat { name }),
    }
}

/// Formats recognised by their first bytes, to be refused by name.
fn other_format(head: &[u8]) -> Option<&'static str> {
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let known: [(&[u8], &'static str); 11] = [
        (b"SQLite format 3\0", "GeoPackage or SQLite"),
        (b"fgb\x03", "FlatGeobuf"),
        (b"Rar!", "RAR"),
        (b"7z\xBC\xAF", "7-Zip"),
        (b"BZh", "bzip2"),
        (b"\xFD7zXZ", "xz"),
        (b"\x28\xB5\x2F\xFD", "Zstandard"),
        (b"AC10", "DWG"),
        (b"%PDF", "PDF"),
        (b"\xD0\xCF\x11\xE0", "an old Office document"),
        (b"PAR1", "Parquet"),
    ];
    if let Some((_, name)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(name);
    }
    if head.get(257..262) == Some(b"ustar") {
        return Some("tar");
    }
    if text.starts_with(b"<") {
        let text = String::from_utf8_lossy(text).to_lowercase();
        return Some(if text.contains("<kml") {
            "KML"
        } else if text.contains("gml") {
            "GML"
        } else {
            "XML"
        });
    }
    None
}

fn is_wide_text(head: &[u8]) -> bool {
    head.starts_with(b"\xFF\xFE")
        || head.starts_with(b"\xFE\xFF")
        || head.starts_with(b"\0\0\xFE\xFF")
        || matches!(head, [b'{' | b'[', 0, ..] | [0, b'{' | b'[', ..])
}
