// The look of the map: the ground, our layers by theme, the selection and the totals. Pure: wishes in, style layers out.
import type {
  ExpressionSpecification,
  FilterSpecification,
  LayerSpecification,
  SourceSpecification,
} from "maplibre-gl";
import type { MapSettings } from "@/api/types";
import type { Language } from "@/format";
import { accent, colourOf, darkAccent, darker, hatchOf, isOutlineOnly, unknownColour } from "@/palette";
import { hatchNames, ringParts } from "@/map/images";
import { notFilled, valuesOf, type LayerName, type Theme } from "@/vocabulary";

export type Appearance = "light" | "dark";

export type Look = {
  appearance: Appearance;
  language: Language;
  theme: Theme;
  hiddenValues: readonly string[];
  shownLayers: readonly LayerName[];
  subjectLayer: LayerName | null;
  hasSelection: boolean;
  /** Words after a count in a ring and after areas, in the reader's language. */
  words: { squareMetres: string; tenThousandSquareMetres: string };
};

const ground = {
  light: { land: "#F4F2EE", water: "#CFE3EE", green: "#DDE8D4", urban: "#EAE6DF", block: "#E3DED4", street: "#FFFFFF", house: "#D2CCC0", label: "#6B7480", halo: "#FFFFFF", grid: "#DCD8D0", text: "#1D2733" },
  dark: { land: "#1B222B", water: "#15303F", green: "#20302A", urban: "#232C36", block: "#2A3440", street: "#3A4654", house: "#36424F", label: "#8C97A5", halo: "#10161E", grid: "#2A343F", text: "#E6EBF1" },
} as const;

const latinFont = ["noto-sans-regular"];
const boldFont = ["noto-sans-medium"];

const eastChina = "/basemap/east-china.geojson";
const cambridgeOpenSpace = "/basemap/cambridge-open-space.geojson";
/** The made-up ground of the demo city; nobody else is sent it. */
const demoCity = { dataset: "demo-city", file: "/basemap/demo-city.geojson" } as const;

/** Nested boxes over the sea of the bundled map: their sum fades towards the edge, where knowledge ends. */
function seaBoxes(): GeoJSON.FeatureCollection {
  const features: GeoJSON.Feature[] = [];
  for (let inset = 0; inset < 1; inset += 0.1) {
    const [w, s, e, n] = [115, 29 + inset * 0.6, 123.5 - inset, 38.6 - inset * 0.5];
    features.push({ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [[[w, s], [e, s], [e, n], [w, n], [w, s]]] } });
  }
  return { type: "FeatureCollection", features };
}

export const assetSource = "assets";
/** Points for labels, one for each asset in view: in the tiles a shape comes in pieces, each would get its own. */
export const labelSource = "labels";
export const overlaySources = ["selection", "original", "located", "located-original", "findings", "drawing"] as const;
export type OverlaySource = (typeof overlaySources)[number];

/** What is pointed at beside the selection, and what is drawn. */
const located = "#B5477A";
const locatedDark = "#D98AAA";

const empty = { type: "FeatureCollection" as const, features: [] };

function nameIn(language: Language): ExpressionSpecification {
  return language === "zh"
    ? ["coalesce", ["get", "name_zh"], ["get", "name_en"], ""]
    : ["coalesce", ["get", "name_en"], ["get", "name_zh"], ""];
}

function kindIs(kind: string): ExpressionSpecification {
  return ["==", ["get", "kind"], kind];
}

