//! The readers of files, each on the whole way from bytes to shapes that can be stored.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use gis_data::{
    Checked, Crs, Layer, Limits, Pipeline, PipelineOptions, PipelineRefused, ReadOptions, Source, SourceBroken, Words,
};

pub const JSON_WORDS: &[&[u8]] = &[
    b"\"type\":",
    b"\"Feature\"",
    b"\"FeatureCollection\"",
    b"\"features\":[",
    b"\"geometry\":",
    b"\"properties\":",
    b"\"coordinates\":",
    b"\"Polygon\"",
    b"\"MultiPolygon\"",
    b"\"GeometryCollection\",\"geometries\":[",
    b"\"crs\":",
    b"[[[[",
    b"]]]]",
    b"null",
    b"\\u0000",
    b"\\ud800",
    b"\x1e",
];
pub const PROJECTION_WORDS: &[&[u8]] = &[
    b"PROJCS[",
    b"GEOGCS[",
    b"AUTHORITY[\"EPSG\",\"4490\"]",
    b"PARAMETER[\"Central_Meridian\",",
    b"Gauss_Kruger",
    b"TOWGS84[",
    b"UNIT[\"Meter\",",
    b"]]]]",
];
pub const TABLE_WORDS: &[&[u8]] = &[
    b"\"",
    b"\"\"",
    b"\r\n",
    b"\r",
    b";",
    b"\t",
    b",",
    b"POINT(119.95 31.78)",
    b"SRID=4528;",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"wkt",
    b"lon",
    b"lat",
];
pub const WORKBOOK_WORDS: &[&[u8]] = &[
    b"<row r=\"1048576\">",
    b"<c r=\"XFD1\" t=\"s\">",
    b"<v>4294967295</v>",
    b"<mergeCell ref=\"A1:XFD1048576\"/>",
    b"<dimension ref=\"A1:XFD1048576\"/>",
    b"t=\"inlineStr\"",
    b"</c>",
    b"<is><t>",
    b"&#x0;",
    b"&amp;",
    b"<sheet name=\"x\" sheetId=\"1\" r:id=\"rId1\"/>",
];
pub const SURVEY_WORDS: &[&[u8]] = &[
    "[属性描述]".as_bytes(),
    "[地块坐标]".as_bytes(),
    "坐标系=".as_bytes(),
    "带号=".as_bytes(),
    b",@\r\n",
    b"J1,1,",
    b",,,,",
];
pub const KML_WORDS: &[&[u8]] = &[
    b"<Placemark>",
    b"</Placemark>",
    b"<coordinates>",
    b"</coordinates>",
    b"<Polygon><outerBoundaryIs><LinearRing>",
    b"<innerBoundaryIs>",
    b"<MultiGeometry>",
    b"<ExtendedData><Data name=\"a\"><value>",
    b"<![CDATA[",
    b"]]>",
    b"&lt;",
    b"&#1114112;",
    b"<!DOCTYPE a [<!ENTITY b \"c\">]>",
];
pub const WKT_WORDS: &[&[u8]] = &[
    b"POLYGON",
    b"MULTIPOLYGON",
    b"GEOMETRYCOLLECTION(",
    b"MULTIPOINT",
    b"EMPTY",
    b" ZM ",
    b"((",
    b"))",
    b"SRID=4528;",
    b"1e308",
    b"nan",
];

/// Vertices of one feature at most: few, so that the limit is met.
const MAX_VERTICES: u64 = 20_000;

/// A file of the input, in a folder that goes away.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a temporary folder"))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, bytes).expect("a file in the temporary folder");
        path
    }

    fn read(&self, path: &Path) {
        read(path, self.0.path());
    }
}

fn read_as(name: &str, bytes: &[u8]) {
    let folder = Folder::new();
    folder.read(&folder.write(name, bytes));
}

/// Reads a GeoJSON document.
pub fn geojson(bytes: &[u8]) {
    read_as("data.geojson", bytes);
}

/// Reads GeoJSON line by line.
pub fn geojson_sequence(bytes: &[u8]) {
    read_as("data.geojsonl", bytes);
}

