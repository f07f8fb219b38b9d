// The view as it stands in the address bar: pure functions both ways. What is left at its default leaves no trace.
import { isLayerName, isTheme, layerNames, valuesOf, type LayerName, type Theme } from "@/vocabulary";

export type Camera = { longitude: number; latitude: number; zoom: number; bearing: number };
export type AssetReference = { layer: LayerName; id: string };

export const panels = ["overview", "tasks", "layers", "titles", "policies", "leases", "stocktakings", "idle", "checks", "space", "imports", "people"] as const;
export type Panel = (typeof panels)[number];

export const cardTabs = ["facts", "history", "source"] as const;
export type CardTab = (typeof cardTabs)[number];

export type View = {
  camera: Camera | null;
  shownLayers: LayerName[];
  theme: Theme;
  /** Values of the theme that are filtered out. */
  hiddenValues: string[];
  selection: AssetReference | null;
  cardTab: CardTab;
  /** The day whose law is looked at (`YYYY-MM-DD`), null for today. */
  asOf: string | null;
  /** The moment whose knowledge is looked at (RFC 3339), null for now. */
  knownAt: string | null;
  panel: Panel | null;
  importId: string | null;
  caseId: string | null;
  /** The unit whose space is looked at. */
  unitId: string | null;
  /** What a planner looks for, as a query of its own. */
  idleQuestion: string | null;
  policyId: string | null;
  leaseId: string | null;
  stocktakingId: string | null;
  inspectionId: string | null;
  table: LayerName | null;
};

export const defaultView: Readonly<View> = {
  camera: null,
  shownLayers: [...layerNames],
  theme: "title_status",
  hiddenValues: [],
  selection: null,
  cardTab: "facts",
  asOf: null,
  knownAt: null,
  panel: "overview",
  importId: null,
  caseId: null,
  unitId: null,
  idleQuestion: null,
  policyId: null,
  leaseId: null,
  stocktakingId: null,
  inspectionId: null,
  table: null,
};

export type AddressQuery = Record<string, string>;

export function isDate(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) && new Date(text).toISOString().startsWith(text);
}

function isMoment(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(text) && !Number.isNaN(Date.parse(text));
}

function writeCamera({ zoom, latitude, longitude, bearing }: Camera): string {
  const parts = [zoom.toFixed(2), latitude.toFixed(5), longitude.toFixed(5)];
  if (Math.abs(bearing) >= 0.5) parts.push(bearing.toFixed(0));
  return parts.join("/");
}

function readCamera(text: string): Camera | null {
  const [zoom, latitude, longitude, bearing = 0] = text.split("/").map(Number);
  if (zoom === undefined || latitude === undefined || longitude === undefined) return null;
  if (![zoom, latitude, longitude, bearing].every(Number.isFinite)) return null;
  if (zoom < 0 || zoom > 24 || Math.abs(latitude) > 85.06 || Math.abs(longitude) > 180) return null;
  return { zoom, latitude, longitude, bearing };
}

export function writeQuery(view: View): AddressQuery {
  const query: AddressQuery = {};
  if (view.camera !== null) query["at"] = writeCamera(view.camera);
  if (view.shownLayers.length !== layerNames.length) query["layers"] = view.shownLayers.join(",") || "none";
  if (view.theme !== defaultView.theme) query["theme"] = view.theme;
  if (view.hiddenValues.length > 0) query["hide"] = view.hiddenValues.join(",");
  if (view.selection !== null) query["asset"] = `${view.selection.layer}/${view.selection.id}`;
  if (view.selection !== null && view.cardTab !== defaultView.cardTab) query["tab"] = view.cardTab;
  if (view.asOf !== null) query["as_of"] = view.asOf;
  if (view.knownAt !== null) query["known_at"] = view.knownAt;
  if (view.panel !== defaultView.panel) query["panel"] = view.panel ?? "none";
  if (view.importId !== null) query["import"] = view.importId;
  if (view.caseId !== null) query["case"] = view.caseId;
  if (view.unitId !== null) query["unit"] = view.unitId;
  if (view.panel === "idle" && view.idleQuestion !== null) query["find"] = view.idleQuestion;
  if (view.policyId !== null) query["policy"] = view.policyId;
  if (view.leaseId !== null) query["lease"] = view.leaseId;
  if (view.stocktakingId !== null) query["stocktaking"] = view.stocktakingId;
  if (view.inspectionId !== null) query["inspection"] = view.inspectionId;
  if (view.table !== null) query["table"] = view.table;
  return query;
}

function memberOf<Value extends string>(list: readonly Value[], text: string | undefined): Value | null {
  return list.find((value) => value === text) ?? null;
}

/** Reads a query; what makes no sense falls back to the default instead of failing. */
export function readQuery(query: Record<string, unknown>): View {
  const text = (name: string): string | undefined => {
    const value = query[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const theme = text("theme");
  const chosenTheme = theme !== undefined && isTheme(theme) ? theme : defaultView.theme;
  const layers = text("layers");
  const hidden = text("hide")?.split(",") ?? [];
  const [assetLayer = "", assetId = ""] = text("asset")?.split("/") ?? [];
  const table = text("table");
  const asOf = text("as_of");
  const knownAt = text("known_at");
  const panel = text("panel");
  return {
    camera: readCamera(text("at") ?? ""),
    shownLayers: layers === undefined ? [...layerNames] : layerNames.filter((layer) => layers.split(",").includes(layer)),
    theme: chosenTheme,
    hiddenValues: valuesOf(chosenTheme).filter((value) => hidden.includes(value)),
    selection: isLayerName(assetLayer) && assetId !== "" ? { layer: assetLayer, id: assetId } : null,
    cardTab: memberOf(cardTabs, text("tab")) ?? defaultView.cardTab,
    asOf: asOf !== undefined && isDate(asOf) ? asOf : null,
    knownAt: knownAt !== undefined && isMoment(knownAt) ? knownAt : null,
    panel: panel === "none" ? null : (memberOf(panels, panel) ?? defaultView.panel),
    importId: text("import") ?? null,
    caseId: text("case") ?? null,
    unitId: text("unit") ?? null,
    idleQuestion: panel === "idle" ? (text("find") ?? null) : null,
    policyId: text("policy") ?? null,
    leaseId: text("lease") ?? null,
    stocktakingId: text("stocktaking") ?? null,
    inspectionId: text("inspection") ?? null,
    table: table !== undefined && isLayerName(table) ? table : null,
  };
}
