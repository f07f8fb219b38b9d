//! Files made to order, and reading them the way an import does.
#![allow(
    dead_code,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "each test uses its part of this, and a broken fixture should stop it"
)]

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;
use geo_types::{Coord, Geometry, LineString, Polygon};
use gis_data::{
    Candidate, Checked, Layer, Pipeline, PipelineOptions, Quarantine, ReadOptions, Source, SourceBroken, SourceRow,
};

pub type Ring = Vec<(f64, f64)>;

/// A number that depends on its arguments only.
pub fn hash(a: u64, b: u64) -> u64 {
    let mut x = a
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(b.wrapping_mul(0xD1B5_4A32_D192_ED03))
        .wrapping_add(0x2545_F491_4F6C_DD1D);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// A closed square, counter-clockwise, with its lower left corner and its side.
pub fn square(x: f64, y: f64, side: f64) -> Ring {
    vec![(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)]
}

/// The square of the nth parcel of a row of parcels in Changzhou, about 95 m wide.
pub fn plot(number: usize) -> Ring {
    square(119.95 + number as f64 * 0.001, 31.78, 0.001)
}

pub fn reversed(mut ring: Ring) -> Ring {
    ring.reverse();
    ring
}

pub fn line(ring: &[(f64, f64)]) -> LineString<f64> {
    LineString(ring.iter().map(|&(x, y)| Coord { x, y }).collect())
}

pub fn polygon(rings: &[Ring]) -> Geometry<f64> {
    Geometry::Polygon(Polygon::new(
        line(&rings[0]),
        rings[1..].iter().map(|ring| line(ring)).collect(),
    ))
}

/// The coordinates of a polygon as GeoJSON.
pub fn positions(rings: &[Ring]) -> String {
    let rings: Vec<String> = rings
        .iter()
        .map(|ring| {
            let points: Vec<String> = ring.iter().map(|(x, y)| format!("[{x},{y}]")).collect();
            format!("[{}]", points.join(","))
        })
        .collect();
    format!("[{}]", rings.join(","))
}

pub fn polygon_json(rings: &[Ring]) -> String {
    format!(r#"{{"type":"Polygon","coordinates":{}}}"#, positions(rings))
}

/// A feature with a code, a name and a geometry as JSON.
pub fn feature(code: &str, geometry: &str) -> String {
    format!(r#"{{"type":"Feature","properties":{{"code":"{code}","name":"常州市机关{code}"}},"geometry":{geometry}}}"#)
}

/// Features `P1` … with the plots of their numbers.
pub fn plots(count: usize) -> Vec<String> {
    (1..=count)
        .map(|number| feature(&format!("P{number}"), &polygon_json(&[plot(number)])))
        .collect()
}

pub fn collection(features: &[String]) -> String {
    format!(
        r#"{{"type":"FeatureCollection","features":[{}]}}"#,
        features.join(",\n")
    )
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// The content of a `.shp` record, for each kind of shape.
pub fn null_record() -> Vec<u8> {
    0_u32.to_le_bytes().to_vec()
}

pub fn point_record(x: f64, y: f64) -> Vec<u8> {
    let mut content = 1_u32.to_le_bytes().to_vec();
    content.extend(x.to_le_bytes());
    content.extend(y.to_le_bytes());
    content
}

/// A record of kind 5 (polygon), 15 (with Z) or 25 (with M). The rings stand as given: the format
/// wants shells clockwise.
pub fn polygon_record(kind: u32, rings: &[Ring]) -> Vec<u8> {
    let points: Vec<(f64, f64)> = rings.concat();
    let mut content = kind.to_le_bytes().to_vec();
    let most = |pick: &dyn Fn(&(f64, f64)) -> f64, choose: fn(f64, f64) -> f64| points.iter().map(pick).reduce(choose);
    for value in [
        most(&|p| p.0, f64::min),
        most(&|p| p.1, f64::min),
        most(&|p| p.0, f64::max),
        most(&|p| p.1, f64::max),
    ] {
        content.extend(value.unwrap_or(0.0).to_le_bytes());
    }
    content.extend((rings.len() as u32).to_le_bytes());
    content.extend((points.len() as u32).to_le_bytes());
    let mut start = 0_u32;
    for ring in rings {
        content.extend(start.to_le_bytes());
        start += ring.len() as u32;
    }
    for (x, y) in &points {
        content.extend(x.to_le_bytes());
        content.extend(y.to_le_bytes());
    }
    // The blocks of heights and measures: range, then one number for each point.
    let blocks: &[f64] = match kind {
        15 => &[12.5, 3.0],
        25 => &[3.0],
        _ => &[],
    };
    for value in blocks {
        for _ in 0..points.len() + 2 {
            content.extend(value.to_le_bytes());
        }
    }
    content
}

fn header(kind: u32, size: usize) -> Vec<u8> {
    let mut header = vec![0; 100];
    header[0..4].copy_from_slice(&9994_u32.to_be_bytes());
    header[24..28].copy_from_slice(&((size / 2) as u32).to_be_bytes());
    header[28..32].copy_from_slice(&1000_u32.to_le_bytes());
    header[32..36].copy_from_slice(&kind.to_le_bytes());
    header
}

/// `.shp` and `.shx` of records.
pub fn shapes(kind: u32, records: &[Vec<u8>]) -> (Vec<u8>, Vec<u8>) {
    let size = 100 + records.iter().map(|record| record.len() + 8).sum::<usize>();
    let mut shp = header(kind, size);
    let mut shx = header(kind, 100 + records.len() * 8);
    for (number, record) in records.iter().enumerate() {
        shx.extend(((shp.len() / 2) as u32).to_be_bytes());
        shx.extend(((record.len() / 2) as u32).to_be_bytes());
        shp.extend((number as u32 + 1).to_be_bytes());
        shp.extend(((record.len() / 2) as u32).to_be_bytes());
        shp.extend(record);
    }
    (shp, shx)
}

/// A column of a table: name, kind, width.
pub type Column<'a> = (&'a [u8], u8, u8);

/// A `.dbf`; the last argument is the language driver byte.
pub fn table(columns: &[Column], rows: &[Vec<Vec<u8>>], language_driver: u8) -> Vec<u8> {
    let record_length = 1 + columns.iter().map(|(_, _, width)| usize::from(*width)).sum::<usize>();
    let header_length = 32 + columns.len() * 32 + 1;
    let mut dbf = vec![0; 32];
    dbf[0] = 3;
    dbf[1..4].copy_from_slice(&[126, 11, 21]);
    dbf[4..8].copy_from_slice(&(rows.len() as u32).to_le_bytes());
    dbf[8..10].copy_from_slice(&(header_length as u16).to_le_bytes());
    dbf[10..12].copy_from_slice(&(record_length as u16).to_le_bytes());
    dbf[29] = language_driver;
    for (name, kind, width) in columns {
        let mut descriptor = vec![0; 32];
        descriptor[..name.len()].copy_from_slice(name);
        descriptor[11] = *kind;
        descriptor[16] = *width;
        dbf.extend(descriptor);
    }
    dbf.push(0x0D);
    for row in rows {
        dbf.push(b' ');
        for (value, (_, _, width)) in row.iter().zip(columns) {
            let mut value = value.clone();
            value.resize(usize::from(*width), b' ');
            dbf.extend(value);
        }
    }
    dbf.push(0x1A);
    dbf
}

pub const WGS84_PRJ: &str = r#"GEOGCS["GCS_WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],PRIMEM["Greenwich",0.0],UNIT["Degree",0.0174532925199433]]"#;

/// The members of a shapefile by extension.
pub type Members = BTreeMap<&'static str, Vec<u8>>;

/// The same plots as [`plots`], with names in that encoding.
pub fn plots_shapefile(count: usize, encoding: &'static encoding_rs::Encoding, language_driver: u8) -> Members {
    let encode = |text: &str| encoding.encode(text).0.into_owned();
    let records: Vec<Vec<u8>> = (1..=count)
        .map(|number| polygon_record(5, &[reversed(plot(number))]))
        .collect();
    let rows: Vec<Vec<Vec<u8>>> = (1..=count)
        .map(|number| vec![encode(&format!("P{number}")), encode(&format!("常州市机关P{number}"))])
        .collect();
    let (shp, shx) = shapes(5, &records);
    let dbf = table(&[(b"code", b'C', 12), (b"name", b'C', 40)], &rows, language_driver);
    BTreeMap::from([
        ("shp", shp),
        ("shx", shx),
        ("dbf", dbf),
        ("prj", WGS84_PRJ.as_bytes().to_vec()),
    ])
}

pub fn zip_members(members: &Members) -> Vec<u8> {
    let named: Vec<(String, &[u8])> = members
        .iter()
        .map(|(extension, bytes)| (format!("data/plots.{extension}"), bytes.as_slice()))
        .collect();
    let named: Vec<(&str, &[u8])> = named.iter().map(|(name, bytes)| (name.as_str(), *bytes)).collect();
    zip(&named)
}

/// A folder of files that goes away.
pub struct Folder(pub tempfile::TempDir);

impl Folder {
    pub fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes a shapefile and gives the path of its `.shp`.
    pub fn write_shapefile(&self, stem: &str, members: &Members) -> PathBuf {
        for (extension, bytes) in members {
            self.write(&format!("{stem}.{extension}"), bytes);
        }
        self.path().join(format!("{stem}.shp"))
    }
}

pub fn open(path: &Path) -> Source {
    Source::open(path, &ReadOptions::default()).unwrap()
}

/// The code of the refusal to open a file.
pub fn refusal(path: &Path) -> String {
    match Source::open(path, &ReadOptions::default()) {
        Ok(source) => panic!("{} was opened: {source:?}", path.display()),
        Err(refused) => {
            assert!(!refused.words().zh.is_empty() && !refused.remedy().zh.is_empty());
            refused.code().to_owned()
        }
    }
}

/// All rows, or the code of what went wrong on the way.
pub fn read(path: &Path) -> Result<Vec<SourceRow>, String> {
    let mut source = Source::open(path, &ReadOptions::default()).map_err(|refused| refused.code().to_owned())?;
    source
        .rows()
        .collect::<Result<_, SourceBroken>>()
        .map_err(|broken| broken.code().to_owned())
}

/// What an import made of a file.
#[derive(Debug, Default)]
pub struct Outcome {
    pub rows: u64,
    pub accepted: Vec<Candidate>,
    pub quarantined: Vec<Quarantine>,
}

impl Outcome {
    pub fn reasons(&self) -> BTreeMap<&'static str, usize> {
        let mut reasons = BTreeMap::new();
        for quarantine in &self.quarantined {
            *reasons.entry(quarantine.reason.code()).or_default() += 1;
        }
        reasons
    }

    pub fn warnings(&self) -> BTreeMap<&'static str, usize> {
        let mut warnings = BTreeMap::new();
        for warning in self.accepted.iter().flat_map(|candidate| &candidate.warnings) {
            *warnings.entry(warning.code.as_str()).or_default() += 1;
        }
        warnings
    }

    pub fn repairs(&self) -> BTreeMap<&'static str, usize> {
        let mut repairs = BTreeMap::new();
        for repair in self.accepted.iter().filter_map(|candidate| candidate.repaired.as_ref()) {
            *repairs.entry(repair.reason.code()).or_default() += 1;
        }
        repairs
    }

    pub fn keys(&self) -> Vec<&str> {
        self.accepted
            .iter()
            .map(|candidate| candidate.source_key.as_str())
            .collect()
    }

    pub fn by_key(&self) -> BTreeMap<&str, &Candidate> {
        self.accepted
            .iter()
            .map(|candidate| (candidate.source_key.as_str(), candidate))
            .collect()
    }
}

