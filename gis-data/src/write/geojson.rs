//! GeoJSON by RFC 7946, one feature a line.
//!
//! Shells run counter-clockwise as the RFC wants. In another system than longitude and latitude the
//! file carries the `crs` member of the older specification, which GDAL and this crate read.

use std::io::Write;
use std::path::Path;

use geo_types::{Coord, Geometry, LineString, Polygon};

use super::number::{push_date, push_real};
use super::{Buffered, Cell, Table, Warnings, WriteFailed, WriteRows, buffered, kind_of, settle};
use crate::check::wind;

pub(super) struct GeoJsonRows {
    file: Buffered,
    /// `"name":` of each column, escaped.
    keys: Vec<Vec<u8>>,
    id_column: Option<usize>,
    line: Vec<u8>,
    rows: u64,
}

impl GeoJsonRows {
    pub(super) fn create(path: &Path, table: Table) -> Result<GeoJsonRows, WriteFailed> {
        let mut file = buffered(path)?;
        write!(file, "{{\"type\":\"FeatureCollection\",\"name\":")?;
        file.write_all(&text(table.name)?)?;
        if !table.crs.is_geographic() {
            write!(
                file,
                ",\"crs\":{{\"type\":\"name\",\"properties\":{{\"name\":\"urn:ogc:def:crs:EPSG::{}\"}}}}",
                table.crs.epsg()
            )?;
        }
        write!(file, ",\"features\":[")?;
        let keys = table
            .columns
            .iter()
            .map(|column| {
                let mut key = text(column.name)?;
                key.push(b':');
                Ok(key)
            })
            .collect::<Result<_, WriteFailed>>()?;
        Ok(GeoJsonRows {
            file,
            keys,
            id_column: table.id_column(),
            line: Vec::new(),
            rows: 0,
        })
    }
}

impl WriteRows for GeoJsonRows {
    fn row(
        &mut self,
        cells: &[Cell<'_>],
        shape: Option<Geometry<f64>>,
        _warnings: &mut Warnings,
    ) -> Result<(), WriteFailed> {
        let line = &mut self.line;
        line.clear();
        line.extend_from_slice(if self.rows == 0 { b"\n" } else { b",\n" });
        line.extend_from_slice(b"{\"type\":\"Feature\",");
        if let Some(Cell::Text(id)) = self.id_column.and_then(|column| cells.get(column)) {
            line.extend_from_slice(b"\"id\":");
            push_text(line, id)?;
            line.push(b',');
        }
        line.extend_from_slice(b"\"properties\":{");
        for (index, (key, cell)) in self.keys.iter().zip(cells).enumerate() {
            if index > 0 {
                line.push(b',');
            }
            line.extend_from_slice(key);
            match *cell {
                Cell::Empty => line.extend_from_slice(b"null"),
                Cell::Text(words) => push_text(line, words)?,
                Cell::Integer(number) => line.extend_from_slice(number.to_string().as_bytes()),
                Cell::Real(number) => push_real(line, number)?,
                Cell::Date { year, month, day } => {
                    line.push(b'"');
                    push_date(line, year, month, day);
                    line.push(b'"');
                }
            }
        }
        line.extend_from_slice(b"},\"geometry\":");
        match shape {
            None => line.extend_from_slice(b"null"),
            Some(mut shape) => {
                wind(&mut shape);
                push_geometry(line, &shape)?;
            }
        }
        line.push(b'}');
        self.file.write_all(line)?;
        self.rows += 1;
        Ok(())
    }

    fn finish(mut self: Box<Self>, _warnings: &mut Warnings) -> Result<u64, WriteFailed> {
        self.file.write_all(b"\n]}\n")?;
        settle(self.file)?;
        Ok(self.rows)
    }
}

fn text(words: &str) -> Result<Vec<u8>, WriteFailed> {
    let mut bytes = Vec::with_capacity(words.len() + 3);
    push_text(&mut bytes, words)?;
    Ok(bytes)
}

fn push_text(line: &mut Vec<u8>, words: &str) -> Result<(), WriteFailed> {
    serde_json::to_writer(line, words).map_err(|error| WriteFailed::Io(error.into()))
}

fn push_geometry(line: &mut Vec<u8>, shape: &Geometry<f64>) -> Result<(), WriteFailed> {
    match shape {
        Geometry::Point(point) => {
            line.extend_from_slice(b"{\"type\":\"Point\",\"coordinates\":");
            push_coord(line, point.0)?;
        }
        Geometry::Polygon(polygon) => {
            line.extend_from_slice(b"{\"type\":\"Polygon\",\"coordinates\":");
            push_polygon(line, polygon)?;
        }
        Geometry::MultiPolygon(polygons) => {
            line.extend_from_slice(b"{\"type\":\"MultiPolygon\",\"coordinates\":[");
            for (index, polygon) in polygons.iter().enumerate() {
                if index > 0 {
                    line.push(b',');
                }
                push_polygon(line, polygon)?;
            }
            line.push(b']');
        }
        other => {
            return Err(WriteFailed::ShapeKind {
                kind: kind_of(other),
                format: "geojson",
            });
        }
    }
    line.push(b'}');
    Ok(())
}

fn push_polygon(line: &mut Vec<u8>, polygon: &Polygon<f64>) -> Result<(), WriteFailed> {
    line.push(b'[');
    push_ring(line, polygon.exterior())?;
    for ring in polygon.interiors() {
        line.push(b',');
        push_ring(line, ring)?;
    }
    line.push(b']');
    Ok(())
}

fn push_ring(line: &mut Vec<u8>, ring: &LineString<f64>) -> Result<(), WriteFailed> {
    line.push(b'[');
    for (index, coord) in ring.0.iter().enumerate() {
        if index > 0 {
            line.push(b',');
        }
        push_coord(line, *coord)?;
    }
    line.push(b']');
    Ok(())
}

fn push_coord(line: &mut Vec<u8>, coord: Coord<f64>) -> Result<(), WriteFailed> {
    line.push(b'[');
    push_real(line, coord.x)?;
    line.push(b',');
    push_real(line, coord.y)?;
    line.push(b']');
    Ok(())
}
