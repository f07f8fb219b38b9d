//! Geometry at the edges: GeoJSON in, EWKB to the database (EPSG:4490), and what is worked out from a shape once.

use geo_types::Geometry;
use geozero::wkb::{FromWkb, WkbDialect};
use geozero::{CoordDimensions, ToWkb};
use serde_json::value::RawValue;

use crate::request::{Fault, Problem};

/// The storage CRS: CGCS2000 geographic, longitude and latitude in degrees.
pub const STORAGE_SRID: i32 = 4490;

/// Reads a GeoJSON geometry: longitude and latitude.
///
/// # Errors
/// A problem on the field `geometry`, saying what is wrong with it.
pub fn from_geojson(value: &serde_json::Value) -> Result<Geometry<f64>, Problem> {
    let refuse = |detail: String| {
        Problem::invalid("geometry", detail).remedy("send a GeoJSON Polygon or MultiPolygon in longitude and latitude")
    };
    let geometry: geojson::Geometry =
        serde_json::from_value(value.clone()).map_err(|error| refuse(format!("it is no GeoJSON geometry: {error}")))?;
    let shape = Geometry::<f64>::try_from(geometry).map_err(|error| refuse(error.to_string()))?;
    use geo::CoordsIter;
    if shape.coords_count() == 0 {
        return Err(refuse("the geometry is empty".to_owned()));
    }
    if let Some(coord) = shape
        .coords_iter()
        .find(|coord| !(-180.0..=180.0).contains(&coord.x) || !(-90.0..=90.0).contains(&coord.y))
    {
        return Err(refuse(format!("{} {} is no longitude and latitude", coord.x, coord.y)));
    }
    Ok(shape)
}

/// The database's form.
///
/// # Errors
/// Where the shape can't be written.
pub fn ewkb(shape: &Geometry<f64>) -> Result<Vec<u8>, Fault> {
    shape
        .to_ewkb(CoordDimensions::xy(), Some(STORAGE_SRID))
        .map_err(|error| Fault::Impossible {
            what: format!("a geometry can't be written: {error}"),
        })
}

/// The database's form of a shape in a system that is kept but never stored as a geometry (an old datum); none where it
/// has no code.
///
/// # Errors
/// Where the shape can't be written.
pub fn ewkb_in(shape: &Geometry<f64>, epsg: Option<u32>) -> Result<Vec<u8>, Fault> {
    shape
        .to_ewkb(CoordDimensions::xy(), epsg.and_then(|code| i32::try_from(code).ok()))
        .map_err(|error| Fault::Impossible {
            what: format!("a geometry can't be written: {error}"),
        })
}

/// Reads the database's form.
///
/// # Errors
/// Where the bytes are no EWKB.
pub fn from_ewkb(mut bytes: &[u8]) -> Result<Geometry<f64>, Fault> {
    Geometry::from_wkb(&mut bytes, WkbDialect::Ewkb).map_err(|error| Fault::Impossible {
        what: format!("a geometry can't be read: {error}"),
    })
}

/// EWKB as GeoJSON, faulty shapes too; none where the bytes are no shape at all.
#[must_use]
pub fn ewkb_as_geojson(ewkb: &[u8]) -> Option<Box<RawValue>> {
    let shape = from_ewkb(ewkb).ok()?;
    serde_json::value::to_raw_value(&geojson::Geometry::from(&shape)).ok()
}

/// Plane area in the shape's own 3-degree Gauss–Kruger zone, m²; none for a point.
#[must_use]
pub fn area_m2(shape: &Geometry<f64>) -> Option<f64> {
    match shape {
        Geometry::Polygon(_) | Geometry::MultiPolygon(_) => Some(gis_data::area::plane_area_m2(shape)),
        _ => None,
    }
}

/// The tile engine's form of a shape.
///
/// # Errors
/// A problem where tiles can't show it.
pub fn tile_shape(shape: &Geometry<f64>) -> Result<Vec<u8>, Problem> {
    tiles::Shape::prepare(shape)
        .map(|shape| shape.to_bytes())
        .map_err(|error| Problem::invalid("geometry", error.to_string()))
}