/// Reads a shapefile: the lengths of `.shp`, `.shx` and `.dbf` as three little-endian numbers of two
/// bytes, then the three; what has no length isn't there.
pub fn shapefile(bytes: &[u8]) {
    let Some((lengths, mut rest)) = bytes.split_at_checked(6) else {
        return;
    };
    let folder = Folder::new();
    let mut main = None;
    for (length, extension) in lengths.chunks_exact(2).zip(["shp", "shx", "dbf"]) {
        let length = usize::from(u16::from_le_bytes([length[0], length[1]])).min(rest.len());
        let (part, behind) = rest.split_at(length);
        rest = behind;
        if !part.is_empty() {
            let path = folder.write(&format!("data.{extension}"), part);
            main = main.or(Some(path));
        }
    }
    if let Some(main) = main {
        folder.read(&main);
    }
}

/// Reads the definition of a coordinate system beside a shapefile of one point.
pub fn projection(bytes: &[u8]) {
    let folder = Folder::new();
    let mut point = Vec::new();
    for number in [9994_i32, 0, 0, 0, 0, 0, 64] {
        point.extend(number.to_be_bytes());
    }
    point.extend(1000_i32.to_le_bytes());
    point.extend(1_i32.to_le_bytes());
    for number in [119.95_f64, 31.78, 119.95, 31.78, 0.0, 0.0, 0.0, 0.0] {
        point.extend(number.to_le_bytes());
    }
    point.extend(1_i32.to_be_bytes());
    point.extend(10_i32.to_be_bytes());
    point.extend(1_i32.to_le_bytes());
    point.extend(119.95_f64.to_le_bytes());
    point.extend(31.78_f64.to_le_bytes());
    let path = folder.write("data.shp", &point);
    folder.write("data.prj", bytes);
    folder.read(&path);
}

/// Reads a FlatGeobuf file.
pub fn flatgeobuf(bytes: &[u8]) {
    read_as("data.fgb", bytes);
}

/// Reads a GeoPackage.
pub fn geopackage(bytes: &[u8]) {
    read_as("data.gpkg", bytes);
}

/// Reads a table of delimited text.
pub fn csv(bytes: &[u8]) {
    read_as("data.csv", bytes);
}

/// Reads a boundary-point text file of a land survey.
pub fn survey(bytes: &[u8]) {
    read_as("data.txt", bytes);
}

/// Reads a KML document.
pub fn kml(bytes: &[u8]) {
    read_as("data.kml", bytes);
}

/// Opens an archive, a packed file or a workbook as it is.
pub fn archive(bytes: &[u8]) {
    read_as("data.zip", bytes);
}

/// Reads a workbook one part of which is the input: the name of the part up to the first line end,
/// then what it holds. So the sums of the archive are right, and the parts are what is read.
pub fn xlsx(bytes: &[u8]) {
    static PARTS: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    let parts = PARTS.get_or_init(|| {
        let book = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../gis-data/samples/formats/offices.xlsx"
        );
        let file = std::fs::File::open(book).expect("the workbook among the samples");
        let mut archive = zip::ZipArchive::new(file).expect("a workbook is an archive");
        (0..archive.len())
            .map(|index| {
                let mut part = Vec::new();
                let mut member = archive.by_index(index).expect("a part of the workbook");
                std::io::Read::read_to_end(&mut member, &mut part).expect("a whole part");
                let name = member.name().expect("a part has a name").into_owned();
                (name, part)
            })
            .collect()
    });
    let (name, content) = match bytes.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[][..]),
    };
    let mut workbook = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (part, original) in parts {
        let content = if part.as_bytes() == name { content } else { original };
        workbook.start_file(part.as_str(), stored).expect("a part begins");
        workbook.write_all(content).expect("a part is written");
    }
    let workbook = workbook.finish().expect("the workbook ends").into_inner();
    read_as("data.xlsx", &workbook);
}

/// Reads well-known text from a column of a table.
pub fn wkt(bytes: &[u8]) {
    let mut table = b"code,wkt\nP1,\"".to_vec();
    for byte in bytes {
        table.push(*byte);
        if *byte == b'"' {
            table.push(b'"');
        }
    }
    table.extend(b"\"\n");
    read_as("data.csv", &table);
}

