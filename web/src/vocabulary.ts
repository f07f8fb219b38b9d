// The closed lists of words that the server, the tiles and the page share (the same spelling in SQL, JSON and here).

export const layerNames = ["parcels", "buildings", "sites"] as const;
export type LayerName = (typeof layerNames)[number];

/** Everything a file can be imported as; regions have no tiles. */
export const importLayers = ["parcels", "buildings", "sites", "regions", "units", "rooms", "titles"] as const;
export type ImportLayer = (typeof importLayers)[number];

/** Lists: their rows have no shapes, so nothing is asked about coordinates. */
export function isListLayer(layer: ImportLayer): boolean {
  return layer === "units" || layer === "rooms" || layer === "titles";
}

/** Layers of which a row may be taken though nobody knows its outline. */
export function hasOutlines(layer: ImportLayer): boolean {
  return layer === "parcels" || layer === "buildings";
}

/** What a list of rights names a parcel or building by. */
export const assetKeys = ["code", "source_key", "unit_code"] as const;
export type AssetKey = (typeof assetKeys)[number];

export const titleStatuses = ["unified", "other_handed", "other_not_handed", "none_handed", "none_not_handed", "other"] as const;
export const usages = [
  "administrative_office",
  "housing_security",
  "technical",
  "public_service",
  "commercial",
  "idle_land",
  "other",
] as const;
export const occupancies = [
  "in_use",
  "idle",
  "let",
  "lent",
  "rented_in",
  "borrowed_in",
  "under_repair",
  "vacating",
  "dangerous",
  "demolished",
] as const;

/** Where the open case about an asset stands; `titling` where it is a title case. Derived, and no field of the asset. */
export const casePhases = ["preparing", "deciding", "carrying_out", "finishing", "titling"] as const;

/** What an asset says of itself that the map is coloured by. */
export const fieldThemes = ["title_status", "usage", "occupancy"] as const;
export type FieldTheme = (typeof fieldThemes)[number];

export const themes = [...fieldThemes, "case_phase"] as const;
export type Theme = (typeof themes)[number];

/** Stands for a value that nobody has filled in, in filters, legends and query strings. */
export const notFilled = "none";

const valuesByTheme: Record<Theme, readonly string[]> = { title_status: titleStatuses, usage: usages, occupancy: occupancies, case_phase: casePhases };

/** The values of a theme in legend order, the unfilled one last. */
export function valuesOf(theme: Theme): readonly string[] {
  return [...valuesByTheme[theme], notFilled];
}

export function isLayerName(text: string): text is LayerName {
  return (layerNames as readonly string[]).includes(text);
}

function isFieldTheme(text: string): text is FieldTheme {
  return (fieldThemes as readonly string[]).includes(text);
}

export function isTheme(text: string): text is Theme {
  return (themes as readonly string[]).includes(text);
}

/** The formats of an export, the most asked for first. */
export const exportFormats = ["xlsx", "shp", "gpkg", "geojson", "csv", "fgb"] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** What a table for people has in its cells: codes, or words. */
export const exportLabels = ["codes", "zh", "en"] as const;
export type ExportLabels = (typeof exportLabels)[number];

/** What a format may not be able to hold as it is. */
export const exportWarnings = [
  "field_name_cut",
  "text_cut",
  "row_without_shape",
  "points_apart",
  "shape_too_long",
  "formula_guarded",
  "outside_zone",
  "crs_member",
] as const;

export const importOutcomes = ["inserted", "new_version", "unchanged", "repaired", "quarantined", "missing", "closed"] as const;
export type ImportOutcome = (typeof importOutcomes)[number];

/** The fields of ours that a column of a file can be mapped to, in the order the form offers them. */
export const mappableFields = [
  "key",
  "code",
  "name",
  "address",
  "title_status",
  "usage",
  "occupancy",
  "idle_since",
  "registered_area_m2",
  "year_built",
  "floors_above",
  "floors_below",
  "unit_code",
  "region_code",
  "parent_code",
  "level",
  "kind",
  "floor",
  "use_area_m2",
  "asset_code",
  "holder",
  "part",
  "certificate",
  "stated_use",
  "admin_level",
  "secrecy",
  "valid_from",
  "valid_to",
] as const;

const adminLevels = ["national", "province", "city", "county", "township"] as const;
const secrecies = ["public", "internal", "classified"] as const;

/** The closed list that a field's values are of; null where any text will do. */
export function closedValues(field: string): readonly string[] | null {
  if (isFieldTheme(field)) return valuesByTheme[field];
  if (field === "admin_level") return adminLevels;
  return field === "secrecy" ? secrecies : null;
}

/** The key of a unit of a rule's parameter among the words. */
export function unitKey(unit: string): string {
  return `parameters.unit.${unit.replace("²", "2").replaceAll("'s", "").replaceAll(/[^A-Za-z0-9]+/g, "_")}`;
}
