//! Spatial index and vector-tile engine.
