//! Shapes as they are kept beside a row for tiles.

use geo_types::Geometry;
use tiles::{Attributes, Dictionary, Feature, FeatureId, Layer, LayerName, ScopeFilter, ScopeId, Shape, TileId};

/// Reads a stored shape, and draws what could be read at zooms from far to near.
pub fn tile_shape(bytes: &[u8]) {
    let shape = match Shape::from_bytes(bytes) {
        Ok(shape) => shape,
        Err(corrupt) => {
            assert!(!corrupt.to_string().is_empty(), "a refusal without words");
            return;
        }
    };
    assert_eq!(
        Shape::from_bytes(&shape.to_bytes()).as_ref(),
        Ok(&shape),
        "what was read is written and read again as the same"
    );
    let [west, south, east, north] = shape.bounds();
    let feature = Feature {
        id: FeatureId(1),
        uuid: [7; 16],
        shape,
        area_m2: 1.0,
        scope: ScopeId(1),
        attributes: Attributes::default(),
    };
    let layer = Layer::load(LayerName::Parcels, Dictionary::new(), [feature], 1);
    for zoom in [0, 8, 11, 14, 17, 20] {
        for (longitude, latitude) in [((west + east) / 2.0, (south + north) / 2.0), (west, north)] {
            if let Ok(tile) = TileId::containing(zoom, longitude, latitude) {
                let drawn = layer.encode(tile, &ScopeFilter::All);
                assert!(drawn.len() < 64 << 20, "{} bytes for one shape", drawn.len());
            }
        }
    }
}

/// A shape that the pipeline accepted can be prepared for tiles, stored and read back.
pub fn survives(geometry: &Geometry<f64>) {
    // Lines have no tiles, and say so.
    let Ok(shape) = Shape::prepare(geometry) else {
        return;
    };
    assert_eq!(
        Shape::from_bytes(&shape.to_bytes()).as_ref(),
        Ok(&shape),
        "an accepted shape is stored and read back as the same"
    );
}
