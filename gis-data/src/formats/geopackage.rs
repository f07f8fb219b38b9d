//! GeoPackage: features and attribute tables of an SQLite file.
//!
//! The file may come from anybody: it is opened read-only and never locked or changed, its schema
//! isn't trusted with functions, values are limited in length, and a view that computes without
//! end is stopped.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};
use serde_json::{Number, Value};

use super::handover::{self, Handover};
use super::json::max_feature_bytes;
use super::shape::{Notes, bad, kind};
use super::{LayerFiles, Opened, wkb};
use crate::crs::DeclaredCrs;
use crate::mapping::FieldName;
use crate::source::{SourceBroken, SourceRefused, SourceRow, Unreadable};

/// Instructions of SQLite's machine between two looks at the clock of a statement.
const STEPS_BETWEEN_LOOKS: i32 = 100_000;
/// Looks without a row after which a statement is stopped: some seconds of computing.
const LOOKS_WITHOUT_ROW: u64 = 2_000;

/// Whether bytes are the start of an SQLite file.
pub(crate) fn is_sqlite(head: &[u8]) -> bool {
    head.starts_with(b"SQLite format 3\0")
}

/// A table or view that can be read.
#[derive(Debug, Clone)]
struct Table {
    name: String,
    geometry_column: Option<String>,
    srs_id: Option<i64>,
    is_view: bool,
}

#[derive(Debug, Clone)]
struct Column {
    name: String,
    is_boolean: bool,
}

/// Opens a file and chooses its layer. A column may be passed over.
pub(crate) fn open(files: &LayerFiles, max_vertices: u64, passed_over: Option<&str>) -> Result<Opened, SourceRefused> {
    let length = whole_length(&files.main)?;
    let broken = |error: rusqlite::Error| SourceRefused::Broken(broken(&error, 0));
    let watch = Arc::new(AtomicU64::new(0));
    let database = connect(&files.main, max_vertices, &watch).map_err(broken)?;
    let tables = match tables(&database).map_err(broken)? {
        Some(tables) => tables,
        None => {
            return Err(SourceRefused::UnsupportedFormat {
                name: files.name.clone(),
                format: "an SQLite database that is no GeoPackage",
            });
        }
    };
    let names: Vec<String> = tables.iter().map(|table| table.name.clone()).collect();
    let table = choose(&tables, files)?.clone();
    let (mut columns, key) = columns(&database, &table).map_err(broken)?;
    columns.retain(|column| Some(column.name.as_str()) != passed_over);
    if columns.is_empty() && table.geometry_column.is_none() {
        return Err(SourceRefused::Empty {
            name: format!("{}/{}", files.name, table.name),
        });
    }
    check(&database, &table, length).map_err(SourceRefused::Broken)?;
    let crs = declared_crs(&database, &table).map_err(broken)?;
    let estimated_rows = estimate(&database, &table, key.as_deref(), length);
    drop(database);
    let may_have_shapes = table.geometry_column.is_some();
    let fields = columns
        .iter()
        .map(|column| FieldName {
            name: column.name.clone(),
            examples: Vec::new(),
        })
        .collect();
    let reading = Reading {
        path: files.main.clone(),
        table,
        columns,
        max_vertices,
        length,
        estimated_rows,
    };
    let start = Arc::new(move |read: Arc<AtomicU64>| {
        read.store(0, Ordering::Relaxed);
        let reading = reading.clone();
        handover::rows("geopackage-reader", move |handover| reading.run(handover, &read))
    });
    Ok(Opened {
        encoding: Some("UTF-8".to_owned()),
        crs,
        fields: Some(fields),
        warnings: Vec::new(),
        estimated_rows: Some(estimated_rows),
        bytes_total: length,
        may_have_shapes,
        layers: names,
        start,
    })
}

