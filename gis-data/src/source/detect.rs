//! Telling the format of a layer: by its content first, then by its name.

use std::fs::File;
use std::io::Read;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use tempfile::TempDir;

use super::archive::is_zip;
use super::converter;
use super::locate::{extension, head_of, unreadable};
use super::{Format, ReadOptions, SourceBroken, SourceRefused};
use crate::formats::geojson::Outline;
use crate::formats::json::Window;
use crate::formats::survey::{self, Survey};
use crate::formats::{
    LayerFiles, Opened, csv, flatgeobuf, geojson, geojson_sequence, geopackage, json_list, kml, land_survey, shapefile,
    xlsx,
};

/// What was found, and the folder of converted files.
pub(super) struct Detected {
    pub(super) format: Format,
    pub(super) opened: Opened,
    pub(super) converted: Option<TempDir>,
}

impl Detected {
    fn plain(format: Format, opened: Opened) -> Detected {
        Detected {
            format,
            opened,
            converted: None,
        }
    }
}

pub(super) fn open_layer(
    files: &LayerFiles,
    asked_for: Option<&'static Encoding>,
    options: &ReadOptions,
) -> Result<Detected, SourceRefused> {
    let head = head_of(&files.main)?;
    let name = files.name.clone();
    let max_vertices = options.limits.max_vertices;
    if head.is_empty() {
        return Err(SourceRefused::Empty { name });
    }
    if shapefile::is_shapefile(&head) {
        let opened = shapefile::open(files, asked_for, max_vertices)?;
        return Ok(Detected::plain(Format::Shapefile, opened));
    }
    let extension = inner_extension(&name);
    if extension == "shp" {
        return Err(SourceRefused::Broken(SourceBroken::Damaged {
            byte: 0,
            row: 0,
            detail: "no shapefile header".to_owned(),
        }));
    }
    if flatgeobuf::is_flatgeobuf(&head) {
        let opened = flatgeobuf::open(files, max_vertices)?;
        return Ok(Detected::plain(Format::FlatGeobuf, opened));
    }
    if geopackage::is_sqlite(&head) {
        let opened = geopackage::open(files, max_vertices, None)?;
        return Ok(Detected::plain(Format::GeoPackage, opened));
    }
    // Archives were unpacked before: what still is one is a workbook.
    if is_zip(&head) {
        let opened = xlsx::open(files, &options.table, options.limits)?;
        return Ok(Detected::plain(Format::Xlsx, opened));
    }
    if let Some(format) = other_format(&head) {
        return Err(SourceRefused::UnsupportedFormat { name, format });
    }
    let start = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&head).trim_ascii_start();
    if start.starts_with(b"<") {
        return open_xml(files, start, asked_for, options);
    }
    if is_dxf(start) {
        return open_converted(files, Format::Dxf, options);
    }
    if matches!(start.first(), Some(b'{' | 0x1E)) && !is_wide_text(&head) {
        return open_json(files, asked_for, max_vertices);
    }
    if json_list::is_list_of_objects(start) && !is_wide_text(&head) {
        let opened = json_list::open(files, survey::survey(files, asked_for)?)?;
        return Ok(Detected::plain(Format::JsonList, opened));
    }
    open_text(files, &head, &extension, asked_for, options)
}

/// The extension of a name, that of a packed file without the packing.
fn inner_extension(name: &str) -> String {
    let lower = name.to_lowercase();
    extension(lower.strip_suffix(".gz").unwrap_or(&lower))
}

