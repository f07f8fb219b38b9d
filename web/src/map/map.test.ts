import { validateStyleMin } from "@maplibre/maplibre-gl-style-spec";
import type { LayerSpecification } from "maplibre-gl";
import { describe, expect, it } from "vitest";
import type { MapSettings } from "@/api/types";
import { toOwnZone } from "@/map/gauss-kruger";
import { graticule } from "@/map/graticule";
import { hatchPixels, parseRingName } from "@/map/images";
import { labelPoints } from "@/map/labels";
import { layerChanges } from "@/map/layer-changes";
import { scaleBar } from "@/map/scale";
import { buildLayers, buildSources, type Look } from "@/map/style";
import { themes } from "@/vocabulary";

const look: Look = {
  appearance: "light",
  language: "zh",
  theme: "title_status",
  hiddenValues: [],
  shownLayers: ["parcels", "buildings", "sites"],
  subjectLayer: "parcels",
  hasSelection: false,
  words: { squareMetres: "m²", tenThousandSquareMetres: "ha" },
};
const settings: MapSettings = {
  center: [119.95, 31.78],
  zoom: 9,
  bounds: null,
  credits: [],
  base_map: { kind: "bundled" },
  datasets: [],
  today: "2026-11-21",
  ready: true,
};
const demo: MapSettings = { ...settings, datasets: [{ name: "demo-city", licence: null, credit: null, made_up: true }] };
const raster: MapSettings = { ...settings, base_map: { kind: "raster", tiles: ["/base/{z}/{x}/{y}.png"] } };

