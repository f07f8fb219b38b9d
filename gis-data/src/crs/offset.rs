//! GCJ-02 and BD-09: coordinates shifted for maps shown to the public.
//!
//! No survey result is in them, and nothing is stored in them. A file that is declared to be so is
//! taken back by the formulas that are in public use; they reproduce the shift to metres, not to
//! survey quality.

use std::f64::consts::PI;

use geo_types::Coord;

use super::guess::is_on_earth;

/// A shift for public maps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offset {
    /// 火星坐标: 360 to 660 m off in the cities of China.
    Gcj02,
    /// 百度坐标: a further shift on top of GCJ-02.
    Bd09,
}

/// Semi-major axis, m, and squared eccentricity of the ellipsoid of Krassowsky: the formula turns
/// metres into degrees with them.
const AXIS_M: f64 = 6_378_245.0;
const ECCENTRICITY_SQUARED: f64 = 0.006_693_421_622_965_943;
/// The wave of BD-09 in radians for a degree.
const BD_WAVE: f64 = PI * 3000.0 / 180.0;
/// Where going back has to stop, degrees: 0.01 mm.
const CLOSE_ENOUGH: f64 = 1e-10;

impl Offset {
    /// The shift meant by a name: `gcj02`, `GCJ-02`, `火星坐标`, `bd09`, `百度坐标`.
    pub(super) fn of_name(text: &str) -> Option<Offset> {
        if text.contains('[') {
            return None;
        }
        let plain: String = text
            .chars()
            .filter(|c| c.is_alphanumeric())
            .collect::<String>()
            .to_lowercase();
        if plain.contains("gcj02") || plain.contains("火星") {
            Some(Offset::Gcj02)
        } else if plain.contains("bd09") || plain.contains("百度") {
            Some(Offset::Bd09)
        } else {
            None
        }
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Offset::Gcj02 => "GCJ-02",
            Offset::Bd09 => "BD-09",
        }
    }

    /// What is given as the coordinate system of a file that is in it.
    pub fn option(self) -> &'static str {
        match self {
            Offset::Gcj02 => "gcj02",
            Offset::Bd09 => "bd09",
        }
    }

    /// Shifts longitude and latitude in degrees. Outside China nothing is shifted.
    pub fn apply(self, coord: Coord<f64>) -> Coord<f64> {
        let shifted = gcj02(coord);
        match self {
            Offset::Gcj02 => shifted,
            Offset::Bd09 => bd09(shifted),
        }
    }

    /// Takes the shift back, to 10⁻⁹ degrees of what [`Offset::apply`] started from. Nothing where
    /// that doesn't settle: at the very edge of the formula's box, where the shift begins at once.
    pub fn remove(self, coord: Coord<f64>) -> Option<Coord<f64>> {
        // The shift changes by less than a hundredth from place to place, so each step is a hundred
        // times closer.
        let mut guess = coord;
        for _ in 0..40 {
            let there = self.apply(guess);
            let (off_x, off_y) = (there.x - coord.x, there.y - coord.y);
            if off_x.abs() < CLOSE_ENOUGH && off_y.abs() < CLOSE_ENOUGH {
                return is_on_earth(guess).then_some(guess);
            }
            guess.x -= off_x;
            guess.y -= off_y;
        }
        None
    }
}

fn gcj02(coord: Coord<f64>) -> Coord<f64> {
    let is_shifted = (72.004..=137.8347).contains(&coord.x) && (0.8293..=55.8271).contains(&coord.y);
    if !is_shifted {
        return coord;
    }
    let (x, y) = (coord.x - 105.0, coord.y - 35.0);
    let root = x.abs().sqrt();
    let short_waves = (20.0 * (6.0 * x * PI).sin() + 20.0 * (2.0 * x * PI).sin()) * 2.0 / 3.0;
    let waves = |value: f64, long: f64, longest: f64, divisor: f64| {
        (20.0 * (value * PI).sin() + 40.0 * (value / 3.0 * PI).sin()) * 2.0 / 3.0
            + (long * (value / 12.0 * PI).sin() + longest * (value * PI / divisor).sin()) * 2.0 / 3.0
    };
    let north_m = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + short_waves
        + waves(y, 160.0, 320.0, 30.0);
    let east_m =
        300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + short_waves + waves(x, 150.0, 300.0, 30.0);
    let latitude = coord.y.to_radians();
    let w = 1.0 - ECCENTRICITY_SQUARED * latitude.sin().powi(2);
    let meridian_radius_m = AXIS_M * (1.0 - ECCENTRICITY_SQUARED) / (w * w.sqrt());
    let parallel_radius_m = AXIS_M / w.sqrt() * latitude.cos();
    Coord {
        x: coord.x + (east_m / parallel_radius_m).to_degrees(),
        y: coord.y + (north_m / meridian_radius_m).to_degrees(),
    }
}

fn bd09(coord: Coord<f64>) -> Coord<f64> {
    let distance = coord.x.hypot(coord.y) + 0.000_02 * (coord.y * BD_WAVE).sin();
    let angle = coord.y.atan2(coord.x) + 0.000_003 * (coord.x * BD_WAVE).cos();
    Coord {
        x: distance * angle.cos() + 0.0065,
        y: distance * angle.sin() + 0.006,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn metres(a: Coord<f64>, b: Coord<f64>) -> f64 {
        let east = (a.x - b.x) * 111_320.0 * a.y.to_radians().cos();
        east.hypot((a.y - b.y) * 110_950.0)
    }

    #[test]
    fn the_shift_of_the_cities_is_the_one_known() {
        // 永州, 常州, 济南, 昆明; from one end of a city to the other it differs by tens of metres.
        for (lon, lat, off_m) in [
            (111.613, 26.421, 657.0),
            (119.95, 31.78, 504.0),
            (117.0, 36.65, 550.0),
            (102.7, 25.04, 360.0),
        ] {
            let place = Coord { x: lon, y: lat };
            let found = metres(place, Offset::Gcj02.apply(place));
            assert!((found - off_m).abs() < 30.0, "{lon} {lat}: {found} m");
        }
        let abroad = Coord { x: 2.35, y: 48.85 };
        assert_eq!(Offset::Gcj02.apply(abroad), abroad);
    }

    proptest! {
        #[test]
        fn what_is_shifted_comes_back(lon in 73.0..137.0_f64, lat in 3.0..55.0_f64, bd in any::<bool>()) {
            let offset = if bd { Offset::Bd09 } else { Offset::Gcj02 };
            let place = Coord { x: lon, y: lat };
            let back = offset.remove(offset.apply(place));
            prop_assert!(back.is_some_and(|back| (back.x - lon).abs() < 1e-9 && (back.y - lat).abs() < 1e-9), "{back:?}");
        }
    }
}