/// Imports an opened source, and proves for every file that no row got lost on the way.
pub fn import_source(source: &mut Source, options: PipelineOptions) -> Result<Outcome, String> {
    let pipeline = Pipeline::new(source, options).map_err(|refused| match refused {
        gis_data::PipelineRefused::Crs(refused) => refused.code().to_owned(),
        gis_data::PipelineRefused::Parameters(refused) => refused.code().to_owned(),
        gis_data::PipelineRefused::Mapping(refused) => refused.code().to_owned(),
    })?;
    let mut outcome = Outcome::default();
    for row in source.rows() {
        let row = row.map_err(|broken| broken.code().to_owned())?;
        outcome.rows += 1;
        let number = row.row;
        match pipeline.check(row) {
            Checked::Accepted(candidate) => {
                assert_eq!(candidate.row, number);
                outcome.accepted.push(candidate);
            }
            Checked::Quarantined(quarantine) => {
                assert_eq!(quarantine.row, number);
                let words = quarantine.reason.words();
                assert!(!words.zh.is_empty() && !words.en.is_empty());
                outcome.quarantined.push(quarantine);
            }
        }
    }
    assert_eq!(
        outcome.rows,
        (outcome.accepted.len() + outcome.quarantined.len()) as u64
    );
    Ok(outcome)
}

