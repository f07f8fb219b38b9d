//! Watching, row by row, whether a file lies beside where its objects are known to be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use geo::Centroid;
use geo_types::{Coord, Geometry};

use super::{layer_shift, layer_shift_by_nearest};
use crate::report::Warning;

/// Where objects are known to lie: the middle of each, longitude and latitude in degrees.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KnownPlaces {
    /// By their source key, from earlier deliveries.
    places: HashMap<String, Coord<f64>>,
    /// Of other objects of the kind, from other sources, around the file's own place.
    nearby: Vec<Coord<f64>>,
}

impl KnownPlaces {
    /// Adds an object's middle.
    pub fn insert(&mut self, source_key: String, lon: f64, lat: f64) {
        self.places.insert(source_key, Coord { x: lon, y: lat });
    }

    /// Adds the middle of an object whose key says nothing, because it came from another source. Such are looked at
    /// only where no key is known.
    pub fn insert_nearby(&mut self, lon: f64, lat: f64) {
        self.nearby.push(Coord { x: lon, y: lat });
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty() && self.nearby.is_empty()
    }
}

/// Where an object lies in the file, and where it is known to.
type Pair = (Coord<f64>, Coord<f64>);

/// Compares rows with the places known until it is sure that the file is shifted, or that it isn't.
#[derive(Debug)]
pub(crate) struct ShiftWatch {
    known: Arc<KnownPlaces>,
    /// Nothing once it is settled.
    seen: Mutex<Option<Seen>>,
}

#[derive(Debug)]
enum Seen {
    Pairs(Vec<Pair>),
    Places(Vec<Coord<f64>>),
}

/// When to look: soon, because small files end soon, and again when there is more to go by.
const LOOK_AT: [usize; 5] = [5, 20, 80, 320, 1_280];

/// Likewise where no key tells which object is which: a handful may fit anywhere by chance, and each look compares all
/// with all around them.
const LOOK_AT_PLACES: [usize; 3] = [20, 80, 320];

impl ShiftWatch {
    pub(crate) fn new(known: Arc<KnownPlaces>) -> ShiftWatch {
        let seen = if !known.places.is_empty() {
            Some(Seen::Pairs(Vec::new()))
        } else if !known.nearby.is_empty() {
            Some(Seen::Places(Vec::new()))
        } else {
            None
        };
        ShiftWatch {
            known,
            seen: Mutex::new(seen),
        }
    }

    /// Takes notice of a row that is taken over; once in a file, the warning that it is shifted.
    pub(crate) fn notice(&self, source_key: &str, shape: Option<&Geometry<f64>>) -> Option<Warning> {
        if self.known.is_empty() {
            return None;
        }
        // Nothing panics while the lock is held.
        let mut guard = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (shift, is_settled) = match guard.as_mut()? {
            Seen::Pairs(pairs) => {
                let known = *self.known.places.get(source_key)?;
                pairs.push((shape?.centroid()?.0, known));
                if !LOOK_AT.contains(&pairs.len()) {
                    return None;
                }
                (layer_shift(pairs), LOOK_AT.last() == Some(&pairs.len()))
            }
            Seen::Places(places) => {
                places.push(shape?.centroid()?.0);
                if !LOOK_AT_PLACES.contains(&places.len()) {
                    return None;
                }
                (
                    layer_shift_by_nearest(places, &self.known.nearby),
                    LOOK_AT_PLACES.last() == Some(&places.len()),
                )
            }
        };
        if shift.is_some() || is_settled {
            *guard = None;
        }
        shift.map(|shift| shift.warning())
    }
}
