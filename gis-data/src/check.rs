//! Geometry checks and mending.
