// What of the open inspection is shown on the map: the buildings of its sample.
import type { MultiPoint } from "geojson";
import { defineStore } from "pinia";
import { computed, shallowRef } from "vue";
import type { Sampled } from "@/api/inspections";

export const useInspectionsStore = defineStore("inspections", () => {
  const sampled = shallowRef<Sampled[]>([]);
  const places = computed<MultiPoint | null>(() => {
    const coordinates = sampled.value.flatMap(({ lon, lat }) => (lon === null || lat === null ? [] : [[lon, lat]]));
    return coordinates.length === 0 ? null : { type: "MultiPoint", coordinates };
  });
  return { sampled, places };
});
