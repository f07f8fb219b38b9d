// The little geometry the page does itself: boxes of shapes that it was given.
import type { Geometry, Position } from "geojson";
import type { BoundingBox } from "@/api/types";

function* positionsOf(geometry: Geometry): Generator<Position> {
  if (geometry.type === "GeometryCollection") {
    for (const part of geometry.geometries) yield* positionsOf(part);
    return;
  }
  const stack: unknown[] = [geometry.coordinates];
  while (stack.length > 0) {
    const top = stack.pop();
    if (!Array.isArray(top)) continue;
    if (typeof top[0] === "number") yield top as Position;
    else stack.push(...(top as unknown[]));
  }
}

/** The box around a shape in degrees, nothing for an empty one. */
export function boundingBox(geometry: Geometry): BoundingBox | null {
  const box: BoundingBox = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [longitude = 0, latitude = 0] of positionsOf(geometry)) {
    box[0] = Math.min(box[0], longitude);
    box[1] = Math.min(box[1], latitude);
    box[2] = Math.max(box[2], longitude);
    box[3] = Math.max(box[3], latitude);
  }
  return box[0] === Infinity ? null : box;
}

/** A circle as a polygon, for showing: on the sphere, good to a percent over a few tens of kilometres. */
export function circleAround([longitude, latitude]: [number, number], radius_m: number): { type: "Polygon"; coordinates: number[][][] } {
  const north = radius_m / 111_132;
  const east = radius_m / (111_320 * Math.max(Math.cos((latitude * Math.PI) / 180), 0.01));
  const corners = 72;
  const ring = Array.from({ length: corners }, (_, corner) => {
    const angle = (corner / corners) * 2 * Math.PI;
    return [longitude + east * Math.cos(angle), latitude + north * Math.sin(angle)];
  });
  return { type: "Polygon", coordinates: [[...ring, ring[0] ?? [longitude, latitude]]] };
}

/** On which side of the line from `from` to `to` a point lies: its sign. */
function side([fromX = 0, fromY = 0]: Position, [toX = 0, toY = 0]: Position, [x = 0, y = 0]: Position): number {
  return Math.sign((toX - fromX) * (y - fromY) - (toY - fromY) * (x - fromX));
}

/** Whether the ring through these corners meets itself anywhere but where its neighbours join. */
export function crossesItself(corners: Position[]): boolean {
  const edges = corners.map((corner, index) => [corner, corners[(index + 1) % corners.length] ?? corner] as const);
  return edges.some(([a, b], first) =>
    edges.some(([c, d], second) => {
      const isNeighbour = second <= first + 1 || (first === 0 && second === edges.length - 1);
      return !isNeighbour && side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
    }),
  );
}

/** Whether a shape is a box along the meridians, as the map's view is. */
export function isUprightBox(shape: Geometry): boolean {
  const ring = shape.type === "Polygon" && shape.coordinates.length === 1 ? (shape.coordinates[0] ?? []) : [];
  return ring.length === 5 && ring.every((corner, index) => index === 0 || corner[0] === ring[index - 1]?.[0] || corner[1] === ring[index - 1]?.[1]);
}
