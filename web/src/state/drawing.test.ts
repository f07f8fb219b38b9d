import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, test } from "vitest";
import { useDrawingStore } from "@/state/drawing";

describe("a shape that is drawn", () => {
  beforeEach(() => setActivePinia(createPinia()));

  test("is finished from three corners on, and closed", () => {
    const drawing = useDrawingStore();
    drawing.begin();
    drawing.add(119.9, 31.7);
    drawing.add(119.91, 31.7);
    drawing.finish();
    expect([drawing.isActive, drawing.finished]).toEqual([true, null]);
    drawing.add(119.91, 31.71);
    drawing.finish();
    expect(drawing.isActive).toBe(false);
    expect(drawing.finished?.shape.coordinates).toEqual([[[119.9, 31.7], [119.91, 31.7], [119.91, 31.71], [119.9, 31.7]]]);
  });

  test("loses its last corner by one step back, and all of them when it is given up", () => {
    const drawing = useDrawingStore();
    drawing.begin();
    for (const [longitude, latitude] of [[1, 1], [2, 1], [2, 2]] as const) drawing.add(longitude, latitude);
    drawing.undo();
    expect(drawing.corners).toEqual([[1, 1], [2, 1]]);
    drawing.cancel();
    expect([drawing.isActive, drawing.corners, drawing.finished, drawing.shown]).toEqual([false, [], null, null]);
  });

  test("takes a corner once, however often it is clicked", () => {
    const drawing = useDrawingStore();
    drawing.begin();
    drawing.add(1, 1);
    drawing.add(1.000001, 1);
    expect(drawing.corners).toEqual([[1, 1]]);
  });

  test("isn't finished where its lines cross, until that is taken back", () => {
    const drawing = useDrawingStore();
    drawing.begin();
    for (const [longitude, latitude] of [[0, 0], [2, 2], [2, 0], [0, 2]] as const) drawing.add(longitude, latitude);
    expect(drawing.isCrossed).toBe(true);
    drawing.finish();
    expect(drawing.isActive).toBe(true);
    drawing.undo();
    drawing.finish();
    expect(drawing.finished?.shape.coordinates[0]).toHaveLength(4);
  });

  test("takes nothing before it is begun", () => {
    const drawing = useDrawingStore();
    drawing.add(1, 1);
    expect(drawing.corners).toEqual([]);
  });
});
