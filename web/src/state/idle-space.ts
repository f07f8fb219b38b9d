// What a planner looks for, and what was found: the panel asks, the map shows it.
import type { MultiPoint } from "geojson";
import { defineStore } from "pinia";
import { computed, shallowRef } from "vue";
import type { IdleSpace } from "@/api/use";

export const useIdleSpaceStore = defineStore("idle-space", () => {
  const answer = shallowRef<IdleSpace | null>(null);
  const places = computed<MultiPoint | null>(() => {
    const coordinates = (answer.value?.items ?? []).flatMap(({ lon, lat }) => (lon === null || lat === null ? [] : [[lon, lat]]));
    return coordinates.length === 0 ? null : { type: "MultiPoint", coordinates };
  });
  return { answer, places };
});
