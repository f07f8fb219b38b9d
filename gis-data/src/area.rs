//! Plane areas in the own 3° Gauss–Krüger zone, as Chinese parcel areas are registered.
//!
//! The transverse Mercator projection is computed by Krüger's series to the sixth order in the
//! third flattening (Karney, "Transverse Mercator with an accuracy of a few nanometers", 2011,
//! equation 35), on the CGCS2000 ellipsoid. Only the forward direction is needed here, once for
//! every vertex of an import, which is why it doesn't go through the general projection crate.
//! Areas of shapes near their central meridian, which is nearly all, take the surveyors' own
//! series in the difference of longitude (高斯投影正算), in a third of the time.

use std::sync::LazyLock;

use geo_types::{Coord, Geometry, LineString, Polygon};
use serde::Serialize;

/// Semi-major axis of the CGCS2000 ellipsoid in metres (GB 22021-2008).
const SEMI_MAJOR_M: f64 = 6_378_137.0;
/// Inverse flattening of the CGCS2000 ellipsoid (GB 22021-2008).
const INVERSE_FLATTENING: f64 = 298.257_222_101;

/// A 3° Gauss–Krüger zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GkZone {
    /// Degrees east, a multiple of 3, from -180 to 180.
    pub central_meridian: i16,
    /// Zone number (central meridian / 3) where the national system has one: 25 to 45.
    pub number: Option<u8>,
    /// EPSG code without zone number in the easting (4534–4554), where there is one.
    pub epsg: Option<u32>,
    /// EPSG code with the zone number in the easting (4513–4533), where there is one.
    pub epsg_with_prefix: Option<u32>,
}

impl GkZone {
    /// The zone of that central meridian in degrees.
    fn of_central_meridian(central_meridian: i16) -> GkZone {
        let number = central_meridian / 3;
        let number = u8::try_from(number).ok().filter(|number| (25..=45).contains(number));
        GkZone {
            central_meridian,
            number,
            epsg: number.map(|number| 4509 + u32::from(number)),
            epsg_with_prefix: number.map(|number| 4488 + u32::from(number)),
        }
    }
}

/// The 3° zone a longitude (degrees) lies in: the nearest multiple of 3°.
pub fn zone_of(lon: f64) -> GkZone {
    let meridian = (lon / 3.0).round() * 3.0;
    // The cast saturates, and NaN gives 0: any input has a zone.
    GkZone::of_central_meridian(meridian.clamp(-180.0, 180.0) as i16)
}

/// The 3° zone of a shape in longitude and latitude: that of the middle of its bounding box.
pub fn zone_of_geometry(geometry: &Geometry<f64>) -> Option<GkZone> {
    use geo::BoundingRect;
    geometry
        .bounding_rect()
        .map(|rect| zone_of((rect.min().x + rect.max().x) / 2.0))
}

/// Constants of the series for one ellipsoid.
#[derive(Debug)]
struct Series {
    /// First eccentricity.
    eccentricity: f64,
    /// Rectifying radius in metres.
    radius_m: f64,
    /// Coefficients α₁…α₆.
    alpha: [f64; 6],
    semi_major_m: f64,
    /// Square of the first eccentricity.
    e2: f64,
    /// Coefficients of sin 2φ, sin 4φ … sin 12φ in the length of the meridian, over its radius.
    meridian: [f64; 6],
}

static CGCS2000: LazyLock<Series> = LazyLock::new(|| Series::new(SEMI_MAJOR_M, INVERSE_FLATTENING));

impl Series {
    fn new(semi_major_m: f64, inverse_flattening: f64) -> Series {
        let f = 1.0 / inverse_flattening;
        let n = f / (2.0 - f);
        let (n2, n3, n4, n5, n6) = (n.powi(2), n.powi(3), n.powi(4), n.powi(5), n.powi(6));
        Series {
            eccentricity: (f * (2.0 - f)).sqrt(),
            radius_m: semi_major_m / (1.0 + n) * (1.0 + n2 / 4.0 + n4 / 64.0 + n6 / 256.0),
            alpha: [
                n / 2.0 - 2.0 / 3.0 * n2 + 5.0 / 16.0 * n3 + 41.0 / 180.0 * n4 - 127.0 / 288.0 * n5
                    + 7891.0 / 37800.0 * n6,
                13.0 / 48.0 * n2 - 3.0 / 5.0 * n3 + 557.0 / 1440.0 * n4 + 281.0 / 630.0 * n5
                    - 1_983_433.0 / 1_935_360.0 * n6,
                61.0 / 240.0 * n3 - 103.0 / 140.0 * n4 + 15061.0 / 26880.0 * n5 + 167_603.0 / 181_440.0 * n6,
                49561.0 / 161_280.0 * n4 - 179.0 / 168.0 * n5 + 6_601_661.0 / 7_257_600.0 * n6,
                34729.0 / 80640.0 * n5 - 3_418_889.0 / 1_995_840.0 * n6,
                212_378_941.0 / 319_334_400.0 * n6,
            ],
            semi_major_m,
            e2: f * (2.0 - f),
            // The rectifying latitude by the geodetic one (Helmert's series).
            meridian: [
                -3.0 / 2.0 * n + 9.0 / 16.0 * n3 - 3.0 / 32.0 * n5,
                15.0 / 16.0 * n2 - 15.0 / 32.0 * n4 + 135.0 / 2048.0 * n6,
                -35.0 / 48.0 * n3 + 105.0 / 256.0 * n5,
                315.0 / 512.0 * n4 - 189.0 / 512.0 * n6,
                -693.0 / 1280.0 * n5,
                1001.0 / 2048.0 * n6,
            ],
        }
    }

