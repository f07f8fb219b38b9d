// Ties the map to the stores: every wish is derived from them, everything the map tells goes back into them.
import { computed, onBeforeUnmount, shallowRef, watch, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { fetchTileJson } from "@/api/registry";
import { useDrawingStore } from "@/state/drawing";
import { useFocusStore } from "@/state/focus";
import { useIdleSpaceStore } from "@/state/idle-space";
import { useMapReadoutStore } from "@/state/map-readout";
import { useChecksStore } from "@/state/checks";
import { useInspectionsStore } from "@/state/inspections";
import { usePreferencesStore } from "@/state/preferences";
import { useStocktakingsStore } from "@/state/stocktakings";
import { useServerStore } from "@/state/server";
import { useViewStore } from "@/state/view";
import { layerNames } from "@/vocabulary";
import { YiceMap, type MapListener, type MapWish, type Padding } from "@/map/yice-map";

export type MapHandle = Pick<YiceMap, "zoomBy" | "turnNorth" | "showAll" | "moveTo">;

export function useMap(container: Ref<HTMLElement | null>, padding: Ref<Padding>) {
  const view = useViewStore();
  const server = useServerStore();
  const focus = useFocusStore();
  const readout = useMapReadoutStore();
  const preferences = usePreferencesStore();
  const checks = useChecksStore();
  const inspections = useInspectionsStore();
  const idleSpace = useIdleSpaceStore();
  const drawing = useDrawingStore();
  const stocktakings = useStocktakingsStore();
  const { t } = useI18n();
  const handle = shallowRef<MapHandle | null>(null);
  let map: YiceMap | null = null;

  const tileQuery = computed(() => {
    const query = new URLSearchParams();
    if (view.asOf !== null) query.set("as_of", view.asOf);
    if (view.knownAt !== null) query.set("known_at", view.knownAt);
    const text = query.toString();
    return text === "" ? "" : `?${text}`;
  });

  const overlays = computed<MapWish["overlays"]>(() => {
    const shown = focus.asset !== null && focus.asset.id === view.selection?.id ? focus.asset : null;
    return {
      selection: shown?.geometry ?? null,
      original: focus.isOriginalShown ? (shown?.repaired?.original ?? null) : null,
      located: focus.located?.geometry ?? null,
      "located-original": focus.located?.original ?? null,
      findings:
        view.panel === "checks" ? (inspections.places ?? checks.places)
        : view.panel === "idle" ? idleSpace.places
        : view.panel === "stocktakings" ? stocktakings.places
        : null,
      drawing: drawing.shown,
    };
  });

  const wish = computed<MapWish>(() => ({
    look: {
      appearance: preferences.appearance,
      language: preferences.language,
      theme: view.theme,
      hiddenValues: [...view.hiddenValues],
      shownLayers: [...view.shownLayers],
      subjectLayer: view.subjectLayer,
      hasSelection: view.selection !== null,
      words: { squareMetres: t("unit.square_metre"), tenThousandSquareMetres: t("unit.ten_thousand_square_metres") },
    },
    camera: view.camera,
    padding: padding.value,
    tileQuery: tileQuery.value,
    revision: server.revision,
    selectedId: view.selection?.id ?? null,
    overlays: overlays.value,
    drawing: drawing.isActive ? drawing.corners : null,
    flashed: focus.flashed,
  }));

  const listener: MapListener = {
    onCamera: (camera) => view.setCamera(camera),
    onSelect: (asset) => view.select(asset, asset === null ? "facts" : view.cardTab),
    onPointer: (position) => {
      readout.pointer = position;
      if (drawing.isActive) drawing.pointer = position === null ? null : [position.longitude, position.latitude];
    },
    onCorner: ({ longitude, latitude }) => drawing.add(longitude, latitude),
    onDrawn: () => drawing.finish(),
    onCounts: (counts, isTotalled) => {
      readout.counts = counts;
      readout.isTotalled = isTotalled;
    },
    onView: ({ scale, bearing, bounds }) => {
      readout.scale = scale;
      readout.bearing = bearing;
      readout.bounds = bounds;
    },
    onTrouble: () => undefined,
  };

  async function start(): Promise<void> {
    const element = container.value;
    if (map !== null || element === null || server.settings === null) return;
    try {
      const tileJson = await fetchTileJson(layerNames);
      map = new YiceMap(element, { settings: server.settings, tileJson }, wish.value, listener);
      handle.value = map;
      // A link may have opened the card before there was a map.
      if (focus.asset?.bbox != null) map.uncover(focus.asset.bbox);
    } catch {
      // No WebGL, or no tiles: the rest of the page works without a map and says so.
      readout.hasFailed = true;
    }
  }

  watch([container, () => server.connection], () => {
    if (server.connection === "ready") void start();
  }, { immediate: true });
  watch(wish, (wanted) => map?.reconcile(wanted), { flush: "post" });
  watch(() => focus.move, (move) => {
    if (move !== null) map?.moveTo(move.bbox);
  }, { flush: "post" });
  watch(() => focus.asset, (asset, before) => {
    if (asset?.bbox != null && asset.id !== before?.id) map?.uncover(asset.bbox);
  }, { flush: "post" });
  onBeforeUnmount(() => map?.destroy());

  return { handle };
}