/// Reads well-known binary: in hexadecimal digits from a column of a table, and as it is from a
/// GeoPackage.
pub fn wkb(bytes: &[u8]) {
    use std::fmt::Write;
    let mut table = "code,wkb\nP1,0101000000CDCCCCCCCCFC5D4048E17A14AEC73F40\nP2,".to_owned();
    for byte in bytes {
        write!(table, "{byte:02X}").expect("text takes text");
    }
    table.push('\n');
    let folder = Folder::new();
    folder.read(&folder.write("data.csv", table.as_bytes()));

    let package = folder.write(
        "data.gpkg",
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../seeds/geopackage/plots.gpkg")),
    );
    let database = rusqlite::Connection::open(&package).expect("the package among the seeds");
    database
        .execute_batch("pragma synchronous = off; pragma journal_mode = memory")
        .expect("a package of its own");
    database
        .execute("update plots set geom = ?1 where fid = 2", [bytes])
        .expect("the package takes any bytes as a shape");
    drop(database);
    folder.read(&package);
}

fn read(path: &Path, temporary: &Path) {
    let options = ReadOptions {
        // Another program isn't ours to fuzz.
        converter: Some(PathBuf::from("/nonexistent/ogr2ogr")),
        limits: Limits {
            max_unpacked_bytes: 32 << 20,
            max_vertices: MAX_VERTICES,
            ..Limits::default()
        },
        temporary_folder: Some(temporary.to_owned()),
        ..ReadOptions::default()
    };
    let mut source = match Source::open(path, &options) {
        Ok(source) => source,
        Err(refused) => {
            says(refused.code(), &refused.words(), &refused.remedy());
            return;
        }
    };
    for warning in source.warnings() {
        assert!(
            !warning.message_zh.is_empty() && !warning.message_en.is_empty(),
            "a warning without words"
        );
    }
    let first = check(&mut source, None);
    let known = Crs::from_epsg(4490).expect("the system of the registry");
    let second = match first {
        // Refused for its coordinate system, say: whoever knows better says so.
        None => check(&mut source, Some(known.clone())),
        some => some,
    };
    // A source is read as often as asked, and says the same each time.
    if let Some(counts) = second
        && first.is_some()
    {
        assert_eq!(
            check(&mut source, None),
            Some(counts),
            "the second reading says something else"
        );
    }
}

/// Rows accepted and quarantined, and whether the source broke off; nothing where it was refused.
fn check(source: &mut Source, crs: Option<Crs>) -> Option<(u64, u64, bool)> {
    let options = PipelineOptions {
        crs,
        max_vertices: MAX_VERTICES,
        ..PipelineOptions::new(Layer::Buildings)
    };
    let pipeline = match Pipeline::new(source, options) {
        Ok(pipeline) => pipeline,
        Err(PipelineRefused::Crs(refused)) => {
            says(refused.code(), &refused.words(), &refused.remedy());
            return None;
        }
        Err(PipelineRefused::Mapping(refused)) => {
            says(refused.code(), &refused.words(), &refused.remedy());
            return None;
        }
        Err(PipelineRefused::Parameters(refused)) => {
            says(refused.code(), &refused.words(), &refused.remedy());
            return None;
        }
    };
    let (mut accepted, mut quarantined) = (0, 0);
    let mut last_row = 0;
    for row in source.rows() {
        let row = match row {
            Ok(row) => row,
            Err(broken) => {
                says(broken.code(), &broken.words(), &broken.remedy());
                if let SourceBroken::Damaged { detail, .. } = &broken {
                    assert!(!detail.contains("unexpectedly"), "a reader panicked");
                }
                return Some((accepted, quarantined, true));
            }
        };
        assert!(row.row > last_row, "row {} behind row {last_row}", row.row);
        last_row = row.row;
        match pipeline.check(row) {
            Checked::Accepted(candidate) => {
                accepted += 1;
                assert!(!candidate.source_key.is_empty(), "a row without a key");
                if let Some(area) = candidate.area_m2 {
                    assert!(area.is_finite() && area >= 0.0, "an area of {area} m²");
                }
                if let Some(geometry) = &candidate.geometry {
                    crate::tile_shape::survives(geometry);
                }
            }
            Checked::Quarantined(quarantine) => {
                quarantined += 1;
                let words = quarantine.reason.words();
                assert!(
                    !words.zh.is_empty() && !words.en.is_empty(),
                    "quarantined without words"
                );
            }
        }
    }
    Some((accepted, quarantined, false))
}

fn says(code: &str, words: &Words, remedy: &Words) {
    for text in [code, &words.zh, &words.en, &remedy.zh, &remedy.en] {
        assert!(!text.trim().is_empty(), "a refusal without words: {code}");
    }
}