/// The length of the file, when it holds all the pages its header counts and nothing waits beside
/// it to be written into it.
fn whole_length(path: &Path) -> Result<u64, SourceRefused> {
    let io = |source| SourceRefused::Broken(SourceBroken::Io { byte: 0, source });
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(PathBuf::from(log)).is_ok_and(|metadata| metadata.len() > 0) {
        return Err(SourceRefused::Broken(SourceBroken::Damaged {
            byte: 0,
            row: 0,
            detail: "a program still has it open: changes wait in the -wal file beside it".to_owned(),
        }));
    }
    let file = File::open(path).map_err(io)?;
    let length = file.metadata().map_err(io)?.len();
    let mut head = Vec::new();
    file.take(100).read_to_end(&mut head).map_err(io)?;
    let number = |at: usize| {
        head.get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok())
            .map_or(0, u32::from_be_bytes)
    };
    let page_size = match head.get(16..18) {
        Some([0, 1]) => 65_536,
        Some([high, low]) => u64::from(u16::from_be_bytes([*high, *low])),
        _ => 0,
    };
    // The count holds where the version that wrote it is the one that changed the file last.
    let is_counted = number(24) == number(92);
    let pages = if is_counted { u64::from(number(28)).max(1) } else { 1 };
    if head.len() < 100 || length < pages * page_size {
        return Err(SourceRefused::Broken(SourceBroken::Truncated { byte: length, row: 0 }));
    }
    Ok(length)
}

/// Opens the database as data of a stranger.
fn connect(path: &Path, max_vertices: u64, watch: &Arc<AtomicU64>) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let database = Connection::open_with_flags(uri(path), flags)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    database.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    let longest = max_feature_bytes(max_vertices).min(1 << 30);
    database.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(longest).unwrap_or(i32::MAX))?;
    let looks = Arc::clone(watch);
    database.progress_handler(
        STEPS_BETWEEN_LOOKS,
        Some(move || looks.fetch_add(1, Ordering::Relaxed) > LOOKS_WITHOUT_ROW),
    );
    database.pragma_update(None, "cell_size_check", true)?;
    database.pragma_update(None, "cache_size", -16_384)?;
    Ok(database)
}

/// The path as SQLite's address of a file that nobody changes.
fn uri(path: &Path) -> String {
    use std::fmt::Write;
    use std::os::unix::ffi::OsStrExt;
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => uri.push(char::from(*byte)),
            // Writing to a string can't fail.
            other => {
                let _written = write!(uri, "%{other:02X}");
            }
        }
    }
    uri + "?immutable=1"
}

fn broken(error: &rusqlite::Error, row: u64) -> SourceBroken {
    let detail = match error.sqlite_error_code() {
        Some(ErrorCode::OperationInterrupted) => "a view of the database takes too long to compute".to_owned(),
        Some(ErrorCode::TooBig) => "a value is too long".to_owned(),
        _ => error.to_string(),
    };
    SourceBroken::Damaged { byte: 0, row, detail }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The tables of features and attributes; nothing where the file is no GeoPackage.
fn tables(database: &Connection) -> rusqlite::Result<Option<Vec<Table>>> {
    let kind_of = |name: &str| -> rusqlite::Result<Option<String>> {
        database
            .query_row(
                "select type from sqlite_master where lower(name) = lower(?1) and type in ('table', 'view')",
                [name],
                |row| row.get(0),
            )
            .optional()
    };
    if kind_of("gpkg_contents")?.is_none() {
        return Ok(None);
    }
    let has_shapes = kind_of("gpkg_geometry_columns")?.is_some();
    let mut statement = database.prepare(
        "select table_name, srs_id from gpkg_contents
         where lower(data_type) in ('features', 'attributes', 'aspatial')
         order by rowid",
    )?;
    let mut rows = statement.query([])?;
    let mut tables = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(name) = row.get::<_, Option<String>>(0)? else {
            continue;
        };
        let Some(kind) = kind_of(&name)? else {
            continue;
        };
        let shape: Option<(Option<String>, Option<i64>)> = if has_shapes {
            database
                .query_row(
                    "select column_name, srs_id from gpkg_geometry_columns where lower(table_name) = lower(?1)",
                    [&name],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?
        } else {
            None
        };
        let (geometry_column, srs_id) = shape.unwrap_or_default();
        tables.push(Table {
            name,
            geometry_column,
            srs_id: srs_id.or(row.get(1)?),
            is_view: kind == "view",
        });
    }
    Ok(Some(tables))
}

fn choose<'a>(tables: &'a [Table], files: &LayerFiles) -> Result<&'a Table, SourceRefused> {
    let members = || tables.iter().map(|table| table.name.clone()).collect();
    match (&files.inner, tables) {
        (Some(wanted), _) => tables
            .iter()
            .find(|table| table.name == *wanted)
            .or_else(|| tables.iter().find(|table| table.name.eq_ignore_ascii_case(wanted)))
            .ok_or_else(|| SourceRefused::NoSuchMember {
                member: wanted.clone(),
                members: members(),
            }),
        (None, [only]) => Ok(only),
        (None, []) => Err(SourceRefused::Empty {
            name: files.name.clone(),
        }),
        (None, _) => Err(SourceRefused::SeveralLayers { members: members() }),
    }
}

