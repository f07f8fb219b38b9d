import { expect, it } from "vitest";
import { boundingBox, crossesItself, isUprightBox } from "@/geometry";

it("boxes nested shapes and collections, and says when there is nothing", () => {
  expect(boundingBox({ type: "MultiPolygon", coordinates: [[[[1, 2], [3, 2], [3, 5], [1, 2]]], [[[-4, 0], [0, 0], [0, 1], [-4, 0]]]] })).toEqual([-4, 0, 3, 5]);
  expect(boundingBox({ type: "GeometryCollection", geometries: [{ type: "Point", coordinates: [7, 8] }] })).toEqual([7, 8, 7, 8]);
  expect(boundingBox({ type: "MultiPolygon", coordinates: [] })).toBeNull();
});

it("knows a ring that meets itself", () => {
  expect(crossesItself([[0, 0], [2, 0], [2, 2], [0, 2]])).toBe(false);
  expect(crossesItself([[0, 0], [4, 0], [4, 4], [2, 1], [0, 4]])).toBe(false);
  expect(crossesItself([[0, 0], [2, 2], [2, 0], [0, 2]])).toBe(true);
  expect(crossesItself([[0, 0], [2, 0], [1, 3]])).toBe(false);
  expect(crossesItself([[0, 0], [1, 1]])).toBe(false);
});

it("tells a box along the meridians from any other shape", () => {
  expect(isUprightBox({ type: "Polygon", coordinates: [[[0, 0], [2, 0], [2, 1], [0, 1], [0, 0]]] })).toBe(true);
  expect(isUprightBox({ type: "Polygon", coordinates: [[[0, 0], [2, 0.1], [2, 1], [0, 1], [0, 0]]] })).toBe(false);
  expect(isUprightBox({ type: "Polygon", coordinates: [[[0, 0], [2, 0], [1, 1], [0, 0]]] })).toBe(false);
});
