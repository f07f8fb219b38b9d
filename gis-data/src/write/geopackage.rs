//! OGC GeoPackage 1.3: one SQLite file with a features (or attributes) table and its R-tree.

use std::path::Path;

use geo_types::{Geometry, LineString, Polygon};
use rusqlite::Connection;

use super::{Cell, ColumnKind, Shapes, Table, TargetCrs, Warnings, WriteFailed, WriteRows, bounds, kind_of};

mod rtree;

use rtree::{Entry, pack};

/// Rows between two commits: SQLite keeps changed pages in memory until then.
const ROWS_A_TRANSACTION: u64 = 50_000;

pub(super) struct GeoPackageRows {
    database: Connection,
    table: Table,
    insert: String,
    blob: Vec<u8>,
    entries: Vec<Entry>,
    extent: Option<[f64; 4]>,
    rows: u64,
}

const SKELETON: &str = "
    create table gpkg_spatial_ref_sys (
        srs_name text not null,
        srs_id integer not null primary key,
        organization text not null,
        organization_coordsys_id integer not null,
        definition text not null,
        description text
    );
    create table gpkg_contents (
        table_name text not null primary key,
        data_type text not null,
        identifier text unique,
        description text default '',
        last_change datetime not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
        min_x double,
        min_y double,
        max_x double,
        max_y double,
        srs_id integer,
        constraint fk_gc_r_srs_id foreign key (srs_id) references gpkg_spatial_ref_sys(srs_id)
    );
    create table gpkg_geometry_columns (
        table_name text not null,
        column_name text not null,
        geometry_type_name text not null,
        srs_id integer not null,
        z tinyint not null,
        m tinyint not null,
        constraint pk_geom_cols primary key (table_name, column_name),
        constraint uk_gc_table_name unique (table_name),
        constraint fk_gc_tn foreign key (table_name) references gpkg_contents(table_name),
        constraint fk_gc_srs foreign key (srs_id) references gpkg_spatial_ref_sys (srs_id)
    );
    create table gpkg_extensions (
        table_name text,
        column_name text,
        extension_name text not null,
        definition text not null,
        scope text not null,
        constraint ge_tce unique (table_name, column_name, extension_name)
    );
    insert into gpkg_spatial_ref_sys values
        ('Undefined cartesian SRS', -1, 'NONE', -1, 'undefined', 'undefined cartesian coordinate reference system'),
        ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', 'undefined geographic coordinate reference system');
";

/// What keeps the R-tree true when somebody edits the file: the triggers of the extension `gpkg_rtree_index`
/// (OGC 12-128r17, annex F.3). `{t}` is the table.
const TRIGGERS: &str = "
    create trigger rtree_{t}_geom_insert after insert on {t}
      when (new.geom not null and not st_isempty(new.geom))
      begin
        insert or replace into rtree_{t}_geom values
          (new.fid, st_minx(new.geom), st_maxx(new.geom), st_miny(new.geom), st_maxy(new.geom));
      end;
    create trigger rtree_{t}_geom_update1 after update of geom on {t}
      when old.fid = new.fid and (new.geom notnull and not st_isempty(new.geom))
      begin
        insert or replace into rtree_{t}_geom values
          (new.fid, st_minx(new.geom), st_maxx(new.geom), st_miny(new.geom), st_maxy(new.geom));
      end;
    create trigger rtree_{t}_geom_update2 after update of geom on {t}
      when old.fid = new.fid and (new.geom isnull or st_isempty(new.geom))
      begin
        delete from rtree_{t}_geom where id = old.fid;
      end;
    create trigger rtree_{t}_geom_update3 after update on {t}
      when old.fid != new.fid and (new.geom notnull and not st_isempty(new.geom))
      begin
        delete from rtree_{t}_geom where id = old.fid;
        insert or replace into rtree_{t}_geom values
          (new.fid, st_minx(new.geom), st_maxx(new.geom), st_miny(new.geom), st_maxy(new.geom));
      end;
    create trigger rtree_{t}_geom_update4 after update on {t}
      when old.fid != new.fid and (new.geom isnull or st_isempty(new.geom))
      begin
        delete from rtree_{t}_geom where id in (old.fid, new.fid);
      end;
    create trigger rtree_{t}_geom_delete after delete on {t}
      when old.geom not null
      begin
        delete from rtree_{t}_geom where id = old.fid;
      end;
";

