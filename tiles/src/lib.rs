//! Spatial index and vector-tile engine of the registry: no database, no HTTP, no async.
//!
//! A [`Layer`] holds features whose geometry is already projected to Web Mercator (EPSG:3857),
//! quantised to a 32-bit world grid (one unit is 9.3 mm at the equator) and carries, per vertex,
//! the lowest zoom at which the vertex matters. A tile is then: query the R-tree, filter by scope,
//! drop vertices, snap, clip, encode ([MVT 2.1]). Below the feature zooms a tile holds true totals
//! instead of a sample. A [`TileSet`] puts several layers behind one cache of finished gzip bytes.
//!
//! What is deliberately absent: projections other than lon/lat degrees in, knowledge of where
//! features come from, who the caller is (a [`ScopeFilter`] arrives ready-made), and time.
//!
//! [MVT 2.1]: https://github.com/mapbox/vector-tile-spec/tree/master/2.1
//!
//! ```
//! use tiles::{Attributes, Change, Dictionary, Feature, FeatureId, Layer, LayerName, ScopeFilter, ScopeId, Shape, TileId};
//!
//! let dictionary = Dictionary::new();
//! let square = geo_types::Rect::new((119.95, 31.78), (119.96, 31.79)).to_polygon();
//! let feature = Feature {
//!     id: FeatureId(1),
//!     uuid: [7; 16],
//!     shape: Shape::prepare(&square.into())?,
//!     area_m2: 1_050_000.0,
//!     scope: ScopeId(3),
//!     attributes: Attributes { usage: dictionary.intern("idle_land"), ..Attributes::default() },
//! };
//! let layer = Layer::load(LayerName::Parcels, dictionary, vec![feature], 41);
//! let tile = TileId::containing(14, 119.955, 31.785)?;
//! assert!(!layer.encode(tile, &ScopeFilter::All).is_empty());
//! assert!(layer.encode(tile, &ScopeFilter::only([ScopeId(1), ScopeId(2)])).is_empty());
//! assert_eq!(layer.version(tile), 41);
//! layer.apply(vec![Change::Remove(FeatureId(1))], 42);
//! assert!(layer.encode(tile, &ScopeFilter::All).is_empty());
//! assert_eq!(layer.version(tile), 42);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![deny(missing_docs)]

mod cache;
mod clip;
mod draw;
mod encode;
mod feature;
mod grid;
mod index;
mod layer;
mod mend;
mod shape;
mod simplify;
mod store;
mod summary;
mod versions;

pub use cache::{TileAnswer, TileSet};
pub use feature::{
    Attributes, Change, Dictionary, Feature, FeatureId, LayerName, ScopeFilter, ScopeId, ScopeSet, Word,
};
pub use grid::{MAX_ZOOM, TileAddress, TileId};
pub use layer::{Layer, LayerBuilder};
pub use shape::{Shape, ShapeCorrupt, ShapeRefused};
