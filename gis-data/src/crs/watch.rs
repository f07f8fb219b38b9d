//! Watching, row by row, whether a file lies beside where its objects are known to be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use geo::Centroid;
use geo_types::{Coord, Geometry};

use super::layer_shift;
use crate::report::Warning;

/// Where objects are known to lie, by their source key: the middle of each, longitude and latitude in
/// degrees.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownPlaces {
    places: HashMap<String, Coord<f64>>,
}

impl KnownPlaces {
    /// Adds an object's middle.
    pub fn insert(&mut self, source_key: String, lon: f64, lat: f64) {
        self.places.insert(source_key, Coord { x: lon, y: lat });
    }
}

/// Where an object lies in the file, and where it is known to.
type Pair = (Coord<f64>, Coord<f64>);

/// Compares rows with the places known until it is sure that the file is shifted, or that it isn't.
#[derive(Debug)]
pub(crate) struct ShiftWatch {
    known: Arc<KnownPlaces>,
    /// Nothing once it is settled.
    pairs: Mutex<Option<Vec<Pair>>>,
}

/// When to look: soon, because small files end soon, and again when there is more to go by.
const LOOK_AT: [usize; 5] = [5, 20, 80, 320, 1_280];

impl ShiftWatch {
    pub(crate) fn new(known: Arc<KnownPlaces>) -> ShiftWatch {
        let pairs = (!known.places.is_empty()).then(Vec::new);
        ShiftWatch {
            known,
            pairs: Mutex::new(pairs),
        }
    }

    /// Takes notice of a row that is taken over; once in a file, the warning that it is shifted.
    pub(crate) fn notice(&self, source_key: &str, shape: Option<&Geometry<f64>>) -> Option<Warning> {
        let known = *self.known.places.get(source_key)?;
        let middle = shape?.centroid()?.0;
        // Nothing panics while the lock is held.
        let mut guard = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = guard.as_mut()?;
        pairs.push((middle, known));
        if !LOOK_AT.contains(&pairs.len()) {
            return None;
        }
        let shift = layer_shift(pairs);
        if shift.is_some() || LOOK_AT.last() == Some(&pairs.len()) {
            *guard = None;
        }
        shift.map(|shift| shift.warning())
    }
}