impl GeoPackageRows {
    pub(super) fn create(path: &Path, table: Table) -> Result<GeoPackageRows, WriteFailed> {
        // SQLite would open what is there.
        std::fs::File::create(path)?;
        let database = Connection::open(path).map_err(failed)?;
        // The file is nobody's until it is finished: it needs no journal, and is synced once at the end.
        database
            .execute_batch(
                "pragma application_id = 1196444487;
                 pragma user_version = 10300;
                 pragma journal_mode = off;
                 pragma synchronous = off;
                 pragma locking_mode = exclusive;
                 pragma cache_size = -65536;",
            )
            .map_err(failed)?;
        database.execute_batch(SKELETON).map_err(failed)?;
        // WGS 84 must be there whatever else is (requirement 11).
        for (crs, srs_name) in [
            (TargetCrs::from_epsg(4326), "WGS 84 geodetic".to_owned()),
            (Some(table.crs).filter(|crs| crs.epsg() != 4326), table.crs.title()),
        ] {
            if let Some(crs) = crs {
                database
                    .execute(
                        "insert into gpkg_spatial_ref_sys values (?1, ?2, 'EPSG', ?2, ?3, ?4)",
                        (srs_name, crs.epsg(), crs.wkt(), crs.title()),
                    )
                    .map_err(failed)?;
            }
        }
        let name = table.name;
        let mut columns = String::new();
        let has_shapes = table.shapes != Shapes::None;
        if has_shapes {
            columns.push_str(&format!(", geom {}", geometry_type(table.shapes)));
        }
        for column in &table.columns {
            let kind = match column.kind {
                ColumnKind::Text => "text",
                ColumnKind::Integer => "integer",
                ColumnKind::Real { .. } => "real",
                ColumnKind::Date => "date",
            };
            columns.push_str(&format!(", \"{}\" {kind}", column.name));
        }
        let places = vec!["?"; table.columns.len() + usize::from(has_shapes)].join(", ");
        database
            .execute_batch(&format!(
                "create table {name} (fid integer primary key autoincrement not null{columns}); begin"
            ))
            .map_err(failed)?;
        Ok(GeoPackageRows {
            database,
            insert: format!("insert into {name} values (null, {places})"),
            table,
            blob: Vec::new(),
            entries: Vec::new(),
            extent: None,
            rows: 0,
        })
    }

    /// Says what the table is, and builds its index.
    fn describe(&mut self) -> Result<(), WriteFailed> {
        let (table, name) = (&self.table, self.table.name);
        let has_shapes = table.shapes != Shapes::None;
        let extent = self.extent;
        let edge = |index: usize| extent.and_then(|extent| extent.get(index).copied());
        self.database
            .execute(
                "insert into gpkg_contents values (?1, ?2, ?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                (
                    name,
                    if has_shapes { "features" } else { "attributes" },
                    format!("{} / {}", table.title.zh, table.title.en),
                    instant(&table.written_at),
                    edge(0),
                    edge(1),
                    edge(2),
                    edge(3),
                    has_shapes.then(|| table.crs.epsg()),
                ),
            )
            .map_err(failed)?;
        if !has_shapes {
            return Ok(());
        }
        self.database
            .execute(
                "insert into gpkg_geometry_columns values (?1, 'geom', ?2, ?3, 0, 0)",
                (name, geometry_type(table.shapes), table.crs.epsg()),
            )
            .map_err(failed)?;
        self.database
            .execute(
                "insert into gpkg_extensions values (?1, 'geom', 'gpkg_rtree_index',
                     'http://www.geopackage.org/spec120/#extension_rtree', 'write-only')",
                [name],
            )
            .map_err(failed)?;
        self.database
            .execute_batch(&format!(
                "create virtual table rtree_{name}_geom using rtree(id, minx, maxx, miny, maxy)"
            ))
            .map_err(failed)?;
        pack(
            &self.database,
            &format!("rtree_{name}_geom"),
            std::mem::take(&mut self.entries),
        )
        .map_err(failed)?;
        self.database
            .execute_batch(&TRIGGERS.replace("{t}", name))
            .map_err(failed)
    }
}

