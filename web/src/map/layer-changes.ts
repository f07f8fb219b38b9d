// What has to be done to a map's layers so that they become the wished ones: pure, so that it can be tested alone.
import type { LayerSpecification } from "maplibre-gl";

type Bag = Record<string, unknown>;

export type LayerChange =
  | { kind: "remove"; id: string }
  | { kind: "add"; layer: LayerSpecification; before: string | undefined }
  | { kind: "filter"; id: string; filter: unknown }
  | { kind: "paint" | "layout"; id: string; name: string; value: unknown };

const structural = ["type", "source", "source-layer", "minzoom", "maxzoom"];

function isEqual(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function propertyChanges(kind: "paint" | "layout", id: string, before: Bag = {}, after: Bag = {}): LayerChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !isEqual(before[name], after[name])).map((name) => ({ kind, id, name, value: after[name] }));
}

/** Changes in the order in which they must be made. Layers keep their place; a moved layer is not expected. */
export function layerChanges(before: readonly LayerSpecification[], after: readonly LayerSpecification[]): LayerChange[] {
  const present = new Map(before.map((layer) => [layer.id, layer as unknown as Bag]));
  const wanted = new Set(after.map((layer) => layer.id));
  const changes: LayerChange[] = [];
  for (const { id } of before) if (!wanted.has(id)) changes.push({ kind: "remove", id });
  let next: string | undefined;
  for (const layer of [...after].reverse()) {
    const old = present.get(layer.id);
    const bag = layer as unknown as Bag;
    if (old === undefined) {
      changes.push({ kind: "add", layer, before: next });
    } else if (structural.some((name) => !isEqual(old[name], bag[name]))) {
      changes.push({ kind: "remove", id: layer.id }, { kind: "add", layer, before: next });
    } else {
      if (!isEqual(old["filter"], bag["filter"])) changes.push({ kind: "filter", id: layer.id, filter: bag["filter"] });
      changes.push(...propertyChanges("layout", layer.id, old["layout"] as Bag, bag["layout"] as Bag));
      changes.push(...propertyChanges("paint", layer.id, old["paint"] as Bag, bag["paint"] as Bag));
    }
    next = layer.id;
  }
  return changes;
}