pub fn import(path: &Path, options: PipelineOptions) -> Result<Outcome, String> {
    let mut source = Source::open(path, &ReadOptions::default()).map_err(|refused| refused.code().to_owned())?;
    import_source(&mut source, options)
}

pub fn parcels() -> PipelineOptions {
    PipelineOptions::new(Layer::Parcels)
}

/// Imports a GeoJSON text as parcels.
pub fn import_text(text: &str) -> Outcome {
    let folder = Folder::new();
    import(&folder.write("data.geojson", text), parcels()).unwrap()
}

/// Metres between two positions nearby.
pub fn metres(a: Coord<f64>, b: Coord<f64>) -> f64 {
    let north = (a.y - b.y) * 111_320.0;
    let east = (a.x - b.x) * 111_320.0 * a.y.to_radians().cos();
    north.hypot(east)
}

/// Little-endian WKB of a polygon.
pub fn wkb(rings: &[Ring]) -> Vec<u8> {
    let mut bytes = vec![1];
    bytes.extend(3_u32.to_le_bytes());
    bytes.extend((rings.len() as u32).to_le_bytes());
    for ring in rings {
        bytes.extend((ring.len() as u32).to_le_bytes());
        for (x, y) in ring {
            bytes.extend(x.to_le_bytes());
            bytes.extend(y.to_le_bytes());
        }
    }
    bytes
}