impl WriteRows for GeoPackageRows {
    fn row(
        &mut self,
        cells: &[Cell<'_>],
        shape: Option<Geometry<f64>>,
        _warnings: &mut Warnings,
    ) -> Result<(), WriteFailed> {
        let mut statement = self.database.prepare_cached(&self.insert).map_err(failed)?;
        let mut place = 1;
        if self.table.shapes != Shapes::None {
            match &shape {
                None => statement.raw_bind_parameter(place, rusqlite::types::Null),
                Some(shape) => {
                    let edges = bounds(shape);
                    self.blob.clear();
                    push_blob(
                        &mut self.blob,
                        shape,
                        edges,
                        self.table.crs.epsg(),
                        self.table.shapes == Shapes::Polygons,
                    )?;
                    if let Some(edges) = edges {
                        let id = i64::try_from(self.rows + 1).unwrap_or(i64::MAX);
                        self.entries.push(Entry::new(id, edges));
                        self.extent = Some(self.extent.map_or(edges, |known| {
                            [
                                known[0].min(edges[0]),
                                known[1].min(edges[1]),
                                known[2].max(edges[2]),
                                known[3].max(edges[3]),
                            ]
                        }));
                    }
                    statement.raw_bind_parameter(place, self.blob.as_slice())
                }
            }
            .map_err(failed)?;
            place += 1;
        }
        for cell in cells {
            match *cell {
                Cell::Empty => statement.raw_bind_parameter(place, rusqlite::types::Null),
                Cell::Text(words) => statement.raw_bind_parameter(place, words),
                Cell::Integer(number) => statement.raw_bind_parameter(place, number),
                Cell::Real(number) => statement.raw_bind_parameter(place, number),
                Cell::Date { year, month, day } => {
                    statement.raw_bind_parameter(place, format!("{year:04}-{month:02}-{day:02}"))
                }
            }
            .map_err(failed)?;
            place += 1;
        }
        statement.raw_execute().map_err(failed)?;
        drop(statement);
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_A_TRANSACTION) {
            self.database.execute_batch("commit; begin").map_err(failed)?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>, _warnings: &mut Warnings) -> Result<u64, WriteFailed> {
        self.describe()?;
        self.database.execute_batch("commit").map_err(failed)?;
        let path = self.database.path().map(std::path::PathBuf::from);
        let GeoPackageRows { database, rows, .. } = *self;
        database.close().map_err(|(_, error)| failed(error))?;
        if let Some(path) = path {
            std::fs::File::open(path)?.sync_all()?;
        }
        Ok(rows)
    }
}

fn geometry_type(shapes: Shapes) -> &'static str {
    match shapes {
        Shapes::Polygons => "MULTIPOLYGON",
        Shapes::None | Shapes::Mixed => "GEOMETRY",
    }
}

/// The instant as a GeoPackage wants it: with milliseconds.
fn instant(written_at: &str) -> String {
    format!("{}.000Z", written_at.get(..19).unwrap_or("1970-01-01T00:00:00"))
}

/// The standard's binary form: a header with the box, then WKB, all little-endian.
fn push_blob(
    blob: &mut Vec<u8>,
    shape: &Geometry<f64>,
    edges: Option<[f64; 4]>,
    srs_id: u32,
    as_multi: bool,
) -> Result<(), WriteFailed> {
    blob.extend_from_slice(b"GP\0");
    // A point is its own box.
    let edges = edges.filter(|_| !matches!(shape, Geometry::Point(_)));
    blob.push(if edges.is_some() { 0b0000_0011 } else { 0b0000_0001 });
    blob.extend_from_slice(&srs_id.to_le_bytes());
    if let Some([west, south, east, north]) = edges {
        for edge in [west, east, south, north] {
            blob.extend_from_slice(&edge.to_le_bytes());
        }
    }
    match shape {
        Geometry::Point(point) => {
            push_kind(blob, 1);
            blob.extend_from_slice(&point.x().to_le_bytes());
            blob.extend_from_slice(&point.y().to_le_bytes());
        }
        Geometry::Polygon(polygon) => {
            if as_multi {
                push_kind(blob, 6);
                push_count(blob, 1);
            }
            push_polygon(blob, polygon);
        }
        Geometry::MultiPolygon(polygons) => {
            push_kind(blob, 6);
            push_count(blob, polygons.0.len());
            polygons.iter().for_each(|polygon| push_polygon(blob, polygon));
        }
        other => {
            return Err(WriteFailed::ShapeKind {
                kind: kind_of(other),
                format: "gpkg",
            });
        }
    }
    Ok(())
}

fn push_kind(blob: &mut Vec<u8>, kind: u32) {
    blob.push(1);
    blob.extend_from_slice(&kind.to_le_bytes());
}

fn push_count(blob: &mut Vec<u8>, count: usize) {
    blob.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
}

fn push_polygon(blob: &mut Vec<u8>, polygon: &Polygon<f64>) {
    push_kind(blob, 3);
    push_count(blob, polygon.interiors().len() + 1);
    push_ring(blob, polygon.exterior());
    polygon.interiors().iter().for_each(|ring| push_ring(blob, ring));
}

fn push_ring(blob: &mut Vec<u8>, ring: &LineString<f64>) {
    push_count(blob, ring.0.len());
    for coord in &ring.0 {
        blob.extend_from_slice(&coord.x.to_le_bytes());
        blob.extend_from_slice(&coord.y.to_le_bytes());
    }
}

fn failed(error: rusqlite::Error) -> WriteFailed {
    WriteFailed::Library {
        detail: error.to_string(),
    }
}