function groundLayers(look: Look, isRaster: boolean): LayerSpecification[] {
  const colours = ground[look.appearance];
  const background: LayerSpecification = { id: "ground", type: "background", paint: { "background-color": colours.land } };
  if (isRaster) return [background, { id: "base-raster", type: "raster", source: "base-raster" }];
  return [
    background,
    { id: "sea", type: "fill", source: "sea", paint: { "fill-color": colours.water, "fill-opacity": 0.32, "fill-antialias": false } },
    { id: "land", type: "fill", source: "east-china", filter: kindIs("land"), paint: { "fill-color": colours.land } },
    { id: "urban", type: "fill", source: "east-china", filter: kindIs("urban"), paint: { "fill-color": colours.urban } },
    { id: "green", type: "fill", source: "cambridge-open-space", minzoom: 9, paint: { "fill-color": colours.green } },
    { id: "lake", type: "fill", source: "east-china", filter: kindIs("lake"), paint: { "fill-color": colours.water } },
    {
      id: "river",
      type: "line",
      source: "east-china",
      filter: kindIs("river"),
      layout: { "line-cap": "round", "line-join": "round" },
      paint: { "line-color": colours.water, "line-width": ["interpolate", ["linear"], ["zoom"], 4, ["case", ["<", ["get", "rank"], 4], 1.4, 0.4], 9, ["case", ["<", ["get", "rank"], 4], 5, 2]] },
    },
    ...demoCityGround(look),
    { id: "graticule", type: "line", source: "graticule", maxzoom: 11, paint: { "line-color": colours.grid, "line-width": 0.7 } },
  ];
}

/** So wide on the ground that it keeps its width at every zoom: pixels of 512-pixel tiles at 31.8° N. */
function onTheGround(metres: ExpressionSpecification): ExpressionSpecification {
  const pixelsAt = (zoom: number): ExpressionSpecification => ["*", metres, 2 ** zoom / 66_500];
  return ["interpolate", ["exponential", 2], ["zoom"], 10, pixelsAt(10), 20, pixelsAt(20)];
}

function demoCityGround(look: Look): LayerSpecification[] {
  const colours = ground[look.appearance];
  const base = { source: "demo-city" } as const;
  return [
    { ...base, id: "demo-block", type: "fill", filter: kindIs("block"), paint: { "fill-color": colours.block } },
    { ...base, id: "demo-green", type: "fill", filter: kindIs("green"), paint: { "fill-color": colours.green } },
    { ...base, id: "demo-water", type: "fill", filter: kindIs("water"), paint: { "fill-color": colours.water } },
    {
      ...base,
      id: "demo-street",
      type: "line",
      minzoom: 11,
      filter: kindIs("street"),
      layout: { "line-join": "round", "line-sort-key": ["-", 3, ["get", "class"]] },
      paint: { "line-color": colours.street, "line-width": onTheGround(["*", ["get", "width_m"], 0.85]) },
    },
    { ...base, id: "demo-house", type: "fill", minzoom: 14, filter: kindIs("house"), paint: { "fill-color": colours.house } },
  ];
}

function demoCityLabels(look: Look): LayerSpecification[] {
  const colours = ground[look.appearance];
  const base = { source: "demo-city" } as const;
  const halo = { "text-halo-color": colours.halo, "text-halo-width": 1.2 };
  const water = look.appearance === "dark" ? "#6F9DB8" : "#5B8AA6";
  const green = look.appearance === "dark" ? "#7FA58A" : "#55795C";
  const street = (id: string, streetClass: number, minzoom: number): LayerSpecification => ({
    ...base,
    id,
    type: "symbol",
    minzoom,
    filter: ["all", kindIs("street"), ["==", ["get", "class"], streetClass]] as unknown as FilterSpecification,
    layout: { "symbol-placement": "line", "text-field": nameIn(look.language), "text-font": latinFont, "text-size": 11, "symbol-spacing": 420, "text-max-angle": 30 },
    paint: { ...halo, "text-color": colours.label },
  });
  return [
    street("demo-street-label-3", 3, 16.4),
    street("demo-street-label-2", 2, 15),
    street("demo-street-label-1", 1, 13.4),
    ...[
      { id: "demo-area-label-2", minzoom: 14.2, rank: 2 },
      { id: "demo-area-label-1", minzoom: 12, rank: 1 },
    ].map(({ id, minzoom, rank }): LayerSpecification => ({
      ...base,
      id,
      type: "symbol",
      minzoom,
      filter: ["all", ["in", ["get", "kind"], ["literal", ["water", "green"]]], ["==", ["get", "rank"], rank]] as unknown as FilterSpecification,
      layout: { "text-field": nameIn(look.language), "text-font": latinFont, "text-size": 11, "text-max-width": 8 },
      paint: { ...halo, "text-color": ["match", ["get", "kind"], "water", water, green] },
    })),
  ];
}