    /// As [`Series::forward`], by powers of the difference of longitude: within a micrometre up to
    /// [`NEAR_LON_DEG`] from the central meridian and [`NEAR_LAT_DEG`] from the equator.
    fn forward_near(&self, lambda: f64, phi: f64) -> (f64, f64) {
        let (sin, cos) = phi.sin_cos();
        let (sin_2phi, cos_2phi) = (2.0 * sin * cos, (cos - sin) * (cos + sin));
        let (mut y1, mut y2) = (0.0, 0.0);
        for coefficient in self.meridian.iter().rev() {
            (y1, y2) = (2.0 * cos_2phi * y1 - y2 + coefficient, y1);
        }
        let along_meridian = self.radius_m * (phi + sin_2phi * y1);
        let t = sin / cos;
        let t2 = t * t;
        let t4 = t2 * t2;
        let eta2 = self.e2 / (1.0 - self.e2) * cos * cos;
        let radius = self.semi_major_m / (1.0 - self.e2 * sin * sin).sqrt();
        let m = lambda * cos;
        let m2 = m * m;
        let north = 1.0 / 2.0
            + m2 * ((5.0 - t2 + eta2 * (9.0 + 4.0 * eta2)) / 24.0
                + m2 * ((61.0 - 58.0 * t2 + t4 + eta2 * (270.0 - 330.0 * t2)) / 720.0
                    + m2 * (1385.0 - 3111.0 * t2 + 543.0 * t4 - t4 * t2) / 40320.0));
        let east = 1.0
            + m2 * ((1.0 - t2 + eta2) / 6.0
                + m2 * ((5.0 - 18.0 * t2 + t4 + eta2 * (14.0 - 58.0 * t2 + eta2 * (13.0 - 64.0 * t2))) / 120.0
                    + m2 * (61.0 - 479.0 * t2 + 179.0 * t4 - t4 * t2) / 5040.0));
        (radius * m * east, along_meridian + radius * t * m2 * north)
    }

    /// Easting from the central meridian and northing from the equator, metres.
    fn forward(&self, lambda: f64, phi: f64) -> (f64, f64) {
        let e = self.eccentricity;
        let (sin_phi, cos_phi) = phi.sin_cos();
        let (sin_lambda, cos_lambda) = lambda.sin_cos();
        // Conformal latitude as a tangent (equations 7 to 9), written without tan(phi) of 90°.
        let tau = sin_phi / cos_phi;
        let sigma = (e * (e * sin_phi).atanh()).sinh();
        let tau_conformal = tau * (1.0 + sigma * sigma).sqrt() - sigma * (1.0 + tau * tau).sqrt();
        let xi = tau_conformal.atan2(cos_lambda);
        let hypotenuse = tau_conformal.hypot(cos_lambda);
        let eta = (sin_lambda / hypotenuse).asinh();
        // Σ αⱼ sin 2jξ cosh 2jη and Σ αⱼ cos 2jξ sinh 2jη by Clenshaw's recurrence with the
        // complex argument ξ + iη.
        let (sin_2xi, cos_2xi) = (2.0 * xi).sin_cos();
        let exponential = (2.0 * eta).exp();
        let (cosh_2eta, sinh_2eta) = (
            (exponential + 1.0 / exponential) / 2.0,
            (exponential - 1.0 / exponential) / 2.0,
        );
        let (re, im) = (2.0 * cos_2xi * cosh_2eta, -2.0 * sin_2xi * sinh_2eta);
        let (mut y1_re, mut y1_im, mut y2_re, mut y2_im) = (0.0, 0.0, 0.0, 0.0);
        for coefficient in self.alpha.iter().rev() {
            let y0_re = re * y1_re - im * y1_im - y2_re + coefficient;
            let y0_im = re * y1_im + im * y1_re - y2_im;
            (y2_re, y2_im) = (y1_re, y1_im);
            (y1_re, y1_im) = (y0_re, y0_im);
        }
        let (sin_re, sin_im) = (sin_2xi * cosh_2eta, cos_2xi * sinh_2eta);
        let xi = xi + sin_re * y1_re - sin_im * y1_im;
        let eta = eta + sin_re * y1_im + sin_im * y1_re;
        (self.radius_m * eta, self.radius_m * xi)
    }
}

