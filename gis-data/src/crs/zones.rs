//! The Gauss–Krüger zones of China and their codes in EPSG.

use super::Crs;
use super::system::{DatumPath, OldDatum};

/// A datum with its series of zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Cgcs2000,
    Xian1980,
    Beijing1954,
}

impl Family {
    /// The family a system belongs to; CGCS2000 for every datum that is taken as equal to it.
    pub(super) fn of(crs: &Crs) -> Option<Family> {
        match crs.path {
            DatumPath::Equal => Some(Family::Cgcs2000),
            DatumPath::ByParameters(OldDatum::Xian1980) => Some(Family::Xian1980),
            DatumPath::ByParameters(OldDatum::Beijing1954) => Some(Family::Beijing1954),
            DatumPath::ByParameters(_) | DatumPath::Published | DatumPath::Shifted(_) => None,
        }
    }

    /// What it is called in Chinese and English.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Family::Cgcs2000 => ("CGCS2000", "CGCS2000"),
            Family::Xian1980 => ("西安 1980", "Xian 1980"),
            Family::Beijing1954 => ("北京 1954", "Beijing 1954"),
        }
    }
}

/// A zone: by its meridian, and whether its number stands in front of the easting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Zone {
    /// Whether 3° wide (else 6°).
    is_narrow: bool,
    pub(super) number: u32,
    pub(super) is_numbered: bool,
}

/// The numbers of the 3° zones of China, and those of its 6° zones.
const NARROW: std::ops::RangeInclusive<u32> = 25..=45;
const WIDE: std::ops::RangeInclusive<u32> = 13..=23;

impl Zone {
    /// The 3° zone with a number.
    pub(super) fn narrow(number: u32, is_numbered: bool) -> Option<Zone> {
        NARROW.contains(&number).then_some(Zone {
            is_narrow: true,
            number,
            is_numbered,
        })
    }

    /// The zone that a system is.
    pub(super) fn of(crs: &Crs) -> Option<Zone> {
        let (meridian, false_easting) = crs.gauss_kruger_zone()?;
        let whole = |number: f64| ((number.round() - number).abs() < 1e-9).then_some(number.round() as u32);
        let is_numbered = |number: u32| match false_easting {
            500_000.0 => Some(false),
            _ => (false_easting == f64::from(number) * 1e6 + 500_000.0).then_some(true),
        };
        let narrow = whole(meridian / 3.0)
            .filter(|number| NARROW.contains(number))
            .and_then(|number| {
                Some(Zone {
                    is_narrow: true,
                    number,
                    is_numbered: is_numbered(number)?,
                })
            });
        narrow.or_else(|| {
            let number = whole((meridian + 3.0) / 6.0).filter(|number| WIDE.contains(number))?;
            Some(Zone {
                is_narrow: false,
                number,
                is_numbered: is_numbered(number)?,
            })
        })
    }

    /// Its central meridian, degrees.
    pub(super) fn meridian(self) -> f64 {
        if self.is_narrow {
            f64::from(self.number) * 3.0
        } else {
            f64::from(self.number) * 6.0 - 3.0
        }
    }

    /// Its code in EPSG on a datum.
    pub(super) fn code_in(self, family: Family) -> Option<u32> {
        let before_first = match (family, self.is_narrow, self.is_numbered) {
            (Family::Cgcs2000, true, true) => 4488,
            (Family::Cgcs2000, true, false) => 4509,
            (Family::Cgcs2000, false, true) => 4478,
            (Family::Cgcs2000, false, false) => 4489,
            (Family::Xian1980, true, true) => 2324,
            (Family::Xian1980, true, false) => 2345,
            (Family::Xian1980, false, true) => 2314,
            (Family::Xian1980, false, false) => 2325,
            (Family::Beijing1954, true, true) => 2376,
            (Family::Beijing1954, true, false) => 2397,
            (Family::Beijing1954, false, _) => return None,
        };
        Some(before_first + self.number)
    }

    /// The same zone with its number in front of the easting, or without.
    pub(super) fn numbered(self, is_numbered: bool) -> Zone {
        Zone { is_numbered, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_the_systems_with_that_meridian() {
        for family in [Family::Cgcs2000, Family::Xian1980, Family::Beijing1954] {
            for number in 13..=45 {
                for (is_narrow, is_numbered) in [(true, true), (true, false), (false, true), (false, false)] {
                    let zone = Zone {
                        is_narrow,
                        number,
                        is_numbered,
                    };
                    let exists = if is_narrow { NARROW } else { WIDE }.contains(&number);
                    let Some(code) = zone.code_in(family).filter(|_| exists) else {
                        continue;
                    };
                    let crs = Crs::of_code(code).unwrap_or_else(|error| panic!("{code}: {error}"));
                    assert_eq!(Family::of(&crs), Some(family), "{code}");
                    let found = Zone::of(&crs).unwrap_or_else(|| panic!("{code} is no zone"));
                    assert_eq!(found.meridian(), zone.meridian(), "{code}");
                    assert_eq!(found.is_numbered, is_numbered, "{code}");
                }
            }
        }
    }
}
