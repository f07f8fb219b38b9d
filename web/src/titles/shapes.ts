// Shapes as people paste or drop them: GeoJSON of any kind, or well-known text, in longitude and latitude.
import type { Geometry, Position } from "geojson";

const polygons = ["Polygon", "MultiPolygon"];
const lines = ["LineString", "MultiLineString"];

function* geometriesOf(value: unknown): Generator<Geometry> {
  if (typeof value !== "object" || value === null) return;
  const { type } = value as { type?: string };
  if (type === "FeatureCollection") for (const feature of (value as { features?: unknown[] }).features ?? []) yield* geometriesOf(feature);
  else if (type === "Feature") yield* geometriesOf((value as { geometry?: unknown }).geometry);
  else if (type === "GeometryCollection") for (const part of (value as { geometries?: unknown[] }).geometries ?? []) yield* geometriesOf(part);
  else if (type !== undefined && [...polygons, ...lines].includes(type)) yield value as Geometry;
}

/** One shape of well-known text; nothing where it is none. */
function fromWkt(text: string): Geometry | null {
  const match = /^\s*(?:SRID=\d+;)?\s*(MULTIPOLYGON|POLYGON|MULTILINESTRING|LINESTRING)\s*Z?\s*(\(.*\))\s*$/is.exec(text);
  if (match === null) return null;
  const [, kind = "", body = ""] = match;
  const numbers = body.replaceAll(/[-+]?[\d.]+(?:e[-+]?\d+)?(?:\s+[-+]?[\d.]+(?:e[-+]?\d+)?)+/gi, (point) => `[${point.trim().split(/\s+/).slice(0, 2).map(Number).join(",")}]`);
  let coordinates: unknown;
  try {
    coordinates = JSON.parse(numbers.replaceAll("(", "[").replaceAll(")", "]"));
  } catch {
    return null;
  }
  const type = { POLYGON: "Polygon", MULTIPOLYGON: "MultiPolygon", LINESTRING: "LineString", MULTILINESTRING: "MultiLineString" }[kind.toUpperCase()];
  return type === undefined ? null : ({ type, coordinates } as Geometry);
}

/** Every shape in a text: GeoJSON as a whole, or one shape of well-known text a line. Nothing where a part is neither. */
export function shapesIn(text: string): Geometry[] | null {
  const trimmed = text.trim();
  if (trimmed === "") return [];
  if (trimmed.startsWith("{") || trimmed.startsWith("[")) {
    try {
      const value: unknown = JSON.parse(trimmed);
      const found = [...(Array.isArray(value) ? value.flatMap((one) => [...geometriesOf(one)]) : geometriesOf(value))];
      return found.length > 0 ? found : null;
    } catch {
      return null;
    }
  }
  const found = trimmed.split(/\n|;(?=\s*[A-Z])/i).map((line) => line.trim()).filter((line) => line !== "" && !/^SRID=\d+$/i.test(line)).map(fromWkt);
  return found.includes(null) ? null : (found as Geometry[]);
}

export const isArea = (shape: Geometry): boolean => polygons.includes(shape.type);
export const isLine = (shape: Geometry): boolean => lines.includes(shape.type);

function ringsOf(shape: Geometry): Position[][] {
  if (shape.type === "Polygon") return shape.coordinates;
  return shape.type === "MultiPolygon" ? shape.coordinates.flat() : [];
}

/** The outlines as paths of one drawing of a width and height, north up. */
export function drawing(shapes: Geometry[], width: number, height: number): { path: string; middle: [number, number] }[] {
  const positions = shapes.flatMap((shape) => ringsOf(shape).flat());
  if (positions.length === 0) return [];
  const [xs, ys] = [positions.map(([x = 0]) => x), positions.map(([, y = 0]) => y)];
  const [west, east, south, north] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  // A degree of longitude is shorter away from the equator.
  const narrow = Math.max(Math.cos((((south + north) / 2) * Math.PI) / 180), 0.01);
  const scale = Math.min(width / Math.max((east - west) * narrow, 1e-12), height / Math.max(north - south, 1e-12)) * 0.96;
  const [left, top] = [(width - (east - west) * narrow * scale) / 2, (height - (north - south) * scale) / 2];
  const at = ([x = 0, y = 0]: Position): [number, number] => [left + (x - west) * narrow * scale, top + (north - y) * scale];
  return shapes.map((shape) => {
    const rings = ringsOf(shape);
    const corners = (rings[0] ?? []).slice(1).map(at);
    const sum = (place: 0 | 1) => corners.reduce((total, corner) => total + corner[place], 0) / Math.max(corners.length, 1);
    return {
      path: rings.map((ring) => `M${ring.map((position) => at(position).map((n) => n.toFixed(1)).join(",")).join("L")}Z`).join(""),
      middle: [sum(0), sum(1)],
    };
  });
}
