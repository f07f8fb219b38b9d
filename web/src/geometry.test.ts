import { expect, it } from "vitest";
import { boundingBox } from "@/geometry";

it("boxes nested shapes and collections, and says when there is nothing", () => {
  expect(boundingBox({ type: "MultiPolygon", coordinates: [[[[1, 2], [3, 2], [3, 5], [1, 2]]], [[[-4, 0], [0, 0], [0, 1], [-4, 0]]]] })).toEqual([-4, 0, 3, 5]);
  expect(boundingBox({ type: "GeometryCollection", geometries: [{ type: "Point", coordinates: [7, 8] }] })).toEqual([7, 8, 7, 8]);
  expect(boundingBox({ type: "MultiPolygon", coordinates: [] })).toBeNull();
});