/// WKB as a GeoPackage holds it; the kind of box before it from 0 to 4.
pub fn gpkg_blob(envelope: u8, wkb: &[u8]) -> Vec<u8> {
    let mut blob = vec![b'G', b'P', 0, 1 | (envelope << 1)];
    blob.extend(4326_u32.to_le_bytes());
    let numbers = [0, 4, 6, 6, 8][usize::from(envelope)];
    for _ in 0..numbers {
        blob.extend(1.0_f64.to_le_bytes());
    }
    blob.extend(wkb);
    blob
}

/// An empty GeoPackage with small pages.
pub fn gpkg(path: &Path) -> rusqlite::Connection {
    let _was_not_there = std::fs::remove_file(path);
    let database = rusqlite::Connection::open(path).unwrap();
    database
        .execute_batch(
            "pragma page_size = 512;
             pragma application_id = 0x47504B47;
             create table gpkg_spatial_ref_sys (srs_name text, srs_id integer primary key, organization text,
               organization_coordsys_id integer, definition text);
             insert into gpkg_spatial_ref_sys values ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS[]'),
               ('local', 100001, 'NONE', 100001, 'LOCAL_CS[\"somewhere\"]'), ('undefined', -1, 'NONE', -1, 'undefined');
             create table gpkg_contents (table_name text primary key, data_type text, identifier text, srs_id integer);
             create table gpkg_geometry_columns (table_name text, column_name text, geometry_type_name text,
               srs_id integer, z integer, m integer);",
        )
        .unwrap();
    database
}

/// Adds a layer of plots to a GeoPackage.
pub fn gpkg_plots(database: &rusqlite::Connection, layer: &str, count: usize) {
    let quoted = layer.replace('"', "\"\"");
    database
        .execute_batch(&format!(
            "create table \"{quoted}\" (fid integer primary key, geom blob, code text, name text);
             insert into gpkg_contents values ('{layer}', 'features', '{layer}', 4326);
             insert into gpkg_geometry_columns values ('{layer}', 'geom', 'POLYGON', 4326, 0, 0);"
        ))
        .unwrap();
    for number in 1..=count {
        database
            .execute(
                &format!("insert into \"{quoted}\" (geom, code, name) values (?1, ?2, ?3)"),
                rusqlite::params![
                    gpkg_blob(1, &wkb(&[plot(number)])),
                    format!("P{number}"),
                    format!("常州市机关P{number}")
                ],
            )
            .unwrap();
    }
}

/// A GeoPackage of plots.
pub fn plots_gpkg(count: usize) -> Vec<u8> {
    let folder = Folder::new();
    let path = folder.path().join("plots.gpkg");
    let database = gpkg(&path);
    gpkg_plots(&database, "plots", count);
    drop(database);
    std::fs::read(path).unwrap()
}

/// A FlatGeobuf file of plots, by the format's own writer.
pub fn plots_fgb(count: usize, write_index: bool) -> Vec<u8> {
    use flatgeobuf::{ColumnType, FgbCrs, FgbWriter, FgbWriterOptions, GeometryType};
    use geozero::{ColumnValue, PropertyProcessor};
    let options = FgbWriterOptions {
        write_index,
        crs: FgbCrs {
            code: 4326,
            ..FgbCrs::default()
        },
        ..FgbWriterOptions::default()
    };
    let mut writer = FgbWriter::create_with_options("plots", GeometryType::Polygon, options).unwrap();
    writer.add_column("code", ColumnType::String, |_, _| {});
    writer.add_column("name", ColumnType::String, |_, _| {});
    for number in 1..=count {
        writer
            .add_feature_geom(polygon(&[plot(number)]), |feature| {
                let (code, name) = (format!("P{number}"), format!("常州市机关P{number}"));
                feature.property(0, "code", &ColumnValue::String(&code)).unwrap();
                feature.property(1, "name", &ColumnValue::String(&name)).unwrap();
            })
            .unwrap();
    }
    let mut bytes = Vec::new();
    writer.write(&mut bytes).unwrap();
    bytes
}

