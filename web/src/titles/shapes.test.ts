import { describe, expect, it } from "vitest";
import { drawing, isArea, isLine, shapesIn } from "@/titles/shapes";

const square = { type: "Polygon", coordinates: [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]] };

describe("shapes that are pasted or dropped", () => {
  it("reads GeoJSON, whatever it is wrapped in", () => {
    const feature = { type: "Feature", properties: {}, geometry: square };
    for (const text of [square, feature, { type: "FeatureCollection", features: [feature] }, [feature]]) {
      expect(shapesIn(JSON.stringify(text))).toEqual([square]);
    }
  });
  it("reads well-known text, a shape a line, without its heights", () => {
    const found = shapesIn("SRID=4490;POLYGON((0 0,1 0,1 1,0 1,0 0))\nLINESTRING Z (0.5 -1 7, 0.5 2 7)");
    expect(found).toEqual([square, { type: "LineString", coordinates: [[0.5, -1], [0.5, 2]] }]);
    expect(found?.map(isArea)).toEqual([true, false]);
    expect(found?.map(isLine)).toEqual([false, true]);
  });
  it("says that it understands nothing of what is neither", () => {
    for (const text of ["a line", "{", "{}", "POINT(1 2)", "POLYGON((0 0,1 0"]) expect(shapesIn(text)).toBeNull();
    expect(shapesIn(" ")).toEqual([]);
  });
  it("draws north up and within the frame", () => {
    const [drawn] = drawing([square as never], 100, 50);
    expect(drawn?.path.startsWith("M")).toBe(true);
    const figures = [...(drawn?.path ?? "").matchAll(/([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
    expect(figures.every(([x = -1, y = -1]) => x >= 0 && x <= 100 && y >= 0 && y <= 50)).toBe(true);
    expect(figures[0]?.[1]).toBeGreaterThan(figures[2]?.[1] ?? Infinity);
  });
});
