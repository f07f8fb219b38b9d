// What the map tells back: never a wish, only what it shows.
import { defineStore } from "pinia";
import { ref, shallowRef } from "vue";
import type { BoundingBox } from "@/api/types";
import type { LayerName } from "@/vocabulary";

export type CountsInView = { layer: LayerName; total: number; byValue: Record<string, number> };

export const useMapReadoutStore = defineStore("map-readout", () => {
  const pointer = shallowRef<{ longitude: number; latitude: number } | null>(null);
  const counts = shallowRef<CountsInView | null>(null);
  const scale = shallowRef({ metres: 0, pixels: 0 });
  const bearing = ref(0);
  const bounds = shallowRef<BoundingBox | null>(null);
  /** Totals instead of single assets are drawn at this zoom. */
  const isTotalled = ref(false);
  const hasFailed = ref(false);
  return { pointer, counts, scale, bearing, bounds, isTotalled, hasFailed };
});