/// Easting (from the central meridian, without false easting) and northing in metres of a
/// longitude and latitude in degrees, CGCS2000 Gauss–Krüger.
pub fn gauss_kruger(lon: f64, lat: f64, central_meridian: f64) -> (f64, f64) {
    CGCS2000.forward((lon - central_meridian).to_radians(), lat.to_radians())
}

/// Plane area in m² of a shape in longitude and latitude degrees, in its own 3° zone: shells less
/// holes, whatever the direction of the rings. Points and lines have no area: 0.
///
/// For an invalid shape it is what the surveyor's formula gives ring by ring.
pub fn plane_area_m2(geometry: &Geometry<f64>) -> f64 {
    match zone_of_geometry(geometry) {
        Some(zone) => plane_area_in_zone(geometry, f64::from(zone.central_meridian)),
        None => 0.0,
    }
}

fn plane_area_in_zone(geometry: &Geometry<f64>, central_meridian: f64) -> f64 {
    match geometry {
        Geometry::Polygon(polygon) => polygon_area(polygon, central_meridian),
        Geometry::MultiPolygon(polygons) => polygons
            .iter()
            .map(|polygon| polygon_area(polygon, central_meridian))
            .sum(),
        Geometry::GeometryCollection(members) => members
            .iter()
            .map(|member| plane_area_in_zone(member, central_meridian))
            .sum(),
        Geometry::Rect(rect) => polygon_area(&rect.to_polygon(), central_meridian),
        Geometry::Triangle(triangle) => polygon_area(&triangle.to_polygon(), central_meridian),
        Geometry::Point(_)
        | Geometry::Line(_)
        | Geometry::LineString(_)
        | Geometry::MultiPoint(_)
        | Geometry::MultiLineString(_) => 0.0,
    }
}

fn polygon_area(polygon: &Polygon<f64>, central_meridian: f64) -> f64 {
    let holes: f64 = polygon
        .interiors()
        .iter()
        .map(|ring| ring_area(ring, central_meridian))
        .sum();
    (ring_area(polygon.exterior(), central_meridian) - holes).max(0.0)
}

/// Degrees of longitude from the central meridian within which the short series is used.
const NEAR_LON_DEG: f64 = 2.0;
/// Degrees of latitude likewise; China ends at 54°.
const NEAR_LAT_DEG: f64 = 75.0;

/// Unsigned area of one closed ring, m².
fn ring_area(ring: &LineString<f64>, central_meridian: f64) -> f64 {
    let is_near = ring
        .0
        .iter()
        .all(|coord| (coord.x - central_meridian).abs() <= NEAR_LON_DEG && coord.y.abs() <= NEAR_LAT_DEG);
    if is_near {
        let series = &*CGCS2000;
        ring_area_by(ring, |coord| {
            series.forward_near((coord.x - central_meridian).to_radians(), coord.y.to_radians())
        })
    } else {
        ring_area_by(ring, |coord| gauss_kruger(coord.x, coord.y, central_meridian))
    }
}

fn ring_area_by(ring: &LineString<f64>, project: impl Fn(&Coord<f64>) -> (f64, f64)) -> f64 {
    let [first, others @ .., _] = ring.0.as_slice() else {
        return 0.0;
    };
    // Coordinates relative to the first vertex keep the products small, so that small parcels
    // lose no digits to the distance from the equator. The last vertex is the first again.
    let origin = project(first);
    let mut previous = (0.0, 0.0);
    let mut doubled = 0.0;
    for coord in others {
        let (x, y) = project(coord);
        let point = (x - origin.0, y - origin.1);
        doubled += previous.0 * point.1 - point.0 * previous.1;
        previous = point;
    }
    doubled.abs() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_short_series_agrees_with_the_long_one(
            lambda in -NEAR_LON_DEG..NEAR_LON_DEG,
            phi in -NEAR_LAT_DEG..NEAR_LAT_DEG,
        ) {
            let (lambda, phi) = (lambda.to_radians(), phi.to_radians());
            let (long, short) = (CGCS2000.forward(lambda, phi), CGCS2000.forward_near(lambda, phi));
            prop_assert!((long.0 - short.0).abs() < 1e-6, "{long:?} {short:?}");
            prop_assert!((long.1 - short.1).abs() < 1e-6, "{long:?} {short:?}");
        }
    }
}
