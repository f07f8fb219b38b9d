//! Shapes as well-known text.

use geo_types::{Coord, Geometry, LineString, Polygon};

use super::number::push_real;
use super::{WriteFailed, kind_of};

/// Appends a point, polygon or multipolygon.
pub(super) fn push_wkt(text: &mut Vec<u8>, shape: &Geometry<f64>) -> Result<(), WriteFailed> {
    match shape {
        Geometry::Point(point) => {
            text.extend_from_slice(b"POINT (");
            push_coord(text, point.0)?;
            text.push(b')');
        }
        Geometry::Polygon(polygon) => {
            text.extend_from_slice(b"POLYGON ");
            push_polygon(text, polygon)?;
        }
        Geometry::MultiPolygon(polygons) => {
            text.extend_from_slice(b"MULTIPOLYGON (");
            for (index, polygon) in polygons.iter().enumerate() {
                if index > 0 {
                    text.push(b',');
                }
                push_polygon(text, polygon)?;
            }
            text.push(b')');
        }
        other => {
            return Err(WriteFailed::ShapeKind {
                kind: kind_of(other),
                format: "wkt",
            });
        }
    }
    Ok(())
}

fn push_polygon(text: &mut Vec<u8>, polygon: &Polygon<f64>) -> Result<(), WriteFailed> {
    text.push(b'(');
    push_ring(text, polygon.exterior())?;
    for ring in polygon.interiors() {
        text.push(b',');
        push_ring(text, ring)?;
    }
    text.push(b')');
    Ok(())
}

fn push_ring(text: &mut Vec<u8>, ring: &LineString<f64>) -> Result<(), WriteFailed> {
    text.push(b'(');
    for (index, coord) in ring.0.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        push_coord(text, *coord)?;
    }
    text.push(b')');
    Ok(())
}

fn push_coord(text: &mut Vec<u8>, coord: Coord<f64>) -> Result<(), WriteFailed> {
    push_real(text, coord.x)?;
    text.push(b' ');
    push_real(text, coord.y)
}
