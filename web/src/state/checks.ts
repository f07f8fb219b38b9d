// The rules of the checks, what they find at present, and the check of everything that is running.
import type { MultiPoint } from "geojson";
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { fetchLatestCheck, fetchRules, startCheck } from "@/api/registry";
import type { Check, Finding, Rule } from "@/api/types";
import { useServerStore } from "@/state/server";

const pollRunning_ms = 700;

export const useChecksStore = defineStore("checks", () => {
  const server = useServerStore();
  const rules = shallowRef<Rule[]>([]);
  const latest = shallowRef<Check | null>(null);
  const isLoaded = ref(false);
  /** The findings that are listed at present, for the map. */
  const listed = shallowRef<Finding[]>([]);
  let isFollowing = false;

  const places = computed<MultiPoint | null>(() => {
    const coordinates = listed.value.flatMap(({ lon, lat }) => (lon === null || lat === null ? [] : [[lon, lat]]));
    return coordinates.length === 0 ? null : { type: "MultiPoint", coordinates };
  });

  async function refresh(): Promise<void> {
    [rules.value, latest.value] = await Promise.all([fetchRules(), fetchLatestCheck()]);
    isLoaded.value = true;
    if (latest.value?.state === "running") void follow();
  }

  /** Follows a running check to its end; then the findings are read anew. */
  async function follow(): Promise<void> {
    if (isFollowing) return;
    isFollowing = true;
    try {
      while (latest.value?.state === "running") {
        await new Promise((resolve) => setTimeout(resolve, pollRunning_ms));
        latest.value = await fetchLatestCheck();
      }
      rules.value = await fetchRules();
      server.somethingChanged();
    } catch {
      // The server is gone; the banner says so, and the next refresh goes on.
    } finally {
      isFollowing = false;
    }
  }

  async function checkEverything(): Promise<void> {
    latest.value = await startCheck();
    void follow();
  }

  return { rules, latest, isLoaded, listed, places, refresh, checkEverything };
});