function groundLabels(look: Look, isRaster: boolean): LayerSpecification[] {
  if (isRaster) return [];
  const colours = ground[look.appearance];
  const halo = { "text-color": colours.label, "text-halo-color": colours.halo, "text-halo-width": 1.4 };
  return [
    {
      id: "graticule-label",
      type: "symbol",
      source: "graticule",
      maxzoom: 11,
      layout: { "symbol-placement": "line", "text-field": ["get", "label"], "text-font": latinFont, "text-size": 10, "symbol-spacing": 600, "text-offset": [0, -0.7] },
      paint: { "text-color": colours.label, "text-opacity": 0.65 },
    },
    {
      id: "water-label",
      type: "symbol",
      source: "east-china",
      minzoom: 7,
      filter: kindIs("lake"),
      layout: { "text-field": nameIn(look.language), "text-font": latinFont, "text-size": 11 },
      paint: { "text-color": look.appearance === "dark" ? "#6F9DB8" : "#5B8AA6", "text-halo-color": colours.halo, "text-halo-width": 1 },
    },
    {
      id: "river-label",
      type: "symbol",
      source: "east-china",
      minzoom: 7,
      filter: kindIs("river"),
      layout: { "symbol-placement": "line", "text-field": nameIn(look.language), "text-font": latinFont, "text-size": 11 },
      paint: { "text-color": look.appearance === "dark" ? "#6F9DB8" : "#5B8AA6", "text-halo-color": colours.halo, "text-halo-width": 1 },
    },
    {
      id: "green-label",
      type: "symbol",
      source: "cambridge-open-space",
      minzoom: 15,
      layout: { "text-field": nameIn(look.language), "text-font": latinFont, "text-size": 11, "text-max-width": 8 },
      paint: { ...halo, "text-color": look.appearance === "dark" ? "#7FA58A" : "#55795C" },
    },
    ...demoCityLabels(look),
    {
      id: "place-label",
      type: "symbol",
      source: "east-china",
      minzoom: 4,
      maxzoom: 13,
      filter: ["all", kindIs("place"), ["any", ["<=", ["get", "rank"], 4], ["all", [">=", ["zoom"], 5.6], ["<=", ["get", "rank"], 6]], [">=", ["zoom"], 6.8]]],
      layout: {
        "text-field": nameIn(look.language),
        "text-font": latinFont,
        "text-size": ["interpolate", ["linear"], ["zoom"], 4, ["case", ["<=", ["get", "rank"], 4], 12, 10], 10, ["case", ["<=", ["get", "rank"], 4], 17, 14]],
        "symbol-sort-key": ["get", "rank"],
      },
      paint: halo,
    },
  ];
}

/** The value of the theme, with a word for what nobody has filled in. */
export function valueExpression(theme: Theme): ExpressionSpecification {
  return ["coalesce", ["get", theme], notFilled];
}

function shownFilter(look: Look): FilterSpecification {
  if (look.hiddenValues.length === 0) return true;
  return ["!", ["in", valueExpression(look.theme), ["literal", [...look.hiddenValues]]]];
}

function colourExpression(theme: Theme, shade: (colour: string) => string): ExpressionSpecification {
  const branches = valuesOf(theme).flatMap((value) => [value, shade(colourOf(theme, value))]);
  return ["match", valueExpression(theme), ...branches, shade(unknownColour)] as unknown as ExpressionSpecification;
}

function outlineOnlyValues(theme: Theme): string[] {
  return valuesOf(theme).filter((value) => isOutlineOnly(theme, value));
}

type AreaLayer = "parcels" | "buildings";