fn open_json(
    files: &LayerFiles,
    asked_for: Option<&'static Encoding>,
    max_vertices: u64,
) -> Result<Detected, SourceRefused> {
    let name = files.name.clone();
    let survey = survey::survey(files, asked_for)?;
    let file = File::open(&files.main).map_err(unreadable(&files.main))?;
    let mut window = Window::new(file, survey.length, survey.encoding, Arc::new(AtomicU64::new(0)));
    let outline = geojson::outline(&mut window).map_err(unreadable(&files.main))?;
    match outline {
        Outline::Collection | Outline::Single => {
            let opened = geojson::open(files, survey, outline, max_vertices)?;
            Ok(Detected::plain(Format::GeoJson, opened))
        }
        Outline::Sequence => {
            let opened = geojson_sequence::open(files, survey, max_vertices)?;
            Ok(Detected::plain(Format::GeoJsonSequence, opened))
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

fn open_xml(
    files: &LayerFiles,
    start: &[u8],
    asked_for: Option<&'static Encoding>,
    options: &ReadOptions,
) -> Result<Detected, SourceRefused> {
    let text = String::from_utf8_lossy(start).to_lowercase();
    if text.contains("<kml") || text.contains(":kml") || text.contains("/kml/") {
        let survey = survey::survey(files, asked_for)?;
        let opened = kml::open(files, survey, options.limits.max_vertices)?;
        return Ok(Detected::plain(Format::Kml, opened));
    }
    if text.contains("gml") && !text.contains("xmlschema\"") && !text.contains("<html") {
        return open_converted(files, Format::Gml, options);
    }
    Err(SourceRefused::UnsupportedFormat {
        name: files.name.clone(),
        format: "XML",
    })
}

fn open_converted(files: &LayerFiles, format: Format, options: &ReadOptions) -> Result<Detected, SourceRefused> {
    let converted = converter::convert(files, format, options)?;
    let package = LayerFiles {
        main: converted.path,
        ..files.clone()
    };
    Ok(Detected {
        format,
        opened: geopackage::open(&package, options.limits.max_vertices, Some(converter::CONVERTED_KEY))?,
        converted: Some(converted.folder),
    })
}

/// Text that is neither JSON nor XML: a land survey's or a table.
fn open_text(
    files: &LayerFiles,
    head: &[u8],
    extension: &str,
    asked_for: Option<&'static Encoding>,
    options: &ReadOptions,
) -> Result<Detected, SourceRefused> {
    let max_vertices = options.limits.max_vertices;
    let name = files.name.clone();
    let is_named = matches!(extension, "csv" | "tsv" | "tab" | "psv" | "txt");
    let survey = match wide_encoding(head) {
        // What Excel calls Unicode text.
        Some(encoding) if is_named => Survey {
            encoding,
            may_declare_crs: false,
            lines: 0,
            features: 0,
            length: std::fs::metadata(&files.main).map_err(unreadable(&files.main))?.len(),
        },
        _ if is_wide_text(head) => return Err(SourceRefused::WideText { name }),
        _ if head.contains(&0) => return Err(SourceRefused::UnknownFormat { name }),
        _ => survey::survey(files, asked_for)?,
    };
    let mut start = Vec::new();
    File::open(&files.main)
        .and_then(|file| file.take(1 << 16).read_to_end(&mut start))
        .map_err(unreadable(&files.main))?;
    let (text, _, _) = survey.encoding.decode(&start);
    if land_survey::is_land_survey(&text) {
        let opened = land_survey::open(files, survey, max_vertices)?;
        return Ok(Detected::plain(Format::LandSurvey, opened));
    }
    match csv::open(files, survey, &options.table, max_vertices, is_named)? {
        Some(opened) => Ok(Detected::plain(Format::Csv, opened)),
        None => Err(SourceRefused::UnknownFormat { name }),
    }
}

/// Formats recognised by their first bytes, to be refused by name.
fn other_format(head: &[u8]) -> Option<&'static str> {
    let known: [(&[u8], &'static str); 9] = [
        (b"Rar!", "RAR"),
        (b"7z\xBC\xAF", "7-Zip"),
        (b"BZh", "bzip2"),
        (b"\xFD7zXZ", "xz"),
        (b"\x28\xB5\x2F\xFD", "Zstandard"),
        (b"AC10", "DWG"),
        (b"%PDF", "PDF"),
        (b"\xD0\xCF\x11\xE0", "an old or encrypted Office document"),
        (b"PAR1", "Parquet"),
    ];
    if let Some((_, name)) = known.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(name);
    }
    (head.get(257..262) == Some(b"ustar")).then_some("tar")
}

/// A drawing starts with the group code of a section, or with a comment.
fn is_dxf(start: &[u8]) -> bool {
    if start.starts_with(b"AutoCAD Binary DXF") {
        return true;
    }
    let mut lines = start.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    match lines.next() {
        Some(b"0") => lines.next() == Some(b"SECTION"),
        Some(b"999") => lines.nth(1) == Some(b"0") || lines.next() == Some(b"0"),
        _ => false,
    }
}

/// The encoding of a byte-order mark of UTF-16.
fn wide_encoding(head: &[u8]) -> Option<&'static Encoding> {
    match head {
        [0xFF, 0xFE, 0, 0, ..] => None,
        [0xFF, 0xFE, ..] => Some(UTF_16LE),
        [0xFE, 0xFF, ..] => Some(UTF_16BE),
        _ => None,
    }
}

fn is_wide_text(head: &[u8]) -> bool {
    head.starts_with(b"\xFF\xFE")
        || head.starts_with(b"\xFE\xFF")
        || head.starts_with(b"\0\0\xFE\xFF")
        || matches!(head, [b'{' | b'[' | b'<', 0, ..] | [0, b'{' | b'[' | b'<', ..])
}
