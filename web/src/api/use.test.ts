import { describe, expect, it } from "vitest";
import { emptyQuestion, readQuestion, writeQuestion } from "@/api/use";
import { circleAround } from "@/geometry";

describe("a planner's question", () => {
  it("comes back from the address bar as it was asked", () => {
    const question = { ...emptyQuestion, people: "120", near: "119.97,31.81", within_m: "3000", cause: "surplus,other" };
    expect(readQuestion(writeQuestion(question))).toEqual(question);
    expect(writeQuestion(emptyQuestion)).toBe("");
    expect(readQuestion("haunted=1&people=5")).toEqual({ ...emptyQuestion, people: "5" });
  });
});

describe("a circle on the map", () => {
  it("is as wide as it says, at any latitude", () => {
    for (const latitude of [0, 31.8, 60]) {
      const [ring = []] = circleAround([119.97, latitude], 3000).coordinates;
      expect(ring[0]).toEqual(ring.at(-1));
      for (const [longitude = 0, north = 0] of ring) {
        const metres = Math.hypot((longitude - 119.97) * 111_320 * Math.cos((latitude * Math.PI) / 180), (north - latitude) * 111_132);
        expect(Math.abs(metres - 3000)).toBeLessThan(30);
      }
    }
  });
});
