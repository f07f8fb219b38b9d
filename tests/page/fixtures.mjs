// Two years of a small estate: made up, in a place of its own for every run.
import assert from "node:assert/strict";
import { ask } from "./drivers/browser.mjs";

const runs = `${Date.now().toString(36)}${Math.floor(Math.random() * 1296).toString(36)}`;
const cell = 0.0006; // degrees: about 57 m by 66 m
const columns = 5;

const statuses = ["unified", "other_handed", "other_not_handed", "none_handed", "none_not_handed"];
const usages = ["administrative_office", "housing_security", "technical", "public_service", "idle_land"];

function square(west, south, width = cell * 0.9, height = cell * 0.9) {
  return {
    type: "Polygon",
    coordinates: [[[west, south], [west + width, south], [west + width, south + height], [west, south + height], [west, south]]],
  };
}

/** A square whose last corner is visited twice by way of a tiny loop: wrong, and mended without a change of area. */
function knotted(west, south) {
  const size = cell * 0.9;
  const loop = 0.0000004;
  return {
    type: "Polygon",
    coordinates: [[
      [west, south], [west + size, south], [west + size, south + size], [west + loop, south + size],
      [west, south + size + loop], [west, south + size], [west + loop, south + size + loop], [west, south + size / 2], [west, south],
    ]],
  };
}

function feature(key, geometry, properties) {
  return { type: "Feature", id: key, properties: { id: key, ...properties }, geometry };
}

/**
 * An estate of twenty parcels. In its second year one parcel is wider, one is gone and one is new; the first year's file
 * also has a row without a shape and one whose key was there before.
 */
export function estate(name) {
  const prefix = `${name}-${runs}`;
  // Estates lie apart, so that one test's parcels never cover another's.
  const slot = [...prefix].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 4000, 7);
  const west = 119.97 + (slot % 60) * 0.006;
  const south = 31.5 + Math.floor(slot / 60) * 0.006;
  const place = (index) => [west + (index % columns) * cell, south + Math.floor(index / columns) * cell];
  const key = (index) => `${prefix}-${String(index + 1).padStart(2, "0")}`;
  const parcel = (index, geometry = square(...place(index))) =>
    feature(key(index), geometry, {
      code: key(index),
      name: `${name} ${index + 1}`,
      address: `${prefix} road ${index + 1}`,
      title_status: statuses[index % statuses.length],
      usage: usages[index % usages.length],
      occupancy: index % 4 === 0 ? "idle" : "in_use",
      registered_area_m2: index === 0 ? 9999 : null,
    });
  const all = Array.from({ length: 20 }, (_, index) => parcel(index));
  const collection = (features) => JSON.stringify({ type: "FeatureCollection", features });
  const first = collection([
    ...all,
    feature(`${prefix}-empty`, null, { code: `${prefix}-empty` }),
    { ...parcel(3), properties: { ...parcel(3).properties, name: "the same key again" } },
  ]);
  const widened = square(...place(7), cell * 0.9, cell * 0.98);
  const second = collection([
    ...all.map((one, index) => (index === 7 ? parcel(7, widened) : one)).filter((_, index) => index !== 19),
    parcel(20),
  ]);
  return {
    prefix,
    dataset: prefix,
    keyOf: key,
    firstYear: { name: `${prefix}.geojson`, text: first },
    secondYear: { name: `${prefix}.geojson`, text: second },
    knotted: { name: `${prefix}-knotted.geojson`, text: collection([feature(`${prefix}-k`, knotted(...place(0)), { code: `${prefix}-k` })]) },
    broken: { name: `${prefix}-broken.geojson`, text: first.slice(0, first.length / 2) },
    /** The middle of a parcel. */
    middleOf: (index) => {
      const [x, y] = place(index);
      return { longitude: x + cell * 0.45, latitude: y + cell * 0.45 };
    },
  };
}

/** Puts the estate into the registry without the page. */
export async function importOnce(here) {
  const form = new FormData();
  form.set("layer", "parcels");
  form.set("dataset", here.dataset);
  form.set("valid_from", "2023-01-01");
  form.set("file", new File([here.firstYear.text], here.firstYear.name));
  const { id } = await (await ask(`/api/v1/imports`, { method: "POST", body: form })).json();
  for (let i = 0; i < 200; i++) {
    const { state, problem } = await (await ask(`/api/v1/imports/${id}`)).json();
    if (state === "done") return;
    assert.notEqual(state, "failed", JSON.stringify(problem));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail("the import did not end");
}