/// The columns besides the geometry, and the name of the whole-number key.
fn columns(database: &Connection, table: &Table) -> rusqlite::Result<(Vec<Column>, Option<String>)> {
    let mut statement = database.prepare("select name, type, pk from pragma_table_xinfo(?1)")?;
    let mut rows = statement.query([&table.name])?;
    let mut columns = Vec::new();
    let mut key = None;
    while let Some(row) = rows.next()? {
        let (name, kind, position): (String, String, i64) = (
            row.get(0)?,
            row.get::<_, Option<String>>(1)?.unwrap_or_default(),
            row.get(2)?,
        );
        if position == 1 && kind.eq_ignore_ascii_case("INTEGER") {
            key = Some(name.clone());
        }
        let is_shape = table
            .geometry_column
            .as_ref()
            .is_some_and(|column| column.eq_ignore_ascii_case(&name));
        if !is_shape {
            columns.push(Column {
                name,
                is_boolean: kind.eq_ignore_ascii_case("BOOLEAN"),
            });
        }
    }
    Ok((columns, key))
}

/// Looks through the table's pages for damage, which would make rows vanish in silence.
fn check(database: &Connection, table: &Table, length: u64) -> Result<(), SourceBroken> {
    if table.is_view {
        return Ok(());
    }
    let verdict: rusqlite::Result<String> =
        database.query_row(&format!("pragma quick_check({})", quoted(&table.name)), [], |row| {
            row.get(0)
        });
    match verdict {
        Ok(verdict) if verdict == "ok" => Ok(()),
        Ok(verdict) => Err(SourceBroken::Damaged {
            byte: length,
            row: 0,
            detail: verdict.lines().next().unwrap_or_default().to_owned(),
        }),
        Err(error) => Err(broken(&error, 0)),
    }
}

fn declared_crs(database: &Connection, table: &Table) -> rusqlite::Result<DeclaredCrs> {
    let Some(id) = table.srs_id.filter(|id| *id > 0) else {
        return Ok(DeclaredCrs::Missing);
    };
    let found: Option<(Option<String>, Option<i64>, Option<String>)> = match database
        .query_row(
            "select organization, organization_coordsys_id, definition
             from gpkg_spatial_ref_sys
             where srs_id = ?1",
            [id],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
    {
        Ok(found) => found,
        // Without the table nothing is declared.
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::Unknown) => None,
        Err(error) => return Err(error),
    };
    let Some((organization, code, definition)) = found else {
        return Ok(DeclaredCrs::Missing);
    };
    let definition =
        definition.filter(|text| !text.trim().is_empty() && !text.trim().eq_ignore_ascii_case("undefined"));
    Ok(match (organization, code, definition) {
        (Some(organization), Some(code), _) if organization.eq_ignore_ascii_case("EPSG") && code > 0 => {
            DeclaredCrs::Member {
                name: format!("EPSG:{code}"),
            }
        }
        (_, _, Some(wkt)) => DeclaredCrs::Prj { wkt },
        _ => DeclaredCrs::Missing,
    })
}

/// How many rows there probably are: the highest key, or what a program noted.
fn estimate(database: &Connection, table: &Table, key: Option<&str>, length: u64) -> u64 {
    let noted: Option<i64> = database
        .query_row(
            "select feature_count from gpkg_ogr_contents where lower(table_name) = lower(?1)",
            [&table.name],
            |row| row.get(0),
        )
        .ok();
    let highest = || -> Option<i64> {
        let statement = format!("select max({}) from {}", quoted(key?), quoted(&table.name));
        database.query_row(&statement, [], |row| row.get(0)).ok()
    };
    // Notes lie; no row takes fewer than four bytes.
    let rows = noted.or_else(highest).and_then(|rows| u64::try_from(rows).ok());
    rows.unwrap_or(length / 400).min(length / 4)
}