function assetAreaLayers(layer: AreaLayer, look: Look): LayerSpecification[] {
  const isParcels = layer === "parcels";
  const isDark = look.appearance === "dark";
  const visibility = look.shownLayers.includes(layer) ? "visible" : "none";
  const base = { source: assetSource, "source-layer": layer } as const;
  const outlineOnly = outlineOnlyValues(look.theme);
  const value = valueExpression(look.theme);
  const plainOpacity = isParcels ? (isDark ? 0.42 : 0.35) : 0.8;
  const opacity = look.hasSelection ? plainOpacity * 0.85 : plainOpacity;
  const hatches = valuesOf(look.theme).flatMap((one) => {
    const hatch = hatchOf(look.theme, one);
    return hatch === null ? [] : [[one, hatchNames[hatch]] as const];
  });
  const shade = (colour: string) => (isDark ? colour : darker(colour, isParcels ? 0.28 : 0.4));
  const drawn: FilterSpecification = ["all", shownFilter(look), ["!", ["in", value, ["literal", outlineOnly]]]] as unknown as FilterSpecification;
  return [
    // Nothing to see: it answers how many of each value are in view, whatever is filtered out.
    { ...base, id: `${layer}-count`, type: "fill", layout: { visibility }, paint: { "fill-opacity": 0 } },
    {
      ...base,
      id: `${layer}-fill`,
      type: "fill",
      filter: shownFilter(look),
      layout: { visibility },
      paint: {
        "fill-color": colourExpression(look.theme, (colour) => colour),
        "fill-opacity": outlineOnly.length === 0 ? opacity : ["case", ["in", value, ["literal", outlineOnly]], 0.02, opacity],
        "fill-antialias": false,
      },
    },
    {
      ...base,
      id: `${layer}-hatch`,
      type: "fill",
      minzoom: 12,
      filter: ["all", drawn, ["in", value, ["literal", hatches.map(([one]) => one)]]] as unknown as FilterSpecification,
      layout: { visibility },
      paint: {
        // A match needs a branch; where nothing is hatched, the filter lets nothing through.
        "fill-pattern": hatches.length === 0 ? hatchNames.unknown : (["match", value, ...hatches.flat(), hatchNames.unknown] as unknown as ExpressionSpecification),
        "fill-opacity": isParcels ? 0.4 : 0.75,
      },
    },
    {
      ...base,
      id: `${layer}-line`,
      type: "line",
      filter: drawn,
      layout: { visibility, "line-join": "round" },
      paint: {
        "line-color": colourExpression(look.theme, shade),
        "line-width": isParcels ? ["interpolate", ["linear"], ["zoom"], 12, 0.4, 14, 0.9, 18, 2] : ["interpolate", ["linear"], ["zoom"], 13, 0.3, 18, 1],
        "line-opacity": look.hasSelection ? 0.75 : 0.9,
      },
    },
    {
      ...base,
      id: `${layer}-outline`,
      type: "line",
      filter: ["all", shownFilter(look), ["in", value, ["literal", outlineOnly]]] as unknown as FilterSpecification,
      layout: { visibility },
      paint: { "line-color": colourExpression(look.theme, shade), "line-width": 1.5, "line-dasharray": [3, 2] },
    },
    {
      ...base,
      id: `${layer}-hover`,
      type: "line",
      layout: { visibility, "line-join": "round" },
      paint: {
        "line-color": isDark ? "#FFFFFF" : "#1D2733",
        "line-width": ["case", ["boolean", ["feature-state", "hover"], false], 2.5, 0],
        "line-opacity": ["case", ["boolean", ["feature-state", "hover"], false], 1, 0],
      },
    },
  ];
}

