// The lines of a stocktaking that are listed at present, for the map, and what the procedure's states are called.
import type { MultiPoint } from "geojson";
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { fetchStateNames, type Line } from "@/api/stocktakings";
import { usePreferencesStore } from "@/state/preferences";

export const useStocktakingsStore = defineStore("stocktakings", () => {
  const preferences = usePreferencesStore();
  const listed = shallowRef<Line[]>([]);
  const workflow = ref<Awaited<ReturnType<typeof fetchStateNames>> | null>(null);
  let loading: Promise<void> | null = null;

  /** Where something is to be done or differs; what is in place needs no look. */
  const places = computed<MultiPoint | null>(() => {
    const open = listed.value.filter(({ found, difference, settled_on }) => found === null || (difference !== null && settled_on === null));
    const coordinates = open.flatMap(({ lon, lat }) => (lon === null || lat === null ? [] : [[lon, lat]]));
    return coordinates.length === 0 ? null : { type: "MultiPoint", coordinates };
  });

  function load(): Promise<void> {
    loading ??= fetchStateNames()
      .then((read) => {
        workflow.value = read;
      })
      .catch(() => {
        // Names stay codes until the server is back.
        loading = null;
      });
    return loading;
  }

  return {
    listed,
    places,
    load,
    stateName: (state: string) => workflow.value?.states.find(({ id }) => id === state)?.[preferences.language] ?? state,
    documentKinds: computed(() => Object.entries(workflow.value?.document_kinds ?? {}).map(([kind, words]) => ({ kind, name: words[preferences.language] }))),
  };
});
