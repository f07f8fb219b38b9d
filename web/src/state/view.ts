// The one state of truth for what is looked at. The map, the panels and the address bar all follow it.
import { defineStore } from "pinia";
import { computed, reactive, toRefs } from "vue";
import {
  defaultView,
  readQuery,
  writeQuery,
  type AssetReference,
  type Camera,
  type CardTab,
  type Panel,
  type View,
} from "@/state/address";
import { notFilled, valuesOf, type LayerName, type Theme } from "@/vocabulary";

export const useViewStore = defineStore("view", () => {
  const view = reactive<View>({ ...defaultView, shownLayers: [...defaultView.shownLayers], hiddenValues: [] });

  const query = computed(() => writeQuery(view));
  const isAwayFromNow = computed(() => view.asOf !== null || view.knownAt !== null);
  const moment = computed(() => ({ asOf: view.asOf, knownAt: view.knownAt }));

  /** The layer that the legend counts and that low zooms total: the first one shown. */
  const subjectLayer = computed<LayerName | null>(() => view.shownLayers[0] ?? null);

  /** The values still shown when some are filtered out, else nothing. */
  const filter = computed<Partial<Record<Theme, string[]>>>(() =>
    view.hiddenValues.length === 0
      ? {}
      : { [view.theme]: valuesOf(view.theme).filter((value) => !view.hiddenValues.includes(value)) },
  );

  function applyQuery(given: Record<string, unknown>): void {
    const next = readQuery(given);
    // An address without a position leaves the map where it is.
    Object.assign(view, next, { camera: next.camera ?? view.camera });
  }

  function setCamera(camera: Camera): void {
    view.camera = camera;
  }

  function toggleLayer(layer: LayerName): void {
    const shown = view.shownLayers.includes(layer);
    view.shownLayers = defaultView.shownLayers.filter((one) => (one === layer ? !shown : view.shownLayers.includes(one)));
  }

  function setTheme(theme: Theme): void {
    if (view.theme === theme) return;
    view.theme = theme;
    view.hiddenValues = [];
  }

  function toggleValue(value: string): void {
    const hidden = view.hiddenValues.includes(value);
    view.hiddenValues = valuesOf(view.theme).filter((one) => (one === value ? !hidden : view.hiddenValues.includes(one)));
    if (view.hiddenValues.length === valuesOf(view.theme).length) view.hiddenValues = [];
  }

  /** Shows one value alone; a second time shows all again. */
  function isolateValue(theme: Theme, value: string): void {
    const others = valuesOf(theme).filter((one) => one !== value);
    const isAlone = view.theme === theme && others.every((one) => view.hiddenValues.includes(one)) && view.hiddenValues.length === others.length;
    view.theme = theme;
    view.hiddenValues = isAlone ? [] : [...others];
  }

  function clearFilter(): void {
    view.hiddenValues = [];
  }

  function select(asset: AssetReference | null, tab: CardTab = "facts"): void {
    view.selection = asset;
    view.cardTab = tab;
  }

  function showPanel(panel: Panel | null): void {
    view.panel = panel;
    if (panel !== "imports") view.importId = null;
    if (panel !== "titles") view.caseId = null;
    if (panel !== "space") view.unitId = null;
    if (panel !== "policies") view.policyId = null;
    if (panel !== "leases") view.leaseId = null;
    if (panel !== "stocktakings") view.stocktakingId = null;
    if (panel !== "checks") view.inspectionId = null;
  }

  function showImport(id: string | null): void {
    view.panel = "imports";
    view.importId = id;
  }

  function showCase(id: string | null): void {
    view.panel = "titles";
    view.caseId = id;
  }

  function showUnit(id: string | null): void {
    view.panel = "space";
    view.unitId = id;
  }

  function showPolicy(id: string | null): void {
    view.panel = "policies";
    view.policyId = id;
  }

  function showInspection(id: string | null): void {
    view.panel = "checks";
    view.inspectionId = id;
  }

  function showLease(id: string | null): void {
    view.panel = "leases";
    view.leaseId = id;
  }

  function showStocktaking(id: string | null): void {
    view.panel = "stocktakings";
    view.stocktakingId = id;
  }

  function returnToNow(): void {
    view.asOf = null;
    view.knownAt = null;
  }

  return {
    ...toRefs(view),
    query,
    moment,
    isAwayFromNow,
    subjectLayer,
    filter,
    applyQuery,
    setCamera,
    toggleLayer,
    setTheme,
    toggleValue,
    isolateValue,
    clearFilter,
    select,
    showPanel,
    showImport,
    showCase,
    showUnit,
    showPolicy,
    showInspection,
    showLease,
    showStocktaking,
    returnToNow,
    notFilled,
  };
});