function siteLayers(look: Look): LayerSpecification[] {
  const visibility = look.shownLayers.includes("sites") ? "visible" : "none";
  const base = { source: assetSource, "source-layer": "sites" } as const;
  const colours = ground[look.appearance];
  const colour = look.appearance === "dark" ? "#A9B6C6" : "#43566E";
  return [
    { ...base, id: "sites-count", type: "fill", layout: { visibility }, paint: { "fill-opacity": 0 } },
    {
      ...base,
      id: "sites-line",
      type: "line",
      filter: ["!=", ["geometry-type"], "Point"],
      layout: { visibility, "line-join": "round" },
      paint: { "line-color": colour, "line-width": ["interpolate", ["linear"], ["zoom"], 12, 1, 18, 2.5], "line-dasharray": [3, 2] },
    },
    {
      ...base,
      id: "sites-hover",
      type: "line",
      layout: { visibility },
      paint: { "line-color": colours.text, "line-width": ["case", ["boolean", ["feature-state", "hover"], false], 3, 0] },
    },
    {
      ...base,
      id: "sites-point",
      type: "circle",
      filter: ["==", ["geometry-type"], "Point"],
      layout: { visibility },
      paint: {
        "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 3, 16, 7],
        "circle-color": colours.halo,
        "circle-stroke-color": colour,
        "circle-stroke-width": 2,
      },
    },
  ];
}

/** From which zoom on the assets of a layer carry a label. */
export const labelZooms: Record<LayerName, number> = { parcels: 17, buildings: 16, sites: 15 };

function assetLabels(look: Look): LayerSpecification[] {
  const colours = ground[look.appearance];
  const paint = { "text-color": colours.text, "text-halo-color": colours.halo, "text-halo-width": 1.4 };
  const visibility = (layer: LayerName) => (look.shownLayers.includes(layer) ? "visible" : "none");
  const area = areaLabel(look);
  const code: ExpressionSpecification = ["coalesce", ["get", "code"], ""];
  const labelFilter = (layer: LayerName) =>
    ["all", ["==", ["get", "layer"], layer], ...(layer === "sites" ? [] : [shownFilter(look)])] as unknown as FilterSpecification;
  return [
    {
      id: "parcels-label",
      type: "symbol",
      source: labelSource,
      minzoom: labelZooms.parcels,
      filter: labelFilter("parcels"),
      layout: {
        visibility: visibility("parcels"),
        "text-field": ["format", ["slice", code, ["max", 0, ["-", ["length", code], 5]]], { "text-font": ["literal", boldFont] }, "\n", {}, area, { "font-scale": 0.9 }],
        "text-font": latinFont,
        "text-size": 11,
        "text-max-width": 12,
      },
      paint,
    },
    {
      id: "buildings-label",
      type: "symbol",
      source: labelSource,
      minzoom: labelZooms.buildings,
      filter: labelFilter("buildings"),
      layout: { visibility: visibility("buildings"), "text-field": ["coalesce", ["get", "name"], ["get", "code"], ""], "text-font": latinFont, "text-size": 11, "text-max-width": 8 },
      paint,
    },
    {
      id: "sites-label",
      type: "symbol",
      source: labelSource,
      minzoom: labelZooms.sites,
      filter: labelFilter("sites"),
      layout: { visibility: visibility("sites"), "text-field": ["coalesce", ["get", "name"], ["get", "code"], ""], "text-font": boldFont, "text-size": 13, "text-offset": [0, 1], "text-max-width": 10 },
      paint,
    },
  ];
}

function countOf(theme: Theme, value: string): ExpressionSpecification {
  if (value !== notFilled) return ["coalesce", ["get", `${theme}:${value}`], 0];
  const filled = valuesOf(theme).filter((one) => one !== notFilled);
  return ["max", 0, ["-", ["get", "count"], ["+", 0, ...filled.map((one) => countOf(theme, one))]]] as unknown as ExpressionSpecification;
}

/** How many of a total are left when the filter is applied. */
function visibleCount(look: Look): ExpressionSpecification {
  if (look.hiddenValues.length === 0) return ["get", "count"];
  const shown = valuesOf(look.theme).filter((value) => !look.hiddenValues.includes(value));
  return ["+", 0, ...shown.map((value) => countOf(look.theme, value))] as unknown as ExpressionSpecification;
}

/** A whole number with thin spaces (French grouping has them; its decimal comma is never reached). */
function grouped(value: ExpressionSpecification): ExpressionSpecification {
  return ["number-format", ["round", value], { locale: "fr", "max-fraction-digits": 0 }];
}

