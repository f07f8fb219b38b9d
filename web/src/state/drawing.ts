// A shape that somebody draws on the map: a panel begins and ends it, the map tells of its corners.
import type { Geometry, Polygon, Position } from "geojson";
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { crossesItself } from "@/geometry";

/** Enough for a district's border by hand, and few enough for an address. */
export const mostCorners = 100;

const rounded = (degrees: number) => Number(degrees.toFixed(5));

export const useDrawingStore = defineStore("drawing", () => {
  const isActive = ref(false);
  const corners = shallowRef<Position[]>([]);
  const pointer = shallowRef<Position | null>(null);
  /** Grows with every shape that is finished. */
  const finished = shallowRef<{ shape: Polygon; serial: number } | null>(null);

  const isCrossed = computed(() => crossesItself(corners.value));
  const isEnough = computed(() => corners.value.length >= 3 && !isCrossed.value);

  /** What the map shows: the shape as it would be if it ended here, and its corners. */
  const shown = computed<Geometry | null>(() => {
    if (!isActive.value) return null;
    const points = pointer.value === null ? corners.value : [...corners.value, pointer.value];
    const first = points[0];
    const outline: Geometry[] =
      first === undefined || points.length < 2 ? [] : points.length === 2 ? [{ type: "LineString", coordinates: points }] : [{ type: "Polygon", coordinates: [[...points, first]] }];
    return { type: "GeometryCollection", geometries: [...outline, { type: "MultiPoint", coordinates: corners.value }] };
  });

  function begin(): void {
    corners.value = [];
    pointer.value = null;
    isActive.value = true;
  }
  function cancel(): void {
    isActive.value = false;
    corners.value = [];
    pointer.value = null;
  }
  function add(longitude: number, latitude: number): void {
    const corner = [rounded(longitude), rounded(latitude)];
    const last = corners.value.at(-1);
    if (!isActive.value || corners.value.length >= mostCorners || (last?.[0] === corner[0] && last?.[1] === corner[1])) return;
    corners.value = [...corners.value, corner];
  }
  function undo(): void {
    corners.value = corners.value.slice(0, -1);
  }
  /** Ends it where there is enough of it; else it goes on. */
  function finish(): void {
    const first = corners.value[0];
    if (!isActive.value || !isEnough.value || first === undefined) return;
    finished.value = { shape: { type: "Polygon", coordinates: [[...corners.value, first]] }, serial: (finished.value?.serial ?? 0) + 1 };
    cancel();
  }

  return { isActive, corners, pointer, finished, isCrossed, isEnough, shown, begin, cancel, add, undo, finish };
});
