// Where the labels of shapes go: the pieces of one asset, cut apart by the tiles, get one label together.
import type { Feature, FeatureCollection, Geometry, Point, Position } from "geojson";

export type Piece = { layer: string; properties: Record<string, unknown>; geometry: Geometry };

type Middle = { area: number; position: Position };

/** Area (in square degrees, only to compare) and centre of gravity of a ring. */
function ringMiddle(ring: Position[]): Middle | null {
  let doubled = 0;
  let east = 0;
  let north = 0;
  const [originX = 0, originY = 0] = ring[0] ?? [];
  for (let i = 1; i < ring.length; i++) {
    const [x0 = 0, y0 = 0] = ring[i - 1] ?? [];
    const [x1 = 0, y1 = 0] = ring[i] ?? [];
    const cross = (x0 - originX) * (y1 - originY) - (x1 - originX) * (y0 - originY);
    doubled += cross;
    east += (x0 + x1 - 2 * originX) * cross;
    north += (y0 + y1 - 2 * originY) * cross;
  }
  if (doubled === 0) return null;
  return { area: Math.abs(doubled / 2), position: [originX + east / (3 * doubled), originY + north / (3 * doubled)] };
}

function middleOf(geometry: Geometry): Middle | null {
  if (geometry.type === "Point") return { area: 0, position: geometry.coordinates };
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : [];
  let largest: Middle | null = null;
  for (const [outer] of polygons) {
    const middle = outer === undefined ? null : ringMiddle(outer);
    if (middle !== null && (largest === null || middle.area > largest.area)) largest = middle;
  }
  return largest;
}

export function labelPoints(pieces: readonly Piece[]): FeatureCollection<Point> {
  const found = new Map<string, { area: number; feature: Feature<Point> }>();
  for (const { layer, properties, geometry } of pieces) {
    const id = String(properties["id"]);
    const middle = middleOf(geometry);
    const before = found.get(id);
    if (middle === null || (before !== undefined && before.area >= middle.area)) continue;
    found.set(id, {
      area: middle.area,
      feature: { type: "Feature", properties: { ...properties, layer }, geometry: { type: "Point", coordinates: middle.position } },
    });
  }
  return { type: "FeatureCollection", features: [...found.values()].map(({ feature }) => feature) };
}