/// One reading of a table.
#[derive(Clone)]
struct Reading {
    path: PathBuf,
    table: Table,
    columns: Vec<Column>,
    max_vertices: u64,
    length: u64,
    estimated_rows: u64,
}

impl Reading {
    fn run(&self, handover: &mut Handover, read: &AtomicU64) -> Result<(), SourceBroken> {
        let mut number = 0;
        self.hand_over(handover, read, &mut number)
            .map_err(|error| broken(&error, number))
    }

    fn hand_over(&self, handover: &mut Handover, read: &AtomicU64, number: &mut u64) -> rusqlite::Result<()> {
        let looks = Arc::new(AtomicU64::new(0));
        let database = connect(&self.path, self.max_vertices, &looks)?;
        let shape_at = self.columns.len();
        let list: Vec<String> = self
            .columns
            .iter()
            .map(|column| quoted(&column.name))
            .chain(self.table.geometry_column.as_deref().map(quoted))
            .collect();
        let mut statement =
            database.prepare(&format!("select {} from {}", list.join(", "), quoted(&self.table.name)))?;
        let mut rows = statement.query([])?;
        while let Some(found) = rows.next()? {
            looks.store(0, Ordering::Relaxed);
            *number += 1;
            let mut row = SourceRow::empty(*number);
            for (position, column) in self.columns.iter().enumerate() {
                let value = value(found.get_ref(position)?, column, &mut row);
                row.properties.insert(column.name.clone(), value);
            }
            if self.table.geometry_column.is_some() {
                let mut notes = Notes::new(self.max_vertices);
                row.geometry = geometry(found.get_ref(shape_at)?, &mut notes);
                notes.note(&mut row);
            }
            if handover.give(row).is_err() {
                return Ok(());
            }
            // Pages aren't told apart by row: the share of rows stands for the share of bytes.
            let share = *number as f64 / self.estimated_rows.max(1) as f64;
            read.store((share.min(1.0) * self.length as f64) as u64, Ordering::Relaxed);
        }
        read.store(self.length, Ordering::Relaxed);
        Ok(())
    }
}

fn value(value: ValueRef<'_>, column: &Column, row: &mut SourceRow) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number @ (0 | 1)) if column.is_boolean => Value::Bool(number == 1),
        ValueRef::Integer(number) => Value::from(number),
        ValueRef::Real(number) => match Number::from_f64(number) {
            Some(number) => Value::Number(number),
            None => {
                row.not_a_number = true;
                Value::Null
            }
        },
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::from(text),
            Err(_) => {
                row.undecodable_fields.push(column.name.clone());
                Value::from(String::from_utf8_lossy(bytes))
            }
        },
        ValueRef::Blob(bytes) => Value::from(super::binary_text(bytes)),
    }
}

/// The shape of a GeoPackage: a header with an optional box, and WKB behind it.
fn geometry(value: ValueRef<'_>, notes: &mut Notes) -> Result<Option<geo_types::Geometry<f64>>, Unreadable> {
    let blob = match value {
        ValueRef::Null => return Ok(None),
        ValueRef::Blob(blob) => blob,
        _ => return Err(bad("the geometry is no blob")),
    };
    let [b'G', b'P', version, flags, rest @ ..] = blob else {
        return Err(bad("the blob is no shape of a GeoPackage"));
    };
    if *version != 0 {
        return Err(bad(format!("there is no version {version} of shapes")));
    }
    if flags & 0x20 != 0 {
        return Err(kind("ExtendedGeoPackageBinary"));
    }
    let envelope = match (flags >> 1) & 0x07 {
        0 => 0,
        1 => 32,
        2 | 3 => 48,
        4 => 64,
        other => return Err(bad(format!("there is no kind {other} of box before shapes"))),
    };
    // Four bytes name the coordinate system; the layer's is the one that counts.
    let shape = rest
        .get(4 + envelope..)
        .ok_or_else(|| bad("the shape's bytes end too early"))?;
    wkb::read(shape, notes).map(|read| Some(read.geometry))
}