describe("style", () => {
  const looks: [string, Look, MapSettings][] = [
    ...themes.map((theme): [string, Look, MapSettings] => [theme, { ...look, theme }, settings]),
    ["dark", { ...look, appearance: "dark" }, settings],
    ["filtered", { ...look, hiddenValues: ["unified", "none"] }, settings],
    ["filtered by stage", { ...look, theme: "case_phase", hiddenValues: ["none", "titling"] }, settings],
    ["selected", { ...look, hasSelection: true, theme: "occupancy" }, settings],
    ["nothing shown", { ...look, shownLayers: [], subjectLayer: null }, settings],
    ["raster ground", look, raster],
    ["demo city", look, demo],
  ];
  it.each(looks)("is valid: %s", (_name, one, from) => {
    const problems = validateStyleMin({
      version: 8,
      glyphs: "http://localhost/glyphs/{fontstack}/{range}.pbf",
      sources: buildSources(from, ["http://localhost/tiles/{z}/{x}/{y}"], { minzoom: 0, maxzoom: 18 }),
      layers: buildLayers(one, from.base_map.kind === "raster"),
    } as never);
    expect(problems.map((problem) => problem.message)).toEqual([]);
  });
  it("draws the demo city's ground for nobody but the demo city", () => {
    const groundOf = (from: MapSettings) => JSON.stringify(buildSources(from, ["/tiles/{z}/{x}/{y}"], { minzoom: 0, maxzoom: 18 }));
    expect(groundOf(demo)).toContain("/basemap/demo-city.geojson");
    expect(groundOf(settings)).not.toContain("/basemap/demo-city.geojson");
  });
  it("asks no outside host for anything", () => {
    const text = JSON.stringify([buildSources(settings, ["/tiles/{z}/{x}/{y}"], { minzoom: 0, maxzoom: 18 }), buildLayers(look, false)]);
    expect(text).not.toMatch(/https?:\/\//);
  });
});

describe("layer changes", () => {
  const apply = (before: LayerSpecification[], changes: ReturnType<typeof layerChanges>) => {
    const layers = structuredClone(before) as Record<string, unknown>[];
    for (const change of changes) {
      const id = change.kind === "add" ? change.layer.id : change.id;
      const at = layers.findIndex((layer) => layer["id"] === id);
      if (change.kind === "remove") layers.splice(at, 1);
      else if (change.kind === "add") {
        const before = layers.findIndex((layer) => layer["id"] === change.before);
        layers.splice(before === -1 ? layers.length : before, 0, structuredClone(change.layer) as never);
      } else if (change.kind === "filter") (layers[at] as Record<string, unknown>)["filter"] = change.filter;
      else ((layers[at] as Record<string, Record<string, unknown>>)[change.kind] ??= {})[change.name] = change.value;
    }
    return JSON.parse(JSON.stringify(layers)) as unknown;
  };
  const normal = (layers: LayerSpecification[]) => JSON.parse(JSON.stringify(layers)) as unknown;
  const wishes: Look[] = [
    look,
    { ...look, theme: "occupancy", hasSelection: true },
    { ...look, theme: "case_phase", hiddenValues: ["none"] },
    { ...look, hiddenValues: ["unified"], subjectLayer: "buildings", shownLayers: ["buildings"] },
    { ...look, subjectLayer: null, shownLayers: [] },
    { ...look, appearance: "dark", language: "en" },
  ];
  it("lead from any look to any other", () => {
    for (const from of wishes) {
      for (const to of wishes) {
        const [before, after] = [buildLayers(from, false), buildLayers(to, false)];
        expect(apply(before, layerChanges(before, after))).toEqual(normal(after));
      }
    }
  });
  it("are none when nothing differs", () => {
    expect(layerChanges(buildLayers(look, false), buildLayers({ ...look }, false))).toEqual([]);
  });
});

describe("Gauss–Krüger", () => {
  it("agrees with PROJ for EPSG:4490 to EPSG:4527", () => {
    const position = toOwnZone(117.0, 36.65);
    expect(position?.zone).toBe(39);
    expect(position?.easting_m).toBeCloseTo(39_500_000, 3);
    expect(position?.northing_m).toBeCloseTo(4_057_669.946, 2);
  });
  it("agrees with PROJ off the meridian for EPSG:4490 to EPSG:4528", () => {
    const position = toOwnZone(119.0, 31.78);
    expect(position?.zone).toBe(40);
    expect(position?.easting_m).toBeCloseTo(40_405_279.7716, 2);
    expect(position?.northing_m).toBeCloseTo(3_517_893.1174, 2);
  });
  it("has nothing to say outside China's zones", () => {
    expect(toOwnZone(-71, 42)).toBeNull();
  });
});

it("scales to a round length that fits", () => {
  const bar = scaleBar(31.78, 14, 110);
  expect(bar.metres).toBe(200);
  expect(bar.pixels).toBeLessThanOrEqual(110);
  expect(bar.pixels).toBeGreaterThan(40);
});

it("draws a handful of lines at every width", () => {
  for (const width of [1, 8, 60, 300]) {
    const lines = graticule(-width / 2, -10, width / 2, 10).features;
    expect(lines.length).toBeGreaterThan(2);
    expect(lines.length).toBeLessThan(120);
  }
  expect(graticule(119.6, 31, 121, 32).features.map((line) => line.properties.label)).toContain("120°E");
});

it("hatches without a seam", () => {
  for (const hatch of ["unknown", "idle", "dangerous"] as const) {
    const { width, height, data } = hatchPixels(hatch);
    const alpha = (x: number, y: number) => data[(((y + height) % height) * width + ((x + width) % width)) * 4 + 3];
    // Moving along the diagonal changes nothing, across the edges too.
    if (hatch !== "dangerous") for (let i = 0; i < width; i++) expect(alpha(i, 3)).toBe(alpha(i + 1, 2));
  }
});

it("reads the names of rings", () => {
  expect(parseRingName("ring/usage/dark/12/1,2,3")).toEqual({ theme: "usage", isDark: true, size: 12, parts: [1, 2, 3] });
  expect(parseRingName("hatch-idle")).toBeNull();
});

it("labels an asset once, in its largest piece", () => {
  const square = (x: number, size: number) => ({ type: "Polygon" as const, coordinates: [[[x, 0], [x + size, 0], [x + size, size], [x, size], [x, 0]]] });
  const labels = labelPoints([
    { layer: "parcels", properties: { id: "a" }, geometry: square(0, 1) },
    { layer: "parcels", properties: { id: "a" }, geometry: square(10, 4) },
    { layer: "parcels", properties: { id: "b" }, geometry: square(20, 2) },
  ]);
  expect(labels.features.map((label) => [label.properties?.["id"], label.geometry.coordinates])).toEqual([
    ["a", [12, 2]],
    ["b", [21, 1]],
  ]);
});