/** Square metres as `7 915 ㎡`, from 100 000 up as `10.0 万㎡`. */
function areaLabel(look: Look): ExpressionSpecification {
  const area: ExpressionSpecification = ["coalesce", ["get", "area_m2"], 0];
  const tenths: ExpressionSpecification = ["round", ["/", area, 1000]];
  return [
    "case",
    [">=", area, 100_000],
    ["concat", grouped(["floor", ["/", tenths, 10]]), ".", ["to-string", ["%", tenths, 10]], " ", look.words.tenThousandSquareMetres],
    ["concat", grouped(area), " ", look.words.squareMetres],
  ];
}

function totalsLayers(look: Look): LayerSpecification[] {
  const subject = look.subjectLayer;
  if (subject === null) return [];
  const colours = ground[look.appearance];
  const count = visibleCount(look);
  const base = { source: assetSource, "source-layer": `${subject}_totals` } as const;
  const parts = valuesOf(look.theme).flatMap((value, index) => {
    const share: ExpressionSpecification = look.hiddenValues.includes(value)
      ? ["literal", 0] as unknown as ExpressionSpecification
      : ["round", ["/", ["*", ringParts, countOf(look.theme, value)], ["max", 1, count]]];
    return [...(index === 0 ? [] : [","]), ["to-string", share]];
  });
  const ringName = [
    "concat",
    `ring/${look.theme}/${look.appearance}/`,
    ["to-string", ["round", ["*", 4, ["log10", ["max", 1, count]]]]],
    "/",
    ...parts,
  ] as unknown as ExpressionSpecification;
  const area = areaLabel(look);
  return [
    { ...base, id: "totals-count", type: "circle", paint: { "circle-radius": 1, "circle-opacity": 0 } },
    // What is drawn last is placed first: an area that would lie on another's ring gives way to it.
    ...(look.hiddenValues.length > 0
      ? []
      : [
          {
            ...base,
            id: "totals-area",
            type: "symbol",
            layout: {
              "text-field": area,
              "text-font": latinFont,
              "text-size": 11,
              "text-anchor": "top",
              "text-padding": 0,
              // The label hangs just under its ring, whose size follows the count.
              "text-offset": ["step", ["get", "count"], ["literal", [0, 1.8]], 10, ["literal", [0, 2.1]], 100, ["literal", [0, 2.45]], 1000, ["literal", [0, 2.75]], 10_000, ["literal", [0, 3.1]]],
            },
            paint: { "text-color": colours.text, "text-halo-color": colours.halo, "text-halo-width": 1.4 },
          } satisfies LayerSpecification,
        ]),
    {
      ...base,
      id: "totals",
      type: "symbol",
      filter: [">", count, 0] as unknown as FilterSpecification,
      layout: {
        "icon-image": ringName,
        "icon-allow-overlap": true,
        "icon-padding": 0,
        "text-field": grouped(count),
        "text-font": boldFont,
        "text-size": ["step", count, 12, 10_000, 11],
        "text-allow-overlap": true,
        "symbol-sort-key": count,
      },
      paint: { "text-color": colours.text },
    },
  ];
}

/** Where something was found at fault: a ring that leaves the asset's own colour to be seen. */
function findingRings(look: Look): LayerSpecification[] {
  const isDark = look.appearance === "dark";
  const ring = (id: string, colour: string, width: number): LayerSpecification => ({
    id,
    type: "circle",
    source: "findings",
    paint: {
      "circle-radius": ["interpolate", ["linear"], ["zoom"], 10, 4, 14, 7, 17, 11],
      "circle-color": "rgba(0,0,0,0)",
      "circle-stroke-color": colour,
      "circle-stroke-width": width,
    },
  });
  return [ring("findings-casing", isDark ? "#0B0F14" : "#FFFFFF", 4.5), ring("findings-ring", isDark ? "#F08A83" : "#B3261E", 2.5)];
}

