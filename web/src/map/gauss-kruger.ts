// Gauss–Krüger forward projection on the CGCS2000 ellipsoid (Krüger's series to the third order: under a millimetre
// inside a 3-degree zone). Used only to show the pointer's position; legal areas are the server's.

const semiMajorAxis_m = 6_378_137;
const flattening = 1 / 298.257_222_101;

const n = flattening / (2 - flattening);
const rectifyingRadius_m = (semiMajorAxis_m / (1 + n)) * (1 + n ** 2 / 4 + n ** 4 / 64);
const seriesTerms = [n / 2 - (2 / 3) * n ** 2 + (5 / 16) * n ** 3, (13 / 48) * n ** 2 - (3 / 5) * n ** 3, (61 / 240) * n ** 3];

export type ZonePosition = {
  /** Number of the 3-degree zone (zone 40 has its central meridian at 120° E). */
  zone: number;
  centralMeridian_degrees: number;
  /** With the zone number in front and the false easting of 500 km, as in EPSG:4513–4533. */
  easting_m: number;
  northing_m: number;
};

/** The plane position in the point's own 3-degree zone; nothing outside the zones used in China (25 to 45). */
export function toOwnZone(longitude: number, latitude: number): ZonePosition | null {
  const zone = Math.round(longitude / 3);
  if (zone < 25 || zone > 45 || latitude < 0 || latitude > 60) return null;
  const centralMeridian_degrees = zone * 3;
  const phi = (latitude * Math.PI) / 180;
  const lambda = ((longitude - centralMeridian_degrees) * Math.PI) / 180;
  const k = (2 * Math.sqrt(n)) / (1 + n);
  const t = Math.sinh(Math.atanh(Math.sin(phi)) - k * Math.atanh(k * Math.sin(phi)));
  const xi = Math.atan2(t, Math.cos(lambda));
  const eta = Math.atanh(Math.sin(lambda) / Math.sqrt(1 + t ** 2));
  let east = eta;
  let north = xi;
  seriesTerms.forEach((term, index) => {
    const order = 2 * (index + 1);
    east += term * Math.cos(order * xi) * Math.sinh(order * eta);
    north += term * Math.sin(order * xi) * Math.cosh(order * eta);
  });
  return {
    zone,
    centralMeridian_degrees,
    easting_m: zone * 1_000_000 + 500_000 + rectifyingRadius_m * east,
    northing_m: rectifyingRadius_m * north,
  };
}
