// How panels reach the few things a map can be told directly (zoom, north, all); everything else goes through the stores.
import { inject, shallowRef, type InjectionKey, type ShallowRef } from "vue";

export type MapHandle = {
  zoomBy(step: number): void;
  turnNorth(): void;
  showAll(): void;
};

export const mapHandleKey: InjectionKey<ShallowRef<MapHandle | null>> = Symbol("map handle");

export function useMapHandle(): ShallowRef<MapHandle | null> {
  return inject(mapHandleKey, () => shallowRef<MapHandle | null>(null), true);
}