/** A shape on its way: what is settled in full, the line to the pointer and back dashed, a handle on every corner. */
function drawingLayers(look: Look): LayerSpecification[] {
  const colour = look.appearance === "dark" ? locatedDark : located;
  const casing = look.appearance === "dark" ? "#0B0F14" : "#FFFFFF";
  const source = "drawing";
  return [
    { id: "drawing-fill", type: "fill", source, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": colour, "fill-opacity": 0.12 } },
    { id: "drawing-casing", type: "line", source, layout: { "line-join": "round" }, paint: { "line-color": casing, "line-width": 4 } },
    { id: "drawing-line", type: "line", source, layout: { "line-join": "round" }, paint: { "line-color": colour, "line-width": 2, "line-dasharray": [2, 1.5] } },
    { id: "drawing-corners", type: "circle", source, filter: ["==", ["geometry-type"], "Point"], paint: { "circle-radius": 5, "circle-color": casing, "circle-stroke-color": colour, "circle-stroke-width": 2.5 } },
  ];
}

function overlayLayers(look: Look): LayerSpecification[] {
  const line = look.appearance === "dark" ? darkAccent : accent;
  const casing = look.appearance === "dark" ? "#0B0F14" : "#FFFFFF";
  const pointFilter: FilterSpecification = ["==", ["geometry-type"], "Point"];
  const pair = (source: OverlaySource, colour: string): LayerSpecification[] => [
    { id: `${source}-casing`, type: "line", source, layout: { "line-join": "round" }, paint: { "line-color": casing, "line-width": 5 } },
    { id: `${source}-line`, type: "line", source, layout: { "line-join": "round" }, paint: { "line-color": colour, "line-width": 3 } },
    { id: `${source}-point`, type: "circle", source, filter: pointFilter, paint: { "circle-radius": 9, "circle-color": "rgba(0,0,0,0)", "circle-stroke-color": colour, "circle-stroke-width": 3 } },
  ];
  const originalLine = (source: OverlaySource): LayerSpecification => ({
    id: `${source}-line`,
    type: "line",
    source,
    paint: { "line-color": "#D9662B", "line-width": 2, "line-dasharray": [2, 1.5] },
  });
  return [...pair("selection", line), originalLine("original"), ...pair("located", located), originalLine("located-original"), ...findingRings(look), ...drawingLayers(look)];
}

export function buildSources(settings: MapSettings, tiles: string[], zooms: { minzoom: number; maxzoom: number }): Record<string, SourceSpecification> {
  const isRaster = settings.base_map.kind === "raster";
  const holdsDemoCity = settings.datasets.some((dataset) => dataset.name === demoCity.dataset);
  const overlays = Object.fromEntries(overlaySources.map((name) => [name, { type: "geojson", data: empty } satisfies SourceSpecification]));
  const base: Record<string, SourceSpecification> = isRaster
    ? {}
    : {
        sea: { type: "geojson", data: seaBoxes(), tolerance: 0 },
        "east-china": { type: "geojson", data: eastChina, maxzoom: 12 },
        "cambridge-open-space": { type: "geojson", data: cambridgeOpenSpace, maxzoom: 14 },
        "demo-city": { type: "geojson", data: holdsDemoCity ? demoCity.file : empty, maxzoom: 15, tolerance: 0.2 },
        graticule: { type: "geojson", data: empty },
      };
  if (settings.base_map.kind === "raster") {
    base["base-raster"] = { type: "raster", tiles: settings.base_map.tiles, tileSize: 256 };
  }
  return { ...base, [assetSource]: { type: "vector", tiles, ...zooms }, [labelSource]: { type: "geojson", data: empty }, ...overlays };
}

export function buildLayers(look: Look, isRaster: boolean): LayerSpecification[] {
  return [
    ...groundLayers(look, isRaster),
    ...assetAreaLayers("parcels", look),
    ...assetAreaLayers("buildings", look),
    ...siteLayers(look),
    ...groundLabels(look, isRaster),
    ...overlayLayers(look),
    ...assetLabels(look),
    ...totalsLayers(look),
  ];
}
