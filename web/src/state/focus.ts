// What is pointed at for a moment beside the selection: the shape of a row of an import, the row under the pointer, the
// shape that the source gave before it was mended. Not part of the address.
import type { Geometry } from "geojson";
import { defineStore } from "pinia";
import { ref, shallowRef } from "vue";
import type { Asset, BoundingBox } from "@/api/types";
import type { AssetReference } from "@/state/address";

export type ShapePair = { geometry: Geometry | null; original: Geometry | null };
export type MoveRequest = { bbox: BoundingBox; serial: number };

export const useFocusStore = defineStore("focus", () => {
  /** The asset on the card, as the server gave it. */
  const asset = shallowRef<Asset | null>(null);
  const isOriginalShown = ref(true);
  const located = shallowRef<ShapePair | null>(null);
  const flashed = shallowRef<AssetReference & { feature_id: number } | null>(null);
  const move = shallowRef<MoveRequest | null>(null);

  /** Asks the map to show a box; the same box twice moves it twice. */
  function moveTo(bbox: BoundingBox): void {
    move.value = { bbox, serial: (move.value?.serial ?? 0) + 1 };
  }

  return { asset, isOriginalShown, located, flashed, move, moveTo };
});