pub fn wkt(rings: &[Ring]) -> String {
    let rings: Vec<String> = rings
        .iter()
        .map(|ring| {
            let points: Vec<String> = ring.iter().map(|(x, y)| format!("{x} {y}")).collect();
            format!("({})", points.join(", "))
        })
        .collect();
    format!("POLYGON ({})", rings.join(", "))
}

/// A table of plots with WKT that names its coordinate system.
pub fn plots_csv(count: usize, line_end: &str) -> String {
    let mut text = format!("code,name,wkt{line_end}");
    for number in 1..=count {
        text += &format!(
            "P{number},常州市机关P{number},\"SRID=4326;{}\"{line_end}",
            wkt(&[plot(number)])
        );
    }
    text
}

/// A workbook of plots, by another program's writer.
pub fn plots_xlsx(count: usize) -> Vec<u8> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, name) in ["code", "name", "wkt"].iter().enumerate() {
        sheet.write(0, column as u16, *name).unwrap();
    }
    for number in 1..=count {
        let row = number as u32;
        sheet.write(row, 0, format!("P{number}")).unwrap();
        sheet.write(row, 1, format!("常州市机关P{number}")).unwrap();
        sheet
            .write(row, 2, format!("SRID=4326;{}", wkt(&[plot(number)])))
            .unwrap();
    }
    workbook.save_to_buffer().unwrap()
}

/// A KML document of plots.
pub fn plots_kml(count: usize) -> String {
    let placemarks: String = (1..=count)
        .map(|number| {
            let points: Vec<String> = plot(number).iter().map(|(x, y)| format!("{x},{y},0")).collect();
            format!(
                "<Placemark><name>常州市机关P{number}</name><ExtendedData><Data name=\"code\"><value>P{number}</value>\
                 </Data></ExtendedData><Polygon><outerBoundaryIs><LinearRing><coordinates>{}</coordinates></LinearRing>\
                 </outerBoundaryIs></Polygon></Placemark>\n",
                points.join(" ")
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<kml xmlns=\"http://www.opengis.net/kml/2.2\"><Document>\n\
         {placemarks}</Document></kml>"
    )
}

/// The header of a land survey's text file.
pub const SURVEY_HEADER: &str = "[属性描述]\r\n坐标系=2000国家大地坐标系\r\n几度分带=3\r\n投影类型=高斯克吕格\r\n\
    计量单位=米\r\n带号=40\r\n[地块坐标]\r\n";

/// A parcel of a land survey: its rings as (east, north).
pub fn survey_parcel(code: &str, rings: &[Ring]) -> String {
    let points: Vec<(usize, (f64, f64))> = rings
        .iter()
        .enumerate()
        .flat_map(|(ring, points)| points.iter().map(move |point| (ring + 1, *point)))
        .collect();
    let mut text = format!("{},1.0,{code},常州市机关{code},面,,机关团体用地,,@\r\n", points.len());
    for (number, (ring, (east, north))) in points.iter().enumerate() {
        text += &format!("J{},{ring},{north:.3},{east:.3}\r\n", number + 1);
    }
    text
}

/// A land survey of plots a hundred metres wide in zone 40.
pub fn plots_survey(count: usize) -> String {
    let parcels: String = (1..=count)
        .map(|number| {
            survey_parcel(
                &format!("P{number}"),
                &[square(40_590_000.0 + number as f64 * 100.0, 3_517_500.0, 100.0)],
            )
        })
        .collect();
    format!("{SURVEY_HEADER}{parcels}")
}

/// An SQLite file that is no GeoPackage.
pub fn other_database() -> Vec<u8> {
    let folder = Folder::new();
    let path = folder.path().join("other.sqlite");
    let database = rusqlite::Connection::open(&path).unwrap();
    database
        .execute_batch("create table plots (a); insert into plots values (1)")
        .unwrap();
    drop(database);
    std::fs::read(path).unwrap()
}
